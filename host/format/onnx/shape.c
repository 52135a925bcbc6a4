/* SPDX-License-Identifier: MIT
 * format/onnx/shape.c - operators on shapes: what they ask and what they make is known. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "format/onnx/onnx.h"

/* --- questions -------------------------------------------------------------------------------- */

/* The axes of input k in a world. */
static clrnn_status shape_of(onnx_node *n, uint32_t k, int world, uint32_t *rank, uint64_t *size)
{
    const onnx_value *v = n->in[k];
    if (v->known) {
        clrnn_status status = clr_onnx_need(n, k, "input");
        if (status != CLRNN_OK)
            return status;
        *rank = v->array[world].rank;
        memcpy(size, v->array[world].size, *rank * sizeof *size);
        return CLRNN_OK;
    }
    *rank = clr_onnx_shape(n, v->at)->rank;
    for (uint32_t i = 0; i < *rank; i++)
        size[i] = clr_onnx_size(n, v->at, i, world);
    return CLRNN_OK;
}

/* start and end of Shape, from opset 15 on. */
static clrnn_status shape_range(onnx_node *n, uint32_t rank, uint32_t *first, uint32_t *last)
{
    int64_t start = 0, end = rank;
    clrnn_status status = clr_onnx_integer(n, "start", 0, &start);
    if (status == CLRNN_OK)
        status = clr_onnx_integer(n, "end", rank, &end);
    start += start < 0 ? rank : 0;
    end += end < 0 ? rank : 0;
    start = start < 0 ? 0 : start > rank ? rank : start;
    end = end < start ? start : end > rank ? rank : end;
    *first = (uint32_t)start;
    *last = (uint32_t)end;
    return status;
}

static clrnn_status ask(onnx_node *n, int world, onnx_array *out)
{
    uint32_t rank = 0, first = 0, last = 0;
    uint64_t size[CLRNN_MOST_AXES];
    const bool count = strcmp(n->op, "Size") == 0;
    clrnn_status status = shape_of(n, 0, world, &rank, size);
    if (status == CLRNN_OK && !count)
        status = shape_range(n, rank, &first, &last);
    *out = (onnx_array){.type = ONNX_INT, .rank = count ? 0 : 1, .size = {last - first}};
    if (status == CLRNN_OK)
        status = clr_onnx_allocate(n, out);
    if (status != CLRNN_OK)
        return status;
    if (count)
        out->data[0] = 1;
    for (uint32_t i = 0; count && i < rank; i++)
        out->data[0] *= (double)size[i];
    for (uint32_t i = first; !count && i < last; i++)
        out->data[i - first] = (double)size[i];
    return CLRNN_OK;
}

static clrnn_status ask_build(onnx_node *n)
{
    onnx_array out[ONNX_WORLDS] = {{0}};
    clrnn_status status = CLRNN_OK;
    for (int w = 0; w < ONNX_WORLDS && status == CLRNN_OK; w++)
        status = ask(n, w, &out[w]);
    const bool same = status == CLRNN_OK && clr_onnx_equal(&out[0], &out[1]);
    if (same)
        clr_onnx_array_free(&out[1]);
    if (status == CLRNN_OK) {
        clr_onnx_set_known(n, 0, &out[0], same ? NULL : &out[1]);
        if (n->outputs)
            n->out[0].origins = 0; /* of a shape, not of elements */
    }
    clr_onnx_array_free(&out[0]);
    clr_onnx_array_free(&out[1]);
    return status;
}

/* --- constants -------------------------------------------------------------------------------- */

static clrnn_status constant_numbers(onnx_node *n, onnx_array *out, onnx_type type, uint32_t rank,
                                     size_t count)
{
    *out = (onnx_array){.type = type, .rank = rank, .size = {count}};
    return clr_onnx_allocate(n, out);
}

static clrnn_status constant_fold(onnx_node *n, const onnx_array *const *in, onnx_array *out)
{
    const ClrOnnx__Attribute *a;
    clrnn_status status;
    (void)in;
    if ((a = clr_onnx_attribute(n, "value")) && a->t)
        return clr_onnx_decode(n->m->file, n->m->log, a->t, n->label, out);
    if ((a = clr_onnx_attribute(n, "value_float")) || (a = clr_onnx_attribute(n, "value_int"))) {
        const bool real = a->name[6] == 'f';
        status = constant_numbers(n, out, real ? ONNX_REAL : ONNX_INT, 0, 1);
        if (status == CLRNN_OK)
            out->data[0] = real ? (double)a->f : (double)a->i;
        return status;
    }
    if ((a = clr_onnx_attribute(n, "value_floats")) || (a = clr_onnx_attribute(n, "value_ints"))) {
        const bool real = a->name[6] == 'f';
        const size_t count = real ? a->n_floats : a->n_ints;
        status = constant_numbers(n, out, real ? ONNX_REAL : ONNX_INT, 1, count);
        for (size_t i = 0; status == CLRNN_OK && i < count; i++)
            out->data[i] = real ? (double)a->floats[i] : (double)a->ints[i];
        return status;
    }
    return clr_onnx_fail(n, CLRNN_ERR_UNSUPPORTED, "a constant of no numbers");
}

/* Sizes from a known array of whole numbers. */
static clrnn_status sizes_from(onnx_node *n, const onnx_array *from, onnx_array *to)
{
    const size_t count = clr_onnx_count(from);
    if (from->rank > 1 || count > CLRNN_MOST_AXES)
        return clr_onnx_fail(n, CLRNN_ERR_UNSUPPORTED, "a shape of %zu axes", count);
    to->rank = (uint32_t)count;
    for (uint32_t i = 0; i < to->rank; i++) {
        const double d = clr_onnx_at(from, i);
        if (!(d >= 0 && d <= 1e15))
            return clr_onnx_fail(n, CLRNN_ERR_FORMAT, "axis %u of its shape is %g", i, d);
        to->size[i] = (uint64_t)d;
    }
    return CLRNN_OK;
}

static clrnn_status fill_fold(onnx_node *n, const onnx_array *const *in, onnx_array *out)
{
    const ClrOnnx__Attribute *a = clr_onnx_attribute(n, "value");
    onnx_array value = {0};
    *out = (onnx_array){.filled = true};
    clrnn_status status = sizes_from(n, in[0], out);
    if (status == CLRNN_OK && a && a->t)
        status = clr_onnx_decode(n->m->file, n->m->log, a->t, n->label, &value);
    if (status == CLRNN_OK && value.data && clr_onnx_count(&value) != 1)
        status = clr_onnx_fail(n, CLRNN_ERR_FORMAT, "its value is not one number");
    if (status == CLRNN_OK)
        status = clr_onnx_allocate(n, out);
    if (status == CLRNN_OK && value.data) {
        out->data[0] = value.data[0];
        out->type = value.type;
    }
    clr_onnx_array_free(&value);
    return status;
}

/* What early exporters wrote for ConstantOfShape, with a number as its value. */
static clrnn_status old_fill_fold(onnx_node *n, const onnx_array *const *in, onnx_array *out)
{
    int64_t by_input = 0, type = 1;
    double value = 0;
    *out = (onnx_array){.filled = true};
    clrnn_status status = clr_onnx_integer(n, "input_as_shape", 0, &by_input);
    if (status == CLRNN_OK)
        status = clr_onnx_integer(n, "dtype", 1, &type);
    if (status == CLRNN_OK)
        status = clr_onnx_real(n, "value", 0, &value);
    if (status == CLRNN_OK &&
        (!by_input || !clr_onnx_type_of(type < INT32_MAX ? (int32_t)type : 0, &out->type)))
        status = clr_onnx_fail(n, CLRNN_ERR_UNSUPPORTED, "other than by an input, of numbers");
    if (status == CLRNN_OK)
        status = sizes_from(n, in[0], out);
    if (status == CLRNN_OK)
        status = clr_onnx_allocate(n, out);
    if (status == CLRNN_OK)
        out->data[0] = value;
    return status;
}

static clrnn_status range_fold(onnx_node *n, const onnx_array *const *in, onnx_array *out)
{
    for (int k = 0; k < 3; k++)
        if (clr_onnx_count(in[k]) != 1)
            return clr_onnx_fail(n, CLRNN_ERR_FORMAT, "its inputs are not numbers");
    const double start = in[0]->data[0], limit = in[1]->data[0], delta = in[2]->data[0];
    const double count = delta != 0 ? ceil((limit - start) / delta) : -1;
    if (!(count <= 1e9) || delta == 0)
        return clr_onnx_fail(n, CLRNN_ERR_RANGE, "from %g to %g by %g", start, limit, delta);
    *out = (onnx_array){.type = in[0]->type, .rank = 1, .size = {count > 0 ? (uint64_t)count : 0}};
    clrnn_status status = clr_onnx_allocate(n, out);
    for (size_t i = 0; status == CLRNN_OK && i < out->size[0]; i++)
        out->data[i] = start + (double)i * delta;
    return status;
}

/* --- other shapes ----------------------------------------------------------------------------- */

/* What Reshape makes of a shape: 0 keeps an axis, -1 is the rest. */
static clrnn_status reshape_sizes(onnx_node *n, const onnx_array *to, uint32_t rank,
                                  const uint64_t *from, onnx_array *out)
{
    int64_t allow_zero = 0;
    int rest = -1;
    double all = 1, others = 1;
    clrnn_status status = clr_onnx_integer(n, "allowzero", 0, &allow_zero);
    const size_t count = clr_onnx_count(to);
    if (status == CLRNN_OK && (to->rank > 1 || count > CLRNN_MOST_AXES))
        status = clr_onnx_fail(n, CLRNN_ERR_UNSUPPORTED, "a shape of %zu axes", count);
    if (status != CLRNN_OK)
        return status;
    out->rank = (uint32_t)count;
    for (uint32_t i = 0; i < rank; i++)
        all *= (double)from[i];
    for (uint32_t i = 0; i < out->rank; i++) {
        const double d = clr_onnx_at(to, i);
        if (d == -1 && rest < 0)
            rest = (int)i;
        else if (d == 0 && !allow_zero && i < rank)
            out->size[i] = from[i];
        else if (d >= 0 && d <= 1e15)
            out->size[i] = (uint64_t)d;
        else
            return clr_onnx_fail(n, CLRNN_ERR_FORMAT, "axis %u of its shape is %g", i, d);
        others *= (int)i == rest ? 1 : (double)out->size[i];
    }
    if (rest >= 0)
        out->size[rest] = others > 0 ? (uint64_t)(all / others) : 0;
    return all == others * (rest >= 0 ? (double)out->size[rest] : 1) ? CLRNN_OK
           : n->m->open
               ? clr_onnx_fail(n, CLRNN_ERR_NEEDS_SIZE, "a shape for some T or N alone")
               : clr_onnx_fail(n, CLRNN_ERR_FORMAT, "%.0f elements into another shape", all);
}

/* The new shape in one world: of Reshape, Flatten, Squeeze and Unsqueeze. */
static clrnn_status new_shape(onnx_node *n, int world, uint32_t rank, const uint64_t *from,
                              onnx_array *out)
{
    uint32_t axes[CLRNN_MOST_AXES], count = 0, bits = 0, i = 0;
    bool given = false;
    if (strcmp(n->op, "Reshape") == 0) {
        clrnn_status status = clr_onnx_need(n, 1, "shape");
        return status == CLRNN_OK ? reshape_sizes(n, &n->in[1]->array[world], rank, from, out)
                                  : status;
    }
    if (strcmp(n->op, "Flatten") == 0) {
        int64_t axis = 1;
        clrnn_status status = clr_onnx_integer(n, "axis", 1, &axis);
        axis += axis < 0 ? rank : 0;
        if (status == CLRNN_OK && (axis < 0 || axis > rank))
            status = clr_onnx_fail(n, CLRNN_ERR_FORMAT, "axis %lld", (long long)axis);
        out->rank = 2;
        out->size[0] = out->size[1] = 1;
        for (i = 0; i < rank; i++)
            out->size[i >= axis] *= from[i];
        return status;
    }
    const bool in = strcmp(n->op, "Unsqueeze") == 0;
    int64_t list[CLRNN_MOST_AXES];
    clrnn_status status = clr_onnx_list(n, "axes", 1, CLRNN_MOST_AXES, list, &count, &given);
    if (status == CLRNN_OK && in && rank + count > CLRNN_MOST_AXES)
        status = clr_onnx_fail(n, CLRNN_ERR_UNSUPPORTED, "%u axes", rank + count);
    if (status == CLRNN_OK)
        status = clr_onnx_axes(n, 1, in ? rank + count : rank, axes, &count, &given);
    if (status != CLRNN_OK)
        return status;
    for (i = 0; i < count; i++)
        bits |= 1u << axes[i];
    if (!in && !given)
        for (i = 0; i < rank; i++)
            bits |= from[i] == 1 ? 1u << i : 0u;
    uint32_t at = 0;
    out->rank = 0;
    for (i = 0; i < (in ? rank + count : rank); i++) {
        const bool one = bits >> i & 1;
        if (in)
            out->size[out->rank++] = one ? 1 : from[at++];
        else if (!one)
            out->size[out->rank++] = from[i];
        else if (from[i] != 1)
            return clr_onnx_fail(n, CLRNN_ERR_FORMAT, "axis %u is not of size 1", i);
    }
    return CLRNN_OK;
}

static clrnn_status reshape_fold(onnx_node *n, const onnx_array *const *in, onnx_array *out)
{
    const int world = in[0] == &n->in[0]->array[1];
    onnx_array copy;
    if (!clr_onnx_copy(in[0], &copy))
        return clr_onnx_fail(n, CLRNN_ERR_MEMORY, "out of memory");
    clrnn_status status = new_shape(n, world, in[0]->rank, in[0]->size, &copy);
    *out = copy;
    if (status == CLRNN_OK && clr_onnx_count(&copy) != clr_onnx_count(in[0]))
        status = clr_onnx_fail(n, CLRNN_ERR_FORMAT, "a shape of other elements");
    return status;
}

static clrnn_status reshape_build(onnx_node *n)
{
    onnx_array to[ONNX_WORLDS] = {{0}};
    uint32_t at = 0, rank = 0;
    uint64_t from[CLRNN_MOST_AXES];
    clrnn_status status = clr_onnx_graph_in(n, 0, &at);
    for (int w = 0; w < ONNX_WORLDS && status == CLRNN_OK; w++) {
        status = shape_of(n, 0, w, &rank, from);
        if (status == CLRNN_OK)
            status = new_shape(n, w, rank, from, &to[w]);
    }
    uint64_t *const size[ONNX_WORLDS] = {to[0].size, to[1].size};
    if (status == CLRNN_OK && to[0].rank != to[1].rank)
        status = clr_onnx_fail(n, CLRNN_ERR_UNSUPPORTED, "as many axes as T or N says");
    if (status == CLRNN_OK)
        status = clr_onnx_add_reshape(n, to[0].rank, size, at, &at);
    if (status == CLRNN_OK)
        clr_onnx_set_graph(n, 0, at, n->in[0]->type);
    return status;
}

/* --- repeating -------------------------------------------------------------------------------- */

static clrnn_status expand_fold(onnx_node *n, const onnx_array *const *in, onnx_array *out)
{
    onnx_array to = {0};
    clrnn_status status = sizes_from(n, in[1], &to);
    *out = (onnx_array){.type = in[0]->type};
    if (status == CLRNN_OK && !clr_onnx_broadcast(in[0], &to, out))
        status = clr_onnx_fail(n, CLRNN_ERR_FORMAT, "its input cannot be broadcast to its shape");
    out->filled = in[0]->filled || clr_onnx_count(in[0]) == 1;
    if (status == CLRNN_OK)
        status = clr_onnx_allocate(n, out);
    for (size_t i = 0; status == CLRNN_OK && i < (out->filled ? 1 : clr_onnx_count(out)); i++)
        out->data[i] = clr_onnx_at(in[0], clr_onnx_broadcast_at(out, i, in[0]));
    return status;
}

/* What an expansion is told of axis i of the result; `own` of them are the input's. */
static int64_t expand_axis(const onnx_node *n, uint32_t at, uint32_t missing, uint32_t i,
                           uint64_t size, uint64_t other)
{
    if (size == other)
        return size == 1 && i >= missing ? 0 : (int64_t)size;
    if (i >= missing && clr_onnx_size(n, at, i - missing, 0) == size &&
        clr_onnx_size(n, at, i - missing, 1) == other)
        return 0;
    return size == CLR_PROBE_STEPS && other == CLR_OTHER_STEPS   ? CLRNN_STEPS
           : size == CLR_PROBE_BATCH && other == CLR_OTHER_BATCH ? CLRNN_BATCH
                                                                 : CLRNN_REST;
}

static clrnn_status expand_build(onnx_node *n)
{
    onnx_array to[ONNX_WORLDS] = {{0}};
    clrnn_node_desc desc = {.kind = CLRNN_NODE_EXPAND};
    uint32_t at = 0;
    clrnn_status status = clr_onnx_number_in(n, 0, &at);
    if (status == CLRNN_OK)
        status = clr_onnx_need(n, 1, "shape");
    for (int w = 0; w < ONNX_WORLDS && status == CLRNN_OK; w++)
        status = sizes_from(n, &n->in[1]->array[w], &to[w]);
    if (status != CLRNN_OK)
        return status;
    /* A shape of fewer axes, or of ones, leaves the others as they are. */
    const uint32_t own = clr_onnx_shape(n, at)->rank;
    const uint32_t rank = to[0].rank > own ? to[0].rank : own;
    desc.rank = rank;
    for (uint32_t i = 0; i < rank; i++) {
        const uint32_t missing = rank - to[0].rank;
        desc.shape[i] = i < missing ? 0
                                    : expand_axis(n, at, rank - own, i, to[0].size[i - missing],
                                                  to[1].size[i - missing]);
        if (desc.shape[i] == CLRNN_REST)
            return clr_onnx_fail(n, CLRNN_ERR_NEEDS_SIZE,
                                 "axis %u is made of T and N: give the axes of the model numbers",
                                 i);
    }
    status = clr_onnx_add(n, &desc, &at, 1, &at);
    if (status == CLRNN_OK)
        clr_onnx_set_graph(n, 0, at, n->in[0]->type);
    return status;
}

static clrnn_status identity_build(onnx_node *n)
{
    return clr_onnx_set_alias(n, 0, n->in[0]);
}

const onnx_op clr_onnx_ops_shape[] = {{"Shape", 1, 1, 1, NULL, ask_build, false},
                                      {"Size", 1, 1, 1, NULL, ask_build, false},
                                      {"Constant", 0, 0, 1, constant_fold, NULL, false},
                                      {"ConstantOfShape", 1, 1, 1, fill_fold, NULL, false},
                                      {"ConstantFill", 1, 1, 1, old_fill_fold, NULL, false},
                                      {"Range", 3, 3, 1, range_fold, NULL, false},
                                      {"Reshape", 2, 2, 1, reshape_fold, reshape_build, true},
                                      {"Flatten", 1, 1, 1, reshape_fold, reshape_build, true},
                                      {"Squeeze", 1, 2, 1, reshape_fold, reshape_build, true},
                                      {"Unsqueeze", 1, 2, 1, reshape_fold, reshape_build, true},
                                      {"Expand", 2, 2, 1, expand_fold, expand_build, true},
                                      {"Identity", 1, 1, 1, NULL, identity_build, true},
                                      {0}};

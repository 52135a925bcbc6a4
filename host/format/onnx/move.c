/* SPDX-License-Identifier: MIT
 * format/onnx/move.c - operators that cut, join and reorder. */
#include <stdlib.h>
#include <string.h>

#include "format/onnx/onnx.h"
#include "format/onnx/pick.h"
#include "format/onnx/slice.h"

/* --- transpose -------------------------------------------------------------------------------- */

static clrnn_status order_of(onnx_node *n, uint32_t rank, uint32_t *order)
{
    int64_t perm[CLRNN_MOST_AXES];
    uint32_t count = 0, seen = 0;
    clrnn_status status = clr_onnx_integers(n, "perm", CLRNN_MOST_AXES, perm, &count);
    for (uint32_t i = 0; i < rank && status == CLRNN_OK && count == 0; i++)
        order[i] = rank - 1 - i;
    for (uint32_t i = 0; i < count && status == CLRNN_OK; i++) {
        status = clr_onnx_axis(n, perm[i], rank, &order[i]);
        seen |= status == CLRNN_OK ? 1u << order[i] : 0u;
    }
    if (status == CLRNN_OK && count && (count != rank || seen != (1u << rank) - 1))
        status =
            clr_onnx_fail(n, CLRNN_ERR_FORMAT, "perm does not name each of %u axes once", rank);
    return status;
}

static clrnn_status transpose_fold(onnx_node *n, const onnx_array *const *in, onnx_array *out)
{
    uint32_t order[CLRNN_MOST_AXES];
    size_t stride[CLRNN_MOST_AXES], step = 1;
    const uint32_t rank = in[0]->rank;
    clrnn_status status = order_of(n, rank, order);
    *out = clr_onnx_like(in[0]);
    for (uint32_t i = rank; i-- > 0;) {
        stride[i] = step;
        step *= (size_t)in[0]->size[i];
    }
    for (uint32_t i = 0; i < rank && status == CLRNN_OK; i++)
        out->size[i] = in[0]->size[order[i]];
    if (status == CLRNN_OK)
        status = clr_onnx_allocate(n, out);
    for (size_t i = 0; status == CLRNN_OK && i < (out->filled ? 1 : clr_onnx_count(out)); i++) {
        size_t rest = i, from = 0;
        for (uint32_t a = rank; a-- > 0;) {
            from += rest % (size_t)out->size[a] * stride[order[a]];
            rest /= (size_t)out->size[a];
        }
        out->data[i] = in[0]->data[out->filled ? 0 : from];
    }
    return status;
}

static clrnn_status transpose_build(onnx_node *n)
{
    uint32_t order[CLRNN_MOST_AXES], at = 0;
    clrnn_status status = clr_onnx_graph_in(n, 0, &at);
    if (status == CLRNN_OK)
        status = order_of(n, clr_onnx_shape(n, at)->rank, order);
    if (status == CLRNN_OK)
        status = clr_onnx_add_transpose(n, order, at, &at);
    if (status == CLRNN_OK)
        clr_onnx_set_graph(n, 0, at, n->in[0]->type);
    return status;
}

/* --- concat ----------------------------------------------------------------------------------- */

static clrnn_status joined_shape(onnx_node *n, const onnx_array *const *in, uint32_t *axis,
                                 onnx_array *out)
{
    int64_t where = 0;
    clrnn_status status = clr_onnx_integer(n, "axis", 0, &where);
    *out = clr_onnx_like(in[0]);
    out->filled = false;
    if (status == CLRNN_OK)
        status = clr_onnx_axis(n, where, out->rank, axis);
    for (uint32_t k = 1; k < n->inputs && status == CLRNN_OK; k++) {
        bool fits = in[k] && in[k]->rank == out->rank;
        for (uint32_t i = 0; fits && i < out->rank; i++)
            fits = i == *axis || in[k]->size[i] == out->size[i];
        if (!fits)
            return clr_onnx_fail(n, CLRNN_ERR_FORMAT, "its inputs cannot be joined along axis %u",
                                 *axis);
        out->size[*axis] += in[k]->size[*axis];
    }
    return status;
}

static clrnn_status concat_fold(onnx_node *n, const onnx_array *const *in, onnx_array *out)
{
    uint32_t axis = 0;
    clrnn_status status = joined_shape(n, in, &axis, out);
    bool filled = true;
    for (uint32_t k = 0; k < n->inputs && status == CLRNN_OK; k++)
        filled = filled && in[k]->filled && in[k]->data[0] == in[0]->data[0];
    out->filled = filled;
    if (status == CLRNN_OK)
        status = clr_onnx_allocate(n, out);
    if (status == CLRNN_OK && filled)
        out->data[0] = in[0]->data[0];
    if (status != CLRNN_OK || filled)
        return status;
    size_t outer = 1, inner = 1, at = 0;
    for (uint32_t i = 0; i < out->rank; i++)
        *(i < axis ? &outer : &inner) *= i == axis ? 1 : (size_t)out->size[i];
    for (uint32_t k = 0; k < n->inputs; at += (size_t)in[k]->size[axis], k++) {
        const size_t part = (size_t)in[k]->size[axis] * inner;
        for (size_t o = 0; o < outer; o++)
            for (size_t i = 0; i < part; i++)
                out->data[(o * (size_t)out->size[axis] + at) * inner + i] =
                    clr_onnx_at(in[k], o * part + i);
    }
    return CLRNN_OK;
}

/* In groups of as many as a node of the graph reads. */
static clrnn_status concat_build(onnx_node *n)
{
    int64_t where = 0;
    uint32_t in[CLRNN_MOST_INPUTS], count = 0, at = 0;
    clrnn_status status = clr_onnx_integer(n, "axis", 0, &where);
    for (uint32_t k = 0; k < n->inputs && status == CLRNN_OK; k++) {
        if (!n->in[k])
            return clr_onnx_fail(n, CLRNN_ERR_FORMAT, "its input %u is missing", k);
        if (n->in[k]->known) { /* what is empty adds nothing */
            status = clr_onnx_need(n, k, "input");
            if (status == CLRNN_OK && clr_onnx_count(&n->in[k]->array[0]) == 0 &&
                clr_onnx_count(&n->in[k]->array[1]) == 0)
                continue;
        }
        if (status == CLRNN_OK)
            status = clr_onnx_number_in(n, k, &in[count++]);
        if (status == CLRNN_OK && (count == CLRNN_MOST_INPUTS || k + 1 == n->inputs) && count > 1) {
            clrnn_node_desc desc = {.kind = CLRNN_NODE_CONCAT, .axis = (int32_t)where};
            status = clr_onnx_add(n, &desc, in, count, &in[0]);
            count = 1;
        }
    }
    if (status == CLRNN_OK && count == 0)
        status = clr_onnx_fail(n, CLRNN_ERR_UNSUPPORTED, "all its inputs are empty");
    at = in[0];
    if (status == CLRNN_OK && count > 1) { /* the last ones were empty */
        clrnn_node_desc desc = {.kind = CLRNN_NODE_CONCAT, .axis = (int32_t)where};
        status = clr_onnx_add(n, &desc, in, count, &at);
    }
    if (status == CLRNN_OK)
        clr_onnx_set_graph(n, 0, at, n->in[0]->type);
    return status;
}

/* --- tile ------------------------------------------------------------------------------------- */

static clrnn_status tile_fold(onnx_node *n, const onnx_array *const *in, onnx_array *out)
{
    *out = clr_onnx_like(in[0]);
    if (clr_onnx_count(in[1]) != in[0]->rank)
        return clr_onnx_fail(n, CLRNN_ERR_FORMAT, "its repeats are not one for each axis");
    for (uint32_t i = 0; i < out->rank; i++)
        out->size[i] *= (uint64_t)clr_onnx_at(in[1], i);
    clrnn_status status = clr_onnx_allocate(n, out);
    for (size_t i = 0; status == CLRNN_OK && i < (out->filled ? 1 : clr_onnx_count(out)); i++) {
        size_t rest = i, from = 0, stride = 1;
        for (uint32_t a = out->rank; a-- > 0;) {
            from += rest % (size_t)out->size[a] % (size_t)in[0]->size[a] * stride;
            rest /= (size_t)out->size[a];
            stride *= (size_t)in[0]->size[a];
        }
        out->data[i] = clr_onnx_at(in[0], from);
    }
    return status;
}

/* Along each axis: joined to itself. */
static clrnn_status tile_build(onnx_node *n)
{
    uint32_t at = 0;
    clrnn_status status = clr_onnx_number_in(n, 0, &at);
    if (status == CLRNN_OK)
        status = clr_onnx_need_same(n, 1, "repeats");
    const onnx_array *repeats = status == CLRNN_OK ? &n->in[1]->array[0] : NULL;
    if (status == CLRNN_OK && clr_onnx_count(repeats) != clr_onnx_shape(n, at)->rank)
        status = clr_onnx_fail(n, CLRNN_ERR_FORMAT, "its repeats are not one for each axis");
    const uint32_t rank = status == CLRNN_OK ? clr_onnx_shape(n, at)->rank : 0;
    for (uint32_t i = 0; i < rank && status == CLRNN_OK; i++) {
        const double times = clr_onnx_at(repeats, i);
        if (!(times >= 1 && times <= 65536))
            return clr_onnx_fail(n, CLRNN_ERR_UNSUPPORTED, "%g repeats of axis %u", times, i);
        status = clr_onnx_repeat(n, i, (uint32_t)times, at, &at);
    }
    if (status == CLRNN_OK)
        clr_onnx_set_graph(n, 0, at, n->in[0]->type);
    return status;
}

/* --- pad -------------------------------------------------------------------------------------- */

typedef struct pads {
    int64_t begin[CLRNN_MOST_AXES], end[CLRNN_MOST_AXES];
    double value;
    char mode[32];
} pads;

static clrnn_status read_pads(onnx_node *n, uint32_t rank, pads *p)
{
    int64_t list[2 * CLRNN_MOST_AXES];
    uint32_t axes[CLRNN_MOST_AXES], count = 0, named = 0;
    bool given = false, some = false;
    *p = (pads){.value = 0};
    clrnn_status status = clr_onnx_list(n, "pads", 1, 2 * CLRNN_MOST_AXES, list, &count, &given);
    if (status == CLRNN_OK)
        status = clr_onnx_word(n, "mode", "constant", p->mode);
    if (status == CLRNN_OK)
        status = n->m->opset < 11 ? clr_onnx_real(n, "value", 0, &p->value)
                                  : clr_onnx_need_number(n, 2, "constant_value", 0, &p->value);
    if (status == CLRNN_OK)
        status = clr_onnx_axes(n, 3, rank, axes, &named, &some);
    for (uint32_t i = 0; i < rank && !some; i++)
        axes[named++] = i;
    if (status == CLRNN_OK && count != 2 * named)
        status = clr_onnx_fail(n, CLRNN_ERR_FORMAT, "%u pads of %u axes", count, named);
    for (uint32_t i = 0; i < named && status == CLRNN_OK; i++) {
        p->begin[axes[i]] = list[i];
        p->end[axes[i]] = list[named + i];
    }
    return status;
}

/* By what there is: mirrored without the edge, the edge again, or from the other end. */
static clrnn_status mirror(onnx_node *n, const pads *p, uint32_t axis, uint32_t in, uint32_t *at)
{
    const bool edge = strcmp(p->mode, "edge") == 0, wrap = strcmp(p->mode, "wrap") == 0;
    const int64_t size = (int64_t)clr_onnx_size(n, in, axis, 0);
    const int64_t begin = p->begin[axis] > 0 ? p->begin[axis] : 0;
    const int64_t end = p->end[axis] > 0 ? p->end[axis] : 0;
    uint32_t parts[3], used = 0;
    clrnn_status status = CLRNN_OK;
    *at = in;
    if (begin == 0 && end == 0)
        return CLRNN_OK;
    if (!edge && (begin > size - !wrap || end > size - !wrap))
        return clr_onnx_fail(n, CLRNN_ERR_UNSUPPORTED, "pads %lld and %lld of an axis of %lld",
                             (long long)begin, (long long)end, (long long)size);
    if (begin)
        status = clr_onnx_pick_range(n, axis,
                                     edge   ? 0
                                     : wrap ? -begin
                                            : begin,
                                     edge   ? 0
                                     : wrap ? 1
                                            : -1,
                                     (size_t)begin, in, &parts[used++]);
    parts[used++] = in;
    if (status == CLRNN_OK && end)
        status = clr_onnx_pick_range(n, axis,
                                     edge   ? -1
                                     : wrap ? 0
                                            : -2,
                                     edge   ? 0
                                     : wrap ? 1
                                            : -1,
                                     (size_t)end, in, &parts[used++]);
    return status == CLRNN_OK ? clr_onnx_join(n, axis, parts, used, at) : status;
}

/* What padding below 0 takes away. */
static clrnn_status cut_off(onnx_node *n, const pads *p, uint32_t axis, uint32_t in, uint32_t *at)
{
    const int64_t begin = p->begin[axis], end = p->end[axis];
    *at = in;
    return begin < 0 || end < 0 ? clr_onnx_cut(n, axis, begin < 0 ? -begin : 0,
                                               end < 0 ? end : CLRNN_TO_END, 1, in, at)
                                : CLRNN_OK;
}

static clrnn_status pad_build(onnx_node *n)
{
    pads p;
    uint32_t at = 0;
    clrnn_status status = clr_onnx_number_in(n, 0, &at);
    if (status == CLRNN_OK)
        status = read_pads(n, clr_onnx_shape(n, at)->rank, &p);
    if (status != CLRNN_OK)
        return status;
    const uint32_t rank = clr_onnx_shape(n, at)->rank;
    if (strcmp(p.mode, "constant") == 0) {
        clrnn_node_desc desc = {.kind = CLRNN_NODE_PAD, .rank = rank, .value = p.value};
        memcpy(desc.begin, p.begin, sizeof desc.begin);
        memcpy(desc.end, p.end, sizeof desc.end);
        status = clr_onnx_add(n, &desc, &at, 1, &at);
    } else if (strcmp(p.mode, "reflect") && strcmp(p.mode, "edge") && strcmp(p.mode, "wrap")) {
        status = clr_onnx_fail(n, CLRNN_ERR_UNSUPPORTED, "mode '%s'", p.mode);
    } else {
        /* What is cut off does not go round; mirrors show it. */
        const bool cut_first = strcmp(p.mode, "wrap") == 0;
        for (uint32_t i = 0; i < rank && status == CLRNN_OK; i++) {
            status = cut_first ? cut_off(n, &p, i, at, &at) : CLRNN_OK;
            if (status == CLRNN_OK)
                status = mirror(n, &p, i, at, &at);
            if (status == CLRNN_OK && !cut_first)
                status = cut_off(n, &p, i, at, &at);
        }
    }
    if (status == CLRNN_OK)
        clr_onnx_set_graph(n, 0, at, n->in[0]->type);
    return status;
}

const onnx_op clr_onnx_ops_move[] = {
    {"Transpose", 1, 1, 1, transpose_fold, transpose_build, true},
    {"Concat", 1, 65536, 1, concat_fold, concat_build, true},
    {"Tile", 2, 2, 1, tile_fold, tile_build, true},
    {"Pad", 1, 4, 1, NULL, pad_build, true},
    {"Slice", 1, 5, 1, clr_onnx_slice_fold, clr_onnx_slice_build, true},
    {"Split", 1, 2, ONNX_MOST_OUT, clr_onnx_split_fold, clr_onnx_split_build, true},
    {"Gather", 2, 2, 1, clr_onnx_gather_fold, clr_onnx_gather_build, true},
    {"ReverseSequence", 2, 2, 1, clr_onnx_reverse_fold, clr_onnx_reverse_build, true},
    {0}};

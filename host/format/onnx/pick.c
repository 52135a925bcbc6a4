/* SPDX-License-Identifier: MIT
 * format/onnx/pick.c - elements by whole numbers that are known: a gather with constant ids. */
#include "format/onnx/pick.h"

#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "format/onnx/lookup.h"

clrnn_status clr_onnx_pick(onnx_node *n, uint32_t axis, const double *ids, size_t count,
                           uint32_t in, uint32_t *at)
{
    onnx_array a = {.type = ONNX_INT, .rank = 1, .size = {count}, .data = (double *)ids};
    clrnn_node_desc cast = {.kind = CLRNN_NODE_CAST};
    clrnn_node_desc gather = {.kind = CLRNN_NODE_GATHER, .axis = (int32_t)axis};
    uint32_t of[2] = {in, 0};
    if (count == 0 || count > 1u << 24)
        return clr_onnx_fail(n, CLRNN_ERR_UNSUPPORTED, "%zu indices", count);
    clrnn_status status = clr_onnx_constant(n, &a, &a, &of[1]);
    if (status == CLRNN_OK)
        status = clr_onnx_add(n, &cast, &of[1], 1, &of[1]);
    return status == CLRNN_OK ? clr_onnx_add(n, &gather, of, 2, at) : status;
}

clrnn_status clr_onnx_pick_range(onnx_node *n, uint32_t axis, int64_t begin, int64_t step,
                                 size_t count, uint32_t in, uint32_t *at)
{
    double *ids = clr_calloc(count, sizeof *ids);
    if (!ids)
        return clr_onnx_fail(n, CLRNN_ERR_MEMORY, "out of memory");
    for (size_t i = 0; i < count; i++)
        ids[i] = (double)(begin + (int64_t)i * step);
    clrnn_status status = clr_onnx_pick(n, axis, ids, count, in, at);
    free(ids);
    return status;
}

/* --- by element ------------------------------------------------------------------------------- */

/* All elements of a value as one axis. */
clrnn_status clr_onnx_pick_flat(onnx_node *n, uint32_t in, uint32_t *at)
{
    uint64_t sizes[ONNX_WORLDS][1] = {{1}, {1}};
    uint64_t *const size[ONNX_WORLDS] = {sizes[0], sizes[1]};
    for (int w = 0; w < ONNX_WORLDS; w++)
        for (uint32_t i = 0; i < clr_onnx_shape(n, in)->rank; i++)
            sizes[w][0] *= clr_onnx_size(n, in, i, w);
    if (sizes[0][0] != sizes[1][0] || sizes[0][0] > 1u << 24)
        return clr_onnx_fail(n, CLRNN_ERR_UNSUPPORTED,
                             "its elements are chosen one by one, but its shape depends on T or N, "
                             "or is too large");
    return clr_onnx_add_reshape(n, 1, size, in, at);
}

/* A flat value of the shape of an array. */
clrnn_status clr_onnx_pick_shaped(onnx_node *n, const onnx_array *like, uint32_t in, uint32_t *at)
{
    uint64_t sizes[CLRNN_MOST_AXES];
    uint64_t *const size[ONNX_WORLDS] = {sizes, sizes};
    memcpy(sizes, like->size, sizeof sizes);
    return clr_onnx_add_reshape(n, like->rank, size, in, at);
}

/* The shape of a value as an array without elements. */
onnx_array clr_onnx_pick_shape(const onnx_node *n, uint32_t at)
{
    onnx_array a = {.rank = clr_onnx_shape(n, at)->rank};
    for (uint32_t i = 0; i < a.rank; i++)
        a.size[i] = clr_onnx_size(n, at, i, 0);
    return a;
}

/* Where in x [like] the element is that index array `ids` names at its element i, along an axis. */
static clrnn_status element_of(const onnx_node *n, const onnx_array *x, const onnx_array *ids,
                               uint32_t axis, size_t i, double *out)
{
    size_t rest = i, at = 0, stride = 1;
    double id = clr_onnx_at(ids, i);
    id += id < 0 ? (double)x->size[axis] : 0;
    if (!(id >= 0 && id < (double)x->size[axis]))
        return clr_onnx_fail(n, CLRNN_ERR_FORMAT, "index %g of an axis of %llu", id,
                             (unsigned long long)x->size[axis]);
    for (uint32_t a = x->rank; a-- > 0;) {
        const size_t index = a == axis ? (size_t)id : rest % (size_t)ids->size[a];
        if (index >= x->size[a])
            return clr_onnx_fail(n, CLRNN_ERR_FORMAT, "indices of a larger shape than its data");
        at += index * stride;
        stride *= (size_t)x->size[a];
        rest /= (size_t)ids->size[a];
    }
    *out = (double)at;
    return CLRNN_OK;
}

clrnn_status clr_onnx_pick_places(onnx_node *n, const onnx_array *x, double **out, size_t *count)
{
    const onnx_array *ids = &n->in[1]->array[0];
    int64_t where = 0;
    uint32_t axis = 0;
    clrnn_status status = clr_onnx_integer(n, "axis", 0, &where);
    if (status == CLRNN_OK)
        status = clr_onnx_axis(n, where, x->rank, &axis);
    if (status == CLRNN_OK && ids->rank != x->rank)
        status = clr_onnx_fail(n, CLRNN_ERR_FORMAT, "indices of %u axes", ids->rank);
    *count = clr_onnx_count(ids);
    *out = status == CLRNN_OK ? clr_calloc(*count, sizeof **out) : NULL;
    if (status == CLRNN_OK && !*out)
        status = clr_onnx_fail(n, CLRNN_ERR_MEMORY, "out of memory");
    for (size_t i = 0; i < *count && status == CLRNN_OK; i++)
        status = element_of(n, x, ids, axis, i, &(*out)[i]);
    return status;
}

static clrnn_status gather_elements_fold(onnx_node *n, const onnx_array *const *in, onnx_array *out)
{
    double *from = NULL;
    size_t count = 0;
    n->unfolded = !n->in[1]->same;
    if (n->unfolded)
        return CLRNN_OK;
    clrnn_status status = clr_onnx_pick_places(n, in[0], &from, &count);
    *out = clr_onnx_like(in[1]);
    out->filled = false;
    out->type = in[0]->type;
    if (status == CLRNN_OK)
        status = clr_onnx_allocate(n, out);
    for (size_t i = 0; i < count && status == CLRNN_OK; i++)
        out->data[i] = clr_onnx_at(in[0], (size_t)from[i]);
    free(from);
    return status;
}

static clrnn_status gather_elements_build(onnx_node *n)
{
    double *from = NULL;
    size_t count = 0;
    uint32_t at = 0;
    if (!n->in[1]->known)
        return clr_onnx_lookup_elements(n);
    clrnn_status status = clr_onnx_need_same(n, 1, "indices");
    if (status == CLRNN_OK)
        status = clr_onnx_number_in(n, 0, &at);
    const onnx_array x = status == CLRNN_OK ? clr_onnx_pick_shape(n, at) : (onnx_array){0};
    if (status == CLRNN_OK)
        status = clr_onnx_pick_places(n, &x, &from, &count);
    if (status == CLRNN_OK)
        status = clr_onnx_pick_flat(n, at, &at);
    if (status == CLRNN_OK)
        status = clr_onnx_pick(n, 0, from, count, at, &at);
    if (status == CLRNN_OK)
        status = clr_onnx_pick_shaped(n, &n->in[1]->array[0], at, &at);
    if (status == CLRNN_OK)
        clr_onnx_set_graph(n, 0, at, n->in[0]->type);
    free(from);
    return status;
}

/* Indices [..,k] name the first k axes of x: the elements that they mean, *to the caller's. */
clrnn_status clr_onnx_pick_named(onnx_node *n, const onnx_array *x, double **to, size_t *count)
{
    const onnx_array *ids = &n->in[1]->array[0];
    const uint32_t k = ids->rank ? (uint32_t)ids->size[ids->rank - 1] : 0;
    if (ids->rank == 0 || k == 0 || k > x->rank)
        return clr_onnx_fail(n, CLRNN_ERR_FORMAT, "indices of another shape than its data");
    size_t inner = 1, rows = clr_onnx_count(ids) / k;
    for (uint32_t i = k; i < x->rank; i++)
        inner *= (size_t)x->size[i];
    *count = rows * inner;
    *to = *count <= 1u << 24 ? clr_calloc(*count, sizeof **to) : NULL;
    if (!*to)
        return clr_onnx_fail(n, CLRNN_ERR_MEMORY, "no memory for %zu indices", *count);
    clrnn_status status = CLRNN_OK;
    for (size_t r = 0; r < rows && status == CLRNN_OK; r++) {
        size_t row = 0;
        for (uint32_t i = 0; i < k && status == CLRNN_OK; i++) {
            double id = clr_onnx_at(ids, r * k + i);
            id += id < 0 ? (double)x->size[i] : 0;
            if (!(id >= 0 && id < (double)x->size[i]))
                status = clr_onnx_fail(n, CLRNN_ERR_FORMAT, "index %g of axis %u", id, i);
            else
                row = row * (size_t)x->size[i] + (size_t)id;
        }
        for (size_t i = 0; i < inner; i++)
            (*to)[r * inner + i] = (double)(row * inner + i);
    }
    return status;
}

/* Data's elements, in the shape of the indices but for their last axis, then that of a row. */
static clrnn_status gather_nd_build(onnx_node *n)
{
    double *from = NULL;
    size_t count = 0;
    int64_t shared = 0;
    uint32_t at = 0;
    clrnn_status status = clr_onnx_integer(n, "batch_dims", 0, &shared);
    if (status == CLRNN_OK && (shared != 0 || !n->in[1]->known))
        return clr_onnx_lookup_named(n);
    if (status == CLRNN_OK)
        status = clr_onnx_need_same(n, 1, "indices");
    if (status == CLRNN_OK)
        status = clr_onnx_number_in(n, 0, &at);
    const onnx_array x = status == CLRNN_OK ? clr_onnx_pick_shape(n, at) : (onnx_array){0};
    if (status == CLRNN_OK)
        status = clr_onnx_pick_named(n, &x, &from, &count);
    if (status == CLRNN_OK)
        status = clr_onnx_pick_flat(n, at, &at);
    if (status == CLRNN_OK)
        status = clr_onnx_pick(n, 0, from, count, at, &at);
    free(from);
    if (status != CLRNN_OK)
        return status;
    onnx_array like = n->in[1]->array[0];
    const uint32_t k = (uint32_t)like.size[like.rank - 1];
    like.rank--;
    if (like.rank + x.rank - k > CLRNN_MOST_AXES)
        return clr_onnx_fail(n, CLRNN_ERR_UNSUPPORTED, "%u axes", like.rank + x.rank - k);
    for (uint32_t i = k; i < x.rank; i++)
        like.size[like.rank++] = x.size[i];
    status = clr_onnx_pick_shaped(n, &like, at, &at);
    if (status == CLRNN_OK)
        clr_onnx_set_graph(n, 0, at, n->in[0]->type);
    return status;
}

/* The elements along an axis, or of all, where a condition that is known holds. */
static clrnn_status compress_build(onnx_node *n)
{
    const bool whole = !clr_onnx_attribute(n, "axis");
    int64_t where = 0;
    uint32_t at = 0, axis = 0;
    size_t kept = 0;
    clrnn_status status = clr_onnx_integer(n, "axis", 0, &where);
    if (status == CLRNN_OK)
        status = clr_onnx_need_same(n, 1, "condition");
    if (status == CLRNN_OK)
        status = clr_onnx_number_in(n, 0, &at);
    if (status == CLRNN_OK && whole)
        status = clr_onnx_pick_flat(n, at, &at);
    if (status == CLRNN_OK)
        status = clr_onnx_axis(n, where, clr_onnx_shape(n, at)->rank, &axis);
    const onnx_array *condition = &n->in[1]->array[0];
    const size_t count = status == CLRNN_OK ? clr_onnx_count(condition) : 0;
    if (status == CLRNN_OK && count > clr_onnx_size(n, at, axis, 0))
        status = clr_onnx_fail(n, CLRNN_ERR_FORMAT, "a condition longer than the axis");
    double *ids = status == CLRNN_OK ? clr_calloc(count, sizeof *ids) : NULL;
    if (status == CLRNN_OK && !ids)
        status = clr_onnx_fail(n, CLRNN_ERR_MEMORY, "out of memory");
    for (size_t i = 0; i < count && ids; i++)
        if (clr_onnx_at(condition, i) != 0)
            ids[kept++] = (double)i;
    if (status == CLRNN_OK)
        status = clr_onnx_pick(n, axis, ids, kept, at, &at);
    free(ids);
    if (status == CLRNN_OK)
        clr_onnx_set_graph(n, 0, at, n->in[0]->type);
    return status;
}

const onnx_op clr_onnx_ops_pick[] = {
    {"Compress", 2, 2, 1, NULL, compress_build, true},
    {"GatherElements", 2, 2, 1, gather_elements_fold, gather_elements_build, true},
    {"GatherND", 2, 2, 1, NULL, gather_nd_build, true},
    {0}};

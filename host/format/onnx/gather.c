/* SPDX-License-Identifier: MIT
 * format/onnx/gather.c - Gather: parts by whole numbers. */
#include <string.h>

#include "format/onnx/slice.h"

static clrnn_status axis_of(onnx_node *n, uint32_t rank, uint32_t *axis)
{
    int64_t where = 0;
    clrnn_status status = clr_onnx_integer(n, "axis", 0, &where);
    return status == CLRNN_OK ? clr_onnx_axis(n, where, rank, axis) : status;
}

clrnn_status clr_onnx_gather_fold(onnx_node *n, const onnx_array *const *in, onnx_array *out)
{
    uint32_t axis = 0;
    const onnx_array *x = in[0], *ids = in[1];
    clrnn_status status = axis_of(n, x->rank, &axis);
    if (status == CLRNN_OK && x->rank + ids->rank - 1 > CLRNN_MOST_AXES)
        status = clr_onnx_fail(n, CLRNN_ERR_UNSUPPORTED, "%u axes", x->rank + ids->rank - 1);
    if (status != CLRNN_OK)
        return status;
    *out = (onnx_array){.type = x->type, .filled = x->filled};
    for (uint32_t i = 0; i < axis; i++)
        out->size[out->rank++] = x->size[i];
    for (uint32_t i = 0; i < ids->rank; i++)
        out->size[out->rank++] = ids->size[i];
    for (uint32_t i = axis + 1; i < x->rank; i++)
        out->size[out->rank++] = x->size[i];
    size_t inner = 1, K = (size_t)x->size[axis], M = clr_onnx_count(ids);
    for (uint32_t i = axis + 1; i < x->rank; i++)
        inner *= (size_t)x->size[i];
    status = clr_onnx_allocate(n, out);
    for (size_t i = 0; status == CLRNN_OK && i < (out->filled ? 1 : clr_onnx_count(out)); i++) {
        const size_t m = i / inner % M, o = i / inner / M;
        double id = clr_onnx_at(ids, m);
        id += id < 0 ? (double)K : 0;
        if (!(id >= 0 && id < (double)K))
            return clr_onnx_fail(n, CLRNN_ERR_FORMAT, "index %g of %zu", clr_onnx_at(ids, m), K);
        out->data[i] = clr_onnx_at(x, (o * K + (size_t)id) * inner + i % inner);
    }
    return status;
}

/* Rows of a table that is known. */
static clrnn_status from_table(onnx_node *n, uint32_t *at)
{
    uint32_t ids = 0;
    const onnx_array *table = &n->in[0]->array[0];
    clrnn_node_desc desc = {.kind = CLRNN_NODE_EMBEDDING,
                            .vocabulary = (uint32_t)table->size[0],
                            .units = (uint32_t)table->size[1]};
    clrnn_status status = clr_onnx_ids_in(n, 1, &ids);
    if (status == CLRNN_OK)
        status = clr_onnx_spread(n, &n->in[0]->array[0]);
    n->in[0]->array[1] = n->in[0]->array[0];
    if (status == CLRNN_OK)
        status = clr_onnx_add(n, &desc, &ids, 1, at);
    return status == CLRNN_OK
               ? clr_onnx_set_parameter(n, "weight", table->data, clr_onnx_count(table))
               : status;
}

/* A number in both worlds as an index from the begin, or from the end. */
static clrnn_status index_of(const onnx_node *n, uint32_t at, uint32_t axis, size_t i, int64_t *out)
{
    const onnx_value *v = n->in[1];
    int64_t index[ONNX_WORLDS], size[ONNX_WORLDS];
    for (int w = 0; w < ONNX_WORLDS; w++) {
        index[w] = (int64_t)clr_onnx_at(&v->array[w], i);
        size[w] = (int64_t)clr_onnx_size(n, at, axis, w);
        index[w] += index[w] < 0 ? size[w] : 0;
        if (index[w] < 0 || index[w] >= size[w])
            return clr_onnx_fail(n, CLRNN_ERR_FORMAT, "index %g of an axis of %lld",
                                 clr_onnx_at(&v->array[w], i), (long long)size[w]);
    }
    if (index[0] == index[1])
        *out = index[0];
    else if (index[0] - size[0] == index[1] - size[1])
        *out = index[0] - size[0];
    else
        return clr_onnx_fail(n, CLRNN_ERR_UNSUPPORTED, "an index that T or N says");
    return CLRNN_OK;
}

/* One index: a part of size 1, whose axis goes. */
static clrnn_status at_number(onnx_node *n, uint32_t axis, uint32_t in, uint32_t *at)
{
    int64_t index = 0;
    clrnn_status status = index_of(n, in, axis, 0, &index);
    if (status == CLRNN_OK)
        status = clr_onnx_cut(n, axis, index, index == -1 ? CLRNN_TO_END : index + 1, 1, in, at);
    return status == CLRNN_OK && n->in[1]->array[0].rank == 0
               ? clr_onnx_add_squeeze(n, &axis, 1, *at, at)
               : status;
}

/* Known indices of a row, each a step from the one before: a slice. */
static bool is_range(const onnx_node *n, int64_t *begin, int64_t *step)
{
    const onnx_value *v = n->in[1];
    const size_t count = clr_onnx_count(&v->array[0]);
    if (!v->same || v->array[0].rank != 1 || count < 2)
        return false;
    *begin = (int64_t)clr_onnx_at(&v->array[0], 0);
    *step = (int64_t)clr_onnx_at(&v->array[0], 1) - *begin;
    bool fine = *begin >= 0 && *step > 0;
    for (size_t i = 0; i < count && fine; i++)
        fine = clr_onnx_at(&v->array[0], i) == (double)(*begin + (int64_t)i * *step);
    return fine;
}

static clrnn_status known_indices(onnx_node *n, uint32_t axis, uint32_t in, bool *done,
                                  uint32_t *at)
{
    int64_t begin = 0, step = 0;
    clrnn_status status = clr_onnx_need(n, 1, "indices");
    *done = status != CLRNN_OK;
    if (status != CLRNN_OK)
        return status;
    const size_t count = clr_onnx_count(&n->in[1]->array[0]);
    *done = true;
    if (count == 1 && n->in[1]->array[0].rank <= 1)
        return at_number(n, axis, in, at);
    if (is_range(n, &begin, &step))
        return clr_onnx_cut(n, axis, begin, begin + (int64_t)(count - 1) * step + 1, step, in, at);
    *done = false;
    return CLRNN_OK;
}

clrnn_status clr_onnx_gather_build(onnx_node *n)
{
    uint32_t axis = 0, in[2], at = 0;
    bool done = false;
    const onnx_value *x = n->in[0];
    clrnn_status status = CLRNN_OK;
    if (x->known) {
        status = clr_onnx_need(n, 0, "data");
        if (status == CLRNN_OK)
            status = axis_of(n, x->array[0].rank, &axis);
        if (status == CLRNN_OK && x->same && x->array[0].rank == 2 && axis == 0 &&
            clr_onnx_count(&x->array[0]) > 0) {
            status = from_table(n, &at);
            if (status == CLRNN_OK)
                clr_onnx_set_graph(n, 0, at, x->type);
            return status;
        }
    }
    if (status == CLRNN_OK)
        status = clr_onnx_number_in(n, 0, &in[0]);
    if (status == CLRNN_OK)
        status = axis_of(n, clr_onnx_shape(n, in[0])->rank, &axis);
    if (status == CLRNN_OK && n->in[1]->known)
        status = known_indices(n, axis, in[0], &done, &at);
    if (status == CLRNN_OK && !done) {
        clrnn_node_desc desc = {.kind = CLRNN_NODE_GATHER, .axis = (int32_t)axis};
        status = clr_onnx_ids_in(n, 1, &in[1]);
        if (status == CLRNN_OK)
            status = clr_onnx_add(n, &desc, in, 2, &at);
    }
    if (status == CLRNN_OK)
        clr_onnx_set_graph(n, 0, at, n->in[0]->type);
    return status;
}

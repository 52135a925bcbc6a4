/* SPDX-License-Identifier: MIT
 * format/onnx/reverse.c - ReverseSequence: the first steps of each row backwards, as many as its
 * length says; what is behind stays where it is. */
#include "format/onnx/slice.h"

typedef struct turned {
    uint32_t time, batch;
} turned;

static clrnn_status read_axes(onnx_node *n, uint32_t rank, turned *t)
{
    int64_t time = 0, batch = 1;
    clrnn_status status = clr_onnx_integer(n, "time_axis", 0, &time);
    if (status == CLRNN_OK)
        status = clr_onnx_integer(n, "batch_axis", 1, &batch);
    if (status == CLRNN_OK && rank < 2)
        status = clr_onnx_fail(n, CLRNN_ERR_FORMAT, "what it reads has %u axes", rank);
    if (status == CLRNN_OK)
        status = clr_onnx_axis(n, time, rank, &t->time);
    if (status == CLRNN_OK)
        status = clr_onnx_axis(n, batch, rank, &t->batch);
    if (status == CLRNN_OK && t->time == t->batch)
        status =
            clr_onnx_fail(n, CLRNN_ERR_FORMAT, "time_axis and batch_axis are both %u", t->time);
    return status;
}

static clrnn_status check_lengths(const onnx_node *n, const onnx_array *lengths, uint64_t rows,
                                  uint64_t steps)
{
    if (lengths->rank != 1 || lengths->size[0] != rows)
        return clr_onnx_fail(n, CLRNN_ERR_FORMAT, "sequence_lens is not [%llu]",
                             (unsigned long long)rows);
    for (size_t i = 0; i < (lengths->filled ? 1 : rows); i++)
        if (!(clr_onnx_at(lengths, i) >= 0 && clr_onnx_at(lengths, i) <= (double)steps))
            return clr_onnx_fail(n, CLRNN_ERR_FORMAT, "a length of %g among %llu steps",
                                 clr_onnx_at(lengths, i), (unsigned long long)steps);
    return CLRNN_OK;
}

clrnn_status clr_onnx_reverse_fold(onnx_node *n, const onnx_array *const *in, onnx_array *out)
{
    turned t = {0, 1};
    const onnx_array *x = in[0], *lengths = in[1];
    clrnn_status status = read_axes(n, x->rank, &t);
    if (status == CLRNN_OK)
        status = check_lengths(n, lengths, x->size[t.batch], x->size[t.time]);
    *out = clr_onnx_like(x);
    if (status == CLRNN_OK)
        status = clr_onnx_allocate(n, out);
    if (status != CLRNN_OK)
        return status;
    size_t stride = 1, row_stride = 1;
    for (uint32_t i = t.time + 1; i < x->rank; i++)
        stride *= (size_t)x->size[i];
    for (uint32_t i = t.batch + 1; i < x->rank; i++)
        row_stride *= (size_t)x->size[i];
    for (size_t i = 0; i < (out->filled ? 1 : clr_onnx_count(out)); i++) {
        const size_t step = i / stride % (size_t)x->size[t.time];
        const size_t row = i / row_stride % (size_t)x->size[t.batch];
        const size_t end = (size_t)clr_onnx_at(lengths, row);
        const size_t from = step < end ? end - 1 - step : step;
        out->data[i] = clr_onnx_at(x, out->filled ? 0 : i - step * stride + from * stride);
    }
    return CLRNN_OK;
}

/* Whether every row is turned whole, whatever T is. */
static bool is_all(const onnx_node *n, uint32_t x, uint32_t time)
{
    bool all = n->in[1]->known;
    for (int w = 0; w < ONNX_WORLDS && all; w++) {
        const onnx_array *a = &n->in[1]->array[w];
        for (size_t i = 0; i < (a->filled ? 1 : clr_onnx_count(a)); i++)
            all = all && clr_onnx_at(a, i) == (double)clr_onnx_size(n, x, time, w);
    }
    return all;
}

clrnn_status clr_onnx_reverse_build(onnx_node *n)
{
    turned t = {0, 1};
    uint32_t in[2] = {0, 0}, at = 0;
    clrnn_status status = clr_onnx_graph_in(n, 0, &in[0]);
    if (status == CLRNN_OK)
        status = read_axes(n, clr_onnx_shape(n, in[0])->rank, &t);
    if (status == CLRNN_OK && n->in[1]->known)
        status = clr_onnx_need(n, 1, "sequence_lens");
    for (int w = 0; w < ONNX_WORLDS && n->in[1]->known && status == CLRNN_OK; w++)
        status = check_lengths(n, &n->in[1]->array[w], clr_onnx_size(n, in[0], t.batch, w),
                               clr_onnx_size(n, in[0], t.time, w));
    if (status != CLRNN_OK)
        return status;
    const clr_shape *x = clr_onnx_shape(n, in[0]);
    clrnn_node_desc desc = {.kind = CLRNN_NODE_SLICE, .rank = t.time + 1};
    for (uint32_t i = 0; i < t.time; i++)
        desc.end[i] = CLRNN_TO_END;
    desc.begin[t.time] = desc.step[t.time] = -1;
    desc.end[t.time] = CLRNN_TO_END;
    const bool all = is_all(n, in[0], t.time);
    if (!all &&
        ((x->steps != CLR_NO_AXIS && x->steps != (int32_t)t.time) ||
         (x->batch != CLR_NO_AXIS && x->batch != (int32_t)t.batch) || t.time > 1 || t.batch > 1))
        return clr_onnx_fail(n, CLRNN_ERR_UNSUPPORTED,
                             "its axes of time and batch are not those of %s",
                             clr_value_text(x).text);
    if (!all)
        status = clr_onnx_ids_in(n, 1, &in[1]);
    if (status == CLRNN_OK)
        status = clr_onnx_add(n, &desc, in, all ? 1 : 2, &at);
    if (status == CLRNN_OK)
        clr_onnx_set_graph(n, 0, at, n->in[0]->type);
    return status;
}

/* SPDX-License-Identifier: MIT
 * graph/node_axes.c - nodes that see the same elements along other axes: reshape, transpose. */
#include "graph/kind.h"

/* --- reshape --------------------------------------------------------------------------------- */

/* Whether an axis of `out` is an axis of `in`: as many elements before it, made of T and N in the
 * same way, and the same size. (T and N are primes while it is inferred without them; with them the
 * descriptor's symbols say which axes these are.) */
static bool same_place(const clr_shape *in, uint32_t a, const clr_shape *out, uint32_t b)
{
    return in->size[a] == out->size[b] && clr_shape_part(in, 0, a) == clr_shape_part(out, 0, b);
}

/* Whether axis i of the shape that is asked for is a symbol that no axis of x is: one that was
 * merged with others, and is itself again. */
static bool is_again(const clrnn_node_desc *d, uint32_t i, int64_t symbol, int32_t axis)
{
    return d->shape[i] == symbol && axis == CLR_NO_AXIS;
}

/* Which axes of the shape that is asked for are no numbers. */
static uint32_t asked_of(const clrnn_node_desc *d, const clr_shape *in)
{
    uint32_t made = 0;
    for (uint32_t i = 0; i < d->rank; i++) {
        const bool same = (int32_t)i == in->steps || (int32_t)i == in->batch || in->made >> i & 1;
        made |= (uint32_t)(d->shape[i] < 0 || (d->shape[i] == 0 && same)) << i;
    }
    return made;
}

static clrnn_status reshape_sizes(const clr_infer *infer, clr_shape *out)
{
    const clrnn_node_desc *d = infer->desc;
    const clr_shape *in = infer->in[0];
    int32_t rest = CLR_NO_AXIS;
    for (uint32_t i = 0; i < d->rank; i++) {
        const int64_t s = d->shape[i];
        out->size[i] = s > 0 ? (uint64_t)s : 1;
        if (s == CLRNN_STEPS)
            out->size[i] = in->steps != CLR_NO_AXIS ? in->size[in->steps] : infer->steps;
        else if (s == CLRNN_BATCH)
            out->size[i] = in->batch != CLR_NO_AXIS ? in->size[in->batch] : infer->batch;
        else if (s == 0 && i < in->rank)
            out->size[i] = in->size[i];
        else if (s == CLRNN_REST && rest == CLR_NO_AXIS)
            rest = (int32_t)i;
        else if (s <= 0)
            return clr_node_fail(infer->log, d, CLRNN_ERR_ARGUMENT,
                                 "axis %u of the shape cannot be %lld: x is %s", i, (long long)s,
                                 clr_value_text(in).text);
    }
    const size_t all = clr_shape_count(in), others = clr_shape_count(out);
    if (rest != CLR_NO_AXIS)
        out->size[rest] = others > 0 && all % others == 0 ? all / others : 0;
    if (clr_shape_count(out) == all)
        return CLRNN_OK;
    out->made = infer->steps == CLR_PROBE_STEPS ? asked_of(d, in) : 0;
    return clr_node_fail(infer->log, d, CLRNN_ERR_ARGUMENT, "%s cannot be made %s",
                         clr_value_text(in).text, clr_value_text(out).text);
}

static clrnn_status reshape_infer(clr_infer *infer)
{
    const clrnn_node_desc *d = infer->desc;
    const clr_shape *in = infer->in[0];
    clr_shape out = {.rank = d->rank,
                     .steps = CLR_NO_AXIS,
                     .batch = CLR_NO_AXIS,
                     .lengths = CLR_ALL_STEPS,
                     .ids = in->ids};
    clrnn_status status = reshape_sizes(infer, &out);
    for (uint32_t i = 0; i < out.rank && status == CLRNN_OK; i++) {
        const int64_t s = d->shape[i];
        const bool copied = s == 0;
        if (in->steps != CLR_NO_AXIS && same_place(in, (uint32_t)in->steps, &out, i) &&
            (s == CLRNN_STEPS || (copied && (int32_t)i == in->steps)))
            out.steps = (int32_t)i;
        if (is_again(d, i, CLRNN_STEPS, in->steps))
            out.steps = (int32_t)i;
        if (is_again(d, i, CLRNN_BATCH, in->batch))
            out.batch = (int32_t)i;
        if (in->batch != CLR_NO_AXIS && same_place(in, (uint32_t)in->batch, &out, i) &&
            (s == CLRNN_BATCH || (copied && (int32_t)i == in->batch)))
            out.batch = (int32_t)i;
    }
    if (out.steps != CLR_NO_AXIS && out.batch != CLR_NO_AXIS)
        out.lengths = in->lengths;
    infer->out[0] = out;
    return status;
}

/* In the order of x, which is that of y, but along the axes that x has: it may lie in any way. */
static clrnn_status reshape_forward(clr_run *run)
{
    map_launch l = clr_launch_over(run, &run->in[0], run->y[0]);
    clr_launch_reads(run, &l, 0, &run->in[0], 0);
    l.within = clr_within(run, &run->out[0]);
    return clr_move(run, &l, run->y[0].buffer, run->x[0].buffer, run->in[0].ids);
}

/* Whether x and y have the same axes, but for those of one element: then y lies as x does. */
static bool same_axes(const clr_shape *x, const clr_shape *y, clr_strides *view)
{
    const clr_strides from = *view;
    uint32_t i = 0;
    for (uint32_t k = 0; k < y->rank; k++) {
        while (i < x->rank && x->size[i] == 1)
            i++;
        view->stride[k] = 0;
        if (y->size[k] == 1)
            continue;
        if (i == x->rank || x->size[i] != y->size[k])
            return false;
        view->stride[k] = from.stride[i++];
    }
    return true; /* as many elements */
}

static bool reshape_view(const clr_run *run, clr_strides *view)
{
    const size_t begin = view->begin;
    if (!clr_strides_are_flat(view, &run->in[0]))
        return same_axes(&run->in[0], &run->out[0], view);
    *view = clr_strides_of(&run->out[0]);
    view->begin = begin;
    return true;
}

static clrnn_status reshape_backward(clr_run *run)
{
    const clr_shape *shape = &run->in[0];
    map_launch l = clr_launch_over(run, shape, run->dx[0]);
    clr_launch_takes(&l, 0, shape, shape, run->dy[0]);
    return run->dx[0].buffer ? clr_move(run, &l, run->dx[0].buffer, run->dy[0].buffer, shape->ids)
                             : CLRNN_OK;
}

static const char *reshape_no_stream(const clr_infer *infer)
{
    const bool had = infer->in[0]->steps != CLR_NO_AXIS;
    return had && infer->out[0].steps == CLR_NO_AXIS ? "it merges time with another axis" : NULL;
}

const clr_kind clr_kind_reshape = {.id = CLRNN_NODE_RESHAPE,
                                   .least = 1,
                                   .most = 1,
                                   .any = true,
                                   .strided = 1,
                                   .uses = CLR_USES_RANK | CLR_USES_SHAPE,
                                   .outputs = {""},
                                   .infer = reshape_infer,
                                   .forward = reshape_forward,
                                   .view = reshape_view,
                                   .backward = reshape_backward,
                                   .no_stream = reshape_no_stream};

/* --- transpose ------------------------------------------------------------------------------- */

static clrnn_status transpose_infer(clr_infer *infer)
{
    const clrnn_node_desc *d = infer->desc;
    const clr_shape *in = infer->in[0];
    clr_shape out = {.rank = in->rank,
                     .steps = CLR_NO_AXIS,
                     .batch = CLR_NO_AXIS,
                     .lengths = in->lengths,
                     .ids = in->ids};
    uint32_t seen = 0;
    for (uint32_t i = 0; i < d->rank && i < in->rank && d->order[i] < in->rank; i++) {
        seen |= 1u << d->order[i];
        out.size[i] = in->size[d->order[i]];
        if ((int32_t)d->order[i] == in->steps)
            out.steps = (int32_t)i;
        if ((int32_t)d->order[i] == in->batch)
            out.batch = (int32_t)i;
    }
    infer->out[0] = out;
    if (d->rank == in->rank && seen == (1u << in->rank) - 1)
        return CLRNN_OK;
    return clr_node_fail(infer->log, d, CLRNN_ERR_ARGUMENT,
                         "order must name each of the %u axes of %s once", in->rank,
                         clr_value_text(in).text);
}

static clrnn_status transpose_forward(clr_run *run)
{
    map_launch l = clr_launch_over(run, &run->out[0], run->y[0]);
    l.at[0] = run->x[0].offset;
    for (uint32_t i = 0; i < run->out[0].rank; i++)
        l.stride[0][i] = run->strides[0]->stride[run->node->desc.order[i]];
    return clr_move(run, &l, run->y[0].buffer, run->x[0].buffer, run->in[0].ids);
}

static bool transpose_view(const clr_run *run, clr_strides *view)
{
    const clr_strides from = *view;
    for (uint32_t i = 0; i < run->out[0].rank; i++)
        view->stride[i] = from.stride[run->node->desc.order[i]];
    return true;
}

static clrnn_status transpose_backward(clr_run *run)
{
    map_launch l = clr_launch_over(run, &run->in[0], run->dx[0]);
    l.at[0] = run->dy[0].offset;
    for (uint32_t i = 0; i < run->out[0].rank; i++)
        l.stride[0][run->node->desc.order[i]] = clr_shape_stride(&run->out[0], i);
    return run->dx[0].buffer ? clr_move(run, &l, run->dx[0].buffer, run->dy[0].buffer, false)
                             : CLRNN_OK;
}

const clr_kind clr_kind_transpose = {.id = CLRNN_NODE_TRANSPOSE,
                                     .least = 1,
                                     .most = 1,
                                     .any = true,
                                     .strided = 1,
                                     .uses = CLR_USES_RANK | CLR_USES_ORDER,
                                     .outputs = {""},
                                     .infer = transpose_infer,
                                     .forward = transpose_forward,
                                     .view = transpose_view,
                                     .backward = transpose_backward};

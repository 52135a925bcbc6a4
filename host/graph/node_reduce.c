/* SPDX-License-Identifier: MIT
 * graph/node_reduce.c - sums, means and extremes over axes; over time as far as a row is long. */
#include "graph/kind.h"

/* --- shapes ---------------------------------------------------------------------------------- */

/* Which axes are reduced, as bits; 0 if the descriptor names one that there is not. */
static uint32_t axes_of(const clrnn_node_desc *d, const clr_shape *in)
{
    uint32_t axes = 0;
    if (d->kind == CLRNN_NODE_POOL)
        return in->steps == CLR_NO_AXIS ? 0 : 1u << in->steps;
    for (uint32_t i = 0; i < d->rank; i++)
        if (d->order[i] >= in->rank)
            return 0;
        else
            axes |= 1u << d->order[i];
    return axes;
}

static clrnn_status reduce_infer(clr_infer *infer)
{
    const clrnn_node_desc *d = infer->desc;
    const clr_shape *in = infer->in[0];
    const uint32_t axes = axes_of(d, in);
    clr_shape out = *in;
    if (axes == 0 && d->kind == CLRNN_NODE_POOL)
        return clr_node_fail(infer->log, d, CLRNN_ERR_ARGUMENT, "%s has no axis of time",
                             clr_value_text(in).text);
    if (axes == 0)
        return clr_node_fail(infer->log, d, CLRNN_ERR_ARGUMENT,
                             "order must name axes of %s, of which there are %u",
                             clr_value_text(in).text, in->rank);
    if (d->kind == CLRNN_NODE_REDUCE && d->reduction == CLRNN_REDUCE_LAST)
        return clr_node_fail(infer->log, d, CLRNN_ERR_ARGUMENT, "the last step is what pool gives");
    for (uint32_t i = in->rank; i-- > 0;)
        if (axes >> i & 1) {
            clr_shape_remove(&out, i);
            if (d->keep_axes)
                clr_shape_insert(&out, i, 1);
        }
    if (out.batch == CLR_NO_AXIS)
        out.lengths = CLR_ALL_STEPS;
    infer->out[0] = out;
    return CLRNN_OK;
}

/* --- running --------------------------------------------------------------------------------- */

static reduce_launch launch_of(const clr_run *run, clrnn_slice out, clrnn_slice in)
{
    const clr_shape *x = &run->in[0];
    const uint32_t axes = axes_of(&run->node->desc, x);
    reduce_launch r = {.count = 1,
                       .inner_count = 1,
                       .out_at = out.offset,
                       .a_at = in.offset,
                       .operation = (cl_ulong)run->node->desc.reduction,
                       .within = clr_within(run, x)};
    for (uint32_t i = 0; i < x->rank; i++)
        if (axes >> i & 1) {
            r.inner_size[r.inner_rank] = x->size[i];
            r.inner_stride[r.inner_rank++] = clr_shape_stride(x, i);
            r.inner_count *= x->size[i];
        } else {
            r.size[r.rank] = x->size[i];
            r.stride[r.rank++] = clr_shape_stride(x, i);
            r.count *= x->size[i];
        }
    return r;
}

static clrnn_status reduce_forward(clr_run *run)
{
    const reduce_launch r = launch_of(run, run->y[0], run->x[0]);
    return clr_reduce(&run->tools->maps, &r, run->y[0].buffer, run->x[0].buffer);
}

/* dx = combine(g) for every element, where g [what stays] is repeated along what is reduced. */
static clrnn_status repeat(clr_run *run, clrnn_slice g, uint32_t combine)
{
    const clr_shape *x = &run->in[0];
    const uint32_t axes = axes_of(&run->node->desc, x);
    map_launch l = clr_launch_over(run, x, run->dx[0]);
    const cl_mem in[MAP_INPUTS] = {g.buffer, NULL, NULL};
    size_t stride = 1;
    l.at[0] = g.offset;
    for (uint32_t i = x->rank; i-- > 0;) {
        l.stride[0][i] = axes >> i & 1 ? 0 : stride;
        stride *= axes >> i & 1 ? 1 : (size_t)x->size[i];
    }
    l.combine = combine;
    return clr_map(&run->tools->maps, &l, run->dx[0].buffer, in, 1, 0);
}

/* Of a mean: dy over how many there were. */
static clrnn_status mean_backward(clr_run *run)
{
    const size_t count = clr_shape_count(&run->out[0]);
    const clrnn_slice counts = run->scratch, share = clr_part(run->scratch, count);
    reduce_launch r = launch_of(run, counts, run->x[0]);
    r.operation = REDUCE_COUNT;
    clrnn_status status = clr_reduce(&run->tools->maps, &r, counts.buffer, run->x[0].buffer);
    map_launch l = {.rank = 1,
                    .size = {count},
                    .out_at = share.offset,
                    .out_stride = {1},
                    .at = {run->dy[0].offset, counts.offset},
                    .stride = {{1}, {1}},
                    .combine = COMBINE_DIV};
    const cl_mem in[MAP_INPUTS] = {run->dy[0].buffer, counts.buffer, NULL};
    if (status == CLRNN_OK)
        status = clr_map(&run->tools->maps, &l, share.buffer, in, 1, 0);
    return status == CLRNN_OK ? repeat(run, share, COMBINE_FIRST) : status;
}

static clrnn_status reduce_backward(clr_run *run)
{
    if (!run->dx[0].buffer)
        return CLRNN_OK;
    const reduce_launch r = launch_of(run, run->dx[0], run->x[0]);
    switch (run->node->desc.reduction) {
    case CLRNN_REDUCE_SUM:
        return repeat(run, run->dy[0], COMBINE_FIRST);
    case CLRNN_REDUCE_LAST:
        return repeat(run, run->dy[0], COMBINE_LAST);
    case CLRNN_REDUCE_MEAN:
        return mean_backward(run);
    default:
        return clr_reduce_back(&run->tools->maps, &r, run->dx[0], run->x[0].buffer, run->y[0],
                               run->dy[0]);
    }
}

static void reduce_memory(const clr_run *run, clr_node_memory *memory)
{
    memory->backward = 2 * clr_shape_count(&run->out[0]);
}

static const char *pool_no_stream(const clr_infer *infer)
{
    const int32_t steps = infer->in[0]->steps;
    const bool over = steps != CLR_NO_AXIS && axes_of(infer->desc, infer->in[0]) >> steps & 1;
    return over ? "it needs the whole sequence" : NULL;
}

const clr_kind clr_kind_pool = {.id = CLRNN_NODE_POOL,
                                .least = 1,
                                .most = 1,
                                .uses = CLR_USES_REDUCTION | CLR_USES_KEEP_AXES,
                                .outputs = {""},
                                .infer = reduce_infer,
                                .memory = reduce_memory,
                                .forward = reduce_forward,
                                .backward = reduce_backward,
                                .no_stream = pool_no_stream};

const clr_kind clr_kind_reduce = {.id = CLRNN_NODE_REDUCE,
                                  .least = 1,
                                  .most = 1,
                                  .uses = CLR_USES_REDUCTION | CLR_USES_KEEP_AXES | CLR_USES_RANK |
                                          CLR_USES_ORDER,
                                  .outputs = {""},
                                  .infer = reduce_infer,
                                  .memory = reduce_memory,
                                  .forward = reduce_forward,
                                  .backward = reduce_backward,
                                  .no_stream = pool_no_stream};

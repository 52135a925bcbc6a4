/* SPDX-License-Identifier: MIT
 * graph/node_move.c - nodes that join and lengthen: concat, pad. */
#include <string.h>

#include "graph/kind.h"

static const char *over_time(void)
{
    return "it cuts or joins time";
}

/* --- concat ---------------------------------------------------------------------------------- */

static clrnn_status concat_infer(clr_infer *infer)
{
    const clr_shape *first = infer->in[0];
    const int32_t axis = clr_shape_axis(first, infer->desc->axis);
    clr_shape out = *first;
    if (axis == CLR_NO_AXIS)
        return clr_node_fail(infer->log, infer->desc, CLRNN_ERR_ARGUMENT, "%s has no axis %d",
                             clr_value_text(first).text, infer->desc->axis);
    for (uint32_t i = 1; i < infer->inputs; i++) {
        const clr_shape *in = infer->in[i];
        bool fits = in->rank == out.rank && in->ids == out.ids;
        for (uint32_t k = 0; fits && k < out.rank; k++)
            fits = k == (uint32_t)axis || in->size[k] == out.size[k];
        if (!fits)
            return clr_node_fail(infer->log, infer->desc, CLRNN_ERR_ARGUMENT,
                                 "%s and %s cannot be joined along axis %d",
                                 clr_value_text(first).text, clr_value_text(in).text, axis);
        out.size[axis] += in->size[axis];
        if (out.steps == CLR_NO_AXIS)
            out.steps = in->steps;
        if (out.lengths == CLR_ALL_STEPS)
            out.lengths = in->lengths;
        if (out.batch == CLR_NO_AXIS)
            out.batch = in->batch;
    }
    if (out.steps == axis) /* what is behind the padding of another is no padding */
        out.lengths = CLR_ALL_STEPS;
    if (out.batch == axis)
        out.batch = CLR_NO_AXIS;
    if (out.batch == CLR_NO_AXIS)
        out.lengths = CLR_ALL_STEPS;
    infer->out[0] = out;
    return CLRNN_OK;
}

/* Each input and its part of the output; from the output to the gradients with `back`. */
static clrnn_status concat_move(clr_run *run, bool back)
{
    const uint32_t axis = (uint32_t)clr_shape_axis(&run->out[0], run->node->desc.axis);
    const size_t stride = clr_shape_stride(&run->out[0], axis);
    size_t begin = 0;
    clrnn_status status = CLRNN_OK;
    for (uint32_t i = 0; i < run->node->input_count && status == CLRNN_OK; i++) {
        clr_shape shape = run->in[i];
        const clr_shape *part = &shape;
        const clrnn_slice own = back ? run->dx[i] : run->x[i];
        const clrnn_slice whole = clr_part(back ? run->dy[0] : run->y[0], begin * stride);
        shape.steps = run->out[0].steps;
        shape.batch = run->out[0].batch;
        shape.lengths = run->out[0].lengths;
        map_launch l = clr_launch_over(run, part, back ? own : whole);
        clr_launch_takes(&l, 0, part, part, back ? whole : own);
        if (!back)
            clr_launch_reads(run, &l, 0, part, i);
        for (uint32_t k = 0; k < part->rank; k++) {
            cl_ulong *of_whole = back ? &l.stride[0][k] : &l.out_stride[k];
            *of_whole = clr_shape_stride(&run->out[0], k);
        }
        begin += (size_t)part->size[axis];
        if (own.buffer && clr_shape_count(part) > 0)
            status = clr_move(run, &l, back ? own.buffer : whole.buffer,
                              back ? whole.buffer : own.buffer, part->ids);
    }
    return status;
}

static clrnn_status concat_forward(clr_run *run)
{
    return concat_move(run, false);
}

static clrnn_status concat_backward(clr_run *run)
{
    return concat_move(run, true);
}

static const char *concat_no_stream(const clr_infer *infer)
{
    const clr_shape *in = infer->in[0];
    return clr_shape_axis(in, infer->desc->axis) == in->steps && in->steps != CLR_NO_AXIS
               ? over_time()
               : NULL;
}

const clr_kind clr_kind_concat = {.id = CLRNN_NODE_CONCAT,
                                  .least = 1,
                                  .most = CLRNN_MOST_INPUTS,
                                  .any = true,
                                  .strided = UINT32_MAX,
                                  .uses = CLR_USES_AXIS,
                                  .outputs = {""},
                                  .infer = concat_infer,
                                  .forward = concat_forward,
                                  .backward = concat_backward,
                                  .no_stream = concat_no_stream};

/* --- pad ------------------------------------------------------------------------------------- */

static clrnn_status pad_infer(clr_infer *infer)
{
    const clrnn_node_desc *d = infer->desc;
    const clr_shape *in = infer->in[0];
    clr_shape out = *in;
    if (d->rank > in->rank)
        return clr_node_fail(infer->log, d, CLRNN_ERR_ARGUMENT, "rank %u, but x is %s", d->rank,
                             clr_value_text(in).text);
    for (uint32_t i = 0; i < d->rank; i++) {
        const int64_t size = (int64_t)in->size[i] + d->begin[i] + d->end[i];
        const bool changed = d->begin[i] != 0 || d->end[i] != 0;
        if (size < 0)
            return clr_node_fail(infer->log, d, CLRNN_ERR_RANGE, "axis %u of %s would have %lld", i,
                                 clr_value_text(in).text, (long long)size);
        out.size[i] = (uint64_t)size;
        if (changed && (int32_t)i == in->steps)
            out.lengths = CLR_ALL_STEPS;
        if (changed && (int32_t)i == in->batch) {
            out.batch = CLR_NO_AXIS;
            out.lengths = CLR_ALL_STEPS;
        }
    }
    infer->out[0] = out;
    return CLRNN_OK;
}

/* The value everywhere, then what of x is left in its place. */
static clrnn_status pad_forward(clr_run *run)
{
    const clrnn_node_desc *d = &run->node->desc;
    clr_shape part = run->in[0];
    map_launch fill = clr_launch_over(run, &run->out[0], run->y[0]);
    const cl_mem in[MAP_INPUTS] = {run->x[0].buffer, NULL, NULL};
    /* a < a is 0 of any a: one that is not finite must not come through. */
    fill.combine = COMBINE_LESS;
    fill.function = CLRNN_FN_AFFINE;
    if (clr_shape_count(&run->out[0]) == 0)
        return CLRNN_OK;
    clrnn_status status = clr_map(&run->tools->maps, &fill, run->y[0].buffer, in, 0, d->value);
    size_t from = 0, to = 0;
    for (uint32_t i = 0; i < d->rank; i++) {
        const uint64_t before = d->begin[i] < 0 ? (uint64_t)-d->begin[i] : 0;
        const uint64_t behind = d->end[i] < 0 ? (uint64_t)-d->end[i] : 0;
        const uint64_t cut = before + behind;
        part.size[i] = part.size[i] > cut ? part.size[i] - cut : 0;
        from += before * (size_t)run->strides[0]->stride[i];
        to += (d->begin[i] > 0 ? (size_t)d->begin[i] : 0) * clr_shape_stride(&run->out[0], i);
    }
    map_launch l = clr_launch_over(run, &part, clr_part(run->y[0], to));
    clr_launch_takes(&l, 0, &part, &part, clr_part(run->x[0], from));
    l.within.some = 0; /* it is 0 there already */
    for (uint32_t i = 0; i < part.rank; i++) {
        l.out_stride[i] = clr_shape_stride(&run->out[0], i);
        l.stride[0][i] = run->strides[0]->stride[i];
    }
    if (status == CLRNN_OK && clr_shape_count(&part) > 0)
        status = clr_move(run, &l, run->y[0].buffer, run->x[0].buffer, false);
    return status;
}

static const char *pad_no_stream(const clr_infer *infer)
{
    const int32_t steps = infer->in[0]->steps;
    const clrnn_node_desc *d = infer->desc;
    if (steps == CLR_NO_AXIS || (uint32_t)steps >= d->rank)
        return NULL;
    return d->begin[steps] || d->end[steps] ? over_time() : NULL;
}

const clr_kind clr_kind_pad = {.id = CLRNN_NODE_PAD,
                               .least = 1,
                               .most = 1,
                               .strided = 1,
                               .uses = CLR_USES_RANK | CLR_USES_BEGIN | CLR_USES_VALUE,
                               .outputs = {""},
                               .infer = pad_infer,
                               .forward = pad_forward,
                               .no_stream = pad_no_stream};

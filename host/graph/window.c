/* SPDX-License-Identifier: MIT
 * graph/window.c - see graph/window.h. */
#include "graph/window.h"

#include <stdio.h>

static bool is_flat(const clrnn_node_desc *d)
{
    return d->kind == CLRNN_NODE_CONV1D || d->kind == CLRNN_NODE_CONV_TRANSPOSE1D;
}

clrnn_status clr_window_complete(const clr_infer *infer, clrnn_node_desc *d)
{
    d->groups = d->groups ? d->groups : 1;
    for (uint32_t i = 0; i < 2; i++) {
        const bool unused = i == 1 && is_flat(d);
        if (unused && (d->kernel[1] > 1 || d->stride[1] > 1 || d->dilation[1] > 1 ||
                       d->pad_begin[1] || d->pad_end[1] || d->extra[1]))
            return clr_node_fail(infer->log, d, CLRNN_ERR_ARGUMENT,
                                 "its window has one axis, but the second one is set");
        d->stride[i] = d->stride[i] ? d->stride[i] : 1;
        d->dilation[i] = d->dilation[i] ? d->dilation[i] : 1;
        if (unused)
            d->kernel[i] = 1;
        if (d->kernel[i] == 0)
            return clr_node_fail(infer->log, d, CLRNN_ERR_RANGE, "kernel[%u] is 0", i);
        if ((d->kernel[i] - UINT64_C(1)) * d->dilation[i] > INT32_MAX)
            return clr_node_fail(infer->log, d, CLRNN_ERR_RANGE,
                                 "a kernel of %u with a dilation of %u is a window beyond 2^31",
                                 d->kernel[i], d->dilation[i]);
    }
    if (d->units == 0 || d->units % d->groups)
        return clr_node_fail(infer->log, d, CLRNN_ERR_RANGE,
                             "%u units cannot be cut into %u groups", d->units, d->groups);
    return CLRNN_OK;
}

/* conv1d: time if there is one, else the last axis; channels are the axis that is neither that nor
 * N, which without symbols is the first. */
bool clr_window_axes_of(const clrnn_node_desc *d, const clr_shape *x, clr_axes *axes)
{
    clr_axes a = {CLR_NO_AXIS, 1, {2, 3}, 2};
    if (!is_flat(d)) {
        a.outer = 0;
        *axes = a;
        return x->rank == 4 && x->steps != 1;
    }
    a.spaces = 1;
    a.space[1] = CLR_NO_AXIS;
    a.space[0] = x->steps != CLR_NO_AXIS ? x->steps : (int32_t)x->rank - 1;
    a.outer = x->batch;
    if (x->rank == 3 && a.outer == CLR_NO_AXIS)
        a.outer = a.space[0] == 0 ? 1 : 0;
    for (int32_t i = 0; i < (int32_t)x->rank; i++)
        if (i != a.space[0] && i != a.outer)
            a.channel = i;
    *axes = a;
    return a.space[0] != a.outer && (x->rank == 3 || (x->rank == 2 && a.outer == CLR_NO_AXIS));
}

clrnn_status clr_window_axes(const clr_infer *infer, clr_axes *axes)
{
    const clrnn_node_desc *d = infer->desc;
    const clr_shape *x = infer->in[0];
    if (!clr_window_axes_of(d, x, axes))
        return clr_node_fail(infer->log, d, CLRNN_ERR_ARGUMENT, "x is %s, but must have %s",
                             clr_value_text(x).text,
                             is_flat(d) ? "T, channels and, if need be, N" : "[N,channels,A,B]");
    const uint64_t C = x->size[axes->channel];
    if (C == 0 || C % d->groups)
        return clr_node_fail(infer->log, d, CLRNN_ERR_ARGUMENT,
                             "%llu channels of %s cannot be cut into %u groups",
                             (unsigned long long)C, clr_value_text(x).text, d->groups);
    return CLRNN_OK;
}

clrnn_status
clr_window_infer(clr_infer *infer, clr_window_rule (*rule_of)(const clrnn_node_desc *d, uint32_t i),
                 clrnn_status (*refuse)(const clr_infer *infer, uint32_t i, uint64_t size))
{
    const clr_shape *in = infer->in[0];
    clr_axes at;
    clrnn_status status = clr_window_axes(infer, &at);
    clr_shape out = *in;
    if (status != CLRNN_OK)
        return status;
    out.size[at.channel] = infer->desc->units;
    for (uint32_t i = 0; i < at.spaces; i++) {
        const clr_window_rule rule = rule_of(infer->desc, i);
        const uint64_t size = in->size[at.space[i]];
        const int64_t sum = (int64_t)size * rule.up + rule.add;
        if (sum < 0 || size < rule.least)
            return refuse(infer, i, size);
        out.size[at.space[i]] = (uint64_t)(sum / rule.stride) + 1;
        const bool same = rule.up == 1 && rule.add == -1 && rule.stride == 1;
        if (at.space[i] == in->steps && !same)
            clr_infer_rule(infer, &out, UINT64_MAX, rule.up, rule.add, rule.stride);
        if (at.space[i] == in->batch && !(same && infer->desc->kernel[i] == 1)) {
            out.batch = CLR_NO_AXIS; /* rows that are made of several have no length */
            out.lengths = CLR_ALL_STEPS;
        }
    }
    infer->out[0] = out;
    return CLRNN_OK;
}

bool clr_window_parameter(const clr_infer *infer, uint32_t i, bool transposed, clr_parameter *p,
                          char name[64])
{
    const clrnn_node_desc *d = infer->desc;
    clr_axes at;
    if (i > 1 || (i == 1 && d->no_bias) || clr_window_axes(infer, &at) != CLRNN_OK)
        return false;
    const uint64_t C = infer->in[0]->size[at.channel], U = d->units;
    const uint64_t window = (uint64_t)d->kernel[0] * d->kernel[1];
    const uint64_t first = transposed ? C : U, second = (transposed ? U : C) / d->groups;
    snprintf(name, 64, "%s", i ? "bias" : "weight");
    p->info.rank = i ? 1 : is_flat(d) ? 3 : 4;
    p->info.shape[0] = i ? U : first;
    p->info.shape[1] = second;
    p->info.shape[2] = d->kernel[0];
    p->info.shape[3] = d->kernel[1];
    p->info.trainable = true;
    p->fill = i ? CLR_FILL_ZERO : CLR_FILL_GLOROT;
    p->fan_in = second * window;
    p->fan_out = first * window;
    return true;
}

clr_channels clr_window_channels(const clr_node *node, const clr_shape *x)
{
    const clrnn_node_desc *d = &node->desc;
    const bool transposed =
        d->kind == CLRNN_NODE_CONV_TRANSPOSE1D || d->kind == CLRNN_NODE_CONV_TRANSPOSE2D;
    const size_t window = (size_t)d->kernel[0] * d->kernel[1], U = d->units;
    clr_axes at;
    clr_window_axes_of(d, x, &at);
    const size_t C = (size_t)x->size[at.channel] / d->groups; /* of a group */
    const size_t units = transposed ? U / d->groups : U;
    return (clr_channels){.axis = (uint32_t)at.channel,
                          .within = transposed ? window : C * window,
                          .units = units,
                          .span = C * units * window};
}

static uint64_t size_or_one(const clr_shape *shape, int32_t axis)
{
    return axis == CLR_NO_AXIS ? 1 : shape->size[axis];
}

static size_t stride_or_none(const clr_shape *shape, int32_t axis)
{
    return axis == CLR_NO_AXIS ? 0 : clr_shape_stride(shape, (uint32_t)axis);
}

window_launch clr_window_launch(const clr_run *run, const clr_axes *a, const clr_shape *x,
                                const clr_shape *positions)
{
    const clrnn_node_desc *d = &run->node->desc;
    window_launch w = {.x_outer = stride_or_none(x, a->outer),
                       .x_channel = stride_or_none(x, a->channel),
                       .outer = size_or_one(x, a->outer),
                       .channels = size_or_one(x, a->channel),
                       .within = clr_within(run, x)};
    for (uint32_t i = 0; i < 2; i++) {
        w.x_stride[i] = stride_or_none(x, a->space[i]);
        w.x_size[i] = size_or_one(x, a->space[i]);
        w.out_size[i] = size_or_one(positions, a->space[i]);
        w.kernel_size[i] = d->kernel[i];
        w.step[i] = d->stride[i];
        w.dilation[i] = d->dilation[i];
        w.pad[i] = d->pad_begin[i];
    }
    return w;
}

static void swap(cl_ulong *a, cl_ulong *b)
{
    const cl_ulong kept = *a;
    *a = *b;
    *b = kept;
}

void clr_window_turn(window_launch *w)
{
    cl_ulong *pairs[] = {w->x_stride, w->x_size,   w->out_size, w->kernel_size,
                         w->step,     w->dilation, w->pad};
    for (size_t i = 0; i < CLR_COUNT(pairs); i++)
        swap(&pairs[i][0], &pairs[i][1]);
}

void clr_window_join(window_launch *w)
{
    if (w->x_size[1] == 1 && w->out_size[1] == 1 && w->kernel_size[1] == 1)
        clr_window_turn(w);
    for (int i = 0; i < 2; i++) /* so there is no padding, either */
        if (w->kernel_size[i] != 1 || w->step[i] != 1 || w->x_size[i] != w->out_size[i])
            return;
    if (w->x_stride[0] != w->x_size[1] * w->x_stride[1])
        return;
    w->x_size[1] *= w->x_size[0];
    w->out_size[1] *= w->out_size[0];
    w->x_size[0] = w->out_size[0] = 1;
}

void clr_window_reads(const clr_run *run, const clr_axes *a, window_launch *w)
{
    const clr_strides *x = run->strides[0];
    w->x_at = run->x[0].offset;
    w->x_outer = a->outer == CLR_NO_AXIS ? 0 : x->stride[a->outer];
    w->x_channel = x->stride[a->channel];
    for (uint32_t i = 0; i < a->spaces; i++)
        w->x_stride[i] = x->stride[a->space[i]];
}

void clr_window_turned(const clr_axes *a, const clr_shape *y, cl_ulong strides[MAP_AXES])
{
    const size_t U = (size_t)y->size[a->channel], B = (size_t)size_or_one(y, a->space[1]);
    const size_t A = (size_t)size_or_one(y, a->space[0]);
    strides[a->channel] = 1;
    strides[a->space[0]] = B * U;
    if (a->space[1] != CLR_NO_AXIS)
        strides[a->space[1]] = U;
    if (a->outer != CLR_NO_AXIS)
        strides[a->outer] = A * B * U;
}

/* combine of the product and the bias, and its function, over y. */
static map_launch epilogue(const clr_run *run, const clr_axes *a, clrnn_slice product,
                           clrnn_slice out, cl_mem in[3])
{
    const clrnn_node_desc *d = &run->node->desc;
    map_launch l = clr_launch_over(run, &run->out[0], out);
    clr_window_turned(a, &run->out[0], l.stride[0]);
    l.at[0] = product.offset;
    in[0] = product.buffer;
    in[1] = in[2] = NULL;
    if (!d->no_bias) {
        l.combine = COMBINE_ADD;
        l.at[1] = run->at[1];
        l.stride[1][a->channel] = 1;
        in[1] = run->parameters;
    }
    l.function = d->function;
    return l;
}

/* function(y + bias) of a launch over y or a part of it. */
static clrnn_status finish(clr_run *run, map_launch *l, cl_mem in[MAP_INPUTS], clrnn_slice y)
{
    const clrnn_node_desc *d = &run->node->desc;
    if (d->no_bias && d->function == CLRNN_FN_IDENTITY && !l->within.some)
        return CLRNN_OK;
    return clr_map(&run->tools->maps, l, y.buffer, in, d->alpha, d->beta);
}

/* Channels, neighbours in memory, become the last axis: where no axis is asked about lengths. */
static void turn(map_launch *l, uint32_t channel)
{
    for (uint32_t i = channel; i + 1 < l->rank && !l->within.some; i++) {
        swap(&l->size[i], &l->size[i + 1]);
        swap(&l->out_stride[i], &l->out_stride[i + 1]);
        for (int k = 0; k < MAP_INPUTS; k++)
            swap(&l->stride[k][i], &l->stride[k][i + 1]);
    }
}

clrnn_status clr_window_finish(clr_run *run, const clr_axes *a, clrnn_slice product, clrnn_slice y)
{
    cl_mem in[MAP_INPUTS];
    map_launch l = epilogue(run, a, product, y, in);
    if (run->turned) {
        clr_window_turned(a, &run->out[0], l.out_stride);
        turn(&l, (uint32_t)a->channel);
        return finish(run, &l, in, y);
    }
    if (product.buffer == y.buffer && product.offset == y.offset)
        return finish(run, &l, in, y);
    return clr_map(&run->tools->maps, &l, y.buffer, in, run->node->desc.alpha,
                   run->node->desc.beta);
}

clrnn_status clr_window_finish_in_place(clr_run *run, const clr_axes *a, clrnn_slice y)
{
    cl_mem in[MAP_INPUTS];
    map_launch l = epilogue(run, a, y, y, in);
    clr_launch_takes(&l, 0, &run->out[0], &run->out[0], y);
    return finish(run, &l, in, y);
}

clrnn_status clr_window_finish_row(clr_run *run, const clr_axes *a, clrnn_slice y, size_t row)
{
    const size_t stride = stride_or_none(&run->out[0], a->outer);
    cl_mem in[MAP_INPUTS];
    map_launch l = epilogue(run, a, y, y, in);
    clr_launch_takes(&l, 0, &run->out[0], &run->out[0], y);
    if (a->outer != CLR_NO_AXIS)
        l.size[a->outer] = 1;
    l.out_at += row * stride;
    l.at[0] += row * stride;
    return finish(run, &l, in, y);
}

clrnn_status clr_window_begin_back(clr_run *run, const clr_axes *a, clrnn_slice sums)
{
    const clrnn_node_desc *d = &run->node->desc;
    const bool bent = d->function != CLRNN_FN_IDENTITY;
    cl_mem in[MAP_INPUTS];
    map_launch l = epilogue(run, a, bent ? run->kept : sums, sums, in);
    if (bent) {
        clr_launch_takes(&l, 2, &run->out[0], &run->out[0], run->dy[0]);
        in[2] = run->dy[0].buffer;
        l.gradient = 1;
    } else {
        clr_launch_takes(&l, 0, &run->out[0], &run->out[0], run->dy[0]);
        in[0] = run->dy[0].buffer;
        l.combine = COMBINE_FIRST;
    }
    clr_window_turned(a, &run->out[0], l.out_stride);
    return clr_map(&run->tools->maps, &l, sums.buffer, in, d->alpha, d->beta);
}

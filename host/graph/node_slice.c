/* SPDX-License-Identifier: MIT
 * graph/node_slice.c - parts of axes, also backwards; time goes backwards from the last step of
 * each row, or within lengths that other nodes compute (cl/turn.cl). */
#include <string.h>

#include "device/buffer.h"
#include "graph/kind.h"

enum { X, LENGTHS };

/* --- shapes ---------------------------------------------------------------------------------- */

/* Begin, step and count of an axis. */
typedef struct range {
    int64_t begin, step;
    uint64_t count;
} range;

static range range_of(const clrnn_node_desc *d, uint32_t axis, uint64_t size)
{
    const int64_t n = (int64_t)size, step = d->step[axis] ? d->step[axis] : 1;
    int64_t begin = d->begin[axis], end = d->end[axis];
    const int64_t low = step > 0 ? 0 : -1, high = step > 0 ? n : n - 1;
    begin += begin < 0 ? n : 0;
    begin = begin < low ? low : begin > high ? high : begin;
    if (end == CLRNN_TO_END)
        end = step > 0 ? n : -1;
    else
        end += end < 0 ? n : 0;
    end = end < low ? low : end > n ? n : end;
    int64_t span = step > 0 ? end - begin : begin - end;
    int64_t size_of_step = step > 0 ? step : -step;
    return (range){begin, step, span > 0 ? (uint64_t)((span - 1) / size_of_step + 1) : 0};
}

/* Whether the axis goes backwards from its last element to its first, whatever its size. */
static bool is_turned(const clrnn_node_desc *d, uint32_t axis)
{
    return axis < d->rank && d->step[axis] < 0 && d->begin[axis] == -1 &&
           d->end[axis] == CLRNN_TO_END;
}

static bool is_whole(const clrnn_node_desc *d, uint32_t axis)
{
    return axis >= d->rank || (d->step[axis] >= 0 && d->step[axis] < 2 && d->begin[axis] == 0 &&
                               d->end[axis] == CLRNN_TO_END);
}

/* The axis that lengths of the node's own are of: time, else the one that is turned. */
static uint32_t time_of(const clrnn_node_desc *d, const clr_shape *x)
{
    uint32_t axis = x->steps == CLR_NO_AXIS ? 0 : (uint32_t)x->steps;
    while (x->steps == CLR_NO_AXIS && axis + 1 < x->rank && !is_turned(d, axis))
        axis++;
    return axis;
}

/* Their rows: N, else the first axis beside time. */
static uint32_t rows_of(const clr_shape *x, uint32_t time)
{
    return x->batch != CLR_NO_AXIS ? (uint32_t)x->batch : time == 0 ? 1 : 0;
}

static clrnn_status check_lengths(const clr_infer *infer)
{
    const clrnn_node_desc *d = infer->desc;
    const clr_shape *x = infer->in[X], *lengths = infer->in[LENGTHS];
    const uint32_t time = time_of(d, x), rows = rows_of(x, time);
    bool fits = x->rank > 1 && is_turned(d, time) && d->step[time] == -1 && rows != time;
    for (uint32_t i = 0; fits && i < x->rank; i++)
        fits = i == time || is_whole(d, i);
    if (!fits)
        return clr_node_fail(infer->log, d, CLRNN_ERR_ARGUMENT,
                             "with lengths it turns time alone: begin -1, step -1, and all else "
                             "whole, of %s",
                             clr_value_text(x).text);
    if (!lengths->ids || lengths->rank != 1 || lengths->size[0] != x->size[rows])
        return clr_node_fail(infer->log, d, CLRNN_ERR_ARGUMENT,
                             "lengths is %s, but must be ids [N] with the N of %s",
                             clr_value_text(lengths).text, clr_value_text(x).text);
    return CLRNN_OK;
}

static clrnn_status check_time(const clr_infer *infer, uint32_t axis, const range *r)
{
    const clrnn_node_desc *d = infer->desc;
    if ((r->step > 0 && d->begin[axis] >= 0) || is_turned(d, axis))
        return CLRNN_OK;
    return clr_node_fail(infer->log, d, CLRNN_ERR_ARGUMENT,
                         "time is cut from its begin on, forwards, or turned from its last step "
                         "(-1) to its first, but begin is %lld and step %lld",
                         (long long)d->begin[axis], (long long)r->step);
}

static clrnn_status slice_infer(clr_infer *infer)
{
    const clrnn_node_desc *d = infer->desc;
    const clr_shape *in = infer->in[X];
    clr_shape out = *in;
    if (d->rank == 0 || d->rank > in->rank)
        return clr_node_fail(infer->log, d, CLRNN_ERR_ARGUMENT, "rank %u, but x is %s", d->rank,
                             clr_value_text(in).text);
    for (uint32_t i = 0; i < d->rank; i++) {
        const range r = range_of(d, i, in->size[i]);
        const bool time = (int32_t)i == in->steps, cut = r.count != in->size[i];
        clrnn_status status = time && (cut || r.step < 0) ? check_time(infer, i, &r) : CLRNN_OK;
        if (status != CLRNN_OK)
            return status;
        if ((int32_t)i == in->batch && (cut || r.step < 0))
            out.batch = CLR_NO_AXIS;
        if (time && r.step < -1)
            clr_infer_rule(infer, &out, UINT32_MAX, 1, -1, -r.step);
        else if (time && cut)
            clr_infer_rule(infer, &out, (uint64_t)r.begin + r.count * (uint64_t)r.step, 1,
                           -r.begin - 1, r.step);
        out.size[i] = r.count;
    }
    if (out.batch == CLR_NO_AXIS)
        out.lengths = CLR_ALL_STEPS;
    infer->out[0] = out;
    return infer->inputs > LENGTHS && infer->in[LENGTHS] ? check_lengths(infer) : CLRNN_OK;
}

/* --- running --------------------------------------------------------------------------------- */

static range range_in(const clr_run *run, uint32_t axis)
{
    const clrnn_node_desc *d = &run->node->desc;
    const uint64_t size = run->in[X].size[axis];
    return axis < d->rank ? range_of(d, axis, size) : (range){0, 1, size};
}

static bool has_lengths(const clr_run *run)
{
    return run->node->input_count > LENGTHS && run->node->inputs[LENGTHS] != CLR_NO_VALUE;
}

/* Whether time goes backwards from another step in each row: in some pass, in this one. */
static bool may_be_ragged(const clr_run *run)
{
    const clr_shape *x = &run->in[X];
    return has_lengths(run) || (x->steps != CLR_NO_AXIS && x->lengths != CLR_ALL_STEPS &&
                                is_turned(&run->node->desc, (uint32_t)x->steps));
}

static bool is_ragged(const clr_run *run)
{
    return has_lengths(run) || (run->ragged && may_be_ragged(run));
}

/* x and y may also be their gradients: then x is set. */
static clrnn_status turn(clr_run *run, clrnn_slice x, clrnn_slice y, bool back)
{
    const clr_shape *in = &run->in[X], *out = &run->out[0];
    const uint32_t time = time_of(&run->node->desc, in);
    const uint32_t rows = in->rank > 1 ? rows_of(in, time) : in->rank;
    const bool own = has_lengths(run);
    const clr_strides flat = clr_strides_of(in), *lies = back ? &flat : run->strides[X];
    turn_launch l = {.rank = out->rank,
                     .count = clr_shape_count(out),
                     .x_at = x.offset,
                     .y_at = y.offset,
                     .t_axis = time,
                     .n_axis = in->batch == CLR_NO_AXIS && !own ? in->rank : rows,
                     .T = in->size[time],
                     .back = back,
                     .own = own,
                     .own_at = own ? run->x[LENGTHS].offset : 0,
                     .some = run->ragged && in->lengths != CLR_ALL_STEPS,
                     .lengths_at = in->lengths * run->lengths_stride};
    for (uint32_t i = 0; i < in->rank; i++) {
        const range r = range_in(run, i);
        const int64_t stride = (int64_t)lies->stride[i];
        l.size[i] = out->size[i];
        if (i == time) {
            l.x_stride[i] = (cl_ulong)stride;
            l.step = (cl_ulong)-r.step;
            continue;
        }
        l.x_at += (cl_ulong)(r.begin * stride);
        l.x_stride[i] = (cl_ulong)(r.step * stride);
        if (i == l.n_axis) {
            l.n_begin = (cl_ulong)r.begin;
            l.n_step = (cl_ulong)r.step;
        }
    }
    return clr_turn(&run->tools->maps, &l, in->ids, x.buffer, y.buffer,
                    own ? run->x[LENGTHS].buffer : NULL);
}

/* How the part lies where x lies as *view. */
static void place_part(const clr_run *run, clr_strides *view)
{
    int64_t begin = (int64_t)view->begin;
    for (uint32_t i = 0; i < run->in[X].rank; i++) {
        const int64_t stride = (int64_t)view->stride[i];
        const range r = range_in(run, i);
        begin += r.begin * stride;
        view->stride[i] = (cl_ulong)(r.step * stride);
    }
    view->begin = (size_t)begin;
}

static bool slice_view(const clr_run *run, clr_strides *view)
{
    if (may_be_ragged(run))
        return false;
    place_part(run, view);
    return true;
}

static clrnn_status slice_forward(clr_run *run)
{
    clr_strides part = *run->strides[X];
    map_launch l = clr_launch_over(run, &run->out[0], run->y[0]);
    if (clr_shape_count(&run->out[0]) == 0)
        return CLRNN_OK;
    if (is_ragged(run))
        return turn(run, run->x[X], run->y[0], false);
    part.begin = run->x[X].offset;
    place_part(run, &part);
    l.at[0] = part.begin;
    memcpy(l.stride[0], part.stride, sizeof part.stride);
    return clr_move(run, &l, run->y[0].buffer, run->x[X].buffer, run->in[X].ids);
}

/* dx = 0, to set elements of it afterwards. */
static clrnn_status clear(clr_run *run)
{
    const size_t real = clr_tools_real(run->tools);
    return clr_buffer_zero(run->tools->context, run->dx[X].buffer, run->dx[X].offset * real,
                           clr_shape_count(&run->in[X]) * real);
}

static clrnn_status slice_backward(clr_run *run)
{
    clr_strides part = clr_strides_of(&run->in[X]);
    if (!run->dx[X].buffer)
        return CLRNN_OK;
    clrnn_status status = clear(run);
    if (status != CLRNN_OK || clr_shape_count(&run->out[0]) == 0)
        return status;
    if (is_ragged(run))
        return turn(run, run->dx[X], run->dy[0], true);
    map_launch l = clr_launch_over(run, &run->out[0], run->dx[X]);
    clr_launch_takes(&l, 0, &run->out[0], &run->out[0], run->dy[0]);
    place_part(run, &part);
    l.out_at += part.begin;
    memcpy(l.out_stride, part.stride, sizeof part.stride);
    return clr_move(run, &l, run->dx[X].buffer, run->dy[0].buffer, false);
}

static const char *slice_no_stream(const clr_infer *infer)
{
    const int32_t steps = infer->in[X]->steps;
    if (steps == CLR_NO_AXIS || (uint32_t)steps >= infer->desc->rank)
        return NULL;
    const range r = range_of(infer->desc, (uint32_t)steps, infer->in[X]->size[steps]);
    return r.count == infer->in[X]->size[steps] && r.step == 1 ? NULL : "it cuts or turns time";
}

const clr_kind clr_kind_slice = {.id = CLRNN_NODE_SLICE,
                                 .least = 1,
                                 .most = 2,
                                 .any = true,
                                 .strided = 1 << X,
                                 .uses = CLR_USES_RANK | CLR_USES_BEGIN | CLR_USES_STEP,
                                 .outputs = {""},
                                 .infer = slice_infer,
                                 .forward = slice_forward,
                                 .view = slice_view,
                                 .backward = slice_backward,
                                 .no_stream = slice_no_stream};

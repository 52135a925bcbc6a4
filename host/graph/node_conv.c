/* SPDX-License-Identifier: MIT
 * graph/node_conv.c - convolutions: what lies under the window, row by row, times the weight. */
#include <stdio.h>

#include "device/buffer.h"
#include "graph/implicit.h"
#include "graph/smooth.h"

/* --- shapes ---------------------------------------------------------------------------------- */

static clrnn_status conv_complete(const clr_infer *infer, clrnn_node_desc *desc)
{
    clrnn_status status = clr_window_complete(infer, desc);
    if (status != CLRNN_OK || !desc->causal)
        return status;
    const uint32_t past = (desc->kernel[0] - 1) * desc->dilation[0];
    if (desc->pad_end[0] || (desc->pad_begin[0] && desc->pad_begin[0] != past))
        return clr_node_fail(infer->log, desc, CLRNN_ERR_ARGUMENT,
                             "causal, but with padding of its own");
    desc->pad_begin[0] = past;
    return CLRNN_OK;
}

/* (size + padding - extent) / stride + 1 */
static clr_window_rule conv_rule(const clrnn_node_desc *d, uint32_t i)
{
    const int64_t extent = (int64_t)(d->kernel[i] - UINT64_C(1)) * d->dilation[i] + 1;
    return (clr_window_rule){1, (int64_t)d->pad_begin[i] + (int64_t)d->pad_end[i] - extent,
                             d->stride[i], 0};
}

static clrnn_status conv_too_small(const clr_infer *infer, uint32_t i, uint64_t size)
{
    const clrnn_node_desc *d = infer->desc;
    const uint64_t extent = (d->kernel[i] - UINT64_C(1)) * d->dilation[i] + 1;
    return clr_node_fail(
        infer->log, d, CLRNN_ERR_RANGE, "its window is %llu long, but x with its padding %llu",
        (unsigned long long)extent, (unsigned long long)(size + d->pad_begin[i] + d->pad_end[i]));
}

static clrnn_status conv_infer(clr_infer *infer)
{
    return clr_window_infer(infer, conv_rule, conv_too_small);
}

static bool conv_parameter(const clr_infer *infer, uint32_t i, clr_parameter *p, char name[64])
{
    return clr_window_parameter(infer, i, false, p, name);
}

/* --- sizes ----------------------------------------------------------------------------------- */

/* The product of one group: [rows, window] x [window, units]. */
typedef struct sizes {
    clr_axes at;
    size_t rows, groups;
    size_t window, units; /* of a group */
    size_t width, U;      /* of all */
} sizes;

static sizes sizes_of(const clr_run *run)
{
    const clrnn_node_desc *d = &run->node->desc;
    sizes s = {.groups = d->groups, .U = d->units, .rows = 1};
    clr_window_axes_of(d, &run->in[0], &s.at);
    s.width = (size_t)run->in[0].size[s.at.channel] * d->kernel[0] * d->kernel[1];
    s.window = s.width / s.groups;
    s.units = s.U / s.groups;
    for (uint32_t i = 0; i < run->out[0].rank; i++)
        if ((int32_t)i != s.at.channel)
            s.rows *= (size_t)run->out[0].size[i];
    return s;
}

/* Steps that a stream keeps of the past, and the rest of a block with them. */
static size_t past_of(const clrnn_node_desc *d)
{
    return (size_t)(d->kernel[0] - 1) * d->dilation[0];
}

static size_t steps_count(const clr_run *run, const sizes *s)
{
    const clr_shape *in = &run->in[0];
    const size_t all = clr_shape_count(in), T = (size_t)in->size[s->at.space[0]];
    return all + (T ? all / T : 0) * past_of(&run->node->desc);
}

/* Whether, for every T and N, a product as wide as the units is half of one as wide as a row. */
static bool is_narrow(const clr_run *run, const sizes *s)
{
    const clr_shape *x = &run->in[0], *y = &run->out[0];
    const size_t tile = run->tools->gemms.packed.tile_n;
    size_t positions = 1;
    for (uint32_t i = 0; i < s->at.spaces; i++) {
        const int32_t axis = s->at.space[i];
        if (axis == y->steps || axis == y->batch || axis == x->steps || axis == x->batch)
            return false;
        positions *= (size_t)y->size[axis];
    }
    const size_t across = (positions + tile - 1) / tile, panels = (s->units + tile - 1) / tile;
    return 2 * positions * panels <= across * s->units;
}

/* As it is done directly: one axis is the last of two, and so are two whose windows have one
 * element each. */
static window_launch direct_launch(const clr_run *run, const sizes *s, bool reads)
{
    window_launch w = clr_window_launch(run, &s->at, &run->in[0], &run->out[0]);
    if (reads)
        clr_window_reads(run, &s->at, &w);
    if (s->at.spaces == 1)
        clr_window_turn(&w);
    else
        clr_window_join(&w);
    return w;
}

/* Whether y lies as the weight times what is under the windows of one row: channels before
 * positions, as in ONNX. Our own kernel writes y itself then, and nothing is gathered. */
static bool is_direct(const clr_run *run, const sizes *s)
{
    const clr_shape *y = &run->out[0];
    const clr_gemms *gemms = &run->tools->gemms;
    const int32_t last = s->at.space[s->at.spaces - 1];
    const bool ordered = s->at.outer == CLR_NO_AXIS || s->at.outer == 0;
    const window_launch w = direct_launch(run, s, false);
    return !run->train && !run->stream && !run->turned && gemms->own &&
           clr_packed_has_conv(&gemms->packed) && ordered && s->at.channel < s->at.space[0] &&
           last == (int32_t)y->rank - 1 && !is_narrow(run, s) && clr_smooth_can(&w);
}

/* With channels last, as a product gives it; not where it is convolved in tiles that are full. */
static bool conv_turns(const clr_run *run, clr_strides *y)
{
    const sizes s = sizes_of(run);
    const window_launch w = direct_launch(run, &s, false);
    clr_window_turned(&s.at, &run->out[0], y->stride);
    return !is_direct(run, &s) || !clr_smooth_fills(run, &w);
}

static bool is_bent(const clr_run *run)
{
    return run->node->desc.function != CLRNN_FN_IDENTITY;
}

/* Elements that windows are gathered to, or of x with its padding. */
static size_t cols_count(const clr_run *run, const sizes *s)
{
    return clr_implicit_can(run, s->units) ? clr_implicit_count(run, &s->at) : s->rows * s->width;
}

static void conv_memory(const clr_run *run, clr_node_memory *memory)
{
    const sizes s = sizes_of(run);
    if (is_direct(run, &s)) {
        const window_launch w = direct_launch(run, &s, false);
        memory->forward = clr_smooth_count(run, &w);
        return;
    }
    memory->lasting = s.groups * clr_prepared_count(run->tools, s.units, s.window);
    memory->kept = is_bent(run) ? s.rows * s.U : 0;
    memory->forward = cols_count(run, &s) + s.rows * s.U + (run->stream ? steps_count(run, &s) : 0);
    memory->backward = s.rows * s.width + s.rows * s.U;
}

/* --- forward --------------------------------------------------------------------------------- */

/* A block of a stream behind its past, [past + T,N,C], from which the next past is taken. */
static clrnn_status with_past(clr_run *run, const sizes *s, clrnn_slice steps, window_launch *w)
{
    const clr_shape *in = &run->in[0];
    const size_t C = (size_t)in->size[s->at.channel], T = (size_t)in->size[s->at.space[0]];
    const size_t N = s->at.outer == CLR_NO_AXIS ? 1 : (size_t)in->size[s->at.outer];
    const size_t past = past_of(&run->node->desc);
    const size_t real = clr_tools_real(run->tools);
    const map_lengths within = clr_within(run, in);
    map_launch l = clr_launch_over(run, in, clr_part(steps, past * N * C));
    clr_launch_reads(run, &l, 0, in, 0);
    for (uint32_t i = 0; i < in->rank; i++)
        l.out_stride[i] = (int32_t)i == s->at.space[0] ? N * C : (int32_t)i == s->at.outer ? C : 1;
    clrnn_status status = CLRNN_OK;
    if (past)
        status =
            clr_buffer_copy(run->tools->context, run->state[0].buffer, run->state[0].offset * real,
                            steps.buffer, steps.offset * real, past * N * C * real);
    if (status == CLRNN_OK)
        status = clr_move(run, &l, steps.buffer, run->x[0].buffer, false);
    if (status == CLRNN_OK && past)
        status = clr_window_history(&run->tools->maps, steps, run->state[0], within.some != 0,
                                    (size_t)within.lengths_at, past, T, N, C);
    w->x_at = steps.offset;
    w->x_outer = C;
    w->x_channel = 1;
    w->x_stride[0] = N * C;
    w->x_size[0] = past + T;
    w->pad[0] = 0;
    return status;
}

/* The windows over x, or over `steps` where a block of a stream lies behind its past. */
static clrnn_status begin_windows(clr_run *run, const sizes *s, clrnn_slice steps, cl_mem *x,
                                  window_launch *w)
{
    *w = clr_window_launch(run, &s->at, &run->in[0], &run->out[0]);
    clr_window_reads(run, &s->at, w);
    *x = run->stream ? steps.buffer : run->x[0].buffer;
    return run->stream ? with_past(run, s, steps, w) : CLRNN_OK;
}

/* cols [rows,width] = what is under the window. */
static clrnn_status gather(clr_run *run, const sizes *s, clrnn_slice cols, clrnn_slice steps)
{
    window_launch w;
    cl_mem x;
    clrnn_status status = begin_windows(run, s, steps, &x, &w);
    w.cols_at = cols.offset;
    if (s->at.spaces == 1)
        clr_window_turn(&w);
    return status == CLRNN_OK ? clr_window_gather(&run->tools->maps, &w, x, cols.buffer) : status;
}

/* The same where it lies, x in `padded` if it has padding: the windows of group 0. */
static clrnn_status read_windows(clr_run *run, const sizes *s, clrnn_slice padded,
                                 clrnn_slice steps, cl_mem *x, gemm_windows *windows)
{
    window_launch w;
    clrnn_status status = begin_windows(run, s, steps, x, &w);
    return status == CLRNN_OK ? clr_implicit_read(run, &s->at, &w, padded, x, windows) : status;
}

/* Whether y lies as the product gives it. */
static bool is_product(const clr_run *run, const sizes *s)
{
    clr_strides y = {0};
    clr_window_turned(&s->at, &run->out[0], y.stride);
    return clr_strides_are_flat(&y, &run->out[0]);
}

static clrnn_status conv_forward(clr_run *run)
{
    const sizes s = sizes_of(run);
    if (is_direct(run, &s)) {
        const window_launch w = direct_launch(run, &s, true);
        return clr_smooth_run(run, &s.at, &w, run->scratch);
    }
    const clrnn_slice cols = run->scratch, behind = clr_part(cols, cols_count(run, &s));
    const clrnn_slice product = run->train && is_bent(run)           ? run->kept
                                : run->turned || is_product(run, &s) ? run->y[0]
                                                                     : behind;
    const clrnn_slice steps = clr_part(behind, s.rows * s.U);
    const bool implicit = clr_implicit_can(run, s.units);
    cl_mem a = cols.buffer;
    gemm_windows windows = {0};
    clrnn_status status =
        implicit ? read_windows(run, &s, cols, steps, &a, &windows) : gather(run, &s, cols, steps);
    const size_t channels = (size_t)run->in[0].size[s.at.channel] / s.groups;
    const size_t prepared = clr_prepared_count(run->tools, s.units, s.window);
    for (size_t g = 0; g < s.groups && status == CLRNN_OK; g++) {
        status = clr_times_weight(
            run, (clr_matrix){a, cols.offset + g * s.window, s.width}, implicit ? &windows : NULL,
            s.rows, (clr_matrix){run->parameters, run->at[0] + g * s.units * s.window, s.window},
            s.units, s.window, g * prepared,
            (clr_matrix){product.buffer, product.offset + g * s.units, s.U});
        windows.at += windows.k_stride[0] * channels; /* of which the stride may be negative */
    }
    return status == CLRNN_OK ? clr_window_finish(run, &s.at, product, run->y[0]) : status;
}

/* --- backward -------------------------------------------------------------------------------- */

/* The gradients of the weight's group and of what lay under the window, in its place. */
static clrnn_status group_back(clr_run *run, const sizes *s, size_t group, clr_matrix sums,
                               clr_matrix cols)
{
    clr_gemms *gemms = &run->tools->gemms;
    const size_t weight = run->at[0] + group * s->units * s->window;
    const clr_gemm dw = {.m = s->units,
                         .n = s->window,
                         .k = s->rows,
                         .transpose_a = true,
                         .a = sums,
                         .b = cols,
                         .c = {run->gradient, weight, s->window}};
    const clr_gemm dcols = {.m = s->rows,
                            .n = s->window,
                            .k = s->units,
                            .a = sums,
                            .b = {run->parameters, weight, s->window},
                            .c = cols};
    clrnn_status status = clr_gemm_run(gemms, &dw);
    return status == CLRNN_OK && run->dx[0].buffer ? clr_gemm_run(gemms, &dcols) : status;
}

static clrnn_status conv_backward(clr_run *run)
{
    const sizes s = sizes_of(run);
    const clrnn_slice cols = run->scratch, sums = clr_part(cols, s.rows * s.width);
    clrnn_status status = gather(run, &s, cols, cols);
    if (status == CLRNN_OK)
        status = clr_window_begin_back(run, &s.at, sums);
    for (size_t g = 0; g < s.groups && status == CLRNN_OK; g++)
        status = group_back(run, &s, g, (clr_matrix){sums.buffer, sums.offset + g * s.units, s.U},
                            (clr_matrix){cols.buffer, cols.offset + g * s.window, s.width});
    if (status == CLRNN_OK && !run->node->desc.no_bias)
        status = clr_column_sums(&run->tools->sequence, (clr_matrix){sums.buffer, sums.offset, s.U},
                                 s.rows, s.U, run->gradient, run->at[1], false);
    if (status != CLRNN_OK || !run->dx[0].buffer)
        return status;
    window_launch w = clr_window_launch(run, &s.at, &run->in[0], &run->out[0]);
    w.x_at = run->dx[0].offset;
    w.cols_at = cols.offset;
    return clr_window_scatter(&run->tools->maps, &w, run->dx[0].buffer, cols.buffer);
}

/* --- streams --------------------------------------------------------------------------------- */

/* The size of the axis that is neither time nor channels, of three. */
static uint64_t rows_of(const clr_infer *infer)
{
    const clr_shape *x = infer->in[0];
    clr_axes at;
    clr_window_axes_of(infer->desc, x, &at);
    return x->size[3 - at.channel - (uint32_t)x->steps];
}

static const char *conv_no_stream(const clr_infer *infer)
{
    const clrnn_node_desc *d = infer->desc;
    const bool pads = !d->causal && (d->pad_begin[0] || d->pad_end[0]);
    if (infer->in[0]->steps == CLR_NO_AXIS)
        return "it has no axis of time, so none to stream along";
    if (!d->causal && d->kernel[0] > 1)
        return "its window sees steps to come: it is not causal";
    if (infer->in[0]->rank == 3 && infer->in[0]->batch == CLR_NO_AXIS && rows_of(infer) != 1)
        return "its number of rows is fixed";
    return d->stride[0] > 1 ? "it has a stride" : pads ? "it pads time" : NULL;
}

static uint32_t conv_state(const clr_infer *infer, clr_state_part parts[CLR_STATE_PARTS])
{
    clr_axes at;
    clr_window_axes_of(infer->desc, infer->in[0], &at);
    parts[0] =
        (clr_state_part){"history", past_of(infer->desc), (size_t)infer->in[0]->size[at.channel]};
    return 1;
}

#define CONV_USES \
    (CLR_USES_UNITS | CLR_USES_WINDOW | CLR_USES_GROUPS | CLR_USES_NO_BIAS | CLR_USES_FUNCTION)

const clr_kind clr_kind_conv1d = {.id = CLRNN_NODE_CONV1D,
                                  .least = 1,
                                  .most = 1,
                                  .strided = 1,
                                  .takes_function = true,
                                  .uses = CONV_USES | CLR_USES_CAUSAL,
                                  .outputs = {""},
                                  .complete = conv_complete,
                                  .infer = conv_infer,
                                  .parameter = conv_parameter,
                                  .memory = conv_memory,
                                  .forward = conv_forward,
                                  .turns = conv_turns,
                                  .channels = clr_window_channels,
                                  .backward = conv_backward,
                                  .no_stream = conv_no_stream,
                                  .state = conv_state};

static const char *conv2d_no_stream(const clr_infer *infer)
{
    return infer->in[0]->steps != CLR_NO_AXIS ? "its window slides over time" : NULL;
}

const clr_kind clr_kind_conv2d = {.id = CLRNN_NODE_CONV2D,
                                  .least = 1,
                                  .most = 1,
                                  .strided = 1,
                                  .takes_function = true,
                                  .uses = CONV_USES,
                                  .outputs = {""},
                                  .complete = conv_complete,
                                  .infer = conv_infer,
                                  .parameter = conv_parameter,
                                  .memory = conv_memory,
                                  .forward = conv_forward,
                                  .turns = conv_turns,
                                  .channels = clr_window_channels,
                                  .backward = conv_backward,
                                  .no_stream = conv2d_no_stream};

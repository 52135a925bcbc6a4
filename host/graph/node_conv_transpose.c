/* SPDX-License-Identifier: MIT
 * graph/node_conv_transpose.c - transposed convolutions: each element of x times the weight is a
 * window's worth of y, and windows that overlap add up. Forward only. */
#include "graph/window.h"

/* (size - 1) * stride + extent - padding + extra */
static clr_window_rule transpose_rule(const clrnn_node_desc *d, uint32_t i)
{
    return (clr_window_rule){d->stride[i],
                             (int64_t)(d->kernel[i] - 1) * d->dilation[i] + d->extra[i] -
                                 (int64_t)d->pad_begin[i] - (int64_t)d->pad_end[i] -
                                 (int64_t)d->stride[i],
                             1, 1};
}

static clrnn_status transpose_too_small(const clr_infer *infer, uint32_t i, uint64_t size)
{
    const clr_window_rule rule = transpose_rule(infer->desc, i);
    return clr_node_fail(infer->log, infer->desc, CLRNN_ERR_RANGE,
                         "more is cut off than there is: %lld would be left of axis %u of its "
                         "window",
                         (long long)((int64_t)size * rule.up + rule.add + 1), i);
}

static clrnn_status transpose_infer(clr_infer *infer)
{
    return clr_window_infer(infer, transpose_rule, transpose_too_small);
}

static bool transpose_parameter(const clr_infer *infer, uint32_t i, clr_parameter *p, char name[64])
{
    return clr_window_parameter(infer, i, true, p, name);
}

typedef struct sizes {
    clr_axes at;
    size_t rows, groups;
    size_t C, window; /* of x; of y under the window, units times kernel */
} sizes;

static sizes sizes_of(const clr_run *run)
{
    const clrnn_node_desc *d = &run->node->desc;
    sizes s = {.groups = d->groups};
    clr_window_axes_of(d, &run->in[0], &s.at);
    s.C = (size_t)run->in[0].size[s.at.channel];
    s.rows = clr_shape_count(&run->in[0]) / s.C;
    s.window = (size_t)d->units * d->kernel[0] * d->kernel[1];
    return s;
}

static void transpose_memory(const clr_run *run, clr_node_memory *memory)
{
    const sizes s = sizes_of(run);
    memory->forward = s.rows * (s.C + s.window);
}

/* x as [outer,A,B,C]. */
static clrnn_status x_rows(clr_run *run, const sizes *s, clrnn_slice rows)
{
    window_launch w = clr_window_launch(run, &s->at, &run->in[0], &run->in[0]);
    for (uint32_t i = 0; i < 2; i++) {
        w.kernel_size[i] = w.step[i] = w.dilation[i] = 1;
        w.pad[i] = 0;
    }
    clr_window_reads(run, &s->at, &w);
    w.cols_at = rows.offset;
    return clr_window_gather(&run->tools->maps, &w, run->x[0].buffer, rows.buffer);
}

/* y = function(y + bias), where it lies. */
static clrnn_status finish(clr_run *run, const clr_axes *at)
{
    const clrnn_node_desc *d = &run->node->desc;
    map_launch l = clr_launch_over(run, &run->out[0], run->y[0]);
    cl_mem in[MAP_INPUTS] = {run->y[0].buffer, NULL, NULL};
    clr_launch_takes(&l, 0, &run->out[0], &run->out[0], run->y[0]);
    l.function = d->function;
    if (!d->no_bias) {
        in[1] = run->parameters;
        l.at[1] = run->at[1];
        l.stride[1][at->channel] = 1;
        l.combine = COMBINE_ADD;
    }
    return clr_map(&run->tools->maps, &l, run->y[0].buffer, in, d->alpha, d->beta);
}

/* Whether x and y have channels before positions, as in ONNX, and x lies so: then the product of a
 * row gives the elements of a window one behind the other, and nothing is gathered. */
static bool is_direct(const clr_run *run, const sizes *s)
{
    const clr_shape *in = &run->in[0];
    const cl_ulong *stride = run->strides[0]->stride;
    const size_t outer = s->at.outer == CLR_NO_AXIS ? 1 : (size_t)in->size[s->at.outer];
    const int32_t first = s->at.space[0], last = s->at.space[s->at.spaces - 1];
    /* Of many rows of few positions all are one product, in which the weight is read once. */
    if (outer > 1 && s->rows / outer < run->tools->gemms.packed.tile_n && s->C > s->groups)
        return false;
    return run->tools->gemms.own && run->tools->maps.columns > 1 &&
           !clr_within(run, &run->out[0]).some && s->at.channel < first &&
           last == (int32_t)in->rank - 1 && (s->at.outer == CLR_NO_AXIS || s->at.outer == 0) &&
           stride[last] == 1 && (first == last || stride[first] == in->size[last]);
}

/* cols [window,positions] of each row and group. */
static clrnn_status direct_products(clr_run *run, const sizes *s, const window_launch *from,
                                    size_t positions)
{
    const size_t C = s->C / s->groups, window = s->window / s->groups;
    clrnn_status status = CLRNN_OK;
    for (size_t row = 0; row < from->outer && status == CLRNN_OK; row++)
        for (size_t g = 0; g < s->groups && status == CLRNN_OK; g++) {
            const size_t x = from->x_at + row * from->x_outer + g * C * from->x_channel;
            const size_t cols = run->scratch.offset + (row * s->window + g * window) * positions;
            const clr_gemm gemm = {.m = window,
                                   .n = positions,
                                   .k = C,
                                   .transpose_a = true,
                                   .same_a = s->groups == 1 && row > 0,
                                   .a = {run->parameters, run->at[0] + g * C * window, window},
                                   .b = {run->x[0].buffer, x, from->x_channel},
                                   .c = {run->scratch.buffer, cols, positions}};
            status = clr_gemm_run(&run->tools->gemms, &gemm);
        }
    return status;
}

static clrnn_status transpose_direct(clr_run *run, const sizes *s, bool bent)
{
    const clrnn_node_desc *d = &run->node->desc;
    window_launch from = clr_window_launch(run, &s->at, &run->in[0], &run->in[0]);
    window_launch w = clr_window_launch(run, &s->at, &run->out[0], &run->in[0]);
    const size_t positions = (size_t)(w.out_size[0] * w.out_size[1]);
    const bool apart = s->C == s->groups;
    overlap_launch o = {.outer = s->window * positions,
                        .channel = d->kernel[0] * d->kernel[1] * positions,
                        .element = positions,
                        .units = 1,
                        .has_bias = !bent && !d->no_bias,
                        .bias_at = d->no_bias ? 0 : run->at[1],
                        .relu = !bent && d->function == CLRNN_FN_RELU};
    clrnn_status status = CLRNN_OK;
    clr_window_reads(run, &s->at, &from);
    w.x_at = run->y[0].offset;
    w.cols_at = run->scratch.offset;
    if (apart) {
        o.outer = from.x_outer;
        o.channel = from.x_channel;
        o.element = 0;
        o.units = d->units / s->groups;
        o.weighs = 1;
        o.weight_at = run->at[0];
        w.cols_at = from.x_at;
    } else {
        status = direct_products(run, s, &from, positions);
    }
    if (s->at.spaces == 1)
        clr_window_turn(&w);
    return status == CLRNN_OK
               ? clr_window_overlap(&run->tools->maps, &w, &o, run->y[0].buffer,
                                    apart ? run->x[0].buffer : run->scratch.buffer, run->parameters)
               : status;
}

static clrnn_status transpose_forward(clr_run *run)
{
    const sizes s = sizes_of(run);
    if (is_direct(run, &s)) {
        const clrnn_function function = run->node->desc.function;
        const bool bent = function != CLRNN_FN_IDENTITY && function != CLRNN_FN_RELU;
        clrnn_status status = transpose_direct(run, &s, bent);
        return status == CLRNN_OK && bent ? finish(run, &s.at) : status;
    }
    const clrnn_slice x = run->scratch, cols = clr_part(x, s.rows * s.C);
    const size_t C = s.C / s.groups, window = s.window / s.groups;
    clrnn_status status = x_rows(run, &s, x);
    for (size_t g = 0; g < s.groups && status == CLRNN_OK; g++) {
        const clr_gemm gemm = {.m = s.rows,
                               .n = window,
                               .k = C,
                               .a = {x.buffer, x.offset + g * C, s.C},
                               .b = {run->parameters, run->at[0] + g * C * window, window},
                               .c = {cols.buffer, cols.offset + g * window, s.window}};
        status = clr_gemm_run(&run->tools->gemms, &gemm);
    }
    window_launch w = clr_window_launch(run, &s.at, &run->out[0], &run->in[0]);
    w.x_at = run->y[0].offset;
    w.cols_at = cols.offset;
    if (status == CLRNN_OK)
        status = clr_window_scatter(&run->tools->maps, &w, run->y[0].buffer, cols.buffer);
    return status == CLRNN_OK ? finish(run, &s.at) : status;
}

static const char *transpose_no_stream(const clr_infer *infer)
{
    return infer->in[0]->steps != CLR_NO_AXIS ? "its windows overlap in time" : NULL;
}

#define TRANSPOSE(ID, NAME)                                                                        \
    const clr_kind clr_kind_##NAME = {.id = CLRNN_NODE_##ID,                                       \
                                      .least = 1,                                                  \
                                      .most = 1,                                                   \
                                      .strided = 1,                                                \
                                      .takes_function = true,                                      \
                                      .uses = CLR_USES_UNITS | CLR_USES_WINDOW | CLR_USES_GROUPS | \
                                              CLR_USES_NO_BIAS | CLR_USES_FUNCTION |               \
                                              CLR_USES_EXTRA,                                      \
                                      .outputs = {""},                                             \
                                      .complete = clr_window_complete,                             \
                                      .infer = transpose_infer,                                    \
                                      .parameter = transpose_parameter,                            \
                                      .memory = transpose_memory,                                  \
                                      .forward = transpose_forward,                                \
                                      .channels = clr_window_channels,                             \
                                      .no_stream = transpose_no_stream}
TRANSPOSE(CONV_TRANSPOSE1D, conv_transpose1d);
TRANSPOSE(CONV_TRANSPOSE2D, conv_transpose2d);

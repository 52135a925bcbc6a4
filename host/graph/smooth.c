/* SPDX-License-Identifier: MIT
 * graph/smooth.c - see graph/smooth.h. */
#include "graph/smooth.h"

#include "device/buffer.h"

/* A line of A or B that all windows see, its padding with it. */
static size_t seen(const window_launch *w, int axis)
{
    return (size_t)((w->out_size[axis] - 1) * w->step[axis] +
                    (w->kernel_size[axis] - 1) * w->dilation[axis] + 1);
}

static bool is_empty(const window_launch *w)
{
    return w->out_size[0] == 0 || w->out_size[1] == 0;
}

size_t clr_smooth_count(const clr_run *run, const window_launch *w)
{
    const size_t behind = run->tools->gemms.packed.tile_n;
    return is_empty(w) ? 0 : (size_t)w->channels * seen(w, 0) * seen(w, 1) + behind;
}

bool clr_smooth_suits(const clr_run *run, const window_launch *w)
{
    const size_t width = run->tools->gemms.packed.tile_n, B = (size_t)w->out_size[1];
    const size_t tiles = (B + width - 1) / width;
    return w->step[1] == 1 && 4 * B >= 3 * width * tiles && clr_smooth_count(run, w) <= UINT32_MAX;
}

/* How much of x lies within what is seen. */
static size_t inside(const window_launch *w, int axis)
{
    const size_t all = seen(w, axis), pad = (size_t)w->pad[axis], x = (size_t)w->x_size[axis];
    const size_t room = all > pad ? all - pad : 0;
    return x < room ? x : room;
}

/* One row of x into its padding, which is 0 and stays so. */
static clrnn_status pad(clr_run *run, const window_launch *w, size_t x_at, clrnn_slice padded)
{
    const size_t line = seen(w, 1), channel = seen(w, 0) * line;
    const map_launch l = {
        .rank = 3,
        .size = {w->channels, inside(w, 0), inside(w, 1)},
        .out_at = padded.offset + (size_t)w->pad[0] * line + (size_t)w->pad[1],
        .out_stride = {channel, line, 1},
        .at = {x_at},
        .stride = {{w->x_channel, w->x_stride[0], w->x_stride[1]}},
    };
    return l.size[1] && l.size[2] ? clr_move(run, &l, padded.buffer, run->x[0].buffer, false)
                                  : CLRNN_OK;
}

static clrnn_status clear(clr_run *run, const window_launch *w, clrnn_slice padded)
{
    const size_t real = run->tools->precision == CLRNN_F64 ? sizeof(double) : sizeof(float);
    return clr_buffer_zero(run->tools->context, padded.buffer, padded.offset * real,
                           clr_smooth_count(run, w) * real);
}

/* All groups of one row. finish: bias and function at once. */
static clrnn_status convolve(clr_run *run, const window_launch *w, size_t row, clrnn_slice padded,
                             bool finish)
{
    const clrnn_node_desc *d = &run->node->desc;
    const size_t channels = (size_t)w->channels / d->groups, units = d->units / d->groups;
    const size_t window = channels * (size_t)(w->kernel_size[0] * w->kernel_size[1]);
    const size_t line = seen(w, 1), channel = seen(w, 0) * line;
    clrnn_status status = CLRNN_OK;
    for (size_t g = 0; g < d->groups && status == CLRNN_OK; g++) {
        const size_t first = row * d->units + g * units;
        const conv_launch l = {
            .weight_at = run->at[0] + g * units * window,
            .x_at = padded.offset + g * channels * channel,
            .bias_at = d->no_bias ? 0 : run->at[1] + g * units,
            .y_at = run->y[0].offset + first * (size_t)(w->out_size[0] * w->out_size[1]),
            .channels = channels,
            .x_channel = channel,
            .x_row = line,
            .kernel_size = {w->kernel_size[0], w->kernel_size[1]},
            .dilation = {w->dilation[0], w->dilation[1]},
            .step = w->step[0],
            .out_size = {w->out_size[0], w->out_size[1]},
            .units = units,
            .has_bias = finish && !d->no_bias,
            .relu = finish && d->function == CLRNN_FN_RELU,
        };
        status = clr_packed_conv(&run->tools->gemms.packed, &l, run->parameters, padded.buffer,
                                 run->parameters, run->y[0].buffer);
    }
    return status;
}

clrnn_status clr_smooth_run(clr_run *run, const clr_axes *axes, const window_launch *w,
                            clrnn_slice padded)
{
    const clrnn_function function = run->node->desc.function;
    /* What lengths say is said of all rows. */
    const bool near = !clr_within(run, &run->out[0]).some;
    const bool finish = near && (function == CLRNN_FN_IDENTITY || function == CLRNN_FN_RELU);
    clrnn_status status = is_empty(w) ? CLRNN_OK : clear(run, w, padded);
    for (size_t row = 0; row < w->outer && !is_empty(w) && status == CLRNN_OK; row++) {
        status = pad(run, w, (size_t)w->x_at + row * (size_t)w->x_outer, padded);
        if (status == CLRNN_OK)
            status = convolve(run, w, row, padded, finish);
        if (status == CLRNN_OK && near && !finish)
            status = clr_window_finish_row(run, axes, run->y[0], row);
    }
    return status == CLRNN_OK && !near ? clr_window_finish_in_place(run, axes, run->y[0]) : status;
}

/* SPDX-License-Identifier: MIT
 * graph/smooth.c - see graph/smooth.h. */
#include "graph/smooth.h"

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

static size_t row_count(const window_launch *w)
{
    return (size_t)w->channels * seen(w, 0) * seen(w, 1);
}

/* Elements of rows that are done together: more of them than caches keep, but with fewer launches
 * (a million and four times as many alike, a quarter 5 % slower, a sixteenth 10 %). */
static const size_t together = 1 << 20;

static size_t smaller(size_t a, size_t b)
{
    return a < b ? a : b;
}

static size_t rows_together(const window_launch *w)
{
    const size_t most = together / row_count(w);
    return smaller(most ? most : 1, (size_t)w->outer);
}

/* As many for a smaller T or N, too, of whose rows more are done together. */
size_t clr_smooth_count(const clr_run *run, const window_launch *w)
{
    const size_t behind = run->tools->gemms.packed.tile_n;
    if (is_empty(w))
        return 0;
    const size_t row = row_count(w), room = row > together ? row : together;
    return (w->outer <= room / row ? (size_t)w->outer * row : room) + behind;
}

/* Groups of few units, as of depthwise convolutions, are much less work at once than one by one. */
static const uint32_t few_units = 8;

bool clr_smooth_suits(const clr_run *run, const window_launch *w)
{
    const clrnn_node_desc *d = &run->node->desc;
    const size_t width = run->tools->gemms.packed.tile_n, B = (size_t)w->out_size[1];
    const size_t tiles = (B + width - 1) / width;
    const bool many = d->groups > 1 && d->units / d->groups < few_units;
    return w->step[1] == 1 && (many || 4 * B >= 3 * width * tiles) && row_count(w) <= UINT32_MAX;
}

/* Rows first..first+rows-1. finish: bias and function at once. */
static clrnn_status convolve(clr_run *run, const window_launch *w, size_t first, size_t rows,
                             clrnn_slice padded, bool finish)
{
    const clrnn_node_desc *d = &run->node->desc;
    const size_t line = seen(w, 1), positions = (size_t)(w->out_size[0] * w->out_size[1]);
    const conv_launch l = {
        .weight_at = run->at[0],
        .x_at = padded.offset,
        .bias_at = d->no_bias ? 0 : run->at[1],
        .y_at = run->y[0].offset + first * d->units * positions,
        .rows = rows,
        .x_row = row_count(w),
        .y_row = d->units * positions,
        .groups = d->groups,
        .channels = w->channels / d->groups,
        .x_channel = seen(w, 0) * line,
        .x_line = line,
        .kernel_size = {w->kernel_size[0], w->kernel_size[1]},
        .dilation = {w->dilation[0], w->dilation[1]},
        .step = w->step[0],
        .out_size = {w->out_size[0], w->out_size[1]},
        .units = d->units / d->groups,
        .has_bias = finish && !d->no_bias,
        .relu = finish && d->function == CLRNN_FN_RELU,
    };
    return clr_packed_conv(&run->tools->gemms.packed, &l, run->parameters, padded.buffer,
                           run->parameters, run->y[0].buffer);
}

clrnn_status clr_smooth_run(clr_run *run, const clr_axes *axes, const window_launch *launch,
                            clrnn_slice padded)
{
    const clrnn_function function = run->node->desc.function;
    /* What lengths say is said of all rows. */
    const bool near = !clr_within(run, &run->out[0]).some;
    const bool finish = near && (function == CLRNN_FN_IDENTITY || function == CLRNN_FN_RELU);
    window_launch w = *launch;
    w.cols_at = padded.offset;
    clrnn_status status = CLRNN_OK;
    for (size_t row = 0; row < launch->outer && !is_empty(&w) && status == CLRNN_OK;
         row += w.outer) {
        w.outer = smaller(rows_together(launch), (size_t)launch->outer - row);
        w.x_at = launch->x_at + row * launch->x_outer;
        const size_t size[2] = {seen(&w, 0), seen(&w, 1)};
        status = clr_window_pad(&run->tools->maps, &w, size, run->x[0].buffer, padded.buffer);
        if (status == CLRNN_OK)
            status = convolve(run, &w, row, (size_t)w.outer, padded, finish);
        for (size_t i = 0; i < w.outer && status == CLRNN_OK && near && !finish; i++)
            status = clr_window_finish_row(run, axes, run->y[0], row + i);
    }
    return status == CLRNN_OK && !near ? clr_window_finish_in_place(run, axes, run->y[0]) : status;
}

/* SPDX-License-Identifier: MIT
 * graph/smooth.c - see graph/smooth.h. */
#include "graph/smooth.h"

static size_t smaller(size_t a, size_t b)
{
    return a < b ? a : b;
}

/* What windows see of a channel. */
static window_planes planes_of(const window_launch *w)
{
    window_planes p;
    for (int i = 0; i < 2; i++) {
        const size_t reach = (size_t)((w->kernel_size[i] - 1) * w->dilation[i]);
        p.count[i] = smaller((size_t)w->step[i], reach + 1);
        p.size[i] = (size_t)w->out_size[i] + reach / (size_t)w->step[i];
    }
    return p;
}

static bool is_empty(const window_launch *w)
{
    return w->out_size[0] == 0 || w->out_size[1] == 0;
}

static size_t channel_count(const window_launch *w)
{
    const window_planes p = planes_of(w);
    return (size_t)(p.count[0] * p.count[1] * p.size[0] * p.size[1]);
}

static size_t row_count(const window_launch *w)
{
    return (size_t)w->channels * channel_count(w);
}

/* Elements of rows that are done together: more of them than caches keep, but with fewer launches
 * (a million and four times as many alike, a quarter 5 % slower, a sixteenth 10 %). */
static const size_t together = 1 << 20;

static size_t rows_together(const window_launch *w)
{
    const size_t most = together / row_count(w);
    return smaller(most ? most : 1, (size_t)w->outer);
}

/* Groups of few units, as of depthwise convolutions: their channels are read once, so each is
 * padded just before. As many of them that all threads have some. */
static bool is_apart(const clrnn_node_desc *d)
{
    return d->groups >= 16 && d->units / d->groups < 8;
}

/* As many for a smaller T or N, too, of whose rows more are done together. Of groups apart each
 * work-item has one, and there are no more of those than groups. */
size_t clr_smooth_count(const clr_run *run, const window_launch *w)
{
    const clrnn_node_desc *d = &run->node->desc;
    const size_t behind = run->tools->gemms.packed.tile_n;
    if (is_empty(w))
        return 0;
    const size_t row = row_count(w), room = row > together ? row : together;
    if (is_apart(d))
        return row + d->groups * behind;
    return (w->outer <= room / row ? (size_t)w->outer * row : room) + behind;
}

/* Not of windows so far apart that x with what is between them is much more than what they see: of
 * what no T and N decides, so that a plan and its passes agree. */
bool clr_smooth_can(const window_launch *w)
{
    static const cl_ulong most = 1 << 22;
    const window_planes p = planes_of(w);
    cl_ulong count = w->channels;
    for (int i = 0; i < 2; i++) {
        const cl_ulong seen = p.size[i] - w->out_size[i] + 1;
        if (p.count[i] > most || seen > most || count > most)
            return false;
        count *= p.count[i];
        if (count > most)
            return false;
        count *= seen;
    }
    return count <= most;
}

/* Rows first..first+rows-1. finish: bias and function at once. */
static conv_launch launch_of(const clr_run *run, const window_launch *w, size_t first, size_t rows,
                             bool finish)
{
    const clrnn_node_desc *d = &run->node->desc;
    const clr_packed *packed = &run->tools->gemms.packed;
    const size_t positions = (size_t)(w->out_size[0] * w->out_size[1]);
    const window_planes p = planes_of(w);
    conv_launch l = {
        .weight_at = run->at[0],
        .x_at = w->cols_at,
        .bias_at = d->no_bias ? 0 : run->at[1],
        .y_at = run->y[0].offset + first * d->units * positions,
        .rows = rows,
        .x_row = row_count(w),
        .y_row = d->units * positions,
        .groups = d->groups,
        .channels = w->channels / d->groups,
        .x_channel = channel_count(w),
        .x_plane = p.size[0] * p.size[1],
        .x_line = p.size[1],
        .planes = p.count[1],
        .kernel_size = {w->kernel_size[0], w->kernel_size[1]},
        .dilation = {w->dilation[0], w->dilation[1]},
        .step = {w->step[0], w->step[1]},
        .out_size = {w->out_size[0], w->out_size[1]},
        .units = d->units / d->groups,
        .has_bias = finish && !d->no_bias,
        .function = finish ? d->function : CLRNN_FN_IDENTITY,
    };
    l.joined = clr_packed_joined_tiles(packed, &l) < clr_packed_line_tiles(packed, &l);
    return l;
}

bool clr_smooth_fills(const clr_run *run, const window_launch *w)
{
    const clr_packed *packed = &run->tools->gemms.packed;
    const conv_launch l = {.out_size = {w->out_size[0], w->out_size[1]},
                           .x_line = planes_of(w).size[1]};
    const size_t lines = clr_packed_line_tiles(packed, &l);
    const size_t tiles = smaller(lines, clr_packed_joined_tiles(packed, &l));
    return is_apart(&run->node->desc) ||
           4 * w->out_size[0] * w->out_size[1] >= 3 * tiles * packed->tile_n;
}

static clrnn_status convolve(clr_run *run, const window_launch *w, size_t first, size_t rows,
                             cl_mem padded, bool finish)
{
    const conv_launch l = launch_of(run, w, first, rows, finish);
    const window_planes planes = planes_of(w);
    clr_packed *packed = &run->tools->gemms.packed;
    const double of[2] = {run->node->desc.alpha, run->node->desc.beta};
    const cl_mem p = run->parameters, x = run->x[0].buffer, y = run->y[0].buffer;
    if (is_apart(&run->node->desc))
        return clr_packed_conv_apart(packed, &l, of, w, &planes, p, x, padded, p, y);
    clrnn_status status = clr_window_pad(&run->tools->maps, w, &planes, x, padded);
    return status == CLRNN_OK ? clr_packed_conv(packed, &l, of, p, padded, p, y) : status;
}

clrnn_status clr_smooth_run(clr_run *run, const clr_axes *axes, const window_launch *launch,
                            clrnn_slice padded)
{
    const clrnn_node_desc *d = &run->node->desc;
    /* What lengths say is said of all rows. */
    const bool near = !clr_within(run, &run->out[0]).some;
    const bool finish = near && clr_packed_conv_has(d->function);
    if (is_empty(launch))
        return CLRNN_OK;
    const size_t rows = is_apart(d) ? (size_t)launch->outer : rows_together(launch);
    window_launch w = *launch;
    w.cols_at = padded.offset;
    clrnn_status status = CLRNN_OK;
    for (size_t row = 0; row < launch->outer && status == CLRNN_OK; row += w.outer) {
        w.outer = smaller(rows, (size_t)launch->outer - row);
        w.x_at = launch->x_at + row * launch->x_outer;
        status = convolve(run, &w, row, (size_t)w.outer, padded.buffer, finish);
        for (size_t i = 0; i < w.outer && status == CLRNN_OK && near && !finish; i++)
            status = clr_window_finish_row(run, axes, run->y[0], row + i);
    }
    return status == CLRNN_OK && !near ? clr_window_finish_in_place(run, axes, run->y[0]) : status;
}

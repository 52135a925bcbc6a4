/* SPDX-License-Identifier: MIT
 * inspect_picture.c - see inspect.h: what is seen as one picture. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "inspect.h"
#include "plot.h"
#include "system.h"

enum { width = 1200, left = 84, right = 170, gap = 16, panel = 104, foot = 250 };

bool inspect_has_pictures(void)
{
    return true;
}

static plot_form form_of(const char *path)
{
    const char *dot = strrchr(path, '.');
    return dot && strcmp(dot, ".svg") == 0 ? PLOT_SVG : PLOT_PNG;
}

/* --- heat maps ------------------------------------------------------------------------------- */

/* What a gate is for. */
static const char *purpose_of(const char *cell, const char *gate)
{
    static const char *const all[][3] = {
        {"lstm", "i", "input gate i"}, {"lstm", "f", "forget gate f"},
        {"lstm", "g", "candidate g"},  {"lstm", "o", "output gate o"},
        {"gru", "r", "reset gate r"},  {"gru", "z", "update gate z"},
        {"gru", "n", "candidate n"},   {"rnn", "h", "state h"},
    };
    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        if (strcmp(all[i][0], cell) == 0 && strcmp(all[i][1], gate) == 0)
            return all[i][2];
    return gate;
}

/* The characters, or where there are none the numbers, of the steps. */
static void draw_steps(plot *p, const inspect_view *v, plot_box b, double y)
{
    const double column = b.width / v->steps;
    const uint32_t every = column >= 5.5 ? 1 : (uint32_t)ceil(5.5 / column);
    for (uint32_t t = 0, next = 0, bytes; t < v->steps && v->input->bytes; t += bytes) {
        char text[INSPECT_CHARACTER];
        bytes = inspect_character(v, t, text);
        if (t < next)
            continue;
        next = t + every;
        if (!*text)
            snprintf(text, sizeof text, "?");
        else if (strcmp(text, " ") == 0)
            snprintf(text, sizeof text, "\xc2\xb7"); /* a dot in the middle */
        else if (strcmp(text, "\n") == 0)
            snprintf(text, sizeof text, "\xe2\x86\xb5"); /* an arrow to the left */
        plot_mono(p, b.x + (t + 0.5 * bytes) * column, y, column < 9 ? column * 1.5 : 12.5, text);
    }
    const double step = v->steps <= 12    ? 1
                        : v->steps <= 60  ? 5
                        : v->steps <= 150 ? 10
                                          : pow(10, floor(log10(v->steps))) / 5;
    for (double t = ceil(v->first / step) * step; t < v->first + v->steps; t += step) {
        char text[24];
        snprintf(text, sizeof text, "%.0f", t);
        plot_faint(p, b.x + (t - v->first + 0.5) * column, y + (v->input->bytes ? 14 : 2), 9,
                   PLOT_MIDDLE, text);
    }
}

static void draw_map(plot *p, plot_box b, const char *title, const plot_map *map)
{
    char text[64];
    plot_heat(p, b, map);
    plot_key(p, (plot_box){b.x + b.width + 12, b.y, 10, b.height}, map);
    plot_text(p, b.x + b.width + 62, b.y + b.height / 2 + 4, 12, PLOT_LEFT, title);
    snprintf(text, sizeof text, "%u units", map->rows);
    plot_upward(p, b.x - 30, b.y + b.height / 2, 10, text);
    if (map->order) {
        plot_faint(p, b.x - 5, b.y + 9, 9, PLOT_RIGHT, "slow");
        plot_faint(p, b.x - 5, b.y + b.height, 9, PLOT_RIGHT, "fast");
    }
}

static plot_map map_of(const inspect_view *v, const double *values, uint32_t units, bool share,
                       double most)
{
    return (plot_map){.values = values,
                      .row_stride = 1,
                      .column_stride = units,
                      .order = units == v->units ? v->order : NULL,
                      .rows = units,
                      .columns = v->steps,
                      .least = share ? 0 : -most,
                      .most = most,
                      .signed_ = !share};
}

/* A bound for colours that few values exceed. */
static double bound_of(const double *values, size_t count)
{
    double sum = 0, most = 0;
    size_t finite = 0;
    for (size_t i = 0; i < count; i++)
        if (isfinite(values[i])) {
            sum += values[i] * values[i];
            most = fmax(most, fabs(values[i]));
            finite++;
        }
    const double bound = finite ? fmin(most, 3 * sqrt(sum / (double)finite)) : 1;
    return bound > 0 ? bound : 1;
}

/* All of them, from `y` down; returns where they end. */
static double draw_maps(plot *p, const inspect_view *v, double y)
{
    const inspect_model *m = v->model;
    plot_box b = {left, y, width - left - right, panel};
    for (uint32_t k = 0; k < v->gates; k++, b.y += panel + gap) {
        const plot_map map = map_of(v, v->gate[k].values, v->units, v->gate[k].logistic, 1);
        draw_map(p, b, purpose_of(m->cell->name, v->gate[k].name), &map);
    }
    if (v->c) {
        const plot_map map =
            map_of(v, v->c, v->units, false, bound_of(v->c, (size_t)v->steps * v->units));
        draw_map(p, b, "cell state c", &map);
        b.y += panel + gap;
    }
    if (v->gates > 1) {
        const plot_map map = map_of(v, v->h, v->state, false, 1);
        draw_map(p, b, "state h", &map);
        b.y += panel + gap;
    }
    draw_steps(p, v, b, b.y + 2);
    return b.y + 24;
}

/* --- below them ------------------------------------------------------------------------------ */

static void draw_means(plot *p, const inspect_view *v, plot_box b)
{
    bool shares = true;
    double *x = calloc(v->steps, sizeof *x);
    for (uint32_t k = 0; k < v->gates; k++)
        shares = shares && v->gate[k].logistic;
    const plot_axes axes = {.box = b,
                            .x_least = v->first,
                            .x_most = v->first + (v->steps > 1 ? v->steps - 1 : 1),
                            .y_least = shares ? 0 : -1,
                            .y_most = 1,
                            .x_title = "step",
                            .y_title = "mean over units"};
    plot_bold(p, b.x, b.y - 12, 12, v->gates > 1 ? "Mean of each gate" : "Mean of the state");
    plot_draw_axes(p, &axes);
    for (uint32_t t = 0; x && t < v->steps; t++)
        x[t] = v->first + t;
    for (uint32_t k = 0; x && k < v->gates; k++) {
        plot_curve(p, &axes, x, v->gate[k].by_step, v->steps, k, false);
        plot_legend(p, b.x + b.width - 55 * (double)(v->gates - k), b.y - 12, k, false,
                    v->gate[k].name);
    }
    free(x);
}

/* How much of each gate is shut, between, and open. */
static void draw_saturation(plot *p, const inspect_view *v, plot_box b)
{
    const double height = b.height / v->gates;
    char text[80];
    plot_bold(p, b.x, b.y - 12, 12, "Saturation");
    for (uint32_t k = 0; k < v->gates; k++) {
        const inspect_gate *g = &v->gate[k];
        const double y = b.y + k * height + height * 0.14, tall = height * 0.42;
        const double shut = b.width * g->whole.below, open = b.width * g->whole.above;
        plot_bar(p, (plot_box){b.x, y, b.width, tall}, 0, 0.10);
        plot_bar(p, (plot_box){b.x, y, shut, tall}, 0, 1);
        plot_bar(p, (plot_box){b.x + b.width - open, y, open, tall}, 1, 1);
        plot_text(p, b.x - 7, y + tall * 0.5 + 4, 12, PLOT_RIGHT, g->name);
        snprintf(text, sizeof text, "%.1f %% < %g", 100 * g->whole.below,
                 g->logistic ? 0.05 : -0.95);
        plot_faint(p, b.x, y + tall + 11, 9.5, PLOT_LEFT, text);
        snprintf(text, sizeof text, "mean %.3f", g->whole.mean);
        plot_faint(p, b.x + b.width / 2, y + tall + 11, 9.5, PLOT_MIDDLE, text);
        snprintf(text, sizeof text, "%.1f %% > 0.95", 100 * g->whole.above);
        plot_faint(p, b.x + b.width, y + tall + 11, 9.5, PLOT_RIGHT, text);
    }
}

/* Half-lives in the order of units, on a log axis. */
static void draw_half_lives(plot *p, const inspect_view *v, plot_box b)
{
    double *x = calloc(v->units, sizeof *x), *y = calloc(v->units, sizeof *y);
    double least = 1, most = 1;
    plot_bold(p, b.x, b.y - 12, 12, "Half-life of each unit");
    if (!v->half_lives || !x || !y) {
        plot_faint(p, b.x + b.width / 2, b.y + b.height / 2, 11, PLOT_MIDDLE,
                   "this cell has no gate that keeps");
        free(x);
        free(y);
        return;
    }
    for (uint32_t j = 0; j < v->units; j++) {
        x[j] = j;
        y[j] = v->half_lives[v->order[j]];
        if (isfinite(y[j]) && y[j] > 0) {
            least = fmin(least, y[j]);
            most = fmax(most, y[j]);
        }
    }
    const plot_axes axes = {.box = b,
                            .x_least = 0,
                            .x_most = v->units > 1 ? v->units - 1 : 1,
                            .y_least = pow(10, floor(log10(least))),
                            .y_most = pow(10, ceil(log10(most) + 1e-3)),
                            .y_log = true,
                            .x_title = "unit, from slow to fast",
                            .y_title = "steps"};
    plot_draw_axes(p, &axes);
    plot_curve(p, &axes, x, y, v->units, 2, false);
    free(x);
    free(y);
}

int inspect_picture(const inspect_view *v, const char *path)
{
    const inspect_model *m = v->model;
    const uint32_t maps = v->gates + (v->c != NULL) + (v->gates > 1);
    const double height = 74 + maps * (panel + gap) + 24 + foot;
    plot *p = plot_begin(form_of(path), width, height, false);
    char text[400], title[16];
    if (!p)
        return tool_no_memory();
    snprintf(text, sizeof text, "%s: what the %s of its %s do%s", system_last_part(m->path),
             v->gates > 1 ? "gates" : "state", inspect_title(m->cell->name, title),
             v->gates > 1 ? "" : "es");
    plot_bold(p, left, 30, 17, text);
    snprintf(text, sizeof text,
             "layer %u of %u%s, %u units, steps %u to %u%s. Rows are units%s. %s%s", v->layer,
             m->layers, m->directions == 2 ? v->direction ? ", backward" : ", forward" : "",
             v->units, v->first, v->first + v->steps - 1, v->input->bytes ? " of the text" : "",
             v->half_lives ? ", the longest half-life on top" : ", the slowest on top",
             strcmp(v->fault, "all is finite") ? "First fault: " : "",
             strcmp(v->fault, "all is finite") ? v->fault : "");
    plot_faint(p, left, 52, 12, PLOT_LEFT, text);
    const double y = draw_maps(p, v, 74) + 46, third = (width - 2.0 * left - 2 * 70) / 3;
    draw_means(p, v, (plot_box){left, y, third + 60, 130});
    draw_saturation(p, v, (plot_box){left + third + 60 + 62, y, third - 60, 150});
    draw_half_lives(p, v, (plot_box){left + 2 * third + 150, y, third - 20, 130});
    return plot_save(p, "inspect", path);
}

/* --- gradients ------------------------------------------------------------------------------- */

int inspect_flow_picture(const inspect_flow *flows, size_t count, const char *path)
{
    double least = INFINITY, most = 0;
    uint32_t steps = 2;
    for (size_t i = 0; i < count; i++) {
        steps = flows[i].steps > steps ? flows[i].steps : steps;
        for (uint32_t k = 0; k < flows[i].steps; k++)
            for (int which = 0; which < 2; which++) {
                const double v = !which ? flows[i].dh[k] : flows[i].dc ? flows[i].dc[k] : 0;
                least = v > 0 ? fmin(least, v) : least;
                most = fmax(most, v);
            }
    }
    if (!(most > 0))
        least = most = 1;
    double *x = calloc(steps, sizeof *x);
    plot *p = plot_begin(form_of(path), 900, 470 + 17.0 * (double)count, false);
    if (!p || !x) {
        free(x);
        return tool_no_memory();
    }
    const plot_axes axes = {.box = {84, 70, 780, 340},
                            .x_least = 0,
                            .x_most = steps - 1,
                            .y_least = pow(10, fmax(floor(log10(least)), ceil(log10(most)) - 20)),
                            .y_most = pow(10, ceil(log10(most) + 1e-3)),
                            .y_log = true,
                            .x_title = "steps back from the last, T - t",
                            .y_title = "norm of the gradient"};
    plot_bold(p, 84, 30, 17, "How far back gradients come");
    plot_faint(p, 84, 52, 12, PLOT_LEFT,
               "norms of dL_T/dh_t (lines) and dL_T/dc_t (dashes) of the loss at the last step");
    plot_draw_axes(p, &axes);
    for (uint32_t k = 0; k < steps; k++)
        x[k] = k;
    for (size_t i = 0; i < count; i++) {
        plot_curve(p, &axes, x, flows[i].dh, flows[i].steps, (uint32_t)i, false);
        if (flows[i].dc)
            plot_curve(p, &axes, x, flows[i].dc, flows[i].steps, (uint32_t)i, true);
        plot_legend(p, 84, 462 + 17.0 * (double)i, (uint32_t)i, false, flows[i].name);
    }
    free(x);
    return plot_save(p, "inspect", path);
}

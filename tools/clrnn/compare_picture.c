/* SPDX-License-Identifier: MIT
 * compare_picture.c - see compare.h: curves of all cells. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "compare.h"
#include "plot.h"

/* Curves of a cell at common places: mean, least and most over the runs. */
typedef struct curves {
    size_t count;
    double *x, *mean, *low, *high;
} curves;

static const plot_box box = {76, 58, 540, 292};

static bool make(curves *c, size_t count)
{
    double *all = calloc(4 * (count ? count : 1), sizeof *all);
    *c = (curves){count, all, all + count, all + 2 * count, all + 3 * count};
    return all != NULL;
}

/* The value of a training's held-out loss, where there is one else its own, at row i. */
static double value_at(const compare_run *r, size_t i, bool held)
{
    return held ? r->course[i].validation : r->course[i].loss;
}

static bool has_held(const compare_run *r)
{
    for (size_t i = 0; i < r->points; i++)
        if (isfinite(r->course[i].validation))
            return true;
    return false;
}

/* Rows of the log, of which all runs have the same steps; those with a value. */
static bool course_of(const compare_job *job, const compare_result *r, bool seconds, curves *c)
{
    size_t points = r->runs[0].points;
    const bool held = has_held(&r->runs[0]);
    for (uint32_t k = 0; k < job->o.seeds; k++)
        points = r->runs[k].points < points ? r->runs[k].points : points;
    if (!make(c, points))
        return false;
    c->count = 0;
    for (size_t i = 0; i < points; i++) {
        double sum = 0, x = 0, low = INFINITY, high = -INFINITY;
        for (uint32_t k = 0; k < job->o.seeds; k++) {
            const double v = value_at(&r->runs[k], i, held);
            x += seconds ? r->runs[k].course[i].seconds : r->runs[k].course[i].step;
            sum += v;
            low = fmin(low, v);
            high = fmax(high, v);
        }
        if (!isfinite(sum))
            continue;
        c->x[c->count] = x / job->o.seeds;
        c->mean[c->count] = sum / job->o.seeds;
        c->low[c->count] = low;
        c->high[c->count++] = high;
    }
    return true;
}

/* Norms over distance: the geometric mean over the runs, since they differ by powers. */
static bool flow_of(const compare_job *job, const compare_result *r, bool last, bool cell,
                    curves *c)
{
    const inspect_flow *one = last ? &r->runs[0].last : &r->runs[0].first;
    const bool there = cell ? one->dc != NULL : one->dh != NULL;
    if (!make(c, there ? one->steps : 0))
        return false;
    for (size_t i = 0; i < c->count; i++) {
        double sum = 0;
        c->x[i] = (double)i;
        c->low[i] = INFINITY;
        c->high[i] = 0;
        for (uint32_t k = 0; k < job->o.seeds; k++) {
            const inspect_flow *f = last ? &r->runs[k].last : &r->runs[k].first;
            const double v = i < f->steps ? (cell ? f->dc : f->dh)[i] : 0;
            sum += log(v);
            c->low[i] = fmin(c->low[i], v);
            c->high[i] = fmax(c->high[i], v);
        }
        c->mean[i] = exp(sum / job->o.seeds);
    }
    return true;
}

/* The bounds of what is drawn; on a log axis twenty powers of ten at most. */
static void stretch(plot_axes *a, const curves *c)
{
    for (size_t i = 0; i < c->count; i++) {
        if (!(c->mean[i] > 0) && a->y_log)
            continue;
        a->x_most = fmax(a->x_most, c->x[i]);
        a->y_least = fmin(a->y_least, a->y_log && !(c->low[i] > 0) ? c->mean[i] : c->low[i]);
        a->y_most = fmax(a->y_most, c->high[i]);
    }
}

static void round_axes(plot_axes *a)
{
    if (!(a->x_most > a->x_least))
        a->x_most = a->x_least + 1;
    if (!isfinite(a->y_least) || !isfinite(a->y_most)) {
        a->y_least = a->y_log ? 0.1 : 0;
        a->y_most = 1;
    }
    if (a->y_log) {
        a->y_most = pow(10, ceil(log10(a->y_most) + 1e-3));
        a->y_least = pow(10, fmax(floor(log10(a->y_least)), log10(a->y_most) - 20));
        return;
    }
    const double room = (a->y_most - a->y_least) * 0.06 + 1e-9;
    a->y_least = a->y_least >= 0 ? fmax(0, a->y_least - room) : a->y_least - room;
    a->y_most += room;
}

static void free_all(curves *all, size_t count)
{
    for (size_t i = 0; i < count; i++)
        free(all[i].x);
}

static void draw(plot *p, const compare_job *job, const plot_axes *axes, const curves *all,
                 const curves *cells, const char *title)
{
    plot_bold(p, axes->box.x, 24, 14, title);
    plot_draw_axes(p, axes);
    double x = axes->box.x;
    for (uint32_t i = 0; i < COMPARE_CELLS; i++) {
        plot_band(p, axes, all[i].x, all[i].low, all[i].high, all[i].count, i);
        plot_curve(p, axes, all[i].x, all[i].mean, all[i].count, i, false);
        if (cells[i].count)
            plot_curve(p, axes, cells[i].x, cells[i].mean, cells[i].count, i, true);
        plot_legend(p, x, 46, i, false, job->results[i].cell->title);
        x += 45 + 8.0 * (double)strlen(job->results[i].cell->title);
    }
}

uint8_t *compare_picture(const compare_job *job, int which, bool dark, size_t *bytes)
{
    const bool flow = which >= COMPARE_FLOW_FIRST;
    curves all[COMPARE_CELLS] = {{0}}, cells[COMPARE_CELLS] = {{0}};
    char title[120], y_title[120];
    bool made = true;
    plot_axes axes = {.box = box, .y_least = INFINITY, .y_most = -INFINITY, .y_log = flow};
    for (int i = 0; i < COMPARE_CELLS && made; i++) {
        const compare_result *r = &job->results[i];
        made = flow ? flow_of(job, r, which == COMPARE_FLOW_LAST, false, &all[i]) &&
                          flow_of(job, r, which == COMPARE_FLOW_LAST, true, &cells[i])
                    : course_of(job, r, which == COMPARE_BY_SECONDS, &all[i]);
        if (made) {
            stretch(&axes, &all[i]);
            stretch(&axes, &cells[i]);
        }
    }
    plot *p = made ? plot_begin(PLOT_SVG, 640, 400, dark) : NULL;
    if (p) {
        round_axes(&axes);
        const bool held = has_held(&job->results[0].runs[0]);
        snprintf(y_title, sizeof y_title, "%s%s", held ? "held-out " : "training ", job->measure);
        snprintf(title, sizeof title, "%s",
                 which == COMPARE_BY_STEP      ? "Loss over steps"
                 : which == COMPARE_BY_SECONDS ? "Loss over seconds"
                 : which == COMPARE_FLOW_FIRST ? "Gradients over distance, before training"
                                               : "Gradients over distance, after training");
        axes.x_title = which == COMPARE_BY_STEP      ? "training step"
                       : which == COMPARE_BY_SECONDS ? "seconds"
                                                     : "steps back from the last, T - t";
        axes.y_title = flow ? "norm of dL_T/dh_t (dashed: dc_t)" : y_title;
        draw(p, job, &axes, all, cells, title);
    }
    free_all(all, COMPARE_CELLS);
    free_all(cells, COMPARE_CELLS);
    return p ? plot_end(p, bytes) : NULL;
}

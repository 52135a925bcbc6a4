/* SPDX-License-Identifier: MIT
 * plot_axes.c - see plot.h: axes, and curves on them. */
#include <math.h>
#include <stdio.h>

#include "plot_inside.h"

/* --- axes and curves ------------------------------------------------------------------------- */

static double along(double value, double least, double most, bool log_)
{
    if (log_)
        return log10(value / least) / log10(most / least);
    return (value - least) / (most - least);
}

static double x_of(const plot_axes *a, double x)
{
    return a->box.x + a->box.width * along(x, a->x_least, a->x_most, a->x_log);
}

static double y_of(const plot_axes *a, double y)
{
    return a->box.y + a->box.height * (1 - along(y, a->y_least, a->y_most, a->y_log));
}

/* Round steps: 1, 2 or 5 times a power of ten. */
static double step_of(double range, int wanted)
{
    const double raw = range / wanted, power = pow(10, floor(log10(raw)));
    return power * (raw / power < 1.5 ? 1 : raw / power < 3.5 ? 2 : raw / power < 7.5 ? 5 : 10);
}

static void tick(plot *p, const plot_axes *a, double value, bool upright, bool labelled)
{
    char text[32];
    const double at = upright ? y_of(a, value) : x_of(a, value);
    const bool log_ = upright ? a->y_log : a->x_log;
    cairo_set_line_width(p->cr, 0.5);
    plot_use(p, plot_mixed(plot_ink(p), plot_paper(p), 0.82));
    cairo_move_to(p->cr, upright ? a->box.x : at, upright ? at : a->box.y);
    cairo_line_to(p->cr, upright ? a->box.x + a->box.width : at,
                  upright ? at : a->box.y + a->box.height);
    cairo_stroke(p->cr);
    if (!labelled)
        return;
    if (log_ && (value < 0.01 || value >= 1e5))
        snprintf(text, sizeof text, "1e%d", (int)lround(log10(value)));
    else
        snprintf(text, sizeof text, "%.6g", fabs(value) < 1e-12 ? 0 : value);
    if (upright)
        plot_faint(p, a->box.x - 5, at + 3.5, 10, PLOT_RIGHT, text);
    else
        plot_faint(p, at, a->box.y + a->box.height + 13, 10, PLOT_MIDDLE, text);
}

static void ticks(plot *p, const plot_axes *a, bool upright)
{
    const double least = upright ? a->y_least : a->x_least, most = upright ? a->y_most : a->x_most;
    const double room = upright ? a->box.height : a->box.width;
    if (upright ? a->y_log : a->x_log) {
        const int first = (int)ceil(log10(least) - 1e-9), last = (int)floor(log10(most) + 1e-9);
        int every = 1;
        while ((last - first) / every * (upright ? 22 : 45) > room)
            every++;
        for (int e = first; e <= last; e++)
            if ((e - first) % every == 0)
                tick(p, a, pow(10, e), upright, true);
        return;
    }
    const double step = step_of(most - least, (int)(room / (upright ? 32 : 70)) + 1);
    for (double v = ceil(least / step - 1e-9) * step; v <= most + step * 1e-9; v += step)
        tick(p, a, v, upright, true);
}

void plot_draw_axes(plot *p, const plot_axes *a)
{
    ticks(p, a, false);
    ticks(p, a, true);
    plot_frame(p, a->box);
    if (a->x_title)
        plot_text(p, a->box.x + a->box.width / 2, a->box.y + a->box.height + 29, 11, PLOT_MIDDLE,
                  a->x_title);
    if (a->y_title)
        plot_upward(p, a->box.x - 44, a->box.y + a->box.height / 2, 11, a->y_title);
}

static void stroke_of(plot *p, uint32_t series, bool second)
{
    const double dash[] = {5, 3};
    plot_use(p, plot_series(p, series));
    cairo_set_line_width(p->cr, 1.7);
    cairo_set_dash(p->cr, dash, second ? 2 : 0, 0);
}

static bool drawn(const plot_axes *a, double x, double y)
{
    return isfinite(x) && isfinite(y) && !(a->x_log && x <= 0) && !(a->y_log && y <= 0);
}

static void clip_to(plot *p, plot_box b)
{
    cairo_save(p->cr);
    cairo_rectangle(p->cr, b.x, b.y, b.width, b.height);
    cairo_clip(p->cr);
}

void plot_curve(plot *p, const plot_axes *a, const double *x, const double *y, size_t count,
                uint32_t series, bool second)
{
    bool down = false;
    clip_to(p, a->box);
    stroke_of(p, series, second);
    for (size_t i = 0; i < count; i++) {
        const bool there = drawn(a, x[i], y[i]);
        if (there && down)
            cairo_line_to(p->cr, x_of(a, x[i]), y_of(a, y[i]));
        else if (there)
            cairo_move_to(p->cr, x_of(a, x[i]), y_of(a, y[i]));
        down = there;
    }
    cairo_stroke(p->cr);
    cairo_set_dash(p->cr, NULL, 0, 0);
    cairo_restore(p->cr);
}

void plot_band(plot *p, const plot_axes *a, const double *x, const double *low, const double *high,
               size_t count, uint32_t series)
{
    const plot_rgb c = plot_series(p, series);
    bool begun = false;
    clip_to(p, a->box);
    for (size_t i = 0; i < 2 * count; i++) {
        const size_t k = i < count ? i : 2 * count - 1 - i;
        const double y = i < count ? low[k] : high[k];
        if (!drawn(a, x[k], y))
            continue;
        if (begun)
            cairo_line_to(p->cr, x_of(a, x[k]), y_of(a, y));
        else
            cairo_move_to(p->cr, x_of(a, x[k]), y_of(a, y));
        begun = true;
    }
    cairo_set_source_rgba(p->cr, c.r, c.g, c.b, 0.18);
    cairo_fill(p->cr);
    cairo_restore(p->cr);
}

void plot_legend(plot *p, double x, double y, uint32_t series, bool second, const char *name)
{
    stroke_of(p, series, second);
    cairo_move_to(p->cr, x, y - 4);
    cairo_line_to(p->cr, x + 22, y - 4);
    cairo_stroke(p->cr);
    cairo_set_dash(p->cr, NULL, 0, 0);
    plot_text(p, x + 27, y, 11, PLOT_LEFT, name);
}

void plot_bar(plot *p, plot_box b, uint32_t series, double strength)
{
    plot_use(p, plot_mixed(plot_paper(p), plot_series(p, series), strength));
    cairo_rectangle(p->cr, b.x, b.y, b.width, b.height);
    cairo_fill(p->cr);
}

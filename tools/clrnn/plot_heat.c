/* SPDX-License-Identifier: MIT
 * plot_heat.c - see plot.h: heat maps and their colours. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "plot_inside.h"

/* --- colours --------------------------------------------------------------------------------- */

/* Polynomials that follow matplotlib's viridis (Smith and van der Walt 2015), whose lightness grows
 * evenly and which all kinds of colour blindness leave in order. */
static double viridis(const double k[7], double t)
{
    const double v =
        k[0] + t * (k[1] + t * (k[2] + t * (k[3] + t * (k[4] + t * (k[5] + t * k[6])))));
    return v < 0 ? 0 : v > 1 ? 1 : v;
}

static plot_rgb share_colour(double t)
{
    static const double r[] = {0.2777273, 0.1050930, -0.3308618, -4.6342305,
                               6.2282699, 4.7763850, -5.4354559};
    static const double g[] = {0.0054073,  1.4046135,   0.2148476, -5.7991010,
                               14.1799334, -13.7451454, 4.6458526};
    static const double b[] = {0.3340998,  1.3845902,   0.0950952, -19.3324410,
                               56.6905526, -65.3530326, 26.3124352};
    return (plot_rgb){viridis(r, t), viridis(g, t), viridis(b, t)};
}

/* Blue below 0, white, orange above. */
static plot_rgb signed_colour(double t)
{
    static const plot_rgb blue = {0.03, 0.25, 0.53}, pale_blue = {0.45, 0.68, 0.86},
                          white = {0.97, 0.97, 0.96}, pale = {0.96, 0.65, 0.36},
                          orange = {0.55, 0.22, 0.01};
    if (t < 0.5)
        return t < 0.25 ? plot_mixed(blue, pale_blue, t * 4)
                        : plot_mixed(pale_blue, white, t * 4 - 1);
    return t < 0.75 ? plot_mixed(white, pale, t * 4 - 2) : plot_mixed(pale, orange, t * 4 - 3);
}

static plot_rgb colour_of(const plot_map *m, double value)
{
    double t = (value - m->least) / (m->most - m->least);
    if (isnan(t))
        return (plot_rgb){0.85, 0.05, 0.45};
    t = t < 0 ? 0 : t > 1 ? 1 : t;
    return m->signed_ ? signed_colour(t) : share_colour(t);
}

/* --- heat maps ------------------------------------------------------------------------------- */

static double value_at(const plot_map *m, uint32_t row, uint32_t column)
{
    const uint32_t r = m->order ? m->order[row] : row;
    return m->values[r * m->row_stride + column * m->column_stride];
}

/* The mean of what falls on one dot of `of` along an axis. */
static double value_of_dot(const plot_map *m, uint32_t y, uint32_t height, uint32_t x,
                           uint32_t width)
{
    const uint32_t r0 = (uint32_t)((uint64_t)y * m->rows / height);
    const uint32_t c0 = (uint32_t)((uint64_t)x * m->columns / width);
    uint32_t r1 = (uint32_t)((uint64_t)(y + 1) * m->rows / height);
    uint32_t c1 = (uint32_t)((uint64_t)(x + 1) * m->columns / width);
    double sum = 0;
    r1 = r1 > r0 ? r1 : r0 + 1;
    c1 = c1 > c0 ? c1 : c0 + 1;
    for (uint32_t r = r0; r < r1; r++)
        for (uint32_t c = c0; c < c1; c++)
            sum += value_at(m, r, c);
    return sum / (r1 - r0) / (c1 - c0);
}

/* An image of as many plot_dots as the paper has: nobody smooths it. */
static void paint_dots(plot *p, plot_box b, const plot_map *m)
{
    const uint32_t width = (uint32_t)(b.width * plot_dots),
                   height = (uint32_t)(b.height * plot_dots);
    cairo_surface_t *image =
        cairo_image_surface_create(CAIRO_FORMAT_RGB24, (int)width, (int)height);
    unsigned char *data = cairo_image_surface_get_data(image);
    const int stride = cairo_image_surface_get_stride(image);
    p->failed = p->failed || !data;
    for (uint32_t y = 0; data && y < height; y++)
        for (uint32_t x = 0; x < width; x++) {
            const plot_rgb c = colour_of(m, value_of_dot(m, y, height, x, width));
            const uint32_t dot = (uint32_t)(c.r * 255 + 0.5) << 16 |
                                 (uint32_t)(c.g * 255 + 0.5) << 8 | (uint32_t)(c.b * 255 + 0.5);
            memcpy(data + (size_t)y * (size_t)stride + 4 * x, &dot, 4);
        }
    cairo_surface_mark_dirty(image);
    cairo_save(p->cr);
    cairo_translate(p->cr, b.x, b.y);
    cairo_scale(p->cr, b.width / width, b.height / height);
    cairo_set_source_surface(p->cr, image, 0, 0);
    cairo_pattern_set_filter(cairo_get_source(p->cr), CAIRO_FILTER_NEAREST);
    cairo_paint(p->cr);
    cairo_restore(p->cr);
    cairo_surface_destroy(image);
}

void plot_heat(plot *p, plot_box box, const plot_map *map)
{
    paint_dots(p, box, map);
    plot_frame(p, box);
}

void plot_key(plot *p, plot_box b, const plot_map *map)
{
    enum { shades = 64 };
    double values[shades];
    char text[32];
    for (int i = 0; i < shades; i++)
        values[i] = map->most - (map->most - map->least) * i / (shades - 1);
    const plot_map bar = {.values = values,
                          .row_stride = 1,
                          .column_stride = 0,
                          .rows = shades,
                          .columns = 1,
                          .least = map->least,
                          .most = map->most,
                          .signed_ = map->signed_};
    plot_heat(p, b, &bar);
    for (int i = 0; i <= 2; i++) {
        const double value = map->least + (map->most - map->least) * i / 2;
        snprintf(text, sizeof text, "%.3g", fabs(value) < 1e-12 ? 0 : value);
        plot_faint(p, b.x + b.width + 5,
                   b.y + b.height * (2 - i) / 2 +
                       (i == 0   ? 0
                        : i == 1 ? 3
                                 : 7),
                   9, PLOT_LEFT, text);
    }
}

/* SPDX-License-Identifier: MIT
 * plot.c - see plot.h. */
#include "plot.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cairo-svg.h>
#include <cairo.h>

#include "system.h"
#include "tool.h"

enum { dots = 2 }; /* of a PNG for each point */

typedef struct rgb {
    double r, g, b;
} rgb;

struct plot {
    plot_form form;
    cairo_surface_t *surface;
    cairo_t *cr;
    bool dark, failed;
    uint8_t *data;
    size_t size, room;
};

/* --- bytes ----------------------------------------------------------------------------------- */

static cairo_status_t append(void *closure, const unsigned char *data, unsigned length)
{
    plot *p = closure;
    if (p->size + length > p->room) {
        const size_t room = 2 * (p->size + length);
        uint8_t *more = realloc(p->data, room);
        if (!more)
            return CAIRO_STATUS_NO_MEMORY;
        p->data = more;
        p->room = room;
    }
    memcpy(p->data + p->size, data, length);
    p->size += length;
    return CAIRO_STATUS_SUCCESS;
}

static rgb ink(const plot *p)
{
    return p->dark ? (rgb){0.90, 0.90, 0.92} : (rgb){0.11, 0.11, 0.13};
}

static rgb paper(const plot *p)
{
    return p->dark ? (rgb){0.086, 0.094, 0.114} : (rgb){1, 1, 1};
}

static rgb mixed(rgb a, rgb b, double part)
{
    return (rgb){a.r + part * (b.r - a.r), a.g + part * (b.g - a.g), a.b + part * (b.b - a.b)};
}

static void use(plot *p, rgb c)
{
    cairo_set_source_rgb(p->cr, c.r, c.g, c.b);
}

plot *plot_begin(plot_form form, double width, double height, bool dark)
{
    plot *p = calloc(1, sizeof *p);
    if (!p)
        return NULL;
    p->form = form;
    p->dark = dark;
    p->surface = form == PLOT_SVG
                     ? cairo_svg_surface_create_for_stream(append, p, width, height)
                     : cairo_image_surface_create(CAIRO_FORMAT_RGB24, (int)ceil(width * dots),
                                                  (int)ceil(height * dots));
    p->cr = cairo_create(p->surface);
    if (form == PLOT_PNG)
        cairo_scale(p->cr, dots, dots);
    use(p, paper(p));
    cairo_paint(p->cr);
    cairo_set_line_join(p->cr, CAIRO_LINE_JOIN_ROUND);
    return p;
}

uint8_t *plot_end(plot *p, size_t *bytes)
{
    bool good = cairo_status(p->cr) == CAIRO_STATUS_SUCCESS && !p->failed;
    cairo_destroy(p->cr);
    if (p->form == PLOT_PNG)
        good = good &&
               cairo_surface_write_to_png_stream(p->surface, append, p) == CAIRO_STATUS_SUCCESS;
    cairo_surface_finish(p->surface);
    good = good && cairo_surface_status(p->surface) == CAIRO_STATUS_SUCCESS;
    cairo_surface_destroy(p->surface);
    uint8_t *data = p->data;
    *bytes = p->size;
    free(p);
    if (!good)
        free(data);
    return good ? data : NULL;
}

int plot_save(plot *p, const char *command, const char *path)
{
    size_t size;
    uint8_t *data = plot_end(p, &size);
    if (!data)
        return tool_no_memory();
    FILE *file = system_open(path, "wb");
    bool good = file && fwrite(data, 1, size, file) == size;
    good = file && fclose(file) == 0 && good;
    free(data);
    return good ? TOOL_OK
                : tool_error("%s: %s: cannot write it: %s", command, path, strerror(errno));
}

/* --- text ------------------------------------------------------------------------------------ */

static void put(plot *p, const char *family, cairo_font_weight_t weight, rgb colour, double x,
                double y, double size, plot_align align, const char *text)
{
    cairo_text_extents_t e;
    cairo_select_font_face(p->cr, family, CAIRO_FONT_SLANT_NORMAL, weight);
    cairo_set_font_size(p->cr, size);
    cairo_text_extents(p->cr, text, &e);
    use(p, colour);
    cairo_move_to(p->cr,
                  x - (align == PLOT_MIDDLE  ? e.x_advance / 2
                       : align == PLOT_RIGHT ? e.x_advance
                                             : 0),
                  y);
    cairo_show_text(p->cr, text);
}

void plot_text(plot *p, double x, double y, double size, plot_align align, const char *text)
{
    put(p, "sans-serif", CAIRO_FONT_WEIGHT_NORMAL, ink(p), x, y, size, align, text);
}

void plot_mono(plot *p, double x, double y, double size, const char *text)
{
    put(p, "monospace", CAIRO_FONT_WEIGHT_NORMAL, ink(p), x, y, size, PLOT_MIDDLE, text);
}

void plot_faint(plot *p, double x, double y, double size, plot_align align, const char *text)
{
    put(p, "sans-serif", CAIRO_FONT_WEIGHT_NORMAL, mixed(ink(p), paper(p), 0.38), x, y, size, align,
        text);
}

void plot_bold(plot *p, double x, double y, double size, const char *text)
{
    put(p, "sans-serif", CAIRO_FONT_WEIGHT_BOLD, ink(p), x, y, size, PLOT_LEFT, text);
}

void plot_upward(plot *p, double x, double y, double size, const char *text)
{
    cairo_save(p->cr);
    cairo_translate(p->cr, x, y);
    cairo_rotate(p->cr, -acos(-1) / 2);
    put(p, "sans-serif", CAIRO_FONT_WEIGHT_NORMAL, ink(p), 0, 0, size, PLOT_MIDDLE, text);
    cairo_restore(p->cr);
}

/* --- colours --------------------------------------------------------------------------------- */

/* Polynomials that follow matplotlib's viridis (Smith and van der Walt 2015), whose lightness grows
 * evenly and which all kinds of colour blindness leave in order. */
static double viridis(const double k[7], double t)
{
    const double v =
        k[0] + t * (k[1] + t * (k[2] + t * (k[3] + t * (k[4] + t * (k[5] + t * k[6])))));
    return v < 0 ? 0 : v > 1 ? 1 : v;
}

static rgb share_colour(double t)
{
    static const double r[] = {0.2777273, 0.1050930, -0.3308618, -4.6342305,
                               6.2282699, 4.7763850, -5.4354559};
    static const double g[] = {0.0054073,  1.4046135,   0.2148476, -5.7991010,
                               14.1799334, -13.7451454, 4.6458526};
    static const double b[] = {0.3340998,  1.3845902,   0.0950952, -19.3324410,
                               56.6905526, -65.3530326, 26.3124352};
    return (rgb){viridis(r, t), viridis(g, t), viridis(b, t)};
}

/* Blue below 0, white, orange above. */
static rgb signed_colour(double t)
{
    static const rgb blue = {0.03, 0.25, 0.53}, pale_blue = {0.45, 0.68, 0.86},
                     white = {0.97, 0.97, 0.96}, pale = {0.96, 0.65, 0.36},
                     orange = {0.55, 0.22, 0.01};
    if (t < 0.5)
        return t < 0.25 ? mixed(blue, pale_blue, t * 4) : mixed(pale_blue, white, t * 4 - 1);
    return t < 0.75 ? mixed(white, pale, t * 4 - 2) : mixed(pale, orange, t * 4 - 3);
}

static rgb colour_of(const plot_map *m, double value)
{
    double t = (value - m->least) / (m->most - m->least);
    if (isnan(t))
        return (rgb){0.85, 0.05, 0.45};
    t = t < 0 ? 0 : t > 1 ? 1 : t;
    return m->signed_ ? signed_colour(t) : share_colour(t);
}

/* Okabe and Ito 2008, lighter on dark paper. */
static rgb series_colour(const plot *p, uint32_t series)
{
    static const rgb light[] = {{0, 0.447, 0.698},
                                {0.835, 0.369, 0},
                                {0, 0.62, 0.451},
                                {0.70, 0.37, 0.58},
                                {0.55, 0.43, 0.02}};
    static const rgb dark[] = {{0.38, 0.73, 0.95},
                               {0.98, 0.58, 0.32},
                               {0.22, 0.80, 0.62},
                               {0.90, 0.66, 0.82},
                               {0.94, 0.83, 0.32}};
    return (p->dark ? dark : light)[series % 5];
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

/* An image of as many dots as the paper has: nobody smooths it. */
static void paint_dots(plot *p, plot_box b, const plot_map *m)
{
    const uint32_t width = (uint32_t)(b.width * dots), height = (uint32_t)(b.height * dots);
    cairo_surface_t *image =
        cairo_image_surface_create(CAIRO_FORMAT_RGB24, (int)width, (int)height);
    unsigned char *data = cairo_image_surface_get_data(image);
    const int stride = cairo_image_surface_get_stride(image);
    p->failed = p->failed || !data;
    for (uint32_t y = 0; data && y < height; y++)
        for (uint32_t x = 0; x < width; x++) {
            const rgb c = colour_of(m, value_of_dot(m, y, height, x, width));
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

static void frame(plot *p, plot_box b)
{
    cairo_set_line_width(p->cr, 0.6);
    use(p, mixed(ink(p), paper(p), 0.55));
    cairo_rectangle(p->cr, b.x, b.y, b.width, b.height);
    cairo_stroke(p->cr);
}

void plot_heat(plot *p, plot_box box, const plot_map *map)
{
    paint_dots(p, box, map);
    frame(p, box);
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
    use(p, mixed(ink(p), paper(p), 0.82));
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
    frame(p, a->box);
    if (a->x_title)
        plot_text(p, a->box.x + a->box.width / 2, a->box.y + a->box.height + 29, 11, PLOT_MIDDLE,
                  a->x_title);
    if (a->y_title)
        plot_upward(p, a->box.x - 44, a->box.y + a->box.height / 2, 11, a->y_title);
}

static void stroke_of(plot *p, uint32_t series, bool second)
{
    const double dash[] = {5, 3};
    use(p, series_colour(p, series));
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
    const rgb c = series_colour(p, series);
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
    use(p, mixed(paper(p), series_colour(p, series), strength));
    cairo_rectangle(p->cr, b.x, b.y, b.width, b.height);
    cairo_fill(p->cr);
}

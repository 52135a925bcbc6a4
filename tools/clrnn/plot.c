/* SPDX-License-Identifier: MIT
 * plot.c - see plot.h. */
#include "plot_inside.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cairo-svg.h>

#include "outputs.h"
#include "tool.h"

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

plot_rgb plot_ink(const plot *p)
{
    return p->dark ? (plot_rgb){0.90, 0.90, 0.92} : (plot_rgb){0.11, 0.11, 0.13};
}

plot_rgb plot_paper(const plot *p)
{
    return p->dark ? (plot_rgb){0.086, 0.094, 0.114} : (plot_rgb){1, 1, 1};
}

plot_rgb plot_mixed(plot_rgb a, plot_rgb b, double part)
{
    return (plot_rgb){a.r + part * (b.r - a.r), a.g + part * (b.g - a.g), a.b + part * (b.b - a.b)};
}

void plot_use(plot *p, plot_rgb c)
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
                     : cairo_image_surface_create(CAIRO_FORMAT_RGB24, (int)ceil(width * plot_dots),
                                                  (int)ceil(height * plot_dots));
    p->cr = cairo_create(p->surface);
    if (form == PLOT_PNG)
        cairo_scale(p->cr, plot_dots, plot_dots);
    plot_use(p, plot_paper(p));
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
    const bool good = tool_output_write(path, data, size);
    free(data);
    return good ? TOOL_OK
                : tool_error("%s: %s: cannot write it: %s", command, path, strerror(errno));
}

/* --- text ------------------------------------------------------------------------------------ */

static void put(plot *p, const char *family, cairo_font_weight_t weight, plot_rgb colour, double x,
                double y, double size, plot_align align, const char *text)
{
    cairo_text_extents_t e;
    cairo_select_font_face(p->cr, family, CAIRO_FONT_SLANT_NORMAL, weight);
    cairo_set_font_size(p->cr, size);
    cairo_text_extents(p->cr, text, &e);
    plot_use(p, colour);
    cairo_move_to(p->cr,
                  x - (align == PLOT_MIDDLE  ? e.x_advance / 2
                       : align == PLOT_RIGHT ? e.x_advance
                                             : 0),
                  y);
    cairo_show_text(p->cr, text);
}

void plot_text(plot *p, double x, double y, double size, plot_align align, const char *text)
{
    put(p, "sans-serif", CAIRO_FONT_WEIGHT_NORMAL, plot_ink(p), x, y, size, align, text);
}

void plot_mono(plot *p, double x, double y, double size, const char *text)
{
    put(p, "monospace", CAIRO_FONT_WEIGHT_NORMAL, plot_ink(p), x, y, size, PLOT_MIDDLE, text);
}

void plot_faint(plot *p, double x, double y, double size, plot_align align, const char *text)
{
    put(p, "sans-serif", CAIRO_FONT_WEIGHT_NORMAL, plot_mixed(plot_ink(p), plot_paper(p), 0.38), x,
        y, size, align, text);
}

void plot_bold(plot *p, double x, double y, double size, const char *text)
{
    put(p, "sans-serif", CAIRO_FONT_WEIGHT_BOLD, plot_ink(p), x, y, size, PLOT_LEFT, text);
}

void plot_upward(plot *p, double x, double y, double size, const char *text)
{
    cairo_save(p->cr);
    cairo_translate(p->cr, x, y);
    cairo_rotate(p->cr, -acos(-1) / 2);
    put(p, "sans-serif", CAIRO_FONT_WEIGHT_NORMAL, plot_ink(p), 0, 0, size, PLOT_MIDDLE, text);
    cairo_restore(p->cr);
}

/* --- colours and frames ---------------------------------------------------------------------- */

/* Okabe and Ito 2008, lighter on dark paper. */
plot_rgb plot_series(const plot *p, uint32_t series)
{
    static const plot_rgb light[] = {{0, 0.447, 0.698},
                                     {0.835, 0.369, 0},
                                     {0, 0.62, 0.451},
                                     {0.70, 0.37, 0.58},
                                     {0.55, 0.43, 0.02}};
    static const plot_rgb dark[] = {{0.38, 0.73, 0.95},
                                    {0.98, 0.58, 0.32},
                                    {0.22, 0.80, 0.62},
                                    {0.90, 0.66, 0.82},
                                    {0.94, 0.83, 0.32}};
    return (p->dark ? dark : light)[series % 5];
}

void plot_frame(plot *p, plot_box b)
{
    cairo_set_line_width(p->cr, 0.6);
    plot_use(p, plot_mixed(plot_ink(p), plot_paper(p), 0.55));
    cairo_rectangle(p->cr, b.x, b.y, b.width, b.height);
    cairo_stroke(p->cr);
}

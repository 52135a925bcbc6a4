/* SPDX-License-Identifier: MIT
 * plot_inside.h - what the files of plot.h share. */
#ifndef TOOL_PLOT_INSIDE_H
#define TOOL_PLOT_INSIDE_H

#include <cairo.h>

#include "plot.h"

enum { plot_dots = 2 }; /* of a PNG for each point */

typedef struct plot_rgb {
    double r, g, b;
} plot_rgb;

struct plot {
    plot_form form;
    cairo_surface_t *surface;
    cairo_t *cr;
    bool dark, failed;
    uint8_t *data;
    size_t size, room;
};

plot_rgb plot_ink(const plot *plot);
plot_rgb plot_paper(const plot *plot);
plot_rgb plot_mixed(plot_rgb a, plot_rgb b, double part);
plot_rgb plot_series(const plot *plot, uint32_t series);
void plot_use(plot *plot, plot_rgb colour);
void plot_frame(plot *plot, plot_box box);

#endif

/* SPDX-License-Identifier: MIT
 * plot.h - drawing: text, curves on axes and heat maps, as PNG or SVG; a layer over cairo. */
#ifndef TOOL_PLOT_H
#define TOOL_PLOT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A picture in the making, and then its bytes. */
typedef struct plot plot;

typedef enum plot_form { PLOT_PNG, PLOT_SVG } plot_form;
typedef enum plot_align { PLOT_LEFT, PLOT_MIDDLE, PLOT_RIGHT } plot_align;

/** Begin; sizes in points. NULL: memory is short. */
plot *plot_begin(plot_form form, double width, double height, bool dark);
/** End: its bytes, which are the caller's, to be freed; NULL: it failed. The plot is gone. */
uint8_t *plot_end(plot *plot, size_t *bytes);
/** End it as a file. Returns an exit code. */
int plot_save(plot *plot, const char *command, const char *path);

/* y: the base line. */
void plot_text(plot *plot, double x, double y, double size, plot_align align, const char *text);
void plot_mono(plot *plot, double x, double y, double size, const char *text); /* in the middle */
void plot_faint(plot *plot, double x, double y, double size, plot_align align, const char *text);
void plot_upward(plot *plot, double x, double y, double size,
                 const char *text); /* turned, middle */
void plot_bold(plot *plot, double x, double y, double size, const char *text);

/* A box on the page. */
typedef struct plot_box {
    double x, y, width, height;
} plot_box;

/* [rows,columns], row 0 on top, from `least` to `most`; NaN is marked. signed_: colours for numbers
 * around 0, else for a share. Colours are told apart by all who see. */
typedef struct plot_map {
    const double *values;
    size_t row_stride, column_stride;
    const uint32_t *order; /* of the rows; NULL: as they come */
    uint32_t rows, columns;
    double least, most;
    bool signed_;
} plot_map;
void plot_heat(plot *plot, plot_box box, const plot_map *map);
/** Its key, an upright bar. */
void plot_key(plot *plot, plot_box box, const plot_map *map);

/* Axes; log: of base 10. */
typedef struct plot_axes {
    plot_box box;
    double x_least, x_most, y_least, y_most;
    bool x_log, y_log;
    const char *x_title, *y_title;
} plot_axes;
void plot_draw_axes(plot *plot, const plot_axes *axes);

/* series: its colour, and with `second` its dashes. Points that are not finite, or on a log axis
 * not above 0, are gaps. */
void plot_curve(plot *plot, const plot_axes *axes, const double *x, const double *y, size_t count,
                uint32_t series, bool second);
/** Between two curves, faintly. */
void plot_band(plot *plot, const plot_axes *axes, const double *x, const double *low,
               const double *high, size_t count, uint32_t series);
/** An entry of a legend: a stroke of the series and its name; y: the base line. */
void plot_legend(plot *plot, double x, double y, uint32_t series, bool second, const char *name);
void plot_bar(plot *plot, plot_box box, uint32_t series, double strength); /* strength 0..1 */

#endif

/* SPDX-License-Identifier: MIT
 * cl/persistent_input.cl - where a forward scan of the strategy for CPU devices begins, and its
 * input products. After cl/scan_forward.cl and cl/persistent.cl.
 *
 * Now and then, before phase 0: gates = x_t W_ih^T for the steps of a block, each group for its own
 * rows and units, so that nobody waits; so few steps that the gates are still in a cache when they
 * are needed. */

/* Arguments: those of the kernels, and a direction's part of the launch. */
static inline void scan_alone_begin(scan *w, const scan_launch *l, const scan_arrays *at,
                                    global const STORED *panels, global const REAL *weights,
                                    global REAL *workspace, global const REAL *x,
                                    global const REAL *h_first, global const REAL *c_first,
                                    global REAL *h_last, global REAL *c_last, global REAL *y,
                                    global const int *lengths)
{
    scan_forward_begin(w, l, at, weights, workspace, h_first, c_first, h_last, c_last, y, lengths);
    scan_forward_weights(w, at, panels);
    w->x = at->x_from == FROM_NOWHERE ? 0 : (at->x_from == FROM_WORKSPACE ? workspace : x) + at->x;
    w->x_stride = at->x_stride;
    w->input = panels + at->input;
    w->I = (uint)at->I;
    w->block = l->block;
}

/* Gates of the units of panels panel0..panel1-1, for `all` rows side by side: row 0 of x, row 0 of
 * the gates. */
static inline void input_rows(const scan *w, global const REAL *x, global REAL *gates, size_t all,
                              uint panel0, uint panel1)
{
    size_t columns = (size_t)CELL_GATES * w->H, panel_size = (size_t)PANEL_ROWS(w->I) * TILE_N;
    REALV sum[ROWS][TILE_V];
    for (uint panel = panel0; panel < panel1; panel++)
        for (uint k = 0; k < CELL_GATES; k++)
            for (size_t row = 0; row < all; row += ROWS) {
                uint rows = all - row < ROWS ? (uint)(all - row) : ROWS;
                product(x + row * w->x_stride, w->x_stride, rows,
                        stored_at(w->input, (k * panels_of(w->H) + panel) * panel_size), w->I,
                        is_half(panel, w->H), false, sum);
#define UNITS w->H
#define EACH  store_some(sum[i][v], gates + (row + i) * columns + (size_t)k * w->H + j, width)
#include "each_unit.cl"
            }
}

/* W x of the block of steps of which `index` is scanned first, for one part of the rows and some
 * panels of units. */
static inline void input_product(const scan *w, uint index, uint row_part, uint row_parts,
                                 uint panel0, uint panel1)
{
    uint row0, end;
    uint row1 = part_range(w->N, row_part, row_parts, &row0);
    uint begin = block_of(w, index, &end), room = w->save_gates ? begin : 0;
    /* All rows of all steps lie side by side. */
    uint runs = row_parts == 1 ? 1 : end - begin;
    size_t rows = row_parts == 1 ? (size_t)(end - begin) * w->N : row1 - row0;
    for (uint run = 0; run < runs; run++)
        input_rows(w, w->x + ((size_t)(begin + run) * w->N + row0) * w->x_stride,
                   gates_of(w, room + run) + (size_t)row0 * CELL_GATES * w->H, rows, panel0,
                   panel1);
}

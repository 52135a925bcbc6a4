/* SPDX-License-Identifier: MIT
 * cl/fused_forward.cl - one phase of one step forward of the strategy with one kernel for each.
 * After cl/scan_forward.cl and cl/fused.cl. The input products are there: gates = x_t W_ih^T. */
#define NAME  fused_first
#define GATES FIRST_GATES
#define EACH  cell_units(w, s, 0, n, unit, 1, sum)
#include "fused_product.cl"

#define NAME  fused_second
#define GATES SECOND_SUMS
#define EACH  second_units(w, s, n, unit, sum)
#include "fused_product.cl"

/* The direction of the group, and that step of it which is number `index` in the order in which
 * they are scanned. */
static inline uint fused_step(scan *w, scan_step *s, const scan_launch *l, uint tiles, uint index,
                              global const STORED *panels, global const REAL *weights,
                              global REAL *workspace, global const REAL *h_first,
                              global const REAL *c_first, global REAL *h_last, global REAL *c_last,
                              global REAL *y, global const int *lengths)
{
    const uint d = (uint)get_group_id(0) / tiles;
    scan_arrays at;
    pick_arrays(l, d, &at);
    scan_forward_begin(w, l, &at, weights, workspace, h_first, c_first, h_last, c_last, y, lengths);
    scan_forward_weights(w, &at, panels);
    step_of(w, w->down ? l->count - 1 - index : index, s);
    return (uint)get_group_id(0) - d * tiles;
}

/* The first phase of a step. index: which one, from 0, in the order in which they are scanned.
 * tiles: groups side by side of a direction; global size: used*tiles groups by rows over HEIGHT.
 * tile: 2*TILE_4 REAL4. */
__attribute__((reqd_work_group_size(ITEMS, 1, 1))) kernel void
fused_forward(global const STORED *panels, global const REAL *weights, global REAL *workspace,
              global const REAL *h_first, global const REAL *c_first, global REAL *h_last,
              global REAL *c_last, global REAL *y, global const int *lengths, uint index,
              uint tiles, const scan_launch l, local REAL4 *tile)
{
    scan w;
    scan_step s;
    fused_product p;
    const uint group = fused_step(&w, &s, &l, tiles, index, panels, weights, workspace, h_first,
                                  c_first, h_last, c_last, y, lengths);
    fused_begin(&p, &w, s.h_prev, l.R, l.R, w.recurrent, l.H);
    fused_first(&w, &s, &p, group, tile);
}

/* The other one, of cells with two phases, or of projections. */
__attribute__((reqd_work_group_size(ITEMS, 1, 1))) kernel void
fused_forward_second(global const STORED *panels, global const REAL *weights,
                     global REAL *workspace, global const REAL *h_first, global const REAL *c_first,
                     global REAL *h_last, global REAL *c_last, global REAL *y,
                     global const int *lengths, uint index, uint tiles, const scan_launch l,
                     local REAL4 *tile)
{
    scan w;
    scan_step s;
    fused_product p;
    const uint group = fused_step(&w, &s, &l, tiles, index, panels, weights, workspace, h_first,
                                  c_first, h_last, c_last, y, lengths);
    const uint multiplied = CELL_PHASES > 1 ? 0 : CELL_SAVES; /* of the values saved */
    const size_t gate = (size_t)((l.H + TILE_N - 1) / TILE_N) * PANEL_ROWS(l.R) * TILE_N;
    fused_begin(&p, &w, saved_of(&w, &s, 0, multiplied), saved_stride(&w), l.H,
                CELL_PHASES > 1 ? stored_at(w.recurrent, FIRST_GATES * gate)
                                : stored_at(w.projection, 0),
                CELL_PHASES > 1 ? l.H : l.R);
    fused_second(&w, &s, &p, group, tile);
}

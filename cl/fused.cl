/* SPDX-License-Identifier: MIT
 * cl/fused.cl - the products of the strategy that has one kernel for each phase of a step, whose
 * end is the cell: sums of many rows never leave registers. After cl/scan.cl, with VEC 1; then
 * cl/fused_forward.cl or cl/fused_backward.cl.
 *
 * A group of SIDE*SIDE work-items computes a tile of SIDE*ROWS_ITEM rows and SIDE units or more; a
 * work-item has all gates of a unit, or of as many units as make COLUMNS columns:
 *
 *                  units of a panel                   DEPTH values of k come at a time: from global
 *                  u0    u1   ..  u15                 memory to registers while those before are
 *     rows 0..    [0,0] [1,0] .. [15,0]               multiplied, then to one of two tiles in local
 *     ROWS_ITEM.. [0,1] [1,1] .. [15,1]               memory, so there is a barrier for each DEPTH.
 *     ..                                              A number of a is read with the ROWS_ITEM - 1
 *                                                     below it, one of w with the other columns.
 *
 * So with ROWS_ITEM 4 two reads of 16 bytes from local memory serve 16 multiply-adds, with 8 three
 * serve 32.
 * (Tiles in registers and local memory as in V. Volkov and J. Demmel, "Benchmarking GPUs to tune
 * dense linear algebra", SC 2008; the cell at the end of the product as in J. Appleyard, T. Kocisky
 * and P. Blunsom, "Optimizing Performance of Recurrent Neural Networks on GPUs", 2016.)
 *
 * The directions of a layer share a launch. A sum has the order of cl/sums.cl, so the same bits.
 *
 * Panels are TILE_N = SIDE columns wide. Proven by: tests/layer against host/reference. */
#ifndef ROWS_ITEM
#define ROWS_ITEM 4
#endif
#if VEC != 1 || WG != 1
#error "a work-item of fused.cl computes its units one after the other"
#endif
#include "fused_launch.cl"
#define SIDE    FUSED_SIDE
#define TILE_N  SIDE
#define ITEMS   (SIDE * SIDE)
#define HEIGHT  (SIDE * ROWS_ITEM)
#define DEPTH   FUSED_DEPTH
#define COLUMNS FUSED_COLUMNS
#define LINE    FUSED_LINE(HEIGHT)
#define TILE_4  (FUSED_NUMBERS(HEIGHT) / 8) /* REAL4 of one of two tiles */

/* One product: of rows row0.. of a ([N,K], rows `stride` apart), and units unit0.. */
typedef struct fused_product {
    global const REAL *a;
    size_t stride;
    uint K, N, units;
    global const STORED *panels; /* [gates][panels of units][PANEL_ROWS(K)][TILE_N] */
    uint row0, unit0;
} fused_product;

static inline void fused_begin(fused_product *p, const scan *w, global const REAL *a, size_t stride,
                               uint K, global const STORED *panels, uint units)
{
    p->a = a;
    p->stride = stride;
    p->K = K;
    p->N = w->N;
    p->units = units;
    p->panels = panels;
    p->row0 = (uint)get_group_id(1) * HEIGHT;
}

/* Panel `number` of a gate, or the last one. */
static inline global const STORED *fused_panel(const fused_product *p, uint gate, uint number)
{
    const uint count = (p->units + TILE_N - 1) / TILE_N;
    return p->panels + (size_t)(gate * count + min(number, count - 1)) * PANEL_ROWS(p->K) * TILE_N;
}

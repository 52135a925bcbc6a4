/* SPDX-License-Identifier: MIT
 * cl/tile_product.cl - template: the inner tile of products for HEIGHT rows of A and ACROSS
 * vectors of a panel, from its first one on, or all of them if nothing is said. After cl/tile.cl.
 *
 * The height is part of the name, and not an argument, because loops are unrolled before functions
 * are inlined. */
#ifndef ACROSS
#define ACROSS TILE_V
#endif

/* tile_product_HEIGHT: acc = a * panel over k = first..first+count-1, in the scale of the weights.
 * a: row i of k = first is at i*row_stride, the next k at k_stride; rows past `rows` repeat the
 * last one.  panel: its beginning.  next: numbers that are used after these, brought meanwhile (2
 * to 16 % where not all weights fit the caches of a core). */
static inline void CLR_PASTE(tile_product_,
                             HEIGHT)(global const REAL *a, size_t row_stride, size_t k_stride,
                                     uint rows, global const STORED *panel, uint first, uint count,
                                     global const STORED *next, REALV acc[HEIGHT][ACROSS])
{
    global const STORED *from = panel + (size_t)(PANEL_HEAD + first) * TILE_N;
    size_t at[HEIGHT];
    UNROLL for (int i = 0; i < HEIGHT; i++)
    {
        at[i] = min((uint)i, rows - 1) * row_stride;
        UNROLL for (int j = 0; j < ACROSS; j++) acc[i][j] = (REALV)0;
    }
    for (uint k = 0; k < count; k++, a += k_stride, from += TILE_N) {
        REALV b[ACROSS];
        fetch(next + k * TILE_N, ACROSS * VEC);
        UNROLL for (int j = 0; j < ACROSS; j++) b[j] = STORED_VLOAD(from + j * VEC);
        UNROLL for (int i = 0; i < HEIGHT; i++)
        {
            REALV ai = (REALV)a[at[i]];
            UNROLL for (int j = 0; j < ACROSS; j++) acc[i][j] = fma(ai, b[j], acc[i][j]);
        }
    }
    UNROLL for (int i = 0; i < HEIGHT; i++) UNROLL for (int j = 0; j < ACROSS; j++) acc[i][j] =
        panel_scaled(acc[i][j], panel, j * VEC);
}

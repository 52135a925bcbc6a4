/* SPDX-License-Identifier: MIT
 * cl/persistent_tile.cl - template: a tile of HEIGHT rows of cl/persistent.cl, which includes it.
 */
#include "tile_product.cl"

/* sum = a panel over k..k+count-1 or, unless these are the first, sum +=. */
static inline void CLR_PASTE(add_tile_, HEIGHT)(global const REAL *a, size_t stride, uint rows,
                                                global const STORED *panel, uint k, uint count,
                                                bool first, REALV (*sum)[TILE_V])
{
    REALV acc[HEIGHT][ACROSS];
    CLR_PASTE(tile_product_, HEIGHT)
    (a, stride, 1, rows, panel, k, count, panel + (size_t)(PANEL_HEAD + k + count) * TILE_N, acc);
    UNROLL for (int i = 0; i < HEIGHT; i++) UNROLL for (int j = 0; j < ACROSS; j++) sum[i][j] =
        first ? acc[i][j] : sum[i][j] + acc[i][j];
}
#undef HEIGHT
#undef ACROSS

/* SPDX-License-Identifier: MIT
 * cl/persistent_tile.cl - template: a tile of HEIGHT rows of cl/persistent.cl, which includes it.
 */
#include "tile_product.cl"

/* sum = a panel over k..k+count-1, or sum += with `add`: the first ACROSS vectors of `rows` rows of
 * it. (In arrays of its own, which are registers.) */
static inline void CLR_PASTE(add_tile_, HEIGHT)(global const REAL *a, size_t stride, uint rows,
                                                global const STORED *panel, uint k, uint count,
                                                uint chain, bool add, REALV (*sum)[TILE_V])
{
    REALV own[HEIGHT][ACROSS];
    UNROLL for (int i = 0; i < HEIGHT; i++) UNROLL for (int j = 0; j < ACROSS; j++) own[i][j] =
        add ? sum[i][j] : (REALV)NOTHING;
    CLR_PASTE(tile_product_, HEIGHT)
    (a, stride, 1, rows, panel, k, count, chain, panel + (size_t)(PANEL_HEAD + k + count) * TILE_N,
     own);
    UNROLL for (int i = 0; i < HEIGHT; i++) UNROLL for (int j = 0; j < ACROSS; j++) sum[i][j] =
        own[i][j];
}
#undef HEIGHT
#undef ACROSS

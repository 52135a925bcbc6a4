/* SPDX-License-Identifier: MIT
 * cl/gemm_tile.cl - template: a tile of HEIGHT rows of cl/gemm.cl, which includes it. */
#include "tile_product.cl"

/* c: [rows,columns], rows <= HEIGHT, written or added to; the others as in tile_product_HEIGHT. */
static inline void CLR_PASTE(tile_, HEIGHT)(global const REAL *a, size_t row_stride,
                                            size_t k_stride, global const STORED *panel, uint first,
                                            uint count, uint chain, global const STORED *next,
                                            global REAL *c, size_t c_stride, uint rows,
                                            uint columns, uint add)
{
    REALV sum[HEIGHT][TILE_V];
    UNROLL for (int i = 0; i < HEIGHT; i++)
    {
        UNROLL for (int j = 0; j < TILE_V; j++) sum[i][j] = (REALV)NOTHING;
        if (add && (uint)i < rows)
            load_row(c + i * c_stride, columns, sum[i]);
    }
    CLR_PASTE(tile_product_, HEIGHT)
    (a, row_stride, k_stride, rows, panel, first, count, chain, next, sum);
    UNROLL for (int i = 0; i < HEIGHT; i++) if ((uint)i < rows)
        store_row(sum[i], c + i * c_stride, columns);
}
#undef HEIGHT
#undef ACROSS

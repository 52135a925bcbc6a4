/* SPDX-License-Identifier: MIT
 * cl/gemm_tile.cl - template: a tile of HEIGHT rows of cl/gemm.cl, which includes it. */
#include "tile_product.cl"

#ifdef PLACES
#define TILE_NAME  CLR_PASTE(tile_of_places_, HEIGHT)
#define TILE_READS row, place
#else
#define TILE_NAME  CLR_PASTE(tile_, HEIGHT)
#define TILE_READS row_stride, k_stride
#endif

/* c: [rows,columns], rows <= HEIGHT, written or added to; the others as in cl/tile_product.cl. */
static inline void TILE_NAME(global const REAL *a, PRODUCT_A, global const STORED *panel,
                             uint first, uint count, uint chain, global const STORED *next,
                             global REAL *c, size_t c_stride, uint rows, uint columns, uint add)
{
    REALV sum[HEIGHT][TILE_V];
    UNROLL for (int i = 0; i < HEIGHT; i++)
    {
        UNROLL for (int j = 0; j < TILE_V; j++) sum[i][j] = (REALV)NOTHING;
        if (add && (uint)i < rows)
            load_row(c + i * c_stride, columns, sum[i]);
    }
    PRODUCT_NAME(a, TILE_READS, rows, panel, first, count, chain, next, sum);
    UNROLL for (int i = 0; i < HEIGHT; i++) if ((uint)i < rows)
        store_row(sum[i], c + i * c_stride, columns);
}
#undef TILE_NAME
#undef TILE_READS
#undef HEIGHT
#undef ACROSS

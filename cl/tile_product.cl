/* SPDX-License-Identifier: MIT
 * cl/tile_product.cl - template: the inner tile of products for HEIGHT rows of A and ACROSS
 * vectors of a panel, from its first one on, or all of them if nothing is said. After cl/tile.cl.
 *
 * The height is part of the name, and not an argument, because loops are unrolled before functions
 * are inlined. */
#ifndef ACROSS
#define ACROSS TILE_V
#endif

/* How a is read: its row i of k = first is at i*row_stride, the next k at k_stride; or, with
 * PLACES, row i at row[i], and of that the k-th of these values at place[k]. */
#undef PRODUCT_NAME
#undef PRODUCT_A
#ifdef PLACES
#define PRODUCT_NAME CLR_PASTE(tile_product_of_places_, HEIGHT)
#define PRODUCT_A    const size_t *row, const ulong *place
#else
#define PRODUCT_NAME CLR_PASTE(tile_product_, HEIGHT)
#define PRODUCT_A    size_t row_stride, size_t k_stride
#endif

/* sum += a * panel over k = first..first+count-1, in chains of `chain` values, of which `first`
 * begins one, in the scale of the weights. Rows of a past `rows` repeat the last one.  panel: its
 * beginning.  next: numbers that are used after these, brought meanwhile (2 to 16 % where not all
 * weights fit the caches of a core). */
static inline ALWAYS_INLINE void PRODUCT_NAME(global const REAL *a, PRODUCT_A, uint rows,
                                              global const STORED *panel, uint first, uint count,
                                              uint chain, global const STORED *next,
                                              REALV sum[HEIGHT][ACROSS])
{
    global const STORED *from = panel + (size_t)(PANEL_HEAD + first) * TILE_N;
    size_t at[HEIGHT];
#ifdef PLACES
    UNROLL for (int i = 0; i < HEIGHT; i++) at[i] = row[min((uint)i, rows - 1)];
#else
    UNROLL for (int i = 0; i < HEIGHT; i++) at[i] = min((uint)i, rows - 1) * row_stride;
#endif
    for (uint k0 = 0; k0 < count; k0 += chain) {
        const uint k1 = min(count, k0 + chain);
        REALV acc[HEIGHT][ACROSS];
        UNROLL for (int i = 0; i < HEIGHT; i++) UNROLL for (int j = 0; j < ACROSS; j++) acc[i][j] =
            (REALV)0;
        for (uint k = k0; k < k1; k++, from += TILE_N) {
            REALV b[ACROSS];
#ifdef PLACES
            global const REAL *ak = a + place[k];
#else
            global const REAL *ak = a;
            a += k_stride;
#endif
            fetch(next + k * TILE_N, ACROSS * VEC);
            UNROLL for (int j = 0; j < ACROSS; j++) b[j] = STORED_VLOAD(from + j * VEC);
            UNROLL for (int i = 0; i < HEIGHT; i++)
            {
                REALV ai = (REALV)ak[at[i]];
                UNROLL for (int j = 0; j < ACROSS; j++) acc[i][j] = fma(ai, b[j], acc[i][j]);
            }
        }
        UNROLL for (int i = 0; i < HEIGHT; i++) UNROLL for (int j = 0; j < ACROSS; j++) sum[i][j] +=
            panel_scaled(acc[i][j], panel, j * VEC);
    }
}

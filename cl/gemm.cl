/* SPDX-License-Identifier: MIT
 * cl/gemm.cl - C = A B or C += A B on CPU devices, B (and a transposed A) packed beforehand.
 *
 * After cl/prelude.cl, cl/storage.cl and cl/tile.cl. One work-item is a group, and computes a block
 * of C:
 *
 *              <- block_n ->            for each block of TILE_K values of k
 *            +--------------+             for each panel of B
 *     block_m|  C  +--+     |               for each tile of TILE_M rows of A
 *            |     |  | <---+-- tile          C += tile
 *            +--------------+
 *
 * so a panel (TILE_K*TILE_N numbers) stays in the first cache level while A passes by. */

/* The first `columns` of a tile's row c, with zeros behind them. */
static inline ALWAYS_INLINE void load_row(global const REAL *c, uint columns, REALV v[TILE_V])
{
    UNROLL for (int j = 0; j < TILE_V; j++) v[j] =
        load_some(c + j * VEC, columns - min(columns, (uint)(j * VEC)));
}

/* And back. */
static inline ALWAYS_INLINE void store_row(const REALV v[TILE_V], global REAL *c, uint columns)
{
    UNROLL for (int j = 0; j < TILE_V; j++)
        store_some(v[j], c + j * VEC, columns - min(columns, (uint)(j * VEC)));
}

#define HEIGHT 1
#include "gemm_tile.cl"
#define HEIGHT 3
#include "gemm_tile.cl"
#define HEIGHT 6
#include "gemm_tile.cl"
#if TILE_M != 6
#error "the heights above are for TILE_M 6"
#endif

/* Of so few columns a panel is mostly zeros: they are multiplied alone, of twice as many rows at
 * once. (A head of one unit behind 40, 64 rows: 0.5 us in place of 1.5.) */
#define NARROW      4
#define NARROW_ROWS 12
#define HAS_NARROW  (STORAGE == 0 && VEC > NARROW)
#if HAS_NARROW
typedef CLR_PASTE(REAL_NAME, 4) NARROWV;

/* As a tile, but of all K, and a is that of row 0: which row m is follows. */
static inline void narrow_rows(global const REAL *a, size_t tile_stride, size_t row_stride,
                               size_t k_stride, uint m, uint rows, global const STORED *panel,
                               uint K, global REAL *c, size_t c_stride, uint columns, uint add)
{
    size_t at[NARROW_ROWS];
    NARROWV sum[NARROW_ROWS];
    UNROLL for (uint i = 0; i < NARROW_ROWS; i++)
    {
        const uint row = m + min(i, rows - 1);
        at[i] = row / TILE_M * tile_stride + row % TILE_M * row_stride;
        REAL begin[NARROW] = {NOTHING, NOTHING, NOTHING, NOTHING};
        for (uint n = 0; add && n < columns; n++)
            begin[n] = c[row * c_stride + n];
        sum[i] = vload4(0, begin);
    }
    const uint chain = CHAIN_OF(K);
    for (uint k0 = 0; k0 < K; k0 += chain) {
        NARROWV acc[NARROW_ROWS];
        UNROLL for (int i = 0; i < NARROW_ROWS; i++) acc[i] = (NARROWV)0;
        for (uint k = k0; k < min(K, k0 + chain); k++, a += k_stride) {
            const NARROWV b = vload4(0, panel + (size_t)k * TILE_N);
            UNROLL for (int i = 0; i < NARROW_ROWS; i++) acc[i] = fma((NARROWV)a[at[i]], b, acc[i]);
        }
        UNROLL for (int i = 0; i < NARROW_ROWS; i++) sum[i] += acc[i];
    }
    UNROLL for (uint i = 0; i < NARROW_ROWS; i++)
    {
        REAL end[NARROW];
        vstore4(sum[i], 0, end);
        for (uint n = 0; i < rows && n < columns; n++)
            c[(m + i) * c_stride + n] = end[n];
    }
}
#endif

/* a: element (m,k) at a_at + m/TILE_M*tile_stride + m%TILE_M*row_stride + k*k_stride.
 * panels: of pack_panels or store_panels, from panels_at on.  c: [M,N] at c_at, row stride
 * c_stride. Global size [blocks of block_n columns, blocks of block_m rows]; block_n is a multiple
 * of TILE_N and block_m of TILE_M. */
__attribute__((reqd_work_group_size(1, 1, 1))) kernel void
gemm(global const REAL *a, ulong a_at, ulong tile_stride, ulong row_stride, ulong k_stride,
     global const STORED *panels, ulong panels_at, global REAL *c, ulong c_at, ulong c_stride,
     uint accumulate, uint block_m, uint block_n, uint M, uint N, uint K)
{
    uint n0 = get_group_id(0) * block_n, m0 = get_group_id(1) * block_m;
    uint n1 = min(N, n0 + block_n), m1 = min(M, m0 + block_m);
    a += a_at;
    panels += panels_at;
    c += c_at;
#if HAS_NARROW
    if (N <= NARROW && M >= TILE_M) {
        for (uint m = m0; m < m1; m += NARROW_ROWS)
            narrow_rows(a, tile_stride, row_stride, k_stride, m, min(m1 - m, (uint)NARROW_ROWS),
                        panels, K, c, c_stride, N, accumulate);
        return;
    }
#endif
    const uint chain = CHAIN_OF(K);
    for (uint k = 0; k < K; k += TILE_K)
        for (uint n = n0; n < n1; n += TILE_N)
            for (uint m = m0; m < m1; m += TILE_M) {
                global const REAL *rows = a + m / TILE_M * tile_stride + k * k_stride;
                global const STORED *panel = panels + (size_t)n * PANEL_ROWS(K);
                global const STORED *next =
                    panel + (PANEL_ROWS(K) + PANEL_HEAD + (size_t)k) * TILE_N;
                global REAL *out = c + m * c_stride + n;
                uint count = min(K - k, (uint)TILE_K), height = min(m1 - m, (uint)TILE_M);
                uint width = min(n1 - n, (uint)TILE_N), add = accumulate || k > 0;
                if (height == 1)
                    tile_1(rows, row_stride, k_stride, panel, k, count, chain, next, out, c_stride,
                           height, width, add);
                else if (height <= 3)
                    tile_3(rows, row_stride, k_stride, panel, k, count, chain, next, out, c_stride,
                           height, width, add);
                else
                    tile_6(rows, row_stride, k_stride, panel, k, count, chain, next, out, c_stride,
                           height, width, add);
            }
}

#if STORAGE == 0 && VEC > 1 /* (a GPU would keep its places in memory) */
#include "conv.cl"
#include "gemm_windows.cl"
#endif

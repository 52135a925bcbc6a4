/* SPDX-License-Identifier: MIT
 * cl/gemm_windows.cl - a product whose first operand is what is under windows, read where it lies:
 * each element of an array is in as many of its rows as windows are over it, and none is gathered.
 * In cl/gemm.cl; cl/conv.cl does so where neighbouring windows are neighbours in memory. */
#include "gemm_launch.cl"

#define PLACES
#define HEIGHT 6
#include "gemm_tile.cl"
#undef PLACES

/* A row or column of gemm_windows: its number in three digits. */
typedef struct windows_index {
    uint digit[3];
} windows_index;

static inline windows_index windows_at(uint number, const ulong size[2])
{
    const uint A = (uint)size[0], B = (uint)size[1];
    return (windows_index){{number / B / A, number / B % A, number % B}};
}

static inline void windows_next(windows_index *i, const ulong size[2])
{
    const bool line = ++i->digit[2] == (uint)size[1];
    i->digit[2] = line ? 0 : i->digit[2];
    i->digit[1] += line;
    const bool all = i->digit[1] == (uint)size[0];
    i->digit[1] = all ? 0 : i->digit[1];
    i->digit[0] += all;
}

static inline size_t windows_place(const windows_index *i, const ulong stride[3])
{
    return i->digit[0] * stride[0] + i->digit[1] * stride[1] + i->digit[2] * stride[2];
}

/* The places of the `count` rows or columns from number `first` on. */
static NO_INLINE void windows_places(uint first, uint count, const ulong size[2],
                                     const ulong stride[3], ulong *place)
{
    windows_index index = windows_at(first, size);
    for (uint i = 0; i < count; i++, windows_next(&index, size))
        place[i] = windows_place(&index, stride);
}

/* As gemm, but A is that of `w`. Global size and blocks are the same. */
__attribute__((reqd_work_group_size(1, 1, 1))) kernel void
gemm_of_windows(global const REAL *a, gemm_windows w, global const STORED *panels, ulong panels_at,
                global REAL *c, ulong c_at, ulong c_stride, uint block_m, uint block_n, uint M,
                uint N, uint K)
{
    const uint n0 = get_group_id(0) * block_n, m0 = get_group_id(1) * block_m;
    const uint n1 = min(N, n0 + block_n), m1 = min(M, m0 + block_m), chain = CHAIN_OF(K);
    ulong place[TILE_K], row[6];
    a += w.at;
    panels += panels_at;
    c += c_at;
    for (uint k = 0; k < K; k += TILE_K) {
        const uint count = min(K - k, (uint)TILE_K);
        windows_places(k, count, w.k_size, w.k_stride, place);
        for (uint m = m0; m < m1; m += 6) {
            const uint rows = min(m1 - m, 6u);
            windows_places(m, rows, w.size, w.stride, row);
            for (uint n = n0; n < n1; n += TILE_N) {
                global const STORED *panel = panels + (size_t)n * PANEL_ROWS(K);
                global REAL *out = c + m * c_stride + n;
                tile_of_places_6(a, row, place, panel, k, count, chain,
                                 panel + (PANEL_ROWS(K) + PANEL_HEAD + (size_t)k) * TILE_N, out,
                                 c_stride, rows, min(n1 - n, (uint)TILE_N), k > 0);
            }
        }
    }
}

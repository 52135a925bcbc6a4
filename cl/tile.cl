/* SPDX-License-Identifier: MIT
 * cl/tile.cl - the inner tile of every matrix product on CPU devices: rows of A times one panel of
 * B. After cl/prelude.cl and cl/storage.cl, which says how a panel is kept.
 *
 *     acc[i][n] = sum over k of a(i,k) * panel[k][n]      i < rows <= TILE_M,  n < TILE_N
 *
 * B is packed in panels of TILE_N = TILE_V*VEC columns, so that the TILE_N numbers of one k lie
 * side by side, in the order in which they are used:
 *
 *            <--- TILE_N --->            panel p holds columns p*TILE_N .. of B, all k;
 *     k=0    b00 b01 .. b0n              columns past the last one are 0
 *     k=1    b10 b11 .. b1n
 *
 * Each element is chains of fused multiply-adds, which are added in order (cl/sums.cl): whatever
 * the tile's height or place, an element has the same bits. (Register tile and panels as in Goto
 * and van de Geijn, "Anatomy of High-Performance Matrix Multiplication", ACM TOMS 2008.) */
#include "sums.cl"
#ifndef TILE_M
#define TILE_M 6
#endif
#ifndef TILE_V
#define TILE_V 2 /* vectors side by side: with TILE_M 6 twelve accumulators */
#endif
#ifndef TILE_K
#define TILE_K \
    128 /* so that as many values of 48 rows of A fit the first cache level beside a panel */
#endif
#if TILE_K % MOST_CHAIN
#error "TILE_K must be whole chains"
#endif
#define TILE_N (TILE_V * VEC)

/* Bring the cache lines of `count` numbers from p on; there may be no such memory. (The function
 * `prefetch` of OpenCL does nothing in PoCL 3.1.) */
static inline void fetch(global const STORED *p, uint count)
{
#if defined(__x86_64__) && __has_builtin(__builtin_prefetch)
    for (uint line = 0; line < count * sizeof(STORED); line += 64)
        __builtin_prefetch((const void *)((uintptr_t)p + line));
#endif
}

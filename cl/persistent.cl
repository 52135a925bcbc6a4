/* SPDX-License-Identifier: MIT
 * cl/persistent.cl - the products of the strategy for CPU devices: a group is one work-item, with
 * vectors of units and weights that come from the caches. After cl/tile.cl and cl/scan.cl.
 *
 * The sums have the order of cl/sums.cl, so that every element has the same bits as in stepwise,
 * whatever the partition is. */
#ifndef ROWS
#define ROWS 48 /* rows that share a block of a panel in the first cache level */
#endif

static inline uint panels_of(uint columns)
{
    return (columns + TILE_N - 1) / TILE_N;
}

#define HEIGHT 1
#include "persistent_tile.cl"
#define HEIGHT 4
#include "persistent_tile.cl"
#define HEIGHT 6
#include "persistent_tile.cl"

/* Of a panel whose second vector has no units the first alone is multiplied, eight rows at a time,
 * which is as many as hide the latency of each sum. */
#if TILE_V == 2 && defined(COMPILED_AHEAD)
#define HALF_PANELS 1
#define HEIGHT      8
#define ACROSS      1
#include "persistent_tile.cl"
#else
#define HALF_PANELS 0
#endif

static inline bool is_half(uint panel, uint columns)
{
    return HALF_PANELS && panel * TILE_N + VEC >= columns;
}

/* Rows of the next tile. A value of k takes a tile of six rows six cycles, any lower one four,
 * since each sum waits for itself: so no tile for one row where it can be helped. */
static inline uint tile_height(uint rows)
{
    return rows > 8 || rows == 5 || rows == 6 ? 6 : rows > 1 ? 4 : 1;
}

#if HALF_PANELS
static inline void product_of_half(global const REAL *a, size_t stride, uint rows,
                                   global const STORED *panel, uint K, bool add,
                                   REALV sum[ROWS][TILE_V])
{
    const uint chain = CHAIN_OF(K);
    for (uint k = 0; k < K; k += TILE_K, add = true) {
        uint count = min(K - k, (uint)TILE_K);
        for (uint i = 0; i < rows; i += 8)
            add_tile_8(a + i * stride + k, stride, rows - i, panel, k, count, chain, add, sum + i);
    }
}
#endif

/* sum = a panel (or sum +=, with `add`) for `rows` <= ROWS rows of a, K values of k. narrow: of the
 * panel only the first vector of sums is asked for. */
static inline void product(global const REAL *a, size_t stride, uint rows,
                           global const STORED *panel, uint K, bool narrow, bool add,
                           REALV sum[ROWS][TILE_V])
{
#if HALF_PANELS
    if (narrow) {
        product_of_half(a, stride, rows, panel, K, add, sum);
        return;
    }
#endif
    const uint chain = CHAIN_OF(K);
    for (uint k = 0; k < K; k += TILE_K, add = true) {
        uint count = min(K - k, (uint)TILE_K);
        for (uint i = 0, height; i < rows; i += height) {
            global const REAL *from = a + i * stride + k;
            uint left = rows - i;
            height = tile_height(left);
            if (height == 1)
                add_tile_1(from, stride, left, panel, k, count, chain, add, sum + i);
            else if (height == 4)
                add_tile_4(from, stride, left, panel, k, count, chain, add, sum + i);
            else
                add_tile_6(from, stride, left, panel, k, count, chain, add, sum + i);
        }
    }
}

/* How far ahead the weights of one row are brought if they come from the last level: with AVX-512 3
 * to 8 % faster than what the processor does of its own accord (Zen 5). With two loads to a line it
 * takes the place of a third: there 14 to 17 % slower (Zen 4 with AVX2). */
static inline void fetch_ahead(global const STORED *p, uint count)
{
#ifdef __AVX512F__
    fetch(p + 4096 / sizeof(STORED), count);
#endif
}

#define ABREAST 1
#include "persistent_row.cl"
#define ABREAST 2
#include "persistent_row.cl"
#define ABREAST 4
#include "persistent_row.cl"

/* Whether so many weights of a step are too many for the second level, which they come from else: a
 * line that is brought from there takes as long as one that is read. */
static inline bool are_far(size_t weights)
{
#ifdef COMPILED_AHEAD
    return weights > 1 << 18;
#else
    return true;
#endif
}

/* sum = a panel for one row of a and the gates first_gate..last_gate-1, whose panels begin `step`
 * apart. far: are_far, a constant here. */
static inline ALWAYS_INLINE void product_of_row(global const REAL *a, global const STORED *panel,
                                                size_t step, uint K, const bool far, int first_gate,
                                                int last_gate, REALV sum[CELL_GATES][ROWS][TILE_V])
{
    const int gates = last_gate - first_gate;
    const uint chain = CHAIN_OF(K);
    uint k = 0;
    /* (Four chains of two of the device's vectors or more: an RNN is 1.2 to 1.5 times as fast.) */
    for (; gates == 1 && K - k >= 4 * chain; k += 4 * chain)
        row_chains_4(a, panel, step, k, chain, far, first_gate, last_gate, sum);
    for (; gates <= 2 && K - k >= 2 * chain; k += 2 * chain)
        row_chains_2(a, panel, step, k, chain, far, first_gate, last_gate, sum);
    for (; k < K; k += chain)
        row_chains_1(a, panel, step, k, min(K - k, chain), far, first_gate, last_gate, sum);
}

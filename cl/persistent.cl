/* SPDX-License-Identifier: MIT
 * cl/persistent.cl - the products of the strategy for CPU devices: a group is one work-item, with
 * vectors of units and weights that come from the caches. After cl/tile.cl and cl/walk.cl.
 *
 * The sums have the order of cl/gemm.cl, so that every element has the same bits as in stepwise,
 * whatever the shares are. */
#ifndef ROWS
#define ROWS 48 /* rows that share a block of a panel in the first cache level */
#endif

static inline uint panels_of(uint columns)
{
    return (columns + TILE_N - 1) / TILE_N;
}

/* EACH(i, v, j, width) for rows i = 0..rows-1 and vectors v of a panel of units (or of whatever
 * else there are `columns`): units j..j+width-1. Of a panel that is whole, as most are, the
 * compiler knows the width. */
#define FOR_UNITS(panel, columns, rows, EACH)                                                 \
    if (((panel) + 1) * TILE_N <= (columns))                                                  \
        for (uint i = 0; i < (rows); i++)                                                     \
            UNROLL for (uint v = 0; v < TILE_V; v++)                                          \
            {                                                                                 \
                EACH(i, v, (panel)*TILE_N + v * VEC, VEC);                                    \
            }                                                                                 \
    else                                                                                      \
        for (uint i = 0; i < (rows); i++)                                                     \
            for (uint v = 0; v < TILE_V && (panel)*TILE_N + v * VEC < (columns); v++) {       \
                EACH(i, v, (panel)*TILE_N + v * VEC, (columns) - ((panel)*TILE_N + v * VEC)); \
            }

TILE_PRODUCT(1)
TILE_PRODUCT(4)
TILE_PRODUCT(6)

#define ADD_TILE(HEIGHT)                                                                 \
    static inline void add_tile_##HEIGHT(global const REAL *a, size_t stride, uint rows, \
                                         global const STORED *panel, uint k, uint count, \
                                         bool first, REALV(*sum)[TILE_V])                \
    {                                                                                    \
        REALV acc[HEIGHT][TILE_V];                                                       \
        tile_product_##HEIGHT(a, stride, 1, rows, panel, k, count,                       \
                              panel + (size_t)(PANEL_HEAD + k + count) * TILE_N, acc);   \
        UNROLL for (int i = 0; i < HEIGHT; i++) UNROLL for (int j = 0; j < TILE_V; j++)  \
            sum[i][j] = first ? acc[i][j] : sum[i][j] + acc[i][j];                       \
    }

ADD_TILE(1)
ADD_TILE(4)
ADD_TILE(6)

/* Rows of the next tile. A value of k takes a tile of six rows six cycles, any lower one four,
 * since each sum waits for itself: so no tile for one row where it can be helped. */
static inline uint tile_height(uint rows)
{
    return rows > 8 || rows == 5 || rows == 6 ? 6 : rows > 1 ? 4 : 1;
}

/* sum = a panel (or sum +=, with `add`) for `rows` <= ROWS rows of a, K values of k. */
static inline void product(global const REAL *a, size_t stride, uint rows,
                           global const STORED *panel, uint K, bool add, REALV sum[ROWS][TILE_V])
{
    for (uint k = 0; k < K; k += TILE_K) {
        uint count = min(K - k, (uint)TILE_K);
        bool first = k == 0 && !add;
        for (uint i = 0, height; i < rows; i += height) {
            global const REAL *from = a + i * stride + k;
            uint left = rows - i;
            height = tile_height(left);
            if (height == 1)
                add_tile_1(from, stride, left, panel, k, count, first, sum + i);
            else if (height == 4)
                add_tile_4(from, stride, left, panel, k, count, first, sum + i);
            else
                add_tile_6(from, stride, left, panel, k, count, first, sum + i);
        }
    }
}

/* How far ahead the weights of one row, which come from the last level, are brought: with AVX-512 3
 * to 8 % faster than what the processor does of its own accord (Zen 5). With two loads to a line it
 * takes the place of a third: there 14 to 17 % slower (Zen 4 with AVX2). */
static inline void fetch_ahead(global const STORED *p, uint count)
{
#ifdef __AVX512F__
    fetch(p + 4096 / sizeof(STORED), count);
#endif
}

/* The same for one row and several panels at once (their starts `step` apart), and for BLOCKS
 * blocks of k at once, from k0 on, each of `count` values: more chains of sums side by side hide
 * the latency of each. The blocks are added in order. */
#define ROW_BLOCKS(BLOCKS)                                                                        \
    static inline ALWAYS_INLINE void row_blocks_##BLOCKS(                                         \
        global const REAL *a, global const STORED *panel, size_t step, uint k0, uint count,       \
        int first_gate, int last_gate, REALV sum[CELL_GATES][ROWS][TILE_V])                       \
    {                                                                                             \
        REALV acc[BLOCKS][CELL_GATES][TILE_V];                                                    \
        global const STORED *from = panel + (size_t)(PANEL_HEAD + k0) * TILE_N;                   \
        UNROLL for (int b = 0; b < BLOCKS; b++) UNROLL for (int g = 0; g < CELL_GATES; g++)       \
            UNROLL for (int j = 0; j < TILE_V; j++) acc[b][g][j] = (REALV)0;                      \
        for (uint k = 0; k < count; k++)                                                          \
            UNROLL for (int b = 0; b < BLOCKS; b++)                                               \
            {                                                                                     \
                REALV ak = (REALV)a[k0 + b * TILE_K + k];                                         \
                global const STORED *row = from + (size_t)(b * TILE_K + k) * TILE_N;              \
                UNROLL for (int g = 0; g < CELL_GATES; g++) if (g >= first_gate && g < last_gate) \
                {                                                                                 \
                    fetch_ahead(row + g * step, TILE_N);                                          \
                    UNROLL for (int j = 0; j < TILE_V; j++) acc[b][g][j] =                        \
                        fma(ak, STORED_VLOAD(row + g * step + j * VEC), acc[b][g][j]);            \
                }                                                                                 \
            }                                                                                     \
        UNROLL for (int b = 0; b < BLOCKS; b++) UNROLL for (int g = 0; g < CELL_GATES; g++)       \
            UNROLL for (int j = 0; j < TILE_V; j++)                                               \
        {                                                                                         \
            REALV part = panel_scaled(acc[b][g][j], panel + g * step, j * VEC);                   \
            sum[g][0][j] = k0 + b == 0 ? part : sum[g][0][j] + part;                              \
        }                                                                                         \
    }

ROW_BLOCKS(1)
ROW_BLOCKS(2)
ROW_BLOCKS(4)

static inline ALWAYS_INLINE void product_of_row(global const REAL *a, global const STORED *panel,
                                                size_t step, uint K, int first_gate, int last_gate,
                                                REALV sum[CELL_GATES][ROWS][TILE_V])
{
    const int gates = last_gate - first_gate;
    uint k = 0;
    /* (Four chains of two of the device's vectors or more: an RNN is 1.2 to 1.5 times as fast.) */
    for (; gates == 1 && K - k >= 4 * TILE_K; k += 4 * TILE_K)
        row_blocks_4(a, panel, step, k, TILE_K, first_gate, last_gate, sum);
    for (; gates <= 2 && K - k >= 2 * TILE_K; k += 2 * TILE_K)
        row_blocks_2(a, panel, step, k, TILE_K, first_gate, last_gate, sum);
    for (; k < K; k += TILE_K)
        row_blocks_1(a, panel, step, k, min(K - k, (uint)TILE_K), first_gate, last_gate, sum);
}

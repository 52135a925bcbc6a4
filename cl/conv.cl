/* SPDX-License-Identifier: MIT
 * cl/conv.cl - convolutions on CPU devices as products whose second operand is not gathered: what
 * is under TILE_N neighbouring windows for one k are TILE_N neighbours in x. In cl/gemm.cl.
 *
 * The sums have the order of cl/sums.cl, so an element has the same bits as by panels. */
#include "conv_launch.cl"

/* relu(v + bias), the first `columns` of it. */
static inline void store_finished(REALV v[TILE_V], REAL bias, bool relu, global REAL *y,
                                  uint columns)
{
    UNROLL for (int j = 0; j < TILE_V; j++)
    {
        v[j] += (REALV)bias;
        if (relu)
            v[j] = v[j] < (REALV)0 ? (REALV)0 : v[j];
    }
    store_row(v, y, columns);
}

#define CONV_K (8 * TILE_K) /* as many values of k at a time: their places stay in a cache */

/* Units of a tile: with 32 registers eight, whose reading takes fewer cycles than its products. */
#if defined(COMPILED_AHEAD) && defined(__AVX512F__)
#define CONV_M   8
#define CONV_LOW 4
#else
#define CONV_M   6
#define CONV_LOW 3
#endif

#define HEIGHT 1
#include "conv_tile.cl"
#define HEIGHT CONV_LOW
#include "conv_tile.cl"
#define HEIGHT CONV_M
#include "conv_tile.cl"

/* The places of `count` values of k, of which the first is at channel c and (ka,kb) of the window;
 * these go on. */
static inline void conv_places(const conv_launch *w, uint *at, uint count, uint *c, uint *ka,
                               uint *kb)
{
    for (uint i = 0; i < count; i++) {
        at[i] = (uint)(*c * w->x_channel + *ka * w->dilation[0] * w->x_line + *kb * w->dilation[1]);
        bool next_a = ++*kb == (uint)w->kernel_size[1];
        *kb = next_a ? 0 : *kb;
        *ka += next_a;
        bool next_c = *ka == (uint)w->kernel_size[0];
        *ka = next_c ? 0 : *ka;
        *c += next_c;
    }
}

/* y [rows,groups,units,A,B] = weight [groups,units,channels,kernel A,kernel B] times x, the bias
 * added if there is one. Behind x there are TILE_N numbers more. Global size [blocks of block_n
 * tiles of TILE_N windows, of all rows and groups, blocks of block_m units]. */
__attribute__((reqd_work_group_size(1, 1, 1))) kernel void conv(global const REAL *weight,
                                                                global const REAL *x,
                                                                global const REAL *bias,
                                                                global REAL *y, conv_launch w)
{
    const uint A = (uint)w.out_size[0], B = (uint)w.out_size[1], M = (uint)w.units;
    const uint across = (B + TILE_N - 1) / TILE_N;
    const uint tiles = (uint)(w.groups * w.rows) * A * across;
    const uint window = (uint)(w.channels * w.kernel_size[0] * w.kernel_size[1]);
    const uint t0 = get_group_id(0) * (uint)w.block_n, t1 = min(tiles, t0 + (uint)w.block_n);
    const uint m0 = get_group_id(1) * (uint)w.block_m, m1 = min(M, m0 + (uint)w.block_m);
    const size_t positions = (size_t)A * B;
    uint at[CONV_K], c = 0, ka = 0, kb = 0;
    for (uint k = 0; k < window; k += CONV_K) {
        const uint count = min(window - k, (uint)CONV_K);
        const bool last = k + count == window;
        conv_places(&w, at, count, &c, &ka, &kb);
        for (uint t = t0; t < t1; t++) {
            const uint line = t / across, ob = t % across * TILE_N, oa = line % A;
            const uint row = line / A % (uint)w.rows, group = line / A / (uint)w.rows;
            global const REAL *from = x + w.x_at + row * w.x_row + oa * w.step * w.x_line + ob +
                                      group * w.channels * w.x_channel;
            global REAL *to =
                y + w.y_at + row * w.y_row + group * M * positions + (size_t)oa * B + ob;
            for (uint m = m0; m < m1; m += CONV_M) {
                const uint rows = min(m1 - m, (uint)CONV_M);
                const conv_place place = {
                    window,        positions,        rows,  min(B - ob, (uint)TILE_N),
                    count,         CHAIN_OF(window), k > 0, last && w.has_bias,
                    last && w.relu};
                const size_t unit = (size_t)group * M + m;
                global const REAL *a = weight + w.weight_at + unit * window + k;
                global const REAL *own = bias + w.bias_at + unit;
                global REAL *out = to + m * positions;
                if (rows == 1)
                    conv_tile_1(a, from, at, own, out, &place);
                else if (rows <= CONV_LOW)
                    CLR_PASTE(conv_tile_, CONV_LOW)(a, from, at, own, out, &place);
                else
                    CLR_PASTE(conv_tile_, CONV_M)(a, from, at, own, out, &place);
            }
        }
    }
}

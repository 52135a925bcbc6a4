/* SPDX-License-Identifier: MIT
 * cl/conv.cl - convolutions on CPU devices as products whose second operand is not gathered: what
 * is under TILE_N neighbouring windows for one k are TILE_N neighbours in x. In cl/gemm.cl.
 *
 * The sums have the order of cl/gemm.cl, so an element has the same bits as by panels. */
#include "conv_launch.cl"

/* relu(v + bias), the first `columns` of it. */
static inline void store_finished(REALV v[TILE_V], REAL bias, bool relu, global REAL *y,
                                  uint columns)
{
    REAL partial[TILE_N];
    UNROLL for (int j = 0; j < TILE_V; j++)
    {
        v[j] += (REALV)bias;
        if (relu)
            v[j] = v[j] < (REALV)0 ? (REALV)0 : v[j];
        if (columns == TILE_N)
            GLOBAL_STORE(v[j], y + j * VEC);
        else
            VSTORE(v[j], partial + j * VEC);
    }
    for (uint n = 0; columns < TILE_N && n < columns; n++)
        y[n] = partial[n];
}

/* The first `columns` of y. */
static inline void load_begun(global const REAL *y, uint columns, REALV v[TILE_V])
{
    REAL partial[TILE_N];
    for (uint n = 0; columns < TILE_N && n < TILE_N; n++)
        partial[n] = n < columns ? y[n] : (REAL)0;
    UNROLL for (int j = 0; j < TILE_V; j++) v[j] =
        columns < TILE_N ? VLOAD(partial + j * VEC) : GLOBAL_LOAD(y + j * VEC);
}

#define CONV_K (8 * TILE_K) /* as many values of k at a time: their places stay in a cache */

#define HEIGHT 3
#include "conv_tile.cl"
#define HEIGHT 6
#include "conv_tile.cl"
#if TILE_M != 6
#error "the heights above are for TILE_M 6"
#endif

/* y [units,A,B] = weight [units,channels,kernel A,kernel B] times x, the bias added if there is
 * one. Behind x there are TILE_N numbers more. Global size [blocks of block_n tiles of TILE_N
 * windows, blocks of block_m units]. */
__attribute__((reqd_work_group_size(1, 1, 1))) kernel void conv(global const REAL *weight,
                                                                global const REAL *x,
                                                                global const REAL *bias,
                                                                global REAL *y, conv_launch w)
{
    const uint B = (uint)w.out_size[1], KA = (uint)w.kernel_size[0], KB = (uint)w.kernel_size[1];
    const uint across = (B + TILE_N - 1) / TILE_N, tiles = (uint)w.out_size[0] * across;
    const uint window = (uint)w.channels * KA * KB, M = (uint)w.units;
    const uint t0 = get_group_id(0) * (uint)w.block_n, t1 = min(tiles, t0 + (uint)w.block_n);
    const uint m0 = get_group_id(1) * (uint)w.block_m, m1 = min(M, m0 + (uint)w.block_m);
    const size_t positions = (size_t)w.out_size[0] * B;
    uint at[CONV_K], c = 0, ka = 0, kb = 0;
    for (uint k = 0; k < window; k += CONV_K) {
        const uint count = min(window - k, (uint)CONV_K);
        const bool last = k + count == window;
        for (uint i = 0; i < count; i++) { /* the places of these k */
            at[i] = (uint)(c * w.x_channel + ka * w.dilation[0] * w.x_row + kb * w.dilation[1]);
            bool next_a = ++kb == KB;
            kb = next_a ? 0 : kb;
            ka += next_a;
            bool next_c = ka == KA;
            ka = next_c ? 0 : ka;
            c += next_c;
        }
        for (uint t = t0; t < t1; t++) {
            const uint oa = t / across, ob = t % across * TILE_N;
            global const REAL *from = x + w.x_at + oa * w.step * w.x_row + ob;
            for (uint m = m0; m < m1; m += TILE_M) {
                const uint rows = min(m1 - m, (uint)TILE_M);
                const conv_place place = {
                    window, positions,          rows,          min(B - ob, (uint)TILE_N), count,
                    k > 0,  last && w.has_bias, last && w.relu};
                global const REAL *a = weight + w.weight_at + (size_t)m * window + k;
                global REAL *out = y + w.y_at + m * positions + (size_t)oa * B + ob;
                if (rows <= 3)
                    conv_tile_3(a, from, at, bias + w.bias_at + m, out, &place);
                else
                    conv_tile_6(a, from, at, bias + w.bias_at + m, out, &place);
            }
        }
    }
}

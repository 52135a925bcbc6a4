/* SPDX-License-Identifier: MIT
 * cl/conv.cl - convolutions on CPU devices as products whose second operand is not gathered: what
 * is under TILE_N neighbouring windows for one k are TILE_N neighbours in x. In cl/gemm.cl.
 *
 * The sums have the order of cl/sums.cl, so an element has the same bits as where what is under a
 * window is gathered and multiplied (cl/window.cl). */
#include "conv_launch.cl"
#include "pad.cl"

/* How windows of a tile lie in y: side by side, or, where lines are joined, runs of `width` of
 * every `pitch` windows, from window `column` of a line on. */
typedef struct conv_runs {
    uint joined, column, width, pitch;
} conv_runs;

/* The next run of windows n.. of a tile: how many they are, none behind `count`. n, column: go on
 * to its first. */
static inline uint next_run(const conv_runs *r, uint *n, uint *column, uint count)
{
    if (*column >= r->width) {
        *n += r->pitch - *column;
        *column = 0;
    }
    return *n < count ? min(r->width - *column, count - *n) : 0;
}

/* What a sum becomes: the function of cl/function.cl of it and the bias. */
typedef struct conv_end {
    uint function;
    REAL alpha, beta;
} conv_end;

static inline REALV clipped_row(REALV v, REAL low, REAL high)
{
    return v < (REALV)low ? (REALV)low : v > (REALV)high ? (REALV)high : v;
}

/* Functions of cl/map_functions.cl that stand behind convolutions, of vectors, with the same bits.
 * clr_packed_conv_has in host/math/packed.c names them. */
#define BEND_EACH(FUNCTION, value)       \
    case FUNCTION:                       \
        for (uint i = 0; i < count; i++) \
            v[i] = (value);              \
        break
static NO_INLINE void conv_bend(REALV *v, uint count, const conv_end *end)
{
    const REALV alpha = (REALV)end->alpha, beta = (REALV)end->beta;
    switch (end->function) {
        BEND_EACH(FN_LEAKY_RELU, v[i] < (REALV)0 ? alpha * v[i] : v[i]);
        BEND_EACH(FN_CLIP, clipped_row(v[i], end->alpha, end->beta));
        BEND_EACH(FN_HARD_SIGMOID, clipped_row(alpha * v[i] + beta, (REAL)0, (REAL)1));
        BEND_EACH(FN_HARD_SWISH,
                  v[i] * clipped_row(DIVIDE(v[i], (REALV)6) + (REALV)0.5f, (REAL)0, (REAL)1));
        BEND_EACH(FN_TANH, real_tanh(v[i]));
        BEND_EACH(FN_SIGMOID, sigm(v[i]));
        BEND_EACH(FN_SILU, v[i] * sigm(alpha * v[i]));
    }
}

/* The first `count` windows of a tile whose lines are joined, from y to partial or back. (Not in
 * line: once for each row of a tile it would be half of what is compiled.) */
static NO_INLINE void conv_runs_move(REAL partial[2 * TILE_N], global REAL *y, const conv_runs *r,
                                     uint count, bool load)
{
    uint n = 0, column = r->column, run;
    while ((run = next_run(r, &n, &column, count)) > 0) {
        for (uint i = 0; i < run; i += VEC)
            if (load)
                VSTORE(load_some(y + i, run - i), partial + n + i);
            else
                store_some(VLOAD(partial + n + i), y + i, run - i);
        y += run;
        n += run;
        column += run;
    }
}

/* What is there of the first `count` windows of a tile. */
static inline void conv_load(global REAL *y, const conv_runs *r, uint count, REALV v[TILE_V])
{
    if (!r->joined) {
        load_row(y, count, v);
        return;
    }
    REAL partial[2 * TILE_N] = {0};
    conv_runs_move(partial, y, r, count, true);
    UNROLL for (int j = 0; j < TILE_V; j++) v[j] = VLOAD(partial + j * VEC);
}

/* And back. */
static inline void conv_store(const REALV v[TILE_V], global REAL *y, const conv_runs *r, uint count)
{
    if (!r->joined) {
        store_row(v, y, count);
        return;
    }
    REAL partial[2 * TILE_N];
    UNROLL for (int j = 0; j < TILE_V; j++) VSTORE(v[j], partial + j * VEC);
    conv_runs_move(partial, y, r, count, false);
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
#if REAL_IS_DOUBLE /* one height less to compile */
#undef CONV_LOW
#define CONV_LOW CONV_M
#else
#define HEIGHT CONV_LOW
#include "conv_tile.cl"
#endif
#define HEIGHT CONV_M
#include "conv_tile.cl"

/* Where a value of k lies in x: channel c, (ka,kb) of the window; along each axis the plane, and
 * the place in it. */
typedef struct conv_k {
    uint c, ka, kb, plane[2], at[2];
} conv_k;

/* A step of the window along an axis. */
static inline void conv_along(const conv_launch *w, conv_k *k, int axis)
{
    k->plane[axis] += (uint)(w->dilation[axis] % w->step[axis]);
    k->at[axis] += (uint)(w->dilation[axis] / w->step[axis]);
    bool wraps = k->plane[axis] >= (uint)w->step[axis];
    k->plane[axis] -= wraps ? (uint)w->step[axis] : 0;
    k->at[axis] += wraps;
}

/* The places of `count` values of k; these go on. */
static inline void conv_places(const conv_launch *w, ulong *at, uint count, conv_k *k)
{
    for (uint i = 0; i < count; i++) {
        at[i] = (k->c * w->x_channel + (k->plane[0] * w->planes + k->plane[1]) * w->x_plane +
                 k->at[0] * w->x_line + k->at[1]);
        if (++k->kb < (uint)w->kernel_size[1]) {
            conv_along(w, k, 1);
            continue;
        }
        k->kb = k->plane[1] = k->at[1] = 0;
        if (++k->ka < (uint)w->kernel_size[0]) {
            conv_along(w, k, 0);
            continue;
        }
        k->ka = k->plane[0] = k->at[0] = 0;
        k->c++;
    }
}

/* Tiles of TILE_N windows of a row and group. */
static inline uint conv_tiles(const conv_launch *w)
{
    const uint A = (uint)w->out_size[0], B = (uint)w->out_size[1];
    return w->joined ? ((A - 1) * (uint)w->x_line + B + TILE_N - 1) / TILE_N
                     : A * ((B + TILE_N - 1) / TILE_N);
}

/* Tiles t0..t1-1 of all rows and groups, units m0..m1-1. ready: their places are at `at`. */
static inline void conv_part(global const REAL *weight, global const REAL *x,
                             global const REAL *bias, global REAL *y, const conv_launch *w, uint t0,
                             uint t1, uint m0, uint m1, const conv_end *end, ulong at[CONV_K],
                             bool ready)
{
    const uint M = (uint)w->units, B = (uint)w->out_size[1], pitch = (uint)w->x_line;
    const uint lines = w->joined ? 1 : (uint)w->out_size[0], across = conv_tiles(w) / lines;
    const uint line = w->joined ? ((uint)w->out_size[0] - 1) * pitch + B : B;
    const uint window = (uint)(w->channels * w->kernel_size[0] * w->kernel_size[1]);
    const size_t positions = (size_t)w->out_size[0] * B;
    const conv_end none = {FN_IDENTITY, (REAL)0, (REAL)0};
    conv_k next = {0};
    for (uint k = 0; k < window; k += CONV_K) {
        const uint count = min(window - k, (uint)CONV_K);
        const bool last = k + count == window;
        if (!ready || count < window)
            conv_places(w, at, count, &next);
        uint tile = t0 % across, oa = t0 / across % lines, row = t0 / across / lines;
        uint group = row / (uint)w->rows;
        row %= (uint)w->rows;
        for (uint t = t0; t < t1; t++) {
            const uint ob = tile * TILE_N;
            const uint la = w->joined ? ob / pitch : oa, lb = w->joined ? ob % pitch : ob;
            const conv_runs runs = {(uint)w->joined, lb, B, pitch};
            global const REAL *from =
                x + row * w->x_row + oa * w->x_line + ob + group * w->channels * w->x_channel;
            global REAL *to =
                y + row * w->y_row + group * M * positions + (size_t)la * B + min(lb, B);
            for (uint m = m0; m < m1; m += CONV_M) {
                const uint rows = min(m1 - m, (uint)CONV_M);
                const conv_place place = {window,
                                          positions,
                                          rows,
                                          min(line - ob, (uint)TILE_N),
                                          count,
                                          CHAIN_OF(window),
                                          k > 0,
                                          last && w->has_bias,
                                          last ? *end : none,
                                          runs};
                const size_t unit = (size_t)group * M + m;
                global const REAL *a = weight + unit * window + k;
                global REAL *out = to + m * positions;
                if (rows == 1)
                    conv_tile_1(a, from, at, bias + unit, out, &place);
                else if (rows <= CONV_LOW)
                    CLR_PASTE(conv_tile_, CONV_LOW)(a, from, at, bias + unit, out, &place);
                else
                    CLR_PASTE(conv_tile_, CONV_M)(a, from, at, bias + unit, out, &place);
            }
            const bool next_line = ++tile == across;
            tile = next_line ? 0 : tile;
            oa += next_line;
            const bool next_row = oa == lines;
            oa = next_row ? 0 : oa;
            row += next_row;
            const bool next_group = row == (uint)w->rows;
            row = next_group ? 0 : row;
            group += next_group;
        }
    }
}

/* y [rows,groups,units,A,B] = weight [groups,units,channels,kernel A,kernel B] times x, the bias
 * added if there is one. Behind x there are TILE_N numbers more. Global size [blocks of block_n
 * tiles of TILE_N windows, of all rows and groups, blocks of block_m units]. */
__attribute__((reqd_work_group_size(1, 1, 1))) kernel void
conv(global const REAL *weight, global const REAL *x, global const REAL *bias, global REAL *y,
     conv_launch w, REAL alpha, REAL beta)
{
    const uint tiles = (uint)(w.groups * w.rows) * conv_tiles(&w), t0 = get_group_id(0) * w.block_n;
    const uint m0 = get_group_id(1) * w.block_m;
    const conv_end end = {(uint)w.function, alpha, beta};
    ulong at[CONV_K];
    conv_part(weight + w.weight_at, x + w.x_at, bias + w.bias_at, y + w.y_at, &w, t0,
              min(tiles, t0 + (uint)w.block_n), m0, min((uint)w.units, m0 + (uint)w.block_m), &end,
              at, false);
}

/* The same of many groups of few channels: a row of a group after the other is padded and convolved
 * while it is near. x lies as `v` says; each work-item has planes of its own in `padded`, from
 * v.cols_at on, and TILE_N numbers behind them. Global size [blocks of block_n rows of groups, 1].
 */
__attribute__((reqd_work_group_size(1, 1, 1))) kernel void
conv_apart(global const REAL *weight, global const REAL *x, global REAL *padded,
           global const REAL *bias, global REAL *y, conv_launch w, window_launch v,
           window_planes planes, REAL alpha, REAL beta)
{
    const uint C = (uint)w.channels, M = (uint)w.units, count = (uint)(w.rows * w.groups);
    const uint window = (uint)(C * w.kernel_size[0] * w.kernel_size[1]);
    const uint i0 = get_group_id(0) * (uint)w.block_n, i1 = min(count, i0 + (uint)w.block_n);
    const size_t unit_y = (size_t)w.out_size[0] * w.out_size[1];
    const conv_end end = {(uint)w.function, alpha, beta};
    ulong at[CONV_K];
    conv_launch one = w;
    one.rows = one.groups = 1;
    padded += v.cols_at + get_group_id(0) * (C * w.x_channel + TILE_N);
    for (uint i = i0; i < i1; i++) {
        const uint row = i / (uint)w.groups, group = i % (uint)w.groups;
        const size_t unit = (size_t)group * M;
        for (uint c = 0; c < C; c++)
            pad_planes(x + v.x_at + row * v.x_outer + ((size_t)group * C + c) * v.x_channel,
                       padded + c * w.x_channel, &v, &planes);
        conv_part(weight + w.weight_at + unit * window, padded, bias + w.bias_at + unit,
                  y + w.y_at + row * w.y_row + unit * unit_y, &one, 0, conv_tiles(&w), 0, M, &end,
                  at, i > i0);
    }
}

/* SPDX-License-Identifier: MIT
 * cl/window.cl - what lies under a window that slides over an array, as rows of a matrix, and back:
 * convolutions are products of such matrices (cl/map_launch.cl: window_launch); and slices of an
 * array picked by number. In cl/nodes.cl.
 *
 * Proven by: tests/graph/ against host/reference/. */
#include "pad.cl"

/* cols = x under the window. A work-item goes through MAP_COLUMNS of them by counting: a division
 * for each index of each element takes longer than the product of which it is part. Global size
 * [channels*window over MAP_COLUMNS, outer*positions]. */
kernel LONG_ITEMS void window_gather(global const REAL *x, global REAL *cols, window_launch w)
{
    ulong KA = w.kernel_size[0], KB = w.kernel_size[1], width = w.channels * KA * KB;
    ulong first = (ulong)get_global_id(0) * MAP_COLUMNS, row = get_global_id(1);
    ulong OA = w.out_size[0], OB = w.out_size[1];
    if (first >= width || row >= w.outer * OA * OB)
        return;
    ulong c = first / (KA * KB), ka = first / KB % KA, kb = first % KB;
    ulong outer = row / (OA * OB), oa = row / OB % OA, ob = row % OB;
    ulong end = min(width, first + MAP_COLUMNS);
    x += w.x_at + outer * w.x_outer;
    cols += w.cols_at + row * width;
    for (ulong column = first; column < end; kb = 0) {
        /* Before the first: a number that is larger than any size. */
        ulong a = oa * w.step[0] + ka * w.dilation[0] - w.pad[0];
        ulong b = ob * w.step[1] + kb * w.dilation[1] - w.pad[1];
        ulong count = min(KB - kb, end - column), far = (count - 1) * w.dilation[1];
        bool inside = a < w.x_size[0] && b < w.x_size[1] && b + far < w.x_size[1];
        global REAL *to = cols + column;
        if (inside) {
            global const REAL *from = x + c * w.x_channel + a * w.x_stride[0] + b * w.x_stride[1];
            for (ulong k = 0; k < count; k++, from += w.dilation[1] * w.x_stride[1])
                to[k] = *from;
        }
        for (ulong k = 0; !inside && k < count; k++, b += w.dilation[1])
            to[k] = a < w.x_size[0] && b < w.x_size[1]
                        ? x[c * w.x_channel + a * w.x_stride[0] + b * w.x_stride[1]]
                        : (REAL)0;
        column += count;
        bool next_c = ++ka == KA;
        ka = next_c ? 0 : ka;
        c += next_c;
    }
}

/* x with the padding that windows see: padded [outer][channel] planes. Global size [channels,
 * outer].
 */
kernel LONG_ITEMS void window_pad(global const REAL *x, global REAL *padded, window_launch w,
                                  window_planes planes)
{
    ulong c = get_global_id(0), outer = get_global_id(1);
    if (c < w.channels && outer < w.outer)
        pad_planes(x + w.x_at + outer * w.x_outer + c * w.x_channel,
                   padded + w.cols_at + (outer * w.channels + c) * planes_count(&planes), &w,
                   &planes);
}

/* Where a window whose number k lies over `at` begins, if it does: its number, else `count`. */
static inline ulong window_over(ulong at, ulong k, ulong dilation, ulong pad, ulong step,
                                ulong count)
{
    ulong begin = at + pad - k * dilation;
    if (at + pad < k * dilation || begin % step != 0 || begin / step >= count)
        return count;
    return begin / step;
}

/* Windows without dilation that lie over `at` all do with every step-th k, from this one on. */
static inline ulong window_first(ulong at, ulong dilation, ulong pad, ulong step)
{
    return dilation == 1 ? (at + pad) % step : 0;
}

/* x = the sum of all elements of cols that window_gather would have taken from it, in the order of
 * the window; 0 past a row's length. Global size [channels, outer*size]. */
kernel void window_scatter(global REAL *x, global const REAL *cols, global const int *lengths,
                           window_launch w)
{
    ulong KA = w.kernel_size[0], KB = w.kernel_size[1], width = w.channels * KA * KB;
    ulong c = get_global_id(0), place = get_global_id(1);
    ulong OA = w.out_size[0], OB = w.out_size[1];
    if (c >= w.channels || place >= w.outer * w.x_size[0] * w.x_size[1])
        return;
    ulong b = place % w.x_size[1], a = place / w.x_size[1] % w.x_size[0];
    ulong outer = place / w.x_size[1] / w.x_size[0];
    ulong at = outer * w.x_outer + c * w.x_channel + a * w.x_stride[0] + b * w.x_stride[1];
    ulong first_a = window_first(a, w.dilation[0], w.pad[0], w.step[0]);
    ulong first_b = window_first(b, w.dilation[1], w.pad[1], w.step[1]);
    ulong every_a = w.dilation[0] == 1 ? w.step[0] : 1,
          every_b = w.dilation[1] == 1 ? w.step[1] : 1;
    REAL sum = 0;
    for (ulong ka = first_a; ka < KA; ka += every_a) {
        ulong oa = window_over(a, ka, w.dilation[0], w.pad[0], w.step[0], OA);
        for (ulong kb = first_b; oa < OA && kb < KB; kb += every_b) {
            ulong ob = window_over(b, kb, w.dilation[1], w.pad[1], w.step[1], OB);
            if (ob < OB)
                sum += cols[w.cols_at + ((outer * OA + oa) * OB + ob) * width + (c * KA + ka) * KB +
                            kb];
        }
    }
    x[w.x_at + at] = live_of(w.within, lengths, at) ? sum : (REAL)0;
}

/* acc[i] += from[i], times the weight, for i in first..end-1. */
static inline void overlap_add(REAL *acc, global const REAL *from, uint first, uint end,
                               bool weighs, REAL weight)
{
    if (first == 0 && end == CHUNK && !weighs)
        for (uint i = 0; i < CHUNK; i++)
            acc[i] += from[i];
    else if (!weighs)
        for (uint i = first; i < end; i++)
            acc[i] += from[i];
    else
        for (uint i = first; i < end; i++)
            acc[i] += from[i] * weight;
}

/* Of a line of x every step-th element, from b on: elements first.. of them, so many. cols and
 * weight: of the channel. */
static inline void overlap_chunk(global const REAL *cols, global const REAL *weight,
                                 const window_launch *w, const overlap_launch *o, ulong a, ulong b,
                                 long first, uint count, REAL acc[CHUNK])
{
    const long step = (long)w->step[1], OB = (long)w->out_size[1];
    const ulong KB = w->kernel_size[1];
    const long begin = (long)(b + w->pad[1]), far = (long)w->dilation[1];
    for (uint i = 0; i < CHUNK; i++)
        acc[i] = (REAL)0;
    for (ulong ka = 0; ka < w->kernel_size[0]; ka++) {
        const ulong oa = window_over(a, ka, w->dilation[0], w->pad[0], w->step[0], w->out_size[0]);
        long over = begin % step,
             place = begin / step + first; /* begin - kb*far = place*step + over */
        for (ulong kb = 0; kb < KB && oa < w->out_size[0]; kb++) {
            if (over == 0 && place < OB && place + (long)count > 0) {
                const ulong k = ka * KB + kb;
                const uint low = place < 0 ? (uint)-place : 0;
                const uint high = place + (long)count > OB ? (uint)(OB - place) : count;
                overlap_add(acc, cols + k * o->element + oa * (ulong)OB + place, low, high,
                            o->weighs, o->weighs ? weight[k] : (REAL)1);
            }
            over -= far % step;
            place -= far / step;
            if (over < 0) {
                over += step;
                place--;
            }
        }
    }
}

/* The same as window_scatter on a CPU: the windows of a channel lie line by line, and what is added
 * to neighbours are neighbours. bias and relu of the sums. Global size [channels, outer*A]. */
kernel LONG_ITEMS void window_overlap(global REAL *x, global const REAL *cols,
                                      global const REAL *weight, global const REAL *bias,
                                      window_launch w, overlap_launch o)
{
    const ulong c = get_global_id(0), place = get_global_id(1), step = w.step[1];
    if (c >= w.channels || place >= w.outer * w.x_size[0])
        return;
    const ulong a = place % w.x_size[0], outer = place / w.x_size[0], B = w.x_size[1];
    const REAL own = o.has_bias ? bias[o.bias_at + c] : (REAL)0;
    x += w.x_at + outer * w.x_outer + c * w.x_channel + a * w.x_stride[0];
    cols += w.cols_at + outer * o.outer + c / o.units * o.channel;
    weight += o.weight_at + c * w.kernel_size[0] * w.kernel_size[1];
    for (ulong b = 0; b < step && b < B; b++) {
        const ulong count = (B - b + step - 1) / step;
        for (ulong i0 = 0; i0 < count; i0 += CHUNK) {
            const uint n = (uint)min(count - i0, (ulong)CHUNK);
            REAL acc[CHUNK];
            overlap_chunk(cols, weight, &w, &o, a, b, (long)i0, n, acc);
            for (uint i = 0; i < CHUNK; i++) {
                REAL v = acc[i] + own;
                acc[i] = o.relu && v < (REAL)0 ? (REAL)0 : v;
            }
            chunk_store(acc, x + b + i0 * step, step, n);
        }
    }
}

/* The place along an axis of K that an id means; K: none. A negative one counts from the end. */
static inline ulong picked(int id, ulong K)
{
    long place = id < 0 ? (long)id + (long)K : id;
    return place < 0 ? K : min((ulong)place, K);
}

/* y[o,m,i] = x[o,ids[m],i], where x is [outer,K,inner], y [outer,M,inner]; 0 where there is no such
 * place. Global size [M*inner over MAP_COLUMNS, outer]. */
kernel LONG_ITEMS void pick(global const REAL *x, ulong x_at, global const int *ids, ulong ids_at,
                            global REAL *y, ulong y_at, global const int *lengths,
                            map_lengths within, ulong K, ulong inner, ulong M, ulong outer)
{
    ulong first = (ulong)get_global_id(0) * MAP_COLUMNS, o = get_global_id(1), width = M * inner;
    if (first >= width || o >= outer)
        return;
    ulong end = min(width, first + MAP_COLUMNS), m = first / inner, i = first % inner;
    x += x_at + o * K * inner;
    y += y_at + o * width;
    ids += ids_at;
    if (inner == 1) { /* in vectors */
        for (ulong column = first; column < end; column++) {
            ulong place = picked(ids[column], K);
            y[column] = place < K ? x[place] : (REAL)0;
        }
    }
    for (ulong column = first; inner > 1 && column < end; m++, i = 0) {
        ulong count = min(inner - i, end - column), place = picked(ids[m], K);
        if (place < K)
            copy_run(x + place * inner + i, y + column, count);
        else
            clear_run(y + column, count);
        column += count;
    }
    for (ulong column = first; within.some && column < end; column++)
        if (!live_of(within, lengths, o * width + column))
            y[column] = (REAL)0;
}

/* y(m,v) = 1 where ids[m] is v, else 0. Global size [V, M]. */
kernel void pick_hot(global const int *ids, ulong ids_at, global REAL *y, ulong y_at,
                     global const int *lengths, map_lengths within, ulong V, ulong M)
{
    ulong v = get_global_id(0), m = get_global_id(1);
    if (v >= V || m >= M)
        return;
    bool hot = ids[ids_at + m] == (int)v && live_of(within, lengths, m * V + v);
    y[y_at + m * V + v] = hot ? (REAL)1 : (REAL)0;
}

/* dx[o,k,i] = sum of dy[o,m,i] over the m whose id means k, in their order. Global size [K*inner,
 * outer]. */
kernel void pick_back(global const REAL *dy, ulong dy_at, global const int *ids, ulong ids_at,
                      global REAL *dx, ulong dx_at, ulong K, ulong inner, ulong M, ulong outer)
{
    ulong column = get_global_id(0), o = get_global_id(1), width = K * inner;
    if (column >= width || o >= outer)
        return;
    ulong k = column / inner;
    REAL sum = 0;
    dy += dy_at + o * M * inner + column % inner;
    ids += ids_at;
    for (ulong m = 0; m < M; m++)
        if (ids[m] == (int)k || ids[m] == (int)k - (int)K)
            sum += dy[m * inner];
    dx[dx_at + o * width + column] = sum;
}

/* What a causal window needs of the past: history [H,N,C] = the last H of the steps of a row in
 * [H + T,N,C], of which H are the history before. Global size [C, H*N]. */
kernel void window_history(global const REAL *steps, ulong steps_at, global REAL *history,
                           ulong history_at, global const int *lengths, ulong lengths_at,
                           uint has_lengths, ulong H, ulong T, ulong N, ulong C)
{
    ulong c = get_global_id(0), row = get_global_id(1);
    if (c >= C || row >= H * N)
        return;
    ulong n = row % N, h = row / N, length = has_lengths ? (ulong)lengths[lengths_at + n] : T;
    history[history_at + row * C + c] = steps[steps_at + ((h + length) * N + n) * C + c];
}

/* Whole numbers as numbers to compute with, and back: towards 0, at the bounds of an int beyond,
 * NaN as 0. Global size [count, 1]. */
kernel void cast_ids(global REAL *out, ulong out_at, global const int *a, ulong at, ulong count)
{
    ulong i = get_global_id(0);
    if (i < count)
        out[out_at + i] = (REAL)a[at + i];
}

kernel void cast_numbers(global int *out, ulong out_at, global const REAL *a, ulong at, ulong count)
{
    ulong i = get_global_id(0);
    if (i >= count)
        return;
    REAL x = a[at + i];
    out[out_at + i] = x >= (REAL)2147483648.0f    ? 2147483647
                      : x > -(REAL)2147483648.0f  ? (int)x
                      : x <= -(REAL)2147483648.0f ? -2147483647 - 1
                                                  : 0;
}

/* What `map` does without a function, of whole numbers, which are only moved. */
kernel void map_ids(global int *out, global const int *a, global const int *lengths, map_launch m)
{
    ulong last = m.rank - 1, k = get_global_id(0), row = get_global_id(1);
    ulong K = m.size[last], rows = 1;
    for (ulong i = 0; i < last; i++)
        rows *= m.size[i];
    if (k >= K || row >= rows)
        return;
    out += m.out_at + place_of(last, m.size, m.out_stride, row);
    a += m.at[0] + place_of(last, m.size, m.stride[0], row);
    out[k * m.out_stride[last]] =
        live_of(m.within, lengths, row * K + k) ? a[k * m.stride[0][last]] : 0;
}

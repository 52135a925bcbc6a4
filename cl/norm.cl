/* SPDX-License-Identifier: MIT
 * cl/norm.cl - layer norm of rows (Ba, Kiros, Hinton 2016), forward and backward.
 *
 * After cl/prelude.cl, with VEC 1. One group of WG work-items takes one row of K numbers:
 *
 *     mean = sum of x / K      variance = sum of (x - mean)^2 / K
 *     scale = 1/sqrt(variance + epsilon)      hat = (x - mean)*scale      y = gain*hat + bias
 *
 * and back, with d = dy*gain:
 *
 *     dx = scale*(d - sum of d / K - hat * sum of d*hat / K)
 *
 * A sum is one of NORM_LANES sums, each of every NORM_LANES-th number, which are then added in
 * halves. A group has one work-item for each, or one for all of them: the bits are the same.
 *
 * Row r is that of sequence (first + r) % N at step (first + r) / N. Where that step does not count
 * y, hat and scale are 0, whatever x is, and so then is dx.
 * Proven by: tests/math/test_norm.c, and tests/layer against host/reference/product.c. */
#ifndef WG
#define WG 32 /* work-items of a group: 1 or NORM_LANES */
#endif
#define NORM_LANES 32
#define LANES_EACH (NORM_LANES / WG)
#define GROUP      kernel __attribute__((reqd_work_group_size(WG, 1, 1)))

/* As in cl/sequence.cl; without lengths all count. */
static inline bool row_counts(global const int *lengths, uint has_lengths, uint bits, uint want,
                              uint N, uint r)
{
    if (!has_lengths)
        return true;
    return bits ? ((uint)lengths[r] & bits) == want : r / N < (uint)lengths[r % N];
}

/* The sum of all lanes, to each item of the group; lanes: those of this item. */
static inline REAL lanes_sum(local REAL *scratch, const REAL *lanes)
{
    uint i = get_local_id(0);
    for (uint l = 0; l < LANES_EACH; l++)
        scratch[i + l] = lanes[l];
    for (uint step = NORM_LANES / 2; step > 0; step /= 2) {
        barrier(CLK_LOCAL_MEM_FENCE);
        for (uint l = i; l < step; l += WG)
            scratch[l] += scratch[l + step];
    }
    barrier(CLK_LOCAL_MEM_FENCE);
    REAL sum = scratch[0];
    barrier(CLK_LOCAL_MEM_FENCE); /* all have read it before scratch is used again */
    return sum;
}

/* Numbers k.. of the lanes of this item: those of a whole turn, and of the last one. */
#define FOR_LANES(K, STATEMENT)                                         \
    do {                                                                \
        const uint own = get_local_id(0);                               \
        uint turn = 0;                                                  \
        for (; turn + NORM_LANES <= (K); turn += NORM_LANES)            \
            for (uint l = 0; l < LANES_EACH; l++) {                     \
                const uint k = turn + own + l;                          \
                STATEMENT;                                              \
            }                                                           \
        for (uint l = 0; l < LANES_EACH && turn + own + l < (K); l++) { \
            const uint k = turn + own + l;                              \
            STATEMENT;                                                  \
        }                                                               \
    } while (0)

/* y, hat and scale of each row; y may be x. keep: hat and scale are stored. Global size
 * [rows * WG]. */
GROUP void normalize_rows(global const REAL *x, ulong x_at, ulong x_stride,
                          global const REAL *parameters, ulong gain_at, ulong bias_at,
                          uint has_bias, global REAL *y, ulong y_at, ulong y_stride,
                          global REAL *kept, ulong hat_at, ulong scale_at, ulong kept_stride,
                          uint keep, global const int *lengths, uint has_lengths, uint bits,
                          uint want, uint first, REAL epsilon, uint K, uint N)
{
    local REAL scratch[NORM_LANES];
    const size_t r = get_group_id(0);
    const bool live = row_counts(lengths, has_lengths, bits, want, N, first + (uint)r);
    REAL lanes[LANES_EACH];
    x += x_at + r * x_stride;
    y += y_at + r * y_stride;
    global const REAL *gain = parameters + gain_at, *bias = parameters + bias_at;
    global REAL *hats = kept + hat_at + r * kept_stride;
    for (uint l = 0; l < LANES_EACH; l++)
        lanes[l] = 0;
    FOR_LANES(K, lanes[l] += x[k]);
    const REAL mean = DIVIDE(lanes_sum(scratch, lanes), (REAL)K);
    for (uint l = 0; l < LANES_EACH; l++)
        lanes[l] = 0;
    FOR_LANES(K, lanes[l] += (x[k] - mean) * (x[k] - mean));
    const REAL variance = DIVIDE(lanes_sum(scratch, lanes), (REAL)K);
    const REAL scale = DIVIDE((REAL)1, ROOT(variance + epsilon));
    if (keep && get_local_id(0) == 0)
        kept[scale_at + r * kept_stride] = live ? scale : (REAL)0;
    if (keep)
        FOR_LANES(K, hats[k] = live ? (x[k] - mean) * scale : (REAL)0);
    if (has_bias)
        FOR_LANES(K, y[k] = live ? (x[k] - mean) * scale * gain[k] + bias[k] : (REAL)0);
    else
        FOR_LANES(K, y[k] = live ? (x[k] - mean) * scale * gain[k] : (REAL)0);
}

/* dx of each row; it may be dy. accumulate: dx += that. Global size [rows * WG]. */
GROUP void normalize_rows_back(global const REAL *dy, ulong dy_at, ulong dy_stride,
                               global const REAL *parameters, ulong gain_at,
                               global const REAL *kept, ulong hat_at, ulong scale_at,
                               ulong kept_stride, global REAL *dx, ulong dx_at, ulong dx_stride,
                               uint accumulate, uint K)
{
    local REAL scratch[NORM_LANES];
    const size_t r = get_group_id(0);
    REAL lanes[LANES_EACH];
    dy += dy_at + r * dy_stride;
    dx += dx_at + r * dx_stride;
    global const REAL *gain = parameters + gain_at, *hats = kept + hat_at + r * kept_stride;
    const REAL scale = kept[scale_at + r * kept_stride];
    for (uint l = 0; l < LANES_EACH; l++)
        lanes[l] = 0;
    FOR_LANES(K, lanes[l] += dy[k] * gain[k]);
    const REAL mean = DIVIDE(lanes_sum(scratch, lanes), (REAL)K);
    for (uint l = 0; l < LANES_EACH; l++)
        lanes[l] = 0;
    FOR_LANES(K, lanes[l] += dy[k] * gain[k] * hats[k]);
    const REAL product = DIVIDE(lanes_sum(scratch, lanes), (REAL)K);
    if (accumulate)
        FOR_LANES(K, dx[k] += scale * (dy[k] * gain[k] - mean - hats[k] * product));
    else
        FOR_LANES(K, dx[k] = scale * (dy[k] * gain[k] - mean - hats[k] * product));
}

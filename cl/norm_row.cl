/* SPDX-License-Identifier: MIT
 * cl/norm_row.cl - template: layer norm of one row of K numbers by a group of WG work-items,
 * forward and backward, for cl/norm.cl and cl/persistent_norm.cl, which include it:
 *
 *     mean = sum of x / K      variance = sum of (x - mean)^2 / K
 *     scale = 1/sqrt(variance + epsilon)      hat = (x - mean)*scale      y = gain*hat + bias
 *
 * and back, with d = dy*gain:
 *
 *     dx = scale*(d - sum of d / K - hat * sum of d*hat / K)
 *
 * A sum is one of NORM_LANES sums, each of every NORM_LANES-th number, which are then added in
 * halves. A group has one work-item for each, or one for all of them: the bits are the same. */
#define NORM_LANES 32
#define LANES_EACH (NORM_LANES / WG)
#if WG == 1
#define LANES_SHARED private
#define LANES_BARRIER()
#else
#define LANES_SHARED    local
#define LANES_BARRIER() barrier(CLK_LOCAL_MEM_FENCE)
#endif

/* DIVIDE and ROOT of one number, whatever VEC is: functions of ours are for vectors. */
#if VEC == 1 || ROUNDED_DIVISION || REAL_IS_DOUBLE
#define DIVIDE_ONE(a, b) DIVIDE(a, b)
#define ROOT_ONE(x)      ROOT(x)
#else
#define DIVIDE_ONE(a, b) DIVIDE((REALV)(a), (REALV)(b)).s0
#define ROOT_ONE(x)      ROOT((REALV)(x)).s0
#endif

/* The sum of all lanes, to each item of the group; lanes: those of this item. */
static inline REAL lanes_sum(LANES_SHARED REAL *scratch, const REAL *lanes)
{
    uint i = get_local_id(0);
    for (uint l = 0; l < LANES_EACH; l++)
        scratch[i + l] = lanes[l];
    for (uint step = NORM_LANES / 2; step > 0; step /= 2) {
        LANES_BARRIER();
        for (uint l = i; l < step; l += WG)
            scratch[l] += scratch[l + step];
    }
    LANES_BARRIER();
    REAL sum = scratch[0];
    LANES_BARRIER(); /* all have read it before scratch is used again */
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

/* y, hat and scale of a row; y may be x. keep: hat and scale are stored. Where the row does not
 * count (live) all are 0, whatever x is. */
static inline void normalize_row(global const REAL *x, global const REAL *gain,
                                 global const REAL *bias, bool has_bias, global REAL *y,
                                 global REAL *hats, global REAL *scale_kept, bool keep, bool live,
                                 REAL epsilon, uint K, LANES_SHARED REAL *scratch)
{
    REAL lanes[LANES_EACH];
    for (uint l = 0; l < LANES_EACH; l++)
        lanes[l] = 0;
    FOR_LANES(K, lanes[l] += x[k]);
    const REAL mean = DIVIDE_ONE(lanes_sum(scratch, lanes), (REAL)K);
    for (uint l = 0; l < LANES_EACH; l++)
        lanes[l] = 0;
    FOR_LANES(K, lanes[l] += (x[k] - mean) * (x[k] - mean));
    const REAL variance = DIVIDE_ONE(lanes_sum(scratch, lanes), (REAL)K);
    const REAL scale = DIVIDE_ONE((REAL)1, ROOT_ONE(variance + epsilon));
    if (keep && get_local_id(0) == 0)
        *scale_kept = live ? scale : (REAL)0;
    if (keep)
        FOR_LANES(K, hats[k] = live ? (x[k] - mean) * scale : (REAL)0);
    if (has_bias)
        FOR_LANES(K, y[k] = live ? (x[k] - mean) * scale * gain[k] + bias[k] : (REAL)0);
    else
        FOR_LANES(K, y[k] = live ? (x[k] - mean) * scale * gain[k] : (REAL)0);
}

/* dx of a row; it may be dy. accumulate: dx += that. */
static inline void normalize_row_back(global const REAL *dy, global const REAL *gain,
                                      global const REAL *hats, REAL scale, global REAL *dx,
                                      bool accumulate, uint K, LANES_SHARED REAL *scratch)
{
    REAL lanes[LANES_EACH];
    for (uint l = 0; l < LANES_EACH; l++)
        lanes[l] = 0;
    FOR_LANES(K, lanes[l] += dy[k] * gain[k]);
    const REAL mean = DIVIDE_ONE(lanes_sum(scratch, lanes), (REAL)K);
    for (uint l = 0; l < LANES_EACH; l++)
        lanes[l] = 0;
    FOR_LANES(K, lanes[l] += dy[k] * gain[k] * hats[k]);
    const REAL product = DIVIDE_ONE(lanes_sum(scratch, lanes), (REAL)K);
    if (accumulate)
        FOR_LANES(K, dx[k] += scale * (dy[k] * gain[k] - mean - hats[k] * product));
    else
        FOR_LANES(K, dx[k] = scale * (dy[k] * gain[k] - mean - hats[k] * product));
}

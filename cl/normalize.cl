/* SPDX-License-Identifier: MIT
 * cl/normalize.cl - softmax, layer norm and batch norm. In cl/nodes.cl, after cl/reduce.cl.
 *
 * softmax sees an array as [outer, K, inner], layer norm as [rows, K], batch norm as
 * [outer, C, inner]; the sum of a row is in the order of cl/reduce.cl.
 * Proven by: tests/graph/ against host/reference/. */

/* A row of neighbours, all of which count. */
static inline void softmax_row(global const REAL *x, global REAL *y, uint logarithm, ulong K)
{
    REAL most = row_extreme(x, K, true, (REAL)-INFINITY);
    for (ulong k = 0; k < K; k++)
        y[k] = real_exp(x[k] - most);
    REAL sum = row_sum(y, K), log_sum = real_log(sum);
    if (logarithm)
        for (ulong k = 0; k < K; k++)
            y[k] = x[k] - most - log_sum;
    else
        for (ulong k = 0; k < K; k++)
            y[k] = DIVIDE(y[k], sum);
}

/* y = softmax of x over K, or its logarithm; what is past a length counts nothing and becomes 0.
 * Global size [inner, outer]. */
kernel LONG_ITEMS void softmax(global const REAL *x, ulong x_at, global REAL *y, ulong y_at,
                               global const int *lengths, map_lengths within, uint logarithm,
                               ulong K, ulong inner, ulong outer)
{
    ulong i = get_global_id(0), o = get_global_id(1);
    if (i >= inner || o >= outer)
        return;
    ulong begin = o * K * inner + i;
    if (inner == 1 && !within.some) {
        softmax_row(x + x_at + begin, y + y_at + begin, logarithm, K);
        return;
    }
    REAL most = -INFINITY;
    for (ulong k = 0; k < K; k++) {
        REAL value = x[x_at + begin + k * inner];
        if (live_of(within, lengths, begin + k * inner) && (value > most || isnan(value)))
            most = value;
    }
    lane_sums sums;
    lanes_begin(&sums);
    for (ulong k = 0, counted = 0; k < K; k++)
        if (live_of(within, lengths, begin + k * inner))
            lanes_add(&sums, counted++, real_exp(x[x_at + begin + k * inner] - most));
    const REAL sum = lanes_end(&sums);
    REAL log_sum = real_log(sum);
    for (ulong k = 0; k < K; k++) {
        ulong at = begin + k * inner;
        REAL shifted = x[x_at + at] - most;
        REAL value = logarithm ? shifted - log_sum : DIVIDE(real_exp(shifted), sum);
        y[y_at + at] = live_of(within, lengths, at) ? value : (REAL)0;
    }
}

/* Softmax: dx = y (dy - sum dy y); its logarithm: dx = dy - e^y sum dy. Global size as above. */
kernel LONG_ITEMS void softmax_back(global const REAL *y, ulong y_at, global const REAL *dy,
                                    ulong dy_at, global REAL *dx, ulong dx_at,
                                    global const int *lengths, map_lengths within, uint logarithm,
                                    ulong K, ulong inner, ulong outer)
{
    ulong i = get_global_id(0), o = get_global_id(1);
    if (i >= inner || o >= outer)
        return;
    ulong begin = o * K * inner + i;
    REAL sum = 0;
    for (ulong k = 0; k < K; k++) {
        ulong at = begin + k * inner;
        if (live_of(within, lengths, at))
            sum += logarithm ? dy[dy_at + at] : dy[dy_at + at] * y[y_at + at];
    }
    for (ulong k = 0; k < K; k++) {
        ulong at = begin + k * inner;
        REAL own = y[y_at + at], d = dy[dy_at + at];
        REAL value = logarithm ? d - real_exp(own) * sum : own * (d - sum);
        dx[dx_at + at] = live_of(within, lengths, at) ? value : (REAL)0;
    }
}

/* mean and 1/sqrt(var + epsilon) of K numbers */
static inline REAL mean_of(global const REAL *x, ulong K)
{
    return DIVIDE(row_sum(x, K), (REAL)K);
}

static inline REAL deviation_of(global const REAL *x, ulong K, REAL mean, REAL epsilon)
{
    REAL8 total = (REAL8)0;
    for (ulong first = 0; first < K; first += LANE_BLOCK) {
        REAL8 block = (REAL8)0;
        for (ulong k = first; k < min(K, first + LANE_BLOCK); k += SUM_LANES) {
            REAL v[SUM_LANES] = {0};
            REAL8 far;
            if (K - k >= SUM_LANES) {
                far = vload8(0, x + k) - mean;
            } else {
                for (uint i = 0; i < (uint)(K - k); i++)
                    v[i] = x[k + i] - mean;
                far = vload8(0, v);
            }
            block += far * far;
        }
        total += block;
    }
    return DIVIDE((REAL)1, ROOT(DIVIDE(lanes_sum(total), (REAL)K) + epsilon));
}

/* y = xhat weight + bias, xhat = (x - mean)/sqrt(var + epsilon). keep: xhat [rows,K] and 1/sqrt(..)
 * [rows] are kept for backward from kept_at on. Global size [1, rows]. */
kernel LONG_ITEMS void layer_norm(global const REAL *x, ulong x_at, global const REAL *parameters,
                                  ulong weight_at, ulong bias_at, uint affine, global REAL *y,
                                  ulong y_at, global REAL *kept, ulong kept_at, uint keep,
                                  global const int *lengths, map_lengths within, REAL epsilon,
                                  ulong K, ulong rows)
{
    ulong row = get_global_id(1);
    if (get_global_id(0) > 0 || row >= rows)
        return;
    global const REAL *from = x + x_at + row * K;
    bool live = live_of(within, lengths, row * K);
    REAL mean = mean_of(from, K), scale = deviation_of(from, K, mean, epsilon);
    if (keep)
        kept[kept_at + rows * K + row] = live ? scale : (REAL)0;
    for (ulong k = 0; k < K; k++) {
        REAL value = live ? (from[k] - mean) * scale : (REAL)0;
        if (keep)
            kept[kept_at + row * K + k] = value;
        if (live && affine)
            value = value * parameters[weight_at + k] + parameters[bias_at + k];
        y[y_at + row * K + k] = value;
    }
}

/* With g = dy weight: dx = (g - mean g - xhat mean(g xhat)) / sqrt(var + epsilon). */
kernel LONG_ITEMS void layer_norm_back(global const REAL *dy, ulong dy_at,
                                       global const REAL *parameters, ulong weight_at, uint affine,
                                       global const REAL *kept, ulong kept_at, global REAL *dx,
                                       ulong dx_at, ulong K, ulong rows)
{
    ulong row = get_global_id(1);
    if (get_global_id(0) > 0 || row >= rows)
        return;
    global const REAL *hat = kept + kept_at + row * K, *d = dy + dy_at + row * K;
    REAL scale = kept[kept_at + rows * K + row], sum = 0, product = 0;
    for (ulong k = 0; k < K; k++) {
        REAL g = affine ? d[k] * parameters[weight_at + k] : d[k];
        sum += g;
        product += g * hat[k];
    }
    for (ulong k = 0; k < K; k++) {
        REAL g = affine ? d[k] * parameters[weight_at + k] : d[k];
        dx[dx_at + row * K + k] =
            scale * (g - DIVIDE(sum, (REAL)K) - DIVIDE(hat[k] * product, (REAL)K));
    }
}

/* Mean and variance of a channel over what is within the lengths; running ones move towards them,
 * the variance as that of a sample. statistics: [C] means, [C] variances, [1] count from its
 * offset on. Global size [C, 1]. */
kernel void channel_statistics(global const REAL *x, ulong x_at, global REAL *parameters,
                               ulong mean_at, ulong var_at, REAL momentum, global REAL *statistics,
                               ulong statistics_at, global const int *lengths, map_lengths within,
                               ulong C, ulong inner, ulong outer)
{
    ulong c = get_global_id(0);
    if (c >= C)
        return;
    ulong count = 0;
    REAL mean = 0, var = 0;
    for (ulong o = 0; o < outer; o++) {
        REAL block = 0;
        for (ulong i = 0; i < inner; i++) {
            ulong at = (o * C + c) * inner + i;
            bool live = live_of(within, lengths, at);
            block += live ? x[x_at + at] : (REAL)0;
            count += live;
        }
        mean += block;
    }
    mean = count ? DIVIDE(mean, (REAL)count) : (REAL)0;
    for (ulong o = 0; o < outer; o++) {
        REAL block = 0;
        for (ulong i = 0; i < inner; i++) {
            ulong at = (o * C + c) * inner + i;
            REAL d = x[x_at + at] - mean;
            block += live_of(within, lengths, at) ? d * d : (REAL)0;
        }
        var += block;
    }
    statistics[statistics_at + c] = mean;
    statistics[statistics_at + C + c] = count ? DIVIDE(var, (REAL)count) : (REAL)0;
    statistics[statistics_at + 2 * C] = (REAL)count;
    if (count == 0)
        return;
    REAL sample = count > 1 ? DIVIDE(var, (REAL)(count - 1)) : var;
    parameters[mean_at + c] = ((REAL)1 - momentum) * parameters[mean_at + c] + momentum * mean;
    parameters[var_at + c] = ((REAL)1 - momentum) * parameters[var_at + c] + momentum * sample;
}

/* y = x scale + shift, of (x - mean)/sqrt(var + epsilon) weight + bias. folded: [C] scales, [C]
 * shifts. Global size [C, 1]. */
kernel void channel_fold(global const REAL *from, ulong mean_at, ulong var_at,
                         global const REAL *parameters, ulong weight_at, ulong bias_at, uint affine,
                         REAL epsilon, global REAL *folded, ulong folded_at, ulong C)
{
    ulong c = get_global_id(0);
    if (c >= C)
        return;
    REAL scale = DIVIDE((REAL)1, ROOT(from[var_at + c] + epsilon));
    if (affine)
        scale *= parameters[weight_at + c];
    folded[folded_at + c] = scale;
    folded[folded_at + C + c] =
        (affine ? parameters[bias_at + c] : (REAL)0) - from[mean_at + c] * scale;
}

/* dbias = sum dy, dweight = sum dy xhat, dx = weight/sqrt(var + epsilon) (dy - (dbias + xhat
 * dweight)/count). Global size [C, 1]. */
kernel void channel_back(global const REAL *x, ulong x_at, global const REAL *dy, ulong dy_at,
                         global const REAL *parameters, ulong weight_at, uint affine,
                         global const REAL *statistics, ulong statistics_at, REAL epsilon,
                         global REAL *dx, ulong dx_at, uint wants_dx, global REAL *gradient,
                         ulong dweight_at, ulong dbias_at, global const int *lengths,
                         map_lengths within, ulong C, ulong inner, ulong outer)
{
    ulong c = get_global_id(0);
    if (c >= C)
        return;
    REAL mean = statistics[statistics_at + c], count = statistics[statistics_at + 2 * C];
    REAL scale = DIVIDE((REAL)1, ROOT(statistics[statistics_at + C + c] + epsilon));
    REAL sum = 0, product = 0;
    for (ulong o = 0; o < outer; o++) {
        REAL block = 0, blocks = 0;
        for (ulong i = 0; i < inner; i++) {
            ulong at = (o * C + c) * inner + i;
            bool live = live_of(within, lengths, at);
            REAL d = live ? dy[dy_at + at] : (REAL)0;
            block += d;
            blocks += live ? d * ((x[x_at + at] - mean) * scale) : (REAL)0;
        }
        sum += block;
        product += blocks;
    }
    if (affine) {
        gradient[dbias_at + c] = sum;
        gradient[dweight_at + c] = product;
    }
    REAL factor = affine ? scale * parameters[weight_at + c] : scale;
    for (ulong o = 0; wants_dx && o < outer; o++)
        for (ulong i = 0; i < inner; i++) {
            ulong at = (o * C + c) * inner + i;
            REAL hat = (x[x_at + at] - mean) * scale;
            REAL value = factor * (dy[dy_at + at] - DIVIDE(sum + hat * product, count));
            dx[dx_at + at] = live_of(within, lengths, at) ? value : (REAL)0;
        }
}

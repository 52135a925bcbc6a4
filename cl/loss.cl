/* SPDX-License-Identifier: MIT
 * cl/loss.cl - losses over the rows of an array, their gradients, and sums in a fixed order.
 *
 * After cl/prelude.cl and cl/elementary.cl. A row is one step of one sequence: O values. A row
 * whose target is negative is not counted: its loss and gradient are 0, whatever it holds
 * (selected, not multiplied, so a NaN there stays there). `scale` is 1/(rows counted), which makes
 * the loss a mean.
 *
 *     cross_entropy   m = max of x;  s = sum of exp(x[k]-m)              (nats; m keeps exp finite)
 *                     loss = log(s) - (x[target]-m)
 *                     dx[k] = (exp(x[k]-m)/s - (k == target)) * scale
 *     mean_squared    loss = sum of (x[k]-value[k])^2 / O
 *                     dx[k] = 2/O * (x[k]-value[k]) * scale
 *     gaussian        with m the first half of x, v = exp(the second half) + 1e-6:
 *                     loss = sum of (log v[k] + (m[k]-value[k])^2 / v[k]) / 2
 *     emphasised      below: of sound, what a filter makes of the error
 *
 * One group of WG work-items takes one row (of sums: one block), each item every WG-th element;
 * then the items' parts are added in halves. So the order of every sum depends on sizes alone.
 * Proven by: tests/train/test_loss.c and test_sums.c against the host. */
#ifndef WG
#define WG 64 /* work-items of a group, a power of two */
#endif
#ifndef SUM_ITEM
#define SUM_ITEM 64 /* elements that one work-item of sums adds up */
#endif
/* Of a power of two that REAL holds, and its inverse too, without denormals. */
#if REAL_IS_DOUBLE
#define MOST_EXPONENT 1022
#else
#define MOST_EXPONENT 126
#endif
#define GROUP kernel __attribute__((reqd_work_group_size(WG, 1, 1)))

/* The sum over a group, to each of its items; scratch: [WG]. Inlined by the compiler's front end:
 * Mesa 25.0 crashes on a barrier two functions deep. */
static inline ALWAYS_INLINE REAL group_sum(local REAL *scratch, REAL part)
{
    uint i = get_local_id(0);
    scratch[i] = part;
    for (uint step = WG / 2; step > 0; step /= 2) {
        barrier(CLK_LOCAL_MEM_FENCE);
        if (i < step)
            scratch[i] += scratch[i + step];
    }
    barrier(CLK_LOCAL_MEM_FENCE);
    REAL sum = scratch[0];
    barrier(CLK_LOCAL_MEM_FENCE); /* all have read it before scratch is used again */
    return sum;
}

/* The same for the largest; a NaN is passed over. */
static inline ALWAYS_INLINE REAL group_max(local REAL *scratch, REAL part)
{
    uint i = get_local_id(0);
    scratch[i] = part;
    for (uint step = WG / 2; step > 0; step /= 2) {
        barrier(CLK_LOCAL_MEM_FENCE);
        if (i < step)
            scratch[i] = fmax(scratch[i], scratch[i + step]);
    }
    barrier(CLK_LOCAL_MEM_FENCE);
    REAL largest = scratch[0];
    barrier(CLK_LOCAL_MEM_FENCE);
    return largest;
}

/* The sum of exp(x - m) over x [O], m: out, the largest of them; all items get both. */
static inline REAL exp_sum(global const REAL *x, uint O, local REAL *scratch, REAL *m)
{
    uint i = get_local_id(0);
    REAL part = -INFINITY;
    for (uint k = i; k < O; k += WG)
        part = fmax(part, x[k]);
    *m = group_max(scratch, part);
    part = 0;
    for (uint k = i; k < O; k += WG)
        part += real_exp(x[k] - *m);
    return group_sum(scratch, part);
}

/* logits: [rows, O], targets: [rows] below O, losses: out [rows], dlogits: out [rows, O] or NULL.
 * Global size [rows * WG]. */
GROUP void cross_entropy(global const REAL *logits, global const int *targets, uint O, REAL scale,
                         global REAL *losses, global REAL *dlogits)
{
    local REAL scratch[WG];
    uint i = get_local_id(0);
    size_t row = get_group_id(0);
    global const REAL *x = logits + row * O;
    int target = targets[row];

    REAL m;
    REAL s = exp_sum(x, O, scratch, &m);
    if (i == 0)
        losses[row] = target < 0 ? (REAL)0 : real_log(s) - (x[target] - m);
    if (!dlogits)
        return;
    for (uint k = i; k < O; k += WG) {
        REAL hit = k == (uint)target ? 1 : 0;
        dlogits[row * O + k] = target < 0 ? (REAL)0 : (DIVIDE(real_exp(x[k] - m), s) - hit) * scale;
    }
}

/* logits, values: [rows, O], targets: [rows], only their signs count; losses, dlogits as above.
 * Global size [rows * WG]. */
GROUP void mean_squared(global const REAL *logits, global const REAL *values,
                        global const int *targets, uint O, REAL scale, global REAL *losses,
                        global REAL *dlogits)
{
    local REAL scratch[WG];
    uint i = get_local_id(0);
    size_t row = get_group_id(0);
    bool counted = targets[row] >= 0;

    REAL part = 0;
    for (uint k = i; k < O; k += WG) {
        REAL error = logits[row * O + k] - values[row * O + k];
        part = fma(error, error, part);
        if (dlogits)
            dlogits[row * O + k] = counted ? DIVIDE(2 * error, (REAL)O) * scale : (REAL)0;
    }
    REAL sum = group_sum(scratch, part);
    if (i == 0)
        losses[row] = counted ? DIVIDE(sum, (REAL)O) : (REAL)0;
}

/* What one element costs, by kind, and the derivative, with e = x - y (clrnn_loss):
 *     SQUARED    e^2                                            2 e
 *     ABSOLUTE   |e|                                            the sign of e, 0 at 0
 *     HUBER      e^2/2 where |e| <= delta,                      e, kept within +-delta
 *                else delta (|e| - delta/2)
 *     BINARY     max(x,0) - x y + log(1 + exp(-|x|))            1/(1+exp(-x)) - y */
enum { LOSS_SQUARED, LOSS_ABSOLUTE, LOSS_HUBER, LOSS_BINARY };

static inline REAL element_loss(uint kind, REAL delta, REAL x, REAL y, REAL *dx)
{
    REAL e = x - y, size = fabs(e);
    if (kind == LOSS_ABSOLUTE) {
        *dx = isnan(e) ? e : e > 0 ? (REAL)1 : e < 0 ? (REAL)-1 : (REAL)0;
        return size;
    }
    if (kind == LOSS_HUBER) {
        bool near = !(size > delta); /* with a NaN too, which stays one */
        *dx = near ? e : e > 0 ? delta : -delta;
        return near ? e * e / 2 : delta * (size - delta / 2);
    }
    if (kind == LOSS_BINARY) {
        REAL small = real_exp(-fabs(x)), most = x > 0 ? (REAL)1 : small;
        *dx = DIVIDE(most, 1 + small) - y;
        return (x > 0 ? x : (REAL)0) - x * y + real_log(1 + small);
    }
    *dx = 2 * e;
    return e * e;
}

/* A loss of each element of a row by itself; arrays as of mean_squared. losses: the sum over the
 * row divided by `divisor`, O or 1. missing: a value that is NaN costs nothing, whatever its logit
 * is. Global size [rows * WG]. */
GROUP void each_element(global const REAL *logits, global const REAL *values,
                        global const int *targets, uint O, uint kind, REAL delta, uint missing,
                        REAL divisor, REAL scale, global REAL *losses, global REAL *dlogits)
{
    local REAL scratch[WG];
    uint i = get_local_id(0);
    size_t row = get_group_id(0);
    bool counted = targets[row] >= 0;

    REAL part = 0;
    for (uint k = i; k < O; k += WG) {
        REAL y = values[row * O + k], dx;
        REAL cost = element_loss(kind, delta, logits[row * O + k], y, &dx);
        bool skip = !counted || (missing && isnan(y));
        part += skip ? (REAL)0 : cost;
        if (dlogits)
            dlogits[row * O + k] = skip ? (REAL)0 : DIVIDE(dx, divisor) * scale;
    }
    REAL sum = group_sum(scratch, part);
    if (i == 0)
        losses[row] = DIVIDE(sum, divisor);
}

/* logits: [rows, 2K], means and then the logarithms of variances; values: [rows, K]; the rest as of
 * each_element.  With e = x - y, v = exp(a) + floor:
 *     loss = (log v + e^2/v) / 2      dx = e/v      da = exp(a)/v * (1 - e^2/v) / 2
 * The floor keeps e^2/v finite where there is nothing left to tell. Global size [rows * WG]. */
#define VARIANCE_FLOOR NUMBER(1e-6)
GROUP void gaussian(global const REAL *logits, global const REAL *values, global const int *targets,
                    uint K, uint missing, REAL divisor, REAL scale, global REAL *losses,
                    global REAL *dlogits)
{
    local REAL scratch[WG];
    uint i = get_local_id(0);
    size_t row = get_group_id(0);
    global const REAL *x = logits + row * 2 * K;
    bool counted = targets[row] >= 0;

    REAL part = 0;
    for (uint k = i; k < K; k += WG) {
        REAL y = values[row * K + k], e = x[k] - y;
        REAL spread = any_exp(x[K + k]), v = spread + VARIANCE_FLOOR, r = DIVIDE(e * e, v);
        bool skip = !counted || (missing && isnan(y));
        part += skip ? (REAL)0 : (real_log(v) + r) / 2;
        if (!dlogits)
            continue;
        REAL da = DIVIDE(spread, v) * (1 - r) / 2;
        dlogits[row * 2 * K + k] = skip ? (REAL)0 : DIVIDE(DIVIDE(e, v), divisor) * scale;
        dlogits[row * 2 * K + K + k] = skip ? (REAL)0 : DIVIDE(da, divisor) * scale;
    }
    REAL sum = group_sum(scratch, part);
    if (i == 0)
        losses[row] = DIVIDE(sum, divisor);
}

/* The error at step t of column j of [T, columns], 0 where there is none; rows of O columns have a
 * target. */
static inline REAL error_at(global const REAL *logits, global const REAL *values,
                            global const int *targets, long t, uint T, size_t columns, size_t j,
                            uint O, uint missing)
{
    if (t < 0 || t >= T)
        return 0;
    size_t at = (size_t)t * columns + j;
    REAL y = values[at];
    return targets[at / O] < 0 || (missing && isnan(y)) ? (REAL)0 : logits[at] - y;
}

/* means[j] = mean over the counted steps of the error of column j. logits, values: [T, N, O], of
 * N*O columns; targets: [T, N]; means: out [N, O].  Global size [N * O * WG]. */
GROUP void mean_errors(global const REAL *logits, global const REAL *values,
                       global const int *targets, uint T, uint N, uint O, uint missing,
                       global REAL *means)
{
    local REAL scratch[WG];
    size_t j = get_group_id(0), columns = (size_t)N * O;
    REAL part = 0, steps = 0;
    for (uint t = get_local_id(0); t < T; t += WG) {
        size_t at = (size_t)t * columns + j;
        part += error_at(logits, values, targets, t, T, columns, j, O, missing);
        steps += targets[at / O] >= 0 && !(missing && isnan(values[at])) ? (REAL)1 : (REAL)0;
    }
    REAL sum = group_sum(scratch, part);
    REAL count = group_sum(scratch, steps);
    if (get_local_id(0) == 0)
        means[j] = count > 0 ? DIVIDE(sum, count) : (REAL)0;
}

/* With e the error, p[t] = e[t] - emphasis*e[t-1] (pre-emphasis: high frequencies count more), and
 * m its mean over a column's steps, for each row
 *     loss = sum of p[t]^2 + dc*m^2       dx[t] = 2 (p[t] - emphasis*p[t+1] + dc*m) * scale
 * A step that is not counted has no error, and no p of its own.  Arrays as of mean_errors; losses:
 * out [T, N].  Global size [T * N * WG]. */
GROUP void emphasised(global const REAL *logits, global const REAL *values,
                      global const int *targets, global const REAL *means, uint T, uint N, uint O,
                      uint missing, REAL emphasis, REAL dc, REAL scale, global REAL *losses,
                      global REAL *dlogits)
{
    local REAL scratch[WG];
    uint i = get_local_id(0);
    size_t row = get_group_id(0), columns = (size_t)N * O;
    long t = (long)(row / N);
    REAL part = 0;
    for (uint k = i; k < O; k += WG) {
        size_t j = row % N * O + k, at = row * O + k, next = at + columns;
        bool skip = targets[row] < 0 || (missing && isnan(values[at]));
        bool follows = t + 1 < T && targets[row + N] >= 0 && !(missing && isnan(values[next]));
        REAL before = error_at(logits, values, targets, t - 1, T, columns, j, O, missing);
        REAL e = error_at(logits, values, targets, t, T, columns, j, O, missing);
        REAL after = error_at(logits, values, targets, t + 1, T, columns, j, O, missing);
        REAL p = e - emphasis * before, q = follows ? after - emphasis * e : (REAL)0;
        part += skip ? (REAL)0 : p * p + dc * means[j] * means[j];
        if (dlogits)
            dlogits[at] = skip ? (REAL)0 : 2 * (p - emphasis * q + dc * means[j]) * scale;
    }
    REAL sum = group_sum(scratch, part);
    if (i == 0)
        losses[row] = sum;
}

/* Losses and gradients of cross-entropy times the weight of the target's class, [O].
 * Global size [rows * WG]. */
GROUP void weigh_classes(global const REAL *weights, global const int *targets, uint O,
                         global REAL *losses, global REAL *dlogits)
{
    uint i = get_local_id(0);
    size_t row = get_group_id(0);
    int target = targets[row];
    if (target < 0)
        return;
    REAL weight = weights[target];
    if (i == 0)
        losses[row] *= weight;
    if (dlogits)
        for (uint k = i; k < O; k += WG)
            dlogits[row * O + k] *= weight;
}

/* Which elements of a block are an item's: from here on every WG-th. */
static inline size_t first_of_block(size_t block)
{
    return block * (WG * SUM_ITEM) + get_local_id(0);
}

static inline size_t end_of_block(size_t block, ulong count)
{
    return min((size_t)count, (block + 1) * (WG * SUM_ITEM));
}

/* out[block] = sum of x over each block of WG*SUM_ITEM elements.  x: [count] from x_at, out: one
 * for each block from out_at.  Global size [blocks * WG]. */
GROUP void sums(global const REAL *x, ulong x_at, ulong count, global REAL *out, ulong out_at)
{
    local REAL scratch[WG];
    size_t block = get_group_id(0), end = end_of_block(block, count);
    REAL part = 0;
    for (size_t i = first_of_block(block); i < end; i += WG)
        part += x[x_at + i];
    REAL sum = group_sum(scratch, part);
    if (get_local_id(0) == 0)
        out[out_at + block] = sum;
}

/* The exponent by which numbers up to `largest` are lowered before they are squared. */
static inline int exponent_of(REAL largest)
{
    const REAL smallest = ldexp((REAL)1, -MOST_EXPONENT);
    return min(ilogb(fmax(largest, smallest)), MOST_EXPONENT);
}

/* What `squares` and `add_squares` give of a block, or as the last: a norm [2] for the optimisers,
 * times a power of two, and that power. */
static inline void put_squares(REAL sum, int e, uint last, global REAL *out)
{
    if (get_local_id(0) != 0)
        return;
    out[0] = last ? ROOT(sum) : sum;
    out[1] = last ? ldexp((REAL)1, -e) : (REAL)e;
}

/* A norm is finite if its elements are, though squares overflow from 1.8e19 on, and vanish below
 * 1e-23: a sum of squares is a pair (s, e) with
 *     sum of x^2 = s * 2^(2e)
 * and e is 0 unless the plain sum is so large or small that something may have been lost. Powers of
 * two round nothing. NaN and infinity stay in s.
 *
 * out: a pair for each block of x; else as sums.  last: there is one block, and out is the norm. */
GROUP void squares(global const REAL *x, ulong x_at, ulong count, global REAL *out, ulong out_at,
                   uint last)
{
    local REAL scratch[WG];
    size_t block = get_group_id(0), first = first_of_block(block), end = end_of_block(block, count);
    REAL part = 0;
    for (size_t i = first; i < end; i += WG)
        part += x[x_at + i] * x[x_at + i];
    REAL sum = group_sum(scratch, part);

    bool plain = sum >= (REAL)0x1p-60f && sum <= (REAL)0x1p100f;
    first = plain ? end : first; /* nothing more to do, but for the barriers */
    part = 0;
    for (size_t i = first; i < end; i += WG)
        part = fmax(part, fabs(x[x_at + i]));
    int e = exponent_of(group_max(scratch, part));
    REAL scale = ldexp((REAL)1, -e);
    part = 0;
    for (size_t i = first; i < end; i += WG)
        part += (x[x_at + i] * scale) * (x[x_at + i] * scale);
    REAL scaled = group_sum(scratch, part);
    put_squares(plain ? sum : scaled, plain ? 0 : e, last, out + 2 * (out_at + block));
}

/* The same of such pairs, [count] from pairs_at, brought to the largest exponent. */
GROUP void add_squares(global const REAL *pairs, ulong pairs_at, ulong count, global REAL *out,
                       ulong out_at, uint last)
{
    local REAL scratch[WG];
    size_t block = get_group_id(0), first = first_of_block(block), end = end_of_block(block, count);
    pairs += 2 * pairs_at;
    REAL part = -MOST_EXPONENT;
    for (size_t i = first; i < end; i += WG)
        part = fmax(part, pairs[2 * i + 1]);
    int e = (int)group_max(scratch, part);
    part = 0;
    for (size_t i = first; i < end; i += WG) {
        int above = e - (int)pairs[2 * i + 1];
        part += above ? ldexp(pairs[2 * i], -2 * above) : pairs[2 * i];
    }
    put_squares(group_sum(scratch, part), e, last, out + 2 * (out_at + block));
}

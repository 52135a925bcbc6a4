/* SPDX-License-Identifier: MIT
 * cl/loss.cl - losses over the rows of an array, their gradients, and sums in a fixed order.
 *
 * After cl/prelude.cl. A row is one step of one sequence: O values. A row whose target is negative
 * is not counted: its loss and gradient are 0, whatever it holds (selected, not multiplied, so a
 * NaN there stays there). `scale` is 1/(rows counted), which makes the loss a mean.
 *
 *     cross_entropy   m = max of x;  s = sum of exp(x[k]-m)              (nats; m keeps exp finite)
 *                     loss = log(s) - (x[target]-m)
 *                     dx[k] = (exp(x[k]-m)/s - (k == target)) * scale
 *     mean_squared    loss = sum of (x[k]-value[k])^2 / O
 *                     dx[k] = 2/O * (x[k]-value[k]) * scale
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

/* No function of a driver, for the same bits on every device. Measured against twice the precision,
 * in units in the last place: real_exp is within 1.3, in double precision 1.7, real_log within 0.9
 * and 1.0.
 *
 * e^x for x <= 0, which is 0 below -EXP_MOST, where it would soon be denormal. NaN stays. */
static inline REAL real_exp(REAL x)
{
    REAL scale, part = exp_parts(exp_kept(x), &scale);
    return x < (REAL)-EXP_MOST ? (REAL)0 : part * scale;
}

#if REAL_IS_DOUBLE
#define ROOT_OF_HALF 0x3fe6a09e667f3bcdL
#else
#define ROOT_OF_HALF 0x3f3504f3
#endif

/* log x for a normal x > 0; infinity and NaN stay. x = 2^n (1 + f), sqrt(1/2) <= 1 + f < sqrt 2:
 *     log x = n ln 2 + f - f^2/2 + f^3 P(f), in double precision f^3 P(f)/Q(f)
 * Coefficients: S. L. Moshier, Cephes Mathematical Library, logf and log. */
static inline REAL real_log(REAL x)
{
    const INTV bits = AS_INTV(x), power = (bits - ROOT_OF_HALF) >> FRACTION_BITS;
    const REAL f = AS_REALV(bits - (power << FRACTION_BITS)) - 1, n = (REAL)power, z = f * f;
#if REAL_IS_DOUBLE
    REAL p = fma((REAL)1.01875663804580931796e-4, f, (REAL)4.97494994976747001425e-1);
    p = fma(p, f, (REAL)4.70579119878881725854);
    p = fma(p, f, (REAL)1.44989225341610930846e1);
    p = fma(p, f, (REAL)1.79368678507819816313e1);
    p = fma(p, f, (REAL)7.70838733755885391666);
    REAL q = f + (REAL)1.12873587189167450590e1;
    q = fma(q, f, (REAL)4.52279145837532221105e1);
    q = fma(q, f, (REAL)8.29875266912776603211e1);
    q = fma(q, f, (REAL)7.11544750618563894466e1);
    q = fma(q, f, (REAL)2.31251620126765340583e1);
    p /= q;
#else
    REAL p = fma((REAL)7.0376836292e-2f, f, (REAL)-1.1514610310e-1f);
    p = fma(p, f, (REAL)1.1676998740e-1f);
    p = fma(p, f, (REAL)-1.2420140846e-1f);
    p = fma(p, f, (REAL)1.4249322787e-1f);
    p = fma(p, f, (REAL)-1.6668057665e-1f);
    p = fma(p, f, (REAL)2.0000714765e-1f);
    p = fma(p, f, (REAL)-2.4999993993e-1f);
    p = fma(p, f, (REAL)3.3333331174e-1f);
#endif
    REAL rest = fma(n, (REAL)LN_2_LOW, f * z * p);
    rest = fma((REAL)-0.5f, z, rest);
    return x < INFINITY ? fma(n, (REAL)LN_2_HIGH, f + rest) : x;
}

/* The sum over a group, to each of its items; scratch: [WG]. */
static inline REAL group_sum(local REAL *scratch, REAL part)
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
static inline REAL group_max(local REAL *scratch, REAL part)
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

    REAL part = -INFINITY;
    for (uint k = i; k < O; k += WG)
        part = fmax(part, x[k]);
    REAL m = group_max(scratch, part);

    part = 0;
    for (uint k = i; k < O; k += WG)
        part += real_exp(x[k] - m);
    REAL s = group_sum(scratch, part);

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

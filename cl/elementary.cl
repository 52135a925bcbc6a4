/* SPDX-License-Identifier: MIT
 * cl/elementary.cl - exp, log, the error function and powers of one number, by additions, products
 * and rounded quotients alone: no function of a driver, for the same bits on every device.
 *
 * After cl/prelude.cl, with VEC 1. Measured against twice the precision, in units in the last
 * place: real_exp is within 1.3, in double precision 1.7, real_log within 0.9 and 1.0, below 1 2.2.
 * Coefficients: S. L. Moshier, Cephes Mathematical Library: logf, log, and ndtr.
 * Proven by: tests/graph/test_elementary.c, tests/train/test_loss.c. */

/* e^x for x <= 0, which is 0 below -EXP_MOST, where it would soon be denormal. NaN stays. */
static inline REAL real_exp(REAL x)
{
    REAL scale, part = exp_parts(exp_kept(x), &scale);
    return x < (REAL)-EXP_MOST ? (REAL)0 : part * scale;
}

/* A number as it is written, in our precision. */
#if REAL_IS_DOUBLE
#define NUMBER(x) x
#else
#define NUMBER(x) CLR_PASTE(x, f)
#endif

/* Powers of two that take the last result from what exp_parts can scale: 2^127 (double 2^1023) is
 * the largest, and 2^-128 below that there are denormal results. */
#if REAL_IS_DOUBLE
#define EXP_TOP     710.0
#define EXP_BOTTOM  (-746.0)
#define FAR_DOWN    2.9387358770557188e-39
#define TINIEST     2.2250738585072014e-308
#define FAR_UP_BITS (128L << FRACTION_BITS)
#define ONE_UP_BITS (1L << FRACTION_BITS)
#else
#define EXP_TOP     89.0f
#define EXP_BOTTOM  (-105.0f)
#define FAR_DOWN    2.93873588e-39f
#define TINIEST     1.17549435e-38f
#define FAR_UP_BITS (128 << FRACTION_BITS)
#define ONE_UP_BITS (1 << FRACTION_BITS)
#endif

#define TWO_TO_64 ((REAL)18446744073709551616.0f)

/* e^(x + low) of any x, denormal, 0 and infinite results included; low is small beside x. */
static inline REAL exp_of_sum(REAL x, REAL low)
{
    REAL kept = x > (REAL)EXP_TOP ? (REAL)EXP_TOP : x < (REAL)EXP_BOTTOM ? (REAL)EXP_BOTTOM : x;
    REAL scale, part = exp_parts(kept, &scale);
    part = fma(part, low, part);
    if (kept < (REAL)-EXP_MOST) { /* the only rounding to a denormal number is the last one */
        REAL up = AS_REALV(AS_INTV(scale) + FAR_UP_BITS);
        return kept > (REAL)EXP_BOTTOM ? part * up * (REAL)FAR_DOWN : (REAL)0;
    }
    if (kept > 1) {
        REAL half_scale = AS_REALV(AS_INTV(scale) - ONE_UP_BITS);
        return kept < (REAL)EXP_TOP ? (part + part) * half_scale : (REAL)INFINITY;
    }
    return part * scale;
}

static inline REAL any_exp(REAL x)
{
    return exp_of_sum(x, (REAL)0);
}

#if REAL_IS_DOUBLE
#define ROOT_OF_HALF 0x3fe6a09e667f3bcdL
#else
#define ROOT_OF_HALF 0x3f3504f3
#endif

/* P of log(1 + f) = f - f^2/2 + f^3 P(f), in double precision P(f)/Q(f). */
static inline REAL log_tail(REAL f)
{
#if REAL_IS_DOUBLE
    REAL p = fma((REAL)1.01875663804580931796e-4, f, (REAL)4.97494994976747001425e-1);
    p = fma(p, f, (REAL)4.70579119878881725854);
    p = fma(p, f, (REAL)1.44989225341610930846e1);
    p = fma(p, f, (REAL)1.79368678507818816313e1);
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
    return p;
}

/* x = 2^n (1 + f), sqrt(1/2) <= 1 + f < sqrt 2, of a normal x > 0: f. */
static inline REAL log_parts(REAL x, REAL *n)
{
    const INTV bits = AS_INTV(x), power = (bits - ROOT_OF_HALF) >> FRACTION_BITS;
    *n = (REAL)power;
    return AS_REALV(bits - (power << FRACTION_BITS)) - 1;
}

/* log(x 2^shift) of a normal x > 0; infinity and NaN stay:  n ln 2 + f - f^2/2 + f^3 P(f) */
static inline REAL log_with(REAL x, REAL shift)
{
    REAL n, f = log_parts(x, &n), z = f * f, p = log_tail(f);
    n += shift;
    REAL rest = fma(n, (REAL)LN_2_LOW, f * z * p);
    rest = fma((REAL)-0.5f, z, rest);
    return x < INFINITY ? fma(n, (REAL)LN_2_HIGH, f + rest) : x;
}

static inline REAL real_log(REAL x)
{
    return log_with(x, (REAL)0);
}

/* log x of any x. */
static inline REAL any_log(REAL x)
{
    const bool denormal = x < (REAL)TINIEST;
    REAL y = log_with(denormal ? x * TWO_TO_64 : x, denormal ? (REAL)-64 : (REAL)0);
    return x > 0 ? y : x == 0 ? (REAL)-INFINITY : x < 0 ? (REAL)NAN : x;
}

/* log x, or of x 2^shift, as a sum of two, of a normal x > 0, for powers: f - f^2/2 to twice the
 * precision. */
static inline REAL log_in_two(REAL x, REAL shift, REAL *low)
{
    REAL n, f = log_parts(x, &n), z = f * f, z_low = fma(f, f, -z);
    n += shift;
    REAL a = n * (REAL)LN_2_HIGH; /* exact, of few bits */
    REAL b = fma((REAL)-0.5f, z, f), b_low = (f - b) - (REAL)0.5f * z;
    b_low = fma((REAL)-0.5f, z_low, b_low) + fma(n, (REAL)LN_2_LOW, f * z * log_tail(f));
    REAL high = a + b, t = high - a; /* and exactly what that leaves */
    REAL rest = (a - (high - t)) + (b - t) + b_low, sum = high + rest;
    *low = rest - (sum - high);
    return sum;
}

/* base^count by squares. */
static inline REAL whole_power(REAL base, uint count)
{
    REAL result = 1;
    for (; count; count >>= 1, base *= base)
        if (count & 1)
            result *= base;
    return result;
}

#define WHOLE_POWERS 16 /* up to which powers are products */

/* a^b as pow of C: products for a small whole b, a root for one half, else e^(b log a). */
static inline REAL any_pow(REAL a, REAL b)
{
    const REAL size = fabs(a), whole = floor(b);
    const bool is_whole = whole == b, is_odd = is_whole && whole != 2 * floor(whole / 2);
    if (b == 0 || a == 1)
        return 1;
    if (isnan(a) || isnan(b))
        return a + b;
    if (is_whole && fabs(b) <= WHOLE_POWERS) {
        REAL power = whole_power(a, (uint)fabs(b));
        return b < 0 ? DIVIDE((REAL)1, power) : power;
    }
    if (a < 0 && !is_whole && is_finite(b) && is_finite(a))
        return (REAL)NAN;
    if (!is_finite(b) && size == 1)
        return 1;
    REAL y;
    if (size == 0 || !is_finite(a) || !is_finite(b)) {
        y = (size > 1) == (b > 0) ? (REAL)INFINITY : (REAL)0;
    } else if (b == (REAL)0.5f) {
        y = ROOT(size);
    } else {
        const bool denormal = size < (REAL)TINIEST;
        REAL low, high = log_in_two(denormal ? size * TWO_TO_64 : size,
                                    denormal ? (REAL)-64 : (REAL)0, &low);
        REAL product = b * high, rest = fma(b, high, -product) + b * low;
        y = fabs(product) < 1e30f ? exp_of_sum(product, rest)
            : product > 0         ? (REAL)INFINITY
                                  : (REAL)0;
    }
    return a < 0 && is_odd ? -y : y;
}

/* 0.5 erf(z) = z T(z^2)/U(z^2), |z| <= 1 */
static ALWAYS_INLINE REAL half_erf(REAL z)
{
    const REAL s = z * z;
    REAL t = fma(NUMBER(4.802486869935258), s, NUMBER(45.013009860192135));
    t = fma(t, s, NUMBER(1116.0026729734216));
    t = fma(t, s, NUMBER(3501.6625705640254));
    t = fma(t, s, NUMBER(27796.150650519747));
    REAL u = s + NUMBER(33.56171416475031);
    u = fma(u, s, NUMBER(521.3579497801527));
    u = fma(u, s, NUMBER(4594.323829709801));
    u = fma(u, s, NUMBER(22629.000061389095));
    u = fma(u, s, NUMBER(49267.39426086359));
    return z * DIVIDE(t, u);
}

/* e^(z^2) erfc(z): P(z)/Q(z) for 1 <= z < 8, R(z)/S(z) beyond. */
static ALWAYS_INLINE REAL scaled_erfc(REAL z)
{
    if (z < 8) {
        REAL p = fma(NUMBER(2.461969814735305e-10), z, NUMBER(0.5641895648310689));
        p = fma(p, z, NUMBER(7.463210564422699));
        p = fma(p, z, NUMBER(48.63719709856814));
        p = fma(p, z, NUMBER(196.5208329560771));
        p = fma(p, z, NUMBER(526.4451949954773));
        p = fma(p, z, NUMBER(934.5285271719576));
        p = fma(p, z, NUMBER(1027.5518868951572));
        p = fma(p, z, NUMBER(557.5353353693994));
        REAL q = z + NUMBER(13.228195115474499);
        q = fma(q, z, NUMBER(86.70721408859897));
        q = fma(q, z, NUMBER(354.9377788878199));
        q = fma(q, z, NUMBER(975.7085017432055));
        q = fma(q, z, NUMBER(1823.9091668790973));
        q = fma(q, z, NUMBER(2246.3376081871097));
        q = fma(q, z, NUMBER(1656.6630919416134));
        q = fma(q, z, NUMBER(557.5353408177277));
        return DIVIDE(p, q);
    }
    REAL r = fma(NUMBER(0.5641895835477551), z, NUMBER(1.275366707599781));
    r = fma(r, z, NUMBER(5.019050422511805));
    r = fma(r, z, NUMBER(6.160210979930536));
    r = fma(r, z, NUMBER(7.4097426995044895));
    r = fma(r, z, NUMBER(2.9788666537210022));
    REAL s = z + NUMBER(2.2605286322011726);
    s = fma(s, z, NUMBER(9.396035249380015));
    s = fma(s, z, NUMBER(12.048953980809666));
    s = fma(s, z, NUMBER(17.08144507475659));
    s = fma(s, z, NUMBER(9.608968090632859));
    s = fma(s, z, NUMBER(3.369076451000815));
    return DIVIDE(r, s);
}

/* erf(x); exact where it is 1. In a loop of their own this and the next become vectors, elsewhere
 * they are called. */
static ALWAYS_INLINE REAL inline_erf(REAL x)
{
    const REAL size = fabs(x);
    if (size <= 1)
        return 2 * half_erf(x);
    const REAL far = size < 30 ? size : isnan(size) ? size : (REAL)30;
    const REAL rest = real_exp(-far * far) * scaled_erfc(far);
    return x > 0 ? 1 - rest : rest - 1;
}

/* Phi(x), the standard normal distribution's share below x: half of erfc(-x/sqrt 2). */
static ALWAYS_INLINE REAL inline_normal_share(REAL x)
{
    const REAL z = x * NUMBER(0.7071067811865476), size = fabs(z);
    if (size <= 1)
        return NUMBER(0.5) + half_erf(z);
    const REAL far = size < 30 ? size : isnan(size) ? size : (REAL)30; /* where it is 0 */
    const REAL tail = NUMBER(0.5) * real_exp(NUMBER(-0.5) * x * x) * scaled_erfc(far);
    return x > 0 ? 1 - tail : tail;
}

static inline REAL real_erf(REAL x)
{
    return inline_erf(x);
}

static inline REAL normal_share(REAL x)
{
    return inline_normal_share(x);
}

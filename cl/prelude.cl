/* SPDX-License-Identifier: MIT
 * cl/prelude.cl - first in every program: the types REAL and REALV, how they are read and
 * written, and the logistic function.
 *
 *     REAL_IS_DOUBLE  0: REAL is float, 1: double (the device needs fp64)
 *     VEC             units that one work-item computes: 1, 8 or 16, of kernels that are compiled
 *                     ahead of time also 32; REALV is a vector of them
 *     ROUNDED_DIVISION  1: the device rounds quotients and roots of floats to the nearest, as it
 *                     must those of doubles; 0: it may be off by some units in the last place
 *
 * Letters: T steps, N sequences, H hidden units, R width of a hidden state (P if projected, else
 * H), G gates. Arrays are row-major; offsets and strides are in elements. */
#ifndef REAL_IS_DOUBLE
#define REAL_IS_DOUBLE 0
#endif
#ifndef VEC
#define VEC 1
#endif
#ifndef ROUNDED_DIVISION
#define ROUNDED_DIVISION 1
#endif
/* Of a kernel whose work-items compute many numbers each: where threads share a launch, fewer of
 * these are worth another one. */
#ifndef LONG_ITEMS
#define LONG_ITEMS
#endif
#if VEC != 1 && VEC != 8 && VEC != 16 && VEC != 32
#error "VEC must be 1, 8 or 16"
#endif

#ifdef __clang__
/* A vector wider than the device's own is passed to functions in another way than on wider devices:
 * here nothing else is compiled that would call them. */
#pragma clang diagnostic ignored "-Wpsabi"
#endif

/* What is computed is what is written: a fused multiply-add only where it says fma. So the same
 * equation has the same bits in every kernel. */
#pragma OPENCL FP_CONTRACT OFF

#define CLR_PASTE_(a, b) a##b
#define CLR_PASTE(a, b)  CLR_PASTE_(a, b)

#if REAL_IS_DOUBLE
#pragma OPENCL EXTENSION cl_khr_fp64 : enable
typedef double REAL;
#define REAL_NAME double
#else
typedef float REAL;
#define REAL_NAME float
#endif

/* INTV: integers as wide as REAL. */
#if REAL_IS_DOUBLE
#define INT_NAME long
#else
#define INT_NAME int
#endif

#if VEC == 1
typedef REAL REALV;
typedef INT_NAME INTV;
#define AS_INTV  CLR_PASTE(as_, INT_NAME)
#define AS_REALV CLR_PASTE(as_, REAL_NAME)
#else
typedef CLR_PASTE(REAL_NAME, VEC) REALV;
typedef CLR_PASTE(INT_NAME, VEC) INTV;
#define AS_INTV  CLR_PASTE(CLR_PASTE(as_, INT_NAME), VEC)
#define AS_REALV CLR_PASTE(CLR_PASTE(as_, REAL_NAME), VEC)
#endif

/* VEC numbers of any type from an address on, which need be aligned to one of them only. */
#if VEC == 1
#define VLOAD(at)         (*(at))
#define VSTORE(value, at) (*(at) = (value))
#else
#define VLOAD(at)         CLR_PASTE(vload, VEC)(0, at)
#define VSTORE(value, at) CLR_PASTE(vstore, VEC)(value, 0, at)
#endif

typedef CLR_PASTE(REAL_NAME, 4) REAL4;
typedef CLR_PASTE(REAL_NAME, 8) REAL8;

/* The same for VEC REAL in global memory. PoCL 3.1 makes a vector of its halves and halves of a
 * vector, down to four or two numbers; of a type that says its alignment the compiler makes the
 * widest loads and stores that there are. */
#ifdef __clang__
typedef REALV __attribute__((aligned(sizeof(REAL)))) REALV_ANYWHERE;
#define GLOBAL_LOAD(at)         (*(global const REALV_ANYWHERE *)(at))
#define GLOBAL_STORE(value, at) (*(global REALV_ANYWHERE *)(at) = (value))
#define ALWAYS_INLINE           __attribute__((always_inline))
#define NO_INLINE               __attribute__((noinline))
#else
#define GLOBAL_LOAD(at)         VLOAD(at)
#define GLOBAL_STORE(value, at) VSTORE(value, at)
#define ALWAYS_INLINE
#define NO_INLINE
#endif

#if VEC > 1 && defined(HARDWARE_PARTS) /* cl/native.cl */
#define load_part  CLR_PASTE(load_part_, VEC)
#define store_part CLR_PASTE(store_part_, VEC)
#elif VEC > 1
/* By halves, down to four numbers. */
static inline REAL4 load_4(global const REAL *p, uint count)
{
    if (count >= 4)
        return vload4(0, p);
    return (REAL4)(count > 0 ? p[0] : (REAL)0, count > 1 ? p[1] : (REAL)0,
                   count > 2 ? p[2] : (REAL)0, (REAL)0);
}

static inline REAL8 load_8(global const REAL *p, uint count)
{
    if (count >= 8)
        return vload8(0, p);
    return (REAL8)(load_4(p, count), load_4(p + 4, count - min(count, 4u)));
}

static inline void store_4(REAL4 value, global REAL *p, uint count)
{
    if (count >= 4) {
        vstore4(value, 0, p);
        return;
    }
    if (count > 0)
        p[0] = value.s0;
    if (count > 1)
        p[1] = value.s1;
    if (count > 2)
        p[2] = value.s2;
}

static inline void store_8(REAL8 value, global REAL *p, uint count)
{
    if (count >= 8) {
        vstore8(value, 0, p);
        return;
    }
    store_4(value.lo, p, count);
    store_4(value.hi, p + 4, count - min(count, 4u));
}

/* (Not in line: once for each vector of a cell these would be a third of what is compiled.) */
static inline NO_INLINE REALV load_part(global const REAL *p, uint count)
{
#if VEC == 8
    return load_8(p, count);
#else
    return (REALV)(load_8(p, count), load_8(p + 8, count - min(count, 8u)));
#endif
}

static inline NO_INLINE void store_part(REALV value, global REAL *p, uint count)
{
#if VEC == 8
    store_8(value, p, count);
#else
    store_8(value.lo, p, count);
    store_8(value.hi, p + 8, count - min(count, 8u));
#endif
}
#endif

/* The first `count` numbers at p, then zeros. */
static inline ALWAYS_INLINE REALV load_some(global const REAL *p, uint count)
{
#if VEC > 1
    if (count < VEC)
        return load_part(p, count);
#else
    if (count == 0)
        return (REAL)0;
#endif
    return GLOBAL_LOAD(p);
}

static inline ALWAYS_INLINE void store_some(REALV value, global REAL *p, uint count)
{
#if VEC > 1
    if (count < VEC) {
        store_part(value, p, count);
        return;
    }
#else
    if (count == 0)
        return;
#endif
    GLOBAL_STORE(value, p);
}

/* Arrays are registers only if the loops over them are unrolled. */
#define UNROLL _Pragma("unroll")

/* What is asked of the bits of a number. A compiler may take numbers for real ones, for which 0*x
 * is 0 and !(a <= b) is a > b: so nothing but this, or a choice that it decides, says of a number
 * whether it is NaN or infinite. */
#if REAL_IS_DOUBLE
#define BITS_OF_INFINITY 0x7ff0000000000000L
#else
#define BITS_OF_INFINITY 0x7f800000
#endif
static inline bool is_finite(REAL x)
{
    return (CLR_PASTE(as_, INT_NAME)(x) & BITS_OF_INFINITY) != BITS_OF_INFINITY;
}

/* Quotients and roots, rounded to the nearest on every device. */
#if ROUNDED_DIVISION || REAL_IS_DOUBLE
#define DIVIDE(a, b) ((a) / (b))
#define ROOT(x)      sqrt(x)
#else
/* From the device's own, by the remainders that fused multiply-adds give (P. Markstein, IA-64 and
 * Elementary Functions, 2000). Where a remainder is not finite, a quotient is 0, infinite or NaN,
 * and the device's own is right. */
#define DIVIDE(a, b) divide(a, b)
#define ROOT(x)      root(x)
#ifndef OWN_QUOTIENT /* tests: of a device that is off by some units */
#define OWN_QUOTIENT(a, b) ((a) / (b))
#define OWN_ROOT(x)        sqrt(x)
#endif
static inline REALV divide(REALV a, REALV b)
{
    REALV own = OWN_QUOTIENT(a, b), inverse = OWN_QUOTIENT((REALV)1, b);
    inverse = fma(fma(-b, inverse, (REALV)1), inverse, inverse);
    REALV q = a * inverse;
    q = fma(fma(-b, q, a), inverse, q);
    /* Where b is all ones q may be off by one still: of it and its neighbour the nearer one. */
    REALV rest = fma(-b, q, a);
    REALV other = AS_REALV(AS_INTV(q) + ((AS_INTV(rest) ^ AS_INTV(a)) < 0 ? (INTV)-1 : (INTV)1));
    REALV best = fabs(fma(-b, other, a)) < fabs(rest) ? other : q;
    return (AS_INTV(best) & BITS_OF_INFINITY) == BITS_OF_INFINITY ? own : best;
}

static inline REALV root(REALV x)
{
    REALV own = OWN_ROOT(x);
    REALV q = fma(fma(-own, own, x), divide((REALV)0.5f, own), own), rest = fma(-q, q, x);
    REALV other = AS_REALV(AS_INTV(q) + (AS_INTV(rest) < 0 ? (INTV)-1 : (INTV)1));
    REALV best = fabs(fma(-other, other, x)) < fabs(rest) ? other : q;
    return (AS_INTV(best) & BITS_OF_INFINITY) == BITS_OF_INFINITY ? own : best;
}
#endif

/* Our own exp and tanh, from additions, products and divisions alone: they become vector code on
 * every device, and give the same bits whatever the vector's width, which those of a driver do not.
 * Reduction and coefficients: S. L. Moshier, Cephes Mathematical Library, exp, tanh and expf
 * (errors below 2 units in the last place); tanh in single precision is a fit of our own. */
#if REAL_IS_DOUBLE
#define EXP_MOST      708.0
#define EXP_SHIFT     6755399441055744.0 /* 1.5*2^52 */
#define LOG2_E        1.4426950408889634
#define LN_2_HIGH     6.93145751953125e-1
#define LN_2_LOW      1.42860682030941723212e-6
#define FRACTION_BITS 52
#define BITS_OF_ONE   0x3ff0000000000000L
#else
#define EXP_MOST      87.0f
#define EXP_SHIFT     12582912.0f /* 1.5*2^23 */
#define LOG2_E        1.44269504f
#define LN_2_HIGH     0.693359375f
#define LN_2_LOW      (-2.12194440e-4f)
#define FRACTION_BITS 23
#define BITS_OF_ONE   0x3f800000
#endif

/* x, kept where e^x and e^-x are normal numbers. NaN stays NaN, since it compares false. */
static inline REALV exp_kept(REALV x)
{
    x = x > (REALV)EXP_MOST ? (REALV)EXP_MOST : x;
    return x < (REALV)-EXP_MOST ? (REALV)-EXP_MOST : x;
}

/* e^x = 2^n e^r, n = x/ln 2 rounded, |r| <= ln 2 / 2, for an x that is kept. Returns e^r, *scale:
 * 2^n. */
static inline REALV exp_parts(REALV x, REALV *scale)
{
    /* Adding the shift leaves x/ln 2 rounded in the low bits. */
    REALV shifted = fma(x, (REALV)LOG2_E, (REALV)EXP_SHIFT), n = shifted - (REALV)EXP_SHIFT;
    REALV r = fma(n, (REALV)-LN_2_LOW, fma(n, (REALV)-LN_2_HIGH, x));
#if REAL_IS_DOUBLE
    /* 1 + 2 r P(r^2) / (Q(r^2) - r P(r^2)) */
    REALV z = r * r;
    REALV p = fma((REALV)1.26177193074810590878e-4, z, (REALV)3.02994407707441961300e-2);
    p = fma(p, z, (REALV)9.99999999999999999910e-1) * r;
    REALV q = fma((REALV)3.00198505138664455042e-6, z, (REALV)2.52448340349684104192e-3);
    q = fma(q, z, (REALV)2.27265548208155028766e-1);
    q = fma(q, z, (REALV)2);
    p = fma((REALV)2, p / (q - p), (REALV)1);
#else
    REALV p = fma((REALV)1.9875691500e-4f, r, (REALV)1.3981999507e-3f);
    p = fma(p, r, (REALV)8.3334519073e-3f);
    p = fma(p, r, (REALV)4.1665795894e-2f);
    p = fma(p, r, (REALV)1.6666665459e-1f);
    p = fma(p, r, (REALV)5.0000001201e-1f);
    p = fma(p, r * r, r + (REALV)1);
#endif
    *scale = AS_REALV((AS_INTV(shifted) << FRACTION_BITS) + (INTV)BITS_OF_ONE);
    return p;
}

#if REAL_IS_DOUBLE
/* |x| < 0.625: x + x^3 P(x^2), else 1 - 2/(e^2|x| + 1) with the sign of x. */
static inline REALV real_tanh(REALV x)
{
    REALV z = x * x, size = fabs(x);
    REALV p = fma((REALV)-9.64399179425052238628e-1, z, (REALV)-9.92877231001918586564e1);
    p = fma(p, z, (REALV)-1.61468768441708447952e3);
    REALV q = fma(z + (REALV)1.12811678491632931402e2, z, (REALV)2.23548839060100448583e3);
    p /= fma(q, z, (REALV)4.84406305325125486048e3);
    REALV near = fma(p * z, x, x);
    REALV scale, part = exp_parts(exp_kept(size + size), &scale);
    REALV far = (REALV)1 - (REALV)2 / fma(part, scale, (REALV)1);
    return size < (REALV)0.625 ? near : copysign(far, x);
}

/* tanh(x) as what it returns over *below. */
static inline REALV tanh_parts(REALV x, REALV *below)
{
    *below = (REALV)1;
    return real_tanh(x);
}
#else
/* x P(x^2) / Q(x^2), where |x| is kept at 9.02, whose tanh rounds to 1. The fit, with the least
 * largest relative error there, is within 2.2e-8, with rounding within 4e-7: a value may exceed 1
 * by one unit in the last place. (Half as many instructions as by e^x, and no chain of them longer
 * than six: an LSTM's cell takes 57 cycles for 8 units on a Zen 4 with AVX2, with the other 105.)
 */
#define TANH_MOST 9.02f
static inline REALV tanh_parts(REALV x, REALV *below)
{
    x = x > (REALV)TANH_MOST ? (REALV)TANH_MOST : x;
    x = x < (REALV)-TANH_MOST ? (REALV)-TANH_MOST : x;
    REALV z = x * x;
    REALV p = fma((REALV)1.3318781e-8f, z, (REALV)2.05832648e-5f);
    REALV q = fma((REALV)7.76189819e-7f, z, (REALV)3.28307118e-4f);
    p = fma(p, z, (REALV)3.49402129e-3f);
    q = fma(q, z, (REALV)2.58710228e-2f);
    p = fma(p, z, (REALV)1.33797068e-1f);
    q = fma(q, z, (REALV)4.67130221e-1f);
    p = fma(p, z, (REALV)1);
    *below = fma(q, z, (REALV)1);
    return x * p;
}

static inline REALV real_tanh(REALV x)
{
    REALV below, above = tanh_parts(x, &below);
    return DIVIDE(above, below);
}
#endif

/* sigm(x) = 1 / (1 + e^-x): that sum.  NaN stays. Below -EXP_MOST, even at -infinity, sigm is
 * 1.6e-38 (double 3e-308) rather than 0: a gate is judged against 1. */
static inline REALV sigm_below(REALV x)
{
    REALV scale, part = exp_parts(-exp_kept(x), &scale); /* (the sign costs nothing there) */
    return fma(part, scale, (REALV)1);
}

static inline REALV sigm(REALV x)
{
    return DIVIDE((REALV)1, sigm_below(x));
}

/* SPDX-License-Identifier: MIT
 * cl/prelude.cl - first in every program: the types REAL and REALV, and the logistic function.
 *
 *     REAL_IS_DOUBLE  0: REAL is float, 1: double (the device needs fp64)
 *     VEC             units that one work-item computes: 1, 4, 8 or 16; REALV is a vector of them
 *
 * Letters: T steps, N sequences, H hidden units, R width of a hidden state (P if projected, else
 * H), G gates. Arrays are row-major; offsets and strides are in elements. */
#ifndef REAL_IS_DOUBLE
#define REAL_IS_DOUBLE 0
#endif
#ifndef VEC
#define VEC 1
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

/* Our own exp and tanh, from additions, products and divisions alone: they become vector code on
 * every device, and give the same bits whatever the vector's width, which those of a driver do not.
 * Reduction and coefficients: S. L. Moshier, Cephes Mathematical Library, exp, tanh, expf and tanhf
 * (errors below 2 units in the last place). */
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

/* e^x = 2^n e^r, n = x/ln 2 rounded, |r| <= ln 2 / 2; x is kept where 2^n is a normal number. NaN
 * stays NaN, since it compares false. */
static inline REALV real_exp(REALV x)
{
    x = x > (REALV)EXP_MOST ? (REALV)EXP_MOST : x;
    x = x < (REALV)-EXP_MOST ? (REALV)-EXP_MOST : x;
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
    return p * AS_REALV((AS_INTV(shifted) << FRACTION_BITS) + (INTV)BITS_OF_ONE);
}

/* |x| < 0.625: x + x^3 P(x^2), else 1 - 2/(e^2|x| + 1) with the sign of x. */
static inline REALV real_tanh(REALV x)
{
    REALV z = x * x, size = fabs(x);
#if REAL_IS_DOUBLE
    REALV p = fma((REALV)-9.64399179425052238628e-1, z, (REALV)-9.92877231001918586564e1);
    p = fma(p, z, (REALV)-1.61468768441708447952e3);
    REALV q = fma(z + (REALV)1.12811678491632931402e2, z, (REALV)2.23548839060100448583e3);
    p /= fma(q, z, (REALV)4.84406305325125486048e3);
#else
    REALV p = fma((REALV)-5.70498872745e-3f, z, (REALV)2.06390887954e-2f);
    p = fma(p, z, (REALV)-5.37397155531e-2f);
    p = fma(p, z, (REALV)1.33314422036e-1f);
    p = fma(p, z, (REALV)-3.33332819422e-1f);
#endif
    REALV near = fma(p * z, x, x);
    REALV far = (REALV)1 - (REALV)2 / (real_exp(size + size) + (REALV)1);
    return size < (REALV)0.625f ? near : copysign(far, x);
}

/* sigm(x) = 1 / (1 + e^-x).  NaN stays. Below -EXP_MOST, even at -infinity, it is 1.6e-38 (double
 * 3e-308) rather than 0: a gate is judged against 1. */
static inline REALV sigm(REALV x)
{
    return (REALV)1 / ((REALV)1 + real_exp(-x));
}

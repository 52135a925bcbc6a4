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

#if VEC == 1
typedef REAL REALV;
#define INTV      int
#define AS_INTV   as_int
#define AS_FLOATV as_float
#else
typedef CLR_PASTE(REAL_NAME, VEC) REALV;
#define INTV      CLR_PASTE(int, VEC)
#define AS_INTV   CLR_PASTE(as_int, VEC)
#define AS_FLOATV CLR_PASTE(as_float, VEC)
#endif

#if REAL_IS_DOUBLE

static inline REALV real_exp(REALV x)
{
    return exp(x);
}

static inline REALV real_tanh(REALV x)
{
    return tanh(x);
}

#else

/* In single precision our own exp and tanh, from additions and products alone: they become vector
 * code on every device, and give the same bits whatever the vector's width. Reduction and
 * polynomials: S. L. Moshier, Cephes Mathematical Library, expf and tanhf (errors below 2 units in
 * the last place). */

/* e^x = 2^n e^r, n = x/ln 2 rounded, |r| <= ln 2 / 2; x is kept within +-87, where 2^n is a normal
 * number. NaN stays NaN, since it compares false. */
static inline REALV real_exp(REALV x)
{
    const REALV shift =
        (REALV)12582912; /* 1.5*2^23: adding it leaves x/ln 2 rounded in the low bits */
    x = x > (REALV)87 ? (REALV)87 : x;
    x = x < (REALV)-87 ? (REALV)-87 : x;
    REALV shifted = fma(x, (REALV)1.44269504f, shift), n = shifted - shift;
    REALV r = fma(n, (REALV)2.12194440e-4f, fma(n, (REALV)-0.693359375f, x));
    REALV p = fma((REALV)1.9875691500e-4f, r, (REALV)1.3981999507e-3f);
    p = fma(p, r, (REALV)8.3334519073e-3f);
    p = fma(p, r, (REALV)4.1665795894e-2f);
    p = fma(p, r, (REALV)1.6666665459e-1f);
    p = fma(p, r, (REALV)5.0000001201e-1f);
    p = fma(p, r * r, r + (REALV)1);
    return p * AS_FLOATV((AS_INTV(shifted) << 23) + (INTV)0x3f800000);
}

/* |x| < 0.625: x + x^3 P(x^2), else 1 - 2/(e^2|x| + 1) with the sign of x. */
static inline REALV real_tanh(REALV x)
{
    REALV z = x * x, size = fabs(x);
    REALV p = fma((REALV)-5.70498872745e-3f, z, (REALV)2.06390887954e-2f);
    p = fma(p, z, (REALV)-5.37397155531e-2f);
    p = fma(p, z, (REALV)1.33314422036e-1f);
    p = fma(p, z, (REALV)-3.33332819422e-1f);
    REALV near = fma(p * z, x, x);
    REALV far = (REALV)1 - (REALV)2 / (real_exp(size + size) + (REALV)1);
    return size < (REALV)0.625f ? near : copysign(far, x);
}

#endif

/* sigm(x) = 1 / (1 + e^-x).  NaN stays. */
static inline REALV sigm(REALV x)
{
    return (REALV)1 / ((REALV)1 + real_exp(-x));
}

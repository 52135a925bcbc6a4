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
#else
typedef CLR_PASTE(REAL_NAME, VEC) REALV;
#endif

/* sigm(x) = 1 / (1 + e^-x); e^-x may overflow to infinity, which gives the right 0. NaN stays. */
static inline REALV sigm(REALV x)
{
    return (REALV)1 / ((REALV)1 + exp(-x));
}

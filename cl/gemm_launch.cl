/* SPDX-License-Identifier: MIT
 * cl/gemm_launch.cl - what the host tells the kernels of cl/gemm.cl: host/math/product.h reads this
 * file too, with ulong as cl_ulong. In elements. */
#ifndef CLR_GEMM_LAUNCH
#define CLR_GEMM_LAUNCH

/* A matrix whose rows are what is under windows of two axes A, B over an array, which is read where
 * it lies. Row m is (o,a,b), counted row-major over size[0], size[1]; column k is (c,ka,kb), over
 * k_size:
 *
 *     at + o*stride[0] + a*stride[1] + b*stride[2]
 *        + c*k_stride[0] + ka*k_stride[1] + kb*k_stride[2]
 *
 * Negative strides are modulo 2^64. */
typedef struct gemm_windows {
    ulong at;
    ulong size[2], stride[3];
    ulong k_size[2], k_stride[3];
} gemm_windows;
#endif

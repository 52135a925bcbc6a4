/* SPDX-License-Identifier: MIT
 * math/gemm.h - matrix products. gemm.c is the only file that knows CLBlast. */
#ifndef CLR_MATH_GEMM_H
#define CLR_MATH_GEMM_H

#include <clrnn/network.h>

#include "device/context.h"

/* A row-major matrix inside a buffer, in elements: element (r, c) is at offset + r*stride + c. */
typedef struct clr_matrix {
    cl_mem buffer;
    size_t offset;
    size_t stride;
} clr_matrix;

/* C = op(A) op(B), or C += with `accumulate`; op(A) is [m,k], op(B) is [k,n], C is [m,n]. A
 * transposed operand is stored as [k,m] or [n,k]. C must not overlap A or B. */
typedef struct clr_gemm {
    size_t m, n, k;
    bool transpose_a, transpose_b;
    bool accumulate;
    clr_matrix a, b, c;
} clr_gemm;

/**
 * Enqueue a product. m or n of 0 does nothing; k must be at least 1.
 * Threads: any.  Returns: CLRNN_OK, CLRNN_ERR_OPENCL (logged with sizes).
 */
clrnn_status clr_gemm_run(clrnn_context *context, clrnn_precision precision, const clr_gemm *gemm);

/** Compile what products of this precision need, so that later calls do not; once before the first
 *  product of a context. */
clrnn_status clr_gemm_warm_up(clrnn_context *context, clrnn_precision precision);

/** "clblast" */
const char *clr_gemm_name(const clrnn_context *context);

#endif

/* SPDX-License-Identifier: MIT
 * math/product.h - matrices inside buffers, and products of two of them: types alone. */
#ifndef CLR_MATH_PRODUCT_H
#define CLR_MATH_PRODUCT_H

#include <stdbool.h>
#include <stddef.h>

#include <clrnn/context.h>

/* cl/gemm_launch.cl, as the host sees it. */
#define ulong cl_ulong
#include "../../cl/gemm_launch.cl"
#undef ulong

/* A row-major matrix inside a buffer, in elements: element (r, c) is at offset + r*stride + c. */
typedef struct clr_matrix {
    cl_mem buffer;
    size_t offset;
    size_t stride;
} clr_matrix;

/* op(B), [k,n], prepared for many products: what it is, and where lies what was made of it
 * (math/packing.h). Owns no buffer. */
typedef struct clr_packed_matrix {
    clr_matrix from; /* B */
    bool transposed; /* it is stored as [n,k] */
    size_t n, k;
    cl_mem buffer; /* its packed form, from number `at` on; NULL: products read B itself */
    size_t at;
} clr_packed_matrix;

/* C = op(A) op(B), or C += with `accumulate`; op(A) is [m,k], op(B) is [k,n], C is [m,n]. A
 * transposed operand is stored as [k,m] or [n,k]. C must not overlap A or B. */
typedef struct clr_gemm {
    size_t m, n, k;
    bool transpose_a, transpose_b;
    bool accumulate;
    bool same_a; /* op(A) is that of the product before, with the same numbers: packed already */
    clr_matrix a, b, c;
    const clr_packed_matrix *prepared; /* op(B); b, transpose_b, n and k are then taken from it */
    /* A is what is under these windows over the buffer of `a`; NULL: a matrix. See
     * clr_packed_has_conv (math/packed.h). */
    const gemm_windows *windows;
} clr_gemm;

#endif

/* SPDX-License-Identifier: MIT
 * math/gemm.h - matrix products: CLBlast or our own packed kernels, by device. gemm.c is the only
 * file that knows CLBlast. */
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

/* op(B), prepared for many products. Zero-initialise, then clr_operand_pack. */
typedef struct clr_operand {
    clr_matrix matrix;
    bool transposed;
    size_t n, k;
    cl_mem panels; /* packed or rounded, or NULL where products read the caller's matrix itself */
} clr_operand;

/* C = op(A) op(B), or C += with `accumulate`; op(A) is [m,k], op(B) is [k,n], C is [m,n]. A
 * transposed operand is stored as [k,m] or [n,k]. C must not overlap A or B. */
typedef struct clr_gemm {
    size_t m, n, k;
    bool transpose_a, transpose_b;
    bool accumulate;
    clr_matrix a, b, c;
    const clr_operand *prepared; /* op(B); b, transpose_b, n and k are then taken from it */
} clr_gemm;

/* Kernels that put a matrix into another storage than float. */
typedef struct clr_store {
    clrnn_context *context;
    clrnn_storage storage;
    cl_kernel panels, columns, numbers_in, numbers_out;
} clr_store;

/* Our own kernels and their scratch memory. */
typedef struct clr_packed {
    clrnn_context *context;
    clrnn_precision precision;
    clrnn_storage storage; /* of panels of B */
    clr_store store;       /* unless that is f32 */
    uint32_t tile_n;
    cl_kernel pack, gemm;
    cl_mem scratch[2]; /* A and B of products that are packed only once */
    size_t scratch_bytes[2];
} clr_packed;

/* What products of one plan or pass need. One thread at a time. */
typedef struct clr_gemms {
    clrnn_context *context;
    clrnn_precision precision;
    clrnn_storage storage; /* of prepared operands */
    bool own;              /* our own kernels, else CLBlast */
    clr_packed packed;     /* if own */
    clr_store store;       /* if not own, unless storage is f32 */
} clr_gemms;

/**
 * Choose the kernels for this device (or take `choice`) and compile those that prepare operands. On
 * failure everything is released. Returns: as clr_program_get, CLRNN_ERR_OPENCL.
 *
 * storage: of prepared operands, the only ones then that products can have, unless it is f32.
 */
clrnn_status clr_gemms_init(clrnn_context *context, clrnn_precision precision,
                            clrnn_storage storage, clrnn_gemm choice, clr_gemms *gemms);
void clr_gemms_free(clr_gemms *gemms);

/** Compile what multiplies, so that products later do not. Returns: as clr_gemms_init. */
clrnn_status clr_gemms_prepare(clr_gemms *gemms);

/** "clblast" or "packed" */
const char *clr_gemms_name(const clr_gemms *gemms);

/** How many elements from the start of a buffer products can reach. */
size_t clr_gemms_reach(const clr_gemms *gemms);

/**
 * Enqueue a product. m or n of 0 does nothing; k must be at least 1.
 * Returns: CLRNN_OK, CLRNN_ERR_OPENCL (logged with sizes), CLRNN_ERR_MEMORY, CLRNN_ERR_RANGE (an
 *          element lies beyond clr_gemms_reach),
 *          CLRNN_ERR_ARGUMENT (nothing is prepared, but the storage is not f32)
 */
clrnn_status clr_gemm_run(clr_gemms *gemms, const clr_gemm *gemm);

/** Prepare op(B), [k,n], or prepare it anew after its contents changed (same n and k). In int8 each
 *  of its n columns has a scale of its own.
 *  Ownership: the matrix' buffer stays the caller's and must live as long as the operand is used.
 */
clrnn_status clr_operand_pack(clr_gemms *gemms, clr_matrix b, bool transposed, size_t n, size_t k,
                              clr_operand *operand);
void clr_operand_free(clr_operand *operand);

#endif

/* SPDX-License-Identifier: MIT
 * math/gemm.h - matrix products: CLBlast or our own packed kernels, by device. gemm.c is the only
 * file that knows CLBlast. */
#ifndef CLR_MATH_GEMM_H
#define CLR_MATH_GEMM_H

#include "math/packed.h"
#include "math/product.h"

/* What products of one plan or pass need. One thread at a time. */
typedef struct clr_gemms {
    clrnn_context *context;
    clrnn_precision precision;
    clrnn_storage storage; /* of prepared operands */
    bool own;              /* our own kernels, else CLBlast */
    clr_packed packed;     /* if own; if not, for others who read panels */
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
size_t clr_gemms_index_range(const clr_gemms *gemms);

/**
 * Enqueue a product. m or n of 0 does nothing; k must be at least 1.
 * Returns: CLRNN_OK, CLRNN_ERR_OPENCL (logged with sizes), CLRNN_ERR_MEMORY, CLRNN_ERR_RANGE (an
 *          element lies beyond clr_gemms_index_range),
 *          CLRNN_ERR_ARGUMENT (nothing is prepared, but the storage is not f32)
 */
clrnn_status clr_gemm_run(clr_gemms *gemms, const clr_gemm *gemm);

#endif

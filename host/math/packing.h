/* SPDX-License-Identifier: MIT
 * math/packing.h - how a matrix that many products have in common is kept for them. */
#ifndef CLR_MATH_PACKING_H
#define CLR_MATH_PACKING_H

#include "math/gemm.h"

/* One way of keeping op(B), [k,n]. Whoever multiplies with it says which; a layout for other
 * kernels is one more of these. */
typedef struct clr_packing {
    /* Each matrix in a buffer that holds nothing else, from its beginning: CLBlast reaches 2^31
     * elements of a buffer, and copies an operand that begins elsewhere. */
    bool apart;
    /* Bytes of whose multiple each begins, behind others in a buffer; 0: anywhere. */
    size_t alignment;
    /** Bytes that it takes, a multiple of clr_storage_bytes; 0: products read the matrix itself. */
    size_t (*bytes)(const clr_gemms *gemms, size_t n, size_t k);
    /** Whether matrices of n columns each, one behind the other, are one matrix of all of them,
     *  which one call then packs. NULL: never. */
    bool (*seamless)(const clr_gemms *gemms, size_t n);
    /** Enqueue putting matrix->from into matrix->buffer, from `at` on. */
    clrnn_status (*pack)(clr_gemms *gemms, const clr_packed_matrix *matrix);
} clr_packing;

/* Panels (cl/storage.cl), of our own kernels; lanes (cl/lanes.cl), of resident's; rounded to the
 * gemms' storage and back, floats [n,k]; not at all. The last two are CLBlast's. */
extern const clr_packing clr_packing_panels, clr_packing_lanes, clr_packing_floats,
    clr_packing_none;

/** What the products of `gemms` read. */
const clr_packing *clr_packing_of(const clr_gemms *gemms);

#endif

/* SPDX-License-Identifier: MIT
 * math/storage.h - weights kept in another type than the plan's: cl/storage.cl and cl/convert.cl.
 */
#ifndef CLR_MATH_STORAGE_H
#define CLR_MATH_STORAGE_H

#include <clrnn/network.h>

#include "math/product.h"

/* Kernels that put a matrix into another storage than float. */
typedef struct clr_converter {
    clrnn_context *context;
    clrnn_storage storage;
    cl_kernel panels, columns, numbers_in, numbers_out;
} clr_converter;

/** Bytes of one number that is kept so. */
size_t clr_storage_bytes(clrnn_storage storage, clrnn_precision precision);

/** Rows of a panel of k numbers in each column (PANEL_ROWS). */
size_t clr_storage_rows(clrnn_storage storage, size_t k);

/** Build for another storage than f32; on failure everything is released. Returns: as
 *  clr_program_get. */
clrnn_status clr_converter_init(clrnn_context *context, clrnn_storage storage,
                                clr_converter *converter);
void clr_converter_free(clr_converter *converter);

/** Round op(B), [k,n], into panels of `width` columns from number `panels_at` on. */
clrnn_status clr_converter_pack(clr_converter *converter, clr_matrix b, bool transposed, size_t n,
                                size_t k, size_t width, cl_mem panels, size_t panels_at);

/** What such panels would hold, as floats: rounded, out [n,k]. */
clrnn_status clr_converter_round(clr_converter *converter, clr_matrix b, bool transposed, size_t n,
                                 size_t k, cl_mem rounded);

/** Round the first `count` of `numbers` (floats) to f16 or bf16, from number `stored_at` on; and
 *  read them. */
clrnn_status clr_converter_narrow(clr_converter *converter, cl_mem numbers, size_t count,
                                  cl_mem stored, size_t stored_at);
clrnn_status clr_converter_widen(clr_converter *converter, cl_mem stored, size_t stored_at,
                                 size_t count, cl_mem numbers);

#endif

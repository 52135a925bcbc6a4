/* SPDX-License-Identifier: MIT
 * format/onnx/signal.h - products with matrices that are known. */
#ifndef CLR_FORMAT_ONNX_SIGNAL_H
#define CLR_FORMAT_ONNX_SIGNAL_H

#include "format/onnx/onnx.h"

/** y = M x over one axis, M [rows, columns]. */
clrnn_status clr_onnx_along(onnx_node *n, uint32_t axis, const double *matrix, size_t rows,
                            uint32_t in, uint32_t *at);

/** The size of an axis, which must be a number, and no large one. */
clrnn_status clr_onnx_fixed(onnx_node *n, uint32_t at, uint32_t axis, size_t *size);

/** A matrix of zeros, the caller's to free; an error where it would be too large. */
clrnn_status clr_onnx_matrix(onnx_node *n, size_t rows, size_t columns, double **matrix);

#endif

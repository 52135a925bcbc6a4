/* SPDX-License-Identifier: MIT
 * format/onnx/pick.h - rows by whole numbers that are known. */
#ifndef CLR_FORMAT_ONNX_PICK_H
#define CLR_FORMAT_ONNX_PICK_H

#include "format/onnx/onnx.h"

/** Rows ids[i] of an axis (negative: from its end); exact up to 2^24. */
clrnn_status clr_onnx_pick(onnx_node *n, uint32_t axis, const double *ids, size_t count,
                           uint32_t in, uint32_t *at);

/** Rows begin, begin+step, .. */
clrnn_status clr_onnx_pick_range(onnx_node *n, uint32_t axis, int64_t begin, int64_t step,
                                 size_t count, uint32_t in, uint32_t *at);

/** All elements of a value as one axis; a flat value of the shape of an array; the shape of a value
 *  as an array without elements. */
clrnn_status clr_onnx_pick_flat(onnx_node *n, uint32_t in, uint32_t *at);
clrnn_status clr_onnx_pick_shaped(onnx_node *n, const onnx_array *like, uint32_t in, uint32_t *at);
onnx_array clr_onnx_pick_shape(const onnx_node *n, uint32_t at);

/** The elements of x, flat, that input 1 names: by one index along the attribute's axis, or by rows
 *  of its last axis, which are indices of the first axes. *out [*count] is the caller's. */
clrnn_status clr_onnx_pick_places(onnx_node *n, const onnx_array *x, double **out, size_t *count);
clrnn_status clr_onnx_pick_named(onnx_node *n, const onnx_array *x, double **out, size_t *count);

#endif

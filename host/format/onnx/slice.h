/* SPDX-License-Identifier: MIT
 * format/onnx/slice.h - parts of arrays. */
#ifndef CLR_FORMAT_ONNX_SLICE_H
#define CLR_FORMAT_ONNX_SLICE_H

#include "format/onnx/onnx.h"

/** Elements begin, begin+step, .. before end of one axis of a value of the graph. */
clrnn_status clr_onnx_cut(onnx_node *n, uint32_t axis, int64_t begin, int64_t end, int64_t step,
                          uint32_t in, uint32_t *at);

/** Join values along an axis, however many. */
clrnn_status clr_onnx_join(onnx_node *n, uint32_t axis, const uint32_t *in, uint32_t count,
                           uint32_t *at);

/** A value joined to itself. */
clrnn_status clr_onnx_repeat(onnx_node *n, uint32_t axis, uint32_t times, uint32_t in,
                             uint32_t *at);

clrnn_status clr_onnx_slice_fold(onnx_node *n, const onnx_array *const *in, onnx_array *out);
clrnn_status clr_onnx_slice_build(onnx_node *n);
clrnn_status clr_onnx_split_fold(onnx_node *n, const onnx_array *const *in, onnx_array *out);
clrnn_status clr_onnx_split_build(onnx_node *n);
clrnn_status clr_onnx_reverse_fold(onnx_node *n, const onnx_array *const *in, onnx_array *out);
clrnn_status clr_onnx_reverse_build(onnx_node *n);
clrnn_status clr_onnx_gather_fold(onnx_node *n, const onnx_array *const *in, onnx_array *out);
clrnn_status clr_onnx_gather_build(onnx_node *n);

#endif

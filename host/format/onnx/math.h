/* SPDX-License-Identifier: MIT
 * format/onnx/math.h - what operators that compute share. */
#ifndef CLR_FORMAT_ONNX_MATH_H
#define CLR_FORMAT_ONNX_MATH_H

#include "format/onnx/onnx.h"

/** Operators of two values, or of many of which each is joined to what there is (pair.c). */
clrnn_status clr_onnx_pair_fold(onnx_node *n, const onnx_array *const *in, onnx_array *out);
clrnn_status clr_onnx_pair_build(onnx_node *n);
bool clr_onnx_pair_is_sure(const onnx_node *n);

/** |x|^p, and its root (powers.c). */
clrnn_status clr_onnx_add_powers(onnx_node *n, int64_t p, uint32_t in, uint32_t *at);
clrnn_status clr_onnx_add_root(onnx_node *n, int64_t p, uint32_t in, uint32_t *at);

/** Outputs 1 and 2 of LayerNormalization over the axes from `axis` on (rms.c). */
clrnn_status clr_onnx_statistics(onnx_node *n, uint32_t axis, double epsilon, uint32_t in);

#endif

/* SPDX-License-Identifier: MIT
 * format/onnx/fused.h - builds that fused operators go on from. */
#ifndef CLR_FORMAT_ONNX_FUSED_H
#define CLR_FORMAT_ONNX_FUSED_H

#include "format/onnx/onnx.h"

/** Conv (conv.c), Gemm, and a MatMul with a factor whose operands may be transposed
 *  (product.c). */
clrnn_status clr_onnx_conv_build(onnx_node *n);
clrnn_status clr_onnx_gemm_build(onnx_node *n);
clrnn_status clr_onnx_fused_matmul_build(onnx_node *n);

/** x / sqrt(mean of squares over the axes from `axis` on + epsilon) (rms.c). */
clrnn_status clr_onnx_add_rms(onnx_node *n, uint32_t axis, double epsilon, uint32_t in,
                              uint32_t *at);

/** (x - mean) / sqrt(variance + epsilon) over the axes from `axis` on, T and N among them or not
 *  (rms.c). */
clrnn_status clr_onnx_add_norm(onnx_node *n, uint32_t axis, double epsilon, uint32_t in,
                               uint32_t *at);

#endif

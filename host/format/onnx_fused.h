/* SPDX-License-Identifier: MIT
 * format/onnx_fused.h - builds that fused operators go on from. */
#ifndef CLR_FORMAT_ONNX_FUSED_H
#define CLR_FORMAT_ONNX_FUSED_H

#include "format/onnx.h"

/** Conv (onnx_conv.c), Gemm, and a MatMul with a factor whose operands may be transposed
 *  (onnx_product.c). */
clrnn_status clr_onnx_conv_build(onnx_node *n);
clrnn_status clr_onnx_gemm_build(onnx_node *n);
clrnn_status clr_onnx_fused_matmul_build(onnx_node *n);

/** x / sqrt(mean of squares over the axes from `axis` on + epsilon) (onnx_rms.c). */
clrnn_status clr_onnx_add_rms(onnx_node *n, uint32_t axis, double epsilon, uint32_t in,
                              uint32_t *at);

#endif

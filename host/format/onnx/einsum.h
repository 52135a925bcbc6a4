/* SPDX-License-Identifier: MIT
 * format/onnx/einsum.h - sums of products by the letters of their axes. */
#ifndef CLR_FORMAT_ONNX_EINSUM_H
#define CLR_FORMAT_ONNX_EINSUM_H

#include "format/onnx/onnx.h"

clrnn_status clr_onnx_einsum_build(onnx_node *n);

#endif

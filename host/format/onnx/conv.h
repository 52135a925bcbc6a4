/* SPDX-License-Identifier: MIT
 * format/onnx/conv.h - convolutions by what the graph computes. */
#ifndef CLR_FORMAT_ONNX_CONV_H
#define CLR_FORMAT_ONNX_CONV_H

#include "format/onnx/window.h"

/** A Conv without its B, whose W is computed. */
clrnn_status clr_onnx_conv_by(onnx_node *n, uint32_t *at);

/** *at + B, input 2, one number for each channel. */
clrnn_status clr_onnx_conv_bias(onnx_node *n, uint32_t *at);

#endif

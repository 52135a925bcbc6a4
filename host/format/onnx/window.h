/* SPDX-License-Identifier: MIT
 * format/onnx/window.h - windows over the axes behind N and channels. */
#ifndef CLR_FORMAT_ONNX_WINDOW_H
#define CLR_FORMAT_ONNX_WINDOW_H

#include "format/onnx/onnx.h"

typedef struct onnx_window {
    uint32_t spaces; /* axes that it goes over */
    int64_t kernel[CLRNN_MOST_AXES], stride[CLRNN_MOST_AXES], dilation[CLRNN_MOST_AXES];
    int64_t begin[CLRNN_MOST_AXES], end[CLRNN_MOST_AXES]; /* padding */
    char auto_pad[32];
} onnx_window;

/** Attributes; kernel_shape from `kernel` where it is left out. Padding as auto_pad says where it
 *  says anything. *in [N,C,..] becomes what is left of it where that cuts. */
clrnn_status clr_onnx_read_window(onnx_node *n, uint32_t *in, const uint64_t *kernel,
                                  bool transposed, onnx_window *w);

/** A window's numbers in a descriptor, of one axis or two. */
clrnn_status clr_onnx_window_to_node(const onnx_node *n, const onnx_window *w,
                                     clrnn_node_desc *desc);

#endif

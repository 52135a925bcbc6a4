/* SPDX-License-Identifier: MIT
 * format/onnx/inner.h - graphs in graphs. */
#ifndef CLR_FORMAT_ONNX_INNER_H
#define CLR_FORMAT_ONNX_INNER_H

#include "format/onnx/onnx.h"

/** The graph of an attribute, which must be there. */
clrnn_status clr_onnx_inner_graph(onnx_node *n, const char *name, const ClrOnnx__Graph **graph);

/** A copy of what a value is, under another name. */
clrnn_status clr_onnx_copy_value(onnx_node *n, const onnx_value *from, const char *name,
                                 onnx_value *to);

/** Walk an inner graph whose inputs are `in` (taken over, on failure too), and copy its outputs to
 *  `out`, one for each; what it defined is forgotten. */
clrnn_status clr_onnx_walk_inner(onnx_node *n, const ClrOnnx__Graph *g, onnx_value *in,
                                 size_t inputs, onnx_value *out);

/** An array of values that are nothing yet, to be freed with what they came to hold. */
onnx_value *clr_onnx_new_values(size_t count);
void clr_onnx_free_values(onnx_value *values, size_t count);

#endif

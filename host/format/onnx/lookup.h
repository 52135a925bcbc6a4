/* SPDX-License-Identifier: MIT
 * format/onnx/lookup.h - elements by whole numbers that the graph computes: a gather among all
 * elements, as one axis, of where each is. */
#ifndef CLR_FORMAT_ONNX_LOOKUP_H
#define CLR_FORMAT_ONNX_LOOKUP_H

#include "format/onnx/body.h"

/** Rows of a table by their numbers: Gather along axis 0. */
uint32_t clr_onnx_lookup(onnx_body *b, uint32_t table, uint32_t ids);

/** How many elements axes first .. end have, of which there must be few enough to be counted (1 and
 *  an error). */
uint64_t clr_onnx_say_count(onnx_body *b, uint32_t x, uint32_t first, uint32_t end);

/** 0, step, .. as an array [count,1,..] with `behind` axes of 1. */
uint32_t clr_onnx_say_steps(onnx_body *b, uint64_t count, uint64_t step, uint32_t behind);

/** GatherElements and GatherND of any indices. */
clrnn_status clr_onnx_lookup_elements(onnx_node *n);
clrnn_status clr_onnx_lookup_named(onnx_node *n);

#endif

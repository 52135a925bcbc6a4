/* SPDX-License-Identifier: MIT
 * format/onnx_pick.h - rows by whole numbers that are known. */
#ifndef CLR_FORMAT_ONNX_PICK_H
#define CLR_FORMAT_ONNX_PICK_H

#include "format/onnx.h"

/** Rows ids[i] of an axis (negative: from its end); exact up to 2^24. */
clrnn_status clr_onnx_pick(onnx_node *n, uint32_t axis, const double *ids, size_t count,
                           uint32_t in, uint32_t *at);

/** Rows begin, begin+step, .. */
clrnn_status clr_onnx_pick_range(onnx_node *n, uint32_t axis, int64_t begin, int64_t step,
                                 size_t count, uint32_t in, uint32_t *at);

#endif

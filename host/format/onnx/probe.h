/* SPDX-License-Identifier: MIT
 * format/onnx/probe.h - whether a file is an ONNX model, seen without protobuf-c. */
#ifndef CLR_FORMAT_ONNX_PROBE_H
#define CLR_FORMAT_ONNX_PROBE_H

#include "format/format.h"

/** A message whose outermost fields are those of ModelProto, a graph (7) among them. */
clr_match clr_onnx_probe(const clr_format_file *file);

#endif

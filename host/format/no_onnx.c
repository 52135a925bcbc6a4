/* SPDX-License-Identifier: MIT
 * format/no_onnx.c - a build without protobuf-c. */
#include "format/onnx_probe.h"

const clr_format clr_format_onnx = {.name = "onnx",
                                    .summary = "ONNX",
                                    .endings = {".onnx"},
                                    .probe = clr_onnx_probe,
                                    .missing = "protobuf-c (Meson option onnx)"};

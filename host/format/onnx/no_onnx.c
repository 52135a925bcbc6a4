/* SPDX-License-Identifier: MIT
 * format/onnx/no_onnx.c - a build without protobuf-c. */
#include "format/onnx/probe.h"

clrnn_status clrnn_onnx_tensor_load(const char *path, const clrnn_log *log, clrnn_tensors **set)
{
    if (set)
        *set = NULL;
    if (!path || !set)
        return clr_fail(log, CLRNN_ERR_ARGUMENT, "clrnn_onnx_tensor_load: %s is NULL",
                        path ? "set" : "path");
    return clr_fail(log, CLRNN_ERR_UNSUPPORTED,
                    "%s: this build reads no ONNX, for it was made without protobuf-c (Meson "
                    "option onnx)",
                    path);
}

const clr_format clr_format_onnx = {.name = "onnx",
                                    .summary = "ONNX",
                                    .endings = {".onnx"},
                                    .probe = clr_onnx_probe,
                                    .missing = "protobuf-c (Meson option onnx)"};

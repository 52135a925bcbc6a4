/* SPDX-License-Identifier: MIT
 * format/onnx/fail.c - errors that name the node. */
#include <stdarg.h>
#include <stdio.h>

#include "format/onnx/onnx.h"

clrnn_status clr_onnx_fail(const onnx_node *n, clrnn_status status, const char *format, ...)
{
    char text[600];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    return clr_fail(n->m->log, status, "%s: %s: %s", n->m->file->path, n->label, text);
}

/* SPDX-License-Identifier: MIT
 * format/onnx/restore.h - ONNX files that this library writes, and reads back as they were. */
#ifndef CLR_FORMAT_ONNX_RESTORE_H
#define CLR_FORMAT_ONNX_RESTORE_H

#include "format/format.h"
#include "onnx.pb-c.h"

/** Returns: as clrnn_graph_export. */
clrnn_status clr_onnx_write(const clrnn_graph *graph, const char *path, const clrnn_log *log);

/** The graph of a file that clr_onnx_write made and nobody has changed but for the values of its
 *  parameters; NULL: it is none, or desc wants other axes. The model is as before.
 *  Ownership: on success *graph is the caller's. Returns: CLRNN_OK, CLRNN_ERR_MEMORY */
clrnn_status clr_onnx_restore(ClrOnnx__Model *model, const clrnn_import_desc *desc,
                              const clrnn_log *log, clrnn_graph **graph);

#endif

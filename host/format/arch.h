/* SPDX-License-Identifier: MIT
 * format/arch.h - an architecture: what files of named tensors leave open, written down as JSON.
 *
 * The description of a graph (model/graph_description.h), and beside "graph", "inputs", "nodes" and
 * "outputs" what format/fill.h knows as "tensors" and "unused". */
#ifndef CLR_FORMAT_ARCH_H
#define CLR_FORMAT_ARCH_H

#include <clrnn/format.h>

#include "model/json.h"

/**
 * The graph of an architecture, filled from tensors.
 *
 * file: of the tensors, in messages
 * Returns: as clrnn_graph_import; CLRNN_ERR_FORMAT names what the architecture says and nobody
 *          knows
 */
clrnn_status clr_arch_import(const clrnn_import_desc *desc, const clrnn_tensors *set,
                             const char *file, const clrnn_log *log, clrnn_graph **graph);

/** Its JSON, which must be an object, and the text of that: both the caller's, on failure too. */
clrnn_status clr_arch_read(const clrnn_import_desc *desc, const clrnn_log *log, char **text,
                           cJSON **root);

#endif

/* SPDX-License-Identifier: MIT
 * model/graph_files.h - graphs as sets of tensors. */
#ifndef CLR_MODEL_GRAPH_FILES_H
#define CLR_MODEL_GRAPH_FILES_H

#include <clrnn/graph_parameters.h>

#include "graph/graph.h"

/** A graph's description and `data`, of its flat array, into a set. Returns: as
 *  clrnn_graph_to_tensors */
clrnn_status clr_graph_to_set(const clrnn_graph *graph, const void *data, clrnn_tensors *set);

/** Whether two graphs are alike but for their parameters. a: of the checkpoint at `path`. Returns:
 *  CLRNN_OK, CLRNN_ERR_FORMAT (the log names the first node that differs), CLRNN_ERR_MEMORY */
clrnn_status clr_graphs_compare(const clrnn_graph *a, const clrnn_graph *b, const char *path,
                                const clrnn_log *log);

#endif

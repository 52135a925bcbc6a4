/* SPDX-License-Identifier: MIT
 * graph/build.h - what adding to a graph has in common. */
#ifndef CLR_GRAPH_BUILD_H
#define CLR_GRAPH_BUILD_H

#include "graph/graph.h"

/** Room for `more` elements of `size` bytes behind `count`; false if memory is short. */
bool clr_graph_grow(void **array, size_t count, size_t more, size_t size);

/** The error of memory that is short. */
clrnn_status clr_graph_no_memory(const clrnn_graph *graph, const char *what);

/** Whether anything may be added. */
clrnn_status clr_graph_check_open(const clrnn_graph *graph);

/** Whether a new value may have a name; `what` says of what in a message. */
clrnn_status clr_graph_check_name(const clrnn_graph *graph, const char *what, const char *name);

/** Whether a name, or NULL, stays in the line that says it. */
clrnn_status clr_graph_check_bytes(const clrnn_graph *graph, const char *what, const char *name);

/** What is meant where no value is named: what the last node made, or the first input. */
uint32_t clr_graph_default(const clrnn_graph *graph);

/** The strings of a node. */
void clr_node_free(clr_node *node);

#endif

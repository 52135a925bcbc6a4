/* SPDX-License-Identifier: MIT
 * graph/infer.h - the shapes of all values of a graph. */
#ifndef CLR_GRAPH_INFER_H
#define CLR_GRAPH_INFER_H

#include "graph/kind.h"

/** A node under inference, at the sizes that T and N have while nobody knows them. Its inputs are
 *  the caller's to set. */
clr_infer clr_infer_of(const clrnn_graph *graph, const clr_node *node);

/** Shapes of its outputs. Returns: CLRNN_OK, CLRNN_ERR_ARGUMENT, CLRNN_ERR_RANGE */
clrnn_status clr_infer_run(clr_infer *infer);

/**
 * Shapes of all values for a T and an N, and the rules of lengths.
 *
 * shapes: out [value_count]; rules: out [node_count + 1], those of nodes that have none are not set
 * Returns: CLRNN_OK, CLRNN_ERR_ARGUMENT, CLRNN_ERR_RANGE: T or N does not suit a node
 */
clrnn_status clr_infer_all(const clrnn_graph *graph, const clrnn_log *log, uint64_t steps,
                           uint64_t batch, clr_shape *shapes, clr_length_rule *rules);

/** Whether of all T steps there are none somewhere: a row of a ragged pass that has as few has
 *  nothing from there on, whatever a window pads, and so has one that is alone. */
bool clr_infer_empties(const clrnn_graph *graph, const clr_shape *shapes);

/** A node's own, once the shapes are known, for its functions that ask for one. */
clr_infer clr_infer_known(const clrnn_graph *graph, const clr_node *node, const clrnn_log *log,
                          const clr_shape *shapes);

#endif

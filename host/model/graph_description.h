/* SPDX-License-Identifier: MIT
 * model/graph_description.h - a graph as JSON.
 *
 * {"graph": 1, "inputs": [{"name", "shape", "ids"}], "nodes": [{"kind", "name", "inputs", ..}],
 *  "outputs": [{"name", "value"}]}: of a node the members of clrnn_node_desc that its kind uses, by
 * their names; words by their names; in shapes -1 is T, -2 N, -3 the rest, in `end` "end" all.
 * A node's `network` has cell, hidden_size, num_layers, bidirectional, bias and the fields of the
 * cell's options, as descriptions of models have them. */
#ifndef CLR_MODEL_GRAPH_DESCRIPTION_H
#define CLR_MODEL_GRAPH_DESCRIPTION_H

#include <clrnn/graph.h>

struct clr_json;

/** On success *json is the caller's, to be freed. Returns: CLRNN_OK, CLRNN_ERR_MEMORY,
 *  CLRNN_ERR_UNSUPPORTED (a build without cJSON) */
clrnn_status clr_graph_describe(const clrnn_graph *graph, const clrnn_log *log, char **json);

/** One node of it: {"kind": .., "name": .., ..}. */
void clr_graph_put_node(struct clr_json *json, const clrnn_node_desc *desc);

/** Whether a text is the description of a graph, and not of a model. */
bool clr_graph_is_description(const char *json);

/** Build it. Ownership: as clrnn_graph_load. Returns: CLRNN_OK, CLRNN_ERR_FORMAT (the log names
 * node or field), CLRNN_ERR_MEMORY, CLRNN_ERR_UNSUPPORTED */
clrnn_status clr_graph_build(const char *json, clrnn_precision precision, const clrnn_log *log,
                             clrnn_graph **graph);

#endif

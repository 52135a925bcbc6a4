/* SPDX-License-Identifier: MIT
 * graph_turn.h - arrays of files that begin with N, of a graph that begins with T, and back. */
#ifndef TOOL_GRAPH_TURN_H
#define TOOL_GRAPH_TURN_H

#include "tool.h"

/** Whether an array begins with T and N, in this order; with them in either order. */
bool graph_is_time_first(const clrnn_value_info *info);
bool graph_has_time(const clrnn_value_info *info);

/** An array [a,b,..] as [b,a,..], added to *set (made, where it is NULL) under a name. *turned:
 * out, in the set. Returns: CLRNN_OK, CLRNN_ERR_MEMORY */
clrnn_status graph_turn(const clrnn_tensor *array, const char *name, clrnn_tensors **set,
                        const clrnn_tensor **turned);

/** Outputs of a pass, in their order; those of a graph that are [T,N,..] become [N,T,..], and
 *  timed[i] goes with them. On failure they are destroyed. Returns: CLRNN_OK, CLRNN_ERR_MEMORY */
clrnn_status graph_turn_outputs(const clrnn_graph *graph, clrnn_tensors **outputs, int *timed,
                                size_t room);

#endif

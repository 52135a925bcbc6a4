/* SPDX-License-Identifier: MIT
 * graph_words.h - what the runs of a graph say of it. */
#ifndef TOOL_GRAPH_WORDS_H
#define TOOL_GRAPH_WORDS_H

#include "tool.h"

/** Log an error, in which `name` stands for %s; returns the status. */
clrnn_status graph_complain(clrnn_status status, const char *format, const char *name);

/** "[T,N,3]" */
const char *graph_shape_text(const clrnn_value_info *info, char text[200]);

/** An array as an input takes it: *out [count] of the precision or int32 for ids, to be freed also
 *  on failure. Returns: CLRNN_OK, CLRNN_ERR_MEMORY, CLRNN_ERR_RANGE (an id that is no whole number,
 *  which is said) */
clrnn_status graph_elements(const clrnn_tensor *value, const clrnn_value_info *info,
                            clrnn_precision precision, void **out);

#endif

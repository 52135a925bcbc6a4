/* SPDX-License-Identifier: MIT
 * graph_words.h - what the runs of a graph say of it. */
#ifndef TOOL_GRAPH_WORDS_H
#define TOOL_GRAPH_WORDS_H

#include "tool.h"

/** Log an error, in which `name` stands for %s; returns the status. */
clrnn_status graph_complain(clrnn_status status, const char *format, const char *name);

/** "[T,N,3]" */
const char *graph_shape_text(const clrnn_value_info *info, char text[200]);

#endif

/* SPDX-License-Identifier: MIT
 * run_graph.h - `clrnn run` of graphs. */
#ifndef TOOL_RUN_GRAPH_H
#define TOOL_RUN_GRAPH_H

#include "run.h"
#include "sizes.h"

/* What the command line says. */
typedef struct run_graph_wishes {
    const char *model, *selector, *prefix, *arch;
    bool batch_first;
    bool weights;   /* --weights is given */
    uint32_t block; /* --stream; 0: in one pass */
    clrnn_precision precision;
    clrnn_strategy strategy;
} run_graph_wishes;

/** Whether a file is a graph, or a model of another format, or a state_dict of more than a model of
 *  ours has, of which no prefix (NULL) takes a part; false also for what cannot be read. */
bool run_is_graph(const char *path, const char *prefix);

/** Run it. Returns an exit code. */
int run_graph(const run_graph_wishes *wishes, const tool_list *in, const tool_list *out,
              const tool_list *sizes);

#endif

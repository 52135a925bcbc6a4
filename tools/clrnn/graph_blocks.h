/* SPDX-License-Identifier: MIT
 * graph_blocks.h - a graph over whole arrays, in blocks of a stream. */
#ifndef TOOL_GRAPH_BLOCKS_H
#define TOOL_GRAPH_BLOCKS_H

#include "graph_pass.h"

/* A run in blocks. */
typedef struct graph_blocks {
    clrnn_graph *graph;
    bool is_double;
    uint32_t block, steps, batch;      /* of the stream, of the arrays: T and N */
    const uint32_t *lengths;           /* [N], or NULL */
    const clrnn_graph_source *sources; /* whole arrays, as graph_pass makes them, in order */
    const clrnn_graph_sink *sinks;
    uint32_t inputs, outputs;
    clrnn_strategy strategy;
} graph_blocks;

/** Run it; times: how long the blocks took. Returns: as clrnn_graph_stream_create and _process. */
clrnn_status graph_blocks_run(clrnn_context *context, const graph_blocks *blocks,
                              graph_times *times);

#endif

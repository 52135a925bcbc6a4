/* SPDX-License-Identifier: MIT
 * graph/stream.h - a stream inside. */
#ifndef CLR_GRAPH_STREAM_H
#define CLR_GRAPH_STREAM_H

#include <clrnn/graph_stream.h>

#include "graph/plan.h"

struct clrnn_graph_stream {
    clrnn_graph_plan *plan; /* max_batch of it is N */
    clrnn_graph_stream_desc desc;
    size_t count; /* elements of the state of a row */
    bool lost;    /* a call failed half-way: states may belong to different steps */
};

#endif

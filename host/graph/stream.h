/* SPDX-License-Identifier: MIT
 * graph/stream.h - a stream inside. */
#ifndef CLR_GRAPH_STREAM_H
#define CLR_GRAPH_STREAM_H

#include <clrnn/graph_stream.h>

#include <stdatomic.h>

#include "graph/plan.h"

/* What an input or output is, whichever model runs: copies, so that nobody else needs the graph. */
typedef struct clr_stream_port {
    char *name;
    clr_shape shape; /* for the largest block */
    bool output;
} clr_stream_port;

struct clrnn_graph_stream {
    /* The model that runs: a swap exchanges these. */
    clrnn_graph_plan *plan; /* max_batch of it is N */
    clrnn_graph_stream_desc desc;
    size_t count; /* elements of the state of a row */
    cl_mem rest;  /* [count], what a reset goes back to, part after part */
    bool lost;    /* a call failed half-way: states may belong to different steps */
    /* What every model that is taken has alike. */
    clr_stream_port *ports; /* [port_count], inputs before outputs */
    uint32_t port_count;
    clrnn_precision precision;
    /* From thread to thread: who is to come, and who is to be collected. */
    _Atomic(clrnn_graph_stream *) pending, retired;
    uint32_t fade_steps;        /* of who is to come */
    clrnn_graph_stream *fading; /* who was before, while outputs pass from it to the present one */
    uint32_t faded;             /* steps of that so far */
    void *mix;                  /* [the largest output] */
    /* Rows apart: one block in the layout of the graph. */
    void *row_x, *row_y;
    uint32_t *row_lengths; /* [N] */
};

/** Copies of what goes in and out; room for blocks. Returns: CLRNN_OK, CLRNN_ERR_MEMORY */
clrnn_status clr_stream_open_ports(clrnn_graph_stream *stream);
void clr_stream_close_ports(clrnn_graph_stream *stream);

/** See that the states that nodes begin with do not come with what goes in. Returns: CLRNN_OK,
 *  CLRNN_ERR_ARGUMENT (they do: the log names node and input), CLRNN_ERR_MEMORY */
clrnn_status clr_stream_check_begins(const clrnn_context *context, const clrnn_graph *graph);

/** Make those the rest state, which is zeros. What the stream has run until then is lost. Returns:
 *  as clrnn_graph_stream_create */
clrnn_status clr_stream_begins(clrnn_graph_stream *stream);

/** CLRNN_OK, or CLRNN_ERR_ARGUMENT: the states are lost. */
clrnn_status clr_stream_check_states(const clrnn_graph_stream *stream);

/** One block, of whoever runs, is to come, or was before. Returns: as clrnn_graph_stream_process */
clrnn_status clr_stream_run(clrnn_graph_stream *stream, const clrnn_graph_io *io);

#endif

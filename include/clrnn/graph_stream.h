/* SPDX-License-Identifier: MIT
 * clrnn/graph_stream.h - sequences that arrive in blocks, as sound does, through a whole graph
 * (clrnn/graph.h): the state of every node stays from one block to the next.
 *
 * A stream has rows: N sequences side by side in one launch, each with its own place in time. A row
 * that has nothing in a block has length 0 there, and its state stays; one that begins anew is
 * reset alone. So rows join, leave and begin at any block, and what a row gives does not depend on
 * the others, nor on how it is cut into blocks (to the bit on CPU devices, and wherever our own
 * kernels do the products). Whether channels lie apart or interleaved is the layout of the graph's
 * inputs: [N,T,F] or [T,N,F]. */
#ifndef CLRNN_GRAPH_STREAM_H
#define CLRNN_GRAPH_STREAM_H

#include <clrnn/graph_plan.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct clrnn_graph_stream clrnn_graph_stream;

/* Zero-initialise, then set what you need. */
typedef struct clrnn_graph_stream_desc {
    uint32_t max_steps; /* largest block, must be set */
    uint32_t rows;      /* N; 0 means 1 */
    clrnn_strategy strategy;
    clrnn_gemm gemm;
} clrnn_graph_stream_desc;

/**
 * Make a stream with zero states. All memory that blocks need is allocated here, and every kernel
 * is made and run once.
 *
 * Ownership: on success *stream is the caller's; the context must outlive it; the graph may be
 *            destroyed, but nothing can be added to it any more. On failure NULL.
 * Threads:   any; one call at a time for each stream.
 * Returns:   as clrnn_graph_plan_create; CLRNN_ERR_ARGUMENT also for a node that needs more than
 * the
 *            past, as a backward direction does: the log names it
 */
CLRNN_API clrnn_status clrnn_graph_stream_create(clrnn_context *context, clrnn_graph *graph,
                                                 const clrnn_graph_stream_desc *desc,
                                                 clrnn_graph_stream **stream);

/** Wait, free it and set the pointer to NULL; NULL is accepted. */
CLRNN_API void clrnn_graph_stream_destroy(clrnn_graph_stream **stream);

/**
 * Run the graph over the next block, and wait once. Neither host nor device memory is allocated by
 * this library.
 *
 * io: as of clrnn_graph_plan_forward, with batch 0 or all rows; lengths[n] is how many steps row n
 *     has in this block: 0 leaves it as it is
 * Returns: as clrnn_graph_plan_forward; CLRNN_ERR_ARGUMENT also if the states were lost in a
 * failure
 *          before; on CLRNN_ERR_OPENCL and CLRNN_ERR_MEMORY they are lost, until all are reset
 */
CLRNN_API clrnn_status clrnn_graph_stream_process(clrnn_graph_stream *stream,
                                                  const clrnn_graph_io *io);

/* Instead of a row: all of them. */
#define CLRNN_ALL_ROWS UINT32_MAX

/** Begin anew with zero states. Returns: CLRNN_OK, CLRNN_ERR_ARGUMENT (NULL), CLRNN_ERR_RANGE (no
 *  such row), CLRNN_ERR_OPENCL (the states are lost) */
CLRNN_API clrnn_status clrnn_graph_stream_reset(clrnn_graph_stream *stream, uint32_t row);

/** Elements of the state of a row, of the graph's precision. Threads: any. */
CLRNN_API size_t clrnn_graph_stream_state_count(const clrnn_graph_stream *stream);

/** Copy the state of a row to or from host memory, [clrnn_graph_stream_state_count]; what one
 *  stream of a graph gave another one takes. Waits. Returns: CLRNN_OK, CLRNN_ERR_ARGUMENT,
 *  CLRNN_ERR_RANGE (no such row), CLRNN_ERR_OPENCL (to set: the states are lost) */
CLRNN_API clrnn_status clrnn_graph_stream_get_state(clrnn_graph_stream *stream, uint32_t row,
                                                    void *state);
CLRNN_API clrnn_status clrnn_graph_stream_set_state(clrnn_graph_stream *stream, uint32_t row,
                                                    const void *state);

/** Another stream of the same graph, parameters and states, which goes its own way from here.
 *  Ownership, returns: as clrnn_graph_stream_create */
CLRNN_API clrnn_status clrnn_graph_stream_fork(clrnn_graph_stream *stream,
                                               clrnn_graph_stream **fork);

/** Other parameters from the next block on, as clrnn_graph_plan_set_parameters; states stay. */
CLRNN_API clrnn_status clrnn_graph_stream_set_parameters(clrnn_graph_stream *stream,
                                                         const void *from);

/** The states of all rows as a file, an .npy or safetensors by its name, [N,count]; and back: the
 *  file must have as many rows and elements. Returns: as clrnn_tensors_save and
 *  clrnn_tensors_load; CLRNN_ERR_FORMAT (of another stream) */
CLRNN_API clrnn_status clrnn_graph_stream_save(clrnn_graph_stream *stream, const char *path);
CLRNN_API clrnn_status clrnn_graph_stream_load(clrnn_graph_stream *stream, const char *path);

#ifdef __cplusplus
}
#endif
#endif

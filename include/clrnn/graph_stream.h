/* SPDX-License-Identifier: MIT
 * clrnn/graph_stream.h - sequences that arrive in blocks, as sound does, through a whole graph
 * (clrnn/graph.h): the state of every node stays from one block to the next.
 *
 * A stream has rows: N sequences side by side in one launch, each with its own place in time. A row
 * that has nothing in a block has length 0 there, and its state stays; one that begins anew is
 * reset alone. So rows join, leave and begin at any block, and what a row gives does not depend on
 * the others, nor on how it is cut into blocks (to the bit on CPU devices, and wherever our own
 * kernels do the products). Whether channels lie one behind the other or interleaved is the layout
 * of the graph's inputs, [N,T,F] or [T,N,F]; rows in arrays of their own: _process_rows. */
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
 * Make a stream, in the states that its nodes begin with: zeros, or the h0 and c0 that are made of
 * constants and parameters alone (row 0 of them). All memory that blocks need is allocated here,
 * and every kernel is made and run once.
 *
 * Ownership: on success *stream is the caller's; the context must outlive it; the graph may be
 *            destroyed, but nothing can be added to it any more. On failure NULL.
 * Threads:   any; one call at a time for each stream.
 * Returns:   as clrnn_graph_plan_create; CLRNN_ERR_ARGUMENT also for a node that needs more than
 *            the past, as a backward direction does, or begins with states that depend on an input,
 *            and for several rows of a graph without N: the log names it
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
 *     has in this block: 0 leaves it as it is. Where the block itself has none, as some hosts of
 *     sound send them, steps is CLRNN_NONE (0 is the largest block): states stay, nothing is read
 *     or written
 * Returns: as clrnn_graph_plan_forward; CLRNN_ERR_ARGUMENT also if the states were lost in a
 *          failure before; on CLRNN_ERR_OPENCL and CLRNN_ERR_MEMORY they are lost, until all are reset
 */
CLRNN_API clrnn_status clrnn_graph_stream_process(clrnn_graph_stream *stream,
                                                  const clrnn_graph_io *io);

/* Instead of a row: all of them. */
#define CLRNN_ALL_ROWS UINT32_MAX

/**
 * The same for rows that lie apart, as the channels of a sound often do, of a graph with one input
 * and one output, each T, N and features in any order.
 *
 * steps: of this block, 0 means the largest, CLRNN_NONE that there are none
 * x: [rows], of each row [steps,features] (int32_t for ids); NULL: it has nothing in this block,
 *    and its state stays
 * y: [rows], where each row's output goes, [steps,features]: may be its x; NULL: it is not wanted
 * Returns: as clrnn_graph_stream_process
 */
CLRNN_API clrnn_status clrnn_graph_stream_process_rows(clrnn_graph_stream *stream, uint32_t steps,
                                                       const void *const *x, void *const *y);

/** Begin anew with the rest state. Returns: CLRNN_OK, CLRNN_ERR_ARGUMENT (NULL), CLRNN_ERR_RANGE
 * (no such row), CLRNN_ERR_OPENCL (the states are lost) */
CLRNN_API clrnn_status clrnn_graph_stream_reset(clrnn_graph_stream *stream, uint32_t row);

/**
 * What every row begins anew with: what the graph says (_create), until it is said otherwise; other
 * parameters do not change it. A model that needs some steps
 * of silence to settle is run over them once, and the state of a row then captured. Or it is given,
 * as [clrnn_graph_stream_state_count] in host memory; NULL: zeros. Does not change what runs.
 * Returns: CLRNN_OK, CLRNN_ERR_ARGUMENT, CLRNN_ERR_RANGE (no such row), CLRNN_ERR_OPENCL (it is
 *          undefined until it is set again)
 */
CLRNN_API clrnn_status clrnn_graph_stream_capture_rest(clrnn_graph_stream *stream, uint32_t row);
CLRNN_API clrnn_status clrnn_graph_stream_set_rest(clrnn_graph_stream *stream, const void *state);

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

/**
 * Another model for a stream that runs, made (and warmed up, if need be) as a stream of its own in
 * any thread. It is taken at the border of the next block, with its own states: the call waits for
 * nobody, and who processes blocks neither waits nor allocates nor frees. Over the first fade_steps
 * steps both models run, and outputs go evenly from the old one's to the new one's (outputs without
 * T as at the end of the block). What a fade is offered meanwhile waits for its end.
 *
 * next: in, the stream offered, of the same rows, largest block, precision, inputs and outputs (in
 *       name, order and shape); out, one that was offered before and has not been taken, which is
 *       the caller's again, or NULL
 * Ownership: on success the stream has the one offered; on failure it stays the caller's.
 * Threads:   any, while another one processes blocks
 * Returns:   CLRNN_OK, CLRNN_ERR_ARGUMENT (they differ: the log of `next` says where)
 */
CLRNN_API clrnn_status clrnn_graph_stream_offer(clrnn_graph_stream *stream,
                                                clrnn_graph_stream **next, uint32_t fade_steps);

/** The model that a swap has left behind, as a stream with its states, or NULL. The next one is
 *  taken only when it has been collected. Ownership: the caller's, to be destroyed. Threads: any,
 *  while another one processes blocks. */
CLRNN_API clrnn_graph_stream *clrnn_graph_stream_collect(clrnn_graph_stream *stream);

/** The states of all rows as a file, an .npy or safetensors by its name, [N,count]; and back: the
 *  file must have as many rows and elements. Returns: as clrnn_tensors_save and
 *  clrnn_tensors_load; CLRNN_ERR_FORMAT (of another stream) */
CLRNN_API clrnn_status clrnn_graph_stream_save(clrnn_graph_stream *stream, const char *path);
CLRNN_API clrnn_status clrnn_graph_stream_load(clrnn_graph_stream *stream, const char *path);

#ifdef __cplusplus
}
#endif
#endif

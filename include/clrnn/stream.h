/* SPDX-License-Identifier: MIT
 * clrnn/stream.h - a sequence that arrives in blocks, as sound does: the states stay on the device
 * from one block to the next. Letters: clrnn/network.h; a stream goes one way, so D is 1. */
#ifndef CLRNN_STREAM_H
#define CLRNN_STREAM_H

#include <clrnn/plan.h>

#ifdef __cplusplus
extern "C" {
#endif

/* One sequence, or N side by side, on its way through a network; N is max_batch of the plan. */
typedef struct clrnn_stream clrnn_stream;

/**
 * Make a stream that runs on a plan, with zero states.
 *
 * All memory a block needs is allocated here, for blocks of at most max_steps of the plan. The plan
 * may get its weights, and other weights, at any time between blocks. Several streams may share a
 * plan, which may also be used for other passes.
 *
 * Ownership: on success *stream is the caller's; the plan remains the caller's and must outlive it.
 *            On failure *stream is NULL.
 * Threads:   one call at a time for each plan and all its streams together.
 * Returns:   CLRNN_OK
 *            CLRNN_ERR_ARGUMENT  plan or stream is NULL, the plan trains, its `sequences` are not
 *                                f32, or its network is bidirectional: a backward direction needs
 *                                the whole sequence
 *            CLRNN_ERR_RANGE     a size overflows
 *            CLRNN_ERR_MEMORY, CLRNN_ERR_OPENCL
 */
CLRNN_API clrnn_status clrnn_stream_create(clrnn_plan *plan, clrnn_stream **stream);

/** Free it and set the pointer to NULL; NULL is accepted. The plan stays. Threads: as above. */
CLRNN_API void clrnn_stream_destroy(clrnn_stream **stream);

/**
 * Run the network over the next block, wait, and copy out: x is enqueued, the pass follows, and the
 * call waits once, for y. Neither host nor device memory is allocated by this library.
 *
 * For sound: on the native device everything happens in the caller's thread, and neither this nor
 * setting, reading and resetting states allocates memory, calls the system, takes a lock or reads a
 * clock, as long as one group does the work: with one thread always, with several (and the strategy
 * that `auto` takes) where a block has no more than 2^20 multiply-adds of h in a layer, N * G*H*R *
 * steps. Of a network of one layer and N = 1 it may have 2^22 (of x, G*H*I * steps, too, where I
 * is 2 H or more). Larger ones are shared, so other threads are woken and waited for. OpenCL
 * drivers do as they like: PoCL 3.1 allocates memory some 30 times a block, and hands work to
 * threads of its own. 64 KiB of stack are enough for the calling thread.
 *
 * On CPU devices, and wherever our own kernels do the products (clrnn_plan_info), y has the same
 * bits however a sequence is cut into blocks.
 *
 * x: in  host [steps,N,I], elements of the plan's precision; not used after the call
 * y: out host [steps,N,R]; may be x where R is I
 * steps: 1..max_steps of the plan, and may differ from block to block
 * Threads: as clrnn_stream_create.
 * Returns: CLRNN_OK
 *          CLRNN_ERR_ARGUMENT  stream, x or y is NULL, the plan has no weights, or the states were
 *                              lost in a failure before
 *          CLRNN_ERR_RANGE     steps out of range; as with the one above nothing has changed
 *          CLRNN_ERR_OPENCL, CLRNN_ERR_MEMORY  the driver refused: y is undefined, and the states
 *                              are lost: until clrnn_stream_reset or clrnn_stream_set_state every
 *                              other call says so
 */
CLRNN_API clrnn_status clrnn_stream_process(clrnn_stream *stream, const void *x, uint32_t steps,
                                            void *y);

/** Begin anew with zero states; enqueued, not waited for. Threads: as clrnn_stream_create.
 *  Returns: CLRNN_OK, CLRNN_ERR_ARGUMENT (NULL), CLRNN_ERR_OPENCL (the states are lost). */
CLRNN_API clrnn_status clrnn_stream_reset(clrnn_stream *stream);

/**
 * Copy the states in, or out, of host memory, elements of the plan's precision. Waits.
 *
 * h: [L,N,R]; to set, NULL = zeros; to get, NULL = not wanted
 * c: [L,N,H]; the same; LSTM only
 * Threads: as clrnn_stream_create.
 * Returns: CLRNN_OK
 *          CLRNN_ERR_ARGUMENT  stream is NULL, or c is present without LSTM; to get: the states
 *                              were lost in a failure before
 *          CLRNN_ERR_OPENCL    to set: the states are lost; to get: the arrays are undefined
 */
CLRNN_API clrnn_status clrnn_stream_set_state(clrnn_stream *stream, const void *h, const void *c);
CLRNN_API clrnn_status clrnn_stream_get_state(clrnn_stream *stream, void *h, void *c);

#ifdef __cplusplus
}
#endif
#endif

/* SPDX-License-Identifier: MIT
 * clrnn/graph_plan.h - running a graph (clrnn/graph.h), forward and backward, on host arrays. */
#ifndef CLRNN_GRAPH_PLAN_H
#define CLRNN_GRAPH_PLAN_H

#include <clrnn/graph.h>
#include <clrnn/plan.h>

#ifdef __cplusplus
extern "C" {
#endif

/* What a plan is made for. Zero-initialise, then set what you need. */
typedef struct clrnn_graph_plan_desc {
    uint32_t max_steps; /* largest T of a call; must be set if an input has T */
    uint32_t max_batch; /* largest N of a call; the same */
    bool train;         /* keep what backward needs, allow clrnn_graph_plan_backward */
    /* Gradients by the inputs too, those of ids left out. Nodes that run forward only are then in
     * their way, too. */
    bool input_gradients;
    clrnn_strategy strategy; /* of recurrent nodes */
    clrnn_gemm gemm;
} clrnn_graph_plan_desc;

typedef struct clrnn_graph_plan clrnn_graph_plan;

/**
 * Make a plan: shapes for the largest T and N, kernels, and all memory that passes need. It begins
 * with the parameters that the graph has.
 *
 * Ownership: on success *plan is the caller's; the context must outlive it; the graph may be
 *            destroyed, but nothing can be added to it any more. On failure NULL.
 * Threads:   any; one call at a time for each plan.
 * Returns:   CLRNN_OK
 *            CLRNN_ERR_ARGUMENT  a graph without outputs; `train` and a node that runs forward only
 *                                between a parameter and an output: the log names it
 *            CLRNN_ERR_RANGE     max_steps or max_batch is 0 or does not suit a node (as a window
 *                                longer than T); sizes that no memory can address
 *            CLRNN_ERR_UNSUPPORTED, CLRNN_ERR_SELF_TEST, CLRNN_ERR_MEMORY, CLRNN_ERR_OPENCL,
 *            CLRNN_ERR_BUILD     as clrnn_plan_create
 */
CLRNN_API clrnn_status clrnn_graph_plan_create(clrnn_context *context, clrnn_graph *graph,
                                               const clrnn_graph_plan_desc *desc,
                                               clrnn_graph_plan **plan);

/** Wait for its work, free it and set the pointer to NULL; NULL is accepted. */
CLRNN_API void clrnn_graph_plan_destroy(clrnn_graph_plan **plan);

/**
 * Copy all parameters to or from host memory: the flat array of clrnn/graph_parameters.h, of the
 * graph's precision. Waits.
 * Returns: CLRNN_OK, CLRNN_ERR_ARGUMENT (NULL), CLRNN_ERR_OPENCL (to set: they are undefined until
 *          set again)
 */
CLRNN_API clrnn_status clrnn_graph_plan_set_parameters(clrnn_graph_plan *plan, const void *from);
CLRNN_API clrnn_status clrnn_graph_plan_get_parameters(clrnn_graph_plan *plan, void *to);

/* An array that goes in, by the name of an input (or, for gradients, of an output). */
typedef struct clrnn_graph_source {
    const char *name;
    const void *data; /* row-major, packed for the T and N of the call; int32_t for ids */
} clrnn_graph_source;

/* One that comes out, by the name of an output (or, for gradients, of an input). */
typedef struct clrnn_graph_sink {
    const char *name;
    void *data;
} clrnn_graph_sink;

/* One pass. Zero-initialise, then set what you need. */
typedef struct clrnn_graph_io {
    uint32_t steps;                   /* T; 0 means max_steps, CLRNN_NONE that there are none */
    uint32_t batch;                   /* N; 0 means max_batch, CLRNN_NONE that there are none */
    const uint32_t *lengths;          /* [N], each 0..T; NULL = all T */
    const clrnn_graph_source *inputs; /* [input_count]: all of them, in any order */
    const clrnn_graph_sink *outputs;  /* [output_count]: those that are wanted */
    uint32_t input_count, output_count;
    uint64_t dropout_seed; /* with node, step, row and element the key of each dropout draw */
    uint32_t dropout_index;
} clrnn_graph_io;

/** What an output or input is for a T and an N: its axes. Returns: CLRNN_OK, CLRNN_ERR_ARGUMENT (no
 *  such value), CLRNN_ERR_RANGE (as clrnn_graph_plan_forward) */
CLRNN_API clrnn_status clrnn_graph_plan_shape(clrnn_graph_plan *plan, const char *name,
                                              uint32_t steps, uint32_t batch, uint32_t *rank,
                                              uint64_t shape[CLRNN_MOST_AXES]);

/**
 * Run the graph, and wait: outputs are complete when it returns, and 0 past a row's length.
 *
 * With CLRNN_NONE steps or rows nothing is read or written, and backward gives zeros. An output
 * that has numbers also then, as a state without steps, is not to be had.
 *
 * Returns: CLRNN_OK
 *          CLRNN_ERR_ARGUMENT  an input is missing, or a name is none
 *          CLRNN_ERR_RANGE     T, N or a length out of range, an id that is not in the vocabulary
 *                              of the node that reads it, a T that does not suit a node
 *          CLRNN_ERR_OPENCL, CLRNN_ERR_MEMORY  outputs are undefined
 */
CLRNN_API clrnn_status clrnn_graph_plan_forward(clrnn_graph_plan *plan, const clrnn_graph_io *io);

/* The gradients of a scalar loss. Zero-initialise. */
typedef struct clrnn_graph_gradients {
    const clrnn_graph_source *outputs; /* [output_count]: of the loss by outputs; others are 0 */
    const clrnn_graph_sink *inputs;    /* [input_count]: by inputs, of a plan that has them */
    uint32_t output_count, input_count;
    void *parameters; /* by all parameters, flat; those that are not trainable get 0; may be NULL */
} clrnn_graph_gradients;

/**
 * The backward pass that belongs to the last forward, and a wait: any loss of the outputs.
 * Gradients of outputs past a row's length are not read.
 * Returns: CLRNN_OK; CLRNN_ERR_ARGUMENT (the plan does not train, there was no forward pass, a name
 *          is none); CLRNN_ERR_OPENCL, CLRNN_ERR_MEMORY (gradients are undefined)
 */
CLRNN_API clrnn_status clrnn_graph_plan_backward(clrnn_graph_plan *plan,
                                                 const clrnn_graph_gradients *gradients);

/* What a plan came to. */
typedef struct clrnn_graph_plan_info {
    size_t work_bytes;      /* device memory for values, gradients and what nodes keep */
    size_t parameter_bytes; /* parameters, gradients and what is prepared of them */
} clrnn_graph_plan_info;

/** Valid as long as the plan. Threads: any. */
CLRNN_API const clrnn_graph_plan_info *clrnn_graph_plan_get_info(const clrnn_graph_plan *plan);

/** What recurrent node i of the graph runs as; NULL for other nodes. Threads: any. */
CLRNN_API const clrnn_plan_info *clrnn_graph_plan_node_info(const clrnn_graph_plan *plan,
                                                            uint32_t node);

/**
 * The plan in which recurrent node `node` of a graph ran, and the pass that it ran last: for the
 * functions of clrnn/trace.h, until the next pass.
 *
 * Ownership: both remain the graph plan's.
 * Returns: CLRNN_OK; CLRNN_ERR_ARGUMENT (NULL, the graph plan does not train, no forward pass yet,
 *          the node is not recurrent)
 */
CLRNN_API clrnn_status clrnn_graph_plan_trace(clrnn_graph_plan *plan, uint32_t node,
                                              clrnn_plan **own, clrnn_forward_io *pass);

/**
 * From now on backward passes also give the gradients by the states of this recurrent node, as `dh`
 * and `dc` of clrnn_backward_io say; absent slices end that.
 *
 * Ownership: the buffers remain the caller's and must last as long.
 * Returns: as clrnn_graph_plan_trace, but for the forward pass. What is too short clrnn_graph_plan_
 *          backward refuses.
 */
CLRNN_API clrnn_status clrnn_graph_plan_state_gradients(clrnn_graph_plan *plan, uint32_t node,
                                                        clrnn_slice dh, clrnn_slice dc);

#ifdef __cplusplus
}
#endif
#endif

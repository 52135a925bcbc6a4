/* SPDX-License-Identifier: MIT
 * clrnn/graph_parameters.h - the parameters of a graph, in host memory, and graphs in files. Needs
 * no device.
 *
 * All parameters lie in one flat array, node by node in the order of adding, and are named as
 * PyTorch names them: "rnn.weight_ih_l0", "head.weight", "norm.running_mean". */
#ifndef CLRNN_GRAPH_PARAMETERS_H
#define CLRNN_GRAPH_PARAMETERS_H

#include <clrnn/graph.h>
#include <clrnn/tensors.h>

#ifdef __cplusplus
extern "C" {
#endif

/* One tensor of the flat array. */
typedef struct clrnn_graph_parameter {
    const char *name; /* "head.weight"; valid as long as the graph */
    uint32_t node;
    uint32_t rank;
    uint64_t shape[CLRNN_MOST_AXES];
    size_t offset, count; /* elements */
    bool trainable;       /* false: constants, running_mean, running_var */
} clrnn_graph_parameter;

/** How many tensors, and elements of all of them; one of them, by number or by name (false if there
 *  is none). Threads: any while nothing is added. */
CLRNN_API size_t clrnn_graph_parameters(const clrnn_graph *graph);
CLRNN_API size_t clrnn_graph_parameter_count(const clrnn_graph *graph);
CLRNN_API bool clrnn_graph_parameter_at(const clrnn_graph *graph, size_t i,
                                        clrnn_graph_parameter *parameter);
CLRNN_API bool clrnn_graph_parameter_find(const clrnn_graph *graph, const char *name,
                                          clrnn_graph_parameter *parameter);

/** The flat array, [clrnn_graph_parameter_count] of the graph's precision: the caller may read and
 *  write it until something is added. New parameters are 0; norms' weight and running_var 1; those
 *  of constants their data. NULL if there is none. */
CLRNN_API void *clrnn_graph_data(clrnn_graph *graph);

/** Fill one parameter, from float64 or from a tensor of any dtype with as many elements (shapes may
 *  differ by axes of 1). Returns: CLRNN_OK, CLRNN_ERR_ARGUMENT (no such parameter),
 *  CLRNN_ERR_RANGE (another count) */
CLRNN_API clrnn_status clrnn_graph_set_parameter(clrnn_graph *graph, const char *name,
                                                 const double *values, size_t count);
CLRNN_API clrnn_status clrnn_graph_set_tensor(clrnn_graph *graph, const char *name,
                                              const clrnn_tensor *tensor);

/** Fresh values for all trainable parameters but constants: weights of recurrent nodes as
 *  clrnn_model_create, matrices Glorot uniform, embeddings normal with deviation 1/sqrt(units),
 *  biases 0, norms 1 and 0. The same seed gives the same bits everywhere. */
CLRNN_API clrnn_status clrnn_graph_initialize(clrnn_graph *graph, uint64_t seed);

/* --- files ---------------------------------------------------------------------------------- */

/**
 * A graph as a safetensors file: parameters by name, and its description as JSON in the metadata
 * string "clrnn". The file appears whole or not at all.
 * Returns: CLRNN_OK, CLRNN_ERR_IO, CLRNN_ERR_MEMORY, CLRNN_ERR_UNSUPPORTED (a build without
 *          safetensors), CLRNN_ERR_ARGUMENT
 */
CLRNN_API clrnn_status clrnn_graph_save(const clrnn_graph *graph, const char *path);

/**
 * Read one, or a file of clrnn_model_save (as three nodes: "embedding", "rnn", "head").
 * Ownership: on success *graph is the caller's. On failure NULL.
 * Returns:   CLRNN_OK, CLRNN_ERR_IO, CLRNN_ERR_FORMAT (the log names node or field),
 *            CLRNN_ERR_UNSUPPORTED, CLRNN_ERR_MEMORY
 */
CLRNN_API clrnn_status clrnn_graph_load(const char *path, clrnn_precision precision,
                                        const clrnn_log *log, clrnn_graph **graph);

/** The same as a set of tensors, to which more can be added, and from one, in which more may be.
 *  Ownership: the set stays the caller's. Returns: as those. */
CLRNN_API clrnn_status clrnn_graph_to_tensors(const clrnn_graph *graph, clrnn_tensors *set);
CLRNN_API clrnn_status clrnn_graph_from_tensors(const clrnn_tensors *set, clrnn_precision precision,
                                                const clrnn_log *log, clrnn_graph **graph);

#ifdef __cplusplus
}
#endif
#endif

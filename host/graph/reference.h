/* SPDX-License-Identifier: MIT
 * graph/reference.h - a graph in plain C and float64, node by node: what plans are judged by. */
#ifndef CLR_GRAPH_REFERENCE_H
#define CLR_GRAPH_REFERENCE_H

#include "graph/graph.h"

/* One pass. Arrays of a value are of its shape, NULL where nobody reads it. */
typedef struct clr_graph_reference {
    const clrnn_graph *graph;
    clr_shape *shapes; /* [values] */
    uint32_t *lengths; /* [nodes + 1][batch], NULL: all T */
    uint32_t batch;
    double **values;    /* [values]; the caller fills in inputs, ids too */
    double **gradients; /* [values]; the caller fills in those of outputs */
    double *parameters; /* [elements]; training batch norm changes its own */
    double *gradient;   /* [elements] */
    bool train;
    uint64_t dropout_seed;
    uint32_t dropout_index;
} clr_graph_reference;

/** Shapes and zeroed arrays; parameters are those of the graph. Free with
 *  clr_graph_reference_free, on failure too. Returns: CLRNN_OK, CLRNN_ERR_MEMORY, and as
 *  clrnn_graph_plan_forward for T and N that do not suit. */
clrnn_status clr_graph_reference_make(const clrnn_graph *graph, uint32_t steps, uint32_t batch,
                                      const uint32_t *lengths, clr_graph_reference *reference);
void clr_graph_reference_free(clr_graph_reference *reference);

/** Inputs to values; what they hold past a length becomes 0. Returns: CLRNN_OK, CLRNN_ERR_MEMORY */
clrnn_status clr_graph_reference_forward(clr_graph_reference *reference);

/** Gradients of outputs to all others, added to what is there. */
clrnn_status clr_graph_reference_backward(clr_graph_reference *reference);

#endif

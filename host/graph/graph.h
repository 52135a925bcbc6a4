/* SPDX-License-Identifier: MIT
 * graph/graph.h - a graph inside: its values, nodes and parameters. */
#ifndef CLR_GRAPH_GRAPH_H
#define CLR_GRAPH_GRAPH_H

#include <clrnn/graph_parameters.h>

#include <stdatomic.h>

#include "base/names.h"
#include "shape/value.h"

struct clr_kind;

#define CLR_NO_VALUE     UINT32_MAX
#define CLR_MOST_OUTPUTS 3

/* An array that a node makes, or an input of the graph. */
typedef struct clr_value {
    char *name;
    uint32_t node;   /* who makes it; CLR_NO_VALUE: it is an input */
    clr_shape shape; /* where T and N are CLR_PROBE_STEPS and CLR_PROBE_BATCH */
    clr_shape other; /* and where they are others: what differs is made of them */
} clr_value;

/* What they are beside CLR_PROBE_STEPS and CLR_PROBE_BATCH, to see what is made of them. */
#define CLR_OTHER_STEPS UINT64_C(1000033)
#define CLR_OTHER_BATCH UINT64_C(1013)

/* How a parameter begins. */
typedef enum clr_fill {
    CLR_FILL_ZERO,
    CLR_FILL_ONE,
    CLR_FILL_GLOROT,  /* uniform in +-sqrt(6/(in + out)) */
    CLR_FILL_NORMAL,  /* deviation 1/sqrt(in) */
    CLR_FILL_NETWORK, /* the weights of a recurrent node, with the tensors behind it */
    CLR_FILL_DATA
} clr_fill;

typedef struct clr_parameter {
    clrnn_graph_parameter info;
    clr_fill fill;
    uint64_t fan_in, fan_out;
} clr_parameter;

typedef struct clr_node {
    clrnn_node_desc desc; /* complete; name and inputs belong to the graph; data is NULL */
    const struct clr_kind *kind;
    uint32_t number;
    uint32_t input_count;
    uint32_t inputs[CLRNN_MOST_INPUTS]; /* values; CLR_NO_VALUE: left out */
    uint32_t first_value, outputs;
    uint32_t first_parameter, parameters;
} clr_node;

typedef struct clr_graph_output {
    char *name;
    uint32_t value;
} clr_graph_output;

struct clrnn_graph {
    atomic_uint users; /* the caller, and plans; while there is a plan nothing is added */
    clrnn_log log;
    clrnn_precision precision;
    clr_value *values;
    clr_node *nodes;
    clr_graph_output *outputs;
    clr_parameter *parameters;
    uint32_t value_count, input_count, node_count, output_count;
    uint32_t *inputs; /* [input_count] values */
    size_t parameter_count, elements;
    clr_names value_names, parameter_names;
    void *data;         /* [elements] */
    double sample_rate; /* 0: nobody has said it */
};

/** Bytes of an element. */
static inline size_t clr_graph_real(const clrnn_graph *graph)
{
    return graph->precision == CLRNN_F64 ? sizeof(double) : sizeof(float);
}

/** The value of a name, or CLR_NO_VALUE. */
uint32_t clr_graph_find(const clrnn_graph *graph, const char *name);

/** Read and write an element of the parameters. */
double clr_graph_get(const clrnn_graph *graph, size_t at);
void clr_graph_put(clrnn_graph *graph, size_t at, double value);

#endif

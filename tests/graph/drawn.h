/* SPDX-License-Identifier: MIT
 * tests/graph/drawn.h - graphs drawn at random, and passes through them beside the reference. */
#ifndef TEST_GRAPH_DRAWN_H
#define TEST_GRAPH_DRAWN_H

#include <clrnn/graph_plan.h>

#include "graph/reference.h"

/* Numbers from a seed. */
typedef struct drawn_numbers {
    uint64_t state;
} drawn_numbers;

uint32_t draw_below(drawn_numbers *numbers, uint32_t end);
double draw_real(drawn_numbers *numbers); /* in +-1 */

/** The seeds to draw, FIRST COUNT of a test's arguments; what is left out stays as it is. Returns
 * the arguments behind them, ended by NULL. */
char **drawn_arguments(int argc, char **argv, uint64_t *first, uint32_t *count);

/* A graph and a pass through it. */
typedef struct drawn_graph {
    uint64_t seed;
    clrnn_graph *graph;
    uint32_t steps, batch;
    uint32_t *lengths; /* or NULL */
    uint32_t dropout_index;
    bool forward_only; /* there is a node that cannot go back */
} drawn_graph;

/** Draw one of up to `most` nodes; kind: what its first node is, CLRNN_NODE_KINDS = any. */
drawn_graph draw_graph(uint64_t seed, clrnn_precision precision, uint32_t most,
                       clrnn_node_kind kind);
void drawn_free(drawn_graph *drawn);

/** Whether rows know nothing of each other: N stays an axis of all that is made of it, and nothing
 *  is done along it; and whether nothing but its length tells a row how many steps there are: T has
 *  lengths wherever it is. */
bool drawn_by_rows(const drawn_graph *drawn);

/** The kind of this name; CLRNN_NODE_KINDS: none, or name is NULL. */
clrnn_node_kind drawn_kind(const char *name);

/** The graph in one line: kinds, names, inputs, shapes. */
void drawn_print(const drawn_graph *drawn);

/* What goes in and comes out of the plan, in its own precision as float64. */
typedef struct drawn_pass {
    clr_graph_reference reference;
    clrnn_graph_plan *plan;
    double **outputs;         /* [outputs] of the plan */
    double **input_gradients; /* [inputs], NULL: none */
    double *gradient;         /* by parameters */
    double *parameters;       /* afterwards */
} drawn_pass;

/** Make a plan, run both. Fails the test if the plan cannot. */
drawn_pass drawn_run(const drawn_graph *drawn, clrnn_context *context, bool train);
void drawn_pass_free(const drawn_graph *drawn, drawn_pass *pass);

/** The largest error of outputs and gradients; name: of what it is [64]. */
double drawn_error(const drawn_graph *drawn, const drawn_pass *pass, bool train, char name[64]);

/** Fails the test, with the graph and its seed, if that of a pass that does not train is above
 *  `bound` in double precision, or 1e-5 in single. */
void drawn_check(const drawn_graph *drawn, const drawn_pass *pass, double bound);

/** Sum of output values times fixed weights, by the plan, with its inputs as `pass` has them. */
double drawn_loss(const drawn_graph *drawn, drawn_pass *pass);
double drawn_weight(uint32_t output, size_t element);

#endif

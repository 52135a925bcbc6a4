/* SPDX-License-Identifier: MIT
 * graph/plan.h - a graph made ready to run: where each value and gradient lies, and each node's
 * memory. */
#ifndef CLR_GRAPH_PLAN_H
#define CLR_GRAPH_PLAN_H

#include <clrnn/graph_plan.h>

#include "graph/kind.h"

/* A place in the arena, in elements. Absent: CLR_NOWHERE. */
#define CLR_NOWHERE SIZE_MAX

typedef struct clr_value_place {
    size_t value, gradient;
    size_t count;     /* elements for the largest T and N */
    uint32_t maker;   /* the node that writes it, or CLR_NO_VALUE */
    uint32_t of;      /* it is this value seen in another way; CLR_NO_VALUE: it has a place */
    uint32_t readers; /* how often nodes of the plan read it; of one that is its number */
    uint64_t sum_of_readers;
    bool wanted;         /* somebody reads it, or it is a node's first output */
    bool differentiable; /* it depends on a parameter, or an input of which gradients are wanted */
    bool has_gradient;   /* and an output depends on it */
    bool is_output;
    bool written; /* in a backward pass: its gradient has begun */
} clr_value_place;

typedef struct clr_node_place {
    size_t kept, forward, backward, lasting;
    size_t dx[CLRNN_MOST_INPUTS]; /* gradients that are to be added to what others wrote */
    bool back;                    /* it has part in backward */
    bool silent;                  /* there is nothing left for it to do: see graph/fuse.c */
    bool taken;                   /* its function is computed by the node before */
    bool whole;                   /* its terms cannot be combined where they are read */
    bool folds;                   /* its weights are behind the parameters; see graph/fold.c */
    bool turned;                  /* what it makes lies as its kind turns it */
    uint32_t into;                /* who does what this one did, or CLR_NO_VALUE */
    uint32_t last_part;           /* of those: the last that they do; see graph/fold.c */
    uint32_t leader;              /* who computes it, too, while `alike`; see graph/share.c */
    uint32_t last_led;            /* of a leader: the last that it does */
    bool alike;                   /* of a leader: all that follow it have its parameters */
    uint32_t twin;                /* a node before it of the same parameters, while `twins` */
    bool twins;                   /* its parameters are read, so that they stay in a cache */
    size_t rows[2];               /* of a leader: where the rows of all go in and come out */
    clr_node node;                /* as this plan runs it */
    void *own;
    size_t *at; /* [parameters + 1] */
    size_t state[CLR_STATE_PARTS];
    clr_state_part parts[CLR_STATE_PARTS];
    clrnn_slice traced[CLR_STATE_PARTS]; /* the caller's: clrnn_graph_plan_state_gradients */
    uint32_t part_count;
} clr_node_place;

struct clrnn_graph_plan {
    clrnn_graph *graph;
    clrnn_context *context;
    clrnn_graph_plan_desc desc;
    bool stream;
    bool carries;         /* states of nodes from pass to pass */
    bool begun;           /* the next pass begins with `state`; else as if nothing were carried */
    const uint32_t *kept; /* while it is made: see clr_graph_plan_keep */
    uint32_t kept_count;
    clr_tools tools;
    clrnn_graph_plan_info info;
    size_t real; /* bytes of an element */
    clr_value_place *values;
    clr_node_place *nodes;
    clr_shape *shapes;      /* [values] of the present pass */
    clr_strides *strides;   /* [values] how each lies there */
    map_terms *terms;       /* [values] of which it is combined where it is read */
    clr_length_rule *rules; /* [nodes + 1] */
    uint32_t *lengths;      /* [nodes + 1][max_batch] */
    cl_mem arena, parameters, gradient, lasting, lengths_buffer, state;
    cl_mem next; /* [state_count], after a pass that carries: see clr_plan_carry */
    size_t arena_count, lasting_count, state_count;
    size_t folded; /* elements behind the parameters */
    bool packed;   /* `lasting` is of these parameters */
    bool ran;      /* there is a forward pass for backward */
    bool empty;    /* that had no rows or no steps: graph/empty.h */
    bool ragged;
    uint32_t steps, batch;
    uint32_t empty_steps, empty_batch; /* of the last pass, if that was empty */
    uint64_t dropout_seed;
    uint32_t dropout_index;
};

/** As clrnn_graph_plan_create; stream: for blocks, with states. */
clrnn_status clr_graph_plan_make(clrnn_context *context, clrnn_graph *graph,
                                 const clrnn_graph_plan_desc *desc, bool stream,
                                 clrnn_graph_plan **plan);

/** The same, and `kept`, a value or CLR_NO_VALUE each [kept_count], are as outputs without a name:
 *  they can be read after a pass, and be given a gradient. carries: states of recurrent nodes and
 *  averages along T go on from pass to pass, each of max_batch rows. */
clrnn_status clr_graph_plan_keep(clrnn_context *context, clrnn_graph *graph,
                                 const clrnn_graph_plan_desc *desc, const uint32_t *kept,
                                 uint32_t kept_count, bool carries, clrnn_graph_plan **plan);

/** What is left after a pass begins as what there was before it: a node that makes nothing leaves
 * its states alone. And: the next pass begins with the states that the last one has left. */
clrnn_status clr_plan_begin_states(clrnn_graph_plan *plan);
void clr_plan_carry(clrnn_graph_plan *plan);

/** Decide which values have gradients, and check that all nodes in their way can go back. */
clrnn_status clr_plan_differentiate(clrnn_graph_plan *plan);

/** Before anything is fused: each node as the graph has it. */
void clr_plan_take_nodes(clrnn_graph_plan *plan);

/** Decide what a plan without training spares itself: see graph/fuse.c. */
clrnn_status clr_plan_fuse(clrnn_graph_plan *plan);

/** The same of functions written as several nodes; of what is done to channels behind node i, and
 *  of layers behind it, with values of these shapes (NULL: see graph/behind.h). */
void clr_plan_compose(clrnn_graph_plan *plan);
void clr_plan_fold(clrnn_graph_plan *plan, const clr_shape *shapes, uint32_t i);
void clr_plan_stack(clrnn_graph_plan *plan, const clr_shape *shapes, uint32_t i);

/** The one node that reads a value that is no output, and once; or CLR_NO_VALUE. */
uint32_t clr_plan_only_reader(const clrnn_graph_plan *plan, uint32_t value);

/** Node i is among the readers of its inputs; or it is not any more, and has none. */
void clr_plan_join_readers(clrnn_graph_plan *plan, uint32_t i);
void clr_plan_leave_readers(clrnn_graph_plan *plan, uint32_t i);

/** Others do what node i did, and its value is not made; so with constants that nobody reads any
 *  more. */
void clr_plan_leave_out(clrnn_graph_plan *plan, uint32_t i);
void clr_plan_leave_constants(clrnn_graph_plan *plan);

/** Weights that do more, from the parameters [elements], on the host. And: whether two nodes, alike
 *  in all else, do the same more. */
clrnn_status clr_plan_write_folded(clrnn_graph_plan *plan, const void *parameters);
bool clr_plan_same_folds(const clrnn_graph_plan *plan, uint32_t a, uint32_t b,
                         const void *parameters);

/** Decide whose rows are computed together; whether they still are with other parameters; and what
 *  leader `i` and all that follow it make. *some: whether that is anything. */
void clr_plan_share(clrnn_graph_plan *plan);
void clr_plan_share_again(clrnn_graph_plan *plan, const void *parameters);
clrnn_status clr_plan_lead(clrnn_graph_plan *plan, uint32_t i, bool *some);

/** How a node is run: with others that it leads, by another one, or alone. */
bool clr_plan_leads(const clrnn_graph_plan *plan, uint32_t i);
bool clr_plan_follows(const clrnn_graph_plan *plan, uint32_t i);

/** Rows of all that a leader computes, for the present shapes (0: it is none), and numbers of one
 * that goes in (k 0) or comes out. */
size_t clr_plan_row(const clr_run *run, uint32_t k);
size_t clr_plan_shared_rows(const clrnn_graph_plan *plan, uint32_t leader);

/** How values lie that have the shapes of the present pass. */
void clr_plan_see(clrnn_graph_plan *plan);

/** Where everything lies in the arena. Shapes are those of the largest T and N. */
clrnn_status clr_plan_lay_out(clrnn_graph_plan *plan);

/** Whose parameters node i reads: its own, or those of a node that has read them in this pass. */
uint32_t clr_plan_twin(const clrnn_graph_plan *plan, uint32_t i);
/** Node i of the present pass, forward or back. */
clr_run clr_plan_run(clrnn_graph_plan *plan, uint32_t node, bool back);

/** Shapes and lengths of a pass of so many steps and rows. Returns: CLRNN_OK, CLRNN_ERR_RANGE */
clrnn_status clr_plan_begin(clrnn_graph_plan *plan, uint32_t steps, uint32_t batch,
                            const uint32_t *lengths);

/** All nodes; inputs lie where they belong. */
clrnn_status clr_plan_forward(clrnn_graph_plan *plan);

/** Backward: no value has a gradient yet. Then gradients of outputs are put in place, each marked
 * as `written`; then all nodes, to plan->gradient. */
void clr_plan_back_begin(clrnn_graph_plan *plan);
clrnn_status clr_plan_back(clrnn_graph_plan *plan);

/** Whether an element of a value lies within its row's length, in the present pass. */
bool clr_plan_within(const clrnn_graph_plan *plan, uint32_t value, size_t element);

/** Make an array of a value, at `place`, 0 past the lengths. */
clrnn_status clr_plan_mask(clrnn_graph_plan *plan, uint32_t value, size_t place);

/** Enqueue an input, and make it 0 past the lengths; enqueue reading a value. */
clrnn_status clr_plan_write(clrnn_graph_plan *plan, uint32_t value, size_t place, const void *data);
clrnn_status clr_plan_read(clrnn_graph_plan *plan, uint32_t value, size_t place, void *data);

/** The value that is an output, or an input, of this name; CLR_NO_VALUE (logged) if there is none.
 */
uint32_t clr_plan_output(const clrnn_graph_plan *plan, const char *name);
uint32_t clr_plan_input(const clrnn_graph_plan *plan, const char *name);

/** The input whose gradient is asked for; CLR_NO_VALUE (logged) if it has none in this plan, or
 *  nowhere to go. */
uint32_t clr_plan_gradient_input(const clrnn_graph_plan *plan, const clrnn_graph_sink *to);

/** Write all inputs. Returns: CLRNN_OK, CLRNN_ERR_ARGUMENT (one is missing), CLRNN_ERR_RANGE (ids)
 */
clrnn_status clr_plan_inputs(clrnn_graph_plan *plan, const clrnn_graph_source *inputs,
                             uint32_t count);

/** Enqueue reading outputs. */
clrnn_status clr_plan_outputs(clrnn_graph_plan *plan, const clrnn_graph_sink *outputs,
                              uint32_t count);

#endif

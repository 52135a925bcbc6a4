/* SPDX-License-Identifier: MIT
 * train/learner_graph.h - the inside of a graph as what learns. */
#ifndef CLR_TRAIN_LEARNER_GRAPH_H
#define CLR_TRAIN_LEARNER_GRAPH_H

#include "train/graph_batch.h"
#include "train/trainer.h"

/* A loss's output, with its axis of classes last. */
typedef struct clr_graph_head {
    uint32_t value;
    cl_mem logits, dlogits; /* [rows,O] */
} clr_graph_head;

/* An output of the caller's own loss, on the host, and its gradient. */
typedef struct clr_graph_own {
    const char *name; /* belongs to the graph */
    uint32_t value;
    void *data, *gradient;
    cl_mem device; /* the gradient on its way */
} clr_graph_own;

typedef struct clr_graph_learner {
    clrnn_graph_plan *plan;                     /* trains */
    clrnn_graph_plan *evaluation;               /* made when it is needed */
    uint64_t version;                           /* of the parameters, from 1 on */
    uint64_t evaluated;                         /* the version that `evaluation` has */
    clrnn_graph_loss losses[CLRNN_MOST_LOSSES]; /* as they were given */
    uint32_t loss_count;
    clr_graph_head heads[CLRNN_MOST_LOSSES];
    clr_graph_own *own; /* [own_count] */
    uint32_t own_count;
    clrnn_graph_own_loss own_loss;
    void *own_user;
    clr_graph_staging staging; /* of batches of sequences */
} clr_graph_learner;

/** A plan that keeps what losses take, and carries states if the trainer does. Returns: as
 *  clrnn_graph_plan_create */
clrnn_status clr_graph_make_plan(const clrnn_trainer *trainer, clrnn_graph *graph,
                                 const clrnn_graph_plan_desc *desc, clrnn_graph_plan **plan);

/** See that there is something to carry, and room for it. Returns: CLRNN_OK, CLRNN_ERR_ARGUMENT */
clrnn_status clr_graph_check_carry(const clrnn_trainer *trainer);

/** See that a batch is of the rows whose states there are, and say what the pass begins with. */
clrnn_status clr_graph_begin_states(clrnn_trainer *trainer, clrnn_graph_plan *plan, uint32_t batch,
                                    bool reset);

/** See clr_learner. */
clrnn_status clr_graph_carry(clrnn_trainer *trainer);
void clr_graph_states(clrnn_trainer *trainer, clr_saved_array states[CLR_STATES]);

/** As of clr_learner. */
void clr_graph_fault(clrnn_trainer *trainer, char text[CLR_FAULT_TEXT]);

/** See clr_learner. */
size_t clr_graph_tensors(const clrnn_trainer *trainer);
void clr_graph_tensor(const clrnn_trainer *trainer, size_t index, clr_learner_tensor *info);
clrnn_status clr_graph_save(clrnn_trainer *trainer, clrnn_tensors *set);
clrnn_status clr_graph_load(clrnn_trainer *trainer, const clrnn_tensors *set, const char *path,
                            cl_mem *parameters);
clrnn_status clr_graph_differentiate(clrnn_trainer *trainer, clr_any_batch batch, clr_tally *tally);
clrnn_status clr_graph_evaluate(clrnn_trainer *trainer, clr_any_batch batch, clr_tally *tally);

#endif

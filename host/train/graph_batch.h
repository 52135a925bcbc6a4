/* SPDX-License-Identifier: MIT
 * train/graph_batch.h - batches of sequences, [T,N,I] with a target for each step, for a graph of
 * one input and one output of interest, whatever the layouts of these are. */
#ifndef CLR_TRAIN_GRAPH_BATCH_H
#define CLR_TRAIN_GRAPH_BATCH_H

#include <clrnn/graph_trainer.h>

#include "graph/plan.h"

/* Which axis of a value holds classes or values: the last that is neither T nor N nor made of them,
 * or CLR_NO_AXIS; and the value as [outer,O,inner] about it. */
int32_t clr_class_axis(const clr_value *value);
typedef struct clr_rows {
    size_t outer, O, inner;
} clr_rows;
clr_rows clr_rows_of(const clrnn_graph_plan *plan, uint32_t value);

/** The value that a loss takes of an output: itself, or what a softmax makes probabilities of in
 * its last node, over its axis of classes (of the loss binary: a sigmoid). CLR_NO_VALUE: its last
 * node has its function within, as a dense one may. */
uint32_t clr_logits_of(const clrnn_graph *graph, uint32_t value, clrnn_loss loss);

/* Memory of what is brought into another layout. Zero-initialise. */
typedef struct clr_graph_staging {
    void *x, *values, *output;
    int32_t *classes;
    size_t x_bytes, values_bytes, output_bytes, classes_bytes;
} clr_graph_staging;
void clr_graph_staging_free(clr_graph_staging *staging);

/* A batch of a graph made of one of sequences; it points to this, the batch and the staging. */
typedef struct clr_adapted {
    clrnn_graph_batch batch;
    clrnn_graph_source input;
    clrnn_graph_target target;
} clr_adapted;

/**
 * Bring a batch into the layouts of a graph's one input and of `output`, whose rows without T take
 * the last target that a sequence has. The plan is at this pass.
 * Returns: CLRNN_OK, CLRNN_ERR_ARGUMENT (the graph is no such one, an array is missing: logged),
 *          CLRNN_ERR_MEMORY
 */
clrnn_status clr_adapt_input(const clrnn_graph_plan *plan, const clrnn_batch *batch,
                             clr_graph_staging *staging, clr_adapted *adapted);
clrnn_status clr_adapt_targets(const clrnn_graph_plan *plan, uint32_t output,
                               const clrnn_batch *batch, clr_graph_staging *staging,
                               clr_adapted *adapted);

/** Run sequences through a plan that infers: logits out [T,N,O], those of an output without T at
 *  every step, probabilities brought back. Returns: as clrnn_graph_plan_forward */
clrnn_status clr_graph_logits(clrnn_graph_plan *plan, uint32_t output, const clrnn_batch *batch,
                              clrnn_loss loss, clr_graph_staging *staging, void *logits);

#endif

/* SPDX-License-Identifier: MIT
 * tests/train/learner.h - graphs to train, their trainers and batches. */
#ifndef TEST_TRAIN_LEARNER_H
#define TEST_TRAIN_LEARNER_H

#include "support.h"

#include <clrnn/graph_parameters.h>
#include <clrnn/graph_trainer.h>

/* Sizes of every graph here. */
enum { STEPS = 6, ROWS = 4, FEATURES = 3, CLASSES = 5 };

/* How x lies, and with it all that is made of it. */
typedef enum learner_layout {
    TIME_MAJOR,  /* [T,N,F] */
    BATCH_MAJOR, /* [N,T,F] */
    CHANNELS     /* [N,F,T] */
} learner_layout;

/** conv1d (or in CHANNELS dense in front of it), batch norm, dropout, two widths of recurrent
 *  stacks, and a head: the outputs "y", [..,CLASSES], of every step, "last", of the last step, and
 *  "squares", [..,2]. Parameters from the seed. */
clrnn_graph *learner_graph(learner_layout layout, clrnn_precision precision, double dropout,
                           uint64_t seed);

clrnn_trainer *learner_trainer(clrnn_context *context, clrnn_graph *graph,
                               const clrnn_graph_trainer_desc *desc);

/* A batch, in doubles or floats, time-major, for any loss; some targets are not counted. */
typedef struct learner_batch {
    clrnn_batch io;
    void *owned[3];
} learner_batch;
learner_batch learner_random(clrnn_precision precision, bool ragged, uint64_t seed);
void learner_batch_free(learner_batch *batch);

/** One step that must succeed: its loss. */
double learner_step(clrnn_trainer *trainer, const clrnn_batch *batch);

/** All parameters, or the gradient, as doubles; to be freed. */
double *learner_parameters(clrnn_trainer *trainer, const clrnn_graph *graph);
double *learner_gradient(clrnn_trainer *trainer, const clrnn_graph *graph);

#endif

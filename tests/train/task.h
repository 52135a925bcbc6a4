/* SPDX-License-Identifier: MIT
 * tests/train/task.h - models, batches for them, and parameters as double. */
#ifndef TEST_TRAIN_TASK_H
#define TEST_TRAIN_TASK_H

#include "support.h"

#include <clrnn/text.h>
#include <clrnn/trainer.h>

/* Sizes of every model here. */
enum { INPUTS = 3, HIDDEN = 5, VOCABULARY = 6, OUTPUTS = 4 };

/** A model of the cell: `layers` of HIDDEN units, a head of OUTPUTS; x of INPUTS, or symbols. */
clrnn_model_desc task_desc(clrnn_cell cell, clrnn_input input, uint32_t layers,
                           clrnn_precision precision);

clrnn_model *task_model(clrnn_context *context, const clrnn_model_desc *desc, uint64_t seed);
clrnn_trainer *task_trainer(clrnn_model *model, const clrnn_trainer_desc *desc);

/** The options without those that this optimiser and model do not use. */
clrnn_trainer_desc task_fitting(const clrnn_model_desc *model, const clrnn_trainer_desc *options);

/* A batch with all arrays that any model or loss may want. */
typedef struct task_batch {
    clrnn_batch io;
    void *owned[4];
} task_batch;

/** Pseudo-random numbers, symbols and targets; every fifth target is not counted. */
task_batch task_random(const clrnn_model *model, uint32_t T, uint32_t N, uint64_t seed);
void task_free(task_batch *batch);

/** Parameters of a model, or the gradient of a trainer, as double. [count], to be freed. */
double *task_parameters(clrnn_model *model);
double *task_gradient(clrnn_model *model, clrnn_trainer *trainer);
void task_set_parameters(clrnn_model *model, const double *values);

/** One training step that must succeed: its loss. */
double task_step(clrnn_trainer *trainer, const clrnn_batch *batch);

#endif

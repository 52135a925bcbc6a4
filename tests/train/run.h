/* SPDX-License-Identifier: MIT
 * tests/train/run.h - a model with its trainer, and reproducible steps of training. */
#ifndef TEST_TRAIN_RUN_H
#define TEST_TRAIN_RUN_H

#include "task.h"

/* Sizes of every batch here. */
enum { T = 4, N = 2 };

/* Everything that a checkpoint must bring back: clipping, dropout, noise, schedule, carried state.
 * run_open leaves out what its optimiser and model do not use. */
extern const clrnn_trainer_desc run_options;

typedef struct run {
    clrnn_model *model;
    clrnn_trainer *trainer;
} run;

run run_open(clrnn_context *context, const clrnn_model_desc *desc, const clrnn_trainer_desc *how,
             uint64_t seed);
void run_close(run *r);

/** Steps first, first+1, .. each with its own batch, one of them begun anew. The last loss. */
double run_train(const run *r, int first, int steps);

/** A path in the test's folder. */
typedef struct run_path {
    char text[512];
} run_path;
run_path run_file(const char *name);

void assert_same_parameters(const run *a, const run *b);

#endif

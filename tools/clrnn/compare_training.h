/* SPDX-License-Identifier: MIT
 * compare_training.h - one training of a comparison, between its files. */
#ifndef TOOL_COMPARE_TRAINING_H
#define TOOL_COMPARE_TRAINING_H

#include "compare.h"

/* What is trained: a text or data. */
typedef struct compare_training {
    compare_job *job;
    compare_result *result;
    compare_run *run;
    train_options o;
    bool is_text;
    train_session text;
    data_session data;
    char model[COMPARE_PATH], log[COMPARE_PATH], first[COMPARE_PATH];
} compare_training;

/** How far gradients of a model in a file come, over a batch of the training. An exit code. */
int compare_flow(compare_training *training, const char *path, inspect_flow *flow);

/** Write pictures/NAME-gates.png, of the model that the training has saved. An exit code. */
int compare_draw_gates(compare_training *training);

#endif

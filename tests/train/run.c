/* SPDX-License-Identifier: MIT
 * tests/train/run.c - see tests/train/run.h. */
#include "run.h"

#include <stdio.h>
#include <stdlib.h>

const clrnn_trainer_desc run_options = {.max_steps = T,
                                        .max_batch = N,
                                        .learning_rate = 0.02,
                                        .momentum = 0.9,
                                        .weight_decay = 0.1,
                                        .clip = 0.5,
                                        .dropout = 0.3f,
                                        .schedule = CLRNN_SCHEDULE_COSINE,
                                        .warmup_steps = 3,
                                        .total_steps = 12,
                                        .seed = 0xfedcba9876543210,
                                        .carry_state = true,
                                        .input_dropout = 0.2f,
                                        .variational = true,
                                        .drop_connect = 0.25f,
                                        .weight_noise = 0.01};

run run_open(clrnn_context *context, const clrnn_model_desc *desc, const clrnn_trainer_desc *how,
             uint64_t seed)
{
    run r = {task_model(context, desc, seed), NULL};
    const clrnn_trainer_desc options = task_fitting(desc, how);
    r.trainer = task_trainer(r.model, &options);
    return r;
}

void run_close(run *r)
{
    clrnn_trainer_destroy(&r->trainer);
    clrnn_model_destroy(&r->model);
}

double run_train(const run *r, int first, int steps)
{
    double loss = 0;
    for (int k = first; k < first + steps; k++) {
        task_batch batch = task_random(r->model, T, N, (uint64_t)(100 + k));
        batch.io.reset = k == 7;
        loss = task_step(r->trainer, &batch.io);
        task_free(&batch);
    }
    return loss;
}

run_path run_file(const char *name)
{
    run_path path;
    snprintf(path.text, sizeof path.text, "%s/%s", test_folder(), name);
    return path;
}

void assert_same_parameters(const run *a, const run *b)
{
    double *p = task_parameters(a->model), *q = task_parameters(b->model);
    assert_memory_equal(p, q, clrnn_model_parameter_count(a->model) * sizeof *p);
    free(p);
    free(q);
}

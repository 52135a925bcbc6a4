/* SPDX-License-Identifier: MIT
 * tests/train/test_model_gradient.c - the gradient of whole models against central differences of
 * the loss, in double precision: every cell, input and loss, with dropout, noise, recurrent weights
 * that are dropped, and lengths. */
#include "task.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "model/model.h"
#include "train/trainer.h"

enum { T = 4, N = 3 };
static const uint32_t lengths[N] = {4, 0, 3};

/* The loss at these parameters, always with the dropout of the first step. */
static double loss_at(clrnn_model *model, clrnn_trainer *trainer, const clrnn_batch *batch,
                      const double *parameters)
{
    trainer->steps_done = 0;
    task_set_parameters(model, parameters);
    return task_step(trainer, batch);
}

/* Along a random direction d within one tensor: (loss(p + h d) - loss(p - h d)) / 2h = gradient . d
 */
static void check_tensor(clrnn_model *model, clrnn_trainer *trainer, const clrnn_batch *batch,
                         double *parameters, const double *gradient, const clrnn_weight_info *info)
{
    const double h = 1e-5;
    double *d = test_random(info->count, info->offset + 1, 1),
           *saved = calloc(info->count, sizeof *d);
    double slope = 0, length = 0, loss[2];
    assert_non_null(saved);
    memcpy(saved, parameters + info->offset, info->count * sizeof *saved);
    for (size_t i = 0; i < info->count; i++) {
        slope += gradient[info->offset + i] * d[i];
        length += gradient[info->offset + i] * gradient[info->offset + i];
    }
    for (int side = 0; side < 2; side++) {
        for (size_t i = 0; i < info->count; i++)
            parameters[info->offset + i] = saved[i] + (side ? h : -h) * d[i];
        loss[side] = loss_at(model, trainer, batch, parameters);
    }
    memcpy(parameters + info->offset, saved, info->count * sizeof *saved);
    double measured = (loss[1] - loss[0]) / (2 * h);
    double allowed = 1e-6 * sqrt(length) * sqrt((double)info->count);
    if (!(fabs(measured - slope) <= allowed))
        fail_msg("%s: slope %.12g, measured %.12g, allowed difference %g", info->name, slope,
                 measured, allowed);
    assert_true(length > 0 || strstr(info->name, "bias"));
    free(d);
    free(saved);
}

static void check_model(clrnn_context *context, const clrnn_model_desc *desc, clrnn_loss loss,
                        float dropout)
{
    clrnn_model *model = task_model(context, desc, 3);
    const clrnn_trainer_desc options = {.max_steps = T,
                                        .max_batch = N,
                                        .loss = loss,
                                        .optimizer = CLRNN_SGD,
                                        .pre_emphasis = loss == CLRNN_LOSS_ESR ? 0.6 : 0,
                                        .dc_weight = loss == CLRNN_LOSS_ESR ? 0.7 : 0,
                                        .dropout = dropout,
                                        .seed = 11,
                                        .input_dropout = 0.2f,
                                        .variational = loss % 2,
                                        .drop_connect = loss % 3 ? 0.3f : 0,
                                        .weight_noise = 0.05};
    clrnn_trainer *trainer = task_trainer(model, &options);
    task_batch batch = task_random(model, T, N, 21);
    static const int32_t labels[T * N] = {1, 0, 3, 2, 0, 3, 2}; /* [T,N]: 1 2 2, none, 3 3 */
    batch.io.lengths = lengths;
    if (loss == CLRNN_LOSS_CTC)
        batch.io.targets = labels;
    double *parameters = task_parameters(model);
    /* Biases begin at 0, where too much is symmetric. */
    double *shift = test_random(model->count, 31, 0.3);
    for (size_t i = 0; i < model->count; i++)
        parameters[i] += shift[i];
    (void)loss_at(model, trainer, &batch.io, parameters);
    double *gradient = task_gradient(model, trainer);
    for (size_t i = 0; i < clr_model_tensors(model); i++) {
        clrnn_weight_info info;
        clr_model_tensor(model, i, "rnn.", &info);
        check_tensor(model, trainer, &batch.io, parameters, gradient, &info);
    }
    free(shift);
    free(parameters);
    free(gradient);
    task_free(&batch);
    clrnn_trainer_destroy(&trainer);
    clrnn_model_destroy(&model);
}

static void each_input_and_loss(clrnn_context *context, clrnn_network_desc network)
{
    if (!clrnn_context_device(context)->fp64)
        skip();
    for (int input = CLRNN_INPUT_DENSE; input <= CLRNN_INPUT_EMBEDDING; input++)
        for (int loss = CLRNN_LOSS_CROSS_ENTROPY; loss <= CLRNN_LOSS_CTC; loss++) {
            if (loss > CLRNN_LOSS_MEAN_SQUARED && input != CLRNN_INPUT_DENSE)
                continue; /* what comes in does not matter to them */
            clrnn_model_desc desc = task_desc(network.cell, (clrnn_input)input, 2, CLRNN_F64);
            network.input_size = desc.network.input_size;
            network.hidden_size = HIDDEN;
            network.num_layers = 2;
            desc.network = network;
            check_model(context, &desc, (clrnn_loss)loss, 0.3f);
        }
}

static void lstm(void **state)
{
    each_input_and_loss(*state, (clrnn_network_desc){.cell = CLRNN_CELL_LSTM});
}

static void lstm_bidirectional_projected(void **state)
{
    each_input_and_loss(
        *state,
        (clrnn_network_desc){.cell = CLRNN_CELL_LSTM, .bidirectional = true, .proj_size = 3});
}

static void gru_before(void **state)
{
    each_input_and_loss(*state, (clrnn_network_desc){.cell = CLRNN_CELL_GRU});
}

static void gru_after(void **state)
{
    each_input_and_loss(*state, (clrnn_network_desc){.cell = CLRNN_CELL_GRU,
                                                     .gru_reset = CLRNN_RESET_AFTER,
                                                     .gru_update = CLRNN_UPDATE_KEEPS,
                                                     .bidirectional = true});
}

static void rnn(void **state)
{
    each_input_and_loss(*state, (clrnn_network_desc){.cell = CLRNN_CELL_RNN, .no_bias = true});
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(lstm, test_open, test_close),
        cmocka_unit_test_setup_teardown(lstm_bidirectional_projected, test_open, test_close),
        cmocka_unit_test_setup_teardown(gru_before, test_open, test_close),
        cmocka_unit_test_setup_teardown(gru_after, test_open, test_close),
        cmocka_unit_test_setup_teardown(rnn, test_open, test_close),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: MIT
 * tests/train/task.c - see tests/train/task.h. */
#include "task.h"

#include <stdlib.h>

clrnn_model_desc task_desc(clrnn_cell cell, clrnn_input input, uint32_t layers,
                           clrnn_precision precision)
{
    clrnn_model_desc desc = {.network = {.cell = cell, .hidden_size = HIDDEN, .num_layers = layers},
                             .input = input,
                             .output_size = OUTPUTS,
                             .precision = precision};
    if (input != CLRNN_INPUT_ONE_HOT)
        desc.network.input_size = INPUTS;
    if (input != CLRNN_INPUT_DENSE)
        desc.vocabulary_size = VOCABULARY;
    return desc;
}

clrnn_model *task_model(clrnn_context *context, const clrnn_model_desc *desc, uint64_t seed)
{
    clrnn_model *model = NULL;
    assert_int_equal(clrnn_model_create(context, desc, seed, &model), CLRNN_OK);
    return model;
}

clrnn_trainer *task_trainer(clrnn_model *model, const clrnn_trainer_desc *desc)
{
    clrnn_trainer *trainer = NULL;
    assert_int_equal(clrnn_trainer_create(model, desc, &trainer), CLRNN_OK);
    return trainer;
}

clrnn_trainer_desc task_fitting(const clrnn_model_desc *model, const clrnn_trainer_desc *options)
{
    clrnn_trainer_desc fitting = *options;
    bool adam = options->optimizer == CLRNN_ADAM || options->optimizer == CLRNN_ADAMW;
    fitting.momentum = options->optimizer == CLRNN_SGD ? options->momentum : 0;
    fitting.beta1 = adam ? options->beta1 : 0;
    fitting.beta2 = adam ? options->beta2 : 0;
    fitting.rho = options->optimizer == CLRNN_RMSPROP ? options->rho : 0;
    fitting.epsilon = options->optimizer != CLRNN_SGD ? options->epsilon : 0;
    fitting.weight_decay = options->optimizer == CLRNN_ADAMW ? options->weight_decay : 0;
    fitting.dropout = model->network.num_layers > 1 ? options->dropout : 0;
    return fitting;
}

/* values become elements of the precision; frees them. */
static void *convert(clrnn_precision precision, double *values, size_t count)
{
    if (precision == CLRNN_F64)
        return values;
    float *out = calloc(count ? count : 1, sizeof *out);
    assert_non_null(out);
    for (size_t i = 0; i < count; i++)
        out[i] = (float)values[i];
    free(values);
    return out;
}

task_batch task_random(const clrnn_model *model, uint32_t T, uint32_t N, uint64_t seed)
{
    const clrnn_model_desc *desc = clrnn_model_get_desc(model);
    size_t rows = (size_t)T * N;
    double *random = test_random(2 * rows, seed, 0.5);
    int32_t *ids = calloc(rows, sizeof *ids), *targets = calloc(rows, sizeof *targets);
    assert_true(ids && targets);
    for (size_t i = 0; i < rows; i++) {
        ids[i] = (int32_t)((random[i] + 0.5) * VOCABULARY);
        targets[i] = i % 5 == 3 ? -1 : (int32_t)((random[rows + i] + 0.5) * OUTPUTS);
    }
    free(random);
    void *x = convert(desc->precision, test_random(rows * INPUTS, seed + 1, 1), rows * INPUTS);
    void *values =
        convert(desc->precision, test_random(rows * OUTPUTS, seed + 2, 1), rows * OUTPUTS);
    bool dense = desc->input == CLRNN_INPUT_DENSE;
    return (task_batch){.io = {.steps = T,
                               .batch = N,
                               .x = dense ? x : NULL,
                               .ids = dense ? NULL : ids,
                               .targets = targets,
                               .values = values},
                        .owned = {x, ids, targets, values}};
}

void task_free(task_batch *batch)
{
    for (size_t i = 0; i < 4; i++)
        free(batch->owned[i]);
}

/* Room for the parameters in the model's precision; widen() makes them double. */
static void *room(const clrnn_model *model)
{
    void *raw = calloc(clrnn_model_parameter_count(model), sizeof(double));
    assert_non_null(raw);
    return raw;
}

static double *widen(const clrnn_model *model, void *raw)
{
    size_t count = clrnn_model_parameter_count(model);
    if (clrnn_model_get_desc(model)->precision == CLRNN_F64)
        return raw;
    double *out = calloc(count, sizeof *out);
    assert_non_null(out);
    for (size_t i = 0; i < count; i++)
        out[i] = (double)((float *)raw)[i];
    free(raw);
    return out;
}

double *task_parameters(clrnn_model *model)
{
    void *raw = room(model);
    assert_int_equal(clrnn_model_get_parameters(model, raw), CLRNN_OK);
    return widen(model, raw);
}

double *task_gradient(clrnn_model *model, clrnn_trainer *trainer)
{
    void *raw = room(model);
    assert_int_equal(clrnn_trainer_get_gradient(trainer, raw), CLRNN_OK);
    return widen(model, raw);
}

void task_set_parameters(clrnn_model *model, const double *values)
{
    size_t count = clrnn_model_parameter_count(model);
    double *copy = calloc(count, sizeof *copy);
    assert_non_null(copy);
    for (size_t i = 0; i < count; i++)
        copy[i] = values[i];
    void *raw = convert(clrnn_model_get_desc(model)->precision, copy, count);
    assert_int_equal(clrnn_model_set_parameters(model, raw), CLRNN_OK);
    free(raw);
}

double task_step(clrnn_trainer *trainer, const clrnn_batch *batch)
{
    double loss = -1;
    assert_int_equal(clrnn_trainer_step(trainer, batch, &loss), CLRNN_OK);
    return loss;
}

/* SPDX-License-Identifier: MIT
 * tests/train/test_noise.c - what is drawn for a step of training: noise on weights, recurrent
 * weights that are dropped, and the input's dropout, against their definitions. */
#include "array.h"
#include "learner.h"
#include "task.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/philox.h"
#include "graph/graph.h"
#include "math/noise.h"
#include "model/model.h"

#define SEED 0x123456789abcdefu

/* --- the kernels ----------------------------------------------------------------------------- */

static void check_kernels(clrnn_context *context, clrnn_precision precision, size_t first,
                          size_t count)
{
    enum { ALL = 400 };
    const double u = precision == CLRNN_F64 ? 0x1p-53 : 0x1p-24;
    const clr_noise_key key = {SEED, 7};
    double *values = test_random(ALL, first + 1, 1);
    clr_noise noise;
    assert_int_equal(clr_noise_init(context, precision, &noise), CLRNN_OK);
    for (int drop = 0; drop < 2; drop++) {
        array a = array_make(context, precision, values, ALL);
        double *before = array_read(&a);
        assert_int_equal(drop ? clr_noise_drop(&noise, a.buffer, first, count, 0.3f, key)
                              : clr_noise_add(&noise, a.buffer, first, count, 0.25, key),
                         CLRNN_OK);
        double *got = array_read(&a);
        for (size_t i = 0; i < ALL; i++) {
            const bool inside = i >= first && i < first + count;
            const double expected = !inside ? before[i]
                                    : drop  ? before[i] * clr_weight_drop_factor(0.3, SEED, 7, i)
                                            : before[i] + 0.25 * clr_weight_noise(SEED, 7, i);
            const double allowed = inside ? 8 * u * (fabs(expected) + 1) : 0;
            if (!(fabs(got[i] - expected) <= allowed))
                fail_msg("drop %d: element %zu is %.9g, should be %.9g", drop, i, got[i], expected);
            if (drop && inside && expected == 0)
                assert_true(got[i] == 0);
        }
        free(before);
        free(got);
        array_free(&a);
    }
    clr_noise_free(&noise);
    free(values);
}

static void kernels_draw_what_is_defined(void **state)
{
    for (int precision = 0; precision < precisions(*state); precision++) {
        check_kernels(*state, (clrnn_precision)precision, 0, 400);
        check_kernels(*state, (clrnn_precision)precision, 3, 1);
        check_kernels(*state, (clrnn_precision)precision, 129, 67);
    }
}

/* Mean, variance and correlation of what neighbours and iterations get. */
static void noise_is_normal_and_independent(void **state)
{
    enum { COUNT = 40000 };
    double sum = 0, squares = 0, fourth = 0, beside = 0, again = 0;
    size_t dropped = 0;
    (void)state;
    for (uint32_t i = 0; i < COUNT; i++) {
        const double a = clr_weight_noise(SEED, 3, i);
        sum += a;
        squares += a * a;
        fourth += a * a * a * a;
        beside += a * clr_weight_noise(SEED, 3, i + 1);
        again += a * clr_weight_noise(SEED, 4, i);
        dropped += clr_weight_drop_factor(0.2, SEED, 3, i) == 0;
    }
    assert_true(fabs(sum / COUNT) < 0.02 && fabs(squares / COUNT - 1) < 0.03);
    assert_true(fabs(fourth / COUNT - 2.85) < 0.15);
    assert_true(fabs(beside / COUNT) < 0.02 && fabs(again / COUNT) < 0.02);
    assert_true(fabs((double)dropped / COUNT - 0.2) < 0.01);
    assert_true(clr_weight_noise(SEED, 3, (uint64_t)1 << 32) != clr_weight_noise(SEED, 3, 0));
    assert_true(clr_weight_noise(SEED, 3, 5) != clr_weight_noise(SEED + ((uint64_t)1 << 40), 3, 5));
}

/* --- a step of a model ----------------------------------------------------------------------- */

static const clrnn_trainer_desc drawn = {.max_steps = 6,
                                         .max_batch = 3,
                                         .optimizer = CLRNN_SGD,
                                         .learning_rate = 0.25,
                                         .seed = SEED,
                                         .drop_connect = 0.4f,
                                         .weight_noise = 0.125};

/* The factor of each parameter in step `index`: 1, or DropConnect's. [count], to be freed */
static double *factors_of(const clrnn_model *model, const clrnn_trainer_desc *how, uint32_t index)
{
    double *factors = calloc(model->count, sizeof *factors);
    size_t recurrent = 0;
    assert_non_null(factors);
    for (size_t i = 0; i < clr_model_tensors(model); i++) {
        clrnn_weight_info info;
        clr_model_tensor(model, i, "rnn.", &info);
        const bool hh = strncmp(info.name, "rnn.weight_hh", 13) == 0;
        for (size_t e = info.offset; e < info.offset + info.count; e++)
            factors[e] =
                hh && how->drop_connect > 0
                    ? clr_weight_drop_factor((double)how->drop_connect, how->seed, index, e)
                    : 1;
        recurrent += hh;
    }
    assert_true(recurrent > 0);
    return factors;
}

/* A step begins with the gradient by W' = (W + noise) * mask, which another trainer makes of W'
 * itself, times the mask; and changes W, not W', by it. */
static void check_step(clrnn_context *context, const clrnn_model_desc *desc,
                       const clrnn_trainer_desc *how, double tolerance)
{
    clrnn_model *model = task_model(context, desc, 3), *other = task_model(context, desc, 3);
    clrnn_trainer_desc plain = *how;
    plain.drop_connect = 0;
    plain.weight_noise = 0;
    clrnn_trainer *trainer = task_trainer(model, how), *by_hand = task_trainer(other, &plain);
    const size_t count = model->count;
    for (uint32_t k = 0; k < 3; k++) {
        task_batch batch = task_random(model, 6, 3, 30 + k);
        double *w = task_parameters(model), *factors = factors_of(model, how, k),
               *perturbed = calloc(count, sizeof *perturbed);
        assert_non_null(perturbed);
        for (size_t i = 0; i < count; i++)
            perturbed[i] = (w[i] + how->weight_noise * clr_weight_noise(SEED, k, i)) * factors[i];
        task_set_parameters(other, perturbed);
        const double loss = task_step(by_hand, &batch.io), got = task_step(trainer, &batch.io);
        assert_true(fabs(loss - got) <= tolerance * loss);
        double *expected = task_gradient(other, by_hand), *gradient = task_gradient(model, trainer),
               *after = task_parameters(model);
        for (size_t i = 0; i < count; i++) {
            expected[i] *= factors[i];
            if (factors[i] == 0)
                assert_true(gradient[i] == 0);
        }
        if (!(test_error(gradient, expected, count) <= 20 * tolerance))
            fail_msg("step %u: the gradient is off by %g", k,
                     test_error(gradient, expected, count));
        for (size_t i = 0; i < count; i++)
            expected[i] = w[i] - how->learning_rate * gradient[i];
        assert_true(test_error(after, expected, count) <= tolerance);
        double *arrays[] = {w, factors, perturbed, expected, gradient, after};
        for (size_t i = 0; i < 6; i++)
            free(arrays[i]);
        task_free(&batch);
    }
    clrnn_trainer_destroy(&trainer);
    clrnn_trainer_destroy(&by_hand);
    clrnn_model_destroy(&model);
    clrnn_model_destroy(&other);
}

static void a_step_with_other_weights(void **state)
{
    for (int precision = 0; precision < precisions(*state); precision++)
        for (int cell = 0; clrnn_cell_get_info((clrnn_cell)cell); cell++)
            for (int which = 1; which < 4; which++) {
                clrnn_model_desc desc =
                    task_desc((clrnn_cell)cell, (clrnn_input)(which - 1), 1 + (uint32_t)which % 2,
                              (clrnn_precision)precision);
                clrnn_trainer_desc how = drawn;
                desc.network.bidirectional = which == 2;
                desc.network.proj_size = cell == CLRNN_CELL_LSTM && which == 3 ? 3 : 0;
                how.drop_connect = which & 1 ? how.drop_connect : 0;
                how.weight_noise = which & 2 ? how.weight_noise : 0;
                check_step(*state, &desc, &how, precision ? 1e-13 : 2e-6);
            }
}

/* Evaluation has the weights as they are, before and after steps; what is frozen stays, and is
 * what a step computes with. */
static void evaluation_has_the_whole_weights(void **state)
{
    const clrnn_model_desc desc = task_desc(CLRNN_CELL_LSTM, CLRNN_INPUT_EMBEDDING, 1, CLRNN_F32);
    clrnn_trainer_desc how = drawn, plain = drawn;
    plain.drop_connect = 0;
    plain.weight_noise = 0;
    how.learning_rate = plain.learning_rate = 1e-30; /* moves nothing */
    clrnn_model *model = task_model(*state, &desc, 3);
    clrnn_trainer *trainer = task_trainer(model, &how), *without = task_trainer(model, &plain);
    task_batch batch = task_random(model, 6, 3, 31);
    double sums[3], losses[3];
    uint64_t count;
    for (int k = 0; k < 3; k++) {
        assert_int_equal(clrnn_trainer_evaluate(trainer, &batch.io, &sums[k], &count), CLRNN_OK);
        losses[k] = task_step(trainer, &batch.io);
    }
    assert_true(sums[0] == sums[1] && sums[1] == sums[2]);
    assert_true(losses[0] != losses[1] && losses[1] != losses[2]);
    const double loss = task_step(without, &batch.io);
    assert_true(fabs(loss - sums[0] / (double)count) < 1e-6 * loss && loss != losses[0]);
    assert_int_equal(clrnn_trainer_freeze(trainer, "embedding."), CLRNN_OK);
    assert_int_equal(clrnn_trainer_freeze(trainer, "rnn."), CLRNN_OK);
    assert_int_equal(clrnn_trainer_freeze(trainer, "head."), CLRNN_OK);
    assert_true(task_step(trainer, &batch.io) == loss);
    task_free(&batch);
    clrnn_trainer_destroy(&trainer);
    clrnn_trainer_destroy(&without);
    clrnn_model_destroy(&model);
}

/* --- the input's dropout --------------------------------------------------------------------- */

/* A step's loss is that of x times the factors. */
static void check_input(clrnn_context *context, bool variational, uint32_t layers)
{
    const clrnn_model_desc desc = task_desc(CLRNN_CELL_GRU, CLRNN_INPUT_DENSE, layers, CLRNN_F32);
    const clrnn_trainer_desc plain = {.max_steps = 6, .max_batch = 3, .seed = SEED};
    clrnn_trainer_desc how = plain;
    how.input_dropout = 0.4f;
    how.variational = variational;
    clrnn_model *model = task_model(context, &desc, 3);
    clrnn_trainer *trainer = task_trainer(model, &how), *by_hand = task_trainer(model, &plain);
    for (uint32_t k = 0; k < 2; k++) {
        task_batch batch = task_random(model, 6, 3, 30 + k);
        float x[6 * 3 * INPUTS];
        clrnn_batch dropped = batch.io;
        for (size_t i = 0; i < sizeof x / sizeof *x; i++) {
            const uint32_t t = (uint32_t)(i / INPUTS / 3), n = (uint32_t)(i / INPUTS % 3);
            x[i] = (float)(((const float *)batch.io.x)[i] *
                           clr_dropout_factor((double)0.4f, SEED, k, layers - 1,
                                              variational ? 0 : t, n, (uint32_t)(i % INPUTS)));
        }
        dropped.x = x;
        double loss, norm, got, got_norm;
        assert_int_equal(clrnn_trainer_differentiate(by_hand, &dropped, &loss, &norm), CLRNN_OK);
        assert_int_equal(clrnn_trainer_differentiate(trainer, &batch.io, &got, &got_norm),
                         CLRNN_OK);
        if (!(fabs(loss - got) < 1e-6 * loss && fabs(norm - got_norm) < 1e-5 * norm))
            fail_msg("variational %d, step %u: loss %.9g, should be %.9g", variational, k, got,
                     loss);
        (void)task_step(trainer, &batch.io);
        task_free(&batch);
    }
    clrnn_trainer_destroy(&trainer);
    clrnn_trainer_destroy(&by_hand);
    clrnn_model_destroy(&model);
}

static void the_input_is_dropped(void **state)
{
    for (uint32_t layers = 1; layers < 3; layers++) {
        check_input(*state, false, layers);
        check_input(*state, true, layers);
    }
}

/* --- a graph --------------------------------------------------------------------------------- */

static bool is_recurrent(const clrnn_graph_parameter *p)
{
    return strncmp(p->name, "wide.weight_hh", 14) == 0 ||
           strncmp(p->name, "narrow.weight_hh", 16) == 0;
}

/* As of a model; and what no optimiser moves, a running mean, is neither drawn nor lost. */
static void a_step_of_a_graph(void **state)
{
    clrnn_graph_trainer_desc how = {.training = {.max_steps = STEPS,
                                                 .max_batch = ROWS,
                                                 .optimizer = CLRNN_SGD,
                                                 .learning_rate = 0.25,
                                                 .seed = SEED,
                                                 .drop_connect = 0.4f,
                                                 .weight_noise = 0.125}};
    clrnn_graph_trainer_desc plain = how;
    plain.training.drop_connect = 0;
    plain.training.weight_noise = 0;
    clrnn_graph *graph = learner_graph(BATCH_MAJOR, CLRNN_F32, 0, 3);
    const size_t count = clrnn_graph_parameter_count(graph);
    clrnn_trainer *trainer = learner_trainer(*state, graph, &how),
                  *by_hand = learner_trainer(*state, graph, &plain);
    assert_int_equal(clrnn_trainer_freeze(trainer, "head."), CLRNN_OK);
    for (uint32_t k = 0; k < 3; k++) {
        learner_batch batch = learner_random(CLRNN_F32, k == 1, 40 + k);
        double *w = learner_parameters(trainer, graph), *factors = calloc(count, sizeof *factors);
        float *perturbed = calloc(count, sizeof *perturbed);
        assert_true(factors && perturbed);
        for (size_t i = 0; i < clrnn_graph_parameters(graph); i++) {
            clrnn_graph_parameter p;
            assert_true(clrnn_graph_parameter_at(graph, i, &p));
            const bool still = !p.trainable || strncmp(p.name, "head.", 5) == 0;
            for (size_t e = p.offset; e < p.offset + p.count; e++) {
                factors[e] =
                    is_recurrent(&p) ? clr_weight_drop_factor((double)0.4f, SEED, k, e) : 1;
                perturbed[e] =
                    (float)(still ? w[e]
                                  : (w[e] + 0.125 * clr_weight_noise(SEED, k, e)) * factors[e]);
                factors[e] = strncmp(p.name, "head.", 5) == 0 ? 0 : factors[e];
            }
        }
        assert_int_equal(clrnn_trainer_set_parameters(by_hand, perturbed), CLRNN_OK);
        const double loss = learner_step(by_hand, &batch.io),
                     got = learner_step(trainer, &batch.io);
        assert_true(fabs(loss - got) <= 2e-6 * loss);
        double *expected = learner_gradient(by_hand, graph),
               *gradient = learner_gradient(trainer, graph),
               *after = learner_parameters(trainer, graph),
               *moved = learner_parameters(by_hand, graph);
        for (size_t i = 0; i < count; i++)
            expected[i] *= factors[i];
        assert_true(test_error(gradient, expected, count) <= 1e-4);
        for (size_t i = 0; i < clrnn_graph_parameters(graph); i++) {
            clrnn_graph_parameter p;
            assert_true(clrnn_graph_parameter_at(graph, i, &p));
            for (size_t e = p.offset; e < p.offset + p.count; e++)
                expected[e] = p.trainable ? w[e] - 0.25 * gradient[e] : moved[e];
        }
        assert_true(test_error(after, expected, count) <= 2e-6);
        double *arrays[] = {w, factors, expected, gradient, after, moved};
        for (size_t i = 0; i < 6; i++)
            free(arrays[i]);
        free(perturbed);
        learner_batch_free(&batch);
    }
    clrnn_trainer_destroy(&trainer);
    clrnn_trainer_destroy(&by_hand);
    clrnn_graph_destroy(&graph);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(kernels_draw_what_is_defined, test_open, test_close),
        cmocka_unit_test(noise_is_normal_and_independent),
        cmocka_unit_test_setup_teardown(a_step_with_other_weights, test_open, test_close),
        cmocka_unit_test_setup_teardown(evaluation_has_the_whole_weights, test_open, test_close),
        cmocka_unit_test_setup_teardown(the_input_is_dropped, test_open, test_close),
        cmocka_unit_test_setup_teardown(a_step_of_a_graph, test_open, test_close),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

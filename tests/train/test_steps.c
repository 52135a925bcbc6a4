/* SPDX-License-Identifier: MIT
 * tests/train/test_steps.c - some steps of training against PyTorch in float64: losses of elements,
 * class weights, missing values, schedules, frozen parameters (tests/data/training). */
#include "task.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <clrnn/tensors.h>

enum { T = 6, N = 4, I = 3, H = 5, O = 3 };

static const clrnn_tensor *get(const clrnn_tensors *set, const char *name)
{
    const clrnn_tensor *t = clrnn_tensors_find(set, name);
    if (!t)
        fail_msg("no tensor %s", name);
    return t;
}

static double number(const clrnn_tensors *set, const char *key)
{
    const char *text = clrnn_tensors_metadata(set, key);
    return text ? strtod(text, NULL) : 0;
}

static int word(const char *text, const char *const *words)
{
    for (int i = 0; text && words[i]; i++)
        if (strcmp(words[i], text) == 0)
            return i;
    return 0;
}

static clrnn_trainer_desc options_of(const clrnn_tensors *set)
{
    static const char *const losses[] = {"cross_entropy", "mean_squared", "mean_absolute",
                                         "huber",         "binary",       NULL};
    static const char *const schedules[] = {"constant", "cosine", "step", "one_cycle", NULL};
    clrnn_trainer_desc desc = {
        .max_steps = T,
        .max_batch = N,
        .learning_rate = 0.05,
        .loss = (clrnn_loss)word(clrnn_tensors_metadata(set, "loss"), losses),
        .schedule = (clrnn_schedule)word(clrnn_tensors_metadata(set, "schedule"), schedules),
        .huber_delta = number(set, "huber_delta"),
        .missing = number(set, "missing") > 0,
        .step_every = (uint64_t)number(set, "step_every"),
        .step_factor = number(set, "step_factor"),
        .clip = number(set, "clip")};
    if (desc.schedule == CLRNN_SCHEDULE_ONE_CYCLE)
        desc.total_steps = get(set, "losses")->count;
    if (clrnn_tensors_find(set, "weights"))
        desc.class_weights = get(set, "weights")->data;
    return desc;
}

static void close_to(const char *name, const char *what, const double *a, const double *b,
                     size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (!(fabs(a[i] - b[i]) <= 1e-11 * (1 + fabs(b[i]))))
            fail_msg("%s: %s[%zu] is %.17g, not %.17g", name, what, i, a[i], b[i]);
}

static void follow(clrnn_context *context, const char *name)
{
    char file[100];
    clrnn_tensors *set = NULL;
    snprintf(file, sizeof file, "training/%s.safetensors", name);
    assert_int_equal(clrnn_tensors_load(test_data(file), &test_log, &set), CLRNN_OK);
    const clrnn_model_desc desc = {.network = {.cell = CLRNN_CELL_GRU,
                                               .input_size = I,
                                               .hidden_size = H,
                                               .gru_reset = CLRNN_RESET_AFTER,
                                               .gru_update = CLRNN_UPDATE_KEEPS},
                                   .output_size = O,
                                   .precision = CLRNN_F64};
    const clrnn_trainer_desc options = options_of(set);
    clrnn_model *model = task_model(context, &desc, 1);
    assert_int_equal(clrnn_model_parameter_count(model), get(set, "parameters")->count);
    assert_int_equal(clrnn_model_set_parameters(model, get(set, "parameters")->data), CLRNN_OK);
    clrnn_trainer *trainer = task_trainer(model, &options);
    const char *frozen = clrnn_tensors_metadata(set, "frozen");
    if (frozen)
        assert_int_equal(clrnn_trainer_freeze(trainer, frozen), CLRNN_OK);
    const clrnn_batch batch = {.lengths = get(set, "lengths")->data,
                               .x = get(set, "x")->data,
                               .targets = get(set, "targets")->data,
                               .values = get(set, "values")->data};
    const clrnn_tensor *losses = get(set, "losses");
    for (size_t k = 0; k < losses->count; k++) {
        const double loss = task_step(trainer, &batch);
        const double wanted = ((const double *)losses->data)[k];
        if (!(fabs(loss - wanted) <= 1e-11))
            fail_msg("%s: the loss of step %zu is %.17g, not %.17g", name, k, loss, wanted);
    }
    double *trained = task_parameters(model);
    close_to(name, "trained", trained, get(set, "trained")->data, get(set, "trained")->count);
    free(trained);
    clrnn_trainer_destroy(&trainer);
    clrnn_model_destroy(&model);
    clrnn_tensors_destroy(&set);
}

static void as_pytorch(void **state)
{
    static const char *const names[] = {
        "weights",          "absolute",      "huber", "binary",    "missing_squared",
        "missing_absolute", "missing_huber", "step",  "one_cycle", "frozen"};
    if (!clrnn_context_device(*state)->fp64)
        skip();
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        follow(*state, names[i]);
}

/* --- what else a trainer promises ----------------------------------------------------------- */

static const clrnn_trainer_desc usual = {.max_steps = 5, .max_batch = 2, .learning_rate = 0.01};

/* A rate that is set is that of the next step, and what a checkpoint goes on with. */
static void the_rate_can_change(void **state)
{
    const clrnn_model_desc desc = task_desc(CLRNN_CELL_RNN, CLRNN_INPUT_DENSE, 1, CLRNN_F32);
    clrnn_model *a = task_model(*state, &desc, 1), *b = task_model(*state, &desc, 1);
    clrnn_trainer_desc low = usual;
    low.learning_rate = 0.002;
    low.optimizer = CLRNN_SGD;
    clrnn_trainer_desc high = low;
    high.learning_rate = 0.5;
    clrnn_trainer *changed = task_trainer(a, &high), *plain = task_trainer(b, &low);
    assert_int_equal(clrnn_trainer_set_learning_rate(changed, 0.002), CLRNN_OK);
    assert_true(clrnn_trainer_learning_rate(changed) == 0.002);
    task_batch batch = task_random(a, 5, 2, 3);
    task_step(changed, &batch.io);
    task_step(plain, &batch.io);
    double *p = task_parameters(a), *q = task_parameters(b);
    assert_memory_equal(p, q, clrnn_model_parameter_count(a) * sizeof *p);
    static const double bad[] = {0, -1, INFINITY, NAN};
    for (size_t i = 0; i < 4; i++) {
        assert_int_equal(clrnn_trainer_set_learning_rate(changed, bad[i]), CLRNN_ERR_ARGUMENT);
        assert_error_contains("learning_rate");
    }
    free(p);
    free(q);
    task_free(&batch);
    clrnn_trainer_destroy(&changed);
    clrnn_trainer_destroy(&plain);
    clrnn_model_destroy(&a);
    clrnn_model_destroy(&b);
}

/* What is frozen keeps its bits, also of adamw, which would shrink it, and of parameters that are
 * set after it was frozen. */
static void frozen_stays(void **state)
{
    const clrnn_model_desc desc = task_desc(CLRNN_CELL_LSTM, CLRNN_INPUT_EMBEDDING, 1, CLRNN_F32);
    clrnn_model *model = task_model(*state, &desc, 1);
    clrnn_trainer_desc options = usual;
    options.optimizer = CLRNN_ADAMW;
    options.weight_decay = 0.5;
    clrnn_trainer *trainer = task_trainer(model, &options);
    assert_int_equal(clrnn_trainer_freeze(trainer, "embedding."), CLRNN_OK);
    assert_int_equal(clrnn_trainer_freeze(trainer, "rnn.weight_hh_l0"), CLRNN_OK);
    assert_int_equal(clrnn_trainer_freeze(trainer, "nothing"), CLRNN_ERR_ARGUMENT);
    assert_error_contains("rnn.weight_hh_l0");
    const size_t kept = VOCABULARY * INPUTS + 4 * HIDDEN * HIDDEN;
    assert_int_equal(clrnn_trainer_trained_count(trainer),
                     clrnn_model_parameter_count(model) - kept);
    const size_t count = clrnn_model_parameter_count(model), E = VOCABULARY * INPUTS;
    const size_t hh = E + 4 * HIDDEN * INPUTS, end = hh + 4 * HIDDEN * HIDDEN;
    for (int round = 0; round < 2; round++) {
        double *before = task_parameters(model);
        for (size_t i = 0; i < count && round; i++)
            before[i] += 0.125;
        task_set_parameters(model, before);
        task_batch batch = task_random(model, 5, 2, 3);
        for (int k = 0; k < 3; k++)
            task_step(trainer, &batch.io);
        double *after = task_parameters(model);
        for (size_t i = 0; i < count; i++) {
            const bool frozen = i < E || (i >= hh && i < end);
            if (frozen != ((float)after[i] == (float)before[i]))
                fail_msg("round %d, parameter %zu of %zu: %.9g became %.9g", round, i, count,
                         before[i], after[i]);
        }
        free(before);
        free(after);
        task_free(&batch);
    }
    clrnn_trainer_destroy(&trainer);
    clrnn_model_destroy(&model);
}

static void refuse(clrnn_model *model, clrnn_trainer_desc desc, const char *message)
{
    clrnn_trainer *trainer = (clrnn_trainer *)model;
    desc.max_steps = desc.max_batch = 2;
    assert_int_equal(clrnn_trainer_create(model, &desc, &trainer), CLRNN_ERR_ARGUMENT);
    assert_null(trainer);
    assert_error_contains(message);
}

static void refused(void **state)
{
    const clrnn_model_desc desc = task_desc(CLRNN_CELL_RNN, CLRNN_INPUT_DENSE, 1, CLRNN_F32);
    clrnn_model *m = task_model(*state, &desc, 1);
    const double weights[OUTPUTS] = {1, 1, -1, 1}, good[OUTPUTS] = {1, 1, 1, 1};
    refuse(m, (clrnn_trainer_desc){.huber_delta = 1}, "only the loss huber");
    refuse(m, (clrnn_trainer_desc){.loss = CLRNN_LOSS_HUBER, .huber_delta = -1},
           "huber_delta is -1");
    refuse(m, (clrnn_trainer_desc){.missing = true}, "negative target");
    refuse(m, (clrnn_trainer_desc){.class_weights = weights}, "class_weights[2] is -1");
    refuse(m, (clrnn_trainer_desc){.loss = CLRNN_LOSS_BINARY, .class_weights = good}, "of binary");
    refuse(m, (clrnn_trainer_desc){.pre_emphasis = 0.5}, "only the loss esr");
    refuse(m, (clrnn_trainer_desc){.loss = CLRNN_LOSS_ESR, .pre_emphasis = 1}, "pre_emphasis is 1");
    refuse(m, (clrnn_trainer_desc){.loss = CLRNN_LOSS_ESR, .dc_weight = -1}, "dc_weight is -1");
    refuse(m, (clrnn_trainer_desc){.loss = CLRNN_LOSS_CTC, .missing = true}, "negative target");
    refuse(m, (clrnn_trainer_desc){.schedule = CLRNN_SCHEDULE_STEP}, "step_every is 0");
    refuse(m, (clrnn_trainer_desc){.step_every = 3}, "step_every is 3");
    refuse(m, (clrnn_trainer_desc){.step_factor = 0.5}, "step_factor");
    refuse(m,
           (clrnn_trainer_desc){.schedule = CLRNN_SCHEDULE_STEP, .step_every = 1, .step_factor = 1},
           "step_factor is 1");
    refuse(m, (clrnn_trainer_desc){.schedule = CLRNN_SCHEDULE_ONE_CYCLE}, "total_steps is 0");
    refuse(m,
           (clrnn_trainer_desc){
               .schedule = CLRNN_SCHEDULE_ONE_CYCLE, .total_steps = 9, .warmup_steps = 2},
           "warmup_steps is 2");
    clrnn_model_destroy(&m);
}

/* NaN among values is an error unless it may be missing; with all of a batch missing there is no
 * mean. */
static void missing_must_be_said(void **state)
{
    const clrnn_model_desc desc = task_desc(CLRNN_CELL_RNN, CLRNN_INPUT_DENSE, 1, CLRNN_F32);
    clrnn_model *m = task_model(*state, &desc, 1);
    clrnn_trainer_desc strict = usual, lax = usual;
    strict.loss = lax.loss = CLRNN_LOSS_HUBER;
    lax.missing = true;
    clrnn_trainer *a = task_trainer(m, &strict), *b = task_trainer(m, &lax);
    task_batch batch = task_random(m, 5, 2, 3);
    float *values = (float *)batch.owned[3];
    double loss = 0;
    values[0] = NAN;
    assert_int_equal(clrnn_trainer_step(a, &batch.io, &loss), CLRNN_ERR_NOT_FINITE);
    assert_int_equal(clrnn_trainer_step(b, &batch.io, &loss), CLRNN_OK);
    assert_true(isfinite(loss));
    for (size_t i = 0; i < 5 * 2 * OUTPUTS; i++)
        values[i] = NAN;
    assert_int_equal(clrnn_trainer_step(b, &batch.io, &loss), CLRNN_ERR_RANGE);
    assert_error_contains("no step is counted");
    task_free(&batch);
    clrnn_trainer_destroy(&a);
    clrnn_trainer_destroy(&b);
    clrnn_model_destroy(&m);
}

/* A batch whose targets are all of a class that weighs 0 is a step like any other, without a loss.
 */
static void classes_that_weigh_nothing(void **state)
{
    const clrnn_model_desc desc = task_desc(CLRNN_CELL_GRU, CLRNN_INPUT_DENSE, 1, CLRNN_F32);
    clrnn_model *m = task_model(*state, &desc, 1);
    const double weights[OUTPUTS] = {0, 1, 1, 1};
    clrnn_trainer_desc with = usual;
    with.class_weights = weights;
    with.optimizer = CLRNN_SGD;
    clrnn_trainer *trainer = task_trainer(m, &with);
    task_batch batch = task_random(m, 5, 2, 3);
    int32_t *targets = (int32_t *)batch.owned[2];
    float before[4096], after[4096];
    const size_t bytes = clrnn_model_parameter_count(m) * sizeof *before;
    assert_true(bytes <= sizeof before);
    memset(targets, 0, 5 * 2 * sizeof *targets);
    assert_int_equal(clrnn_trainer_get_parameters(trainer, before), CLRNN_OK);
    double loss = NAN, norm = NAN;
    assert_int_equal(clrnn_trainer_differentiate(trainer, &batch.io, &loss, &norm), CLRNN_OK);
    assert_true(loss == 0 && norm == 0);
    assert_int_equal(clrnn_trainer_step(trainer, &batch.io, &loss), CLRNN_OK);
    assert_true(loss == 0);
    assert_int_equal(clrnn_trainer_get_parameters(trainer, after), CLRNN_OK);
    assert_memory_equal(before, after, bytes);
    targets[3] = 1;
    assert_int_equal(clrnn_trainer_step(trainer, &batch.io, &loss), CLRNN_OK);
    assert_true(loss > 0);
    assert_int_equal(clrnn_trainer_get_parameters(trainer, after), CLRNN_OK);
    assert_memory_not_equal(before, after, bytes);
    task_free(&batch);
    clrnn_trainer_destroy(&trainer);
    clrnn_model_destroy(&m);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, test_open, test_close)
    const struct CMUnitTest tests[] = {
        TEST(as_pytorch), TEST(the_rate_can_change),  TEST(frozen_stays),
        TEST(refused),    TEST(missing_must_be_said), TEST(classes_that_weigh_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

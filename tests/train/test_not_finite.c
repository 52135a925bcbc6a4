/* SPDX-License-Identifier: MIT
 * tests/train/test_not_finite.c - a loss or gradient that is not finite changes nothing, is told at
 * the next call that waits, and never reaches a checkpoint. */
#include "task.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "model/model.h"

enum { STEPS = 4, ROWS = 3 };

static const char *checkpoint(void)
{
    static char path[512];
    snprintf(path, sizeof path, "%s/m.safetensors", test_folder());
    return path;
}

/* A trainer, and batches for it: good ones, and one whose loss is NaN. */
typedef struct training {
    clrnn_model *model;
    clrnn_trainer *trainer;
    task_batch good, bad;
} training;

static training begin(clrnn_context *context, clrnn_optimizer optimizer, double clip,
                      clrnn_precision precision)
{
    training t = {0};
    clrnn_model_desc desc = task_desc(CLRNN_CELL_LSTM, CLRNN_INPUT_DENSE, 1, precision);
    const clrnn_trainer_desc options = {.max_steps = STEPS,
                                        .max_batch = ROWS,
                                        .loss = CLRNN_LOSS_MEAN_SQUARED,
                                        .optimizer = optimizer,
                                        .learning_rate = 0.01,
                                        .momentum = optimizer == CLRNN_SGD ? 0.9 : 0,
                                        .weight_decay = optimizer == CLRNN_ADAMW ? 0.1 : 0,
                                        .clip = clip,
                                        .carry_state = true};
    t.model = task_model(context, &desc, 1);
    t.trainer = task_trainer(t.model, &options);
    t.good = task_random(t.model, STEPS, ROWS, 5);
    t.bad = task_random(t.model, STEPS, ROWS, 6);
    if (precision == CLRNN_F64)
        ((double *)t.bad.io.x)[7] = NAN;
    else
        ((float *)t.bad.io.x)[7] = NAN;
    return t;
}

static void end(training *t)
{
    task_free(&t->good);
    task_free(&t->bad);
    clrnn_trainer_destroy(&t->trainer);
    clrnn_model_destroy(&t->model);
}

/* The steps that a training has done, and the bits of its parameters. */
static void assert_same(training *t, const training *other)
{
    double *a = task_parameters(t->model), *b = task_parameters(other->model);
    assert_memory_equal(a, b, t->model->count * sizeof *a);
    assert_int_equal(clrnn_trainer_steps_done(t->trainer),
                     clrnn_trainer_steps_done(other->trainer));
    free(a);
    free(b);
}

static void assert_told(clrnn_status status, const char *what)
{
    assert_int_equal(status, CLRNN_ERR_NOT_FINITE);
    assert_error_contains(what);
}

/* The other never sees a bad batch, but begins anew where this one does. */
static void check_step(clrnn_context *context, clrnn_optimizer optimizer, double clip,
                       clrnn_precision precision, bool at_once)
{
    training t = begin(context, optimizer, clip, precision);
    training other = begin(context, optimizer, clip, precision);
    double loss = 0;
    for (int i = 0; i < 2; i++) {
        (void)task_step(t.trainer, &t.good.io);
        (void)task_step(other.trainer, &t.good.io);
    }
    if (at_once) {
        assert_told(clrnn_trainer_step(t.trainer, &t.bad.io, &loss),
                    "loss of step 3 is not finite, at a learning rate of 0.01 (layer 0, step 0, "
                    "row 2: input of unit 1 is ");
        assert_true(isnan(loss));
    } else { /* found later, after steps that would have been good */
        assert_int_equal(clrnn_trainer_step(t.trainer, &t.bad.io, NULL), CLRNN_OK);
        t.good.io.reset = true;
        assert_int_equal(clrnn_trainer_step(t.trainer, &t.good.io, NULL), CLRNN_OK);
        assert_told(clrnn_trainer_step(t.trainer, &t.good.io, &loss), "loss of step 3");
        assert_true(isfinite(loss));
        t.good.io.reset = false;
    }
    assert_same(&t, &other);
    other.good.io.reset = true;
    assert_true(task_step(t.trainer, &t.good.io) == task_step(other.trainer, &other.good.io));
    assert_same(&t, &other);
    end(&t);
    end(&other);
}

static void a_bad_step_changes_nothing(void **state)
{
    bool fp64 = clrnn_context_device(*state)->fp64;
    for (int kind = CLRNN_ADAM; kind <= CLRNN_RMSPROP; kind++)
        for (int i = 0; i < 4; i++)
            check_step(*state, (clrnn_optimizer)kind, i % 2 ? 0.5 : 0,
                       fp64 && kind % 2 ? CLRNN_F64 : CLRNN_F32, i / 2);
}

/* Targets so far away that their squares overflow, and gradients do not: a step that would pass. */
static void only_the_loss(void **state)
{
    training t = begin(*state, CLRNN_SGD, 1, CLRNN_F32), other = begin(*state, CLRNN_SGD, 1, 0);
    double loss = 0, norm = 0;
    ((float *)t.good.io.values)[0] = 2e19f;
    assert_told(clrnn_trainer_step(t.trainer, &t.good.io, &loss), "loss of step 1");
    assert_int_equal(clrnn_trainer_gradient_norm(t.trainer, &norm), CLRNN_OK);
    assert_true(isinf(loss) && isfinite(norm) && norm > 1e15);
    assert_same(&t, &other);
    end(&t);
    end(&other);
}

/* With h = 0 at every step a tanh lets every gradient through, and recurrent weights of 1e13 make
 * it overflow on its way back, while the loss is a usual number. */
static void only_the_gradient(void **state)
{
    enum { HH = HIDDEN * INPUTS, BIAS = HH + HIDDEN * HIDDEN, HEAD = BIAS + 2 * HIDDEN };
    const clrnn_trainer_desc options = {
        .max_steps = STEPS, .max_batch = ROWS, .loss = CLRNN_LOSS_MEAN_SQUARED};
    clrnn_model_desc desc = task_desc(CLRNN_CELL_RNN, CLRNN_INPUT_DENSE, 1, CLRNN_F32);
    clrnn_model *model = task_model(*state, &desc, 1);
    clrnn_trainer *trainer = task_trainer(model, &options);
    task_batch batch = task_random(model, STEPS, ROWS, 5);
    double *parameters = calloc(model->count, sizeof *parameters), loss = 0;
    assert_non_null(parameters);
    for (size_t i = HH; i < BIAS; i++)
        parameters[i] = 1e13;
    for (size_t i = HEAD; i < HEAD + HIDDEN * OUTPUTS; i++)
        parameters[i] = 1;
    task_set_parameters(model, parameters);
    assert_told(clrnn_trainer_step(trainer, &batch.io, &loss), "gradient of step 1");
    assert_true(isfinite(loss));
    double *after = task_parameters(model);
    for (size_t i = 0; i < model->count; i++)
        assert_true((float)after[i] == (float)parameters[i]);
    free(after);
    free(parameters);
    task_free(&batch);
    clrnn_trainer_destroy(&trainer);
    clrnn_model_destroy(&model);
}

/* What the next step would find, without it: nothing but the gradient is another then. */
static void a_look_ahead(void **state)
{
    for (int bad = 0; bad < 2; bad++) {
        training t = begin(*state, CLRNN_ADAM, 1, CLRNN_F32);
        training other = begin(*state, CLRNN_ADAM, 1, CLRNN_F32);
        double loss = 0, norm = 0, after = 0;
        (void)task_step(t.trainer, &t.good.io);
        (void)task_step(other.trainer, &t.good.io);
        assert_int_equal(
            clrnn_trainer_differentiate(t.trainer, bad ? &t.bad.io : &t.good.io, &loss, &norm),
            CLRNN_OK);
        assert_true(bad ? isnan(loss) && isnan(norm) : isfinite(loss) && norm > 0);
        assert_same(&t, &other);
        double expected = task_step(other.trainer, &t.good.io);
        assert_true(task_step(t.trainer, &t.good.io) == expected && (bad || loss == expected));
        assert_int_equal(clrnn_trainer_gradient_norm(t.trainer, &after), CLRNN_OK);
        assert_true(bad || norm == after);
        assert_same(&t, &other);
        /* of a bad step that nobody was told of yet, it tells */
        assert_int_equal(clrnn_trainer_step(t.trainer, &t.bad.io, NULL), CLRNN_OK);
        assert_told(clrnn_trainer_differentiate(t.trainer, &t.good.io, &loss, &norm), "step 3");
        assert_int_equal(clrnn_trainer_differentiate(t.trainer, NULL, &loss, &norm),
                         CLRNN_ERR_ARGUMENT);
        end(&t);
        end(&other);
    }
}

static void evaluation_tells_and_goes_on(void **state)
{
    training t = begin(*state, CLRNN_ADAM, 1, CLRNN_F32);
    double sum = 0;
    uint64_t count = 0;
    assert_int_equal(clrnn_trainer_step(t.trainer, &t.bad.io, NULL), CLRNN_OK);
    assert_told(clrnn_trainer_evaluate(t.trainer, &t.good.io, &sum, &count), "step 1");
    assert_int_equal(clrnn_trainer_evaluate(t.trainer, &t.good.io, &sum, &count), CLRNN_OK);
    assert_true(isfinite(sum));
    assert_int_equal(clrnn_trainer_evaluate(t.trainer, &t.bad.io, &sum, &count), CLRNN_OK);
    assert_true(isnan(sum)); /* a result of the data, not a fault of the training */
    end(&t);
}

static void assert_untouched(const void *bytes, size_t size)
{
    void *now = NULL;
    size_t now_size = 0;
    assert_int_equal(clr_file_read(checkpoint(), &test_log, &now, &now_size), CLRNN_OK);
    assert_int_equal(now_size, size);
    assert_memory_equal(now, bytes, size);
    free(now);
}

static void the_last_good_checkpoint_stays(void **state)
{
    training t = begin(*state, CLRNN_ADAM, 1, CLRNN_F32);
    void *bytes = NULL;
    size_t size = 0;
    double loss = 0;
    (void)task_step(t.trainer, &t.good.io);
    assert_int_equal(clrnn_trainer_save(t.trainer, checkpoint()), CLRNN_OK);
    assert_int_equal(clr_file_read(checkpoint(), &test_log, &bytes, &size), CLRNN_OK);
    assert_int_equal(clrnn_trainer_step(t.trainer, &t.good.io, NULL), CLRNN_OK);
    assert_int_equal(clrnn_trainer_step(t.trainer, &t.bad.io, NULL), CLRNN_OK);
    assert_told(clrnn_trainer_save(t.trainer, checkpoint()), "loss of step 3");
    assert_untouched(bytes, size);
    assert_int_equal(clrnn_trainer_steps_done(t.trainer), 2);
    /* going back to the file also forgets a bad step that nobody was told of */
    assert_int_equal(clrnn_trainer_step(t.trainer, &t.bad.io, NULL), CLRNN_OK);
    assert_int_equal(clrnn_trainer_resume(t.trainer, checkpoint()), CLRNN_OK);
    assert_int_equal(clrnn_trainer_step(t.trainer, &t.good.io, &loss), CLRNN_OK);
    assert_int_equal(clrnn_trainer_steps_done(t.trainer), 2);
    assert_int_equal(clrnn_trainer_save(t.trainer, checkpoint()), CLRNN_OK);
    free(bytes);
    end(&t);
}

/* A step with finite loss and gradient whose rate is so high that parameters overflow. */
static void parameters_that_overflow_are_not_saved(void **state)
{
    const clrnn_trainer_desc options = {.max_steps = STEPS,
                                        .max_batch = ROWS,
                                        .loss = CLRNN_LOSS_MEAN_SQUARED,
                                        .optimizer = CLRNN_SGD,
                                        .learning_rate = 1e38};
    training t = begin(*state, CLRNN_SGD, 0, CLRNN_F32);
    void *bytes = NULL;
    size_t size = 0;
    double loss = 0;
    assert_int_equal(clrnn_trainer_save(t.trainer, checkpoint()), CLRNN_OK);
    assert_int_equal(clr_file_read(checkpoint(), &test_log, &bytes, &size), CLRNN_OK);
    clrnn_trainer_destroy(&t.trainer);
    t.trainer = task_trainer(t.model, &options);
    for (size_t i = 0; i < (size_t)STEPS * ROWS * OUTPUTS; i++)
        ((float *)t.good.io.values)[i] = 1000;
    assert_int_equal(clrnn_trainer_step(t.trainer, &t.good.io, &loss), CLRNN_OK);
    assert_told(clrnn_trainer_save(t.trainer, checkpoint()), "is not finite");
    assert_untouched(bytes, size);
    assert_told(clrnn_trainer_step(t.trainer, &t.good.io, &loss), "step 2");
    free(bytes);
    end(&t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_bad_step_changes_nothing, test_open, test_close),
        cmocka_unit_test_setup_teardown(only_the_loss, test_open, test_close),
        cmocka_unit_test_setup_teardown(only_the_gradient, test_open, test_close),
        cmocka_unit_test_setup_teardown(a_look_ahead, test_open, test_close),
        cmocka_unit_test_setup_teardown(evaluation_tells_and_goes_on, test_open, test_close),
        cmocka_unit_test_setup_teardown(the_last_good_checkpoint_stays, test_open, test_close),
        cmocka_unit_test_setup_teardown(parameters_that_overflow_are_not_saved, test_open,
                                        test_close),
    };
    return cmocka_run_group_tests_name("not finite", tests, NULL, NULL);
}

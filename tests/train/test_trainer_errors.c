/* SPDX-License-Identifier: MIT
 * tests/train/test_trainer_errors.c - what a trainer refuses, and failures of memory and driver. */
#include "task.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "device/context.h"
#include "model/model.h"

static const clrnn_trainer_desc good = {
    .max_steps = 4, .max_batch = 3, .clip = 1, .dropout = 0.25f, .carry_state = true};

static void refuse_options(clrnn_model *model, clrnn_trainer_desc desc, clrnn_status status,
                           const char *reason)
{
    clrnn_trainer *trainer = (clrnn_trainer *)&desc;
    assert_int_equal(clrnn_trainer_create(model, &desc, &trainer), status);
    assert_null(trainer);
    assert_error_contains(reason);
}

static void real_options(void **state)
{
    static const struct {
        const char *name;
        size_t offset;
        bool below_one;
    } options[] = {
        {"learning_rate", offsetof(clrnn_trainer_desc, learning_rate), false},
        {"momentum", offsetof(clrnn_trainer_desc, momentum), true},
        {"beta1", offsetof(clrnn_trainer_desc, beta1), true},
        {"beta2", offsetof(clrnn_trainer_desc, beta2), true},
        {"rho", offsetof(clrnn_trainer_desc, rho), true},
        {"epsilon", offsetof(clrnn_trainer_desc, epsilon), false},
        {"weight_decay", offsetof(clrnn_trainer_desc, weight_decay), false},
        {"clip", offsetof(clrnn_trainer_desc, clip), false},
    };
    const double bad[] = {-1e-9, NAN, INFINITY, 1};
    clrnn_model_desc desc = task_desc(CLRNN_CELL_RNN, CLRNN_INPUT_DENSE, 1, CLRNN_F32);
    clrnn_model *model = task_model(*state, &desc, 1);
    for (size_t i = 0; i < sizeof options / sizeof *options; i++)
        for (size_t j = 0; j < (options[i].below_one ? 4 : 3); j++) {
            clrnn_trainer_desc d = good;
            memcpy((char *)&d + options[i].offset, &bad[j], sizeof bad[j]);
            refuse_options(model, d, CLRNN_ERR_ARGUMENT, options[i].name);
        }
    for (size_t j = 0; j < 4; j++) {
        clrnn_trainer_desc d = good;
        d.dropout = (float)bad[j];
        refuse_options(model, d, CLRNN_ERR_ARGUMENT, "dropout");
        d = good, d.input_dropout = (float)bad[j];
        refuse_options(model, d, CLRNN_ERR_ARGUMENT, "input_dropout");
        d = good, d.drop_connect = (float)bad[j];
        refuse_options(model, d, CLRNN_ERR_ARGUMENT, "drop_connect");
        d = good, d.weight_noise = bad[j];
        if (j < 3)
            refuse_options(model, d, CLRNN_ERR_ARGUMENT, "weight_noise");
    }
    clrnn_model_destroy(&model);
}

/* What the optimiser does not use is refused, and the reason names what would. */
static void options_that_are_not_used(void **state)
{
    static const struct {
        const char *name;
        size_t offset;
        bool used[4]; /* by adam, adamw, sgd, rmsprop */
        const char *needs;
    } options[] = {
        {"momentum", offsetof(clrnn_trainer_desc, momentum), {0, 0, 1, 0}, "sgd"},
        {"beta1", offsetof(clrnn_trainer_desc, beta1), {1, 1, 0, 0}, "adam or adamw"},
        {"beta2", offsetof(clrnn_trainer_desc, beta2), {1, 1, 0, 0}, "adam or adamw"},
        {"rho", offsetof(clrnn_trainer_desc, rho), {0, 0, 0, 1}, "rmsprop"},
        {"epsilon",
         offsetof(clrnn_trainer_desc, epsilon),
         {1, 1, 0, 1},
         "adam or adamw or rmsprop"},
        {"weight_decay", offsetof(clrnn_trainer_desc, weight_decay), {0, 1, 0, 0}, "adamw"},
    };
    const double value = 0.125;
    clrnn_model_desc desc = task_desc(CLRNN_CELL_RNN, CLRNN_INPUT_DENSE, 1, CLRNN_F32);
    clrnn_model *model = task_model(*state, &desc, 1);
    for (size_t i = 0; i < sizeof options / sizeof *options; i++)
        for (int kind = CLRNN_ADAM; kind <= CLRNN_RMSPROP; kind++) {
            clrnn_trainer_desc d = {
                .max_steps = 4, .max_batch = 3, .optimizer = (clrnn_optimizer)kind};
            char reason[100];
            memcpy((char *)&d + options[i].offset, &value, sizeof value);
            snprintf(reason, sizeof reason, "needs the optimizer %s", options[i].needs);
            clrnn_trainer *trainer = NULL;
            if (options[i].used[kind])
                trainer = task_trainer(model, &d);
            else
                refuse_options(model, d, CLRNN_ERR_ARGUMENT, reason);
            clrnn_trainer_destroy(&trainer);
        }
    clrnn_trainer_desc d = {.max_steps = 4, .max_batch = 3, .dropout = 0.25f};
    refuse_options(model, d, CLRNN_ERR_ARGUMENT, "dropout is 0.25, but acts between layers");
    d.dropout = 0, d.variational = true, d.drop_connect = 0.5f;
    refuse_options(model, d, CLRNN_ERR_ARGUMENT, "variational is set, but");
    d.variational = false, d.total_steps = 9;
    refuse_options(model, d, CLRNN_ERR_ARGUMENT, "total_steps is 9, which a constant schedule");
    clrnn_model_destroy(&model);
}

static void other_options(void **state)
{
    clrnn_model_desc desc = task_desc(CLRNN_CELL_RNN, CLRNN_INPUT_DENSE, 1, CLRNN_F32);
    clrnn_model *model = task_model(*state, &desc, 1);
    clrnn_trainer_desc d = good;
    d.max_steps = 0;
    refuse_options(model, d, CLRNN_ERR_RANGE, "max_steps (0)");
    d = good, d.max_batch = 0;
    refuse_options(model, d, CLRNN_ERR_RANGE, "max_batch (0)");
    d = good, d.max_steps = d.max_batch = UINT32_MAX;
    refuse_options(model, d, CLRNN_ERR_RANGE, "max_steps");
    d = good, d.loss = (clrnn_loss)50;
    refuse_options(model, d, CLRNN_ERR_ARGUMENT, "loss 50");
    d = good, d.optimizer = (clrnn_optimizer)4;
    refuse_options(model, d, CLRNN_ERR_ARGUMENT, "optimizer 4");
    d = good, d.schedule = (clrnn_schedule)-1;
    refuse_options(model, d, CLRNN_ERR_ARGUMENT, "schedule -1");
    d = good, d.schedule = CLRNN_SCHEDULE_COSINE, d.warmup_steps = d.total_steps = 5;
    refuse_options(model, d, CLRNN_ERR_ARGUMENT, "total_steps is 5");
    d.warmup_steps = 0, d.total_steps = 0;
    refuse_options(model, d, CLRNN_ERR_ARGUMENT, "total_steps is 0");

    clrnn_trainer *trainer = NULL;
    assert_int_equal(clrnn_trainer_create(model, NULL, &trainer), CLRNN_ERR_ARGUMENT);
    assert_int_equal(clrnn_trainer_create(NULL, &good, &trainer), CLRNN_ERR_ARGUMENT);
    assert_int_equal(clrnn_trainer_create(model, &good, NULL), CLRNN_ERR_ARGUMENT);
    clrnn_trainer_destroy(NULL);
    clrnn_model_destroy(&model);
    desc.output_size = 0;
    model = task_model(*state, &desc, 1);
    refuse_options(model, good, CLRNN_ERR_ARGUMENT, "no head");
    clrnn_model_destroy(&model);
}

/* A batch that is refused by step and by evaluation, with the same reason. */
static void refuse_batch(clrnn_trainer *trainer, clrnn_batch batch, clrnn_status status,
                         const char *reason)
{
    double loss = 7, sum = 7;
    uint64_t count = 7;
    assert_int_equal(clrnn_trainer_step(trainer, &batch, &loss), status);
    assert_error_contains(reason);
    assert_true(loss == 7);
    assert_int_equal(clrnn_trainer_evaluate(trainer, &batch, &sum, &count), status);
    assert_error_contains(reason);
    assert_true(sum == 7);
}

/* Every way in which a batch may be wrong for a model of symbols under cross-entropy. */
static void refuse_batches(clrnn_trainer *trainer, const task_batch *fine)
{
    int32_t *ids = fine->owned[1], *targets = fine->owned[2];
    const uint32_t lengths[3] = {4, 5, 0}, zero[3] = {0};
    clrnn_batch b = fine->io;
    b.steps = 5;
    refuse_batch(trainer, b, CLRNN_ERR_RANGE, "steps is 5, max_steps is 4");
    b = fine->io, b.batch = 4;
    refuse_batch(trainer, b, CLRNN_ERR_RANGE,
                 "batch is 4, with carry_state it must be max_batch, 3");
    b = fine->io, b.batch = 2;
    refuse_batch(trainer, b, CLRNN_ERR_RANGE,
                 "batch is 2, with carry_state it must be max_batch, 3");
    b = fine->io, b.lengths = lengths;
    refuse_batch(trainer, b, CLRNN_ERR_RANGE, "length 5 of row 1");
    b = fine->io, b.ids = NULL;
    refuse_batch(trainer, b, CLRNN_ERR_ARGUMENT, "ids");
    b = fine->io, b.targets = NULL;
    refuse_batch(trainer, b, CLRNN_ERR_ARGUMENT, "targets");
    ids[10] = VOCABULARY;
    refuse_batch(trainer, fine->io, CLRNN_ERR_RANGE, "symbol at step 3 of row 1 is 6");
    ids[10] = 0;
    targets[11] = OUTPUTS;
    refuse_batch(trainer, fine->io, CLRNN_ERR_RANGE, "target at step 3 of row 2 is 4");
    targets[11] = 0;
    b = fine->io, b.lengths = zero;
    assert_int_equal(clrnn_trainer_step(trainer, &b, NULL), CLRNN_ERR_RANGE);
    assert_error_contains("no step is counted");
    assert_int_equal(clrnn_trainer_step(trainer, NULL, NULL), CLRNN_ERR_ARGUMENT);
    assert_int_equal(clrnn_trainer_step(NULL, &b, NULL), CLRNN_ERR_ARGUMENT);
    assert_int_equal(clrnn_trainer_evaluate(trainer, &b, NULL, NULL), CLRNN_ERR_ARGUMENT);
    assert_int_equal(clrnn_trainer_gradient_norm(trainer, NULL), CLRNN_ERR_ARGUMENT);
    assert_int_equal(clrnn_trainer_get_gradient(trainer, NULL), CLRNN_ERR_ARGUMENT);
}

/* Two trainers take the same two steps; one has refused much in between, and nobody can tell. */
static void a_refused_batch_changes_nothing(void **state)
{
    clrnn_model_desc desc = task_desc(CLRNN_CELL_LSTM, CLRNN_INPUT_EMBEDDING, 2, CLRNN_F32);
    double *parameters[2], losses[2], sums[2];
    for (int refuses = 0; refuses < 2; refuses++) {
        clrnn_model *model = task_model(*state, &desc, 1);
        clrnn_trainer *trainer = task_trainer(model, &good);
        task_batch batch = task_random(model, 4, 3, 5);
        ((int32_t *)batch.owned[1])[10] = ((int32_t *)batch.owned[2])[11] = 0;
        uint64_t count = 0;
        (void)task_step(trainer, &batch.io);
        if (refuses)
            refuse_batches(trainer, &batch);
        assert_int_equal(clrnn_trainer_steps_done(trainer), 1);
        losses[refuses] = task_step(trainer, &batch.io);
        assert_int_equal(clrnn_trainer_evaluate(trainer, &batch.io, &sums[refuses], &count),
                         CLRNN_OK);
        assert_int_equal(count, 10);
        parameters[refuses] = task_parameters(model);
        if (refuses)
            assert_memory_equal(parameters[0], parameters[1], model->count * sizeof(double));
        task_free(&batch);
        clrnn_trainer_destroy(&trainer);
        clrnn_model_destroy(&model);
    }
    assert_true(losses[0] == losses[1] && sums[0] == sums[1]);
    free(parameters[0]);
    free(parameters[1]);
}

static void other_losses_and_inputs_need_other_arrays(void **state)
{
    clrnn_model_desc desc = task_desc(CLRNN_CELL_GRU, CLRNN_INPUT_DENSE, 1, CLRNN_F32);
    clrnn_model *model = task_model(*state, &desc, 1);
    const clrnn_trainer_desc options = {
        .max_steps = 4, .max_batch = 3, .loss = CLRNN_LOSS_MEAN_SQUARED};
    clrnn_trainer *trainer = task_trainer(model, &options);
    task_batch batch = task_random(model, 4, 3, 5);
    clrnn_batch b = batch.io;
    b.values = NULL;
    refuse_batch(trainer, b, CLRNN_ERR_ARGUMENT, "values");
    b = batch.io, b.x = NULL;
    refuse_batch(trainer, b, CLRNN_ERR_ARGUMENT, "x");
    b = batch.io, b.batch = 4;
    refuse_batch(trainer, b, CLRNN_ERR_RANGE, "batch is 4, must not exceed max_batch, 3");
    b = batch.io, b.targets = NULL, b.steps = b.batch = 0; /* all of both */
    (void)task_step(trainer, &b);
    task_free(&batch);
    clrnn_trainer_destroy(&trainer);
    clrnn_model_destroy(&model);
}

/* --- failures from outside ------------------------------------------------------------------ */

static const struct {
    clr_fault kind;
    clrnn_status status;
} faults[] = {{CLR_FAULT_MEMORY, CLRNN_ERR_MEMORY}, {CLR_FAULT_OPENCL, CLRNN_ERR_OPENCL}};

enum { TRIES = 20000 };

/* Whether the k-th call from now on failed, as it should have; false once there is no k-th call. */
static bool failed(size_t fault, clrnn_status status)
{
    clr_fault_inject(faults[fault].kind, 0);
    if (status == CLRNN_OK)
        return false;
    assert_true(status == faults[fault].status || status == CLRNN_ERR_MEMORY);
    assert_true(strlen(test_last_error) > 0);
    test_last_error[0] = 0;
    return true;
}

static void failures_while_creating(void **state)
{
    clrnn_model_desc desc = task_desc(CLRNN_CELL_LSTM, CLRNN_INPUT_EMBEDDING, 2, CLRNN_F32);
    clrnn_model *model = task_model(*state, &desc, 1);
    clrnn_trainer *trainer = task_trainer(model, &good); /* programs are built and stay */
    clrnn_trainer_destroy(&trainer);
    long alive = clr_live_objects();
    for (size_t fault = 0; fault < 2; fault++) {
        long k = 1;
        for (bool again = true; again && k < TRIES; k++) {
            clr_fault_inject(faults[fault].kind, k);
            again = failed(fault, clrnn_trainer_create(model, &good, &trainer));
            assert_true(again == !trainer);
            clrnn_trainer_destroy(&trainer);
            assert_int_equal(clr_live_objects(), alive);
        }
        assert_in_range(k, 4, TRIES - 1);
    }
    clrnn_model_destroy(&model);
}

/* What leaks is found when the context is closed: events of uploads come and go. */
static void failures_during_a_step(void **state)
{
    const uint32_t lengths[3] = {2, 1, 2};
    clrnn_model_desc desc = task_desc(CLRNN_CELL_LSTM, CLRNN_INPUT_EMBEDDING, 2, CLRNN_F32);
    clrnn_model *model = task_model(*state, &desc, 1);
    clrnn_trainer *trainer = task_trainer(model, &good);
    task_batch batch = task_random(model, 2, 3, 5);
    batch.io.lengths = lengths;
    double sum = 0;
    uint64_t count = 0;
    (void)task_step(trainer, &batch.io);
    assert_int_equal(clrnn_trainer_evaluate(trainer, &batch.io, &sum, &count), CLRNN_OK);
    for (size_t fault = 0; fault < 2; fault++)
        for (int train = 0; train < 2; train++) {
            long k = 1;
            for (bool again = true; again && k < TRIES; k++) {
                clr_fault_inject(faults[fault].kind, k);
                again =
                    failed(fault, train ? clrnn_trainer_step(trainer, &batch.io, &sum)
                                        : clrnn_trainer_evaluate(trainer, &batch.io, &sum, &count));
            }
            assert_in_range(k, faults[fault].kind == CLR_FAULT_OPENCL ? 20 : 2, TRIES - 1);
        }
    (void)task_step(trainer, &batch.io);
    task_free(&batch);
    clrnn_trainer_destroy(&trainer);
    clrnn_model_destroy(&model);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(real_options, test_open, test_close),
        cmocka_unit_test_setup_teardown(options_that_are_not_used, test_open, test_close),
        cmocka_unit_test_setup_teardown(other_options, test_open, test_close),
        cmocka_unit_test_setup_teardown(a_refused_batch_changes_nothing, test_open, test_close),
        cmocka_unit_test_setup_teardown(other_losses_and_inputs_need_other_arrays, test_open,
                                        test_close),
        cmocka_unit_test_setup_teardown(failures_while_creating, test_open, test_close),
        cmocka_unit_test_setup_teardown(failures_during_a_step, test_open, test_close),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

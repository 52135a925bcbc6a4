/* SPDX-License-Identifier: MIT
 * tests/train/test_batch.c - what a batch holds: targets as a mask of mean squared error, numbers
 * whose gradients are larger than a float's root, and arrays that change while the step is under
 * way. */
#include "gate.h"
#include "task.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "device/context.h"
#include "model/model.h"

enum { T = 5, N = 3, ROWS = T * N };

/* --- targets beside values ------------------------------------------------------------------ */

/* What mean squared error is, and its gradient by the head's bias. */
typedef struct squares {
    double sum, bias[OUTPUTS];
    size_t counted;
} squares;

/* On the host, from the model's own logits:
 *     loss = mean over the counted steps of sum of (x[k]-value[k])^2 / O
 *     dbias[k] = mean over the counted steps of 2/O * (x[k]-value[k]) */
static squares host_squares(clrnn_model *model, const clrnn_batch *batch)
{
    float logits[ROWS * OUTPUTS];
    const clrnn_model_io io = {
        .steps = T, .batch = N, .lengths = batch->lengths, .x = batch->x, .logits = logits};
    assert_int_equal(clrnn_model_forward(model, &io), CLRNN_OK);
    squares out = {0};
    for (size_t row = 0; row < ROWS; row++) {
        bool live = !batch->lengths || row / N < batch->lengths[row % N];
        if (!live || (batch->targets && batch->targets[row] < 0))
            continue;
        out.counted++;
        for (size_t k = 0; k < OUTPUTS; k++) {
            size_t i = row * OUTPUTS + k;
            double error = (double)logits[i] - (double)((const float *)batch->values)[i];
            out.sum += error * error / OUTPUTS;
            out.bias[k] += 2 * error / OUTPUTS;
        }
    }
    for (size_t k = 0; k < OUTPUTS; k++)
        out.bias[k] /= (double)out.counted;
    return out;
}

static void check_mask(clrnn_model *model, clrnn_trainer *trainer, const clrnn_batch *batch)
{
    const squares expected = host_squares(model, batch);
    uint64_t count = 0;
    double sum = 0, mean = expected.sum / (double)expected.counted;
    assert_int_equal(clrnn_trainer_evaluate(trainer, batch, &sum, &count), CLRNN_OK);
    assert_int_equal(count, expected.counted);
    assert_true(fabs(sum - expected.sum) < 1e-5 * expected.sum);
    assert_true(fabs(task_step(trainer, batch) - mean) < 1e-5 * mean);
    double *gradient = task_gradient(model, trainer);
    double error = test_error(gradient + model->head_bias, expected.bias, OUTPUTS);
    if (!(error < 1e-5))
        fail_msg("%zu steps counted: the gradient of the bias is off by %g", expected.counted,
                 error);
    free(gradient);
}

static void targets_mask_values(void **state)
{
    const uint32_t lengths[N] = {2, T, 4};
    int32_t mask[ROWS];
    clrnn_model_desc desc = task_desc(CLRNN_CELL_GRU, CLRNN_INPUT_DENSE, 1, CLRNN_F32);
    clrnn_model *model = task_model(*state, &desc, 1);
    const clrnn_trainer_desc options = {.max_steps = T,
                                        .max_batch = N,
                                        .loss = CLRNN_LOSS_MEAN_SQUARED,
                                        .optimizer = CLRNN_SGD,
                                        .learning_rate = 1e-30};
    clrnn_trainer *trainer = task_trainer(model, &options);
    task_batch batch = task_random(model, T, N, 5);
    float *values = batch.owned[3];
    for (int ragged = 0; ragged < 2; ragged++) {
        batch.io.lengths = ragged ? lengths : NULL;
        batch.io.targets = NULL;
        check_mask(model, trainer, &batch.io);
        batch.io.targets = mask;
        for (int every = 1; every < 4; every++) { /* of several steps one is counted */
            for (int i = 0; i < ROWS; i++)
                mask[i] = i % every ? -i : OUTPUTS + i; /* no class, so there is no largest one */
            check_mask(model, trainer, &batch.io);
        }
    }
    batch.io.lengths = NULL;
    const squares without = host_squares(model, &batch.io);
    for (int i = 0; i < ROWS; i++) /* what is not counted may be anything */
        for (int k = 0; k < OUTPUTS && mask[i] < 0; k++)
            values[i * OUTPUTS + k] = k ? INFINITY : NAN;
    check_mask(model, trainer, &batch.io);
    assert_true(host_squares(model, &batch.io).sum == without.sum);
    for (int i = 0; i < ROWS; i++)
        mask[i] = -1;
    assert_int_equal(clrnn_trainer_step(trainer, &batch.io, NULL), CLRNN_ERR_RANGE);
    assert_error_contains("no step is counted");
    task_free(&batch);
    clrnn_trainer_destroy(&trainer);
    clrnn_model_destroy(&model);
}

/* --- large gradients ------------------------------------------------------------------------ */

/* One step of plain SGD at rate 1 changes the parameters by the clipped gradient. */
static void check_clip(clrnn_context *context, double size, double clip)
{
    clrnn_model_desc desc = task_desc(CLRNN_CELL_RNN, CLRNN_INPUT_DENSE, 1, CLRNN_F32);
    desc.network.nonlinearity = CLRNN_RELU;
    clrnn_model *model = task_model(context, &desc, 1);
    const clrnn_trainer_desc options = {
        .max_steps = T, .max_batch = N, .optimizer = CLRNN_SGD, .learning_rate = 1, .clip = clip};
    clrnn_trainer *trainer = task_trainer(model, &options);
    task_batch batch = task_random(model, T, N, 5);
    for (size_t i = 0; i < ROWS * INPUTS; i++)
        ((float *)batch.owned[0])[i] *= (float)size;
    double *before = task_parameters(model), norm = 0, square = 0, change = 0, along = 0;
    assert_true(isfinite(task_step(trainer, &batch.io)));
    double *after = task_parameters(model), *gradient = task_gradient(model, trainer);
    assert_int_equal(clrnn_trainer_gradient_norm(trainer, &norm), CLRNN_OK);
    for (size_t i = 0; i < model->count; i++) {
        double difference = before[i] - after[i];
        square += gradient[i] * gradient[i];
        change += difference * difference;
        along += difference * gradient[i];
    }
    assert_true(isfinite(square) && square > size * size / 100);
    assert_true(fabs(norm - sqrt(square)) < 1e-5 * norm);
    if (!(fabs(sqrt(change) - clip) < 1e-4 * clip && along > 0.9999 * clip * norm))
        fail_msg("a gradient of norm %g was clipped to %g, not %g", norm, sqrt(change), clip);
    free(before);
    free(after);
    free(gradient);
    task_free(&batch);
    clrnn_trainer_destroy(&trainer);
    clrnn_model_destroy(&model);
}

static void large_gradients_are_clipped(void **state)
{
    const double sizes[] = {1e3, 1e18, 1e20, 1e30, 1e36};
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++)
        check_clip(*state, sizes[i], 1);
}

/* --- steps that are not waited for ---------------------------------------------------------- */

/* What is trained: the inputs and losses that upload different arrays. */
static const struct {
    clrnn_input input;
    clrnn_loss loss;
} kinds[] = {{CLRNN_INPUT_DENSE, CLRNN_LOSS_MEAN_SQUARED},
             {CLRNN_INPUT_ONE_HOT, CLRNN_LOSS_CROSS_ENTROPY},
             {CLRNN_INPUT_EMBEDDING, CLRNN_LOSS_CROSS_ENTROPY}};

enum { KINDS = sizeof kinds / sizeof *kinds, STEPS = 6 };

typedef struct trained {
    clrnn_model *model;
    clrnn_trainer *trainer;
} trained;

static trained make_trained(clrnn_context *context, size_t kind)
{
    clrnn_model_desc desc = task_desc(CLRNN_CELL_LSTM, kinds[kind].input, 1, CLRNN_F32);
    const clrnn_trainer_desc options = {.max_steps = T,
                                        .max_batch = N,
                                        .loss = kinds[kind].loss,
                                        .learning_rate = 0.01,
                                        .clip = 1,
                                        .carry_state = true};
    trained t = {task_model(context, &desc, 1), NULL};
    t.trainer = task_trainer(t.model, &options);
    return t;
}

static void free_trained(trained *t)
{
    clrnn_trainer_destroy(&t->trainer);
    clrnn_model_destroy(&t->model);
}

/* Step k, whose arrays are then overwritten. How often it waited for the device. */
static long step_and_forget(trained *t, int k)
{
    task_batch batch = task_random(t->model, T, N, (uint64_t)k);
    long before = clr_waits();
    assert_int_equal(clrnn_trainer_step(t->trainer, &batch.io, NULL), CLRNN_OK);
    long waits = clr_waits() - before;
    memset(batch.owned[0], 0xff, ROWS * INPUTS * sizeof(float));
    memset(batch.owned[1], 0xff, ROWS * sizeof(int32_t));
    memset(batch.owned[2], 0xff, ROWS * sizeof(int32_t));
    memset(batch.owned[3], 0xff, ROWS * OUTPUTS * sizeof(float));
    task_free(&batch);
    return waits;
}

static void steps_do_not_wait(void **state)
{
    for (size_t kind = 0; kind < KINDS; kind++) {
        trained t = make_trained(*state, kind);
        for (int k = 0; k < STEPS; k++)
            if (step_and_forget(&t, k) != 0)
                fail_msg("kind %zu: step %d without a loss waits for the device", kind, k);
        long before = clr_waits();
        double loss = 0;
        task_batch batch = task_random(t.model, T, N, 1);
        assert_int_equal(clrnn_trainer_step(t.trainer, &batch.io, &loss), CLRNN_OK);
        assert_int_equal(clr_waits() - before, 1); /* for the loss */
        task_free(&batch);
        free_trained(&t);
    }
}

/* Whatever the device is doing: here nothing at all until the last step is enqueued. */
static void steps_while_the_device_is_held_up(void **state)
{
    for (size_t kind = 0; kind < KINDS; kind++) {
        clrnn_context *context = *state;
        trained a = make_trained(context, kind), b = make_trained(context, kind);
        for (int k = 0; k < STEPS; k++) {
            (void)step_and_forget(&a, k);
            assert_int_equal(clrnn_context_finish(context), CLRNN_OK);
        }
        for (int k = 0; k < 2; k++) /* what would wait does not begin to do so with the gate shut */
            assert_int_equal(step_and_forget(&b, k), 0);
        cl_event gate = test_queue_hold(context);
        long waits = 0;
        for (int k = 2; k < STEPS; k++)
            waits += step_and_forget(&b, k);
        test_queue_release(gate);
        assert_int_equal(waits, 0); /* only now: no context ends while the gate is shut */
        double *p = task_parameters(a.model), *q = task_parameters(b.model);
        assert_memory_equal(p, q, a.model->count * sizeof *p);
        free(p);
        free(q);
        free_trained(&a);
        free_trained(&b);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(targets_mask_values, test_open, test_close),
        cmocka_unit_test_setup_teardown(large_gradients_are_clipped, test_open, test_close),
        cmocka_unit_test_setup_teardown(steps_do_not_wait, test_open, test_close),
        cmocka_unit_test_setup_teardown(steps_while_the_device_is_held_up, test_open, test_close),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: MIT
 * tests/train/test_values.c - the losses gaussian and esr against their definitions, over lengths,
 * masks and gaps: as a trainer evaluates and steps, and as a data set scores. */
#include "task.h"

#include <clrnn/data.h>

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { T = 9, N = 4, O = OUTPUTS };
static const uint32_t lengths[N] = {9, 5, 1, 8};

/* A batch whose row 0 lacks step 3 by the mask, and [2] of row 1's step 4 as NaN. */
typedef struct given {
    float x[T * N * INPUTS], values[T * N * O], logits[T * N * O];
    int32_t targets[T * N];
    size_t width; /* values of a row */
} given;

static bool counts(const given *g, size_t t, size_t n, size_t k)
{
    return t < lengths[n] && g->targets[t * N + n] >= 0 &&
           !isnan(g->values[(t * N + n) * g->width + k]);
}

static void give(given *g, size_t width)
{
    double *x = test_random(T * N * INPUTS, 3, 1), *y = test_random(T * N * O, 4, 2);
    g->width = width;
    for (size_t i = 0; i < T * N * INPUTS; i++)
        g->x[i] = (float)x[i];
    for (size_t i = 0; i < T * N * O; i++)
        g->values[i] = (float)(y[i] + 0.5);
    for (size_t i = 0; i < T * N; i++)
        g->targets[i] = i == 3 * N ? -1 : 0;
    g->values[(4 * N + 1) * width + (width > 2 ? 2 : 0)] = NAN;
    free(x);
    free(y);
}

/* The mean over what is there. */
static double gaussian(const given *g, uint64_t *count)
{
    double sum = 0;
    *count = 0;
    for (size_t i = 0; i < T * N * g->width; i++) {
        const size_t row = i / g->width, k = i % g->width;
        if (!counts(g, row / N, row % N, k))
            continue;
        const double e = (double)g->logits[row * O + k] - (double)g->values[i];
        const double v = exp((double)g->logits[row * O + g->width + k]) + 1e-6;
        sum += 0.5 * (log(v) + e * e / v);
        ++*count;
    }
    return sum / (double)*count;
}

/* Ratio of what a filter makes of errors and of targets, and of means. */
static double esr(const given *g, double emphasis, double dc_weight)
{
    double error = 0, signal = 0, dc = 0, plain = 0;
    for (size_t n = 0; n < N; n++)
        for (size_t k = 0; k < O; k++) {
            double e_before = 0, y_before = 0, sum = 0, steps = 0;
            for (size_t t = 0; t < T; t++) {
                const size_t i = (t * N + n) * O + k;
                const bool is = counts(g, t, n, k);
                const double y = is ? (double)g->values[i] : 0;
                const double e = is ? (double)g->logits[i] - y : 0;
                error += is ? pow(e - emphasis * e_before, 2) : 0;
                signal += is ? pow(y - emphasis * y_before, 2) + 1e-5 : 0;
                plain += is ? y * y + 1e-5 : 0;
                sum += e;
                steps += is;
                e_before = e;
                y_before = y;
            }
            dc += steps > 0 ? steps * pow(sum / steps, 2) : 0;
        }
    return error / signal + dc_weight * dc / plain;
}

static void evaluates(clrnn_context *context, clrnn_loss loss, double emphasis, double dc_weight)
{
    const clrnn_model_desc desc = task_desc(CLRNN_CELL_GRU, CLRNN_INPUT_DENSE, 1, CLRNN_F32);
    clrnn_model *model = task_model(context, &desc, 5);
    const clrnn_trainer_desc options = {.max_steps = T,
                                        .max_batch = N,
                                        .loss = loss,
                                        .missing = true,
                                        .pre_emphasis = emphasis,
                                        .dc_weight = dc_weight};
    clrnn_trainer *trainer = task_trainer(model, &options);
    given g;
    give(&g, loss == CLRNN_LOSS_GAUSSIAN ? O / 2 : O);
    const clrnn_batch batch = {
        .lengths = lengths, .x = g.x, .targets = g.targets, .values = g.values};
    const clrnn_model_io io = {
        .steps = T, .batch = N, .lengths = lengths, .x = g.x, .logits = g.logits};
    assert_int_equal(clrnn_model_forward(model, &io), CLRNN_OK);
    uint64_t count, counted;
    double sum, wanted = gaussian(&g, &count);
    if (loss == CLRNN_LOSS_ESR)
        wanted = esr(&g, emphasis, dc_weight);
    assert_int_equal(clrnn_trainer_evaluate(trainer, &batch, &sum, &counted), CLRNN_OK);
    if (loss == CLRNN_LOSS_GAUSSIAN)
        assert_int_equal(counted, count);
    assert_true(fabs(sum / (double)counted - wanted) < 1e-5 * fabs(wanted));
    const double stepped = task_step(trainer, &batch);
    assert_true(fabs(stepped - wanted) < 1e-5 * fabs(wanted));
    clrnn_trainer_destroy(&trainer);
    clrnn_model_destroy(&model);
}

static void trainers(void **state)
{
    evaluates(*state, CLRNN_LOSS_GAUSSIAN, 0, 0);
    evaluates(*state, CLRNN_LOSS_ESR, 0, 0);
    evaluates(*state, CLRNN_LOSS_ESR, 0.85, 0);
    evaluates(*state, CLRNN_LOSS_ESR, 0.5, 2);
}

/* Silence is no reason to divide by 0. */
static void silence(void **state)
{
    const clrnn_model_desc desc = task_desc(CLRNN_CELL_LSTM, CLRNN_INPUT_DENSE, 1, CLRNN_F32);
    clrnn_model *model = task_model(*state, &desc, 5);
    const clrnn_trainer_desc options = {
        .max_steps = T, .max_batch = N, .loss = CLRNN_LOSS_ESR, .dc_weight = 1};
    clrnn_trainer *trainer = task_trainer(model, &options);
    static const float zeros[T * N * O];
    const clrnn_batch batch = {.x = zeros, .values = zeros};
    assert_true(isfinite(task_step(trainer, &batch)));
    clrnn_trainer_destroy(&trainer);
    clrnn_model_destroy(&model);
}

static clrnn_tensors *tensors_of(const given *g, bool labels)
{
    const uint64_t x[] = {T, N, INPUTS}, y[] = {T, N, g->width}, rows[] = {T, N}, n[] = {N};
    static const int32_t names[N][3] = {{1, 2, 2}, {3, 1, 0}, {2, 0, 0}, {0, 0, 0}};
    clrnn_tensors *set = NULL;
    assert_int_equal(clrnn_tensors_create(&test_log, &set), CLRNN_OK);
    assert_int_equal(clrnn_tensors_add(set, "x", CLRNN_DTYPE_F32, 3, x, g->x), CLRNN_OK);
    assert_int_equal(clrnn_tensors_add(set, "mask", CLRNN_DTYPE_I32, 2, rows, g->targets),
                     CLRNN_OK);
    assert_int_equal(clrnn_tensors_add(set, "lengths", CLRNN_DTYPE_I32, 1, n, lengths), CLRNN_OK);
    clrnn_status status =
        labels ? clrnn_tensors_add(set, "y", CLRNN_DTYPE_I32, 2, (uint64_t[]){N, 3}, names)
               : clrnn_tensors_add(set, "y", CLRNN_DTYPE_F32, 3, y, g->values);
    assert_int_equal(status, CLRNN_OK);
    return set;
}

/* A data set of one batch has the score that its trainer finds. */
static void scores(clrnn_context *context, clrnn_loss loss)
{
    const bool labels = loss == CLRNN_LOSS_CTC, sound = loss == CLRNN_LOSS_ESR;
    const clrnn_model_desc desc = task_desc(CLRNN_CELL_GRU, CLRNN_INPUT_DENSE, 1, CLRNN_F32);
    clrnn_model *model = task_model(context, &desc, 6);
    given g;
    give(&g, loss == CLRNN_LOSS_GAUSSIAN ? O / 2 : O);
    for (size_t i = 0; i < T * N; i++)
        g.targets[i]++; /* as a mask */
    clrnn_tensors *set = tensors_of(&g, labels);
    const clrnn_data_desc all = {.x = clrnn_tensors_find(set, "x"),
                                 .targets = clrnn_tensors_find(set, "y"),
                                 .lengths = clrnn_tensors_find(set, "lengths"),
                                 .mask = labels ? NULL : clrnn_tensors_find(set, "mask"),
                                 .loss = loss,
                                 .output_size = O,
                                 .batch = N,
                                 .pre_emphasis = sound ? 0.7 : 0,
                                 .dc_weight = sound ? 0.4 : 0};
    clrnn_data *data = NULL;
    clrnn_batch batch;
    clrnn_score score;
    double sum;
    uint64_t counted;
    assert_int_equal(clrnn_data_create(&all, &test_log, &data), CLRNN_OK);
    const clrnn_trainer_desc options = {.max_steps = T,
                                        .max_batch = N,
                                        .loss = loss,
                                        .missing = clrnn_data_get_info(data)->missing,
                                        .pre_emphasis = all.pre_emphasis,
                                        .dc_weight = all.dc_weight};
    clrnn_trainer *trainer = task_trainer(model, &options);
    assert_int_equal(clrnn_data_batch(data, CLRNN_PART_TRAIN, 0, &batch), CLRNN_OK);
    assert_int_equal(clrnn_trainer_evaluate(trainer, &batch, &sum, &counted), CLRNN_OK);
    assert_int_equal(clrnn_data_score(data, model, CLRNN_PART_TRAIN, &score), CLRNN_OK);
    assert_true(fabs(score.loss - sum / (double)counted) < 1e-5 * fabs(score.loss));
    assert_true(isnan(score.accuracy) == !labels);
    clrnn_trainer_destroy(&trainer);
    clrnn_data_destroy(&data);
    clrnn_tensors_destroy(&set);
    clrnn_model_destroy(&model);
}

static void data_sets(void **state)
{
    scores(*state, CLRNN_LOSS_GAUSSIAN);
    scores(*state, CLRNN_LOSS_ESR);
    scores(*state, CLRNN_LOSS_CTC);
}

static void refuse(clrnn_trainer *trainer, const int32_t *targets, const char *says)
{
    static const float x[T * N * INPUTS];
    const clrnn_batch batch = {.lengths = lengths, .x = x, .targets = targets};
    double loss;
    assert_int_equal(clrnn_trainer_step(trainer, &batch, &loss), CLRNN_ERR_RANGE);
    assert_error_contains(says);
    assert_int_equal(clrnn_trainer_steps_done(trainer), 0);
}

/* Labels that are no class, and more than there are steps for. */
static void labels_that_do_not_fit(void **state)
{
    const clrnn_model_desc desc = task_desc(CLRNN_CELL_GRU, CLRNN_INPUT_DENSE, 1, CLRNN_F32);
    clrnn_model *model = task_model(*state, &desc, 6);
    const clrnn_trainer_desc options = {.max_steps = T, .max_batch = N, .loss = CLRNN_LOSS_CTC};
    clrnn_trainer *trainer = task_trainer(model, &options);
    int32_t targets[T * N] = {1, 1, 1, 1};
    targets[N + 1] = targets[2 * N + 1] = 1; /* 1 1 1 takes the 5 steps of row 1 */
    static const float x[T * N * INPUTS];
    const clrnn_batch batch = {.lengths = lengths, .x = x, .targets = targets};
    double loss;
    targets[2] = O;
    refuse(trainer, targets, "is 4, must be");
    targets[2] = 1;
    targets[N + 2] = 2; /* two labels, one step */
    refuse(trainer, targets, "2 labels of row 2 need 2 steps");
    targets[N + 2] = 0;
    targets[3 * N + 1] = 1;
    refuse(trainer, targets, "4 labels of row 1 need 7 steps");
    targets[3 * N + 1] = 0;
    assert_int_equal(clrnn_trainer_step(trainer, &batch, &loss), CLRNN_OK);
    assert_true(isfinite(loss));
    clrnn_trainer_destroy(&trainer);
    clrnn_model_destroy(&model);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(trainers, test_open, test_close),
        cmocka_unit_test_setup_teardown(silence, test_open, test_close),
        cmocka_unit_test_setup_teardown(data_sets, test_open, test_close),
        cmocka_unit_test_setup_teardown(labels_that_do_not_fit, test_open, test_close),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

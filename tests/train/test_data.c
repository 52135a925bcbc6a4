/* SPDX-License-Identifier: MIT
 * tests/train/test_data.c - data sets: batches hold what was given, in an order of seed and pass
 * alone; parts, windows, scaling, scores against plain arithmetic; made-up tasks. */
#include "task.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <clrnn/data.h>

enum { SEQUENCES = 53, STEPS = 9, BATCH = 8 };

/* Tensors of a ragged set: x [N,T,2] holds n and t, targets [N] the class n%4. */
typedef struct given {
    clrnn_tensors *set;
    clrnn_data_desc desc;
    int32_t lengths[SEQUENCES];
} given;

static const clrnn_tensor *add(clrnn_tensors *set, const char *name, clrnn_dtype dtype,
                               uint32_t rank, const uint64_t *shape, const void *data)
{
    assert_int_equal(clrnn_tensors_add(set, name, dtype, rank, shape, data), CLRNN_OK);
    return clrnn_tensors_find(set, name);
}

static given give(void)
{
    given g = {.set = NULL};
    static double x[SEQUENCES][STEPS][2];
    int32_t targets[SEQUENCES];
    for (int n = 0; n < SEQUENCES; n++) {
        g.lengths[n] = 1 + n * 5 % STEPS;
        targets[n] = n % 4;
        for (int t = 0; t < STEPS; t++) {
            x[n][t][0] = n;
            x[n][t][1] = t < g.lengths[n] ? t : NAN; /* behind the length all is allowed */
        }
    }
    assert_int_equal(clrnn_tensors_create(&test_log, &g.set), CLRNN_OK);
    const uint64_t shape[] = {SEQUENCES, STEPS, 2};
    g.desc = (clrnn_data_desc){.target_at = CLRNN_TARGET_LAST, .batch_first = true, .batch = BATCH};
    g.desc.x = add(g.set, "x", CLRNN_DTYPE_F64, 3, shape, x);
    g.desc.targets = add(g.set, "targets", CLRNN_DTYPE_I32, 1, shape, targets);
    g.desc.lengths = add(g.set, "lengths", CLRNN_DTYPE_I32, 1, shape, g.lengths);
    return g;
}

static clrnn_data *create_data(const clrnn_data_desc *desc)
{
    clrnn_data *data = NULL;
    assert_int_equal(clrnn_data_create(desc, &test_log, &data), CLRNN_OK);
    return data;
}

/* One pass: each sequence once, whole, with its target at its last step; returns padding steps. */
static size_t check_pass(clrnn_data *data, const given *g, uint64_t first, int *order)
{
    int seen[SEQUENCES] = {0};
    size_t padding = 0, at = 0;
    for (uint64_t b = 0; b < clrnn_data_batches(data, CLRNN_PART_TRAIN); b++) {
        clrnn_batch batch;
        assert_int_equal(clrnn_data_batch(data, CLRNN_PART_TRAIN, first + b, &batch), CLRNN_OK);
        const float *x = batch.x;
        for (uint32_t n = 0; n < batch.batch; n++) {
            const int id = (int)x[2 * n];
            seen[id]++;
            order[at++] = id;
            assert_int_equal(batch.lengths[n], g->lengths[id]);
            padding += batch.steps - batch.lengths[n];
            for (uint32_t t = 0; t < batch.steps; t++) {
                const size_t position = t * batch.batch + n;
                const bool inside = t < batch.lengths[n], last = t + 1 == batch.lengths[n];
                assert_int_equal(batch.targets[position], last ? id % 4 : -1);
                assert_true(x[2 * position] == (inside ? (float)id : 0));
                assert_true(x[2 * position + 1] == (inside ? (float)t : 0));
            }
        }
    }
    for (int n = 0; n < SEQUENCES; n++)
        assert_int_equal(seen[n], 1);
    return padding;
}

/* How many of those that come in a batch with sequence 0 do so in both orders. */
static int same_company(const int *a, const int *b)
{
    int i = 0, j = 0, same = 0;
    while (a[i] != 0)
        i++;
    while (b[j] != 0)
        j++;
    for (int k = i / BATCH * BATCH; k < i / BATCH * BATCH + BATCH && k < SEQUENCES; k++)
        for (int l = j / BATCH * BATCH; l < j / BATCH * BATCH + BATCH && l < SEQUENCES; l++)
            same += a[k] == b[l];
    return same;
}

static void a_pass_holds_all(void **state)
{
    (void)state;
    given g = give();
    clrnn_data *data = create_data(&g.desc), *again = create_data(&g.desc);
    g.desc.seed = 1;
    clrnn_data *other = create_data(&g.desc);
    int a[SEQUENCES], b[SEQUENCES], c[SEQUENCES], d[SEQUENCES];
    const uint64_t batches = clrnn_data_batches(data, CLRNN_PART_TRAIN);
    assert_int_equal(batches, (SEQUENCES + BATCH - 1) / BATCH);
    const size_t padding = check_pass(data, &g, 0, a);
    check_pass(data, &g, 5 * batches, b); /* a later pass, and back: nothing is remembered */
    check_pass(again, &g, 5 * batches, c);
    check_pass(other, &g, 0, d);
    assert_memory_equal(b, c, sizeof b);
    assert_memory_not_equal(a, b, sizeof a);
    assert_memory_not_equal(a, d, sizeof a);
    assert_true(same_company(b, c) == BATCH && same_company(a, b) < BATCH);
    assert_true(padding < SEQUENCES); /* sorted: less than a step each; as they come over 4 */
    clrnn_data_destroy(&data);
    clrnn_data_destroy(&again);
    clrnn_data_destroy(&other);
    clrnn_tensors_destroy(&g.set);
}

static void parts(void **state)
{
    (void)state;
    given g = give();
    clrnn_data *data = create_data(&g.desc);
    const clrnn_data_info *info = clrnn_data_get_info(data);
    clrnn_batch batch;
    assert_int_equal(info->part[CLRNN_PART_TRAIN], SEQUENCES);
    assert_int_equal(
        clrnn_data_split(data, &(clrnn_split){.validation = 0.2, .test = 0.25, .by_time = true}),
        CLRNN_OK);
    assert_int_equal(info->part[CLRNN_PART_VALIDATION], 10);
    assert_int_equal(info->part[CLRNN_PART_TEST], 13);
    assert_int_equal(clrnn_data_batch(data, CLRNN_PART_TEST, 0, &batch), CLRNN_OK);
    assert_true(((const float *)batch.x)[0] == 40); /* the last 13 */
    int32_t of[SEQUENCES] = {0};
    of[7] = 2;
    of[9] = 1;
    clrnn_split named = {.parts =
                             add(g.set, "parts", CLRNN_DTYPE_I32, 1, (uint64_t[]){SEQUENCES}, of)};
    assert_int_equal(clrnn_data_split(data, &named), CLRNN_OK);
    assert_int_equal(info->part[CLRNN_PART_TEST], 1);
    assert_int_equal(clrnn_data_batch(data, CLRNN_PART_VALIDATION, 0, &batch), CLRNN_OK);
    assert_true(((const float *)batch.x)[0] == 9);
    assert_int_equal(clrnn_data_split(data, &(clrnn_split){.test = 0.01}), CLRNN_ERR_RANGE);
    assert_error_contains("none is left to test");
    assert_int_equal(info->part[CLRNN_PART_TEST], 1); /* as it was */
    assert_int_equal(clrnn_data_split(data, &(clrnn_split){.test = 0.6, .validation = 0.4}),
                     CLRNN_ERR_ARGUMENT);
    assert_int_equal(clrnn_data_split(data, &(clrnn_split){.test = NAN}), CLRNN_ERR_ARGUMENT);
    clrnn_data_destroy(&data);
    clrnn_tensors_destroy(&g.set);
}

/* Of the sequences without a target none is trained on; a part of them alone is none. */
static void parts_without_targets(void **state)
{
    (void)state;
    enum { N = 6, LENGTH = 2 };
    double x[LENGTH * N] = {0}, y[LENGTH * N];
    clrnn_tensors *set = NULL;
    clrnn_batch batch;
    assert_int_equal(clrnn_tensors_create(&test_log, &set), CLRNN_OK);
    for (int i = 0; i < LENGTH * N; i++) {
        x[i] = i % N;
        y[i] = i % N % 2 || i < N ? NAN : 1; /* of 0, 2 and 4, at the second step */
    }
    const int32_t of[N] = {0, 1, 0, 1, 0, 0};
    const uint64_t shape[] = {LENGTH, N, 1};
    const clrnn_data_desc desc = {.x = add(set, "x", CLRNN_DTYPE_F64, 3, shape, x),
                                  .targets = add(set, "y", CLRNN_DTYPE_F64, 3, shape, y),
                                  .loss = CLRNN_LOSS_MEAN_SQUARED,
                                  .batch = 1};
    clrnn_data *data = create_data(&desc);
    const clrnn_data_info *info = clrnn_data_get_info(data);
    assert_int_equal(info->part[CLRNN_PART_TRAIN], N);
    assert_int_equal(clrnn_data_split(data, &(clrnn_split){.validation = 0}), CLRNN_OK);
    assert_int_equal(info->part[CLRNN_PART_TRAIN], 3);
    assert_int_equal(clrnn_data_batches(data, CLRNN_PART_TRAIN), 3);
    for (uint64_t i = 0; i < 9; i++) {
        assert_int_equal(clrnn_data_batch(data, CLRNN_PART_TRAIN, i, &batch), CLRNN_OK);
        assert_true(fmod(((const float *)batch.x)[0], 2) == 0);
    }
    const clrnn_split idle = {.parts = add(set, "p", CLRNN_DTYPE_I32, 1, (uint64_t[]){N}, of)};
    assert_int_equal(clrnn_data_split(data, &idle), CLRNN_ERR_RANGE);
    assert_error_contains("of 6 sequences none with a target is left to validate");
    clrnn_data_destroy(&data);
    clrnn_tensors_destroy(&set);
}

/* Mean and deviation of the training part alone, also through a file. */
static void scaling(void **state)
{
    (void)state;
    given g = give();
    clrnn_data *data = create_data(&g.desc), *same = create_data(&g.desc);
    clrnn_tensors *set = NULL;
    clrnn_batch a, b;
    double sum = 0, squares = 0, count = 0;
    for (int n = 0; n < 40; n++)
        for (int t = 0; t < g.lengths[n]; t++, count++) {
            sum += n;
            squares += n * n;
        }
    const double mean = sum / count, deviation = sqrt(squares / count - mean * mean);
    assert_int_equal(clrnn_data_split(data, &(clrnn_split){.test = 0.25, .by_time = true}),
                     CLRNN_OK);
    assert_int_equal(clrnn_data_standardise(data, true, false), CLRNN_OK);
    assert_int_equal(clrnn_data_standardise(data, true, false), CLRNN_ERR_ARGUMENT);
    assert_int_equal(clrnn_data_standardise(data, false, true), CLRNN_ERR_ARGUMENT);
    assert_int_equal(clrnn_data_batch(data, CLRNN_PART_TEST, 0, &a), CLRNN_OK);
    assert_true(fabs((double)((const float *)a.x)[0] - (40 - mean) / deviation) < 1e-6);
    assert_int_equal(clrnn_tensors_create(&test_log, &set), CLRNN_OK);
    assert_int_equal(clrnn_data_scaling_to_tensors(data, set), CLRNN_OK);
    assert_int_equal(clrnn_tensors_count(set), 2);
    assert_int_equal(clrnn_data_scaling_from_tensors(same, set), CLRNN_OK);
    assert_int_equal(clrnn_data_batch(same, CLRNN_PART_TRAIN, 0, &b), CLRNN_OK);
    const clrnn_tensor *m = clrnn_tensors_find(set, "scale.x_mean");
    assert_true(fabs(((const double *)m->data)[0] - mean) < 1e-9);
    clrnn_tensors_destroy(&set);
    clrnn_data_destroy(&data);
    clrnn_data_destroy(&same);
    clrnn_tensors_destroy(&g.set);
}

/* Windows of 0, 1, 2, ...: what follows step t by the horizon is t + horizon. */
static void windows(void **state)
{
    (void)state;
    double series[40];
    clrnn_tensors *set = NULL;
    for (int i = 0; i < 40; i++)
        series[i] = i;
    assert_int_equal(clrnn_tensors_create(&test_log, &set), CLRNN_OK);
    const clrnn_tensor *x = add(set, "", CLRNN_DTYPE_F64, 2, (uint64_t[]){40, 1}, series);
    for (int every = 0; every < 2; every++) {
        clrnn_data_desc desc = {.x = x,
                                .targets = x,
                                .loss = CLRNN_LOSS_MEAN_SQUARED,
                                .target_at = every ? CLRNN_TARGET_EVERY : CLRNN_TARGET_LAST,
                                .window = 6,
                                .horizon = 3,
                                .batch = 4};
        clrnn_data *data = create_data(&desc);
        const clrnn_data_info *info = clrnn_data_get_info(data);
        assert_int_equal(info->sequences, 40 - 6 - 3 + 1);
        assert_int_equal(clrnn_data_split(data, &(clrnn_split){.test = 0.25, .by_time = true}),
                         CLRNN_OK);
        assert_int_equal(info->part[CLRNN_PART_TEST], 8);
        assert_int_equal(info->part[CLRNN_PART_TRAIN], every ? 24 - 5 : 24);
        clrnn_batch batch;
        for (uint64_t k = 0; k < 7; k++) {
            assert_int_equal(clrnn_data_batch(data, CLRNN_PART_TRAIN, k, &batch), CLRNN_OK);
            for (uint32_t t = 0; t < 6; t++)
                for (uint32_t n = 0; n < batch.batch; n++) {
                    const size_t i = t * batch.batch + n;
                    assert_int_equal(batch.targets[i] >= 0, every || t == 5);
                    if (batch.targets[i] >= 0)
                        assert_true(((const float *)batch.values)[i] ==
                                    ((const float *)batch.x)[i] + 3);
                }
        }
        clrnn_score score;
        assert_int_equal(clrnn_data_baseline(data, CLRNN_PART_TEST, CLRNN_BASELINE_LAST, 0, &score),
                         CLRNN_OK);
        assert_true(fabs(score.rms - 3) < 1e-12 && fabs(score.absolute - 3) < 1e-12);
        assert_int_equal(
            clrnn_data_baseline(data, CLRNN_PART_TEST, CLRNN_BASELINE_SEASONAL, 2, &score),
            CLRNN_ERR_ARGUMENT);
        clrnn_data_destroy(&data);
    }
    clrnn_tensors_destroy(&set);
}

/* A score is what a trainer evaluates, whatever the batches. */
static void scores(void **state)
{
    given g = give();
    for (uint32_t N = 3; N < 60; N += 50) {
        g.desc.batch = N;
        clrnn_data *data = create_data(&g.desc);
        const clrnn_model_desc desc = {
            .network = {.cell = CLRNN_CELL_GRU, .input_size = 2, .hidden_size = 6},
            .output_size = 4};
        clrnn_model *model = task_model(*state, &desc, 2);
        const clrnn_trainer_desc options = {.max_steps = STEPS, .max_batch = N};
        clrnn_trainer *trainer = task_trainer(model, &options);
        clrnn_score score, mean;
        double sum = 0;
        uint64_t counted = 0;
        for (uint64_t b = 0; b < clrnn_data_batches(data, CLRNN_PART_TRAIN); b++) {
            clrnn_batch batch;
            double part;
            uint64_t count;
            assert_int_equal(clrnn_data_batch(data, CLRNN_PART_TRAIN, b, &batch), CLRNN_OK);
            assert_int_equal(clrnn_trainer_evaluate(trainer, &batch, &part, &count), CLRNN_OK);
            sum += part;
            counted += count;
        }
        assert_int_equal(clrnn_data_score(data, model, CLRNN_PART_TRAIN, &score), CLRNN_OK);
        assert_int_equal(score.counted, SEQUENCES);
        assert_int_equal(counted, SEQUENCES);
        assert_true(fabs(score.loss - sum / SEQUENCES) < 1e-5 * score.loss);
        assert_true(isnan(score.rms));
        assert_int_equal(clrnn_data_baseline(data, CLRNN_PART_TRAIN, CLRNN_BASELINE_MEAN, 0, &mean),
                         CLRNN_OK);
        assert_true(fabs(mean.accuracy - 14.0 / 53) < 1e-12); /* classes 0: 14 of 53 */
        assert_true(fabs(mean.loss - log(4)) < 0.01);
        uint64_t counts[4];
        clrnn_data_class_counts(data, counts);
        assert_true(counts[0] == 14 && counts[1] == 13 && counts[2] == 13 && counts[3] == 13);
        clrnn_trainer_destroy(&trainer);
        clrnn_model_destroy(&model);
        clrnn_data_destroy(&data);
    }
    clrnn_tensors_destroy(&g.set);
}

/* --- tasks ----------------------------------------------------------------------------------- */

static clrnn_data *make_task(clrnn_task task, uint32_t steps, uint64_t seed)
{
    clrnn_data *data = NULL;
    const clrnn_task_desc desc = {
        .task = task, .steps = steps, .batch = 4, .held_out = 10, .seed = seed};
    assert_int_equal(clrnn_data_create_task(&desc, &test_log, &data), CLRNN_OK);
    return data;
}

static void check_task(clrnn_task task, const clrnn_batch *b, uint32_t n)
{
    const float *x = b->x;
    const uint32_t T = b->steps, N = b->batch;
    const int32_t last = b->targets[(T - 1) * N + n];
    double sum = 0;
    int state = 0;
    for (uint32_t t = 0; t < T; t++) {
        const size_t i = t * N + n;
        switch (task) {
        case CLRNN_TASK_ADDING:
            sum += (double)(x[2 * i] * x[2 * i + 1]);
            break;
        case CLRNN_TASK_COPY:
            for (int k = 1; t + 10 >= T && k <= 8; k++)
                assert_true((x[10 * ((t + 10 - T) * N + n) + k] > 0) == (b->targets[i] == k));
            assert_true(t + 10 >= T || b->targets[i] == 0);
            assert_true((x[10 * i + 9] > 0) == (t + 11 == T));
            break;
        case CLRNN_TASK_RECALL:
            assert_true((x[10 * i + last] > 0) == (t == 0));
            break;
        case CLRNN_TASK_PARITY:
            state ^= x[i] > 0;
            assert_int_equal(b->targets[i], state);
            break;
        case CLRNN_TASK_BRACKETS:
            state += x[2 * i + 1] > 0 ? 1 : -1;
            assert_true(state >= 0 && state <= 7 && b->targets[i] == state);
            break;
        }
    }
    if (task == CLRNN_TASK_ADDING)
        assert_true(fabs(sum - (double)((const float *)b->values)[(T - 1) * N + n]) < 1e-6);
}

static void tasks(void **state)
{
    (void)state;
    for (int task = CLRNN_TASK_ADDING; task <= CLRNN_TASK_BRACKETS; task++) {
        clrnn_data *a = make_task((clrnn_task)task, 17, 1), *b = make_task((clrnn_task)task, 17, 1);
        clrnn_data *other = make_task((clrnn_task)task, 17, 2);
        clrnn_batch one, two, three, held;
        for (uint64_t k = 0; k < 5; k++) {
            assert_int_equal(clrnn_data_batch(a, CLRNN_PART_TRAIN, k, &one), CLRNN_OK);
            for (uint32_t n = 0; n < one.batch; n++)
                check_task((clrnn_task)task, &one, n);
        }
        assert_int_equal(clrnn_data_batch(b, CLRNN_PART_TRAIN, 4, &two), CLRNN_OK);
        assert_int_equal(clrnn_data_batch(other, CLRNN_PART_TRAIN, 4, &three), CLRNN_OK);
        const size_t bytes = one.steps * one.batch * clrnn_data_get_info(a)->inputs * sizeof(float);
        assert_memory_equal(one.x, two.x, bytes);
        assert_memory_not_equal(one.x, three.x, bytes);
        assert_int_equal(clrnn_data_batch(b, CLRNN_PART_VALIDATION, 4, &held), CLRNN_OK);
        assert_memory_not_equal(one.x, held.x, held.batch * held.steps * sizeof(float));
        clrnn_data_destroy(&a);
        clrnn_data_destroy(&b);
        clrnn_data_destroy(&other);
    }
}

/* --- what is refused ------------------------------------------------------------------------- */

static void refuse(const clrnn_data_desc *desc, clrnn_status status, const char *message)
{
    clrnn_data *data = (clrnn_data *)desc;
    assert_int_equal(clrnn_data_create(desc, &test_log, &data), status);
    assert_null(data);
    assert_error_contains(message);
}

static void refused(void **state)
{
    (void)state;
    given g = give();
    clrnn_data_desc d = g.desc;
    static double nan[SEQUENCES * STEPS * 2] = {[20] = NAN};
    const uint64_t shape[] = {SEQUENCES, STEPS, 2};
    d.x = add(g.set, "nan", CLRNN_DTYPE_F64, 3, shape, nan);
    d.lengths = NULL;
    refuse(&d, CLRNN_ERR_RANGE, "step 1 of sequence 1, input 0");
    d = g.desc, d.batch_first = false;
    refuse(&d, CLRNN_ERR_ARGUMENT, "lengths has shape [53]");
    d = g.desc, d.output_size = 3;
    refuse(&d, CLRNN_ERR_RANGE, "target 3");
    d = g.desc, d.target_at = CLRNN_TARGET_EVERY;
    refuse(&d, CLRNN_ERR_ARGUMENT, "every one");
    d = g.desc, d.targets = d.x;
    refuse(&d, CLRNN_ERR_ARGUMENT, "[53,9,2]");
    d = g.desc, d.window = 4;
    refuse(&d, CLRNN_ERR_ARGUMENT, "no lengths");
    d = g.desc, d.horizon = 1;
    refuse(&d, CLRNN_ERR_ARGUMENT, "horizon is 1");
    d = g.desc, d.mask = d.lengths, d.targets = NULL;
    refuse(&d, CLRNN_ERR_ARGUMENT, "mask without targets");
    d = g.desc, d.loss = (clrnn_loss)9;
    refuse(&d, CLRNN_ERR_ARGUMENT, "loss 9");
    d = g.desc, d.precision = (clrnn_precision)9;
    refuse(&d, CLRNN_ERR_ARGUMENT, "precision 9");
    clrnn_data *data = (clrnn_data *)&g;
    assert_int_equal(clrnn_data_create_task(&(clrnn_task_desc){.task = (clrnn_task)5, .steps = 9},
                                            &test_log, &data),
                     CLRNN_ERR_ARGUMENT);
    assert_int_equal(clrnn_data_create_task(&(clrnn_task_desc){.steps = 1}, &test_log, &data),
                     CLRNN_ERR_RANGE);
    assert_null(data);
    clrnn_tensors_destroy(&g.set);
}

/* One order for all sequences: each holds the numbers it had, and another seed gives another. */
static void permuted(void **state)
{
    enum { N = 5, T = 64 };
    static double x[N][T];
    int32_t targets[N] = {0, 1, 2, 3, 0}, order[T];
    (void)state;
    for (int n = 0; n < N; n++)
        for (int t = 0; t < T; t++)
            x[n][t] = 1000 * n + t;
    clrnn_tensors *set = NULL;
    assert_int_equal(clrnn_tensors_create(&test_log, &set), CLRNN_OK);
    clrnn_data_desc desc = {
        .target_at = CLRNN_TARGET_LAST, .batch_first = true, .batch = N, .precision = CLRNN_F64};
    desc.x = add(set, "x", CLRNN_DTYPE_F64, 3, (uint64_t[]){N, T, 1}, x);
    desc.targets = add(set, "targets", CLRNN_DTYPE_I32, 1, (uint64_t[]){N}, targets);
    size_t moved = 0, same = 0;
    for (uint64_t seed = 0; seed < 2; seed++) {
        clrnn_data *data = NULL, *again = NULL;
        clrnn_batch batch, other;
        bool seen[T] = {false};
        assert_int_equal(clrnn_data_create(&desc, &test_log, &data), CLRNN_OK);
        assert_int_equal(clrnn_data_create(&desc, &test_log, &again), CLRNN_OK);
        assert_int_equal(clrnn_data_permute(data, seed), CLRNN_OK);
        assert_int_equal(clrnn_data_permute(again, seed), CLRNN_OK);
        assert_int_equal(clrnn_data_batch(data, CLRNN_PART_TRAIN, 0, &batch), CLRNN_OK);
        assert_int_equal(clrnn_data_batch(again, CLRNN_PART_TRAIN, 0, &other), CLRNN_OK);
        assert_memory_equal(batch.x, other.x, sizeof x);
        for (int t = 0; t < T; t++)
            for (int n = 0; n < N; n++) {
                const double v = ((const double *)batch.x)[t * N + n];
                const int from = (int)v % 1000, sequence = (int)v / 1000;
                if (n == 0) {
                    assert_false(seen[from]);
                    seen[from] = true;
                    moved += from != t;
                    same += seed == 1 && order[t] == from;
                    order[t] = from;
                }
                assert_int_equal(from, order[t]);
                assert_int_equal(batch.targets[(T - 1) * N + n], targets[sequence]);
            }
        clrnn_data_destroy(&data);
        clrnn_data_destroy(&again);
    }
    assert_true(moved > 2 * T - 12 && same < 8);
    clrnn_tensors_destroy(&set);
    given g = give();
    clrnn_data *data = NULL;
    assert_int_equal(clrnn_data_create(&g.desc, &test_log, &data), CLRNN_OK);
    assert_int_equal(clrnn_data_permute(data, 0), CLRNN_ERR_ARGUMENT);
    assert_error_contains("lengths differ");
    clrnn_data_destroy(&data);
    clrnn_tensors_destroy(&g.set);
    const clrnn_task_desc task = {.task = CLRNN_TASK_RECALL, .steps = 5};
    assert_int_equal(clrnn_data_create_task(&task, &test_log, &data), CLRNN_OK);
    assert_int_equal(clrnn_data_permute(data, 0), CLRNN_ERR_ARGUMENT);
    assert_error_contains("a task makes its own");
    clrnn_data_destroy(&data);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_pass_holds_all),
        cmocka_unit_test(parts),
        cmocka_unit_test(parts_without_targets),
        cmocka_unit_test(scaling),
        cmocka_unit_test(windows),
        cmocka_unit_test_setup_teardown(scores, test_open, test_close),
        cmocka_unit_test(tasks),
        cmocka_unit_test(permuted),
        cmocka_unit_test(refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

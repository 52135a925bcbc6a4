/* SPDX-License-Identifier: MIT
 * tests/train/test_trainer.c - training steps: what they compute, learn and carry over. */
#include "task.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "model/model.h"

/* --- what a step computes ------------------------------------------------------------------- */

/* The mean loss of a batch from the model's own logits, on the host. */
static double host_loss(clrnn_model *model, const clrnn_batch *batch, clrnn_loss kind)
{
    size_t rows = (size_t)batch->steps * batch->batch;
    float *logits = calloc(rows * OUTPUTS, sizeof *logits);
    assert_non_null(logits);
    const clrnn_model_io io = {.steps = batch->steps,
                               .batch = batch->batch,
                               .lengths = batch->lengths,
                               .x = batch->x,
                               .ids = batch->ids,
                               .logits = logits};
    assert_int_equal(clrnn_model_forward(model, &io), CLRNN_OK);
    double sum = 0;
    size_t counted = 0;
    for (size_t i = 0; i < rows; i++) {
        const float *x = logits + i * OUTPUTS, *values = (const float *)batch->values + i * OUTPUTS;
        bool live = !batch->lengths || i / batch->batch < batch->lengths[i % batch->batch];
        if (!live || (batch->targets && batch->targets[i] < 0))
            continue;
        double total = 0, squares = 0;
        for (size_t k = 0; k < OUTPUTS; k++) {
            total += exp((double)x[k]);
            squares += ((double)x[k] - values[k]) * ((double)x[k] - values[k]);
        }
        counted++;
        sum += kind == CLRNN_LOSS_CROSS_ENTROPY ? log(total) - x[batch->targets[i]]
                                                : squares / OUTPUTS;
    }
    free(logits);
    return sum / (double)counted;
}

static void losses_are_means_over_what_counts(void **state)
{
    const uint32_t lengths[3] = {2, 7, 0};
    for (int kind = CLRNN_LOSS_CROSS_ENTROPY; kind <= CLRNN_LOSS_MEAN_SQUARED; kind++)
        for (int ragged = 0; ragged < 2; ragged++) {
            clrnn_model_desc desc = task_desc(CLRNN_CELL_GRU, CLRNN_INPUT_EMBEDDING, 1, CLRNN_F32);
            clrnn_model *model = task_model(*state, &desc, 1);
            const clrnn_trainer_desc options = {
                .max_steps = 9, .max_batch = 4, .loss = (clrnn_loss)kind};
            clrnn_trainer *trainer = task_trainer(model, &options);
            task_batch batch = task_random(model, 7, 3, 5);
            batch.io.lengths = ragged ? lengths : NULL;
            double expected = host_loss(model, &batch.io, (clrnn_loss)kind), sum = 0;
            uint64_t count = 0;
            assert_int_equal(clrnn_trainer_evaluate(trainer, &batch.io, &sum, &count), CLRNN_OK);
            assert_true(fabs(sum / (double)count - expected) < 1e-6 * expected);
            assert_true(fabs(task_step(trainer, &batch.io) - expected) < 1e-6 * expected);
            assert_int_equal(clrnn_trainer_steps_done(trainer), 1);
            task_free(&batch);
            clrnn_trainer_destroy(&trainer);
            assert_null(trainer);
            clrnn_trainer_destroy(&trainer);
            clrnn_model_destroy(&model);
        }
}

/* Step k of the formulas in clrnn/trainer.h on one number; m and v begin at 0. */
static void formula(const clrnn_trainer_desc *o, int k, double rate, double g, double *w, double *m,
                    double *v)
{
    bool adam = o->optimizer == CLRNN_ADAM || o->optimizer == CLRNN_ADAMW;
    if (o->optimizer == CLRNN_ADAMW)
        *w -= rate * o->weight_decay * *w;
    if (o->optimizer == CLRNN_SGD) {
        *v = o->momentum * *v + g;
        *w -= rate * *v;
    } else {
        double b2 = adam ? o->beta2 : o->rho;
        *m = o->beta1 * *m + (1 - o->beta1) * g;
        *v = b2 * *v + (1 - b2) * g * g;
        *w -=
            adam ? rate * (*m / (1 - pow(o->beta1, k))) / (sqrt(*v / (1 - pow(b2, k))) + o->epsilon)
                 : rate * g / (sqrt(*v) + o->epsilon);
    }
}

/* A few steps with the gradients that are read back, which are not clipped. */
static void check_updates(clrnn_context *context, const clrnn_trainer_desc *options)
{
    clrnn_model_desc desc = task_desc(CLRNN_CELL_LSTM, CLRNN_INPUT_DENSE, 1, CLRNN_F32);
    clrnn_model *model = task_model(context, &desc, 1);
    const clrnn_trainer_desc used = task_fitting(&desc, options);
    clrnn_trainer *trainer = task_trainer(model, &used);
    size_t count = model->count;
    double *w = task_parameters(model), *m = calloc(count, sizeof *m),
           *v = calloc(count, sizeof *v);
    double norm = 1;
    assert_true(m && v);
    assert_int_equal(clrnn_trainer_gradient_norm(trainer, &norm), CLRNN_OK);
    assert_true(norm == 0);
    for (int k = 1; k <= 4; k++) {
        task_batch batch = task_random(model, 6, 2, (uint64_t)k);
        double rate = clrnn_trainer_learning_rate(trainer), squares = 0;
        assert_int_equal(clrnn_trainer_step(trainer, &batch.io, NULL), CLRNN_OK);
        double *g = task_gradient(model, trainer);
        for (size_t i = 0; i < count; i++)
            squares += g[i] * g[i];
        assert_int_equal(clrnn_trainer_gradient_norm(trainer, &norm), CLRNN_OK);
        assert_true(fabs(norm - sqrt(squares)) < 1e-6 * norm && norm > 0.1);
        double factor = options->clip > 0 && norm > options->clip ? options->clip / norm : 1;
        for (size_t i = 0; i < count; i++)
            formula(options, k, rate, factor * g[i], &w[i], &m[i], &v[i]);
        free(g);
        task_free(&batch);
    }
    double *got = task_parameters(model), error = test_error(got, w, count);
    if (!(error < 1e-6))
        fail_msg("optimizer %d, clip %g: parameters are off by %g", (int)options->optimizer,
                 options->clip, error);
    free(got);
    free(w);
    free(m);
    free(v);
    clrnn_trainer_destroy(&trainer);
    clrnn_model_destroy(&model);
}

static void updates_follow_the_formulas(void **state)
{
    const double clips[] = {0, 1e-2, 1e6};
    for (int kind = CLRNN_ADAM; kind <= CLRNN_RMSPROP; kind++)
        for (size_t c = 0; c < 3; c++) {
            const clrnn_trainer_desc options = {.max_steps = 6,
                                                .max_batch = 2,
                                                .optimizer = (clrnn_optimizer)kind,
                                                .learning_rate = 0.1,
                                                .momentum = 0.8,
                                                .beta1 = 0.7,
                                                .beta2 = 0.95,
                                                .rho = 0.9,
                                                .epsilon = 1e-2,
                                                .weight_decay = 0.2,
                                                .clip = clips[c],
                                                .warmup_steps = 2};
            check_updates(*state, &options);
        }
}

/* The mean losses of three steps with the same parameters and batch. */
static void dropped_losses(clrnn_context *context, uint64_t seed, double losses[3], double *plain)
{
    clrnn_model_desc desc = task_desc(CLRNN_CELL_GRU, CLRNN_INPUT_ONE_HOT, 2, CLRNN_F32);
    clrnn_model *model = task_model(context, &desc, 1);
    const clrnn_trainer_desc options = {.max_steps = 6,
                                        .max_batch = 2,
                                        .optimizer = CLRNN_SGD,
                                        .learning_rate = 1e-30,
                                        .dropout = 0.5f,
                                        .seed = seed};
    clrnn_trainer *trainer = task_trainer(model, &options);
    task_batch batch = task_random(model, 6, 2, 5);
    uint64_t count = 0;
    for (int k = 0; k < 3; k++)
        losses[k] = task_step(trainer, &batch.io);
    assert_int_equal(clrnn_trainer_evaluate(trainer, &batch.io, plain, &count), CLRNN_OK);
    *plain /= (double)count;
    double expected = host_loss(model, &batch.io, CLRNN_LOSS_CROSS_ENTROPY);
    assert_true(fabs(*plain - expected) < 1e-6 * expected);
    task_free(&batch);
    clrnn_trainer_destroy(&trainer);
    clrnn_model_destroy(&model);
}

static void dropout_is_drawn_anew_each_step(void **state)
{
    double a[3], again[3], other[3], plain;
    dropped_losses(*state, 1, a, &plain);
    dropped_losses(*state, 1, again, &plain);
    dropped_losses(*state, (uint64_t)1 << 40 | 1, other, &plain);
    assert_memory_equal(a, again, sizeof a);
    for (int k = 0; k < 3; k++) {
        assert_true(a[k] != a[(k + 1) % 3] && a[k] != other[k]);
        assert_true(a[k] != plain && fabs(a[k] - plain) < plain);
    }
}

static void learning_rates(void **state)
{
    clrnn_model_desc desc = task_desc(CLRNN_CELL_RNN, CLRNN_INPUT_DENSE, 1, CLRNN_F32);
    const clrnn_trainer_desc options[] = {
        {.max_steps = 1, .max_batch = 1},
        {.max_steps = 1, .max_batch = 1, .learning_rate = 8, .warmup_steps = 4},
        {.max_steps = 1,
         .max_batch = 1,
         .learning_rate = 8,
         .schedule = CLRNN_SCHEDULE_COSINE,
         .warmup_steps = 2,
         .total_steps = 6},
    };
    const double expected[][8] = {
        {1e-3, 1e-3, 1e-3, 1e-3, 1e-3, 1e-3, 1e-3, 1e-3},
        {2, 4, 6, 8, 8, 8, 8, 8},
        {4, 8, 8, 4 + sqrt(8), 4, 4 - sqrt(8), 0, 0},
    };
    for (size_t i = 0; i < 3; i++) {
        clrnn_model *model = task_model(*state, &desc, 1);
        clrnn_trainer *trainer = task_trainer(model, &options[i]);
        task_batch batch = task_random(model, 1, 1, 5);
        for (size_t k = 0; k < 8; k++) {
            assert_true(fabs(clrnn_trainer_learning_rate(trainer) - expected[i][k]) < 1e-14);
            (void)task_step(trainer, &batch.io);
        }
        task_free(&batch);
        clrnn_trainer_destroy(&trainer);
        clrnn_model_destroy(&model);
    }
}

/* --- learning ------------------------------------------------------------------------------- */

static void every_optimizer_learns(void **state)
{
    static const double rates[] = {
        [CLRNN_ADAM] = 0.03, [CLRNN_ADAMW] = 0.03, [CLRNN_SGD] = 0.5, [CLRNN_RMSPROP] = 0.01};
    for (int kind = CLRNN_ADAM; kind <= CLRNN_RMSPROP; kind++) {
        bool squared = kind == CLRNN_RMSPROP;
        clrnn_model_desc desc = task_desc(CLRNN_CELL_GRU, CLRNN_INPUT_DENSE, 1, CLRNN_F32);
        clrnn_model *model = task_model(*state, &desc, 4);
        const clrnn_trainer_desc options = {.max_steps = 4,
                                            .max_batch = 2,
                                            .loss = squared ? CLRNN_LOSS_MEAN_SQUARED
                                                            : CLRNN_LOSS_CROSS_ENTROPY,
                                            .optimizer = (clrnn_optimizer)kind,
                                            .learning_rate = rates[kind],
                                            .momentum = 0.9,
                                            .weight_decay = 0.01};
        const clrnn_trainer_desc used = task_fitting(&desc, &options);
        clrnn_trainer *trainer = task_trainer(model, &used);
        task_batch batch = task_random(model, 4, 2, 5);
        double first = task_step(trainer, &batch.io), last = first;
        for (int k = 0; k < 100; k++)
            last = task_step(trainer, &batch.io);
        if (!(last < 0.25 * first))
            fail_msg("optimizer %d: loss %g after %g", kind, last, first);
        task_free(&batch);
        clrnn_trainer_destroy(&trainer);
        clrnn_model_destroy(&model);
    }
}

/* Streams of text with carried state, until the model knows it by heart. */
static void a_short_text_is_learned_by_heart(void **state)
{
    static const char rhyme[] =
        "she sells sea shells by the sea shore; the shells she sells are sea"
        " shells, I am sure.";
    const clrnn_text_desc cut = {.steps = 8, .batch = 2};
    clrnn_text *text = NULL;
    assert_int_equal(clrnn_text_create(rhyme, strlen(rhyme), &cut, &test_log, &text), CLRNN_OK);
    uint32_t V = 0;
    const uint8_t *vocabulary = clrnn_text_vocabulary(text, &V);
    const clrnn_model_desc desc = {.network = {.cell = CLRNN_CELL_LSTM, .hidden_size = 32},
                                   .input = CLRNN_INPUT_ONE_HOT,
                                   .vocabulary = vocabulary,
                                   .vocabulary_size = V,
                                   .output_size = V};
    clrnn_model *model = task_model(*state, &desc, 1);
    /* At a rate that stays so high the last bits come and go; it ends at 0. */
    const uint64_t batches = clrnn_text_batches(text, false), steps = 150 * batches;
    const clrnn_trainer_desc options = {.max_steps = 8,
                                        .max_batch = 2,
                                        .learning_rate = 0.02,
                                        .schedule = CLRNN_SCHEDULE_COSINE,
                                        .total_steps = steps,
                                        .clip = 1,
                                        .carry_state = true};
    clrnn_trainer *trainer = task_trainer(model, &options);
    int32_t ids[16], targets[16];
    clrnn_batch batch = {.ids = ids, .targets = targets};
    double bits = 0;
    for (uint64_t k = 0; k < steps; k++) {
        clrnn_text_batch(text, false, k, ids, targets, &batch.reset);
        bits = (k % batches ? bits : 0) + task_step(trainer, &batch) / log(2) / (double)batches;
    }
    assert_true(clrnn_text_unigram_bits(text) > 3);
    if (!(bits < 0.1))
        fail_msg("%g bits a symbol are left", bits);
    clrnn_text_destroy(&text);
    clrnn_trainer_destroy(&trainer);
    clrnn_model_destroy(&model);
}

/* --- carried state -------------------------------------------------------------------------- */

enum { CHUNK = 4, CHUNKS = 3, ROWS = 2 };

/* The sum of losses of chunk `c`, by a training step or an evaluation. */
static double chunk_loss(clrnn_trainer *trainer, const task_batch *all, int c, bool train,
                         bool reset)
{
    size_t at = (size_t)c * CHUNK * ROWS;
    const clrnn_batch batch = {
        .ids = all->io.ids + at, .targets = all->io.targets + at, .reset = reset};
    double sum = 0;
    uint64_t count = 0;
    for (size_t i = 0; i < CHUNK * ROWS; i++)
        count += batch.targets[i] >= 0;
    if (train)
        return task_step(trainer, &batch) * (double)count;
    assert_int_equal(clrnn_trainer_evaluate(trainer, &batch, &sum, &count), CLRNN_OK);
    return sum;
}

static void check_chunks(clrnn_context *context, clrnn_cell cell, clrnn_precision precision)
{
    const double tolerance = precision == CLRNN_F64 ? 1e-13 : 1e-5;
    clrnn_model_desc desc = task_desc(cell, CLRNN_INPUT_ONE_HOT, 2, precision);
    clrnn_model *model = task_model(context, &desc, 1);
    /* A rate that changes nothing, so that each chunk sees the same parameters. */
    clrnn_trainer_desc options = {.max_steps = CHUNK * CHUNKS,
                                  .max_batch = ROWS,
                                  .optimizer = CLRNN_SGD,
                                  .learning_rate = 1e-30};
    clrnn_trainer *whole = task_trainer(model, &options);
    options.max_steps = CHUNK;
    options.carry_state = true;
    clrnn_trainer *chunked = task_trainer(model, &options);
    task_batch all = task_random(model, CHUNK * CHUNKS, ROWS, 5);
    double expected = 0, trained = 0, evaluated = 0, first = 0;
    uint64_t count = 0;
    assert_int_equal(clrnn_trainer_evaluate(whole, &all.io, &expected, &count), CLRNN_OK);
    /* Evaluation is one chunk late: neither may get in the way of the other's state. */
    for (int c = 0; c <= CHUNKS; c++) {
        double loss = c < CHUNKS ? chunk_loss(chunked, &all, c, true, false) : 0;
        first = c == 0 ? loss : first;
        trained += loss;
        evaluated += c > 0 ? chunk_loss(chunked, &all, c - 1, false, false) : 0;
    }
    assert_true(fabs(trained - expected) < tolerance * expected);
    assert_true(fabs(evaluated - expected) < tolerance * expected);
    for (int train = 0; train < 2; train++) {
        assert_true(fabs(chunk_loss(chunked, &all, 0, train, false) - first) > 1e-4 * first);
        assert_true(fabs(chunk_loss(chunked, &all, 0, train, true) - first) <= 1e-6 * first);
    }
    task_free(&all);
    clrnn_trainer_destroy(&whole);
    clrnn_trainer_destroy(&chunked);
    clrnn_model_destroy(&model);
}

static void chunks_make_one_long_sequence(void **state)
{
    clrnn_context *context = *state;
    for (int p = 0; p <= clrnn_context_device(context)->fp64; p++)
        for (int cell = CLRNN_CELL_LSTM; cell <= CLRNN_CELL_RNN; cell++)
            check_chunks(context, (clrnn_cell)cell, (clrnn_precision)p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(losses_are_means_over_what_counts, test_open, test_close),
        cmocka_unit_test_setup_teardown(updates_follow_the_formulas, test_open, test_close),
        cmocka_unit_test_setup_teardown(dropout_is_drawn_anew_each_step, test_open, test_close),
        cmocka_unit_test_setup_teardown(learning_rates, test_open, test_close),
        cmocka_unit_test_setup_teardown(every_optimizer_learns, test_open, test_close),
        cmocka_unit_test_setup_teardown(a_short_text_is_learned_by_heart, test_open, test_close),
        cmocka_unit_test_setup_teardown(chunks_make_one_long_sequence, test_open, test_close),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

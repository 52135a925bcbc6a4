/* SPDX-License-Identifier: MIT
 * tests/train/test_trainer.c - training steps: what they compute, learn and carry over. */
#include "task.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "model/model.h"

/* --- what a step computes -----------------------------------------------------------------------
 */

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
        if (!live || (kind == CLRNN_LOSS_CROSS_ENTROPY && batch->targets[i] < 0))
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

/* w' = w - rate * g * min(1, clip / |g|), and the gradient that is read back is not clipped. */
static void sgd_follows_the_clipped_gradient(void **state)
{
    clrnn_model_desc desc = task_desc(CLRNN_CELL_LSTM, CLRNN_INPUT_DENSE, 1, CLRNN_F32);
    const double clips[] = {0, 1e-2, 1e6};
    for (size_t c = 0; c < 3; c++) {
        clrnn_model *model = task_model(*state, &desc, 1);
        const clrnn_trainer_desc options = {.max_steps = 6,
                                            .max_batch = 2,
                                            .optimizer = CLRNN_SGD,
                                            .learning_rate = 0.5,
                                            .clip = clips[c]};
        clrnn_trainer *trainer = task_trainer(model, &options);
        task_batch batch = task_random(model, 6, 2, 5);
        double *before = task_parameters(model), norm = 0, squares = 0;
        assert_int_equal(clrnn_trainer_gradient_norm(trainer, &norm), CLRNN_OK);
        assert_true(norm == 0);
        assert_int_equal(clrnn_trainer_step(trainer, &batch.io, NULL), CLRNN_OK);
        double *gradient = task_gradient(model, trainer), *after = task_parameters(model);
        for (size_t i = 0; i < model->count; i++)
            squares += gradient[i] * gradient[i];
        assert_int_equal(clrnn_trainer_gradient_norm(trainer, &norm), CLRNN_OK);
        assert_true(fabs(norm - sqrt(squares)) < 1e-6 * norm && norm > 0.1);
        double factor = c == 1 ? clips[1] / norm : 1;
        for (size_t i = 0; i < model->count; i++)
            before[i] -= 0.5 * factor * gradient[i];
        assert_true(test_error(after, before, model->count) < 3e-7);
        free(before);
        free(after);
        free(gradient);
        task_free(&batch);
        clrnn_trainer_destroy(&trainer);
        clrnn_model_destroy(&model);
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

/* --- learning -----------------------------------------------------------------------------------
 */

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
        clrnn_trainer *trainer = task_trainer(model, &options);
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
    const clrnn_trainer_desc options = {
        .max_steps = 8, .max_batch = 2, .learning_rate = 0.02, .clip = 1, .carry_state = true};
    clrnn_trainer *trainer = task_trainer(model, &options);
    int32_t ids[16], targets[16];
    clrnn_batch batch = {.ids = ids, .targets = targets};
    uint64_t batches = clrnn_text_batches(text, false);
    double bits = 0;
    for (uint64_t k = 0; k < 60 * batches; k++) {
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

/* --- carried state ------------------------------------------------------------------------------
 */

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
        cmocka_unit_test_setup_teardown(sgd_follows_the_clipped_gradient, test_open, test_close),
        cmocka_unit_test_setup_teardown(learning_rates, test_open, test_close),
        cmocka_unit_test_setup_teardown(every_optimizer_learns, test_open, test_close),
        cmocka_unit_test_setup_teardown(a_short_text_is_learned_by_heart, test_open, test_close),
        cmocka_unit_test_setup_teardown(chunks_make_one_long_sequence, test_open, test_close),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

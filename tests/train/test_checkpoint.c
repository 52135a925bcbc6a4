/* SPDX-License-Identifier: MIT
 * tests/train/test_checkpoint.c - a run that is stopped and resumed is the same run, bit for bit.
 */
#include "run.h"

#include <string.h>

static void check_resume(clrnn_context *context, const clrnn_model_desc *desc,
                         const clrnn_trainer_desc *how)
{
    const run_path path = run_file("resume.safetensors");
    run straight = run_open(context, desc, how, 1), first = run_open(context, desc, how, 1);
    (void)run_train(&straight, 0, 10);
    (void)run_train(&first, 0, 5);
    assert_int_equal(clrnn_trainer_save(first.trainer, path.text), CLRNN_OK);
    run_close(&first);
    run second = run_open(context, desc, how, 2);
    (void)run_train(&second, 40, 1); /* all that is resumed was something else before */
    assert_int_equal(clrnn_trainer_resume(second.trainer, path.text), CLRNN_OK);
    assert_int_equal(clrnn_trainer_steps_done(second.trainer), 5);
    (void)run_train(&second, 5, 5);
    assert_same_parameters(&straight, &second);
    assert_int_equal(clrnn_trainer_steps_done(second.trainer), 10);
    assert_true(run_train(&straight, 10, 1) == run_train(&second, 10, 1));
    run_close(&straight);
    run_close(&second);
}

static void resumed_is_the_same_run(void **state)
{
    for (int kind = CLRNN_ADAM; kind <= CLRNN_RMSPROP; kind++) {
        clrnn_trainer_desc how = run_options;
        clrnn_model_desc desc =
            task_desc((clrnn_cell)(kind % 3), (clrnn_input)(kind % 3), 2, CLRNN_F32);
        how.optimizer = (clrnn_optimizer)kind;
        check_resume(*state, &desc, &how);
    }
}

static void resumed_is_the_same_run_in_other_ways(void **state)
{
    clrnn_context *context = *state;
    clrnn_model_desc desc = task_desc(CLRNN_CELL_LSTM, CLRNN_INPUT_EMBEDDING, 2, CLRNN_F32);
    desc.network.proj_size = 3;
    desc.network.bidirectional = true;
    check_resume(context, &desc, &run_options);
    clrnn_trainer_desc how = run_options;
    how.carry_state = false;
    how.loss = CLRNN_LOSS_MEAN_SQUARED;
    if (clrnn_context_device(context)->fp64)
        desc.precision = CLRNN_F64;
    check_resume(context, &desc, &how);
}

/* Before any step there is no state to carry, and it stays so. */
static void resumed_from_the_beginning(void **state)
{
    const run_path path = run_file("beginning.safetensors");
    clrnn_model_desc desc = task_desc(CLRNN_CELL_GRU, CLRNN_INPUT_DENSE, 2, CLRNN_F32);
    run a = run_open(*state, &desc, &run_options, 1), b = run_open(*state, &desc, &run_options, 2);
    assert_int_equal(clrnn_trainer_save(a.trainer, path.text), CLRNN_OK);
    (void)run_train(&b, 40, 2);
    assert_int_equal(clrnn_trainer_resume(b.trainer, path.text), CLRNN_OK);
    assert_int_equal(clrnn_trainer_steps_done(b.trainer), 0);
    assert_true(run_train(&a, 0, 3) == run_train(&b, 0, 3));
    assert_same_parameters(&a, &b);
    run_close(&a);
    run_close(&b);
}

/* The model's own forward pass and evaluation see the parameters of the file, too. */
static void a_checkpoint_is_a_model(void **state)
{
    const run_path path = run_file("model.safetensors");
    clrnn_model_desc desc = task_desc(CLRNN_CELL_LSTM, CLRNN_INPUT_ONE_HOT, 1, CLRNN_F32);
    desc.vocabulary = (const uint8_t *)"abcdef";
    run a = run_open(*state, &desc, &run_options, 1), b = run_open(*state, &desc, &run_options, 2);
    (void)run_train(&a, 0, 3);
    assert_int_equal(clrnn_trainer_save(a.trainer, path.text), CLRNN_OK);
    clrnn_model *loaded = NULL;
    assert_int_equal(clrnn_model_load(*state, path.text, CLRNN_F32, &loaded), CLRNN_OK);
    task_batch batch = task_random(loaded, T, N, 5);
    float logits[3][T * N * OUTPUTS];
    double sums[3];
    uint64_t count = 0;
    clrnn_model_io io = {.steps = T, .batch = N, .ids = batch.io.ids};
    clrnn_model *models[] = {a.model, loaded, b.model};
    for (int i = 0; i < 3; i++) {
        io.logits = logits[i];
        assert_int_equal(clrnn_model_forward(models[i], &io), CLRNN_OK);
    }
    assert_memory_equal(logits[0], logits[1], sizeof logits[0]);
    assert_int_equal(clrnn_trainer_evaluate(b.trainer, &batch.io, &sums[0], &count), CLRNN_OK);
    assert_int_equal(clrnn_trainer_resume(b.trainer, path.text), CLRNN_OK);
    assert_int_equal(clrnn_model_forward(b.model, &io), CLRNN_OK);
    assert_memory_equal(logits[0], logits[2], sizeof logits[0]);
    assert_int_equal(clrnn_trainer_evaluate(a.trainer, &batch.io, &sums[1], &count), CLRNN_OK);
    assert_int_equal(clrnn_trainer_evaluate(b.trainer, &batch.io, &sums[2], &count), CLRNN_OK);
    assert_true(sums[2] == sums[1] && sums[2] != sums[0]);
    task_free(&batch);
    clrnn_model_destroy(&loaded);
    run_close(&a);
    run_close(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(resumed_is_the_same_run, test_open, test_close),
        cmocka_unit_test_setup_teardown(resumed_is_the_same_run_in_other_ways, test_open,
                                        test_close),
        cmocka_unit_test_setup_teardown(resumed_from_the_beginning, test_open, test_close),
        cmocka_unit_test_setup_teardown(a_checkpoint_is_a_model, test_open, test_close),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

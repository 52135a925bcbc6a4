/* SPDX-License-Identifier: MIT
 * tests/train/test_arguments.c - what the public interface says of arguments it refuses: the name
 * of the one that is NULL; the value that was given, and what it may be. */
#include "task.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <clrnn/problem.h>
#include <clrnn/stream.h>
#include <clrnn/tune.h>

#define COUNT(array) (sizeof(array) / sizeof *(array))

/* The status, and a reason in which all of this stands. */
static void check(const char *call, clrnn_status got, clrnn_status status, const char *const *says)
{
    if (got != status)
        fail_msg("%s: %s, not %s", call, clrnn_status_name(got), clrnn_status_name(status));
    for (; *says; says++)
        if (!strstr(test_last_error, *says))
            fail_msg("%s: no \"%s\" in \"%s\"", call, *says, test_last_error);
}

#define REFUSE(status, call, ...) \
    (test_last_error[0] = 0,      \
     check(#call, call, CLRNN_ERR_##status, (const char *const[]){__VA_ARGS__, NULL}))

/* "FUNCTION: NAME is NULL" */
#define IS_NULL(name, function, ...) \
    REFUSE(ARGUMENT, function(__VA_ARGS__), #function ": " #name " is NULL")

/* --- NULL ------------------------------------------------------------------------------------- */

static void null_contexts(void **state)
{
    clrnn_device_info *devices = NULL;
    clrnn_context *context = NULL;
    const clrnn_context_desc desc = {.log = test_log};
    size_t count = 0;
    IS_NULL(devices, clrnn_devices_list, &test_log, NULL, &count);
    IS_NULL(count, clrnn_devices_list, &test_log, &devices, NULL);
    IS_NULL(context, clrnn_context_create, &desc, NULL);
    const clrnn_context_desc queue = {.log = test_log, .queue = clrnn_context_queue(*state)};
    const clrnn_context_desc alone = {.log = test_log, .context = clrnn_context_cl(*state)};
    REFUSE(ARGUMENT, clrnn_context_create(&queue, &context), "queue is given, but context is NULL");
    REFUSE(ARGUMENT, clrnn_context_create(&alone, &context), "context is given, but queue is NULL");
}

static void null_plans(void **state)
{
    const clrnn_plan_desc desc = {
        .network = {.input_size = 1, .hidden_size = 1}, .max_steps = 1, .max_batch = 1};
    clrnn_problem problem = {0};
    clrnn_check result;
    clrnn_plan *plan = NULL;
    clrnn_stream *stream = NULL;
    clrnn_tuning *tuning = NULL;
    IS_NULL(desc, clrnn_plan_create, *state, NULL, &plan);
    IS_NULL(plan, clrnn_plan_create, *state, &desc, NULL);
    IS_NULL(desc, clrnn_tune, *state, NULL, &tuning);
    IS_NULL(tuning, clrnn_tune, *state, &desc, NULL);
    IS_NULL(problem, clrnn_problem_check, *state, NULL, 1, &result);
    IS_NULL(check, clrnn_problem_check, *state, &problem, 1, NULL);
    IS_NULL(text, clrnn_problem_parse, NULL, &test_log, &problem);
    IS_NULL(problem, clrnn_problem_parse, "", &test_log, NULL);
    assert_int_equal(clrnn_plan_create(*state, &desc, &plan), CLRNN_OK);
    IS_NULL(stream, clrnn_stream_create, plan, NULL);
    REFUSE(ARGUMENT, clrnn_forward(plan, NULL, NULL), "forward: io is NULL");
    REFUSE(ARGUMENT, clrnn_plan_set_weights_host(plan, NULL), "weights are NULL");
    assert_int_equal(clrnn_stream_create(plan, &stream), CLRNN_OK);
    REFUSE(ARGUMENT, clrnn_stream_process(stream, NULL, 1, &result), "x is NULL");
    REFUSE(ARGUMENT, clrnn_stream_process(stream, &result, 1, NULL), "y is NULL");
    clrnn_stream_destroy(&stream);
    clrnn_plan_destroy(&plan);
}

static void null_files(void **state)
{
    static const uint64_t shape[] = {1};
    clrnn_tensors *set = NULL, *other = NULL;
    (void)state;
    IS_NULL(set, clrnn_tensors_create, &test_log, NULL);
    assert_int_equal(clrnn_tensors_create(&test_log, &set), CLRNN_OK);
    IS_NULL(name, clrnn_tensors_add, set, NULL, CLRNN_DTYPE_F32, 1, shape, NULL);
    IS_NULL(shape, clrnn_tensors_add, set, "a", CLRNN_DTYPE_F32, 1, NULL, NULL);
    IS_NULL(key, clrnn_tensors_set_metadata, set, NULL, "value");
    IS_NULL(value, clrnn_tensors_set_metadata, set, "key", NULL);
    IS_NULL(path, clrnn_tensors_load, NULL, &test_log, &other);
    IS_NULL(set, clrnn_tensors_load, "a", &test_log, NULL);
    IS_NULL(data, clrnn_tensors_parse, NULL, 1, "a", &test_log, &other);
    IS_NULL(name, clrnn_tensors_parse, "", 0, NULL, &test_log, &other);
    IS_NULL(set, clrnn_tensors_parse, "", 0, "a", &test_log, NULL);
    IS_NULL(path, clrnn_tensors_save, set, NULL);
    clrnn_tensors_destroy(&set);
    REFUSE(ARGUMENT, clrnn_network_weights(NULL, &test_log, NULL, NULL), "desc is NULL");
}

static void null_models(void **state)
{
    const clrnn_model_desc desc = task_desc(CLRNN_CELL_RNN, CLRNN_INPUT_DENSE, 1, CLRNN_F32);
    clrnn_model *model = NULL;
    IS_NULL(desc, clrnn_model_create, *state, NULL, 1, &model);
    IS_NULL(model, clrnn_model_create, *state, &desc, 1, NULL);
    IS_NULL(set, clrnn_model_from_tensors, *state, NULL, CLRNN_F32, &model);
    IS_NULL(path, clrnn_model_load, *state, NULL, CLRNN_F32, &model);
    IS_NULL(model, clrnn_model_load, *state, "a", CLRNN_F32, NULL);
    model = task_model(*state, &desc, 1);
    IS_NULL(set, clrnn_model_to_tensors, model, NULL);
    IS_NULL(path, clrnn_model_save, model, NULL);
    IS_NULL(parameters, clrnn_model_get_parameters, model, NULL);
    IS_NULL(parameters, clrnn_model_set_parameters, model, NULL);
    IS_NULL(io, clrnn_model_forward, model, NULL);
    clrnn_model_destroy(&model);
}

static void null_trainers(void **state)
{
    const clrnn_model_desc desc = task_desc(CLRNN_CELL_RNN, CLRNN_INPUT_DENSE, 1, CLRNN_F32);
    const clrnn_trainer_desc how = {.max_steps = 1, .max_batch = 1};
    const clrnn_text_desc text_desc = {.steps = 1, .batch = 1};
    const clrnn_batch batch = {0};
    clrnn_model *model = task_model(*state, &desc, 1);
    clrnn_trainer *trainer = NULL;
    clrnn_text *text = NULL;
    double sum = 0;
    uint64_t count = 0;
    IS_NULL(desc, clrnn_trainer_create, model, NULL, &trainer);
    IS_NULL(trainer, clrnn_trainer_create, model, &how, NULL);
    trainer = task_trainer(model, &how);
    IS_NULL(batch, clrnn_trainer_step, trainer, NULL, NULL);
    IS_NULL(batch, clrnn_trainer_evaluate, trainer, NULL, &sum, &count);
    IS_NULL(loss_sum, clrnn_trainer_evaluate, trainer, &batch, NULL, &count);
    IS_NULL(count, clrnn_trainer_evaluate, trainer, &batch, &sum, NULL);
    IS_NULL(norm, clrnn_trainer_gradient_norm, trainer, NULL);
    IS_NULL(gradient, clrnn_trainer_get_gradient, trainer, NULL);
    IS_NULL(path, clrnn_trainer_save, trainer, NULL);
    IS_NULL(path, clrnn_trainer_resume, trainer, NULL);
    IS_NULL(bytes, clrnn_text_create, NULL, 1, &text_desc, &test_log, &text);
    IS_NULL(desc, clrnn_text_create, "", 0, NULL, &test_log, &text);
    IS_NULL(text, clrnn_text_create, "", 0, &text_desc, &test_log, NULL);
    clrnn_trainer_destroy(&trainer);
    clrnn_model_destroy(&model);
}

/* --- values and ranges ------------------------------------------------------------------------ */

static void values_of_networks(void **state)
{
    static const struct {
        clrnn_network_desc desc;
        clrnn_status status;
        const char *says;
    } rows[] = {
        {{.cell = (clrnn_cell)9}, CLRNN_ERR_ARGUMENT, "cell 9 is unknown, not in 0.."},
        {{.nonlinearity = (clrnn_nonlinearity)5}, CLRNN_ERR_ARGUMENT, "5 is unknown, not in 0..1"},
        {{.gru_reset = (clrnn_gru_reset)2}, CLRNN_ERR_ARGUMENT, "2 is unknown, not in 0..1"},
        {{.gru_update = (clrnn_gru_update)3}, CLRNN_ERR_ARGUMENT, "3 is unknown, not in 0..1"},
        {{.gru_update = CLRNN_UPDATE_KEEPS}, CLRNN_ERR_ARGUMENT, "gru_update is 1, but"},
        {{.nonlinearity = CLRNN_RELU}, CLRNN_ERR_ARGUMENT, "nonlinearity is 1, but"},
        {{.cell = CLRNN_CELL_GRU, .proj_size = 7}, CLRNN_ERR_ARGUMENT, "proj_size is 7, but"},
        {{.input_size = 1u << 30}, CLRNN_ERR_RANGE, "is 1073741824, not in 1..268435456"},
        {{.num_layers = 1001}, CLRNN_ERR_RANGE, "num_layers is 1001, not in 0..1000"},
        {{.proj_size = 9}, CLRNN_ERR_RANGE, "proj_size 9 is not less than hidden_size 8"},
    };
    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        clrnn_network_desc desc = rows[i].desc;
        desc.input_size = desc.input_size ? desc.input_size : 8;
        desc.hidden_size = 8;
        test_last_error[0] = 0;
        check("clrnn_network_weights", clrnn_network_weights(&desc, &test_log, NULL, NULL),
              rows[i].status, (const char *const[]){rows[i].says, NULL});
    }
    const clrnn_network_desc good = {.input_size = 8, .hidden_size = 8};
    clrnn_weight_info info;
    REFUSE(RANGE, clrnn_network_weight(&good, &test_log, 4, &info), "index is 4, not in 0..3");
}

static void values_of_plans(void **state)
{
    const clrnn_plan_desc good = {
        .network = {.input_size = 8, .hidden_size = 8}, .max_steps = 4, .max_batch = 2};
    clrnn_plan *plan = NULL;
    clrnn_plan_desc d = good;
    d.precision = (clrnn_precision)7;
    REFUSE(ARGUMENT, clrnn_plan_create(*state, &d, &plan), "precision 7 is unknown, not in 0..1");
    d = good, d.gemm = (clrnn_gemm)7;
    REFUSE(ARGUMENT, clrnn_plan_create(*state, &d, &plan), "gemm 7 is unknown, not in 0..");
    d = good, d.weights = (clrnn_storage)7;
    REFUSE(ARGUMENT, clrnn_plan_create(*state, &d, &plan), "weights 7 is unknown, not in 0..");
    d = good, d.sequences = CLRNN_WEIGHTS_INT8;
    REFUSE(ARGUMENT, clrnn_plan_create(*state, &d, &plan), "sequences 3 is unknown, not in 0..2");
    d = good, d.strategy = (clrnn_strategy)7;
    REFUSE(ARGUMENT, clrnn_plan_create(*state, &d, &plan), "strategy 7 is unknown, not in 0..");
    d = good, d.dropout = 0.25f;
    REFUSE(ARGUMENT, clrnn_plan_create(*state, &d, &plan), "dropout is 0.25, but");
    d = good, d.max_steps = d.max_batch = 65536;
    REFUSE(RANGE, clrnn_plan_create(*state, &d, &plan), "65536*65536 is more than 4294967295");
    clrnn_tuning *tuning = NULL;
    d = good, d.strategy = CLRNN_STRATEGY_STEPWISE;
    REFUSE(ARGUMENT, clrnn_tune(*state, &d, &tuning), "strategy (1) and gemm (0)");
}

static void values_of_problems(void **state)
{
    clrnn_problem p;
    (void)state;
    REFUSE(ARGUMENT, clrnn_problem_parse("cell=elman", &test_log, &p),
           "cell=elman is unknown, must be one of lstm|gru|rnn");
    REFUSE(ARGUMENT, clrnn_problem_parse("gemm=own", &test_log, &p), "auto|clblast|packed");
    REFUSE(ARGUMENT, clrnn_problem_parse("steps=4", &test_log, &p),
           "key steps is unknown, must be one of cell|T|N|I|H|", "|gemm");
    REFUSE(ARGUMENT, clrnn_problem_parse("T=-4", &test_log, &p), "T=-4 is not", "1..4294967295");
    REFUSE(RANGE, clrnn_problem_parse("H=0", &test_log, &p), "H=0 is not in 1..4294967295");
    REFUSE(ARGUMENT, clrnn_problem_parse("block=7", &test_log, &p), "block=7, but");
    char text[600];
    memset(text, 'x', sizeof text - 1);
    text[sizeof text - 1] = 0;
    REFUSE(RANGE, clrnn_problem_parse(text, &test_log, &p), "599 characters, longer than 511");
}

static void values_of_models(void **state)
{
    static const uint8_t letters[300] = {0};
    const clrnn_model_desc good = task_desc(CLRNN_CELL_RNN, CLRNN_INPUT_EMBEDDING, 1, CLRNN_F32);
    clrnn_model *m = NULL;
    clrnn_model_desc d = good;
    d.input = (clrnn_input)4;
    REFUSE(ARGUMENT, clrnn_model_create(*state, &d, 1, &m), "kind of input 4, not in 0..2");
    d = good, d.precision = (clrnn_precision)4;
    REFUSE(ARGUMENT, clrnn_model_create(*state, &d, 1, &m), "precision 4 is unknown, not in 0..1");
    d = good, d.vocabulary_size = 300, d.vocabulary = letters;
    REFUSE(ARGUMENT, clrnn_model_create(*state, &d, 1, &m), "300 symbols", "at most 256");
    d = good, d.input = CLRNN_INPUT_DENSE, d.vocabulary_size = 0, d.vocabulary = letters;
    REFUSE(ARGUMENT, clrnn_model_create(*state, &d, 1, &m), "vocabulary given");
    m = task_model(*state, &good, 1);
    REFUSE(ARGUMENT, clrnn_model_set_strategy(m, (clrnn_strategy)8), "strategy 8", "not in 0..");
    REFUSE(ARGUMENT, clrnn_model_set_storage(m, (clrnn_storage)8), "weights 8", "not in 0..");
    static const int32_t ids[] = {0};
    float c[8] = {0};
    const clrnn_model_io io = {.steps = 1, .batch = 1, .ids = ids, .cn = c};
    REFUSE(ARGUMENT, clrnn_model_forward(m, &io), "cn is given, but only an LSTM");
    clrnn_model_destroy(&m);
}

static void values_of_files(void **state)
{
    static const uint64_t large[] = {UINT64_C(1) << 60, 64};
    clrnn_tensors *set = NULL;
    (void)state;
    assert_int_equal(clrnn_tensors_create(&test_log, &set), CLRNN_OK);
    REFUSE(ARGUMENT, clrnn_tensors_add(set, "a", (clrnn_dtype)99, 1, large, NULL),
           "dtype 99 is unknown, not in 0..12");
    REFUSE(RANGE, clrnn_tensors_add(set, "a", CLRNN_DTYPE_F32, 9, large, NULL),
           "rank 9 is not in 0..8");
    REFUSE(RANGE, clrnn_tensors_add(set, "a", CLRNN_DTYPE_F32, 2, large, NULL),
           "[1152921504606846976,64] is too large", "2^53-1", "18446744073709551615");
    clrnn_tensors_destroy(&set);
}

static void values_of_trainers(void **state)
{
    const clrnn_model_desc desc = task_desc(CLRNN_CELL_RNN, CLRNN_INPUT_DENSE, 1, CLRNN_F32);
    const clrnn_trainer_desc good = {.max_steps = 2, .max_batch = 1};
    clrnn_model *model = task_model(*state, &desc, 1);
    clrnn_trainer *t = NULL;
    clrnn_trainer_desc d = good;
    d.loss = (clrnn_loss)60;
    REFUSE(ARGUMENT, clrnn_trainer_create(model, &d, &t), "loss 60 is unknown, not in 0..");
    d = good, d.optimizer = (clrnn_optimizer)6;
    REFUSE(ARGUMENT, clrnn_trainer_create(model, &d, &t), "optimizer 6 is unknown, not in 0..");
    d = good, d.schedule = (clrnn_schedule)6;
    REFUSE(ARGUMENT, clrnn_trainer_create(model, &d, &t), "schedule 6 is unknown, not in 0..");
    t = task_trainer(model, &good);
    task_batch batch = task_random(model, 3, 1, 1);
    REFUSE(RANGE, clrnn_trainer_step(t, &batch.io, NULL),
           "steps is 3, max_steps is 2, which it must not exceed");
    task_free(&batch);
    clrnn_trainer_destroy(&t);
    clrnn_model_destroy(&model);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, test_open, test_close)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(null_contexts),   TEST(null_plans),         TEST(null_files),
        TEST(null_models),     TEST(null_trainers),      TEST(values_of_networks),
        TEST(values_of_plans), TEST(values_of_problems), TEST(values_of_models),
        TEST(values_of_files), TEST(values_of_trainers),
    };
    return cmocka_run_group_tests_name("arguments", tests, NULL, NULL);
}

/* SPDX-License-Identifier: MIT
 * tests/train/test_reasons.c - every call of the public interface that fails logs a reason: each
 * allocation, each call of OpenCL and each write refused in turn, alone and with all that follow,
 * under each call from opening a context to a checkpoint. */
#include "task.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <clrnn/problem.h>
#include <clrnn/stream.h>
#include <clrnn/tune.h>

#include "base/memory.h"
#include "device/buffer.h"
#include "device/context.h"

#define COUNT(array) (sizeof(array) / sizeof *(array))

/* --- calls ------------------------------------------------------------------------------------ */

static int judged; /* failures seen, so that a round that never fails is noticed */

/* A failure needs a reason, logged by that call and no other. */
static bool judge(const char *call, clrnn_status status)
{
    if (status == CLRNN_OK)
        return true;
    judged++;
    if (!test_last_error[0])
        fail_msg("%s gave %s, and logged no reason", call, clrnn_status_name(status));
    return false;
}

#define GOOD(call) (test_last_error[0] = 0, judge(#call, call))

static const char *path_of(const char *name)
{
    static char path[512];
    snprintf(path, sizeof path, "%s/%s", test_folder(), name);
    return path;
}

/* --- rounds: what is done with a context; false once something failed ------------------------- */

static bool open_contexts(clrnn_context *context)
{
    const clrnn_context_desc descs[] = {
        {.log = test_log},
        {.log = test_log, .cache_dir = ""},
        {.log = test_log, .cache_dir = "/tmp"},
        {.log = test_log,
         .context = clrnn_context_cl(context),
         .queue = clrnn_context_queue(context)},
    };
    clrnn_device_info *devices = NULL;
    size_t count = 0;
    bool good = GOOD(clrnn_devices_list(&test_log, &devices, &count));
    clrnn_devices_free(&devices);
    for (size_t i = 0; i < COUNT(descs) && good; i++) {
        clrnn_context *opened = NULL;
        good = GOOD(clrnn_context_create(&descs[i], &opened));
        good = good && GOOD(clrnn_context_finish(opened));
        clrnn_context_destroy(&opened);
    }
    return good;
}

enum { T = 3, N = 2, I = 3, H = 4 };

/* Room for any array of the plans here. */
static float host[4][512];

static bool pass_on_host(clrnn_plan *plan, bool train)
{
    static const uint32_t lengths[N] = {1, 3};
    const clrnn_host_io io = {.lengths = lengths,
                              .x = host[0],
                              .y = host[1],
                              .hn = host[2],
                              .dy = train ? host[0] : NULL,
                              .dweights = train ? host[3] : NULL};
    bool good = GOOD(clrnn_plan_set_weights_host(plan, host[0]));
    good = good && GOOD(clrnn_forward_host(plan, &io));
    return good && (!train || GOOD(clrnn_backward_host(plan, &io)));
}

static bool pass_on_device(clrnn_plan *plan, bool train, cl_mem memory)
{
    cl_event done[2] = {NULL, NULL};
    const clrnn_backward_io io = {.forward = {.x = {memory, 0},
                                              .h0 = {memory, 64},
                                              .y = {memory, 128},
                                              .hn = {memory, 192},
                                              .reserve = {train ? memory : NULL, 1024}},
                                  .dy = {memory, 256},
                                  .dx = {memory, 320},
                                  .dweights = {memory, 512}};
    bool good = GOOD(clrnn_plan_set_weights(plan, (clrnn_slice){memory, 0}));
    good = good && GOOD(clrnn_forward(plan, &io.forward, &done[0]));
    good = good && (!train || GOOD(clrnn_backward(plan, &io, &done[1])));
    for (int i = 0; i < 2; i++)
        if (done[i])
            clReleaseEvent(done[i]);
    return good;
}

/* A plan of each strategy, storage and kind of products, and with everything a network can have. */
static const clrnn_plan_desc plan_descs[] = {
    {.network = {.cell = CLRNN_CELL_GRU}, .strategy = CLRNN_STRATEGY_STEPWISE},
    {.network = {.cell = CLRNN_CELL_GRU}, .strategy = CLRNN_STRATEGY_STEPWISE, .train = true},
    {.network = {.cell = CLRNN_CELL_RNN}, .gemm = CLRNN_GEMM_CLBLAST, .train = true},
    {.network = {.proj_size = 2, .num_layers = 2, .bidirectional = true}},
    {.network = {.proj_size = 2, .num_layers = 2}, .train = true, .dropout = 0.5f},
    {.network = {.cell = CLRNN_CELL_GRU}, .weights = CLRNN_WEIGHTS_INT8},
    {.network = {.cell = CLRNN_CELL_GRU}, .sequences = CLRNN_WEIGHTS_BF16},
    {.network = {.cell = CLRNN_CELL_GRU}, .strategy = CLRNN_STRATEGY_RESIDENT},
};

static size_t chosen; /* of these */

static bool use_plan(clrnn_context *context)
{
    cl_mem memory = NULL;
    clrnn_plan_desc desc = plan_descs[chosen];
    clrnn_plan *plan = NULL;
    desc.network.input_size = I;
    desc.network.hidden_size = H;
    desc.max_steps = T;
    desc.max_batch = N;
    bool good = clr_buffer_create(context, sizeof(float) * 4096, &memory) == CLRNN_OK;
    good = good && GOOD(clrnn_plan_create(context, &desc, &plan));
    good = good && pass_on_host(plan, desc.train) && pass_on_device(plan, desc.train, memory);
    clrnn_plan_destroy(&plan);
    clr_buffer_destroy(&memory);
    return good;
}

static bool use_streams(clrnn_context *context)
{
    const clrnn_plan_desc desc = {
        .network = {.input_size = I, .hidden_size = H}, .max_steps = T, .max_batch = N};
    clrnn_plan *plan = NULL;
    clrnn_stream *stream = NULL;
    bool good = GOOD(clrnn_plan_create(context, &desc, &plan));
    good = good && GOOD(clrnn_plan_set_weights_host(plan, host[0]));
    good = good && GOOD(clrnn_stream_create(plan, &stream));
    good = good && GOOD(clrnn_stream_set_state(stream, host[0], host[0]));
    good = good && GOOD(clrnn_stream_process(stream, host[0], T, host[1]));
    good = good && GOOD(clrnn_stream_get_state(stream, host[2], host[3]));
    good = good && GOOD(clrnn_stream_reset(stream));
    clrnn_stream_destroy(&stream);
    clrnn_plan_destroy(&plan);
    return good;
}

static bool check_problems(clrnn_context *context)
{
    static const char *const texts[] = {"cell=gru,T=3,N=2,I=3,H=4,mode=train",
                                        "cell=lstm,T=3,N=2,I=3,H=4,mode=stream,block=2",
                                        "cell=rnn,T=3,N=2,I=3,H=4,weights=f16"};
    bool good = true;
    for (size_t i = 0; i < COUNT(texts) && good; i++) {
        clrnn_problem problem;
        clrnn_check check;
        good = GOOD(clrnn_problem_parse(texts[i], &test_log, &problem));
        good = good && GOOD(clrnn_problem_check(context, &problem, 1, &check));
    }
    return good;
}

static bool use_models(clrnn_context *context)
{
    static const int32_t ids[T * N] = {0, 1, 2, 3, 4, 5};
    const clrnn_model_desc desc = task_desc(CLRNN_CELL_LSTM, CLRNN_INPUT_EMBEDDING, 1, CLRNN_F32);
    const clrnn_model_io io = {.steps = T, .batch = N, .ids = ids, .y = host[1], .logits = host[2]};
    clrnn_model_desc found;
    uint8_t vocabulary[256];
    clrnn_model *model = NULL, *again = NULL;
    clrnn_tensors *set = NULL;
    const clrnn_model_source source = {.path = path_of("model.safetensors")};
    float *parameters = calloc(1024, sizeof *parameters);
    bool good = GOOD(clrnn_model_create(context, &desc, 1, &model));
    good = good && GOOD(clrnn_model_get_parameters(model, parameters));
    good = good && GOOD(clrnn_model_set_parameters(model, parameters));
    good = good && GOOD(clrnn_model_forward(model, &io));
    good = good && GOOD(clrnn_tensors_create(&test_log, &set));
    good = good && GOOD(clrnn_model_to_tensors(model, set));
    good = good && GOOD(clrnn_model_from_tensors(context, set, CLRNN_F32, &again));
    clrnn_model_destroy(&again);
    good = good && GOOD(clrnn_model_save(model, source.path));
    good = good && GOOD(clrnn_model_describe(&source, &test_log, &found, vocabulary));
    good = good && GOOD(clrnn_model_open(context, &source, &again));
    clrnn_model_destroy(&again);
    good = good && GOOD(clrnn_model_load(context, source.path, CLRNN_F32, &again));
    clrnn_model_destroy(&again);
    clrnn_tensors_destroy(&set);
    clrnn_model_destroy(&model);
    free(parameters);
    return good;
}

static bool use_files(clrnn_context *context)
{
    static const char *const names[] = {"array.npy", "array.safetensors"};
    static const uint64_t shape[] = {2, 3};
    bool good = true;
    (void)context;
    for (size_t i = 0; i < COUNT(names) && good; i++) {
        clrnn_tensors *set = NULL, *again = NULL;
        good = GOOD(clrnn_tensors_create(&test_log, &set));
        good = good && GOOD(clrnn_tensors_add(set, "a", CLRNN_DTYPE_F32, 2, shape, host[0]));
        if (i == 1)
            good = good && GOOD(clrnn_tensors_set_metadata(set, "key", "value"));
        good = good && GOOD(clrnn_tensors_save(set, path_of(names[i])));
        good = good && GOOD(clrnn_tensors_load(path_of(names[i]), &test_log, &again));
        clrnn_tensors_destroy(&again);
        clrnn_tensors_destroy(&set);
    }
    return good;
}

static bool train(clrnn_model *model, clrnn_trainer *trainer, const clrnn_batch *batch)
{
    double number = 0, *gradient = calloc(clrnn_model_parameter_count(model), sizeof *gradient);
    uint64_t count = 0;
    bool good = GOOD(clrnn_trainer_step(trainer, batch, &number));
    good = good && GOOD(clrnn_trainer_step(trainer, batch, NULL));
    good = good && GOOD(clrnn_trainer_evaluate(trainer, batch, &number, &count));
    good = good && GOOD(clrnn_trainer_gradient_norm(trainer, &number));
    good = good && GOOD(clrnn_trainer_get_gradient(trainer, gradient));
    good = good && GOOD(clrnn_trainer_save(trainer, path_of("checkpoint.safetensors")));
    good = good && GOOD(clrnn_trainer_resume(trainer, path_of("checkpoint.safetensors")));
    free(gradient);
    return good;
}

static bool use_trainers(clrnn_context *context)
{
    static const char words[] = "in the beginning was the word";
    const clrnn_model_desc desc = task_desc(CLRNN_CELL_GRU, CLRNN_INPUT_EMBEDDING, 2, CLRNN_F32);
    const clrnn_trainer_desc how = {
        .max_steps = T, .max_batch = N, .clip = 1, .carry_state = true, .dropout = 0.5f};
    const clrnn_text_desc lines = {.steps = T, .batch = N};
    static const int32_t ids[T * N] = {0, 1, 2, 3, 0, 1};
    const clrnn_batch batch = {.ids = ids, .targets = ids};
    clrnn_model *model = NULL;
    clrnn_trainer *trainer = NULL;
    clrnn_text *text = NULL;
    bool good = GOOD(clrnn_text_create(words, sizeof words, &lines, &test_log, &text));
    good = good && GOOD(clrnn_model_create(context, &desc, 1, &model));
    good = good && GOOD(clrnn_trainer_create(model, &how, &trainer));
    good = good && train(model, trainer, &batch);
    clrnn_trainer_destroy(&trainer);
    clrnn_model_destroy(&model);
    clrnn_text_destroy(&text);
    return good;
}

/* --- refusals --------------------------------------------------------------------------------- */

typedef bool (*round_of_calls)(clrnn_context *context);

/* Every refusal of one kind in turn. most: how many at most, 0 = all. */
static void refuse(clrnn_context *context, round_of_calls calls, clr_fault fault, long most)
{
    bool good = false;
    long k = 0;
    while (!good && k < 20000 && (!most || k < most)) { /* this one and all that follow */
        clr_fault_inject(fault, ++k);
        good = calls(context);
        clr_fault_inject(fault, 0);
    }
    assert_true(good || k == most);
    for (long alone = 1; alone < k; alone++) { /* without it a call may well get through */
        clr_fault_inject(fault, -alone);
        (void)calls(context);
        clr_fault_inject(fault, 0);
    }
}

static void refuse_all(clrnn_context *context, round_of_calls calls, bool writes)
{
    judged = 0;
    assert_true(calls(context)); /* programs are built, and self-tests done */
    refuse(context, calls, CLR_FAULT_MEMORY, 0);
    assert_true(judged > 2);
    judged = 0;
    refuse(context, calls, CLR_FAULT_OPENCL, 0);
    assert_true(judged > 2 || calls == use_files);
    judged = 0;
    refuse(context, calls, CLR_FAULT_WRITE, 0);
    assert_int_equal(judged > 0, writes);
}

static void contexts(void **state)
{
    refuse_all(*state, open_contexts, false);
}

static void plans(void **state)
{
    for (chosen = 0; chosen < COUNT(plan_descs); chosen++) {
        const clrnn_plan_desc *d = &plan_descs[chosen];
        if ((d->gemm == CLRNN_GEMM_CLBLAST && !test_has(*state, TEST_CLBLAST)) ||
            (d->strategy == CLRNN_STRATEGY_RESIDENT && !test_has(*state, TEST_RESIDENT)))
            continue;
        refuse_all(*state, use_plan, false);
    }
}

static void streams(void **state)
{
    refuse_all(*state, use_streams, false);
}

static void problems(void **state)
{
    refuse_all(*state, check_problems, false);
}

static void models(void **state)
{
    refuse_all(*state, use_models, true);
}

static void files(void **state)
{
    refuse_all(*state, use_files, true);
}

static void trainers(void **state)
{
    refuse_all(*state, use_trainers, true);
}

static bool tune(clrnn_context *context)
{
    const clrnn_plan_desc desc = {
        .network = {.cell = CLRNN_CELL_GRU, .input_size = I, .hidden_size = H},
        .max_steps = T,
        .max_batch = N};
    clrnn_tuning *measured = NULL;
    bool good = GOOD(clrnn_tune(context, &desc, &measured));
    clrnn_tuning_destroy(&measured);
    return good;
}

/* A measurement repeats the calls of plans for as long as it takes: the first ones will do. */
static void tuning(void **state)
{
    judged = 0;
    refuse(*state, tune, CLR_FAULT_MEMORY, 40);
    refuse(*state, tune, CLR_FAULT_OPENCL, 40);
    assert_true(judged >= 80);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, test_open, test_close)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(contexts), TEST(plans), TEST(streams),  TEST(problems),
        TEST(models),   TEST(files), TEST(trainers), TEST(tuning),
    };
    return cmocka_run_group_tests_name("reasons", tests, NULL, NULL);
}

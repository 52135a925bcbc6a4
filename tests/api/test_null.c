/* SPDX-License-Identifier: MIT
 * tests/api/test_null.c - NULL in the place of each pointer of each exported function: a status or
 * a neutral value, never a crash (which cmocka reports as a failure of that case).
 *
 * usage: test_null [--list]     --list prints "function parameter" of every case and runs none */
#include <clrnn/clrnn.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "train/task.h"
#include "train/trainer.h"

#include "api/cases.h"
#include "layer/exec_config.h"

/* One of everything that a call may want. */
static struct {
    clrnn_context_desc opening;
    clrnn_context *context, *usual;
    clrnn_device_info *devices, *none;
    clrnn_report *report;
    clrnn_plan_desc planned;
    clrnn_plan *plan; /* trains: the trainer's */
    clrnn_plan *streaming, *no_plan;
    clrnn_backward_io there;
    clrnn_host_io here;
    clrnn_slice x;
    clrnn_stream *stream, *no_stream;
    clrnn_problem problem;
    clrnn_check check;
    clrnn_tuning *tuning;
    clrnn_model_source missing;
    clrnn_model_desc described;
    uint8_t vocabulary[256];
    const char *value;
    cl_mem no_buffer;
    clrnn_exec_config config;
    clrnn_weight_info weight;
    clrnn_packing packing;
    clrnn_tensors *set, *another, *no_set;
    clrnn_model_desc modelled;
    clrnn_model *model, *no_model;
    clrnn_model_io whole;
    clrnn_trainer_desc training;
    clrnn_trainer *trainer, *nobody;
    task_batch batch;
    clrnn_data_desc no_arrays;
    clrnn_task_desc adding;
    clrnn_data *data, *other_data, *no_data;
    clrnn_split split;
    clrnn_batch filled;
    clrnn_score score;
    clrnn_text_desc cut;
    clrnn_text *writing, *third, *no_text;
    clrnn_graph_input_desc graph_x;
    clrnn_node_desc graph_node;
    clrnn_graph *graph, *empty, *no_graph;
    clrnn_value_info value_info;
    clrnn_graph_parameter parameter;
    clrnn_graph_plan_desc graph_planned;
    clrnn_graph_plan *graph_plan, *no_graph_plan;
    clrnn_graph_io graph_io;
    clrnn_graph_gradients graph_back;
    clrnn_graph_stream_desc graph_streamed;
    clrnn_graph_stream *graph_stream, *no_graph_stream;
    const void *rows_in[1];
    void *rows_out[1];
    clrnn_graph_trainer_desc graph_training;
    clrnn_trainer *graph_trainer;
    clrnn_graph_batch graph_batch;
    clrnn_graph_source graph_source;
    clrnn_graph_target graph_target;
    uint64_t axes[CLRNN_MOST_AXES];
    clrnn_trace_pass traced;
    clrnn_trace_select select;
    clrnn_trace_figures figures[16];
    clrnn_trace_fault fault;
    float numbers[1000], room[1000]; /* in, out */
    double doubles[16], number;
    uint64_t shape[1], counted;
    size_t count;
    uint32_t symbols;
    int32_t ids[16], targets[16];
    bool reset;
    char text[64];
} o = {.missing = {.path = "/missing"}};

/* A case as a function, since its call must not be made before its turn. */
typedef struct null_case {
    const char *function, *parameter;
    bool (*holds)(void);
} null_case;

#define FUNCTION(function, parameter, condition)     \
    static bool function##_without_##parameter(void) \
    {                                                \
        return (condition);                          \
    }
ALL_CASES(FUNCTION)

#define ROW(function, parameter, condition) {#function, #parameter, function##_without_##parameter},
static null_case cases[] = {ALL_CASES(ROW)};

enum { CASES = sizeof cases / sizeof *cases };

static void check(void **state)
{
    const null_case *c = *state;
    if (!c->holds())
        fail_msg("%s does not do what it should when %s is NULL; last error: %s", c->function,
                 c->parameter, test_last_error);
}

/* A model and what trains it, with a step done. */
static void make_trainer(void)
{
    o.modelled = task_desc(CLRNN_CELL_LSTM, CLRNN_INPUT_EMBEDDING, 1, CLRNN_F32);
    o.model = task_model(o.context, &o.modelled, 1);
    o.training = (clrnn_trainer_desc){.max_steps = 2, .max_batch = 1};
    o.trainer = task_trainer(o.model, &o.training);
    o.batch = task_random(o.model, 2, 1, 5);
    (void)task_step(o.trainer, &o.batch.io);
    clr_model_pass *pass = o.trainer->training.pass;
    o.plan = pass->plan;
    o.x = (clrnn_slice){pass->x, 0};
    o.there = (clrnn_backward_io){.forward = {.x = o.x, .reserve = {pass->reserve, 0}}};
    o.traced.forward = &o.there.forward;
}

static void make_stream(void)
{
    o.packing = (clrnn_packing){.steps = 2, .batch = 2, .row_bytes = sizeof(float)};
    o.planned = (clrnn_plan_desc){
        .network = {.input_size = 2, .hidden_size = 3}, .max_steps = 2, .max_batch = 1};
    assert_int_equal(clrnn_plan_create(o.context, &o.planned, &o.streaming), CLRNN_OK);
    assert_int_equal(clrnn_stream_create(o.streaming, &o.stream), CLRNN_OK);
}

static void make_graph(void)
{
    o.graph_x = (clrnn_graph_input_desc){"x", 3, {CLRNN_STEPS, CLRNN_BATCH, 2}, false};
    o.graph_node = (clrnn_node_desc){.kind = CLRNN_NODE_DENSE, .name = "n", .units = 2};
    o.graph_planned = (clrnn_graph_plan_desc){.max_steps = 1, .max_batch = 1, .train = true};
    o.graph_streamed.max_steps = 1;
    assert_int_equal(clrnn_graph_create(&test_log, NULL, &o.graph), CLRNN_OK);
    assert_int_equal(clrnn_graph_input(o.graph, &o.graph_x), CLRNN_OK);
    assert_int_equal(clrnn_graph_add(o.graph, &o.graph_node, NULL), CLRNN_OK);
    const clrnn_node_desc recurrent = {
        .kind = CLRNN_NODE_RECURRENT, .name = "rnn", .network = {.hidden_size = 3}};
    assert_int_equal(clrnn_graph_add(o.graph, &recurrent, NULL), CLRNN_OK);
    assert_int_equal(clrnn_graph_output(o.graph, "y", NULL), CLRNN_OK);
    assert_int_equal(clrnn_graph_plan_create(o.context, o.graph, &o.graph_planned, &o.graph_plan),
                     CLRNN_OK);
    assert_int_equal(
        clrnn_graph_stream_create(o.context, o.graph, &o.graph_streamed, &o.graph_stream),
        CLRNN_OK);
    o.graph_training.training.max_steps = o.graph_training.training.max_batch = 1;
    o.graph_source = (clrnn_graph_source){"x", o.numbers};
    o.graph_target.classes = o.targets;
    o.graph_batch = (clrnn_graph_batch){
        .inputs = &o.graph_source, .targets = &o.graph_target, .input_count = 1, .target_count = 1};
    assert_int_equal(
        clrnn_graph_trainer_create(o.context, o.graph, &o.graph_training, &o.graph_trainer),
        CLRNN_OK);
}

static int make_all(void **state)
{
    void *context = NULL;
    (void)state;
    if (test_open(&context))
        return 1;
    o.context = context;
    o.opening.log = test_log;
    o.shape[0] = 3;
    make_trainer();
    make_stream();
    make_graph();
    assert_int_equal(clrnn_problem_parse("H=3,I=2,T=1", &test_log, &o.problem), CLRNN_OK);
    assert_int_equal(clrnn_tensors_create(&test_log, &o.set), CLRNN_OK);
    assert_int_equal(clrnn_tensors_add(o.set, "x", CLRNN_DTYPE_F32, 1, o.shape, o.numbers),
                     CLRNN_OK);
    o.adding = (clrnn_task_desc){.steps = 2, .batch = 1};
    assert_int_equal(clrnn_data_create_task(&o.adding, &test_log, &o.data), CLRNN_OK);
    o.cut = (clrnn_text_desc){.steps = 1, .batch = 1};
    assert_int_equal(clrnn_text_create("text", 4, &o.cut, &test_log, &o.writing), CLRNN_OK);
    return 0;
}

static int free_all(void **state)
{
    (void)state;
    clrnn_devices_free(&o.devices);
    clrnn_report_destroy(&o.report);
    clrnn_trainer_destroy(&o.graph_trainer);
    clrnn_graph_stream_destroy(&o.graph_stream);
    clrnn_graph_plan_destroy(&o.graph_plan);
    clrnn_graph_destroy(&o.graph);
    clrnn_graph_destroy(&o.empty);
    clrnn_stream_destroy(&o.stream);
    clrnn_plan_destroy(&o.streaming);
    clrnn_trainer_destroy(&o.trainer);
    clrnn_model_destroy(&o.model);
    clrnn_tensors_destroy(&o.set);
    clrnn_tensors_destroy(&o.another);
    clrnn_data_destroy(&o.data);
    clrnn_data_destroy(&o.other_data);
    clrnn_text_destroy(&o.writing);
    clrnn_text_destroy(&o.third);
    clrnn_context_destroy(&o.usual);
    task_free(&o.batch);
    void *context = o.context;
    return test_close(&context);
}

int main(int argc, char **argv)
{
    struct CMUnitTest tests[CASES];
    static char names[CASES][80];
    bool list = argc > 1 && strcmp(argv[1], "--list") == 0;
    for (size_t i = 0; i < CASES; i++) {
        snprintf(names[i], sizeof names[i], "%s %s", cases[i].function, cases[i].parameter);
        tests[i] = (struct CMUnitTest){names[i], check, NULL, NULL, &cases[i]};
        if (list)
            puts(names[i]);
    }
    return list ? 0 : cmocka_run_group_tests_name("NULL", tests, make_all, free_all);
}

/* SPDX-License-Identifier: MIT
 * tests/model/test_graph_files.c - graphs and states of streams in files, and back. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "support.h"

#include <clrnn/graph_stream.h>
#include <clrnn/model.h>

#include "graph/drawn.h"
#include "model/graph_description.h"

static const char *path_of(const char *name)
{
    static char path[600];
    snprintf(path, sizeof path, "%s/%s", test_folder(), name);
    return path;
}

/* Whatever is drawn comes back: the description to the letter, the parameters to the bit. */
static void test_any_graph(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 150; seed++) {
        const clrnn_precision precision = seed % 2 ? CLRNN_F32 : CLRNN_F64;
        drawn_graph d = draw_graph(seed, precision, 10, (clrnn_node_kind)(seed % CLRNN_NODE_KINDS));
        clrnn_graph *back = NULL;
        char *before = NULL, *after = NULL;
        assert_int_equal(clrnn_graph_save(d.graph, path_of("any.safetensors")), CLRNN_OK);
        if (clrnn_graph_load(path_of("any.safetensors"), precision, &test_log, &back) != CLRNN_OK) {
            drawn_print(&d);
            fail_msg("%s", test_last_error);
        }
        assert_int_equal(clr_graph_describe(d.graph, &test_log, &before), CLRNN_OK);
        assert_int_equal(clr_graph_describe(back, &test_log, &after), CLRNN_OK);
        assert_string_equal(before, after);
        assert_int_equal(clrnn_graph_parameter_count(back), d.graph->elements);
        if (d.graph->elements)
            assert_memory_equal(clrnn_graph_data(back), clrnn_graph_data(d.graph),
                                d.graph->elements * clr_graph_real(back));
        free(before);
        free(after);
        clrnn_graph_destroy(&back);
        drawn_free(&d);
    }
}

/* Numbers that JSON has no word for, as of a pooling's padding. */
static void test_not_finite(void **state)
{
    static const double values[] = {-INFINITY, INFINITY, NAN, -2.5e-310};
    (void)state;
    for (size_t i = 0; i < sizeof values / sizeof *values; i++) {
        clrnn_graph *graph = NULL, *back = NULL;
        const clrnn_graph_input_desc x = {.name = "x", .rank = 1, .shape = {4}};
        const clrnn_node_desc pad = {
            .kind = CLRNN_NODE_PAD, .name = "pad", .rank = 1, .begin = {2}, .value = values[i]};
        assert_int_equal(clrnn_graph_create(&test_log, NULL, &graph), CLRNN_OK);
        assert_int_equal(clrnn_graph_input(graph, &x), CLRNN_OK);
        assert_int_equal(clrnn_graph_add(graph, &pad, NULL), CLRNN_OK);
        assert_int_equal(clrnn_graph_output(graph, "y", "pad"), CLRNN_OK);
        assert_int_equal(clrnn_graph_save(graph, path_of("pad.safetensors")), CLRNN_OK);
        assert_int_equal(clrnn_graph_load(path_of("pad.safetensors"), CLRNN_F32, &test_log, &back),
                         CLRNN_OK);
        const double value = clrnn_graph_node(back, 0)->value;
        assert_true(value == values[i] || (isnan(value) && isnan(values[i])));
        clrnn_graph_destroy(&graph);
        clrnn_graph_destroy(&back);
    }
}

/* A model of three parts is a graph of three nodes, and gives the same bits. */
static void test_model(void **state)
{
    const clrnn_model_desc desc = {.network = {.cell = CLRNN_CELL_GRU,
                                               .input_size = 3,
                                               .hidden_size = 5,
                                               .gru_reset = CLRNN_RESET_AFTER},
                                   .input = CLRNN_INPUT_EMBEDDING,
                                   .vocabulary_size = 7,
                                   .output_size = 4};
    const int32_t ids[] = {0, 6, 3, 1, 2, 5};
    float logits[24], again[24];
    clrnn_model *model = NULL;
    clrnn_graph *graph = NULL;
    clrnn_graph_plan *plan = NULL;
    assert_int_equal(clrnn_model_create(*state, &desc, 3, &model), CLRNN_OK);
    assert_int_equal(clrnn_model_save(model, path_of("model.safetensors")), CLRNN_OK);
    assert_int_equal(
        clrnn_model_forward(
            model, &(clrnn_model_io){.steps = 3, .batch = 2, .ids = ids, .logits = logits}),
        CLRNN_OK);
    assert_int_equal(clrnn_graph_load(path_of("model.safetensors"), CLRNN_F32, &test_log, &graph),
                     CLRNN_OK);
    assert_int_equal(clrnn_graph_nodes(graph), 3);
    assert_int_equal(clrnn_graph_parameter_count(graph), clrnn_model_parameter_count(model));
    assert_int_equal(
        clrnn_graph_plan_create(*state, graph,
                                &(clrnn_graph_plan_desc){.max_steps = 3, .max_batch = 2}, &plan),
        CLRNN_OK);
    const clrnn_graph_io io = {.inputs = &(clrnn_graph_source){"x", ids},
                               .outputs = &(clrnn_graph_sink){"logits", again},
                               .input_count = 1,
                               .output_count = 1};
    assert_int_equal(clrnn_graph_plan_forward(plan, &io), CLRNN_OK);
    assert_memory_equal(logits, again, sizeof logits);
    clrnn_graph_plan_destroy(&plan);
    clrnn_graph_destroy(&graph);
    clrnn_model_destroy(&model);
}

/* Fresh parameters do not depend on the machine, and differ from seed to seed. */
static void test_initialize(void **state)
{
    (void)state;
    clrnn_graph *graph = NULL;
    const clrnn_graph_input_desc x = {
        .name = "x", .rank = 3, .shape = {CLRNN_STEPS, CLRNN_BATCH, 4}};
    assert_int_equal(clrnn_graph_create(&test_log, NULL, &graph), CLRNN_OK);
    assert_int_equal(clrnn_graph_input(graph, &x), CLRNN_OK);
    assert_int_equal(clrnn_graph_add(graph,
                                     &(clrnn_node_desc){.kind = CLRNN_NODE_RECURRENT,
                                                        .network = {.hidden_size = 3}},
                                     NULL),
                     CLRNN_OK);
    assert_int_equal(
        clrnn_graph_add(graph, &(clrnn_node_desc){.kind = CLRNN_NODE_DENSE, .units = 2}, NULL),
        CLRNN_OK);
    const size_t bytes = clrnn_graph_parameter_count(graph) * sizeof(float);
    float *first = malloc(bytes), *data = clrnn_graph_data(graph);
    assert_int_equal(clrnn_graph_initialize(graph, 1), CLRNN_OK);
    memcpy(first, data, bytes);
    assert_int_equal(clrnn_graph_initialize(graph, 2), CLRNN_OK);
    assert_memory_not_equal(first, data, bytes);
    assert_int_equal(clrnn_graph_initialize(graph, 1), CLRNN_OK);
    assert_memory_equal(first, data, bytes);
    clrnn_graph_parameter p;
    assert_true(clrnn_graph_parameter_find(graph, "recurrent0.bias_ih_l0", &p));
    for (size_t i = 0; i < 3; i++) /* the forget gate begins open */
        assert_true(data[p.offset + 3 + i] == 1);
    assert_true(clrnn_graph_parameter_find(graph, "dense1.weight", &p));
    for (size_t i = 0; i < p.count; i++)
        assert_true(data[p.offset + i] != 0 && data[p.offset + i] * data[p.offset + i] < 6.0 / 5);
    free(first);
    clrnn_graph_destroy(&graph);
}

static void refuse(const char *json, const char *why)
{
    clrnn_tensors *set = NULL;
    clrnn_graph *graph = NULL;
    assert_int_equal(clrnn_tensors_create(&test_log, &set), CLRNN_OK);
    assert_int_equal(clrnn_tensors_set_metadata(set, "clrnn", json), CLRNN_OK);
    assert_int_equal(clrnn_tensors_save(set, path_of("bad.safetensors")), CLRNN_OK);
    clrnn_tensors_destroy(&set);
    test_last_error[0] = 0;
    assert_int_equal(clrnn_graph_load(path_of("bad.safetensors"), CLRNN_F32, &test_log, &graph),
                     CLRNN_ERR_FORMAT);
    assert_null(graph);
    assert_error_contains(why);
}

#define INPUT "\"inputs\":[{\"name\":\"x\",\"shape\":[-1,-2,3],\"ids\":false}]"

static void test_bad_descriptions(void **state)
{
    (void)state;
    refuse("{\"graph\":2}", "graph");
    refuse("{\"graph\":1}", "inputs");
    refuse("{\"graph\":1,\"inputs\":[{\"name\":\"x\",\"shape\":[0.5]}]}", "shape");
    refuse("{\"graph\":1," INPUT ",\"nodes\":[{\"kind\":\"magic\",\"name\":\"a\"}]}", "kind");
    refuse("{\"graph\":1," INPUT ",\"nodes\":[{\"name\":\"a\"}]}", "a: kind cannot be missing");
    refuse("{\"graph\":1," INPUT
           ",\"nodes\":[{\"kind\":\"dense\",\"name\":\"a\",\"inputs\":[\"b\"],"
           "\"units\":2}]}",
           "node 'a' (dense): it reads 'b'");
    refuse("{\"graph\":1," INPUT ",\"nodes\":[{\"kind\":\"dense\",\"name\":\"a\",\"inputs\":[],"
           "\"units\":-2}]}",
           "units");
    refuse("{\"graph\":1," INPUT ",\"nodes\":[{\"kind\":\"dense\",\"name\":\"a\",\"inputs\":[],"
           "\"units\":2,\"function\":\"magic\"}]}",
           "function");
    refuse("{\"graph\":1," INPUT ",\"nodes\":[{\"kind\":\"recurrent\",\"name\":\"a\",\"inputs\":[],"
           "\"network\":{\"cell\":\"magic\"}}]}",
           "network.cell");
    refuse("{\"graph\":1," INPUT ",\"nodes\":[{\"kind\":\"recurrent\",\"name\":\"a\",\"inputs\":[],"
           "\"network\":{\"cell\":\"gru\",\"hidden_size\":2,\"num_layers\":1,\"gate_clap\":1}}]}",
           "node 'a' has a field 'gate_clap'");
    refuse("{\"graph\":1," INPUT ",\"nodes\":[{\"kind\":\"recurrent\",\"name\":\"a\",\"inputs\":[],"
           "\"network\":{\"cell\":\"gru\",\"hidden_size\":2,\"num_layers\":1,\"reverse\":1}}]}",
           "network");
    refuse("{\"graph\":1," INPUT ",\"nodes\":[{\"kind\":\"dense\",\"name\":\"a\",\"inputs\":[],"
           "\"units\":2,\"strides\":2}]}",
           "'strides'");
    refuse("{\"graph\":1," INPUT ",\"nodes\":[{\"kind\":\"dense\",\"name\":\"a\",\"inputs\":[],"
           "\"units\":2}],\"outputs\":[{\"name\":\"y\",\"value\":\"a\"}]}",
           "a.weight");
}

/* Two rows of what such a stream would hold in double precision. */
static void write_doubles(const char *path)
{
    static const double zeros[12] = {0};
    clrnn_tensors *set = NULL;
    assert_int_equal(clrnn_tensors_create(&test_log, &set), CLRNN_OK);
    assert_int_equal(
        clrnn_tensors_add(set, "states", CLRNN_DTYPE_F64, 2, (uint64_t[]){2, 6}, zeros), CLRNN_OK);
    assert_int_equal(clrnn_tensors_save(set, path), CLRNN_OK);
    clrnn_tensors_destroy(&set);
}

/* States go through a file, to another stream too, but not to one of other rows or precision. */
static void test_states(void **state)
{
    clrnn_graph *graph = NULL;
    clrnn_graph_stream *stream = NULL, *other = NULL;
    const clrnn_graph_input_desc in = {
        .name = "x", .rank = 3, .shape = {CLRNN_STEPS, CLRNN_BATCH, 2}};
    const clrnn_graph_stream_desc desc = {.max_steps = 4, .rows = 2}, more = {4, 3, 0, 0};
    float x[16] = {1, 2, 3, 4, -5, 6, -7, 8}, a[24], b[24];
    assert_int_equal(clrnn_graph_create(&test_log, NULL, &graph), CLRNN_OK);
    assert_int_equal(clrnn_graph_input(graph, &in), CLRNN_OK);
    assert_int_equal(clrnn_graph_add(graph,
                                     &(clrnn_node_desc){.kind = CLRNN_NODE_RECURRENT,
                                                        .network = {.hidden_size = 3}},
                                     NULL),
                     CLRNN_OK);
    assert_int_equal(clrnn_graph_output(graph, "y", NULL), CLRNN_OK);
    assert_int_equal(clrnn_graph_initialize(graph, 5), CLRNN_OK);
    assert_int_equal(clrnn_graph_stream_create(*state, graph, &desc, &stream), CLRNN_OK);
    assert_int_equal(clrnn_graph_stream_create(*state, graph, &desc, &other), CLRNN_OK);
    clrnn_graph_io io = {.inputs = &(clrnn_graph_source){"x", x},
                         .outputs = &(clrnn_graph_sink){"y", a},
                         .input_count = 1,
                         .output_count = 1};
    assert_int_equal(clrnn_graph_stream_process(stream, &io), CLRNN_OK);
    assert_int_equal(clrnn_graph_stream_save(stream, path_of("states.npy")), CLRNN_OK);
    assert_int_equal(clrnn_graph_stream_load(other, path_of("states.npy")), CLRNN_OK);
    assert_int_equal(clrnn_graph_stream_process(stream, &io), CLRNN_OK);
    io.outputs = &(clrnn_graph_sink){"y", b};
    assert_int_equal(clrnn_graph_stream_process(other, &io), CLRNN_OK);
    assert_memory_equal(a, b, sizeof a);
    write_doubles(path_of("doubles.npy"));
    assert_int_equal(clrnn_graph_stream_load(other, path_of("doubles.npy")), CLRNN_ERR_FORMAT);
    assert_error_contains("holds F64 [2,6], not the states of such a stream, F32 [2,6]");
    assert_int_equal(clrnn_graph_save(graph, path_of("whole.safetensors")), CLRNN_OK);
    assert_int_equal(clrnn_graph_stream_load(other, path_of("whole.safetensors")),
                     CLRNN_ERR_FORMAT);
    assert_error_contains("holds no array or several, not the states");
    clrnn_graph_stream_destroy(&other);
    assert_int_equal(clrnn_graph_stream_create(*state, graph, &more, &other), CLRNN_OK);
    assert_int_equal(clrnn_graph_stream_load(other, path_of("states.npy")), CLRNN_ERR_FORMAT);
    assert_error_contains("[3,6]");
    clrnn_graph_stream_destroy(&other);
    clrnn_graph_stream_destroy(&stream);
    clrnn_graph_destroy(&graph);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_any_graph),
        cmocka_unit_test(test_not_finite),
        cmocka_unit_test_setup_teardown(test_model, test_open, test_close),
        cmocka_unit_test(test_initialize),
        cmocka_unit_test(test_bad_descriptions),
        cmocka_unit_test_setup_teardown(test_states, test_open, test_close),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

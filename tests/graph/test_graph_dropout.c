/* SPDX-License-Identifier: MIT
 * tests/graph/test_graph_dropout.c - what training draws in graphs: nodes that are the same in all
 * but their place draw for themselves, and again the same from the same seed. */
#include <clrnn/graph_parameters.h>
#include <clrnn/graph_plan.h>

#include <stdlib.h>
#include <string.h>

#include "support.h"

enum { T = 6, N = 3, H = 8, COUNT = T * N * H };

/* x [T,N,H] -> a, and x -> b, two of the same node. */
static clrnn_graph *twins(clrnn_node_desc node)
{
    clrnn_graph *graph = NULL;
    const clrnn_graph_input_desc x = {
        .name = "x", .rank = 3, .shape = {CLRNN_STEPS, CLRNN_BATCH, H}};
    node.network.hidden_size = node.kind == CLRNN_NODE_RECURRENT ? H : 0;
    node.inputs[0] = "x";
    assert_int_equal(clrnn_graph_create(&test_log, NULL, &graph), CLRNN_OK);
    assert_int_equal(clrnn_graph_input(graph, &x), CLRNN_OK);
    for (int i = 0; i < 2; i++) {
        node.name = i ? "b" : "a";
        assert_int_equal(clrnn_graph_add(graph, &node, NULL), CLRNN_OK);
        assert_int_equal(clrnn_graph_output(graph, node.name, NULL), CLRNN_OK);
    }
    assert_int_equal(clrnn_graph_initialize(graph, 3), CLRNN_OK);
    const size_t half = clrnn_graph_parameter_count(graph) / 2;
    float *values = clrnn_graph_data(graph);
    for (size_t i = 0; i < half; i++)
        values[half + i] = values[i];
    return graph;
}

static void run(clrnn_graph_plan *plan, const float *x, uint64_t seed, float y[2][COUNT])
{
    const clrnn_graph_source in = {"x", x};
    const clrnn_graph_sink out[] = {{"a", y[0]}, {"b", y[1]}};
    const clrnn_graph_io io = {
        .inputs = &in, .outputs = out, .input_count = 1, .output_count = 2, .dropout_seed = seed};
    assert_int_equal(clrnn_graph_plan_forward(plan, &io), CLRNN_OK);
}

static void check(clrnn_context *context, const clrnn_node_desc *node, bool draws)
{
    static float y[3][2][COUNT];
    float x[COUNT];
    clrnn_graph *graph = twins(*node);
    clrnn_graph_plan *plan = NULL;
    const clrnn_graph_plan_desc desc = {.max_steps = T, .max_batch = N, .train = true};
    assert_int_equal(clrnn_graph_plan_create(context, graph, &desc, &plan), CLRNN_OK);
    for (size_t i = 0; i < COUNT; i++)
        x[i] = (float)(i % 7) - 2.5f;
    run(plan, x, 1, y[0]);
    run(plan, x, 1, y[1]);
    run(plan, x, 2, y[2]);
    assert_memory_equal(y[0], y[1], sizeof y[0]);
    assert_int_equal(memcmp(y[0][0], y[0][1], sizeof y[0][0]) != 0, draws);
    assert_int_equal(memcmp(y[0][0], y[2][0], sizeof y[0][0]) != 0, draws);
    clrnn_graph_plan_destroy(&plan);
    clrnn_graph_destroy(&graph);
}

static void each_node_of_its_own(void **state)
{
    static const clrnn_node_desc nodes[] = {
        {.kind = CLRNN_NODE_RECURRENT},
        {.kind = CLRNN_NODE_RECURRENT, .network = {.zoneout = 0.5f}},
        {.kind = CLRNN_NODE_RECURRENT, .network = {.zoneout_cell = 0.5f}},
        {.kind = CLRNN_NODE_RECURRENT, .network = {.cell = CLRNN_CELL_GRU, .zoneout = 0.5f}},
        {.kind = CLRNN_NODE_RECURRENT, .network = {.recurrent_dropout = 0.5f}},
        {.kind = CLRNN_NODE_DROPOUT, .probability = 0.5},
        {.kind = CLRNN_NODE_DROPOUT, .probability = 0.5, .variational = true},
    };
    for (size_t i = 0; i < sizeof nodes / sizeof *nodes; i++)
        check(*state, &nodes[i], i > 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(each_node_of_its_own, test_open, test_close),
    };
    return cmocka_run_group_tests_name("dropout of graphs", tests, NULL, NULL);
}

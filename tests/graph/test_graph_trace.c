/* SPDX-License-Identifier: MIT
 * tests/graph/test_graph_trace.c - recurrent nodes of graphs under traces: what a node did is what
 * the graph's output says, whatever the order of its axes; its gradients are those of its input. */
#include <clrnn/buffer.h>
#include <clrnn/graph_parameters.h>
#include <clrnn/graph_plan.h>
#include <clrnn/trace.h>

#include <math.h>
#include <stdlib.h>

#include "support.h"

enum { T = 5, N = 3, I = 2, H = 4 };

/* x -> a recurrent node -> y, of axes [T,N,*] or [N,T,*]. */
static clrnn_graph *graph_of(clrnn_cell cell, bool batch_first)
{
    clrnn_graph *graph = NULL;
    const clrnn_graph_input_desc x = {
        "x",
        3,
        {batch_first ? CLRNN_BATCH : CLRNN_STEPS, batch_first ? CLRNN_STEPS : CLRNN_BATCH, I},
        false};
    const clrnn_node_desc front = {.kind = CLRNN_NODE_DENSE, .name = "front", .units = 3};
    const clrnn_node_desc rnn = {.kind = CLRNN_NODE_RECURRENT,
                                 .name = "rnn",
                                 .network = {.cell = cell, .hidden_size = H, .num_layers = 2}};
    assert_int_equal(clrnn_graph_create(&test_log, NULL, &graph), CLRNN_OK);
    assert_int_equal(clrnn_graph_input(graph, &x), CLRNN_OK);
    assert_int_equal(clrnn_graph_add(graph, &front, NULL), CLRNN_OK);
    assert_int_equal(clrnn_graph_add(graph, &rnn, NULL), CLRNN_OK);
    assert_int_equal(clrnn_graph_output(graph, "y", NULL), CLRNN_OK);
    assert_int_equal(clrnn_graph_initialize(graph, 3), CLRNN_OK);
    return graph;
}

static float *random_floats(size_t count, uint64_t seed)
{
    double *values = test_random(count, seed, 1);
    float *floats = calloc(count, sizeof *floats);
    assert_non_null(floats);
    for (size_t i = 0; i < count; i++)
        floats[i] = (float)values[i];
    free(values);
    return floats;
}

/* h of the top layer is y, and its gradient at the last step that of y. */
static void check(clrnn_context *context, clrnn_cell cell, bool batch_first)
{
    const size_t states = (size_t)2 * T * N * H;
    clrnn_graph *graph = graph_of(cell, batch_first);
    clrnn_graph_plan *plan = NULL;
    clrnn_plan *own = NULL;
    clrnn_forward_io pass;
    float *x = random_floats(T * N * I, 1), *dy = random_floats(T * N * H, 2);
    float y[T * N * H], h[T * N * H], dh[2 * T * N * H];
    const clrnn_graph_plan_desc desc = {.max_steps = T, .max_batch = N, .train = true};
    const clrnn_graph_source in = {"x", x}, back = {"y", dy};
    const clrnn_graph_sink out = {"y", y};
    const clrnn_graph_io io = {.inputs = &in, .outputs = &out, .input_count = 1, .output_count = 1};
    const clrnn_graph_gradients gradients = {.outputs = &back, .output_count = 1};
    clrnn_slice kept = {NULL, 0};
    assert_int_equal(clrnn_graph_plan_create(context, graph, &desc, &plan), CLRNN_OK);
    assert_int_equal(clrnn_graph_plan_trace(plan, 1, &own, &pass), CLRNN_ERR_ARGUMENT);
    assert_error_contains("no forward pass");
    assert_int_equal(clrnn_graph_plan_trace(plan, 0, &own, &pass), CLRNN_ERR_ARGUMENT);
    assert_error_contains("not recurrent");
    assert_int_equal(clrnn_buffer_create(context, states * sizeof(float), &kept.buffer), CLRNN_OK);
    assert_int_equal(clrnn_graph_plan_state_gradients(plan, 1, kept, (clrnn_slice){NULL, 0}),
                     CLRNN_OK);
    assert_int_equal(clrnn_graph_plan_forward(plan, &io), CLRNN_OK);
    assert_int_equal(clrnn_graph_plan_backward(plan, &gradients), CLRNN_OK);
    assert_int_equal(clrnn_graph_plan_trace(plan, 1, &own, &pass), CLRNN_OK);

    const clrnn_trace_select top = {.what = CLRNN_TRACE_H, .layers = {1, 1}};
    assert_int_equal(clrnn_trace_read(own, &(clrnn_trace_pass){.forward = &pass}, &top, h),
                     CLRNN_OK);
    assert_int_equal(clrnn_buffer_read(context, kept.buffer, 0, sizeof dh, dh), CLRNN_OK);
    for (size_t i = 0; i < T * N * H; i++) {
        const size_t t = i / H / N, n = i / H % N, k = i % H;
        const size_t at = batch_first ? (n * T + t) * H + k : i;
        assert_true(h[i] == y[at]);
        if (t == T - 1)
            assert_true(dh[T * N * H + i] == dy[at]);
    }
    clrnn_buffer_destroy(&kept.buffer);
    clrnn_graph_plan_destroy(&plan);
    clrnn_graph_destroy(&graph);
    free(x);
    free(dy);
}

static void recurrent_nodes(void **state)
{
    for (int cell = 0; clrnn_cell_get_info((clrnn_cell)cell); cell++)
        for (int batch_first = 0; batch_first < 2; batch_first++)
            check(*state, (clrnn_cell)cell, batch_first);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(recurrent_nodes, test_open, test_close),
    };
    return cmocka_run_group_tests_name("traces of graphs", tests, NULL, NULL);
}

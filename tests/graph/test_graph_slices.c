/* SPDX-License-Identifier: MIT
 * tests/graph/test_graph_slices.c - time backwards: in every layout, of numbers and of ids, within
 * the lengths of a pass and within those of the node, forward and backward, and what is refused. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "support.h"

#include "drawn.h"

enum { T = 7, N = 4, F = 3 };

static const int64_t layouts[][3] = {{CLRNN_STEPS, CLRNN_BATCH, F},
                                     {CLRNN_BATCH, CLRNN_STEPS, F},
                                     {CLRNN_BATCH, F, CLRNN_STEPS},
                                     {F, CLRNN_STEPS, CLRNN_BATCH}};

/* Axis of T in each of them. */
static uint32_t time_of(const int64_t *layout)
{
    uint32_t axis = 0;
    while (layout[axis] != CLRNN_STEPS)
        axis++;
    return axis;
}

static clrnn_node_desc turn_of(uint32_t axis, int64_t step, const char *lengths)
{
    clrnn_node_desc d = {
        .kind = CLRNN_NODE_SLICE, .name = "turned", .rank = axis + 1, .inputs = {"y", lengths}};
    for (uint32_t i = 0; i < axis; i++)
        d.end[i] = CLRNN_TO_END;
    d.begin[axis] = -1;
    d.end[axis] = CLRNN_TO_END;
    d.step[axis] = step;
    return d;
}

static void add(clrnn_graph *graph, clrnn_node_desc desc)
{
    assert_int_equal(clrnn_graph_add(graph, &desc, NULL), CLRNN_OK);
}

/* x times a number, turned, and that of it where all of T is left times x: gradients flow through.
 */
static clrnn_graph *make(const int64_t *layout, clrnn_precision precision, int64_t step, bool own)
{
    static const double three = 3;
    clrnn_graph *g = NULL;
    clrnn_graph_input_desc x = {.name = "x", .rank = 3};
    const clrnn_graph_input_desc n = {.name = "n", .rank = 1, .shape = {CLRNN_BATCH}, .ids = true};
    memcpy(x.shape, layout, sizeof x.shape[0] * 3);
    assert_int_equal(clrnn_graph_create(&test_log, &(clrnn_graph_desc){precision}, &g), CLRNN_OK);
    assert_int_equal(clrnn_graph_input(g, &x), CLRNN_OK);
    if (own)
        assert_int_equal(clrnn_graph_input(g, &n), CLRNN_OK);
    add(g, (clrnn_node_desc){
               .kind = CLRNN_NODE_CONSTANT, .name = "c", .data = &three, .trainable = true});
    add(g, (clrnn_node_desc){.kind = CLRNN_NODE_MUL, .name = "y", .inputs = {"x", "c"}});
    add(g, turn_of(time_of(layout), step, own ? "n" : NULL));
    if (step == -1)
        add(g, (clrnn_node_desc){.kind = CLRNN_NODE_MUL, .inputs = {"turned", "x"}});
    assert_int_equal(clrnn_graph_output(g, "out", NULL), CLRNN_OK);
    return g;
}

static void check(clrnn_context *context, drawn_graph *d, bool train)
{
    char name[64];
    drawn_pass pass = drawn_run(d, context, train);
    const double error = drawn_error(d, &pass, train, name);
    if (!(error < 1e-6)) {
        drawn_print(d);
        fail_msg("%s differs by %g", name, error);
    }
    drawn_pass_free(d, &pass);
}

static void check_one(clrnn_context *context, const int64_t *layout, clrnn_precision precision,
                      int64_t step, bool own, bool ragged)
{
    static const uint32_t lengths[N] = {T, 0, 3, 1};
    drawn_graph d = {.seed = 3,
                     .graph = make(layout, precision, step, own),
                     .steps = T,
                     .batch = N,
                     .lengths = ragged ? calloc(N, sizeof *d.lengths) : NULL};
    if (ragged)
        memcpy(d.lengths, lengths, sizeof lengths);
    check(context, &d, true);
    drawn_free(&d);
}

static void test_turned(void **state)
{
    for (size_t i = 0; i < sizeof layouts / sizeof *layouts; i++)
        for (int k = 0; k < 8; k++) {
            const clrnn_precision precision = k & 1 ? CLRNN_F64 : CLRNN_F32;
            check_one(*state, layouts[i], precision, -1, k & 2, k & 4);
            if (!(k & 2))
                check_one(*state, layouts[i], precision, -3, false, k & 4);
        }
}

/* --- by hand --------------------------------------------------------------------------------- */

/* x [T,N] is 1, 2, .. along time and 10 more a row. */
static void run_pass(clrnn_context *context, clrnn_graph *graph, const uint32_t *lengths,
                     const int32_t *own, bool ids, double y[T * N])
{
    clrnn_graph_plan *plan = NULL;
    float x[T * N], out[T * N];
    int32_t whole[T * N], whole_out[T * N];
    for (int i = 0; i < T * N; i++)
        x[i] = (float)(whole[i] = i / N + 1 + 10 * (i % N));
    const clrnn_graph_plan_desc desc = {.max_steps = T, .max_batch = N};
    const clrnn_graph_source in[] = {{"x", ids ? (void *)whole : (void *)x}, {"n", own}};
    const clrnn_graph_sink sink = {.name = "out", .data = ids ? (void *)whole_out : (void *)out};
    const clrnn_graph_io io = {.inputs = in,
                               .input_count = own ? 2 : 1,
                               .outputs = &sink,
                               .output_count = 1,
                               .lengths = lengths};
    assert_int_equal(clrnn_graph_plan_create(context, graph, &desc, &plan), CLRNN_OK);
    assert_int_equal(clrnn_graph_plan_forward(plan, &io), CLRNN_OK);
    for (int i = 0; i < T * N; i++)
        y[i] = ids ? whole_out[i] : (double)out[i];
    clrnn_graph_plan_destroy(&plan);
}

static clrnn_graph *plain(bool ids, bool own)
{
    clrnn_graph *g = NULL;
    const clrnn_graph_input_desc x = {
        .name = "x", .rank = 2, .shape = {CLRNN_STEPS, CLRNN_BATCH}, .ids = ids};
    const clrnn_graph_input_desc n = {.name = "n", .rank = 1, .shape = {CLRNN_BATCH}, .ids = true};
    clrnn_node_desc d = turn_of(0, -1, own ? "n" : NULL);
    d.inputs[0] = "x";
    assert_int_equal(clrnn_graph_create(&test_log, NULL, &g), CLRNN_OK);
    assert_int_equal(clrnn_graph_input(g, &x), CLRNN_OK);
    if (own)
        assert_int_equal(clrnn_graph_input(g, &n), CLRNN_OK);
    add(g, d);
    assert_int_equal(clrnn_graph_output(g, "out", NULL), CLRNN_OK);
    return g;
}

/* What each row must be: the lesser of both lengths turned, then as it was up to that of the pass.
 */
static void test_values(void **state)
{
    static const uint32_t pass[N] = {T, 2, 5, 0};
    static const int32_t own[N] = {4, 9, -1, 3};
    for (int k = 0; k < 8; k++) {
        clrnn_graph *graph = plain(k & 1, k & 2);
        double y[T * N];
        run_pass(*state, graph, k & 4 ? pass : NULL, k & 2 ? own : NULL, k & 1, y);
        for (int n = 0; n < N; n++) {
            const int length = k & 4 ? (int)pass[n] : T;
            int end = k & 2 && own[n] < length ? own[n] : length;
            end = end < 0 ? 0 : end;
            for (int t = 0; t < T; t++) {
                const int from = t < end ? end - 1 - t : t;
                const double wanted = t < length ? from + 1 + 10 * n : 0;
                if (y[t * N + n] != wanted)
                    fail_msg("case %d, row %d, step %d: %g, not %g", k, n, t, y[t * N + n], wanted);
            }
        }
        clrnn_graph_destroy(&graph);
    }
}

/* Without T and N the axis that is turned is time, and the first other one its rows. */
static void test_numbers(void **state)
{
    clrnn_graph *g = NULL;
    clrnn_graph_plan *plan = NULL;
    static const float x[] = {1, 2, 3, 4, 5, 6};
    static const int32_t own[] = {2, 3};
    float y[6];
    clrnn_node_desc d = turn_of(1, -1, "n");
    d.inputs[0] = "x";
    assert_int_equal(clrnn_graph_create(&test_log, NULL, &g), CLRNN_OK);
    assert_int_equal(clrnn_graph_input(g, &(clrnn_graph_input_desc){"x", 2, {2, 3}, false}),
                     CLRNN_OK);
    assert_int_equal(clrnn_graph_input(g, &(clrnn_graph_input_desc){"n", 1, {2}, true}), CLRNN_OK);
    add(g, d);
    assert_int_equal(clrnn_graph_output(g, "y", NULL), CLRNN_OK);
    const clrnn_graph_source in[] = {{"x", x}, {"n", own}};
    const clrnn_graph_sink sink = {.name = "y", .data = y};
    const clrnn_graph_io io = {.inputs = in, .input_count = 2, .outputs = &sink, .output_count = 1};
    assert_int_equal(clrnn_graph_plan_create(*state, g, &(clrnn_graph_plan_desc){0}, &plan),
                     CLRNN_OK);
    assert_int_equal(clrnn_graph_plan_forward(plan, &io), CLRNN_OK);
    static const float wanted[] = {2, 1, 3, 6, 5, 4};
    assert_memory_equal(y, wanted, sizeof y);
    clrnn_graph_plan_destroy(&plan);
    clrnn_graph_destroy(&g);
}

/* --- refused --------------------------------------------------------------------------------- */

static void refuse(clrnn_node_desc desc, const char *part)
{
    clrnn_graph *g = plain(false, true);
    desc.name = "other";
    assert_int_equal(clrnn_graph_add(g, &desc, NULL), CLRNN_ERR_ARGUMENT);
    assert_error_contains(part);
    clrnn_graph_destroy(&g);
}

/* Channels backwards, which a convolution of groups reads where they lie. */
static void test_channels(void **state)
{
    for (uint32_t i = 0; i < 2; i++) {
        drawn_graph d = {.seed = 1 + i, .steps = T, .batch = N};
        const clrnn_graph_input_desc x = {
            .name = "x", .rank = 3, .shape = {CLRNN_STEPS, CLRNN_BATCH, 30}};
        const clrnn_graph_desc desc = {i ? CLRNN_F64 : CLRNN_F32};
        drawn_numbers r = {7};
        assert_int_equal(clrnn_graph_create(&test_log, &desc, &d.graph), CLRNN_OK);
        assert_int_equal(clrnn_graph_input(d.graph, &x), CLRNN_OK);
        clrnn_node_desc turned = turn_of(2, -1, NULL);
        turned.inputs[0] = "x";
        add(d.graph, turned);
        add(d.graph, (clrnn_node_desc){.kind = CLRNN_NODE_CONV1D,
                                       .name = "conv",
                                       .inputs = {"turned"},
                                       .units = 18,
                                       .kernel = {3},
                                       .groups = 3});
        assert_int_equal(clrnn_graph_output(d.graph, "y", "conv"), CLRNN_OK);
        for (size_t k = 0; k < d.graph->elements; k++)
            clr_graph_put(d.graph, k, 0.5 * draw_real(&r));
        drawn_pass pass = drawn_run(&d, *state, false);
        drawn_check(&d, &pass, 1e-12);
        drawn_pass_free(&d, &pass);
        drawn_free(&d);
    }
}

static void test_refused(void **state)
{
    (void)state;
    clrnn_node_desc d = turn_of(0, -1, NULL);
    d.inputs[0] = "x";
    d.begin[0] = -2;
    refuse(d, "turned from its last step");
    d = turn_of(0, -1, NULL);
    d.inputs[0] = "x";
    d.end[0] = 1;
    refuse(d, "turned from its last step");
    d = turn_of(0, -2, "n");
    d.inputs[0] = "x";
    refuse(d, "with lengths it turns time alone");
    d = turn_of(1, -1, "n");
    d.inputs[0] = "x";
    refuse(d, "with lengths it turns time alone");
    d = turn_of(0, -1, "x");
    d.inputs[0] = "x";
    refuse(d, "must be ids [N]");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_turned, test_open, test_close),
        cmocka_unit_test_setup_teardown(test_values, test_open, test_close),
        cmocka_unit_test_setup_teardown(test_numbers, test_open, test_close),
        cmocka_unit_test_setup_teardown(test_channels, test_open, test_close),
        cmocka_unit_test(test_refused)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: MIT
 * tests/graph/test_random_graphs.c - graphs drawn at random against the float64 reference.
 *
 * usage: test_random_graphs [FIRST COUNT [FOLDER [KIND]]]    the seeds to draw; a failing one is
 * printed. With FOLDER those in double precision, which begin with a node of this kind, are left
 * there for another program (graph/left.h, tools/drawn) */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "support.h"

#include "drawn.h"

#include "graph/left.h"
#include "graph/plan.h"

static uint64_t first = 1;
static uint32_t count = 400;
static const char *folder;
static clrnn_node_kind first_kind = CLRNN_NODE_KINDS;
static uint64_t running; /* the seed of the graph that runs; 0: none */

/* Functions like 1/x make large numbers of small ones, and of their errors. */
static double bound_of(clrnn_precision precision)
{
    return precision == CLRNN_F64 ? 1e-7 : 5e-3;
}

static bool trains(const drawn_graph *d)
{
    return !d->forward_only && d->seed % 3 != 0;
}

static void compare(clrnn_context *context, uint64_t seed, clrnn_precision precision)
{
    running = seed;
    drawn_graph d = draw_graph(seed, precision, 10, CLRNN_NODE_KINDS);
    const bool train = trains(&d);
    drawn_pass pass = drawn_run(&d, context, train);
    char name[64];
    const double error = drawn_error(&d, &pass, train, name);
    if (!(error <= bound_of(precision))) {
        drawn_print(&d);
        fail_msg("seed %llu: %s differs by %g: run again with `test_random_graphs %llu 1`",
                 (unsigned long long)seed, name, error, (unsigned long long)seed);
    }
    drawn_pass_free(&d, &pass);
    drawn_free(&d);
    running = 0;
}

/* One that crashes says nothing else. */
static int close_after(void **state)
{
    if (running)
        fprintf(stderr, "ended in seed %llu: run again with `test_random_graphs %llu 1`\n",
                (unsigned long long)running, (unsigned long long)running);
    running = 0;
    return test_close(state);
}

static void test_double(void **state)
{
    for (uint32_t i = 0; i < count; i++)
        compare(*state, first + i, CLRNN_F64);
}

static void test_leave(void **state)
{
    for (uint32_t i = 0; i < count; i++) {
        running = first + i;
        drawn_graph d = draw_graph(running, CLRNN_F64, 10, first_kind);
        const bool train = trains(&d);
        drawn_pass pass = drawn_run(&d, *state, train);
        drawn_leave(&d, &pass, train, folder);
        drawn_pass_free(&d, &pass);
        drawn_free(&d);
        running = 0;
    }
}

static void test_single(void **state)
{
    for (uint32_t i = 0; i < (count + 1) / 2; i++)
        compare(*state, first + i, CLRNN_F32);
}

/* --- what plans spare themselves ------------------------------------------------------------- */

static uint32_t spared[CLRNN_NODE_KINDS];

/* Such graphs are many of those above too; here each kind must have been among them (of the usual
 * seeds: others may have none of a rare one). */
static void test_fused(void **state)
{
    static const clrnn_node_kind kinds[] = {CLRNN_NODE_ACTIVATION, CLRNN_NODE_SLICE,
                                            CLRNN_NODE_TRANSPOSE,  CLRNN_NODE_RESHAPE,
                                            CLRNN_NODE_EXPAND,     CLRNN_NODE_DROPOUT};
    char name[64];
    for (uint32_t i = 0; i < count; i++) {
        running = first + i;
        drawn_graph d = draw_graph(first + i, CLRNN_F64, 10, kinds[i % 6]);
        drawn_pass pass = drawn_run(&d, *state, false);
        const double error = drawn_error(&d, &pass, false, name);
        for (uint32_t k = 0; k < d.graph->node_count; k++)
            spared[d.graph->nodes[k].kind->id] += pass.plan->nodes[k].silent;
        if (!(error <= bound_of(CLRNN_F64))) {
            drawn_print(&d);
            fail_msg("seed %llu: %s differs by %g", (unsigned long long)(first + i), name, error);
        }
        drawn_pass_free(&d, &pass);
        drawn_free(&d);
        running = 0;
    }
    for (uint32_t k = 0; k < 6; k++)
        if (first == 1 && count >= 200 && spared[kinds[k]] == 0)
            fail_msg("of %u graphs none spared itself a node of kind %s", count,
                     clrnn_node_kind_name(kinds[k]));
}

/* More under a window than one work-item goes through on a CPU, of one and two axes; lines of
 * windows that fill tiles, and others; rows that are not all done together. */
static void wide_window(clrnn_context *context, int axes, uint32_t line, clrnn_precision precision,
                        bool train)
{
    static const clrnn_node_desc windows[] = {{.kind = CLRNN_NODE_CONV1D,
                                               .name = "conv",
                                               .units = 10,
                                               .kernel = {5},
                                               .pad_begin = {2},
                                               .pad_end = {6},
                                               .dilation = {2},
                                               .function = CLRNN_FN_RELU},
                                              {.kind = CLRNN_NODE_CONV2D,
                                               .name = "conv",
                                               .units = 6,
                                               .groups = 2,
                                               .kernel = {3, 4},
                                               .stride = {2, 1},
                                               .pad_begin = {1, 2},
                                               .pad_end = {0, 1}}};
    const clrnn_graph_input_desc inputs[] = {
        {.name = "x", .rank = 3, .shape = {CLRNN_BATCH, 230, CLRNN_STEPS}},
        {.name = "x", .rank = 4, .shape = {CLRNN_BATCH, 26, 9, line}}};
    drawn_graph d = {.seed = 11, .steps = line, .batch = line == 70 && !train ? 61 : 2};
    drawn_numbers numbers = {11};
    const clrnn_node_desc product = {.kind = CLRNN_NODE_MUL, .inputs = {"conv", "conv"}};
    char name[64];
    assert_int_equal(clrnn_graph_create(&test_log, &(clrnn_graph_desc){precision}, &d.graph),
                     CLRNN_OK);
    assert_int_equal(clrnn_graph_input(d.graph, &inputs[axes - 1]), CLRNN_OK);
    assert_int_equal(clrnn_graph_add(d.graph, &windows[axes - 1], NULL), CLRNN_OK);
    assert_int_equal(clrnn_graph_add(d.graph, &product, NULL), CLRNN_OK);
    assert_int_equal(clrnn_graph_output(d.graph, "y", NULL), CLRNN_OK);
    for (size_t k = 0; k < d.graph->elements; k++)
        clr_graph_put(d.graph, k, draw_real(&numbers));
    drawn_pass pass = drawn_run(&d, context, train);
    const double error = drawn_error(&d, &pass, train, name);
    if (!(error < (precision == CLRNN_F64 ? 1e-12 : 1e-4)))
        fail_msg("%d axes, lines of %u: %s differs by %g", axes, line, name, error);
    drawn_pass_free(&d, &pass);
    drawn_free(&d);
}

static void test_wide_windows(void **state)
{
    static const uint32_t lines[] = {70, 61, 17, 32};
    for (uint32_t i = 0; i < 4; i++)
        for (int way = 0; way < 8; way++)
            wide_window(*state, way % 2 + 1, lines[i], way & 2 ? CLRNN_F64 : CLRNN_F32, way & 4);
}

static uint32_t pick(drawn_numbers *numbers, const uint32_t *from, size_t choices)
{
    return from[draw_below(numbers, (uint32_t)choices)];
}
#define PICK(...) \
    pick(&n, (const uint32_t[]){__VA_ARGS__}, sizeof((uint32_t[]){__VA_ARGS__}) / sizeof(uint32_t))

/* Any window over any map: strides, dilations, depthwise, lines longer and shorter than tiles. */
static void drawn_window(clrnn_context *context, uint32_t seed, clrnn_precision precision)
{
    drawn_numbers n = {seed};
    const uint32_t axes = draw_below(&n, 3) > 0 ? 2 : 1;
    const uint32_t channels = PICK(1, 2, 3, 16, 24, 40, 120), divisor = PICK(1, 1, 2, 3, 20, 40);
    const uint32_t groups = channels % divisor == 0 ? divisor : channels;
    const uint32_t A = PICK(1, 2, 4, 7, 12), B = PICK(3, 5, 8, 13, 31, 33, 64, 67);
    clrnn_node_desc conv = {.kind = axes == 2 ? CLRNN_NODE_CONV2D : CLRNN_NODE_CONV1D,
                            .name = "conv",
                            .units = groups * (groups > 8 ? PICK(1, 2, 3) : PICK(1, 3, 7, 9, 20)),
                            .groups = groups,
                            .no_bias = draw_below(&n, 3) == 0,
                            .function = PICK(CLRNN_FN_RELU, CLRNN_FN_TANH, CLRNN_FN_IDENTITY,
                                             CLRNN_FN_LEAKY_RELU, CLRNN_FN_CLIP,
                                             CLRNN_FN_HARD_SIGMOID, CLRNN_FN_HARD_SWISH,
                                             CLRNN_FN_SIGMOID, CLRNN_FN_SILU, CLRNN_FN_GELU),
                            .alpha = 0.25,
                            .beta = 0.5};
    if (conv.function == CLRNN_FN_GELU)
        conv.alpha = conv.beta = 0;
    for (uint32_t i = 0; i < axes; i++) {
        conv.kernel[i] = PICK(1, 2, 3, 3, 5);
        conv.stride[i] = PICK(1, 1, 2, 2, 3);
        conv.dilation[i] = PICK(1, 1, 2, 3);
        conv.pad_begin[i] = draw_below(&n, 3) + (conv.kernel[i] - 1) * conv.dilation[i] / 2;
        conv.pad_end[i] = draw_below(&n, 3) + conv.kernel[i] * conv.dilation[i] / 2;
    }
    const clrnn_graph_input_desc inputs[] = {
        {.name = "x", .rank = 3, .shape = {CLRNN_BATCH, channels, B}},
        {.name = "x", .rank = 4, .shape = {CLRNN_BATCH, channels, A, B}}};
    drawn_graph d = {.seed = seed, .steps = 1, .batch = PICK(1, 2, 5), .forward_only = true};
    char name[64];
    assert_int_equal(clrnn_graph_create(&test_log, &(clrnn_graph_desc){precision}, &d.graph),
                     CLRNN_OK);
    assert_int_equal(clrnn_graph_input(d.graph, &inputs[axes - 1]), CLRNN_OK);
    if (clrnn_graph_add(d.graph, &conv, NULL) != CLRNN_OK)
        fail_msg("seed %u: %s", seed, test_last_error);
    assert_int_equal(clrnn_graph_output(d.graph, "y", NULL), CLRNN_OK);
    for (size_t k = 0; k < d.graph->elements; k++)
        clr_graph_put(d.graph, k, draw_real(&n) / 4);
    drawn_pass pass = drawn_run(&d, context, false);
    const double error = drawn_error(&d, &pass, false, name);
    if (!(error < (precision == CLRNN_F64 ? 1e-12 : 1e-5)))
        fail_msg("seed %u: %s differs by %g", seed, name, error);
    drawn_pass_free(&d, &pass);
    drawn_free(&d);
}

static void test_drawn_windows(void **state)
{
    for (uint32_t i = 0; i < 300; i++)
        drawn_window(*state, 1 + i, i % 4 ? CLRNN_F32 : CLRNN_F64);
}

/* Windows whose elements are so far apart that what is between them is not made. */
static void test_far_windows(void **state)
{
    const uint32_t far = 1u << 23;
    drawn_graph d = {.seed = 3, .steps = 1, .batch = 2, .forward_only = true};
    drawn_numbers numbers = {3};
    char name[64];
    assert_int_equal(clrnn_graph_create(&test_log, NULL, &d.graph), CLRNN_OK);
    assert_int_equal(clrnn_graph_input(d.graph,
                                       &(clrnn_graph_input_desc){
                                           .name = "x", .rank = 3, .shape = {CLRNN_BATCH, 3, 40}}),
                     CLRNN_OK);
    assert_int_equal(clrnn_graph_add(d.graph,
                                     &(clrnn_node_desc){.kind = CLRNN_NODE_CONV1D,
                                                        .units = 5,
                                                        .kernel = {2},
                                                        .dilation = {far},
                                                        .pad_begin = {far}},
                                     NULL),
                     CLRNN_OK);
    assert_int_equal(clrnn_graph_output(d.graph, "y", NULL), CLRNN_OK);
    for (size_t k = 0; k < d.graph->elements; k++)
        clr_graph_put(d.graph, k, draw_real(&numbers));
    drawn_pass pass = drawn_run(&d, *state, false);
    assert_true(drawn_error(&d, &pass, false, name) < 1e-5);
    drawn_pass_free(&d, &pass);
    drawn_free(&d);
}

/* Few windows of many units, over an axis of its own and over time, whose number of steps decides
 * nothing: plans are for some more of them. */
static void narrow_window(clrnn_context *context, uint32_t line, uint32_t groups, bool timed,
                          bool across, clrnn_precision precision)
{
    const clrnn_graph_input_desc inputs[] = {
        {.name = "x", .rank = 4, .shape = {CLRNN_STEPS, 12, line, 1}},
        {.name = "x", .rank = 3, .shape = {CLRNN_BATCH, 12, CLRNN_STEPS}}};
    const clrnn_node_desc conv = {.kind = timed ? CLRNN_NODE_CONV1D : CLRNN_NODE_CONV2D,
                                  .name = "conv",
                                  .units = 80,
                                  .groups = groups,
                                  .kernel = {3, timed    ? 0
                                                : across ? 3
                                                         : 1},
                                  .pad_begin = {1, across},
                                  .pad_end = {1, across},
                                  .function = CLRNN_FN_TANH};
    drawn_graph d = {.seed = 2, .steps = timed ? line : 7, .batch = timed ? 3 : 1};
    drawn_numbers numbers = {line};
    char name[64];
    assert_int_equal(clrnn_graph_create(&test_log, &(clrnn_graph_desc){precision}, &d.graph),
                     CLRNN_OK);
    assert_int_equal(clrnn_graph_input(d.graph, &inputs[timed]), CLRNN_OK);
    if (clrnn_graph_add(d.graph, &conv, NULL) != CLRNN_OK)
        fail_msg("%s", test_last_error);
    assert_int_equal(clrnn_graph_output(d.graph, "y", NULL), CLRNN_OK);
    for (size_t k = 0; k < d.graph->elements; k++)
        clr_graph_put(d.graph, k, 0.5 * draw_real(&numbers));
    drawn_pass pass = drawn_run(&d, context, false);
    const double error = drawn_error(&d, &pass, false, name);
    if (!(error < (precision == CLRNN_F64 ? 1e-12 : 1e-4)))
        fail_msg("lines of %u in %u groups: %s differs by %g", line, groups, name, error);
    drawn_pass_free(&d, &pass);
    drawn_free(&d);
}

static void test_narrow_windows(void **state)
{
    for (uint32_t line = 1; line < 20; line++)
        for (uint32_t way = 0; way < 8; way++)
            for (int across = 0; across <= !(way & 2); across++)
                narrow_window(*state, line, way & 1 ? 2 : 1, way & 2, across,
                              way & 4 ? CLRNN_F64 : CLRNN_F32);
}

static void add(clrnn_graph *graph, clrnn_node_desc desc)
{
    assert_int_equal(clrnn_graph_add(graph, &desc, NULL), CLRNN_OK);
}

/* Function of two values, of rows longer than what is computed at a time: seen along every other
 * element, as they lie, and along the axis before. */
static drawn_graph wide_map(clrnn_node_kind kind, clrnn_function function, int way)
{
    static const int64_t lasts[] = {301, 150, 3};
    static const clrnn_graph_desc f64 = {CLRNN_F64};
    const clrnn_graph_input_desc x = {
        .name = "x", .rank = 3, .shape = {CLRNN_BATCH, way == 2 ? 150 : 3, lasts[way]}};
    const int64_t step = way == 0 ? 2 : 1;
    drawn_graph d = {.seed = 5 + kind, .steps = 1, .batch = 2};
    assert_int_equal(clrnn_graph_create(&test_log, &f64, &d.graph), CLRNN_OK);
    assert_int_equal(clrnn_graph_input(d.graph, &x), CLRNN_OK);
    add(d.graph, (clrnn_node_desc){.kind = CLRNN_NODE_SLICE,
                                   .name = "even",
                                   .rank = 3,
                                   .end = {CLRNN_TO_END, CLRNN_TO_END, way == 0 ? -1 : lasts[way]},
                                   .step = {1, 1, step}});
    add(d.graph, (clrnn_node_desc){.kind = CLRNN_NODE_SLICE,
                                   .name = "odd",
                                   .inputs = {"x"},
                                   .rank = 3,
                                   .begin = {0, 0, way == 0},
                                   .end = {CLRNN_TO_END, CLRNN_TO_END, CLRNN_TO_END},
                                   .step = {1, 1, step}});
    add(d.graph, (clrnn_node_desc){.kind = CLRNN_NODE_TRANSPOSE,
                                   .name = "turned",
                                   .rank = 3,
                                   .order = {0, way == 2 ? 2 : 1, way == 2 ? 1 : 2}});
    add(d.graph, (clrnn_node_desc){.kind = CLRNN_NODE_TRANSPOSE,
                                   .name = "other",
                                   .inputs = {"even"},
                                   .rank = 3,
                                   .order = {0, way == 2 ? 2 : 1, way == 2 ? 1 : 2}});
    add(d.graph, (clrnn_node_desc){.kind = kind, .name = "two", .inputs = {"other", "turned"}});
    add(d.graph, (clrnn_node_desc){.kind = CLRNN_NODE_ACTIVATION, .function = function});
    assert_int_equal(clrnn_graph_output(d.graph, "y", NULL), CLRNN_OK);
    return d;
}

static void test_wide_maps(void **state)
{
    static const clrnn_node_kind kinds[] = {CLRNN_NODE_ADD, CLRNN_NODE_SUB, CLRNN_NODE_MUL,
                                            CLRNN_NODE_MAX, CLRNN_NODE_MIN};
    for (uint32_t function = 0; function < CLRNN_FUNCTIONS; function++)
        for (uint32_t k = 0; k < 5; k++)
            for (int way = 0; way < 3; way++) {
                drawn_graph d = wide_map(kinds[k], (clrnn_function)function, way);
                drawn_pass pass = drawn_run(&d, *state, false);
                char name[64];
                const double error = drawn_error(&d, &pass, false, name);
                if (!(error <= 1e-9))
                    fail_msg("function %u of kind %u, way %d: %g", function, k, way, error);
                assert_true(pass.plan->nodes[0].silent && pass.plan->nodes[5].silent);
                drawn_pass_free(&d, &pass);
                drawn_free(&d);
            }
}

/* What a window sees past a row's length is 0, also where a constant is the same for all steps. */
static void test_expanded_past_lengths(void **state)
{
    static const double ones[] = {1, 2, 3};
    static const clrnn_graph_desc f64 = {CLRNN_F64};
    drawn_graph d = {.seed = 3, .steps = 6, .batch = 2};
    drawn_numbers numbers = {3};
    char name[64];
    assert_int_equal(clrnn_graph_create(&test_log, &f64, &d.graph), CLRNN_OK);
    assert_int_equal(
        clrnn_graph_input(
            d.graph, &(clrnn_graph_input_desc){"x", 3, .shape = {CLRNN_STEPS, CLRNN_BATCH, 3}}),
        CLRNN_OK);
    add(d.graph,
        (clrnn_node_desc){.kind = CLRNN_NODE_CONSTANT, .rank = 1, .shape = {3}, .data = ones});
    add(d.graph, (clrnn_node_desc){
                     .kind = CLRNN_NODE_EXPAND, .rank = 3, .shape = {CLRNN_STEPS, CLRNN_BATCH, 3}});
    add(d.graph, (clrnn_node_desc){.kind = CLRNN_NODE_CONV1D,
                                   .units = 2,
                                   .kernel = {3},
                                   .pad_begin = {1},
                                   .pad_end = {1}});
    assert_int_equal(clrnn_graph_output(d.graph, "y", NULL), CLRNN_OK);
    for (size_t i = 0; i < d.graph->elements; i++)
        clr_graph_put(d.graph, i, draw_real(&numbers));
    d.lengths = calloc(2, sizeof *d.lengths);
    d.lengths[0] = 2;
    d.lengths[1] = 5;
    drawn_pass pass = drawn_run(&d, *state, false);
    assert_true(drawn_error(&d, &pass, false, name) < 1e-9);
    drawn_pass_free(&d, &pass);
    drawn_free(&d);
}

int main(int argc, char **argv)
{
    char **rest = drawn_arguments(argc, argv, &first, &count);
    folder = rest[0];
    first_kind = drawn_kind(folder ? rest[1] : NULL);
    const struct CMUnitTest for_others[] = {
        cmocka_unit_test_setup_teardown(test_leave, test_open, close_after)};
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_wide_windows, test_open, test_close),
        cmocka_unit_test_setup_teardown(test_drawn_windows, test_open, test_close),
        cmocka_unit_test_setup_teardown(test_far_windows, test_open, test_close),
        cmocka_unit_test_setup_teardown(test_narrow_windows, test_open, test_close),
        cmocka_unit_test_setup_teardown(test_fused, test_open, close_after),
        cmocka_unit_test_setup_teardown(test_wide_maps, test_open, test_close),
        cmocka_unit_test_setup_teardown(test_expanded_past_lengths, test_open, test_close),
        cmocka_unit_test_setup_teardown(test_double, test_open, close_after),
        cmocka_unit_test_setup_teardown(test_single, test_open, close_after),
    };
    return folder ? cmocka_run_group_tests(for_others, NULL, NULL)
                  : cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: MIT
 * tests/graph/test_random_graphs.c - graphs drawn at random against the float64 reference.
 *
 * usage: test_random_graphs [FIRST COUNT]    the seeds to draw; a failing one is printed */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "support.h"

#include "drawn.h"

static uint64_t first = 1;
static uint32_t count = 400;

/* Functions like 1/x make large numbers of small ones, and of their errors. */
static double bound_of(clrnn_precision precision)
{
    return precision == CLRNN_F64 ? 1e-7 : 5e-3;
}

static void compare(clrnn_context *context, uint64_t seed, clrnn_precision precision)
{
    drawn_graph d = draw_graph(seed, precision, 10, CLRNN_NODE_KINDS);
    const bool train = !d.forward_only && seed % 3 != 0;
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
}

static void test_double(void **state)
{
    for (uint32_t i = 0; i < count; i++)
        compare(*state, first + i, CLRNN_F64);
}

static void test_single(void **state)
{
    for (uint32_t i = 0; i < (count + 1) / 2; i++)
        compare(*state, first + i, CLRNN_F32);
}

/* More under a window than one work-item goes through on a CPU, of one and two axes. */
static void test_wide_windows(void **state)
{
    static const clrnn_node_desc windows[] = {{.kind = CLRNN_NODE_CONV1D,
                                               .name = "conv",
                                               .units = 6,
                                               .kernel = {5},
                                               .pad_begin = {2},
                                               .pad_end = {1},
                                               .dilation = {2},
                                               .function = CLRNN_FN_RELU},
                                              {.kind = CLRNN_NODE_CONV2D,
                                               .name = "conv",
                                               .units = 6,
                                               .kernel = {3, 4},
                                               .stride = {2, 1},
                                               .pad_begin = {1, 2}}};
    static const clrnn_graph_input_desc inputs[] = {
        {.name = "x", .rank = 3, .shape = {CLRNN_BATCH, 29, CLRNN_STEPS}},
        {.name = "x", .rank = 4, .shape = {CLRNN_BATCH, 13, 9, 70}}};
    for (int i = 0; i < 2; i++) {
        drawn_graph d = {.seed = 11, .steps = 70, .batch = 2};
        drawn_numbers numbers = {11};
        const clrnn_node_desc product = {.kind = CLRNN_NODE_MUL, .inputs = {"conv", "conv"}};
        char name[64];
        assert_int_equal(clrnn_graph_create(&test_log, &(clrnn_graph_desc){CLRNN_F64}, &d.graph),
                         CLRNN_OK);
        assert_int_equal(clrnn_graph_input(d.graph, &inputs[i]), CLRNN_OK);
        assert_int_equal(clrnn_graph_add(d.graph, &windows[i], NULL), CLRNN_OK);
        assert_int_equal(clrnn_graph_add(d.graph, &product, NULL), CLRNN_OK);
        assert_int_equal(clrnn_graph_output(d.graph, "y", NULL), CLRNN_OK);
        double *parameters = clrnn_graph_data(d.graph);
        for (size_t k = 0; k < clrnn_graph_parameter_count(d.graph); k++)
            parameters[k] = draw_real(&numbers);
        drawn_pass pass = drawn_run(&d, *state, true);
        assert_true(drawn_error(&d, &pass, true, name) < 1e-12);
        drawn_pass_free(&d, &pass);
        drawn_free(&d);
    }
}

int main(int argc, char **argv)
{
    if (argc > 1)
        first = strtoull(argv[1], NULL, 10);
    if (argc > 2)
        count = (uint32_t)strtoul(argv[2], NULL, 10);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_wide_windows, test_open, test_close),
        cmocka_unit_test_setup_teardown(test_double, test_open, test_close),
        cmocka_unit_test_setup_teardown(test_single, test_open, test_close),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: MIT
 * tests/graph/test_graph_picks.c - more slices along an axis than a work-item copies at once, by
 * ids from both ends: of numbers, and of rows that end within the others. */
#include "support.h"

#include <clrnn/graph_plan.h>

enum { outer = 3, K = 7, M = 700, most = 5 };

/* Along axis 1 of x [outer,K,inner]. */
static void pick(clrnn_context *context, int64_t inner)
{
    static float x[outer * K * most], y[outer * M * most];
    static int32_t ids[M];
    clrnn_graph *g = NULL;
    clrnn_graph_plan *plan = NULL;
    const clrnn_graph_input_desc numbers = {"x", 3, {outer, K, inner}, false},
                                 places = {"ids", 1, {M}, true};
    const clrnn_node_desc d = {
        .kind = CLRNN_NODE_GATHER, .name = "y", .inputs = {"x", "ids"}, .axis = 1};
    for (int i = 0; i < outer * K * most; i++)
        x[i] = (float)(i + 1);
    for (int m = 0; m < M; m++)
        ids[m] = m * 5 % (2 * K) - K;
    assert_int_equal(clrnn_graph_create(&test_log, NULL, &g), CLRNN_OK);
    assert_int_equal(clrnn_graph_input(g, &numbers), CLRNN_OK);
    assert_int_equal(clrnn_graph_input(g, &places), CLRNN_OK);
    assert_int_equal(clrnn_graph_add(g, &d, NULL), CLRNN_OK);
    assert_int_equal(clrnn_graph_output(g, "y", NULL), CLRNN_OK);
    const clrnn_graph_source in[] = {{"x", x}, {"ids", ids}};
    const clrnn_graph_sink sink = {.name = "y", .data = y};
    const clrnn_graph_io io = {.inputs = in, .input_count = 2, .outputs = &sink, .output_count = 1};
    assert_int_equal(clrnn_graph_plan_create(context, g, &(clrnn_graph_plan_desc){0}, &plan),
                     CLRNN_OK);
    assert_int_equal(clrnn_graph_plan_forward(plan, &io), CLRNN_OK);
    for (int o = 0; o < outer; o++)
        for (int m = 0; m < M; m++)
            for (int i = 0; i < inner; i++) {
                const int place = ids[m] < 0 ? ids[m] + K : ids[m];
                const float wanted = x[(o * K + place) * inner + i];
                const float found = y[(o * M + m) * inner + i];
                if (found != wanted)
                    fail_msg("row %d, id %d, number %d: %g, not %g", o, ids[m], i, (double)found,
                             (double)wanted);
            }
    clrnn_graph_plan_destroy(&plan);
    clrnn_graph_destroy(&g);
}

static void test_numbers(void **state)
{
    pick(*state, 1);
}

static void test_rows(void **state)
{
    pick(*state, most);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_numbers, test_open, test_close),
        cmocka_unit_test_setup_teardown(test_rows, test_open, test_close),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

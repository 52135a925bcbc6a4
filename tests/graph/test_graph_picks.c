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

/* Steps of rows that end before, from both ends of time and one twice: what is past a row's end has
 * no gradient. */
static void test_gradient(void **state)
{
    enum { T = 4, N = 2, PICKS = 5 };
    static const float x[T * N * 2] = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16};
    static const int32_t ids[PICKS] = {0, -3, 2, -1, 2};
    static const uint32_t lengths[N] = {3, 2};
    float y[PICKS * N * 2], dy[PICKS * N * 2], dx[T * N * 2], wanted[T * N * 2] = {0};
    clrnn_graph *g = NULL;
    clrnn_graph_plan *plan = NULL;
    const clrnn_graph_input_desc numbers = {"x", 3, {CLRNN_STEPS, CLRNN_BATCH, 2}, false},
                                 places = {"ids", 1, {PICKS}, true};
    const clrnn_node_desc pick_steps = {
        .kind = CLRNN_NODE_GATHER, .name = "y", .inputs = {"x", "ids"}};
    assert_int_equal(clrnn_graph_create(&test_log, NULL, &g), CLRNN_OK);
    assert_int_equal(clrnn_graph_input(g, &numbers), CLRNN_OK);
    assert_int_equal(clrnn_graph_input(g, &places), CLRNN_OK);
    assert_int_equal(clrnn_graph_add(g, &pick_steps, NULL), CLRNN_OK);
    assert_int_equal(clrnn_graph_output(g, "y", NULL), CLRNN_OK);
    for (int i = 0; i < PICKS * N * 2; i++) {
        const int t = ids[i / (N * 2)] + (ids[i / (N * 2)] < 0 ? T : 0), n = i / 2 % N;
        dy[i] = (float)(i + 1);
        wanted[(t * N + n) * 2 + i % 2] += t < (int)lengths[n] ? dy[i] : 0;
    }
    const clrnn_graph_source in[] = {{"x", x}, {"ids", ids}}, up = {"y", dy};
    const clrnn_graph_sink sink = {"y", y}, down = {"x", dx};
    const clrnn_graph_io io = {.steps = T,
                               .batch = N,
                               .lengths = lengths,
                               .inputs = in,
                               .input_count = 2,
                               .outputs = &sink,
                               .output_count = 1};
    const clrnn_graph_gradients gradients = {
        .outputs = &up, .output_count = 1, .inputs = &down, .input_count = 1};
    const clrnn_graph_plan_desc desc = {
        .max_steps = T, .max_batch = N, .train = true, .input_gradients = true};
    assert_int_equal(clrnn_graph_plan_create(*state, g, &desc, &plan), CLRNN_OK);
    assert_int_equal(clrnn_graph_plan_forward(plan, &io), CLRNN_OK);
    assert_int_equal(clrnn_graph_plan_backward(plan, &gradients), CLRNN_OK);
    for (int i = 0; i < T * N * 2; i++)
        if (dx[i] != wanted[i]) /* of whole numbers */
            fail_msg("gradient %d is %g, not %g", i, (double)dx[i], (double)wanted[i]);
    clrnn_graph_plan_destroy(&plan);
    clrnn_graph_destroy(&g);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_numbers, test_open, test_close),
        cmocka_unit_test_setup_teardown(test_rows, test_open, test_close),
        cmocka_unit_test_setup_teardown(test_gradient, test_open, test_close),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

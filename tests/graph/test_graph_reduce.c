/* SPDX-License-Identifier: MIT
 * tests/graph/test_graph_reduce.c - reduced axes of x [A,B,C], to the bit: one sum of 64 numbers,
 * then a sum of these, whichever axes stay and however many elements lie side by side on the last
 * one of them; NaN is the largest and the least. */
#include "support.h"

#include <clrnn/graph_plan.h>
#include <math.h>
#include <stdlib.h>

enum { most = 12000 };

typedef struct sizes {
    int64_t of[3];
} sizes;

static float x[most], y[most], wanted[most];

/* As it is defined. Returns how many there are in `wanted`. */
static size_t reduced(const sizes *s, unsigned axes, clrnn_reduction reduction)
{
    size_t stride[3] = {(size_t)(s->of[1] * s->of[2]), (size_t)s->of[2], 1}, count = 0;
    int64_t out[3], in[3], o[3], j[3];
    for (int i = 0; i < 3; i++) {
        out[i] = axes >> i & 1 ? 1 : s->of[i];
        in[i] = axes >> i & 1 ? s->of[i] : 1;
    }
    for (o[0] = 0; o[0] < out[0]; o[0]++)
        for (o[1] = 0; o[1] < out[1]; o[1]++)
            for (o[2] = 0; o[2] < out[2]; o[2]++) {
                float total = 0, lanes[2][8] = {{0}};
                size_t seen = 0;
                for (j[0] = 0; j[0] < in[0]; j[0]++)
                    for (j[1] = 0; j[1] < in[1]; j[1]++)
                        for (j[2] = 0; j[2] < in[2]; j[2]++, seen++) {
                            size_t at = 0;
                            for (int i = 0; i < 3; i++)
                                at += (size_t)(o[i] + j[i]) * stride[i];
                            for (int i = 0; seen % (8 * 64) == 0 && i < 8; i++) {
                                lanes[0][i] += lanes[1][i];
                                lanes[1][i] = 0;
                            }
                            if (reduction <= CLRNN_REDUCE_SUM)
                                lanes[1][seen % 8] += x[at];
                            else if (seen == 0 || isnan(x[at]) ||
                                     (reduction == CLRNN_REDUCE_MAX ? x[at] > total
                                                                    : x[at] < total))
                                total = x[at];
                        }
                for (int i = 0; i < 8; i++)
                    lanes[0][i] += lanes[1][i];
                for (int half = 4; half > 0; half /= 2)
                    for (int i = 0; i < half; i++)
                        lanes[0][i] += lanes[0][i + half];
                if (reduction <= CLRNN_REDUCE_SUM)
                    total = lanes[0][0];
                wanted[count++] = reduction == CLRNN_REDUCE_MEAN ? total / (float)seen : total;
            }
    return count;
}

static void check(clrnn_context *context, const sizes *s, unsigned axes, clrnn_reduction reduction)
{
    clrnn_graph *g = NULL;
    clrnn_graph_plan *plan = NULL;
    const clrnn_graph_input_desc numbers = {"x", 3, {s->of[0], s->of[1], s->of[2]}, false};
    clrnn_node_desc d = {
        .kind = CLRNN_NODE_REDUCE, .name = "y", .inputs = {"x"}, .reduction = reduction};
    for (uint32_t i = 0; i < 3; i++)
        if (axes >> i & 1)
            d.order[d.rank++] = i;
    assert_int_equal(clrnn_graph_create(&test_log, NULL, &g), CLRNN_OK);
    assert_int_equal(clrnn_graph_input(g, &numbers), CLRNN_OK);
    assert_int_equal(clrnn_graph_add(g, &d, NULL), CLRNN_OK);
    assert_int_equal(clrnn_graph_output(g, "y", NULL), CLRNN_OK);
    const clrnn_graph_source in = {"x", x};
    const clrnn_graph_sink sink = {.name = "y", .data = y};
    const clrnn_graph_io io = {
        .inputs = &in, .input_count = 1, .outputs = &sink, .output_count = 1};
    assert_int_equal(clrnn_graph_plan_create(context, g, &(clrnn_graph_plan_desc){0}, &plan),
                     CLRNN_OK);
    assert_int_equal(clrnn_graph_plan_forward(plan, &io), CLRNN_OK);
    const size_t count = reduced(s, axes, reduction);
    for (size_t i = 0; i < count; i++)
        if (isnan(wanted[i]) ? !isnan(y[i]) : y[i] != wanted[i])
            fail_msg("[%d,%d,%d], axes %u, reduction %d: element %zu is %.9g, not %.9g",
                     (int)s->of[0], (int)s->of[1], (int)s->of[2], axes, (int)reduction, i,
                     (double)y[i], (double)wanted[i]);
    clrnn_graph_plan_destroy(&plan);
    clrnn_graph_destroy(&g);
}

static void any_axes(void **state)
{
    static const sizes all[] = {{{2, 3, 5}},  {{3, 70, 4}},   {{1, 130, 16}}, {{2, 65, 33}},
                                {{40, 7, 1}}, {{17, 2, 200}}, {{5, 1, 31}},   {{129, 3, 20}}};
    double *random = test_random(most, 7, 1);
    const size_t sizes_count = sizeof all / sizeof *all;
    size_t done = 0;
    for (size_t i = 0; i < sizes_count; i++)
        for (unsigned axes = 1; axes < 8; axes++)
            for (int reduction = CLRNN_REDUCE_MEAN; reduction <= CLRNN_REDUCE_MIN; reduction++) {
                for (size_t k = 0; k < most; k++)
                    x[k] = (float)random[k];
                if (reduction >= CLRNN_REDUCE_MAX)
                    x[(size_t)(all[i].of[0] * all[i].of[1] * all[i].of[2]) / 2] = NAN;
                check(*state, &all[i], axes, (clrnn_reduction)reduction);
                done++;
            }
    free(random);
    assert_int_equal(done, sizes_count * 7 * 4);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(any_axes, test_open, test_close)};
    return cmocka_run_group_tests_name("graph reduce", tests, NULL, NULL);
}

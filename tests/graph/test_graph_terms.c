/* SPDX-License-Identifier: MIT
 * tests/graph/test_graph_terms.c - the largest and smallest of parts of arrays, as pooling makes
 * them, drawn at random: plans combine them at once where they can.
 *
 * usage: test_graph_terms [FIRST COUNT]    the seeds to draw; a failing one is printed */
#include <stdio.h>
#include <stdlib.h>

#include "support.h"

#include "drawn.h"

#include "graph/plan.h"

static uint64_t first = 1;
static uint32_t count = 400;

static bool chance(drawn_numbers *r, uint32_t percent)
{
    return draw_below(r, 100) < percent;
}

/* Add a node and say its name, or nothing if it does not suit the graph. */
static bool add(clrnn_graph *g, clrnn_node_desc *d, char name[16])
{
    static const char letters[] = "node";
    snprintf(name, 16, "%s%u", letters, g->node_count);
    d->name = name;
    return clrnn_graph_add(g, d, NULL) == CLRNN_OK;
}

/* Parts of a value along an axis, every `stride`, combined one after the other. Now and then
 * somebody else reads what comes between: an output, a sum, a function, another kind. */
static bool pool_axis(drawn_numbers *r, clrnn_graph *g, clrnn_node_kind kind, uint32_t axis,
                      char at[16])
{
    const int64_t window = 2 + draw_below(r, 2), stride = 1 + draw_below(r, 2);
    char all[16] = "", part[16], both[16];
    for (int64_t k = 0; k < window; k++) {
        clrnn_node_desc cut = {.kind = CLRNN_NODE_SLICE, .inputs = {at}, .rank = axis + 1};
        for (uint32_t i = 0; i <= axis; i++)
            cut.end[i] = CLRNN_TO_END;
        cut.begin[axis] = k;
        cut.end[axis] = k + 1 < window ? k + 1 - window : CLRNN_TO_END;
        cut.step[axis] = stride;
        if (!add(g, &cut, part))
            return false;
        const bool turned = chance(r, 30), other = chance(r, 4);
        clrnn_node_desc two = {.kind = other && k ? CLRNN_NODE_SUB : kind,
                               .inputs = {turned ? part : all, turned ? all : part}};
        if (k == 0)
            snprintf(all, sizeof all, "%s", part);
        else if (!add(g, &two, both))
            return false;
        else
            snprintf(all, sizeof all, "%s", both);
        if (chance(r, 4) && g->output_count == 0)
            assert_int_equal(clrnn_graph_output(g, "between", all), CLRNN_OK);
    }
    snprintf(at, 16, "%s", all);
    static const clrnn_function bends[] = {CLRNN_FN_TANH, CLRNN_FN_SQUARE, CLRNN_FN_IDENTITY};
    clrnn_node_desc bent = {
        .kind = CLRNN_NODE_ACTIVATION, .inputs = {all}, .function = bends[draw_below(r, 3)]};
    return !chance(r, 15) || add(g, &bent, at);
}

/* Axes that are T, N, of a window's size, and longer than a chunk. */
static void draw_input(drawn_numbers *r, clrnn_graph *g)
{
    static const int64_t lines[] = {3, 5, 17, 40, 70, 140, 281};
    const int64_t line = lines[draw_below(r, 7)], A = 1 + draw_below(r, 6);
    const clrnn_graph_input_desc all[] = {
        {.name = "x", .rank = 4, .shape = {CLRNN_BATCH, 2, A, line}},
        {.name = "x", .rank = 4, .shape = {CLRNN_STEPS, CLRNN_BATCH, A, line}},
        {.name = "x", .rank = 3, .shape = {CLRNN_BATCH, line, CLRNN_STEPS}},
        {.name = "x", .rank = 3, .shape = {4, A, line}}};
    assert_int_equal(clrnn_graph_input(g, &all[draw_below(r, 4)]), CLRNN_OK);
}

static drawn_graph draw(uint64_t seed, clrnn_precision precision)
{
    drawn_numbers r = {seed};
    drawn_graph d = {.seed = seed, .steps = 9, .batch = 1 + draw_below(&r, 3)};
    const clrnn_log silent = {0};
    char at[16] = "x", last[16];
    assert_int_equal(clrnn_graph_create(&silent, &(clrnn_graph_desc){precision}, &d.graph),
                     CLRNN_OK);
    draw_input(&r, d.graph);
    const uint32_t rank = d.graph->values[0].shape.rank;
    const clrnn_node_kind kind = chance(&r, 50) ? CLRNN_NODE_MAX : CLRNN_NODE_MIN;
    clrnn_node_desc turned = {.kind = CLRNN_NODE_TRANSPOSE, .inputs = {at}, .rank = rank};
    for (uint32_t i = 0; i < rank; i++)
        turned.order[i] = rank - 1 - i;
    snprintf(last, sizeof last, "%s", at);
    for (uint32_t pools = 1 + draw_below(&r, 3); pools > 0; pools--) {
        if (chance(&r, 15) && add(d.graph, &turned, last))
            snprintf(at, sizeof at, "%s", last);
        for (uint32_t axis = 0; axis < rank; axis++)
            if (chance(&r, 60)) {
                snprintf(last, sizeof last, "%s", at);
                if (pool_axis(&r, d.graph, kind, axis, last))
                    snprintf(at, sizeof at, "%s", last);
            }
    }
    assert_int_equal(clrnn_graph_output(d.graph, "y", at), CLRNN_OK);
    if (chance(&r, 40)) {
        d.lengths = calloc(d.batch, sizeof *d.lengths);
        for (uint32_t n = 0; n < d.batch; n++)
            d.lengths[n] = draw_below(&r, d.steps + 1);
    }
    return d;
}

static bool suits(const drawn_graph *d)
{
    bool fits = true;
    for (uint32_t more = 0; more < 3 && fits; more++) {
        clr_graph_reference r;
        fits = clr_graph_reference_make(d->graph, d->steps + more, d->batch, NULL, &r) == CLRNN_OK;
        clr_graph_reference_free(&r);
    }
    return fits;
}

/* How many nodes had nothing left to do. */
static uint32_t combined(const drawn_graph *d, const drawn_pass *pass)
{
    uint32_t some = 0;
    for (uint32_t i = 0; i < d->graph->node_count; i++)
        some += d->graph->nodes[i].kind->in_any_order && pass->plan->nodes[i].silent;
    return some;
}

static void test_pools(void **state)
{
    uint32_t ran = 0, spared = 0;
    for (uint32_t i = 0; i < count; i++) {
        const clrnn_precision precision = i % 2 ? CLRNN_F32 : CLRNN_F64;
        drawn_graph d = draw(first + i, precision);
        char name[64];
        if (suits(&d)) {
            drawn_pass pass = drawn_run(&d, *state, false);
            const double error = drawn_error(&d, &pass, false, name);
            ran++;
            spared += combined(&d, &pass) > 0;
            if (!(error <= (precision == CLRNN_F64 ? 1e-12 : 1e-5))) {
                drawn_print(&d);
                fail_msg("seed %llu: %s differs by %g", (unsigned long long)(first + i), name,
                         error);
            }
            drawn_pass_free(&d, &pass);
        }
        drawn_free(&d);
    }
    if (count >= 200 && (ran < count / 2 || spared < count / 4))
        fail_msg("of %u graphs %u ran and %u combined something", count, ran, spared);
}

/* A window of nine is combined at once, one of more in parts, and what others read is made. */
static void window(clrnn_context *context, int64_t size, const char *output, uint32_t expected)
{
    drawn_graph d = {.seed = 3, .steps = 1, .batch = 2};
    char name[64], at[8], before[8] = "x";
    assert_int_equal(clrnn_graph_create(&test_log, &(clrnn_graph_desc){CLRNN_F64}, &d.graph),
                     CLRNN_OK);
    const clrnn_graph_input_desc x = {.name = "x", .rank = 3, .shape = {CLRNN_BATCH, 9, 8}};
    assert_int_equal(clrnn_graph_input(d.graph, &x), CLRNN_OK);
    for (uint32_t axis = 1; axis < 3; axis++) {
        char from[8];
        snprintf(from, sizeof from, "%s", before);
        for (int64_t k = 0; k < size; k++) {
            clrnn_node_desc cut = {.kind = CLRNN_NODE_SLICE,
                                   .name = "",
                                   .inputs = {from},
                                   .rank = 3,
                                   .end = {CLRNN_TO_END, CLRNN_TO_END, CLRNN_TO_END}};
            cut.begin[axis] = k;
            cut.end[axis] = k + 1 < size ? k + 1 - size : CLRNN_TO_END;
            snprintf(at, sizeof at, "s%u%d", axis, (int)k);
            cut.name = at;
            assert_int_equal(clrnn_graph_add(d.graph, &cut, NULL), CLRNN_OK);
            char all[8];
            snprintf(all, sizeof all, "m%u%d", axis, (int)k);
            const clrnn_node_desc max = {
                .kind = CLRNN_NODE_MAX, .name = all, .inputs = {before, at}};
            if (k > 0)
                assert_int_equal(clrnn_graph_add(d.graph, &max, NULL), CLRNN_OK);
            snprintf(before, sizeof before, "%s", k > 0 ? all : at);
        }
    }
    assert_int_equal(clrnn_graph_output(d.graph, "y", before), CLRNN_OK);
    if (output)
        assert_int_equal(clrnn_graph_output(d.graph, "other", output), CLRNN_OK);
    drawn_pass pass = drawn_run(&d, context, false);
    assert_true(drawn_error(&d, &pass, false, name) == 0);
    assert_int_equal(combined(&d, &pass), expected);
    drawn_pass_free(&d, &pass);
    drawn_free(&d);
}

static void test_windows(void **state)
{
    window(*state, 2, NULL, 1);  /* of two nodes */
    window(*state, 3, NULL, 3);  /* of four: nine terms */
    window(*state, 3, "m11", 1); /* an output: along its axis nothing is combined */
    window(*state, 3, "m12", 2); /* an output: each axis is one */
    window(*state, 3, "m21",
           1);                  /* an output: all but the first node along the first axis is made */
    window(*state, 4, NULL, 4); /* sixteen terms are too many: each axis is one */
}

int main(int argc, char **argv)
{
    (void)drawn_arguments(argc, argv, &first, &count);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_windows, test_open, test_close),
        cmocka_unit_test_setup_teardown(test_pools, test_open, test_close),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: MIT
 * tests/graph/test_graph_share.c - nodes of the same parameters, as of a recurrent layer that
 * somebody has unrolled: plans compute what they can of them at once.
 *
 * usage: test_graph_share [FIRST COUNT]    the seeds to draw; a failing one is printed */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "support.h"

#include "drawn.h"

#include "graph/plan.h"

enum { WIDTH = 6, SETS = 3 };

static uint64_t first = 1;
static uint32_t count = 300;

static void add(clrnn_graph *g, clrnn_node_desc d, char name[16])
{
    snprintf(name, 16, "n%u", g->node_count);
    d.name = name;
    assert_int_equal(clrnn_graph_add(g, &d, NULL), CLRNN_OK);
}

/* The numbers of one set become the parameters of the node added last. */
static void give(clrnn_graph *g, uint32_t set)
{
    const clr_node *node = &g->nodes[g->node_count - 1];
    drawn_numbers r = {100 + set};
    for (uint32_t k = 0; k < node->parameters; k++) {
        const clrnn_graph_parameter *p = &g->parameters[node->first_parameter + k].info;
        for (size_t i = 0; i < p->count; i++)
            clr_graph_put(g, p->offset + i, 0.6 * draw_real(&r));
    }
}

/* What a node reads: all of x, one step of it, or what another has made. */
static void choose(drawn_numbers *r, clrnn_graph *g, const char *last, char name[16])
{
    const uint32_t what = draw_below(r, 10);
    const int64_t k = draw_below(r, 4);
    snprintf(name, 16, "%s", what == 0 ? "x" : last);
    if (what > 0 && what < 7)
        add(g,
            (clrnn_node_desc){.kind = CLRNN_NODE_SLICE,
                              .inputs = {what == 1 ? "z" : "x"},
                              .rank = 1,
                              .begin = {k},
                              .end = {k + 1}},
            name);
}

/* x [T or 4,N,6]: a sum of dense nodes of few sets of parameters. */
static drawn_graph draw(uint64_t seed, clrnn_precision precision)
{
    drawn_numbers r = {seed};
    drawn_graph d = {.seed = seed, .steps = 4 + draw_below(&r, 3), .batch = 1 + draw_below(&r, 3)};
    char sum[16] = "", made[16] = "x", from[16];
    static const clrnn_function bends[] = {CLRNN_FN_IDENTITY, CLRNN_FN_IDENTITY, CLRNN_FN_RELU,
                                           CLRNN_FN_LEAKY_RELU};
    const bool timed = draw_below(&r, 2);
    const clrnn_graph_input_desc x = {
        .name = "x", .rank = 3, .shape = {timed ? CLRNN_STEPS : 4, CLRNN_BATCH, WIDTH}};
    const clrnn_graph_input_desc z = {
        .name = "z", .rank = 3, .shape = {4, draw_below(&r, 2) ? CLRNN_BATCH : 1, WIDTH}};
    assert_int_equal(clrnn_graph_create(&test_log, &(clrnn_graph_desc){precision}, &d.graph),
                     CLRNN_OK);
    assert_int_equal(clrnn_graph_input(d.graph, &x), CLRNN_OK);
    assert_int_equal(clrnn_graph_input(d.graph, &z), CLRNN_OK);
    for (uint32_t i = 0, nodes = 2 + draw_below(&r, 8); i < nodes; i++) {
        const bool no_bias = draw_below(&r, 6) == 0;
        const clrnn_function bend = bends[draw_below(&r, 4)];
        choose(&r, d.graph, made, from);
        add(d.graph,
            (clrnn_node_desc){.kind = CLRNN_NODE_DENSE,
                              .inputs = {from},
                              .units = WIDTH,
                              .no_bias = no_bias,
                              .function = bend,
                              .alpha = bend == CLRNN_FN_LEAKY_RELU ? 0.1 * draw_below(&r, 3) : 0},
            made);
        give(d.graph, draw_below(&r, SETS) / 2);
        char both[16];
        if (i > 0)
            add(d.graph, (clrnn_node_desc){.kind = CLRNN_NODE_ADD, .inputs = {sum, made}}, both);
        snprintf(sum, sizeof sum, "%s", i > 0 ? both : made);
    }
    assert_int_equal(clrnn_graph_output(d.graph, "y", sum), CLRNN_OK);
    if (timed && draw_below(&r, 2)) {
        d.lengths = calloc(d.batch, sizeof *d.lengths);
        for (uint32_t n = 0; n < d.batch; n++)
            d.lengths[n] = draw_below(&r, d.steps + 1);
    }
    return d;
}

static uint32_t followers(const drawn_graph *d, const drawn_pass *pass)
{
    uint32_t some = 0;
    for (uint32_t i = 0; i < d->graph->node_count; i++)
        some += clr_plan_follows(pass->plan, i);
    return some;
}

static uint32_t twins(const drawn_graph *d, const drawn_pass *pass)
{
    uint32_t some = 0;
    for (uint32_t i = 0; i < d->graph->node_count; i++)
        some += clr_plan_twin(pass->plan, i) != i;
    return some;
}

/* As drawn; with other numbers of one node, where no longer all are alike; and as before. */
static void test_drawn(void **state)
{
    uint32_t shared = 0, apart = 0, twinned = 0, parted = 0;
    for (uint32_t i = 0; i < count; i++) {
        drawn_graph d = draw(first + i, i % 2 ? CLRNN_F32 : CLRNN_F64);
        clrnn_graph *g = d.graph;
        drawn_pass pass = drawn_run(&d, *state, false);
        drawn_check(&d, &pass, 1e-12);
        const uint32_t before = followers(&d, &pass), pairs = twins(&d, &pass);
        const double loss = drawn_loss(&d, &pass);
        const size_t at = (first + i) % g->elements;
        const double kept = clr_graph_get(g, at);
        clr_graph_put(g, at, kept + 0.5);
        assert_int_equal(clrnn_graph_plan_set_parameters(pass.plan, g->data), CLRNN_OK);
        drawn_pass fresh = drawn_run(&d, *state, false);
        drawn_check(&d, &fresh, 1e-12);
        assert_true(drawn_loss(&d, &pass) == drawn_loss(&d, &fresh));
        shared += before > 0;
        apart += followers(&d, &pass) < before;
        twinned += pairs > 0;
        parted += twins(&d, &pass) < pairs;
        clr_graph_put(g, at, kept);
        assert_int_equal(clrnn_graph_plan_set_parameters(pass.plan, g->data), CLRNN_OK);
        assert_int_equal(followers(&d, &pass), before);
        assert_int_equal(twins(&d, &pass), pairs);
        assert_true(drawn_loss(&d, &pass) == loss);
        drawn_pass_free(&d, &fresh);
        drawn_pass_free(&d, &pass);
        drawn_free(&d);
    }
    if (count >= 200 && (shared < count / 3 || apart < count / 8))
        fail_msg("of %u graphs %u shared and %u no longer did", count, shared, apart);
    if (count >= 200 && (twinned < count / 4 || parted < count / 20))
        fail_msg("of %u graphs %u had twins and %u no longer all", count, twinned, parted);
}

/* h = relu(W x_t + U h) unrolled: the products of x are one, those of h remain. */
static void test_unrolled(void **state)
{
    drawn_graph d = {.seed = 1, .steps = 1, .batch = 2};
    char x[16], h[16] = "", input[16], own[16], sum[16];
    const clrnn_graph_input_desc in = {.name = "x", .rank = 3, .shape = {5, CLRNN_BATCH, WIDTH}};
    assert_int_equal(clrnn_graph_create(&test_log, &(clrnn_graph_desc){CLRNN_F32}, &d.graph),
                     CLRNN_OK);
    assert_int_equal(clrnn_graph_input(d.graph, &in), CLRNN_OK);
    const clrnn_node_desc dense = {.kind = CLRNN_NODE_DENSE, .units = WIDTH};
    for (int64_t t = 0; t < 5; t++) {
        clrnn_node_desc cut = {.kind = CLRNN_NODE_SLICE,
                               .inputs = {"x"},
                               .rank = 1,
                               .begin = {t},
                               .end = {t + 1}},
                        of_x = dense, of_h = dense;
        add(d.graph, cut, x);
        of_x.inputs[0] = x;
        add(d.graph, of_x, input);
        give(d.graph, 0);
        snprintf(sum, sizeof sum, "%s", input);
        if (t > 0) {
            of_h.inputs[0] = h;
            add(d.graph, of_h, own);
            give(d.graph, 1);
            add(d.graph, (clrnn_node_desc){.kind = CLRNN_NODE_ADD, .inputs = {input, own}}, sum);
        }
        add(d.graph,
            (clrnn_node_desc){
                .kind = CLRNN_NODE_ACTIVATION, .inputs = {sum}, .function = CLRNN_FN_RELU},
            h);
    }
    assert_int_equal(clrnn_graph_output(d.graph, "y", h), CLRNN_OK);
    drawn_pass pass = drawn_run(&d, *state, false);
    drawn_check(&d, &pass, 1e-12);
    assert_int_equal(followers(&d, &pass), 3); /* the first step's takes the function, too */
    drawn_pass_free(&d, &pass);
    drawn_free(&d);
}

int main(int argc, char **argv)
{
    (void)drawn_arguments(argc, argv, &first, &count);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_unrolled, test_open, test_close),
        cmocka_unit_test_setup_teardown(test_drawn, test_open, test_close),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: MIT
 * tests/graph/test_graph_stack.c - recurrent nodes one behind the other: plans run as one stack
 * what can be one, with the bits of each alone.
 *
 * usage: test_graph_stack [FIRST COUNT]    the seeds to draw; a failing one is printed */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "support.h"

#include "drawn.h"

#include "graph/plan.h"

enum { WIDTH = 5, MOST_LAYERS = 4 };

static uint64_t first = 1;
static uint32_t count = 300;

/* A graph as it grows. */
typedef struct writer {
    clrnn_graph *graph;
    drawn_numbers numbers;
    char last[16];                /* what was made last */
    uint32_t layers[MOST_LAYERS]; /* its recurrent nodes, */
    uint32_t layer_count;
    bool stays[MOST_LAYERS]; /* and whether each is to be of the stack of the one before */
    bool by_rows;            /* [N,T,..] */
} writer;

static bool chance(writer *w, uint32_t percent)
{
    return draw_below(&w->numbers, 100) < percent;
}

static void add(writer *w, clrnn_node_desc d)
{
    char name[16];
    const bool reads = d.kind != CLRNN_NODE_CONSTANT;
    snprintf(name, sizeof name, "n%u", w->graph->node_count);
    d.name = name;
    if (reads && !d.inputs[0])
        d.inputs[0] = w->last;
    if (clrnn_graph_add(w->graph, &d, NULL) != CLRNN_OK)
        fail_msg("%s", test_last_error);
    if (reads)
        snprintf(w->last, sizeof w->last, "%s", name);
}

static void add_layer(writer *w, const clrnn_network_desc *n, bool stays)
{
    const clrnn_node_desc d = {.kind = CLRNN_NODE_RECURRENT, .network = *n};
    w->stays[w->layer_count] = stays;
    w->layers[w->layer_count++] = w->graph->node_count;
    add(w, d);
}

/* As what stands behind an ONNX node, which has an axis of directions: y moved there and back. */
static void add_views(writer *w)
{
    const int64_t a = w->by_rows ? CLRNN_BATCH : CLRNN_STEPS;
    const int64_t b = w->by_rows ? CLRNN_STEPS : CLRNN_BATCH;
    const uint32_t last = w->graph->node_count - 1;
    const int64_t width =
        (int64_t)w->graph->values[w->graph->nodes[last].first_value].shape.size[2];
    add(w, (clrnn_node_desc){.kind = CLRNN_NODE_RESHAPE, .rank = 4, .shape = {a, b, 1, width}});
    add(w, (clrnn_node_desc){.kind = CLRNN_NODE_TRANSPOSE, .rank = 4, .order = {0, 2, 1, 3}});
    add(w, (clrnn_node_desc){.kind = CLRNN_NODE_RESHAPE, .rank = 3, .shape = {a, b, width}});
}

/* Something for which the layer behind, of network n, is not of the stack. */
static void add_obstacle(writer *w, clrnn_network_desc *n)
{
    static const double zero;
    char hn[24], name[16];
    snprintf(hn, sizeof hn, "#%u.hn", w->layers[w->layer_count - 1]);
    snprintf(name, sizeof name, "out%u", w->graph->node_count);
    switch (draw_below(&w->numbers, n->hidden_size > 1 ? 9 : 8)) {
    case 0:
        n->hidden_size++;
        break;
    case 1:
        n->gate_clip = n->gate_clip != 0 ? 0 : 0.5f;
        break;
    case 2:
        n->reverse = !n->reverse && !n->bidirectional;
        break;
    case 3:
        n->bidirectional = true;
        n->reverse = false;
        break;
    case 4: /* parameters that are not of it */
        add(w,
            (clrnn_node_desc){.kind = CLRNN_NODE_CONSTANT, .rank = 1, .shape = {1}, .data = &zero});
        break;
    case 5:
        assert_int_equal(clrnn_graph_output(w->graph, name, w->last), CLRNN_OK);
        break;
    case 6: /* nor is the layer itself of that of one before it */
        assert_int_equal(clrnn_graph_output(w->graph, name, hn), CLRNN_OK);
        w->stays[w->layer_count - 1] = false;
        break;
    case 7:
        add(w, (clrnn_node_desc){.kind = CLRNN_NODE_ACTIVATION, .function = CLRNN_FN_TANH});
        break;
    default: /* features, some of them, the other way round: a view, but another one */
        add(w, (clrnn_node_desc){.kind = CLRNN_NODE_SLICE,
                                 .rank = 3,
                                 .begin = {0, 0, -1},
                                 .end = {CLRNN_TO_END, CLRNN_TO_END, CLRNN_TO_END},
                                 .step = {1, 1, -1}});
    }
}

static void draw_network(writer *w, clrnn_network_desc *n)
{
    drawn_numbers *r = &w->numbers;
    *n = (clrnn_network_desc){.cell = (clrnn_cell)draw_below(r, 3),
                              .hidden_size = 1 + draw_below(r, chance(w, 20) ? 40 : 9),
                              .num_layers = 1,
                              .no_bias = chance(w, 15),
                              .reverse = chance(w, 20)};
    n->single_bias = !n->no_bias && chance(w, 20);
    n->peepholes = n->cell == CLRNN_CELL_LSTM && chance(w, 20);
    n->layer_norm = chance(w, 10);
    n->norm_epsilon = n->layer_norm ? 0.5f : 0;
    n->zoneout = chance(w, 10) ? 0.25f : 0;
    if (n->cell == CLRNN_CELL_LSTM && n->hidden_size > 3 && chance(w, 25))
        n->proj_size = 3;
}

/* One to four layers, y of the last an output; some with obstacles between. */
static drawn_graph draw(uint64_t seed, clrnn_precision precision, writer *w)
{
    *w = (writer){.numbers = {seed}, .last = "x"};
    drawn_numbers *r = &w->numbers;
    drawn_graph d = {.seed = seed, .steps = 1 + draw_below(r, 12), .batch = 1 + draw_below(r, 3)};
    w->by_rows = chance(w, 30);
    const clrnn_graph_input_desc x = {.name = "x",
                                      .rank = 3,
                                      .shape = {w->by_rows ? CLRNN_BATCH : CLRNN_STEPS,
                                                w->by_rows ? CLRNN_STEPS : CLRNN_BATCH, WIDTH}};
    assert_int_equal(clrnn_graph_create(&test_log, &(clrnn_graph_desc){precision}, &d.graph),
                     CLRNN_OK);
    assert_int_equal(clrnn_graph_input(d.graph, &x), CLRNN_OK);
    w->graph = d.graph;
    clrnn_network_desc n;
    draw_network(w, &n);
    const bool once = chance(w, 40); /* no obstacle */
    for (uint32_t i = 0, layers = 1 + draw_below(r, MOST_LAYERS); i < layers; i++) {
        bool stays = i > 0;
        if (i > 0 && chance(w, 50) && !n.bidirectional)
            add_views(w);
        if (i > 0 && !once && chance(w, 30)) {
            add_obstacle(w, &n);
            stays = false;
        }
        stays = stays && !n.bidirectional;
        n.num_layers = 1 + (chance(w, 15) ? 1 : 0);
        add_layer(w, &n, stays);
    }
    assert_int_equal(clrnn_graph_output(d.graph, "y", w->last), CLRNN_OK);
    for (size_t k = 0; k < d.graph->elements; k++)
        clr_graph_put(d.graph, k, (n.hidden_size > 10 ? 0.25 : 0.6) * draw_real(r));
    if (chance(w, 30)) {
        d.lengths = calloc(d.batch, sizeof *d.lengths);
        for (uint32_t row = 0; row < d.batch; row++)
            d.lengths[row] = draw_below(r, d.steps + 1);
    }
    return d;
}

/* Who is of a stack is as drawn; *stacked: whether there is a stack. */
static void check_stacks(const drawn_graph *d, const writer *w, const drawn_pass *pass,
                         bool *stacked)
{
    uint32_t leader = w->layers[0];
    for (uint32_t i = 0; i < w->layer_count; i++) {
        const uint32_t node = w->layers[i];
        const clrnn_plan_info *info = clrnn_graph_plan_node_info(pass->plan, node);
        leader = w->stays[i] ? leader : node;
        if (pass->plan->nodes[node].into != (w->stays[i] ? leader : CLR_NO_VALUE)) {
            drawn_print(d);
            fail_msg("seed %llu: layer %u is%s of the stack before it", (unsigned long long)d->seed,
                     i, w->stays[i] ? " not" : "");
        }
        assert_non_null(info);
        assert_ptr_equal(info, clrnn_graph_plan_node_info(pass->plan, leader));
        *stacked = *stacked || w->stays[i];
    }
}

/* The bits of a plan that keeps what each layer makes. */
static void check_bits(const drawn_graph *d, const writer *w, drawn_pass *pass,
                       clrnn_context *context)
{
    const clrnn_graph_plan_desc desc = {.max_steps = d->steps, .max_batch = d->batch};
    uint32_t kept[MOST_LAYERS];
    const double loss = drawn_loss(d, pass);
    clrnn_graph_plan *apart = NULL, *own = pass->plan;
    for (uint32_t i = 0; i < w->layer_count; i++)
        kept[i] = d->graph->nodes[w->layers[i]].first_value;
    assert_int_equal(
        clr_graph_plan_keep(context, d->graph, &desc, kept, w->layer_count, false, &apart),
        CLRNN_OK);
    for (uint32_t i = 0; i < w->layer_count; i++)
        assert_int_equal(apart->nodes[w->layers[i]].into, CLR_NO_VALUE);
    pass->plan = apart;
    const double other = drawn_loss(d, pass);
    pass->plan = own;
    clrnn_graph_plan_destroy(&apart);
    if (!(loss == other)) {
        drawn_print(d);
        fail_msg("seed %llu: a stack differs by %g from its layers", (unsigned long long)d->seed,
                 loss - other);
    }
}

static void test_drawn(void **state)
{
    uint32_t stacks = 0;
    for (uint32_t i = 0; i < count; i++) {
        writer w;
        bool stacked = false;
        drawn_graph d = draw(first + i, i % 2 ? CLRNN_F32 : CLRNN_F64, &w);
        drawn_pass pass = drawn_run(&d, *state, false);
        drawn_check(&d, &pass, 1e-12);
        check_stacks(&d, &w, &pass, &stacked);
        check_bits(&d, &w, &pass, *state);
        stacks += stacked;
        for (size_t k = 0; k < d.graph->elements; k++) /* and with other parameters */
            clr_graph_put(d.graph, k, -clr_graph_get(d.graph, k));
        assert_int_equal(clrnn_graph_plan_set_parameters(pass.plan, d.graph->data), CLRNN_OK);
        const double loss = drawn_loss(&d, &pass);
        drawn_pass fresh = drawn_run(&d, *state, false);
        drawn_check(&d, &fresh, 1e-12);
        assert_true(drawn_loss(&d, &fresh) == loss);
        drawn_pass_free(&d, &fresh);
        drawn_pass_free(&d, &pass);
        drawn_free(&d);
    }
    if (count >= 200 && stacks < count / 3)
        fail_msg("of %u graphs %u had a stack", count, stacks);
}

int main(int argc, char **argv)
{
    (void)drawn_arguments(argc, argv, &first, &count);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_drawn, test_open, test_close),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

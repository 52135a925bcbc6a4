/* SPDX-License-Identifier: MIT
 * tests/graph/test_graph_fold.c - what plans that do not train make of several nodes: weights that
 * scale and shift their channels, too, and functions that somebody has written in parts; also where
 * what they are taken of is moved on the way.
 *
 * usage: test_graph_fold [FIRST COUNT]    the seeds to draw; a failing one is printed */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "support.h"

#include "drawn.h"

#include "graph/plan.h"

static uint64_t first = 1;
static uint32_t count = 600;

/* --- graphs ---------------------------------------------------------------------------------- */

typedef struct writer {
    drawn_numbers numbers;
    clrnn_graph *graph;
    char last[16]; /* the value made last */
} writer;

/* Its inputs: the value made last, where none is said. */
static void add(writer *w, clrnn_node_desc d)
{
    char name[16], before[16];
    snprintf(before, sizeof before, "%s", w->last);
    snprintf(name, sizeof name, "n%u", w->graph->node_count);
    d.name = name;
    if (!d.inputs[0] && d.kind != CLRNN_NODE_CONSTANT)
        d.inputs[0] = before;
    if (clrnn_graph_add(w->graph, &d, NULL) != CLRNN_OK)
        fail_msg("%s", test_last_error);
    snprintf(w->last, sizeof w->last, "%s", name);
}

static void add_function(writer *w, clrnn_function f, double alpha, double beta)
{
    add(w, (clrnn_node_desc){
               .kind = CLRNN_NODE_ACTIVATION, .function = f, .alpha = alpha, .beta = beta});
}

/* The last value and another one, in any order. */
static void add_product(writer *w, const char *other)
{
    char last[16];
    snprintf(last, sizeof last, "%s", w->last);
    const bool turned = draw_below(&w->numbers, 2);
    add(w, (clrnn_node_desc){.kind = CLRNN_NODE_MUL,
                             .inputs = {turned ? other : last, turned ? last : other}});
}

static const clr_value *value_of(const writer *w)
{
    return &w->graph->values[clr_graph_find(w->graph, w->last)];
}

/* A number for each channel, for all, or for each place along another axis. */
static void add_constant(writer *w, uint32_t axis, bool odd)
{
    double data[1024];
    const clr_shape *y = &value_of(w)->shape;
    const uint32_t rank = draw_below(&w->numbers, 6) ? y->rank : 0;
    clrnn_node_desc d = {.kind = CLRNN_NODE_CONSTANT, .data = data};
    for (uint32_t i = 0; i < sizeof data / sizeof *data; i++)
        data[i] = (draw_below(&w->numbers, 2) ? 1 : -1) * (1 + draw_real(&w->numbers) / 2);
    d.rank = rank == 0 ? 0 : draw_below(&w->numbers, 2) || odd ? rank : y->rank - axis;
    const int32_t other = (int32_t)draw_below(&w->numbers, y->rank);
    for (uint32_t i = 0; i < d.rank; i++) {
        const int32_t at = (int32_t)(i + y->rank - d.rank);
        const bool full =
            odd ? at == other && at != y->steps && at != y->batch : at == (int32_t)axis;
        d.shape[i] = full ? (int64_t)y->size[at] : 1;
    }
    add(w, d);
}

/* What is done to each channel, or (odd) to each element. */
static void add_step(writer *w, uint32_t axis)
{
    static const clrnn_node_kind pairs[] = {CLRNN_NODE_ADD, CLRNN_NODE_SUB, CLRNN_NODE_MUL,
                                            CLRNN_NODE_DIV};
    const uint32_t what = draw_below(&w->numbers, 8), rank = value_of(w)->shape.rank;
    char before[16];
    snprintf(before, sizeof before, "%s", w->last);
    if (what == 0) {
        add_function(w, CLRNN_FN_AFFINE, -0.7, 0.3);
    } else if (what < 3) {
        const uint32_t at = draw_below(&w->numbers, 8) ? axis : rank - 1;
        const clr_shape *y = &value_of(w)->shape;
        const bool fits = (int32_t)at != y->steps && (int32_t)at != y->batch;
        add(w, (clrnn_node_desc){.kind = CLRNN_NODE_BATCH_NORM,
                                 .axis = fits ? (int32_t)at : (int32_t)axis,
                                 .epsilon = 1e-3,
                                 .no_bias = draw_below(&w->numbers, 4) == 0});
    } else {
        char constant[16];
        const clrnn_node_kind kind = pairs[draw_below(&w->numbers, 4)];
        /* What is near 0 divides badly. */
        const bool well = kind != CLRNN_NODE_DIV || w->graph->precision == CLRNN_F64;
        const bool turned = draw_below(&w->numbers, 3) == 0 && well;
        add_constant(w, axis, draw_below(&w->numbers, 8) == 0);
        snprintf(constant, sizeof constant, "%s", w->last);
        add(w,
            (clrnn_node_desc){.kind = kind,
                              .inputs = {turned ? constant : before, turned ? before : constant}});
    }
}

/* What was made last with an axis of one element more (at `more`) or less, if that is not `rank`.
 */
static void add_axis(writer *w, uint32_t more, uint32_t less)
{
    const clr_shape *y = &value_of(w)->shape;
    clrnn_node_desc d = {.kind = CLRNN_NODE_RESHAPE};
    for (uint32_t i = 0; i <= y->rank; i++) {
        if (i == more)
            d.shape[d.rank++] = 1;
        if (i < y->rank && i != less)
            d.shape[d.rank++] = (int32_t)i == y->steps   ? CLRNN_STEPS
                                : (int32_t)i == y->batch ? CLRNN_BATCH
                                                         : (int64_t)y->size[i];
    }
    add(w, d);
}

/* It is moved, and with it the axis of channels. */
static void add_move(writer *w, uint32_t *axis)
{
    const clr_shape y = value_of(w)->shape;
    const uint32_t what = draw_below(&w->numbers, 3), at = draw_below(&w->numbers, y.rank);
    const bool whole = y.steps == CLR_NO_AXIS || y.size[y.steps] == CLR_PROBE_STEPS;
    const bool can_go =
        whole && y.size[at] == 1 && (int32_t)at != y.steps && (int32_t)at != y.batch;
    clrnn_node_desc d = {.kind = CLRNN_NODE_TRANSPOSE, .rank = y.rank};
    if (what == 0 && y.rank < 5 && whole) {
        add_axis(w, at, y.rank + 1);
        *axis += at <= *axis;
        return;
    }
    if (what == 1 && y.rank > 3 && can_go && at != *axis) {
        add_axis(w, y.rank + 1, at);
        *axis -= at < *axis;
        return;
    }
    for (uint32_t i = 0; i < y.rank; i++)
        d.order[i] = i;
    for (uint32_t i = y.rank; i-- > 1;) {
        const uint32_t k = draw_below(&w->numbers, i + 1), kept = d.order[i];
        d.order[i] = d.order[k];
        d.order[k] = kept;
    }
    add(w, d);
    for (uint32_t i = 0; i < y.rank; i++)
        if (d.order[i] == *axis) {
            *axis = i;
            return;
        }
}

/* A dense node over channels, which become the last axis; or over what is the last one. */
static void add_reader(writer *w, uint32_t axis)
{
    const clr_shape *y = &value_of(w)->shape;
    const uint32_t rank = y->rank;
    const bool number = (int32_t)rank - 1 != y->steps && (int32_t)rank - 1 != y->batch;
    clrnn_node_desc d = {.kind = CLRNN_NODE_TRANSPOSE, .rank = rank};
    for (uint32_t i = 0; i < rank; i++)
        d.order[i] = i + 1 == rank ? axis : i + (i >= axis);
    if (!number || draw_below(&w->numbers, 3))
        add(w, d);
    add(w, (clrnn_node_desc){.kind = CLRNN_NODE_DENSE, .units = 3});
}

/* Now and then what has nothing to do with it is made between two parts. */
static void add_stranger(writer *w)
{
    char last[16];
    snprintf(last, sizeof last, "%s", w->last);
    if (draw_below(&w->numbers, 2))
        return;
    snprintf(w->last, sizeof w->last, "%s", "x");
    add_function(w, CLRNN_FN_COS, 0, 0);
    assert_int_equal(clrnn_graph_output(w->graph, w->last, w->last), CLRNN_OK);
    snprintf(w->last, sizeof w->last, "%s", last);
}

/* A function in parts, as exporters write it. */
static void add_parts(writer *w)
{
    const uint32_t what = draw_below(&w->numbers, 8);
    const double root = what == 7                          ? 0.7 /* another function */
                        : w->graph->precision == CLRNN_F64 ? 0.70710678118654752440
                                                           : 0.70710677;
    char x[16], half[16];
    snprintf(x, sizeof x, "%s", w->last);
    if (what == 0)
        add_function(w, CLRNN_FN_SIGMOID, 0, 0);
    if (what == 1) {
        add_function(w, CLRNN_FN_SOFTPLUS, 0, 0);
        add_function(w, CLRNN_FN_TANH, 0, 0);
    }
    if (what == 2)
        add_function(w, CLRNN_FN_HARD_SIGMOID, 1.0 / 6, draw_below(&w->numbers, 4) ? 0.5 : 0.4);
    if (what == 3) {
        add_function(w, CLRNN_FN_AFFINE, 0.5, 0);
        snprintf(half, sizeof half, "%s", w->last);
        snprintf(w->last, sizeof w->last, "%s", x);
    }
    if (what > 2) {
        add_function(w, CLRNN_FN_AFFINE, root, 0);
        add_function(w, CLRNN_FN_ERF, 0, 0);
        if (what == 5)
            add_function(w, CLRNN_FN_AFFINE, 0.5, 0.5);
        else
            add_function(w, CLRNN_FN_AFFINE, 1, 1);
    }
    if (what == 4)
        add_function(w, CLRNN_FN_AFFINE, 0.5, 0);
    if (draw_below(&w->numbers, 10) == 0) /* somebody else reads a part */
        assert_int_equal(clrnn_graph_output(w->graph, w->last, w->last), CLRNN_OK);
    if (what == 3)
        add_stranger(w);
    add_product(w, what == 3 ? half : x);
    if (what > 5)
        add_stranger(w);
    if (what > 5)
        add_function(w, CLRNN_FN_AFFINE, 0.5, 0);
}

/* Weights; *axis: of its channels. x is [N,C,T], of two axes [N,C,A,B]. */
static void add_weights(writer *w, uint32_t kind, uint32_t *axis)
{
    const uint32_t groups = draw_below(&w->numbers, 4) ? 1 : 2;
    clrnn_node_desc d = {.units = groups * (1 + draw_below(&w->numbers, 5)),
                         .no_bias = draw_below(&w->numbers, 2),
                         .kernel = {1 + draw_below(&w->numbers, 3), 0}};
    static const clrnn_node_kind kinds[] = {CLRNN_NODE_DENSE, CLRNN_NODE_CONV1D,
                                            CLRNN_NODE_CONV_TRANSPOSE1D, CLRNN_NODE_CONV2D,
                                            CLRNN_NODE_CONV_TRANSPOSE2D};
    d.kind = kinds[kind];
    *axis = 1;
    if (kind == 0) {
        *axis = value_of(w)->shape.rank - 1;
        d.kernel[0] = 0;
    } else {
        d.groups = groups;
        d.kernel[1] = kind > 2 ? 1 + draw_below(&w->numbers, 3) : 0;
    }
    add(w, d);
}

static void put_parameters(writer *w)
{
    clrnn_graph *g = w->graph;
    for (size_t i = 0; i < g->parameter_count; i++) {
        const clrnn_graph_parameter *p = &g->parameters[i].info;
        const size_t length = strlen(p->name);
        const bool positive = length > 4 && strcmp(p->name + length - 4, "_var") == 0;
        const bool constant = length > 6 && strcmp(p->name + length - 6, ".value") == 0;
        for (size_t e = 0; e < p->count && !constant; e++)
            clr_graph_put(g, p->offset + e,
                          positive ? 1 + draw_real(&w->numbers) / 2 : draw_real(&w->numbers));
    }
}

static drawn_graph draw(uint64_t seed, clrnn_precision precision)
{
    writer w = {.numbers = {seed}, .last = "x"};
    drawn_graph d = {.seed = seed,
                     .steps = 4 + draw_below(&w.numbers, 5),
                     .batch = 1 + draw_below(&w.numbers, 3)};
    const uint32_t kind = draw_below(&w.numbers, 5);
    clrnn_graph_input_desc x = {.name = "x", .rank = 3, .shape = {CLRNN_BATCH, 4, CLRNN_STEPS}};
    if (kind == 0)
        x.shape[1] = CLRNN_STEPS, x.shape[2] = 5;
    if (kind > 0 && draw_below(&w.numbers, 3) == 0)
        x.shape[2] = 7;
    if (kind > 2)
        x = (clrnn_graph_input_desc){.name = "x", .rank = 4, .shape = {CLRNN_BATCH, 2, 5, 6}};
    assert_int_equal(clrnn_graph_create(&test_log, &(clrnn_graph_desc){precision}, &d.graph),
                     CLRNN_OK);
    w.graph = d.graph;
    assert_int_equal(clrnn_graph_input(d.graph, &x), CLRNN_OK);
    for (uint32_t i = 0, layers = 1 + draw_below(&w.numbers, 2); i < layers; i++) {
        uint32_t axis = 0;
        /* A second convolution would want two groups of what the first has made. */
        add_weights(&w, i && kind ? 0 : kind, &axis);
        const bool moves = (kind || i) && draw_below(&w.numbers, 2);
        for (uint32_t k = draw_below(&w.numbers, 4); k > 0; k--) {
            for (uint32_t j = moves ? draw_below(&w.numbers, 3) : 0; j > 0; j--)
                add_move(&w, &axis);
            add_step(&w, axis);
        }
        if (moves)
            add_move(&w, &axis);
        if (draw_below(&w.numbers, 2))
            add_parts(&w);
        else
            add_function(&w, CLRNN_FN_SIGMOID, 0, 0);
        if (kind && draw_below(&w.numbers, 2))
            add_reader(&w, axis);
        if (kind)
            break;
    }
    assert_int_equal(clrnn_graph_output(d.graph, "y", w.last), CLRNN_OK);
    put_parameters(&w);
    if (kind < 2 && draw_below(&w.numbers, 2)) {
        d.lengths = calloc(d.batch, sizeof *d.lengths);
        for (uint32_t n = 0; n < d.batch; n++)
            d.lengths[n] = draw_below(&w.numbers, d.steps + 1);
    }
    d.forward_only = true;
    return d;
}

/* --- tests ----------------------------------------------------------------------------------- */

/* Nodes that have become part of others. */
static uint32_t parts_of(const clrnn_graph_plan *plan, bool weights)
{
    uint32_t parts = 0;
    for (uint32_t i = 0; i < plan->graph->node_count; i++)
        parts += weights ? plan->nodes[i].into != CLR_NO_VALUE
                         : plan->nodes[i].taken && plan->nodes[i].node.input_count == 0 &&
                               plan->nodes[i].into == CLR_NO_VALUE &&
                               plan->graph->nodes[i].kind->is_function;
    return parts;
}

/* As drawn; with other parameters, which come back as they were given. */
static void test_drawn(void **state)
{
    uint32_t folded = 0, composed = 0, turned = 0;
    for (uint32_t i = 0; i < count; i++) {
        drawn_graph d = draw(first + i, i % 2 ? CLRNN_F32 : CLRNN_F64);
        clrnn_graph *g = d.graph;
        drawn_pass pass = drawn_run(&d, *state, false);
        drawn_check(&d, &pass, 1e-10);
        folded += parts_of(pass.plan, true) > 0;
        composed += parts_of(pass.plan, false) > 0;
        for (uint32_t k = 0; k < g->node_count; k++)
            turned += pass.plan->nodes[k].turned;
        for (size_t k = 0; k < g->elements; k++)
            clr_graph_put(g, k, 1.25 * clr_graph_get(g, k) + 0.03125);
        assert_int_equal(clrnn_graph_plan_set_parameters(pass.plan, g->data), CLRNN_OK);
        drawn_pass fresh = drawn_run(&d, *state, false);
        drawn_check(&d, &fresh, 1e-10);
        const double loss = drawn_loss(&d, &pass), other = drawn_loss(&d, &fresh);
        if (loss != other) {
            drawn_print(&d);
            fail_msg("seed %llu: %g, and as a fresh plan %g", (unsigned long long)d.seed, loss,
                     other);
        }
        const size_t bytes = g->elements * clr_graph_real(g);
        void *back = malloc(bytes);
        assert_int_equal(clrnn_graph_plan_get_parameters(pass.plan, back), CLRNN_OK);
        assert_memory_equal(back, g->data, bytes);
        free(back);
        drawn_pass_free(&d, &fresh);
        drawn_pass_free(&d, &pass);
        drawn_free(&d);
    }
    if (count >= 200 && (folded < count / 2 || composed < count / 4 || turned < count / 60))
        fail_msg("of %u graphs %u were folded, %u composed, %u turned", count, folded, composed,
                 turned);
}

/* conv, batch norm, times and plus a constant, GELU in five nodes: one node is left. */
static void test_one_node(void **state)
{
    writer w = {.numbers = {7}, .last = "x"};
    drawn_graph d = {.seed = 7, .steps = 9, .batch = 2, .forward_only = true};
    const clrnn_graph_input_desc x = {
        .name = "x", .rank = 3, .shape = {CLRNN_BATCH, 3, CLRNN_STEPS}};
    char conv[16];
    assert_int_equal(clrnn_graph_create(&test_log, NULL, &d.graph), CLRNN_OK);
    w.graph = d.graph;
    assert_int_equal(clrnn_graph_input(d.graph, &x), CLRNN_OK);
    add(&w,
        (clrnn_node_desc){.kind = CLRNN_NODE_CONV1D, .units = 4, .kernel = {3}, .no_bias = true});
    add(&w, (clrnn_node_desc){.kind = CLRNN_NODE_BATCH_NORM, .axis = 1});
    for (uint32_t i = 0; i < 2; i++) {
        snprintf(conv, sizeof conv, "%s", w.last);
        add(&w, (clrnn_node_desc){.kind = CLRNN_NODE_CONSTANT,
                                  .rank = 2,
                                  .shape = {4, 1},
                                  .data = (double[]){1, -2, 3, 0.5}});
        add(&w, (clrnn_node_desc){.kind = i ? CLRNN_NODE_ADD : CLRNN_NODE_MUL,
                                  .inputs = {conv, w.last}});
    }
    snprintf(conv, sizeof conv, "%s", w.last);
    add_function(&w, CLRNN_FN_AFFINE, 1 / 1.4142135, 0);
    add_function(&w, CLRNN_FN_ERF, 0, 0);
    add_function(&w, CLRNN_FN_AFFINE, 1, 1);
    add_product(&w, conv);
    add_function(&w, CLRNN_FN_AFFINE, 0.5, 0);
    assert_int_equal(clrnn_graph_output(d.graph, "y", NULL), CLRNN_OK);
    put_parameters(&w);
    drawn_pass pass = drawn_run(&d, *state, false);
    drawn_check(&d, &pass, 1e-10);
    for (uint32_t i = 0; i < d.graph->node_count; i++)
        assert_int_equal(pass.plan->nodes[i].silent, i > 0);
    drawn_pass_free(&d, &pass);
    drawn_free(&d);
}

/* What a function in parts is of is there until the last part: nothing else has its place. */
static void test_place(void **state)
{
    writer w = {.numbers = {7}, .last = "x"};
    drawn_graph d = {.seed = 7, .steps = 9, .batch = 2, .forward_only = true};
    const clrnn_graph_input_desc x = {
        .name = "x", .rank = 3, .shape = {CLRNN_BATCH, 3, CLRNN_STEPS}};
    char of[16], half[16];
    assert_int_equal(clrnn_graph_create(&test_log, NULL, &d.graph), CLRNN_OK);
    w.graph = d.graph;
    assert_int_equal(clrnn_graph_input(d.graph, &x), CLRNN_OK);
    add_function(&w, CLRNN_FN_TANH, 0, 0);
    snprintf(of, sizeof of, "%s", w.last);
    add_function(&w, CLRNN_FN_AFFINE, 0.5, 0);
    snprintf(half, sizeof half, "%s", w.last);
    snprintf(w.last, sizeof w.last, "%s", of);
    add_function(&w, CLRNN_FN_AFFINE, 0.70710677, 0);
    add_function(&w, CLRNN_FN_ERF, 0, 0);
    add_function(&w, CLRNN_FN_AFFINE, 1, 1);
    snprintf(of, sizeof of, "%s", w.last);
    snprintf(w.last, sizeof w.last, "x");
    add_function(&w, CLRNN_FN_COS, 0, 0);
    assert_int_equal(clrnn_graph_output(d.graph, "other", NULL), CLRNN_OK);
    snprintf(w.last, sizeof w.last, "%s", of);
    add_product(&w, half);
    assert_int_equal(clrnn_graph_output(d.graph, "y", NULL), CLRNN_OK);
    put_parameters(&w);
    drawn_pass pass = drawn_run(&d, *state, false);
    drawn_check(&d, &pass, 1e-10);
    drawn_pass_free(&d, &pass);
    drawn_free(&d);
}

/* As Keras' convolutions come by ONNX: an axis less, the bias, the function, channels last, rows.
 * Three nodes compute, and move nothing. */
static void test_moved(void **state)
{
    writer w = {.numbers = {7}, .last = "x"};
    drawn_graph d = {.seed = 7, .steps = 1, .batch = 3, .forward_only = true};
    const clrnn_graph_input_desc x = {.name = "x", .rank = 4, .shape = {CLRNN_BATCH, 4, 1, 9}};
    char conv[16];
    assert_int_equal(clrnn_graph_create(&test_log, NULL, &d.graph), CLRNN_OK);
    w.graph = d.graph;
    assert_int_equal(clrnn_graph_input(d.graph, &x), CLRNN_OK);
    add(&w, (clrnn_node_desc){
                .kind = CLRNN_NODE_CONV2D, .units = 5, .kernel = {1, 3}, .no_bias = true});
    add_axis(&w, 9, 2);
    snprintf(conv, sizeof conv, "%s", w.last);
    add(&w, (clrnn_node_desc){.kind = CLRNN_NODE_CONSTANT,
                              .rank = 3,
                              .shape = {1, 5, 1},
                              .data = (double[]){1, -2, 3, 0.5, -1}});
    add(&w, (clrnn_node_desc){.kind = CLRNN_NODE_ADD, .inputs = {conv, w.last}});
    add_function(&w, CLRNN_FN_RELU, 0, 0);
    add(&w, (clrnn_node_desc){.kind = CLRNN_NODE_TRANSPOSE, .rank = 3, .order = {0, 2, 1}});
    add(&w, (clrnn_node_desc){.kind = CLRNN_NODE_RESHAPE, .rank = 2, .shape = {CLRNN_REST, 5}});
    add(&w, (clrnn_node_desc){.kind = CLRNN_NODE_DENSE, .units = 2});
    assert_int_equal(clrnn_graph_output(d.graph, "y", NULL), CLRNN_OK);
    put_parameters(&w);
    drawn_pass pass = drawn_run(&d, *state, false);
    drawn_check(&d, &pass, 1e-10);
    const uint32_t last = d.graph->node_count - 1;
    for (uint32_t i = 0; i <= last; i++)
        assert_int_equal(pass.plan->nodes[i].silent, i > 0 && i < last);
    assert_true(pass.plan->nodes[0].turned);
    drawn_pass_free(&d, &pass);
    drawn_free(&d);
}

/* Windows of one element each: over axes that others have turned; of which some are left out. */
static void test_apart(void **state)
{
    for (uint32_t step = 1; step < 3; step++) {
        writer w = {.numbers = {7}, .last = "x"};
        drawn_graph d = {.seed = 7, .steps = 1, .batch = 3, .forward_only = true};
        const clrnn_graph_input_desc x = {.name = "x", .rank = 4, .shape = {CLRNN_BATCH, 3, 8, 7}};
        assert_int_equal(clrnn_graph_create(&test_log, NULL, &d.graph), CLRNN_OK);
        w.graph = d.graph;
        assert_int_equal(clrnn_graph_input(d.graph, &x), CLRNN_OK);
        if (step == 1)
            add(&w,
                (clrnn_node_desc){.kind = CLRNN_NODE_TRANSPOSE, .rank = 4, .order = {0, 1, 3, 2}});
        add(&w,
            (clrnn_node_desc){
                .kind = CLRNN_NODE_CONV2D, .units = 5, .kernel = {1, 1}, .stride = {step, step}});
        assert_int_equal(clrnn_graph_output(d.graph, "y", NULL), CLRNN_OK);
        put_parameters(&w);
        drawn_pass pass = drawn_run(&d, *state, false);
        drawn_check(&d, &pass, 1e-10);
        assert_int_equal(pass.plan->nodes[0].silent, step == 1);
        drawn_pass_free(&d, &pass);
        drawn_free(&d);
    }
}

/* A function of rows that have no lengths any more: of what is past them, too. */
static void test_lengths(void **state)
{
    writer w = {.numbers = {7}, .last = "x"};
    uint32_t lengths[] = {2, 5};
    drawn_graph d = {.seed = 7, .steps = 5, .batch = 2, .lengths = lengths, .forward_only = true};
    const clrnn_graph_input_desc x = {
        .name = "x", .rank = 3, .shape = {CLRNN_STEPS, CLRNN_BATCH, 3}};
    assert_int_equal(clrnn_graph_create(&test_log, NULL, &d.graph), CLRNN_OK);
    w.graph = d.graph;
    assert_int_equal(clrnn_graph_input(d.graph, &x), CLRNN_OK);
    add(&w, (clrnn_node_desc){.kind = CLRNN_NODE_DENSE, .units = 4});
    add(&w, (clrnn_node_desc){.kind = CLRNN_NODE_RESHAPE, .rank = 2, .shape = {CLRNN_REST, 4}});
    add_function(&w, CLRNN_FN_SIGMOID, 0, 0);
    assert_int_equal(clrnn_graph_output(d.graph, "y", NULL), CLRNN_OK);
    put_parameters(&w);
    drawn_pass pass = drawn_run(&d, *state, false);
    drawn_check(&d, &pass, 1e-10);
    drawn_pass_free(&d, &pass);
    d.lengths = NULL;
    drawn_free(&d);
}

int main(int argc, char **argv)
{
    if (argc > 1)
        first = strtoull(argv[1], NULL, 10);
    if (argc > 2)
        count = (uint32_t)strtoul(argv[2], NULL, 10);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_one_node, test_open, test_close),
        cmocka_unit_test_setup_teardown(test_place, test_open, test_close),
        cmocka_unit_test_setup_teardown(test_moved, test_open, test_close),
        cmocka_unit_test_setup_teardown(test_apart, test_open, test_close),
        cmocka_unit_test_setup_teardown(test_lengths, test_open, test_close),
        cmocka_unit_test_setup_teardown(test_drawn, test_open, test_close),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

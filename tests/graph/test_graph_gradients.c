/* SPDX-License-Identifier: MIT
 * tests/graph/test_graph_gradients.c - gradients of every kind of node against central differences
 * of its own forward pass in double precision. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "support.h"

#include "drawn.h"
#include "graph/kind.h"

/* d loss / d p, by moving p: parameters[at], or element `at` of an input. */
static double difference(const drawn_graph *d, drawn_pass *pass, double *parameters, double *moved)
{
    const double step = 1e-5, before = *moved;
    double loss[2];
    for (int side = 0; side < 2; side++) {
        *moved = before + (side ? step : -step);
        assert_int_equal(clrnn_graph_plan_set_parameters(pass->plan, parameters), CLRNN_OK);
        loss[side] = drawn_loss(d, pass);
    }
    *moved = before;
    return (loss[1] - loss[0]) / (2 * step);
}

static void check(const drawn_graph *d, const char *what, double by_plan, double by_difference)
{
    if (fabs(by_plan - by_difference) <= 1e-6 * (1 + fabs(by_plan)))
        return;
    drawn_print(d);
    fail_msg("gradient of %s is %.12g, by differences %.12g", what, by_plan, by_difference);
}

/* Where a corner lies within a step, the difference means nothing: no such function is drawn. */
static bool has_corner(const drawn_graph *d)
{
    for (uint32_t i = 0; i < d->graph->node_count; i++) {
        const clrnn_node_desc *n = &d->graph->nodes[i].desc;
        if (n->function == CLRNN_FN_LOG || n->function == CLRNN_FN_SQRT ||
            n->function == CLRNN_FN_RECIPROCAL || n->kind == CLRNN_NODE_DIV)
            return true;
    }
    return false;
}

static bool differentiate(clrnn_context *context, clrnn_node_kind kind, uint64_t seed)
{
    drawn_graph d = draw_graph(seed, CLRNN_F64, 1, kind);
    const clrnn_graph *g = d.graph;
    const bool of_kind = g->node_count == 1 && g->nodes[0].desc.kind == kind && !has_corner(&d);
    if (of_kind) {
        drawn_pass pass = drawn_run(&d, context, true);
        double *parameters = calloc(g->elements + 1, sizeof *parameters);
        for (size_t i = 0; i < g->elements; i++)
            parameters[i] = clr_graph_get(g, i);
        for (size_t i = 0; i < g->parameter_count; i++) {
            const clrnn_graph_parameter *p = &g->parameters[i].info;
            for (size_t k = 0; k < p->count && p->trainable; k += 1 + p->count / 4)
                check(&d, p->name, pass.gradient[p->offset + k],
                      difference(&d, &pass, parameters, &parameters[p->offset + k]));
        }
        for (uint32_t i = 0; i < g->input_count; i++) {
            const uint32_t v = g->inputs[i];
            const size_t count = clr_shape_count(&pass.reference.shapes[v]);
            for (size_t k = 0; pass.input_gradients[i] && k < count; k += 1 + count / 6)
                check(&d, g->values[v].name, pass.input_gradients[i][k],
                      difference(&d, &pass, parameters, &pass.reference.values[v][k]));
        }
        free(parameters);
        drawn_pass_free(&d, &pass);
    }
    drawn_free(&d);
    return of_kind;
}

static void test_kinds(void **state)
{
    for (uint32_t kind = 0; kind < CLRNN_NODE_KINDS; kind++) {
        uint32_t seen = 0;
        if (!clr_kind_of((clrnn_node_kind)kind)->backward || kind == CLRNN_NODE_DIV)
            continue; /* near 0 a quotient has no differences: see below */
        for (uint64_t seed = 1; seed < 400 && seen < 8; seed++)
            seen += differentiate(*state, (clrnn_node_kind)kind, seed);
        if (seen < 3)
            fail_msg("%s: %u graphs of it were drawn", clrnn_node_kind_name((clrnn_node_kind)kind),
                     seen);
    }
}

/* Those that are not defined everywhere, and the quotient, where they are. */
static void test_functions(void **state)
{
    test_need(*state, TEST_DOUBLES);
    for (uint32_t f = 0; f < CLRNN_FUNCTIONS + 1; f++) {
        clrnn_graph *graph = NULL;
        clrnn_graph_plan *plan = NULL;
        const clrnn_graph_input_desc in = {.name = "x", .rank = 1, .shape = {6}};
        const clrnn_node_desc function = {.kind = CLRNN_NODE_ACTIVATION,
                                          .function = (clrnn_function)f};
        const clrnn_node_desc quotient = {.kind = CLRNN_NODE_DIV, .inputs = {"one", "x"}};
        const double one[] = {1.25};
        double x[6] = {0.31, 1.7, 2.9, 0.57, 4.3, 3.3}, y[6], up[6], dx[6];
        const double dy[6] = {1, -2, 0.5, 1.5, -1, 3};
        assert_int_equal(clrnn_graph_create(&test_log, &(clrnn_graph_desc){CLRNN_F64}, &graph),
                         CLRNN_OK);
        assert_int_equal(clrnn_graph_input(graph, &in), CLRNN_OK);
        if (f == CLRNN_FUNCTIONS)
            assert_int_equal(
                clrnn_graph_add(
                    graph,
                    &(clrnn_node_desc){.kind = CLRNN_NODE_CONSTANT, .name = "one", .data = one},
                    NULL),
                CLRNN_OK);
        assert_int_equal(clrnn_graph_add(graph, f == CLRNN_FUNCTIONS ? &quotient : &function, NULL),
                         CLRNN_OK);
        assert_int_equal(clrnn_graph_output(graph, "y", NULL), CLRNN_OK);
        assert_int_equal(clrnn_graph_plan_create(
                             *state, graph,
                             &(clrnn_graph_plan_desc){.train = true, .input_gradients = true},
                             &plan),
                         CLRNN_OK);
        clrnn_graph_sink out = {"y", y};
        const clrnn_graph_io io = {.inputs = &(clrnn_graph_source){"x", x},
                                   .outputs = &out,
                                   .input_count = 1,
                                   .output_count = 1};
        assert_int_equal(clrnn_graph_plan_forward(plan, &io), CLRNN_OK);
        assert_int_equal(
            clrnn_graph_plan_backward(
                plan, &(clrnn_graph_gradients){.outputs = &(clrnn_graph_source){"y", dy},
                                               .inputs = &(clrnn_graph_sink){"x", dx},
                                               .output_count = 1,
                                               .input_count = 1}),
            CLRNN_OK);
        for (int side = 0; side < 2; side++) {
            for (int i = 0; i < 6; i++)
                x[i] += side ? -2e-6 : 1e-6;
            out.data = side ? y : up;
            assert_int_equal(clrnn_graph_plan_forward(plan, &io), CLRNN_OK);
        }
        for (int i = 0; i < 6; i++) {
            const bool through = f == CLRNN_FN_TO_F16 || f == CLRNN_FN_TO_BF16;
            const double slope = (through ? 1 : (up[i] - y[i]) / 2e-6) * dy[i];
            if (!(fabs(slope - dx[i]) <= 1e-6 * (1 + fabs(dx[i]))))
                fail_msg("%s at %g: %.10g, by differences %.10g",
                         f < CLRNN_FUNCTIONS ? clrnn_function_name((clrnn_function)f) : "div", x[i],
                         dx[i], slope);
        }
        clrnn_graph_plan_destroy(&plan);
        clrnn_graph_destroy(&graph);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_kinds, test_open, test_close),
        cmocka_unit_test_setup_teardown(test_functions, test_open, test_close),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

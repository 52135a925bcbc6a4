/* SPDX-License-Identifier: MIT
 * tests/graph/test_graph_errors.c - bad graphs are refused in one line that names the node, and
 * lose nothing; so are bad passes. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "support.h"

#include <clrnn/graph_parameters.h>
#include <clrnn/graph_plan.h>

#include "base/memory.h"
#include "drawn.h"
#include "graph/members.h"

static clrnn_graph *begin(void)
{
    clrnn_graph *graph = NULL;
    const clrnn_graph_input_desc x = {
        .name = "x", .rank = 3, .shape = {CLRNN_STEPS, CLRNN_BATCH, 4}};
    const clrnn_graph_input_desc ids = {
        .name = "ids", .rank = 2, .shape = {CLRNN_STEPS, CLRNN_BATCH}, .ids = true};
    assert_int_equal(clrnn_graph_create(&test_log, NULL, &graph), CLRNN_OK);
    assert_int_equal(clrnn_graph_input(graph, &x), CLRNN_OK);
    assert_int_equal(clrnn_graph_input(graph, &ids), CLRNN_OK);
    return graph;
}

static const struct {
    clrnn_node_desc desc;
    const char *says;
} bad[] = {
    {{.kind = CLRNN_NODE_KINDS}, " is unknown"},
    {{.kind = CLRNN_NODE_DENSE, .name = "n", .units = 1, .inputs = {"n"}}, "no circles"},
    {{.kind = CLRNN_NODE_DENSE, .name = "n", .units = 1, .inputs = {"later"}},
     "node 'n' (dense): it reads 'later', which is no input and no node before it"},
    {{.kind = CLRNN_NODE_DENSE, .name = "n", .units = 1, .inputs = {"#9"}}, "it reads '#9'"},
    {{.kind = CLRNN_NODE_DENSE, .name = "x", .units = 1}, "a value 'x' already"},
    {{.kind = CLRNN_NODE_DENSE, .name = "#1", .units = 1}, "'#1' cannot be the name"},
    {{.kind = CLRNN_NODE_DENSE, .name = "a\nb", .units = 1}, "byte 10 cannot be in the name"},
    {{.kind = CLRNN_NODE_DENSE, .name = "n"}, "node 'n' (dense): units is 0"},
    {{.kind = CLRNN_NODE_DENSE, .name = "n", .units = 1, .inputs = {"ids"}}, "is ids"},
    {{.kind = CLRNN_NODE_EMBEDDING, .name = "n", .units = 1, .vocabulary = 2}, "must be ids"},
    {{.kind = CLRNN_NODE_DENSE, .name = "n", .units = 1, .causal = true}, "causal is set"},
    {{.kind = CLRNN_NODE_DENSE, .name = "n", .units = 1, .network = {.hidden_size = 3}},
     "network is set"},
    {{.kind = CLRNN_NODE_DENSE, .name = "n", .units = 1, .function = (clrnn_function)99},
     "function 99 is unknown"},
    {{.kind = CLRNN_NODE_ADD, .name = "n"}, "input 1 is missing"},
    {{.kind = CLRNN_NODE_ACTIVATION, .name = "n", .inputs = {"x", "x"}}, "but it reads 1"},
    {{.kind = CLRNN_NODE_SOFTMAX, .name = "n", .axis = 3}, "[T,N,4] has no axis 3"},
    {{.kind = CLRNN_NODE_RECURRENT, .name = "n"},
     "its network is not possible: network: hidden_size"},
    {{.kind = CLRNN_NODE_RECURRENT, .name = "n", .network = {.hidden_size = 2, .input_size = 3}},
     "input_size is 3, but x is [T,N,4]"},
    {{.kind = CLRNN_NODE_RECURRENT,
      .name = "n",
      .network = {.hidden_size = 2},
      .inputs = {"x", "x"}},
     "h0 is [T,N,4]"},
    {{.kind = CLRNN_NODE_RECURRENT,
      .name = "n",
      .network = {.hidden_size = 2},
      .inputs = {"x", NULL, NULL, NULL, "x"}},
     "node 'n' (recurrent): mask is [T,N,4], but must be T and"},
    {{.kind = CLRNN_NODE_RECURRENT,
      .name = "n",
      .network = {.hidden_size = 2},
      .inputs = {"x", NULL, NULL, NULL, "ids"}},
     "its input 4, 'ids', is ids"},
    {{.kind = CLRNN_NODE_RECURRENT,
      .name = "n",
      .network = {.hidden_size = 2},
      .inputs = {"x"},
      .repeat = true},
     "repeat is set, but neither mask nor lengths leave steps out"},
    {{.kind = CLRNN_NODE_DENSE, .name = "n", .units = 1, .repeat = true}, "repeat is set"},
    {{.kind = CLRNN_NODE_CONV1D, .name = "n", .units = 3, .kernel = {2}, .groups = 2},
     "3 units cannot be cut into 2 groups"},
    {{.kind = CLRNN_NODE_CONV1D, .name = "n", .units = 3}, "kernel[0] is 0"},
    {{.kind = CLRNN_NODE_CONV2D, .name = "n", .units = 3, .kernel = {1, 1}},
     "must have [N,channels,A,B]"},
    {{.kind = CLRNN_NODE_RESHAPE, .name = "n", .rank = 2, .shape = {CLRNN_STEPS, 4}},
     "cannot be made [T,4]"},
    {{.kind = CLRNN_NODE_RESHAPE, .name = "n", .rank = 3, .shape = {7, CLRNN_REST, 0}},
     "node 'n' (reshape): [T,N,4] cannot be made [7,?,4]"},
    {{.kind = CLRNN_NODE_CONV1D,
      .name = "n",
      .units = 1,
      .kernel = {65537},
      .dilation = {65537},
      .causal = true},
     "node 'n' (conv1d): a kernel of 65537 with a dilation of 65537 is a window beyond 2^31"},
    {{.kind = CLRNN_NODE_CONV2D,
      .name = "n",
      .units = 1,
      .kernel = {1, UINT32_MAX},
      .dilation = {1, UINT32_MAX}},
     "is a window beyond 2^31"},
    {{.kind = CLRNN_NODE_TRANSPOSE, .name = "n", .rank = 3, .order = {0, 1, 1}}, "once"},
    {{.kind = CLRNN_NODE_SLICE, .name = "n", .rank = 1, .begin = {-1}, .end = {CLRNN_TO_END}},
     "time is cut from its begin on"},
    {{.kind = CLRNN_NODE_SLICE, .name = "n", .rank = 1, .step = {INT64_MIN}},
     "step[0] is -9223372036854775808, beyond 2^53"},
    {{.kind = CLRNN_NODE_PAD, .name = "n", .rank = 1, .begin = {INT64_MAX - 1}},
     "begin[0] is 9223372036854775806"},
    {{.kind = CLRNN_NODE_PAD, .name = "n", .rank = 3, .end = {0, 0, CLRNN_TO_END}},
     "node 'n' (pad): end[2] is 9223372036854775807, beyond 2^53"},
    {{.kind = CLRNN_NODE_SLICE, .name = "n", .rank = 1, .begin = {CLRNN_TO_END}},
     "begin[0] is 9223372036854775807"},
    {{.kind = CLRNN_NODE_PAD, .name = "n", .rank = 1, .end = {0, 3}},
     "end[1] is set, but rank is 1"},
    {{.kind = CLRNN_NODE_DROPOUT, .name = "n", .probability = 1}, "is not in [0,1)"},
    {{.kind = CLRNN_NODE_DROPOUT, .name = "n", .probability = 1 - 1e-9}, "rounds to 1"},
    {{.kind = CLRNN_NODE_REDUCE, .name = "n", .rank = 1, .order = {7}}, "order must name axes"},
    {{.kind = CLRNN_NODE_BATCH_NORM, .name = "n", .axis = 1},
     "node 'n' (batch_norm): axis 1 of [T,N,4] is T or N"},
    {{.kind = CLRNN_NODE_LAYER_NORM, .name = "n", .rank = 2}, "the last 2 axes"},
};

static void test_nodes(void **state)
{
    (void)state;
    clrnn_graph *graph = begin();
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        const clrnn_status status = clrnn_graph_add(graph, &bad[i].desc, NULL);
        assert_true(status == CLRNN_ERR_ARGUMENT || status == CLRNN_ERR_RANGE);
        assert_null(strchr(test_last_error, '\n'));
        assert_error_contains(bad[i].says);
        assert_int_equal(clrnn_graph_nodes(graph), 0);
        assert_int_equal(clrnn_graph_parameters(graph), 0);
    }
    /* The graph is as it was: a good node still fits, under the same name. */
    assert_int_equal(
        clrnn_graph_add(
            graph,
            &(clrnn_node_desc){.kind = CLRNN_NODE_DENSE, .name = "n", .units = 2, .inputs = {"x"}},
            NULL),
        CLRNN_OK);
    assert_int_equal(
        clrnn_graph_add(
            graph, &(clrnn_node_desc){.kind = CLRNN_NODE_ADD, .name = "sum", .inputs = {"x", "n"}},
            NULL),
        CLRNN_ERR_ARGUMENT);
    assert_error_contains("node 'sum' (add): [T,N,4] and [T,N,2] cannot be broadcast");
    /* An axis that is made of T and N is said so. */
    assert_int_equal(clrnn_graph_add(graph,
                                     &(clrnn_node_desc){.kind = CLRNN_NODE_RESHAPE,
                                                        .name = "rows",
                                                        .rank = 2,
                                                        .shape = {CLRNN_REST, 2},
                                                        .inputs = {"x"}},
                                     NULL),
                     CLRNN_OK);
    assert_int_equal(
        clrnn_graph_add(
            graph,
            &(clrnn_node_desc){.kind = CLRNN_NODE_ADD, .name = "sum", .inputs = {"x", "rows"}},
            NULL),
        CLRNN_ERR_ARGUMENT);
    assert_error_contains("node 'sum' (add): [T,N,4] and [T*N*2,2] cannot be broadcast");
    clrnn_graph_destroy(&graph);
}

/* Something else in a member, an input or the network of a good node. */
static void spoil(drawn_numbers *r, const clrnn_graph *g, clrnn_node_desc *d)
{
    static const int64_t values[] = {-3,        -2,        -1,        0,         1,
                                     2,         3,         7,         99,        65536,
                                     INT32_MAX, INT32_MIN, INT64_MAX, INT64_MIN, UINT32_MAX};
    static const double reals[] = {-1, 0, 0.5, 1, 2, 1e300, -INFINITY, NAN};
    static const char *const names[] = {NULL, "", "nothing", "#0", "#99", "a.b", "#x", "\n"};
    const clr_member *m = &clr_members[draw_below(r, (uint32_t)clr_member_count)];
    const uint32_t what = draw_below(r, 10), at = draw_below(r, m->count);
    const bool sizes = m->uses & (CLR_USES_UNITS | CLR_USES_VOCABULARY | CLR_USES_WINDOW);
    const uint32_t value = draw_below(r, sizes || what == 4 ? 9 : 15); /* memory there must be */
    if (what < 2)
        d->inputs[draw_below(r, 5)] = names[draw_below(r, 8)];
    else if (what < 4)
        d->inputs[draw_below(r, 3)] = g->values[draw_below(r, g->value_count)].name;
    else if (what == 4)
        d->network.hidden_size = values[value] < 0 ? 0 : (uint32_t)values[value];
    else if (what == 5)
        d->network.bidirectional = d->network.reverse = true;
    else if (what == 6)
        d->kind = (clrnn_node_kind)draw_below(r, CLRNN_NODE_KINDS);
    else if (m->type == CLR_MEMBER_F64)
        memcpy((char *)d + m->offset + at * sizeof(double), &reals[draw_below(r, 8)],
               sizeof(double));
    else
        clr_member_set(d, m, at,
                       m->type == CLR_MEMBER_BOOL   ? 1
                       : sizes && values[value] < 0 ? 0
                                                    : values[value]);
}

/* Whatever is wrong with a node: the one line begins with it. */
static void test_any(void **state)
{
    uint32_t refused = 0;
    (void)state;
    for (uint64_t seed = 1; seed <= 400; seed++) {
        drawn_numbers r = {seed};
        drawn_graph d = draw_graph(seed, CLRNN_F32, 6, CLRNN_NODE_KINDS);
        clrnn_graph *g = d.graph;
        const clrnn_log remember = test_log;
        g->log = remember;
        for (uint32_t i = 0, count = g->node_count; i < 4 * count && g->output_count; i++) {
            clrnn_node_desc desc = g->nodes[i % count].desc;
            char name[24], begin[80];
            snprintf(name, sizeof name, "culprit%u", i);
            desc.name = name;
            spoil(&r, g, &desc);
            test_last_error[0] = 0;
            if (clrnn_graph_add(g, &desc, NULL) == CLRNN_OK)
                continue;
            refused++;
            snprintf(begin, sizeof begin, "node '%s' (%s): ", name,
                     clrnn_node_kind_name(desc.kind));
            if (strncmp(test_last_error, begin, strlen(begin)) != 0 ||
                strchr(test_last_error, '\n'))
                fail_msg("seed %llu: '%s'", (unsigned long long)seed, test_last_error);
        }
        drawn_free(&d);
    }
    assert_true(refused > 1000);
}

static void test_ends(void **state)
{
    (void)state;
    clrnn_graph *graph = begin();
    const clrnn_graph_input_desc twice = {
        .name = "z", .rank = 2, .shape = {CLRNN_STEPS, CLRNN_STEPS}};
    const clrnn_graph_input_desc zero = {.name = "z", .rank = 1, .shape = {0}};
    assert_int_equal(clrnn_graph_input(graph, &twice), CLRNN_ERR_ARGUMENT);
    assert_error_contains("input 'z': axis 1");
    assert_int_equal(clrnn_graph_input(graph, &zero), CLRNN_ERR_ARGUMENT);
    assert_error_contains("input 'z': axis 0");
    const clrnn_graph_input_desc vast = {.name = "z", .rank = 2, .shape = {INT64_MAX, INT64_MAX}};
    assert_int_equal(clrnn_graph_input(graph, &vast), CLRNN_ERR_RANGE);
    assert_error_contains("input 'z': [9223372036854775807,9223372036854775807] is more than");
    assert_int_equal(clrnn_graph_output(graph, "y", "nothing"), CLRNN_ERR_ARGUMENT);
    assert_error_contains("'nothing'");
    assert_int_equal(clrnn_graph_output(graph, "y", "x"), CLRNN_OK);
    assert_int_equal(clrnn_graph_output(graph, "y", "ids"), CLRNN_ERR_ARGUMENT);
    assert_error_contains("there is an output 'y' already, 'x'");
    /* sizes are asked for by the name alone */
    assert_int_equal(clrnn_graph_output(graph, "ids", "x"), CLRNN_ERR_ARGUMENT);
    assert_error_contains("output 'ids' has the name of an input, but is 'x'");
    assert_int_equal(clrnn_graph_output(graph, "ids", "ids"), CLRNN_OK);
    const clrnn_graph_input_desc late = {.name = "y", .rank = 1, .shape = {9}};
    assert_int_equal(clrnn_graph_input(graph, &late), CLRNN_ERR_ARGUMENT);
    assert_error_contains("an output 'y' already, so an input");
    assert_int_equal(clrnn_graph_output(graph, "a\nb", "x"), CLRNN_ERR_ARGUMENT);
    assert_error_contains("byte 10 cannot be in the name of an output");
    assert_int_equal(clrnn_graph_output(graph, "z", "a\nb"), CLRNN_ERR_ARGUMENT);
    assert_error_contains("byte 10 cannot be in the name of what an output is");
    assert_int_equal(clrnn_graph_outputs(graph), 2);
    clrnn_graph_destroy(&graph);
}

static void add(clrnn_graph *graph, clrnn_node_desc desc)
{
    assert_int_equal(clrnn_graph_add(graph, &desc, NULL), CLRNN_OK);
}

static void test_plans(void **state)
{
    clrnn_graph *graph = begin();
    clrnn_graph_plan *plan = NULL;
    clrnn_graph_plan_desc desc = {.max_steps = 3, .max_batch = 2};
    assert_int_equal(clrnn_graph_plan_create(*state, graph, &desc, &plan), CLRNN_ERR_ARGUMENT);
    assert_error_contains("no outputs");
    add(graph, (clrnn_node_desc){.kind = CLRNN_NODE_CONV1D,
                                 .name = "window",
                                 .units = 2,
                                 .kernel = {5},
                                 .inputs = {"x"}});
    add(graph,
        (clrnn_node_desc){.kind = CLRNN_NODE_POW, .name = "power", .inputs = {"window", "window"}});
    add(graph, (clrnn_node_desc){.kind = CLRNN_NODE_EMBEDDING,
                                 .name = "table",
                                 .units = 2,
                                 .vocabulary = 3,
                                 .inputs = {"ids"}});
    assert_int_equal(clrnn_graph_output(graph, "y", "power"), CLRNN_OK);
    assert_int_equal(clrnn_graph_output(graph, "e", "table"), CLRNN_OK);
    assert_int_equal(clrnn_graph_plan_create(*state, graph, &desc, &plan), CLRNN_ERR_RANGE);
    assert_error_contains("node 'window' (conv1d): its window is 5 long, but x with its padding 3");
    desc.max_steps = 0;
    assert_int_equal(clrnn_graph_plan_create(*state, graph, &desc, &plan), CLRNN_ERR_RANGE);
    assert_error_contains("max_steps is 0");
    desc.max_steps = 6;
    desc.train = true;
    assert_int_equal(clrnn_graph_plan_create(*state, graph, &desc, &plan), CLRNN_ERR_ARGUMENT);
    assert_error_contains("node 'power' (pow): it runs forward only");
    desc.train = false;
    assert_int_equal(clrnn_graph_plan_create(*state, graph, &desc, &plan), CLRNN_OK);
    assert_int_equal(clrnn_graph_output(graph, "more", "window"), CLRNN_ERR_ARGUMENT);
    assert_error_contains("a plan has been made");

    float x[48] = {0}, y[24];
    int32_t ids[12] = {0, 1, 2, 0, 1, 2, 0, 1, 2, 0, 1, 3};
    const uint32_t lengths[] = {6, 5}, long_ones[] = {7, 1};
    clrnn_graph_source in[] = {{"x", x}, {"ids", ids}, {"other", x}};
    clrnn_graph_sink out[] = {{"y", y}};
    clrnn_graph_io io = {.inputs = in, .outputs = out, .input_count = 2, .output_count = 1};
    assert_int_equal(clrnn_graph_plan_forward(plan, &io), CLRNN_ERR_RANGE);
    assert_error_contains("node 'table' (embedding): 'ids' element 11 is 3, not in 0..2");
    io.lengths = lengths; /* past a length it may be anything */
    assert_int_equal(clrnn_graph_plan_forward(plan, &io), CLRNN_OK);
    io.lengths = long_ones;
    assert_int_equal(clrnn_graph_plan_forward(plan, &io), CLRNN_ERR_RANGE);
    assert_error_contains("lengths[0] is 7");
    io.lengths = NULL;
    ids[11] = 0;
    io.steps = 7;
    assert_int_equal(clrnn_graph_plan_forward(plan, &io), CLRNN_ERR_RANGE);
    assert_error_contains("7 steps are not in 1..6");
    io.steps = 4;
    assert_int_equal(clrnn_graph_plan_forward(plan, &io), CLRNN_ERR_RANGE);
    assert_error_contains("node 'window'");
    io.steps = 0;
    io.input_count = 1;
    assert_int_equal(clrnn_graph_plan_forward(plan, &io), CLRNN_ERR_ARGUMENT);
    assert_error_contains("input 'ids' is missing");
    io.input_count = 3;
    assert_int_equal(clrnn_graph_plan_forward(plan, &io), CLRNN_ERR_ARGUMENT);
    assert_error_contains("no input 'other'");
    in[2] = in[0];
    assert_int_equal(clrnn_graph_plan_forward(plan, &io), CLRNN_ERR_ARGUMENT);
    assert_error_contains("input 'x' is given twice");
    io.input_count = 2;
    out[0].name = "x";
    assert_int_equal(clrnn_graph_plan_forward(plan, &io), CLRNN_ERR_ARGUMENT);
    assert_error_contains("no output 'x'");
    assert_int_equal(clrnn_graph_plan_backward(plan, &(clrnn_graph_gradients){0}),
                     CLRNN_ERR_ARGUMENT);
    assert_error_contains("does not train");
    clrnn_graph_plan_destroy(&plan);
    clrnn_graph_destroy(&graph);
}

/* Three rows are three, or parameters of what comes behind would be of others. */
static void test_few_rows(void **state)
{
    clrnn_graph *graph = NULL;
    clrnn_graph_plan *plan = NULL;
    clrnn_graph_plan_desc desc = {.max_batch = 3};
    const clrnn_graph_input_desc s = {.name = "s", .rank = 2, .shape = {CLRNN_BATCH, 2}};
    float x[6] = {1, 1, 1, 1, 1, 1}, y[2];
    clrnn_graph_io io = {.inputs = &(clrnn_graph_source){"s", x},
                         .outputs = &(clrnn_graph_sink){"y", y},
                         .input_count = 1,
                         .output_count = 1};
    assert_int_equal(clrnn_graph_create(&test_log, NULL, &graph), CLRNN_OK);
    assert_int_equal(clrnn_graph_input(graph, &s), CLRNN_OK);
    add(graph, (clrnn_node_desc){.kind = CLRNN_NODE_SLICE, .name = "three", .rank = 1, .end = {3}});
    add(graph, (clrnn_node_desc){.kind = CLRNN_NODE_TRANSPOSE, .rank = 2, .order = {1, 0}});
    add(graph, (clrnn_node_desc){.kind = CLRNN_NODE_DENSE, .units = 1});
    assert_int_equal(clrnn_graph_output(graph, "y", NULL), CLRNN_OK);
    assert_int_equal(clrnn_graph_plan_create(*state, graph, &desc, &plan), CLRNN_OK);
    assert_int_equal(clrnn_graph_plan_forward(plan, &io), CLRNN_OK);
    io.batch = 2;
    assert_int_equal(clrnn_graph_plan_forward(plan, &io), CLRNN_ERR_RANGE);
    assert_error_contains("node 'three' (slice): axis 0 of its [3,2] would be 2");
    clrnn_graph_plan_destroy(&plan);
    clrnn_graph_destroy(&graph);
}

/* Make a graph and a plan, and go through it and back. */
static clrnn_status all_of_it(clrnn_context *context)
{
    static const float x[24], dy[24];
    float y[24], gradient[100];
    const clrnn_graph_input_desc in = {
        .name = "x", .rank = 3, .shape = {CLRNN_STEPS, CLRNN_BATCH, 4}};
    const clrnn_node_desc nodes[] = {
        {.kind = CLRNN_NODE_CONV1D, .units = 4, .kernel = {3}, .causal = true},
        {.kind = CLRNN_NODE_BATCH_NORM, .axis = 2},
        {.kind = CLRNN_NODE_DENSE, .units = 4, .function = CLRNN_FN_TANH},
        {.kind = CLRNN_NODE_MUL, .inputs = {"#0", "#2"}}};
    const uint32_t lengths[] = {3, 1};
    clrnn_graph *graph = NULL;
    clrnn_graph_plan *plan = NULL;
    const clrnn_graph_io io = {.lengths = lengths,
                               .inputs = &(clrnn_graph_source){"x", x},
                               .outputs = &(clrnn_graph_sink){"y", y},
                               .input_count = 1,
                               .output_count = 1};
    clrnn_status status = clrnn_graph_create(&test_log, NULL, &graph);
    if (status == CLRNN_OK)
        status = clrnn_graph_input(graph, &in);
    for (int i = 0; i < 4 && status == CLRNN_OK; i++)
        status = clrnn_graph_add(graph, &nodes[i], NULL);
    if (status == CLRNN_OK)
        status = clrnn_graph_output(graph, "y", NULL);
    if (status == CLRNN_OK)
        status = clrnn_graph_plan_create(
            context, graph, &(clrnn_graph_plan_desc){.max_steps = 3, .max_batch = 2, .train = true},
            &plan);
    if (status == CLRNN_OK)
        status = clrnn_graph_plan_forward(plan, &io);
    if (status == CLRNN_OK)
        status = clrnn_graph_plan_backward(
            plan, &(clrnn_graph_gradients){.outputs = &(clrnn_graph_source){"y", dy},
                                           .output_count = 1,
                                           .parameters = gradient});
    clrnn_graph_plan_destroy(&plan);
    clrnn_graph_destroy(&graph);
    return status;
}

/* Whatever fails first is reported, and nothing is left behind (test_close looks). */
static void test_faults(void **state)
{
    assert_int_equal(all_of_it(*state), CLRNN_OK);
    for (int kind = 0; kind < 2; kind++) {
        const clr_fault fault = kind ? CLR_FAULT_OPENCL : CLR_FAULT_MEMORY;
        long failed = 0;
        for (long countdown = 1; countdown < 100000; countdown++) {
            test_last_error[0] = 0;
            clr_fault_inject(fault, -countdown);
            const clrnn_status status = all_of_it(*state);
            clr_fault_inject(fault, 0);
            if (status == CLRNN_OK)
                break;
            failed++;
            if (status != CLRNN_ERR_MEMORY && status != CLRNN_ERR_OPENCL)
                fail_msg("failure %ld of kind %d: %s", countdown, kind, clrnn_status_name(status));
            assert_true(test_last_error[0] != 0);
        }
        assert_true(failed > 20);
    }
}

/* An axis of T*N is T and N again where the shape says so. */
static void test_apart_again(void **state)
{
    (void)state;
    clrnn_graph *graph = begin();
    clrnn_value_info info;
    const clrnn_node_desc together = {.kind = CLRNN_NODE_RESHAPE,
                                      .name = "together",
                                      .inputs = {"x"},
                                      .rank = 2,
                                      .shape = {CLRNN_REST, 4}},
                          apart = {.kind = CLRNN_NODE_RESHAPE,
                                   .name = "apart",
                                   .rank = 4,
                                   .shape = {CLRNN_STEPS, CLRNN_BATCH, 2, 2}};
    assert_int_equal(clrnn_graph_add(graph, &together, NULL), CLRNN_OK);
    assert_int_equal(clrnn_graph_add(graph, &apart, NULL), CLRNN_OK);
    assert_true(clrnn_graph_value(graph, "together", &info));
    assert_int_equal(info.shape[0], CLRNN_REST);
    assert_true(clrnn_graph_value(graph, "apart", &info));
    assert_int_equal(info.shape[0], CLRNN_STEPS);
    assert_int_equal(info.shape[1], CLRNN_BATCH);
    clrnn_graph_destroy(&graph);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_nodes),
        cmocka_unit_test(test_any),
        cmocka_unit_test(test_ends),
        cmocka_unit_test(test_apart_again),
        cmocka_unit_test_setup_teardown(test_plans, test_open, test_close),
        cmocka_unit_test_setup_teardown(test_few_rows, test_open, test_close),
        cmocka_unit_test_setup_teardown(test_faults, test_open, test_close),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

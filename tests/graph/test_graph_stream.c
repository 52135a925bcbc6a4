/* SPDX-License-Identifier: MIT
 * tests/graph/test_graph_stream.c - sequences in blocks through graphs: whatever the cut and the
 * company, what one pass over the whole sequence gives, to the bit. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "support.h"

#include <clrnn/graph_parameters.h>
#include <clrnn/graph_stream.h>

#include "base/memory.h"
#include "drawn.h"

enum { STEPS = 40, ROWS = 6, INPUTS = 2 };

static clrnn_graph *begin(bool batch_major)
{
    clrnn_graph *graph = NULL;
    clrnn_graph_input_desc x = {.name = "x", .rank = 3, .shape = {0, 0, INPUTS}};
    x.shape[0] = batch_major ? CLRNN_BATCH : CLRNN_STEPS;
    x.shape[1] = batch_major ? CLRNN_STEPS : CLRNN_BATCH;
    assert_int_equal(clrnn_graph_create(&test_log, NULL, &graph), CLRNN_OK);
    assert_int_equal(clrnn_graph_input(graph, &x), CLRNN_OK);
    return graph;
}

static void add(clrnn_graph *graph, clrnn_node_desc desc)
{
    assert_int_equal(clrnn_graph_add(graph, &desc, NULL), CLRNN_OK);
}

/* Convolutions, norms, two widths of LSTM, a GRU of two layers, a head, and x beside it. */
static clrnn_graph *deep(bool batch_major)
{
    clrnn_graph *g = begin(batch_major);
    float *parameters = NULL;
    drawn_numbers r = {7};
    add(g, (clrnn_node_desc){.kind = CLRNN_NODE_CONV1D,
                             .name = "conv",
                             .units = 5,
                             .kernel = {3},
                             .dilation = {2},
                             .causal = true,
                             .function = CLRNN_FN_TANH});
    add(g, (clrnn_node_desc){.kind = CLRNN_NODE_BATCH_NORM, .axis = -1});
    add(g, (clrnn_node_desc){
               .kind = CLRNN_NODE_RECURRENT, .name = "lstm", .network = {.hidden_size = 9}});
    add(g, (clrnn_node_desc){.kind = CLRNN_NODE_LAYER_NORM});
    add(g,
        (clrnn_node_desc){.kind = CLRNN_NODE_RECURRENT,
                          .name = "gru",
                          .network = {.cell = CLRNN_CELL_GRU, .hidden_size = 4, .num_layers = 2}});
    add(g, (clrnn_node_desc){.kind = CLRNN_NODE_CONV1D,
                             .name = "point",
                             .units = 4,
                             .kernel = {1},
                             .inputs = {"lstm"}});
    add(g, (clrnn_node_desc){.kind = CLRNN_NODE_ADD, .inputs = {"point", "gru"}});
    add(g, (clrnn_node_desc){.kind = CLRNN_NODE_CONCAT, .inputs = {"#6", "x"}, .axis = -1});
    add(g, (clrnn_node_desc){.kind = CLRNN_NODE_CONV1D,
                             .name = "late",
                             .units = 4,
                             .kernel = {4},
                             .causal = true,
                             .groups = 2});
    add(g, (clrnn_node_desc){.kind = CLRNN_NODE_EMA, .axis = -1});
    add(g,
        (clrnn_node_desc){
            .kind = CLRNN_NODE_DENSE, .name = "head", .units = 3, .function = CLRNN_FN_SOFTSIGN});
    assert_int_equal(clrnn_graph_output(g, "y", NULL), CLRNN_OK);
    parameters = clrnn_graph_data(g);
    for (size_t i = 0; i < clrnn_graph_parameter_count(g); i++)
        parameters[i] = (float)(0.5 + 0.4 * draw_real(&r)) * (i % 3 ? 1 : -0.7f);
    clrnn_graph_parameter p;
    assert_true(clrnn_graph_parameter_find(g, "batch_norm1.running_var", &p));
    for (size_t i = 0; i < p.count; i++)
        parameters[p.offset + i] = 0.5f;
    return g;
}

static size_t at(bool batch_major, uint32_t t, uint32_t n, uint32_t T, uint32_t N)
{
    return batch_major ? (size_t)n * T + t : (size_t)t * N + n;
}

/* x(n,t,k), the same wherever it lies. */
static float sample(uint32_t n, uint32_t t, uint32_t k)
{
    drawn_numbers r = {n * 7919u + t * 31u + k};
    return (float)draw_real(&r);
}

/* What row n gives, [STEPS,3], in one pass of its own. */
static float *alone(clrnn_context *context, clrnn_graph *graph, bool batch_major, uint32_t n,
                    uint32_t first, uint32_t count)
{
    clrnn_graph_plan *plan = NULL;
    float x[STEPS * INPUTS], *y = calloc(STEPS * 3, sizeof *y);
    const clrnn_graph_plan_desc desc = {.max_steps = count, .max_batch = 1};
    for (uint32_t t = 0; t < count; t++)
        for (uint32_t k = 0; k < INPUTS; k++)
            x[at(batch_major, t, 0, count, 1) * INPUTS + k] = sample(n, first + t, k);
    assert_int_equal(clrnn_graph_plan_create(context, graph, &desc, &plan), CLRNN_OK);
    const clrnn_graph_io io = {.inputs = &(clrnn_graph_source){"x", x},
                               .outputs = &(clrnn_graph_sink){"y", y},
                               .input_count = 1,
                               .output_count = 1};
    assert_int_equal(clrnn_graph_plan_forward(plan, &io), CLRNN_OK);
    clrnn_graph_plan_destroy(&plan);
    return y;
}

/* Where a row is: steps since it began, at which step of its samples. */
typedef struct place {
    uint32_t first, done;
} place;

/* A block of T steps, of which row n has lengths[n]. */
static void process(clrnn_graph_stream *stream, bool batch_major, uint32_t T,
                    const uint32_t lengths[ROWS], place places[ROWS], float *collected[ROWS])
{
    float x[STEPS * ROWS * INPUTS] = {0}, y[STEPS * ROWS * 3];
    for (uint32_t n = 0; n < ROWS; n++)
        for (uint32_t t = 0; t < lengths[n]; t++)
            for (uint32_t k = 0; k < INPUTS; k++)
                x[at(batch_major, t, n, T, ROWS) * INPUTS + k] =
                    sample(n, places[n].first + places[n].done + t, k);
    const clrnn_graph_io io = {.steps = T,
                               .lengths = lengths,
                               .inputs = &(clrnn_graph_source){"x", x},
                               .outputs = &(clrnn_graph_sink){"y", y},
                               .input_count = 1,
                               .output_count = 1};
    assert_int_equal(clrnn_graph_stream_process(stream, &io), CLRNN_OK);
    for (uint32_t n = 0; n < ROWS; n++) {
        for (uint32_t t = 0; t < lengths[n]; t++)
            memcpy(collected[n] + (size_t)(places[n].done + t) * 3,
                   y + at(batch_major, t, n, T, ROWS) * 3, 3 * sizeof *y);
        places[n].done += lengths[n];
    }
}

/* Rows that join, pause and begin anew at random, beside the same rows alone. */
static void random_company(clrnn_context *context, bool batch_major, uint64_t seed)
{
    drawn_numbers r = {seed};
    clrnn_graph *graph = deep(batch_major);
    clrnn_graph_stream *stream = NULL;
    place places[ROWS] = {{0}};
    float *collected[ROWS];
    for (uint32_t n = 0; n < ROWS; n++)
        collected[n] = calloc(STEPS * 3, sizeof(float));
    assert_int_equal(
        clrnn_graph_stream_create(
            context, graph, &(clrnn_graph_stream_desc){.max_steps = 9, .rows = ROWS}, &stream),
        CLRNN_OK);
    for (int block = 0; block < 12; block++) {
        const uint32_t T = 1 + draw_below(&r, 9);
        uint32_t lengths[ROWS];
        for (uint32_t n = 0; n < ROWS; n++) {
            if (draw_below(&r, 8) == 0) {
                assert_int_equal(clrnn_graph_stream_reset(stream, n), CLRNN_OK);
                places[n] = (place){places[n].first + places[n].done, 0};
            }
            const uint32_t left = STEPS - places[n].done;
            lengths[n] = draw_below(&r, 4) == 0 ? 0 : draw_below(&r, T + 1);
            lengths[n] = lengths[n] < left ? lengths[n] : left;
        }
        process(stream, batch_major, T, lengths, places, collected);
    }
    for (uint32_t n = 0; n < ROWS; n++) {
        if (places[n].done > 0) {
            float *y = alone(context, graph, batch_major, n, places[n].first, places[n].done);
            assert_memory_equal(y, collected[n], places[n].done * 3 * sizeof *y);
            free(y);
        }
        free(collected[n]);
    }
    clrnn_graph_stream_destroy(&stream);
    clrnn_graph_destroy(&graph);
}

static void test_company(void **state)
{
    for (uint64_t seed = 1; seed <= 6; seed++)
        random_company(*state, seed % 2 == 0, seed);
}

/* A fork goes on as its stream does; a state that was taken can be put back, in another row too. */
static void test_states(void **state)
{
    clrnn_graph *graph = deep(false);
    clrnn_graph_stream *stream = NULL, *fork = NULL;
    const uint32_t all[ROWS] = {5, 5, 5, 5, 5, 5};
    place places[ROWS] = {{0}}, again[ROWS], third[ROWS];
    float *a[ROWS], *b[ROWS], *c[ROWS];
    for (uint32_t n = 0; n < ROWS; n++) {
        a[n] = calloc(STEPS * 3, sizeof(float));
        b[n] = calloc(STEPS * 3, sizeof(float));
        c[n] = calloc(STEPS * 3, sizeof(float));
    }
    const clrnn_graph_stream_desc desc = {.max_steps = 5, .rows = ROWS};
    assert_int_equal(clrnn_graph_stream_create(*state, graph, &desc, &stream), CLRNN_OK);
    process(stream, false, 5, all, places, a);
    memcpy(again, places, sizeof again);
    memcpy(third, places, sizeof third);
    void *kept = calloc(clrnn_graph_stream_state_count(stream), sizeof(float));
    /* conv 4 x 2, h and c 9 + 9, h 2 x 4, late 3 x 6, 4 averages */
    assert_int_equal(clrnn_graph_stream_state_count(stream), 8 + 18 + 8 + 18 + 4);
    assert_int_equal(clrnn_graph_stream_get_state(stream, 2, kept), CLRNN_OK);
    assert_int_equal(clrnn_graph_stream_fork(stream, &fork), CLRNN_OK);
    process(stream, false, 5, all, places, a);
    process(fork, false, 5, all, again, b);
    for (uint32_t n = 0; n < ROWS; n++)
        assert_memory_equal(a[n] + 15, b[n] + 15, 15 * sizeof(float));
    assert_int_equal(clrnn_graph_stream_set_state(stream, 2, kept), CLRNN_OK);
    process(stream, false, 5, all, third, c);
    assert_memory_equal(a[2] + 15, c[2] + 15, 15 * sizeof(float));
    assert_memory_not_equal(a[1] + 15, c[1] + 15, 15 * sizeof(float));
    free(kept);
    for (uint32_t n = 0; n < ROWS; n++) {
        free(a[n]);
        free(b[n]);
        free(c[n]);
    }
    clrnn_graph_stream_destroy(&fork);
    clrnn_graph_stream_destroy(&stream);
    clrnn_graph_destroy(&graph);
}

/* After creation the library allocates nothing: no memory is to be had while blocks run. */
static void test_no_memory(void **state)
{
    for (int batch_major = 0; batch_major < 2; batch_major++) {
        clrnn_graph *graph = deep(batch_major);
        clrnn_graph_stream *stream = NULL;
        const uint32_t lengths[ROWS] = {0, 1, 2, 3, 4, 5};
        float x[5 * ROWS * INPUTS] = {0}, y[5 * ROWS * 3];
        clrnn_graph_io io = {.inputs = &(clrnn_graph_source){"x", x},
                             .outputs = &(clrnn_graph_sink){"y", y},
                             .input_count = 1,
                             .output_count = 1};
        assert_int_equal(
            clrnn_graph_stream_create(
                *state, graph, &(clrnn_graph_stream_desc){.max_steps = 5, .rows = ROWS}, &stream),
            CLRNN_OK);
        clr_fault_inject(CLR_FAULT_MEMORY, 1);
        for (int i = 0; i < 6; i++) {
            io.steps = 1 + (uint32_t)i % 5;
            io.lengths = i % 2 && io.steps == 5 ? lengths : NULL;
            assert_int_equal(clrnn_graph_stream_process(stream, &io), CLRNN_OK);
        }
        io.steps = 5;
        io.lengths = lengths;
        assert_int_equal(clrnn_graph_stream_process(stream, &io), CLRNN_OK);
        assert_int_equal(clrnn_graph_stream_reset(stream, 1), CLRNN_OK);
        clr_fault_inject(CLR_FAULT_MEMORY, 0);
        clrnn_graph_stream_destroy(&stream);
        clrnn_graph_destroy(&graph);
    }
}

static void refuse(clrnn_context *context, clrnn_node_desc node, const char *why)
{
    clrnn_graph *graph = begin(false);
    clrnn_graph_stream *stream = NULL;
    node.name = "culprit";
    add(graph, node);
    assert_int_equal(clrnn_graph_output(graph, "y", NULL), CLRNN_OK);
    assert_int_equal(clrnn_graph_stream_create(context, graph,
                                               &(clrnn_graph_stream_desc){.max_steps = 4}, &stream),
                     CLRNN_ERR_ARGUMENT);
    assert_null(stream);
    assert_non_null(strstr(test_last_error, why));
    assert_error_contains("node 'culprit'");
    clrnn_graph_destroy(&graph);
}

static void test_refusals(void **state)
{
    refuse(*state,
           (clrnn_node_desc){.kind = CLRNN_NODE_RECURRENT,
                             .network = {.hidden_size = 3, .bidirectional = true}},
           "back");
    refuse(*state, (clrnn_node_desc){.kind = CLRNN_NODE_POOL}, "whole");
    refuse(*state, (clrnn_node_desc){.kind = CLRNN_NODE_CONV1D, .units = 2, .kernel = {3}},
           "causal");
    refuse(
        *state,
        (clrnn_node_desc){.kind = CLRNN_NODE_CONV1D, .units = 2, .kernel = {1}, .pad_begin = {1}},
        "pads time");
    refuse(*state, (clrnn_node_desc){.kind = CLRNN_NODE_SOFTMAX, .axis = 0}, "whole");
    refuse(
        *state,
        (clrnn_node_desc){.kind = CLRNN_NODE_SLICE, .rank = 1, .begin = {1}, .end = {CLRNN_TO_END}},
        "cuts");
    refuse(*state,
           (clrnn_node_desc){.kind = CLRNN_NODE_RESHAPE, .rank = 2, .shape = {CLRNN_REST, INPUTS}},
           "merges");
    refuse(*state, (clrnn_node_desc){.kind = CLRNN_NODE_CONCAT, .inputs = {"x", "x"}}, "joins");
}

/* A block or a whole sequence of x; y [T,N,4] and the states h and c, [2,N,4] each. */
static void give(clrnn_graph_stream *stream, clrnn_graph_plan *plan, uint32_t T, uint32_t N,
                 const float *x, float *y, float *h, float *c)
{
    const clrnn_graph_sink out[] = {{"y", y}, {"h", h}, {"c", c}};
    const clrnn_graph_io io = {.steps = T,
                               .batch = N,
                               .inputs = &(clrnn_graph_source){"x", x},
                               .outputs = out,
                               .input_count = 1,
                               .output_count = 3};
    assert_int_equal(stream ? clrnn_graph_stream_process(stream, &io)
                            : clrnn_graph_plan_forward(plan, &io),
                     CLRNN_OK);
}

/* Two layers that begin with states made of parameters, which are outputs at the end, too. */
static clrnn_graph *begun(clrnn_node_desc h0)
{
    float *data;
    drawn_numbers r = {5};
    clrnn_graph *g = begin(false);
    h0.name = "h0";
    add(g, h0);
    add(g, (clrnn_node_desc){
               .kind = CLRNN_NODE_EXPAND, .name = "rows", .rank = 3, .shape = {2, CLRNN_BATCH, 4}});
    add(g, (clrnn_node_desc){.kind = CLRNN_NODE_ADD, .name = "c0", .inputs = {"rows", "rows"}});
    add(g, (clrnn_node_desc){.kind = CLRNN_NODE_RECURRENT,
                             .name = "rnn",
                             .inputs = {"x", "rows", "c0"},
                             .network = {.hidden_size = 4, .num_layers = 2}});
    assert_int_equal(clrnn_graph_output(g, "y", "rnn"), CLRNN_OK);
    assert_int_equal(clrnn_graph_output(g, "h", "rnn.hn"), CLRNN_OK);
    assert_int_equal(clrnn_graph_output(g, "c", "rnn.cn"), CLRNN_OK);
    data = clrnn_graph_data(g);
    for (size_t i = 0; i < clrnn_graph_parameter_count(g); i++)
        data[i] = (float)draw_real(&r);
    return g;
}

static void test_begins(void **state)
{
    enum { T = 7, N = 3 };
    static const double zeros[8];
    clrnn_graph *g = begun((clrnn_node_desc){.kind = CLRNN_NODE_CONSTANT,
                                             .rank = 3,
                                             .shape = {2, 1, 4},
                                             .data = zeros,
                                             .trainable = true});
    clrnn_graph_plan *plan = NULL;
    clrnn_graph_stream *stream = NULL;
    float x[T * N * INPUTS], wanted[3][T * N * 4], got[3][T * N * 4];
    drawn_numbers r = {3};
    for (size_t i = 0; i < T * N * INPUTS; i++)
        x[i] = (float)draw_real(&r);
    const clrnn_graph_plan_desc whole = {.max_steps = T, .max_batch = N};
    assert_int_equal(clrnn_graph_plan_create(*state, g, &whole, &plan), CLRNN_OK);
    give(NULL, plan, T, N, x, wanted[0], wanted[1], wanted[2]);
    assert_true(wanted[1][0] != 0);
    assert_int_equal(clrnn_graph_stream_create(
                         *state, g, &(clrnn_graph_stream_desc){.max_steps = 3, .rows = N}, &stream),
                     CLRNN_OK);
    for (int again = 0; again < 2; again++) {
        for (uint32_t t = 0; t < T; t += 3)
            give(stream, NULL, T - t < 3 ? T - t : 3, N, x + (size_t)t * N * INPUTS,
                 got[0] + (size_t)t * N * 4, got[1], got[2]);
        assert_memory_equal(got[0], wanted[0], sizeof wanted[0]);
        assert_memory_equal(got[1], wanted[1], 2 * N * 4 * sizeof **got);
        assert_memory_equal(got[2], wanted[2], 2 * N * 4 * sizeof **got);
        assert_int_equal(clrnn_graph_stream_reset(stream, CLRNN_ALL_ROWS), CLRNN_OK);
    }
    clrnn_graph_stream_destroy(&stream);
    clrnn_graph_plan_destroy(&plan);
    clrnn_graph_destroy(&g);
}

/* States that come in are no rest state; rows need an axis of their own. */
static void test_no_begin(void **state)
{
    clrnn_graph *g = begin(false);
    clrnn_graph_stream *stream = NULL;
    const clrnn_graph_input_desc h0 = {.name = "before", .rank = 3, .shape = {1, CLRNN_BATCH, 4}};
    assert_int_equal(clrnn_graph_input(g, &h0), CLRNN_OK);
    add(g, (clrnn_node_desc){.kind = CLRNN_NODE_ACTIVATION,
                             .name = "bent",
                             .inputs = {"before"},
                             .function = CLRNN_FN_TANH});
    add(g, (clrnn_node_desc){.kind = CLRNN_NODE_RECURRENT,
                             .name = "culprit",
                             .inputs = {"x", "bent"},
                             .network = {.hidden_size = 4}});
    assert_int_equal(clrnn_graph_output(g, "y", NULL), CLRNN_OK);
    assert_int_equal(
        clrnn_graph_stream_create(*state, g, &(clrnn_graph_stream_desc){.max_steps = 4}, &stream),
        CLRNN_ERR_ARGUMENT);
    assert_non_null(strstr(test_last_error, "input 'before'"));
    assert_error_contains("node 'culprit'");
    clrnn_graph_destroy(&g);

    const clrnn_graph_input_desc x = {.name = "x", .rank = 3, .shape = {CLRNN_STEPS, 1, 2}};
    assert_int_equal(clrnn_graph_create(&test_log, NULL, &g), CLRNN_OK);
    assert_int_equal(clrnn_graph_input(g, &x), CLRNN_OK);
    add(g, (clrnn_node_desc){.kind = CLRNN_NODE_RECURRENT, .network = {.hidden_size = 4}});
    assert_int_equal(clrnn_graph_output(g, "y", NULL), CLRNN_OK);
    assert_int_equal(clrnn_graph_stream_create(
                         *state, g, &(clrnn_graph_stream_desc){.max_steps = 4, .rows = 2}, &stream),
                     CLRNN_ERR_ARGUMENT);
    assert_error_contains("axis of rows");
    assert_int_equal(
        clrnn_graph_stream_create(*state, g, &(clrnn_graph_stream_desc){.max_steps = 4}, &stream),
        CLRNN_OK);
    clrnn_graph_stream_destroy(&stream);
    clrnn_graph_destroy(&g);
}

/* A number of rows that is written in the graph has no room in states of one row. */
static void refuse_rows(clrnn_context *context, clrnn_node_desc node)
{
    clrnn_graph *g = NULL;
    clrnn_graph_stream *stream = NULL;
    const clrnn_graph_input_desc x = {.name = "x", .rank = 3, .shape = {CLRNN_STEPS, 2, 2}};
    assert_int_equal(clrnn_graph_create(&test_log, NULL, &g), CLRNN_OK);
    assert_int_equal(clrnn_graph_input(g, &x), CLRNN_OK);
    add(g, node);
    assert_int_equal(clrnn_graph_output(g, "y", NULL), CLRNN_OK);
    assert_int_equal(
        clrnn_graph_stream_create(context, g, &(clrnn_graph_stream_desc){.max_steps = 4}, &stream),
        CLRNN_ERR_ARGUMENT);
    assert_error_contains("rows is fixed");
    clrnn_graph_destroy(&g);
}

static void test_fixed_rows(void **state)
{
    refuse_rows(*state,
                (clrnn_node_desc){.kind = CLRNN_NODE_RECURRENT, .network = {.hidden_size = 4}});
    refuse_rows(*state, (clrnn_node_desc){
                            .kind = CLRNN_NODE_CONV1D, .units = 2, .kernel = {2}, .causal = true});
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_company, test_open, test_close),
        cmocka_unit_test_setup_teardown(test_states, test_open, test_close),
        cmocka_unit_test_setup_teardown(test_no_memory, test_open, test_close),
        cmocka_unit_test_setup_teardown(test_begins, test_open, test_close),
        cmocka_unit_test_setup_teardown(test_no_begin, test_open, test_close),
        cmocka_unit_test_setup_teardown(test_fixed_rows, test_open, test_close),
        cmocka_unit_test_setup_teardown(test_refusals, test_open, test_close),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: MIT
 * tests/graph/test_graph_masks.c - steps that a mask leaves out of a recurrent node: as if they
 * were not there, to the bit, but for what y is of them; in files, in streams, and against the
 * float64 reference, forward and back. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "support.h"

#include <clrnn/graph_parameters.h>
#include <clrnn/graph_stream.h>

#include "device/program.h"
#include "drawn.h"

enum { T = 9, N = 4, I = 2, H = 3 };

/* x and a mask into a recurrent node; the mask is an input, or made of x: its features' sum is
 * above 0. */
static clrnn_graph *graph_of(const clrnn_network_desc *network, bool batch_major, bool computed,
                             bool repeat, double value)
{
    static const int64_t orders[2][2] = {{CLRNN_STEPS, CLRNN_BATCH}, {CLRNN_BATCH, CLRNN_STEPS}};
    const int64_t *order = orders[batch_major], *other = orders[!batch_major];
    const clrnn_graph_input_desc x = {.name = "x", .rank = 3, .shape = {order[0], order[1], I}};
    const clrnn_graph_input_desc m = {.name = "m", .rank = 2, .shape = {other[0], other[1]}};
    const double zero = 0;
    clrnn_node_desc nodes[] = {{.kind = CLRNN_NODE_CONSTANT, .name = "zero", .data = &zero},
                               {.kind = CLRNN_NODE_REDUCE,
                                .name = "sum",
                                .inputs = {"x"},
                                .reduction = CLRNN_REDUCE_SUM,
                                .rank = 1,
                                .order = {2}},
                               {.kind = CLRNN_NODE_COMPARE,
                                .name = "above",
                                .inputs = {"sum", "zero"},
                                .comparison = CLRNN_GREATER},
                               {.kind = CLRNN_NODE_RECURRENT,
                                .name = "rnn",
                                .inputs = {"x", NULL, NULL, NULL, computed ? "above" : "m"},
                                .network = *network,
                                .repeat = repeat,
                                .value = value}};
    clrnn_graph *graph = NULL;
    assert_int_equal(clrnn_graph_create(&test_log, NULL, &graph), CLRNN_OK);
    assert_int_equal(clrnn_graph_input(graph, &x), CLRNN_OK);
    if (!computed)
        assert_int_equal(clrnn_graph_input(graph, &m), CLRNN_OK);
    for (size_t i = 0; i < 4; i++)
        assert_int_equal(clrnn_graph_add(graph, &nodes[i], NULL), CLRNN_OK);
    assert_int_equal(clrnn_graph_output(graph, "y", "rnn"), CLRNN_OK);
    assert_int_equal(clrnn_graph_output(graph, "hn", "rnn.hn"), CLRNN_OK);
    assert_int_equal(clrnn_graph_initialize(graph, 3), CLRNN_OK);
    return graph;
}

/* x [T,N,I], mask [T,N] of it, lengths. */
typedef struct steps {
    float x[T][N][I];
    bool counts[T][N];
    uint32_t lengths[N];
} steps;

static steps draw_steps(uint64_t seed)
{
    steps s;
    drawn_numbers r = {seed};
    for (uint32_t t = 0; t < T; t++)
        for (uint32_t n = 0; n < N; n++) {
            float sum = 0;
            for (uint32_t i = 0; i < I; i++)
                sum += s.x[t][n][i] = (float)draw_real(&r);
            s.counts[t][n] = sum > 0;
        }
    for (uint32_t n = 0; n < N; n++)
        s.lengths[n] = n ? draw_below(&r, T + 1) : T;
    return s;
}

static size_t place(bool batch_major, uint32_t t, uint32_t n)
{
    return batch_major ? n * T + t : t * N + n;
}

/* A pass; y as [T,N,width], hn [LD,N,H]. */
static void run(clrnn_context *context, clrnn_graph *graph, const steps *s, bool batch_major,
                bool ragged, size_t width, float *y, float *hn)
{
    float x[T * N * I], m[T * N], *out = calloc(T * N * width, sizeof *out);
    clrnn_graph_plan *plan = NULL;
    for (uint32_t t = 0; t < T; t++)
        for (uint32_t n = 0; n < N; n++) {
            memcpy(x + place(batch_major, t, n) * I, s->x[t][n], sizeof s->x[t][n]);
            m[place(!batch_major, t, n)] = s->counts[t][n] ? -0.5f : 0;
        }
    const clrnn_graph_source in[] = {{"x", x}, {"m", m}};
    const clrnn_graph_sink sinks[] = {{"y", out}, {"hn", hn}};
    assert_int_equal(
        clrnn_graph_plan_create(context, graph,
                                &(clrnn_graph_plan_desc){.max_steps = T, .max_batch = N}, &plan),
        CLRNN_OK);
    assert_int_equal(
        clrnn_graph_plan_forward(plan, &(clrnn_graph_io){.lengths = ragged ? s->lengths : NULL,
                                                         .inputs = in,
                                                         .outputs = sinks,
                                                         .input_count = clrnn_graph_inputs(graph),
                                                         .output_count = 2}),
        CLRNN_OK);
    for (uint32_t t = 0; t < T; t++)
        for (uint32_t n = 0; n < N; n++)
            memcpy(y + (t * N + n) * width, out + place(batch_major, t, n) * width,
                   width * sizeof *y);
    clrnn_graph_plan_destroy(&plan);
    free(out);
}

/* The steps that count, closed up, and how many there are: lengths alone leave the rest out. */
static steps closed_up(const steps *s, bool ragged)
{
    steps c = *s;
    for (uint32_t n = 0; n < N; n++) {
        c.lengths[n] = 0;
        for (uint32_t t = 0; t < (ragged ? s->lengths[n] : T); t++)
            if (s->counts[t][n])
                memcpy(c.x[c.lengths[n]++][n], s->x[t][n], sizeof s->x[t][n]);
        for (uint32_t t = 0; t < T; t++)
            c.counts[t][n] = true;
    }
    return c;
}

/* What y must be of step t of row n, where `at` steps before it count. */
static const float *expected(const steps *s, bool ragged, uint32_t t, uint32_t n, uint32_t at,
                             const float *closed, size_t width, bool repeat, const float *value)
{
    static const float zeros[2 * H] = {0};
    if (ragged && t >= s->lengths[n])
        return zeros;
    if (s->counts[t][n])
        return closed + (at * N + n) * width;
    return repeat ? (at ? closed + ((at - 1) * N + n) * width : zeros) : value;
}

static void check(clrnn_context *context, const clrnn_network_desc *network, uint64_t seed)
{
    const bool batch_major = seed & 1, ragged = seed & 2, computed = seed & 4;
    const bool repeat = seed % 3 == 0 && !network->bidirectional;
    const double padding = !repeat && seed % 3 == 1 ? 0.25 : 0;
    const size_t width = network->bidirectional ? 2 * H : H;
    const steps s = draw_steps(seed), c = closed_up(&s, ragged);
    float y[T * N * 2 * H], closed[T * N * 2 * H], hn[4 * N * H], closed_hn[4 * N * H];
    float value[2 * H];
    for (size_t i = 0; i < 2 * H; i++)
        value[i] = (float)padding;
    clrnn_graph *masked = graph_of(network, batch_major, computed, repeat, padding);
    clrnn_graph *plain = graph_of(network, batch_major, false, repeat, padding);
    memset(hn, 0, sizeof hn);
    memset(closed_hn, 0, sizeof closed_hn);
    run(context, masked, &s, batch_major, ragged, width, y, hn);
    run(context, plain, &c, batch_major, true, width, closed, closed_hn);
    assert_memory_equal(hn, closed_hn, sizeof hn);
    for (uint32_t n = 0; n < N; n++)
        for (uint32_t t = 0, at = 0; t < T; t++) {
            const bool live = !ragged || t < s.lengths[n];
            assert_memory_equal(y + (t * N + n) * width,
                                expected(&s, ragged, t, n, at, closed, width, repeat, value),
                                width * sizeof *y);
            at += live && s.counts[t][n];
        }
    clrnn_graph_destroy(&masked);
    clrnn_graph_destroy(&plain);
}

/* Rows with steps left out are those rows without these steps, whatever the layout and lengths. */
static void test_left_out(void **state)
{
    for (uint64_t seed = 0; seed < 36; seed++) {
        clrnn_network_desc network = {.cell = (clrnn_cell)(seed / 12), .hidden_size = H};
        network.num_layers = 1 + seed % 2;
        network.bidirectional = seed % 5 == 4;
        check(*state, &network, seed);
    }
}

/* Backwards, too, a step that is left out repeats what the direction made before it. */
static void test_reverse(void **state)
{
    const clrnn_network_desc network = {.cell = CLRNN_CELL_GRU, .hidden_size = H, .reverse = true};
    clrnn_graph *graph = graph_of(&network, false, false, true, 0);
    const steps s = draw_steps(5);
    float y[T * N * H], hn[N * H];
    static const float zeros[H] = {0};
    run(*state, graph, &s, false, false, H, y, hn);
    for (uint32_t n = 0; n < N; n++)
        for (uint32_t t = T; t-- > 0;)
            if (!s.counts[t][n])
                assert_memory_equal(y + (t * N + n) * H,
                                    t + 1 < T ? y + ((t + 1) * N + n) * H : zeros, sizeof zeros);
    clrnn_graph_destroy(&graph);
}

/* Graphs that begin with a recurrent node: what comes out and all gradients. */
static void test_drawn(void **state)
{
    uint32_t masked = 0, repeats = 0;
    const uint64_t count = clr_compiles(*state) ? 60 : 300; /* most are programs of their own */
    for (uint64_t seed = 1; seed <= count; seed++) {
        drawn_graph d = draw_graph(seed, CLRNN_F64, 3, CLRNN_NODE_RECURRENT);
        char name[64];
        drawn_pass pass = drawn_run(&d, *state, !d.forward_only);
        const double error = drawn_error(&d, &pass, !d.forward_only, name);
        for (uint32_t i = 0; i < clrnn_graph_nodes(d.graph); i++) {
            const clrnn_node_desc *node = clrnn_graph_node(d.graph, i);
            masked += node->kind == CLRNN_NODE_RECURRENT && node->inputs[4];
            repeats += node->repeat;
        }
        if (!(error <= 1e-7)) {
            drawn_print(&d);
            fail_msg("seed %llu: %s differs by %g", (unsigned long long)seed, name, error);
        }
        drawn_pass_free(&d, &pass);
        drawn_free(&d);
    }
    assert_true(masked > count / 10 && repeats > count / 60);
}

/* Block by block what a whole pass gives; what would need the output before is refused. */
static void test_stream(void **state)
{
    const clrnn_network_desc network = {.hidden_size = H, .num_layers = 2};
    clrnn_graph *graph = graph_of(&network, false, false, false, 0.25);
    const steps s = draw_steps(11);
    float y[T][N][H], hn[2 * N * H], block[4 * N * H], m[N * 4];
    clrnn_graph_stream *stream = NULL;
    run(*state, graph, &s, false, false, H, &y[0][0][0], hn);
    assert_int_equal(
        clrnn_graph_stream_create(*state, graph,
                                  &(clrnn_graph_stream_desc){.max_steps = 4, .rows = N}, &stream),
        CLRNN_OK);
    for (uint32_t t = 0, size = 1; t < T; t += size, size = size % 4 + 1) {
        size = t + size > T ? T - t : size;
        for (uint32_t i = 0; i < size * N; i++) /* [N,T] */
            m[i] = s.counts[t + i % size][i / size];
        const clrnn_graph_source in[] = {{"x", s.x[t]}, {"m", m}};
        const clrnn_graph_sink out[] = {{"y", block}};
        const clrnn_graph_io io = {
            .steps = size, .inputs = in, .outputs = out, .input_count = 2, .output_count = 1};
        assert_int_equal(clrnn_graph_stream_process(stream, &io), CLRNN_OK);
        assert_memory_equal(block, y[t], size * sizeof y[t]);
    }
    clrnn_graph_stream_destroy(&stream);
    clrnn_graph_destroy(&graph);
    graph = graph_of(&network, false, false, true, 0);
    assert_int_equal(
        clrnn_graph_stream_create(*state, graph,
                                  &(clrnn_graph_stream_desc){.max_steps = 4, .rows = N}, &stream),
        CLRNN_ERR_ARGUMENT);
    assert_non_null(strstr(test_last_error, "to repeat"));
    assert_error_contains("'rnn' (recurrent)");
    clrnn_graph_destroy(&graph);
}

static void test_described(void **state)
{
    (void)state;
    const clrnn_network_desc network = {.hidden_size = H};
    for (int repeat = 0; repeat < 2; repeat++) {
        char path[600];
        clrnn_graph *graph = graph_of(&network, true, true, repeat, repeat ? 0 : 0.25), *other;
        snprintf(path, sizeof path, "%s/masked.safetensors", test_folder());
        assert_int_equal(clrnn_graph_save(graph, path), CLRNN_OK);
        assert_int_equal(clrnn_graph_load(path, CLRNN_F32, &test_log, &other), CLRNN_OK);
        const clrnn_node_desc *node = clrnn_graph_node(other, 3);
        assert_string_equal(node->inputs[4], "above");
        assert_true(node->repeat == repeat && node->value == (repeat ? 0 : 0.25));
        clrnn_graph_destroy(&graph);
        clrnn_graph_destroy(&other);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_left_out, test_open, test_close),
        cmocka_unit_test_setup_teardown(test_reverse, test_open, test_close),
        cmocka_unit_test_setup_teardown(test_drawn, test_open, test_close),
        cmocka_unit_test_setup_teardown(test_stream, test_open, test_close),
        cmocka_unit_test(test_described),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: MIT
 * tests/graph/test_rows.c - 64 rows side by side, each to the bit what it is alone: sequences of
 * different lengths through a plan and through a graph, and streams that join, leave and begin anew
 * at any block. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "support.h"

#include <clrnn/graph_parameters.h>
#include <clrnn/graph_stream.h>

#include "drawn.h"

enum { ROWS = 64, STEPS = 21, INPUTS = 3, UNITS = 40, OUTPUTS = 2, BLOCK = 16, MOST = 600 };

/* Where our own products are, bits do not depend on who else is there. */
static const clrnn_strategy strategies[] = {CLRNN_STRATEGY_AUTO, CLRNN_STRATEGY_STEPWISE};

static float *numbers(size_t count, uint64_t seed, double scale)
{
    drawn_numbers r = {seed};
    float *all = calloc(count + 1, sizeof *all);
    assert_non_null(all);
    for (size_t i = 0; i < count; i++)
        all[i] = (float)(scale * draw_real(&r));
    return all;
}

/* Any order; 0, all of them, and everything between more than once. */
static void draw_lengths(uint32_t lengths[ROWS])
{
    drawn_numbers r = {29};
    for (uint32_t n = 0; n < ROWS; n++)
        lengths[n] = n;
    for (uint32_t n = ROWS; n > 1; n--) {
        const uint32_t k = draw_below(&r, n), other = lengths[k];
        lengths[k] = lengths[n - 1];
        lengths[n - 1] = other;
    }
    for (uint32_t n = 0; n < ROWS; n++)
        lengths[n] %= STEPS + 1;
}

/* Row n of [outer,N,width], as far as the first `some` of the outer axis go. */
static void take_row(const float *from, uint32_t n, size_t some, size_t width, float *to)
{
    for (size_t i = 0; i < some; i++)
        memcpy(to + i * width, from + (i * ROWS + n) * width, width * sizeof *to);
}

static void same_row(const char *what, uint32_t n, const float *all, const float *alone,
                     size_t outer, size_t width)
{
    float *row = calloc(outer * width + 1, sizeof *row);
    take_row(all, n, outer, width, row);
    if (memcmp(row, alone, outer * width * sizeof *row) != 0)
        fail_msg("%s of row %u has other bits alone", what, n);
    free(row);
}

/* --- sequences of different lengths ----------------------------------------------------------- */

typedef struct pass {
    float *y, *hn, *cn;
} pass;

static pass pass_of(uint32_t rows, size_t width, size_t states)
{
    return (pass){.y = calloc(STEPS * rows * width, sizeof(float)),
                  .hn = calloc(rows * states, sizeof(float)),
                  .cn = calloc(rows * states, sizeof(float))};
}

static void pass_free(pass *p)
{
    free(p->y);
    free(p->hn);
    free(p->cn);
}

static void through_plan(clrnn_context *context, const clrnn_network_desc *network,
                         clrnn_strategy strategy)
{
    const size_t D = network->bidirectional ? 2 : 1, width = D * UNITS;
    const clrnn_plan_desc desc = {.network = *network,
                                  .max_steps = STEPS,
                                  .max_batch = ROWS,
                                  .strategy = strategy,
                                  .gemm = CLRNN_GEMM_PACKED};
    clrnn_plan *plan = NULL;
    uint32_t lengths[ROWS];
    size_t elements = 0;
    float *x = numbers((size_t)STEPS * ROWS * INPUTS, 3, 1), *own = numbers(STEPS * INPUTS, 1, 1);
    const bool has_c = network->cell == CLRNN_CELL_LSTM;
    pass all = pass_of(ROWS, width, D * UNITS), one = pass_of(1, width, D * UNITS);
    draw_lengths(lengths);
    assert_int_equal(clrnn_network_weights(network, &test_log, NULL, &elements), CLRNN_OK);
    float *weights = numbers(elements, 5, 0.3);
    assert_int_equal(clrnn_plan_create(context, &desc, &plan), CLRNN_OK);
    assert_int_equal(clrnn_plan_set_weights_host(plan, weights), CLRNN_OK);
    clrnn_host_io io = {
        .lengths = lengths, .x = x, .y = all.y, .hn = all.hn, .cn = has_c ? all.cn : NULL};
    assert_int_equal(clrnn_forward_host(plan, &io), CLRNN_OK);
    for (uint32_t n = 0; n < ROWS; n++) {
        take_row(x, n, STEPS, INPUTS, own);
        io = (clrnn_host_io){.steps = lengths[n] ? lengths[n] : CLRNN_NONE,
                             .batch = 1,
                             .x = own,
                             .y = one.y,
                             .hn = one.hn,
                             .cn = has_c ? one.cn : NULL};
        memset(one.y, 0, STEPS * width * sizeof *one.y); /* as it is past the length */
        assert_int_equal(clrnn_forward_host(plan, &io), CLRNN_OK);
        same_row("y", n, all.y, one.y, STEPS, width);
        same_row("hn", n, all.hn, one.hn, D, UNITS);
        same_row("cn", n, all.cn, one.cn, D, UNITS);
    }
    pass_free(&all);
    pass_free(&one);
    free(x);
    free(own);
    free(weights);
    clrnn_plan_destroy(&plan);
}

static void test_plans(void **state)
{
    for (int cell = 0; cell < 3; cell++)
        for (int way = 0; way < 4; way++) {
            const clrnn_network_desc network = {.cell = (clrnn_cell)cell,
                                                .input_size = INPUTS,
                                                .hidden_size = UNITS,
                                                .bidirectional = way / 2};
            through_plan(*state, &network, strategies[way % 2]);
        }
}

/* x [T,N,3] -> recurrent -> dense: y [T,N,2], and the last step pooled. */
static clrnn_graph *graph_of(clrnn_cell cell, bool bidirectional, bool pooled)
{
    clrnn_graph *g = NULL;
    const clrnn_graph_input_desc x = {
        .name = "x", .rank = 3, .shape = {CLRNN_STEPS, CLRNN_BATCH, INPUTS}};
    const clrnn_node_desc nodes[] = {
        {.kind = CLRNN_NODE_RECURRENT,
         .name = "rnn",
         .network = {.cell = cell, .hidden_size = UNITS, .bidirectional = bidirectional}},
        {.kind = CLRNN_NODE_DENSE, .name = "head", .units = OUTPUTS},
        {.kind = CLRNN_NODE_POOL, .name = "end", .reduction = CLRNN_REDUCE_LAST}};
    assert_int_equal(clrnn_graph_create(&test_log, NULL, &g), CLRNN_OK);
    assert_int_equal(clrnn_graph_input(g, &x), CLRNN_OK);
    for (int i = 0; i < 2 + pooled; i++)
        assert_int_equal(clrnn_graph_add(g, &nodes[i], NULL), CLRNN_OK);
    assert_int_equal(clrnn_graph_output(g, "y", "head"), CLRNN_OK);
    if (pooled)
        assert_int_equal(clrnn_graph_output(g, "end", "end"), CLRNN_OK);
    assert_int_equal(clrnn_graph_initialize(g, 11), CLRNN_OK);
    return g;
}

static void run_graph(clrnn_graph_plan *plan, uint32_t T, uint32_t N, const uint32_t *lengths,
                      const float *x, float *y, float *end)
{
    const clrnn_graph_sink out[] = {{"y", y}, {"end", end}};
    const clrnn_graph_io io = {.steps = T,
                               .batch = N,
                               .lengths = lengths,
                               .inputs = &(clrnn_graph_source){"x", x},
                               .outputs = out,
                               .input_count = 1,
                               .output_count = 2};
    assert_int_equal(clrnn_graph_plan_forward(plan, &io), CLRNN_OK);
}

static void through_graph(clrnn_context *context, clrnn_cell cell, bool bidirectional,
                          clrnn_strategy strategy)
{
    clrnn_graph *g = graph_of(cell, bidirectional, true);
    clrnn_graph_plan *plan = NULL;
    uint32_t lengths[ROWS];
    float *x = numbers((size_t)STEPS * ROWS * INPUTS, 3, 1), *own = numbers(STEPS * INPUTS, 1, 1);
    float *y = numbers((size_t)STEPS * ROWS * OUTPUTS, 1, 1), *end = numbers(ROWS * OUTPUTS, 1, 1);
    const clrnn_graph_plan_desc desc = {
        .max_steps = STEPS, .max_batch = ROWS, .strategy = strategy, .gemm = CLRNN_GEMM_PACKED};
    draw_lengths(lengths);
    assert_int_equal(clrnn_graph_plan_create(context, g, &desc, &plan), CLRNN_OK);
    run_graph(plan, STEPS, ROWS, lengths, x, y, end);
    for (uint32_t n = 0; n < ROWS; n++) {
        const uint32_t none = 0, T = lengths[n] ? lengths[n] : 1;
        float alone[STEPS * OUTPUTS] = {0}, alone_end[OUTPUTS];
        take_row(x, n, STEPS, INPUTS, own);
        run_graph(plan, T, 1, lengths[n] ? NULL : &none, own, alone, alone_end);
        same_row("y", n, y, alone, STEPS, OUTPUTS);
        same_row("the last step", n, end, alone_end, 1, OUTPUTS);
    }
    free(x);
    free(own);
    free(y);
    free(end);
    clrnn_graph_plan_destroy(&plan);
    clrnn_graph_destroy(&g);
}

static void test_graphs(void **state)
{
    for (int cell = 0; cell < 3; cell++)
        for (int way = 0; way < 4; way++)
            through_graph(*state, (clrnn_cell)cell, way / 2, strategies[way % 2]);
}

/* --- streams ---------------------------------------------------------------------------------- */

/* What a row was given since it began anew, and gave. */
typedef struct row {
    float x[MOST][INPUTS], y[MOST][OUTPUTS];
    uint32_t done;
} row;

/* The same steps through a stream of one row, cut in another way. */
static void check_alone(clrnn_graph_stream *alone, const row *r, uint32_t n, drawn_numbers *cuts)
{
    float y[MOST][OUTPUTS];
    assert_int_equal(clrnn_graph_stream_reset(alone, 0), CLRNN_OK);
    for (uint32_t t = 0, count; t < r->done; t += count) {
        count = 1 + draw_below(cuts, BLOCK);
        count = count < r->done - t ? count : r->done - t;
        const clrnn_graph_io io = {.steps = count,
                                   .inputs = &(clrnn_graph_source){"x", r->x[t]},
                                   .outputs = &(clrnn_graph_sink){"y", y[t]},
                                   .input_count = 1,
                                   .output_count = 1};
        assert_int_equal(clrnn_graph_stream_process(alone, &io), CLRNN_OK);
    }
    if (memcmp(y, r->y, r->done * sizeof *y) != 0)
        fail_msg("row %u: %u steps have other bits alone", n, r->done);
}

static void play(clrnn_graph_stream *stream, row *rows, uint32_t T, const uint32_t *lengths,
                 drawn_numbers *r)
{
    static float x[BLOCK * ROWS * INPUTS], y[BLOCK * ROWS * OUTPUTS];
    for (size_t i = 0; i < (size_t)T * ROWS * INPUTS; i++)
        x[i] = (float)draw_real(r); /* also past lengths, where nobody looks */
    const clrnn_graph_io io = {.steps = T,
                               .lengths = lengths,
                               .inputs = &(clrnn_graph_source){"x", x},
                               .outputs = &(clrnn_graph_sink){"y", y},
                               .input_count = 1,
                               .output_count = 1};
    assert_int_equal(clrnn_graph_stream_process(stream, &io), CLRNN_OK);
    for (uint32_t n = 0; n < ROWS; n++) {
        row *own = &rows[n];
        take_row(x, n, lengths[n], INPUTS, own->x[own->done]);
        take_row(y, n, lengths[n], OUTPUTS, own->y[own->done]);
        own->done += lengths[n];
    }
}

/* How many steps each row has in a block of T: many none, as those who have not come yet or have
 * gone, some fewer than others, most all. */
static void draw_block(drawn_numbers *r, uint32_t T, const bool here[ROWS], const row *rows,
                       uint32_t lengths[ROWS])
{
    for (uint32_t n = 0; n < ROWS; n++) {
        const uint32_t left = MOST - rows[n].done;
        lengths[n] = !here[n] ? 0 : draw_below(r, 4) == 0 ? draw_below(r, T + 1) : T;
        lengths[n] = lengths[n] < left ? lengths[n] : left;
    }
}

static void company(clrnn_context *context, clrnn_cell cell, uint64_t seed)
{
    drawn_numbers r = {seed};
    clrnn_graph *g = graph_of(cell, false, false);
    clrnn_graph_stream *stream = NULL, *alone = NULL;
    clrnn_graph_stream_desc desc = {.max_steps = BLOCK, .rows = ROWS, .gemm = CLRNN_GEMM_PACKED};
    row *rows = calloc(ROWS, sizeof *rows);
    bool here[ROWS] = {false};
    uint32_t lengths[ROWS], checked = 0;
    assert_int_equal(clrnn_graph_stream_create(context, g, &desc, &stream), CLRNN_OK);
    desc.rows = 1;
    assert_int_equal(clrnn_graph_stream_create(context, g, &desc, &alone), CLRNN_OK);
    for (int block = 0; block < 30; block++) {
        const uint32_t T = 1 + draw_below(&r, BLOCK);
        for (uint32_t n = 0; n < ROWS; n++) {
            here[n] = draw_below(&r, 5) == 0 ? !here[n] : here[n];
            if (draw_below(&r, 12) > 0)
                continue;
            check_alone(alone, &rows[n], n, &r);
            checked += rows[n].done > 0;
            rows[n].done = 0;
            assert_int_equal(clrnn_graph_stream_reset(stream, n), CLRNN_OK);
        }
        draw_block(&r, T, here, rows, lengths);
        play(stream, rows, T, lengths, &r);
    }
    for (uint32_t n = 0; n < ROWS; n++)
        check_alone(alone, &rows[n], n, &r);
    assert_true(checked > ROWS);
    free(rows);
    clrnn_graph_stream_destroy(&alone);
    clrnn_graph_stream_destroy(&stream);
    clrnn_graph_destroy(&g);
}

static void test_streams(void **state)
{
    for (int cell = 0; cell < 3; cell++)
        company(*state, (clrnn_cell)cell, 40 + (uint64_t)cell);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_plans, test_open, test_close),
        cmocka_unit_test_setup_teardown(test_graphs, test_open, test_close),
        cmocka_unit_test_setup_teardown(test_streams, test_open, test_close),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

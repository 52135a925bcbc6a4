/* SPDX-License-Identifier: MIT
 * tests/format/test_onnx_written.c - graphs written as ONNX: read back with the same bits, and as
 * the file of a stranger with the same outputs.
 *
 * usage: test_onnx_written [FIRST COUNT [FOLDER [KIND]]]    the seeds to draw; with FOLDER each
 * graph, which begins with a node of this kind, is left there for another program: SEED.onnx, and
 * SEED.safetensors (graph/left.h) */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "support.h"

#include "graph/left.h"
#include "written.h"

static uint64_t first = 1;
static uint32_t count = 300;
static const char *folder;
static clrnn_node_kind first_kind = CLRNN_NODE_KINDS;

/* --- drawn ---------------------------------------------------------------------------------- */

static void test_same_bits(void **state)
{
    uint32_t refused = 0;
    (void)state;
    for (uint32_t i = 0; i < count; i++) {
        drawn_graph d = draw_graph(first + i, i % 3 ? CLRNN_F32 : CLRNN_F64, 10, CLRNN_NODE_KINDS);
        onnx_round_trip(&d, &refused);
        drawn_free(&d);
    }
    if (count >= 100)
        assert_true(refused < count / 10);
}

static void test_every_kind(void **state)
{
    (void)state;
    for (int kind = 0; kind < CLRNN_NODE_KINDS; kind++) {
        uint32_t refused = 0;
        for (uint64_t seed = 1; seed <= 20; seed++) {
            drawn_graph d = draw_graph(seed, CLRNN_F32, 1, (clrnn_node_kind)kind);
            onnx_round_trip(&d, &refused);
            drawn_free(&d);
        }
        assert_true(refused < 10);
    }
}

static void same_meaning(uint32_t most, clrnn_node_kind kind)
{
    uint32_t read = 0;
    for (uint32_t i = 0; i < count; i++) {
        drawn_graph d = draw_graph(first + i, CLRNN_F32, most, kind);
        read += onnx_meant(&d, false);
        drawn_free(&d);
    }
    if (count >= 100)
        assert_true(read > count / 2);
}

static void test_same_meaning(void **state)
{
    (void)state;
    same_meaning(6, CLRNN_NODE_KINDS);
}

/* Options of cells are rare among all. */
static void test_cells(void **state)
{
    (void)state;
    same_meaning(1, CLRNN_NODE_RECURRENT);
}

/* --- one network ------------------------------------------------------------------------------ */

static clrnn_graph *of_network(clrnn_network_desc network, const char *lengths)
{
    clrnn_graph *g = NULL;
    const clrnn_graph_input_desc x = {
        .name = "x", .rank = 3, .shape = {CLRNN_BATCH, CLRNN_STEPS, 3}};
    const clrnn_graph_input_desc n = {.name = "n", .rank = 1, .shape = {CLRNN_BATCH}, .ids = true};
    network.hidden_size = 4;
    network.num_layers = 2;
    const clrnn_node_desc node = {.kind = CLRNN_NODE_RECURRENT,
                                  .name = "rnn",
                                  .network = network,
                                  .inputs = {"x", NULL, NULL, lengths}};
    assert_int_equal(clrnn_graph_create(&test_log, NULL, &g), CLRNN_OK);
    assert_int_equal(clrnn_graph_input(g, &x), CLRNN_OK);
    if (lengths)
        assert_int_equal(clrnn_graph_input(g, &n), CLRNN_OK);
    assert_int_equal(clrnn_graph_add(g, &node, NULL), CLRNN_OK);
    assert_int_equal(clrnn_graph_output(g, "y", NULL), CLRNN_OK);
    assert_int_equal(clrnn_graph_output(g, "h", "rnn.hn"), CLRNN_OK);
    assert_int_equal(clrnn_graph_initialize(g, 11 + (uint64_t)network.cell), CLRNN_OK);
    return g;
}

/* Written, read back, and read as a stranger's. */
static void check_network(clrnn_network_desc network, const char *lengths)
{
    drawn_graph d = {.graph = of_network(network, lengths), .steps = 3, .batch = 7};
    uint32_t refused = 0;
    onnx_round_trip(&d, &refused);
    assert_int_equal(refused, 0);
    assert_true(onnx_meant(&d, true));
    drawn_free(&d);
}

/* Lengths of a node's own: bounded by 0 and T, also where they say more. */
static clrnn_graph *with_lengths(clrnn_cell cell, bool both)
{
    return of_network((clrnn_network_desc){.cell = cell, .bidirectional = both, .reverse = !both},
                      "n");
}

static void test_lengths(void **state)
{
    (void)state;
    for (int i = 0; i < 6; i++)
        check_network((clrnn_network_desc){.cell = (clrnn_cell)(i / 2),
                                           .bidirectional = i % 2,
                                           .reverse = !(i % 2)},
                      "n");
}

/* What is too rare among what is drawn. */
static void test_coupled(void **state)
{
    (void)state;
    for (int i = 0; i < 6; i++)
        check_network((clrnn_network_desc){.coupled_gates = true,
                                           .peepholes = i % 2,
                                           .bidirectional = i / 2 == 1,
                                           .reverse = i / 2 == 2},
                      NULL);
}

/* --- for others ------------------------------------------------------------------------------- */

static void leave(void **state, const drawn_graph *d)
{
    char path[600];
    snprintf(path, sizeof path, "%s/%llu.onnx", folder, (unsigned long long)d->seed);
    if (!onnx_written(d, path))
        return;
    drawn_pass pass = drawn_run(d, *state, false);
    drawn_leave(d, &pass, false, folder);
    drawn_pass_free(d, &pass);
}

static void test_leave(void **state)
{
    for (uint32_t i = 0; folder && i < count; i++) {
        drawn_graph d =
            draw_graph(first + i, CLRNN_F32, first_kind == CLRNN_NODE_KINDS ? 8 : 2, first_kind);
        free(d.lengths); /* those of a pass are no part of a graph */
        d.lengths = NULL;
        leave(state, &d);
        drawn_free(&d);
    }
    for (int i = 0; folder && first_kind == CLRNN_NODE_KINDS && i < 6; i++) {
        drawn_graph d = {.seed = 1000000u + (uint64_t)i,
                         .graph = with_lengths((clrnn_cell)(i / 2), i % 2),
                         .steps = 3,
                         .batch = 7};
        leave(state, &d);
        drawn_free(&d);
    }
}

int main(int argc, char **argv)
{
    char **rest = drawn_arguments(argc, argv, &first, &count);
    folder = rest[0];
    first_kind = drawn_kind(folder ? rest[1] : NULL);
    const struct CMUnitTest for_others[] = {
        cmocka_unit_test_setup_teardown(test_leave, test_open, test_close)};
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_same_bits),    cmocka_unit_test(test_every_kind),
        cmocka_unit_test(test_same_meaning), cmocka_unit_test(test_cells),
        cmocka_unit_test(test_lengths),      cmocka_unit_test(test_coupled),
    };
    return folder ? cmocka_run_group_tests(for_others, NULL, NULL)
                  : cmocka_run_group_tests(tests, NULL, NULL);
}

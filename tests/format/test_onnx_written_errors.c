/* SPDX-License-Identifier: MIT
 * tests/format/test_onnx_written_errors.c - graphs written as ONNX: what has no form, names that
 * collide, files that somebody has changed or damaged, disks that are full. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "support.h"

#include "written.h"

#include "base/file.h"
#include "base/memory.h"

/* --- one graph -------------------------------------------------------------------------------- */

static clrnn_graph *network(clrnn_network_desc desc, bool with_states)
{
    clrnn_graph *g = NULL;
    const clrnn_graph_input_desc x = {
        .name = "x", .rank = 3, .shape = {CLRNN_STEPS, CLRNN_BATCH, 3}};
    const clrnn_graph_input_desc h = {.name = "h", .rank = 3, .shape = {1, CLRNN_BATCH, 2}};
    desc.hidden_size = 4;
    assert_int_equal(clrnn_graph_create(&test_log, NULL, &g), CLRNN_OK);
    assert_int_equal(clrnn_graph_input(g, &x), CLRNN_OK);
    if (with_states)
        assert_int_equal(clrnn_graph_input(g, &h), CLRNN_OK);
    const clrnn_node_desc node = {.kind = CLRNN_NODE_RECURRENT,
                                  .name = "rnn",
                                  .network = desc,
                                  .inputs = {"x", with_states ? "h" : NULL}};
    assert_int_equal(clrnn_graph_add(g, &node, NULL), CLRNN_OK);
    assert_int_equal(clrnn_graph_output(g, "y", NULL), CLRNN_OK);
    assert_int_equal(clrnn_graph_initialize(g, 7), CLRNN_OK);
    return g;
}

static void test_no_form(void **state)
{
    static const struct {
        clrnn_network_desc network;
        bool states;
        const char *part;
    } cases[] = {{{.cell_clip = 1}, false, "cell_clip"},
                 {{.layer_norm = true}, false, "layer_norm"},
                 {{.cell = CLRNN_CELL_GRU, .zoneout = 0.5f}, false, "zoneout, of which"},
                 {{.zoneout_cell = 0.5f}, false, "the expectation (zoneout_cell)"},
                 {{.proj_size = 2, .proj_clip = 1}, false, "proj_clip"},
                 {{.cell = CLRNN_CELL_GRU, .activations = {{{CLRNN_FN_SOFTSIGN, 0, 0}}}},
                  false,
                  "an update gate that replaces, with the function softsign"},
                 {{.proj_size = 2}, true, "a projection together with an initial state"}};
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        clrnn_graph *g = network(cases[i].network, cases[i].states);
        const char *path = onnx_path("none.onnx");
        assert_int_equal(clrnn_graph_export(g, path, NULL), CLRNN_ERR_UNSUPPORTED);
        assert_non_null(strstr(test_last_error, cases[i].part));
        assert_non_null(strstr(test_last_error, "'rnn'"));
        assert_null(strchr(test_last_error, '\n'));
        FILE *file = fopen(path, "rb");
        assert_null(file);
        clrnn_graph_destroy(&g);
    }
}

/* Steps that do not count in a way that ONNX does not know. */
static void test_masks(void **state)
{
    (void)state;
    for (int mask = 0; mask < 2; mask++) {
        clrnn_graph *g = NULL;
        const clrnn_graph_input_desc x = {
            .name = "x", .rank = 3, .shape = {CLRNN_STEPS, CLRNN_BATCH, 3}};
        const clrnn_graph_input_desc m = {
            .name = "m", .rank = 2, .shape = {CLRNN_STEPS, CLRNN_BATCH}};
        const clrnn_graph_input_desc n = {
            .name = "n", .rank = 1, .shape = {CLRNN_BATCH}, .ids = true};
        const clrnn_node_desc node = {
            .kind = CLRNN_NODE_RECURRENT,
            .name = "rnn",
            .network = {.hidden_size = 4},
            .repeat = !mask,
            .inputs = {"x", NULL, NULL, mask ? NULL : "n", mask ? "m" : NULL}};
        assert_int_equal(clrnn_graph_create(&test_log, NULL, &g), CLRNN_OK);
        assert_int_equal(clrnn_graph_input(g, &x), CLRNN_OK);
        assert_int_equal(clrnn_graph_input(g, mask ? &m : &n), CLRNN_OK);
        assert_int_equal(clrnn_graph_add(g, &node, NULL), CLRNN_OK);
        assert_int_equal(clrnn_graph_output(g, "y", NULL), CLRNN_OK);
        assert_int_equal(clrnn_graph_export(g, onnx_path("mask.onnx"), NULL),
                         CLRNN_ERR_UNSUPPORTED);
        assert_non_null(strstr(test_last_error, mask ? "a mask of steps" : "y is not 0"));
        clrnn_graph_destroy(&g);
    }
}

/* How inference keeps weights stays said, and they are written as they are. */
static void test_storage(void **state)
{
    (void)state;
    clrnn_graph *g = NULL;
    const clrnn_graph_input_desc x = {
        .name = "x", .rank = 3, .shape = {CLRNN_STEPS, CLRNN_BATCH, 3}};
    assert_int_equal(clrnn_graph_create(&test_log, NULL, &g), CLRNN_OK);
    assert_int_equal(clrnn_graph_input(g, &x), CLRNN_OK);
    assert_int_equal(clrnn_graph_add(g,
                                     &(clrnn_node_desc){.kind = CLRNN_NODE_RECURRENT,
                                                        .network = {.hidden_size = 4},
                                                        .weights = CLRNN_WEIGHTS_F16},
                                     NULL),
                     CLRNN_OK);
    assert_int_equal(clrnn_graph_output(g, "y", NULL), CLRNN_OK);
    assert_int_equal(clrnn_graph_initialize(g, 3), CLRNN_OK);
    assert_int_equal(clrnn_graph_export(g, onnx_path("f16.onnx"), NULL), CLRNN_OK);
    clrnn_graph *back = onnx_read_back(onnx_path("f16.onnx"), NULL);
    assert_same_graphs(g, back);
    assert_int_equal(clrnn_graph_node(back, 0)->weights, CLRNN_WEIGHTS_F16);
    clrnn_graph_destroy(&back);
    clrnn_graph_destroy(&g);
}

/* --- names ------------------------------------------------------------------------------------ */

/* x -> a -> b, with outputs under names of other values. */
static clrnn_graph *chain(const char *out_a, const char *out_b)
{
    clrnn_graph *g = NULL;
    const clrnn_graph_input_desc x = {
        .name = "x", .rank = 3, .shape = {CLRNN_STEPS, CLRNN_BATCH, 3}};
    assert_int_equal(clrnn_graph_create(&test_log, NULL, &g), CLRNN_OK);
    assert_int_equal(clrnn_graph_input(g, &x), CLRNN_OK);
    for (int i = 0; i < 2; i++)
        assert_int_equal(clrnn_graph_add(g,
                                         &(clrnn_node_desc){.kind = CLRNN_NODE_DENSE,
                                                            .name = i ? "b" : "a",
                                                            .units = i ? 2 : 4},
                                         NULL),
                         CLRNN_OK);
    assert_int_equal(clrnn_graph_output(g, out_a, "a"), CLRNN_OK);
    assert_int_equal(clrnn_graph_output(g, out_b, "b"), CLRNN_OK);
    assert_int_equal(clrnn_graph_initialize(g, 5), CLRNN_OK);
    return g;
}

static void test_names(void **state)
{
    static const char *const names[][2] = {
        {"a", "b"},          {"b", "a"},         {"b", "y"},        {"y", "a"},
        {"a#weight", "a#0"}, {"a##0", "b#bias"}, {"b.weight", "x#"}};
    (void)state;
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        clrnn_graph *g = chain(names[i][0], names[i][1]);
        drawn_graph d = {.seed = i, .graph = g, .steps = 3, .batch = 2};
        uint32_t refused = 0;
        onnx_round_trip(&d, &refused);
        assert_int_equal(refused, 0);
        assert_true(onnx_meant(&d, false));
        clrnn_graph_destroy(&g);
    }
}

static void test_bad_names(void **state)
{
    static const struct {
        const char *name, *part;
    } cases[] = {{"\xff", "no UTF-8"}, {"####################", "too many '#'"}};
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        clrnn_graph *g = chain("y", cases[i].name);
        assert_int_equal(clrnn_graph_export(g, onnx_path("names.onnx"), NULL),
                         CLRNN_ERR_UNSUPPORTED);
        assert_non_null(strstr(test_last_error, cases[i].part));
        clrnn_graph_destroy(&g);
    }
}

/* --- a file that somebody has changed --------------------------------------------------------- */

static char *bytes_of(const char *path, size_t *size)
{
    void *data = NULL;
    assert_int_equal(clr_file_read(path, &test_log, &data, size), CLRNN_OK);
    return data;
}

static void put_bytes(const char *path, const void *data, size_t size)
{
    const clr_piece piece = {data, size};
    assert_int_equal(clr_file_write(path, &piece, 1, &test_log), CLRNN_OK);
}

static char *find_bytes(char *data, size_t size, const void *what, size_t length)
{
    for (size_t i = 0; i + length <= size; i++)
        if (memcmp(data + i, what, length) == 0)
            return data + i;
    fail_msg("what was looked for is not there");
    return NULL;
}

/* Weights that were trained elsewhere are those of the graph. */
static void test_changed_weight(void **state)
{
    (void)state;
    clrnn_graph *g = network((clrnn_network_desc){.cell = CLRNN_CELL_GRU}, false);
    const float own = 0.123456f, other = -7.5f;
    size_t size = 0;
    ((float *)g->data)[0] = own; /* of r, which stays as it is */
    const char *path = onnx_path("changed.onnx");
    assert_int_equal(clrnn_graph_export(g, path, NULL), CLRNN_OK);
    char *data = bytes_of(path, &size);
    memcpy(find_bytes(data, size, &own, sizeof own), &other, sizeof other);
    put_bytes(path, data, size);
    free(data);
    clrnn_graph *back = onnx_read_back(path, NULL);
    ((float *)g->data)[0] = other;
    assert_same_graphs(g, back);
    clrnn_graph_destroy(&back);
    clrnn_graph_destroy(&g);
}

/* Where a node is another one now the description says nothing any more. */
static void test_changed_node(void **state)
{
    (void)state;
    clrnn_graph *g = NULL;
    const clrnn_graph_input_desc x = {.name = "x", .rank = 1, .shape = {3}};
    size_t size = 0;
    assert_int_equal(clrnn_graph_create(&test_log, NULL, &g), CLRNN_OK);
    assert_int_equal(clrnn_graph_input(g, &x), CLRNN_OK);
    assert_int_equal(
        clrnn_graph_add(
            g, &(clrnn_node_desc){.kind = CLRNN_NODE_ACTIVATION, .function = CLRNN_FN_TANH}, NULL),
        CLRNN_OK);
    assert_int_equal(clrnn_graph_output(g, "y", NULL), CLRNN_OK);
    const char *path = onnx_path("node.onnx");
    assert_int_equal(clrnn_graph_export(g, path, NULL), CLRNN_OK);
    char *data = bytes_of(path, &size);
    memcpy(find_bytes(data, size, "Tanh", 4), "Ceil", 4);
    put_bytes(path, data, size);
    free(data);
    clrnn_graph *back = onnx_read_back(path, NULL);
    assert_int_equal(clrnn_graph_node(back, 0)->function, CLRNN_FN_CEIL);
    clrnn_graph_destroy(&back);
    clrnn_graph_destroy(&g);
}

/* `what` in the file becomes `by`, filled up with blanks. */
static void replace(char *data, size_t size, const char *what, const char *by)
{
    char *at = find_bytes(data, size, what, strlen(what));
    assert_true(strlen(by) <= strlen(what));
    memset(at, ' ', strlen(what));
    memcpy(at, by, strlen(by));
}

/* A description of what is far larger than the file is not followed. */
static void test_large_description(void **state)
{
    (void)state;
    static const char name[] = "an_input_with_a_long_name";
    clrnn_graph *g = NULL;
    const clrnn_graph_input_desc x = {
        .name = name, .rank = 3, .shape = {CLRNN_STEPS, CLRNN_BATCH, 3}};
    const clrnn_node_desc norm = {.kind = CLRNN_NODE_LAYER_NORM, .no_bias = true};
    size_t size = 0;
    assert_int_equal(clrnn_graph_create(&test_log, NULL, &g), CLRNN_OK);
    assert_int_equal(clrnn_graph_input(g, &x), CLRNN_OK);
    assert_int_equal(clrnn_graph_add(g, &norm, NULL), CLRNN_OK);
    assert_int_equal(clrnn_graph_output(g, "y", NULL), CLRNN_OK);
    const char *path = onnx_path("large.onnx");
    assert_int_equal(clrnn_graph_export(g, path, NULL), CLRNN_OK);
    char *data = bytes_of(path, &size);
    replace(data, size, "\"an_input_with_a_long_name\",\"shape\":[-1,-2,3]",
            "\"x\",\"shape\":[-1,-2,3000000000]");
    replace(data, size, "\"inputs\":[\"an_input_with_a_long_name\"]", "\"inputs\":[\"x\"]");
    put_bytes(path, data, size);
    free(data);
    clrnn_graph *back = onnx_read_back(path, NULL);
    clrnn_value_info info;
    assert_true(clrnn_graph_input_at(back, 0, &info));
    assert_string_equal(info.name, name);
    clrnn_graph_destroy(&back);
    clrnn_graph_destroy(&g);
}

/* Whatever byte is another one: a graph, or a reason. */
static void test_damaged(void **state)
{
    (void)state;
    clrnn_graph *g = network((clrnn_network_desc){.cell = CLRNN_CELL_RNN, .num_layers = 2}, false);
    const char *path = onnx_path("damaged.onnx");
    size_t size = 0;
    assert_int_equal(clrnn_graph_export(g, path, NULL), CLRNN_OK);
    char *data = bytes_of(path, &size);
    for (size_t i = 0; i < size; i += 7) {
        clrnn_graph *back = NULL;
        const char was = data[i];
        data[i] = (char)(was ^ 1 << i % 7);
        put_bytes(path, data, size);
        const clrnn_status status = clrnn_graph_import(path, NULL, NULL, &back);
        assert_true((status == CLRNN_OK) == (back != NULL));
        clrnn_graph_destroy(&back);
        data[i] = was;
    }
    free(data);
    clrnn_graph_destroy(&g);
}

/* --- what goes wrong -------------------------------------------------------------------------- */

static void test_full_disk(void **state)
{
    (void)state;
    clrnn_graph *g = chain("y", "z");
    const char *path = onnx_path("full.onnx");
    put_bytes(path, "before", 6);
    clr_fault_inject(CLR_FAULT_WRITE, 1);
    assert_int_equal(clrnn_graph_export(g, path, NULL), CLRNN_ERR_IO);
    clr_fault_inject(CLR_FAULT_WRITE, 0);
    size_t size = 0;
    char *data = bytes_of(path, &size);
    assert_int_equal(size, 6);
    assert_memory_equal(data, "before", 6);
    free(data);
    assert_int_equal(clrnn_graph_export(g, onnx_path("no/such/folder.onnx"), NULL), CLRNN_ERR_IO);
    clrnn_graph_destroy(&g);
}

static void test_no_memory(void **state)
{
    (void)state;
    clrnn_graph *g = chain("y", "z"), *back = NULL;
    const char *path = onnx_path("memory.onnx");
    clrnn_status status = CLRNN_ERR_MEMORY;
    for (long k = 1; status != CLRNN_OK; k++) {
        assert_true(k < 1000);
        clr_fault_inject(CLR_FAULT_MEMORY, -k);
        status = clrnn_graph_export(g, path, NULL);
        clr_fault_inject(CLR_FAULT_MEMORY, 0);
        assert_true(status == CLRNN_OK || status == CLRNN_ERR_MEMORY);
    }
    status = CLRNN_ERR_MEMORY;
    for (long k = 1; status != CLRNN_OK; k++) {
        assert_true(k < 3000);
        clr_fault_inject(CLR_FAULT_MEMORY, -k);
        status = clrnn_graph_import(path, NULL, &test_log, &back);
        clr_fault_inject(CLR_FAULT_MEMORY, 0);
        assert_true(status == CLRNN_OK || !back);
    }
    assert_same_graphs(g, back);
    clrnn_graph_destroy(&back);
    clrnn_graph_destroy(&g);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_no_form),      cmocka_unit_test(test_masks),
        cmocka_unit_test(test_storage),      cmocka_unit_test(test_names),
        cmocka_unit_test(test_bad_names),    cmocka_unit_test(test_changed_weight),
        cmocka_unit_test(test_changed_node), cmocka_unit_test(test_large_description),
        cmocka_unit_test(test_damaged),      cmocka_unit_test(test_full_disk),
        cmocka_unit_test(test_no_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

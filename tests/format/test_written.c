/* SPDX-License-Identifier: MIT
 * tests/format/test_written.c - models written in other formats and read back: the same graph, the
 * same bits; and what has no form there. */
#include "brought.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/memory.h"
#include "model/graph_description.h"

static const char *path_of(const char *name)
{
    static char path[600];
    snprintf(path, sizeof path, "%s/%s", test_folder(), name);
    return path;
}

/* The same nodes with the same parameters, to the bit. */
static void assert_same(const clrnn_graph *a, const clrnn_graph *b)
{
    char *x = NULL, *y = NULL;
    assert_int_equal(clr_graph_describe(a, &test_log, &x), CLRNN_OK);
    assert_int_equal(clr_graph_describe(b, &test_log, &y), CLRNN_OK);
    assert_string_equal(x, y);
    assert_int_equal(clrnn_graph_parameter_count(a), clrnn_graph_parameter_count(b));
    assert_memory_equal(clrnn_graph_data((clrnn_graph *)(uintptr_t)a),
                        clrnn_graph_data((clrnn_graph *)(uintptr_t)b),
                        clrnn_graph_parameter_count(a) * sizeof(float));
    free(x);
    free(y);
}

static clrnn_graph *read_back(const clrnn_graph *graph, const char *name, const char *format)
{
    clrnn_graph *back = NULL;
    assert_int_equal(clrnn_graph_export(graph, path_of(name), format), CLRNN_OK);
    assert_int_equal(clrnn_graph_import(path_of(name), NULL, &test_log, &back), CLRNN_OK);
    return back;
}

static void round_trip(const char *model, const char *name, const char *format)
{
    clrnn_graph *graph = imported(model, NULL, NULL), *back = read_back(graph, name, format);
    assert_same(graph, back);
    clrnn_graph_destroy(&back);
    clrnn_graph_destroy(&graph);
}

static const char *const models[] = {"models/nam/lstm.nam", "models/rtneural/full_model.json",
                                     "models/rtneural/lstm_torch.json",
                                     "models/rtneural/gru_1d.json"};
enum { MODELS = sizeof models / sizeof *models };

static void test_own(void **state)
{
    (void)state;
    for (int i = 0; i < MODELS; i++)
        round_trip(models[i], "own.safetensors", NULL);
}

static void test_npz(void **state)
{
    (void)state;
    for (int i = 0; i < MODELS; i++)
        round_trip(models[i], "arrays.npz", NULL);
}

/* The same model gives the same file. */
static void test_npz_bytes(void **state)
{
    (void)state;
    void *data[2];
    size_t size[2];
    for (int i = 0; i < 2; i++) {
        clrnn_graph *graph = imported(models[1], NULL, NULL);
        assert_int_equal(clrnn_graph_export(graph, path_of("same.npz"), NULL), CLRNN_OK);
        assert_int_equal(clr_file_read(path_of("same.npz"), &test_log, &data[i], &size[i]),
                         CLRNN_OK);
        clrnn_graph_destroy(&graph);
    }
    assert_int_equal(size[0], size[1]);
    assert_memory_equal(data[0], data[1], size[0]);
    free(data[0]);
    free(data[1]);
}

/* PyTorch's names and shapes; it has two biases where the file has one. */
static void test_pytorch(void **state)
{
    (void)state;
    round_trip("models/rtneural/gru_1d.json", "states.safetensors", "pytorch");
    round_trip("models/rtneural/lstm_torch.json", "states.safetensors", "pytorch");
    clrnn_graph *graph = imported("models/rtneural/lstm_1d.json", NULL, NULL);
    clrnn_graph *back = read_back(graph, "states.safetensors", "pytorch");
    clrnn_graph_parameter p;
    assert_false(clrnn_graph_parameter_find(graph, "layer0.bias_hh_l0", &p));
    assert_true(clrnn_graph_parameter_find(back, "layer0.bias_hh_l0", &p));
    for (size_t i = 0; i < p.count; i++)
        assert_true(((float *)clrnn_graph_data(back))[p.offset + i] == 0);
    clrnn_graph_destroy(&back);
    clrnn_graph_destroy(&graph);
}

/* Layers come back with the same parameters, whatever their names. */
static void test_rtneural(void **state)
{
    (void)state;
    static const char *const files[] = {"gru", "gru_1d", "lstm", "lstm_1d", "full_model"};
    for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
        char name[64];
        snprintf(name, sizeof name, "models/rtneural/%s.json", files[i]);
        clrnn_graph *graph = imported(name, NULL, NULL);
        clrnn_graph *back = read_back(graph, "model.json", "rtneural");
        assert_int_equal(clrnn_graph_parameter_count(graph), clrnn_graph_parameter_count(back));
        assert_memory_equal(clrnn_graph_data(graph), clrnn_graph_data(back),
                            clrnn_graph_parameter_count(graph) * sizeof(float));
        clrnn_graph_destroy(&back);
        clrnn_graph_destroy(&graph);
    }
}

/* --- one network ------------------------------------------------------------------------------ */

static clrnn_graph *network(clrnn_network_desc desc)
{
    clrnn_graph *g = NULL;
    const clrnn_graph_input_desc x = {
        .name = "x", .rank = 3, .shape = {CLRNN_STEPS, CLRNN_BATCH, 3}};
    desc.hidden_size = 4;
    assert_int_equal(clrnn_graph_create(&test_log, NULL, &g), CLRNN_OK);
    assert_int_equal(clrnn_graph_input(g, &x), CLRNN_OK);
    const clrnn_node_desc node = {.kind = CLRNN_NODE_RECURRENT, .name = "rnn", .network = desc};
    assert_int_equal(clrnn_graph_add(g, &node, NULL), CLRNN_OK);
    assert_int_equal(clrnn_graph_output(g, "y", NULL), CLRNN_OK);
    assert_int_equal(clrnn_graph_initialize(g, 7), CLRNN_OK);
    return g;
}

/* An update gate that opens the other way is turned round: the same function, to the bit that
 * rounding leaves. */
static void test_turned_gate(void **state)
{
    static const struct {
        const char *name, *format;
    } ways[] = {{"states.safetensors", "pytorch"}, {"model.json", "rtneural"}};
    double x[5 * 2 * 3];
    for (size_t i = 0; i < sizeof x / sizeof *x; i++)
        x[i] = (double)(i * 7 % 11) / 5 - 1;
    const fed in = {"x", x};
    for (int i = 0; i < 2; i++) {
        size_t count = 0, count_back = 0;
        clrnn_graph *graph =
            network((clrnn_network_desc){.cell = CLRNN_CELL_GRU, .gru_reset = CLRNN_RESET_AFTER});
        clrnn_graph *back = read_back(graph, ways[i].name, ways[i].format);
        const clrnn_network_desc *n = &clrnn_graph_node(back, 0)->network;
        assert_int_equal(n->gru_update, CLRNN_UPDATE_KEEPS);
        double *y = ran(state, graph, 5, 2, NULL, &in, 1, "y", &count);
        double *z = ran(state, back, 5, 2, NULL, &in, 1, "y", &count_back);
        assert_int_equal(count, count_back);
        assert_true(test_error(z, y, count) < 1e-6);
        free(y);
        free(z);
        clrnn_graph_destroy(&back);
        clrnn_graph_destroy(&graph);
    }
}

static void test_without_form(void **state)
{
    (void)state;
    static const struct {
        clrnn_network_desc desc;
        const char *pytorch, *rtneural; /* NULL: there is a form */
    } cases[] = {
        {{.cell = CLRNN_CELL_GRU}, "reset before the product", "reset before the product"},
        {{.peepholes = true}, "peepholes", "peepholes"},
        {{.reverse = true}, "a backward direction alone", "a backward direction"},
        {{.bidirectional = true}, NULL, "a backward direction"},
        {{.bidirectional = true, .merge = CLRNN_MERGE_SUM}, "sum of both", "a backward direction"},
        {{.proj_size = 2}, NULL, "a projection"},
        {{.cell = CLRNN_CELL_RNN}, NULL, "the cell rnn"},
        {{.gate_clip = 3}, "clip", "clip"},
        {{.num_layers = 2, .no_bias = true}, NULL, NULL},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        clrnn_graph *graph = network(cases[i].desc);
        for (int k = 0; k < 2; k++) {
            const char *part = k ? cases[i].rtneural : cases[i].pytorch;
            const clrnn_status status = clrnn_graph_export(
                graph, path_of(k ? "form.json" : "form.safetensors"), k ? "rtneural" : "pytorch");
            assert_int_equal(status, part ? CLRNN_ERR_UNSUPPORTED : CLRNN_OK);
            if (part)
                assert_error_contains(part);
        }
        clrnn_graph_destroy(&graph);
    }
    clrnn_graph *graph = network((clrnn_network_desc){0});
    assert_int_equal(clrnn_graph_export(graph, path_of("form.pt"), "pytorch"), CLRNN_ERR_ARGUMENT);
    assert_error_contains("ends in .safetensors");
    clrnn_graph_destroy(&graph);
}

/* Every allocation and every write may fail: the old file stays. */
static void test_failures(void **state)
{
    (void)state;
    static const struct {
        const char *name, *format;
    } ways[] = {{"f.npz", NULL}, {"f.json", "rtneural"}, {"f.safetensors", "pytorch"}};
    clrnn_graph *graph = imported("models/rtneural/gru_1d.json", NULL, NULL);
    for (int i = 0; i < 3; i++) {
        clrnn_status status = CLRNN_ERR_MEMORY;
        for (long n = 1; status == CLRNN_ERR_MEMORY; n++) {
            clr_fault_inject(CLR_FAULT_MEMORY, n);
            status = clrnn_graph_export(graph, path_of(ways[i].name), ways[i].format);
            clr_fault_inject(CLR_FAULT_MEMORY, 0);
            if (status != CLRNN_OK)
                assert_error_contains("");
        }
        assert_int_equal(status, CLRNN_OK);
        clr_fault_inject(CLR_FAULT_WRITE, 1);
        status = clrnn_graph_export(graph, path_of(ways[i].name), ways[i].format);
        clr_fault_inject(CLR_FAULT_WRITE, 0);
        assert_int_equal(status, CLRNN_ERR_IO);
        assert_error_contains("");
        clrnn_graph *back = NULL;
        assert_int_equal(clrnn_graph_import(path_of(ways[i].name), NULL, &test_log, &back),
                         CLRNN_OK);
        clrnn_graph_destroy(&back);
    }
    clrnn_graph_destroy(&graph);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_own),
        cmocka_unit_test(test_npz),
        cmocka_unit_test(test_npz_bytes),
        cmocka_unit_test(test_pytorch),
        cmocka_unit_test(test_rtneural),
        cmocka_unit_test_setup_teardown(test_turned_gate, test_open, test_close),
        cmocka_unit_test(test_without_form),
        cmocka_unit_test(test_failures),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: MIT
 * tests/format/test_keras_files.c - .keras and .h5 (tests/data/models/keras_files): what they
 * compute, and files that are damaged or made to harm. */
#include "brought.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"

#define FOLDER "models/keras_files/"

static clrnn_tensors *results(const char *name)
{
    clrnn_tensors *set = NULL;
    static const char *const files[] = {"results", "backwards", "layers", "stacks", "keras_2"};
    char key[64], path[64];
    snprintf(key, sizeof key, "%s.x0", name);
    for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
        snprintf(path, sizeof path, FOLDER "%s.safetensors", files[i]);
        assert_int_equal(clrnn_tensors_load(test_data(path), &test_log, &set), CLRNN_OK);
        if (clrnn_tensors_find(set, key))
            return set;
        clrnn_tensors_destroy(&set);
    }
    fail_msg("nobody has computed %s", name);
    return set;
}

/* Inputs NAME.x0, NAME.x1; each output must be NAME.y0, ... */
static void check_by(void **state, const char *file, const char *arch, const char *name,
                     const char *const *inputs, const char *const *outputs, uint32_t steps)
{
    clrnn_tensors *set = results(name);
    clrnn_graph *graph = imported(file, arch, NULL);
    fed in[3] = {{NULL, NULL}, {NULL, NULL}, {NULL, NULL}};
    uint32_t input_count = 0;
    char key[64];
    size_t count = 0;
    for (; inputs[input_count]; input_count++) {
        snprintf(key, sizeof key, "%s.x%u", name, input_count);
        in[input_count] = (fed){inputs[input_count], numbers_of(set, key, &count)};
    }
    for (int i = 0; outputs[i]; i++) {
        size_t expected_count = 0;
        snprintf(key, sizeof key, "%s.y%d", name, i);
        double *expected = numbers_of(set, key, &expected_count);
        double *y = ran(state, graph, steps, 2, NULL, in, input_count, outputs[i], &count);
        assert_int_equal(count, expected_count);
        const double error = test_error(y, expected, count);
        if (error > 2e-6)
            fail_msg("%s, %s: error %g", file, outputs[i], error);
        free(expected);
        free(y);
    }
    for (uint32_t i = 0; i < input_count; i++)
        free((void *)(uintptr_t)in[i].data);
    clrnn_graph_destroy(&graph);
    clrnn_tensors_destroy(&set);
}

static void check(void **state, const char *file, const char *name, const char *const *inputs,
                  const char *const *outputs, uint32_t steps)
{
    check_by(state, file, NULL, name, inputs, outputs, steps);
}

static const char *const row_in[] = {"x", NULL}, *const row_out[] = {"y", NULL};

static void test_row(void **state)
{
    check(state, FOLDER "row.keras", "row", row_in, row_out, 7);
    check(state, FOLDER "row_h5.h5", "row_h5", row_in, row_out, 7);
}

/* Weights alone, with what model.to_json() says. */
static void test_json(void **state)
{
    char config[600];
    snprintf(config, sizeof config, "%s", test_data(FOLDER "row.json"));
    check_by(state, FOLDER "row.weights.h5", config, "row_h5", row_in, row_out, 7);
}

/* All outputs of a file; key: of its numbers. */
static void check_all(void **state, const char *file, const char *key, const char *const *in,
                      uint32_t outputs, uint32_t steps)
{
    char names[8][64];
    const char *out[9] = {NULL};
    clrnn_value_info info;
    clrnn_graph *graph = imported(file, NULL, NULL);
    assert_int_equal(clrnn_graph_outputs(graph), outputs);
    for (uint32_t k = 0; k < outputs; k++) {
        assert_true(clrnn_graph_output_at(graph, k, &info));
        snprintf(names[k], sizeof names[k], "%s", info.name);
        out[k] = names[k];
    }
    clrnn_graph_destroy(&graph);
    check(state, file, key, in, out, steps);
}

/* The same in both kinds of files. */
static void check_both(void **state, const char *name, const char *const *in, uint32_t outputs,
                       uint32_t steps)
{
    static const char *const endings[] = {".keras", "_h5.h5"};
    for (int i = 0; i < 2; i++) {
        char file[80], key[40];
        snprintf(file, sizeof file, FOLDER "%s%s", name, endings[i]);
        snprintf(key, sizeof key, "%s%s", name, i ? "_h5" : "");
        check_all(state, file, key, in, outputs, steps);
    }
}

/* Two inputs, one of symbols; states handed on; a shared layer; three outputs. */
static void test_graph(void **state)
{
    static const char *const in[] = {"ids", "x", NULL};
    check_both(state, "graph", in, 3, 5);
}

/* Masks that begin at Masking, at an Embedding and at an input, and what layers make of them. */
static void test_masks(void **state)
{
    static const char *const in[] = {"ids", "x", "given", NULL};
    check(state, FOLDER "masked.keras", "masked", row_in, row_out, 6);
    check_both(state, "masks", in, 8, 5);
}

/* go_backwards with return_sequences: y in the order in which it is made, masks as they were. */
static void test_backwards(void **state)
{
    static const char *const in[] = {"ids", "x", NULL};
    check_both(state, "backwards", in, 8, 5);
}

/* What stands around recurrent layers, in rows; time has a size, or not. */
static void test_rows(void **state)
{
    check(state, FOLDER "coder.keras", "coder", row_in, row_out, 6);
    check(state, FOLDER "windows.keras", "windows", row_in, row_out, 9);
    check(state, FOLDER "pictures.keras", "pictures", row_in, row_out, 6);
}

/* Models that are layers, and layers for each step; all kinds of attention. */
static void test_whole_models(void **state)
{
    check_both(state, "nested", row_in, 3, 5);
    check_both(state, "attention", row_in, 5, 7);
}

/* All outputs of a model of one input. */
static void check_one(void **state, const char *name, const char *in, uint32_t outputs,
                      uint32_t steps)
{
    const char *const inputs[] = {in, NULL};
    char file[80];
    snprintf(file, sizeof file, FOLDER "%s.keras", name);
    check_all(state, file, name, inputs, outputs, steps);
}

/* Cells one behind the other, steps of steps, directions that differ, states that go on; what
 * attention may look at; operations; layers for NVIDIA's cards. */
static void test_stacks(void **state)
{
    check_one(state, "stacks", "x", 7, 6);
    check_one(state, "seen", "ids", 7, 5);
    check_one(state, "operations", "x", 6, 6);
    check(state, FOLDER "cudnn.h5", "cudnn", row_in, row_out, 6);
}

/* The time of an input is the size that the caller gives; a name of none is an error. */
static void test_sizes(void **state)
{
    (void)state;
    static const clrnn_import_size good[] = {{"x[1]", 4}},
                                   wrong[] = {{"y[1]", 4}, {"x[0]", 4}, {"x", 4}, {"xx[1]", 4}};
    clrnn_import_desc desc = {.sizes = good, .size_count = 1};
    clrnn_graph *graph = NULL;
    clrnn_value_info info;
    assert_int_equal(clrnn_graph_import(test_data(FOLDER "row.keras"), &desc, &test_log, &graph),
                     CLRNN_OK);
    assert_true(clrnn_graph_input_at(graph, 0, &info));
    assert_true(info.shape[0] == CLRNN_BATCH && info.shape[1] == 4 && info.shape[2] == 3);
    clrnn_graph_destroy(&graph);
    for (int i = 0; i < 4; i++) {
        desc.sizes = &wrong[i];
        assert_int_equal(
            clrnn_graph_import(test_data(FOLDER "row.keras"), &desc, &test_log, &graph),
            CLRNN_ERR_ARGUMENT);
        assert_null(graph);
        assert_error_contains("is open for 4");
    }
}

static void test_refused(void **state)
{
    (void)state;
    refused(FOLDER "row.weights.h5", "weights without a config");
    refused(FOLDER "row.weights.h5", "layers/conv1d/vars/0 [3,3,5]");
}

/* Weights alone, by an architecture that names them. */
static void test_weights_alone(void **state)
{
    (void)state;
    static const char arch[] =
        "{\"graph\":1,\"inputs\":[{\"name\":\"x\",\"shape\":[-2,-1,6]}],\"nodes\":[{\"kind\":"
        "\"recurrent\",\"name\":\"r\",\"inputs\":[],\"network\":{\"cell\":\"rnn\",\"hidden_size\":"
        "4,"
        "\"num_layers\":1,\"bias\":true,\"single_bias\":true}}],\"outputs\":[],\"tensors\":{"
        "\"r.weight_ih_l0\":{\"tensor\":\"layers/simple_rnn/cell/vars/0\",\"transpose\":true},"
        "\"r.weight_hh_l0\":{\"tensor\":\"layers/simple_rnn/cell/vars/1\",\"transpose\":true},"
        "\"r.bias_ih_l0\":\"layers/simple_rnn/cell/vars/2\"},\"unused\":[\"layers/b*\","
        "\"layers/conv1d*\",\"layers/gru*\",\"layers/dense*\",\"layers/layer_norm*\","
        "\"layers/time*\"]}";
    clrnn_graph *graph = imported(FOLDER "row.weights.h5", arch, NULL);
    clrnn_graph_destroy(&graph);
}

/* --- damaged ---------------------------------------------------------------------------------- */

static void *read_file(const char *name, size_t *size)
{
    void *data = NULL;
    assert_int_equal(clr_file_read(test_data(name), &test_log, &data, size), CLRNN_OK);
    return data;
}

/* Import from memory by way of a file: with a graph or a message that says so. */
static void try_bytes(const void *data, size_t size, const char *ending, const char *says)
{
    char path[600];
    clrnn_graph *graph = NULL;
    snprintf(path, sizeof path, "%s/damaged%s", test_folder(), ending);
    FILE *file = fopen(path, "wb");
    assert_non_null(file);
    assert_int_equal(fwrite(data, 1, size, file), size);
    fclose(file);
    const clrnn_status status = clrnn_graph_import(path, NULL, &test_log, &graph);
    assert_true(!graph == (status != CLRNN_OK));
    if (status != CLRNN_OK || *says)
        assert_error_contains(says);
    clrnn_graph_destroy(&graph);
}

/* Cut everywhere, in steps that a prime gives. */
static void test_truncated(void **state)
{
    (void)state;
    static const char *const files[] = {FOLDER "graph.keras", FOLDER "graph_h5.h5"};
    for (int i = 0; i < 2; i++) {
        size_t size = 0;
        char *data = read_file(files[i], &size);
        for (size_t cut = 0; cut < size; cut += 509)
            try_bytes(data, cut, i ? ".h5" : ".keras", "");
        free(data);
    }
}

/* Numbers of an HDF5 file replaced by others, each of which it takes for sizes and addresses. */
static void test_damaged_numbers(void **state)
{
    (void)state;
    size_t size = 0;
    char *data = read_file(FOLDER "row_h5.h5", &size);
    const uint64_t others[] = {0, 1, 96, size - 8, size, UINT64_MAX - 40, UINT64_MAX};
    const size_t count = sizeof others / sizeof *others;
    for (size_t at = 8; at + 8 <= size; at += 8) {
        uint64_t number;
        memcpy(&number, data + at, sizeof number);
        if (number == 0 && at % 64)
            continue; /* most of it is that */
        memcpy(data + at, &others[at / 8 % count], sizeof number);
        try_bytes(data, size, ".h5", "");
        memcpy(data + at, &number, sizeof number);
    }
    free(data);
}

/* What is said of a group's members, which libhdf5 would go after. */
static void test_damaged_group(void **state)
{
    (void)state;
    static const struct {
        const char *before; /* what is changed comes so many bytes behind this */
        size_t behind, bytes;
        uint64_t number;
        const char *says;
    } cases[] = {{"\x11\0\x10\0", 8, 8, UINT64_MAX, "a group without members"},
                 {"\x11\0\x10\0", 8, 8, 1u << 30, "members are not where it says"},
                 {"\x11\0\x10\0", 16, 8, 1u << 30, "a group without names"},
                 {"TREE", 5, 1, 1, "members are not where it says"},
                 {"TREE", 6, 2, 4000, "more members than it has room for"},
                 {"TREE", 32, 8, 1u << 30, "members are not where it says"},
                 {"HEAP", 16, 8, 0, "whose free room has no end"},
                 {"HEAP", 24, 8, 1u << 30, "names that lie outside the file"},
                 {"SNOD", 6, 2, 900, "more members than it has room for"},
                 {"SNOD", 8, 8, 1u << 20, "a member without name"},
                 {"SNOD", 16, 8, 1u << 30, "an object that lies outside the file"},
                 {"GCOL", 24, 8, 1u << 20, "texts without end"},
                 {"GCOL", 24, 8, 8, "texts without end"}}; /* of six, filled to eight */
    size_t size = 0;
    char *data = read_file(FOLDER "row_h5.h5", &size);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const size_t long_is = 4;
        size_t at = 8;
        while (at + long_is < size && memcmp(data + at, cases[i].before, long_is) != 0)
            at += 8;
        assert_true(at + cases[i].behind + 8 < size);
        uint64_t number;
        char *place = data + at + cases[i].behind;
        memcpy(&number, place, sizeof number);
        memcpy(place, &cases[i].number, cases[i].bytes);
        try_bytes(data, size, ".h5", cases[i].says);
        memcpy(place, &number, sizeof number);
    }
    free(data);
}

/* Keras 2: calls of a model that is a layer count from 1 on, and TensorFlow's functions are layers.
 */
static void test_keras_2(void **state)
{
    static const char *const in[] = {"x", NULL};
    static const char *const out[] = {"add",        "tf.nn.softmax",   "tf.compat.v1.squeeze",
                                      "tf.reshape", "tf.math.truediv", NULL};
    check(state, FOLDER "keras_2.keras", "keras_2", in, out, 6);
}

static void test_no_memory(void **state)
{
    (void)state;
    import_short_of_memory(test_data(FOLDER "row_h5.h5"), NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_row, test_open, test_close),
        cmocka_unit_test_setup_teardown(test_json, test_open, test_close),
        cmocka_unit_test_setup_teardown(test_graph, test_open, test_close),
        cmocka_unit_test_setup_teardown(test_masks, test_open, test_close),
        cmocka_unit_test_setup_teardown(test_backwards, test_open, test_close),
        cmocka_unit_test_setup_teardown(test_rows, test_open, test_close),
        cmocka_unit_test_setup_teardown(test_whole_models, test_open, test_close),
        cmocka_unit_test_setup_teardown(test_stacks, test_open, test_close),
        cmocka_unit_test_setup_teardown(test_keras_2, test_open, test_close),
        cmocka_unit_test(test_sizes),
        cmocka_unit_test(test_refused),
        cmocka_unit_test(test_weights_alone),
        cmocka_unit_test(test_truncated),
        cmocka_unit_test(test_damaged_numbers),
        cmocka_unit_test(test_damaged_group),
        cmocka_unit_test(test_no_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: MIT
 * tests/format/test_onnx.c - ONNX models that others made (tests/data/onnx), and what is refused.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "support.h"

#include "format/imported.h"
#include "format/proto.h"

#define CLOSE 1e-5

/* --- models of others ------------------------------------------------------------------------- */

static clrnn_tensors *load_pb(const char *name, const char *kind, uint32_t i)
{
    char path[512];
    clrnn_tensors *set = NULL;
    snprintf(path, sizeof path, "onnx/%s/test_data_set_0/%s_%u.pb", name, kind, i);
    FILE *there = fopen(test_data(path), "rb");
    if (!there)
        return NULL;
    fclose(there);
    assert_int_equal(clrnn_onnx_tensor_load(test_data(path), &test_log, &set), CLRNN_OK);
    return set;
}

static double *numbers(const clrnn_tensor *t)
{
    double *out = calloc(t->count + 1, sizeof *out);
    assert_non_null(out);
    clrnn_tensor_to_f64(t, out);
    return out;
}

/* A folder of a backend test, by the reference. */
static void check_case(const char *name)
{
    char path[512];
    clrnn_tensors *in[16] = {NULL}, *wanted, *names = NULL;
    clrnn_import_input given[16];
    imported_array arrays[16];
    uint32_t count = 0;
    clrnn_graph *graph = NULL;
    snprintf(path, sizeof path, "onnx/%s/model.onnx", name);
    assert_int_equal(clrnn_format_inputs(test_data(path), &test_log, &names), CLRNN_OK);
    for (; (in[count] = load_pb(name, "input", count)) != NULL; count++) {
        const clrnn_tensor *t = clrnn_tensors_at(in[count], 0);
        given[count] = (clrnn_import_input){.has_shape = true, .rank = t->rank, .value = t};
        for (uint32_t i = 0; i < t->rank; i++)
            given[count].shape[i] = (int64_t)t->shape[i];
        arrays[count] = (imported_array){clrnn_tensors_at(names, count)->name, numbers(t)};
    }
    const clrnn_import_desc desc = {.precision = CLRNN_F64, .inputs = given, .input_count = count};
    assert_int_equal(clrnn_graph_import(test_data(path), &desc, &test_log, &graph), CLRNN_OK);
    for (uint32_t k = 0; (wanted = load_pb(name, "output", k)) != NULL; k++) {
        clrnn_value_info info;
        size_t made = 0;
        assert_true(clrnn_graph_output_at(graph, k, &info));
        double *y = imported_output(NULL, graph, 1, 1, arrays, count, info.name, &made);
        double *expected = numbers(clrnn_tensors_at(wanted, 0));
        assert_int_equal(made, clrnn_tensors_at(wanted, 0)->count);
        if (!(test_error(y, expected, made) <= CLOSE))
            fail_msg("%s: output %u differs", name, k);
        free(y);
        free(expected);
        clrnn_tensors_destroy(&wanted);
    }
    for (uint32_t i = 0; i < count; i++) {
        free((void *)arrays[i].data);
        clrnn_tensors_destroy(&in[i]);
    }
    clrnn_tensors_destroy(&names);
    clrnn_graph_destroy(&graph);
}

static void test_cases(void **state)
{
    static const char *const cases[] = {"node/test_gru_batchwise",
                                        "node/test_gru_defaults",
                                        "node/test_gru_seq_length",
                                        "node/test_gru_with_initial_bias",
                                        "node/test_lstm_batchwise",
                                        "node/test_lstm_defaults",
                                        "node/test_lstm_with_initial_bias",
                                        "node/test_lstm_with_peepholes",
                                        "node/test_rnn_seq_length",
                                        "node/test_simple_rnn_batchwise",
                                        "node/test_simple_rnn_defaults",
                                        "node/test_simple_rnn_with_initial_bias",
                                        "pytorch/test_operator_lstm",
                                        "pytorch/test_operator_rnn",
                                        "pytorch/test_operator_rnn_single_layer"};
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        check_case(cases[i]);
}

static void read_file(const char *name, void *out, size_t size)
{
    FILE *file = fopen(test_data(name), "rb");
    assert_non_null(file);
    assert_int_equal(fread(out, 1, size, file), size);
    fclose(file);
}

/* A trained model whose batch and time are open: they become N and T by what its LSTMs need. */
static void test_open_axes(void **state)
{
    enum { N = 2, T = 58, UNITS = 2 };
    static unsigned char bytes[N * T];
    static float expected[N * T * UNITS];
    static double x[N * T];
    clrnn_graph *graph = NULL;
    clrnn_value_info info;
    size_t count = 0;
    read_file("onnx/nnsplit/input_2x58.u8", bytes, sizeof bytes);
    read_file("onnx/nnsplit/output_2x58x2.f32", expected, sizeof expected);
    for (size_t i = 0; i < N * T; i++)
        x[i] = bytes[i];
    assert_int_equal(
        clrnn_graph_import(test_data("onnx/nnsplit/model.onnx"), NULL, &test_log, &graph),
        CLRNN_OK);
    assert_true(clrnn_graph_input_at(graph, 0, &info));
    assert_int_equal(info.shape[0], CLRNN_BATCH);
    assert_int_equal(info.shape[1], CLRNN_STEPS);
    double *raw =
        imported_output(NULL, graph, T, N, &(imported_array){"input", x}, 1, "output", &count);
    assert_int_equal(count, N * T * UNITS);
    static double wanted[N * T * UNITS];
    for (size_t i = 0; i < count; i++)
        wanted[i] = expected[i];
    assert_true(test_error(raw, wanted, count) <= 2e-5);
    free(raw);
    (void)state;
    clrnn_graph_destroy(&graph);
}

/* --- what is refused -------------------------------------------------------------------------- */

/* One node over x [2,3], to y. */
static proto one_node(proto *node, int64_t opset)
{
    proto graph = {0};
    const int64_t shape[] = {2, 3};
    proto x = proto_value("x", 1, 2, shape), y = proto_value("y", 1, 2, shape);
    proto_message(&graph, 1, node);
    proto_message(&graph, 11, &x);
    proto_message(&graph, 12, &y);
    return proto_model(&graph, opset);
}

static void refuse(proto *model, clrnn_status expected, const char *words)
{
    clrnn_graph *graph = NULL;
    const char *path = proto_save(model, "refused.onnx");
    assert_int_equal(clrnn_graph_import(path, NULL, &test_log, &graph), expected);
    assert_null(graph);
    assert_error_contains(words);
}

static proto simple(const char *op)
{
    return proto_node(op, "the node", (const char *[]){"x"}, 1, (const char *[]){"y"}, 1);
}

static void test_names(void **state)
{
    proto node = simple("Frobnicate"), model = one_node(&node, 14);
    (void)state;
    refuse(&model, CLRNN_ERR_UNSUPPORTED, "Frobnicate 'the node': this operator is not supported");
    node = simple("DynamicQuantizeLinear");
    model = one_node(&node, 14);
    refuse(&model, CLRNN_ERR_UNSUPPORTED, "'the node': quantised operators are not supported");
    node = simple("Relu");
    proto_attribute_integer(&node, "sharpness", 3);
    model = one_node(&node, 14);
    refuse(&model, CLRNN_ERR_UNSUPPORTED, "Relu 'the node': its attribute 'sharpness' is unknown");
    node = simple("Relu");
    proto_string(&node, 7, "com.example");
    model = one_node(&node, 14);
    refuse(&model, CLRNN_ERR_UNSUPPORTED, "of the domain 'com.example' is not supported");
    node = proto_node("Relu", "the node", (const char *[]){"z"}, 1, (const char *[]){"y"}, 1);
    model = one_node(&node, 14);
    refuse(&model, CLRNN_ERR_FORMAT, "it reads 'z', which nothing before it makes");
    node = simple("Relu");
    model = one_node(&node, 3);
    refuse(&model, CLRNN_ERR_UNSUPPORTED, "opset 3");
    node = simple("Elu");
    proto_attribute_integer(&node, "alpha", 1);
    model = one_node(&node, 14);
    refuse(&model, CLRNN_ERR_FORMAT, "its attribute alpha is of another type");
}

/* What depends on T and N asks for their size, what has none does not. */
static void test_sizes_asked(void **state)
{
    (void)state;
    for (int open = 0; open < 2; open++) {
        const int64_t shape[] = {open ? -1 : 2, 3}, other[] = {4, 5};
        proto graph = {0}, x = proto_value("x", 1, 2, shape), z = proto_value("z", 1, 2, other);
        proto y = proto_value("y", 1, 0, NULL);
        const char *const in[] = {"x", "z"}, *const out[] = {"y"};
        proto node = open ? proto_node("EyeLike", "the node", in, 1, out, 1)
                          : proto_node("MatMul", "the node", in, 2, out, 1);
        proto_message(&graph, 1, &node);
        proto_message(&graph, 11, &x);
        proto_message(&graph, 11, &z);
        proto_message(&graph, 12, &y);
        proto model = proto_model(&graph, 14);
        refuse(&model, open ? CLRNN_ERR_NEEDS_SIZE : CLRNN_ERR_UNSUPPORTED,
               open ? "its shape depends on T or N" : "does not fit");
    }
}

/* What has no elements may be right, but a graph cannot hold it: W, a known input, what is left of
 * one step that a window of 2 has spread. */
static void test_without_elements(void **state)
{
    (void)state;
    static const struct {
        const char *op, *words;
        uint64_t shape[3];
        int64_t channels, cut;
    } cases[] = {{"Conv", "Conv 'the node': W has no elements", {0, 2, 3}, 2, 0},
                 {"ConvTranspose", "ConvTranspose 'the node': W has no elements", {2, 0, 3}, 2, 0},
                 {"Softmax", "an array without elements, [2,0,3]", {2, 0, 3}, 2, 0},
                 {"ConvTranspose", "0 would be left", {1, 1, 2}, 1, 1}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const int64_t shape[] = {1, cases[i].channels, 1}, pads[] = {1, 1}, two = 2;
        const char *const in[] = {"x", "w"}, *const out[] = {"y"};
        proto graph = {0}, x = proto_value("x", 1, 3, shape), y = proto_value("y", 1, 0, NULL);
        proto w = proto_tensor("w", 1, 3, cases[i].shape, (const double[]){1, 2});
        proto node = i == 2 ? proto_node(cases[i].op, "the node", in + 1, 1, out, 1)
                            : proto_node(cases[i].op, "the node", in, 2, out, 1);
        if (cases[i].cut) {
            proto_attribute_integers(&node, "pads", pads, 2);
            proto_attribute_integers(&node, "strides", &two, 1);
        }
        proto_message(&graph, 1, &node);
        proto_message(&graph, 5, &w);
        proto_message(&graph, 11, &x);
        proto_message(&graph, 12, &y);
        proto model = proto_model(&graph, 14);
        refuse(&model, CLRNN_ERR_UNSUPPORTED, cases[i].words);
    }
}

/* Old files list weights among the inputs, here before the one that is none: x plus 1, 70 times. */
static void test_weights_as_inputs(void **state)
{
    enum { WEIGHTS = 70 };
    static const double one = 1, x[] = {2};
    static const int64_t shape[] = {1};
    proto graph = {0}, y = proto_value("y", 1, 1, shape), last = proto_value("x", 1, 1, shape);
    char name[WEIGHTS][8], sum[WEIGHTS][8];
    clrnn_graph *read = NULL;
    size_t made = 0;
    (void)state;
    for (int i = 0; i < WEIGHTS; i++) {
        snprintf(name[i], sizeof name[i], "w%d", i);
        snprintf(sum[i], sizeof sum[i], i + 1 < WEIGHTS ? "s%d" : "y", i);
        const char *const in[] = {i ? sum[i - 1] : "x", name[i]}, *const out[] = {sum[i]};
        proto node = proto_node("Add", sum[i], in, 2, out, 1);
        proto weight = proto_tensor(name[i], 1, 1, (const uint64_t[]){1}, &one);
        proto input = proto_value(name[i], 1, 1, shape);
        proto_message(&graph, 1, &node);
        proto_message(&graph, 5, &weight);
        proto_message(&graph, 11, &input);
    }
    proto_message(&graph, 11, &last);
    proto_message(&graph, 12, &y);
    proto model = proto_model(&graph, 8);
    if (clrnn_graph_import(proto_save(&model, "old.onnx"), NULL, &test_log, &read) != CLRNN_OK)
        fail_msg("%s", test_last_error);
    assert_int_equal(clrnn_graph_inputs(read), 1);
    double *got = imported_output(NULL, read, 1, 1, &(imported_array){"x", x}, 1, "y", &made);
    assert_true(made == 1 && got[0] == x[0] + WEIGHTS);
    free(got);
    clrnn_graph_destroy(&read);
}

/* Graphs in graphs, a million of them: protobuf-c would follow them all. */
static void test_nesting(void **state)
{
    enum { DEEP = 1000000 };
    /* Each level: a graph (1) of a node (5) of an attribute (6), whose sizes count down. */
    size_t room = (size_t)DEEP * 18 + 64, size = 0;
    unsigned char *back = malloc(room);
    (void)state;
    assert_non_null(back);
    static const unsigned fields[] = {6, 5, 1};
    for (int i = 0; i < DEEP; i++)
        for (int k = 0; k < 3 && size + 8 < room; k++) { /* written from the inside, backwards */
            uint64_t inner = size, digits[6], count = 0;
            do {
                digits[count++] = (inner & 127) | (inner > 127 ? 128 : 0);
                inner >>= 7;
            } while (inner);
            while (count > 0)
                back[room - 1 - size++] = (unsigned char)digits[--count];
            back[room - 1 - size++] = (unsigned char)(fields[k] << 3 | 2);
        }
    proto graph = {0};
    proto_bytes(&graph, 1, back + room - size, size); /* room, and then what matters */
    memcpy(graph.data, back + room - size, size);
    graph.size = size;
    free(back);
    proto model = proto_model(&graph, 14);
    refuse(&model, CLRNN_ERR_FORMAT, "nested deeper");
}

/* Cut anywhere, or with any one byte changed, a model is refused or read, and nothing else. */
static void test_damage(void **state)
{
    static unsigned char whole[200000];
    FILE *file = fopen(test_data("onnx/node/test_lstm_with_peepholes/model.onnx"), "rb");
    assert_non_null(file);
    const size_t size = fread(whole, 1, sizeof whole, file);
    fclose(file);
    (void)state;
    for (size_t i = 0; i < 2 * size; i++) {
        proto model = {0};
        clrnn_graph *graph = NULL;
        proto_bytes(&model, 1, whole, size); /* room, and then what matters */
        memcpy(model.data, whole, size);
        model.size = i < size ? i : size;
        if (i >= size)
            model.data[i - size] = (unsigned char)(model.data[i - size] * 31 + 77);
        (void)clrnn_graph_import(proto_save(&model, "damaged.onnx"), NULL, &test_log, &graph);
        clrnn_graph_destroy(&graph);
    }
}

/* Data beside the model: in its folder alone. */
static void external(const char *location, clrnn_status expected, const char *words)
{
    proto graph = {0}, t = {0}, pair = {0};
    const int64_t shape[] = {2, 3};
    proto x = proto_value("x", 1, 2, shape), y = proto_value("y", 1, 2, shape);
    proto node = proto_node("Add", "sum", (const char *[]){"x", "w"}, 2, (const char *[]){"y"}, 1);
    proto_integer(&t, 1, 2);
    proto_integer(&t, 1, 3);
    proto_integer(&t, 2, 1);
    proto_string(&t, 8, "w");
    proto_string(&pair, 1, "location");
    proto_string(&pair, 2, location);
    proto_message(&t, 13, &pair);
    proto_integer(&t, 14, 1);
    proto_message(&graph, 1, &node);
    proto_message(&graph, 5, &t);
    proto_message(&graph, 11, &x);
    proto_message(&graph, 12, &y);
    proto model = proto_model(&graph, 14);
    clrnn_graph *read = NULL;
    assert_int_equal(clrnn_graph_import(proto_save(&model, "outside.onnx"), NULL, &test_log, &read),
                     expected);
    if (words)
        assert_error_contains(words);
    clrnn_graph_destroy(&read);
}

static void test_external(void **state)
{
    const float data[] = {1, 2, 3, 4, 5, 6};
    proto file = {0};
    (void)state;
    proto_bytes(&file, 1, data, sizeof data);
    memcpy(file.data, data, sizeof data);
    file.size = sizeof data;
    (void)proto_save(&file, "weights.bin");
    external("weights.bin", CLRNN_OK, NULL);
    external("../weights.bin", CLRNN_ERR_FORMAT, "not in the folder of the model");
    external("a/../../weights.bin", CLRNN_ERR_FORMAT, "not in the folder of the model");
    external("/etc/passwd", CLRNN_ERR_FORMAT, "not in the folder of the model");
    external("missing.bin", CLRNN_ERR_IO, "missing.bin");
    char elsewhere[512], here[512], there[600];
    snprintf(here, sizeof here, "%s/weights.bin", test_folder());
    snprintf(elsewhere, sizeof elsewhere, "%s/elsewhere", test_folder());
    snprintf(there, sizeof there, "%s/weights.bin", elsewhere);
    assert_int_equal(symlink(".", elsewhere), 0);
    external("elsewhere/weights.bin", CLRNN_ERR_FORMAT, "behind a link out of the model's folder");
    assert_int_equal(remove(elsewhere), 0);
    assert_int_equal(mkdir(elsewhere, 0700), 0);
    assert_int_equal(rename(here, there), 0);
    external("elsewhere/weights.bin", CLRNN_OK, NULL);
    assert_int_equal(remove(there), 0);
    assert_int_equal(remove(elsewhere), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_cases),
                                       cmocka_unit_test(test_open_axes),
                                       cmocka_unit_test(test_names),
                                       cmocka_unit_test(test_sizes_asked),
                                       cmocka_unit_test(test_without_elements),
                                       cmocka_unit_test(test_weights_as_inputs),
                                       cmocka_unit_test(test_nesting),
                                       cmocka_unit_test(test_damage),
                                       cmocka_unit_test(test_external)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: MIT
 * tests/format/test_onnx_more.c - operators of ONNX by values worked out by hand: what is computed
 * where its inputs are known, forms of old opsets, factors of 0, what ONNX Runtime's optimiser
 * writes, inputs that are no tensors. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include <clrnn/format.h>
#include <clrnn/graph.h>
#include <clrnn/tensors.h>

#include "support.h"

#include "format/imported.h"
#include "format/ops.h"

static const uint64_t none[] = {0}, two[] = {2}, four[] = {4}, square[] = {2, 2};

/* A node of up to three inputs. */
static proto node_of(const char *op, const char *a, const char *b, const char *c, const char *y)
{
    return proto_node(op, y, (const char *[]){a, b, c}, c ? 3 : b ? 2 : 1, (const char *[]){y}, 1);
}

/* x, zeros, and what is known added to it. */
static void check_known(void **state, proto *graph, const double *wanted, size_t count)
{
    double *zeros = calloc(count, sizeof *zeros);
    assert_non_null(zeros);
    ops_node(graph, ops_two("Add", "x", "known", "y"));
    ops_expect(state, graph, zeros, NULL, wanted, count);
    free(zeros);
}

/* --- what is known ---------------------------------------------------------------------------- */

static void test_bits(void **state)
{
    static const struct {
        const char *op, *direction;
        double wanted[4];
    } all[] = {{"BitwiseAnd", NULL, {8, 2, 0, 1}},
               {"BitwiseOr", NULL, {14, 7, 9, 1}},
               {"BitwiseXor", NULL, {6, 5, 9, 0}},
               {"BitShift", "RIGHT", {3, 0, 9, 0}},
               {"BitShift", "LEFT", {48, 12, 9, 2}}};
    static const int64_t shape[] = {4};
    static const double a[] = {12, 3, 9, 1}, bits[] = {10, 6, 0, 1}, by[] = {2, 2, 0, 1};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
        const bool shift = all[i].direction;
        proto graph = ops_begin(1, shape, false);
        proto node = ops_two(all[i].op, "a", "b", "bits");
        if (shift)
            proto_attribute_word(&node, "direction", all[i].direction);
        ops_tensor(&graph, "a", 7, 1, four, a);
        ops_tensor(&graph, "b", 7, 1, four, shift ? by : bits);
        ops_node(&graph, node);
        proto cast = ops_one("Cast", "bits", "known");
        proto_attribute_integer(&cast, "to", 1);
        ops_node(&graph, cast);
        check_known(state, &graph, all[i].wanted, 4);
    }
}

/* A diagonal beside the main one; where numbers are not 0, axis by axis. */
static void test_places(void **state)
{
    static const int64_t shape[] = {2, 3};
    static const uint64_t sizes[] = {2, 3};
    static const double above[] = {0, 1, 0, 0, 0, 1}, of[] = {0, 5, 0, -1, 0, 2};
    static const double found[] = {0, 1, 1, 1, 0, 2};
    proto graph = ops_begin(2, shape, false);
    proto eye = ops_one("EyeLike", "x", "known");
    proto_attribute_integer(&eye, "k", 1);
    ops_node(&graph, eye);
    check_known(state, &graph, above, 6);
    graph = ops_begin(2, shape, false);
    ops_tensor(&graph, "of", 1, 2, sizes, of);
    ops_node(&graph, ops_one("NonZero", "of", "places"));
    proto cast = ops_one("Cast", "places", "known");
    proto_attribute_integer(&cast, "to", 1);
    ops_node(&graph, cast);
    check_known(state, &graph, found, 6);
}

/* Two bands of 17 bins, with edges in bins 0, 1, 4 and 9. */
static void test_mel(void **state)
{
    static const int64_t shape[] = {17, 2};
    static const double numbers[] = {2, 32, 8000, 0, 4000};
    static const char *const names[] = {"a", "b", "c", "d", "e"};
    double wanted[34] = {0};
    const double first[] = {0, 1, 2 / 3., 1 / 3.};
    const double second[] = {0, 0, 1 / 3., 2 / 3., 1, 4 / 5., 3 / 5., 2 / 5., 1 / 5.};
    for (int i = 0; i < 4; i++)
        wanted[2 * i] = first[i];
    for (int i = 0; i < 9; i++)
        wanted[2 * i + 1] = second[i];
    proto graph = ops_begin(2, shape, false);
    for (int i = 0; i < 5; i++)
        ops_tensor(&graph, names[i], i < 3 ? 7 : 1, 0, none, &numbers[i]);
    ops_node(&graph, proto_node("MelWeightMatrix", "m", names, 5, (const char *[]){"known"}, 1));
    check_known(state, &graph, wanted, 34);
}

/* --- forms ------------------------------------------------------------------------------------ */

/* Of bounds the wrong way round the upper one counts, of x and of what is known. */
static void test_turned_bounds(void **state)
{
    static const int64_t shape[] = {2};
    static const double x[] = {-9, 9}, wanted[] = {-4, -4};
    proto graph = ops_begin(1, shape, false);
    ops_tensor(&graph, "low", 1, 0, none, (const double[]){1});
    ops_tensor(&graph, "high", 1, 0, none, (const double[]){-2});
    ops_tensor(&graph, "k", 1, 1, two, x);
    ops_node(&graph, node_of("Clip", "x", "low", "high", "a"));
    ops_node(&graph, node_of("Clip", "k", "low", "high", "b"));
    ops_node(&graph, ops_two("Add", "a", "b", "y"));
    ops_expect(state, &graph, x, NULL, wanted, 2);
}

/* Scales as an attribute, before opset 9. */
static void test_old_upsample(void **state)
{
    static const int64_t shape[] = {1, 1, 2};
    static const double x[] = {3, -1}, wanted[] = {3, 3, -1, -1};
    proto graph = ops_begin(3, shape, false);
    proto node = ops_one("Upsample", "x", "y");
    proto_attribute_reals(&node, "scales", (const float[]){1, 1, 2}, 3);
    ops_node(&graph, node);
    ops_opset = 7;
    ops_expect(state, &graph, x, NULL, wanted, 4);
    ops_opset = 14;
}

/* SAME with windows of one by a stride of three: padding of -2 is one element less on each side, or
 * none before and two behind; none is cut for a convolution. */
static void test_padding_below_0(void **state)
{
    static const int64_t shape[] = {1, 1, 6}, kernel = 1, stride = 3;
    static const uint64_t filter[] = {1, 1, 1};
    static const double x[] = {1, 2, 3, 4, 5, 6}, unit = 1;
    static const struct {
        const char *op, *pad;
        double wanted[2];
    } all[] = {{"MaxPool", "SAME_UPPER", {2, 5}},
               {"MaxPool", "SAME_LOWER", {1, 4}},
               {"Conv", "SAME_UPPER", {1, 4}}};
    for (int i = 0; i < 3; i++) {
        proto graph = ops_begin(3, shape, false);
        proto node = node_of(all[i].op, "x", i == 2 ? "w" : NULL, NULL, "y");
        proto_attribute_integers(&node, "kernel_shape", &kernel, 1);
        proto_attribute_integers(&node, "strides", &stride, 1);
        proto_attribute_word(&node, "auto_pad", all[i].pad);
        ops_tensor(&graph, "w", 1, 3, filter, &unit);
        ops_node(&graph, node);
        ops_expect(state, &graph, x, NULL, all[i].wanted, 2);
    }
}

/* Dots of a tensor that nobody has looked at yet. */
static void test_dots(void **state)
{
    static const int64_t shape[] = {2};
    static const double x[] = {1, -1}, k[] = {1, 2, 3, 4}, wanted[] = {4, 6};
    proto graph = ops_begin(1, shape, false);
    proto node = ops_one("Einsum", "k", "sums");
    proto_attribute_word(&node, "equation", "...i->...");
    ops_tensor(&graph, "k", 1, 2, square, k);
    ops_node(&graph, node);
    ops_node(&graph, ops_two("Add", "x", "sums", "y"));
    ops_expect(state, &graph, x, NULL, wanted, 2);
}

/* Two equal values of OneHot, and a product times 0: what they multiply by is no 1. */
static void test_nothing(void **state)
{
    static const int64_t shape[] = {2, 2};
    static const double x[] = {1, 2, 3, 4}, zeros[] = {0, 0, 0, 0};
    proto graph = ops_begin(2, shape, false);
    proto node = ops_two("Gemm", "x", "x", "y");
    proto_attribute_real(&node, "alpha", 0);
    ops_node(&graph, node);
    ops_expect(state, &graph, x, NULL, zeros, 4);
    graph = ops_begin(2, shape, false);
    ops_tensor(&graph, "first", 7, 0, none, zeros);
    ops_tensor(&graph, "depth", 7, 0, none, (const double[]){2});
    ops_tensor(&graph, "values", 1, 1, two, zeros);
    ops_node(&graph, ops_two("Gather", "x", "first", "row"));
    ops_node(&graph, node_of("OneHot", "row", "depth", "values", "y"));
    ops_expect(state, &graph, x, NULL, zeros, 4);
}

/* What is made of the values of inputs asks for them: as many steps as `n` says. */
static void test_asked(void **state)
{
    static const int64_t count = 3;
    static const double wanted[] = {0, 1, 2};
    const clrnn_tensor value = {.dtype = CLRNN_DTYPE_I64, .count = 1, .bytes = 8, .data = &count};
    const clrnn_import_input in = {.name = "n", .value = &value};
    const clrnn_import_desc desc = {.precision = CLRNN_F64, .inputs = &in, .input_count = 1};
    clrnn_graph *graph = NULL;
    size_t made = 0;
    proto g = {0}, n = proto_value("n", 7, 0, NULL), y = proto_value("y", 1, 1, (int64_t[]){-1});
    proto_message(&g, 11, &n);
    proto_message(&g, 12, &y);
    ops_tensor(&g, "zero", 7, 0, none, (const double[]){0});
    ops_tensor(&g, "step", 7, 0, none, (const double[]){1});
    ops_node(&g, node_of("Range", "zero", "n", "step", "steps"));
    proto cast = ops_one("Cast", "steps", "y");
    proto_attribute_integer(&cast, "to", 1);
    ops_node(&g, cast);
    proto model = proto_model(&g, 14);
    const char *path = proto_save(&model, "asked.onnx");
    const double half = 2.5;
    const clrnn_tensor no_whole = {.dtype = CLRNN_DTYPE_F64, .count = 1, .bytes = 8, .data = &half};
    const clrnn_import_input wrong = {.name = "n", .value = &no_whole};
    const clrnn_import_desc cut = {.inputs = &wrong, .input_count = 1};
    assert_int_equal(clrnn_graph_import(path, NULL, &test_log, &graph), CLRNN_ERR_NEEDS_VALUE);
    assert_int_equal(clrnn_graph_import(path, &cut, &test_log, &graph), CLRNN_ERR_ARGUMENT);
    assert_error_contains("'n' is of whole numbers, not 2.5");
    if (clrnn_graph_import(path, &desc, &test_log, &graph) != CLRNN_OK)
        fail_msg("%s", test_last_error);
    double *got = imported_output(*state, graph, 1, 1, NULL, 0, "y", &made);
    assert_int_equal(made, 3);
    for (int i = 0; i < 3; i++)
        assert_true(got[i] == wanted[i]);
    free(got);
    clrnn_graph_destroy(&graph);
}

/* --- fused ------------------------------------------------------------------------------------ */

static proto microsoft(proto node)
{
    proto_string(&node, 7, "com.microsoft");
    return node;
}

/* A function behind a product and behind a convolution. */
static void test_fused_functions(void **state)
{
    static const int64_t shape[] = {1, 2}, row[] = {1, 1, 2};
    static const uint64_t filter[] = {1, 1, 1};
    static const double x[] = {1, -2}, w[] = {1, 2, 3, -4}, b[] = {1, 2};
    /* 2 x w + 3 b, then leaky by 0.5 */
    static const double product[] = {-3.5, 26}, clipped[] = {2, -1};
    proto graph = ops_begin(2, shape, false);
    proto node = node_of("FusedGemm", "x", "w", "b", "y");
    proto_attribute_real(&node, "alpha", 2);
    proto_attribute_real(&node, "beta", 3);
    proto_attribute_word(&node, "activation", "LeakyRelu");
    proto_attribute_real(&node, "activation_alpha", 0.5f);
    ops_tensor(&graph, "w", 1, 2, square, w);
    ops_tensor(&graph, "b", 1, 1, two, b);
    ops_node(&graph, microsoft(node));
    ops_expect(state, &graph, x, NULL, product, 2);
    graph = ops_begin(3, row, false);
    node = node_of("FusedConv", "x", "w", NULL, "y");
    proto_attribute_word(&node, "activation", "Clip");
    proto_attribute_reals(&node, "activation_params", (const float[]){-1, 2}, 2);
    ops_tensor(&graph, "w", 1, 3, filter, (const double[]){3});
    ops_node(&graph, microsoft(node));
    ops_expect(state, &graph, x, NULL, clipped, 2);
}

/* 0.5 a^T b^T, of what is computed and what is known. */
static void test_fused_product(void **state)
{
    static const int64_t shape[] = {2, 2};
    static const double x[] = {1, 2, 3, 4}, k[] = {1, -1, 2, 0};
    static const double own[] = {3.5, 7.5, 5, 11}, known[] = {-1, 1, -1, 2};
    for (int i = 0; i < 2; i++) {
        proto graph = ops_begin(2, shape, false);
        proto node = ops_two("FusedMatMul", "x", i ? "k" : "x", "y");
        proto_attribute_integer(&node, "transA", 1);
        proto_attribute_integer(&node, "transB", 1);
        proto_attribute_real(&node, "alpha", 0.5f);
        ops_tensor(&graph, "k", 1, 2, square, k);
        ops_node(&graph, microsoft(node));
        ops_expect(state, &graph, x, NULL, i ? known : own, 4);
    }
}

/* The two Gelus that take a bias, and the one by a sigmoid. */
static void test_fused_gelu(void **state)
{
    static const int64_t shape[] = {2};
    static const double x[] = {-1.5, 0.75}, bias[] = {0.5, 1};
    static const char *const ops[] = {"BiasGelu", "FastGelu", "QuickGelu"};
    for (int i = 0; i < 3; i++) {
        double wanted[2];
        for (int k = 0; k < 2; k++) {
            const double a = x[k] + (i < 2 ? bias[k] : 0);
            wanted[k] = i == 0 ? a * 0.5 * (1 + erf(a / sqrt(2)))
                        : i == 1
                            ? a * 0.5 * (1 + tanh(sqrt(2 / acos(-1)) * (a + 0.044715 * a * a * a)))
                            : a / (1 + exp(-1.25 * a));
        }
        proto graph = ops_begin(1, shape, false);
        proto node = node_of(ops[i], "x", i < 2 ? "b" : NULL, NULL, "y");
        if (i == 2)
            proto_attribute_real(&node, "alpha", 1.25f);
        ops_tensor(&graph, "b", 1, 1, two, bias);
        ops_node(&graph, microsoft(node));
        ops_expect(state, &graph, x, NULL, wanted, 2);
    }
}

/* The norm of x + skip + bias, and the sum, which is output 3. */
static void test_skip(void **state)
{
    static const int64_t shape[] = {1, 2};
    static const double x[] = {1, 2}, skip[] = {3, -1}, gamma[] = {2, 0.5}, beta[] = {1, -1};
    static const double bias[] = {0.5, -0.5}, sum[] = {4.5, 0.5};
    for (int i = 0; i < 4; i++) {
        const bool simple = i / 2, second = i % 2;
        const double mean = simple ? 0 : 2.5, square_mean = simple ? 10.25 : 4;
        double wanted[2];
        for (int k = 0; k < 2; k++)
            wanted[k] = second ? sum[k]
                               : (sum[k] - mean) / sqrt(square_mean + 0.25) * gamma[k] +
                                     (simple ? 0 : beta[k]);
        proto graph = ops_begin(2, shape, false);
        const char *const in[] = {"x", "skip", "gamma", simple ? "bias" : "beta", "bias"};
        proto node = proto_node(
            simple ? "SkipSimplifiedLayerNormalization" : "SkipLayerNormalization", "n", in,
            simple ? 4 : 5, (const char *[]){second ? "" : "y", "", "", second ? "y" : "s"}, 4);
        proto_attribute_real(&node, "epsilon", 0.25f);
        ops_tensor(&graph, "skip", 1, 1, two, skip);
        ops_tensor(&graph, "gamma", 1, 1, two, gamma);
        ops_tensor(&graph, "beta", 1, 1, two, beta);
        ops_tensor(&graph, "bias", 1, 1, two, bias);
        ops_node(&graph, microsoft(node));
        ops_expect(state, &graph, x, NULL, wanted, 2);
    }
}

/* --- what is refused -------------------------------------------------------------------------- */

static void refused(proto *file, const char *name, const char *part)
{
    clrnn_graph *graph = NULL;
    assert_int_equal(clrnn_graph_import(proto_save(file, name), NULL, &test_log, &graph),
                     CLRNN_ERR_UNSUPPORTED);
    if (!strstr(test_last_error, part))
        fail_msg("'%s' does not say '%s'", test_last_error, part);
}

/* Inputs that are no tensors, by what they are; ONNX Runtime's own files; operators of others. */
static void test_no_tensors(void **state)
{
    static const struct {
        uint32_t field;
        const char *what;
    } all[] = {{4, "a sequence"}, {5, "a map"}, {8, "a sparse tensor"}, {9, "an optional value"}};
    static const int64_t shape[] = {2};
    (void)state;
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
        proto graph = {0}, info = {0}, type = {0}, inner = {0};
        proto_integer(&inner, 1, 1);
        proto_message(&type, all[i].field, &inner);
        proto_string(&info, 1, "s");
        proto_message(&info, 2, &type);
        proto_message(&graph, 11, &info);
        proto model = proto_model(&graph, 14);
        refused(&model, "other.onnx", all[i].what);
    }
    proto own = {0};
    own.data = calloc(16, 1);
    assert_non_null(own.data);
    own.size = 16;
    memcpy(own.data, "\x18\0\0\0ORTM", 8);
    refused(&own, "own.ort", ".ort");
    proto graph = ops_begin(1, shape, false);
    ops_node(&graph, microsoft(ops_one("Relu", "x", "y")));
    proto model = proto_model(&graph, 14);
    refused(&model, "domain.onnx", "com.microsoft");
}

int main(void)
{
#define ON_DEVICE(test) cmocka_unit_test_setup_teardown(test, test_open, test_close)
    const struct CMUnitTest tests[] = {
        ON_DEVICE(test_bits),          ON_DEVICE(test_places),
        ON_DEVICE(test_mel),           ON_DEVICE(test_turned_bounds),
        ON_DEVICE(test_old_upsample),  ON_DEVICE(test_padding_below_0),
        ON_DEVICE(test_dots),          ON_DEVICE(test_nothing),
        ON_DEVICE(test_asked),         ON_DEVICE(test_fused_functions),
        ON_DEVICE(test_fused_product), ON_DEVICE(test_fused_gelu),
        ON_DEVICE(test_skip),          cmocka_unit_test(test_no_tensors)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: MIT
 * tests/format/test_onnx_most.c - operators of ONNX by values worked out by hand: where the largest
 * are, roots of sums of powers, norms over channels, updates that come to one element, what a
 * condition leaves. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "support.h"

#include "format/ops.h"

/* A node with input x, others that are constants, and an attribute. */
static proto node_of(const char *op, const char *const *in, size_t inputs, const char *name,
                     int64_t value)
{
    proto node = proto_node(op, "n", in, inputs, (const char *[]){"y"}, 1);
    if (name)
        proto_attribute_integer(&node, name, value);
    return node;
}

static void check(void **state, uint32_t rank, const int64_t *shape, const double *x, proto node,
                  const double *wanted, size_t count)
{
    proto graph = ops_begin(rank, shape, false);
    ops_node(&graph, node);
    ops_expect(state, &graph, x, NULL, wanted, count);
}

/* --- the largest ------------------------------------------------------------------------------ */

/* Values or ids of the three largest or smallest of rows with equal numbers. */
static void top(void **state, int axis, bool largest, bool ids, const double *wanted)
{
    static const int64_t shape[] = {3, 4}, turned[] = {4, 3};
    static const uint64_t one[] = {1};
    static const double x[] = {1, 3, 3, 2, -5, -1, -1, -5, 0, 9, 8, 7};
    double columns[12];
    proto graph = ops_begin(2, axis ? shape : turned, false);
    proto node = proto_node("TopK", "n", (const char *[]){"x", "k"}, 2,
                            (const char *[]){"values", "ids"}, 2);
    proto_attribute_integer(&node, "axis", axis ? -1 : 0);
    proto_attribute_integer(&node, "largest", largest);
    ops_tensor(&graph, "k", 7, 1, one, (const double[]){3});
    ops_node(&graph, node);
    proto cast = ops_one("Cast", ids ? "ids" : "values", "found");
    proto_attribute_integer(&cast, "to", 1);
    ops_node(&graph, cast);
    proto turn = ops_one(axis ? "Identity" : "Transpose", "found", "y");
    ops_node(&graph, turn);
    for (int i = 0; i < 12; i++)
        columns[i % 4 * 3 + i / 4] = x[i];
    ops_expect(state, &graph, axis ? x : columns, NULL, wanted, 9);
}

static void test_top(void **state)
{
    static const double most[] = {3, 3, 2, -1, -1, -5, 9, 8, 7};
    static const double most_at[] = {1, 2, 3, 1, 2, 0, 1, 2, 3};
    static const double least[] = {1, 2, 3, -5, -5, -1, 0, 7, 8};
    static const double least_at[] = {0, 3, 1, 0, 3, 1, 0, 3, 2};
    for (int axis = 0; axis < 2; axis++) {
        top(state, axis, true, false, most);
        top(state, axis, true, true, most_at);
        top(state, axis, false, false, least);
        top(state, axis, false, true, least_at);
    }
}

/* Along the last axis; before opset 13 over all from one on. */
static void test_hardmax(void **state)
{
    static const int64_t shape[] = {2, 2, 2};
    static const double x[] = {1, 1, 5, 4, -2, -3, -1, -1};
    static const double each[] = {1, 0, 1, 0, 1, 0, 1, 0}, whole[] = {0, 0, 1, 0, 0, 0, 1, 0};
    check(state, 3, shape, x, ops_one("Hardmax", "x", "y"), each, 8);
    ops_opset = 12;
    check(state, 3, shape, x, ops_one("Hardmax", "x", "y"), whole, 8);
    ops_opset = 14;
}

/* --- powers ----------------------------------------------------------------------------------- */

static void test_powers(void **state)
{
    static const int64_t shape[] = {1, 1, 4}, two = 2;
    static const double x[] = {3, -4, 0, 2};
    for (int p = 1; p <= 3; p++) {
        double pooled[3], all = 0;
        for (int i = 0; i < 4; i++)
            all += pow(fabs(x[i]), p);
        for (int i = 0; i < 3; i++)
            pooled[i] = pow(pow(fabs(x[i]), p) + pow(fabs(x[i + 1]), p), 1.0 / p);
        all = pow(all, 1.0 / p);
        proto node = node_of("LpPool", (const char *[]){"x"}, 1, "p", p);
        proto_attribute_integers(&node, "kernel_shape", &two, 1);
        check(state, 3, shape, x, node, pooled, 3);
        check(state, 3, shape, x, node_of("GlobalLpPool", (const char *[]){"x"}, 1, "p", p), &all,
              1);
    }
}

/* Channels around each, of an even and an odd number. */
static void test_over_channels(void **state)
{
    static const int64_t shape[] = {1, 4, 1};
    static const double x[] = {1, -2, 3, 4};
    for (int size = 1; size <= 4; size++) {
        double wanted[4];
        proto node = node_of("LRN", (const char *[]){"x"}, 1, "size", size);
        proto_attribute_real(&node, "alpha", 0.5f);
        proto_attribute_real(&node, "beta", 0.25f);
        proto_attribute_real(&node, "bias", 2);
        for (int c = 0; c < 4; c++) {
            double sum = 0;
            for (int k = c - (size - 1) / 2; k <= c + size / 2; k++)
                sum += k >= 0 && k < 4 ? x[k] * x[k] : 0;
            wanted[c] = x[c] / pow(2 + 0.5 / size * sum, 0.25);
        }
        check(state, 3, shape, x, node, wanted, 4);
    }
}

/* Without axes each channel over all else, with them each row. */
static void test_mean_variance(void **state)
{
    static const int64_t shape[] = {2, 1, 1, 2}, last = -1;
    static const double x[] = {1, 3, 5, 7}, s = 2.23606797749978969641; /* sqrt(5) */
    const double all[] = {-3 / s, -1 / s, 1 / s, 3 / s}, rows[] = {-1, 1, -1, 1};
    double wanted[4];
    for (int i = 0; i < 4; i++)
        wanted[i] = all[i] * (s / (s + 1e-9));
    check(state, 4, shape, x, ops_one("MeanVarianceNormalization", "x", "y"), wanted, 4);
    for (int i = 0; i < 4; i++)
        wanted[i] = rows[i] / (1 + 1e-9);
    proto node = ops_one("MeanVarianceNormalization", "x", "y");
    proto_attribute_integers(&node, "axes", &last, 1);
    check(state, 4, shape, x, node, wanted, 4);
}

/* --- indices ---------------------------------------------------------------------------------- */

/* Three updates of element 1 and one of element 3. */
static void test_scatter(void **state)
{
    static const int64_t shape[] = {4};
    static const uint64_t four[] = {4}, column[] = {4, 1};
    static const double x[] = {1, 2, 3, 4}, to[] = {1, 3, 1, -3}, updates[] = {5, 2, -1, 3};
    static const struct {
        const char *word;
        double wanted[4];
    } all[] = {{"add", {1, 9, 3, 6}},
               {"mul", {1, -30, 3, 8}},
               {"max", {1, 5, 3, 4}},
               {"min", {1, -1, 3, 2}},
               {"none", {1, 3, 3, 2}}};
    for (size_t i = 0; i < 2 * sizeof all / sizeof *all; i++) {
        const bool rows = i % 2; /* ScatterND */
        proto graph = ops_begin(1, shape, false);
        ops_tensor(&graph, "to", 7, rows ? 2 : 1, rows ? column : four, to);
        ops_tensor(&graph, "u", 1, 1, four, updates);
        proto node = node_of(rows ? "ScatterND" : "ScatterElements",
                             (const char *[]){"x", "to", "u"}, 3, NULL, 0);
        proto_attribute_word(&node, "reduction", all[i / 2].word);
        ops_node(&graph, node);
        ops_opset = 18;
        ops_expect(state, &graph, x, NULL, all[i / 2].wanted, 4);
        ops_opset = 14;
    }
}

/* By indices that are computed: the order of x back, some from the end, and one element that none
 * is for. */
static void test_scatter_computed(void **state)
{
    enum { K = 5, M = 4 };
    static const int64_t shape[] = {M};
    static const uint64_t all[] = {K}, some[] = {M};
    static const double x[] = {3, 0, -1, 1}, old[] = {10, 20, 30, 40, 50}, new[] = {1, 2, 3, 4};
    static const double wanted[] = {2, 4, 30, 1, 3};
    proto graph = ops_begin(1, shape, false);
    ops_tensor(&graph, "old", 1, 1, all, old);
    ops_tensor(&graph, "new", 1, 1, some, new);
    proto whole = ops_one("Cast", "x", "to");
    proto_attribute_integer(&whole, "to", 7);
    ops_node(&graph, whole);
    ops_node(&graph, node_of("ScatterElements", (const char *[]){"old", "to", "new"}, 3, NULL, 0));
    ops_expect(state, &graph, x, NULL, wanted, K);
}

/* Of columns, and of all elements; a condition may be shorter. */
static void test_compress(void **state)
{
    static const int64_t shape[] = {2, 3};
    static const uint64_t three[] = {3}, five[] = {5};
    static const double x[] = {1, 2, 3, 4, 5, 6}, ends[] = {1, 0, 1}, some[] = {0, 1, 0, 0, 1};
    static const double columns[] = {1, 3, 4, 6}, elements[] = {2, 5};
    for (int whole = 0; whole < 2; whole++) {
        proto graph = ops_begin(2, shape, false);
        ops_tensor(&graph, "c", 7, 1, whole ? five : three, whole ? some : ends);
        ops_node(&graph,
                 node_of("Compress", (const char *[]){"x", "c"}, 2, whole ? NULL : "axis", 1));
        ops_expect(state, &graph, x, NULL, whole ? elements : columns, whole ? 2 : 4);
    }
}

/* auto_pad of a transposed convolution cuts off and does not add, as in ONNX Runtime. */
static void test_same_padding(void **state)
{
    static const int64_t shape[] = {1, 1, 2}, three = 3;
    static const uint64_t one[] = {1, 1, 1}, four[] = {1, 1, 4};
    static const double x[] = {1, 2}, w[] = {10, 20, 30, 40};
    static const double shorter[] = {10, 0, 0, 20}, cut[] = {10, 20, 30, 60, 40, 60};
    for (int wide = 0; wide < 2; wide++) {
        proto graph = ops_begin(3, shape, false);
        ops_tensor(&graph, "w", 1, 3, wide ? four : one, w);
        proto node = ops_two("ConvTranspose", "x", "w", "y");
        proto_attribute_word(&node, "auto_pad", "SAME_UPPER");
        proto_attribute_integers(&node, "strides", &three, 1);
        ops_node(&graph, node);
        ops_expect(state, &graph, x, NULL, wide ? cut : shorter, wide ? 6 : 4);
    }
}

/* Step by step it is a convolution: of two groups, each window backwards; unless more is cut off
 * than windows overlap. */
static void test_plain_transposed(void **state)
{
    enum { C = 4, G = 2, M = 3, K = 3, size = 7, dilation = 2, end = 3, most = 12 };
    static const int64_t shape[] = {1, C, size}, dilations = dilation;
    static const uint64_t w_shape[] = {C, M, K};
    double x[C * size], w[C * M * K];
    for (int i = 0; i < C * size; i++)
        x[i] = i % 5 - 1.5;
    for (int i = 0; i < C * M * K; i++)
        w[i] = i % 7 - 3 + 0.25 * (i % 4);
    for (int begin = 0; begin < 6; begin++) {
        const int out = size + (K - 1) * dilation - begin - end;
        const int64_t pads[] = {begin, end};
        double wanted[G * M * most] = {0};
        for (int c = 0; c < C; c++)
            for (int m = 0; m < M; m++)
                for (int k = 0; k < K; k++)
                    for (int i = 0; i < size; i++) {
                        const int o = i + k * dilation - begin;
                        if (o >= 0 && o < out)
                            wanted[(c / (C / G) * M + m) * out + o] +=
                                w[(c * M + m) * K + k] * x[c * size + i];
                    }
        proto graph = ops_begin(3, shape, false);
        ops_tensor(&graph, "w", 1, 3, w_shape, w);
        proto node = ops_two("ConvTranspose", "x", "w", "y");
        proto_attribute_integers(&node, "pads", pads, 2);
        proto_attribute_integers(&node, "dilations", &dilations, 1);
        proto_attribute_integer(&node, "group", G);
        ops_node(&graph, node);
        ops_expect(state, &graph, x, NULL, wanted, (uint32_t)(G * M * out));
    }
}

/* W and B are made of x: two groups of one channel, a window of two that leaves one out. */
static void test_computed_window(void **state)
{
    enum { C = 2, M = 4, K = 2, size = 6, dilation = 2, begin = 1, end = 3, stride = 2, out = 4 };
    static const int64_t shape[] = {1, C, size};
    static const uint64_t w_shape[] = {M, 1, K}, b_shape[] = {M}, one[] = {1};
    static const int64_t pads[] = {begin, end}, strides = stride, dilations = dilation;
    static const double w[M * K] = {1, 2, -1, 3, 0.5, -2, 4, 1}, b[M] = {1, -1, 2, 0.25};
    double x[C * size], wanted[M * out], sum = 0;
    for (int i = 0; i < C * size; i++)
        sum += x[i] = i % 5 - 1.5;
    for (int m = 0; m < M; m++)
        for (int o = 0; o < out; o++) {
            double y = b[m] * sum;
            for (int k = 0; k < K; k++) {
                const int at = o * stride + k * dilation - begin;
                y += at >= 0 && at < size ? w[m * K + k] * sum * x[m / (M / C) * size + at] : 0;
            }
            wanted[m * out + o] = y;
        }
    for (int known = 0; known < 2; known++) { /* W */
        proto graph = ops_begin(3, shape, false);
        double scaled[M * K];
        for (int i = 0; i < M * K; i++)
            scaled[i] = w[i] * sum;
        ops_tensor(&graph, "w", 1, 3, w_shape, known ? scaled : w);
        ops_tensor(&graph, "b", 1, 1, b_shape, b);
        ops_tensor(&graph, "flat", 7, 1, one, (const double[]){1});
        ops_node(&graph, ops_one("ReduceSum", "x", "sum"));
        ops_node(&graph, ops_two("Reshape", "sum", "flat", "number"));
        ops_node(&graph, ops_two("Mul", "w", "sum", "computed"));
        ops_node(&graph, ops_two("Mul", "b", "number", "bias"));
        proto node =
            node_of("Conv", (const char *[]){"x", known ? "w" : "computed", "bias"}, 3, "group", C);
        proto_attribute_integers(&node, "pads", pads, 2);
        proto_attribute_integers(&node, "strides", &strides, 1);
        proto_attribute_integers(&node, "dilations", &dilations, 1);
        ops_node(&graph, node);
        ops_expect(state, &graph, x, NULL, wanted, M * out);
    }
}

/* x / sqrt(mean of squares + epsilon) scale; what a layer norm multiplies by. */
static void test_mean_squares(void **state)
{
    static const int64_t shape[] = {2, 2};
    static const uint64_t two[] = {2};
    static const double x[] = {3, -4, 1, 1}, scale[] = {2, 0.5};
    double wanted[4], inverse[2];
    proto graph = ops_begin(2, shape, false);
    proto node = proto_node("RMSNormalization", "n", (const char *[]){"x", "s"}, 2,
                            (const char *[]){"y"}, 1);
    for (int i = 0; i < 4; i++)
        wanted[i] = x[i] / sqrt((i < 2 ? 12.5 : 1) + (double)0.01f) * scale[i % 2];
    for (int i = 0; i < 2; i++)
        inverse[i] = 1 / sqrt((i ? 0 : 12.25) + (double)0.01f);
    proto_attribute_real(&node, "epsilon", 0.01f);
    ops_tensor(&graph, "s", 1, 1, two, scale);
    ops_node(&graph, node);
    ops_opset = 23;
    ops_expect(state, &graph, x, NULL, wanted, 4);
    graph = ops_begin(2, shape, false);
    node = proto_node("LayerNormalization", "n", (const char *[]){"x", "s"}, 2,
                      (const char *[]){"l", "m", "y"}, 3);
    proto_attribute_real(&node, "epsilon", 0.01f);
    ops_tensor(&graph, "s", 1, 1, two, scale);
    ops_node(&graph, node);
    ops_expect(state, &graph, x, NULL, inverse, 2);
    ops_opset = 14;
}

/* Functions of the model, in each other; an attribute that is given, or as usual. */
static void test_functions(void **state)
{
    static const int64_t shape[] = {4};
    static const double x[] = {-8, 4, -1, 2}, wanted[] = {-1, 4, -0.125, 2};
    proto graph = ops_begin(1, shape, false);
    proto inner = ops_one("Leak", "x", "y"), call = ops_one("Leak", "x", "a");
    proto outer = ops_one("Usual", "a", "y");
    ops_own(&inner);
    ops_own(&call);
    ops_own(&outer);
    proto_attribute_real(&call, "slope", 0.5f);
    ops_function("Leak", ops_one("LeakyRelu", "x", "y"), "alpha", "slope", NAN);
    ops_function("Usual", inner, "slope", "less", 0.25);
    ops_node(&graph, call);
    ops_node(&graph, outer);
    ops_expect(state, &graph, x, NULL, wanted, 4);
}

/* Each channel over all of its steps, however many there are. */
static void test_over_steps(void **state)
{
    enum { N = OPS_ROWS, C = 2, T = OPS_STEPS };
    static const int64_t shape[] = {-2, C, -1};
    static const double scale[C] = {2, -1}, bias[C] = {0.5, 0};
    const char *const in[] = {"x", "scale", "bias"};
    double x[N * C * T], y[N * C * T];
    for (int i = 0; i < N * C * T; i++)
        x[i] = (double)(float)(sin(2.3 * i) * (1 + i % 3));
    for (int row = 0; row < N * C; row++) {
        double mean = 0, variance = 0;
        for (int t = 0; t < T; t++)
            mean += x[row * T + t] / T;
        for (int t = 0; t < T; t++)
            variance += (x[row * T + t] - mean) * (x[row * T + t] - mean) / T;
        for (int t = 0; t < T; t++)
            y[row * T + t] =
                (x[row * T + t] - mean) / sqrt(variance + 1e-5) * scale[row % C] + bias[row % C];
    }
    for (int groups = 0; groups < 2; groups++) {
        ops_opset = groups ? 21 : 14;
        proto graph = ops_begin(3, shape, false);
        ops_tensor(&graph, "scale", 1, 1, (const uint64_t[]){C}, scale);
        ops_tensor(&graph, "bias", 1, 1, (const uint64_t[]){C}, bias);
        ops_node(&graph, groups ? node_of("GroupNormalization", in, 3, "num_groups", C)
                                : node_of("InstanceNormalization", in, 3, NULL, 0));
        ops_expect(state, &graph, x, NULL, y, N * C * T);
    }
    ops_opset = 14;
}

int main(void)
{
#define ON_DEVICE(test) cmocka_unit_test_setup_teardown(test, test_open, test_close)
    const struct CMUnitTest tests[] = {ON_DEVICE(test_top),
                                       ON_DEVICE(test_hardmax),
                                       ON_DEVICE(test_powers),
                                       ON_DEVICE(test_over_channels),
                                       ON_DEVICE(test_mean_variance),
                                       ON_DEVICE(test_scatter),
                                       ON_DEVICE(test_scatter_computed),
                                       ON_DEVICE(test_compress),
                                       ON_DEVICE(test_same_padding),
                                       ON_DEVICE(test_plain_transposed),
                                       ON_DEVICE(test_computed_window),
                                       ON_DEVICE(test_mean_squares),
                                       ON_DEVICE(test_functions),
                                       ON_DEVICE(test_over_steps)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}

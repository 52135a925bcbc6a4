/* SPDX-License-Identifier: MIT
 * tests/format/test_onnx_ops.c - operators of ONNX by values worked out by hand: time backwards,
 * what remains of divisions, sums by letters, T as a number, products of what is known, functions
 * and transforms that are made of several nodes. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "support.h"

#include "format/ops.h"

enum { T = OPS_STEPS, N = OPS_ROWS };

/* --- time backwards -------------------------------------------------------------------------- */

static void count_up(double *x)
{
    for (int i = 0; i < T * N; i++)
        x[i] = i + 1;
}

/* Lengths that are an input, in either order of axes. */
static void test_reverse_sequence(void **state)
{
    static const double lengths[N] = {5, 1, 3};
    double x[T * N], wanted[T * N];
    count_up(x);
    for (int time = 0; time < 2; time++) {
        const int64_t shape[] = {time ? -2 : -1, time ? -1 : -2};
        proto graph = ops_begin(2, shape, true);
        proto node = ops_two("ReverseSequence", "x", "lengths", "y");
        proto_attribute_integer(&node, "time_axis", time);
        proto_attribute_integer(&node, "batch_axis", 1 - time);
        for (int t = 0; t < T; t++)
            for (int n = 0; n < N; n++) {
                const int from = t < lengths[n] ? (int)lengths[n] - 1 - t : t;
                wanted[time ? n * T + t : t * N + n] = x[time ? n * T + from : from * N + n];
            }
        ops_node(&graph, node);
        ops_expect(state, &graph, x, lengths, wanted, T * N);
    }
}

/* Known lengths over numbers: of x, and of what is known itself. */
static void test_known_lengths(void **state)
{
    static const int64_t shape[] = {2, 3};
    static const uint64_t two_long[] = {2}, like_x[] = {2, 3};
    static const double lengths[] = {2, 3}, x[] = {1, 2, 3, 4, 5, 6};
    proto graph = ops_begin(2, shape, false);
    ops_tensor(&graph, "n", 7, 1, two_long, lengths);
    ops_tensor(&graph, "k", 1, 2, like_x, x);
    for (int i = 0; i < 2; i++) {
        proto node = ops_two("ReverseSequence", i ? "k" : "x", "n", i ? "b" : "a");
        proto_attribute_integer(&node, "time_axis", 1);
        proto_attribute_integer(&node, "batch_axis", 0);
        ops_node(&graph, node);
    }
    ops_node(&graph, ops_two("Add", "a", "x", "c"));
    ops_node(&graph, ops_two("Add", "c", "b", "d"));
    ops_node(&graph, ops_two("Sub", "d", "b", "y"));
    static const double sums[] = {3, 3, 6, 10, 10, 10};
    ops_expect(state, &graph, x, NULL, sums, 6);
}

static void test_slice_back(void **state)
{
    static const int64_t shape[] = {-1, -2};
    static const uint64_t one[] = {1};
    double x[T * N], wanted[T * N];
    proto graph = ops_begin(2, shape, false);
    count_up(x);
    for (int i = 0; i < T * N; i++)
        wanted[i] = x[(T - 1 - i / N) * N + i % N];
    ops_tensor(&graph, "begin", 7, 1, one, (const double[]){-1});
    ops_tensor(&graph, "end", 7, 1, one, (const double[]){-2147483648.0});
    ops_tensor(&graph, "axis", 7, 1, one, (const double[]){0});
    ops_node(&graph,
             proto_node("Slice", "y", (const char *[]){"x", "begin", "end", "axis", "begin"}, 5,
                        (const char *[]){"y"}, 1));
    ops_expect(state, &graph, x, NULL, wanted, T * N);
}

/* --- arithmetic ------------------------------------------------------------------------------ */

/* x's second column by its first: what remains as Python has it, and as C has it. */
static void test_remainder(void **state)
{
    static const int64_t shape[] = {6, 2};
    static const double x[] = {2, -3, INFINITY, -3, -INFINITY, -3, -2, 3, 2, INFINITY, -2.5, -6};
    static const double wanted[][6] = {{1, INFINITY, -3, -1, NAN, -1}, {-1, -3, -3, 1, NAN, -1}};
    static const uint64_t none[] = {0};
    for (int c = 0; c < 2; c++) {
        proto graph = ops_begin(2, shape, false);
        ops_tensor(&graph, "0", 7, 0, none, (const double[]){0});
        ops_tensor(&graph, "1", 7, 0, none, (const double[]){1});
        for (int k = 0; k < 2; k++) {
            proto column = ops_two("Gather", "x", k ? "1" : "0", k ? "a" : "b");
            proto_attribute_integer(&column, "axis", 1);
            ops_node(&graph, column);
        }
        proto node = ops_two("Mod", "a", "b", "y");
        if (c)
            proto_attribute_integer(&node, "fmod", 1);
        ops_node(&graph, node);
        ops_expect(state, &graph, x, NULL, wanted[c], 6);
    }
}

/* T, and T + 1, as numbers. */
static void test_steps_as_number(void **state)
{
    static const int64_t shape[] = {-1, -2};
    static const uint64_t none[] = {0};
    double x[T * N], wanted[T * N];
    proto graph = ops_begin(2, shape, false);
    count_up(x);
    for (int i = 0; i < T * N; i++)
        wanted[i] = x[i] / T + (T + 1);
    ops_tensor(&graph, "0", 7, 0, none, (const double[]){0});
    ops_tensor(&graph, "one", 1, 0, none, (const double[]){1});
    ops_node(&graph, ops_one("Shape", "x", "s"));
    ops_node(&graph, ops_two("Gather", "s", "0", "t"));
    proto cast = ops_one("Cast", "t", "f");
    proto_attribute_integer(&cast, "to", 1);
    ops_node(&graph, cast);
    ops_node(&graph, ops_two("Add", "f", "one", "g"));
    ops_node(&graph, ops_two("Div", "x", "f", "h"));
    ops_node(&graph, ops_two("Add", "h", "g", "y"));
    ops_expect(state, &graph, x, NULL, wanted, T * N);
}

static void test_dots(void **state)
{
    static const int64_t shape[] = {2, 1, 2};
    static const uint64_t matrix[] = {2, 3};
    static const double x[] = {1, 2, 3, 4}, w[] = {1, 0, 2, 0, 1, -1};
    static const char *const equations[] = {"...i,iu->...u", "...i, i u -> ...u"};
    static const double wanted[] = {1, 2, 0, 3, 4, 2};
    for (int i = 0; i < 2; i++) {
        proto graph = ops_begin(3, shape, false), node = ops_two("Einsum", "x", "w", "y");
        proto_attribute_word(&node, "equation", equations[i]);
        ops_tensor(&graph, "w", 1, 2, matrix, w);
        ops_node(&graph, node);
        ops_expect(state, &graph, x, NULL, wanted, 6);
    }
}

/* A letter twice in a term: diagonals, of numbers and beside N; their sum. */
static void test_diagonals(void **state)
{
    static const struct {
        const char *equation;
        int64_t shape[3];
        uint32_t rank, count;
        double wanted[6];
    } cases[] = {{"ii->i", {3, 3}, 2, 3, {1, 5, 9}},
                 {"ii->", {3, 3}, 2, 1, {15}},
                 {"ii", {3, 3}, 2, 1, {15}},
                 {"iii->i", {2, 2, 2}, 3, 2, {1, 8}},
                 {"ibi->ib", {2, 3, 2}, 3, 6, {1, 3, 5, 8, 10, 12}},
                 {"bii->ib", {-2, 2, 2}, 3, 6, {1, 5, 9, 4, 8, 12}},
                 {"bii,i->b", {-2, 2, 2}, 3, 3, {9, 21, 33}}};
    static const uint64_t two[] = {2};
    double x[12];
    for (int i = 0; i < 12; i++)
        x[i] = i + 1;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const bool second = strchr(cases[i].equation, ',');
        proto graph = ops_begin(cases[i].rank, cases[i].shape, false);
        proto node = second ? ops_two("Einsum", "x", "w", "y") : ops_one("Einsum", "x", "y");
        proto_attribute_word(&node, "equation", cases[i].equation);
        ops_tensor(&graph, "w", 1, 1, two, (const double[]){1, 2});
        ops_node(&graph, node);
        ops_expect(state, &graph, x, NULL, cases[i].wanted, cases[i].count);
    }
}

/* Stacks of matrices that are known, one of them broadcast, are multiplied when they are read: a
 * weight may be made so. */
static void test_known_products(void **state)
{
    static const int64_t shape[] = {2, 2};
    static const uint64_t stack[] = {2, 1, 2}, one[] = {2, 1}, pair[] = {2, 1};
    static const double a[] = {1, 2, 3, 4}, b[] = {1, -1}, x[] = {5, 6, 7, 8};
    static const double wanted[] = {4, 5, 6, 7}; /* both products are -1 */
    proto graph = ops_begin(2, shape, false);
    ops_tensor(&graph, "a", 1, 3, stack, a);
    ops_tensor(&graph, "b", 1, 2, one, b);
    ops_tensor(&graph, "to", 7, 1, pair, (const double[]){2, 1});
    ops_node(&graph, ops_two("MatMul", "a", "b", "p"));
    ops_node(&graph, ops_two("Reshape", "p", "to", "q"));
    ops_node(&graph, ops_two("Add", "x", "q", "y"));
    ops_expect(state, &graph, x, NULL, wanted, 4);
}

/* --- made of several nodes ------------------------------------------------------------------- */

static double shrunk(double x)
{
    return x > 0.5 ? x - 0.25 : x < -0.5 ? x + 0.25 : 0;
}

static double odd(double x)
{
    return isnan(x) != 0;
}

static double above(double x)
{
    return isinf(x) && x > 0;
}

static double infinite(double x)
{
    return isinf(x) != 0;
}

static void test_functions(void **state)
{
    static const int64_t shape[] = {6};
    static const double near[] = {-0.75, -0.5, 0, 0.25, 0.5, 0.9}, far[] = {1, 1.5, 3, 20, 4e3, 2};
    static const double strange[] = {NAN, INFINITY, -INFINITY, 0, 1e300, -3};
    const struct {
        const char *op;
        double (*value)(double);
        const double *x;
    } all[] = {{"Tan", tan, near},      {"Sinh", sinh, near},      {"Cosh", cosh, near},
               {"Asinh", asinh, near},  {"Asinh", asinh, far},     {"Acosh", acosh, far},
               {"Atanh", atanh, near},  {"Atan", atan, near},      {"Atan", atan, far},
               {"Asin", asin, near},    {"Acos", acos, near},      {"Shrink", shrunk, near},
               {"IsNaN", odd, strange}, {"IsInf", above, strange}, {"IsInf", infinite, strange}};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
        double wanted[6];
        proto graph = ops_begin(1, shape, false), node = ops_one(all[i].op, "x", "f");
        proto cast = ops_one("Cast", "f", "y");
        if (all[i].value == shrunk) {
            proto_attribute_real(&node, "lambd", 0.5f);
            proto_attribute_real(&node, "bias", 0.25f);
        }
        if (all[i].value == above)
            proto_attribute_integer(&node, "detect_negative", 0);
        proto_attribute_integer(&cast, "to", 1);
        ops_node(&graph, node);
        ops_node(&graph, cast);
        for (int k = 0; k < 6; k++)
            wanted[k] = all[i].value(all[i].x[k]);
        ops_expect(state, &graph, all[i].x, NULL, wanted, 6);
    }
}

/* One operator with attributes: whole numbers, and perhaps a word. */
static void check(void **state, const char *op, uint32_t rank, const int64_t *shape,
                  const double *x, const char *name, int64_t value, const char *word,
                  const double *wanted, size_t count)
{
    proto graph = ops_begin(rank, shape, false);
    proto node = ops_one(op, "x", "y");
    if (name)
        proto_attribute_integer(&node, name, value);
    if (word)
        proto_attribute_word(&node, "mode", word);
    ops_node(&graph, node);
    ops_expect(state, &graph, x, NULL, wanted, count);
}

static void test_layouts(void **state)
{
    static const int64_t deep[] = {1, 8, 1, 1}, wide[] = {1, 1, 2, 4}, matrix[] = {2, 3};
    static const int64_t square[] = {1, 2, 2, 2};
    static const double x[] = {1, 2, 3, 4, 5, 6, 7, 8};
    static const double depth_first[] = {1, 3, 5, 7, 2, 4, 6, 8};
    static const double space[] = {1, 3, 2, 4, 5, 7, 6, 8};
    static const double row_first[] = {1, 5, 2, 6, 3, 7, 4, 8};
    static const double upper[] = {1, 2, 3, 0, 5, 6}, lower[] = {1, 0, 0, 4, 5, 0};
    check(state, "DepthToSpace", 4, deep, x, "blocksize", 2, NULL, depth_first, 8);
    check(state, "DepthToSpace", 4, deep, x, "blocksize", 2, "CRD", x, 8);
    check(state, "SpaceToDepth", 4, wide, x, "blocksize", 2, NULL, space, 8);
    check(state, "SpaceToDepth", 4, square, x, "blocksize", 2, NULL, row_first, 8);
    check(state, "SpaceToDepth", 4, square, x, "blocksize", 2, "CRD", x, 8);
    check(state, "Trilu", 2, matrix, x, NULL, 0, NULL, upper, 6);
    check(state, "Trilu", 2, matrix, x, "upper", 0, NULL, lower, 6);
}

static void test_norms(void **state)
{
    static const int64_t pair[] = {2, 2};
    static const double x[] = {3, -4, 0, 0};
    static const double one[] = {3 / 7., -4 / 7., 0, 0}, two_norm[] = {0.6, -0.8, 0, 0};
    check(state, "LpNormalization", 2, pair, x, "p", 1, NULL, one, 4);
    check(state, "LpNormalization", 2, pair, x, NULL, 0, NULL, two_norm, 4);
    for (int each = 0; each < 2; each++) { /* scale of each group, or of each channel */
        static const int64_t shape[] = {1, 4, 2};
        static const uint64_t counts[] = {2, 4};
        static const double in[] = {1, 2, 3, 4, -1, -1, 5, 5}, scale[] = {2, 3, 4, 5};
        proto graph = ops_begin(3, shape, false);
        proto node = proto_node("GroupNormalization", "y", (const char *[]){"x", "s", "s"}, 3,
                                (const char *[]){"y"}, 1);
        double wanted[8];
        for (int i = 0; i < 8; i++) {
            const double mean = i < 4 ? 2.5 : 2, variance = i < 4 ? 1.25 : 9;
            const double s = scale[each ? i / 2 : i / 4];
            wanted[i] = (in[i] - mean) / sqrt(variance + 1e-5) * s + s;
        }
        proto_attribute_integer(&node, "num_groups", 2);
        ops_tensor(&graph, "s", 1, 1, &counts[each], scale);
        ops_node(&graph, node);
        ops_opset = each ? 21 : 18;
        ops_expect(state, &graph, in, NULL, wanted, 8);
        ops_opset = 14;
    }
}

/* Named elements, ones by number, padding below 0 that goes round, what is known as a matrix. */
static void test_indices(void **state)
{
    static const int64_t shape[] = {2, 3}, three[] = {3}, four[] = {4};
    static const uint64_t none[] = {0}, pair[] = {2}, pairs[] = {2, 2}, cube[] = {1, 2, 3};
    static const double x[] = {1, 2, 3, 4, 5, 6}, named[] = {1, 2, 0, -3}, ids[] = {1, -1, 0};
    static const double picked[] = {6, 1}, ones[] = {2, 2, 5, 5, 2, 2, 2, 5, 2};
    static const double round_again[] = {2, 3, 4, 2, 3}, doubled[] = {2, 4, 6, 8, 10, 12};
    proto graph = ops_begin(2, shape, false);
    ops_tensor(&graph, "at", 7, 2, pairs, named);
    ops_node(&graph, ops_two("GatherND", "x", "at", "y"));
    ops_expect(state, &graph, x, NULL, picked, 2);
    graph = ops_begin(1, three, false);
    ops_tensor(&graph, "depth", 7, 0, none, (const double[]){3});
    ops_tensor(&graph, "values", 1, 1, pair, (const double[]){2, 5});
    proto hot = proto_node("OneHot", "y", (const char *[]){"x", "depth", "values"}, 3,
                           (const char *[]){"y"}, 1);
    proto_attribute_integer(&hot, "axis", 0);
    ops_node(&graph, hot);
    ops_expect(state, &graph, ids, NULL, ones, 9);
    graph = ops_begin(1, four, false);
    ops_tensor(&graph, "pads", 7, 1, pair, (const double[]){-1, 2});
    proto pad = ops_two("Pad", "x", "pads", "y");
    proto_attribute_word(&pad, "mode", "wrap");
    ops_node(&graph, pad);
    ops_opset = 19;
    ops_expect(state, &graph, x, NULL, round_again, 5);
    ops_opset = 14;
    graph = ops_begin(2, shape, false);
    ops_tensor(&graph, "known", 1, 3, cube, x);
    proto flat = ops_one("Flatten", "known", "f");
    proto_attribute_integer(&flat, "axis", 2);
    ops_node(&graph, flat);
    ops_node(&graph, ops_two("Add", "x", "f", "y"));
    ops_expect(state, &graph, x, NULL, doubled, 6);
}

/* A transform of all, of the first half of its bins, and there and back. */
static void test_fourier(void **state)
{
    static const int64_t shape[] = {1, 4, 1};
    static const double x[] = {1, 2, -3, 5};
    static const double all[] = {5, 0, 4, 3, -9, 0, 4, -3}, there[] = {1, 0, 2, 0, -3, 0, 5, 0};
    ops_opset = 17;
    check(state, "DFT", 3, shape, x, NULL, 0, NULL, all, 8);
    check(state, "DFT", 3, shape, x, "onesided", 1, NULL, all, 6);
    proto graph = ops_begin(3, shape, false), back = ops_two("DFT", "f", "", "y");
    ops_node(&graph, ops_one("DFT", "x", "f"));
    proto_attribute_integer(&back, "inverse", 1);
    ops_node(&graph, back);
    ops_expect(state, &graph, x, NULL, there, 8);
    static const double hann[] = {0, 1, -3, 2.5}, hamming[] = {4 / 46., 50 / 46., -3, 125 / 46.};
    static const double blackman[] = {0, 0.68, -3, 1.7};
    const struct {
        const char *op;
        const double *wanted;
    } windows[] = {{"HannWindow", hann}, {"HammingWindow", hamming}, {"BlackmanWindow", blackman}};
    for (int i = 0; i < 3; i++) {
        static const int64_t four[] = {4};
        static const uint64_t none[] = {0};
        proto windowed = ops_begin(1, four, false);
        ops_tensor(&windowed, "n", 7, 0, none, (const double[]){4});
        ops_node(&windowed, ops_one(windows[i].op, "n", "w"));
        ops_node(&windowed, ops_two("Mul", "x", "w", "y"));
        ops_expect(state, &windowed, x, NULL, windows[i].wanted, 4);
    }
    ops_opset = 14;
}

int main(void)
{
#define ON_DEVICE(test) cmocka_unit_test_setup_teardown(test, test_open, test_close)
    const struct CMUnitTest tests[] = {ON_DEVICE(test_reverse_sequence),
                                       ON_DEVICE(test_known_lengths),
                                       ON_DEVICE(test_slice_back),
                                       ON_DEVICE(test_remainder),
                                       ON_DEVICE(test_steps_as_number),
                                       ON_DEVICE(test_dots),
                                       ON_DEVICE(test_diagonals),
                                       ON_DEVICE(test_known_products),
                                       ON_DEVICE(test_functions),
                                       ON_DEVICE(test_layouts),
                                       ON_DEVICE(test_norms),
                                       ON_DEVICE(test_indices),
                                       ON_DEVICE(test_fourier)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: MIT
 * tests/format/test_onnx_ops.c - operators of ONNX by values worked out by hand: time backwards,
 * what remains of divisions, sums by letters, T as a number, products of what is known. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "support.h"

#include "format/imported.h"
#include "format/proto.h"

enum { T = 5, N = 3 };

/* x of these axes (below 0: open), and perhaps `lengths` [N]; nodes and tensors are added. */
static proto begin(uint32_t rank, const int64_t *shape, bool lengths)
{
    static const int64_t rows[] = {-2};
    proto graph = {0}, x = proto_value("x", 1, rank, shape), n = proto_value("lengths", 7, 1, rows);
    proto_message(&graph, 11, &x);
    if (lengths)
        proto_message(&graph, 11, &n);
    else
        free(n.data);
    return graph;
}

static void add_node(proto *graph, proto node)
{
    proto_message(graph, 1, &node);
}

static void add_tensor(proto *graph, const char *name, int type, uint32_t rank,
                       const uint64_t *shape, const double *values)
{
    proto tensor = proto_tensor(name, type, rank, shape, values);
    proto_message(graph, 5, &tensor);
}

static proto two(const char *op, const char *a, const char *b, const char *y)
{
    return proto_node(op, y, (const char *[]){a, b}, 2, (const char *[]){y}, 1);
}

/* y of the graph is this, by the reference and on the device. Axes -1 and -2 are T and N; with
 * lengths it is these that tell. */
static void expect(void **state, proto *graph, const double *x, const double *lengths,
                   const double *wanted, size_t count)
{
    proto y = proto_value("y", 1, 0, NULL);
    proto_message(graph, 12, &y);
    proto model = proto_model(graph, 14);
    const char *path = proto_save(&model, "ops.onnx");
    const clrnn_import_size sizes[] = {{"d1", CLRNN_STEPS}, {"d2", CLRNN_BATCH}};
    const clrnn_import_desc desc = {
        .precision = CLRNN_F64, .sizes = sizes, .size_count = lengths ? 0 : 2};
    const imported_array in[] = {{"x", x}, {"lengths", lengths}};
    for (int device = 0; device < 2; device++) {
        clrnn_graph *read = NULL;
        size_t made = 0;
        if (clrnn_graph_import(path, &desc, &test_log, &read) != CLRNN_OK)
            fail_msg("%s", test_last_error);
        double *got =
            imported_output(device ? *state : NULL, read, T, N, in, lengths ? 2 : 1, "y", &made);
        assert_int_equal(made, count);
        for (size_t i = 0; i < count; i++)
            if (!(isnan(wanted[i]) ? isnan(got[i])
                                   : got[i] == wanted[i] || fabs(got[i] - wanted[i]) < 1e-12))
                fail_msg("element %zu is %g, not %g", i, got[i], wanted[i]);
        free(got);
        clrnn_graph_destroy(&read);
    }
}

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
        proto graph = begin(2, shape, true);
        proto node = two("ReverseSequence", "x", "lengths", "y");
        proto_attribute_integer(&node, "time_axis", time);
        proto_attribute_integer(&node, "batch_axis", 1 - time);
        for (int t = 0; t < T; t++)
            for (int n = 0; n < N; n++) {
                const int from = t < lengths[n] ? (int)lengths[n] - 1 - t : t;
                wanted[time ? n * T + t : t * N + n] = x[time ? n * T + from : from * N + n];
            }
        add_node(&graph, node);
        expect(state, &graph, x, lengths, wanted, T * N);
    }
}

/* Known lengths over numbers: of x, and of what is known itself. */
static void test_known_lengths(void **state)
{
    static const int64_t shape[] = {2, 3};
    static const uint64_t two_long[] = {2}, like_x[] = {2, 3};
    static const double lengths[] = {2, 3}, x[] = {1, 2, 3, 4, 5, 6};
    proto graph = begin(2, shape, false);
    add_tensor(&graph, "n", 7, 1, two_long, lengths);
    add_tensor(&graph, "k", 1, 2, like_x, x);
    for (int i = 0; i < 2; i++) {
        proto node = two("ReverseSequence", i ? "k" : "x", "n", i ? "b" : "a");
        proto_attribute_integer(&node, "time_axis", 1);
        proto_attribute_integer(&node, "batch_axis", 0);
        add_node(&graph, node);
    }
    add_node(&graph, two("Add", "a", "x", "c"));
    add_node(&graph, two("Add", "c", "b", "d"));
    add_node(&graph, two("Sub", "d", "b", "y"));
    static const double sums[] = {3, 3, 6, 10, 10, 10};
    expect(state, &graph, x, NULL, sums, 6);
}

static void test_slice_back(void **state)
{
    static const int64_t shape[] = {-1, -2};
    static const uint64_t one[] = {1};
    double x[T * N], wanted[T * N];
    proto graph = begin(2, shape, false);
    count_up(x);
    for (int i = 0; i < T * N; i++)
        wanted[i] = x[(T - 1 - i / N) * N + i % N];
    add_tensor(&graph, "begin", 7, 1, one, (const double[]){-1});
    add_tensor(&graph, "end", 7, 1, one, (const double[]){-2147483648.0});
    add_tensor(&graph, "axis", 7, 1, one, (const double[]){0});
    add_node(&graph,
             proto_node("Slice", "y", (const char *[]){"x", "begin", "end", "axis", "begin"}, 5,
                        (const char *[]){"y"}, 1));
    expect(state, &graph, x, NULL, wanted, T * N);
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
        proto graph = begin(2, shape, false);
        add_tensor(&graph, "0", 7, 0, none, (const double[]){0});
        add_tensor(&graph, "1", 7, 0, none, (const double[]){1});
        for (int k = 0; k < 2; k++) {
            proto column = two("Gather", "x", k ? "1" : "0", k ? "a" : "b");
            proto_attribute_integer(&column, "axis", 1);
            add_node(&graph, column);
        }
        proto node = two("Mod", "a", "b", "y");
        if (c)
            proto_attribute_integer(&node, "fmod", 1);
        add_node(&graph, node);
        expect(state, &graph, x, NULL, wanted[c], 6);
    }
}

/* T, and T + 1, as numbers. */
static void test_steps_as_number(void **state)
{
    static const int64_t shape[] = {-1, -2};
    static const uint64_t none[] = {0};
    double x[T * N], wanted[T * N];
    proto graph = begin(2, shape, false);
    count_up(x);
    for (int i = 0; i < T * N; i++)
        wanted[i] = x[i] / T + (T + 1);
    add_tensor(&graph, "0", 7, 0, none, (const double[]){0});
    add_tensor(&graph, "one", 1, 0, none, (const double[]){1});
    add_node(&graph, proto_node("Shape", "s", (const char *[]){"x"}, 1, (const char *[]){"s"}, 1));
    add_node(&graph, two("Gather", "s", "0", "t"));
    proto cast = proto_node("Cast", "f", (const char *[]){"t"}, 1, (const char *[]){"f"}, 1);
    proto_attribute_integer(&cast, "to", 1);
    add_node(&graph, cast);
    add_node(&graph, two("Add", "f", "one", "g"));
    add_node(&graph, two("Div", "x", "f", "h"));
    add_node(&graph, two("Add", "h", "g", "y"));
    expect(state, &graph, x, NULL, wanted, T * N);
}

static void test_dots(void **state)
{
    static const int64_t shape[] = {2, 1, 2};
    static const uint64_t matrix[] = {2, 3};
    static const double x[] = {1, 2, 3, 4}, w[] = {1, 0, 2, 0, 1, -1};
    static const char *const equations[] = {"...i,iu->...u", "...i, i u -> ...u"};
    static const double wanted[] = {1, 2, 0, 3, 4, 2};
    for (int i = 0; i < 2; i++) {
        proto graph = begin(3, shape, false), node = two("Einsum", "x", "w", "y");
        proto_attribute_word(&node, "equation", equations[i]);
        add_tensor(&graph, "w", 1, 2, matrix, w);
        add_node(&graph, node);
        expect(state, &graph, x, NULL, wanted, 6);
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
    proto graph = begin(2, shape, false);
    add_tensor(&graph, "a", 1, 3, stack, a);
    add_tensor(&graph, "b", 1, 2, one, b);
    add_tensor(&graph, "to", 7, 1, pair, (const double[]){2, 1});
    add_node(&graph, two("MatMul", "a", "b", "p"));
    add_node(&graph, two("Reshape", "p", "to", "q"));
    add_node(&graph, two("Add", "x", "q", "y"));
    expect(state, &graph, x, NULL, wanted, 4);
}

int main(void)
{
#define ON_DEVICE(test) cmocka_unit_test_setup_teardown(test, test_open, test_close)
    const struct CMUnitTest tests[] = {
        ON_DEVICE(test_reverse_sequence), ON_DEVICE(test_known_lengths),
        ON_DEVICE(test_slice_back),       ON_DEVICE(test_remainder),
        ON_DEVICE(test_steps_as_number),  ON_DEVICE(test_dots),
        ON_DEVICE(test_known_products)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: MIT
 * tests/format/test_onnx_lookup.c - ONNX: elements at places that the graph computes, whole ones
 * and between them, and their gradients. */
#include "format/imported.h"
#include "format/ops.h"
#include "support.h"

#include <math.h>
#include <stdlib.h>

enum { A = 3, B = 4, MOST = 64 };

/* A node whose first attribute is a whole number ("": none). */
static proto node_of(const char *op, const char *y, const char *attribute, int64_t value,
                     const char *a, const char *b)
{
    proto node = ops_two(op, a, b, y);
    if (*attribute)
        proto_attribute_integer(&node, attribute, value);
    return node;
}

/* `ids` = x as whole numbers, `data` = x x. */
static proto begin(const int64_t shape[2])
{
    proto graph = ops_begin(2, shape, false), cast = ops_one("Cast", "x", "ids");
    proto_attribute_integer(&cast, "to", 7);
    ops_node(&graph, cast);
    ops_node(&graph, ops_two("Mul", "x", "x", "data"));
    return graph;
}

static int from_begin(double id, int K)
{
    return (int)id + ((int)id < 0 ? K : 0);
}

/* --- gradients -------------------------------------------------------------------------------- */

static double weight_of(size_t i)
{
    return cos(3.0 * (double)i);
}

static double loss(clrnn_graph *graph, const double *x)
{
    const imported_array in[] = {{"x", x}};
    size_t count = 0;
    double sum = 0, *y = imported_output(NULL, graph, OPS_STEPS, OPS_ROWS, in, 1, "y", &count);
    for (size_t i = 0; i < count; i++)
        sum += weight_of(i) * y[i];
    free(y);
    return sum;
}

/* dx of a loss of y by the plan is that by differences, which are too small for an index to be
 * another. */
static void expect_gradient(void **state, proto *graph, const double *x, size_t count)
{
    const clrnn_import_size size = {"d2", CLRNN_BATCH};
    const clrnn_import_desc desc = {.precision = CLRNN_F64, .sizes = &size, .size_count = 1};
    proto y = proto_value("y", 1, 0, NULL);
    proto_message(graph, 12, &y);
    proto model = proto_model(graph, ops_opset);
    const char *path = proto_save(&model, "gradient.onnx");
    clrnn_graph *read = NULL;
    clrnn_graph_plan *plan = NULL;
    double out[MOST], dy[MOST], dx[MOST], moved[MOST];
    if (clrnn_graph_import(path, &desc, &test_log, &read) != CLRNN_OK)
        assert_int_equal(clrnn_graph_import(path, &(clrnn_import_desc){.precision = CLRNN_F64},
                                            &test_log, &read),
                         CLRNN_OK);
    const clrnn_graph_plan_desc plan_desc = {
        .max_steps = OPS_STEPS, .max_batch = OPS_ROWS, .train = true, .input_gradients = true};
    assert_int_equal(clrnn_graph_plan_create(*state, read, &plan_desc, &plan), CLRNN_OK);
    const clrnn_graph_source in = {"x", x}, up = {"y", dy};
    const clrnn_graph_sink sink = {"y", out}, down = {"x", dx};
    const clrnn_graph_io io = {.steps = OPS_STEPS,
                               .batch = OPS_ROWS,
                               .inputs = &in,
                               .input_count = 1,
                               .outputs = &sink,
                               .output_count = 1};
    for (size_t i = 0; i < MOST; i++)
        dy[i] = weight_of(i);
    assert_int_equal(clrnn_graph_plan_forward(plan, &io), CLRNN_OK);
    assert_int_equal(clrnn_graph_plan_backward(plan, &(clrnn_graph_gradients){.outputs = &up,
                                                                              .output_count = 1,
                                                                              .inputs = &down,
                                                                              .input_count = 1}),
                     CLRNN_OK);
    for (size_t i = 0; i < count; i++) {
        double side[2];
        for (int s = 0; s < 2; s++) {
            for (size_t k = 0; k < count; k++)
                moved[k] = x[k] + (k == i ? (s ? 1e-5 : -1e-5) : 0);
            side[s] = loss(read, moved);
        }
        const double wanted = (side[1] - side[0]) / 2e-5;
        if (fabs(dx[i] - wanted) > 1e-6)
            fail_msg("gradient of element %zu is %g, not %g", i, dx[i], wanted);
    }
    clrnn_graph_plan_destroy(&plan);
    clrnn_graph_destroy(&read);
}

/* --- whole places ----------------------------------------------------------------------------- */

/* Whole numbers and a bit, from both ends of either axis. */
static const double places[A * B] = {0.25, -1.25, 2.5,  1.5,  -3.25, 2.25,
                                     0.5,  -2.5,  1.25, -0.5, 2.75,  -1.5};

/* Along both axes, with shapes that are known, and with rows N, of which none can be counted; and
 * for fewer indices than there are data. */
static void test_elements(void **state)
{
    for (int way = 0; way < 5; way++) {
        const int axis = way == 1 || way == 3 ? 0 : 1, cut = way >= 3;
        const int64_t shape[] = {way == 2 || way == 4 ? -2 : A, B};
        const int columns = cut ? B - 2 : B;
        const int K = axis == 0 ? A : B;
        double wanted[A * B];
        for (int gradient = 0; gradient < 2; gradient++) {
            proto graph = begin(shape);
            const double cuts[] = {0, columns, 1};
            ops_tensor(&graph, "begin", 7, 1, (const uint64_t[]){1}, cuts);
            ops_tensor(&graph, "end", 7, 1, (const uint64_t[]){1}, cuts + 1);
            ops_tensor(&graph, "axis", 7, 1, (const uint64_t[]){1}, cuts + 2);
            if (cut)
                ops_node(&graph,
                         proto_node("Slice", "few", (const char *[]){"ids", "begin", "end", "axis"},
                                    4, (const char *[]){"few"}, 1));
            ops_node(&graph, node_of("GatherElements", "y", "axis", axis ? -1 : 0, "data",
                                     cut ? "few" : "ids"));
            for (int r = 0; r < A; r++)
                for (int c = 0; c < columns; c++) {
                    const int k = from_begin(places[r * B + c], K);
                    const double from = places[axis == 0 ? k * B + c : r * B + k];
                    wanted[r * columns + c] = from * from;
                }
            if (gradient)
                expect_gradient(state, &graph, places, A * B);
            else
                ops_expect(state, &graph, places, NULL, wanted, (size_t)(A * columns));
        }
    }
}

/* Rows that cannot be counted, and fewer indices than data along an axis that is not theirs. */
static void test_fewer(void **state)
{
    static const double cuts[] = {0, 1, 2};
    double wanted[OPS_ROWS * 2];
    proto graph = ops_begin(3, (const int64_t[]){-2, 2, 2}, false),
          cast = ops_one("Cast", "x", "i");
    proto_attribute_integer(&cast, "to", 7);
    ops_node(&graph, cast);
    ops_tensor(&graph, "begin", 7, 1, (const uint64_t[]){1}, cuts);
    ops_tensor(&graph, "end", 7, 1, (const uint64_t[]){1}, cuts + 1);
    ops_tensor(&graph, "last", 7, 1, (const uint64_t[]){1}, cuts + 2);
    ops_node(&graph, proto_node("Slice", "few", (const char *[]){"i", "begin", "end", "last"}, 4,
                                (const char *[]){"few"}, 1));
    ops_node(&graph, node_of("GatherElements", "y", "axis", 1, "x", "few"));
    static const double x[] = {1, 5, 0, 6, -1, 7, -2, 8, 0, 9, 0, 4};
    for (int i = 0; i < OPS_ROWS * 2; i++)
        wanted[i] = x[i / 2 * 4 + 2 * from_begin(x[2 * i], 2)];
    ops_expect(state, &graph, x, NULL, wanted, OPS_ROWS * 2);
}

/* An index that the axis does not have gives 0, not another element. */
static void test_outside(void **state)
{
    static const double x[] = {0, 1, 4, 2, -5, 1, 2, 3, -1, 7, 0, 3};
    for (int way = 0; way < 2; way++) {
        double wanted[A * B];
        proto graph = begin((const int64_t[]){way ? -2 : A, B});
        for (int i = 0; i < A * B; i++) {
            const int k = from_begin(x[i], B);
            wanted[i] = k < 0 || k >= B ? 0 : x[i / B * B + k] * x[i / B * B + k];
        }
        ops_node(&graph, node_of("GatherElements", "y", "axis", 1, "data", "ids"));
        ops_expect(state, &graph, x, NULL, wanted, A * B);
    }
}

/* Indices of one axis, of two, and of the second where the first is shared; known ones, too. */
static void test_named(void **state)
{
    static const double x[] = {0, 1, -1, 2, -2, -3, 1.5, -1.5, 2.5, 0.5, 0, 2};
    for (int way = 0; way < 4; way++) {
        const bool shared = way >= 2, known = way == 3;
        const int k = way == 1 ? 2 : 1, count = known ? A : A * B / k;
        static const double own[] = {3, -1, 0};
        double wanted[A * B * B];
        proto graph = begin((const int64_t[]){A, B});
        const double shape[] = {shared ? A : A * B / k, shared ? B : k, k};
        ops_tensor(&graph, "shape", 7, 1, (const uint64_t[]){shared ? 3 : 2}, shape);
        ops_tensor(&graph, "own", 7, 2, (const uint64_t[]){A, 1}, own);
        ops_node(&graph, ops_two("Reshape", "ids", "shape", "named"));
        proto node =
            node_of("GatherND", "y", "batch_dims", shared, "data", known ? "own" : "named");
        for (int i = 0; i < count; i++) {
            const double first = known ? own[i] : x[i * k];
            const int row = shared ? (known ? i : i / B) : from_begin(first, A);
            const int column = from_begin(shared ? first : x[i * k + k - 1], B);
            if (way > 0)
                wanted[i] = x[row * B + column] * x[row * B + column];
            for (int c = 0; c < B && way == 0; c++)
                wanted[i * B + c] = x[row * B + c] * x[row * B + c];
        }
        ops_node(&graph, node);
        ops_expect(state, &graph, x, NULL, wanted, (size_t)(way == 0 ? count * B : count));
    }
}

/* --- between them ----------------------------------------------------------------------------- */

enum { LINEAR, NEAREST, CUBIC };
enum { ZEROS, BORDER, REFLECTION };
enum { ROWS = 2, COLUMNS = 3, POINTS = 6 };

static int bounded(int i, int size, int padding, bool align)
{
    if (padding == BORDER)
        return i < 0 ? 0 : i < size ? i : size - 1;
    while (padding == REFLECTION && (i < 0 || i >= size))
        i = i < 0 ? -i - !align : 2 * size - 2 - i + !align;
    return i;
}

static double pixel(const double *x, int r, int c, int padding, bool align)
{
    r = bounded(r, ROWS, padding, align);
    c = bounded(c, COLUMNS, padding, align);
    return r < 0 || r >= ROWS || c < 0 || c >= COLUMNS ? 0 : x[r * COLUMNS + c];
}

/* Keys's kernel, a -0.75 or -0.5. */
static double cubic(double a, double d)
{
    d = fabs(d);
    return d <= 1   ? ((a + 2) * d - a - 3) * d * d + 1
           : d <= 2 ? ((a * d - 5 * a) * d + 8 * a) * d - 4 * a
                    : 0;
}

static double kernel(int way, double d)
{
    return way == CUBIC ? cubic(-0.75, d) : fmax(0, 1 - fabs(d));
}

static double between(const double *x, double u, double v, int way, int padding, bool align)
{
    const double c = align ? (u + 1) / 2 * (COLUMNS - 1) : ((u + 1) * COLUMNS - 1) / 2;
    const double r = align ? (v + 1) / 2 * (ROWS - 1) : ((v + 1) * ROWS - 1) / 2;
    double sum = 0;
    if (way == NEAREST)
        return pixel(x, (int)nearbyint(r), (int)nearbyint(c), padding, align);
    for (int i = (int)floor(r) - 1; i <= (int)floor(r) + 2; i++)
        for (int k = (int)floor(c) - 1; k <= (int)floor(c) + 2; k++)
            sum += kernel(way, r - i) * kernel(way, c - k) * pixel(x, i, k, padding, align);
    return sum;
}

/* x holds the pictures, or the points between those of a known one. */
static void test_grid(void **state)
{
    static const char *const ways[] = {"bilinear", "nearest", "bicubic"};
    static const char *const paddings[] = {"zeros", "border", "reflection"};
    static const double points[2 * POINTS] = {-0.9, -0.3, 0.1, 0.85, 1.3, 0.4,
                                              -1.7, 1.9,  3.3, -4.1, 0.6, -0.2};
    static const double pictures[2 * ROWS * COLUMNS] = {1, -2, 0.5, 3, 4, -1, 2, 7, -3, 1, 0, 5};
    static const int64_t of_points[] = {1, 2, POINTS / 2, 2}, of_pictures[] = {2, 1, ROWS, COLUMNS};
    ops_opset = 16;
    for (int i = 0; i < 72; i++) {
        const int way = i % 3, padding = i / 3 % 3;
        const bool align = i / 9 % 2, moves = i / 18 % 2, gradient = i / 36;
        const int N = moves ? 1 : 2;
        double wanted[2 * POINTS], grid[4 * POINTS];
        if (gradient && moves && way == NEAREST)
            continue; /* it is 0 */
        proto graph = ops_begin(4, moves ? of_points : of_pictures, false);
        for (int k = 0; k < 2 * N * POINTS; k++) /* each picture at points of its own */
            grid[k] = k < 2 * POINTS ? points[k] : -points[k - 2 * POINTS];
        ops_tensor(&graph, "grid", 1, 4, (const uint64_t[]){(uint64_t)N, 2, POINTS / 2, 2}, grid);
        ops_tensor(&graph, "picture", 1, 4, (const uint64_t[]){1, 1, ROWS, COLUMNS}, pictures);
        proto node = node_of("GridSample", "y", "align_corners", align, moves ? "picture" : "x",
                             moves ? "x" : "grid");
        proto_attribute_word(&node, "mode", ways[way]);
        proto_attribute_word(&node, "padding_mode", paddings[padding]);
        ops_node(&graph, node);
        for (int k = 0; k < N * POINTS; k++)
            wanted[k] = between(pictures + k / POINTS * ROWS * COLUMNS, (double)(float)grid[2 * k],
                                (double)(float)grid[2 * k + 1], way, padding, align);
        for (int k = 0; k < 2 * N * POINTS; k++)
            grid[k] = (double)(float)grid[k];
        if (gradient)
            expect_gradient(state, &graph, moves ? grid : pictures,
                            moves ? 2 * POINTS : 2 * ROWS * COLUMNS);
        else
            ops_expect(state, &graph, moves ? grid : pictures, NULL, wanted, (size_t)(N * POINTS));
    }
    ops_opset = 14;
}

/* As many pictures as there are rows, whatever N is: x holds the points, and each n's sum of them
 * is a factor of its picture. */
static void test_grid_open(void **state)
{
    enum { N = OPS_ROWS };
    static const char *const ways[] = {"bilinear", "nearest", "bicubic"};
    static const char *const paddings[] = {"zeros", "border", "reflection"};
    static const double picture[ROWS * COLUMNS] = {1, -2, 0.5, 3, 4, -1};
    static const int64_t open[] = {-2, 2, POINTS / 2, 2};
    double x[2 * N * POINTS], wanted[N * POINTS];
    ops_opset = 16;
    for (int k = 0; k < 2 * N * POINTS; k++)
        x[k] = (double)(float)(1.7 * sin(3.1 * k + 0.4));
    for (int i = 0; i < 18; i++) {
        const int way = i % 3, padding = i / 3 % 3;
        const bool align = i / 9;
        proto graph = ops_begin(4, open, false);
        ops_tensor(&graph, "axes", 7, 1, (const uint64_t[]){3}, (const double[]){1, 2, 3});
        ops_tensor(&graph, "picture", 1, 4, (const uint64_t[]){1, 1, ROWS, COLUMNS}, picture);
        ops_node(&graph, ops_two("ReduceSum", "x", "axes", "sum"));
        ops_node(&graph, ops_two("Mul", "sum", "picture", "pictures"));
        proto node = node_of("GridSample", "y", "align_corners", align, "pictures", "x");
        proto_attribute_word(&node, "mode", ways[way]);
        proto_attribute_word(&node, "padding_mode", paddings[padding]);
        ops_node(&graph, node);
        for (int k = 0; k < N * POINTS; k++) {
            const double *own = x + k / POINTS * 2 * POINTS;
            double sum = 0;
            for (int m = 0; m < 2 * POINTS; m++)
                sum += own[m];
            wanted[k] = sum * between(picture, x[2 * k], x[2 * k + 1], way, padding, align);
        }
        ops_expect(state, &graph, x, NULL, wanted, N * POINTS);
    }
    ops_opset = 14;
}

/* --- Resize ----------------------------------------------------------------------------------- */

/* x [4] at place u: what is outside is as the ends are, or does not count. */
static double along(const double *x, double u, bool inside)
{
    double sum = 0, weights = 0;
    for (int k = -3; k < 7; k++) {
        const double weight = inside && (k < 0 || k > 3) ? 0 : cubic(-0.5, u - k);
        sum += weight * x[k < 0 ? 0 : k > 3 ? 3 : k];
        weights += weight;
    }
    return sum / weights;
}

/* Cubic between four, by sizes of two axes; what stays may be open. */
static void test_resized(void **state)
{
    static const double one[] = {1, -2, 0.5, 3};
    static const int64_t axes[] = {0, 3}, shape[] = {-2, 1, 1, 4};
    const char *const in[] = {"x", "", "", "sizes"}, *const out[] = {"y"};
    double x[OPS_ROWS * 4], y[OPS_ROWS * 7];
    ops_opset = 18;
    for (int outside = 0; outside < 2; outside++) {
        proto graph = ops_begin(4, shape, false), node = proto_node("Resize", "n", in, 4, out, 1);
        proto rows = ops_one("Shape", "x", "rows"), sizes = ops_two("Concat", "rows", "w", "sizes");
        for (int i = 0; i < OPS_ROWS * 7; i++)
            y[i] = along(one, (i % 7 + 0.5) * 4 / 7 - 0.5, outside);
        for (int i = 0; i < OPS_ROWS * 4; i++)
            x[i] = one[i % 4];
        proto_attribute_integer(&rows, "end", 1);
        proto_attribute_integer(&sizes, "axis", 0);
        proto_attribute_integer(&node, "exclude_outside", outside);
        proto_attribute_word(&node, "mode", "cubic");
        proto_attribute_real(&node, "cubic_coeff_a", -0.5f);
        proto_attribute_word(&node, "keep_aspect_ratio_policy", "stretch");
        proto_attribute_integers(&node, "axes", axes, 2);
        ops_tensor(&graph, "w", 7, 1, (const uint64_t[]){1}, (const double[]){7});
        ops_node(&graph, rows);
        ops_node(&graph, sizes);
        ops_node(&graph, node);
        ops_expect(state, &graph, x, NULL, y, OPS_ROWS * 7);
    }
    ops_opset = 14;
}

int main(void)
{
#define ON_DEVICE(test) cmocka_unit_test_setup_teardown(test, test_open, test_close)
    const struct CMUnitTest tests[] = {ON_DEVICE(test_elements), ON_DEVICE(test_outside),
                                       ON_DEVICE(test_fewer),    ON_DEVICE(test_named),
                                       ON_DEVICE(test_grid),     ON_DEVICE(test_grid_open),
                                       ON_DEVICE(test_resized)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}

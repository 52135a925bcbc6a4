/* SPDX-License-Identifier: MIT
 * tests/graph/test_graph_lengths.c - rows of different lengths side by side, each to the bit what
 * it is alone, through graphs drawn at random; which axes are T and N, whatever these are; and what
 * nodes make of lengths, by hand.
 *
 * usage: test_graph_lengths [FIRST COUNT]    the seeds to draw; a failing one is printed */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "support.h"

#include "device/arithmetic.h"
#include "drawn.h"

static uint64_t first = 1;
static uint32_t count = 2000;

/* --- by hand --------------------------------------------------------------------------------- */

static void input(clrnn_graph *g, clrnn_graph_input_desc desc)
{
    assert_int_equal(clrnn_graph_input(g, &desc), CLRNN_OK);
}

static void add(clrnn_graph *g, clrnn_node_desc desc)
{
    if (clrnn_graph_add(g, &desc, NULL) != CLRNN_OK)
        fail_msg("%s", test_last_error);
}

static clrnn_graph *begin(void)
{
    clrnn_graph *g = NULL;
    assert_int_equal(clrnn_graph_create(&test_log, &(clrnn_graph_desc){CLRNN_F64}, &g), CLRNN_OK);
    return g;
}

/* y, the one output, of one or two inputs. */
static void run(clrnn_context *context, clrnn_graph *g, uint32_t T, uint32_t N,
                const uint32_t *lengths, const double *x, const double *s, double *y)
{
    clrnn_graph_plan *plan = NULL;
    const clrnn_graph_plan_desc desc = {.max_steps = T, .max_batch = N};
    const clrnn_graph_source in[] = {{"x", x}, {"s", s}};
    const clrnn_graph_io io = {.lengths = lengths,
                               .inputs = in,
                               .outputs = &(clrnn_graph_sink){"y", y},
                               .input_count = s ? 2 : 1,
                               .output_count = 1};
    if (clrnn_graph_outputs(g) == 0)
        assert_int_equal(clrnn_graph_output(g, "y", NULL), CLRNN_OK);
    assert_int_equal(clrnn_graph_plan_create(context, g, &desc, &plan), CLRNN_OK);
    assert_int_equal(clrnn_graph_plan_forward(plan, &io), CLRNN_OK);
    clrnn_graph_plan_destroy(&plan);
}

/* No rows, or no steps: nothing is touched, what comes back is 0, and the next pass is as ever. */
static void test_empty(void **state)
{
    test_need(*state, TEST_DOUBLES);
    enum { T = 3, N = 2, F = 2 };
    clrnn_graph *g = begin();
    clrnn_graph_plan *plan = NULL;
    const clrnn_graph_plan_desc desc = {
        .max_steps = T, .max_batch = N, .train = true, .input_gradients = true};
    double x[T * N * F], s[N * F], y[T * N * F], last[N * F], dx[T * N * F], ds[N * F];
    double parameters[64];
    const clrnn_graph_source in[] = {{"x", x}, {"s", s}};
    const clrnn_graph_sink out[] = {{"y", y}, {"last", last}};
    const clrnn_graph_sink back[] = {{"x", dx}, {"s", ds}};
    clrnn_graph_io io = {.inputs = in, .outputs = out, .input_count = 2, .output_count = 1};
    clrnn_graph_gradients gradients = {.outputs = &(clrnn_graph_source){"y", y},
                                       .inputs = back,
                                       .output_count = 1,
                                       .input_count = 2,
                                       .parameters = parameters};
    input(g,
          (clrnn_graph_input_desc){.name = "x", .rank = 3, .shape = {CLRNN_STEPS, CLRNN_BATCH, F}});
    input(g, (clrnn_graph_input_desc){.name = "s", .rank = 2, .shape = {CLRNN_BATCH, F}});
    add(g, (clrnn_node_desc){.kind = CLRNN_NODE_DENSE, .name = "d", .units = F, .inputs = {"x"}});
    add(g, (clrnn_node_desc){.kind = CLRNN_NODE_ADD, .name = "sum", .inputs = {"d", "s"}});
    add(g, (clrnn_node_desc){
               .kind = CLRNN_NODE_POOL, .reduction = CLRNN_REDUCE_LAST, .inputs = {"sum"}});
    assert_int_equal(clrnn_graph_output(g, "last", NULL), CLRNN_OK);
    assert_int_equal(clrnn_graph_output(g, "y", "sum"), CLRNN_OK);
    assert_int_equal(clrnn_graph_plan_create(*state, g, &desc, &plan), CLRNN_OK);
    const size_t elements = clrnn_graph_parameter_count(g);
    assert_in_range(elements, 1, 64);
    for (int way = 0; way < 4; way++) {
        for (size_t i = 0; i < T * N * F; i++)
            x[i] = y[i] = dx[i] = 7;
        for (size_t i = 0; i < N * F; i++)
            s[i] = 1, last[i] = ds[i] = 7;
        for (size_t i = 0; i < 64; i++)
            parameters[i] = 7;
        io.steps = way % 2 == 0 ? CLRNN_NONE : way == 3 ? T : 0;
        io.batch = way == 0 ? N : way == 3 ? N : CLRNN_NONE;
        io.output_count = way == 0 ? 1 : 2;
        assert_int_equal(clrnn_graph_plan_forward(plan, &io), CLRNN_OK);
        assert_int_equal(clrnn_graph_plan_backward(plan, &gradients), CLRNN_OK);
        for (size_t i = 0; i < T * N * F && way < 3; i++)
            assert_true(y[i] == 7 && dx[i] == 7);
        for (size_t i = 0; i < elements; i++)
            assert_true(way < 3 ? parameters[i] == 0 : parameters[i] != 7);
        for (size_t i = 0; i < N * F && way < 3; i++)
            assert_true(last[i] == 7 && ds[i] == (way == 0 ? 0 : 7));
        assert_true(way < 3 || (y[0] != 7 && dx[0] != 7));
    }
    io = (clrnn_graph_io){.steps = CLRNN_NONE, .inputs = in, .outputs = out, .output_count = 1};
    assert_int_equal(clrnn_graph_plan_forward(plan, &io), CLRNN_OK);
    gradients.inputs = &(clrnn_graph_sink){"s", NULL};
    gradients.input_count = 1;
    assert_int_equal(clrnn_graph_plan_backward(plan, &gradients), CLRNN_ERR_ARGUMENT);
    assert_error_contains("the gradient of 's' is NULL");
    io.output_count = 2;
    assert_int_equal(clrnn_graph_plan_forward(plan, &io), CLRNN_ERR_RANGE);
    assert_error_contains("'last' has numbers also without steps");
    io.output_count = 1;
    io.lengths = (const uint32_t[]){0, 1};
    assert_int_equal(clrnn_graph_plan_forward(plan, &io), CLRNN_ERR_RANGE);
    assert_error_contains("lengths[1] is 1");
    io.lengths = NULL;
    io.batch = N + 1;
    assert_int_equal(clrnn_graph_plan_forward(plan, &io), CLRNN_ERR_RANGE);
    assert_int_equal(clrnn_graph_plan_backward(plan, &gradients), CLRNN_ERR_ARGUMENT);
    clrnn_graph_plan_destroy(&plan);
    clrnn_graph_destroy(&g);
}

/* Two axes are N: lengths are those of the one that comes with them. */
static void test_products(void **state)
{
    test_need(*state, TEST_DOUBLES);
    enum { T = 3, N = 2 };
    const double x[T * N] = {1, 2, 3, 4, 5, 6}, s[N] = {10, 100};
    const uint32_t lengths[N] = {3, 1};
    for (int way = 0; way < 2; way++) {
        clrnn_graph *g = begin();
        double y[T * N * N];
        input(g, (clrnn_graph_input_desc){
                     .name = "x",
                     .rank = 3,
                     .shape = {CLRNN_STEPS, way ? CLRNN_BATCH : 1, way ? 1 : CLRNN_BATCH}});
        input(g, (clrnn_graph_input_desc){.name = "s",
                                          .rank = 2,
                                          .shape = {way ? 1 : CLRNN_BATCH, way ? CLRNN_BATCH : 1}});
        add(g, (clrnn_node_desc){.kind = CLRNN_NODE_MATMUL,
                                 .inputs = {way ? "x" : "s", way ? "s" : "x"}});
        add(g,
            (clrnn_node_desc){
                .kind = CLRNN_NODE_ACTIVATION, .function = CLRNN_FN_AFFINE, .alpha = 1, .beta = 1});
        run(*state, g, T, N, lengths, x, s, y);
        for (size_t t = 0; t < T; t++)
            for (size_t i = 0; i < N; i++)
                for (size_t k = 0; k < N; k++) {
                    const size_t of_x = way ? i : k, of_s = way ? k : i;
                    const double wanted = t < lengths[of_x] ? x[t * N + of_x] * s[of_s] + 1 : 0;
                    if (y[(t * N + i) * N + k] != wanted)
                        fail_msg("way %d, [%zu,%zu,%zu]: %g, not %g", way, t, i, k,
                                 y[(t * N + i) * N + k], wanted);
                }
        clrnn_graph_destroy(&g);
    }
}

/* Each step times each other: from the product of a step with one that is past the length nothing
 * comes back to that. */
static void test_product_back(void **state)
{
    drawn_graph d = {.seed = 3, .graph = begin(), .steps = 3, .batch = 2};
    char name[64];
    input(d.graph,
          (clrnn_graph_input_desc){.name = "x", .rank = 3, .shape = {CLRNN_BATCH, 2, CLRNN_STEPS}});
    add(d.graph, (clrnn_node_desc){.kind = CLRNN_NODE_TRANSPOSE, .rank = 3, .order = {0, 2, 1}});
    add(d.graph, (clrnn_node_desc){.kind = CLRNN_NODE_MATMUL, .inputs = {"#0", "x"}});
    assert_int_equal(clrnn_graph_output(d.graph, "y", NULL), CLRNN_OK);
    d.lengths = calloc(2, sizeof *d.lengths);
    d.lengths[0] = 1;
    d.lengths[1] = 2;
    drawn_pass pass = drawn_run(&d, *state, true);
    assert_true(drawn_error(&d, &pass, true, name) < 1e-12);
    drawn_pass_free(&d, &pass);
    drawn_free(&d);
}

/* [T,N,1] seen as [N,T,1] has neither T nor N any more, also where there is one row: the first axis
 * is time of what comes behind, and nobody goes from step to step along the second. */
static void test_one_row(void **state)
{
    test_need(*state, TEST_DOUBLES);
    enum { T = 4 };
    const double x[T] = {1, 1, 1, 1};
    double y[T];
    clrnn_graph *g = begin();
    input(g,
          (clrnn_graph_input_desc){.name = "x", .rank = 3, .shape = {CLRNN_STEPS, CLRNN_BATCH, 1}});
    add(g, (clrnn_node_desc){
               .kind = CLRNN_NODE_RESHAPE, .rank = 3, .shape = {CLRNN_BATCH, CLRNN_STEPS, 1}});
    add(g, (clrnn_node_desc){.kind = CLRNN_NODE_RECURRENT,
                             .network = {.cell = CLRNN_CELL_RNN, .hidden_size = 1}});
    for (size_t i = 0; i < g->elements; i++)
        clr_graph_put(g, i, 0.5);
    run(*state, g, T, 1, NULL, x, NULL, y);
    assert_true(y[0] != 0);
    for (size_t t = 1; t < T; t++)
        assert_true(y[t] == y[0]);
    clrnn_graph_destroy(&g);
}

/* A window that slides over rows makes others of them, how many there may be. */
static void test_window_over_rows(void **state)
{
    (void)state;
    for (uint32_t k = 0; k < 4; k++) {
        clrnn_graph *g = begin();
        clrnn_value_info info;
        input(g, (clrnn_graph_input_desc){
                     .name = "x", .rank = 4, .shape = {CLRNN_STEPS, 1, CLRNN_BATCH, 3}});
        add(g, (clrnn_node_desc){.kind = k % 2 ? CLRNN_NODE_CONV_TRANSPOSE2D : CLRNN_NODE_CONV2D,
                                 .name = "y",
                                 .units = 1,
                                 .kernel = {1 + k / 2, 1}});
        assert_true(clrnn_graph_value(g, "y", &info));
        assert_int_equal(info.shape[2], k / 2 ? CLRNN_REST : CLRNN_BATCH);
        clrnn_graph_destroy(&g);
    }
}

/* A row whose steps have all been cut off has none in its padding either, alone or not. */
static void test_cut_off(void **state)
{
    test_need(*state, TEST_DOUBLES);
    const double x[] = {1, 1, 2, 2, 3, 3};
    double y[3], all[6];
    const uint32_t lengths[] = {1, 3};
    clrnn_graph *g = begin();
    input(g,
          (clrnn_graph_input_desc){.name = "x", .rank = 3, .shape = {CLRNN_STEPS, CLRNN_BATCH, 1}});
    add(g, (clrnn_node_desc){
               .kind = CLRNN_NODE_SLICE, .rank = 1, .begin = {2}, .end = {CLRNN_TO_END}});
    add(g,
        (clrnn_node_desc){.kind = CLRNN_NODE_CONV1D, .units = 1, .kernel = {2}, .pad_begin = {2}});
    for (size_t i = 0; i < g->elements; i++)
        clr_graph_put(g, i, 1);
    run(*state, g, 1, 1, NULL, x, NULL, y);
    assert_true(y[0] == 0);
    run(*state, g, 3, 2, lengths, x, NULL, all);
    assert_true(all[0] == 0 && all[1] == 1 && all[2] == 0 && all[3] == 4);
    clrnn_graph_destroy(&g);
}

/* --- drawn ----------------------------------------------------------------------------------- */

enum { ENDS = 8 };

typedef struct arrays {
    clr_shape shape[ENDS];
    void *data[ENDS];
} arrays;

static size_t bytes_of(const clrnn_graph *g, const clr_shape *s)
{
    return s->ids || g->precision == CLRNN_F32 ? 4 : 8;
}

/* Inputs, or outputs, of a pass of so many steps and rows; false: these do not suit the graph. */
static bool make(const clrnn_graph *g, uint32_t T, uint32_t N, bool outputs, arrays *a)
{
    clr_graph_reference r;
    const uint32_t ends = outputs ? g->output_count : g->input_count;
    const bool fits = clr_graph_reference_make(g, T, N, NULL, &r) == CLRNN_OK;
    for (uint32_t i = 0; i < ends && fits; i++) {
        a->shape[i] = r.shapes[outputs ? g->outputs[i].value : g->inputs[i]];
        a->data[i] = calloc(clr_shape_count(&a->shape[i]) + 1, 8);
    }
    clr_graph_reference_free(&r);
    return fits;
}

static void free_arrays(arrays *a)
{
    for (uint32_t i = 0; i < ENDS; i++)
        free(a->data[i]);
}

/* Where element `e` of what row n is alone lies among all rows; SIZE_MAX: in no step of these. */
static size_t place(const clr_shape *all, const clr_shape *own, size_t e, uint32_t n)
{
    size_t at = 0, stride = 1;
    for (uint32_t i = own->rank; i-- > 0;) {
        const size_t k = (int32_t)i == own->batch ? n : e % (size_t)own->size[i];
        e /= (size_t)own->size[i];
        if (k >= all->size[i])
            return SIZE_MAX;
        at += k * stride;
        stride *= (size_t)all->size[i];
    }
    return at;
}

static void fill(const drawn_graph *d, arrays *a)
{
    drawn_numbers r = {d->seed};
    for (uint32_t i = 0; i < d->graph->input_count; i++)
        for (size_t k = 0; k < clr_shape_count(&a->shape[i]); k++)
            if (a->shape[i].ids)
                ((int32_t *)a->data[i])[k] = (int32_t)draw_below(&r, 5);
            else if (d->graph->precision == CLRNN_F32)
                ((float *)a->data[i])[k] = (float)draw_real(&r);
            else
                ((double *)a->data[i])[k] = draw_real(&r);
}

static void pass(const drawn_graph *d, clrnn_graph_plan *plan, uint32_t T, uint32_t N,
                 const uint32_t *lengths, const arrays *x, const arrays *y)
{
    const clrnn_graph *g = d->graph;
    clrnn_graph_source in[ENDS];
    clrnn_graph_sink out[ENDS];
    for (uint32_t i = 0; i < g->input_count; i++)
        in[i] = (clrnn_graph_source){g->values[g->inputs[i]].name, x->data[i]};
    for (uint32_t i = 0; i < g->output_count; i++)
        out[i] = (clrnn_graph_sink){g->outputs[i].name, y->data[i]};
    const clrnn_graph_io io = {.steps = T,
                               .batch = N,
                               .lengths = lengths,
                               .inputs = in,
                               .outputs = out,
                               .input_count = g->input_count,
                               .output_count = g->output_count};
    if (clrnn_graph_plan_forward(plan, &io) == CLRNN_OK)
        return;
    drawn_print(d);
    fail_msg("%u steps of %u rows: %s", T, N, test_last_error);
}

static bool adds_zero; /* the device: else 0 may be -0 */

static bool are_zero(const clr_shape *s, size_t bytes, const char *one, const char *other)
{
    return !s->ids && (bytes == 8 ? *(const double *)one == 0 && *(const double *)other == 0
                                  : *(const float *)one == 0 && *(const float *)other == 0);
}

/* What is in none of the steps that the row has alone must be 0. */
static void compare_row(const drawn_graph *d, uint32_t n, const arrays *all, const arrays *own)
{
    for (uint32_t i = 0; i < d->graph->output_count; i++) {
        const clr_shape *s = &all->shape[i];
        const size_t bytes = bytes_of(d->graph, s), elements = clr_shape_count(s);
        char *wanted = calloc(elements + 1, bytes);
        for (size_t e = 0; e < clr_shape_count(&own->shape[i]); e++) {
            const size_t at = place(s, &own->shape[i], e, n);
            if (at != SIZE_MAX)
                memcpy(wanted + at * bytes, (char *)own->data[i] + e * bytes, bytes);
        }
        for (size_t e = 0; e < elements; e++) {
            const size_t row =
                s->batch == CLR_NO_AXIS
                    ? n
                    : e / clr_shape_stride(s, (uint32_t)s->batch) % (size_t)s->size[s->batch];
            const char *one = wanted + e * bytes, *other = (char *)all->data[i] + e * bytes;
            if (row == n && memcmp(one, other, bytes) &&
                (adds_zero || !are_zero(s, bytes, one, other))) {
                drawn_print(d);
                fail_msg("seed %llu: output %s of row %u has other bits alone",
                         (unsigned long long)d->seed, d->graph->outputs[i].name, n);
            }
        }
        free(wanted);
    }
}

/* Row n alone, in as few steps as it has or, where these do not suit the graph, some more. */
static void check_row(const drawn_graph *d, clrnn_graph_plan *plan, uint32_t n, const arrays *x,
                      const arrays *y)
{
    arrays own_x = {0}, own_y = {0};
    const uint32_t length = d->lengths[n];
    uint32_t T = length ? length : 1;
    while (T <= d->steps && !make(d->graph, T, 1, true, &own_y))
        T++;
    if (T > d->steps) /* N = 1 does not suit it */
        return;
    assert_true(make(d->graph, T, 1, false, &own_x));
    for (uint32_t i = 0; i < d->graph->input_count; i++) {
        const size_t bytes = bytes_of(d->graph, &own_x.shape[i]);
        for (size_t e = 0; e < clr_shape_count(&own_x.shape[i]); e++)
            memcpy((char *)own_x.data[i] + e * bytes,
                   (char *)x->data[i] + place(&x->shape[i], &own_x.shape[i], e, n) * bytes, bytes);
    }
    pass(d, plan, T, 1, T == length ? NULL : &length, &own_x, &own_y);
    compare_row(d, n, y, &own_y);
    free_arrays(&own_x);
    free_arrays(&own_y);
}

/* How many rows were compared. */
static uint32_t through(clrnn_context *context, drawn_graph *d)
{
    drawn_numbers r = {d->seed ^ 0xABCD};
    arrays x = {0}, y = {0};
    clrnn_graph_plan *plan = NULL;
    const uint32_t N = draw_below(&r, 8) ? d->batch : 64;
    const clrnn_graph_plan_desc desc = {
        .max_steps = d->steps, .max_batch = N, .gemm = CLRNN_GEMM_PACKED};
    if (!drawn_by_rows(d) || !make(d->graph, d->steps, N, false, &x))
        return 0;
    assert_true(make(d->graph, d->steps, N, true, &y));
    free(d->lengths);
    d->lengths = calloc(N, sizeof *d->lengths);
    for (uint32_t n = 0; n < N; n++)
        d->lengths[n] = draw_below(&r, d->steps + 1);
    fill(d, &x);
    assert_int_equal(clrnn_graph_plan_create(context, d->graph, &desc, &plan), CLRNN_OK);
    pass(d, plan, d->steps, N, d->lengths, &x, &y);
    for (uint32_t n = 0; n < N; n++)
        check_row(d, plan, n, &x, &y);
    clrnn_graph_plan_destroy(&plan);
    free_arrays(&x);
    free_arrays(&y);
    return N;
}

/* Of the usual seeds each kind is in graphs whose rows are compared. */
static void test_drawn(void **state)
{
    test_need(*state, TEST_DOUBLES);
    uint32_t rows = 0, seen[CLRNN_NODE_KINDS] = {0};
    adds_zero = device_adds_zero(*state);
    for (uint32_t i = 0; i < count; i++) {
        const uint64_t seed = first + i;
        drawn_graph d = draw_graph(seed, seed % 2 ? CLRNN_F64 : CLRNN_F32, 6,
                                   (clrnn_node_kind)(seed % (CLRNN_NODE_KINDS + 1)));
        const uint32_t some = through(*state, &d);
        for (uint32_t k = 0; k < d.graph->node_count && some; k++)
            seen[d.graph->nodes[k].desc.kind]++;
        rows += some;
        drawn_free(&d);
    }
    for (uint32_t k = 0; k < CLRNN_NODE_KINDS && count >= 2000; k++)
        if (seen[k] < 2 && k != CLRNN_NODE_GATHER) /* hardly ever of what has no rows */
            fail_msg("%u rows, of %u graphs with a node of kind %s", rows, seen[k],
                     clrnn_node_kind_name((clrnn_node_kind)k));
}

int main(int argc, char **argv)
{
    (void)drawn_arguments(argc, argv, &first, &count);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_empty, test_open, test_close),
        cmocka_unit_test_setup_teardown(test_products, test_open, test_close),
        cmocka_unit_test_setup_teardown(test_product_back, test_open, test_close),
        cmocka_unit_test_setup_teardown(test_one_row, test_open, test_close),
        cmocka_unit_test(test_window_over_rows),
        cmocka_unit_test_setup_teardown(test_cut_off, test_open, test_close),
        cmocka_unit_test_setup_teardown(test_drawn, test_open, test_close),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

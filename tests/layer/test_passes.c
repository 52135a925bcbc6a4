/* SPDX-License-Identifier: MIT
 * tests/layer/test_passes.c - what passes promise besides numbers: padding, NaN, arrays left out,
 * smaller sizes, dropout keys, threads. */
#include "layer/device.h"

#include <math.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "layer/plan.h"

enum { T = 5, N = 4 };
static const uint32_t ragged[N] = {3, 5, 0, 1};

static void assert_same(const char *what, const double *a, const double *b, size_t count)
{
    assert_true(!a == !b);
    for (size_t i = 0; a && i < count; i++)
        if (a[i] != b[i] && !(isnan(a[i]) && isnan(b[i])))
            fail_msg("%s: element %zu is %.9g and %.9g", what, i, a[i], b[i]);
}

static void assert_same_outputs(const char *what, const test_inputs *in, const test_outputs *a,
                                const test_outputs *b)
{
    test_sizes s = test_sizes_of(in);
    assert_same(what, a->y, b->y, s.y);
    assert_same(what, a->hn, b->hn, s.h);
    assert_same(what, a->cn, b->cn, s.c);
    assert_same(what, a->dx, b->dx, s.x);
    assert_same(what, a->dh0, b->dh0, s.h);
    assert_same(what, a->dc0, b->dc0, s.c);
    assert_same(what, a->dweights, b->dweights, s.weights);
}

static test_inputs inputs_of(size_t form, uint32_t layers, bool bidirectional,
                             const uint32_t *lengths)
{
    clrnn_network_desc desc = test_form(form, layers, bidirectional);
    test_inputs in = test_inputs_random(&desc, T, N, lengths, form, 0.8);
    test_inputs_round(&in, CLRNN_F32);
    return in;
}

static test_outputs run_once(clrnn_context *context, const test_inputs *in, size_t config)
{
    const clrnn_plan_desc desc = test_plan_desc(in, CLRNN_F32, true, config);
    clrnn_plan *plan = test_plan_make(context, &desc, in);
    test_outputs out = test_run(plan, in);
    clrnn_plan_destroy(&plan);
    return out;
}

/* --- padding ------------------------------------------------------------------------------ */

/* Put `value` into everything past the rows' lengths.  array: [T,N,width] */
static void fill_padding(double *array, size_t width, double value)
{
    for (size_t t = 0; t < T; t++)
        for (size_t n = 0; n < N; n++)
            for (size_t k = 0; k < width && t >= ragged[n]; k++)
                array[(t * N + n) * width + k] = value;
}

static void assert_zero_padding(const char *what, const double *array, size_t width)
{
    for (size_t t = 0; t < T; t++)
        for (size_t n = 0; n < N; n++)
            for (size_t k = 0; k < width && t >= ragged[n]; k++)
                if (array[(t * N + n) * width + k] != 0)
                    fail_msg("%s is %g in the padding", what, array[(t * N + n) * width + k]);
}

static void check_padding(clrnn_context *context, size_t form, bool bidirectional, size_t config)
{
    test_inputs in = inputs_of(form, 2, bidirectional, ragged);
    test_sizes s = test_sizes_of(&in);
    test_outputs expected = run_once(context, &in, config);
    assert_zero_padding("y", expected.y, s.y / (T * N));
    assert_zero_padding("dx", expected.dx, s.x / (T * N));
    for (size_t cell = 0, R = s.h / (in.desc.num_layers * (1u + bidirectional) * N);
         cell < s.h / (N * R); cell++) { /* the row without a step keeps its state */
        size_t row = (cell * N + 2) * R;
        assert_same("hn", expected.hn + row, in.h0 + row, R);
        assert_same("dh0", expected.dh0 + row, in.dhn + row, R);
    }
    fill_padding(in.x, s.x / (T * N), NAN);
    fill_padding(in.dy, s.y / (T * N), NAN);
    test_outputs got = run_once(context, &in, config);
    assert_same_outputs(test_forms[form].name, &in, &got, &expected);
    test_outputs_free(&got);
    test_outputs_free(&expected);
    test_inputs_free(&in);
}

static void padding_has_no_effect(void **state)
{
    for (size_t config = test_next_way(*state, 0); config < TEST_CONFIGS;
         config = test_next_way(*state, config + 1))
        for (size_t form = 0; form < TEST_FORMS; form++) {
            check_padding(*state, form, false, config);
            check_padding(*state, form, true, config);
        }
}

/* --- NaN and infinity --------------------------------------------------------------------- */

/* Against the reference, in which NaN comes out where it belongs, and nowhere else. An infinite sum
 * saturates a gate to exactly 0 or 1, so weight gradients are 0*inf there, or nearly so: left out.
 */
static void check_against_reference(clrnn_context *context, const char *what, const test_inputs *in,
                                    size_t config, bool infinite)
{
    test_outputs got = run_once(context, in, config), expected = test_reference(in);
    for (size_t i = 0; infinite && i < test_sizes_of(in).weights; i++)
        got.dweights[i] = expected.dweights[i];
    test_compare(what, in, &got, &expected, 1e-6, 1e-5);
    test_outputs_free(&got);
    test_outputs_free(&expected);
}

static bool any_nan(const double *array, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (isnan(array[i]))
            return true;
    return false;
}

static void nan_weights_give_nan(void **state)
{
    for (size_t config = test_next_way(*state, 0); config < TEST_CONFIGS;
         config = test_next_way(*state, config + 1))
        for (size_t form = 0; form < TEST_FORMS; form++) {
            test_inputs in = inputs_of(form, 1, false, NULL);
            in.weights[0] = NAN;
            test_outputs out = run_once(*state, &in, config);
            test_sizes s = test_sizes_of(&in);
            assert_true(any_nan(out.y, s.y) && any_nan(out.hn, s.h));
            assert_true(any_nan(out.dx, s.x) && any_nan(out.dweights, s.weights));
            test_outputs_free(&out);
            check_against_reference(*state, test_forms[form].name, &in, config, false);
            test_inputs_free(&in);
        }
}

/* A row with a NaN or infinity in it, and rows without: those must be as if alone. */
static void nan_stays_in_its_row(void **state)
{
    static const double values[] = {NAN, INFINITY, -INFINITY};
    for (size_t config = test_next_way(*state, 0); config < TEST_CONFIGS;
         config = test_next_way(*state, config + 1))
        for (size_t form = 0; form < TEST_FORMS; form++)
            for (size_t v = 0; v < COUNT(values); v++) {
                test_inputs in = inputs_of(form, 2, false, v == 1 ? ragged : NULL);
                in.x[(1 * N + 1) * in.desc.input_size] = values[v];
                check_against_reference(*state, test_forms[form].name, &in, config,
                                        isinf(values[v]));
                test_inputs_free(&in);
            }
}

/* --- arrays left out, smaller sizes ------------------------------------------------------- */

static void fill_zero(double *array, size_t count)
{
    if (array)
        memset(array, 0, count * sizeof *array);
}

/* Absent inputs are zeros. */
static void absent_inputs(void **state)
{
    for (size_t config = test_next_way(*state, 0); config < TEST_CONFIGS;
         config = test_next_way(*state, config + 1))
        for (size_t form = 0; form < TEST_FORMS; form++) {
            test_inputs in = inputs_of(form, 2, true, ragged);
            test_sizes s = test_sizes_of(&in);
            fill_zero(in.h0, s.h);
            fill_zero(in.c0, s.c);
            fill_zero(in.dy, s.y);
            fill_zero(in.dhn, s.h);
            in.dhn[0] = 1; /* so that there are gradients */
            test_outputs expected = run_once(*state, &in, config);
            const clrnn_plan_desc desc = test_plan_desc(&in, CLRNN_F32, true, config);
            clrnn_plan *plan = test_plan_make(*state, &desc, &in);
            test_host host = test_host_make(plan, &in), some = host;
            some.io.h0 = some.io.c0 = some.io.dy = NULL;
            assert_int_equal(clrnn_forward_host(plan, &some.io), CLRNN_OK);
            assert_int_equal(clrnn_backward_host(plan, &some.io), CLRNN_OK);
            test_outputs got = test_host_outputs(&host);
            assert_same_outputs(test_forms[form].name, &in, &got, &expected);
            test_outputs_free(&got);
            test_outputs_free(&expected);
            test_host_free(&host);
            clrnn_plan_destroy(&plan);
            test_inputs_free(&in);
        }
}

/* Each output alone has the numbers it has together with all others. */
static void absent_outputs(void **state)
{
    for (size_t form = 0; form < TEST_FORMS; form++) {
        test_inputs in = inputs_of(form, 2, true, NULL);
        const clrnn_plan_desc desc =
            test_plan_desc(&in, CLRNN_F32, true, test_nth_way(*state, form));
        clrnn_plan *plan = test_plan_make(*state, &desc, &in);
        test_outputs expected = test_run(plan, &in);
        for (int only = 0; only < 7; only++) {
            test_host host = test_host_make(plan, &in), one = host;
            void **const out[] = {&one.io.y,   &one.io.hn,  &one.io.cn,      &one.io.dx,
                                  &one.io.dh0, &one.io.dc0, &one.io.dweights};
            for (int i = 0; i < 7; i++)
                *out[i] = i == only ? *out[i] : NULL;
            assert_int_equal(clrnn_forward_host(plan, &one.io), CLRNN_OK);
            assert_int_equal(clrnn_backward_host(plan, &one.io), CLRNN_OK);
            test_outputs got = test_host_outputs(&one), wanted = expected;
            double **const all[] = {&wanted.y,   &wanted.hn,  &wanted.cn,      &wanted.dx,
                                    &wanted.dh0, &wanted.dc0, &wanted.dweights};
            for (int i = 0; i < 7; i++)
                *all[i] = i == only ? *all[i] : NULL;
            assert_same_outputs(test_forms[form].name, &in, &got, &wanted);
            test_outputs_free(&got);
            test_host_free(&host);
        }
        test_outputs_free(&expected);
        clrnn_plan_destroy(&plan);
        test_inputs_free(&in);
    }
}

/* One plan, calls of different sizes, with lengths and without, weights changed in between. */
static void calls_of_different_sizes(void **state)
{
    static const struct {
        uint32_t steps, batch;
        bool ragged;
    } calls[] = {{T, N, true}, {T + 3, N + 2, false}, {1, 1, false}, {T, N, false}, {2, 6, false}};
    for (size_t config = test_next_way(*state, 0); config < TEST_CONFIGS;
         config = test_next_way(*state, config + 1))
        for (size_t form = 0; form < TEST_FORMS; form++) {
            clrnn_network_desc network = test_form(form, 2, form % 2);
            clrnn_plan *plans[2];
            for (int train = 0; train < 2; train++) {
                const clrnn_plan_desc desc = {.network = network,
                                              .max_steps = T + 3,
                                              .max_batch = N + 2,
                                              .train = train,
                                              .strategy = test_configs[config].strategy,
                                              .gemm = test_configs[config].gemm};
                assert_int_equal(clrnn_plan_create(*state, &desc, &plans[train]), CLRNN_OK);
            }
            for (size_t i = 0; i < COUNT(calls); i++) {
                test_inputs in = test_inputs_random(&network, calls[i].steps, calls[i].batch,
                                                    calls[i].ragged ? ragged : NULL, 50 + i, 0.8);
                test_inputs_round(&in, CLRNN_F32);
                test_outputs expected = test_reference(&in);
                for (int train = 0; train < 2; train++) {
                    test_plan_weights(plans[train], &in);
                    test_outputs got = test_run(plans[train], &in);
                    test_compare(test_forms[form].name, &in, &got, &expected, 1e-6, 1e-5);
                    test_outputs_free(&got);
                }
                test_outputs_free(&expected);
                test_inputs_free(&in);
            }
            clrnn_plan_destroy(&plans[0]);
            clrnn_plan_destroy(&plans[1]);
        }
}

/* T and N of 0 mean the largest of the plan. */
static void sizes_left_out(void **state)
{
    test_inputs in = inputs_of(2, 1, false, NULL);
    const clrnn_plan_desc desc = test_plan_desc(&in, CLRNN_F32, true, 1);
    clrnn_plan *plan = test_plan_make(*state, &desc, &in);
    test_outputs expected = test_run(plan, &in);
    test_host host = test_host_make(plan, &in);
    host.io.steps = host.io.batch = 0;
    assert_int_equal(clrnn_forward_host(plan, &host.io), CLRNN_OK);
    assert_int_equal(clrnn_backward_host(plan, &host.io), CLRNN_OK);
    test_outputs got = test_host_outputs(&host);
    assert_same_outputs("sizes of 0", &in, &got, &expected);
    test_outputs_free(&got);
    test_outputs_free(&expected);
    test_host_free(&host);
    clrnn_plan_destroy(&plan);
    test_inputs_free(&in);
}

/* --- dropout keys ------------------------------------------------------------------------- */

static double *y_with_keys(clrnn_plan *plan, const test_inputs *in, uint64_t seed, uint32_t index)
{
    test_host host = test_host_make(plan, in);
    host.io.dropout_seed = seed;
    host.io.dropout_index = index;
    assert_int_equal(clrnn_forward_host(plan, &host.io), CLRNN_OK);
    double *y = test_decode(host.io.y, host.sizes.y, CLRNN_F32);
    test_host_free(&host);
    return y;
}

/* Every part of the keys counts; the same keys give the same numbers. */
static void dropout_keys(void **state)
{
    static const struct {
        uint64_t seed;
        uint32_t index;
    } keys[] = {{1, 0}, {2, 0}, {1, 1}, {(uint64_t)1 << 32 | 1, 0}, {1, UINT32_MAX}, {1, 0}};
    clrnn_network_desc network = {
        .cell = CLRNN_CELL_GRU, .input_size = 3, .hidden_size = 33, .num_layers = 2};
    test_inputs in = test_inputs_random(&network, T, N, NULL, 1, 0.3);
    clrnn_plan_desc desc = test_plan_desc(&in, CLRNN_F32, true, 1);
    desc.dropout = 0.5f;
    clrnn_plan *plan = test_plan_make(*state, &desc, &in);
    size_t bytes = test_sizes_of(&in).y * sizeof(double);
    double *ys[COUNT(keys)];
    for (size_t i = 0; i < COUNT(keys); i++)
        ys[i] = y_with_keys(plan, &in, keys[i].seed, keys[i].index);
    for (size_t i = 1; i + 1 < COUNT(keys); i++)
        assert_memory_not_equal(ys[i], ys[0], bytes);
    assert_memory_equal(ys[COUNT(keys) - 1], ys[0], bytes);
    for (size_t i = 0; i < COUNT(keys); i++)
        free(ys[i]);
    clrnn_plan_destroy(&plan);
    test_inputs_free(&in);
}

/* --- threads ------------------------------------------------------------------------------ */

/* A thread with its own plan. cmocka's checks belong to the main thread, so it only counts. */
typedef struct worker {
    clrnn_plan *plan;
    test_host host;
    size_t bytes; /* of y */
    void *expected;
    int wrong;
} worker;

static void *work(void *user)
{
    worker *w = user;
    for (int i = 0; i < 20; i++) {
        memset(w->host.io.y, 0, w->bytes);
        if (clrnn_forward_host(w->plan, &w->host.io) != CLRNN_OK ||
            clrnn_backward_host(w->plan, &w->host.io) != CLRNN_OK ||
            memcmp(w->host.io.y, w->expected, w->bytes) != 0)
            w->wrong++;
    }
    return NULL;
}

static void two_plans_in_two_threads(void **state)
{
    static const size_t forms[] = {2, 4};
    for (size_t config = test_next_way(*state, 0); config < TEST_CONFIGS;
         config = test_next_way(*state, config + 1)) {
        worker workers[2];
        test_inputs in[2];
        pthread_t threads[2];
        for (int i = 0; i < 2; i++) {
            in[i] = inputs_of(forms[i], 2, false, ragged);
            const clrnn_plan_desc desc = test_plan_desc(&in[i], CLRNN_F32, true, config);
            worker *w = &workers[i];
            *w = (worker){.plan = test_plan_make(*state, &desc, &in[i])};
            w->host = test_host_make(w->plan, &in[i]);
            w->bytes = w->host.sizes.y * sizeof(float);
            assert_int_equal(clrnn_forward_host(w->plan, &w->host.io), CLRNN_OK);
            w->expected = malloc(w->bytes);
            assert_non_null(w->expected);
            memcpy(w->expected, w->host.io.y, w->bytes);
        }
        for (int i = 0; i < 2; i++)
            assert_int_equal(pthread_create(&threads[i], NULL, work, &workers[i]), 0);
        for (int i = 0; i < 2; i++)
            assert_int_equal(pthread_join(threads[i], NULL), 0);
        for (int i = 0; i < 2; i++) {
            assert_int_equal(workers[i].wrong, 0);
            free(workers[i].expected);
            test_host_free(&workers[i].host);
            clrnn_plan_destroy(&workers[i].plan);
            test_inputs_free(&in[i]);
        }
    }
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, test_open, test_close)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(padding_has_no_effect), TEST(nan_weights_give_nan), TEST(nan_stays_in_its_row),
        TEST(absent_inputs),         TEST(absent_outputs),       TEST(calls_of_different_sizes),
        TEST(sizes_left_out),        TEST(dropout_keys),         TEST(two_plans_in_two_threads),
    };
    return cmocka_run_group_tests_name("passes", tests, NULL, NULL);
}

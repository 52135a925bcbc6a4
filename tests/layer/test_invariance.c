/* SPDX-License-Identifier: MIT
 * tests/layer/test_invariance.c - what must not change the numbers: scanning a sequence in chunks
 * or step by step, who shares the batch, running again. */
#include "layer/device.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "layer/plan.h"

static void assert_same_bits(const char *what, const double *a, const double *b, size_t count)
{
    if (!a != !b)
        fail_msg("%s: an output is missing", what);
    for (size_t i = 0; a && i < count; i++)
        if (memcmp(&a[i], &b[i], sizeof *a) != 0)
            fail_msg("%s: element %zu is %.9g and %.9g", what, i, a[i], b[i]);
}

static void assert_same_outputs(const char *what, const test_inputs *in, const test_outputs *a,
                                const test_outputs *b)
{
    test_sizes s = test_sizes_of(in);
    assert_same_bits(what, a->y, b->y, s.y);
    assert_same_bits(what, a->hn, b->hn, s.h);
    assert_same_bits(what, a->cn, b->cn, s.c);
    assert_same_bits(what, a->dx, b->dx, s.x);
    assert_same_bits(what, a->dh0, b->dh0, s.h);
    assert_same_bits(what, a->dc0, b->dc0, s.c);
    assert_same_bits(what, a->dweights, b->dweights, s.weights);
}

/* A form with sizes that fill several panels of units, so that there are grid barriers. */
static clrnn_network_desc large_form(size_t form, uint32_t layers, bool bidirectional)
{
    clrnn_network_desc desc = test_form(form, layers, bidirectional);
    desc.input_size = 17;
    desc.hidden_size = 93;
    desc.proj_size = desc.proj_size ? 37 : 0;
    return desc;
}

static test_outputs run_once(clrnn_context *context, const test_inputs *in, bool train,
                             size_t config)
{
    const clrnn_plan_desc desc = test_plan_desc(in, CLRNN_F32, train, config);
    clrnn_plan *plan = test_plan_make(context, &desc, in);
    const char *strategy = clrnn_plan_get_info(plan)->strategy;
    assert_memory_equal(strategy, test_configs[config].name, strlen(strategy));
    test_outputs out = test_run(plan, in);
    clrnn_plan_destroy(&plan);
    return out;
}

/* --- chunks ------------------------------------------------------------------------------- */

/* Inference in chunks of any length, against the reference; our own products to the bit. */
static void check_chunks(clrnn_context *context, size_t form, uint32_t layers, bool bidirectional,
                         size_t config)
{
    enum { T = 11, N = 3 };
    static const uint32_t ragged[N] = {11, 0, 7}, chunks[] = {T, 1, 3, 10};
    clrnn_network_desc network = test_form(form, layers, bidirectional);
    test_inputs in = test_inputs_random(&network, T, N, form % 2 ? ragged : NULL, form, 0.8);
    test_inputs_round(&in, CLRNN_F32);
    test_outputs expected = test_reference(&in), whole = {0};
    const clrnn_plan_desc desc = test_plan_desc(&in, CLRNN_F32, false, config);
    for (size_t i = 0; i < COUNT(chunks); i++) {
        clrnn_plan *plan = test_plan_make(context, &desc, &in);
        assert_int_equal(plan->chunk, T);
        plan->chunk = chunks[i];
        test_outputs got = test_run(plan, &in);
        test_compare(test_forms[form].name, &in, &got, &expected, 1e-6, 0);
        if (i == 0)
            whole = got;
        else if (test_configs[config].gemm == CLRNN_GEMM_PACKED)
            assert_same_outputs(test_forms[form].name, &in, &got, &whole);
        if (i > 0)
            test_outputs_free(&got);
        clrnn_plan_destroy(&plan);
    }
    test_outputs_free(&whole);
    test_outputs_free(&expected);
    test_inputs_free(&in);
}

static void chunks(void **state)
{
    for (size_t config = test_next_way(*state, 0); config < TEST_CONFIGS;
         config = test_next_way(*state, config + 1))
        for (size_t form = 0; form < TEST_FORMS; form++)
            for (uint32_t layers = 1; layers <= 4; layers++)
                check_chunks(*state, form, layers, (form + layers) % 2, config);
    for (size_t config = test_next_way(*state, 0); config < TEST_CONFIGS;
         config = test_next_way(*state, config + 1))
        for (uint32_t layers = 3; layers <= 4; layers++) {
            check_chunks(*state, 3, layers, true, config);
            check_chunks(*state, 3, layers, false, config);
        }
}

/* Sizes at which the plan itself takes several chunks; work memory then does not grow with T. */
static void chunks_of_a_long_sequence(void **state)
{
    const clrnn_network_desc network = {.input_size = 5, .hidden_size = 256, .num_layers = 2};
    test_inputs in = test_inputs_random(&network, 71, 64, NULL, 700, 1. / 16);
    test_inputs_round(&in, CLRNN_F32);
    for (size_t config = test_next_way(*state, STEPWISE_PACKED); config < TEST_CONFIGS;
         config = test_next_way(*state, config + 1)) {
        const clrnn_plan_desc infer = test_plan_desc(&in, CLRNN_F32, false, config);
        const clrnn_plan_desc train = test_plan_desc(&in, CLRNN_F32, true, config);
        clrnn_plan_desc longer = infer;
        longer.max_steps = 100000;
        clrnn_plan *plan = test_plan_make(*state, &infer, &in);
        clrnn_plan *whole = test_plan_make(*state, &train, &in);
        clrnn_plan *more = test_plan_make(*state, &longer, &in);
        assert_true(plan->chunk > 1 && plan->chunk < in.steps && whole->chunk == in.steps);
        assert_int_equal(clrnn_plan_get_info(more)->work_bytes,
                         clrnn_plan_get_info(plan)->work_bytes);
        test_outputs a = test_run(plan, &in), b = test_run(whole, &in);
        assert_same_bits("y", a.y, b.y, test_sizes_of(&in).y);
        assert_same_bits("cn", a.cn, b.cn, test_sizes_of(&in).c);
        test_outputs_free(&a);
        test_outputs_free(&b);
        clrnn_plan_destroy(&plan);
        clrnn_plan_destroy(&whole);
        clrnn_plan_destroy(&more);
    }
    test_inputs_free(&in);
}

/* --- streaming and batches ---------------------------------------------------------------- */

/* Steps begin.. of a sequence, from states of its own. */
static test_inputs part_of(const test_inputs *in, uint32_t begin, uint32_t steps, const double *h,
                           const double *c)
{
    test_inputs part =
        test_inputs_random(&in->desc, steps, in->batch, NULL, 1, 1); /* overwritten below */
    test_sizes s = test_sizes_of(&part);
    memcpy(part.weights, in->weights, s.weights * sizeof(double));
    memcpy(part.x, in->x + (size_t)begin * in->batch * in->desc.input_size, s.x * sizeof(double));
    memcpy(part.h0, h, s.h * sizeof(double));
    if (s.c)
        memcpy(part.c0, c, s.c * sizeof(double));
    return part;
}

/* One call for each step, or for the chunks given, states handed on: the bits of one call. */
static void check_streaming(clrnn_context *context, size_t form, size_t config)
{
    enum { T = 9, N = 3 };
    static const uint32_t chunks[] = {1, 1, 3, 2, 1, 1};
    clrnn_network_desc network = large_form(form, 2, false);
    test_inputs in = test_inputs_random(&network, T, N, NULL, 10 + form, 0.1);
    test_inputs_round(&in, CLRNN_F32);
    test_sizes s = test_sizes_of(&in);
    test_outputs whole = run_once(context, &in, false, config);
    const clrnn_plan_desc desc = test_plan_desc(&in, CLRNN_F32, false, config);
    clrnn_plan *plan = test_plan_make(context, &desc, &in);
    double *h = calloc(s.h, sizeof *h), *c = calloc(s.c + 1, sizeof *c);
    assert_true(h && c);
    memcpy(h, in.h0, s.h * sizeof *h);
    if (s.c)
        memcpy(c, in.c0, s.c * sizeof *c);
    for (uint32_t i = 0, t = 0; i < COUNT(chunks); t += chunks[i++]) {
        test_inputs part = part_of(&in, t, chunks[i], h, c);
        test_outputs out = test_run(plan, &part);
        assert_same_bits(test_forms[form].name, out.y, whole.y + s.y / T * t, s.y / T * chunks[i]);
        memcpy(h, out.hn, s.h * sizeof *h);
        if (s.c)
            memcpy(c, out.cn, s.c * sizeof *c);
        test_outputs_free(&out);
        test_inputs_free(&part);
    }
    assert_same_bits(test_forms[form].name, h, whole.hn, s.h);
    assert_same_bits(test_forms[form].name, c, whole.cn ? whole.cn : c, s.c);
    free(h);
    free(c);
    clrnn_plan_destroy(&plan);
    test_outputs_free(&whole);
    test_inputs_free(&in);
}

static void streaming(void **state)
{
    for (size_t config = test_next_way(*state, STEPWISE_PACKED); config < TEST_CONFIGS;
         config = test_next_way(*state, config + 1))
        for (size_t form = 0; form < TEST_FORMS; form++)
            check_streaming(*state, form, config);
}

/* Row n of the batch as the only one: [.,N,width] to [.,1,width]. */
static void take_row(const double *from, double *to, size_t outer, size_t batch, size_t width,
                     size_t n)
{
    for (size_t i = 0; i < outer; i++)
        memcpy(to + i * width, from + (i * batch + n) * width, width * sizeof *to);
}

/* A row of a batch has the bits it has alone. */
static void check_batch(clrnn_context *context, size_t form, size_t config)
{
    enum { T = 4, N = 17 };
    uint32_t lengths[N], length;
    for (uint32_t n = 0; n < N; n++)
        lengths[n] = n * 3 % (T + 1);
    clrnn_network_desc network = large_form(form, 1, true);
    test_inputs in = test_inputs_random(&network, T, N, lengths, 20 + form, 0.1);
    test_inputs_round(&in, CLRNN_F32);
    test_outputs all = run_once(context, &in, false, config);
    for (size_t n = 0; n < N; n += 5) {
        length = lengths[n];
        test_inputs one = test_inputs_random(&network, T, 1, &length, 1, 1);
        test_sizes s = test_sizes_of(&one);
        memcpy(one.weights, in.weights, s.weights * sizeof(double));
        take_row(in.x, one.x, T, N, s.x / T, n);
        take_row(in.h0, one.h0, 2, N, s.h / 2, n);
        if (s.c)
            take_row(in.c0, one.c0, 2, N, s.c / 2, n);
        test_outputs alone = run_once(context, &one, false, config);
        double *row = calloc(s.y, sizeof *row);
        assert_non_null(row);
        take_row(all.y, row, T, N, s.y / T, n);
        assert_same_bits(test_forms[form].name, alone.y, row, s.y);
        free(row);
        test_outputs_free(&alone);
        test_inputs_free(&one);
    }
    test_outputs_free(&all);
    test_inputs_free(&in);
}

static void batches(void **state)
{
    for (size_t config = test_next_way(*state, STEPWISE_PACKED); config < TEST_CONFIGS;
         config = test_next_way(*state, config + 1))
        for (size_t form = 0; form < TEST_FORMS; form++)
            check_batch(*state, form, config);
}

/* --- repetition --------------------------------------------------------------------------- */

static void running_again(void **state)
{
    static const uint32_t ragged[7] = {5, 0, 3, 1, 4, 5, 2};
    for (size_t config = test_next_way(*state, 0); config < TEST_CONFIGS;
         config = test_next_way(*state, config + 1))
        for (size_t form = 0; form < TEST_FORMS; form++) {
            clrnn_network_desc network = large_form(form, 2, form % 2);
            test_inputs in =
                test_inputs_random(&network, 5, 7, form % 2 ? ragged : NULL, 30 + form, 0.1);
            clrnn_plan_desc desc = test_plan_desc(&in, CLRNN_F32, true, config);
            desc.dropout = 0.3f;
            clrnn_plan *plan = test_plan_make(*state, &desc, &in);
            test_outputs first = test_run(plan, &in), again = test_run(plan, &in);
            clrnn_plan_destroy(&plan);
            plan = test_plan_make(*state, &desc, &in);
            test_outputs other = test_run(plan, &in);
            assert_same_outputs(test_configs[config].name, &in, &again, &first);
            assert_same_outputs(test_configs[config].name, &in, &other, &first);
            test_outputs_free(&first);
            test_outputs_free(&again);
            test_outputs_free(&other);
            clrnn_plan_destroy(&plan);
            test_inputs_free(&in);
        }
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, test_open, test_close)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(chunks),        TEST(chunks_of_a_long_sequence), TEST(streaming), TEST(batches),
        TEST(running_again),
    };
    return cmocka_run_group_tests_name("invariance", tests, NULL, NULL);
}

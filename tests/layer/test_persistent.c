/* SPDX-License-Identifier: MIT
 * tests/layer/test_persistent.c - the persistent strategy has the bits of the stepwise one: for
 * every form and size, however a launch is cut into groups, for extreme numbers. */
#include "layer/partitions.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* How launches are cut; spins are few, so that groups which a busy machine keeps apart fall back
 * soon: that must not change the bits either. */
static const clr_partition partitions[] = {
    {.row_parts = 1, .unit_parts = 1},
    {.row_parts = 1, .unit_parts = 2, .most_spins = 20000},
    {.row_parts = 2, .unit_parts = 1},
    {.row_parts = 1, .unit_parts = 3, .most_spins = 2000},
    {.row_parts = 3, .unit_parts = 1},
    {.row_parts = 1, .unit_parts = 5, .most_spins = 100},
    {.row_parts = 7, .unit_parts = 1},
    {.row_parts = 2, .unit_parts = 2, .most_spins = 2000},
    {.row_parts = 1, .unit_parts = 2, .most_spins = 20000, .steal = true},
    {.row_parts = 2, .unit_parts = 3, .most_spins = 2000, .steal = true},
};

/* --- sizes -------------------------------------------------------------------------------- */

/* Each N of one network through plans for the largest of them. */
static void check_network(clrnn_context *context, const char *name, const clrnn_network_desc *desc,
                          clrnn_precision precision, size_t seed)
{
    enum { T = 3, MOST = 49 };
    static const uint32_t batches[] = {1, 2, 3, 5, 6, 7, 24, 25, MOST};
    uint32_t lengths[MOST];
    for (uint32_t n = 0; n < MOST; n++)
        lengths[n] = (n * 7 + (uint32_t)seed) % (T + 1);
    test_inputs in = test_inputs_random(desc, T, MOST, lengths, seed, 1 / sqrt(desc->hidden_size));
    clrnn_plan *stepwise = test_stepwise(context, &in, precision, true);
    clrnn_plan *persistent = test_persistent(context, &in, precision, true, NULL);
    uint32_t *ragged = in.lengths;
    for (size_t i = 0; i < COUNT(batches); i++) {
        in.batch = batches[i];
        in.lengths = (seed + i) % 2 ? ragged : NULL;
        test_outputs expected = test_run(stepwise, &in);
        size_t cut = (seed + i) % (COUNT(partitions) + 1);
        test_force(persistent, cut ? &partitions[cut - 1] : NULL);
        test_run_same(name, persistent, &in, &expected);
        test_outputs_free(&expected);
    }
    in.lengths = ragged;
    clrnn_plan_destroy(&stepwise);
    clrnn_plan_destroy(&persistent);
    test_inputs_free(&in);
}

static void every_form_and_size(void **state)
{
    static const uint32_t widths[] = {1, 7, 17, 31, 32, 33, 65, 130, 300, 530};
    static const uint32_t inputs[] = {5, 1, 33, 17};
    size_t done = 0;
    for (int precision = 0; precision < test_precisions(*state); precision++)
        for (size_t form = 0; form < TEST_FORMS; form++)
            for (size_t i = 0; i < COUNT(widths); i++) {
                uint32_t H = widths[i];
                if (precision && !test_varies(*state, form))
                    continue;
                if (H == 1 && test_forms[form].desc.proj_size)
                    continue; /* P is less than H */
                clrnn_network_desc desc =
                    test_sized_form(form, inputs[i % COUNT(inputs)], H, i % 3 ? H / 2 : 33);
                desc.num_layers = 1 + (form + i) % 2;
                desc.bidirectional = (form + i) / 2 % 2;
                check_network(*state, test_forms[form].name, &desc, (clrnn_precision)precision,
                              form * COUNT(widths) + i);
                done++;
            }
    const size_t doubles = (size_t)test_precisions(*state) - 1, all = test_varied_forms(*state);
    const size_t projected = all == TEST_FORMS; /* the width that this one has not */
    assert_int_equal(done,
                     TEST_FORMS * COUNT(widths) - 1 + doubles * (all * COUNT(widths) - projected));
}

/* --- partitions --------------------------------------------------------------------------- */

/* Every form in every partition, training and inferring. */
static void every_cut(void **state)
{
    enum { T = 5, N = 13 };
    static const uint32_t ragged[N] = {5, 0, 3, 1, 4, 5, 2, 5, 5, 5, 1, 2, 3};
    for (int precision = 0; precision < test_precisions(*state); precision++)
        for (size_t form = 0; form < TEST_FORMS; form++) {
            if (precision && !test_varies(*state, form))
                continue;
            clrnn_network_desc desc = test_sized_form(form, 17, 130, 65);
            desc.num_layers = 2;
            desc.bidirectional = form % 2;
            test_inputs in =
                test_inputs_random(&desc, T, N, form % 3 ? ragged : NULL, 100 + form, 0.1);
            for (int train = 0; train < 2; train++) {
                clrnn_plan *plan =
                    test_stepwise(*state, &in, (clrnn_precision)precision, train == 1);
                test_outputs expected = test_run(plan, &in);
                clrnn_plan_destroy(&plan);
                for (size_t i = 0; i < COUNT(partitions); i++) {
                    plan = test_persistent(*state, &in, (clrnn_precision)precision, train == 1,
                                           &partitions[i]);
                    test_run_same(test_forms[form].name, plan, &in, &expected);
                    clrnn_plan_destroy(&plan);
                }
                test_outputs_free(&expected);
            }
            test_inputs_free(&in);
        }
}

/* With layer norm groups that share units share whole rows, too. */
static void every_cut_of_norms(void **state)
{
    enum { T = 5, N = 13 };
    static const uint32_t ragged[N] = {5, 0, 3, 1, 4, 5, 2, 5, 5, 5, 1, 2, 3};
    static const char *const texts[] = {"cell=lstm,layer_norm=1,P=65,peepholes=1,D=2,L=2",
                                        "cell=lstm,layer_norm=1,zoneout=0.3", "cell=gru,L=2",
                                        "cell=gru,reset=after,D=2", "cell=rnn"};
    for (size_t k = 0; k < 2 * COUNT(texts); k++) {
        clrnn_network_desc desc = test_network(texts[k / 2]);
        desc.input_size = 17;
        desc.hidden_size = 130;
        const bool train = k % 2;
        const clrnn_precision precision = k % 3 ? CLRNN_F32 : test_precisions(*state) - 1;
        test_inputs in = test_inputs_random(&desc, T, N, k / 2 % 2 ? NULL : ragged, 150 + k, 0.1);
        clrnn_plan *plan = test_stepwise(*state, &in, precision, train);
        test_outputs expected = test_run(plan, &in);
        clrnn_plan_destroy(&plan);
        for (size_t i = 0; i < COUNT(partitions); i++) {
            plan = test_persistent(*state, &in, precision, train, &partitions[i]);
            test_run_same(texts[k / 2], plan, &in, &expected);
            clrnn_plan_destroy(&plan);
        }
        test_outputs_free(&expected);
        test_inputs_free(&in);
    }
}

/* One plan, each pass cut in another way: nothing of one launch may reach into the next. */
static void changing_partitions(void **state)
{
    enum { T = 5, N = 3 };
    static const clr_partition list[] = {{.row_parts = 1, .unit_parts = 2, .most_spins = 20000},
                                         {.row_parts = 1, .unit_parts = 4, .most_spins = 500},
                                         {.row_parts = 1, .unit_parts = 8, .most_spins = 10},
                                         {.row_parts = 3, .unit_parts = 1},
                                         {.row_parts = 2, .unit_parts = 2, .most_spins = 500}};
    for (size_t form = 0; form < TEST_FORMS; form++) {
        clrnn_network_desc desc = test_sized_form(form, 5, 130, 65);
        desc.bidirectional = true; /* forward launches have two directions, backward ones one */
        test_inputs in = test_inputs_random(&desc, T, N, NULL, 200 + form, 0.1);
        clrnn_plan *plan = test_stepwise(*state, &in, CLRNN_F32, true);
        test_outputs expected = test_run(plan, &in);
        clrnn_plan_destroy(&plan);
        plan = test_persistent(*state, &in, CLRNN_F32, true, NULL);
        for (size_t i = 0; i < 4 * COUNT(list); i++) {
            test_force(plan, &list[i * 3 % COUNT(list)]); /* the same again only after all others */
            test_run_same(test_forms[form].name, plan, &in, &expected);
            test_force(plan, &list[i / COUNT(list)]);
            test_run_same(test_forms[form].name, plan, &in, &expected);
        }
        clrnn_plan_destroy(&plan);
        test_outputs_free(&expected);
        test_inputs_free(&in);
    }
}

/* A few rows of a small network, which a group may scan one after the other: fewer and more than it
 * takes, of few and of more inputs, with room for its weights beside the gates and without. */
static void few_rows(void **state)
{
    enum { T = 140, FEW = 7, MOST = 7 };
    static const uint32_t widths[] = {8, 33, 40, 61}, inputs[] = {1, 4, 5};
    static const clr_partition parts[] = {{.row_parts = 1, .unit_parts = 1},
                                          {.row_parts = 2, .unit_parts = 1},
                                          {.row_parts = 3, .unit_parts = 1}};
    for (size_t form = 0; form < TEST_FORMS; form++)
        for (size_t i = 0; i < COUNT(widths); i++) {
            clrnn_network_desc desc = test_sized_form(form, inputs[(form + i) % 3], widths[i], 5);
            desc.bidirectional = (form + i) % 2;
            test_inputs in = test_inputs_random(&desc, T, MOST, NULL, 250 + form, 0.3);
            clrnn_plan *stepwise = test_stepwise(*state, &in, CLRNN_F32, false);
            clrnn_plan *persistent = test_persistent(*state, &in, CLRNN_F32, false, NULL);
            for (uint32_t turn = 0; turn < MOST + 2; turn++) {
                in.batch = turn < MOST ? turn + 1 : turn - MOST + 1;
                in.steps = turn < MOST ? FEW : T;
                test_outputs expected = test_run(stepwise, &in);
                for (size_t k = 0; k <= COUNT(parts); k++) {
                    test_force(persistent, k < COUNT(parts) ? &parts[k] : NULL);
                    test_run_same(test_forms[form].name, persistent, &in, &expected);
                }
                test_outputs_free(&expected);
            }
            in.batch = MOST;
            in.steps = T;
            clrnn_plan_destroy(&stepwise);
            clrnn_plan_destroy(&persistent);
            test_inputs_free(&in);
        }
}

/* --- extreme numbers ---------------------------------------------------------------------- */

static void scale_all(double *values, size_t count, double factor)
{
    for (size_t i = 0; values && i < count; i++)
        values[i] *= factor;
}

enum { EXTREMES = 8, PADDING = 7 };

/* Change the inputs in one of EXTREMES ways. */
static void make_extreme(test_inputs *in, size_t config, clrnn_precision precision)
{
    const double tiny = precision == CLRNN_F64 ? 1e-310 : 1e-40;
    test_sizes s = test_sizes_of(in);
    switch (config) {
    case 0: /* saturated gates */
        scale_all(in->weights, s.weights, 40);
        break;
    case 1: /* sums that overflow exp, and then themselves */
        scale_all(in->weights, s.weights, 1e30);
        scale_all(in->x, s.x, 1e8);
        break;
    case 2: /* denormal inputs, states and gradients */
        scale_all(in->x, s.x, tiny);
        scale_all(in->h0, s.h, tiny);
        scale_all(in->c0, s.c, tiny);
        scale_all(in->dy, s.y, tiny);
        scale_all(in->dhn, s.h, tiny);
        break;
    case 3: /* denormal weights */
        scale_all(in->weights, s.weights, tiny);
        break;
    case 4:
        in->x[s.x / 2] = NAN;
        in->dy[s.y - 1] = NAN;
        break;
    case 5:
        in->x[s.x / 2] = INFINITY;
        in->h0[1] = -INFINITY;
        break;
    case 6:
        in->weights[s.weights / 2] = NAN;
        break;
    default: /* PADDING: in that of a row of 1 step, and of one without any */
        for (size_t i = s.x / in->steps; i < s.x; i++)
            in->x[i] = i / in->desc.input_size % in->batch < 2 ? NAN : in->x[i];
        for (size_t i = s.y / in->steps; i < s.y; i++)
            in->dy[i] = i / (s.y / in->steps / in->batch) % in->batch < 2 ? NAN : in->dy[i];
        break;
    }
}

static void check_extreme(clrnn_context *context, size_t form, clrnn_precision precision,
                          size_t config)
{
    enum { T = 4, N = 5 };
    static const uint32_t ragged[N] = {1, 0, 4, 3, 4};
    clrnn_network_desc desc = test_sized_form(form, 7, 37, 5);
    test_inputs in =
        test_inputs_random(&desc, T, N, config == PADDING ? ragged : NULL, 400 + form, 0.3);
    make_extreme(&in, config, precision);
    clrnn_plan *plan = test_stepwise(context, &in, precision, true);
    test_outputs expected = test_run(plan, &in);
    clrnn_plan_destroy(&plan);
    plan = test_persistent(context, &in, precision, true, &partitions[config % COUNT(partitions)]);
    test_run_same(test_forms[form].name, plan, &in, &expected);
    for (size_t i = 0; config == PADDING && i < test_sizes_of(&in).y; i++)
        assert_true(isfinite(expected.y[i]));
    test_outputs_free(&expected);
    clrnn_plan_destroy(&plan);
    test_inputs_free(&in);
}

static void extreme_numbers(void **state)
{
    for (int precision = 0; precision < test_precisions(*state); precision++)
        for (size_t form = 0; form < TEST_FORMS; form++)
            for (size_t config = 0; config < EXTREMES; config++)
                if (!precision || test_varies(*state, form))
                    check_extreme(*state, form, (clrnn_precision)precision, config);
}

/* --- what a plan keeps -------------------------------------------------------------------- */

/* Weights are packed when they are set: new contents of the same buffer are seen then. */
static void new_weights(void **state)
{
    for (size_t form = 0; form < TEST_FORMS; form++) {
        clrnn_network_desc desc = test_sized_form(form, 5, 33, 17);
        desc.num_layers = 2;
        test_inputs in = test_inputs_random(&desc, 3, 2, NULL, 500 + form, 0.3);
        clrnn_plan *plan = test_persistent(*state, &in, CLRNN_F32, true, NULL);
        test_outputs first = test_run(plan, &in);
        scale_all(in.weights, test_sizes_of(&in).weights, -1.5);
        clrnn_plan *fresh = test_persistent(*state, &in, CLRNN_F32, true, NULL);
        test_outputs expected = test_run(fresh, &in);
        assert_true(test_error(first.dx, expected.dx, test_sizes_of(&in).x) > 0.01);
        test_plan_weights(plan, &in);
        test_run_same("weights set anew", plan, &in, &expected);
        test_outputs_free(&first);
        test_outputs_free(&expected);
        clrnn_plan_destroy(&plan);
        clrnn_plan_destroy(&fresh);
        test_inputs_free(&in);
    }
}

/* A long sequence of one row needs the weights twice and not much more. */
static void memory_does_not_grow(void **state)
{
    for (size_t form = 0; form < TEST_FORMS; form++) {
        clrnn_plan_desc desc = {.network = test_sized_form(form, 1024, 1024, 512),
                                .max_steps = 10000,
                                .max_batch = 1,
                                .strategy = CLRNN_STRATEGY_PERSISTENT};
        clrnn_plan *plan = NULL, *longer = NULL;
        assert_int_equal(clrnn_plan_create(*state, &desc, &plan), CLRNN_OK);
        desc.max_steps *= 10;
        assert_int_equal(clrnn_plan_create(*state, &desc, &longer), CLRNN_OK);
        const clrnn_plan_info *info = clrnn_plan_get_info(plan);
        assert_in_range(info->work_bytes, 1, 2 * info->weight_count * sizeof(float) + (64u << 20));
        assert_int_equal(clrnn_plan_get_info(longer)->work_bytes, info->work_bytes);
        clrnn_plan_destroy(&plan);
        clrnn_plan_destroy(&longer);
    }
}

/* The probe gives a number of groups that there can be, and asks once for each context. */
static void probe(void **state)
{
    clrnn_context *context = *state;
    const uint32_t units = clrnn_context_device(context)->compute_units;
    const clrnn_network_desc desc = {.input_size = 3, .hidden_size = 4};
    test_inputs in = test_inputs_random(&desc, 2, 2, NULL, 600, 1);
    assert_int_equal(context->co_resident, 0);
    clrnn_plan *plan = test_persistent(context, &in, CLRNN_F32, false, NULL);
    assert_in_range(context->co_resident, 1, units);
    for (uint32_t most = 1; most <= units; most++) {
        uint32_t co_resident = 0;
        assert_int_equal(clr_persistent_probe(&clr_scanner_of(plan)->kernels, most, &co_resident),
                         CLRNN_OK);
        assert_in_range(co_resident, 1, most);
    }
    assert_int_equal(test_fallbacks(plan), 0);
    test_outputs expected = test_reference(&in), got = test_run(plan, &in);
    test_compare("after the probe", &in, &got, &expected, 1e-6, 0);
    clrnn_plan_destroy(&plan);
    context->co_resident = 77;
    plan = test_persistent(context, &in, CLRNN_F32, false, NULL);
    assert_int_equal(context->co_resident, 77);
    clrnn_plan_destroy(&plan);
    test_outputs_free(&got);
    test_outputs_free(&expected);
    test_inputs_free(&in);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, test_open_persistent, test_close)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(every_form_and_size),
        TEST(every_cut),
        TEST(every_cut_of_norms),
        TEST(changing_partitions),
        TEST(few_rows),
        TEST(extreme_numbers),
        TEST(new_weights),
        TEST(memory_does_not_grow),
        TEST(probe),
    };
    return cmocka_run_group_tests_name("persistent", tests, NULL, NULL);
}

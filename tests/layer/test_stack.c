/* SPDX-License-Identifier: MIT
 * tests/layer/test_stack.c - two layers of a stack in one launch of the persistent strategy, of
 * which the upper one keeps a block behind: the bits of the stepwise strategy, in every form and
 * however the launch is cut, also where groups wait in vain. */
#include "layer/partitions.h"

#include <math.h>

#include "device/context.h"

enum { T = 37, N = 3 };

static const clr_partition partitions[] = {
    {.row_parts = 1, .unit_parts = 1, .stacked = true, .single_group = true},
    {.row_parts = 1, .unit_parts = 1, .stacked = true, .most_spins = 20000},
    {.row_parts = 3, .unit_parts = 1, .stacked = true, .most_spins = 2000},
    {.row_parts = 1, .unit_parts = 2, .stacked = true, .most_spins = 2000},
    {.row_parts = 2, .unit_parts = 3, .stacked = true, .steal = true, .most_spins = 500},
    {.row_parts = 1, .unit_parts = 1, .stacked = true},
    {.row_parts = 2, .unit_parts = 2, .stacked = true, .most_spins = 1},
};

/* A form with units for several panels, in layers of different input. */
static test_inputs inputs_of(size_t form, uint32_t layers)
{
    static const uint32_t ragged[N] = {37, 0, 20};
    clrnn_network_desc desc = test_sized_form(form, 5, 70, 33);
    desc.num_layers = layers;
    test_inputs in =
        test_inputs_random(&desc, T, N, form % 2 ? ragged : NULL, 1700 + form, 1 / sqrt(70));
    test_inputs_round(&in, CLRNN_F32);
    return in;
}

/* Inference at once and in chunks, and training; how many launches fell back. */
static uint32_t check_plan(clrnn_context *context, const char *name, test_inputs *in, bool train)
{
    uint32_t fallbacks = 0;
    clrnn_plan *plan = test_stepwise(context, in, CLRNN_F32, train);
    test_outputs expected = test_run(plan, in);
    clrnn_plan_destroy(&plan);
    plan = test_persistent(context, in, CLRNN_F32, train, NULL);
    for (size_t i = 0; i < 2 * COUNT(partitions); i++) {
        test_force(plan, &partitions[i % COUNT(partitions)]);
        if (!train)
            plan->chunk = i < COUNT(partitions) ? T : 10;
        test_run_same(name, plan, in, &expected);
    }
    fallbacks = test_fallbacks(plan);
    test_outputs_free(&expected);
    clrnn_plan_destroy(&plan);
    return fallbacks;
}

static void every_form_and_partition(void **state)
{
    for (size_t form = 0; form < TEST_FORMS; form++)
        for (uint32_t layers = 2; layers <= 3; layers++)
            for (int train = 0; train < 2; train++) {
                test_inputs in = inputs_of(form, layers);
                assert_true(check_plan(*state, test_forms[form].name, &in, train) > 0);
                test_inputs_free(&in);
            }
}

/* Layers scanned together of an LSTM, by the rule. */
static uint32_t chosen(clrnn_context *context, uint32_t hidden, uint32_t batch, uint32_t steps)
{
    clrnn_network_desc desc = {
        .cell = CLRNN_CELL_LSTM, .input_size = 4, .hidden_size = hidden, .num_layers = 2};
    test_inputs in = test_inputs_random(&desc, 2, batch, NULL, 1, 0.1);
    clrnn_plan *plan = test_persistent(context, &in, CLRNN_F32, false, NULL);
    uint32_t layers = plan->strategy->layers(plan, steps, batch);
    clrnn_plan_destroy(&plan);
    test_inputs_free(&in);
    return layers;
}

static void where_it_pays(void **state)
{
    clrnn_context *context = *state;
    const uint32_t own = context->co_resident;
    context->co_resident = 2;
    context->back_off_until = 0;
    assert_int_equal(chosen(context, 40, 1, 64), 2); /* by one group */
    assert_int_equal(chosen(context, 128, 1, 1000), 2);
    assert_int_equal(chosen(context, 256, 1, 1000), 1); /* better to share the units */
    assert_int_equal(chosen(context, 40, 12, 1000), 1); /* rows do not wait for each other */
    context->co_resident = 1;
    assert_int_equal(chosen(context, 40, 1, 64), 2);
    assert_int_equal(chosen(context, 128, 1, 1000), 1);
    context->co_resident = own;
}

/* What the rule chooses, long enough for two groups, is right too. */
static void as_chosen(void **state)
{
    clrnn_network_desc desc = test_sized_form(4, 3, 64, 0);
    desc.num_layers = 3;
    test_inputs in = test_inputs_random(&desc, 300, 1, NULL, 1800, 0.1);
    test_inputs_round(&in, CLRNN_F32);
    clrnn_plan *plan = test_stepwise(*state, &in, CLRNN_F32, false);
    test_outputs expected = test_run(plan, &in);
    clrnn_plan_destroy(&plan);
    plan = test_persistent(*state, &in, CLRNN_F32, false, NULL);
    for (int again = 0; again < 3; again++)
        test_run_same("three layers", plan, &in, &expected);
    test_outputs_free(&expected);
    clrnn_plan_destroy(&plan);
    test_inputs_free(&in);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, test_open_persistent, test_close)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(every_form_and_partition),
        TEST(where_it_pays),
        TEST(as_chosen),
    };
    return cmocka_run_group_tests_name("stack", tests, NULL, NULL);
}

/* SPDX-License-Identifier: MIT
 * tests/layer/test_options.c - the options of a network as values of the launch, as where one
 * program serves all: the same bits as from a program that is compiled for the one network. */
#include "layer/partitions.h"

#include "layer/plan.h"

/* As the plan's kernels are made for it, and as they read their options. */
static test_outputs run(clrnn_context *context, const test_inputs *in, bool train, size_t config,
                        bool from_launch)
{
    const clrnn_plan_desc desc = test_plan_desc(in, CLRNN_F32, train, config);
    context->options_from_launch = from_launch;
    clrnn_plan *plan = test_plan_make(context, &desc, in);
    context->options_from_launch = false;
    test_outputs out = test_run(plan, in);
    clrnn_plan_destroy(&plan);
    return out;
}

static void same_bits(void **state, size_t config)
{
    enum { T = 5, N = 3 };
    static const uint32_t ragged[N] = {5, 0, 3};
    for (size_t form = 0; form < TEST_FORMS; form++) {
        clrnn_network_desc desc = test_sized_form(form, 6, 37, 21);
        desc.no_bias = form % 4 == 1 || form % 4 == 2;
        test_inputs in = test_inputs_random(&desc, T, N, ragged, 40 + form, 0.4);
        test_inputs_round(&in, CLRNN_F32);
        for (int train = 0; train <= 1; train++) {
            test_outputs constants = run(*state, &in, train, config, false);
            test_outputs values = run(*state, &in, train, config, true);
            test_same_bits(test_forms[form].name, &in, &values, &constants);
            test_outputs_free(&constants);
            test_outputs_free(&values);
        }
        test_inputs_free(&in);
    }
}

static void stepwise(void **state)
{
    same_bits(state, STEPWISE_PACKED);
}

static void persistent(void **state)
{
    if (test_has_way(*state, PERSISTENT))
        same_bits(state, PERSISTENT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(stepwise, test_open, test_close),
        cmocka_unit_test_setup_teardown(persistent, test_open, test_close)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}

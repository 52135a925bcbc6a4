/* SPDX-License-Identifier: MIT
 * tests/layer/test_selection.c - what must be left out is left out, not multiplied by 0, which NaN
 * and infinity survive. */
#include "layer/device.h"

#include <math.h>

enum { T = 5, N = 4 };
static const uint32_t ragged[N] = {3, 5, 0, 1};

/* Against the reference, in which a row takes no part past its length. */
static void check(clrnn_context *context, const test_inputs *in, size_t form, size_t config)
{
    const clrnn_plan_desc desc = test_plan_desc(in, CLRNN_F32, true, config);
    clrnn_plan *plan = test_plan_make(context, &desc, in);
    test_outputs got = test_run(plan, in), expected = test_reference(in);
    for (size_t i = 0; i < test_sizes_of(in).weights; i++)
        assert_true(isfinite(expected.dweights[i]));
    test_compare(test_forms[form].name, in, &got, &expected, 1e-6, 1e-5);
    test_outputs_free(&got);
    test_outputs_free(&expected);
    clrnn_plan_destroy(&plan);
}

/* The row without a step begins with `value` in every layer and direction. */
static void check_initial_state(clrnn_context *context, size_t form, bool bidirectional,
                                size_t config, double value)
{
    clrnn_network_desc desc = test_form(form, 2, bidirectional);
    test_inputs in = test_inputs_random(&desc, T, N, ragged, form, 0.8);
    test_inputs_round(&in, CLRNN_F32);
    test_sizes s = test_sizes_of(&in);
    size_t cells = 2 * (1u + bidirectional), R = s.h / (cells * N), H = s.c / (cells * N);
    for (size_t cell = 0; cell < cells; cell++) {
        for (size_t k = 0; k < R; k++)
            in.h0[(cell * N + 2) * R + k] = value;
        for (size_t k = 0; k < H; k++)
            in.c0[(cell * N + 2) * H + k] = value;
    }
    check(context, &in, form, config);
    test_inputs_free(&in);
}

static void initial_states_of_empty_rows(void **state)
{
    static const double values[] = {NAN, INFINITY, -INFINITY};
    for (size_t config = test_next_way(*state, 0); config < TEST_CONFIGS;
         config = test_next_way(*state, config + 1))
        for (size_t form = 0; form < TEST_FORMS; form++)
            for (size_t v = 0; v < COUNT(values); v++) {
                check_initial_state(*state, form, false, config, values[v]);
                check_initial_state(*state, form, true, config, values[v]);
            }
}

/* Through a unit of relu that is off, no gradient passes, be it infinite: as PyTorch has it. */
static void gradients_of_units_that_are_off(void **state)
{
    const size_t relu = 1;
    for (size_t config = test_next_way(*state, 0); config < TEST_CONFIGS;
         config = test_next_way(*state, config + 1))
        for (int precision = 0; precision < test_precisions(*state); precision++) {
            clrnn_network_desc network = test_form(relu, 1, false);
            test_inputs in = test_inputs_random(&network, T, N, NULL, 1, 0.8);
            test_sizes s = test_sizes_of(&in);
            size_t H = network.hidden_size;
            in.weights[s.weights - 2 * H] = -100; /* its bias: unit 0 is always off */
            test_inputs_round(&in, CLRNN_F32);
            for (size_t i = 0; i < s.y; i += H)
                in.dy[i] = i / H % 2 ? INFINITY : -INFINITY;
            in.dhn[0] = INFINITY;
            const clrnn_plan_desc desc =
                test_plan_desc(&in, (clrnn_precision)precision, true, config);
            clrnn_plan *plan = test_plan_make(*state, &desc, &in);
            test_outputs got = test_run(plan, &in), expected = test_reference(&in);
            for (size_t i = 0; i < s.weights; i++)
                assert_true(isfinite(expected.dweights[i]));
            test_compare("relu", &in, &got, &expected, 1e-6, 1e-5);
            test_outputs_free(&got);
            test_outputs_free(&expected);
            clrnn_plan_destroy(&plan);
            test_inputs_free(&in);
        }
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, test_open, test_close)

int main(void)
{
    const struct CMUnitTest tests[] = {TEST(initial_states_of_empty_rows),
                                       TEST(gradients_of_units_that_are_off)};
    return cmocka_run_group_tests_name("selection", tests, NULL, NULL);
}

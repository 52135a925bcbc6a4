/* SPDX-License-Identifier: MIT
 * tests/layer/test_wrong_device.c - a device that computes wrong results, as far as the library can
 * tell: this program brings its own cl/rnn.cl, in which relu is wrong forward and tanh backward.
 * The linker takes it in place of the library's. */
#include <clrnn/problem.h>

#include <string.h>

#include "layer/check.h"
#include "layer/plan.h"
#include "layer/self_test.h"
#include "math/sources.h"
#include "support.h"

static const char wrong_rnn[] =
    "#define CELL_GATES        1\n"
    "#define CELL_PHASES       1\n"
    "#define CELL_FIRST(phase) ((phase) == 0 ? 0 : CELL_GATES)\n"
    "#define CELL_OPEN         0\n"
    "#define CELL_MEMORY       0\n"
    "#define CELL_TWO_INPUTS   0\n"
    "#define CELL_PARAMS       0\n"
    "#define CELL_SAVES        0\n"
    "static inline REALV cell_forward(uint options, const cell_values *v, int phase,\n"
    "                                 const REALV *a, const REALV *u, const REALV *p, REALV h,\n"
    "                                 REALV *c, REALV *s, REALV *saved)\n"
    "{\n"
    "    REALV sum = a[0] + u[0], least = (REALV)0.001f;\n" /* should be 0 */
    "    s[0] = options & OPTION_RELU ? fmax(sum, least) : real_tanh(sum);\n"
    "    return s[0];\n"
    "}\n"
    "static inline void cell_backward(uint options, const cell_values *v, int phase,\n"
    "                                 const REALV *s, const REALV *p, const REALV *saved,\n"
    "                                 REALV h_prev, REALV c_prev, REALV c, REALV dh, REALV *dc,\n"
    "                                 REALV *da, REALV *du, REALV *dh_prev)\n"
    "{\n"
    "    da[0] = dh * ((REALV)1 - s[0] * s[0] * (REALV)1.001f);\n" /* should be 1 */
    "    *dh_prev = (REALV)0;\n"
    "}\n";

const clr_source clr_cl_rnn = {"wrong rnn", wrong_rnn, sizeof wrong_rnn - 1};

/* As if the device had passed every self-test of such a problem. */
static void trust(clrnn_context *context, const clrnn_problem *problem)
{
    const clrnn_plan_desc desc = clr_problem_plan(problem);
    for (int s = CLRNN_STRATEGY_STEPWISE; s <= CLRNN_STRATEGY_FUSED; s++)
        assert_int_equal(clr_self_test_note(context, &desc, (clrnn_strategy)s, true), CLRNN_OK);
}

static clrnn_check check(clrnn_context *context, const char *text)
{
    clrnn_problem p;
    clrnn_check c;
    assert_int_equal(clrnn_problem_parse(text, &test_log, &p), CLRNN_OK);
    trust(context, &p);
    assert_int_equal(clrnn_problem_check(context, &p, 1, &c), CLRNN_OK);
    return c;
}

/* An error of a thousandth, in every size and type, and only where it is. */
static void checks_notice(void **state)
{
    test_need(*state, TEST_COMPILER);
    clrnn_check c = check(*state, "cell=rnn,T=2,N=2,I=3,H=4,act=relu");
    assert_false(c.passed);
    assert_true(c.forward_error > c.forward_bound && c.gradient_error == 0);
    assert_true(!strcmp(c.forward_tensor, "y") || !strcmp(c.forward_tensor, "hn"));
    c = check(*state, "cell=rnn,T=2,N=2,I=3,H=4,mode=train");
    assert_false(c.passed);
    assert_true(c.forward_error <= c.forward_bound && c.gradient_error > c.gradient_bound);
    c = check(*state, "cell=rnn,T=20,N=9,I=65,H=130,L=2,D=2,mode=train,strategy=stepwise");
    assert_false(c.passed);
    assert_true(c.forward_error <= c.forward_bound && c.gradient_error > c.gradient_bound);
    c = check(*state, "cell=rnn,T=20,N=9,I=65,H=130");
    assert_true(c.passed);
    c = check(*state, "cell=gru,T=2,N=2,I=3,H=4,mode=train");
    assert_true(c.passed);
}

static clrnn_status make_plan(clrnn_context *context, clrnn_cell cell, clrnn_strategy strategy)
{
    const clrnn_plan_desc desc = {.network = {.cell = cell, .input_size = 3, .hidden_size = 4},
                                  .max_steps = 2,
                                  .max_batch = 2,
                                  .train = true,
                                  .strategy = strategy};
    clrnn_plan *plan = NULL;
    clrnn_status status = clrnn_plan_create(context, &desc, &plan);
    assert_int_equal(plan != NULL, status == CLRNN_OK);
    clrnn_plan_destroy(&plan);
    return status;
}

/* No plan of this cell, now and later, however it is asked for; other cells are not concerned. */
static void self_tests_notice(void **state)
{
    test_need(*state, TEST_COMPILER);
    for (int again = 0; again < 2; again++) {
        assert_int_equal(make_plan(*state, CLRNN_CELL_RNN, CLRNN_STRATEGY_AUTO),
                         CLRNN_ERR_SELF_TEST);
        assert_error_contains("wrong results; use another device");
        assert_int_equal(make_plan(*state, CLRNN_CELL_RNN, CLRNN_STRATEGY_STEPWISE),
                         CLRNN_ERR_SELF_TEST);
        assert_error_contains("wrong results; use another device");
        assert_int_equal(make_plan(*state, CLRNN_CELL_GRU, CLRNN_STRATEGY_AUTO), CLRNN_OK);
    }
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, test_open, test_close)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(checks_notice),
        TEST(self_tests_notice),
    };
    return cmocka_run_group_tests_name("wrong device", tests, NULL, NULL);
}

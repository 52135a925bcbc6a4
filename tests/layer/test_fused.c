/* SPDX-License-Identifier: MIT
 * tests/layer/test_fused.c - the strategy whose products end in the cell: against the reference,
 * and with our own products the same bits as stepwise. */
#include <clrnn/problem.h>

#include <stdio.h>
#include <string.h>

#include "device/context.h"
#include "layer/cost.h"
#include "layer/plan.h"
#include "math/fused.h"
#include "support.h"

#define COUNT(array) (sizeof(array) / sizeof *(array))

static clrnn_check check_of(clrnn_context *context, const char *text, const char *strategy)
{
    char full[512];
    clrnn_problem problem;
    clrnn_check check = {0};
    snprintf(full, sizeof full, "%s,gemm=packed,strategy=%s", text, strategy);
    assert_int_equal(clrnn_problem_parse(full, &test_log, &problem), CLRNN_OK);
    if (clrnn_problem_check(context, &problem, 1, &check) != CLRNN_OK)
        fail_msg("%s: %s", full, test_last_error);
    if (!check.passed)
        fail_msg("%s: %s is off by %g, %s by %g", full, check.forward_tensor, check.forward_error,
                 check.gradient_tensor, check.gradient_error);
    return check;
}

static void assert_as_stepwise(clrnn_context *context, const char *text)
{
    const clrnn_check fused = check_of(context, text, "fused");
    const clrnn_check stepwise = check_of(context, text, "stepwise");
    if (fused.forward_digest != stepwise.forward_digest)
        fail_msg("%s: other outputs than stepwise", text);
    if (fused.gradient_digest != stepwise.gradient_digest)
        fail_msg("%s: other gradients than stepwise", text);
}

/* All forms of cells; sizes at and beside those of tiles, of blocks of a sum, of panels. */
static void cells(void **state)
{
    test_need(*state, TEST_FUSED);
    static const char *const problems[] = {
        "cell=lstm,mode=train,T=3,N=4,I=7,H=1",
        "cell=lstm,mode=train,T=4,N=16,I=5,H=16",
        "cell=lstm,mode=train,T=3,N=3,I=5,H=129,D=2,L=2",
        "cell=rnn,mode=train,T=4,N=5,I=3,H=65",
        "cell=rnn,mode=train,T=3,N=2,I=3,H=128,act=relu",
        "cell=gru,mode=train,T=4,N=3,I=5,H=33,D=2",
        "cell=gru,mode=train,T=3,N=2,I=3,H=140",
        "cell=gru,mode=train,T=4,N=3,I=5,H=64,reset=after,update=keeps",
        "cell=lstm,mode=train,T=4,N=3,I=5,H=40,P=17,D=2",
        "cell=lstm,mode=train,T=3,N=2,I=5,H=140,P=129"};
    for (size_t i = 0; i < COUNT(problems); i++)
        assert_as_stepwise(*state, problems[i]);
}

/* Rows of tiles: one, two, four, eight to a work-item, and a second tile with one row. */
static void rows(void **state)
{
    test_need(*state, TEST_FUSED);
    static const unsigned batches[] = {1, 16, 17, 33, 65, 513};
    for (size_t i = 0; i < COUNT(batches); i++) {
        char text[128];
        snprintf(text, sizeof text, "cell=%s,mode=train,T=2,N=%u,I=3,H=18", i % 2 ? "gru" : "lstm",
                 batches[i]);
        assert_as_stepwise(*state, text);
    }
}

static void options(void **state)
{
    test_need(*state, TEST_FUSED);
    static const char *const problems[] = {
        "cell=lstm,mode=train,T=5,N=5,I=3,H=18,lengths=ragged,peepholes=1",
        "cell=gru,mode=train,T=5,N=5,I=3,H=18,lengths=ragged,bias=0",
        "cell=gru,mode=train,T=5,N=4,I=3,H=18,mask=repeat",
        "cell=lstm,mode=train,T=5,N=4,I=3,H=18,resets=1,cell_clip=0.5",
        "cell=lstm,mode=train,T=5,N=4,I=3,H=18,P=5,resets=1,zoneout=0.25,zoneout_cell=0.5",
        "cell=rnn,mode=train,T=5,N=4,I=3,H=18,act_f=softsign,bias=one,reverse=1",
        "cell=lstm,mode=stream,T=12,block=5,N=2,I=3,H=18"};
    for (size_t i = 0; i < COUNT(problems); i++)
        assert_as_stepwise(*state, problems[i]);
}

static void storages(void **state)
{
    test_need(*state, TEST_FUSED);
    static const char *const storages[] = {"f16", "bf16", "int8"};
    for (size_t i = 0; i < COUNT(storages); i++) {
        char text[128];
        snprintf(text, sizeof text, "cell=%s,T=3,N=3,I=5,H=134%s,weights=%s", i ? "lstm" : "gru",
                 i ? ",P=33" : "", storages[i]);
        assert_as_stepwise(*state, text);
    }
}

static void doubles(void **state)
{
    test_need(*state, TEST_FUSED);
    if (!clrnn_context_device(*state)->fp64)
        skip();
    assert_as_stepwise(*state, "cell=gru,mode=train,T=3,N=20,I=5,H=33,precision=f64");
    assert_as_stepwise(*state, "cell=lstm,mode=train,T=3,N=40,I=5,H=130,precision=f64");
}

/* What a device lacks is said; one with little local memory has smaller tiles. */
static void rooms_that_are_too_small(void **state)
{
    test_need(*state, TEST_FUSED);
    clrnn_context *context = *state;
    const clrnn_device_info info = context->info;
    clrnn_plan_desc desc = {.network = {.input_size = 3, .hidden_size = 40},
                            .max_steps = 2,
                            .max_batch = 64,
                            .strategy = CLRNN_STRATEGY_FUSED};
    clrnn_plan *plan = NULL;
    context->info.max_work_group = 128;
    assert_int_equal(clrnn_plan_create(context, &desc, &plan), CLRNN_ERR_UNSUPPORTED);
    assert_error_contains("strategy fused cannot run this: it needs work-groups of 256");
    context->info = info;
    context->info.local_memory = 8192;
    assert_int_equal(clrnn_plan_create(context, &desc, &plan), CLRNN_ERR_UNSUPPORTED);
    assert_error_contains("does not fit the local memory");
    assert_null(plan);
    desc.network.layer_norm = true;
    context->info = info;
    assert_int_equal(clrnn_plan_create(context, &desc, &plan), CLRNN_ERR_UNSUPPORTED);
    assert_error_contains("layer norm needs the sums of all units at once");
    desc.network.layer_norm = false;
    context->info.local_memory = 16 * 1024;
    assert_int_equal(clrnn_plan_create(context, &desc, &plan), CLRNN_OK);
    assert_int_equal(((const clr_fused *)plan->state)->rows, 32);
    clrnn_plan_destroy(&plan);
    check_of(context, "cell=lstm,T=2,N=64,I=3,H=40,mode=train", "fused");
    for (int enough = 0; enough < 2; enough++) { /* for the sums of 128 rows, not the tiles alone */
        desc.max_batch = 513;
        context->info.local_memory = 32 * 1024 - !enough;
        assert_int_equal(clrnn_plan_create(context, &desc, &plan), CLRNN_OK);
        assert_int_equal(((const clr_fused *)plan->state)->rows, enough ? 128 : 64);
        clrnn_plan_destroy(&plan);
    }
    context->info = info;
}

/* A GPU takes it for many rows, and for all where it cannot have `resident`. */
/* What is counted of a step decides: few rows, or many of few units, for resident. (The numbers of
 * rows are those of tools/roofline, of its plan_of.) */
static void counted(void **state)
{
    (void)state;
    static const struct {
        clrnn_cell cell;
        uint32_t hidden, units, least;
    } all[] = {{CLRNN_CELL_LSTM, 256, 132, 385},
               {CLRNN_CELL_LSTM, 512, 80, 89},
               {CLRNN_CELL_LSTM, 1024, 28, 9},
               {CLRNN_CELL_LSTM, 2048, 132, 9},
               {CLRNN_CELL_GRU, 512, 80, 61}};
    for (size_t i = 0; i < COUNT(all); i++) {
        const clrnn_network_desc desc = {
            .cell = all[i].cell,
            .gru_reset = all[i].cell == CLRNN_CELL_GRU ? CLRNN_RESET_AFTER : CLRNN_RESET_BEFORE,
            .input_size = 3,
            .hidden_size = all[i].hidden};
        clr_network network;
        assert_int_equal(clr_network_init(&desc, &test_log, &network), CLRNN_OK);
        assert_true(clr_resident_is_faster(&network, all[i].units, all[i].least - 1));
        assert_false(clr_resident_is_faster(&network, all[i].units, all[i].least));
    }
}

static void chosen_for_many_rows(void **state)
{
    test_need(*state, TEST_RESIDENT);
    test_need(*state, TEST_FUSED);
    clrnn_context *context = *state;
    const clrnn_device_info info = context->info;
    static const struct {
        uint32_t batch;
        bool fence;
        const char *strategy;
    } all[] = {{2, true, "resident"}, {2, false, "fused"}};
    for (size_t i = 0; i < COUNT(all); i++) {
        const clrnn_plan_desc desc = {
            .network = {.cell = CLRNN_CELL_RNN, .input_size = 3, .hidden_size = 40},
            .max_steps = 2,
            .max_batch = all[i].batch};
        clrnn_plan *plan = NULL;
        context->info.type = CL_DEVICE_TYPE_GPU;
        context->info.device_fence = all[i].fence;
        assert_int_equal(clrnn_plan_create(context, &desc, &plan), CLRNN_OK);
        assert_string_equal(clrnn_plan_get_info(plan)->strategy, all[i].strategy);
        clrnn_plan_destroy(&plan);
        context->info = info;
    }
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, test_open, test_close)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(cells),
        TEST(rows),
        TEST(options),
        TEST(storages),
        TEST(doubles),
        TEST(rooms_that_are_too_small),
        cmocka_unit_test(counted),
        TEST(chosen_for_many_rows),
    };
    return cmocka_run_group_tests_name("fused", tests, NULL, NULL);
}

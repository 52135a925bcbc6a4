/* SPDX-License-Identifier: MIT
 * tests/layer/test_plan_errors.c - plans and passes that cannot be: each status with its reason,
 * and every allocation and OpenCL call failing in turn. */
#include "layer/device.h"
#include "layer/self_test.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "device/buffer.h"
#include "layer/plan.h"

static clrnn_plan_desc good_desc(void)
{
    return (clrnn_plan_desc){
        .network = {.input_size = 3, .hidden_size = 4}, .max_steps = 5, .max_batch = 2};
}

/* --- plans -------------------------------------------------------------------------------- */

static void refuse_plan(clrnn_context *context, clrnn_plan_desc desc, clrnn_status status,
                        const char *text)
{
    clrnn_plan *plan = (clrnn_plan *)&desc; /* must become NULL */
    assert_int_equal(clrnn_plan_create(context, &desc, &plan), status);
    assert_null(plan);
    assert_error_contains(text);
}

static void plans_that_contradict(void **state)
{
    clrnn_plan_desc d = good_desc();
    d.network.hidden_size = 0;
    refuse_plan(*state, d, CLRNN_ERR_RANGE, "hidden_size is 0");
    d = good_desc(), d.network.gru_reset = CLRNN_RESET_AFTER;
    refuse_plan(*state, d, CLRNN_ERR_ARGUMENT, "gru_reset is an option of GRU only");
    d = good_desc(), d.max_steps = 0;
    refuse_plan(*state, d, CLRNN_ERR_RANGE, "max_steps is 0");
    d = good_desc(), d.max_steps = (1u << 30) + 1;
    refuse_plan(*state, d, CLRNN_ERR_RANGE, "max_steps is 1073741825");
    d = good_desc(), d.max_batch = 0;
    refuse_plan(*state, d, CLRNN_ERR_RANGE, "max_batch is 0");
    d = good_desc(), d.max_batch = (1u << 24) + 1;
    refuse_plan(*state, d, CLRNN_ERR_RANGE, "max_batch is 16777217");
    d = good_desc(), d.max_steps = d.max_batch = 1u << 17;
    refuse_plan(*state, d, CLRNN_ERR_RANGE, "max_steps*max_batch");
    d = good_desc(), d.precision = (clrnn_precision)2;
    refuse_plan(*state, d, CLRNN_ERR_ARGUMENT, "precision 2 is unknown");
    d = good_desc(), d.strategy = (clrnn_strategy)99;
    refuse_plan(*state, d, CLRNN_ERR_ARGUMENT, "strategy 99 is unknown");
    d = good_desc(), d.gemm = (clrnn_gemm)99;
    refuse_plan(*state, d, CLRNN_ERR_ARGUMENT, "gemm 99 is unknown");
}

static void dropout_out_of_range(void **state)
{
    static const float bad[] = {1, -0.1f, 2, NAN, INFINITY};
    for (size_t i = 0; i < COUNT(bad); i++) {
        clrnn_plan_desc d = good_desc();
        d.train = true;
        d.dropout = bad[i];
        refuse_plan(*state, d, CLRNN_ERR_ARGUMENT, "is not in [0,1)");
    }
    clrnn_plan_desc d = good_desc();
    d.dropout = 0.5f;
    refuse_plan(*state, d, CLRNN_ERR_ARGUMENT, "training plans");
    d.train = true;
    for (d.network.num_layers = 0; d.network.num_layers < 2; d.network.num_layers++)
        refuse_plan(*state, d, CLRNN_ERR_ARGUMENT, "num_layers of 2 or more");
    d.dropout = 0, d.variational = true;
    refuse_plan(*state, d, CLRNN_ERR_ARGUMENT, "variational is set, but there is no dropout");
}

static void plans_without_arguments(void **state)
{
    const clrnn_plan_desc d = good_desc();
    clrnn_plan *plan = NULL;
    assert_int_equal(clrnn_plan_create(NULL, &d, &plan), CLRNN_ERR_ARGUMENT);
    assert_int_equal(clrnn_plan_create(*state, NULL, &plan), CLRNN_ERR_ARGUMENT);
    assert_error_contains("is NULL");
    assert_int_equal(clrnn_plan_create(*state, &d, NULL), CLRNN_ERR_ARGUMENT);
    assert_error_contains("is NULL");
    clrnn_plan_destroy(NULL);
    clrnn_plan_destroy(&plan);
    assert_null(clrnn_plan_get_info(NULL));
    assert_int_equal(clrnn_plan_set_weights(NULL, (clrnn_slice){0}), CLRNN_ERR_ARGUMENT);
    assert_int_equal(clrnn_plan_set_weights_host(NULL, &d), CLRNN_ERR_ARGUMENT);
    assert_int_equal(clrnn_forward(NULL, NULL, NULL), CLRNN_ERR_ARGUMENT);
    assert_int_equal(clrnn_backward(NULL, NULL, NULL), CLRNN_ERR_ARGUMENT);
    assert_int_equal(clrnn_forward_host(NULL, NULL), CLRNN_ERR_ARGUMENT);
    assert_int_equal(clrnn_backward_host(NULL, NULL), CLRNN_ERR_ARGUMENT);
}

static void double_precision_not_supported(void **state)
{
    clrnn_context *context = *state;
    const bool fp64 = context->info.fp64;
    clrnn_plan_desc d = good_desc();
    d.precision = CLRNN_F64;
    context->info.fp64 = false;
    refuse_plan(context, d, CLRNN_ERR_UNSUPPORTED, "no double precision");
    context->info.fp64 = fp64;
}

/* More memory than the device gives away in one piece. */
static void too_large_for_the_device(void **state)
{
    clrnn_plan_desc d = good_desc();
    d.network.hidden_size = 4096;
    d.max_steps = 1u << 20;
    d.max_batch = 1u << 11;
    d.train = true;
    d.gemm = CLRNN_GEMM_PACKED;
    refuse_plan(*state, d, CLRNN_ERR_MEMORY, "no room for a buffer");
}

/* What the caller forces, and what the plan takes by itself. */
static void strategies(void **state)
{
    clrnn_context *context = *state;
    const cl_device_type type = context->info.type;
    for (size_t config = test_next_way(context, 0); config < TEST_CONFIGS;
         config = test_next_way(context, config + 1)) {
        clrnn_plan_desc d = good_desc();
        clrnn_plan *plan = NULL;
        d.strategy = test_configs[config].strategy;
        d.gemm = test_configs[config].gemm;
        assert_int_equal(clrnn_plan_create(context, &d, &plan), CLRNN_OK);
        const clrnn_plan_info *info = clrnn_plan_get_info(plan);
        assert_memory_equal(info->strategy, test_configs[config].name, strlen(info->strategy));
        assert_string_equal(info->gemm, d.gemm == CLRNN_GEMM_CLBLAST ? "clblast" : "packed");
        assert_string_equal(info->strategy_reason, "the caller chose it");
        assert_int_equal(info->weight_count, 4 * 4 * (3 + 4 + 2));
        assert_int_equal(info->reserve_bytes, 0);
        assert_true(info->work_bytes > 0);
        clrnn_plan_destroy(&plan);
    }
    context->info.type = CL_DEVICE_TYPE_GPU; /* as if it were one */
    clrnn_plan_desc d = good_desc();
    d.strategy = CLRNN_STRATEGY_PERSISTENT;
    refuse_plan(context, d, CLRNN_ERR_UNSUPPORTED, "strategy persistent cannot run this");
    clrnn_plan *plan = NULL;
    d.strategy = CLRNN_STRATEGY_AUTO;
    assert_int_equal(clrnn_plan_create(context, &d, &plan), CLRNN_OK);
    assert_string_equal(clrnn_plan_get_info(plan)->strategy,
                        test_has(context, TEST_RESIDENT) ? "resident" : "stepwise");
    clrnn_plan_destroy(&plan);
    context->info.type = CL_DEVICE_TYPE_ACCELERATOR;
    assert_int_equal(clrnn_plan_create(context, &d, &plan), CLRNN_OK);
    assert_string_equal(clrnn_plan_get_info(plan)->strategy, "stepwise");
    clrnn_plan_destroy(&plan);
    context->info.type = type;
}

/* Wrong results: the next strategy is taken, and without one there is no plan. */
static void self_test_failures(void **state)
{
    clrnn_context *context = *state;
    const clrnn_plan_desc d = good_desc();
    clrnn_plan *plan = NULL;
    assert_int_equal(clr_self_test_note(context, &d, CLRNN_STRATEGY_PERSISTENT, false), CLRNN_OK);
    assert_int_equal(clrnn_plan_create(context, &d, &plan), CLRNN_OK);
    assert_string_equal(clrnn_plan_get_info(plan)->strategy, "stepwise");
    clrnn_plan_destroy(&plan);
    assert_int_equal(clr_self_test_note(context, &d, CLRNN_STRATEGY_STEPWISE, false), CLRNN_OK);
    refuse_plan(context, d, CLRNN_ERR_SELF_TEST, "wrong results; use another device");
}

/* Every kind of kernels has a result of its own, and a failure is not taken back. */
static void self_tests_are_told_apart(void **state)
{
    clrnn_context *context = *state;
    for (size_t k = 0; k < TEST_FORMS * 2 * 2 * 2 * 4 * 3; k++) {
        size_t rest = k / TEST_FORMS;
        clrnn_plan_desc d = good_desc();
        d.network = test_form(k % TEST_FORMS, 1, false);
        d.network.no_bias = rest % 2;
        d.precision = (clrnn_precision)((rest /= 2) % 2);
        d.train = (rest /= 2) % 2;
        d.weights = (clrnn_storage)((rest /= 2) % 4);
        const clrnn_strategy strategy = (clrnn_strategy)(1 + rest / 4 % 3);
        assert_int_equal(clr_self_test_verdict(context, &d, strategy), CLR_UNTESTED);
        for (int again = 0; again < 2; again++)
            assert_int_equal(clr_self_test_note(context, &d, strategy, k % 2 && !again), CLRNN_OK);
        assert_int_equal(clr_self_test_verdict(context, &d, strategy), CLR_FAILED);
        d.network.num_layers = 3; /* the same kernels */
        d.network.input_size = 7;
        assert_int_equal(clr_self_test_verdict(context, &d, strategy), CLR_FAILED);
    }
    clr_self_tests_forget(context);
    const clrnn_plan_desc d = good_desc();
    assert_int_equal(clr_self_test_verdict(context, &d, CLRNN_STRATEGY_STEPWISE), CLR_UNTESTED);
}

/* --- passes ------------------------------------------------------------------------------- */

/* A training and an inference plan of the same GRU with weights, and buffers for everything. */
typedef struct fixture {
    clrnn_plan *infer, *train;
    cl_mem buffer;
    clrnn_forward_io io; /* good for `train` */
    clrnn_host_io host;
} fixture;

static fixture open_fixture(clrnn_context *context, clrnn_cell cell)
{
    static const float weights[256] = {0}, x[64] = {0};
    fixture f = {0};
    clrnn_plan_desc d = good_desc();
    d.network.cell = cell;
    assert_int_equal(clrnn_plan_create(context, &d, &f.infer), CLRNN_OK);
    d.train = true;
    assert_int_equal(clrnn_plan_create(context, &d, &f.train), CLRNN_OK);
    assert_int_equal(clrnn_plan_set_weights_host(f.infer, weights), CLRNN_OK);
    assert_int_equal(clrnn_plan_set_weights_host(f.train, weights), CLRNN_OK);
    assert_int_equal(clr_buffer_create(context, 65536, &f.buffer), CLRNN_OK);
    f.io = (clrnn_forward_io){.x = {f.buffer, 0}, .reserve = {f.buffer, 4096}};
    f.host.x = x;
    return f;
}

static void close_fixture(fixture *f)
{
    clrnn_plan_destroy(&f->infer);
    clrnn_plan_destroy(&f->train);
    clr_buffer_destroy(&f->buffer);
}

static void refuse(clrnn_plan *plan, clrnn_forward_io io, clrnn_status status, const char *text)
{
    cl_event done = NULL;
    assert_int_equal(clrnn_forward(plan, &io, &done), status);
    assert_error_contains(text);
    assert_null(done);
    if (plan->desc.train) {
        const clrnn_backward_io backward = {.forward = io};
        assert_int_equal(clrnn_backward(plan, &backward, NULL), status);
        assert_error_contains(text);
    }
}

static void passes_that_contradict(void **state)
{
    static const uint32_t lengths[2] = {0, 6}, shorter[2] = {4, 3};
    fixture f = open_fixture(*state, CLRNN_CELL_GRU);
    const clrnn_slice some = {f.buffer, 0};
    clrnn_forward_io io = f.io;
    io.x = (clrnn_slice){0};
    refuse(f.train, io, CLRNN_ERR_ARGUMENT, "x is absent");
    io = f.io, io.reserve = (clrnn_slice){0};
    refuse(f.train, io, CLRNN_ERR_ARGUMENT, "absent, but the plan trains");
    refuse(f.infer, f.io, CLRNN_ERR_ARGUMENT, "present, but the plan does not train");
    io = f.io, io.c0 = some;
    refuse(f.train, io, CLRNN_ERR_ARGUMENT, "LSTM only");
    io = f.io, io.cn = some;
    refuse(f.train, io, CLRNN_ERR_ARGUMENT, "LSTM only");
    io = f.io, io.steps = 6;
    refuse(f.train, io, CLRNN_ERR_RANGE, "T=6 N=2, but the plan is for T=5 N=2");
    io = f.io, io.batch = 3;
    refuse(f.train, io, CLRNN_ERR_RANGE, "T=5 N=3, but the plan is for T=5 N=2");
    io = f.io, io.lengths = lengths;
    refuse(f.train, io, CLRNN_ERR_RANGE, "lengths[1] is 6");
    io = f.io, io.steps = 3, io.lengths = shorter;
    refuse(f.train, io, CLRNN_ERR_RANGE, "lengths[0] is 4, more than the 3 steps");

    clrnn_backward_io back = {.forward = f.io, .dcn = some};
    assert_int_equal(clrnn_backward(f.train, &back, NULL), CLRNN_ERR_ARGUMENT);
    assert_error_contains("LSTM only");
    back = (clrnn_backward_io){.forward = f.io, .dc0 = some};
    assert_int_equal(clrnn_backward(f.train, &back, NULL), CLRNN_ERR_ARGUMENT);
    assert_error_contains("LSTM only");
    back = (clrnn_backward_io){.forward = {.x = {f.buffer, 0}}};
    assert_int_equal(clrnn_backward(f.infer, &back, NULL), CLRNN_ERR_ARGUMENT);
    assert_error_contains("does not train");
    assert_int_equal(clrnn_backward(f.train, NULL, NULL), CLRNN_ERR_ARGUMENT);
    assert_error_contains("io is NULL");
    assert_int_equal(clrnn_forward(f.train, NULL, NULL), CLRNN_ERR_ARGUMENT);
    assert_error_contains("io is NULL");
    close_fixture(&f);
}

static void weights_that_are_missing(void **state)
{
    const clrnn_plan_desc d = good_desc();
    float x[64] = {0};
    const clrnn_host_io host = {.x = x};
    clrnn_plan *plan = NULL;
    assert_int_equal(clrnn_plan_create(*state, &d, &plan), CLRNN_OK);
    assert_int_equal(clrnn_forward_host(plan, &host), CLRNN_ERR_ARGUMENT);
    assert_error_contains("no weights yet");
    assert_int_equal(clrnn_plan_set_weights(plan, (clrnn_slice){0}), CLRNN_ERR_ARGUMENT);
    assert_error_contains("weights are absent");
    assert_int_equal(clrnn_plan_set_weights_host(plan, NULL), CLRNN_ERR_ARGUMENT);
    assert_error_contains("weights are NULL");
    assert_int_equal(clrnn_forward_host(plan, &host), CLRNN_ERR_ARGUMENT);
    assert_error_contains("no weights yet");
    clrnn_plan_destroy(&plan);
}

static void host_passes_that_contradict(void **state)
{
    static const uint32_t lengths[2] = {6, 0};
    fixture f = open_fixture(*state, CLRNN_CELL_RNN);
    clrnn_host_io io = f.host;
    assert_int_equal(clrnn_backward_host(f.train, &io), CLRNN_ERR_ARGUMENT);
    assert_error_contains("no forward pass");
    io.x = NULL;
    assert_int_equal(clrnn_forward_host(f.train, &io), CLRNN_ERR_ARGUMENT);
    assert_error_contains("x is NULL");
    io = f.host, io.steps = 6;
    assert_int_equal(clrnn_forward_host(f.train, &io), CLRNN_ERR_RANGE);
    assert_error_contains("T=6 N=2");
    io = f.host, io.batch = 3;
    assert_int_equal(clrnn_forward_host(f.train, &io), CLRNN_ERR_RANGE);
    assert_error_contains("T=5 N=3");
    io = f.host, io.lengths = lengths;
    assert_int_equal(clrnn_forward_host(f.train, &io), CLRNN_ERR_RANGE);
    assert_error_contains("lengths[0] is 6");
    io = f.host, io.c0 = f.host.x;
    assert_int_equal(clrnn_forward_host(f.train, &io), CLRNN_ERR_ARGUMENT);
    assert_error_contains("LSTM only");
    assert_int_equal(clrnn_backward_host(f.train, &f.host), CLRNN_ERR_ARGUMENT);
    assert_error_contains("no forward pass");
    assert_int_equal(clrnn_backward_host(f.infer, &f.host), CLRNN_ERR_ARGUMENT);
    assert_error_contains("does not train");
    assert_int_equal(clrnn_forward_host(f.train, &f.host), CLRNN_OK);
    io = f.host, io.dcn = f.host.x;
    assert_int_equal(clrnn_backward_host(f.train, &io), CLRNN_ERR_ARGUMENT);
    assert_error_contains("LSTM only");
    assert_int_equal(clrnn_backward_host(f.train, &f.host), CLRNN_OK);
    io = f.host,
    io.lengths = lengths; /* a forward pass that fails leaves nothing to go back over */
    assert_int_equal(clrnn_forward_host(f.train, &io), CLRNN_ERR_RANGE);
    assert_int_equal(clrnn_backward_host(f.train, &f.host), CLRNN_ERR_ARGUMENT);
    assert_error_contains("no forward pass");
    assert_int_equal(clrnn_forward_host(f.train, NULL), CLRNN_ERR_ARGUMENT);
    assert_error_contains("io is NULL");
    assert_int_equal(clrnn_backward_host(f.train, NULL), CLRNN_ERR_ARGUMENT);
    assert_error_contains("io is NULL");
    close_fixture(&f);
}

/* --- injected failures -------------------------------------------------------------------- */

/* A plan from its creation to gradients. */
static clrnn_status whole_life(clrnn_context *context, const clrnn_plan_desc *desc,
                               const test_inputs *in, const float *weights)
{
    static const uint32_t ragged[2] = {1, 2};
    clrnn_plan *plan = NULL;
    clrnn_status status = clrnn_plan_create(context, desc, &plan);
    assert_true((status == CLRNN_OK) == (plan != NULL));
    if (status == CLRNN_OK)
        status = clrnn_plan_set_weights_host(plan, weights);
    if (status == CLRNN_OK) {
        test_host host = test_host_make(plan, in);
        host.io.lengths = ragged;
        status = clrnn_forward_host(plan, &host.io);
        if (status == CLRNN_OK)
            status = clrnn_backward_host(plan, &host.io);
        test_host_free(&host);
    }
    clrnn_plan_destroy(&plan);
    return status;
}

/* Let call k and all later ones fail, for k = 1, 2, .. until nothing does; `stride` skips some.
 * What leaks is found when the context is closed. tested: the self-test, of many calls, has been
 * done. */
static void fail_in_turn(clrnn_context *context, size_t form, size_t config, clr_fault fault,
                         bool tested, long stride)
{
    clrnn_network_desc network = test_form(form, 2, false);
    test_inputs in = test_inputs_random(&network, 2, 2, NULL, 1, 0.5);
    clrnn_plan_desc desc = test_plan_desc(&in, CLRNN_F32, true, config);
    float *weights = test_encode(in.weights, test_sizes_of(&in).weights, CLRNN_F32);
    desc.dropout = 0.5f;
    clrnn_status status = whole_life(context, &desc, &in, weights);
    long k = 1;
    assert_int_equal(status, CLRNN_OK);
    for (;; k += k < 20 ? 1 : stride) {
        if (!tested)
            clr_self_tests_forget(context);
        clr_fault_inject(fault, k);
        status = whole_life(context, &desc, &in, weights);
        clr_fault_inject(fault, 0);
        if (status == CLRNN_OK)
            break;
        if (fault == CLR_FAULT_MEMORY)
            assert_int_equal(status, CLRNN_ERR_MEMORY);
        else if (status != CLRNN_ERR_OPENCL && status != CLRNN_ERR_BUILD)
            fail_msg("call %ld failed with %s", k, clrnn_status_name(status));
        if (!test_last_error[0])
            fail_msg("the failure of call %ld was not reported", k);
        test_last_error[0] = 0;
        assert_true(k < 20000);
    }
    assert_true(k > 10);
    free(weights);
    test_inputs_free(&in);
}

static void every_allocation_fails(void **state)
{
    for (size_t config = test_next_way(*state, 0); config < TEST_CONFIGS;
         config = test_next_way(*state, config + 1))
        for (int tested = 0; tested < 2; tested++)
            fail_in_turn(*state, 3, config, CLR_FAULT_MEMORY, tested, tested ? 1 : 11);
}

static void every_opencl_call_fails(void **state)
{
    static const size_t forms[TEST_CONFIGS] = {3, 4, 2, 1};
    for (size_t config = test_next_way(*state, 0); config < TEST_CONFIGS;
         config = test_next_way(*state, config + 1))
        for (int tested = 0; tested < 2; tested++)
            fail_in_turn(*state, forms[config], config, CLR_FAULT_OPENCL, tested,
                         tested ? 17 : 331);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, test_open, test_close)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(plans_that_contradict),       TEST(dropout_out_of_range),
        TEST(plans_without_arguments),     TEST(double_precision_not_supported),
        TEST(too_large_for_the_device),    TEST(strategies),
        TEST(self_test_failures),          TEST(self_tests_are_told_apart),
        TEST(passes_that_contradict),      TEST(weights_that_are_missing),
        TEST(host_passes_that_contradict), TEST(every_allocation_fails),
        TEST(every_opencl_call_fails),
    };
    return cmocka_run_group_tests_name("plan errors", tests, NULL, NULL);
}

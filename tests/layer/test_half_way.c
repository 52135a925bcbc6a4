/* SPDX-License-Identifier: MIT
 * tests/layer/test_half_way.c - weights that are set while any call of the driver fails: the next
 * pass refuses, or is exactly that of the old weights. */
#include "layer/partitions.h"

#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "device/buffer.h"

/* Two sets of weights, and what a plan makes of each. */
typedef struct fixture {
    clrnn_plan *plan;
    test_inputs in;
    cl_mem buffers[2];
    float *weights[2];
    test_outputs expected[2];
} fixture;

static fixture open_fixture(clrnn_context *context, const clrnn_network_desc *network,
                            clrnn_plan_desc desc)
{
    fixture f = {.in = test_inputs_random(network, 3, 2, NULL, 90, 0.5)};
    const size_t count = test_sizes_of(&f.in).weights;
    desc.network = *network;
    desc.max_steps = f.in.steps;
    desc.max_batch = f.in.batch;
    assert_int_equal(clrnn_plan_create(context, &desc, &f.plan), CLRNN_OK);
    for (int i = 0; i < 2; i++) {
        double *weights = test_random(count, 91 + (uint64_t)i, 0.5);
        f.weights[i] = test_encode(weights, count, CLRNN_F32);
        free(weights);
        assert_int_equal(clr_buffer_create(context, count * sizeof(float), &f.buffers[i]),
                         CLRNN_OK);
        assert_int_equal(
            clr_buffer_write(context, f.buffers[i], 0, count * sizeof(float), f.weights[i]),
            CLRNN_OK);
        assert_int_equal(clrnn_plan_set_weights_host(f.plan, f.weights[i]), CLRNN_OK);
        f.expected[i] = test_run(f.plan, &f.in);
    }
    return f;
}

static void close_fixture(fixture *f)
{
    for (int i = 0; i < 2; i++) {
        clr_buffer_destroy(&f->buffers[i]);
        free(f->weights[i]);
        test_outputs_free(&f->expected[i]);
    }
    clrnn_plan_destroy(&f->plan);
    test_inputs_free(&f->in);
}

/* How the weights are set: from the host, from another buffer, from the same one with new contents.
 */
enum { FROM_HOST, FROM_BUFFER, FROM_SAME, MANNERS };

static clrnn_status set(const fixture *f, int manner, int which)
{
    const size_t bytes = f->plan->network.weights * sizeof(float);
    if (manner == FROM_HOST)
        return clrnn_plan_set_weights_host(f->plan, f->weights[which]);
    if (manner == FROM_BUFFER)
        return clrnn_plan_set_weights(f->plan, (clrnn_slice){f->buffers[which], 0});
    assert_int_equal(clr_buffer_write(f->plan->context, f->buffers[0], 0, bytes, f->weights[which]),
                     CLRNN_OK);
    return clrnn_plan_set_weights(f->plan, (clrnn_slice){f->buffers[0], 0});
}

/* A pass with what the failure left. Returns whether the plan refused it. */
static bool refuses(const fixture *f, const char *what, int manner)
{
    test_host host = test_host_make(f->plan, &f->in);
    clrnn_status status = clrnn_forward_host(f->plan, &host.io);
    if (status == CLRNN_OK) {
        test_host_free(&host);
        if (manner == FROM_SAME)
            fail_msg("%s: the plan goes on with a buffer that has changed", what);
        test_run_same(what, f->plan, &f->in, &f->expected[0]);
        return false;
    }
    assert_int_equal(status, CLRNN_ERR_ARGUMENT);
    assert_error_contains("the plan has no weights: setting others failed half-way");
    test_host_free(&host);
    return true;
}

/* Call k fails, alone (sign -1) or with all that follow, for every k. */
static void fail_each(const fixture *f, const char *what, int manner, clr_fault fault, int sign)
{
    long refused = 0, k = 1;
    for (bool done = false; !done; k++) {
        assert_int_equal(set(f, manner, 0), CLRNN_OK);
        if (manner == FROM_SAME)
            assert_int_equal(clr_buffer_write(f->plan->context, f->buffers[0], 0,
                                              f->plan->network.weights * sizeof(float),
                                              f->weights[1]),
                             CLRNN_OK);
        clr_fault_inject(fault, sign * k);
        clrnn_status status = manner == FROM_SAME
                                  ? clrnn_plan_set_weights(f->plan, (clrnn_slice){f->buffers[0], 0})
                                  : set(f, manner, 1);
        clr_fault_inject(fault, 0);
        done = status == CLRNN_OK;
        if (!done) {
            assert_true(test_last_error[0]);
            test_last_error[0] = 0;
            refused += refuses(f, what, manner);
        }
        assert_in_range(k, 1, 20000);
    }
    test_run_same(what, f->plan, &f->in, &f->expected[1]);
    /* Where matrices are packed, that is most of the calls. */
    if (fault == CLR_FAULT_OPENCL && f->plan->gemms.own)
        assert_true(refused > 10);
}

static void check(clrnn_context *context, const char *what, size_t form, clrnn_plan_desc desc)
{
    const clrnn_network_desc network = test_form(form, 2, true);
    fixture f = open_fixture(context, &network, desc);
    for (int manner = 0; manner < MANNERS; manner++)
        for (int sign = -1; sign <= 1; sign += 2) {
            fail_each(&f, what, manner, CLR_FAULT_OPENCL, sign);
            fail_each(&f, what, manner, CLR_FAULT_MEMORY, sign);
        }
    close_fixture(&f);
}

static void weights_are_set_whole(void **state)
{
    static const size_t forms[TEST_CONFIGS] = {3, 4, 2, 3};
    for (size_t config = test_next_way(*state, 0); config < TEST_CONFIGS;
         config = test_next_way(*state, config + 1))
        for (int train = 0; train < 2; train++) {
            const clrnn_plan_desc desc = {.train = train,
                                          .strategy = test_configs[config].strategy,
                                          .gemm = test_configs[config].gemm};
            check(*state, test_configs[config].name, forms[config], desc);
        }
}

static void stored_weights_are_set_whole(void **state)
{
    for (size_t config = test_next_way(*state, 0); config < TEST_CONFIGS;
         config = test_next_way(*state, config + 1)) {
        const clrnn_plan_desc desc = {.weights =
                                          config % 2 ? CLRNN_WEIGHTS_INT8 : CLRNN_WEIGHTS_F16,
                                      .strategy = test_configs[config].strategy,
                                      .gemm = test_configs[config].gemm};
        check(*state, test_configs[config].name, 2, desc);
    }
}

/* What is refused before anything changes leaves the old ones. */
static void weights_that_are_refused(void **state)
{
    const clrnn_network_desc network = test_form(4, 1, false);
    fixture f = open_fixture(*state, &network, (clrnn_plan_desc){.strategy = CLRNN_STRATEGY_AUTO});
    assert_int_equal(set(&f, FROM_BUFFER, 0), CLRNN_OK);
    assert_int_equal(clrnn_plan_set_weights(f.plan, (clrnn_slice){f.buffers[1], 1}),
                     CLRNN_ERR_RANGE);
    assert_error_contains("slice weights");
    assert_int_equal(clrnn_plan_set_weights(f.plan, (clrnn_slice){0}), CLRNN_ERR_ARGUMENT);
    assert_int_equal(clrnn_plan_set_weights_host(f.plan, NULL), CLRNN_ERR_ARGUMENT);
    test_run_same("after refusals", f.plan, &f.in, &f.expected[0]);
    close_fixture(&f);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, test_open, test_close)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(weights_are_set_whole),
        TEST(stored_weights_are_set_whole),
        TEST(weights_that_are_refused),
    };
    return cmocka_run_group_tests_name("half-way", tests, NULL, NULL);
}

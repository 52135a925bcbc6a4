/* SPDX-License-Identifier: MIT
 * tests/layer/test_stream_errors.c - streams: misuse; allocations and calls that fail. */
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "device/context.h"
#include "layer/blocks.h"
#include "layer/partitions.h"

/* --- misuse ------------------------------------------------------------------------------- */

static void refuse_plan(clrnn_context *context, clrnn_plan_desc desc, const char *message)
{
    clrnn_plan *plan = NULL;
    clrnn_stream *stream = (clrnn_stream *)(uintptr_t)1;
    assert_int_equal(clrnn_plan_create(context, &desc, &plan), CLRNN_OK);
    assert_int_equal(clrnn_stream_create(plan, &stream), CLRNN_ERR_ARGUMENT);
    assert_error_contains(message);
    assert_null(stream);
    clrnn_plan_destroy(&plan);
}

static void plans_that_cannot_stream(void **state)
{
    clrnn_plan_desc desc = {
        .network = {.input_size = 2, .hidden_size = 3}, .max_steps = 4, .max_batch = 1};
    clrnn_stream *stream = (clrnn_stream *)(uintptr_t)1;
    assert_int_equal(clrnn_stream_create(NULL, &stream), CLRNN_ERR_ARGUMENT);
    assert_null(stream);
    assert_int_equal(clrnn_stream_create(NULL, NULL), CLRNN_ERR_ARGUMENT);
    desc.train = true;
    refuse_plan(*state, desc, "the plan trains");
    desc.train = false;
    desc.network.bidirectional = true;
    refuse_plan(*state, desc, "bidirectional");
    desc.network.bidirectional = false;
    clrnn_plan *plan = NULL;
    assert_int_equal(clrnn_plan_create(*state, &desc, &plan), CLRNN_OK);
    assert_int_equal(clrnn_stream_create(plan, NULL), CLRNN_ERR_ARGUMENT);
    assert_error_contains("NULL");
    clrnn_plan_destroy(&plan);
    clrnn_stream_destroy(NULL);
    clrnn_stream_destroy(&stream);
}

/* Whatever is refused changes nothing: the sequence goes on as if it had not been asked. */
static void calls_that_are_refused(void **state)
{
    test_blocks b = test_blocks_from_zero(*state, CLRNN_CELL_GRU);
    clrnn_stream *stream = test_stream_make(b.plan);
    test_blocks_process(&b, stream, 0, 6);
    assert_int_equal(clrnn_stream_process(NULL, test_blocks_x(&b, 0), 1, b.h), CLRNN_ERR_ARGUMENT);
    assert_int_equal(clrnn_stream_process(stream, NULL, 1, b.h), CLRNN_ERR_ARGUMENT);
    assert_error_contains("x is NULL");
    assert_int_equal(clrnn_stream_process(stream, test_blocks_x(&b, 0), 1, NULL),
                     CLRNN_ERR_ARGUMENT);
    assert_error_contains("y is NULL");
    assert_int_equal(clrnn_stream_process(stream, test_blocks_x(&b, 0), 0, b.h), CLRNN_ERR_RANGE);
    assert_error_contains("a block of 0 steps is not in 1..6");
    assert_int_equal(clrnn_stream_process(stream, test_blocks_x(&b, 0), 7, b.h), CLRNN_ERR_RANGE);
    assert_error_contains("a block of 7 steps is not in 1..6");
    assert_int_equal(clrnn_stream_reset(NULL), CLRNN_ERR_ARGUMENT);
    assert_int_equal(clrnn_stream_set_state(NULL, b.h, NULL), CLRNN_ERR_ARGUMENT);
    assert_int_equal(clrnn_stream_get_state(NULL, b.h, NULL), CLRNN_ERR_ARGUMENT);
    assert_int_equal(clrnn_stream_set_state(stream, b.host.io.h0, b.y), CLRNN_ERR_ARGUMENT);
    assert_error_contains("LSTM only");
    assert_int_equal(clrnn_stream_get_state(stream, b.h, b.c), CLRNN_ERR_ARGUMENT);
    assert_error_contains("LSTM only");
    assert_int_equal((unsigned char)b.h[0], 0xff);
    test_blocks_process(&b, stream, 6, 6);
    test_blocks_same("after refusals", &b, stream);
    clrnn_stream_destroy(&stream);
    test_blocks_close(&b);
}

static void no_weights(void **state)
{
    const clrnn_plan_desc desc = {
        .network = {.input_size = 1, .hidden_size = 1}, .max_steps = 1, .max_batch = 1};
    const float x = 1;
    float y = 2;
    clrnn_plan *plan = NULL;
    assert_int_equal(clrnn_plan_create(*state, &desc, &plan), CLRNN_OK);
    clrnn_stream *stream = test_stream_make(plan);
    assert_int_equal(clrnn_stream_process(stream, &x, 1, &y), CLRNN_ERR_ARGUMENT);
    assert_error_contains("no weights yet");
    assert_true(y == 2);
    clrnn_stream_destroy(&stream);
    clrnn_plan_destroy(&plan);
}

static void sizes_that_overflow(void **state)
{
    clrnn_plan_desc desc = {
        .network = {.input_size = 1, .hidden_size = 1}, .max_steps = 1, .max_batch = 1};
    clrnn_plan *plan = NULL;
    clrnn_stream *stream = NULL;
    assert_int_equal(clrnn_plan_create(*state, &desc, &plan), CLRNN_OK);
    plan->desc.max_steps = plan->desc.max_batch = UINT32_MAX;
    assert_int_equal(clrnn_stream_create(plan, &stream), CLRNN_ERR_RANGE);
    assert_error_contains("more than memory can address");
    assert_null(stream);
    clrnn_plan_destroy(&plan);
}

/* --- allocations and failures ------------------------------------------------------------- */

/* Blocks of all sizes while every allocation would fail, with no object more or less alive. */
static void blocks_allocate_nothing(void **state)
{
    for (size_t config = test_next_way(*state, STEPWISE_PACKED); config < TEST_CONFIGS;
         config = test_next_way(*state, config + 1)) {
        clrnn_network_desc network = test_sized_form(3, 5, 40, 9);
        network.num_layers = 2;
        test_blocks b = test_blocks_open(*state, &network, 12, 2, 6, CLRNN_F32, config);
        clrnn_stream *stream = test_stream_make(b.plan);
        test_blocks_start(&b, stream);
        const long alive = clr_live_objects();
        clr_fault_inject(CLR_FAULT_MEMORY, 1);
        for (uint32_t t = 0, steps = 1; t < b.in.steps; t += steps, steps++) {
            test_blocks_process(&b, stream, t, b.in.steps - t < steps ? b.in.steps - t : steps);
            assert_int_equal(clr_live_objects(), alive);
        }
        clr_fault_inject(CLR_FAULT_MEMORY, 0);
        test_blocks_same(test_configs[config].name, &b, stream);
        clrnn_stream_destroy(&stream);
        test_blocks_close(&b);
    }
}

/* Nor do those that multiply many inputs before the scan, from their first block on. */
static void wide_blocks_allocate_nothing(void **state)
{
    clrnn_context *context = *state;
    const clrnn_network_desc network = {
        .cell = CLRNN_CELL_GRU, .input_size = 512, .hidden_size = 64};
    if (!test_has(context, TEST_PERSISTENT))
        skip();
    test_blocks b = test_blocks_open(context, &network, 130, 1, 64, CLRNN_F32, PERSISTENT);
    clrnn_stream *stream = test_stream_make(b.plan);
    const uint32_t own = context->co_resident;
    context->co_resident = 2;
    test_blocks_start(&b, stream);
    const long alive = clr_live_objects();
    clr_fault_inject(CLR_FAULT_MEMORY, 1);
    test_blocks_process(&b, stream, 0, 64);
    test_blocks_process(&b, stream, 64, 64);
    test_blocks_process(&b, stream, 128, 2);
    clr_fault_inject(CLR_FAULT_MEMORY, 0);
    assert_int_equal(clr_live_objects(), alive);
    context->co_resident = own;
    test_blocks_same("wide blocks", &b, stream);
    clrnn_stream_destroy(&stream);
    test_blocks_close(&b);
}

static void creation_that_fails(void **state)
{
    static const clrnn_status expected[] = {
        [CLR_FAULT_MEMORY] = CLRNN_ERR_MEMORY, [CLR_FAULT_OPENCL] = CLRNN_ERR_OPENCL};
    test_blocks b = test_blocks_from_zero(*state, CLRNN_CELL_LSTM);
    for (size_t fault = 0; fault < COUNT(expected); fault++) {
        clrnn_stream *stream = NULL;
        clrnn_status status = CLRNN_ERR_MEMORY;
        const long alive = clr_live_objects();
        long k = 0;
        while (status != CLRNN_OK && ++k < 100) {
            clr_fault_inject((clr_fault)fault, k);
            status = clrnn_stream_create(b.plan, &stream);
            clr_fault_inject((clr_fault)fault, 0);
            if (status == CLRNN_OK)
                break;
            assert_int_equal(status, expected[fault]);
            assert_true(test_last_error[0]);
            test_last_error[0] = 0;
            assert_null(stream);
            assert_int_equal(clr_live_objects(), alive);
        }
        if (fault == CLR_FAULT_OPENCL)
            assert_int_equal(k, 7); /* 4 buffers, 2 of them zeroed */
        else
            assert_int_equal(k, test_has(*state, TEST_DRIVER) ? 2 : 2 + 4 * 2);
        clrnn_stream_destroy(&stream);
    }
    test_blocks_close(&b);
}

/* The states were lost: no call goes on with them, and those that would touch nothing. */
static void assert_lost(const test_blocks *b, clrnn_stream *stream)
{
    b->y[0] = b->h[0] = 77;
    assert_int_equal(clrnn_stream_process(stream, test_blocks_x(b, 0), 1, b->y),
                     CLRNN_ERR_ARGUMENT);
    assert_error_contains("lost when an earlier call failed");
    assert_int_equal(clrnn_stream_get_state(stream, b->h, NULL), CLRNN_ERR_ARGUMENT);
    assert_error_contains("lost when an earlier call failed");
    assert_true(b->y[0] == 77 && b->h[0] == 77);
}

/* Each call of a block fails in turn, alone and with all that follow: the states are lost then, and
 * after a reset the stream is as new. */
static void blocks_that_fail(void **state)
{
    test_blocks b = test_blocks_from_zero(*state, CLRNN_CELL_LSTM);
    clrnn_stream *stream = test_stream_make(b.plan);
    const long alive = clr_live_objects();
    for (int alone = 0; alone < 2; alone++) {
        clrnn_status status = CLRNN_ERR_OPENCL;
        long k = 0;
        while (status != CLRNN_OK && ++k < 100) {
            clr_fault_inject(CLR_FAULT_OPENCL, alone ? -k : k);
            status = clrnn_stream_process(stream, test_blocks_x(&b, 3), 4, b.y);
            clr_fault_inject(CLR_FAULT_OPENCL, 0);
            if (status != CLRNN_OK) {
                assert_int_equal(status, CLRNN_ERR_OPENCL);
                if (!test_last_error[0])
                    fail_msg("the failure of call %ld was not reported", k);
                test_last_error[0] = 0;
                assert_lost(&b, stream);
            }
            assert_int_equal(clr_live_objects(), alive);
            assert_int_equal(clrnn_stream_reset(stream), CLRNN_OK);
            test_blocks_process(&b, stream, 0, 6);
            test_blocks_process(&b, stream, 6, 6);
            test_blocks_same("after a failure", &b, stream);
        }
        assert_true(k > 3 && k < 100);
    }
    clrnn_stream_destroy(&stream);
    test_blocks_close(&b);
}

/* The same for what moves states. */
static void states_that_fail(void **state)
{
    test_blocks b = test_blocks_from_zero(*state, CLRNN_CELL_LSTM);
    clrnn_stream *stream = test_stream_make(b.plan);
    for (int k = 1; k <= 4; k++) {
        clr_fault_inject(CLR_FAULT_OPENCL, -k);
        assert_int_equal(clrnn_stream_set_state(stream, b.h, b.c), CLRNN_ERR_OPENCL);
        assert_error_contains("failed");
        assert_lost(&b, stream);
        clr_fault_inject(CLR_FAULT_OPENCL, -k);
        assert_int_equal(clrnn_stream_reset(stream), k <= 2 ? CLRNN_ERR_OPENCL : CLRNN_OK);
        clr_fault_inject(CLR_FAULT_OPENCL, 0);
        if (k <= 2)
            assert_lost(&b, stream);
        assert_int_equal(clrnn_stream_reset(stream), CLRNN_OK);
        clr_fault_inject(CLR_FAULT_OPENCL, k);
        assert_int_equal(clrnn_stream_get_state(stream, b.h, b.c),
                         k <= 2 ? CLRNN_ERR_OPENCL : CLRNN_OK);
        clr_fault_inject(CLR_FAULT_OPENCL, 0);
        test_blocks_process(&b, stream, 0, 6); /* that loses nothing */
        test_blocks_process(&b, stream, 6, 6);
        test_blocks_same("after a failure", &b, stream);
    }
    clrnn_stream_destroy(&stream);
    test_blocks_close(&b);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, test_open, test_close)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(plans_that_cannot_stream),
        TEST(calls_that_are_refused),
        TEST(no_weights),
        TEST(sizes_that_overflow),
        TEST(blocks_allocate_nothing),
        TEST(wide_blocks_allocate_nothing),
        TEST(creation_that_fails),
        TEST(blocks_that_fail),
        TEST(states_that_fail),
    };
    return cmocka_run_group_tests_name("stream_errors", tests, NULL, NULL);
}

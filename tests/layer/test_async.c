/* SPDX-License-Identifier: MIT
 * tests/layer/test_async.c - what must not wait does not: passes for the queue, a stream for a
 * plan that another thread makes, a plan for the queue. */
#include "layer/blocks.h"
#include "layer/partitions.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include <CL/cl.h>

#include "base/memory.h"
#include "device/buffer.h"
#include "device/context.h"
#include "gate.h"
#include "layer/plan.h"

/* --- a plan made elsewhere ---------------------------------------------------------------- */

/* A network whose kernels nobody else in this program uses. */
static void *make_plan(void *context)
{
    const clrnn_plan_desc desc = {
        .network = {.cell = CLRNN_CELL_RNN, .input_size = 3, .hidden_size = 4, .no_bias = true},
        .max_steps = 2,
        .max_batch = 2};
    clrnn_plan *plan = NULL;
    assert_int_equal(clrnn_plan_create(context, &desc, &plan), CLRNN_OK);
    return plan;
}

/* While a plan is being compiled, for as long as that takes, a stream goes on; its blocks are so
 * large that groups share the units, so whether a grid barrier is allowed is asked for. */
static void stream_while_compiling(void **state)
{
    enum { T = 600, BLOCK = 300, N = 2 };
    for (size_t config = test_next_way(*state, STEPWISE_PACKED); config < TEST_CONFIGS;
         config = test_next_way(*state, config + 1)) {
        const clrnn_network_desc network = {
            .cell = CLRNN_CELL_LSTM, .input_size = 3, .hidden_size = 64};
        void *context = NULL, *plan = NULL;
        test_gate gate;
        pthread_t thread;
        assert_int_equal(test_open(&context), 0);
        test_blocks b = test_blocks_open(context, &network, T, N, BLOCK, CLRNN_F32, config);
        clrnn_stream *stream = test_stream_make(b.plan);
        ((clrnn_context *)context)->co_resident = 2;
        test_gate_shut(context, &gate);
        assert_int_equal(pthread_create(&thread, NULL, make_plan, context), 0);
        test_gate_await(&gate);
        /* else what follows would never end */
        assert_int_equal(pthread_mutex_trylock(&((clrnn_context *)context)->lock), 0);
        pthread_mutex_unlock(&((clrnn_context *)context)->lock);
        test_blocks_start(&b, stream);
        for (uint32_t t = 0; t < T; t += BLOCK)
            test_blocks_process(&b, stream, t, BLOCK);
        test_blocks_same(test_configs[config].name, &b, stream);
        test_gate_open(&gate);
        assert_int_equal(pthread_join(thread, &plan), 0);
        assert_true(test_gate_remove(context, &gate) > 0);
        clrnn_plan *made = plan;
        clrnn_plan_destroy(&made);
        clrnn_stream_destroy(&stream);
        test_blocks_close(&b);
        clrnn_context *opened = context;
        clrnn_context_destroy(&opened);
    }
}

/* --- a queue that stands still ------------------------------------------------------------ */

/* The self-test of a new plan runs in a queue of its own: it neither waits for what the context's
 * queue has to do, nor does that wait for it, and for the compiler that drivers call at a kernel's
 * first launch. */
static void plan_while_queue_is_held(void **state)
{
    clrnn_context *context = *state;
    for (int is_held = 0; is_held < 2; is_held++) {
        const long waits = context->waits;
        cl_event held = is_held ? test_queue_hold(context) : NULL;
        clrnn_plan *plan = make_plan(context);
        assert_int_equal(context->waits, waits);
        if (is_held)
            test_queue_release(held);
        clrnn_plan_destroy(&plan);
        clr_self_tests_forget(context);
        context->co_resident = 0;
    }
}

/* The arrays of a pass on the device; those that come out go to the host's when it is read. */
enum { X, H0, C0, DY, DHN, DCN, INPUTS, Y = INPUTS, HN, CN, DX, DH0, DC0, DWEIGHTS, ARRAYS };

typedef struct on_device {
    clrnn_plan *plan;
    test_host host;
    cl_mem buffers[ARRAYS], reserve;
    clrnn_backward_io io;
} on_device;

static size_t bytes_of(const on_device *d, int i)
{
    const test_sizes *s = &d->host.sizes;
    const size_t counts[ARRAYS] = {s->x, s->h, s->c, s->y, s->h, s->c,      s->y,
                                   s->h, s->c, s->x, s->h, s->c, s->weights};
    return counts[i] * d->plan->real_bytes;
}

static void *array_of(const on_device *d, int i)
{
    const clrnn_host_io *io = &d->host.io;
    const void *const arrays[ARRAYS] = {io->x,   io->h0,  io->c0,      io->dy, io->dhn,
                                        io->dcn, io->y,   io->hn,      io->cn, io->dx,
                                        io->dh0, io->dc0, io->dweights};
    return (void *)(uintptr_t)arrays[i];
}

static on_device put_on_device(clrnn_plan *plan, const test_inputs *in)
{
    on_device d = {.plan = plan, .host = test_host_make(plan, in)};
    clrnn_context *context = plan->context;
    for (int i = 0; i < ARRAYS; i++) {
        if (!array_of(&d, i))
            continue;
        assert_int_equal(clr_buffer_create(context, bytes_of(&d, i), &d.buffers[i]), CLRNN_OK);
        assert_int_equal(
            clr_buffer_write(context, d.buffers[i], 0, bytes_of(&d, i), array_of(&d, i)), CLRNN_OK);
    }
    if (plan->desc.train)
        assert_int_equal(clr_buffer_create(context, plan->info.reserve_bytes, &d.reserve),
                         CLRNN_OK);
    const cl_mem *b = d.buffers;
    d.io = (clrnn_backward_io){.forward = {.steps = in->steps,
                                           .batch = in->batch,
                                           .x = {b[X], 0},
                                           .h0 = {b[H0], 0},
                                           .c0 = {b[C0], 0},
                                           .y = {b[Y], 0},
                                           .hn = {b[HN], 0},
                                           .cn = {b[CN], 0},
                                           .reserve = {d.reserve, 0}},
                               .dy = {b[DY], 0},
                               .dhn = {b[DHN], 0},
                               .dcn = {b[DCN], 0},
                               .dx = {b[DX], 0},
                               .dh0 = {b[DH0], 0},
                               .dc0 = {b[DC0], 0},
                               .dweights = {b[DWEIGHTS], 0}};
    return d;
}

/* Enqueue the passes with the lengths of `in`, in an array that changes as soon as each returns. */
static void enqueue(on_device *d, const test_inputs *in)
{
    const size_t bytes = in->batch * sizeof *in->lengths;
    uint32_t *lengths = malloc(bytes);
    assert_non_null(lengths);
    for (int back = 0; back <= d->plan->desc.train; back++) {
        memcpy(lengths, in->lengths, bytes);
        d->io.forward.lengths = lengths;
        assert_int_equal(back ? clrnn_backward(d->plan, &d->io, NULL)
                              : clrnn_forward(d->plan, &d->io.forward, NULL),
                         CLRNN_OK);
        memset(lengths, 0, bytes);
    }
    free(lengths);
}

/* Wait for what comes out, compare, and free everything. */
static void compare_and_free(const char *what, on_device *d, const test_inputs *in,
                             test_outputs *expected)
{
    for (int i = INPUTS; i < ARRAYS; i++)
        if (d->buffers[i])
            assert_int_equal(
                clr_buffer_read(d->plan->context, d->buffers[i], 0, bytes_of(d, i), array_of(d, i)),
                CLRNN_OK);
    test_outputs got = test_host_outputs(&d->host);
    test_same_bits(what, in, &got, expected);
    test_outputs_free(&got);
    test_outputs_free(expected);
    for (int i = 0; i < ARRAYS; i++)
        clr_buffer_destroy(&d->buffers[i]);
    clr_buffer_destroy(&d->reserve);
    test_host_free(&d->host);
}

/* Two passes of one plan, of different lengths, enqueued while nothing can run. */
static void check_config(clrnn_context *context, size_t config, bool train)
{
    static const uint32_t lengths[2][3] = {{5, 0, 3}, {2, 5, 4}};
    const clrnn_network_desc network = test_form(3, 2, true); /* projected */
    test_inputs in[2];
    test_outputs expected[2];
    on_device d[2];
    clrnn_plan *plan = NULL;
    for (int i = 0; i < 2; i++) {
        in[i] = test_inputs_random(&network, 5, 3, lengths[i], 50, 0.5);
        const clrnn_plan_desc desc = test_plan_desc(&in[i], CLRNN_F32, train, config);
        plan = plan ? plan : test_plan_make(context, &desc, &in[i]);
        expected[i] = test_run(plan, &in[i]);
        d[i] = put_on_device(plan, &in[i]);
    }
    const long waits = context->waits;
    enqueue(&d[0], &in[0]);
    assert_int_equal(context->waits, waits); /* else what follows would never end */
    cl_event held = test_queue_hold(context);
    for (int i = 0; i < 2; i++)
        enqueue(&d[i], &in[i]);
    assert_int_equal(context->waits, waits);
    test_queue_release(held);
    for (int i = 0; i < 2; i++) {
        compare_and_free(test_configs[config].name, &d[i], &in[i], &expected[i]);
        test_inputs_free(&in[i]);
    }
    clrnn_plan_destroy(&plan);
}

static void passes_do_not_wait(void **state)
{
    for (size_t config = test_next_way(*state, 0); config < TEST_CONFIGS;
         config = test_next_way(*state, config + 1))
        for (int train = 0; train < 2; train++)
            check_config(*state, config, train);
}

/* --- events ------------------------------------------------------------------------------- */

static cl_int status_of(cl_event event)
{
    cl_int status = CL_QUEUED;
    assert_int_equal(
        clGetEventInfo(event, CL_EVENT_COMMAND_EXECUTION_STATUS, sizeof status, &status, NULL),
        CL_SUCCESS);
    return status;
}

/* A pass begins after the events of its wait list: x comes through another queue, after the call,
 * and before the event is set. Its own event then is waited for as by somebody who has nothing but
 * the event; and another pass waits for it. */
static void wait_lists(void **state)
{
    test_need(*state, TEST_USER_EVENTS);
    static const uint32_t lengths[2] = {4, 2};
    clrnn_context *context = *state, *beside = NULL;
    const clrnn_network_desc network = test_form(2, 1, false);
    test_inputs in = test_inputs_random(&network, 4, 2, lengths, 60, 0.5);
    const clrnn_plan_desc desc = test_plan_desc(&in, CLRNN_F32, true, test_last_way(context));
    clrnn_plan *plan = test_plan_make(context, &desc, &in);
    test_outputs expected = test_run(plan, &in);
    on_device d = put_on_device(plan, &in);
    cl_int code = CL_SUCCESS;
    cl_event ready = clCreateUserEvent(context->context, &code), done[2] = {NULL, NULL};
    assert_int_equal(code, CL_SUCCESS);
    assert_int_equal(clr_buffer_zero(context, d.buffers[X], 0, bytes_of(&d, X)), CLRNN_OK);
    assert_int_equal(clrnn_context_finish(context), CLRNN_OK);

    d.io.forward.lengths = in.lengths;
    d.io.forward.wait_count = 1;
    d.io.forward.wait_list = &ready;
    assert_int_equal(clrnn_forward(plan, &d.io.forward, &done[0]), CLRNN_OK);
    d.io.forward.wait_list = &done[0];
    assert_int_equal(clrnn_backward(plan, &d.io, &done[1]), CLRNN_OK);
    assert_true(status_of(done[0]) > CL_COMPLETE && status_of(done[1]) > CL_COMPLETE);
    assert_int_equal(clr_context_beside(context, &beside), CLRNN_OK);
    assert_int_equal(clr_buffer_write(beside, d.buffers[X], 0, bytes_of(&d, X), d.host.io.x),
                     CLRNN_OK);
    assert_int_equal(clSetUserEventStatus(ready, CL_COMPLETE), CL_SUCCESS);
    assert_int_equal(clWaitForEvents(2, done), CL_SUCCESS);
    compare_and_free("after an event", &d, &in, &expected);
    for (int i = 0; i < 2; i++)
        clReleaseEvent(done[i]);
    clReleaseEvent(ready);
    clrnn_context_destroy(&beside);
    clrnn_plan_destroy(&plan);
    test_inputs_free(&in);
}

static void wait_lists_that_are_none(void **state)
{
    const clrnn_network_desc network = test_form(0, 1, false);
    test_inputs in = test_inputs_random(&network, 2, 2, NULL, 70, 0.5);
    const clrnn_plan_desc desc = test_plan_desc(&in, CLRNN_F32, true, STEPWISE_PACKED);
    clrnn_plan *plan = test_plan_make(*state, &desc, &in);
    test_outputs expected = test_run(plan, &in);
    on_device d = put_on_device(plan, &in);
    cl_event none = NULL, done = (cl_event)(uintptr_t)1;
    d.io.forward.wait_count = 1;
    assert_int_equal(clrnn_forward(plan, &d.io.forward, NULL), CLRNN_ERR_ARGUMENT);
    assert_error_contains("wait_list is NULL, wait_count is 1");
    assert_int_equal(clrnn_backward(plan, &d.io, NULL), CLRNN_ERR_ARGUMENT);
    assert_error_contains("wait_list is NULL, wait_count is 1");
    d.io.forward.wait_list = &none;
    assert_int_equal(clrnn_forward(plan, &d.io.forward, &done), CLRNN_ERR_OPENCL);
    assert_error_contains("CL_INVALID_EVENT_WAIT_LIST");
    d.io.forward.wait_count = 0; /* then the list is not looked at */
    assert_int_equal(clrnn_forward(plan, &d.io.forward, NULL), CLRNN_OK);
    assert_int_equal(clrnn_backward(plan, &d.io, NULL), CLRNN_OK);
    compare_and_free("after refusals", &d, &in, &expected);
    clrnn_plan_destroy(&plan);
    test_inputs_free(&in);
}

/* The last thing that a pass asks of the driver is to begin: so who waits for its event, in another
 * thread or queue, does not wait for ever. And an event is only there if all went well. */
static void passes_flush(void **state)
{
    clrnn_context *context = *state;
    const clrnn_network_desc network = test_form(4, 1, false);
    test_inputs in = test_inputs_random(&network, 2, 2, NULL, 80, 0.5);
    const clrnn_plan_desc desc = test_plan_desc(&in, CLRNN_F32, true, test_last_way(context));
    clrnn_plan *plan = test_plan_make(context, &desc, &in);
    on_device d = put_on_device(plan, &in);
    test_outputs expected = test_run(plan, &in);
    for (int kind = 0; kind < 4; kind++) {
        clrnn_status status = CLRNN_ERR_OPENCL;
        for (long k = 1; status != CLRNN_OK; k++) {
            cl_event done = NULL, *wanted = kind % 2 ? &done : NULL;
            assert_true(k < 1000);
            if (status != CLRNN_OK && k > 1)
                assert_true(test_last_error[0]);
            clr_fault_inject(CLR_FAULT_OPENCL, k);
            status = kind < 2 ? clrnn_forward(plan, &d.io.forward, wanted)
                              : clrnn_backward(plan, &d.io, wanted);
            clr_fault_inject(CLR_FAULT_OPENCL, 0);
            assert_int_equal(done != NULL, status == CLRNN_OK && wanted);
            if (done)
                clReleaseEvent(done);
        }
        assert_error_contains("clFlush failed"); /* the last call that could */
    }
    compare_and_free("after failures", &d, &in, &expected);
    clrnn_plan_destroy(&plan);
    test_inputs_free(&in);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, test_open, test_close)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(stream_while_compiling),   TEST(plan_while_queue_is_held),
        TEST(passes_do_not_wait),       TEST(wait_lists),
        TEST(wait_lists_that_are_none), TEST(passes_flush),
    };
    return cmocka_run_group_tests_name("async", tests, NULL, NULL);
}

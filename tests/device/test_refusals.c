/* SPDX-License-Identifier: MIT
 * tests/device/test_refusals.c - each call of the driver and each allocation refused in turn: it is
 * reported, and nothing stays alive. */
#include <stdio.h>
#include <string.h>

#include "base/memory.h"
#include "device/buffer.h"
#include "device/context.h"
#include "device/fill.h"
#include "device/list.h"
#include "device/upload.h"
#include "support.h"

/* What the tests run on: the setup opens a device only to learn what it is. */
static clrnn_device_info device;

static int learn_device(void **state)
{
    int result = test_open(state);
    if (result == 0)
        device = *clrnn_context_device(*state);
    result |= test_close(state);
    *state = NULL;
    return result;
}

/* What a run makes; released here, whatever came of it. */
typedef struct made {
    clrnn_context *context;
    cl_kernel kernel;
    cl_mem buffers[2];
    cl_event event, copied[2];
    clr_uploads uploads;
    clrnn_context *beside;
} made;

/* What does not wait: a barrier, copies with events, an upload; and a queue beside. */
static clrnn_status do_without_waiting(made *m, cl_int *value)
{
    cl_mem buffer = m->buffers[0];
    clrnn_status status = clr_buffer_write_event(m->context, buffer, 0, 4, value, &m->copied[0]);
    if (status == CLRNN_OK)
        status = clr_barrier(m->context, 1, &m->copied[0]);
    if (status == CLRNN_OK)
        status = clr_uploads_copy(m->context, &m->uploads, value, 4, buffer);
    if (status == CLRNN_OK)
        status = clr_buffer_read_event(m->context, buffer, 0, 4, value, &m->copied[1]);
    if (status == CLRNN_OK)
        status = clr_flush(m->context);
    if (status == CLRNN_OK)
        status = clr_context_beside(m->context, &m->beside);
    return status;
}

/* Everything that the layer does with an opened device. desc: how to open it. */
static clrnn_status do_everything(const clrnn_context_desc *desc, made *m, cl_int *value)
{
    clrnn_status status = clr_context_open(desc, &device, &m->context);
    if (status == CLRNN_OK)
        status = fill_kernel(m->context, &m->kernel);
    for (int i = 0; status == CLRNN_OK && i < 2; i++)
        status = clr_buffer_create(m->context, 64, &m->buffers[i]);
    if (status == CLRNN_OK)
        status = clr_buffer_write(m->context, m->buffers[0], 0, 4, value);
    if (status == CLRNN_OK)
        status = do_without_waiting(m, value);
    if (status == CLRNN_OK)
        status = clr_buffer_zero(m->context, m->buffers[0], 0, 64);
    if (status == CLRNN_OK)
        status = fill_launch(m->context, m->kernel, m->buffers[0], (clr_range){{3, 2}, {1, 1}}, 0);
    if (status == CLRNN_OK)
        status = clr_buffer_copy(m->context, m->buffers[0], 20, m->buffers[1], 0, 4);
    if (status == CLRNN_OK)
        status = clr_buffer_retain(m->context, m->buffers[1]);
    if (status == CLRNN_OK) {
        cl_mem same = m->buffers[1];
        clr_buffer_destroy(&same);
        status = clr_marker(m->context, &m->event);
    }
    if (status == CLRNN_OK)
        status = clr_buffer_read(m->context, m->buffers[1], 0, 4, value);
    return status == CLRNN_OK ? clrnn_context_finish(m->context) : status;
}

/* One run under a fault; it must leave nothing, and give the right value or an error with a reason.
 */
static clrnn_status run(clr_fault fault, long countdown, const clrnn_context_desc *desc)
{
    made m = {0};
    cl_int value = 0;
    test_last_error[0] = 0;
    clr_fault_inject(fault, countdown);
    clrnn_status status = do_everything(desc, &m, &value);
    if (status == CLRNN_OK)
        assert_int_equal(value, FILL_FIRST + 1000 + 2);
    else
        assert_true(test_last_error[0] != 0);
    if (m.event)
        clReleaseEvent(m.event);
    if (m.context)
        clFinish(clrnn_context_queue(m.context)); /* copies may be under way */
    clr_event_destroy(&m.copied[0]);
    clr_event_destroy(&m.copied[1]);
    clr_uploads_free(&m.uploads);
    clrnn_context_destroy(&m.beside);
    clr_buffer_destroy(&m.buffers[0]);
    clr_buffer_destroy(&m.buffers[1]);
    clr_kernel_destroy(&m.kernel);
    clrnn_context_destroy(&m.context);
    assert_int_equal(clr_live_objects(), 0);
    return status;
}

/* How often a run asks for a fault. */
static long count_calls(clr_fault fault, const clrnn_context_desc *desc)
{
    const long many = 100000;
    long calls = many - 1;
    assert_int_equal(run(fault, 0, desc), CLRNN_OK); /* fills the cache */
    assert_int_equal(run(fault, many, desc), CLRNN_OK);
    while (!clr_fault_hit(fault))
        calls--;
    clr_fault_inject(fault, 0);
    return calls;
}

/* Call k refused, alone or with all that follow, for every k. strict: none can be done without. */
static void refuse_each(clr_fault fault, const clrnn_context_desc *desc, bool strict, long least)
{
    const long calls = count_calls(fault, desc);
    assert_in_range(calls, least, 200);
    for (long k = 1; k <= calls; k++)
        for (int sign = -1; sign <= 1; sign += 2)
            if (run(fault, sign * k, desc) == CLRNN_OK && strict)
                fail_msg("refusal %ld of %ld was not reported", sign * k, calls);
    assert_int_equal(run(fault, calls + 1, desc), CLRNN_OK);
    clr_fault_inject(fault, 0);
}

static void test_driver(void **state)
{
    (void)state;
    const clrnn_context_desc desc = {.log = test_log, .cache_dir = ""};
    refuse_each(CLR_FAULT_OPENCL, &desc, true, 20);
}

/* (Native does without a thread that could not be started.) */
static void test_memory(void **state)
{
    (void)state;
    const clrnn_context_desc desc = {.log = test_log, .cache_dir = ""};
    refuse_each(CLR_FAULT_MEMORY, &desc, strcmp(device.platform, "native") != 0, 6);
}

/* With a cache on disk: what it does not give is compiled. */
static void test_with_cache(void **state)
{
    (void)state;
    char cache[512];
    snprintf(cache, sizeof cache, "%s/cache", test_folder());
    const clrnn_context_desc desc = {.log = test_log, .cache_dir = cache};
    refuse_each(CLR_FAULT_OPENCL, &desc, false, 20);
    refuse_each(CLR_FAULT_MEMORY, &desc, false, 8);
}

static void test_callers_context(void **state)
{
    (void)state;
    clrnn_context_desc desc = {.log = test_log, .cache_dir = ""};
    cl_int code = CL_SUCCESS;
    desc.context = clCreateContext(NULL, 1, &device.device_id, NULL, NULL, &code);
    assert_int_equal(code, CL_SUCCESS);
    desc.queue = clCreateCommandQueue(desc.context, device.device_id, 0, &code);
    assert_int_equal(code, CL_SUCCESS);
    refuse_each(CLR_FAULT_OPENCL, &desc, true, 20);
    clReleaseCommandQueue(desc.queue);
    clReleaseContext(desc.context);
}

static size_t count_available(const clrnn_device_info *devices, size_t count)
{
    size_t available = 0;
    for (size_t i = 0; i < count; i++)
        available += devices[i].available;
    return available;
}

/* The list: an error, or the devices of the platforms that did answer, of which those are available
 * that answered, too. */
static void test_list(void **state)
{
    (void)state;
    const clr_fault faults[] = {CLR_FAULT_OPENCL, CLR_FAULT_MEMORY};
    clrnn_device_info *devices = NULL;
    size_t all = 0;
    assert_int_equal(clrnn_devices_list(&test_log, &devices, &all), CLRNN_OK);
    const size_t all_available = count_available(devices, all);
    clrnn_devices_free(&devices);
    for (int i = 0; i < 4; i++) {
        bool refused = true;
        long k = 1;
        for (; refused && k < 1000; k++) {
            size_t count = 99;
            test_last_error[0] = 0;
            clr_fault_inject(faults[i / 2], i % 2 ? -k : k);
            clrnn_status status = clrnn_devices_list(&test_log, &devices, &count);
            clr_fault_inject(faults[i / 2], 0);
            refused = status != CLRNN_OK || count != all ||
                      count_available(devices, count) != all_available;
            if (status == CLRNN_OK) {
                assert_true(count > 0 && devices);
            } else {
                assert_true(!devices && count == 0 && test_last_error[0]);
                assert_int_equal(status, i < 2 ? CLRNN_ERR_OPENCL : CLRNN_ERR_MEMORY);
            }
            clrnn_devices_free(&devices);
        }
        assert_in_range(k, i < 2 ? 25 : 8, 999);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_driver),     cmocka_unit_test(test_memory),
        cmocka_unit_test(test_with_cache), cmocka_unit_test(test_callers_context),
        cmocka_unit_test(test_list),
    };
    return cmocka_run_group_tests_name("refusals", tests, learn_device, NULL);
}

/* SPDX-License-Identifier: MIT
 * tests/device/test_device.c - the list, contexts, buffers and launches on the selected device. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "device/buffer.h"
#include "device/context.h"
#include "device/fill.h"
#include "device/launch.h"
#include "device/list.h"
#include "device/program.h"
#include "device/select.h"
#include "gate.h"
#include "support.h"

/* --- the list --------------------------------------------------------------------------------- */

static void test_list(void **state)
{
    (void)state;
    clrnn_device_info *devices = NULL;
    size_t count = 0, autos = 0;
    assert_int_equal(clrnn_devices_list(&test_log, &devices, &count), CLRNN_OK);
    for (size_t i = 0; i < count; i++) {
        const clrnn_device_info *d = &devices[i];
        char selector[32];
        size_t order[64], matches = 0;
        assert_non_null(d->platform_id);
        assert_non_null(d->device_id);
        assert_true(d->name[0] && d->platform[0] && d->vendor[0] && d->driver[0] && d->reason[0]);
        assert_int_equal(strncmp(d->version, "OpenCL ", 7), 0);
        assert_true(d->type != 0 && d->compute_units > 0);
        assert_true(d->max_allocation > 0 && d->max_allocation <= d->global_memory);
        assert_true(d->local_memory >= 16384 && d->max_work_group > 0);
        autos += d->is_auto;
        if (!d->available || !d->has_compiler || count > 64)
            continue;
        snprintf(selector, sizeof selector, "%u:%u", d->platform_index, d->device_index);
        assert_int_equal(clr_select(selector, devices, count, &test_log, order, &matches),
                         CLRNN_OK);
        assert_int_equal(matches, 1);
        assert_int_equal(order[0], i);
    }
    assert_int_equal(autos, 1);
    clrnn_devices_free(&devices);
    assert_null(devices);
    clrnn_devices_free(&devices);
}

/* --- contexts --------------------------------------------------------------------------------- */

static void test_context(void **state)
{
    clrnn_context *context = *state, *nothing = NULL;
    const clrnn_device_info *info = clrnn_context_device(context);
    cl_context owner = NULL;
    assert_true(clr_live_objects() == 2);
    assert_string_equal(info->name, context->info.name);
    assert_int_equal(clGetCommandQueueInfo(clrnn_context_queue(context), CL_QUEUE_CONTEXT,
                                           sizeof owner, &owner, NULL),
                     CL_SUCCESS);
    assert_ptr_equal(owner, clrnn_context_cl(context));
    assert_int_equal(clrnn_context_finish(context), CLRNN_OK);
    assert_int_equal(clrnn_context_finish(NULL), CLRNN_ERR_ARGUMENT);
    clrnn_context_destroy(&nothing);
    clrnn_context_destroy(NULL);
}

/* Another context of the device, made without the library. */
static void make_own(const clrnn_context *like, cl_command_queue_properties properties,
                     cl_context *context, cl_command_queue *queue)
{
    cl_int code = CL_SUCCESS;
    *context = clCreateContext(NULL, 1, &like->info.device_id, NULL, NULL, &code);
    assert_int_equal(code, CL_SUCCESS);
    *queue = clCreateCommandQueue(*context, like->info.device_id, properties, &code);
    assert_int_equal(code, CL_SUCCESS);
}

static cl_uint context_references(cl_context context)
{
    cl_uint count = 0;
    assert_int_equal(
        clGetContextInfo(context, CL_CONTEXT_REFERENCE_COUNT, sizeof count, &count, NULL),
        CL_SUCCESS);
    return count;
}

static cl_uint queue_references(cl_command_queue queue)
{
    cl_uint count = 0;
    assert_int_equal(
        clGetCommandQueueInfo(queue, CL_QUEUE_REFERENCE_COUNT, sizeof count, &count, NULL),
        CL_SUCCESS);
    return count;
}

/* A program, a buffer and a launch in whatever context. */
static void assert_works(clrnn_context *context)
{
    cl_kernel kernel = NULL;
    cl_mem y = NULL;
    cl_int value = 0;
    assert_int_equal(fill_kernel(context, &kernel), CLRNN_OK);
    assert_int_equal(clr_buffer_create(context, 4, &y), CLRNN_OK);
    assert_int_equal(fill_launch(context, kernel, y, (clr_range){{1, 1}, {0, 0}}, 0), CLRNN_OK);
    assert_int_equal(clr_buffer_read(context, y, 0, 4, &value), CLRNN_OK);
    assert_int_equal(value, -7);
    clr_buffer_destroy(&y);
    clr_kernel_destroy(&kernel);
}

static void test_callers_context(void **state)
{
    clrnn_context *other = *state, *context = NULL;
    clrnn_context_desc desc = {.log = test_log, .device = "ignored", .cache_dir = ""};
    clrnn_device_info info;
    make_own(other, 0, &desc.context, &desc.queue);
    const long live = clr_live_objects();
    assert_int_equal(clr_queue_device(&test_log, desc.queue, &info), CLRNN_OK);
    assert_string_equal(info.name, other->info.name);
    assert_int_equal(info.device_index, other->info.device_index);

    /* counted without any command: a driver may keep a queue until it has cleared up after one */
    const cl_uint contexts = context_references(desc.context);
    const cl_uint queues = queue_references(desc.queue);
    assert_int_equal(clr_context_open(&desc, &info, &context), CLRNN_OK);
    assert_ptr_equal(clrnn_context_cl(context), desc.context);
    assert_ptr_equal(clrnn_context_queue(context), desc.queue);
    assert_true(context_references(desc.context) > contexts);
    assert_true(queue_references(desc.queue) > queues);
    clrnn_context_destroy(&context);
    assert_int_equal(context_references(desc.context), contexts);
    assert_int_equal(queue_references(desc.queue), queues);

    assert_int_equal(clr_context_open(&desc, &info, &context), CLRNN_OK);
    clReleaseCommandQueue(desc.queue); /* the caller may let go first */
    clReleaseContext(desc.context);
    assert_works(context);
    clrnn_context_destroy(&context);
    assert_int_equal(clr_live_objects(), live);
}

static void test_callers_mistakes(void **state)
{
    clrnn_context *other = *state, *context = NULL;
    clrnn_context_desc desc = {.log = test_log};
    cl_context own = NULL;
    cl_command_queue queue = NULL, disorderly = NULL;
    make_own(other, 0, &own, &queue);

    desc.context = own;
    assert_int_equal(clr_context_open(&desc, &other->info, &context), CLRNN_ERR_ARGUMENT);
    assert_error_contains("both or neither");
    desc = (clrnn_context_desc){.log = test_log, .queue = queue};
    assert_int_equal(clr_context_open(&desc, &other->info, &context), CLRNN_ERR_ARGUMENT);
    assert_error_contains("both or neither");
    desc.context = other->context;
    assert_int_equal(clr_context_open(&desc, &other->info, &context), CLRNN_ERR_ARGUMENT);
    assert_error_contains("does not belong");
    desc.context = own;
    clrnn_device_info wrong = other->info;
    wrong.device_id = (cl_device_id)own; /* compared, never asked */
    assert_int_equal(clr_context_open(&desc, &wrong, &context), CLRNN_ERR_ARGUMENT);
    assert_error_contains("another device");

    disorderly = clCreateCommandQueue(own, other->info.device_id,
                                      CL_QUEUE_OUT_OF_ORDER_EXEC_MODE_ENABLE, NULL);
    if (disorderly) { /* a device need not have such queues */
        desc.queue = disorderly;
        assert_int_equal(clr_context_open(&desc, &other->info, &context), CLRNN_ERR_ARGUMENT);
        assert_error_contains("in-order");
        clReleaseCommandQueue(disorderly);
    }
    assert_null(context);
    clReleaseCommandQueue(queue);
    clReleaseContext(own);
}

/* --- buffers ---------------------------------------------------------------------------------- */

static void test_buffer(void **state)
{
    clrnn_context *context = *state;
    unsigned char in[100], out[100];
    cl_mem a = NULL, b = NULL, kept = NULL;
    for (int i = 0; i < 100; i++)
        in[i] = (unsigned char)(i + 1);
    assert_int_equal(clr_buffer_create(context, 100, &a), CLRNN_OK);
    assert_int_equal(clr_buffer_create(context, 100, &b), CLRNN_OK);
    assert_int_equal(clr_buffer_size(a), 100);
    assert_int_equal(clr_buffer_write(context, a, 0, 100, in), CLRNN_OK);
    assert_int_equal(clr_buffer_copy(context, a, 0, b, 0, 100), CLRNN_OK);
    assert_int_equal(clr_buffer_copy(context, a, 10, b, 41, 7), CLRNN_OK);
    assert_int_equal(clr_buffer_zero(context, b, 16, 16), CLRNN_OK); /* one pattern of 16 */
    assert_int_equal(clr_buffer_zero(context, b, 60, 8), CLRNN_OK);  /* patterns of 4 */
    assert_int_equal(clr_buffer_zero(context, b, 97, 3), CLRNN_OK);  /* bytes, to the very end */
    assert_int_equal(clr_buffer_read(context, b, 0, 100, out), CLRNN_OK);
    memcpy(in + 41, (unsigned char[]){11, 12, 13, 14, 15, 16, 17}, 7);
    memset(in + 16, 0, 16);
    memset(in + 60, 0, 8);
    memset(in + 97, 0, 3);
    assert_memory_equal(out, in, 100);

    memset(out, 0, sizeof out);
    assert_int_equal(clr_buffer_read(context, b, 90, 5, out), CLRNN_OK);
    assert_memory_equal(out, in + 90, 5);
    assert_int_equal(out[5], 0);

    kept = a;
    assert_int_equal(clr_buffer_retain(context, kept), CLRNN_OK);
    clr_buffer_destroy(&a);
    assert_null(a);
    assert_int_equal(clr_buffer_size(kept), 100); /* it lives on */
    clr_buffer_destroy(&kept);
    clr_buffer_destroy(&b);
    clr_buffer_destroy(&b);
    clr_buffer_destroy(NULL);
}

static void test_buffer_bounds(void **state)
{
    clrnn_context *context = *state;
    char bytes[8] = {0};
    cl_mem a = NULL, empty = NULL;
    assert_int_equal(clr_buffer_create(context, 8, &a), CLRNN_OK);
    assert_int_equal(clr_buffer_create(context, 0, &empty), CLRNN_OK);
    assert_non_null(empty);
    assert_int_equal(clr_buffer_write(context, a, 4, 5, bytes), CLRNN_ERR_RANGE);
    assert_error_contains("5 bytes at offset 4 of a buffer of 8");
    assert_int_equal(clr_buffer_read(context, a, 9, 0, bytes), CLRNN_ERR_RANGE);
    assert_int_equal(clr_buffer_read(context, a, SIZE_MAX, 2, bytes), CLRNN_ERR_RANGE);
    assert_int_equal(clr_buffer_zero(context, a, 2, SIZE_MAX), CLRNN_ERR_RANGE);
    assert_int_equal(clr_buffer_copy(context, a, 4, empty, 0, 4), CLRNN_ERR_RANGE);
    assert_error_contains("copy to");
    assert_int_equal(clr_buffer_copy(context, empty, 0, a, 4, 4), CLRNN_ERR_RANGE);
    assert_error_contains("copy from");
    assert_int_equal(clr_buffer_copy(context, a, 0, a, 2, 4), CLRNN_ERR_OPENCL); /* overlap */
    assert_int_equal(clr_buffer_size(NULL), 0);
    assert_int_equal(clr_buffer_write(context, NULL, 0, 1, bytes), CLRNN_ERR_RANGE);
    /* nothing at all is always possible, up to the end */
    assert_int_equal(clr_buffer_write(context, a, 8, 0, NULL), CLRNN_OK);
    assert_int_equal(clr_buffer_read(context, a, 8, 0, NULL), CLRNN_OK);
    assert_int_equal(clr_buffer_zero(context, a, 8, 0), CLRNN_OK);
    assert_int_equal(clr_buffer_copy(context, a, 8, a, 8, 0), CLRNN_OK);
    clr_buffer_destroy(&a);
    clr_buffer_destroy(&empty);
    assert_int_equal(clr_buffer_create(context, SIZE_MAX / 4, &a), CLRNN_ERR_MEMORY);
    assert_null(a);
    assert_error_contains(context->info.name);
}

static void test_marker(void **state)
{
    clrnn_context *context = *state;
    cl_event event = NULL;
    cl_int done = -1;
    assert_int_equal(clr_marker(context, &event), CLRNN_OK);
    assert_int_equal(clWaitForEvents(1, &event), CL_SUCCESS);
    assert_int_equal(
        clGetEventInfo(event, CL_EVENT_COMMAND_EXECUTION_STATUS, sizeof done, &done, NULL),
        CL_SUCCESS);
    assert_int_equal(done, CL_COMPLETE);
    clReleaseEvent(event);
}

/* What comes after a barrier waits for its events; the events of copies say when they are done. */
static void test_barrier(void **state)
{
    clrnn_context *context = *state;
    const cl_int source = 5;
    cl_int got = 0, code = CL_SUCCESS;
    cl_mem buffer = NULL;
    cl_event wrote = NULL, read = NULL, none = NULL, held = NULL;
    if (test_has(context, TEST_USER_EVENTS)) {
        held = clCreateUserEvent(context->context, &code);
        assert_int_equal(code, CL_SUCCESS);
    } else { /* where commands are done at once: one that is */
        assert_int_equal(clr_marker(context, &held), CLRNN_OK);
    }
    assert_int_equal(clr_buffer_create(context, sizeof got, &buffer), CLRNN_OK);
    assert_int_equal(clr_barrier(context, 1, &none), CLRNN_ERR_OPENCL);
    assert_error_contains("clEnqueueBarrierWithWaitList failed");
    assert_int_equal(clr_barrier(context, 1, &held), CLRNN_OK);
    assert_int_equal(clr_buffer_write_event(context, buffer, 0, sizeof source, &source, &wrote),
                     CLRNN_OK);
    assert_int_equal(clr_buffer_read_event(context, buffer, 0, sizeof got, &got, &read), CLRNN_OK);
    assert_int_equal(clr_flush(context), CLRNN_OK);
    const bool happened = !test_has(context, TEST_USER_EVENTS);
    assert_int_equal(clr_event_happened(wrote), happened);
    assert_int_equal(clr_event_happened(read), happened);
    if (!happened)
        test_queue_release(held);
    else
        clReleaseEvent(held);
    assert_int_equal(clWaitForEvents(1, &read), CL_SUCCESS);
    assert_true(clr_event_happened(wrote) && clr_event_happened(read));
    assert_int_equal(got, 5);
    clr_event_destroy(&wrote);
    assert_null(wrote);
    clr_event_destroy(&wrote);
    clr_event_destroy(&read);
    clr_event_destroy(NULL);
    clr_buffer_destroy(&buffer);
}

/* --- beside ----------------------------------------------------------------------------------- */

/* Another queue of the same device, with the same programs. */
static void test_beside(void **state)
{
    clrnn_context *context = *state, *beside = NULL;
    cl_program program = NULL, again = NULL;
    cl_event held = test_queue_hold(context);
    const long waits = context->waits;
    assert_int_equal(clr_context_beside(context, &beside), CLRNN_OK);
    assert_ptr_equal(beside->root, context);
    assert_ptr_equal(context->root, context);
    assert_ptr_equal(clrnn_context_cl(beside), clrnn_context_cl(context));
    assert_ptr_not_equal(clrnn_context_queue(beside), clrnn_context_queue(context));
    assert_string_equal(clrnn_context_device(beside)->name, context->info.name);
    assert_int_equal(fill_program(beside, &program), CLRNN_OK);
    assert_int_equal(clrnn_context_finish(beside), CLRNN_OK);
    clrnn_context_destroy(&beside);
    assert_null(beside);
    assert_int_equal(fill_program(context, &again), CLRNN_OK);
    assert_ptr_equal(again, program);
    assert_int_equal(context->waits, waits);
    test_queue_release(held);
}

/* --- launches --------------------------------------------------------------------------------- */

enum { BAND = 64, LARGEST = 40 * 40 };
#define SENTINEL 0x5a5a5a5a

/* Sizes that no group divides: the values are right and the bands around them untouched. */
static void test_launch(void **state)
{
    clrnn_context *context = *state;
    static const clr_range ranges[] = {
        {{1, 1}, {0, 0}},   {{7, 3}, {4, 2}},  {{33, 17}, {8, 8}},
        {{17, 1}, {16, 0}}, {{1, 33}, {1, 8}}, {{31, 9}, {0, 0}},
        {{16, 4}, {8, 2}},  {{0, 5}, {4, 4}},  {{5, 0}, {0, 0}},
    };
    static cl_int y[BAND + LARGEST + BAND];
    cl_kernel kernel = NULL;
    cl_mem buffer = NULL;
    assert_int_equal(fill_kernel(context, &kernel), CLRNN_OK);
    assert_int_equal(clr_buffer_create(context, sizeof y, &buffer), CLRNN_OK);
    for (size_t i = 0; i < CLR_COUNT(ranges); i++) {
        clr_range range = ranges[i];
        if (context->info.max_work_group == 1) /* native */
            range.local[0] = range.local[1] = 1;
        const size_t columns = ranges[i].global[0], count = columns * ranges[i].global[1];
        for (size_t k = 0; k < CLR_COUNT(y); k++)
            y[k] = SENTINEL;
        assert_int_equal(clr_buffer_write(context, buffer, 0, sizeof y, y), CLRNN_OK);
        assert_int_equal(fill_launch(context, kernel, buffer, range, BAND), CLRNN_OK);
        assert_int_equal(clr_buffer_read(context, buffer, 0, sizeof y, y), CLRNN_OK);
        for (size_t k = 0; k < CLR_COUNT(y); k++) {
            size_t at = k - BAND; /* wraps below the band: then it is no element either */
            int expected =
                at < count ? -7 + 1000 * (int)(at / columns) + (int)(at % columns) : SENTINEL;
            if (y[k] != expected)
                fail_msg("range %zu, element %zu: %d, expected %d", i, k, y[k], expected);
        }
    }
    clr_buffer_destroy(&buffer);
    clr_kernel_destroy(&kernel);
    clr_kernel_destroy(&kernel);
    clr_kernel_destroy(NULL);
}

static void test_launch_ulong(void **state)
{
    clrnn_context *context = *state;
    const uint64_t big = UINT64_C(0x123456789abcdef0);
    uint64_t value = 5;
    cl_program program = NULL;
    cl_kernel kernel = NULL;
    cl_mem buffer = NULL;
    assert_int_equal(fill_program(context, &program), CLRNN_OK);
    assert_int_equal(clr_kernel_create(context, program, "add_long", &kernel), CLRNN_OK);
    assert_int_equal(clr_buffer_create(context, sizeof value, &buffer), CLRNN_OK);
    assert_int_equal(clr_buffer_write(context, buffer, 0, sizeof value, &value), CLRNN_OK);
    const clr_arg args[] = {CLR_ARG_MEM(buffer), CLR_ARG_ULONG(big)};
    assert_int_equal(clr_launch(context, kernel, (clr_range){{1, 1}, {1, 1}}, args, 2), CLRNN_OK);
    assert_int_equal(clr_buffer_read(context, buffer, 0, sizeof value, &value), CLRNN_OK);
    assert_true(value == big + 5);
    clr_buffer_destroy(&buffer);
    clr_kernel_destroy(&kernel);
}

static void test_launch_mistakes(void **state)
{
    clrnn_context *context = *state;
    const clr_range one = {{1, 1}, {0, 0}};
    cl_program program = NULL;
    cl_kernel kernel = NULL;
    cl_mem y = NULL;
    assert_int_equal(fill_program(context, &program), CLRNN_OK);
    assert_int_equal(clr_kernel_create(context, program, "missing", &kernel), CLRNN_ERR_OPENCL);
    assert_null(kernel);
    assert_error_contains("clCreateKernel(missing) failed: CL_INVALID_KERNEL_NAME (-46)");
    assert_int_equal(fill_kernel(context, &kernel), CLRNN_OK);
    assert_int_equal(clr_buffer_create(context, 16, &y), CLRNN_OK);
    clr_arg args[] = {CLR_ARG_MEM(y), CLR_ARG_UINT(0),    CLR_ARG_UINT(1), CLR_ARG_UINT(1),
                      CLR_ARG_INT(1), CLR_ARG_FLOAT(2.5), CLR_ARG_INT(0)};
    assert_int_equal(clr_launch(context, kernel, one, args, 5), CLRNN_ERR_ARGUMENT);
    assert_error_contains("fill takes 6 arguments, 5 were given");
    assert_int_equal(clr_launch(context, kernel, one, args, 7), CLRNN_ERR_ARGUMENT);
    assert_error_contains("fill takes 6 arguments, 7 were given");
    assert_int_equal(clr_launch(context, kernel, (clr_range){{SIZE_MAX, 1}, {64, 1}}, args, 6),
                     CLRNN_ERR_RANGE);
    /* (More than any driver has: the context's own limit may be a pretended one.) */
    assert_int_equal(clr_launch(context, kernel, (clr_range){{1, 1}, {1 << 24, 1}}, args, 6),
                     CLRNN_ERR_OPENCL);
    assert_error_contains("of kernel fill failed: CL_INVALID_WORK_");
    args[5] = CLR_ARG_REAL(CLRNN_F64, 2.5); /* the kernel has a float there */
    assert_int_equal(clr_launch(context, kernel, one, args, 6), CLRNN_ERR_OPENCL);
    assert_error_contains("clSetKernelArg(5) of kernel fill failed: CL_INVALID_ARG_SIZE (-51)");
    clr_buffer_destroy(&y);
    clr_kernel_destroy(&kernel);
}

static void count_runs(void *user, uint32_t count, void (*job)(void *data, uint32_t index),
                       void *data)
{
    ++*(int *)user;
    for (uint32_t i = 0; i < count; i++)
        job(data, i);
}

/* How many work-items are shared with other threads depends on what each is worth. */
static void test_items_worth_a_thread(void **state)
{
    static const struct {
        const char *kernel;
        size_t least;
    } all[] = {{"fill", 8192}, {"fill_rows", 512}, {"fill_alone", 2}};
    const clrnn_context *own = *state;
    int runs = 0;
    const clrnn_context_desc desc = {
        .log = test_log, .cache_dir = "", .threads = 2, .parallel = {count_runs, &runs}};
    clrnn_context *context = NULL;
    cl_program program = NULL;
    cl_mem y = NULL;
    if (clr_compiles(own)) /* not native */
        skip();
    assert_int_equal(clr_context_open(&desc, &own->info, &context), CLRNN_OK);
    assert_int_equal(fill_program(context, &program), CLRNN_OK);
    assert_int_equal(clr_buffer_create(context, 8192 * sizeof(cl_int), &y), CLRNN_OK);
    for (size_t i = 0; i < CLR_COUNT(all); i++) {
        cl_kernel kernel = NULL;
        assert_int_equal(clr_kernel_create(context, program, all[i].kernel, &kernel), CLRNN_OK);
        for (size_t items = all[i].least - 1; items <= all[i].least; items++) {
            runs = 0;
            assert_int_equal(fill_launch(context, kernel, y, (clr_range){{items, 1}, {1, 1}}, 0),
                             CLRNN_OK);
            assert_int_equal(runs, items == all[i].least);
        }
        clr_kernel_destroy(&kernel);
    }
    clr_buffer_destroy(&y);
    clrnn_context_destroy(&context);
}

int main(void)
{
#define ON_DEVICE(test) cmocka_unit_test_setup_teardown(test, test_open, test_close)
    const struct CMUnitTest tests[] = {
        ON_DEVICE(test_list),
        ON_DEVICE(test_context),
        ON_DEVICE(test_callers_context),
        ON_DEVICE(test_callers_mistakes),
        ON_DEVICE(test_buffer),
        ON_DEVICE(test_buffer_bounds),
        ON_DEVICE(test_marker),
        ON_DEVICE(test_barrier),
        ON_DEVICE(test_beside),
        ON_DEVICE(test_launch),
        ON_DEVICE(test_launch_ulong),
        ON_DEVICE(test_launch_mistakes),
        ON_DEVICE(test_items_worth_a_thread),
    };
    return cmocka_run_group_tests_name("device", tests, NULL, NULL);
}

/* SPDX-License-Identifier: MIT
 * device/native_device.c - platform, device, contexts, queues and events of device/native.h. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "base/thread.h"
#include "device/native_objects.h"

static cl_int answer_text(const char *text, size_t room, void *value, size_t *size)
{
    return clr_native_answer(text, strlen(text) + 1, room, value, size);
}

/* --- platform and device ------------------------------------------------------------------- */

static cl_int CL_API_CALL get_platforms(cl_uint room, cl_platform_id *ids, cl_uint *count)
{
    cl_uint found = clr_native_used() != NULL;
    if (ids && room && found)
        ids[0] = &clr_native_platform;
    if (count)
        *count = found;
    return CL_SUCCESS;
}

static cl_int CL_API_CALL get_platform_info(cl_platform_id platform, cl_platform_info what,
                                            size_t room, void *value, size_t *size)
{
    (void)platform;
    switch (what) {
    case CL_PLATFORM_NAME:
        return answer_text("native", room, value, size);
    case CL_PLATFORM_VENDOR:
        return answer_text("clrnn", room, value, size);
    case CL_PLATFORM_VERSION:
        return answer_text("OpenCL 1.2 clrnn", room, value, size);
    case CL_PLATFORM_PROFILE:
        return answer_text("EMBEDDED_PROFILE", room, value, size);
    case CL_PLATFORM_EXTENSIONS:
        return answer_text("cl_khr_icd", room, value, size);
    default:
        return CL_INVALID_VALUE;
    }
}

static cl_int CL_API_CALL get_devices(cl_platform_id platform, cl_device_type type, cl_uint room,
                                      cl_device_id *ids, cl_uint *count)
{
    (void)platform;
    if (!(type & (CL_DEVICE_TYPE_CPU | CL_DEVICE_TYPE_DEFAULT)))
        return CL_DEVICE_NOT_FOUND;
    if (ids && room)
        ids[0] = &clr_native_device;
    if (count)
        *count = 1;
    return CL_SUCCESS;
}

static cl_int get_device_text(cl_device_info what, size_t room, void *value, size_t *size)
{
    char text[64];
    const char *level = clr_native_used() ? clr_native_used()->name : "none";
    switch (what) {
    case CL_DEVICE_NAME:
        snprintf(text, sizeof text, "native %s", level);
        break;
    case CL_DEVICE_VENDOR:
        snprintf(text, sizeof text, "clrnn");
        break;
    case CL_DEVICE_VERSION:
        snprintf(text, sizeof text, "OpenCL 1.2 clrnn");
        break;
    case CL_DRIVER_VERSION:
        snprintf(text, sizeof text, "%d.%d.%d", CLRNN_VERSION_MAJOR, CLRNN_VERSION_MINOR,
                 CLRNN_VERSION_PATCH);
        break;
    case CL_DEVICE_EXTENSIONS:
        snprintf(text, sizeof text, "cl_khr_fp64");
        break;
    default:
        return CL_INVALID_VALUE;
    }
    return answer_text(text, room, value, size);
}

static cl_int CL_API_CALL get_device_info(cl_device_id device, cl_device_info what, size_t room,
                                          void *value, size_t *size)
{
    const cl_uint units = clr_processors(), none = 0;
    const cl_uint vector = clr_native_used() ? clr_native_used()->vector : 1;
    const cl_ulong memory = clr_physical_memory(), local = 32 << 10;
    const cl_device_type type = CL_DEVICE_TYPE_CPU;
    const cl_device_fp_config floats = CL_FP_DENORM | CL_FP_INF_NAN | CL_FP_ROUND_TO_NEAREST |
                                       CL_FP_FMA | CL_FP_CORRECTLY_ROUNDED_DIVIDE_SQRT;
    const size_t one = 1;
    const cl_bool yes = CL_TRUE;
    const cl_platform_id platform = &clr_native_platform;
    const struct {
        cl_device_info what;
        const void *from;
        size_t bytes;
    } numbers[] = {
        {CL_DEVICE_TYPE, &type, sizeof type},
        {CL_DEVICE_PLATFORM, &platform, sizeof(cl_platform_id)},
        {CL_DEVICE_GLOBAL_MEM_SIZE, &memory, sizeof memory},
        {CL_DEVICE_MAX_MEM_ALLOC_SIZE, &memory, sizeof memory},
        {CL_DEVICE_LOCAL_MEM_SIZE, &local, sizeof local},
        {CL_DEVICE_MAX_COMPUTE_UNITS, &units, sizeof units},
        {CL_DEVICE_MAX_CLOCK_FREQUENCY, &none, sizeof none},
        {CL_DEVICE_NATIVE_VECTOR_WIDTH_FLOAT, &vector, sizeof vector},
        {CL_DEVICE_MAX_WORK_GROUP_SIZE, &one, sizeof one},
        {CL_DEVICE_SINGLE_FP_CONFIG, &floats, sizeof floats},
        {CL_DEVICE_HOST_UNIFIED_MEMORY, &yes, sizeof yes},
        {CL_DEVICE_COMPILER_AVAILABLE, &yes, sizeof yes},
        {CL_DEVICE_AVAILABLE, &yes, sizeof yes},
    };
    (void)device;
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++)
        if (numbers[i].what == what)
            return clr_native_answer(numbers[i].from, numbers[i].bytes, room, value, size);
    return get_device_text(what, room, value, size);
}

/* --- contexts and queues ------------------------------------------------------------------- */

static cl_context CL_API_CALL create_context(
    const cl_context_properties *properties, cl_uint devices, const cl_device_id *device,
    void(CL_CALLBACK *notify)(const char *, const void *, size_t, void *), void *user, cl_int *code)
{
    (void)properties, (void)devices, (void)device, (void)notify, (void)user;
    cl_context context = clr_native_object(sizeof *context);
    if (context)
        context->pool = clr_pool_create(1); /* until clr_native_threads says more */
    if (context && !context->pool) {
        free(context);
        context = NULL;
    }
    return clr_native_made(context, code);
}

static cl_int CL_API_CALL retain_context(cl_context context)
{
    atomic_fetch_add(&context->users, 1);
    return CL_SUCCESS;
}

static cl_int CL_API_CALL release_context(cl_context context)
{
    if (atomic_fetch_sub(&context->users, 1) == 1) {
        clr_pool_destroy(&context->pool);
        free(context);
    }
    return CL_SUCCESS;
}

static cl_int CL_API_CALL get_context_info(cl_context context, cl_context_info what, size_t room,
                                           void *value, size_t *size)
{
    const cl_uint users = atomic_load(&context->users), one = 1;
    const cl_device_id device = &clr_native_device;
    switch (what) {
    case CL_CONTEXT_REFERENCE_COUNT:
        return clr_native_answer(&users, sizeof users, room, value, size);
    case CL_CONTEXT_NUM_DEVICES:
        return clr_native_answer(&one, sizeof one, room, value, size);
    case CL_CONTEXT_DEVICES:
        return clr_native_answer(&device, sizeof(cl_device_id), room, value, size);
    default:
        return CL_INVALID_VALUE;
    }
}

static cl_command_queue CL_API_CALL create_queue(cl_context context, cl_device_id device,
                                                 cl_command_queue_properties properties,
                                                 cl_int *code)
{
    (void)device;
    if (properties)
        return clr_native_refused(CL_INVALID_QUEUE_PROPERTIES, code);
    cl_command_queue queue = clr_native_object(sizeof *queue);
    if (queue) {
        queue->context = context;
        (void)retain_context(context);
    }
    return clr_native_made(queue, code);
}

static cl_int CL_API_CALL retain_queue(cl_command_queue queue)
{
    atomic_fetch_add(&queue->users, 1);
    return CL_SUCCESS;
}

static cl_int CL_API_CALL release_queue(cl_command_queue queue)
{
    if (atomic_fetch_sub(&queue->users, 1) == 1) {
        (void)release_context(queue->context);
        free(queue);
    }
    return CL_SUCCESS;
}

static cl_int CL_API_CALL get_queue_info(cl_command_queue queue, cl_command_queue_info what,
                                         size_t room, void *value, size_t *size)
{
    const cl_command_queue_properties none = 0;
    const cl_device_id device = &clr_native_device;
    const cl_uint users = atomic_load(&queue->users);
    switch (what) {
    case CL_QUEUE_REFERENCE_COUNT:
        return clr_native_answer(&users, sizeof users, room, value, size);
    case CL_QUEUE_CONTEXT:
        return clr_native_answer(&queue->context, sizeof queue->context, room, value, size);
    case CL_QUEUE_DEVICE:
        return clr_native_answer(&device, sizeof(cl_device_id), room, value, size);
    case CL_QUEUE_PROPERTIES:
        return clr_native_answer(&none, sizeof none, room, value, size);
    default:
        return CL_INVALID_VALUE;
    }
}

static cl_int CL_API_CALL finish(cl_command_queue queue)
{
    (void)queue; /* what was enqueued is done */
    return CL_SUCCESS;
}

/* --- events -------------------------------------------------------------------------------- */

static cl_int CL_API_CALL marker(cl_command_queue queue, cl_uint waits, const cl_event *events,
                                 cl_event *event)
{
    (void)queue;
    return clr_native_done(waits, events, event);
}

/* What would hold up commands, which are done at once here. */
static cl_event CL_API_CALL create_user_event(cl_context context, cl_int *code)
{
    (void)context;
    return clr_native_refused(CL_INVALID_OPERATION, code);
}

static cl_int CL_API_CALL wait_for_events(cl_uint count, const cl_event *events)
{
    (void)count, (void)events;
    return CL_SUCCESS;
}

static cl_int CL_API_CALL get_event_info(cl_event event, cl_event_info what, size_t room,
                                         void *value, size_t *size)
{
    const cl_int status = CL_COMPLETE;
    (void)event;
    return what == CL_EVENT_COMMAND_EXECUTION_STATUS
               ? clr_native_answer(&status, sizeof status, room, value, size)
               : CL_INVALID_VALUE;
}

static cl_int CL_API_CALL keep_event(cl_event event)
{
    (void)event; /* there is one, for ever */
    return CL_SUCCESS;
}

void clr_native_take_device(clr_driver *table)
{
    table->clGetPlatformIDs = get_platforms;
    table->clGetPlatformInfo = get_platform_info;
    table->clGetDeviceIDs = get_devices;
    table->clGetDeviceInfo = get_device_info;
    table->clCreateContext = create_context;
    table->clRetainContext = retain_context;
    table->clReleaseContext = release_context;
    table->clGetContextInfo = get_context_info;
    table->clCreateCommandQueue = create_queue;
    table->clRetainCommandQueue = retain_queue;
    table->clReleaseCommandQueue = release_queue;
    table->clGetCommandQueueInfo = get_queue_info;
    table->clFinish = finish;
    table->clEnqueueMarkerWithWaitList = marker;
    table->clEnqueueBarrierWithWaitList = marker;
    table->clCreateUserEvent = create_user_event;
    table->clWaitForEvents = wait_for_events;
    table->clGetEventInfo = get_event_info;
    table->clRetainEvent = keep_event;
    table->clReleaseEvent = keep_event;
    table->clFlush = finish;
}

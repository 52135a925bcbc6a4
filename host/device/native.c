/* SPDX-License-Identifier: MIT
 * device/native.c - see device/native.h: platform, device, contexts, queues, buffers, events. */
#include "device/native.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "base/thread.h"
#include "device/native_objects.h"

static const clr_driver table;

struct _cl_platform_id clr_native_platform = {&table};
struct _cl_device_id clr_native_device = {&table};
static struct _cl_event complete = {&table};

const clr_native_level *clr_native_used(void)
{
    const char *wanted = getenv("CLRNN_NATIVE_LEVEL");
    for (uint32_t i = 0; i < clr_native_level_count; i++) {
        const clr_native_level *level = &clr_native_levels[i];
        if (clr_native_level_runs(level->name) &&
            (!wanted || !*wanted || strcmp(wanted, level->name) == 0))
            return level;
    }
    return NULL;
}

const clr_driver *clr_native_driver(void)
{
    return clr_native_level_count ? &table : NULL;
}

const char *clr_native_text(void)
{
    if (clr_native_level_count == 0)
        return "native kernels are not in this build: it had no clang";
    if (!clr_native_used())
        return "native kernels are for other processors than this one, or CLRNN_NATIVE_LEVEL "
               "names none of them";
    return clr_native_used()->name;
}

bool clr_is_native(const void *object)
{
    const clr_driver *first = NULL;
    if (object)
        memcpy(&first, object, sizeof first);
    return first == &table;
}

void *clr_native_object(size_t size)
{
    struct {
        const clr_driver *driver;
        atomic_uint users;
    } *object = clr_calloc(1, size);
    if (object) {
        object->driver = &table;
        atomic_store(&object->users, 1);
    }
    return object;
}

cl_int clr_native_answer(const void *from, size_t bytes, size_t room, void *value, size_t *size)
{
    if (value && room < bytes)
        return CL_INVALID_VALUE;
    if (value)
        memcpy(value, from, bytes);
    if (size)
        *size = bytes;
    return CL_SUCCESS;
}

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

/* What a function that makes something gives back. */
static void *made(void *object, cl_int *code)
{
    if (code)
        *code = object ? CL_SUCCESS : CL_OUT_OF_HOST_MEMORY;
    return object;
}

static cl_context CL_API_CALL create_context(
    const cl_context_properties *properties, cl_uint devices, const cl_device_id *device,
    void(CL_CALLBACK *notify)(const char *, const void *, size_t, void *), void *user, cl_int *code)
{
    (void)properties, (void)devices, (void)device, (void)notify, (void)user;
    cl_context context = clr_native_object(sizeof *context);
    if (context)
        context->pool = clr_pool_create(clr_processors());
    if (context && !context->pool) {
        free(context);
        context = NULL;
    }
    return made(context, code);
}

cl_int clr_native_threads(cl_context context, uint32_t threads)
{
    clr_pool *pool = clr_pool_create(threads ? threads : clr_processors());
    if (!pool)
        return CL_OUT_OF_HOST_MEMORY;
    clr_pool_destroy(&context->pool);
    context->pool = pool;
    return CL_SUCCESS;
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

static cl_command_queue CL_API_CALL create_queue(cl_context context, cl_device_id device,
                                                 cl_command_queue_properties properties,
                                                 cl_int *code)
{
    (void)device, (void)properties;
    cl_command_queue queue = clr_native_object(sizeof *queue);
    if (queue) {
        queue->context = context;
        (void)retain_context(context);
    }
    return made(queue, code);
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
    switch (what) {
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

/* --- buffers ------------------------------------------------------------------------------- */

static cl_mem CL_API_CALL create_buffer(cl_context context, cl_mem_flags flags, size_t size,
                                        void *memory, cl_int *code)
{
    (void)context;
    if (size > clr_physical_memory()) {
        *code = CL_INVALID_BUFFER_SIZE;
        return NULL;
    }
    cl_mem buffer = clr_native_object(sizeof *buffer);
    if (!buffer)
        return made(NULL, code);
    buffer->size = size;
    buffer->own = !(flags & CL_MEM_USE_HOST_PTR);
    buffer->memory = buffer->own ? clr_aligned_alloc(size) : memory;
    if (!buffer->memory) {
        free(buffer);
        *code = CL_MEM_OBJECT_ALLOCATION_FAILURE;
        return NULL;
    }
    return made(buffer, code);
}

static cl_int CL_API_CALL retain_buffer(cl_mem buffer)
{
    atomic_fetch_add(&buffer->users, 1);
    return CL_SUCCESS;
}

static cl_int CL_API_CALL release_buffer(cl_mem buffer)
{
    if (atomic_fetch_sub(&buffer->users, 1) == 1) {
        if (buffer->own)
            clr_aligned_free(buffer->memory);
        free(buffer);
    }
    return CL_SUCCESS;
}

static cl_int CL_API_CALL get_buffer_info(cl_mem buffer, cl_mem_info what, size_t room, void *value,
                                          size_t *size)
{
    const cl_mem_object_type type = CL_MEM_OBJECT_BUFFER;
    switch (what) {
    case CL_MEM_TYPE:
        return clr_native_answer(&type, sizeof type, room, value, size);
    case CL_MEM_SIZE:
        return clr_native_answer(&buffer->size, sizeof buffer->size, room, value, size);
    default:
        return CL_INVALID_VALUE;
    }
}

/* Whether it is a buffer of native that has these bytes. */
static cl_int check_range(cl_mem buffer, size_t offset, size_t bytes)
{
    if (!clr_is_native(buffer))
        return CL_INVALID_MEM_OBJECT;
    return bytes <= buffer->size && offset <= buffer->size - bytes ? CL_SUCCESS : CL_INVALID_VALUE;
}

cl_int clr_native_done(cl_uint waits, const cl_event *wait, cl_event *event)
{
    for (cl_uint i = 0; i < waits; i++)
        if (!clr_is_native(wait[i]))
            return CL_INVALID_EVENT_WAIT_LIST;
    if (event)
        *event = &complete;
    return CL_SUCCESS;
}

static cl_int CL_API_CALL write_buffer(cl_command_queue queue, cl_mem buffer, cl_bool wait,
                                       size_t offset, size_t bytes, const void *from, cl_uint waits,
                                       const cl_event *events, cl_event *event)
{
    (void)queue, (void)wait;
    cl_int code = check_range(buffer, offset, bytes);
    if (code == CL_SUCCESS)
        memmove(buffer->memory + offset, from, bytes);
    return code == CL_SUCCESS ? clr_native_done(waits, events, event) : code;
}

static cl_int CL_API_CALL read_buffer(cl_command_queue queue, cl_mem buffer, cl_bool wait,
                                      size_t offset, size_t bytes, void *to, cl_uint waits,
                                      const cl_event *events, cl_event *event)
{
    (void)queue, (void)wait;
    cl_int code = check_range(buffer, offset, bytes);
    if (code == CL_SUCCESS)
        memmove(to, buffer->memory + offset, bytes);
    return code == CL_SUCCESS ? clr_native_done(waits, events, event) : code;
}

static cl_int CL_API_CALL copy_buffer(cl_command_queue queue, cl_mem from, cl_mem to,
                                      size_t from_offset, size_t to_offset, size_t bytes,
                                      cl_uint waits, const cl_event *events, cl_event *event)
{
    (void)queue;
    cl_int code = check_range(from, from_offset, bytes);
    if (code == CL_SUCCESS)
        code = check_range(to, to_offset, bytes);
    if (code == CL_SUCCESS)
        memmove(to->memory + to_offset, from->memory + from_offset, bytes);
    return code == CL_SUCCESS ? clr_native_done(waits, events, event) : code;
}

static cl_int CL_API_CALL fill_buffer(cl_command_queue queue, cl_mem buffer, const void *pattern,
                                      size_t width, size_t offset, size_t bytes, cl_uint waits,
                                      const cl_event *events, cl_event *event)
{
    (void)queue;
    cl_int code = check_range(buffer, offset, bytes);
    bool same = true;
    for (size_t i = 1; i < width; i++)
        same = same && ((const unsigned char *)pattern)[i] == *(const unsigned char *)pattern;
    if (code == CL_SUCCESS && same && bytes)
        memset(buffer->memory + offset, *(const unsigned char *)pattern, bytes);
    for (size_t i = 0; code == CL_SUCCESS && !same && i < bytes; i += width)
        memcpy(buffer->memory + offset + i, pattern, width);
    return code == CL_SUCCESS ? clr_native_done(waits, events, event) : code;
}

static void *CL_API_CALL map_buffer(cl_command_queue queue, cl_mem buffer, cl_bool wait,
                                    cl_map_flags flags, size_t offset, size_t bytes, cl_uint waits,
                                    const cl_event *events, cl_event *event, cl_int *code)
{
    (void)queue, (void)wait, (void)flags;
    *code = check_range(buffer, offset, bytes);
    if (*code == CL_SUCCESS)
        *code = clr_native_done(waits, events, event);
    return *code == CL_SUCCESS ? buffer->memory + offset : NULL;
}

static cl_int CL_API_CALL unmap_buffer(cl_command_queue queue, cl_mem buffer, void *memory,
                                       cl_uint waits, const cl_event *events, cl_event *event)
{
    (void)queue, (void)buffer, (void)memory;
    return clr_native_done(waits, events, event);
}

/* --- events -------------------------------------------------------------------------------- */

static cl_int CL_API_CALL marker(cl_command_queue queue, cl_uint waits, const cl_event *events,
                                 cl_event *event)
{
    (void)queue;
    return clr_native_done(waits, events, event);
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

static const clr_driver table = {
    .clGetPlatformIDs = get_platforms,
    .clGetPlatformInfo = get_platform_info,
    .clGetDeviceIDs = get_devices,
    .clGetDeviceInfo = get_device_info,
    .clCreateContext = create_context,
    .clRetainContext = retain_context,
    .clReleaseContext = release_context,
    .clCreateCommandQueue = create_queue,
    .clRetainCommandQueue = retain_queue,
    .clReleaseCommandQueue = release_queue,
    .clGetCommandQueueInfo = get_queue_info,
    .clCreateBuffer = create_buffer,
    .clRetainMemObject = retain_buffer,
    .clReleaseMemObject = release_buffer,
    .clGetMemObjectInfo = get_buffer_info,
    .clCreateProgramWithSource = clr_native_clCreateProgramWithSource,
    .clCreateProgramWithBinary = clr_native_clCreateProgramWithBinary,
    .clBuildProgram = clr_native_clBuildProgram,
    .clGetProgramInfo = clr_native_clGetProgramInfo,
    .clGetProgramBuildInfo = clr_native_clGetProgramBuildInfo,
    .clReleaseProgram = clr_native_clReleaseProgram,
    .clCreateKernel = clr_native_clCreateKernel,
    .clReleaseKernel = clr_native_clReleaseKernel,
    .clSetKernelArg = clr_native_clSetKernelArg,
    .clGetKernelInfo = clr_native_clGetKernelInfo,
    .clGetKernelWorkGroupInfo = clr_native_clGetKernelWorkGroupInfo,
    .clEnqueueNDRangeKernel = clr_native_clEnqueueNDRangeKernel,
    .clEnqueueWriteBuffer = write_buffer,
    .clEnqueueReadBuffer = read_buffer,
    .clEnqueueCopyBuffer = copy_buffer,
    .clEnqueueFillBuffer = fill_buffer,
    .clEnqueueMapBuffer = map_buffer,
    .clEnqueueUnmapMemObject = unmap_buffer,
    .clEnqueueMarkerWithWaitList = marker,
    .clWaitForEvents = wait_for_events,
    .clGetEventInfo = get_event_info,
    .clRetainEvent = keep_event,
    .clReleaseEvent = keep_event,
    .clFlush = finish,
    .clFinish = finish,
};

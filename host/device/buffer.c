/* SPDX-License-Identifier: MIT
 * device/buffer.c - see device/buffer.h. */
#include "device/buffer.h"

#include "base/log.h"
#include "base/memory.h"
#include "device/context.h"
#include "device/opencl.h"

static clrnn_status create(clrnn_context *context, size_t bytes, void *memory, cl_mem *buffer)
{
    const cl_mem_flags flags = CL_MEM_READ_WRITE | (memory ? CL_MEM_USE_HOST_PTR : 0);
    cl_int code = CL_OUT_OF_RESOURCES;
    *buffer = NULL;
    if (!clr_fault_hit(CLR_FAULT_OPENCL))
        *buffer = clr_cl(context->context)
                      ->clCreateBuffer(context->context, flags, bytes ? bytes : 1, memory, &code);
    if (code == CL_SUCCESS) {
        clr_live_count(+1);
        return CLRNN_OK;
    }
    *buffer = NULL;
    if (code == CL_INVALID_BUFFER_SIZE || code == CL_MEM_OBJECT_ALLOCATION_FAILURE)
        return clr_fail(&context->log, CLRNN_ERR_MEMORY,
                        "%s has no room for a buffer of %zu bytes (%s; it allows %llu in one "
                        "piece): use a smaller model, batch or number of steps",
                        context->info.name, bytes, clr_cl_error_name(code),
                        (unsigned long long)context->info.max_allocation);
    return clr_cl_check(&context->log, code, "clCreateBuffer");
}

clrnn_status clr_buffer_create(clrnn_context *context, size_t bytes, cl_mem *buffer)
{
    return create(context, bytes, NULL, buffer);
}

clrnn_status clr_buffer_wrap(clrnn_context *context, size_t bytes, void *memory, cl_mem *buffer)
{
    return create(context, bytes, memory, buffer);
}

void clr_buffer_destroy(cl_mem *buffer)
{
    if (!buffer || !*buffer)
        return;
    (void)clr_cl(*buffer)->clReleaseMemObject(*buffer);
    *buffer = NULL;
    clr_live_count(-1);
}

clrnn_status clr_buffer_retain(clrnn_context *context, cl_mem buffer)
{
    cl_int code = clr_fault_hit(CLR_FAULT_OPENCL) ? CL_OUT_OF_RESOURCES
                                                  : clr_cl(buffer)->clRetainMemObject(buffer);
    if (code == CL_SUCCESS)
        clr_live_count(+1);
    return clr_cl_check(&context->log, code, "clRetainMemObject");
}

size_t clr_buffer_size(cl_mem buffer)
{
    cl_mem_object_type type = 0;
    size_t bytes = 0;
    if (!buffer ||
        clr_cl(buffer)->clGetMemObjectInfo(buffer, CL_MEM_TYPE, sizeof type, &type, NULL) !=
            CL_SUCCESS ||
        type != CL_MEM_OBJECT_BUFFER ||
        clr_cl(buffer)->clGetMemObjectInfo(buffer, CL_MEM_SIZE, sizeof bytes, &bytes, NULL) !=
            CL_SUCCESS)
        return 0;
    return bytes;
}

/* CLRNN_OK if [offset, offset + bytes) lies within the buffer. */
static clrnn_status check_bounds(const clrnn_context *context, cl_mem buffer, size_t offset,
                                 size_t bytes, const char *what)
{
    size_t size = clr_buffer_size(buffer);
    if (bytes <= size && offset <= size - bytes)
        return CLRNN_OK;
    return clr_fail(&context->log, CLRNN_ERR_RANGE,
                    "cannot %s %zu bytes at offset %zu of a buffer of %zu bytes", what, bytes,
                    offset, size);
}

/* As clr_cl_check; *done, if there is one, is an event now or, after a failure, NULL. */
static clrnn_status got_event(const clrnn_context *context, cl_int code, const char *call,
                              cl_event *done)
{
    if (done && code == CL_SUCCESS)
        clr_live_count(+1);
    else if (done)
        *done = NULL;
    return clr_cl_check(&context->log, code, call);
}

static clrnn_status copy_in(clrnn_context *context, cl_mem buffer, size_t offset, size_t bytes,
                            const void *data, cl_bool wait, cl_event *done)
{
    clrnn_status status = check_bounds(context, buffer, offset, bytes, "write");
    if (status != CLRNN_OK || bytes == 0)
        return status;
    cl_int code = CL_OUT_OF_RESOURCES;
    if (!clr_fault_hit(CLR_FAULT_OPENCL))
        code = clr_cl(context->queue)
                   ->clEnqueueWriteBuffer(context->queue, buffer, wait, offset, bytes, data, 0,
                                          NULL, done);
    if (wait)
        clr_wait_count(context);
    return got_event(context, code, "clEnqueueWriteBuffer", done);
}

clrnn_status clr_buffer_write(clrnn_context *context, cl_mem buffer, size_t offset, size_t bytes,
                              const void *data)
{
    return copy_in(context, buffer, offset, bytes, data, CL_TRUE, NULL);
}

clrnn_status clr_buffer_write_async(clrnn_context *context, cl_mem buffer, size_t offset,
                                    size_t bytes, const void *data)
{
    return copy_in(context, buffer, offset, bytes, data, CL_FALSE, NULL);
}

clrnn_status clr_buffer_write_event(clrnn_context *context, cl_mem buffer, size_t offset,
                                    size_t bytes, const void *data, cl_event *done)
{
    *done = NULL;
    return copy_in(context, buffer, offset, bytes, data, CL_FALSE, done);
}

static clrnn_status copy_out(clrnn_context *context, cl_mem buffer, size_t offset, size_t bytes,
                             void *data, cl_bool wait, cl_event *done)
{
    clrnn_status status = check_bounds(context, buffer, offset, bytes, "read");
    if (status != CLRNN_OK)
        return status;
    if (bytes == 0)
        return wait ? clrnn_context_finish(context) : CLRNN_OK;
    cl_int code = CL_OUT_OF_RESOURCES;
    if (!clr_fault_hit(CLR_FAULT_OPENCL))
        code = clr_cl(context->queue)
                   ->clEnqueueReadBuffer(context->queue, buffer, wait, offset, bytes, data, 0, NULL,
                                         done);
    if (wait)
        clr_wait_count(context);
    return got_event(context, code, "clEnqueueReadBuffer", done);
}

clrnn_status clr_buffer_read(clrnn_context *context, cl_mem buffer, size_t offset, size_t bytes,
                             void *data)
{
    return copy_out(context, buffer, offset, bytes, data, CL_TRUE, NULL);
}

clrnn_status clr_buffer_read_async(clrnn_context *context, cl_mem buffer, size_t offset,
                                   size_t bytes, void *data)
{
    return copy_out(context, buffer, offset, bytes, data, CL_FALSE, NULL);
}

clrnn_status clr_buffer_read_event(clrnn_context *context, cl_mem buffer, size_t offset,
                                   size_t bytes, void *data, cl_event *done)
{
    *done = NULL;
    return copy_out(context, buffer, offset, bytes, data, CL_FALSE, done);
}

static cl_int unmap(clrnn_context *context, cl_mem buffer, void *memory)
{
    return clr_cl(context->queue)
        ->clEnqueueUnmapMemObject(context->queue, buffer, memory, 0, NULL, NULL);
}

clrnn_status clr_buffer_expose(clrnn_context *context, cl_mem buffer, size_t bytes)
{
    void *memory = NULL;
    clrnn_status status = check_bounds(context, buffer, 0, bytes, "expose");
    if (status != CLRNN_OK || bytes == 0)
        return status;
    cl_int code = CL_OUT_OF_RESOURCES;
    if (!clr_fault_hit(CLR_FAULT_OPENCL))
        memory = clr_cl(context->queue)
                     ->clEnqueueMapBuffer(context->queue, buffer, CL_FALSE, CL_MAP_READ, 0, bytes,
                                          0, NULL, NULL, &code);
    status = clr_cl_check(&context->log, code, "clEnqueueMapBuffer");
    if (status != CLRNN_OK)
        return status;
    /* Mapped for reading: unmapping gives nothing back. It is done even on an injected fault. */
    code = unmap(context, buffer, memory);
    if (code == CL_INVALID_VALUE) { /* Mesa 22.3, which must have mapped it first */
        (void)clr_cl(context->queue)->clFinish(context->queue);
        clr_wait_count(context);
        code = unmap(context, buffer, memory);
    }
    return clr_cl_check(&context->log, code, "clEnqueueUnmapMemObject");
}

clrnn_status clr_buffer_zero(clrnn_context *context, cl_mem buffer, size_t offset, size_t bytes)
{
    static const cl_uint zero[4] = {0, 0, 0, 0};
    clrnn_status status = check_bounds(context, buffer, offset, bytes, "zero");
    if (status != CLRNN_OK || bytes == 0)
        return status;
    /* offset and size must be multiples of the pattern; drivers fill fast with a wide one */
    size_t both = offset | bytes;
    size_t pattern = both % sizeof zero == 0 ? sizeof zero : both % sizeof *zero == 0 ? 4 : 1;
    cl_int code = CL_OUT_OF_RESOURCES;
    if (!clr_fault_hit(CLR_FAULT_OPENCL))
        code = clr_cl(context->queue)
                   ->clEnqueueFillBuffer(context->queue, buffer, zero, pattern, offset, bytes, 0,
                                         NULL, NULL);
    return clr_cl_check(&context->log, code, "clEnqueueFillBuffer");
}

clrnn_status clr_buffer_copy(clrnn_context *context, cl_mem from, size_t from_offset, cl_mem to,
                             size_t to_offset, size_t bytes)
{
    clrnn_status status = check_bounds(context, from, from_offset, bytes, "copy from");
    if (status == CLRNN_OK)
        status = check_bounds(context, to, to_offset, bytes, "copy to");
    if (status != CLRNN_OK || bytes == 0)
        return status;
    cl_int code = CL_OUT_OF_RESOURCES;
    if (!clr_fault_hit(CLR_FAULT_OPENCL))
        code = clr_cl(context->queue)
                   ->clEnqueueCopyBuffer(context->queue, from, to, from_offset, to_offset, bytes, 0,
                                         NULL, NULL);
    return clr_cl_check(&context->log, code, "clEnqueueCopyBuffer");
}

clrnn_status clr_flush(clrnn_context *context)
{
    cl_int code = CL_OUT_OF_RESOURCES;
    if (!clr_fault_hit(CLR_FAULT_OPENCL))
        code = clr_cl(context->queue)->clFlush(context->queue);
    return clr_cl_check(&context->log, code, "clFlush");
}

clrnn_status clr_marker(clrnn_context *context, cl_event *event)
{
    *event = NULL;
    cl_int code = CL_OUT_OF_RESOURCES;
    if (!clr_fault_hit(CLR_FAULT_OPENCL))
        code = clr_cl(context->queue)->clEnqueueMarkerWithWaitList(context->queue, 0, NULL, event);
    clrnn_status status = clr_cl_check(&context->log, code, "clEnqueueMarkerWithWaitList");
    if (status == CLRNN_OK)
        status = clr_flush(context);
    if (status != CLRNN_OK && *event) {
        (void)clr_cl(*event)->clReleaseEvent(*event);
        *event = NULL;
    }
    return status;
}

clrnn_status clr_barrier(clrnn_context *context, uint32_t count, const cl_event *events)
{
    cl_int code = CL_OUT_OF_RESOURCES;
    if (!clr_fault_hit(CLR_FAULT_OPENCL))
        code = clr_cl(context->queue)
                   ->clEnqueueBarrierWithWaitList(context->queue, count, events, NULL);
    return clr_cl_check(&context->log, code, "clEnqueueBarrierWithWaitList");
}

bool clr_event_happened(cl_event event)
{
    cl_int status = CL_QUEUED;
    return clr_cl(event)->clGetEventInfo(event, CL_EVENT_COMMAND_EXECUTION_STATUS, sizeof status,
                                         &status, NULL) == CL_SUCCESS &&
           status <= CL_COMPLETE; /* negative: it failed */
}

void clr_event_destroy(cl_event *event)
{
    if (!event || !*event)
        return;
    (void)clr_cl(*event)->clReleaseEvent(*event);
    *event = NULL;
    clr_live_count(-1);
}

/* SPDX-License-Identifier: MIT
 * device/native_buffer.c - buffers of device/native.h. */
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "device/native_objects.h"

static cl_mem CL_API_CALL create_buffer(cl_context context, cl_mem_flags flags, size_t size,
                                        void *memory, cl_int *code)
{
    (void)context;
    if (size > clr_physical_memory())
        return clr_native_refused(CL_INVALID_BUFFER_SIZE, code);
    cl_mem buffer = clr_native_object(sizeof *buffer);
    if (!buffer)
        return clr_native_made(NULL, code);
    buffer->size = size;
    buffer->own = !(flags & CL_MEM_USE_HOST_PTR);
    buffer->memory = buffer->own ? clr_aligned_alloc(size) : memory;
    if (!buffer->memory) {
        free(buffer);
        return clr_native_refused(CL_MEM_OBJECT_ALLOCATION_FAILURE, code);
    }
    return clr_native_made(buffer, code);
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

/* Of so many bytes several threads have a piece each, not less than the other: one reaches two
 * thirds of what memory can. */
static const size_t copied_alone = 1 << 18, least_piece = 1 << 16;

typedef struct copy {
    char *to;
    const char *from;
    size_t bytes, piece;
} copy;

static void copy_piece(void *data, uint32_t index)
{
    const copy *c = data;
    const size_t at = index * c->piece, rest = c->bytes - at;
    memcpy(c->to + at, c->from + at, rest < c->piece ? rest : c->piece);
}

static void copy_bytes(cl_command_queue queue, void *to, const void *from, size_t bytes)
{
    const uintptr_t a = (uintptr_t)to, b = (uintptr_t)from;
    const bool apart = a >= b ? a - b >= bytes : b - a >= bytes;
    const size_t threads = clr_pool_threads(queue->context->pool);
    if (bytes < copied_alone || threads == 1 || !apart) {
        memmove(to, from, bytes);
        return;
    }
    const size_t piece = ((bytes + threads - 1) / threads + 63) / 64 * 64;
    copy c = {to, from, bytes, piece < least_piece ? least_piece : piece};
    clr_pool_run(queue->context->pool, (uint32_t)((bytes + c.piece - 1) / c.piece), copy_piece, &c);
}

static cl_int CL_API_CALL write_buffer(cl_command_queue queue, cl_mem buffer, cl_bool wait,
                                       size_t offset, size_t bytes, const void *from, cl_uint waits,
                                       const cl_event *events, cl_event *event)
{
    (void)wait;
    cl_int code = check_range(buffer, offset, bytes);
    if (code == CL_SUCCESS)
        copy_bytes(queue, buffer->memory + offset, from, bytes);
    return code == CL_SUCCESS ? clr_native_done(waits, events, event) : code;
}

static cl_int CL_API_CALL read_buffer(cl_command_queue queue, cl_mem buffer, cl_bool wait,
                                      size_t offset, size_t bytes, void *to, cl_uint waits,
                                      const cl_event *events, cl_event *event)
{
    (void)wait;
    cl_int code = check_range(buffer, offset, bytes);
    if (code == CL_SUCCESS)
        copy_bytes(queue, to, buffer->memory + offset, bytes);
    return code == CL_SUCCESS ? clr_native_done(waits, events, event) : code;
}

static cl_int CL_API_CALL copy_buffer(cl_command_queue queue, cl_mem from, cl_mem to,
                                      size_t from_offset, size_t to_offset, size_t bytes,
                                      cl_uint waits, const cl_event *events, cl_event *event)
{
    cl_int code = check_range(from, from_offset, bytes);
    if (code == CL_SUCCESS)
        code = check_range(to, to_offset, bytes);
    if (code == CL_SUCCESS && from == to && from_offset < to_offset + bytes &&
        to_offset < from_offset + bytes)
        code = CL_MEM_COPY_OVERLAP;
    if (code == CL_SUCCESS)
        copy_bytes(queue, to->memory + to_offset, from->memory + from_offset, bytes);
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
    cl_int why = check_range(buffer, offset, bytes);
    if (why == CL_SUCCESS)
        why = clr_native_done(waits, events, event);
    return why == CL_SUCCESS ? clr_native_made(buffer->memory + offset, code)
                             : clr_native_refused(why, code);
}

static cl_int CL_API_CALL unmap_buffer(cl_command_queue queue, cl_mem buffer, void *memory,
                                       cl_uint waits, const cl_event *events, cl_event *event)
{
    (void)queue, (void)buffer, (void)memory;
    return clr_native_done(waits, events, event);
}

void clr_native_take_buffers(clr_driver *table)
{
    table->clCreateBuffer = create_buffer;
    table->clRetainMemObject = retain_buffer;
    table->clReleaseMemObject = release_buffer;
    table->clGetMemObjectInfo = get_buffer_info;
    table->clEnqueueWriteBuffer = write_buffer;
    table->clEnqueueReadBuffer = read_buffer;
    table->clEnqueueCopyBuffer = copy_buffer;
    table->clEnqueueFillBuffer = fill_buffer;
    table->clEnqueueMapBuffer = map_buffer;
    table->clEnqueueUnmapMemObject = unmap_buffer;
}

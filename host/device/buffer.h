/* SPDX-License-Identifier: MIT
 * device/buffer.h - device memory. Sizes and offsets in bytes. */
#ifndef CLR_DEVICE_BUFFER_H
#define CLR_DEVICE_BUFFER_H

#include <clrnn/context.h>

/** Make a buffer of at least one byte; contents undefined. On failure *buffer is NULL.
 *  Returns: CLRNN_OK, CLRNN_ERR_MEMORY, CLRNN_ERR_OPENCL. Threads: any. */
clrnn_status clr_buffer_create(clrnn_context *context, size_t bytes, cl_mem *buffer);

/** Release a buffer and set the pointer to NULL; NULL is accepted. */
void clr_buffer_destroy(cl_mem *buffer);

/** Keep the caller's buffer alive; release with clr_buffer_destroy. */
clrnn_status clr_buffer_retain(clrnn_context *context, cl_mem buffer);

/** Size of a buffer, or 0 if it is not one. */
size_t clr_buffer_size(cl_mem buffer);

/** Copy host memory in: it may be reused when the call returns. `bytes` 0 does nothing. */
clrnn_status clr_buffer_write(clrnn_context *context, cl_mem buffer, size_t offset, size_t bytes,
                              const void *data);

/** Enqueue copying in: `data` must stay as it is until the queue has been waited for. */
clrnn_status clr_buffer_write_async(clrnn_context *context, cl_mem buffer, size_t offset,
                                    size_t bytes, const void *data);

/** The same, and an event of its completion, NULL for no bytes or on failure. Ownership: the
 *  caller's, for clr_event_destroy. */
clrnn_status clr_buffer_write_event(clrnn_context *context, cl_mem buffer, size_t offset,
                                    size_t bytes, const void *data, cl_event *done);

/** Wait for the queue and copy out. */
clrnn_status clr_buffer_read(clrnn_context *context, cl_mem buffer, size_t offset, size_t bytes,
                             void *data);

/** Enqueue copying out: `data` may be used when the queue has been waited for. */
clrnn_status clr_buffer_read_async(clrnn_context *context, cl_mem buffer, size_t offset,
                                   size_t bytes, void *data);

/** The same, with an event as that of clr_buffer_write_event. */
clrnn_status clr_buffer_read_event(clrnn_context *context, cl_mem buffer, size_t offset,
                                   size_t bytes, void *data, cl_event *done);

/** Make a buffer of the caller's memory, which must outlive it: on a device that works in the
 *  host's memory nothing is copied. What kernels write to it is there after clr_buffer_expose and a
 *  wait. On failure *buffer is NULL. Returns: as clr_buffer_create. Threads: any. */
clrnn_status clr_buffer_wrap(clrnn_context *context, size_t bytes, void *memory, cl_mem *buffer);
clrnn_status clr_buffer_expose(clrnn_context *context, cl_mem buffer, size_t bytes);

/** Enqueue zeroing, or a copy between buffers (or within one, without overlap). */
clrnn_status clr_buffer_zero(clrnn_context *context, cl_mem buffer, size_t offset, size_t bytes);
clrnn_status clr_buffer_copy(clrnn_context *context, cl_mem from, size_t from_offset, cl_mem to,
                             size_t to_offset, size_t bytes);

/** Have the device begin with what was enqueued so far; does not wait. */
clrnn_status clr_flush(clrnn_context *context);

/** The same; *event, the caller's, happens when all of it is done. On failure it is NULL. */
clrnn_status clr_marker(clrnn_context *context, cl_event *event);

/** What is enqueued from now on begins after these events, which may be of other queues. Returns:
 *  CLRNN_OK, CLRNN_ERR_OPENCL (also for an event that is none: nothing was enqueued). */
clrnn_status clr_barrier(clrnn_context *context, uint32_t count, const cl_event *events);

/** Whether it has happened, well or not; asks and does not wait. Threads: any. */
bool clr_event_happened(cl_event event);

/** Release an event of a copy and set the pointer to NULL; NULL is accepted. */
void clr_event_destroy(cl_event *event);

#endif

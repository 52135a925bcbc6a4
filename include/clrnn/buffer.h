/* SPDX-License-Identifier: MIT
 * clrnn/buffer.h - device memory for the slices of passes, without a call of OpenCL. Whoever has
 * buffers of a context of the device already uses those. Sizes and offsets in bytes.
 *
 * On the device `native` a buffer is memory of this process, aligned to a cache line; its cl_mem is
 * this library's own and no driver's: it can be given to all that takes a clrnn_slice and to the
 * functions below, and to an OpenCL loader as far as that calls what this library has of OpenCL. A
 * buffer of an OpenCL driver cannot be used there, nor one of native's elsewhere: the call is
 * refused with CLRNN_ERR_OPENCL. What is said to enqueue is done when it returns: events are
 * complete, clrnn_context_finish has nothing to wait for, and writing or reading is a copy. */
#ifndef CLRNN_BUFFER_H
#define CLRNN_BUFFER_H

#include <clrnn/context.h>

#ifdef __cplusplus
extern "C" {
#endif

/**
 * Make a buffer of at least one byte; its contents are undefined.
 *
 * Ownership: on success *buffer is the caller's, to be destroyed before the context; plans that
 *            have been given it keep it alive as long as they need it. On failure NULL.
 * Threads:   any.
 * Returns:   CLRNN_OK, CLRNN_ERR_ARGUMENT (NULL), CLRNN_ERR_MEMORY, CLRNN_ERR_OPENCL
 */
CLRNN_API clrnn_status clrnn_buffer_create(clrnn_context *context, size_t bytes, cl_mem *buffer);

/** Give it up and set the pointer to NULL; NULL is accepted. Threads: any. */
CLRNN_API void clrnn_buffer_destroy(cl_mem *buffer);

/**
 * Copy host memory into a buffer, or a buffer into host memory; wait until it is done.
 *
 * Threads: any.
 * Returns: CLRNN_OK, CLRNN_ERR_ARGUMENT (NULL), CLRNN_ERR_RANGE (the buffer is too short; nothing
 *          is copied), CLRNN_ERR_OPENCL
 */
CLRNN_API clrnn_status clrnn_buffer_write(clrnn_context *context, cl_mem buffer, size_t offset,
                                          size_t bytes, const void *from);
CLRNN_API clrnn_status clrnn_buffer_read(clrnn_context *context, cl_mem buffer, size_t offset,
                                         size_t bytes, void *to);

#ifdef __cplusplus
}
#endif
#endif

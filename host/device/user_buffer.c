/* SPDX-License-Identifier: MIT
 * device/user_buffer.c - see clrnn/buffer.h. */
#include <clrnn/buffer.h>

#include "base/log.h"
#include "device/buffer.h"
#include "device/context.h"

/* CLRNN_OK, or what is missing. */
static clrnn_status check(const clrnn_context *context, const void *what, const char *function,
                          const char *name)
{
    if (context && what)
        return CLRNN_OK;
    return clr_fail(context ? &context->log : NULL, CLRNN_ERR_ARGUMENT, "%s: %s is NULL", function,
                    context ? name : "context");
}

clrnn_status clrnn_buffer_create(clrnn_context *context, size_t bytes, cl_mem *buffer)
{
    if (buffer)
        *buffer = NULL;
    clrnn_status status = check(context, buffer, "clrnn_buffer_create", "buffer");
    if (status == CLRNN_OK)
        atomic_store(&context->fixed, true);
    return status == CLRNN_OK ? clr_buffer_create(context, bytes, buffer) : status;
}

void clrnn_buffer_destroy(cl_mem *buffer)
{
    clr_buffer_destroy(buffer);
}

clrnn_status clrnn_buffer_write(clrnn_context *context, cl_mem buffer, size_t offset, size_t bytes,
                                const void *from)
{
    clrnn_status status = check(context, buffer, "clrnn_buffer_write", "buffer");
    if (status == CLRNN_OK)
        status = check(context, from, "clrnn_buffer_write", "from");
    return status == CLRNN_OK ? clr_buffer_write(context, buffer, offset, bytes, from) : status;
}

clrnn_status clrnn_buffer_read(clrnn_context *context, cl_mem buffer, size_t offset, size_t bytes,
                               void *to)
{
    clrnn_status status = check(context, buffer, "clrnn_buffer_read", "buffer");
    if (status == CLRNN_OK)
        status = check(context, to, "clrnn_buffer_read", "to");
    return status == CLRNN_OK ? clr_buffer_read(context, buffer, offset, bytes, to) : status;
}

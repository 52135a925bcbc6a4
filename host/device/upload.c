/* SPDX-License-Identifier: MIT
 * device/upload.c - see device/upload.h. */
#include "device/upload.h"

#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/memory.h"
#include "device/buffer.h"
#include "device/context.h"
#include "device/opencl.h"

/* *free: whether the device has read a slot, or never will. */
static clrnn_status look(clrnn_context *context, clr_slot *slot, bool *free)
{
    cl_int state = CL_COMPLETE, code = CL_OUT_OF_RESOURCES;
    *free = true;
    if (!slot->sent)
        return CLRNN_OK;
    if (!clr_fault_hit(CLR_FAULT_OPENCL))
        code = clr_cl(slot->sent)
                   ->clGetEventInfo(slot->sent, CL_EVENT_COMMAND_EXECUTION_STATUS, sizeof state,
                                    &state, NULL);
    *free = code == CL_SUCCESS && state <= CL_COMPLETE; /* below: it failed */
    if (*free)
        clr_event_destroy(&slot->sent);
    return clr_cl_check(&context->log, code, "clGetEventInfo");
}

/* Whether one slot more, of so many bytes, is not too much. */
static bool may_grow(const clr_uploads *uploads, size_t bytes)
{
    size_t all = bytes;
    for (size_t i = 0; i < uploads->count; i++)
        all = uploads->slots[i].bytes < SIZE_MAX - all ? all + uploads->slots[i].bytes : SIZE_MAX;
    return uploads->never_waits || uploads->count < CLR_UPLOAD_FEW ||
           (uploads->count < CLR_UPLOAD_SLOTS && all <= CLR_UPLOAD_ROOM);
}

/* Wait for the upload that was sent first, *at; all slots are under way. */
static clrnn_status await_oldest(clrnn_context *context, clr_uploads *uploads, size_t *at)
{
    clr_slot *slots = uploads->slots;
    *at = 0;
    for (size_t i = 1; i < uploads->count; i++)
        *at = slots[i].number < slots[*at].number ? i : *at;
    cl_int code = CL_OUT_OF_RESOURCES;
    if (!clr_fault_hit(CLR_FAULT_OPENCL))
        code = clr_cl(slots[*at].sent)->clWaitForEvents(1, &slots[*at].sent);
    clr_wait_count(context);
    if (code == CL_SUCCESS || code == CL_EXEC_STATUS_ERROR_FOR_EVENTS_IN_WAIT_LIST)
        clr_event_destroy(&slots[*at].sent);
    return clr_cl_check(&context->log, code, "clWaitForEvents");
}

static clrnn_status add_slot(clrnn_context *context, clr_uploads *uploads)
{
    if (uploads->count == uploads->room) {
        const size_t room = uploads->room ? 2 * uploads->room : CLR_UPLOAD_FEW;
        clr_slot *slots = clr_calloc(room, sizeof *slots);
        if (!slots)
            return clr_fail(&context->log, CLRNN_ERR_MEMORY,
                            "no memory for %zu copies on their way to the device", room);
        if (uploads->count)
            memcpy(slots, uploads->slots, uploads->count * sizeof *slots);
        free(uploads->slots);
        uploads->slots = slots;
        uploads->room = room;
    }
    uploads->count++;
    return CLRNN_OK;
}

/* A slot that is free, the largest such, or a new one; else one to wait for. */
static clrnn_status find_slot(clrnn_context *context, clr_uploads *uploads, size_t bytes,
                              size_t *at)
{
    size_t best = uploads->count;
    for (size_t i = 0; i < uploads->count; i++) {
        bool free = false;
        clrnn_status status = look(context, &uploads->slots[i], &free);
        if (status != CLRNN_OK)
            return status;
        if (free &&
            (best == uploads->count || uploads->slots[i].bytes > uploads->slots[best].bytes))
            best = i;
    }
    *at = best;
    if (best < uploads->count)
        return CLRNN_OK;
    if (!may_grow(uploads, bytes))
        return await_oldest(context, uploads, at);
    return add_slot(context, uploads);
}

clrnn_status clr_uploads_take(clrnn_context *context, clr_uploads *uploads, size_t bytes,
                              void **memory)
{
    size_t at = 0;
    *memory = NULL;
    clrnn_status status = find_slot(context, uploads, bytes, &at);
    if (status != CLRNN_OK)
        return status;
    clr_slot *slot = &uploads->slots[at];
    if (!slot->memory || slot->bytes < bytes) {
        free(slot->memory);
        slot->bytes = 0;
        slot->memory = clr_calloc(bytes, 1);
        if (!slot->memory)
            return clr_fail(&context->log, CLRNN_ERR_MEMORY,
                            "no memory for a copy of %zu bytes on their way to the device", bytes);
        slot->bytes = bytes;
    }
    uploads->taken = at;
    *memory = slot->memory;
    return CLRNN_OK;
}

clrnn_status clr_uploads_send(clrnn_context *context, clr_uploads *uploads, size_t bytes,
                              cl_mem buffer)
{
    clr_slot *slot = &uploads->slots[uploads->taken];
    clrnn_status status =
        clr_buffer_write_event(context, buffer, 0, bytes, slot->memory, &slot->sent);
    slot->number = uploads->sent++;
    return status;
}

clrnn_status clr_uploads_copy(clrnn_context *context, clr_uploads *uploads, const void *data,
                              size_t bytes, cl_mem buffer)
{
    void *memory = NULL;
    clrnn_status status = clr_uploads_take(context, uploads, bytes, &memory);
    if (status != CLRNN_OK)
        return status;
    memcpy(memory, data, bytes);
    return clr_uploads_send(context, uploads, bytes, buffer);
}

void clr_uploads_free(clr_uploads *uploads)
{
    for (size_t i = 0; i < uploads->count; i++) {
        clr_slot *slot = &uploads->slots[i];
        if (slot->sent)
            (void)clr_cl(slot->sent)->clWaitForEvents(1, &slot->sent);
        clr_event_destroy(&slot->sent);
        free(slot->memory);
    }
    free(uploads->slots);
    *uploads = (clr_uploads){.never_waits = uploads->never_waits};
}

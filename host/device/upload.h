/* SPDX-License-Identifier: MIT
 * device/upload.h - host arrays on their way to the device while nobody waits for it: each lies in
 * a slot until an event says that the device has read it. */
#ifndef CLR_DEVICE_UPLOAD_H
#define CLR_DEVICE_UPLOAD_H

#include <clrnn/context.h>

/* Slots come as they are needed: at most so many, and when there are a few only while all together
 * are not too large. Then the oldest upload is waited for; but not where nobody may wait. */
enum { CLR_UPLOAD_SLOTS = 64, CLR_UPLOAD_FEW = 8 };
#define CLR_UPLOAD_ROOM ((size_t)64 << 20)

typedef struct clr_slot {
    void *memory;
    size_t bytes;
    cl_event sent;   /* NULL = nothing is under way */
    uint64_t number; /* of the upload */
} clr_slot;

/* Zero-initialise. One thread at a time. */
typedef struct clr_uploads {
    bool never_waits; /* as many slots as uploads are ever under way at the same time */
    clr_slot *slots;  /* [room] */
    size_t room;
    size_t count, taken; /* slots that there are; the one that was taken last */
    uint64_t sent;       /* uploads so far */
} clr_uploads;

/**
 * Host memory to fill and then to send; the caller's until then, or until it is taken again.
 * memory: out [bytes], aligned as by malloc, contents undefined; NULL on failure.
 * Returns: CLRNN_OK, CLRNN_ERR_MEMORY, CLRNN_ERR_OPENCL
 */
clrnn_status clr_uploads_take(clrnn_context *context, clr_uploads *uploads, size_t bytes,
                              void **memory);

/** Enqueue copying the memory taken last to the beginning of a buffer. Returns: CLRNN_OK,
 *  CLRNN_ERR_RANGE, CLRNN_ERR_OPENCL, CLRNN_ERR_MEMORY */
clrnn_status clr_uploads_send(clrnn_context *context, clr_uploads *uploads, size_t bytes,
                              cl_mem buffer);

/** Both, for an array of the caller's, which may change when the call returns. */
clrnn_status clr_uploads_copy(clrnn_context *context, clr_uploads *uploads, const void *data,
                              size_t bytes, cl_mem buffer);

/** Wait for what is under way, and free all slots. Accepts one that is zero. */
void clr_uploads_free(clr_uploads *uploads);

#endif

/* SPDX-License-Identifier: MIT
 * layer/host_io.c - the same passes on arrays in host memory: hand them to the device, run, wait
 * once. A CPU device works in the arrays themselves; for others they are copied in and out. */
#include <stdint.h>

#include "base/log.h"
#include "base/memory.h"
#include "device/buffer.h"
#include "layer/empty.h"
#include "layer/pass.h"
#include "layer/staging.h"

/* The arrays of a pass; `inputs` come first within each direction of time. */
enum { X, H0, C0, Y, HN, CN, DY, DHN, DCN, DX, DH0, DC0, DWEIGHTS, ARRAYS };

_Static_assert((int)ARRAYS == (int)CLR_STAGED, "a device copy for each");

/* The arrays of one call. */
typedef struct clr_arrays {
    const void *in[ARRAYS];
    void *out[ARRAYS];
    clrnn_slice slices[ARRAYS];
    bool own[ARRAYS]; /* the slice is the caller's memory, as a buffer of this call */
} clr_arrays;

static clrnn_status staging_of(clrnn_plan *plan, struct clr_staging **out)
{
    clrnn_status status = CLRNN_OK;
    if (!plan->staging)
        plan->staging = clr_calloc(1, sizeof *plan->staging);
    if (!plan->staging)
        return clr_fail(&plan->context->log, CLRNN_ERR_MEMORY, "plan: out of memory");
    if (plan->desc.train && !plan->staging->reserve)
        status =
            clr_buffer_create(plan->context, plan->info.reserve_bytes, &plan->staging->reserve);
    *out = plan->staging;
    return status;
}

/* Elements of array `i` for a pass of these sizes. */
static size_t array_count(const clrnn_plan *plan, const clr_pass *pass, int i)
{
    switch (i) {
    case X:
    case DX:
        return clr_count_x(plan, pass);
    case Y:
    case DY:
        return clr_count_y(plan, pass);
    case C0:
    case CN:
    case DCN:
    case DC0:
        return clr_count_c(plan, pass);
    case DWEIGHTS:
        return plan->network.weights;
    default:
        return clr_count_h(plan, pass);
    }
}

static size_t array_bytes(const clrnn_plan *plan, const clr_pass *pass, int i)
{
    bool sequence = i == X || i == Y;
    return array_count(plan, pass, i) * (sequence ? plan->sequence_bytes : plan->real_bytes);
}

/* Whether the device can work in array i itself: not in an output that overlaps an input. */
static bool works_in(const clrnn_plan *plan, const clr_pass *pass, const clr_arrays *a, int i)
{
    uintptr_t begin = (uintptr_t)a->out[i], end = begin + array_bytes(plan, pass, i);
    bool works = plan->context->info.type & CL_DEVICE_TYPE_CPU;
    for (int j = 0; j < ARRAYS && a->out[i]; j++) {
        uintptr_t other = (uintptr_t)a->in[j];
        works = works && !(other && other < end && begin < other + array_bytes(plan, pass, j));
    }
    return works;
}

/* The slice of array i on the device, absent if the caller does not use it. */
static clrnn_status stage(clrnn_plan *plan, const clr_pass *pass, int i, clr_arrays *a)
{
    const clr_pass largest = {.steps = plan->desc.max_steps, .batch = plan->desc.max_batch};
    clrnn_context *context = plan->context;
    cl_mem *buffer = &plan->staging->device[i];
    size_t bytes = array_bytes(plan, pass, i);
    clrnn_status status = CLRNN_OK;
    if (!a->in[i] && !a->out[i])
        return CLRNN_OK;
    if (works_in(plan, pass, a, i)) {
        /* Kernels only read what only goes in. */
        void *memory = a->out[i] ? a->out[i] : (void *)(uintptr_t)a->in[i];
        status = clr_buffer_wrap(context, bytes, memory, &a->slices[i].buffer);
        a->own[i] = status == CLRNN_OK;
        return status;
    }
    if (!*buffer)
        status = clr_buffer_create(context, array_bytes(plan, &largest, i), buffer);
    a->slices[i].buffer = *buffer;
    if (status == CLRNN_OK && a->in[i])
        status = clr_buffer_write_async(context, *buffer, 0, bytes, a->in[i]);
    return status;
}

/* Slices of all arrays, inputs on their way. Every call is followed by one of leave(). */
static clrnn_status enter(clrnn_plan *plan, const clr_pass *pass, clr_arrays *a)
{
    clrnn_status status = CLRNN_OK;
    for (int i = 0; i < ARRAYS && status == CLRNN_OK; i++)
        status = stage(plan, pass, i, a);
    return status;
}

/* Outputs on their way, if all went well so far, and wait: even after a failure, since what was
 * enqueued works in the caller's memory. */
static clrnn_status leave(clrnn_plan *plan, const clr_pass *pass, clr_arrays *a,
                          clrnn_status status)
{
    clrnn_context *context = plan->context;
    for (int i = 0; i < ARRAYS && status == CLRNN_OK; i++) {
        size_t bytes = array_bytes(plan, pass, i);
        if (a->out[i])
            status = a->own[i]
                         ? clr_buffer_expose(context, a->slices[i].buffer, bytes)
                         : clr_buffer_read_async(context, a->slices[i].buffer, 0, bytes, a->out[i]);
    }
    clrnn_status finished = clrnn_context_finish(context);
    for (int i = 0; i < ARRAYS; i++)
        if (a->own[i])
            clr_buffer_destroy(&a->slices[i].buffer);
    clr_plan_poll_errors(plan);
    return status == CLRNN_OK ? finished : status;
}

/* Sizes of the call, checked before anything is copied. */
static clrnn_status sizes(const clrnn_plan *plan, const clrnn_host_io *io, clr_pass *pass)
{
    const clrnn_log *log = &plan->context->log;
    *pass = (clr_pass){.steps = io->steps ? io->steps : plan->desc.max_steps,
                       .batch = io->batch ? io->batch : plan->desc.max_batch};
    if (pass->steps > plan->desc.max_steps || pass->batch > plan->desc.max_batch)
        return clr_fail(log, CLRNN_ERR_RANGE,
                        "pass: T=%u N=%u, but the plan is for T=%u N=%u at most", pass->steps,
                        pass->batch, plan->desc.max_steps, plan->desc.max_batch);
    if (!io->x)
        return clr_fail(log, CLRNN_ERR_ARGUMENT, "forward: x is NULL");
    return CLRNN_OK;
}

static clrnn_forward_io forward_io(const clrnn_plan *plan, const clrnn_host_io *io,
                                   const clrnn_slice slices[ARRAYS])
{
    return (clrnn_forward_io){.steps = io->steps,
                              .batch = io->batch,
                              .lengths = io->lengths,
                              .mask = io->mask,
                              .resets = io->resets,
                              .repeat = io->repeat,
                              .padding = io->padding,
                              .x = slices[X],
                              .h0 = slices[H0],
                              .c0 = slices[C0],
                              .y = slices[Y],
                              .hn = slices[HN],
                              .cn = slices[CN],
                              .reserve = {plan->staging->reserve, 0},
                              .dropout_seed = io->dropout_seed,
                              .dropout_index = io->dropout_index};
}

clrnn_status clrnn_forward_host(clrnn_plan *plan, const clrnn_host_io *io)
{
    if (!plan)
        return CLRNN_ERR_ARGUMENT;
    if (!io)
        return clr_fail(&plan->context->log, CLRNN_ERR_ARGUMENT, "forward: io is NULL");
    if (clr_is_empty(io->steps, io->batch))
        return clr_empty_forward_host(plan, io);
    clr_arrays a = {.in = {[X] = io->x, [H0] = io->h0, [C0] = io->c0},
                    .out = {[Y] = io->y, [HN] = io->hn, [CN] = io->cn}};
    struct clr_staging *staging = NULL;
    clr_pass pass;
    clrnn_status status = sizes(plan, io, &pass);
    if (status == CLRNN_OK)
        status = staging_of(plan, &staging);
    if (status != CLRNN_OK)
        return status;
    status = enter(plan, &pass, &a);
    if (status == CLRNN_OK) {
        const clrnn_forward_io device = forward_io(plan, io, a.slices);
        staging->forward_done = false;
        status = clrnn_forward(plan, &device, NULL);
    }
    status = leave(plan, &pass, &a, status);
    if (status == CLRNN_OK)
        staging->forward_done = true;
    return status;
}

clrnn_status clrnn_backward_host(clrnn_plan *plan, const clrnn_host_io *io)
{
    if (!plan)
        return CLRNN_ERR_ARGUMENT;
    if (io && plan->desc.train && clr_is_empty(io->steps, io->batch))
        return clr_empty_backward_host(plan, io);
    if (!io || !plan->desc.train || !plan->staging || !plan->staging->forward_done)
        return clr_fail(&plan->context->log, CLRNN_ERR_ARGUMENT, "backward: %s",
                        !io                 ? "io is NULL"
                        : !plan->desc.train ? "the plan does not train"
                                            : "there was no forward pass before it");
    clr_arrays a = {
        .in = {[X] = io->x,
               [H0] = io->h0,
               [C0] = io->c0,
               [DY] = io->dy,
               [DHN] = io->dhn,
               [DCN] = io->dcn},
        .out = {[DX] = io->dx, [DH0] = io->dh0, [DC0] = io->dc0, [DWEIGHTS] = io->dweights}};
    clr_pass pass;
    clrnn_status status = sizes(plan, io, &pass);
    if (status != CLRNN_OK)
        return status;
    status = enter(plan, &pass, &a);
    if (status == CLRNN_OK) {
        const clrnn_backward_io device = {.forward = forward_io(plan, io, a.slices),
                                          .dy = a.slices[DY],
                                          .dhn = a.slices[DHN],
                                          .dcn = a.slices[DCN],
                                          .dx = a.slices[DX],
                                          .dh0 = a.slices[DH0],
                                          .dc0 = a.slices[DC0],
                                          .dweights = a.slices[DWEIGHTS]};
        status = clrnn_backward(plan, &device, NULL);
    }
    return leave(plan, &pass, &a, status);
}

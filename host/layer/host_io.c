/* SPDX-License-Identifier: MIT
 * layer/host_io.c - the same passes on arrays in host memory: copy in, run, wait, copy out. */
#include <stdlib.h>

#include "base/log.h"
#include "base/memory.h"
#include "device/buffer.h"
#include "layer/plan.h"

/* The arrays of a pass; `inputs` come first within each direction of time. */
enum { X, H0, C0, Y, HN, CN, DY, DHN, DCN, DX, DH0, DC0, DWEIGHTS, ARRAYS };

/* Device copies, each made at its first use, for the plan's largest T and N. */
struct clr_staging {
    cl_mem device[ARRAYS];
    cl_mem reserve;
    bool forward_done; /* the reserve belongs to a forward pass */
};

void clr_staging_free(struct clr_staging **staging)
{
    if (!*staging)
        return;
    for (int i = 0; i < ARRAYS; i++)
        clr_buffer_destroy(&(*staging)->device[i]);
    clr_buffer_destroy(&(*staging)->reserve);
    free(*staging);
    *staging = NULL;
}

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

/* The slice of array i on the device, absent if the caller does not use it. */
static clrnn_status stage(clrnn_plan *plan, int i, bool used, clrnn_slice *slice)
{
    const clr_pass largest = {.steps = plan->desc.max_steps, .batch = plan->desc.max_batch};
    cl_mem *buffer = &plan->staging->device[i];
    clrnn_status status = CLRNN_OK;
    if (used && !*buffer)
        status = clr_buffer_create(plan->context, array_count(plan, &largest, i) * plan->real_bytes,
                                   buffer);
    *slice = (clrnn_slice){used ? *buffer : NULL, 0};
    return status;
}

/* What both directions of a pass need: slices of every array in `mask`, inputs copied in. */
static clrnn_status copy_in(clrnn_plan *plan, const clr_pass *pass, const void *const in[ARRAYS],
                            void *const out[ARRAYS], clrnn_slice slices[ARRAYS])
{
    clrnn_status status = CLRNN_OK;
    for (int i = 0; i < ARRAYS && status == CLRNN_OK; i++) {
        status = stage(plan, i, in[i] || out[i], &slices[i]);
        if (status == CLRNN_OK && in[i])
            status = clr_buffer_write(plan->context, slices[i].buffer, 0,
                                      array_count(plan, pass, i) * plan->real_bytes, in[i]);
    }
    return status;
}

static clrnn_status copy_out(clrnn_plan *plan, const clr_pass *pass, void *const out[ARRAYS],
                             const clrnn_slice slices[ARRAYS])
{
    clrnn_status status = CLRNN_OK;
    for (int i = 0; i < ARRAYS && status == CLRNN_OK; i++)
        if (out[i])
            status = clr_buffer_read(plan->context, slices[i].buffer, 0,
                                     array_count(plan, pass, i) * plan->real_bytes, out[i]);
    if (status == CLRNN_OK)
        status = clrnn_context_finish(plan->context);
    if (status == CLRNN_OK)
        clr_plan_notice(plan);
    return status;
}

/* Sizes of the call, checked before anything is copied. */
static clrnn_status sizes(const clrnn_plan *plan, const clrnn_host_io *io, clr_pass *pass)
{
    const clrnn_log *log = &plan->context->log;
    *pass = (clr_pass){.steps = io->steps ? io->steps : plan->desc.max_steps,
                       .batch = io->batch ? io->batch : plan->desc.max_batch};
    if (pass->steps > plan->desc.max_steps || pass->batch > plan->desc.max_batch)
        return clr_fail(log, CLRNN_ERR_RANGE, "T=%u N=%u, but the plan is for T=%u N=%u at most",
                        pass->steps, pass->batch, plan->desc.max_steps, plan->desc.max_batch);
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
    const void *const in[ARRAYS] = {[X] = io->x, [H0] = io->h0, [C0] = io->c0};
    void *const out[ARRAYS] = {[Y] = io->y, [HN] = io->hn, [CN] = io->cn};
    struct clr_staging *staging = NULL;
    clrnn_slice slices[ARRAYS];
    clr_pass pass;
    clrnn_status status = sizes(plan, io, &pass);
    if (status == CLRNN_OK)
        status = staging_of(plan, &staging);
    if (status == CLRNN_OK)
        status = copy_in(plan, &pass, in, out, slices);
    if (status == CLRNN_OK) {
        const clrnn_forward_io device = forward_io(plan, io, slices);
        staging->forward_done = false;
        status = clrnn_forward(plan, &device, NULL);
    }
    if (status == CLRNN_OK)
        status = copy_out(plan, &pass, out, slices);
    if (status == CLRNN_OK)
        staging->forward_done = true;
    return status;
}

clrnn_status clrnn_backward_host(clrnn_plan *plan, const clrnn_host_io *io)
{
    if (!plan)
        return CLRNN_ERR_ARGUMENT;
    if (!io || !plan->desc.train || !plan->staging || !plan->staging->forward_done)
        return clr_fail(&plan->context->log, CLRNN_ERR_ARGUMENT, "backward: %s",
                        !io                 ? "io is NULL"
                        : !plan->desc.train ? "the plan does not train"
                                            : "there was no forward pass before it");
    const void *const in[ARRAYS] = {
        [X] = io->x, [H0] = io->h0, [C0] = io->c0, [DY] = io->dy, [DHN] = io->dhn, [DCN] = io->dcn};
    void *const out[ARRAYS] = {
        [DX] = io->dx, [DH0] = io->dh0, [DC0] = io->dc0, [DWEIGHTS] = io->dweights};
    clrnn_slice slices[ARRAYS];
    clr_pass pass;
    clrnn_status status = sizes(plan, io, &pass);
    if (status == CLRNN_OK)
        status = copy_in(plan, &pass, in, out, slices);
    if (status == CLRNN_OK) {
        const clrnn_backward_io device = {.forward = forward_io(plan, io, slices),
                                          .dy = slices[DY],
                                          .dhn = slices[DHN],
                                          .dcn = slices[DCN],
                                          .dx = slices[DX],
                                          .dh0 = slices[DH0],
                                          .dc0 = slices[DC0],
                                          .dweights = slices[DWEIGHTS]};
        status = clrnn_backward(plan, &device, NULL);
    }
    if (status == CLRNN_OK)
        status = copy_out(plan, &pass, out, slices);
    return status;
}

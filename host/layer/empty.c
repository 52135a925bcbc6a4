/* SPDX-License-Identifier: MIT
 * layer/empty.c - see layer/empty.h. */
#include "layer/empty.h"

#include <string.h>

#include "base/log.h"
#include "device/buffer.h"
#include "layer/pass.h"

bool clr_is_empty(uint32_t steps, uint32_t batch)
{
    return steps == CLRNN_NONE || batch == CLRNN_NONE;
}

/* The rows of such a pass. lengths: [N] or NULL; without steps each is 0. */
static clrnn_status pass_of(const clrnn_plan *plan, uint32_t steps, uint32_t batch,
                            const uint32_t *lengths, clr_pass *pass)
{
    *pass = (clr_pass){.batch = batch == CLRNN_NONE ? 0 : batch ? batch : plan->desc.max_batch};
    if (pass->batch > plan->desc.max_batch)
        return clr_fail(&plan->context->log, CLRNN_ERR_RANGE,
                        "pass: N=%u, but the plan is for N=%u at most", batch,
                        plan->desc.max_batch);
    if (steps != CLRNN_NONE && steps > plan->desc.max_steps)
        return clr_fail(&plan->context->log, CLRNN_ERR_RANGE,
                        "pass: T=%u, but the plan is for T=%u at most", steps,
                        plan->desc.max_steps);
    for (uint32_t n = 0; lengths && n < pass->batch; n++)
        if (lengths[n])
            return clr_fail(&plan->context->log, CLRNN_ERR_RANGE,
                            "pass: lengths[%u] is %u, but there are no steps", n, lengths[n]);
    return CLRNN_OK;
}

/* What one call has, of both directions of a pass. */
typedef struct clr_through {
    clrnn_slice from, to;
    size_t count;
    const char *from_name, *to_name;
} clr_through;

static clrnn_status copy_all(clrnn_plan *plan, const clr_through *all, size_t count)
{
    clrnn_context *context = plan->context;
    const size_t real = plan->real_bytes;
    clrnn_status status = CLRNN_OK;
    for (size_t i = 0; i < count && status == CLRNN_OK; i++) {
        status = clr_slice_check(plan, all[i].from, all[i].count, real, all[i].from_name);
        if (status == CLRNN_OK)
            status = clr_slice_check(plan, all[i].to, all[i].count, real, all[i].to_name);
    }
    for (size_t i = 0; i < count && status == CLRNN_OK; i++) {
        const clr_through *t = &all[i];
        bool there = t->from.buffer == t->to.buffer && t->from.offset == t->to.offset;
        if (!t->to.buffer || t->count == 0 || there)
            continue;
        status = t->from.buffer
                     ? clr_buffer_copy(context, t->from.buffer, t->from.offset * real, t->to.buffer,
                                       t->to.offset * real, t->count * real)
                     : clr_buffer_zero(context, t->to.buffer, t->to.offset * real, t->count * real);
    }
    return status;
}

static clrnn_status wait_for(clrnn_plan *plan, const clrnn_forward_io *io)
{
    if (io->wait_count > 0 && !io->wait_list)
        return clr_fail(&plan->context->log, CLRNN_ERR_ARGUMENT,
                        "forward: wait_list is NULL, wait_count is %u", io->wait_count);
    return io->wait_count ? clr_barrier(plan->context, io->wait_count, io->wait_list) : CLRNN_OK;
}

clrnn_status clr_empty_forward(clrnn_plan *plan, const clrnn_forward_io *io, cl_event *done)
{
    clr_pass pass;
    clrnn_status status = pass_of(plan, io->steps, io->batch, io->lengths, &pass);
    const clr_through all[] = {
        {io->h0, io->hn, clr_count_h(plan, &pass), "h0", "hn"},
        {io->c0, io->cn, plan->network.has_cell_state ? clr_count_c(plan, &pass) : 0, "c0", "cn"}};
    if (status == CLRNN_OK)
        status = wait_for(plan, io);
    if (status == CLRNN_OK)
        status = copy_all(plan, all, sizeof all / sizeof *all);
    return status == CLRNN_OK ? clr_pass_end(plan, done) : status;
}

clrnn_status clr_empty_backward(clrnn_plan *plan, const clrnn_backward_io *io, cl_event *done)
{
    clr_pass pass;
    clrnn_status status =
        pass_of(plan, io->forward.steps, io->forward.batch, io->forward.lengths, &pass);
    const clr_through all[] = {
        {io->dhn, io->dh0, clr_count_h(plan, &pass), "dhn", "dh0"},
        {io->dcn, io->dc0, plan->network.has_cell_state ? clr_count_c(plan, &pass) : 0, "dcn",
         "dc0"},
        {{NULL, 0}, io->dweights, io->accumulate ? 0 : plan->network.weights, "", "dweights"}};
    if (status == CLRNN_OK)
        status = wait_for(plan, &io->forward);
    if (status == CLRNN_OK)
        status = copy_all(plan, all, sizeof all / sizeof *all);
    return status == CLRNN_OK ? clr_pass_end(plan, done) : status;
}

/* --- host memory ----------------------------------------------------------------------------- */

static void move(void *to, const void *from, size_t bytes)
{
    if (to && from)
        memmove(to, from, bytes);
    else if (to)
        memset(to, 0, bytes);
}

clrnn_status clr_empty_forward_host(clrnn_plan *plan, const clrnn_host_io *io)
{
    clr_pass pass;
    clrnn_status status = pass_of(plan, io->steps, io->batch, io->lengths, &pass);
    if (status != CLRNN_OK)
        return status;
    move(io->hn, io->h0, clr_count_h(plan, &pass) * plan->real_bytes);
    if (plan->network.has_cell_state)
        move(io->cn, io->c0, clr_count_c(plan, &pass) * plan->real_bytes);
    return CLRNN_OK;
}

clrnn_status clr_empty_backward_host(clrnn_plan *plan, const clrnn_host_io *io)
{
    clr_pass pass;
    clrnn_status status = pass_of(plan, io->steps, io->batch, io->lengths, &pass);
    if (status != CLRNN_OK)
        return status;
    move(io->dh0, io->dhn, clr_count_h(plan, &pass) * plan->real_bytes);
    if (plan->network.has_cell_state)
        move(io->dc0, io->dcn, clr_count_c(plan, &pass) * plan->real_bytes);
    move(io->dweights, NULL, plan->network.weights * plan->real_bytes);
    return CLRNN_OK;
}

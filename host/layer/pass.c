/* SPDX-License-Identifier: MIT
 * layer/pass.c - see layer/pass.h. */
#include "layer/pass.h"

#include "base/log.h"
#include "device/buffer.h"

size_t clr_count_x(const clrnn_plan *plan, const clr_pass *pass)
{
    return (size_t)pass->steps * pass->batch * plan->network.desc.input_size;
}

size_t clr_count_y(const clrnn_plan *plan, const clr_pass *pass)
{
    return (size_t)pass->steps * pass->batch * plan->network.directions * plan->network.state_size;
}

size_t clr_count_h(const clrnn_plan *plan, const clr_pass *pass)
{
    const clr_network *n = &plan->network;
    return (size_t)n->layers * n->directions * pass->batch * n->state_size;
}

size_t clr_count_c(const clrnn_plan *plan, const clr_pass *pass)
{
    const clr_network *n = &plan->network;
    return (size_t)n->layers * n->directions * pass->batch * n->desc.hidden_size;
}

static clrnn_status check_presence(const clrnn_plan *plan, const clrnn_forward_io *io)
{
    const clrnn_log *log = &plan->context->log;
    clrnn_status status = clr_plan_check_weights(plan, "forward");
    if (status != CLRNN_OK)
        return status;
    if (!io->x.buffer)
        return clr_fail(log, CLRNN_ERR_ARGUMENT, "forward: x is absent");
    if (io->wait_count > 0 && !io->wait_list)
        return clr_fail(log, CLRNN_ERR_ARGUMENT, "forward: wait_list is NULL, wait_count is %u",
                        io->wait_count);
    if (!plan->network.has_cell_state && (io->c0.buffer || io->cn.buffer))
        return clr_fail(log, CLRNN_ERR_ARGUMENT, "forward: %s is given, but belongs to LSTM only",
                        io->c0.buffer ? "c0" : "cn");
    if (plan->desc.train != (io->reserve.buffer != NULL))
        return clr_fail(log, CLRNN_ERR_ARGUMENT, "forward: the reserve is %s",
                        plan->desc.train ? "absent, but the plan trains"
                                         : "present, but the plan does not train");
    return CLRNN_OK;
}

static clrnn_status check_slices(const clrnn_plan *plan, const clrnn_forward_io *io,
                                 const clr_pass *pass)
{
    const struct {
        clrnn_slice slice;
        size_t count, bytes;
        const char *name;
    } all[] = {{io->x, clr_count_x(plan, pass), plan->sequence_bytes, "x"},
               {io->h0, clr_count_h(plan, pass), plan->real_bytes, "h0"},
               {io->c0, clr_count_c(plan, pass), plan->real_bytes, "c0"},
               {io->y, clr_count_y(plan, pass), plan->sequence_bytes, "y"},
               {io->hn, clr_count_h(plan, pass), plan->real_bytes, "hn"},
               {io->cn, clr_count_c(plan, pass), plan->real_bytes, "cn"},
               {io->reserve, pass->layout.total, plan->real_bytes, "reserve"}};
    clrnn_status status = CLRNN_OK;
    for (size_t i = 0; i < sizeof all / sizeof *all && status == CLRNN_OK; i++)
        status = clr_slice_check(plan, all[i].slice, all[i].count, all[i].bytes, all[i].name);
    return status;
}

static clrnn_status check_lengths(const clrnn_plan *plan, const uint32_t *lengths,
                                  const clr_pass *pass)
{
    for (uint32_t n = 0; lengths && n < pass->batch; n++)
        if (lengths[n] > pass->steps)
            return clr_fail(&plan->context->log, CLRNN_ERR_RANGE,
                            "pass: lengths[%u] is %u, more than the %u steps", n, lengths[n],
                            pass->steps);
    return CLRNN_OK;
}

clrnn_status clr_pass_begin(clrnn_plan *plan, const clrnn_forward_io *io, clr_pass *pass)
{
    const clrnn_log *log = &plan->context->log;
    clr_pass p = {.steps = io->steps ? io->steps : plan->desc.max_steps,
                  .batch = io->batch ? io->batch : plan->desc.max_batch,
                  .ragged = io->lengths != NULL};
    if (p.steps > plan->desc.max_steps || p.batch > plan->desc.max_batch)
        return clr_fail(log, CLRNN_ERR_RANGE,
                        "pass: T=%u N=%u, but the plan is for T=%u N=%u at most", p.steps, p.batch,
                        plan->desc.max_steps, plan->desc.max_batch);
    uint32_t chunk = p.steps < plan->chunk ? p.steps : plan->chunk;
    p.workspace = plan->desc.train ? io->reserve.buffer : plan->workspace;
    p.workspace_at = plan->desc.train ? io->reserve.offset : 0;
    clrnn_status status = check_presence(plan, io);
    if (status == CLRNN_OK)
        status = plan->desc.train
                     ? clr_layout_train(&plan->network, p.steps, p.batch, log, &p.layout)
                     : clr_layout_infer(&plan->network, p.steps, chunk, p.batch, log, &p.layout);
    if (status == CLRNN_OK)
        status = check_slices(plan, io, &p);
    if (status == CLRNN_OK)
        status = check_lengths(plan, io->lengths, &p);
    *pass = p;
    return status;
}

clrnn_status clr_pass_start(clrnn_plan *plan, const clrnn_forward_io *io, const clr_pass *pass)
{
    clrnn_status status = CLRNN_OK;
    clr_plan_poll_errors(plan);
    if (io->wait_count > 0)
        status = clr_barrier(plan->context, io->wait_count, io->wait_list);
    if (status == CLRNN_OK && pass->ragged)
        status = clr_uploads_copy(plan->context, &plan->uploads, io->lengths,
                                  pass->batch * sizeof(cl_int), plan->lengths);
    return status;
}

clrnn_status clr_pass_end(clrnn_plan *plan, cl_event *done)
{
    clrnn_status status = clr_plan_report(plan);
    if (status != CLRNN_OK)
        return status;
    return done ? clr_marker(plan->context, done) : clr_flush(plan->context);
}

clr_matrix clr_layer_input(const clrnn_plan *plan, const clr_pass *pass, clrnn_slice x,
                           uint32_t layer)
{
    if (layer == 0)
        return (clr_matrix){x.buffer, x.offset, plan->network.desc.input_size};
    return (clr_matrix){pass->workspace,
                        pass->workspace_at + clr_layout_y(&pass->layout, layer - 1),
                        (size_t)plan->network.directions * plan->network.state_size};
}

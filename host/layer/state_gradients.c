/* SPDX-License-Identifier: MIT
 * layer/state_gradients.c - see layer/state_gradients.h. */
#include "layer/state_gradients.h"

#include "device/buffer.h"
#include "layer/strategy.h"

clrnn_status clr_plan_want_tracer(clrnn_plan *plan)
{
    return plan->tracer.context
               ? CLRNN_OK
               : clr_tracer_init(plan->context, plan->desc.precision, &plan->tracer);
}

trace_block clr_trace_block(const clr_pass *pass, uint32_t first_step, uint32_t steps,
                            uint64_t units)
{
    return (trace_block){.steps = steps,
                         .rows = pass->batch,
                         .units = units,
                         .first_step = first_step,
                         .batch = pass->batch,
                         .has_lengths = pass->flagged  ? HAS_FLAGS
                                        : pass->ragged ? HAS_LENGTHS
                                                       : 0};
}

cl_mem clr_trace_lengths(const clrnn_plan *plan, const clr_pass *pass)
{
    return pass->flagged ? plan->flags : plan->lengths;
}

/* Where in a caller's array [L*D,T,N,width] step t of a scan lies. */
static clrnn_slice step_of(const clrnn_plan *plan, const clr_pass *pass, const clr_scan *w,
                           clrnn_slice array, uint32_t t, size_t width)
{
    const size_t cell = (size_t)w->layer * plan->network.directions + w->direction;
    array.offset += (cell * pass->steps + t) * pass->batch * width;
    return array;
}

/* The gradient of the state after step t, which has come back as far as that step; none has to a
 * state that the step after it has not taken over. */
static clrnn_status keep(clrnn_plan *plan, const clr_pass *pass, const clr_scan *w, cl_mem from,
                         size_t at, clrnn_slice array, uint32_t t, size_t width)
{
    const size_t N = pass->batch, bytes = plan->real_bytes;
    const clr_live uncut = {plan->flags, w->down ? FLAG_CUT_DOWN : FLAG_CUT_UP, 0};
    const clrnn_slice to = step_of(plan, pass, w, array, t, width);
    const clr_matrix kept = {to.buffer, to.offset, width};
    clrnn_status status = clr_buffer_copy(plan->context, from, at * bytes, to.buffer,
                                          to.offset * bytes, N * width * bytes);
    if (status == CLRNN_OK && pass->flagged)
        status = clr_mask(&plan->sequence, kept, kept, uncut, (size_t)t * N, N, N, width, 0);
    return status;
}

static clrnn_status keep_both(clrnn_plan *plan, const clr_pass *pass, const clr_scan *w,
                              clrnn_slice dh, clrnn_slice dc, uint32_t t)
{
    const clr_network *n = &plan->network;
    const clr_flow flow = clr_flow_of(plan, w);
    clrnn_status status = CLRNN_OK;
    if (dh.buffer)
        status = keep(plan, pass, w, plan->dh, flow.dh, dh, t, n->state_size);
    if (status == CLRNN_OK && dc.buffer)
        status = keep(plan, pass, w, plan->dc, flow.dc, dc, t, n->desc.hidden_size);
    return status;
}

/* dh_t += dy_t, of all steps that count. */
static clrnn_status add_outputs(clrnn_plan *plan, const clr_pass *pass, const clr_scan *w,
                                clrnn_slice dh)
{
    const size_t R = plan->network.state_size, N = pass->batch;
    const clrnn_slice to = step_of(plan, pass, w, dh, 0, R);
    const trace_view source = {w->y.offset, N * w->y_stride, w->y_stride};
    const trace_view target = {to.offset, N * R, R};
    const trace_block block = clr_trace_block(pass, 0, pass->steps, R);
    if (!dh.buffer || !w->y.buffer)
        return CLRNN_OK;
    return clr_trace_add(&plan->tracer, w->y.buffer, &source, to.buffer, &target, &block,
                         clr_trace_lengths(plan, pass));
}

clrnn_status clr_scan_back_by_steps(clrnn_plan *plan, const clr_pass *pass, const clr_scan *scans,
                                    uint32_t count, clrnn_slice dh, clrnn_slice dc)
{
    clrnn_status status = clr_plan_want_tracer(plan);
    for (uint32_t i = 0; i < pass->steps && status == CLRNN_OK; i++) {
        clr_scan one[2];
        for (uint32_t d = 0; d < count && status == CLRNN_OK; d++) {
            one[d] = scans[d];
            one[d].begin = scans[d].down ? i : pass->steps - 1 - i;
            one[d].end = one[d].begin + 1;
            status = keep_both(plan, pass, &one[d], dh, dc, one[d].begin);
        }
        if (status == CLRNN_OK)
            status = plan->strategy->backward(plan, one, count);
    }
    for (uint32_t d = 0; d < count && status == CLRNN_OK; d++)
        status = add_outputs(plan, pass, &scans[d], dh);
    return status;
}

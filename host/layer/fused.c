/* SPDX-License-Identifier: MIT
 * layer/fused.c - the strategy for GPUs and many rows: a launch for each phase of a step, whose
 * product ends in the cell, of all directions of a layer. */
#include <stdlib.h>

#include "base/log.h"
#include "base/memory.h"
#include "layer/scan.h"
#include "layer/strategy.h"
#include "math/fused.h"

static clr_fused *state_of(const clrnn_plan *plan)
{
    return plan->state;
}

static const char *refuses(clrnn_context *context, const clr_network *network,
                           const clrnn_plan_desc *desc)
{
    if (network->normed)
        return "layer norm needs the sums of all units at once; use stepwise";
    if (desc->train && network->desc.recurrent_dropout > 0)
        return "recurrent dropout changes what a step multiplies before it does; use stepwise";
    return clr_fused_refuses(context, desc->precision);
}

static clrnn_status init(clrnn_plan *plan)
{
    const clrnn_plan_desc *d = &plan->desc;
    clr_fused *fused = plan->state = clr_calloc(1, sizeof *fused);
    if (!fused)
        return clr_fail(&plan->context->log, CLRNN_ERR_MEMORY, "plan: out of memory");
    clrnn_status status = clr_fused_init(plan->context, &plan->network, d->precision, d->weights,
                                         d->train, d->max_batch, fused);
    return status == CLRNN_OK ? clr_gemms_prepare(&plan->gemms) : status;
}

static void release(clrnn_plan *plan)
{
    if (!plan->state)
        return;
    clr_fused_free(state_of(plan));
    free(plan->state);
}

static clrnn_status forward(clrnn_plan *plan, const clr_scan *scans, size_t count)
{
    const clr_network *n = &plan->network;
    const uint32_t steps = scans->end - scans->begin;
    const uint32_t phases = n->form->phases + (n->desc.proj_size > 0);
    clr_forward_scan f = clr_forward_scan_of(plan, scans, count, 0, steps);
    f.panels = plan->packed.buffer;
    f.launch.used = (cl_uint)count;
    clrnn_status status = CLRNN_OK;
    for (size_t i = 0; i < count && status == CLRNN_OK; i++)
        status = clr_scan_inputs(plan, &scans[i]);
    for (uint32_t k = 0; k < steps * phases && status == CLRNN_OK; k++)
        status = clr_fused_forward(state_of(plan), &f, k / phases, k % phases);
    return status;
}

static clrnn_status backward(clrnn_plan *plan, const clr_scan *scans, size_t count)
{
    const clr_network *n = &plan->network;
    const uint32_t steps = scans->end - scans->begin;
    const bool second = n->form->phases > 1 || n->desc.proj_size > 0;
    clr_backward_scan b = clr_backward_scan_of(plan, scans, count, 0, steps);
    b.panels = plan->packed.buffer;
    b.launch.used = (cl_uint)count;
    clrnn_status status = clr_fused_back_first(state_of(plan), &b);
    for (uint32_t k = 0; k < steps && status == CLRNN_OK; k++) {
        if (second)
            status = clr_fused_back_second(state_of(plan), &b, k);
        if (status == CLRNN_OK)
            status = clr_fused_back(state_of(plan), &b, k);
    }
    return status;
}

const clr_strategy clr_strategy_fused = {
    .name = "fused",
    .id = CLRNN_STRATEGY_FUSED,
    .reason = "on a GPU one launch for a step of many rows, whose product ends in the cell, saves "
              "launches and memory traffic",
    .automatic = CL_DEVICE_TYPE_GPU,
    .refuses = refuses,
    .init = init,
    .release = release,
    .own = {~(CLR_BIT(CLR_INPUT) | CLR_BIT(CLR_D_INPUT)), &clr_packing_fused},
    .forward = forward,
    .backward = backward};

/* SPDX-License-Identifier: MIT
 * graph/carry.c - states of nodes from pass to pass. */
#include "device/buffer.h"
#include "graph/plan.h"

/* --- of a plan ------------------------------------------------------------------------------- */

/* What a node leaves as it is, since it makes nothing, stays. */
clrnn_status clr_plan_begin_states(clrnn_graph_plan *plan)
{
    const size_t bytes = plan->state_count * plan->real;
    if (!plan->carries)
        return CLRNN_OK;
    return plan->begun ? clr_buffer_copy(plan->context, plan->state, 0, plan->next, 0, bytes)
                       : clr_buffer_zero(plan->context, plan->next, 0, bytes);
}

void clr_plan_carry(clrnn_graph_plan *plan)
{
    cl_mem old = plan->state;
    plan->state = plan->next;
    plan->next = old;
}

/* --- of a node that has them as its outputs and inputs 1 and 2 ------------------------------- */

clrnn_status clr_carry_give(clr_run *run, const clrnn_slice *states)
{
    const size_t real = clr_tools_real(run->tools);
    clrnn_status status = CLRNN_OK;
    for (uint32_t i = 1; i < run->node->outputs && status == CLRNN_OK; i++)
        if (run->y[i].buffer)
            status = clr_buffer_copy(run->tools->context, states[i - 1].buffer,
                                     states[i - 1].offset * real, run->y[i].buffer,
                                     run->y[i].offset * real, clr_shape_count(&run->out[i]) * real);
    return status;
}

clrnn_status clr_carry_clear(clr_run *run)
{
    const size_t real = clr_tools_real(run->tools);
    clrnn_status status = CLRNN_OK;
    for (uint32_t i = 1; i < 3 && status == CLRNN_OK; i++)
        if (run->dx[i].buffer)
            status = clr_buffer_zero(run->tools->context, run->dx[i].buffer,
                                     run->dx[i].offset * real, clr_shape_count(&run->in[i]) * real);
    return status;
}

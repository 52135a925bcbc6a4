/* SPDX-License-Identifier: MIT
 * layer/stepwise.c - the strategy that is always right: for each step a recurrent product and a
 * kernel of the cell. */
#include <stdlib.h>

#include "base/log.h"
#include "base/memory.h"
#include "device/buffer.h"
#include "layer/norm.h"
#include "layer/scan.h"
#include "layer/strategy.h"
#include "math/stepwise.h"

/* The state of a plan with this strategy. */
typedef struct clr_steps {
    clr_stepwise kernels;
    cl_mem sums;    /* [max N,G*H], of a product between two kernels */
    cl_mem dropped; /* [max N,H], with recurrent dropout: what is multiplied, or its gradient */
} clr_steps;

static clr_steps *state_of(const clrnn_plan *plan)
{
    return plan->state;
}

static const char *refuses(clrnn_context *context, const clr_network *network,
                           const clrnn_plan_desc *desc)
{
    (void)context;
    (void)network;
    (void)desc;
    return NULL;
}

static clrnn_status init(clrnn_plan *plan)
{
    const clr_network *n = &plan->network;
    uint64_t N = plan->desc.max_batch, H = n->desc.hidden_size;
    clr_steps *steps = plan->state = clr_calloc(1, sizeof *steps);
    if (!steps)
        return clr_fail(&plan->context->log, CLRNN_ERR_MEMORY, "plan: out of memory");
    clrnn_status status =
        clr_stepwise_init(plan->context, n, plan->desc.precision, &steps->kernels);
    if (status == CLRNN_OK)
        status = clr_gemms_prepare(&plan->gemms);
    if (status == CLRNN_OK)
        status = clr_plan_allocate(plan, &steps->sums, N, n->gates * H);
    if (status == CLRNN_OK && clr_drops_hidden(plan))
        status = clr_plan_allocate(plan, &steps->dropped, N, H);
    return status;
}

static void release(clrnn_plan *plan)
{
    clr_steps *steps = state_of(plan);
    if (!steps)
        return;
    clr_stepwise_free(&steps->kernels);
    clr_buffer_destroy(&steps->sums);
    clr_buffer_destroy(&steps->dropped);
    free(steps);
}

/* [N,columns of B] (+)= from [N,k] B, for a weight matrix B. */
static clrnn_status multiply(clrnn_plan *plan, const clr_scan *w, clrnn_slice from, size_t stride,
                             clr_weight weight, clr_matrix to, bool accumulate)
{
    const clr_packed_matrix b = clr_scan_weights(plan, w, weight);
    const clr_gemm gemm = {.m = w->layout->batch,
                           .accumulate = accumulate,
                           .a = {from.buffer, from.offset, stride},
                           .prepared = &b,
                           .c = to};
    return clr_gemm_run(&plan->gemms, &gemm);
}

/* The same of recurrent weights, which may multiply less than there is. */
static clrnn_status multiply_hidden(clrnn_plan *plan, const clr_scan *w, clrnn_slice from,
                                    size_t stride, size_t width, clr_weight weight, clr_matrix to)
{
    const clr_matrix dropped = {state_of(plan)->dropped, 0, width};
    if (!clr_drops_hidden(plan))
        return multiply(plan, w, from, stride, weight, to, false);
    clrnn_status status = clr_drop_hidden(plan, w, (clr_matrix){from.buffer, from.offset, stride},
                                          dropped, false, w->layout->batch, width);
    return status == CLRNN_OK
               ? multiply(plan, w, (clrnn_slice){dropped.buffer, 0}, width, weight, to, false)
               : status;
}

/* Its way back: to (+)= the gradient of what there is, [N,width]. */
static clrnn_status multiply_hidden_back(clrnn_plan *plan, const clr_scan *w, clrnn_slice du,
                                         size_t width, clr_weight weight, clr_matrix to,
                                         bool accumulate)
{
    const size_t columns = (size_t)plan->network.gates * plan->network.desc.hidden_size;
    const clr_matrix dropped = {state_of(plan)->dropped, 0, width};
    if (!clr_drops_hidden(plan))
        return multiply(plan, w, du, columns, weight, to, accumulate);
    clrnn_status status = multiply(plan, w, du, columns, weight, dropped, false);
    return status == CLRNN_OK
               ? clr_drop_hidden(plan, w, dropped, to, accumulate, w->layout->batch, width)
               : status;
}

static clrnn_status step_forward(clrnn_plan *plan, const clr_scan *w, const clr_forward_scan *f,
                                 uint32_t index)
{
    const clr_network *n = &plan->network;
    const clr_step s = clr_step_forward_of(n, f, index);
    clr_steps *steps = state_of(plan);
    const uint32_t t = (uint32_t)f->launch.scans[0].first_t + index;
    size_t H = n->desc.hidden_size, R = n->state_size;
    clr_matrix sums = {steps->sums, 0, n->gates * H};

    /* sums = h_{t-1} U^T of the gates of the first phase, then saved U^T of the others */
    clrnn_status status = multiply_hidden(plan, w, s.h_prev, R, R, CLR_RECURRENT, sums);
    if (status == CLRNN_OK)
        status = clr_norm_sums(plan, w, t, 0, steps->sums);
    if (status == CLRNN_OK)
        status = clr_step_forward(&steps->kernels, f, steps->sums, index, 0);
    if (status == CLRNN_OK && n->form->phases > 1) {
        sums.offset = 2 * H;
        status = multiply_hidden(plan, w, s.saved, n->saved * H, H, CLR_CANDIDATE, sums);
        if (status == CLRNN_OK)
            status = clr_norm_sums(plan, w, t, 1, steps->sums);
        if (status == CLRNN_OK)
            status = clr_step_forward(&steps->kernels, f, steps->sums, index, 1);
    }
    if (status == CLRNN_OK && n->normed && n->has_cell_state) {
        /* h_t, or what is projected, from the gates and LN(c_t) */
        status = clr_norm_cell(plan, w, t, s.c_next, (clr_matrix){steps->sums, 0, H}, true);
        if (status == CLRNN_OK)
            status = clr_step_output(&steps->kernels, f, steps->sums, index);
    }
    if (status == CLRNN_OK && n->desc.proj_size) {
        /* h_t = saved W_hr^T */
        status = multiply(plan, w, s.saved, n->saved * H, CLR_PROJECTION,
                          (clr_matrix){steps->sums, 0, R}, false);
        if (status == CLRNN_OK)
            status = clr_step_project(&steps->kernels, f, steps->sums, index);
    }
    return status;
}

static clrnn_status scan_forward(clrnn_plan *plan, const clr_scan *w)
{
    const uint32_t count = w->end - w->begin;
    const clr_forward_scan f = clr_forward_scan_of(plan, w, 1, 0, count);
    clrnn_status status = clr_scan_inputs(plan, w);
    if (status == CLRNN_OK)
        status = clr_norm_inputs(plan, w);
    for (uint32_t k = 0; k < count && status == CLRNN_OK; k++) {
        state_of(plan)->kernels.again = k > 0;
        status = step_forward(plan, w, &f, w->down ? count - 1 - k : k);
    }
    return status;
}

static clrnn_status forward(clrnn_plan *plan, const clr_scan *scans, size_t count)
{
    clrnn_status status = CLRNN_OK;
    for (size_t i = 0; i < count && status == CLRNN_OK; i++)
        status = scan_forward(plan, &scans[i]);
    return status;
}

/* The gradients of LN(c_t) to plan->dz, and through it those of c_t to dc. */
static clrnn_status output_backward(clrnn_plan *plan, const clr_scan *w, const clr_backward_scan *b,
                                    const clr_step *s, uint32_t index)
{
    const scan_arrays *at = &b->launch.scans[0];
    const size_t H = plan->network.desc.hidden_size, N = w->layout->batch;
    const uint32_t first = (uint32_t)at->first_t, t = first + index;
    const clrnn_slice dz = {plan->dz, clr_flow_of(plan, w).dz + first * N * H};
    clr_steps *steps = state_of(plan);
    clrnn_status status =
        clr_norm_cell(plan, w, t, s->c_next, (clr_matrix){steps->sums, N * H, H}, false);
    if (status == CLRNN_OK)
        status = clr_step_output_back(&steps->kernels, b, steps->sums, dz, index);
    return status == CLRNN_OK ? clr_norm_cell_back(plan, w, t, (clr_matrix){b->dc, at->dc, H})
                              : status;
}

static clrnn_status step_backward(clrnn_plan *plan, const clr_scan *w, const clr_backward_scan *b,
                                  uint32_t index)
{
    const clr_network *n = &plan->network;
    const clr_step s = clr_step_back_of(n, b, index);
    clr_steps *steps = state_of(plan);
    const size_t H = n->desc.hidden_size, R = n->state_size;
    const clr_matrix sums = {steps->sums, 0, H};
    const uint32_t t = (uint32_t)b->launch.scans[0].first_t + index;
    const clrnn_slice of_sums = {n->normed ? plan->dsums : s.du.buffer, s.du.offset};
    clrnn_status status = CLRNN_OK;

    if (n->desc.proj_size) {
        /* sums = dproj_t W_hr, the gradient of what was projected */
        status = clr_step_project_back(&steps->kernels, b, index);
        if (status == CLRNN_OK)
            status = multiply(plan, w, s.dproj, R, CLR_D_PROJECTION, sums, false);
    }
    if (status == CLRNN_OK && n->normed && n->has_cell_state)
        status = output_backward(plan, w, b, &s, index);
    if (status == CLRNN_OK)
        status = clr_step_back(&steps->kernels, b, steps->sums, index, n->form->phases > 1 ? 1 : 0);
    if (status == CLRNN_OK && n->form->phases > 1) {
        /* sums = du_t U of the second phase, the gradient of what the first one saved */
        const clrnn_slice du = {of_sums.buffer, of_sums.offset + 2 * H};
        status = clr_norm_sums_back(plan, w, t, 1, s.du);
        if (status == CLRNN_OK)
            status = multiply_hidden_back(plan, w, du, H, CLR_D_CANDIDATE, sums, false);
        if (status == CLRNN_OK)
            status = clr_step_back(&steps->kernels, b, steps->sums, index, 0);
    }
    /* dh_{t-1} += du_t U of the first phase */
    if (status == CLRNN_OK)
        status = clr_norm_sums_back(plan, w, t, 0, s.du);
    if (status == CLRNN_OK)
        status = multiply_hidden_back(plan, w, of_sums, R, CLR_D_RECURRENT,
                                      (clr_matrix){s.dh.buffer, s.dh.offset, R}, true);
    return status;
}

static clrnn_status scan_backward(clrnn_plan *plan, const clr_scan *w)
{
    const uint32_t count = w->end - w->begin;
    const clr_backward_scan b = clr_backward_scan_of(plan, w, 1, 0, count);
    clrnn_status status = CLRNN_OK;
    for (uint32_t k = 0; k < count && status == CLRNN_OK; k++) {
        state_of(plan)->kernels.again = k > 0;
        status = step_backward(plan, w, &b, w->down ? k : count - 1 - k);
    }
    return status;
}

static clrnn_status backward(clrnn_plan *plan, const clr_scan *scans, size_t count)
{
    clrnn_status status = CLRNN_OK;
    for (size_t i = 0; i < count && status == CLRNN_OK; i++)
        status = scan_backward(plan, &scans[i]);
    return status;
}

const clr_strategy clr_strategy_stepwise = {.name = "stepwise",
                                            .id = CLRNN_STRATEGY_STEPWISE,
                                            .reason = "it runs every network on every device",
                                            .automatic = CL_DEVICE_TYPE_ALL,
                                            .refuses = refuses,
                                            .init = init,
                                            .release = release,
                                            .forward = forward,
                                            .backward = backward};

/* SPDX-License-Identifier: MIT
 * layer/make.c - see layer/make.h: kernels and work memory. */
#include "layer/make.h"

#include "base/log.h"
#include "base/memory.h"
#include "device/buffer.h"
#include "layer/index_range.h"
#include "layer/narrow.h"
#include "layer/plan.h"
#include "layer/strategies.h"

/* How many steps an inference pass handles at a time: their gates take about 8 MiB, so memory does
 * not grow with T, and the input product is still large enough to be fast. */
static uint32_t choose_chunk(const clrnn_plan *plan)
{
    const uint64_t bytes = 8u << 20;
    const clr_network *n = &plan->network;
    if (plan->desc.train)
        return plan->desc.max_steps;
    uint64_t step = (uint64_t)plan->desc.max_batch * n->gates * n->desc.hidden_size *
                    n->directions * plan->real_bytes;
    uint64_t chunk = bytes / step > 16 ? bytes / step : 16;
    return chunk < plan->desc.max_steps ? (uint32_t)chunk : plan->desc.max_steps;
}

static clrnn_status allocate_training(clrnn_plan *plan)
{
    const clr_network *n = &plan->network;
    uint64_t N = plan->desc.max_batch, TN = plan->desc.max_steps * N, D = n->directions;
    uint64_t H = n->desc.hidden_size, R = n->state_size, columns = n->gates * H;
    clrnn_status status = clr_plan_allocate(plan, &plan->da, D * TN, columns);
    if (status == CLRNN_OK && n->form->two_inputs)
        status = clr_plan_allocate(plan, &plan->du, D * TN, columns);
    if (status == CLRNN_OK)
        status = clr_plan_allocate(plan, &plan->dh, D * N, R);
    if (status == CLRNN_OK && n->has_cell_state)
        status = clr_plan_allocate(plan, &plan->dc, D * N, H);
    if (status == CLRNN_OK && n->desc.proj_size)
        status = clr_plan_allocate(plan, &plan->dproj, D * TN, R);
    for (uint32_t i = 0; i < 2 && i + 1 < n->layers && status == CLRNN_OK; i++)
        status = clr_plan_allocate(plan, &plan->dy[i], TN, n->width);
    return status;
}

/* What layer norm needs: kernels and, to train, memory for its gradients. */
static clrnn_status make_norms(clrnn_plan *plan)
{
    const clr_network *n = &plan->network;
    const uint64_t TN = (uint64_t)plan->desc.max_steps * plan->desc.max_batch;
    const uint64_t D = n->directions, H = n->desc.hidden_size;
    if (!n->normed)
        return CLRNN_OK;
    clrnn_status status = clr_norms_init(plan->context, plan->desc.precision, &plan->norms);
    if (status == CLRNN_OK && plan->desc.train)
        status = clr_plan_allocate(plan, &plan->dsums, D * TN, n->gates * H);
    if (status == CLRNN_OK && plan->desc.train && n->has_cell_state)
        status = clr_plan_allocate(plan, &plan->dz, D * TN, H);
    return status;
}

static clrnn_status allocate_zeros(clrnn_plan *plan)
{
    const clr_network *n = &plan->network;
    size_t width = n->desc.hidden_size; /* R <= H */
    clrnn_status status = clr_plan_allocate(plan, &plan->zeros, plan->desc.max_batch, width);
    if (status == CLRNN_OK)
        status = clr_buffer_zero(plan->context, plan->zeros, 0,
                                 plan->desc.max_batch * width * plan->real_bytes);
    return status;
}

static clrnn_status allocate_work(clrnn_plan *plan)
{
    const clr_network *n = &plan->network;
    const clrnn_log *log = &plan->context->log;
    uint32_t T = plan->desc.max_steps, N = plan->desc.max_batch;
    clr_layout layout;
    clrnn_status status = plan->desc.train ? clr_layout_train(n, T, N, log, &layout)
                                           : clr_layout_infer(n, T, plan->chunk, N, log, &layout);
    if (status == CLRNN_OK)
        status = clr_plan_check_index_range(plan, &layout);
    if (status == CLRNN_OK && plan->desc.train)
        plan->info.reserve_bytes = layout.total * plan->real_bytes;
    if (status == CLRNN_OK)
        status = clr_buffer_create(plan->context, N * sizeof(cl_int), &plan->lengths);
    if (status == CLRNN_OK)
        status = plan->desc.train ? allocate_training(plan)
                                  : clr_plan_allocate(plan, &plan->workspace, layout.total, 1);
    if (status == CLRNN_OK && !plan->desc.train)
        status = allocate_zeros(plan);
    if (status == CLRNN_OK && n->desc.merge == CLRNN_MERGE_SUM)
        status =
            clr_plan_allocate(plan, &plan->apart, (uint64_t)T * N, 2 * (uint64_t)n->state_size);
    if (status == CLRNN_OK)
        status = make_norms(plan);
    if (status == CLRNN_OK)
        status = clr_narrow_make(plan, layout.y_steps);
    return status;
}

clrnn_status clr_plan_create_untested(clrnn_context *context, const clrnn_plan_desc *desc,
                                      const clrnn_exec_config *config, clrnn_plan **out)
{
    clrnn_status status = CLRNN_ERR_MEMORY;
    *out = NULL;
    clrnn_plan *plan = clr_calloc(1, sizeof *plan);
    if (!plan)
        return clr_fail(&context->log, CLRNN_ERR_MEMORY, "plan: out of memory");
    plan->context = context;
    plan->desc = *desc;
    plan->config = *config;
    plan->real_bytes = desc->precision == CLRNN_F64 ? sizeof(cl_double) : sizeof(cl_float);
    plan->sequence_bytes = clr_storage_bytes(desc->sequences, desc->precision);
    plan->uploads.never_waits = true;
    plan->strategy = clr_strategy_of(desc->strategy);
    status = clr_network_init(&desc->network, &context->log, &plan->network);
    plan->network.resets = desc->resets;
    if (status == CLRNN_OK && (desc->train || desc->network.merge == CLRNN_MERGE_SUM))
        status = clr_sequence_init(context, desc->precision, &plan->sequence);
    if (status == CLRNN_OK)
        status = clr_gemms_init(context, desc->precision, desc->weights, desc->gemm, &plan->gemms);
    if (status == CLRNN_OK && desc->train)
        status = clr_gemms_prepare(&plan->gemms);
    if (status == CLRNN_OK) {
        plan->desc.network = plan->network.desc;
        plan->info.strategy = plan->strategy->name;
        plan->info.strategy_reason = plan->strategy->reason;
        plan->info.gemm = clr_gemms_name(&plan->gemms);
        plan->info.weight_count = plan->network.weights;
        plan->chunk = choose_chunk(plan);
        status = allocate_work(plan);
    }
    if (status == CLRNN_OK)
        status = plan->strategy->init(plan);
    if (status == CLRNN_OK)
        status = clr_weights_init(&plan->network, &plan->gemms, desc->train, plan->strategy->own,
                                  &plan->packed);
    plan->info.work_bytes += plan->packed.bytes;
    if (status != CLRNN_OK)
        clrnn_plan_destroy(&plan);
    *out = plan;
    return status;
}

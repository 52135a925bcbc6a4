/* SPDX-License-Identifier: MIT
 * layer/plan.c - making a plan: checks, the choice of a strategy, kernels, work memory. */
#include "layer/plan.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/checked.h"
#include "base/log.h"
#include "base/memory.h"
#include "device/buffer.h"
#include "layer/way.h"
#include "math/storage.h"

/* From the one to be preferred to the one that always works. */
static const clr_strategy *const strategies[] = {&clr_strategy_persistent, &clr_strategy_resident,
                                                 &clr_strategy_stepwise};

enum { strategy_count = sizeof strategies / sizeof *strategies };

static const char *storage_name(clrnn_storage storage)
{
    static const char *const names[] = {"f32", "f16", "bf16", "int8"};
    return names[storage];
}

static clrnn_status check_desc(const clrnn_context *context, const clrnn_plan_desc *d)
{
    const uint32_t most_steps = 1u << 30, most_rows = 1u << 24;
    const clrnn_log *log = &context->log;
    if (d->max_steps == 0 || d->max_steps > most_steps)
        return clr_fail(log, CLRNN_ERR_RANGE, "plan: max_steps is %u, not in 1..%u", d->max_steps,
                        most_steps);
    if (d->max_batch == 0 || d->max_batch > most_rows)
        return clr_fail(log, CLRNN_ERR_RANGE, "plan: max_batch is %u, not in 1..%u", d->max_batch,
                        most_rows);
    if ((uint64_t)d->max_steps * d->max_batch > UINT32_MAX)
        return clr_fail(log, CLRNN_ERR_RANGE, "plan: max_steps*max_batch = %u*%u is more than 2^32",
                        d->max_steps, d->max_batch);
    if (d->precision != CLRNN_F32 && d->precision != CLRNN_F64)
        return clr_fail(log, CLRNN_ERR_ARGUMENT, "plan: precision %d is unknown",
                        (int)d->precision);
    if (d->gemm != CLRNN_GEMM_AUTO && d->gemm != CLRNN_GEMM_CLBLAST && d->gemm != CLRNN_GEMM_PACKED)
        return clr_fail(log, CLRNN_ERR_ARGUMENT, "plan: gemm %d is unknown", (int)d->gemm);
    if ((unsigned)d->weights > CLRNN_WEIGHTS_INT8)
        return clr_fail(log, CLRNN_ERR_ARGUMENT, "plan: storage of weights %d is unknown",
                        (int)d->weights);
    if (d->weights != CLRNN_WEIGHTS_F32 && (d->train || d->precision != CLRNN_F32))
        return clr_fail(log, CLRNN_ERR_ARGUMENT,
                        "plan: weights are kept in %s only for inference in single precision",
                        storage_name(d->weights));
    if ((unsigned)d->sequences > CLRNN_WEIGHTS_BF16)
        return clr_fail(log, CLRNN_ERR_ARGUMENT, "plan: x and y are f32, f16 or bf16, not %d",
                        (int)d->sequences);
    if (d->sequences != CLRNN_WEIGHTS_F32 && (d->train || d->precision != CLRNN_F32))
        return clr_fail(log, CLRNN_ERR_ARGUMENT,
                        "plan: x and y are %s only for inference in single precision",
                        storage_name(d->sequences));
    if (!(d->dropout >= 0 && d->dropout < 1))
        return clr_fail(log, CLRNN_ERR_ARGUMENT, "plan: dropout %g is not in [0,1)",
                        (double)d->dropout);
    if (d->dropout > 0 && !d->train)
        return clr_fail(log, CLRNN_ERR_ARGUMENT, "plan: dropout is an option of training plans");
    if (d->precision == CLRNN_F64 && !context->info.fp64)
        return clr_fail(log, CLRNN_ERR_UNSUPPORTED, "plan: %s has no double precision",
                        context->info.name);
    return CLRNN_OK;
}

static const clr_strategy *strategy_of(clrnn_strategy id)
{
    for (int i = 0; i < strategy_count; i++)
        if (strategies[i]->id == id)
            return strategies[i];
    return NULL;
}

/* The first strategy that can run such plans and passes its self-test here. */
static clrnn_status choose_strategy(clrnn_context *context, const clrnn_plan_desc *desc,
                                    clrnn_strategy *choice)
{
    const clrnn_log *log = &context->log;
    clrnn_strategy wanted = desc->strategy;
    clr_network network;
    clrnn_status status = clr_network_init(&desc->network, log, &network);
    if (status != CLRNN_OK)
        return status;
    if (wanted != CLRNN_STRATEGY_AUTO && !strategy_of(wanted))
        return clr_fail(log, CLRNN_ERR_ARGUMENT, "plan: strategy %d is unknown", (int)wanted);
    status = CLRNN_ERR_UNSUPPORTED;
    for (int i = 0; i < strategy_count; i++) {
        const clr_strategy *s = strategies[i];
        if (wanted == CLRNN_STRATEGY_AUTO ? !(s->automatic & context->info.type) : wanted != s->id)
            continue;
        const char *why_not = s->refuses(context, &network, desc);
        if (why_not && wanted != CLRNN_STRATEGY_AUTO)
            return clr_fail(log, CLRNN_ERR_UNSUPPORTED, "plan: strategy %s cannot run this: %s",
                            s->name, why_not);
        if (!why_not)
            status = clr_self_test(context, desc, s->id);
        *choice = s->id;
        if (!why_not && status != CLRNN_ERR_SELF_TEST && status != CLRNN_ERR_BUILD)
            return status;
        clr_log(log, why_not ? CLRNN_LOG_DEBUG : CLRNN_LOG_WARN,
                "plan: strategy %s is not used: %s", s->name,
                why_not                     ? why_not
                : status == CLRNN_ERR_BUILD ? "its kernels do not compile for this device"
                                            : "it computes wrong results on this device");
    }
    if (status == CLRNN_ERR_BUILD) /* the build log has been logged */
        return status;
    return clr_fail(log, status, "device %s, driver %s: wrong results; use another device",
                    context->info.name, context->info.driver);
}

/* Whether a way can be gone: `desc` with its strategy and gemm filled in. */
static clrnn_status take_way(clrnn_context *context, const clrnn_way *way, clrnn_plan_desc *desc)
{
    desc->strategy = way->strategy;
    desc->gemm = way->gemm;
    return choose_strategy(context, desc, &desc->strategy);
}

/* Fill in strategy and gemm: what the caller wants, else what was measured, else the rule's choice.
 * way: out, all zeros if nothing was measured. */
static clrnn_status choose_way(clrnn_context *context, clrnn_plan_desc *desc, clrnn_way *way)
{
    bool open = desc->strategy == CLRNN_STRATEGY_AUTO && desc->gemm == CLRNN_GEMM_AUTO;
    if (open && clr_way_load(context, desc, way)) {
        clrnn_plan_desc measured = *desc;
        if (take_way(context, way, &measured) == CLRNN_OK) {
            *desc = measured;
            return CLRNN_OK;
        }
    }
    *way = (clrnn_way){0};
    return choose_strategy(context, desc, &desc->strategy);
}

/* How many steps an inference pass handles at a time: their gates take about 8 MiB, so memory does
 * not grow with T, and the input product is still large enough to be fast. */
static uint32_t choose_piece(const clrnn_plan *plan)
{
    const uint64_t bytes = 8u << 20;
    const clr_network *n = &plan->network;
    if (plan->desc.train)
        return plan->desc.max_steps;
    uint64_t step = (uint64_t)plan->desc.max_batch * n->gates * n->desc.hidden_size *
                    n->directions * plan->real_bytes;
    uint64_t piece = bytes / step > 16 ? bytes / step : 16;
    return piece < plan->desc.max_steps ? (uint32_t)piece : plan->desc.max_steps;
}

clrnn_status clr_plan_allocate(clrnn_plan *plan, cl_mem *buffer, uint64_t rows, uint64_t elements)
{
    clr_size bytes = clr_size_mul(clr_size_mul(clr_size_of(rows), elements), plan->real_bytes);
    if (bytes.overflow)
        return clr_fail(&plan->context->log, CLRNN_ERR_RANGE, "plan: work memory overflows");
    clrnn_status status = clr_buffer_create(plan->context, bytes.value, buffer);
    plan->info.work_bytes += status == CLRNN_OK ? bytes.value : 0;
    return status;
}

static clrnn_status allocate_training(clrnn_plan *plan)
{
    const clr_network *n = &plan->network;
    uint64_t N = plan->desc.max_batch, TN = plan->desc.max_steps * N, D = n->directions;
    uint64_t H = n->desc.hidden_size, R = n->state, columns = n->gates * H;
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
        status = clr_plan_allocate(plan, &plan->dy[i], TN, n->directions * R);
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
                                           : clr_layout_infer(n, T, plan->piece, N, log, &layout);
    if (status == CLRNN_OK)
        status = clr_plan_check_reach(plan, &layout);
    if (status == CLRNN_OK && plan->desc.train)
        plan->info.reserve_bytes = layout.total * plan->real_bytes;
    if (status == CLRNN_OK)
        status = clr_buffer_create(plan->context, N * sizeof(cl_int), &plan->lengths);
    if (status == CLRNN_OK)
        status = plan->desc.train ? allocate_training(plan)
                                  : clr_plan_allocate(plan, &plan->store, layout.total, 1);
    if (status == CLRNN_OK && !plan->desc.train)
        status = allocate_zeros(plan);
    if (status == CLRNN_OK)
        status = clr_sequences_make(plan, layout.y_steps);
    return status;
}

clrnn_status clr_plan_create_untested(clrnn_context *context, const clrnn_plan_desc *desc,
                                      const clrnn_way *way, clrnn_plan **out)
{
    clrnn_status status = CLRNN_ERR_MEMORY;
    *out = NULL;
    clrnn_plan *plan = clr_calloc(1, sizeof *plan);
    if (!plan)
        return clr_fail(&context->log, CLRNN_ERR_MEMORY, "plan: out of memory");
    plan->context = context;
    plan->desc = *desc;
    plan->way = *way;
    plan->real_bytes = desc->precision == CLRNN_F64 ? sizeof(cl_double) : sizeof(cl_float);
    plan->weight_bytes = clr_storage_bytes(desc->weights, desc->precision);
    plan->sequence_bytes = clr_storage_bytes(desc->sequences, desc->precision);
    plan->strategy = strategy_of(desc->strategy);
    status = clr_network_init(&desc->network, &context->log, &plan->network);
    if (status == CLRNN_OK && desc->train)
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
        plan->piece = choose_piece(plan);
        status = allocate_work(plan);
    }
    if (status == CLRNN_OK)
        status = plan->strategy->init(plan);
    if (status != CLRNN_OK)
        clrnn_plan_destroy(&plan);
    *out = plan;
    return status;
}

clrnn_status clr_plan_create_way(clrnn_context *context, const clrnn_plan_desc *desc,
                                 const clrnn_way *way, clrnn_plan **plan)
{
    clrnn_plan_desc concrete = *desc;
    *plan = NULL;
    clrnn_status status = check_desc(context, desc);
    if (status == CLRNN_OK)
        status = take_way(context, way, &concrete);
    return status == CLRNN_OK ? clr_plan_create_untested(context, &concrete, way, plan) : status;
}

clrnn_status clrnn_plan_create(clrnn_context *context, const clrnn_plan_desc *desc,
                               clrnn_plan **plan)
{
    if (plan)
        *plan = NULL;
    if (!context || !desc || !plan)
        return clr_fail(context ? &context->log : NULL, CLRNN_ERR_ARGUMENT,
                        "plan: context, desc or plan is NULL");
    clrnn_plan_desc concrete = *desc;
    clrnn_way way = {0};
    clrnn_status status = check_desc(context, desc);
    if (status == CLRNN_OK)
        status = choose_way(context, &concrete, &way);
    if (status == CLRNN_OK)
        status = clr_plan_create_untested(context, &concrete, &way, plan);
    if (status != CLRNN_OK)
        return status;
    if (desc->strategy != CLRNN_STRATEGY_AUTO)
        (*plan)->info.strategy_reason = "the caller chose it";
    else if (way.strategy != CLRNN_STRATEGY_AUTO)
        (*plan)->info.strategy_reason = "it was measured to be the fastest (clrnn tune)";
    clr_log(&context->log, CLRNN_LOG_INFO, "plan: strategy %s: %s; products by %s",
            (*plan)->info.strategy, (*plan)->info.strategy_reason, (*plan)->info.gemm);
    if (desc->weights != CLRNN_WEIGHTS_F32)
        clr_log(&context->log, CLRNN_LOG_INFO, "plan: weights are rounded to %s%s",
                storage_name(desc->weights),
                (*plan)->gemms.own ? "" : ", but CLBlast reads them as f32: no memory is saved");
    return CLRNN_OK;
}

void clr_plan_notice(clrnn_plan *plan)
{
    plan->strategy->notice(plan);
}

void clrnn_plan_destroy(clrnn_plan **plan)
{
    if (!plan || !*plan)
        return;
    clrnn_plan *p = *plan;
    (void)clrnn_context_finish(p->context);
    clr_plan_notice(p);
    p->strategy->release(p);
    clr_sequence_free(&p->sequence);
    clr_store_free(&p->sequence_store);
    clr_plan_free_operands(p);
    clr_gemms_free(&p->gemms);
    cl_mem *const buffers[] = {&p->weights.buffer,
                               &p->lengths,
                               &p->store,
                               &p->da,
                               &p->du,
                               &p->dh,
                               &p->dc,
                               &p->dproj,
                               &p->zeros,
                               &p->dy[0],
                               &p->dy[1],
                               &p->masked_x,
                               &p->masked_h,
                               &p->wide_x,
                               &p->wide_y};
    for (size_t i = 0; i < sizeof buffers / sizeof *buffers; i++)
        clr_buffer_destroy(buffers[i]);
    clr_staging_free(&p->staging);
    free(p);
    *plan = NULL;
}

const clrnn_plan_info *clrnn_plan_get_info(const clrnn_plan *plan)
{
    return plan ? &plan->info : NULL;
}

clrnn_status clrnn_plan_set_weights(clrnn_plan *plan, clrnn_slice weights)
{
    if (!plan)
        return CLRNN_ERR_ARGUMENT;
    if (!weights.buffer)
        return clr_fail(&plan->context->log, CLRNN_ERR_ARGUMENT, "plan: weights are absent");
    clrnn_status status =
        clr_slice_check(plan, weights, plan->network.weights, plan->real_bytes, "weights");
    if (status == CLRNN_OK && weights.buffer != plan->weights.buffer) {
        status = clr_buffer_retain(plan->context, weights.buffer);
        if (status == CLRNN_OK)
            clr_buffer_destroy(&plan->weights.buffer);
    }
    if (status == CLRNN_OK) {
        plan->weights = weights;
        status = clr_plan_pack(plan);
    }
    return status;
}

clrnn_status clrnn_plan_set_weights_host(clrnn_plan *plan, const void *weights)
{
    if (!plan)
        return CLRNN_ERR_ARGUMENT;
    if (!weights)
        return clr_fail(&plan->context->log, CLRNN_ERR_ARGUMENT, "plan: weights are NULL");
    size_t bytes = plan->network.weights * plan->real_bytes;
    clrnn_slice own = {0};
    clrnn_status status = clr_buffer_create(plan->context, bytes, &own.buffer);
    if (status == CLRNN_OK)
        status = clr_buffer_write(plan->context, own.buffer, 0, bytes, weights);
    if (status == CLRNN_OK)
        status = clrnn_plan_set_weights(plan, own);
    clr_buffer_destroy(&own.buffer); /* the plan has retained it */
    return status;
}

/* SPDX-License-Identifier: MIT
 * layer/create.c - choosing how a plan runs: checks, the strategy, its self-test. */
#include "layer/create.h"

#include "base/log.h"
#include "layer/make.h"
#include "layer/open.h"
#include "layer/plan.h"
#include "layer/self_test.h"
#include "layer/strategies.h"

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
        return clr_fail(log, CLRNN_ERR_RANGE, "plan: max_steps*max_batch = %u*%u is more than %u",
                        d->max_steps, d->max_batch, UINT32_MAX);
    if (d->precision != CLRNN_F32 && d->precision != CLRNN_F64)
        return clr_fail(log, CLRNN_ERR_ARGUMENT, "plan: precision %d is unknown, not in 0..%d",
                        (int)d->precision, CLRNN_F64);
    if (d->gemm != CLRNN_GEMM_AUTO && d->gemm != CLRNN_GEMM_CLBLAST && d->gemm != CLRNN_GEMM_PACKED)
        return clr_fail(log, CLRNN_ERR_ARGUMENT, "plan: gemm %d is unknown, not in 0..%d",
                        (int)d->gemm, CLRNN_GEMM_PACKED);
    if ((unsigned)d->weights > CLRNN_WEIGHTS_INT8)
        return clr_fail(log, CLRNN_ERR_ARGUMENT,
                        "plan: storage of weights %d is unknown, not in 0..%d", (int)d->weights,
                        CLRNN_WEIGHTS_INT8);
    if (d->weights != CLRNN_WEIGHTS_F32 && (d->train || d->precision != CLRNN_F32))
        return clr_fail(log, CLRNN_ERR_ARGUMENT,
                        "plan: weights are kept in %s only for inference in single precision",
                        storage_name(d->weights));
    if ((unsigned)d->sequences > CLRNN_WEIGHTS_BF16)
        return clr_fail(log, CLRNN_ERR_ARGUMENT,
                        "plan: sequences %d is unknown, not in 0..%d: x and y are f32, f16 or bf16",
                        (int)d->sequences, CLRNN_WEIGHTS_BF16);
    if (d->sequences != CLRNN_WEIGHTS_F32 && (d->train || d->precision != CLRNN_F32))
        return clr_fail(log, CLRNN_ERR_ARGUMENT,
                        "plan: x and y are %s only for inference in single precision",
                        storage_name(d->sequences));
    if (!(d->dropout >= 0 && d->dropout < 1))
        return clr_fail(log, CLRNN_ERR_ARGUMENT, "plan: dropout %g is not in [0,1)",
                        (double)d->dropout);
    if (d->dropout > 0 && !d->train)
        return clr_fail(log, CLRNN_ERR_ARGUMENT,
                        "plan: dropout is %g, but it is an option of training plans",
                        (double)d->dropout);
    if (d->dropout > 0 && d->network.num_layers < 2)
        return clr_fail(log, CLRNN_ERR_ARGUMENT,
                        "plan: dropout is %g, but acts between layers, and there is one: it needs "
                        "num_layers of 2 or more",
                        (double)d->dropout);
    if (d->variational && !(d->dropout > 0))
        return clr_fail(log, CLRNN_ERR_ARGUMENT,
                        "plan: variational is set, but there is no dropout that it could be of");
    if (d->precision == CLRNN_F64 && !context->info.fp64)
        return clr_fail(log, CLRNN_ERR_UNSUPPORTED, "plan: %s has no double precision",
                        context->info.name);
    return CLRNN_OK;
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
    if (wanted != CLRNN_STRATEGY_AUTO && !clr_strategy_of(wanted))
        return clr_fail(log, CLRNN_ERR_ARGUMENT, "plan: strategy %d is unknown, not in 0..%d",
                        (int)wanted, CLRNN_STRATEGY_FUSED);
    status = CLRNN_ERR_UNSUPPORTED;
    const clr_strategy *s;
    for (size_t i = 0; (s = clr_strategy_at(i)) != NULL; i++) {
        const bool suits =
            s->automatic & context->info.type && (!s->suits || s->suits(context, &network, desc));
        if (wanted == CLRNN_STRATEGY_AUTO ? !suits : wanted != s->id)
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
        char reason[CLR_REASON] = "";
        if (!why_not)
            clr_self_test_reason(context, desc, s->id, reason);
        clr_log(log, why_not ? CLRNN_LOG_DEBUG : CLRNN_LOG_WARN,
                "plan: strategy %s is not used: %s%s", s->name,
                why_not                     ? why_not
                : status == CLRNN_ERR_BUILD ? "its kernels do not compile for this device: "
                                            : "it computes wrong results on this device: ",
                reason);
    }
    if (status == CLRNN_ERR_UNSUPPORTED)
        return clr_fail(log, status, "plan: no strategy can run this on %s", context->info.name);
    return status;
}

/* Whether a plan can run so: `desc` with its strategy and gemm filled in. */
static clrnn_status take_config(clrnn_context *context, const clrnn_exec_config *config,
                                clrnn_plan_desc *desc)
{
    desc->strategy = config->strategy;
    desc->gemm = config->gemm;
    return choose_strategy(context, desc, &desc->strategy);
}

/* Fill in strategy and gemm: what the caller wants, else what was measured, else the rule's choice.
 * config: out, all zeros if nothing was measured. */
static clrnn_status choose_config(clrnn_context *context, clrnn_plan_desc *desc,
                                  clrnn_exec_config *config)
{
    bool open = desc->strategy == CLRNN_STRATEGY_AUTO && desc->gemm == CLRNN_GEMM_AUTO;
    if (open && clr_exec_config_load(context, desc, config)) {
        clrnn_plan_desc measured = *desc;
        if (take_config(context, config, &measured) == CLRNN_OK) {
            *desc = measured;
            return CLRNN_OK;
        }
    }
    *config = (clrnn_exec_config){0};
    return choose_strategy(context, desc, &desc->strategy);
}

static bool is_wrong(clrnn_status status)
{
    return status == CLRNN_ERR_SELF_TEST || status == CLRNN_ERR_BUILD;
}

/* That no strategy serves. A build log has been logged. */
static clrnn_status fail_wrong(const clrnn_context *context, clrnn_status status)
{
    if (status != CLRNN_ERR_SELF_TEST)
        return status;
    return clr_fail(&context->log, status,
                    "device %s, driver %s: wrong results; use another device", context->info.name,
                    context->info.driver);
}

/* Check and fill in as choose_config; where no strategy serves, go on to another device while that
 * is possible. */
static clrnn_status choose_device(clrnn_context *context, const clrnn_plan_desc *desc,
                                  clrnn_plan_desc *concrete, clrnn_exec_config *config)
{
    clrnn_status status = CLRNN_OK, moved = CLRNN_OK;
    do {
        *concrete = *desc;
        status = check_desc(context, concrete);
        if (status == CLRNN_OK)
            status = choose_config(context, concrete, config);
        if (is_wrong(status))
            moved = desc->strategy == CLRNN_STRATEGY_AUTO ? clr_open_next(context, status) : status;
    } while (is_wrong(status) && moved == CLRNN_OK);
    return fail_wrong(context, status);
}

/* The first plan, or what else is made from a context, decides on its device: one thread at a time,
 * the others then find it fixed. */
static clrnn_status settle(clrnn_context *context, const clrnn_plan_desc *desc,
                           clrnn_plan_desc *concrete, clrnn_exec_config *config)
{
    if (!context->movable || atomic_load(&context->fixed))
        return choose_device(context, desc, concrete, config);
    clr_lock_take(&context->moving);
    clrnn_status status = choose_device(context, desc, concrete, config);
    if (status == CLRNN_OK)
        atomic_store(&context->fixed, true);
    clr_lock_give(&context->moving);
    return status;
}

clrnn_status clr_plan_settle(clrnn_context *context, const clrnn_plan_desc *desc)
{
    clrnn_plan_desc concrete;
    clrnn_exec_config config = {0};
    if (!context->movable || atomic_load(&context->fixed))
        return CLRNN_OK;
    return settle(context, desc, &concrete, &config);
}

clrnn_status clr_plan_create_config(clrnn_context *context, const clrnn_plan_desc *desc,
                                    const clrnn_exec_config *config, clrnn_plan **plan)
{
    clrnn_plan_desc concrete = *desc;
    *plan = NULL;
    clrnn_status status = check_desc(context, desc);
    if (status == CLRNN_OK)
        status = fail_wrong(context, take_config(context, config, &concrete));
    return status == CLRNN_OK ? clr_plan_create_untested(context, &concrete, config, plan) : status;
}

clrnn_status clrnn_plan_create(clrnn_context *context, const clrnn_plan_desc *desc,
                               clrnn_plan **plan)
{
    if (plan)
        *plan = NULL;
    if (!context || !desc || !plan)
        return clr_fail(context ? &context->log : NULL, CLRNN_ERR_ARGUMENT,
                        "clrnn_plan_create: %s is NULL",
                        !context ? "context"
                        : !desc  ? "desc"
                                 : "plan");
    clrnn_plan_desc concrete;
    clrnn_exec_config config = {0};
    clrnn_status status = settle(context, desc, &concrete, &config);
    if (status == CLRNN_OK)
        status = clr_plan_create_untested(context, &concrete, &config, plan);
    if (status != CLRNN_OK)
        return status;
    if (desc->strategy != CLRNN_STRATEGY_AUTO)
        (*plan)->info.strategy_reason = "the caller chose it";
    else if (config.strategy != CLRNN_STRATEGY_AUTO)
        (*plan)->info.strategy_reason = "it was measured to be the fastest (clrnn tune)";
    clr_log(&context->log, CLRNN_LOG_INFO, "plan: strategy %s: %s; products by %s",
            (*plan)->info.strategy, (*plan)->info.strategy_reason, (*plan)->info.gemm);
    if (desc->weights != CLRNN_WEIGHTS_F32)
        clr_log(&context->log, CLRNN_LOG_INFO, "plan: weights are rounded to %s%s",
                storage_name(desc->weights),
                (*plan)->gemms.own ? "" : ", but CLBlast reads them as f32: no memory is saved");
    return CLRNN_OK;
}

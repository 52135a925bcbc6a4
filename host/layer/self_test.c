/* SPDX-License-Identifier: MIT
 * layer/self_test.c - a problem in miniature for each kind of kernels, once for each context. */
#include "layer/self_test.h"

#include "base/log.h"
#include "device/context.h"
#include "layer/check.h"
#include "layer/make.h"
#include "layer/plan.h"
#include "layer/strategy.h"
#include "math/persistent.h"

/* Which kernels a network uses: 0..31, two bits of context->self_tests each. */
static unsigned family(const clrnn_network_desc *d, clrnn_precision precision)
{
    unsigned variant = d->cell == CLRNN_CELL_LSTM  ? (d->proj_size > 0)
                       : d->cell == CLRNN_CELL_RNN ? 2u + (d->nonlinearity == CLRNN_RELU)
                                                   : 4u + 2u * d->gru_reset + d->gru_update;
    return (variant * 2 + d->no_bias) * 2 + precision;
}

/* The same for a problem that is known to be good and a strategy that is known to be possible. */
static clrnn_status check_untested(clrnn_context *context, const clrnn_problem *problem,
                                   clrnn_check *check)
{
    const clrnn_plan_desc desc = clr_problem_plan(problem);
    /* Long waits: a meeting that is repaired, because the machine is busy, tests nothing. */
    const clr_shares meeting = {.row_shares = 1, .unit_shares = 2, .most_spins = 1u << 23};
    const clrnn_exec_config none = {0};
    clrnn_plan *plan = NULL;
    clrnn_status status = clr_plan_create_untested(context, &desc, &none, &plan);
    /* So small a problem would not be cut; but where groups may meet, that must work too. */
    if (status == CLRNN_OK && plan->strategy->force && plan->strategy->together(plan) > 1)
        plan->strategy->force(plan, &meeting);
    if (status == CLRNN_OK)
        status = clr_check_plan(context, problem, 1, plan, check);
    clrnn_plan_destroy(&plan);
    return status;
}

/* resident is compiled for a size: the largest one that a self-test stands for, and that of its
 * problem (LANE_OF and share_out of math/resident.c: the same TAKE and KEPT). */
static const struct {
    uint32_t most, units;
} sizes[] = {{64, 37}, {128, 100}, {256, 200}, {512, 300}, {UINT32_MAX, 530}};

static unsigned size_of(const clrnn_plan_desc *desc, clrnn_strategy strategy)
{
    const clrnn_network_desc *d = &desc->network;
    uint32_t state = d->proj_size ? d->proj_size : d->hidden_size;
    unsigned size = 0;
    while (strategy == CLRNN_STRATEGY_RESIDENT && sizes[size].most < state)
        size++;
    return size;
}

uint64_t *clr_self_test_results(clrnn_context *context, const clrnn_plan_desc *desc,
                                clrnn_strategy strategy)
{
    unsigned kind = desc->train ? 1u : desc->weights ? 1u + desc->weights : 0;
    return &context->self_tests[strategy + size_of(desc, strategy)][kind];
}

clrnn_status clr_self_test(clrnn_context *context, const clrnn_plan_desc *desc,
                           clrnn_strategy strategy)
{
    uint64_t *known = clr_self_test_results(context, desc, strategy);
    unsigned shift = 2 * family(&desc->network, desc->precision);
    clr_lock_take(&context->lock);
    unsigned result = *known >> shift & 3;
    clr_lock_give(&context->lock);
    if (result)
        return result == 1 ? CLRNN_OK : CLRNN_ERR_SELF_TEST;
    clrnn_check check = {0};
    clrnn_problem tiny = {.network = desc->network,
                          .steps = 3,
                          .batch = 2,
                          .train = desc->train,
                          .precision = desc->precision,
                          .strategy = strategy,
                          .weights = desc->weights};
    /* Two panels of units and of projected ones, so that two groups have a share each. */
    bool panels = strategy != CLRNN_STRATEGY_STEPWISE;
    tiny.network.input_size = 5;
    uint32_t units = sizes[size_of(desc, strategy)].units;
    tiny.network.hidden_size = panels ? units : 7;
    tiny.network.num_layers = 1;
    tiny.network.bidirectional = false;
    tiny.network.proj_size = !desc->network.proj_size ? 0 : panels ? units - 4 : 3;
    clrnn_status status = check_untested(context, &tiny, &check);
    if (status != CLRNN_OK)
        return status;
    clr_lock_take(&context->lock);
    *known |= (uint64_t)(check.passed ? 1 : 2) << shift;
    clr_lock_give(&context->lock);
    clr_log(&context->log, CLRNN_LOG_DEBUG, "self-test: errors %.1e (%s), %.1e (%s)",
            check.forward_error, check.forward_tensor, check.gradient_error, check.gradient_tensor);
    return check.passed ? CLRNN_OK : CLRNN_ERR_SELF_TEST;
}

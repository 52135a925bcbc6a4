/* SPDX-License-Identifier: MIT
 * layer/resident.c - the strategy for GPUs that walks many steps in one launch: work-items share
 * the products and keep the recurrent weights in registers. */
#include "layer/resident.h"

#include "base/log.h"
#include "layer/strategy.h"
#include "layer/walks.h"
#include "math/resident.h"

/* The state of a plan with this strategy. */
typedef struct clr_large {
    clr_walks walks;
    uint32_t together; /* how many of its groups run at the same time */
} clr_large;

/* What its kernels are for, but how many weights they keep. */
static clr_walk_kind kind_of(const clrnn_plan_desc *d)
{
    return (clr_walk_kind){.precision = d->precision,
                           .storage = d->weights,
                           .train = d->train,
                           .items = CLR_RESIDENT_MOST};
}

/* How much local memory kernels take by themselves only they can tell: so they are built here, and
 * not twice. What else goes wrong with that init will tell. */
static const char *refuses(clrnn_context *context, const clr_network *network,
                           const clrnn_plan_desc *desc)
{
    const clr_walk_kind kind = kind_of(desc);
    if (!context->info.device_fence)
        return "its groups share results during a launch, but the device has no fences that reach "
               "them all; use stepwise";
    if (context->info.max_work_group < CLR_RESIDENT_LEAST)
        return "it needs work-groups of 128 work-items, more than the device has; use stepwise";
    if (clr_resident_try(context, network, &kind) != CLRNN_ERR_UNSUPPORTED)
        return NULL;
    return "a row of what it multiplies does not fit the local memory of a work-group; use "
           "stepwise";
}

static uint32_t smaller(uint32_t a, uint32_t b)
{
    return a < b ? a : b;
}

uint32_t *clr_resident_together(clrnn_plan *plan)
{
    return &((clr_large *)plan->state)->together;
}

static uint32_t together(const clrnn_plan *plan)
{
    return ((const clr_large *)plan->state)->together;
}

/* How a launch of some directions is cut. As many groups share the units as are needed to keep all
 * weights in registers; the rest share the rows. */
static clr_shares cut(const clrnn_plan *plan, const clr_walk *walk, uint32_t directions, bool back)
{
    const uint32_t batch = walk->layout->batch, each = together(plan) / directions;
    clr_shares s = {.walks = directions,
                    .row_shares = 1,
                    .unit_shares = 1,
                    .most_spins = clr_walks_spins(plan, batch, directions)};
    if (each < 2)
        return s;
    const clrnn_exec_config *way = &plan->config;
    bool measured = way->unit_shares && batch == plan->desc.max_batch &&
                    (uint64_t)way->unit_shares * way->row_shares <= each;
    uint32_t row_blocks = (batch + LANE_ROWS - 1) / LANE_ROWS,
             at_once = clr_resident_units(&clr_walks_of(plan)->kernels, back);
    uint32_t units = back ? plan->network.state : plan->network.desc.hidden_size;
    uint32_t shares = measured ? way->unit_shares : smaller((units + at_once - 1) / at_once, each);
    if (shares > 1 && clr_may_meet(plan->context))
        s.unit_shares = smaller(shares, units);
    s.row_shares = smaller(measured ? way->row_shares : each / s.unit_shares, row_blocks);
    return s;
}

static clrnn_status init(clrnn_plan *plan)
{
    clrnn_context *context = plan->context;
    clr_walk_kind kind = kind_of(&plan->desc);
    kind.kept = plan->config.kept;
    clrnn_status status = clr_walks_init(plan, sizeof(clr_large), &kind, cut);
    if (status == CLRNN_ERR_UNSUPPORTED)
        return clr_fail(&context->log, status,
                        "plan: with %u weights in registers strategy resident needs more local "
                        "memory than the %llu bytes of a work-group",
                        kind.kept, (unsigned long long)context->info.local_memory);
    if (status == CLRNN_OK)
        status = clr_gemms_prepare(&plan->gemms);
    if (status != CLRNN_OK)
        return status;
    clr_large *large = plan->state;
    status =
        clr_persistent_probe(&large->walks.kernels, context->info.compute_units, &large->together);
    if (status == CLRNN_OK)
        clr_log(&context->log, CLRNN_LOG_INFO, "%s: %u of %u large work-groups run together",
                context->info.name, large->together, context->info.compute_units);
    return status;
}

static clrnn_status forward(clrnn_plan *plan, const clr_walk *walks, size_t count)
{
    clrnn_status status = CLRNN_OK;
    for (size_t i = 0; i < count && status == CLRNN_OK; i++)
        status = clr_walk_inputs(plan, &walks[i]);
    return status == CLRNN_OK ? clr_walks_forward(plan, walks, count) : status;
}

const clr_strategy clr_strategy_resident = {
    .name = "resident",
    .id = CLRNN_STRATEGY_RESIDENT,
    .reason = "on a GPU one launch for many steps, with weights in registers, saves launches and "
              "memory traffic",
    .automatic = CL_DEVICE_TYPE_GPU,
    .refuses = refuses,
    .init = init,
    .release = clr_walks_release,
    .own = {~(CLR_BIT(CLR_INPUT) | CLR_BIT(CLR_D_INPUT)), &clr_packing_panels},
    .forward = forward,
    .backward = clr_walks_backward,
    .report = clr_walks_report,
    .notice = clr_walks_notice,
    .together = together,
    .force = clr_walks_force};

/* SPDX-License-Identifier: MIT
 * layer/resident.c - the strategy for GPUs that scans many steps in one launch: work-items share
 * the products and keep the recurrent weights in registers. */
#include "layer/resident.h"

#include "base/log.h"
#include "layer/cost.h"
#include "layer/scanner.h"
#include "layer/strategy.h"
#include "math/cell.h"
#include "math/resident.h"

/* The state of a plan with this strategy. */
typedef struct clr_resident_state {
    clr_scanner scanner;
    uint32_t co_resident; /* how many of its groups run at the same time */
} clr_resident_state;

/* What its kernels are for, but how many weights they keep. */
static clr_scan_kind kind_of(const clrnn_plan_desc *d)
{
    return (clr_scan_kind){.precision = d->precision,
                           .storage = d->weights,
                           .train = d->train,
                           .items = CLR_RESIDENT_MOST};
}

/* How much local memory kernels take by themselves only they can tell: so they are built here, and
 * not twice. What else goes wrong with that init will tell. */
static const char *refuses(clrnn_context *context, const clr_network *network,
                           const clrnn_plan_desc *desc)
{
    const clr_scan_kind kind = kind_of(desc);
    if (network->normed)
        return "layer norm needs the sums of all units at once; use stepwise";
    if (desc->train && network->desc.recurrent_dropout > 0)
        return "recurrent dropout changes what a step multiplies before it does; use stepwise";
    if (context->info.type & CL_DEVICE_TYPE_CPU && desc->train && network->form->phases > 1 &&
        (desc->resets || clr_cell_options(network) & OPTION_RARE))
        return "compilers for CPUs do not survive its kernel for training a cell of two phases "
               "with such options (PoCL 6, LLVM 18); use persistent";
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

static bool suits(const clrnn_context *context, const clr_network *network,
                  const clrnn_plan_desc *desc)
{
    return clr_resident_is_faster(network, context->info.compute_units, desc->max_batch);
}

static uint32_t smaller(uint32_t a, uint32_t b)
{
    return a < b ? a : b;
}

uint32_t *clr_co_resident_groups(clrnn_plan *plan)
{
    return &((clr_resident_state *)plan->state)->co_resident;
}

static uint32_t co_resident(const clrnn_plan *plan)
{
    return ((const clr_resident_state *)plan->state)->co_resident;
}

/* How a launch of some directions is cut. As many groups share the units as multiply them all at
 * once, and more if there are more than blocks of rows need: of what is not kept each then reads
 * less. The rest share the rows. */
static clr_partition rule(const clrnn_plan *plan, const clr_scan *scan, uint32_t directions,
                          bool back)
{
    const uint32_t batch = scan->layout->batch, each = co_resident(plan) / directions;
    clr_partition s = {.scans = directions,
                       .row_parts = 1,
                       .unit_parts = 1,
                       .most_spins = clr_scanner_spins(plan, batch, directions)};
    if (each < 2)
        return s;
    const clrnn_exec_config *config = &plan->config;
    bool measured = config->unit_parts && batch == plan->desc.max_batch &&
                    (uint64_t)config->unit_parts * config->row_parts <= each;
    uint32_t row_blocks = (batch + LANE_ROWS - 1) / LANE_ROWS,
             at_once = clr_resident_units(&clr_scanner_of(plan)->kernels, back);
    uint32_t units = back ? plan->network.state_size : plan->network.desc.hidden_size;
    const uint32_t fewest = (units + at_once - 1) / at_once, spare = each / row_blocks;
    const uint32_t most = (units + CLR_RESIDENT_LEAST_UNITS - 1) / CLR_RESIDENT_LEAST_UNITS;
    const uint32_t wanted = spare > fewest ? smaller(spare, most) : fewest;
    uint32_t parts =
        measured ? config->unit_parts : smaller(wanted > fewest ? wanted : fewest, each);
    if (parts > 1 && clr_grid_barrier_allowed(plan->context))
        s.unit_parts = smaller(parts, units);
    s.row_parts = smaller(measured ? config->row_parts : each / s.unit_parts, row_blocks);
    return s;
}

static clrnn_status init(clrnn_plan *plan)
{
    clrnn_context *context = plan->context;
    clr_scan_kind kind = kind_of(&plan->desc);
    kind.kept = plan->config.kept;
    clrnn_status status = clr_scanner_init(plan, sizeof(clr_resident_state), &kind, rule);
    if (status == CLRNN_ERR_UNSUPPORTED)
        return clr_fail(&context->log, status,
                        "plan: with %u weights in registers strategy resident needs more local "
                        "memory than the %llu bytes of a work-group",
                        kind.kept, (unsigned long long)context->info.local_memory);
    if (status == CLRNN_OK)
        status = clr_gemms_prepare(&plan->gemms);
    if (status != CLRNN_OK)
        return status;
    clr_resident_state *state = plan->state;
    status = clr_persistent_probe(&state->scanner.kernels, context->info.compute_units,
                                  &state->co_resident);
    if (status == CLRNN_OK)
        clr_log(&context->log, CLRNN_LOG_INFO, "%s: %u of %u large work-groups are co-resident",
                context->info.name, state->co_resident, context->info.compute_units);
    return status;
}

static clrnn_status forward(clrnn_plan *plan, const clr_scan *scans, size_t count)
{
    clrnn_status status = CLRNN_OK;
    for (size_t i = 0; i < count && status == CLRNN_OK; i++)
        status = clr_scan_inputs(plan, &scans[i]);
    return status == CLRNN_OK ? clr_scanner_forward(plan, scans, count, true) : status;
}

const clr_strategy clr_strategy_resident = {
    .name = "resident",
    .id = CLRNN_STRATEGY_RESIDENT,
    .reason = "on a GPU one launch for many steps, with weights in registers, saves launches and "
              "memory traffic",
    .automatic = CL_DEVICE_TYPE_GPU,
    .refuses = refuses,
    .suits = suits,
    .init = init,
    .release = clr_scanner_release,
    .own = {~(CLR_BIT(CLR_INPUT) | CLR_BIT(CLR_D_INPUT)), &clr_packing_lanes},
    .forward = forward,
    .backward = clr_scanner_backward,
    .report = clr_scanner_report,
    .poll_errors = clr_scanner_poll_errors,
    .co_resident = co_resident,
    .force = clr_scanner_force};

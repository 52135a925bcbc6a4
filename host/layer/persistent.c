/* SPDX-License-Identifier: MIT
 * layer/persistent.c - the strategy that scans many steps in one launch, on CPU devices. */
#include "base/log.h"
#include "layer/scanner.h"
#include "layer/strategy.h"

static const char *refuses(clrnn_context *context, const clr_network *network,
                           const clrnn_plan_desc *desc)
{
    (void)network;
    (void)desc;
    if (!(context->info.type & CL_DEVICE_TYPE_CPU))
        return "its kernels are for CPU devices";
    return NULL;
}

/* How many groups are co-resident on this device: asked once for each context. */
static clrnn_status find_co_resident(clrnn_plan *plan)
{
    clrnn_context *context = plan->context->root;
    uint32_t co_resident = context->co_resident;
    if (co_resident)
        return CLRNN_OK;
    clrnn_status status = clr_persistent_probe(&clr_scanner_of(plan)->kernels,
                                               context->info.compute_units, &co_resident);
    if (status != CLRNN_OK)
        return status;
    clr_log(&context->log, CLRNN_LOG_INFO, "%s: %u of %u work-groups are co-resident",
            context->info.name, co_resident, context->info.compute_units);
    context->co_resident = co_resident;
    return CLRNN_OK;
}

static uint32_t smaller(uint32_t a, uint32_t b)
{
    return a < b ? a : b;
}

/* Weights that a step of a layer reads. */
static uint64_t weights_of(const clrnn_plan *plan)
{
    const clr_network *n = &plan->network;
    return (uint64_t)n->gates * n->desc.hidden_size * n->state_size;
}

/* A few milliseconds: longer waits cost more than working alone. */
static const uint32_t long_wait = 1u << 17;

static uint32_t co_resident(const clrnn_plan *plan)
{
    return plan->context->root->co_resident;
}

/* A launch of less work is not worth a second group, which begins later: one that the first has to
 * wait for each other in each step, one that takes the other of two layers, or one that takes other
 * rows. */
static const uint64_t small_launch = 1u << 22, small_stack = 1u << 20, small_rows = 1u << 20;

/* Two layers of a stack are scanned in one launch, each by a group of its own, where a step is so
 * small that to cut it would cost more than it saves; very short ones by one group. */
static uint32_t layers(const clrnn_plan *plan, uint32_t steps, uint32_t batch)
{
    const uint64_t small_step = 1u << 17, work = weights_of(plan) * batch;
    if (clr_scanner_of(plan)->forced)
        return clr_scanner_of(plan)->forced->stacked ? 2 : 1;
    uint32_t measured = batch == plan->desc.max_batch ? plan->config.layers : 0;
    bool small = measured ? measured > 1 : work <= small_step && batch < 6 * co_resident(plan);
    bool short_one = work * steps <= small_stack;
    return small && (short_one ||
                     (co_resident(plan) >= 2 && clr_grid_barrier_allowed(plan->context)))
               ? 2
               : 1;
}

static clr_partition partition_stack(const clrnn_plan *plan, const clr_scan *scan, uint32_t scans)
{
    const uint64_t work = weights_of(plan) * scan->layout->batch * (scan->end - scan->begin);
    return (clr_partition){.scans = scans,
                           .row_parts = 1,
                           .unit_parts = 1,
                           .stacked = true,
                           .single_group = work <= small_stack || co_resident(plan) < scans ||
                                           !clr_grid_barrier_allowed(plan->context),
                           .most_spins = long_wait};
}

/* How a launch of some directions is cut. Directions are independent, so they come first; rows are
 * independent too, but each part of the rows reads all weights, so rows are cut only while these
 * fit a core's own cache; units need a grid barrier in each step, which small steps are not worth,
 * nor launches of few steps that a late group would make many times as long. From large parts
 * others steal. */
static clr_partition partition_directions(const clrnn_plan *plan, const clr_scan *scan,
                                          uint32_t directions)
{
    const uint32_t batch = scan->layout->batch, steps = scan->end - scan->begin;
    const clr_network *n = &plan->network;
    const uint64_t core_cache = 1u << 19, large_panel = 1u << 17;
    const uint32_t full_tiles =
        12; /* with fewer rows the lower tiles cost more than grid barriers */
    uint64_t products = weights_of(plan);
    const uint32_t width = clr_scanner_of(plan)->kernels.tile_n;
    uint32_t panels = (n->desc.hidden_size + width - 1) / width;
    uint32_t each = co_resident(plan) / directions;
    clr_partition s = {
        .scans = directions, .row_parts = 1, .unit_parts = 1, .most_spins = long_wait};
    /* Where a panel takes some microseconds it matters little whose caches hold it, and much that
     * a core which others use keeps nobody waiting. */
    s.steal = products * batch / panels >= large_panel;
    if (each < 2)
        return s;
    const uint64_t small_step = panels % each ? 1u << 15 : 1u << 14; /* even parts pay sooner */
    const clrnn_exec_config *config = &plan->config;
    if (config->unit_parts && batch == plan->desc.max_batch) { /* measured */
        bool possible = config->unit_parts <= each && config->row_parts <= each;
        if (possible && (config->unit_parts == 1 || clr_grid_barrier_allowed(plan->context))) {
            s.row_parts = smaller(config->row_parts, batch);
            s.unit_parts = smaller(config->unit_parts, panels);
            s.steal = config->steals;
            return s;
        }
    }
    if (products * batch * steps <= small_rows)
        return s;
    if (batch >= full_tiles * each && products * plan->packed.number_bytes <= core_cache)
        s.row_parts = each;
    else if (products * batch >= small_step && products * batch * steps > small_launch &&
             clr_grid_barrier_allowed(plan->context))
        s.unit_parts = smaller(each, panels);
    else if (batch >= each)
        s.row_parts = each;
    return s;
}

static clr_partition rule(const clrnn_plan *plan, const clr_scan *scans, uint32_t count, bool back)
{
    bool stacked = count > 1 && scans[0].layer != scans[1].layer;
    (void)back;
    return (stacked ? partition_stack : partition_directions)(plan, scans, count);
}

static clrnn_status init(clrnn_plan *plan)
{
    const clrnn_plan_desc *d = &plan->desc;
    const clr_scan_kind kind = {.precision = d->precision,
                                .storage = d->weights,
                                .train = d->train,
                                .items = 1,
                                .rows = plan->config.rows};
    clrnn_status status = clr_scanner_init(plan, sizeof(clr_scanner), &kind, rule);
    return status == CLRNN_OK ? find_co_resident(plan) : status;
}

const clr_strategy clr_strategy_persistent = {
    .name = "persistent",
    .id = CLRNN_STRATEGY_PERSISTENT,
    .reason = "on a CPU device one launch for many steps is faster than two for each",
    .automatic = CL_DEVICE_TYPE_CPU,
    .refuses = refuses,
    .init = init,
    .release = clr_scanner_release,
    .own = {~CLR_BIT(CLR_D_INPUT), &clr_packing_panels},
    .layers = layers,
    .forward = clr_scanner_forward,
    .backward = clr_scanner_backward,
    .report = clr_scanner_report,
    .poll_errors = clr_scanner_poll_errors,
    .co_resident = co_resident,
    .force = clr_scanner_force};

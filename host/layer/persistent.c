/* SPDX-License-Identifier: MIT
 * layer/persistent.c - the strategy that scans many steps in one launch, on CPU devices. */
#include "base/log.h"
#include "layer/scanner.h"
#include "layer/strategy.h"

static const char *refuses(clrnn_context *context, const clr_network *network,
                           const clrnn_plan_desc *desc)
{
    if (!(context->info.type & CL_DEVICE_TYPE_CPU))
        return "its kernels are for CPU devices";
    if (network->normed && desc->weights != CLRNN_WEIGHTS_F32)
        return "with layer norm its weights are f32; use stepwise";
    if (desc->train && network->desc.recurrent_dropout > 0)
        return "recurrent dropout changes what a step multiplies before it does; use stepwise";
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

/* Cycles that a value of k takes for a panel and so many rows, which come in tiles of six and of
 * four: tile_height of cl/persistent.cl. */
static uint32_t tile_cycles(uint32_t rows)
{
    const uint32_t high = rows > 8 ? (rows - 3) / 6 : 0, rest = rows - 6 * high;
    return 6 * high + (rest > 6 ? 8 : rest > 4 ? 6 : rest ? 4 : 0);
}

/* A step of a direction: its weights, and what it takes in cycles for a value of k, whole or cut in
 * two ways. */
typedef struct clr_step_cost {
    uint32_t panels, rows; /* rows: of a group, if they are cut */
    uint64_t weights, whole, by_rows, by_units;
} clr_step_cost;

static clr_step_cost cost_of(const clrnn_plan *plan, uint32_t batch, uint32_t each)
{
    const clr_network *n = &plan->network;
    const uint32_t width = clr_scanner_of(plan)->kernels.tile_n;
    const uint64_t panels = (n->desc.hidden_size + width - 1) / width;
    const uint32_t rows = (batch + each - 1) / each;
    const uint64_t barrier = 1000 / (n->gates * n->state_size); /* a third of a microsecond */
    return (clr_step_cost){.panels = (uint32_t)panels,
                           .rows = rows,
                           .weights = weights_of(plan),
                           .whole = panels * tile_cycles(batch),
                           .by_rows = panels * tile_cycles(rows),
                           .by_units = (panels + each - 1) / each * tile_cycles(batch) + barrier};
}

/* Of a network so small that a group with a kernel of its own for a few rows takes them faster than
 * two groups do that share the units. (One row of an LSTM, H = 64 and 96: 1.3 and 1.2 times as
 * fast; two rows with H = 40 1.7 times as fast as in one tile.) */
static const uint64_t small_single = 3u << 14;

static bool single_rows(const clrnn_plan *plan, const clr_scan *scan, uint32_t rows, bool back)
{
    const clr_persistent *kernels = &clr_scanner_of(plan)->kernels;
    const size_t inputs = clr_network_cell(&plan->network, scan->layer, 0).inputs;
    return !back && !scan->lengths && weights_of(plan) < small_single &&
           clr_persistent_is_single(kernels, rows, inputs);
}

/* With layer norm there are two or three grid barriers in place of each. */
static const uint64_t small_normed = 1u << 19;

/* As it has been measured, if that can be. */
static bool cut_as_measured(const clrnn_plan *plan, uint32_t batch, uint32_t each, uint32_t panels,
                            clr_partition *s)
{
    const clrnn_exec_config *config = &plan->config;
    if (!config->unit_parts || batch != plan->desc.max_batch || config->unit_parts > each ||
        config->row_parts > each ||
        (config->unit_parts > 1 && !clr_grid_barrier_allowed(plan->context)))
        return false;
    s->row_parts = smaller(config->row_parts, batch);
    s->unit_parts = smaller(config->unit_parts, panels);
    s->steal = config->steals;
    return true;
}

/* How a launch of some directions is cut. Directions are independent, so they come first; rows are
 * independent too, but each part of the rows reads all weights, so rows are cut only while these
 * fit a core's own cache; units need a grid barrier in each step, which small steps are not worth,
 * nor launches of few steps that a late group would make many times as long. From large parts
 * others steal. */
static clr_partition partition_directions(const clrnn_plan *plan, const clr_scan *scan,
                                          uint32_t directions, bool back)
{
    const uint64_t core_cache = 1u << 19, large_panel = 1u << 17;
    /* (With fewer rows the lower tiles may cost more than grid barriers.) */
    const uint32_t full_tiles = 12;
    const uint32_t batch = scan->layout->batch, each = co_resident(plan) / directions;
    const clr_step_cost step = cost_of(plan, batch, each ? each : 1);
    const uint64_t products = step.weights * batch, work = products * (scan->end - scan->begin);
    clr_partition s = {
        .scans = directions, .row_parts = 1, .unit_parts = 1, .most_spins = long_wait};
    /* Where a panel takes some microseconds it matters little whose caches hold it, and much that
     * a core which others use keeps nobody waiting. */
    s.steal = products / step.panels >= large_panel && !plan->network.normed;
    if (each < 2 || cut_as_measured(plan, batch, each, step.panels, &s) || work <= small_rows)
        return s;
    /* Even parts pay sooner. */
    const uint64_t small_step = plan->network.normed                   ? small_normed
                                : single_rows(plan, scan, batch, back) ? small_single
                                : step.panels % each                   ? 1u << 15
                                                                       : 1u << 14;
    /* (With layer norm before grid barriers, of which there are more then.) */
    const bool fits =
        plan->network.normed || step.weights * plan->packed.number_bytes <= core_cache;
    const bool fewer = batch >= each && step.by_rows < step.whole;
    if ((batch >= each && single_rows(plan, scan, step.rows, back)) ||
        (fits && fewer &&
         (plan->network.normed || step.rows >= full_tiles || step.by_rows <= step.by_units)))
        s.row_parts = each;
    else if (products >= small_step && work > small_launch && step.by_units < step.whole &&
             clr_grid_barrier_allowed(plan->context))
        s.unit_parts = smaller(each, step.panels);
    else if (batch >= each)
        s.row_parts = each;
    return s;
}

static clr_partition rule(const clrnn_plan *plan, const clr_scan *scans, uint32_t count, bool back)
{
    bool stacked = count > 1 && scans[0].layer != scans[1].layer;
    return stacked ? partition_stack(plan, scans, count)
                   : partition_directions(plan, scans, count, back);
}

/* Whether input products of a layer can be worth to come before the scan of one row. */
static bool has_many_inputs(const clrnn_plan *plan, uint32_t layer)
{
    const clr_network *n = &plan->network;
    const size_t H = n->desc.hidden_size, I = clr_network_cell(n, layer, 0).inputs;
    return !plan->desc.train && !n->normed && I > SINGLE_INPUTS && I >= 2 * H &&
           clr_persistent_is_single(&clr_scanner_of(plan)->kernels, 1, I);
}

/* Where one group scans all that there is, the input products of all steps can come before, from
 * all groups; not of so few that another one would begin too late (clrnn/stream.h says which), nor
 * those that the scan has at hand. What another core has written comes slowly, so they must be most
 * of the work: one row of 256 values and 32 or 64 units is 1.6 or 1.4 times as fast, one of as many
 * values as units is not. */
static bool multiplies_before(const clrnn_plan *plan, const clr_scan *scans, size_t count)
{
    const clr_scan *w = scans;
    const clr_network *n = &plan->network;
    const size_t H = n->desc.hidden_size, I = clr_network_cell(n, w->layer, 0).inputs;
    if (count != 1 || clr_scanner_of(plan)->forced || !has_many_inputs(plan, w->layer) ||
        w->layout->batch != 1 || co_resident(plan) < 2 || !single_rows(plan, w, 1, false))
        return false;
    return rule(plan, scans, 1, false).unit_parts == 1 &&
           clr_packing_panels.seamless(&plan->gemms, H) &&
           (uint64_t)(w->end - w->begin) * n->gates * H * I > small_launch;
}

static clrnn_status forward(clrnn_plan *plan, const clr_scan *scans, size_t count)
{
    const bool before = multiplies_before(plan, scans, count);
    clrnn_status status = before ? clr_scan_inputs(plan, scans) : CLRNN_OK;
    return status == CLRNN_OK ? clr_scanner_forward(plan, scans, count, before) : status;
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
    if (status == CLRNN_OK && has_many_inputs(plan, 0)) /* no block of a stream builds anything */
        status = clr_gemms_prepare(&plan->gemms);
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
    .forward = forward,
    .again = clr_scanner_again,
    .backward = clr_scanner_backward,
    .report = clr_scanner_report,
    .poll_errors = clr_scanner_poll_errors,
    .co_resident = co_resident,
    .force = clr_scanner_force};

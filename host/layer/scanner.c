/* SPDX-License-Identifier: MIT
 * layer/scanner.c - see layer/scanner.h. */
#include "layer/scanner.h"

#include <stdlib.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/memory.h"
#include "device/buffer.h"
#include "layer/norm.h"

/* At the least speed that a device is thought to have a launch of so many operations takes 0.1 s,
 * and nothing else on the queue waits longer. Phases are counted in 32 bits. */
static const double operations_per_second = 2e10, launch_operations = 2e9;
enum { most_steps = 1 << 16 };

clr_scanner *clr_scanner_of(const clrnn_plan *plan)
{
    return plan->state;
}

clrnn_status clr_scanner_init(clrnn_plan *plan, size_t bytes, const clr_scan_kind *kind,
                              clr_partition_rule *rule)
{
    clr_scanner *scanner = plan->state = clr_calloc(1, bytes);
    if (!scanner)
        return clr_fail(&plan->context->log, CLRNN_ERR_MEMORY, "plan: out of memory");
    scanner->rule = rule;
    clrnn_status status =
        clr_persistent_init(plan->context, &plan->network, kind, &scanner->kernels);
    if (status == CLRNN_OK && plan->network.normed)
        status =
            clr_plan_allocate(plan, &scanner->sums, (uint64_t)MOST_SCANS * plan->desc.max_batch,
                              (uint64_t)plan->network.gates * plan->network.desc.hidden_size);
    if (status == CLRNN_OK && scanner->kernels.packs)
        status = kind->items > 1
                     ? clr_packed_share_lanes(&plan->gemms.packed, scanner->kernels.packs)
                     : clr_packed_share(&plan->gemms.packed, scanner->kernels.packs);
    return status;
}

void clr_scanner_release(clrnn_plan *plan)
{
    if (!plan->state)
        return;
    clr_persistent_free(&clr_scanner_of(plan)->kernels);
    clr_buffer_destroy(&clr_scanner_of(plan)->sums);
    free(plan->state);
}

void clr_scanner_force(clrnn_plan *plan, const clr_partition *partition)
{
    clr_scanner_of(plan)->forced = partition;
    plan->repeatable = 0;
}

/* As the strategy cuts a launch, or as a test wants it. */
static clr_partition partition_of(const clrnn_plan *plan, const clr_scan *scans, size_t count,
                                  bool back)
{
    const clr_scanner *state = clr_scanner_of(plan);
    if (!state->forced)
        return state->rule(plan, scans, (uint32_t)count, back);
    clr_partition s = *state->forced;
    s.scans = (uint32_t)count;
    s.stacked = count > 1 && scans[0].layer != scans[1].layer;
    s.single_group = s.stacked && s.single_group;
    return s;
}

static uint32_t smaller(uint32_t a, uint32_t b)
{
    return a < b ? a : b;
}

/* After a timeout there are no grid barriers for a while, twice as long after each further one: a
 * core that others use makes every grid barrier as long as their turn. */
static const double back_off_first = 0.02, back_off_most = 2;

/* Whether the next launch may have a grid barrier. */
bool clr_grid_barrier_allowed(clrnn_context *context)
{
    double now = clr_seconds();
    context = context->root;
    clr_lock_take(&context->lock);
    bool may = now >= context->back_off_until;
    clr_lock_give(&context->lock);
    return may;
}

/* Note a timeout. Returns for how long grid barriers are off. */
static double back_off(clrnn_context *context)
{
    double now = clr_seconds();
    context = context->root;
    clr_lock_take(&context->lock);
    double last = context->back_off_last;
    bool again = last > 0 && now < context->back_off_until + 4 * last;
    double pause = !again ? back_off_first : 2 * last < back_off_most ? 2 * last : back_off_most;
    context->back_off_last = pause;
    context->back_off_until = now + pause;
    clr_lock_give(&context->lock);
    return pause;
}

/* On a GPU a step of any size takes some microseconds, of which most are for the grid barrier:
 * counted as operations. */
static const double gpu_step_operations = 2e5;

static uint32_t steps_of_launch(const clrnn_plan *plan, uint32_t inputs, uint32_t batch,
                                size_t scans)
{
    const clr_network *n = &plan->network;
    double step = 2.0 * n->gates * n->desc.hidden_size * ((double)inputs + n->state_size) *
                  (double)scans * batch;
    if (clr_scanner_of(plan)->kernels.kind.items > 1)
        step += gpu_step_operations;
    double most = clr_scanner_of(plan)->launch_operations;
    double steps = (most > 0 ? most : launch_operations) / step;
    return steps < 1 ? 1 : steps < most_steps ? (uint32_t)steps : most_steps;
}

/* How often a group looks at a counter in the time that so many operations take. One look takes
 * some tens of nanoseconds on a CPU, and hundreds on a GPU: counted as less, so that nobody leaves
 * too soon. */
static uint32_t spins_of(const clrnn_plan *plan, double operations)
{
    const uint32_t most = 1u << 28;
    bool cpu = plan->context->info.type & CL_DEVICE_TYPE_CPU;
    double spins = operations / operations_per_second / (cpu ? 10e-9 : 100e-9);
    return spins < most ? (uint32_t)spins : most;
}

/* How much longer than a step the input product of a block of `rows` may take. */
static uint32_t input_spins(const clrnn_plan *plan, uint32_t inputs, uint64_t rows)
{
    const clr_network *n = &plan->network;
    return spins_of(plan, 2.0 * n->gates * n->desc.hidden_size * inputs * (double)rows);
}

uint32_t clr_scanner_spins(const clrnn_plan *plan, uint32_t batch, uint32_t scans)
{
    const uint32_t few_milliseconds =
        plan->context->info.type & CL_DEVICE_TYPE_CPU ? 1u << 17 : 1u << 14;
    const clr_network *n = &plan->network;
    double step = 2.0 * n->gates * n->desc.hidden_size * n->state_size * (double)batch * scans;
    return few_milliseconds + spins_of(plan, step);
}

/* The first grid barrier may wait longer: a system may let two groups begin on one core, and not
 * see for some milliseconds that another one has nothing to do. */
static uint32_t first_wait(const clr_partition *partition)
{
    return partition->most_spins < 1u << 28 ? 4 * partition->most_spins : partition->most_spins;
}

static uint32_t most_inputs(const clrnn_plan *plan, const clr_scan *scans, size_t count)
{
    size_t most = 0;
    for (size_t i = 0; i < count; i++) {
        size_t inputs = clr_network_cell(&plan->network, scans[i].layer, 0).inputs;
        most = inputs > most ? inputs : most;
    }
    return (uint32_t)most;
}

/* Steps whose input products come at once: INPUT_ROWS rows. Of a stack each layer keeps a block
 * behind the one below, so there an eighth of the steps, but two tiles of rows. */
static uint32_t block_of(const clr_partition *partition, uint32_t batch, uint32_t steps)
{
    const uint32_t few_rows = 12;
    uint32_t most = batch < INPUT_ROWS ? INPUT_ROWS / batch : 1;
    uint32_t least = batch < few_rows ? few_rows / batch : 1;
    uint32_t part = steps / 8 > least ? steps / 8 : least;
    return partition->stacked && !partition->single_group ? smaller(part, most) : most;
}

clrnn_status clr_scanner_forward(clrnn_plan *plan, const clr_scan *scans, size_t count,
                                 bool multiplied)
{
    const clr_partition partition = partition_of(plan, scans, count, false);
    const clr_scan *w = scans;
    const clr_layout *l = w->layout;
    const uint32_t inputs = multiplied ? 0 : most_inputs(plan, scans, count);
    uint32_t total = w->end - w->begin, most = steps_of_launch(plan, inputs, l->batch, count);
    clrnn_status status = CLRNN_OK;
    for (uint32_t done = 0, steps; done < total && status == CLRNN_OK; done += steps) {
        steps = smaller(total - done, most);
        clr_forward_scan f = clr_forward_scan_of(plan, scans, count, done, steps);
        f.panels = plan->packed.buffer;
        f.sums = clr_scanner_of(plan)->sums;
        f.norms = clr_norm_launch_of(plan, scans, count, &f.launch);
        f.x = multiplied ? NULL : w->input.buffer;
        for (size_t i = 0; i < count && multiplied; i++)
            f.launch.scans[i].x_from = FROM_NOWHERE;
        f.launch.block = multiplied ? steps : block_of(&partition, l->batch, steps);
        f.launch.first_spins =
            first_wait(&partition) +
            input_spins(plan, inputs, l->batch > INPUT_ROWS ? l->batch : INPUT_ROWS);
        status = clr_persistent_forward(&clr_scanner_of(plan)->kernels, &f, &partition);
        clr_scanner_of(plan)->one_launch = steps == total && !multiplied;
    }
    return status;
}

bool clr_scanner_again(clrnn_plan *plan, clrnn_status *status)
{
    return clr_scanner_of(plan)->one_launch &&
           clr_persistent_again(&clr_scanner_of(plan)->kernels, status);
}

clrnn_status clr_scanner_backward(clrnn_plan *plan, const clr_scan *scans, size_t count)
{
    const clr_partition partition = partition_of(plan, scans, count, true);
    const clr_scan *w = scans;
    const clr_layout *l = w->layout;
    uint32_t total = w->end - w->begin, most = steps_of_launch(plan, 0, l->batch, count);
    clrnn_status status = CLRNN_OK;
    for (uint32_t done = 0, steps; done < total && status == CLRNN_OK; done += steps) {
        steps = smaller(total - done, most);
        clr_backward_scan b = clr_backward_scan_of(plan, scans, count, done, steps);
        b.panels = plan->packed.buffer;
        b.sums = clr_scanner_of(plan)->sums;
        b.dsums = plan->dsums;
        b.dz = plan->dz;
        b.norms = clr_norm_launch_of(plan, scans, count, &b.launch);
        b.launch.first_spins = first_wait(&partition);
        status = clr_persistent_backward(&clr_scanner_of(plan)->kernels, &b, &partition);
    }
    return status;
}

clrnn_status clr_scanner_report(clrnn_plan *plan)
{
    clr_scanner *scanner = clr_scanner_of(plan);
    return scanner ? clr_persistent_report(&scanner->kernels) : CLRNN_OK;
}

void clr_scanner_poll_errors(clrnn_plan *plan)
{
    clrnn_context *context = plan->context;
    clr_scanner *scanner = clr_scanner_of(plan);
    uint32_t fallbacks = 0;
    if (!scanner || !clr_persistent_fallbacks(&scanner->kernels, &fallbacks) ||
        fallbacks == scanner->fallbacks)
        return;
    if (context->root != context) { /* a self-test, in which groups wait in vain on purpose */
        scanner->fallbacks = fallbacks;
        return;
    }
    clr_log(&context->log, CLRNN_LOG_INFO,
            "%s: in %u launches work-groups waited for one another in vain, as when other programs "
            "use the cores; the results are right; no grid barriers for %.0f ms",
            context->info.name, fallbacks - scanner->fallbacks, 1e3 * back_off(context));
    scanner->fallbacks = fallbacks;
}

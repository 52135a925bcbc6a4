/* SPDX-License-Identifier: MIT
 * layer/miniature.c - see layer/miniature.h: the problems of a self-test: small ones, in which the
 * kernels do all that users let them do.
 *
 * A stack and both directions; one row and several, of different lengths (a tile of six rows is
 * another piece of code than one of a single row); five steps and more, so that each place for a
 * state is read twice. Launches are cut as larger problems would be: into rows, into units for as
 * many groups as are co-resident (two or more), with work stealing, a layer for each group; and
 * into more groups than are ever co-resident, which do not wait, so that the last one falls back.
 */
#include "layer/miniature.h"

#include <string.h>

#include "layer/check.h"
#include "layer/make.h"
#include "layer/plan.h"
#include "layer/strategy.h"
#include "math/persistent.h"

/* The partitions of one problem. */
enum { most_partitions = 5 };

typedef struct clr_partitions {
    clr_partition all[most_partitions];
    const clr_partition *list[most_partitions];
    size_t count;
} clr_partitions;

static void add(clr_partitions *partitions, clr_partition partition)
{
    partitions->all[partitions->count] = partition;
    partitions->list[partitions->count] = &partitions->all[partitions->count];
    partitions->count++;
}

/* A group waits for another for as long as it takes: a grid barrier that times out, since the
 * machine is busy, tests nothing. */
static const uint32_t patient = 1u << 23;

/* Of a stack a layer for each group, where so many are co-resident, or one group for all; or its
 * layers one after the other, with work stealing. */
static void add_stacked(uint32_t co_resident, clr_partitions *partitions)
{
    const clr_partition one = {.row_parts = 1, .unit_parts = 1, .stacked = true};
    clr_partition single_group = one, barrier = one, stealing = one;
    single_group.single_group = true;
    barrier.most_spins = stealing.most_spins = patient;
    stealing.stacked = false;
    stealing.unit_parts = 2;
    stealing.steal = true;
    add(partitions, single_group);
    if (co_resident >= 2) {
        add(partitions, barrier);
        add(partitions, stealing);
    }
    add(partitions, one); /* nobody waits */
}

/* each: how many groups of a direction are co-resident. */
static void add_shared(uint32_t each, uint32_t batch, bool steals, clr_partitions *partitions)
{
    const uint32_t rows = batch > 1 ? 2 : 1, units = each > 2 ? 3 : 2;
    add(partitions, (clr_partition){.row_parts = rows, .unit_parts = 1});
    if (each >= 2)
        add(partitions, (clr_partition){.row_parts = 1,
                                        .unit_parts = units,
                                        .steal = steals && batch > 1,
                                        .most_spins = patient});
    if (each >= 4 && batch > 1)
        add(partitions, (clr_partition){.row_parts = 2, .unit_parts = 2, .most_spins = patient});
    add(partitions, (clr_partition){.row_parts = rows, .unit_parts = 3}); /* nobody waits */
    if (steals && batch > 1)
        add(partitions, (clr_partition){.row_parts = 1, .unit_parts = 4, .steal = true});
}

static void list_partitions(const clrnn_plan *plan, clr_partitions *partitions)
{
    const clr_network *n = &plan->network;
    const clr_strategy *strategy = plan->strategy;
    const uint32_t batch = plan->desc.max_batch;
    bool persistent = strategy == &clr_strategy_persistent;
    *partitions = (clr_partitions){.count = 0};
    if (!strategy->force)
        partitions->count = 1; /* a launch for each step: nothing is cut */
    else if (persistent && n->layers > 1)
        add_stacked(strategy->co_resident(plan), partitions);
    else
        add_shared(strategy->co_resident(plan) / n->directions, batch, persistent, partitions);
}

static clrnn_status check(clrnn_context *context, const clrnn_problem *problem, clrnn_check *check)
{
    const clrnn_plan_desc desc = clr_problem_plan(problem);
    const clrnn_exec_config none = {0};
    clrnn_plan *plan = NULL;
    clr_partitions partitions;
    clrnn_status status = clr_plan_create_untested(context, &desc, &none, &plan);
    if (status == CLRNN_OK) {
        list_partitions(plan, &partitions);
        status = clr_check_partitions(context, problem, 1, plan, partitions.list, partitions.count,
                                      check);
    }
    clrnn_plan_destroy(&plan);
    return status;
}

clrnn_status clr_miniature_check(clrnn_context *context, const clrnn_problem *tiny,
                                 clrnn_check *result)
{
    /* With many units the reference takes long, so there are fewer numbers. */
    static const struct {
        bool many;
        uint32_t layers, directions, steps, batch;
    } problems[] = {{false, 1, 2, 6, 5},
                    {false, 2, 1, 6, 5},
                    {false, 1, 1, 5, 1},
                    {true, 1, 2, 5, 1},
                    {true, 1, 1, 6, 5}};
    const bool many = tiny->network.hidden_size > 100;
    clrnn_status status = CLRNN_OK;
    result->passed = true;
    for (size_t i = 0; i < sizeof problems / sizeof *problems; i++) {
        clrnn_problem p = *tiny;
        p.network.num_layers = problems[i].layers;
        p.network.bidirectional = problems[i].directions == 2;
        if (!p.network.bidirectional) /* with both those of the way back are tested */
            memset(p.network.activations[1], 0, sizeof p.network.activations[1]);
        p.steps = problems[i].steps;
        p.batch = problems[i].batch;
        if (p.batch > 1 && p.batch < tiny->batch)
            p.batch = tiny->batch;
        p.ragged = p.batch > 1;
        if (problems[i].many == many && status == CLRNN_OK && result->passed)
            status = check(context, &p, result);
    }
    return status;
}

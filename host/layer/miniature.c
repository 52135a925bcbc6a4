/* SPDX-License-Identifier: MIT
 * layer/miniature.c - see layer/miniature.h: the problems of a self-test: small ones, in which the
 * kernels do all that users let them do.
 *
 * A stack and both directions; one row and several, of different lengths (a tile of six rows is
 * another piece of code than one of a single row); five steps and more, so that each place for a
 * state is read twice. Launches are cut as larger problems would be: into rows, into units for as
 * many groups as run together (two or more), with work stealing, a layer for each group; and into
 * more groups than ever run together, which do not wait, so that the last one repairs. */
#include "layer/miniature.h"

#include <string.h>

#include "layer/check.h"
#include "layer/make.h"
#include "layer/plan.h"
#include "layer/strategy.h"
#include "math/persistent.h"

/* The cuts of one problem. */
enum { most_cuts = 5 };

typedef struct clr_cuts {
    clr_shares shares[most_cuts];
    const clr_shares *list[most_cuts];
    size_t count;
} clr_cuts;

static void add(clr_cuts *cuts, clr_shares shares)
{
    cuts->shares[cuts->count] = shares;
    cuts->list[cuts->count] = &cuts->shares[cuts->count];
    cuts->count++;
}

/* A group waits for another for as long as it takes: a meeting that is repaired, since the machine
 * is busy, tests nothing. */
static const uint32_t patient = 1u << 23;

/* Of a stack a layer for each group, where so many run together, or one group for all; or its
 * layers one after the other, with help. */
static void add_stacked(uint32_t together, clr_cuts *cuts)
{
    const clr_shares one = {.row_shares = 1, .unit_shares = 1, .stacked = true};
    clr_shares solo = one, meeting = one, helping = one;
    solo.solo = true;
    meeting.most_spins = helping.most_spins = patient;
    helping.stacked = false;
    helping.unit_shares = 2;
    helping.help = true;
    add(cuts, solo);
    if (together >= 2) {
        add(cuts, meeting);
        add(cuts, helping);
    }
    add(cuts, one); /* nobody waits */
}

/* each: how many groups of a direction run together. */
static void add_shared(uint32_t each, uint32_t batch, bool helps, clr_cuts *cuts)
{
    const uint32_t rows = batch > 1 ? 2 : 1, units = each > 2 ? 3 : 2;
    add(cuts, (clr_shares){.row_shares = rows, .unit_shares = 1});
    if (each >= 2)
        add(cuts, (clr_shares){.row_shares = 1,
                               .unit_shares = units,
                               .help = helps && batch > 1,
                               .most_spins = patient});
    if (each >= 4 && batch > 1)
        add(cuts, (clr_shares){.row_shares = 2, .unit_shares = 2, .most_spins = patient});
    add(cuts, (clr_shares){.row_shares = rows, .unit_shares = 3}); /* nobody waits */
    if (helps && batch > 1)
        add(cuts, (clr_shares){.row_shares = 1, .unit_shares = 4, .help = true});
}

static void list_cuts(const clrnn_plan *plan, clr_cuts *cuts)
{
    const clr_network *n = &plan->network;
    const clr_strategy *strategy = plan->strategy;
    const uint32_t batch = plan->desc.max_batch;
    bool persistent = strategy == &clr_strategy_persistent;
    *cuts = (clr_cuts){.count = 0};
    if (!strategy->force)
        cuts->count = 1; /* a launch for each step: nothing is cut */
    else if (persistent && n->layers > 1)
        add_stacked(strategy->together(plan), cuts);
    else
        add_shared(strategy->together(plan) / n->directions, batch, persistent, cuts);
}

static clrnn_status check(clrnn_context *context, const clrnn_problem *problem, clrnn_check *check)
{
    const clrnn_plan_desc desc = clr_problem_plan(problem);
    const clrnn_exec_config none = {0};
    clrnn_plan *plan = NULL;
    clr_cuts cuts;
    clrnn_status status = clr_plan_create_untested(context, &desc, &none, &plan);
    if (status == CLRNN_OK) {
        list_cuts(plan, &cuts);
        status = clr_check_cuts(context, problem, 1, plan, cuts.list, cuts.count, check);
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
        p.ragged = p.batch > 1;
        if (problems[i].many == many && status == CLRNN_OK && result->passed)
            status = check(context, &p, result);
    }
    return status;
}

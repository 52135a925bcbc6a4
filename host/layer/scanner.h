/* SPDX-License-Identifier: MIT
 * layer/scanner.h - launches that scan many steps: what the strategies persistent and resident
 * share, which differ in their kernels and in how they cut a launch. */
#ifndef CLR_LAYER_SCANNER_H
#define CLR_LAYER_SCANNER_H

#include "layer/scan.h"
#include "math/persistent.h"

/* How a launch of `count` scans is cut. */
typedef clr_partition clr_partition_rule(const clrnn_plan *plan, const clr_scan *scans,
                                         uint32_t count, bool back);

/* The state of such a strategy, or what it begins with. */
typedef struct clr_scanner {
    clr_persistent kernels;
    clr_partition_rule *rule;
    /* Tests and self-tests: how every launch is cut instead, but for its scans. */
    const clr_partition *forced;
    double launch_operations; /* tests: how many a launch may take, 0 = as usual */
    cl_mem sums;              /* with layer norm: [scans,max N,G*H], of a step; else NULL */
    uint32_t fallbacks;       /* launches that fell back, as far as is known */
    bool one_launch;          /* the last scans forward were one */
} clr_scanner;

/** The state of a plan with such a strategy. */
clr_scanner *clr_scanner_of(const clrnn_plan *plan);

/** Make plan->state, `bytes` that begin with a clr_scanner, and build the kernels. */
clrnn_status clr_scanner_init(clrnn_plan *plan, size_t bytes, const clr_scan_kind *kind,
                              clr_partition_rule *rule);

/* Members of clr_strategy. A launch is for as many steps as take 0.1 s. */
void clr_scanner_release(clrnn_plan *plan);
clrnn_status clr_scanner_backward(clrnn_plan *plan, const clr_scan *scans, size_t count);
bool clr_scanner_again(clrnn_plan *plan, clrnn_status *status);
void clr_scanner_force(clrnn_plan *plan, const clr_partition *partition);

/** clr_strategy.forward. multiplied: the input products of all steps are in the workspace
 *  (clr_scan_inputs), else the kernels compute them. */
clrnn_status clr_scanner_forward(clrnn_plan *plan, const clr_scan *scans, size_t count,
                                 bool multiplied);

/** Enqueue what clr_scanner_poll_errors needs to know. */
clrnn_status clr_scanner_report(clrnn_plan *plan);

/** Look whether launches fell back, log it, and let grid barriers be for a while: a back-off. */
void clr_scanner_poll_errors(clrnn_plan *plan);

/** How long a group waits for another, in looks at a counter: some milliseconds, and for as long as
 *  a step takes on the slowest device: a longer wait costs more than working alone. */
uint32_t clr_scanner_spins(const clrnn_plan *plan, uint32_t batch, uint32_t scans);

/** Whether the next launch may have a grid barrier: not for a while after one timed out. */
bool clr_grid_barrier_allowed(clrnn_context *context);

#endif

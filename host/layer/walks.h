/* SPDX-License-Identifier: MIT
 * layer/walks.h - launches that walk many steps: what the strategies persistent and resident share,
 * which differ in their kernels and in how they cut a launch. */
#ifndef CLR_LAYER_WALKS_H
#define CLR_LAYER_WALKS_H

#include "layer/scan.h"
#include "math/persistent.h"

/* How a launch of `count` walks is cut. */
typedef clr_shares clr_cut(const clrnn_plan *plan, const clr_walk *walks, uint32_t count,
                           bool back);

/* The state of such a strategy, or what it begins with. */
typedef struct clr_walks {
    clr_persistent kernels;
    clr_cut *cut;
    /* Tests and self-tests: how every launch is cut instead, but for its walks. */
    const clr_shares *forced;
    double launch_operations; /* tests: how many a launch may take, 0 = as usual */
    uint32_t repairs;         /* launches that had to be repaired, as far as noticed */
} clr_walks;

/** The state of a plan with such a strategy. */
clr_walks *clr_walks_of(const clrnn_plan *plan);

/** Make plan->state, `bytes` that begin with a clr_walks, and build the kernels. */
clrnn_status clr_walks_init(clrnn_plan *plan, size_t bytes, const clr_walk_kind *kind,
                            clr_cut *cut);

/* Members of clr_strategy. A launch is for as many steps as take 0.1 s. */
void clr_walks_release(clrnn_plan *plan);
clrnn_status clr_walks_forward(clrnn_plan *plan, const clr_walk *walks, size_t count);
clrnn_status clr_walks_backward(clrnn_plan *plan, const clr_walk *walks, size_t count);
void clr_walks_force(clrnn_plan *plan, const clr_shares *cut);

/** Enqueue what clr_walks_notice needs to know. */
clrnn_status clr_walks_report(clrnn_plan *plan);

/** Notice launches that had to be repaired, log them, and keep groups apart for a while. */
void clr_walks_notice(clrnn_plan *plan);

/** How long a group waits for another, in looks at a counter: some milliseconds, and for as long as
 *  a step takes on the slowest device: a longer wait costs more than working alone. */
uint32_t clr_walks_spins(const clrnn_plan *plan, uint32_t batch, uint32_t walks);

/** Whether groups may meet in the next launch: not for a while after some met in vain. */
bool clr_may_meet(clrnn_context *context);

#endif

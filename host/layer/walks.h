/* SPDX-License-Identifier: MIT
 * layer/walks.h - launches that walk many steps: what the strategies persistent and resident share,
 * which differ in their kernels and in how they cut a launch. */
#ifndef CLR_LAYER_WALKS_H
#define CLR_LAYER_WALKS_H

#include "layer/plan.h"

/** Build the kernels, and what packs their weights. */
clrnn_status clr_walks_init(clrnn_plan *plan, const clr_walk_kind *kind);

/** Release kernels and weights. */
void clr_walks_release(clrnn_plan *plan);

/** Enqueue the walks of a layer, a launch for as many steps as take 0.1 s. */
clrnn_status clr_walks_forward(clrnn_plan *plan, const clr_walk *walks, size_t count,
                               const clr_shares *shares);
clrnn_status clr_walks_backward(clrnn_plan *plan, const clr_walk *walks, size_t count,
                                const clr_shares *shares);

/** Whether groups may meet in the next launch: not for a while after some met in vain. */
bool clr_may_meet(clrnn_context *context);

/** Notice launches that had to be repaired, log them, and keep groups apart for a while. */
void clr_walks_notice(clrnn_plan *plan);

#endif

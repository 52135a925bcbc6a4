/* SPDX-License-Identifier: MIT
 * layer/scan.h - steps of one direction of one layer, and where their arrays lie. */
#ifndef CLR_LAYER_SCAN_H
#define CLR_LAYER_SCAN_H

#include "layer/pass.h"
#include "math/scan.h"

/* Steps begin..end-1 of one direction of one layer: what a strategy walks, upwards or downwards.
 * Forward leaves states and y, when training also activated gates and extra; backward leaves da and
 * du. */
typedef struct clr_walk {
    uint32_t layer, direction;
    bool down; /* from the last step to the first */
    uint32_t begin, end;
    uint32_t gates_first; /* the step whose gates (and extra) lie first in the layout */
    /* Forward: the layer's input [T',N,stride], that of step `begin` first. */
    clr_matrix input;
    /* Forward: [N,R] and [N,H], the states before the first step, and where those after the last
     * one go; absent: the slots of the layout. */
    clrnn_slice h_first, c_first, h_last, c_last;
    cl_mem lengths; /* [N] cl_int, NULL = all T */
    bool flagged;   /* [T,N]: flags of cl/walk_launch.cl */
    const clr_layout *layout;
    cl_mem store;    /* the block laid out */
    size_t store_at; /* where it begins */
    /* Forward: out y, backward: in dy; [T',N,stride], may be absent. The slice is that of step
     * y_first, row 0, this direction's first column. */
    clrnn_slice y;
    uint32_t y_first;
    size_t y_stride;
} clr_walk;

/** The walk of one direction of one layer over steps begin..end-1, without y. */
clr_walk clr_walk_of(const clrnn_plan *plan, const clr_pass *pass, uint32_t layer,
                     uint32_t direction, uint32_t begin, uint32_t end);

/** Where in the layout the state before step `slot` of a walk's direction lies (downwards: before
 *  step slot-1). */
clrnn_slice clr_walk_slot(const clrnn_plan *plan, const clr_walk *walk, bool memory, uint32_t slot);

/* Where the gradients of one direction begin in plan->dh, dc, dproj, da and du. */
typedef struct clr_flow {
    size_t dh, dc;
    size_t dproj, da; /* of step 0; du as da */
} clr_flow;

clr_flow clr_flow_of(const clrnn_plan *plan, const clr_walk *walk);

/** A weight matrix of a walk's cell, for the products of plan->gemms. */
clr_packed_matrix clr_walk_weights(const clrnn_plan *plan, const clr_walk *walk, clr_weight weight);

/** The input products of a walk: its steps' gates = X W_ih^T. */
clrnn_status clr_walk_inputs(clrnn_plan *plan, const clr_walk *walk);

/** What a launch of `count` walks (of one layer, or of layers that read each other's y) is told for
 *  `steps` steps after `done` of each: forward, or back, where the steps done are the last ones. x,
 *  panels and how the launch is cut are left to the strategy. */
clr_forward_walk clr_scan_forward(const clrnn_plan *plan, const clr_walk *walks, size_t count,
                                  uint32_t done, uint32_t steps);
clr_backward_walk clr_scan_backward(const clrnn_plan *plan, const clr_walk *walks, size_t count,
                                    uint32_t done, uint32_t steps);

#endif

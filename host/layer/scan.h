/* SPDX-License-Identifier: MIT
 * layer/scan.h - steps of one direction of one layer, and where their arrays lie. */
#ifndef CLR_LAYER_SCAN_H
#define CLR_LAYER_SCAN_H

#include "layer/pass.h"
#include "math/scan.h"

/* Steps begin..end-1 of one direction of one layer: what a strategy scans, upwards or downwards.
 * Forward leaves states and y, when training also activated gates and what else is saved; backward
 * leaves da and du. */
typedef struct clr_scan {
    uint32_t layer, direction;
    bool down; /* from the last step to the first */
    uint32_t begin, end;
    uint32_t gates_first; /* the step whose gates (and what is saved) lie first in the layout */
    /* Forward: the layer's input [T',N,stride], that of step `begin` first. */
    clr_matrix input;
    /* Forward: [N,R] and [N,H], the states before the first step, and where those after the last
     * one go; absent: the slots of the layout. */
    clrnn_slice h_first, c_first, h_last, c_last;
    uint64_t seed; /* of what is drawn, and */
    uint32_t index;
    cl_mem lengths; /* [N] cl_int, NULL = all T */
    bool flagged;   /* [T,N]: flags of cl/scan_launch.cl */
    const clr_layout *layout;
    cl_mem workspace;    /* the block laid out */
    size_t workspace_at; /* where it begins */
    /* Forward: out y, backward: in dy; [T',N,stride], may be absent. The slice is that of step
     * y_first, row 0, this direction's first column. */
    clrnn_slice y;
    uint32_t y_first;
    size_t y_stride;
} clr_scan;

/** The scan of one direction of one layer over steps begin..end-1, without y. */
clr_scan clr_scan_of(const clrnn_plan *plan, const clr_pass *pass, uint32_t layer,
                     uint32_t direction, uint32_t begin, uint32_t end);

/** Where in the layout the state before step `slot` of a scan's direction lies (downwards: before
 *  step slot-1). */
clrnn_slice clr_scan_slot(const clrnn_plan *plan, const clr_scan *scan, bool cell_state,
                          uint32_t slot);

/** Number of a scan's cell: what draws for it has a key of its own. */
uint32_t clr_scan_cell(const clrnn_plan *plan, const clr_scan *scan);

/** Whether what the recurrent weights multiply is dropped; and to (+)= from, both [rows,columns] of
 *  whole steps, dropped so. */
bool clr_drops_hidden(const clrnn_plan *plan);
clrnn_status clr_drop_hidden(clrnn_plan *plan, const clr_scan *scan, clr_matrix from, clr_matrix to,
                             bool add, size_t rows, size_t columns);

/* Where the gradients of one direction begin in plan->dh, dc, dproj, da, du, dsums and dz. */
typedef struct clr_flow {
    size_t dh, dc;
    size_t dproj, da; /* of step 0; du and dsums as da */
    size_t dz;        /* of step 0 */
} clr_flow;

clr_flow clr_flow_of(const clrnn_plan *plan, const clr_scan *scan);

/** A weight matrix of a scan's cell, for the products of plan->gemms. */
clr_packed_matrix clr_scan_weights(const clrnn_plan *plan, const clr_scan *scan, clr_weight weight);

/** The input products of a scan: its steps' gates = X W_ih^T. */
clrnn_status clr_scan_inputs(clrnn_plan *plan, const clr_scan *scan);

/** What a launch of `count` scans (of one layer, or of layers that read each other's y) is told for
 *  `steps` steps after `done` of each: forward, or back, where the steps done are the last ones. x,
 *  panels and how the launch is cut are left to the strategy. */
clr_forward_scan clr_forward_scan_of(const clrnn_plan *plan, const clr_scan *scans, size_t count,
                                     uint32_t done, uint32_t steps);
clr_backward_scan clr_backward_scan_of(const clrnn_plan *plan, const clr_scan *scans, size_t count,
                                       uint32_t done, uint32_t steps);

#endif

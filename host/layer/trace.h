/* SPDX-License-Identifier: MIT
 * layer/trace.h - a pass that is read again: blocks of its arrays, gathered on the device. */
#ifndef CLR_LAYER_TRACE_H
#define CLR_LAYER_TRACE_H

#include <clrnn/trace.h>

#include "layer/state_gradients.h"

/* A reading that has been checked. */
typedef struct clr_trace {
    clrnn_plan *plan;
    clr_pass pass;
    clrnn_slice x, dh, dc;
    cl_mem own_x;              /* of a pass on host memory */
    clrnn_trace_select select; /* no count is 0 */
    uint32_t block;            /* steps that are gathered at once */
    size_t figures;            /* where in plan->traced figures go: behind a block */
} clr_trace;

/** Check, and make room; even on failure clr_trace_end follows. Returns: as clrnn_trace_read. */
clrnn_status clr_trace_begin(clrnn_plan *plan, const clrnn_trace_pass *pass,
                             const clrnn_trace_select *select, clr_trace *trace);
void clr_trace_end(clr_trace *trace);

/** Enqueue gathering into plan->traced: `steps` steps from `first` on of a layer and direction,
 *  [steps,rows,units]. */
clrnn_status clr_trace_gather(clr_trace *trace, uint32_t layer, uint32_t direction, uint32_t first,
                              uint32_t steps);

/** What a gathered block is; states and gradients count everywhere. */
trace_block clr_trace_gathered(const clr_trace *trace, uint32_t first, uint32_t steps);

#endif

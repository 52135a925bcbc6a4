/* SPDX-License-Identifier: MIT
 * layer/strategy.h - how time is scanned: what a strategy is.
 *
 * How time is cut, from the whole to the least, by whom and why:
 *
 *     chunk    run in layer/forward.c      so many steps that their gates fit the work memory
 *                                          (plan->chunk): a scan of each layer and direction, of
 *                                          which the strategy takes those of a layer, or of two.
 *                                          Training has one chunk, all T steps
 *     launch   steps_of_launch in          so many steps of a scan that a GPU does nothing else for
 *              layer/scanner.c             0.1 s at most; its kernel goes through them alone.
 *                                          stepwise: all of a scan, but launches kernels for each
 *     block    block_of in layer/scanner.c so many steps of a launch that their input products come
 *                                          at once and still find their gates in a cache when they
 *                                          need them (persistent; the others multiply before)
 *     step     one t of one direction      where its arrays lie: step_of in cl/scan.cl, and for
 *                                          products outside the kernels math/scan.h
 *     phase    of a step, between two      one product and the equations after it: as many as the
 *              grid barriers               cell says (cl/cell.cl), and one more for a projection
 *
 * A scan back cuts the same steps from the other end. What a launch is told of its arrays, of the
 * states before its first and after its last step too, comes from layer/scan.h, for all strategies.
 */
#ifndef CLR_LAYER_STRATEGY_H
#define CLR_LAYER_STRATEGY_H

#include <clrnn/plan.h>

#include "layer/weights.h"

struct clr_scan;
struct clr_partition;

/* One row of layer/strategies.c. */
typedef struct clr_strategy {
    const char *name;
    clrnn_strategy id;
    const char *reason;       /* why `auto` takes it where it can */
    cl_device_type automatic; /* devices on which `auto` takes it */
    clr_own_weights own;      /* what its own kernels multiply with; all else goes to plan->gemms */
    /** NULL if it can run such plans on this device, else why not. May build kernels. */
    const char *(*refuses)(clrnn_context *context, const clr_network *network,
                           const clrnn_plan_desc *desc);
    /** Whether `auto` takes it for such plans, if it can run them. NULL: always. */
    bool (*suits)(const clrnn_context *context, const clr_network *network,
                  const clrnn_plan_desc *desc);
    /** Make plan->state: kernels and memory of its own. Even on failure release follows. */
    clrnn_status (*init)(clrnn_plan *plan);
    /** Release plan->state, as far as there is one. */
    void (*release)(clrnn_plan *plan);
    /** How many neighbouring layers of a stack without backward directions it takes at once, 1 or
     *  2. NULL: 1. */
    uint32_t (*layers)(const clrnn_plan *plan, uint32_t steps, uint32_t batch);
    /** Enqueue `count` scans: the directions of a layer, which do not depend on each other, or
     *  layers, each of which reads the y of the one before. */
    clrnn_status (*forward)(clrnn_plan *plan, const struct clr_scan *scans, size_t count);
    /** Enqueue the last scans forward once more, the same in everything but what their arrays hold;
     *  status: out, as of forward. False: nothing is, call forward. NULL: never. */
    bool (*again)(clrnn_plan *plan, clrnn_status *status);
    /** Enqueue `count` scans back (the directions of a layer): plan->dh and dc hold the gradients
     *  of final states, then those of the initial ones. */
    clrnn_status (*backward)(clrnn_plan *plan, const struct clr_scan *scans, size_t count);
    /** At the end of a pass: enqueue reading what went wrong on the device. NULL: nothing can. */
    clrnn_status (*report)(clrnn_plan *plan);
    /** Notice and log it, as far as it has been read; does not wait. NULL: nothing can. */
    void (*poll_errors)(clrnn_plan *plan);
    /** How many work-groups of it run at the same time on this device. NULL: they need not. */
    uint32_t (*co_resident)(const clrnn_plan *plan);
    /** Tests and self-tests: cut every launch so, its scans left out; `partition` must live as long
     * as the plan. NULL for it: as usual again. NULL if it cuts nothing. */
    void (*force)(clrnn_plan *plan, const struct clr_partition *partition);
} clr_strategy;

extern const clr_strategy clr_strategy_persistent, clr_strategy_resident, clr_strategy_fused,
    clr_strategy_stepwise;

#endif

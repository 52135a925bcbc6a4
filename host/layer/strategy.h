/* SPDX-License-Identifier: MIT
 * layer/strategy.h - how time is walked: what a strategy is. */
#ifndef CLR_LAYER_STRATEGY_H
#define CLR_LAYER_STRATEGY_H

#include <clrnn/plan.h>

#include "layer/weights.h"

struct clr_walk;
struct clr_shares;

/* One row of layer/strategies.c. */
typedef struct clr_strategy {
    const char *name;
    clrnn_strategy id;
    const char *reason;       /* why `auto` takes it where it can */
    cl_device_type automatic; /* devices on which `auto` takes it */
    clr_own_weights own;      /* what its own kernels multiply with; all else goes to plan->gemms */
    /** NULL if it can run such plans on this device, else why not. */
    const char *(*refuses)(const clrnn_context *context, const clr_network *network,
                           const clrnn_plan_desc *desc);
    /** Make plan->state: kernels and memory of its own. Even on failure release follows. */
    clrnn_status (*init)(clrnn_plan *plan);
    /** Release plan->state, as far as there is one. */
    void (*release)(clrnn_plan *plan);
    /** How many neighbouring layers of a stack without backward directions it takes at once, 1 or
     *  2. NULL: 1. */
    uint32_t (*layers)(const clrnn_plan *plan, uint32_t steps, uint32_t batch);
    /** Enqueue `count` walks: the directions of a layer, which do not depend on each other, or
     *  layers, each of which reads the y of the one before. */
    clrnn_status (*forward)(clrnn_plan *plan, const struct clr_walk *walks, size_t count);
    /** Enqueue `count` walks back (the directions of a layer): plan->dh and dc hold the gradients
     *  of final states, then those of the initial ones. */
    clrnn_status (*backward)(clrnn_plan *plan, const struct clr_walk *walks, size_t count);
    /** After the queue has been waited for: notice and log what went wrong on the device. NULL:
     *  nothing can. */
    void (*notice)(clrnn_plan *plan);
    /** How many work-groups of it run at the same time on this device. NULL: they need not. */
    uint32_t (*together)(const clrnn_plan *plan);
    /** Tests and self-tests: cut every launch so, its walks left out; `cut` must live as long as
     *  the plan. NULL for it: as usual again. NULL if it cuts nothing. */
    void (*force)(clrnn_plan *plan, const struct clr_shares *cut);
} clr_strategy;

extern const clr_strategy clr_strategy_persistent, clr_strategy_resident, clr_strategy_stepwise;

#endif

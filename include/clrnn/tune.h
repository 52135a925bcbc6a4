/* SPDX-License-Identifier: MIT
 * clrnn/tune.h - measuring which way of running a network is the fastest on a device, and keeping
 * the answer. Without it a rule chooses. Letters: clrnn/network.h. */
#ifndef CLRNN_TUNE_H
#define CLRNN_TUNE_H

#include <clrnn/plan.h>

#ifdef __cplusplus
extern "C" {
#endif

/* One way of running a plan. */
typedef struct clrnn_way {
    clrnn_strategy strategy;
    clrnn_gemm gemm;
    /* Persistent and resident: into how many shares the rows and the units of each direction are
     * cut; every share is a work-group, and those that share units meet at every step. Else 0. */
    uint32_t row_shares, unit_shares;
    uint32_t kept; /* resident: weights that a work-item keeps in registers. Else 0. */
    /* Persistent: how many rows share a part of the weights while it is in the first cache level,
     * 0 = as many as usual; 1: groups that are done take over from those they will meet; how many
     * layers of a stack one launch walks, 1 or 2. Else 0. */
    uint32_t rows, helps, layers;
    double seconds; /* median of a forward pass, with the backward pass if the plan trains */
} clrnn_way;

#define CLRNN_MOST_WAYS 40

/**
 * Time every way of running plans like `desc` on this device, and keep the fastest: on disk if the
 * context has a cache folder, under the device, its driver and this library's version, else not at
 * all. Plans made from then on with strategy and gemm `auto` for the same network, precision,
 * storage, training and max_batch take it; for another number of rows than max_batch, and while
 * work-groups cannot meet, the rule decides as before. (A file that is damaged, or of another
 * device, driver or version, counts as absent.)
 *
 * Takes seconds: every way is compiled, run and timed at max_steps and max_batch, with random
 * numbers. `strategy` and `gemm` of `desc` must be `auto`.
 *
 * ways: [CLRNN_MOST_WAYS], out, from the fastest to the slowest. count: out, how many there are.
 * Ways that cannot run or fail their self-test are left out.
 *
 * Threads: one call at a time for each context, and nothing else on its queue meanwhile.
 * Returns: as clrnn_plan_create; CLRNN_ERR_IO: the ways are measured, but the result could not be
 *          written.
 */
CLRNN_API clrnn_status clrnn_tune(clrnn_context *context, const clrnn_plan_desc *desc,
                                  clrnn_way *ways, size_t *count);

#ifdef __cplusplus
}
#endif

#endif

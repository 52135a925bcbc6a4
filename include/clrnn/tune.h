/* SPDX-License-Identifier: MIT
 * clrnn/tune.h - measuring which execution config runs a network the fastest on a device, and
 * keeping the answer. Without it a rule chooses. Letters: clrnn/network.h. */
#ifndef CLRNN_TUNE_H
#define CLRNN_TUNE_H

#include <clrnn/plan.h>

#ifdef __cplusplus
extern "C" {
#endif

/* One way of running a plan: the strategy, whose matrix products it takes, how its launches are
 * cut. It is its tuning's. Threads: any. */
typedef struct clrnn_exec_config clrnn_exec_config;

/* What clrnn_tune has measured. Threads: any. */
typedef struct clrnn_tuning clrnn_tuning;

/**
 * Time every way of running plans like `desc` on this device, and keep the fastest: on disk if the
 * context has a cache folder, under the device, its driver and this library's version, else not at
 * all. Plans made from then on with strategy and gemm `auto` for the same network, precision,
 * storage, training and max_batch take it; for another number of rows than max_batch, and while
 * work-groups do not run at the same time, the rule decides as before. (A file that is damaged, or
 * of another device, driver or version, counts as absent.)
 *
 * Takes seconds: every way is compiled, run and timed at max_steps and max_batch, with random
 * numbers. `strategy` and `gemm` of `desc` must be `auto`. Ways that cannot run or fail their
 * self-test are left out.
 *
 * Ownership: on CLRNN_OK and CLRNN_ERR_IO *tuning is the caller's, who calls clrnn_tuning_destroy,
 *            and needs neither the context nor `desc` any longer; else it is NULL.
 * Threads:   one call at a time for each context, and nothing else on its queue meanwhile.
 * Returns:   as clrnn_plan_create; CLRNN_ERR_IO: all is measured, but the result could not be
 *            written.
 */
CLRNN_API clrnn_status clrnn_tune(clrnn_context *context, const clrnn_plan_desc *desc,
                                  clrnn_tuning **tuning);

/** Free it and set the pointer to NULL; NULL is accepted. */
CLRNN_API void clrnn_tuning_destroy(clrnn_tuning **tuning);

/** A config that was measured: 0 is the fastest, the last one the slowest; past it, NULL. */
CLRNN_API const clrnn_exec_config *clrnn_tuning_config(const clrnn_tuning *tuning, size_t index);

/** The median of what a forward pass took, with the backward pass if the plan trains. NULL: 0. */
CLRNN_API double clrnn_exec_config_seconds(const clrnn_exec_config *config);

/**
 * Write a config as text, always terminated: "strategy=persistent,gemm=packed,row_parts=1,
 * unit_parts=2,steals=1" (without a space or a break). Keys of no meaning for it are left out:
 *     strategy, gemm  as in clrnn/problem.h
 *     row_parts, unit_parts   persistent and resident: into how many parts the rows and the
 *                     units of each direction are partitioned; every part is a work-group, and
 *                     those that share units wait for each other at every step
 *     kept            resident: weights that a work-item keeps in registers
 *     rows            persistent: how many rows share a part of the weights while it is in the
 *                     first cache level, if not as many as usual
 *     steals          persistent, 1: groups that are done take work from those they wait for
 *     layers          persistent: how many layers of a stack one launch scans
 *
 * Returns: the length it has without the limit, as snprintf; -1 for NULL.
 */
CLRNN_API int clrnn_exec_config_format(const clrnn_exec_config *config, char *text, size_t size);

#ifdef __cplusplus
}
#endif

#endif

/* SPDX-License-Identifier: MIT
 * layer/check.h - a problem run with a plan, and compared with the reference. */
#ifndef CLR_LAYER_CHECK_H
#define CLR_LAYER_CHECK_H

#include <clrnn/problem.h>

#include "shape/network.h"

struct clr_partition;

/** Run a problem with a plan for it, as clrnn_problem_check does. */
clrnn_status clr_check_plan(clrnn_context *context, const clrnn_problem *problem, uint64_t seed,
                            clrnn_plan *plan, clrnn_check *check);

/** The same, a pass for each of several ways in which launches are partitioned (NULL: as the plan
 * chooses, and so it does afterwards), of which the worst counts. */
clrnn_status clr_check_partitions(clrnn_context *context, const clrnn_problem *problem,
                                  uint64_t seed, clrnn_plan *plan,
                                  const struct clr_partition *const *partitions, size_t count,
                                  clrnn_check *check);

/** The bounds of a check; network: that of the problem. */
void clr_check_bounds(const clrnn_problem *problem, const clr_network *network, clrnn_check *check);

/** The plan that a problem wants. */
clrnn_plan_desc clr_problem_plan(const clrnn_problem *problem);

#endif

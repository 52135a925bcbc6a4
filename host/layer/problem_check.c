/* SPDX-License-Identifier: MIT
 * layer/problem_check.c - a problem checked with a plan made for it. */
#include <clrnn/problem.h>

#include "base/log.h"
#include "device/context.h"
#include "layer/check.h"

clrnn_status clrnn_problem_check(clrnn_context *context, const clrnn_problem *problem,
                                 uint64_t seed, clrnn_check *check)
{
    if (!context || !problem || !check)
        return clr_fail(context ? &context->log : NULL, CLRNN_ERR_ARGUMENT,
                        "clrnn_problem_check: %s is NULL",
                        !context   ? "context"
                        : !problem ? "problem"
                                   : "check");
    const clrnn_plan_desc desc = clr_problem_plan(problem);
    clrnn_plan *plan = NULL;
    clrnn_status status = clrnn_plan_create(context, &desc, &plan);
    if (status == CLRNN_OK)
        status = clr_check_plan(context, problem, seed, plan, check);
    clrnn_plan_destroy(&plan);
    return status;
}

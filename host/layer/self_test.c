/* SPDX-License-Identifier: MIT
 * layer/self_test.c - a problem in miniature for each kind of kernels, once for each context. */
#include "layer/self_test.h"

#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/memory.h"
#include "device/context.h"
#include "layer/miniature.h"

enum { problem_room = 512 };

/* Run the problems in miniature in a queue of their own. Here kernels are launched for the first
 * time, which takes a second where the driver compiles them only then: whatever else the context
 * does need not wait. */
static clrnn_status check_untested(clrnn_context *context, const clrnn_problem *problem,
                                   clrnn_check *check)
{
    clrnn_context *beside = NULL;
    clrnn_status status = clr_context_beside(context, &beside);
    if (status == CLRNN_OK)
        status = clr_miniature_check(beside, problem, check);
    clrnn_context_destroy(&beside);
    return status;
}

/* resident is compiled for a size: the largest one that a self-test stands for, and that of its
 * problem (LANE_OF and share_out of math/resident.c: the same TAKE and KEPT). */
static const struct {
    uint32_t most, units;
} sizes[] = {{64, 37}, {128, 100}, {256, 200}, {512, 300}, {UINT32_MAX, 530}};

static unsigned size_of(const clrnn_plan_desc *desc, clrnn_strategy strategy)
{
    const clrnn_network_desc *d = &desc->network;
    uint32_t state = d->proj_size ? d->proj_size : d->hidden_size;
    unsigned size = 0;
    while (strategy == CLRNN_STRATEGY_RESIDENT && sizes[size].most < state)
        size++;
    return size;
}

/* The problem in miniature for the kernels of such plans. As a string it is also their name. */
static clrnn_problem problem_of(const clrnn_plan_desc *desc, clrnn_strategy strategy)
{
    clrnn_problem tiny = {.network = desc->network,
                          .steps = 3,
                          .batch = 2,
                          .train = desc->train,
                          .precision = desc->precision,
                          .strategy = strategy,
                          .weights = desc->weights};
    /* Two panels of units and of projected ones, so that two groups have a part each. */
    bool panels = strategy != CLRNN_STRATEGY_STEPWISE;
    tiny.network.input_size = 5;
    uint32_t units = sizes[size_of(desc, strategy)].units;
    tiny.network.hidden_size = panels ? units : 7;
    tiny.network.num_layers = 1;
    tiny.network.bidirectional = false;
    tiny.network.proj_size = !desc->network.proj_size ? 0 : panels ? units - 4 : 3;
    return tiny;
}

/* What is known of a problem, or NULL. With the context's lock. */
static clr_tested *find(const clrnn_context *context, const char *problem)
{
    clr_tested *t = context->self_tests;
    while (t && strcmp(t->problem, problem) != 0)
        t = t->next;
    return t;
}

static clr_verdict verdict_of(clrnn_context *context, const clrnn_problem *problem)
{
    char text[problem_room];
    clrnn_problem_format(problem, text, sizeof text);
    clr_lock_take(&context->lock);
    const clr_tested *known = find(context, text);
    clr_verdict verdict = !known ? CLR_UNTESTED : known->passed ? CLR_PASSED : CLR_FAILED;
    clr_lock_give(&context->lock);
    return verdict;
}

/* A problem that has failed once stays so. */
static clrnn_status note(clrnn_context *context, const clrnn_problem *problem, bool passed)
{
    char text[problem_room];
    clrnn_problem_format(problem, text, sizeof text);
    clr_tested *made = clr_calloc(1, sizeof *made + sizeof text);
    if (!made)
        return clr_fail(&context->log, CLRNN_ERR_MEMORY, "self-test: no memory for its result");
    memcpy(made->problem, text, sizeof text);
    made->passed = passed;
    clr_lock_take(&context->lock);
    clr_tested *known = find(context, text);
    if (known) {
        known->passed = known->passed && passed;
    } else {
        made->next = context->self_tests;
        context->self_tests = made;
        made = NULL;
    }
    clr_lock_give(&context->lock);
    free(made);
    return CLRNN_OK;
}

clr_verdict clr_self_test_verdict(clrnn_context *context, const clrnn_plan_desc *desc,
                                  clrnn_strategy strategy)
{
    const clrnn_problem tiny = problem_of(desc, strategy);
    return verdict_of(context, &tiny);
}

clrnn_status clr_self_test_note(clrnn_context *context, const clrnn_plan_desc *desc,
                                clrnn_strategy strategy, bool passed)
{
    const clrnn_problem tiny = problem_of(desc, strategy);
    return note(context, &tiny, passed);
}

clrnn_status clr_self_test(clrnn_context *context, const clrnn_plan_desc *desc,
                           clrnn_strategy strategy)
{
    const clrnn_problem tiny = problem_of(desc, strategy);
    const clr_verdict known = verdict_of(context, &tiny);
    clrnn_check check = {0};
    if (known != CLR_UNTESTED)
        return known == CLR_PASSED ? CLRNN_OK : CLRNN_ERR_SELF_TEST;
    clrnn_status status = check_untested(context, &tiny, &check);
    if (status == CLRNN_OK)
        status = note(context, &tiny, check.passed);
    if (status != CLRNN_OK)
        return status;
    clr_log(&context->log, CLRNN_LOG_DEBUG, "self-test: errors %.1e (%s), %.1e (%s)",
            check.forward_error, check.forward_tensor, check.gradient_error, check.gradient_tensor);
    return check.passed ? CLRNN_OK : CLRNN_ERR_SELF_TEST;
}

/* SPDX-License-Identifier: MIT
 * layer/self_test.c - a problem in miniature for each kind of kernels, once for each context. */
#include "layer/self_test.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/memory.h"
#include "device/context.h"
#include "layer/miniature.h"
#include "layer/strategies.h"
#include "math/fused.h"
#include "math/turns.h"

enum { problem_room = 512 };

/* Whether loops go on to their end. Those of each strategy may have any number of turns, and in the
 * problems in miniature have less than these. */
static clrnn_status check_turns(clrnn_context *context, clrnn_check *check)
{
    enum { turns = 100000 };
    uint32_t counted = 0;
    clrnn_status status = clr_turns_count(context, turns, &counted);
    check->passed = counted == turns;
    if (check->passed)
        return status;
    check->forward_error = fabs((double)counted - turns);
    snprintf(check->forward_tensor, sizeof check->forward_tensor, "the count of a loop's turns");
    return status;
}

/* Run the problems in miniature in a queue of their own. Here kernels are launched for the first
 * time, which takes a second where the driver compiles them only then: whatever else the context
 * does need not wait. */
static clrnn_status check_untested(clrnn_context *context, const clrnn_problem *problem,
                                   clrnn_check *check)
{
    clrnn_context *beside = NULL;
    clrnn_status status = clr_context_beside(context, &beside);
    if (status == CLRNN_OK)
        status = check_turns(beside, check);
    if (status == CLRNN_OK && check->passed)
        status = clr_miniature_check(beside, problem, check);
    clrnn_context_destroy(&beside);
    return status;
}

/* resident goes other ways for long sums, those of a gradient in rounds (cl/resident.cl): the
 * largest size that a self-test stands for, and that of its problem. */
static const struct {
    uint32_t most, units;
} sizes[] = {{1024, 70}, {UINT32_MAX, 1056}};

static unsigned size_of(const clrnn_plan_desc *desc, clrnn_strategy strategy)
{
    const clrnn_network_desc *d = &desc->network;
    uint32_t state = d->proj_size ? d->proj_size : d->hidden_size;
    unsigned size = 0;
    while (strategy == CLRNN_STRATEGY_RESIDENT && sizes[size].most < state)
        size++;
    return size;
}

/* fused is compiled for the rows of a tile: a batch that has the same ones, of the largest more
 * than one; every strategy gets small ones, too. */
static uint32_t batch_of(const clrnn_plan_desc *desc, clrnn_strategy strategy)
{
    const uint32_t rows = clr_fused_rows(desc->precision, desc->max_batch);
    if (strategy != CLRNN_STRATEGY_FUSED || rows == FUSED_SIDE)
        return 2;
    return clr_fused_batch(rows);
}

/* Kernels are the same for all values of bounds and of alpha and beta: they are tested with some
 * that neither end all gradients nor let states grow. */
static void tame(clrnn_network_desc *d)
{
    d->gate_clip = d->gate_clip > 0 ? 0.75f : 0;
    d->cell_clip = d->cell_clip > 0 ? 0.5f : 0;
    d->proj_clip = d->proj_clip > 0 ? 0.25f : 0;
    d->zoneout = d->zoneout > 0 ? 0.25f : 0;
    d->zoneout_cell = d->zoneout_cell > 0 ? 0.5f : 0;
    d->recurrent_dropout = d->recurrent_dropout > 0 ? 0.25f : 0;
    for (int i = 0; i < 2 * CLRNN_ACTIVATIONS; i++) {
        clrnn_activation *a = &d->activations[i / CLRNN_ACTIVATIONS][i % CLRNN_ACTIVATIONS];
        *a = clrnn_activation_of(a->function);
        if (a->function == CLRNN_FN_AFFINE)
            *a = (clrnn_activation){a->function, 0.25f, 0.5f};
        if (a->function == CLRNN_FN_THRESHOLDED_RELU)
            a->alpha = 0.25f;
    }
}

/* The problem in miniature for the kernels of such plans. As a string it is also their name. */
static clrnn_problem problem_of(const clrnn_plan_desc *desc, clrnn_strategy strategy)
{
    clrnn_problem tiny = {.network = desc->network,
                          .steps = 3,
                          .batch = batch_of(desc, strategy),
                          .train = desc->train,
                          .precision = desc->precision,
                          .resets = desc->resets,
                          .strategy = strategy,
                          .weights = desc->weights};
    /* Two panels of units and of projected ones, so that two groups have a part each. */
    bool panels = strategy != CLRNN_STRATEGY_STEPWISE;
    tiny.network.input_size = 5;
    uint32_t units = sizes[size_of(desc, strategy)].units;
    tiny.network.hidden_size = panels ? units : 7;
    tiny.network.num_layers = 1;
    tiny.network.bidirectional = tiny.network.reverse = false;
    tiny.network.merge = CLRNN_MERGE_CONCAT;
    tame(&tiny.network);
    if (!desc->train)
        tiny.network.recurrent_dropout = 0;
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
    clr_verdict verdict = !known || !known->built ? CLR_UNTESTED
                          : known->passed         ? CLR_PASSED
                                                  : CLR_FAILED;
    clr_lock_give(&context->lock);
    return verdict;
}

/* Why a self-test has failed, as one line. */
static void explain(const clrnn_check *check, char reason[CLR_REASON])
{
    const bool forward = !(check->forward_error <= check->forward_bound);
    snprintf(reason, CLR_REASON, "%s is off by %.1e, allowed are %.1e",
             forward ? check->forward_tensor : check->gradient_tensor,
             forward ? check->forward_error : check->gradient_error,
             forward ? check->forward_bound : check->gradient_bound);
}

/* What is known anew. A problem that has failed once stays so; what did not compile before has been
 * tried again. */
static void update(clr_tested *known, const clr_tested *made)
{
    if (known->built && !known->passed)
        return;
    known->built = made->built;
    known->passed = made->passed;
    known->forward_error = made->forward_error;
    known->forward_bound = made->forward_bound;
    known->gradient_error = made->gradient_error;
    known->gradient_bound = made->gradient_bound;
    memcpy(known->reason, made->reason, sizeof made->reason);
}

/* check: NULL if the kernels do not compile. */
static clrnn_status note(clrnn_context *context, const clrnn_problem *problem,
                         const clrnn_check *check)
{
    char text[problem_room];
    clrnn_problem_format(problem, text, sizeof text);
    clr_tested *made = clr_calloc(1, sizeof *made + sizeof text);
    if (!made)
        return clr_fail(&context->log, CLRNN_ERR_MEMORY, "self-test: no memory for its result");
    memcpy(made->problem, text, sizeof text);
    made->strategy = clr_strategy_of(problem->strategy)->name;
    made->built = check != NULL;
    if (check) {
        made->passed = check->passed;
        made->forward_error = check->forward_error;
        made->forward_bound = check->forward_bound;
        made->gradient_error = check->gradient_error;
        made->gradient_bound = check->gradient_bound;
    }
    if (check && !check->passed)
        explain(check, made->reason);
    clr_lock_take(&context->lock);
    if (!check)
        memcpy(made->reason, context->build_failure, sizeof made->reason);
    clr_tested *known = find(context, text);
    if (known) {
        update(known, made);
    } else {
        made->next = context->self_tests;
        context->self_tests = made;
        made = NULL;
    }
    clr_lock_give(&context->lock);
    free(made);
    return CLRNN_OK;
}

void clr_self_test_reason(clrnn_context *context, const clrnn_plan_desc *desc,
                          clrnn_strategy strategy, char reason[CLR_REASON])
{
    char text[problem_room];
    const clrnn_problem tiny = problem_of(desc, strategy);
    clrnn_problem_format(&tiny, text, sizeof text);
    clr_lock_take(&context->lock);
    const clr_tested *known = find(context, text);
    snprintf(reason, CLR_REASON, "%s", known ? known->reason : "");
    clr_lock_give(&context->lock);
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
    const clrnn_check check = {.passed = passed};
    return note(context, &tiny, &check);
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
    if (status == CLRNN_ERR_BUILD)
        return note(context, &tiny, NULL) == CLRNN_OK ? status : CLRNN_ERR_MEMORY;
    if (status == CLRNN_OK)
        status = note(context, &tiny, &check);
    if (status != CLRNN_OK)
        return status;
    clr_log(&context->log, CLRNN_LOG_DEBUG, "self-test: errors %.1e (%s), %.1e (%s)",
            check.forward_error, check.forward_tensor, check.gradient_error, check.gradient_tensor);
    return check.passed ? CLRNN_OK : CLRNN_ERR_SELF_TEST;
}

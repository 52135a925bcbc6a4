/* SPDX-License-Identifier: MIT
 * layer/tune.c - see clrnn/tune.h: measuring all ways of running a plan. */
#include <clrnn/tune.h>

#include <stdlib.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/memory.h"
#include "base/philox.h"
#include "device/buffer.h"
#include "layer/plan.h"
#include "layer/way.h"

/* A plan at work, on buffers of its own. */
typedef struct clr_trial {
    clrnn_plan *plan;
    cl_mem weights, x, y, reserve, dy, dx, dweights;
} clr_trial;

/* A buffer of `count` numbers in +-scale. */
static clrnn_status make_numbers(const clrnn_plan *plan, size_t count, double scale, cl_mem *buffer)
{
    size_t bytes = count * plan->real_bytes;
    void *data = clr_calloc(count, plan->real_bytes);
    if (!data)
        return clr_fail(&plan->context->log, CLRNN_ERR_MEMORY, "tune: out of memory");
    for (size_t i = 0; i < count; i++) {
        const uint32_t counter[4] = {(uint32_t)(i / 4), (uint32_t)(i / 4 >> 32), 0, 0};
        double number = scale * (2 * clr_uniform(clr_philox(1, counter).word[i % 4]) - 1);
        if (plan->real_bytes == sizeof(double))
            ((double *)data)[i] = number;
        else
            ((float *)data)[i] = (float)number;
    }
    clrnn_status status = clr_buffer_create(plan->context, bytes, buffer);
    if (status == CLRNN_OK)
        status = clr_buffer_write(plan->context, *buffer, 0, bytes, data);
    free(data);
    return status;
}

static void trial_end(clr_trial *t)
{
    cl_mem *const buffers[] = {&t->weights, &t->x,  &t->y,       &t->reserve,
                               &t->dy,      &t->dx, &t->dweights};
    clrnn_plan_destroy(&t->plan);
    for (size_t i = 0; i < sizeof buffers / sizeof *buffers; i++)
        clr_buffer_destroy(buffers[i]);
}

static clrnn_status trial_begin(clr_trial *t)
{
    clrnn_plan *plan = t->plan;
    clrnn_context *context = plan->context;
    const clrnn_plan_desc *desc = &plan->desc;
    const clr_pass all = {.steps = desc->max_steps, .batch = desc->max_batch};
    size_t x = clr_count_x(plan, &all), y = clr_count_y(plan, &all);
    size_t weights = plan->network.weights, bytes = plan->real_bytes;
    double scale = 1;
    for (uint32_t H = desc->network.hidden_size; H > 1; H /= 4)
        scale /= 2; /* about 1/sqrt(H) */
    clrnn_status status = make_numbers(plan, weights, scale, &t->weights);
    if (status == CLRNN_OK)
        status = make_numbers(plan, x, 1, &t->x);
    if (status == CLRNN_OK)
        status = clr_buffer_create(context, y * bytes, &t->y);
    if (status == CLRNN_OK && desc->train)
        status = clr_buffer_create(context, plan->info.reserve_bytes, &t->reserve);
    if (status == CLRNN_OK && desc->train)
        status = make_numbers(plan, y, 1, &t->dy);
    if (status == CLRNN_OK && desc->train)
        status = clr_buffer_create(context, x * bytes, &t->dx);
    if (status == CLRNN_OK && desc->train)
        status = clr_buffer_create(context, weights * bytes, &t->dweights);
    if (status == CLRNN_OK)
        status = clrnn_plan_set_weights(plan, (clrnn_slice){t->weights, 0});
    return status;
}

static clrnn_status trial_run(clr_trial *t, double *seconds)
{
    const clrnn_backward_io io = {
        .forward = {.x = {t->x, 0}, .y = {t->y, 0}, .reserve = {t->reserve, 0}},
        .dy = {t->dy, 0},
        .dx = {t->dx, 0},
        .dweights = {t->dweights, 0}};
    double begin = clr_seconds();
    clrnn_status status = clrnn_forward(t->plan, &io.forward, NULL);
    if (status == CLRNN_OK && t->plan->desc.train)
        status = clrnn_backward(t->plan, &io, NULL);
    if (status == CLRNN_OK)
        status = clrnn_context_finish(t->plan->context);
    *seconds = clr_seconds() - begin;
    return status;
}

static int compare(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* The median of some runs, after one that compiles and warms up; of no more than that if it is
 * hopeless beside the best so far. */
static clrnn_status trial_time(clr_trial *t, double best, double *median)
{
    enum { least = 5, most = 101 };
    const double enough = 0.3;
    double runs[most], total = 0;
    size_t count = 0;
    clrnn_status status = trial_run(t, median);
    if (status == CLRNN_OK)
        status = trial_run(t, median);
    if (status != CLRNN_OK || (best > 0 && *median > 8 * best))
        return status;
    while (status == CLRNN_OK && count < most && (count < least || total < enough)) {
        status = trial_run(t, &runs[count]);
        total += runs[count++];
    }
    qsort(runs, count, sizeof *runs, compare);
    *median = runs[count / 2];
    return status;
}

/* --- ways ---------------------------------------------------------------------------------- */

static void add(clrnn_way *ways, size_t *count, clrnn_way way)
{
    if (*count < CLRNN_MOST_WAYS)
        ways[(*count)++] = way;
}

/* 1, 2, 4, ..; the last one is `most`. 0: there are no more. */
static uint32_t next_share(uint32_t n, uint32_t most)
{
    return n >= most ? 0 : 2 * n > most ? most : 2 * n;
}

/* A CPU device: one work-item in a group, and its own products. */
static void list_cpu_ways(const clrnn_plan_desc *desc, uint32_t together, clrnn_way *ways,
                          size_t *count)
{
    const clrnn_network_desc *n = &desc->network;
    clrnn_way way = {.strategy = CLRNN_STRATEGY_PERSISTENT,
                     .gemm = CLRNN_GEMM_PACKED,
                     .row_shares = 1,
                     .unit_shares = 1,
                     .layers = 1};
    for (uint32_t shares = 1; shares; shares = next_share(shares, together)) {
        clrnn_way rows = way, units = way;
        rows.row_shares = units.unit_shares = shares;
        if (shares == 1 || desc->max_batch >= shares)
            add(ways, count, rows);
        for (units.helps = 0; shares > 1 && units.helps < 2; units.helps++)
            add(ways, count, units);
    }
    way.layers = 2;
    if (n->num_layers > 1 && !n->bidirectional)
        add(ways, count, way);
    add(ways, count, (clrnn_way){.strategy = CLRNN_STRATEGY_STEPWISE, .gemm = CLRNN_GEMM_PACKED});
}

/* Another: how many groups share the units, the others sharing the rows, and how many weights each
 * work-item keeps in registers. */
static void list_gpu_ways(const clrnn_plan_desc *desc, uint32_t together, clrnn_way *ways,
                          size_t *count)
{
    static const uint32_t kept[] = {128, 64, 32};
    const uint32_t row_blocks = (desc->max_batch + LANE_ROWS - 1) / LANE_ROWS;
    for (size_t i = 0; i < sizeof kept / sizeof *kept; i++)
        for (uint32_t n = 1; n; n = next_share(n, together)) {
            uint32_t rest = together / n;
            add(ways, count,
                (clrnn_way){.strategy = CLRNN_STRATEGY_RESIDENT,
                            .gemm = CLRNN_GEMM_CLBLAST,
                            .row_shares = rest < row_blocks ? rest : row_blocks,
                            .unit_shares = n,
                            .kept = desc->precision == CLRNN_F64 ? kept[i] / 2 : kept[i]});
        }
}

/* All ways that may be worth a trial, on a device where `together` groups of each direction run at
 * the same time. */
static void list_ways(const clrnn_context *context, const clrnn_plan_desc *desc, uint32_t together,
                      clrnn_way *ways, size_t *count)
{
    *count = 0;
    together = together ? together : 1;
    add(ways, count, (clrnn_way){.strategy = CLRNN_STRATEGY_STEPWISE, .gemm = CLRNN_GEMM_CLBLAST});
    if (context->info.type & CL_DEVICE_TYPE_CPU)
        list_cpu_ways(desc, together, ways, count);
    else
        list_gpu_ways(desc, together, ways, count);
}

/* Then the fastest again with larger and smaller blocks. */
static void list_variants(const clrnn_way *fastest, clrnn_way *ways, size_t *count)
{
    static const uint32_t rows[] = {24, 96};
    clrnn_way way = *fastest;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        way.rows = rows[i];
        if (way.strategy == CLRNN_STRATEGY_PERSISTENT)
            add(ways, count, way);
    }
}

/* How many groups of each direction run together, as the plan found that the rule makes. */
static uint32_t groups_together(clrnn_context *context, const clrnn_plan *plan)
{
    clr_lock_take(&context->lock);
    uint32_t together = plan->together ? plan->together : context->together;
    clr_lock_give(&context->lock);
    return together / plan->network.directions;
}

static int compare_ways(const void *a, const void *b)
{
    return compare(&((const clrnn_way *)a)->seconds, &((const clrnn_way *)b)->seconds);
}

/* Kernels that only this way has are checked against the reference, on few steps and rows. */
static clrnn_status trial_check(clrnn_plan *plan)
{
    const clrnn_plan_desc *d = &plan->desc;
    const clrnn_problem problem = {.network = d->network,
                                   .steps = d->max_steps < 2 ? d->max_steps : 2,
                                   .batch = d->max_batch < 5 ? d->max_batch : 5,
                                   .train = d->train,
                                   .precision = d->precision,
                                   .strategy = d->strategy,
                                   .weights = d->weights};
    clrnn_check check = {0};
    if (plan->way.kept == 0 && plan->way.rows == 0)
        return CLRNN_OK;
    clrnn_status status = clr_check_plan(plan->context, &problem, 1, plan, &check);
    return status == CLRNN_OK && !check.passed ? CLRNN_ERR_SELF_TEST : status;
}

/* Time one way. *known is false if it cannot run here. */
static clrnn_status try_way(clrnn_context *context, const clrnn_plan_desc *desc, double best,
                            clrnn_way *way, bool *known)
{
    clr_trial t = {0};
    clrnn_status status = clr_plan_create_way(context, desc, way, &t.plan);
    if (status == CLRNN_OK)
        status = trial_check(t.plan);
    if (status == CLRNN_OK)
        status = trial_begin(&t);
    if (status == CLRNN_OK)
        status = trial_time(&t, best, &way->seconds);
    trial_end(&t);
    *known = status == CLRNN_OK;
    bool impossible = status == CLRNN_ERR_UNSUPPORTED || status == CLRNN_ERR_SELF_TEST ||
                      status == CLRNN_ERR_BUILD;
    return impossible ? CLRNN_OK : status;
}

/* Time ways, and put those that run here to the others, all sorted. */
static clrnn_status try_ways(clrnn_context *context, const clrnn_plan_desc *desc, clrnn_way *tried,
                             size_t listed, clrnn_way *ways, size_t *count)
{
    clrnn_status status = CLRNN_OK;
    double best = *count ? ways[0].seconds : 0;
    for (size_t i = 0; i < listed && status == CLRNN_OK; i++) {
        bool known = false;
        status = try_way(context, desc, best, &tried[i], &known);
        if (known) {
            best = best > 0 && best < tried[i].seconds ? best : tried[i].seconds;
            ways[(*count)++] = tried[i];
        }
    }
    qsort(ways, *count, sizeof *ways, compare_ways);
    return status;
}

clrnn_status clrnn_tune(clrnn_context *context, const clrnn_plan_desc *desc, clrnn_way *ways,
                        size_t *count)
{
    if (count)
        *count = 0;
    if (!context || !desc || !ways || !count)
        return clr_fail(context ? &context->log : NULL, CLRNN_ERR_ARGUMENT,
                        "clrnn_tune: %s is NULL",
                        !context ? "context"
                        : !desc  ? "desc"
                        : !ways  ? "ways"
                                 : "count");
    if (desc->strategy != CLRNN_STRATEGY_AUTO || desc->gemm != CLRNN_GEMM_AUTO)
        return clr_fail(
            &context->log, CLRNN_ERR_ARGUMENT,
            "tune: strategy (%d) and gemm (%d) must be auto (0), since they are what is measured",
            (int)desc->strategy, (int)desc->gemm);
    /* A plan as the rule makes it: checks the description, and finds how many groups meet. */
    clrnn_plan *plan = NULL;
    clrnn_status status = clrnn_plan_create(context, desc, &plan);
    if (status != CLRNN_OK)
        return status;
    /* How x and y are kept is no question of the way. */
    clrnn_plan_desc measured = *desc;
    measured.sequences = CLRNN_WEIGHTS_F32;
    desc = &measured;
    const uint32_t together = groups_together(context, plan);
    clrnn_plan_destroy(&plan);
    clrnn_way all[CLRNN_MOST_WAYS];
    size_t listed = 0;
    list_ways(context, desc, together, all, &listed);
    status = try_ways(context, desc, all, listed, ways, count);
    if (status == CLRNN_OK && *count > 0) {
        listed = *count; /* so that there is room */
        list_variants(&ways[0], all, &listed);
        status = try_ways(context, desc, all + *count, listed - *count, ways, count);
    }
    if (status != CLRNN_OK)
        return status;
    if (*count == 0)
        return clr_fail(&context->log, CLRNN_ERR_UNSUPPORTED,
                        "tune: no way of running this network works on %s; use another device",
                        context->info.name);
    return clr_way_store(context, desc, &ways[0]);
}

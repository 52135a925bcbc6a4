/* SPDX-License-Identifier: MIT
 * layer/tune.c - see clrnn/tune.h: measuring all execution configs of a plan. */
#include <clrnn/tune.h>

#include <stdlib.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/memory.h"
#include "base/philox.h"
#include "device/buffer.h"
#include "device/program.h"
#include "layer/check.h"
#include "layer/create.h"
#include "layer/pass.h"
#include "layer/strategy.h"
#include "math/clblast.h"
#include "math/persistent.h"

enum { most_configs = 40 };

struct clrnn_tuning {
    clrnn_exec_config configs[most_configs]; /* from the fastest to the slowest */
    size_t count;
};

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

/* --- configs ------------------------------------------------------------------------------- */

static void add(clrnn_exec_config *configs, size_t *count, clrnn_exec_config config)
{
    if (*count < most_configs)
        configs[(*count)++] = config;
}

/* 1, 2, 4, ..; the last one is `most`. 0: there are no more. */
static uint32_t next_parts(uint32_t n, uint32_t most)
{
    return n >= most ? 0 : 2 * n > most ? most : 2 * n;
}

/* A CPU device: one work-item in a group, and its own products. */
static void list_cpu_configs(const clrnn_plan_desc *desc, uint32_t co_resident,
                             clrnn_exec_config *configs, size_t *count)
{
    const clrnn_network_desc *n = &desc->network;
    clrnn_exec_config config = {.strategy = CLRNN_STRATEGY_PERSISTENT,
                                .gemm = CLRNN_GEMM_PACKED,
                                .row_parts = 1,
                                .unit_parts = 1,
                                .layers = 1};
    for (uint32_t parts = 1; parts; parts = next_parts(parts, co_resident)) {
        clrnn_exec_config rows = config, units = config;
        rows.row_parts = units.unit_parts = parts;
        if (parts == 1 || desc->max_batch >= parts)
            add(configs, count, rows);
        for (units.steals = 0; parts > 1 && units.steals < 2; units.steals++)
            add(configs, count, units);
    }
    config.layers = 2;
    if (n->num_layers > 1 && !n->bidirectional && !n->reverse)
        add(configs, count, config);
    add(configs, count,
        (clrnn_exec_config){.strategy = CLRNN_STRATEGY_STEPWISE, .gemm = CLRNN_GEMM_PACKED});
}

/* Another: how many groups share the units, the others sharing the rows, and how many weights each
 * work-item keeps in registers. */
static void list_gpu_configs(const clrnn_plan_desc *desc, uint32_t co_resident, clrnn_gemm gemm,
                             clrnn_exec_config *configs, size_t *count)
{
    const uint32_t row_blocks = (desc->max_batch + LANE_ROWS - 1) / LANE_ROWS;
    for (size_t i = 0; i < CLR_EXEC_CONFIG_KEPT; i++)
        for (uint32_t n = 1; n; n = next_parts(n, co_resident)) {
            uint32_t rest = co_resident / n;
            add(configs, count,
                (clrnn_exec_config){.strategy = CLRNN_STRATEGY_RESIDENT,
                                    .gemm = gemm,
                                    .row_parts = rest < row_blocks ? rest : row_blocks,
                                    .unit_parts = n,
                                    .kept = clr_exec_config_kept[i] /
                                            (desc->precision == CLRNN_F64 ? 2 : 1)});
        }
    add(configs, count, (clrnn_exec_config){.strategy = CLRNN_STRATEGY_FUSED, .gemm = gemm});
}

/* All configs that may be worth a trial, on a device where `co_resident` groups of each direction
 * run at the same time. */
static void list_configs(const clrnn_context *context, const clrnn_plan_desc *desc,
                         uint32_t co_resident, clrnn_exec_config *configs, size_t *count)
{
    const bool cpu = context->info.type & CL_DEVICE_TYPE_CPU;
    const clrnn_gemm gemm =
        clr_clblast_usable(context, NULL) ? CLRNN_GEMM_CLBLAST : CLRNN_GEMM_PACKED;
    *count = 0;
    co_resident = co_resident ? co_resident : 1;
    if (!cpu || gemm == CLRNN_GEMM_CLBLAST) /* with its own products a CPU lists it below */
        add(configs, count, (clrnn_exec_config){.strategy = CLRNN_STRATEGY_STEPWISE, .gemm = gemm});
    if (cpu)
        list_cpu_configs(desc, co_resident, configs, count);
    else
        list_gpu_configs(desc, co_resident, gemm, configs, count);
}

/* Then the fastest again with larger and smaller blocks, which are compiled for it. */
static void list_variants(const clrnn_context *context, const clrnn_exec_config *fastest,
                          clrnn_exec_config *configs, size_t *count)
{
    clrnn_exec_config config = *fastest;
    if (config.strategy != CLRNN_STRATEGY_PERSISTENT || !clr_compiles(context))
        return;
    for (size_t i = 0; i < CLR_EXEC_CONFIG_ROWS; i++) {
        config.rows = clr_exec_config_rows[i];
        add(configs, count, config);
    }
}

/* How many groups of each direction are co-resident, as the plan found that the rule makes; or,
 * where its strategy does not ask, one of the strategy that would. */
static uint32_t groups_co_resident(clrnn_context *context, const clrnn_plan *plan)
{
    uint32_t groups = context->co_resident;
    clrnn_plan *other = NULL;
    clrnn_plan_desc desc = plan->desc;
    desc.strategy = CLRNN_STRATEGY_RESIDENT;
    if (plan->strategy->co_resident)
        groups = plan->strategy->co_resident(plan);
    else if (!(context->info.type & CL_DEVICE_TYPE_CPU) &&
             !clr_strategy_resident.refuses(context, &plan->network, &desc) &&
             clrnn_plan_create(context, &desc, &other) == CLRNN_OK)
        groups = other->strategy->co_resident(other);
    clrnn_plan_destroy(&other);
    return groups / plan->network.directions;
}

static int compare_configs(const void *a, const void *b)
{
    return compare(&((const clrnn_exec_config *)a)->seconds,
                   &((const clrnn_exec_config *)b)->seconds);
}

/* Kernels that only this config has are checked against the reference, on few steps and rows. */
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
    if (plan->config.kept == 0 && plan->config.rows == 0)
        return CLRNN_OK;
    clrnn_status status = clr_check_plan(plan->context, &problem, 1, plan, &check);
    return status == CLRNN_OK && !check.passed ? CLRNN_ERR_SELF_TEST : status;
}

/* Time one config. *known is false if it cannot run here. */
static clrnn_status try_config(clrnn_context *context, const clrnn_plan_desc *desc, double best,
                               clrnn_exec_config *config, bool *known)
{
    clr_trial t = {0};
    clrnn_status status = clr_plan_create_config(context, desc, config, &t.plan);
    if (status == CLRNN_OK)
        status = trial_check(t.plan);
    if (status == CLRNN_OK)
        status = trial_begin(&t);
    if (status == CLRNN_OK)
        status = trial_time(&t, best, &config->seconds);
    trial_end(&t);
    *known = status == CLRNN_OK;
    bool impossible = status == CLRNN_ERR_UNSUPPORTED || status == CLRNN_ERR_SELF_TEST ||
                      status == CLRNN_ERR_BUILD;
    return impossible ? CLRNN_OK : status;
}

/* Time configs, and put those that run here to the others, all sorted. */
static clrnn_status try_configs(clrnn_context *context, const clrnn_plan_desc *desc,
                                clrnn_exec_config *tried, size_t listed, clrnn_tuning *tuning)
{
    clrnn_status status = CLRNN_OK;
    double best = tuning->count ? tuning->configs[0].seconds : 0;
    for (size_t i = 0; i < listed && status == CLRNN_OK; i++) {
        bool known = false;
        status = try_config(context, desc, best, &tried[i], &known);
        if (known) {
            best = best > 0 && best < tried[i].seconds ? best : tried[i].seconds;
            add(tuning->configs, &tuning->count, tried[i]);
        }
    }
    qsort(tuning->configs, tuning->count, sizeof *tuning->configs, compare_configs);
    return status;
}

/* Measure all, and the variants of the fastest. */
static clrnn_status measure(clrnn_context *context, const clrnn_plan_desc *desc,
                            uint32_t co_resident, clrnn_tuning *tuning)
{
    clrnn_exec_config all[most_configs];
    size_t listed = 0;
    list_configs(context, desc, co_resident, all, &listed);
    clrnn_status status = try_configs(context, desc, all, listed, tuning);
    if (status == CLRNN_OK && tuning->count == 0)
        return clr_fail(&context->log, CLRNN_ERR_UNSUPPORTED,
                        "tune: no way of running this network works on %s; use another device",
                        context->info.name);
    listed = 0;
    if (status == CLRNN_OK)
        list_variants(context, &tuning->configs[0], all, &listed);
    return status == CLRNN_OK ? try_configs(context, desc, all, listed, tuning) : status;
}

clrnn_status clrnn_tune(clrnn_context *context, const clrnn_plan_desc *desc, clrnn_tuning **tuning)
{
    if (tuning)
        *tuning = NULL;
    if (!context || !desc || !tuning)
        return clr_fail(context ? &context->log : NULL, CLRNN_ERR_ARGUMENT,
                        "clrnn_tune: %s is NULL",
                        !context ? "context"
                        : !desc  ? "desc"
                                 : "tuning");
    if (desc->strategy != CLRNN_STRATEGY_AUTO || desc->gemm != CLRNN_GEMM_AUTO)
        return clr_fail(
            &context->log, CLRNN_ERR_ARGUMENT,
            "tune: strategy (%d) and gemm (%d) must be auto (0), since they are what is measured",
            (int)desc->strategy, (int)desc->gemm);
    clrnn_tuning *made = clr_calloc(1, sizeof *made);
    if (!made)
        return clr_fail(&context->log, CLRNN_ERR_MEMORY, "tune: out of memory");
    /* A plan as the rule makes it: checks the description, and finds how many groups are
     * co-resident. */
    clrnn_plan *plan = NULL;
    clrnn_status status = clrnn_plan_create(context, desc, &plan);
    if (status == CLRNN_OK) {
        /* How x and y are kept is no question of the config. */
        clrnn_plan_desc measured = *desc;
        measured.sequences = CLRNN_WEIGHTS_F32;
        const uint32_t co_resident = groups_co_resident(context, plan);
        clrnn_plan_destroy(&plan);
        status = measure(context, &measured, co_resident, made);
    }
    if (status == CLRNN_OK)
        status = clr_exec_config_store(context, desc, &made->configs[0]);
    if (status == CLRNN_OK || status == CLRNN_ERR_IO)
        *tuning = made;
    else
        clrnn_tuning_destroy(&made);
    return status;
}

void clrnn_tuning_destroy(clrnn_tuning **tuning)
{
    if (!tuning)
        return;
    free(*tuning);
    *tuning = NULL;
}

const clrnn_exec_config *clrnn_tuning_config(const clrnn_tuning *tuning, size_t index)
{
    return tuning && index < tuning->count ? &tuning->configs[index] : NULL;
}

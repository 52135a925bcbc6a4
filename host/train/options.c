/* SPDX-License-Identifier: MIT
 * train/options.c - what a trainer may be asked for, and the schedule of its learning rate. */
#include "train/options.h"

#include <inttypes.h>
#include <math.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include "base/checked.h"
#include "base/log.h"

enum {
    ADAM = 1u << CLRNN_ADAM | 1u << CLRNN_ADAMW,
    ADAMW = 1u << CLRNN_ADAMW,
    SGD = 1u << CLRNN_SGD,
    RMSPROP = 1u << CLRNN_RMSPROP,
    ALL = ADAM | SGD | RMSPROP
};

const clr_number_option clr_number_options[CLR_NUMBER_OPTIONS] = {
    {"learning_rate", offsetof(clrnn_trainer_desc, learning_rate), INFINITY, 0.001, ALL},
    {"momentum", offsetof(clrnn_trainer_desc, momentum), 1, 0, SGD},
    {"beta1", offsetof(clrnn_trainer_desc, beta1), 1, 0.9, ADAM},
    {"beta2", offsetof(clrnn_trainer_desc, beta2), 1, 0.999, ADAM},
    {"rho", offsetof(clrnn_trainer_desc, rho), 1, 0.99, RMSPROP},
    {"epsilon", offsetof(clrnn_trainer_desc, epsilon), INFINITY, 1e-8, ADAM | RMSPROP},
    {"weight_decay", offsetof(clrnn_trainer_desc, weight_decay), INFINITY, 0, ADAMW},
    {"clip", offsetof(clrnn_trainer_desc, clip), INFINITY, 0, ALL},
};

static clrnn_status check_sizes(const clrnn_trainer_desc *desc, const clrnn_log *log)
{
    clr_size positions = clr_size_mul(clr_size_of(desc->max_steps), desc->max_batch);
    if (positions.value == 0 || clr_size_mul(positions, sizeof(double)).overflow)
        return clr_fail(log, CLRNN_ERR_RANGE,
                        "trainer: max_steps (%" PRIu32 ") and max_batch (%" PRIu32
                        ") must be at least 1 and fit in memory together",
                        desc->max_steps, desc->max_batch);
    return CLRNN_OK;
}

static clrnn_status check_kinds(const clrnn_trainer_desc *desc, const clrnn_log *log)
{
    if ((unsigned)desc->loss > CLRNN_LOSS_MEAN_SQUARED)
        return clr_fail(log, CLRNN_ERR_ARGUMENT, "trainer: loss %d is unknown, not in 0..%d",
                        (int)desc->loss, CLRNN_LOSS_MEAN_SQUARED);
    if ((unsigned)desc->optimizer > CLRNN_RMSPROP)
        return clr_fail(log, CLRNN_ERR_ARGUMENT, "trainer: optimizer %d is unknown, not in 0..%d",
                        (int)desc->optimizer, CLRNN_RMSPROP);
    if ((unsigned)desc->schedule > CLRNN_SCHEDULE_COSINE)
        return clr_fail(log, CLRNN_ERR_ARGUMENT, "trainer: schedule %d is unknown, not in 0..%d",
                        (int)desc->schedule, CLRNN_SCHEDULE_COSINE);
    if (desc->schedule == CLRNN_SCHEDULE_COSINE && desc->total_steps <= desc->warmup_steps)
        return clr_fail(log, CLRNN_ERR_ARGUMENT,
                        "trainer: total_steps is %" PRIu64
                        ", a cosine schedule needs more than the %" PRIu64 " of warmup_steps",
                        desc->total_steps, desc->warmup_steps);
    if (desc->schedule == CLRNN_SCHEDULE_CONSTANT && desc->total_steps)
        return clr_fail(log, CLRNN_ERR_ARGUMENT,
                        "trainer: total_steps is %" PRIu64
                        ", which a constant schedule does not use; it needs the cosine one",
                        desc->total_steps);
    return CLRNN_OK;
}

/* An option that the optimiser does not use: name it, and those that do. */
static clrnn_status unused(const clrnn_trainer_desc *desc, const clr_number_option *option,
                           const clrnn_log *log)
{
    char users[64] = "";
    for (int kind = CLRNN_ADAM; kind <= CLRNN_RMSPROP; kind++)
        if (option->users >> kind & 1) {
            size_t used = strlen(users);
            snprintf(users + used, sizeof users - used, "%s%s", used ? " or " : "",
                     clr_optimizer_name((clrnn_optimizer)kind));
        }
    return clr_fail(log, CLRNN_ERR_ARGUMENT,
                    "trainer: %s is %g, which %s does not use; it needs the optimizer %s",
                    option->name, clr_number(desc, option), clr_optimizer_name(desc->optimizer),
                    users);
}

static clrnn_status check_number(const clrnn_trainer_desc *desc, const clr_number_option *option,
                                 const clrnn_log *log)
{
    double value = clr_number(desc, option);
    if (!(value >= 0 && value < option->limit))
        return clr_fail(log, CLRNN_ERR_ARGUMENT, "trainer: %s is %g, must be in [0,%g)",
                        option->name, value, option->limit);
    bool used = option->users >> desc->optimizer & 1;
    return used || value == 0 ? CLRNN_OK : unused(desc, option, log);
}

clrnn_status clr_options_check(const clrnn_trainer_desc *desc, const clrnn_log *log,
                               clrnn_trainer_desc *options)
{
    *options = *desc;
    clrnn_status status = check_kinds(desc, log);
    for (size_t i = 0; i < CLR_NUMBER_OPTIONS && status == CLRNN_OK; i++) {
        const clr_number_option *option = &clr_number_options[i];
        status = check_number(desc, option, log);
        if (clr_number(desc, option) == 0)
            *(double *)(void *)((char *)options + option->offset) = option->fallback;
    }
    if (status != CLRNN_OK)
        return status;
    if (!(desc->dropout >= 0 && desc->dropout < 1))
        return clr_fail(log, CLRNN_ERR_ARGUMENT, "trainer: dropout is %g, must be in [0,1)",
                        (double)desc->dropout);
    return check_sizes(desc, log);
}

/* sin(x), |x| <= pi/4, to x^19: additions and products alone have the same bits everywhere, which
 * those of C libraries do not. */
static double sine(double x)
{
    double term = x, sum = 0;
    for (int k = 1; k <= 19; k += 2) {
        sum += term;
        term *= -x * x / ((k + 1) * (k + 2));
    }
    return sum;
}

/* (1 + cos(pi*part)) / 2 = cos(pi*part/2)^2, part from 0 to 1. */
static double half_cosine(double part)
{
    const double half_pi = 1.57079632679489661923;
    double s = sine(half_pi * (part < 0.5 ? part : 1 - part));
    return part < 0.5 ? 1 - s * s : s * s;
}

/* With k steps done, w of warm-up and n in all:
 *     k < w       rate * (k+1)/w
 *     constant    rate
 *     cosine      rate * (1 + cos(pi * (k-w)/(n-w))) / 2, 0 from k = n on */
double clr_options_rate(const clrnn_trainer_desc *options, uint64_t done)
{
    const double rate = options->learning_rate;
    uint64_t warmup = options->warmup_steps;
    if (done < warmup)
        return rate * ((double)done + 1) / (double)warmup;
    if (options->schedule == CLRNN_SCHEDULE_CONSTANT)
        return rate;
    if (done >= options->total_steps)
        return 0;
    double part = (double)(done - warmup) / (double)(options->total_steps - warmup);
    return rate * half_cosine(part);
}

const char *clr_optimizer_name(clrnn_optimizer optimizer)
{
    static const char *const names[] = {"adam", "adamw", "sgd", "rmsprop"};
    return names[optimizer];
}

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
    if ((unsigned)desc->loss > CLRNN_LOSS_CTC)
        return clr_fail(log, CLRNN_ERR_ARGUMENT, "trainer: loss %d is unknown, not in 0..%d",
                        (int)desc->loss, CLRNN_LOSS_CTC);
    if ((unsigned)desc->optimizer > CLRNN_RMSPROP)
        return clr_fail(log, CLRNN_ERR_ARGUMENT, "trainer: optimizer %d is unknown, not in 0..%d",
                        (int)desc->optimizer, CLRNN_RMSPROP);
    if ((unsigned)desc->schedule > CLRNN_SCHEDULE_ONE_CYCLE)
        return clr_fail(log, CLRNN_ERR_ARGUMENT, "trainer: schedule %d is unknown, not in 0..%d",
                        (int)desc->schedule, CLRNN_SCHEDULE_ONE_CYCLE);
    return CLRNN_OK;
}

static bool has_end(clrnn_schedule schedule)
{
    return schedule == CLRNN_SCHEDULE_COSINE || schedule == CLRNN_SCHEDULE_ONE_CYCLE;
}

static clrnn_status check_schedule(const clrnn_trainer_desc *desc, const clrnn_log *log)
{
    const char *name = clr_schedule_name(desc->schedule);
    bool step = desc->schedule == CLRNN_SCHEDULE_STEP;
    if (has_end(desc->schedule) && desc->total_steps <= desc->warmup_steps)
        return clr_fail(log, CLRNN_ERR_ARGUMENT,
                        "trainer: total_steps is %" PRIu64
                        ", a %s schedule needs more than the %" PRIu64 " of warmup_steps",
                        desc->total_steps, name, desc->warmup_steps);
    if (!has_end(desc->schedule) && desc->total_steps)
        return clr_fail(log, CLRNN_ERR_ARGUMENT,
                        "trainer: total_steps is %" PRIu64
                        ", which a %s schedule does not use; it needs the cosine one or one_cycle",
                        desc->total_steps, name);
    if (desc->schedule == CLRNN_SCHEDULE_ONE_CYCLE && desc->warmup_steps)
        return clr_fail(log, CLRNN_ERR_ARGUMENT,
                        "trainer: warmup_steps is %" PRIu64 ", but one_cycle has a rise of its own",
                        desc->warmup_steps);
    if (step && !desc->step_every)
        return clr_fail(log, CLRNN_ERR_ARGUMENT,
                        "trainer: step_every is 0, the step schedule needs at least 1");
    if (!step && desc->step_every)
        return clr_fail(log, CLRNN_ERR_ARGUMENT,
                        "trainer: step_every is %" PRIu64
                        ", which a %s schedule does not use; it is of the step schedule",
                        desc->step_every, name);
    if (!step && desc->step_factor != 0)
        return clr_fail(
            log, CLRNN_ERR_ARGUMENT,
            "trainer: step_factor is %g, which a %s schedule does not use; it is of the "
            "step schedule",
            desc->step_factor, name);
    if (step && !(desc->step_factor >= 0 && desc->step_factor < 1))
        return clr_fail(log, CLRNN_ERR_ARGUMENT, "trainer: step_factor is %g, must be in (0,1)",
                        desc->step_factor);
    return CLRNN_OK;
}

static clrnn_status check_loss(const clrnn_trainer_desc *desc, const clrnn_log *log)
{
    bool classes = desc->loss == CLRNN_LOSS_CROSS_ENTROPY;
    if (!(desc->huber_delta >= 0 && desc->huber_delta < INFINITY))
        return clr_fail(log, CLRNN_ERR_ARGUMENT, "trainer: huber_delta is %g, must be in [0,inf)",
                        desc->huber_delta);
    if (desc->huber_delta > 0 && desc->loss != CLRNN_LOSS_HUBER)
        return clr_fail(log, CLRNN_ERR_ARGUMENT,
                        "trainer: huber_delta is %g, which only the loss huber uses",
                        desc->huber_delta);
    if (!(desc->pre_emphasis >= 0 && desc->pre_emphasis < 1) ||
        !(desc->dc_weight >= 0 && desc->dc_weight < INFINITY))
        return clr_fail(log, CLRNN_ERR_ARGUMENT,
                        "trainer: pre_emphasis is %g, must be in [0,1); dc_weight is %g, must be "
                        "in [0,inf)",
                        desc->pre_emphasis, desc->dc_weight);
    if ((desc->pre_emphasis > 0 || desc->dc_weight > 0) && desc->loss != CLRNN_LOSS_ESR)
        return clr_fail(log, CLRNN_ERR_ARGUMENT,
                        "trainer: pre_emphasis is %g and dc_weight %g, which only the loss esr "
                        "uses",
                        desc->pre_emphasis, desc->dc_weight);
    if (desc->missing && !clr_loss_has_values(desc->loss))
        return clr_fail(log, CLRNN_ERR_ARGUMENT,
                        "trainer: missing is of losses of values; a class that is missing is "
                        "a negative target");
    if (desc->class_weights && !classes)
        return clr_fail(log, CLRNN_ERR_ARGUMENT,
                        "trainer: class_weights are of cross-entropy, not of %s",
                        clr_loss_name(desc->loss));
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

/* What is drawn anew for each step. */
static clrnn_status check_drawn(const clrnn_trainer_desc *desc, const clrnn_log *log)
{
    const struct {
        const char *name;
        float p;
    } drops[] = {{"dropout", desc->dropout},
                 {"input_dropout", desc->input_dropout},
                 {"drop_connect", desc->drop_connect}};
    for (size_t i = 0; i < sizeof drops / sizeof *drops; i++)
        if (!(drops[i].p >= 0 && drops[i].p < 1))
            return clr_fail(log, CLRNN_ERR_ARGUMENT, "trainer: %s is %g, must be in [0,1)",
                            drops[i].name, (double)drops[i].p);
    if (!(desc->weight_noise >= 0 && desc->weight_noise < INFINITY))
        return clr_fail(log, CLRNN_ERR_ARGUMENT, "trainer: weight_noise is %g, must be in [0,inf)",
                        desc->weight_noise);
    if (desc->variational && !(desc->dropout > 0 || desc->input_dropout > 0))
        return clr_fail(log, CLRNN_ERR_ARGUMENT,
                        "trainer: variational is set, but it says how dropout or input_dropout "
                        "draws, and both are 0");
    return CLRNN_OK;
}

clrnn_status clr_options_check(const clrnn_trainer_desc *desc, const clrnn_log *log,
                               clrnn_trainer_desc *options)
{
    *options = *desc;
    clrnn_status status = check_kinds(desc, log);
    if (status == CLRNN_OK)
        status = check_schedule(desc, log);
    if (status == CLRNN_OK)
        status = check_loss(desc, log);
    if (desc->loss == CLRNN_LOSS_HUBER && desc->huber_delta == 0)
        options->huber_delta = 1;
    if (desc->schedule == CLRNN_SCHEDULE_STEP && desc->step_factor == 0)
        options->step_factor = 0.1;
    for (size_t i = 0; i < CLR_NUMBER_OPTIONS && status == CLRNN_OK; i++) {
        const clr_number_option *option = &clr_number_options[i];
        status = check_number(desc, option, log);
        if (clr_number(desc, option) == 0)
            *(double *)(void *)((char *)options + option->offset) = option->fallback;
    }
    if (status == CLRNN_OK)
        status = check_drawn(desc, log);
    return status == CLRNN_OK ? check_sizes(desc, log) : status;
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

/* From a at part 0 to b at part 1, as half a cosine. */
static double fall(double a, double b, double part)
{
    return b + (a - b) * half_cosine(part);
}

/* k of n steps done, of which the first w = 0.3 n - 1 rise. */
static double one_cycle(double rate, double k, double n)
{
    double rise = 0.3 * n - 1, last = n - 1;
    if (k <= rise)
        return fall(rate / 25, rate, k / rise);
    return fall(rate, rate / 25 * 1e-4, k >= last ? 1 : (k - rise) / (last - rise));
}

/* With k steps done, w of warm-up and n in all:
 *     k < w       rate * (k+1)/w
 *     constant    rate
 *     cosine      rate * (1 + cos(pi * (k-w)/(n-w))) / 2, 0 from k = n on
 *     step        rate * factor^((k-w)/every), the quotient rounded down */
double clr_options_rate(const clrnn_trainer_desc *options, uint64_t done)
{
    const double rate = options->learning_rate;
    uint64_t warmup = options->warmup_steps;
    if (done < warmup)
        return rate * ((double)done + 1) / (double)warmup;
    switch (options->schedule) {
    case CLRNN_SCHEDULE_CONSTANT:
        return rate;
    case CLRNN_SCHEDULE_STEP:
        return rate * pow(options->step_factor, (double)((done - warmup) / options->step_every));
    case CLRNN_SCHEDULE_ONE_CYCLE:
        return one_cycle(rate, (double)done, (double)options->total_steps);
    case CLRNN_SCHEDULE_COSINE:
        break;
    }
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

const char *clr_loss_name(clrnn_loss loss)
{
    static const char *const names[] = {"cross_entropy", "mean_squared", "mean_absolute", "huber",
                                        "binary",        "gaussian",     "esr",           "ctc"};
    return names[loss];
}

const char *clr_schedule_name(clrnn_schedule schedule)
{
    static const char *const names[] = {"constant", "cosine", "step", "one_cycle"};
    return names[schedule];
}

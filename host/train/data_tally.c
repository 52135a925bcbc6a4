/* SPDX-License-Identifier: MIT
 * train/data_tally.c - what targets cost, added up; and what needs no model. */
#include "train/data_tally.h"

#include <math.h>
#include <stdlib.h>

#include "base/log.h"
#include "base/memory.h"

double clr_log_sum(const double *x, size_t count, size_t *largest)
{
    double sum = 0;
    *largest = 0;
    for (size_t k = 1; k < count; k++)
        if (x[k] > x[*largest])
            *largest = k;
    for (size_t k = 0; k < count; k++)
        sum += exp(x[k] - x[*largest]);
    return log(sum) + x[*largest];
}

static void add_class(const double *x, size_t O, int32_t target, clr_tally_sums *sum)
{
    size_t largest;
    if (target < 0)
        return;
    const double all = clr_log_sum(x, O, &largest);
    sum->loss += all - x[target];
    sum->right += largest == (size_t)target;
    sum->targets++;
}

static double element_loss(const clrnn_data *data, double x, double y)
{
    const double e = fabs(x - y), delta = data->huber_delta;
    switch (data->info.loss) {
    case CLRNN_LOSS_MEAN_ABSOLUTE:
        return e;
    case CLRNN_LOSS_HUBER:
        return e <= delta ? e * e / 2 : delta * (e - delta / 2);
    case CLRNN_LOSS_BINARY:
        return fmax(x, 0) - x * y + log1p(exp(-fabs(x)));
    case CLRNN_LOSS_CROSS_ENTROPY:
    case CLRNN_LOSS_MEAN_SQUARED:
        break;
    }
    return e * e;
}

static void add_values(const clrnn_data *data, const double *x, const double *y,
                       clr_tally_sums *sum)
{
    bool any = false;
    for (size_t k = 0; k < data->info.outputs; k++) {
        if (isnan(y[k]))
            continue;
        const double scale = data->y_scale.deviation ? data->y_scale.deviation[k] : 1;
        const double e = (x[k] - y[k]) * scale;
        any = true;
        sum->elements++;
        sum->loss += element_loss(data, x[k], y[k]);
        sum->squares += e * e;
        sum->absolute += fabs(e);
        sum->right += (x[k] > 0) == (y[k] > 0.5);
    }
    sum->targets += any;
}

void clr_tally_target(const clrnn_data *data, const double *x, const clr_view *v, size_t target,
                      clr_tally_sums *sum)
{
    if (v->classes)
        add_class(x, data->info.outputs, v->classes[target], sum);
    else
        add_values(data, x, v->values + target * data->info.outputs, sum);
}

clrnn_score clr_tally_score(const clrnn_data *data, const clr_tally_sums *sum)
{
    const bool classes = clr_data_is_classes(data), binary = data->info.loss == CLRNN_LOSS_BINARY;
    const bool values = !classes && !binary;
    return (clrnn_score){.counted = (uint64_t)sum->targets,
                         .loss = sum->loss / (values ? sum->elements : sum->targets),
                         .accuracy = classes  ? sum->right / sum->targets
                                     : binary ? sum->right / sum->elements
                                              : NAN,
                         .rms = values ? sqrt(sum->squares / sum->elements) : NAN,
                         .absolute = values ? sum->absolute / sum->elements : NAN};
}

clrnn_status clr_data_check_part(const clrnn_data *data, clrnn_part part)
{
    if ((unsigned)part >= CLRNN_PART_COUNT || data->info.part[part] == 0)
        return clr_fail(&data->log, CLRNN_ERR_ARGUMENT, "data: part %d is empty", (int)part);
    if (!data->is_task && !data->classes && !data->values)
        return clr_fail(&data->log, CLRNN_ERR_ARGUMENT, "data: there are no targets");
    return CLRNN_OK;
}

/* --- without a model
 * ------------------------------------------------------------------------------ */

/* Logits that give the shares of the classes in the training part, or the means of the values.
 * guess: out [O] */
static void fit_mean(clrnn_data *data, clrnn_part part, double *guess)
{
    const size_t O = data->info.outputs;
    double total = 0;
    for (size_t k = 0; k < O; k++)
        guess[k] = data->classes || data->is_task ? 1 : 0; /* no share is 0 */
    double *counts = clr_calloc(O, sizeof *counts);
    for (uint32_t m = 0; m < data->info.part[part] && counts; m++) {
        const clr_view v = clr_data_view(data, part, m);
        for (uint32_t i = 0; i < v.targets; i++)
            for (size_t k = 0; k < O; k++)
                if (v.classes) {
                    guess[k] += v.classes[i] == (int32_t)k;
                } else if (!isnan(v.values[i * O + k])) {
                    guess[k] += v.values[i * O + k];
                    counts[k]++;
                }
    }
    for (size_t k = 0; k < O; k++)
        total += guess[k];
    for (size_t k = 0; k < O && counts; k++) {
        if (clr_data_is_classes(data)) {
            guess[k] = log(guess[k] / total);
        } else {
            guess[k] /= counts[k] > 0 ? counts[k] : 1;
            if (data->info.loss == CLRNN_LOSS_BINARY)
                guess[k] = log((guess[k] + 1e-9) / (1 - guess[k] + 1e-9));
        }
    }
    free(counts);
}

/* The target `back` steps before that of window m, if the series reaches there. */
static const double *earlier(const clrnn_data *data, const clr_example *e, uint32_t i,
                             uint32_t back)
{
    const size_t row = e->target_row + i;
    return row >= back ? data->values + (row - back) * data->info.outputs : NULL;
}

static void tally_earlier(const clrnn_data *data, clrnn_part part, uint32_t back,
                          clr_tally_sums *sum)
{
    for (uint32_t m = 0; m < data->info.part[part]; m++) {
        const clr_example *e = &data->examples[data->members[part][m]];
        const uint32_t targets = data->info.target_at == CLRNN_TARGET_LAST ? 1 : e->length;
        for (uint32_t i = 0; i < targets; i++) {
            const double *guess = earlier(data, e, i, back);
            const double *y = data->values + (e->target_row + i) * data->info.outputs;
            if (guess && !isnan(guess[0]))
                add_values(data, guess, y, sum);
        }
    }
}

static void tally_mean(clrnn_data *data, clrnn_part part, double *guess, clr_tally_sums *sum)
{
    for (uint32_t m = 0; m < data->info.part[part]; m++) {
        const clr_view v = clr_data_view(data, part, m);
        for (uint32_t i = 0; i < v.targets; i++)
            clr_tally_target(data, guess, &v, i, sum);
    }
}

clrnn_status clrnn_data_baseline(clrnn_data *data, clrnn_part part, clrnn_baseline kind,
                                 uint32_t period, clrnn_score *score)
{
    if (!data || !score)
        return clr_fail(data ? &data->log : NULL, CLRNN_ERR_ARGUMENT,
                        "clrnn_data_baseline: %s is NULL", data ? "score" : "data");
    const bool mean = kind == CLRNN_BASELINE_MEAN;
    clr_tally_sums sum = {0};
    clrnn_status status = clr_data_check_part(data, part);
    if (status != CLRNN_OK)
        return status;
    if (mean && data->is_task && clr_task_level(data, score))
        return CLRNN_OK;
    if (!mean && (!data->window || !data->values))
        return clr_fail(&data->log, CLRNN_ERR_ARGUMENT,
                        "data: an earlier value is a baseline of windows of values only");
    if (kind == CLRNN_BASELINE_SEASONAL && period < data->horizon)
        return clr_fail(&data->log, CLRNN_ERR_ARGUMENT,
                        "data: a period of %u steps is shorter than the horizon, %u", period,
                        data->horizon);
    if (!mean) {
        tally_earlier(data, part, kind == CLRNN_BASELINE_LAST ? data->horizon : period, &sum);
    } else {
        double *guess = clr_calloc(data->info.outputs, sizeof *guess);
        if (!guess)
            return clr_fail(&data->log, CLRNN_ERR_MEMORY, "data: no memory for a baseline");
        fit_mean(data, data->is_task ? part : CLRNN_PART_TRAIN, guess);
        tally_mean(data, part, guess, &sum);
        free(guess);
    }
    *score = clr_tally_score(data, &sum);
    return CLRNN_OK;
}

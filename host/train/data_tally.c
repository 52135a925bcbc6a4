/* SPDX-License-Identifier: MIT
 * train/data_tally.c - what targets cost, added up; and what needs no model. */
#include "train/data_tally.h"

#include <clrnn/ctc.h>

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/memory.h"
#include "reference/ctc.h"
#include "train/decode.h"

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

/* Of value k of V: x has what is told of it. */
static double element_loss(const clrnn_data *data, const double *x, size_t k, size_t V, double y)
{
    const double e = fabs(x[k] - y), delta = data->huber_delta;
    switch (data->info.loss) {
    case CLRNN_LOSS_MEAN_ABSOLUTE:
        return e;
    case CLRNN_LOSS_HUBER:
        return e <= delta ? e * e / 2 : delta * (e - delta / 2);
    case CLRNN_LOSS_BINARY:
        return fmax(x[k], 0) - x[k] * y + log1p(exp(-fabs(x[k])));
    case CLRNN_LOSS_GAUSSIAN: {
        const double v = exp(x[V + k]) + CLR_VARIANCE_FLOOR;
        return (log(v) + e * e / v) / 2;
    }
    case CLRNN_LOSS_CROSS_ENTROPY:
    case CLRNN_LOSS_MEAN_SQUARED:
    case CLRNN_LOSS_ESR:
    case CLRNN_LOSS_CTC:
        break;
    }
    return e * e;
}

static void add_values(const clrnn_data *data, const double *x, const double *y,
                       clr_tally_sums *sum)
{
    const size_t V = clr_data_values(data);
    bool any = false;
    for (size_t k = 0; k < V; k++) {
        if (isnan(y[k]))
            continue;
        const double scale = data->y_scale.deviation ? data->y_scale.deviation[k] : 1;
        const double e = (x[k] - y[k]) * scale;
        any = true;
        sum->elements++;
        sum->loss += data->info.loss == CLRNN_LOSS_ESR ? 0 : element_loss(data, x, k, V, y[k]);
        sum->squares += e * e;
        sum->absolute += fabs(e);
        sum->right += (x[k] > 0) == (y[k] > 0.5);
    }
    sum->targets += any;
}

/* --- sequences ------------------------------------------------------------------------------ */

enum { ERROR, TARGET, ERRORS, STEPS, COLUMN };

/* As cl/loss.cl: an error and a target that are missing are 0, and no step of their own. */
static void add_sound(const clrnn_data *data, const double *x, const double *y, bool first,
                      bool last, clr_tally_sums *sum)
{
    for (size_t k = 0; k < data->info.outputs; k++) {
        double *c = sum->columns + k * COLUMN;
        for (int i = 0; i < COLUMN && first; i++)
            c[i] = 0;
        const bool is = !isnan(y[k]);
        const double e = is ? x[k] - y[k] : 0, target = is ? y[k] : 0;
        const double p = e - data->pre_emphasis * c[ERROR];
        const double q = target - data->pre_emphasis * c[TARGET];
        sum->loss += is ? p * p : 0;
        sum->signal += is ? q * q + CLR_SILENCE : 0;
        sum->plain += is ? target * target + CLR_SILENCE : 0;
        c[ERROR] = e;
        c[TARGET] = target;
        c[ERRORS] += e;
        c[STEPS] += is;
        if (last && c[STEPS] > 0)
            sum->dc += c[ERRORS] * c[ERRORS] / c[STEPS];
    }
}

/* A sequence of ctc whose logits are all there. */
static void add_labels(const clrnn_data *data, const clr_view *v, clr_tally_sums *sum)
{
    const uint32_t O = data->info.outputs;
    uint32_t wanted = 0, found = 0;
    double loss = 0;
    while (wanted < v->targets && v->classes[wanted] > 0)
        wanted++;
    clrnn_status status =
        clr_reference_ctc(sum->logits, O, v->length, O, v->classes, wanted, &loss, NULL);
    sum->loss += loss;
    sum->targets++;
    sum->elements += wanted;
    if (status == CLRNN_OK && isfinite(loss))
        status = clrnn_ctc_decode(sum->logits, v->length, O, 0, sum->labels, &found, NULL);
    if (status == CLRNN_OK)
        sum->right +=
            (double)wanted - clr_edit_distance(sum->labels, found, v->classes, wanted, sum->row);
    sum->bad = sum->bad ? sum->bad : status;
}

/* --- sums ----------------------------------------------------------------------------------- */

clrnn_status clr_tally_open(const clrnn_data *data, clr_tally_sums *sum)
{
    const size_t O = data->info.outputs, T = data->info.steps;
    const bool sound = data->info.loss == CLRNN_LOSS_ESR,
               labels = data->info.loss == CLRNN_LOSS_CTC;
    *sum = (clr_tally_sums){.loss = 0};
    if (sound)
        sum->columns = clr_calloc(O * COLUMN, sizeof *sum->columns);
    if (labels) {
        sum->logits = clr_calloc(T * O, sizeof *sum->logits);
        sum->labels = clr_calloc(T, sizeof *sum->labels);
        sum->row = clr_calloc(T + 1, sizeof *sum->row);
    }
    if (sound ? sum->columns != NULL : !labels || (sum->logits && sum->labels && sum->row))
        return CLRNN_OK;
    return clr_fail(&data->log, CLRNN_ERR_MEMORY, "data: no memory for a score");
}

void clr_tally_target(const clrnn_data *data, const double *x, const clr_view *v, size_t target,
                      clr_tally_sums *sum)
{
    const size_t O = data->info.outputs;
    const bool last = target + 1 == v->targets;
    if (data->info.loss == CLRNN_LOSS_CTC) {
        memcpy(sum->logits + target * O, x, O * sizeof *x);
        if (last)
            add_labels(data, v, sum);
        return;
    }
    if (v->classes) {
        add_class(x, O, v->classes[target], sum);
        return;
    }
    const double *y = v->values + target * clr_data_values(data);
    add_values(data, x, y, sum);
    if (data->info.loss == CLRNN_LOSS_ESR)
        add_sound(data, x, y, target == 0, last, sum);
}

static double mean_loss(const clrnn_data *data, const clr_tally_sums *sum)
{
    const bool values =
        clr_loss_has_values(data->info.loss) && data->info.loss != CLRNN_LOSS_BINARY;
    if (data->info.loss == CLRNN_LOSS_ESR)
        return sum->loss / sum->signal + data->dc_weight * (sum->dc / sum->plain);
    return sum->loss / (values ? sum->elements : sum->targets);
}

static clrnn_score score_of(const clrnn_data *data, const clr_tally_sums *sum)
{
    const clrnn_loss loss = data->info.loss;
    const bool elements = loss == CLRNN_LOSS_BINARY || loss == CLRNN_LOSS_CTC;
    const bool values = clr_loss_has_values(loss) && loss != CLRNN_LOSS_BINARY;
    return (clrnn_score){.counted = (uint64_t)sum->targets,
                         .loss = mean_loss(data, sum),
                         .accuracy = elements ? sum->right / sum->elements
                                     : values ? NAN
                                              : sum->right / sum->targets,
                         .rms = values ? sqrt(sum->squares / sum->elements) : NAN,
                         .absolute = values ? sum->absolute / sum->elements : NAN};
}

clrnn_status clr_tally_close(const clrnn_data *data, clr_tally_sums *sum, clrnn_status status,
                             clrnn_score *score)
{
    status = status ? status : sum->bad;
    if (status == CLRNN_OK)
        *score = score_of(data, sum);
    free(sum->columns);
    free(sum->logits);
    free(sum->labels);
    free(sum->row);
    return status;
}

clrnn_status clr_data_check_part(const clrnn_data *data, clrnn_part part)
{
    if ((unsigned)part >= CLRNN_PART_COUNT || data->info.part[part] == 0)
        return clr_fail(&data->log, CLRNN_ERR_ARGUMENT, "data: part %d is empty", (int)part);
    if (!data->is_task && !data->classes && !data->values)
        return clr_fail(&data->log, CLRNN_ERR_ARGUMENT, "data: there are no targets");
    return CLRNN_OK;
}

/* --- without a model -------------------------------------------------------------------------- */

/* Logits that give the shares of the classes in the training part, or the means of the values.
 * guess: out [O] */
static void fit_mean(clrnn_data *data, clrnn_part part, double *guess)
{
    const size_t O = data->classes ? data->info.outputs : clr_data_values(data);
    double total = 0;
    for (size_t k = 0; k < O; k++)
        guess[k] = data->classes || data->is_task ? 1 : 0; /* no share is 0 */
    const bool blanks = data->info.loss == CLRNN_LOSS_CTC; /* steps without a label */
    double *counts = clr_calloc(O, sizeof *counts);
    for (uint32_t m = 0; m < data->info.part[part] && counts; m++) {
        const clr_view v = clr_data_view(data, part, m);
        for (uint32_t i = 0; i < v.targets; i++)
            for (size_t k = 0; k < O; k++)
                if (v.classes) {
                    guess[k] +=
                        v.classes[i] == (int32_t)k || (blanks && k == 0 && v.classes[i] < 0);
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
    return row >= back ? data->values + (row - back) * clr_data_values(data) : NULL;
}

/* guess: scratch [O], 0 so far: of gaussian a variance of 1 */
static void tally_earlier(const clrnn_data *data, clrnn_part part, uint32_t back, double *guess,
                          clr_tally_sums *sum)
{
    for (uint32_t m = 0; m < data->info.part[part]; m++) {
        const clr_example *e = &data->examples[data->members[part][m]];
        const uint32_t targets = data->info.target_at == CLRNN_TARGET_LAST ? 1 : e->length;
        for (uint32_t i = 0; i < targets; i++) {
            const double *old = earlier(data, e, i, back);
            const double *y = data->values + (e->target_row + i) * clr_data_values(data);
            if (!old || isnan(old[0]))
                continue;
            memcpy(guess, old, clr_data_values(data) * sizeof *old);
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
    clr_tally_sums sum;
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
    status = clr_tally_open(data, &sum);
    double *guess = clr_calloc(data->info.outputs, sizeof *guess);
    if (status == CLRNN_OK && !guess)
        status = clr_fail(&data->log, CLRNN_ERR_MEMORY, "data: no memory for a baseline");
    if (status == CLRNN_OK && !mean)
        tally_earlier(data, part, kind == CLRNN_BASELINE_LAST ? data->horizon : period, guess,
                      &sum);
    if (status == CLRNN_OK && mean) {
        fit_mean(data, data->is_task ? part : CLRNN_PART_TRAIN, guess);
        tally_mean(data, part, guess, &sum);
    }
    free(guess);
    return clr_tally_close(data, &sum, status, score);
}

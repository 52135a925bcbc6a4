/* SPDX-License-Identifier: MIT
 * train/data_score.c - how well a model, or something that needs none, tells the targets; and what
 * a model tells. */
#include <math.h>
#include <stdlib.h>

#include "base/log.h"
#include "base/memory.h"
#include "train/data_set.h"

/* Sums of a score. */
typedef struct tally {
    double loss, right, squares, absolute;
    double targets;  /* steps that have one */
    double elements; /* values that are there */
} tally;

static double logit(const clrnn_data *data, const void *logits, size_t i)
{
    return data->precision == CLRNN_F64 ? ((const double *)logits)[i]
                                        : (double)((const float *)logits)[i];
}

/* log of the sum of exp(x), and where the largest is. */
static double log_sum(const double *x, size_t count, size_t *largest)
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

static void add_class(const double *x, size_t O, int32_t target, tally *sum)
{
    size_t largest;
    if (target < 0)
        return;
    const double all = log_sum(x, O, &largest);
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

static void add_values(const clrnn_data *data, const double *x, const double *y, tally *sum)
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

static void add_target(const clrnn_data *data, const double *x, const clr_view *v, size_t target,
                       tally *sum)
{
    if (v->classes)
        add_class(x, data->info.outputs, v->classes[target], sum);
    else
        add_values(data, x, v->values + target * data->info.outputs, sum);
}

static clrnn_score finish(const clrnn_data *data, const tally *sum)
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

/* --- with a model --------------------------------------------------------------------------- */

static clrnn_status check_model(const clrnn_data *data, clrnn_model *model)
{
    const clrnn_model_desc *desc = clrnn_model_get_desc(model);
    const uint32_t I = data->info.inputs, O = data->info.outputs;
    if (desc->input != CLRNN_INPUT_DENSE || desc->network.input_size != I ||
        desc->output_size == 0 || (O && desc->output_size != O) ||
        desc->precision != data->precision)
        return clr_fail(&data->log, CLRNN_ERR_ARGUMENT,
                        "data: of %u inputs and %u outputs in %s precision, the model has %u%s and "
                        "%u in %s",
                        I, O, data->precision == CLRNN_F64 ? "double" : "single",
                        desc->network.input_size,
                        desc->input == CLRNN_INPUT_DENSE ? "" : " symbols", desc->output_size,
                        desc->precision == CLRNN_F64 ? "double" : "single");
    return CLRNN_OK;
}

/* What is done with the logits of each target of a batch: sequence `n` of those that were asked
 * for, x: [O]. */
typedef void use_of(clrnn_data *data, void *user, uint64_t n, const clr_view *view, size_t target,
                    const double *x);

/* Run sequences first..first+count-1 of a part. logits: scratch [T,N,O], x: [O] */
static clrnn_status run_batch(clrnn_data *data, clrnn_model *model, clrnn_part part, uint64_t first,
                              uint32_t count, void *logits, double *x, use_of *use, void *user)
{
    const size_t O = clrnn_model_get_desc(model)->output_size;
    clrnn_batch batch;
    clrnn_status status = clr_data_fill(data, part, NULL, first, count, &batch);
    const clrnn_model_io io = {.steps = batch.steps,
                               .batch = count,
                               .lengths = batch.lengths,
                               .x = batch.x,
                               .logits = logits};
    if (status == CLRNN_OK)
        status = clrnn_model_forward(model, &io);
    for (uint32_t n = 0; n < count && status == CLRNN_OK; n++) {
        const clr_view v = clr_data_view(data, part, first + n);
        for (uint32_t i = 0; i < v.targets; i++) {
            const uint32_t t = v.targets == 1 ? v.length - 1 : i;
            for (size_t k = 0; k < O; k++)
                x[k] = logit(data, logits, ((size_t)t * count + n) * O + k);
            use(data, user, first + n, &v, i, x);
        }
    }
    return status;
}

static clrnn_status run_part(clrnn_data *data, clrnn_model *model, clrnn_part part, use_of *use,
                             void *user)
{
    const uint32_t N = data->info.batch, count = data->info.part[part];
    const size_t O = clrnn_model_get_desc(model)->output_size;
    void *logits = clr_calloc((size_t)N * data->info.steps * O, sizeof(double));
    double *x = clr_calloc(O, sizeof *x);
    clrnn_status status =
        logits && x ? CLRNN_OK
                    : clr_fail(&data->log, CLRNN_ERR_MEMORY, "data: no memory for logits");
    for (uint32_t first = 0; first < count && status == CLRNN_OK; first += N) {
        const uint32_t left = count - first;
        status = run_batch(data, model, part, first, left < N ? left : N, logits, x, use, user);
    }
    free(logits);
    free(x);
    return status;
}

static void tally_target(clrnn_data *data, void *user, uint64_t n, const clr_view *view,
                         size_t target, const double *x)
{
    (void)n;
    add_target(data, x, view, target, user);
}

static clrnn_status check_part(const clrnn_data *data, clrnn_part part)
{
    if ((unsigned)part >= CLRNN_PART_COUNT || data->info.part[part] == 0)
        return clr_fail(&data->log, CLRNN_ERR_ARGUMENT, "data: part %d is empty", (int)part);
    if (!data->is_task && !data->classes && !data->values)
        return clr_fail(&data->log, CLRNN_ERR_ARGUMENT, "data: there are no targets");
    return CLRNN_OK;
}

clrnn_status clrnn_data_score(clrnn_data *data, clrnn_model *model, clrnn_part part,
                              clrnn_score *score)
{
    if (!data || !model || !score)
        return clr_fail(data ? &data->log : NULL, CLRNN_ERR_ARGUMENT,
                        "clrnn_data_score: %s is NULL",
                        !data   ? "data"
                        : model ? "score"
                                : "model");
    tally sum = {0};
    clrnn_status status = check_part(data, part);
    if (status == CLRNN_OK)
        status = check_model(data, model);
    if (status == CLRNN_OK)
        status = run_part(data, model, part, tally_target, &sum);
    if (status == CLRNN_OK)
        *score = finish(data, &sum);
    return status;
}

/* Turn logits into what they mean: probabilities, or values on their own scale. */
static void interpret(const clrnn_data *data, double *x, size_t O)
{
    size_t largest;
    const double all = clr_data_is_classes(data) ? log_sum(x, O, &largest) : 0;
    for (size_t k = 0; k < O; k++)
        if (clr_data_is_classes(data))
            x[k] = exp(x[k] - all);
        else if (data->info.loss == CLRNN_LOSS_BINARY)
            x[k] = 1 / (1 + exp(-x[k]));
        else if (data->y_scale.mean)
            x[k] = x[k] * data->y_scale.deviation[k] + data->y_scale.mean[k];
}

/* Where predictions go. */
typedef struct sink {
    double *out;
    size_t outputs;
} sink;

static void keep_target(clrnn_data *data, void *user, uint64_t n, const clr_view *view,
                        size_t target, const double *x)
{
    const sink *to = user;
    const size_t rows = data->info.target_at == CLRNN_TARGET_LAST ? 1 : data->info.steps;
    double *out = to->out + (n * rows + target) * to->outputs;
    (void)view;
    for (size_t k = 0; k < to->outputs; k++)
        out[k] = x[k];
    interpret(data, out, to->outputs);
}

clrnn_status clrnn_data_predict(clrnn_data *data, clrnn_model *model, double *out)
{
    if (!data || !model || !out)
        return clr_fail(data ? &data->log : NULL, CLRNN_ERR_ARGUMENT,
                        "clrnn_data_predict: %s is NULL",
                        !data   ? "data"
                        : model ? "out"
                                : "model");
    clrnn_status status = check_model(data, model);
    if (status == CLRNN_OK && (data->is_task || data->info.part[0] != data->info.sequences))
        status = clr_fail(&data->log, CLRNN_ERR_ARGUMENT,
                          "data: predictions are of all sequences, before they are split");
    if (status != CLRNN_OK)
        return status;
    sink to = {out, clrnn_model_get_desc(model)->output_size};
    const size_t rows = data->info.target_at == CLRNN_TARGET_LAST ? 1 : data->info.steps;
    for (size_t i = 0; i < data->info.sequences * rows * to.outputs; i++)
        out[i] = NAN;
    return run_part(data, model, CLRNN_PART_TRAIN, keep_target, &to);
}

/* --- without -------------------------------------------------------------------------------- */

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

static void tally_earlier(const clrnn_data *data, clrnn_part part, uint32_t back, tally *sum)
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

static void tally_mean(clrnn_data *data, clrnn_part part, double *guess, tally *sum)
{
    for (uint32_t m = 0; m < data->info.part[part]; m++) {
        const clr_view v = clr_data_view(data, part, m);
        for (uint32_t i = 0; i < v.targets; i++)
            add_target(data, guess, &v, i, sum);
    }
}

clrnn_status clrnn_data_baseline(clrnn_data *data, clrnn_part part, clrnn_baseline kind,
                                 uint32_t period, clrnn_score *score)
{
    if (!data || !score)
        return clr_fail(data ? &data->log : NULL, CLRNN_ERR_ARGUMENT,
                        "clrnn_data_baseline: %s is NULL", data ? "score" : "data");
    const bool mean = kind == CLRNN_BASELINE_MEAN;
    tally sum = {0};
    clrnn_status status = check_part(data, part);
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
    *score = finish(data, &sum);
    return CLRNN_OK;
}

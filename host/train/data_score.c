/* SPDX-License-Identifier: MIT
 * train/data_score.c - how well a model or graph tells the targets; and what it tells. */
#include <math.h>
#include <stdlib.h>

#include "base/log.h"
#include "base/memory.h"
#include "graph/plan.h"
#include "train/data_tally.h"
#include "train/graph_batch.h"

static double logit(const clrnn_data *data, const void *logits, size_t i)
{
    return data->precision == CLRNN_F64 ? ((const double *)logits)[i]
                                        : (double)((const float *)logits)[i];
}

/* --- with a model or a graph ---------------------------------------------------------------- */

/* Whoever gives logits. */
typedef struct teller {
    clrnn_model *model; /* or */
    clrnn_graph_plan *plan;
    uint32_t output;    /* of the plan: a value */
    uint32_t max_batch; /* 0: any */
    size_t outputs;     /* O */
    clr_graph_staging staging;
} teller;

static const char *name_of(clrnn_precision precision)
{
    return precision == CLRNN_F64 ? "double" : "single";
}

static clrnn_status check_model(const clrnn_data *data, clrnn_model *model, teller *who)
{
    const clrnn_model_desc *desc = clrnn_model_get_desc(model);
    const uint32_t I = data->info.inputs, O = data->info.outputs;
    *who = (teller){.model = model, .outputs = desc->output_size};
    if (desc->input != CLRNN_INPUT_DENSE || desc->network.input_size != I ||
        desc->output_size == 0 || (O && desc->output_size != O) ||
        desc->precision != data->precision)
        return clr_fail(&data->log, CLRNN_ERR_ARGUMENT,
                        "data: of %u inputs and %u outputs in %s precision, the model has %u%s and "
                        "%u in %s",
                        I, O, name_of(data->precision), desc->network.input_size,
                        desc->input == CLRNN_INPUT_DENSE ? "" : " symbols", desc->output_size,
                        name_of(desc->precision));
    return CLRNN_OK;
}

/* Features of a value: its axis that is neither T nor N; 0: ids. */
static uint64_t width_of(const clrnn_graph *graph, uint32_t value)
{
    const clr_value *v = &graph->values[value];
    const int32_t axis = clr_class_axis(v);
    return v->shape.ids ? 0 : axis == CLR_NO_AXIS ? 1 : v->shape.size[axis];
}

static clrnn_status check_graph(const clrnn_data *data, clrnn_graph_plan *plan, const char *output,
                                teller *who)
{
    const clrnn_graph *g = plan->graph;
    const uint32_t v = clr_plan_output(plan, output ? output : g->outputs[0].name);
    const uint64_t I = data->info.inputs, O = data->info.outputs;
    if (v == CLR_NO_VALUE)
        return CLRNN_ERR_ARGUMENT;
    *who = (teller){.plan = plan,
                    .output = v,
                    .max_batch = plan->desc.max_batch,
                    .outputs = (size_t)width_of(g, v)};
    if (g->input_count != 1 || width_of(g, g->inputs[0]) != I || (O && who->outputs != O) ||
        g->precision != data->precision)
        return clr_fail(&data->log, CLRNN_ERR_ARGUMENT,
                        "data: of %u inputs and %u outputs in %s precision; of the graph's %u "
                        "inputs the first is %s, and '%s' %s, in %s",
                        data->info.inputs, data->info.outputs, name_of(data->precision),
                        g->input_count, clr_value_text(&g->values[g->inputs[0]].shape).text,
                        output ? output : g->outputs[0].name,
                        clr_value_text(&g->values[v].shape).text, name_of(g->precision));
    return CLRNN_OK;
}

/* What is done with the logits of each target of a batch: sequence `n` of those that were asked
 * for, x: [O]. */
typedef void use_of(clrnn_data *data, void *user, uint64_t n, const clr_view *view, size_t target,
                    const double *x);

/* logits: out [T,N,O] */
static clrnn_status tell(const clrnn_data *data, teller *who, const clrnn_batch *batch,
                         void *logits)
{
    const clrnn_model_io io = {.steps = batch->steps,
                               .batch = batch->batch,
                               .lengths = batch->lengths,
                               .x = batch->x,
                               .logits = logits};
    return who->model ? clrnn_model_forward(who->model, &io)
                      : clr_graph_logits(who->plan, who->output, batch, data->info.loss,
                                         &who->staging, logits);
}

/* Run sequences first..first+count-1 of a part. logits: scratch [T,N,O], x: [O] */
static clrnn_status run_batch(clrnn_data *data, teller *who, clrnn_part part, uint64_t first,
                              uint32_t count, void *logits, double *x, use_of *use, void *user)
{
    const size_t O = who->outputs;
    clrnn_batch batch;
    clrnn_status status = clr_data_fill(data, part, NULL, first, count, &batch);
    if (status == CLRNN_OK)
        status = tell(data, who, &batch, logits);
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

static clrnn_status run_part(clrnn_data *data, teller *who, clrnn_part part, use_of *use,
                             void *user)
{
    const uint32_t most = who->max_batch, count = data->info.part[part];
    const uint32_t N = most && most < data->info.batch ? most : data->info.batch;
    const size_t O = who->outputs;
    void *logits = clr_calloc((size_t)N * data->info.steps * O, sizeof(double));
    double *x = clr_calloc(O, sizeof *x);
    clrnn_status status =
        logits && x ? CLRNN_OK
                    : clr_fail(&data->log, CLRNN_ERR_MEMORY, "data: no memory for logits");
    for (uint32_t first = 0; first < count && status == CLRNN_OK; first += N) {
        const uint32_t left = count - first;
        status = run_batch(data, who, part, first, left < N ? left : N, logits, x, use, user);
    }
    free(logits);
    free(x);
    clr_graph_staging_free(&who->staging);
    return status;
}

static void tally_target(clrnn_data *data, void *user, uint64_t n, const clr_view *view,
                         size_t target, const double *x)
{
    (void)n;
    clr_tally_target(data, x, view, target, user);
}

static clrnn_status score_part(clrnn_data *data, teller *who, clrnn_part part, clrnn_score *score)
{
    clr_tally_sums sum;
    clrnn_status status = clr_tally_open(data, &sum);
    if (status == CLRNN_OK)
        status = run_part(data, who, part, tally_target, &sum);
    return clr_tally_close(data, &sum, status, score);
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
    teller who;
    clrnn_status status = clr_data_check_part(data, part);
    if (status == CLRNN_OK)
        status = check_model(data, model, &who);
    return status == CLRNN_OK ? score_part(data, &who, part, score) : status;
}

clrnn_status clrnn_data_score_graph(clrnn_data *data, clrnn_graph_plan *plan, const char *output,
                                    clrnn_part part, clrnn_score *score)
{
    if (!data || !plan || !score)
        return clr_fail(data ? &data->log : NULL, CLRNN_ERR_ARGUMENT,
                        "clrnn_data_score_graph: %s is NULL",
                        !data  ? "data"
                        : plan ? "score"
                               : "plan");
    teller who;
    clrnn_status status = clr_data_check_part(data, part);
    if (status == CLRNN_OK)
        status = check_graph(data, plan, output, &who);
    return status == CLRNN_OK ? score_part(data, &who, part, score) : status;
}

/* Turn logits into what they mean: probabilities, or values on their own scale. */
static void interpret(const clrnn_data *data, double *x, size_t O)
{
    const size_t V = clr_loss_values(data->info.loss, O);
    size_t largest;
    const double all = clr_data_is_classes(data) ? clr_log_sum(x, O, &largest) : 0;
    for (size_t k = 0; k < O; k++)
        if (clr_data_is_classes(data))
            x[k] = exp(x[k] - all);
        else if (data->info.loss == CLRNN_LOSS_BINARY)
            x[k] = 1 / (1 + exp(-x[k]));
        else if (data->info.loss == CLRNN_LOSS_GAUSSIAN && k >= V)
            x[k] = sqrt(exp(x[k]) + CLR_VARIANCE_FLOOR) *
                   (data->y_scale.mean ? data->y_scale.deviation[k - V] : 1);
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

static clrnn_status predict_all(clrnn_data *data, teller *who, double *out)
{
    if (data->is_task || data->info.part[0] != data->info.sequences)
        return clr_fail(&data->log, CLRNN_ERR_ARGUMENT,
                        "data: predictions are of all sequences, before they are split");
    sink to = {out, who->outputs};
    const size_t rows = data->info.target_at == CLRNN_TARGET_LAST ? 1 : data->info.steps;
    for (size_t i = 0; i < data->info.sequences * rows * to.outputs; i++)
        out[i] = NAN;
    return run_part(data, who, CLRNN_PART_TRAIN, keep_target, &to);
}

clrnn_status clrnn_data_predict(clrnn_data *data, clrnn_model *model, double *out)
{
    if (!data || !model || !out)
        return clr_fail(data ? &data->log : NULL, CLRNN_ERR_ARGUMENT,
                        "clrnn_data_predict: %s is NULL",
                        !data   ? "data"
                        : model ? "out"
                                : "model");
    teller who;
    clrnn_status status = check_model(data, model, &who);
    return status == CLRNN_OK ? predict_all(data, &who, out) : status;
}

clrnn_status clrnn_data_predict_graph(clrnn_data *data, clrnn_graph_plan *plan, const char *output,
                                      double *out)
{
    if (!data || !plan || !out)
        return clr_fail(data ? &data->log : NULL, CLRNN_ERR_ARGUMENT,
                        "clrnn_data_predict_graph: %s is NULL",
                        !data  ? "data"
                        : plan ? "out"
                               : "plan");
    teller who;
    clrnn_status status = check_graph(data, plan, output, &who);
    return status == CLRNN_OK ? predict_all(data, &who, out) : status;
}

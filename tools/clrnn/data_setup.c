/* SPDX-License-Identifier: MIT
 * data_setup.c - data set and trainer of a training on data or a task. */
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "train_data.h"

#define USUAL_WINDOW 24

/* --- the data ------------------------------------------------------------------------------- */

static clrnn_loss loss_of(const train_options *o, const data_arrays *a)
{
    if (o->loss)
        return (clrnn_loss)(o->loss - 1);
    const clrnn_tensor *t = a->targets;
    if (a->rolls)
        return CLRNN_LOSS_BINARY;
    const bool integers = t && t->dtype >= CLRNN_DTYPE_I8 && t->dtype <= CLRNN_DTYPE_BOOL;
    return o->classes || a->classes[0] || (integers && !a->series) ? CLRNN_LOSS_CROSS_ENTROPY
                                                                   : CLRNN_LOSS_MEAN_SQUARED;
}

/* By the shapes: one target for each sequence, or one for each step. */
static clrnn_target_at target_at(const train_options *o, const data_arrays *a, clrnn_loss loss)
{
    const clrnn_tensor *x = a->x, *t = a->targets;
    if (o->target_at)
        return (clrnn_target_at)(o->target_at - 1);
    if (a->series)
        return CLRNN_TARGET_LAST;
    if (loss == CLRNN_LOSS_CTC || loss == CLRNN_LOSS_ESR)
        return CLRNN_TARGET_EVERY;
    if (x->rank != 3 || t->rank > 2)
        return CLRNN_TARGET_EVERY;
    const uint64_t T = x->shape[a->batch_first ? 1 : 0], N = x->shape[a->batch_first ? 0 : 1];
    const bool steps = t->rank == 2 && t->shape[a->batch_first ? 0 : 1] == N &&
                       t->shape[a->batch_first ? 1 : 0] == T;
    const bool values = loss != CLRNN_LOSS_CROSS_ENTROPY && t->rank == 2 && t->shape[0] == N;
    return t->rank == 1 || (values && !steps) ? CLRNN_TARGET_LAST : CLRNN_TARGET_EVERY;
}

static bool has_part(const clrnn_tensor *parts, double part)
{
    double *values = parts ? calloc(parts->count + 1, sizeof *values) : NULL;
    bool found = false;
    if (values)
        clrnn_tensor_to_f64(parts, values);
    for (size_t i = 0; values && i < parts->count; i++)
        found = found || values[i] == part;
    free(values);
    return found;
}

static clrnn_status split(data_session *s)
{
    const train_options *o = s->o;
    const bool random = o->split == 2 || (o->split == 0 && !s->arrays->series);
    clrnn_split how = {.validation = o->validation,
                       .test = o->test,
                       .by_time = !random,
                       .seed = o->seed, /* the same for all seeds of --seeds */
                       .parts = s->arrays->parts};
    if (has_part(s->arrays->parts, 1) && !tool_given(o->table, "validation"))
        how.validation = 0;
    return clrnn_data_split(s->data, &how);
}

/* As a model from a file was used to, or as the training part has it. */
static clrnn_status scale(data_session *s)
{
    const clrnn_loss loss = s->info->loss;
    const bool values =
        loss != CLRNN_LOSS_CROSS_ENTROPY && loss != CLRNN_LOSS_BINARY && loss != CLRNN_LOSS_CTC;
    const int how = s->o->standardise;
    if (s->checkpoint && (clrnn_tensors_find(s->checkpoint, "scale.x_mean") ||
                          clrnn_tensors_find(s->checkpoint, "scale.y_mean")))
        return clrnn_data_scaling_from_tensors(s->data, s->checkpoint);
    if (how == 0 && (s->arrays->rolls || loss == CLRNN_LOSS_ESR)) /* sound has its own scale */
        return CLRNN_OK;
    const bool x = how == 0 || how == 2 || how == 4, y = how == 3 || how == 4;
    if (!x && !y && how != 0)
        return CLRNN_OK;
    return clrnn_data_standardise(s->data, x, y || (how == 0 && values));
}

static int make_task(data_session *s)
{
    const train_options *o = s->o;
    const clrnn_task_desc desc = {
        .task = (clrnn_task)(o->task - 1), .steps = o->length, .batch = o->batch, .seed = s->seed};
    clrnn_status status = clrnn_data_create_task(&desc, tool_log(), &s->data);
    return status ? tool_failed(status) : TOOL_OK;
}

static int make_data(data_session *s)
{
    const train_options *o = s->o;
    data_arrays *a = s->arrays;
    if (!o->data)
        return make_task(s);
    if (!a->targets)
        return tool_error("train: --data %s: nothing to learn; add --targets, --target-columns or "
                          "--forecast",
                          o->data);
    clrnn_data_desc desc = {.x = a->x,
                            .targets = a->targets,
                            .lengths = a->lengths,
                            .mask = a->mask,
                            .loss = loss_of(o, a),
                            .huber_delta = o->huber_delta,
                            .pre_emphasis = o->pre_emphasis,
                            .dc_weight = o->dc_weight,
                            .output_size = o->classes ? o->classes : a->class_count,
                            .batch_first = a->batch_first,
                            .batch = o->batch,
                            .seed = s->seed};
    if (a->classes[0] && desc.loss != CLRNN_LOSS_CROSS_ENTROPY)
        return tool_error("train: --loss %s: the targets are classes (%.100s); leave it out",
                          tool_word(DATA_LOSSES, (int)desc.loss), a->classes);
    desc.target_at = target_at(o, a, desc.loss);
    if (a->series) {
        desc.window = o->window ? o->window : USUAL_WINDOW;
        desc.horizon = o->forecast;
    }
    clrnn_status status = clrnn_data_create(&desc, tool_log(), &s->data);
    if (!status && o->task == DATA_PERMUTED)
        status = clrnn_data_permute(s->data, 0); /* one order, whatever the seed */
    if (!status)
        s->info = clrnn_data_get_info(s->data);
    if (!status && s->info->sequences == 1 && o->validation + o->test > 0 && !a->parts)
        return tool_error("train: --data %s is one sequence, of which no part can be held out; "
                          "add %s, or --validation 0",
                          o->data,
                          tool_ends_with(o->data, ".csv") ? "--group or --forecast" : "others");
    if (!status)
        status = split(s);
    if (!status)
        status = scale(s);
    return status ? tool_failed(status) : TOOL_OK;
}

/* --- the trainer ---------------------------------------------------------------------------- */

/* "balanced": a class that is half as frequent counts twice; else numbers between commas.
 * weights: out [O], to be freed */
static int read_weights(const data_session *s, double **weights)
{
    const char *text = s->o->class_weights;
    const uint32_t O = s->info->outputs;
    *weights = NULL;
    if (!text)
        return TOOL_OK;
    double *w = *weights = calloc(O, sizeof *w);
    uint64_t *counts = calloc(O, sizeof *counts), total = 0;
    if (!w || !counts) {
        free(counts);
        return tool_no_memory();
    }
    clrnn_data_class_counts(s->data, counts);
    for (uint32_t k = 0; k < O; k++)
        total += counts[k];
    uint32_t found = 0;
    char *end = NULL;
    for (uint32_t k = 0; k < O && strcmp(text, "balanced") == 0; k++, found++)
        w[k] = counts[k] ? (double)total / ((double)O * (double)counts[k]) : 1;
    for (const char *at = text; found < O; found++) {
        w[found] = strtod(at, &end);
        if (end == at)
            break;
        at = *end == ',' ? end + 1 : end;
    }
    free(counts);
    bool clean = !end || !*end;
    return found == O && clean ? TOOL_OK
                               : tool_error("train: --class-weights %s: balanced, or %u numbers "
                                            "between commas",
                                            text, O);
}

static void set_duration(data_session *s)
{
    const train_options *o = s->o;
    const uint64_t batches = clrnn_data_batches(s->data, CLRNN_PART_TRAIN);
    s->steps = o->epochs ? o->epochs * batches : o->steps;
    const bool said = tool_given(o->table, "validate-every") || o->resume;
    s->validate_every = said ? o->validate_every : batches;
    if (s->validate_every == 0)
        s->validate_every = s->steps;
}

/* A plateau may have lowered the rate, which then goes on, also where --lr says again what it was
 * at first, as the printed command that continues does. */
static double resumed_rate(const data_session *s)
{
    const char *now = clrnn_tensors_metadata(s->checkpoint, "clrnn.train.learning_rate");
    const char *first = clrnn_tensors_metadata(s->checkpoint, "clrnn.option.lr");
    const bool same = !tool_given(s->o->table, "lr") || (first && strtod(first, NULL) == s->o->lr);
    return now && same ? strtod(now, NULL) : s->o->lr;
}

static clrnn_trainer_desc describe(const data_session *s, const double *weights)
{
    const train_options *o = s->o;
    clrnn_trainer_desc desc = train_describe(o);
    desc.max_steps = s->info->steps;
    desc.max_batch = s->info->batch;
    desc.loss = s->info->loss;
    desc.seed = s->seed;
    desc.missing = s->info->missing;
    desc.class_weights = weights;
    if (s->info->loss == CLRNN_LOSS_HUBER)
        desc.huber_delta = o->huber_delta;
    if (s->info->loss == CLRNN_LOSS_ESR) {
        desc.pre_emphasis = o->pre_emphasis;
        desc.dc_weight = o->dc_weight;
    }
    if (o->schedule == CLRNN_SCHEDULE_COSINE || o->schedule == CLRNN_SCHEDULE_ONE_CYCLE)
        desc.total_steps = s->steps;
    if (o->resume)
        desc.learning_rate = resumed_rate(s);
    return desc;
}

/* Of a graph the loss is on one of its outputs. */
static clrnn_status make_graph_trainer(data_session *s, clrnn_trainer_desc desc)
{
    const clrnn_graph_loss loss = {.output = s->output,
                                   .loss = desc.loss,
                                   .huber_delta = desc.huber_delta,
                                   .pre_emphasis = desc.pre_emphasis,
                                   .dc_weight = desc.dc_weight,
                                   .missing = desc.missing,
                                   .class_weights = desc.class_weights};
    clrnn_graph_trainer_desc all = {.training = desc,
                                    .losses = &loss,
                                    .loss_count = 1,
                                    .strategy = (clrnn_strategy)s->o->strategy};
    all.training.loss = (clrnn_loss)0;
    all.training.huber_delta = all.training.pre_emphasis = all.training.dc_weight = 0;
    all.training.missing = false;
    all.training.class_weights = NULL;
    return clrnn_graph_trainer_create(s->context, s->graph, &all, &s->trainer);
}

static clrnn_status make_model_trainer(data_session *s, const clrnn_trainer_desc *desc)
{
    clrnn_status status = clrnn_model_set_strategy(s->model, (clrnn_strategy)s->o->strategy);
    return status ? status : clrnn_trainer_create(s->model, desc, &s->trainer);
}

static int make_trainer(data_session *s)
{
    double *weights = NULL;
    int code = read_weights(s, &weights);
    if (!code) {
        const clrnn_trainer_desc desc = describe(s, weights);
        s->rate = desc.learning_rate;
        clrnn_status status = s->graph ? make_graph_trainer(s, desc) : make_model_trainer(s, &desc);
        for (size_t i = 0; i < s->o->freeze.count && !status; i++)
            status = clrnn_trainer_freeze(s->trainer, s->o->freeze.items[i]);
        code = status ? tool_failed(status) : TOOL_OK;
        if (!code && !clrnn_trainer_trained_count(s->trainer))
            code = tool_error("train: --freeze leaves nothing to train");
    }
    free(weights);
    return code;
}

/* Of --seeds the file is that of one, whose number goes on; the parts are those of --seed. */
static uint64_t resumed_seed(const train_options *o, const clrnn_tensors *set, uint64_t seed)
{
    const char *now = o->resume ? clrnn_tensors_metadata(set, "clrnn.train.seed") : NULL;
    const char *first = o->resume ? clrnn_tensors_metadata(set, "clrnn.option.seed") : NULL;
    const bool same = first && strtoull(first, NULL, 10) == o->seed;
    return now && same ? strtoull(now, NULL, 10) : seed;
}

int data_open(data_session *s, clrnn_context *context, const train_options *o, uint64_t seed,
              data_arrays *arrays, clrnn_tensors *checkpoint)
{
    *s = (data_session){.o = o,
                        .context = context,
                        .arrays = arrays,
                        .checkpoint = checkpoint,
                        .seed = resumed_seed(o, checkpoint, seed),
                        .best_loss = NAN,
                        .loss = NAN,
                        .validation = {.loss = NAN}};
    int code = arrays ? data_match_classes(o, arrays, checkpoint) : TOOL_OK;
    if (!code)
        code = make_data(s);
    if (code)
        return code;
    s->info = clrnn_data_get_info(s->data);
    if ((o->patience || o->plateau) && s->info->part[CLRNN_PART_VALIDATION] == 0)
        return tool_error(
            "train: --%s %" PRIu64 " counts validations, for which nothing is held out; "
            "add --validation F or --parts",
            o->patience ? "patience" : "plateau", o->patience ? o->patience : o->plateau);
    set_duration(s);
    code = checkpoint ? data_load_model(s) : data_make_model(s);
    if (!code)
        code = make_trainer(s);
    if (!code && o->resume)
        code = data_resume(s);
    if (code)
        return code;
    s->first = clrnn_trainer_steps_done(s->trainer);
    if (!s->best)
        s->best = calloc(s->parameters, sizeof *s->best);
    return s->best ? data_log_open(s) : tool_no_memory();
}

void data_close(data_session *s)
{
    clrnn_trainer_destroy(&s->trainer);
    clrnn_data_destroy(&s->data);
    clrnn_model_destroy(&s->model);
    clrnn_graph_plan_destroy(&s->plan);
    clrnn_graph_destroy(&s->graph);
    if (s->log)
        fclose(s->log);
    s->log = NULL;
    free(s->best);
    s->best = NULL;
}

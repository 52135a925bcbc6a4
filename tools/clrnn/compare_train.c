/* SPDX-License-Identifier: MIT
 * compare_train.c - see compare.h: one training of one cell, as `clrnn train` does it. */
#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "compare_training.h"
#include "system.h"

static clrnn_model *model_of(const compare_training *t)
{
    return t->is_text ? t->text.model : t->data.model;
}

static void set_options(compare_training *t, uint32_t hidden, uint64_t seed)
{
    t->o = t->job->o;
    t->o.cell = (int)t->result->cell->cell;
    t->o.reset = (int)t->result->cell->reset;
    t->o.hidden = hidden;
    t->o.seed = seed;
    t->o.seeds = 1;
    t->o.json = true; /* train's own lines stay away */
    t->o.save_every = 0;
    t->is_text = t->o.texts.count > 0;
    compare_path(t->job, t->model, "models/%s-%" PRIu64 ".safetensors", t->result->cell->name,
                 seed);
    compare_path(t->job, t->first, "models/%s-%" PRIu64 "-first.safetensors", t->result->cell->name,
                 seed);
    compare_path(t->job, t->log, "logs/%s-%" PRIu64 ".csv", t->result->cell->name, seed);
    t->o.save = t->model;
    t->o.log = t->log;
}

int compare_check_files(compare_job *job)
{
    int code = TOOL_OK;
    for (int i = 0; i < COMPARE_CELLS && !code; i++) {
        compare_result result = {.cell = &compare_cells[i]};
        for (uint32_t k = 0; k < job->o.seeds && !code; k++) {
            compare_training t = {.job = job, .result = &result};
            set_options(&t, 1, job->o.seed + k);
            t.o.force = true; /* what a folder has was looked at as a whole */
            code = train_check_files(&t.o);
        }
    }
    return code;
}

static int open_training(compare_training *t)
{
    return t->is_text
               ? train_open(&t->o, &t->text)
               : data_open(&t->data, t->job->context, &t->o, t->o.seed, &t->job->arrays, NULL);
}

static void close_training(compare_training *t)
{
    if (t->is_text)
        train_close(&t->text);
    else
        data_close(&t->data);
}

/* --- the course ------------------------------------------------------------------------------ */

/* Number `index` of a line between commas; NaN if there is none. */
static double column(const char *line, int index)
{
    char *end;
    for (; index > 0; index--) {
        line = strchr(line, ',');
        if (!line)
            return NAN;
        line++;
    }
    const double value = strtod(line, &end);
    return end == line ? NAN : value;
}

/* The log that train has written. */
static int read_course(compare_training *t)
{
    const int loss = t->is_text ? 4 : 2, validation = t->is_text ? 5 : 3;
    FILE *file = system_open(t->log, "rb");
    char line[1024];
    size_t room = 0;
    compare_run *r = t->run;
    if (!file)
        return tool_error("compare: %s: cannot read it: %s", t->log, strerror(errno));
    while (fgets(line, sizeof line, file)) {
        if (r->points == room) {
            room = room ? 2 * room : 64;
            compare_point *more = realloc(r->course, room * sizeof *more);
            if (!more) {
                fclose(file);
                return tool_no_memory();
            }
            r->course = more;
        }
        const double step = column(line, 0);
        if (!isnan(step))
            r->course[r->points++] = (compare_point){.step = step,
                                                     .seconds = column(line, t->is_text ? 2 : 1),
                                                     .loss = column(line, loss),
                                                     .validation = column(line, validation),
                                                     .norm = column(line, 7)};
    }
    fclose(file);
    return TOOL_OK;
}

/* --- one training ---------------------------------------------------------------------------- */

static int run_text(compare_training *t)
{
    train_session *s = &t->text;
    int code = train_loop(s);
    t->run->loss = train_validation(s);
    if (isnan(t->run->loss))
        t->run->loss = train_bits(s->loss);
    t->run->baseline = clrnn_text_unigram_bits(s->text);
    t->run->seconds = tool_seconds() - s->start;
    t->run->steps = clrnn_trainer_steps_done(s->trainer);
    t->run->step_ms = 1000.0 * t->o.seq * s->batch / train_rate(s);
    return !code && s->interrupted ? TOOL_SIGNAL + s->interrupted : code;
}

/* Milliseconds of a step, its batch included, of some after the model has been saved. */
static int time_steps(compare_training *t)
{
    enum { timed = 10 };
    data_session *s = &t->data;
    clrnn_status status = CLRNN_OK;
    double loss, begun = 0;
    for (uint64_t i = 0; i <= timed && !status; i++) {
        clrnn_batch batch;
        if (i == 1)
            begun = tool_seconds();
        status = clrnn_data_batch(s->data, CLRNN_PART_TRAIN, i, &batch);
        if (!status)
            status = clrnn_trainer_step(s->trainer, &batch, i % timed ? NULL : &loss);
    }
    t->run->step_ms = 1000 * (tool_seconds() - begun) / timed;
    return status ? tool_failed(status) : TOOL_OK;
}

static int run_data(compare_training *t)
{
    data_session *s = &t->data;
    int code = data_loop(s);
    t->run->seconds = tool_seconds() - s->start;
    t->run->steps = clrnn_trainer_steps_done(s->trainer);
    if (!code && s->interrupted)
        return TOOL_SIGNAL + s->interrupted;
    if (!code)
        code = data_save(s);
    if (!code)
        code = data_finish(s);
    t->run->loss = s->test.loss;
    t->run->accuracy = s->test.accuracy;
    t->run->baseline = s->baseline.loss;
    return code ? code : time_steps(t);
}

/* What the trainer's plan holds on the device. */
static int measure_memory(compare_training *t)
{
    const clrnn_model_desc *desc = clrnn_model_get_desc(model_of(t));
    const clrnn_plan_desc planned = {.network = desc->network,
                                     .max_steps = t->is_text ? t->o.seq : t->data.info->steps,
                                     .max_batch = t->is_text ? t->text.batch : t->data.info->batch,
                                     .train = true};
    clrnn_plan *plan = NULL;
    clrnn_context *context = t->is_text ? t->text.context : t->job->context;
    clrnn_status status = clrnn_plan_create(context, &planned, &plan);
    if (!status)
        t->result->memory =
            clrnn_plan_get_info(plan)->reserve_bytes + clrnn_plan_get_info(plan)->work_bytes;
    clrnn_plan_destroy(&plan);
    return status ? tool_failed(status) : TOOL_OK;
}

int compare_train(compare_job *job, compare_result *result, uint32_t index)
{
    compare_training t = {.job = job, .result = result, .run = &result->runs[index]};
    *t.run =
        (compare_run){.seed = job->o.seed + index, .loss = NAN, .accuracy = NAN, .baseline = NAN};
    set_options(&t, result->hidden, t.run->seed);
    int code = open_training(&t);
    if (!code)
        code = measure_memory(&t);
    if (!code) {
        result->parameters = clrnn_model_parameter_count(model_of(&t));
        clrnn_status status = clrnn_model_save(model_of(&t), t.first);
        code = status ? tool_failed(status) : compare_flow(&t, t.first, &t.run->first);
    }
    if (!code)
        code = t.is_text ? run_text(&t) : run_data(&t);
    if (!code)
        code = compare_flow(&t, t.model, &t.run->last);
    if (!code && index == 0 && inspect_has_pictures())
        code = compare_draw_gates(&t);
    close_training(&t);
    return code ? code : read_course(&t);
}

/* --- sizes ----------------------------------------------------------------------------------- */

/* Parameters with so many hidden units, of a model whose other sizes are known. */
static uint64_t count_with(const clrnn_model_desc *desc, uint32_t hidden)
{
    clrnn_network_desc network = desc->network;
    size_t elements = 0;
    network.hidden_size = hidden;
    if (clrnn_network_weights(&network, NULL, NULL, &elements))
        return UINT64_MAX;
    const uint64_t width = (uint64_t)hidden * (network.bidirectional ? 2 : 1);
    const uint64_t embedding = desc->input == CLRNN_INPUT_EMBEDDING
                                   ? (uint64_t)desc->vocabulary_size * network.input_size
                                   : 0;
    return elements + embedding + (width + 1) * desc->output_size;
}

/* The hidden size whose parameters come nearest to the budget. */
static uint32_t suit(const clrnn_model_desc *desc, uint64_t budget)
{
    uint32_t low = 1, high = 1;
    while (high < 1u << 20 && count_with(desc, high) < budget)
        high *= 2;
    while (low + 1 < high) {
        const uint32_t middle = low + (high - low) / 2;
        if (count_with(desc, middle) <= budget)
            low = middle;
        else
            high = middle;
    }
    const uint64_t below = count_with(desc, low), above = count_with(desc, high);
    return above >= budget && budget >= below && above - budget < budget - below ? high : low;
}

int compare_size(compare_job *job)
{
    int code = TOOL_OK;
    for (int i = 0; i < COMPARE_CELLS && !code; i++) {
        compare_result *r = &job->results[i];
        compare_training t = {.job = job, .result = r};
        r->hidden = job->o.hidden;
        if (!job->parameters && i)
            continue;
        set_options(&t, job->parameters ? 1 : job->o.hidden, job->o.seed);
        t.o.log = NULL;
        code = open_training(&t);
        if (!code && job->parameters)
            r->hidden = suit(clrnn_model_get_desc(model_of(&t)), job->parameters);
        if (!code) {
            const bool classes = t.is_text || t.data.info->loss == CLRNN_LOSS_CROSS_ENTROPY;
            job->measure = t.is_text ? "bits for each character" : classes ? "nats" : "loss";
            job->held = t.is_text || !t.data.info->part[CLRNN_PART_TEST] ? "validation" : "test";
            job->steps_back = t.is_text ? t.o.seq : t.data.info->steps;
        }
        close_training(&t);
    }
    return code;
}

/* --- lags ------------------------------------------------------------------------------------ */

int compare_recall(compare_job *job, compare_result *result)
{
    int code = TOOL_OK;
    for (uint32_t i = 0; i < job->lags && !code; i++) {
        compare_training t = {.job = job, .result = result};
        compare_run run = {.accuracy = NAN};
        t.run = &run;
        set_options(&t, job->o.hidden, job->o.seed);
        t.is_text = false;
        t.o.texts = (tool_list){0};
        t.o.data = NULL;
        t.o.task = 1 + CLRNN_TASK_RECALL;
        t.o.length = job->lag[i];
        t.o.steps = job->lag_steps;
        t.o.log = NULL;
        compare_path(job, t.model, "models/%s-lag-%u.safetensors", result->cell->name, job->lag[i]);
        code = open_training(&t);
        if (!code)
            code = run_data(&t);
        close_training(&t);
        if (!code && run.accuracy < 0.9)
            break;
        result->lag = code ? result->lag : job->lag[i];
    }
    return code;
}

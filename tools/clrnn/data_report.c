/* SPDX-License-Identifier: MIT
 * data_report.c - what a training on data says: at its start, on the way, and at its end, beside
 * what needs no model. */
#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "system.h"
#include "train_data.h"

const char *data_score_text(const clrnn_score *score, char text[160])
{
    if (!isnan(score->accuracy))
        snprintf(text, 160, "loss %#.5g, accuracy %.4f", score->loss, score->accuracy);
    else
        snprintf(text, 160, "loss %#.5g, rms %#.5g, mean error %#.5g", score->loss, score->rms,
                 score->absolute);
    return text;
}

void data_print_score(const data_session *s, const char *name, const clrnn_score *score)
{
    char text[160];
    if (!s->o->json && score->counted + (uint64_t)!isnan(score->loss))
        printf("%-11s %s\n", name, data_score_text(score, text));
}

void data_print_start(const data_session *s)
{
    const clrnn_device_info *device = clrnn_context_device(s->context);
    const clrnn_data_info *info = s->info;
    char text[32], model[100];
    printf("device %u:%u  %s, %s, driver %s\n", device->platform_index, device->device_index,
           device->name, device->platform, device->driver);
    printf("model  %s, %s parameters, seed %" PRIu64 "\n", data_describe_model(s, model),
           tool_thousands(s->parameters, text), s->seed);
    if (s->o->task == DATA_PERMUTED)
        printf("task   permuted digits: pixels in one order of all images, drawn once\n");
    if (s->o->data)
        printf("data   %u %s of up to %u steps, %u inputs, %u outputs, %s; %u to train, %u to "
               "validate, %u to test\n",
               info->sequences, s->arrays->series ? "windows" : "sequences", info->steps,
               info->inputs, info->outputs, tool_word(DATA_LOSSES, (int)info->loss), info->part[0],
               info->part[1], info->part[2]);
    else
        printf("task   %s, %u steps, batches of %u\n", tool_word("none|" DATA_TASKS, s->o->task),
               info->steps, info->batch);
    if (s->first)
        printf("resume %s after step %" PRIu64 "\n", s->o->resume, s->first);
    fflush(stdout);
}

void data_show_progress(const data_session *s)
{
    char text[200], score[160] = "", left[32];
    const uint64_t done = clrnn_trainer_steps_done(s->trainer);
    const double seconds = tool_seconds() - s->start;
    double part = (double)done / (double)s->steps;
    double remaining = seconds / (double)(done - s->first) * (double)(s->steps - done);
    if (s->o->seconds) {
        part = fmax(part, seconds / (double)s->o->seconds);
        remaining = fmin(remaining, (double)s->o->seconds - seconds);
    }
    if (!isnan(s->validation.loss))
        data_score_text(&s->validation, score);
    snprintf(text, sizeof text, "step %" PRIu64 "/%" PRIu64 "  loss %#.4g  %s%s  %s left", done,
             s->steps, s->loss, *score ? "validation " : "", score,
             tool_clock(fmax(remaining, 0), left));
    tool_progress(part, text);
}

/* --- the end -------------------------------------------------------------------------------- */

static clrnn_status measure(data_session *s, clrnn_part part)
{
    clrnn_status status = data_score(s, part, &s->test);
    if (!status)
        status = clrnn_data_baseline(s->data, part, CLRNN_BASELINE_MEAN, 0, &s->baseline);
    if (!status && s->o->data && s->arrays->series) {
        status = clrnn_data_baseline(s->data, part, CLRNN_BASELINE_LAST, 0, &s->last_value);
        if (!status && s->o->season)
            status = clrnn_data_baseline(s->data, part, CLRNN_BASELINE_SEASONAL, s->o->season,
                                         &s->seasonal);
    }
    return status;
}

/* The best model on what is to test on, else on what validates, beside what has learned nothing. */
int data_finish(data_session *s)
{
    const bool test = s->info->part[CLRNN_PART_TEST] > 0;
    const clrnn_part part = test                                   ? CLRNN_PART_TEST
                            : s->info->part[CLRNN_PART_VALIDATION] ? CLRNN_PART_VALIDATION
                                                                   : CLRNN_PART_TRAIN;
    static const char *const names[] = {"train", "validation", "test"};
    if (part == CLRNN_PART_TRAIN && s->info->part[CLRNN_PART_TRAIN] == 0)
        return TOOL_OK;
    clrnn_status status = CLRNN_OK;
    if (!isnan(s->best_loss))
        status = clrnn_trainer_set_parameters(s->trainer, s->best);
    if (!status)
        status = measure(s, part);
    if (status)
        return tool_failed(status);
    if (!s->o->json && !isnan(s->best_loss))
        printf("%s after step %" PRIu64 "; best validation after step %" PRIu64 "\n",
               s->stopped ? "stopped early" : "ended", clrnn_trainer_steps_done(s->trainer),
               s->best_step);
    data_print_score(s, names[part], &s->test);
    data_print_score(s, s->o->task ? "not learned" : "mean", &s->baseline);
    if (s->last_value.counted)
        data_print_score(s, "last value", &s->last_value);
    if (s->seasonal.counted)
        data_print_score(s, "last season", &s->seasonal);
    return TOOL_OK;
}

static void add_number(cJSON *object, const char *name, double value)
{
    if (isfinite(value))
        cJSON_AddNumberToObject(object, name, value);
    else
        cJSON_AddNullToObject(object, name);
}

static void add_score(cJSON *object, const char *name, const clrnn_score *score)
{
    if (score->counted == 0 && !(score->loss > 0))
        return;
    cJSON *item = cJSON_AddObjectToObject(object, name);
    add_number(item, "loss", score->loss);
    add_number(item, "accuracy", score->accuracy);
    add_number(item, "rms", score->rms);
    add_number(item, "mean_error", score->absolute);
    cJSON_AddNumberToObject(item, "counted", (double)score->counted);
}

cJSON *data_summary(const data_session *s)
{
    cJSON *object = cJSON_CreateObject();
    cJSON_AddStringToObject(object, "device", clrnn_context_device(s->context)->name);
    if (s->graph) {
        cJSON_AddNumberToObject(object, "nodes", clrnn_graph_nodes(s->graph));
        cJSON_AddStringToObject(object, "output", s->output);
    } else {
        const clrnn_network_desc *network = &clrnn_model_get_desc(s->model)->network;
        cJSON_AddStringToObject(object, "cell", clrnn_cell_get_info(network->cell)->name);
        cJSON_AddNumberToObject(object, "hidden", network->hidden_size);
        cJSON_AddNumberToObject(object, "layers", network->num_layers);
    }
    cJSON_AddNumberToObject(object, "parameters", (double)s->parameters);
    cJSON_AddNumberToObject(object, "seed", (double)s->seed);
    cJSON_AddStringToObject(object, "loss", tool_word(DATA_LOSSES, (int)s->info->loss));
    cJSON_AddNumberToObject(object, "steps", (double)clrnn_trainer_steps_done(s->trainer));
    cJSON_AddNumberToObject(object, "best_step", (double)s->best_step);
    add_number(object, "train_loss", s->loss);
    add_number(object, "validation_loss", s->best_loss);
    add_score(object,
              s->info->part[CLRNN_PART_TEST]         ? "test"
              : s->info->part[CLRNN_PART_VALIDATION] ? "validation"
                                                     : "train",
              &s->test);
    add_score(object, s->o->task ? "not_learned" : "mean", &s->baseline);
    add_score(object, "last_value", &s->last_value);
    add_score(object, "last_season", &s->seasonal);
    add_number(object, "learning_rate", clrnn_trainer_learning_rate(s->trainer));
    add_number(object, "seconds", s->log_before + tool_seconds() - s->start);
    cJSON_AddBoolToObject(object, "stopped_early", s->stopped);
    cJSON_AddBoolToObject(object, "interrupted", s->interrupted != 0);
    cJSON_AddStringToObject(object, "save", s->o->save);
    return object;
}

/* --- the log -------------------------------------------------------------------------------- */

static const char header[] = "step,seconds,train_loss,validation_loss,validation_accuracy,"
                             "validation_rms,learning_rate,gradient_norm\n";

/* Keep the whole rows up to the first step of this run, drop what follows. */
static int keep_rows(data_session *s)
{
    char line[512];
    if (!fgets(line, sizeof line, s->log) || strcmp(line, header) != 0)
        return tool_error("train: --log %s: not a log of clrnn train on data; give another name",
                          s->o->log);
    long end = ftell(s->log);
    while (fgets(line, sizeof line, s->log)) {
        double seconds;
        uint64_t row;
        if (!strchr(line, '\n') || sscanf(line, "%" SCNu64 ",%lf,", &row, &seconds) != 2 ||
            row > s->first)
            break;
        s->log_before = seconds;
        end = ftell(s->log);
    }
    if (end < 0 || !system_cut(s->log, end) || fseek(s->log, end, SEEK_SET))
        return tool_error("train: --log %s: cannot continue it: %s", s->o->log, strerror(errno));
    return TOOL_OK;
}

int data_log_open(data_session *s)
{
    const char *path = s->o->log;
    if (!path)
        return TOOL_OK;
    const bool old = s->o->resume && tool_file_exists(path);
    s->log = system_open(path, old ? "r+b" : "wb");
    if (s->log && old)
        return keep_rows(s);
    if (!s->log || fputs(header, s->log) < 0 || fflush(s->log))
        return tool_error("train: --log %s: cannot write it: %s", path, strerror(errno));
    return TOOL_OK;
}

static void put_number(FILE *file, double value, char end)
{
    if (isfinite(value))
        fprintf(file, "%.9g", value);
    fputc(end, file);
}

int data_log_row(data_session *s, double rate, double norm, bool validated)
{
    const bool has = validated && s->info->part[CLRNN_PART_VALIDATION];
    fprintf(s->log, "%" PRIu64 ",%.3f,", clrnn_trainer_steps_done(s->trainer),
            s->log_before + tool_seconds() - s->start);
    put_number(s->log, s->loss, ',');
    put_number(s->log, has ? s->validation.loss : NAN, ',');
    put_number(s->log, has ? s->validation.accuracy : NAN, ',');
    put_number(s->log, has ? s->validation.rms : NAN, ',');
    put_number(s->log, rate, ',');
    put_number(s->log, norm, '\n');
    s->log_failed = fflush(s->log) || ferror(s->log);
    return s->log_failed
               ? tool_error("train: --log %s: cannot write it: %s", s->o->log, strerror(errno))
               : TOOL_OK;
}

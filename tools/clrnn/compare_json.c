/* SPDX-License-Identifier: MIT
 * compare_json.c - see compare.h: results.json. */
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "compare.h"
#include "outputs.h"

static void add_number(cJSON *to, const char *name, double value)
{
    if (isfinite(value))
        cJSON_AddNumberToObject(to, name, value);
    else
        cJSON_AddNullToObject(to, name);
}

static void add_spread(const compare_job *job, const compare_result *r, cJSON *to, const char *name,
                       size_t offset)
{
    double mean, deviation;
    compare_spread(job, r, offset, &mean, &deviation);
    cJSON *item = cJSON_AddObjectToObject(to, name);
    add_number(item, "mean", mean);
    add_number(item, "deviation", deviation);
}

static void add_course(cJSON *to, const compare_run *r)
{
    static const struct {
        const char *name;
        size_t offset;
    } columns[] = {{"step", offsetof(compare_point, step)},
                   {"seconds", offsetof(compare_point, seconds)},
                   {"loss", offsetof(compare_point, loss)},
                   {"held_out", offsetof(compare_point, validation)},
                   {"gradient_norm", offsetof(compare_point, norm)}};
    cJSON *course = cJSON_AddObjectToObject(to, "course");
    for (size_t c = 0; c < sizeof columns / sizeof *columns; c++) {
        cJSON *list = cJSON_AddArrayToObject(course, columns[c].name);
        for (size_t i = 0; i < r->points; i++) {
            double v;
            memcpy(&v, (const char *)&r->course[i] + columns[c].offset, sizeof v);
            cJSON_AddItemToArray(list, isfinite(v) ? cJSON_CreateNumber(v) : cJSON_CreateNull());
        }
    }
}

static cJSON *run_json(const compare_run *r)
{
    cJSON *object = cJSON_CreateObject();
    cJSON_AddNumberToObject(object, "seed", (double)r->seed);
    cJSON_AddNumberToObject(object, "steps", (double)r->steps);
    add_number(object, "seconds", r->seconds);
    add_number(object, "ms_per_step", r->step_ms);
    add_number(object, "loss", r->loss);
    add_number(object, "accuracy", r->accuracy);
    add_number(object, "baseline", r->baseline);
    add_course(object, r);
    cJSON_AddItemToObject(object, "gradients_first", inspect_flows_json(&r->first, 1));
    cJSON_AddItemToObject(object, "gradients_last", inspect_flows_json(&r->last, 1));
    return object;
}

static cJSON *result_json(const compare_job *job, const compare_result *r)
{
    cJSON *object = cJSON_CreateObject();
    cJSON_AddStringToObject(object, "name", r->cell->name);
    cJSON_AddStringToObject(object, "title", r->cell->title);
    cJSON_AddNumberToObject(object, "hidden", r->hidden);
    cJSON_AddNumberToObject(object, "layers", job->o.layers);
    cJSON_AddNumberToObject(object, "parameters", (double)r->parameters);
    cJSON_AddNumberToObject(object, "memory_bytes", (double)r->memory);
    add_spread(job, r, object, "ms_per_step", offsetof(compare_run, step_ms));
    add_spread(job, r, object, "loss", offsetof(compare_run, loss));
    add_spread(job, r, object, "accuracy", offsetof(compare_run, accuracy));
    if (job->lags)
        cJSON_AddNumberToObject(object, "longest_lag", r->lag);
    cJSON *runs = cJSON_AddArrayToObject(object, "runs");
    for (uint32_t i = 0; i < job->o.seeds; i++)
        cJSON_AddItemToArray(runs, run_json(&r->runs[i]));
    return object;
}

int compare_write_json(const compare_job *job)
{
    const clrnn_device_info *device = clrnn_context_device(job->context);
    char path[COMPARE_PATH];
    cJSON *object = cJSON_CreateObject();
    cJSON_AddStringToObject(object, "command", job->command);
    cJSON_AddStringToObject(object, "version", clrnn_version_text());
    cJSON_AddStringToObject(object, "device", device->name);
    cJSON_AddStringToObject(object, "measure", job->measure);
    cJSON_AddStringToObject(object, "held_out", job->held);
    cJSON_AddNumberToObject(object, "seeds", job->o.seeds);
    cJSON_AddStringToObject(object, "equal", job->parameters ? "parameters" : "hidden");
    add_number(object, "seconds", tool_seconds() - job->start);
    cJSON *cells = cJSON_AddArrayToObject(object, "cells");
    for (int i = 0; i < COMPARE_CELLS; i++)
        cJSON_AddItemToArray(cells, result_json(job, &job->results[i]));
    char *text = tool_json_text(object, false);
    compare_path(job, path, "results.json");
    tool_output output;
    FILE *file = text ? tool_output_begin(&output, path) : NULL;
    const bool good = text && tool_output_end(&output, file && fprintf(file, "%s\n", text) > 0);
    free(text);
    if (job->json && good)
        return tool_print_json(object, true);
    cJSON_Delete(object);
    return good ? TOOL_OK : tool_error("compare: %s: cannot write it: %s", path, strerror(errno));
}

/* SPDX-License-Identifier: MIT
 * data_train.c - `clrnn train --data` and `--task`: one training, or one for each of several seeds.
 */
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "train_data.h"

/* What one seed has given. */
typedef struct result {
    double loss, accuracy, rms, absolute;
} result;

/* A model of another program as the graph that it becomes. */
static clrnn_status load_model(const char *path, clrnn_tensors **set)
{
    const char *format = clrnn_format_of_file(path, NULL);
    if (!format || strcmp(format, "clrnn") == 0)
        return clrnn_tensors_load(path, tool_log(), set);
    clrnn_graph *graph = NULL;
    clrnn_status status = clrnn_graph_import(path, NULL, tool_log(), &graph);
    if (!status)
        status = clrnn_tensors_create(tool_log(), set);
    if (!status)
        status = clrnn_graph_to_tensors(graph, *set);
    clrnn_graph_destroy(&graph);
    return status;
}

static int load_checkpoint(const train_options *o, clrnn_tensors **set)
{
    const char *path = o->resume ? o->resume : o->model;
    *set = NULL;
    if (!path)
        return TOOL_OK;
    clrnn_status status =
        o->resume ? clrnn_tensors_load(path, tool_log(), set) : load_model(path, set);
    if (status)
        return tool_failed(status);
    if (!o->resume)
        return TOOL_OK;
    if (!clrnn_tensors_find(*set, "train.parameters"))
        return tool_error("train: --resume %s: no checkpoint of a training on data; --model %s "
                          "starts a new one from it",
                          path, path);
    return data_take_options(o, *set, path);
}

int data_read_options(const char *command, const train_options *o, data_arrays *arrays)
{
    const data_files files = {.command = command,
                              .data = o->data,
                              .targets = o->targets,
                              .lengths = o->lengths,
                              .mask = o->mask,
                              .parts = o->parts,
                              .columns = o->columns,
                              .target_columns = o->target_columns,
                              .group = o->group,
                              .batch_first = o->batch_first,
                              .flatten = o->flatten,
                              .window = o->window ? o->window : 2048,
                              .series = o->forecast != 0,
                              .last = o->target_at == 1 + CLRNN_TARGET_LAST,
                              .digits = data_is_digits(o)};
    *arrays = (data_arrays){0};
    return o->data ? data_read(&files, arrays) : TOOL_OK;
}

/* One training from start to end. saved: whether it is better than those before. */
static int one_seed(data_session *s, double *least, cJSON **summary, result *r, bool *saved)
{
    int code = data_loop(s);
    *saved = false;
    if (code && !s->log_failed)
        return code;
    const double loss = isnan(s->best_loss) ? s->loss : s->best_loss;
    if (!(loss >= *least)) {
        const int kept = data_save(s);
        *least = loss;
        *saved = !kept;
        code = code ? code : kept;
    }
    if (!code && !s->interrupted)
        code = data_finish(s);
    *r = (result){s->test.loss, s->test.accuracy, s->test.rms, s->test.absolute};
    if (!code && s->o->json)
        *summary = data_summary(s);
    return code;
}

static void spread(const result *results, uint32_t count, size_t offset, double *mean, double *sd)
{
    double sum = 0, squares = 0;
    for (uint32_t i = 0; i < count; i++)
        sum += *(const double *)(const void *)((const char *)&results[i] + offset);
    *mean = sum / count;
    for (uint32_t i = 0; i < count; i++) {
        const double v = *(const double *)(const void *)((const char *)&results[i] + offset);
        squares += (v - *mean) * (v - *mean);
    }
    *sd = count > 1 ? sqrt(squares / (count - 1)) : 0;
}

/* Mean and deviation over the seeds. */
static void tell_seeds(const train_options *o, const result *results, uint32_t count, cJSON *all)
{
    static const struct {
        const char *name;
        size_t offset;
    } fields[] = {{"loss", offsetof(result, loss)},
                  {"accuracy", offsetof(result, accuracy)},
                  {"rms", offsetof(result, rms)},
                  {"mean_error", offsetof(result, absolute)}};
    if (!o->json)
        printf("%u seeds    ", count);
    for (size_t i = 0; i < sizeof fields / sizeof *fields; i++) {
        double mean, sd;
        spread(results, count, fields[i].offset, &mean, &sd);
        if (isnan(mean))
            continue;
        if (!o->json) {
            printf("%s%s %#.5g +- %#.2g", i ? ", " : " ", fields[i].name, mean, sd);
            continue;
        }
        cJSON *item = cJSON_AddObjectToObject(all, fields[i].name);
        cJSON_AddNumberToObject(item, "mean", mean);
        cJSON_AddNumberToObject(item, "deviation", sd);
    }
    if (!o->json)
        printf("\n");
}

static void tell_interrupted(const data_session *s, bool saved, int argc, char **argv)
{
    const uint64_t steps = clrnn_trainer_steps_done(s->trainer);
    if (saved)
        train_print_resume(s->o, steps, argc, argv);
    else
        tool_error("train: stopped after step %" PRIu64 " of seed %" PRIu64
                   "; %s is of a seed before it, which was better",
                   steps, s->seed, s->o->save);
}

static int all_seeds(const train_options *o, clrnn_context *context, data_arrays *arrays,
                     clrnn_tensors *checkpoint, int argc, char **argv)
{
    result *results = calloc(o->seeds, sizeof *results);
    cJSON *all = o->json && o->seeds > 1 ? cJSON_CreateObject() : NULL, *summary = NULL;
    cJSON *list = all ? cJSON_AddArrayToObject(all, "seeds") : NULL;
    double least = INFINITY;
    int code = results ? TOOL_OK : tool_no_memory();
    for (uint32_t i = 0; i < o->seeds && !code; i++) {
        data_session s;
        bool saved;
        code = data_open(&s, context, o, o->seed + i, arrays, checkpoint);
        if (!code && !o->json)
            data_print_start(&s);
        if (!code)
            code = one_seed(&s, &least, &summary, &results[i], &saved);
        if (!code && s.interrupted) {
            tell_interrupted(&s, saved, argc, argv);
            code = TOOL_SIGNAL + s.interrupted;
        }
        if (list && summary)
            cJSON_AddItemToArray(list, summary);
        else if (summary)
            tool_print_json(summary, true);
        summary = NULL;
        data_close(&s);
    }
    if (!code && o->seeds > 1)
        tell_seeds(o, results, o->seeds, all);
    if (!code && all)
        tool_print_json(all, true);
    else
        cJSON_Delete(all);
    if (!code && !o->json)
        printf("-> %s\n", o->save);
    free(results);
    return code;
}

int data_train(train_options *o, int argc, char **argv)
{
    clrnn_tensors *checkpoint = NULL;
    clrnn_context *context = NULL;
    data_arrays arrays = {.x = NULL};
    int code = load_checkpoint(o, &checkpoint);
    if (!code)
        code = data_read_options("train", o, &arrays);
    if (!code)
        code = tool_open(o->selector, &context);
    if (!code)
        code = all_seeds(o, context, &arrays, checkpoint, argc, argv);
    clrnn_context_destroy(&context);
    data_free(&arrays);
    clrnn_tensors_destroy(&checkpoint);
    return code;
}

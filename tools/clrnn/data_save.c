/* SPDX-License-Identifier: MIT
 * data_save.c - the file of a training on data: a model that can be used, the best so far, and
 * where the training stands.
 *
 * Besides a trainer's checkpoint, whose model is the best one: train.parameters [count], those of
 * the last step, and metadata clrnn.data.*, what the model is for, clrnn.option.*, the options, and
 * clrnn.state, numbers of the validations so far. */
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "train_data.h"

static clrnn_status put(clrnn_tensors *set, const char *name, const char *value)
{
    char key[64];
    snprintf(key, sizeof key, DATA_KEY "%s", name);
    return *value ? clrnn_tensors_set_metadata(set, key, value) : CLRNN_OK;
}

/* What predict needs to know. */
static clrnn_status describe(const data_session *s, clrnn_tensors *set)
{
    const clrnn_data_info *info = s->info;
    char text[64];
    clrnn_status status = put(set, "loss", tool_word(DATA_LOSSES, (int)info->loss));
    if (!status)
        status = put(set, "target_at", info->target_at == CLRNN_TARGET_LAST ? "last" : "every");
    if (!status && s->output)
        status = put(set, "output", s->output);
    if (!status && s->arrays)
        status = put(set, "classes", s->arrays->classes);
    if (!status && s->arrays)
        status = put(set, "columns", s->arrays->columns);
    if (!status && s->o->group)
        status = put(set, "group", s->o->group);
    if (!status && data_is_digits(s->o)) {
        snprintf(text, sizeof text, "%u", info->steps);
        status = put(set, "pixels", text);
        if (!status)
            status = put(set, "task", tool_word("none|" DATA_TASKS, s->o->task));
    }
    if (!status && s->arrays && s->arrays->series) {
        snprintf(text, sizeof text, "%u", info->steps);
        status = put(set, "window", text);
        snprintf(text, sizeof text, "%u", s->o->forecast);
        if (!status)
            status = put(set, "horizon", text);
        if (!status && s->o->flatten)
            status = put(set, "flatten", "true");
    }
    return status;
}

static clrnn_status put_state(const data_session *s, clrnn_tensors *set)
{
    char text[200];
    snprintf(text, sizeof text, "%.17g %" PRIu64 " %" PRIu64 " %" PRIu64 " %d", s->best_loss,
             s->best_step, s->idle, s->idle_rate, s->stopped);
    for (char *c = text; (c = strchr(c, ',')) != NULL;)
        *c = '.'; /* some locales' decimal point */
    return clrnn_tensors_set_metadata(set, "clrnn.state", text);
}

/* The set with the best parameters as the model's, and the last ones beside them. */
static clrnn_status fill(data_session *s, float *last, clrnn_tensors *set)
{
    const uint64_t shape[] = {s->parameters};
    const bool best = !isnan(s->best_loss);
    clrnn_status status = clrnn_trainer_get_parameters(s->trainer, last);
    if (!status && best)
        status = clrnn_trainer_set_parameters(s->trainer, s->best);
    if (!status)
        status = clrnn_trainer_to_tensors(s->trainer, set);
    if (best) {
        clrnn_status back = clrnn_trainer_set_parameters(s->trainer, last);
        status = status ? status : back;
    }
    if (!status)
        status = clrnn_tensors_add(set, "train.parameters", CLRNN_DTYPE_F32, 1, shape, last);
    if (!status)
        status = clrnn_data_scaling_to_tensors(s->data, set);
    if (!status)
        status = describe(s, set);
    return status ? status : put_state(s, set);
}

int data_save(data_session *s)
{
    clrnn_tensors *set = NULL;
    float *last = calloc(s->parameters, sizeof *last);
    if (!last)
        return tool_no_memory();
    clrnn_status status = clrnn_tensors_create(tool_log(), &set);
    if (!status)
        status = fill(s, last, set);
    int code = status ? tool_failed(status) : data_keep_options(s->o, s->validate_every, set);
    if (!code) {
        status = clrnn_tensors_save(set, s->o->save);
        code = status ? tool_failed(status) : TOOL_OK;
    }
    clrnn_tensors_destroy(&set);
    free(last);
    return code;
}

static int wrong(const data_session *s, const char *what)
{
    return tool_error("train: --resume %s: %s; it is no checkpoint of a training on data",
                      s->o->resume, what);
}

int data_resume(data_session *s)
{
    const clrnn_tensors *set = s->checkpoint;
    const clrnn_tensor *last = clrnn_tensors_find(set, "train.parameters");
    const char *state = clrnn_tensors_metadata(set, "clrnn.state");
    int stopped = 0, read = 0;
    if (!last || last->dtype != CLRNN_DTYPE_F32 || last->count != s->parameters)
        return wrong(s, "it has no fitting tensor train.parameters");
    if (!state || sscanf(state, "%lf %" SCNu64 " %" SCNu64 " %" SCNu64 " %d%n", &s->best_loss,
                         &s->best_step, &s->idle, &s->idle_rate, &stopped, &read) != 5)
        return wrong(s, "it has no metadata clrnn.state");
    s->stopped = false; /* whoever goes on wants that */
    clrnn_status status = clrnn_trainer_from_tensors(s->trainer, set, s->o->resume);
    s->best = calloc(s->parameters, sizeof *s->best);
    if (!s->best)
        return tool_no_memory();
    if (!status)
        status = clrnn_trainer_get_parameters(s->trainer, s->best);
    if (!status)
        status = clrnn_trainer_set_parameters(s->trainer, last->data);
    return status ? tool_failed(status) : TOOL_OK;
}

/* SPDX-License-Identifier: MIT
 * train/checkpoint.c - a trainer as a file, and back.
 *
 * A checkpoint is the model's own file and besides
 *     optimizer.m, optimizer.v         [count], adam and adamw; rmsprop has v alone
 *     optimizer.momentum               [count], sgd
 *     state.h [L*D,N,R], state.c [L*D,N,H]    with carry_state, after the first step
 *     metadata "clrnn.train.*"         step, and the options
 * all in the model's precision, so that every bit returns. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/memory.h"
#include "device/buffer.h"
#include "model/model.h"
#include "model/tensors.h"
#include "train/checkpoint.h"
#include "train/options.h"
#include "train/trainer.h"

#define STEP_KEY "clrnn.train.step"

/* --- options as metadata -------------------------------------------------------------------- */

typedef struct field {
    char key[48];
    bool must_match; /* else a difference costs a warning */
    char text[32];
} field;

enum { FIELDS = 14 + CLR_NUMBER_OPTIONS }; /* at most */

static field text_field(const char *name, bool must_match, const char *text)
{
    field f = {.must_match = must_match};
    snprintf(f.key, sizeof f.key, "clrnn.train.%s", name);
    snprintf(f.text, sizeof f.text, "%s", text);
    return f;
}

static field integer_field(const char *name, bool must_match, uint64_t value)
{
    char text[32];
    snprintf(text, sizeof text, "%" PRIu64, value);
    return text_field(name, must_match, text);
}

static field number_field(const char *name, double value)
{
    char text[32], *comma;
    snprintf(text, sizeof text, "%.17g", value);
    if ((comma = strchr(text, ',')) != NULL)
        *comma = '.'; /* some locales' decimal point: a file must not depend on it */
    return text_field(name, false, text);
}

/* Those of newer options are there only where they are used: older readers and files have none.
 * Returns how many there are. */
static size_t list_fields(const clrnn_trainer *trainer, field fields[FIELDS])
{
    const clrnn_trainer_desc *desc = &trainer->desc;
    size_t n = 0;
    fields[n++] = text_field("optimizer", true, clr_optimizer_name(desc->optimizer));
    fields[n++] = integer_field("seed", true, desc->seed);
    fields[n++] = integer_field("max_batch", true, desc->max_batch);
    fields[n++] = integer_field("max_steps", false, desc->max_steps);
    fields[n++] = integer_field("carry_state", true, desc->carry_state);
    fields[n++] = text_field("loss", false, clr_loss_name(desc->loss));
    fields[n++] = text_field("schedule", false, clr_schedule_name(desc->schedule));
    fields[n++] = integer_field("warmup_steps", false, desc->warmup_steps);
    fields[n++] = integer_field("total_steps", false, desc->total_steps);
    fields[n++] = number_field("dropout", (double)desc->dropout);
    for (size_t i = 0; i < CLR_NUMBER_OPTIONS; i++)
        fields[n++] =
            number_field(clr_number_options[i].name, clr_number(desc, &clr_number_options[i]));
    if (desc->loss == CLRNN_LOSS_HUBER)
        fields[n++] = number_field("huber_delta", desc->huber_delta);
    if (desc->missing)
        fields[n++] = integer_field("missing", false, 1);
    if (desc->schedule == CLRNN_SCHEDULE_STEP) {
        fields[n++] = integer_field("step_every", false, desc->step_every);
        fields[n++] = number_field("step_factor", desc->step_factor);
    }
    return n;
}

/* Whether a checkpoint may lack a field, of an option that came later. */
static bool is_newer(const field *f)
{
    static const char *const names[] = {"huber_delta", "missing", "step_every", "step_factor"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (strcmp(f->key + strlen("clrnn.train."), names[i]) == 0)
            return true;
    return false;
}

/* --- arrays --------------------------------------------------------------------------------- */

/* One array of a checkpoint. */
typedef struct part {
    const char *name;
    cl_mem *buffer; /* NULL = this trainer has none */
    uint32_t rank;
    uint64_t shape[3];
    size_t count;
} part;

enum { M, V, STATE_H, STATE_C, PARTS };

static void list_parts(clrnn_trainer *trainer, part parts[PARTS])
{
    const clrnn_model *model = trainer->model;
    const clr_network *net = &model->network;
    clr_model_pass *pass = trainer->training.pass;
    uint64_t LD = (uint64_t)net->layers * net->directions, N = trainer->desc.max_batch;
    uint64_t R = net->state_size, H = net->desc.hidden_size;
    bool carry = trainer->desc.carry_state, sgd = trainer->desc.optimizer == CLRNN_SGD;
    const part all[PARTS] = {
        {"optimizer.m", trainer->m ? &trainer->m : NULL, 1, {model->count}, model->count},
        {sgd ? "optimizer.momentum" : "optimizer.v", &trainer->v, 1, {model->count}, model->count},
        {"state.h", carry ? &pass->h0 : NULL, 3, {LD, N, R}, (size_t)(LD * N * R)},
        {"state.c", carry && pass->c0 ? &pass->c0 : NULL, 3, {LD, N, H}, (size_t)(LD * N * H)},
    };
    memcpy(parts, all, sizeof all);
}

static clrnn_dtype dtype_of(const clrnn_model *model)
{
    return model->desc.precision == CLRNN_F64 ? CLRNN_DTYPE_F64 : CLRNN_DTYPE_F32;
}

/* --- saving --------------------------------------------------------------------------------- */

static clrnn_status add_part(const clrnn_model *model, const part *p, clrnn_tensors *set)
{
    size_t real = clr_model_element(model);
    void *values = clr_calloc(p->count, real);
    if (!values)
        return clr_fail(&model->context->log, CLRNN_ERR_MEMORY,
                        "checkpoint: no memory for a copy of %s (%zu elements)", p->name, p->count);
    clrnn_status status = clr_buffer_read(model->context, *p->buffer, 0, p->count * real, values);
    if (status == CLRNN_OK)
        status = clrnn_tensors_add(set, p->name, dtype_of(model), p->rank, p->shape, values);
    free(values);
    return status;
}

static clrnn_status fill(clrnn_trainer *trainer, clrnn_tensors *set)
{
    part parts[PARTS];
    field fields[FIELDS];
    list_parts(trainer, parts);
    const size_t listed = list_fields(trainer, fields);
    size_t saved = trainer->training.started ? PARTS : STATE_H; /* no state before the first step */
    clrnn_status status = clrnn_model_to_tensors(trainer->model, set);
    for (size_t i = 0; i < saved && status == CLRNN_OK; i++)
        if (parts[i].buffer)
            status = add_part(trainer->model, &parts[i], set);
    for (size_t i = 0; i < listed && status == CLRNN_OK; i++)
        status = clrnn_tensors_set_metadata(set, fields[i].key, fields[i].text);
    if (status == CLRNN_OK)
        status = clrnn_tensors_set_metadata(set, STEP_KEY,
                                            integer_field("step", true, trainer->steps_done).text);
    return status;
}

clrnn_status clrnn_trainer_to_tensors(clrnn_trainer *trainer, clrnn_tensors *set)
{
    if (!trainer || !set)
        return clr_fail(trainer ? &trainer->model->context->log : NULL, CLRNN_ERR_ARGUMENT,
                        "clrnn_trainer_to_tensors: %s is NULL", trainer ? "set" : "trainer");
    clrnn_status status = clr_watch_read(trainer);
    if (status == CLRNN_OK)
        status = clrnn_context_finish(trainer->model->context);
    if (status == CLRNN_OK)
        status = clr_finite_steps(trainer);
    if (status == CLRNN_OK)
        status = fill(trainer, set);
    if (status == CLRNN_OK)
        status = clr_finite_tensors(set, "checkpoint", &trainer->model->context->log);
    return status;
}

clrnn_status clrnn_trainer_save(clrnn_trainer *trainer, const char *path)
{
    if (!trainer || !path)
        return clr_fail(trainer ? &trainer->model->context->log : NULL, CLRNN_ERR_ARGUMENT,
                        "clrnn_trainer_save: %s is NULL", trainer ? "path" : "trainer");
    clrnn_tensors *set = NULL;
    clrnn_status status = clrnn_tensors_create(&trainer->model->context->log, &set);
    if (status == CLRNN_OK)
        status = clrnn_trainer_to_tensors(trainer, set);
    if (status == CLRNN_OK)
        status = clrnn_tensors_save(set, path);
    clrnn_tensors_destroy(&set);
    return status;
}

/* --- resuming ------------------------------------------------------------------------------- */

/* All that a checkpoint holds, checked and on the device: from here on nothing can fail. */
typedef struct loaded {
    uint64_t steps_done;
    bool started;
    clrnn_model *model;
    cl_mem buffers[PARTS];
} loaded;

static clrnn_status read_step(const clrnn_tensors *set, const char *path, const clrnn_log *log,
                              uint64_t *step)
{
    const char *text = clrnn_tensors_metadata(set, STEP_KEY);
    if (!text)
        return clr_fail(log, CLRNN_ERR_FORMAT,
                        "%s is not a checkpoint: metadata " STEP_KEY " is missing", path);
    char *end = NULL;
    errno = 0;
    unsigned long long value = strtoull(text, &end, 10);
    if (*text < '0' || *text > '9' || *end || errno || value > UINT64_MAX - 1)
        return clr_fail(log, CLRNN_ERR_FORMAT,
                        "checkpoint %s: " STEP_KEY " is \"%s\", not a number of steps", path,
                        clr_show(text).text);
    *step = value;
    return CLRNN_OK;
}

static clrnn_status compare_fields(const clrnn_trainer *trainer, const clrnn_tensors *set,
                                   const char *path)
{
    const clrnn_log *log = &trainer->model->context->log;
    field fields[FIELDS];
    const size_t listed = list_fields(trainer, fields);
    for (size_t i = 0; i < listed; i++) {
        const char *text = clrnn_tensors_metadata(set, fields[i].key);
        if (!text && is_newer(&fields[i]))
            continue;
        if (!text)
            return clr_fail(log, CLRNN_ERR_FORMAT, "checkpoint %s: metadata %s is missing", path,
                            fields[i].key);
        if (strcmp(text, fields[i].text) == 0)
            continue;
        if (fields[i].must_match)
            return clr_fail(log, CLRNN_ERR_FORMAT, "checkpoint %s: %s is %s, this trainer's is %s",
                            path, fields[i].key, clr_show(text).text, fields[i].text);
        clr_log(log, CLRNN_LOG_WARN, "checkpoint %s: %s was %s, goes on as %s", path, fields[i].key,
                clr_show(text).text, fields[i].text);
    }
    return CLRNN_OK;
}

static clrnn_status load_part(const clrnn_model *model, const clrnn_tensors *set, const part *p,
                              const char *path, cl_mem *buffer)
{
    const clrnn_log *log = &model->context->log;
    const clrnn_tensor *tensor = clrnn_tensors_find(set, p->name);
    if (!tensor)
        return clr_fail(log, CLRNN_ERR_FORMAT, "checkpoint %s: tensor %s is missing", path,
                        p->name);
    if (tensor->dtype != dtype_of(model) || tensor->rank != p->rank ||
        memcmp(tensor->shape, p->shape, p->rank * sizeof *p->shape) != 0)
        return clr_fail(log, CLRNN_ERR_FORMAT,
                        "checkpoint %s: tensor %s is %s %s, this trainer's is %s %s", path, p->name,
                        clrnn_dtype_name(tensor->dtype),
                        clr_show_shape(tensor->rank, tensor->shape).text,
                        clrnn_dtype_name(dtype_of(model)), clr_show_shape(p->rank, p->shape).text);
    clrnn_status status = clr_buffer_create(model->context, tensor->bytes, buffer);
    if (status == CLRNN_OK)
        status = clr_buffer_write(model->context, *buffer, 0, tensor->bytes, tensor->data);
    return status;
}

static clrnn_status load(clrnn_trainer *trainer, const clrnn_tensors *set, const char *path,
                         loaded *in)
{
    clrnn_model *model = trainer->model;
    part parts[PARTS];
    list_parts(trainer, parts);
    clrnn_status status = read_step(set, path, &model->context->log, &in->steps_done);
    if (status == CLRNN_OK)
        status = clrnn_model_from_tensors(model->context, set, model->desc.precision, &in->model);
    if (status == CLRNN_OK)
        status = clr_checkpoint_compare(in->model, model, path);
    if (status == CLRNN_OK)
        status = compare_fields(trainer, set, path);
    in->started = trainer->desc.carry_state && clrnn_tensors_find(set, parts[STATE_H].name);
    size_t wanted = in->started ? PARTS : STATE_H;
    for (size_t i = 0; i < wanted && status == CLRNN_OK; i++)
        if (parts[i].buffer)
            status = load_part(model, set, &parts[i], path, &in->buffers[i]);
    return status;
}

static void swap(cl_mem *a, cl_mem *b)
{
    cl_mem old = *a;
    *a = *b;
    *b = old;
}

/* What the trainer had goes to `in`. */
static void apply(clrnn_trainer *trainer, loaded *in)
{
    part parts[PARTS];
    list_parts(trainer, parts);
    for (size_t i = 0; i < PARTS; i++)
        if (in->buffers[i])
            swap(parts[i].buffer, &in->buffers[i]);
    swap(&trainer->model->parameters, &in->model->parameters);
    trainer->model->version++;
    trainer->steps_done = in->steps_done;
    trainer->training.started = in->started;
    trainer->evaluation.started = false;
}

clrnn_status clrnn_trainer_from_tensors(clrnn_trainer *trainer, const clrnn_tensors *set,
                                        const char *name)
{
    if (!trainer || !set || !name)
        return clr_fail(trainer ? &trainer->model->context->log : NULL, CLRNN_ERR_ARGUMENT,
                        "clrnn_trainer_from_tensors: %s is NULL",
                        !trainer ? "trainer"
                        : set    ? "name"
                                 : "set");
    loaded in = {0};
    clrnn_status status = load(trainer, set, name, &in);
    if (status == CLRNN_OK)
        status = clr_buffer_zero(trainer->model->context, trainer->watch, 0, 2 * sizeof(cl_ulong));
    if (status == CLRNN_OK)
        apply(trainer, &in);
    for (size_t i = 0; i < PARTS; i++)
        clr_buffer_destroy(&in.buffers[i]);
    clrnn_model_destroy(&in.model);
    return status;
}

clrnn_status clrnn_trainer_resume(clrnn_trainer *trainer, const char *path)
{
    if (!trainer || !path)
        return clr_fail(trainer ? &trainer->model->context->log : NULL, CLRNN_ERR_ARGUMENT,
                        "clrnn_trainer_resume: %s is NULL", trainer ? "path" : "trainer");
    clrnn_tensors *set = NULL;
    clrnn_status status = clrnn_tensors_load(path, &trainer->model->context->log, &set);
    if (status == CLRNN_OK)
        status = clrnn_trainer_from_tensors(trainer, set, path);
    clrnn_tensors_destroy(&set);
    return status;
}

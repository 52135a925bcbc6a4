/* SPDX-License-Identifier: MIT
 * train/checkpoint.c - a trainer as a file, and back.
 *
 * A checkpoint is the file of the model or graph and besides
 *     optimizer.m, optimizer.v         [count], adam and adamw; rmsprop has v alone
 *     optimizer.momentum               [count], sgd
 *     state.h [L*D,N,R], state.c [L*D,N,H]    with carry_state, after the first step; of a graph
 *     state.nodes                      those of all its nodes, one after the other
 *     metadata "clrnn.train.*"         step, and the options
 * all in its precision, so that every bit returns. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/decimal.h"
#include "base/log.h"
#include "base/memory.h"
#include "device/buffer.h"
#include "model/tensors.h"
#include "train/options.h"
#include "train/trainer.h"

#define STEP_KEY "clrnn.train.step"

/* --- options as metadata -------------------------------------------------------------------- */

typedef struct field {
    char key[48];
    bool must_match; /* else a difference costs a warning */
    char text[CLR_DECIMAL_ROOM];
} field;

enum { FIELDS = 18 + CLR_NUMBER_OPTIONS }; /* at most */

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
    char text[CLR_DECIMAL_ROOM];
    clr_decimal_write(text, 17, value);
    return text_field(name, false, text);
}

static const char *loss_text(const clrnn_trainer *trainer)
{
    if (trainer->objective_count + trainer->has_own > 1)
        return "several";
    return trainer->has_own ? "own" : clr_loss_name(trainer->objectives->kind);
}

/* What is drawn for each step besides dropout. */
static size_t list_drawn(const clrnn_trainer_desc *desc, field fields[])
{
    size_t n = 0;
    if (desc->input_dropout > 0)
        fields[n++] = number_field("input_dropout", (double)desc->input_dropout);
    if (desc->variational)
        fields[n++] = text_field("variational", false, "true");
    if (desc->drop_connect > 0)
        fields[n++] = number_field("drop_connect", (double)desc->drop_connect);
    if (desc->weight_noise > 0)
        fields[n++] = number_field("weight_noise", desc->weight_noise);
    return n;
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
    fields[n++] = text_field("loss", false, loss_text(trainer));
    fields[n++] = text_field("schedule", false, clr_schedule_name(desc->schedule));
    fields[n++] = integer_field("warmup_steps", false, desc->warmup_steps);
    fields[n++] = integer_field("total_steps", false, desc->total_steps);
    fields[n++] = number_field("dropout", (double)desc->dropout);
    for (size_t i = 0; i < CLR_NUMBER_OPTIONS; i++)
        fields[n++] =
            number_field(clr_number_options[i].name, clr_number(desc, &clr_number_options[i]));
    if (desc->loss == CLRNN_LOSS_HUBER)
        fields[n++] = number_field("huber_delta", desc->huber_delta);
    if (desc->loss == CLRNN_LOSS_ESR) {
        fields[n++] = number_field("pre_emphasis", desc->pre_emphasis);
        fields[n++] = number_field("dc_weight", desc->dc_weight);
    }
    if (desc->missing)
        fields[n++] = integer_field("missing", false, 1);
    if (desc->schedule == CLRNN_SCHEDULE_STEP) {
        fields[n++] = integer_field("step_every", false, desc->step_every);
        fields[n++] = number_field("step_factor", desc->step_factor);
    }
    return n + list_drawn(desc, fields + n);
}

/* Whether a checkpoint may lack a field, of an option that came later. */
static bool is_newer(const field *f)
{
    static const char *const names[] = {
        "huber_delta", "missing",       "step_every",  "step_factor",  "pre_emphasis",
        "dc_weight",   "input_dropout", "variational", "drop_connect", "weight_noise"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (strcmp(f->key + strlen("clrnn.train."), names[i]) == 0)
            return true;
    return false;
}

/* --- arrays --------------------------------------------------------------------------------- */

enum { M, V, STATE, PARTS = STATE + CLR_STATES };

static void list_parts(clrnn_trainer *trainer, clr_saved_array parts[PARTS])
{
    const uint64_t count = trainer->count;
    const bool sgd = trainer->desc.optimizer == CLRNN_SGD;
    const clr_saved_array m = {
        "optimizer.m", trainer->m ? &trainer->m : NULL, 1, {count}, trainer->count};
    const clr_saved_array v = {
        sgd ? "optimizer.momentum" : "optimizer.v", &trainer->v, 1, {count}, trainer->count};
    memset(parts, 0, PARTS * sizeof *parts);
    parts[M] = m;
    parts[V] = v;
    if (trainer->desc.carry_state && trainer->learner->states)
        trainer->learner->states(trainer, parts + STATE);
}

static clrnn_dtype dtype_of(const clrnn_trainer *trainer)
{
    return trainer->precision == CLRNN_F64 ? CLRNN_DTYPE_F64 : CLRNN_DTYPE_F32;
}

/* --- saving --------------------------------------------------------------------------------- */

static clrnn_status add_part(const clrnn_trainer *trainer, const clr_saved_array *p,
                             clrnn_tensors *set)
{
    size_t real = trainer->real;
    void *values = clr_calloc(p->count, real);
    if (!values)
        return clr_fail(&trainer->context->log, CLRNN_ERR_MEMORY,
                        "checkpoint: no memory for a copy of %s (%zu elements)", p->name, p->count);
    clrnn_status status = clr_buffer_read(trainer->context, *p->buffer, 0, p->count * real, values);
    if (status == CLRNN_OK)
        status = clrnn_tensors_add(set, p->name, dtype_of(trainer), p->rank, p->shape, values);
    free(values);
    return status;
}

static clrnn_status fill(clrnn_trainer *trainer, clrnn_tensors *set)
{
    clr_saved_array parts[PARTS];
    field fields[FIELDS];
    list_parts(trainer, parts);
    const size_t listed = list_fields(trainer, fields);
    size_t saved = trainer->training.started ? PARTS : STATE; /* no state before the first step */
    clrnn_status status = trainer->learner->save(trainer, set);
    for (size_t i = 0; i < saved && status == CLRNN_OK; i++)
        if (parts[i].buffer)
            status = add_part(trainer, &parts[i], set);
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
        return clr_fail(trainer ? &trainer->context->log : NULL, CLRNN_ERR_ARGUMENT,
                        "clrnn_trainer_to_tensors: %s is NULL", trainer ? "set" : "trainer");
    clrnn_status status = clr_watch_read(trainer);
    if (status == CLRNN_OK)
        status = clrnn_context_finish(trainer->context);
    if (status == CLRNN_OK)
        status = clr_finite_steps(trainer);
    if (status == CLRNN_OK)
        status = fill(trainer, set);
    if (status == CLRNN_OK)
        status = clr_finite_tensors(set, "checkpoint", &trainer->context->log);
    return status;
}

clrnn_status clrnn_trainer_save(clrnn_trainer *trainer, const char *path)
{
    if (!trainer || !path)
        return clr_fail(trainer ? &trainer->context->log : NULL, CLRNN_ERR_ARGUMENT,
                        "clrnn_trainer_save: %s is NULL", trainer ? "path" : "trainer");
    clrnn_tensors *set = NULL;
    clrnn_status status = clrnn_tensors_create(&trainer->context->log, &set);
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
    cl_mem parameters;
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
    const clrnn_log *log = &trainer->context->log;
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

static clrnn_status load_part(const clrnn_trainer *trainer, const clrnn_tensors *set,
                              const clr_saved_array *p, const char *path, cl_mem *buffer)
{
    const clrnn_log *log = &trainer->context->log;
    const clrnn_tensor *tensor = clrnn_tensors_find(set, p->name);
    if (!tensor)
        return clr_fail(log, CLRNN_ERR_FORMAT, "checkpoint %s: tensor %s is missing", path,
                        p->name);
    if (tensor->dtype != dtype_of(trainer) || tensor->rank != p->rank ||
        memcmp(tensor->shape, p->shape, p->rank * sizeof *p->shape) != 0)
        return clr_fail(
            log, CLRNN_ERR_FORMAT, "checkpoint %s: tensor %s is %s %s, this trainer's is %s %s",
            path, p->name, clrnn_dtype_name(tensor->dtype),
            clr_show_shape(tensor->rank, tensor->shape).text, clrnn_dtype_name(dtype_of(trainer)),
            clr_show_shape(p->rank, p->shape).text);
    clrnn_status status = clr_buffer_create(trainer->context, tensor->bytes, buffer);
    if (status == CLRNN_OK)
        status = clr_buffer_write(trainer->context, *buffer, 0, tensor->bytes, tensor->data);
    return status;
}

static clrnn_status load(clrnn_trainer *trainer, const clrnn_tensors *set, const char *path,
                         loaded *in)
{
    clr_saved_array parts[PARTS];
    list_parts(trainer, parts);
    clrnn_status status = read_step(set, path, &trainer->context->log, &in->steps_done);
    if (status == CLRNN_OK)
        status = trainer->learner->load(trainer, set, path, &in->parameters);
    if (status == CLRNN_OK)
        status = compare_fields(trainer, set, path);
    in->started = parts[STATE].name && clrnn_tensors_find(set, parts[STATE].name);
    size_t wanted = in->started ? PARTS : STATE;
    for (size_t i = 0; i < wanted && status == CLRNN_OK; i++)
        if (parts[i].buffer)
            status = load_part(trainer, set, &parts[i], path, &in->buffers[i]);
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
    clr_saved_array parts[PARTS];
    list_parts(trainer, parts);
    for (size_t i = 0; i < PARTS; i++)
        if (in->buffers[i])
            swap(parts[i].buffer, &in->buffers[i]);
    swap(trainer->parameters, &in->parameters);
    trainer->learner->changed(trainer);
    trainer->steps_done = in->steps_done;
    trainer->training.started = in->started;
    trainer->evaluation.started = false;
}

clrnn_status clrnn_trainer_from_tensors(clrnn_trainer *trainer, const clrnn_tensors *set,
                                        const char *name)
{
    if (!trainer || !set || !name)
        return clr_fail(trainer ? &trainer->context->log : NULL, CLRNN_ERR_ARGUMENT,
                        "clrnn_trainer_from_tensors: %s is NULL",
                        !trainer ? "trainer"
                        : set    ? "name"
                                 : "set");
    loaded in = {0};
    clrnn_status status = load(trainer, set, name, &in);
    if (status == CLRNN_OK)
        status = clr_buffer_zero(trainer->context, trainer->watch, 0, 2 * sizeof(cl_ulong));
    if (status == CLRNN_OK)
        apply(trainer, &in);
    for (size_t i = 0; i < PARTS; i++)
        clr_buffer_destroy(&in.buffers[i]);
    clr_buffer_destroy(&in.parameters);
    return status;
}

clrnn_status clrnn_trainer_resume(clrnn_trainer *trainer, const char *path)
{
    if (!trainer || !path)
        return clr_fail(trainer ? &trainer->context->log : NULL, CLRNN_ERR_ARGUMENT,
                        "clrnn_trainer_resume: %s is NULL", trainer ? "path" : "trainer");
    clrnn_tensors *set = NULL;
    clrnn_status status = clrnn_tensors_load(path, &trainer->context->log, &set);
    if (status == CLRNN_OK)
        status = clrnn_trainer_from_tensors(trainer, set, path);
    clrnn_tensors_destroy(&set);
    return status;
}

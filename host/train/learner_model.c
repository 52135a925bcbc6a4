/* SPDX-License-Identifier: MIT
 * train/learner_model.c - a model as what learns: its batches, passes and tensors. */
#include <clrnn/trace.h>

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/memory.h"
#include "device/buffer.h"
#include "layer/plan.h"
#include "model/model.h"
#include "train/checkpoint.h"
#include "train/options.h"
#include "train/trainer.h"

static const clrnn_log *log_of(const clrnn_trainer *trainer)
{
    return trainer ? &trainer->context->log : NULL;
}

/* --- making one ----------------------------------------------------------------------------- */

static clrnn_status open_trainer(clrnn_trainer *trainer, const clrnn_trainer_desc *desc)
{
    clrnn_model *model = trainer->model;
    clrnn_status status = clr_options_check(desc, log_of(trainer), &trainer->desc);
    if (status != CLRNN_OK)
        return status;
    clr_objective *o = trainer->objectives = clr_calloc(1, sizeof *o);
    if (!o)
        return clr_fail(log_of(trainer), CLRNN_ERR_MEMORY, "trainer: no memory");
    *o = (clr_objective){.kind = desc->loss,
                         .huber_delta = trainer->desc.huber_delta,
                         .pre_emphasis = desc->pre_emphasis,
                         .dc_weight = desc->dc_weight,
                         .missing = desc->missing,
                         .batch = desc->max_batch,
                         .factor = 1,
                         .outputs = model->desc.output_size,
                         .rows = (size_t)desc->max_steps * desc->max_batch};
    trainer->objective_count = 1;
    const clr_model_dropout dropout = {desc->dropout, desc->input_dropout, desc->variational};
    status = clr_model_pass_create(model, desc->max_steps, desc->max_batch, true, dropout,
                                   &trainer->training.pass);
    if (status == CLRNN_OK)
        status = clr_trainer_open(trainer);
    if (status == CLRNN_OK)
        status = clr_objective_open(trainer, o, desc->class_weights);
    trainer->desc.class_weights = o->weights;
    return status;
}

clrnn_status clrnn_trainer_create(clrnn_model *model, const clrnn_trainer_desc *desc,
                                  clrnn_trainer **trainer)
{
    if (trainer)
        *trainer = NULL;
    if (!model || !desc || !trainer)
        return clr_fail(model ? &model->context->log : NULL, CLRNN_ERR_ARGUMENT,
                        "clrnn_trainer_create: %s is NULL",
                        !model  ? "model"
                        : !desc ? "desc"
                                : "trainer");
    if (!clr_model_has_head(model))
        return clr_fail(&model->context->log, CLRNN_ERR_ARGUMENT,
                        "trainer: the model has no head, make it with an output_size");
    clrnn_trainer *made = clr_calloc(1, sizeof *made);
    if (!made)
        return clr_fail(&model->context->log, CLRNN_ERR_MEMORY, "trainer: no memory");
    made->context = model->context;
    made->learner = &clr_learner_model;
    made->model = model;
    made->precision = model->desc.precision;
    made->real = clr_model_element(model);
    made->parameters = &model->parameters;
    made->count = model->count;
    clrnn_status status = open_trainer(made, desc);
    if (status != CLRNN_OK)
        clrnn_trainer_destroy(&made);
    *trainer = made;
    return status;
}

static void destroy(clrnn_trainer *trainer)
{
    clr_model_pass_destroy(&trainer->training.pass);
    clr_model_pass_destroy(&trainer->evaluation.pass);
}

/* --- a batch -------------------------------------------------------------------------------- */

static clrnn_status check_sizes(const clrnn_trainer *trainer, const clr_model_input *in)
{
    const clrnn_trainer_desc *desc = &trainer->desc;
    if (in->steps > desc->max_steps)
        return clr_fail(log_of(trainer), CLRNN_ERR_RANGE,
                        "batch: steps is %" PRIu32 ", max_steps is %" PRIu32
                        ", which it must not exceed",
                        in->steps, desc->max_steps);
    if (in->batch > desc->max_batch || (desc->carry_state && in->batch != desc->max_batch))
        return clr_fail(log_of(trainer), CLRNN_ERR_RANGE,
                        "batch: batch is %" PRIu32 ", %s max_batch, %" PRIu32, in->batch,
                        desc->carry_state ? "with carry_state it must be" : "must not exceed",
                        desc->max_batch);
    return CLRNN_OK;
}

static size_t bytes_of_targets(const clr_model_input *in)
{
    return (size_t)in->steps * in->batch * sizeof(int32_t);
}

static clr_batch_rows rows_of(const clr_model_input *in)
{
    return (clr_batch_rows){(size_t)in->steps * in->batch, 1, in->steps, in->batch, in->lengths};
}

/* Take memory for the target of each position, or -1 where it is not counted. Beside `values`
 * targets are a mask, of which only the signs count. */
static clrnn_status stage_targets(clrnn_trainer *trainer, const clrnn_batch *batch,
                                  const clr_model_input *in, clr_counted *counted)
{
    void *memory = NULL;
    clrnn_status status =
        clr_uploads_take(trainer->context, &trainer->uploads, bytes_of_targets(in), &memory);
    if (status != CLRNN_OK)
        return status;
    int32_t *staged = memory;
    const int32_t *targets = batch->targets;
    bool classes = !clr_loss_has_values(trainer->desc.loss);
    bool labels = trainer->desc.loss == CLRNN_LOSS_CTC; /* of a row, and not of a step */
    uint32_t N = in->batch, outputs = trainer->model->desc.output_size;
    for (uint32_t t = 0; t < in->steps; t++)
        for (uint32_t n = 0; n < N; n++) {
            size_t position = (size_t)t * N + n;
            int32_t target = targets ? targets[position] : 0;
            bool counts = target >= 0 && (!in->lengths || t < in->lengths[n] || labels);
            if (counts && classes && (uint32_t)target >= outputs)
                return clr_fail(log_of(trainer), CLRNN_ERR_RANGE,
                                "batch: the target at step %" PRIu32 " of row %" PRIu32
                                " is %" PRId32 ", must be less than %" PRIu32,
                                t, n, target, outputs);
            staged[position] = counts ? target : -1;
        }
    const clr_batch_rows rows = rows_of(in);
    *counted = clr_objective_count(trainer, trainer->objectives, batch->values, staged, &rows);
    return clr_objective_paths(trainer, trainer->objectives, staged, &rows);
}

/* Check a batch from end to end, before anything changes. in: out, what goes into the model. */
static clrnn_status prepare(clrnn_trainer *trainer, const clr_stream *stream,
                            const clrnn_batch *batch, clr_model_input *in, clr_counted *counted)
{
    const clrnn_trainer_desc *desc = &trainer->desc;
    bool has_values = clr_loss_has_values(desc->loss);
    *in = (clr_model_input){.steps = batch->steps ? batch->steps : desc->max_steps,
                            .batch = batch->batch ? batch->batch : desc->max_batch,
                            .lengths = batch->lengths,
                            .x = batch->x,
                            .ids = batch->ids,
                            .initial_state = stream->started && !batch->reset,
                            .dropout_seed = desc->seed,
                            .dropout_index = (uint32_t)trainer->steps_done};
    if (has_values ? !batch->values : !batch->targets)
        return clr_fail(log_of(trainer), CLRNN_ERR_ARGUMENT, "batch: %s",
                        desc->loss == CLRNN_LOSS_CTC ? "the loss ctc needs `targets`"
                        : !has_values                ? "cross-entropy needs `targets`"
                        : desc->loss == CLRNN_LOSS_MEAN_SQUARED
                            ? "mean squared error needs `values`"
                            : "this loss needs `values`");
    clrnn_status status = check_sizes(trainer, in);
    if (status == CLRNN_OK)
        status = clr_model_check_input(trainer->model, in);
    if (status == CLRNN_OK)
        status = stage_targets(trainer, batch, in, counted);
    return status;
}

/* What prepare took goes first. */
static clrnn_status upload(clrnn_trainer *trainer, const clrnn_batch *batch,
                           const clr_model_input *in)
{
    const clr_objective *o = trainer->objectives;
    size_t positions = (size_t)in->steps * in->batch;
    clrnn_status status =
        clr_uploads_send(trainer->context, &trainer->uploads, bytes_of_targets(in), o->targets);
    if (status == CLRNN_OK && o->values)
        status = clr_uploads_copy(trainer->context, &trainer->uploads, batch->values,
                                  positions * clr_loss_values(o->kind, o->outputs) * trainer->real,
                                  o->values);
    const clr_batch_rows rows = rows_of(in);
    return status == CLRNN_OK ? clr_objective_send_paths(trainer, trainer->objectives, &rows)
                              : status;
}

/* Enqueue forward, and the losses of all positions; with their gradients if the pass trains. */
static clrnn_status forward(clrnn_trainer *trainer, clr_model_pass *pass, const clrnn_batch *batch,
                            const clr_model_input *in, const clr_counted *counted, double scale)
{
    clrnn_status status = upload(trainer, batch, in);
    if (status == CLRNN_OK)
        status = clr_model_pass_forward(pass, in);
    const clr_batch_rows rows = rows_of(in);
    if (status == CLRNN_OK)
        status = clr_objective_run(trainer, trainer->objectives, pass->logits, &rows, counted,
                                   scale, pass->dlogits);
    return status == CLRNN_OK ? clr_objective_sum(trainer, 0, rows.count) : status;
}

/* The final state becomes the initial state of the next batch. */
static clrnn_status carry(const clrnn_trainer *trainer, clr_stream *stream)
{
    const clrnn_model *model = trainer->model;
    const clr_network *net = &model->network;
    size_t rows = (size_t)net->layers * net->directions * trainer->desc.max_batch;
    size_t row_bytes = rows * clr_model_element(model);
    if (!trainer->desc.carry_state)
        return CLRNN_OK;
    clr_model_pass *pass = stream->pass;
    clrnn_status status =
        clr_buffer_copy(model->context, pass->hn, 0, pass->h0, 0, row_bytes * net->state_size);
    if (status == CLRNN_OK && clr_model_has_cell_state(model))
        status = clr_buffer_copy(model->context, pass->cn, 0, pass->c0, 0,
                                 row_bytes * net->desc.hidden_size);
    stream->started = status == CLRNN_OK;
    return status;
}

static clrnn_status differentiate(clrnn_trainer *trainer, clr_any_batch batch, clr_tally *tally)
{
    clr_stream *stream = &trainer->training;
    clr_model_input in;
    clrnn_status status = prepare(trainer, stream, batch.sequences, &in, tally->each);
    if (status == CLRNN_OK)
        status = clr_trainer_counts(trainer, tally);
    if (status == CLRNN_OK)
        status = forward(trainer, stream->pass, batch.sequences, &in, tally->each,
                         tally->each[0].weight > 0 ? 1 / tally->each[0].weight : 0);
    if (status == CLRNN_OK)
        trainer->lengths = in.lengths;
    if (status == CLRNN_OK)
        status = clr_model_pass_backward(stream->pass, in.lengths, in.ids, trainer->gradient);
    return status;
}

/* The states that a pass began with may have been those of the next one since, but not its own. */
static void fault_of(clrnn_trainer *trainer, char text[CLR_FAULT_TEXT])
{
    const clr_model_pass *pass = trainer->training.pass;
    const clrnn_forward_io io = clr_model_pass_io(pass, trainer->lengths);
    const clrnn_trace_pass traced = {.forward = &io};
    clrnn_trace_fault fault = {.found = false};
    if (clrnn_trace_watch(pass->plan, &traced, &fault) == CLRNN_OK && fault.found)
        (void)clrnn_trace_fault_text(pass->plan, &fault, text, CLR_FAULT_TEXT);
}

static clrnn_status carry_training(clrnn_trainer *trainer)
{
    return carry(trainer, &trainer->training);
}

static clrnn_status evaluate(clrnn_trainer *trainer, clr_any_batch batch, clr_tally *tally)
{
    clr_stream *stream = &trainer->evaluation;
    clr_model_input in;
    clrnn_status status = prepare(trainer, stream, batch.sequences, &in, tally->each);
    if (status == CLRNN_OK && !stream->pass)
        status =
            clr_model_pass_create(trainer->model, trainer->desc.max_steps, trainer->desc.max_batch,
                                  false, (clr_model_dropout){.layers = 0}, &stream->pass);
    if (status == CLRNN_OK)
        status = forward(trainer, stream->pass, batch.sequences, &in, tally->each, 0);
    return status == CLRNN_OK ? carry(trainer, stream) : status;
}

static void poll(const clrnn_trainer *trainer)
{
    clr_plan_poll_errors(trainer->training.pass->plan);
}

/* --- parameters ----------------------------------------------------------------------------- */

static uint64_t version(const clrnn_trainer *trainer)
{
    return trainer->model->version;
}

static void changed(clrnn_trainer *trainer)
{
    trainer->model->version++;
}

static size_t tensors(const clrnn_trainer *trainer)
{
    return clr_model_tensors(trainer->model);
}

static void tensor(const clrnn_trainer *trainer, size_t index, clr_learner_tensor *info)
{
    clrnn_weight_info weight;
    clr_model_tensor(trainer->model, index, "rnn.", &weight);
    snprintf(info->name, sizeof info->name, "%s", weight.name);
    info->offset = weight.offset;
    info->count = weight.count;
    info->recurrent = strncmp(weight.name, "rnn.weight_hh", strlen("rnn.weight_hh")) == 0;
}

static clrnn_status save(clrnn_trainer *trainer, clrnn_tensors *set)
{
    return clrnn_model_to_tensors(trainer->model, set);
}

static clrnn_status load(clrnn_trainer *trainer, const clrnn_tensors *set, const char *path,
                         cl_mem *parameters)
{
    clrnn_model *found = NULL;
    clrnn_status status =
        clrnn_model_from_tensors(trainer->context, set, trainer->precision, &found);
    if (status == CLRNN_OK)
        status = clr_checkpoint_compare(found, trainer->model, path);
    if (status == CLRNN_OK) {
        *parameters = found->parameters;
        found->parameters = NULL;
    }
    clrnn_model_destroy(&found);
    return status;
}

static void states(clrnn_trainer *trainer, clr_saved_array parts[CLR_STATES])
{
    const clr_network *net = &trainer->model->network;
    clr_model_pass *pass = trainer->training.pass;
    uint64_t LD = (uint64_t)net->layers * net->directions, N = trainer->desc.max_batch;
    uint64_t R = net->state_size, H = net->desc.hidden_size;
    parts[0] = (clr_saved_array){"state.h", &pass->h0, 3, {LD, N, R}, (size_t)(LD * N * R)};
    parts[1] = (clr_saved_array){
        "state.c", pass->c0 ? &pass->c0 : NULL, 3, {LD, N, H}, (size_t)(LD * N * H)};
}

const clr_learner clr_learner_model = {.noun = "model",
                                       .differentiate = differentiate,
                                       .carry = carry_training,
                                       .evaluate = evaluate,
                                       .version = version,
                                       .changed = changed,
                                       .tensors = tensors,
                                       .tensor = tensor,
                                       .save = save,
                                       .load = load,
                                       .states = states,
                                       .fault = fault_of,
                                       .poll = poll,
                                       .destroy = destroy};

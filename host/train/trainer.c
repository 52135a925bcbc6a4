/* SPDX-License-Identifier: MIT
 * train/trainer.c - making a trainer, and its step: forward, loss, backward, clipping, optimiser.
 */
#include "train/trainer.h"

#include <inttypes.h>
#include <stdlib.h>

#include "base/log.h"
#include "base/memory.h"
#include "device/buffer.h"
#include "train/options.h"

static const clrnn_log *log_of(const clrnn_trainer *trainer)
{
    return trainer ? &trainer->model->context->log : NULL;
}

/* --- making one ----------------------------------------------------------------------------- */

static clrnn_status make_buffers(clrnn_trainer *trainer)
{
    const clrnn_model *model = trainer->model;
    const clrnn_trainer_desc *desc = &trainer->desc;
    bool adam = desc->optimizer == CLRNN_ADAM || desc->optimizer == CLRNN_ADAMW;
    size_t real = clr_model_element(model), parameters = model->count * real;
    size_t positions = (size_t)desc->max_steps * desc->max_batch;
    bool has_values = clr_loss_has_values(desc->loss);
    const struct {
        cl_mem *buffer;
        bool wanted, zero;
        size_t bytes;
    } parts[] = {
        {&trainer->gradient, true, true, parameters},
        {&trainer->m, adam, true, parameters},
        {&trainer->v, true, true, parameters},
        {&trainer->norm, true, false, 2 * real},
        {&trainer->sum, true, false, real},
        {&trainer->watch, true, true, 2 * sizeof(cl_ulong)},
        {&trainer->losses, true, false, positions * real},
        {&trainer->targets, true, false, positions * sizeof(cl_int)},
        /* of a size that the pass has already made for its logits */
        {&trainer->values, has_values, false, positions * model->desc.output_size * real},
    };
    clrnn_status status = CLRNN_OK;
    for (size_t i = 0; i < sizeof parts / sizeof *parts && status == CLRNN_OK; i++) {
        if (parts[i].wanted)
            status = clr_buffer_create(model->context, parts[i].bytes, parts[i].buffer);
        if (parts[i].wanted && parts[i].zero && status == CLRNN_OK)
            status = clr_buffer_zero(model->context, *parts[i].buffer, 0, parts[i].bytes);
    }
    return status;
}

static clrnn_status open_trainer(clrnn_trainer *trainer, clrnn_model *model,
                                 const clrnn_trainer_desc *desc)
{
    clrnn_context *context = model->context;
    clrnn_precision precision = model->desc.precision;
    trainer->model = model;
    clrnn_status status = clr_options_check(desc, &context->log, &trainer->desc);
    if (status != CLRNN_OK)
        return status;
    size_t positions = (size_t)desc->max_steps * desc->max_batch;
    status = clr_model_pass_create(model, desc->max_steps, desc->max_batch, true, desc->dropout,
                                   &trainer->training.pass);
    if (status == CLRNN_OK)
        status = clr_loss_init(context, precision,
                               model->count > positions ? model->count : positions, &trainer->loss);
    if (status == CLRNN_OK)
        status = clr_optimizer_init(context, precision, &trainer->optimizer);
    if (status == CLRNN_OK)
        status = make_buffers(trainer);
    if (status == CLRNN_OK)
        status = clr_trainer_open_weights(trainer, desc->class_weights);
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
    clrnn_status status = open_trainer(made, model, desc);
    if (status != CLRNN_OK)
        clrnn_trainer_destroy(&made);
    *trainer = made;
    return status;
}

void clrnn_trainer_destroy(clrnn_trainer **trainer)
{
    if (!trainer || !*trainer)
        return;
    clrnn_trainer *t = *trainer;
    (void)clrnn_context_finish(t->model->context);
    clr_model_pass_destroy(&t->training.pass);
    clr_model_pass_destroy(&t->evaluation.pass);
    clr_loss_free(&t->loss);
    clr_optimizer_free(&t->optimizer);
    clr_buffer_destroy(&t->gradient);
    clr_buffer_destroy(&t->m);
    clr_buffer_destroy(&t->v);
    clr_buffer_destroy(&t->norm);
    clr_buffer_destroy(&t->sum);
    clr_buffer_destroy(&t->watch);
    clr_buffer_destroy(&t->losses);
    clr_buffer_destroy(&t->targets);
    clr_buffer_destroy(&t->values);
    clr_buffer_destroy(&t->class_weights);
    clr_frozen_free(&t->frozen);
    free(t->weights);
    clr_uploads_free(&t->uploads);
    free(t);
    *trainer = NULL;
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

/* Take memory for the target of each position, or -1 where it is not counted. Beside `values`
 * targets are a mask, of which only the signs count. */
static clrnn_status stage_targets(clrnn_trainer *trainer, const clrnn_batch *batch,
                                  const clr_model_input *in, clr_counted *counted)
{
    void *memory = NULL;
    clrnn_status status =
        clr_uploads_take(trainer->model->context, &trainer->uploads, bytes_of_targets(in), &memory);
    if (status != CLRNN_OK)
        return status;
    int32_t *staged = memory;
    const int32_t *targets = batch->targets;
    bool classes = trainer->desc.loss == CLRNN_LOSS_CROSS_ENTROPY;
    uint32_t N = in->batch, outputs = trainer->model->desc.output_size;
    for (uint32_t t = 0; t < in->steps; t++)
        for (uint32_t n = 0; n < N; n++) {
            size_t position = (size_t)t * N + n;
            int32_t target = targets ? targets[position] : 0;
            bool counts = target >= 0 && (!in->lengths || t < in->lengths[n]);
            if (counts && classes && (uint32_t)target >= outputs)
                return clr_fail(log_of(trainer), CLRNN_ERR_RANGE,
                                "batch: the target at step %" PRIu32 " of row %" PRIu32
                                " is %" PRId32 ", must be less than %" PRIu32,
                                t, n, target, outputs);
            staged[position] = counts ? target : -1;
        }
    *counted = clr_trainer_count(trainer, batch, in, staged);
    return CLRNN_OK;
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
                        !has_values ? "cross-entropy needs `targets`"
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
    const clrnn_model *model = trainer->model;
    size_t positions = (size_t)in->steps * in->batch;
    clrnn_status status =
        clr_uploads_send(model->context, &trainer->uploads, bytes_of_targets(in), trainer->targets);
    if (status == CLRNN_OK && trainer->values)
        status = clr_uploads_copy(model->context, &trainer->uploads, batch->values,
                                  positions * model->desc.output_size * clr_model_element(model),
                                  trainer->values);
    return status;
}

/* Enqueue forward, and the losses of all positions; with their gradients if the pass trains. */
static clrnn_status forward(clrnn_trainer *trainer, clr_model_pass *pass, const clrnn_batch *batch,
                            const clr_model_input *in, double scale)
{
    clrnn_status status = upload(trainer, batch, in);
    if (status == CLRNN_OK)
        status = clr_model_pass_forward(pass, in);
    return status == CLRNN_OK ? clr_trainer_losses(trainer, pass, in, scale) : status;
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

static clrnn_status update(clrnn_trainer *trainer)
{
    clrnn_model *model = trainer->model;
    const clrnn_trainer_desc *desc = &trainer->desc;
    clr_update all = {.w = model->parameters,
                      .g = trainer->gradient,
                      .norm = trainer->norm,
                      .count = model->count,
                      .clip = desc->clip,
                      .rate = clr_options_rate(desc, trainer->steps_done),
                      .watch = trainer->watch,
                      .loss = trainer->sum,
                      .step = trainer->steps_done + 1};
    model->version++;
    switch (desc->optimizer) {
    case CLRNN_SGD:
        return clr_optimizer_sgd(&trainer->optimizer, &all, trainer->v, desc->momentum);
    case CLRNN_RMSPROP:
        return clr_optimizer_rmsprop(&trainer->optimizer, &all, trainer->v, desc->rho,
                                     desc->epsilon);
    case CLRNN_ADAM:
    case CLRNN_ADAMW:
        break;
    }
    return clr_optimizer_adam(&trainer->optimizer, &all, trainer->m, trainer->v, desc->beta1,
                              desc->beta2, desc->epsilon,
                              desc->optimizer == CLRNN_ADAMW ? desc->weight_decay : 0);
}

/* trainer->sum = sum of the losses of a batch. */
static clrnn_status sum_losses(clrnn_trainer *trainer, const clr_model_input *in)
{
    return clr_sum(&trainer->loss, trainer->losses, (size_t)in->steps * in->batch, trainer->sum);
}

/* Wait for that sum, finite or not, and see whether all steps were. */
static clrnn_status read_loss(clrnn_trainer *trainer, double *sum)
{
    *sum = 0;
    clrnn_status status = clr_watch_read(trainer);
    if (status == CLRNN_OK)
        status = clr_trainer_numbers(trainer, trainer->sum, 1, sum);
    return status == CLRNN_OK ? clr_finite_steps(trainer) : status;
}

/* Enqueue forward, loss and backward of a batch: trainer->sum, gradient and norm. */
static clrnn_status differentiate(clrnn_trainer *trainer, const clrnn_batch *batch,
                                  clr_counted *counted)
{
    clr_stream *stream = &trainer->training;
    clr_model_input in;
    clrnn_status status = prepare(trainer, stream, batch, &in, counted);
    if (status == CLRNN_OK && !(counted->weight > 0))
        status = clr_fail(log_of(trainer), CLRNN_ERR_RANGE,
                          "batch: no step is counted, so there is no mean loss to train on");
    if (status == CLRNN_OK)
        status = forward(trainer, stream->pass, batch, &in, 1 / counted->weight);
    if (status == CLRNN_OK)
        status = clr_model_pass_backward(stream->pass, in.lengths, in.ids, trainer->gradient);
    if (status == CLRNN_OK)
        status = clr_frozen_gradient(trainer);
    if (status == CLRNN_OK)
        status = sum_losses(trainer, &in);
    if (status == CLRNN_OK)
        status = clr_norm(&trainer->loss, trainer->gradient, trainer->model->count, trainer->norm);
    return status;
}

clrnn_status clrnn_trainer_step(clrnn_trainer *trainer, const clrnn_batch *batch, double *loss)
{
    if (!trainer || !batch)
        return clr_fail(log_of(trainer), CLRNN_ERR_ARGUMENT, "clrnn_trainer_step: %s is NULL",
                        trainer ? "batch" : "trainer");
    clr_counted counted = {0};
    clrnn_status status = differentiate(trainer, batch, &counted);
    if (status == CLRNN_OK)
        status = carry(trainer, &trainer->training);
    if (status == CLRNN_OK)
        status = clr_frozen_before(trainer);
    if (status == CLRNN_OK)
        status = update(trainer);
    if (status == CLRNN_OK)
        status = clr_frozen_after(trainer);
    if (status != CLRNN_OK)
        return status;
    trainer->steps_done++;
    if (!loss)
        return clr_flush(trainer->model->context);
    status = read_loss(trainer, loss);
    *loss /= counted.weight;
    return status;
}

clrnn_status clrnn_trainer_differentiate(clrnn_trainer *trainer, const clrnn_batch *batch,
                                         double *loss, double *norm)
{
    if (!trainer || !batch || !loss || !norm)
        return clr_fail(log_of(trainer), CLRNN_ERR_ARGUMENT,
                        "clrnn_trainer_differentiate: %s is NULL",
                        !trainer ? "trainer"
                        : !batch ? "batch"
                        : loss   ? "norm"
                                 : "loss");
    clr_counted counted = {0};
    double sum = 0;
    clrnn_status status = differentiate(trainer, batch, &counted);
    if (status == CLRNN_OK)
        status = read_loss(trainer, &sum);
    if (status == CLRNN_OK)
        status = clr_trainer_norm(trainer, norm);
    if (status == CLRNN_OK)
        *loss = sum / counted.weight;
    return status;
}

clrnn_status clrnn_trainer_evaluate(clrnn_trainer *trainer, const clrnn_batch *batch,
                                    double *loss_sum, uint64_t *count)
{
    if (!trainer || !batch || !loss_sum || !count)
        return clr_fail(log_of(trainer), CLRNN_ERR_ARGUMENT, "clrnn_trainer_evaluate: %s is NULL",
                        !trainer   ? "trainer"
                        : !batch   ? "batch"
                        : loss_sum ? "count"
                                   : "loss_sum");
    clr_stream *stream = &trainer->evaluation;
    clr_model_input in;
    clr_counted counted = {0};
    clrnn_status status = prepare(trainer, stream, batch, &in, &counted);
    *count = counted.count;
    if (status == CLRNN_OK && !stream->pass)
        status = clr_model_pass_create(trainer->model, trainer->desc.max_steps,
                                       trainer->desc.max_batch, false, 0, &stream->pass);
    if (status == CLRNN_OK)
        status = forward(trainer, stream->pass, batch, &in, 0);
    if (status == CLRNN_OK)
        status = carry(trainer, stream);
    if (status == CLRNN_OK)
        status = sum_losses(trainer, &in);
    return status == CLRNN_OK ? read_loss(trainer, loss_sum) : status;
}

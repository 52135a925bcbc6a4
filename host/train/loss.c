/* SPDX-License-Identifier: MIT
 * train/loss.c - the losses of a trainer: what of a batch counts, and how much. */
#include <math.h>
#include <stdlib.h>

#include "base/log.h"
#include "base/memory.h"
#include "device/buffer.h"
#include "train/options.h"
#include "train/trainer.h"

clrnn_status clr_trainer_open_weights(clrnn_trainer *trainer, const double *weights)
{
    const clrnn_model *model = trainer->model;
    const size_t O = model->desc.output_size, real = clr_model_element(model);
    const clrnn_log *log = &model->context->log;
    trainer->desc.class_weights = NULL;
    if (!weights)
        return CLRNN_OK;
    for (size_t k = 0; k < O; k++)
        if (!(weights[k] >= 0 && weights[k] < INFINITY))
            return clr_fail(log, CLRNN_ERR_ARGUMENT,
                            "trainer: class_weights[%zu] is %g, must be in [0,inf)", k, weights[k]);
    trainer->weights = clr_calloc(O, sizeof *trainer->weights);
    void *rounded = clr_calloc(O, real);
    clrnn_status status = trainer->weights && rounded ? CLRNN_OK : CLRNN_ERR_MEMORY;
    for (size_t k = 0; k < O && status == CLRNN_OK; k++) {
        trainer->weights[k] = weights[k];
        if (real == sizeof(double))
            ((double *)rounded)[k] = weights[k];
        else
            ((float *)rounded)[k] = (float)weights[k];
    }
    if (status == CLRNN_OK)
        status = clr_buffer_create(model->context, O * real, &trainer->class_weights);
    if (status == CLRNN_OK)
        status = clr_buffer_write(model->context, trainer->class_weights, 0, O * real, rounded);
    else if (status == CLRNN_ERR_MEMORY)
        clr_log(log, CLRNN_LOG_ERROR, "trainer: no memory for %zu class weights", O);
    free(rounded);
    trainer->desc.class_weights = trainer->weights;
    return status;
}

/* How many values of a row [O] are there. */
static uint64_t present(const clrnn_model *model, const void *values, size_t row)
{
    const size_t O = model->desc.output_size;
    uint64_t count = 0;
    for (size_t k = row * O; k < (row + 1) * O; k++)
        count += clr_model_element(model) == sizeof(double) ? !isnan(((const double *)values)[k])
                                                            : !isnan(((const float *)values)[k]);
    return count;
}

clr_counted clr_trainer_count(const clrnn_trainer *trainer, const clrnn_batch *batch,
                              const clr_model_input *in, const int32_t *targets)
{
    const bool elements = trainer->desc.missing && trainer->desc.loss != CLRNN_LOSS_BINARY;
    const size_t positions = (size_t)in->steps * in->batch;
    clr_counted counted = {0};
    for (size_t i = 0; i < positions; i++)
        if (targets[i] >= 0) {
            counted.count += elements ? present(trainer->model, batch->values, i) : 1;
            counted.weight += trainer->weights ? trainer->weights[targets[i]] : 0;
        }
    if (!trainer->weights)
        counted.weight = (double)counted.count;
    return counted;
}

/* Mean squared error without gaps has a kernel of its own. */
static clr_element_form form_of(const clrnn_trainer *trainer)
{
    const clrnn_trainer_desc *desc = &trainer->desc;
    clr_element_form form = {CLR_ELEMENT_SQUARED, desc->huber_delta, desc->missing,
                             (double)trainer->model->desc.output_size};
    if (desc->loss == CLRNN_LOSS_MEAN_ABSOLUTE)
        form.kind = CLR_ELEMENT_ABSOLUTE;
    if (desc->loss == CLRNN_LOSS_HUBER)
        form.kind = CLR_ELEMENT_HUBER;
    if (desc->loss == CLRNN_LOSS_BINARY)
        form.kind = CLR_ELEMENT_BINARY;
    if (desc->missing || desc->loss == CLRNN_LOSS_BINARY)
        form.divisor = 1;
    return form;
}

clrnn_status clr_trainer_losses(clrnn_trainer *trainer, const clr_model_pass *pass,
                                const clr_model_input *in, double scale)
{
    const size_t rows = (size_t)in->steps * in->batch, O = trainer->model->desc.output_size;
    const clrnn_loss kind = trainer->desc.loss;
    clr_loss *loss = &trainer->loss;
    if (kind == CLRNN_LOSS_MEAN_SQUARED && !trainer->desc.missing)
        return clr_loss_mean_squared(loss, pass->logits, trainer->values, trainer->targets, rows, O,
                                     scale, trainer->losses, pass->dlogits);
    if (clr_loss_has_values(kind)) {
        const clr_element_form form = form_of(trainer);
        return clr_loss_each_element(loss, &form, pass->logits, trainer->values, trainer->targets,
                                     rows, O, scale, trainer->losses, pass->dlogits);
    }
    clrnn_status status = clr_loss_cross_entropy(loss, pass->logits, trainer->targets, rows, O,
                                                 scale, trainer->losses, pass->dlogits);
    if (status == CLRNN_OK && trainer->class_weights)
        status = clr_loss_weigh_classes(loss, trainer->class_weights, trainer->targets, rows, O,
                                        trainer->losses, pass->dlogits);
    return status;
}

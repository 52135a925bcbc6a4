/* SPDX-License-Identifier: MIT
 * train/loss.c - the losses of a trainer: what of a batch counts, and how much. */
#include <math.h>
#include <stdlib.h>

#include "base/log.h"
#include "base/memory.h"
#include "device/buffer.h"
#include "train/options.h"
#include "train/trainer.h"

/* --- making one ----------------------------------------------------------------------------- */

static clrnn_status open_weights(clrnn_trainer *trainer, clr_objective *o, const double *weights)
{
    const size_t O = o->outputs, real = trainer->real;
    const clrnn_log *log = &trainer->context->log;
    for (size_t k = 0; k < O; k++)
        if (!(weights[k] >= 0 && weights[k] < INFINITY))
            return clr_fail(log, CLRNN_ERR_ARGUMENT,
                            "trainer: class_weights[%zu] is %g, must be in [0,inf)", k, weights[k]);
    o->weights = clr_calloc(O, sizeof *o->weights);
    void *rounded = clr_calloc(O, real);
    clrnn_status status = o->weights && rounded ? CLRNN_OK : CLRNN_ERR_MEMORY;
    for (size_t k = 0; k < O && status == CLRNN_OK; k++) {
        o->weights[k] = weights[k];
        if (real == sizeof(double))
            ((double *)rounded)[k] = weights[k];
        else
            ((float *)rounded)[k] = (float)weights[k];
    }
    if (status == CLRNN_OK)
        status = clr_buffer_create(trainer->context, O * real, &o->class_weights);
    if (status == CLRNN_OK)
        status = clr_buffer_write(trainer->context, o->class_weights, 0, O * real, rounded);
    else if (status == CLRNN_ERR_MEMORY)
        clr_log(log, CLRNN_LOG_ERROR, "trainer: no memory for %zu class weights", O);
    free(rounded);
    return status;
}

clrnn_status clr_objective_open(clrnn_trainer *trainer, clr_objective *o, const double *weights)
{
    const size_t real = trainer->real;
    clrnn_status status = clr_buffer_create(trainer->context, o->rows * real, &o->losses);
    if (status == CLRNN_OK)
        status = clr_buffer_create(trainer->context, o->rows * sizeof(cl_int), &o->targets);
    if (status == CLRNN_OK && clr_loss_has_values(o->kind)) /* a size that logits have already */
        status = clr_buffer_create(trainer->context, o->rows * o->outputs * real, &o->values);
    if (status == CLRNN_OK && weights)
        status = open_weights(trainer, o, weights);
    return status;
}

void clr_objective_close(clr_objective *o)
{
    clr_buffer_destroy(&o->losses);
    clr_buffer_destroy(&o->targets);
    clr_buffer_destroy(&o->values);
    clr_buffer_destroy(&o->class_weights);
    free(o->weights);
    o->weights = NULL;
}

/* --- what counts ---------------------------------------------------------------------------- */

/* How many values of a row [O] are there. */
static uint64_t present(const clrnn_trainer *trainer, size_t O, const void *values, size_t row)
{
    uint64_t count = 0;
    for (size_t k = row * O; k < (row + 1) * O; k++)
        count += trainer->precision == CLRNN_F64 ? !isnan(((const double *)values)[k])
                                                 : !isnan(((const float *)values)[k]);
    return count;
}

clr_counted clr_objective_count(const clrnn_trainer *trainer, const clr_objective *o,
                                const void *values, const int32_t *targets, size_t rows)
{
    const bool elements = o->missing && o->kind != CLRNN_LOSS_BINARY;
    clr_counted counted = {0};
    for (size_t i = 0; i < rows; i++)
        if (targets[i] >= 0) {
            counted.count += elements ? present(trainer, o->outputs, values, i) : 1;
            counted.weight += o->weights ? o->weights[targets[i]] : 0;
        }
    if (!o->weights)
        counted.weight = (double)counted.count;
    return counted;
}

clrnn_status clr_trainer_counts(const clrnn_trainer *trainer, const clr_tally *tally)
{
    bool any = trainer->has_own;
    for (uint32_t i = 0; i < trainer->objective_count; i++)
        any = any || tally->each[i].weight > 0;
    return any ? CLRNN_OK
               : clr_fail(&trainer->context->log, CLRNN_ERR_RANGE,
                          "batch: no step is counted, so there is no mean loss to train on");
}

/* --- running -------------------------------------------------------------------------------- */

/* Mean squared error without gaps has a kernel of its own. */
static clr_element_form form_of(const clr_objective *o)
{
    clr_element_form form = {CLR_ELEMENT_SQUARED, o->huber_delta, o->missing, (double)o->outputs};
    if (o->kind == CLRNN_LOSS_MEAN_ABSOLUTE)
        form.kind = CLR_ELEMENT_ABSOLUTE;
    if (o->kind == CLRNN_LOSS_HUBER)
        form.kind = CLR_ELEMENT_HUBER;
    if (o->kind == CLRNN_LOSS_BINARY)
        form.kind = CLR_ELEMENT_BINARY;
    if (o->missing || o->kind == CLRNN_LOSS_BINARY)
        form.divisor = 1;
    return form;
}

clrnn_status clr_objective_run(clrnn_trainer *trainer, clr_objective *o, cl_mem logits, size_t rows,
                               double scale, cl_mem dlogits)
{
    clr_loss *loss = &trainer->loss;
    if (o->kind == CLRNN_LOSS_MEAN_SQUARED && !o->missing)
        return clr_loss_mean_squared(loss, logits, o->values, o->targets, rows, o->outputs, scale,
                                     o->losses, dlogits);
    if (clr_loss_has_values(o->kind)) {
        const clr_element_form form = form_of(o);
        return clr_loss_each_element(loss, &form, logits, o->values, o->targets, rows, o->outputs,
                                     scale, o->losses, dlogits);
    }
    clrnn_status status = clr_loss_cross_entropy(loss, logits, o->targets, rows, o->outputs, scale,
                                                 o->losses, dlogits);
    if (status == CLRNN_OK && o->class_weights)
        status = clr_loss_weigh_classes(loss, o->class_weights, o->targets, rows, o->outputs,
                                        o->losses, dlogits);
    return status;
}

clrnn_status clr_objective_sum(clrnn_trainer *trainer, uint32_t i, size_t rows)
{
    return clr_sum_at(&trainer->loss, trainer->objectives[i].losses, rows,
                      trainer->sums ? trainer->sums : trainer->sum, i);
}

clrnn_status clr_trainer_sum(clrnn_trainer *trainer, const clr_tally *tally)
{
    const uint32_t own = trainer->objective_count;
    const float rounded = (float)tally->own;
    clrnn_status status = CLRNN_OK;
    if (trainer->has_own)
        status = clr_buffer_write(
            trainer->context, trainer->sums ? trainer->sums : trainer->sum, own * trainer->real,
            trainer->real, trainer->precision == CLRNN_F64 ? (const void *)&tally->own : &rounded);
    if (status == CLRNN_OK && trainer->sums)
        status = clr_sum_at(&trainer->loss, trainer->sums, own + trainer->has_own, trainer->sum, 0);
    return status;
}

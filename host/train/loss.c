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

static clrnn_status open_paths(clrnn_trainer *trainer, clr_objective *o)
{
    const size_t count = 2 * o->batch + 3 * o->rows; /* at most as many labels as steps */
    o->staged_paths = clr_calloc(count, sizeof *o->staged_paths);
    if (!o->staged_paths)
        return clr_fail(&trainer->context->log, CLRNN_ERR_MEMORY,
                        "trainer: no memory for the labels of %zu steps", o->rows);
    clrnn_status status = clr_buffer_create(trainer->context, count * sizeof(cl_int), &o->paths);
    return status == CLRNN_OK ? clr_ctc_init(trainer->context, trainer->precision, &o->ctc)
                              : status;
}

static clrnn_status check_outputs(const clrnn_trainer *trainer, const clr_objective *o)
{
    const clrnn_log *log = &trainer->context->log;
    if (o->kind == CLRNN_LOSS_GAUSSIAN && o->outputs % 2)
        return clr_fail(log, CLRNN_ERR_ARGUMENT,
                        "trainer: the loss gaussian takes means and as many variances, but there "
                        "are %zu outputs",
                        o->outputs);
    if (o->kind == CLRNN_LOSS_CTC && o->outputs < 2)
        return clr_fail(log, CLRNN_ERR_ARGUMENT,
                        "trainer: the loss ctc takes a blank and one class or more, but there is "
                        "%zu output",
                        o->outputs);
    return CLRNN_OK;
}

clrnn_status clr_objective_open(clrnn_trainer *trainer, clr_objective *o, const double *weights)
{
    const size_t real = trainer->real;
    clrnn_status status = check_outputs(trainer, o);
    if (status == CLRNN_OK)
        status = clr_buffer_create(trainer->context, o->rows * real, &o->losses);
    if (status == CLRNN_OK)
        status = clr_buffer_create(trainer->context, o->rows * sizeof(cl_int), &o->targets);
    if (status == CLRNN_OK && clr_loss_has_values(o->kind)) /* a size that logits have already */
        status = clr_buffer_create(
            trainer->context, o->rows * clr_loss_values(o->kind, o->outputs) * real, &o->values);
    if (status == CLRNN_OK && o->kind == CLRNN_LOSS_ESR)
        status = clr_buffer_create(trainer->context, o->batch * o->outputs * real, &o->means);
    if (status == CLRNN_OK && o->kind == CLRNN_LOSS_CTC)
        status = open_paths(trainer, o);
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
    clr_buffer_destroy(&o->means);
    clr_buffer_destroy(&o->paths);
    clr_ctc_free(&o->ctc);
    free(o->staged_paths);
    free(o->weights);
    o->weights = NULL;
}

/* --- what counts ---------------------------------------------------------------------------- */

static double value_at(const clrnn_trainer *trainer, const void *values, size_t i)
{
    return trainer->precision == CLRNN_F64 ? ((const double *)values)[i]
                                           : (double)((const float *)values)[i];
}

/* How many of the `width` values of a row are there. */
static uint64_t present(const clrnn_trainer *trainer, size_t width, const void *values,
                        const clr_batch_rows *rows, size_t row)
{
    const size_t first = row / rows->inner * rows->inner * width + row % rows->inner;
    uint64_t count = 0;
    for (size_t k = 0; k < width; k++)
        count += !isnan(value_at(trainer, values, first + k * rows->inner));
    return count;
}

/* The value of a row that is counted, else 0. */
static double sound_at(const clrnn_trainer *trainer, const clr_objective *o, const void *values,
                       const int32_t *targets, size_t row, size_t k, bool *counted)
{
    const double y = targets[row] < 0 ? 0 : value_at(trainer, values, row * o->outputs + k);
    *counted = targets[row] >= 0 && !(o->missing && isnan(y));
    return *counted ? y : 0;
}

/* What errors are set against: sum of p(target)^2, and how it compares with sum of target^2. */
static void weigh_sound(const clrnn_trainer *trainer, const clr_objective *o, const void *values,
                        const int32_t *targets, const clr_batch_rows *rows, clr_counted *counted)
{
    double plain = 0, emphasised = 0;
    bool is, was;
    for (size_t row = 0; row < rows->count; row++)
        for (size_t k = 0; k < o->outputs; k++) {
            const double y = sound_at(trainer, o, values, targets, row, k, &is);
            const double before =
                row < rows->N ? 0 : sound_at(trainer, o, values, targets, row - rows->N, k, &was);
            const double p = is ? y - o->pre_emphasis * before : 0;
            plain += y * y + (is ? CLR_SILENCE : 0);
            emphasised += p * p + (is ? CLR_SILENCE : 0);
        }
    counted->weight = emphasised;
    counted->dc = plain > 0 ? o->dc_weight * emphasised / plain : 0;
}

clr_counted clr_objective_count(const clrnn_trainer *trainer, const clr_objective *o,
                                const void *values, const int32_t *targets,
                                const clr_batch_rows *rows)
{
    const bool elements = o->missing && o->kind != CLRNN_LOSS_BINARY;
    const size_t width = clr_loss_values(o->kind, o->outputs);
    clr_counted counted = {0};
    for (size_t i = 0; i < rows->count && o->kind != CLRNN_LOSS_CTC; i++)
        if (targets[i] >= 0) {
            counted.count += elements ? present(trainer, width, values, rows, i) : 1;
            counted.weight += o->weights ? o->weights[targets[i]] : 0;
        }
    for (uint32_t n = 0; n < rows->N && o->kind == CLRNN_LOSS_CTC; n++)
        counted.count += rows->T > 0 && (!rows->lengths || rows->lengths[n] > 0);
    if (!o->weights)
        counted.weight = (double)counted.count;
    if (o->kind == CLRNN_LOSS_ESR)
        weigh_sound(trainer, o, values, targets, rows, &counted);
    return counted;
}

clrnn_status clr_trainer_counts(const clrnn_trainer *trainer, const clr_tally *tally)
{
    bool any = trainer->has_own;
    for (uint32_t i = 0; i < trainer->objective_count; i++)
        any = any || tally->each[i].count > 0;
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

/* Losses of each row by itself that compare it with values. */
static clrnn_status run_values(clr_loss *loss, clr_objective *o, cl_mem logits, size_t rows,
                               double scale, cl_mem dlogits)
{
    clr_element_form form = form_of(o);
    if (o->kind == CLRNN_LOSS_MEAN_SQUARED && !o->missing)
        return clr_loss_mean_squared(loss, logits, o->values, o->targets, rows, o->outputs, scale,
                                     o->losses, dlogits);
    if (o->kind != CLRNN_LOSS_GAUSSIAN)
        return clr_loss_each_element(loss, &form, logits, o->values, o->targets, rows, o->outputs,
                                     scale, o->losses, dlogits);
    form.divisor = o->missing ? 1 : (double)o->outputs / 2;
    return clr_loss_gaussian(loss, &form, logits, o->values, o->targets, rows, o->outputs / 2,
                             scale, o->losses, dlogits);
}

clrnn_status clr_objective_run(clrnn_trainer *trainer, clr_objective *o, cl_mem logits,
                               const clr_batch_rows *rows, const clr_counted *counted, double scale,
                               cl_mem dlogits)
{
    clr_loss *loss = &trainer->loss;
    const clr_sound_form sound = {rows->T, rows->N, o->pre_emphasis, counted->dc, o->missing};
    if (o->kind == CLRNN_LOSS_ESR)
        return clr_loss_emphasised(loss, &sound, logits, o->values, o->targets, o->outputs, scale,
                                   o->means, o->losses, dlogits);
    if (o->kind == CLRNN_LOSS_CTC)
        return clr_ctc_run(&o->ctc, logits, o->paths, rows->T, rows->N, o->outputs, o->labels,
                           scale, o->losses, dlogits);
    if (clr_loss_has_values(o->kind))
        return run_values(loss, o, logits, rows->count, scale, dlogits);
    clrnn_status status = clr_loss_cross_entropy(loss, logits, o->targets, rows->count, o->outputs,
                                                 scale, o->losses, dlogits);
    if (status == CLRNN_OK && o->class_weights)
        status = clr_loss_weigh_classes(loss, o->class_weights, o->targets, rows->count, o->outputs,
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

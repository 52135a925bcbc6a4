/* SPDX-License-Identifier: MIT
 * train/trainer.c - making a trainer, and its step: gradients, clipping, optimiser. */
#include "train/trainer.h"

#include <math.h>
#include <stdlib.h>

#include "base/log.h"
#include "base/memory.h"
#include "device/buffer.h"
#include "train/options.h"

static const clrnn_log *log_of(const clrnn_trainer *trainer)
{
    return trainer ? &trainer->context->log : NULL;
}

/* --- making one ----------------------------------------------------------------------------- */

static clrnn_status make_buffers(clrnn_trainer *trainer)
{
    const clrnn_trainer_desc *desc = &trainer->desc;
    bool adam = desc->optimizer == CLRNN_ADAM || desc->optimizer == CLRNN_ADAMW;
    size_t real = trainer->real, parameters = trainer->count * real;
    size_t losses = (size_t)trainer->objective_count + trainer->has_own;
    const struct {
        cl_mem *buffer;
        bool wanted, zero;
        size_t bytes;
    } parts[] = {
        {&trainer->gradient, !trainer->gradient, true, parameters}, /* a graph's plan has one */
        {&trainer->m, adam, true, parameters},
        {&trainer->v, true, true, parameters},
        {&trainer->norm, true, false, 2 * real},
        {&trainer->sum, true, true, real},
        {&trainer->sums, losses > 1, true, losses * real},
        {&trainer->watch, true, true, 2 * sizeof(cl_ulong)},
        {&trainer->untrained.before, trainer->untrained.extents.count > 0, false, parameters},
        {&trainer->untrained.after, trainer->untrained.extents.count > 0, false, parameters},
    };
    clrnn_status status = CLRNN_OK;
    for (size_t i = 0; i < sizeof parts / sizeof *parts && status == CLRNN_OK; i++) {
        if (parts[i].wanted)
            status = clr_buffer_create(trainer->context, parts[i].bytes, parts[i].buffer);
        if (parts[i].wanted && parts[i].zero && status == CLRNN_OK)
            status = clr_buffer_zero(trainer->context, *parts[i].buffer, 0, parts[i].bytes);
    }
    return status;
}

clrnn_status clr_trainer_open(clrnn_trainer *trainer)
{
    size_t most = trainer->count;
    for (uint32_t i = 0; i < trainer->objective_count; i++)
        most = trainer->objectives[i].rows > most ? trainer->objectives[i].rows : most;
    most = most > CLRNN_MOST_LOSSES ? most : CLRNN_MOST_LOSSES + 1;
    clrnn_status status = clr_loss_init(trainer->context, trainer->precision, most, &trainer->loss);
    if (status == CLRNN_OK)
        status = clr_optimizer_init(trainer->context, trainer->precision, &trainer->optimizer);
    if (status == CLRNN_OK)
        status = make_buffers(trainer);
    return status == CLRNN_OK ? clr_perturbed_open(trainer) : status;
}

void clrnn_trainer_destroy(clrnn_trainer **trainer)
{
    if (!trainer || !*trainer)
        return;
    clrnn_trainer *t = *trainer;
    (void)clrnn_context_finish(t->context);
    t->learner->destroy(t);
    for (uint32_t i = 0; i < t->objective_count; i++)
        clr_objective_close(&t->objectives[i]);
    clr_loss_free(&t->loss);
    clr_optimizer_free(&t->optimizer);
    cl_mem *buffers[] = {&t->gradient,
                         &t->m,
                         &t->v,
                         &t->norm,
                         &t->sum,
                         &t->sums,
                         &t->watch,
                         &t->untrained.before,
                         &t->untrained.after};
    for (size_t i = 0; i < sizeof buffers / sizeof *buffers; i++)
        clr_buffer_destroy(buffers[i]);
    clr_frozen_free(&t->frozen);
    clr_perturbed_close(&t->perturbed);
    free(t->untrained.extents.all);
    free(t->objectives);
    clr_uploads_free(&t->uploads);
    free(t);
    *trainer = NULL;
}

/* --- a step --------------------------------------------------------------------------------- */

static clrnn_status update(clrnn_trainer *trainer)
{
    const clrnn_trainer_desc *desc = &trainer->desc;
    clr_update all = {.w = *trainer->parameters,
                      .g = trainer->gradient,
                      .norm = trainer->norm,
                      .count = trainer->count,
                      .clip = desc->clip,
                      .rate = clr_options_rate(desc, trainer->steps_done),
                      .watch = trainer->watch,
                      .loss = trainer->sum,
                      .step = trainer->steps_done + 1};
    trainer->learner->changed(trainer);
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

/* Wait for the losses of a batch, finite or not, and see whether all steps were. values: out, one
 * for each loss, not weighted; the caller's own last. */
static clrnn_status read_losses(clrnn_trainer *trainer, double values[])
{
    const size_t count = (size_t)trainer->objective_count + trainer->has_own;
    clrnn_status status = clr_watch_read(trainer);
    for (size_t i = 0; i < count; i++)
        values[i] = 0;
    if (status == CLRNN_OK)
        status = clr_trainer_numbers(trainer, trainer->sums ? trainer->sums : trainer->sum, count,
                                     values);
    return status == CLRNN_OK ? clr_finite_steps(trainer) : status;
}

/* The mean of each, weighted, and the caller's own. */
static clrnn_status read_loss(clrnn_trainer *trainer, const clr_tally *tally, double *loss)
{
    double values[CLRNN_MOST_LOSSES + 1];
    clrnn_status status = read_losses(trainer, values);
    *loss = trainer->has_own ? tally->own : 0;
    for (uint32_t i = 0; i < trainer->objective_count; i++)
        if (tally->each[i].weight > 0)
            *loss += trainer->objectives[i].factor * (values[i] / tally->each[i].weight);
    return status;
}

/* Enqueue forward, losses and backward of a batch: trainer->sum, gradient and norm. What the
 * forward pass moves has moved, but on failure. */
static clrnn_status differentiate(clrnn_trainer *trainer, clr_any_batch batch, clr_tally *tally)
{
    *tally = (clr_tally){.own = 0};
    clrnn_status status = clr_untrained_before(trainer);
    if (status == CLRNN_OK)
        status = clr_perturbed_begin(trainer);
    if (status == CLRNN_OK)
        status = trainer->learner->differentiate(trainer, batch, tally);
    clrnn_status ended = clr_perturbed_end(trainer);
    status = status == CLRNN_OK ? ended : status;
    if (status == CLRNN_OK)
        status = clr_frozen_gradient(trainer);
    if (status == CLRNN_OK)
        status = clr_trainer_sum(trainer, tally);
    if (status == CLRNN_OK)
        status = clr_norm(&trainer->loss, trainer->gradient, trainer->count, trainer->norm);
    if (status != CLRNN_OK)
        (void)clr_untrained_undo(trainer);
    return status;
}

static clrnn_status step(clrnn_trainer *trainer, clr_any_batch batch, double *loss)
{
    clr_tally tally;
    clrnn_status status = clr_frozen_before(trainer);
    if (status == CLRNN_OK)
        status = differentiate(trainer, batch, &tally);
    if (status == CLRNN_OK && trainer->learner->carry)
        status = trainer->learner->carry(trainer);
    if (status == CLRNN_OK)
        status = clr_untrained_after(trainer);
    if (status == CLRNN_OK)
        status = update(trainer);
    if (status == CLRNN_OK)
        status = clr_untrained_keep(trainer);
    if (status == CLRNN_OK)
        status = clr_frozen_after(trainer);
    if (status != CLRNN_OK)
        return status;
    trainer->steps_done++;
    trainer->in_step = true;
    status = loss ? read_loss(trainer, &tally, loss) : clr_flush(trainer->context);
    trainer->in_step = false;
    return status;
}

static clrnn_status only_differentiate(clrnn_trainer *trainer, clr_any_batch batch, double *loss,
                                       double *norm)
{
    clr_tally tally;
    double mean = 0;
    clrnn_status status = differentiate(trainer, batch, &tally);
    if (status == CLRNN_OK)
        status = clr_untrained_undo(trainer);
    if (status == CLRNN_OK)
        status = read_loss(trainer, &tally, &mean);
    if (status == CLRNN_OK)
        status = clr_trainer_norm(trainer, norm);
    if (status == CLRNN_OK)
        *loss = mean;
    return status;
}

static clrnn_status evaluate(clrnn_trainer *trainer, clr_any_batch batch, double sums[],
                             uint64_t counts[])
{
    clr_tally tally = {.own = 0};
    clrnn_status status = trainer->learner->evaluate(trainer, batch, &tally);
    for (uint32_t i = 0; i < trainer->objective_count; i++)
        counts[i] = tally.each[i].count;
    if (trainer->has_own)
        counts[trainer->objective_count] = 1;
    if (status == CLRNN_OK)
        status = clr_trainer_sum(trainer, &tally);
    if (status == CLRNN_OK)
        status = read_losses(trainer, sums);
    for (uint32_t i = 0; i < trainer->objective_count && status == CLRNN_OK; i++)
        if (trainer->objectives[i].kind == CLRNN_LOSS_ESR && counts[i])
            sums[i] *= (double)counts[i] / tally.each[i].weight; /* a ratio, as often as steps */
    return status;
}

/* --- of sequences, and of a graph ----------------------------------------------------------- */

static clrnn_status missing(const clrnn_trainer *trainer, const char *function, const char *name)
{
    return clr_fail(log_of(trainer), CLRNN_ERR_ARGUMENT, "%s: %s is NULL", function, name);
}

/* Batches of a graph need one. */
static clrnn_status check_graph(const clrnn_trainer *trainer)
{
    return trainer->graph ? CLRNN_OK
                          : clr_fail(log_of(trainer), CLRNN_ERR_ARGUMENT,
                                     "trainer: a batch of a graph, but it trains a model");
}

clrnn_status clrnn_trainer_step(clrnn_trainer *trainer, const clrnn_batch *batch, double *loss)
{
    if (!trainer || !batch)
        return missing(trainer, "clrnn_trainer_step", trainer ? "batch" : "trainer");
    return step(trainer, (clr_any_batch){.sequences = batch}, loss);
}

clrnn_status clrnn_graph_trainer_step(clrnn_trainer *trainer, const clrnn_graph_batch *batch,
                                      double *loss)
{
    if (!trainer || !batch)
        return missing(trainer, "clrnn_graph_trainer_step", trainer ? "batch" : "trainer");
    clrnn_status status = check_graph(trainer);
    return status == CLRNN_OK ? step(trainer, (clr_any_batch){.graph = batch}, loss) : status;
}

clrnn_status clrnn_trainer_differentiate(clrnn_trainer *trainer, const clrnn_batch *batch,
                                         double *loss, double *norm)
{
    if (!trainer || !batch || !loss || !norm)
        return missing(trainer, "clrnn_trainer_differentiate",
                       !trainer ? "trainer"
                       : !batch ? "batch"
                       : loss   ? "norm"
                                : "loss");
    return only_differentiate(trainer, (clr_any_batch){.sequences = batch}, loss, norm);
}

clrnn_status clrnn_graph_trainer_differentiate(clrnn_trainer *trainer,
                                               const clrnn_graph_batch *batch, double *loss,
                                               double *norm)
{
    if (!trainer || !batch || !loss || !norm)
        return missing(trainer, "clrnn_graph_trainer_differentiate",
                       !trainer ? "trainer"
                       : !batch ? "batch"
                       : loss   ? "norm"
                                : "loss");
    clrnn_status status = check_graph(trainer);
    return status == CLRNN_OK
               ? only_differentiate(trainer, (clr_any_batch){.graph = batch}, loss, norm)
               : status;
}

clrnn_status clrnn_trainer_evaluate(clrnn_trainer *trainer, const clrnn_batch *batch,
                                    double *loss_sum, uint64_t *count)
{
    if (!trainer || !batch || !loss_sum || !count)
        return missing(trainer, "clrnn_trainer_evaluate",
                       !trainer   ? "trainer"
                       : !batch   ? "batch"
                       : loss_sum ? "count"
                                  : "loss_sum");
    double sums[CLRNN_MOST_LOSSES + 1] = {0};
    uint64_t counts[CLRNN_MOST_LOSSES + 1] = {0};
    clrnn_status status = evaluate(trainer, (clr_any_batch){.sequences = batch}, sums, counts);
    *count = counts[0];
    if (status == CLRNN_OK)
        *loss_sum = sums[0];
    return status;
}

clrnn_status clrnn_graph_trainer_evaluate(clrnn_trainer *trainer, const clrnn_graph_batch *batch,
                                          double *sums, uint64_t *counts)
{
    if (!trainer || !batch || !sums || !counts)
        return missing(trainer, "clrnn_graph_trainer_evaluate",
                       !trainer ? "trainer"
                       : !batch ? "batch"
                       : sums   ? "counts"
                                : "sums");
    clrnn_status status = check_graph(trainer);
    return status == CLRNN_OK ? evaluate(trainer, (clr_any_batch){.graph = batch}, sums, counts)
                              : status;
}

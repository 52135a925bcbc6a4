/* SPDX-License-Identifier: MIT
 * train/perturb.c - the weights of a step where they are not the parameters: noise on all of them,
 * and recurrent ones that are dropped.
 *
 *     W' = (W + noise) * mask        dLoss/dW = mask * dLoss/dW'
 *
 * A learner packs whatever buffer its parameters are in, so for one pass forward and back that is
 * another one: no kernel of a pass knows. */
#include <stdlib.h>

#include "base/log.h"
#include "base/memory.h"
#include "device/buffer.h"
#include "train/trainer.h"

static clrnn_status list_recurrent(clrnn_trainer *trainer)
{
    clr_extents *list = &trainer->perturbed.recurrent;
    const size_t tensors = trainer->learner->tensors(trainer);
    list->all = clr_calloc(tensors + 1, sizeof *list->all);
    if (!list->all)
        return clr_fail(&trainer->context->log, CLRNN_ERR_MEMORY, "trainer: no memory");
    for (size_t i = 0; i < tensors && trainer->desc.drop_connect > 0; i++) {
        clr_learner_tensor info;
        trainer->learner->tensor(trainer, i, &info);
        if (info.recurrent && info.count)
            list->all[list->count++] = (struct clr_extent){info.offset, info.count};
    }
    if (trainer->desc.drop_connect > 0 && !list->count)
        return clr_fail(&trainer->context->log, CLRNN_ERR_ARGUMENT,
                        "trainer: drop_connect is %g, but the %s has no recurrent weights",
                        (double)trainer->desc.drop_connect, trainer->learner->noun);
    return CLRNN_OK;
}

clrnn_status clr_perturbed_open(clrnn_trainer *trainer)
{
    clr_perturbed *p = &trainer->perturbed;
    if (!(trainer->desc.drop_connect > 0 || trainer->desc.weight_noise > 0))
        return CLRNN_OK;
    clrnn_status status = list_recurrent(trainer);
    if (status == CLRNN_OK)
        status = clr_noise_init(trainer->context, trainer->precision, &p->noise);
    return status == CLRNN_OK
               ? clr_buffer_create(trainer->context, trainer->count * trainer->real, &p->weights)
               : status;
}

void clr_perturbed_close(clr_perturbed *p)
{
    clr_buffer_destroy(&p->weights);
    clr_noise_free(&p->noise);
    free(p->recurrent.all);
    *p = (clr_perturbed){.in_use = false};
}

/* Of dropout, too: each step of training has its own. */
static clr_noise_key key_of(const clrnn_trainer *trainer)
{
    return (clr_noise_key){trainer->desc.seed, (uint32_t)trainer->steps_done};
}

/* w *= mask, of the weights or of the gradient by them. */
static clrnn_status drop(clrnn_trainer *trainer, cl_mem w)
{
    clr_perturbed *p = &trainer->perturbed;
    clrnn_status status = CLRNN_OK;
    for (size_t i = 0; i < p->recurrent.count && status == CLRNN_OK; i++)
        status = clr_noise_drop(&p->noise, w, p->recurrent.all[i].first, p->recurrent.all[i].count,
                                trainer->desc.drop_connect, key_of(trainer));
    return status;
}

static void exchange(clrnn_trainer *trainer)
{
    clr_perturbed *p = &trainer->perturbed;
    cl_mem other = p->weights;
    p->weights = *trainer->parameters;
    *trainer->parameters = other;
    p->in_use = !p->in_use;
    trainer->learner->changed(trainer);
}

clrnn_status clr_perturbed_begin(clrnn_trainer *trainer)
{
    clr_perturbed *p = &trainer->perturbed;
    const cl_mem parameters = *trainer->parameters;
    if (!p->weights)
        return CLRNN_OK;
    clrnn_status status = clr_buffer_copy(trainer->context, parameters, 0, p->weights, 0,
                                          trainer->count * trainer->real);
    if (status == CLRNN_OK && trainer->desc.weight_noise > 0)
        status = clr_noise_add(&p->noise, p->weights, 0, trainer->count, trainer->desc.weight_noise,
                               key_of(trainer));
    if (status == CLRNN_OK)
        status = drop(trainer, p->weights);
    if (status == CLRNN_OK)
        status = clr_extents_copy(trainer, &trainer->frozen.extents, parameters, p->weights);
    if (status == CLRNN_OK)
        status = clr_extents_copy(trainer, &trainer->untrained.extents, parameters, p->weights);
    if (status == CLRNN_OK)
        exchange(trainer);
    return status;
}

clrnn_status clr_perturbed_end(clrnn_trainer *trainer)
{
    clr_perturbed *p = &trainer->perturbed;
    if (!p->in_use)
        return CLRNN_OK;
    exchange(trainer);
    clrnn_status status = /* what the pass has moved */
        clr_extents_copy(trainer, &trainer->untrained.extents, p->weights, *trainer->parameters);
    return status == CLRNN_OK ? drop(trainer, trainer->gradient) : status;
}

/* SPDX-License-Identifier: MIT
 * train/freeze.c - parameters that training leaves as they are, those that no optimiser moves, and
 * the rate that it goes on with. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/memory.h"
#include "device/buffer.h"
#include "train/trainer.h"

clrnn_status clrnn_trainer_set_learning_rate(clrnn_trainer *trainer, double rate)
{
    if (!trainer)
        return CLRNN_ERR_ARGUMENT;
    if (!(rate > 0 && rate < INFINITY))
        return clr_fail(&trainer->context->log, CLRNN_ERR_ARGUMENT,
                        "trainer: learning_rate is %g, must be in (0,inf)", rate);
    trainer->desc.learning_rate = rate;
    return CLRNN_OK;
}

/* --- frozen --------------------------------------------------------------------------------- */

static clrnn_status no_such_tensor(const clrnn_trainer *trainer, const char *prefix)
{
    char names[400] = "";
    for (size_t i = 0; i < trainer->learner->tensors(trainer); i++) {
        clr_learner_tensor info;
        size_t used = strlen(names);
        trainer->learner->tensor(trainer, i, &info);
        snprintf(names + used, sizeof names - used, "%s%s", used ? ", " : "", info.name);
    }
    return clr_fail(&trainer->context->log, CLRNN_ERR_ARGUMENT,
                    "trainer: to freeze \"%.100s\": no tensor's name begins so; there are %s",
                    prefix, names);
}

clrnn_status clrnn_trainer_freeze(clrnn_trainer *trainer, const char *prefix)
{
    if (!trainer || !prefix)
        return clr_fail(trainer ? &trainer->context->log : NULL, CLRNN_ERR_ARGUMENT,
                        "clrnn_trainer_freeze: %s is NULL", trainer ? "prefix" : "trainer");
    clr_frozen *frozen = &trainer->frozen;
    const size_t tensors = trainer->learner->tensors(trainer), before = frozen->extents.count;
    clrnn_status status = CLRNN_OK;
    if (!frozen->values)
        status =
            clr_buffer_create(trainer->context, trainer->count * trainer->real, &frozen->values);
    struct clr_extent *extents = clr_calloc(before + tensors, sizeof *extents);
    if (status == CLRNN_OK && !extents)
        status = clr_fail(&trainer->context->log, CLRNN_ERR_MEMORY, "trainer: no memory to freeze");
    if (status != CLRNN_OK) {
        free(extents);
        return status;
    }
    if (before)
        memcpy(extents, frozen->extents.all, before * sizeof *extents);
    free(frozen->extents.all);
    frozen->extents.all = extents;
    for (size_t i = 0; i < tensors; i++) {
        clr_learner_tensor info;
        trainer->learner->tensor(trainer, i, &info);
        if (strncmp(info.name, prefix, strlen(prefix)) == 0)
            extents[frozen->extents.count++] = (struct clr_extent){info.offset, info.count};
    }
    frozen->version = 0;
    return frozen->extents.count > before ? CLRNN_OK : no_such_tensor(trainer, prefix);
}

/* Whether a tensor lies in one of the extents. */
static bool is_among(const clr_extents *extents, const clr_learner_tensor *tensor)
{
    for (size_t i = 0; i < extents->count; i++)
        if (tensor->offset >= extents->all[i].first &&
            tensor->offset < extents->all[i].first + extents->all[i].count)
            return true;
    return false;
}

size_t clrnn_trainer_trained_count(const clrnn_trainer *trainer)
{
    size_t trained = 0;
    for (size_t i = 0; trainer && i < trainer->learner->tensors(trainer); i++) {
        clr_learner_tensor info;
        trainer->learner->tensor(trainer, i, &info);
        if (!is_among(&trainer->frozen.extents, &info) &&
            !is_among(&trainer->untrained.extents, &info))
            trained += info.count;
    }
    return trained;
}

clrnn_status clr_extents_copy(const clrnn_trainer *trainer, const clr_extents *extents, cl_mem from,
                              cl_mem to)
{
    const size_t real = trainer->real;
    clrnn_status status = CLRNN_OK;
    for (size_t i = 0; i < extents->count && status == CLRNN_OK; i++) {
        const size_t at = extents->all[i].first * real;
        status = clr_buffer_copy(trainer->context, from, at, to, at, extents->all[i].count * real);
    }
    return status;
}

clrnn_status clr_frozen_gradient(clrnn_trainer *trainer)
{
    const clr_extents *extents = &trainer->frozen.extents;
    const size_t real = trainer->real;
    clrnn_status status = CLRNN_OK;
    for (size_t i = 0; i < extents->count && status == CLRNN_OK; i++)
        status = clr_buffer_zero(trainer->context, trainer->gradient, extents->all[i].first * real,
                                 extents->all[i].count * real);
    return status;
}

/* Parameters may have been set, or read from a checkpoint, since the last step. */
clrnn_status clr_frozen_before(clrnn_trainer *trainer)
{
    clr_frozen *frozen = &trainer->frozen;
    const uint64_t version = trainer->learner->version(trainer);
    if (frozen->extents.count == 0 || frozen->version == version)
        return CLRNN_OK;
    return clr_extents_copy(trainer, &frozen->extents, *trainer->parameters, frozen->values);
}

clrnn_status clr_frozen_after(clrnn_trainer *trainer)
{
    clr_frozen *frozen = &trainer->frozen;
    frozen->version = trainer->learner->version(trainer);
    return clr_extents_copy(trainer, &frozen->extents, frozen->values, *trainer->parameters);
}

void clr_frozen_free(clr_frozen *frozen)
{
    clr_buffer_destroy(&frozen->values);
    free(frozen->extents.all);
    *frozen = (clr_frozen){.version = 0};
}

/* --- not trained ---------------------------------------------------------------------------- */

clrnn_status clr_untrained_before(clrnn_trainer *trainer)
{
    return clr_extents_copy(trainer, &trainer->untrained.extents, *trainer->parameters,
                            trainer->untrained.before);
}

clrnn_status clr_untrained_after(clrnn_trainer *trainer)
{
    return clr_extents_copy(trainer, &trainer->untrained.extents, *trainer->parameters,
                            trainer->untrained.after);
}

clrnn_status clr_untrained_keep(clrnn_trainer *trainer)
{
    const clr_untrained *u = &trainer->untrained;
    clrnn_status status = CLRNN_OK;
    for (size_t i = 0; i < u->extents.count && status == CLRNN_OK; i++)
        status =
            clr_optimizer_settle(&trainer->optimizer, *trainer->parameters, u->after, u->before,
                                 u->extents.all[i].first, u->extents.all[i].count, trainer->watch);
    return status;
}

clrnn_status clr_untrained_undo(clrnn_trainer *trainer)
{
    return clr_extents_copy(trainer, &trainer->untrained.extents, trainer->untrained.before,
                            *trainer->parameters);
}

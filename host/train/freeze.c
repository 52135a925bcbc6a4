/* SPDX-License-Identifier: MIT
 * train/freeze.c - parameters that training leaves as they are, and the rate that it goes on with.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/memory.h"
#include "device/buffer.h"
#include "model/model.h"
#include "train/trainer.h"

clrnn_status clrnn_trainer_set_learning_rate(clrnn_trainer *trainer, double rate)
{
    if (!trainer)
        return CLRNN_ERR_ARGUMENT;
    if (!(rate > 0 && rate < INFINITY))
        return clr_fail(&trainer->model->context->log, CLRNN_ERR_ARGUMENT,
                        "trainer: learning_rate is %g, must be in (0,inf)", rate);
    trainer->desc.learning_rate = rate;
    return CLRNN_OK;
}

static clrnn_status no_such_tensor(const clrnn_model *model, const char *prefix)
{
    char names[400] = "";
    for (size_t i = 0; i < clr_model_tensors(model); i++) {
        clrnn_weight_info info;
        size_t used = strlen(names);
        clr_model_tensor(model, i, "rnn.", &info);
        snprintf(names + used, sizeof names - used, "%s%s", used ? ", " : "", info.name);
    }
    return clr_fail(&model->context->log, CLRNN_ERR_ARGUMENT,
                    "trainer: to freeze \"%.100s\": no tensor's name begins so; there are %s",
                    prefix, names);
}

clrnn_status clrnn_trainer_freeze(clrnn_trainer *trainer, const char *prefix)
{
    if (!trainer || !prefix)
        return clr_fail(trainer ? &trainer->model->context->log : NULL, CLRNN_ERR_ARGUMENT,
                        "clrnn_trainer_freeze: %s is NULL", trainer ? "prefix" : "trainer");
    clrnn_model *model = trainer->model;
    clr_frozen *frozen = &trainer->frozen;
    const size_t tensors = clr_model_tensors(model), before = frozen->count;
    clrnn_status status = CLRNN_OK;
    if (!frozen->values)
        status = clr_buffer_create(model->context, model->count * clr_model_element(model),
                                   &frozen->values);
    struct clr_extent *extents = clr_calloc(before + tensors, sizeof *extents);
    if (status == CLRNN_OK && !extents)
        status = clr_fail(&model->context->log, CLRNN_ERR_MEMORY, "trainer: no memory to freeze");
    if (status != CLRNN_OK) {
        free(extents);
        return status;
    }
    if (before)
        memcpy(extents, frozen->extents, before * sizeof *extents);
    free(frozen->extents);
    frozen->extents = extents;
    for (size_t i = 0; i < tensors; i++) {
        clrnn_weight_info info;
        clr_model_tensor(model, i, "rnn.", &info);
        if (strncmp(info.name, prefix, strlen(prefix)) == 0)
            extents[frozen->count++] = (struct clr_extent){info.offset, info.count};
    }
    frozen->version = 0;
    return frozen->count > before ? CLRNN_OK : no_such_tensor(model, prefix);
}

static clrnn_status copy(const clrnn_trainer *trainer, cl_mem from, cl_mem to)
{
    const clr_frozen *frozen = &trainer->frozen;
    const size_t real = clr_model_element(trainer->model);
    clrnn_status status = CLRNN_OK;
    for (size_t i = 0; i < frozen->count && status == CLRNN_OK; i++) {
        const size_t at = frozen->extents[i].first * real;
        status = clr_buffer_copy(trainer->model->context, from, at, to, at,
                                 frozen->extents[i].count * real);
    }
    return status;
}

clrnn_status clr_frozen_gradient(clrnn_trainer *trainer)
{
    const clr_frozen *frozen = &trainer->frozen;
    const size_t real = clr_model_element(trainer->model);
    clrnn_status status = CLRNN_OK;
    for (size_t i = 0; i < frozen->count && status == CLRNN_OK; i++)
        status = clr_buffer_zero(trainer->model->context, trainer->gradient,
                                 frozen->extents[i].first * real, frozen->extents[i].count * real);
    return status;
}

/* Parameters may have been set, or read from a checkpoint, since the last step. */
clrnn_status clr_frozen_before(clrnn_trainer *trainer)
{
    clr_frozen *frozen = &trainer->frozen;
    if (frozen->count == 0 || frozen->version == trainer->model->version)
        return CLRNN_OK;
    return copy(trainer, trainer->model->parameters, frozen->values);
}

clrnn_status clr_frozen_after(clrnn_trainer *trainer)
{
    clr_frozen *frozen = &trainer->frozen;
    frozen->version = trainer->model->version;
    return copy(trainer, frozen->values, trainer->model->parameters);
}

void clr_frozen_free(clr_frozen *frozen)
{
    clr_buffer_destroy(&frozen->values);
    free(frozen->extents);
    *frozen = (clr_frozen){0};
}

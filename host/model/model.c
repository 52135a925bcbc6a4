/* SPDX-License-Identifier: MIT
 * model/model.c - a model: its parts, its parameters, and its way to and from named tensors. */
#include "model/model.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/checked.h"
#include "base/log.h"
#include "base/memory.h"
#include "device/buffer.h"
#include "layer/create.h"
#include "model/description.h"
#include "model/init.h"
#include "model/pass.h"

/* --- making one --- */

static clrnn_status check_vocabulary(const clrnn_model_desc *desc, const clrnn_log *log)
{
    bool seen[256] = {false};
    if (!desc->vocabulary)
        return CLRNN_OK;
    if (desc->vocabulary_size > 256)
        return clr_fail(log, CLRNN_ERR_ARGUMENT,
                        "model: %u symbols cannot each stand for one byte: at most 256 can, leave "
                        "`vocabulary` out",
                        desc->vocabulary_size);
    for (uint32_t v = 0; v < desc->vocabulary_size; v++) {
        uint8_t byte = desc->vocabulary[v];
        if (seen[byte])
            return clr_fail(log, CLRNN_ERR_ARGUMENT,
                            "model: symbol %u of the vocabulary stands for byte %u as an earlier "
                            "one does",
                            v, byte);
        seen[byte] = true;
    }
    return CLRNN_OK;
}

/* What goes in must agree with the network; a one-hot network gets its input_size. */
static clrnn_status check_input(clrnn_model_desc *desc, const clrnn_log *log)
{
    uint32_t V = desc->vocabulary_size, *I = &desc->network.input_size;
    switch (desc->input) {
    case CLRNN_INPUT_DENSE:
        if (V != 0 || desc->vocabulary)
            return clr_fail(log, CLRNN_ERR_ARGUMENT,
                            "model: a dense input has no vocabulary, but vocabulary_size is %u and "
                            "vocabulary %s",
                            V, desc->vocabulary ? "given" : "NULL");
        return CLRNN_OK;
    case CLRNN_INPUT_ONE_HOT:
        if (*I != 0 && *I != V)
            return clr_fail(log, CLRNN_ERR_ARGUMENT,
                            "model: one-hot vectors of %u symbols do not fit input_size %u", V, *I);
        *I = V;
        break;
    case CLRNN_INPUT_EMBEDDING:
        break;
    default:
        return clr_fail(log, CLRNN_ERR_ARGUMENT, "model: unknown kind of input %d, not in 0..%d",
                        (int)desc->input, CLRNN_INPUT_EMBEDDING);
    }
    if (V == 0 || V > INT32_MAX)
        return clr_fail(log, CLRNN_ERR_RANGE, "model: vocabulary_size is %u, must be 1 to %d", V,
                        INT32_MAX);
    return check_vocabulary(desc, log);
}

static clrnn_status check_precision(const clrnn_context *context, clrnn_precision precision)
{
    if (precision != CLRNN_F32 && precision != CLRNN_F64)
        return clr_fail(&context->log, CLRNN_ERR_ARGUMENT,
                        "model: precision %d is unknown, not in 0..%d", (int)precision, CLRNN_F64);
    if (precision == CLRNN_F64 && !context->info.fp64)
        return clr_fail(&context->log, CLRNN_ERR_UNSUPPORTED,
                        "model: %s has no double precision, use CLRNN_F32", context->info.name);
    return CLRNN_OK;
}

/* Where the parts begin. */
static clrnn_status lay_out(clrnn_model *model)
{
    const clrnn_model_desc *desc = &model->desc;
    const clr_network *net = &model->network;
    clr_size at = {0, false};
    model->embedding = model->head_weight = model->head_bias = CLR_ABSENT;
    if (desc->input == CLRNN_INPUT_EMBEDDING) {
        model->embedding = 0;
        at = clr_size_mul(clr_size_of(desc->vocabulary_size), desc->network.input_size);
    }
    model->rnn = at.value;
    at = clr_size_add(at, clr_size_of(net->weights));
    if (desc->output_size > 0) {
        clr_size weight = clr_size_of(net->width);
        model->head_weight = at.value;
        at = clr_size_add(at, clr_size_mul(weight, desc->output_size));
        model->head_bias = at.value;
        at = clr_size_add(at, clr_size_of(desc->output_size));
    }
    model->count = at.value;
    if (clr_size_mul(at, sizeof(double)).overflow)
        return clr_fail(&model->context->log, CLRNN_ERR_RANGE,
                        "model: its parameters (vocabulary_size %u, output_size %u, %zu weights of "
                        "the network) are more than memory can address",
                        desc->vocabulary_size, desc->output_size, net->weights);
    return CLRNN_OK;
}

/* The device for such models, before anything stands on one. */
static clrnn_status settle(clrnn_context *context, const clrnn_model_desc *desc)
{
    const clrnn_plan_desc least = {
        .network = desc->network, .max_steps = 1, .max_batch = 1, .precision = desc->precision};
    return clr_plan_settle(context, &least);
}

/* A model whose parameters have yet to be written. desc may be the caller's. */
static clrnn_status model_open(clrnn_context *context, const clrnn_model_desc *desc,
                               clrnn_model **out)
{
    const clrnn_log *log = &context->log;
    clrnn_model *model = clr_calloc(1, sizeof *model);
    if (!model)
        return clr_fail(log, CLRNN_ERR_MEMORY, "model: no memory");
    model->context = context;
    model->desc = *desc;
    clrnn_status status = check_precision(context, desc->precision);
    if (status == CLRNN_OK)
        status = check_input(&model->desc, log);
    if (status == CLRNN_OK)
        status = clr_network_init(&model->desc.network, log, &model->network);
    if (status == CLRNN_OK) {
        model->desc.network = model->network.desc;
        status = lay_out(model);
    }
    if (status == CLRNN_OK)
        status = settle(context, &model->desc);
    if (status == CLRNN_OK)
        status =
            clr_buffer_create(context, model->count * clr_model_element(model), &model->parameters);
    if (status != CLRNN_OK) {
        clrnn_model_destroy(&model);
        return status;
    }
    if (desc->vocabulary) {
        memcpy(model->vocabulary, desc->vocabulary, desc->vocabulary_size);
        model->desc.vocabulary = model->vocabulary;
    }
    *out = model;
    return CLRNN_OK;
}

/* Host memory for all parameters, zeroed; NULL = logged. */
static void *host_parameters(const clrnn_model *model)
{
    void *values = clr_calloc(model->count, clr_model_element(model));
    if (!values)
        clr_log(&model->context->log, CLRNN_LOG_ERROR,
                "model: no memory for a copy of the parameters (%zu elements)", model->count);
    return values;
}

clrnn_status clrnn_model_create(clrnn_context *context, const clrnn_model_desc *desc, uint64_t seed,
                                clrnn_model **model)
{
    if (model)
        *model = NULL;
    if (!context || !desc || !model)
        return clr_fail(context ? &context->log : NULL, CLRNN_ERR_ARGUMENT,
                        "clrnn_model_create: %s is NULL",
                        !context ? "context"
                        : !desc  ? "desc"
                                 : "model");
    clrnn_model *made = NULL;
    void *values = NULL;
    clrnn_status status = model_open(context, desc, &made);
    if (status == CLRNN_OK)
        status = clr_init_resolve(&made->network, &context->log, &made->desc.init);
    if (status != CLRNN_OK)
        goto out;
    status = CLRNN_ERR_MEMORY;
    values = host_parameters(made);
    if (!values)
        goto out;
    status = clr_model_init(made, seed, values);
    if (status != CLRNN_OK)
        goto out;
    status = clrnn_model_set_parameters(made, values);
out:
    free(values);
    if (status == CLRNN_OK)
        *model = made;
    else
        clrnn_model_destroy(&made);
    return status;
}

void clrnn_model_destroy(clrnn_model **model)
{
    if (!model || !*model)
        return;
    clr_model_pass_destroy(&(*model)->pass);
    clr_buffer_destroy(&(*model)->parameters);
    free(*model);
    *model = NULL;
}

/* --- parameters --- */

clrnn_status clrnn_model_get_parameters(clrnn_model *model, void *parameters)
{
    if (!model || !parameters)
        return clr_fail(model ? &model->context->log : NULL, CLRNN_ERR_ARGUMENT,
                        "clrnn_model_get_parameters: %s is NULL", model ? "parameters" : "model");
    clrnn_status status = clr_model_check_parameters(model);
    if (status != CLRNN_OK)
        return status;
    return clr_buffer_read(model->context, model->parameters, 0,
                           model->count * clr_model_element(model), parameters);
}

clrnn_status clrnn_model_set_parameters(clrnn_model *model, const void *parameters)
{
    if (!model || !parameters)
        return clr_fail(model ? &model->context->log : NULL, CLRNN_ERR_ARGUMENT,
                        "clrnn_model_set_parameters: %s is NULL", model ? "parameters" : "model");
    clrnn_status status = clr_buffer_write(model->context, model->parameters, 0,
                                           model->count * clr_model_element(model), parameters);
    model->version++; /* also on failure: the old values may be gone */
    model->lost = status == CLRNN_OK ? 0 : model->version;
    return status;
}

const clrnn_model_desc *clrnn_model_get_desc(const clrnn_model *model)
{
    return model ? &model->desc : NULL;
}

size_t clrnn_model_parameter_count(const clrnn_model *model)
{
    return model ? model->count : 0;
}

clrnn_status clrnn_model_set_strategy(clrnn_model *model, clrnn_strategy strategy)
{
    if (!model)
        return CLRNN_ERR_ARGUMENT;
    if ((unsigned)strategy > CLRNN_STRATEGY_FUSED)
        return clr_fail(&model->context->log, CLRNN_ERR_ARGUMENT,
                        "model: strategy %d is unknown, not in 0..%d", (int)strategy,
                        CLRNN_STRATEGY_FUSED);
    model->strategy = strategy;
    return CLRNN_OK;
}

clrnn_status clrnn_model_set_storage(clrnn_model *model, clrnn_storage weights)
{
    if (!model)
        return CLRNN_ERR_ARGUMENT;
    if ((unsigned)weights > CLRNN_WEIGHTS_INT8)
        return clr_fail(&model->context->log, CLRNN_ERR_ARGUMENT,
                        "model: unknown storage of weights %d, not in 0..%d", (int)weights,
                        CLRNN_WEIGHTS_INT8);
    if (weights != CLRNN_WEIGHTS_F32 && model->desc.precision != CLRNN_F32)
        return clr_fail(
            &model->context->log, CLRNN_ERR_ARGUMENT,
            "model: storage of weights %d, but in double precision they are kept as they are (0)",
            (int)weights);
    model->weights = weights;
    return CLRNN_OK;
}

/* --- named tensors --- */

static size_t network_tensors(const clrnn_model *model)
{
    size_t tensors = 0, elements = 0;
    clrnn_network_weights(&model->desc.network, NULL, &tensors, &elements);
    return tensors;
}

size_t clr_model_tensors(const clrnn_model *model)
{
    return (model->embedding != CLR_ABSENT ? 1 : 0) + network_tensors(model) +
           (model->head_weight != CLR_ABSENT ? 2 : 0);
}

void clr_model_tensor(const clrnn_model *model, size_t index, const char *prefix,
                      clrnn_weight_info *info)
{
    const clrnn_model_desc *desc = &model->desc;
    uint64_t V = desc->vocabulary_size, E = desc->network.input_size, O = desc->output_size;
    uint64_t width = clr_model_width(model);
    size_t first = model->embedding != CLR_ABSENT ? 1 : 0, head = first + network_tensors(model);
    if (index < first) {
        *info = (clrnn_weight_info){"embedding.weight", 2, {V, E}, model->embedding, V * E};
    } else if (index < head) {
        clrnn_weight_info weight = {.rank = 0};
        clrnn_network_weight(&desc->network, NULL, index - first, &weight);
        *info = weight;
        snprintf(info->name, sizeof info->name, "%.8s%.39s", prefix, weight.name);
        info->offset += model->rnn;
    } else if (index == head) {
        *info = (clrnn_weight_info){"head.weight", 2, {O, width}, model->head_weight, O * width};
    } else {
        *info = (clrnn_weight_info){"head.bias", 1, {O, 1}, model->head_bias, O};
    }
}

/* values: out [count], of the model's precision. */
static clrnn_status read_tensors(const clrnn_model *model, const clrnn_tensors *set,
                                 const char *prefix, void *values)
{
    for (size_t i = 0; i < clr_model_tensors(model); i++) {
        clrnn_weight_info info;
        clr_model_tensor(model, i, prefix, &info);
        const clrnn_tensor *tensor = clrnn_tensors_find(set, info.name);
        if (!tensor || tensor->count != info.count)
            return clr_fail(&model->context->log, CLRNN_ERR_FORMAT,
                            "tensor %s: %zu elements found, %zu expected", info.name,
                            tensor ? tensor->count : 0, info.count);
        if (model->desc.precision == CLRNN_F64)
            clrnn_tensor_to_f64(tensor, (double *)values + info.offset);
        else
            clrnn_tensor_to_f32(tensor, (float *)values + info.offset);
    }
    return CLRNN_OK;
}

clrnn_status clr_model_make(clrnn_context *context, const clrnn_model_desc *desc,
                            const clrnn_tensors *set, const char *prefix, clrnn_model **model)
{
    clrnn_model *made = NULL;
    void *values = NULL;
    clrnn_status status = model_open(context, desc, &made);
    if (status != CLRNN_OK)
        return status;
    status = CLRNN_ERR_MEMORY;
    values = host_parameters(made);
    if (!values)
        goto out;
    status = read_tensors(made, set, prefix, values);
    if (status != CLRNN_OK)
        goto out;
    status = clrnn_model_set_parameters(made, values);
out:
    free(values);
    if (status == CLRNN_OK)
        *model = made;
    else
        clrnn_model_destroy(&made);
    return status;
}

clrnn_status clrnn_model_to_tensors(clrnn_model *model, clrnn_tensors *set)
{
    if (!model || !set)
        return clr_fail(model ? &model->context->log : NULL, CLRNN_ERR_ARGUMENT,
                        "clrnn_model_to_tensors: %s is NULL", model ? "set" : "model");
    clrnn_dtype dtype = model->desc.precision == CLRNN_F64 ? CLRNN_DTYPE_F64 : CLRNN_DTYPE_F32;
    char *json = NULL;
    clrnn_status status = CLRNN_ERR_MEMORY;
    char *values = host_parameters(model);
    if (!values)
        goto out;
    status = clrnn_model_get_parameters(model, values);
    for (size_t i = 0; i < clr_model_tensors(model) && status == CLRNN_OK; i++) {
        clrnn_weight_info info;
        clr_model_tensor(model, i, "rnn.", &info);
        status = clrnn_tensors_add(set, info.name, dtype, info.rank, info.shape,
                                   values + info.offset * clr_model_element(model));
    }
    if (status != CLRNN_OK)
        goto out;
    status = clr_description_write(&model->desc, &model->context->log, &json);
    if (status != CLRNN_OK)
        goto out;
    status = clrnn_tensors_set_metadata(set, "clrnn", json);
out:
    free(json);
    free(values);
    return status;
}

clrnn_status clrnn_model_save(clrnn_model *model, const char *path)
{
    if (!model || !path)
        return clr_fail(model ? &model->context->log : NULL, CLRNN_ERR_ARGUMENT,
                        "clrnn_model_save: %s is NULL", model ? "path" : "model");
    clrnn_tensors *set = NULL;
    clrnn_status status = clrnn_tensors_create(&model->context->log, &set);
    if (status == CLRNN_OK && (status = clrnn_model_to_tensors(model, set)) == CLRNN_OK)
        status = clrnn_tensors_save(set, path);
    clrnn_tensors_destroy(&set);
    return status;
}

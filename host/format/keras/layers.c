/* SPDX-License-Identifier: MIT
 * format/keras/layers.c - layers of Keras with weights but without states, and functions. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/memory.h"
#include "format/keras/keras.h"

static clrnn_status add_dense(clr_keras *k)
{
    static const char *const known[] = {"units", "activation", "use_bias", NULL};
    clrnn_node_desc desc = {.kind = CLRNN_NODE_DENSE,
                            .no_bias = !clr_keras_flag(k, "use_bias", true)};
    uint32_t in = 0;
    double *kernel = NULL, *bias = NULL;
    clrnn_status status = clr_keras_check(k, known);
    if (status == CLRNN_OK && !clr_keras_size(k, "units", &desc.units))
        status = clr_keras_wrong(k, "units is no size");
    if (status == CLRNN_OK)
        status = clr_keras_features(k, &in);
    const uint64_t shape[] = {in, desc.units};
    if (status == CLRNN_OK)
        status = clr_keras_weight(k, "", 0, 0, 2, shape, &kernel);
    if (status == CLRNN_OK && !desc.no_bias)
        status = clr_keras_weight(k, "", 0, 1, 1, shape + 1, &bias);
    if (status == CLRNN_OK)
        status = clr_keras_add_bent(k, &desc);
    if (status == CLRNN_OK)
        status = clr_keras_set_moved(k, "weight", kernel, 2, shape, (const uint32_t[]){1, 0});
    if (status == CLRNN_OK && bias)
        status = clr_keras_set(k, "bias", bias, desc.units);
    free(kernel);
    free(bias);
    return status;
}

static clrnn_status add_embedding(clr_keras *k)
{
    static const char *const known[] = {"input_dim", "output_dim", "mask_zero", NULL};
    clrnn_node_desc desc = {.kind = CLRNN_NODE_EMBEDDING};
    double *table = NULL;
    clrnn_status status = clr_keras_check(k, known);
    if (status == CLRNN_OK && (!clr_keras_size(k, "input_dim", &desc.vocabulary) ||
                               !clr_keras_size(k, "output_dim", &desc.units)))
        status = clr_keras_wrong(k, "input_dim or output_dim is no size");
    const uint64_t shape[] = {desc.vocabulary, desc.units};
    if (status == CLRNN_OK)
        status = clr_keras_weight(k, "", 0, 0, 2, shape, &table);
    if (status == CLRNN_OK)
        status = clr_keras_add(k, &desc, "", k->inputs[0].name, &k->outputs[0]);
    if (status == CLRNN_OK)
        status = clr_keras_set(k, "weight", table, (size_t)desc.vocabulary * desc.units);
    free(table);
    if (status == CLRNN_OK && clr_keras_flag(k, "mask_zero", false)) {
        clr_keras_value mask;
        status = clr_keras_mask_ids(k, k->inputs[0].name, &mask);
        memcpy(k->outputs[0].mask, mask.name, sizeof mask.name);
    }
    return status;
}

/* The axis of a norm must be the last one. */
static clrnn_status check_axis(const clr_keras *k)
{
    clrnn_value_info info;
    const cJSON *axis = clr_keras_member(k, "axis");
    clrnn_status status = clr_keras_value_info(k, k->inputs[0].name, &info);
    if (cJSON_IsArray(axis))
        axis = cJSON_GetArraySize(axis) == 1 ? axis->child : NULL;
    if (status != CLRNN_OK ||
        (cJSON_IsNumber(axis) && (axis->valuedouble == -1 || axis->valuedouble == info.rank - 1.0)))
        return status;
    return clr_keras_unsupported(k, "axis", axis ? clr_json_show(axis).text : "(several)");
}

/* gamma, beta and whatever follows them; the graph's node has both of the two or neither. */
static clrnn_status add_norm(clr_keras *k, clrnn_node_desc *desc, bool batch)
{
    static const char *const leaves[] = {"weight", "bias", "running_mean", "running_var"};
    const bool there[] = {clr_keras_flag(k, "scale", true), clr_keras_flag(k, "center", true),
                          batch, batch};
    uint32_t in = 0, at = 0;
    clrnn_status status = check_axis(k);
    if (status == CLRNN_OK)
        status = clr_keras_features(k, &in);
    desc->epsilon = clr_keras_number(k, "epsilon", 1e-3);
    desc->no_bias = !there[0] && !there[1];
    if (status == CLRNN_OK && !(desc->epsilon > 0))
        status = clr_keras_wrong(k, "epsilon is not above 0");
    if (status == CLRNN_OK)
        status = clr_keras_add(k, desc, "", k->inputs[0].name, &k->outputs[0]);
    const uint64_t shape[] = {in};
    for (int i = 0; i < 4 && status == CLRNN_OK; i++) {
        double *values = NULL;
        if (!there[i])
            continue;
        status = clr_keras_weight(k, "", 0, at++, 1, shape, &values);
        if (status == CLRNN_OK)
            status = clr_keras_set(k, leaves[i], values, in);
        free(values);
    }
    return status;
}

static clrnn_status add_batch_norm(clr_keras *k)
{
    static const char *const known[] = {"axis",  "momentum",        "epsilon", "center",
                                        "scale", "renorm_momentum", NULL};
    const double momentum = clr_keras_number(k, "momentum", 0.99);
    clrnn_node_desc desc = {.kind = CLRNN_NODE_BATCH_NORM, .axis = -1};
    clrnn_status status = clr_keras_check(k, known);
    if (momentum > 0 && momentum < 1) /* of what is kept; ours of what is new */
        desc.momentum = 1 - momentum;
    return status == CLRNN_OK ? add_norm(k, &desc, true) : status;
}

static clrnn_status add_layer_norm(clr_keras *k)
{
    static const char *const known[] = {"axis", "epsilon", "center", "scale", NULL};
    clrnn_node_desc desc = {.kind = CLRNN_NODE_LAYER_NORM};
    clrnn_status status = clr_keras_check(k, known);
    return status == CLRNN_OK ? add_norm(k, &desc, false) : status;
}

clrnn_status clr_keras_plain(clr_keras *k, bool *is)
{
    static const clr_keras_type types[] = {{"Dense", add_dense},
                                           {"Embedding", add_embedding},
                                           {"BatchNormalization", add_batch_norm},
                                           {"LayerNormalization", add_layer_norm},
                                           {NULL, NULL}};
    return clr_keras_one_of(k, types, is);
}

/* SPDX-License-Identifier: MIT
 * format/keras_moving.c - layers of Keras without weights that merge, move or pool values. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "format/keras.h"

/* Two or more values, one operation after the other. */
static clrnn_status fold(clr_keras *k, clrnn_node_kind kind)
{
    static const char *const known[] = {NULL};
    clr_keras_value sum = k->inputs[0];
    clrnn_status status = clr_keras_check(k, known);
    if (status == CLRNN_OK && k->input_count < 2)
        status = clr_keras_wrong(k, "it needs two inputs");
    for (uint32_t i = 1; i < k->input_count && status == CLRNN_OK; i++) {
        clrnn_node_desc desc = {.kind = kind, .inputs = {sum.name, k->inputs[i].name}};
        char suffix[16] = "";
        if (i + 1 < k->input_count)
            snprintf(suffix, sizeof suffix, ".%u", i);
        clr_keras_value next;
        status = clr_keras_add(k, &desc, suffix, NULL, &next);
        sum = next;
    }
    sum.mask[0] = 0;
    k->outputs[0] = sum;
    return status;
}

/* The same under another name: something follows. */
static clrnn_status fold_as(clr_keras *k, clrnn_node_kind kind, const char *suffix)
{
    char whole[CLR_KERAS_NAME];
    memcpy(whole, k->node, sizeof whole);
    strncat(k->node, suffix, sizeof k->node - strlen(k->node) - 1);
    clrnn_status status = fold(k, kind);
    memcpy(k->node, whole, sizeof whole);
    return status;
}

static clrnn_status add_average(clr_keras *k)
{
    clrnn_status status = fold_as(k, CLRNN_NODE_ADD, ".sum");
    const clrnn_node_desc desc = {
        .kind = CLRNN_NODE_ACTIVATION, .function = CLRNN_FN_AFFINE, .alpha = 1.0 / k->input_count};
    const clr_keras_value sum = k->outputs[0];
    return status == CLRNN_OK ? clr_keras_add(k, &desc, "", sum.name, &k->outputs[0]) : status;
}

static clrnn_status add_concat(clr_keras *k)
{
    static const char *const known[] = {"axis", NULL};
    clrnn_node_desc desc = {.kind = CLRNN_NODE_CONCAT,
                            .axis = (int32_t)clr_keras_number(k, "axis", -1)};
    clrnn_status status = clr_keras_check(k, known);
    for (uint32_t i = 0; i < k->input_count; i++)
        desc.inputs[i] = k->inputs[i].name;
    return status == CLRNN_OK ? clr_keras_add(k, &desc, "", NULL, &k->outputs[0]) : status;
}

static clrnn_status add_pool(clr_keras *k)
{
    static const char *const known[] = {"data_format", "keepdims", NULL};
    const char *format = clr_keras_text(k, "data_format", "channels_last");
    const clrnn_node_desc desc = {.kind = CLRNN_NODE_POOL,
                                  .reduction = strstr(k->type, "Max") ? CLRNN_REDUCE_MAX
                                                                      : CLRNN_REDUCE_MEAN};
    clrnn_status status = clr_keras_check(k, known);
    if (status == CLRNN_OK && clr_keras_flag(k, "keepdims", false))
        status = clr_keras_unsupported(k, "its config's", "keepdims");
    if (status == CLRNN_OK && strcmp(format, "channels_last") != 0)
        status = clr_keras_unsupported(k, "data_format", format);
    if (status == CLRNN_OK && k->mask[0] && desc.reduction == CLRNN_REDUCE_MEAN)
        return clr_keras_mask_mean(k);
    return status == CLRNN_OK ? clr_keras_add(k, &desc, "", k->inputs[0].name, &k->outputs[0])
                              : status;
}

/* What does nothing but in training. */
static clrnn_status pass(clr_keras *k)
{
    static const char *const known[] = {"rate", "noise_shape", "stddev", "l1", "l2", NULL};
    k->outputs[0] = k->inputs[0];
    return clr_keras_check(k, known);
}

static clrnn_status drop(clr_keras *k, bool variational)
{
    static const char *const known[] = {"rate", "noise_shape", NULL};
    const clrnn_node_desc desc = {.kind = CLRNN_NODE_DROPOUT,
                                  .probability = clr_keras_rate(k, "rate"),
                                  .variational = variational};
    clrnn_status status = clr_keras_check(k, known);
    k->outputs[0] = k->inputs[0];
    return status == CLRNN_OK && desc.probability > 0
               ? clr_keras_add(k, &desc, "", k->inputs[0].name, &k->outputs[0])
               : status;
}

static clrnn_status add_dropout(clr_keras *k)
{
    return drop(k, false);
}

/* Whole channels, at all steps. */
static clrnn_status add_spatial_dropout(clr_keras *k)
{
    return drop(k, true);
}

/* [N,..] with the sizes of target_shape, of which one may be -1. */
static clrnn_status add_reshape(clr_keras *k)
{
    static const char *const known[] = {"target_shape", NULL};
    const cJSON *target = clr_keras_member(k, "target_shape");
    clrnn_node_desc desc = {.kind = CLRNN_NODE_RESHAPE, .rank = 1, .shape = {CLRNN_BATCH}};
    clrnn_status status = clr_keras_check(k, known);
    if (status == CLRNN_OK && (!cJSON_IsArray(target) || cJSON_GetArraySize(target) > 7))
        status = clr_keras_wrong(k, "target_shape is no list of sizes");
    for (const cJSON *i = status == CLRNN_OK ? target->child : NULL; i; i = i->next) {
        const double size = cJSON_IsNumber(i) ? i->valuedouble : 0;
        if (size != -1 && (size < 1 || size > INT32_MAX || size != floor(size)))
            return clr_keras_wrong(k, "target_shape is no list of sizes");
        desc.shape[desc.rank++] = size == -1 ? CLRNN_REST : (int64_t)size;
    }
    return status == CLRNN_OK ? clr_keras_add(k, &desc, "", k->inputs[0].name, &k->outputs[0])
                              : status;
}

static clrnn_status add_flatten(clr_keras *k)
{
    static const char *const known[] = {"data_format", NULL};
    const clrnn_node_desc desc = {
        .kind = CLRNN_NODE_RESHAPE, .rank = 2, .shape = {CLRNN_BATCH, CLRNN_REST}};
    clrnn_value_info info;
    clrnn_status status = clr_keras_check(k, known);
    if (status == CLRNN_OK)
        status = clr_keras_value_info(k, k->inputs[0].name, &info);
    for (uint32_t i = 1; status == CLRNN_OK && i < info.rank; i++)
        if (info.shape[i] < 0)
            return clr_keras_unsupported(k, "what it reads:", "time made into features");
    return status == CLRNN_OK ? clr_keras_add(k, &desc, "", k->inputs[0].name, &k->outputs[0])
                              : status;
}

static clrnn_status add_permute(clr_keras *k)
{
    static const char *const known[] = {"dims", NULL};
    const cJSON *dims = clr_keras_member(k, "dims");
    clrnn_node_desc desc = {.kind = CLRNN_NODE_TRANSPOSE, .rank = 1};
    clrnn_status status = clr_keras_check(k, known);
    for (const cJSON *i = dims ? dims->child : NULL; i; i = i->next) {
        uint64_t axis = 0;
        if (!clr_json_integer(i, 7, &axis) || axis == 0 || desc.rank == CLRNN_MOST_AXES)
            return clr_keras_wrong(k, "dims is no list of axes");
        desc.order[desc.rank++] = (uint32_t)axis;
    }
    return status == CLRNN_OK ? clr_keras_add(k, &desc, "", k->inputs[0].name, &k->outputs[0])
                              : status;
}

static clrnn_status add_rescaling(clr_keras *k)
{
    static const char *const known[] = {"scale", "offset", NULL};
    const clrnn_node_desc desc = {.kind = CLRNN_NODE_ACTIVATION,
                                  .function = CLRNN_FN_AFFINE,
                                  .alpha = clr_keras_number(k, "scale", 1),
                                  .beta = clr_keras_number(k, "offset", 0)};
    clrnn_status status = clr_keras_check(k, known);
    if (status == CLRNN_OK && (!isfinite(desc.alpha) || !isfinite(desc.beta) || desc.alpha == 0))
        status = clr_keras_unsupported(k, "its config's", "scale or offset that is no number");
    return status == CLRNN_OK ? clr_keras_add(k, &desc, "", k->inputs[0].name, &k->outputs[0])
                              : status;
}

static clrnn_status add_sum(clr_keras *k)
{
    return fold(k, CLRNN_NODE_ADD);
}

static clrnn_status add_difference(clr_keras *k)
{
    return k->input_count == 2 ? fold(k, CLRNN_NODE_SUB)
                               : clr_keras_wrong(k, "it needs two inputs");
}

static clrnn_status add_product(clr_keras *k)
{
    bool any = false, all = true;
    for (uint32_t i = 0; i < k->input_count; i++) {
        any = any || k->inputs[i].mask[0];
        all = all && k->inputs[i].mask[0];
    }
    if (!any || k->before_3)
        return fold(k, CLRNN_NODE_MUL);
    clrnn_status status = clr_keras_mask_factors(k);
    if (status == CLRNN_OK)
        status = fold_as(k, CLRNN_NODE_MUL, all ? ".product" : "");
    return status == CLRNN_OK && all ? clr_keras_mask_product(k) : status;
}

static clrnn_status add_minimum(clr_keras *k)
{
    return fold(k, CLRNN_NODE_MIN);
}

static clrnn_status add_maximum(clr_keras *k)
{
    return fold(k, CLRNN_NODE_MAX);
}

clrnn_status clr_keras_moving(clr_keras *k, bool *is)
{
    static const struct {
        const char *type;
        clrnn_status (*add)(clr_keras *k);
    } types[] = {{"Add", add_sum},
                 {"Subtract", add_difference},
                 {"Multiply", add_product},
                 {"Minimum", add_minimum},
                 {"Maximum", add_maximum},
                 {"Average", add_average},
                 {"Concatenate", add_concat},
                 {"GlobalAveragePooling1D", add_pool},
                 {"GlobalMaxPooling1D", add_pool},
                 {"Dropout", add_dropout},
                 {"SpatialDropout1D", add_spatial_dropout},
                 {"GaussianNoise", pass},
                 {"GaussianDropout", pass},
                 {"AlphaDropout", pass},
                 {"ActivityRegularization", pass},
                 {"Reshape", add_reshape},
                 {"Flatten", add_flatten},
                 {"Permute", add_permute},
                 {"Rescaling", add_rescaling}};
    *is = true;
    for (size_t i = 0; i < sizeof types / sizeof *types; i++)
        if (strcmp(types[i].type, k->type) == 0)
            return types[i].add(k);
    *is = false;
    return CLRNN_OK;
}

/* SPDX-License-Identifier: MIT
 * format/keras/moving.c - layers of Keras without weights that merge, move or pool values. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "format/keras/keras.h"

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

/* What is not fixed yet: whether a size stands for T is not to be seen. */
static clrnn_status read_sizes(const clr_keras *k, clrnn_value_info *x)
{
    clrnn_status status = clr_keras_value_info(k, k->inputs[0].name, x);
    for (uint32_t i = 1; status == CLRNN_OK && i < x->rank; i++)
        if (x->shape[i] == CLRNN_STEPS && !k->fixed)
            status = clr_keras_unsupported(k, "what it reads:", "time of any length");
    return status;
}

/* [rows,..] with the sizes of target_shape, of which one may be -1. */
static clrnn_status add_reshape(clr_keras *k)
{
    static const char *const known[] = {"target_shape", NULL};
    const cJSON *target = clr_keras_member(k, "target_shape");
    clrnn_node_desc desc = {.kind = CLRNN_NODE_RESHAPE, .rank = 1};
    clrnn_value_info x;
    clrnn_status status = clr_keras_check(k, known);
    if (status == CLRNN_OK && (!cJSON_IsArray(target) || cJSON_GetArraySize(target) > 7))
        status = clr_keras_wrong(k, "target_shape is no list of sizes");
    if (status == CLRNN_OK)
        status = read_sizes(k, &x);
    int64_t all = 1, others = 1;
    for (uint32_t i = 1; status == CLRNN_OK && i < x.rank; i++)
        all = all < 1 || x.shape[i] < 1 || x.shape[i] > INT32_MAX / all ? 0 : all * x.shape[i];
    for (const cJSON *i = status == CLRNN_OK ? target->child : NULL; i; i = i->next) {
        const double size = cJSON_IsNumber(i) ? i->valuedouble : 0;
        if (size != -1 && (size < 1 || size > INT32_MAX || size != floor(size)))
            return clr_keras_wrong(k, "target_shape is no list of sizes");
        others = size == -1 || others > INT32_MAX ? others : others * (int64_t)size;
        desc.shape[desc.rank++] = size == -1 ? CLRNN_REST : (int64_t)size;
    }
    desc.shape[0] = status == CLRNN_OK ? x.shape[0] : 0;
    for (uint32_t i = 1; i < desc.rank; i++) /* the rows may be what is left */
        if (desc.shape[i] == CLRNN_REST && all)
            desc.shape[i] = all / others;
    return status == CLRNN_OK ? clr_keras_add(k, &desc, "", k->inputs[0].name, &k->outputs[0])
                              : status;
}

static clrnn_status add_flatten(clr_keras *k)
{
    static const char *const known[] = {"data_format", NULL};
    clrnn_node_desc desc = {.kind = CLRNN_NODE_RESHAPE, .rank = 2, .shape = {0, 1}};
    clrnn_value_info x;
    clrnn_status status = clr_keras_check(k, known);
    if (status == CLRNN_OK)
        status = read_sizes(k, &x);
    for (uint32_t i = 1; status == CLRNN_OK && i < x.rank; i++)
        if (x.shape[i] < 1 || desc.shape[1] * x.shape[i] > INT32_MAX)
            return clr_keras_unsupported(k, "what it reads:", "time made into features");
        else
            desc.shape[1] *= x.shape[i];
    desc.shape[0] = status == CLRNN_OK ? x.shape[0] : 0;
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
    static const clr_keras_type types[] = {{"Add", add_sum},
                                           {"Subtract", add_difference},
                                           {"Multiply", add_product},
                                           {"Minimum", add_minimum},
                                           {"Maximum", add_maximum},
                                           {"Average", add_average},
                                           {"Concatenate", add_concat},
                                           {"Dropout", add_dropout},
                                           {"SpatialDropout1D", add_spatial_dropout},
                                           {"SpatialDropout2D", pass},
                                           {"Identity", pass},
                                           {"GaussianNoise", pass},
                                           {"GaussianDropout", pass},
                                           {"AlphaDropout", pass},
                                           {"ActivityRegularization", pass},
                                           {"Reshape", add_reshape},
                                           {"Flatten", add_flatten},
                                           {"Permute", add_permute},
                                           {"Rescaling", add_rescaling},
                                           {NULL, NULL}};
    return clr_keras_one_of(k, types, is);
}

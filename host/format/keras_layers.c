/* SPDX-License-Identifier: MIT
 * format/keras_layers.c - layers of Keras with weights but without states, and functions. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/memory.h"
#include "format/keras.h"

/* Features of what the layer reads: its last axis. */
static clrnn_status features(const clr_keras *k, uint32_t *size)
{
    clrnn_value_info info;
    clrnn_status status = clr_keras_value_info(k, k->inputs[0].name, &info);
    if (status != CLRNN_OK)
        return status;
    const int64_t last = info.rank > 0 && !info.ids ? info.shape[info.rank - 1] : 0;
    *size = last > 0 ? (uint32_t)last : 0;
    return last > 0 && last <= INT32_MAX
               ? CLRNN_OK
               : clr_keras_wrong(k, "the features that it reads have no size");
}

/* Keras's [a..,b] as [b,..a]: the axes in the other order. */
static clrnn_status set_turned(const clr_keras *k, const char *leaf, const double *from,
                               uint32_t rank, const uint64_t *shape)
{
    size_t count = 1;
    for (uint32_t i = 0; i < rank; i++)
        count *= (size_t)shape[i];
    double *turned = clr_calloc(count, sizeof *turned);
    if (!turned)
        return clr_fail(k->log, CLRNN_ERR_MEMORY, "%s: no memory for weights", k->file);
    for (size_t i = 0; i < count; i++) {
        size_t rest = i, place = 0;
        for (uint32_t axis = rank; axis-- > 0; rest /= shape[axis]) {
            size_t stride = 1;
            for (uint32_t before = 0; before < axis; before++)
                stride *= (size_t)shape[before];
            place += rest % shape[axis] * stride;
        }
        turned[place] = from[i];
    }
    clrnn_status status = clr_keras_set(k, leaf, turned, count);
    free(turned);
    return status;
}

/* A node with a function of its own, and a softmax behind it. */
static clrnn_status add_with_function(clr_keras *k, clrnn_node_desc *desc)
{
    clrnn_node_kind softmax;
    clrnn_status status = clr_keras_function(k, "activation", "linear", desc, &softmax);
    if (status == CLRNN_OK)
        status = clr_keras_add(k, desc, "", k->inputs[0].name, &k->outputs[0]);
    if (status == CLRNN_OK && softmax != CLRNN_NODE_KINDS)
        status = clr_keras_activate(k, "activation", &k->outputs[0]);
    return status;
}

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
        status = features(k, &in);
    const uint64_t shape[] = {in, desc.units};
    if (status == CLRNN_OK)
        status = clr_keras_weight(k, "", 0, 0, 2, shape, &kernel);
    if (status == CLRNN_OK && !desc.no_bias)
        status = clr_keras_weight(k, "", 0, 1, 1, shape + 1, &bias);
    if (status == CLRNN_OK)
        status = add_with_function(k, &desc);
    if (status == CLRNN_OK)
        status = set_turned(k, "weight", kernel, 2, shape);
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
    if (status == CLRNN_OK && clr_keras_flag(k, "mask_zero", false) && !k->masks_given) {
        clr_keras_value mask;
        status = clr_keras_mask_ids(k, k->inputs[0].name, &mask);
        memcpy(k->outputs[0].mask, mask.name, sizeof mask.name);
    }
    return status;
}

static clrnn_status take_window(clr_keras *k, clrnn_node_desc *desc)
{
    const char *padding = clr_keras_text(k, "padding", "valid");
    const char *format = clr_keras_text(k, "data_format", "channels_last");
    if (!clr_keras_size(k, "filters", &desc->units) ||
        !clr_keras_size(k, "kernel_size", &desc->kernel[0]) ||
        !clr_keras_size(k, "strides", &desc->stride[0]) ||
        !clr_keras_size(k, "dilation_rate", &desc->dilation[0]))
        return clr_keras_wrong(k, "filters, kernel_size, strides or dilation_rate is no size");
    if (clr_keras_member(k, "groups") && !clr_keras_size(k, "groups", &desc->groups))
        return clr_keras_wrong(k, "groups is no size");
    if (strcmp(format, "channels_last") != 0)
        return clr_keras_unsupported(k, "data_format", format);
    const uint64_t around = (uint64_t)(desc->kernel[0] - 1) * desc->dilation[0];
    if (around > INT32_MAX)
        return clr_keras_wrong(k, "its kernel is too long");
    desc->causal = strcmp(padding, "causal") == 0;
    if (strcmp(padding, "same") == 0) {
        if (desc->stride[0] != 1)
            return clr_keras_unsupported(k, "padding", "same with strides");
        desc->pad_begin[0] = (uint32_t)(around / 2);
        desc->pad_end[0] = (uint32_t)(around - around / 2);
    } else if (!desc->causal && strcmp(padding, "valid") != 0)
        return clr_keras_unsupported(k, "padding", padding);
    return CLRNN_OK;
}

static clrnn_status add_conv(clr_keras *k)
{
    static const char *const known[] = {
        "filters",       "kernel_size", "strides",  "padding",     "groups",
        "dilation_rate", "activation",  "use_bias", "data_format", NULL};
    clrnn_node_desc desc = {
        .kind = CLRNN_NODE_CONV1D, .groups = 1, .no_bias = !clr_keras_flag(k, "use_bias", true)};
    uint32_t in = 0;
    double *kernel = NULL, *bias = NULL;
    clrnn_status status = clr_keras_check(k, known);
    if (status == CLRNN_OK)
        status = take_window(k, &desc);
    if (status == CLRNN_OK)
        status = features(k, &in);
    const uint64_t shape[] = {desc.kernel[0], in / desc.groups, desc.units};
    if (status == CLRNN_OK)
        status = clr_keras_weight(k, "", 0, 0, 3, shape, &kernel);
    if (status == CLRNN_OK && !desc.no_bias)
        status = clr_keras_weight(k, "", 0, 1, 1, shape + 2, &bias);
    if (status == CLRNN_OK)
        status = add_with_function(k, &desc);
    if (status == CLRNN_OK)
        status = set_turned(k, "weight", kernel, 3, shape);
    if (status == CLRNN_OK && bias)
        status = clr_keras_set(k, "bias", bias, desc.units);
    free(kernel);
    free(bias);
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
        status = features(k, &in);
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

/* --- functions ---------------------------------------------------------------------------------
 */

static clrnn_status add_activation(clr_keras *k)
{
    static const char *const known[] = {"activation", NULL};
    clrnn_status status = clr_keras_check(k, known);
    k->outputs[0] = k->inputs[0];
    return status == CLRNN_OK ? clr_keras_activate(k, "activation", &k->outputs[0]) : status;
}

static clrnn_status add_softmax(clr_keras *k)
{
    static const char *const known[] = {"axis", NULL};
    const double axis = clr_keras_number(k, "axis", -1);
    const clrnn_node_desc desc = {.kind = CLRNN_NODE_SOFTMAX, .axis = -1};
    clrnn_status status = clr_keras_check(k, known);
    if (status == CLRNN_OK && axis != -1)
        status = clr_keras_unsupported(k, "axis", "that is not the last");
    if (status == CLRNN_OK && k->mask[0])
        status = clr_keras_unsupported(k, "of what it reads", "a mask");
    return status == CLRNN_OK ? clr_keras_add(k, &desc, "", k->inputs[0].name, &k->outputs[0])
                              : status;
}

/* relu(x), up to max_value, with a slope below 0. */
static clrnn_status add_relu(clr_keras *k)
{
    static const char *const known[] = {"max_value", "negative_slope", "threshold", NULL};
    const double most = clr_keras_number(k, "max_value", 0),
                 slope = clr_keras_number(k, "negative_slope", 0);
    clrnn_node_desc desc = {.kind = CLRNN_NODE_ACTIVATION, .function = CLRNN_FN_RELU};
    clrnn_status status = clr_keras_check(k, known);
    if (status == CLRNN_OK && clr_keras_number(k, "threshold", 0) != 0)
        status = clr_keras_unsupported(k, "its config's", "threshold");
    if (status == CLRNN_OK && clr_keras_member(k, "max_value") && (slope != 0 || !(most > 0)))
        status = clr_keras_unsupported(k, "its config's", "max_value with negative_slope");
    if (slope != 0) {
        desc.function = CLRNN_FN_LEAKY_RELU;
        desc.alpha = slope;
    } else if (clr_keras_member(k, "max_value")) {
        desc.function = CLRNN_FN_CLIP;
        desc.beta = most;
    }
    return status == CLRNN_OK ? clr_keras_add(k, &desc, "", k->inputs[0].name, &k->outputs[0])
                              : status;
}

static clrnn_status add_slope(clr_keras *k)
{
    static const char *const known[] = {"alpha", "negative_slope", NULL};
    const bool elu = strcmp(k->type, "ELU") == 0;
    const clrnn_node_desc desc = {
        .kind = CLRNN_NODE_ACTIVATION,
        .function = elu ? CLRNN_FN_ELU : CLRNN_FN_LEAKY_RELU,
        .alpha =
            clr_keras_number(k, "negative_slope", clr_keras_number(k, "alpha", elu ? 1 : 0.3))};
    clrnn_status status = clr_keras_check(k, known);
    if (status == CLRNN_OK && !isfinite(desc.alpha))
        status = clr_keras_wrong(k, "its slope is no number");
    return status == CLRNN_OK ? clr_keras_add(k, &desc, "", k->inputs[0].name, &k->outputs[0])
                              : status;
}

/* --- all ---------------------------------------------------------------------------------------
 */

static clrnn_status dispatch(clr_keras *k);

/* A layer for each step alone is the layer, where it reads nothing but features. */
static clrnn_status add_time_distributed(clr_keras *k)
{
    static const char *const known[] = {"layer", NULL}, *const inner[] = {"Dense",
                                                                          "Activation",
                                                                          "ReLU",
                                                                          "LeakyReLU",
                                                                          "ELU",
                                                                          "Softmax",
                                                                          "Dropout",
                                                                          "LayerNormalization",
                                                                          "BatchNormalization",
                                                                          NULL};
    const cJSON *layer = clr_keras_member(k, "layer");
    const char *type = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(layer, "class_name"));
    const cJSON *config = cJSON_GetObjectItemCaseSensitive(layer, "config");
    clrnn_status status = clr_keras_check(k, known);
    const char *const *found = inner;
    while (*found && (!type || strcmp(*found, type) != 0))
        found++;
    if (status == CLRNN_OK && !*found)
        status = clr_keras_unsupported(k, "a layer", type ? type : "?");
    if (status == CLRNN_OK && !cJSON_IsObject(config))
        status = clr_keras_wrong(k, "its layer has no config");
    if (status != CLRNN_OK)
        return status;
    strncat(k->key, "/layer", sizeof k->key - strlen(k->key) - 1);
    k->type = type;
    k->config = config;
    return dispatch(k);
}

static clrnn_status dispatch(clr_keras *k)
{
    static const struct {
        const char *type;
        clrnn_status (*add)(clr_keras *k);
    } types[] = {{"Dense", add_dense},
                 {"Embedding", add_embedding},
                 {"Conv1D", add_conv},
                 {"Convolution1D", add_conv},
                 {"BatchNormalization", add_batch_norm},
                 {"LayerNormalization", add_layer_norm},
                 {"Activation", add_activation},
                 {"Softmax", add_softmax},
                 {"ReLU", add_relu},
                 {"LeakyReLU", add_slope},
                 {"ELU", add_slope},
                 {"TimeDistributed", add_time_distributed}};
    bool is = false;
    k->output_count = 1;
    for (size_t i = 0; i < sizeof types / sizeof *types; i++)
        if (strcmp(types[i].type, k->type) == 0)
            return types[i].add(k);
    clrnn_status status = clr_keras_recurrent(k, &is);
    if (!is)
        status = clr_keras_mask(k, &is);
    if (!is)
        status = clr_keras_moving(k, &is);
    return is ? status : clr_keras_unsupported(k, "a layer of class", k->type);
}

clrnn_status clr_keras_layer(clr_keras *k)
{
    if (k->has_number && !(k->operation && strcmp(k->type, "NotEqual") == 0))
        return clr_keras_unsupported(k, "an argument that is", "a number");
    const char *type = k->type;
    clrnn_status status = dispatch(k);
    k->type = type; /* TimeDistributed has become what is in it */
    return status == CLRNN_OK ? clr_keras_mask_pass(k) : status;
}

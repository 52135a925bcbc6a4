/* SPDX-License-Identifier: MIT
 * format/keras/bent.c - layers of Keras that are functions, and norms without weights of their own.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/memory.h"
#include "format/keras/keras.h"

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
    clrnn_node_desc desc = {.kind = CLRNN_NODE_SOFTMAX, .axis = -1};
    clrnn_status status = clr_keras_check(k, known);
    if (status == CLRNN_OK && !(axis >= -CLRNN_MOST_AXES && axis < CLRNN_MOST_AXES))
        status = clr_keras_unsupported(k, "axis", "that is no number");
    if (status == CLRNN_OK && k->mask[0])
        status = clr_keras_unsupported(k, "of what it reads", "a mask");
    if (status == CLRNN_OK)
        desc.axis = (int32_t)axis;
    return status == CLRNN_OK ? clr_keras_add(k, &desc, "", k->inputs[0].name, &k->outputs[0])
                              : status;
}

/* --- relu ------------------------------------------------------------------------------------- */

/* x above a threshold, there up to `most`; below it a slope from the threshold on. */
static clrnn_status add_corner(clr_keras *k, double threshold, double slope, double most)
{
    const char *x = k->inputs[0].name;
    clr_keras_value corner, above = k->inputs[0], below, is;
    clrnn_node_desc compare = {.kind = CLRNN_NODE_COMPARE, .comparison = CLRNN_GREATER};
    clrnn_status status = clr_keras_constant(k, 0, NULL, &threshold, false, &corner);
    compare.inputs[0] = x;
    compare.inputs[1] = corner.name;
    if (status == CLRNN_OK)
        status = clr_keras_part(k, &compare, NULL, &is);
    if (status == CLRNN_OK && isfinite(most))
        status = clr_keras_bend(k, CLRNN_FN_CLIP, 0, most, x, &above);
    if (status == CLRNN_OK && slope == 0)
        status = clr_keras_constant(k, 0, NULL, &slope, false, &below);
    else if (status == CLRNN_OK)
        status = clr_keras_bend(k, CLRNN_FN_AFFINE, slope, -slope * threshold, x, &below);
    const clrnn_node_desc select = {.kind = CLRNN_NODE_SELECT,
                                    .inputs = {is.name, above.name, below.name}};
    return status == CLRNN_OK ? clr_keras_add(k, &select, "", NULL, &k->outputs[0]) : status;
}

/* relu(x), up to max_value, with a slope below a threshold. */
static clrnn_status add_relu(clr_keras *k)
{
    static const char *const known[] = {"max_value", "negative_slope", "threshold", "theta", NULL};
    const double most = clr_keras_number(k, "max_value", INFINITY);
    const double slope = clr_keras_number(k, "negative_slope", 0);
    const double threshold = clr_keras_number(
        k, "threshold", strcmp(k->type, "ReLU") ? clr_keras_number(k, "theta", 1) : 0);
    clrnn_node_desc desc = {.kind = CLRNN_NODE_ACTIVATION, .function = CLRNN_FN_RELU};
    clrnn_status status = clr_keras_check(k, known);
    if (status == CLRNN_OK && (!(most > 0) || !isfinite(slope) || !isfinite(threshold)))
        status = clr_keras_unsupported(k, "its config's", "max_value, slope or threshold");
    if (status == CLRNN_OK && (threshold != 0 || (slope != 0 && isfinite(most))))
        return add_corner(k, threshold, slope, most);
    if (slope != 0) {
        desc.function = CLRNN_FN_LEAKY_RELU;
        desc.alpha = slope;
    } else if (isfinite(most)) {
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
    const double slope =
        clr_keras_number(k, "negative_slope", clr_keras_number(k, "alpha", elu ? 1 : 0.3));
    clrnn_node_desc desc = {.kind = CLRNN_NODE_ACTIVATION,
                            .function = elu ? CLRNN_FN_ELU : CLRNN_FN_LEAKY_RELU,
                            .alpha = slope};
    clrnn_status status = clr_keras_check(k, known);
    if (status == CLRNN_OK && !isfinite(slope))
        status = clr_keras_wrong(k, "its slope is no number");
    if (slope == 0) /* two zeros are the function's defaults */
        desc.function = CLRNN_FN_RELU;
    return status == CLRNN_OK ? clr_keras_add(k, &desc, "", k->inputs[0].name, &k->outputs[0])
                              : status;
}

/* The sizes of x behind N, of which those of shared_axes are 1. */
static clrnn_status take_slopes(clr_keras *k, uint32_t *rank, uint64_t shape[CLRNN_MOST_AXES])
{
    const cJSON *shared = clr_keras_member(k, "shared_axes");
    clrnn_value_info info;
    clrnn_status status = clr_keras_value_info(k, k->inputs[0].name, &info);
    if (status != CLRNN_OK)
        return status;
    *rank = info.rank - 1;
    for (uint32_t i = 0; i < *rank; i++)
        shape[i] = info.shape[i + 1] > 0 ? (uint64_t)info.shape[i + 1] : 0;
    for (const cJSON *i = shared ? shared->child : NULL; i; i = i->next) {
        uint64_t axis = 0;
        if (!clr_json_integer(i, *rank, &axis) || axis == 0)
            return clr_keras_wrong(k, "shared_axes is no list of axes");
        shape[axis - 1] = 1;
    }
    for (uint32_t i = 0; i < *rank; i++)
        if (shape[i] == 0)
            return clr_keras_unsupported(k, "a slope of its own for each", "step");
    return CLRNN_OK;
}

/* relu(x) + alpha (x - relu(x)) */
static clrnn_status add_slopes(clr_keras *k)
{
    static const char *const known[] = {"shared_axes", NULL};
    const char *x = k->inputs[0].name;
    uint64_t shape[CLRNN_MOST_AXES];
    uint32_t rank = 0;
    double *slopes = NULL;
    clr_keras_value alpha, above, below;
    clrnn_status status = clr_keras_check(k, known);
    if (status == CLRNN_OK)
        status = take_slopes(k, &rank, shape);
    if (status == CLRNN_OK)
        status = clr_keras_weight(k, "", 0, 0, rank, shape, &slopes);
    if (status == CLRNN_OK)
        status = clr_keras_constant(k, rank, shape, slopes, true, &alpha);
    if (status == CLRNN_OK)
        status = clr_keras_bend(k, CLRNN_FN_RELU, 0, 0, x, &above);
    if (status == CLRNN_OK)
        status = clr_keras_pair(k, CLRNN_NODE_SUB, x, above.name, &below);
    if (status == CLRNN_OK)
        status = clr_keras_pair(k, CLRNN_NODE_MUL, below.name, alpha.name, &below);
    free(slopes);
    return status == CLRNN_OK
               ? clr_keras_pair(k, CLRNN_NODE_ADD, above.name, below.name, &k->outputs[0])
               : status;
}

/* --- norms ------------------------------------------------------------------------------------ */

clrnn_status clr_keras_unit(clr_keras *k, uint32_t axis, const clr_keras_value *x,
                            clr_keras_value *unit)
{
    const double least = 1e-12; /* of the norm: Keras's */
    clr_keras_value square, bound;
    clrnn_status status = clr_keras_bend(k, CLRNN_FN_SQUARE, 0, 0, x->name, &square);
    if (status == CLRNN_OK)
        status = clr_keras_reduce(k, CLRNN_REDUCE_SUM, axis, 1, true, square.name, &square);
    if (status == CLRNN_OK)
        status = clr_keras_bend(k, CLRNN_FN_SQRT, 0, 0, square.name, &square);
    if (status == CLRNN_OK)
        status = clr_keras_constant(k, 0, NULL, &least, false, &bound);
    if (status == CLRNN_OK)
        status = clr_keras_pair(k, CLRNN_NODE_MAX, square.name, bound.name, &square);
    return status == CLRNN_OK ? clr_keras_pair(k, CLRNN_NODE_DIV, x->name, square.name, unit)
                              : status;
}

static clrnn_status add_unit_norm(clr_keras *k)
{
    static const char *const known[] = {"axis", NULL};
    const cJSON *axis = clr_keras_member(k, "axis");
    clrnn_value_info info;
    clrnn_status status = clr_keras_check(k, known);
    if (status == CLRNN_OK)
        status = clr_keras_value_info(k, k->inputs[0].name, &info);
    if (cJSON_IsArray(axis) && cJSON_GetArraySize(axis) == 1)
        axis = axis->child;
    double at = cJSON_IsNumber(axis) ? axis->valuedouble : axis ? NAN : -1;
    if (status == CLRNN_OK && !(at >= -(double)info.rank && at < info.rank && at == floor(at)))
        return clr_keras_unsupported(k, "axis", "that is not one of x");
    if (status != CLRNN_OK)
        return status;
    at += at < 0 ? info.rank : 0;
    return clr_keras_unit(k, (uint32_t)at, &k->inputs[0], &k->outputs[0]);
}

/* A weight, or a list or number of the config; [1] or [features]. */
static clrnn_status take_statistic(clr_keras *k, const char *name, uint32_t i, uint64_t count,
                                   double *out)
{
    const cJSON *given = clr_keras_member(k, name);
    double *values = NULL;
    while (cJSON_IsArray(given) && cJSON_GetArraySize(given) == 1)
        given = given->child; /* [[..]]: whatever axes stand before */
    if (!given) {
        const uint32_t rank = clr_keras_member(k, "axis") ? 1 : 0;
        clrnn_status status = clr_keras_weight(k, "", 0, i, rank, &count, &values);
        if (status == CLRNN_OK)
            memcpy(out, values, (size_t)count * sizeof *out);
        free(values);
        return status;
    }
    const bool list = cJSON_IsArray(given);
    if (list && (uint64_t)cJSON_GetArraySize(given) != count)
        return clr_keras_wrong(k, "its mean or variance has another size than what it reads");
    const cJSON *number = list ? given->child : given;
    for (uint64_t at = 0; at < count; at++) {
        if (!cJSON_IsNumber(number))
            return clr_keras_wrong(k, "its mean or variance is no list of numbers");
        out[at] = number->valuedouble;
        number = list ? number->next : number;
    }
    return CLRNN_OK;
}

/* (x - mean) / max(sqrt(variance), 1e-7), or back */
static clrnn_status add_statistics(clr_keras *k, uint64_t count, double *mean, double *scale)
{
    const bool back = clr_keras_flag(k, "invert", false);
    clr_keras_value by, times, x = k->inputs[0];
    for (uint64_t i = 0; i < count; i++)
        scale[i] = back ? fmax(sqrt(scale[i]), 1e-7) : 1 / fmax(sqrt(scale[i]), 1e-7);
    clrnn_status status = clr_keras_constant(k, 1, &count, mean, false, &by);
    if (status == CLRNN_OK)
        status = clr_keras_constant(k, 1, &count, scale, false, &times);
    if (status == CLRNN_OK && !back)
        status = clr_keras_pair(k, CLRNN_NODE_SUB, x.name, by.name, &x);
    if (status == CLRNN_OK)
        status = clr_keras_pair(k, CLRNN_NODE_MUL, x.name, times.name, &x);
    if (status == CLRNN_OK && back)
        status = clr_keras_pair(k, CLRNN_NODE_ADD, x.name, by.name, &x);
    k->outputs[0] = x;
    return status;
}

enum { MOST_FEATURES = 1 << 22 };

static clrnn_status add_normalization(clr_keras *k)
{
    static const char *const known[] = {"axis", "mean", "variance", "invert", NULL};
    const cJSON *axis = clr_keras_member(k, "axis");
    clrnn_value_info info;
    uint32_t count = 1;
    clrnn_status status = clr_keras_check(k, known);
    if (status == CLRNN_OK)
        status = clr_keras_value_info(k, k->inputs[0].name, &info);
    if (status == CLRNN_OK && axis)
        status = clr_keras_features(k, &count);
    if (cJSON_IsArray(axis) && cJSON_GetArraySize(axis) == 1)
        axis = axis->child;
    if (status == CLRNN_OK && axis &&
        !(cJSON_IsNumber(axis) &&
          (axis->valuedouble == -1 || axis->valuedouble == info.rank - 1.0)))
        status = clr_keras_unsupported(k, "axis", clr_json_show(axis).text);
    if (status != CLRNN_OK)
        return status;
    if (count > MOST_FEATURES)
        return clr_keras_unsupported(k, "what it reads:", "more than 4194304 features");
    double *numbers = clr_calloc((size_t)count * 2, sizeof *numbers);
    if (!numbers)
        return clr_fail(k->log, CLRNN_ERR_MEMORY, "%s: no memory for weights", k->file);
    status = take_statistic(k, "mean", 0, count, numbers);
    if (status == CLRNN_OK)
        status = take_statistic(k, "variance", 1, count, numbers + count);
    if (status == CLRNN_OK)
        status = add_statistics(k, count, numbers, numbers + count);
    free(numbers);
    return status;
}

clrnn_status clr_keras_bent(clr_keras *k, bool *is)
{
    static const clr_keras_type types[] = {{"Activation", add_activation},
                                           {"Softmax", add_softmax},
                                           {"ReLU", add_relu},
                                           {"ThresholdedReLU", add_relu},
                                           {"LeakyReLU", add_slope},
                                           {"ELU", add_slope},
                                           {"PReLU", add_slopes},
                                           {"UnitNormalization", add_unit_norm},
                                           {"Normalization", add_normalization},
                                           {NULL, NULL}};
    return clr_keras_one_of(k, types, is);
}

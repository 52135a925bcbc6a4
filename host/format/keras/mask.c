/* SPDX-License-Identifier: MIT
 * format/keras/mask.c - masks of Keras: where they begin, what they become, who passes them on.
 *
 * A mask is a value [N,T] of 1 and 0 beside that which it masks. In files of Sequential models and
 * of Keras 2 layers pass it on in silence, as Keras's compute_mask does; functional models of Keras
 * 3 have each operation that makes a mask among their layers, and say what each call is given. */
#include <stdio.h>
#include <string.h>

#include "format/keras/keras.h"

/* --- parts ------------------------------------------------------------------------------------ */

static clrnn_status add_number(clr_keras *k, double number, const char *suffix,
                               clr_keras_value *value)
{
    const clrnn_node_desc desc = {.kind = CLRNN_NODE_CONSTANT, .data = &number};
    return clr_keras_add(k, &desc, suffix, NULL, value);
}

/* Ids as numbers; numbers as they are. */
clrnn_status clr_keras_as_numbers(clr_keras *k, const char *from, clr_keras_value *value)
{
    const clrnn_node_desc cast = {.kind = CLRNN_NODE_CAST};
    clrnn_value_info info;
    clrnn_status status = clr_keras_value_info(k, from, &info);
    if (status != CLRNN_OK || info.ids)
        return status == CLRNN_OK ? clr_keras_add(k, &cast, ".number", from, value) : status;
    snprintf(value->name, sizeof value->name, "%s", from);
    value->mask[0] = 0;
    return CLRNN_OK;
}

clrnn_status clr_keras_differs(clr_keras *k, const char *from, double number, const char *suffix,
                               clr_keras_value *value)
{
    clrnn_node_desc desc = {.kind = CLRNN_NODE_COMPARE, .comparison = CLRNN_NOT_EQUAL};
    clr_keras_value x, other;
    clrnn_status status = clr_keras_as_numbers(k, from, &x);
    if (status == CLRNN_OK)
        status = add_number(k, number, ".other", &other);
    desc.inputs[1] = other.name;
    return status == CLRNN_OK ? clr_keras_add(k, &desc, suffix, x.name, value) : status;
}

static clrnn_status reduce(clr_keras *k, const char *from, uint32_t axis, bool keep, bool all,
                           const char *suffix, clr_keras_value *value)
{
    const clrnn_node_desc desc = {.kind = CLRNN_NODE_REDUCE,
                                  .reduction = all ? CLRNN_REDUCE_MIN : CLRNN_REDUCE_MAX,
                                  .rank = 1,
                                  .order = {axis},
                                  .keep_axes = keep};
    return clr_keras_add(k, &desc, suffix, from, value);
}

/* value where the mask is 1, else a number. condition: of a shape that suits the value */
static clrnn_status replace(clr_keras *k, const char *condition, const char *value, double number,
                            const char *suffix, clr_keras_value *out)
{
    char name[40];
    clr_keras_value other;
    snprintf(name, sizeof name, "%s.else", suffix);
    clrnn_status status = add_number(k, number, name, &other);
    const clrnn_node_desc desc = {.kind = CLRNN_NODE_SELECT,
                                  .inputs = {condition, value, other.name}};
    return status == CLRNN_OK ? clr_keras_add(k, &desc, suffix, NULL, out) : status;
}

/* The masks that there are of what the layer merges, put together two by two: what either has in
 * Keras 3, what all have before. */
static clrnn_status merge(clr_keras *k, clr_keras_value *out)
{
    clr_keras_value mask = {"", ""};
    clrnn_status status = CLRNN_OK;
    uint32_t number = 0;
    for (uint32_t i = 0; i < k->input_count && status == CLRNN_OK; i++) {
        const char *next = k->inputs[i].mask;
        const clrnn_node_desc desc = {.kind = k->before_3 ? CLRNN_NODE_MIN : CLRNN_NODE_MAX,
                                      .inputs = {mask.name, next}};
        clr_keras_value both;
        char suffix[24];
        snprintf(suffix, sizeof suffix, ".masks%u", number);
        if (*next && !mask.name[0]) {
            memcpy(mask.name, next, sizeof mask.name);
        } else if (*next && strcmp(mask.name, next) != 0) {
            status = clr_keras_add(k, &desc, suffix, NULL, &both);
            mask = both;
            number++;
        }
    }
    memcpy(out->mask, mask.name, sizeof mask.name);
    return status;
}

clrnn_status clr_keras_mask_ids(clr_keras *k, const char *ids, clr_keras_value *value)
{
    return clr_keras_differs(k, ids, 0, ".mask", value);
}

/* [N,T] as [N,T,1]. */
static clrnn_status deepen(clr_keras *k, const char *mask, const char *suffix,
                           clr_keras_value *value)
{
    const clrnn_node_desc deep = {.kind = CLRNN_NODE_RESHAPE, .rank = 3, .shape = {0, 0, 1}};
    return clr_keras_add(k, &deep, suffix, mask, value);
}

/* The sum over the steps of [N,T,F]. */
static clrnn_status sum_steps(clr_keras *k, const char *x, const char *suffix, clr_keras_value *y)
{
    clrnn_node_desc sum = {.kind = CLRNN_NODE_POOL, .reduction = CLRNN_REDUCE_SUM};
    clrnn_value_info info;
    clrnn_status status = clr_keras_value_info(k, x, &info);
    if (status == CLRNN_OK && info.shape[1] != CLRNN_STEPS)
        sum = (clrnn_node_desc){
            .kind = CLRNN_NODE_REDUCE, .reduction = CLRNN_REDUCE_SUM, .rank = 1, .order = {1}};
    return status == CLRNN_OK ? clr_keras_add(k, &sum, suffix, x, y) : status;
}

clrnn_status clr_keras_mask_mean(clr_keras *k)
{
    clr_keras_value mask, x, total, count;
    clrnn_status status = deepen(k, k->mask, ".mask", &mask);
    if (status == CLRNN_OK)
        status = replace(k, mask.name, k->inputs[0].name, 0, ".masked", &x);
    if (status == CLRNN_OK)
        status = sum_steps(k, x.name, ".sum", &total);
    if (status == CLRNN_OK)
        status = sum_steps(k, mask.name, ".count", &count);
    const clrnn_node_desc mean = {.kind = CLRNN_NODE_DIV, .inputs = {total.name, count.name}};
    return status == CLRNN_OK ? clr_keras_add(k, &mean, "", NULL, &k->outputs[0]) : status;
}

clrnn_status clr_keras_mask_factors(clr_keras *k)
{
    clrnn_status status = CLRNN_OK;
    for (uint32_t i = 0; i < k->input_count && status == CLRNN_OK; i++) {
        clr_keras_value *x = &k->inputs[i], mask, one;
        char name[24];
        if (!x->mask[0])
            continue;
        snprintf(name, sizeof name, ".mask%u", i);
        status = deepen(k, x->mask, name, &mask);
        snprintf(name, sizeof name, ".factor%u", i);
        if (status == CLRNN_OK)
            status = replace(k, mask.name, x->name, 1, name, &one);
        memcpy(x->name, one.name, sizeof one.name);
    }
    return status;
}

clrnn_status clr_keras_mask_product(clr_keras *k)
{
    const clr_keras_value product = k->outputs[0];
    clr_keras_value any, mask;
    clrnn_status status = merge(k, &any);
    if (status == CLRNN_OK)
        status = deepen(k, any.mask, ".mask", &mask);
    if (status == CLRNN_OK)
        status = replace(k, mask.name, product.name, 0, "", &k->outputs[0]);
    memcpy(k->outputs[0].mask, any.mask, sizeof any.mask);
    return status;
}

/* --- Masking ---------------------------------------------------------------------------------- */

/* Steps all of whose features are mask_value are masked, and become 0. */
static clrnn_status add_masking(clr_keras *k)
{
    static const char *const known[] = {"mask_value", NULL};
    const double number = clr_keras_number(k, "mask_value", 0);
    const char *x = k->inputs[0].name;
    clrnn_value_info info;
    clr_keras_value other, mask, kept;
    clrnn_status status = clr_keras_check(k, known);
    if (status == CLRNN_OK && number != number)
        status = clr_keras_unsupported(k, "a", "mask_value that is no number");
    if (status == CLRNN_OK)
        status = clr_keras_value_info(k, x, &info);
    if (status == CLRNN_OK && (info.rank != 3 || info.ids))
        status = clr_keras_wrong(k, "what it reads is not [N,T,F]");
    k->outputs[0] = k->inputs[0];
    if (status != CLRNN_OK)
        return status;
    status = clr_keras_differs(k, x, number, ".differs", &other);
    if (status == CLRNN_OK && number != 0)
        status = reduce(k, other.name, 2, true, false, ".kept", &kept);
    if (status == CLRNN_OK && number != 0)
        status = replace(k, kept.name, x, 0, "", &k->outputs[0]);
    if (status == CLRNN_OK) {
        status = reduce(k, other.name, 2, false, false, ".mask", &mask);
        memcpy(k->outputs[0].mask, mask.name, sizeof mask.name);
    }
    return status;
}

/* --- passing on ------------------------------------------------------------------------------- */

static bool is_one_of(const char *type, const char *const *types)
{
    while (*types && strcmp(*types, type) != 0)
        types++;
    return *types != NULL;
}

/* A mask of ones for a value: what is not less than itself. */
static clrnn_status all_steps(clr_keras *k, const clr_keras_value *x, uint32_t number,
                              clr_keras_value *mask)
{
    const clrnn_node_desc less = {
        .kind = CLRNN_NODE_COMPARE, .comparison = CLRNN_LESS, .inputs = {x->name, x->name}};
    const clrnn_node_desc turn = {.kind = CLRNN_NODE_ACTIVATION, .function = CLRNN_FN_NOT};
    clr_keras_value none, any;
    char name[24];
    snprintf(name, sizeof name, ".none%u", number);
    clrnn_status status = clr_keras_add(k, &less, name, NULL, &none);
    snprintf(name, sizeof name, ".any%u", number);
    if (status == CLRNN_OK)
        status = reduce(k, none.name, 2, false, false, name, &any);
    snprintf(name, sizeof name, ".all%u", number);
    return status == CLRNN_OK ? clr_keras_add(k, &turn, name, any.name, mask) : status;
}

/* Of values one after the other in time, their masks are, too. */
static clrnn_status join(clr_keras *k, clr_keras_value *out)
{
    clrnn_node_desc desc = {.kind = CLRNN_NODE_CONCAT, .axis = 1};
    clr_keras_value mask, ones[CLR_KERAS_INPUTS];
    clrnn_status status = CLRNN_OK;
    for (uint32_t i = 0; i < k->input_count && status == CLRNN_OK; i++) {
        const bool masked = k->inputs[i].mask[0];
        if (!masked)
            status = all_steps(k, &k->inputs[i], i, &ones[i]);
        desc.inputs[i] = masked ? k->inputs[i].mask : ones[i].name;
    }
    if (status == CLRNN_OK)
        status = clr_keras_add(k, &desc, ".mask", NULL, &mask);
    if (status == CLRNN_OK)
        memcpy(out->mask, mask.name, sizeof mask.name);
    return status;
}

static clrnn_status merge_concat(clr_keras *k, bool all)
{
    clrnn_value_info info;
    const double axis = clr_keras_number(k, "axis", -1);
    clrnn_status status = clr_keras_value_info(k, k->inputs[0].name, &info);
    if (status != CLRNN_OK)
        return status;
    if (axis == -1 || axis == info.rank - 1.0)
        return all || k->before_3 ? merge(k, &k->outputs[0]) : CLRNN_OK;
    return axis == 1 ? join(k, &k->outputs[0])
                     : clr_keras_unsupported(k, "a mask along", "its axis");
}

const char *clr_keras_mask_on(const clr_keras *k)
{
    return k->mask[0] ? k->mask : k->inputs[0].mask;
}

clrnn_status clr_keras_mask_pass(clr_keras *k)
{
    static const char *const passing[] = {"Dense",
                                          "BatchNormalization",
                                          "LayerNormalization",
                                          "Activation",
                                          "ReLU",
                                          "LeakyReLU",
                                          "ELU",
                                          "TimeDistributed",
                                          "Dropout",
                                          "Rescaling",
                                          "GaussianNoise",
                                          "GaussianDropout",
                                          "SpatialDropout1D",
                                          "AlphaDropout",
                                          "Softmax",
                                          "Identity",
                                          "ActivityRegularization",
                                          NULL};
    static const char *const merging[] = {"Add",     "Subtract", "Multiply", "Minimum",
                                          "Maximum", "Average",  NULL};
    bool any = false, all = true;
    for (uint32_t i = 0; i < k->input_count; i++) {
        any = any || k->inputs[i].mask[0];
        all = all && k->inputs[i].mask[0];
    }
    if (is_one_of(k->type, passing))
        memcpy(k->outputs[0].mask, clr_keras_mask_on(k), sizeof k->mask);
    if (!any)
        return CLRNN_OK;
    if (strcmp(k->type, "Concatenate") == 0)
        return merge_concat(k, all);
    return is_one_of(k->type, merging) && !k->outputs[0].mask[0] && (all || k->before_3)
               ? merge(k, &k->outputs[0])
               : CLRNN_OK;
}

clrnn_status clr_keras_masking(clr_keras *k, bool *is)
{
    static const clr_keras_type types[] = {{"Masking", add_masking}, {NULL, NULL}};
    return clr_keras_one_of(k, types, is);
}

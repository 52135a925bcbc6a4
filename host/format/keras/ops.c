/* SPDX-License-Identifier: MIT
 * format/keras/ops.c - keras.ops in a functional model: what is no layer. */
#include <math.h>
#include <string.h>

#include "format/keras/keras.h"

/* --- of one value ----------------------------------------------------------------------------- */

static clrnn_status same(clr_keras *k)
{
    k->outputs[0] = k->inputs[0];
    return CLRNN_OK;
}

/* A function of each number. */
static clrnn_status bend(clr_keras *k)
{
    static const struct {
        const char *type;
        clrnn_function function;
        const char *alpha; /* the member of its config */
        double otherwise;
    } all[] = {{"Tanh", CLRNN_FN_TANH, NULL, 0},
               {"Sigmoid", CLRNN_FN_SIGMOID, NULL, 0},
               {"Relu", CLRNN_FN_RELU, NULL, 0},
               {"Exp", CLRNN_FN_EXP, NULL, 0},
               {"Log", CLRNN_FN_LOG, NULL, 0},
               {"Sqrt", CLRNN_FN_SQRT, NULL, 0},
               {"Square", CLRNN_FN_SQUARE, NULL, 0},
               {"Abs", CLRNN_FN_ABS, NULL, 0},
               {"Absolute", CLRNN_FN_ABS, NULL, 0},
               {"Negative", CLRNN_FN_NEGATE, NULL, 0},
               {"Softplus", CLRNN_FN_SOFTPLUS, NULL, 0},
               {"Softsign", CLRNN_FN_SOFTSIGN, NULL, 0},
               {"Silu", CLRNN_FN_SILU, NULL, 0},
               {"Sin", CLRNN_FN_SIN, NULL, 0},
               {"Cos", CLRNN_FN_COS, NULL, 0},
               {"Selu", CLRNN_FN_SELU, NULL, 0},
               {"Elu", CLRNN_FN_ELU, "alpha", 1},
               {"LeakyRelu", CLRNN_FN_LEAKY_RELU, "negative_slope", 0.2}};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        if (strcmp(all[i].type, k->type) == 0) {
            double alpha = 0, beta = 0;
            clrnn_function_defaults(all[i].function, &alpha, &beta);
            if (all[i].alpha)
                alpha = clr_keras_number(k, all[i].alpha, all[i].otherwise);
            return alpha == alpha ? clr_keras_bend(k, all[i].function, alpha, beta,
                                                   k->inputs[0].name, &k->outputs[0])
                                  : clr_keras_wrong(k, "its slope is no number");
        }
    return clr_keras_unsupported(k, "the function", k->type);
}

/* Which axes of `rank` an axis, a list, or nothing means, as bits. */
static clrnn_status take_axes(const clr_keras *k, uint32_t rank, uint32_t *bits)
{
    const cJSON *item = clr_keras_member(k, "axis");
    const cJSON *one = cJSON_IsArray(item) ? item->child : item;
    *bits = item ? 0 : (1u << rank) - 1;
    for (; one; one = cJSON_IsArray(item) ? one->next : NULL) {
        double at = cJSON_IsNumber(one) ? one->valuedouble : NAN;
        at += at < 0 ? rank : 0;
        if (!(at >= 0 && at < rank && at == floor(at)))
            return clr_keras_unsupported(k, "axis", clr_json_show(one).text);
        *bits |= 1u << (uint32_t)at;
    }
    return CLRNN_OK;
}

static clrnn_status reduce(clr_keras *k)
{
    static const struct {
        const char *type;
        clrnn_reduction reduction;
    } all[] = {{"Mean", CLRNN_REDUCE_MEAN}, {"Sum", CLRNN_REDUCE_SUM}, {"Max", CLRNN_REDUCE_MAX},
               {"Min", CLRNN_REDUCE_MIN},   {"Any", CLRNN_REDUCE_MAX}, {"All", CLRNN_REDUCE_MIN}};
    clrnn_node_desc desc = {.kind = CLRNN_NODE_REDUCE,
                            .keep_axes = clr_keras_flag(k, "keepdims", false)};
    clrnn_value_info info;
    clr_keras_value x;
    uint32_t bits = 0;
    clrnn_status status = clr_keras_as_numbers(k, k->inputs[0].name, &x);
    if (status == CLRNN_OK)
        status = clr_keras_value_info(k, x.name, &info);
    if (status == CLRNN_OK)
        status = take_axes(k, info.rank, &bits);
    for (uint32_t i = 0; status == CLRNN_OK && i < info.rank; i++)
        if (bits >> i & 1)
            desc.order[desc.rank++] = i;
    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        if (strcmp(all[i].type, k->type) == 0)
            desc.reduction = all[i].reduction;
    return status == CLRNN_OK ? clr_keras_add(k, &desc, "", x.name, &k->outputs[0]) : status;
}

/* An axis of 1 more, or less. */
static clrnn_status axis(clr_keras *k)
{
    const bool more = strcmp(k->type, "ExpandDims") == 0;
    clrnn_node_desc desc = {.kind = CLRNN_NODE_RESHAPE};
    clrnn_value_info info;
    uint32_t bits = 0;
    clrnn_status status = clr_keras_value_info(k, k->inputs[0].name, &info);
    if (status == CLRNN_OK && (!clr_keras_member(k, "axis") || info.rank == CLRNN_MOST_AXES))
        status = clr_keras_unsupported(k, "of such a value an", "axis");
    if (status == CLRNN_OK)
        status = take_axes(k, info.rank + more, &bits);
    for (uint32_t i = 0, from = 0; status == CLRNN_OK && i < info.rank + more; i++) {
        const bool here = bits >> i & 1;
        if (here && !more && info.shape[i] != 1)
            status = clr_keras_wrong(k, "the axis that it takes away is not 1");
        if (here && more)
            desc.shape[desc.rank++] = 1;
        else if (more || !here)
            desc.shape[desc.rank++] = info.shape[more ? from : i];
        from += !here;
    }
    return status == CLRNN_OK ? clr_keras_add(k, &desc, "", k->inputs[0].name, &k->outputs[0])
                              : status;
}

static clrnn_status transpose(clr_keras *k)
{
    const cJSON *axes = clr_keras_member(k, "axes");
    uint32_t order[CLRNN_MOST_AXES];
    clrnn_value_info info;
    clrnn_status status = clr_keras_value_info(k, k->inputs[0].name, &info);
    if (status == CLRNN_OK && axes && cJSON_GetArraySize(axes) != (int)info.rank)
        status = clr_keras_wrong(k, "its axes are not those of what it reads");
    for (uint32_t i = 0; status == CLRNN_OK && i < info.rank; i++) {
        const cJSON *item = cJSON_GetArrayItem(axes, (int)i);
        double at = axes ? cJSON_IsNumber(item) ? item->valuedouble : NAN : info.rank - 1.0 - i;
        at += at < 0 ? info.rank : 0;
        if (!(at >= 0 && at < info.rank))
            status = clr_keras_wrong(k, "its axes are not those of what it reads");
        else
            order[i] = (uint32_t)at;
    }
    return status == CLRNN_OK
               ? clr_keras_transpose(k, info.rank, order, k->inputs[0].name, &k->outputs[0])
               : status;
}

static clrnn_status reshape(clr_keras *k)
{
    const cJSON *shape = clr_keras_member(k, "newshape");
    clrnn_node_desc desc = {.kind = CLRNN_NODE_RESHAPE};
    clrnn_value_info info;
    clrnn_status status = clr_keras_value_info(k, k->inputs[0].name, &info);
    bool rest = false;
    for (const cJSON *i = shape ? shape->child : NULL; i && status == CLRNN_OK; i = i->next) {
        uint64_t size = 0;
        const bool open = cJSON_IsNull(i) || (cJSON_IsNumber(i) && i->valuedouble == -1);
        if (desc.rank == CLRNN_MOST_AXES || (open && rest) ||
            (!open && !clr_json_integer(i, INT32_MAX, &size)))
            status = clr_keras_unsupported(k, "its config's", "newshape");
        else { /* sequences stay what they are */
            desc.shape[desc.rank] = !open           ? (int64_t)size
                                    : desc.rank > 0 ? CLRNN_REST
                                                    : CLRNN_BATCH;
            desc.rank++;
        }
        rest = rest || open;
    }
    if (status == CLRNN_OK && desc.rank == 0)
        status = clr_keras_unsupported(k, "its config's", "newshape");
    return status == CLRNN_OK ? clr_keras_add(k, &desc, "", k->inputs[0].name, &k->outputs[0])
                              : status;
}

/* What is less than itself: 0, also of NaN. */
static clrnn_status like(clr_keras *k)
{
    const bool ones = strcmp(k->type, "OnesLike") == 0;
    const clrnn_node_desc turn = {.kind = CLRNN_NODE_ACTIVATION, .function = CLRNN_FN_NOT};
    clrnn_node_desc desc = {.kind = CLRNN_NODE_COMPARE, .comparison = CLRNN_LESS};
    clr_keras_value x, zeros = k->outputs[0];
    clrnn_status status = clr_keras_as_numbers(k, k->inputs[0].name, &x);
    desc.inputs[1] = x.name;
    if (status == CLRNN_OK)
        status = clr_keras_add(k, &desc, ones ? ".zeros" : "", x.name, &zeros);
    k->outputs[0] = zeros;
    return status == CLRNN_OK && ones ? clr_keras_add(k, &turn, "", zeros.name, &k->outputs[0])
                                      : status;
}

/* --- of two ----------------------------------------------------------------------------------- */

static clrnn_status differ(clr_keras *k)
{
    return k->has_number && k->input_count == 1
               ? clr_keras_differs(k, k->inputs[0].name, k->number, "", &k->outputs[0])
               : clr_keras_unsupported(k, "a comparison with", "what is no number");
}

static clrnn_status logic(clr_keras *k)
{
    const bool one = strcmp(k->type, "LogicalNot") == 0;
    clrnn_node_desc desc = {.kind =
                                strcmp(k->type, "LogicalOr") == 0 ? CLRNN_NODE_MAX : CLRNN_NODE_MIN,
                            .inputs = {k->inputs[0].name, k->inputs[1].name}};
    if (k->input_count != (one ? 1u : 2u))
        return clr_keras_wrong(k, "it reads another number of values than it has");
    if (one)
        desc = (clrnn_node_desc){
            .kind = CLRNN_NODE_ACTIVATION, .function = CLRNN_FN_NOT, .inputs = {k->inputs[0].name}};
    return clr_keras_add(k, &desc, "", NULL, &k->outputs[0]);
}

static clrnn_status pair(clr_keras *k)
{
    static const struct {
        const char *type;
        clrnn_node_kind kind;
    } all[] = {
        {"Add", CLRNN_NODE_ADD},     {"Subtract", CLRNN_NODE_SUB},   {"Multiply", CLRNN_NODE_MUL},
        {"Divide", CLRNN_NODE_DIV},  {"TrueDivide", CLRNN_NODE_DIV}, {"Maximum", CLRNN_NODE_MAX},
        {"Minimum", CLRNN_NODE_MIN}, {"Power", CLRNN_NODE_POW},      {"Matmul", CLRNN_NODE_MATMUL}};
    clr_keras_value x[2] = {k->inputs[0], k->inputs[1]};
    clrnn_status status = CLRNN_OK;
    size_t which = 0;
    if (k->input_count + k->has_number != 2)
        return clr_keras_wrong(k, "it reads another number of values than it has");
    if (k->has_number) {
        status = clr_keras_constant(k, 0, NULL, &k->number, false, &x[k->number_first ? 0 : 1]);
        x[k->number_first ? 1 : 0] = k->inputs[0];
    }
    while (strcmp(all[which].type, k->type) != 0)
        which++;
    const clrnn_node_desc desc = {.kind = all[which].kind, .inputs = {x[0].name, x[1].name}};
    return status == CLRNN_OK ? clr_keras_add(k, &desc, "", NULL, &k->outputs[0]) : status;
}

/* --- all -------------------------------------------------------------------------------------- */

/* Whether a layer has that name, too, and this is one for all that is known. */
static bool is_layer(const clr_keras *k)
{
    static const char *const names[] = {"Add", "Subtract", "Multiply", "Maximum", "Minimum", NULL};
    const char *const *name = names;
    while (*name && strcmp(*name, k->type) != 0)
        name++;
    return *name || (strcmp(k->type, "Reshape") == 0 && !clr_keras_member(k, "newshape"));
}

clrnn_status clr_keras_operation(clr_keras *k, bool *is)
{
    static const char *const known[] = {
        "axis", "keepdims", "axes", "newshape", "alpha", "negative_slope", "indices_or_sections",
        NULL};
    static const clr_keras_type types[] = {{"GetItem", clr_keras_item},
                                           {"Split", clr_keras_item},
                                           {"Flip", clr_keras_item},
                                           {"Stack", clr_keras_item},
                                           {"ConvertToTensor", same},
                                           {"Add", pair},
                                           {"Subtract", pair},
                                           {"Multiply", pair},
                                           {"Divide", pair},
                                           {"TrueDivide", pair},
                                           {"Maximum", pair},
                                           {"Minimum", pair},
                                           {"Power", pair},
                                           {"Matmul", pair},
                                           {"Mean", reduce},
                                           {"Sum", reduce},
                                           {"Max", reduce},
                                           {"Min", reduce},
                                           {"Any", reduce},
                                           {"All", reduce},
                                           {"ExpandDims", axis},
                                           {"Squeeze", axis},
                                           {"Transpose", transpose},
                                           {"Reshape", reshape},
                                           {"ZerosLike", like},
                                           {"OnesLike", like},
                                           {"NotEqual", differ},
                                           {"LogicalOr", logic},
                                           {"LogicalAnd", logic},
                                           {"LogicalNot", logic},
                                           {"Tanh", bend},
                                           {"Sigmoid", bend},
                                           {"Relu", bend},
                                           {"Exp", bend},
                                           {"Log", bend},
                                           {"Sqrt", bend},
                                           {"Square", bend},
                                           {"Abs", bend},
                                           {"Absolute", bend},
                                           {"Negative", bend},
                                           {"Softplus", bend},
                                           {"Softsign", bend},
                                           {"Silu", bend},
                                           {"Sin", bend},
                                           {"Cos", bend},
                                           {"Selu", bend},
                                           {"Elu", bend},
                                           {"LeakyRelu", bend},
                                           {NULL, NULL}};
    const clr_keras_type *type = types;
    while (type->type && strcmp(type->type, k->type) != 0)
        type++;
    *is = type->type && (k->is_operation || k->has_number || !is_layer(k));
    if (!*is)
        return k->has_number ? clr_keras_unsupported(k, "an argument that is", "a number")
                             : CLRNN_OK;
    if (k->has_number && type->add != pair && type->add != differ)
        return clr_keras_unsupported(k, "an argument that is", "a number");
    clrnn_status status = clr_keras_check(k, known);
    return status == CLRNN_OK ? type->add(k) : status;
}

/* SPDX-License-Identifier: MIT
 * format/keras/config.c - the config of a Keras layer, and its nodes. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/file.h"
#include "base/log.h"
#include "format/keras/keras.h"

clrnn_status clr_keras_wrong(const clr_keras *k, const char *what)
{
    return clr_fail(k->log, CLRNN_ERR_FORMAT, "%s: layer %s (%s): %s", k->file,
                    clr_show(k->name).text, clr_show(k->type).text, what);
}

clrnn_status clr_keras_unsupported(const clr_keras *k, const char *what, const char *which)
{
    return clr_fail(k->log, CLRNN_ERR_UNSUPPORTED, "%s: layer %s (%s): %s %s is not supported",
                    k->file, clr_show(k->name).text, clr_show(k->type).text, what,
                    clr_show(which).text);
}

clrnn_status clr_keras_one_of(clr_keras *k, const clr_keras_type *types, bool *is)
{
    while (types->type && strcmp(types->type, k->type) != 0)
        types++;
    *is = types->type != NULL;
    return *is ? types->add(k) : CLRNN_OK;
}

/* --- members ---------------------------------------------------------------------------------- */

const cJSON *clr_keras_member(const clr_keras *k, const char *name)
{
    const cJSON *item = cJSON_GetObjectItemCaseSensitive(k->config, name);
    return cJSON_IsNull(item) ? NULL : item;
}

bool clr_keras_flag(const clr_keras *k, const char *name, bool otherwise)
{
    const cJSON *item = clr_keras_member(k, name);
    return cJSON_IsBool(item) ? cJSON_IsTrue(item) : otherwise;
}

double clr_keras_number(const clr_keras *k, const char *name, double otherwise)
{
    const cJSON *item = clr_keras_member(k, name);
    return cJSON_IsNumber(item) ? item->valuedouble : item ? NAN : otherwise;
}

float clr_keras_rate(const clr_keras *k, const char *name)
{
    const float rate = (float)clr_keras_number(k, name, 0);
    return rate > 0 && rate < 1 ? rate : 0;
}

const char *clr_keras_text(const clr_keras *k, const char *name, const char *otherwise)
{
    const cJSON *item = clr_keras_member(k, name);
    return cJSON_IsString(item) ? item->valuestring : item ? "?" : otherwise;
}

bool clr_keras_size(const clr_keras *k, const char *name, uint32_t *size)
{
    const cJSON *item = clr_keras_member(k, name);
    uint64_t number = 0;
    if (cJSON_IsArray(item))
        item = cJSON_GetArraySize(item) == 1 ? item->child : NULL;
    if (!clr_json_integer(item, INT32_MAX, &number) || number == 0)
        return false;
    *size = (uint32_t)number;
    return true;
}

bool clr_keras_sizes(const clr_keras *k, const char *name, uint32_t count, uint32_t *sizes)
{
    const cJSON *item = clr_keras_member(k, name);
    const bool list = cJSON_IsArray(item);
    const cJSON *one = list ? item->child : item;
    for (uint32_t i = 0; i < count; i++) {
        uint64_t number = 0;
        if (!clr_json_integer(one, INT32_MAX / 2, &number) || number == 0)
            return false;
        sizes[i] = (uint32_t)number;
        one = list ? one->next : one;
    }
    return !list || !one;
}

/* What is about training, names and how Keras computes. */
static bool says_nothing(const char *name)
{
    static const char *const names[] = {
        "name",   "trainable",    "dtype",        "batch_input_shape", "batch_shape",
        "unroll", "stateful",     "seed",         "implementation",    "unit_forget_bias",
        "fused",  "synchronized", "input_length", "autocast",          "batch_size",
        "sparse", "optional",     "input_dtype",  "shared_object_id"};
    bool found = clr_ends_in(name, "_initializer") || clr_ends_in(name, "_regularizer") ||
                 clr_ends_in(name, "_constraint");
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        found = found || strcmp(names[i], name) == 0;
    return found;
}

/* null, false, and what has no elements: whatever it is, it is not there. */
static bool is_nothing(const cJSON *item)
{
    return cJSON_IsNull(item) || cJSON_IsFalse(item) ||
           ((cJSON_IsArray(item) || cJSON_IsObject(item)) && !item->child);
}

/* A policy of types that quantises, or is another for each layer, is more than a type. */
static bool is_plain_type(const cJSON *config)
{
    const cJSON *type = cJSON_GetObjectItemCaseSensitive(config, "dtype");
    const char *policy = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(type, "class_name"));
    return !policy || strcmp(policy, "DTypePolicy") == 0 || strcmp(policy, "Policy") == 0;
}

clrnn_status clr_keras_check(const clr_keras *k, const char *const *known)
{
    if (!is_plain_type(k->config))
        return clr_keras_unsupported(k, "its config's", "dtype, a policy that quantises,");
    if (!cJSON_IsObject(k->config))
        return clr_keras_unsupported(k, "its config,", "which is no object,");
    for (const cJSON *i = k->config->child; i; i = i->next) {
        const char *const *name = known;
        while (*name && strcmp(*name, i->string) != 0)
            name++;
        if (!*name && !says_nothing(i->string) && !is_nothing(i))
            return clr_keras_unsupported(k, "its config's", i->string);
    }
    return CLRNN_OK;
}

/* --- functions -------------------------------------------------------------------------------- */

typedef struct named_function {
    const char *name;
    clrnn_function function;
    double alpha, beta;
} named_function;

static const named_function functions[] = {
    {"linear", CLRNN_FN_IDENTITY, 0, 0},
    {"tanh", CLRNN_FN_TANH, 0, 0},
    {"sigmoid", CLRNN_FN_SIGMOID, 0, 0},
    {"relu", CLRNN_FN_RELU, 0, 0},
    {"elu", CLRNN_FN_ELU, 1, 0},
    {"selu", CLRNN_FN_SELU, 0, 0},
    {"gelu", CLRNN_FN_GELU, 0, 0},
    {"softplus", CLRNN_FN_SOFTPLUS, 0, 0},
    {"softsign", CLRNN_FN_SOFTSIGN, 0, 0},
    {"silu", CLRNN_FN_SILU, 0, 0},
    {"swish", CLRNN_FN_SILU, 0, 0},
    {"exponential", CLRNN_FN_EXP, 0, 0},
    {"mish", CLRNN_FN_MISH, 0, 0},
    {"hard_swish", CLRNN_FN_HARD_SWISH, 0, 0},
    {"hard_silu", CLRNN_FN_HARD_SWISH, 0, 0},
    {"leaky_relu", CLRNN_FN_LEAKY_RELU, 0.2, 0},
    {"relu6", CLRNN_FN_CLIP, 0, 6},
    {"hard_sigmoid", CLRNN_FN_HARD_SIGMOID, 0.2, 0.5},
};

/* The name that a member has, be it text or {"class_name": "function", "config": NAME}. */
static const char *function_name(const clr_keras *k, const char *member, const char *otherwise)
{
    const cJSON *item = clr_keras_member(k, member);
    const char *type = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(item, "class_name"));
    if (type && strcmp(type, "function") == 0)
        item = cJSON_GetObjectItemCaseSensitive(item, "config");
    return !item ? otherwise : cJSON_IsString(item) ? item->valuestring : "of its own";
}

clrnn_status clr_keras_function(const clr_keras *k, const char *member, const char *otherwise,
                                clrnn_node_desc *function, clrnn_node_kind *softmax)
{
    const char *name = function_name(k, member, otherwise);
    *softmax = CLRNN_NODE_KINDS;
    if (strcmp(name, "softmax") == 0 || strcmp(name, "log_softmax") == 0) {
        *softmax = *name == 's' ? CLRNN_NODE_SOFTMAX : CLRNN_NODE_LOG_SOFTMAX;
        return CLRNN_OK;
    }
    for (size_t i = 0; i < sizeof functions / sizeof *functions; i++)
        if (strcmp(functions[i].name, name) == 0) {
            const bool newer =
                functions[i].function == CLRNN_FN_HARD_SIGMOID && !k->before_3; /* relu6(x+3)/6 */
            function->function = functions[i].function;
            function->alpha = newer ? 1.0 / 6 : functions[i].alpha;
            function->beta = functions[i].beta;
            return CLRNN_OK;
        }
    return clr_keras_unsupported(k, member, name);
}

/* --- nodes ------------------------------------------------------------------------------------ */

clrnn_status clr_keras_value_info(const clr_keras *k, const char *value, clrnn_value_info *info)
{
    return clrnn_graph_value(k->graph, value, info) ? CLRNN_OK
                                                    : clr_keras_wrong(k, "it reads nothing");
}

clrnn_status clr_keras_features(const clr_keras *k, uint32_t *size)
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

clrnn_status clr_keras_add(clr_keras *k, const clrnn_node_desc *desc, const char *suffix,
                           const char *input, clr_keras_value *value)
{
    clrnn_node_desc node = *desc;
    char name[CLR_KERAS_NAME];
    const int put = snprintf(name, sizeof name, "%s%s", k->node, suffix);
    if (put < 0 || (size_t)put >= sizeof name)
        return clr_keras_wrong(k, "its name is too long");
    node.name = name;
    if (input)
        node.inputs[0] = input;
    clrnn_status status = clrnn_graph_add(k->graph, &node, NULL);
    memcpy(value->name, name, sizeof name);
    value->mask[0] = 0;
    return status;
}

clrnn_status clr_keras_part(clr_keras *k, const clrnn_node_desc *desc, const char *input,
                            clr_keras_value *value)
{
    char suffix[16];
    snprintf(suffix, sizeof suffix, ".%u", ++k->parts);
    clr_keras_value made;
    clrnn_status status = clr_keras_add(k, desc, suffix, input, &made);
    if (status == CLRNN_OK)
        *value = made;
    return status;
}

clrnn_status clr_keras_pair(clr_keras *k, clrnn_node_kind kind, const char *a, const char *b,
                            clr_keras_value *value)
{
    const clrnn_node_desc desc = {.kind = kind, .inputs = {a, b}};
    return clr_keras_part(k, &desc, NULL, value);
}

clrnn_status clr_keras_bend(clr_keras *k, clrnn_function function, double alpha, double beta,
                            const char *x, clr_keras_value *value)
{
    const clrnn_node_desc desc = {
        .kind = CLRNN_NODE_ACTIVATION, .function = function, .alpha = alpha, .beta = beta};
    return clr_keras_part(k, &desc, x, value);
}

clrnn_status clr_keras_constant(clr_keras *k, uint32_t rank, const uint64_t *shape,
                                const double *data, bool trainable, clr_keras_value *value)
{
    clrnn_node_desc desc = {
        .kind = CLRNN_NODE_CONSTANT, .rank = rank, .data = data, .trainable = trainable};
    for (uint32_t i = 0; i < rank; i++)
        desc.shape[i] = (int64_t)shape[i];
    return clr_keras_part(k, &desc, NULL, value);
}

clrnn_status clr_keras_reduce(clr_keras *k, clrnn_reduction reduction, uint32_t first,
                              uint32_t count, bool keep, const char *x, clr_keras_value *value)
{
    clrnn_node_desc desc = {
        .kind = CLRNN_NODE_REDUCE, .reduction = reduction, .rank = count, .keep_axes = keep};
    for (uint32_t i = 0; i < count; i++)
        desc.order[i] = first + i;
    return clr_keras_part(k, &desc, x, value);
}

clrnn_status clr_keras_transpose(clr_keras *k, uint32_t rank, const uint32_t *order, const char *x,
                                 clr_keras_value *value)
{
    clrnn_node_desc desc = {.kind = CLRNN_NODE_TRANSPOSE, .rank = rank};
    for (uint32_t i = 0; i < rank; i++)
        desc.order[i] = order[i];
    return clr_keras_part(k, &desc, x, value);
}

clrnn_status clr_keras_shape(clr_keras *k, uint32_t rank, const int64_t *shape, const char *x,
                             clr_keras_value *value)
{
    clrnn_node_desc desc = {.kind = CLRNN_NODE_RESHAPE, .rank = rank};
    for (uint32_t i = 0; i < rank; i++)
        desc.shape[i] = shape[i];
    return clr_keras_part(k, &desc, x, value);
}

clrnn_status clr_keras_activate(clr_keras *k, const char *member, clr_keras_value *value)
{
    clrnn_node_desc desc = {.kind = CLRNN_NODE_ACTIVATION};
    clrnn_node_kind softmax;
    clr_keras_value made;
    clrnn_status status = clr_keras_function(k, member, "linear", &desc, &softmax);
    if (status != CLRNN_OK || (softmax == CLRNN_NODE_KINDS && desc.function == CLRNN_FN_IDENTITY))
        return status;
    if (softmax != CLRNN_NODE_KINDS)
        desc = (clrnn_node_desc){.kind = softmax, .axis = -1};
    status = clr_keras_add(k, &desc, ".activation", value->name, &made);
    if (status == CLRNN_OK)
        *value = made;
    return status;
}

clrnn_status clr_keras_add_bent(clr_keras *k, clrnn_node_desc *desc)
{
    clrnn_node_kind softmax;
    clrnn_status status = clr_keras_function(k, "activation", "linear", desc, &softmax);
    if (status == CLRNN_OK)
        status = clr_keras_add(k, desc, "", k->inputs[0].name, &k->outputs[0]);
    if (status == CLRNN_OK && softmax != CLRNN_NODE_KINDS)
        status = clr_keras_activate(k, "activation", &k->outputs[0]);
    return status;
}

/* SPDX-License-Identifier: MIT
 * format/keras_config.c - the config of a Keras layer, its weights, and its nodes. */
#include <ctype.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/log.h"
#include "base/memory.h"
#include "format/keras.h"

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

/* --- members -----------------------------------------------------------------------------------
 */

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
    for (const cJSON *i = k->config->child; i; i = i->next) {
        const char *const *name = known;
        while (*name && strcmp(*name, i->string) != 0)
            name++;
        if (!*name && !says_nothing(i->string) && !is_nothing(i))
            return clr_keras_unsupported(k, "its config's", i->string);
    }
    return CLRNN_OK;
}

/* --- functions ---------------------------------------------------------------------------------
 */

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

/* --- weights -----------------------------------------------------------------------------------
 */

/* "Conv1D" as "conv1d", "SimpleRNN" as "simple_rnn": the groups of Keras 3's files. */
static void snake(const char *type, char *out, size_t room)
{
    size_t at = 0;
    for (size_t i = 0; type[i] && at + 2 < room; i++) {
        const bool big = isupper((unsigned char)type[i]);
        if (i > 0 && big &&
            (islower((unsigned char)type[i + 1]) || islower((unsigned char)type[i - 1])))
            out[at++] = '_';
        out[at++] = (char)tolower((unsigned char)type[i]);
    }
    out[at] = 0;
}

/* Where the file of Keras 3 has the weights: the group whose "name" is the layer's, else by class
 * and number. */
void clr_keras_find_key(clr_keras *k, uint32_t number)
{
    char type[128];
    const char *key = NULL, *value = NULL;
    for (size_t i = 0; (key = clrnn_tensors_metadata_at(k->weights, i, &value)); i++) {
        const char *end = strstr(key, "/vars@name");
        if (end && strncmp(key, "layers/", 7) == 0 && strchr(key + 7, '/') == end &&
            strcmp(value, k->name) == 0) {
            snprintf(k->key, sizeof k->key, "%.*s", (int)(end - key), key);
            return;
        }
    }
    snake(k->type, type, sizeof type);
    if (number)
        snprintf(k->key, sizeof k->key, "layers/%s_%u", type, number);
    else
        snprintf(k->key, sizeof k->key, "layers/%s", type);
}

/* Line number i of a text. */
static const char *line_of(const char *text, uint32_t i, size_t *length)
{
    for (; text && i > 0; i--) {
        text = strchr(text, '\n');
        text = text ? text + 1 : NULL;
    }
    *length = text ? strcspn(text, "\n") : 0;
    return text;
}

/* The names of the layer's weights in an .h5 of the older kind, and the group that they lie in;
 * NULL: it is of Keras 3. */
static const char *old_names(const clr_keras *k, char group[CLR_KERAS_NAME + 32])
{
    static const char *const roots[] = {"model_weights/", ""};
    for (int i = 0; i < 2; i++) {
        char key[CLR_KERAS_NAME + 64];
        snprintf(group, CLR_KERAS_NAME + 32, "%s%s", roots[i], k->name);
        snprintf(key, sizeof key, "%s@weight_names", group);
        const char *names = clrnn_tensors_metadata(k->weights, key);
        if (names)
            return names;
    }
    return NULL;
}

static const clrnn_tensor *find_weight(const clr_keras *k, const char *part, uint32_t first,
                                       uint32_t i)
{
    char group[CLR_KERAS_NAME + 32], path[1024];
    const char *names = old_names(k, group);
    size_t length = 0;
    const char *name = names ? line_of(names, first + i, &length) : NULL;
    if (names && (!name || length == 0))
        return NULL;
    if (name)
        snprintf(path, sizeof path, "%s/%.*s", group, (int)length, name);
    else
        snprintf(path, sizeof path, "%s/%svars/%u", k->key, part, i);
    return clrnn_tensors_find(k->weights, path);
}

uint32_t clr_keras_weight_count(const clr_keras *k)
{
    char group[CLR_KERAS_NAME + 32];
    const char *names = old_names(k, group);
    uint32_t count = names && *names ? 1 : 0;
    for (const char *p = names; p && *p; p++)
        count += *p == '\n';
    if (names)
        return count;
    while (count < 16 && find_weight(k, "", 0, count))
        count++;
    return count;
}

clrnn_status clr_keras_weight(const clr_keras *k, const char *part, uint32_t first, uint32_t i,
                              uint32_t rank, const uint64_t *shape, double **values)
{
    const clrnn_tensor *t = find_weight(k, part, first, i);
    char text[400];
    *values = NULL;
    if (!t) {
        snprintf(text, sizeof text, "its weight %u of shape %s is not in the file", first + i,
                 clr_show_shape(rank, shape).text);
        return clr_keras_wrong(k, text);
    }
    if (t->dtype == CLRNN_DTYPE_I64)
        return clr_keras_unsupported(k, "a weight of", "whole numbers");
    if (t->rank != rank || memcmp(t->shape, shape, rank * sizeof *shape) != 0) {
        snprintf(text, sizeof text, "its weight %u is %s, but must be %s", first + i,
                 clr_show_shape(t->rank, t->shape).text, clr_show_shape(rank, shape).text);
        return clr_keras_wrong(k, text);
    }
    *values = clr_calloc(t->count, sizeof **values);
    if (!*values)
        return clr_fail(k->log, CLRNN_ERR_MEMORY, "%s: no memory for weights", k->file);
    clrnn_tensor_to_f64(t, *values);
    return CLRNN_OK;
}

/* --- nodes -------------------------------------------------------------------------------------
 */

clrnn_status clr_keras_value_info(const clr_keras *k, const char *value, clrnn_value_info *info)
{
    return clrnn_graph_value(k->graph, value, info) ? CLRNN_OK
                                                    : clr_keras_wrong(k, "it reads nothing");
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

clrnn_status clr_keras_set(const clr_keras *k, const char *leaf, const double *values, size_t count)
{
    char name[CLR_KERAS_NAME + 32];
    snprintf(name, sizeof name, "%s.%s", k->node, leaf);
    return clrnn_graph_set_parameter(k->graph, name, values, count);
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

/* SPDX-License-Identifier: MIT
 * format/keras/dispatch.c - which of Keras's layers is read by whom, and TimeDistributed. */
#include <string.h>

#include "format/keras/keras.h"
#include "graph/graph.h"

/* --- TimeDistributed -------------------------------------------------------------------------- */

/* A layer that reads nothing but features is the same for each step. */
static bool is_of_features(const char *type)
{
    static const char *const types[] = {
        "Dense",   "Activation", "ReLU",      "LeakyReLU",          "ELU",
        "Dropout", "Softmax",    "Rescaling", "LayerNormalization", "BatchNormalization",
        NULL};
    const char *const *found = types;
    while (*found && strcmp(*found, type) != 0)
        found++;
    return *found != NULL;
}

/* y [N*T,..], whose other axes have sizes, as [N,T,..] of x. whole: its T is that of the graph */
static clrnn_status with_steps(clr_keras *k, const clrnn_value_info *x, bool whole,
                               clr_keras_value *y)
{
    clrnn_value_info info;
    int64_t shape[CLRNN_MOST_AXES] = {CLRNN_BATCH, x->shape[1]};
    clrnn_status status = clr_keras_value_info(k, y->name, &info);
    if (!whole && shape[1] < 0) /* a T that a node has made of T */
        shape[1] = CLRNN_REST;
    if (status == CLRNN_OK && info.rank == CLRNN_MOST_AXES)
        status = clr_keras_unsupported(k, "a value of", "nine axes");
    for (uint32_t i = 1; status == CLRNN_OK && i < info.rank; i++)
        shape[i + 1] = info.shape[i];
    return status == CLRNN_OK ? clr_keras_shape(k, info.rank + 1, shape, y->name, y) : status;
}

/* Whether axis 1 of a value is T itself, and not made of it. */
static bool is_whole(const clr_keras *k, const char *value)
{
    const uint32_t at = clr_graph_find(k->graph, value);
    return at != CLR_NO_VALUE && k->graph->values[at].shape.size[1] == CLR_PROBE_STEPS;
}

/* Any layer over [N*T,..]. */
static clrnn_status add_for_steps(clr_keras *k)
{
    int64_t shape[CLRNN_MOST_AXES] = {CLRNN_REST};
    char mask[CLR_KERAS_NAME];
    clrnn_value_info x;
    clrnn_status status = clr_keras_value_info(k, k->inputs[0].name, &x);
    const bool whole = status == CLRNN_OK && x.rank > 1 && is_whole(k, k->inputs[0].name);
    if (status == CLRNN_OK && (x.rank < 3 || x.shape[0] != CLRNN_BATCH || k->input_count != 1))
        status = clr_keras_unsupported(k, "what it reads:", "a value that is not [N,T,..]");
    for (uint32_t i = 2; status == CLRNN_OK && i < x.rank; i++) {
        shape[i - 1] = x.shape[i];
        if (x.shape[i] < 1)
            status = clr_keras_unsupported(k, "what it reads:", "a second axis without size");
    }
    if (status == CLRNN_OK)
        status = clr_keras_shape(k, x.rank - 1, shape, k->inputs[0].name, &k->inputs[0]);
    if (status != CLRNN_OK)
        return status;
    memcpy(mask, k->mask, sizeof mask);
    k->mask[0] = k->inputs[0].mask[0] = 0;
    status = clr_keras_dispatch(k);
    if (status == CLRNN_OK && k->output_count != 1)
        status = clr_keras_unsupported(k, "for each step", "more than one output");
    memcpy(k->mask, mask, sizeof mask);
    return status == CLRNN_OK ? with_steps(k, &x, whole, &k->outputs[0]) : status;
}

static clrnn_status add_time_distributed(clr_keras *k)
{
    static const char *const known[] = {"layer", NULL};
    const cJSON *layer = clr_keras_member(k, "layer");
    const char *type = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(layer, "class_name"));
    const cJSON *config = cJSON_GetObjectItemCaseSensitive(layer, "config");
    clrnn_status status = clr_keras_check(k, known);
    if (status == CLRNN_OK && (!type || !cJSON_IsObject(config)))
        status = clr_keras_wrong(k, "its layer has no config");
    if (status == CLRNN_OK && strcmp(type, "TimeDistributed") == 0)
        status = clr_keras_unsupported(k, "a layer", type);
    if (status != CLRNN_OK)
        return status;
    strncat(k->key, "/layer", sizeof k->key - strlen(k->key) - 1);
    k->type = type;
    k->config = config;
    return is_of_features(type) ? clr_keras_dispatch(k) : add_for_steps(k);
}

/* --- all -------------------------------------------------------------------------------------- */

static clrnn_status add_model(clr_keras *k)
{
    return k->nest(k);
}

clrnn_status clr_keras_dispatch(clr_keras *k)
{
    static const clr_keras_type wrappers[] = {{"TimeDistributed", add_time_distributed},
                                              {"Sequential", add_model},
                                              {"Functional", add_model},
                                              {"Model", add_model},
                                              {NULL, NULL}};
    clrnn_status (*const all[])(clr_keras * k, bool *is) = {
        clr_keras_plain,  clr_keras_window,    clr_keras_pool,    clr_keras_bent,
        clr_keras_attend, clr_keras_recurrent, clr_keras_masking, clr_keras_moving};
    bool is = false;
    k->output_count = 1;
    clrnn_status status = k->operation ? clr_keras_operation(k, &is) : CLRNN_OK;
    if (!is)
        status = clr_keras_one_of(k, wrappers, &is);
    for (size_t i = 0; !is && i < sizeof all / sizeof *all; i++)
        status = all[i](k, &is);
    return is ? status : clr_keras_unsupported(k, "a layer of class", k->type);
}

clrnn_status clr_keras_layer(clr_keras *k)
{
    if (k->has_number && !k->operation)
        return clr_keras_unsupported(k, "an argument that is", "a number");
    const char *type = k->type;
    clrnn_status status = clr_keras_dispatch(k);
    k->type = type; /* TimeDistributed has become what is in it */
    return status == CLRNN_OK ? clr_keras_mask_pass(k) : status;
}

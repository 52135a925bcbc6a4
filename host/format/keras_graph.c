/* SPDX-License-Identifier: MIT
 * format/keras_graph.c - which layer of a Keras model reads which: Sequential and Functional. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/memory.h"
#include "format/keras_history.h"

enum { MOST_CALLS = CLR_MOST_CALLS };

/* A call of a layer: of a shared one there are several. */
typedef struct call {
    const cJSON *layer;   /* {"class_name", "config", "inbound_nodes"} */
    const cJSON *inbound; /* of this call; NULL: it is an input */
    uint32_t number;      /* of the layer's calls */
    uint32_t classes;     /* layers of its class before it */
    bool done;
    clr_keras_value outputs[CLR_KERAS_OUTPUTS];
    uint32_t output_count;
} call;

typedef struct builder {
    clr_keras k;
    call *calls; /* [count], owned */
    uint32_t count;
    bool sequential;
} builder;

static const char *text_of(const cJSON *object, const char *key)
{
    return cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(object, key));
}

static clrnn_status damaged(const builder *b, const char *what)
{
    return clr_fail(b->k.log, CLRNN_ERR_FORMAT, "%s: damaged: %s", b->k.file, what);
}

/* --- layers ------------------------------------------------------------------------------------
 */

static const char *type_of(const cJSON *layer)
{
    const char *type = text_of(layer, "class_name");
    return type ? type : "?";
}

/* The name: of older files beside the config, of all within it. */
static const char *name_of(const cJSON *layer)
{
    const char *name = text_of(cJSON_GetObjectItemCaseSensitive(layer, "config"), "name");
    return name ? name : text_of(layer, "name");
}

static bool is_input(const cJSON *layer)
{
    return strcmp(type_of(layer), "InputLayer") == 0;
}

/* What a call reads. */
typedef struct arguments {
    clr_keras_value inputs[CLR_KERAS_INPUTS];
    uint32_t count;
    clr_keras_value mask; /* that is given; "" */
    double number;
    bool has_number;
} arguments;

/* The mask of a call. Keras 3 looks for one that is not given only where there is one value. */
static const char *mask_of(const clr_keras *k, const arguments *a)
{
    static const char none[CLR_KERAS_NAME] = "";
    return a->mask.name[0] ? a->mask.name : k->before_3 || a->count == 1 ? a->inputs[0].mask : none;
}

static clrnn_status add_layer(builder *b, call *c, const arguments *a)
{
    clr_keras *k = &b->k;
    const char *module = text_of(c->layer, "module");
    k->type = type_of(c->layer);
    k->name = name_of(c->layer);
    k->config = cJSON_GetObjectItemCaseSensitive(c->layer, "config");
    if (!k->name || !cJSON_IsObject(k->config) || strlen(k->name) + 16 > sizeof k->node)
        return damaged(b, "a layer without config or name");
    if (a->count == 0 || a->count > CLR_KERAS_INPUTS)
        return clr_keras_unsupported(k, "a layer of", "no or more than 16 inputs");
    if (c->number)
        snprintf(k->node, sizeof k->node, "%s:%u", k->name, c->number);
    else
        snprintf(k->node, sizeof k->node, "%s", k->name);
    clr_keras_find_key(k, c->classes);
    memcpy(k->inputs, a->inputs, a->count * sizeof *a->inputs);
    k->input_count = a->count;
    k->number = a->number;
    k->has_number = a->has_number;
    k->operation = !module || strncmp(module, "keras.src.ops", 13) == 0;
    memcpy(k->mask, mask_of(k, a), sizeof k->mask);
    clrnn_status status = clr_keras_layer(k);
    memcpy(c->outputs, k->outputs, sizeof c->outputs);
    c->output_count = k->output_count;
    c->done = true;
    return status;
}

/* --- inputs ------------------------------------------------------------------------------------
 */

/* [null,T,F] as [N,T,F], [null,T] of symbols or a mask as [N,T], [null,F] as [N,F]. */
static clrnn_status add_input(builder *b, const char *name, const cJSON *shape, bool ids, bool mask)
{
    clrnn_graph_input_desc x = {.name = name, .ids = ids};
    const int rank = cJSON_GetArraySize(shape);
    if (!cJSON_IsArray(shape) || rank < 1 || rank > CLRNN_MOST_AXES)
        return damaged(b, "an input without shape");
    bool steps = false;
    for (const cJSON *i = shape->child; i; i = i->next) {
        const uint32_t axis = x.rank++;
        uint64_t size = 0;
        const bool is_time = axis == 1 && (rank == 3 || ids || mask);
        if (axis == 0)
            x.shape[axis] = CLRNN_BATCH;
        else if (is_time || (cJSON_IsNull(i) && !steps && axis + 1 < (uint32_t)rank)) {
            x.shape[axis] = CLRNN_STEPS;
            steps = true;
        } else if (clr_json_integer(i, INT32_MAX, &size) && size > 0)
            x.shape[axis] = (int64_t)size;
        else
            return clr_fail(b->k.log, CLRNN_ERR_UNSUPPORTED,
                            "%s: input %s: an axis without size that is not time is not supported",
                            b->k.file, clr_show(name).text);
    }
    return clrnn_graph_input(b->k.graph, &x);
}

static const cJSON *shape_of(const cJSON *layer)
{
    const cJSON *config = cJSON_GetObjectItemCaseSensitive(layer, "config");
    const cJSON *shape = cJSON_GetObjectItemCaseSensitive(config, "batch_shape");
    return shape ? shape : cJSON_GetObjectItemCaseSensitive(config, "batch_input_shape");
}

/* --- what a call reads ---------------------------------------------------------------------------
 */

static const call *find_call(const builder *b, const clr_history *h)
{
    for (uint32_t i = 0; i < b->count; i++) {
        const char *name = name_of(b->calls[i].layer);
        if (name && b->calls[i].number == h->call && strcmp(name, h->layer) == 0)
            return &b->calls[i];
    }
    return NULL;
}

/* The value that a call reads, if the layer before is there already. */
static clrnn_status take_value(const builder *b, const clr_history *h, clr_keras_value *value,
                               bool *ready)
{
    const call *from = find_call(b, h);
    if (!from)
        return damaged(b, "a layer reads one that there is not");
    *ready = *ready && from->done;
    if (from->done && h->output >= from->output_count)
        return damaged(b, "a layer reads an output that there is not");
    if (from->done)
        *value = from->outputs[h->output];
    return CLRNN_OK;
}

/* Whether all that a call reads is there; then *a. */
static clrnn_status take_inputs(const builder *b, const call *c, arguments *a, bool *ready)
{
    clr_histories all = {0};
    clr_history_collect(c->inbound, &all, 0);
    *ready = true;
    *a = (arguments){.count = all.count, .number = all.number, .has_number = all.has_number};
    if (all.unknown)
        return clr_fail(b->k.log, CLRNN_ERR_UNSUPPORTED,
                        "%s: layer %s: its argument %s is not supported", b->k.file,
                        clr_show(name_of(c->layer) ? name_of(c->layer) : "?").text,
                        clr_show(all.unknown).text);
    clrnn_status status = CLRNN_OK;
    for (uint32_t i = 0; i < all.count && status == CLRNN_OK; i++)
        status = take_value(b, &all.list[i], &a->inputs[i], ready);
    return status == CLRNN_OK && all.mask.layer ? take_value(b, &all.mask, &a->mask, ready)
                                                : status;
}

/* --- Sequential --------------------------------------------------------------------------------
 */

static clrnn_status build_sequential(builder *b, const cJSON *config)
{
    const cJSON *layers = cJSON_GetObjectItemCaseSensitive(config, "layers");
    const cJSON *built = cJSON_GetObjectItemCaseSensitive(config, "build_input_shape");
    arguments a = {.inputs = {{"x", ""}}, .count = 1};
    clr_keras_value *value = &a.inputs[0];
    bool begun = false;
    const bool ids =
        b->count > 0 && strcmp(type_of(b->calls[is_input(b->calls[0].layer) && b->count > 1].layer),
                               "Embedding") == 0;
    clrnn_status status = CLRNN_OK;
    (void)layers;
    for (uint32_t i = 0; i < b->count && status == CLRNN_OK; i++) {
        call *c = &b->calls[i];
        const cJSON *shape = shape_of(c->layer);
        if (!begun) {
            status = add_input(b, value->name, shape ? shape : built, ids, false);
            begun = true;
        }
        if (status != CLRNN_OK || is_input(c->layer))
            continue;
        status = add_layer(b, c, &a);
        *value = c->outputs[0];
        if (status == CLRNN_OK && c->output_count != 1)
            status = clr_keras_unsupported(&b->k, "more than one output", "in a row");
    }
    return status == CLRNN_OK ? clrnn_graph_output(b->k.graph, "y", value->name) : status;
}

/* --- Functional --------------------------------------------------------------------------------
 */

/* Whether a call of Keras 3 is given a mask, as then all are that have one; but for one that is
 * null the values have it, and Multiply looks at those of its values. */
static bool gives_masks(const builder *b)
{
    bool gives = false;
    for (uint32_t i = 0; i < b->count; i++) {
        clr_histories all = {0};
        clr_history_collect(b->calls[i].inbound, &all, 0);
        gives = gives || (cJSON_IsObject(b->calls[i].inbound) && all.mask.layer);
        if (all.no_mask || strcmp(type_of(b->calls[i].layer), "Multiply") == 0)
            return false;
    }
    return gives;
}

/* Whether an Embedding reads an input. */
static bool is_of_symbols(const builder *b, const char *name)
{
    for (uint32_t i = 0; i < b->count; i++) {
        clr_histories all = {0};
        if (!b->calls[i].inbound || strcmp(type_of(b->calls[i].layer), "Embedding") != 0)
            continue;
        clr_history_collect(b->calls[i].inbound, &all, 0);
        for (uint32_t k = 0; k < all.count; k++)
            if (strcmp(all.list[k].layer, name) == 0)
                return true;
    }
    return false;
}

static clrnn_status add_inputs(builder *b)
{
    clrnn_status status = CLRNN_OK;
    for (uint32_t i = 0; i < b->count && status == CLRNN_OK; i++) {
        call *c = &b->calls[i];
        const char *name = name_of(c->layer);
        if (c->inbound)
            continue;
        if (!is_input(c->layer) || !name || strlen(name) >= sizeof c->outputs[0].name)
            return damaged(b, "a layer that reads nothing");
        const char *type = text_of(cJSON_GetObjectItemCaseSensitive(c->layer, "config"), "dtype");
        status = add_input(b, name, shape_of(c->layer), is_of_symbols(b, name),
                           type && strcmp(type, "bool") == 0);
        snprintf(c->outputs[0].name, sizeof c->outputs[0].name, "%s", name);
        c->output_count = 1;
        c->done = true;
    }
    return status;
}

static clrnn_status add_outputs(builder *b, const cJSON *config)
{
    clr_histories all = {0};
    clrnn_status status = CLRNN_OK;
    clr_history_collect(cJSON_GetObjectItemCaseSensitive(config, "output_layers"), &all, 0);
    if (all.count == 0 || all.unknown)
        return damaged(b, "no output_layers");
    for (uint32_t i = 0; i < all.count && status == CLRNN_OK; i++) {
        const clr_history *h = &all.list[i];
        const call *from = find_call(b, h);
        char name[CLR_KERAS_NAME + 24];
        if (!from || !from->done || h->output >= from->output_count)
            return damaged(b, "an output that there is not");
        snprintf(name, sizeof name, "%s", name_of(from->layer));
        if (h->output || h->call)
            snprintf(name + strlen(name), sizeof name - strlen(name), ".%u",
                     h->output + h->call * CLR_KERAS_OUTPUTS);
        status = clrnn_graph_output(b->k.graph, name, from->outputs[h->output].name);
    }
    return status;
}

/* Layers as their inputs are there; in a file they stand in order, or nearly so. */
static clrnn_status build_functional(builder *b, const cJSON *config)
{
    clrnn_status status = add_inputs(b);
    b->k.masks_given = gives_masks(b);
    for (bool more = true, moved = true; more && status == CLRNN_OK;) {
        if (!moved)
            return damaged(b, "layers that read each other in a circle");
        more = moved = false;
        for (uint32_t i = 0; i < b->count && status == CLRNN_OK; i++) {
            arguments a;
            bool ready = false;
            if (b->calls[i].done)
                continue;
            status = take_inputs(b, &b->calls[i], &a, &ready);
            if (status == CLRNN_OK && ready)
                status = add_layer(b, &b->calls[i], &a);
            moved = moved || ready;
            more = more || !ready;
        }
    }
    return status == CLRNN_OK ? add_outputs(b, config) : status;
}

/* --- the whole ---------------------------------------------------------------------------------
 */

static uint32_t classes_before(const cJSON *layers, const cJSON *layer)
{
    uint32_t count = 0;
    for (const cJSON *i = layers->child; i && i != layer; i = i->next)
        count += strcmp(type_of(i), type_of(layer)) == 0;
    return count;
}

static clrnn_status list_calls(builder *b, const cJSON *layers)
{
    if (!cJSON_IsArray(layers) || !layers->child)
        return damaged(b, "a model without layers");
    b->calls = clr_calloc(MOST_CALLS, sizeof *b->calls);
    if (!b->calls)
        return clr_fail(b->k.log, CLRNN_ERR_MEMORY, "%s: no memory for its layers", b->k.file);
    for (const cJSON *i = layers->child; i; i = i->next) {
        const cJSON *nodes = cJSON_GetObjectItemCaseSensitive(i, "inbound_nodes");
        const cJSON *node = b->sequential || !cJSON_IsArray(nodes) ? NULL : nodes->child;
        uint32_t number = 0;
        do {
            if (b->count == MOST_CALLS)
                return clr_fail(b->k.log, CLRNN_ERR_UNSUPPORTED, "%s: more than %d calls of layers",
                                b->k.file, MOST_CALLS);
            b->calls[b->count++] = (call){.layer = i,
                                          .inbound = node,
                                          .number = number++,
                                          .classes = classes_before(layers, i)};
            node = node ? node->next : NULL;
        } while (node);
    }
    return CLRNN_OK;
}

clrnn_status clr_keras_build(const cJSON *model, const clrnn_tensors *weights, bool before_3,
                             const char *file, clrnn_precision precision, const clrnn_log *log,
                             clrnn_graph **graph)
{
    const char *type = type_of(model);
    const cJSON *config = cJSON_GetObjectItemCaseSensitive(model, "config");
    const cJSON *layers =
        cJSON_IsArray(config) ? config : cJSON_GetObjectItemCaseSensitive(config, "layers");
    builder b = {.k = {.file = file, .log = log, .weights = weights, .before_3 = before_3},
                 .sequential = strcmp(type, "Sequential") == 0};
    if (!b.sequential && strcmp(type, "Functional") != 0 && strcmp(type, "Model") != 0)
        return clr_fail(log, CLRNN_ERR_UNSUPPORTED,
                        "%s: a model of class %s is not supported, only Sequential and Functional",
                        file, clr_show(type).text);
    clrnn_status status =
        clrnn_graph_create(log, &(clrnn_graph_desc){.precision = precision}, graph);
    b.k.graph = *graph;
    if (status == CLRNN_OK)
        status = list_calls(&b, layers);
    if (status == CLRNN_OK)
        status = b.sequential ? build_sequential(&b, config) : build_functional(&b, config);
    free(b.calls);
    return status == CLRNN_ERR_ARGUMENT || status == CLRNN_ERR_RANGE ? CLRNN_ERR_FORMAT : status;
}

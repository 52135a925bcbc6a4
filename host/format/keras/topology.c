/* SPDX-License-Identifier: MIT
 * format/keras/topology.c - which layer of a Keras model reads which: Sequential and Functional. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/memory.h"
#include "format/keras/calls.h"
#include "format/keras/input.h"
#include "graph/graph.h"

enum { MOST_LAYERS = 4096 };

/* What a call reads. */
typedef struct arguments {
    clr_keras_value inputs[CLR_KERAS_INPUTS];
    uint32_t count;
    clr_keras_value mask; /* that is given; "" */
    clr_keras_value attention_mask;
    bool causal, scores;
    double number;
    bool has_number, number_first;
} arguments;

/* The mask of a call. Keras 3 looks for one that is not given only where there is one value. */
static const char *mask_of(const clr_keras *k, const arguments *a)
{
    static const char none[CLR_KERAS_NAME] = "";
    return a->mask.name[0] ? a->mask.name : k->before_3 || a->count == 1 ? a->inputs[0].mask : none;
}

static clrnn_status add_layer(clr_keras_builder *b, clr_keras_call *c, const arguments *a)
{
    clr_keras *k = &b->k;
    char number[16] = "";
    const char *module = clr_keras_text_of(c->layer, "module");
    k->type = clr_keras_type_of(c->layer);
    k->name = clr_keras_name_of(c->layer);
    k->config = cJSON_GetObjectItemCaseSensitive(c->layer, "config");
    if (!k->name || !cJSON_IsObject(k->config))
        return clr_keras_damaged(b, "a layer without config or name");
    if (++k->layers > MOST_LAYERS)
        return clr_keras_unsupported(k, "in a model", "more than 4096 layers");
    if (a->count == 0 || a->count > CLR_KERAS_INPUTS)
        return clr_keras_unsupported(k, "a layer of", "no or more than 16 inputs");
    if (c->number)
        snprintf(number, sizeof number, ":%u", c->number);
    if (snprintf(k->node, sizeof k->node, "%s%s%s", k->prefix, k->name, number) + 16 >
        (int)sizeof k->node) /* parts of it are called more */
        return clr_keras_damaged(b, "a layer with a name of more than 240 letters");
    k->parts = 0;
    clr_keras_find_key(k, c->classes);
    memcpy(k->inputs, a->inputs, a->count * sizeof *a->inputs);
    k->input_count = a->count;
    k->number = a->number;
    k->has_number = a->has_number;
    k->number_first = a->number_first;
    k->call = c->inbound;
    k->is_operation = module && strncmp(module, "keras.src.ops", 13) == 0;
    k->operation = !module || k->is_operation;
    memcpy(k->mask, mask_of(k, a), sizeof k->mask);
    memcpy(k->attention_mask, a->attention_mask.name, sizeof k->attention_mask);
    k->causal = a->causal;
    k->scores = a->scores;
    clrnn_status status = clr_keras_layer(k);
    memcpy(c->outputs, k->outputs, sizeof c->outputs);
    c->output_count = k->output_count;
    c->done = true;
    return status;
}

/* --- what a call reads ------------------------------------------------------------------------ */

/* The value that a call reads, if the layer before is there already. */
static clrnn_status take_value(const clr_keras_builder *b, const clr_history *h,
                               clr_keras_value *value, bool *ready)
{
    const clr_keras_call *from = clr_keras_find_call(b, h);
    if (!from)
        return clr_keras_damaged(b, "a layer reads one that there is not");
    *ready = *ready && from->done;
    if (from->done && h->output >= from->output_count)
        return clr_keras_damaged(b, "a layer reads an output that there is not");
    if (from->done)
        *value = from->outputs[h->output];
    return CLRNN_OK;
}

/* Whether all that a call reads is there; then *a. */
static clrnn_status take_inputs(const clr_keras_builder *b, const clr_keras_call *c, arguments *a,
                                bool *ready)
{
    clr_histories all = {0};
    const cJSON *args = cJSON_GetObjectItemCaseSensitive(c->inbound, "args");
    const bool item = args && strcmp(clr_keras_type_of(c->layer), "GetItem") == 0;
    clr_history_collect(item ? args->child : c->inbound, &all, 0); /* which item is no value */
    *ready = true;
    *a = (arguments){.count = all.count,
                     .number = all.number,
                     .has_number = all.has_number,
                     .number_first = all.number_first,
                     .causal = all.causal,
                     .scores = all.scores};
    if (all.unknown)
        return clr_fail(
            b->k.log, CLRNN_ERR_UNSUPPORTED, "%s: layer %s: its argument %s is not supported",
            b->k.file,
            clr_show(clr_keras_name_of(c->layer) ? clr_keras_name_of(c->layer) : "?").text,
            clr_show(all.unknown).text);
    clrnn_status status = CLRNN_OK;
    for (uint32_t i = 0; i < all.count && status == CLRNN_OK; i++)
        status = take_value(b, &all.list[i], &a->inputs[i], ready);
    if (status == CLRNN_OK && all.mask.layer)
        status = take_value(b, &all.mask, &a->mask, ready);
    if (status == CLRNN_OK && all.attention_mask.layer)
        status = take_value(b, &all.attention_mask, &a->attention_mask, ready);
    for (uint32_t i = 0; i < 3 && i < all.count && status == CLRNN_OK; i++) {
        clr_keras_value mask = {.name = ""};
        if (all.masks[i].layer)
            status = take_value(b, &all.masks[i], &mask, ready);
        if (mask.name[0]) /* instead of what the value has */
            memcpy(a->inputs[i].mask, mask.name, sizeof mask.name);
    }
    return status;
}

/* --- Sequential ------------------------------------------------------------------------------- */

/* The one value that the first layer reads, as an input of the graph if it is not given. */
static clrnn_status begin_sequential(clr_keras_builder *b, const cJSON *config,
                                     clr_keras_value *value)
{
    const clr_keras_call *first = &b->calls[0],
                         *reader = &b->calls[b->count > 1 && clr_keras_is_input(first->layer)];
    const cJSON *shape = clr_keras_input_shape(first->layer);
    if (!shape)
        shape = cJSON_GetObjectItemCaseSensitive(config, "build_input_shape");
    if (b->given && b->given_count != 1)
        return clr_keras_unsupported(&b->k, "more than one input", "in a row");
    *value = b->given ? b->given[0] : (clr_keras_value){"x", ""};
    return b->given ? CLRNN_OK
                    : clr_keras_add_input(&b->k, value->name, shape,
                                          clr_keras_reads_symbols(reader->layer), false);
}

/* out: the values of a model that is a layer; else they become outputs of the graph */
static clrnn_status build_sequential(clr_keras_builder *b, const cJSON *config, clr_keras *out)
{
    arguments a = {.count = 1};
    clr_keras_value *value = &a.inputs[0];
    clrnn_status status = begin_sequential(b, config, value);
    for (uint32_t i = 0; i < b->count && status == CLRNN_OK; i++) {
        clr_keras_call *c = &b->calls[i];
        if (clr_keras_is_input(c->layer))
            continue;
        status = add_layer(b, c, &a);
        *value = c->outputs[0];
        if (status == CLRNN_OK && c->output_count != 1)
            status = clr_keras_unsupported(&b->k, "more than one output", "in a row");
    }
    if (status != CLRNN_OK || !out)
        return status == CLRNN_OK ? clrnn_graph_output(b->k.graph, "y", value->name) : status;
    out->outputs[0] = *value;
    out->output_count = 1;
    return CLRNN_OK;
}

/* --- Functional ------------------------------------------------------------------------------- */

/* Input c of the graph, or what is given instead: `number` in the order of config's input_layers.
 */
static clrnn_status add_input(clr_keras_builder *b, clr_keras_call *c, const clr_histories *order)
{
    const char *name = clr_keras_name_of(c->layer);
    const char *type =
        clr_keras_text_of(cJSON_GetObjectItemCaseSensitive(c->layer, "config"), "dtype");
    if (!clr_keras_is_input(c->layer) || !name || strlen(name) >= sizeof c->outputs[0].name)
        return clr_keras_damaged(b, "a layer that reads nothing");
    c->output_count = 1;
    c->done = true;
    for (uint32_t i = 0; b->given && i < order->count; i++)
        if (strcmp(order->list[i].layer, name) == 0 && i < b->given_count) {
            c->outputs[0] = b->given[i];
            return CLRNN_OK;
        }
    if (b->given)
        return clr_keras_damaged(b, "a model that is given another number of values than it reads");
    snprintf(c->outputs[0].name, sizeof c->outputs[0].name, "%s", name);
    return clr_keras_add_input(&b->k, name, clr_keras_input_shape(c->layer),
                               clr_keras_is_of_symbols(b, name), type && strcmp(type, "bool") == 0);
}

/* Whether the file says of two sequences that they have different lengths. */
static bool times_differ(const clr_keras_builder *b)
{
    uint64_t time = 0, next = 0;
    for (uint32_t i = 0; i < b->count; i++) {
        const cJSON *layer = b->calls[i].layer, *shape = clr_keras_input_shape(layer);
        const char *name = clr_keras_name_of(layer);
        if (!name || !clr_keras_is_input(layer) ||
            cJSON_GetArraySize(shape) != (clr_keras_is_of_symbols(b, name) ? 2 : 3) ||
            !clr_json_integer(cJSON_GetArrayItem(shape, 1), INT32_MAX, &next))
            continue;
        if (time && next != time)
            return true;
        time = next;
    }
    return false;
}

static clrnn_status add_inputs(clr_keras_builder *b, const cJSON *config)
{
    clr_histories order = {0};
    clrnn_status status = CLRNN_OK;
    b->k.fixed = b->k.fixed || (!b->given && times_differ(b));
    clr_history_collect(cJSON_GetObjectItemCaseSensitive(config, "input_layers"), &order, 0);
    for (uint32_t i = 0; i < b->count && status == CLRNN_OK; i++)
        if (!b->calls[i].inbound)
            status = add_input(b, &b->calls[i], &order);
    return status;
}

static clrnn_status add_outputs(clr_keras_builder *b, const cJSON *config, clr_keras *out)
{
    clr_histories all = {0};
    clrnn_status status = CLRNN_OK;
    clr_history_collect(cJSON_GetObjectItemCaseSensitive(config, "output_layers"), &all, 0);
    if (all.count == 0 || all.unknown)
        return clr_keras_damaged(b, "no output_layers");
    if (out && all.count > CLR_KERAS_OUTPUTS)
        return clr_keras_unsupported(out, "a model in a model with", "more than 9 outputs");
    for (uint32_t i = 0; i < all.count && status == CLRNN_OK; i++) {
        const clr_history *h = &all.list[i];
        const clr_keras_call *from = clr_keras_find_call(b, h);
        char name[CLR_KERAS_NAME + 24];
        if (!from || !from->done || h->output >= from->output_count)
            return clr_keras_damaged(b, "an output that there is not");
        if (out) {
            out->outputs[i] = from->outputs[h->output];
            continue;
        }
        snprintf(name, sizeof name, "%s", clr_keras_name_of(from->layer));
        if (h->output || from->number)
            snprintf(name + strlen(name), sizeof name - strlen(name), ".%u",
                     h->output + from->number * 3);
        status = clrnn_graph_output(b->k.graph, name, from->outputs[h->output].name);
    }
    if (out)
        out->output_count = all.count;
    return status;
}

/* Layers as their inputs are there; in a file they stand in order, or nearly so. */
static clrnn_status build_functional(clr_keras_builder *b, const cJSON *config, clr_keras *out)
{
    clrnn_status status = add_inputs(b, config);
    for (bool more = true, moved = true; more && status == CLRNN_OK;) {
        if (!moved)
            return clr_keras_damaged(b, "layers that read each other in a circle");
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
    return status == CLRNN_OK ? add_outputs(b, config, out) : status;
}

/* --- the whole -------------------------------------------------------------------------------- */

/* The model of b->k's class. out: as of build_sequential */
static clrnn_status build(clr_keras_builder *b, const char *type, const cJSON *config,
                          clr_keras *out)
{
    const cJSON *layers =
        cJSON_IsArray(config) ? config : cJSON_GetObjectItemCaseSensitive(config, "layers");
    b->sequential = strcmp(type, "Sequential") == 0;
    clrnn_status status = clr_keras_list_calls(b, config, layers);
    if (status == CLRNN_OK)
        status =
            b->sequential ? build_sequential(b, config, out) : build_functional(b, config, out);
    free(b->calls);
    return status;
}

static clrnn_status nest(clr_keras *k)
{
    clr_keras_builder b = {.k = *k, .given = k->inputs, .given_count = k->input_count};
    if (k->depth == CLR_KERAS_DEPTH)
        return clr_keras_unsupported(k, "a model in a model", "that is too deep");
    const int prefix = snprintf(b.k.prefix, sizeof b.k.prefix, "%s/", k->node);
    const int root = snprintf(b.k.root, sizeof b.k.root, "%s/", k->key);
    if (prefix < 0 || (size_t)prefix >= sizeof b.k.prefix || root < 0 ||
        (size_t)root >= sizeof b.k.root)
        return clr_keras_wrong(k, "its name is too long");
    b.k.outer = k->outer ? k->outer : k->name;
    b.k.depth++;
    memcpy(k->inputs[0].mask, k->mask, sizeof k->mask);
    clrnn_status status = build(&b, k->type, k->config, k);
    k->layers = b.k.layers;
    k->windows = b.k.windows;
    return status;
}

static clrnn_status build_whole(const clr_keras *k, const cJSON *model, clrnn_precision precision,
                                clrnn_graph **graph)
{
    clr_keras_builder b = {.k = *k};
    clrnn_status status =
        clrnn_graph_create(k->log, &(clrnn_graph_desc){.precision = precision}, graph);
    b.k.graph = *graph;
    return status == CLRNN_OK ? build(&b, clr_keras_type_of(model),
                                      cJSON_GetObjectItemCaseSensitive(model, "config"), NULL)
                              : status;
}

clrnn_status clr_keras_build(cJSON *model, const clrnn_tensors *weights, bool before_3,
                             const char *file, const clrnn_import_desc *wishes,
                             const clrnn_log *log, clrnn_graph **graph)
{
    const clrnn_precision precision = wishes->precision;
    const char *type = clr_keras_type_of(model);
    clr_keras k = {.file = file,
                   .weights = weights,
                   .before_3 = before_3,
                   .nest = nest,
                   .wishes = wishes,
                   .apart = wishes->size_count > 0 || clr_keras_wishes_differ(wishes)};
    if (strcmp(type, "Sequential") != 0 && strcmp(type, "Functional") != 0 &&
        strcmp(type, "Model") != 0)
        return clr_fail(log, CLRNN_ERR_UNSUPPORTED,
                        "%s: a model of class %s is not supported, only Sequential and Functional",
                        file, clr_show(type).text);
    if (!clr_keras_rename(model, 0))
        return clr_fail(log, CLRNN_ERR_MEMORY, "%s: no memory for its layers", file);
    /* Time of any length if the layers can do with it, else of the length that the file says, else
     * of that which the caller knows. */
    const int ways = wishes->input_count || wishes->size_count ? 3 : 2;
    clrnn_status status = CLRNN_OK;
    for (int way = 0; way < ways; way++) {
        k.fixed = way > 0;
        k.apart = k.apart || way == 2;
        k.log = way == ways - 1 ? log : NULL;
        status = build_whole(&k, model, precision, graph);
        if (status == CLRNN_OK || status == CLRNN_ERR_MEMORY)
            break;
        if (way < ways - 1)
            clrnn_graph_destroy(graph);
    }
    if (status == CLRNN_OK && log)
        (*graph)->log = *log;
    if (status == CLRNN_OK)
        return clr_keras_check_sizes(wishes, *graph, file, log);
    return status == CLRNN_ERR_ARGUMENT || status == CLRNN_ERR_RANGE ? CLRNN_ERR_FORMAT : status;
}

/* SPDX-License-Identifier: MIT
 * format/keras/calls.c - see format/keras/calls.h. */
#include "format/keras/calls.h"

#include <string.h>

#include "base/log.h"
#include "base/memory.h"
#include "format/keras/input.h"

const char *clr_keras_text_of(const cJSON *object, const char *key)
{
    return cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(object, key));
}

clrnn_status clr_keras_damaged(const clr_keras_builder *b, const char *what)
{
    return clr_fail(b->k.log, CLRNN_ERR_FORMAT, "%s: damaged: %s", b->k.file, what);
}

const char *clr_keras_type_of(const cJSON *layer)
{
    const char *type = clr_keras_text_of(layer, "class_name");
    return type ? type : "?";
}

/* The name: of older files beside the config, of all within it. */
const char *clr_keras_name_of(const cJSON *layer)
{
    const char *name = clr_keras_text_of(cJSON_GetObjectItemCaseSensitive(layer, "config"), "name");
    return name ? name : clr_keras_text_of(layer, "name");
}

bool clr_keras_is_input(const cJSON *layer)
{
    return strcmp(clr_keras_type_of(layer), "InputLayer") == 0;
}

const clr_keras_call *clr_keras_find_call(const clr_keras_builder *b, const clr_history *h)
{
    for (uint32_t i = 0; i < b->count; i++) {
        const char *name = clr_keras_name_of(b->calls[i].layer);
        if (name && b->calls[i].number + b->calls[i].first == h->call &&
            strcmp(name, h->layer) == 0)
            return &b->calls[i];
    }
    return NULL;
}

/* Whether what begins with an Embedding reads an input. */
bool clr_keras_is_of_symbols(const clr_keras_builder *b, const char *name)
{
    for (uint32_t i = 0; i < b->count; i++) {
        clr_histories all = {0};
        if (!b->calls[i].inbound || !clr_keras_reads_symbols(b->calls[i].layer))
            continue;
        clr_history_collect(b->calls[i].inbound, &all, 0);
        for (uint32_t k = 0; k < all.count; k++)
            if (strcmp(all.list[k].layer, name) == 0)
                return true;
    }
    return false;
}

static uint32_t classes_before(const cJSON *layers, const cJSON *layer)
{
    uint32_t count = 0;
    for (const cJSON *i = layers->child; i && i != layer; i = i->next)
        count += strcmp(clr_keras_type_of(i), clr_keras_type_of(layer)) == 0;
    return count;
}

static void begin_at_0(clr_keras_builder *b, const clr_history *h)
{
    for (uint32_t i = 0; i < b->count && h->call == 0; i++) {
        const char *name = clr_keras_name_of(b->calls[i].layer);
        if (b->calls[i].first && name && strcmp(name, h->layer) == 0)
            b->calls[i].first = 0;
    }
}

/* Calls of a model that is a layer count from 1 on, behind the one that made it, where Keras 2 or
 * an early 3 has written the file: then nobody reads what call 0 gives. */
static void find_first(clr_keras_builder *b, const cJSON *config)
{
    bool any = false;
    for (uint32_t i = 0; i < b->count; i++) {
        const char *type = clr_keras_type_of(b->calls[i].layer);
        b->calls[i].first =
            b->calls[i].inbound && (strcmp(type, "Functional") == 0 || strcmp(type, "Model") == 0 ||
                                    strcmp(type, "Sequential") == 0);
        any = any || b->calls[i].first;
    }
    for (uint32_t i = 0; any && i <= b->count; i++) {
        clr_histories all = {0};
        clr_history_collect(i < b->count
                                ? b->calls[i].inbound
                                : cJSON_GetObjectItemCaseSensitive(config, "output_layers"),
                            &all, 0);
        for (uint32_t k = 0; k < all.count; k++)
            begin_at_0(b, &all.list[k]);
    }
}

clrnn_status clr_keras_list_calls(clr_keras_builder *b, const cJSON *config, const cJSON *layers)
{
    if (!cJSON_IsArray(layers) || !layers->child)
        return clr_keras_damaged(b, "a model without layers");
    b->calls = clr_calloc(CLR_MOST_CALLS, sizeof *b->calls);
    if (!b->calls)
        return clr_fail(b->k.log, CLRNN_ERR_MEMORY, "%s: no memory for its layers", b->k.file);
    for (const cJSON *i = layers->child; i; i = i->next) {
        const cJSON *nodes = cJSON_GetObjectItemCaseSensitive(i, "inbound_nodes");
        const cJSON *node = b->sequential || !cJSON_IsArray(nodes) ? NULL : nodes->child;
        uint32_t number = 0;
        do {
            if (b->count == CLR_MOST_CALLS)
                return clr_fail(b->k.log, CLRNN_ERR_UNSUPPORTED, "%s: more than %d calls of layers",
                                b->k.file, CLR_MOST_CALLS);
            b->calls[b->count++] = (clr_keras_call){.layer = i,
                                                    .inbound = node,
                                                    .number = number++,
                                                    .classes = classes_before(layers, i)};
            node = node ? node->next : NULL;
        } while (node);
    }
    find_first(b, config);
    return CLRNN_OK;
}

/* SPDX-License-Identifier: MIT
 * format/keras/history.c - see format/keras/history.h. */
#include "format/keras/history.h"

#include <string.h>

enum { MOST_DEPTH = 8 };

static const char *text_of(const cJSON *object, const char *key)
{
    return cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(object, key));
}

static bool take_history(const cJSON *array, clr_history *h)
{
    const cJSON *name = array ? array->child : NULL, *node = name ? name->next : NULL;
    const cJSON *output = node ? node->next : NULL;
    uint64_t numbers[2];
    if (!cJSON_IsString(name) || !clr_json_integer(node, CLR_MOST_CALLS, &numbers[0]) ||
        !clr_json_integer(output, CLR_KERAS_OUTPUTS - 1, &numbers[1]))
        return false;
    *h = (clr_history){name->valuestring, (uint32_t)numbers[0], (uint32_t)numbers[1]};
    return true;
}

/* One value, or nothing. */
static bool take_one(const cJSON *item, clr_history *h)
{
    clr_histories one = {0};
    clr_history_collect(item, &one, 1);
    if (one.count == 1)
        *h = one.list[0];
    return !one.unknown && one.count <= 1 && !one.has_number;
}

/* The mask of a call: of its value, or a list of one for each. */
static bool take_mask(const cJSON *item, clr_histories *all)
{
    const bool list = cJSON_IsArray(item) && !cJSON_IsString(item->child);
    const int count = list ? cJSON_GetArraySize(item) : 1;
    if (count == 1)
        return take_one(item, &all->mask);
    bool fine = count <= 3;
    for (int i = 0; fine && i < count; i++)
        fine = take_one(cJSON_GetArrayItem(item, i), &all->masks[i]);
    return fine;
}

/* Arguments that are values, in the order in which layers have them. */
static const char *const values[] = {"args",  "inputs",        "sequences", "sequence", "query",
                                     "value", "key",           "x",         "x1",       "x2",
                                     "xs",    "initial_state", NULL};

static bool is_value(const char *name)
{
    const char *const *known = values;
    while (*known && strcmp(*known, name) != 0)
        known++;
    return *known != NULL;
}

/* An argument with a name that is no value. */
static bool take_named(const cJSON *item, clr_histories *all)
{
    static const char *const masks[] = {"query_mask", "value_mask", "key_mask"};
    if (cJSON_IsNull(item) || cJSON_IsFalse(item) || strcmp(item->string, "training") == 0)
        return true;
    if (strcmp(item->string, "mask") == 0)
        return take_mask(item, all);
    for (int i = 0; i < 3; i++)
        if (strcmp(item->string, masks[i]) == 0)
            return take_one(item, &all->masks[i]);
    if (strcmp(item->string, "attention_mask") == 0)
        return take_one(item, &all->attention_mask);
    const bool causal = strcmp(item->string, "use_causal_mask") == 0;
    const bool scores = strcmp(item->string, "return_attention_scores") == 0;
    all->causal = all->causal || (causal && cJSON_IsTrue(item));
    all->scores = all->scores || (scores && cJSON_IsTrue(item));
    return (causal || scores) && cJSON_IsTrue(item);
}

/* {"args": [..], "kwargs": {..}}, or the latter. */
static void collect_named(const cJSON *item, clr_histories *all, unsigned depth)
{
    for (const char *const *name = values; *name; name++) {
        const cJSON *value = cJSON_GetObjectItemCaseSensitive(item, *name);
        if (value)
            clr_history_collect(value, all, depth + 1);
    }
    for (const cJSON *i = item->child; i; i = i->next)
        if (strcmp(i->string, "kwargs") == 0)
            clr_history_collect(i, all, depth + 1);
        else if (!is_value(i->string) && !take_named(i, all))
            all->unknown = i->string;
}

/* All values in the arguments of a call, in order. */
void clr_history_collect(const cJSON *item, clr_histories *all, unsigned depth)
{
    clr_history h;
    const char *type = text_of(item, "class_name");
    const cJSON *config = cJSON_GetObjectItemCaseSensitive(item, "config");
    if (depth > MOST_DEPTH || all->count == CLR_KERAS_INPUTS) {
        all->unknown = "too many";
    } else if (type && strcmp(type, "__keras_tensor__") == 0) {
        if (take_history(cJSON_GetObjectItemCaseSensitive(config, "keras_history"), &h))
            all->list[all->count++] = h;
        else
            all->unknown = "a tensor without history";
    } else if (cJSON_IsArray(item) && take_history(item, &h)) {
        all->list[all->count++] = h;
        for (const cJSON *i = item->child->next->next->next; i; i = i->next)
            clr_history_collect(i, all, depth + 1);
    } else if (cJSON_IsArray(item)) {
        for (const cJSON *i = item->child; i; i = i->next)
            clr_history_collect(i, all, depth + 1);
    } else if (cJSON_IsObject(item)) {
        collect_named(item, all, depth);
    } else if (cJSON_IsNumber(item) && depth <= 2 && !all->has_number) {
        all->number = item->valuedouble;
        all->has_number = true;
        all->number_first = all->count == 0;
    } else if (!cJSON_IsNull(item))
        all->unknown = "a constant";
}

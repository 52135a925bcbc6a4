/* SPDX-License-Identifier: MIT
 * format/keras_history.c - see format/keras_history.h. */
#include "format/keras_history.h"

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

/* The mask of a call: one value, or nothing, also a list of that. */
static void take_mask(const cJSON *item, clr_histories *all)
{
    clr_histories masks = {0};
    clr_history_collect(item, &masks, 1);
    if (masks.unknown || masks.count > 1 || masks.mask.layer)
        all->unknown = "mask";
    else if (masks.count == 1)
        all->mask = masks.list[0];
    else
        all->no_mask = true;
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
        for (const cJSON *i = item->child; i; i = i->next) {
            const bool plain = strcmp(i->string, "args") == 0 || strcmp(i->string, "kwargs") == 0 ||
                               strcmp(i->string, "initial_state") == 0;
            if (plain)
                clr_history_collect(i, all, depth + 1);
            else if (strcmp(i->string, "mask") == 0)
                take_mask(i, all);
            else if (!cJSON_IsNull(i) && strcmp(i->string, "training") != 0)
                all->unknown = i->string;
        }
    } else if (cJSON_IsNumber(item) && depth <= 2 && !all->has_number) {
        all->number = item->valuedouble;
        all->has_number = true;
    } else if (!cJSON_IsNull(item))
        all->unknown = "a constant";
}

/* SPDX-License-Identifier: MIT
 * format/keras/item.c - operations of Keras that take parts of a value or put values side by side.
 */
#include <math.h>
#include <string.h>

#include "format/keras/keras.h"

/* An index of x[..]: a number, a slice, a new axis; of "..." there may be one. */
typedef struct taking {
    clrnn_node_desc cut;
    clrnn_value_info x;
    uint32_t at, rank; /* axes of x that are done, of the result that there are */
    bool cuts, shapes;
} taking;

static bool is_of_class(const cJSON *item, const char *name)
{
    const char *type = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(item, "class_name"));
    return type && strcmp(type, name) == 0;
}

static bool bound(const cJSON *config, const char *name, int64_t otherwise, int64_t *out)
{
    const cJSON *item = cJSON_GetObjectItemCaseSensitive(config, name);
    *out = otherwise;
    if (!item || cJSON_IsNull(item))
        return true;
    *out = cJSON_IsNumber(item) && fabs(item->valuedouble) < 1e9 ? (int64_t)item->valuedouble : 0;
    return cJSON_IsNumber(item) && (double)*out == item->valuedouble;
}

/* The {"start", "stop", "step"} of an index, in a __slice__ or by itself (TensorFlow's). NULL: it
 * is no slice. */
static const cJSON *slice_of(const cJSON *item)
{
    return is_of_class(item, "__slice__")      ? cJSON_GetObjectItemCaseSensitive(item, "config")
           : cJSON_HasObjectItem(item, "step") ? item
                                               : NULL;
}

static bool take_slice(taking *t, const cJSON *config)
{
    int64_t step = 1;
    if (t->at >= t->x.rank || !bound(config, "step", 1, &step) || step == 0 ||
        !bound(config, "start", step > 0 ? 0 : -1, &t->cut.begin[t->at]) ||
        !bound(config, "stop", CLRNN_TO_END, &t->cut.end[t->at]))
        return false;
    t->cut.step[t->at] = step;
    t->cuts = t->cuts || t->cut.begin[t->at] || t->cut.end[t->at] != CLRNN_TO_END || step != 1;
    t->rank++;
    t->at++;
    return true;
}

static bool take_index(taking *t, const cJSON *item, uint32_t after)
{
    if (t->rank >= CLRNN_MOST_AXES)
        return false;
    if (slice_of(item))
        return take_slice(t, slice_of(item));
    if (is_of_class(item, "__ellipsis__")) {
        while (t->at + after < t->x.rank && t->rank < CLRNN_MOST_AXES)
            t->rank++, t->at++;
        return true;
    }
    t->shapes = true;
    if (cJSON_IsNull(item)) {
        t->rank++;
        return true;
    }
    if (!cJSON_IsNumber(item) || t->at >= t->x.rank || fabs(item->valuedouble) > 1e9)
        return false;
    const int64_t at = (int64_t)item->valuedouble;
    t->cut.begin[t->at] = at;
    t->cut.end[t->at] = at == -1 ? CLRNN_TO_END : at + 1;
    t->cut.step[t->at++] = 1;
    t->cuts = true;
    return (double)at == item->valuedouble;
}

/* How many axes the indices from `i` on are of. */
static uint32_t axes_of(const cJSON *i)
{
    uint32_t count = 0;
    for (; i; i = i->next)
        count += cJSON_IsNumber(i) || slice_of(i);
    return count;
}

/* The result's axes are those of the slice that have no number, and new ones: a second walk. */
static clrnn_status finish(clr_keras *k, const cJSON *first, bool list, clr_keras_value *y)
{
    int64_t shape[CLRNN_MOST_AXES];
    clrnn_value_info info;
    uint32_t rank = 0, at = 0;
    clrnn_status status = clr_keras_value_info(k, y->name, &info);
    for (const cJSON *i = first; i && status == CLRNN_OK; i = list ? i->next : NULL) {
        if (cJSON_IsNull(i))
            shape[rank++] = 1;
        else if (cJSON_IsNumber(i))
            at++;
        else if (slice_of(i))
            shape[rank++] = info.shape[at++];
        else
            while (at + axes_of(i->next) < info.rank)
                shape[rank++] = info.shape[at++];
    }
    while (status == CLRNN_OK && at < info.rank && rank < CLRNN_MOST_AXES)
        shape[rank++] = info.shape[at++];
    return status == CLRNN_OK ? clr_keras_shape(k, rank, shape, y->name, y) : status;
}

static clrnn_status get_item(clr_keras *k)
{
    const cJSON *args = cJSON_GetObjectItemCaseSensitive(k->call, "args");
    const cJSON *which = args && args->child ? args->child->next : NULL;
    const bool list = cJSON_IsArray(which);
    const cJSON *first = list ? which->child : which;
    taking t = {.cut = {.kind = CLRNN_NODE_SLICE}};
    clr_keras_value y = k->inputs[0];
    clrnn_status status = clr_keras_value_info(k, y.name, &t.x);
    y.mask[0] = 0;
    t.cut.rank = t.x.rank;
    for (uint32_t i = 0; status == CLRNN_OK && i < t.x.rank; i++) {
        t.cut.end[i] = CLRNN_TO_END;
        t.cut.step[i] = 1;
    }
    for (const cJSON *i = first; i && status == CLRNN_OK; i = list ? i->next : NULL) {
        if (!take_index(&t, i, list ? axes_of(i->next) : 0))
            status = clr_keras_unsupported(k, "such an", "index");
    }
    if (status == CLRNN_OK && (!first || t.rank + t.x.rank - t.at > CLRNN_MOST_AXES))
        status = clr_keras_unsupported(k, "such an", "index");
    if (status == CLRNN_OK && t.cuts)
        status = clr_keras_part(k, &t.cut, y.name, &y);
    if (status == CLRNN_OK && t.shapes)
        status = finish(k, first, list, &y);
    k->outputs[0] = y;
    return status;
}

/* --- an axis ---------------------------------------------------------------------------------- */

static clrnn_status take_axis(const clr_keras *k, uint32_t rank, uint32_t *axis)
{
    const cJSON *item = clr_keras_member(k, "axis");
    if (cJSON_IsArray(item) && cJSON_GetArraySize(item) == 1)
        item = item->child;
    double at = cJSON_IsNumber(item) ? item->valuedouble : item ? NAN : 0;
    at += at < 0 ? rank : 0;
    if (!(at >= 0 && at < rank && at == floor(at)))
        return clr_keras_unsupported(k, "its config's", "axis");
    *axis = (uint32_t)at;
    return CLRNN_OK;
}

static clrnn_status cut(clr_keras *k, uint32_t rank, uint32_t axis, int64_t begin, int64_t end,
                        int64_t step, clr_keras_value *y)
{
    clrnn_node_desc desc = {.kind = CLRNN_NODE_SLICE, .rank = rank};
    for (uint32_t i = 0; i < rank; i++)
        desc.end[i] = CLRNN_TO_END;
    desc.begin[axis] = begin;
    desc.end[axis] = end;
    desc.step[axis] = step;
    return clr_keras_part(k, &desc, k->inputs[0].name, y);
}

/* Into so many equal parts, or before each of a list. */
static clrnn_status split(clr_keras *k, const clrnn_value_info *x, uint32_t axis)
{
    const cJSON *item = clr_keras_member(k, "indices_or_sections");
    const bool list = cJSON_IsArray(item);
    const int count = list                   ? cJSON_GetArraySize(item) + 1
                      : cJSON_IsNumber(item) ? item->valueint
                                             : 0;
    const int64_t size = x->shape[axis];
    clrnn_status status = CLRNN_OK;
    if (count < 1 || count > CLR_KERAS_OUTPUTS || size < 1 || (!list && size % count))
        return clr_keras_unsupported(k, "its config's", "indices_or_sections");
    for (int i = 0; i < count && status == CLRNN_OK; i++) {
        const cJSON *from = cJSON_GetArrayItem(item, i - 1), *to = cJSON_GetArrayItem(item, i);
        const int64_t begin = i == 0 ? 0 : list ? from->valueint : size / count * i;
        const int64_t end = i + 1 == count ? CLRNN_TO_END
                            : list         ? to->valueint
                                           : size / count * (i + 1);
        status = cut(k, x->rank, axis, begin, end, 1, &k->outputs[i]);
    }
    k->output_count = (uint32_t)count;
    return status;
}

static clrnn_status stack(clr_keras *k)
{
    clrnn_node_desc desc = {.kind = CLRNN_NODE_CONCAT};
    clr_keras_value deep[CLR_KERAS_INPUTS];
    clrnn_value_info x;
    uint32_t axis = 0;
    clrnn_status status = clr_keras_value_info(k, k->inputs[0].name, &x);
    if (status == CLRNN_OK)
        status = take_axis(k, x.rank + 1, &axis);
    for (uint32_t i = 0; i < k->input_count && status == CLRNN_OK; i++) {
        status = clr_keras_deepen(k, k->inputs[i].name, axis, &deep[i]);
        desc.inputs[i] = deep[i].name;
    }
    desc.axis = (int32_t)axis;
    return status == CLRNN_OK ? clr_keras_add(k, &desc, "", NULL, &k->outputs[0]) : status;
}

clrnn_status clr_keras_item(clr_keras *k)
{
    clrnn_value_info x;
    uint32_t axis = 0;
    if (strcmp(k->type, "GetItem") == 0)
        return get_item(k);
    if (strcmp(k->type, "Stack") == 0)
        return stack(k);
    clrnn_status status = clr_keras_value_info(k, k->inputs[0].name, &x);
    if (status == CLRNN_OK)
        status = take_axis(k, x.rank, &axis);
    if (status != CLRNN_OK)
        return status;
    return strcmp(k->type, "Split") == 0
               ? split(k, &x, axis)
               : cut(k, x.rank, axis, -1, CLRNN_TO_END, -1, &k->outputs[0]);
}

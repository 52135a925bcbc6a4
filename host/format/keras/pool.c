/* SPDX-License-Identifier: MIT
 * format/keras/pool.c - layers of Keras that pool, pad, cut and repeat: axis by axis, from parts
 * that are shifted against each other. */
#include <float.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/memory.h"
#include "format/keras/keras.h"

/* MOST_WINDOWS: elements of all windows of a model, each of them a node or two. */
enum { MOST_WINDOWS = 4096, MOST_MEANS = 1 << 22 };

static uint32_t spaces_of(const clr_keras *k)
{
    return strstr(k->type, "2D") ? 2 : 1;
}

/* That channels stand last behind so many axes. */
static clrnn_status check_spaces(const clr_keras *k, uint32_t spaces, clrnn_value_info *x)
{
    const char *format = clr_keras_text(k, "data_format", "channels_last");
    if (strcmp(format, "channels_last") != 0)
        return clr_keras_unsupported(k, "data_format", format);
    clrnn_status status = clr_keras_value_info(k, k->inputs[0].name, x);
    return status == CLRNN_OK && x->rank != spaces + 2
               ? clr_keras_wrong(k, "what it reads has another number of axes")
               : status;
}

/* Elements from `begin` on up to `cut` before the end of an axis, each `step`-th. */
static clrnn_status cut(clr_keras *k, uint32_t axis, int64_t begin, int64_t behind, int64_t step,
                        const char *x, clr_keras_value *value)
{
    clrnn_node_desc desc = {.kind = CLRNN_NODE_SLICE, .rank = axis + 1};
    for (uint32_t i = 0; i <= axis; i++)
        desc.end[i] = CLRNN_TO_END;
    desc.begin[axis] = begin;
    desc.end[axis] = behind ? -behind : CLRNN_TO_END;
    desc.step[axis] = step;
    return clr_keras_part(k, &desc, x, value);
}

static clrnn_status pad(clr_keras *k, uint32_t axis, uint32_t begin, uint32_t end, double number,
                        clr_keras_value *value)
{
    clrnn_node_desc desc = {.kind = CLRNN_NODE_PAD, .rank = axis + 1, .value = number};
    desc.begin[axis] = begin;
    desc.end[axis] = end;
    return clr_keras_part(k, &desc, value->name, value);
}

/* --- pooling ---------------------------------------------------------------------------------- */

typedef struct pooling {
    uint32_t spaces, kernel[2], stride[2];
    bool max, same;
} pooling;

/* value / how many elements each of its windows holds: padding is none. */
static clrnn_status divide(clr_keras *k, const pooling *p, uint32_t i, int64_t size, uint32_t begin,
                           clr_keras_value *value)
{
    const uint64_t count = (uint64_t)(size - 1) / p->stride[i] + 1;
    uint64_t shape[3] = {count, 1, 1};
    clr_keras_value share;
    double *shares = clr_calloc((size_t)count, sizeof *shares);
    if (!shares)
        return clr_fail(k->log, CLRNN_ERR_MEMORY, "%s: no memory for %llu windows", k->file,
                        (unsigned long long)count);
    for (uint64_t c = 0; c < count; c++) {
        const int64_t first = (int64_t)(c * p->stride[i]) - begin, last = first + p->kernel[i];
        shares[c] = 1.0 / (double)((last < size ? last : size) - (first > 0 ? first : 0));
    }
    clrnn_status status = clr_keras_constant(k, p->spaces - i + 1, shape, shares, false, &share);
    free(shares);
    return status == CLRNN_OK ? clr_keras_pair(k, CLRNN_NODE_MUL, value->name, share.name, value)
                              : status;
}

static clrnn_status pool_axis(clr_keras *k, const pooling *p, uint32_t i, int64_t size,
                              clr_keras_value *value)
{
    const uint32_t axis = 1 + i, kernel = p->kernel[i];
    uint32_t begin = 0, end = 0;
    clr_keras_value whole = *value, part = *value;
    clrnn_status status =
        p->same ? clr_keras_same(k, size, kernel, p->stride[i], &begin, &end) : CLRNN_OK;
    k->windows += kernel;
    if (status == CLRNN_OK && k->windows > MOST_WINDOWS)
        status = clr_keras_unsupported(k, "in a model", "windows of more than 4096 in all");
    if (status == CLRNN_OK && !p->max && begin + end && size < 1)
        status = clr_keras_unsupported(k, "padding", "same over time of any length");
    if (status == CLRNN_OK && !p->max && begin + end && size > MOST_MEANS)
        status = clr_keras_unsupported(k, "padding", "same over an axis of more than 4194304");
    if (status == CLRNN_OK && begin + end)
        status = pad(k, axis, begin, end, p->max ? -(double)FLT_MAX : 0, &whole);
    for (uint32_t at = 0; at < kernel && status == CLRNN_OK; at++) {
        status = cut(k, axis, at, kernel - 1 - at, p->stride[i], whole.name, &part);
        if (status == CLRNN_OK && at > 0)
            status = clr_keras_pair(k, p->max ? CLRNN_NODE_MAX : CLRNN_NODE_ADD, value->name,
                                    part.name, value);
        else
            *value = part;
    }
    if (status != CLRNN_OK || p->max)
        return status;
    return begin + end ? divide(k, p, i, size, begin, value)
                       : clr_keras_bend(k, CLRNN_FN_AFFINE, 1.0 / kernel, 0, value->name, value);
}

static clrnn_status add_pool(clr_keras *k)
{
    static const char *const known[] = {"pool_size", "strides", "padding", "data_format", NULL};
    const char *padding = clr_keras_text(k, "padding", "valid");
    pooling p = {.spaces = spaces_of(k),
                 .max = strncmp(k->type, "Max", 3) == 0,
                 .same = strcmp(padding, "same") == 0};
    clr_keras_value value = k->inputs[0];
    clrnn_value_info x;
    clrnn_status status = clr_keras_check(k, known);
    if (status == CLRNN_OK)
        status = check_spaces(k, p.spaces, &x);
    if (status == CLRNN_OK && !p.same && strcmp(padding, "valid") != 0)
        status = clr_keras_unsupported(k, "padding", padding);
    if (status == CLRNN_OK &&
        (!clr_keras_sizes(k, "pool_size", p.spaces, p.kernel) ||
         !clr_keras_sizes(k, clr_keras_member(k, "strides") ? "strides" : "pool_size", p.spaces,
                          p.stride)))
        status = clr_keras_wrong(k, "pool_size or strides is no size");
    for (uint32_t i = 0; i < p.spaces && status == CLRNN_OK; i++) {
        const int64_t size = x.shape[1 + i];
        if (!p.same && size > 0 && size < p.kernel[i])
            status = clr_keras_wrong(k, "its window is longer than what it reads");
        if (status == CLRNN_OK)
            status = pool_axis(k, &p, i, size, &value);
    }
    value.mask[0] = 0;
    k->outputs[0] = value;
    return status;
}

static clrnn_status add_global_pool(clr_keras *k)
{
    static const char *const known[] = {"data_format", "keepdims", NULL};
    const uint32_t spaces = spaces_of(k);
    const bool keep = clr_keras_flag(k, "keepdims", false), max = strstr(k->type, "Max");
    const clrnn_node_desc pool = {.kind = CLRNN_NODE_POOL,
                                  .reduction = max ? CLRNN_REDUCE_MAX : CLRNN_REDUCE_MEAN};
    const char *name = k->inputs[0].name;
    clrnn_value_info x;
    clrnn_status status = clr_keras_check(k, known);
    if (status == CLRNN_OK)
        status = check_spaces(k, spaces, &x);
    if (status == CLRNN_OK && k->mask[0] && !max && keep)
        status = clr_keras_unsupported(k, "with a mask its config's", "keepdims");
    if (status != CLRNN_OK)
        return status;
    if (k->mask[0] && !max)
        return clr_keras_mask_mean(k);
    return spaces == 1 && !keep && x.shape[1] == CLRNN_STEPS
               ? clr_keras_add(k, &pool, "", name, &k->outputs[0])
               : clr_keras_reduce(k, pool.reduction, 1, spaces, keep, name, &k->outputs[0]);
}

/* --- sizes ------------------------------------------------------------------------------------ */

/* A number, a pair of one axis, or for each of two axes a number or a pair: [2 * spaces]. */
static bool take_ends(const clr_keras *k, const char *name, uint32_t spaces, uint32_t *ends)
{
    const cJSON *item = clr_keras_member(k, name);
    for (uint32_t i = 0; i < spaces; i++) {
        const cJSON *of =
            spaces == 2 && cJSON_IsArray(item) ? cJSON_GetArrayItem(item, (int)i) : item;
        for (int end = 0; end < 2; end++) {
            const cJSON *number = cJSON_IsArray(of) ? cJSON_GetArrayItem(of, end) : of;
            uint64_t size = 0;
            if (!clr_json_integer(number, INT32_MAX / 4, &size))
                return false;
            ends[2 * i + (uint32_t)end] = (uint32_t)size;
        }
    }
    return true;
}

static clrnn_status add_ends(clr_keras *k)
{
    const bool more = strncmp(k->type, "Zero", 4) == 0;
    const char *name = more ? "padding" : "cropping";
    const char *const known[] = {name, "data_format", NULL};
    const uint32_t spaces = spaces_of(k);
    uint32_t ends[4] = {0};
    clr_keras_value value = k->inputs[0];
    clrnn_value_info x;
    clrnn_status status = clr_keras_check(k, known);
    if (status == CLRNN_OK)
        status = check_spaces(k, spaces, &x);
    if (status == CLRNN_OK && !take_ends(k, name, spaces, ends))
        status = clr_keras_wrong(k, "its padding or cropping is no size");
    for (uint32_t i = 0; i < spaces && status == CLRNN_OK; i++) {
        const uint32_t before = ends[2 * i], behind = ends[2 * i + 1];
        if (!more && x.shape[1 + i] > 0 && (int64_t)before + behind >= x.shape[1 + i])
            status = clr_keras_wrong(k, "it cuts off more than there is");
        else if (before + behind)
            status = more ? pad(k, 1 + i, before, behind, 0, &value)
                          : cut(k, 1 + i, before, behind, 1, value.name, &value);
    }
    value.mask[0] = 0;
    k->outputs[0] = value;
    return status;
}

/* [N,F] n times, as [N,n,F]. */
static clrnn_status add_repeat(clr_keras *k)
{
    static const char *const known[] = {"n", NULL};
    clrnn_node_desc desc = {.kind = CLRNN_NODE_EXPAND, .rank = 3};
    uint32_t features = 0, n = 0;
    clrnn_value_info x;
    clr_keras_value one;
    clrnn_status status = clr_keras_check(k, known);
    if (status == CLRNN_OK && !clr_keras_size(k, "n", &n))
        status = clr_keras_wrong(k, "n is no size");
    if (status == CLRNN_OK)
        status = clr_keras_value_info(k, k->inputs[0].name, &x);
    if (status == CLRNN_OK && x.rank != 2)
        status = clr_keras_wrong(k, "what it reads is not [N,F]");
    if (status == CLRNN_OK)
        status = clr_keras_features(k, &features);
    if (status == CLRNN_OK)
        status = clr_keras_shape(k, 3, (const int64_t[]){x.shape[0], 1, features},
                                 k->inputs[0].name, &one);
    desc.shape[1] = n;
    return status == CLRNN_OK ? clr_keras_add(k, &desc, "", one.name, &k->outputs[0]) : status;
}

clrnn_status clr_keras_pool(clr_keras *k, bool *is)
{
    static const clr_keras_type types[] = {{"MaxPooling1D", add_pool},
                                           {"MaxPool1D", add_pool},
                                           {"MaxPooling2D", add_pool},
                                           {"MaxPool2D", add_pool},
                                           {"AveragePooling1D", add_pool},
                                           {"AvgPool1D", add_pool},
                                           {"AveragePooling2D", add_pool},
                                           {"AvgPool2D", add_pool},
                                           {"GlobalAveragePooling1D", add_global_pool},
                                           {"GlobalMaxPooling1D", add_global_pool},
                                           {"GlobalAveragePooling2D", add_global_pool},
                                           {"GlobalMaxPooling2D", add_global_pool},
                                           {"ZeroPadding1D", add_ends},
                                           {"ZeroPadding2D", add_ends},
                                           {"Cropping1D", add_ends},
                                           {"Cropping2D", add_ends},
                                           {"RepeatVector", add_repeat},
                                           {NULL, NULL}};
    return clr_keras_one_of(k, types, is);
}

/* SPDX-License-Identifier: MIT
 * format/keras/weights.c - where a Keras file has the weights of a layer, and where they go. */
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/memory.h"
#include "format/keras/keras.h"

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
    char type[128], root[CLR_KERAS_NAME + 16];
    const char *key = NULL, *value = NULL;
    snprintf(root, sizeof root, "%slayers/", k->root);
    const size_t length = strlen(root);
    for (size_t i = 0; (key = clrnn_tensors_metadata_at(k->weights, i, &value)); i++) {
        const char *end = strstr(key, "/vars@name");
        const char *rest = end && strncmp(key, root, length) == 0 ? key + length : NULL;
        if (rest && strchr(rest, '/') == end && strcmp(value, k->name) == 0) {
            snprintf(k->key, sizeof k->key, "%.*s", (int)(end - key), key);
            return;
        }
    }
    snake(k->type, type, sizeof type);
    if (number)
        snprintf(k->key, sizeof k->key, "%.200s%.40s_%u", root, type, number);
    else
        snprintf(k->key, sizeof k->key, "%.200s%.40s", root, type);
}

/* Whether a path has a part of that name. */
static bool has_part(const char *path, size_t length, const char *name)
{
    const size_t of_name = strlen(name);
    for (size_t at = 0; at + of_name < length; at += strcspn(path + at, "/\n") + 1)
        if (path[at + of_name] == '/' && strncmp(path + at, name, of_name) == 0)
            return true;
    return false;
}

/* Line number i of a text: of those that have a part `name`, if that is not NULL. */
static const char *line_of(const char *text, const char *name, uint32_t i, size_t *length)
{
    for (; text; text = strchr(text, '\n'), text = text ? text + 1 : NULL) {
        *length = strcspn(text, "\n");
        if ((!name || has_part(text, *length, name)) && i-- == 0)
            return text;
    }
    return NULL;
}

/* The names of the layer's weights in an .h5 of the older kind, and the group that they lie in;
 * NULL: it is of Keras 3. */
static const char *old_names(const clr_keras *k, char group[CLR_KERAS_NAME + 32])
{
    static const char *const roots[] = {"model_weights/", ""};
    for (int i = 0; i < 2; i++) {
        char key[CLR_KERAS_NAME + 64];
        snprintf(group, CLR_KERAS_NAME + 32, "%s%s", roots[i], k->outer ? k->outer : k->name);
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
    const char *name = names ? line_of(names, k->outer ? k->name : NULL, first + i, &length) : NULL;
    if (names && (!name || length == 0))
        return NULL;
    if (name)
        snprintf(path, sizeof path, "%s/%.*s", group, (int)length, name);
    else
        snprintf(path, sizeof path, "%s/%svars/%u", k->key, part, i);
    return clrnn_tensors_find(k->weights, path);
}

bool clr_keras_has_weight(const clr_keras *k, const char *part, uint32_t first, uint32_t i)
{
    return find_weight(k, part, first, i) != NULL;
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
    if (t->rank != rank || (rank && memcmp(t->shape, shape, rank * sizeof *shape) != 0)) {
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

clrnn_status clr_keras_set(const clr_keras *k, const char *leaf, const double *values, size_t count)
{
    char name[CLR_KERAS_NAME + 32];
    snprintf(name, sizeof name, "%s.%s", k->node, leaf);
    return clrnn_graph_set_parameter(k->graph, name, values, count);
}

clrnn_status clr_keras_set_moved(const clr_keras *k, const char *leaf, const double *from,
                                 uint32_t rank, const uint64_t *shape, const uint32_t *order)
{
    size_t count = 1, stride[CLRNN_MOST_AXES];
    for (uint32_t i = rank; i-- > 0;) {
        stride[i] = count;
        count *= (size_t)shape[i];
    }
    double *moved = clr_calloc(count, sizeof *moved);
    if (!moved)
        return clr_fail(k->log, CLRNN_ERR_MEMORY, "%s: no memory for weights", k->file);
    for (size_t i = 0; i < count; i++) {
        size_t rest = i, place = 0;
        for (uint32_t axis = rank; axis-- > 0; rest /= (size_t)shape[order[axis]])
            place += rest % (size_t)shape[order[axis]] * stride[order[axis]];
        moved[i] = from[place];
    }
    clrnn_status status = clr_keras_set(k, leaf, moved, count);
    free(moved);
    return status;
}

clrnn_status clr_keras_set_ones(const clr_keras *k, const char *leaf, size_t count)
{
    double *ones = clr_calloc(count, sizeof *ones);
    if (!ones)
        return clr_fail(k->log, CLRNN_ERR_MEMORY, "%s: no memory for weights", k->file);
    for (size_t i = 0; i < count; i++)
        ones[i] = 1;
    clrnn_status status = clr_keras_set(k, leaf, ones, count);
    free(ones);
    return status;
}

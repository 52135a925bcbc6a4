/* SPDX-License-Identifier: MIT
 * format/keras/input.c - the inputs of a Keras model: their shapes, and what is symbols. */
#include <stdio.h>
#include <string.h>

#include "base/log.h"
#include "format/keras/input.h"

/* Whether that is the name of an input's time, "INPUT[1]". */
static bool is_time_of(const char *axis, const char *input)
{
    const size_t length = strlen(input);
    return axis && strncmp(axis, input, length) == 0 && strcmp(axis + length, "[1]") == 0;
}

/* How many steps the caller says that an input has; 0: nobody says. */
static int64_t wished_steps(const clrnn_import_desc *wishes, const char *name, uint32_t number)
{
    for (uint32_t i = 0; i < wishes->input_count; i++) {
        const clrnn_import_input *x = &wishes->inputs[i];
        if (x->has_shape && x->rank > 1 && (x->name ? strcmp(x->name, name) == 0 : i == number))
            return (int64_t)x->shape[1];
    }
    for (uint32_t i = 0; i < wishes->size_count; i++)
        if (is_time_of(wishes->sizes[i].name, name))
            return wishes->sizes[i].size;
    return 0;
}

bool clr_keras_wishes_differ(const clrnn_import_desc *wishes)
{
    uint64_t steps = 0;
    for (uint32_t i = 0; i < wishes->input_count; i++) {
        const clrnn_import_input *x = &wishes->inputs[i];
        if (!x->has_shape || x->rank < 2 ||
            (x->rank == 2 && (!x->value || x->value->dtype == CLRNN_DTYPE_F32 ||
                              x->value->dtype == CLRNN_DTYPE_F64)))
            continue;
        if (steps && (uint64_t)x->shape[1] != steps)
            return true;
        steps = (uint64_t)x->shape[1];
    }
    return false;
}

clrnn_status clr_keras_check_sizes(const clrnn_import_desc *wishes, const clrnn_graph *graph,
                                   const char *file, const clrnn_log *log)
{
    clrnn_value_info info;
    for (uint32_t i = 0; i < wishes->size_count; i++) {
        const clrnn_import_size *wish = &wishes->sizes[i];
        bool found = false;
        for (uint32_t k = 0; clrnn_graph_input_at(graph, k, &info) && !found; k++)
            found =
                is_time_of(wish->name, info.name) && info.rank > 1 && info.shape[1] == wish->size;
        if (!found)
            return clr_fail(log, CLRNN_ERR_ARGUMENT,
                            "%s: no axis '%s' is open for %lld: INPUT[1] is the time of an input",
                            file, clr_show(wish->name ? wish->name : "").text,
                            (long long)wish->size);
    }
    return CLRNN_OK;
}

/* [null,T,F] as [N,T,F], [null,T] of symbols or a mask as [N,T], [null,F] as [N,F]. T of a size in
 * the file is that size where layers need it (fixed). */
clrnn_status clr_keras_add_input(const clr_keras *k, const char *name, const cJSON *shape, bool ids,
                                 bool mask)
{
    clrnn_graph_input_desc x = {.name = name, .ids = ids};
    const int rank = cJSON_GetArraySize(shape);
    if (!cJSON_IsArray(shape) || rank < 1 || rank > CLRNN_MOST_AXES)
        return clr_fail(k->log, CLRNN_ERR_FORMAT, "%s: damaged: an input without shape", k->file);
    bool steps = false;
    for (const cJSON *i = shape->child; i; i = i->next) {
        const uint32_t axis = x.rank++;
        uint64_t size = 0;
        const bool is_time = axis == 1 && (rank == 3 || ids || mask) && !k->fixed;
        if (k->apart && axis == 1 && (is_time || cJSON_IsNull(i)) &&
            (x.shape[axis] = wished_steps(k->wishes, name, clrnn_graph_inputs(k->graph))) > 0)
            continue;
        if (axis == 0)
            x.shape[axis] = CLRNN_BATCH;
        else if (is_time || (cJSON_IsNull(i) && !steps && axis + 1 < (uint32_t)rank + ids + mask)) {
            x.shape[axis] = CLRNN_STEPS;
            steps = true;
        } else if (clr_json_integer(i, INT32_MAX, &size) && size > 0)
            x.shape[axis] = (int64_t)size;
        else
            return clr_fail(k->log, CLRNN_ERR_UNSUPPORTED,
                            "%s: input %s: an axis without size that is not time is not supported",
                            k->file, clr_show(name).text);
    }
    return clrnn_graph_input(k->graph, &x);
}

const cJSON *clr_keras_input_shape(const cJSON *layer)
{
    const cJSON *config = cJSON_GetObjectItemCaseSensitive(layer, "config");
    const cJSON *shape = cJSON_GetObjectItemCaseSensitive(config, "batch_shape");
    return shape ? shape : cJSON_GetObjectItemCaseSensitive(config, "batch_input_shape");
}

/* Deeper than a file that is sane: then it is not told. */
static bool reads_symbols(const cJSON *layer, unsigned depth)
{
    const char *type = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(layer, "class_name"));
    const cJSON *config = cJSON_GetObjectItemCaseSensitive(layer, "config");
    const cJSON *layers = cJSON_GetObjectItemCaseSensitive(config, "layers");
    if (!type || depth > CLR_KERAS_DEPTH)
        return false;
    if (strcmp(type, "TimeDistributed") == 0)
        return reads_symbols(cJSON_GetObjectItemCaseSensitive(config, "layer"), depth + 1);
    if (strcmp(type, "Sequential") != 0 && strcmp(type, "Functional") != 0)
        return strcmp(type, "Embedding") == 0;
    for (const cJSON *i = layers ? layers->child : NULL; i; i = i->next) {
        const char *inner = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(i, "class_name"));
        const bool is_input = inner && strcmp(inner, "InputLayer") == 0;
        if (!is_input && (reads_symbols(i, depth + 1) || strcmp(type, "Sequential") == 0))
            return reads_symbols(i, depth + 1);
    }
    return false;
}

bool clr_keras_reads_symbols(const cJSON *layer)
{
    return reads_symbols(layer, 0);
}

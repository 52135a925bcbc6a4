/* SPDX-License-Identifier: MIT
 * info_json.c - `clrnn info --json`; see info.h. */
#include <string.h>

#include "info.h"

static const char *const inputs[] = {"dense", "one_hot", "embedding"}; /* as clrnn_input counts */

static void add_sizes(cJSON *object, const clrnn_model_desc *desc)
{
    const clrnn_network_desc *n = &desc->network;
    cJSON_AddNumberToObject(object, "input_size", n->input_size);
    cJSON_AddNumberToObject(object, "hidden_size", n->hidden_size);
    cJSON_AddNumberToObject(object, "num_layers", n->num_layers);
    cJSON_AddNumberToObject(object, "proj_size", n->proj_size);
    cJSON_AddBoolToObject(object, "bidirectional", n->bidirectional);
    cJSON_AddBoolToObject(object, "bias", !n->no_bias);
    cJSON_AddStringToObject(object, "input", inputs[desc->input]);
    cJSON_AddNumberToObject(object, "vocabulary_size", desc->vocabulary_size);
    cJSON_AddNumberToObject(object, "output_size", desc->output_size);
    if (!desc->vocabulary)
        return;
    cJSON *list = cJSON_AddArrayToObject(object, "vocabulary");
    for (uint32_t v = 0; v < desc->vocabulary_size; v++)
        cJSON_AddItemToArray(list, cJSON_CreateNumber(desc->vocabulary[v]));
}

static void add_networks(cJSON *object, const info_file *file)
{
    cJSON *list = cJSON_AddArrayToObject(object, "networks");
    for (size_t i = 0; i < file->count; i++) {
        const info_network *n = &file->networks[i];
        cJSON *network = cJSON_CreateObject();
        cJSON_AddStringToObject(network, "prefix", n->prefix);
        cJSON_AddBoolToObject(network, "fits", !n->reason);
        if (n->reason) {
            cJSON_AddStringToObject(network, "reason", n->reason);
        } else {
            cJSON_AddStringToObject(network, "description", n->words);
            cJSON_AddStringToObject(network, "problem", n->problem);
            cJSON_AddStringToObject(network, "cell", n->cell);
            cJSON_AddNumberToObject(network, "parameters", (double)n->parameters);
            cJSON_AddStringToObject(network, "dtype", n->dtype);
            add_sizes(network, &n->desc);
        }
        cJSON_AddItemToArray(list, network);
    }
    if (file->more)
        cJSON_AddBoolToObject(object, "more_networks", true);
}

/* Whether a text is a number as JSON writes it. */
static bool is_number(const char *text)
{
    static const char digits[] = "0123456789";
    text += *text == '-';
    size_t whole = strspn(text, digits), part;
    if (whole == 0 || (whole > 1 && *text == '0'))
        return false;
    text += whole;
    if (*text == '.') {
        part = strspn(text + 1, digits);
        if (part == 0)
            return false;
        text += 1 + part;
    }
    if (*text == 'e' || *text == 'E') {
        text += text[1] == '+' || text[1] == '-' ? 2 : 1;
        part = strspn(text, digits);
        if (part == 0)
            return false;
        text += part;
    }
    return *text == 0;
}

/* Numbers as they stand in the file, which may have more digits than a double. */
static void add_training(cJSON *object, const info_file *file)
{
    const size_t begin = strlen(INFO_TRAIN);
    const char *key, *value;
    if (!info_is_training(file))
        return;
    cJSON *training = cJSON_AddObjectToObject(object, "training");
    for (size_t i = 0; (key = clrnn_tensors_metadata_at(file->set, i, &value)) != NULL; i++) {
        if (strncmp(key, INFO_TRAIN, begin) != 0)
            continue;
        if (is_number(value))
            cJSON_AddRawToObject(training, key + begin, value);
        else
            cJSON_AddStringToObject(training, key + begin, value);
    }
}

static void add_tensors(cJSON *object, const clrnn_tensors *set)
{
    cJSON *list = cJSON_AddArrayToObject(object, "tensors");
    for (size_t i = 0; i < clrnn_tensors_count(set); i++) {
        const clrnn_tensor *t = clrnn_tensors_at(set, i);
        cJSON *tensor = cJSON_CreateObject();
        cJSON_AddStringToObject(tensor, "name", t->name);
        cJSON_AddStringToObject(tensor, "dtype", clrnn_dtype_name(t->dtype));
        cJSON *shape = cJSON_AddArrayToObject(tensor, "shape");
        for (uint32_t d = 0; d < t->rank; d++)
            cJSON_AddItemToArray(shape, cJSON_CreateNumber((double)t->shape[d]));
        cJSON_AddNumberToObject(tensor, "elements", (double)t->count);
        cJSON_AddNumberToObject(tensor, "bytes", (double)t->bytes);
        cJSON_AddItemToArray(list, tensor);
    }
}

int info_print_json(const info_file *file)
{
    const char *key, *value;
    cJSON *object = cJSON_CreateObject();
    cJSON_AddStringToObject(object, "file", file->path);
    cJSON_AddStringToObject(object, "kind", file->kind);
    cJSON_AddStringToObject(object, "format", file->format);
    cJSON_AddNumberToObject(object, "bytes", (double)file->bytes);
    add_networks(object, file);
    if (file->graph)
        info_add_graph(object, file);
    add_training(object, file);
    add_tensors(object, file->set);
    cJSON *metadata = cJSON_AddObjectToObject(object, "metadata");
    for (size_t i = 0; (key = clrnn_tensors_metadata_at(file->set, i, &value)) != NULL; i++)
        cJSON_AddStringToObject(metadata, key, value);
    return tool_print_json(object, false);
}

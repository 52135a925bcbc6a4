/* SPDX-License-Identifier: MIT
 * format/state_json.c - a state_dict as JSON, names and nested arrays of numbers, as examples of
 * RTNeural have it; and GuitarML's models, {"model_data": {..}, "state_dict": {..}}, whose "skip"
 * adds what comes in to what comes out. */
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "format/amplifier.h"
#include "format/numbers.h"
#include "format/pytorch.h"
#include "format/state_probes.h"
#include "graph/graph.h"

typedef struct reader {
    const clr_format_file *file;
    const clrnn_log *log;
    clrnn_tensors *set;
    bool amplifier, skip;
} reader;

static clrnn_status add_tensor(const reader *r, const cJSON *item)
{
    uint64_t shape[CLRNN_MOST_AXES];
    const uint32_t rank = clr_json_shape(item, shape);
    size_t count = 1;
    for (uint32_t i = 0; i < rank; i++)
        count = count <= r->file->bytes / (shape[i] + 1) ? count * (size_t)shape[i] : SIZE_MAX / 16;
    double *values = rank > 0 && count <= r->file->bytes ? clr_calloc(count, sizeof *values) : NULL;
    clrnn_status status = CLRNN_OK;
    if (values && clr_json_numbers(item, rank, shape, values))
        status = clrnn_tensors_add(r->set, item->string, CLRNN_DTYPE_F64, rank, shape, values);
    else
        status = clr_fail(r->log, CLRNN_ERR_FORMAT, "%s: %s is no array of numbers", r->file->path,
                          clr_show(item->string).text);
    free(values);
    return status;
}

static clrnn_status read_size(const reader *r, const cJSON *data, const char *name, uint64_t most,
                              uint64_t *value)
{
    const cJSON *item = cJSON_GetObjectItemCaseSensitive(data, name);
    if (!item || clr_json_integer(item, most, value))
        return CLRNN_OK;
    return clr_fail(r->log, CLRNN_ERR_UNSUPPORTED, "%s: model_data: %s %s is not supported",
                    r->file->path, name, clr_json_show(item).text);
}

/* Sizes follow from the tensors; what they do not say must be what is supported. */
static clrnn_status read_model_data(reader *r, const cJSON *data)
{
    static const char *const known[] = {"model",        "input_size", "skip",        "output_size",
                                        "unit_type",    "num_layers", "hidden_size", "bias_fl",
                                        "num_channels", NULL};
    const char *model = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(data, "model"));
    const char *other = NULL;
    uint64_t skip = 0;
    if (!clr_json_known(data, known, &other))
        return clr_fail(r->log, CLRNN_ERR_UNSUPPORTED, "%s: model_data: field %s is not supported",
                        r->file->path, clr_show(other).text);
    if (model && strcmp(model, "SimpleRNN") != 0)
        return clr_fail(r->log, CLRNN_ERR_UNSUPPORTED, "%s: model_data: model %s is not supported",
                        r->file->path, clr_show(model).text);
    clrnn_status status = read_size(r, data, "skip", 1, &skip);
    r->skip = skip == 1;
    r->amplifier = data != NULL;
    return status;
}

/* GuitarML's model has one output: what its last layer makes, to which what comes in is added. */
static clrnn_status finish_amplifier(clrnn_graph *graph, bool skip)
{
    const char *last = clrnn_graph_node(graph, clrnn_graph_nodes(graph) - 1)->name;
    clrnn_status status = skip ? clr_amplifier_skip(graph, last, "x") : CLRNN_OK;
    while (graph->output_count > 0)
        free(graph->outputs[--graph->output_count].name);
    return status == CLRNN_OK ? clrnn_graph_output(graph, "y", NULL) : status;
}

static bool has(const cJSON *root, const char *name)
{
    return cJSON_GetObjectItemCaseSensitive(root, name) != NULL;
}

/* What is no model, but is taken for one. */
static clrnn_status refuse_others(const reader *r, const cJSON *root)
{
    const bool keras = has(root, "class_name") && has(root, "config");
    const bool own = has(root, "graph") && has(root, "nodes");
    if (keras)
        return clr_fail(r->log, CLRNN_ERR_UNSUPPORTED,
                        "%s: a model of Keras without its weights: save the whole model "
                        "(model.save(\"model.keras\"))",
                        r->file->path);
    return own ? clr_fail(r->log, CLRNN_ERR_UNSUPPORTED,
                          "%s: an architecture without weights: give it as --arch, and the file "
                          "of the weights as the model",
                          r->file->path)
               : CLRNN_OK;
}

static clrnn_status read_root(reader *r, const cJSON *root)
{
    static const char *const known[] = {"model_data", "state_dict", NULL};
    const cJSON *states = cJSON_GetObjectItemCaseSensitive(root, "state_dict");
    const char *other = NULL;
    clrnn_status status = refuse_others(r, root);
    if (status != CLRNN_OK)
        return status;
    if (states && !clr_json_known(root, known, &other))
        return clr_fail(r->log, CLRNN_ERR_UNSUPPORTED, "%s: field %s is not supported",
                        r->file->path, clr_show(other).text);
    if (states && !cJSON_IsObject(states))
        return clr_fail(r->log, CLRNN_ERR_FORMAT, "%s: state_dict is no object", r->file->path);
    if (states)
        status = read_model_data(r, cJSON_GetObjectItemCaseSensitive(root, "model_data"));
    for (const cJSON *i = (states ? states : root)->child; i && status == CLRNN_OK; i = i->next)
        status = add_tensor(r, i);
    return status;
}

static clrnn_status read(const clr_format_file *file, const clrnn_import_desc *desc,
                         const clrnn_log *log, clrnn_graph **graph)
{
    reader r = {.file = file, .log = log};
    cJSON *root = NULL;
    clrnn_status status = clr_json_file(file, log, &root);
    if (status == CLRNN_OK)
        status = clrnn_tensors_create(log, &r.set);
    if (status == CLRNN_OK)
        status = read_root(&r, root);
    const double rate = clr_json_sample_rate(root);
    cJSON_Delete(root);
    if (status == CLRNN_OK)
        status = clr_state_dict_import(r.set, file, desc, log, graph);
    if (status == CLRNN_OK && r.amplifier && !desc->arch)
        status = finish_amplifier(*graph, r.skip);
    if (status == CLRNN_OK && rate > 0)
        status = clrnn_graph_set_sample_rate(*graph, rate);
    clrnn_tensors_destroy(&r.set);
    return status == CLRNN_ERR_ARGUMENT ? CLRNN_ERR_FORMAT : status;
}

const clr_format clr_format_state_json = {.name = "state_json",
                                          .summary = "a state_dict as JSON, also GuitarML's",
                                          .endings = {".json"},
                                          .probe = clr_state_json_probe,
                                          .read = read};

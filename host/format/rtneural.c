/* SPDX-License-Identifier: MIT
 * format/rtneural.c - RTNeural's JSON: {"in_shape": [null,null,I], "layers": [..]}, what its
 * model_loader.h reads, with weights as Keras has them; and the graph's x is [T,N,I].
 *
 * Of a gru or lstm "activation" is the cell's own, which RTNeural does not read: tanh or nothing.
 * "in_skip": 1 adds what comes in to what comes out, "in_gain" and "out_gain" are dB (AIDA-X); the
 * "input_batch" and "output_batch" beside them are an example for a check. */
#include <stdlib.h>

#include "format/amplifier.h"
#include "format/rtneural_layers.h"
#include "format/rtneural_write.h"
#include "format/state_probes.h"

/* What is done around the layers. */
typedef struct around {
    bool skip;
    double in_gain, out_gain; /* dB */
} around;

static clrnn_status read_gain(const clr_rtneural *r, const cJSON *root, const char *name,
                              double *gain)
{
    const cJSON *item = cJSON_GetObjectItemCaseSensitive(root, name);
    if (item && !cJSON_IsNumber(item))
        return clr_fail(r->log, CLRNN_ERR_FORMAT, "%s: %s %s is no number", r->file->path, name,
                        clr_json_show(item).text);
    *gain = item ? item->valuedouble : 0;
    return CLRNN_OK;
}

/* What a model says of itself, and what changes what it computes. */
static clrnn_status check_root(const clr_rtneural *r, const cJSON *root, around *a)
{
    static const char *const known[] = {
        "in_shape", "layers",  "in_skip",  "samplerate",  "sample_rate",  "author", "esr",
        "name",     "version", "license",  "description", "metadata",     "source", "style",
        "based",    "in_gain", "out_gain", "input_batch", "output_batch", NULL};
    const char *other = NULL;
    const cJSON *in_skip = cJSON_GetObjectItemCaseSensitive(root, "in_skip");
    uint64_t number = 0;
    if (!clr_json_known(root, known, &other))
        return clr_fail(r->log, CLRNN_ERR_UNSUPPORTED, "%s: field %s is not supported",
                        r->file->path, clr_show(other).text);
    if (in_skip && !clr_json_integer(in_skip, 1, &number))
        return clr_fail(r->log, CLRNN_ERR_UNSUPPORTED,
                        "%s: in_skip %s is not supported, only 0 or 1", r->file->path,
                        clr_json_show(in_skip).text);
    a->skip = number == 1;
    clrnn_status status = read_gain(r, root, "in_gain", &a->in_gain);
    return status == CLRNN_OK ? read_gain(r, root, "out_gain", &a->out_gain) : status;
}

static clrnn_status read_layers(clr_rtneural *r, const cJSON *layers)
{
    clrnn_status status = CLRNN_OK;
    for (r->layer = layers->child; r->layer && status == CLRNN_OK; r->layer = r->layer->next) {
        status = clr_rtneural_layer(r);
        for (int i = 0; i < 4; i++) {
            free(r->values[i]);
            r->values[i] = NULL;
        }
        r->in = r->out;
        r->number++;
    }
    return status;
}

static const char *last_of(const clrnn_graph *graph)
{
    return clrnn_graph_node(graph, clrnn_graph_nodes(graph) - 1)->name;
}

static clrnn_status read_model(clr_rtneural *r, const cJSON *root, clrnn_graph **graph,
                               clrnn_precision precision)
{
    const cJSON *layers = cJSON_GetObjectItemCaseSensitive(root, "layers");
    clrnn_graph_input_desc x = {.name = "x", .rank = 3, .shape = {CLRNN_STEPS, CLRNN_BATCH}};
    around a = {0};
    clrnn_status status = check_root(r, root, &a);
    if (status == CLRNN_OK &&
        (!cJSON_IsArray(layers) || !layers->child ||
         !clr_json_last(cJSON_GetObjectItemCaseSensitive(root, "in_shape"), &r->in)))
        status = clr_fail(r->log, CLRNN_ERR_FORMAT, "%s: damaged: no in_shape, or no layers",
                          r->file->path);
    if (status == CLRNN_OK)
        status = clrnn_graph_create(r->log, &(clrnn_graph_desc){.precision = precision}, graph);
    r->graph = *graph;
    x.shape[2] = r->in;
    if (status == CLRNN_OK)
        status = clrnn_graph_input(r->graph, &x);
    if (status == CLRNN_OK && a.in_gain != 0)
        status = clr_amplifier_gain(r->graph, "in_gain", "x", a.in_gain);
    if (status == CLRNN_OK)
        status = read_layers(r, layers);
    if (status == CLRNN_OK && a.skip)
        status = clr_amplifier_skip(r->graph, last_of(r->graph), a.in_gain != 0 ? "in_gain" : "x");
    if (status == CLRNN_OK && a.out_gain != 0)
        status = clr_amplifier_gain(r->graph, "out_gain", last_of(r->graph), a.out_gain);
    return status == CLRNN_OK ? clrnn_graph_output(r->graph, "y", NULL) : status;
}

static clrnn_status read(const clr_format_file *file, const clrnn_import_desc *desc,
                         const clrnn_log *log, clrnn_graph **graph)
{
    clr_rtneural r = {.file = file, .log = log};
    cJSON *root = NULL;
    clrnn_status status = clr_json_file(file, log, &root);
    if (status == CLRNN_OK)
        status = read_model(&r, root, graph, desc->precision);
    if (status == CLRNN_OK)
        status = clrnn_graph_set_sample_rate(*graph, clr_json_sample_rate(root));
    cJSON_Delete(root);
    return status == CLRNN_ERR_ARGUMENT || status == CLRNN_ERR_RANGE ? CLRNN_ERR_FORMAT : status;
}

const clr_format clr_format_rtneural = {.name = "rtneural",
                                        .summary = "RTNeural's JSON",
                                        .endings = {".json"},
                                        .probe = clr_rtneural_probe,
                                        .read = read,
                                        .write = clr_rtneural_write};

/* SPDX-License-Identifier: MIT
 * format/onnx/restore.c - ONNX files that this library wrote, as the graphs that were written: the
 * description in metadata "clrnn" says what ONNX cannot. It counts only where the graph it
 * describes would be written as the very nodes that the file has: one that somebody has changed
 * since is read as any other. */
#include "format/onnx/restore.h"

#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/memory.h"
#include "format/onnx/out.h"
#include "model/graph_description.h"

static const char key[] = "clrnn";

/* --- writing ---------------------------------------------------------------------------------- */

/* What a message may have: readers count bytes in an int. */
enum { MOST_BYTES = INT32_MAX };

static clrnn_status save(const onnx_out *out)
{
    const size_t size = clr_onnx__model__get_packed_size(out->model);
    if (size > MOST_BYTES)
        return clr_fail(out->log, CLRNN_ERR_UNSUPPORTED,
                        "%s: %zu bytes are more than the 2 GiB that an ONNX file can have",
                        out->path, size);
    uint8_t *data = clr_calloc(size, 1);
    if (!data)
        return clr_fail(out->log, CLRNN_ERR_MEMORY, "%s: no memory for the file", out->path);
    (void)clr_onnx__model__pack(out->model, data);
    const clr_piece piece = {data, size};
    clrnn_status status = clr_file_write(out->path, &piece, 1, out->log);
    free(data);
    return status;
}

clrnn_status clr_onnx_write(const clrnn_graph *graph, const char *path, const clrnn_log *log)
{
    onnx_out out = {.graph = graph, .log = log, .path = path, .precision = graph->precision};
    char *json = NULL;
    clrnn_status status = clr_onnx_out_make(&out);
    if (status == CLRNN_OK) /* a build without cJSON has no descriptions: the model alone */
        status = clr_graph_describe(graph, NULL, &json);
    if (status == CLRNN_OK)
        clr_out_property(&out, out.model, key, json);
    if (status == CLRNN_ERR_UNSUPPORTED && out.status == CLRNN_OK)
        status = CLRNN_OK;
    if (status == CLRNN_OK)
        status = out.status;
    if (status == CLRNN_OK)
        status = save(&out);
    free(json);
    clr_onnx_out_free(&out);
    return status;
}

/* --- comparing -------------------------------------------------------------------------------- */

static bool same_tensor(const ClrOnnx__Tensor *a, const ClrOnnx__Tensor *b, bool elements)
{
    return a->name && strcmp(a->name, b->name) == 0 && a->data_type == b->data_type &&
           a->n_dims == b->n_dims &&
           (a->n_dims == 0 || memcmp(a->dims, b->dims, a->n_dims * sizeof *a->dims) == 0) &&
           a->raw_data.len == b->raw_data.len &&
           (!elements || a->raw_data.len == 0 ||
            memcmp(a->raw_data.data, b->raw_data.data, a->raw_data.len) == 0);
}

static bool same_tensors(const onnx_out *out, const ClrOnnx__Graph *g)
{
    if (g->n_initializer != out->tensors.count)
        return false;
    size_t next = 0; /* pieces are in the order of their initializers */
    for (size_t i = 0; i < out->tensors.count; i++) {
        while (next < out->piece_count && out->pieces[next].tensor < i)
            next++;
        const bool of_parameters = next < out->piece_count && out->pieces[next].tensor == i;
        if (!same_tensor(g->initializer[i], out->tensors.items[i], !of_parameters))
            return false;
    }
    return true;
}

/* As bytes, without the initializers: the order of fields is that of their numbers. */
static bool same_messages(ClrOnnx__Graph *a, ClrOnnx__Graph *b, clrnn_status *status)
{
    const size_t of_a = a->n_initializer, of_b = b->n_initializer;
    a->n_initializer = b->n_initializer = 0;
    const size_t size = clr_onnx__graph__get_packed_size(a);
    bool same = size == clr_onnx__graph__get_packed_size(b);
    uint8_t *x = same ? clr_calloc(size, 1) : NULL, *y = same ? clr_calloc(size, 1) : NULL;
    if (same && (!x || !y))
        *status = CLRNN_ERR_MEMORY;
    same = x && y;
    if (same) {
        (void)clr_onnx__graph__pack(a, x);
        (void)clr_onnx__graph__pack(b, y);
        same = memcmp(x, y, size) == 0;
    }
    a->n_initializer = of_a;
    b->n_initializer = of_b;
    free(x);
    free(y);
    return same;
}

static bool same_opsets(const ClrOnnx__Model *a, const ClrOnnx__Model *b)
{
    return a->n_opset_import == 1 && a->opset_import[0]->version == b->opset_import[0]->version &&
           a->n_functions == 0;
}

/* --- parameters ------------------------------------------------------------------------------- */

static double element(const ClrOnnx__Tensor *t, size_t at)
{
    double wide = 0;
    float narrow = 0;
    if (t->data_type == ONNX_DOUBLE)
        memcpy(&wide, t->raw_data.data + at * sizeof wide, sizeof wide);
    else
        memcpy(&narrow, t->raw_data.data + at * sizeof narrow, sizeof narrow);
    return t->data_type == ONNX_DOUBLE ? wide : (double)narrow;
}

static void take_parameters(const onnx_out *out, const ClrOnnx__Graph *g, clrnn_graph *graph)
{
    for (size_t i = 0; i < out->piece_count; i++) {
        const onnx_piece *p = &out->pieces[i];
        const ClrOnnx__Tensor *t = g->initializer[p->tensor];
        for (size_t r = 0; r < p->rows; r++)
            for (size_t c = 0; c < p->cols; c++) {
                const double value = element(t, p->to + r * p->cols + c);
                const size_t at = p->from + (p->transposed ? c * p->rows + r : r * p->cols + c);
                clr_graph_put(graph, at, p->negated ? -value : value);
            }
    }
}

/* --- reading ---------------------------------------------------------------------------------- */

static const char *description_of(const ClrOnnx__Model *model)
{
    for (size_t i = 0; i < model->n_metadata_props; i++) {
        const ClrOnnx__StringPair *pair = model->metadata_props[i];
        if (pair->key && pair->value && strcmp(pair->key, key) == 0 &&
            clr_graph_is_description(pair->value))
            return pair->value;
    }
    return NULL;
}

/* Whether the caller wants other axes than those of the file: then it is read as any other. (An
 * array comes with its shape, but says no axes.) */
static bool wants_axes(const clrnn_import_desc *desc)
{
    bool wants = desc->size_count > 0;
    for (uint32_t i = 0; i < desc->input_count; i++)
        wants = wants || (desc->inputs[i].has_shape && !desc->inputs[i].value);
    return wants;
}

/* Elements of all initializers, at most: a description may say more. */
static size_t most_elements(const ClrOnnx__Graph *g)
{
    size_t bytes = 0;
    for (size_t i = 0; i < g->n_initializer; i++)
        bytes += g->initializer[i]->raw_data.len;
    return bytes / sizeof(float);
}

/* What the writer takes beside what it writes. */
enum { MORE_THAN_IT_HAS = 1 << 20 };

/* Take the parameters if the graph would be written so in this precision. */
static bool take_as(clrnn_graph *graph, ClrOnnx__Model *model, clrnn_precision precision,
                    clrnn_status *status)
{
    const clrnn_log silent = {0};
    onnx_out out = {.graph = graph, .log = &silent, .path = "", .precision = precision};
    out.arena.most = MORE_THAN_IT_HAS + 8 * clr_onnx__model__get_packed_size(model);
    clrnn_status made = clr_onnx_out_make(&out);
    const bool same = made == CLRNN_OK && same_opsets(model, out.model) &&
                      same_tensors(&out, model->graph) &&
                      same_messages(model->graph, out.model->graph, status);
    if (same)
        take_parameters(&out, model->graph, graph);
    if (made == CLRNN_ERR_MEMORY && !out.arena.full)
        *status = made;
    clr_onnx_out_free(&out);
    return same;
}

clrnn_status clr_onnx_restore(ClrOnnx__Model *model, const clrnn_import_desc *desc,
                              const clrnn_log *log, clrnn_graph **graph)
{
    const char *json = description_of(model);
    const clrnn_log silent = {0};
    *graph = NULL;
    if (!json || !model->graph || wants_axes(desc))
        return CLRNN_OK;
    clrnn_status status = clr_graph_build(json, desc->precision, &silent, graph);
    bool same = false;
    if (status == CLRNN_OK && (*graph)->elements <= most_elements(model->graph))
        same = take_as(*graph, model, CLRNN_F32, &status) ||
               take_as(*graph, model, CLRNN_F64, &status);
    if (same) {
        (*graph)->log = log ? *log : (clrnn_log){0};
        return CLRNN_OK;
    }
    clrnn_graph_destroy(graph);
    if (status == CLRNN_ERR_MEMORY)
        return clr_fail(log, status, "out of memory for the graph of the file");
    clr_log(log, CLRNN_LOG_INFO,
            "ONNX: clrnn wrote this file, but it has been changed: read as any other");
    return CLRNN_OK;
}

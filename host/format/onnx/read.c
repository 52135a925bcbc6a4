/* SPDX-License-Identifier: MIT
 * format/onnx/read.c - a model as a graph: its inputs, which of its open axes are T and N, its
 * nodes. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "format/onnx/axes.h"
#include "format/onnx/onnx.h"
#include "format/onnx/probe.h"
#include "format/onnx/restore.h"
#include "model/tensors.h"

/* --- inputs ----------------------------------------------------------------------------------- */

/* The value of an input that the caller gives. */
static clrnn_status bind_input(onnx_import *m, size_t i, const clrnn_tensor *t)
{
    const ClrOnnx__ValueInfo *info = m->model->graph->input[i];
    const ClrOnnx__TensorType *type = info->type ? info->type->tensor_type : NULL;
    onnx_value value = {.name = info->name, .known = true, .same = true, .at = CLR_NO_VALUE};
    onnx_array *a = &value.array[0];
    if (!type || !clr_onnx_type_of(type->elem_type, &a->type) || t->rank > CLRNN_MOST_AXES)
        return clr_fail(m->log, CLRNN_ERR_UNSUPPORTED, "%s: input '%s' is %s, not supported",
                        m->file->path, clr_show(info->name).text,
                        clr_onnx_type_name(type ? type->elem_type : 0));
    a->rank = type->shape && type->shape->n_dim == 0 && t->count == 1 ? 0 : t->rank;
    memcpy(a->size, t->shape, a->rank * sizeof *t->shape);
    a->data = clr_calloc(t->count, sizeof *a->data);
    if (!a->data)
        return clr_fail(m->log, CLRNN_ERR_MEMORY, "%s: out of memory", m->file->path);
    clrnn_tensor_to_f64(t, a->data);
    value.type = a->type;
    value.bits = clr_onnx_bits_of(type->elem_type);
    value.array[1] = *a;
    for (size_t k = 0; k < t->count && a->type == ONNX_INT; k++)
        if (a->data[k] != trunc(a->data[k])) {
            clr_fail(m->log, CLRNN_ERR_ARGUMENT, "%s: input '%s' is of whole numbers, not %g",
                     m->file->path, clr_show(info->name).text, a->data[k]);
            clr_onnx_value_free(&value);
            return CLRNN_ERR_ARGUMENT;
        }
    return clr_onnx_define(m, &value);
}

static clrnn_status add_input(onnx_import *m, size_t i, const onnx_ends *axes)
{
    const ClrOnnx__ValueInfo *info = m->model->graph->input[i];
    const ClrOnnx__TensorType *type = info->type ? info->type->tensor_type : NULL;
    onnx_value value = {.name = info->name, .origins = UINT64_C(1) << i};
    clrnn_graph_input_desc desc = {.name = info->name};
    if (!type || !clr_onnx_type_of(type->elem_type, &value.type))
        return clr_fail(m->log, CLRNN_ERR_UNSUPPORTED, "%s: input '%s' is %s, not supported",
                        m->file->path, clr_show(info->name).text,
                        clr_onnx_type_name(type ? type->elem_type : 0));
    desc.ids = value.type == ONNX_INT;
    value.bits = clr_onnx_bits_of(type->elem_type);
    clrnn_status status = clr_onnx_axes_of(axes, i, &desc.rank, desc.shape);
    if (status == CLRNN_OK)
        status = clrnn_graph_input(m->graph, &desc);
    if (status != CLRNN_OK)
        return status;
    value.at = m->graph->inputs[m->graph->input_count - 1];
    return clr_onnx_define(m, &value);
}

static clrnn_status add_inputs(onnx_import *m, const onnx_ends *axes)
{
    const ClrOnnx__Graph *g = m->model->graph;
    clrnn_status status = CLRNN_OK;
    for (size_t i = 0; i < g->n_input && status == CLRNN_OK; i++) {
        const clrnn_import_input *given = clr_onnx_axes_input(m, i);
        status = m->bound >> i & 1 ? bind_input(m, i, given->value) : add_input(m, i, axes);
    }
    return status;
}

/* --- outputs ---------------------------------------------------------------------------------- */

/* One that is known is a constant of the graph. */
static clrnn_status add_output(onnx_import *m, const char *name)
{
    static char none[] = "";
    onnx_value *value = clr_onnx_find(m, name);
    ClrOnnx__Node proto = CLR_ONNX__NODE__INIT;
    onnx_node n = {.m = m, .proto = &proto, .op = "constant", .inputs = 1, .in = &value};
    uint32_t at = CLR_NO_VALUE;
    if (!value)
        return clr_fail(m->log, CLRNN_ERR_FORMAT, "%s: its output '%s' is made by no node",
                        m->file->path, clr_show(name).text);
    proto.name = none;
    snprintf(n.label, sizeof n.label, "output '%s'", clr_show(name).text);
    clrnn_status status = value->known ? clr_onnx_need(&n, 0, "value") : clr_onnx_round(&n, 0);
    if (status == CLRNN_OK)
        status = clr_onnx_graph_in(&n, 0, &at);
    return status == CLRNN_OK ? clrnn_graph_output(m->graph, name, m->graph->values[at].name)
                              : status;
}

static clrnn_status walk(onnx_import *m, const onnx_ends *axes)
{
    const ClrOnnx__Graph *g = m->model->graph;
    const clrnn_graph_desc desc = {.precision = m->desc->precision};
    clrnn_status status = clrnn_graph_create(m->log, &desc, &m->graph);
    if (status == CLRNN_OK)
        status = clr_onnx_define_tensors(m, g);
    if (status == CLRNN_OK)
        status = add_inputs(m, axes);
    if (status == CLRNN_OK)
        status = m->walk(m, g->node, g->n_node);
    for (size_t i = 0; i < g->n_output && status == CLRNN_OK; i++)
        status = add_output(m, g->output[i]->name ? g->output[i]->name : "");
    return status;
}

/* --- attempts --------------------------------------------------------------------------------- */

/* Why an attempt failed: the last message, which is told only if no other attempt succeeds. */
typedef struct reason {
    clrnn_log_level level;
    char text[1200];
} reason;

static void remember(void *user, clrnn_log_level level, const char *text)
{
    reason *r = user;
    /* The node that could not be added says why first, the one of the file after it. */
    const size_t used = r->level == CLRNN_LOG_ERROR ? strlen(r->text) : 0;
    if (level > CLRNN_LOG_ERROR)
        return;
    snprintf(r->text + used, sizeof r->text - used, "%s%s", used ? "; " : "", text);
    r->level = level;
}

/* Whether so much has been done for a file of its size that nothing else is tried. */
static bool is_tired(const onnx_import *m)
{
    enum { enough = 100000 };
    return m->work > enough + m->file->bytes;
}

/* Walk the model, and again with the values of inputs that turned out to be needed. */
static clrnn_status attempt(onnx_import *m, const onnx_ends *axes, reason *why)
{
    const uint64_t known = clr_onnx_axes_values(axes);
    const clrnn_log log = {CLRNN_LOG_ERROR, remember, why};
    clrnn_status status = CLRNN_OK;
    m->log = &log;
    m->bound = clr_onnx_axes_empty(axes); /* the graph has no arrays without elements */
    do {
        m->bound |= m->needed;
        m->needed = 0;
        m->nodes = m->folded = m->depth = 0;
        *why = (reason){0};
        clr_onnx_forget(m, 0);
        clr_onnx_lists_free(m);
        clrnn_graph_destroy(&m->graph);
        status = walk(m, axes);
        m->work += m->nodes + (m->graph ? m->graph->elements / 100 : 0);
        m->needed &= known & ~m->bound;
    } while (status != CLRNN_OK && m->needed && !is_tired(m));
    clr_onnx_forget(m, 0);
    clr_onnx_lists_free(m);
    return status;
}

static clrnn_status try_all(onnx_import *m, onnx_ends *axes, const clrnn_log *log)
{
    reason first = {0}, why = {0};
    clrnn_status status = CLRNN_ERR_FORMAT, first_status = CLRNN_OK;
    for (int lax = 0; lax < 2 && status != CLRNN_OK && !is_tired(m); lax++) {
        m->lax = lax;
        clr_onnx_axes_begin(axes);
        do {
            status = attempt(m, axes, &why);
            if (first_status == CLRNN_OK) {
                first = why;
                first_status = status;
            }
        } while (status != CLRNN_OK && status != CLRNN_ERR_MEMORY && !is_tired(m) &&
                 clr_onnx_axes_next(axes));
    }
    m->log = log;
    if (status == CLRNN_OK) {
        m->graph->log = log ? *log : (clrnn_log){0};
        clr_onnx_axes_tell(axes, log);
        return CLRNN_OK;
    }
    return clr_fail(log, first_status, "%s", first.text);
}

/* Opsets 5 and 6 are read where a model has nothing that has changed since: what has, had other
 * attributes. */
enum { OLDEST = 5 };

static clrnn_status find_opset(onnx_import *m)
{
    const ClrOnnx__Model *model = m->model;
    for (size_t i = 0; i < model->n_opset_import; i++) {
        const char *domain = model->opset_import[i]->domain;
        if (!domain || !*domain || strcmp(domain, "ai.onnx") == 0)
            m->opset = model->opset_import[i]->version;
    }
    if (!model->graph)
        return clr_fail(m->log, CLRNN_ERR_FORMAT, "%s: a model without a graph", m->file->path);
    if (m->opset < OLDEST)
        return clr_fail(m->log, CLRNN_ERR_UNSUPPORTED,
                        "%s: opset %lld; those from %d on are supported", m->file->path,
                        (long long)m->opset, OLDEST);
    if (model->graph->n_input > ONNX_INPUTS)
        return clr_fail(m->log, CLRNN_ERR_UNSUPPORTED, "%s: %zu inputs, more than %d",
                        m->file->path, model->graph->n_input, ONNX_INPUTS);
    return CLRNN_OK;
}

static clrnn_status read(const clr_format_file *file, const clrnn_import_desc *desc,
                         const clrnn_log *log, clrnn_graph **graph)
{
    onnx_import *m = clr_calloc(1, sizeof *m);
    onnx_ends axes = {0};
    if (!m)
        return clr_fail(log, CLRNN_ERR_MEMORY, "%s: out of memory", file->path);
    m->file = file;
    m->desc = desc;
    m->walk = clr_onnx_walk;
    m->log = log;
    clrnn_status status = clr_onnx_parse(file, log, &m->model);
    if (status == CLRNN_OK)
        status = clr_onnx_restore(m->model, desc, log, &m->graph);
    const bool restored = m->graph != NULL;
    if (status == CLRNN_OK && !restored)
        status = find_opset(m);
    if (status == CLRNN_OK && !restored)
        status = clr_onnx_axes_read(m, &axes);
    m->open = axes.count > 0;
    if (status == CLRNN_OK && !restored)
        status = try_all(m, &axes, log);
    if (status == CLRNN_OK) {
        *graph = m->graph;
        m->graph = NULL;
    }
    clrnn_graph_destroy(&m->graph);
    clr_onnx_axes_free(&axes);
    clr_onnx_free_model(m->model);
    free(m->values);
    clr_names_free(&m->names);
    free(m);
    return status;
}

static clrnn_status inputs(const clr_format_file *file, const clrnn_log *log, clrnn_tensors *names)
{
    ClrOnnx__Model *model = NULL;
    clrnn_status status = clr_onnx_parse(file, log, &model);
    const ClrOnnx__Graph *g = model ? model->graph : NULL;
    for (size_t i = 0; g && i < g->n_input && status == CLRNN_OK; i++)
        if (g->input[i]->name)
            status = clrnn_tensors_add(names, g->input[i]->name, CLRNN_DTYPE_F32, 1,
                                       (uint64_t[]){0}, NULL);
    clr_onnx_free_model(model);
    return status;
}

const clr_format clr_format_onnx = {.name = "onnx",
                                    .summary = "ONNX, opset 5 and later",
                                    .endings = {".onnx"},
                                    .sized = true,
                                    .probe = clr_onnx_probe,
                                    .read = read,
                                    .inputs = inputs,
                                    .write = clr_onnx_write};

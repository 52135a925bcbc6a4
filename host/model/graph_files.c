/* SPDX-License-Identifier: MIT
 * model/graph_files.c - graphs and states of streams in files. */
#include <clrnn/graph_stream.h>
#include <clrnn/model.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/memory.h"
#include "graph/members.h"
#include "graph/stream.h"
#include "model/graph_description.h"
#include "model/graph_files.h"
#include "model/tensors.h"

/* --- saving ---------------------------------------------------------------------------------- */

static clrnn_dtype dtype_of(clrnn_precision precision)
{
    return precision == CLRNN_F64 ? CLRNN_DTYPE_F64 : CLRNN_DTYPE_F32;
}

clrnn_status clr_graph_to_set(const clrnn_graph *graph, const void *data, clrnn_tensors *set)
{
    char *json = NULL;
    clrnn_status status = clr_graph_describe(graph, &graph->log, &json);
    if (status == CLRNN_OK)
        status = clrnn_tensors_set_metadata(set, "clrnn", json);
    for (size_t i = 0; i < graph->parameter_count && status == CLRNN_OK; i++) {
        const clrnn_graph_parameter *p = &graph->parameters[i].info;
        status = clrnn_tensors_add(set, p->name, dtype_of(graph->precision), p->rank, p->shape,
                                   (const char *)data + p->offset * clr_graph_real(graph));
    }
    free(json);
    return status;
}

clrnn_status clrnn_graph_to_tensors(const clrnn_graph *graph, clrnn_tensors *set)
{
    if (!graph)
        return CLRNN_ERR_ARGUMENT;
    return set ? clr_graph_to_set(graph, graph->data, set)
               : clr_fail(&graph->log, CLRNN_ERR_ARGUMENT, "clrnn_graph_to_tensors: set is NULL");
}

clrnn_status clrnn_graph_save(const clrnn_graph *graph, const char *path)
{
    if (!graph)
        return CLRNN_ERR_ARGUMENT;
    if (!path)
        return clr_fail(&graph->log, CLRNN_ERR_ARGUMENT, "clrnn_graph_save: path is NULL");
    clrnn_tensors *set = NULL;
    clrnn_status status = clrnn_tensors_create(&graph->log, &set);
    if (status == CLRNN_OK)
        status = clr_graph_to_set(graph, graph->data, set);
    if (status == CLRNN_OK)
        status = clrnn_tensors_save(set, path);
    clrnn_tensors_destroy(&set);
    return status;
}

/* --- loading --------------------------------------------------------------------------------- */

/* "rnn.weight_ih_l0" may have no "rnn." in a file of PyTorch's. */
static const clrnn_tensor *find(const clrnn_tensors *set, const char *name)
{
    const clrnn_tensor *tensor = clrnn_tensors_find(set, name);
    return tensor || strncmp(name, "rnn.", 4) != 0 ? tensor : clrnn_tensors_find(set, name + 4);
}

static clrnn_status fill(clrnn_graph *graph, const clrnn_tensors *set)
{
    clrnn_status status = CLRNN_OK;
    for (size_t i = 0; i < graph->parameter_count && status == CLRNN_OK; i++) {
        const clrnn_graph_parameter *p = &graph->parameters[i].info;
        const clrnn_tensor *tensor = find(set, p->name);
        const bool fits = tensor && tensor->rank == p->rank &&
                          memcmp(tensor->shape, p->shape, p->rank * sizeof *p->shape) == 0;
        if (!tensor)
            status =
                clr_fail(&graph->log, CLRNN_ERR_FORMAT, "graph: there is no tensor '%s'", p->name);
        else if (!fits)
            status = clr_fail(&graph->log, CLRNN_ERR_FORMAT, "graph: '%s' is %s, not %s", p->name,
                              clr_show_shape(tensor->rank, tensor->shape).text,
                              clr_show_shape(p->rank, p->shape).text);
        else
            status = clrnn_graph_set_tensor(graph, p->name, tensor);
    }
    return status;
}

/* The three nodes of a model. */
static clrnn_status of_model(const clrnn_model_desc *m, clrnn_graph *graph)
{
    const bool symbols = m->input != CLRNN_INPUT_DENSE;
    const clrnn_graph_input_desc x = {
        .name = "x",
        .rank = symbols ? 2 : 3,
        .shape = {CLRNN_STEPS, CLRNN_BATCH, symbols ? 0 : (int64_t)m->network.input_size},
        .ids = symbols};
    clrnn_node_desc in = {.kind = m->input == CLRNN_INPUT_EMBEDDING ? CLRNN_NODE_EMBEDDING
                                                                    : CLRNN_NODE_ONE_HOT,
                          .name = "embedding",
                          .vocabulary = m->vocabulary_size};
    const clrnn_node_desc rnn = {
        .kind = CLRNN_NODE_RECURRENT, .name = "rnn", .network = m->network};
    const clrnn_node_desc head = {
        .kind = CLRNN_NODE_DENSE, .name = "head", .units = m->output_size, .inputs = {"rnn"}};
    if (m->input == CLRNN_INPUT_EMBEDDING)
        in.units = m->network.input_size;
    clrnn_status status = clrnn_graph_input(graph, &x);
    if (status == CLRNN_OK && symbols)
        status = clrnn_graph_add(graph, &in, NULL);
    if (status == CLRNN_OK)
        status = clrnn_graph_add(graph, &rnn, NULL);
    if (status == CLRNN_OK)
        status = clrnn_graph_output(graph, "y", "rnn");
    if (status == CLRNN_OK && m->output_size)
        status = clrnn_graph_add(graph, &head, NULL);
    if (status == CLRNN_OK && m->output_size)
        status = clrnn_graph_output(graph, "logits", "head");
    return status;
}

static clrnn_status build(const clrnn_tensors *set, clrnn_precision precision, const clrnn_log *log,
                          clrnn_graph **graph)
{
    const char *json = clrnn_tensors_metadata(set, "clrnn");
    if (clr_graph_is_description(json))
        return clr_graph_build(json, precision, log, graph);
    clrnn_model_desc desc;
    uint8_t vocabulary[256];
    const clrnn_model_source source = {.tensors = set, .precision = precision};
    clrnn_status status = clrnn_model_describe(&source, log, &desc, vocabulary);
    if (status == CLRNN_OK)
        status = clrnn_graph_create(log, &(clrnn_graph_desc){.precision = precision}, graph);
    return status == CLRNN_OK ? of_model(&desc, *graph) : status;
}

clrnn_status clrnn_graph_from_tensors(const clrnn_tensors *set, clrnn_precision precision,
                                      const clrnn_log *log, clrnn_graph **graph)
{
    if (graph)
        *graph = NULL;
    if (!set || !graph)
        return clr_fail(log, CLRNN_ERR_ARGUMENT, "clrnn_graph_from_tensors: %s is NULL",
                        set ? "graph" : "set");
    clrnn_status status = build(set, precision, log, graph);
    if (status == CLRNN_OK)
        status = fill(*graph, set);
    if (status != CLRNN_OK)
        clrnn_graph_destroy(graph);
    return status;
}

clrnn_status clrnn_graph_load(const char *path, clrnn_precision precision, const clrnn_log *log,
                              clrnn_graph **graph)
{
    if (graph)
        *graph = NULL;
    if (!path || !graph)
        return clr_fail(log, CLRNN_ERR_ARGUMENT, "clrnn_graph_load: %s is NULL",
                        path ? "graph" : "path");
    clrnn_tensors *set = NULL;
    clrnn_status status = clrnn_tensors_load(path, log, &set);
    if (status == CLRNN_OK)
        status = clrnn_graph_from_tensors(set, precision, log, graph);
    clrnn_tensors_destroy(&set);
    return status;
}

/* --- comparing ------------------------------------------------------------------------------ */

/* Whether two nodes of a kind say the same of themselves, but for their networks. */
static bool same_members(const clrnn_node_desc *a, const clrnn_node_desc *b)
{
    for (size_t i = 0; i < clr_member_count; i++)
        for (uint32_t k = 0; k < clr_members[i].count; k++)
            if (clr_member_real(a, &clr_members[i], k) != clr_member_real(b, &clr_members[i], k))
                return false;
    for (uint32_t k = 0; k < CLRNN_MOST_INPUTS; k++)
        if (!a->inputs[k] != !b->inputs[k] ||
            (a->inputs[k] && strcmp(a->inputs[k], b->inputs[k]) != 0))
            return false;
    return true;
}

static clrnn_status differ(const clrnn_log *log, const char *path, const char *what,
                           const char *name)
{
    return clr_fail(log, CLRNN_ERR_FORMAT, "checkpoint %s is of another graph: %s%s%s%s differs",
                    path, what, name ? " '" : "", name ? name : "", name ? "'" : "");
}

clrnn_status clr_graphs_compare(const clrnn_graph *a, const clrnn_graph *b, const char *path,
                                const clrnn_log *log)
{
    char *of_a = NULL, *of_b = NULL;
    clrnn_status status = clr_graph_describe(a, log, &of_a);
    if (status == CLRNN_OK)
        status = clr_graph_describe(b, log, &of_b);
    const bool same = status == CLRNN_OK && strcmp(of_a, of_b) == 0;
    free(of_a);
    free(of_b);
    if (status != CLRNN_OK || same)
        return status;
    for (uint32_t i = 0; i < b->node_count; i++) {
        const clr_node *x = i < a->node_count ? &a->nodes[i] : NULL, *y = &b->nodes[i];
        if (!x || x->kind != y->kind || strcmp(x->desc.name, y->desc.name) != 0 ||
            !same_members(&x->desc, &y->desc))
            return differ(log, path, "node", y->desc.name);
        for (uint32_t k = 0; k < y->parameters; k++) {
            const clrnn_graph_parameter *p = &a->parameters[x->first_parameter + k].info;
            const clrnn_graph_parameter *q = &b->parameters[y->first_parameter + k].info;
            if (k >= x->parameters || p->rank != q->rank ||
                memcmp(p->shape, q->shape, p->rank * sizeof *p->shape) != 0)
                return differ(log, path, "parameter", q->name);
        }
    }
    return differ(log, path, "the description", NULL);
}

/* --- states of streams ----------------------------------------------------------------------- */

clrnn_status clrnn_graph_stream_save(clrnn_graph_stream *stream, const char *path)
{
    if (!stream)
        return CLRNN_ERR_ARGUMENT;
    const clrnn_log *log = &stream->plan->context->log;
    const uint32_t N = stream->plan->desc.max_batch;
    const size_t bytes = stream->count * stream->plan->real;
    const uint64_t shape[] = {N, stream->count};
    if (!path)
        return clr_fail(log, CLRNN_ERR_ARGUMENT, "clrnn_graph_stream_save: path is NULL");
    clrnn_tensors *set = NULL;
    char *states = clr_calloc(N, bytes);
    clrnn_status status =
        states ? CLRNN_OK : clr_fail(log, CLRNN_ERR_MEMORY, "graph stream: out of memory");
    for (uint32_t n = 0; n < N && status == CLRNN_OK; n++)
        status = clrnn_graph_stream_get_state(stream, n, states + n * bytes);
    if (status == CLRNN_OK)
        status = clrnn_tensors_create(log, &set);
    if (status == CLRNN_OK)
        status = clrnn_tensors_add(set, "states", dtype_of(stream->plan->graph->precision), 2,
                                   shape, states);
    if (status == CLRNN_OK)
        status = clrnn_tensors_save(set, path);
    clrnn_tensors_destroy(&set);
    free(states);
    return status;
}

clrnn_status clrnn_graph_stream_load(clrnn_graph_stream *stream, const char *path)
{
    if (!stream)
        return CLRNN_ERR_ARGUMENT;
    const clrnn_log *log = &stream->plan->context->log;
    const uint32_t N = stream->plan->desc.max_batch;
    const size_t bytes = stream->count * stream->plan->real;
    const clrnn_dtype dtype = dtype_of(stream->plan->graph->precision);
    if (!path)
        return clr_fail(log, CLRNN_ERR_ARGUMENT, "clrnn_graph_stream_load: path is NULL");
    clrnn_tensors *set = NULL;
    clrnn_status status = clrnn_tensors_load(path, log, &set);
    const clrnn_tensor *t =
        status == CLRNN_OK && clrnn_tensors_count(set) == 1 ? clrnn_tensors_at(set, 0) : NULL;
    if (status == CLRNN_OK && (!t || t->rank != 2 || t->shape[0] != N ||
                               t->shape[1] != stream->count || t->dtype != dtype))
        status = clr_fail(log, CLRNN_ERR_FORMAT,
                          "graph stream: %s holds %s%s%s, not the states of such a stream, %s "
                          "[%u,%zu]",
                          path, t ? clrnn_dtype_name(t->dtype) : "no array or several",
                          t ? " " : "", t ? clr_show_shape(t->rank, t->shape).text : "",
                          clrnn_dtype_name(dtype), N, stream->count);
    if (status == CLRNN_OK)
        status = clrnn_graph_stream_reset(stream, CLRNN_ALL_ROWS);
    for (uint32_t n = 0; n < N && status == CLRNN_OK; n++)
        status = clrnn_graph_stream_set_state(stream, n, (const char *)t->data + n * bytes);
    clrnn_tensors_destroy(&set);
    return status;
}

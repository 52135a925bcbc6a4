/* SPDX-License-Identifier: MIT
 * graph/add.c - adding a node: its inputs, shapes and parameters are checked and made at once. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/checked.h"
#include "base/memory.h"
#include "graph/build.h"
#include "graph/infer.h"
#include "graph/members.h"

/* --- nodes ----------------------------------------------------------------------------------- */

/* Copies of the strings of a descriptor. False if memory is short; what is there is the node's. */
static bool copy_strings(clr_node *node, const clrnn_node_desc *desc, uint32_t number)
{
    char name[64];
    snprintf(name, sizeof name, "%s%u", clrnn_node_kind_name(desc->kind), number);
    node->desc.name = clr_strdup(desc->name ? desc->name : name);
    bool all = node->desc.name != NULL;
    for (uint32_t i = 0; i < CLRNN_MOST_INPUTS; i++) {
        node->desc.inputs[i] =
            desc->inputs[i] && *desc->inputs[i] ? clr_strdup(desc->inputs[i]) : NULL;
        all = all && (!node->desc.inputs[i] == !(desc->inputs[i] && *desc->inputs[i]));
    }
    return all;
}

static clrnn_status resolve_input(const clrnn_graph *graph, clr_node *node, uint32_t i)
{
    const char *name = node->desc.inputs[i];
    node->inputs[i] = name ? clr_graph_find(graph, name) : CLR_NO_VALUE;
    if (name && node->inputs[i] == CLR_NO_VALUE)
        return clr_node_fail(&graph->log, &node->desc, CLRNN_ERR_ARGUMENT,
                             strcmp(name, node->desc.name) == 0
                                 ? "it reads '%s', itself: a graph has no circles"
                                 : "it reads '%s', which is no input and no node before it",
                             name);
    return CLRNN_OK;
}

static clrnn_status resolve_inputs(const clrnn_graph *graph, clr_node *node)
{
    const clr_kind *kind = node->kind;
    bool any = false;
    clrnn_status status = CLRNN_OK;
    for (uint32_t i = 0; i < CLRNN_MOST_INPUTS && status == CLRNN_OK; i++) {
        status = resolve_input(graph, node, i);
        if (node->inputs[i] != CLR_NO_VALUE) {
            node->input_count = i + 1;
            any = true;
        }
    }
    if (status == CLRNN_OK && !any && kind->most > 0) {
        node->inputs[0] = clr_graph_default(graph);
        node->input_count = node->inputs[0] != CLR_NO_VALUE;
        if (node->input_count) {
            node->desc.inputs[0] = clr_strdup(graph->values[node->inputs[0]].name);
            if (!node->desc.inputs[0])
                return clr_graph_no_memory(graph, "a name");
        }
    }
    if (status != CLRNN_OK)
        return status;
    if (node->input_count > kind->most)
        return clr_node_fail(&graph->log, &node->desc, CLRNN_ERR_ARGUMENT,
                             "%u inputs are given, but it reads %u", node->input_count, kind->most);
    for (uint32_t i = 0; i < kind->least || i < node->input_count; i++) {
        const bool needed = i < kind->least || kind->most == CLRNN_MOST_INPUTS;
        if (needed && (i >= node->input_count || node->inputs[i] == CLR_NO_VALUE))
            return clr_node_fail(&graph->log, &node->desc, CLRNN_ERR_ARGUMENT,
                                 "input %u is missing", i);
        if (node->inputs[i] == CLR_NO_VALUE)
            continue;
        const bool ids = graph->values[node->inputs[i]].shape.ids;
        if (!kind->any && ids != ((kind->ids >> i & 1) != 0))
            return clr_node_fail(&graph->log, &node->desc, CLRNN_ERR_ARGUMENT,
                                 "its input %u, '%s', %s ids", i,
                                 graph->values[node->inputs[i]].name, ids ? "is" : "must be");
    }
    return CLRNN_OK;
}

/* Its name, and those of its outputs. */
static clrnn_status check_new_names(const clrnn_graph *graph, const clr_node *node)
{
    char what[160], value[256];
    snprintf(what, sizeof what, "a node (%s)", clrnn_node_kind_name(node->desc.kind));
    clrnn_status status = clr_graph_check_name(graph, what, node->desc.name);
    for (uint32_t i = 1; i < CLR_MOST_OUTPUTS && node->kind->outputs[i] && status == CLRNN_OK;
         i++) {
        snprintf(value, sizeof value, "%s.%s", node->desc.name, node->kind->outputs[i]);
        status = clr_graph_check_name(graph, what, value);
    }
    return status;
}

/* The values that a node makes. */
static bool add_values(clrnn_graph *graph, clr_node *node, const clr_infer *infer,
                       const clr_infer *other)
{
    if (!clr_graph_grow((void **)&graph->values, graph->value_count, infer->outputs,
                        sizeof(clr_value)))
        return false;
    node->first_value = graph->value_count;
    for (uint32_t i = 0; i < infer->outputs; i++) {
        const char *own = node->kind->outputs[i];
        const size_t room = strlen(node->desc.name) + strlen(own) + 2;
        clr_value value = {.node = node->number, .shape = infer->out[i], .other = other->out[i]};
        for (uint32_t k = 0; k < value.shape.rank; k++)
            value.shape.made |=
                (uint32_t)(value.shape.size[k] != value.other.size[k] &&
                           (int32_t)k != value.shape.steps && (int32_t)k != value.shape.batch)
                << k;
        value.name = clr_calloc(room, 1);
        if (!value.name)
            return false;
        snprintf(value.name, room, "%s%s%s", node->desc.name, *own ? "." : "", own);
        if (!clr_names_add(&graph->value_names, value.name)) {
            free(value.name);
            return false;
        }
        graph->values[graph->value_count++] = value;
        node->outputs++;
    }
    return true;
}

static void forget(clrnn_graph *graph, uint32_t values, size_t parameters, size_t elements)
{
    clr_names_cut(&graph->value_names, values);
    clr_names_cut(&graph->parameter_names, (uint32_t)parameters);
    while (graph->value_count > values)
        free(graph->values[--graph->value_count].name);
    while (graph->parameter_count > parameters)
        free((char *)graph->parameters[--graph->parameter_count].info.name);
    graph->elements = elements;
}

/* One parameter behind the others; its values are filled in when all are there. */
static clrnn_status add_parameter(clrnn_graph *graph, clr_node *node, clr_parameter p,
                                  const char *name)
{
    const size_t room = strlen(node->desc.name) + strlen(name) + 2;
    clr_size count = clr_size_of(1);
    for (uint32_t i = 0; i < p.info.rank; i++)
        count = clr_size_mul(count, p.info.shape[i]);
    clr_size end = clr_size_mul(clr_size_add(clr_size_of(graph->elements), count), sizeof(double));
    if (count.overflow || end.overflow)
        return clr_node_fail(&graph->log, &node->desc, CLRNN_ERR_RANGE,
                             "its parameter %s is more than memory can address", name);
    char *text = clr_calloc(room, 1);
    if (text)
        snprintf(text, room, "%s.%s", node->desc.name, name);
    if (!text ||
        !clr_graph_grow((void **)&graph->parameters, graph->parameter_count, 1, sizeof p) ||
        !clr_names_add(&graph->parameter_names, text)) {
        free(text);
        return clr_graph_no_memory(graph, "a parameter");
    }
    p.info.name = text;
    p.info.node = node->number;
    p.info.offset = graph->elements;
    p.info.count = count.value;
    graph->parameters[graph->parameter_count++] = p;
    graph->elements += count.value;
    node->parameters++;
    return CLRNN_OK;
}

/* Whether a parameter is the same for another T and N. */
static bool is_same(const clr_node *node, const clr_infer *other, uint32_t i,
                    const clr_parameter *p)
{
    char name[64];
    clr_parameter q = {0};
    return node->kind->parameter(other, i, &q, name) && q.info.rank == p->info.rank &&
           memcmp(q.info.shape, p->info.shape, p->info.rank * sizeof *q.info.shape) == 0;
}

static clrnn_status add_parameters(clrnn_graph *graph, clr_node *node, const clr_infer *infer,
                                   const clr_infer *other, const double *data)
{
    const size_t before = graph->elements;
    char name[64];
    clr_parameter p = {0};
    clrnn_status status = CLRNN_OK;
    node->first_parameter = (uint32_t)graph->parameter_count;
    for (uint32_t i = 0;
         status == CLRNN_OK && node->kind->parameter && node->kind->parameter(infer, i, &p, name);
         i++, p = (clr_parameter){0})
        status = is_same(node, other, i, &p)
                     ? add_parameter(graph, node, p, name)
                     : clr_node_fail(&graph->log, &node->desc, CLRNN_ERR_ARGUMENT,
                                     "its parameter %s would depend on T or N", name);
    if (status == CLRNN_OK && graph->elements > before &&
        !clr_graph_grow(&graph->data, before, graph->elements - before, clr_graph_real(graph)))
        status = clr_node_fail(&graph->log, &node->desc, CLRNN_ERR_MEMORY,
                               "no memory for its %zu parameters", graph->elements - before);
    for (size_t i = node->first_parameter; i < graph->parameter_count && status == CLRNN_OK; i++) {
        const clr_parameter *q = &graph->parameters[i];
        for (size_t k = 0; k < q->info.count; k++)
            clr_graph_put(graph, q->info.offset + k,
                          q->fill == CLR_FILL_ONE            ? 1
                          : q->fill == CLR_FILL_DATA && data ? data[k]
                                                             : 0);
    }
    return status;
}

/* The node at another T and N. */
static clr_infer other_of(const clrnn_graph *graph, const clr_node *node, const clr_infer *infer)
{
    clr_infer other = *infer;
    other.steps = CLR_OTHER_STEPS;
    other.batch = CLR_OTHER_BATCH;
    for (uint32_t i = 0; i < node->input_count; i++)
        if (node->inputs[i] != CLR_NO_VALUE)
            other.in[i] = &graph->values[node->inputs[i]].other;
    return other;
}

static clrnn_status add_node(clrnn_graph *graph, const clrnn_node_desc *desc, clr_node *node)
{
    clr_infer infer, other;
    clrnn_status status = check_new_names(graph, node);
    if (status == CLRNN_OK)
        status = clr_members_check(&graph->log, node->kind, &node->desc);
    if (status == CLRNN_OK)
        status = resolve_inputs(graph, node);
    if (status == CLRNN_OK) {
        infer = clr_infer_of(graph, node);
        for (uint32_t i = 0; i < node->input_count; i++)
            infer.in[i] =
                node->inputs[i] == CLR_NO_VALUE ? NULL : &graph->values[node->inputs[i]].shape;
        status = node->kind->complete ? node->kind->complete(&infer, &node->desc) : CLRNN_OK;
    }
    if (status == CLRNN_OK)
        status = clr_infer_run(&infer);
    if (status == CLRNN_OK) {
        other = other_of(graph, node, &infer);
        status = clr_infer_run(&other);
    }
    const uint32_t values = graph->value_count;
    const size_t parameters = graph->parameter_count, elements = graph->elements;
    if (status == CLRNN_OK &&
        !clr_graph_grow((void **)&graph->nodes, graph->node_count, 1, sizeof *node))
        status = clr_graph_no_memory(graph, "a node");
    if (status == CLRNN_OK) {
        status = add_parameters(graph, node, &infer, &other, desc->data);
        if (status == CLRNN_OK && !add_values(graph, node, &infer, &other))
            status = clr_node_fail(&graph->log, &node->desc, CLRNN_ERR_MEMORY,
                                   "no memory for its values");
        if (status != CLRNN_OK)
            forget(graph, values, parameters, elements);
    }
    return status;
}

clrnn_status clrnn_graph_add(clrnn_graph *graph, const clrnn_node_desc *desc, uint32_t *index)
{
    if (!graph)
        return CLRNN_ERR_ARGUMENT;
    if (!desc)
        return clr_fail(&graph->log, CLRNN_ERR_ARGUMENT, "clrnn_graph_add: desc is NULL");
    if (!clr_kind_of(desc->kind))
        return clr_fail(&graph->log, CLRNN_ERR_ARGUMENT, "node '%s': kind %d is unknown",
                        desc->name ? desc->name : "", (int)desc->kind);
    clrnn_status status = clr_graph_check_open(graph);
    if (status != CLRNN_OK)
        return status;
    clr_node node = {.desc = *desc, .kind = clr_kind_of(desc->kind), .number = graph->node_count};
    if (!copy_strings(&node, desc, graph->node_count)) {
        clr_node_free(&node);
        return clr_graph_no_memory(graph, "a node");
    }
    status = add_node(graph, desc, &node);
    if (status != CLRNN_OK) {
        clr_node_free(&node);
        return status;
    }
    node.desc.data = NULL;
    graph->nodes[graph->node_count++] = node;
    if (index)
        *index = node.number;
    return CLRNN_OK;
}

/* SPDX-License-Identifier: MIT
 * graph/ends.c - making a graph, its inputs and outputs, each checked when it is added. */
#include "graph/build.h"

#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/memory.h"

clrnn_status clrnn_graph_create(const clrnn_log *log, const clrnn_graph_desc *desc,
                                clrnn_graph **out)
{
    if (!out)
        return clr_fail(log, CLRNN_ERR_ARGUMENT, "clrnn_graph_create: graph is NULL");
    *out = NULL;
    if (desc && desc->precision != CLRNN_F32 && desc->precision != CLRNN_F64)
        return clr_fail(log, CLRNN_ERR_ARGUMENT, "graph: precision %d is unknown",
                        (int)desc->precision);
    clrnn_graph *graph = clr_calloc(1, sizeof *graph);
    if (!graph)
        return clr_fail(log, CLRNN_ERR_MEMORY, "graph: out of memory");
    atomic_init(&graph->users, 1);
    graph->log = log ? *log : (clrnn_log){0};
    graph->precision = desc ? desc->precision : CLRNN_F32;
    *out = graph;
    return CLRNN_OK;
}

void clrnn_graph_destroy(clrnn_graph **graph)
{
    clrnn_graph *g = graph ? *graph : NULL;
    if (graph)
        *graph = NULL;
    if (!g || atomic_fetch_sub(&g->users, 1) != 1)
        return;
    for (uint32_t i = 0; i < g->value_count; i++)
        free(g->values[i].name);
    for (uint32_t i = 0; i < g->node_count; i++)
        clr_node_free(&g->nodes[i]);
    for (uint32_t i = 0; i < g->output_count; i++)
        free(g->outputs[i].name);
    for (size_t i = 0; i < g->parameter_count; i++)
        free((char *)g->parameters[i].info.name);
    free(g->values);
    free(g->nodes);
    free(g->outputs);
    free(g->parameters);
    free(g->inputs);
    free(g->data);
    clr_names_free(&g->value_names);
    clr_names_free(&g->parameter_names);
    free(g);
}

/* --- inputs ---------------------------------------------------------------------------------- */

static clrnn_status input_shape(const clrnn_graph *graph, const clrnn_graph_input_desc *desc,
                                clr_shape *out)
{
    clr_shape s = {.rank = desc->rank,
                   .steps = CLR_NO_AXIS,
                   .batch = CLR_NO_AXIS,
                   .lengths = CLR_ALL_STEPS,
                   .ids = desc->ids};
    if (desc->rank > CLRNN_MOST_AXES)
        return clr_fail(&graph->log, CLRNN_ERR_RANGE, "input '%s': rank %u is more than %u",
                        desc->name, desc->rank, CLRNN_MOST_AXES);
    for (uint32_t i = 0; i < desc->rank; i++) {
        int32_t *role = desc->shape[i] == CLRNN_STEPS   ? &s.steps
                        : desc->shape[i] == CLRNN_BATCH ? &s.batch
                                                        : NULL;
        if (role ? *role != CLR_NO_AXIS : desc->shape[i] <= 0)
            return clr_fail(&graph->log, CLRNN_ERR_ARGUMENT,
                            "input '%s': axis %u cannot be %lld: numbers, and T and N once each",
                            desc->name, i, (long long)desc->shape[i]);
        if (role)
            *role = (int32_t)i;
        s.size[i] = role == &s.steps   ? CLR_PROBE_STEPS
                    : role == &s.batch ? CLR_PROBE_BATCH
                                       : (uint64_t)desc->shape[i];
    }
    if (clr_shape_count(&s) > SIZE_MAX / (4 * sizeof(double)))
        return clr_fail(&graph->log, CLRNN_ERR_RANGE,
                        "input '%s': %s is more than memory can address", desc->name,
                        clr_value_text(&s).text);
    if (s.steps != CLR_NO_AXIS && s.batch != CLR_NO_AXIS)
        s.lengths = 0;
    *out = s;
    return CLRNN_OK;
}

static const clr_graph_output *output_of(const clrnn_graph *graph, const char *name)
{
    for (uint32_t i = 0; i < graph->output_count; i++)
        if (strcmp(graph->outputs[i].name, name) == 0)
            return &graph->outputs[i];
    return NULL;
}

clrnn_status clrnn_graph_input(clrnn_graph *graph, const clrnn_graph_input_desc *desc)
{
    if (!graph)
        return CLRNN_ERR_ARGUMENT;
    if (!desc)
        return clr_fail(&graph->log, CLRNN_ERR_ARGUMENT, "clrnn_graph_input: desc is NULL");
    clr_value value = {.node = CLR_NO_VALUE};
    clrnn_status status = clr_graph_check_open(graph);
    if (status == CLRNN_OK)
        status = clr_graph_check_name(graph, "an input", desc->name);
    if (status == CLRNN_OK)
        status = input_shape(graph, desc, &value.shape);
    if (status != CLRNN_OK)
        return status;
    if (output_of(graph, desc->name))
        return clr_fail(&graph->log, CLRNN_ERR_ARGUMENT,
                        "graph: there is an output '%s' already, so an input cannot have this name",
                        desc->name);
    value.other = value.shape;
    if (value.other.steps != CLR_NO_AXIS)
        value.other.size[value.other.steps] = CLR_OTHER_STEPS;
    if (value.other.batch != CLR_NO_AXIS)
        value.other.size[value.other.batch] = CLR_OTHER_BATCH;
    value.name = clr_strdup(desc->name);
    if (!value.name ||
        !clr_graph_grow((void **)&graph->values, graph->value_count, 1, sizeof value) ||
        !clr_graph_grow((void **)&graph->inputs, graph->input_count, 1, sizeof *graph->inputs) ||
        !clr_names_add(&graph->value_names, value.name)) {
        free(value.name);
        return clr_graph_no_memory(graph, "an input");
    }
    graph->inputs[graph->input_count++] = graph->value_count;
    graph->values[graph->value_count++] = value;
    return CLRNN_OK;
}

/* --- outputs --------------------------------------------------------------------------------- */

clrnn_status clrnn_graph_output(clrnn_graph *graph, const char *name, const char *value)
{
    if (!graph)
        return CLRNN_ERR_ARGUMENT;
    if (!name || !*name)
        return clr_fail(&graph->log, CLRNN_ERR_ARGUMENT,
                        "clrnn_graph_output: name is NULL or empty");
    clrnn_status status = clr_graph_check_open(graph);
    if (status == CLRNN_OK)
        status = clr_graph_check_bytes(graph, "an output", name);
    if (status == CLRNN_OK)
        status = clr_graph_check_bytes(graph, "what an output is", value);
    if (status != CLRNN_OK)
        return status;
    const clr_graph_output *same = output_of(graph, name);
    if (same)
        return clr_fail(&graph->log, CLRNN_ERR_ARGUMENT,
                        "graph: there is an output '%s' already, '%s'", name,
                        graph->values[same->value].name);
    const uint32_t at = value ? clr_graph_find(graph, value) : clr_graph_default(graph);
    if (at == CLR_NO_VALUE)
        return clr_fail(&graph->log, CLRNN_ERR_ARGUMENT,
                        "graph: output '%s' is to be '%s', which is no input and no node", name,
                        value ? value : "");
    for (uint32_t i = 0; i < graph->input_count; i++) /* clrnn_graph_plan_shape knows names alone */
        if (strcmp(graph->values[graph->inputs[i]].name, name) == 0 && graph->inputs[i] != at)
            return clr_fail(&graph->log, CLRNN_ERR_ARGUMENT,
                            "graph: output '%s' has the name of an input, but is '%s'", name,
                            graph->values[at].name);
    clr_graph_output output = {clr_strdup(name), at};
    if (!output.name ||
        !clr_graph_grow((void **)&graph->outputs, graph->output_count, 1, sizeof output)) {
        free(output.name);
        return clr_graph_no_memory(graph, "an output");
    }
    graph->outputs[graph->output_count++] = output;
    return CLRNN_OK;
}

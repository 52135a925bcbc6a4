/* SPDX-License-Identifier: MIT
 * graph/query.c - what a graph is made of, and its parameters. */
#include <float.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "graph/graph.h"

/* "#3" or "#3.hn" as "NAME" or "NAME.hn": the node's number, and what comes behind it. */
static const clr_node *numbered(const clrnn_graph *graph, const char *name, const char **rest)
{
    char *end = NULL;
    if (name[0] != '#' || name[1] < '0' || name[1] > '9')
        return NULL;
    unsigned long number = strtoul(name + 1, &end, 10);
    *rest = end;
    return number < graph->node_count ? &graph->nodes[number] : NULL;
}

uint32_t clr_graph_find(const clrnn_graph *graph, const char *name)
{
    const char *rest = NULL;
    const clr_node *node = numbered(graph, name, &rest);
    if (node) {
        const size_t length = strlen(node->desc.name);
        for (uint32_t i = 0; i < node->outputs; i++)
            if (strcmp(graph->values[node->first_value + i].name + length, rest) == 0)
                return node->first_value + i;
        return CLR_NO_VALUE;
    }
    return clr_names_find(&graph->value_names, name);
}

clrnn_status clrnn_graph_set_sample_rate(clrnn_graph *graph, double rate)
{
    if (!graph || !(rate >= 0 && rate <= DBL_MAX))
        return CLRNN_ERR_ARGUMENT;
    graph->sample_rate = rate;
    return CLRNN_OK;
}

double clrnn_graph_sample_rate(const clrnn_graph *graph)
{
    return graph ? graph->sample_rate : 0;
}

double clr_graph_get(const clrnn_graph *graph, size_t at)
{
    return graph->precision == CLRNN_F64 ? ((const double *)graph->data)[at]
                                         : (double)((const float *)graph->data)[at];
}

void clr_graph_put(clrnn_graph *graph, size_t at, double value)
{
    if (graph->precision == CLRNN_F64)
        ((double *)graph->data)[at] = value;
    else
        ((float *)graph->data)[at] = (float)value;
}

uint32_t clrnn_graph_inputs(const clrnn_graph *graph)
{
    return graph ? graph->input_count : 0;
}

uint32_t clrnn_graph_nodes(const clrnn_graph *graph)
{
    return graph ? graph->node_count : 0;
}

uint32_t clrnn_graph_outputs(const clrnn_graph *graph)
{
    return graph ? graph->output_count : 0;
}

static bool describe(const clrnn_graph *graph, uint32_t at, const char *name,
                     clrnn_value_info *info)
{
    const clr_shape *s = &graph->values[at].shape;
    if (!info)
        return false;
    *info = (clrnn_value_info){.name = name, .rank = s->rank, .ids = s->ids};
    for (uint32_t i = 0; i < s->rank; i++)
        info->shape[i] = (int32_t)i == s->steps                          ? CLRNN_STEPS
                         : (int32_t)i == s->batch                        ? CLRNN_BATCH
                         : s->size[i] != graph->values[at].other.size[i] ? CLRNN_REST
                                                                         : (int64_t)s->size[i];
    return true;
}

bool clrnn_graph_input_at(const clrnn_graph *graph, uint32_t i, clrnn_value_info *info)
{
    return graph && i < graph->input_count &&
           describe(graph, graph->inputs[i], graph->values[graph->inputs[i]].name, info);
}

bool clrnn_graph_output_at(const clrnn_graph *graph, uint32_t i, clrnn_value_info *info)
{
    return graph && i < graph->output_count &&
           describe(graph, graph->outputs[i].value, graph->outputs[i].name, info);
}

bool clrnn_graph_value(const clrnn_graph *graph, const char *name, clrnn_value_info *info)
{
    const uint32_t at = graph && name ? clr_graph_find(graph, name) : CLR_NO_VALUE;
    return at != CLR_NO_VALUE && describe(graph, at, graph->values[at].name, info);
}

const clrnn_node_desc *clrnn_graph_node(const clrnn_graph *graph, uint32_t i)
{
    return graph && i < graph->node_count ? &graph->nodes[i].desc : NULL;
}

/* --- parameters ------------------------------------------------------------------------------ */

size_t clrnn_graph_parameters(const clrnn_graph *graph)
{
    return graph ? graph->parameter_count : 0;
}

size_t clrnn_graph_parameter_count(const clrnn_graph *graph)
{
    return graph ? graph->elements : 0;
}

bool clrnn_graph_parameter_at(const clrnn_graph *graph, size_t i, clrnn_graph_parameter *parameter)
{
    if (!graph || i >= graph->parameter_count || !parameter)
        return false;
    *parameter = graph->parameters[i].info;
    return true;
}

bool clrnn_graph_parameter_find(const clrnn_graph *graph, const char *name,
                                clrnn_graph_parameter *parameter)
{
    return graph && name &&
           clrnn_graph_parameter_at(graph, clr_names_find(&graph->parameter_names, name),
                                    parameter);
}

void *clrnn_graph_data(clrnn_graph *graph)
{
    return graph && graph->elements ? graph->data : NULL;
}

clrnn_status clrnn_graph_set_parameter(clrnn_graph *graph, const char *name, const double *values,
                                       size_t count)
{
    clrnn_graph_parameter p;
    if (!graph)
        return CLRNN_ERR_ARGUMENT;
    if (!name || !values)
        return clr_fail(&graph->log, CLRNN_ERR_ARGUMENT, "clrnn_graph_set_parameter: %s is NULL",
                        name ? "values" : "name");
    if (!clrnn_graph_parameter_find(graph, name, &p))
        return clr_fail(&graph->log, CLRNN_ERR_ARGUMENT, "graph: there is no parameter '%s'", name);
    if (count != p.count)
        return clr_fail(&graph->log, CLRNN_ERR_RANGE,
                        "graph: parameter '%s' has %zu elements, not %zu", name, p.count, count);
    for (size_t i = 0; i < count; i++)
        clr_graph_put(graph, p.offset + i, values[i]);
    return CLRNN_OK;
}

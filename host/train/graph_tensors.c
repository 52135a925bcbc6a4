/* SPDX-License-Identifier: MIT
 * train/graph_tensors.c - the tensors of a graph that learns, to a file and from it. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/memory.h"
#include "device/buffer.h"
#include "model/graph_files.h"
#include "train/learner_graph.h"

/* A parameter of a recurrent node is named "NODE.weight_hh_l0". */
static bool is_recurrent(const clrnn_graph *graph, const clrnn_graph_parameter *p)
{
    const char *leaf = strrchr(p->name, '.');
    return graph->nodes[p->node].desc.kind == CLRNN_NODE_RECURRENT && leaf &&
           strncmp(leaf, ".weight_hh", strlen(".weight_hh")) == 0;
}

size_t clr_graph_tensors(const clrnn_trainer *trainer)
{
    return trainer->graph->plan->graph->parameter_count;
}

void clr_graph_tensor(const clrnn_trainer *trainer, size_t index, clr_learner_tensor *info)
{
    const clrnn_graph *graph = trainer->graph->plan->graph;
    const clrnn_graph_parameter *p = &graph->parameters[index].info;
    snprintf(info->name, sizeof info->name, "%s", p->name);
    info->offset = p->offset;
    info->count = p->count;
    info->recurrent = is_recurrent(graph, p);
}

clrnn_status clr_graph_save(clrnn_trainer *trainer, clrnn_tensors *set)
{
    void *values = clr_calloc(trainer->count, trainer->real);
    if (!values)
        return clr_fail(&trainer->context->log, CLRNN_ERR_MEMORY,
                        "trainer: no memory for a copy of %zu parameters", trainer->count);
    clrnn_status status = clrnn_trainer_get_parameters(trainer, values);
    if (status == CLRNN_OK)
        status = clr_graph_to_set(trainer->graph->plan->graph, values, set);
    free(values);
    return status;
}

clrnn_status clr_graph_load(clrnn_trainer *trainer, const clrnn_tensors *set, const char *path,
                            cl_mem *parameters)
{
    const clrnn_graph *own = trainer->graph->plan->graph;
    const size_t bytes = trainer->count * trainer->real;
    clrnn_graph *found = NULL;
    clrnn_status status =
        clrnn_graph_from_tensors(set, trainer->precision, &trainer->context->log, &found);
    if (status == CLRNN_OK)
        status = clr_graphs_compare(found, own, path, &trainer->context->log);
    if (status == CLRNN_OK)
        status = clr_buffer_create(trainer->context, bytes, parameters);
    if (status == CLRNN_OK)
        status = clr_buffer_write(trainer->context, *parameters, 0, bytes, found->data);
    clrnn_graph_destroy(&found);
    return status;
}

/* SPDX-License-Identifier: MIT
 * model/graph_parameters.c - parameters of a graph from tensors, and fresh ones. */
#include <clrnn/graph_parameters.h>

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/memory.h"
#include "graph/graph.h"
#include "model/init.h"

clrnn_status clrnn_graph_set_tensor(clrnn_graph *graph, const char *name,
                                    const clrnn_tensor *tensor)
{
    if (!graph)
        return CLRNN_ERR_ARGUMENT;
    if (!tensor)
        return clr_fail(&graph->log, CLRNN_ERR_ARGUMENT, "clrnn_graph_set_tensor: tensor is NULL");
    double *values = clr_calloc(tensor->count, sizeof *values);
    if (!values)
        return clr_fail(&graph->log, CLRNN_ERR_MEMORY, "graph: no memory for %zu elements",
                        tensor->count);
    clrnn_tensor_to_f64(tensor, values);
    clrnn_status status = clrnn_graph_set_parameter(graph, name, values, tensor->count);
    free(values);
    return status;
}

/* All tensors of a recurrent node at once. */
static clrnn_status fresh_network(clrnn_graph *graph, const clr_parameter *first,
                                  clr_init_stream *stream)
{
    const clr_node *node = &graph->nodes[first->info.node];
    clr_network network;
    clrnn_status status = clr_network_init(&node->desc.network, &graph->log, &network);
    if (status != CLRNN_OK)
        return status;
    clrnn_init_desc init = {0};
    status = clr_init_resolve(&network, &graph->log, &init);
    if (status != CLRNN_OK)
        return status;
    const size_t real = clr_graph_real(graph);
    memset((char *)graph->data + first->info.offset * real, 0, network.weights * real);
    return clr_init_network(&network, &init, &graph->log, stream, first->info.offset);
}

clrnn_status clrnn_graph_initialize(clrnn_graph *graph, uint64_t seed)
{
    clr_init_stream stream = {.seed = seed};
    clrnn_status status = CLRNN_OK;
    if (!graph)
        return CLRNN_ERR_ARGUMENT;
    stream.precision = graph->precision;
    stream.out = graph->data;
    for (size_t i = 0; i < graph->parameter_count && status == CLRNN_OK; i++) {
        const clr_parameter *p = &graph->parameters[i];
        const clrnn_graph_parameter *info = &p->info;
        const bool first = i == graph->nodes[info->node].first_parameter;
        stream.tensor++;
        if (p->fill == CLR_FILL_GLOROT)
            clr_init_glorot(&stream, info->offset, info->count, p->fan_in, p->fan_out);
        else if (p->fill == CLR_FILL_NORMAL)
            clr_init_normal(&stream, info->offset, info->count, 1 / sqrt((double)p->fan_in));
        else if (p->fill == CLR_FILL_NETWORK && first)
            status = fresh_network(graph, p, &stream);
        for (size_t k = 0; p->fill <= CLR_FILL_ONE && k < info->count; k++)
            clr_graph_put(graph, info->offset + k, p->fill == CLR_FILL_ONE ? 1 : 0);
    }
    return status;
}

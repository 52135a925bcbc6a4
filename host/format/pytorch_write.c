/* SPDX-License-Identifier: MIT
 * format/pytorch_write.c - see format/pytorch_write.h. */
#include "format/pytorch_write.h"

#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/memory.h"
#include "graph/graph.h"
#include "shape/cell.h"

/* --- what PyTorch has ------------------------------------------------------------------------- */

/* What of a network torch.nn.RNN, LSTM and GRU have not, or NULL. */
static const char *what_is_missing(const clrnn_network_desc *n)
{
    for (size_t i = CLR_OPTION_PEEPHOLES; i < CLR_OPTIONS; i++)
        if (clr_option_get(n, &clr_options[i]) && !clr_options[i].training)
            return clr_options[i].field;
    return n->merge != CLRNN_MERGE_CONCAT ? "the sum of both directions"
           : n->reverse                   ? "a backward direction alone"
           : clr_cell_form_of(clr_cell_of(n->cell), n)->phases > 1
               ? "reset before the product (its GRU resets after, which is another function)"
               : NULL;
}

/* The same network as PyTorch has it. */
static clrnn_network_desc as_pytorch(const clrnn_network_desc *n)
{
    clrnn_network_desc own = *n;
    own.single_bias = false;
    if (clr_cell_of(n->cell)->turns)
        own.gru_update = CLRNN_UPDATE_KEEPS;
    return own;
}

/* --- the copy --------------------------------------------------------------------------------- */

static clrnn_status no_memory(const clrnn_graph *graph)
{
    return clr_fail(&graph->log, CLRNN_ERR_MEMORY, "graph: no memory for a copy");
}

/* Parameters as float64, to be freed. */
static double *values_of(const clrnn_graph *graph, const clrnn_graph_parameter *p)
{
    double *values = clr_calloc(p->count, sizeof *values);
    for (size_t i = 0; values && i < p->count; i++)
        values[i] = clr_graph_get(graph, p->offset + i);
    return values;
}

static clrnn_status copy_node(const clrnn_graph *graph, uint32_t i, clrnn_graph *copy)
{
    clrnn_node_desc desc = *clrnn_graph_node(graph, i);
    clrnn_graph_parameter p;
    double *data = NULL;
    const char *missing = desc.kind == CLRNN_NODE_RECURRENT ? what_is_missing(&desc.network) : NULL;
    if (missing)
        return clr_fail(&graph->log, CLRNN_ERR_UNSUPPORTED,
                        "node '%s': PyTorch's recurrent modules have no %s", desc.name, missing);
    if (desc.kind == CLRNN_NODE_RECURRENT)
        desc.network = as_pytorch(&desc.network);
    if (desc.kind == CLRNN_NODE_CONSTANT) {
        const clr_node *node = &graph->nodes[i];
        (void)clrnn_graph_parameter_at(graph, node->first_parameter, &p);
        data = values_of(graph, &p);
        desc.data = data;
        if (!data)
            return no_memory(graph);
    }
    clrnn_status status = clrnn_graph_add(copy, &desc, NULL);
    free(data);
    return status;
}

/* The gate that opens the other way: its rows change their sign. */
static void turn_gate(const clr_cell_spec *cell, const clrnn_graph_parameter *p, double *values)
{
    const size_t block = p->count / cell->info.gates;
    for (size_t i = 0; i < block; i++)
        values[cell->turned_gate * block + i] = -values[cell->turned_gate * block + i];
}

static clrnn_status copy_parameter(const clrnn_graph *graph, const clrnn_graph_parameter *p,
                                   clrnn_graph *copy)
{
    const clrnn_node_desc *desc = clrnn_graph_node(graph, p->node);
    double *values = values_of(graph, p);
    if (!values)
        return no_memory(graph);
    const clr_cell_spec *cell = clr_cell_of(desc->network.cell);
    if (desc->kind == CLRNN_NODE_RECURRENT && clr_cell_is_turned(cell, &desc->network))
        turn_gate(cell, p, values);
    clrnn_status status = clrnn_graph_set_parameter(copy, p->name, values, p->count);
    free(values);
    return status;
}

static clrnn_status copy_ends(const clrnn_graph *graph, clrnn_graph *copy, bool inputs)
{
    clrnn_value_info info;
    clrnn_status status = CLRNN_OK;
    for (uint32_t i = 0; inputs && status == CLRNN_OK && clrnn_graph_input_at(graph, i, &info);
         i++) {
        clrnn_graph_input_desc desc = {.name = info.name, .rank = info.rank, .ids = info.ids};
        memcpy(desc.shape, info.shape, sizeof desc.shape);
        status = clrnn_graph_input(copy, &desc);
    }
    for (uint32_t i = 0; !inputs && status == CLRNN_OK && i < graph->output_count; i++)
        status = clrnn_graph_output(copy, graph->outputs[i].name,
                                    graph->values[graph->outputs[i].value].name);
    return status;
}

clrnn_status clr_graph_as_pytorch(const clrnn_graph *graph, clrnn_graph **copy)
{
    clrnn_graph_parameter p;
    clrnn_status status =
        clrnn_graph_create(&graph->log, &(clrnn_graph_desc){.precision = graph->precision}, copy);
    if (status == CLRNN_OK)
        status = copy_ends(graph, *copy, true);
    for (uint32_t i = 0; i < graph->node_count && status == CLRNN_OK; i++)
        status = copy_node(graph, i, *copy);
    if (status == CLRNN_OK)
        status = copy_ends(graph, *copy, false);
    for (size_t i = 0; status == CLRNN_OK && clrnn_graph_parameter_at(graph, i, &p); i++)
        status = copy_parameter(graph, &p, *copy);
    if (status != CLRNN_OK)
        clrnn_graph_destroy(copy);
    return status;
}

clrnn_status clr_pytorch_write(const clrnn_graph *graph, const char *path, const clrnn_log *log)
{
    static const char ending[] = ".safetensors";
    const size_t length = strlen(path), tail = sizeof ending - 1;
    clrnn_graph *copy = NULL;
    if (length < tail || strcmp(path + length - tail, ending) != 0)
        return clr_fail(log, CLRNN_ERR_ARGUMENT,
                        "%s: a state_dict for PyTorch is written as safetensors: give a name that "
                        "ends in .safetensors",
                        path);
    clrnn_status status = clr_graph_as_pytorch(graph, &copy);
    if (status == CLRNN_OK)
        status = clrnn_graph_save(copy, path);
    clrnn_graph_destroy(&copy);
    return status;
}

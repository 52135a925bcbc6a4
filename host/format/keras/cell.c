/* SPDX-License-Identifier: MIT
 * format/keras/cell.c - see format/keras/cell.h. */
#include "format/keras/cell.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/memory.h"
#include "graph/graph.h"
#include "shape/cell.h"

/* What Keras calls our gates: c is g, h is n; the RNN has but one. */
static const char *keras_order(const clr_cell_spec *cell)
{
    return cell->info.gates == 4 ? "ifgo" : cell->info.gates == 3 ? "zrn" : "h";
}

/* Where our gate g begins among Keras's columns. */
static size_t column_of(const clr_cell_spec *cell, uint32_t g, size_t H)
{
    const char *order = keras_order(cell);
    return (size_t)(strchr(order, cell->info.gate_names[g][0]) - order) * H;
}

/* [rows of ours = G*H, inputs] of Keras's [inputs, G*H]. */
static void turn(const clr_cell_spec *cell, const double *from, size_t inputs, size_t H, double *to)
{
    const uint32_t G = cell->info.gates;
    for (uint32_t g = 0; g < G; g++)
        for (size_t h = 0; h < H; h++)
            for (size_t i = 0; i < inputs; i++)
                *to++ = from[i * G * H + column_of(cell, g, H) + h];
}

static clrnn_status put(clrnn_graph *graph, const char *node, const char *leaf, const char *suffix,
                        const clr_cell_spec *cell, const double *from, size_t inputs, size_t H)
{
    char name[512];
    const size_t count = inputs * cell->info.gates * H;
    double *values = clr_calloc(count, sizeof *values);
    clrnn_graph_parameter p;
    snprintf(name, sizeof name, "%s.%s%s", node, leaf, suffix);
    if (!values)
        return clr_fail(&graph->log, CLRNN_ERR_MEMORY, "%s: no memory", name);
    clrnn_status status = CLRNN_OK;
    if (from)
        turn(cell, from, inputs, H, values);
    if (from || clrnn_graph_parameter_find(graph, name, &p)) /* a second bias may not be there */
        status = clrnn_graph_set_parameter(graph, name, values, count);
    free(values);
    return status;
}

clrnn_status clr_keras_cell_put(clrnn_graph *graph, const char *node, const char *suffix,
                                const clr_keras_cell *k)
{
    const clrnn_node_desc *desc = NULL;
    for (uint32_t i = 0; i < clrnn_graph_nodes(graph); i++)
        if (strcmp(clrnn_graph_node(graph, i)->name, node) == 0)
            desc = clrnn_graph_node(graph, i);
    if (!desc || desc->kind != CLRNN_NODE_RECURRENT)
        return clr_fail(&graph->log, CLRNN_ERR_ARGUMENT, "there is no recurrent node '%s'", node);
    const clr_cell_spec *cell = clr_cell_of(desc->network.cell);
    const size_t H = desc->network.hidden_size, I = desc->network.input_size;
    const double *second = k->two_biases && k->bias ? k->bias + cell->info.gates * H : NULL;
    clrnn_status status = put(graph, node, "weight_ih", suffix, cell, k->kernel, I, H);
    if (status == CLRNN_OK)
        status = put(graph, node, "weight_hh", suffix, cell, k->recurrent, H, H);
    if (status == CLRNN_OK)
        status = put(graph, node, "bias_ih", suffix, cell, k->bias, 1, H);
    if (status == CLRNN_OK)
        status = put(graph, node, "bias_hh", suffix, cell, second, 1, H);
    return status;
}

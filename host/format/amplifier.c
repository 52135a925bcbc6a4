/* SPDX-License-Identifier: MIT
 * format/amplifier.c - see format/amplifier.h. */
#include "format/amplifier.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/memory.h"

static int64_t channels_of(const clrnn_graph *graph, const char *value)
{
    clrnn_value_info info;
    return clrnn_graph_value(graph, value, &info) ? info.shape[info.rank - 1] : 0;
}

clrnn_status clr_amplifier_gain(clrnn_graph *graph, const char *name, const char *from,
                                double decibels)
{
    const int64_t channels = channels_of(graph, from);
    const double gain = decibels > -90 ? pow(10, decibels / 20) : 0;
    double *gains = clr_calloc((size_t)channels, sizeof *gains);
    clrnn_node_desc all = {.kind = CLRNN_NODE_CONSTANT, .rank = 1, .shape = {channels}};
    clrnn_node_desc times = {.kind = CLRNN_NODE_MUL, .name = name, .inputs = {from, NULL}};
    char constant[64];
    if (!gains)
        return CLRNN_ERR_MEMORY;
    for (int64_t i = 0; i < channels; i++)
        gains[i] = i == 0 ? gain : 1;
    snprintf(constant, sizeof constant, "%s_factor", name);
    all.name = times.inputs[1] = constant;
    all.data = gains;
    clrnn_status status = clrnn_graph_add(graph, &all, NULL);
    free(gains);
    return status == CLRNN_OK ? clrnn_graph_add(graph, &times, NULL) : status;
}

clrnn_status clr_amplifier_skip(clrnn_graph *graph, const char *from, const char *x)
{
    const int64_t channels = channels_of(graph, from);
    clrnn_node_desc first = {.kind = CLRNN_NODE_SLICE,
                             .name = "sound",
                             .inputs = {x},
                             .rank = 3,
                             .end = {CLRNN_TO_END, CLRNN_TO_END, channels}};
    clrnn_node_desc sum = {.kind = CLRNN_NODE_ADD, .name = "skip", .inputs = {from, x}};
    clrnn_status status = CLRNN_OK;
    if (channels_of(graph, x) > channels) {
        status = clrnn_graph_add(graph, &first, NULL);
        sum.inputs[1] = first.name;
    }
    return status == CLRNN_OK ? clrnn_graph_add(graph, &sum, NULL) : status;
}

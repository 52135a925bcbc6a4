/* SPDX-License-Identifier: MIT
 * format/amplifier.c - see format/amplifier.h. */
#include "format/amplifier.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "graph/graph.h"

static int64_t channels_of(const clrnn_graph *graph, const char *value)
{
    clrnn_value_info info;
    return clrnn_graph_value(graph, value, &info) ? info.shape[info.rank - 1] : 0;
}

static double factor_of(double decibels)
{
    return decibels > -90 ? pow(10, decibels / 20) : 0;
}

clrnn_status clr_amplifier_gain(clrnn_graph *graph, const char *name, const char *from,
                                double decibels)
{
    const int64_t channels = channels_of(graph, from);
    const double gain = factor_of(decibels);
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

/* --- found again ------------------------------------------------------------------------------ */

/* Whether a node is of a kind and reads these two in any order. */
static bool is_pair(const clrnn_node_desc *node, clrnn_node_kind kind, const char *a, const char *b)
{
    if (node->kind != kind || node->function != CLRNN_FN_IDENTITY || !node->inputs[1])
        return false;
    const char *first = node->inputs[0], *second = node->inputs[1];
    return (strcmp(first, a) == 0 && strcmp(second, b) == 0) ||
           (strcmp(first, b) == 0 && strcmp(second, a) == 0);
}

/* The dB of a factor, which give just this one again. False: there are none. */
static bool decibels_of(double factor, bool is_double, double *decibels)
{
    const double exact = factor > 0 ? 20 * log10(factor) : -90;
    const double few = round(exact * 1e6) / 1e6; /* as somebody has written them */
    const double all[] = {few, exact, nextafter(exact, -100), nextafter(exact, 100)};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
        const double again = factor_of(all[i]);
        *decibels = all[i];
        if (is_double ? again == factor : (float)again == (float)factor)
            return all[i] != 0;
    }
    return false;
}

/* Whether node `at` is a constant of one factor for the sound and 1 for what else `from` has, and
 * the next one multiplies by it. */
static bool is_gain(const clrnn_graph *graph, uint32_t at, const char *from, double *decibels)
{
    const clrnn_node_desc *all = clrnn_graph_node(graph, at);
    const clrnn_node_desc *times = clrnn_graph_node(graph, at + 1);
    char name[600];
    clrnn_graph_parameter p = {0};
    if (!times || all->kind != CLRNN_NODE_CONSTANT || all->trainable || all->rank != 1 ||
        all->shape[0] != channels_of(graph, from) ||
        !is_pair(times, CLRNN_NODE_MUL, from, all->name))
        return false;
    snprintf(name, sizeof name, "%s.value", all->name);
    if (!clrnn_graph_parameter_find(graph, name, &p))
        return false;
    for (int64_t i = 1; i < all->shape[0]; i++)
        if (clr_graph_get(graph, p.offset + (size_t)i) != 1)
            return false;
    return decibels_of(clr_graph_get(graph, p.offset), graph->precision == CLRNN_F64, decibels);
}

/* Whether a node cuts so many channels off the others of x. */
static bool is_sound(const clrnn_graph *graph, const clrnn_node_desc *node, const char *x,
                     int64_t channels)
{
    clrnn_value_info whole, part;
    bool is = node->kind == CLRNN_NODE_SLICE && node->function == CLRNN_FN_IDENTITY &&
              strcmp(node->inputs[0], x) == 0 && clrnn_graph_value(graph, x, &whole) &&
              clrnn_graph_value(graph, node->name, &part);
    for (uint32_t i = 0; is && i < node->rank; i++)
        is = node->begin[i] == 0 && (node->step[i] == 0 || node->step[i] == 1);
    for (uint32_t i = 0; is && i < part.rank; i++)
        is = part.shape[i] == (i + 1 < part.rank ? whole.shape[i] : channels);
    return is;
}

/* The last nodes before a->end: the input, or its sound, added to what the one before gives. */
static void find_skip(const clrnn_graph *graph, clr_amplifier *a)
{
    for (uint32_t cut = 0; cut < 2 && a->end >= a->first + 2 + cut; cut++) {
        const clrnn_node_desc *add = clrnn_graph_node(graph, a->end - 1);
        const clrnn_node_desc *sound = clrnn_graph_node(graph, a->end - 2);
        const char *from = clrnn_graph_node(graph, a->end - 2 - cut)->name;
        const int64_t channels = channels_of(graph, from);
        a->skip =
            is_pair(add, CLRNN_NODE_ADD, from, cut ? sound->name : a->x) &&
            (cut ? is_sound(graph, sound, a->x, channels) : channels_of(graph, a->x) == channels);
        if (a->skip) {
            a->end -= 1 + cut;
            return;
        }
    }
}

clr_amplifier clr_amplifier_find(const clrnn_graph *graph, const char *input)
{
    clr_amplifier a = {.x = input, .y = input, .end = clrnn_graph_nodes(graph)};
    if (a.end > 0)
        a.y = clrnn_graph_node(graph, a.end - 1)->name;
    if (a.end > 2 && is_gain(graph, 0, a.x, &a.in_gain)) {
        a.x = clrnn_graph_node(graph, 1)->name;
        a.first = 2;
    }
    if (a.end > a.first + 2 &&
        is_gain(graph, a.end - 2, clrnn_graph_node(graph, a.end - 3)->name, &a.out_gain))
        a.end -= 2;
    find_skip(graph, &a);
    return a;
}

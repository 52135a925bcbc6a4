/* SPDX-License-Identifier: MIT
 * format/rtneural_write.c - see format/rtneural_write.h. */
#include "format/rtneural_write.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/decimal.h"
#include "base/file.h"
#include "base/log.h"
#include "graph/graph.h"
#include "model/json.h"
#include "shape/cell.h"

typedef struct writer {
    const clrnn_graph *graph;
    const clrnn_log *log;
    const char *path;
    clr_json json;
    uint32_t layers;
} writer;

static clrnn_status no_form(const writer *w, const clrnn_node_desc *node, const char *why)
{
    return clr_fail(w->log, CLRNN_ERR_UNSUPPORTED, "%s: node '%s' (%s): RTNeural has no form: %s",
                    w->path, node->name, clrnn_node_kind_name(node->kind), why);
}

/* --- pieces of text --------------------------------------------------------------------------- */

static void put_real(writer *w, double value)
{
    char text[CLR_DECIMAL_ROOM];
    clr_decimal_write(text, w->graph->precision == CLRNN_F64 ? 17 : 9, value);
    clr_json_put(&w->json, text);
}

static void begin_layer(writer *w, const char *type, const char *activation, uint64_t width)
{
    clr_json_put(&w->json, w->layers++ ? ",\n{\"type\":" : "\n{\"type\":");
    clr_json_quote(&w->json, type);
    clr_json_put(&w->json, ",\"activation\":");
    clr_json_quote(&w->json, activation);
    clr_json_put(&w->json, ",\"shape\":[null,null,");
    clr_json_number(&w->json, width);
    clr_json_put(&w->json, "],\"weights\":[");
}

/* Where a parameter begins; it is there. */
static size_t offset_of(const writer *w, const clrnn_node_desc *node, const char *leaf)
{
    char name[600];
    clrnn_graph_parameter p = {0};
    snprintf(name, sizeof name, "%s.%s", node->name, leaf);
    (void)clrnn_graph_parameter_find(w->graph, name, &p);
    return p.offset;
}

/* [count] numbers from `at` on, `stride` apart. */
static void put_row(writer *w, size_t at, size_t count, size_t stride)
{
    clr_json_put(&w->json, "[");
    for (size_t i = 0; i < count; i++) {
        clr_json_put(&w->json, i ? "," : "");
        put_real(w, clr_graph_get(w->graph, at + i * stride));
    }
    clr_json_put(&w->json, "]");
}

static void put_zeros(writer *w, size_t count)
{
    clr_json_put(&w->json, "[0");
    for (size_t i = 1; i < count; i++)
        clr_json_put(&w->json, ",0");
    clr_json_put(&w->json, "]");
}

/* --- layers ----------------------------------------------------------------------------------- */

/* What RTNeural calls a function; NULL: nothing. */
static const char *activation_of(clrnn_function function, double alpha)
{
    return function == CLRNN_FN_IDENTITY              ? ""
           : function == CLRNN_FN_TANH                ? "tanh"
           : function == CLRNN_FN_SIGMOID             ? "sigmoid"
           : function == CLRNN_FN_RELU                ? "relu"
           : function == CLRNN_FN_ELU && alpha == 1.0 ? "elu"
                                                      : NULL;
}

static clrnn_status put_dense(writer *w, const clrnn_node_desc *node, uint64_t in)
{
    const char *activation = activation_of(node->function, node->alpha);
    const size_t at = offset_of(w, node, "weight");
    if (!activation)
        return no_form(w, node, clrnn_function_name(node->function));
    begin_layer(w, "dense", activation, node->units);
    clr_json_put(&w->json, "[");
    for (uint64_t i = 0; i < in; i++) {
        clr_json_put(&w->json, i ? "," : "");
        put_row(w, at + (size_t)i, node->units, (size_t)in);
    }
    clr_json_put(&w->json, "],");
    if (node->no_bias)
        put_zeros(w, node->units);
    else
        put_row(w, offset_of(w, node, "bias"), node->units, 1);
    clr_json_put(&w->json, "]}");
    return CLRNN_OK;
}

static clrnn_status put_conv(writer *w, const clrnn_node_desc *node, uint64_t in)
{
    const char *activation = activation_of(node->function, node->alpha);
    const uint32_t groups = node->groups ? node->groups : 1, K = node->kernel[0];
    const uint32_t dilation = node->dilation[0] ? node->dilation[0] : 1;
    const size_t inner = (size_t)(in / groups), at = offset_of(w, node, "weight");
    const bool ends_in_time = node->pad_begin[0] == (K - 1) * dilation && !node->pad_end[0];
    if (!activation || node->stride[0] > 1 || (!node->causal && !ends_in_time))
        return no_form(w, node,
                       activation ? "it is not causal with stride 1"
                                  : clrnn_function_name(node->function));
    begin_layer(w, "conv1d", activation, node->units);
    for (uint32_t k = 0; k < K; k++)
        for (size_t i = 0; i < inner; i++) {
            clr_json_put(&w->json, i ? "," : k ? ",[" : "[[");
            put_row(w, at + i * K + k, node->units, inner * K);
            clr_json_put(&w->json, i + 1 < inner ? "" : "]");
        }
    clr_json_put(&w->json, "],");
    if (node->no_bias)
        put_zeros(w, node->units);
    else
        put_row(w, offset_of(w, node, "bias"), node->units, 1);
    clr_json_put(&w->json, "],\"kernel_size\":[");
    clr_json_number(&w->json, K);
    clr_json_put(&w->json, "],\"dilation\":[");
    clr_json_number(&w->json, dilation);
    clr_json_put(&w->json, "]");
    if (groups > 1) {
        clr_json_put(&w->json, ",\"groups\":");
        clr_json_number(&w->json, groups);
    }
    clr_json_put(&w->json, "}");
    return CLRNN_OK;
}

/* Rows of our gates as columns in RTNeural's order, of two arrays added up (the second may be
 * missing), some with the other sign. */
typedef struct columns {
    const char *order; /* "ifgo", "zrn" */
    const clr_cell_spec *cell;
    size_t H;
    bool turned; /* the update gate opens the other way */
} columns;

static void put_columns(writer *w, const columns *c, size_t at, size_t second, bool two,
                        size_t inputs, size_t input)
{
    clr_json_put(&w->json, "[");
    for (size_t k = 0; k < c->cell->info.gates * c->H; k++) {
        uint32_t g = 0;
        while (c->cell->info.gate_names[g][0] != c->order[k / c->H])
            g++;
        const size_t place = (g * c->H + k % c->H) * inputs + input;
        double value = clr_graph_get(w->graph, at + place);
        if (two)
            value += clr_graph_get(w->graph, second + place);
        clr_json_put(&w->json, k ? "," : "");
        put_real(w, c->turned && g == c->cell->turned_gate ? -value : value);
    }
    clr_json_put(&w->json, "]");
}

static void put_matrix(writer *w, const columns *c, size_t at, size_t inputs)
{
    clr_json_put(&w->json, "[");
    for (size_t i = 0; i < inputs; i++) {
        clr_json_put(&w->json, i ? "," : "");
        put_columns(w, c, at, 0, false, inputs, i);
    }
    clr_json_put(&w->json, "],");
}

/* Layer l of a stack. */
static void put_cell(writer *w, const clrnn_node_desc *node, uint32_t l)
{
    const clrnn_network_desc *n = &node->network;
    const bool gru = n->cell == CLRNN_CELL_GRU;
    const clr_cell_spec *cell = clr_cell_of(n->cell);
    const columns c = {gru ? "zrn" : "ifgo", cell, n->hidden_size, clr_cell_is_turned(cell, n)};
    const size_t wide = c.cell->info.gates * c.H;
    size_t at[4];
    static const char *const leaves[] = {"weight_ih", "weight_hh", "bias_ih", "bias_hh"};
    for (int i = 0; i < 4; i++) {
        char leaf[40];
        snprintf(leaf, sizeof leaf, "%s_l%u", leaves[i], l);
        at[i] = offset_of(w, node, leaf);
    }
    begin_layer(w, gru ? "gru" : "lstm", "tanh", c.H);
    put_matrix(w, &c, at[0], l ? c.H : n->input_size);
    put_matrix(w, &c, at[1], c.H);
    clr_json_put(&w->json, gru ? "[" : "");
    if (n->no_bias)
        put_zeros(w, wide);
    else
        put_columns(w, &c, at[2], at[3], !gru && !n->single_bias, 1, 0);
    clr_json_put(&w->json, gru ? "," : "");
    if (gru && (n->no_bias || n->single_bias))
        put_zeros(w, wide);
    else if (gru)
        put_columns(w, &c, at[3], 0, false, 1, 0);
    clr_json_put(&w->json, gru ? "]]}" : "]}");
}

static clrnn_status put_recurrent(writer *w, const clrnn_node_desc *node)
{
    const clrnn_network_desc *n = &node->network;
    const char *why = n->cell == CLRNN_CELL_RNN        ? "the cell rnn"
                      : n->bidirectional || n->reverse ? "a backward direction"
                      : n->proj_size                   ? "a projection"
                      : node->inputs[1]                ? "an initial state"
                                                       : NULL;
    for (size_t i = CLR_OPTION_PEEPHOLES; i < CLR_OPTIONS && !why; i++)
        if (clr_option_get(n, &clr_options[i]) && !clr_options[i].training)
            why = clr_options[i].field;
    if (!why && clr_cell_form_of(clr_cell_of(n->cell), n)->phases > 1)
        why = "reset before the product (its GRU resets after, which is another function)";
    if (why)
        return no_form(w, node, why);
    for (uint32_t l = 0; l < n->num_layers; l++)
        put_cell(w, node, l);
    return CLRNN_OK;
}

static clrnn_status put_batch_norm(writer *w, const clrnn_node_desc *node, uint64_t in)
{
    static const char *const leaves[] = {"weight", "bias", "running_mean", "running_var"};
    begin_layer(w, "batchnorm", "", in);
    for (int i = node->no_bias ? 2 : 0; i < 4; i++) {
        put_row(w, offset_of(w, node, leaves[i]), (size_t)in, 1);
        clr_json_put(&w->json, i < 3 ? "," : "],\"epsilon\":");
    }
    put_real(w, node->epsilon > 0 ? node->epsilon : 1e-5);
    clr_json_put(&w->json, "}");
    return CLRNN_OK;
}

static clrnn_status put_activation(writer *w, const clrnn_node_desc *node, uint64_t in)
{
    const char *name =
        node->kind == CLRNN_NODE_SOFTMAX ? "softmax" : activation_of(node->function, node->alpha);
    if (!name)
        return no_form(w, node, clrnn_function_name(node->function));
    begin_layer(w, "activation", name, in);
    clr_json_put(&w->json, "]}");
    return CLRNN_OK;
}

/* Whether node `i` is of a kind and function and reads these. */
static bool is_step(const clrnn_graph *g, uint32_t i, clrnn_node_kind kind, clrnn_function function,
                    const char *first, const char *second)
{
    const clrnn_node_desc *node = clrnn_graph_node(g, i);
    return node && node->kind == kind && node->function == function && node->inputs[0] &&
           strcmp(node->inputs[0], first) == 0 && !node->inputs[1] == !second &&
           (!second || strcmp(node->inputs[1], second) == 0);
}

#define PRELU_NODES 6

/* The nodes from `i` on that the reader makes of a PReLU, relu(x) - alpha relu(-x). */
static bool put_prelu(writer *w, uint32_t i, const char *before)
{
    const clrnn_graph *g = w->graph;
    const char *names[PRELU_NODES];
    clrnn_value_info x, alpha;
    for (uint32_t k = 0; k < PRELU_NODES; k++) {
        if (i + k >= clrnn_graph_nodes(g))
            return false;
        names[k] = clrnn_graph_node(g, i + k)->name;
    }
    if (clrnn_graph_node(g, i)->kind != CLRNN_NODE_CONSTANT || !clrnn_graph_value(g, before, &x) ||
        !clrnn_graph_value(g, names[0], &alpha) || alpha.rank != 1 ||
        alpha.shape[0] != x.shape[x.rank - 1] ||
        !is_step(g, i + 1, CLRNN_NODE_ACTIVATION, CLRNN_FN_RELU, before, NULL) ||
        !is_step(g, i + 2, CLRNN_NODE_ACTIVATION, CLRNN_FN_NEGATE, before, NULL) ||
        !is_step(g, i + 3, CLRNN_NODE_ACTIVATION, CLRNN_FN_RELU, names[2], NULL) ||
        !is_step(g, i + 4, CLRNN_NODE_MUL, CLRNN_FN_IDENTITY, names[3], names[0]) ||
        !is_step(g, i + 5, CLRNN_NODE_SUB, CLRNN_FN_IDENTITY, names[1], names[4]))
        return false;
    begin_layer(w, "prelu", "", (uint64_t)alpha.shape[0]);
    clr_json_put(&w->json, "[");
    put_row(w, offset_of(w, clrnn_graph_node(g, i), "value"), (size_t)alpha.shape[0], 1);
    clr_json_put(&w->json, "]]}");
    return true;
}

/* --- the whole -------------------------------------------------------------------------------- */

static bool is_last_axis(const clrnn_node_desc *node, uint32_t rank)
{
    return node->axis == -1 || node->axis == (int32_t)rank - 1;
}

static clrnn_status put_node(writer *w, const clrnn_node_desc *node, const char *before)
{
    clrnn_value_info x;
    if (!node->inputs[0] || strcmp(node->inputs[0], before) != 0 ||
        !clrnn_graph_value(w->graph, before, &x))
        return no_form(w, node, "it does not read the node before it alone");
    const uint64_t in = (uint64_t)x.shape[x.rank - 1];
    const bool last = is_last_axis(node, x.rank);
    switch (node->kind) {
    case CLRNN_NODE_DENSE:
        return put_dense(w, node, in);
    case CLRNN_NODE_CONV1D:
        return put_conv(w, node, in);
    case CLRNN_NODE_RECURRENT:
        return put_recurrent(w, node);
    case CLRNN_NODE_BATCH_NORM:
        return last ? put_batch_norm(w, node, in) : no_form(w, node, "its axis");
    case CLRNN_NODE_SOFTMAX:
        return last ? put_activation(w, node, in) : no_form(w, node, "its axis");
    case CLRNN_NODE_ACTIVATION:
        return put_activation(w, node, in);
    case CLRNN_NODE_DROPOUT:
        return CLRNN_OK;
    default:
        return no_form(w, node, "this kind of node");
    }
}

static clrnn_status put_nodes(writer *w)
{
    clrnn_value_info x, y;
    const clrnn_graph *g = w->graph;
    if (clrnn_graph_inputs(g) != 1 || !clrnn_graph_input_at(g, 0, &x) || x.ids || x.rank < 2 ||
        x.shape[x.rank - 1] <= 0)
        return clr_fail(w->log, CLRNN_ERR_UNSUPPORTED,
                        "%s: RTNeural has no form: more than one input, or one that is not of "
                        "features",
                        w->path);
    clr_json_put(&w->json, "{\"in_shape\":[null,null,");
    clr_json_number(&w->json, (uint64_t)x.shape[x.rank - 1]);
    clr_json_put(&w->json, "],\"layers\":[");
    const char *before = x.name;
    clrnn_status status = CLRNN_OK;
    for (uint32_t i = 0; i < clrnn_graph_nodes(g) && status == CLRNN_OK; i++) {
        if (put_prelu(w, i, before))
            i += PRELU_NODES - 1;
        else
            status = put_node(w, clrnn_graph_node(g, i), before);
        before = clrnn_graph_node(g, i)->name;
    }
    clr_json_put(&w->json, "]");
    if (g->sample_rate > 0) {
        char rate[CLR_DECIMAL_ROOM];
        clr_decimal_write(rate, 17, g->sample_rate);
        clr_json_put(&w->json, ",\"samplerate\":");
        clr_json_put(&w->json, rate);
    }
    clr_json_put(&w->json, "}\n");
    const uint32_t last = clrnn_graph_outputs(g);
    if (status == CLRNN_OK && (last == 0 || !clrnn_graph_output_at(g, last - 1, &y) ||
                               strcmp(g->values[g->outputs[last - 1].value].name, before) != 0))
        status = clr_fail(w->log, CLRNN_ERR_UNSUPPORTED,
                          "%s: RTNeural has no form: the last node is not an output", w->path);
    for (uint32_t i = 0; i + 1 < last && status == CLRNN_OK; i++)
        if (clrnn_graph_output_at(g, i, &y))
            clr_log(w->log, CLRNN_LOG_WARN,
                    "%s: output '%s' is left out: a model of RTNeural's has one, its last node",
                    w->path, clr_show(y.name).text);
    return status;
}

clrnn_status clr_rtneural_write(const clrnn_graph *graph, const char *path, const clrnn_log *log)
{
    writer w = {.graph = graph, .log = log, .path = path};
    clrnn_status status = put_nodes(&w);
    if (status == CLRNN_OK && w.json.failed)
        status = clr_fail(log, CLRNN_ERR_MEMORY, "%s: no memory for its text", path);
    const clr_piece piece = {w.json.text, w.json.length};
    if (status == CLRNN_OK)
        status = clr_file_write(path, &piece, 1, log);
    free(w.json.text);
    return status;
}

/* SPDX-License-Identifier: MIT
 * format/rtneural_write.c - see format/rtneural_write.h. */
#include "format/rtneural_write.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/decimal.h"
#include "base/file.h"
#include "base/log.h"
#include "format/amplifier.h"
#include "format/rtneural_put.h"
#include "graph/graph.h"

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

static clrnn_status put_dense(clr_rtneural_writer *w, const clrnn_node_desc *node, uint64_t in)
{
    const char *activation = activation_of(node->function, node->alpha);
    const size_t at = clr_rtneural_offset(w, node, "weight");
    if (!activation)
        return clr_rtneural_no_form(w, node, clrnn_function_name(node->function));
    clr_rtneural_begin(w, "dense", activation, node->units);
    clr_json_put(&w->json, "[");
    for (uint64_t i = 0; i < in; i++) {
        clr_json_put(&w->json, i ? "," : "");
        clr_rtneural_row(w, at + (size_t)i, node->units, (size_t)in);
    }
    clr_json_put(&w->json, "],");
    if (node->no_bias)
        clr_rtneural_zeros(w, node->units);
    else
        clr_rtneural_row(w, clr_rtneural_offset(w, node, "bias"), node->units, 1);
    clr_json_put(&w->json, "]}");
    return CLRNN_OK;
}

static clrnn_status put_conv(clr_rtneural_writer *w, const clrnn_node_desc *node, uint64_t in)
{
    const char *activation = activation_of(node->function, node->alpha);
    const uint32_t groups = node->groups ? node->groups : 1, K = node->kernel[0];
    const uint32_t dilation = node->dilation[0] ? node->dilation[0] : 1;
    const size_t inner = (size_t)(in / groups), at = clr_rtneural_offset(w, node, "weight");
    const bool ends_in_time = node->pad_begin[0] == (K - 1) * dilation && !node->pad_end[0];
    if (!activation || node->stride[0] > 1 || (!node->causal && !ends_in_time))
        return clr_rtneural_no_form(w, node,
                                    activation ? "it is not causal with stride 1"
                                               : clrnn_function_name(node->function));
    clr_rtneural_begin(w, "conv1d", activation, node->units);
    for (uint32_t k = 0; k < K; k++)
        for (size_t i = 0; i < inner; i++) {
            clr_json_put(&w->json, i ? "," : k ? ",[" : "[[");
            clr_rtneural_row(w, at + i * K + k, node->units, inner * K);
            clr_json_put(&w->json, i + 1 < inner ? "" : "]");
        }
    clr_json_put(&w->json, "],");
    if (node->no_bias)
        clr_rtneural_zeros(w, node->units);
    else
        clr_rtneural_row(w, clr_rtneural_offset(w, node, "bias"), node->units, 1);
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

static clrnn_status put_batch_norm(clr_rtneural_writer *w, const clrnn_node_desc *node, uint64_t in)
{
    static const char *const leaves[] = {"weight", "bias", "running_mean", "running_var"};
    clr_rtneural_begin(w, "batchnorm", "", in);
    for (int i = node->no_bias ? 2 : 0; i < 4; i++) {
        clr_rtneural_row(w, clr_rtneural_offset(w, node, leaves[i]), (size_t)in, 1);
        clr_json_put(&w->json, i < 3 ? "," : "],\"epsilon\":");
    }
    clr_rtneural_real(w, node->epsilon > 0 ? node->epsilon : 1e-5);
    clr_json_put(&w->json, "}");
    return CLRNN_OK;
}

static clrnn_status put_activation(clr_rtneural_writer *w, const clrnn_node_desc *node, uint64_t in)
{
    const char *name =
        node->kind == CLRNN_NODE_SOFTMAX ? "softmax" : activation_of(node->function, node->alpha);
    if (!name)
        return clr_rtneural_no_form(w, node, clrnn_function_name(node->function));
    clr_rtneural_begin(w, "activation", name, in);
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
static bool put_prelu(clr_rtneural_writer *w, uint32_t i, const char *before)
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
    clr_rtneural_begin(w, "prelu", "", (uint64_t)alpha.shape[0]);
    clr_json_put(&w->json, "[");
    clr_rtneural_row(w, clr_rtneural_offset(w, clrnn_graph_node(g, i), "value"),
                     (size_t)alpha.shape[0], 1);
    clr_json_put(&w->json, "]]}");
    return true;
}

/* --- the whole -------------------------------------------------------------------------------- */

static bool is_last_axis(const clrnn_node_desc *node, uint32_t rank)
{
    return node->axis == -1 || node->axis == (int32_t)rank - 1;
}

static clrnn_status put_node(clr_rtneural_writer *w, const clrnn_node_desc *node,
                             const char *before)
{
    clrnn_value_info x;
    if (node->kind == CLRNN_NODE_ADD)
        return clr_rtneural_no_form(
            w, node, "only what comes in can be added, to what the last layer gives");
    if (!node->inputs[0] || strcmp(node->inputs[0], before) != 0 ||
        !clrnn_graph_value(w->graph, before, &x))
        return clr_rtneural_no_form(w, node, "it does not read the node before it alone");
    const uint64_t in = (uint64_t)x.shape[x.rank - 1];
    const bool last = is_last_axis(node, x.rank);
    switch (node->kind) {
    case CLRNN_NODE_DENSE:
        return put_dense(w, node, in);
    case CLRNN_NODE_CONV1D:
        return put_conv(w, node, in);
    case CLRNN_NODE_RECURRENT:
        return clr_rtneural_recurrent(w, node);
    case CLRNN_NODE_BATCH_NORM:
        return last ? put_batch_norm(w, node, in) : clr_rtneural_no_form(w, node, "its axis");
    case CLRNN_NODE_SOFTMAX:
        return last ? put_activation(w, node, in) : clr_rtneural_no_form(w, node, "its axis");
    case CLRNN_NODE_ACTIVATION:
        return put_activation(w, node, in);
    case CLRNN_NODE_DROPOUT:
        return CLRNN_OK;
    default:
        return clr_rtneural_no_form(w, node, "this kind of node");
    }
}

/* What is done around the layers, which a loader of its own does not know. */
static void put_around(clr_rtneural_writer *w, const clr_amplifier *a)
{
    const struct {
        const char *name;
        double value;
    } fields[] = {{"in_skip", a->skip},
                  {"in_gain", a->in_gain},
                  {"out_gain", a->out_gain},
                  {"samplerate", w->graph->sample_rate}};
    for (size_t i = 0; i < sizeof fields / sizeof *fields; i++) {
        char text[CLR_DECIMAL_ROOM];
        if (fields[i].value == 0)
            continue;
        clr_decimal_write(text, 17, fields[i].value);
        clr_json_put(&w->json, ",");
        clr_json_quote(&w->json, fields[i].name);
        clr_json_put(&w->json, ":");
        clr_json_put(&w->json, text);
    }
    if (a->skip || a->in_gain != 0 || a->out_gain != 0)
        clr_log(w->log, CLRNN_LOG_WARN,
                "%s: in_skip, in_gain and out_gain are left to its caller by RTNeural's own "
                "loader: AIDA-X does what they say",
                w->path);
}

/* The output is what the last node makes. */
static clrnn_status check_outputs(const clr_rtneural_writer *w, const char *last)
{
    clrnn_value_info y;
    const clrnn_graph *g = w->graph;
    const uint32_t count = clrnn_graph_outputs(g);
    if (count == 0 || strcmp(g->values[g->outputs[count - 1].value].name, last) != 0)
        return clr_fail(w->log, CLRNN_ERR_UNSUPPORTED,
                        "%s: RTNeural has no form: the last node is not an output", w->path);
    for (uint32_t i = 0; i + 1 < count; i++)
        if (clrnn_graph_output_at(g, i, &y))
            clr_log(w->log, CLRNN_LOG_WARN,
                    "%s: output '%s' is left out: a model of RTNeural's has one, its last node",
                    w->path, clr_show(y.name).text);
    return CLRNN_OK;
}

static clrnn_status put_nodes(clr_rtneural_writer *w)
{
    clrnn_value_info x;
    const clrnn_graph *g = w->graph;
    if (clrnn_graph_inputs(g) != 1 || !clrnn_graph_input_at(g, 0, &x) || x.ids || x.rank < 2 ||
        x.shape[x.rank - 1] <= 0)
        return clr_fail(w->log, CLRNN_ERR_UNSUPPORTED,
                        "%s: RTNeural has no form: more than one input, or one that is not of "
                        "features",
                        w->path);
    const clr_amplifier a = clr_amplifier_find(g, x.name);
    clr_json_put(&w->json, "{\"in_shape\":[null,null,");
    clr_json_number(&w->json, (uint64_t)x.shape[x.rank - 1]);
    clr_json_put(&w->json, "],\"layers\":[");
    const char *before = a.x;
    clrnn_status status = CLRNN_OK;
    for (uint32_t i = a.first; i < a.end && status == CLRNN_OK; i++) {
        if (put_prelu(w, i, before))
            i += PRELU_NODES - 1;
        else
            status = put_node(w, clrnn_graph_node(g, i), before);
        before = clrnn_graph_node(g, i)->name;
    }
    clr_json_put(&w->json, "]");
    if (status == CLRNN_OK && w->layers == 0)
        status = clr_fail(w->log, CLRNN_ERR_UNSUPPORTED,
                          "%s: RTNeural has no form: a model without layers", w->path);
    if (status == CLRNN_OK)
        status = check_outputs(w, a.y);
    if (status == CLRNN_OK)
        put_around(w, &a);
    clr_json_put(&w->json, "}\n");
    return status;
}

clrnn_status clr_rtneural_write(const clrnn_graph *graph, const char *path, const clrnn_log *log)
{
    clr_rtneural_writer w = {.graph = graph, .log = log, .path = path};
    clrnn_status status = put_nodes(&w);
    if (status == CLRNN_OK && w.json.failed)
        status = clr_fail(log, CLRNN_ERR_MEMORY, "%s: no memory for its text", path);
    const clr_piece piece = {w.json.text, w.json.length};
    if (status == CLRNN_OK)
        status = clr_file_write(path, &piece, 1, log);
    free(w.json.text);
    return status;
}

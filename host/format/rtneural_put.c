/* SPDX-License-Identifier: MIT
 * format/rtneural_put.c - see format/rtneural_put.h. */
#include "format/rtneural_put.h"

#include <stdio.h>

#include "base/decimal.h"
#include "base/log.h"
#include "graph/graph.h"
#include "shape/cell.h"

clrnn_status clr_rtneural_no_form(const clr_rtneural_writer *w, const clrnn_node_desc *node,
                                  const char *why)
{
    return clr_fail(w->log, CLRNN_ERR_UNSUPPORTED, "%s: node '%s' (%s): RTNeural has no form: %s",
                    w->path, node->name, clrnn_node_kind_name(node->kind), why);
}

/* --- pieces of text --------------------------------------------------------------------------- */

void clr_rtneural_real(clr_rtneural_writer *w, double value)
{
    char text[CLR_DECIMAL_ROOM];
    clr_decimal_write(text, w->graph->precision == CLRNN_F64 ? 17 : 9, value);
    clr_json_put(&w->json, text);
}

void clr_rtneural_begin(clr_rtneural_writer *w, const char *type, const char *activation,
                        uint64_t width)
{
    clr_json_put(&w->json, w->layers++ ? ",\n{\"type\":" : "\n{\"type\":");
    clr_json_quote(&w->json, type);
    clr_json_put(&w->json, ",\"activation\":");
    clr_json_quote(&w->json, activation);
    clr_json_put(&w->json, ",\"shape\":[null,null,");
    clr_json_number(&w->json, width);
    clr_json_put(&w->json, "],\"weights\":[");
}

size_t clr_rtneural_offset(const clr_rtneural_writer *w, const clrnn_node_desc *node,
                           const char *leaf)
{
    char name[600];
    clrnn_graph_parameter p = {0};
    snprintf(name, sizeof name, "%s.%s", node->name, leaf);
    (void)clrnn_graph_parameter_find(w->graph, name, &p);
    return p.offset;
}

void clr_rtneural_row(clr_rtneural_writer *w, size_t at, size_t count, size_t stride)
{
    clr_json_put(&w->json, "[");
    for (size_t i = 0; i < count; i++) {
        clr_json_put(&w->json, i ? "," : "");
        clr_rtneural_real(w, clr_graph_get(w->graph, at + i * stride));
    }
    clr_json_put(&w->json, "]");
}

void clr_rtneural_zeros(clr_rtneural_writer *w, size_t count)
{
    clr_json_put(&w->json, "[0");
    for (size_t i = 1; i < count; i++)
        clr_json_put(&w->json, ",0");
    clr_json_put(&w->json, "]");
}

/* --- recurrent layers ------------------------------------------------------------------------- */

/* Rows of our gates as columns in RTNeural's order, of two arrays added up (the second may be
 * missing), some with the other sign. */
typedef struct columns {
    const char *order; /* "ifgo", "zrn" */
    const clr_cell_spec *cell;
    size_t H;
    bool turned; /* the update gate opens the other way */
} columns;

static void put_columns(clr_rtneural_writer *w, const columns *c, size_t at, size_t second,
                        bool two, size_t inputs, size_t input)
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
        clr_rtneural_real(w, c->turned && g == c->cell->turned_gate ? -value : value);
    }
    clr_json_put(&w->json, "]");
}

static void put_matrix(clr_rtneural_writer *w, const columns *c, size_t at, size_t inputs)
{
    clr_json_put(&w->json, "[");
    for (size_t i = 0; i < inputs; i++) {
        clr_json_put(&w->json, i ? "," : "");
        put_columns(w, c, at, 0, false, inputs, i);
    }
    clr_json_put(&w->json, "],");
}

/* Layer l of a stack. */
static void put_cell(clr_rtneural_writer *w, const clrnn_node_desc *node, uint32_t l)
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
        at[i] = clr_rtneural_offset(w, node, leaf);
    }
    clr_rtneural_begin(w, gru ? "gru" : "lstm", "tanh", c.H);
    put_matrix(w, &c, at[0], l ? c.H : n->input_size);
    put_matrix(w, &c, at[1], c.H);
    clr_json_put(&w->json, gru ? "[" : "");
    if (n->no_bias)
        clr_rtneural_zeros(w, wide);
    else
        put_columns(w, &c, at[2], at[3], !gru && !n->single_bias, 1, 0);
    clr_json_put(&w->json, gru ? "," : "");
    if (gru && (n->no_bias || n->single_bias))
        clr_rtneural_zeros(w, wide);
    else if (gru)
        put_columns(w, &c, at[3], 0, false, 1, 0);
    clr_json_put(&w->json, gru ? "]]}" : "]}");
}

clrnn_status clr_rtneural_recurrent(clr_rtneural_writer *w, const clrnn_node_desc *node)
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
        return clr_rtneural_no_form(w, node, why);
    for (uint32_t l = 0; l < n->num_layers; l++)
        put_cell(w, node, l);
    return CLRNN_OK;
}

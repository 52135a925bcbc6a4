/* SPDX-License-Identifier: MIT
 * model/graph_describe.c - see model/graph_description.h: a graph as JSON. */
#include "model/graph_description.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/decimal.h"
#include "base/log.h"
#include "graph/members.h"
#include "model/json.h"
#include "shape/cell.h"

static void put_integer(clr_json *json, int64_t value)
{
    char text[32];
    snprintf(text, sizeof text, "%lld", (long long)value);
    clr_json_put(json, value == CLRNN_TO_END ? "\"end\"" : text);
}

static void put_key(clr_json *json, const char *key)
{
    clr_json_put(json, ",");
    clr_json_quote(json, key);
    clr_json_put(json, ":");
}

/* A number that is none in JSON is a word. */
static void put_real(clr_json *json, double value)
{
    char text[CLR_DECIMAL_ROOM];
    clr_decimal_write(text, 17, value);
    clr_json_put(json, isfinite(value) ? text
                       : isnan(value)  ? "\"nan\""
                       : value > 0     ? "\"inf\""
                                       : "\"-inf\"");
}

static void put_element(clr_json *json, const clrnn_node_desc *desc, const clr_member *m,
                        uint32_t i)
{
    const int64_t value = clr_member_get(desc, m, i);
    switch (m->type) {
    case CLR_MEMBER_F64:
        put_real(json, clr_member_real(desc, m, i));
        break;
    case CLR_MEMBER_BOOL:
        clr_json_put(json, value ? "true" : "false");
        break;
    case CLR_MEMBER_WORD:
        clr_json_quote(json, m->word((uint32_t)value));
        break;
    default:
        put_integer(json, value);
    }
}

static bool is_default(const clrnn_node_desc *desc, const clr_member *m)
{
    bool zero = true;
    for (uint32_t i = 0; i < m->count; i++)
        zero = zero && clr_member_real(desc, m, i) == 0;
    return zero;
}

static void put_members(clr_json *json, const clrnn_node_desc *desc, const clr_kind *kind)
{
    for (size_t i = 0; i < clr_member_count; i++) {
        const clr_member *m = &clr_members[i];
        if (!(kind->uses & m->uses) || is_default(desc, m))
            continue;
        put_key(json, m->name);
        clr_json_put(json, m->count > 1 ? "[" : "");
        for (uint32_t k = 0; k < m->count; k++) {
            clr_json_put(json, k ? "," : "");
            put_element(json, desc, m, k);
        }
        clr_json_put(json, m->count > 1 ? "]" : "");
    }
}

/* Readers before these do not know them. */
static void put_flag(clr_json *json, const char *name, bool set)
{
    if (!set)
        return;
    put_key(json, name);
    clr_json_put(json, "true");
}

static void put_network(clr_json *json, const clrnn_network_desc *n)
{
    const clr_cell_spec *cell = clr_cell_of(n->cell);
    put_key(json, "network");
    clr_json_put(json, "{\"cell\":");
    clr_json_quote(json, cell->info.name);
    put_key(json, "hidden_size");
    clr_json_number(json, n->hidden_size);
    put_key(json, "num_layers");
    clr_json_number(json, n->num_layers);
    put_key(json, "bidirectional");
    clr_json_put(json, n->bidirectional ? "true" : "false");
    put_key(json, "bias");
    clr_json_put(json, n->no_bias ? "false" : "true");
    put_flag(json, "single_bias", n->single_bias);
    put_flag(json, "reverse", n->reverse);
    if (n->merge == CLRNN_MERGE_SUM) {
        put_key(json, "merge");
        clr_json_quote(json, "sum");
    }
    for (size_t i = 0; i < CLR_OPTIONS; i++) {
        const clr_cell_option *o = &clr_options[i];
        char text[CLR_OPTION_ROOM];
        if (clr_option_get(n, o) == 0 || !clr_cell_has(cell, o))
            continue;
        put_key(json, o->field);
        clr_option_write(n, o, text);
        if (o->kind == CLR_OPTION_NUMBER || o->kind == CLR_OPTION_SIZE)
            clr_json_put(json, text);
        else
            clr_json_quote(json, text);
    }
    clr_json_put(json, "}");
}

static void put_shape(clr_json *json, const clrnn_value_info *v)
{
    put_key(json, "shape");
    clr_json_put(json, "[");
    for (uint32_t i = 0; i < v->rank; i++) {
        clr_json_put(json, i ? "," : "");
        put_integer(json, v->shape[i]);
    }
    clr_json_put(json, "]");
}

void clr_graph_put_node(clr_json *json, const clrnn_node_desc *desc)
{
    const clr_kind *kind = clr_kind_of(desc->kind);
    uint32_t inputs = CLRNN_MOST_INPUTS;
    while (inputs > 0 && !desc->inputs[inputs - 1])
        inputs--;
    clr_json_put(json, "{\"kind\":");
    clr_json_quote(json, clrnn_node_kind_name(desc->kind));
    put_key(json, "name");
    clr_json_quote(json, desc->name);
    put_key(json, "inputs");
    clr_json_put(json, "[");
    for (uint32_t i = 0; i < inputs; i++) {
        clr_json_put(json, i ? "," : "");
        if (desc->inputs[i])
            clr_json_quote(json, desc->inputs[i]);
        else
            clr_json_put(json, "null");
    }
    clr_json_put(json, "]");
    put_members(json, desc, kind);
    if (kind->uses & CLR_USES_NETWORK)
        put_network(json, &desc->network);
    clr_json_put(json, "}");
}

clrnn_status clr_graph_describe(const clrnn_graph *graph, const clrnn_log *log, char **out)
{
    clr_json json = {0};
    clrnn_value_info v;
    char rate[CLR_DECIMAL_ROOM];
    clr_json_put(&json, "{\"graph\":1,\"inputs\":[");
    for (uint32_t i = 0; clrnn_graph_input_at(graph, i, &v); i++) {
        clr_json_put(&json, i ? ",{\"name\":" : "{\"name\":");
        clr_json_quote(&json, v.name);
        put_shape(&json, &v);
        put_key(&json, "ids");
        clr_json_put(&json, v.ids ? "true}" : "false}");
    }
    clr_json_put(&json, "],\"nodes\":[");
    for (uint32_t i = 0; i < graph->node_count; i++) {
        clr_json_put(&json, i ? "," : "");
        clr_graph_put_node(&json, &graph->nodes[i].desc);
    }
    clr_json_put(&json, "],\"outputs\":[");
    for (uint32_t i = 0; i < graph->output_count; i++) {
        clr_json_put(&json, i ? ",{\"name\":" : "{\"name\":");
        clr_json_quote(&json, graph->outputs[i].name);
        put_key(&json, "value");
        clr_json_quote(&json, graph->values[graph->outputs[i].value].name);
        clr_json_put(&json, "}");
    }
    clr_json_put(&json, "]");
    if (graph->sample_rate > 0) { /* readers before this do not look at it */
        clr_decimal_write(rate, 17, graph->sample_rate);
        put_key(&json, "sample_rate");
        clr_json_put(&json, rate);
    }
    clr_json_put(&json, "}");
    *out = json.failed ? NULL : json.text;
    if (!json.failed)
        return CLRNN_OK;
    free(json.text);
    return clr_fail(log, CLRNN_ERR_MEMORY, "graph: no memory for its description");
}

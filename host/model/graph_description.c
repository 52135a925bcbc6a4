/* SPDX-License-Identifier: MIT
 * model/graph_description.c - see model/graph_description.h. */
#include "model/graph_description.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "graph/members.h"
#include "model/json.h"
#include "shape/cell.h"

/* --- writing --------------------------------------------------------------------------------- */

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

static void put_element(clr_json *json, const clrnn_node_desc *desc, const clr_member *m,
                        uint32_t i)
{
    char text[40];
    const int64_t value = clr_member_get(desc, m, i);
    switch (m->type) {
    case CLR_MEMBER_F64:
        snprintf(text, sizeof text, "%.17g", clr_member_real(desc, m, i));
        clr_json_put(json, text);
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
    for (size_t i = 0; i < CLR_OPTIONS; i++) {
        const clr_cell_option *o = &clr_options[i];
        const uint32_t value = clr_option_get(n, o);
        if (value == 0 || !clr_cell_has(cell, o))
            continue;
        put_key(json, o->field);
        if (o->words)
            clr_json_quote(json, o->words[value]);
        else
            clr_json_number(json, value);
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
    clr_json_put(&json, "]}");
    *out = json.failed ? NULL : json.text;
    if (!json.failed)
        return CLRNN_OK;
    free(json.text);
    return clr_fail(log, CLRNN_ERR_MEMORY, "graph: no memory for its description");
}

/* --- reading --------------------------------------------------------------------------------- */

static clrnn_status wrong(const clrnn_log *log, const char *where, const char *field,
                          const cJSON *item)
{
    return clr_fail(log, CLRNN_ERR_FORMAT, "graph description: %s: %s cannot be %s",
                    clr_show(where).text, field, clr_json_show(item).text);
}

/* A whole number, also a negative one. */
static bool integer(const cJSON *item, int64_t *value)
{
    const double d = cJSON_IsNumber(item) ? item->valuedouble : NAN;
    if (cJSON_IsString(item) && strcmp(item->valuestring, "end") == 0) {
        *value = CLRNN_TO_END;
        return true;
    }
    if (!(fabs(d) <= 9007199254740992.0) || d != floor(d))
        return false;
    *value = (int64_t)d;
    return true;
}

static bool in_range(const clr_member *m, int64_t value)
{
    return m->type == CLR_MEMBER_I64   ? true
           : m->type == CLR_MEMBER_I32 ? value >= INT32_MIN && value <= INT32_MAX
                                       : value >= 0 && value <= (int64_t)UINT32_MAX;
}

static bool take_element(clrnn_node_desc *desc, const clr_member *m, uint32_t i, const cJSON *item)
{
    int64_t value = 0;
    if (m->type == CLR_MEMBER_F64) {
        double *at = (double *)((char *)desc + m->offset);
        *at = cJSON_IsNumber(item) ? item->valuedouble : NAN;
        return isfinite(*at);
    }
    if (m->type == CLR_MEMBER_WORD) {
        const char *word = NULL;
        for (; cJSON_IsString(item) && (word = m->word((uint32_t)value)); value++)
            if (strcmp(word, item->valuestring) == 0)
                break;
        clr_member_set(desc, m, i, value);
        return word != NULL;
    }
    if (m->type == CLR_MEMBER_BOOL) {
        clr_member_set(desc, m, i, cJSON_IsTrue(item));
        return cJSON_IsBool(item);
    }
    if (!integer(item, &value) || !in_range(m, value))
        return false;
    clr_member_set(desc, m, i, value);
    return true;
}

static clrnn_status take_members(const cJSON *node, const clrnn_log *log, clrnn_node_desc *desc)
{
    for (size_t i = 0; i < clr_member_count; i++) {
        const clr_member *m = &clr_members[i];
        const cJSON *item = cJSON_GetObjectItemCaseSensitive(node, m->name);
        if (!item)
            continue;
        const bool many = m->count > 1;
        if (many != cJSON_IsArray(item) || (many && cJSON_GetArraySize(item) != (int)m->count))
            return wrong(log, desc->name, m->name, item);
        for (uint32_t k = 0; k < m->count; k++)
            if (!take_element(desc, m, k, many ? cJSON_GetArrayItem(item, (int)k) : item))
                return wrong(log, desc->name, m->name, item);
    }
    return CLRNN_OK;
}

static bool take_size(const cJSON *network, const char *field, uint32_t *value)
{
    uint64_t number = 0;
    if (!clr_json_integer(cJSON_GetObjectItemCaseSensitive(network, field), UINT32_MAX, &number))
        return false;
    *value = (uint32_t)number;
    return true;
}

static bool take_option(const cJSON *item, const clr_cell_option *o, clrnn_network_desc *n)
{
    uint64_t number = 0;
    if (!o->words) {
        if (!clr_json_integer(item, UINT32_MAX, &number))
            return false;
    } else {
        while (cJSON_IsString(item) && o->words[number] &&
               strcmp(o->words[number], item->valuestring) != 0)
            number++;
        if (!cJSON_IsString(item) || !o->words[number])
            return false;
    }
    clr_option_set(n, o, (uint32_t)number);
    return true;
}

static clrnn_status take_network(const cJSON *node, const clrnn_log *log, clrnn_node_desc *desc)
{
    const cJSON *network = cJSON_GetObjectItemCaseSensitive(node, "network");
    const cJSON *cell = cJSON_GetObjectItemCaseSensitive(network, "cell");
    clrnn_network_desc *n = &desc->network;
    uint32_t kind = 0;
    if (!network)
        return CLRNN_OK;
    while (cJSON_IsString(cell) && clr_cell_names[kind] &&
           strcmp(clr_cell_names[kind], cell->valuestring) != 0)
        kind++;
    if (!cJSON_IsString(cell) || !clr_cell_names[kind])
        return wrong(log, desc->name, "network.cell", cell);
    n->cell = (clrnn_cell)kind;
    if (!take_size(network, "hidden_size", &n->hidden_size) ||
        !take_size(network, "num_layers", &n->num_layers))
        return wrong(log, desc->name, "network", network);
    n->bidirectional = cJSON_IsTrue(cJSON_GetObjectItemCaseSensitive(network, "bidirectional"));
    n->no_bias = cJSON_IsFalse(cJSON_GetObjectItemCaseSensitive(network, "bias"));
    for (size_t i = 0; i < CLR_OPTIONS; i++) {
        const cJSON *item = cJSON_GetObjectItemCaseSensitive(network, clr_options[i].field);
        if (item && !take_option(item, &clr_options[i], n))
            return wrong(log, desc->name, clr_options[i].field, item);
    }
    return CLRNN_OK;
}

static clrnn_status take_node(const cJSON *node, const clrnn_log *log, clrnn_graph *graph)
{
    const cJSON *kind = cJSON_GetObjectItemCaseSensitive(node, "kind");
    const cJSON *name = cJSON_GetObjectItemCaseSensitive(node, "name");
    const cJSON *inputs = cJSON_GetObjectItemCaseSensitive(node, "inputs");
    clrnn_node_desc desc = {.name = cJSON_IsString(name) ? name->valuestring : ""};
    uint32_t number = 0;
    while (cJSON_IsString(kind) && number < CLRNN_NODE_KINDS &&
           strcmp(clrnn_node_kind_name((clrnn_node_kind)number), kind->valuestring) != 0)
        number++;
    if (!cJSON_IsString(kind) || number == CLRNN_NODE_KINDS)
        return wrong(log, desc.name, "kind", kind);
    if (!cJSON_IsArray(inputs) || cJSON_GetArraySize(inputs) > CLRNN_MOST_INPUTS)
        return wrong(log, desc.name, "inputs", inputs);
    desc.kind = (clrnn_node_kind)number;
    for (int i = 0; i < cJSON_GetArraySize(inputs); i++) {
        const cJSON *input = cJSON_GetArrayItem(inputs, i);
        if (!cJSON_IsString(input) && !cJSON_IsNull(input))
            return wrong(log, desc.name, "inputs", inputs);
        desc.inputs[i] = cJSON_IsString(input) ? input->valuestring : NULL;
    }
    clrnn_status status = take_members(node, log, &desc);
    if (status == CLRNN_OK)
        status = take_network(node, log, &desc);
    return status == CLRNN_OK ? clrnn_graph_add(graph, &desc, NULL) : status;
}

static clrnn_status take_input(const cJSON *input, const clrnn_log *log, clrnn_graph *graph)
{
    const cJSON *name = cJSON_GetObjectItemCaseSensitive(input, "name");
    const cJSON *shape = cJSON_GetObjectItemCaseSensitive(input, "shape");
    clrnn_graph_input_desc desc = {.name = cJSON_IsString(name) ? name->valuestring : ""};
    desc.ids = cJSON_IsTrue(cJSON_GetObjectItemCaseSensitive(input, "ids"));
    if (!cJSON_IsArray(shape) || cJSON_GetArraySize(shape) > CLRNN_MOST_AXES)
        return wrong(log, desc.name, "shape", shape);
    desc.rank = (uint32_t)cJSON_GetArraySize(shape);
    for (uint32_t i = 0; i < desc.rank; i++)
        if (!integer(cJSON_GetArrayItem(shape, (int)i), &desc.shape[i]))
            return wrong(log, desc.name, "shape", shape);
    return clrnn_graph_input(graph, &desc);
}

static clrnn_status take_output(const cJSON *output, const clrnn_log *log, clrnn_graph *graph)
{
    const cJSON *name = cJSON_GetObjectItemCaseSensitive(output, "name");
    const cJSON *value = cJSON_GetObjectItemCaseSensitive(output, "value");
    if (!cJSON_IsString(name) || !cJSON_IsString(value))
        return wrong(log, "outputs", "name and value", output);
    return clrnn_graph_output(graph, name->valuestring, value->valuestring);
}

bool clr_graph_is_description(const char *json)
{
    cJSON *root = json && clr_json_clean(json, strlen(json)) ? cJSON_Parse(json) : NULL;
    const bool is = cJSON_GetObjectItemCaseSensitive(root, "graph") != NULL;
    cJSON_Delete(root);
    return is;
}

typedef clrnn_status (*taker)(const cJSON *item, const clrnn_log *log, clrnn_graph *graph);

static clrnn_status take_all(const cJSON *root, const char *list, taker take, const clrnn_log *log,
                             clrnn_graph *graph)
{
    const cJSON *items = cJSON_GetObjectItemCaseSensitive(root, list), *item = NULL;
    clrnn_status status = CLRNN_OK;
    if (!cJSON_IsArray(items))
        return wrong(log, "it", list, items);
    for (item = items->child; item && status == CLRNN_OK; item = item->next)
        status = take(item, log, graph);
    return status == CLRNN_ERR_ARGUMENT || status == CLRNN_ERR_RANGE ? CLRNN_ERR_FORMAT : status;
}

clrnn_status clr_graph_build(const char *json, clrnn_precision precision, const clrnn_log *log,
                             clrnn_graph **graph)
{
    *graph = NULL;
    cJSON *root = clr_json_clean(json, strlen(json)) ? cJSON_Parse(json) : NULL;
    const cJSON *version = cJSON_GetObjectItemCaseSensitive(root, "graph");
    uint64_t number = 0;
    clrnn_status status = CLRNN_ERR_FORMAT;
    if (!clr_json_integer(version, 1, &number) || number != 1)
        (void)wrong(log, "it", "graph", version);
    else
        status = clrnn_graph_create(log, &(clrnn_graph_desc){.precision = precision}, graph);
    if (status == CLRNN_OK)
        status = take_all(root, "inputs", take_input, log, *graph);
    if (status == CLRNN_OK)
        status = take_all(root, "nodes", take_node, log, *graph);
    if (status == CLRNN_OK)
        status = take_all(root, "outputs", take_output, log, *graph);
    cJSON_Delete(root);
    if (status != CLRNN_OK)
        clrnn_graph_destroy(graph);
    return status;
}

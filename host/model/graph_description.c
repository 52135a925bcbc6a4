/* SPDX-License-Identifier: MIT
 * model/graph_description.c - see model/graph_description.h. */
#include "model/graph_description.h"

#include <math.h>
#include <string.h>

#include "base/log.h"
#include "graph/members.h"
#include "model/json.h"
#include "shape/cell.h"

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

/* A number; those that JSON has not are words. */
static bool real(const cJSON *item, double *value)
{
    const char *word = cJSON_IsString(item) ? item->valuestring : NULL;
    if (!word) {
        *value = cJSON_IsNumber(item) ? item->valuedouble : NAN;
        return isfinite(*value);
    }
    const bool minus = *word == '-', infinite = strcmp(word + minus, "inf") == 0;
    *value = !infinite ? (double)NAN : minus ? -(double)INFINITY : (double)INFINITY;
    return infinite || strcmp(word, "nan") == 0;
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
    if (m->type == CLR_MEMBER_F64)
        return real(item, (double *)((char *)desc + m->offset));
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

/* Nothing is left out in silence: a field that no reader takes is an error. */
static bool is_member(const char *field)
{
    static const char *const others[] = {"kind", "name", "inputs", "network"};
    for (size_t i = 0; i < sizeof others / sizeof *others; i++)
        if (strcmp(field, others[i]) == 0)
            return true;
    for (size_t i = 0; i < clr_member_count; i++)
        if (strcmp(field, clr_members[i].name) == 0)
            return true;
    return false;
}

static bool is_of_network(const char *field)
{
    static const char *const others[] = {"cell", "hidden_size", "num_layers",  "bidirectional",
                                         "bias", "merge",       "single_bias", "reverse"};
    for (size_t i = 0; i < sizeof others / sizeof *others; i++)
        if (strcmp(field, others[i]) == 0)
            return true;
    for (size_t i = 0; i < CLR_OPTIONS; i++)
        if (strcmp(field, clr_options[i].field) == 0)
            return true;
    return false;
}

static clrnn_status check_fields(const cJSON *object, bool (*is_known)(const char *field),
                                 const clrnn_log *log, const char *where)
{
    for (const cJSON *i = object ? object->child : NULL; i; i = i->next)
        if (!is_known(i->string))
            return clr_fail(log, CLRNN_ERR_FORMAT,
                            "graph: node '%s' has a field '%s', unknown here", where,
                            clr_show(i->string).text);
    return CLRNN_OK;
}

static clrnn_status take_members(const cJSON *node, const clrnn_log *log, clrnn_node_desc *desc)
{
    for (size_t i = 0; i < clr_member_count; i++) {
        const clr_member *m = &clr_members[i];
        const cJSON *item = cJSON_GetObjectItemCaseSensitive(node, m->name);
        if (!item)
            continue;
        /* By hand nobody writes what is not used: a number is the first, what is missing 0. */
        const bool many = cJSON_IsArray(item);
        const int count = many ? cJSON_GetArraySize(item) : 1;
        if (many && (m->count == 1 || count > (int)m->count))
            return wrong(log, desc->name, m->name, item);
        for (int k = 0; k < count; k++)
            if (!take_element(desc, m, (uint32_t)k, many ? cJSON_GetArrayItem(item, k) : item))
                return wrong(log, desc->name, m->name, item);
    }
    return check_fields(node, is_member, log, desc->name);
}

/* A bool, `usual` if it is not given. */
static bool take_bool(const cJSON *network, const char *field, bool usual, bool *value)
{
    const cJSON *item = cJSON_GetObjectItemCaseSensitive(network, field);
    *value = item ? cJSON_IsTrue(item) : usual;
    return !item || cJSON_IsBool(item);
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
    const float value = cJSON_IsNumber(item) ? (float)item->valuedouble : -1.0f;
    if (o->kind == CLR_OPTION_FUNCTION)
        return cJSON_IsString(item) && clr_option_read(n, o, item->valuestring);
    if (o->kind == CLR_OPTION_NUMBER) {
        memcpy((char *)n + o->offset, &value, sizeof value);
        return clr_option_valid(n, o);
    }
    if (o->kind == CLR_OPTION_SIZE) {
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
    const cJSON *merge = cJSON_GetObjectItemCaseSensitive(network, "merge");
    clrnn_network_desc *n = &desc->network;
    uint32_t kind = 0;
    bool bias = true;
    if (!network)
        return CLRNN_OK;
    while (cJSON_IsString(cell) && clr_cell_names[kind] &&
           strcmp(clr_cell_names[kind], cell->valuestring) != 0)
        kind++;
    if (!cJSON_IsString(cell) || !clr_cell_names[kind])
        return wrong(log, desc->name, "network.cell", cell);
    n->cell = (clrnn_cell)kind;
    if (!take_size(network, "hidden_size", &n->hidden_size))
        return wrong(log, desc->name, "network.hidden_size",
                     cJSON_GetObjectItemCaseSensitive(network, "hidden_size"));
    n->num_layers = 1;
    if (cJSON_GetObjectItemCaseSensitive(network, "num_layers") &&
        !take_size(network, "num_layers", &n->num_layers))
        return wrong(log, desc->name, "network.num_layers",
                     cJSON_GetObjectItemCaseSensitive(network, "num_layers"));
    if (!take_bool(network, "bidirectional", false, &n->bidirectional) ||
        !take_bool(network, "bias", true, &bias) ||
        !take_bool(network, "single_bias", false, &n->single_bias) ||
        !take_bool(network, "reverse", false, &n->reverse))
        return wrong(log, desc->name, "network", network);
    n->no_bias = !bias;
    if (merge && (!cJSON_IsString(merge) || strcmp(merge->valuestring, "sum") != 0))
        return wrong(log, desc->name, "network.merge", merge);
    n->merge = merge ? CLRNN_MERGE_SUM : CLRNN_MERGE_CONCAT;
    for (size_t i = 0; i < CLR_OPTIONS; i++) {
        const cJSON *item = cJSON_GetObjectItemCaseSensitive(network, clr_options[i].field);
        if (item && !take_option(item, &clr_options[i], n))
            return wrong(log, desc->name, clr_options[i].field, item);
    }
    return check_fields(network, is_of_network, log, desc->name);
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
    cJSON *root = json ? clr_json_parse(json, strlen(json)) : NULL;
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

static clrnn_status take_rate(const cJSON *root, const clrnn_log *log, clrnn_graph *graph)
{
    const cJSON *rate = cJSON_GetObjectItemCaseSensitive(root, "sample_rate");
    if (rate && (!cJSON_IsNumber(rate) ||
                 clrnn_graph_set_sample_rate(graph, rate->valuedouble) != CLRNN_OK))
        return wrong(log, "it", "sample_rate", rate);
    return CLRNN_OK;
}

clrnn_status clr_graph_build(const char *json, clrnn_precision precision, const clrnn_log *log,
                             clrnn_graph **graph)
{
    *graph = NULL;
    cJSON *root = clr_json_parse(json, strlen(json));
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
    if (status == CLRNN_OK)
        status = take_rate(root, log, *graph);
    cJSON_Delete(root);
    if (status != CLRNN_OK)
        clrnn_graph_destroy(graph);
    return status;
}

/* SPDX-License-Identifier: MIT
 * info_graph.c - `clrnn info` of a graph: its nodes as a table, and as JSON; see info.h. */
#include <stdio.h>
#include <string.h>

#include "info.h"

typedef struct shape_text {
    char text[CLRNN_MOST_AXES * 21 + 3];
} shape_text;

/* "[T,N,40]"; '?' for what else depends on T or N. */
static shape_text shape_of(const clrnn_value_info *value)
{
    shape_text s = {"["};
    size_t used = 1;
    for (uint32_t i = 0; i < value->rank; i++) {
        const int64_t size = value->shape[i];
        char number[24];
        snprintf(number, sizeof number, "%lld", (long long)size);
        const char *text = size == CLRNN_STEPS   ? "T"
                           : size == CLRNN_BATCH ? "N"
                           : size < 0            ? "?"
                                                 : number;
        used += (size_t)snprintf(s.text + used, sizeof s.text - used, "%s%s", i ? "," : "", text);
    }
    snprintf(s.text + used, sizeof s.text - used, "]");
    return s;
}

static uint64_t parameters_of(const clrnn_graph *graph, uint32_t node)
{
    clrnn_graph_parameter p;
    uint64_t count = 0;
    for (size_t i = 0; clrnn_graph_parameter_at(graph, i, &p); i++)
        count += p.node == node ? p.count : 0;
    return count;
}

/* What a node reads, "a, b". */
static void put_inputs(const clrnn_node_desc *node, char *text, size_t size)
{
    size_t used = 0;
    *text = 0;
    for (uint32_t i = 0; i < CLRNN_MOST_INPUTS; i++)
        if (node->inputs[i] && used < size)
            used += (size_t)snprintf(text + used, size - used, "%s%s", used ? ", " : "",
                                     node->inputs[i]);
}

/* How the weights of a recurrent node are kept, and what it runs as: "" of others. */
static const char *storage_of(const clrnn_node_desc *node)
{
    static const char *const words[] = {"f32", "f16", "bf16", "int8"};
    return node->kind == CLRNN_NODE_RECURRENT ? words[node->weights] : "";
}

static const char *strategy_of(const info_file *file, uint32_t node)
{
    const clrnn_plan_info *info = clrnn_graph_plan_node_info(file->plan, node);
    return info ? info->strategy : "";
}

/* "recurrent, gru": of which cells it is. */
static const char *kind_of(const clrnn_node_desc *node, char text[64])
{
    const bool cells = node->kind == CLRNN_NODE_RECURRENT;
    snprintf(text, 64, "%s%s%s", clrnn_node_kind_name(node->kind), cells ? ", " : "",
             cells ? clrnn_cell_get_info(node->network.cell)->name : "");
    return text;
}

typedef struct row {
    const char *name, *kind, *shape, *parameters, *storage, *strategy, *inputs;
} row;

static void print_row(const info_file *file, row r)
{
    printf("  ");
    info_print_clean(r.name, 24);
    printf("%*s  %-16s  %-16s  %12s  %-7s  ", (int)(strlen(r.name) < 24 ? 24 - strlen(r.name) : 0),
           "", r.kind, r.shape, r.parameters, r.storage);
    if (file->plan)
        printf("%-10s  ", r.strategy);
    info_print_clean(r.inputs, 60);
    printf("\n");
}

void info_print_graph(const info_file *file)
{
    const clrnn_graph *graph = file->graph;
    clrnn_value_info value;
    char number[32], kind[64], inputs[512];
    printf("graph       %u nodes, %s parameters\n", clrnn_graph_nodes(graph),
           tool_thousands(clrnn_graph_parameter_count(graph), number));
    print_row(file, (row){"name", "kind", "shape", "parameters", "storage", "strategy", "reads"});
    for (uint32_t i = 0; clrnn_graph_input_at(graph, i, &value); i++)
        print_row(file, (row){value.name, value.ids ? "input, ids" : "input", shape_of(&value).text,
                              "", "", "", ""});
    for (uint32_t i = 0; i < clrnn_graph_nodes(graph); i++) {
        const clrnn_node_desc *node = clrnn_graph_node(graph, i);
        put_inputs(node, inputs, sizeof inputs);
        (void)clrnn_graph_value(graph, node->name, &value);
        print_row(file, (row){node->name, kind_of(node, kind), shape_of(&value).text,
                              tool_thousands(parameters_of(graph, i), number), storage_of(node),
                              strategy_of(file, i), inputs});
    }
    for (uint32_t i = 0; clrnn_graph_output_at(graph, i, &value); i++)
        print_row(file, (row){value.name, "output", shape_of(&value).text, "", "", "", ""});
}

static cJSON *add_value(cJSON *list, const clrnn_value_info *value, const char *kind,
                        const clrnn_node_desc *node, uint64_t parameters)
{
    cJSON *object = cJSON_CreateObject();
    cJSON_AddStringToObject(object, "name", value->name);
    cJSON_AddStringToObject(object, "kind", kind);
    cJSON_AddStringToObject(object, "shape", shape_of(value).text);
    if (node) {
        cJSON *inputs = cJSON_AddArrayToObject(object, "inputs");
        for (uint32_t i = 0; i < CLRNN_MOST_INPUTS; i++)
            if (node->inputs[i])
                cJSON_AddItemToArray(inputs, cJSON_CreateString(node->inputs[i]));
        cJSON_AddNumberToObject(object, "parameters", (double)parameters);
    }
    cJSON_AddItemToArray(list, object);
    return object;
}

void info_add_graph(cJSON *object, const info_file *file)
{
    const clrnn_graph *graph = file->graph;
    clrnn_value_info value;
    cJSON *inputs = cJSON_AddArrayToObject(object, "inputs");
    for (uint32_t i = 0; clrnn_graph_input_at(graph, i, &value); i++)
        (void)add_value(inputs, &value, value.ids ? "ids" : "numbers", NULL, 0);
    cJSON *nodes = cJSON_AddArrayToObject(object, "nodes");
    for (uint32_t i = 0; i < clrnn_graph_nodes(graph); i++) {
        const clrnn_node_desc *node = clrnn_graph_node(graph, i);
        (void)clrnn_graph_value(graph, node->name, &value);
        cJSON *added = add_value(nodes, &value, clrnn_node_kind_name(node->kind), node,
                                 parameters_of(graph, i));
        if (node->kind == CLRNN_NODE_RECURRENT)
            cJSON_AddStringToObject(added, "cell", clrnn_cell_get_info(node->network.cell)->name);
        if (*storage_of(node))
            cJSON_AddStringToObject(added, "storage", storage_of(node));
        if (*strategy_of(file, i))
            cJSON_AddStringToObject(added, "strategy", strategy_of(file, i));
    }
    cJSON *outputs = cJSON_AddArrayToObject(object, "outputs");
    for (uint32_t i = 0; clrnn_graph_output_at(graph, i, &value); i++)
        (void)add_value(outputs, &value, "output", NULL, 0);
}

/* SPDX-License-Identifier: MIT
 * format/arch.c - see format/arch.h. */
#include "format/arch.h"

#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/log.h"
#include "format/fill.h"
#include "graph/members.h"
#include "model/graph_description.h"
#include "shape/cell.h"

/* Where a message comes from. */
typedef struct arch {
    const clrnn_log *log;
    const char *where; /* the path, or "arch" */
    cJSON *root;
} arch;

static bool among(const char *name, const char *const *names)
{
    for (; *names; names++)
        if (strcmp(*names, name) == 0)
            return true;
    return false;
}

static clrnn_status unknown(const arch *a, const char *node, const char *field)
{
    return clr_fail(a->log, CLRNN_ERR_FORMAT, "%s: %s%s%s: there is no such field", a->where,
                    node ? clr_show(node).text : "", node ? ": " : "", clr_show(field).text);
}

static bool is_network_field(const char *name)
{
    static const char *const fields[] = {
        "cell",    "hidden_size", "num_layers",  "input_size",    "bias",
        "reverse", "merge",       "single_bias", "bidirectional", NULL};
    bool known = among(name, fields);
    for (size_t i = 0; i < CLR_OPTIONS; i++)
        known = known || strcmp(clr_options[i].field, name) == 0;
    return known;
}

static bool is_node_field(const char *name)
{
    static const char *const fields[] = {"kind", "name", "inputs", "network", NULL};
    bool known = among(name, fields);
    for (size_t i = 0; i < clr_member_count; i++)
        known = known || strcmp(clr_members[i].name, name) == 0;
    return known;
}

static clrnn_status check_node(const arch *a, const cJSON *node)
{
    const char *name = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(node, "name"));
    const cJSON *network = cJSON_GetObjectItemCaseSensitive(node, "network");
    for (const cJSON *i = node->child; i; i = i->next)
        if (!i->string || !is_node_field(i->string))
            return unknown(a, name ? name : "a node", i->string ? i->string : "?");
    for (const cJSON *i = network ? network->child : NULL; i; i = i->next)
        if (!i->string || !is_network_field(i->string))
            return unknown(a, name ? name : "a node", i->string ? i->string : "?");
    return CLRNN_OK;
}

/* What clr_graph_build does not look at is an error all the same: a word misspelt is not a word
 * left out. */
static clrnn_status check_fields(const arch *a)
{
    static const char *const fields[] = {"graph",   "inputs", "nodes", "outputs",
                                         "tensors", "unused", NULL};
    const cJSON *nodes = cJSON_GetObjectItemCaseSensitive(a->root, "nodes"), *i;
    clrnn_status status = CLRNN_OK;
    for (i = a->root->child; i; i = i->next)
        if (!among(i->string, fields))
            return unknown(a, NULL, i->string);
    for (i = nodes ? nodes->child : NULL; i && status == CLRNN_OK; i = i->next)
        status = check_node(a, i);
    return status;
}

static clrnn_status parse(arch *a, const char *text, size_t size)
{
    a->root = clr_json_clean(text, size) ? cJSON_ParseWithLength(text, size) : NULL;
    return cJSON_IsObject(a->root)
               ? check_fields(a)
               : clr_fail(a->log, CLRNN_ERR_FORMAT, "%s: no JSON object", a->where);
}

clrnn_status clr_arch_import(const clrnn_import_desc *desc, const clrnn_tensors *set,
                             const char *file, const clrnn_log *log, clrnn_graph **graph)
{
    const bool is_text = desc->arch[strspn(desc->arch, " \t\r\n")] == '{';
    arch a = {.log = log, .where = is_text ? "arch" : desc->arch};
    void *data = NULL;
    size_t size = 0;
    clrnn_status status = is_text ? CLRNN_OK : clr_file_read(desc->arch, log, &data, &size);
    const char *text = is_text ? desc->arch : data;
    if (status == CLRNN_OK)
        status = parse(&a, text, is_text ? strlen(text) : size);
    if (status == CLRNN_OK)
        status = clr_graph_build(text, desc->precision, log, graph);
    const clr_fill_source source = {.set = set,
                                    .file = file,
                                    .prefix = desc->prefix,
                                    .tensors = cJSON_GetObjectItemCaseSensitive(a.root, "tensors"),
                                    .unused = cJSON_GetObjectItemCaseSensitive(a.root, "unused")};
    if (status == CLRNN_OK)
        status = clr_graph_fill(*graph, &source, log);
    cJSON_Delete(a.root);
    free(data);
    return status;
}

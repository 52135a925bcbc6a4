/* SPDX-License-Identifier: MIT
 * format/fill.c - see format/fill.h. */
#include "format/fill.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/log.h"
#include "base/memory.h"
#include "graph/graph.h"
#include "model/tensors.h"
#include "shape/cell.h"

enum { MOST_NAME = 1024, MOST_LISTED = 12 };

typedef struct filler {
    const clr_fill_source *from;
    const clrnn_log *log;
    clrnn_graph *graph;
    bool *used; /* [set->count], by place in by_name */
} filler;

/* --- which tensor ----------------------------------------------------------------------------- */

static const clrnn_tensor *find(const filler *f, const char *name)
{
    char full[MOST_NAME];
    const char *prefix = f->from->prefix ? f->from->prefix : "";
    const int put = snprintf(full, sizeof full, "%s%s", prefix, name);
    return put >= 0 && (size_t)put < sizeof full ? clrnn_tensors_find(f->from->set, full) : NULL;
}

/* The tensor of a name without what it ends in. */
static const clrnn_tensor *find_without(const filler *f, const char *name, const char *end)
{
    char shorter[MOST_NAME];
    if (!clr_ends_in(name, end) || strlen(name) >= sizeof shorter)
        return NULL;
    snprintf(shorter, sizeof shorter, "%.*s", (int)(strlen(name) - strlen(end)), name);
    return find(f, shorter);
}

static const clrnn_tensor *find_by_name(const filler *f, const clrnn_graph_parameter *p)
{
    const char *node = clrnn_graph_node(f->graph, p->node)->name;
    const char *leaf = p->name + strlen(node) + 1;
    const clrnn_tensor *t = find(f, p->name);
    if (!t)
        t = find_without(f, p->name, "_l0");
    if (!t)
        t = find_without(f, p->name, ".value");
    if (!t)
        t = find(f, leaf);
    return t ? t : find_without(f, leaf, "_l0");
}

/* What the map says of a parameter: a name or an object; NULL: nothing. */
static const cJSON *rule_of(const filler *f, const char *parameter)
{
    return cJSON_GetObjectItemCaseSensitive(f->from->tensors, parameter);
}

static const char *text_of(const cJSON *object, const char *key)
{
    return cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(object, key));
}

static const clrnn_tensor *find_tensor(const filler *f, const clrnn_graph_parameter *p)
{
    const cJSON *rule = rule_of(f, p->name);
    const char *name = cJSON_IsString(rule) ? rule->valuestring : text_of(rule, "tensor");
    return name ? find(f, name) : rule ? NULL : find_by_name(f, p);
}

/* --- values ----------------------------------------------------------------------------------- */

static clrnn_status no_memory(const filler *f)
{
    return clr_fail(f->log, CLRNN_ERR_MEMORY, "%s: no memory for its tensors", f->from->file);
}

/* Whether the shapes are the same but for axes of 1. */
static bool same_shape(const clrnn_tensor *t, bool transposed, const clrnn_graph_parameter *p)
{
    uint32_t i = 0, k = 0;
    if (transposed)
        return t->rank == 2 && p->rank == 2 && t->shape[0] == p->shape[1] &&
               t->shape[1] == p->shape[0];
    for (;;) {
        while (i < t->rank && t->shape[i] == 1)
            i++;
        while (k < p->rank && p->shape[k] == 1)
            k++;
        if (i == t->rank || k == p->rank)
            return i == t->rank && k == p->rank;
        if (t->shape[i++] != p->shape[k++])
            return false;
    }
}

static void transpose(const double *from, size_t rows, size_t columns, double *to)
{
    for (size_t r = 0; r < rows; r++)
        for (size_t c = 0; c < columns; c++)
            to[r * columns + c] = from[c * rows + r];
}

/* Place of our gate g in an order as "ifco" ("c" is the LSTM's g, "h" the GRU's n); -1: none. */
static int place_of_gate(const clr_cell_spec *cell, uint32_t g, const char *order)
{
    const char name = cell->info.gate_names[g][0];
    const char other = name == 'g' ? 'c' : name == 'n' ? 'h' : name;
    for (int i = 0; order[i]; i++)
        if (order[i] == name || order[i] == other)
            return i;
    return -1;
}

/* Put the blocks of rows of the gates, which stand as `order` says, into our order. */
static bool order_gates(const clrnn_node_desc *node, const char *order, const double *from,
                        size_t count, double *to)
{
    const clr_cell_spec *cell = clr_cell_of(node->network.cell);
    const uint32_t gates = cell->info.gates;
    const size_t block = count / gates;
    bool good = node->kind == CLRNN_NODE_RECURRENT && strlen(order) == gates;
    for (uint32_t g = 0; g < gates && good; g++) {
        const int place = place_of_gate(cell, g, order);
        good = place >= 0;
        if (good)
            memcpy(to + g * block, from + (size_t)place * block, block * sizeof *to);
    }
    return good;
}

static clrnn_status take(const filler *f, const clrnn_graph_parameter *p, const clrnn_tensor *t,
                         double *values, double *scratch)
{
    const cJSON *rule = rule_of(f, p->name);
    const bool turned = cJSON_IsTrue(cJSON_GetObjectItemCaseSensitive(rule, "transpose"));
    const char *gates = text_of(rule, "gates");
    if (!same_shape(t, turned, p))
        return clr_fail(f->log, CLRNN_ERR_FORMAT, "%s: tensor %s is %s, but %s is %s%s",
                        f->from->file, clr_show(t->name).text,
                        clr_show_shape(t->rank, t->shape).text, p->name,
                        clr_show_shape(p->rank, p->shape).text, turned ? " (transposed)" : "");
    clrnn_tensor_to_f64(t, values);
    if (turned) {
        transpose(values, (size_t)p->shape[0], (size_t)p->shape[1], scratch);
        memcpy(values, scratch, p->count * sizeof *values);
    }
    if (gates) {
        if (!order_gates(clrnn_graph_node(f->graph, p->node), gates, values, p->count, scratch))
            return clr_fail(f->log, CLRNN_ERR_FORMAT, "%s: %s: its cell has no gates \"%s\"",
                            f->from->file, p->name, clr_show(gates).text);
        memcpy(values, scratch, p->count * sizeof *values);
    }
    return clrnn_graph_set_parameter(f->graph, p->name, values, p->count);
}

static clrnn_status fill_one(const filler *f, const clrnn_graph_parameter *p)
{
    const clrnn_tensor *t = find_tensor(f, p);
    if (!t) {
        const cJSON *rule = rule_of(f, p->name);
        const char *wanted = cJSON_IsString(rule) ? rule->valuestring : text_of(rule, "tensor");
        return clr_fail(f->log, CLRNN_ERR_FORMAT, "%s: there is no tensor %s%s for %s",
                        f->from->file, f->from->prefix ? f->from->prefix : "",
                        clr_show(wanted ? wanted : p->name).text, p->name);
    }
    f->used[clr_tensors_position(f->from->set, t->name)] = true;
    double *values = clr_calloc(p->count, sizeof *values);
    double *scratch = clr_calloc(p->count, sizeof *scratch);
    clrnn_status status = values && scratch ? take(f, p, t, values, scratch) : no_memory(f);
    free(values);
    free(scratch);
    return status;
}

/* --- what is left over ------------------------------------------------------------------------ */

static bool is_unused(const filler *f, const char *name)
{
    if (clr_ends_in(name, "num_batches_tracked") || clr_ends_in(name, "n_averaged"))
        return true;
    for (const cJSON *i = f->from->unused ? f->from->unused->child : NULL; i; i = i->next) {
        const char *text = cJSON_GetStringValue(i);
        const size_t length = text ? strlen(text) : 0;
        if (length > 0 && (text[length - 1] == '*' ? strncmp(name, text, length - 1) == 0
                                                   : strcmp(name, text) == 0))
            return true;
    }
    return false;
}

void clr_list_tensors(const clrnn_tensors *set, const bool *used, char *text, size_t size)
{
    size_t at = 0, listed = 0, more = 0;
    *text = 0;
    for (size_t i = 0; i < set->count; i++) {
        const clrnn_tensor *t = set->by_name[i];
        if (used && used[i])
            continue;
        if (listed == MOST_LISTED || at + CLR_SHOWN + 200 > size) {
            more++;
            continue;
        }
        at += (size_t)snprintf(text + at, size - at, "%s%s %s", listed++ ? ", " : "",
                               clr_show(t->name).text, clr_show_shape(t->rank, t->shape).text);
    }
    if (more)
        snprintf(text + at, size - at, " and %zu more", more);
}

static clrnn_status check_rest(const filler *f)
{
    const clrnn_tensors *set = f->from->set;
    const char *prefix = f->from->prefix ? f->from->prefix : "";
    bool all = true;
    for (size_t i = 0; i < set->count; i++) {
        const char *name = set->by_name[i]->name;
        f->used[i] = f->used[i] || strncmp(name, prefix, strlen(prefix)) != 0 || is_unused(f, name);
        all = all && f->used[i];
    }
    if (all)
        return CLRNN_OK;
    char text[2048];
    clr_list_tensors(set, f->used, text, sizeof text);
    return clr_fail(f->log, CLRNN_ERR_FORMAT, "%s: tensors that belong to no node: %s",
                    f->from->file, text);
}

/* A rule for a parameter that there is not. */
static clrnn_status check_rules(const filler *f)
{
    for (const cJSON *i = f->from->tensors ? f->from->tensors->child : NULL; i; i = i->next) {
        clrnn_graph_parameter p;
        if (!clrnn_graph_parameter_find(f->graph, i->string, &p))
            return clr_fail(f->log, CLRNN_ERR_FORMAT, "%s: tensors: %s is no parameter of a node",
                            f->from->file, clr_show(i->string).text);
    }
    return CLRNN_OK;
}

clrnn_status clr_graph_fill(clrnn_graph *graph, const clr_fill_source *source, const clrnn_log *log)
{
    filler f = {.from = source, .log = log, .graph = graph};
    clrnn_graph_parameter p;
    f.used = clr_calloc(source->set->count, sizeof *f.used);
    clrnn_status status = f.used ? check_rules(&f) : no_memory(&f);
    for (size_t i = 0; status == CLRNN_OK && clrnn_graph_parameter_at(graph, i, &p); i++)
        status = fill_one(&f, &p);
    if (status == CLRNN_OK)
        status = check_rest(&f);
    free(f.used);
    return status;
}

/* SPDX-License-Identifier: MIT
 * format/chain.c - see format/chain.h. */
#include "format/chain.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/log.h"
#include "model/graph_description.h"
#include "model/json.h"

enum {
    MOST_CHAIN = 12,      /* modules whose orders are tried */
    MOST_TRIALS = 1 << 18 /* orders begun */
};

/* Orders of modules under search. */
typedef struct search {
    const clr_modules *modules;
    uint8_t order[MOST_CHAIN], first[MOST_CHAIN];  /* the current one; the first that fits */
    unsigned as[MOST_CHAIN], first_as[MOST_CHAIN]; /* what each is taken as, by module */
    unsigned found;
    unsigned trials;
} search;

/* --- orders ----------------------------------------------------------------------------------- */

static uint64_t width_behind(const clr_module *m, unsigned as)
{
    return as == CLR_IS_EMBEDDING ? m->in : m->out;
}

/* Whether a module may stand at a place, behind features of that width (0: nothing yet). */
static bool may_stand(const clr_module *m, unsigned as, uint32_t at, uint32_t count, uint64_t width)
{
    if (!(m->is & as))
        return false;
    if (as == CLR_IS_EMBEDDING)
        return at == 0 && count > 1;
    return (width == 0 || m->in == width) && (as != CLR_IS_DENSE || at + 1 == count);
}

/* Modules not yet used at place `at`; stops at the second order that fits. */
static void try_orders(search *s, uint32_t used, uint32_t at, uint64_t width)
{
    static const unsigned kinds[] = {CLR_IS_RECURRENT, CLR_IS_NORM, CLR_IS_EMBEDDING, CLR_IS_DENSE};
    const uint32_t count = s->modules->count;
    if (at == count) {
        if (s->found++ == 0) {
            memcpy(s->first, s->order, sizeof s->first);
            memcpy(s->first_as, s->as, sizeof s->first_as);
        }
        return;
    }
    for (uint32_t i = 0; i < count && s->found < 2 && s->trials < MOST_TRIALS; i++)
        for (int k = 0; k < 4 && !(used >> i & 1); k++) {
            const clr_module *m = &s->modules->list[i];
            s->trials++;
            if (!may_stand(m, kinds[k], at, count, width))
                continue;
            s->order[at] = (uint8_t)i;
            s->as[i] = kinds[k];
            try_orders(s, used | UINT32_C(1) << i, at + 1, width_behind(m, kinds[k]));
        }
}

/* --- why not ---------------------------------------------------------------------------------- */

/* As torch.nn.utils.spectral_norm and the like leave a weight; of weight_norm it is computed. */
static bool is_in_parts(const clr_module *m)
{
    return strstr(m->shown->name, "parametrizations.") || clr_ends_in(m->shown->name, "weight_g") ||
           clr_ends_in(m->shown->name, "weight_v");
}

static const char *plain_reason(const clr_modules *modules, const search *s)
{
    unsigned dense = 0, conv = 0;
    for (uint32_t i = 0; i < modules->count; i++)
        if (is_in_parts(&modules->list[i]))
            return "a weight is in parts (spectral_norm or the like: remove_parametrizations "
                   "before "
                   "torch.save)";
    for (uint32_t i = 0; i < modules->count; i++) {
        const clr_module *m = &modules->list[i];
        if (m->is & CLR_IS_UNKNOWN)
            return "a module of a kind that names and shapes do not tell";
        if (m->is & CLR_IS_SLOPE)
            return "where a PReLU stands, nothing says";
        if (m->is & CLR_IS_CRF)
            return "it ends in a CRF, which is no part of a graph: the graph makes what it decodes";
        conv += (m->is & CLR_IS_CONV) != 0;
        dense += m->is == CLR_IS_DENSE;
    }
    return conv        ? "stride, padding and dilation of a convolution are not in the file"
           : dense > 1 ? "there are several linear layers, and what lies between is not in the file"
           : modules->count > MOST_CHAIN || s->trials >= MOST_TRIALS ? "there are too many of them"
           : s->found > 1 ? "their widths allow more than one order"
                          : "their widths do not fit one behind the other";
}

/* relu(x) - weight relu(-x), the last node with the name of the module. */
static void put_slope(clr_json *json, const clr_module *m, const char *before)
{
    enum { NODES = 6, MOST_NAME = 1100 };
    static const char *const ends[NODES] = {".weight", ".above",  ".turned",
                                            ".below",  ".scaled", ""};
    static const clrnn_function functions[NODES] = {
        [1] = CLRNN_FN_RELU, [2] = CLRNN_FN_NEGATE, [3] = CLRNN_FN_RELU};
    static const int from[NODES][2] = {{-1, -1}, {-1, -1}, {-1, -1}, {2, -1}, {3, 0}, {1, 4}};
    char names[NODES][MOST_NAME];
    for (int i = 0; i < NODES; i++) {
        snprintf(names[i], sizeof names[i], "%s%s", m->path, ends[i]);
        clrnn_node_desc d = {.kind = i == 0   ? CLRNN_NODE_CONSTANT
                                     : i == 4 ? CLRNN_NODE_MUL
                                     : i == 5 ? CLRNN_NODE_SUB
                                              : CLRNN_NODE_ACTIVATION,
                             .name = names[i],
                             .function = functions[i]};
        d.rank = d.trainable = i == 0;
        d.shape[0] = i == 0 ? (int64_t)m->shown->count : 0;
        for (int k = 0; k < 2 && i > 0; k++)
            d.inputs[k] = from[i][k] >= 0 ? names[from[i][k]] : k == 0 ? before : NULL;
        clr_json_put(json, i ? "," : "");
        clr_graph_put_node(json, &d);
    }
}

static void put_guess(clr_json *json, const clr_module *m, const char *before)
{
    if (m->is & CLR_IS_SLOPE) {
        put_slope(json, m, before);
        return;
    }
    clrnn_node_desc desc = m->desc;
    desc.name = *m->path ? m->path : "rnn";
    desc.inputs[0] = before;
    if (m->is & CLR_IS_UNKNOWN) {
        clr_json_put(json, "{\"kind\":\"?\",\"name\":");
        clr_json_quote(json, *m->path ? m->path : "?");
        clr_json_put(json, ",\"has\":");
        char has[400];
        snprintf(has, sizeof has, "%s %s", clr_show(m->shown->name).text,
                 clr_show_shape(m->shown->rank, m->shown->shape).text);
        clr_json_quote(json, has);
        clr_json_put(json, "}");
        return;
    }
    clr_graph_put_node(json, &desc);
}

/* Tensors that no node has. */
static void put_unused(clr_json *json, const clr_modules *modules)
{
    bool some = false;
    for (uint32_t i = 0; i < modules->count; i++) {
        char all[1100];
        if (!(modules->list[i].is & CLR_IS_CRF))
            continue;
        snprintf(all, sizeof all, "%s.*", modules->list[i].path);
        clr_json_put(json, some ? "," : ",\"unused\":[");
        clr_json_quote(json, all);
        some = true;
    }
    clr_json_put(json, some ? "]" : "");
}

/* What was found as an architecture: embeddings, what lies between, linear layers. */
static void put_template(clr_json *json, const clr_modules *modules)
{
    static const unsigned ranks[] = {
        CLR_IS_EMBEDDING,
        CLR_IS_CONV | CLR_IS_RECURRENT | CLR_IS_NORM | CLR_IS_SLOPE | CLR_IS_UNKNOWN, CLR_IS_DENSE};
    const clr_module *first = NULL;
    const char *before = "x";
    clr_json nodes = {0};
    for (int r = 0; r < 3; r++)
        for (uint32_t i = 0; i < modules->count; i++) {
            const clr_module *m = &modules->list[i];
            const unsigned is = m->is == (CLR_IS_DENSE | CLR_IS_EMBEDDING) ? CLR_IS_DENSE : m->is;
            if (!(is & ranks[r]))
                continue;
            clr_json_put(&nodes, first ? "," : "");
            put_guess(&nodes, m, before);
            first = first ? first : m;
            before = *m->path ? m->path : m->is & CLR_IS_UNKNOWN ? "?" : "rnn";
        }
    char input[64];
    const bool ids = first && first->desc.kind == CLRNN_NODE_EMBEDDING;
    if (ids)
        snprintf(input, sizeof input, "[-1,-2],\"ids\":true");
    else
        snprintf(input, sizeof input, "[-1,-2,%llu]", (unsigned long long)(first ? first->in : 0));
    clr_json_put(json, "{\"graph\":1,\"inputs\":[{\"name\":\"x\",\"shape\":");
    clr_json_put(json, input);
    clr_json_put(json, "}],\"nodes\":[");
    clr_json_put(json, nodes.text ? nodes.text : "");
    clr_json_put(json, "],\"outputs\":[{\"name\":\"y\",\"value\":");
    clr_json_quote(json, before);
    clr_json_put(json, "}]");
    put_unused(json, modules);
    clr_json_put(json, "}");
    json->failed = json->failed || nodes.failed;
    free(nodes.text);
}

static clrnn_status not_determined(const clr_modules *modules, const search *s, const char *file,
                                   const clrnn_log *log)
{
    clr_json json = {0};
    put_template(&json, modules);
    clrnn_status status =
        json.failed ? clr_fail(log, CLRNN_ERR_MEMORY, "%s: no memory for its description", file)
                    : clr_fail(log, CLRNN_ERR_FORMAT,
                               "%s: names and shapes do not say how its modules follow each other: "
                               "%s; give an architecture (--arch FILE.json), or one module "
                               "(--prefix P). What was found, to be completed (in shapes -1 is T, "
                               "-2 N): %s",
                               file, plain_reason(modules, s), json.text);
    free(json.text);
    return status;
}

/* --- building --------------------------------------------------------------------------------- */

static clrnn_status add_input(const clr_module *first, bool ids, clrnn_graph *graph)
{
    const clrnn_graph_input_desc x = {
        .name = "x",
        .rank = ids ? 2 : 3,
        .shape = {CLRNN_STEPS, CLRNN_BATCH, ids ? 0 : (int64_t)first->in},
        .ids = ids};
    return clrnn_graph_input(graph, &x);
}

/* A module as a node, by what it was taken as. */
static clrnn_status add_module(const clr_module *m, unsigned as, const char *file,
                               const clrnn_log *log, clrnn_graph *graph)
{
    clrnn_node_desc desc = m->desc;
    if (as == CLR_IS_EMBEDDING)
        desc = (clrnn_node_desc){.kind = CLRNN_NODE_EMBEDDING,
                                 .vocabulary = (uint32_t)m->rows,
                                 .units = (uint32_t)m->in};
    desc.name = *m->path ? m->path : as == CLR_IS_DENSE ? "head" : "rnn";
    if (desc.kind == CLRNN_NODE_RECURRENT && desc.network.cell == CLRNN_CELL_RNN)
        clr_log(log, CLRNN_LOG_WARN,
                "%s: module \"%s\": nothing says whether its RNN is tanh or relu; taken as tanh, "
                "PyTorch's default",
                file, clr_show(m->path).text);
    return clrnn_graph_add(graph, &desc, NULL);
}

static clrnn_status add_all(const clr_modules *modules, const search *s, const char *file,
                            const clrnn_log *log, clrnn_graph *graph)
{
    const uint8_t *order = s->first;
    const unsigned *as = s->first_as;
    const uint32_t count = modules->count;
    clrnn_status status =
        add_input(&modules->list[order[0]], as[order[0]] == CLR_IS_EMBEDDING, graph);
    for (uint32_t i = 0; i < count && status == CLRNN_OK; i++) {
        const bool head = i + 1 == count && as[order[i]] == CLR_IS_DENSE;
        if (head && i > 0)
            status = clrnn_graph_output(graph, "y", NULL);
        if (status == CLRNN_OK)
            status = add_module(&modules->list[order[i]], as[order[i]], file, log, graph);
        if (status == CLRNN_OK && i + 1 == count)
            status = clrnn_graph_output(graph, head ? "logits" : "y", NULL);
    }
    return status;
}

clrnn_status clr_chain_build(const clr_modules *modules, const char *file,
                             const clrnn_import_desc *desc, const clrnn_log *log,
                             clrnn_graph **graph)
{
    search s = {.modules = modules};
    if (modules->count <= MOST_CHAIN)
        try_orders(&s, 0, 0, 0);
    if (s.found != 1 || s.trials >= MOST_TRIALS)
        return not_determined(modules, &s, file, log);
    clrnn_status status =
        clrnn_graph_create(log, &(clrnn_graph_desc){.precision = desc->precision}, graph);
    return status == CLRNN_OK ? add_all(modules, &s, file, log, *graph) : status;
}

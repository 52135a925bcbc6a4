/* SPDX-License-Identifier: MIT
 * format/onnx/build.c - nodes of the graph for nodes of the file. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "format/onnx/onnx.h"
#include "model/tensors.h"

/* Of a small file whose loops unroll: nodes, and bytes of their weights, of which each step has its
 * own. A larger one may have more. */
enum { MOST_PARTS = 40000, MOST_WEIGHTS = 3 << 25 };

static clrnn_status check_room(const onnx_node *n)
{
    const clrnn_graph *graph = n->m->graph;
    const uint64_t file = n->m->file->bytes, parts = MOST_PARTS + file / 16;
    const uint64_t weights = MOST_WEIGHTS + 128 * file;
    if (graph->node_count >= parts)
        return clr_onnx_fail(n, CLRNN_ERR_UNSUPPORTED,
                             "the model unrolls to too many nodes: %llu are allowed for its size",
                             (unsigned long long)parts);
    if (graph->elements > weights / clr_graph_real(graph))
        return clr_onnx_fail(n, CLRNN_ERR_UNSUPPORTED,
                             "the model unrolls to too many weights: %llu MB are allowed for its "
                             "size",
                             (unsigned long long)(weights / 1000000));
    return CLRNN_OK;
}

/* A name that the graph does not have: that of the node of the file, or of its first output, then
 * with numbers. */
static void name_node(const onnx_node *n, char name[256])
{
    const char *own = n->proto->name && *n->proto->name ? n->proto->name
                      : n->proto->n_output              ? n->proto->output[0]
                                                        : n->op;
    char clean[200];
    snprintf(clean, sizeof clean, "%s", own);
    for (char *p = clean; *p; p++)
        if (*p == '#')
            *p = '_';
    snprintf(name, 256, "%s", clean);
    for (unsigned i = 1; !*name || clr_graph_find(n->m->graph, name) != CLR_NO_VALUE; i++)
        snprintf(name, 256, "%s_%u_%u", clean, n->m->graph->node_count, i);
}

clrnn_status clr_onnx_add(onnx_node *n, clrnn_node_desc *desc, const uint32_t *in, uint32_t count,
                          uint32_t *at)
{
    char name[256];
    uint32_t index = 0;
    clrnn_graph *graph = n->m->graph;
    clrnn_status status = check_room(n);
    if (status != CLRNN_OK)
        return status;
    name_node(n, name);
    desc->name = name;
    for (uint32_t i = 0; i < count; i++)
        desc->inputs[i] = in[i] == CLR_NO_VALUE ? NULL : graph->values[in[i]].name;
    status = clrnn_graph_add(graph, desc, &index);
    desc->name = NULL;
    /* of what is said of its axes, or of what is not; of a result without elements */
    if (status == CLRNN_ERR_ARGUMENT || status == CLRNN_ERR_RANGE)
        status = n->m->open ? CLRNN_ERR_NEEDS_SIZE : CLRNN_ERR_UNSUPPORTED;
    if (status != CLRNN_OK)
        return clr_onnx_fail(n, status, "its part '%s' does not fit",
                             clrnn_node_kind_name(desc->kind));
    *at = graph->nodes[index].first_value;
    n->parts++;
    return CLRNN_OK;
}

clrnn_status clr_onnx_set_parameter(onnx_node *n, const char *name, const double *values,
                                    size_t count)
{
    char full[320];
    const clrnn_graph *graph = n->m->graph;
    snprintf(full, sizeof full, "%s.%s", graph->nodes[graph->node_count - 1].desc.name, name);
    return clrnn_graph_set_parameter(n->m->graph, full, values, count);
}

/* --- constants -------------------------------------------------------------------------------- */

/* The size of an axis as a descriptor says it, where it is no number: T or N. */
static int64_t symbol_of(uint64_t size, uint64_t other)
{
    return size == other                                         ? (int64_t)size
           : size == CLR_PROBE_STEPS && other == CLR_OTHER_STEPS ? CLRNN_STEPS
           : size == CLR_PROBE_BATCH && other == CLR_OTHER_BATCH ? CLRNN_BATCH
                                                                 : 0;
}

/* A filled array as one number that is repeated. */
static clrnn_status filled(onnx_node *n, const onnx_array *array, const onnx_array *other,
                           uint32_t *at)
{
    clrnn_node_desc one = {.kind = CLRNN_NODE_CONSTANT, .data = array->data};
    clrnn_node_desc all = {.kind = CLRNN_NODE_EXPAND, .rank = array->rank};
    clrnn_status status = clr_onnx_add(n, &one, NULL, 0, at);
    for (uint32_t i = 0; i < array->rank && status == CLRNN_OK; i++) {
        all.shape[i] = symbol_of(array->size[i], other->size[i]);
        if (all.shape[i] == 0)
            status =
                clr_onnx_fail(n, CLRNN_ERR_NEEDS_SIZE,
                              "axis %u of a constant is empty, or made of T and N: give the axes "
                              "of the model numbers",
                              i);
    }
    return status == CLRNN_OK && array->rank > 0 ? clr_onnx_add(n, &all, at, 1, at) : status;
}

clrnn_status clr_onnx_constant(onnx_node *n, const onnx_array *array, const onnx_array *other,
                               uint32_t *at)
{
    clrnn_node_desc desc = {.kind = CLRNN_NODE_CONSTANT, .rank = array->rank, .data = array->data};
    if (clr_onnx_count(array) == 0 && clr_onnx_count(other) == 0)
        return clr_onnx_fail(n, CLRNN_ERR_UNSUPPORTED,
                             "an array without elements, %s: a graph cannot hold it",
                             clr_show_shape(array->rank, array->size).text);
    if (array->filled)
        return filled(n, array, other, at);
    for (uint32_t i = 0; i < array->rank; i++)
        desc.shape[i] = (int64_t)array->size[i];
    return clr_onnx_add(n, &desc, NULL, 0, at);
}

/* The one number of a value as T or N and what is added to it. False: it is no such. */
static bool is_symbol(const onnx_value *value, int64_t *symbol, double *more)
{
    const onnx_array *a = &value->array[0], *b = &value->array[1];
    if (value->same || clr_onnx_count(a) != 1 || clr_onnx_count(b) != 1 || a->rank != b->rank)
        return false;
    *symbol = a->data[0] - CLR_PROBE_STEPS == b->data[0] - CLR_OTHER_STEPS   ? CLRNN_STEPS
              : a->data[0] - CLR_PROBE_BATCH == b->data[0] - CLR_OTHER_BATCH ? CLRNN_BATCH
                                                                             : 0;
    *more = a->data[0] - (*symbol == CLRNN_STEPS ? CLR_PROBE_STEPS : CLR_PROBE_BATCH);
    return *symbol != 0;
}

/* It as an array of the graph: as many ones as it says, added. */
static clrnn_status count_symbol(onnx_node *n, int64_t symbol, double more, uint32_t rank,
                                 uint32_t *at)
{
    static const double unit = 1;
    static const uint32_t first[] = {0};
    uint32_t other = 0;
    clrnn_node_desc one = {.kind = CLRNN_NODE_CONSTANT, .data = &unit};
    clrnn_node_desc added = {.kind = CLRNN_NODE_CONSTANT, .data = &more};
    clrnn_node_desc all = {.kind = CLRNN_NODE_EXPAND, .rank = 1, .shape = {symbol}};
    clrnn_node_desc deep = {.kind = CLRNN_NODE_RESHAPE, .rank = rank};
    clrnn_status status = clr_onnx_add(n, &one, NULL, 0, at);
    if (status == CLRNN_OK)
        status = clr_onnx_add(n, &all, at, 1, at);
    if (status == CLRNN_OK)
        status = clr_onnx_add_reduce(n, CLRNN_REDUCE_SUM, first, 1, false, *at, at);
    if (status == CLRNN_OK && more != 0)
        status = clr_onnx_add(n, &added, NULL, 0, &other);
    if (status == CLRNN_OK && more != 0)
        status = clr_onnx_add_pair(n, CLRNN_NODE_ADD, *at, other, at);
    for (uint32_t i = 0; i < rank; i++)
        deep.shape[i] = 1;
    return status == CLRNN_OK && rank > 0 ? clr_onnx_add(n, &deep, at, 1, at) : status;
}

clrnn_status clr_onnx_graph_in(onnx_node *n, uint32_t k, uint32_t *at)
{
    onnx_value *value = n->in[k];
    int64_t symbol = 0;
    double more = 0;
    *at = value->at;
    if (*at != CLR_NO_VALUE)
        return CLRNN_OK;
    clrnn_status status = clr_onnx_need(n, k, "input");
    if (status == CLRNN_OK && is_symbol(value, &symbol, &more)) {
        status = count_symbol(n, symbol, more, value->array[0].rank, at);
        value->at = status == CLRNN_OK ? *at : CLR_NO_VALUE;
        return status;
    }
    if (status == CLRNN_OK && !value->same &&
        !(value->array[0].filled && value->array[1].filled &&
          value->array[0].data[0] == value->array[1].data[0]))
        status = clr_onnx_fail(n, CLRNN_ERR_NEEDS_SIZE,
                               "its input '%.80s' depends on T or N: give the axes of the model "
                               "numbers",
                               value->name);
    if (status == CLRNN_OK)
        status = clr_onnx_constant(n, &value->array[0], &value->array[1], at);
    if (status == CLRNN_OK)
        value->at = *at;
    return status;
}

static clrnn_status convert(onnx_node *n, uint32_t k, bool ids, uint32_t *at)
{
    clrnn_node_desc desc = {.kind = CLRNN_NODE_CAST};
    clrnn_status status = clr_onnx_graph_in(n, k, at);
    if (status != CLRNN_OK || clr_onnx_shape(n, *at)->ids == ids)
        return status;
    return clr_onnx_add(n, &desc, at, 1, at);
}

clrnn_status clr_onnx_number_in(onnx_node *n, uint32_t k, uint32_t *at)
{
    return convert(n, k, false, at);
}

clrnn_status clr_onnx_ids_in(onnx_node *n, uint32_t k, uint32_t *at)
{
    return convert(n, k, true, at);
}

/* --- shorthands ------------------------------------------------------------------------------- */

clrnn_status clr_onnx_add_function(onnx_node *n, clrnn_function function, double alpha, double beta,
                                   uint32_t in, uint32_t *at)
{
    clrnn_node_desc desc = {
        .kind = CLRNN_NODE_ACTIVATION, .function = function, .alpha = alpha, .beta = beta};
    clrnn_node_desc none = {.kind = CLRNN_NODE_SUB}; /* 0 and 0 would mean alpha 1 */
    if (function == CLRNN_FN_AFFINE && alpha == 0 && beta == 0)
        return clr_onnx_add(n, &none, (uint32_t[]){in, in}, 2, at);
    return clr_onnx_add(n, &desc, &in, 1, at);
}

clrnn_status clr_onnx_add_pair(onnx_node *n, clrnn_node_kind kind, uint32_t a, uint32_t b,
                               uint32_t *at)
{
    clrnn_node_desc desc = {.kind = kind};
    return clr_onnx_add(n, &desc, (uint32_t[]){a, b}, 2, at);
}

clrnn_status clr_onnx_truncate(onnx_node *n, uint32_t in, uint32_t *at)
{
    uint32_t sign = 0;
    clrnn_status status = clr_onnx_add_function(n, CLRNN_FN_SIGN, 0, 0, in, &sign);
    if (status == CLRNN_OK)
        status = clr_onnx_add_function(n, CLRNN_FN_ABS, 0, 0, in, at);
    if (status == CLRNN_OK)
        status = clr_onnx_add_function(n, CLRNN_FN_FLOOR, 0, 0, *at, at);
    return status == CLRNN_OK ? clr_onnx_add_pair(n, CLRNN_NODE_MUL, sign, *at, at) : status;
}

clrnn_status clr_onnx_add_transpose(onnx_node *n, const uint32_t *order, uint32_t in, uint32_t *at)
{
    const uint32_t rank = clr_onnx_shape(n, in)->rank;
    clrnn_node_desc desc = {.kind = CLRNN_NODE_TRANSPOSE, .rank = rank};
    bool moved = false;
    for (uint32_t i = 0; i < rank; i++) {
        desc.order[i] = order[i];
        moved = moved || order[i] != i;
    }
    *at = in;
    return moved ? clr_onnx_add(n, &desc, &in, 1, at) : CLRNN_OK;
}

clrnn_status clr_onnx_add_reduce(onnx_node *n, clrnn_reduction reduction, const uint32_t *axes,
                                 uint32_t count, bool keep, uint32_t in, uint32_t *at)
{
    clrnn_node_desc desc = {
        .kind = CLRNN_NODE_REDUCE, .reduction = reduction, .keep_axes = keep, .rank = count};
    *at = in;
    for (uint32_t i = 0; i < count; i++)
        desc.order[i] = axes[i];
    return count ? clr_onnx_add(n, &desc, &in, 1, at) : CLRNN_OK;
}

/* What a reshape is told of an axis. */
static int64_t reshape_axis(const onnx_node *n, uint32_t in, uint64_t size, uint64_t other)
{
    const clr_value *x = &n->m->graph->values[in];
    const int32_t steps = x->shape.steps, batch = x->shape.batch;
    if (size == other)
        return (int64_t)size;
    if (steps != CLR_NO_AXIS && size == x->shape.size[steps] && other == x->other.size[steps])
        return CLRNN_STEPS;
    if (batch != CLR_NO_AXIS && size == x->shape.size[batch] && other == x->other.size[batch])
        return CLRNN_BATCH;
    return CLRNN_REST;
}

clrnn_status clr_onnx_add_reshape(onnx_node *n, uint32_t rank, uint64_t *const size[ONNX_WORLDS],
                                  uint32_t in, uint32_t *at)
{
    clrnn_node_desc desc = {.kind = CLRNN_NODE_RESHAPE, .rank = rank};
    const clr_shape *x = clr_onnx_shape(n, in);
    bool same = rank == x->rank;
    for (uint32_t i = 0; i < rank; i++) {
        desc.shape[i] = reshape_axis(n, in, size[0][i], size[1][i]);
        same = same && size[0][i] == x->size[i];
    }
    *at = in;
    return same ? CLRNN_OK : clr_onnx_add(n, &desc, &in, 1, at);
}

clrnn_status clr_onnx_add_unsqueeze(onnx_node *n, const uint32_t *axes, uint32_t count, uint32_t in,
                                    uint32_t *at)
{
    uint64_t sizes[ONNX_WORLDS][CLRNN_MOST_AXES];
    uint64_t *const size[ONNX_WORLDS] = {sizes[0], sizes[1]};
    const uint32_t rank = clr_onnx_shape(n, in)->rank + count;
    uint32_t put = 0, from = 0;
    if (rank > CLRNN_MOST_AXES)
        return clr_onnx_fail(n, CLRNN_ERR_UNSUPPORTED, "%u axes, more than %d", rank,
                             CLRNN_MOST_AXES);
    for (uint32_t i = 0; i < count; i++)
        put |= 1u << axes[i];
    for (uint32_t i = 0; i < rank; i++) {
        const bool one = put >> i & 1;
        for (int w = 0; w < ONNX_WORLDS; w++)
            sizes[w][i] = one ? 1 : clr_onnx_size(n, in, from, w);
        from += !one;
    }
    return clr_onnx_add_reshape(n, rank, size, in, at);
}

clrnn_status clr_onnx_add_squeeze(onnx_node *n, const uint32_t *axes, uint32_t count, uint32_t in,
                                  uint32_t *at)
{
    uint64_t sizes[ONNX_WORLDS][CLRNN_MOST_AXES];
    uint64_t *const size[ONNX_WORLDS] = {sizes[0], sizes[1]};
    uint32_t out = 0, rank = 0;
    for (uint32_t i = 0; i < count; i++)
        out |= 1u << axes[i];
    for (uint32_t i = 0; i < clr_onnx_shape(n, in)->rank; i++) {
        if (out >> i & 1) {
            if (clr_onnx_size(n, in, i, 0) != 1)
                return clr_onnx_fail(n, CLRNN_ERR_FORMAT, "axis %u is not of size 1, but %s", i,
                                     clr_value_text(clr_onnx_shape(n, in)).text);
            continue;
        }
        for (int w = 0; w < ONNX_WORLDS; w++)
            sizes[w][rank] = clr_onnx_size(n, in, i, w);
        rank++;
    }
    return clr_onnx_add_reshape(n, rank, size, in, at);
}

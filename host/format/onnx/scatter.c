/* SPDX-License-Identifier: MIT
 * format/onnx/scatter.c - updates that go to elements by known indices: of data and what is new,
 * one behind the other, the element that each result is. */
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "format/onnx/pick.h"

/* How an update and what it goes to become one; CLRNN_NODE_KINDS: the update. */
static clrnn_status read_reduction(onnx_node *n, clrnn_node_kind *kind)
{
    static const struct {
        const char *word;
        clrnn_node_kind kind;
    } words[] = {{"none", CLRNN_NODE_KINDS},
                 {"add", CLRNN_NODE_ADD},
                 {"mul", CLRNN_NODE_MUL},
                 {"max", CLRNN_NODE_MAX},
                 {"min", CLRNN_NODE_MIN}};
    char word[32];
    clrnn_status status = clr_onnx_word(n, "reduction", "none", word);
    for (size_t i = 0; i < sizeof words / sizeof *words && status == CLRNN_OK; i++)
        if (strcmp(word, words[i].word) == 0) {
            *kind = words[i].kind;
            return CLRNN_OK;
        }
    return status == CLRNN_OK ? clr_onnx_fail(n, CLRNN_ERR_FORMAT, "reduction '%s'", word) : status;
}

/* What is scattered where. */
typedef struct scattered {
    const double *to; /* [count] elements of x, which are `all` */
    size_t count, all;
    clrnn_node_kind kind;
    double *from, *old, *new; /* [all], [count], [count] scratch */
    uint32_t *round;          /* [all] scratch */
} scattered;

/* x with those updates whose element has had `round` of them, of which there are *count. */
static clrnn_status scatter_round(onnx_node *n, scattered *s, uint32_t round, uint32_t updates,
                                  uint32_t *x, size_t *count)
{
    clrnn_node_desc join = {.kind = CLRNN_NODE_CONCAT};
    uint32_t both[2] = {*x, updates}, old = 0;
    *count = 0;
    memset(s->round, 0, s->all * sizeof *s->round);
    for (size_t i = 0; i < s->all; i++)
        s->from[i] = (double)i;
    for (size_t i = 0; i < s->count; i++) {
        const size_t element = (size_t)s->to[i];
        if (s->kind != CLRNN_NODE_KINDS && s->round[element]++ != round)
            continue;
        s->from[element] = (double)(s->all + (s->kind == CLRNN_NODE_KINDS ? i : *count));
        s->old[*count] = (double)element;
        s->new[(*count)++] = (double)i;
    }
    clrnn_status status = CLRNN_OK;
    if (*count == 0)
        return CLRNN_OK;
    if (s->kind != CLRNN_NODE_KINDS) {
        status = clr_onnx_pick(n, 0, s->old, *count, *x, &old);
        if (status == CLRNN_OK)
            status = clr_onnx_pick(n, 0, s->new, *count, updates, &both[1]);
        if (status == CLRNN_OK)
            status = clr_onnx_add_pair(n, s->kind, old, both[1], &both[1]);
    }
    if (status == CLRNN_OK)
        status = clr_onnx_add(n, &join, both, 2, x);
    return status == CLRNN_OK ? clr_onnx_pick(n, 0, s->from, s->all, *x, x) : status;
}

/* Updates that go to one element are joined one after the other. */
static clrnn_status scatter_all(onnx_node *n, scattered *s, uint32_t updates, uint32_t *x)
{
    enum { most_rounds = 256 };
    size_t done = 0, count = 1;
    clrnn_status status = CLRNN_OK;
    for (uint32_t round = 0; done < s->count && count && status == CLRNN_OK; round++) {
        if (round == most_rounds)
            return clr_onnx_fail(n, CLRNN_ERR_UNSUPPORTED, "more than %d updates of one element",
                                 most_rounds);
        status = scatter_round(n, s, round, updates, x, &count);
        done += count;
    }
    return status;
}

static clrnn_status scatter(onnx_node *n, const double *to, size_t count)
{
    uint32_t at = 0, updates = 0;
    scattered s = {.to = to, .count = count};
    clrnn_status status = read_reduction(n, &s.kind);
    if (status == CLRNN_OK)
        status = clr_onnx_number_in(n, 0, &at);
    const onnx_array x = status == CLRNN_OK ? clr_onnx_pick_shape(n, at) : (onnx_array){0};
    s.all = status == CLRNN_OK ? clr_onnx_count(&x) : 0;
    if (status == CLRNN_OK)
        status = clr_onnx_pick_flat(n, at, &at);
    if (status == CLRNN_OK)
        status = clr_onnx_number_in(n, 2, &updates);
    if (status == CLRNN_OK)
        status = clr_onnx_pick_flat(n, updates, &updates);
    if (status == CLRNN_OK && clr_onnx_size(n, updates, 0, 0) != count)
        status = clr_onnx_fail(n, CLRNN_ERR_FORMAT, "as many updates as indices are meant");
    if (status != CLRNN_OK)
        return status;
    s.from = clr_calloc(s.all + 2 * count, sizeof *s.from);
    s.round = clr_calloc(s.all, sizeof *s.round);
    if (!s.from || !s.round)
        status = clr_onnx_fail(n, CLRNN_ERR_MEMORY, "out of memory");
    if (status == CLRNN_OK) {
        s.old = s.from + s.all;
        s.new = s.old + count;
        status = scatter_all(n, &s, updates, &at);
    }
    free(s.from);
    free(s.round);
    if (status == CLRNN_OK)
        status = clr_onnx_pick_shaped(n, &x, at, &at);
    if (status == CLRNN_OK)
        clr_onnx_set_graph(n, 0, at, n->in[0]->type);
    return status;
}

/* Where indices lead: clr_onnx_pick_places or clr_onnx_pick_named. */
typedef clrnn_status scatter_places(onnx_node *n, const onnx_array *x, double **to, size_t *count);

static clrnn_status scatter_build(onnx_node *n, scatter_places *places)
{
    double *to = NULL;
    size_t count = 0;
    uint32_t at = 0;
    clrnn_status status = clr_onnx_need_same(n, 1, "indices");
    if (status == CLRNN_OK)
        status = clr_onnx_number_in(n, 0, &at);
    const onnx_array x = status == CLRNN_OK ? clr_onnx_pick_shape(n, at) : (onnx_array){0};
    if (status == CLRNN_OK)
        status = places(n, &x, &to, &count);
    if (status == CLRNN_OK)
        status = scatter(n, to, count);
    free(to);
    return status;
}

/* --- computed indices, of one axis ------------------------------------------------------------
 * As those that put back into order what has been sorted: element k is the update m whose index is
 * k. No two are. */

/* [K,M]: 1 where index m, or the same from the end, is k. */
static clrnn_status hits(onnx_node *n, size_t K, uint32_t index, uint32_t *at)
{
    clrnn_node_desc equal = {.kind = CLRNN_NODE_COMPARE, .comparison = CLRNN_EQUAL};
    uint32_t parts[2] = {0};
    double *numbers = clr_calloc(K, sizeof *numbers);
    clrnn_status status = numbers ? CLRNN_OK : clr_onnx_fail(n, CLRNN_ERR_MEMORY, "out of memory");
    for (uint32_t i = 0; i < 2 && status == CLRNN_OK; i++) {
        uint32_t from = 0;
        clrnn_node_desc column = {
            .kind = CLRNN_NODE_CONSTANT, .rank = 2, .shape = {(int64_t)K, 1}, .data = numbers};
        for (size_t k = 0; k < K; k++)
            numbers[k] = (double)k - (i ? (double)K : 0);
        status = clr_onnx_add(n, &column, NULL, 0, &from);
        if (status == CLRNN_OK)
            status = clr_onnx_add(n, &equal, (uint32_t[]){from, index}, 2, &parts[i]);
    }
    free(numbers);
    return status == CLRNN_OK ? clr_onnx_add_pair(n, CLRNN_NODE_ADD, parts[0], parts[1], at)
                              : status;
}

/* y = where any m hits the update that does, else x */
static clrnn_status scatter_computed(onnx_node *n)
{
    static const double nothing = 0;
    static const uint32_t first = 0, second = 1;
    clrnn_node_desc zero = {.kind = CLRNN_NODE_CONSTANT, .data = &nothing};
    clrnn_node_desc choose = {.kind = CLRNN_NODE_SELECT};
    uint32_t in[3] = {0}, mask = 0, none = 0, at = 0, any = 0;
    clrnn_node_kind kind = CLRNN_NODE_KINDS;
    int64_t axis = 0;
    clrnn_status status = read_reduction(n, &kind);
    if (status == CLRNN_OK)
        status = clr_onnx_integer(n, "axis", 0, &axis);
    for (uint32_t k = 0; k < 3 && status == CLRNN_OK; k++)
        status = clr_onnx_number_in(n, k, &in[k]);
    for (uint32_t k = 0; k < 3 && status == CLRNN_OK; k++)
        if (clr_onnx_shape(n, in[k])->rank != 1 || kind != CLRNN_NODE_KINDS)
            return scatter_build(n, clr_onnx_pick_places); /* which asks for known ones */
    if (status == CLRNN_OK && clr_onnx_size(n, in[0], 0, 0) != clr_onnx_size(n, in[0], 0, 1))
        status = clr_onnx_fail(n, CLRNN_ERR_NEEDS_SIZE,
                               "its indices are computed: give the axes of the model numbers");
    for (uint32_t k = 1; k < 3 && status == CLRNN_OK; k++)
        status = clr_onnx_add_unsqueeze(n, &first, 1, in[k], &in[k]);
    if (status == CLRNN_OK)
        status = hits(n, (size_t)clr_onnx_size(n, in[0], 0, 0), in[1], &mask);
    if (status == CLRNN_OK)
        status = clr_onnx_add(n, &zero, NULL, 0, &none);
    if (status == CLRNN_OK)
        status = clr_onnx_add(n, &choose, (uint32_t[]){mask, in[2], none}, 3, &at);
    if (status == CLRNN_OK)
        status = clr_onnx_add_reduce(n, CLRNN_REDUCE_SUM, &second, 1, false, at, &at);
    if (status == CLRNN_OK)
        status = clr_onnx_add_reduce(n, CLRNN_REDUCE_MAX, &second, 1, false, mask, &any);
    if (status == CLRNN_OK)
        status = clr_onnx_add(n, &choose, (uint32_t[]){any, at, in[0]}, 3, &at);
    if (status == CLRNN_OK)
        clr_onnx_set_graph(n, 0, at, n->in[0]->type);
    return status;
}

static clrnn_status scatter_elements_build(onnx_node *n)
{
    return n->in[1]->known ? scatter_build(n, clr_onnx_pick_places) : scatter_computed(n);
}

static clrnn_status scatter_nd_build(onnx_node *n)
{
    return scatter_build(n, clr_onnx_pick_named);
}

const onnx_op clr_onnx_ops_scatter[] = {
    {"ScatterElements", 3, 3, 1, NULL, scatter_elements_build, true},
    {"Scatter", 3, 3, 1, NULL, scatter_elements_build, true},
    {"ScatterND", 3, 3, 1, NULL, scatter_nd_build, true},
    {0}};

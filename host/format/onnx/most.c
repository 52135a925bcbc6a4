/* SPDX-License-Identifier: MIT
 * format/onnx/most.c - where the largest are: ArgMax, ArgMin, Hardmax, TopK. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "format/onnx/math.h"
#include "format/onnx/slice.h"

/* K..1 along an axis, or 1..K: the more, the sooner chosen. */
static clrnn_status ranks(onnx_node *n, uint32_t rank, uint32_t axis, uint64_t K, bool last,
                          uint32_t *at)
{
    onnx_array a = {.rank = rank};
    for (uint32_t i = 0; i < rank; i++)
        a.size[i] = i == axis ? K : 1;
    clrnn_status status = clr_onnx_allocate(n, &a);
    for (uint64_t i = 0; i < K && status == CLRNN_OK; i++)
        a.data[i] = (double)(last ? i + 1 : K - i);
    if (status == CLRNN_OK)
        status = clr_onnx_constant(n, &a, &a, at);
    clr_onnx_array_free(&a);
    return status;
}

/* The largest of (x == max(x)) * ranks says which is the first, or last, of the largest. */
static clrnn_status arg_build(onnx_node *n)
{
    int64_t where = 0, keep = 1, last = 0;
    uint32_t x = 0, axis = 0, most = 0, order = 0, at = 0;
    const bool least = strcmp(n->op, "ArgMin") == 0;
    const clrnn_node_desc equal = {.kind = CLRNN_NODE_COMPARE, .comparison = CLRNN_EQUAL};
    clrnn_node_desc desc = equal;
    clrnn_status status = clr_onnx_integer(n, "axis", 0, &where);
    if (status == CLRNN_OK)
        status = clr_onnx_integer(n, "keepdims", 1, &keep);
    if (status == CLRNN_OK)
        status = clr_onnx_integer(n, "select_last_index", 0, &last);
    if (status == CLRNN_OK)
        status = clr_onnx_number_in(n, 0, &x);
    if (status == CLRNN_OK)
        status = clr_onnx_axis(n, where, clr_onnx_shape(n, x)->rank, &axis);
    if (status != CLRNN_OK)
        return status;
    const uint64_t K = clr_onnx_size(n, x, axis, 0);
    if (K != clr_onnx_size(n, x, axis, 1) || K > 1u << 24)
        return clr_onnx_fail(n, CLRNN_ERR_UNSUPPORTED, "along an axis that is T or N");
    status = clr_onnx_add_reduce(n, least ? CLRNN_REDUCE_MIN : CLRNN_REDUCE_MAX, &axis, 1, true, x,
                                 &most);
    if (status == CLRNN_OK)
        status = clr_onnx_add(n, &desc, (uint32_t[]){x, most}, 2, &at);
    if (status == CLRNN_OK)
        status = ranks(n, clr_onnx_shape(n, x)->rank, axis, K, last != 0, &order);
    if (status == CLRNN_OK)
        status = clr_onnx_add_pair(n, CLRNN_NODE_MUL, at, order, &at);
    if (status == CLRNN_OK)
        status = clr_onnx_add_reduce(n, CLRNN_REDUCE_MAX, &axis, 1, keep != 0, at, &at);
    if (status == CLRNN_OK)
        status = clr_onnx_add_function(n, CLRNN_FN_AFFINE, last ? 1 : -1, last ? -1 : (double)K, at,
                                       &at);
    if (status == CLRNN_OK)
        clr_onnx_set_graph(n, 0, at, ONNX_INT);
    return status;
}

/* --- the first of the largest ----------------------------------------------------------------- */

/* The axis, whose size is a number. */
static clrnn_status known_axis(onnx_node *n, uint32_t x, uint32_t axis, uint64_t *K)
{
    *K = clr_onnx_size(n, x, axis, 0);
    return *K != clr_onnx_size(n, x, axis, 1) || *K > 1u << 24
               ? clr_onnx_fail(n, CLRNN_ERR_UNSUPPORTED, "along an axis that is T or N")
               : CLRNN_OK;
}

/* *most: the largest, its axis of size 1. *rank: K - i of the first, i, that is it; *here: 1 there
 * and 0 elsewhere. order: of `ranks`. */
static clrnn_status first_of(onnx_node *n, uint32_t axis, uint32_t order, uint32_t x,
                             uint32_t *most, uint32_t *rank, uint32_t *here)
{
    clrnn_node_desc equal = {.kind = CLRNN_NODE_COMPARE, .comparison = CLRNN_EQUAL};
    uint32_t at = 0;
    clrnn_status status = clr_onnx_add_reduce(n, CLRNN_REDUCE_MAX, &axis, 1, true, x, most);
    if (status == CLRNN_OK)
        status = clr_onnx_add(n, &equal, (uint32_t[]){x, *most}, 2, &at);
    if (status == CLRNN_OK)
        status = clr_onnx_add_pair(n, CLRNN_NODE_MUL, at, order, &at);
    if (status == CLRNN_OK)
        status = clr_onnx_add_reduce(n, CLRNN_REDUCE_MAX, &axis, 1, true, at, rank);
    return status == CLRNN_OK ? clr_onnx_add(n, &equal, (uint32_t[]){at, *rank}, 2, here) : status;
}

/* 1 at the first of the largest along an axis. */
static clrnn_status hard(onnx_node *n, uint32_t axis, uint32_t x, uint32_t *at)
{
    uint64_t K = 0;
    uint32_t order = 0, most = 0, rank = 0;
    clrnn_status status = known_axis(n, x, axis, &K);
    if (status == CLRNN_OK)
        status = ranks(n, clr_onnx_shape(n, x)->rank, axis, K, false, &order);
    return status == CLRNN_OK ? first_of(n, axis, order, x, &most, &rank, at) : status;
}

/* Up to opset 12 over all axes from `axis` on. */
static clrnn_status hardmax_build(onnx_node *n)
{
    uint64_t flat[ONNX_WORLDS][2], whole[ONNX_WORLDS][CLRNN_MOST_AXES];
    uint64_t *const to_flat[] = {flat[0], flat[1]}, *const back[] = {whole[0], whole[1]};
    const bool old = n->m->opset < 13;
    int64_t where = 0;
    uint32_t x = 0, axis = 0, at = 0;
    clrnn_status status = clr_onnx_integer(n, "axis", old ? 1 : -1, &where);
    if (status == CLRNN_OK)
        status = clr_onnx_number_in(n, 0, &x);
    const uint32_t rank = status == CLRNN_OK ? clr_onnx_shape(n, x)->rank : 0;
    if (status == CLRNN_OK)
        status = clr_onnx_axis(n, where, rank, &axis);
    if (status == CLRNN_OK && (!old || axis + 1 == rank)) {
        status = hard(n, axis, x, &at);
    } else if (status == CLRNN_OK) {
        for (int w = 0; w < ONNX_WORLDS; w++) {
            flat[w][0] = flat[w][1] = 1;
            for (uint32_t i = 0; i < rank; i++) {
                whole[w][i] = clr_onnx_size(n, x, i, w);
                flat[w][i >= axis] *= whole[w][i];
            }
        }
        status = clr_onnx_add_reshape(n, 2, to_flat, x, &at);
        if (status == CLRNN_OK)
            status = hard(n, 1, at, &at);
        if (status == CLRNN_OK)
            status = clr_onnx_add_reshape(n, rank, back, at, &at);
    }
    if (status == CLRNN_OK)
        clr_onnx_set_graph(n, 0, at, ONNX_REAL);
    return status;
}

/* --- the k largest: the largest, and again without it ----------------------------------------- */

enum { MOST_K = 256 };

typedef struct top {
    uint32_t axis;
    int64_t k;
    uint64_t K;
    bool least;
} top;

static clrnn_status read_top(onnx_node *n, uint32_t *x, top *t)
{
    int64_t where = -1, largest = 1, sorted = 1;
    double k = 0;
    clrnn_status status = clr_onnx_integer(n, "axis", -1, &where);
    if (status == CLRNN_OK && n->m->opset >= 11)
        status = clr_onnx_integer(n, "largest", 1, &largest);
    if (status == CLRNN_OK && n->m->opset >= 11)
        status = clr_onnx_integer(n, "sorted", 1, &sorted); /* any order will do, so does this */
    if (status == CLRNN_OK && n->m->opset < 10)
        status = clr_onnx_integer(n, "k", 0, &t->k);
    else if (status == CLRNN_OK)
        status = clr_onnx_need_number(n, 1, "K", 0, &k);
    if (n->m->opset >= 10)
        t->k = (int64_t)k;
    if (status == CLRNN_OK)
        status = clr_onnx_number_in(n, 0, x);
    if (status == CLRNN_OK)
        status = clr_onnx_axis(n, where, clr_onnx_shape(n, *x)->rank, &t->axis);
    if (status == CLRNN_OK)
        status = known_axis(n, *x, t->axis, &t->K);
    if (status == CLRNN_OK && (t->k < 1 || (uint64_t)t->k > t->K))
        status = clr_onnx_fail(n, CLRNN_ERR_FORMAT, "K of %lld along an axis of %llu",
                               (long long)t->k, (unsigned long long)t->K);
    if (status == CLRNN_OK && t->k > MOST_K)
        status = clr_onnx_fail(n, CLRNN_ERR_UNSUPPORTED, "K of %lld, more than %d", (long long)t->k,
                               MOST_K);
    t->least = largest == 0;
    return status;
}

/* values, ids [k]: what is found one after the other. */
static clrnn_status take_all(onnx_node *n, const top *t, uint32_t x, uint32_t *values,
                             uint32_t *ids)
{
    static const double none = -INFINITY;
    clrnn_node_desc constant = {.kind = CLRNN_NODE_CONSTANT, .data = &none};
    clrnn_node_desc choose = {.kind = CLRNN_NODE_SELECT};
    uint32_t order = 0, low = 0, here = 0;
    clrnn_status status = ranks(n, clr_onnx_shape(n, x)->rank, t->axis, t->K, false, &order);
    if (status == CLRNN_OK)
        status = clr_onnx_add(n, &constant, NULL, 0, &low);
    for (int64_t i = 0; i < t->k && status == CLRNN_OK; i++) {
        status = first_of(n, t->axis, order, x, &values[i], &ids[i], &here);
        if (status == CLRNN_OK)
            status = clr_onnx_add_function(n, CLRNN_FN_AFFINE, -1, (double)t->K, ids[i], &ids[i]);
        if (status == CLRNN_OK && i + 1 < t->k)
            status = clr_onnx_add(n, &choose, (uint32_t[]){here, low, x}, 3, &x);
    }
    return status;
}

static clrnn_status top_build(onnx_node *n)
{
    top t = {0};
    uint32_t x = 0, at[2] = {0};
    clrnn_status status = read_top(n, &x, &t);
    uint32_t *found = status == CLRNN_OK ? clr_calloc(2 * (size_t)t.k, sizeof *found) : NULL;
    if (status == CLRNN_OK && !found)
        status = clr_onnx_fail(n, CLRNN_ERR_MEMORY, "out of memory");
    if (status == CLRNN_OK && t.least)
        status = clr_onnx_add_function(n, CLRNN_FN_NEGATE, 0, 0, x, &x);
    if (status == CLRNN_OK)
        status = take_all(n, &t, x, found, found + t.k);
    for (int i = 0; i < 2 && status == CLRNN_OK; i++)
        status = clr_onnx_join(n, t.axis, found + i * t.k, (uint32_t)t.k, &at[i]);
    if (status == CLRNN_OK && t.least)
        status = clr_onnx_add_function(n, CLRNN_FN_NEGATE, 0, 0, at[0], &at[0]);
    free(found);
    if (status != CLRNN_OK)
        return status;
    clr_onnx_set_graph(n, 0, at[0], n->in[0]->type);
    if (n->outputs > 1)
        clr_onnx_set_graph(n, 1, at[1], ONNX_INT);
    return CLRNN_OK;
}

const onnx_op clr_onnx_ops_most[] = {{"ArgMax", 1, 1, 1, NULL, arg_build, false},
                                     {"ArgMin", 1, 1, 1, NULL, arg_build, false},
                                     {"Hardmax", 1, 1, 1, NULL, hardmax_build, false},
                                     {"TopK", 1, 2, 2, NULL, top_build, false},
                                     {0}};

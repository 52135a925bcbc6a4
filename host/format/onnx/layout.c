/* SPDX-License-Identifier: MIT
 * format/onnx/layout.c - operators that lay out anew what there is: pixels as channels, triangles,
 * rows of ones. */
#include <stdlib.h>
#include <string.h>

#include "format/onnx/onnx.h"

/* --- pixels and channels ---------------------------------------------------------------------- */

/* Channels as blocks of pixels [N,C,H,W] to [N,C/b^2,H*b,W*b], or the other way. */
static clrnn_status blocks_build(onnx_node *n)
{
    static const uint32_t orders[2][2][6] = {{{0, 3, 4, 1, 5, 2}, {0, 1, 4, 2, 5, 3}},
                                             {{0, 3, 5, 1, 2, 4}, {0, 1, 3, 5, 2, 4}}};
    const bool back = strcmp(n->op, "SpaceToDepth") == 0;
    char mode[32] = "DCR";
    int64_t block = 0;
    uint32_t at = 0;
    clrnn_status status = clr_onnx_integer(n, "blocksize", 0, &block);
    if (status == CLRNN_OK)
        status = clr_onnx_word(n, "mode", "DCR", mode);
    const bool crd = strcmp(mode, "CRD") == 0;
    if (status == CLRNN_OK && (block < 1 || block > 4096 || (!crd && strcmp(mode, "DCR") != 0)))
        status =
            clr_onnx_fail(n, CLRNN_ERR_FORMAT, "blocksize %lld, mode '%s'", (long long)block, mode);
    if (status == CLRNN_OK)
        status = clr_onnx_graph_in(n, 0, &at);
    if (status == CLRNN_OK && clr_onnx_shape(n, at)->rank != 4)
        status = clr_onnx_fail(n, CLRNN_ERR_FORMAT, "its input has %u axes",
                               clr_onnx_shape(n, at)->rank);
    const uint64_t b = (uint64_t)block;
    uint64_t apart[ONNX_WORLDS][6], whole[ONNX_WORLDS][4];
    uint64_t *const six[ONNX_WORLDS] = {apart[0], apart[1]};
    uint64_t *const four[ONNX_WORLDS] = {whole[0], whole[1]};
    for (int w = 0; w < ONNX_WORLDS && status == CLRNN_OK; w++) {
        const uint64_t N = clr_onnx_size(n, at, 0, w), C = clr_onnx_size(n, at, 1, w);
        const uint64_t H = clr_onnx_size(n, at, 2, w), W = clr_onnx_size(n, at, 3, w);
        const uint64_t into[3][6] = {
            {N, b, b, C / (b * b), H, W}, {N, C / (b * b), b, b, H, W}, {N, C, H / b, b, W / b, b}};
        const uint64_t ends[2][4] = {{N, C / (b * b), H * b, W * b}, {N, C * b * b, H / b, W / b}};
        if (back ? H % b || W % b : C % (b * b))
            return clr_onnx_fail(n, CLRNN_ERR_FORMAT, "%s is no whole number of blocks",
                                 clr_value_text(clr_onnx_shape(n, at)).text);
        memcpy(apart[w], into[back ? 2 : crd], sizeof apart[w]);
        memcpy(whole[w], ends[back], sizeof whole[w]);
    }
    if (status == CLRNN_OK)
        status = clr_onnx_add_reshape(n, 6, six, at, &at);
    if (status == CLRNN_OK)
        status = clr_onnx_add_transpose(n, orders[back][crd], at, &at);
    if (status == CLRNN_OK)
        status = clr_onnx_add_reshape(n, 4, four, at, &at);
    if (status == CLRNN_OK)
        clr_onnx_set_graph(n, 0, at, n->in[0]->type);
    return status;
}

/* --- triangles -------------------------------------------------------------------------------- */

static bool is_kept(bool upper, double k, size_t row, size_t column)
{
    const double beyond = (double)column - (double)row - k;
    return upper ? beyond >= 0 : beyond <= 0;
}

static clrnn_status triangle(onnx_node *n, uint32_t rank, bool *upper, double *k)
{
    int64_t up = 1;
    clrnn_status status = clr_onnx_integer(n, "upper", 1, &up);
    *upper = up != 0;
    if (status == CLRNN_OK && rank < 2)
        status = clr_onnx_fail(n, CLRNN_ERR_FORMAT, "its input has %u axes", rank);
    return status == CLRNN_OK ? clr_onnx_need_number(n, 1, "k", 0, k) : status;
}

static clrnn_status triangle_fold(onnx_node *n, const onnx_array *const *in, onnx_array *out)
{
    bool upper = true;
    double k = 0;
    clrnn_status status = triangle(n, in[0]->rank, &upper, &k);
    *out = clr_onnx_like(in[0]);
    out->filled = false;
    if (status == CLRNN_OK)
        status = clr_onnx_allocate(n, out);
    const size_t columns = status == CLRNN_OK ? (size_t)out->size[out->rank - 1] : 1;
    const size_t rows = status == CLRNN_OK ? (size_t)out->size[out->rank - 2] : 1;
    for (size_t i = 0; status == CLRNN_OK && i < clr_onnx_count(out); i++)
        out->data[i] =
            is_kept(upper, k, i / columns % rows, i % columns) ? clr_onnx_at(in[0], i) : 0;
    return status;
}

static clrnn_status triangle_build(onnx_node *n)
{
    clrnn_node_desc select = {.kind = CLRNN_NODE_SELECT}, zero = {.kind = CLRNN_NODE_CONSTANT};
    static const double nothing = 0;
    bool upper = true;
    double k = 0;
    uint32_t in[3] = {0}, at = 0;
    onnx_array mask = {.type = ONNX_BOOL, .rank = 2};
    clrnn_status status = clr_onnx_number_in(n, 0, &in[1]);
    const uint32_t rank = status == CLRNN_OK ? clr_onnx_shape(n, in[1])->rank : 0;
    if (status == CLRNN_OK)
        status = triangle(n, rank, &upper, &k);
    for (uint32_t i = 0; i < 2 && status == CLRNN_OK; i++) {
        mask.size[i] = clr_onnx_size(n, in[1], rank - 2 + i, 0);
        if (mask.size[i] != clr_onnx_size(n, in[1], rank - 2 + i, 1))
            status = clr_onnx_fail(n, CLRNN_ERR_NEEDS_SIZE,
                                   "over an axis that is T or N: give the axes numbers");
    }
    if (status == CLRNN_OK)
        status = clr_onnx_allocate(n, &mask);
    for (size_t i = 0; status == CLRNN_OK && i < clr_onnx_count(&mask); i++)
        mask.data[i] = is_kept(upper, k, i / (size_t)mask.size[1], i % (size_t)mask.size[1]);
    if (status == CLRNN_OK)
        status = clr_onnx_constant(n, &mask, &mask, &in[0]);
    clr_onnx_array_free(&mask);
    zero.data = &nothing;
    if (status == CLRNN_OK)
        status = clr_onnx_add(n, &zero, NULL, 0, &in[2]);
    if (status == CLRNN_OK)
        status = clr_onnx_add(n, &select, in, 3, &at);
    if (status == CLRNN_OK)
        clr_onnx_set_graph(n, 0, at, n->in[0]->type);
    return status;
}

/* --- one of many ------------------------------------------------------------------------------ */

/* Whether ids [..,1,..] are begin, begin+1, .. along an axis of `depth`. */
static clrnn_status equals(onnx_node *n, uint32_t ids, uint32_t axis, size_t depth, double begin,
                           uint32_t *at)
{
    clrnn_node_desc equal = {.kind = CLRNN_NODE_COMPARE, .comparison = CLRNN_EQUAL};
    onnx_array range = {.rank = clr_onnx_shape(n, ids)->rank};
    uint32_t numbers = 0;
    for (uint32_t i = 0; i < range.rank; i++)
        range.size[i] = i == axis ? depth : 1;
    clrnn_status status = clr_onnx_allocate(n, &range);
    for (size_t i = 0; i < depth && status == CLRNN_OK; i++)
        range.data[i] = begin + (double)i;
    if (status == CLRNN_OK)
        status = clr_onnx_constant(n, &range, &range, &numbers);
    clr_onnx_array_free(&range);
    return status == CLRNN_OK ? clr_onnx_add(n, &equal, (uint32_t[]){ids, numbers}, 2, at) : status;
}

/* off + (on - off) (is it this one?), where ids below 0 count from the end. */
static clrnn_status one_hot_build(onnx_node *n)
{
    int64_t where = -1;
    double depth = 0;
    uint32_t ids = 0, axis = 0, at = 0, from_end = 0;
    clrnn_status status = clr_onnx_integer(n, "axis", -1, &where);
    if (status == CLRNN_OK)
        status = clr_onnx_need_number(n, 1, "depth", 0, &depth);
    if (status == CLRNN_OK)
        status = clr_onnx_need_same(n, 2, "values");
    if (status == CLRNN_OK &&
        (!(depth >= 1 && depth <= 1 << 24) || clr_onnx_count(&n->in[2]->array[0]) != 2))
        status = clr_onnx_fail(n, CLRNN_ERR_FORMAT, "depth of %g, or other than two values", depth);
    if (status == CLRNN_OK)
        status = clr_onnx_number_in(n, 0, &ids);
    if (status == CLRNN_OK)
        status = clr_onnx_axis(n, where, clr_onnx_shape(n, ids)->rank + 1, &axis);
    if (status == CLRNN_OK)
        status = clr_onnx_add_unsqueeze(n, &axis, 1, ids, &ids);
    if (status == CLRNN_OK)
        status = equals(n, ids, axis, (size_t)depth, 0, &at);
    if (status == CLRNN_OK)
        status = equals(n, ids, axis, (size_t)depth, -depth, &from_end);
    if (status == CLRNN_OK)
        status = clr_onnx_add_pair(n, CLRNN_NODE_ADD, at, from_end, &at);
    const double off = status == CLRNN_OK ? clr_onnx_at(&n->in[2]->array[0], 0) : 0;
    const double on = status == CLRNN_OK ? clr_onnx_at(&n->in[2]->array[0], 1) : 0;
    if (status == CLRNN_OK && (on != 1 || off != 0))
        status = clr_onnx_add_function(n, CLRNN_FN_AFFINE, on - off, off, at, &at);
    if (status == CLRNN_OK)
        clr_onnx_set_graph(n, 0, at, n->in[2]->type);
    return status;
}

const onnx_op clr_onnx_ops_layout[] = {{"DepthToSpace", 1, 1, 1, NULL, blocks_build, true},
                                       {"SpaceToDepth", 1, 1, 1, NULL, blocks_build, true},
                                       {"Trilu", 1, 2, 1, triangle_fold, triangle_build, true},
                                       {"OneHot", 3, 3, 1, NULL, one_hot_build, false},
                                       {0}};

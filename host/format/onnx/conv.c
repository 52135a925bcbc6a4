/* SPDX-License-Identifier: MIT
 * format/onnx/conv.c - convolutions, of one axis or two. W [M,C/groups,..], of transposed ones
 * [C,M/groups,..], which is how the graph has them. */
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "format/onnx/conv.h"
#include "format/onnx/fused.h"
#include "graph/window.h"

/* Whether B becomes the node's. */
static bool own_bias(const onnx_node *n)
{
    return clr_onnx_has(n, 2) && n->in[2]->known;
}

static clrnn_status weights(onnx_node *n)
{
    clrnn_status status = clr_onnx_need_same(n, 1, "W");
    if (status == CLRNN_OK && own_bias(n))
        status = clr_onnx_need_same(n, 2, "B");
    if (status == CLRNN_OK && n->in[1]->array[0].rank < 3)
        status = clr_onnx_fail(n, CLRNN_ERR_FORMAT, "W has %u axes", n->in[1]->array[0].rank);
    if (status == CLRNN_OK && clr_onnx_count(&n->in[1]->array[0]) == 0)
        status = clr_onnx_fail(n, CLRNN_ERR_UNSUPPORTED, "W has no elements");
    for (uint32_t k = 1; k < 3 && status == CLRNN_OK; k++)
        if (k == 1 || own_bias(n)) {
            status = clr_onnx_spread(n, &n->in[k]->array[0]);
            n->in[k]->array[1] = n->in[k]->array[0];
        }
    return status;
}

/* What both read: x, the window, groups. */
static clrnn_status begin(onnx_node *n, bool transposed, uint32_t *x, onnx_window *w,
                          clrnn_node_desc *desc)
{
    int64_t groups = 1;
    clrnn_status status = weights(n);
    const onnx_array *W = status == CLRNN_OK ? &n->in[1]->array[0] : NULL;
    if (status == CLRNN_OK)
        status = clr_onnx_number_in(n, 0, x);
    if (status == CLRNN_OK && clr_onnx_shape(n, *x)->rank != W->rank)
        status = clr_onnx_fail(n, CLRNN_ERR_FORMAT, "X has %u axes and W %u",
                               clr_onnx_shape(n, *x)->rank, W->rank);
    if (status == CLRNN_OK)
        status = clr_onnx_read_window(n, x, W->size + 2, transposed, w);
    if (status == CLRNN_OK)
        status = clr_onnx_window_to_node(n, w, desc);
    if (status == CLRNN_OK)
        status = clr_onnx_integer(n, "group", 1, &groups);
    if (status == CLRNN_OK && (groups < 1 || groups > UINT32_MAX))
        status = clr_onnx_fail(n, CLRNN_ERR_FORMAT, "group is %lld", (long long)groups);
    if (status != CLRNN_OK)
        return status;
    const uint64_t units = transposed ? W->size[1] * (uint64_t)groups : W->size[0];
    const uint64_t channels = transposed ? W->size[0] : W->size[1] * (uint64_t)groups;
    desc->groups = (uint32_t)groups;
    desc->units = (uint32_t)units;
    desc->no_bias = !own_bias(n);
    if (channels != clr_onnx_size(n, *x, 1, 0) || units > UINT32_MAX)
        return clr_onnx_fail(n, CLRNN_ERR_FORMAT, "X is %s, but W has %llu channels",
                             clr_value_text(clr_onnx_shape(n, *x)).text,
                             (unsigned long long)channels);
    if (!desc->no_bias && clr_onnx_count(&n->in[2]->array[0]) != units)
        return clr_onnx_fail(n, CLRNN_ERR_FORMAT, "B is not one number for each channel");
    return CLRNN_OK;
}

/* Whether a window over one axis goes over the last one. */
static bool is_over_last(const clrnn_node_desc *desc, const clr_shape *x)
{
    clr_axes axes;
    return clr_window_axes_of(desc, x, &axes) && axes.channel == 1 && axes.space[0] == 2;
}

/* Add it. Where T is another axis than the window's, it is one of two axes, the second of size 1.
 */
static clrnn_status finish(onnx_node *n, clrnn_node_desc *desc, bool transposed, uint32_t spaces,
                           const double *weight, uint32_t x, uint32_t *at)
{
    uint32_t last = 3;
    desc->kind = transposed ? CLRNN_NODE_CONV_TRANSPOSE1D : CLRNN_NODE_CONV1D;
    const bool flat = spaces == 1 && is_over_last(desc, clr_onnx_shape(n, x));
    clrnn_status status = CLRNN_OK;
    if (spaces == 1 && !flat && !n->m->lax)
        return clr_onnx_fail(n, CLRNN_ERR_UNSUPPORTED, "X is %s, where [N,C,T] should be",
                             clr_value_text(clr_onnx_shape(n, x)).text);
    if (!flat)
        desc->kind = transposed ? CLRNN_NODE_CONV_TRANSPOSE2D : CLRNN_NODE_CONV2D;
    if (!flat && spaces == 1) {
        desc->kernel[1] = 1;
        status = clr_onnx_add_unsqueeze(n, &last, 1, x, &x);
    }
    /* What looks back alone can go in blocks. */
    const uint64_t past = (desc->kernel[0] - UINT64_C(1)) * desc->dilation[0];
    if (flat && !transposed && desc->pad_begin[0] == past && desc->pad_end[0] == 0 &&
        desc->stride[0] == 1)
        desc->causal = true;
    if (status == CLRNN_OK)
        status = clr_onnx_add(n, desc, &x, 1, at);
    if (status == CLRNN_OK)
        status = clr_onnx_set_parameter(n, "weight", weight, clr_onnx_count(&n->in[1]->array[0]));
    if (status == CLRNN_OK && !desc->no_bias)
        status = clr_onnx_set_parameter(n, "bias", n->in[2]->array[0].data, desc->units);
    if (status == CLRNN_OK && !flat && spaces == 1)
        status = clr_onnx_add_squeeze(n, &last, 1, *at, at);
    return status == CLRNN_OK && clr_onnx_has(n, 2) && desc->no_bias ? clr_onnx_conv_bias(n, at)
                                                                     : status;
}

clrnn_status clr_onnx_conv_build(onnx_node *n)
{
    clrnn_node_desc desc = {0};
    onnx_window w;
    uint32_t x = 0, at = 0;
    clrnn_status status = CLRNN_OK;
    if (n->in[1]->known) {
        status = begin(n, false, &x, &w, &desc);
        if (status == CLRNN_OK)
            status = finish(n, &desc, false, w.spaces, n->in[1]->array[0].data, x, &at);
    } else {
        status = clr_onnx_conv_by(n, &at);
        if (status == CLRNN_OK && clr_onnx_has(n, 2))
            status = clr_onnx_conv_bias(n, &at);
    }
    if (status == CLRNN_OK)
        clr_onnx_set_graph(n, 0, at, ONNX_REAL);
    return status;
}

/* --- transposed ------------------------------------------------------------------------------- */

/* What is cut off, or added, so that the result has a size. auto_pad only cuts off, as in ONNX
 * Runtime. */
static clrnn_status fit(onnx_node *n, uint32_t x, const onnx_window *w, uint32_t i, int64_t wanted,
                        bool grows, clrnn_node_desc *desc)
{
    const int64_t size = (int64_t)clr_onnx_size(n, x, 2 + i, 0);
    const int64_t full =
        w->stride[i] * (size - 1) + desc->extra[i] + (w->kernel[i] - 1) * w->dilation[i] + 1;
    const int64_t cut = full - wanted;
    const bool upper = strcmp(w->auto_pad, "SAME_UPPER") == 0;
    if ((uint64_t)size != clr_onnx_size(n, x, 2 + i, 1))
        return clr_onnx_fail(n, CLRNN_ERR_UNSUPPORTED, "a size wanted of an axis that is T or N");
    desc->pad_begin[i] = desc->pad_end[i] = 0;
    if (cut < 0) {
        desc->extra[i] += grows ? (uint32_t)-cut : 0;
    } else {
        desc->pad_begin[i] = (uint32_t)(upper ? cut / 2 : cut - cut / 2);
        desc->pad_end[i] = (uint32_t)cut - desc->pad_begin[i];
    }
    return CLRNN_OK;
}

/* Whether windows overlap step by step and no more is cut off than they overlap: then it is a
 * convolution, whose padding *desc gets. */
static bool is_plain(const onnx_array *W, const onnx_window *w, clrnn_node_desc *desc)
{
    int64_t begin[2], end[2];
    if (clr_onnx_count(W) == 0 || W->size[0] % desc->groups)
        return false;
    for (uint32_t i = 0; i < w->spaces; i++) {
        const int64_t overlap = (w->kernel[i] - 1) * w->dilation[i];
        begin[i] = overlap - (int64_t)desc->pad_begin[i];
        end[i] = overlap - (int64_t)desc->pad_end[i] + (int64_t)desc->extra[i];
        if (w->stride[i] != 1 || begin[i] < 0 || end[i] < 0 || end[i] > INT32_MAX)
            return false;
    }
    for (uint32_t i = 0; i < w->spaces; i++) {
        desc->pad_begin[i] = (uint32_t)begin[i];
        desc->pad_end[i] = (uint32_t)end[i];
        desc->extra[i] = 0;
    }
    return true;
}

/* W [C,M/groups,..] as that of a convolution: [M,C/groups,..], each window backwards. NULL: out of
 * memory. Ownership: the caller's. */
static double *plain_weight(const onnx_array *W, size_t groups)
{
    const size_t C = (size_t)W->size[0] / groups, M = (size_t)W->size[1];
    const size_t count = clr_onnx_count(W), window = count / (groups * C * M);
    double *plain = clr_calloc(count, sizeof *plain);
    for (size_t e = 0; e < count && plain; e++) {
        const size_t k = e % window, m = e / window % M, c = e / window / M % C;
        const size_t g = e / window / M / C;
        plain[((g * M + m) * C + c) * window + window - 1 - k] = W->data[e];
    }
    return plain;
}

static clrnn_status conv_transpose_build(onnx_node *n)
{
    clrnn_node_desc desc = {0};
    onnx_window w;
    int64_t extra[CLRNN_MOST_AXES], shape[CLRNN_MOST_AXES];
    uint32_t x = 0, at = 0, extras = 0, wanted = 0;
    clrnn_status status = begin(n, true, &x, &w, &desc);
    if (status == CLRNN_OK)
        status = clr_onnx_integers(n, "output_padding", CLRNN_MOST_AXES, extra, &extras);
    if (status == CLRNN_OK)
        status = clr_onnx_integers(n, "output_shape", CLRNN_MOST_AXES, shape, &wanted);
    if (status == CLRNN_OK && ((extras && extras != w.spaces) || (wanted && wanted < w.spaces)))
        status = clr_onnx_fail(n, CLRNN_ERR_FORMAT, "output_padding or output_shape of other axes");
    for (uint32_t i = 0; i < extras && status == CLRNN_OK; i++) {
        if (extra[i] < 0 || extra[i] > INT32_MAX)
            return clr_onnx_fail(n, CLRNN_ERR_FORMAT, "output_padding of %lld",
                                 (long long)extra[i]);
        desc.extra[i] = (uint32_t)extra[i];
    }
    for (uint32_t i = 0; i < w.spaces && status == CLRNN_OK; i++) {
        const bool same = strncmp(w.auto_pad, "SAME", 4) == 0;
        if (wanted)
            status = fit(n, x, &w, i, shape[wanted - w.spaces + i], true, &desc);
        else if (same)
            status = fit(n, x, &w, i, (int64_t)clr_onnx_size(n, x, 2 + i, 0) * w.stride[i], false,
                         &desc);
    }
    double *plain = NULL;
    if (status == CLRNN_OK && is_plain(&n->in[1]->array[0], &w, &desc)) {
        plain = plain_weight(&n->in[1]->array[0], desc.groups);
        if (!plain)
            status = clr_onnx_fail(n, CLRNN_ERR_MEMORY, "out of memory");
    }
    if (status == CLRNN_OK)
        status =
            finish(n, &desc, !plain, w.spaces, plain ? plain : n->in[1]->array[0].data, x, &at);
    free(plain);
    if (status == CLRNN_OK)
        clr_onnx_set_graph(n, 0, at, ONNX_REAL);
    return status;
}

const onnx_op clr_onnx_ops_conv[] = {{"Conv", 2, 3, 1, NULL, clr_onnx_conv_build, false},
                                     {"ConvTranspose", 2, 3, 1, NULL, conv_transpose_build, false},
                                     {0}};

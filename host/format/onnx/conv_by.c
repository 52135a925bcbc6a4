/* SPDX-License-Identifier: MIT
 * format/onnx/conv_by.c - a convolution by a W that the graph computes: for each place of the
 * window the product of W there and of what lies under it, all added. */
#include <stdlib.h>

#include "format/onnx/conv.h"
#include "format/onnx/slice.h"

enum { MOST_PLACES = 1024 }; /* of a window, in all groups: nodes of the graph */

typedef struct computed {
    onnx_window w;
    uint32_t x, weight;               /* x padded */
    uint64_t groups, units, channels; /* of a group */
} computed;

/* [N,C,..] as [N,C,all others], or back to `like`. */
static clrnn_status flatten(onnx_node *n, uint32_t in, uint32_t *at)
{
    uint64_t sizes[ONNX_WORLDS][3];
    uint64_t *const size[ONNX_WORLDS] = {sizes[0], sizes[1]};
    for (int w = 0; w < ONNX_WORLDS; w++) {
        sizes[w][2] = 1;
        for (uint32_t i = 0; i < clr_onnx_shape(n, in)->rank; i++)
            if (i < 2)
                sizes[w][i] = clr_onnx_size(n, in, i, w);
            else
                sizes[w][2] *= clr_onnx_size(n, in, i, w);
    }
    return clr_onnx_add_reshape(n, 3, size, in, at);
}

static clrnn_status unflatten(onnx_node *n, uint32_t like, uint64_t units, uint32_t in,
                              uint32_t *at)
{
    uint64_t sizes[ONNX_WORLDS][CLRNN_MOST_AXES];
    uint64_t *const size[ONNX_WORLDS] = {sizes[0], sizes[1]};
    const uint32_t rank = clr_onnx_shape(n, like)->rank;
    for (int w = 0; w < ONNX_WORLDS; w++)
        for (uint32_t i = 0; i < rank; i++)
            sizes[w][i] = i == 1 ? units : clr_onnx_size(n, like, i, w);
    return clr_onnx_add_reshape(n, rank, size, in, at);
}

/* What lies under one place of all windows, and W there as [units,channels]. */
static clrnn_status one_place(onnx_node *n, const computed *c, size_t place, uint32_t *under,
                              uint32_t *weight)
{
    uint32_t axes[CLRNN_MOST_AXES];
    clrnn_status status = CLRNN_OK;
    *under = c->x;
    *weight = c->weight;
    for (uint32_t i = c->w.spaces; i-- > 0 && status == CLRNN_OK;) {
        const int64_t k = (int64_t)(place % (size_t)c->w.kernel[i]), last = c->w.kernel[i] - 1;
        const int64_t behind = (last - k) * c->w.dilation[i];
        place /= (size_t)c->w.kernel[i];
        axes[i] = 2 + i;
        status = clr_onnx_cut(n, 2 + i, k * c->w.dilation[i], behind ? -behind : CLRNN_TO_END,
                              c->w.stride[i], *under, under);
        if (status == CLRNN_OK)
            status = clr_onnx_cut(n, 2 + i, k, k + 1, 1, *weight, weight);
    }
    return status == CLRNN_OK ? clr_onnx_add_squeeze(n, axes, c->w.spaces, *weight, weight)
                              : status;
}

/* One group after the other, [N,units,places], joined. */
static clrnn_status multiply(onnx_node *n, const computed *c, uint32_t weight, uint32_t under,
                             uint32_t *at)
{
    uint32_t parts[MOST_PLACES];
    clrnn_status status = CLRNN_OK;
    for (uint64_t g = 0; g < c->groups && status == CLRNN_OK; g++) {
        uint32_t a = 0, b = 0;
        status = clr_onnx_cut(n, 0, (int64_t)(g * c->units), (int64_t)((g + 1) * c->units), 1,
                              weight, &a);
        if (status == CLRNN_OK)
            status = clr_onnx_cut(n, 1, (int64_t)(g * c->channels),
                                  (int64_t)((g + 1) * c->channels), 1, under, &b);
        if (status == CLRNN_OK)
            status = clr_onnx_add_pair(n, CLRNN_NODE_MATMUL, a, b, &parts[g]);
    }
    return status == CLRNN_OK ? clr_onnx_join(n, 1, parts, (uint32_t)c->groups, at) : status;
}

static clrnn_status read_all(onnx_node *n, computed *c)
{
    uint64_t kernel[CLRNN_MOST_AXES], places = 1;
    int64_t groups = 1;
    clrnn_node_desc pad = {.kind = CLRNN_NODE_PAD};
    bool padded = false;
    clrnn_status status = clr_onnx_number_in(n, 0, &c->x);
    if (status == CLRNN_OK)
        status = clr_onnx_number_in(n, 1, &c->weight);
    const uint32_t rank = status == CLRNN_OK ? clr_onnx_shape(n, c->weight)->rank : 0;
    if (status == CLRNN_OK && (rank < 3 || clr_onnx_shape(n, c->x)->rank != rank))
        status = clr_onnx_fail(n, CLRNN_ERR_FORMAT, "X has %u axes and W %u",
                               clr_onnx_shape(n, c->x)->rank, rank);
    for (uint32_t i = 0; i < rank && status == CLRNN_OK; i++)
        if (clr_onnx_size(n, c->weight, i, 0) != clr_onnx_size(n, c->weight, i, 1))
            status = clr_onnx_fail(n, CLRNN_ERR_UNSUPPORTED, "axis %u of its W is T or N", i);
    for (uint32_t i = 2; i < rank; i++)
        kernel[i - 2] = clr_onnx_size(n, c->weight, i, 0);
    if (status == CLRNN_OK)
        status = clr_onnx_read_window(n, &c->x, kernel, false, &c->w);
    if (status == CLRNN_OK)
        status = clr_onnx_integer(n, "group", 1, &groups);
    if (status != CLRNN_OK)
        return status;
    const uint64_t M = clr_onnx_size(n, c->weight, 0, 0);
    c->groups = (uint64_t)groups;
    c->channels = clr_onnx_size(n, c->weight, 1, 0);
    if (groups < 1 || groups > MOST_PLACES || M % (uint64_t)groups ||
        c->channels * (uint64_t)groups != clr_onnx_size(n, c->x, 1, 0))
        return clr_onnx_fail(n, CLRNN_ERR_FORMAT, "X is %s, but W has %llu channels in %lld groups",
                             clr_value_text(clr_onnx_shape(n, c->x)).text,
                             (unsigned long long)c->channels, (long long)groups);
    c->units = M / (uint64_t)groups;
    for (uint32_t i = 0; i < c->w.spaces; i++) {
        pad.begin[2 + i] = c->w.begin[i];
        pad.end[2 + i] = c->w.end[i];
        padded = padded || c->w.begin[i] || c->w.end[i];
        places = places > MOST_PLACES ? places : places * kernel[i];
    }
    pad.rank = rank;
    if (places * c->groups > MOST_PLACES)
        return clr_onnx_fail(n, CLRNN_ERR_UNSUPPORTED,
                             "a computed W of more than %d places in all groups", MOST_PLACES);
    return padded ? clr_onnx_add(n, &pad, &c->x, 1, &c->x) : CLRNN_OK;
}

clrnn_status clr_onnx_conv_by(onnx_node *n, uint32_t *at)
{
    computed c = {0};
    uint32_t under = 0, weight = 0, flat = 0, product = 0;
    size_t places = 1;
    clrnn_status status = read_all(n, &c);
    for (uint32_t i = 0; i < c.w.spaces; i++)
        places *= (size_t)c.w.kernel[i];
    for (size_t k = 0; k < places && status == CLRNN_OK; k++) {
        status = one_place(n, &c, k, &under, &weight);
        if (status == CLRNN_OK)
            status = flatten(n, under, &flat);
        if (status == CLRNN_OK)
            status = multiply(n, &c, weight, flat, &product);
        if (status == CLRNN_OK && k > 0)
            status = clr_onnx_add_pair(n, CLRNN_NODE_ADD, *at, product, &product);
        *at = product;
    }
    return status == CLRNN_OK ? unflatten(n, under, c.groups * c.units, *at, at) : status;
}

clrnn_status clr_onnx_conv_bias(onnx_node *n, uint32_t *at)
{
    uint32_t axes[CLRNN_MOST_AXES], bias = 0;
    const uint32_t spaces = clr_onnx_shape(n, *at)->rank - 2;
    for (uint32_t i = 0; i < spaces; i++)
        axes[i] = 1 + i;
    clrnn_status status = clr_onnx_number_in(n, 2, &bias);
    if (status == CLRNN_OK && clr_onnx_shape(n, bias)->rank != 1)
        status = clr_onnx_fail(n, CLRNN_ERR_FORMAT, "B has %u axes", clr_onnx_shape(n, bias)->rank);
    if (status == CLRNN_OK)
        status = clr_onnx_add_unsqueeze(n, axes, spaces, bias, &bias);
    return status == CLRNN_OK ? clr_onnx_add_pair(n, CLRNN_NODE_ADD, *at, bias, at) : status;
}

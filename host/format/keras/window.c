/* SPDX-License-Identifier: MIT
 * format/keras/window.c - convolutions of Keras, over one axis or two. Their channels stand last;
 * in a graph those of two axes stand second, as do those of one axis that is not T. */
#include <stdlib.h>
#include <string.h>

#include "format/keras/keras.h"

clrnn_status clr_keras_same(const clr_keras *k, int64_t size, uint32_t extent, uint32_t stride,
                            uint32_t *begin, uint32_t *end)
{
    int64_t all = (int64_t)extent - 1;
    if (stride > 1 && size < 1)
        return clr_keras_unsupported(k, "padding", "same with strides over time of any length");
    if (stride > 1)
        all = ((size + stride - 1) / stride - 1) * stride + extent - size;
    all = all < 0 ? 0 : all;
    *begin = (uint32_t)(all / 2);
    *end = (uint32_t)(all - all / 2);
    return CLRNN_OK;
}

/* What slides, and over what. */
typedef struct window {
    clrnn_node_desc desc;
    uint32_t spaces, in;
    bool turned; /* channels must be brought forward */
} window;

static clrnn_status take_padding(const clr_keras *k, const clrnn_value_info *x, window *w)
{
    const char *padding = clr_keras_text(k, "padding", "valid");
    const bool same = strcmp(padding, "same") == 0;
    clrnn_node_desc *d = &w->desc;
    d->causal = w->spaces == 1 && strcmp(padding, "causal") == 0;
    if (!same && !d->causal && strcmp(padding, "valid") != 0)
        return clr_keras_unsupported(k, "padding", padding);
    for (uint32_t i = 0; i < w->spaces; i++) {
        const uint64_t around = (uint64_t)(d->kernel[i] - 1) * d->dilation[i];
        if (around > INT32_MAX / 2)
            return clr_keras_wrong(k, "its kernel is too long");
        clrnn_status status = same ? clr_keras_same(k, x->shape[1 + i], (uint32_t)around + 1,
                                                    d->stride[i], &d->pad_begin[i], &d->pad_end[i])
                                   : CLRNN_OK;
        if (status != CLRNN_OK)
            return status;
    }
    return CLRNN_OK;
}

/* Padding is cut off: as much as makes size times stride of the size, or nothing; what a window
 * shorter than its stride leaves out is there. */
static clrnn_status take_cut(const clr_keras *k, window *w)
{
    const char *padding = clr_keras_text(k, "padding", "valid");
    const bool same = strcmp(padding, "same") == 0;
    clrnn_node_desc *d = &w->desc;
    if (!same && strcmp(padding, "valid") != 0)
        return clr_keras_unsupported(k, "padding", padding);
    for (uint32_t i = 0; i < w->spaces; i++) {
        const uint32_t over = d->kernel[i] > d->stride[i] ? d->kernel[i] - d->stride[i] : 0;
        if (d->dilation[i] != 1)
            return clr_keras_unsupported(k, "its config's", "dilation_rate");
        d->pad_begin[i] = same ? over / 2 : 0;
        d->pad_end[i] = same ? over - over / 2 : 0;
        d->extra[i] = d->stride[i] > d->kernel[i] ? d->stride[i] - d->kernel[i] : 0;
    }
    return CLRNN_OK;
}

static clrnn_status take_window(const clr_keras *k, window *w)
{
    const char *format = clr_keras_text(k, "data_format", "channels_last");
    const bool transposed = strstr(k->type, "Transpose");
    clrnn_node_desc *d = &w->desc;
    clrnn_value_info x;
    d->no_bias = !clr_keras_flag(k, "use_bias", true);
    d->groups = 1;
    d->dilation[0] = d->dilation[1] = 1;
    if (!clr_keras_sizes(k, "kernel_size", w->spaces, d->kernel) ||
        !clr_keras_sizes(k, "strides", w->spaces, d->stride) ||
        (clr_keras_member(k, "dilation_rate") &&
         !clr_keras_sizes(k, "dilation_rate", w->spaces, d->dilation)))
        return clr_keras_wrong(k, "kernel_size, strides or dilation_rate is no size");
    if (strcmp(format, "channels_last") != 0)
        return clr_keras_unsupported(k, "data_format", format);
    clrnn_status status = clr_keras_value_info(k, k->inputs[0].name, &x);
    if (status == CLRNN_OK && x.rank != w->spaces + 2)
        status = clr_keras_wrong(k, "what it reads has another number of axes");
    if (status == CLRNN_OK)
        status = clr_keras_features(k, &w->in);
    w->turned = w->spaces == 2 || (status == CLRNN_OK && x.shape[1] != CLRNN_STEPS);
    if (status != CLRNN_OK)
        return status;
    return transposed ? take_cut(k, w) : take_padding(k, &x, w);
}

/* The node NODE between channels that are brought forward and back. */
static clrnn_status add_window(clr_keras *k, const window *w)
{
    const uint32_t to[2][4] = {{0, 2, 1}, {0, 3, 1, 2}}, from[2][4] = {{0, 2, 1}, {0, 2, 3, 1}};
    const uint32_t which = w->spaces - 1, rank = w->spaces + 2;
    clr_keras_value x = k->inputs[0];
    clrnn_status status =
        w->turned ? clr_keras_transpose(k, rank, to[which], x.name, &x) : CLRNN_OK;
    if (status == CLRNN_OK)
        status = clr_keras_add(k, &w->desc, "", x.name, &k->outputs[0]);
    return status == CLRNN_OK && w->turned
               ? clr_keras_transpose(k, rank, from[which], k->outputs[0].name, &k->outputs[0])
               : status;
}

/* The axes of Keras's kernel behind the window's, in whatever order; ours begin with them. */
static clrnn_status set_kernel(const clr_keras *k, const window *w, const double *kernel,
                               const uint64_t *shape, bool swapped)
{
    uint32_t order[4] = {w->spaces + swapped, w->spaces + !swapped};
    for (uint32_t i = 0; i < w->spaces; i++)
        order[2 + i] = i;
    return clr_keras_set_moved(k, "weight", kernel, w->spaces + 2, shape, order);
}

/* Kernel [window..,a,b], then a bias. */
static clrnn_status add_with_weights(clr_keras *k, window *w, uint64_t a, uint64_t b, bool swapped)
{
    uint64_t shape[4] = {w->desc.kernel[0], w->desc.kernel[1]};
    const uint64_t units = w->desc.units;
    double *kernel = NULL, *bias = NULL;
    clrnn_node_kind softmax;
    shape[w->spaces] = a;
    shape[w->spaces + 1] = b;
    clrnn_status status = clr_keras_function(k, "activation", "linear", &w->desc, &softmax);
    if (status == CLRNN_OK)
        status = clr_keras_weight(k, "", 0, 0, w->spaces + 2, shape, &kernel);
    if (status == CLRNN_OK && !w->desc.no_bias)
        status = clr_keras_weight(k, "", 0, 1, 1, &units, &bias);
    if (status == CLRNN_OK)
        status = add_window(k, w);
    if (status == CLRNN_OK)
        status = set_kernel(k, w, kernel, shape, swapped);
    if (status == CLRNN_OK && bias)
        status = clr_keras_set(k, "bias", bias, w->desc.units);
    if (status == CLRNN_OK && softmax != CLRNN_NODE_KINDS)
        status = clr_keras_activate(k, "activation", &k->outputs[0]);
    free(kernel);
    free(bias);
    return status;
}

static uint32_t spaces_of(const clr_keras *k)
{
    return strstr(k->type, "2D") ? 2 : 1;
}

static clrnn_status add_conv(clr_keras *k)
{
    static const char *const known[] = {
        "filters",       "kernel_size", "strides",  "padding",     "groups",
        "dilation_rate", "activation",  "use_bias", "data_format", NULL};
    const bool transposed = strstr(k->type, "Transpose");
    static const clrnn_node_kind kinds[2][2] = {
        {CLRNN_NODE_CONV1D, CLRNN_NODE_CONV2D},
        {CLRNN_NODE_CONV_TRANSPOSE1D, CLRNN_NODE_CONV_TRANSPOSE2D}};
    window w = {.spaces = spaces_of(k)};
    clrnn_status status = clr_keras_check(k, known);
    w.desc.kind = kinds[transposed][w.spaces - 1];
    if (status == CLRNN_OK && !clr_keras_size(k, "filters", &w.desc.units))
        status = clr_keras_wrong(k, "filters is no size");
    if (status == CLRNN_OK)
        status = take_window(k, &w);
    if (status == CLRNN_OK && clr_keras_member(k, "groups") &&
        !clr_keras_size(k, "groups", &w.desc.groups))
        status = clr_keras_wrong(k, "groups is no size");
    if (status != CLRNN_OK)
        return status;
    return transposed ? add_with_weights(k, &w, w.desc.units, w.in, true)
                      : add_with_weights(k, &w, w.in / w.desc.groups, w.desc.units, true);
}

static clrnn_status take_depthwise(clr_keras *k, window *w, uint32_t *multiplier)
{
    *w = (window){.spaces = spaces_of(k)};
    *multiplier = 1;
    clrnn_status status = take_window(k, w);
    if (status == CLRNN_OK && clr_keras_member(k, "depth_multiplier") &&
        !clr_keras_size(k, "depth_multiplier", multiplier))
        status = clr_keras_wrong(k, "depth_multiplier is no size");
    if (status == CLRNN_OK && (uint64_t)w->in * *multiplier > INT32_MAX)
        status = clr_keras_wrong(k, "it has too many channels");
    if (status != CLRNN_OK)
        return status;
    w->desc.kind = w->spaces == 2 ? CLRNN_NODE_CONV2D : CLRNN_NODE_CONV1D;
    w->desc.groups = w->in;
    w->desc.units = w->in * *multiplier;
    return status;
}

static clrnn_status add_depthwise(clr_keras *k)
{
    static const char *const known[] = {
        "kernel_size", "strides",  "padding",     "depth_multiplier", "groups", "dilation_rate",
        "activation",  "use_bias", "data_format", "filters",          NULL};
    uint32_t multiplier = 1;
    window w;
    clrnn_status status = clr_keras_check(k, known);
    if (status == CLRNN_OK)
        status = take_depthwise(k, &w, &multiplier);
    return status == CLRNN_OK ? add_with_weights(k, &w, w.in, multiplier, false) : status;
}

/* Channel by channel, then channels among each other: a dense node NODE.pointwise. */
static clrnn_status add_separable(clr_keras *k)
{
    static const char *const known[] = {
        "filters", "kernel_size",   "strides",    "padding",  "depth_multiplier",
        "groups",  "dilation_rate", "activation", "use_bias", "data_format",
        NULL};
    double *kernel = NULL, *point = NULL, *bias = NULL;
    uint32_t multiplier = 1, units = 0;
    clrnn_node_kind softmax = CLRNN_NODE_KINDS;
    window w;
    clrnn_status status = clr_keras_check(k, known);
    if (status == CLRNN_OK && !clr_keras_size(k, "filters", &units))
        status = clr_keras_wrong(k, "filters is no size");
    if (status == CLRNN_OK)
        status = take_depthwise(k, &w, &multiplier);
    if (status != CLRNN_OK)
        return status;
    clrnn_node_desc dense = {.kind = CLRNN_NODE_DENSE, .units = units, .no_bias = w.desc.no_bias};
    uint64_t shape[4] = {w.desc.kernel[0], w.desc.kernel[1]}, across[4] = {1, 1};
    shape[w.spaces] = w.in;
    shape[w.spaces + 1] = multiplier;
    across[w.spaces] = w.desc.units;
    across[w.spaces + 1] = units;
    w.desc.no_bias = true;
    status = clr_keras_weight(k, "", 0, 0, w.spaces + 2, shape, &kernel);
    if (status == CLRNN_OK)
        status = clr_keras_weight(k, "", 0, 1, w.spaces + 2, across, &point);
    if (status == CLRNN_OK && !dense.no_bias)
        status = clr_keras_weight(k, "", 0, 2, 1, across + w.spaces + 1, &bias);
    if (status == CLRNN_OK)
        status = clr_keras_function(k, "activation", "linear", &dense, &softmax);
    if (status == CLRNN_OK)
        status = add_window(k, &w);
    if (status == CLRNN_OK)
        status = set_kernel(k, &w, kernel, shape, false);
    if (status == CLRNN_OK)
        status = clr_keras_add(k, &dense, ".pointwise", k->outputs[0].name, &k->outputs[0]);
    if (status == CLRNN_OK)
        status = clr_keras_set_moved(k, "pointwise.weight", point, 2, across + w.spaces,
                                     (const uint32_t[]){1, 0});
    if (status == CLRNN_OK && bias)
        status = clr_keras_set(k, "pointwise.bias", bias, units);
    if (status == CLRNN_OK && softmax != CLRNN_NODE_KINDS)
        status = clr_keras_activate(k, "activation", &k->outputs[0]);
    free(kernel);
    free(point);
    free(bias);
    return status;
}

enum { MOST_ONES = 1 << 22 };

/* Each element `size` times: as a window of ones, as long as its stride, spreads it. */
static clrnn_status add_upsampling(clr_keras *k)
{
    static const char *const known[] = {"size", "data_format", "interpolation", NULL};
    const char *format = clr_keras_text(k, "data_format", "channels_last");
    const char *how = clr_keras_text(k, "interpolation", "nearest");
    window w = {.spaces = spaces_of(k)};
    clrnn_value_info x;
    clrnn_status status = clr_keras_check(k, known);
    if (status == CLRNN_OK && !clr_keras_sizes(k, "size", w.spaces, w.desc.kernel))
        status = clr_keras_wrong(k, "size is no size");
    if (status == CLRNN_OK && strcmp(format, "channels_last") != 0)
        status = clr_keras_unsupported(k, "data_format", format);
    if (status == CLRNN_OK && strcmp(how, "nearest") != 0)
        status = clr_keras_unsupported(k, "interpolation", how);
    if (status == CLRNN_OK)
        status = clr_keras_value_info(k, k->inputs[0].name, &x);
    if (status == CLRNN_OK && x.rank != w.spaces + 2)
        status = clr_keras_wrong(k, "what it reads has another number of axes");
    if (status == CLRNN_OK)
        status = clr_keras_features(k, &w.in);
    if (status != CLRNN_OK)
        return status;
    w.turned = w.spaces == 2 || x.shape[1] != CLRNN_STEPS;
    w.desc.kind = w.spaces == 2 ? CLRNN_NODE_CONV_TRANSPOSE2D : CLRNN_NODE_CONV_TRANSPOSE1D;
    memcpy(w.desc.stride, w.desc.kernel, sizeof w.desc.stride);
    const uint64_t each = (uint64_t)w.desc.kernel[0] * (w.spaces == 2 ? w.desc.kernel[1] : 1);
    if (each > MOST_ONES / w.in)
        return clr_keras_unsupported(k, "its config's", "size");
    w.desc.groups = w.desc.units = w.in;
    w.desc.no_bias = true;
    status = add_window(k, &w);
    return status == CLRNN_OK ? clr_keras_set_ones(k, "weight", (size_t)(w.in * each)) : status;
}

clrnn_status clr_keras_window(clr_keras *k, bool *is)
{
    static const clr_keras_type types[] = {{"Conv1D", add_conv},
                                           {"Convolution1D", add_conv},
                                           {"Conv2D", add_conv},
                                           {"Convolution2D", add_conv},
                                           {"Conv1DTranspose", add_conv},
                                           {"Conv2DTranspose", add_conv},
                                           {"DepthwiseConv1D", add_depthwise},
                                           {"DepthwiseConv2D", add_depthwise},
                                           {"SeparableConv1D", add_separable},
                                           {"SeparableConv2D", add_separable},
                                           {"UpSampling1D", add_upsampling},
                                           {"UpSampling2D", add_upsampling},
                                           {NULL, NULL}};
    return clr_keras_one_of(k, types, is);
}

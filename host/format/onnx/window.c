/* SPDX-License-Identifier: MIT
 * format/onnx/window.c - windows, and pooling by them: axis by axis, from shifted parts. */
#include "format/onnx/window.h"

#include <float.h>
#include <string.h>

#include "format/onnx/math.h"
#include "format/onnx/slice.h"
#include "model/tensors.h"

/* --- windows ---------------------------------------------------------------------------------- */

/* A list of one number for each axis, all `otherwise` where it is left out. */
static clrnn_status per_axis(onnx_node *n, const char *name, uint32_t spaces, int64_t otherwise,
                             int64_t *out)
{
    uint32_t count = 0;
    clrnn_status status = clr_onnx_integers(n, name, CLRNN_MOST_AXES, out, &count);
    for (uint32_t i = 0; i < spaces && count == 0; i++)
        out[i] = otherwise;
    if (status == CLRNN_OK && count && count != spaces)
        status = clr_onnx_fail(n, CLRNN_ERR_FORMAT, "%u numbers in %s, but %u axes", count, name,
                               spaces);
    for (uint32_t i = 0; i < spaces && status == CLRNN_OK; i++)
        if (out[i] < 1 || out[i] > INT32_MAX / 2)
            status = clr_onnx_fail(n, CLRNN_ERR_FORMAT, "%s of %lld", name, (long long)out[i]);
    return status;
}

/* As much padding as makes the size that of the input by the stride. Where windows leave out more
 * than they hold it is below 0: of pooling, elements before the first of them are cut off, and of
 * convolutions none, as in ONNX Runtime. */
static clrnn_status same_padding(onnx_node *n, bool pooling, uint32_t *x, onnx_window *w)
{
    const bool upper = strcmp(w->auto_pad, "SAME_UPPER") == 0;
    clrnn_status status = CLRNN_OK;
    for (uint32_t i = 0; i < w->spaces && status == CLRNN_OK; i++) {
        const int64_t size = (int64_t)clr_onnx_size(n, *x, 2 + i, 0);
        const int64_t extent = (w->kernel[i] - 1) * w->dilation[i] + 1, stride = w->stride[i];
        if (stride > 1 && (uint64_t)size != clr_onnx_size(n, *x, 2 + i, 1))
            return clr_onnx_fail(n, CLRNN_ERR_UNSUPPORTED,
                                 "auto_pad with a stride over an axis that is T or N");
        const int64_t all = ((size + stride - 1) / stride - 1) * stride + extent - size;
        const int64_t before = upper ? all / 2 : (all + 1) / 2;
        w->begin[i] = before > 0 ? before : 0;
        w->end[i] = all - before > 0 ? all - before : 0;
        if (before < 0 && pooling)
            status = clr_onnx_cut(n, 2 + i, -before, CLRNN_TO_END, 1, *x, x);
    }
    return status;
}

clrnn_status clr_onnx_read_window(onnx_node *n, uint32_t *in, const uint64_t *kernel,
                                  bool transposed, onnx_window *w)
{
    const uint32_t x = *in;
    int64_t pads[2 * CLRNN_MOST_AXES] = {0};
    uint32_t count = 0;
    *w = (onnx_window){.spaces = clr_onnx_shape(n, x)->rank - 2};
    if (clr_onnx_shape(n, x)->rank < 3)
        return clr_onnx_fail(n, CLRNN_ERR_UNSUPPORTED, "X has %u axes", clr_onnx_shape(n, x)->rank);
    clrnn_status status = CLRNN_OK;
    for (uint32_t i = 0; kernel && i < w->spaces; i++)
        w->kernel[i] = (int64_t)kernel[i];
    if (!kernel || clr_onnx_attribute(n, "kernel_shape"))
        status = per_axis(n, "kernel_shape", w->spaces, 0, w->kernel);
    for (uint32_t i = 0; kernel && i < w->spaces && status == CLRNN_OK; i++)
        if (w->kernel[i] != (int64_t)kernel[i])
            status = clr_onnx_fail(n, CLRNN_ERR_FORMAT, "kernel_shape is not that of W");
    if (status == CLRNN_OK)
        status = per_axis(n, "strides", w->spaces, 1, w->stride);
    if (status == CLRNN_OK)
        status = per_axis(n, "dilations", w->spaces, 1, w->dilation);
    if (status == CLRNN_OK)
        status = clr_onnx_word(n, "auto_pad", "NOTSET", w->auto_pad);
    if (status == CLRNN_OK)
        status = clr_onnx_integers(n, "pads", 2 * CLRNN_MOST_AXES, pads, &count);
    if (status == CLRNN_OK && count && count != 2 * w->spaces)
        status = clr_onnx_fail(n, CLRNN_ERR_FORMAT, "%u pads of %u axes", count, w->spaces);
    for (uint32_t i = 0; i < w->spaces && status == CLRNN_OK; i++) {
        w->begin[i] = pads[i];
        w->end[i] = pads[w->spaces + i];
        if (w->begin[i] < 0 || w->end[i] < 0 || w->begin[i] > INT32_MAX || w->end[i] > INT32_MAX)
            return clr_onnx_fail(n, CLRNN_ERR_UNSUPPORTED, "pads of %lld and %lld",
                                 (long long)w->begin[i], (long long)w->end[i]);
    }
    if (status != CLRNN_OK || strcmp(w->auto_pad, "NOTSET") == 0)
        return status;
    if (strcmp(w->auto_pad, "VALID") == 0) {
        memset(w->begin, 0, sizeof w->begin);
        memset(w->end, 0, sizeof w->end);
        return CLRNN_OK;
    }
    if (strcmp(w->auto_pad, "SAME_UPPER") && strcmp(w->auto_pad, "SAME_LOWER"))
        return clr_onnx_fail(n, CLRNN_ERR_FORMAT, "auto_pad '%s'", clr_show(w->auto_pad).text);
    return transposed ? CLRNN_OK : same_padding(n, !kernel, in, w);
}

clrnn_status clr_onnx_window_to_node(const onnx_node *n, const onnx_window *w,
                                     clrnn_node_desc *desc)
{
    if (w->spaces > 2)
        return clr_onnx_fail(n, CLRNN_ERR_UNSUPPORTED, "over %u axes, more than 2", w->spaces);
    for (uint32_t i = 0; i < w->spaces; i++) {
        desc->kernel[i] = (uint32_t)w->kernel[i];
        desc->stride[i] = (uint32_t)w->stride[i];
        desc->dilation[i] = (uint32_t)w->dilation[i];
        desc->pad_begin[i] = (uint32_t)w->begin[i];
        desc->pad_end[i] = (uint32_t)w->end[i];
    }
    return CLRNN_OK;
}

/* --- pooling ---------------------------------------------------------------------------------- */

typedef struct pooling {
    bool max;
    bool sum;           /* of powers, whose root comes after */
    bool count_padding; /* in the mean */
    bool ceil;
} pooling;

/* Elements of the result along axis i, and what is put behind so that its last window is there. */
static clrnn_status pooled(onnx_node *n, const onnx_window *w, const pooling *p, uint32_t i,
                           uint32_t in, int64_t *count, int64_t *more)
{
    const int64_t size = (int64_t)clr_onnx_size(n, in, 2 + i, 0);
    const int64_t extent = (w->kernel[i] - 1) * w->dilation[i] + 1, stride = w->stride[i];
    const int64_t span = size + w->begin[i] + w->end[i] - extent;
    *more = 0;
    if (span < 0)
        return clr_onnx_fail(n, CLRNN_ERR_UNSUPPORTED, "its window is longer than axis %u", 2 + i);
    *count = span / stride + 1;
    if (!p->ceil || stride == 1)
        return CLRNN_OK;
    if ((uint64_t)size != clr_onnx_size(n, in, 2 + i, 1))
        return clr_onnx_fail(n, CLRNN_ERR_UNSUPPORTED, "ceil_mode over an axis that is T or N");
    /* One more, if it begins within the input or the padding before it. */
    if (span % stride && *count * stride < size + w->begin[i]) {
        *more = *count * stride - span;
        ++*count;
    }
    return CLRNN_OK;
}

/* How many elements each window of a mean holds, where it is not the same for all. */
static clrnn_status counts(onnx_node *n, const onnx_window *w, const pooling *p, uint32_t i,
                           uint32_t in, int64_t count, uint32_t *at)
{
    const int64_t size = (int64_t)clr_onnx_size(n, in, 2 + i, 0);
    const int64_t low = p->count_padding ? 0 : w->begin[i];
    const int64_t high = w->begin[i] + size + (p->count_padding ? w->end[i] : 0);
    const uint32_t rank = clr_onnx_shape(n, in)->rank;
    onnx_array a = {.rank = rank};
    if ((uint64_t)size != clr_onnx_size(n, in, 2 + i, 1))
        return clr_onnx_fail(n, CLRNN_ERR_UNSUPPORTED,
                             "a mean without its padding over an axis that is T or N");
    for (uint32_t k = 0; k < rank; k++)
        a.size[k] = k == 2 + i ? (uint64_t)count : 1;
    clrnn_status status = clr_onnx_allocate(n, &a);
    for (int64_t c = 0; c < count && status == CLRNN_OK; c++) {
        int64_t held = 0;
        for (int64_t k = 0; k < w->kernel[i]; k++) {
            const int64_t place = c * w->stride[i] + k * w->dilation[i];
            held += place >= low && place < high;
        }
        a.data[c] = 1.0 / (double)(held ? held : 1);
    }
    if (status == CLRNN_OK)
        status = clr_onnx_constant(n, &a, &a, at);
    clr_onnx_array_free(&a);
    return status;
}

static clrnn_status pool_axis(onnx_node *n, const onnx_window *w, const pooling *p, uint32_t i,
                              uint32_t in, uint32_t *at)
{
    const uint32_t axis = 2 + i;
    uint32_t padded = in, part = 0, scale = 0;
    int64_t count = 0, more = 0;
    clrnn_status status = pooled(n, w, p, i, in, &count, &more);
    if (status == CLRNN_OK && (w->begin[i] || w->end[i] || more)) {
        clrnn_node_desc desc = {
            .kind = CLRNN_NODE_PAD, .rank = axis + 1, .value = p->max ? -(double)FLT_MAX : 0};
        desc.begin[axis] = w->begin[i];
        desc.end[axis] = w->end[i] + more;
        status = clr_onnx_add(n, &desc, &in, 1, &padded);
    }
    if (w->kernel[i] > 4096)
        return clr_onnx_fail(n, CLRNN_ERR_UNSUPPORTED, "a window of %lld", (long long)w->kernel[i]);
    const int64_t extent = (w->kernel[i] - 1) * w->dilation[i];
    for (int64_t k = 0; k < w->kernel[i] && status == CLRNN_OK; k++) {
        const int64_t first = k * w->dilation[i], behind = extent - first;
        status = clr_onnx_cut(n, axis, first, behind ? -behind : CLRNN_TO_END, w->stride[i], padded,
                              &part);
        if (status == CLRNN_OK && k > 0)
            status =
                clr_onnx_add_pair(n, p->max ? CLRNN_NODE_MAX : CLRNN_NODE_ADD, *at, part, &part);
        *at = part;
    }
    if (status != CLRNN_OK || p->max || p->sum)
        return status;
    if (more == 0 && (p->count_padding || (w->begin[i] == 0 && w->end[i] == 0)))
        return clr_onnx_add_function(n, CLRNN_FN_AFFINE, 1.0 / (double)w->kernel[i], 0, *at, at);
    status = counts(n, w, p, i, in, count, &scale);
    return status == CLRNN_OK ? clr_onnx_add_pair(n, CLRNN_NODE_MUL, *at, scale, at) : status;
}

static clrnn_status pool_build(onnx_node *n)
{
    pooling p = {.max = strcmp(n->op, "MaxPool") == 0, .sum = strcmp(n->op, "LpPool") == 0};
    onnx_window w;
    int64_t ceil_mode = 0, include = 0, order = 0, power = 2;
    uint32_t at = 0;
    clrnn_status status = clr_onnx_number_in(n, 0, &at);
    if (status == CLRNN_OK && p.sum)
        status = clr_onnx_integer(n, "p", 2, &power);
    if (status == CLRNN_OK)
        status = clr_onnx_read_window(n, &at, NULL, false, &w);
    if (status == CLRNN_OK)
        status = clr_onnx_integer(n, "ceil_mode", 0, &ceil_mode);
    if (status == CLRNN_OK && !p.max && !p.sum)
        status = clr_onnx_integer(n, "count_include_pad", 0, &include);
    if (status == CLRNN_OK && p.max)
        status = clr_onnx_integer(n, "storage_order", 0, &order); /* of indices, not supported */
    p.ceil = ceil_mode != 0;
    p.count_padding = include != 0;
    if (status == CLRNN_OK && p.sum)
        status = clr_onnx_add_powers(n, power, at, &at);
    for (uint32_t i = 0; status == CLRNN_OK && i < w.spaces; i++)
        status = pool_axis(n, &w, &p, i, at, &at);
    if (status == CLRNN_OK && p.sum)
        status = clr_onnx_add_root(n, power, at, &at);
    if (status == CLRNN_OK)
        clr_onnx_set_graph(n, 0, at, n->in[0]->type);
    return status;
}

const onnx_op clr_onnx_ops_window[] = {{"MaxPool", 1, 1, 1, NULL, pool_build, false},
                                       {"AveragePool", 1, 1, 1, NULL, pool_build, false},
                                       {"LpPool", 1, 1, 1, NULL, pool_build, false},
                                       {0}};

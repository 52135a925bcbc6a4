/* SPDX-License-Identifier: MIT
 * format/onnx/out_window.c - writing ONNX: convolutions, norms, reductions. */
#include "format/onnx/out.h"

#include "graph/window.h"

/* --- convolutions ----------------------------------------------------------------------------- */

/* Sizes of a window for each of its axes. */
static void put_window(onnx_out *out, ClrOnnx__Node *node, uint32_t spaces, bool transposed)
{
    const clrnn_node_desc *d = &out->node->desc;
    int64_t kernel[2], stride[2], dilation[2], pads[4], extra[2];
    for (uint32_t i = 0; i < spaces; i++) {
        kernel[i] = d->kernel[i];
        stride[i] = d->stride[i];
        dilation[i] = d->dilation[i];
        pads[i] = d->pad_begin[i];
        pads[spaces + i] = d->pad_end[i];
        extra[i] = d->extra[i];
    }
    clr_out_ints(out, node, "kernel_shape", kernel, spaces);
    clr_out_ints(out, node, "strides", stride, spaces);
    clr_out_ints(out, node, "dilations", dilation, spaces);
    clr_out_ints(out, node, "pads", pads, 2u * spaces);
    clr_out_int(out, node, "group", d->groups);
    if (transposed)
        clr_out_ints(out, node, "output_padding", extra, spaces);
}

/* x as [N,channels,T], and how to come back. */
typedef struct order {
    uint32_t there[CLRNN_MOST_AXES], back[CLRNN_MOST_AXES], rank;
    bool moved, lifted; /* lifted: there was no N */
} order;

static order order_of(const clr_axes *a, uint32_t rank)
{
    order o = {.rank = rank, .lifted = a->outer == CLR_NO_AXIS && a->spaces == 1};
    uint32_t k = 0;
    if (a->outer != CLR_NO_AXIS)
        o.there[k++] = (uint32_t)a->outer;
    o.there[k++] = (uint32_t)a->channel;
    for (uint32_t i = 0; i < a->spaces; i++)
        o.there[k++] = (uint32_t)a->space[i];
    for (uint32_t i = 0; i < k; i++) {
        o.back[o.there[i]] = i;
        o.moved = o.moved || o.there[i] != i;
    }
    return o;
}

static const char *go_there(onnx_out *out, const order *o, const char *x)
{
    const int64_t first[] = {0};
    if (o->moved) {
        const char *y = clr_out_fresh(out);
        clr_out_transpose(out, x, o->there, o->rank, y);
        x = y;
    }
    if (o->lifted) {
        const char *y = clr_out_fresh(out);
        (void)clr_out_op(out, "Unsqueeze", y, 2, x, clr_out_shape(out, first, 1));
        x = y;
    }
    return x;
}

static void come_back(onnx_out *out, const order *o, const char *x, const char *y)
{
    const int64_t first[] = {0};
    if (o->lifted) {
        const char *z = o->moved ? clr_out_fresh(out) : y;
        (void)clr_out_op(out, "Squeeze", z, 2, x, clr_out_shape(out, first, 1));
        x = z;
    }
    if (o->moved)
        clr_out_transpose(out, x, o->back, o->rank, y);
}

void clr_out_conv(onnx_out *out)
{
    const clrnn_node_desc *d = &out->node->desc;
    const clr_shape *in = clr_out_in_shape(out, 0);
    const bool transposed =
        d->kind == CLRNN_NODE_CONV_TRANSPOSE1D || d->kind == CLRNN_NODE_CONV_TRANSPOSE2D;
    clr_axes axes;
    if (!clr_window_axes_of(d, in, &axes)) {
        clr_out_refuse(out, "its axes");
        return;
    }
    const order o = order_of(&axes, in->rank);
    const char *y = clr_out_name(out, 0), *sum = clr_out_before_function(out, y);
    const char *z = o.moved || o.lifted ? clr_out_fresh(out) : sum;
    const char *x = go_there(out, &o, clr_out_in(out, 0));
    const char *weight = clr_out_parameter(out, "weight");
    const char *bias = d->no_bias ? NULL : clr_out_parameter(out, "bias");
    ClrOnnx__Node *node =
        clr_out_op(out, transposed ? "ConvTranspose" : "Conv", z, 3, x, weight, bias);
    put_window(out, node, axes.spaces, transposed);
    if (z != sum)
        come_back(out, &o, z, sum);
    if (sum != y)
        clr_out_function(out, sum, y);
}

/* --- norms ------------------------------------------------------------------------------------ */

/* A parameter, or without one a constant in its place. */
static const char *parameter_or(onnx_out *out, const char *leaf, uint32_t rank, const int64_t *dims,
                                double value)
{
    return clr_out_find(out, leaf) ? clr_out_parameter(out, leaf)
                                   : clr_out_filled(out, rank, dims, value);
}

/* ONNX's channels are axis 1. */
void clr_out_batch_norm(onnx_out *out)
{
    const clr_shape *in = clr_out_in_shape(out, 0);
    const clrnn_node_desc *d = &out->node->desc;
    const uint32_t axis = (uint32_t)clr_shape_axis(in, d->axis);
    const int64_t C[] = {(int64_t)in->size[axis]};
    order o = {.rank = in->rank, .lifted = in->rank == 1, .moved = in->rank > 1 && axis != 1};
    for (uint32_t i = 0; i < in->rank; i++)
        o.there[i] = o.back[i] = i == 1 ? axis : i == axis ? 1 : i;
    const char *x = go_there(out, &o, clr_out_in(out, 0)), *y = clr_out_name(out, 0);
    const char *z = o.moved || o.lifted ? clr_out_fresh(out) : y;
    const char *weight = parameter_or(out, "weight", 1, C, 1);
    const char *bias = parameter_or(out, "bias", 1, C, 0);
    const char *mean = clr_out_parameter(out, "running_mean");
    const char *var = clr_out_parameter(out, "running_var");
    ClrOnnx__Node *node = clr_out_op(out, "BatchNormalization", z, 5, x, weight, bias, mean, var);
    clr_out_float(out, node, "epsilon", d->epsilon);
    if (z != y)
        come_back(out, &o, z, y);
}

void clr_out_layer_norm(onnx_out *out)
{
    const clrnn_node_desc *d = &out->node->desc;
    const clr_shape *in = clr_out_in_shape(out, 0);
    int64_t dims[CLRNN_MOST_AXES];
    for (uint32_t i = 0; i < d->rank; i++)
        dims[i] = (int64_t)in->size[in->rank - d->rank + i];
    const char *weight = parameter_or(out, "weight", d->rank, dims, 1);
    const char *bias = clr_out_find(out, "bias") ? clr_out_parameter(out, "bias") : NULL;
    ClrOnnx__Node *node = clr_out_op(out, "LayerNormalization", clr_out_name(out, 0), 3,
                                     clr_out_in(out, 0), weight, bias);
    clr_out_int(out, node, "axis", -(int64_t)d->rank);
    clr_out_float(out, node, "epsilon", d->epsilon);
}

/* --- reductions ------------------------------------------------------------------------------- */

/* The last step, with its axis or without. */
static void last_step(onnx_out *out, int64_t axis)
{
    const clrnn_node_desc *d = &out->node->desc;
    const int64_t begin[] = {-1}, end[] = {INT64_MAX}, axes[] = {axis};
    const char *x = clr_out_in(out, 0), *y = clr_out_name(out, 0);
    if (d->keep_axes)
        clr_out_cut(out, x, (onnx_cut){1, begin, end, axes, NULL}, y);
    else
        clr_out_int(out, clr_out_op(out, "Gather", y, 2, x, clr_out_index(out, -1)), "axis", axis);
}

void clr_out_reduce(onnx_out *out)
{
    static const char *const names[CLRNN_REDUCTIONS] = {"ReduceMean", "ReduceSum", "ReduceMax",
                                                        "ReduceMin"};
    const clrnn_node_desc *d = &out->node->desc;
    const clr_shape *in = clr_out_in_shape(out, 0);
    int64_t axes[CLRNN_MOST_AXES];
    uint32_t bits = 0, count = 0;
    for (uint32_t i = 0; d->kind == CLRNN_NODE_REDUCE && i < d->rank; i++)
        bits |= 1u << d->order[i];
    if (d->kind == CLRNN_NODE_POOL)
        bits = 1u << in->steps;
    for (uint32_t i = 0; i < in->rank; i++)
        if (bits >> i & 1)
            axes[count++] = i;
    if (d->reduction == CLRNN_REDUCE_LAST) {
        last_step(out, axes[0]);
        return;
    }
    const bool sum = d->reduction == CLRNN_REDUCE_SUM; /* the one that has axes as an input */
    ClrOnnx__Node *node =
        clr_out_op(out, names[d->reduction], clr_out_name(out, 0), 2, clr_out_in(out, 0),
                   sum ? clr_out_shape(out, axes, count) : NULL);
    clr_out_int(out, node, "keepdims", d->keep_axes);
    if (!sum)
        clr_out_ints(out, node, "axes", axes, count);
}

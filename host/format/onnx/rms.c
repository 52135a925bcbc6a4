/* SPDX-License-Identifier: MIT
 * format/onnx/rms.c - means of squares over the last axes: RMSNormalization, and what
 * LayerNormalization says of its own. */
#include "format/onnx/fused.h"
#include "format/onnx/math.h"

/* 1/sqrt(x + epsilon) */
static clrnn_status invert(onnx_node *n, double epsilon, uint32_t *at)
{
    const double one = 1;
    clrnn_node_desc number = {.kind = CLRNN_NODE_CONSTANT, .data = &one};
    uint32_t above = 0;
    clrnn_status status = clr_onnx_add_function(n, CLRNN_FN_AFFINE, 1, epsilon, *at, at);
    if (status == CLRNN_OK)
        status = clr_onnx_add_function(n, CLRNN_FN_SQRT, 0, 0, *at, at);
    if (status == CLRNN_OK)
        status = clr_onnx_add(n, &number, NULL, 0, &above);
    return status == CLRNN_OK ? clr_onnx_add_pair(n, CLRNN_NODE_DIV, above, *at, at) : status;
}

/* The mean of squares over the axes from `axis` on, which stay as ones. */
static clrnn_status mean_squares(onnx_node *n, uint32_t axis, uint32_t in, uint32_t *at)
{
    uint32_t axes[CLRNN_MOST_AXES], count = 0;
    for (uint32_t i = axis; i < clr_onnx_shape(n, in)->rank; i++)
        axes[count++] = i;
    clrnn_status status = clr_onnx_add_function(n, CLRNN_FN_SQUARE, 0, 0, in, at);
    return status == CLRNN_OK
               ? clr_onnx_add_reduce(n, CLRNN_REDUCE_MEAN, axes, count, true, *at, at)
               : status;
}

/* Outputs 1 and 2 of LayerNormalization: the mean, and what x - mean is multiplied by. */
clrnn_status clr_onnx_statistics(onnx_node *n, uint32_t axis, double epsilon, uint32_t in)
{
    uint32_t axes[CLRNN_MOST_AXES], count = 0, mean = 0, at = 0;
    for (uint32_t i = axis; i < clr_onnx_shape(n, in)->rank; i++)
        axes[count++] = i;
    clrnn_status status = clr_onnx_add_reduce(n, CLRNN_REDUCE_MEAN, axes, count, true, in, &mean);
    if (status == CLRNN_OK)
        status = clr_onnx_add_pair(n, CLRNN_NODE_SUB, in, mean, &at);
    if (status == CLRNN_OK)
        status = mean_squares(n, axis, at, &at);
    if (status == CLRNN_OK)
        status = invert(n, epsilon, &at);
    if (status == CLRNN_OK)
        clr_onnx_set_graph(n, 1, mean, ONNX_REAL);
    if (status == CLRNN_OK && n->outputs > 2)
        clr_onnx_set_graph(n, 2, at, ONNX_REAL);
    return status;
}

clrnn_status clr_onnx_add_rms(onnx_node *n, uint32_t axis, double epsilon, uint32_t in,
                              uint32_t *at)
{
    clrnn_status status = mean_squares(n, axis, in, at);
    if (status == CLRNN_OK)
        status = invert(n, epsilon, at);
    return status == CLRNN_OK ? clr_onnx_add_pair(n, CLRNN_NODE_MUL, in, *at, at) : status;
}

clrnn_status clr_onnx_add_norm(onnx_node *n, uint32_t axis, double epsilon, uint32_t in,
                               uint32_t *at)
{
    const clr_shape *x = clr_onnx_shape(n, in);
    const uint32_t rank = x->rank - axis;
    clrnn_node_desc desc = {
        .kind = CLRNN_NODE_LAYER_NORM, .rank = rank, .epsilon = epsilon, .no_bias = true};
    uint32_t axes[CLRNN_MOST_AXES], mean = 0;
    if (x->steps < (int32_t)axis && x->batch < (int32_t)axis)
        return clr_onnx_add(n, &desc, &in, 1, at);
    for (uint32_t i = 0; i < rank; i++)
        axes[i] = axis + i;
    clrnn_status status = clr_onnx_add_reduce(n, CLRNN_REDUCE_MEAN, axes, rank, true, in, &mean);
    if (status == CLRNN_OK)
        status = clr_onnx_add_pair(n, CLRNN_NODE_SUB, in, mean, &mean);
    return status == CLRNN_OK ? clr_onnx_add_rms(n, axis, epsilon, mean, at) : status;
}

/* x / sqrt(mean of squares + epsilon) scale */
static clrnn_status rms_norm_build(onnx_node *n)
{
    double epsilon = 1e-5;
    int64_t where = -1, stash = 1;
    uint32_t x = 0, axis = 0, scale = 0, at = 0;
    clrnn_status status = clr_onnx_real(n, "epsilon", 1e-5, &epsilon);
    if (status == CLRNN_OK)
        status = clr_onnx_integer(n, "axis", -1, &where);
    if (status == CLRNN_OK)
        status = clr_onnx_integer(n, "stash_type", 1, &stash);
    if (status == CLRNN_OK)
        status = clr_onnx_number_in(n, 0, &x);
    if (status == CLRNN_OK)
        status = clr_onnx_number_in(n, 1, &scale);
    if (status == CLRNN_OK)
        status = clr_onnx_axis(n, where, clr_onnx_shape(n, x)->rank, &axis);
    if (status == CLRNN_OK)
        status = clr_onnx_add_rms(n, axis, epsilon, x, &at);
    if (status == CLRNN_OK)
        status = clr_onnx_add_pair(n, CLRNN_NODE_MUL, at, scale, &at);
    if (status == CLRNN_OK)
        clr_onnx_set_graph(n, 0, at, ONNX_REAL);
    return status;
}

const onnx_op clr_onnx_ops_rms[] = {{"RMSNormalization", 2, 2, 1, NULL, rms_norm_build, false},
                                    {"SimplifiedLayerNormalization", 2, 2, 1, NULL, rms_norm_build,
                                     false}, /* ONNX Runtime's name of it */
                                    {0}};

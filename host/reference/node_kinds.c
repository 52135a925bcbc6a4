/* SPDX-License-Identifier: MIT
 * reference/node_kinds.c - which file has which kind of node. */
#include "reference/node.h"

typedef void (*node_function)(const clr_ref_node *node, bool back);

static node_function function_of(clrnn_node_kind kind)
{
    switch (kind) {
    case CLRNN_NODE_DENSE:
        return clr_ref_dense;
    case CLRNN_NODE_MATMUL:
        return clr_ref_matmul;
    case CLRNN_NODE_CAST:
        return clr_ref_cast;
    case CLRNN_NODE_CONV1D:
    case CLRNN_NODE_CONV2D:
        return clr_ref_conv;
    case CLRNN_NODE_CONV_TRANSPOSE1D:
    case CLRNN_NODE_CONV_TRANSPOSE2D:
        return clr_ref_conv_transpose;
    case CLRNN_NODE_EMBEDDING:
    case CLRNN_NODE_ONE_HOT:
    case CLRNN_NODE_GATHER:
        return clr_ref_pick;
    case CLRNN_NODE_SOFTMAX:
    case CLRNN_NODE_LOG_SOFTMAX:
    case CLRNN_NODE_LAYER_NORM:
    case CLRNN_NODE_BATCH_NORM:
        return clr_ref_norm;
    case CLRNN_NODE_EMA:
        return clr_ref_ema;
    case CLRNN_NODE_POOL:
    case CLRNN_NODE_REDUCE:
        return clr_ref_reduce;
    case CLRNN_NODE_CONCAT:
    case CLRNN_NODE_SLICE:
    case CLRNN_NODE_RESHAPE:
    case CLRNN_NODE_TRANSPOSE:
    case CLRNN_NODE_PAD:
    case CLRNN_NODE_CONSTANT:
        return clr_ref_move;
    default:
        return clr_ref_map;
    }
}

clrnn_status clr_ref_forward(const clr_ref_node *node)
{
    if (clr_shape_count(node->out[0]) == 0)
        return CLRNN_OK;
    if (node->desc->kind == CLRNN_NODE_RECURRENT)
        return clr_ref_recurrent(node, false);
    function_of(node->desc->kind)(node, false);
    return CLRNN_OK;
}

clrnn_status clr_ref_backward(const clr_ref_node *node)
{
    if (clr_shape_count(node->out[0]) == 0)
        return CLRNN_OK;
    if (node->desc->kind == CLRNN_NODE_RECURRENT)
        return clr_ref_recurrent(node, true);
    function_of(node->desc->kind)(node, true);
    return CLRNN_OK;
}

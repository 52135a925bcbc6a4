/* SPDX-License-Identifier: MIT
 * format/onnx/norm.c - normalisation, softmax, dropout. */
#include <float.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "format/onnx/fused.h"
#include "format/onnx/math.h"

/* Known numbers of input k as a parameter of the node added last. */
static clrnn_status give(onnx_node *n, uint32_t k, const char *name, size_t count)
{
    clrnn_status status = clr_onnx_need_same(n, k, name);
    if (status == CLRNN_OK && clr_onnx_count(&n->in[k]->array[0]) != count)
        status = clr_onnx_fail(n, CLRNN_ERR_FORMAT, "its %s are not %zu", name, count);
    if (status == CLRNN_OK)
        status = clr_onnx_spread(n, &n->in[k]->array[0]);
    if (status != CLRNN_OK)
        return status;
    n->in[k]->array[1] = n->in[k]->array[0];
    return clr_onnx_set_parameter(n, name, n->in[k]->array[0].data, count);
}

static clrnn_status batch_norm_build(onnx_node *n)
{
    static const char *const names[] = {NULL, "weight", "bias", "running_mean", "running_var"};
    double epsilon = 1e-5, momentum = 0;
    int64_t training = 0, spatial = 1;
    uint32_t at = 0;
    clrnn_status status = clr_onnx_real(n, "epsilon", 1e-5, &epsilon);
    if (status == CLRNN_OK)
        status =
            clr_onnx_real(n, "momentum", 0.9, &momentum); /* of training, ours counts the rest */
    if (status == CLRNN_OK)
        status = clr_onnx_integer(n, "training_mode", 0, &training);
    if (status == CLRNN_OK && n->m->opset < 9)
        status = clr_onnx_integer(n, "spatial", 1, &spatial);
    if (status == CLRNN_OK && (training || !spatial))
        status = clr_onnx_fail(n, CLRNN_ERR_UNSUPPORTED, training ? "training_mode" : "spatial 0");
    if (status == CLRNN_OK)
        status = clr_onnx_number_in(n, 0, &at);
    if (status == CLRNN_OK && clr_onnx_shape(n, at)->rank < 2)
        status = clr_onnx_fail(n, CLRNN_ERR_FORMAT, "X has %u axes", clr_onnx_shape(n, at)->rank);
    for (uint32_t k = 1; k < 5 && status == CLRNN_OK; k++)
        status = clr_onnx_need_same(n, k, names[k]);
    if (status != CLRNN_OK)
        return status;
    const size_t C = (size_t)clr_onnx_size(n, at, 1, 0);
    clrnn_node_desc desc = {.kind = CLRNN_NODE_BATCH_NORM, .axis = 1, .epsilon = epsilon};
    status = clr_onnx_add(n, &desc, &at, 1, &at);
    for (uint32_t k = 1; k < 5 && status == CLRNN_OK; k++)
        status = give(n, k, names[k], C);
    if (status == CLRNN_OK)
        clr_onnx_set_graph(n, 0, at, ONNX_REAL);
    return status;
}

/* --- over the last axes ----------------------------------------------------------------------- */

/* x scale + bias by nodes. */
static clrnn_status affine(onnx_node *n, uint32_t scale, uint32_t bias, uint32_t *at)
{
    clrnn_status status = CLRNN_OK;
    if (scale != CLR_NO_VALUE)
        status = clr_onnx_add_pair(n, CLRNN_NODE_MUL, *at, scale, at);
    if (status == CLRNN_OK && bias != CLR_NO_VALUE)
        status = clr_onnx_add_pair(n, CLRNN_NODE_ADD, *at, bias, at);
    return status;
}

static clrnn_status layer_norm_build(onnx_node *n)
{
    double epsilon = 1e-5;
    int64_t where = -1, stash = 1;
    uint32_t at = 0, axis = 0, scale = CLR_NO_VALUE, bias = CLR_NO_VALUE;
    clrnn_status status = clr_onnx_real(n, "epsilon", 1e-5, &epsilon);
    if (status == CLRNN_OK)
        status = clr_onnx_integer(n, "axis", -1, &where);
    if (status == CLRNN_OK)
        status = clr_onnx_integer(n, "stash_type", 1, &stash); /* float: what we compute with */
    if (status == CLRNN_OK)
        status = clr_onnx_number_in(n, 0, &at);
    if (status == CLRNN_OK)
        status = clr_onnx_axis(n, where, clr_onnx_shape(n, at)->rank, &axis);
    if (status == CLRNN_OK && n->outputs > 1)
        status = clr_onnx_statistics(n, axis, epsilon, at);
    if (status != CLRNN_OK)
        return status;
    const uint32_t rank = clr_onnx_shape(n, at)->rank - axis;
    size_t count = 1;
    for (uint32_t i = 0; i < rank; i++)
        count *= (size_t)clr_onnx_size(n, at, axis + i, 0);
    bool own = true; /* scale and bias are the node's */
    for (uint32_t k = 1; k < n->inputs && status == CLRNN_OK; k++) {
        if (n->in[k] && n->in[k]->known)
            status = clr_onnx_need(n, k, "scale");
        own = own && n->in[k] && n->in[k]->known && n->in[k]->same &&
              clr_onnx_count(&n->in[k]->array[0]) == count;
    }
    clrnn_node_desc desc = {
        .kind = CLRNN_NODE_LAYER_NORM, .rank = rank, .epsilon = epsilon, .no_bias = !own};
    if (status == CLRNN_OK)
        status = clr_onnx_add(n, &desc, &at, 1, &at);
    if (status == CLRNN_OK && own) {
        status = give(n, 1, "weight", count);
        if (status == CLRNN_OK && clr_onnx_has(n, 2))
            status = give(n, 2, "bias", count);
    } else if (status == CLRNN_OK) {
        status = clr_onnx_number_in(n, 1, &scale);
        if (status == CLRNN_OK && clr_onnx_has(n, 2))
            status = clr_onnx_number_in(n, 2, &bias);
        if (status == CLRNN_OK)
            status = affine(n, scale, bias, &at);
    }
    if (status == CLRNN_OK)
        clr_onnx_set_graph(n, 0, at, ONNX_REAL);
    return status;
}

/* A number for each channel as [C,1,..]. */
static clrnn_status per_channel(onnx_node *n, uint32_t k, uint32_t spaces, uint32_t *at)
{
    uint32_t axes[CLRNN_MOST_AXES];
    clrnn_status status = clr_onnx_number_in(n, k, at);
    for (uint32_t i = 0; i < spaces; i++)
        axes[i] = 1 + i;
    return status == CLRNN_OK ? clr_onnx_add_unsqueeze(n, axes, spaces, *at, at) : status;
}

static clrnn_status instance_norm_build(onnx_node *n)
{
    double epsilon = 1e-5;
    uint32_t at = 0, scale = 0, bias = 0;
    clrnn_status status = clr_onnx_real(n, "epsilon", 1e-5, &epsilon);
    if (status == CLRNN_OK)
        status = clr_onnx_number_in(n, 0, &at);
    if (status == CLRNN_OK && clr_onnx_shape(n, at)->rank < 3)
        status = clr_onnx_fail(n, CLRNN_ERR_FORMAT, "X has %u axes", clr_onnx_shape(n, at)->rank);
    if (status != CLRNN_OK)
        return status;
    const uint32_t spaces = clr_onnx_shape(n, at)->rank - 2;
    status = clr_onnx_add_norm(n, 2, epsilon, at, &at);
    if (status == CLRNN_OK)
        status = per_channel(n, 1, spaces, &scale);
    if (status == CLRNN_OK)
        status = per_channel(n, 2, spaces, &bias);
    if (status == CLRNN_OK)
        status = affine(n, scale, bias, &at);
    if (status == CLRNN_OK)
        clr_onnx_set_graph(n, 0, at, ONNX_REAL);
    return status;
}

/* [N,C,..] as [N,groups,rest], normalised over the rest; scale and bias of each group up to opset
 * 20, then of each channel. */
static clrnn_status group_norm_build(onnx_node *n)
{
    double epsilon = 1e-5;
    int64_t groups = 0, stash = 1;
    uint32_t at = 0, scale = 0, bias = 0;
    uint64_t parts[ONNX_WORLDS][3], whole[ONNX_WORLDS][CLRNN_MOST_AXES];
    uint64_t *const to_parts[] = {parts[0], parts[1]}, *const back[] = {whole[0], whole[1]};
    clrnn_status status = clr_onnx_real(n, "epsilon", 1e-5, &epsilon);
    if (status == CLRNN_OK)
        status = clr_onnx_integer(n, "num_groups", 0, &groups);
    if (status == CLRNN_OK)
        status = clr_onnx_integer(n, "stash_type", 1, &stash); /* float: what we compute with */
    if (status == CLRNN_OK)
        status = clr_onnx_number_in(n, 0, &at);
    const uint32_t rank = status == CLRNN_OK ? clr_onnx_shape(n, at)->rank : 0;
    if (status == CLRNN_OK &&
        (rank < 3 || groups < 1 || clr_onnx_size(n, at, 1, 0) % (uint64_t)groups != 0))
        status = clr_onnx_fail(n, CLRNN_ERR_FORMAT, "X in %lld groups", (long long)groups);
    if (status != CLRNN_OK)
        return status;
    for (int w = 0; w < ONNX_WORLDS; w++) {
        parts[w][0] = clr_onnx_size(n, at, 0, w);
        parts[w][1] = (uint64_t)groups;
        parts[w][2] = 1;
        for (uint32_t i = 0; i < rank; i++) {
            whole[w][i] = clr_onnx_size(n, at, i, w);
            parts[w][2] *= i == 0 ? 1 : i == 1 ? whole[w][1] / (uint64_t)groups : whole[w][i];
        }
    }
    const bool by_group = n->m->opset < 21;
    status = clr_onnx_add_reshape(n, 3, to_parts, at, &at);
    if (status == CLRNN_OK)
        status = clr_onnx_add_norm(n, 2, epsilon, at, &at);
    if (status == CLRNN_OK)
        status = per_channel(n, 1, by_group ? 1 : rank - 2, &scale);
    if (status == CLRNN_OK)
        status = per_channel(n, 2, by_group ? 1 : rank - 2, &bias);
    if (status == CLRNN_OK && by_group)
        status = affine(n, scale, bias, &at);
    if (status == CLRNN_OK)
        status = clr_onnx_add_reshape(n, rank, back, at, &at);
    if (status == CLRNN_OK && !by_group)
        status = affine(n, scale, bias, &at);
    if (status == CLRNN_OK)
        clr_onnx_set_graph(n, 0, at, ONNX_REAL);
    return status;
}

/* x over its norm along an axis; of zeros 0. */
static clrnn_status lp_norm_build(onnx_node *n)
{
    static const double least = FLT_MIN;
    clrnn_node_desc smallest = {.kind = CLRNN_NODE_CONSTANT, .data = &least};
    int64_t where = -1, p = 2;
    uint32_t x = 0, axis = 0, at = 0, bound = 0;
    clrnn_status status = clr_onnx_integer(n, "axis", -1, &where);
    if (status == CLRNN_OK)
        status = clr_onnx_integer(n, "p", 2, &p);
    if (status == CLRNN_OK && p != 1 && p != 2)
        status = clr_onnx_fail(n, CLRNN_ERR_UNSUPPORTED, "p of %lld", (long long)p);
    if (status == CLRNN_OK)
        status = clr_onnx_number_in(n, 0, &x);
    if (status == CLRNN_OK)
        status = clr_onnx_axis(n, where, clr_onnx_shape(n, x)->rank, &axis);
    if (status == CLRNN_OK)
        status = clr_onnx_add_function(n, p == 1 ? CLRNN_FN_ABS : CLRNN_FN_SQUARE, 0, 0, x, &at);
    if (status == CLRNN_OK)
        status = clr_onnx_add_reduce(n, CLRNN_REDUCE_SUM, &axis, 1, true, at, &at);
    if (status == CLRNN_OK && p == 2)
        status = clr_onnx_add_function(n, CLRNN_FN_SQRT, 0, 0, at, &at);
    if (status == CLRNN_OK)
        status = clr_onnx_add(n, &smallest, NULL, 0, &bound);
    if (status == CLRNN_OK)
        status = clr_onnx_add_pair(n, CLRNN_NODE_MAX, at, bound, &at);
    if (status == CLRNN_OK)
        status = clr_onnx_add_pair(n, CLRNN_NODE_DIV, x, at, &at);
    if (status == CLRNN_OK)
        clr_onnx_set_graph(n, 0, at, ONNX_REAL);
    return status;
}

/* --- softmax ---------------------------------------------------------------------------------- */

/* Up to opset 12 over all axes from `axis` on. */
static clrnn_status flat_softmax(onnx_node *n, clrnn_node_desc *desc, uint32_t axis, uint32_t in,
                                 uint32_t *at)
{
    uint64_t flat[ONNX_WORLDS][2], whole[ONNX_WORLDS][CLRNN_MOST_AXES];
    uint64_t *const to_flat[] = {flat[0], flat[1]}, *const back[] = {whole[0], whole[1]};
    const uint32_t rank = clr_onnx_shape(n, in)->rank;
    for (int w = 0; w < ONNX_WORLDS; w++) {
        flat[w][0] = flat[w][1] = 1;
        for (uint32_t i = 0; i < rank; i++) {
            whole[w][i] = clr_onnx_size(n, in, i, w);
            flat[w][i >= axis] *= whole[w][i];
        }
    }
    desc->axis = 1;
    clrnn_status status = clr_onnx_add_reshape(n, 2, to_flat, in, at);
    if (status == CLRNN_OK)
        status = clr_onnx_add(n, desc, at, 1, at);
    return status == CLRNN_OK ? clr_onnx_add_reshape(n, rank, back, *at, at) : status;
}

static clrnn_status softmax_build(onnx_node *n)
{
    int64_t where = 0;
    uint32_t at = 0, axis = 0;
    const bool old = n->m->opset < 13;
    clrnn_node_desc desc = {.kind = *n->op == 'L' ? CLRNN_NODE_LOG_SOFTMAX : CLRNN_NODE_SOFTMAX};
    clrnn_status status = clr_onnx_integer(n, "axis", old ? 1 : -1, &where);
    if (status == CLRNN_OK)
        status = clr_onnx_number_in(n, 0, &at);
    if (status == CLRNN_OK)
        status = clr_onnx_axis(n, where, clr_onnx_shape(n, at)->rank, &axis);
    if (status != CLRNN_OK)
        return status;
    desc.axis = (int32_t)axis;
    status = old && axis + 1 < clr_onnx_shape(n, at)->rank ? flat_softmax(n, &desc, axis, at, &at)
                                                           : clr_onnx_add(n, &desc, &at, 1, &at);
    if (status == CLRNN_OK)
        clr_onnx_set_graph(n, 0, at, ONNX_REAL);
    return status;
}

/* --- dropout ---------------------------------------------------------------------------------- */

/* Nothing, outside of training; the mask is all true, or before opset 12, where nothing says it,
 * all false as ONNX Runtime's. */
static clrnn_status dropout_build(onnx_node *n)
{
    double ratio = 0, training = 0;
    int64_t seed = 0;
    clrnn_status status = clr_onnx_integer(n, "seed", 0, &seed);
    if (status == CLRNN_OK && n->m->opset < 12)
        status = clr_onnx_real(n, "ratio", 0.5, &ratio);
    if (status == CLRNN_OK)
        status = clr_onnx_need_number(n, 2, "training_mode", 0, &training);
    if (status == CLRNN_OK && training != 0)
        status = clr_onnx_fail(n, CLRNN_ERR_UNSUPPORTED, "training_mode");
    if (status == CLRNN_OK)
        status = clr_onnx_set_alias(n, 0, n->in[0]);
    if (status != CLRNN_OK || n->outputs < 2 || !*n->proto->output[1])
        return status;
    uint32_t x = 0;
    onnx_array ones[ONNX_WORLDS] = {{0}};
    status = clr_onnx_graph_in(n, 0, &x);
    for (int w = 0; w < ONNX_WORLDS && status == CLRNN_OK; w++) {
        ones[w] =
            (onnx_array){.type = ONNX_BOOL, .filled = true, .rank = clr_onnx_shape(n, x)->rank};
        for (uint32_t i = 0; i < ones[w].rank; i++)
            ones[w].size[i] = clr_onnx_size(n, x, i, w);
        status = clr_onnx_allocate(n, &ones[w]);
        if (status == CLRNN_OK)
            ones[w].data[0] = n->m->opset >= 12;
    }
    if (status == CLRNN_OK)
        clr_onnx_set_known(n, 1, &ones[0], &ones[1]);
    clr_onnx_array_free(&ones[0]);
    clr_onnx_array_free(&ones[1]);
    return status;
}

const onnx_op clr_onnx_ops_norm[] = {
    {"BatchNormalization", 5, 5, 1, NULL, batch_norm_build, false},
    {"LayerNormalization", 2, 3, 3, NULL, layer_norm_build, false},
    {"InstanceNormalization", 3, 3, 1, NULL, instance_norm_build, false},
    {"GroupNormalization", 3, 3, 1, NULL, group_norm_build, false},
    {"LpNormalization", 1, 1, 1, NULL, lp_norm_build, false},
    {"Softmax", 1, 1, 1, NULL, softmax_build, false},
    {"LogSoftmax", 1, 1, 1, NULL, softmax_build, false},
    {"Dropout", 1, 3, 2, NULL, dropout_build, false},
    {0}};

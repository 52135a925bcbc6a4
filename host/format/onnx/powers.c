/* SPDX-License-Identifier: MIT
 * format/onnx/powers.c - powers and what is made of them: the roots of sums of powers, norms over
 * neighbouring channels, mean and variance over any axes. */
#include "format/onnx/math.h"
#include "format/onnx/slice.h"

static clrnn_status raise_to(onnx_node *n, double exponent, uint32_t in, uint32_t *at)
{
    clrnn_node_desc constant = {.kind = CLRNN_NODE_CONSTANT, .data = &exponent};
    uint32_t power = 0;
    clrnn_status status = clr_onnx_add(n, &constant, NULL, 0, &power);
    return status == CLRNN_OK ? clr_onnx_add_pair(n, CLRNN_NODE_POW, in, power, at) : status;
}

clrnn_status clr_onnx_add_powers(onnx_node *n, int64_t p, uint32_t in, uint32_t *at)
{
    if (p < 1 || p > INT32_MAX)
        return clr_onnx_fail(n, CLRNN_ERR_UNSUPPORTED, "p of %lld", (long long)p);
    clrnn_status status =
        clr_onnx_add_function(n, p == 2 ? CLRNN_FN_SQUARE : CLRNN_FN_ABS, 0, 0, in, at);
    return status == CLRNN_OK && p > 2 ? raise_to(n, (double)p, *at, at) : status;
}

clrnn_status clr_onnx_add_root(onnx_node *n, int64_t p, uint32_t in, uint32_t *at)
{
    *at = in;
    return p == 2  ? clr_onnx_add_function(n, CLRNN_FN_SQRT, 0, 0, in, at)
           : p > 2 ? raise_to(n, 1.0 / (double)p, in, at)
                   : CLRNN_OK;
}

/* --- over neighbouring channels: x / (bias + alpha/size * sum of squares)^beta ------------------
 */

/* The squares of `size` channels around each. */
static clrnn_status around(onnx_node *n, int64_t size, uint32_t x, uint32_t *at)
{
    clrnn_node_desc pad = {.kind = CLRNN_NODE_PAD, .rank = 2};
    pad.begin[1] = (size - 1) / 2;
    pad.end[1] = size / 2;
    uint32_t part = 0, padded = 0;
    clrnn_status status = clr_onnx_add_function(n, CLRNN_FN_SQUARE, 0, 0, x, at);
    if (status == CLRNN_OK && size > 1)
        status = clr_onnx_add(n, &pad, at, 1, at);
    padded = *at;
    for (int64_t k = 0; k < size && size > 1 && status == CLRNN_OK; k++) {
        const int64_t behind = size - 1 - k;
        status = clr_onnx_cut(n, 1, k, behind ? -behind : CLRNN_TO_END, 1, padded, &part);
        if (status == CLRNN_OK && k > 0)
            status = clr_onnx_add_pair(n, CLRNN_NODE_ADD, *at, part, &part);
        *at = part;
    }
    return status;
}

static clrnn_status lrn_build(onnx_node *n)
{
    double alpha = 1e-4, beta = 0.75, bias = 1;
    int64_t size = 0;
    uint32_t x = 0, at = 0;
    clrnn_status status = clr_onnx_real(n, "alpha", 1e-4, &alpha);
    if (status == CLRNN_OK)
        status = clr_onnx_real(n, "beta", 0.75, &beta);
    if (status == CLRNN_OK)
        status = clr_onnx_real(n, "bias", 1, &bias);
    if (status == CLRNN_OK)
        status = clr_onnx_integer(n, "size", 0, &size);
    if (status == CLRNN_OK && (size < 1 || size > 4096))
        status = clr_onnx_fail(n, CLRNN_ERR_FORMAT, "size %lld", (long long)size);
    if (status == CLRNN_OK)
        status = clr_onnx_number_in(n, 0, &x);
    if (status == CLRNN_OK && clr_onnx_shape(n, x)->rank < 2)
        status = clr_onnx_fail(n, CLRNN_ERR_FORMAT, "X has %u axes", clr_onnx_shape(n, x)->rank);
    if (status == CLRNN_OK)
        status = around(n, size, x, &at);
    if (status == CLRNN_OK)
        status = clr_onnx_add_function(n, CLRNN_FN_AFFINE, alpha / (double)size, bias, at, &at);
    if (status == CLRNN_OK)
        status = raise_to(n, beta, at, &at);
    if (status == CLRNN_OK)
        status = clr_onnx_add_pair(n, CLRNN_NODE_DIV, x, at, &at);
    if (status == CLRNN_OK)
        clr_onnx_set_graph(n, 0, at, ONNX_REAL);
    return status;
}

/* --- (x - mean) / (deviation + 1e-9) ---------------------------------------------------------- */

static clrnn_status mean_variance_build(onnx_node *n)
{
    int64_t wanted[CLRNN_MOST_AXES] = {0, 2, 3};
    uint32_t axes[CLRNN_MOST_AXES], count = 0, x = 0, at = 0;
    clrnn_status status = clr_onnx_integers(n, "axes", CLRNN_MOST_AXES, wanted, &count);
    if (count == 0) {
        const int64_t usual[] = {0, 2, 3};
        for (uint32_t i = 0; i < 3; i++)
            wanted[i] = usual[i];
        count = 3;
    }
    if (status == CLRNN_OK)
        status = clr_onnx_number_in(n, 0, &x);
    for (uint32_t i = 0; i < count && status == CLRNN_OK; i++)
        status = clr_onnx_axis(n, wanted[i], clr_onnx_shape(n, x)->rank, &axes[i]);
    if (status == CLRNN_OK)
        status = clr_onnx_add_reduce(n, CLRNN_REDUCE_MEAN, axes, count, true, x, &at);
    if (status == CLRNN_OK)
        status = clr_onnx_add_pair(n, CLRNN_NODE_SUB, x, at, &x);
    if (status == CLRNN_OK)
        status = clr_onnx_add_function(n, CLRNN_FN_SQUARE, 0, 0, x, &at);
    if (status == CLRNN_OK)
        status = clr_onnx_add_reduce(n, CLRNN_REDUCE_MEAN, axes, count, true, at, &at);
    if (status == CLRNN_OK)
        status = clr_onnx_add_function(n, CLRNN_FN_SQRT, 0, 0, at, &at);
    if (status == CLRNN_OK)
        status = clr_onnx_add_function(n, CLRNN_FN_AFFINE, 1, 1e-9, at, &at);
    if (status == CLRNN_OK)
        status = clr_onnx_add_pair(n, CLRNN_NODE_DIV, x, at, &at);
    if (status == CLRNN_OK)
        clr_onnx_set_graph(n, 0, at, ONNX_REAL);
    return status;
}

const onnx_op clr_onnx_ops_powers[] = {
    {"LRN", 1, 1, 1, NULL, lrn_build, false},
    {"MeanVarianceNormalization", 1, 1, 1, NULL, mean_variance_build, false},
    {0}};

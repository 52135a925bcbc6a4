/* SPDX-License-Identifier: MIT
 * format/onnx/arc.c - Atan, Asin, Acos, made of nodes that the graph has: angles are halved until a
 * series of few terms has them to the last bits of double precision. */
#include <math.h>
#include <string.h>

#include "format/onnx/math.h"

static const double half_pi = 1.57079632679489661923;

static clrnn_status function(onnx_node *n, clrnn_function f, uint32_t in, uint32_t *at)
{
    double alpha = 0, beta = 0;
    clrnn_function_defaults(f, &alpha, &beta);
    return clr_onnx_add_function(n, f, alpha, beta, in, at);
}

static clrnn_status affine(onnx_node *n, double alpha, double beta, uint32_t in, uint32_t *at)
{
    return clr_onnx_add_function(n, CLRNN_FN_AFFINE, alpha, beta, in, at);
}

/* t / (1 + sqrt(1 + sign t^2)): for +, tan(a/2) of t = tan a; for -, tan(a/2) of t = sin a. */
static clrnn_status halve(onnx_node *n, double sign, uint32_t t, uint32_t *at)
{
    uint32_t below = 0;
    clrnn_status status = function(n, CLRNN_FN_SQUARE, t, &below);
    if (status == CLRNN_OK)
        status = affine(n, sign, 1, below, &below);
    if (status == CLRNN_OK)
        status = function(n, CLRNN_FN_SQRT, below, &below);
    if (status == CLRNN_OK)
        status = affine(n, 1, 1, below, &below);
    return status == CLRNN_OK ? clr_onnx_add_pair(n, CLRNN_NODE_DIV, t, below, at) : status;
}

/* scale * atan(t) for |t| <= tan(pi/16): t - t^3/3 + t^5/5 - .., the rest below 1e-16. */
static clrnn_status series(onnx_node *n, double scale, uint32_t t, uint32_t *at)
{
    enum { terms = 11 };
    uint32_t square = 0, sum = 0;
    clrnn_status status = function(n, CLRNN_FN_SQUARE, t, &square);
    sum = square;
    for (int k = terms - 1; k > 0 && status == CLRNN_OK; k--) {
        const double last = (k % 2 ? -1.0 : 1.0) / (2 * k + 1);
        const double next = (k % 2 ? 1.0 : -1.0) / (2 * k - 1);
        status = k == terms - 1 ? affine(n, last, next, square, &sum)
                                : clr_onnx_add_pair(n, CLRNN_NODE_MUL, sum, square, &sum);
        if (status == CLRNN_OK && k < terms - 1)
            status = affine(n, 1, next, sum, &sum);
    }
    if (status == CLRNN_OK)
        status = clr_onnx_add_pair(n, CLRNN_NODE_MUL, sum, t, at);
    return status == CLRNN_OK ? affine(n, scale, 0, *at, at) : status;
}

/* scale * atan(t) for |t| <= 1. */
static clrnn_status small_angle(onnx_node *n, double scale, uint32_t t, uint32_t *at)
{
    clrnn_status status = halve(n, 1, t, at);
    if (status == CLRNN_OK)
        status = halve(n, 1, *at, at);
    return status == CLRNN_OK ? series(n, 4 * scale, *at, at) : status;
}

/* Of |x| above 1, pi/2 less the angle of 1/|x|; then the sign. */
static clrnn_status atan_build(onnx_node *n)
{
    static const double one = 1;
    clrnn_node_desc constant = {.kind = CLRNN_NODE_CONSTANT, .data = &one};
    clrnn_node_desc above = {.kind = CLRNN_NODE_COMPARE, .comparison = CLRNN_GREATER};
    clrnn_node_desc choose = {.kind = CLRNN_NODE_SELECT};
    uint32_t x = 0, size = 0, over = 0, large = 0, at = 0, other = 0;
    clrnn_status status = clr_onnx_number_in(n, 0, &x);
    if (status == CLRNN_OK)
        status = function(n, CLRNN_FN_ABS, x, &size);
    if (status == CLRNN_OK)
        status = clr_onnx_add(n, &constant, NULL, 0, &large);
    if (status == CLRNN_OK)
        status = clr_onnx_add_pair(n, CLRNN_NODE_DIV, large, size, &over);
    if (status == CLRNN_OK)
        status = clr_onnx_add(n, &above, (uint32_t[]){size, large}, 2, &large);
    if (status == CLRNN_OK)
        status = clr_onnx_add(n, &choose, (uint32_t[]){large, over, size}, 3, &at);
    if (status == CLRNN_OK)
        status = small_angle(n, 1, at, &at);
    if (status == CLRNN_OK)
        status = affine(n, -1, half_pi, at, &other);
    if (status == CLRNN_OK)
        status = clr_onnx_add(n, &choose, (uint32_t[]){large, other, at}, 3, &at);
    if (status == CLRNN_OK)
        status = function(n, CLRNN_FN_SIGN, x, &other);
    if (status == CLRNN_OK)
        status = clr_onnx_add_pair(n, CLRNN_NODE_MUL, at, other, &at);
    if (status == CLRNN_OK)
        clr_onnx_set_graph(n, 0, at, ONNX_REAL);
    return status;
}

/* asin x = 2 atan(x / (1 + sqrt(1 - x^2))), acos x = pi/2 - asin x. */
static clrnn_status asin_build(onnx_node *n)
{
    uint32_t x = 0, at = 0;
    clrnn_status status = clr_onnx_number_in(n, 0, &x);
    if (status == CLRNN_OK)
        status = halve(n, -1, x, &at);
    if (status == CLRNN_OK)
        status = small_angle(n, 2, at, &at);
    if (status == CLRNN_OK && strcmp(n->op, "Acos") == 0)
        status = affine(n, -1, half_pi, at, &at);
    if (status == CLRNN_OK)
        clr_onnx_set_graph(n, 0, at, ONNX_REAL);
    return status;
}

const onnx_op clr_onnx_ops_arc[] = {{"Atan", 1, 1, 1, NULL, atan_build, false},
                                    {"Asin", 1, 1, 1, NULL, asin_build, false},
                                    {"Acos", 1, 1, 1, NULL, asin_build, false},
                                    {0}};

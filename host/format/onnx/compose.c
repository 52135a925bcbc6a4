/* SPDX-License-Identifier: MIT
 * format/onnx/compose.c - functions of one number for which the graph has no node: made of several
 * of those that it has. */
#include <float.h>
#include <math.h>
#include <string.h>

#include "format/onnx/math.h"

/* A function with its usual alpha and beta. */
static clrnn_status function(onnx_node *n, clrnn_function f, uint32_t in, uint32_t *at)
{
    double alpha = 0, beta = 0;
    clrnn_function_defaults(f, &alpha, &beta);
    return clr_onnx_add_function(n, f, alpha, beta, in, at);
}

static clrnn_status finish(onnx_node *n, clrnn_status status, uint32_t at, onnx_type type)
{
    if (status == CLRNN_OK)
        clr_onnx_set_graph(n, 0, at, type);
    return status;
}

/* sin(x)/cos(x) */
static clrnn_status tangent_build(onnx_node *n)
{
    uint32_t x = 0, sine = 0, at = 0;
    clrnn_status status = clr_onnx_number_in(n, 0, &x);
    if (status == CLRNN_OK)
        status = function(n, CLRNN_FN_SIN, x, &sine);
    if (status == CLRNN_OK)
        status = function(n, CLRNN_FN_COS, x, &at);
    if (status == CLRNN_OK)
        status = clr_onnx_add_pair(n, CLRNN_NODE_DIV, sine, at, &at);
    return finish(n, status, at, ONNX_REAL);
}

/* (e^x -+ e^-x)/2 */
static clrnn_status hyperbolic_build(onnx_node *n)
{
    const bool sine = strcmp(n->op, "Sinh") == 0;
    uint32_t x = 0, up = 0, at = 0;
    clrnn_status status = clr_onnx_number_in(n, 0, &x);
    if (status == CLRNN_OK)
        status = function(n, CLRNN_FN_EXP, x, &up);
    if (status == CLRNN_OK)
        status = function(n, CLRNN_FN_NEGATE, x, &at);
    if (status == CLRNN_OK)
        status = function(n, CLRNN_FN_EXP, at, &at);
    if (status == CLRNN_OK)
        status = clr_onnx_add_pair(n, sine ? CLRNN_NODE_SUB : CLRNN_NODE_ADD, up, at, &at);
    if (status == CLRNN_OK)
        status = clr_onnx_add_function(n, CLRNN_FN_AFFINE, 0.5, 0, at, &at);
    return finish(n, status, at, ONNX_REAL);
}

/* log(|x| + sqrt(x^2 +- 1)), for asinh with the sign of x. */
static clrnn_status inverse_build(onnx_node *n)
{
    const bool sine = strcmp(n->op, "Asinh") == 0;
    uint32_t x = 0, size = 0, at = 0, sign = 0;
    clrnn_status status = clr_onnx_number_in(n, 0, &x);
    if (status == CLRNN_OK)
        status = function(n, CLRNN_FN_SQUARE, x, &at);
    if (status == CLRNN_OK)
        status = clr_onnx_add_function(n, CLRNN_FN_AFFINE, 1, sine ? 1 : -1, at, &at);
    if (status == CLRNN_OK)
        status = function(n, CLRNN_FN_SQRT, at, &at);
    size = x;
    if (status == CLRNN_OK && sine)
        status = function(n, CLRNN_FN_ABS, x, &size);
    if (status == CLRNN_OK)
        status = clr_onnx_add_pair(n, CLRNN_NODE_ADD, size, at, &at);
    if (status == CLRNN_OK)
        status = function(n, CLRNN_FN_LOG, at, &at);
    if (status == CLRNN_OK && sine)
        status = function(n, CLRNN_FN_SIGN, x, &sign);
    if (status == CLRNN_OK && sine)
        status = clr_onnx_add_pair(n, CLRNN_NODE_MUL, at, sign, &at);
    return finish(n, status, at, ONNX_REAL);
}

/* log((1 + x)/(1 - x))/2 */
static clrnn_status inverse_tanh_build(onnx_node *n)
{
    uint32_t x = 0, above = 0, at = 0;
    clrnn_status status = clr_onnx_number_in(n, 0, &x);
    if (status == CLRNN_OK)
        status = clr_onnx_add_function(n, CLRNN_FN_AFFINE, 1, 1, x, &above);
    if (status == CLRNN_OK)
        status = clr_onnx_add_function(n, CLRNN_FN_AFFINE, -1, 1, x, &at);
    if (status == CLRNN_OK)
        status = clr_onnx_add_pair(n, CLRNN_NODE_DIV, above, at, &at);
    if (status == CLRNN_OK)
        status = function(n, CLRNN_FN_LOG, at, &at);
    if (status == CLRNN_OK)
        status = clr_onnx_add_function(n, CLRNN_FN_AFFINE, 0.5, 0, at, &at);
    return finish(n, status, at, ONNX_REAL);
}

/* x - bias above lambd, x + bias below -lambd, else 0. */
static clrnn_status shrink_build(onnx_node *n)
{
    double lambd = 0.5, bias = 0;
    uint32_t x = 0, part[2] = {0}, at = 0;
    clrnn_status status = clr_onnx_real(n, "lambd", 0.5, &lambd);
    if (status == CLRNN_OK)
        status = clr_onnx_real(n, "bias", 0, &bias);
    if (status == CLRNN_OK)
        status = clr_onnx_number_in(n, 0, &x);
    for (int side = 0; side < 2 && status == CLRNN_OK; side++) {
        const double sign = side ? -1 : 1;
        uint32_t bound = 0, far = 0;
        clrnn_node_desc one = {.kind = CLRNN_NODE_CONSTANT, .data = &(double){lambd}};
        clrnn_node_desc more = {.kind = CLRNN_NODE_COMPARE, .comparison = CLRNN_GREATER};
        status = clr_onnx_add(n, &one, NULL, 0, &bound);
        if (status == CLRNN_OK)
            status = clr_onnx_add_function(n, CLRNN_FN_AFFINE, sign, 0, x, &far);
        if (status == CLRNN_OK)
            status = clr_onnx_add(n, &more, (uint32_t[]){far, bound}, 2, &far);
        if (status == CLRNN_OK)
            status = clr_onnx_add_function(n, CLRNN_FN_AFFINE, 1, -sign * bias, x, &part[side]);
        if (status == CLRNN_OK)
            status = clr_onnx_add_pair(n, CLRNN_NODE_MUL, part[side], far, &part[side]);
    }
    if (status == CLRNN_OK)
        status = clr_onnx_add_pair(n, CLRNN_NODE_ADD, part[0], part[1], &at);
    return finish(n, status, at, n->in[0]->type);
}

/* --- what is no number ------------------------------------------------------------------------ */

static double is_odd(const onnx_node *n, double x, bool up, bool down)
{
    return strcmp(n->op, "IsNaN") == 0 ? x != x : (x == INFINITY && up) || (x == -INFINITY && down);
}

static clrnn_status signs(onnx_node *n, bool *up, bool *down)
{
    int64_t positive = 1, negative = 1;
    clrnn_status status = CLRNN_OK;
    if (strcmp(n->op, "IsInf") == 0) {
        status = clr_onnx_integer(n, "detect_positive", 1, &positive);
        if (status == CLRNN_OK)
            status = clr_onnx_integer(n, "detect_negative", 1, &negative);
    }
    *up = positive != 0;
    *down = negative != 0;
    return status;
}

static clrnn_status odd_fold(onnx_node *n, const onnx_array *const *in, onnx_array *out)
{
    bool up = true, down = true;
    clrnn_status status = signs(n, &up, &down);
    *out = clr_onnx_like(in[0]);
    out->type = ONNX_BOOL;
    if (status == CLRNN_OK)
        status = clr_onnx_allocate(n, out);
    for (size_t i = 0; status == CLRNN_OK && i < (out->filled ? 1 : clr_onnx_count(out)); i++)
        out->data[i] = is_odd(n, in[0]->data[i], up, down);
    return status;
}

/* What differs from itself; what is beyond the largest number. */
static clrnn_status odd_build(onnx_node *n)
{
    const bool nan = strcmp(n->op, "IsNaN") == 0;
    const double most = n->m->desc->precision == CLRNN_F64 ? DBL_MAX : (double)FLT_MAX;
    clrnn_node_desc one = {.kind = CLRNN_NODE_CONSTANT, .data = &most};
    clrnn_node_desc compare = {.kind = CLRNN_NODE_COMPARE,
                               .comparison = nan ? CLRNN_NOT_EQUAL : CLRNN_GREATER};
    bool up = true, down = true;
    uint32_t x = 0, bound = 0, at = 0;
    clrnn_status status = signs(n, &up, &down);
    if (status == CLRNN_OK)
        status = clr_onnx_number_in(n, 0, &x);
    at = bound = x; /* of neither sign: x > x */
    if (status == CLRNN_OK && !nan && down)
        status = function(n, up ? CLRNN_FN_ABS : CLRNN_FN_NEGATE, x, &at);
    if (status == CLRNN_OK && !nan && (up || down))
        status = clr_onnx_add(n, &one, NULL, 0, &bound);
    if (status == CLRNN_OK)
        status = clr_onnx_add(n, &compare, (uint32_t[]){at, bound}, 2, &at);
    return finish(n, status, at, ONNX_BOOL);
}

const onnx_op clr_onnx_ops_compose[] = {{"Tan", 1, 1, 1, NULL, tangent_build, false},
                                        {"Sinh", 1, 1, 1, NULL, hyperbolic_build, false},
                                        {"Cosh", 1, 1, 1, NULL, hyperbolic_build, false},
                                        {"Asinh", 1, 1, 1, NULL, inverse_build, false},
                                        {"Acosh", 1, 1, 1, NULL, inverse_build, false},
                                        {"Atanh", 1, 1, 1, NULL, inverse_tanh_build, false},
                                        {"Shrink", 1, 1, 1, NULL, shrink_build, false},
                                        {"IsNaN", 1, 1, 1, odd_fold, odd_build, false},
                                        {"IsInf", 1, 1, 1, odd_fold, odd_build, false},
                                        {0}};

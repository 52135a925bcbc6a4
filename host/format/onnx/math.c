/* SPDX-License-Identifier: MIT
 * format/onnx/math.c - operators that compute element by element. */
#include <float.h>
#include <math.h>
#include <string.h>

#include "format/onnx/math.h"
#include "reference/function.h"

/* --- functions of one number ------------------------------------------------------------------ */

/* An operator that is a function of the graph, with attributes for its alpha and beta. */
typedef struct unary {
    const char *op;
    clrnn_function function;
    const char *alpha, *beta; /* names of attributes */
    double a, b;              /* where they are left out */
} unary;

static const unary unaries[] = {
    {"Relu", CLRNN_FN_RELU, NULL, NULL, 0, 0},
    {"LeakyRelu", CLRNN_FN_LEAKY_RELU, "alpha", NULL, 0.01, 1},
    {"Elu", CLRNN_FN_ELU, "alpha", NULL, 1, 1},
    {"Selu", CLRNN_FN_SELU, "alpha", "gamma", 1.67326319217681884765625, 1.05070102214813232421875},
    {"ThresholdedRelu", CLRNN_FN_THRESHOLDED_RELU, "alpha", NULL, 1, 1},
    {"HardSigmoid", CLRNN_FN_HARD_SIGMOID, "alpha", "beta", 0.2, 0.5},
    {"HardSwish", CLRNN_FN_HARD_SWISH, NULL, NULL, 0, 0},
    {"Mish", CLRNN_FN_MISH, NULL, NULL, 0, 0},
    {"Swish", CLRNN_FN_SILU, "alpha", NULL, 1, 1},
    {"Sigmoid", CLRNN_FN_SIGMOID, NULL, NULL, 0, 0},
    {"Tanh", CLRNN_FN_TANH, NULL, NULL, 0, 0},
    {"Softplus", CLRNN_FN_SOFTPLUS, NULL, NULL, 0, 0},
    {"Softsign", CLRNN_FN_SOFTSIGN, NULL, NULL, 0, 0},
    {"Exp", CLRNN_FN_EXP, NULL, NULL, 0, 0},
    {"Log", CLRNN_FN_LOG, NULL, NULL, 0, 0},
    {"Sqrt", CLRNN_FN_SQRT, NULL, NULL, 0, 0},
    {"Abs", CLRNN_FN_ABS, NULL, NULL, 0, 0},
    {"Neg", CLRNN_FN_NEGATE, NULL, NULL, 0, 0},
    {"Reciprocal", CLRNN_FN_RECIPROCAL, NULL, NULL, 0, 0},
    {"Sign", CLRNN_FN_SIGN, NULL, NULL, 0, 0},
    {"Floor", CLRNN_FN_FLOOR, NULL, NULL, 0, 0},
    {"Ceil", CLRNN_FN_CEIL, NULL, NULL, 0, 0},
    {"Not", CLRNN_FN_NOT, NULL, NULL, 0, 0},
    {"Erf", CLRNN_FN_ERF, NULL, NULL, 0, 0},
    {"Sin", CLRNN_FN_SIN, NULL, NULL, 0, 0},
    {"Cos", CLRNN_FN_COS, NULL, NULL, 0, 0},
    {"Round", CLRNN_FN_ROUND, NULL, NULL, 0, 0}};

static clrnn_status find_unary(onnx_node *n, clrnn_node_desc *desc)
{
    const unary *u = unaries;
    char form[32];
    *desc = (clrnn_node_desc){.kind = CLRNN_NODE_ACTIVATION};
    if (strcmp(n->op, "Gelu") == 0) {
        clrnn_status status = clr_onnx_word(n, "approximate", "none", form);
        const bool by_tanh = strcmp(form, "tanh") == 0;
        desc->function = by_tanh ? CLRNN_FN_GELU_TANH : CLRNN_FN_GELU;
        if (status == CLRNN_OK && !by_tanh && strcmp(form, "none") != 0)
            status = clr_onnx_fail(n, CLRNN_ERR_UNSUPPORTED, "approximate '%s'", form);
        return status;
    }
    while (strcmp(u->op, n->op) != 0)
        u++;
    desc->function = u->function;
    desc->alpha = u->a;
    desc->beta = u->b;
    clrnn_status status = u->alpha ? clr_onnx_real(n, u->alpha, u->a, &desc->alpha) : CLRNN_OK;
    if (status == CLRNN_OK && u->beta)
        status = clr_onnx_real(n, u->beta, u->b, &desc->beta);
    /* Zero for both would mean what they are by default. */
    if (status == CLRNN_OK && u->alpha && desc->alpha == 0 && desc->beta == 0)
        status = clr_onnx_fail(n, CLRNN_ERR_UNSUPPORTED, "its alpha and beta are 0");
    /* Of ONNX what is alpha itself is 0. */
    if (desc->function == CLRNN_FN_THRESHOLDED_RELU)
        desc->alpha = n->m->desc->precision == CLRNN_F64
                          ? nextafter(desc->alpha, INFINITY)
                          : (double)nextafterf((float)desc->alpha, INFINITY);
    if (status == CLRNN_OK && !u->alpha)
        clrnn_function_defaults(desc->function, &desc->alpha, &desc->beta);
    return status;
}

static clrnn_status unary_fold(onnx_node *n, const onnx_array *const *in, onnx_array *out)
{
    clrnn_node_desc desc;
    clrnn_status status = find_unary(n, &desc);
    *out = clr_onnx_like(in[0]);
    if (status == CLRNN_OK)
        status = clr_onnx_allocate(n, out);
    for (size_t i = 0; status == CLRNN_OK && i < (out->filled ? 1 : clr_onnx_count(out)); i++)
        out->data[i] = clr_ref_function(desc.function, desc.alpha, desc.beta, in[0]->data[i]);
    return status;
}

static clrnn_status unary_build(onnx_node *n)
{
    clrnn_node_desc desc;
    uint32_t at = 0;
    clrnn_status status = find_unary(n, &desc);
    if (status == CLRNN_OK)
        status = clr_onnx_number_in(n, 0, &at);
    if (status == CLRNN_OK)
        status = clr_onnx_add(n, &desc, &at, 1, &at);
    if (status == CLRNN_OK)
        clr_onnx_set_graph(n, 0, at, n->in[0]->type);
    return status;
}

/* celu(x) = a elu(x/a), of alpha 1 */
static clrnn_status celu_build(onnx_node *n)
{
    double alpha = 1;
    uint32_t at = 0;
    clrnn_status status = clr_onnx_real(n, "alpha", 1, &alpha);
    if (status == CLRNN_OK && alpha == 0)
        status = clr_onnx_fail(n, CLRNN_ERR_FORMAT, "its alpha is 0");
    if (status == CLRNN_OK)
        status = clr_onnx_number_in(n, 0, &at);
    if (status == CLRNN_OK)
        status = clr_onnx_add_function(n, CLRNN_FN_AFFINE, 1 / alpha, 0, at, &at);
    if (status == CLRNN_OK)
        status = clr_onnx_add_function(n, CLRNN_FN_ELU, 1, 1, at, &at);
    if (status == CLRNN_OK)
        status = clr_onnx_add_function(n, CLRNN_FN_AFFINE, alpha, 0, at, &at);
    if (status == CLRNN_OK)
        clr_onnx_set_graph(n, 0, at, ONNX_REAL);
    return status;
}

/* prelu(x) = relu(x) - slope relu(-x), or where the slope is one number leaky_relu */
static clrnn_status prelu_build(onnx_node *n)
{
    uint32_t x = 0, slope = 0, at = 0, low = 0;
    clrnn_status status = clr_onnx_number_in(n, 0, &x);
    if (status == CLRNN_OK)
        status = clr_onnx_graph_in(n, 1, &slope);
    if (status == CLRNN_OK)
        status = clr_onnx_add_function(n, CLRNN_FN_RELU, 0, 0, x, &at);
    if (status == CLRNN_OK)
        status = clr_onnx_add_function(n, CLRNN_FN_NEGATE, 0, 0, x, &low);
    if (status == CLRNN_OK)
        status = clr_onnx_add_function(n, CLRNN_FN_RELU, 0, 0, low, &low);
    if (status == CLRNN_OK)
        status = clr_onnx_add_pair(n, CLRNN_NODE_MUL, low, slope, &low);
    if (status == CLRNN_OK)
        status = clr_onnx_add_pair(n, CLRNN_NODE_SUB, at, low, &at);
    if (status == CLRNN_OK)
        clr_onnx_set_graph(n, 0, at, ONNX_REAL);
    return status;
}

/* --- clip ------------------------------------------------------------------------------------- */

static clrnn_status bounds(onnx_node *n, double *low, double *high)
{
    double a = -INFINITY, b = INFINITY;
    clrnn_status status = CLRNN_OK;
    if (n->m->opset < 11) {
        status = clr_onnx_real(n, "min", -INFINITY, &a);
        if (status == CLRNN_OK)
            status = clr_onnx_real(n, "max", INFINITY, &b);
    } else {
        status = clr_onnx_need_number(n, 1, "min", -INFINITY, &a);
        if (status == CLRNN_OK)
            status = clr_onnx_need_number(n, 2, "max", INFINITY, &b);
    }
    *low = a > b ? b : a; /* of bounds the wrong way round the upper one counts */
    *high = b;
    return status;
}

static clrnn_status clip_fold(onnx_node *n, const onnx_array *const *in, onnx_array *out)
{
    double low = 0, high = 0;
    clrnn_status status = bounds(n, &low, &high);
    *out = clr_onnx_like(in[0]);
    if (status == CLRNN_OK)
        status = clr_onnx_allocate(n, out);
    for (size_t i = 0; status == CLRNN_OK && i < (out->filled ? 1 : clr_onnx_count(out)); i++) {
        const double x = in[0]->data[i] < low ? low : in[0]->data[i];
        out->data[i] = x > high ? high : x;
    }
    return status;
}

/* Bounds that are made by nodes: the larger, then the smaller. */
static clrnn_status clip_by_nodes(onnx_node *n, uint32_t at)
{
    clrnn_status status = CLRNN_OK;
    uint32_t bound = 0;
    for (uint32_t k = 1; k <= 2 && status == CLRNN_OK; k++) {
        if (!clr_onnx_has(n, k))
            continue;
        status = clr_onnx_number_in(n, k, &bound);
        if (status == CLRNN_OK)
            status = clr_onnx_add_pair(n, k == 1 ? CLRNN_NODE_MAX : CLRNN_NODE_MIN, at, bound, &at);
    }
    if (status == CLRNN_OK)
        clr_onnx_set_graph(n, 0, at, n->in[0]->type);
    return status;
}

/* relu(-relu(x)) */
static clrnn_status clip_to_0(onnx_node *n, uint32_t in, uint32_t *at)
{
    clrnn_status status = clr_onnx_add_function(n, CLRNN_FN_RELU, 0, 0, in, at);
    if (status == CLRNN_OK)
        status = clr_onnx_add_function(n, CLRNN_FN_NEGATE, 0, 0, *at, at);
    return status == CLRNN_OK ? clr_onnx_add_function(n, CLRNN_FN_RELU, 0, 0, *at, at) : status;
}

static clrnn_status clip_build(onnx_node *n)
{
    double low = 0, high = 0;
    uint32_t at = 0;
    clrnn_status status = clr_onnx_number_in(n, 0, &at);
    if (status == CLRNN_OK &&
        ((clr_onnx_has(n, 1) && !n->in[1]->known) || (clr_onnx_has(n, 2) && !n->in[2]->known)))
        return clip_by_nodes(n, at);
    if (status == CLRNN_OK)
        status = bounds(n, &low, &high);
    if (status != CLRNN_OK)
        return status;
    if (low == 0 && high >= FLT_MAX)
        status = clr_onnx_add_function(n, CLRNN_FN_RELU, 0, 0, at, &at);
    else if (low == 0 && high == 0) /* which would mean the usual bounds */
        status = clip_to_0(n, at, &at);
    else if (low > -INFINITY || high < INFINITY)
        status = clr_onnx_add_function(n, CLRNN_FN_CLIP, low < -DBL_MAX ? -DBL_MAX : low,
                                       high > DBL_MAX ? DBL_MAX : high, at, &at);
    if (status == CLRNN_OK)
        clr_onnx_set_graph(n, 0, at, n->in[0]->type);
    return status;
}

/* --- selection -------------------------------------------------------------------------------- */

static clrnn_status where_fold(onnx_node *n, const onnx_array *const *in, onnx_array *out)
{
    onnx_array both = {0};
    *out = (onnx_array){.type = in[1]->type};
    if (!clr_onnx_broadcast(in[1], in[2], &both) || !clr_onnx_broadcast(in[0], &both, out))
        return clr_onnx_fail(n, CLRNN_ERR_FORMAT, "its inputs cannot be broadcast to one shape");
    out->filled = in[0]->filled && in[1]->filled && in[2]->filled;
    clrnn_status status = clr_onnx_allocate(n, out);
    for (size_t i = 0; status == CLRNN_OK && i < (out->filled ? 1 : clr_onnx_count(out)); i++) {
        const onnx_array *from =
            in[clr_onnx_at(in[0], clr_onnx_broadcast_at(out, i, in[0])) != 0 ? 1 : 2];
        out->data[i] = clr_onnx_at(from, clr_onnx_broadcast_at(out, i, from));
    }
    return status;
}

static clrnn_status where_build(onnx_node *n)
{
    uint32_t in[3] = {0}, at = 0;
    clrnn_node_desc desc = {.kind = CLRNN_NODE_SELECT};
    clrnn_status status = CLRNN_OK;
    for (uint32_t k = 0; k < 3 && status == CLRNN_OK; k++)
        status = clr_onnx_number_in(n, k, &in[k]);
    if (status == CLRNN_OK)
        status = clr_onnx_add(n, &desc, in, 3, &at);
    if (status == CLRNN_OK)
        clr_onnx_set_graph(n, 0, at, n->in[1]->type);
    return status;
}

#define UNARY(name)                                   \
    {                                                 \
        name, 1, 1, 1, unary_fold, unary_build, false \
    }
#define PAIR(name)                                                    \
    {                                                                 \
        name, 2, 2, 1, clr_onnx_pair_fold, clr_onnx_pair_build, false \
    }
#define MANY(name)                                                        \
    {                                                                     \
        name, 1, 65536, 1, clr_onnx_pair_fold, clr_onnx_pair_build, false \
    }

const onnx_op clr_onnx_ops_math[] = {UNARY("Relu"),
                                     UNARY("LeakyRelu"),
                                     UNARY("Elu"),
                                     UNARY("Selu"),
                                     UNARY("ThresholdedRelu"),
                                     UNARY("HardSigmoid"),
                                     UNARY("HardSwish"),
                                     UNARY("Mish"),
                                     UNARY("Swish"),
                                     UNARY("Gelu"),
                                     UNARY("Sigmoid"),
                                     UNARY("Tanh"),
                                     UNARY("Softplus"),
                                     UNARY("Softsign"),
                                     UNARY("Exp"),
                                     UNARY("Log"),
                                     UNARY("Sqrt"),
                                     UNARY("Abs"),
                                     UNARY("Neg"),
                                     UNARY("Reciprocal"),
                                     UNARY("Sign"),
                                     UNARY("Floor"),
                                     UNARY("Ceil"),
                                     UNARY("Not"),
                                     UNARY("Erf"),
                                     UNARY("Sin"),
                                     UNARY("Cos"),
                                     UNARY("Round"),
                                     {"Celu", 1, 1, 1, NULL, celu_build, false},
                                     {"PRelu", 2, 2, 1, NULL, prelu_build, false},
                                     {"Clip", 1, 3, 1, clip_fold, clip_build, false},
                                     {"Where", 3, 3, 1, where_fold, where_build, true},
                                     PAIR("Add"),
                                     PAIR("Sub"),
                                     PAIR("Mul"),
                                     PAIR("Div"),
                                     PAIR("Mod"),
                                     PAIR("Pow"),
                                     PAIR("And"),
                                     PAIR("Or"),
                                     PAIR("Xor"),
                                     PAIR("Equal"),
                                     PAIR("Less"),
                                     PAIR("LessOrEqual"),
                                     PAIR("Greater"),
                                     PAIR("GreaterOrEqual"),
                                     MANY("Min"),
                                     MANY("Max"),
                                     MANY("Sum"),
                                     MANY("Mean"),
                                     {0}};

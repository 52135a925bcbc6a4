/* SPDX-License-Identifier: MIT
 * reference/node_map.c - nodes that compute element by element. */
#include <math.h>

#include "base/philox.h"
#include "reference/node.h"

static double sigmoid(double x)
{
    return 1 / (1 + exp(-x));
}

static double softplus(double x)
{
    return x > 0 ? x + log1p(exp(-x)) : log1p(exp(x));
}

static double clipped(double x, double low, double high)
{
    return x < low ? low : x > high ? high : x;
}

static const double root_2_over_pi = 0.79788456080286535588, gelu_cube = 0.044715;

double clr_ref_function(const clrnn_node_desc *d, double x)
{
    const double a = d->alpha, b = d->beta;
    switch (d->function) {
    case CLRNN_FN_TANH:
        return tanh(x);
    case CLRNN_FN_SIGMOID:
        return sigmoid(x);
    case CLRNN_FN_RELU:
        return x < 0 ? 0 : x;
    case CLRNN_FN_AFFINE:
        return a * x + b;
    case CLRNN_FN_LEAKY_RELU:
        return x < 0 ? a * x : x;
    case CLRNN_FN_THRESHOLDED_RELU:
        return x < a ? 0 : x;
    case CLRNN_FN_SCALED_TANH:
        return a * tanh(b * x);
    case CLRNN_FN_HARD_SIGMOID:
        return clipped(a * x + b, 0, 1);
    case CLRNN_FN_ELU:
        return x < 0 ? a * expm1(x) : x;
    case CLRNN_FN_SOFTSIGN:
        return x / (1 + fabs(x));
    case CLRNN_FN_SOFTPLUS:
        return softplus(x);
    case CLRNN_FN_SELU:
        return b * (x < 0 ? a * expm1(x) : x);
    case CLRNN_FN_GELU:
        return x * 0.5 * (1 + erf(x / sqrt(2.0)));
    case CLRNN_FN_GELU_TANH:
        return 0.5 * x * (1 + tanh(root_2_over_pi * (x + gelu_cube * x * x * x)));
    case CLRNN_FN_SILU:
        return x * sigmoid(a * x);
    case CLRNN_FN_HARD_SWISH:
        return x * clipped(x / 6 + 0.5, 0, 1);
    case CLRNN_FN_MISH:
        return x * tanh(softplus(x));
    case CLRNN_FN_CLIP:
        return clipped(x, a, b);
    case CLRNN_FN_EXP:
        return exp(x);
    case CLRNN_FN_LOG:
        return log(x);
    case CLRNN_FN_SQRT:
        return sqrt(x);
    case CLRNN_FN_SQUARE:
        return x * x;
    case CLRNN_FN_ABS:
        return fabs(x);
    case CLRNN_FN_NEGATE:
        return -x;
    case CLRNN_FN_RECIPROCAL:
        return 1 / x;
    case CLRNN_FN_SIGN:
        return x > 0 ? 1 : x < 0 ? -1 : x;
    case CLRNN_FN_FLOOR:
        return floor(x);
    case CLRNN_FN_CEIL:
        return ceil(x);
    case CLRNN_FN_NOT:
        return x == 0;
    default:
        return x;
    }
}

/* The derivative in the middle of a central difference is what tests compare; here it is written
 * down. Where there is none it is that of the side which function_of's conditions take for equal.
 */
double clr_ref_derivative(const clrnn_node_desc *d, double x)
{
    const double a = d->alpha, b = d->beta;
    double s;
    switch (d->function) {
    case CLRNN_FN_TANH:
        return 1 - tanh(x) * tanh(x);
    case CLRNN_FN_SIGMOID:
        return sigmoid(x) * sigmoid(-x);
    case CLRNN_FN_RELU:
        return x > 0;
    case CLRNN_FN_AFFINE:
        return a;
    case CLRNN_FN_LEAKY_RELU:
        return x < 0 ? a : 1;
    case CLRNN_FN_THRESHOLDED_RELU:
        return x >= a;
    case CLRNN_FN_SCALED_TANH:
        return a * b * (1 - tanh(b * x) * tanh(b * x));
    case CLRNN_FN_HARD_SIGMOID:
        s = a * x + b;
        return s > 0 && s < 1 ? a : 0;
    case CLRNN_FN_ELU:
        return x < 0 ? a * exp(x) : 1;
    case CLRNN_FN_SOFTSIGN:
        return 1 / ((1 + fabs(x)) * (1 + fabs(x)));
    case CLRNN_FN_SOFTPLUS:
        return sigmoid(x);
    case CLRNN_FN_SELU:
        return b * (x < 0 ? a * exp(x) : 1);
    case CLRNN_FN_GELU:
        return 0.5 * (1 + erf(x / sqrt(2.0))) + x * 0.5 * root_2_over_pi * exp(-x * x / 2);
    case CLRNN_FN_GELU_TANH:
        s = tanh(root_2_over_pi * (x + gelu_cube * x * x * x));
        return 0.5 * (1 + s) + 0.5 * x * (1 - s * s) * root_2_over_pi * (1 + 3 * gelu_cube * x * x);
    case CLRNN_FN_SILU:
        s = sigmoid(a * x);
        return s + a * x * s * (1 - s);
    case CLRNN_FN_HARD_SWISH:
        return x < -3 ? 0 : x > 3 ? 1 : x / 3 + 0.5;
    case CLRNN_FN_MISH:
        s = tanh(softplus(x));
        return s + x * (1 - s * s) * sigmoid(x);
    case CLRNN_FN_CLIP:
        return x >= a && x <= b;
    case CLRNN_FN_EXP:
        return exp(x);
    case CLRNN_FN_LOG:
        return 1 / x;
    case CLRNN_FN_SQRT:
        return 0.5 / sqrt(x);
    case CLRNN_FN_SQUARE:
        return 2 * x;
    case CLRNN_FN_ABS:
        return x > 0 ? 1 : x < 0 ? -1 : 0;
    case CLRNN_FN_NEGATE:
        return -1;
    case CLRNN_FN_RECIPROCAL:
        return -1 / (x * x);
    case CLRNN_FN_SIGN:
    case CLRNN_FN_FLOOR:
    case CLRNN_FN_CEIL:
    case CLRNN_FN_NOT:
        return 0;
    default:
        return 1;
    }
}

/* --- one element: v[i] what the inputs have there -------------------------------------------- */

static double compare(clrnn_comparison comparison, double a, double b)
{
    switch (comparison) {
    case CLRNN_LESS:
        return a < b;
    case CLRNN_LESS_EQUAL:
        return a <= b;
    case CLRNN_EQUAL:
        return a == b;
    case CLRNN_NOT_EQUAL:
        return a != b;
    case CLRNN_GREATER:
        return a > b;
    default:
        return a >= b;
    }
}

static double forward_of(const clrnn_node_desc *d, const double v[3])
{
    switch (d->kind) {
    case CLRNN_NODE_ACTIVATION:
        return clr_ref_function(d, v[0]);
    case CLRNN_NODE_ADD:
        return v[0] + v[1];
    case CLRNN_NODE_SUB:
        return v[0] - v[1];
    case CLRNN_NODE_MUL:
        return v[0] * v[1];
    case CLRNN_NODE_DIV:
        return v[0] / v[1];
    case CLRNN_NODE_MIN:
        return v[0] < v[1] || isnan(v[0]) ? v[0] : v[1];
    case CLRNN_NODE_MAX:
        return v[0] > v[1] || isnan(v[0]) ? v[0] : v[1];
    case CLRNN_NODE_POW:
        return pow(v[0], v[1]);
    case CLRNN_NODE_COMPARE:
        return compare(d->comparison, v[0], v[1]);
    case CLRNN_NODE_SELECT:
        return v[0] != 0 ? v[1] : v[2];
    default: /* expand, dropout */
        return v[0];
    }
}

/* d[i] = dy times the derivative by input i */
static void backward_of(const clrnn_node_desc *desc, const double v[3], double dy, double d[3])
{
    switch (desc->kind) {
    case CLRNN_NODE_ACTIVATION:
        d[0] = dy * clr_ref_derivative(desc, v[0]);
        break;
    case CLRNN_NODE_ADD:
        d[0] = d[1] = dy;
        break;
    case CLRNN_NODE_SUB:
        d[0] = dy;
        d[1] = -dy;
        break;
    case CLRNN_NODE_MUL:
        d[0] = dy * v[1];
        d[1] = dy * v[0];
        break;
    case CLRNN_NODE_DIV:
        d[0] = dy / v[1];
        d[1] = -dy * v[0] / (v[1] * v[1]);
        break;
    case CLRNN_NODE_SELECT:
        d[v[0] != 0 ? 1 : 2] = dy;
        break;
    case CLRNN_NODE_COMPARE:
        break;
    default:
        d[0] = dy;
    }
}

/* 1, or the factor of dropout. Unit: the number of the element among those of its t and n. */
static double factor_of(const clr_ref_node *node, size_t element)
{
    const clr_shape *s = node->out[0];
    uint64_t index[CLRNN_MOST_AXES];
    size_t unit = 0;
    if (node->desc->kind != CLRNN_NODE_DROPOUT || !node->train || node->desc->probability == 0)
        return 1;
    clr_ref_index(s, element, index);
    for (uint32_t i = 0; i < s->rank; i++)
        if ((int32_t)i != s->steps && (int32_t)i != s->batch)
            unit = unit * (size_t)s->size[i] + (size_t)index[i];
    const uint32_t t = s->steps == CLR_NO_AXIS ? 0 : (uint32_t)index[s->steps];
    const uint32_t n = s->batch == CLR_NO_AXIS ? 0 : (uint32_t)index[s->batch];
    return clr_dropout_factor(node->desc->probability, node->dropout_seed, node->dropout_index,
                              node->number, t, n, (uint32_t)unit);
}

void clr_ref_map(const clr_ref_node *node, bool back)
{
    const clr_shape *out = node->out[0];
    for (size_t i = 0; i < clr_shape_count(out); i++) {
        double v[3] = {0}, d[3] = {0};
        size_t at[3] = {0};
        const bool live = clr_ref_live(node, out, i);
        for (uint32_t k = 0; k < node->inputs; k++) {
            at[k] = clr_ref_broadcast(out, i, node->in[k]);
            v[k] = node->x[k][at[k]];
        }
        const double factor = factor_of(node, i);
        if (!back)
            node->y[0][i] = live ? factor * forward_of(node->desc, v) : 0;
        if (!back || !live)
            continue;
        backward_of(node->desc, v, node->dy[0][i] * factor, d);
        for (uint32_t k = 0; k < node->inputs; k++)
            if (node->dx[k])
                node->dx[k][at[k]] += d[k];
    }
}

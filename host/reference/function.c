/* SPDX-License-Identifier: MIT
 * reference/function.c - see reference/function.h. */
#include "reference/function.h"

#include <math.h>

#include "reference/stored.h"

static double sigmoid(double x)
{
    return 1 / (1 + exp(-x));
}

static double softplus(double x)
{
    return (x < 0 ? 0 : x) + log1p(exp(-fabs(x)));
}

static double clipped(double x, double low, double high)
{
    return x < low ? low : x > high ? high : x;
}

static const double root_2_over_pi = 0.79788456080286535588, gelu_cube = 0.044715;

double clr_ref_function(clrnn_function function, double a, double b, double x)
{
    switch (function) {
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
    case CLRNN_FN_ERF:
        return erf(x);
    case CLRNN_FN_SIN:
        return sin(x);
    case CLRNN_FN_COS:
        return cos(x);
    case CLRNN_FN_ROUND:
        return nearbyint(x);
    case CLRNN_FN_TO_F16:
        return clr_reference_round(CLRNN_WEIGHTS_F16, (double)(float)x);
    case CLRNN_FN_TO_BF16:
        return clr_reference_round(CLRNN_WEIGHTS_BF16, (double)(float)x);
    default:
        return x;
    }
}

double clr_ref_derivative(clrnn_function function, double a, double b, double x)
{
    double s;
    switch (function) {
    case CLRNN_FN_TANH:
        return 1 - tanh(x) * tanh(x);
    case CLRNN_FN_SIGMOID:
        return sigmoid(x) * sigmoid(-x);
    case CLRNN_FN_RELU:
        return x <= 0 ? 0 : 1; /* 1 of NaN */
    case CLRNN_FN_AFFINE:
        return a;
    case CLRNN_FN_LEAKY_RELU:
        return x <= 0 ? a : 1;
    case CLRNN_FN_THRESHOLDED_RELU:
        return x <= a ? 0 : 1;
    case CLRNN_FN_SCALED_TANH:
        return a * b * (1 - tanh(b * x) * tanh(b * x));
    case CLRNN_FN_HARD_SIGMOID:
        s = a * x + b;
        return s <= 0 || s >= 1 ? 0 : a;
    case CLRNN_FN_ELU:
        return x <= 0 ? a * exp(x) : 1;
    case CLRNN_FN_SOFTSIGN:
        return 1 / ((1 + fabs(x)) * (1 + fabs(x)));
    case CLRNN_FN_SOFTPLUS:
        return sigmoid(x);
    case CLRNN_FN_SELU:
        return b * (x <= 0 ? a * exp(x) : 1);
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
    case CLRNN_FN_ROUND:
        return 0;
    case CLRNN_FN_ERF:
        return sqrt(2.0) * root_2_over_pi * exp(-x * x);
    case CLRNN_FN_SIN:
        return cos(x);
    case CLRNN_FN_COS:
        return -sin(x);
    default:
        return 1;
    }
}

/* SPDX-License-Identifier: MIT
 * reference/activation.c - the functions of gates and their way back, formula first. */
#include "reference/cell.h"

double clr_ref_function(clrnn_activation f, double x)
{
    const double a = f.alpha, b = f.beta;
    switch (f.function) {
    case CLRNN_FUNCTION_RELU:
        return x < 0 ? 0 : x; /* NaN stays NaN, also below */
    case CLRNN_FUNCTION_TANH:
        return tanh(x);
    case CLRNN_FUNCTION_SIGMOID:
        return sigmoid(x);
    case CLRNN_FUNCTION_AFFINE:
        return a * x + b;
    case CLRNN_FUNCTION_LEAKY_RELU:
        return x < 0 ? a * x : x;
    case CLRNN_FUNCTION_THRESHOLDED_RELU:
        return x < a ? 0 : x;
    case CLRNN_FUNCTION_SCALED_TANH:
        return a * tanh(b * x);
    case CLRNN_FUNCTION_HARD_SIGMOID:
        return a * x + b < 0 ? 0 : a * x + b > 1 ? 1 : a * x + b;
    case CLRNN_FUNCTION_ELU:
        return x < 0 ? a * expm1(x) : x;
    case CLRNN_FUNCTION_SOFTSIGN:
        return x / (1 + fabs(x));
    case CLRNN_FUNCTION_SOFTPLUS:
        return (x < 0 ? 0 : x) + log1p(exp(-fabs(x)));
    default:
        return NAN;
    }
}

double clr_ref_function_back(clrnn_activation f, double x, double dy)
{
    const double a = f.alpha, b = f.beta, z = a * x + b;
    switch (f.function) {
    case CLRNN_FUNCTION_RELU:
        return x <= 0 ? 0 : dy; /* not inf*0 */
    case CLRNN_FUNCTION_TANH:
        return dy * (1 - tanh(x) * tanh(x));
    case CLRNN_FUNCTION_SIGMOID:
        return dy * sigmoid(x) * (1 - sigmoid(x));
    case CLRNN_FUNCTION_AFFINE:
        return dy * a;
    case CLRNN_FUNCTION_LEAKY_RELU:
        return x <= 0 ? dy * a : dy;
    case CLRNN_FUNCTION_THRESHOLDED_RELU:
        return x <= a ? 0 : dy;
    case CLRNN_FUNCTION_SCALED_TANH:
        return dy * a * b * (1 - tanh(b * x) * tanh(b * x));
    case CLRNN_FUNCTION_HARD_SIGMOID:
        return z <= 0 || z >= 1 ? 0 : dy * a;
    case CLRNN_FUNCTION_ELU:
        return x <= 0 ? dy * a * exp(x) : dy;
    case CLRNN_FUNCTION_SOFTSIGN:
        return dy / ((1 + fabs(x)) * (1 + fabs(x)));
    case CLRNN_FUNCTION_SOFTPLUS:
        return dy * sigmoid(x);
    default:
        return NAN;
    }
}

double clr_ref_clip(double x, double clip)
{
    return clip == 0 ? x : x > clip ? clip : x < -clip ? -clip : x;
}

double clr_ref_clip_back(double x, double clip, double dy)
{
    return clip != 0 && (x > clip || x < -clip) ? 0 : dy;
}

double gate(const clr_ref_layer *l, size_t which, double a)
{
    return clr_ref_function(l->activations[which], clr_ref_clip(a, l->desc->gate_clip));
}

double gate_backward(const clr_ref_layer *l, size_t which, double a, double dy)
{
    double clip = l->desc->gate_clip;
    double da = clr_ref_function_back(l->activations[which], clr_ref_clip(a, clip), dy);
    return clr_ref_clip_back(a, clip, da);
}

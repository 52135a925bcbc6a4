/* SPDX-License-Identifier: MIT
 * reference/activation.c - the functions of gates and their way back, formula first. */
#include "reference/cell.h"

double clr_ref_activation(clrnn_activation f, double x)
{
    return clr_ref_function(f.function, f.alpha, f.beta, x);
}

double clr_ref_activation_back(clrnn_activation f, double x, double dy)
{
    const double slope = clr_ref_derivative(f.function, f.alpha, f.beta, x);
    return slope == 0 ? 0 : dy * slope; /* not inf*0 */
}

double clr_ref_clip(double x, double clip)
{
    return clip == 0 ? x : x > clip ? clip : x < -clip ? -clip : x;
}

double clr_ref_clip_back(double x, double clip, double dy)
{
    return clip != 0 && (x > clip || x < -clip) ? 0 : dy;
}

double clr_ref_gate(const clr_ref_layer *l, size_t which, double a)
{
    return clr_ref_activation(l->activations[which], clr_ref_clip(a, l->desc->gate_clip));
}

double clr_ref_gate_backward(const clr_ref_layer *l, size_t which, double a, double dy)
{
    double clip = l->desc->gate_clip;
    double da = clr_ref_activation_back(l->activations[which], clr_ref_clip(a, clip), dy);
    return clr_ref_clip_back(a, clip, da);
}

/* SPDX-License-Identifier: MIT
 * format/onnx/out_ema.c - writing ONNX: averages along time, as an RNN whose function is x itself.
 */
#include "format/onnx/out.h"

/* y = a x + (1 - a) y: an RNN whose matrices are diagonal, made of the rate by the model itself. */
static const char *averages(onnx_out *out, const char *x, int64_t C)
{
    const int64_t dims[] = {1, C, C}, axis[] = {1};
    const char *const affine[] = {"Affine"};
    const float one[] = {1}, none[] = {0};
    const char *share = clr_out_fresh(out), *all = clr_out_fresh(out), *y = clr_out_fresh(out);
    ClrOnnx__Tensor *unit = clr_out_tensor(out, "unit", 3, dims);
    for (int64_t i = 0; unit && i < C; i++)
        if (out->precision == CLRNN_F64)
            ((double *)(void *)unit->raw_data.data)[i * (C + 1)] = 1;
        else
            ((float *)(void *)unit->raw_data.data)[i * (C + 1)] = 1;
    const char *eye = unit ? unit->name : "";
    (void)clr_out_op(out, "Sigmoid", share, 1, clr_out_parameter(out, "rate"));
    const char *w = clr_out_made(out, "Mul", eye, share), *u = clr_out_made(out, "Sub", eye, w);
    ClrOnnx__Node *node = clr_out_op(out, "RNN", all, 3, x, w, u);
    clr_out_int(out, node, "hidden_size", C);
    clr_out_words(out, node, "activations", affine, 1);
    clr_out_floats(out, node, "activation_alpha", one, 1);
    clr_out_floats(out, node, "activation_beta", none, 1);
    (void)clr_out_op(out, "Squeeze", y, 2, all, clr_out_shape(out, axis, 1));
    return y;
}

/* Time first, channels last, all others rows between. */
void clr_out_ema(onnx_out *out)
{
    const clr_shape *in = clr_out_in_shape(out, 0);
    const uint32_t axis = (uint32_t)clr_shape_axis(in, out->node->desc.axis);
    const int64_t three[] = {0, -1, (int64_t)in->size[axis]};
    uint32_t there[CLRNN_MOST_AXES], back[CLRNN_MOST_AXES], k = 0;
    there[k++] = (uint32_t)in->steps;
    for (uint32_t i = 0; i < in->rank; i++)
        if ((int32_t)i != in->steps && i != axis)
            there[k++] = i;
    there[k++] = axis;
    for (uint32_t i = 0; i < k; i++)
        back[there[i]] = i;
    const char *turned = clr_out_fresh(out), *flat = clr_out_fresh(out);
    const char *shape = clr_out_fresh(out), *unfolded = clr_out_fresh(out);
    clr_out_transpose(out, clr_out_in(out, 0), there, k, turned);
    (void)clr_out_op(out, "Shape", shape, 1, turned);
    /* Of two axes the second is that of channels, which 0 would copy. */
    (void)clr_out_op(out, "Reshape", flat, 2, turned, clr_out_shape(out, three, 3));
    (void)clr_out_op(out, "Reshape", unfolded, 2, averages(out, flat, three[2]), shape);
    clr_out_transpose(out, unfolded, back, k, clr_out_name(out, 0));
}

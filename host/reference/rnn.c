/* SPDX-License-Identifier: MIT
 * reference/rnn.c - the vanilla recurrent cell (Elman 1990). */
#include "reference/cell.h"

/* a = W x + U h_prev
 * h = tanh(a)  or  relu(a) */
static void forward(const clr_ref_layer *l, const clr_ref_step *s)
{
    bool relu = l->desc->nonlinearity == CLRNN_RELU;
    for (size_t j = 0; j < l->hidden; j++) {
        double a = wx(l, s->x, j) + uh(l, s->h_prev, j);
        s->h[j] = !relu ? tanh(a) : a < 0 ? 0 : a; /* NaN stays NaN */
    }
}

/* da = dh*(1 - h^2)  or  dh where h > 0, else 0
 * dx += W^T da   dh_prev += U^T da */
static void backward(const clr_ref_layer *l, const clr_ref_step *s)
{
    bool relu = l->desc->nonlinearity == CLRNN_RELU;
    for (size_t j = 0; j < l->hidden; j++) {
        double h = s->h[j];
        double da = !relu ? s->dh[j] * (1 - h * h) : h <= 0 ? 0 : s->dh[j]; /* not inf*0 */
        wx_backward(l, s->x, j, da, s->dx);
        uh_backward(l, s->h_prev, j, da, s->dh_prev);
    }
}

const clr_ref_cell clr_ref_rnn = {.slots = 0, .forward = forward, .backward = backward};

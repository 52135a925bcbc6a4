/* SPDX-License-Identifier: MIT
 * reference/rnn.c - the vanilla recurrent cell (Elman 1990). */
#include "reference/cell.h"

/* a = W x + U h_prev
 * h = f(a), f usually tanh or relu; saved is a */
static void forward(const clr_ref_layer *l, const clr_ref_step *s)
{
    for (size_t j = 0; j < l->hidden; j++) {
        s->saved[j] = wx(l, s->x, j) + uh(l, s->h_prev, j);
        s->h[j] = clr_ref_gate(l, 0, s->saved[j]);
    }
}

/* da = dh*f'(a)      dx += W^T da   dh_prev += U^T da */
static void backward(const clr_ref_layer *l, const clr_ref_step *s)
{
    for (size_t j = 0; j < l->hidden; j++) {
        double da = clr_ref_gate_backward(l, 0, s->saved[j], s->dh[j]);
        wx_backward(l, s->x, j, da, s->dx);
        uh_backward(l, s->h_prev, j, da, s->dh_prev);
    }
}

/* Slots: a. */
const clr_ref_cell clr_ref_rnn = {.slots = 1, .forward = forward, .backward = backward};

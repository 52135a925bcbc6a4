/* SPDX-License-Identifier: MIT
 * reference/rnn.c - the vanilla recurrent cell (Elman 1990). */
#include "reference/cell.h"

/* a = W x + U h_prev
 * h = f(a), f usually tanh or relu; saved is a */
static void forward(const clr_ref_layer *l, const clr_ref_step *s)
{
    clr_ref_input_sums(l, s);
    clr_ref_recurrent_sums(l, s, 0, 0, l->hidden, s->h_prev);
    for (size_t j = 0; j < l->hidden; j++) {
        s->saved[j] = s->a[j] + s->u[j];
        s->h[j] = clr_ref_gate(l, 0, s->saved[j]);
    }
}

/* da = dh*f'(a)      dx += W^T da   dh_prev += U^T da */
static void backward(const clr_ref_layer *l, const clr_ref_step *s)
{
    for (size_t j = 0; j < l->hidden; j++)
        s->a[j] = s->u[j] = clr_ref_gate_backward(l, 0, s->saved[j], s->dh[j]);
    clr_ref_input_sums_back(l, s);
    clr_ref_recurrent_sums_back(l, s, 0, 0, l->hidden, s->h_prev, s->dh_prev);
}

/* Slots: a. */
const clr_ref_cell clr_ref_rnn = {.slots = 1, .forward = forward, .backward = backward};

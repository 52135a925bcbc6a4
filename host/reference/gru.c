/* SPDX-License-Identifier: MIT
 * reference/gru.c - the GRU (Cho et al. 2014, Chung et al. 2014) in its four forms.
 * Gate order r z n.
 *
 * `keep` and `take` are the parts of the old state and of the candidate in the new one:
 *     update replaces: keep = 1-z, take = z        update keeps: keep = z, take = 1-z */
#include "reference/cell.h"

enum { F, G }; /* its functions */

/* f and g: the functions of the cell, usually sigm and tanh.
 * r = f(W_r x + U_r h_prev)      z = f(W_z x + U_z h_prev)
 * reset before:  q = r*h_prev       n = g(W_n x + U_n q)
 * reset after:   q = U_n h_prev     n = g(W_n x + r*q)
 * h = keep*h_prev + take*n
 * Saved are the sums that the functions are of, and q. */
static void forward(const clr_ref_layer *l, const clr_ref_step *s)
{
    bool before = l->desc->gru_reset == CLRNN_RESET_BEFORE;
    bool replaces = l->desc->gru_update == CLRNN_UPDATE_REPLACES;
    size_t H = l->hidden;
    double *a_r = s->saved, *a_z = a_r + H, *a_n = a_z + H, *q = a_n + H;
    clr_ref_input_sums(l, s);
    clr_ref_recurrent_sums(l, s, 0, 0, before ? 2 * H : 3 * H, s->h_prev);
    for (size_t j = 0; j < H; j++) {
        a_r[j] = s->a[j] + s->u[j];
        a_z[j] = s->a[H + j] + s->u[H + j];
        q[j] = before ? clr_ref_gate(l, F, a_r[j]) * s->h_prev[j] : s->u[2 * H + j];
    }
    if (before)
        clr_ref_recurrent_sums(l, s, 1, 2 * H, H, q);
    for (size_t j = 0; j < H; j++) {
        double r = clr_ref_gate(l, F, a_r[j]), z = clr_ref_gate(l, F, a_z[j]);
        a_n[j] = s->a[2 * H + j] + (before ? s->u[2 * H + j] : r * q[j]);
        double keep = replaces ? 1 - z : z, take = replaces ? z : 1 - z;
        s->h[j] = keep * s->h_prev[j] + take * clr_ref_gate(l, G, a_n[j]);
    }
}

/* da_n = dh*take*g'(a_n)       dx += W_n^T da_n     dh_prev = dh*keep
 * reset before:  dq = U_n^T da_n   dr = dq*h_prev   dh_prev += dq*r
 * reset after:   dq = da_n*r       dr = da_n*q      dh_prev += U_n^T dq
 * dz = dh*(n - h_prev) if update replaces, its negative if it keeps
 * da_r = dr*f'(a_r)   da_z = dz*f'(a_z)   and for both   dx += W^T da   dh_prev += U^T da */
static void backward(const clr_ref_layer *l, const clr_ref_step *s)
{
    bool before = l->desc->gru_reset == CLRNN_RESET_BEFORE;
    bool replaces = l->desc->gru_update == CLRNN_UPDATE_REPLACES;
    size_t H = l->hidden;
    double *a_r = s->saved, *a_z = a_r + H, *a_n = a_z + H, *q = a_n + H, *dq = q + H;
    double *da_n = s->a + 2 * H, *du_n = s->u + 2 * H;
    for (size_t j = 0; j < H; j++) {
        double z = clr_ref_gate(l, F, a_z[j]), take = replaces ? z : 1 - z;
        da_n[j] = clr_ref_gate_backward(l, G, a_n[j], s->dh[j] * take);
        du_n[j] = before ? da_n[j] : da_n[j] * clr_ref_gate(l, F, a_r[j]);
        dq[j] = 0;
    }
    if (before)
        clr_ref_recurrent_sums_back(l, s, 1, 2 * H, H, q, dq);
    for (size_t j = 0; j < H; j++) {
        double r = clr_ref_gate(l, F, a_r[j]), z = clr_ref_gate(l, F, a_z[j]),
               n = clr_ref_gate(l, G, a_n[j]);
        double keep = replaces ? 1 - z : z, opens = replaces ? 1 : -1;
        double dz = s->dh[j] * opens * (n - s->h_prev[j]);
        double dr = before ? dq[j] * s->h_prev[j] : da_n[j] * q[j];
        s->a[j] = s->u[j] = clr_ref_gate_backward(l, F, a_r[j], dr);
        s->a[H + j] = s->u[H + j] = clr_ref_gate_backward(l, F, a_z[j], dz);
        s->dh_prev[j] += s->dh[j] * keep + (before ? dq[j] * r : 0);
    }
    clr_ref_input_sums_back(l, s);
    clr_ref_recurrent_sums_back(l, s, 0, 0, before ? 2 * H : 3 * H, s->h_prev, s->dh_prev);
}

/* Slots: a_r a_z a_n q dq. */
const clr_ref_cell clr_ref_gru = {.slots = 5, .forward = forward, .backward = backward};

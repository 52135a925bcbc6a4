/* SPDX-License-Identifier: MIT
 * reference/gru.c - the GRU (Cho et al. 2014, Chung et al. 2014) in its four forms.
 * Gate order r z n.
 *
 * `keep` and `take` are the parts of the old state and of the candidate in the new one:
 *     update replaces: keep = 1-z, take = z        update keeps: keep = z, take = 1-z */
#include "reference/cell.h"

/* r = sigm(W_r x + U_r h_prev)   z = sigm(W_z x + U_z h_prev)
 * reset before:  q = r*h_prev       n = tanh(W_n x + U_n q)
 * reset after:   q = U_n h_prev     n = tanh(W_n x + r*q)
 * h = keep*h_prev + take*n */
static void forward(const clr_ref_layer *l, const clr_ref_step *s)
{
    bool before = l->desc->gru_reset == CLRNN_RESET_BEFORE;
    bool replaces = l->desc->gru_update == CLRNN_UPDATE_REPLACES;
    size_t H = l->hidden;
    double *r = s->saved, *z = r + H, *n = z + H, *q = n + H;
    for (size_t j = 0; j < H; j++) {
        r[j] = sigmoid(wx(l, s->x, j) + uh(l, s->h_prev, j));
        z[j] = sigmoid(wx(l, s->x, H + j) + uh(l, s->h_prev, H + j));
        q[j] = before ? r[j] * s->h_prev[j] : uh(l, s->h_prev, 2 * H + j);
    }
    for (size_t j = 0; j < H; j++) {
        n[j] = tanh(wx(l, s->x, 2 * H + j) + (before ? uh(l, q, 2 * H + j) : r[j] * q[j]));
        double keep = replaces ? 1 - z[j] : z[j], take = replaces ? z[j] : 1 - z[j];
        s->h[j] = keep * s->h_prev[j] + take * n[j];
    }
}

/* da_n = dh*take*(1-n^2)       dx += W_n^T da_n     dh_prev = dh*keep
 * reset before:  dq = U_n^T da_n   dr = dq*h_prev   dh_prev += dq*r
 * reset after:   dq = da_n*r       dr = da_n*q      dh_prev += U_n^T dq
 * dz = dh*(n - h_prev) if update replaces, its negative if it keeps
 * da_r = dr*r*(1-r)   da_z = dz*z*(1-z)   and for both   dx += W^T da   dh_prev += U^T da */
static void backward(const clr_ref_layer *l, const clr_ref_step *s)
{
    bool before = l->desc->gru_reset == CLRNN_RESET_BEFORE;
    bool replaces = l->desc->gru_update == CLRNN_UPDATE_REPLACES;
    size_t H = l->hidden;
    double *r = s->saved, *z = r + H, *n = z + H, *q = n + H, *dq = q + H, *da_n = dq + H;
    for (size_t j = 0; j < H; j++) {
        double take = replaces ? z[j] : 1 - z[j];
        da_n[j] = s->dh[j] * take * (1 - n[j] * n[j]);
        dq[j] = before ? 0 : da_n[j] * r[j];
        wx_backward(l, s->x, 2 * H + j, da_n[j], s->dx);
    }
    for (size_t j = 0; j < H; j++) {
        if (before)
            uh_backward(l, q, 2 * H + j, da_n[j], dq);
        else
            uh_backward(l, s->h_prev, 2 * H + j, dq[j], s->dh_prev);
    }
    for (size_t j = 0; j < H; j++) {
        double keep = replaces ? 1 - z[j] : z[j], opens = replaces ? 1 : -1;
        double dz = s->dh[j] * opens * (n[j] - s->h_prev[j]);
        double dr = before ? dq[j] * s->h_prev[j] : da_n[j] * q[j];
        double da[2] = {dr * r[j] * (1 - r[j]), dz * z[j] * (1 - z[j])};
        for (size_t gate = 0; gate < 2; gate++) {
            wx_backward(l, s->x, gate * H + j, da[gate], s->dx);
            uh_backward(l, s->h_prev, gate * H + j, da[gate], s->dh_prev);
        }
        s->dh_prev[j] += s->dh[j] * keep + (before ? dq[j] * r[j] : 0);
    }
}

/* Slots: r z n q dq da_n. */
const clr_ref_cell clr_ref_gru = {.slots = 6, .forward = forward, .backward = backward};

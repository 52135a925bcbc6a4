/* SPDX-License-Identifier: MIT
 * reference/lstm.c - the LSTM (Hochreiter and Schmidhuber 1997) with a forget gate (Gers et al.
 * 2000) and, if wanted, a projected state (Sak et al. 2014). Gate order i f g o. */
#include "reference/cell.h"

/* i = sigm(W_i x + U_i h_prev)   f = sigm(W_f x + U_f h_prev)
 * g = tanh(W_g x + U_g h_prev)   o = sigm(W_o x + U_o h_prev)
 * c = f*c_prev + i*g             m = o*tanh(c)
 * h = m,  or  W_hr m  if projected */
static void forward(const clr_ref_layer *l, const clr_ref_step *s)
{
    size_t H = l->hidden;
    double *i = s->saved, *f = i + H, *g = f + H, *o = g + H, *m = o + H;
    for (size_t j = 0; j < H; j++) {
        i[j] = sigmoid(wx(l, s->x, j) + uh(l, s->h_prev, j));
        f[j] = sigmoid(wx(l, s->x, H + j) + uh(l, s->h_prev, H + j));
        g[j] = tanh(wx(l, s->x, 2 * H + j) + uh(l, s->h_prev, 2 * H + j));
        o[j] = sigmoid(wx(l, s->x, 3 * H + j) + uh(l, s->h_prev, 3 * H + j));
        s->c[j] = f[j] * s->c_prev[j] + i[j] * g[j];
        m[j] = o[j] * tanh(s->c[j]);
    }
    for (size_t p = 0; p < l->state; p++)
        s->h[p] = l->w_hr ? affine(l->w_hr, NULL, m, p, H) : m[p];
}

/* dm = dh,  or  W_hr^T dh  if projected
 * do = dm*tanh(c)     dc += dm*o*(1 - tanh(c)^2)
 * di = dc*g           df = dc*c_prev      dg = dc*i
 * da_i = di*i*(1-i)   da_f = df*f*(1-f)   da_g = dg*(1-g^2)   da_o = do*o*(1-o)
 * dc_prev = dc*f      and for each gate   dx += W^T da        dh_prev += U^T da */
static void backward(const clr_ref_layer *l, const clr_ref_step *s)
{
    size_t H = l->hidden;
    double *i = s->saved, *f = i + H, *g = f + H, *o = g + H, *m = o + H, *dm = m + H;
    for (size_t j = 0; j < H; j++)
        dm[j] = l->w_hr ? 0 : s->dh[j];
    for (size_t p = 0; p < l->state && l->w_hr; p++)
        affine_backward(l->w_hr, m, p, H, s->dh[p], l->dw_hr, NULL, dm);

    for (size_t j = 0; j < H; j++) {
        double tc = tanh(s->c[j]);
        double dc = s->dc[j] + dm[j] * o[j] * (1 - tc * tc);
        double da[4] = {dc * g[j] * i[j] * (1 - i[j]), dc * s->c_prev[j] * f[j] * (1 - f[j]),
                        dc * i[j] * (1 - g[j] * g[j]), dm[j] * tc * o[j] * (1 - o[j])};
        for (size_t gate = 0; gate < 4; gate++) {
            wx_backward(l, s->x, gate * H + j, da[gate], s->dx);
            uh_backward(l, s->h_prev, gate * H + j, da[gate], s->dh_prev);
        }
        s->dc_prev[j] += dc * f[j];
    }
}

/* Slots: i f g o m dm. */
const clr_ref_cell clr_ref_lstm = {.slots = 6, .forward = forward, .backward = backward};

/* SPDX-License-Identifier: MIT
 * reference/lstm.c - the LSTM (Hochreiter and Schmidhuber 1997) with a forget gate (Gers et al.
 * 2000) and, if wanted, peepholes (Gers and Schraudolph 2002) and a projected state (Sak et al.
 * 2014). Gate order i f g o, peepholes p_i p_f p_o. */
#include "reference/cell.h"

/* Peephole k of unit j times v; 0 without peepholes. */
static double peephole(const clr_ref_layer *l, size_t k, size_t j, double v)
{
    return l->params ? l->params[k * l->hidden + j] * v : 0;
}

/* Its gradient:  dp_k += da v. */
static void peephole_backward(const clr_ref_layer *l, size_t k, size_t j, double da, double v)
{
    if (l->params)
        l->dparams[k * l->hidden + j] += da * v;
}

/* i = sigm(W_i x + U_i h_prev + p_i*c_prev)   f = sigm(W_f x + U_f h_prev + p_f*c_prev)
 * g = tanh(W_g x + U_g h_prev)                c = f*c_prev + i*g
 * o = sigm(W_o x + U_o h_prev + p_o*c)        m = o*tanh(c)
 * h = m,  or  W_hr m  if projected;  p is 0 without peepholes */
static void forward(const clr_ref_layer *l, const clr_ref_step *s)
{
    size_t H = l->hidden;
    double *i = s->saved, *f = i + H, *g = f + H, *o = g + H, *m = o + H;
    for (size_t j = 0; j < H; j++) {
        double a[4];
        for (size_t gate = 0; gate < 4; gate++)
            a[gate] = wx(l, s->x, gate * H + j) + uh(l, s->h_prev, gate * H + j);
        i[j] = sigmoid(a[0] + peephole(l, 0, j, s->c_prev[j]));
        f[j] = sigmoid(a[1] + peephole(l, 1, j, s->c_prev[j]));
        g[j] = tanh(a[2]);
        s->c[j] = f[j] * s->c_prev[j] + i[j] * g[j];
        o[j] = sigmoid(a[3] + peephole(l, 2, j, s->c[j]));
        m[j] = o[j] * tanh(s->c[j]);
    }
    for (size_t p = 0; p < l->state_size; p++)
        s->h[p] = l->w_hr ? affine(l->w_hr, NULL, m, p, H) : m[p];
}

/* dm = dh,  or  W_hr^T dh  if projected
 * do = dm*tanh(c)     da_o = do*o*(1-o)   dc += dm*o*(1 - tanh(c)^2) + da_o*p_o
 * di = dc*g           df = dc*c_prev      dg = dc*i
 * da_i = di*i*(1-i)   da_f = df*f*(1-f)   da_g = dg*(1-g^2)
 * dc_prev = dc*f + da_i*p_i + da_f*p_f    and for each gate   dx += W^T da   dh_prev += U^T da
 * dp_i += da_i*c_prev    dp_f += da_f*c_prev    dp_o += da_o*c */
static void backward(const clr_ref_layer *l, const clr_ref_step *s)
{
    size_t H = l->hidden;
    double *i = s->saved, *f = i + H, *g = f + H, *o = g + H, *m = o + H, *dm = m + H;
    for (size_t j = 0; j < H; j++)
        dm[j] = l->w_hr ? 0 : s->dh[j];
    for (size_t p = 0; p < l->state_size && l->w_hr; p++)
        affine_backward(l->w_hr, m, p, H, s->dh[p], l->dw_hr, NULL, dm);

    for (size_t j = 0; j < H; j++) {
        double tc = tanh(s->c[j]), da_o = dm[j] * tc * o[j] * (1 - o[j]);
        double dc = s->dc[j] + dm[j] * o[j] * (1 - tc * tc) + peephole(l, 2, j, da_o);
        double da[4] = {dc * g[j] * i[j] * (1 - i[j]), dc * s->c_prev[j] * f[j] * (1 - f[j]),
                        dc * i[j] * (1 - g[j] * g[j]), da_o};
        for (size_t gate = 0; gate < 4; gate++) {
            wx_backward(l, s->x, gate * H + j, da[gate], s->dx);
            uh_backward(l, s->h_prev, gate * H + j, da[gate], s->dh_prev);
        }
        s->dc_prev[j] += dc * f[j] + peephole(l, 0, j, da[0]) + peephole(l, 1, j, da[1]);
        peephole_backward(l, 0, j, da[0], s->c_prev[j]);
        peephole_backward(l, 1, j, da[1], s->c_prev[j]);
        peephole_backward(l, 2, j, da[3], s->c[j]);
    }
}

/* Slots: i f g o m dm. */
const clr_ref_cell clr_ref_lstm = {.slots = 6, .forward = forward, .backward = backward};

/* SPDX-License-Identifier: MIT
 * reference/lstm.c - the LSTM (Hochreiter and Schmidhuber 1997) with a forget gate (Gers et al.
 * 2000) and, if wanted, peepholes (Gers and Schraudolph 2002), coupled gates (f = 1-i), bounds, a
 * projected state (Sak et al. 2014) and layer norm. Gate order i f g o, peepholes p_i p_f p_o. */
#include "reference/cell.h"

enum { F, G, OUT }; /* its functions */

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

/* f, g and h: the functions of the cell, usually sigm, tanh and tanh; clip_c: to +-cell_clip.
 * i = f(W_i x + U_i h_prev + p_i*c_prev)      f = f(W_f x + U_f h_prev + p_f*c_prev),  or  1-i
 * g = g(W_g x + U_g h_prev)                   c = clip_c(f*c_prev + i*g)
 * o = f(W_o x + U_o h_prev + p_o*c)           m = o*h(c),  or with layer norm  o*h(LN(c))
 * h = m,  or  clip_p(W_hr m)  if projected;  p is 0 without peepholes
 * Saved are the sums that the functions are of. */
static void forward(const clr_ref_layer *l, const clr_ref_step *s)
{
    const clrnn_network_desc *d = l->desc;
    size_t H = l->hidden;
    double *a_i = s->saved, *a_f = a_i + H, *a_g = a_f + H, *a_o = a_g + H, *m = a_o + H;
    double *z = m + H;
    clr_ref_input_sums(l, s);
    clr_ref_recurrent_sums(l, s, 0, 0, 4 * H, s->h_prev);
    for (size_t j = 0; j < H; j++) {
        double a[4];
        for (size_t k = 0; k < 4; k++)
            a[k] = s->a[k * H + j] + s->u[k * H + j];
        a_i[j] = a[0] + peephole(l, 0, j, s->c_prev[j]);
        a_f[j] = a[1] + peephole(l, 1, j, s->c_prev[j]);
        a_g[j] = a[2];
        double i = clr_ref_gate(l, F, a_i[j]),
               f = d->coupled_gates ? 1 - i : clr_ref_gate(l, F, a_f[j]);
        s->c[j] = clr_ref_clip(f * s->c_prev[j] + i * clr_ref_gate(l, G, a_g[j]), d->cell_clip);
        a_o[j] = a[3] + peephole(l, 2, j, s->c[j]);
    }
    clr_ref_cell_state(l, s, z);
    for (size_t j = 0; j < H; j++)
        m[j] = clr_ref_gate(l, F, a_o[j]) * clr_ref_activation(l->activations[OUT], z[j]);
    for (size_t p = 0; p < l->state_size; p++)
        s->h[p] = l->w_hr ? clr_ref_clip(affine(l->w_hr, NULL, m, p, H), d->proj_clip) : m[p];
}

/* dm = dh,  or  W_hr^T dh  if projected, of what the clip left as it was
 * do = dm*h(z)        da_o = do*f'(a_o)   dz = dm*o*h'(z)    z = c,  or LN(c)
 * dc += dz through LN + da_o*p_o,  0 where c was clipped
 * di = dc*g           df = dc*c_prev      dg = dc*i        coupled: di -= df, df = 0
 * da_i = di*f'(a_i)   da_f = df*f'(a_f)   da_g = dg*g'(a_g)
 * dc_prev = dc*f + da_i*p_i + da_f*p_f    and for each gate   dx += W^T da   dh_prev += U^T da
 * dp_i += da_i*c_prev    dp_f += da_f*c_prev    dp_o += da_o*c */
static void backward(const clr_ref_layer *l, const clr_ref_step *s)
{
    const clrnn_network_desc *d = l->desc;
    size_t H = l->hidden;
    double *a_i = s->saved, *a_f = a_i + H, *a_g = a_f + H, *a_o = a_g + H, *m = a_o + H;
    double *z = m + H, *dm = z + H, *dz = dm + H;
    const clrnn_activation out = l->activations[OUT];
    for (size_t j = 0; j < H; j++)
        dm[j] = l->w_hr ? 0 : s->dh[j];
    for (size_t p = 0; p < l->state_size && l->w_hr; p++) {
        bool clipped = d->proj_clip > 0 && fabs(s->h[p]) >= d->proj_clip;
        affine_backward(l->w_hr, m, p, H, clipped ? 0 : s->dh[p], l->dw_hr, NULL, dm);
    }
    for (size_t j = 0; j < H; j++)
        dz[j] = clr_ref_activation_back(out, z[j], dm[j] * clr_ref_gate(l, F, a_o[j]));
    clr_ref_cell_state_back(l, s, dz);

    for (size_t j = 0; j < H; j++) {
        double i = clr_ref_gate(l, F, a_i[j]),
               f = d->coupled_gates ? 1 - i : clr_ref_gate(l, F, a_f[j]);
        double g = clr_ref_gate(l, G, a_g[j]), c = s->c[j], c_prev = s->c_prev[j];
        double da_o = clr_ref_gate_backward(l, F, a_o[j], dm[j] * clr_ref_activation(out, z[j]));
        double dc = s->dc[j] + dz[j] + peephole(l, 2, j, da_o);
        dc = clr_ref_clip_back(f * c_prev + i * g, d->cell_clip, dc);
        double di = d->coupled_gates ? dc * (g - c_prev) : dc * g;
        double df = d->coupled_gates ? 0 : dc * c_prev;
        double da[4] = {clr_ref_gate_backward(l, F, a_i[j], di),
                        clr_ref_gate_backward(l, F, a_f[j], df),
                        clr_ref_gate_backward(l, G, a_g[j], dc * i), da_o};
        for (size_t k = 0; k < 4; k++)
            s->a[k * H + j] = s->u[k * H + j] = da[k];
        s->dc_prev[j] += dc * f + peephole(l, 0, j, da[0]) + peephole(l, 1, j, da[1]);
        peephole_backward(l, 0, j, da[0], c_prev);
        peephole_backward(l, 1, j, da[1], c_prev);
        peephole_backward(l, 2, j, da[3], c);
    }
    clr_ref_input_sums_back(l, s);
    clr_ref_recurrent_sums_back(l, s, 0, 0, 4 * H, s->h_prev, s->dh_prev);
}

/* Slots: a_i a_f a_g a_o m z dm dz. */
const clr_ref_cell clr_ref_lstm = {.slots = 8, .forward = forward, .backward = backward};

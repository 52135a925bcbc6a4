/* SPDX-License-Identifier: MIT
 * cl/lstm.cl - the equations of one LSTM step, forward and backward, on VEC units.
 *
 * With a = W x_t + b_ih and u = U h_{t-1} + b_hh given, for each gate in the order i f g o:
 *     i = sigm(a_i + u_i)   f = sigm(a_f + u_f)   g = tanh(a_g + u_g)   o = sigm(a_o + u_o)
 *     c_t = f*c_{t-1} + i*g               h_t = o*tanh(c_t)
 * (Hochreiter and Schmidhuber 1997; with the forget gate of Gers, Schmidhuber and Cummins 2000.)
 * Forward i*g and o*tanh(c_t) are one division each, and i, g and o divided only to be saved.
 * With OPTION_PARAMS, peepholes (Gers and Schraudolph 2002), to the sums come p_i*c_{t-1},
 * p_f*c_{t-1} and p_o*c_t; p: p_i p_f p_o.
 * Backward, from dh = dLoss/dh_t and the dc that arrives from step t+1:
 *     tc = tanh(c_t)        da_o = dh*tc*o*(1-o)        dc += dh*o*(1 - tc^2)    (+ da_o*p_o)
 *     da_i = dc*g*i*(1-i)   da_f = dc*c_{t-1}*f*(1-f)   da_g = dc*i*(1-g^2)
 *     dc_{t-1} = dc*f       du = da                     (dc_{t-1} += da_i*p_i + da_f*p_f)
 * Those of the peepholes are sums over all rows and steps, of da_i*c_{t-1}, da_f*c_{t-1} and
 * da_o*c_t: host/layer/backward.c.
 *
 * Saved for backward: i f g o, and c_t.  Proven by: tests/layer against host/reference/lstm.c. */
#define CELL_GATES        4
#define CELL_PHASES       1
#define CELL_FIRST(phase) ((phase) == 0 ? 0 : CELL_GATES)
#define CELL_OPEN         0
#define CELL_MEMORY       1
#define CELL_TWO_INPUTS   0
#define CELL_PARAMS       3
#define CELL_SAVES        0

static inline REALV cell_forward(uint options, int phase, const REALV *a, const REALV *u,
                                 const REALV *p, REALV h, REALV *c, REALV *s, REALV *saved)
{
    const bool peepholes = options & OPTION_PARAMS;
    REALV a_i = a[0] + u[0], a_f = a[1] + u[1], a_o = a[3] + u[3];
    if (peepholes) {
        a_i += p[0] * *c;
        a_f += p[1] * *c;
    }
    REALV g_below, g = tanh_parts(a[2] + u[2], &g_below), c_below;
    REALV i_below = sigm_below(a_i), f = sigm(a_f);
    *c = f * *c + DIVIDE(g, i_below * g_below);
    if (peepholes)
        a_o += p[2] * *c;
    REALV o_below = sigm_below(a_o), tanh_c = tanh_parts(*c, &c_below);
    s[0] = DIVIDE((REALV)1, i_below), s[1] = f, s[2] = DIVIDE(g, g_below);
    s[3] = DIVIDE((REALV)1, o_below);
    return DIVIDE(tanh_c, o_below * c_below);
}

static inline void cell_backward(uint options, int phase, const REALV *s, const REALV *p,
                                 const REALV *saved, REALV h_prev, REALV c_prev, REALV c, REALV dh,
                                 REALV *dc, REALV *da, REALV *du, REALV *dh_prev)
{
    REALV i = s[0], f = s[1], g = s[2], o = s[3];
    const bool peepholes = options & OPTION_PARAMS;
    REALV tc = real_tanh(c);
    REALV d = *dc + dh * o * ((REALV)1 - tc * tc);
    da[3] = dh * tc * o * ((REALV)1 - o);
    if (peepholes)
        d += da[3] * p[2];
    da[0] = d * g * i * ((REALV)1 - i);
    da[1] = d * c_prev * f * ((REALV)1 - f);
    da[2] = d * i * ((REALV)1 - g * g);
    *dc = d * f;
    if (peepholes)
        *dc += da[0] * p[0] + da[1] * p[1];
    *dh_prev = (REALV)0;
}

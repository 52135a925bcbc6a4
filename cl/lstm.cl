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
 * With OPTION_COUPLED f = 1 - i, with OPTION_CELL_CLIP c_t lies within +-cell_clip; the functions
 * of i f o, of g and of c_t are f, g and h of the launch (cl/activation.cl). Backward, from dh =
 * dLoss/dh_t and the dc that arrives from step t+1:
 *     tc = tanh(c_t)        da_o = dh*tc*o*(1-o)        dc += dh*o*(1 - tc^2)    (+ da_o*p_o)
 *     da_i = dc*g*i*(1-i)   da_f = dc*c_{t-1}*f*(1-f)   da_g = dc*i*(1-g^2)
 *     dc_{t-1} = dc*f       du = da                     (dc_{t-1} += da_i*p_i + da_f*p_f)
 * Those of the peepholes are sums over all rows and steps, of da_i*c_{t-1}, da_f*c_{t-1} and
 * da_o*c_t: host/layer/backward.c.
 *
 * With OPTION_NORM h_t = o*tanh(LN(c_t)), and what comes back to c_t from there is in dc already.
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

/* The function of c_t, which no clip of gates concerns. */
static inline REALV lstm_output(uint options, const cell_values *v, REALV c)
{
    return options & OPTION_RARE ? function_of(v->function[2], v->alpha[2], v->beta[2], c)
                                 : real_tanh(c);
}

static inline REALV lstm_output_back(uint options, const cell_values *v, REALV c, REALV tc, REALV d)
{
    return options & OPTION_RARE ? function_back(v->function[2], v->alpha[2], v->beta[2], c, d)
                                 : d * ((REALV)1 - tc * tc);
}

/* The usual functions without a bound: i*g and o*tanh(c_t) are one division each. */
static inline REALV lstm_usual(bool peepholes, REALV a_i, REALV a_f, REALV a_g, REALV a_o,
                               const REALV *p, REALV *c, REALV *s)
{
    REALV g_below, g = tanh_parts(a_g, &g_below), c_below;
    REALV i_below = sigm_below(a_i), f = sigm(a_f);
    *c = f * *c + DIVIDE(g, i_below * g_below);
    if (peepholes)
        a_o += p[2] * *c;
    REALV o_below = sigm_below(a_o), tanh_c = tanh_parts(*c, &c_below);
    s[0] = DIVIDE((REALV)1, i_below), s[1] = f, s[2] = DIVIDE(g, g_below);
    s[3] = DIVIDE((REALV)1, o_below);
    return DIVIDE(tanh_c, o_below * c_below);
}

static inline REALV lstm_rare(uint options, const cell_values *v, REALV a_i, REALV a_f, REALV a_g,
                              REALV a_o, const REALV *p, REALV *c, REALV *s)
{
    REALV i = gate_value(options, v, 0, true, a_i);
    REALV f = options & OPTION_COUPLED ? (REALV)1 - i : gate_value(options, v, 0, true, a_f);
    REALV g = gate_value(options, v, 1, false, a_g);
    *c = f * *c + i * g;
    if (options & OPTION_CELL_CLIP)
        *c = clipped(*c, v->cell_clip);
    if (options & OPTION_PARAMS)
        a_o += p[2] * *c;
    REALV o = gate_value(options, v, 0, true, a_o);
    s[0] = gate_kept(options, a_i, i), s[1] = gate_kept(options, a_f, f);
    s[2] = gate_kept(options, a_g, g), s[3] = gate_kept(options, a_o, o);
    return o * lstm_output(options, v, *c);
}

static inline REALV cell_output(uint options, const cell_values *v, const REALV *s, REALV z)
{
    return gate_again(options, v, 0, true, s[3]) * lstm_output(options, v, z);
}

static inline REALV cell_output_back(uint options, const cell_values *v, const REALV *s, REALV z,
                                     REALV dh)
{
    REALV tz = lstm_output(options, v, z);
    return lstm_output_back(options, v, z, tz, dh * gate_again(options, v, 0, true, s[3]));
}

static inline REALV cell_forward(uint options, const cell_values *v, int phase, const REALV *a,
                                 const REALV *u, const REALV *p, REALV h, REALV *c, REALV *s,
                                 REALV *saved)
{
    const bool peepholes = options & OPTION_PARAMS;
    REALV a_i = a[0] + u[0], a_f = a[1] + u[1], a_g = a[2] + u[2], a_o = a[3] + u[3];
    if (peepholes) {
        a_i += p[0] * *c;
        a_f += p[1] * *c;
    }
    return options & OPTION_RARE ? lstm_rare(options, v, a_i, a_f, a_g, a_o, p, c, s)
                                 : lstm_usual(peepholes, a_i, a_f, a_g, a_o, p, c, s);
}

static inline void cell_backward(uint options, const cell_values *v, int phase, const REALV *s,
                                 const REALV *p, const REALV *saved, REALV h_prev, REALV c_prev,
                                 REALV c, REALV dh, REALV *dc, REALV *da, REALV *du, REALV *dh_prev)
{
    const bool peepholes = options & OPTION_PARAMS, coupled = options & OPTION_COUPLED;
    REALV i = gate_again(options, v, 0, true, s[0]);
    REALV f = coupled ? (REALV)1 - i : gate_again(options, v, 0, true, s[1]);
    REALV g = gate_again(options, v, 1, false, s[2]), o = gate_again(options, v, 0, true, s[3]);
    REALV tc = lstm_output(options, v, c);
    REALV d = *dc;
    if (!(options & OPTION_NORM))
        d += lstm_output_back(options, v, c, tc, dh * o);
    da[3] = gate_back(options, v, 0, true, s[3], dh * tc);
    if (peepholes)
        d += da[3] * p[2];
    if (options & OPTION_CELL_CLIP)
        d = clipped_back(f * c_prev + i * g, v->cell_clip, d);
    da[0] = gate_back(options, v, 0, true, s[0], coupled ? d * (g - c_prev) : d * g);
    da[1] = coupled ? (REALV)0 : gate_back(options, v, 0, true, s[1], d * c_prev);
    da[2] = gate_back(options, v, 1, false, s[2], d * i);
    *dc = d * f;
    if (peepholes)
        *dc += da[0] * p[0] + da[1] * p[1];
    *dh_prev = (REALV)0;
}

/* SPDX-License-Identifier: MIT
 * cl/rnn.cl - the equations of one step of the vanilla RNN, forward and backward, on VEC units.
 *
 * With a = W x_t + b_ih and u = U h_{t-1} + b_hh given:
 *     h_t = act(a + u)                  act = tanh, or relu with OPTION_RELU
 * With OPTION_RARE act is f of the launch (cl/activation.cl).
 * Backward, from dh = dLoss/dh_t:
 *     da = du = dh * act'(a + u)        act' from the gate s = h_t: 1 - s^2, or s > 0
 *
 * Saved for backward: s = h_t, with OPTION_RARE a + u.  Proven by: tests/layer against
 * host/reference/rnn.c. */
#define CELL_GATES        1
#define CELL_PHASES       1
#define CELL_FIRST(phase) ((phase) == 0 ? 0 : CELL_GATES)
#define CELL_OPEN         0
#define CELL_MEMORY       0
#define CELL_TWO_INPUTS   0
#define CELL_PARAMS       0
#define CELL_SAVES        0

static inline REALV cell_forward(uint options, const cell_values *v, int phase, const REALV *a,
                                 const REALV *u, const REALV *p, REALV h, REALV *c, REALV *s,
                                 REALV *saved)
{
    REALV sum = a[0] + u[0], y;
    if ((options & OPTION_RELU) && !(options & OPTION_RARE))
        y = isnan(sum) ? sum : fmax(sum, (REALV)0); /* fmax alone would hide NaN */
    else
        y = gate_value(options, v, 0, false, sum);
    s[0] = gate_kept(options, sum, y);
    return y;
}

static inline void cell_backward(uint options, const cell_values *v, int phase, const REALV *s,
                                 const REALV *p, const REALV *saved, REALV h_prev, REALV c_prev,
                                 REALV c, REALV dh, REALV *dc, REALV *da, REALV *du, REALV *dh_prev)
{
    if ((options & OPTION_RELU) && !(options & OPTION_RARE))
        da[0] = s[0] <= (REALV)0 ? (REALV)0 : dh; /* where s is NaN dh, as PyTorch has it */
    else
        da[0] = gate_back(options, v, 0, false, s[0], dh);
    *dh_prev = (REALV)0;
}

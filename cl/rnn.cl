/* SPDX-License-Identifier: MIT
 * cl/rnn.cl - the equations of one step of the vanilla RNN, forward and backward, on VEC units.
 *
 * With a = W x_t + b_ih and u = U h_{t-1} + b_hh given:
 *     h_t = act(a + u)                  act = tanh, or relu if CELL_RELU
 * Backward, from dh = dLoss/dh_t:
 *     da = du = dh * act'(a + u)        act' from the saved value s = h_t: 1 - s^2, or s > 0
 *
 * Saved for backward: s = h_t.  Proven by: tests/layer against host/reference/rnn.c. */
#ifndef CELL_RELU
#define CELL_RELU 0
#endif
#define CELL_GATES        1
#define CELL_MEMORY       0 /* no cell state c */
#define CELL_RESET_BEFORE 0
#define CELL_TWO_INPUTS   0 /* da and du are the same */

static inline REALV cell_forward(const REALV *a, const REALV *u, REALV h, REALV *c, REALV *s,
                                 REALV *extra)
{
    REALV sum = a[0] + u[0];
#if CELL_RELU
    s[0] = isnan(sum) ? sum : fmax(sum, (REALV)0); /* fmax alone would hide NaN */
#else
    s[0] = real_tanh(sum);
#endif
    return s[0];
}

static inline void cell_backward(const REALV *s, REALV extra, REALV h_prev, REALV c_prev, REALV c,
                                 REALV dh, REALV *dc, REALV *da, REALV *du, REALV *dh_prev)
{
#if CELL_RELU
    da[0] = s[0] <= (REALV)0 ? (REALV)0 : dh; /* where s is NaN dh, as PyTorch has it */
#else
    da[0] = dh * ((REALV)1 - s[0] * s[0]);
#endif
    *dh_prev = (REALV)0;
}

/* SPDX-License-Identifier: MIT
 * cl/gru.cl - the equations of one GRU step, forward and backward, on VEC units.
 *
 * With a = W x_t + b_ih and u = U h_{t-1} + b_hh given, for each gate in the order r z n:
 *     r = sigm(a_r + u_r)        z = sigm(a_z + u_z)
 *     CELL_RESET_BEFORE 1 (Cho et al. 2014): n = tanh(a_n + u_n) with u_n = U_n (r*h_{t-1}) + b_n,
 *                         so r, z and r*h_{t-1} come first, in a phase of their own
 *     CELL_RESET_BEFORE 0 (cuDNN, PyTorch):  n = tanh(a_n + r*u_n)
 *     h_t = (1-z)*h_{t-1} + z*n        with OPTION_KEEPS: h_t = z*h_{t-1} + (1-z)*n
 * The functions of r and z, and of n, are f and g of the launch (cl/activation.cl).
 * Let k be the part that is kept: 1-z or z, and h_t = k*h_{t-1} + (1-k)*n.
 * Backward, from dh = dLoss/dh_t:
 *     dn = dh*(1-k)   da_n = dn*(1-n^2)   dk = dh*(h_{t-1}-n)   da_z = +-dk*z*(1-z)   (+ if keeps)
 *     dh_{t-1} = dh*k + what comes back through U
 *     before: with d = da_n U_n:  da_r = d*h_{t-1}*r*(1-r),  dh_{t-1} += d*r,  du = da
 *     after:  da_r = da_n*u_n*r*(1-r),  du_n = da_n*r,  else du = da
 *
 * Saved for backward: r z n, and r*h_{t-1} (before) or u_n (after).
 * Proven by: tests/layer against host/reference/gru.c. */
#ifndef CELL_RESET_BEFORE
#define CELL_RESET_BEFORE 1
#endif
#define CELL_GATES        3
#define CELL_PHASES       (CELL_RESET_BEFORE ? 2 : 1)
#define CELL_FIRST(phase) ((phase) == 0 ? 0 : (phase) < CELL_PHASES ? 2 : CELL_GATES)
#define CELL_OPEN         (CELL_RESET_BEFORE ? 1 : 0)
#define CELL_MEMORY       0
#define CELL_TWO_INPUTS   (!CELL_RESET_BEFORE)
#define CELL_PARAMS       0
#define CELL_SAVES        1

static inline REALV gru_kept(uint options, REALV z)
{
    return options & OPTION_KEEPS ? z : (REALV)1 - z;
}

static inline REALV gru_replaced(uint options, REALV z)
{
    return options & OPTION_KEEPS ? (REALV)1 - z : z;
}

static inline REALV cell_forward(uint options, const cell_values *v, int phase, const REALV *a,
                                 const REALV *u, const REALV *p, REALV h, REALV *c, REALV *s,
                                 REALV *saved)
{
    REALV r, z;
    if (phase == 0) {
        REALV a_r = a[0] + u[0], a_z = a[1] + u[1];
        r = gate_value(options, v, 0, true, a_r);
        z = gate_value(options, v, 0, true, a_z);
        s[0] = gate_kept(options, a_r, r);
        s[1] = gate_kept(options, a_z, z);
        saved[0] = CELL_RESET_BEFORE ? r * h : u[2];
    } else {
        r = gate_again(options, v, 0, true, s[0]);
        z = gate_again(options, v, 0, true, s[1]);
    }
    if (phase < CELL_PHASES - 1)
        return h;
    REALV a_n = a[2] + (CELL_RESET_BEFORE ? u[2] : r * u[2]);
    REALV n = gate_value(options, v, 1, false, a_n);
    s[2] = gate_kept(options, a_n, n);
    return gru_kept(options, z) * h + gru_replaced(options, z) * n;
}

static inline void cell_backward(uint options, const cell_values *v, int phase, const REALV *s,
                                 const REALV *p, const REALV *saved, REALV h_prev, REALV c_prev,
                                 REALV c, REALV d, REALV *dc, REALV *da, REALV *du, REALV *dh_prev)
{
    REALV r = gate_again(options, v, 0, true, s[0]), z = gate_again(options, v, 0, true, s[1]);
    if (phase < CELL_PHASES - 1) {
        da[0] = gate_back(options, v, 0, true, s[0], d * h_prev);
        *dh_prev += d * r;
        return;
    }
    REALV n = gate_again(options, v, 1, false, s[2]), dk = d * (h_prev - n);
    da[1] = gate_back(options, v, 0, true, s[1], options & OPTION_KEEPS ? dk : -dk);
    da[2] = gate_back(options, v, 1, false, s[2], d * gru_replaced(options, z));
    *dh_prev = d * gru_kept(options, z);
    if (!CELL_RESET_BEFORE) {
        da[0] = gate_back(options, v, 0, true, s[0], da[2] * saved[0]);
        du[0] = da[0];
        du[1] = da[1];
        du[2] = da[2] * r;
    }
}

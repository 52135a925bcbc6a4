/* SPDX-License-Identifier: MIT
 * cl/gru.cl - the equations of one GRU step, forward and backward, on VEC units.
 *
 * With a = W x_t + b_ih and u = U h_{t-1} + b_hh given, for each gate in the order r z n:
 *     r = sigm(a_r + u_r)        z = sigm(a_z + u_z)
 *     CELL_RESET_BEFORE 1 (Cho et al. 2014): n = tanh(a_n + u_n) with u_n = U_n (r*h_{t-1}) + b_n,
 *                         so r and r*h_{t-1} come first, in cell_reset
 *     CELL_RESET_BEFORE 0 (cuDNN, PyTorch):  n = tanh(a_n + r*u_n)
 *     CELL_KEEPS 0: h_t = (1-z)*h_{t-1} + z*n        1: h_t = z*h_{t-1} + (1-z)*n
 * Let k be the part that is kept: 1-z or z, and h_t = k*h_{t-1} + (1-k)*n.
 * Backward, from dh = dLoss/dh_t:
 *     dn = dh*(1-k)   da_n = dn*(1-n^2)   dk = dh*(h_{t-1}-n)   da_z = +-dk*z*(1-z)   (+ if keeps)
 *     dh_{t-1} = dh*k + what comes back through U
 *     before: with d = da_n U_n:  da_r = d*h_{t-1}*r*(1-r),  dh_{t-1} += d*r,  du = da
 *     after:  da_r = da_n*u_n*r*(1-r),  du_n = da_n*r,  else du = da
 *
 * Saved for backward: r z n, and extra = r*h_{t-1} (before) or u_n (after).
 * Proven by: tests/layer against host/reference/gru.c. */
#ifndef CELL_RESET_BEFORE
#define CELL_RESET_BEFORE 1
#endif
#ifndef CELL_KEEPS
#define CELL_KEEPS 0
#endif
#define CELL_GATES      3
#define CELL_MEMORY     0                    /* no cell state c */
#define CELL_TWO_INPUTS (!CELL_RESET_BEFORE) /* du differs from da */

static inline void cell_gates(const REALV *a, const REALV *u, REALV *s)
{
    s[0] = sigm(a[0] + u[0]);
    s[1] = sigm(a[1] + u[1]);
}

static inline REALV gru_kept(REALV z)
{
    return CELL_KEEPS ? z : (REALV)1 - z;
}

static inline REALV gru_replaced(REALV z)
{
    return CELL_KEEPS ? (REALV)1 - z : z;
}

#if CELL_RESET_BEFORE

/* First half of a step: s_r, s_z and extra = r*h. */
static inline void cell_reset(const REALV *a, const REALV *u, REALV h, REALV *s, REALV *extra)
{
    cell_gates(a, u, s);
    *extra = s[0] * h;
}

/* First half backward leaves da_r open; this is the other, from d = da_n U_n. */
static inline void cell_reset_backward(const REALV *s, REALV h_prev, REALV d, REALV *da_r,
                                       REALV *dh_prev)
{
    *da_r = d * h_prev * s[0] * ((REALV)1 - s[0]);
    *dh_prev += d * s[0];
}

#endif

/* With CELL_RESET_BEFORE s_r and s_z are given, else they are computed here. */
static inline REALV cell_forward(const REALV *a, const REALV *u, REALV h, REALV *c, REALV *s,
                                 REALV *extra)
{
#if CELL_RESET_BEFORE
    s[2] = real_tanh(a[2] + u[2]);
#else
    cell_gates(a, u, s);
    *extra = u[2];
    s[2] = real_tanh(a[2] + s[0] * u[2]);
#endif
    return gru_kept(s[1]) * h + gru_replaced(s[1]) * s[2];
}

static inline void cell_backward(const REALV *s, REALV extra, REALV h_prev, REALV c_prev, REALV c,
                                 REALV dh, REALV *dc, REALV *da, REALV *du, REALV *dh_prev)
{
    REALV z = s[1], n = s[2];
    REALV dk = dh * (h_prev - n);
    da[1] = (CELL_KEEPS ? dk : -dk) * z * ((REALV)1 - z);
    da[2] = dh * gru_replaced(z) * ((REALV)1 - n * n);
    *dh_prev = dh * gru_kept(z);
#if !CELL_RESET_BEFORE
    da[0] = da[2] * extra * s[0] * ((REALV)1 - s[0]);
    du[0] = da[0];
    du[1] = da[1];
    du[2] = da[2] * s[0];
#endif
}

/* SPDX-License-Identifier: MIT
 * cl/stepwise.cl - one step of one direction of one layer, for the cell whose file precedes this
 * one.
 *
 * One work-item computes one hidden unit j of one row n: global size [H, N], any group size. Matrix
 * products come from outside, before or between these kernels:
 *
 *     forward    rec = h_{t-1} U^T (GRU reset before: gates r z only)     [gemm]
 *                step_reset: r, z, extra = r*h_{t-1};  rec_n = extra U_n^T   (reset before)
 *                step_forward: gates, c_t, h_t, y_t
 *                step_project: h_t = masked (o*tanh(c_t)) W_hr^T, y_t        (PROJECTED)
 *     backward   step_project_backward: dproj_t; dhid = dproj_t W_hr         (PROJECTED)
 *                step_backward: da_t, du_t, dc, the direct part of dh
 *                drec = da_n U_n; step_reset_backward: da_r, dh              (reset before)
 *                dh += du_t U                                             [gemm]
 *
 * Masking: past a row's length (t >= lengths[n]) the state is held, y, extra and da are 0, and dh,
 * dc pass through. Selected, never multiplied by 0, so what lies in the padding cannot leak.
 *
 * Every pointer comes with an offset in elements, since one buffer holds many arrays.
 * Proven by: tests/layer against host/reference. */
#ifndef OPTIONS
#define OPTIONS OPTION_BIAS
#endif
#define BIAS      ((OPTIONS & OPTION_BIAS) != 0)
#define PROJECTED ((OPTIONS & OPTION_PROJECTED) != 0)
#ifndef CELL_GATES
#error "a cell's file must come before stepwise.cl"
#endif
#if VEC != 1
#error "stepwise.cl computes one unit in a work-item"
#endif

/* Is step t within row n?  lengths: [N], read only with has_lengths. */
static inline bool is_live(global const int *lengths, uint has_lengths, uint n, uint t)
{
    return !has_lengths || t < (uint)lengths[n];
}

/* a_k = (W x)_k + b_ih, u_k = rec_k + b_hh of unit j, gates k = first..last-1. */
static inline void load_gates(global const REAL *gates, global const REAL *rec,
                              global const REAL *weights, ulong b_ih, ulong b_hh, uint H,
                              size_t row, uint j, int first, int last, REAL *a, REAL *u)
{
    for (int k = first; k < last; k++) {
        size_t column = (size_t)k * H + j;
        a[k] = gates[row * CELL_GATES * H + column];
        u[k] = rec[row * CELL_GATES * H + column];
        if (BIAS) {
            a[k] += weights[b_ih + column];
            u[k] += weights[b_hh + column];
        }
    }
}

/* The parameters of unit j. */
static inline void load_params(global const REAL *params, uint H, uint j, REAL *p)
{
    for (int k = 0; k < CELL_PARAMS; k++)
        p[k] = OPTIONS & OPTION_PARAMS ? params[(size_t)k * H + j] : (REAL)0;
}

#if CELL_PHASES > 1
/* gates: [N,G*H] at gates_at, in W x, out r and z activated.  rec: [N,G*H] in, r and z.
 * h: [N,H] at h_prev.  extra: [N,H] at extra_at, out r*h. */
kernel void step_reset(global REAL *gates, ulong gates_at, global const REAL *rec, ulong rec_at,
                       global const REAL *weights, ulong b_ih, ulong b_hh, ulong params,
                       global const REAL *h, ulong h_prev, global REAL *extra, ulong extra_at,
                       global const int *lengths, uint has_lengths, uint t, uint H, uint N)
{
    uint j = get_global_id(0), n = get_global_id(1);
    if (j >= H || n >= N)
        return;
    REAL a[CELL_GATES], u[CELL_GATES], s[CELL_GATES], p[ROOM(CELL_PARAMS)], e, c = 0;
    gates += gates_at;
    load_gates(gates, rec + rec_at, weights, b_ih, b_hh, H, n, j, 0, 2, a, u);
    load_params(weights + params, H, j, p);
    cell_forward(OPTIONS, 0, a, u, p, h[h_prev + (size_t)n * H + j], &c, s, &e);
    for (int k = 0; k < 2; k++)
        gates[((size_t)n * CELL_GATES + k) * H + j] = s[k];
    extra[extra_at + (size_t)n * H + j] = is_live(lengths, has_lengths, n, t) ? e : (REAL)0;
}
#endif

/* gates: [N,G*H] at gates_at, in W x (reset before: r z activated), out the activated gates.
 * rec: [N,G*H] in.  h: [N,R] in at h_prev, out at h_next (PROJECTED: neither).
 * c: [N,H] in at c_prev, out at c_next (LSTM).  extra: [N,H] at extra_at, out: GRU reset after u_n,
 * PROJECTED the hidden output before projection.
 * y: out, row n at y_at + n*y_stride, only with has_y (PROJECTED: not). */
kernel void step_forward(global REAL *gates, ulong gates_at, global const REAL *rec, ulong rec_at,
                         global const REAL *weights, ulong b_ih, ulong b_hh, ulong params,
                         global REAL *h, ulong h_prev, ulong h_next, global REAL *c, ulong c_prev,
                         ulong c_next, global REAL *extra, ulong extra_at, global REAL *y,
                         ulong y_at, ulong y_stride, uint has_y, global const int *lengths,
                         uint has_lengths, uint t, uint H, uint N)
{
    uint j = get_global_id(0), n = get_global_id(1);
    if (j >= H || n >= N)
        return;
    bool live = is_live(lengths, has_lengths, n, t);
    size_t unit = (size_t)n * H + j;
    REAL a[CELL_GATES], u[CELL_GATES], s[CELL_GATES], p[ROOM(CELL_PARAMS)];
    REAL h_old = 0, c_old = 0, c_new = 0, e = 0;

    gates += gates_at;
    load_gates(gates, rec + rec_at, weights, b_ih, b_hh, H, n, j, CELL_FIRST(CELL_PHASES - 1),
               CELL_GATES, a, u);
    load_params(weights + params, H, j, p);
    for (int k = 0; k < CELL_FIRST(CELL_PHASES - 1); k++)
        s[k] = gates[((size_t)n * CELL_GATES + k) * H + j];
    if (!PROJECTED)
        h_old = h[h_prev + unit];
    if (CELL_MEMORY)
        c_old = c_new = c[c_prev + unit];

    REAL h_new = cell_forward(OPTIONS, CELL_PHASES - 1, a, u, p, h_old, &c_new, s, &e);

    for (int k = 0; k < CELL_GATES; k++)
        gates[((size_t)n * CELL_GATES + k) * H + j] = s[k];
    if (CELL_MEMORY)
        c[c_next + unit] = live ? c_new : c_old;
    if (CELL_TWO_INPUTS || PROJECTED)
        extra[extra_at + unit] = !live ? (REAL)0 : PROJECTED ? h_new : e;
    if (PROJECTED)
        return;
    h[h_next + unit] = live ? h_new : h_old;
    if (has_y)
        y[y_at + n * y_stride + j] = live ? h_new : (REAL)0;
}

#if PROJECTED
/* After h_next = extra W_hr^T: hold the state of rows past their length, and write y.
 * Global size [R, N]. h: [N,R] at h_prev and h_next. y: as in step_forward. */
kernel void step_project(global REAL *h, ulong h_prev, ulong h_next, global REAL *y, ulong y_at,
                         ulong y_stride, uint has_y, global const int *lengths, uint has_lengths,
                         uint t, uint R, uint N)
{
    uint j = get_global_id(0), n = get_global_id(1);
    if (j >= R || n >= N)
        return;
    bool live = is_live(lengths, has_lengths, n, t);
    size_t unit = (size_t)n * R + j;
    if (!live)
        h[h_next + unit] = h[h_prev + unit];
    if (has_y)
        y[y_at + n * y_stride + j] = live ? h[h_next + unit] : (REAL)0;
}

/* dproj_t = dh + dy_t; what remains of dh is 0 (masked: dproj_t = 0, dh passes through).
 * Global size [R, N]. dh: [N,R] in and out. dproj: [N,R] at dproj_at, out. dy: as in step_backward.
 */
kernel void step_project_backward(global REAL *dh, ulong dh_at, global REAL *dproj, ulong dproj_at,
                                  global const REAL *dy, ulong dy_at, ulong dy_stride, uint has_dy,
                                  global const int *lengths, uint has_lengths, uint t, uint R,
                                  uint N)
{
    uint j = get_global_id(0), n = get_global_id(1);
    if (j >= R || n >= N)
        return;
    bool live = is_live(lengths, has_lengths, n, t);
    size_t unit = (size_t)n * R + j;
    dh += dh_at;
    REAL d = dh[unit];
    if (live && has_dy)
        d += dy[dy_at + n * dy_stride + j];
    dproj[dproj_at + unit] = live ? d : (REAL)0;
    dh[unit] = live ? (REAL)0 : d;
}
#endif

/* gates: [N,G*H] at gates_at, in, activated.  h: [N,R] in at h_prev.  c: [N,H] in at c_prev and
 * c_next.  extra: [N,H] at extra_at, in.
 * dh: [N,R] in from step t+1, out the part that does not go through U (PROJECTED: [N,H], in only,
 * the gradient of the hidden output before projection).  dc: [N,H] in and out. dy: in, row n at
 * dy_at + n*dy_stride, only with has_dy (PROJECTED: not). da, du: [N,G*H] at da_at and du_at, out;
 * du is written only if CELL_TWO_INPUTS. */
kernel void step_backward(global const REAL *weights, ulong params, global const REAL *gates,
                          ulong gates_at, global const REAL *h, ulong h_prev, global const REAL *c,
                          ulong c_prev, ulong c_next, global const REAL *extra, ulong extra_at,
                          global REAL *dh, ulong dh_at, global REAL *dc, ulong dc_at,
                          global const REAL *dy, ulong dy_at, ulong dy_stride, uint has_dy,
                          global REAL *da, ulong da_at, global REAL *du, ulong du_at,
                          global const int *lengths, uint has_lengths, uint t, uint H, uint N)
{
    uint j = get_global_id(0), n = get_global_id(1);
    if (j >= H || n >= N)
        return;
    bool live = is_live(lengths, has_lengths, n, t);
    size_t unit = (size_t)n * H + j, row = (size_t)n * CELL_GATES * H + j;
    REAL s[CELL_GATES], a[CELL_GATES], u[CELL_GATES], p[ROOM(CELL_PARAMS)];
    REAL h_old = 0, c_old = 0, c_new = 0, e = 0, dc_new = 0, dh_direct = 0;
    load_params(weights + params, H, j, p);
    dh += dh_at;
    dc += dc_at;

    for (int k = 0; k < CELL_GATES; k++) {
        s[k] = gates[gates_at + row + (size_t)k * H];
        a[k] = u[k] = 0;
    }
    if (CELL_MEMORY) {
        c_old = c[c_prev + unit];
        c_new = c[c_next + unit];
        dc_new = dc[unit];
    }
    if (CELL_TWO_INPUTS)
        e = extra[extra_at + unit];
    if (!PROJECTED)
        h_old = h[h_prev + unit];
    REAL dh_old = dh[unit], dh_new = dh_old;
    if (has_dy)
        dh_new += dy[dy_at + n * dy_stride + j];

    cell_backward(OPTIONS, CELL_PHASES - 1, s, p, &e, h_old, c_old, c_new, dh_new, &dc_new, a, u,
                  &dh_direct);

    for (int k = 0; k < CELL_GATES; k++) {
        da[da_at + row + (size_t)k * H] = live ? a[k] : (REAL)0;
        if (CELL_TWO_INPUTS)
            du[du_at + row + (size_t)k * H] = live ? u[k] : (REAL)0;
    }
    if (CELL_MEMORY && live)
        dc[unit] = dc_new;
    if (!PROJECTED)
        dh[unit] = live ? dh_direct : dh_old;
}

#if CELL_PHASES > 1
/* drec: [N,H] in, da_n U_n.  gates, h, da: as in step_backward; da_r is written.  dh: [N,H] in and
 * out. */
kernel void step_reset_backward(global const REAL *weights, ulong params, global const REAL *gates,
                                ulong gates_at, global const REAL *h, ulong h_prev,
                                global const REAL *drec, ulong drec_at, global REAL *dh,
                                ulong dh_at, global REAL *da, ulong da_at,
                                global const int *lengths, uint has_lengths, uint t, uint H, uint N)
{
    uint j = get_global_id(0), n = get_global_id(1);
    if (j >= H || n >= N || !is_live(lengths, has_lengths, n, t))
        return;
    size_t unit = (size_t)n * H + j, row = (size_t)n * CELL_GATES * H + j;
    dh += dh_at;
    REAL s[CELL_GATES], a[CELL_GATES], u[CELL_GATES], p[ROOM(CELL_PARAMS)], e = 0, dc = 0;
    REAL d = dh[unit];
    for (int k = 0; k < CELL_GATES; k++)
        s[k] = gates[gates_at + row + (size_t)k * H];
    load_params(weights + params, H, j, p);
    cell_backward(OPTIONS, 0, s, p, &e, h[h_prev + unit], 0, 0, drec[drec_at + unit], &dc, a, u,
                  &d);
    for (int k = 0; k < CELL_OPEN; k++)
        da[da_at + row + (size_t)k * H] = a[k];
    dh[unit] = d;
}
#endif

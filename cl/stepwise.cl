/* SPDX-License-Identifier: MIT
 * cl/stepwise.cl - one phase of one step of one direction, a kernel each. After
 * cl/scan_forward.cl and cl/scan_backward.cl, which say what is done, with WG 1.
 *
 * One work-item computes unit j of one row n: global size [units,N], any group size. The sums of
 * matrix products come from outside, before or between these kernels:
 *
 *     forward    sums = h_{t-1} U^T of the gates of the first phase; step_forward(0)
 *                sums = saved U^T of those of the second; step_forward(1)      (two phases)
 *                sums = saved W_hr^T; step_project                             (projected)
 *     back       step_project_back; sums = dproj_t W_hr                        (projected)
 *                step_back(last phase)
 *                sums = du_t U of the gates of the second phase; step_back(0)  (two phases)
 *                dh += du_t U of those of the first
 *
 * With OPTION_NORM kernels of cl/norm.cl stand between these, for all sums, and for c:
 *
 *     forward    after step_forward(0): sums = LN(c_t); step_output
 *     back       before step_back: sums = LN(c_t); step_output_back; dc += what comes back through LN
 *
 * Arguments: cl/scan_launch.cl says what lies where in them, of l.scans[0]. An absent one may be
 * any buffer. index: the step, counted from the first one of the launch, in the order of t.
 * Proven by: tests/layer against host/reference. */
#if WG != 1
#error "stepwise.cl has no groups"
#endif

/* sums: [N,G*H], those of the phase. Global size [H,N]. */
kernel void step_forward(global const REAL *weights, global REAL *workspace,
                         global const REAL *h_first, global const REAL *c_first,
                         global REAL *h_last, global REAL *c_last, global REAL *y,
                         global const int *lengths, global const REAL *sums, uint index, uint phase,
                         const scan_launch l)
{
    const uint j = get_global_id(0), n = get_global_id(1);
    const scan_arrays at = l.scans[0];
    scan w;
    scan_step s;
    REALV sum[CELL_GATES];
    if (j >= l.H || n >= l.N)
        return;
    scan_forward_begin(&w, &l, &at, weights, workspace, h_first, c_first, h_last, c_last, y,
                       lengths);
    step_of(&w, index, &s);
    UNROLL for (int k = 0; k < CELL_PHASES; k++) if (k == (int)phase)
    {
        UNROLL for (int g = CELL_FIRST(k); g < CELL_FIRST(k + 1); g++) sum[g] =
            sums[((size_t)n * CELL_GATES + g) * l.H + j];
        cell_units(&w, &s, k, n, j, 1, sum);
    }
}

#if CELL_MEMORY
/* With OPTION_NORM, after LN: h_t from the gates and z = LN(c_t), where z is sums, [N,H]. Global
 * size [H,N]. */
kernel void step_output(global const REAL *weights, global REAL *workspace,
                        global const REAL *h_first, global const REAL *c_first, global REAL *h_last,
                        global REAL *c_last, global REAL *y, global const int *lengths,
                        global const REAL *sums, uint index, const scan_launch l)
{
    const uint j = get_global_id(0), n = get_global_id(1);
    const scan_arrays at = l.scans[0];
    scan w;
    scan_step s;
    if (j >= l.H || n >= l.N)
        return;
    scan_forward_begin(&w, &l, &at, weights, workspace, h_first, c_first, h_last, c_last, y,
                       lengths);
    step_of(&w, index, &s);
    output_units(&w, &s, n, j, 1, sums[(size_t)n * l.H + j]);
}

/* Its way back: dz, [N,H] from dz_at + index*N*H on, of what does not count 0. sums: [N,H], if
 * projected the gradient of what was projected; then z, [N,H]. Global size [H,N]. */
kernel void step_output_back(global const REAL *weights, global REAL *workspace, global REAL *dy,
                             global REAL *dh, global REAL *dc, global REAL *dproj, global REAL *da,
                             global REAL *du, global const int *lengths, global const REAL *sums,
                             global REAL *dz, ulong dz_at, uint index, const scan_launch l)
{
    const uint j = get_global_id(0), n = get_global_id(1);
    const scan_arrays at = l.scans[0];
    const size_t unit = (size_t)n * l.H + j, units = (size_t)l.N * l.H;
    scan w;
    scan_step s;
    if (j >= l.H || n >= l.N)
        return;
    scan_backward_begin(&w, &l, &at, weights, workspace, dy, dh, dc, dproj, da, du, lengths);
    step_of(&w, index, &s);
    const bool projected = options_of(l.options) & OPTION_PROJECTED;
    dz[dz_at + index * units + unit] =
        output_units_back(&w, &s, n, j, 1, projected ? sums[unit] : w.dh[unit], sums[units + unit]);
}
#endif

/* sums: [N,R]. Global size [R,N]. */
kernel void step_project(global const REAL *weights, global REAL *workspace,
                         global const REAL *h_first, global const REAL *c_first,
                         global REAL *h_last, global REAL *c_last, global REAL *y,
                         global const int *lengths, global const REAL *sums, uint index,
                         const scan_launch l)
{
    const uint j = get_global_id(0), n = get_global_id(1);
    const scan_arrays at = l.scans[0];
    scan w;
    scan_step s;
    if (j >= l.R || n >= l.N)
        return;
    scan_forward_begin(&w, &l, &at, weights, workspace, h_first, c_first, h_last, c_last, y,
                       lengths);
    step_of(&w, index, &s);
    project_units(&w, &s, n, j, 1, sums[(size_t)n * l.R + j]);
}

/* Global size [R,N]. */
kernel void step_project_back(global const REAL *weights, global REAL *workspace, global REAL *dy,
                              global REAL *dh, global REAL *dc, global REAL *dproj, global REAL *da,
                              global REAL *du, global const int *lengths, uint index,
                              const scan_launch l)
{
    const uint j = get_global_id(0), n = get_global_id(1);
    const scan_arrays at = l.scans[0];
    scan w;
    scan_step s;
    if (j >= l.R || n >= l.N)
        return;
    scan_backward_begin(&w, &l, &at, weights, workspace, dy, dh, dc, dproj, da, du, lengths);
    step_of(&w, index, &s);
    project_units_back(&w, &s, n, j, 1);
}

/* sums: [N,H], of the last phase only if projected; with OPTION_NORM then LN(c_t), [N,H]. Global
 * size [H,N]. */
kernel void step_back(global const REAL *weights, global REAL *workspace, global REAL *dy,
                      global REAL *dh, global REAL *dc, global REAL *dproj, global REAL *da,
                      global REAL *du, global const int *lengths, global const REAL *sums,
                      uint index, uint phase, const scan_launch l)
{
    const uint j = get_global_id(0), n = get_global_id(1);
    const scan_arrays at = l.scans[0];
    const size_t unit = (size_t)n * l.H + j;
    scan w;
    scan_step s;
    if (j >= l.H || n >= l.N)
        return;
    scan_backward_begin(&w, &l, &at, weights, workspace, dy, dh, dc, dproj, da, du, lengths);
    step_of(&w, index, &s);
    if (CELL_MEMORY && options_of(l.options) & OPTION_NORM)
        s.c_next = (global REAL *)(sums + (size_t)l.N * l.H);
    if (CELL_PHASES > 1 && phase == 0)
        early_units_back(&w, &s, n, j, 1, sums[unit]);
    else if (options_of(l.options) & OPTION_PROJECTED)
        cell_units_back(&w, &s, n, j, 1, sums[unit]);
    else
        cell_units_back(&w, &s, n, j, 1, w.dh[unit]);
}

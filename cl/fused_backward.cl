/* SPDX-License-Identifier: MIT
 * cl/fused_backward.cl - steps back of the strategy with one kernel for each phase of a step. After
 * cl/scan_backward.cl and cl/fused.cl.
 *
 * What follows the recurrent product of a step is the next step's first phase (projected: project,
 * else cell) of the same units, so both are one launch. Before the first step its first phase is
 * alone (fused_backward_first), after the last one there is none. */

/* dh of the units of a row, and with them the first phase of the step `next`, if there is one. */
static inline ALWAYS_INLINE void recurrent_units(const scan *w, const scan_step *next, uint n,
                                                 uint unit, REAL dh)
{
    const bool projected = options_of(w->options) & OPTION_PROJECTED;
    w->dh[(size_t)n * w->R + unit] = dh;
    if (next->index >= w->count)
        return;
    if (projected)
        project_units_back(w, next, n, unit, 1);
    else
        cell_units_back(w, next, n, unit, 1, dh);
}

#define NAME  fused_recurrent
#define GATES 1
#define START w->dh[(size_t)n * w->R + unit]
#define EACH  recurrent_units(w, s, n, unit, sum[0])
#include "fused_product.cl"

static inline ALWAYS_INLINE void sum_units_back(const scan *w, const scan_step *s, uint n,
                                                uint unit, REAL sum)
{
    if (CELL_PHASES > 1)
        early_units_back(w, s, n, unit, 1, sum);
    else
        cell_units_back(w, s, n, unit, 1, sum);
}

#define NAME  fused_sums
#define GATES 1
#define EACH  sum_units_back(w, s, n, unit, sum[0])
#include "fused_product.cl"

/* Step `number` of the launch, from 0, the one that is scanned back first; or the one after the
 * last one, whose index is count. */
static inline void step_back_of(const scan *w, uint number, scan_step *s)
{
    const uint last = w->count - 1, of = min(number, last);
    step_of(w, w->down ? of : last - of, s);
    if (number > last)
        s->index = w->count;
}

/* The direction of the group, and step `number` of it. */
static inline uint fused_step_back(scan *w, scan_step *s, const scan_launch *l, uint tiles,
                                   uint number, global const REAL *panels,
                                   global const REAL *weights, global REAL *workspace,
                                   global REAL *dy, global REAL *dh, global REAL *dc,
                                   global REAL *dproj, global REAL *da, global REAL *du,
                                   global const int *lengths)
{
    const uint d = (uint)get_group_id(0) / tiles;
    scan_arrays at;
    pick_arrays(l, d, &at);
    scan_backward_begin(w, l, &at, weights, workspace, dy, dh, dc, dproj, da, du, lengths);
    scan_backward_weights(w, &at, panels);
    step_back_of(w, number, s);
    return (uint)get_group_id(0) - d * tiles;
}

/* The recurrent product of step `number` and the first phase of the step after it. Others: as in
 * cl/fused_forward.cl. */
__attribute__((reqd_work_group_size(ITEMS, 1, 1))) kernel void
fused_backward(global const REAL *panels, global const REAL *weights, global REAL *workspace,
               global REAL *dy, global REAL *dh, global REAL *dc, global REAL *dproj,
               global REAL *da, global REAL *du, global const int *lengths, uint number, uint tiles,
               const scan_launch l, local REAL4 *tile)
{
    scan w;
    scan_step s, next;
    fused_product p;
    const uint group = fused_step_back(&w, &s, &l, tiles, number, panels, weights, workspace, dy,
                                       dh, dc, dproj, da, du, lengths);
    step_back_of(&w, number + 1, &next);
    fused_begin(&p, &w, du_of(&w, &s), (size_t)CELL_GATES * l.H, FIRST_GATES * l.H, w.d_recurrent,
                l.R);
    fused_recurrent(&w, &next, &p, group, tile);
}

/* The phase of step `number` before that, of cells with two phases, or of projections. */
__attribute__((reqd_work_group_size(ITEMS, 1, 1))) kernel void
fused_backward_second(global const REAL *panels, global const REAL *weights, global REAL *workspace,
                      global REAL *dy, global REAL *dh, global REAL *dc, global REAL *dproj,
                      global REAL *da, global REAL *du, global const int *lengths, uint number,
                      uint tiles, const scan_launch l, local REAL4 *tile)
{
    scan w;
    scan_step s;
    fused_product p;
    const uint group = fused_step_back(&w, &s, &l, tiles, number, panels, weights, workspace, dy,
                                       dh, dc, dproj, da, du, lengths);
    if (CELL_PHASES > 1)
        fused_begin(&p, &w, du_of(&w, &s) + (size_t)FIRST_GATES * l.H, (size_t)CELL_GATES * l.H,
                    SECOND_GATES * l.H, w.d_candidate, l.H);
    else
        fused_begin(&p, &w, w.dproj + (size_t)s.index * l.N * l.R, l.R, l.R, w.d_projection, l.H);
    fused_sums(&w, &s, &p, group, tile);
}

/* The first phase of step 0. Global size: [used*R, N]. */
kernel void fused_backward_first(global const REAL *weights, global REAL *workspace,
                                 global REAL *dy, global REAL *dh, global REAL *dc,
                                 global REAL *dproj, global REAL *da, global REAL *du,
                                 global const int *lengths, const scan_launch l)
{
    const uint column = (uint)get_global_id(0), n = (uint)get_global_id(1);
    const uint d = column / l.R, unit = column - d * l.R;
    scan_arrays at;
    scan w;
    scan_step s;
    if (d >= l.used || n >= l.N)
        return;
    pick_arrays(&l, d, &at);
    scan_backward_begin(&w, &l, &at, weights, workspace, dy, dh, dc, dproj, da, du, lengths);
    step_back_of(&w, 0, &s);
    recurrent_units(&w, &s, n, unit, w.dh[(size_t)n * l.R + unit]);
}

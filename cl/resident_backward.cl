/* SPDX-License-Identifier: MIT
 * cl/resident_backward.cl - the scan back of the strategy for GPUs. After cl/scan_backward.cl and
 * cl/resident.cl. */

/* dh += du U */
#define NAME  recurrent_product
#define TAKES TAKE
#define KEEPS KEPT
#define GATES 1
#define START w->dh[(size_t)n * w->R + unit]
#define EACH  w->dh[(size_t)n * w->R + unit] = sum[0]
#include "resident_product.cl"

/* The other product: that of the second phase, or of a projection. */
static inline ALWAYS_INLINE void second_units(local const scan *w, local const scan_step *s, uint n,
                                              uint j, REAL sum)
{
    if (CELL_PHASES > 1)
        early_units_back(w, s, n, j, 1, sum);
    else
        cell_units_back(w, s, n, j, 1, sum);
}

#define NAME  second_product
#define TAKES TAKE_2
#define KEEPS KEPT_2
#define GATES 1
#define EACH  second_units(w, s, n, unit, sum[0])
#include "resident_product.cl"

/* The products of a group, and the arrays of its direction. */
static inline ALWAYS_INLINE void products_begin(local scan *w, local product *recurrent,
                                                local product *second, global const REAL *panels,
                                                const scan_launch *l, uint group,
                                                local scan_arrays *at)
{
    const uint part = group % l->unit_parts, parts = l->unit_parts;
    pick_arrays(l, group < l->row_parts * parts ? 0 : 1, at);
    scan_backward_weights(w, at, panels);
    product_begin(recurrent, w->d_recurrent, l->R, FIRST_GATES * l->H, part, parts, KEPT, l->tile);
    if (CELL_PHASES > 1)
        product_begin(second, w->d_candidate, l->H, SECOND_GATES * l->H, part, parts, KEPT_2,
                      l->tile);
    else if (options_of(l->options) & OPTION_PROJECTED)
        product_begin(second, w->d_projection, l->H, l->R, part, parts, KEPT_2, l->tile);
}

/* What needs no product, for units unit0..unit1-1 of rows row0..row1-1. */
static inline ALWAYS_INLINE void units_alone(local const scan *w, local const scan_step *s,
                                             uint unit0, uint unit1, uint row0, uint row1)
{
    uint units = unit1 - unit0;
    for (uint q = get_local_id(0); q < (row1 - row0) * units; q += WG) {
        uint n = row0 + q / units, j = unit0 + q % units;
        if (options_of(w->options) & OPTION_PROJECTED)
            project_units_back(w, s, n, j, 1);
        else
            cell_units_back(w, s, n, j, 1, w->dh[(size_t)n * w->H + j]);
    }
}

/* Arguments: as those of persistent_backward; global size, from and part: as in
 * cl/resident_forward.cl. */
__attribute__((reqd_work_group_size(WG, 1, 1))) kernel void
resident_backward(global const REAL *panels, global const REAL *weights, global REAL *workspace,
                  global REAL *dy, global REAL *dh, global REAL *dc, global REAL *dproj,
                  global REAL *da, global REAL *du, global const int *lengths,
                  volatile global int *sync, const scan_launch l, local WIDE *from,
                  local WIDE *part)
{
    const uint options = options_of(l.options), phases = l.count * backward_phases(options);
    const uint R = l.R;
    const bool projected = options & OPTION_PROJECTED, two = CELL_PHASES > 1 || projected;
    const size_t stride = (size_t)CELL_GATES * l.H;
    local scan_arrays at;
    local scan w;
    local scan_step s;
    local product recurrent, second;
    local progress now;
    local int fell_back;
    uint4 kept[TAKE][KEPT], kept_2[TAKE_2][KEPT_2];
    const bool leader = get_local_id(0) == 0;
    const uint own = (uint)get_group_id(0);
    bool fallback = false;
    team m;
    team_begin(&m, &l, sync, own);
    if (leader)
        products_begin(&w, &recurrent, &second, panels, &l, own, &at);
    barrier(BARRIER);
    recurrent_product_keep(&recurrent, kept);
    if (two)
        second_product_keep(&second, kept_2);
    do {
        if (leader)
            begin_phases(&now);
        barrier(BARRIER);
        while (UNIFORM(now.stays)) {
            const uint phase = UNIFORM(now.phase), group = UNIFORM(now.group);
            const int work = UNIFORM(now.missing) ? backward_part(options, phase) : -1;
            uint row0,
                row1 = part_range(l.N, group / l.unit_parts % l.row_parts, l.row_parts, &row0);
            if (work == part_recurrent)
                recurrent_product(&w, &s, &recurrent, du_of(&w, &s), stride, row0, row1, l.rows,
                                  !fallback, kept, from, part);
            else if (CELL_PHASES > 1 && work == part_early)
                second_product(&w, &s, &second, du_of(&w, &s) + FIRST_GATES * l.H, stride, row0,
                               row1, l.rows, !fallback, kept_2, from, part);
            else if (projected && work == part_cell)
                second_product(&w, &s, &second, w.dproj + (size_t)s.index * l.N * R, R, row0, row1,
                               l.rows, !fallback, kept_2, from, part);
            else if (work >= 0) {
                uint unit0, unit1 = part_range(projected ? R : l.H, group % l.unit_parts,
                                               l.unit_parts, &unit0);
                units_alone(&w, &s, unit0, unit1, row0, row1);
            }
            barrier(BARRIER);
            if (leader && next_phase(&now, &m, fallback, phases, barriers_after(options, phase))) {
                const uint number = now.phase / backward_phases(options);
                if (fallback)
                    products_begin(&w, &recurrent, &second, panels, &l, now.group, &at);
                if (fallback || now.phase == 0)
                    scan_backward_begin(&w, &l, &at, weights, workspace, dy, dh, dc, dproj, da, du,
                                        lengths);
                step_of(&w, w.down ? number : l.count - 1 - number, &s);
            }
            barrier(BARRIER);
        }
        fallback = group_falls_back(&m, fallback, &fell_back);
    } while (fallback);
}

/* SPDX-License-Identifier: MIT
 * cl/resident_forward.cl - the forward scan of the strategy for GPUs. After cl/scan_forward.cl and
 * cl/resident.cl. The input products are there: gates = x_t W_ih^T for all steps. */

#define NAME  first_product
#define TAKES TAKE
#define KEEPS KEPT
#define GATES FIRST_GATES
#define EACH  cell_units(w, s, 0, n, unit, 1, sum)
#include "resident_product.cl"

#define NAME  second_product
#define TAKES TAKE_2
#define KEEPS KEPT_2
#define GATES SECOND_SUMS
#define EACH  second_units(w, s, n, unit, sum)
#include "resident_product.cl"

/* The products of a group, and the arrays of its direction. */
static inline ALWAYS_INLINE void products_begin(local scan *w, local product *first,
                                                local product *second, global const STORED *panels,
                                                const scan_launch *l, uint group,
                                                local scan_arrays *at)
{
    const uint part = group % l->unit_parts, parts = l->unit_parts;
    pick_arrays(l, group < l->row_parts * parts ? 0 : 1, at);
    scan_forward_weights(w, at, panels);
    product_begin(first, w->recurrent, l->H, l->R, part, parts, KEPT, l->tile);
    if (CELL_PHASES > 1)
        product_begin(second, stored_at(w->recurrent, FIRST_GATES * first->gate_step * PIECE), l->H,
                      l->H, part, parts, KEPT_2, l->tile);
    else if (options_of(l->options) & OPTION_PROJECTED)
        product_begin(second, w->projection, l->R, l->H, part, parts, KEPT_2, l->tile);
}

/* Arguments: those of persistent_forward; it does not look at x. Global
 * size: used*row_parts*unit_parts groups of WG work-items.
 * from, part: room for l.rows rows of l.tile pieces of each chain, and for WG*l.rows times TAKE
 * sums or TAKE_2, what is more. */
__attribute__((reqd_work_group_size(WG, 1, 1))) kernel void
resident_forward(global const STORED *panels, global const REAL *weights, global REAL *workspace,
                 global const REAL *x, global const REAL *h_first, global const REAL *c_first,
                 global REAL *h_last, global REAL *c_last, global REAL *y,
                 global const int *lengths, volatile global int *sync, const scan_launch l,
                 local WIDE *from, local WIDE *part)
{
    const uint parts = forward_phases(options_of(l.options)), phases = l.count * parts;
    const uint multiplied = CELL_PHASES > 1 ? 0 : CELL_SAVES; /* of the values saved */
    local scan_arrays at;
    local scan w;
    local scan_step s;
    local product first, second;
    local progress now;
    local int fell_back;
    uint4 kept[TAKE][KEPT], kept_2[TAKE_2][KEPT_2];
    const bool leader = get_local_id(0) == 0;
    const uint own = (uint)get_group_id(0);
    bool fallback = false;
    team m;
    team_begin(&m, &l, sync, own);
    if (l.count == 0) {
        if (leader)
            probe(&m);
        return;
    }
    if (leader)
        products_begin(&w, &first, &second, panels, &l, own, &at);
    barrier(BARRIER);
    first_product_keep(&first, kept);
    if (parts > 1)
        second_product_keep(&second, kept_2);
    do {
        if (leader)
            begin_phases(&now);
        barrier(BARRIER);
        while (UNIFORM(now.stays)) {
            const uint phase = UNIFORM(now.phase), group = UNIFORM(now.group);
            uint row0,
                row1 = part_range(l.N, group / l.unit_parts % l.row_parts, l.row_parts, &row0);
            if (UNIFORM(now.missing) && phase % parts == 0)
                first_product(&w, &s, &first, s.h_prev, l.R, row0, row1, l.rows, !fallback, kept,
                              from, part);
            else if (UNIFORM(now.missing) && parts > 1)
                second_product(&w, &s, &second, saved_of(&w, &s, 0, multiplied), saved_stride(&w),
                               row0, row1, l.rows, !fallback, kept_2, from, part);
            barrier(BARRIER);
            if (leader && next_phase(&now, &m, fallback, phases, phase + 1)) {
                const uint number = now.phase / parts;
                if (fallback)
                    products_begin(&w, &first, &second, panels, &l, now.group, &at);
                if (fallback || now.phase == 0)
                    scan_forward_begin(&w, &l, &at, weights, workspace, h_first, c_first, h_last,
                                       c_last, y, lengths);
                step_of(&w, w.down ? l.count - 1 - number : number, &s);
            }
            barrier(BARRIER);
        }
        fallback = group_falls_back(&m, fallback, &fell_back);
    } while (fallback);
}

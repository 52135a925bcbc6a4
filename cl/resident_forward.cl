/* SPDX-License-Identifier: MIT
 * cl/resident_forward.cl - the forward walk of the strategy for GPUs. After cl/walk_forward.cl and
 * cl/resident.cl. The input products are there: gates = x_t W_ih^T for all steps. */

#define CONTEXT local const walk *w, local const walk_step *s

#if CELL_RESET_BEFORE
#define FIRST_EACH(n, j, sum) reset_units(w, s, n, j, 1, sum)
#define SECOND_EACH(n, j, sum)                       \
    const REAL of_unit[CELL_GATES] = {0, 0, *(sum)}; \
    cell_units(w, s, n, j, 1, of_unit)
#else
#define FIRST_EACH(n, j, sum)  cell_units(w, s, n, j, 1, sum)
#define SECOND_EACH(n, j, sum) project_units(w, s, n, j, 1, *(sum))
#endif

#define TWO_PRODUCTS (FORWARD_PHASES == 2)

PRODUCT(first_product, TAKE, FIRST_GATES, CONTEXT, FIRST_EACH)
#if TWO_PRODUCTS
PRODUCT(second_product, 1, 1, CONTEXT, SECOND_EACH)
#endif

/* Arguments: those of persistent_forward; it does not look at x. Global
 * size: used*row_shares*unit_shares groups of WG work-items.
 * from, part: room for l.rows rows of the longest k in lanes, and for WG*TAKE*l.rows sums. */
__attribute__((reqd_work_group_size(WG, 1, 1))) kernel void
resident_forward(global const STORED *panels, global const REAL *weights, global REAL *store,
                 global const REAL *x, global const REAL *h_first, global const REAL *c_first,
                 global REAL *h_last, global REAL *c_last, global REAL *y,
                 global const int *lengths, volatile global int *sync, const walk_launch l,
                 local REAL *from, local REAL *part)
{
    const uint phases = l.count * FORWARD_PHASES, groups = l.row_shares * l.unit_shares;
    local walk_places at;
    local walk w;
    local walk_step s;
    local product first;
    local int stays;
    REAL kept[TAKE][KEPT];
#if TWO_PRODUCTS
    local product second;
    REAL kept_2[1][KEPT];
#endif
    const bool leader = get_local_id(0) == 0;
    bool goes_on = true, repair = false;
    team m;
    team_begin(&m, &l, sync);
    if (l.count == 0) {
        if (leader)
            probe(&m);
        return;
    }
    do {
        FOR_PHASES (m, phases, goes_on, repair) {
            const bool begins = repair || phase == 0;
            uint number = phase / FORWARD_PHASES, part_of = group % l.unit_shares, row0;
            uint row1 = share(l.N, group / l.unit_shares % l.row_shares, l.row_shares, &row0);
            if (leader && begins) {
                pick_places(&l, group < groups ? 0 : 1, &at);
                walk_forward_begin(&w, &l, &at, panels, weights, store, h_first, c_first, h_last,
                                   c_last, y, lengths);
                product_begin(&first, w.panels, l.H, l.R, part_of, l.unit_shares);
#if CELL_RESET_BEFORE
                product_begin(&second, w.panels + 2 * first.gate_step, l.H, l.H, part_of,
                              l.unit_shares);
#elif PROJECTED
                product_begin(&second, w.projection, l.R, l.H, part_of, l.unit_shares);
#endif
            }
            if (leader)
                step_of(&w, w.down ? l.count - 1 - number : number, &s);
            barrier(BARRIER);
            if (begins && !repair) {
                first_product_keep(&first, kept);
#if TWO_PRODUCTS
                second_product_keep(&second, kept_2);
#endif
            }
            if (phase % FORWARD_PHASES == 0)
                first_product(&w, &s, &first, s.h_prev, l.R, row0, row1, l.rows, !repair, kept,
                              from, part);
#if TWO_PRODUCTS
            else
                second_product(&w, &s, &second, s.extra, l.H, row0, row1, l.rows, !repair, kept_2,
                               from, part);
#endif
            barrier(BARRIER);
            if (!repair)
                goes_on = group_stays(&m, group, phase + 1, phases, phase + 1,
                                      phase == 0 ? m.first_spins : m.most_spins, &stays);
        }
        repair = group_repairs(&m, repair, &stays);
    } while (repair);
}

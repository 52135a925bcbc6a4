/* SPDX-License-Identifier: MIT
 * cl/resident_forward.cl - the forward walk of the strategy for GPUs. After cl/walk_forward.cl and
 * cl/resident.cl. The input products are there: gates = x_t W_ih^T for all steps. */

#define CONTEXT local const walk *w, local const walk_step *s

/* The cell after its second phase: sum is of the gates from CELL_FIRST(1) on. */
static inline void second_units(local const walk *w, local const walk_step *s, uint n, uint j,
                                const REAL *sum)
{
    REAL of_unit[CELL_GATES];
    for (int k = CELL_FIRST(1); k < CELL_GATES; k++)
        of_unit[k] = sum[k - CELL_FIRST(1)];
    cell_units(w, s, CELL_PHASES - 1, n, j, 1, of_unit);
}

#define FIRST_EACH(n, j, sum)   cell_units(w, s, 0, n, j, 1, sum)
#define SECOND_EACH(n, j, sum)  second_units(w, s, n, j, sum)
#define PROJECT_EACH(n, j, sum) project_units(w, s, n, j, 1, *(sum))
PRODUCT(first_product, TAKE, CELL_FIRST(1), CONTEXT, FIRST_EACH)
#if CELL_PHASES > 1
PRODUCT(second_product, 1, (CELL_GATES - CELL_FIRST(1)), CONTEXT, SECOND_EACH)
#else
PRODUCT(second_product, 1, 1, CONTEXT, PROJECT_EACH)
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
    const uint parts = forward_phases(options_of(l.options)), phases = l.count * parts;
    const uint groups = l.row_shares * l.unit_shares;
    local walk_places at;
    local walk w;
    local walk_step s;
    local product first, second;
    local int stays;
    REAL kept[TAKE][KEPT], kept_2[1][KEPT];
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
            uint number = phase / parts, part_of = group % l.unit_shares, row0;
            uint row1 = share(l.N, group / l.unit_shares % l.row_shares, l.row_shares, &row0);
            if (leader && begins) {
                pick_places(&l, group < groups ? 0 : 1, &at);
                walk_forward_begin(&w, &l, &at, panels, weights, store, h_first, c_first, h_last,
                                   c_last, y, lengths);
                product_begin(&first, w.panels, l.H, l.R, part_of, l.unit_shares);
                if (CELL_PHASES > 1)
                    product_begin(&second, w.panels + CELL_FIRST(1) * first.gate_step, l.H, l.H,
                                  part_of, l.unit_shares);
                else if (parts > 1)
                    product_begin(&second, w.projection, l.R, l.H, part_of, l.unit_shares);
            }
            if (leader)
                step_of(&w, w.down ? l.count - 1 - number : number, &s);
            barrier(BARRIER);
            if (begins && !repair) {
                first_product_keep(&first, kept);
                if (parts > 1)
                    second_product_keep(&second, kept_2);
            }
            if (phase % parts == 0)
                first_product(&w, &s, &first, s.h_prev, l.R, row0, row1, l.rows, !repair, kept,
                              from, part);
            else if (parts > 1)
                second_product(&w, &s, &second, s.extra, l.H, row0, row1, l.rows, !repair, kept_2,
                               from, part);
            barrier(BARRIER);
            if (!repair)
                goes_on = group_stays(&m, group, phase + 1, phases, phase + 1,
                                      phase == 0 ? m.first_spins : m.most_spins, &stays);
        }
        repair = group_repairs(&m, repair, &stays);
    } while (repair);
}

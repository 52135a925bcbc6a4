/* SPDX-License-Identifier: MIT
 * cl/persistent_backward.cl - the walk back of the strategy for CPU devices. After
 * cl/walk_backward.cl and cl/persistent.cl. */

static inline void project_panel(const walk *w, const walk_step *s, uint panel, uint n0, uint rows)
{
#define UNITS w->R
#define EACH  project_units_back(w, s, n0 + i, j, width)
#include "each_unit.cl"
}

static inline void cell_panel(const walk *w, const walk_step *s, uint panel, uint n0, uint rows)
{
    const bool projected = options_of(w->options) & OPTION_PROJECTED;
    REALV sum[ROWS][TILE_V];
    if (projected)
        product(w->dproj + ((size_t)s->kept * w->N + n0) * w->R, w->R, rows,
                w->d_projection + (size_t)panel * TILE_N * w->R, w->R, false, sum);
#define UNITS w->H
#define EACH                                \
    cell_units_back(w, s, n0 + i, j, width, \
                    projected ? sum[i][v] : load_some(w->dh + (size_t)(n0 + i) * w->H + j, width))
#include "each_unit.cl"
}

/* What a cell with two phases leaves to the first. */
static inline void early_panel(const walk *w, const walk_step *s, uint panel, uint n0, uint rows)
{
    const size_t stride = (size_t)CELL_GATES * w->H;
    const uint K = SECOND_GATES * w->H;
    REALV sum[ROWS][TILE_V];
    product(du_of(w, s) + n0 * stride + (size_t)FIRST_GATES * w->H, stride, rows,
            w->d_candidate + (size_t)panel * TILE_N * K, K, false, sum);
#define UNITS w->H
#define EACH  early_units_back(w, s, n0 + i, j, width, sum[i][v])
#include "each_unit.cl"
}

/* dh += du U for one panel of columns. */
static inline void recurrent_panel(const walk *w, const walk_step *s, uint panel, uint n0,
                                   uint rows)
{
    size_t stride = (size_t)CELL_GATES * w->H;
    const uint K = FIRST_GATES * w->H;
    global REAL *dh = w->dh + (size_t)n0 * w->R;
    REALV sum[ROWS][TILE_V];
    for (uint i = 0; i < rows; i++)
        for (uint v = 0; v < TILE_V; v++)
            sum[i][v] = (REALV)0;
#define UNITS w->R
#define EACH  sum[i][v] = load_some(dh + i * w->R + j, width)
#include "each_unit.cl"
    product(du_of(w, s) + n0 * stride, stride, rows, w->d_recurrent + (size_t)panel * TILE_N * K, K,
            true, sum);
#define UNITS w->R
#define EACH  store_some(sum[i][v], dh + i * w->R + j, width)
#include "each_unit.cl"
}

/* Phase `phase` of a walk back, for one share of rows and one of units. (Not in line: as in the
 * walk forward.) */
static inline NO_INLINE void backward_phase(const walk *w, uint phase, uint row_share,
                                            uint row_shares, uint unit_share, uint unit_shares)
{
    const uint options = options_of(w->options);
    const int part = backward_part(options, phase);
    uint number = phase / backward_phases(options), row0, panel0;
    walk_step s;
    step_of(w, w->down ? number : w->count - 1 - number, &s);
    uint row1 = share(w->N, row_share, row_shares, &row0);
    uint width = part == part_project || part == part_recurrent ? w->R : w->H;
    uint panel1 = share(panels_of(width), unit_share, unit_shares, &panel0);
    for (uint panel = panel0; panel < panel1; panel++)
        for (uint n = row0; n < row1; n += ROWS) {
            uint rows = min(row1 - n, (uint)ROWS);
            if (part == part_recurrent)
                recurrent_panel(w, &s, panel, n, rows);
            else if (part == part_cell)
                cell_panel(w, &s, panel, n, rows);
            else if (part == part_project && options & OPTION_PROJECTED)
                project_panel(w, &s, panel, n, rows);
            else if (CELL_PHASES > 1 && part == part_early)
                early_panel(w, &s, panel, n, rows);
        }
}

/* dh, dc: in the gradient of the state after the last of the kept steps, out that before the first.
 * Arguments and global size: as in cl/persistent_forward.cl. */
__attribute__((reqd_work_group_size(1, 1, 1))) kernel void
persistent_backward(global const REAL *panels, global const REAL *weights, global REAL *store,
                    global REAL *dy, global REAL *dh, global REAL *dc, global REAL *dproj,
                    global REAL *da, global REAL *du, global const int *lengths,
                    volatile global int *sync, const walk_launch l)
{
    const uint options = options_of(l.options), phases = l.count * backward_phases(options);
    const uint groups = l.row_shares * l.unit_shares;
    walk w[MOST_WALKS];
    bool repair = false;
    team m;
    team_begin(&m, &l, sync, (uint)get_group_id(0));
    for (uint d = 0; d < l.used; d++) {
        const walk_places at = l.walks[d];
        walk_backward_begin(&w[d], &l, &at, weights, store, dy, dh, dc, dproj, da, du, lengths);
        walk_backward_weights(&w[d], &at, panels);
    }
    do {
        bool stays = true;
        for (uint phase = 0; stays && phase < phases; phase++)
            for (uint group = first_group(&m, repair); group < groups_end(&m, repair); group++)
                if (is_missing(&m, repair, group, phase)) {
                    backward_phase(&w[group / groups], phase, group / l.unit_shares % l.row_shares,
                                   l.row_shares, group % l.unit_shares, l.unit_shares);
                    if (!repair)
                        stays =
                            phase_end(&m, group, phase + 1, phases, meetings_after(options, phase),
                                      phase == 0 ? m.first_spins : m.most_spins);
                }
        repair = must_repair(&m, repair);
    } while (repair);
}

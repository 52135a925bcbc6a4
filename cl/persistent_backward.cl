/* SPDX-License-Identifier: MIT
 * cl/persistent_backward.cl - the scan back of the strategy for CPU devices. After
 * cl/scan_backward.cl and cl/persistent.cl. */

/* sum = dproj_t W_hr for one panel of units. */
static inline void projected_product(const scan *w, const scan_step *s, uint panel, uint n0,
                                     uint rows, REALV sum[ROWS][TILE_V])
{
    product(w->dproj + ((size_t)s->index * w->N + n0) * w->R, w->R, rows,
            w->d_projection + (size_t)panel * TILE_N * w->R, w->R, is_half(panel, w->H), false,
            sum);
}

#ifdef LAYER_NORM
#include "persistent_norm_back.cl"
#else
/* What is multiplied by U. */
static inline global REAL *dsums_of(const scan *w, const scan_step *s)
{
    return du_of(w, s);
}
#endif

static inline void project_panel(const scan *w, const scan_step *s, uint panel, uint n0, uint rows)
{
#define UNITS w->R
#define EACH  project_units_back(w, s, n0 + i, j, width)
#include "each_unit.cl"
}

static inline void cell_panel(const scan *w, const scan_step *s, uint panel, uint n0, uint rows)
{
    const bool projected = options_of(w->options) & OPTION_PROJECTED;
#if defined(LAYER_NORM) && CELL_MEMORY
    const bool multiplied = false; /* by then */
    global const REAL *d = projected ? d_kept(w) : w->dh;
    scan_step of_cell = *s;
    of_cell.c_next = z_kept(w);
    s = &of_cell;
#else
    const bool multiplied = projected;
    global const REAL *d = w->dh;
#endif
    REALV sum[ROWS][TILE_V];
    if (multiplied)
        projected_product(w, s, panel, n0, rows, sum);
#define UNITS w->H
#define EACH                                \
    cell_units_back(w, s, n0 + i, j, width, \
                    multiplied ? sum[i][v] : load_some(d + (size_t)(n0 + i) * w->H + j, width))
#include "each_unit.cl"
}

/* What a cell with two phases leaves to the first. */
static inline void early_panel(const scan *w, const scan_step *s, uint panel, uint n0, uint rows)
{
    const size_t stride = (size_t)CELL_GATES * w->H;
    const uint K = SECOND_GATES * w->H;
    REALV sum[ROWS][TILE_V];
    product(dsums_of(w, s) + n0 * stride + (size_t)FIRST_GATES * w->H, stride, rows,
            w->d_candidate + (size_t)panel * TILE_N * K, K, is_half(panel, w->H), false, sum);
#define UNITS w->H
#define EACH  early_units_back(w, s, n0 + i, j, width, sum[i][v])
#include "each_unit.cl"
}

/* dh += dsums U for one panel of columns. */
static inline void recurrent_panel(const scan *w, const scan_step *s, uint panel, uint n0,
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
    product(dsums_of(w, s) + n0 * stride, stride, rows, w->d_recurrent + (size_t)panel * TILE_N * K,
            K, is_half(panel, w->R), true, sum);
#define UNITS w->R
#define EACH  store_some(sum[i][v], dh + i * w->R + j, width)
#include "each_unit.cl"
}

/* Phase `phase` of a scan back, for one part of the rows and one of the units. (Not in line: as in
 * the scan forward.) */
static inline NO_INLINE void backward_phase(const scan *w, uint phase, uint row_part,
                                            uint row_parts, uint unit_part, uint unit_parts)
{
    const uint options = options_of(w->options);
    const int part = backward_part(options, phase);
    uint number = phase / backward_phases(options), row0, panel0;
    scan_step s;
    step_of(w, w->down ? number : w->count - 1 - number, &s);
    uint row1 = part_range(w->N, row_part, row_parts, &row0);
#ifdef LAYER_NORM
    if (is_of_rows(part)) {
        const uint row_end = row0 + part_range(row1 - row0, unit_part, unit_parts, &unit_part);
        rows_back(w, &s, part, row0 + unit_part, row_end);
        return;
    }
#endif
    uint width = part == part_project || part == part_recurrent ? w->R : w->H;
    uint panel1 = part_range(panels_of(width), unit_part, unit_parts, &panel0);
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
#if defined(LAYER_NORM) && CELL_MEMORY
            else if (part == part_output)
                output_panel(w, &s, panel, n, rows);
#endif
        }
}

/* dh, dc: in the gradient of the state after the last of the launch's steps, out that before the
 * first. Arguments and global size: as in cl/persistent_forward.cl. */
__attribute__((reqd_work_group_size(1, 1, 1))) kernel void
persistent_backward(global const REAL *panels, global const REAL *weights, global REAL *workspace,
                    global REAL *dy, global REAL *dh, global REAL *dc, global REAL *dproj,
                    global REAL *da, global REAL *du, global const int *lengths,
                    volatile global int *sync,
#ifdef LAYER_NORM
                    global REAL *sums, global REAL *dsums, global REAL *dz, const norm_launch norms,
#endif
                    const scan_launch l)
{
    const uint options = options_of(l.options), phases = l.count * backward_phases(options);
    const uint groups = l.row_parts * l.unit_parts;
    scan w[MOST_SCANS];
    bool fallback = false;
    team m;
    team_begin(&m, &l, sync, (uint)get_group_id(0));
    for (uint d = 0; d < l.used; d++) {
        const scan_arrays at = l.scans[d];
        scan_backward_begin(&w[d], &l, &at, weights, workspace, dy, dh, dc, dproj, da, du, lengths);
        scan_backward_weights(&w[d], &at, panels);
#ifdef LAYER_NORM
        const norm_arrays of_norms = norms.scans[d];
        norms_begin(&w[d], &norms, &of_norms, weights, workspace, sums);
        w[d].norms.dsums = dsums + at.da;
        w[d].norms.dz = dz + of_norms.dz;
#endif
    }
    do {
        bool stays = true;
        for (uint phase = 0; stays && phase < phases; phase++)
            for (uint group = first_group(&m, fallback); group < groups_end(&m, fallback); group++)
                if (is_missing(&m, fallback, group, phase)) {
                    backward_phase(&w[group / groups], phase, group / l.unit_parts % l.row_parts,
                                   l.row_parts, group % l.unit_parts, l.unit_parts);
                    if (!fallback)
                        stays =
                            phase_end(&m, group, phase + 1, phases, barriers_after(options, phase),
                                      phase == 0 ? m.first_spins : m.most_spins);
                }
        fallback = must_fall_back(&m, fallback);
    } while (fallback);
}

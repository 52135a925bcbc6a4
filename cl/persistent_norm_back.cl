/* SPDX-License-Identifier: MIT
 * cl/persistent_norm_back.cl - the steps of a scan back with layer norm: for
 * cl/persistent_backward.cl, which includes it with LAYER_NORM. In place of the phases of
 * cl/scan_backward.cl:
 *
 *     projected                  project      dproj_t = dh + dy_t
 *     of a cell with a state c   output       d = dproj_t W_hr or dh + dy_t; z = LN(c_t) again, dz
 *                                output rows  dc += what comes back from dz
 *                                cell         from d: da_t, du_t, dc, a part of dh
 *     of a cell with two phases  late rows    of the second phase: dsums_t, from du_t
 *                                early        d = dsums_t U; what the first phase gets
 *                                rows         of the first phase: dsums_t, from du_t
 *                                recurrent    dh += dsums_t U
 *
 * What is for rows takes them whole, as forward. */
#include "persistent_norm.cl"

static inline bool is_of_rows(int part)
{
    return part == part_output_rows || part == part_late_rows || part == part_rows;
}

/* Of all rows of a step, [N,G*H] and [N,H]. */
static inline global REAL *dsums_of(const scan *w, const scan_step *s)
{
    return w->norms.dsums + (size_t)s->index * w->N * CELL_GATES * w->H;
}

static inline global REAL *dz_of(const scan *w, const scan_step *s)
{
    return w->norms.dz + (size_t)s->index * w->N * w->H;
}

static inline void sums_back(const scan *w, const scan_step *s, uint phase, uint row0, uint row1)
{
    const scan_norms *norms = &w->norms;
    const uint first = CELL_FIRST(phase) * w->H, K = CELL_FIRST(phase + 1) * w->H - first;
    REAL scratch[NORM_LANES];
    for (uint n = row0; n < row1; n++) {
        const size_t at = kept_at(w, s->index, n), row = (size_t)n * CELL_GATES * w->H + first;
        normalize_row_back(du_of(w, s) + row, norms->gain_u + first, norms->hat_u + at + first,
                           norms->scales[at + 1 + phase], dsums_of(w, s) + row, false, K, scratch);
    }
}

static inline void rows_back(const scan *w, const scan_step *s, int part, uint row0, uint row1)
{
    const scan_norms *norms = &w->norms;
    REAL scratch[NORM_LANES];
    if (part != part_output_rows) {
        sums_back(w, s, part == part_late_rows ? CELL_PHASES - 1 : 0, row0, row1);
        return;
    }
    for (uint n = row0; n < row1; n++) {
        const size_t at = kept_at(w, s->index, n), row = (size_t)n * w->H;
        normalize_row_back(dz_of(w, s) + row, norms->gain_c, norms->hat_c + at, norms->scale_c[at],
                           w->dc + row, true, w->H, scratch);
    }
}

#if CELL_MEMORY
/* Of the step at hand: d, and then z, [N,H]. */
static inline global REAL *d_kept(const scan *w)
{
    return w->norms.sums;
}

static inline global REAL *z_kept(const scan *w)
{
    return w->norms.sums + (size_t)w->N * w->H;
}

static inline void output_back(const scan *w, const scan_step *s, uint n, uint j, uint width,
                               REALV d)
{
    const scan_norms *norms = &w->norms;
    const size_t unit = (size_t)n * w->H + j;
    const REALV z = load_some(norms->hat_c + kept_at(w, s->index, n) + j, width) *
                        load_some(norms->gain_c + j, width) +
                    load_some(norms->bias_c + j, width);
    store_some(z, z_kept(w) + unit, width);
    if (options_of(w->options) & OPTION_PROJECTED)
        store_some(d, d_kept(w) + unit, width);
    else
        d = load_some(w->dh + unit, width);
    store_some(output_units_back(w, s, n, j, width, d, z), dz_of(w, s) + unit, width);
}

static inline void output_panel(const scan *w, const scan_step *s, uint panel, uint n0, uint rows)
{
    REALV sum[ROWS][TILE_V];
    if (options_of(w->options) & OPTION_PROJECTED)
        projected_product(w, s, panel, n0, rows, sum);
#define UNITS w->H
#define EACH  output_back(w, s, n0 + i, j, width, sum[i][v])
#include "each_unit.cl"
}
#endif

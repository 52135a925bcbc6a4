/* SPDX-License-Identifier: MIT
 * cl/persistent_forward.cl - the forward scan of the strategy for CPU devices. After
 * cl/persistent_input.cl. */

#ifndef LAYER_NORM
/* The cell for units j.. of row n, vector v of row i of the sums. */
static inline ALWAYS_INLINE void finish_units(const scan *w, const scan_step *s, int phase, uint n,
                                              uint j, uint width,
                                              REALV sum[CELL_GATES][ROWS][TILE_V], uint i, uint v)
{
    REALV of_units[CELL_GATES];
    UNROLL for (int k = 0; k < CELL_GATES; k++) of_units[k] = sum[k][i][v];
    UNROLL for (int k = 0; k < CELL_PHASES; k++) if (k == phase)
        cell_units(w, s, k, n, j, width, of_units);
}
#else
/* To memory: a row is normalised as a whole. */
static inline ALWAYS_INLINE void finish_units(const scan *w, const scan_step *s, int phase, uint n,
                                              uint j, uint width,
                                              REALV sum[CELL_GATES][ROWS][TILE_V], uint i, uint v)
{
    UNROLL for (int k = 0; k < CELL_GATES;
                k++) if (k >= CELL_FIRST(phase) && k < CELL_FIRST(phase + 1))
        store_some(sum[k][i][v], w->norms.sums + ((size_t)n * CELL_GATES + k) * w->H + j, width);
}
#endif

/* The gates of a phase of one panel of units, for rows n0..n0+rows-1, rows <= ROWS: the products
 * with h_{t-1} or with what the first phase saved, then the cell, or with layer norm to memory. */
static inline void gates_of_panel(const scan *w, const scan_step *s, int phase, uint panel, uint n0,
                                  uint rows)
{
    REALV sum[CELL_GATES][ROWS][TILE_V];
    size_t panel_size = (size_t)PANEL_ROWS(w->R) * TILE_N;
    size_t gate_step = panels_of(w->H) * panel_size;
    global const STORED *weights = stored_at(w->recurrent, panel * panel_size);
    global const REAL *from = phase ? saved_of(w, s, n0, 0) : s->h_prev + (size_t)n0 * w->R;
    size_t stride = phase ? saved_stride(w) : w->R;
    /* (Gates whose numbers the compiler knows: else it asks for each at every k.) */
    UNROLL for (int k = 0; k < CELL_PHASES; k++) if (rows == 1 && k == phase)
    {
        if (are_far((size_t)CELL_GATES * w->H * w->R))
            product_of_row(from, weights, gate_step, w->R, true, CELL_FIRST(k), CELL_FIRST(k + 1),
                           sum);
        else
            product_of_row(from, weights, gate_step, w->R, false, CELL_FIRST(k), CELL_FIRST(k + 1),
                           sum);
    }
    if (rows > 1)
        for (int k = CELL_FIRST(phase); k < CELL_FIRST(phase + 1); k++)
            product(from, stride, rows, weights + k * gate_step, w->R, is_half(panel, w->H), false,
                    sum[k]);
#define UNITS w->H
#define EACH  finish_units(w, s, phase, n0 + i, j, width, sum, i, v)
#include "each_unit.cl"
}

/* h_t = W_hr saved for one panel of projected units. */
static inline void project_panel(const scan *w, const scan_step *s, uint panel, uint n0, uint rows)
{
    REALV sum[ROWS][TILE_V];
    product(saved_of(w, s, n0, CELL_SAVES), saved_stride(w), rows,
            stored_at(w->projection, (size_t)panel * TILE_N * PANEL_ROWS(w->H)), w->H,
            is_half(panel, w->R), false, sum);
#define UNITS w->R
#define EACH  project_units(w, s, n0 + i, j, width, sum[i][v])
#include "each_unit.cl"
}

/* A step goes through the panels up, the next one down: so it begins with those that are still in
 * the caches, where the same order each time would find them gone whenever not all of them fit.
 * (10 to 20 % for one row of an LSTM with H = 256 and 512, whose weights are 1 and 4 MiB. With two
 * phases that take turns there is nothing to gain.) */
static inline bool up_and_down(uint options)
{
    return forward_phases(options) == 1;
}

#ifdef LAYER_NORM
#include "persistent_norm_forward.cl"
#else
/* What a step consists of. */
static inline uint forward_parts(uint options)
{
    return forward_phases(options);
}

/* Whether a part of it is for units of H, and no projection. */
static inline bool is_of_cell(uint part)
{
    return part < CELL_PHASES;
}

/* Part `part` of a step for one panel and rows row0..row1-1. */
static inline void forward_panel(const scan *w, const scan_step *s, uint part, uint panel,
                                 uint row0, uint row1)
{
    for (uint n = row0; n < row1; n += ROWS) {
        uint rows = min(row1 - n, (uint)ROWS);
        if (part < CELL_PHASES)
            gates_of_panel(w, s, (int)part, panel, n, rows);
        else if (options_of(w->options) & OPTION_PROJECTED)
            project_panel(w, s, panel, n, rows);
    }
}
#endif

/* Phase `phase` of a group's scan, which is the team's phase `at`: its part of the rows and units,
 * and with `steal` what others have not begun of theirs. (Not in line: PoCL compiles a kernel's
 * code three times, and half of a cold start was that.) */
static inline NO_INLINE void forward_phase(const scan *w, const team *m, uint group, uint phase,
                                           uint at)
{
    const uint options = options_of(w->options), parts = forward_parts(options);
    uint row_part = group / m->unit_parts % m->row_parts, own = group % m->unit_parts;
    uint number = phase / parts, part = phase % parts, row0;
    uint index = w->down ? w->count - 1 - number : number;
    uint row1 = part_range(w->N, row_part, m->row_parts, &row0);
    uint panels = panels_of(is_of_cell(part) ? w->H : w->R);
    bool inputs = part == 0 && number % w->block == 0;
    scan_step s;
    step_of(w, index, &s);
#ifdef LAYER_NORM
    if (is_of_rows(part)) {
        const uint row_end = row0 + part_range(row1 - row0, own, m->unit_parts, &own);
        normalize_part(w, &s, part, number, row0 + own, row_end);
        return;
    }
#endif
    for (uint i = 0; i < (m->steal ? m->unit_parts : 1); i++) {
        uint whose = (own + i) % m->unit_parts, panel0;
        uint count = part_range(panels, whose, m->unit_parts, &panel0) - panel0;
        if (inputs && !m->steal)
            input_product(w, index, row_part, m->row_parts, panel0, panel0 + count);
        for (uint k = 0; k < count; k++) {
            if (m->steal && (k = claim(m, group - own + whose, at, count)) == count)
                break;
            uint panel = panel0 + (up_and_down(options) && number % 2 ? count - 1 - k : k);
            if (inputs && m->steal)
                input_product(w, index, row_part, m->row_parts, panel, panel + 1);
            forward_panel(w, &s, part, panel, row0, row1);
        }
    }
}

/* How many grid barriers there have been after a phase; 0: this one has none. Those that share
 * units do so after each; layers of a stack, of which each keeps a block behind the one below,
 * after each block. */
static inline uint forward_barriers(const scan_launch *l, uint phase)
{
    uint block = l->block * forward_parts(options_of(l->options));
    return l->unit_parts > 1 ? phase + 1 : (phase + 1) % block ? 0 : (phase + 1) / block;
}

/* Arguments: cl/scan_launch.cl says what lies where in them. An absent one may be any buffer.
 * Global size: used*row_parts*unit_parts groups of one work-item, single_group one. */
__attribute__((reqd_work_group_size(1, 1, 1))) kernel void
persistent_forward(global const STORED *panels, global const REAL *weights, global REAL *workspace,
                   global const REAL *x, global const REAL *h_first, global const REAL *c_first,
                   global REAL *h_last, global REAL *c_last, global REAL *y,
                   global const int *lengths, volatile global int *sync,
#ifdef LAYER_NORM
                   global REAL *sums, const norm_launch norms,
#endif
                   const scan_launch l)
{
    const uint parts = forward_parts(options_of(l.options)), own = l.count * parts;
    const uint groups = l.row_parts * l.unit_parts;
    const uint lag = l.stacked ? l.block * parts : 0, phases = own + lag * (l.used - 1);
    team m;
    scan w[MOST_SCANS];
    bool fallback = false;
    team_begin(&m, &l, sync, (uint)get_group_id(0));
    if (l.count == 0) {
        probe(&m);
        return;
    }
    for (uint d = 0; d < l.used; d++) {
        const scan_arrays at = l.scans[d];
        scan_alone_begin(&w[d], &l, &at, panels, weights, workspace, x, h_first, c_first, h_last,
                         c_last, y, lengths);
#ifdef LAYER_NORM
        const norm_arrays of_norms = norms.scans[d];
        norms_begin(&w[d], &norms, &of_norms, weights, workspace, sums);
#endif
    }
    do {
        bool stays = true;
        for (uint phase = 0; stays && phase < phases; phase++)
            for (uint group = first_group(&m, fallback); group < groups_end(&m, fallback); group++)
                if (is_missing(&m, fallback, group, phase)) {
                    uint scan = group / groups, late = scan * lag;
                    bool longer = phase % (l.block * parts) == 0 || phase < lag;
                    if (phase >= late && phase - late < own)
                        forward_phase(&w[scan], &m, group, phase - late, phase);
                    if (!fallback)
                        stays = phase_end(&m, group, phase + 1, phases, forward_barriers(&l, phase),
                                          longer ? m.first_spins : m.most_spins);
                }
        fallback = must_fall_back(&m, fallback);
    } while (fallback);
}

/* SPDX-License-Identifier: MIT
 * cl/persistent_norm_forward.cl - the steps of a forward scan with layer norm, which needs the sums
 * over all units before any of them goes on: for cl/persistent_forward.cl, which includes it with
 * LAYER_NORM.
 *
 *     for each phase of the cell     sums        U h (or U saved) of the phase's gates, to memory;
 *                                                at a block's first step W x of all its steps
 *                                    normalize   these rows, and W x of the block
 *                                    cell        its equations
 *     of a cell with a state c       normalize   LN(c_t), to where the row's sums were (others
 *                                                may be at theirs)
 *                                    output      h_t, or what is projected
 *     projected                      h_t = saved W_hr^T
 *
 * Groups that share units share the rows that are normalised, each of them whole: so the order of
 * its sums is that of cl/norm.cl whatever the partition is, and there is a grid barrier after every
 * part. One group for all units meets nobody. */
#include "persistent_norm.cl"

enum { norm_sums, norm_rows, norm_cell, norm_kinds };
#define NORM_C_ROWS (norm_kinds * CELL_PHASES) /* of a cell with a state c */
#define NORM_OUTPUT (NORM_C_ROWS + 1)
#define NORM_PARTS  (norm_kinds * CELL_PHASES + 2 * CELL_MEMORY)

static inline uint forward_parts(uint options)
{
    return NORM_PARTS + (options & OPTION_PROJECTED ? 1 : 0);
}

static inline bool is_of_cell(uint part)
{
    return part < NORM_PARTS;
}

/* Whether a part is for whole rows, and not for panels. */
static inline bool is_of_rows(uint part)
{
    return part < NORM_PARTS &&
           (part < NORM_C_ROWS ? part % norm_kinds == norm_rows : part == NORM_C_ROWS);
}

/* W x of the block of steps of which number `number` is scanned first, in its place. */
static inline void normalize_inputs(const scan *w, uint number, uint row0, uint row1)
{
    const scan_norms *norms = &w->norms;
    const uint index = w->down ? w->count - 1 - number : number, K = CELL_GATES * w->H;
    REAL scratch[NORM_LANES];
    uint end;
    for (uint i = block_of(w, index, &end); i < end; i++)
        for (uint n = row0; n < row1; n++) {
            const size_t at = kept_at(w, i, n);
            global REAL *x = gates_of(w, i) + (size_t)n * K;
            normalize_row(x, norms->gain_x, norms->gain_x, false, x, norms->hat_x + at,
                          norms->scales + at, norms->keep, is_live(w, n, w->first_t + i),
                          norms->epsilon, K, scratch);
        }
}

/* The sums of a phase, in their place. (Those of a state that was reset are 0.) */
static inline void normalize_sums(const scan *w, const scan_step *s, uint phase, uint row0,
                                  uint row1)
{
    const scan_norms *norms = &w->norms;
    const uint first = CELL_FIRST(phase) * w->H, K = CELL_FIRST(phase + 1) * w->H - first;
    REAL scratch[NORM_LANES];
    for (uint n = row0; n < row1; n++) {
        const size_t at = kept_at(w, s->index, n);
        const bool reset = phase == 0 && is_reset(options_of(w->options), w, n, s->t);
        global REAL *u = norms->sums + (size_t)n * CELL_GATES * w->H + first;
        normalize_row(u, norms->gain_u + first, norms->gain_u, false, u, norms->hat_u + at + first,
                      norms->scales + at + 1 + phase, norms->keep, is_live(w, n, s->t) && !reset,
                      norms->epsilon, K, scratch);
    }
}

static inline void normalize_cell(const scan *w, const scan_step *s, uint row0, uint row1)
{
    const scan_norms *norms = &w->norms;
    REAL scratch[NORM_LANES];
    for (uint n = row0; n < row1; n++) {
        const size_t at = kept_at(w, s->index, n);
        normalize_row(s->c_next + (size_t)n * w->H, norms->gain_c, norms->bias_c, true,
                      norms->sums + (size_t)n * CELL_GATES * w->H, norms->hat_c + at,
                      norms->scale_c + at, norms->keep, is_live(w, n, s->t), norms->epsilon, w->H,
                      scratch);
    }
}

/* A part of a step, the one whose number is `number`, for rows row0..row1-1. */
static inline void normalize_part(const scan *w, const scan_step *s, uint part, uint number,
                                  uint row0, uint row1)
{
    if (CELL_MEMORY && part == NORM_C_ROWS) {
        normalize_cell(w, s, row0, row1);
        return;
    }
    if (part == norm_rows && number % w->block == 0)
        normalize_inputs(w, number, row0, row1);
    normalize_sums(w, s, part / norm_kinds, row0, row1);
}

/* The cell's equations for units j.. of row n, after the sums that are in memory. */
static inline ALWAYS_INLINE void kept_units(const scan *w, const scan_step *s, int phase, uint n,
                                            uint j, uint width)
{
    REALV sum[CELL_GATES];
    UNROLL for (int k = 0; k < CELL_PHASES; k++) if (k == phase)
    {
        UNROLL for (int g = CELL_FIRST(k); g < CELL_FIRST(k + 1); g++) sum[g] =
            load_some(w->norms.sums + ((size_t)n * CELL_GATES + g) * w->H + j, width);
        cell_units(w, s, k, n, j, width, sum);
    }
}

static inline void cell_of_panel(const scan *w, const scan_step *s, int phase, uint panel, uint n0,
                                 uint rows)
{
#define UNITS w->H
#define EACH  kept_units(w, s, phase, n0 + i, j, width)
#include "each_unit.cl"
}

#if CELL_MEMORY
static inline void output_of_panel(const scan *w, const scan_step *s, uint panel, uint n0,
                                   uint rows)
{
    const size_t stride = (size_t)CELL_GATES * w->H;
    global const REAL *z = w->norms.sums + n0 * stride;
#define UNITS w->H
#define EACH  output_units(w, s, n0 + i, j, width, load_some(z + i * stride + j, width))
#include "each_unit.cl"
}
#endif

/* Part `part` of a step for one panel and rows row0..row1-1. */
static inline void forward_panel(const scan *w, const scan_step *s, uint part, uint panel,
                                 uint row0, uint row1)
{
    const int phase = (int)(part / norm_kinds);
    for (uint n = row0; n < row1; n += ROWS) {
        uint rows = min(row1 - n, (uint)ROWS);
        if (part >= NORM_PARTS)
            project_panel(w, s, panel, n, rows);
        else if (part < NORM_C_ROWS && part % norm_kinds == norm_sums)
            gates_of_panel(w, s, phase, panel, n, rows);
        else if (part < NORM_C_ROWS)
            cell_of_panel(w, s, phase, panel, n, rows);
#if CELL_MEMORY
        else
            output_of_panel(w, s, panel, n, rows);
#endif
    }
}

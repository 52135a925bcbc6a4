/* SPDX-License-Identifier: MIT
 * cl/scan_forward.cl - what one step of a forward scan does with its sums. After cl/scan.cl; the
 * strategy's file follows, with the products.
 *
 *     phase 0     sum = h_{t-1} U^T over the gates of the first phase, then the cell
 *     phase 1     of a cell with two: sum = saved U^T over the other gates, then the cell
 *     last        projected: h_t = saved W_hr^T
 *
 * After each phase there is a grid barrier of the groups of some rows. */
static inline uint forward_phases(uint options)
{
    return CELL_PHASES + (options & OPTION_PROJECTED ? 1 : 0);
}

/* Arguments: those of the kernels. */
static inline void scan_forward_begin(SHARED scan *w, const scan_launch *l,
                                      SHARED const scan_arrays *at, global const REAL *weights,
                                      global REAL *workspace, global const REAL *h_first,
                                      global const REAL *c_first, global REAL *h_last,
                                      global REAL *c_last, global REAL *y,
                                      global const int *lengths)
{
    scan_begin(w, l, at, weights, workspace, y, lengths);
    w->b_ih = weights + at->b_ih;
    w->b_hh = weights + at->b_hh;
    w->h_first = h_first + at->h_first;
    w->c_first = c_first + at->c_first;
    w->h_last = h_last + at->h_last;
    w->c_last = c_last + at->c_last;
    w->save_gates = l->save_gates;
}

/* Units j.. of row n: a_k = (W x)_k + b_ih, u_k = sum_k + b_hh, for gates first..last-1. */
static inline ALWAYS_INLINE void load_gates(SHARED const scan *w, SHARED const scan_step *s, uint n,
                                            uint j, uint width, int first, int last,
                                            const REALV *sum, REALV *a, REALV *u)
{
    UNROLL for (int k = 0; k < CELL_GATES; k++)
    {
        if (k < first || k >= last)
            continue;
        size_t column = (size_t)k * w->H + j;
        a[k] = load_some(s->gates + (size_t)n * CELL_GATES * w->H + column, width);
        u[k] = sum[k];
        if (options_of(w->options) & OPTION_BIAS) {
            a[k] += load_some(w->b_ih + column, width);
            if (!(options_of(w->options) & OPTION_ONE_BIAS))
                u[k] += load_some(w->b_hh + column, width);
        }
    }
}

/* The gates of a phase, activated. */
static inline ALWAYS_INLINE void store_gates(SHARED const scan *w, SHARED const scan_step *s,
                                             uint n, uint j, uint width, int phase,
                                             const REALV *value)
{
    UNROLL for (int k = CELL_FIRST(phase); k < CELL_FIRST(phase + 1); k++)
        store_some(value[k], s->gates + ((size_t)n * CELL_GATES + k) * w->H + j, width);
}

/* The weights that a strategy multiplies itself. */
static inline void scan_forward_weights(SHARED scan *w, SHARED const scan_arrays *at,
                                        global const STORED *panels)
{
    w->recurrent = panels + at->recurrent;
    w->projection = panels + at->projection;
}

/* The cell's equations after the sums of a phase, sum: [G], for units j.. of row n. */
static inline ALWAYS_INLINE void cell_units_with(uint options, SHARED const scan *w,
                                                 SHARED const scan_step *s, int phase, uint n,
                                                 uint j, uint width, const REALV *sum)
{
    cell_values v;
    if (options & OPTION_RARE)
        values_of(w, &v);
    const bool live = is_live(w, n, s->t), last = phase == CELL_PHASES - 1;
    const bool projected = options & OPTION_PROJECTED, reset = is_reset(options, w, n, s->t);
    const size_t unit = (size_t)n * w->H + j;
    REALV a[CELL_GATES], u[CELL_GATES], gate[CELL_GATES], own[CELL_GATES];
    REALV p[ROOM(CELL_PARAMS)], saved[ROOM(CELL_SAVES)], h_old = (REALV)0, c_old = (REALV)0;
    UNROLL for (int k = CELL_FIRST(phase); k < CELL_FIRST(phase + 1); k++) own[k] =
        reset && phase == 0 ? (REALV)0 : sum[k];
    load_gates(w, s, n, j, width, CELL_FIRST(phase), CELL_FIRST(phase + 1), own, a, u);
    UNROLL for (int k = 0; k < CELL_FIRST(phase); k++) gate[k] =
        load_some(s->gates + ((size_t)n * CELL_GATES + k) * w->H + j, width);
    load_params(w, j, width, p);
    if (!projected && !reset)
        h_old = load_some(s->h_prev + unit, width);
    if (CELL_MEMORY && !reset)
        c_old = load_some(s->c_prev + unit, width);
    REALV c_new = c_old;

    REALV h_new = cell_forward(options, &v, phase, a, u, p, h_old, &c_new, gate, saved);

    if (options & OPTION_ZONEOUT && last && !projected)
        h_new = zone_mixed(zone_kept(&v, false, n, s->t, j), h_old, h_new);
    if (CELL_MEMORY && options & OPTION_ZONE_CELL) {
        store_some(live ? c_new : (REALV)0, saved_of(w, s, n, saves_of(options) - 1) + j, width);
        c_new = zone_mixed(zone_kept(&v, true, n, s->t, j), c_old, c_new);
    }
    if (w->save_gates || !last)
        store_gates(w, s, n, j, width, phase, gate);
    UNROLL for (int k = 0; k < CELL_SAVES; k++) if (phase == 0)
        store_some(live ? saved[k] : (REALV)0, saved_of(w, s, n, k) + j, width);
    if (!last)
        return;
    if (CELL_MEMORY)
        store_some(live ? c_new : c_old, s->c_next + unit, width);
    if (projected) {
        store_some(live ? h_new : (REALV)0, saved_of(w, s, n, CELL_SAVES) + j, width);
        return;
    }
    store_some(live ? h_new : h_old, s->h_next + unit, width);
    if (s->y)
        store_some(live ? h_new : (REALV)0, s->y + n * w->y_stride + j, width);
}

static inline APART void rare_units(SHARED const scan *w, SHARED const scan_step *s, int phase,
                                    uint n, uint j, uint width, const REALV *sum)
{
    UNROLL for (int k = 0; k < CELL_PHASES; k++) if (k == phase)
        cell_units_with(options_of(w->options) | OPTION_RARE, w, s, k, n, j, width, sum);
}

static inline ALWAYS_INLINE void cell_units(SHARED const scan *w, SHARED const scan_step *s,
                                            int phase, uint n, uint j, uint width, const REALV *sum)
{
    const uint options = options_of(w->options);
    if (options & OPTION_RARE) {
        REALV copy[CELL_GATES];
        WALK_APART(w, of_walk);
        STEP_APART(s, of_step);
        UNROLL for (int k = CELL_FIRST(phase); k < CELL_FIRST(phase + 1); k++) copy[k] = sum[k];
        rare_units(WALK_OF(w, of_walk), STEP_OF(s, of_step), phase, n, j, width, copy);
    } else {
        cell_units_with(usual_options(options), w, s, phase, n, j, width, sum);
    }
}

static inline APART REALV zone_projected(SHARED const scan *w, SHARED const scan_step *s, uint n,
                                         uint j, uint width, REALV fresh)
{
    REALV old = load_some(s->h_prev + (size_t)n * w->R + j, width);
    if (is_reset(options_of(w->options), w, n, s->t))
        old = (REALV)0;
    return zone_mixed(zone_of(w, n, s->t, j), old, fresh);
}

#if CELL_MEMORY
/* With OPTION_NORM, after the cell: h_t of units j.. of row n from the gates and z = LN(c_t). */
static inline void output_units(SHARED const scan *w, SHARED const scan_step *s, uint n, uint j,
                                uint width, REALV z)
{
    const uint options = options_of(w->options) | OPTION_RARE;
    cell_values v;
    REALV gate[CELL_GATES];
    if (!is_live(w, n, s->t))
        return;
    values_of(w, &v);
    UNROLL for (int k = 0; k < CELL_GATES; k++) gate[k] =
        load_some(s->gates + ((size_t)n * CELL_GATES + k) * w->H + j, width);
    REALV h = cell_output(options, &v, gate, z);
    if (options & OPTION_PROJECTED) {
        store_some(h, saved_of(w, s, n, CELL_SAVES) + j, width);
        return;
    }
    if (options & OPTION_ZONEOUT) {
        const REALV old = load_some(s->h_prev + (size_t)n * w->H + j, width);
        h = zone_mixed(zone_kept(&v, false, n, s->t, j),
                       is_reset(options, w, n, s->t) ? (REALV)0 : old, h);
    }
    store_some(h, s->h_next + (size_t)n * w->H + j, width);
    if (s->y)
        store_some(h, s->y + n * w->y_stride + j, width);
}
#endif

/* h_t of projected units j.. of row n, from the sum that is W_hr times what was saved; a row past
 * its length keeps its state. */
static inline ALWAYS_INLINE void project_units(SHARED const scan *w, SHARED const scan_step *s,
                                               uint n, uint j, uint width, REALV sum)
{
    bool live = is_live(w, n, s->t);
    if (options_of(w->options) & OPTION_PROJ_CLIP)
        sum = clipped(sum, w->proj_clip);
    if (options_of(w->options) & OPTION_ZONEOUT) {
        WALK_APART(w, of_walk);
        STEP_APART(s, of_step);
        sum = zone_projected(WALK_OF(w, of_walk), STEP_OF(s, of_step), n, j, width, sum);
    }
    REALV h = live ? sum : load_some(s->h_prev + (size_t)n * w->R + j, width);
    if (!live && is_reset(options_of(w->options), w, n, s->t))
        h = (REALV)0;
    store_some(h, s->h_next + (size_t)n * w->R + j, width);
    if (s->y)
        store_some(live ? h : (REALV)0, s->y + n * w->y_stride + j, width);
}

/* Sums for a unit of the product after the first. */
#define SECOND_SUMS (CELL_PHASES > 1 ? SECOND_GATES : 1)

/* What becomes of them: of a cell with two phases those of the second, else of a projection. */
static inline void second_units(SHARED const scan *w, SHARED const scan_step *s, uint n, uint j,
                                const REALV *sum)
{
    REALV of_unit[CELL_GATES];
    for (int k = FIRST_GATES; k < CELL_GATES; k++)
        of_unit[k] = sum[k - FIRST_GATES];
    if (CELL_PHASES > 1)
        cell_units(w, s, CELL_PHASES - 1, n, j, 1, of_unit);
    else
        project_units(w, s, n, j, 1, sum[0]);
}

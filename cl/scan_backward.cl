/* SPDX-License-Identifier: MIT
 * cl/scan_backward.cl - what one step of a scan back does with its sums; it goes from the last step
 * of its forward scan to the first. After cl/scan.cl; the strategy's file follows, with the
 * products.
 *
 *     project     projected: dproj_t = dh + dy_t
 *     cell        (projected: dhid = dproj_t W_hr, else dhid = dh + dy_t); da_t, du_t, dc, and the
 *                 part of dh that does not go through U
 *     early       of a cell with two phases: d = du_t U over the gates of the second; then the da_t
 *                 and the part of dh that the first phase leaves
 *     recurrent   dh += du_t U over the gates of the first phase
 *
 * A group owns columns of dh and units of dc and da. It needs what others wrote in every phase but
 * `project` and a `cell` that is the first, so there is a grid barrier after each phase but
 * `recurrent`. With LAYER_NORM there are more of them: cl/persistent_norm_back.cl. */
#ifndef LAYER_NORM
enum { part_project, part_cell, part_early, part_recurrent };

static inline uint backward_phases(uint options)
{
    return CELL_PHASES + 1 + (options & OPTION_PROJECTED ? 1 : 0);
}

/* What is done in a phase. */
static inline int backward_part(uint options, uint phase)
{
    uint number = phase % backward_phases(options) + (options & OPTION_PROJECTED ? 0 : 1);
    return CELL_PHASES == 1 && number >= part_early ? part_recurrent : (int)number;
}
#else
enum {
    part_project,
    part_output,
    part_output_rows,
    part_cell,
    part_late_rows,
    part_early,
    part_rows,
    part_recurrent
};

static inline uint backward_phases(uint options)
{
    return 2 * CELL_PHASES + 1 + 2 * CELL_MEMORY + (options & OPTION_PROJECTED ? 1 : 0);
}

static inline int backward_part(uint options, uint phase)
{
    int number = (int)(phase % backward_phases(options)) + (options & OPTION_PROJECTED ? 0 : 1);
    if (!CELL_MEMORY && number >= part_output)
        number += part_cell - part_output;
    if (CELL_PHASES == 1 && number >= part_late_rows)
        number += part_rows - part_late_rows;
    return number;
}
#endif

/* How many grid barriers there have been after a phase; 0: this one has none. */
static inline uint barriers_after(uint options, uint phase)
{
    uint phases = backward_phases(options), steps = phase / phases;
    return backward_part(options, phase) == part_recurrent ? 0 : phase + 1 - steps;
}

/* Arguments: those of the kernels. */
static inline void scan_backward_begin(SHARED scan *w, const scan_launch *l,
                                       SHARED const scan_arrays *at, global const REAL *weights,
                                       global REAL *workspace, global REAL *dy, global REAL *dh,
                                       global REAL *dc, global REAL *dproj, global REAL *da,
                                       global REAL *du, global const int *lengths)
{
    scan_begin(w, l, at, weights, workspace, dy, lengths);
    w->dh = dh + at->dh;
    w->dc = dc + at->dc;
    w->dproj = dproj + at->dproj;
    w->da = da + at->da;
    w->du = du + at->da;
}

/* The weights that a strategy multiplies itself. */
static inline void scan_backward_weights(SHARED scan *w, SHARED const scan_arrays *at,
                                         global const REAL *panels)
{
    w->d_recurrent = panels + at->d_recurrent;
    w->d_candidate = panels + at->d_candidate;
    w->d_projection = panels + at->d_projection;
}

/* dproj of projected units j.. of row n. */
static inline ALWAYS_INLINE void project_units_back(SHARED const scan *w, SHARED const scan_step *s,
                                                    uint n, uint j, uint width)
{
    bool live = is_live(w, n, s->t);
    size_t unit = (size_t)n * w->R + j;
    REALV d = load_some(w->dh + unit, width);
    if (is_cut(options_of(w->options), w, n, s->t))
        d = (REALV)0;
    if (live && s->y)
        d += load_some(s->y + n * w->y_stride + j, width);
    REALV dsum = d;
    if (options_of(w->options) & OPTION_PROJ_CLIP)
        dsum = fabs(load_some(s->h_next + unit, width)) >= (REALV)w->proj_clip ? (REALV)0 : d;
    REALV rest = (REALV)0;
    if (options_of(w->options) & OPTION_ZONEOUT) {
        WALK_APART(w, of_walk);
        const REALV k = zone_of(WALK_OF(w, of_walk), n, s->t, j);
        dsum = zone_fresh_back(k, dsum);
        rest = zone_old_back(k, d);
    }
    store_some(live ? dsum : (REALV)0, w->dproj + (size_t)s->index * w->N * w->R + unit, width);
    store_some(live ? rest : d, w->dh + unit, width);
}

/* Of all rows of a step: da, and what du is. */
static inline global REAL *da_of(SHARED const scan *w, SHARED const scan_step *s)
{
    return w->da + (size_t)s->index * w->N * CELL_GATES * w->H;
}

static inline global REAL *du_of(SHARED const scan *w, SHARED const scan_step *s)
{
    return (CELL_TWO_INPUTS ? w->du : w->da) + (size_t)s->index * w->N * CELL_GATES * w->H;
}

/* The gates of units j.. of row n, activated. */
static inline ALWAYS_INLINE void load_activated(SHARED const scan *w, SHARED const scan_step *s,
                                                uint n, uint j, uint width, REALV *gate)
{
    UNROLL for (int k = 0; k < CELL_GATES; k++) gate[k] =
        load_some(s->gates + ((size_t)n * CELL_GATES + k) * w->H + j, width);
}

#if CELL_MEMORY
/* With OPTION_NORM, before the cell: dLoss/dz of units j.. of row n, z = LN(c_t), of what does not
 * count 0; d: given if projected, else dh. */
static inline ALWAYS_INLINE REALV output_units_back(SHARED const scan *w, SHARED const scan_step *s,
                                                    uint n, uint j, uint width, REALV d, REALV z)
{
    const uint options = options_of(w->options) | OPTION_RARE;
    const bool live = is_live(w, n, s->t), cut = is_cut(options, w, n, s->t);
    REALV gate[CELL_GATES];
    cell_values v;
    values_of(w, &v);
    if (!(options & OPTION_PROJECTED)) {
        if (cut)
            d = (REALV)0;
        if (s->y && live)
            d += load_some(s->y + n * w->y_stride + j, width);
        if (options & OPTION_ZONEOUT)
            d = zone_fresh_back(zone_kept(&v, false, n, s->t, j), d);
    }
    load_activated(w, s, n, j, width, gate);
    const REALV dz = cell_output_back(options, &v, gate, z, d);
    if (cut)
        store_some((REALV)0, w->dc + (size_t)n * w->H + j, width);
    return live ? dz : (REALV)0;
}
#endif

/* The cell's equations backward for units j.. of row n; dhid: given if projected, else dh. */
static inline ALWAYS_INLINE void cell_units_back_with(uint options, SHARED const scan *w,
                                                      SHARED const scan_step *s, uint n, uint j,
                                                      uint width, REALV dhid)
{
    cell_values v;
    if (options & OPTION_RARE)
        values_of(w, &v);
    const bool live = is_live(w, n, s->t), projected = options & OPTION_PROJECTED;
    const bool reset = is_reset(options, w, n, s->t), cut = is_cut(options, w, n, s->t);
    const size_t unit = (size_t)n * w->H + j, row = (size_t)n * CELL_GATES * w->H + j;
    REALV gate[CELL_GATES], a[CELL_GATES], u[CELL_GATES];
    REALV p[ROOM(CELL_PARAMS)], saved[ROOM(CELL_SAVES)];
    REALV h_old = (REALV)0, c_old = (REALV)0, c_new = (REALV)0;
    REALV dc = (REALV)0, dh_direct = (REALV)0, dh_new;
    if (cut && !projected)
        dhid = (REALV)0;
    dh_new = dhid;
    load_activated(w, s, n, j, width, gate);
    UNROLL for (int k = 0; k < CELL_GATES; k++) a[k] = u[k] = (REALV)0;
    if (CELL_MEMORY) {
        c_old = reset ? (REALV)0 : load_some(s->c_prev + unit, width);
        c_new = load_some(s->c_next + unit, width);
        /* With layer norm dc has what comes from y by now. */
        dc = cut && !(options & OPTION_NORM) ? (REALV)0 : load_some(w->dc + unit, width);
    }
    UNROLL for (int k = 0; k < CELL_SAVES; k++) saved[k] =
        load_some(saved_of(w, s, n, k) + j, width);
    load_params(w, j, width, p);
    if (!projected && !reset)
        h_old = load_some(s->h_prev + unit, width);
    if (!projected && s->y)
        dh_new += load_some(s->y + n * w->y_stride + j, width);
    REALV dh_old = (REALV)0, dc_old = (REALV)0;
    if (options & OPTION_ZONEOUT && !projected) {
        const REALV k = zone_kept(&v, false, n, s->t, j);
        dh_old = zone_old_back(k, dh_new);
        dh_new = zone_fresh_back(k, dh_new);
    }
    if (CELL_MEMORY && options & OPTION_ZONE_CELL) {
        const REALV k = zone_kept(&v, true, n, s->t, j);
        c_new = load_some(saved_of(w, s, n, saves_of(options) - 1) + j, width);
        dc_old = zone_old_back(k, dc);
        dc = zone_fresh_back(k, dc);
    }

    cell_backward(options, &v, CELL_PHASES - 1, gate, p, saved, h_old, c_old, c_new, dh_new, &dc, a,
                  u, &dh_direct);

    if (options & OPTION_ZONEOUT)
        dh_direct += dh_old;
    if (options & OPTION_ZONE_CELL)
        dc += dc_old;
    UNROLL for (int k = 0; k < CELL_GATES; k++)
    {
        size_t at = row + (size_t)k * w->H;
        store_some(live ? a[k] : (REALV)0, da_of(w, s) + at, width);
        if (CELL_TWO_INPUTS)
            store_some(live ? u[k] : (REALV)0, du_of(w, s) + at, width);
    }
    if (CELL_MEMORY && (live || cut))
        store_some(live ? dc : (REALV)0, w->dc + unit, width);
    if (!projected)
        store_some(live ? dh_direct : dhid, w->dh + unit, width);
}

static inline APART void cell_rare_units_back(SHARED const scan *w, SHARED const scan_step *s,
                                              uint n, uint j, uint width, REALV d)
{
    cell_units_back_with(options_of(w->options) | OPTION_RARE, w, s, n, j, width, d);
}

static inline ALWAYS_INLINE void cell_units_back(SHARED const scan *w, SHARED const scan_step *s,
                                                 uint n, uint j, uint width, REALV d)
{
    const uint options = options_of(w->options);
    if (options & OPTION_RARE) {
        WALK_APART(w, of_walk);
        STEP_APART(s, of_step);
        cell_rare_units_back(WALK_OF(w, of_walk), STEP_OF(s, of_step), n, j, width, d);
    } else {
        cell_units_back_with(usual_options(options), w, s, n, j, width, d);
    }
}

/* What a cell with two phases leaves to the first, for units j.. of row n: from d, the gradient of
 * what the second multiplied. */
static inline ALWAYS_INLINE void early_units_back_with(uint options, SHARED const scan *w,
                                                       SHARED const scan_step *s, uint n, uint j,
                                                       uint width, REALV d)
{
    cell_values v;
    if (options & OPTION_RARE)
        values_of(w, &v);
    const size_t unit = (size_t)n * w->H + j, row = (size_t)n * CELL_GATES * w->H + j;
    REALV gate[CELL_GATES], a[CELL_GATES], u[CELL_GATES], dc = (REALV)0;
    REALV p[ROOM(CELL_PARAMS)], saved[ROOM(CELL_SAVES)];
    if (!is_live(w, n, s->t))
        return;
    REALV h_old = load_some(s->h_prev + unit, width), dh = load_some(w->dh + unit, width);
    if (is_reset(options, w, n, s->t))
        h_old = (REALV)0;
    load_activated(w, s, n, j, width, gate);
    UNROLL for (int k = 0; k < CELL_SAVES; k++) saved[k] =
        load_some(saved_of(w, s, n, k) + j, width);
    load_params(w, j, width, p);

    cell_backward(options, &v, 0, gate, p, saved, h_old, (REALV)0, (REALV)0, d, &dc, a, u, &dh);

    UNROLL for (int k = 0; k < CELL_OPEN; k++)
    {
        store_some(a[k], da_of(w, s) + row + (size_t)k * w->H, width);
        if (CELL_TWO_INPUTS)
            store_some(u[k], du_of(w, s) + row + (size_t)k * w->H, width);
    }
    store_some(dh, w->dh + unit, width);
}

static inline APART void early_rare_units_back(SHARED const scan *w, SHARED const scan_step *s,
                                               uint n, uint j, uint width, REALV d)
{
    early_units_back_with(options_of(w->options) | OPTION_RARE, w, s, n, j, width, d);
}

static inline ALWAYS_INLINE void early_units_back(SHARED const scan *w, SHARED const scan_step *s,
                                                  uint n, uint j, uint width, REALV d)
{
    const uint options = options_of(w->options);
    if (options & OPTION_RARE) {
        WALK_APART(w, of_walk);
        STEP_APART(s, of_step);
        early_rare_units_back(WALK_OF(w, of_walk), STEP_OF(s, of_step), n, j, width, d);
    } else {
        early_units_back_with(usual_options(options), w, s, n, j, width, d);
    }
}

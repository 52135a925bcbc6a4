/* SPDX-License-Identifier: MIT
 * cl/walk_backward.cl - what one step of a walk back does with its sums; it goes from the last step
 * of its forward walk to the first. After cl/walk.cl; the strategy's file follows, with the
 * products.
 *
 *     project     PROJECTED: dproj_t = dh + dy_t
 *     cell        (PROJECTED: dhid = dproj_t W_hr, else dhid = dh + dy_t); da_t, du_t, dc, and the
 *                 part of dh that does not go through U
 *     reset       reset before: drec = da_n U_n; da_r, dh += drec*r
 *     recurrent   dh += du_t U
 *
 * A group owns columns of dh and units of dc and da. It needs what others wrote in every phase but
 * `project` and a `cell` that is the first, so the groups meet after each phase but `recurrent`. */
#define PHASE_CELL      PROJECTED
#define PHASE_RESET     (PHASE_CELL + 1)
#define PHASE_RECURRENT (PHASE_CELL + 1 + CELL_RESET_BEFORE)
#define BACKWARD_PHASES (PHASE_RECURRENT + 1)
#define BACKWARD_MEETS  (BACKWARD_PHASES - 1)

/* How often the groups have met after a phase; 0: after this one they do not. */
static inline uint meetings_after(uint phase)
{
    uint part = phase % BACKWARD_PHASES;
    return part == PHASE_RECURRENT ? 0 : phase / BACKWARD_PHASES * BACKWARD_MEETS + part + 1;
}

/* Arguments: those of the kernels. */
static inline void walk_backward_begin(SHARED walk *w, const walk_launch *l,
                                       SHARED const walk_places *at, global const REAL *panels,
                                       global REAL *store, global REAL *dy, global REAL *dh,
                                       global REAL *dc, global REAL *dproj, global REAL *da,
                                       global REAL *du, global const int *lengths)
{
    walk_begin(w, l, at, store, dy, lengths);
    w->d_recurrent = panels + at->d_recurrent;
    w->d_candidate = panels + at->d_candidate;
    w->d_projection = panels + at->d_projection;
    w->dh = dh + at->dh;
    w->dc = dc + at->dc;
    w->dproj = dproj + at->dproj;
    w->da = da + at->da;
    w->du = du + at->da;
}

#if PROJECTED
/* dproj of projected units j.. of row n. */
static inline ALWAYS_INLINE void project_units(SHARED const walk *w, SHARED const walk_step *s,
                                               uint n, uint j, uint width)
{
    bool live = is_live(w, n, s->t);
    size_t unit = (size_t)n * w->R + j;
    REALV d = load_some(w->dh + unit, width);
    if (live && s->y)
        d += load_some(s->y + n * w->y_stride + j, width);
    store_some(live ? d : (REALV)0, w->dproj + (size_t)s->kept * w->N * w->R + unit, width);
    store_some(live ? (REALV)0 : d, w->dh + unit, width);
}
#endif

/* Of all rows of a step: da, and what du is. */
static inline global REAL *da_of(SHARED const walk *w, SHARED const walk_step *s)
{
    return w->da + (size_t)s->kept * w->N * CELL_GATES * w->H;
}

static inline global REAL *du_of(SHARED const walk *w, SHARED const walk_step *s)
{
    return (CELL_TWO_INPUTS ? w->du : w->da) + (size_t)s->kept * w->N * CELL_GATES * w->H;
}

/* The cell's equations backward for units j.. of row n; dhid: given if PROJECTED, else dh. */
static inline ALWAYS_INLINE void cell_units(SHARED const walk *w, SHARED const walk_step *s, uint n,
                                            uint j, uint width, REALV dhid)
{
    bool live = is_live(w, n, s->t);
    size_t unit = (size_t)n * w->H + j, row = (size_t)n * CELL_GATES * w->H + j;
    size_t at = (size_t)s->kept * w->N * CELL_GATES * w->H + row;
    REALV gate[CELL_GATES], a[CELL_GATES], u[CELL_GATES];
    REALV h_old = (REALV)0, c_old = (REALV)0, c_new = (REALV)0, extra = (REALV)0;
    REALV dc = (REALV)0, dh_direct = (REALV)0, dh_new = dhid;
    UNROLL for (int k = 0; k < CELL_GATES; k++)
    {
        gate[k] = load_some(s->gates + row + (size_t)k * w->H, width);
        a[k] = u[k] = (REALV)0;
    }
    if (CELL_MEMORY) {
        c_old = load_some(s->c_prev + unit, width);
        c_new = load_some(s->c_next + unit, width);
        dc = load_some(w->dc + unit, width);
    }
    if (CELL_TWO_INPUTS)
        extra = load_some(s->extra + unit, width);
    if (!PROJECTED)
        h_old = load_some(s->h_prev + unit, width);
    if (!PROJECTED && s->y)
        dh_new += load_some(s->y + n * w->y_stride + j, width);

    cell_backward(gate, extra, h_old, c_old, c_new, dh_new, &dc, a, u, &dh_direct);

    UNROLL for (int k = 0; k < CELL_GATES; k++)
    {
        store_some(live ? a[k] : (REALV)0, w->da + at + (size_t)k * w->H, width);
        if (CELL_TWO_INPUTS)
            store_some(live ? u[k] : (REALV)0, w->du + at + (size_t)k * w->H, width);
    }
    if (CELL_MEMORY && live)
        store_some(dc, w->dc + unit, width);
    if (!PROJECTED)
        store_some(live ? dh_direct : dhid, w->dh + unit, width);
}

#if CELL_RESET_BEFORE
/* The other half for units j.. of row n, from the sum that is da_n U_n. */
static inline ALWAYS_INLINE void reset_units(SHARED const walk *w, SHARED const walk_step *s,
                                             uint n, uint j, uint width, REALV sum)
{
    size_t unit = (size_t)n * w->H + j, stride = (size_t)CELL_GATES * w->H;
    if (!is_live(w, n, s->t))
        return;
    REALV r = load_some(s->gates + n * stride + j, width), da_r;
    REALV dh = load_some(w->dh + unit, width);
    cell_reset_backward(&r, load_some(s->h_prev + unit, width), sum, &da_r, &dh);
    store_some(da_r, da_of(w, s) + n * stride + j, width);
    store_some(dh, w->dh + unit, width);
}
#endif

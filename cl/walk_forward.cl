/* SPDX-License-Identifier: MIT
 * cl/walk_forward.cl - what one step of a forward walk does with its sums. After cl/walk.cl; the
 * strategy's file follows, with the products.
 *
 *     phase 0     sum = h_{t-1} U^T, then the cell (reset before: only r, z and extra = r*h_{t-1})
 *     phase 1     reset before: sum = extra U_n^T, then the rest of the cell;  PROJECTED: h_t =
 *                 extra W_hr^T
 *
 * The groups of some rows meet after each phase. */
#define FORWARD_PHASES (1 + CELL_RESET_BEFORE + PROJECTED)
#define FIRST_GATES    (CELL_RESET_BEFORE ? 2 : CELL_GATES) /* whose sums phase 0 takes */

/* Arguments: those of the kernels. */
static inline void walk_forward_begin(SHARED walk *w, const walk_launch *l,
                                      SHARED const walk_places *at, global const STORED *panels,
                                      global const REAL *weights, global REAL *store,
                                      global const REAL *h_first, global const REAL *c_first,
                                      global REAL *h_last, global REAL *c_last, global REAL *y,
                                      global const int *lengths)
{
    walk_begin(w, l, at, store, y, lengths);
    w->panels = panels + at->recurrent;
    w->projection = panels + at->projection;
    w->b_ih = weights + at->b_ih;
    w->b_hh = weights + at->b_hh;
    w->h_first = h_first + at->h_first;
    w->c_first = c_first + at->c_first;
    w->h_last = h_last + at->h_last;
    w->c_last = c_last + at->c_last;
    w->keep = l->keep;
}

/* Units j.. of row n: a_k = (W x)_k + b_ih, u_k = sum_k + b_hh, for gates first..last-1. */
static inline ALWAYS_INLINE void load_gates(SHARED const walk *w, SHARED const walk_step *s, uint n,
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
        if (BIAS) {
            a[k] += load_some(w->b_ih + column, width);
            u[k] += load_some(w->b_hh + column, width);
        }
    }
}

static inline ALWAYS_INLINE void store_gates(SHARED const walk *w, SHARED const walk_step *s,
                                             uint n, uint j, uint width, int count,
                                             const REALV *value)
{
    UNROLL for (int k = 0; k < CELL_GATES; k++) if (k < count)
        store_some(value[k], s->gates + ((size_t)n * CELL_GATES + k) * w->H + j, width);
}

#if CELL_RESET_BEFORE
static inline ALWAYS_INLINE void reset_units(SHARED const walk *w, SHARED const walk_step *s,
                                             uint n, uint j, uint width, const REALV *sum)
{
    REALV a[CELL_GATES], u[CELL_GATES], gate[CELL_GATES], extra;
    load_gates(w, s, n, j, width, 0, 2, sum, a, u);
    cell_reset(a, u, load_some(s->h_prev + (size_t)n * w->R + j, width), gate, &extra);
    store_gates(w, s, n, j, width, 2, gate);
    store_some(is_live(w, n, s->t) ? extra : (REALV)0, s->extra + (size_t)n * w->H + j, width);
}
#endif

/* The cell's equations for units j.. of row n; sum: [G], of the recurrent products. */
static inline ALWAYS_INLINE void cell_units(SHARED const walk *w, SHARED const walk_step *s, uint n,
                                            uint j, uint width, const REALV *sum)
{
    bool live = is_live(w, n, s->t);
    size_t unit = (size_t)n * w->H + j;
    REALV a[CELL_GATES], u[CELL_GATES], gate[CELL_GATES];
    REALV h_old = (REALV)0, c_old = (REALV)0, extra = (REALV)0;
    load_gates(w, s, n, j, width, CELL_RESET_BEFORE ? 2 : 0, CELL_GATES, sum, a, u);
    UNROLL for (int k = 0; CELL_RESET_BEFORE && k < 2; k++) gate[k] =
        load_some(s->gates + ((size_t)n * CELL_GATES + k) * w->H + j, width);
    if (!PROJECTED)
        h_old = load_some(s->h_prev + unit, width);
    if (CELL_MEMORY)
        c_old = load_some(s->c_prev + unit, width);
    REALV c_new = c_old;

    REALV h_new = cell_forward(a, u, h_old, &c_new, gate, &extra);

    if (w->keep)
        store_gates(w, s, n, j, width, CELL_GATES, gate);
    if (CELL_MEMORY)
        store_some(live ? c_new : c_old, s->c_next + unit, width);
    if (CELL_TWO_INPUTS || PROJECTED)
        store_some(!live ? (REALV)0 : PROJECTED ? h_new : extra, s->extra + unit, width);
    if (PROJECTED)
        return;
    store_some(live ? h_new : h_old, s->h_next + unit, width);
    if (s->y)
        store_some(live ? h_new : (REALV)0, s->y + n * w->y_stride + j, width);
}

#if PROJECTED
/* h_t of projected units j.. of row n, from the sum that is W_hr extra; a row past its length keeps
 * its state. */
static inline ALWAYS_INLINE void project_units(SHARED const walk *w, SHARED const walk_step *s,
                                               uint n, uint j, uint width, REALV sum)
{
    bool live = is_live(w, n, s->t);
    REALV h = live ? sum : load_some(s->h_prev + (size_t)n * w->R + j, width);
    store_some(h, s->h_next + (size_t)n * w->R + j, width);
    if (s->y)
        store_some(live ? h : (REALV)0, s->y + n * w->y_stride + j, width);
}
#endif

/* SPDX-License-Identifier: MIT
 * cl/persistent_backward.cl - the walk back: many steps of the directions of one layer, each from
 * the last to the first of its forward walk. After cl/persistent.cl.
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

/* What flows back: the arrays of cl/walks.cl. */
typedef struct flow {
    global const REAL *d_recurrent, *d_candidate, *d_projection;
    global REAL *dh, *dc, *dproj, *da, *du;
} flow;

#if PROJECTED
static inline void project_panel(const walk *w, const flow *f, const walk_step *s, uint panel,
                                 uint n0, uint rows)
{
    for (uint i = 0; i < rows; i++)
        for (uint v = 0; v < TILE_V; v++) {
            uint n = n0 + i, j = panel * TILE_N + v * VEC;
            if (j >= w->R)
                break;
            bool live = is_live(w, n, s->t);
            size_t unit = (size_t)n * w->R + j;
            REALV d = load_some(f->dh + unit, w->R - j);
            if (live && s->y)
                d += load_some(s->y + n * w->y_stride + j, w->R - j);
            store_some(live ? d : (REALV)0, f->dproj + (size_t)s->kept * w->N * w->R + unit,
                       w->R - j);
            store_some(live ? (REALV)0 : d, f->dh + unit, w->R - j);
        }
}
#endif

/* The cell's equations backward for units j.. of row n; dhid: given if PROJECTED, else dh. */
static inline void cell_units(const walk *w, const flow *f, const walk_step *s, uint n, uint j,
                              uint width, REALV dhid)
{
    bool live = is_live(w, n, s->t);
    size_t unit = (size_t)n * w->H + j, row = (size_t)n * CELL_GATES * w->H + j;
    size_t at = (size_t)s->kept * w->N * CELL_GATES * w->H + row;
    REALV gate[CELL_GATES], a[CELL_GATES], u[CELL_GATES];
    REALV h_old = (REALV)0, c_old = (REALV)0, c_new = (REALV)0, extra = (REALV)0;
    REALV dc = (REALV)0, dh_direct = (REALV)0, dh_new = dhid;
    for (int k = 0; k < CELL_GATES; k++) {
        gate[k] = load_some(s->gates + row + (size_t)k * w->H, width);
        a[k] = u[k] = (REALV)0;
    }
    if (CELL_MEMORY) {
        c_old = load_some(s->c_prev + unit, width);
        c_new = load_some(s->c_next + unit, width);
        dc = load_some(f->dc + unit, width);
    }
    if (CELL_TWO_INPUTS)
        extra = load_some(s->extra + unit, width);
    if (!PROJECTED)
        h_old = load_some(s->h_prev + unit, width);
    if (!PROJECTED && s->y)
        dh_new += load_some(s->y + n * w->y_stride + j, width);

    cell_backward(gate, extra, h_old, c_old, c_new, dh_new, &dc, a, u, &dh_direct);

    for (int k = 0; k < CELL_GATES; k++) {
        store_some(live ? a[k] : (REALV)0, f->da + at + (size_t)k * w->H, width);
        if (CELL_TWO_INPUTS)
            store_some(live ? u[k] : (REALV)0, f->du + at + (size_t)k * w->H, width);
    }
    if (CELL_MEMORY && live)
        store_some(dc, f->dc + unit, width);
    if (!PROJECTED)
        store_some(live ? dh_direct : dhid, f->dh + unit, width);
}

static inline void cell_panel(const walk *w, const flow *f, const walk_step *s, uint panel, uint n0,
                              uint rows)
{
#if PROJECTED
    REALV sum[ROWS][TILE_V];
    product(f->dproj + ((size_t)s->kept * w->N + n0) * w->R, w->R, rows,
            f->d_projection + (size_t)panel * TILE_N * w->R, w->R, false, sum);
#endif
    for (uint i = 0; i < rows; i++)
        for (uint v = 0; v < TILE_V; v++) {
            uint j = panel * TILE_N + v * VEC;
            if (j >= w->H)
                break;
#if PROJECTED
            REALV dhid = sum[i][v];
#else
            REALV dhid = load_some(f->dh + (size_t)(n0 + i) * w->H + j, w->H - j);
#endif
            cell_units(w, f, s, n0 + i, j, w->H - j, dhid);
        }
}

#if CELL_RESET_BEFORE
static inline void reset_panel(const walk *w, const flow *f, const walk_step *s, uint panel,
                               uint n0, uint rows)
{
    size_t stride = (size_t)CELL_GATES * w->H;
    global REAL *da = f->da + ((size_t)s->kept * w->N + n0) * stride;
    REALV sum[ROWS][TILE_V];
    product(da + 2 * (size_t)w->H, stride, rows, f->d_candidate + (size_t)panel * TILE_N * w->H,
            w->H, false, sum);
    for (uint i = 0; i < rows; i++)
        for (uint v = 0; v < TILE_V; v++) {
            uint n = n0 + i, j = panel * TILE_N + v * VEC, width = w->H - j;
            if (j >= w->H)
                break;
            if (!is_live(w, n, s->t))
                continue;
            size_t unit = (size_t)n * w->H + j;
            REALV r = load_some(s->gates + n * stride + j, width), da_r;
            REALV dh = load_some(f->dh + unit, width);
            cell_reset_backward(&r, load_some(s->h_prev + unit, width), sum[i][v], &da_r, &dh);
            store_some(da_r, da + i * stride + j, width);
            store_some(dh, f->dh + unit, width);
        }
}
#endif

/* dh += du U for one panel of columns. */
static inline void recurrent_panel(const walk *w, const flow *f, const walk_step *s, uint panel,
                                   uint n0, uint rows)
{
    size_t stride = (size_t)CELL_GATES * w->H;
    uint K = CELL_RESET_BEFORE ? 2 * w->H : CELL_GATES * w->H;
    REALV sum[ROWS][TILE_V];
    for (uint i = 0; i < rows; i++)
        for (uint v = 0; v < TILE_V; v++) {
            uint j = panel * TILE_N + v * VEC;
            sum[i][v] = (REALV)0;
            if (j < w->R)
                sum[i][v] = load_some(f->dh + (size_t)(n0 + i) * w->R + j, w->R - j);
        }
    product((CELL_TWO_INPUTS ? f->du : f->da) + ((size_t)s->kept * w->N + n0) * stride, stride,
            rows, f->d_recurrent + (size_t)panel * TILE_N * K, K, true, sum);
    for (uint i = 0; i < rows; i++)
        for (uint v = 0; v < TILE_V; v++) {
            uint j = panel * TILE_N + v * VEC;
            if (j < w->R)
                store_some(sum[i][v], f->dh + (size_t)(n0 + i) * w->R + j, w->R - j);
        }
}

/* Phase `phase` of a walk back, for one share of rows and one of units. */
static inline void backward_phase(const walk *w, const flow *f, uint phase, uint row_share,
                                  uint row_shares, uint unit_share, uint unit_shares)
{
    uint number = phase / BACKWARD_PHASES, part = phase % BACKWARD_PHASES, row0, panel0;
    walk_step s;
    step_of(w, w->down ? number : w->count - 1 - number, &s);
    uint row1 = share(w->N, row_share, row_shares, &row0);
    uint width = part < PHASE_CELL || part == PHASE_RECURRENT ? w->R : w->H;
    uint panel1 = share(panels_of(width), unit_share, unit_shares, &panel0);
    for (uint panel = panel0; panel < panel1; panel++)
        for (uint n = row0; n < row1; n += ROWS) {
            uint rows = min(row1 - n, (uint)ROWS);
            if (part == PHASE_RECURRENT)
                recurrent_panel(w, f, &s, panel, n, rows);
            else if (part == PHASE_CELL)
                cell_panel(w, f, &s, panel, n, rows);
#if PROJECTED
            else
                project_panel(w, f, &s, panel, n, rows);
#elif CELL_RESET_BEFORE
            else
                reset_panel(w, f, &s, panel, n, rows);
#endif
        }
}

/* dh, dc: in the gradient of the state after the last of the kept steps, out that before the first.
 * Arguments and global size: as in cl/persistent_forward.cl. */
__attribute__((reqd_work_group_size(1, 1, 1))) kernel void
persistent_backward(global const REAL *panels, global REAL *store, global REAL *dy, global REAL *dh,
                    global REAL *dc, global REAL *dproj, global REAL *da, global REAL *du,
                    global const int *lengths, volatile global int *sync, const walk_launch l,
                    uint repair)
{
    const team m = {l.directions, l.row_shares, l.unit_shares, sync, l.most_spins, l.first_spins};
    const uint phases = l.count * BACKWARD_PHASES, groups = l.row_shares * l.unit_shares;
    walk w[MOST_WALKS];
    flow f[MOST_WALKS];
    for (uint d = 0; d < l.directions; d++) {
        const walk_places *at = &l.walks[d];
        walk_begin(&w[d], &l, d, store, dy, lengths);
        f[d].d_recurrent = panels + at->d_recurrent;
        f[d].d_candidate = panels + at->d_candidate;
        f[d].d_projection = panels + at->d_projection;
        f[d].dh = dh + at->dh;
        f[d].dc = dc + at->dc;
        f[d].dproj = dproj + at->dproj;
        f[d].da = da + at->da;
        f[d].du = du + at->da;
    }
    /* A group of its own, or in a repair all of them, each from where it stopped. */
    uint first = repair ? 0 : get_group_id(0), last = repair ? team_size(&m) : first + 1;
    for (uint phase = 0; (!repair || sync[SYNC_FLAG]) && phase < phases; phase++)
        for (uint group = first; group < last; group++) {
            if (repair && (uint)*done_of(&m, group) > phase)
                continue;
            uint part = phase % BACKWARD_PHASES, d = group / groups;
            uint meetings = phase / BACKWARD_PHASES * BACKWARD_MEETS + part + 1;
            backward_phase(&w[d], &f[d], phase, group / l.unit_shares % l.row_shares, l.row_shares,
                           group % l.unit_shares, l.unit_shares);
            if (!repair &&
                !phase_end(&m, group, phase + 1, phases, part == PHASE_RECURRENT ? 0 : meetings,
                           phase == 0 ? m.first_spins : m.most_spins))
                return;
        }
    if (repair)
        settle(&m);
}

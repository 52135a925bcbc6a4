/* SPDX-License-Identifier: MIT
 * cl/walk.cl - many steps of the directions of one layer, or of two layers of a stack, in one
 * launch: what the strategies that do so share. After cl/prelude.cl, the cell and
 * cl/walk_launch.cl, which says what lies where.
 *
 * Each direction's units are cut into `unit_shares` runs, its rows into `row_shares` runs; a group
 * computes one share of units for one share of rows, and walks all steps:
 *
 *              units of share 0  units of share 1
 *     rows 0   +---------------+----------------+   groups side by side meet after each phase of a
 *              |    group 0  <-+- meet -> group 1|   step, since each needs the other's h_{t-1};
 *     rows 1   +---------------+----------------+   groups below one another never meet
 *              |    group 2  <-+- meet -> group 3|
 *              +---------------+----------------+
 *
 * OpenCL does not promise that groups run at the same time. So the host asks for no more groups
 * than a probe found to run together, each wait is bounded, and a group that waits too long raises
 * a flag, upon which all groups note how far they came and leave. The last one to leave then does
 * what is missing of all, alone and so without waiting. (The meeting is the barrier of Sorensen,
 * Donaldson, Batty, Gopalakrishnan, Rakamaric, "Portable Inter-workgroup Barrier Synchronisation
 * for GPUs", OOPSLA 2016.)
 *
 * With `help` a group claims the panels of its share one by one, and when none is left those of the
 * groups that it will meet: so in a phase nobody waits for longer than a panel takes. (Only where
 * groups meet after each phase; work stealing as in Blumofe and Leiserson, "Scheduling
 * Multithreaded Computations by Work Stealing", J. ACM 1999, but from a counter for each share.)
 *
 * Masking: as in cl/stepwise.cl. */
#ifndef CELL_GATES
#error "a cell's file must come before walk.cl"
#endif
#ifndef WG
#define WG 1 /* work-items of a group */
#endif

/* Where a group keeps what all of its work-items need to know. */
#if WG == 1
#define SHARED private
#else
#define SHARED local
#endif

/* --- meeting ------------------------------------------------------------------------------- */

/* What this work-item (or, after a barrier, its group) wrote is seen by all groups before what it
 * does next; and the other way round. OpenCL 1.2 has a fence for work-items of one group only, so
 * where the compiler is known it is told to fence the whole device. */
static inline void fence_device(void)
{
#if defined(__AMDGCN__)
    __builtin_amdgcn_fence(__ATOMIC_SEQ_CST, "agent");
#elif defined(__NVPTX__) || defined(__NV_CL_C_VERSION)
    __asm__ volatile("membar.gl;" ::: "memory");
#else
    mem_fence(CLK_GLOBAL_MEM_FENCE);
#endif
}

/* Between two looks at a counter: let the other thread of the core work, and the other core write.
 * One look and one pause take some tens of nanoseconds. */
static inline void pause_between(void)
{
#if defined(__x86_64__) && __has_builtin(__builtin_ia32_pause)
    __builtin_ia32_pause();
#endif
}

/* Wait until the counter has reached `target`. False: somebody gave up. */
static inline bool meet(volatile global int *sync, volatile global int *counter, int target,
                        uint most_spins)
{
    fence_device();
    atomic_inc(counter);
    for (uint spins = 0; *counter < target; spins++) {
        if (sync[SYNC_FLAG] || spins >= most_spins) {
            atomic_or(&sync[SYNC_FLAG], 1);
            return false;
        }
        pause_between();
    }
    atomic_add(counter, 0); /* nothing below is read before this */
    fence_device();
    return true;
}

/* --- one direction ------------------------------------------------------------------------- */

/* The options of the network, whose word the launch has. */
static inline uint options_of(uint word)
{
#ifdef OPTIONS
    return OPTIONS;
#else
    return word;
#endif
}

/* What a group needs to know. Pointers are to the direction's first element. */
typedef struct walk {
    global REAL *gates;        /* [count,N,G*H] */
    global REAL *h, *c;        /* [slots,N,R], [slots,N,H] */
    global REAL *extra;        /* [extras,N,saves_of,H] */
    global REAL *y;            /* y, back dy: row n of kept step k at (k*N + n)*y_stride, or 0 */
    global const int *lengths; /* [N], or 0 */
    size_t y_stride;
    uint down;    /* 1: from the last step to the first */
    uint first_t; /* t of the first step kept */
    uint count, slots, extras;
    uint keep;  /* gates of all steps are left activated */
    uint block; /* for how many steps there is room for gates, whose input products come first */
    uint options;
    global const REAL *params; /* [CELL_PARAMS,H], with OPTION_PARAMS */
    uint H, R, N;
    /* forward; x and input where the walk itself multiplies them */
    global const REAL *x; /* row n of kept step k at (k*N + n)*x_stride */
    size_t x_stride;
    global const STORED *input; /* W_ih^T: [G][panels of H][PANEL_ROWS(I)][TILE_N] */
    uint I;
    global const REAL *b_ih, *b_hh;  /* [G*H] */
    global const STORED *panels;     /* U^T: [G][panels of H][PANEL_ROWS(R)][TILE_N] */
    global const STORED *projection; /* W_hr^T: [panels of P][PANEL_ROWS(H)][TILE_N] */
    /* States before the first and after the last step of this walk; 0: those are in slots. */
    global const REAL *h_first, *c_first;
    global REAL *h_last, *c_last;
    /* back */
    global const REAL *d_recurrent;  /* U: [panels of R][G*H, reset before 2H][TILE_N] */
    global const REAL *d_candidate;  /* U_n, reset before: [panels of H][H][TILE_N] */
    global const REAL *d_projection; /* W_hr: [panels of H][P][TILE_N] */
    global REAL *dh, *dc, *dproj;    /* [N,R], [N,H], [count,N,R] */
    global REAL *da, *du;            /* [count,N,G*H] */
} walk;

/* What forward and back have in common. at: of l, the direction's. */
static inline void walk_begin(SHARED walk *w, const walk_launch *l, SHARED const walk_places *at,
                              global const REAL *weights, global REAL *store, global REAL *y,
                              global const int *lengths)
{
    global REAL *from = at->y_from == FROM_STORE ? store : y;
    w->gates = store + at->gates;
    w->h = store + at->h;
    w->c = store + at->c;
    w->extra = store + at->extra;
    w->h_first = w->c_first = 0;
    w->h_last = w->c_last = 0;
    w->params = weights + at->params;
    w->options = l->options;
    w->keep = 1;
    w->block = l->count;
    w->y = at->y_from != FROM_NOWHERE ? from + at->y : 0;
    w->y_stride = at->y_stride;
    w->lengths = l->has_lengths ? lengths : 0;
    w->down = (uint)at->down;
    w->first_t = (uint)at->first_t;
    w->count = l->count;
    w->slots = l->slots;
    w->extras = l->extras;
    w->H = l->H;
    w->R = l->R;
    w->N = l->N;
}

/* The block of the kept step `kept`: its first step, and the one after its last. They are counted
 * from the step that is walked first. */
static inline uint block_of(SHARED const walk *w, uint kept, uint *end)
{
    uint number = w->down ? w->count - 1 - kept : kept;
    uint first = number / w->block * w->block, last = min(w->count, first + w->block);
    *end = w->down ? w->count - first : last;
    return w->down ? w->count - last : first;
}

/* How many values of a unit a step saves beside the gates: those of the cell and, last, if the
 * network is projected, what the projection multiplies. */
static inline uint saves_of(uint options)
{
    return CELL_SAVES + (options & OPTION_PROJECTED ? 1 : 0);
}

static inline global REAL *gates_of(SHARED const walk *w, uint room)
{
    return w->gates + (size_t)room * w->N * CELL_GATES * w->H;
}

/* One step of it. */
typedef struct walk_step {
    uint t, kept;
    global REAL *gates;
    global const REAL *h_prev, *c_prev;
    global REAL *h_next, *c_next, *extra, *y;
} walk_step;

/* kept: which of the steps kept, 0..count-1. (Not returned: of a returned struct clang makes an
 * intrinsic that Oclgrind 21.10 does not know.) */
static inline void step_of(SHARED const walk *w, uint kept, SHARED walk_step *s)
{
    uint end;
    s->t = w->first_t + kept;
    s->kept = kept;
    uint prev = (s->t + w->down) % w->slots, next = (s->t + 1 - w->down) % w->slots;
    s->gates = gates_of(w, kept - (w->keep ? 0 : block_of(w, kept, &end)));
    s->h_prev = w->h + (size_t)prev * w->N * w->R;
    s->h_next = w->h + (size_t)next * w->N * w->R;
    s->c_prev = w->c + (size_t)prev * w->N * w->H;
    s->c_next = w->c + (size_t)next * w->N * w->H;
    s->extra =
        w->extra + (size_t)(kept % w->extras) * w->N * saves_of(options_of(w->options)) * w->H;
    s->y = w->y ? w->y + (size_t)kept * w->N * w->y_stride : 0;
    if (kept == (w->down ? w->count - 1 : 0) && w->h_first) {
        s->h_prev = w->h_first;
        s->c_prev = w->c_first;
    }
    if (kept == (w->down ? 0 : w->count - 1) && w->h_last) {
        s->h_next = w->h_last;
        s->c_next = w->c_last;
    }
}

/* Value `k` that is saved of row n: [H]. */
static inline global REAL *saved_of(SHARED const walk *w, SHARED const walk_step *s, uint n, uint k)
{
    return s->extra + ((size_t)n * saves_of(options_of(w->options)) + k) * w->H;
}

/* The parameters of units j... */
static inline ALWAYS_INLINE void load_params(SHARED const walk *w, uint j, uint width, REALV *p)
{
    const bool has = options_of(w->options) & OPTION_PARAMS;
    UNROLL for (int k = 0; k < CELL_PARAMS; k++) p[k] =
        has ? load_some(w->params + (size_t)k * w->H + j, width) : (REALV)0;
}

static inline bool is_live(SHARED const walk *w, uint n, uint t)
{
    return !w->lengths || t < (uint)w->lengths[n];
}

/* --- shares -------------------------------------------------------------------------------- */

/* Share `part` of `parts` of `whole` things: from *begin to the result. */
static inline uint share(uint whole, uint part, uint parts, uint *begin)
{
    *begin = (uint)((ulong)whole * part / parts);
    return (uint)((ulong)whole * (part + 1) / parts);
}

/* What groups of one launch share: how the work is cut, and where they meet. */
typedef struct team {
    uint walks, row_shares, unit_shares;
    uint places;  /* where groups meet: of one share of rows, in a stack from all walks */
    uint members; /* how many meet in one place */
    bool solo;    /* one group does the work of all */
    bool help;    /* who is done takes from the others */
    volatile global int *sync;
    uint most_spins, first_spins; /* first: after phases that take longer */
} team;

static inline void team_begin(team *m, const walk_launch *l, volatile global int *sync)
{
    m->walks = l->used;
    m->row_shares = l->row_shares;
    m->unit_shares = l->unit_shares;
    m->places = (l->stacked ? 1 : l->used) * l->row_shares;
    m->members = l->solo ? 1 : (l->stacked ? l->used : 1) * l->unit_shares;
    m->solo = l->solo;
    m->help = l->help;
    m->sync = sync;
    m->most_spins = l->most_spins;
    m->first_spins = l->first_spins;
}

static inline uint team_size(const team *m)
{
    return m->walks * m->row_shares * m->unit_shares;
}

/* The counter of a group, and where it notes how many phases it has completed. */
static inline volatile global int *counter_of(const team *m, uint group)
{
    return m->sync + SYNC_COUNTERS + group / m->unit_shares % m->places * SYNC_LINE;
}

static inline volatile global int *done_of(const team *m, uint group)
{
    return m->sync + SYNC_DONE + group;
}

static inline volatile global int *claims_of(const team *m, uint group)
{
    return m->sync + SYNC_CLAIMS + group * SYNC_LINE;
}

/* The next of the `count` panels that are a group's share of a phase; `count` if none is left. Each
 * is handed out once, also where a repair follows. */
static inline uint claim(const team *m, uint group, uint phase, uint count)
{
    volatile global int *claims = claims_of(m, group);
    const int first = (int)(phase * CLAIMS);
    for (;;) {
        int seen = *claims, next = max(seen, first);
        if (next - first >= (int)count)
            return count;
        if (atomic_cmpxchg(claims, seen, next + 1) == seen)
            return (uint)(next - first);
    }
}

/* After a phase, the number `phases_done` of `phases`: meet if others depend on it
 * (`meetings_done`: how often they have met then, 0 = not now). False: the group must leave. */
static inline bool phase_end(const team *m, uint group, uint phases_done, uint phases,
                             uint meetings_done, uint spins)
{
    bool alone = m->members == 1 || meetings_done == 0;
    bool stay =
        alone || meet(m->sync, counter_of(m, group), (int)(meetings_done * m->members), spins);
    if (m->members > 1 && (phases_done == phases || !stay))
        *done_of(m, group) = (int)phases_done;
    return stay;
}

/* The phases of a group while it stays; alone those of all groups; in a repair those that are
 * missing of them, each from where it stopped: what follows is done for `phase` and `group`. */
#define FOR_PHASES(m, phases, stays, repair)                                                      \
    for (uint phase = 0; ((repair) ? (m).sync[SYNC_FLAG] : (stays)) && phase < (phases); phase++) \
        for (uint group = (repair) || (m).solo ? 0 : (uint)get_group_id(0);                       \
             group < ((repair) || (m).solo ? team_size(&(m)) : (uint)get_group_id(0) + 1);        \
             group++)                                                                             \
            if (!(repair) || (uint)*done_of(&(m), group) <= phase)

/* A launch without steps is nothing but one meeting: do so many groups run at the same time? */
static inline void probe(const team *m)
{
    (void)meet(m->sync, counter_of(m, 0), (int)team_size(m), m->most_spins);
}

/* Ready for the next launch. */
static inline void settle(const team *m)
{
    for (uint group = 0; group < team_size(m); group += m->unit_shares)
        *counter_of(m, group) = 0;
    for (uint group = 0; m->help && group < team_size(m); group++)
        *claims_of(m, group) = 0;
    if (m->sync[SYNC_FLAG])
        m->sync[SYNC_REPAIRS]++;
    m->sync[SYNC_FLAG] = 0;
    m->sync[SYNC_LEFT] = 0;
}

/* A group has done its phases: is it the last one, which has to do what is missing of all? When it
 * has done that too it settles. */
static inline bool must_repair(const team *m, bool repaired)
{
    if (repaired)
        settle(m);
    if (repaired || m->members == 1) /* alone nobody waits */
        return false;
    fence_device();
    bool last = atomic_inc(&m->sync[SYNC_LEFT]) == (int)team_size(m) - 1;
    fence_device();
    return last;
}

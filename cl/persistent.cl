/* SPDX-License-Identifier: MIT
 * cl/persistent.cl - many steps of the directions of one layer in one launch, for CPU devices and
 * the cell whose file precedes this one. After cl/prelude.cl, the cell, cl/storage.cl, cl/tile.cl.
 *
 * A work-item is a group. Each direction's units are cut into `unit_shares` runs of whole panels,
 * its rows into `row_shares` runs; a group computes one share of units for one share of rows, and
 * walks all steps:
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
 * a flag, upon which all groups note how far they came and leave. A second launch with `repair`
 * follows every launch whose groups meet: without a flag it ends at once, else one group for each
 * direction does what is missing, alone and so without waiting. (The meeting is the barrier of
 * Sorensen, Donaldson, Batty, Gopalakrishnan, Rakamaric, "Portable Inter-workgroup Barrier
 * Synchronisation for GPUs", OOPSLA 2016.)
 *
 * The sums have the order of cl/gemm.cl, so that every element has the same bits as in stepwise,
 * whatever the shares are.  Masking: as in cl/stepwise.cl. */
#ifndef BIAS
#define BIAS 1
#endif
#ifndef PROJECTED
#define PROJECTED 0 /* LSTM with R = P < H */
#endif
#ifndef CELL_GATES
#error "a cell's file must come before persistent.cl"
#endif
#define ROWS 48 /* rows that share a block of a panel in the first cache level */

/* ints of the array `sync`: the flag, how often the repair had to work; then for each of up to
 * MOST_GROUPS meeting places a counter in a cache line of its own; then for each group how many
 * phases it has completed. (These places do not depend on the cut: what one launch leaves as a
 * group's phases must not be the counter of another launch.) */
#define MOST_GROUPS   256
#define SYNC_FLAG     0
#define SYNC_REPAIRS  1
#define SYNC_LINE     16
#define SYNC_COUNTERS SYNC_LINE
#define SYNC_DONE     (SYNC_COUNTERS + MOST_GROUPS * SYNC_LINE)

/* --- vectors with a ragged end ------------------------------------------------------------- */

/* The first `count` numbers at p, then zeros. */
static inline REALV load_some(global const REAL *p, uint count)
{
    if (count >= VEC)
        return VLOAD(p);
#if VEC > 1
    REAL part[VEC];
    for (uint i = 0; i < VEC; i++)
        part[i] = i < count ? p[i] : (REAL)0;
    return VLOAD(part);
#else
    return (REALV)0;
#endif
}

static inline void store_some(REALV value, global REAL *p, uint count)
{
    if (count >= VEC) {
        VSTORE(value, p);
        return;
    }
#if VEC > 1
    REAL part[VEC];
    VSTORE(value, part);
    for (uint i = 0; i < count; i++)
        p[i] = part[i];
#endif
}

/* --- products ------------------------------------------------------------------------------ */

TILE_PRODUCT(1)
TILE_PRODUCT(3)
TILE_PRODUCT(6)

#define ADD_TILE(HEIGHT)                                                                 \
    static inline void add_tile_##HEIGHT(global const REAL *a, size_t stride, uint rows, \
                                         global const STORED *panel, uint k, uint count, \
                                         bool first, REALV(*sum)[TILE_V])                \
    {                                                                                    \
        REALV acc[HEIGHT][TILE_V];                                                       \
        tile_product_##HEIGHT(a, stride, 1, rows, panel, k, count, acc);                 \
        UNROLL for (int i = 0; i < HEIGHT; i++) UNROLL for (int j = 0; j < TILE_V; j++)  \
            sum[i][j] = first ? acc[i][j] : sum[i][j] + acc[i][j];                       \
    }

ADD_TILE(1)
ADD_TILE(3)
ADD_TILE(6)

/* sum = a panel (or sum +=, with `add`) for `rows` <= ROWS rows of a, K values of k. */
static inline void product(global const REAL *a, size_t stride, uint rows,
                           global const STORED *panel, uint K, bool add, REALV sum[ROWS][TILE_V])
{
    for (uint k = 0; k < K; k += TILE_K) {
        uint count = min(K - k, (uint)TILE_K);
        bool first = k == 0 && !add;
        for (uint i = 0; i < rows; i += TILE_M) {
            global const REAL *from = a + i * stride + k;
            uint height = rows - i;
            if (height == 1)
                add_tile_1(from, stride, height, panel, k, count, first, sum + i);
            else if (height <= 3)
                add_tile_3(from, stride, height, panel, k, count, first, sum + i);
            else
                add_tile_6(from, stride, height, panel, k, count, first, sum + i);
        }
    }
}

/* Bring the cache lines of `count` numbers from p on, AHEAD bytes before they are read: the weights
 * of one row come from the last level, and this is 3 to 8 % faster than what the processor does of
 * its own accord. (The function `prefetch` of OpenCL does nothing in PoCL 3.1.) */
#define AHEAD 4096
static inline void fetch_ahead(global const STORED *p, uint count)
{
#if defined(__x86_64__) && __has_builtin(__builtin_prefetch)
    for (uint line = 0; line < count * sizeof(STORED); line += 64)
        __builtin_prefetch((const void *)((uintptr_t)p + AHEAD + line));
#endif
}

/* The same for one row and several panels at once (their starts `step` apart), and for BLOCKS
 * blocks of k at once, from k0 on, each of `count` values: more chains of sums side by side hide
 * the latency of each. The blocks are added in order. */
#define ROW_BLOCKS(BLOCKS)                                                                        \
    static inline void row_blocks_##BLOCKS(global const REAL *a, global const STORED *panel,      \
                                           size_t step, uint k0, uint count, int first_gate,      \
                                           int last_gate, REALV sum[CELL_GATES][ROWS][TILE_V])    \
    {                                                                                             \
        REALV acc[BLOCKS][CELL_GATES][TILE_V];                                                    \
        global const STORED *from = panel + (size_t)(PANEL_HEAD + k0) * TILE_N;                   \
        UNROLL for (int b = 0; b < BLOCKS; b++) UNROLL for (int g = 0; g < CELL_GATES; g++)       \
            UNROLL for (int j = 0; j < TILE_V; j++) acc[b][g][j] = (REALV)0;                      \
        for (uint k = 0; k < count; k++)                                                          \
            UNROLL for (int b = 0; b < BLOCKS; b++)                                               \
            {                                                                                     \
                REALV ak = (REALV)a[k0 + b * TILE_K + k];                                         \
                global const STORED *row = from + (size_t)(b * TILE_K + k) * TILE_N;              \
                UNROLL for (int g = 0; g < CELL_GATES; g++) if (g >= first_gate && g < last_gate) \
                {                                                                                 \
                    fetch_ahead(row + g * step, TILE_N);                                          \
                    UNROLL for (int j = 0; j < TILE_V; j++) acc[b][g][j] =                        \
                        fma(ak, STORED_VLOAD(row + g * step + j * VEC), acc[b][g][j]);            \
                }                                                                                 \
            }                                                                                     \
        UNROLL for (int b = 0; b < BLOCKS; b++) UNROLL for (int g = 0; g < CELL_GATES; g++)       \
            UNROLL for (int j = 0; j < TILE_V; j++)                                               \
        {                                                                                         \
            REALV part = panel_scaled(acc[b][g][j], panel + g * step, j * VEC);                   \
            sum[g][0][j] = k0 + b == 0 ? part : sum[g][0][j] + part;                              \
        }                                                                                         \
    }

ROW_BLOCKS(1)
ROW_BLOCKS(2)

static inline void product_of_row(global const REAL *a, global const STORED *panel, size_t step,
                                  uint K, int first_gate, int last_gate,
                                  REALV sum[CELL_GATES][ROWS][TILE_V])
{
    const int gates = last_gate - first_gate;
    uint k = 0;
    /* (An RNN's one gate is 10 % faster in a single stream; these two are 20 to 30 % in pairs.) */
    for (; CELL_RESET_BEFORE && gates <= 2 && K - k >= 2 * TILE_K; k += 2 * TILE_K)
        row_blocks_2(a, panel, step, k, TILE_K, first_gate, last_gate, sum);
    for (; k < K; k += TILE_K)
        row_blocks_1(a, panel, step, k, min(K - k, (uint)TILE_K), first_gate, last_gate, sum);
}

/* --- meeting ------------------------------------------------------------------------------- */

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
    mem_fence(CLK_GLOBAL_MEM_FENCE);
    atomic_inc(counter);
    for (uint spins = 0; *counter < target; spins++) {
        if (sync[SYNC_FLAG] || spins >= most_spins) {
            atomic_or(&sync[SYNC_FLAG], 1);
            return false;
        }
        pause_between();
    }
    atomic_add(counter, 0); /* nothing below is read before this */
    mem_fence(CLK_GLOBAL_MEM_FENCE);
    return true;
}

/* Nothing but one meeting: do this many groups run at the same time? */
kernel void persistent_probe(volatile global int *sync, int target, uint most_spins)
{
    (void)meet(sync, sync + SYNC_COUNTERS, target, most_spins);
}

/* --- one direction ------------------------------------------------------------------------- */

/* What a group needs to know. Pointers are to the direction's first element. */
typedef struct walk {
    global const REAL *x; /* row n of kept step k at (k*N + n)*x_stride */
    size_t x_stride;
    global const STORED *input;      /* W_ih^T: [G][panels of H][PANEL_ROWS(I)][TILE_N] */
    global const STORED *panels;     /* U^T: the same with R */
    global const STORED *projection; /* W_hr^T: [panels of P][PANEL_ROWS(H)][TILE_N] */
    global const REAL *b_ih, *b_hh;  /* [G*H] */
    global REAL *gates;              /* [count,N,G*H] */
    global REAL *h, *c;              /* [slots,N,R], [slots,N,H] */
    /* States before the first and after the last step of this walk; 0: those are in slots. */
    global const REAL *h_first, *c_first;
    global REAL *h_last, *c_last;
    global REAL *extra; /* [extras,N,H] */
    global REAL *y;     /* row n of kept step k at (k*N + n)*y_stride, or 0 */
    size_t y_stride;
    global const int *lengths; /* [N], or 0 */
    uint down;                 /* 1: from the last step to the first */
    uint first_t;              /* t of the first step kept */
    uint count, slots, extras;
    uint keep;  /* gates of all steps have room, and are left activated; else those of a block */
    uint block; /* steps whose input products are computed at once */
    uint I, H, R, N;
} walk;

/* What forward and back have in common. */
static inline void walk_begin(walk *w, const walk_launch *l, uint d, global REAL *store,
                              global REAL *y, global const int *lengths)
{
    const walk_places *at = &l->walks[d];
    w->gates = store + at->gates;
    w->h = store + at->h;
    w->c = store + at->c;
    w->extra = store + at->extra;
    w->h_first = w->c_first = 0;
    w->h_last = w->c_last = 0;
    w->keep = 1;
    w->block = 1;
    w->y = l->has_y ? y + at->y : 0;
    w->y_stride = l->y_stride;
    w->lengths = l->has_lengths ? lengths : 0;
    w->down = at->down;
    w->first_t = at->first_t;
    w->count = l->count;
    w->slots = l->slots;
    w->extras = l->extras;
    w->H = l->H;
    w->R = l->R;
    w->N = l->N;
}

/* The block of the kept step `kept`: its first step, and the one after its last. They are counted
 * from the step that is walked first. */
static inline uint block_of(const walk *w, uint kept, uint *end)
{
    uint number = w->down ? w->count - 1 - kept : kept;
    uint first = number / w->block * w->block, last = min(w->count, first + w->block);
    *end = w->down ? w->count - first : last;
    return w->down ? w->count - last : first;
}

static inline global REAL *gates_of(const walk *w, uint room)
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
static inline void step_of(const walk *w, uint kept, walk_step *s)
{
    uint end;
    s->t = w->first_t + kept;
    s->kept = kept;
    uint prev = (s->t + w->down) % w->slots, next = (s->t + 1 - w->down) % w->slots;
    s->gates = gates_of(w, w->keep ? kept : kept - block_of(w, kept, &end));
    s->h_prev = w->h + (size_t)prev * w->N * w->R;
    s->h_next = w->h + (size_t)next * w->N * w->R;
    s->c_prev = w->c + (size_t)prev * w->N * w->H;
    s->c_next = w->c + (size_t)next * w->N * w->H;
    s->extra = w->extra + (size_t)(kept % w->extras) * w->N * w->H;
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

static inline bool is_live(const walk *w, uint n, uint t)
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

static inline uint panels_of(uint columns)
{
    return (columns + TILE_N - 1) / TILE_N;
}

/* What groups of one launch share: how the work is cut, and where they meet. */
typedef struct team {
    uint directions, row_shares, unit_shares;
    volatile global int *sync;
    uint most_spins, first_spins; /* first: after phases that take longer */
} team;

static inline uint team_size(const team *m)
{
    return m->directions * m->row_shares * m->unit_shares;
}

/* The counter of a group, and where it notes how many phases it has completed. */
static inline volatile global int *counter_of(const team *m, uint group)
{
    return m->sync + SYNC_COUNTERS + group / m->unit_shares * SYNC_LINE;
}

static inline volatile global int *done_of(const team *m, uint group)
{
    return m->sync + SYNC_DONE + group;
}

/* After a phase, the number `phases_done` of `phases`: meet if others depend on it
 * (`meetings_done`: how often they have met then, 0 = not now). False: the group must leave. */
static inline bool phase_end(const team *m, uint group, uint phases_done, uint phases,
                             uint meetings_done, uint spins)
{
    bool alone = m->unit_shares == 1 || meetings_done == 0;
    bool stay =
        alone || meet(m->sync, counter_of(m, group), (int)(meetings_done * m->unit_shares), spins);
    if (m->unit_shares > 1 && (phases_done == phases || !stay))
        *done_of(m, group) = (int)phases_done;
    return stay;
}

/* The end of a repair launch: ready for the next launch. */
static inline void settle(const team *m)
{
    for (uint group = 0; group < team_size(m); group += m->unit_shares)
        *counter_of(m, group) = 0;
    if (m->sync[SYNC_FLAG])
        m->sync[SYNC_REPAIRS]++;
    m->sync[SYNC_FLAG] = 0;
}

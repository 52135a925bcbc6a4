/* SPDX-License-Identifier: MIT
 * cl/scan.cl - one direction of one layer that is scanned, and one step of it: what all strategies
 * share. After cl/prelude.cl, the cell, cl/storage.cl and cl/scan_launch.cl, which says what lies
 * where.
 *
 * How time is cut, from the whole to the least, and who does it:
 *
 *     sequence   T steps, of all layers and both directions                         the caller
 *     chunk      steps whose gates fit the plan's memory: all of them when           host/layer/
 *                training; inference takes one chunk after the other, through all    forward.c
 *                layers if there is no way back in time
 *     launch     steps that a kernel scans in one go, so few that on a GPU nothing   host/layer/
 *                else waits for 0.1 s; stepwise launches kernels for each step       scanner.c
 *     block      steps whose input products W x come at once, before the first of    cl/persistent_
 *                them: so few that their gates stay in a cache (persistent alone)    forward.cl
 *     step       t of one direction: h_{t-1} to h_t, or dh_t to dh_{t-1}             step_of
 *     phase      what of a step needs nothing that others compute in the same  cl/scan_forward,
 *                phase: a product and the cell's equations after it; groups that      _backward.cl
 *                share rows wait for each other
 *
 * A direction goes up or down in t, and its gradients the other way; `index` counts the steps of a
 * launch in the order of t, whatever the direction.
 *
 * Masking: past a row's length (t >= lengths[n]), or without FLAG_LIVE, the state is held, y, what
 * is saved and da are 0, and dh, dc pass through. Selected, never multiplied by 0, so what lies in
 * the padding cannot leak.
 */
#ifndef CELL_GATES
#error "a cell's file must come before scan.cl"
#endif
#ifndef WG
#define WG 1 /* work-items of a group; stepwise does not ask */
#endif

/* Where a group keeps what all of its work-items need to know. */
#if WG == 1
#define SHARED private
#else
#define SHARED local
#endif

/* The options of the network, whose word the launch has. */
static inline uint options_of(uint word)
{
#ifdef OPTIONS
    return OPTIONS;
#elif defined(RARE)
    return word | OPTION_RARE;
#else
    return word;
#endif
}

/* Those of a network without any that is rare. */
static inline uint usual_options(uint options)
{
    return options & ~(OPTION_RARE | OPTIONS_RARE);
}

/* Code for OPTION_RARE is a function apart, to which a step is handed as a copy, and a scan where
 * it is no one's but the caller's: what a pointer has been made of is no register. */
#if WG == 1
#define STEP_APART(s, copy) const scan_step copy = *(s)
#define STEP_OF(s, copy)    (&copy)
#else
#define STEP_APART(s, copy)
#define STEP_OF(s, copy) (s)
#endif
#if WG == 1 && VEC == 1
#define WALK_APART(w, copy) const scan copy = *(w)
#define WALK_OF(w, copy)    (&copy)
#else
#define WALK_APART(w, copy)
#define WALK_OF(w, copy) (w)
#endif

#ifdef LAYER_NORM
/* What it needs for layer norm: cl/scan_launch.cl. */
typedef struct scan_norms {
    global const REAL *gain_x, *gain_u, *gain_c, *bias_c;
    global REAL *sums;
    global REAL *hat_x, *hat_u, *hat_c, *scales, *scale_c;
    global REAL *dsums, *dz; /* back */
    size_t stride;
    bool keep;
    REAL epsilon;
} scan_norms;
#endif

/* What a group needs to know. Pointers are to the direction's first element. */
typedef struct scan {
    global REAL *gates;        /* [count,N,G*H] */
    global REAL *h, *c;        /* [slots,N,R], [slots,N,H] */
    global REAL *saved;        /* [saved_steps,N,saves_of,H] */
    global REAL *y;            /* y, back dy: row n of step k at (k*N + n)*y_stride, or 0 */
    global const int *lengths; /* [N], or with has_flags [T,N], or 0 */
    uint has_flags;
    size_t y_stride;
    uint down;    /* 1: from the last step to the first */
    uint first_t; /* t of the first step */
    uint count, slots, saved_steps;
    uint save_gates; /* gates of all steps are saved, activated */
    uint block; /* for how many steps there is room for gates, whose input products come first */
    uint options;
    REAL proj_clip;
    cell_values values; /* with OPTION_RARE */
    uint H, R, N;
    global const REAL *params; /* [CELL_PARAMS,H], with OPTION_PARAMS */
    /* forward */
    global const REAL *b_ih, *b_hh; /* [G*H] */
    /* States before the first and after the last step of this scan; 0: those are in slots. */
    global const REAL *h_first, *c_first;
    global REAL *h_last, *c_last;
    /* back */
    global REAL *dh, *dc, *dproj; /* [N,R], [N,H], [count,N,R] */
    global REAL *da, *du;         /* [count,N,G*H] */
    /* What the strategies multiply themselves, at stored_at (cl/storage.cl); x and input where W x
     * is not there yet. */
    global const REAL *x; /* row n of step k at (k*N + n)*x_stride */
    size_t x_stride;
    uint I;
    global const void *input;        /* W_ih^T: [G][panels of H][PANEL_ROWS(I)][TILE_N] */
    global const void *recurrent;    /* U^T: [G][panels of H][PANEL_ROWS(R)][TILE_N] */
    global const void *projection;   /* W_hr^T: [panels of P][PANEL_ROWS(H)][TILE_N] */
    global const REAL *d_recurrent;  /* U of the first phase: [panels of R][gates*H][TILE_N] */
    global const REAL *d_candidate;  /* that of the second phase: [panels of H][gates*H][TILE_N] */
    global const REAL *d_projection; /* W_hr: [panels of H][P][TILE_N] */
#ifdef LAYER_NORM
    scan_norms norms;
#endif
} scan;

static inline REAL real_of(ulong bits)
{
#if REAL_IS_DOUBLE
    return as_double(bits);
#else
    return as_float((uint)bits);
#endif
}

/* Of compilers for CPUs, PoCL 6 (LLVM 18) does not survive what is unrolled here. */
#if defined(__x86_64__) || defined(__aarch64__)
#define EACH_WORD
#else
#define EACH_WORD UNROLL
#endif

/* The arrays of direction d, 0 or 1. Written so that every word of l that is read has a place known
 * to the compiler: else some copy all of it to slow memory first. */
static inline void pick_arrays(const scan_launch *l, uint d, SHARED scan_arrays *at)
{
    const ulong *first = (const ulong *)&l->scans[0], *second = (const ulong *)&l->scans[1];
    const ulong mask = -(ulong)d;
    SHARED ulong *to = (SHARED ulong *)at;
    EACH_WORD for (uint i = 0; i < sizeof *at / sizeof *to; i++) to[i] =
        (first[i] & ~mask) | (second[i] & mask);
}

/* What forward and back have in common. at: of l, the direction's. */
static inline void scan_begin(SHARED scan *w, const scan_launch *l, SHARED const scan_arrays *at,
                              global const REAL *weights, global REAL *workspace, global REAL *y,
                              global const int *lengths)
{
    global REAL *from = at->y_from == FROM_WORKSPACE ? workspace : y;
    w->gates = workspace + at->gates;
    w->h = workspace + at->h;
    w->c = workspace + at->c;
    w->saved = workspace + at->saved;
    w->h_first = w->c_first = 0;
    w->h_last = w->c_last = 0;
    w->params = weights + at->params;
    w->options = l->options;
    w->proj_clip = real_of(l->proj_clip);
    w->values.gate_clip = real_of(l->gate_clip);
    w->values.cell_clip = real_of(l->cell_clip);
    w->values.zone = real_of(l->zone);
    w->values.zone_cell = real_of(l->zone_cell);
    w->values.zone_key = at->zone_key;
    w->values.zone_index = l->zone_index;
    w->values.zone_drawn = l->zone_drawn;
    UNROLL for (int i = 0; i < CELL_FUNCTIONS; i++)
    {
        w->values.function[i] = (uint)at->function[i];
        w->values.alpha[i] = real_of(at->alpha[i]);
        w->values.beta[i] = real_of(at->beta[i]);
    }
    w->save_gates = 1;
    w->block = l->count;
    w->y = at->y_from != FROM_NOWHERE ? from + at->y : 0;
    w->y_stride = at->y_stride;
    w->lengths = l->has_lengths ? lengths : 0;
    w->has_flags = l->has_lengths == HAS_FLAGS;
    w->down = (uint)at->down;
    w->first_t = (uint)at->first_t;
    w->count = l->count;
    w->slots = l->slots;
    w->saved_steps = l->saved_steps;
    w->H = l->H;
    w->R = l->R;
    w->N = l->N;
}

/* The block of step `index`: its first step, and the one after its last. They are counted
 * from the step that is scanned first. */
static inline uint block_of(SHARED const scan *w, uint index, uint *end)
{
    uint number = w->down ? w->count - 1 - index : index;
    uint first = number / w->block * w->block, last = min(w->count, first + w->block);
    *end = w->down ? w->count - first : last;
    return w->down ? w->count - last : first;
}

/* How many values of a unit a step saves beside the gates: those of the cell, then, if the network
 * is projected, what the projection multiplies and, last, with OPTION_ZONE_CELL c before zoneout.
 */
static inline uint saves_of(uint options)
{
    return CELL_SAVES + (options & OPTION_PROJECTED ? 1 : 0) +
           (CELL_MEMORY && options & OPTION_ZONE_CELL ? 1 : 0);
}

static inline global REAL *gates_of(SHARED const scan *w, uint room)
{
    return w->gates + (size_t)room * w->N * CELL_GATES * w->H;
}

/* One step of it. */
typedef struct scan_step {
    uint t, index;
    global REAL *gates;
    global const REAL *h_prev, *c_prev;
    global REAL *h_next, *c_next, *saved, *y;
} scan_step;

/* index: which of the launch's steps, 0..count-1. (Not returned: of a returned struct clang makes
 * an intrinsic that Oclgrind 21.10 does not know.) */
static inline void step_of(SHARED const scan *w, uint index, SHARED scan_step *s)
{
    uint end;
    s->t = w->first_t + index;
    s->index = index;
    const uint prev = slot_before(s->t, w->down, w->slots);
    const uint next = slot_after(s->t, w->down, w->slots);
    s->gates = gates_of(w, index - (w->save_gates ? 0 : block_of(w, index, &end)));
    s->h_prev = w->h + (size_t)prev * w->N * w->R;
    s->h_next = w->h + (size_t)next * w->N * w->R;
    s->c_prev = w->c + (size_t)prev * w->N * w->H;
    s->c_next = w->c + (size_t)next * w->N * w->H;
    s->saved = w->saved +
               (size_t)(index % w->saved_steps) * w->N * saves_of(options_of(w->options)) * w->H;
    s->y = w->y ? w->y + (size_t)index * w->N * w->y_stride : 0;
    if (index == (w->down ? w->count - 1 : 0) && w->h_first) {
        s->h_prev = w->h_first;
        s->c_prev = w->c_first;
    }
    if (index == (w->down ? 0 : w->count - 1) && w->h_last) {
        s->h_next = w->h_last;
        s->c_next = w->c_last;
    }
}

/* Value `k` that is saved of row n: [H]; and how far it is to that of the next row. */
static inline global REAL *saved_of(SHARED const scan *w, SHARED const scan_step *s, uint n, uint k)
{
    return s->saved + ((size_t)n * saves_of(options_of(w->options)) + k) * w->H;
}

static inline size_t saved_stride(SHARED const scan *w)
{
    return (size_t)saves_of(options_of(w->options)) * w->H;
}

/* The parameters of units j... */
static inline ALWAYS_INLINE void load_params(SHARED const scan *w, uint j, uint width, REALV *p)
{
    const bool has = options_of(w->options) & OPTION_PARAMS;
    UNROLL for (int k = 0; k < CELL_PARAMS; k++) p[k] =
        has ? load_some(w->params + (size_t)k * w->H + j, width) : (REALV)0;
}

/* The scan's own copy, since it may lie in local memory. */
static inline void values_of(SHARED const scan *w, cell_values *v)
{
    v->gate_clip = w->values.gate_clip;
    v->cell_clip = w->values.cell_clip;
    v->zone = w->values.zone;
    v->zone_cell = w->values.zone_cell;
    v->zone_key = w->values.zone_key;
    v->zone_index = w->values.zone_index;
    v->zone_drawn = w->values.zone_drawn;
    UNROLL for (int i = 0; i < CELL_FUNCTIONS; i++)
    {
        v->function[i] = w->values.function[i];
        v->alpha[i] = w->values.alpha[i];
        v->beta[i] = w->values.beta[i];
    }
}

static inline bool is_live(SHARED const scan *w, uint n, uint t)
{
    if (!w->lengths)
        return true;
    return w->has_flags ? w->lengths[(size_t)t * w->N + n] & FLAG_LIVE : t < (uint)w->lengths[n];
}

/* Whether the state of row n before step t is 0. */
static inline bool is_reset(uint options, SHARED const scan *w, uint n, uint t)
{
    return options & OPTION_RESETS && w->has_flags && w->lengths[(size_t)t * w->N + n] & FLAG_RESET;
}

/* k of zoneout for units j.. of row n of h: cl/zoneout.cl. */
static inline APART REALV zone_of(SHARED const scan *w, uint n, uint t, uint j)
{
    cell_values v;
    values_of(w, &v);
    return zone_kept(&v, false, n, t, j);
}

/* Whether the state after step t has nothing to do with the step that is scanned then. */
static inline bool is_cut(uint options, SHARED const scan *w, uint n, uint t)
{
    return options & OPTION_RESETS && w->has_flags &&
           w->lengths[(size_t)t * w->N + n] & (w->down ? FLAG_CUT_DOWN : FLAG_CUT_UP);
}

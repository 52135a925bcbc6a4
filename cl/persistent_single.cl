/* SPDX-License-Identifier: MIT
 * cl/persistent_single.cl - the forward scan of one row by one group, or of a few, one after the
 * other, which meets nobody and keeps no gates: small networks, of which each step takes less time
 * than what the scan for any number of rows and groups has to ask of it. For programs that are
 * compiled ahead of time. After cl/persistent_input.cl.
 *
 * States and what a second phase needs are the group's own, in whole vectors: a step's h_t is read
 * by the next one as soon as it is there. A panel's vectors past the last unit are left out. The
 * sums are those of cl/persistent.cl, in the same order. */
#define SINGLE_VECTORS (SINGLE_UNITS / VEC)

/* A strip of units is a register wide. The cell works on two at once where their number is even,
 * for its own strips of operations are long. */
#if TILE_V * VEC >= 32
typedef CLR_PASTE(REAL_NAME, 16) STRIPV;
#define STRIP 16
#else
typedef CLR_PASTE(REAL_NAME, 8) STRIPV;
#define STRIP 8
#endif
typedef STRIPV __attribute__((aligned(sizeof(REAL)))) STRIPV_ANYWHERE;

/* Strips of a gate whose sums are computed side by side: so many hide the latency of each, and fit
 * the registers with four gates. */
#define SIDE_BY_SIDE 3
#define STRIPS       4 /* in whole vectors */

/* What changes from step to step, and both biases. */
typedef struct single {
    REALV h[2][SINGLE_VECTORS]; /* before and after a step, in turn */
    REALV c[SINGLE_VECTORS];
    REALV saved[SINGLE_VECTORS]; /* what the second phase multiplies */
    REALV gate[CELL_GATES][SINGLE_VECTORS];
    REALV b_ih[SINGLE_VECTORS][CELL_GATES], b_hh[SINGLE_VECTORS][CELL_GATES];
    global const REAL *gathered; /* as single_gather leaves the weights, or 0 */
} single;

/* One step: where its way x are, or its x if that is so small, and its y; then which h. */
typedef struct single_step {
    global const REAL *gates, *x;
    global REAL *y;
    uint now;
} single_step;

/* Those of the host's is_single. */
static inline uint single_options(const scan *w)
{
    return usual_options(options_of(w->options)) & ~OPTION_PROJECTED;
}

static inline uint vectors_of(const scan *w)
{
    return (w->H + VEC - 1) / VEC;
}

/* How many of vector number v's units there are. */
static inline uint width_of(const scan *w, uint v)
{
    return min(w->H - v * VEC, (uint)VEC);
}

/* Where unit j, the first one of a strip or vector, begins in the panels of a gate; panels: of K
 * values. */
static inline size_t unit_at(uint j, uint K)
{
    return (size_t)(j / TILE_N) * PANEL_ROWS(K) * TILE_N + j % TILE_N;
}

/* sum[k] = one chain (cl/sums.cl) over k0..k0+count-1, or sum[k] +=, after the first one, for
 * `strips` strips of units from number `first` on of the gates first_gate..last_gate-1. */
static inline ALWAYS_INLINE void single_chain(const scan *w, const REAL *a, uint first,
                                              const int strips, int first_gate, int last_gate,
                                              uint k0, uint count, bool begins,
                                              STRIPV sum[CELL_GATES][STRIPS])
{
    const size_t gate = (size_t)panels_of(w->H) * PANEL_ROWS(w->R) * TILE_N;
    global const STORED *from[SIDE_BY_SIDE];
    STRIPV acc[CELL_GATES][SIDE_BY_SIDE];
    UNROLL for (int v = 0; v < SIDE_BY_SIDE; v++)
    {
        if (v < strips)
            from[v] =
                stored_at(w->recurrent, unit_at((first + v) * STRIP, w->R)) + (size_t)k0 * TILE_N;
        UNROLL for (int g = 0; g < CELL_GATES; g++) acc[g][v] = (STRIPV)0;
    }
    _Pragma("unroll 4") for (uint k = 0; k < count; k++)
    {
        const STRIPV ak = (STRIPV)a[k0 + k];
        UNROLL for (int v = 0; v < SIDE_BY_SIDE; v++) if (v < strips)
        {
            UNROLL for (int g = 0; g < CELL_GATES; g++) if (g >= first_gate && g < last_gate)
                acc[g][v] =
                    fma(ak, *(global const STRIPV_ANYWHERE *)(from[v] + g * gate), acc[g][v]);
            from[v] += TILE_N;
        }
    }
    UNROLL for (int v = 0; v < SIDE_BY_SIDE; v++)
        UNROLL for (int g = 0; g < CELL_GATES;
                    g++) if (v < strips && g >= first_gate && g < last_gate) sum[g][v] =
            begins ? acc[g][v] : sum[g][v] + acc[g][v];
}

/* The same for all k, w->R of them; of two chains the last one first, if `down` (a sum of two has
 * no order), for its weights are those that the step before has read last. */
static inline ALWAYS_INLINE void single_product(const scan *w, const REAL *a, uint first,
                                                const int strips, int first_gate, int last_gate,
                                                bool down, STRIPV sum[CELL_GATES][STRIPS])
{
    const uint chains = CHAINS_OF(w->R);
    for (uint i = 0; i < chains; i++) {
        const uint k = LEAST_CHAIN * (down && chains == 2 ? 1 - i : i);
        single_chain(w, a, first, strips, first_gate, last_gate, k,
                     min(w->R - k, (uint)LEAST_CHAIN), i == 0, sum);
    }
}

/* W x of vector number v. */
static inline ALWAYS_INLINE REALV single_input(const scan *w, const single_step *s, int gate,
                                               uint v)
{
    const size_t panels = (size_t)panels_of(w->H) * PANEL_ROWS(w->I) * TILE_N;
    if (s->gates)
        return load_some(s->gates + (size_t)gate * w->H + v * VEC, width_of(w, v));
    global const STORED *from = stored_at(w->input, gate * panels) + unit_at(v * VEC, w->I);
    REALV sum = (REALV)0;
    for (uint k = 0; k < w->I; k++)
        sum = fma((REALV)s->x[k], STORED_VLOAD(from + (size_t)k * TILE_N), sum);
    return sum;
}

/* The cell's equations for vector number v after the sums of a phase: as cell_units. */
static inline ALWAYS_INLINE void single_units(const scan *w, const single_step *s, single *own,
                                              int phase, uint v, const REALV *sum)
{
    const uint options = single_options(w), j = v * VEC, width = width_of(w, v);
    REALV a[CELL_GATES], u[CELL_GATES], gate[CELL_GATES];
    REALV p[ROOM(CELL_PARAMS)], saved[ROOM(CELL_SAVES)], c = own->c[v];
    UNROLL for (int k = CELL_FIRST(phase); k < CELL_FIRST(phase + 1); k++)
    {
        a[k] = single_input(w, s, k, v);
        u[k] = sum[k];
        if (options & OPTION_BIAS) {
            a[k] += own->b_ih[v][k];
            if (!(options & OPTION_ONE_BIAS))
                u[k] += own->b_hh[v][k];
        }
    }
    UNROLL for (int k = 0; k < CELL_FIRST(phase); k++) gate[k] = own->gate[k][v];
    load_params(w, j, width, p);
    REALV h = cell_forward(options, 0, phase, a, u, p, own->h[s->now][v], &c, gate, saved);
    if (phase < CELL_PHASES - 1) {
        UNROLL for (int k = 0; k < CELL_FIRST(phase + 1); k++) own->gate[k][v] = gate[k];
        own->saved[v] = saved[0];
        return;
    }
    if (CELL_MEMORY)
        own->c[v] = c;
    own->h[!s->now][v] = h;
    if (s->y)
        store_some(h, s->y + j, width);
}

/* `strips` strips of units of a phase from number `first` on, with which a vector begins. */
static inline ALWAYS_INLINE void single_strips(const scan *w, const single_step *s, single *own,
                                               int phase, uint first, uint strips)
{
    const REAL *a = (const REAL *)(phase ? own->saved : own->h[s->now]);
    const int gate0 = CELL_FIRST(phase), gate1 = CELL_FIRST(phase + 1);
    STRIPV sum[CELL_GATES][STRIPS];
    if (VEC > STRIP && strips % 2) /* the other half of the last vector */
        for (int k = gate0; k < gate1; k++)
            sum[k][strips] = (STRIPV)0;
    if (strips == 1)
        single_product(w, a, first, 1, gate0, gate1, s->now, sum);
    else if (strips == 2)
        single_product(w, a, first, 2, gate0, gate1, s->now, sum);
    else
        single_product(w, a, first, 3, gate0, gate1, s->now, sum);
    for (uint v = 0; v * VEC < strips * STRIP; v++) {
        REALV of_units[CELL_GATES];
        UNROLL for (int k = gate0; k < gate1; k++) of_units[k] = ((const REALV *)sum[k])[v];
        single_units(w, s, own, phase, first * STRIP / VEC + v, of_units);
    }
}

/* --- gathered weights ------------------------------------------------------------------------- */

/* Of three strips the last one leaves every other cache line of its panels empty: half of the first
 * level's sets hold two thirds of a step's weights, and lose them before the next step. So where
 * half a strip is enough as the last one, the launch gathers them at first: row k of a phase is its
 * gates one after the other, GATHERED units of each, which are fewer bytes and products, too. (LSTM
 * of 40 units: 1.3 times as fast, of which the arithmetic alone would be 1.35.) */
#define GATHERS (STRIP == 16 && VEC == STRIP)
#if GATHERS
#define GATHERED       (STRIP * 5 / 2)
#define GATHER_VECTORS 3
#define GATHER_MOST    ((CELL_GATES * GATHERED + STRIP - 1) / STRIP)

/* Strips of a row of a phase. */
#define STRIPS_OF(phase) \
    (((CELL_FIRST(phase + 1) - CELL_FIRST(phase)) * GATHERED + STRIP - 1) / STRIP)

/* Where the rows of a phase begin. */
static inline size_t gathered_at(const scan *w, int phase)
{
    return phase ? (size_t)w->R * STRIPS_OF(0) * STRIP : 0;
}

/* Into what room for gates the launch has after `taken` steps of it, if that is enough. */
static inline void single_gather(const scan *w, uint taken, single *own)
{
    const size_t gate = (size_t)panels_of(w->H) * PANEL_ROWS(w->R) * TILE_N;
    const size_t room = (size_t)(w->count - min(taken, w->count)) * w->N * CELL_GATES * w->H;
    own->gathered = 0;
    if (w->H <= 2 * STRIP || w->H > GATHERED ||
        room < gathered_at(w, CELL_PHASES - 1) + (size_t)w->R * STRIPS_OF(CELL_PHASES - 1) * STRIP)
        return;
    global REAL *const all = gates_of(w, taken);
    for (int phase = 0; phase < CELL_PHASES; phase++)
        for (uint k = 0; k < w->R; k++)
            for (int g = CELL_FIRST(phase); g < CELL_FIRST(phase + 1); g++)
                for (uint j = 0; j < GATHERED; j += STRIP / 2) {
                    global const STORED *from =
                        stored_at(w->recurrent, g * gate + unit_at(j, w->R)) + (size_t)k * TILE_N;
                    global REAL *to = all + gathered_at(w, phase) +
                                      (size_t)k * STRIPS_OF(phase) * STRIP +
                                      (g - CELL_FIRST(phase)) * GATHERED + j;
                    vstore8(vload8(0, from), 0, to);
                }
    own->gathered = all;
}

/* As single_chain, for `strips` of each row. */
static inline ALWAYS_INLINE void gathered_chain(global const REAL *rows, const REAL *a,
                                                const int strips, uint k0, uint count, STRIPV *sum)
{
    STRIPV acc[GATHER_MOST];
    UNROLL for (int v = 0; v < GATHER_MOST; v++) acc[v] = (STRIPV)0;
    rows += (size_t)k0 * strips * STRIP;
    _Pragma("unroll 4") for (uint k = 0; k < count; k++, rows += strips * STRIP)
    {
        const STRIPV ak = (STRIPV)a[k0 + k];
        UNROLL for (int v = 0; v < GATHER_MOST; v++) if (v < strips) acc[v] =
            fma(ak, *(global const STRIPV_ANYWHERE *)(rows + v * STRIP), acc[v]);
    }
    UNROLL for (int v = 0; v < GATHER_MOST; v++) if (v < strips) sum[v] =
        k0 == 0 ? acc[v] : sum[v] + acc[v];
}

static inline ALWAYS_INLINE void gathered_one(const scan *w, const single_step *s, single *own)
{
    UNROLL for (int phase = 0; phase < CELL_PHASES; phase++)
    {
        const REAL *a = (const REAL *)(phase ? own->saved : own->h[s->now]);
        const int gate0 = CELL_FIRST(phase), strips = STRIPS_OF(phase);
        global const REAL *rows = own->gathered + gathered_at(w, phase);
        STRIPV sum[GATHER_MOST + 1]; /* a vector past the last unit is read to its end */
        sum[strips] = (STRIPV)0;
        gathered_chain(rows, a, strips, 0, LEAST_CHAIN, sum);
        gathered_chain(rows, a, strips, LEAST_CHAIN, w->R - LEAST_CHAIN, sum);
        for (uint v = 0; v < GATHER_VECTORS; v++) {
            REALV of_units[CELL_GATES];
            UNROLL for (int k = gate0; k < CELL_FIRST(phase + 1); k++) of_units[k] =
                *(const STRIPV_ANYWHERE *)((const REAL *)sum + (k - gate0) * GATHERED + v * STRIP);
            single_units(w, s, own, phase, v, of_units);
        }
    }
}
#endif

/* Strips two by two, and the last three, up in one step and down in the next: as up_and_down of
 * cl/persistent_forward.cl. */
static inline void single_one(const scan *w, const single_step *s, single *own)
{
    const uint all = (w->H + STRIP - 1) / STRIP, pairs = all / 2 ? all / 2 : 1;
    UNROLL for (int phase = 0; phase < CELL_PHASES; phase++) for (uint i = 0; i < pairs; i++)
    {
        uint pair = s->now ? pairs - 1 - i : i;
        single_strips(w, s, own, phase, 2 * pair, pair == pairs - 1 ? all - 2 * pair : 2);
    }
}

/* n: the row. */
static inline void single_begin(const scan *w, uint n, single *own)
{
    for (uint v = 0; v < vectors_of(w); v++) {
        own->h[0][v] = load_some(w->h_first + (size_t)n * w->H + v * VEC, width_of(w, v));
        if (CELL_MEMORY)
            own->c[v] = load_some(w->c_first + (size_t)n * w->H + v * VEC, width_of(w, v));
        for (int k = 0; k < CELL_GATES && single_options(w) & OPTION_BIAS; k++) {
            own->b_ih[v][k] = load_some(w->b_ih + (size_t)k * w->H + v * VEC, width_of(w, v));
            if (!(single_options(w) & OPTION_ONE_BIAS))
                own->b_hh[v][k] = load_some(w->b_hh + (size_t)k * w->H + v * VEC, width_of(w, v));
        }
    }
}

static inline void single_end(const scan *w, uint n, const single *own)
{
    for (uint v = 0; v < vectors_of(w); v++) {
        store_some(own->h[w->count % 2][v], w->h_last + (size_t)n * w->H + v * VEC, width_of(w, v));
        if (CELL_MEMORY)
            store_some(own->c[v], w->c_last + (size_t)n * w->H + v * VEC, width_of(w, v));
    }
}

/* Row n, which is part `part` of the rows or, of few inputs (whose W x takes no longer than to keep
 * it for a block and to read it again), in it. Without x all its W x is there. */
static inline void single_row(const scan *w, uint n, uint part, uint parts, single *own)
{
    const bool few = w->x && w->I <= SINGLE_INPUTS;
    single_begin(w, n, own);
    for (uint number = 0, in_block = 0; number < w->count; number++, in_block++) {
        uint index = w->down ? w->count - 1 - number : number, end;
        if (in_block == w->block)
            in_block = 0;
        if (!few && w->x && in_block == 0)
            input_product(w, index, part, parts, 0, panels_of(w->H));
        const size_t row = (size_t)index * w->N + n;
        single_step s = {.x = few ? w->x + row * w->x_stride : 0,
                         .y = w->y ? w->y + row * w->y_stride : 0,
                         .now = number % 2};
        if (!few)
            s.gates = gates_of(w, index - block_of(w, index, &end)) + (size_t)n * CELL_GATES * w->H;
#if GATHERS
        if (own->gathered) {
            gathered_one(w, &s, own);
            continue;
        }
#endif
        single_one(w, &s, own);
    }
    single_end(w, n, own);
}

/* Arguments and their meaning: those of persistent_forward. Global size: a group of one work-item
 * for each part of the rows of each scan, or one that does both scans, the second after the first.
 */
__attribute__((reqd_work_group_size(1, 1, 1))) kernel void
persistent_single(global const STORED *panels, global const REAL *weights, global REAL *workspace,
                  global const REAL *x, global const REAL *h_first, global const REAL *c_first,
                  global REAL *h_last, global REAL *c_last, global REAL *y,
                  global const int *lengths, volatile global int *sync, const scan_launch l)
{
    const uint first = l.single_group ? 0 : (uint)get_group_id(0),
               end = l.single_group ? l.used : first + 1;
    for (uint group = first; group < end; group++) {
        const scan_arrays at = l.scans[group / l.row_parts];
        uint part = group % l.row_parts, row0, row1 = part_range(l.N, part, l.row_parts, &row0);
        scan w;
        scan_alone_begin(&w, &l, &at, panels, weights, workspace, x, h_first, c_first, h_last,
                         c_last, y, lengths);
        single own;
#if GATHERS
        own.gathered = 0;
        if (l.row_parts == 1)
            single_gather(&w, w.I <= SINGLE_INPUTS ? 0 : w.block, &own);
#endif
        for (uint n = row0; n < row1; n++)
            single_row(&w, n, part, l.row_parts, &own);
    }
}

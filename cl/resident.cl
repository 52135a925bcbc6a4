/* SPDX-License-Identifier: MIT
 * cl/resident.cl - the products of the strategy for GPUs: all work-items of a group compute
 * together, and recurrent weights stay in their registers for all steps of a launch. (Diamos et
 * al., "Persistent RNNs", ICML 2016.) After cl/walk.cl, with VEC 1.
 *
 *     sum[i][column] = sum over k of a[i][k] * w[k][column]     for LANE_ROWS rows at once
 *
 * A column is one gate of one unit, the gates of a unit side by side. k is cut into LANES_OF(K)
 * lanes, and a work-item has one lane of TAKE columns, of each of which it keeps the first KEPT
 * weights; what does not fit is read again in every step:
 *
 *                columns of one pass                 a: in local memory, padded with zeros to
 *                c0   c1   c2   ..                   LANES lanes of `stride` numbers
 *     lane 0    [i0] [i1] [i2]  ..  -> i0, i1, ..
 *     lane 1    [i32][i33] ..          are work-items; those of one lane read the same numbers of
 *     ..                               a at the same time
 *     sum        of each column the lanes in order, by the work-item that then computes its unit
 *
 * So a sum is one chain of fused multiply-adds for each lane, and these added in order: the same
 * bits whatever the shares, the rows around it, and what is kept.
 *
 * TILE_N: columns of a panel. The group has WG work-items, at least CELL_GATES of each lane. */
#ifndef TAKE
#define TAKE 1
#endif
#ifndef KEPT
#define KEPT 32
#endif
#ifndef TILE_N
#define TILE_N 8
#endif
#if VEC != 1
#error "resident.cl computes one unit in a work-item"
#endif
#define BARRIER (CLK_LOCAL_MEM_FENCE | CLK_GLOBAL_MEM_FENCE)

/* One product of a step, for the share of one group. */
typedef struct product {
    global const STORED *panels; /* [..][panels of units][PANEL_ROWS(K)][TILE_N] */
    size_t gate_step;            /* from the panels of one gate to those of the next */
    uint K;
    uint unit0, unit1; /* the group's units */
    uint lanes, lane;  /* of k; numbers in one */
    uint stride;       /* from lane to lane in local memory */
    uint places;       /* work-items that have the same lane */
} product;

/* columns: units in all. */
static inline void product_begin(local product *p, global const STORED *panels, uint columns,
                                 uint K, uint unit_share, uint unit_shares)
{
    uint unit0;
    p->panels = panels;
    p->gate_step = (size_t)((columns + TILE_N - 1) / TILE_N) * PANEL_ROWS(K) * TILE_N;
    p->K = K;
    p->unit1 = share(columns, unit_share, unit_shares, &unit0);
    p->unit0 = unit0;
    p->lanes = LANES_OF(K);
    p->lane = LANE_OF(K);
    p->stride = max(p->lane, (uint)KEPT);
    p->places = WG / p->lanes;
}

/* The work-item's lane, and its place among those that have the same one. */
static inline uint own_lane(local const product *p)
{
    return get_local_id(0) / p->places;
}

static inline uint own_place(local const product *p)
{
    return get_local_id(0) % p->places;
}

/* How many numbers of K are in the work-item's lane. */
static inline uint own_count(local const product *p)
{
    uint first = own_lane(p) * p->lane;
    return first < p->K ? min(p->K - first, p->lane) : 0;
}

static inline global const STORED *panel_of(local const product *p, uint unit, uint gate)
{
    return p->panels + gate * p->gate_step + (size_t)(unit / TILE_N) * PANEL_ROWS(p->K) * TILE_N;
}

/* From a ([rows], `stride` apart, written by other groups too) to local memory. */
static inline void bring(local const product *p, volatile global const REAL *a, size_t stride,
                         uint rows, local REAL *from)
{
    uint width = p->lanes * p->stride;
    for (uint row = 0; row < rows; row++, from += width, a += stride)
        for (uint i = get_local_id(0); i < width; i += WG) {
            uint lane = i / p->stride, in = i - lane * p->stride, k = lane * p->lane + in;
            from[i] = in < p->lane && k < p->K ? a[k] : (REAL)0;
        }
    barrier(BARRIER);
}

/* The weights of the work-item's column number `take` in the pass that begins with `unit`, of
 * GATES gates each, or of some other column if there is none: at k = the first one of its lane. */
static inline global const STORED *column_of(local const product *p, uint unit, uint gates,
                                             uint take)
{
    uint c = take * p->places + own_place(p);
    uint mine = min(unit + c / gates, p->unit1 - 1);
    return panel_of(p, mine, c % gates) + (size_t)(PANEL_HEAD + own_lane(p) * p->lane) * TILE_N +
           mine % TILE_N;
}

/* NAME_keep: load what a work-item keeps of its columns in the first pass.
 * NAME_ROWS: part[lane][row][column of the pass] for `rows` rows.
 * Arrays are registers only if all indices are known, so loops over them are unrolled, and what
 * they depend on is part of the name. */
#define KEEP(NAME, TAKES, GATES)                                                   \
    static inline void NAME##_keep(local const product *p, REAL kept[TAKES][KEPT]) \
    {                                                                              \
        uint count = own_count(p);                                                 \
        bool any = p->unit0 < p->unit1;                                            \
        UNROLL for (uint t = 0; t < TAKES; t++)                                    \
        {                                                                          \
            global const STORED *w = column_of(p, p->unit0, GATES, t);             \
            UNROLL for (uint k = 0; k < KEPT; k++) kept[t][k] =                    \
                any && k < count ? STORED_VLOAD(w + (size_t)k * TILE_N) : (REAL)0; \
        }                                                                          \
    }

#define MULTIPLY(NAME, TAKES, GATES, HEIGHT)                                                       \
    static inline void NAME##_##HEIGHT(local const product *p, uint unit, bool use_kept,           \
                                       REAL kept[TAKES][KEPT], local const REAL *from, uint rows,  \
                                       local REAL *part)                                           \
    {                                                                                              \
        REAL acc[HEIGHT][TAKES];                                                                   \
        local const REAL *a[HEIGHT];                                                               \
        uint count = own_count(p);                                                                 \
        UNROLL for (uint i = 0; i < HEIGHT; i++)                                                   \
        {                                                                                          \
            a[i] = from + (min(i, rows - 1) * p->lanes + own_lane(p)) * p->stride;                 \
            UNROLL for (uint t = 0; t < TAKES; t++) acc[i][t] = (REAL)0;                           \
        }                                                                                          \
        if (use_kept)                                                                              \
            UNROLL for (uint k = 0; k < KEPT; k++) UNROLL for (uint i = 0; i < HEIGHT; i++)        \
                UNROLL for (uint t = 0; t < TAKES; t++) acc[i][t] =                                \
                    fma(a[i][k], kept[t][k], acc[i][t]);                                           \
        for (uint k = use_kept ? KEPT : 0; k < count; k++)                                         \
            UNROLL for (uint t = 0; t < TAKES; t++)                                                \
            {                                                                                      \
                REAL w = STORED_VLOAD(column_of(p, unit, GATES, t) + (size_t)k * TILE_N);          \
                UNROLL for (uint i = 0; i < HEIGHT; i++) acc[i][t] = fma(a[i][k], w, acc[i][t]);   \
            }                                                                                      \
        UNROLL for (uint i = 0; i < HEIGHT; i++) UNROLL for (uint t = 0; t < TAKES; t++)           \
            part[((own_lane(p) * HEIGHT + i) * TAKES + t) * p->places + own_place(p)] = acc[i][t]; \
    }

#if LANE_ROWS != 4
#error "the heights below are for LANE_ROWS 4"
#endif
/* PRODUCT(NAME, TAKES, GATES): for the rows row0..row1-1 of a, and the group's units, all sums,
 * each of which goes to EACH(n, unit, sum), sum: [GATES]. `l->rows` rows at once, 1 or LANE_ROWS.
 */
#define PRODUCT(NAME, TAKES, GATES, CONTEXT, EACH)                                               \
    KEEP(NAME, TAKES, GATES)                                                                     \
    MULTIPLY(NAME, TAKES, GATES, 1)                                                              \
    MULTIPLY(NAME, TAKES, GATES, 4)                                                              \
    static inline void NAME(CONTEXT, local const product *p, volatile global const REAL *a,      \
                            size_t stride, uint row0, uint row1, uint most_rows, bool use_kept,  \
                            REAL kept[TAKES][KEPT], local REAL *from, local REAL *part)          \
    {                                                                                            \
        const uint pass = p->places * TAKES / GATES, width = p->places * TAKES;                  \
        for (uint n = row0; n < row1; n += most_rows) {                                          \
            uint rows = min(row1 - n, most_rows), height = rows == 1 ? 1 : LANE_ROWS;            \
            bring(p, a + n * stride, stride, rows, from);                                        \
            for (uint unit = p->unit0; unit < p->unit1; unit += pass) {                          \
                uint units = min(p->unit1 - unit, pass);                                         \
                bool with_kept = use_kept && unit == p->unit0;                                   \
                if (rows == 1)                                                                   \
                    NAME##_1(p, unit, with_kept, kept, from, rows, part);                        \
                else                                                                             \
                    NAME##_4(p, unit, with_kept, kept, from, rows, part);                        \
                barrier(CLK_LOCAL_MEM_FENCE);                                                    \
                for (uint q = get_local_id(0); q < rows * units; q += WG) {                      \
                    uint i = q / units, j = q % units;                                           \
                    REAL sum[GATES];                                                             \
                    for (uint g = 0; g < GATES; g++) {                                           \
                        sum[g] = part[i * width + j * GATES + g];                                \
                        for (uint lane = 1; lane < p->lanes; lane++)                             \
                            sum[g] += part[(lane * height + i) * width + j * GATES + g];         \
                        sum[g] =                                                                 \
                            panel_scaled(sum[g], panel_of(p, unit + j, g), (unit + j) % TILE_N); \
                    }                                                                            \
                    EACH(n + i, unit + j, sum);                                                  \
                }                                                                                \
                barrier(BARRIER);                                                                \
            }                                                                                    \
        }                                                                                        \
    }

/* Of direction d, 0 or 1. Written so that every word of l that is read has a place known to the
 * compiler: else some copy all of it to slow memory first. */
static inline void pick_places(const walk_launch *l, uint d, local walk_places *at)
{
    const ulong *first = (const ulong *)&l->walks[0], *second = (const ulong *)&l->walks[1];
    const ulong mask = -(ulong)d;
    local ulong *to = (local ulong *)at;
    UNROLL for (uint i = 0; i < sizeof *at / sizeof *to; i++) to[i] =
        (first[i] & ~mask) | (second[i] & mask);
}

/* The end of a phase for the whole group, as phase_end; after a barrier. */
static inline bool group_stays(const team *m, uint group, uint phases_done, uint phases,
                               uint meetings_done, uint spins, local int *stays)
{
    if (get_local_id(0) == 0)
        *stays = phase_end(m, group, phases_done, phases, meetings_done, spins);
    barrier(BARRIER);
    return *stays;
}

/* As must_repair, for the whole group. */
static inline bool group_repairs(const team *m, bool repaired, local int *repairs)
{
    barrier(BARRIER);
    if (get_local_id(0) == 0)
        *repairs = must_repair(m, repaired);
    barrier(BARRIER);
    return *repairs;
}

/* SPDX-License-Identifier: MIT
 * cl/resident.cl - the products of the strategy for GPUs: all work-items of a group compute
 * together, and recurrent weights stay in their registers for all steps of a launch. (Diamos et
 * al., "Persistent RNNs", ICML 2016.) After cl/scan.cl, with VEC 1.
 *
 *     sum[i][column] = sum over k of a[i][k] * w[k][column]     for LANE_ROWS rows at once
 *
 * A column is one gate of one unit. The chains of a sum (cl/sums.cl) are computed side by side, in
 * LANES_OF(K) lanes: a work-item has one chain of TAKE columns, in pieces of 16 bytes
 * (cl/lanes.cl), of each of which it keeps the first KEPT; what does not fit is read again in every
 * step, neighbours reading what lies side by side. Of more than 4096 values of k there are more
 * chains than lanes, which come in rounds, one after the other:
 *
 *                places of one pass                  a: in local memory, a chain filled with zeros
 *                0    1    2    ..                   to whole pieces and `stride` wide numbers
 *     lane 0    [i0] [i1] [i2]  ..  -> i0, i1, ..
 *     lane 1    [i32][i33] ..          are work-items; those of one lane read the same four numbers
 *     ..                               of a at the same time, and multiply TAKE columns with them
 *     sum        of each column the chains in order, by the work-item that then computes its unit
 *
 * Take number t is gate t % gates of the unit t / gates * places + place of the pass. Of each chain
 * `tile` pieces of a are in local memory at once, so that it limits neither rows nor K.
 *
 * So a sum has the same bits as on CPUs, whatever the partition, the rows around it, what is kept,
 * and the tiles.
 *
 * The group has WG work-items, at least CELL_GATES of each lane. TAKE_2, KEPT_2: of the second
 * product of a step. */
#ifndef TAKE
#define TAKE 4
#endif
#ifndef KEPT
#define KEPT 4
#endif
#ifndef TAKE_2
#define TAKE_2 4
#endif
#ifndef KEPT_2
#define KEPT_2 4
#endif
#if VEC != 1
#error "resident.cl computes one unit in a work-item"
#endif
#define BARRIER (CLK_LOCAL_MEM_FENCE | CLK_GLOBAL_MEM_FENCE)

/* What is read at once: WIDTH numbers of a, 16 bytes. */
#if REAL_IS_DOUBLE
typedef double2 WIDE;
#define WIDTH               2
#define WIDE_FMA(a, b, sum) fma((a).s1, (b).s1, fma((a).s0, (b).s0, sum))
#else
typedef float4 WIDE;
#define WIDTH 4
#define WIDE_FMA(a, b, sum) \
    fma((a).s3, (b).s3, fma((a).s2, (b).s2, fma((a).s1, (b).s1, fma((a).s0, (b).s0, sum))))
#endif

/* A number of which compilers must not know where it comes from. They would widen what is kept
 * before the first step, or all of a piece at once, and keep that; or keep what product_begin
 * computes. */
static inline ALWAYS_INLINE uint opaque(uint word)
{
#if defined(__AMDGCN__)
    __asm__ volatile("" : "+v"(word));
#elif defined(__NVPTX__) || defined(__NV_CL_C_VERSION)
    __asm__ volatile("" : "+r"(word));
#endif
    return word;
}

/* Numbers i*WIDTH.. of a piece. A piece is kept as it is stored, and widened where it is
 * multiplied: it has four registers, of int8 as floats it would have 16. */
static inline ALWAYS_INLINE WIDE widened(uint4 piece, uint i)
{
#if REAL_IS_DOUBLE
    return as_double2(piece);
#elif STORAGE == 0
    return as_float4(piece);
#elif STORAGE == 1
    const uint low = opaque(i ? piece.z : piece.x), high = opaque(i ? piece.w : piece.y);
    const private half *first = (const private half *)&low, *last = (const private half *)&high;
    return (float4)(vload_half(0, first), vload_half(1, first), vload_half(0, last),
                    vload_half(1, last));
#elif STORAGE == 2
    const uint low = opaque(i ? piece.z : piece.x), high = opaque(i ? piece.w : piece.y);
    return as_float4((uint4)(low << 16, low & 0xffff0000, high << 16, high & 0xffff0000));
#else
    const uint word = i == 0 ? piece.x : i == 1 ? piece.y : i == 2 ? piece.z : piece.w;
    return convert_float4(as_char4(opaque(word)));
#endif
}

/* One product of a step, for the part of one group. */
typedef struct product {
    global const uint4 *pieces; /* [gates][chain][in_chain][units] */
    size_t gate_step;           /* from those of one gate to those of the next */
    uint K, units;
    uint unit0, unit1;   /* the group's units */
    uint chain, chains;  /* numbers in one; of a sum */
    uint lanes;          /* chains that are computed side by side */
    uint in_chain, tile; /* pieces of a chain; of these in local memory at once */
    uint filled;         /* numbers of a chain there, with zeros behind them if more are kept */
    uint stride;         /* from lane to lane there, in WIDE: odd, so that lanes differ in banks */
    uint places;         /* work-items that have the same lane */
} product;

/* A number that all work-items know, as a scalar: AMD's compiler takes what comes from local memory
 * for different ones, and keeps it, and what depends on it, in vectors. */
#ifdef __AMDGCN__
#define UNIFORM(number) ((uint)__builtin_amdgcn_readfirstlane((int)(number)))
#else
#define UNIFORM(number) (number)
#endif

/* For compilers that read ahead until no register is left, or unroll what must not be. */
#define ONCE _Pragma("nounroll")
#if defined(__AMDGCN__) || defined(__NVPTX__) || defined(__NV_CL_C_VERSION)
#define NO_READ_AHEAD __asm__ volatile("" ::: "memory")
#else
#define NO_READ_AHEAD
#endif

#define OF(p, member) UNIFORM((p)->member)

/* panels: of op(B) [K,units], of each gate. kept: pieces of a column; tile: as many, or more. */
static inline ALWAYS_INLINE void product_begin(local product *p, global const STORED *panels,
                                               uint units, uint K, uint unit_part, uint unit_parts,
                                               uint kept, uint tile)
{
    uint unit0;
    K = opaque(K);
    p->pieces = (global const uint4 *)panels;
    p->K = K;
    p->units = units;
    p->unit1 = part_range(units, unit_part, unit_parts, &unit0);
    p->unit0 = unit0;
    p->chain = CHAIN_OF(K);
    p->chains = CHAINS_OF(K);
    p->lanes = LANES_OF(K);
    p->in_chain = PIECES_OF(K, PIECE);
    p->tile = min(p->in_chain, tile);
    p->filled = max(p->tile, kept) * PIECE;
    p->stride = p->filled / WIDTH | 1;
    p->places = WG / p->lanes;
    p->gate_step = (STORAGE == 3 ? LANES_HEAD(units) : 0) + (size_t)p->chains * p->in_chain * units;
}

/* The work-item's lane, and its place among those that have the same one; whether it is left over
 * when all lanes have as many. */
static inline ALWAYS_INLINE uint own_lane(local const product *p)
{
    return min((uint)get_local_id(0) / OF(p, places), OF(p, lanes) - 1);
}

static inline ALWAYS_INLINE bool is_left_over(local const product *p)
{
    return get_local_id(0) >= OF(p, places) * OF(p, lanes);
}

static inline ALWAYS_INLINE uint own_place(local const product *p)
{
    return get_local_id(0) % OF(p, places);
}

/* Where the next of a work-item's numbers is: those of a row, then those of the next one. */
static inline ALWAYS_INLINE void go_on(local const product *p, uint *row, uint *i)
{
    const uint next = *i + OF(p, places);
    const bool is_last = next >= OF(p, filled);
    *i = is_last ? own_place(p) : next;
    *row += is_last;
}

/* From a ([rows], `stride` apart, written by other groups too, but before the last fence_device) to
 * local memory: of each lane's chain of the round the numbers from piece `first` on, filled up with
 * NOTHING. So many of them are on their way at once: a GPU waits for one for some hundred clocks,
 * and for each that is volatile or under a condition before it asks for the next. */
static inline ALWAYS_INLINE void bring(local const product *p, global const REAL *a, size_t stride,
                                       uint rows, uint round, uint first, local WIDE *from)
{
    const uint lane = own_lane(p), k0 = (round * OF(p, lanes) + lane) * OF(p, chain);
    local REAL *to = (local REAL *)(from + lane * OF(p, stride));
    const uint end = is_left_over(p) || own_place(p) >= OF(p, filled) ? 0 : rows;
    uint row = 0, i = own_place(p);
    while (row < end) {
        REAL some[LANE_BROUGHT];
        uint asked_row = row, asked = i;
        UNROLL for (uint j = 0; j < LANE_BROUGHT; j++)
        {
            some[j] = a[min(asked_row, rows - 1) * stride +
                        min(k0 + first * PIECE + asked, OF(p, K) - 1)];
            go_on(p, &asked_row, &asked);
        }
        NO_READ_AHEAD; /* nor behind the conditions below */
        UNROLL for (uint j = 0; j < LANE_BROUGHT; j++)
        {
            const uint in = first * PIECE + i;
            if (row < end)
                to[row * OF(p, lanes) * OF(p, stride) * WIDTH + i] =
                    in < OF(p, chain) && k0 + in < OF(p, K) ? some[j] : NOTHING;
            go_on(p, &row, &i);
        }
    }
    barrier(BARRIER);
}

/* The unit of the work-item's column number `take` in the pass that begins with `unit`, of `gates`
 * gates each, or some other one if there is none. */
static inline ALWAYS_INLINE uint unit_of(local const product *p, uint unit, uint gates, uint take)
{
    return min(unit + take / gates * OF(p, places) + own_place(p), OF(p, unit1) - 1);
}

/* The pieces of that column: those of the work-item's chain of the round, or of the last one if it
 * has none, `units` apart. */
static inline ALWAYS_INLINE global const uint4 *column_of(local const product *p, uint unit,
                                                          uint round, uint gates, uint take)
{
    const uint chain = min(round * OF(p, lanes) + own_lane(p), OF(p, chains) - 1);
    return p->pieces + take % gates * p->gate_step + (STORAGE == 3 ? LANES_HEAD(OF(p, units)) : 0) +
           (size_t)chain * OF(p, in_chain) * OF(p, units) + unit_of(p, unit, gates, take);
}

/* The scale of its weights. */
static inline ALWAYS_INLINE REAL lanes_scale(local const product *p, uint unit, uint gates,
                                             uint take)
{
#if STORAGE == 3
    return ((global const float *)(p->pieces +
                                   take % gates * p->gate_step))[unit_of(p, unit, gates, take)];
#else
    return (REAL)1;
#endif
}

static inline ALWAYS_INLINE REAL lanes_scaled(REAL part, REAL scale)
{
#if STORAGE == 3
    return part * scale;
#else
    return part;
#endif
}

/* Where a group is in its phases: what one work-item looks up for all. A group comes to a phase
 * between two barriers, and does the phase before the next: so there are four to a phase of one
 * block of rows, with those around the work-item that waits for other groups. */
typedef struct progress {
    uint phase, group;
    bool missing; /* there is something to do */
    bool begun;   /* this is a phase, not the beginning */
    bool stays;
} progress;

static inline ALWAYS_INLINE void begin_phases(local progress *now)
{
    now->missing = now->begun = false;
    now->stays = true;
}

/* One work-item: the end of a phase, as phase_end, and the next one, of `phases`. barriers_done: of
 * this phase. False: there is nothing missing of it. */
static inline ALWAYS_INLINE bool next_phase(local progress *now, const team *m, bool fallback,
                                            uint phases, uint barriers_done)
{
    if (!now->begun) {
        now->phase = 0;
        now->group = first_group(m, fallback);
        now->begun = true;
    } else {
        if (!fallback)
            now->stays = phase_end(m, now->group, now->phase + 1, phases, barriers_done,
                                   now->phase == 0 ? m->first_spins : m->most_spins);
        if (++now->group == groups_end(m, fallback)) {
            now->group = first_group(m, fallback);
            now->phase++;
        }
        now->stays = now->stays && now->phase < phases;
    }
    now->missing = now->stays && is_missing(m, fallback, now->group, now->phase);
    return now->missing;
}

/* As must_fall_back, for the whole group. */
static inline ALWAYS_INLINE bool group_falls_back(const team *m, bool fell_back,
                                                  local int *fallbacks)
{
    barrier(BARRIER);
    if (get_local_id(0) == 0)
        *fallbacks = must_fall_back(m, fell_back);
    barrier(BARRIER);
    return UNIFORM(*fallbacks);
}

/* SPDX-License-Identifier: MIT
 * cl/resident.cl - the products of the strategy for GPUs: all work-items of a group compute
 * together, and recurrent weights stay in their registers for all steps of a launch. (Diamos et
 * al., "Persistent RNNs", ICML 2016.) After cl/scan.cl, with VEC 1.
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
 * bits whatever the partition, the rows around it, and what is kept.
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

/* One product of a step, for the part of one group. */
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
                                 uint K, uint unit_part, uint unit_parts)
{
    uint unit0;
    p->panels = panels;
    p->gate_step = (size_t)((columns + TILE_N - 1) / TILE_N) * PANEL_ROWS(K) * TILE_N;
    p->K = K;
    p->unit1 = part_range(columns, unit_part, unit_parts, &unit0);
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

/* The end of a phase for the whole group, as phase_end; after a barrier. */
static inline bool group_stays(const team *m, uint group, uint phases_done, uint phases,
                               uint barriers_done, uint spins, local int *stays)
{
    if (get_local_id(0) == 0)
        *stays = phase_end(m, group, phases_done, phases, barriers_done, spins);
    barrier(BARRIER);
    return *stays;
}

/* As must_fall_back, for the whole group. */
static inline bool group_falls_back(const team *m, bool fell_back, local int *fallbacks)
{
    barrier(BARRIER);
    if (get_local_id(0) == 0)
        *fallbacks = must_fall_back(m, fell_back);
    barrier(BARRIER);
    return *fallbacks;
}

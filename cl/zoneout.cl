/* SPDX-License-Identifier: MIT
 * cl/zoneout.cl - zoneout (Krueger et al. 2017) of VEC units, for OPTION_ZONEOUT and
 * OPTION_ZONE_CELL. After cl/philox.cl and cl/activation.cl, before the cell.
 *
 * From the old state and what the cell has made of it, h~ (and so of c; h~ is of c~, not of c):
 *     h_t = k*h_{t-1} + (1-k)*h~          k: 0 or 1, drawn (clr_zoneout_keeps of
 *     dh~ = (1-k)*dh     dh_{t-1} += k*dh    host/base/philox.h), or without training a probability
 *
 * Saved for backward, with OPTION_ZONE_CELL: c~.  Proven by: tests/layer against
 * host/reference/zoneout.c. */

static inline REAL zone_drawn(const cell_values *v, bool cell_state, uint n, uint t, uint unit)
{
    const uint2 key = (uint2)((uint)v->zone_key, (uint)(v->zone_key >> 32));
    const uint of_cell = cell_state ? 0x80000000u : 0, word = unit % 4;
    const uint4 bits = philox(key, (uint4)(unit / 4 | of_cell, n, t, v->zone_index));
    const uint own = word == 0 ? bits.x : word == 1 ? bits.y : word == 2 ? bits.z : bits.w;
    const REAL p = cell_state ? v->zone_cell : v->zone;
    return uniform(own) < p ? (REAL)1 : (REAL)0;
}

/* k of units j.. of row n in step t. */
static inline APART REALV zone_kept(const cell_values *v, bool cell_state, uint n, uint t, uint j)
{
    REALV kept = (REALV)(cell_state ? v->zone_cell : v->zone);
#if VEC == 1
    if (v->zone_drawn)
        kept = zone_drawn(v, cell_state, n, t, j);
#else
    union {
        REALV all;
        REAL each[VEC];
    } drawn;
    if (v->zone_drawn) {
        for (uint i = 0; i < VEC; i++)
            drawn.each[i] = zone_drawn(v, cell_state, n, t, j + i);
        kept = drawn.all;
    }
#endif
    return kept;
}

/* Selected where k is 0 or 1: what is left out may be NaN. */
static inline REALV zone_mixed(REALV k, REALV old, REALV fresh)
{
    const REALV mixed = k * old + ((REALV)1 - k) * fresh;
    return k == (REALV)0 ? fresh : k == (REALV)1 ? old : mixed;
}

static inline REALV zone_fresh_back(REALV k, REALV d)
{
    return zone_mixed(k, (REALV)0, d);
}

static inline REALV zone_old_back(REALV k, REALV d)
{
    return zone_mixed(k, d, (REALV)0);
}

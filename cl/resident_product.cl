/* SPDX-License-Identifier: MIT
 * cl/resident_product.cl - template: the product NAME of a step, TAKES columns to a work-item,
 * GATES columns to a unit; the sums of a unit go to EACH, with n, unit and sum [GATES] in sight.
 * After cl/resident.cl.
 *
 * Arrays are registers only if all indices are known, so loops over them are unrolled, and what
 * they depend on is part of the name. */

/* Load what a work-item keeps of its columns in the first pass. */
static inline void CLR_PASTE(NAME, _keep)(local const product *p, REAL kept[TAKES][KEPT])
{
    uint count = own_count(p);
    bool any = p->unit0 < p->unit1;
    UNROLL for (uint t = 0; t < TAKES; t++)
    {
        global const STORED *w = column_of(p, p->unit0, GATES, t);
        UNROLL for (uint k = 0; k < KEPT; k++) kept[t][k] =
            any && k < count ? STORED_VLOAD(w + (size_t)k * TILE_N) : (REAL)0;
    }
}

#define HEIGHT 1
#include "resident_rows.cl"
#define HEIGHT 4
#include "resident_rows.cl"
#if LANE_ROWS != 4
#error "the heights above are for LANE_ROWS 4"
#endif

/* For the rows row0..row1-1 of a ([N,K], `stride` apart), `most_rows` at once, 1 or LANE_ROWS, and
 * the group's units: all sums. */
static inline ALWAYS_INLINE void NAME(local const scan *w, local const scan_step *s,
                                      local const product *p, volatile global const REAL *a,
                                      size_t stride, uint row0, uint row1, uint most_rows,
                                      bool use_kept, REAL kept[TAKES][KEPT], local REAL *from,
                                      local REAL *part)
{
    const uint pass = p->places * TAKES / (GATES), width = p->places * TAKES;
    for (uint n0 = row0; n0 < row1; n0 += most_rows) {
        uint rows = min(row1 - n0, most_rows), height = rows == 1 ? 1 : LANE_ROWS;
        bring(p, a + n0 * stride, stride, rows, from);
        for (uint unit0 = p->unit0; unit0 < p->unit1; unit0 += pass) {
            uint units = min(p->unit1 - unit0, pass);
            bool with_kept = use_kept && unit0 == p->unit0;
            if (rows == 1)
                CLR_PASTE(NAME, _1)(p, unit0, with_kept, kept, from, rows, part);
            else
                CLR_PASTE(NAME, _4)(p, unit0, with_kept, kept, from, rows, part);
            barrier(CLK_LOCAL_MEM_FENCE);
            for (uint q = get_local_id(0); q < rows * units; q += WG) {
                uint i = q / units, j = q % units, n = n0 + i, unit = unit0 + j;
                REAL sum[GATES];
                for (uint g = 0; g < (GATES); g++) {
                    sum[g] = part[i * width + j * (GATES) + g];
                    for (uint lane = 1; lane < p->lanes; lane++)
                        sum[g] += part[(lane * height + i) * width + j * (GATES) + g];
                    sum[g] = panel_scaled(sum[g], panel_of(p, unit, g), unit % TILE_N);
                }
                EACH;
            }
            barrier(BARRIER);
        }
    }
}
#undef NAME
#undef TAKES
#undef GATES
#undef EACH

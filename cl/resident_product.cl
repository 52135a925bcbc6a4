/* SPDX-License-Identifier: MIT
 * cl/resident_product.cl - template: the product NAME of a step, TAKES columns to a work-item, of
 * each of which it keeps KEEPS pieces, GATES columns to a unit; the sums of a unit go to EACH, with
 * n, unit and sum [GATES] in sight. After cl/resident.cl.
 *
 * Arrays are registers only if all indices are known, so loops over them are unrolled, and what
 * they depend on is part of the name. */

/* Load what a work-item keeps of its columns in the first pass. */
static inline ALWAYS_INLINE void CLR_PASTE(NAME, _keep)(local const product *p,
                                                        uint4 kept[TAKES][KEEPS])
{
    bool any = OF(p, unit0) < OF(p, unit1);
    UNROLL for (uint t = 0; t < TAKES; t++)
    {
        global const uint4 *w = column_of(p, OF(p, unit0), GATES, t);
        UNROLL for (uint j = 0; j < KEEPS; j++) kept[t][j] =
            any && j < OF(p, in_lane) ? w[(size_t)j * OF(p, units)] : (uint4)0;
    }
}

#define HEIGHT 1
#include "resident_rows.cl"
#define HEIGHT 4
#include "resident_rows.cl"
#if LANE_ROWS != 4
#error "the heights above are for LANE_ROWS 4"
#endif

/* For the rows row0..row1-1 of a ([N,K], `stride` apart), `most_rows` at once, LANE_ROWS or less,
 * and the group's units: all sums. part: REAL [lane][rows][place][TAKES]. */
static inline ALWAYS_INLINE void NAME(local const scan *w, local const scan_step *s,
                                      local const product *p, volatile global const REAL *a,
                                      size_t stride, uint row0, uint row1, uint most_rows,
                                      bool use_kept, const uint4 kept[TAKES][KEEPS],
                                      local WIDE *from, local WIDE *part)
{
    local REAL *const sums = (local REAL *)part;
    const uint pass = OF(p, places) * (TAKES / (GATES)), width = OF(p, places) * TAKES;
    for (uint n0 = row0; n0 < row1; n0 += most_rows) {
        const uint rows = min(row1 - n0, most_rows);
        for (uint unit0 = OF(p, unit0); unit0 < OF(p, unit1); unit0 += pass) {
            const uint units = min(OF(p, unit1) - unit0, pass);
            const bool with_kept = use_kept && unit0 == OF(p, unit0);
            REAL acc[LANE_ROWS][TAKES];
            UNROLL for (uint i = 0; i < LANE_ROWS; i++) UNROLL for (uint t = 0; t < TAKES; t++)
                acc[i][t] = (REAL)0;
            for (uint first = 0; first < OF(p, in_lane); first += OF(p, tile)) {
                const uint last = min(first + OF(p, tile), OF(p, in_lane));
                if (first > 0 || (unit0 > OF(p, unit0) && OF(p, tile) == OF(p, in_lane)))
                    barrier(CLK_LOCAL_MEM_FENCE); /* all have read what is there */
                if (unit0 == OF(p, unit0) || OF(p, tile) < OF(p, in_lane))
                    bring(p, a + n0 * stride, stride, rows, first, from);
                if (rows == 1)
                    CLR_PASTE(NAME, _1)(p, unit0, first, last, with_kept, kept, from, rows, acc);
                else
                    CLR_PASTE(NAME, _4)(p, unit0, first, last, with_kept, kept, from, rows, acc);
            }
            UNROLL for (uint i = 0; i < LANE_ROWS; i++) if (i < rows)
                UNROLL for (uint t = 0; t < TAKES; t++)
                    sums[((own_lane(p) * rows + i) * OF(p, places) + own_place(p)) * TAKES + t] =
                        acc[i][t];
            barrier(CLK_LOCAL_MEM_FENCE);
            for (uint q = get_local_id(0); q < rows * units; q += WG) {
                const uint i = q / units, j = q % units, n = n0 + i, unit = unit0 + j;
                local const REAL *of_unit = sums + (i * OF(p, places) + j % OF(p, places)) * TAKES +
                                            j / OF(p, places) * (GATES);
                REAL sum[GATES];
                UNROLL for (uint g = 0; g < (GATES); g++) sum[g] = of_unit[g];
                for (uint lane = 1; lane < OF(p, lanes); lane++)
                    UNROLL for (uint g = 0; g < (GATES); g++) sum[g] +=
                        of_unit[lane * rows * width + g];
                UNROLL for (uint g = 0; g < (GATES); g++) sum[g] = lanes_scaled(p, sum[g], unit, g);
                EACH;
            }
        }
    }
}
#undef NAME
#undef TAKES
#undef KEEPS
#undef GATES
#undef EACH

/* SPDX-License-Identifier: MIT
 * cl/resident_product.cl - template: the product NAME of a step, TAKES columns to a work-item, of
 * each of which it keeps KEEPS pieces, GATES columns to a unit; the sums of a unit go to EACH, with
 * n, unit and sum [GATES] in sight. They begin with START, with n and unit in sight, if there
 * is one. After cl/resident.cl.
 *
 * Arrays are registers only if all indices are known, so loops over them are unrolled, and what
 * they depend on is part of the name. */

#ifdef START
#define BEGIN (START)
#else
#define BEGIN NOTHING
#endif

/* Load what a work-item keeps of its columns in the first pass. */
static inline ALWAYS_INLINE void CLR_PASTE(NAME, _keep)(local const product *p,
                                                        uint4 kept[TAKES][KEEPS])
{
    bool any = OF(p, unit0) < OF(p, unit1);
    UNROLL for (uint t = 0; t < TAKES; t++)
    {
        global const uint4 *w = column_of(p, OF(p, unit0), 0, GATES, t);
        UNROLL for (uint j = 0; j < KEEPS; j++) kept[t][j] =
            any && j < OF(p, in_chain) ? w[(size_t)j * OF(p, units)] : (uint4)0;
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
                                      local const product *p, global const REAL *a, size_t stride,
                                      uint row0, uint row1, uint most_rows, bool use_kept,
                                      const uint4 kept[TAKES][KEEPS], local WIDE *from,
                                      local WIDE *part)
{
    local REAL *const sums = (local REAL *)part;
    const uint pass = OF(p, places) * (TAKES / (GATES)), width = OF(p, places) * TAKES;
    const uint rounds = ROUNDS_OF(OF(p, K));
    const bool all_there = OF(p, tile) == OF(p, in_chain) && rounds == 1;
    for (uint n0 = row0; n0 < row1; n0 += most_rows) {
        const uint rows = min(row1 - n0, most_rows);
        for (uint unit0 = OF(p, unit0); unit0 < OF(p, unit1); unit0 += pass) {
            const uint units = min(OF(p, unit1) - unit0, pass);
            for (uint round = 0; round < rounds; round++) {
                const uint lanes = min(OF(p, chains) - round * OF(p, lanes), OF(p, lanes));
                const bool with_kept = use_kept && round == 0 && unit0 == OF(p, unit0);
                REAL acc[LANE_ROWS][TAKES];
                UNROLL for (uint i = 0; i < LANE_ROWS; i++) UNROLL for (uint t = 0; t < TAKES; t++)
                    acc[i][t] = (REAL)0;
                for (uint first = 0; first < OF(p, in_chain); first += OF(p, tile)) {
                    const uint last = min(first + OF(p, tile), OF(p, in_chain));
                    if (first > 0 || (unit0 > OF(p, unit0) && all_there))
                        barrier(CLK_LOCAL_MEM_FENCE); /* all have read what is there */
                    if (unit0 == OF(p, unit0) || !all_there)
                        bring(p, a + n0 * stride, stride, rows, round, first, from);
                    if (rows == 1)
                        CLR_PASTE(NAME, _1)
                    (p, unit0, round, first, last, with_kept, kept, from, rows, acc);
                    else CLR_PASTE(NAME, _4)(p, unit0, round, first, last, with_kept, kept, from,
                                             rows, acc);
                }
                /* After a round the first lane has the sum so far. */
                UNROLL for (uint t = 0; t < TAKES; t++)
                {
                    const REAL scale = lanes_scale(p, unit0, GATES, t);
                    UNROLL for (uint i = 0; i < LANE_ROWS; i++) if (i < rows && !is_left_over(p))
                    {
                        local REAL *to =
                            sums +
                            ((own_lane(p) * rows + i) * OF(p, places) + own_place(p)) * TAKES + t;
                        const REAL before = round && own_lane(p) == 0 ? *to : NOTHING;
                        *to = before + lanes_scaled(acc[i][t], scale);
                    }
                }
                barrier(CLK_LOCAL_MEM_FENCE);
                for (uint q = get_local_id(0); q < rows * units; q += WG) {
                    const uint i = q / units, j = q % units, n = n0 + i, unit = unit0 + j;
                    local REAL *of_unit = sums + (i * OF(p, places) + j % OF(p, places)) * TAKES +
                                          j / OF(p, places) * (GATES);
                    REAL sum[GATES];
                    UNROLL for (uint g = 0; g < (GATES); g++) sum[g] = round ? NOTHING : BEGIN;
                    for (uint lane = 0; lane < lanes; lane++)
                        UNROLL for (uint g = 0; g < (GATES); g++) sum[g] +=
                            of_unit[lane * rows * width + g];
                    if (round + 1 < rounds) {
                        UNROLL for (uint g = 0; g < (GATES); g++) of_unit[g] = sum[g];
                    } else {
                        EACH;
                    }
                }
            }
        }
    }
}
#undef NAME
#undef TAKES
#undef KEEPS
#undef GATES
#undef EACH
#undef START
#undef BEGIN

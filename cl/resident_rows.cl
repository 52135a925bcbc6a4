/* SPDX-License-Identifier: MIT
 * cl/resident_rows.cl - template: HEIGHT rows of cl/resident_product.cl, which includes it. */
#define NAME_HEIGHT CLR_PASTE(CLR_PASTE(NAME, _), HEIGHT)

/* For `rows` rows <= HEIGHT: acc += a w over pieces first..last-1 of the lane's chain, where a
 * begins with the first of them. */
static inline ALWAYS_INLINE void NAME_HEIGHT(local const product *p, uint unit, uint round,
                                             uint first, uint last, bool use_kept,
                                             const uint4 kept[TAKES][KEEPS], local const WIDE *from,
                                             uint rows, REAL acc[LANE_ROWS][TAKES])
{
    local const WIDE *a[HEIGHT];
    global const uint4 *w[TAKES];
    UNROLL for (uint i = 0; i < HEIGHT; i++) a[i] =
        from + (min(i, rows - 1) * OF(p, lanes) + own_lane(p)) * OF(p, stride);
#define MULTIPLY(piece_of_take, number)                                                       \
    UNROLL for (uint v = 0; v < PIECE / WIDTH; v++)                                           \
    {                                                                                         \
        WIDE b[TAKES];                                                                        \
        UNROLL for (uint t = 0; t < TAKES; t++) b[t] = widened(piece_of_take, v);             \
        UNROLL for (uint i = 0; i < HEIGHT; i++)                                              \
        {                                                                                     \
            const WIDE x = a[i][(number) * (PIECE / WIDTH) + v];                              \
            UNROLL for (uint t = 0; t < TAKES; t++) acc[i][t] = WIDE_FMA(x, b[t], acc[i][t]); \
        }                                                                                     \
        if (HEIGHT > 1 && v + 1 < PIECE / WIDTH)                                              \
            NO_READ_AHEAD;                                                                    \
    }
    if (use_kept && first == 0)
        UNROLL for (uint j = 0; j < KEEPS; j++)
        {
            MULTIPLY(kept[t][j], j)
            if (HEIGHT > 1 || j % 2)
                NO_READ_AHEAD;
        }
    const uint begin = use_kept && first == 0 ? KEEPS : first;
    UNROLL for (uint t = 0; t < TAKES; t++) w[t] =
        column_of(p, unit, round, GATES, t) + (size_t)begin * OF(p, units);
    ONCE for (uint j = begin; j < last; j++)
    {
        uint4 piece[TAKES];
        UNROLL for (uint t = 0; t < TAKES; t++)
        {
            piece[t] = *w[t];
            w[t] += OF(p, units);
        }
        MULTIPLY(piece[t], j - first)
    }
#undef MULTIPLY
}
#undef NAME_HEIGHT
#undef HEIGHT

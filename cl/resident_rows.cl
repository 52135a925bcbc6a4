/* SPDX-License-Identifier: MIT
 * cl/resident_rows.cl - template: HEIGHT rows of cl/resident_product.cl, which includes it. */
#define NAME_HEIGHT CLR_PASTE(CLR_PASTE(NAME, _), HEIGHT)

/* part[lane][row][column of the pass] for `rows` rows <= HEIGHT. */
static inline void NAME_HEIGHT(local const product *p, uint unit, bool use_kept,
                               REAL kept[TAKES][KEPT], local const REAL *from, uint rows,
                               local REAL *part)
{
    REAL acc[HEIGHT][TAKES];
    local const REAL *a[HEIGHT];
    uint count = own_count(p);
    UNROLL for (uint i = 0; i < HEIGHT; i++)
    {
        a[i] = from + (min(i, rows - 1) * p->lanes + own_lane(p)) * p->stride;
        UNROLL for (uint t = 0; t < TAKES; t++) acc[i][t] = (REAL)0;
    }
    if (use_kept)
        UNROLL for (uint k = 0; k < KEPT; k++) UNROLL for (uint i = 0; i < HEIGHT; i++)
            UNROLL for (uint t = 0; t < TAKES; t++) acc[i][t] = fma(a[i][k], kept[t][k], acc[i][t]);
    for (uint k = use_kept ? KEPT : 0; k < count; k++)
        UNROLL for (uint t = 0; t < TAKES; t++)
        {
            REAL w = STORED_VLOAD(column_of(p, unit, GATES, t) + (size_t)k * TILE_N);
            UNROLL for (uint i = 0; i < HEIGHT; i++) acc[i][t] = fma(a[i][k], w, acc[i][t]);
        }
    UNROLL for (uint i = 0; i < HEIGHT; i++) UNROLL for (uint t = 0; t < TAKES; t++)
        part[((own_lane(p) * HEIGHT + i) * TAKES + t) * p->places + own_place(p)] = acc[i][t];
}
#undef NAME_HEIGHT
#undef HEIGHT

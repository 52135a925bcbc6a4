/* SPDX-License-Identifier: MIT
 * cl/fused_product.cl - template: a product NAME of a step, GATES columns to a unit, and what
 * becomes of its sums: EACH, with n, unit and sum [GATES] in sight. The sums begin with START, with
 * n and unit in sight, if there is one. After cl/fused.cl. */
/* Units of a work-item. */
#define BLOCKS ((GATES) == 1 ? COLUMNS : (GATES) == 2 ? COLUMNS / 2 : 1)
#define WIDTH  ((GATES)*BLOCKS)

/* Numbers k.. of the rows and columns of a tile, for the work-item; of what is not there others,
 * which nobody uses. */
static inline void CLR_PASTE(NAME, _bring)(const fused_product *p, uint k, REAL *a, REAL4 *b)
{
    const uint item = (uint)get_local_id(0);
    UNROLL for (uint i = 0; i < ROWS_ITEM; i++)
    {
        const uint at = item + i * ITEMS;
        const uint row = min(p->row0 + at / DEPTH, p->N - 1), of = min(k + at % DEPTH, p->K - 1);
        a[i] = p->a[row * p->stride + of];
    }
    const uint of = min(k + item / SIDE, p->K - 1);
    REAL w[COLUMNS] = {0};
    UNROLL for (uint c = 0; c < WIDTH; c++) w[c] =
        STORED_VLOAD(fused_panel(p, c % (GATES), p->unit0 / SIDE + c / (GATES)) +
                     (size_t)(PANEL_HEAD + of) * TILE_N + item % SIDE);
    *b = (REAL4)(w[0], w[1], w[2], w[3]);
}

/* To local memory. */
static inline void CLR_PASTE(NAME, _put)(local REAL4 *tile, const REAL *a, REAL4 b)
{
    const uint item = (uint)get_local_id(0);
    local REAL *rows = (local REAL *)tile;
    UNROLL for (uint i = 0; i < ROWS_ITEM; i++)
    {
        const uint at = item + i * ITEMS;
        rows[at % DEPTH * LINE + at / DEPTH] = a[i];
    }
    tile[DEPTH * (LINE / 4) + item] = b;
}

static inline void CLR_PASTE(NAME, _add)(local const REAL4 *tile, uint count, REAL (*acc)[WIDTH])
{
    const uint x = (uint)get_local_id(0) % SIDE, y = (uint)get_local_id(0) / SIDE;
    for (uint k = 0; k < count; k++) {
        const REAL4 b4 = tile[DEPTH * (LINE / 4) + k * SIDE + x];
        const REAL b[COLUMNS] = {b4.s0, b4.s1, b4.s2, b4.s3};
        local const REAL *rows = (local const REAL *)tile + k * LINE + y * ROWS_ITEM;
        UNROLL for (uint i = 0; i < ROWS_ITEM; i += COLUMNS)
        {
#if ROWS_ITEM < 4
            const REAL a[COLUMNS] = {rows[0], rows[ROWS_ITEM - 1], (REAL)0, (REAL)0};
#else
            const REAL4 a4 = *(local const REAL4 *)(rows + i);
            const REAL a[COLUMNS] = {a4.s0, a4.s1, a4.s2, a4.s3};
#endif
            UNROLL for (uint r = 0; r < COLUMNS; r++)
                UNROLL for (uint c = 0; c < WIDTH; c++) if (i + r < ROWS_ITEM) acc[i + r][c] =
                    fma(a[r], b[c], acc[i + r][c]);
        }
    }
}

/* The rest, for the whole group; group_x: which of the direction. (No barrier stands under a
 * condition, not even one that a whole group meets: PoCL 3.1 then lets its first work-item answer
 * the conditions that follow for all of them.) */
static inline void NAME(const scan *w, const scan_step *s, fused_product *p, uint group_x,
                        local REAL4 *tile)
{
    const uint x = (uint)get_local_id(0) % SIDE, y = (uint)get_local_id(0) / SIDE;
    REAL sums[ROWS_ITEM][WIDTH], acc[ROWS_ITEM][WIDTH], a[ROWS_ITEM];
    REAL4 b;
    p->unit0 = group_x * (SIDE * BLOCKS);
    UNROLL for (uint i = 0; i < ROWS_ITEM; i++) UNROLL for (uint c = 0; c < WIDTH; c++)
    {
        acc[i][c] = (REAL)0;
        sums[i][c] = NOTHING;
#ifdef START
        const uint n = p->row0 + y * ROWS_ITEM + i, unit = p->unit0 + c * SIDE + x;
        if (n < p->N && unit < p->units)
            sums[i][c] = START;
#endif
    }
    CLR_PASTE(NAME, _bring)(p, 0, a, &b);
    CLR_PASTE(NAME, _put)(tile, a, b);
    barrier(CLK_LOCAL_MEM_FENCE);

    const uint chain = CHAIN_OF(p->K);
    uint k = 0, side = 0;
    do {
        const uint count = min(p->K - k, (uint)DEPTH);
        const bool more = p->K - k > DEPTH;
        if (more)
            CLR_PASTE(NAME, _bring)(p, k + DEPTH, a, &b);
        if (count == DEPTH)
            CLR_PASTE(NAME, _add)(tile + side, DEPTH, acc);
        else
            CLR_PASTE(NAME, _add)(tile + side, count, acc);
        if (!more || (k + DEPTH) % chain == 0) {
            UNROLL for (uint i = 0; i < ROWS_ITEM; i++) UNROLL for (uint c = 0; c < WIDTH; c++)
            {
                sums[i][c] += panel_scaled(
                    acc[i][c], fused_panel(p, c % (GATES), p->unit0 / SIDE + c / (GATES)), x);
                acc[i][c] = (REAL)0;
            }
        }
        if (more)
            CLR_PASTE(NAME, _put)(tile + (TILE_4 - side), a, b);
        barrier(CLK_LOCAL_MEM_FENCE);
        k += DEPTH;
        side = TILE_4 - side;
    } while (k < p->K);
    /* What follows is compiled once, and not for each register of sums. */
    local REAL *own = (local REAL *)tile + get_local_id(0);
    UNROLL for (uint i = 0; i < ROWS_ITEM; i++) UNROLL for (uint c = 0; c < WIDTH; c++)
        own[(i * WIDTH + c) * ITEMS] = sums[i][c];
    for (uint i = 0; i < ROWS_ITEM * BLOCKS; i++, own += (GATES)*ITEMS) {
        const uint n = p->row0 + y * ROWS_ITEM + i / BLOCKS;
        const uint unit = p->unit0 + i % BLOCKS * SIDE + x;
        REAL sum[GATES];
        UNROLL for (uint g = 0; g < (GATES); g++) sum[g] = own[g * ITEMS];
        if (n < p->N && unit < p->units) {
            EACH;
        }
    }
}
#undef NAME
#undef GATES
#undef EACH
#undef START
#undef BLOCKS
#undef WIDTH

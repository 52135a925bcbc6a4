/* SPDX-License-Identifier: MIT
 * cl/conv_tile.cl - template: HEIGHT units by TILE_N windows of cl/conv.cl, which includes it. */
#ifndef CLR_CONV_PLACE
#define CLR_CONV_PLACE
typedef struct conv_place {
    size_t a_stride, y_stride;        /* between units */
    uint rows, columns, count, chain; /* units, windows; k, and in a chain */
    bool add, has_bias;               /* to what is there; at the end */
    conv_end end;
    conv_runs runs;
} conv_place;
#endif

/* acc = a times what is at x + at[k], for `count` values of k. */
static inline void CLR_PASTE(conv_block_, HEIGHT)(global const REAL *a, const size_t row[HEIGHT],
                                                  global const REAL *x, const ulong *at, uint count,
                                                  REALV acc[HEIGHT][TILE_V])
{
    UNROLL for (int i = 0; i < HEIGHT; i++) UNROLL for (int j = 0; j < TILE_V; j++) acc[i][j] =
        (REALV)0;
    for (uint k = 0; k < count; k++, a++) {
        REALV b[TILE_V];
        UNROLL for (int j = 0; j < TILE_V; j++) b[j] = GLOBAL_LOAD(x + at[k] + j * VEC);
        UNROLL for (int i = 0; i < HEIGHT; i++)
        {
            REALV ai = (REALV)a[row[i]];
            UNROLL for (int j = 0; j < TILE_V; j++) acc[i][j] = fma(ai, b[j], acc[i][j]);
        }
    }
}

/* y (+)= that of all k, in the order of cl/sums.cl. Rows past the last repeat it. */
static inline void CLR_PASTE(conv_tile_, HEIGHT)(global const REAL *a, global const REAL *x,
                                                 const ulong *at, global const REAL *bias,
                                                 global REAL *y, const conv_place *p)
{
    REALV sum[HEIGHT][TILE_V];
    size_t row[HEIGHT];
    UNROLL for (int i = 0; i < HEIGHT; i++) row[i] = min((uint)i, p->rows - 1) * p->a_stride;
    UNROLL for (int i = 0; i < HEIGHT; i++)
    {
        UNROLL for (int j = 0; j < TILE_V; j++) sum[i][j] = (REALV)NOTHING;
        if (p->add && (uint)i < p->rows)
            conv_load(y + i * p->y_stride, &p->runs, p->columns, sum[i]);
    }
    for (uint k = 0; k < p->count; k += p->chain) {
        REALV next[HEIGHT][TILE_V];
        CLR_PASTE(conv_block_, HEIGHT)
        (a + k, row, x, at + k, min(p->count - k, p->chain), next);
        UNROLL for (int i = 0; i < HEIGHT; i++) UNROLL for (int j = 0; j < TILE_V; j++) sum[i][j] +=
            next[i][j];
    }
    UNROLL for (int i = 0; i < HEIGHT; i++)
    {
        const REALV own = (REALV)(p->has_bias && (uint)i < p->rows ? bias[i] : (REAL)0);
        UNROLL for (int j = 0; j < TILE_V; j++)
        {
            sum[i][j] += own;
            if (p->end.function == FN_RELU)
                sum[i][j] = sum[i][j] < (REALV)0 ? (REALV)0 : sum[i][j];
        }
    }
    if (p->end.function == FN_IDENTITY || p->end.function == FN_RELU) {
        UNROLL for (int i = 0; i < HEIGHT; i++) if ((uint)i < p->rows)
            conv_store(sum[i], y + i * p->y_stride, &p->runs, p->columns);
        return;
    }
    /* A copy, so that sums stay registers where nothing is bent. */
    REALV bent[HEIGHT][TILE_V];
    UNROLL for (int i = 0; i < HEIGHT; i++) UNROLL for (int j = 0; j < TILE_V; j++) bent[i][j] =
        sum[i][j];
    conv_bend(&bent[0][0], p->rows * TILE_V, &p->end);
    for (uint i = 0; i < p->rows; i++)
        conv_store(bent[i], y + i * p->y_stride, &p->runs, p->columns);
}
#undef HEIGHT

/* SPDX-License-Identifier: MIT
 * cl/persistent_row.cl - template: BLOCKS blocks of k at once for one row and several panels, for
 * cl/persistent.cl, which includes it. */

/* sum = a panel (or sum +=, after the first block) for one row and the gates
 * first_gate..last_gate-1, whose panels begin `step` apart, over BLOCKS blocks of k from k0 on,
 * each of `count` values: more chains of sums side by side hide the latency of each. The blocks are
 * added in order. */
static inline ALWAYS_INLINE void
CLR_PASTE(row_blocks_, BLOCKS)(global const REAL *a, global const STORED *panel, size_t step,
                               uint k0, uint count, const bool far, int first_gate, int last_gate,
                               REALV sum[CELL_GATES][ROWS][TILE_V])
{
    REALV acc[BLOCKS][CELL_GATES][TILE_V];
    global const STORED *from = panel + (size_t)(PANEL_HEAD + k0) * TILE_N;
    UNROLL for (int b = 0; b < BLOCKS; b++) UNROLL for (int g = 0; g < CELL_GATES; g++)
        UNROLL for (int j = 0; j < TILE_V; j++) acc[b][g][j] = (REALV)0;
    for (uint k = 0; k < count; k++)
        UNROLL for (int b = 0; b < BLOCKS; b++)
        {
            REALV ak = (REALV)a[k0 + b * TILE_K + k];
            global const STORED *row = from + (size_t)(b * TILE_K + k) * TILE_N;
            UNROLL for (int g = 0; g < CELL_GATES; g++) if (g >= first_gate && g < last_gate)
            {
                if (far)
                    fetch_ahead(row + g * step, TILE_N);
                UNROLL for (int j = 0; j < TILE_V; j++) acc[b][g][j] =
                    fma(ak, STORED_VLOAD(row + g * step + j * VEC), acc[b][g][j]);
            }
        }
    UNROLL for (int b = 0; b < BLOCKS; b++) UNROLL for (int g = 0; g < CELL_GATES; g++)
        UNROLL for (int j = 0; j < TILE_V; j++)
    {
        REALV part = panel_scaled(acc[b][g][j], panel + g * step, j * VEC);
        sum[g][0][j] = k0 + b == 0 ? part : sum[g][0][j] + part;
    }
}
#undef BLOCKS

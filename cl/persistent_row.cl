/* SPDX-License-Identifier: MIT
 * cl/persistent_row.cl - template: ABREAST chains at once for one row and several panels, for
 * cl/persistent.cl, which includes it. */

/* sum = a panel (or sum +=, after the first chain) for one row and the gates
 * first_gate..last_gate-1, whose panels begin `step` apart, over ABREAST chains from k0 on, each of
 * `count` values: more of them side by side hide the latency of each. They are added in order. */
static inline ALWAYS_INLINE void
CLR_PASTE(row_chains_, ABREAST)(global const REAL *a, global const STORED *panel, size_t step,
                                uint k0, uint count, const bool far, int first_gate, int last_gate,
                                REALV sum[CELL_GATES][ROWS][TILE_V])
{
    REALV acc[ABREAST][CELL_GATES][TILE_V];
    global const STORED *from = panel + (size_t)(PANEL_HEAD + k0) * TILE_N;
    UNROLL for (int b = 0; b < ABREAST; b++) UNROLL for (int g = 0; g < CELL_GATES; g++)
        UNROLL for (int j = 0; j < TILE_V; j++) acc[b][g][j] = (REALV)0;
    for (uint k = 0; k < count; k++)
        UNROLL for (int b = 0; b < ABREAST; b++)
        {
            REALV ak = (REALV)a[k0 + b * count + k];
            global const STORED *row = from + (size_t)(b * count + k) * TILE_N;
            UNROLL for (int g = 0; g < CELL_GATES; g++) if (g >= first_gate && g < last_gate)
            {
                if (far)
                    fetch_ahead(row + g * step, TILE_N);
                UNROLL for (int j = 0; j < TILE_V; j++) acc[b][g][j] =
                    fma(ak, STORED_VLOAD(row + g * step + j * VEC), acc[b][g][j]);
            }
        }
    UNROLL for (int b = 0; b < ABREAST; b++) UNROLL for (int g = 0; g < CELL_GATES; g++)
        UNROLL for (int j = 0; j < TILE_V; j++)
    {
        REALV part = panel_scaled(acc[b][g][j], panel + g * step, j * VEC);
        sum[g][0][j] = k0 + b == 0 ? part : sum[g][0][j] + part;
    }
}
#undef ABREAST

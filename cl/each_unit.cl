/* SPDX-License-Identifier: MIT
 * cl/each_unit.cl - template of statements: EACH for the rows i = 0..rows-1 and the vectors v of
 * panel number `panel` of UNITS units (or of whatever else lies in panels), which are the units
 * j..j+width-1. After cl/tile.cl, with `panel` and `rows` in sight.
 *
 * Of a panel that is whole, as most are, the compiler knows the width. */
if ((panel + 1) * TILE_N <= (UNITS)) {
    for (uint i = 0; i < rows; i++)
        UNROLL for (uint v = 0; v < TILE_V; v++)
        {
            const uint j = panel * TILE_N + v * VEC, width = VEC;
            EACH;
        }
} else {
    for (uint i = 0; i < rows; i++)
        for (uint v = 0; v < TILE_V && panel * TILE_N + v * VEC < (UNITS); v++) {
            const uint j = panel * TILE_N + v * VEC, width = (UNITS)-j;
            EACH;
        }
}
#undef EACH
#undef UNITS

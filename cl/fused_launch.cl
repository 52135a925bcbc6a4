/* SPDX-License-Identifier: MIT
 * cl/fused_launch.cl - how large the tiles of cl/fused.cl are: host/math/fused.h reads this file
 * too. */
#ifndef CLR_FUSED_LAUNCH
#define CLR_FUSED_LAUNCH
#define FUSED_SIDE    16 /* columns of a panel; a group has the square of it as work-items */
#define FUSED_COLUMNS 4  /* of a work-item, at most */
#define FUSED_DEPTH   FUSED_SIDE /* values of k that come at a time */

/* From one k to the next in the tile of a: no multiple of the banks of local memory. */
#define FUSED_LINE(rows) ((rows) + 4)

/* Numbers of local memory: two tiles, [DEPTH][LINE] of a, then [DEPTH][SIDE][COLUMNS] of w. */
#define FUSED_NUMBERS(rows) (2 * FUSED_DEPTH * (FUSED_LINE(rows) + FUSED_SIDE * FUSED_COLUMNS))
#endif

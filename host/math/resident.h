/* SPDX-License-Identifier: MIT
 * math/resident.h - what math/persistent.c needs for the kernels of cl/resident_*.cl. */
#ifndef CLR_MATH_RESIDENT_H
#define CLR_MATH_RESIDENT_H

#include "math/persistent.h"

/* Work-items of the largest and of the smallest group: CELL_GATES for each lane. */
enum { CLR_RESIDENT_MOST = 256, CLR_RESIDENT_LEAST = 4 * MOST_LANES };

/* Weights that a work-item of a GPU keeps in registers, in floats: as many as neither clang for
 * AMD's parts nor ptxas spills or copies (tools/offline); and where other values need registers,
 * those of a second product, of six columns, of rare options. */
enum { CLR_RESIDENT_KEPT = 128, CLR_RESIDENT_KEPT_BESIDE = 96 };

/* Units of a group, unless there are too few for one. */
enum { CLR_RESIDENT_LEAST_UNITS = 4 };

/** Columns of a work-item, TAKE of cl/resident.cl, a multiple of `gates`: four or more are
 *  multiplied with a number that is read. */
uint32_t clr_resident_take(uint32_t gates);

/**
 * Build the kernels, with as many weights in registers as kind.kept says, or as the driver finds
 * registers for; of the largest group whose local memory suffices for a row, as the kernels say
 * that have been built. p->kind.items: in, the largest wanted; out, that of the group.
 * Returns: as clr_program_get; CLRNN_ERR_UNSUPPORTED (not logged): for no group.
 */
clrnn_status clr_resident_build(clr_persistent *persistent);

/** Whether there is such a group. Builds; what is built is kept for clr_resident_build. Returns:
 *  the same. */
clrnn_status clr_resident_try(clrnn_context *context, const clr_network *network,
                              const clr_scan_kind *kind);

/** Units of a group whose weights are multiplied, and kept, at once. */
uint32_t clr_resident_units(const clr_persistent *persistent, bool back);

/* What a launch makes of local memory: how many rows are multiplied at once, LANE_ROWS at most, how
 * many pieces of each chain are there, and the bytes of the kernel's two arguments. */
typedef struct clr_resident_room {
    uint32_t rows, tile;
    size_t from_bytes, part_bytes;
} clr_resident_room;

/** As many rows, then as much of a chain as there is room for; rows 0: there is none for one. */
clr_resident_room clr_resident_room_of(const clr_persistent *persistent, bool back, uint32_t N);

#endif

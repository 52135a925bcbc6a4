/* SPDX-License-Identifier: MIT
 * math/resident.h - what math/persistent.c needs for the kernels of cl/resident_*.cl. */
#ifndef CLR_MATH_RESIDENT_H
#define CLR_MATH_RESIDENT_H

#include "math/persistent.h"

/** Build the kernel of one way through time: with as many weights in registers as kind.kept says,
 * or as the driver finds registers for. Returns: as clr_program_get. */
clrnn_status clr_resident_build(clr_persistent *persistent, bool back);

/** Units of a group whose weights are multiplied, and kept, at once. */
uint32_t clr_resident_units(const clr_persistent *persistent, bool back);

/** How many of N rows are multiplied at once: ROWS of cl/resident.cl, or 1. */
uint32_t clr_resident_rows(const clr_persistent *persistent, uint32_t N);

#endif

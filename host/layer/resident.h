/* SPDX-License-Identifier: MIT
 * layer/resident.h - what tests change in the state of the strategy resident. */
#ifndef CLR_LAYER_RESIDENT_H
#define CLR_LAYER_RESIDENT_H

#include <clrnn/plan.h>

/** How many groups run at the same time, as the plan has found. */
uint32_t *clr_co_resident_groups(clrnn_plan *plan);

#endif

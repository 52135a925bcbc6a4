/* SPDX-License-Identifier: MIT
 * layer/cost.h - which strategy a GPU should be the faster with: the rule of `auto`, counted. */
#ifndef CLR_LAYER_COST_H
#define CLR_LAYER_COST_H

#include <stdbool.h>

#include "shape/network.h"

/** Whether a step of `rows` rows takes resident less time than fused, on a GPU with so many compute
 *  units. tools/roofline prints both, for GPUs whose limits it knows. */
bool clr_resident_is_faster(const clr_network *network, uint32_t compute_units, uint32_t rows);

#endif

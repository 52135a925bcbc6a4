/* SPDX-License-Identifier: MIT
 * layer/index_range.h - whether the products of a plan reach all of their operands. */
#ifndef CLR_LAYER_INDEX_RANGE_H
#define CLR_LAYER_INDEX_RANGE_H

#include "layer/plan.h"
#include "shape/layout.h"

/** Whether they do at its largest T and N, for which `layout` is; where the caller's slices begin
 *  is not known yet. Returns: CLRNN_OK, CLRNN_ERR_RANGE (the log says what to reduce). */
clrnn_status clr_plan_check_index_range(const clrnn_plan *plan, const clr_layout *layout);

#endif

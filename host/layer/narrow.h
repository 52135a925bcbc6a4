/* SPDX-License-Identifier: MIT
 * layer/narrow.h - x and y in fewer bits; nothing where they are not. */
#ifndef CLR_LAYER_NARROW_H
#define CLR_LAYER_NARROW_H

#include "layer/pass.h"

/** Room for so many steps, in making a plan. */
clrnn_status clr_narrow_make(clrnn_plan *plan, uint32_t steps);

/** Before and after the steps begin..end-1 of a pass, in the plan's own x and y, which it is then
 *  given in place of the caller's (`wide`). */
clrnn_status clr_narrow_enter(clrnn_plan *plan, const clrnn_forward_io *io, uint32_t begin,
                              uint32_t end, clr_pass *pass, clrnn_forward_io *wide);
clrnn_status clr_narrow_leave(clrnn_plan *plan, const clrnn_forward_io *io, uint32_t begin,
                              uint32_t end, const clr_pass *pass);

#endif

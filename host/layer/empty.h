/* SPDX-License-Identifier: MIT
 * layer/empty.h - passes without steps or rows: states, and their gradients, go through. */
#ifndef CLR_LAYER_EMPTY_H
#define CLR_LAYER_EMPTY_H

#include "layer/plan.h"

/** Whether a pass has no steps or no rows (CLRNN_NONE). */
bool clr_is_empty(uint32_t steps, uint32_t batch);

/** clrnn_forward and clrnn_backward of such a pass. */
clrnn_status clr_empty_forward(clrnn_plan *plan, const clrnn_forward_io *io, cl_event *done);
clrnn_status clr_empty_backward(clrnn_plan *plan, const clrnn_backward_io *io, cl_event *done);

/** The same in host memory; nothing is enqueued. */
clrnn_status clr_empty_forward_host(clrnn_plan *plan, const clrnn_host_io *io);
clrnn_status clr_empty_backward_host(clrnn_plan *plan, const clrnn_host_io *io);

#endif

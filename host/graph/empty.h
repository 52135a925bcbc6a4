/* SPDX-License-Identifier: MIT
 * graph/empty.h - passes without rows or without steps. */
#ifndef CLR_GRAPH_EMPTY_H
#define CLR_GRAPH_EMPTY_H

#include <clrnn/graph_plan.h>

/** Whether a pass of so many has nothing to compute. */
bool clr_graph_is_empty(uint32_t steps, uint32_t batch);

/** Such a pass: nothing is read or written. Returns: as clrnn_graph_plan_forward. */
clrnn_status clr_graph_empty_forward(clrnn_graph_plan *plan, const clrnn_graph_io *io);

/** The way back, which nothing comes through: zeros. Returns: as clrnn_graph_plan_backward. */
clrnn_status clr_graph_empty_backward(clrnn_graph_plan *plan,
                                      const clrnn_graph_gradients *gradients);

#endif

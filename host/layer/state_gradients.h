/* SPDX-License-Identifier: MIT
 * layer/state_gradients.h - the gradients of the states after each step, where a caller wants them:
 * a scan back keeps none but the last, so it goes one step at a time. */
#ifndef CLR_LAYER_STATE_GRADIENTS_H
#define CLR_LAYER_STATE_GRADIENTS_H

#include "layer/scan.h"

/** The kernels of traces, built when they are first asked for. */
clrnn_status clr_plan_want_tracer(clrnn_plan *plan);

/** Of which rows and steps a block is, and how they count. */
trace_block clr_trace_block(const clr_pass *pass, uint32_t first_step, uint32_t steps,
                            uint64_t units);

/** What a launch takes as lengths of a pass: those, its flags, or any buffer where all count. */
cl_mem clr_trace_lengths(const clrnn_plan *plan, const clr_pass *pass);

/** As clr_strategy.backward, and into dh [L*D,T,N,R] and dc [L*D,T,N,H], each of which may be
 *  absent, the gradients by the states after each step. */
clrnn_status clr_scan_back_by_steps(clrnn_plan *plan, const clr_pass *pass, const clr_scan *scans,
                                    uint32_t count, clrnn_slice dh, clrnn_slice dc);

#endif

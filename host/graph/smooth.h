/* SPDX-License-Identifier: MIT
 * graph/smooth.h - convolutions as products whose second operand is not gathered: of x with its
 * padding what is under neighbouring windows lies side by side (cl/conv.cl). */
#ifndef CLR_GRAPH_SMOOTH_H
#define CLR_GRAPH_SMOOTH_H

#include "graph/window.h"

/** Whether x with its padding is not much larger than x: whatever T and N are. */
bool clr_smooth_can(const window_launch *launch);

/** Whether windows fill most of its tiles. */
bool clr_smooth_fills(const clr_run *run, const window_launch *launch);

/** Elements of x with its padding. */
size_t clr_smooth_count(const clr_run *run, const window_launch *launch);

/** y = function(x * weight + bias), as a direct convolution: launch->x_at of the first row.
 *  padded: of clr_smooth_count. */
clrnn_status clr_smooth_run(clr_run *run, const clr_axes *axes, const window_launch *launch,
                            clrnn_slice padded);

#endif

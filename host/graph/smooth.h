/* SPDX-License-Identifier: MIT
 * graph/smooth.h - convolutions whose windows go step by step along the last axis of x, so that
 * what is under neighbouring windows lies side by side: nothing is gathered (cl/conv.cl). */
#ifndef CLR_GRAPH_SMOOTH_H
#define CLR_GRAPH_SMOOTH_H

#include "graph/window.h"

/** Whether that is worth while: lines of windows that fill most of the tiles. */
bool clr_smooth_suits(const clr_run *run, const window_launch *launch);

/** Elements of x with its padding. */
size_t clr_smooth_count(const clr_run *run, const window_launch *launch);

/** y = function(x * weight + bias), as a direct convolution: launch->x_at of the first row.
 *  padded: of clr_smooth_count. */
clrnn_status clr_smooth_run(clr_run *run, const clr_axes *axes, const window_launch *launch,
                            clrnn_slice padded);

#endif

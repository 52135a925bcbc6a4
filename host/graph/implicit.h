/* SPDX-License-Identifier: MIT
 * graph/implicit.h - convolutions as products whose first operand is not gathered ("implicit GEMM",
 * as cuDNN calls it): its rows are windows, read where x lies (cl/gemm_windows.cl). */
#ifndef CLR_GRAPH_IMPLICIT_H
#define CLR_GRAPH_IMPLICIT_H

#include "graph/window.h"

/** Whether so many units of a group can be: whatever T and N are. */
bool clr_implicit_can(const clr_run *run, size_t units);

/** Elements of x with its padding; 0: it has none. */
size_t clr_implicit_count(const clr_run *run, const clr_axes *axes);

/** What is under windows as launch says, over x with its padding if there is some: that goes to
 *  `padded`, *x becomes it. A block of a stream has its padding already, or has none. */
clrnn_status clr_implicit_read(clr_run *run, const clr_axes *axes, const window_launch *launch,
                               clrnn_slice padded, cl_mem *x, gemm_windows *windows);

#endif

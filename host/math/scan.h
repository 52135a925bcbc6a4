/* SPDX-License-Identifier: MIT
 * math/scan.h - a launch as the kernels of all strategies see it: its arrays, where in them a
 * direction's begin, and where one of its steps finds what a product multiplies. */
#ifndef CLR_MATH_SCAN_H
#define CLR_MATH_SCAN_H

#include <clrnn/plan.h>

#include "device/launch.h"
#include "shape/network.h"

/* cl/scan_launch.cl, as the host sees it. */
#define ulong cl_ulong
#define uint  cl_uint
#include "../../cl/scan_launch.cl"
#undef ulong
#undef uint

/* The arrays of a scan forward, and where in it they begin; absent ones are NULL. x and panels:
 * where the kernels multiply them themselves. */
typedef struct clr_forward_scan {
    cl_mem panels, weights, workspace, x, h_first, c_first, h_last, c_last, y;
    cl_mem lengths; /* [N] cl_int, NULL = all live */
    scan_launch launch;
    /* persistent, with layer norm: room for the sums of a step of each scan. */
    cl_mem sums;
    norm_launch norms;
} clr_forward_scan;

/* The arrays of a scan back. */
typedef struct clr_backward_scan {
    cl_mem panels, weights, workspace, dy, dh, dc, dproj, da, du;
    cl_mem lengths;
    scan_launch launch;
    /* persistent, with layer norm: the same room, and gradients of U h and of LN(c). */
    cl_mem sums, dsums, dz;
    norm_launch norms;
} clr_backward_scan;

/* What all kernels of a scan take in one order, behind what each has before it. */
enum { CLR_FORWARD_ARGS = 6, CLR_BACKWARD_ARGS = 7 };

/** As arguments: the arrays of states, y or dy and gradients, and the lengths; those that are
 *  absent are the workspace. Each returns how many. */
size_t clr_forward_args(const clr_forward_scan *scan, clr_arg args[CLR_FORWARD_ARGS]);
size_t clr_backward_args(const clr_backward_scan *scan, clr_arg args[CLR_BACKWARD_ARGS]);

/* What products outside the kernels multiply or add to, of one step of the first direction. */
typedef struct clr_step {
    /* forward */
    clrnn_slice h_prev; /* [N,R] */
    clrnn_slice saved;  /* [N,S*H], S values saved for each unit */
    clrnn_slice c_next; /* [N,H], cells that have one; also back */
    /* back */
    clrnn_slice dproj; /* [N,R], projected */
    clrnn_slice du;    /* [N,G*H] */
    clrnn_slice dh;    /* [N,R] */
} clr_step;

/** index: the step, counted from the first one of the launch, in the order of t. As step_of of
 *  cl/scan.cl. */
clr_step clr_step_forward_of(const clr_network *network, const clr_forward_scan *scan,
                             uint32_t index);
clr_step clr_step_back_of(const clr_network *network, const clr_backward_scan *scan,
                          uint32_t index);

#endif

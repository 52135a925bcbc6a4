/* SPDX-License-Identifier: MIT
 * math/stepwise.h - one typed function for each kernel of cl/stepwise.cl. */
#ifndef CLR_MATH_STEPWISE_H
#define CLR_MATH_STEPWISE_H

#include "device/context.h"
#include "math/scan.h"

/* The kernels for one network variant. One thread at a time. */
typedef struct clr_stepwise {
    clrnn_context *context;
    bool again; /* the caller's: each kernel has been launched for a step of the same scan, so its
                 * arrays need not be said anew */
    cl_kernel forward, back;
    cl_kernel project, project_back; /* projected */
    cl_kernel output, output_back;   /* layer norm of a cell state */
} clr_stepwise;

/** Build; on failure everything is released. Returns: as clr_program_get. */
clrnn_status clr_stepwise_init(clrnn_context *context, const clr_network *network,
                               clrnn_precision precision, clr_stepwise *stepwise);
void clr_stepwise_free(clr_stepwise *stepwise);

/* Each enqueues its kernel, for step `index` of the first direction of a launch, counted in the
 * order of t. sums: those of the phase, [N,G*H]; of a projection [N,R]. Back: [N,H], of the last
 * phase only if projected. Returns: CLRNN_OK, CLRNN_ERR_OPENCL. */
clrnn_status clr_step_forward(clr_stepwise *k, const clr_forward_scan *scan, cl_mem sums,
                              uint32_t index, uint32_t phase);
clrnn_status clr_step_project(clr_stepwise *k, const clr_forward_scan *scan, cl_mem sums,
                              uint32_t index);
clrnn_status clr_step_project_back(clr_stepwise *k, const clr_backward_scan *scan, uint32_t index);
clrnn_status clr_step_back(clr_stepwise *k, const clr_backward_scan *scan, cl_mem sums,
                           uint32_t index, uint32_t phase);

/* With layer norm: sums is LN(c_t), [N,H]. Back that follows [N,H] of the projection, also in
 * clr_step_back, and dz is where the gradients of LN(c) of the launch's steps begin. */
clrnn_status clr_step_output(clr_stepwise *k, const clr_forward_scan *scan, cl_mem sums,
                             uint32_t index);
clrnn_status clr_step_output_back(clr_stepwise *k, const clr_backward_scan *scan, cl_mem sums,
                                  clrnn_slice dz, uint32_t index);

#endif

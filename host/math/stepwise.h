/* SPDX-License-Identifier: MIT
 * math/stepwise.h - one typed function for each kernel of cl/stepwise.cl. */
#ifndef CLR_MATH_STEPWISE_H
#define CLR_MATH_STEPWISE_H

#include <clrnn/network.h>

#include "device/context.h"
#include "shape/network.h"

/* The kernels for one network variant. One thread at a time. */
typedef struct clr_stepwise {
    clrnn_context *context;
    uint32_t hidden, state; /* H, R */
    cl_kernel forward, backward;
    cl_kernel reset, reset_backward;     /* GRU with reset before */
    cl_kernel project, project_backward; /* projected LSTM */
} clr_stepwise;

/** Build; on failure everything is released. Returns: as clr_program_get. */
clrnn_status clr_stepwise_init(clrnn_context *context, const clr_network *network,
                               clrnn_precision precision, clr_stepwise *stepwise);
void clr_stepwise_free(clr_stepwise *stepwise);

/* The arrays of one step t of one direction of one layer; an absent slice has no buffer. */
typedef struct clr_step {
    uint32_t t, batch; /* t, N */
    cl_mem lengths;    /* [N] cl_int, NULL = all live */
    cl_mem weights;    /* canonical weights of the whole network */
    size_t b_ih, b_hh; /* [G*H] in weights, CLR_ABSENT without bias */
    size_t params;     /* [CELL_PARAMS,H] in weights, CLR_ABSENT without such */
    clrnn_slice gates; /* [N,G*H] in W x, out activated */
    clrnn_slice rec;   /* [N,G*H] U h; backward: scratch of that size */
    cl_mem h, c;       /* states: [N,R] and [N,H] at these offsets */
    size_t h_prev, h_next;
    size_t c_prev, c_next;
    clrnn_slice extra; /* [N,H] */
    clrnn_slice y;     /* forward: y of row 0, may be absent; backward: dy of row 0 */
    size_t y_stride;   /* from row to row */
    /* backward only */
    clrnn_slice dh;    /* [N,R] in and out */
    clrnn_slice dc;    /* [N,H] in and out, LSTM */
    clrnn_slice dhid;  /* [N,H] gradient of the output before projection */
    clrnn_slice dproj; /* [N,R] gradient of the projected output */
    clrnn_slice da;    /* [N,G*H] out */
    clrnn_slice du;    /* [N,G*H] out, if two_inputs */
} clr_step;

/* Each enqueues its kernel. Returns: CLRNN_OK, CLRNN_ERR_OPENCL. */
clrnn_status clr_step_reset(clr_stepwise *k, const clr_step *step);
clrnn_status clr_step_forward(clr_stepwise *k, const clr_step *step);
clrnn_status clr_step_project(clr_stepwise *k, const clr_step *step);
clrnn_status clr_step_project_backward(clr_stepwise *k, const clr_step *step);
clrnn_status clr_step_backward(clr_stepwise *k, const clr_step *step);
clrnn_status clr_step_reset_backward(clr_stepwise *k, const clr_step *step);

#endif

/* SPDX-License-Identifier: MIT
 * math/norm.h - layer norm of rows, one typed function for each kernel of cl/norm.cl. */
#ifndef CLR_MATH_NORM_H
#define CLR_MATH_NORM_H

#include "math/sequence.h"

/* The kernels. One thread at a time. */
typedef struct clr_norms {
    clrnn_context *context;
    clrnn_precision precision;
    size_t group; /* work-items that take a row */
    cl_kernel forward, back;
} clr_norms;

/* Rows that are normalised, K numbers each. Row r is that of sequence (first + r) % batch at step
 * (first + r) / batch; where that does not count y and what is kept are 0. */
typedef struct clr_normed_rows {
    size_t rows, K;
    double epsilon;    /* forward */
    cl_mem parameters; /* where gain and bias begin: [K] */
    size_t gain, bias;
    bool has_bias;
    size_t first, batch; /* forward */
    clr_live live;       /* forward */
    /* What forward keeps for backward, no buffer: nothing. hat [rows,K], scale [rows]: rows of both
     * are `stride` apart. */
    cl_mem kept;
    size_t hat, scale, stride;
} clr_normed_rows;

/** Build; on failure everything is released. Returns: as clr_program_get. */
clrnn_status clr_norms_init(clrnn_context *context, clrnn_precision precision, clr_norms *norms);
void clr_norms_free(clr_norms *norms);

/** y = gain*hat(x) + bias, of each row; y may be x. Returns: CLRNN_OK, CLRNN_ERR_OPENCL. */
clrnn_status clr_norm_rows(clr_norms *norms, const clr_normed_rows *rows, clr_matrix x,
                           clr_matrix y);

/** dx from dy, or dx += with accumulate; dx may be dy. Returns: as clr_norm_rows. */
clrnn_status clr_norm_rows_back(clr_norms *norms, const clr_normed_rows *rows, clr_matrix dy,
                                clr_matrix dx, bool accumulate);

#endif

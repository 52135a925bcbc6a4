/* SPDX-License-Identifier: MIT
 * layer/weights.h - packed weights: the matrices of all cells, each as those who multiply with it
 * read it. */
#ifndef CLR_LAYER_WEIGHTS_H
#define CLR_LAYER_WEIGHTS_H

#include <clrnn/plan.h>

#include "math/packing.h"
#include "shape/network.h"

/* The matrices of a cell, by what is multiplied with them: op(B), [k,n]. Those of backward are
 * there in training plans only. */
typedef enum clr_weight {
    CLR_RECURRENT,    /* h: U^T [R,G*H]; reset before: [R,2H], of r and z */
    CLR_CANDIDATE,    /* r*h, reset before: U_n^T [H,H] */
    CLR_PROJECTION,   /* o*tanh(c): W_hr^T [H,P] */
    CLR_INPUT,        /* x: W_ih^T [I',G*H] */
    CLR_D_RECURRENT,  /* du: U [G*H,R]; reset before: [2H,R] */
    CLR_D_CANDIDATE,  /* du_n, reset before: U_n [H,H] */
    CLR_D_PROJECTION, /* dproj: W_hr [P,H] */
    CLR_D_INPUT,      /* da: W_ih [G*H,I'] */
    CLR_WEIGHTS
} clr_weight;

/* Bits of a set of matrices. */
#define CLR_BIT(weight) (1u << (weight))

/* The matrices that a strategy's own kernels multiply with, and how they want them. Forward these
 * come gate by gate, H columns each. All others are for the products of math/gemm.h. */
typedef struct clr_own_weights {
    unsigned set; /* of CLR_BIT */
    const clr_packing *packing;
} clr_own_weights;

/* A matrix of a cell of layer 0, or of one above it. */
typedef struct clr_weight_form {
    const clr_packing *packing;
    size_t gates, n, k; /* it comes as so many op(B), [k,n]; n is 0 if there is no such matrix */
    size_t from;        /* where the first begins among the cell's canonical weights */
    size_t at, numbers; /* and in what is kept of the cell; from one to the next */
} clr_weight_form;

/* One thread at a time. */
typedef struct clr_weights {
    const clr_network *network;
    clr_gemms *gemms;
    clr_weight_form forms[2][CLR_WEIGHTS]; /* of layer 0, and of those above */
    size_t cell[2];                        /* from cell to cell there, in numbers */
    size_t number_bytes;                   /* of a number as it is kept */
    size_t bytes;                          /* of device memory in all */
    cl_mem buffer; /* what is kept of all cells, one behind the other; NULL = nothing */
    cl_mem *apart; /* [L*D,CLR_WEIGHTS], of packings that want a buffer for each, else NULL */
} clr_weights;

/** Lay out the matrices and take memory for them. `network` and `gemms` must outlive it. On failure
 *  everything is released. Returns: CLRNN_OK, CLRNN_ERR_MEMORY, CLRNN_ERR_RANGE,
 *  CLRNN_ERR_OPENCL. */
clrnn_status clr_weights_init(const clr_network *network, clr_gemms *gemms, bool train,
                              clr_own_weights own, clr_weights *weights);
void clr_weights_free(clr_weights *weights);

/** Enqueue packing all of them from the canonical weights. Returns: CLRNN_OK, CLRNN_ERR_OPENCL,
 *  CLRNN_ERR_MEMORY; and on failure some are new and some are not. */
clrnn_status clr_weights_pack(clr_weights *weights, clrnn_slice canonical);

/** Where a gate of a matrix begins in weights->buffer, in numbers as they are kept. gate: 0 for
 *  those that do not come gate by gate. */
size_t clr_weights_at(const clr_weights *weights, uint32_t layer, uint32_t direction,
                      clr_weight weight, size_t gate);

/** A whole matrix, for products of math/gemm.h. */
clr_packed_matrix clr_weights_matrix(const clr_weights *weights, clrnn_slice canonical,
                                     uint32_t layer, uint32_t direction, clr_weight weight);

#endif

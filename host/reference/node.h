/* SPDX-License-Identifier: MIT
 * reference/node.h - nodes of a graph in plain C and float64: what their kernels are judged
 * against. */
#ifndef CLR_REFERENCE_NODE_H
#define CLR_REFERENCE_NODE_H

#include "reference/function.h"
#include "shape/value.h"

#define CLR_REF_OUTPUTS 3

/* One node in one pass. Arrays are row-major, float64, ids too; NULL: left out. Backward adds to dx
 * and to gradient. */
typedef struct clr_ref_node {
    const clrnn_node_desc *desc; /* complete */
    uint32_t number, inputs, outputs;
    const clr_shape *in[CLRNN_MOST_INPUTS], *out[CLR_REF_OUTPUTS];
    const double *x[CLRNN_MOST_INPUTS];
    double *y[CLR_REF_OUTPUTS];
    double *dx[CLRNN_MOST_INPUTS];
    const double *dy[CLR_REF_OUTPUTS];
    double *parameters; /* of the node, one tensor after the other; batch norm changes its own */
    double *gradient;
    const uint32_t *lengths; /* [rules][stride], NULL: all T */
    size_t stride;
    bool train;
    uint64_t dropout_seed;
    uint32_t dropout_index;
} clr_ref_node;

/** y = the node of x; what is past a length is 0. Returns: CLRNN_OK, CLRNN_ERR_MEMORY */
clrnn_status clr_ref_forward(const clr_ref_node *node);

/** dx += and gradient +=, from dy, which is 0 past a length, and what forward had and made.
 * Returns: CLRNN_OK, CLRNN_ERR_MEMORY, CLRNN_ERR_UNSUPPORTED (forward only) */
clrnn_status clr_ref_backward(const clr_ref_node *node);

/* --- for the files of nodes ------------------------------------------------------------------ */

/** Whether an element of a value lies within its row's length. */
bool clr_ref_live(const clr_ref_node *node, const clr_shape *shape, size_t element);

/** The index of every axis of an element. */
void clr_ref_index(const clr_shape *shape, size_t element, uint64_t index[CLRNN_MOST_AXES]);
size_t clr_ref_element(const clr_shape *shape, const uint64_t index[CLRNN_MOST_AXES]);

/** The element of `small` that is broadcast to an element of `big`. */
size_t clr_ref_broadcast(const clr_shape *big, size_t element, const clr_shape *small);

void clr_ref_map(const clr_ref_node *node, bool back);
void clr_ref_move(const clr_ref_node *node, bool back);
void clr_ref_reduce(const clr_ref_node *node, bool back);
void clr_ref_norm(const clr_ref_node *node, bool back);
void clr_ref_ema(const clr_ref_node *node, bool back);
void clr_ref_pick(const clr_ref_node *node, bool back);
void clr_ref_matmul(const clr_ref_node *node, bool back);
void clr_ref_cast(const clr_ref_node *node, bool back);
void clr_ref_dense(const clr_ref_node *node, bool back);
void clr_ref_conv(const clr_ref_node *node, bool back);
void clr_ref_conv_transpose(const clr_ref_node *node, bool back);
clrnn_status clr_ref_recurrent(const clr_ref_node *node, bool back);

#endif

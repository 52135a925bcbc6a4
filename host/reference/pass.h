/* SPDX-License-Identifier: MIT
 * reference/pass.h - the arrays of a pass of the reference. */
#ifndef CLR_REFERENCE_PASS_H
#define CLR_REFERENCE_PASS_H

#include "reference/cell.h"
#include "reference/reference.h"

/* What flows from layer to layer: layer l's input, at last the stack's output. */
typedef struct clr_ref_flow {
    size_t width;   /* I, or D*R */
    double *v, *dv; /* [T,width] */
} clr_ref_flow;

/* What one layer and direction goes through: index 0 of h and c is the initial state, index k the
 * state after k steps. */
typedef struct clr_ref_trace {
    double *h, *dh; /* [T+1,R] */
    double *c, *dc; /* [T+1,M] */
    double *saved;  /* [T,slots*H] */
    double *a, *u;  /* [G*H] of the step at hand */
    double *normed; /* [T,2*G*H + H + scales] */
    double *zeros;  /* [H] a state that was reset */
    double *lost;   /* [H] its gradient, which nobody asks for */
    double *last;   /* [R] what steps that do not count repeat, or its gradient */
} clr_ref_trace;

typedef struct clr_ref_pass {
    clr_network net;
    const clr_ref_cell *cell;
    const clr_reference_io *io;
    size_t memory;             /* M: width of c, H or 0 */
    clr_ref_flow *activations; /* [L+1] */
    clr_ref_trace *traces;     /* [L*D] */
    double *dweights;          /* summed over the sequences */
    /* the sequence at hand */
    uint32_t row;
    size_t length;
} clr_ref_pass;

/** Make the arrays of a pass whose net, cell, memory and io are set; false: there is no memory for
 *  them. Even then clr_ref_pass_free follows. */
bool clr_ref_pass_make(clr_ref_pass *pass);
/** Numbers of clr_ref_step.normed. */
size_t clr_ref_normed(const clr_network *network);
void clr_ref_pass_free(clr_ref_pass *pass);

#endif

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
    /* With zoneout: h and c as the cell makes them, [T,R] and [T,M], and of the step at hand their
     * gradients and, in its memory alone, the factors [R] of recurrent dropout. */
    double *new_h, *new_c, *new_dh, *new_dc, *factors;
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

/* Around step k of a layer and direction (cell: layer*D + direction), at time t: with zoneout the
 * cell computes `inner`, with states and gradients of its own; without it is the step itself, and
 * the others do nothing. _zone: from what it has made the states; _zone_back, before it: from the
 * gradients of these its own. */
clr_ref_step clr_ref_inner(const clr_ref_pass *pass, const clr_ref_trace *trace, size_t k,
                           const clr_ref_step *step);
void clr_ref_zone(const clr_ref_pass *pass, uint32_t cell, size_t t, const clr_ref_step *inner,
                  const clr_ref_step *step);
void clr_ref_zone_back(const clr_ref_pass *pass, const clr_ref_trace *trace, uint32_t cell,
                       size_t t, const clr_ref_step *step);

/* The factors of recurrent dropout of the row at hand, or NULL. */
const double *clr_ref_factors(const clr_ref_pass *pass, const clr_ref_trace *trace, uint32_t cell);

#endif

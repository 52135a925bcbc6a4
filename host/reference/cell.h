/* SPDX-License-Identifier: MIT
 * reference/cell.h - what a cell is to the reference: one step of one sequence, forward and back.
 *
 * reference/NAME.c defines the clr_ref_NAME of a row of shape/cell.h. A cell knows nothing of
 * batches, layers, lengths or the direction of time: reference.c scans those.
 *
 * Equations are written with the row of a gate left out: `W x` is that gate's row of w_ih times x
 * plus b_ih, `U h` its row of w_hh times h plus b_hh; with layer norm they are normalised before
 * the bias comes to them. dv stands for dLoss/dv. */
#ifndef CLR_REFERENCE_CELL_H
#define CLR_REFERENCE_CELL_H

#include <math.h>

#include "reference/function.h"
#include "shape/network.h"

/* One layer and direction. Pointers into the canonical weights, and into their gradients, which
 * backward adds to; NULL = the network has no such tensor. */
typedef struct clr_ref_layer {
    const clrnn_network_desc *desc;
    clrnn_activation activations[CLRNN_ACTIVATIONS]; /* of this direction, by name */
    size_t gates, inputs, hidden, state_size;        /* G, I', H, R */
    const double *w_ih, *w_hh;                       /* [G*H,I'] [G*H,R] */
    const double *b_ih, *b_hh;                       /* [G*H] [G*H] */
    const double *w_hr;                              /* [P,H] */
    const double *params;                            /* [parameters,H] */
    const double *factors;          /* [R] of recurrent dropout, of what U multiplies, or NULL */
    double epsilon;                 /* of layer norm */
    const double *ln_ih, *ln_hh;    /* [G*H] [G*H] */
    const double *ln_c, *bias_ln_c; /* [H] [H] */
    double *dw_ih, *dw_hh, *db_ih, *db_hh, *dw_hr, *dparams;
    double *dln_ih, *dln_hh, *dln_c, *dbias_ln_c;
} clr_ref_layer;

/* One step of one sequence. */
typedef struct clr_ref_step {
    const double *x;      /* in  [I'] */
    const double *h_prev; /* in  [R] */
    const double *c_prev; /* in  [H], cells that have one */
    double *h;            /* out [R] */
    double *c;            /* out [H], cells that have one */
    double *saved;        /* out [slots,H], for backward */
    double *a, *u;        /* W x and U h, [G*H]; in backward their gradients */
    double *normed;       /* out, of layer norm: hat(W x) and hat(U h) [G*H], hat(c) [H], scales */
    /* backward only */
    const double *dh, *dc; /* in  as h, c: everything that comes from above and from later steps */
    double *dx;            /* out as x, added to */
    double *dh_prev;       /* out as h_prev, added to */
    double *dc_prev;       /* out as c_prev, added to */
} clr_ref_step;

typedef struct clr_ref_cell {
    size_t slots; /* values kept for each unit: saved by forward, or room for backward */
    void (*forward)(const clr_ref_layer *layer, const clr_ref_step *step);
    /* Comes after forward of the same step, once. */
    void (*backward)(const clr_ref_layer *layer, const clr_ref_step *step);
} clr_ref_cell;

#define CLR_REF_CELL(id, name) extern const clr_ref_cell clr_ref_##name;
CLR_CELLS(CLR_REF_CELL)
#undef CLR_REF_CELL

/* y = f(x);  dx = dy*f'(x). */
double clr_ref_activation(clrnn_activation f, double x);
double clr_ref_activation_back(clrnn_activation f, double x, double dy);

/* x within +-clip, 0: x;  its backward, dx from dy: 0 where x lies beyond. */
double clr_ref_clip(double x, double clip);
double clr_ref_clip_back(double x, double clip, double dy);

/* Function number `which` of the cell, of a clipped sum a:  y = f(clip(a));  da from dy. */
double clr_ref_gate(const clr_ref_layer *layer, size_t which, double a);
double clr_ref_gate_backward(const clr_ref_layer *layer, size_t which, double a, double dy);

/* Row `row` of W v + b.  w: [rows,columns], b: [rows] or NULL, v: [columns]. */
static inline double affine(const double *w, const double *b, const double *v, size_t row,
                            size_t columns)
{
    double sum = b ? b[row] : 0;
    for (size_t i = 0; i < columns; i++)
        sum += w[row * columns + i] * v[i];
    return sum;
}

/* Its backward, from da of that row:  dW += da v^T   db += da   dv += W^T da. */
static inline void affine_backward(const double *w, const double *v, size_t row, size_t columns,
                                   double da, double *dw, double *db, double *dv)
{
    for (size_t i = 0; i < columns; i++) {
        dw[row * columns + i] += da * v[i];
        dv[i] += w[row * columns + i] * da;
    }
    if (db)
        db[row] += da;
}

/* a = W x, all of it;  its backward, from da in a:  dx += ..  and the gradients of the layer. */
void clr_ref_input_sums(const clr_ref_layer *layer, const clr_ref_step *step);
void clr_ref_input_sums_back(const clr_ref_layer *layer, const clr_ref_step *step);

/* u = U (factors*h) of `count` rows from `first` on, which are those of a phase, without factors
 * U h;  its backward, from du in u. */
void clr_ref_recurrent_sums(const clr_ref_layer *layer, const clr_ref_step *step, uint32_t phase,
                            size_t first, size_t count, const double *h);
void clr_ref_recurrent_sums_back(const clr_ref_layer *layer, const clr_ref_step *step,
                                 uint32_t phase, size_t first, size_t count, const double *h,
                                 double *dh);

/* z = c, or with layer norm LN(c), of all units;  its backward, dc in place of dz. */
void clr_ref_cell_state(const clr_ref_layer *layer, const clr_ref_step *step, double *z);
void clr_ref_cell_state_back(const clr_ref_layer *layer, const clr_ref_step *step, double *dz);

#endif

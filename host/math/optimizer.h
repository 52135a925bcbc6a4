/* SPDX-License-Identifier: MIT
 * math/optimizer.h - one step of an optimiser over all parameters (cl/optimizer.cl).
 * Formulas: clrnn_optimizer in clrnn/trainer.h. */
#ifndef CLR_MATH_OPTIMIZER_H
#define CLR_MATH_OPTIMIZER_H

#include <clrnn/context.h>
#include <clrnn/network.h>

/* One thread at a time. */
typedef struct clr_optimizer {
    clrnn_context *context;
    clrnn_precision precision;
    cl_kernel sgd, adam, rmsprop, settle;
} clr_optimizer;

/* What every optimiser needs. */
typedef struct clr_update {
    cl_mem w;    /* in, out [count], parameters */
    cl_mem g;    /* in [count], gradient, not clipped */
    cl_mem norm; /* in [2], Euclidean norm of g as clr_norm gives it; not read without clip and
                  * without watch */
    size_t count;
    double clip; /* largest norm; 0 = no limit */
    double rate; /* learning rate of this step */
    /* in, out [2] cl_ulong: the first step whose loss or norm was not finite (0 = none yet), and
     * whether its loss was not. Such a step and all after it change nothing. NULL = not asked. */
    cl_mem watch;
    cl_mem loss;   /* in [1]; not read without watch */
    uint64_t step; /* the number of this step, from 1; the k of adam */
} clr_update;

/** Build; on failure everything is released.
 *  Returns: CLRNN_OK, CLRNN_ERR_BUILD, CLRNN_ERR_OPENCL, CLRNN_ERR_MEMORY */
clrnn_status clr_optimizer_init(clrnn_context *context, clrnn_precision precision,
                                clr_optimizer *optimizer);

/** Accepts one that is zero. */
void clr_optimizer_free(clr_optimizer *optimizer);

/** u: in, out [count], 0 before the first step. */
clrnn_status clr_optimizer_sgd(clr_optimizer *optimizer, const clr_update *update, cl_mem u,
                               double momentum);

/** Adam; AdamW with a weight_decay that is not 0.
 *  m, v: in, out [count], 0 before the first step. */
clrnn_status clr_optimizer_adam(clr_optimizer *optimizer, const clr_update *update, cl_mem m,
                                cl_mem v, double beta1, double beta2, double epsilon,
                                double weight_decay);

/** v: in, out [count], 0 before the first step. */
clrnn_status clr_optimizer_rmsprop(clr_optimizer *optimizer, const clr_update *update, cl_mem v,
                                   double rho, double epsilon);

/** w = after, or `before` if a step was not finite, of `count` elements from `first` on, in all
 *  three. watch: of clr_update */
clrnn_status clr_optimizer_settle(clr_optimizer *optimizer, cl_mem w, cl_mem after, cl_mem before,
                                  size_t first, size_t count, cl_mem watch);

#endif

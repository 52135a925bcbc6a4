/* SPDX-License-Identifier: MIT
 * math/loss.h - losses over rows with their gradients, and sums in a fixed order (cl/loss.cl).
 *
 * A row is one step of one sequence, O outputs. A row with a negative target is not counted: its
 * loss and gradient are 0. `scale` is 1/(rows counted). */
#ifndef CLR_MATH_LOSS_H
#define CLR_MATH_LOSS_H

#include <clrnn/context.h>
#include <clrnn/network.h>

/* The kernels, and the scratch memory of the sums. One thread at a time. */
typedef struct clr_loss {
    clrnn_context *context;
    clrnn_precision precision;
    cl_kernel cross_entropy, mean_squared, each_element, gaussian, mean_errors, emphasised;
    cl_kernel weigh_classes, sums, squares, add_squares;
    size_t group;     /* work-items that share a row or block */
    size_t max_count; /* of the sums */
    cl_mem partial;
} clr_loss;

/** Build, for sums of up to max_count elements; on failure everything is released.
 *  Returns: CLRNN_OK, CLRNN_ERR_BUILD, CLRNN_ERR_OPENCL, CLRNN_ERR_MEMORY */
clrnn_status clr_loss_init(clrnn_context *context, clrnn_precision precision, size_t max_count,
                           clr_loss *loss);

/** Accepts one that is zero. */
void clr_loss_free(clr_loss *loss);

/** losses = -log softmax(logits)[target], dlogits = its gradient times scale.
 *  logits: [rows,O]; targets: [rows] cl_int, less than O; losses: out [rows]; dlogits: out
 * [rows,O], not over logits, or NULL. */
clrnn_status clr_loss_cross_entropy(clr_loss *loss, cl_mem logits, cl_mem targets, size_t rows,
                                    size_t outputs, double scale, cl_mem losses, cl_mem dlogits);

/** losses = mean over O of (logits-values)^2, dlogits = its gradient times scale.
 *  values: [rows,O]; targets: [rows] cl_int, of which only the sign matters; the rest as above. */
clrnn_status clr_loss_mean_squared(clr_loss *loss, cl_mem logits, cl_mem values, cl_mem targets,
                                   size_t rows, size_t outputs, double scale, cl_mem losses,
                                   cl_mem dlogits);

/* What an element costs: the numbers that cl/loss.cl knows. */
typedef enum clr_element_loss {
    CLR_ELEMENT_SQUARED,
    CLR_ELEMENT_ABSOLUTE,
    CLR_ELEMENT_HUBER,
    CLR_ELEMENT_BINARY
} clr_element_loss;

/* A loss that is a sum over elements. */
typedef struct clr_element_form {
    clr_element_loss kind;
    double delta;   /* of Huber's */
    bool missing;   /* a value that is NaN is not counted */
    double divisor; /* of each row's sum and gradient */
} clr_element_form;

/** losses = sum over O of what each element costs, over the divisor; the rest as mean squared. */
clrnn_status clr_loss_each_element(clr_loss *loss, const clr_element_form *form, cl_mem logits,
                                   cl_mem values, cl_mem targets, size_t rows, size_t outputs,
                                   double scale, cl_mem losses, cl_mem dlogits);

/** losses = sum over K of (log v + (m-value)^2/v)/2 where a value is there, over the divisor.
 *  logits: [rows,2K], m and then the logarithm of v less a floor of 1e-6; values: [rows,K]; of the
 *  form only `missing` and `divisor` matter; the rest as mean squared. */
clrnn_status clr_loss_gaussian(clr_loss *loss, const clr_element_form *form, cl_mem logits,
                               cl_mem values, cl_mem targets, size_t rows, size_t K, double scale,
                               cl_mem losses, cl_mem dlogits);

/* Squared errors of sound. */
typedef struct clr_sound_form {
    size_t T, N;     /* rows of T*N */
    double emphasis; /* of p[t] = e[t] - emphasis*e[t-1] */
    double dc;       /* how much the squared mean of a sequence counts */
    bool missing;
} clr_sound_form;

/** losses = sum over O of p^2 + dc*mean^2; means: scratch [N,O]; the rest as mean squared, with
 *  rows of T steps and N sequences. */
clrnn_status clr_loss_emphasised(clr_loss *loss, const clr_sound_form *form, cl_mem logits,
                                 cl_mem values, cl_mem targets, size_t outputs, double scale,
                                 cl_mem means, cl_mem losses, cl_mem dlogits);

/** Multiply losses and dlogits (or NULL), as cross-entropy left them, by the weight of the class.
 *  weights: [O] */
clrnn_status clr_loss_weigh_classes(clr_loss *loss, cl_mem weights, cl_mem targets, size_t rows,
                                    size_t outputs, cl_mem losses, cl_mem dlogits);

/** result[0] = sum of x.  x: [count], count from 1 to max_count; result: out [1], not over x. */
clrnn_status clr_sum(clr_loss *loss, cl_mem x, size_t count, cl_mem result);

/** The same to result[at]. */
clrnn_status clr_sum_at(clr_loss *loss, cl_mem x, size_t count, cl_mem result, size_t at);

/** The Euclidean norm of x: result[0] / result[1], where result[1] is a power of two, 1 unless
 *  squares would overflow or vanish. Not finite only if x is not.  result: out [2], not over x. */
clrnn_status clr_norm(clr_loss *loss, cl_mem x, size_t count, cl_mem result);

#endif

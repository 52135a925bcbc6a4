/* SPDX-License-Identifier: MIT
 * reference/function.h - the functions of cells and of nodes, of one number. */
#ifndef CLR_REFERENCE_FUNCTION_H
#define CLR_REFERENCE_FUNCTION_H

#include <clrnn/network.h>

double clr_ref_function(clrnn_function function, double alpha, double beta, double x);

/** Its derivative; at a corner that of the flatter side, as PyTorch has it (of clip: 1). */
double clr_ref_derivative(clrnn_function function, double alpha, double beta, double x);

#endif

/* SPDX-License-Identifier: MIT
 * reference/stored.h - weights as they are kept in fewer bits (clrnn_storage in clrnn/network.h),
 * by arithmetic, without a look at bits. */
#ifndef CLR_REFERENCE_STORED_H
#define CLR_REFERENCE_STORED_H

#include <clrnn/network.h>

/** What f16 or bf16 keep of a number. */
double clr_reference_round(clrnn_storage storage, double x);

/** Each number, which must be one of float, becomes what is kept of it. matrix: in and out
 *  [rows,columns]. */
void clr_reference_store(clrnn_storage storage, double *matrix, size_t rows, size_t columns);

/** The same for every matrix of a network's canonical weights. */
void clr_reference_store_weights(clrnn_storage storage, const clrnn_network_desc *network,
                                 double *weights);

#endif

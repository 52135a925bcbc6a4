/* SPDX-License-Identifier: MIT
 * clrnn/data_sequences.c - sequences of a file, whatever they are of, as the arrays of a data set.
 */
#include "train_data.h"

clrnn_status data_add_sequences(clrnn_tensors *set, const uint64_t shape[3], uint32_t target_rank,
                                const double *x, const double *targets, const double *lengths,
                                const double *parts)
{
    clrnn_status status = clrnn_tensors_add(set, "x", CLRNN_DTYPE_F64, 3, shape, x);
    if (!status)
        status = clrnn_tensors_add(set, "targets", CLRNN_DTYPE_F64, target_rank, shape, targets);
    if (!status)
        status = clrnn_tensors_add(set, "lengths", CLRNN_DTYPE_F64, 1, shape, lengths);
    if (!status)
        status = clrnn_tensors_add(set, "parts", CLRNN_DTYPE_F64, 1, shape, parts);
    return status;
}

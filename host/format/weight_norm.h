/* SPDX-License-Identifier: MIT
 * format/weight_norm.h - weights that a state_dict has as a direction and its length. */
#ifndef CLR_FORMAT_WEIGHT_NORM_H
#define CLR_FORMAT_WEIGHT_NORM_H

#include <clrnn/tensors.h>

/**
 * What torch.nn.utils.weight_norm left, of today (M.parametrizations.NAME.original0, original1) or
 * before (M.NAME_g, M.NAME_v), as the weight M.NAME = v g / |v|, the norm over all axes along which
 * g has one element; all other tensors as they are.
 *
 * Ownership: on success *plain is the caller's; NULL: there are none such. On failure NULL.
 * Returns: CLRNN_OK, CLRNN_ERR_MEMORY, CLRNN_ERR_ARGUMENT (a name that there is already)
 */
clrnn_status clr_weight_norm_join(const clrnn_tensors *set, const clrnn_log *log,
                                  clrnn_tensors **plain);

#endif

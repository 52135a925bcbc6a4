/* SPDX-License-Identifier: MIT
 * model/model.h - making a model, and its parameters as named tensors. */
#ifndef CLR_MODEL_MODEL_H
#define CLR_MODEL_MODEL_H

#include "model/parameters.h"

/** Make a model as described and fill it from a set, in which the network's names begin with
 *  `prefix`. Ownership, returns: as clrnn_model_create; CLRNN_ERR_FORMAT (a tensor is missing or of
 *  another size). */
clrnn_status clr_model_make(clrnn_context *context, const clrnn_model_desc *desc,
                            const clrnn_tensors *set, const char *prefix, clrnn_model **model);

/** How many named tensors the parameters consist of; describe one, its name as in a file:
 *  "embedding.weight", the network's with `prefix` ("rnn.") before their names, "head.weight",
 *  "head.bias". info->offset counts from the start of model->parameters. index must be in range. */
size_t clr_model_tensors(const clrnn_model *model);
void clr_model_tensor(const clrnn_model *model, size_t index, const char *prefix,
                      clrnn_weight_info *info);

#endif

/* SPDX-License-Identifier: MIT
 * model/model.h - a model's parameters as named tensors. */
#ifndef CLR_MODEL_MODEL_H
#define CLR_MODEL_MODEL_H

#include "model/parameters.h"

/** How many named tensors the parameters consist of; describe one, its name as in a file:
 *  "embedding.weight", the network's with `prefix` ("rnn.") before their names, "head.weight",
 *  "head.bias". info->offset counts from the start of model->parameters. index must be in range. */
size_t clr_model_tensors(const clrnn_model *model);
void clr_model_tensor(const clrnn_model *model, size_t index, const char *prefix,
                      clrnn_weight_info *info);

#endif

/* SPDX-License-Identifier: MIT
 * model/init.h - fresh weights. */
#ifndef CLR_MODEL_INIT_H
#define CLR_MODEL_INIT_H

#include "model/parameters.h"

/** Fresh weights, as clrnn_model_create describes them.
 *  parameters: out [count] of the model's precision, zeroed by the caller.
 *  Returns: CLRNN_OK, CLRNN_ERR_MEMORY */
clrnn_status clr_model_init(const clrnn_model *model, uint64_t seed, void *parameters);

#endif

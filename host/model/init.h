/* SPDX-License-Identifier: MIT
 * model/init.h - fresh weights. */
#ifndef CLR_MODEL_INIT_H
#define CLR_MODEL_INIT_H

#include "model/parameters.h"

/* The names of clrnn_init_kind in descriptions and messages, ended by NULL. */
extern const char *const clr_init_names[];

/** See that a model's init fits its network, and fill in what it leaves open. network: complete.
 *  Returns: CLRNN_OK, CLRNN_ERR_ARGUMENT (the log says why) */
clrnn_status clr_init_resolve(const clr_network *network, const clrnn_log *log,
                              clrnn_init_desc *init);

/** Fresh weights, as model->desc.init, which is resolved, says.
 *  parameters: out [count] of the model's precision, zeroed by the caller.
 *  Returns: CLRNN_OK, CLRNN_ERR_MEMORY */
clrnn_status clr_model_init(const clrnn_model *model, uint64_t seed, void *parameters);

#endif

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

/* One tensor's stream of random numbers, and where its values go. */
typedef struct clr_init_stream {
    uint64_t seed;
    uint32_t tensor; /* no two tensors of a model share a number */
    clrnn_precision precision;
    void *out; /* all parameters, of that precision */
} clr_init_stream;

/** out[at .. at+count): approximately normal; uniform in +-sqrt(6 / (inputs + outputs)). */
void clr_init_normal(const clr_init_stream *stream, size_t at, size_t count, double deviation);
void clr_init_glorot(const clr_init_stream *stream, size_t at, size_t count, uint64_t inputs,
                     uint64_t outputs);

/** The weights of a recurrent stack from `at` on, which are zero, as `init`, which is
 *  resolved, says; counts stream->tensor on. Returns: CLRNN_OK, CLRNN_ERR_MEMORY */
clrnn_status clr_init_network(const clr_network *network, const clrnn_init_desc *init,
                              const clrnn_log *log, clr_init_stream *stream, size_t at);

/** Fresh weights, as model->desc.init, which is resolved, says.
 *  parameters: out [count] of the model's precision, zeroed by the caller.
 *  Returns: CLRNN_OK, CLRNN_ERR_MEMORY */
clrnn_status clr_model_init(const clrnn_model *model, uint64_t seed, void *parameters);

#endif

/* SPDX-License-Identifier: MIT
 * model/description.h - the description of a network as JSON, and as names and shapes of tensors.
 *
 * JSON fields (metadata "clrnn"): cell "lstm"|"gru"|"rnn", input_size, hidden_size, num_layers,
 * bidirectional, proj_size, bias, nonlinearity "tanh"|"relu", reset "before"|"after", update
 * "replaces"|"keeps", peepholes, input "dense"|"one_hot"|"embedding", vocabulary (array of bytes
 * 0..255), vocabulary_size, output_size; how weights were drawn: init "orthogonal"|"pytorch"|
 * "keras"|"chrono"|"irnn", longest_lag, forget_bias. Whatever names and shapes determine may be
 * left out. */
#ifndef CLR_MODEL_DESCRIPTION_H
#define CLR_MODEL_DESCRIPTION_H

#include <clrnn/model.h>

/* The names of clrnn_input in a description, ended by NULL. */
extern const char *const clr_input_names[];

/** The description of a model as one line of JSON. On success *json is the caller's, to be freed.
 */
clrnn_status clr_description_write(const clrnn_model_desc *desc, const clrnn_log *log, char **json);

/**
 * Find out what model a set of tensors holds: from metadata "clrnn" if there is one, else PyTorch's
 * conventions: rows of weight_hh_l0 over its columns give the cell (4 LSTM, 3 GRU, 1 RNN tanh; with
 * weight_hr_l0 an LSTM with projection), a GRU resets after and keeps.
 * Every tensor that the model needs is then present with its exact shape and a float dtype.
 *
 * prefix: receives "rnn." or "", what the network's names begin with.
 * vocabulary: [256], filled if the description has one; desc->vocabulary then points to it.
 * Returns: CLRNN_OK; CLRNN_ERR_FORMAT (the log names tensor or field, what was found and what was
 *          expected); CLRNN_ERR_UNSUPPORTED in a build without safetensors (clr_description_write
 *          too); CLRNN_ERR_MEMORY
 */
clrnn_status clr_description_read(const clrnn_tensors *set, const clrnn_log *log,
                                  clrnn_model_desc *desc, uint8_t vocabulary[256],
                                  const char **prefix);

#endif

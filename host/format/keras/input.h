/* SPDX-License-Identifier: MIT
 * format/keras/input.h - the inputs of a Keras model. */
#ifndef CLR_FORMAT_KERAS_INPUT_H
#define CLR_FORMAT_KERAS_INPUT_H

#include "format/keras/keras.h"

/** Add an input of the graph. shape: as the file has it; ids, mask: what it is. */
clrnn_status clr_keras_add_input(const clr_keras *k, const char *name, const cJSON *shape, bool ids,
                                 bool mask);

/** The shape that a layer says its input has; NULL. */
const cJSON *clr_keras_input_shape(const cJSON *layer);

/** Whether the caller knows of sequences of different lengths. */
bool clr_keras_wishes_differ(const clrnn_import_desc *wishes);

/** That each size that was asked for is of an input, and that its time has it.
 *  Returns: CLRNN_OK, CLRNN_ERR_ARGUMENT (the message names it) */
clrnn_status clr_keras_check_sizes(const clrnn_import_desc *wishes, const clrnn_graph *graph,
                                   const char *file, const clrnn_log *log);

/** Whether a layer is an Embedding, or a model or wrapper that begins with one. */
bool clr_keras_reads_symbols(const cJSON *layer);

#endif

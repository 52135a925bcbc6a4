/* SPDX-License-Identifier: MIT
 * format/keras/calls.h - the calls of layers that a Keras model is. */
#ifndef CLR_FORMAT_KERAS_CALLS_H
#define CLR_FORMAT_KERAS_CALLS_H

#include "format/keras/history.h"

/* A call of a layer: of a shared one there are several. */
typedef struct clr_keras_call {
    const cJSON *layer;   /* {"class_name", "config", "inbound_nodes"} */
    const cJSON *inbound; /* of this call; NULL: it is an input */
    uint32_t number;      /* of the layer's calls */
    uint32_t first;       /* what the file calls number 0: 1 of models before Keras 3 */
    uint32_t classes;     /* layers of its class before it */
    bool done;
    clr_keras_value outputs[CLR_KERAS_OUTPUTS];
    uint32_t output_count;
} clr_keras_call;

typedef struct clr_keras_builder {
    clr_keras k;
    clr_keras_call *calls; /* [count], owned */
    uint32_t count;
    bool sequential;
    /* of a model that is a layer: what it reads; else NULL */
    const clr_keras_value *given;
    uint32_t given_count;
} clr_keras_builder;

/** What a layer of the file says of itself: a text, its class ("?" if none), its name (NULL). */
const char *clr_keras_text_of(const cJSON *object, const char *key);
const char *clr_keras_type_of(const cJSON *layer);
const char *clr_keras_name_of(const cJSON *layer);
bool clr_keras_is_input(const cJSON *layer);

/** Returns: CLRNN_ERR_FORMAT, told to the log. */
clrnn_status clr_keras_damaged(const clr_keras_builder *b, const char *what);

/** b->calls of all layers of a model's config, in the order of the file; to be freed. */
clrnn_status clr_keras_list_calls(clr_keras_builder *b, const cJSON *config, const cJSON *layers);

/** TensorFlow's functions among the layers of a model, and of models in it, as operations of
 *  keras.ops (tensorflow.c). false: out of memory. */
bool clr_keras_rename(cJSON *model, unsigned depth);

/** The call that a value comes from; NULL. */
const clr_keras_call *clr_keras_find_call(const clr_keras_builder *b, const clr_history *h);

/** Whether what reads an input takes it for symbols. */
bool clr_keras_is_of_symbols(const clr_keras_builder *b, const char *name);

#endif

/* SPDX-License-Identifier: MIT
 * model/description_reader.h - what the readers of a description share. */
#ifndef CLR_MODEL_DESCRIPTION_READER_H
#define CLR_MODEL_DESCRIPTION_READER_H

#include <cjson/cJSON.h>

#include <clrnn/model.h>
#include <clrnn/tensors.h>

#include "base/log.h"

typedef struct clr_reader {
    const clrnn_tensors *set;
    const clrnn_log *log;
    cJSON *json;         /* the metadata, or NULL */
    const char *prefix;  /* "rnn." or "" */
    bool *claimed;       /* [count] tensors that the model needs, as in set->by_name */
    clrnn_status status; /* of the first failure; later steps then do nothing */
} clr_reader;

/* The file is wrong, for this reason. */
#define WRONG(r, ...) (void)((r)->status = clr_fail((r)->log, CLRNN_ERR_FORMAT, __VA_ARGS__))

/* A field of the JSON, or NULL. */
const cJSON *clr_reader_field(clr_reader *r, const char *name);

/* How the weights were drawn; a file need not say. */
void clr_reader_init(clr_reader *r, clrnn_init_desc *init);

#endif

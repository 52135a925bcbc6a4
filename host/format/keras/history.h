/* SPDX-License-Identifier: MIT
 * format/keras/history.h - which values a call of a Keras layer reads. */
#ifndef CLR_FORMAT_KERAS_HISTORY_H
#define CLR_FORMAT_KERAS_HISTORY_H

#include "format/keras/keras.h"

enum { CLR_MOST_CALLS = 512 };

/* What a call reads: layer, call of it, output of that. */
typedef struct clr_history {
    const char *layer;
    uint32_t call, output;
} clr_history;

typedef struct clr_histories {
    clr_history list[CLR_KERAS_INPUTS];
    uint32_t count;
    clr_history mask;     /* of the call; layer NULL: none is given */
    clr_history masks[3]; /* of a call of several values, of each; layer NULL: none */
    clr_history attention_mask;
    bool causal, scores;           /* use_causal_mask, return_attention_scores */
    double number;                 /* an argument that is a number, as operations have it */
    bool has_number, number_first; /* first: before all values */
    const char *unknown;           /* an argument that is no value of the graph */
} clr_histories;

/** Add all values in the arguments of a call, in order: "inbound_nodes" of Keras 3, {"args": [..],
 *  "kwargs": {..}}, and of Keras 2, [["name",0,0,{..}]..]. depth: 0 */
void clr_history_collect(const cJSON *item, clr_histories *all, unsigned depth);

#endif

/* SPDX-License-Identifier: MIT
 * format/keras_history.h - which values a call of a Keras layer reads. */
#ifndef CLR_FORMAT_KERAS_HISTORY_H
#define CLR_FORMAT_KERAS_HISTORY_H

#include "format/keras.h"

enum { CLR_MOST_CALLS = 512 };

/* What a call reads: layer, call of it, output of that. */
typedef struct clr_history {
    const char *layer;
    uint32_t call, output;
} clr_history;

typedef struct clr_histories {
    clr_history list[CLR_KERAS_INPUTS];
    uint32_t count;
    clr_history mask; /* of the call; layer NULL: none is given */
    bool no_mask;     /* null is: Keras takes that of the values */
    double number;    /* an argument that is a number, as operations have it */
    bool has_number;
    const char *unknown; /* an argument that is no value of the graph */
} clr_histories;

/** Add all values in the arguments of a call, in order: "inbound_nodes" of Keras 3, {"args": [..],
 *  "kwargs": {..}}, and of Keras 2, [["name",0,0,{..}]..]. depth: 0 */
void clr_history_collect(const cJSON *item, clr_histories *all, unsigned depth);

#endif

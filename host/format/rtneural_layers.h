/* SPDX-License-Identifier: MIT
 * format/rtneural_layers.h - the layers of RTNeural's JSON. */
#ifndef CLR_FORMAT_RTNEURAL_LAYERS_H
#define CLR_FORMAT_RTNEURAL_LAYERS_H

#include "format/numbers.h"

/* A model that is read, and the layer that is next. */
typedef struct clr_rtneural {
    const clr_format_file *file;
    const clrnn_log *log;
    clrnn_graph *graph;
    uint32_t number; /* of the layer */
    const cJSON *layer;
    const char *type;
    char name[64];     /* of its node */
    uint32_t in, out;  /* features before and behind it */
    double *values[4]; /* weights; owned */
} clr_rtneural;

/** Add the layer: its nodes and their parameters. Returns: as clrnn_graph_import */
clrnn_status clr_rtneural_layer(clr_rtneural *r);

#endif

/* SPDX-License-Identifier: MIT
 * format/rtneural_put.h - pieces of RTNeural's JSON, and its recurrent layers. */
#ifndef CLR_FORMAT_RTNEURAL_PUT_H
#define CLR_FORMAT_RTNEURAL_PUT_H

#include <clrnn/graph_parameters.h>

#include "model/json.h"

typedef struct clr_rtneural_writer {
    const clrnn_graph *graph;
    const clrnn_log *log;
    const char *path;
    clr_json json;
    uint32_t layers; /* begun so far */
} clr_rtneural_writer;

/** The error of a node that RTNeural has no form for. */
clrnn_status clr_rtneural_no_form(const clr_rtneural_writer *w, const clrnn_node_desc *node,
                                  const char *why);

void clr_rtneural_real(clr_rtneural_writer *w, double value);

/** A layer up to its weights, which the caller puts and ends with "]}". */
void clr_rtneural_begin(clr_rtneural_writer *w, const char *type, const char *activation,
                        uint64_t width);

/** Where a parameter begins; it is there. */
size_t clr_rtneural_offset(const clr_rtneural_writer *w, const clrnn_node_desc *node,
                           const char *leaf);

/** [count] numbers from `at` on, `stride` apart; or zeros. */
void clr_rtneural_row(clr_rtneural_writer *w, size_t at, size_t count, size_t stride);
void clr_rtneural_zeros(clr_rtneural_writer *w, size_t count);

/** All layers of a recurrent node, or the error of what has no form. */
clrnn_status clr_rtneural_recurrent(clr_rtneural_writer *w, const clrnn_node_desc *node);

#endif

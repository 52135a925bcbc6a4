/* SPDX-License-Identifier: MIT
 * graph_pass.h - one pass of a model of any format over given arrays. */
#ifndef TOOL_GRAPH_PASS_H
#define TOOL_GRAPH_PASS_H

#include "tool.h"

#define GRAPH_ARRAYS 64

/* A pass: the model, and what goes in. The shapes of the arrays are those of its inputs, so that
 * whatever depends on them is known when the model is read. */
typedef struct graph_pass {
    const char *path;
    clrnn_precision precision;
    clrnn_strategy strategy;
    clrnn_import_input inputs[GRAPH_ARRAYS]; /* name (NULL: by its place) and value */
    uint32_t count;
    const clrnn_import_size *sizes; /* of axes that are open and in no array */
    uint32_t size_count;
    const char *arch, *prefix;
    bool zeros; /* inputs that are not given are 0, and a warning says so */
} graph_pass;

/** An array of the pass. False: there are too many. */
bool graph_pass_add(graph_pass *pass, const char *name, const clrnn_tensor *value);

/** Run it. *outputs: all outputs by name, in order; the caller's. Returns: as the functions of the
 *  library that it calls; CLRNN_ERR_ARGUMENT also for an input that is not given. */
clrnn_status graph_pass_run(clrnn_context *context, const graph_pass *pass,
                            clrnn_tensors **outputs);

#endif

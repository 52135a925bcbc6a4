/* SPDX-License-Identifier: MIT
 * graph_pass.h - one pass of a model of any format over given arrays. */
#ifndef TOOL_GRAPH_PASS_H
#define TOOL_GRAPH_PASS_H

#include "tool.h"

#define GRAPH_ARRAYS 64

/* How long the blocks of a stream took: seconds. */
typedef struct graph_times {
    size_t blocks;
    double median, late, worst; /* late: what 99.9 % do not exceed */
} graph_times;

/* A pass: the model, and what goes in. The shapes of the arrays are those of its inputs, so that
 * whatever depends on them is known when the model is read. */
typedef struct graph_pass {
    const char *path;
    clrnn_precision precision;
    clrnn_strategy strategy;
    clrnn_import_input inputs[GRAPH_ARRAYS]; /* name (NULL: by its place) and value */
    bool
        sound[GRAPH_ARRAYS]; /* the value is [frames,channels], in whatever order the model wants */
    uint32_t count;
    const clrnn_import_size *sizes; /* of axes that are open and in no array */
    uint32_t size_count;
    const char *arch, *prefix;
    bool zeros;              /* inputs that are not given are 0, and a warning says so */
    bool batch_first;        /* arrays that begin with T and N in any order are [N,T,..] in files */
    uint32_t block;          /* steps of a block of a stream; 0: one pass */
    graph_times times;       /* out, of a stream */
    int timed[GRAPH_ARRAYS]; /* out, of each output: which axis is time, or -1 */
} graph_pass;

/** An array of the pass; or a sound, [frames,channels]: its channels are rows, or the features of
 *  a model that has as many. False: there are too many. */
bool graph_pass_add(graph_pass *pass, const char *name, const clrnn_tensor *value);
bool graph_pass_add_sound(graph_pass *pass, const char *name, const clrnn_tensor *value);

/** Run it. *outputs: all outputs by name, in order; the caller's. Returns: as the functions of the
 *  library that it calls; CLRNN_ERR_ARGUMENT also for an input that is not given. */
clrnn_status graph_pass_run(clrnn_context *context, graph_pass *pass, clrnn_tensors **outputs);

#endif

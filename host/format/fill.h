/* SPDX-License-Identifier: MIT
 * format/fill.h - the parameters of a graph from named tensors: each from one, and none left over.
 */
#ifndef CLR_FORMAT_FILL_H
#define CLR_FORMAT_FILL_H

#include <clrnn/graph_parameters.h>

#include "model/json.h"

/* Where values come from. Zero-initialise. */
typedef struct clr_fill_source {
    const clrnn_tensors *set;
    const char *file;   /* in messages */
    const char *prefix; /* of the tensors' names, which is not of the parameters'; NULL: none */
    /* Or NULL: {PARAMETER: TENSOR..}, where TENSOR is a name or {"tensor": NAME, "transpose": bool,
     * "gates": "ifco"}: the matrix in the file is turned round, its gates stand in that order. */
    const cJSON *tensors;
    const cJSON *unused; /* or NULL: [NAME..], not needed; a name may end in '*' */
} clr_fill_source;

/**
 * Fill all parameters. One that `tensors` does not name comes from the tensor of its own name; if
 * there is none, from "NODE.weight_ih" for "NODE.weight_ih_l0" (a PyTorch cell), "NODE" for
 * "NODE.value" (a constant), and the name without "NODE." if it is the whole name of a tensor (a
 * module that is the whole file). Tensors "..num_batches_tracked" and
 * "..n_averaged" are not needed.
 *
 * Returns: CLRNN_OK; CLRNN_ERR_FORMAT (the log names the parameter without a tensor or of another
 *          shape, or the first tensor that belongs to none); CLRNN_ERR_MEMORY
 */
clrnn_status clr_graph_fill(clrnn_graph *graph, const clr_fill_source *source,
                            const clrnn_log *log);

/** "layers.0.weight [4,3]" .. of the tensors whose used[i] is false; used may be NULL. Into `text`.
 */
void clr_list_tensors(const clrnn_tensors *set, const bool *used, char *text, size_t size);

#endif

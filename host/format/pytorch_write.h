/* SPDX-License-Identifier: MIT
 * format/pytorch_write.h - a graph in the forms that PyTorch's modules have. */
#ifndef CLR_FORMAT_PYTORCH_WRITE_H
#define CLR_FORMAT_PYTORCH_WRITE_H

#include <clrnn/graph_parameters.h>

/**
 * A copy of a graph whose recurrent nodes are PyTorch's: two biases, and a GRU whose open update
 * gate keeps, which is the same function with the rows of z negated.
 *
 * Ownership: on success *copy is the caller's. On failure NULL.
 * Returns:   CLRNN_OK; CLRNN_ERR_UNSUPPORTED (the log names the node and what PyTorch's has not);
 *            CLRNN_ERR_MEMORY
 */
clrnn_status clr_graph_as_pytorch(const clrnn_graph *graph, clrnn_graph **copy);

/** clr_format's write: safetensors, with the description of the copy. */
clrnn_status clr_pytorch_write(const clrnn_graph *graph, const char *path, const clrnn_log *log);

#endif

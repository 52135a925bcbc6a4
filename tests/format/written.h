/* SPDX-License-Identifier: MIT
 * tests/format/written.h - graphs written as ONNX and read back. */
#ifndef TEST_FORMAT_WRITTEN_H
#define TEST_FORMAT_WRITTEN_H

#include <clrnn/format.h>

#include "graph/drawn.h"

/** A file of this name in the folder of the test; static storage. */
const char *onnx_path(const char *name);

clrnn_graph *onnx_read_back(const char *path, const clrnn_import_desc *desc);

/** Write it; false where a node has no form, which the message must say. Any other failure fails
 *  the test. */
bool onnx_written(const drawn_graph *d, const char *path);

/** That nodes and parameters are the same, these to the bit. */
void assert_same_graphs(const clrnn_graph *a, const clrnn_graph *b);

/** Write, read back, compare; *refused counts what has no form. */
void onnx_round_trip(const drawn_graph *d, uint32_t *refused);

/** Compare outputs of a graph with those that the nodes of its file give, whatever the description
 *  in it says. known: T and N are numbers. False: the reader knows too little of it. */
bool onnx_meant(const drawn_graph *d, bool known);

#endif

/* SPDX-License-Identifier: MIT
 * tests/graph/left.h - drawn graphs and their passes in files, for other programs to repeat. */
#ifndef TEST_GRAPH_LEFT_H
#define TEST_GRAPH_LEFT_H

#include "drawn.h"

/**
 * Write FOLDER/SEED.safetensors: the graph as clrnn_graph_save does, T, N, seed and number of the
 * dropout, and whether it trained in the metadata "pass", and beside the parameters, in the
 * precision of the graph, `lengths` if there are any and
 *   in.INPUT     what went in
 *   out.OUTPUT   what the reference makes of it; own.OUTPUT: what the device made
 * and of a pass that trained
 *   dout.OUTPUT  the gradients that went in; din.INPUT, d.PARAMETER: those that the device gave
 *   after.PARAMETER   parameters, of which batch norm changes its own, after it
 */
void drawn_leave(const drawn_graph *drawn, const drawn_pass *pass, bool train, const char *folder);

#endif

/* SPDX-License-Identifier: MIT
 * format/onnx_cell.h - what the attributes of RNN, LSTM and GRU say. */
#ifndef CLR_FORMAT_ONNX_CELL_H
#define CLR_FORMAT_ONNX_CELL_H

#include "format/onnx.h"

#ifndef CLRNN_ACTIVATIONS
typedef struct clrnn_activation {
    clrnn_function function;
    float alpha, beta;
} clrnn_activation;
#define CLRNN_ACTIVATIONS_LOCAL 3
#else
#define CLRNN_ACTIVATIONS_LOCAL CLRNN_ACTIVATIONS
#endif

typedef struct onnx_cell {
    clrnn_network_desc network;
    uint32_t gates, directions, H;
    bool layout; /* N first */
    bool reverse, coupled;
    float clip;
    clrnn_activation activations[2][CLRNN_ACTIVATIONS_LOCAL];
} onnx_cell;

/** All of them; H from R where hidden_size is left out. */
clrnn_status onnx_read_cell(onnx_node *n, onnx_cell *cell);

#endif

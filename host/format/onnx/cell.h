/* SPDX-License-Identifier: MIT
 * format/onnx/cell.h - what the attributes of RNN, LSTM and GRU say. */
#ifndef CLR_FORMAT_ONNX_CELL_H
#define CLR_FORMAT_ONNX_CELL_H

#include "format/onnx/onnx.h"

typedef struct onnx_cell {
    clrnn_network_desc network;
    uint32_t gates, directions, H;
    bool layout; /* N first */
} onnx_cell;

/** All of them; H from R where hidden_size is left out. */
clrnn_status clr_onnx_read_cell(onnx_node *n, onnx_cell *cell);

#endif

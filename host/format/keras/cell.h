/* SPDX-License-Identifier: MIT
 * format/keras/cell.h - the weights of a recurrent layer as Keras and RTNeural keep them. */
#ifndef CLR_FORMAT_KERAS_CELL_H
#define CLR_FORMAT_KERAS_CELL_H

#include <clrnn/graph_parameters.h>

/* Arrays of one layer and direction; gates in Keras's order, LSTM i f c o, GRU z r h. */
typedef struct clr_keras_cell {
    const double *kernel;    /* [I,G*H] */
    const double *recurrent; /* [H,G*H] */
    const double *bias;      /* [G*H], of two_biases [2,G*H]; NULL: none */
    bool two_biases;         /* a GRU that resets after: of W x, of U h */
} clr_keras_cell;

/**
 * Put them into a recurrent node of one layer that has been added, in this library's order. Where
 * the node has two biases and the layer one, the second is 0.
 *
 * suffix: "_l0" or "_l0_reverse"
 * Returns: CLRNN_OK, CLRNN_ERR_MEMORY, CLRNN_ERR_ARGUMENT (no such node)
 */
clrnn_status clr_keras_cell_put(clrnn_graph *graph, const char *node, const char *suffix,
                                const clr_keras_cell *cell);

#endif

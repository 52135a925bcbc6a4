/* SPDX-License-Identifier: MIT
 * format/keras/recurrent.h - what a recurrent layer of Keras is, for one direction and both. */
#ifndef CLR_FORMAT_KERAS_RECURRENT_H
#define CLR_FORMAT_KERAS_RECURRENT_H

#include "format/keras/keras.h"

enum { CLR_KERAS_CELLS = 8 };

/* What a layer's config says: its cells, one behind the other, and what it gives. */
typedef struct clr_keras_form {
    clrnn_network_desc cells[CLR_KERAS_CELLS];
    const char *types[CLR_KERAS_CELLS]; /* classes of cells, or of the layer */
    uint32_t count;
    bool stacked;                             /* they are of StackedRNNCells, if only one */
    float dropout;                            /* of x, by one mask for all steps */
    bool sequences, states, backwards, zeros; /* zeros: y of masked steps */
} clr_keras_form;

/* What it reads, as its nodes read it. */
typedef struct clr_keras_steps {
    clr_keras_value x;
    uint32_t in;  /* features */
    int64_t rows; /* CLRNN_BATCH; CLRNN_REST for the N*T of TimeDistributed */
    bool whole;   /* its steps are T */
    bool turned;  /* no axis of it is T or N: time stands first, as nodes take it then */
} clr_keras_steps;

/* The weights of a cell, owned; gates in Keras's order (format/keras/cell.h). */
typedef struct clr_keras_weights {
    double *kernel, *recurrent, *bias;
    bool two_biases;
} clr_keras_weights;

/** Read them; to be freed, also on failure. part: "cell/", "forward_layer/cell/", ..; first: how
 *  many weights the layer has before them. */
clrnn_status clr_keras_read_cell(const clr_keras *k, const char *type, const clrnn_network_desc *n,
                                 const char *part, uint32_t first, uint32_t in,
                                 clr_keras_weights *w);
void clr_keras_cell_free(clr_keras_weights *w);

/** From k->config, of a layer of that class. */
clrnn_status clr_keras_take_form(clr_keras *k, const char *type, clr_keras_form *f);

/** States of a cell; of all. */
uint32_t clr_keras_states(const clrnn_network_desc *n);
uint32_t clr_keras_all_states(const clr_keras_form *f);

/** Weights of cell i to a node. root: what stands before "cell/" ("forward_layer/"); first: how
 *  many weights the layer has before them; suffix: of parameters ("_l0_reverse") */
clrnn_status clr_keras_put_weights(const clr_keras *k, const clr_keras_form *f, uint32_t i,
                                   const char *node, uint32_t in, const char *root, uint32_t first,
                                   const char *suffix);

/** s of input 0, with dropout; y as it was before. */
clrnn_status clr_keras_enter(clr_keras *k, const clr_keras_form *f, clr_keras_steps *s);
clrnn_status clr_keras_leave(clr_keras *k, const clr_keras_steps *s, clr_keras_value *y);

/** A part of a value's axis; the state "hn" or "cn" [L*D,N,H] of one direction as [N,H]. */
clrnn_status clr_keras_cut(clr_keras *k, const char *value, uint32_t axis, int64_t begin,
                           int64_t end, int64_t step, const char *suffix, clr_keras_value *out);
clrnn_status clr_keras_take_state(clr_keras *k, const char *state, int64_t rows,
                                  const clrnn_network_desc *n, uint32_t direction,
                                  const char *suffix, clr_keras_value *out);

/** All cells of one direction: y, and states if it gives them, to k->outputs. state: the input
 *  that is the first of its states, or 0; in_order: y of a layer that goes backwards stays in the
 *  order of x; root, first: as above */
clrnn_status clr_keras_one_way(clr_keras *k, const clr_keras_form *f, const char *root,
                               uint32_t first, uint32_t state, bool in_order);

#endif

/* SPDX-License-Identifier: MIT
 * format/keras/keras.h - a Keras model while it becomes a graph: its layers one after the other.
 *
 * The graph keeps Keras's order of axes, [N,T,F]. A layer's nodes have its name, and helpers the
 * name with a dot and more. Of its config each member is one that the layer knows, or that says
 * nothing about what it computes; any other is an error. */
#ifndef CLR_FORMAT_KERAS_H
#define CLR_FORMAT_KERAS_H

#include <clrnn/format.h>

#include "model/json.h"

enum {
    CLR_KERAS_INPUTS = CLRNN_MOST_INPUTS,
    CLR_KERAS_OUTPUTS = 9,
    CLR_KERAS_NAME = 256,
    CLR_KERAS_DEPTH = 8
};

typedef struct clr_keras_value {
    char name[CLR_KERAS_NAME]; /* of the value in the graph */
    char mask[CLR_KERAS_NAME]; /* of its mask [N,T], 1 or 0 a step, which layers pass on; or "" */
} clr_keras_value;

typedef struct clr_keras {
    const char *file;
    const clrnn_log *log;
    clrnn_graph *graph;
    const clrnn_tensors *weights;    /* format/hdf5/h5.h; NULL: none yet */
    bool before_3;                   /* the version of Keras, where functions differ */
    const clrnn_import_desc *wishes; /* shapes of inputs that the caller knows */
    bool apart; /* inputs have times of different lengths: no T is that of all */
    bool fixed; /* time has the size that the file says, where it says one; else it is T */
    /* of a model in a model: what stands before its keys and nodes, the layer of the outermost
     * model that it is, or NULL, and how many models it is in */
    char root[CLR_KERAS_NAME], prefix[CLR_KERAS_NAME];
    const char *outer;
    uint32_t depth;
    uint32_t layers;                           /* added, of all models */
    uint32_t windows;                          /* how long all are that pool, of all models */
    clrnn_status (*nest)(struct clr_keras *k); /* adds a model that is a layer: topology.c */

    /* the layer that is being added */
    const char *type; /* "LSTM" */
    const char *name; /* "lstm_1" */
    const cJSON *config;
    char node[CLR_KERAS_NAME]; /* what its nodes are called: the name, and where it is used again a
                                  number */
    char key[CLR_KERAS_NAME];  /* of its weights in a file of Keras 3: "layers/lstm_1" */
    uint32_t parts;            /* nodes that have been numbered (clr_keras_part) */
    clr_keras_value inputs[CLR_KERAS_INPUTS];
    uint32_t input_count;
    char mask[CLR_KERAS_NAME]; /* of the call: the one that is given, or that of the first input */
    char attention_mask[CLR_KERAS_NAME]; /* that is given; "" */
    bool causal, scores; /* of attention: no step looks ahead; its scores are an output */
    bool operation;      /* one of keras.ops, or the file does not say */
    bool is_operation;   /* it is said to be one */
    double number;       /* an operation's argument that is one */
    bool has_number, number_first;
    const cJSON *call; /* what the file says of the call: an operation's other arguments */
    clr_keras_value outputs[CLR_KERAS_OUTPUTS]; /* out */
    uint32_t output_count;
} clr_keras;

/* A class of layers, and who adds one. */
typedef struct clr_keras_type {
    const char *type;
    clrnn_status (*add)(clr_keras *k);
} clr_keras_type;

/** Add the layer if it is one of them; the list ends with NULL. */
clrnn_status clr_keras_one_of(clr_keras *k, const clr_keras_type *types, bool *is);

/* --- config: config.c ------------------------------------------------------------------------- */

clrnn_status clr_keras_wrong(const clr_keras *k, const char *what);
clrnn_status clr_keras_unsupported(const clr_keras *k, const char *what, const char *which);

/** See that of the config's members all but those of `known` (ended by NULL) say nothing. */
clrnn_status clr_keras_check(const clr_keras *k, const char *const *known);

/** A member of the config; NULL where it is not there, or null. */
const cJSON *clr_keras_member(const clr_keras *k, const char *name);
bool clr_keras_flag(const clr_keras *k, const char *name, bool otherwise);
double clr_keras_number(const clr_keras *k, const char *name, double otherwise);

/** The share that a dropout drops; 0 where Keras drops nothing, as at 1. */
float clr_keras_rate(const clr_keras *k, const char *name);

const char *clr_keras_text(const clr_keras *k, const char *name, const char *otherwise);
/** A size, or the first of a list of one; false if it is none. */
bool clr_keras_size(const clr_keras *k, const char *name, uint32_t *size);
/** `count` sizes, a list of so many or one for all. */
bool clr_keras_sizes(const clr_keras *k, const char *name, uint32_t count, uint32_t *sizes);

/** A function by the member that names it. *function is IDENTITY for "linear"; *softmax: it is
 *  softmax or log_softmax, which are nodes (kind receives which). Else NULL must not be passed. */
clrnn_status clr_keras_function(const clr_keras *k, const char *member, const char *otherwise,
                                clrnn_node_desc *function, clrnn_node_kind *softmax);

/* --- weights ---------------------------------------------------------------------------------- */

/** Weight i of a part of the layer ("", "cell/", "forward_layer/cell/", "layer/"; `first` is how
 *  many weights the parts before it have) as float64, which must be of that shape; to be freed. */
clrnn_status clr_keras_weight(const clr_keras *k, const char *part, uint32_t first, uint32_t i,
                              uint32_t rank, const uint64_t *shape, double **values);

bool clr_keras_has_weight(const clr_keras *k, const char *part, uint32_t first, uint32_t i);

/** Set k->key: where a file of Keras 3 has the layer's weights. number: of layers of its class
 *  before it. */
void clr_keras_find_key(clr_keras *k, uint32_t number);

/** How many weights the layer has; UINT32_MAX if that cannot be told. */
uint32_t clr_keras_weight_count(const clr_keras *k);

/* --- nodes ------------------------------------------------------------------------------------ */

/** The value that is the layer's input i. */
clrnn_status clr_keras_value_info(const clr_keras *k, const char *value, clrnn_value_info *info);

/** Add a node called `node` and `suffix`, which reads `input` (NULL: as desc says); its value. */
clrnn_status clr_keras_add(clr_keras *k, const clrnn_node_desc *desc, const char *suffix,
                           const char *input, clr_keras_value *value);

/** Set parameter NODE.leaf. */
clrnn_status clr_keras_set(const clr_keras *k, const char *leaf, const double *values,
                           size_t count);

/** The same with axis i that of `from` [shape] which is order[i]. */
clrnn_status clr_keras_set_moved(const clr_keras *k, const char *leaf, const double *from,
                                 uint32_t rank, const uint64_t *shape, const uint32_t *order);

clrnn_status clr_keras_set_ones(const clr_keras *k, const char *leaf, size_t count);

/** Features of what the layer reads: its last axis, which must have a size. */
clrnn_status clr_keras_features(const clr_keras *k, uint32_t *size);

/** Nodes with a number for a suffix: any; of two values; a function; a constant; over `count` axes
 *  from `first` on; a transpose; a reshape. *value is unchanged on failure, and may be what is
 * read. */
clrnn_status clr_keras_part(clr_keras *k, const clrnn_node_desc *desc, const char *input,
                            clr_keras_value *value);
clrnn_status clr_keras_pair(clr_keras *k, clrnn_node_kind kind, const char *a, const char *b,
                            clr_keras_value *value);
clrnn_status clr_keras_bend(clr_keras *k, clrnn_function function, double alpha, double beta,
                            const char *x, clr_keras_value *value);
clrnn_status clr_keras_constant(clr_keras *k, uint32_t rank, const uint64_t *shape,
                                const double *data, bool trainable, clr_keras_value *value);
clrnn_status clr_keras_reduce(clr_keras *k, clrnn_reduction reduction, uint32_t first,
                              uint32_t count, bool keep, const char *x, clr_keras_value *value);
clrnn_status clr_keras_transpose(clr_keras *k, uint32_t rank, const uint32_t *order, const char *x,
                                 clr_keras_value *value);
clrnn_status clr_keras_shape(clr_keras *k, uint32_t rank, const int64_t *shape, const char *x,
                             clr_keras_value *value);

/** A node NODE with the layer's function of its own, and a softmax behind it. */
clrnn_status clr_keras_add_bent(clr_keras *k, clrnn_node_desc *desc);

/** A function or softmax behind `value`, which becomes its result. */
clrnn_status clr_keras_activate(clr_keras *k, const char *member, clr_keras_value *value);

/* --- layers ----------------------------------------------------------------------------------- */

/** Add the layer. Returns: as clrnn_graph_import */
clrnn_status clr_keras_layer(clr_keras *k);

/** The layer by its type: that of a wrapper is what is in it. */
clrnn_status clr_keras_dispatch(clr_keras *k);

/** Layers with weights but without states; convolutions; pooling and what else changes an axis that
 *  a window slides over; functions and norms without weights; attention; *is as below. */
clrnn_status clr_keras_plain(clr_keras *k, bool *is);
clrnn_status clr_keras_window(clr_keras *k, bool *is);
clrnn_status clr_keras_pool(clr_keras *k, bool *is);
clrnn_status clr_keras_bent(clr_keras *k, bool *is);
clrnn_status clr_keras_attend(clr_keras *k, bool *is);
clrnn_status clr_keras_dot(clr_keras *k);

/** What a query's steps may look at, [N,Tq,Tv] or axes of it, with `heads` [N,1,Tq,Tv]: 1 where all
 *  masks of what the layer reads, the one that it is given and causality agree; mask->name is ""
 *  where there is none. */
clrnn_status clr_keras_may_see(clr_keras *k, bool heads, clr_keras_value *mask);

/** A mask with an axis of 1 more; *value where a condition is 1, else a number. */
clrnn_status clr_keras_deepen(clr_keras *k, const char *mask, uint32_t axis,
                              clr_keras_value *value);
clrnn_status clr_keras_select(clr_keras *k, const char *condition, double number,
                              clr_keras_value *value);

/** x / its norm along an axis. unit: may be x */
clrnn_status clr_keras_unit(clr_keras *k, uint32_t axis, const clr_keras_value *x,
                            clr_keras_value *unit);

/** How much "same" puts before and behind an axis of x; fails where that depends on T. */
clrnn_status clr_keras_same(const clr_keras *k, int64_t size, uint32_t extent, uint32_t stride,
                            uint32_t *begin, uint32_t *end);

/** Layers with states, and Bidirectional; *is says whether it is one of them. */
clrnn_status clr_keras_recurrent(clr_keras *k, bool *is);

/** The cell that one of its classes, "GRUCell" or a layer's own, is by k->config: sizes of x are
 *  not in it. */
clrnn_status clr_keras_take_cell(const clr_keras *k, const char *type, clrnn_network_desc *n);

/** Layers that merge, move and pool values, without weights; *is as above. */
clrnn_status clr_keras_moving(clr_keras *k, bool *is);

/* --- masks: mask.c ---------------------------------------------------------------------------- */

/** Masking; *is as above. */
clrnn_status clr_keras_masking(clr_keras *k, bool *is);

/** Ids as numbers; 1 where a value is not a number. */
clrnn_status clr_keras_as_numbers(clr_keras *k, const char *from, clr_keras_value *value);
clrnn_status clr_keras_differs(clr_keras *k, const char *from, double number, const char *suffix,
                               clr_keras_value *value);

/* --- operations: ops.c ------------------------------------------------------------------------ */

/** keras.ops in a functional model, also by an operator of Python; *is as above. A name that is a
 *  layer's, too, as Softmax, is left to that where the two are one. */
clrnn_status clr_keras_operation(clr_keras *k, bool *is);
/** x[..]: item.c */
clrnn_status clr_keras_item(clr_keras *k);

/** The mask of ids that are not 0, to `value`. */
clrnn_status clr_keras_mask_ids(clr_keras *k, const char *ids, clr_keras_value *value);

/** Which mask the layer's first output has, once the layer is there: of those that pass masks on
 *  that of the call, of those that merge values what they make of theirs. */
clrnn_status clr_keras_mask_pass(clr_keras *k);

/** The mask of what the layer makes of its first input, where it passes masks on: that of the call,
 *  else the value's own. */
const char *clr_keras_mask_on(const clr_keras *k);

/** The mean over the steps of the call's mask, of [N,T,F]. */
clrnn_status clr_keras_mask_mean(clr_keras *k);

/** Multiply as Keras 3 has it: what is masked is 1 in k->inputs; and in the product, k->outputs[0],
 *  0 where it is in all, which must have masks. */
clrnn_status clr_keras_mask_factors(clr_keras *k);
clrnn_status clr_keras_mask_product(clr_keras *k);

/* --- the whole: topology.c -------------------------------------------------------------------- */

/** The graph of a model's config, {"class_name": .., "config": ..}, with weights. */
clrnn_status clr_keras_build(cJSON *model, const clrnn_tensors *weights, bool before_3,
                             const char *file, const clrnn_import_desc *wishes,
                             const clrnn_log *log, clrnn_graph **graph);

#endif

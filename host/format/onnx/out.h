/* SPDX-License-Identifier: MIT
 * format/onnx/out.h - writing ONNX: what its files share.
 *
 * A graph becomes the messages of a model, node by node (out.c has the table): opset 17,
 * the newest whose operators nobody had to change since, known to ONNX Runtime from 1.12 on.
 * Elements are single or double precision as the graph is.
 *
 * Parameters become initializers piece by piece: where an element of the one is found in the other
 * is remembered, so that the same writing, of the graph that a file describes, tells how to read
 * its parameters back (restore.c).
 *
 * What is made is counted, so each call makes one thing at a time: C leaves open in which order the
 * arguments of a call are computed, and the same graph must give the same file everywhere.
 *
 * Once memory is short, or a node has no form, the writer stays failed: one test at the end will
 * do. What then is asked for is NULL or "", and taken. */
#ifndef CLR_FORMAT_ONNX_OUT_H
#define CLR_FORMAT_ONNX_OUT_H

#include "base/arena.h"
#include "base/log.h"
#include "graph/graph.h"
#include "onnx.pb-c.h"

enum { ONNX_OPSET = 17, ONNX_IR = 8 };

/* Numbers of types of elements, and of attributes. */
enum {
    ONNX_FLOAT = 1,
    ONNX_INT32 = 6,
    ONNX_INT64 = 7,
    ONNX_BOOLEAN = 9,
    ONNX_FLOAT16 = 10,
    ONNX_DOUBLE = 11,
    ONNX_BFLOAT16 = 16
};

/* Part of an initializer: rows x cols elements in a row from `to` on, which are those from `from`
 * on of the graph's flat array; transposed: they lie there as [cols, rows]. */
typedef struct onnx_piece {
    size_t tensor; /* number of the initializer */
    size_t to, from, rows, cols;
    bool transposed, negated;
} onnx_piece;

/* An array that grows in steps. */
typedef struct onnx_list {
    void **items;
    size_t count, capacity;
} onnx_list;

typedef struct onnx_out {
    const clrnn_graph *graph;
    const clrnn_log *log;
    const char *path;
    clrnn_precision precision; /* of the elements written */
    clrnn_status status;
    clr_arena arena;
    onnx_list nodes, tensors; /* of the model */
    onnx_piece *pieces;       /* [piece_count], in the order of their tensors */
    size_t piece_count, piece_capacity;
    const char **names; /* [values of the graph]: what they are called in the model */
    bool *used;         /* [values]: a node reads it, or it is an output */
    const clr_node *node;
    uint32_t made; /* names of this node */
    char mark[16]; /* between a node's name and what is made for it: in no name of the graph */
    ClrOnnx__Model *model;
} onnx_out;

/** The model of a graph, into out->model; elements of its parameters are in their initializers.
 *  out: graph, log, path (for messages) and precision are set, arena.most may be (a hostile
 *  description asks for more than there can be), the rest is 0. Whatever it returns,
 *  out is to be freed by clr_onnx_out_free. Returns: as clrnn_graph_export. */
clrnn_status clr_onnx_out_make(onnx_out *out);
void clr_onnx_out_free(onnx_out *out);

/* --- memory (out_base.c) ----------------------------------------------------------------- */

void *clr_out_get(onnx_out *out, size_t count, size_t size);
char *clr_out_copy(onnx_out *out, const char *text);

/* --- messages (out_proto.c) -------------------------------------------------------------- */

void clr_out_append(onnx_out *out, onnx_list *list, void *item);
void clr_out_property(onnx_out *out, ClrOnnx__Model *model, const char *key, const char *value);

/** Node `op` with `count` inputs (const char *; "" or NULL: left out), whose output is y. */
ClrOnnx__Node *clr_out_op(onnx_out *out, const char *op, const char *y, unsigned count, ...);
/** One with two inputs and an output that is made up: its name. */
const char *clr_out_made(onnx_out *out, const char *op, const char *a, const char *b);
/** One more output of it. */
void clr_out_output(onnx_out *out, ClrOnnx__Node *node, const char *name);

/* Attributes; node may be NULL. */
void clr_out_int(onnx_out *out, ClrOnnx__Node *node, const char *name, int64_t value);
void clr_out_ints(onnx_out *out, ClrOnnx__Node *node, const char *name, const int64_t *values,
                  size_t count);
void clr_out_float(onnx_out *out, ClrOnnx__Node *node, const char *name, double value);
void clr_out_floats(onnx_out *out, ClrOnnx__Node *node, const char *name, const float *values,
                    size_t count);
void clr_out_word(onnx_out *out, ClrOnnx__Node *node, const char *name, const char *value);
void clr_out_words(onnx_out *out, ClrOnnx__Node *node, const char *name, const char *const *values,
                   size_t count);

/* Initializers; each returns its name. */
const char *clr_out_shape(onnx_out *out, const int64_t *values, size_t count); /* int64 [count] */
const char *clr_out_index(onnx_out *out, int64_t value);                       /* int64 [] */
const char *clr_out_whole(onnx_out *out, const int32_t *values, size_t count); /* int32 [count] */
const char *clr_out_real(onnx_out *out, double value);                         /* [] */
const char *clr_out_filled(onnx_out *out, uint32_t rank, const int64_t *dims, double value);
/** Zeros, to be filled by pieces or by the caller in ->raw_data; suffix: of its name. */
ClrOnnx__Tensor *clr_out_tensor(onnx_out *out, const char *suffix, uint32_t rank,
                                const int64_t *dims);
/** A piece of the initializer that was made last. */
void clr_out_piece(onnx_out *out, onnx_piece piece);
/** A parameter of the node as it is. */
const char *clr_out_parameter(onnx_out *out, const char *leaf);

/* --- names and shapes (out_base.c) ------------------------------------------------------- */

/** A name that nothing else has: "NODE#3". */
const char *clr_out_fresh(onnx_out *out);
const char *clr_out_named(onnx_out *out, const char *suffix);

/** The node has no form in ONNX: why, in words that end the line. */
void clr_out_refuse(onnx_out *out, const char *why, ...) CLR_PRINTF(2, 3);

/** What its input k (NULL: left out), and its output k (NULL: nobody wants it) are called. */
const char *clr_out_in(const onnx_out *out, uint32_t k);
const char *clr_out_name(const onnx_out *out, uint32_t k);
const clr_shape *clr_out_in_shape(const onnx_out *out, uint32_t k);

/** Whether an axis of an input is a number, the same whatever T and N. */
bool clr_out_is_fixed(const onnx_out *out, uint32_t k, uint32_t axis);

/** A parameter of the node by the end of its name ("weight_ih_l0"), or NULL. */
const clrnn_graph_parameter *clr_out_find(const onnx_out *out, const char *leaf);

/** The number of the type of elements that are no ids. */
int32_t clr_out_type(const onnx_out *out);

/* --- what kinds share (out_map.c) -------------------------------------------------------- */

/** y = function(x) of the node. */
void clr_out_function(onnx_out *out, const char *x, const char *y);
/** Where to put what the node's function is still to be taken of: y itself where it has none. */
const char *clr_out_before_function(onnx_out *out, const char *y);
void clr_out_transpose(onnx_out *out, const char *x, const uint32_t *order, uint32_t rank,
                       const char *y);
/* Part of a value. */
typedef struct onnx_cut {
    uint32_t rank;
    const int64_t *begin, *end, *axes, *step; /* [rank]; axes NULL: the first ones; step NULL: 1 */
} onnx_cut;
void clr_out_cut(onnx_out *out, const char *x, onnx_cut cut, const char *y);

/** The axis of a value as [1]: int64. */
const char *clr_out_axis_size(onnx_out *out, const char *x, int64_t axis);

/* --- kinds ------------------------------------------------------------------------------------ */

/* Each writes the node that out->node is. */
void clr_out_activation(onnx_out *out);
void clr_out_softmax(onnx_out *out);
void clr_out_pair(onnx_out *out);
void clr_out_compare(onnx_out *out);
void clr_out_select(onnx_out *out);
void clr_out_dropout(onnx_out *out);
void clr_out_cast(onnx_out *out);
void clr_out_constant(onnx_out *out);
void clr_out_dense(onnx_out *out);
void clr_out_matmul(onnx_out *out);
void clr_out_embedding(onnx_out *out);
void clr_out_one_hot(onnx_out *out);
void clr_out_gather(onnx_out *out);
void clr_out_concat(onnx_out *out);
void clr_out_slice(onnx_out *out);
void clr_out_reshape(onnx_out *out);
void clr_out_move(onnx_out *out);
void clr_out_pad(onnx_out *out);
void clr_out_expand(onnx_out *out);
void clr_out_conv(onnx_out *out);
void clr_out_batch_norm(onnx_out *out);
void clr_out_layer_norm(onnx_out *out);
void clr_out_reduce(onnx_out *out);
void clr_out_ema(onnx_out *out);
void clr_out_recurrent(onnx_out *out);

#endif

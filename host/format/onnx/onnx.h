/* SPDX-License-Identifier: MIT
 * format/onnx/onnx.h - reading ONNX: what its files share.
 *
 * A model is walked node by node. A value is known (a constant, or made of constants and shapes) or
 * made by the graph under construction. What is known is computed at once on the host
 * (onnx_fold_*); what is not becomes nodes (onnx_op_*), and where a node needs an array in memory,
 * a known value becomes a constant of the graph.
 *
 * T and N while nobody knows them: everything known is computed in two worlds, with the two pairs
 * of primes that the graph infers its shapes with (graph/graph.h). A number that is the same in
 * both is a number; one that is T's prime in both is T; others are made of T and N. */
#ifndef CLR_FORMAT_ONNX_H
#define CLR_FORMAT_ONNX_H

#include "base/names.h"
#include "format/format.h"
#include "graph/graph.h"
#include "onnx.pb-c.h"

#define ONNX_WORLDS    2
#define ONNX_INPUTS    64 /* of a model: as bits */
#define ONNX_NO_ARRAY  UINT32_MAX
#define ONNX_MOST_OUT  64
#define ONNX_MOST_NEST 24 /* graphs in graphs */

typedef enum onnx_type { ONNX_REAL, ONNX_INT, ONNX_BOOL } onnx_type;

/* A known array in one world. Whole numbers are exact up to 2^53; what is larger is a bound that
 * means "to the end". */
typedef struct onnx_array {
    onnx_type type;
    uint32_t rank;
    uint64_t size[CLRNN_MOST_AXES];
    bool filled;  /* data[0] is every element */
    double *data; /* owned */
} onnx_array;

typedef struct onnx_list onnx_list; /* a sequence (list.c) */

typedef struct onnx_value {
    const char *name; /* of the file's */
    onnx_type type;
    bool known;
    bool same;                     /* world 1 is world 0 */
    onnx_array array[ONNX_WORLDS]; /* if known */
    const ClrOnnx__Tensor *tensor; /* known, but not yet decoded */
    uint32_t at;                   /* value of the graph; CLR_NO_VALUE: not in the graph */
    uint64_t origins;              /* inputs of the model that it is made of, as bits */
    clrnn_function rounds;         /* what a Cast left to do: see clr_onnx_round */
    clrnn_function bits;           /* what a Cast to its type rounds by */
    const onnx_list *list;         /* neither known nor in the graph: the import's */
} onnx_value;

/* One attempt at importing a model. */
struct onnx_import;

typedef struct onnx_import {
    const clr_format_file *file;
    const clrnn_import_desc *desc;
    const clrnn_log *log;
    ClrOnnx__Model *model;
    int64_t opset;
    clrnn_graph *graph;
    onnx_value **values; /* [count], innermost names last */
    uint32_t count, capacity;
    clr_names names; /* theirs */
    uint64_t bound;  /* inputs whose value is used */
    uint64_t needed; /* inputs whose value was missing */
    /** Walk the nodes of a graph (ops.c, which knows all operators). */
    clrnn_status (*walk)(struct onnx_import *m, ClrOnnx__Node *const *nodes, size_t count);
    const struct onnx_node *caller; /* of the function whose nodes are walked; NULL: the model's */
    uint32_t depth;                 /* of graphs in graphs */
    uint64_t nodes;                 /* walked: unrolled loops must end */
    uint64_t work;                  /* of all attempts: nodes, and hundreds of weights */
    uint64_t folded;                /* elements computed on the host: so must folding */
    onnx_list *lists;               /* all sequences */
    uint64_t listed;                /* their items: so must making them */
    bool open;                      /* some axes are, and nobody has said which they are */
    bool lax;                       /* axes may be other than what nodes want */
} onnx_import;

/* A node of the file while it is read. */
typedef struct onnx_node {
    onnx_import *m;
    const ClrOnnx__Node *proto;
    const char *op;
    char label[200]; /* "LSTM '/lstm'": in messages */
    uint32_t inputs, outputs;
    onnx_value **in;                /* [inputs], NULL: left out */
    onnx_value *out;                /* [outputs], filled in by the operator */
    uint64_t seen;                  /* attributes that were asked for, as bits */
    clrnn_function bits;            /* of its results: of its inputs, but where it says a type */
    uint32_t parts;                 /* nodes of the graph that it has become */
    bool unfolded;                  /* `fold` could not */
    const struct onnx_node *caller; /* of the function that it stands in */
} onnx_node;

/* --- functions of the model ----------------------------------------------------------------- */

/** Whether two names are one; NULL is "" (attribute.c). */
bool clr_onnx_same(const char *a, const char *b);

/** The function that a node calls (attribute.c); NULL. */
const ClrOnnx__Function *clr_onnx_function(const onnx_node *n);

/** Its nodes in place of the call (function.c). */
clrnn_status clr_onnx_call(onnx_node *n, const ClrOnnx__Function *f);

/** An error of a node, in one line. */
clrnn_status clr_onnx_fail(const onnx_node *n, clrnn_status status, const char *format, ...)
    CLR_PRINTF(3, 4);

/* --- protobuf (parse.c) ----------------------------------------------------------------------- */

/** Parse, within bounds of nesting and memory. *model is to be freed with clr_onnx_free_model.
 *  Returns: CLRNN_OK, CLRNN_ERR_FORMAT, CLRNN_ERR_MEMORY */
clrnn_status clr_onnx_parse(const clr_format_file *file, const clrnn_log *log,
                            ClrOnnx__Model **model);
void clr_onnx_free_model(ClrOnnx__Model *model);

/* --- tensors (tensor.c) ------------------------------------------------------------------ */

/** The type of elements, by its number in files; false: none that is known. */
bool clr_onnx_type_of(int32_t data_type, onnx_type *type);

/** How numbers become those of a type: CLRNN_FN_TO_F16, CLRNN_FN_TO_BF16, CLRNN_FN_IDENTITY. */
clrnn_function clr_onnx_bits_of(int32_t data_type);

/** "float16" */
const char *clr_onnx_type_name(int32_t data_type);

/** Decode a tensor; `what` names it in messages. On success array->data is the caller's.
 *  Returns: CLRNN_OK, CLRNN_ERR_FORMAT, CLRNN_ERR_UNSUPPORTED, CLRNN_ERR_IO, CLRNN_ERR_MEMORY */
clrnn_status clr_onnx_decode(const clr_format_file *file, const clrnn_log *log,
                             const ClrOnnx__Tensor *tensor, const char *what, onnx_array *array);

/* --- arrays (array.c) -------------------------------------------------------------------- */

size_t clr_onnx_count(const onnx_array *array); /* SIZE_MAX: too many */
static inline double clr_onnx_at(const onnx_array *array, size_t i)
{
    return array->data[array->filled ? 0 : i];
}

/** An array of the rank, sizes and type of another, without elements so far. */
static inline onnx_array clr_onnx_like(const onnx_array *array)
{
    onnx_array like = *array;
    like.data = NULL;
    return like;
}

/** Memory for array's elements, of its rank and size (one, where it is filled). */
clrnn_status clr_onnx_allocate(onnx_node *n, onnx_array *array);
void clr_onnx_array_free(onnx_array *array);
bool clr_onnx_copy(const onnx_array *from, onnx_array *to);
bool clr_onnx_equal(const onnx_array *a, const onnx_array *b);

/** The elements of a filled array, so that they can be pointed at. */
clrnn_status clr_onnx_spread(onnx_node *n, onnx_array *array);

/** Which axis a number means (negative: from the last), or an error. */
clrnn_status clr_onnx_axis(const onnx_node *n, int64_t axis, uint32_t rank, uint32_t *out);

/** Sizes of two shapes broadcast to one; false if they do not fit. */
bool clr_onnx_broadcast(const onnx_array *a, const onnx_array *b, onnx_array *out);

/** The element of `small` that is broadcast to an element of `big`. */
size_t clr_onnx_broadcast_at(const onnx_array *big, size_t element, const onnx_array *small);

/* --- values (value.c) -------------------------------------------------------------------- */

onnx_value *clr_onnx_find(const onnx_import *m, const char *name);

/** Add a value under its name, which hides others of that name. Takes what it holds; on failure it
 *  is freed. */
clrnn_status clr_onnx_define(onnx_import *m, const onnx_value *value);

/** The tensors of a graph, not yet decoded. */
clrnn_status clr_onnx_define_tensors(onnx_import *m, const ClrOnnx__Graph *g);

/** Forget values from `count` on: the end of an inner graph. */
void clr_onnx_forget(onnx_import *m, uint32_t count);
void clr_onnx_value_free(onnx_value *value);

/** Make input k's array known here, in both worlds; where it is not, an error that says what it
 *  depends on. */
clrnn_status clr_onnx_need(onnx_node *n, uint32_t k, const char *what);

/** Whether input k is given. */
static inline bool clr_onnx_has(const onnx_node *n, uint32_t k)
{
    return k < n->inputs && n->in[k];
}

/** The same in both worlds: numbers that do not depend on T and N. */
clrnn_status clr_onnx_need_same(onnx_node *n, uint32_t k, const char *what);

/** A known number, or `otherwise` where input k is left out. */
clrnn_status clr_onnx_need_number(onnx_node *n, uint32_t k, const char *what, double otherwise,
                                  double *out);

/** Set output k. A known one takes the arrays; NULL for `other`: the same in both worlds. */
void clr_onnx_set_known(onnx_node *n, uint32_t k, onnx_array *array, onnx_array *other);
void clr_onnx_set_graph(onnx_node *n, uint32_t k, uint32_t at, onnx_type type);
/** Output k is what value is. */
clrnn_status clr_onnx_set_alias(onnx_node *n, uint32_t k, const onnx_value *value);

/** Output k is a sequence. */
void clr_onnx_set_list(onnx_node *n, uint32_t k, const onnx_list *list);

/* --- sequences (list.c) ----------------------------------------------------------------------- */

/** Free those of the model. */
void clr_onnx_lists_free(onnx_import *m);

/* --- attributes (attribute.c) ----------------------------------------------------------------- */

/** By name; NULL: not there. It counts as known. */
const ClrOnnx__Attribute *clr_onnx_attribute(onnx_node *n, const char *name);
clrnn_status clr_onnx_integer(onnx_node *n, const char *name, int64_t otherwise, int64_t *out);
clrnn_status clr_onnx_real(onnx_node *n, const char *name, double otherwise, double *out);

/** At most `room` numbers; *count is 0 where it is not there. */
clrnn_status clr_onnx_integers(onnx_node *n, const char *name, uint32_t room, int64_t *out,
                               uint32_t *count);
clrnn_status clr_onnx_reals(onnx_node *n, const char *name, uint32_t room, double *out,
                            uint32_t *count);

/** As a string of at most 31 bytes. */
clrnn_status clr_onnx_word(onnx_node *n, const char *name, const char *otherwise, char out[32]);

/** An error that names an attribute that nobody asked for. */
clrnn_status clr_onnx_check_attributes(const onnx_node *n);

/** Numbers of an attribute in older opsets, of input k in newer ones (a tensor of one axis), the
 *  same in both worlds. *given: whether there are any. */
clrnn_status clr_onnx_list(onnx_node *n, const char *attribute, uint32_t k, uint32_t room,
                           int64_t *out, uint32_t *count, bool *given);

/** Axes of such a list as numbers below rank. */
clrnn_status clr_onnx_axes(onnx_node *n, uint32_t k, uint32_t rank, uint32_t *out, uint32_t *count,
                           bool *given);

/* --- building (build.c) ------------------------------------------------------------------ */

/** Value k of the inputs as one of the graph: a known one becomes a constant. */
clrnn_status clr_onnx_graph_in(onnx_node *n, uint32_t k, uint32_t *at);

/** The same as numbers that can be computed with, or as ids. */
clrnn_status clr_onnx_number_in(onnx_node *n, uint32_t k, uint32_t *at);
clrnn_status clr_onnx_ids_in(onnx_node *n, uint32_t k, uint32_t *at);

/** A constant of the graph. */
clrnn_status clr_onnx_constant(onnx_node *n, const onnx_array *array, const onnx_array *other,
                               uint32_t *at);

/** Add a node over values of the graph (CLR_NO_VALUE: left out), and what its first output is. */
clrnn_status clr_onnx_add(onnx_node *n, clrnn_node_desc *desc, const uint32_t *in, uint32_t count,
                          uint32_t *at);

/** Shorthands of it. */
clrnn_status clr_onnx_add_function(onnx_node *n, clrnn_function function, double alpha, double beta,
                                   uint32_t in, uint32_t *at);
clrnn_status clr_onnx_add_pair(onnx_node *n, clrnn_node_kind kind, uint32_t a, uint32_t b,
                               uint32_t *at);
/** trunc(x) = sign(x) floor(|x|) */
clrnn_status clr_onnx_truncate(onnx_node *n, uint32_t in, uint32_t *at);
/** Input k in as many bits as its Cast says. */
clrnn_status clr_onnx_round(onnx_node *n, uint32_t k);
clrnn_status clr_onnx_add_transpose(onnx_node *n, const uint32_t *order, uint32_t in, uint32_t *at);
clrnn_status clr_onnx_add_reduce(onnx_node *n, clrnn_reduction reduction, const uint32_t *axes,
                                 uint32_t count, bool keep, uint32_t in, uint32_t *at);

/** Reshape to sizes in both worlds. */
clrnn_status clr_onnx_add_reshape(onnx_node *n, uint32_t rank, uint64_t *const size[ONNX_WORLDS],
                                  uint32_t in, uint32_t *at);

/** Axes of size 1 put in before (as the result counts them), or taken out. */
clrnn_status clr_onnx_add_unsqueeze(onnx_node *n, const uint32_t *axes, uint32_t count, uint32_t in,
                                    uint32_t *at);
clrnn_status clr_onnx_add_squeeze(onnx_node *n, const uint32_t *axes, uint32_t count, uint32_t in,
                                  uint32_t *at);

/** Fill a parameter of the node added last. */
clrnn_status clr_onnx_set_parameter(onnx_node *n, const char *name, const double *values,
                                    size_t count);

static inline const clr_shape *clr_onnx_shape(const onnx_node *n, uint32_t at)
{
    return &n->m->graph->values[at].shape;
}

/** Axes of a value, known, not yet decoded or of the graph; 0 of what is neither. */
static inline uint32_t clr_onnx_rank(const onnx_node *n, const onnx_value *value)
{
    return value->tensor               ? (uint32_t)value->tensor->n_dims
           : value->known              ? value->array[0].rank
           : value->at == CLR_NO_VALUE ? 0
                                       : clr_onnx_shape(n, value->at)->rank;
}

/** Size of an axis of a value of the graph in a world. */
static inline uint64_t clr_onnx_size(const onnx_node *n, uint32_t at, uint32_t axis, int world)
{
    const clr_value *value = &n->m->graph->values[at];
    return world ? value->other.size[axis] : value->shape.size[axis];
}

/* --- operators (ops.c) ------------------------------------------------------------------- */

/* An operator. `fold`: outputs from known inputs (NULL where left out) in one world, and
 * attributes; where it cannot but `build` may, it sets n->unfolded. */
typedef struct onnx_op {
    const char *name;
    uint32_t least, most, outputs;
    clrnn_status (*fold)(onnx_node *n, const onnx_array *const *in, onnx_array *out);
    clrnn_status (*build)(onnx_node *n);
    bool sees; /* what a Cast rounds: as in ONNX Runtime, which computes on float16 in float, only
                  who moves, casts or gives it does */
} onnx_op;

/* One table for each family, ended by a row without a name. */
extern const onnx_op clr_onnx_ops_recurrent[], clr_onnx_ops_math[], clr_onnx_ops_shape[],
    clr_onnx_ops_product[], clr_onnx_ops_norm[], clr_onnx_ops_reduce[], clr_onnx_ops_move[],
    clr_onnx_ops_window[], clr_onnx_ops_conv[], clr_onnx_ops_control[], clr_onnx_ops_loop[],
    clr_onnx_ops_pick[], clr_onnx_ops_signal[], clr_onnx_ops_fourier[], clr_onnx_ops_compose[],
    clr_onnx_ops_layout[], clr_onnx_ops_most[], clr_onnx_ops_powers[], clr_onnx_ops_arc[],
    clr_onnx_ops_scatter[], clr_onnx_ops_rms[], clr_onnx_ops_known[], clr_onnx_ops_attend[],
    clr_onnx_ops_list[], clr_onnx_ops_grid[], clr_onnx_ops_cast[];

/* Of the domain com.microsoft. */
extern const onnx_op clr_onnx_ops_fused[];

/** Whether an operator can read a sequence. */
bool clr_onnx_takes_list(const onnx_op *op);

/** Walk the nodes of a graph. */
clrnn_status clr_onnx_walk(onnx_import *m, ClrOnnx__Node *const *nodes, size_t count);

#endif

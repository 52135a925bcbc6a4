/* SPDX-License-Identifier: MIT
 * graph/kind.h - a kind of node: one row of the table says all that the graph asks of it.
 *
 * A new kind is a line in CLRNN_NODE_LIST, a row and its functions in graph/node_*.c, its reference
 * in reference/node_*.c, and tests; nobody else asks which kind a node is. */
#ifndef CLR_GRAPH_KIND_H
#define CLR_GRAPH_KIND_H

#include <clrnn/plan.h>

#include "base/log.h"
#include "graph/graph.h"
#include "math/gemm.h"
#include "math/map.h"
#include "math/sequence.h"
#include "shape/network.h"

/* --- shapes --------------------------------------------------------------------------------- */

/* Members of clrnn_node_desc that a kind uses, beside kind, name and inputs. */
enum {
    CLR_USES_NETWORK = 1 << 0,
    CLR_USES_WEIGHTS = 1 << 1,
    CLR_USES_FUNCTION = 1 << 2, /* with alpha and beta */
    CLR_USES_UNITS = 1 << 3,
    CLR_USES_VOCABULARY = 1 << 4,
    CLR_USES_NO_BIAS = 1 << 5,
    CLR_USES_AXIS = 1 << 6,
    CLR_USES_COMPARISON = 1 << 7,
    CLR_USES_REDUCTION = 1 << 8,
    CLR_USES_KEEP_AXES = 1 << 9,
    CLR_USES_WINDOW = 1 << 10, /* kernel, stride, dilation, pad_begin, pad_end */
    CLR_USES_GROUPS = 1 << 11,
    CLR_USES_CAUSAL = 1 << 12,
    CLR_USES_EXTRA = 1 << 13,
    CLR_USES_EPSILON = 1 << 14,
    CLR_USES_MOMENTUM = 1 << 15,
    CLR_USES_PROBABILITY = 1 << 16,
    CLR_USES_VALUE = 1 << 17,
    CLR_USES_RANK = 1 << 18,
    CLR_USES_SHAPE = 1 << 19,
    CLR_USES_BEGIN = 1 << 20, /* begin, end */
    CLR_USES_STEP = 1 << 21,
    CLR_USES_ORDER = 1 << 22,
    CLR_USES_DATA = 1 << 23, /* data, trainable */
    CLR_USES_REPEAT = 1 << 24,
    CLR_USES_VARIATIONAL = 1 << 25
};

/* Shapes of a node under inference. */
typedef struct clr_infer {
    const clrnn_log *log;
    const clrnn_node_desc *desc;
    uint32_t inputs;
    const clr_shape *in[CLRNN_MOST_INPUTS]; /* NULL: left out */
    clr_shape out[CLR_MOST_OUTPUTS];
    uint32_t outputs;  /* as many as the kind has names for, or fewer */
    uint32_t own_rule; /* number that `rule` will have */
    clr_length_rule rule;
    bool has_rule;
    uint64_t steps, batch; /* T and N */
} clr_infer;

/** An error of a node in one line that begins with its kind and name. */
clrnn_status clr_node_fail(const clrnn_log *log, const clrnn_node_desc *desc, clrnn_status status,
                           const char *format, ...) CLR_PRINTF(4, 5);

/** The network of a node, or an error of the node that says what is wrong with it. */
clrnn_status clr_node_network(const clr_infer *infer, clr_network *network);

/** Where lengths of what is made along time come from: the rule `own_rule`, of in[0]'s. */
void clr_infer_rule(clr_infer *infer, clr_shape *out, uint64_t limit, int64_t up, int64_t add,
                    int64_t stride);

/** Shape of two values broadcast to one; false if they do not fit. */
bool clr_broadcast(const clr_shape *a, const clr_shape *b, clr_shape *out);

/* --- running -------------------------------------------------------------------------------- */

/* What the nodes of one plan share. */
typedef struct clr_tools {
    clrnn_context *context;
    clrnn_precision precision;
    clr_maps maps;
    clr_gemms gemms;
    clr_sequence sequence;
    clrnn_strategy strategy;
    clrnn_gemm gemm;
} clr_tools;

/** Bytes of an element. */
static inline size_t clr_tools_real(const clr_tools *tools)
{
    return tools->precision == CLRNN_F64 ? sizeof(double) : sizeof(float);
}

/* A part of a node's state in a stream: [outer, N, inner]. */
typedef struct clr_state_part {
    const char *name;
    size_t outer, inner;
} clr_state_part;
#define CLR_STATE_PARTS 2

/* How an array lies where it is: elements before its first one, and between neighbours, negative
 * ones modulo 2^64. */
typedef struct clr_strides {
    size_t begin;
    cl_ulong stride[MAP_AXES];
} clr_strides;

/* Elements that a node wants in a pass. */
typedef struct clr_node_memory {
    size_t kept;              /* from forward to backward */
    size_t forward, backward; /* scratch */
    size_t lasting;           /* from one pass to the next: what is made of parameters */
} clr_node_memory;

/* One node in one pass. */
typedef struct clr_run {
    clr_tools *tools;
    const clr_node *node;
    clr_shape in[CLRNN_MOST_INPUTS], out[CLR_MOST_OUTPUTS];
    uint32_t max_steps, max_batch; /* of the plan */
    /* Arrays; without buffer: left out, or not wanted. Those of ids count ints. Gradients are
     * overwritten, and 0 past lengths. */
    clrnn_slice x[CLRNN_MOST_INPUTS], y[CLR_MOST_OUTPUTS];
    clrnn_slice dx[CLRNN_MOST_INPUTS], dy[CLR_MOST_OUTPUTS];
    const clr_strides
        *strides[CLRNN_MOST_INPUTS];           /* of x, whose slice begins at its first element */
    const map_terms *terms[CLRNN_MOST_INPUTS]; /* of x, beside its first element */
    clrnn_slice kept, scratch, lasting;
    cl_mem parameters, gradient; /* flat */
    const size_t *at;            /* [parameters of the node] where each begins */
    bool train;                  /* backward may come */
    bool turned;                 /* y[0] lies as the kind's `turns` says */
    bool packed;                 /* what `lasting` holds is of these parameters */
    bool ragged;
    const uint32_t *lengths; /* host, [rules][lengths_stride] */
    size_t lengths_stride;
    uint64_t dropout_seed;
    uint32_t dropout_index;
    clrnn_slice state[CLR_STATE_PARTS]; /* in a stream */
    /* Where the plan carries states from pass to pass: that after this pass, which begins as what
     * `state` holds; the pass begins with it, or with what it would have without. */
    clrnn_slice next[CLR_STATE_PARTS];
    bool begun;
    clrnn_slice traced[CLR_STATE_PARTS]; /* gradients of states by step, where wanted */
    bool stream;
    void **own; /* what the node has made for itself */
} clr_run;

/* Which axis of an output has the channels that parameter 0, the weights, makes, and whose are
 * they: weight e is channel e / within % units + e / span * units. */
typedef struct clr_channels {
    uint32_t axis;
    size_t within, units, span;
} clr_channels;

typedef struct clr_kind {
    clrnn_node_kind id;
    uint32_t least, most; /* inputs */
    uint32_t ids;         /* bits of inputs that are ids; others are numbers */
    uint32_t flat;        /* bits of numbers by which there is no gradient */
    bool any;             /* ids and numbers alike are moved */
    uint32_t strided;     /* bits of inputs that may lie in any way; others lie row-major */
    bool takes_function;  /* it can take the desc's function of what it makes, its one output */
    bool is_function;     /* that of x[0] is all that it computes */
    bool by_rows;         /* each row along the last axis of its one input alone gives one of its
                             output: those of several nodes can be computed at once */
    bool crosses; /* what is past the lengths of an input may go into what is not of the output */
    bool in_any_order; /* of two values, and of more nodes of the kind the same in any order */
    uint32_t uses;
    const char *outputs[CLR_MOST_OUTPUTS]; /* "" the first; NULL: no more */
    /** Make a descriptor complete. May be NULL. */
    clrnn_status (*complete)(const clr_infer *infer, clrnn_node_desc *desc);
    /** Shapes of the outputs, of actual T and N. */
    clrnn_status (*infer)(clr_infer *infer);
    /** Parameter i: info's name (without the node's), rank, shape, trainable, and how it begins;
     *  false past the last. NULL: none. */
    bool (*parameter)(const clr_infer *infer, uint32_t i, clr_parameter *parameter, char name[64]);
    /** What it needs for the largest T and N, which `run` has as its shapes. May be NULL. */
    void (*memory)(const clr_run *run, clr_node_memory *memory);
    /** Make what it needs beside (run->own), and what is compiled at first use. May be NULL. */
    clrnn_status (*create)(clr_run *run);
    void (*destroy)(void *own);
    clrnn_status (*forward)(clr_run *run);
    /** Where its output is x[0] in other places: *view, that of x[0], becomes the output's. False:
     *  not if x[0] lies like that. Without training alone. NULL: it makes something new. */
    bool (*view)(const clr_run *run, clr_strides *view);
    /** Whether it makes y[0] with less work when that lies so: *y. Without training alone. NULL:
     * only row-major. */
    bool (*turns)(const clr_run *run, clr_strides *y);
    /** Of x[0] of this shape. Parameter 1, unless there is no_bias, is a number that is added to
     * each channel, and no more is done before the function. NULL: it has none. */
    clr_channels (*channels)(const clr_node *node, const clr_shape *x);
    clrnn_status (*backward)(clr_run *run); /* NULL: forward only */
    /** The plan inside and the pass that it ran, for traces. NULL: there is none. */
    clrnn_forward_io (*pass)(const clr_run *run, clrnn_plan **own);
    /** In a stream: why not, or NULL; what it keeps. NULL: whatever leaves time alone. */
    const char *(*no_stream)(const clr_infer *infer);
    uint32_t (*state)(const clr_infer *infer, clr_state_part parts[CLR_STATE_PARTS]);
    bool carries; /* it begins with run->state and leaves run->next, also in a plan that trains */
    /** Part k of that begins with input begins + k, where it is given; 0: with zeros. */
    uint32_t begins;
} clr_kind;

/** Whether a node has a gradient by what it reads as its input. */
static inline bool clr_node_differentiates(const clr_node *node, uint32_t input)
{
    return node->inputs[input] != CLR_NO_VALUE && !(node->kind->flat >> input & 1);
}

/* --- what rows have in common --------------------------------------------------------------- */

/** Which elements of a value lie within the lengths. */
map_lengths clr_within(const clr_run *run, const clr_shape *shape);

/** A launch over a value, whose result lies at `out`; and an array of `shape` as its input `k`,
 *  broadcast. */
map_launch clr_launch_over(const clr_run *run, const clr_shape *shape, clrnn_slice out);
void clr_launch_takes(map_launch *launch, uint32_t k, const clr_shape *over, const clr_shape *shape,
                      clrnn_slice in);

/** The same of an input of the node, however it lies. */
void clr_launch_reads(const clr_run *run, map_launch *launch, uint32_t k, const clr_shape *over,
                      uint32_t input);

/** All terms of two, of which the others lie so far behind. */
map_terms clr_terms_joined(const map_terms *terms, const map_terms *others, size_t behind);

/** How an array of its own lies; whether one lies like that. */
clr_strides clr_strides_of(const clr_shape *shape);
bool clr_strides_are_flat(const clr_strides *view, const clr_shape *shape);

/** y = x, of any strides that `launch` has, with the lengths that it has. */
clrnn_status clr_move(clr_run *run, const map_launch *launch, cl_mem out, cl_mem in, bool ids);

/** dx = g summed over what `small` was broadcast along to `big`. g: of the shape `big`. */
clrnn_status clr_sum_to(clr_run *run, const clr_shape *big, clrnn_slice g, const clr_shape *small,
                        clrnn_slice dx);

/** Part of a slice. */
static inline clrnn_slice clr_part(clrnn_slice slice, size_t offset)
{
    slice.offset += offset;
    return slice;
}

/** Elements of what is kept prepared of a matrix op(B) [k,n] for products. */
size_t clr_prepared_count(const clr_tools *tools, size_t n, size_t k);

/** C [m,n] (+)= A B^T, B [n,k] at `b` of the parameters, prepared in `lasting` from `at` on where
 *  products want it and it is not yet. windows: see clr_gemm, or NULL. */
clrnn_status clr_times_weight(clr_run *run, clr_matrix a, const gemm_windows *windows, size_t m,
                              clr_matrix b, size_t n, size_t k, size_t at, clr_matrix c);

/** Of a recurrent node: hn and cn, where wanted, are copies of these states; and the gradients by
 * h0 and c0, which had no part in the pass, are 0. */
clrnn_status clr_carry_give(clr_run *run, const clrnn_slice *states);
clrnn_status clr_carry_clear(clr_run *run);

/** The row of a kind. */
const clr_kind *clr_kind_of(clrnn_node_kind kind);

#define CLR_KIND_ROW(id, name) extern const clr_kind clr_kind_##name;
CLRNN_NODE_LIST(CLR_KIND_ROW)
#undef CLR_KIND_ROW

#endif

/* SPDX-License-Identifier: MIT
 * clrnn/graph.h - a model as a graph of nodes: what it is. Needs no device.
 * Its parameters and files: clrnn/graph_parameters.h. Running it: clrnn/graph_plan.h, in blocks:
 * clrnn/graph_stream.h.
 *
 *     clrnn_graph_create(NULL, NULL, &graph);
 *     clrnn_graph_input(graph, &(clrnn_graph_input_desc){
 *         .name = "x", .rank = 3, .shape = {CLRNN_STEPS, CLRNN_BATCH, 1}});
 *     clrnn_graph_add(graph, &(clrnn_node_desc){
 *         .kind = CLRNN_NODE_RECURRENT, .name = "rnn", .network = {.hidden_size = 40}}, NULL);
 *     clrnn_graph_add(graph, &(clrnn_node_desc){
 *         .kind = CLRNN_NODE_DENSE, .name = "head", .units = 1, .function = CLRNN_FN_TANH}, NULL);
 *     clrnn_graph_output(graph, "y", NULL);
 *
 * Values are row-major arrays of up to eight axes. Two axes may be symbols: CLRNN_STEPS (T, time)
 * and CLRNN_BATCH (N, sequences); a plan is made for the largest T and N, and each pass has its
 * own. Where they stand is the layout: [T,N,F] is time-major, [N,T,F] batch-major, [N,F,T] what
 * PyTorch's convolutions read, and nodes take them all: they know an axis by its symbol, and keep
 * the order. A convolution with a stride makes another T of T, and other lengths of lengths.
 *
 * Lengths flow through the graph. What lies past a row's length is no data: every value is 0
 * there, no sum, mean, maximum or statistic counts it, and no gradient comes from it. A value that
 * has lost its axis of time (pooling; a reshape that merges it with another) has no lengths.
 *
 * A node's first output has the node's name, others "name.hn". Values are read by these names; "#3"
 * is node 3, counted from 0 in the order of adding, "#3.hn" its output hn. */
#ifndef CLRNN_GRAPH_H
#define CLRNN_GRAPH_H

#include <clrnn/network.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct clrnn_graph clrnn_graph;

/* In a shape: not a number but T or N. */
#define CLRNN_STEPS (-1)
#define CLRNN_BATCH (-2)
/* CLRNN_NODE_RESHAPE only: as many as there are left. */
#define CLRNN_REST (-3)

#define CLRNN_MOST_AXES   8
#define CLRNN_MOST_INPUTS 16

/* The one list of kinds: name in C, name in files and messages. What each does, with the members
 * of clrnn_node_desc that it uses; shapes are examples, any order of axes will do. F: what runs
 * forward only, and cannot be in a graph that trains between a parameter and the loss. S: not in a
 * stream, unless the axis of time is left alone.
 *
 *   recurrent     x [T,N,I], h0 [L*D,N,R], c0 [L*D,N,H], ids lengths [N], mask [T,N] (these four
 *                 may be left out) -> y [T,N,D*R], hn [L*D,N,R], cn [L*D,N,H]. Where neither T nor
 *                 N is a symbol the first axis is time. network (input_size is inferred), weights.
 *                 Each of lengths is taken as 0..T, and beside it those of the pass count. A mask
 *                 of 0 leaves the step of the row out, any other number does not: states stay. Its
 *                 axes stand as their symbols say, else as in x. y of what mask or lengths leave
 *                 out within the lengths of the pass is `value`, or with repeat that of the step
 *                 before that counts, or 0 (Keras); before: as the direction goes. No gradient of
 *                 lengths and mask. S: bidirectional, reverse, or h0, c0, lengths or repeat given
 *   dense         x [..,I] -> function(x weight^T + bias) [..,units]; weight [units,I], bias
 *                 [units]. units, no_bias, function, alpha, beta
 *   embedding     ids [T,N] -> rows of weight [vocabulary,units]: [T,N,units]
 *   one_hot       ids [T,N] -> [T,N,vocabulary]
 *   activation    function(x), with alpha and beta
 *   softmax, log_softmax   over axis (-1 is the last). S: over time
 *   add sub mul div min max pow   two values, broadcast as NumPy and ONNX do: shapes aligned at
 *                 their last axes, axes of 1 or missing ones repeated. min, max, pow: F
 *   compare       comparison of two values: 1 or 0. No gradient
 *   select        condition, a, b -> a where condition is not 0, else b
 *   concat        up to 16 values, along axis. S: along time
 *   slice         for each axis i < rank: elements begin[i], begin[i]+step[i], .. before end[i].
 *                 Negative begin and end count from the end; step 0 is 1; end CLRNN_TO_END is all
 *                 (with a negative step: down to the first). Time is cut from its first step on,
 *                 or with begin -1, end CLRNN_TO_END and a negative step turned: from the last
 *                 step of each row's own length to its first. Of x and ids lengths [N], with step
 *                 -1, it turns within these (taken as 0..T), and what is behind stays where it
 *                 is; without T that is the axis with step -1, and without N its rows are the
 *                 first of the others. S: of time
 *   reshape       shape, rank: 0 keeps the axis at that place, CLRNN_REST is inferred; T and N by
 *                 symbol, also where x has them in an axis with others (T*N). S: unless T stays
 *                 an axis
 *   transpose     order[i]: which axis of the input becomes axis i; rank
 *   conv1d        x with T, channels C and perhaps N -> function(conv + bias); weight
 *                 [units,C/groups,kernel], bias [units]. units, kernel[0], stride[0], dilation[0],
 *                 groups, causal or pad_begin[0], pad_end[0]; no_bias, function, alpha, beta. The
 *                 window may begin in the padding and lies within the padded length.
 *                 S: unless causal, with stride 1
 *   conv2d        x [N,C,A,B]; weight [units,C/groups,kernel[0],kernel[1]]; as conv1d
 *   conv_transpose1d, conv_transpose2d   weight [C,units/groups,kernel..] as PyTorch; pad_begin,
 *                 pad_end are cut off, extra[] comes at the end. F, S
 *   batch_norm    channels along axis (-1 is the last): (x-mean)/sqrt(var+epsilon)*weight+bias.
 *                 Parameters weight, bias, running_mean, running_var [C]. A plan that trains takes
 *                 mean and variance of the batch (over what lies within lengths) and moves the
 *                 running ones by momentum (the variance as that of a sample); others use the
 *                 running ones. epsilon (0 is 1e-5), momentum (0 is 0.1), no_bias (no weight either)
 *   layer_norm    over the last `rank` axes (0 is 1): weight, bias [their shape]. epsilon, no_bias
 *   pool          over time, [T,N,F] -> [N,F]: reduction mean, max, sum or last (the last step
 *                 within the length). A row of length 0 gives 0. S
 *   reduce        over axes listed in order[0..rank-1]: reduction (not last), keep_axes. Time
 *                 counts up to the lengths. S: over time. Gradients of sum and mean alone
 *   dropout       probability; nothing unless the plan trains. variational: one mask for all steps
 * of
 *                 a row (Gal, Ghahramani 2016; Keras's SpatialDropout1D), else each has its own
 *   pad           begin[i] and end[i] elements of `value` before and behind axis i < rank (negative
 *                 ones are cut off). F. S: of time
 *   gather        x, ids -> x's slices at ids along axis: axis is replaced by ids' axes. Negative
 *                 ids count from the end. S: along time
 *   expand        shape, rank: broadcast to it; 0 keeps an axis
 *   matmul        a [..,M,K], b [..,K,N] -> [..,M,N], the axes before broadcast; at least two axes.
 *                 Where both bring T or N, that of the result is that of what has lengths, else of a
 *   cast          ids -> the same as numbers, or numbers -> ids, towards 0; no gradient
 *   constant      data [shape], copied, NULL: zeros; rank. trainable: a parameter "name.value", as
 *                 of a learned initial state
 *   ema           an average along time, of channels along axis (-1 is the last): y = y + a (x - y)
 *                 from y = 0 on, with a = sigmoid(rate) of each channel; parameter rate [C] */
#define CLRNN_NODE_LIST(X)                \
    X(RECURRENT, recurrent)               \
    X(DENSE, dense)                       \
    X(EMBEDDING, embedding)               \
    X(ONE_HOT, one_hot)                   \
    X(ACTIVATION, activation)             \
    X(SOFTMAX, softmax)                   \
    X(LOG_SOFTMAX, log_softmax)           \
    X(ADD, add)                           \
    X(SUB, sub)                           \
    X(MUL, mul)                           \
    X(DIV, div)                           \
    X(MIN, min)                           \
    X(MAX, max)                           \
    X(POW, pow)                           \
    X(COMPARE, compare)                   \
    X(SELECT, select)                     \
    X(CONCAT, concat)                     \
    X(SLICE, slice)                       \
    X(RESHAPE, reshape)                   \
    X(TRANSPOSE, transpose)               \
    X(CONV1D, conv1d)                     \
    X(CONV2D, conv2d)                     \
    X(CONV_TRANSPOSE1D, conv_transpose1d) \
    X(CONV_TRANSPOSE2D, conv_transpose2d) \
    X(BATCH_NORM, batch_norm)             \
    X(LAYER_NORM, layer_norm)             \
    X(POOL, pool)                         \
    X(REDUCE, reduce)                     \
    X(DROPOUT, dropout)                   \
    X(PAD, pad)                           \
    X(GATHER, gather)                     \
    X(EXPAND, expand)                     \
    X(MATMUL, matmul)                     \
    X(CAST, cast)                         \
    X(CONSTANT, constant)                 \
    X(EMA, ema)

typedef enum clrnn_node_kind {
#define CLRNN_NODE_ENUM(id, name) CLRNN_NODE_##id,
    CLRNN_NODE_LIST(CLRNN_NODE_ENUM)
#undef CLRNN_NODE_ENUM
        CLRNN_NODE_KINDS
} clrnn_node_kind;

typedef enum clrnn_comparison {
    CLRNN_LESS = 0,
    CLRNN_LESS_EQUAL,
    CLRNN_EQUAL,
    CLRNN_NOT_EQUAL,
    CLRNN_GREATER,
    CLRNN_GREATER_EQUAL,
    CLRNN_COMPARISONS
} clrnn_comparison;

typedef enum clrnn_reduction {
    CLRNN_REDUCE_MEAN = 0,
    CLRNN_REDUCE_SUM,
    CLRNN_REDUCE_MAX,
    CLRNN_REDUCE_MIN,
    CLRNN_REDUCE_LAST, /* pool only */
    CLRNN_REDUCTIONS
} clrnn_reduction;

/* In end[] of slice. */
#define CLRNN_TO_END INT64_MAX

/* One node. Zero-initialise, then set what its kind uses: what it does not use must be zero. */
typedef struct clrnn_node_desc {
    clrnn_node_kind kind;
    /* Unlike every other name of the graph, without '#'; NULL: the kind and the number of the node,
     * "dense1". Strings are copied. */
    const char *name;
    /* Values it reads, the first CLRNN_MOST_INPUTS at most, without gaps but for optional ones; all
     * NULL: the first output of the node before, or for the first node the first input. */
    const char *inputs[CLRNN_MOST_INPUTS];
    clrnn_network_desc network; /* recurrent; input_size 0: that of x */
    clrnn_storage weights;      /* recurrent: how inference keeps its matrices */
    clrnn_function function;
    double alpha, beta;  /* of function; zero both: clrnn_function_defaults */
    uint32_t units;      /* outputs, or channels, or width of an embedding */
    uint32_t vocabulary; /* V: ids are 0..V-1 */
    bool no_bias;
    int32_t axis; /* negative: from the last, -1 */
    clrnn_comparison comparison;
    clrnn_reduction reduction;
    bool keep_axes;                             /* reduced axes stay, of size 1 */
    uint32_t kernel[2], stride[2], dilation[2]; /* stride, dilation 0 means 1 */
    uint32_t groups;                            /* 0 means 1 */
    bool causal; /* conv1d: pad_begin is (kernel-1)*dilation, pad_end 0 */
    uint32_t pad_begin[2], pad_end[2], extra[2];
    double epsilon, momentum, probability, value;
    uint32_t rank;
    int64_t shape[CLRNN_MOST_AXES];
    int64_t begin[CLRNN_MOST_AXES], end[CLRNN_MOST_AXES], step[CLRNN_MOST_AXES];
    uint32_t order[CLRNN_MOST_AXES];
    const double *data; /* constant: [shape]; NULL: zeros */
    bool trainable;
    bool repeat; /* recurrent, of steps that do not count: y is that of the one before that did */
    bool variational; /* dropout */
} clrnn_node_desc;

/* An input of the graph. */
typedef struct clrnn_graph_input_desc {
    const char *name;
    uint32_t rank;
    int64_t shape[CLRNN_MOST_AXES]; /* numbers, CLRNN_STEPS and CLRNN_BATCH, each at most once */
    bool ids; /* int32 instead of the graph's precision: embedding, gather.. */
} clrnn_graph_input_desc;

/* How to begin. Zero-initialise. */
typedef struct clrnn_graph_desc {
    clrnn_precision precision; /* of every array but ids */
} clrnn_graph_desc;

/**
 * An empty graph.
 *
 * desc: NULL means all defaults
 * Ownership: on success *graph is the caller's. On failure NULL.
 * Threads:   one call at a time for each graph while it changes; reading is free of races.
 * Returns:   CLRNN_OK, CLRNN_ERR_ARGUMENT, CLRNN_ERR_MEMORY
 */
CLRNN_API clrnn_status clrnn_graph_create(const clrnn_log *log, const clrnn_graph_desc *desc,
                                          clrnn_graph **graph);

/** Free it and set the pointer to NULL; NULL is accepted. Plans made from it stay as they are. */
CLRNN_API void clrnn_graph_destroy(clrnn_graph **graph);

/**
 * Add an input, a node, an output. Everything that can be known without T and N is checked at once,
 * and a message is one line that names the node: a kind that there is not, a member that the kind
 * does not use, an input that is missing or only comes later, shapes that do not fit, a name that
 * there is already.
 *
 * index: NULL, or receives the number of the node
 * value: of an output: what it is; NULL: the first output of the last node. An output has the name
 *        of an input only where it is that input
 * Returns: CLRNN_OK; CLRNN_ERR_ARGUMENT, CLRNN_ERR_RANGE (a size), CLRNN_ERR_MEMORY: the graph
 *          is as it was
 */
CLRNN_API clrnn_status clrnn_graph_input(clrnn_graph *graph, const clrnn_graph_input_desc *desc);
CLRNN_API clrnn_status clrnn_graph_add(clrnn_graph *graph, const clrnn_node_desc *desc,
                                       uint32_t *index);
CLRNN_API clrnn_status clrnn_graph_output(clrnn_graph *graph, const char *name, const char *value);

/* What a value is: of an input, a node or an output. */
typedef struct clrnn_value_info {
    const char *name; /* valid as long as the graph */
    uint32_t rank;
    /* CLRNN_STEPS and CLRNN_BATCH for T and N, also where a node has made another T of T;
     * CLRNN_REST for what else depends on them, as T*N of a reshape */
    int64_t shape[CLRNN_MOST_AXES];
    bool ids;
} clrnn_value_info;

/** How many there are; the description of one. False if there is no such one, and *info is
 *  unchanged. clrnn_graph_value finds a value by any name that a node could read. Threads: any
 *  while nothing is added. */
CLRNN_API uint32_t clrnn_graph_inputs(const clrnn_graph *graph);
CLRNN_API uint32_t clrnn_graph_nodes(const clrnn_graph *graph);
CLRNN_API uint32_t clrnn_graph_outputs(const clrnn_graph *graph);
CLRNN_API bool clrnn_graph_input_at(const clrnn_graph *graph, uint32_t i, clrnn_value_info *info);
CLRNN_API bool clrnn_graph_output_at(const clrnn_graph *graph, uint32_t i, clrnn_value_info *info);
CLRNN_API bool clrnn_graph_value(const clrnn_graph *graph, const char *name,
                                 clrnn_value_info *info);

/** Node i as it was added, with the name it has, input_size and what else was inferred, and its
 *  inputs by name; NULL if there is none. Valid as long as the graph. */
CLRNN_API const clrnn_node_desc *clrnn_graph_node(const clrnn_graph *graph, uint32_t i);

/** For how many samples a second of sound the model is made, 0: nobody has said so. Files keep it
 *  (clrnn_graph_save; NAM's and RTNeural's say it, too); nothing is computed with it.
 *  Threads: as clrnn_graph_add. Returns: CLRNN_OK, CLRNN_ERR_ARGUMENT (NULL, negative, or not
 *  finite) */
CLRNN_API clrnn_status clrnn_graph_set_sample_rate(clrnn_graph *graph, double rate);
CLRNN_API double clrnn_graph_sample_rate(const clrnn_graph *graph);

/** The name of a kind ("dense"); NULL if there is no such one. Threads: any. */
CLRNN_API const char *clrnn_node_kind_name(clrnn_node_kind kind);

#ifdef __cplusplus
}
#endif
#endif

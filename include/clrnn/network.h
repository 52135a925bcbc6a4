/* SPDX-License-Identifier: MIT
 * clrnn/network.h - what a recurrent network is: cell, sizes, variant, and its canonical weights.
 *
 * Letters: T steps, N sequences (batch), I input features, H hidden units, P projected size,
 * L layers, D directions (1 or 2), G gates (RNN 1, GRU 3, LSTM 4). R = P if projected, else H, is
 * the width of a hidden state. Arrays are row-major: [T,N,I] means I moves fastest. */
#ifndef CLRNN_NETWORK_H
#define CLRNN_NETWORK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <clrnn/status.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef enum clrnn_cell { CLRNN_CELL_LSTM = 0, CLRNN_CELL_GRU, CLRNN_CELL_RNN } clrnn_cell;

/* What a cell is, for programs that ask for one by its name or show what they have. */
typedef struct clrnn_cell_info {
    const char *name;              /* "lstm": in problem strings, in files and of the command */
    uint32_t gates;                /* G */
    const char *const *gate_names; /* [G], in the order of their rows in the weights */
    bool has_cell_state;           /* c beside h: c0 and cn are there */
    const char *const *options;    /* what problem strings call those it has, ended by NULL */
} clrnn_cell_info;

/** What a cell is; static storage, NULL if there is no such cell. Those that there are count from
 *  0 without a gap. Threads: any. */
CLRNN_API const clrnn_cell_info *clrnn_cell_get_info(clrnn_cell cell);

/* RNN only: h_t = act(W x_t + b_ih + U h_{t-1} + b_hh). */
typedef enum clrnn_nonlinearity { CLRNN_TANH = 0, CLRNN_RELU } clrnn_nonlinearity;

/* GRU only: where the reset gate acts on the candidate n.
 *   before: n = tanh(W_n x + b_ih + U_n (r*h) + b_hh)   (Cho et al. 2014, Chung et al. 2014)
 *   after:  n = tanh(W_n x + b_ih + r*(U_n h + b_hh))   (cuDNN, PyTorch)
 * These are different functions: weights do not convert. */
typedef enum clrnn_gru_reset { CLRNN_RESET_BEFORE = 0, CLRNN_RESET_AFTER } clrnn_gru_reset;

/* GRU only: which way the update gate z opens.
 *   replaces: h' = (1-z)*h + z*n      keeps: h' = z*h + (1-z)*n   (cuDNN, PyTorch, ONNX, Keras)
 * Negating the z rows of W, U and b turns one into the other. */
typedef enum clrnn_gru_update { CLRNN_UPDATE_REPLACES = 0, CLRNN_UPDATE_KEEPS } clrnn_gru_update;

/* LSTM only, with peepholes (Gers, Schraudolph 2002): to the sums of the gates comes, unit by unit,
 *   i: p_i*c_{t-1}      f: p_f*c_{t-1}      o: p_o*c_t      (ONNX, TensorFlow Lite) */

/* LSTM only, with coupled_gates (ONNX input_forget, CIFG): f = 1 - i. The rows of f are in the
 * weights, but are not used, and their gradients are 0. (TensorFlow Lite has i = 1 - f: its rows of
 * f, negated, are ours of i.) */

/* With layer_norm (Ba, Kiros, Hinton 2016) the products of a step are normalised before the biases
 * come to them: with hat(v) = (v - mean)/sqrt(variance + norm_epsilon) over all numbers of v,
 *   W x becomes ln_ih*hat(W x) + b_ih, over all G*H numbers of a row and step, and
 *   U h becomes ln_hh*hat(U h) + b_hh; of an LSTM also h_t = o*tanh(ln_c*hat(c_t) + bias_ln_c).
 * GRU: with reset after r acts on what has been normalised; with reset before U h of r and z (2*H
 * numbers) and U (r*h) of n (H numbers) are two products, and each is normalised by itself. */

/* With zoneout p (Krueger et al. 2017) each unit of h keeps its old value in a step with
 * probability p, and of c with probability zoneout_cell: h_t = k*h_{t-1} + (1-k)*h~, where h~ (and
 * c~ for c) is what the cell makes of h_{t-1} and c_{t-1}, and k is drawn to be 0 or 1 for each
 * step, row and unit in plans that train; in others k = p, the expectation: so it is part of what a
 * model computes, and of its file. Of a projected LSTM h is what has been projected. With
 * recurrent_dropout p, in plans that train, the recurrent products U h (and U (r*h) of a GRU with
 * reset before) multiply m*h (r*m*h): m, one for all gates and all steps of a row and direction,
 * has 0 with probability p, else 1/(1-p), for each unit (Gal, Ghahramani 2016; Keras's
 * recurrent_dropout). What a GRU keeps of h, and y, are not dropped. Other plans compute without.
 * What is drawn is decided by dropout_seed and dropout_index of a pass, layer, direction, step, row
 * and unit: the same on every device. */

/* The one list of functions of one number, with alpha a and beta b; where both
 * are 0 they are those of clrnn_function_defaults. */
#define CLRNN_FUNCTION_LIST(X)                                              \
    X(IDENTITY, identity)                                                   \
    X(TANH, tanh)                                                           \
    X(SIGMOID, sigmoid)                                                     \
    X(RELU, relu)                                                           \
    X(AFFINE, affine)                     /* a x + b */                     \
    X(LEAKY_RELU, leaky_relu)             /* x >= 0 ? x : a x */            \
    X(THRESHOLDED_RELU, thresholded_relu) /* x >= a ? x : 0 */              \
    X(SCALED_TANH, scaled_tanh)           /* a tanh(b x) */                 \
    X(HARD_SIGMOID, hard_sigmoid)         /* max(0, min(1, a x + b)) */     \
    X(ELU, elu)                           /* x >= 0 ? x : a (e^x - 1) */    \
    X(SOFTSIGN, softsign)                 /* x / (1 + |x|) */               \
    X(SOFTPLUS, softplus)                 /* log(1 + e^x) */                \
    X(SELU, selu)                         /* b (x > 0 ? x : a (e^x - 1)) */ \
    X(GELU, gelu)                         /* x Phi(x), by erf */            \
    X(GELU_TANH, gelu_tanh)               /* the same by tanh */            \
    X(SILU, silu)                         /* x sigmoid(a x) */              \
    X(HARD_SWISH, hard_swish)             /* x max(0, min(1, x/6 + 1/2)) */ \
    X(MISH, mish)                         /* x tanh(softplus(x)) */         \
    X(CLIP, clip)                         /* max(a, min(b, x)) */           \
    X(EXP, exp)                                                             \
    X(LOG, log)                                                             \
    X(SQRT, sqrt)                                                           \
    X(SQUARE, square)                                                       \
    X(ABS, abs)                                                             \
    X(NEGATE, negate)                                                       \
    X(RECIPROCAL, reciprocal)                                               \
    X(SIGN, sign)                                                           \
    X(FLOOR, floor)                                                         \
    X(CEIL, ceil)                                                           \
    X(NOT, not ) /* x == 0 */                                               \
    X(ERF, erf)                                                             \
    X(SIN, sin)                                                             \
    X(COS, cos)                                                             \
    X(ROUND, round)     /* to the nearest, ties to even */                  \
    X(TO_F16, to_f16)   /* to float16, ties to even; the gradient is 1 */   \
    X(TO_BF16, to_bf16) /* to bfloat16, the same */

typedef enum clrnn_function {
#define CLRNN_FUNCTION_ENUM(id, name) CLRNN_FN_##id,
    CLRNN_FUNCTION_LIST(CLRNN_FUNCTION_ENUM)
#undef CLRNN_FUNCTION_ENUM
        CLRNN_FUNCTIONS,
    CLRNN_FN_USUAL = CLRNN_FN_IDENTITY /* in a cell: what it has there, sigmoid or tanh */
} clrnn_function;

/** alpha and beta of a function as ONNX, or where that leaves it open ONNX Runtime, has them where
 *  they are not given: leaky_relu 0.01, thresholded_relu 1, hard_sigmoid 0.2 and 0.5, elu 1, affine
 *  1 and 0, scaled_tanh 1 and 1, ..; 0 where it has none. Threads: any. */
CLRNN_API void clrnn_function_defaults(clrnn_function function, double *alpha, double *beta);

/** Its name as above, "leaky_relu"; NULL if there is no such function. Threads: any. */
CLRNN_API const char *clrnn_function_name(clrnn_function function);

/* A function of a cell: relu to softplus of the list, those that ONNX knows; identity there is
 * affine. Gradients at a corner are those of the side that is flatter, as in PyTorch. */
typedef struct clrnn_activation {
    clrnn_function function;
    float alpha, beta; /* of the functions that have them; taken as they are, also 0 */
} clrnn_activation;

/* A cell's functions in ONNX's order: of an LSTM f (the gates i, f and o), g and h; of a GRU f (r
 * and z) and g (n); of an RNN f alone. */
#define CLRNN_ACTIVATIONS 3

/** A function with its alpha and beta of clrnn_function_defaults. Threads: any. */
CLRNN_API clrnn_activation clrnn_activation_of(clrnn_function function);

/* What both directions make together: features side by side, or their sum. Layers above get that,
 * too. */
typedef enum clrnn_merge { CLRNN_MERGE_CONCAT = 0, CLRNN_MERGE_SUM } clrnn_merge;

/* The type of every array of a plan or model. */
typedef enum clrnn_precision {
    CLRNN_F32 = 0,
    CLRNN_F64 /* needs a device with fp64 */
} clrnn_precision;

/* How the weight matrices (weight_ih, weight_hh, weight_hr) are kept for inference in single
 * precision. Everything else, sums, biases and peepholes among it, stays float. Each weight is
 * rounded once, to the nearest, ties to even.
 *
 * - f16: IEEE 754 binary16; 65520 and more become infinite
 * - bf16: the upper half of a float
 * - int8: q*s with a whole q in -127..127 and, for each row of the matrix (the weights of one gate
 *   of one unit), s = max|row|/127, but at least 2^-100; NaN if the row has NaN or infinity
 *
 * Kernels for CPU devices read weights so kept, and the fewer bytes the faster; CLBlast gets the
 * rounded weights as floats. */
typedef enum clrnn_storage {
    CLRNN_WEIGHTS_F32 = 0, /* as they are; f64 in double precision */
    CLRNN_WEIGHTS_F16,
    CLRNN_WEIGHTS_BF16,
    CLRNN_WEIGHTS_INT8
} clrnn_storage;

/* A stack of recurrent layers. Zero-initialise, then set what you need; zero means the default. */
typedef struct clrnn_network_desc {
    clrnn_cell cell;
    uint32_t input_size;  /* I, must be set */
    uint32_t hidden_size; /* H, must be set */
    uint32_t num_layers;  /* L; 0 means 1 */
    uint32_t proj_size;   /* P, LSTM only, less than H; 0 means no projection */
    bool bidirectional;   /* D = 2: features of the forward direction, then of the backward one */
    bool no_bias;
    bool single_bias;  /* bias_ih alone, no bias_hh; not with no_bias */
    bool reverse;      /* the one direction is the backward one; not with bidirectional */
    clrnn_merge merge; /* with bidirectional only */
    clrnn_nonlinearity nonlinearity; /* RNN only */
    clrnn_gru_reset gru_reset;       /* GRU only */
    clrnn_gru_update gru_update;     /* GRU only */
    bool peepholes;                  /* LSTM only: gates see the cell state */
    bool coupled_gates;              /* LSTM only: f = 1 - i */
    /* Bounds, 0 = none; a gradient stops where a value lies beyond. */
    float gate_clip; /* of what the functions of gates are applied to: to [-clip,clip] (ONNX) */
    float cell_clip; /* LSTM only: of c_t, before it is used (TensorFlow) */
    float proj_clip; /* with projection: of h_t (TensorFlow); there is no gradient at the bound */
    /* Functions in place of the usual ones, forward and backward in time. */
    clrnn_activation activations[2][CLRNN_ACTIVATIONS];
    bool layer_norm;
    float norm_epsilon; /* with layer_norm; 0 means 1e-5 */
    /* Probabilities, 0 = none, all less than 1; see above. */
    float zoneout;           /* of units of h */
    float zoneout_cell;      /* LSTM only: of units of c; not with layer_norm */
    float recurrent_dropout; /* training only: of what the recurrent weights multiply */
} clrnn_network_desc;

/* One tensor of the canonical weights: PyTorch's names, shapes and gate order (LSTM i f g o,
 * GRU r z n), one after the other in one flat array in PyTorch's order of parameters: for each
 * layer and direction weight_ih [G*H, I or D*R, of a sum R], weight_hh [G*H, R], bias_ih [G*H],
 * bias_hh [G*H] (both absent if no_bias, the second if single_bias), weight_hr [P, H] (if
 * projected). PyTorch has no peepholes: then comes weight_peephole [3*H] (if there are any), of the
 * gates i f o in the order of the other tensors (ONNX has them as i o f, TensorFlow Lite as three
 * tensors); nor layer norm: then come weight_ln_ih [G*H] and weight_ln_hh [G*H] and, of an LSTM,
 * weight_ln_c [H] and bias_ln_c [H] (if layer_norm; haste: gamma, in its order of gates, gamma_h
 * and beta_h). */
typedef struct clrnn_weight_info {
    char name[48];     /* "weight_ih_l0", "bias_hh_l1_reverse", ... */
    uint32_t rank;     /* 1 or 2 */
    uint64_t shape[2]; /* shape[1] is 1 for rank 1 */
    size_t offset;     /* elements from the start of the flat array */
    size_t count;      /* elements */
} clrnn_weight_info;

/**
 * How many weight tensors a network has, and how many elements all of them have together. Either
 * pointer may be NULL.
 *
 * Threads: any.
 * Returns: CLRNN_OK
 *          CLRNN_ERR_ARGUMENT   desc is NULL, an unknown enum value, or options that contradict
 *          CLRNN_ERR_RANGE      a size that must not be zero is, or the total overflows
 */
CLRNN_API clrnn_status clrnn_network_weights(const clrnn_network_desc *desc, const clrnn_log *log,
                                             size_t *tensors, size_t *elements);

/**
 * Describe weight tensor `index` (0 to tensors-1).
 * Threads: any.  Returns: as clrnn_network_weights; CLRNN_ERR_RANGE also for the index.
 */
CLRNN_API clrnn_status clrnn_network_weight(const clrnn_network_desc *desc, const clrnn_log *log,
                                            size_t index, clrnn_weight_info *info);

#ifdef __cplusplus
}
#endif
#endif

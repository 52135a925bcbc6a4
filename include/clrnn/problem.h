/* SPDX-License-Identifier: MIT
 * clrnn/problem.h - a whole workload in one string, and its check against the reference.
 *
 *     cell=lstm,T=100,N=1,I=256,H=256,L=1,D=1,mode=infer,weights=f32
 *
 * Missing keys take the values above. mode is infer, train or stream: inference in blocks
 * (clrnn/stream.h) of block=64 steps, or T where that is less; the last one may be shorter. weights
 * is f32, or without mode=train f16, bf16 or int8. Further keys: P=0 (projection),
 * peepholes=0|1 (LSTM), reset=before|after and update=replaces|keeps (GRU), act=tanh|relu (RNN),
 * coupled=0|1 and cell_clip=0 (LSTM), proj_clip=0 (with P), gate_clip=0, layer_norm=0|1 and
 * norm_epsilon=0 (with it; 0 is 1e-5); the cell's functions in
 * ONNX's order act_f, act_g, act_h, backward in time act_f_back, ..: FUNCTION, FUNCTION:ALPHA or
 * FUNCTION:ALPHA:BETA, without which they are ONNX's (clrnn_function); reverse=0|1,
 * merge=concat|sum, bias=1|0|one, lengths=full|ragged, mask=none|zero|repeat, resets=0|1,
 * precision=f32|f64, strategy=auto|stepwise|persistent|resident|fused, gemm=auto|clblast|packed.
 * The same string is used by the command, the benchmarks and the tests.
 */
#ifndef CLRNN_PROBLEM_H
#define CLRNN_PROBLEM_H

#include <clrnn/plan.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct clrnn_problem {
    clrnn_network_desc network;
    uint32_t steps;
    uint32_t batch;
    bool train;     /* mode=train: forward + backward + weight gradients */
    uint32_t block; /* mode=stream: steps of a block, 1..T; 0 = another mode */
    bool ragged;    /* lengths spread over 0..T in no order, else all T */
    uint32_t mask;  /* 0 no mask, 1 and 2 a random one; 2: what it leaves out repeats the output
                     * before it */
    bool resets;    /* states are reset at random steps */
    clrnn_precision precision;
    clrnn_strategy strategy;
    clrnn_gemm gemm;
    clrnn_storage weights;
} clrnn_problem;

/**
 * Read a problem string; of a key given twice the later value counts, so that one can be appended.
 * Threads: any.
 * Returns: CLRNN_OK, CLRNN_ERR_ARGUMENT (unknown key or value, or options that contradict; the log
 *          names it), CLRNN_ERR_RANGE (a size of 0, or one that overflows)
 */
CLRNN_API clrnn_status clrnn_problem_parse(const char *text, const clrnn_log *log,
                                           clrnn_problem *problem);

/** Write a problem as a string that clrnn_problem_parse reads back; always terminated. text:
 *  [size], or NULL for its length alone. Returns the length it has without the limit, as snprintf.
 *  Threads: any. */
CLRNN_API int clrnn_problem_format(const clrnn_problem *problem, char *text, size_t size);

/* How a check came out. An error is the largest |device - reference| of a tensor over the largest
 * |reference| of that tensor (of fewer than 16 numbers: at least over a quarter of the largest
 * number that goes in or comes out; where that is more, over what the tensor changes by, for each
 * unit, when all inputs change by units of their last place); a bound follows from type, T and the
 * length of the sums. */
typedef struct clrnn_check {
    double forward_error; /* worst of y, hn, cn; the reference has the weights as they are kept */
    double forward_bound;
    char forward_tensor[48];
    double gradient_error; /* worst of dx, dh0, dc0 and every weight gradient; 0 for mode=infer */
    double gradient_bound;
    char gradient_tensor[48];
    double storage_error; /* as forward_error, but with the weights before they were rounded to
                             fewer bits; 0 for f32 */
    double storage_bound;
    char storage_tensor[48];
    bool passed; /* errors within bounds, and no NaN or infinity that the reference has not */
    /* Of the bits of y, hn, cn, and of the gradients (0 for mode=infer; -0 counts as 0): equal on
     * all devices that give the same numbers. With gemm=packed a strategy gives the same ones on
     * all of them, but for liberties that a driver takes (denormals as zero, fma as a product and
     * a sum). */
    uint64_t forward_digest, gradient_digest;
} clrnn_check;

/**
 * Run a problem with pseudo-random weights and inputs on the device and in the float64 reference,
 * and compare every output (and for mode=train every gradient). Waits.
 *
 * seed: of the pseudo-random numbers.
 * Threads: any.
 * Returns: CLRNN_OK whenever the comparison could be made (see check->passed), else as
 *          clrnn_plan_create.
 */
CLRNN_API clrnn_status clrnn_problem_check(clrnn_context *context, const clrnn_problem *problem,
                                           uint64_t seed, clrnn_check *check);

#ifdef __cplusplus
}
#endif
#endif

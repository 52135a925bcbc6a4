/* SPDX-License-Identifier: MIT
 * clrnn/graph_trainer.h - training a graph (clrnn/graph.h): losses on any of its outputs, or the
 * caller's own.
 *
 *     const clrnn_graph_trainer_desc desc = {
 *         .training = {.max_steps = 100, .max_batch = 32, .learning_rate = 0.002}};
 *     clrnn_graph_trainer_create(context, graph, &desc, &trainer);
 *     clrnn_graph_trainer_step(trainer, &batch, &loss);
 *     clrnn_trainer_save(trainer, "model.safetensors");
 *
 * It is a clrnn_trainer: rates, freezing, gradients, checkpoints and all else of clrnn/trainer.h
 * are as there, and its clrnn_batch does for a graph of one input and one loss. A checkpoint is a
 * file of the graph (clrnn_graph_load) with what training needs besides. */
#ifndef CLRNN_GRAPH_TRAINER_H
#define CLRNN_GRAPH_TRAINER_H

#include <clrnn/graph_plan.h>
#include <clrnn/trainer.h>

#ifdef __cplusplus
extern "C" {
#endif

#define CLRNN_MOST_LOSSES 8

/* A loss on an output. Its classes or values lie along the output's axis that is neither T nor N
 * (the last such one; one value, if there is none), and each place of the other axes is a row: of
 * an output [T,N,O] there are T*N, of [N,O] N. Rows past a sequence's length are not counted.
 *
 * Losses take logits. Where an output's last node is a softmax over its classes (of the loss
 * binary: a sigmoid), they take what that reads: its probabilities are trained. ESR, CTC and
 * gaussian are of outputs [T,N,O] in this order. Zero-initialise. */
typedef struct clrnn_graph_loss {
    const char *output;          /* its name; NULL: the first output of the graph */
    clrnn_loss loss;             /* as of clrnn_trainer_desc; so are these: */
    double huber_delta;          /* huber; 0 = 1 */
    double pre_emphasis;         /* esr */
    double dc_weight;            /* esr */
    bool missing;                /* losses of values: one that is NaN is missing */
    const double *class_weights; /* cross-entropy, [O], copied; NULL = all 1 */
    double weight;               /* how much its mean counts in the sum of all losses; 0 = 1 */
} clrnn_graph_loss;

struct clrnn_graph_batch;

/* An output, for a loss of the caller's. */
typedef struct clrnn_graph_view {
    const char *name;
    const void *data; /* of the graph's precision, 0 past lengths */
    void *gradient;   /* out, of the loss by this output, 0 so far; NULL: it is not wanted */
    uint32_t rank;
    uint64_t shape[CLRNN_MOST_AXES];
} clrnn_graph_view;

/**
 * A loss of the caller's: computed on the host, in the thread that called, from outputs; with their
 * gradients, which are added to those of other losses. What it gives past lengths is not read.
 *
 * views: [count], in the order of own_outputs; valid during the call
 * loss:  out, added to the sum of the other losses
 * Returns: CLRNN_OK; anything else ends the step, which then has changed nothing, with it
 */
typedef clrnn_status (*clrnn_graph_own_loss)(void *user, const struct clrnn_graph_batch *batch,
                                             const clrnn_graph_view *views, uint32_t count,
                                             double *loss);

/* How to train. Zero-initialise, then set what you need. */
typedef struct clrnn_graph_trainer_desc {
    /* Its loss, huber_delta, missing and class_weights are those of the one loss, on the first
     * output, where neither `losses` nor own_loss is given; else they must be zero. dropout,
     * input_dropout and variational must be 0 (there are nodes for it).
     *
     * carry_state: recurrent nodes that scan T, and averages (ema), begin a batch, which then has
     * max_batch rows, with the states that the last one has left, in place of h0 and c0; the first
     * one, and one with `reset`, as they do without. Convolutions begin anew with each batch. */
    clrnn_trainer_desc training;
    const clrnn_graph_loss *losses; /* [loss_count], at most CLRNN_MOST_LOSSES */
    uint32_t loss_count;
    uint32_t own_output_count;
    clrnn_graph_own_loss own_loss;
    void *own_user;
    const char *const *own_outputs; /* [own_output_count], names, at most 16 */
    clrnn_strategy strategy;        /* of recurrent nodes */
    clrnn_gemm gemm;
} clrnn_graph_trainer_desc;

/* What a loss is told. Zero-initialise. */
typedef struct clrnn_graph_target {
    /* One for each row, in the order of the output without its axis of classes ([T,N] of [T,N,O]
     * and of [T,O,N], [N] of [N,O]). Cross-entropy: 0..O-1, or negative: not counted. Losses of
     * values: a mask that may be absent, of which the signs count. */
    const int32_t *classes;
    const void *values; /* of the output's shape (gaussian: O/2) and precision; losses of values */
} clrnn_graph_target;

/* One batch, in host memory; read before the call returns. Zero-initialise. */
typedef struct clrnn_graph_batch {
    uint32_t steps;                    /* T; 0 = max_steps */
    uint32_t batch;                    /* N; 0 = max_batch */
    const uint32_t *lengths;           /* [N], each 0..T; NULL = all T */
    const clrnn_graph_source *inputs;  /* [input_count]: all of them, in any order */
    const clrnn_graph_target *targets; /* [target_count]: one for each loss, in their order */
    uint32_t input_count, target_count;
    void *own;  /* for the caller's own loss */
    bool reset; /* begin anew in spite of carry_state */
} clrnn_graph_batch;

/**
 * Make a trainer for a graph. It begins with the parameters that the graph has, and keeps its own:
 * clrnn_trainer_get_parameters(trainer, clrnn_graph_data(graph)) brings them back.
 *
 * Ownership: on success *trainer is the caller's; the context must outlive it; the graph may be
 *            destroyed, but nothing can be added to it any more. On failure NULL.
 * Returns:   CLRNN_OK; CLRNN_ERR_ARGUMENT (an output that there is not or that depends on no
 *            parameter, an option out of its range or not used; the log names it); and those of
 *            clrnn_graph_plan_create
 */
CLRNN_API clrnn_status clrnn_graph_trainer_create(clrnn_context *context, clrnn_graph *graph,
                                                  const clrnn_graph_trainer_desc *desc,
                                                  clrnn_trainer **trainer);

/**
 * One step, the beginning of one, and an evaluation, as clrnn_trainer_step,
 * clrnn_trainer_differentiate and clrnn_trainer_evaluate, but they wait in any case. The loss is
 * the sum of each loss's mean times its weight, and of the caller's own.
 *
 * What a forward pass moves, as batch norm its running mean, moves in a step alone, and not in one
 * that is not finite.
 *
 * sums, counts: out [losses, and one more with own_loss]: sums of losses, not weighted, and how
 *               many were counted; of the own loss itself and 1
 * Returns: as those of clrnn/trainer.h, and what an own loss returns
 */
CLRNN_API clrnn_status clrnn_graph_trainer_step(clrnn_trainer *trainer,
                                                const clrnn_graph_batch *batch, double *loss);
CLRNN_API clrnn_status clrnn_graph_trainer_differentiate(clrnn_trainer *trainer,
                                                         const clrnn_graph_batch *batch,
                                                         double *loss, double *norm);
CLRNN_API clrnn_status clrnn_graph_trainer_evaluate(clrnn_trainer *trainer,
                                                    const clrnn_graph_batch *batch, double *sums,
                                                    uint64_t *counts);

#ifdef __cplusplus
}
#endif
#endif

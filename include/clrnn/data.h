/* SPDX-License-Identifier: MIT
 * clrnn/data.h - sequences to learn from: parts to train, validate and test on, batches of them,
 * scaling, scores; tasks that are made up.
 *
 * T steps (of the longest sequence), N sequences, I inputs, O outputs. Pure host code but for
 * scores and predictions, which run a model. */
#ifndef CLRNN_DATA_H
#define CLRNN_DATA_H

#include <clrnn/graph_plan.h>
#include <clrnn/trainer.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef enum clrnn_part {
    CLRNN_PART_TRAIN = 0,
    CLRNN_PART_VALIDATION,
    CLRNN_PART_TEST,
    CLRNN_PART_COUNT
} clrnn_part;

/* Which steps of a sequence have a target. */
typedef enum clrnn_target_at {
    CLRNN_TARGET_EVERY = 0, /* each one */
    CLRNN_TARGET_LAST       /* the last within the length: many to one */
} clrnn_target_at;

/* What there is. Zero-initialise, then set what you need. Elements of any number type. */
typedef struct clrnn_data_desc {
    const clrnn_tensor *x; /* [T,N,I], with batch_first [N,T,I]; [T,I] is one sequence. No NaN */
    /* Cross-entropy: classes from 0 on, [T,N], with batch_first [N,T], at the last step [N]; one
     * that is negative or NaN is missing. Else values with a last dimension O (or without it, O=1);
     * one that is NaN is missing. CTC: [N,S] whatever batch_first is, the labels of each sequence
     * in order, from 1 on, and behind them 0, NaN or negative ones. NULL: there is nothing to
     * learn, only to predict. */
    const clrnn_tensor *targets;
    const clrnn_tensor *lengths; /* [N] of integers, each 1..T; NULL = all T */
    const clrnn_tensor *mask;    /* of the shape of classes: 0 = its target is missing; or NULL */
    clrnn_loss loss;
    double huber_delta;             /* of huber, as a trainer's; 0 = 1 */
    double pre_emphasis, dc_weight; /* of esr, as a trainer's */
    clrnn_target_at target_at;
    /* Not 0: x [S,I] is one long series and targets [S], [S,O] what is known of each of its steps;
     * each `window` steps in a row are a sequence, and what is to be told after a step is the
     * target `horizon` steps later. */
    uint32_t window;
    uint32_t horizon;
    /* 0 = the largest class + 1, or as many values as there are (gaussian: twice as many) */
    uint32_t output_size;
    bool batch_first;
    uint32_t batch;            /* N of a batch; 0 = 32 */
    clrnn_precision precision; /* of batches: the model's */
    uint64_t seed;             /* of the order of batches */
} clrnn_data_desc;

typedef struct clrnn_data clrnn_data;

/**
 * Take over sequences; the tensors are copied. All sequences are of the training part.
 *
 * Ownership: on success *data is the caller's, on failure NULL.
 * Threads:   any; one call at a time for each.
 * Returns:   CLRNN_OK, CLRNN_ERR_ARGUMENT (a tensor is missing, or of the wrong shape or type),
 *            CLRNN_ERR_RANGE (NaN in x, a length, a class: the log says where), CLRNN_ERR_MEMORY
 */
CLRNN_API clrnn_status clrnn_data_create(const clrnn_data_desc *desc, const clrnn_log *log,
                                         clrnn_data **data);

/* Tasks that are made up, anew for each batch, with a level that nobody who has learned nothing
 * gets below. */
typedef enum clrnn_task {
    /* x [T,2]: numbers uniform in [0,1), and marks, of which there is one in each half; the sum of
     * the two marked numbers at the last step (Hochreiter, Schmidhuber 1997). Mean squared error of
     * the mean: 1/6. */
    CLRNN_TASK_ADDING = 0,
    /* 10 of 8 symbols, `steps` blanks, the last of which asks, and then the 10 symbols again
     * (Arjovsky et al. 2016): T = steps+20, x one-hot of 10. 10 ln 8 / T nats. */
    CLRNN_TASK_COPY,
    /* One of 8 symbols, then noise of two others; which it was, at the last step. ln 8 nats, one in
     * 8 right. */
    CLRNN_TASK_RECALL,
    /* Bits; after each whether there was an odd number of ones. ln 2 nats, half of them right. */
    CLRNN_TASK_PARITY,
    /* Brackets that open and close, up to 7 deep; after each how deep. What the most frequent depth
     * gives, and the entropy of the depths, both measured. */
    CLRNN_TASK_BRACKETS
} clrnn_task;

/* Zero-initialise, then set what you need. */
typedef struct clrnn_task_desc {
    clrnn_task task;
    uint32_t steps;    /* T, must be set; of copy the blanks */
    uint32_t batch;    /* N; 0 = 32 */
    uint32_t held_out; /* sequences to validate, and as many to test; 0 = 512 */
    clrnn_precision precision;
    uint64_t seed;
} clrnn_task_desc;

/** Make a task up. Ownership, threads: as clrnn_data_create. Returns: CLRNN_OK,
 *  CLRNN_ERR_ARGUMENT (no such task), CLRNN_ERR_RANGE (steps), CLRNN_ERR_MEMORY */
CLRNN_API clrnn_status clrnn_data_create_task(const clrnn_task_desc *desc, const clrnn_log *log,
                                              clrnn_data **data);

/**
 * Put the steps of every sequence into one order that is drawn from the seed, the same for all: of
 * images, a pixel a step, permuted digits (Le et al. 2015), where neighbours tell nothing. May be
 * called before or after scaling; the same seed again is another order.
 * Returns: CLRNN_OK; CLRNN_ERR_ARGUMENT (a task or windows, lengths that differ, or targets at
 *          every step: the log says which); CLRNN_ERR_MEMORY. On failure all stays.
 */
CLRNN_API clrnn_status clrnn_data_permute(clrnn_data *data, uint64_t seed);

/** Free it and set the pointer to NULL; NULL is accepted. */
CLRNN_API void clrnn_data_destroy(clrnn_data **data);

/* What there is in it. */
typedef struct clrnn_data_info {
    uint32_t inputs, outputs;        /* I, O */
    uint32_t steps;                  /* T */
    uint32_t sequences;              /* N of all; 0 = made up without an end */
    uint32_t part[CLRNN_PART_COUNT]; /* sequences of each; 0 for the training part of a task */
    uint32_t batch;                  /* N of a batch */
    clrnn_loss loss;
    clrnn_target_at target_at;
    bool ragged;  /* lengths differ */
    bool missing; /* a value is missing */
} clrnn_data_info;

/** Valid as long as the data; changes with clrnn_data_split. Threads: any. */
CLRNN_API const clrnn_data_info *clrnn_data_get_info(const clrnn_data *data);

/* Who goes where. Zero-initialise, then set what you need. */
typedef struct clrnn_split {
    double validation, test; /* part of the sequences, 0 <= v < 1, together below 1 */
    /* The last ones are tested on, those before them validate; else at random, by the seed. Of
     * windows with a target at every step those that reach into the next part are in none. */
    bool by_time;
    uint64_t seed;
    /* [N] of integers: the clrnn_part of each; `validation` is then of those to train on, and
     * `test` must be 0. NULL = by the numbers. */
    const clrnn_tensor *parts;
} clrnn_split;

/**
 * Part the sequences anew, before anything is scaled. One that is to train on, but has no target at
 * all, is in no part.
 * Returns: CLRNN_OK; CLRNN_ERR_ARGUMENT (a number, shape or type; a task); CLRNN_ERR_RANGE (nothing
 *          is left to train on, or none for a part that was asked for: the log says how many there
 *          are); CLRNN_ERR_MEMORY. On failure all stays.
 */
CLRNN_API clrnn_status clrnn_data_split(clrnn_data *data, const clrnn_split *split);

/**
 * Bring each input, and if `values` each target value, to mean 0 and deviation 1 over what is to
 * train on; one that never changes keeps its deviation. Scores and predictions are turned back.
 * Returns: CLRNN_OK; CLRNN_ERR_ARGUMENT (classes have no scale; it is scaled already; a task)
 */
CLRNN_API clrnn_status clrnn_data_standardise(clrnn_data *data, bool inputs, bool values);

/** Add the scaling to a set as scale.x_mean, scale.x_deviation [I], scale.y_mean, scale.y_deviation
 *  [O], F64; what is not scaled is left out. Returns: as clrnn_tensors_add. */
CLRNN_API clrnn_status clrnn_data_scaling_to_tensors(const clrnn_data *data, clrnn_tensors *set);

/** Scale as those tensors of a set say; without them nothing happens. Returns: CLRNN_OK;
 *  CLRNN_ERR_FORMAT (a tensor's shape, or a number; the log says which), CLRNN_ERR_ARGUMENT */
CLRNN_API clrnn_status clrnn_data_scaling_from_tensors(clrnn_data *data, const clrnn_tensors *set);

/** Sequences of each class to train on (steps, where each has a target). counts: out [O]; nothing
 * is written where there are values. */
CLRNN_API void clrnn_data_class_counts(const clrnn_data *data, uint64_t *counts);

/** Batches of one pass through a part; of the training part of a task 100. */
CLRNN_API uint64_t clrnn_data_batches(const clrnn_data *data, clrnn_part part);

/**
 * Batch `index`: any number. To train on, each pass has an order of its own, and sequences of about
 * the same length come together; of the other parts batches wrap around. A function of seed and
 * index alone, so a position is nothing but a number of steps.
 *
 * batch: out; its arrays are valid until the next call on the data.
 * Returns: CLRNN_OK, CLRNN_ERR_ARGUMENT (the part is empty), CLRNN_ERR_MEMORY
 */
CLRNN_API clrnn_status clrnn_data_batch(clrnn_data *data, clrnn_part part, uint64_t index,
                                        clrnn_batch *batch);

/* How well something is told. NaN = not of this kind of loss. */
typedef struct clrnn_score {
    uint64_t counted; /* targets */
    double loss;      /* mean, as a trainer has it, without class weights; esr: of the whole part */
    double accuracy;  /* cross-entropy: share whose largest logit is right; binary: of all labels
                       * those on the right side of one half; CTC: 1 - label error rate, edits that
                       * make the labels of the best path right over labels there are */
    double rms;       /* root of the mean squared error, not scaled; losses of values */
    double absolute;  /* mean absolute error, not scaled */
} clrnn_score;

/**
 * Run a model over a part and see how well it does. Waits.
 * Returns: CLRNN_OK; CLRNN_ERR_ARGUMENT (the part is empty, there are no targets, or the model has
 *          other inputs, outputs or another precision); and those of clrnn_model_forward
 */
CLRNN_API clrnn_status clrnn_data_score(clrnn_data *data, clrnn_model *model, clrnn_part part,
                                        clrnn_score *score);

/**
 * The same of a graph, by a plan that infers, of as many steps as there are: it has one input, T, N
 * and features in any order, of all T.
 *
 * output: its name, [..,O] with T or without; NULL: the first. Logits, as a trainer of the same
 *         loss takes them: after a softmax (binary: a sigmoid) as its last node probabilities
 * Returns: as clrnn_data_score, and clrnn_graph_plan_forward
 */
CLRNN_API clrnn_status clrnn_data_score_graph(clrnn_data *data, clrnn_graph_plan *plan,
                                              const char *output, clrnn_part part,
                                              clrnn_score *score);

/* What needs no model. */
typedef enum clrnn_baseline {
    CLRNN_BASELINE_MEAN = 0, /* classes: their shares of the training part; values: their means. Of
                              * a task its level of who has learned nothing */
    CLRNN_BASELINE_LAST,     /* windows: the target of the step itself, so the last value */
    CLRNN_BASELINE_SEASONAL  /* windows: the target a period before the one to tell */
} clrnn_baseline;

/** The score of a baseline on a part. period: steps of a season, at least the horizon. Returns:
 *  CLRNN_OK; CLRNN_ERR_ARGUMENT (not windows, a period; no targets, an empty part) */
CLRNN_API clrnn_status clrnn_data_baseline(clrnn_data *data, clrnn_part part, clrnn_baseline kind,
                                           uint32_t period, clrnn_score *score);

/**
 * What a model tells of all sequences, in their order: of cross-entropy, CTC and binary
 * probabilities, else values, not scaled; gaussian: means, and then standard deviations.
 *
 * out: [N,O] where the last step counts, else [N,T,O]; past a sequence's length NaN
 * Returns: as clrnn_data_score, but no targets are needed
 */
CLRNN_API clrnn_status clrnn_data_predict(clrnn_data *data, clrnn_model *model, double *out);

/** The same of a graph. Returns: as clrnn_data_score_graph */
CLRNN_API clrnn_status clrnn_data_predict_graph(clrnn_data *data, clrnn_graph_plan *plan,
                                                const char *output, double *out);

#ifdef __cplusplus
}
#endif
#endif

/* SPDX-License-Identifier: MIT
 * train/trainer.h - the inside of a trainer, for its files.
 *
 * A trainer knows parameters as one flat buffer, and a learner, which makes their gradient of a
 * batch: a model (train/learner_model.c) or a graph (train/learner_graph.c). Losses, optimisers,
 * clipping, what is frozen, checkpoints are the same for both. */
#ifndef CLR_TRAIN_TRAINER_H
#define CLR_TRAIN_TRAINER_H

#include <clrnn/graph_trainer.h>

#include "device/context.h"
#include "device/upload.h"
#include "math/ctc.h"
#include "math/loss.h"
#include "math/noise.h"
#include "math/optimizer.h"
#include "model/pass.h"

/* A pass that goes on where its last batch ended. */
typedef struct clr_stream {
    clr_model_pass *pass;
    bool started; /* pass->h0 and c0 hold the state to begin with; else it begins with zeros */
} clr_stream;

/* Parts of the parameters. */
typedef struct clr_extents {
    struct clr_extent {
        size_t first, count; /* elements */
    } * all;                 /* [count] */
    size_t count;
} clr_extents;

/* Those that stay as they are. */
typedef struct clr_frozen {
    clr_extents extents;
    cl_mem values;    /* [parameters], of which these parts are kept */
    uint64_t version; /* of the parameters that they were taken from; 0 = none */
} clr_frozen;

/* Those that no optimiser moves: constants, and what a forward pass moves, as running means. */
typedef struct clr_untrained {
    clr_extents extents;
    cl_mem before, after; /* [parameters], of which these parts are kept: by a forward pass */
} clr_untrained;

/* Weights of a step that differ from the parameters: with noise, or recurrent ones dropped. */
typedef struct clr_perturbed {
    clr_noise noise;
    cl_mem weights;        /* [parameters]; NULL: a step computes with the parameters themselves */
    clr_extents recurrent; /* what drop_connect drops */
    bool in_use;           /* the learner has the weights, and `weights` holds the parameters */
} clr_perturbed;

/* One loss: of rows of O numbers. */
typedef struct clr_objective {
    clrnn_loss kind;
    double huber_delta, pre_emphasis, dc_weight;
    bool missing;
    double factor;        /* in the sum of all losses */
    size_t outputs;       /* O */
    size_t rows;          /* at most, of a batch */
    size_t batch;         /* N at most, of losses of sequences */
    double *weights;      /* of classes [O], or NULL */
    cl_mem class_weights; /* the same on the device */
    cl_mem losses;        /* [rows] */
    cl_mem targets;       /* [rows] cl_int, negative = not counted */
    cl_mem values;        /* [rows,O], gaussian [rows,O/2], losses of values */
    cl_mem means;         /* [N,O], of esr */
    clr_ctc ctc;
    cl_mem paths;          /* of ctc: [N, clr_ctc_path_size(labels)] */
    int32_t *staged_paths; /* the same for the largest batch */
    size_t labels;         /* S, of the batch that is staged */
} clr_objective;

/* The rows of a batch. */
typedef struct clr_batch_rows {
    size_t count;
    size_t inner;            /* in the caller's array values lie as [count/inner,O,inner] */
    uint32_t T, N;           /* of losses of sequences: they are [T,N] */
    const uint32_t *lengths; /* [N], or NULL: all T */
} clr_batch_rows;

/* What of a batch a loss counts. */
typedef struct clr_counted {
    uint64_t count; /* rows, or elements with `missing` */
    double weight;  /* what the sum of losses is divided by to be their mean */
    double dc;      /* of esr: what a squared mean is multiplied with before */
} clr_counted;

/* What all losses count, and the caller's own. */
typedef struct clr_tally {
    clr_counted each[CLRNN_MOST_LOSSES];
    double own;
} clr_tally;

/* A batch of a model, or of a graph: one of the two. */
typedef struct clr_any_batch {
    const clrnn_batch *sequences;
    const clrnn_graph_batch *graph;
} clr_any_batch;

struct clr_learner;
struct clr_graph_learner;

struct clrnn_trainer {
    clrnn_context *context;
    const struct clr_learner *learner;
    clrnn_model *model;              /* NULL: it is a graph that learns */
    struct clr_graph_learner *graph; /* NULL: it is a model */
    clrnn_precision precision;
    size_t real;        /* bytes of an element */
    cl_mem *parameters; /* [count], where the learner has them */
    size_t count;
    clrnn_trainer_desc desc; /* defaults filled in */
    uint64_t steps_done;
    clr_stream training, evaluation; /* of a model; the latter's pass is made when it is needed */
    clr_objective *objectives;       /* [objective_count] */
    uint32_t objective_count;
    bool has_own; /* a loss of the caller's */
    clr_loss loss;
    clr_optimizer optimizer;
    cl_mem gradient;         /* [count] */
    cl_mem m;                /* [count], adam and adamw */
    cl_mem v;                /* [count]; sgd: u */
    cl_mem norm;             /* [2], of the gradient, see clr_norm */
    cl_mem sum;              /* [1], of all losses */
    cl_mem sums;             /* [objective_count + has_own], if these are more than one */
    cl_mem watch;            /* [2] cl_ulong, of clr_update: the first step that was not finite */
    cl_ulong watched[2];     /* the same as last read */
    bool in_step;            /* what the last pass left is of this call of the caller's, and: */
    const uint32_t *lengths; /* [N], of it, or NULL */
    clr_uploads uploads;     /* of targets and values */
    clr_frozen frozen;
    clr_untrained untrained;
    clr_perturbed perturbed;
};

/* A tensor of the parameters; the name as in a file. */
typedef struct clr_learner_tensor {
    char name[96];
    size_t offset, count; /* elements */
    bool recurrent;       /* it multiplies h_{t-1} */
} clr_learner_tensor;

/* An array that a checkpoint has besides. */
typedef struct clr_saved_array {
    const char *name;
    cl_mem *buffer; /* NULL = this trainer has none */
    uint32_t rank;
    uint64_t shape[3];
    size_t count;
} clr_saved_array;
enum { CLR_STATES = 2 }; /* of a learner, at most */
enum { CLR_FAULT_TEXT = 200 };

/* What learns. All but `destroy` may count on a trainer that is complete. */
typedef struct clr_learner {
    const char *noun; /* in messages */
    /** Enqueue forward, losses and gradients of a batch, which is checked before anything changes.
     *  tally: out, what is counted. Fails with CLRNN_ERR_RANGE where nothing is. */
    clrnn_status (*differentiate)(clrnn_trainer *trainer, clr_any_batch batch, clr_tally *tally);
    /** What the step keeps for the next one. May be NULL. */
    clrnn_status (*carry)(clrnn_trainer *trainer);
    /** Enqueue forward and losses alone, of the batch to evaluate. */
    clrnn_status (*evaluate)(clrnn_trainer *trainer, clr_any_batch batch, clr_tally *tally);
    /** Which parameters these are: a number that changes when they do; and that they have. */
    uint64_t (*version)(const clrnn_trainer *trainer);
    void (*changed)(clrnn_trainer *trainer);
    /** Its tensors. */
    size_t (*tensors)(const clrnn_trainer *trainer);
    void (*tensor)(const clrnn_trainer *trainer, size_t index, clr_learner_tensor *info);
    /** Parameters and description into a set; and from one, checked to be of the same learner, as a
     *  new buffer. */
    clrnn_status (*save)(clrnn_trainer *trainer, clrnn_tensors *set);
    clrnn_status (*load)(clrnn_trainer *trainer, const clrnn_tensors *set, const char *path,
                         cl_mem *parameters);
    /** What it carries from step to step. May be NULL. */
    void (*states)(clrnn_trainer *trainer, clr_saved_array states[CLR_STATES]);
    /** Say in a line where the last pass, one that trains, first had a number that is not finite;
     * "" if nowhere in a network, or if that cannot be found out. */
    void (*fault)(clrnn_trainer *trainer, char text[CLR_FAULT_TEXT]);
    /** Look for what kernels have to tell, after a wait. May be NULL. */
    void (*poll)(const clrnn_trainer *trainer);
    void (*destroy)(clrnn_trainer *trainer);
} clr_learner;

extern const clr_learner clr_learner_model, clr_learner_graph;

/** Make losses, optimiser and memory of a trainer whose learner, parameters and descriptor are
 *  there. Returns: as clrnn_trainer_create */
clrnn_status clr_trainer_open(clrnn_trainer *trainer);

/** Make a loss, of which kind, options, outputs and rows are set. weights: of classes, or NULL.
 *  Returns: CLRNN_OK, CLRNN_ERR_ARGUMENT (a weight is out of its range), CLRNN_ERR_MEMORY,
 *  CLRNN_ERR_OPENCL */
clrnn_status clr_objective_open(clrnn_trainer *trainer, clr_objective *objective,
                                const double *weights);
void clr_objective_close(clr_objective *objective);

/** Count what of a batch is counted. targets: [rows], negative where one is not; values: as
 *  rows->inner says, read with `missing` and by esr. */
clr_counted clr_objective_count(const clrnn_trainer *trainer, const clr_objective *objective,
                                const void *values, const int32_t *targets,
                                const clr_batch_rows *rows);

/** Of ctc: make paths of the labels in `targets`, [T,N], and see that they fit into their steps;
 *  and enqueue them. Of other losses nothing. Returns: CLRNN_OK, CLRNN_ERR_RANGE (logged),
 *  CLRNN_ERR_OPENCL, CLRNN_ERR_MEMORY */
clrnn_status clr_objective_paths(clrnn_trainer *trainer, clr_objective *objective,
                                 const int32_t *targets, const clr_batch_rows *rows);
clrnn_status clr_objective_send_paths(clrnn_trainer *trainer, clr_objective *objective,
                                      const clr_batch_rows *rows);

/** Enqueue the losses of all rows, and their gradients times scale unless dlogits is NULL. */
clrnn_status clr_objective_run(clrnn_trainer *trainer, clr_objective *objective, cl_mem logits,
                               const clr_batch_rows *rows, const clr_counted *counted, double scale,
                               cl_mem dlogits);

/** Enqueue the sum of losses of objective i. After all: trainer->sum. */
clrnn_status clr_objective_sum(clrnn_trainer *trainer, uint32_t i, size_t rows);
clrnn_status clr_trainer_sum(clrnn_trainer *trainer, const clr_tally *tally);

/** Note what a batch counts, and whether it does. Returns: CLRNN_OK, CLRNN_ERR_RANGE */
clrnn_status clr_trainer_counts(const clrnn_trainer *trainer, const clr_tally *tally);

/** Copy these parts. */
clrnn_status clr_extents_copy(const clrnn_trainer *trainer, const clr_extents *extents, cl_mem from,
                              cl_mem to);

/** Make what draws the weights of a step, if the options ask for it. Returns: CLRNN_OK,
 *  CLRNN_ERR_ARGUMENT (there are no recurrent weights), CLRNN_ERR_MEMORY, CLRNN_ERR_OPENCL */
clrnn_status clr_perturbed_open(clrnn_trainer *trainer);
void clr_perturbed_close(clr_perturbed *perturbed);

/** Give the learner the weights of the next step in place of the parameters; and give it the
 *  parameters back, with the gradient by them. The second one even if the first, or what came
 *  between, has failed. */
clrnn_status clr_perturbed_begin(clrnn_trainer *trainer);
clrnn_status clr_perturbed_end(clrnn_trainer *trainer);

/** Make the gradient of what is frozen 0; remember, before a step changes it, what is frozen; and
 *  put it back after. */
clrnn_status clr_frozen_gradient(clrnn_trainer *trainer);
clrnn_status clr_frozen_before(clrnn_trainer *trainer);
clrnn_status clr_frozen_after(clrnn_trainer *trainer);
void clr_frozen_free(clr_frozen *frozen);

/** Remember what no optimiser moves, before a forward pass; and what it has become, after. Then
 *  either it becomes that, unless the step or one before was not finite; or it is put back. */
clrnn_status clr_untrained_before(clrnn_trainer *trainer);
clrnn_status clr_untrained_after(clrnn_trainer *trainer);
clrnn_status clr_untrained_keep(clrnn_trainer *trainer);
clrnn_status clr_untrained_undo(clrnn_trainer *trainer);

/** Wait for some numbers of the trainer's precision, in `buffer`. */
clrnn_status clr_trainer_numbers(const clrnn_trainer *trainer, cl_mem buffer, size_t count,
                                 double values[]);

/** Wait for trainer->norm. */
clrnn_status clr_trainer_norm(const clrnn_trainer *trainer, double *norm);

/**
 * See whether all steps were finite: enqueue the question, and when that has been waited for look
 * at the answer. If they were not, the trainer is put back to before the first that was not, from
 * where it can go on. Returns: CLRNN_OK, CLRNN_ERR_NOT_FINITE (the log names the step),
 * CLRNN_ERR_OPENCL
 */
clrnn_status clr_watch_read(clrnn_trainer *trainer);
clrnn_status clr_finite_steps(clrnn_trainer *trainer);

/** See whether all real numbers of a set are finite. Returns: CLRNN_OK, CLRNN_ERR_NOT_FINITE (the
 *  log names the tensor) */
clrnn_status clr_finite_tensors(const clrnn_tensors *set, const char *what, const clrnn_log *log);

#endif

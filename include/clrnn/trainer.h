/* SPDX-License-Identifier: MIT
 * clrnn/trainer.h - training a model: loss, optimiser, schedule, checkpoints. */
#ifndef CLRNN_TRAINER_H
#define CLRNN_TRAINER_H

#include <clrnn/model.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef enum clrnn_loss {
    CLRNN_LOSS_CROSS_ENTROPY = 0, /* -log softmax(logits)[target], in nats */
    CLRNN_LOSS_MEAN_SQUARED,      /* mean over the O outputs of (logits - target)^2 */
    CLRNN_LOSS_MEAN_ABSOLUTE,     /* mean over the O outputs of |logits - target| */
    /* With e = logits - target: mean over the O outputs of e^2/2 where |e| <= huber_delta, else of
     * huber_delta*(|e| - huber_delta/2) (Huber 1964; PyTorch's HuberLoss) */
    CLRNN_LOSS_HUBER,
    /* Sum over the O outputs of binary cross-entropy, -log sigm(logit) of a target 1, -log(1 -
     * sigm(logit)) of a target 0, in nats: several labels of a step may be true. */
    CLRNN_LOSS_BINARY,
    /* O = 2K outputs: K means m, then K logarithms a of variances, v = e^a + 1e-6, for K values:
     * mean over them of (log v + (m - target)^2/v)/2 (PyTorch's GaussianNLLLoss) */
    CLRNN_LOSS_GAUSSIAN,
    /* Of sound: error to signal ratio. With e = logits - target and p the pre-emphasis filter
     * p(u)_t = u_t - pre_emphasis*u_{t-1} within each sequence, sum of p(e)^2 / sum of p(target)^2
     * over the whole batch, plus dc_weight times the same of the means: sum over the sequences of
     * T*mean(e)^2 / sum of target^2, T and mean of the steps counted (Wright et al. 2019). Both
     * denominators have 1e-5 more for each value, for silence. A step that is not counted is as 0.
     */
    CLRNN_LOSS_ESR,
    /* Connectionist temporal classification (Graves et al. 2006), in nats for each sequence: -log
     * of the probability of its labels, in order and at whatever steps, where class 0 is the blank
     * (PyTorch's CTCLoss, reduction "sum" over N). clrnn/ctc.h decodes. */
    CLRNN_LOSS_CTC
} clrnn_loss;

/* With g the (clipped) gradient, w a parameter, lr the scheduled rate, k = 1, 2, ... the step:
 *   sgd      u = momentum*u + g;  w -= lr*u
 *   adam     m = b1*m+(1-b1)*g;  v = b2*v+(1-b2)*g^2;
 *            w -= lr * m/(1-b1^k) / (sqrt(v/(1-b2^k)) + eps)           (Kingma and Ba 2015)
 *   adamw    w -= lr*weight_decay*w, then as adam                      (Loshchilov and Hutter 2019)
 *   rmsprop  v = rho*v+(1-rho)*g^2;  w -= lr*g / (sqrt(v) + eps)       (Tieleman and Hinton 2012)
 * These are the formulas of PyTorch's optimisers of the same names. */
typedef enum clrnn_optimizer {
    CLRNN_ADAM = 0,
    CLRNN_ADAMW,
    CLRNN_SGD,
    CLRNN_RMSPROP
} clrnn_optimizer;

typedef enum clrnn_schedule {
    CLRNN_SCHEDULE_CONSTANT = 0,
    CLRNN_SCHEDULE_COSINE, /* linear warm-up, then half a cosine down to 0 at total_steps */
    CLRNN_SCHEDULE_STEP,   /* times step_factor after each step_every steps beyond the warm-up */
    /* From 1/25 of the rate up to it over the first 3/10 of total_steps, then down to 1e-4/25 of
     * it at total_steps, both as half a cosine (Smith and Topin 2019; PyTorch's OneCycleLR). */
    CLRNN_SCHEDULE_ONE_CYCLE
} clrnn_schedule;

/* How to train. Zero-initialise, then set what you need; zero means the default given. What the
 * optimiser, the schedule or the model does not use must be zero (but for the seed).
 *
 * With drop_connect and weight_noise a step takes the gradient at W' = (W + noise) * mask, and
 * changes W itself by it: dLoss/dW = mask * dLoss/dW'. Tensors that are frozen, and what no
 * optimiser moves, stay as they are in W', too. */
typedef struct clrnn_trainer_desc {
    uint32_t max_steps; /* largest T of a batch, must be set: gradients flow through these steps */
    uint32_t max_batch; /* largest N of a batch, must be set */
    clrnn_loss loss;
    clrnn_optimizer optimizer;
    double learning_rate; /* 0 = 0.001 */
    double momentum;      /* sgd, [0,1) */
    double beta1;         /* adam, adamw; 0 = 0.9 */
    double beta2;         /* adam, adamw; 0 = 0.999 */
    double rho;           /* rmsprop; 0 = 0.99 */
    double epsilon;       /* all but sgd; 0 = 1e-8 */
    double weight_decay;  /* adamw; 0 = none */
    double clip;          /* largest Euclidean norm of the whole gradient; 0 = no limit */
    float dropout;        /* 0 <= p < 1, between layers, of which there must be two or more */
    clrnn_schedule schedule;
    uint64_t warmup_steps; /* steps over which the rate grows linearly from 0; not one-cycle */
    uint64_t total_steps;  /* cosine, one-cycle: must be set, more than warmup_steps */
    uint64_t seed;         /* of dropout and of what is drawn for weights */
    bool carry_state;      /* truncated BPTT: a batch begins with the final state of the last one */
    uint64_t step_every;   /* step: must be set */
    double step_factor;    /* step; 0 = 0.1, else in (0,1) */
    double huber_delta;    /* huber; 0 = 1 */
    double pre_emphasis;   /* esr, [0,1); 0 = none; 0.85 is usual for guitars */
    double dc_weight;      /* esr; 0 = none, 1 is usual */
    /* Losses of values: one that is NaN is missing. It costs nothing, and the loss is the mean over
     * the elements that are there (binary: over the steps counted). Else NaN makes the loss NaN. */
    bool missing;
    /* Cross-entropy, [O], copied: a step counts as much as the weight of its target, and the loss
     * is the weighted mean (as of PyTorch's CrossEntropyLoss), but 0, and the gradient with it, of
     * a batch whose targets all weigh 0; each at least 0. NULL = all 1. */
    const double *class_weights;
    float input_dropout; /* 0 <= p < 1, of x, of one-hot symbols or of their embeddings */
    /* Both dropouts: a row has one mask for all its steps (Gal, Ghahramani 2016), not one for each.
     * One-hot symbols then are dropped wherever they are in the row. */
    bool variational;
    /* DropConnect (Wan et al. 2013; Merity et al. 2018): 0 <= p < 1. In each step every recurrent
     * weight (weight_hh) is 0 with this probability, else 1/(1-p) times itself, for all its rows
     * and steps in time. What evaluates uses the whole weights as they are. */
    float drop_connect;
    /* Deviation of normal noise, drawn anew for each step, on every weight and bias that it
     * computes with (Graves 2011); 0 = none. Evaluation has none. */
    double weight_noise;
} clrnn_trainer_desc;

typedef struct clrnn_trainer clrnn_trainer;

/* One batch, in host memory; read before the call returns. Zero-initialise. */
typedef struct clrnn_batch {
    uint32_t steps; /* T; 0 = max_steps */
    uint32_t batch; /* N; 0 = max_batch; with carry_state always max_batch */
    const uint32_t *lengths;
    const void *x;      /* [T,N,I], dense models, the model's precision */
    const int32_t *ids; /* [T,N], one-hot and embedding models */
    /* [T,N]. Cross-entropy: 0..O-1, or negative: not counted. Losses of values: a mask that may
     * be absent; steps with a negative target are not counted, whatever their values hold. CTC: the
     * labels of row n in order, 1..O-1, at [0..,n], and behind them 0 or negative ones. */
    const int32_t *targets;
    const void *values; /* [T,N,O], gaussian [T,N,O/2], the model's precision; losses of values */
    bool reset;         /* begin with zero states in spite of carry_state */
} clrnn_batch;

/**
 * Make a trainer for a model with a head. It changes the model's parameters in place.
 *
 * Ownership: on success *trainer is the caller's; the model must outlive it, and be used by one
 *            thread at a time together with it. On failure NULL.
 * Returns:   CLRNN_OK; CLRNN_ERR_ARGUMENT (no head, an option out of its range or not used; the
 *            log names it); CLRNN_ERR_RANGE; and those of clrnn_plan_create
 */
CLRNN_API clrnn_status clrnn_trainer_create(clrnn_model *model, const clrnn_trainer_desc *desc,
                                            clrnn_trainer **trainer);

/** Wait, free and set the pointer to NULL; NULL is accepted. The model stays. */
CLRNN_API void clrnn_trainer_destroy(clrnn_trainer **trainer);

/**
 * One training step: forward, loss, backward, clipping, optimiser. The loss is the mean over the
 * steps counted (within the row's length, target not negative).
 *
 * loss: NULL = do not wait for the device, but for the oldest of the batches under way when these
 *       are 20 or take 64 MiB of copies; else receives the loss before the update, finite or not.
 *
 * A step whose loss or gradient is not finite changes nothing, and neither does any step after it
 * until the caller has been told: the next of these calls that waits (a step with `loss`,
 * clrnn_trainer_differentiate, clrnn_trainer_evaluate, clrnn_trainer_save) returns
 * CLRNN_ERR_NOT_FINITE, and the log names the step. The trainer is then as it was before that step
 * (parameters, moments, steps done), and the next batch begins with zero states. A smaller learning
 * rate, clipping, or other data may help; the same step again does not.
 * Returns: CLRNN_OK
 *          CLRNN_ERR_ARGUMENT  a needed array is missing
 *          CLRNN_ERR_RANGE     a size, length, id or target out of range (the log says where), or
 *                              no step is counted; in both cases nothing has changed
 *          CLRNN_ERR_NOT_FINITE  the loss or gradient of this step or of one before it, as above
 *          CLRNN_ERR_MEMORY, CLRNN_ERR_OPENCL  the step may be half done
 */
CLRNN_API clrnn_status clrnn_trainer_step(clrnn_trainer *trainer, const clrnn_batch *batch,
                                          double *loss);

/**
 * Only what a step begins with: forward, loss and backward, as the next step with this batch would
 * do them. Parameters, moments, carried states and steps done stay. Who would keep no parameters
 * that training cannot go on from looks at both numbers before clrnn_trainer_save, as `clrnn train`
 * does. The gradient can then be read as that of a step.
 *
 * loss, norm: receive the mean loss and the gradient's Euclidean norm, finite or not.
 * Returns: as clrnn_trainer_step; CLRNN_ERR_NOT_FINITE tells of the steps before.
 */
CLRNN_API clrnn_status clrnn_trainer_differentiate(clrnn_trainer *trainer, const clrnn_batch *batch,
                                                   double *loss, double *norm);

/**
 * Only forward and loss, without dropout. Carries its own state from one evaluation to the next
 * (if carry_state), apart from that of training.
 *
 * loss_sum: receives the sum of the losses, count: how many steps were counted; with `missing`
 *           how many elements (binary: steps). Class weights weigh the sum.
 *           CTC: sequences. ESR: the sum is the batch's loss times the steps counted.
 * A sum that is not finite is a result like any other.
 * Returns: as clrnn_trainer_step (CLRNN_ERR_NOT_FINITE tells of training), but a batch in which no
 *          step is counted is allowed.
 */
CLRNN_API clrnn_status clrnn_trainer_evaluate(clrnn_trainer *trainer, const clrnn_batch *batch,
                                              double *loss_sum, uint64_t *count);

/** Steps done so far, also before a resume: the k of the formulas, minus 1. */
CLRNN_API uint64_t clrnn_trainer_steps_done(const clrnn_trainer *trainer);

/**
 * Another learning rate from the next step on, which the schedule multiplies as it does the one of
 * the descriptor. A checkpoint says it, but who resumes gives it again, there or here, like every
 * option that may differ: a warning tells if it does.
 * Returns: CLRNN_OK, CLRNN_ERR_ARGUMENT (not above 0, or infinite)
 */
CLRNN_API clrnn_status clrnn_trainer_set_learning_rate(clrnn_trainer *trainer, double rate);

/**
 * From the next step on leave the tensors as they are whose names in files (clrnn_model_to_tensors)
 * begin so: "rnn.", "embedding.weight", "rnn.weight_hh_l0". Their gradients become 0, so clipping
 * does not see them. May be called for several prefixes; a checkpoint does not remember it.
 * Returns: CLRNN_OK; CLRNN_ERR_ARGUMENT (no tensor's name begins so: the log lists them);
 *          CLRNN_ERR_MEMORY, CLRNN_ERR_OPENCL
 */
CLRNN_API clrnn_status clrnn_trainer_freeze(clrnn_trainer *trainer, const char *prefix);

/** How many parameters a step trains: all but frozen ones and those of a graph that no optimiser
 *  moves. 0 also of NULL. */
CLRNN_API size_t clrnn_trainer_trained_count(const clrnn_trainer *trainer);

/** Learning rate of the next step, and the gradient's norm of the last one, before clipping
 * (waits): finite if the gradient is, whatever its squares are. */
CLRNN_API double clrnn_trainer_learning_rate(const clrnn_trainer *trainer);
CLRNN_API clrnn_status clrnn_trainer_gradient_norm(clrnn_trainer *trainer, double *norm);

/**
 * Copy the gradient of the last step, before clipping, in the layout of
 * clrnn_model_get_parameters. Waits.
 */
CLRNN_API clrnn_status clrnn_trainer_get_gradient(clrnn_trainer *trainer, void *gradient);

/** Copy all parameters to or from host memory, [count] of the precision, as those of the model
 *  (clrnn_model_get_parameters) or graph (clrnn_graph_data). Waits. Returns: CLRNN_OK,
 *  CLRNN_ERR_ARGUMENT, CLRNN_ERR_OPENCL (to set: they are undefined until set again) */
CLRNN_API clrnn_status clrnn_trainer_get_parameters(clrnn_trainer *trainer, void *parameters);
CLRNN_API clrnn_status clrnn_trainer_set_parameters(clrnn_trainer *trainer, const void *parameters);

/**
 * Write a checkpoint: a safetensors file that is also a model file, with the optimiser's moments,
 * carried states, step and options. A kill at any moment leaves the old file or the new, whole.
 * Returns: CLRNN_OK, CLRNN_ERR_IO, CLRNN_ERR_MEMORY, CLRNN_ERR_OPENCL, CLRNN_ERR_UNSUPPORTED;
 *          CLRNN_ERR_NOT_FINITE  a step was not finite (clrnn_trainer_step), or a parameter, moment
 *                                or state is not: the log names it. On any failure an old file of
 *                                that name is untouched
 */
CLRNN_API clrnn_status clrnn_trainer_save(clrnn_trainer *trainer, const char *path);

/**
 * The same as a set of tensors, to which more can be added before clrnn_tensors_save, and back:
 * clrnn_trainer_save and clrnn_trainer_resume without the file. `name` stands for its path in
 * messages. Ownership: the set stays the caller's. Returns: as those.
 */
CLRNN_API clrnn_status clrnn_trainer_to_tensors(clrnn_trainer *trainer, clrnn_tensors *set);
CLRNN_API clrnn_status clrnn_trainer_from_tensors(clrnn_trainer *trainer, const clrnn_tensors *set,
                                                  const char *name);

/**
 * Continue from a checkpoint: model parameters, moments, carried states and step become those of
 * the file; evaluation begins anew. Trained on with the same options and batches, parameters are
 * bit-identical to those of a run without interruption on the same device and driver. Options that
 * may differ (loss, rates, clip, dropout, schedule) and do are logged as warnings.
 *
 * Returns: CLRNN_OK; CLRNN_ERR_FORMAT when the file is no checkpoint, or of another model,
 *          optimiser, seed, batch size or carry_state (the log names the field); CLRNN_ERR_IO,
 *          CLRNN_ERR_MEMORY, CLRNN_ERR_OPENCL, CLRNN_ERR_UNSUPPORTED. On any failure nothing has
 *          changed.
 */
CLRNN_API clrnn_status clrnn_trainer_resume(clrnn_trainer *trainer, const char *path);

#ifdef __cplusplus
}
#endif
#endif

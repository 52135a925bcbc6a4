/* SPDX-License-Identifier: MIT
 * train/trainer.h - the inside of a trainer, for its files. */
#ifndef CLR_TRAIN_TRAINER_H
#define CLR_TRAIN_TRAINER_H

#include <clrnn/trainer.h>

#include "device/context.h"
#include "device/upload.h"
#include "math/loss.h"
#include "math/optimizer.h"
#include "model/pass.h"

/* A pass that goes on where its last batch ended. */
typedef struct clr_stream {
    clr_model_pass *pass;
    bool started; /* pass->h0 and c0 hold the state to begin with; else it begins with zeros */
} clr_stream;

/* Parts of the parameters that stay as they are. */
typedef struct clr_frozen {
    struct clr_extent {
        size_t first, count; /* elements */
    } * extents;             /* [count] */
    size_t count;
    cl_mem values;    /* [parameters], of which these parts are kept */
    uint64_t version; /* of the model's parameters that they were taken from; 0 = none */
} clr_frozen;

struct clrnn_trainer {
    clrnn_model *model;
    clrnn_trainer_desc desc; /* defaults filled in */
    uint64_t steps_done;
    clr_stream training, evaluation; /* the latter's pass is made by the first evaluation */
    clr_loss loss;
    clr_optimizer optimizer;
    cl_mem gradient;      /* [count] */
    cl_mem m;             /* [count], adam and adamw */
    cl_mem v;             /* [count]; sgd: u */
    cl_mem norm;          /* [2], of the gradient, see clr_norm */
    cl_mem sum;           /* [1], of the losses */
    cl_mem watch;         /* [2] cl_ulong, of clr_update: the first step that was not finite */
    cl_ulong watched[2];  /* the same as last read */
    cl_mem losses;        /* [T,N] */
    cl_mem targets;       /* [T,N] cl_int, negative = not counted */
    cl_mem values;        /* [T,N,O], losses of values */
    clr_uploads uploads;  /* of targets and values */
    cl_mem class_weights; /* [O], or NULL */
    double *weights;      /* [O], the same on the host; desc.class_weights points to it */
    clr_frozen frozen;
};

/* What of a batch is counted. */
typedef struct clr_counted {
    uint64_t count; /* steps, or elements with `missing` */
    double weight;  /* what the sum of losses is divided by to be their mean */
} clr_counted;

/** Take the class weights of a descriptor. Returns: CLRNN_OK, CLRNN_ERR_ARGUMENT (one is out of its
 *  range), CLRNN_ERR_MEMORY, CLRNN_ERR_OPENCL */
clrnn_status clr_trainer_open_weights(clrnn_trainer *trainer, const double *weights);

/** Count what of a batch is counted. targets: [T,N], negative where a step is not. */
clr_counted clr_trainer_count(const clrnn_trainer *trainer, const clrnn_batch *batch,
                              const clr_model_input *in, const int32_t *targets);

/** Enqueue the losses of all positions; with their gradients if the pass trains. */
clrnn_status clr_trainer_losses(clrnn_trainer *trainer, const clr_model_pass *pass,
                                const clr_model_input *in, double scale);

/** Make the gradient of what is frozen 0; remember, before the optimiser changes it, what is
 *  frozen; and put it back after. */
clrnn_status clr_frozen_gradient(clrnn_trainer *trainer);
clrnn_status clr_frozen_before(clrnn_trainer *trainer);
clrnn_status clr_frozen_after(clrnn_trainer *trainer);
void clr_frozen_free(clr_frozen *frozen);

/** Wait for one or two numbers of the model's precision, in `buffer`. */
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

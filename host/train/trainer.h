/* SPDX-License-Identifier: MIT
 * train/trainer.h - the inside of a trainer, for its files. */
#ifndef CLR_TRAIN_TRAINER_H
#define CLR_TRAIN_TRAINER_H

#include <clrnn/trainer.h>

#include "device/context.h"
#include "math/loss.h"
#include "math/optimizer.h"
#include "model/pass.h"

/* A pass that goes on where its last batch ended. */
typedef struct clr_stream {
    clr_model_pass *pass;
    bool started; /* pass->h0 and c0 hold the state to begin with; else it begins with zeros */
} clr_stream;

struct clrnn_trainer {
    clrnn_model *model;
    clrnn_trainer_desc desc; /* defaults filled in */
    uint64_t steps_done;
    clr_stream training, evaluation; /* the latter's pass is made by the first evaluation */
    clr_loss loss;
    clr_optimizer optimizer;
    cl_mem gradient;  /* [count] */
    cl_mem m;         /* [count], adam and adamw */
    cl_mem v;         /* [count]; sgd: u */
    cl_mem norm;      /* [1], of the gradient */
    cl_mem sum;       /* [1], of the losses */
    cl_mem losses;    /* [T,N] */
    cl_mem targets;   /* [T,N] cl_int, negative = not counted */
    cl_mem values;    /* [T,N,O], mean squared error */
    int32_t *staging; /* host [T*N], what goes to targets */
};

#endif

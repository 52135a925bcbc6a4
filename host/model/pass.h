/* SPDX-License-Identifier: MIT
 * model/pass.h - one pass through a model. */
#ifndef CLR_MODEL_PASS_H
#define CLR_MODEL_PASS_H

#include "device/upload.h"
#include "math/model.h"
#include "math/sequence.h"
#include "model/parameters.h"

/* What goes in. */
typedef struct clr_model_input {
    uint32_t steps, batch;   /* T, N */
    const uint32_t *lengths; /* host [N] or NULL */
    const void *x;           /* host [T,N,I]; dense */
    const int32_t *ids;      /* host [T,N]; one-hot and embedding */
    bool initial_state;      /* begin with pass->h0, c0; else with zeros */
    uint64_t dropout_seed;
    uint32_t dropout_index;
} clr_model_input;

/* What a pass that trains drops. */
typedef struct clr_model_dropout {
    float layers;     /* between them */
    float input;      /* of what the network reads: x, one-hot symbols, their embedding */
    bool variational; /* one mask for all steps of a row */
} clr_model_dropout;

/* Device memory of a pass through a model, for up to max_steps and max_batch. Forward leaves y, hn,
 * cn and logits; the loss (layer train) writes dlogits; backward leaves the gradient. A call of
 * fewer steps or rows uses the beginning of each array, packed for its own T and N. One thread. */
typedef struct clr_model_pass {
    clrnn_model *model;
    uint32_t max_steps, max_batch;
    uint64_t largest_call; /* of clrnn_model_forward: T*N of the largest call it was made for */
    bool train;
    clr_model_dropout dropout;
    clrnn_strategy strategy; /* as asked for when it was made */
    clrnn_storage weights;   /* the same */
    clrnn_plan *plan;
    clr_sequence sequence;
    clr_gemms gemms;
    clr_symbols symbols;
    uint64_t version;      /* of the parameters that the plan has packed; 0 = none */
    clr_model_input input; /* of the last forward, without its pointers; steps 0 = none yet */
    cl_mem x;              /* [T,N,I] */
    cl_mem ids;            /* [T,N] cl_int; one-hot and embedding */
    cl_mem h0, hn;         /* [L*D,N,R] */
    cl_mem c0, cn;         /* [L*D,N,H], LSTM */
    cl_mem y;              /* [T,N,D*R] */
    cl_mem logits;         /* [T,N,O], with a head */
    /* training only */
    cl_mem reserve;
    cl_mem dlogits;   /* [T,N,O], in of backward, with a head */
    cl_mem dy;        /* [T,N,D*R]; without a head in of backward */
    cl_mem dx;        /* [T,N,E], embedding */
    cl_mem starts;    /* [V+1] cl_uint, embedding: see clr_embedding_gradient */
    cl_mem positions; /* [T,N] cl_uint, embedding */
    /* host memory */
    clr_uploads uploads; /* of x, ids, starts and positions */
    uint32_t *counts;    /* [V+1], embedding, training: how sort_positions counts */
} clr_model_pass;

/** What the plan of a pass was given by its last forward; lengths: those of its input. */
clrnn_forward_io clr_model_pass_io(const clr_model_pass *pass, const uint32_t *lengths);

/** Make a pass with weights as they are. dropout: zero unless it trains; of the input of models
 * with a head. Ownership: as clrnn_plan_create; the model must outlive it. Returns: as
 *  clrnn_plan_create. */
clrnn_status clr_model_pass_create(clrnn_model *model, uint32_t max_steps, uint32_t max_batch,
                                   bool train, clr_model_dropout dropout, clr_model_pass **pass);

/** Wait for its work, free it and set the pointer to NULL; NULL is accepted. */
void clr_model_pass_destroy(clr_model_pass **pass);

/** Check steps, batch, lengths, x and ids, but not against the size of a pass. Returns: CLRNN_OK,
 *  CLRNN_ERR_ARGUMENT, CLRNN_ERR_RANGE (the log says where). */
clrnn_status clr_model_check_input(const clrnn_model *model, const clr_model_input *input);

/** Check and upload the input, enqueue forward including the head. Does not wait for the result.
 *  Parameters are packed anew when model->version has changed.
 *  Returns: as clrnn_model_forward; on CLRNN_ERR_ARGUMENT and CLRNN_ERR_RANGE nothing was enqueued.
 */
clrnn_status clr_model_pass_forward(clr_model_pass *pass, const clr_model_input *input);

/** Enqueue backward of the last forward, from pass->dlogits, whose rows past a length must be 0 (or
 *  from pass->dy without a head).
 *  lengths, ids: those of the last forward's input, unchanged; with initial_state so are h0 and c0.
 *  gradient: [count], overwritten, the layout of model->parameters. */
clrnn_status clr_model_pass_backward(clr_model_pass *pass, const uint32_t *lengths,
                                     const int32_t *ids, cl_mem gradient);

#endif

/* SPDX-License-Identifier: MIT
 * model/model.h - a model's parameters on the device, and one pass through it. */
#ifndef CLR_MODEL_MODEL_H
#define CLR_MODEL_MODEL_H

#include <clrnn/model.h>

#include "math/model.h"
#include "math/sequence.h"
#include "shape/network.h"

struct clr_model_pass;

struct clrnn_model {
    clrnn_context *context;
    clrnn_model_desc desc; /* complete; desc.vocabulary is NULL or points to `vocabulary` */
    uint8_t vocabulary[256];
    clr_network network;
    /* One flat buffer, [count] elements: where each part begins; CLR_ABSENT = not there. */
    cl_mem parameters;
    size_t count;
    size_t embedding;   /* [V,E] */
    size_t rnn;         /* canonical weights of the network */
    size_t head_weight; /* [O,D*R] */
    size_t head_bias;   /* [O] */
    clrnn_strategy strategy;
    clrnn_storage weights; /* of the pass of clrnn_model_forward */
    uint64_t version;      /* changes whenever the parameters do: a pass then packs them anew */
    struct clr_model_pass *pass; /* of clrnn_model_forward, made on demand */
};

/** Bytes of an element. */
static inline size_t clr_model_element(const clrnn_model *model)
{
    return model->desc.precision == CLRNN_F64 ? sizeof(double) : sizeof(float);
}

/** Whether symbols go in, whether there is a head, and whether there are c0 and cn. */
static inline bool clr_model_has_symbols(const clrnn_model *model)
{
    return model->desc.input != CLRNN_INPUT_DENSE;
}
static inline bool clr_model_has_head(const clrnn_model *model)
{
    return model->head_weight != CLR_ABSENT;
}
static inline bool clr_model_has_cell_state(const clrnn_model *model)
{
    return model->network.has_cell_state;
}

/** Width of y: D*R. */
static inline size_t clr_model_width(const clrnn_model *model)
{
    return (size_t)model->network.directions * model->network.state;
}

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

/* Device memory of a pass through a model, for up to max_steps and max_batch. Forward leaves y, hn,
 * cn and logits; the loss (layer train) writes dlogits; backward leaves the gradient. A call of
 * fewer steps or rows uses the beginning of each array, packed for its own T and N. One thread. */
typedef struct clr_model_pass {
    clrnn_model *model;
    uint32_t max_steps, max_batch;
    uint64_t largest_call; /* of clrnn_model_forward: T*N of the largest call it was made for */
    bool train;
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
    uint32_t *staging; /* [T*N], one-hot and embedding */
    uint32_t *counts;  /* [V+1], the same */
} clr_model_pass;

/** Make a pass with weights as they are. dropout: between layers, 0 unless it trains. Ownership: as
 *  clrnn_plan_create; the model must outlive it. Returns: as clrnn_plan_create. */
clrnn_status clr_model_pass_create(clrnn_model *model, uint32_t max_steps, uint32_t max_batch,
                                   bool train, float dropout, clr_model_pass **pass);

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

/** Fresh weights, as clrnn_model_create describes them (model/init.c).
 *  parameters: out [count] of the model's precision, zeroed by the caller.
 *  Returns: CLRNN_OK, CLRNN_ERR_MEMORY */
clrnn_status clr_model_init(const clrnn_model *model, uint64_t seed, void *parameters);

/** How many named tensors the parameters consist of; describe one, its name as in a file:
 *  "embedding.weight", the network's with `prefix` ("rnn.") before their names, "head.weight",
 *  "head.bias". info->offset counts from the start of model->parameters. index must be in range. */
size_t clr_model_tensors(const clrnn_model *model);
void clr_model_tensor(const clrnn_model *model, size_t index, const char *prefix,
                      clrnn_weight_info *info);

#endif

/* SPDX-License-Identifier: MIT
 * model/parameters.h - a model inside: its parameters on the device, and questions about it. */
#ifndef CLR_MODEL_PARAMETERS_H
#define CLR_MODEL_PARAMETERS_H

#include <clrnn/model.h>

#include "device/context.h"
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
    uint64_t lost;         /* the version whose setting failed: they may be a mixture; 0 = none */
    struct clr_model_pass *pass; /* of clrnn_model_forward, made on demand */
};

/** CLRNN_OK, or CLRNN_ERR_ARGUMENT: setting the parameters failed, and they are lost. */
clrnn_status clr_model_check_parameters(const clrnn_model *model);

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
    return (size_t)model->network.directions * model->network.state_size;
}

#endif

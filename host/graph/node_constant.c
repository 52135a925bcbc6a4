/* SPDX-License-Identifier: MIT
 * graph/node_constant.c - an array that is a parameter by itself. */
#include <stdio.h>

#include "graph/kind.h"

static clrnn_status constant_infer(clr_infer *infer)
{
    const clrnn_node_desc *d = infer->desc;
    clr_shape out = {
        .rank = d->rank, .steps = CLR_NO_AXIS, .batch = CLR_NO_AXIS, .lengths = CLR_ALL_STEPS};
    for (uint32_t i = 0; i < d->rank; i++) {
        if (d->shape[i] <= 0)
            return clr_node_fail(infer->log, d, CLRNN_ERR_ARGUMENT, "axis %u of the shape is %lld",
                                 i, (long long)d->shape[i]);
        out.size[i] = (uint64_t)d->shape[i];
    }
    infer->out[0] = out;
    return CLRNN_OK;
}

static bool constant_parameter(const clr_infer *infer, uint32_t i, clr_parameter *p, char name[64])
{
    if (i > 0)
        return false;
    snprintf(name, 64, "value");
    p->info.rank = infer->out[0].rank;
    for (uint32_t k = 0; k < p->info.rank; k++)
        p->info.shape[k] = infer->out[0].size[k];
    p->info.trainable = infer->desc->trainable;
    p->fill = CLR_FILL_DATA;
    return true;
}

/* From one place to another, both in a row. */
static clrnn_status copy(clr_run *run, clrnn_slice from, clrnn_slice to)
{
    const map_launch l = {.rank = 1,
                          .size = {clr_shape_count(&run->out[0])},
                          .out_at = to.offset,
                          .out_stride = {1},
                          .at = {from.offset},
                          .stride = {{1}}};
    return clr_move(run, &l, to.buffer, from.buffer, false);
}

static clrnn_status constant_forward(clr_run *run)
{
    return copy(run, (clrnn_slice){run->parameters, run->at[0]}, run->y[0]);
}

static clrnn_status constant_backward(clr_run *run)
{
    return run->node->desc.trainable
               ? copy(run, run->dy[0], (clrnn_slice){run->gradient, run->at[0]})
               : CLRNN_OK;
}

const clr_kind clr_kind_constant = {.id = CLRNN_NODE_CONSTANT,
                                    .uses = CLR_USES_RANK | CLR_USES_SHAPE | CLR_USES_DATA,
                                    .outputs = {""},
                                    .infer = constant_infer,
                                    .parameter = constant_parameter,
                                    .forward = constant_forward,
                                    .backward = constant_backward};

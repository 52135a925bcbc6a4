/* SPDX-License-Identifier: MIT
 * graph/node_pick.c - nodes that read whole numbers: embedding, one-hot, gather. */
#include <stdio.h>

#include "graph/kind.h"

/* The shape of ids with an axis more. */
static clr_shape behind_ids(const clr_shape *ids, uint32_t width)
{
    clr_shape out = *ids;
    out.ids = false;
    if (out.rank < CLRNN_MOST_AXES)
        clr_shape_insert(&out, out.rank, width);
    return out;
}

static clrnn_status room_for_axis(const clr_infer *infer, uint32_t rank)
{
    if (rank <= CLRNN_MOST_AXES)
        return CLRNN_OK;
    return clr_node_fail(infer->log, infer->desc, CLRNN_ERR_ARGUMENT,
                         "the result would have %u axes, more than %u", rank, CLRNN_MOST_AXES);
}

/* --- embedding ------------------------------------------------------------------------------- */

static clrnn_status embedding_infer(clr_infer *infer)
{
    const clrnn_node_desc *d = infer->desc;
    infer->out[0] = behind_ids(infer->in[0], d->units);
    if (d->units == 0 || d->vocabulary == 0)
        return clr_node_fail(infer->log, d, CLRNN_ERR_RANGE, "%s is 0",
                             d->units ? "vocabulary" : "units");
    return room_for_axis(infer, infer->in[0]->rank + 1);
}

static bool embedding_parameter(const clr_infer *infer, uint32_t i, clr_parameter *p, char name[64])
{
    if (i > 0)
        return false;
    snprintf(name, 64, "weight");
    p->info.rank = 2;
    p->info.shape[0] = infer->desc->vocabulary;
    p->info.shape[1] = infer->desc->units;
    p->info.trainable = true;
    p->fill = CLR_FILL_NORMAL;
    p->fan_in = infer->desc->units;
    return true;
}

static clrnn_status embedding_forward(clr_run *run)
{
    const clr_folded shape = {.outer = 1,
                              .K = run->node->desc.vocabulary,
                              .inner = run->node->desc.units,
                              .within = clr_within(run, &run->out[0])};
    return clr_pick(&run->tools->maps, &shape, clr_shape_count(&run->in[0]),
                    (clrnn_slice){run->parameters, run->at[0]}, run->x[0], run->y[0]);
}

static clrnn_status embedding_backward(clr_run *run)
{
    const clr_folded shape = {
        .outer = 1, .K = run->node->desc.vocabulary, .inner = run->node->desc.units};
    return clr_pick_back(&run->tools->maps, &shape, clr_shape_count(&run->in[0]), run->dy[0],
                         run->x[0], (clrnn_slice){run->gradient, run->at[0]});
}

const clr_kind clr_kind_embedding = {.id = CLRNN_NODE_EMBEDDING,
                                     .least = 1,
                                     .most = 1,
                                     .ids = 1,
                                     .uses = CLR_USES_UNITS | CLR_USES_VOCABULARY,
                                     .outputs = {""},
                                     .infer = embedding_infer,
                                     .parameter = embedding_parameter,
                                     .forward = embedding_forward,
                                     .backward = embedding_backward};

/* --- one-hot --------------------------------------------------------------------------------- */

static clrnn_status one_hot_infer(clr_infer *infer)
{
    infer->out[0] = behind_ids(infer->in[0], infer->desc->vocabulary);
    if (infer->desc->vocabulary == 0)
        return clr_node_fail(infer->log, infer->desc, CLRNN_ERR_RANGE, "vocabulary is 0");
    return room_for_axis(infer, infer->in[0]->rank + 1);
}

static clrnn_status one_hot_forward(clr_run *run)
{
    const map_lengths within = clr_within(run, &run->out[0]);
    return clr_pick_hot(&run->tools->maps, &within, run->node->desc.vocabulary,
                        clr_shape_count(&run->in[0]), run->x[0], run->y[0]);
}

const clr_kind clr_kind_one_hot = {.id = CLRNN_NODE_ONE_HOT,
                                   .least = 1,
                                   .most = 1,
                                   .ids = 1,
                                   .uses = CLR_USES_VOCABULARY,
                                   .outputs = {""},
                                   .infer = one_hot_infer,
                                   .forward = one_hot_forward};

/* --- gather ---------------------------------------------------------------------------------- */

static clrnn_status gather_infer(clr_infer *infer)
{
    const clr_shape *x = infer->in[0], *ids = infer->in[1];
    const int32_t axis = clr_shape_axis(x, infer->desc->axis);
    clr_shape out = *x;
    if (axis == CLR_NO_AXIS)
        return clr_node_fail(infer->log, infer->desc, CLRNN_ERR_ARGUMENT, "%s has no axis %d",
                             clr_value_text(x).text, infer->desc->axis);
    clrnn_status status = room_for_axis(infer, x->rank - 1 + ids->rank);
    if (status != CLRNN_OK)
        return status;
    clr_shape_remove(&out, (uint32_t)axis);
    if ((out.steps != CLR_NO_AXIS && ids->steps != CLR_NO_AXIS) ||
        (out.batch != CLR_NO_AXIS && ids->batch != CLR_NO_AXIS))
        return clr_node_fail(infer->log, infer->desc, CLRNN_ERR_ARGUMENT,
                             "%s and ids %s would both give T or N", clr_value_text(x).text,
                             clr_value_text(ids).text);
    for (uint32_t i = 0; i < ids->rank; i++)
        clr_shape_insert(&out, (uint32_t)axis + i, ids->size[i]);
    if (ids->steps != CLR_NO_AXIS) {
        out.steps = axis + ids->steps;
        out.lengths = ids->lengths;
    }
    if (ids->batch != CLR_NO_AXIS)
        out.batch = axis + ids->batch;
    if (out.batch == CLR_NO_AXIS || out.steps == CLR_NO_AXIS)
        out.lengths = CLR_ALL_STEPS;
    infer->out[0] = out;
    return CLRNN_OK;
}

static clr_folded gather_folded(const clr_run *run)
{
    const clr_shape *x = &run->in[0];
    const uint32_t axis = (uint32_t)clr_shape_axis(x, run->node->desc.axis);
    return (clr_folded){.outer = clr_shape_part(x, 0, axis),
                        .K = (size_t)x->size[axis],
                        .inner = clr_shape_stride(x, axis),
                        .within = clr_within(run, &run->out[0])};
}

static clrnn_status gather_forward(clr_run *run)
{
    const clr_folded shape = gather_folded(run);
    return clr_pick(&run->tools->maps, &shape, clr_shape_count(&run->in[1]), run->x[0], run->x[1],
                    run->y[0]);
}

static clrnn_status gather_backward(clr_run *run)
{
    const clr_folded shape = gather_folded(run);
    return run->dx[0].buffer
               ? clr_pick_back(&run->tools->maps, &shape, clr_shape_count(&run->in[1]), run->dy[0],
                               run->x[1], run->dx[0])
               : CLRNN_OK;
}

static const char *gather_no_stream(const clr_infer *infer)
{
    const int32_t axis = clr_shape_axis(infer->in[0], infer->desc->axis);
    return axis == infer->in[0]->steps ? "it picks among all steps" : NULL;
}

const clr_kind clr_kind_gather = {.id = CLRNN_NODE_GATHER,
                                  .least = 2,
                                  .most = 2,
                                  .ids = 2,
                                  .crosses = true,
                                  .uses = CLR_USES_AXIS,
                                  .outputs = {""},
                                  .infer = gather_infer,
                                  .forward = gather_forward,
                                  .backward = gather_backward,
                                  .no_stream = gather_no_stream};

/* SPDX-License-Identifier: MIT
 * graph/node_norm.c - softmax, its logarithm, layer norm and batch norm. */
#include <stdio.h>

#include "graph/kind.h"

/* An array as [outer, K, inner] about an axis. */
static clr_folded fold_at(const clr_run *run, const clr_shape *shape, uint32_t axis)
{
    return (clr_folded){.outer = clr_shape_part(shape, 0, axis),
                        .K = (size_t)shape->size[axis],
                        .inner = clr_shape_stride(shape, axis),
                        .within = clr_within(run, shape)};
}

static clrnn_status with_axis(clr_infer *infer)
{
    infer->out[0] = *infer->in[0];
    if (clr_shape_axis(infer->in[0], infer->desc->axis) != CLR_NO_AXIS)
        return CLRNN_OK;
    return clr_node_fail(infer->log, infer->desc, CLRNN_ERR_ARGUMENT, "%s has no axis %d",
                         clr_value_text(infer->in[0]).text, infer->desc->axis);
}

/* --- softmax --------------------------------------------------------------------------------- */

static clr_folded softmax_shape(const clr_run *run)
{
    const int32_t axis = clr_shape_axis(&run->in[0], run->node->desc.axis);
    return fold_at(run, &run->in[0], (uint32_t)axis);
}

static clrnn_status softmax_forward(clr_run *run)
{
    const clr_folded shape = softmax_shape(run);
    return clr_softmax(&run->tools->maps, &shape, run->node->desc.kind == CLRNN_NODE_LOG_SOFTMAX,
                       run->x[0], run->y[0]);
}

static clrnn_status softmax_backward(clr_run *run)
{
    const clr_folded shape = softmax_shape(run);
    return run->dx[0].buffer ? clr_softmax_back(&run->tools->maps, &shape,
                                                run->node->desc.kind == CLRNN_NODE_LOG_SOFTMAX,
                                                run->y[0], run->dy[0], run->dx[0])
                             : CLRNN_OK;
}

static const char *softmax_no_stream(const clr_infer *infer)
{
    const int32_t axis = clr_shape_axis(infer->in[0], infer->desc->axis);
    return axis == infer->in[0]->steps ? "it needs the whole sequence" : NULL;
}

#define SOFTMAX(ID, NAME)                                           \
    const clr_kind clr_kind_##NAME = {.id = CLRNN_NODE_##ID,        \
                                      .least = 1,                   \
                                      .most = 1,                    \
                                      .uses = CLR_USES_AXIS,        \
                                      .outputs = {""},              \
                                      .infer = with_axis,           \
                                      .forward = softmax_forward,   \
                                      .backward = softmax_backward, \
                                      .no_stream = softmax_no_stream}
SOFTMAX(SOFTMAX, softmax);
SOFTMAX(LOG_SOFTMAX, log_softmax);

/* --- layer norm ------------------------------------------------------------------------------ */

static clrnn_status norm_complete(const clr_infer *infer, clrnn_node_desc *desc)
{
    desc->epsilon = desc->epsilon == 0 ? 1e-5 : desc->epsilon;
    if (desc->kind == CLRNN_NODE_LAYER_NORM && desc->rank == 0)
        desc->rank = 1;
    if (desc->kind == CLRNN_NODE_BATCH_NORM && desc->momentum == 0)
        desc->momentum = 0.1;
    if (!(desc->epsilon > 0))
        return clr_node_fail(infer->log, desc, CLRNN_ERR_ARGUMENT, "epsilon %g is not positive",
                             desc->epsilon);
    if (!(desc->momentum >= 0 && desc->momentum <= 1))
        return clr_node_fail(infer->log, desc, CLRNN_ERR_ARGUMENT, "momentum %g is not in [0,1]",
                             desc->momentum);
    return CLRNN_OK;
}

static clrnn_status layer_norm_infer(clr_infer *infer)
{
    const clr_shape *in = infer->in[0];
    const uint32_t rank = infer->desc->rank;
    const int32_t first = (int32_t)in->rank - (int32_t)rank;
    infer->out[0] = *in;
    if (first < 0 || in->steps >= first || in->batch >= first)
        return clr_node_fail(infer->log, infer->desc, CLRNN_ERR_ARGUMENT,
                             "the last %u axes of %s must be there, and numbers", rank,
                             clr_value_text(in).text);
    return CLRNN_OK;
}

static bool layer_norm_parameter(const clr_infer *infer, uint32_t i, clr_parameter *p,
                                 char name[64])
{
    const clr_shape *in = infer->in[0];
    const uint32_t rank = infer->desc->rank;
    if (i > 1 || infer->desc->no_bias)
        return false;
    snprintf(name, 64, "%s", i ? "bias" : "weight");
    p->info.rank = rank;
    for (uint32_t k = 0; k < rank; k++)
        p->info.shape[k] = in->size[in->rank - rank + k];
    p->info.trainable = true;
    p->fill = i ? CLR_FILL_ZERO : CLR_FILL_ONE;
    return true;
}

/* As [rows, K]. */
static clr_folded layer_norm_shape(const clr_run *run)
{
    const clr_shape *in = &run->in[0];
    const uint32_t first = in->rank - run->node->desc.rank;
    return (clr_folded){.outer = clr_shape_part(in, 0, first),
                        .K = clr_shape_part(in, first, in->rank),
                        .inner = 1,
                        .within = clr_within(run, in)};
}

static clr_affine affine_of(const clr_run *run)
{
    if (run->node->desc.no_bias)
        return (clr_affine){{NULL, 0}, {NULL, 0}};
    return (clr_affine){{run->parameters, run->at[0]}, {run->parameters, run->at[1]}};
}

static void layer_norm_memory(const clr_run *run, clr_node_memory *memory)
{
    const clr_folded s = layer_norm_shape(run);
    memory->kept = s.outer * s.K + s.outer;
}

static clrnn_status layer_norm_forward(clr_run *run)
{
    const clr_folded shape = layer_norm_shape(run);
    const clrnn_slice none = {NULL, 0};
    return clr_layer_norm(&run->tools->maps, &shape, run->node->desc.epsilon, affine_of(run),
                          run->x[0], run->y[0], run->train ? run->kept : none);
}

static clrnn_status layer_norm_backward(clr_run *run)
{
    const clr_folded s = layer_norm_shape(run);
    const clr_matrix dy = {run->dy[0].buffer, run->dy[0].offset, s.K};
    const clr_matrix hat = {run->kept.buffer, run->kept.offset, s.K};
    clr_sequence *sums = &run->tools->sequence;
    clrnn_status status = CLRNN_OK;
    if (!run->node->desc.no_bias) {
        status = clr_column_products(sums, dy, hat, (clr_live){0}, 1, s.outer, s.K, run->gradient,
                                     run->at[0], false);
        if (status == CLRNN_OK)
            status = clr_column_sums(sums, dy, s.outer, s.K, run->gradient, run->at[1], false);
    }
    if (status == CLRNN_OK && run->dx[0].buffer)
        status = clr_layer_norm_back(&run->tools->maps, &s, affine_of(run), run->kept, run->dy[0],
                                     run->dx[0]);
    return status;
}

const clr_kind clr_kind_layer_norm = {.id = CLRNN_NODE_LAYER_NORM,
                                      .least = 1,
                                      .most = 1,
                                      .uses = CLR_USES_RANK | CLR_USES_EPSILON | CLR_USES_NO_BIAS,
                                      .outputs = {""},
                                      .complete = norm_complete,
                                      .infer = layer_norm_infer,
                                      .parameter = layer_norm_parameter,
                                      .memory = layer_norm_memory,
                                      .forward = layer_norm_forward,
                                      .backward = layer_norm_backward};

/* --- batch norm ------------------------------------------------------------------------------ */

static clrnn_status batch_norm_infer(clr_infer *infer)
{
    clrnn_status status = with_axis(infer);
    const int32_t axis = clr_shape_axis(infer->in[0], infer->desc->axis);
    if (status == CLRNN_OK && (axis == infer->in[0]->steps || axis == infer->in[0]->batch))
        status = clr_node_fail(infer->log, infer->desc, CLRNN_ERR_ARGUMENT,
                               "axis %d of %s is T or N; channels lie along one of a fixed size",
                               axis, clr_value_text(infer->in[0]).text);
    return status;
}

static bool batch_norm_parameter(const clr_infer *infer, uint32_t i, clr_parameter *p,
                                 char name[64])
{
    static const char *const names[] = {"weight", "bias", "running_mean", "running_var"};
    const uint32_t which = i + (infer->desc->no_bias ? 2 : 0);
    if (which > 3)
        return false;
    snprintf(name, 64, "%s", names[which]);
    p->info.rank = 1;
    p->info.shape[0] = infer->in[0]->size[clr_shape_axis(infer->in[0], infer->desc->axis)];
    p->info.trainable = which < 2;
    p->fill = which % 3 == 0 ? CLR_FILL_ONE : CLR_FILL_ZERO;
    return true;
}

/* Kept are means, variances and the count, then what they are folded to. */
static void batch_norm_memory(const clr_run *run, clr_node_memory *memory)
{
    const size_t C = softmax_shape(run).K;
    memory->kept = 4 * C + 1;
    memory->lasting = 2 * C;
}

static clr_affine running_of(const clr_run *run)
{
    const size_t *at = run->at + (run->node->desc.no_bias ? 0 : 2);
    return (clr_affine){{run->parameters, at[0]}, {run->parameters, at[1]}};
}

static clrnn_status batch_norm_scale(clr_run *run, const clr_folded *s, clrnn_slice *folded)
{
    const clrnn_node_desc *d = &run->node->desc;
    clr_maps *maps = &run->tools->maps;
    if (!run->train) {
        *folded = run->lasting;
        return run->packed ? CLRNN_OK
                           : clr_channel_fold(maps, s->K, d->epsilon, running_of(run),
                                              affine_of(run), *folded);
    }
    *folded = clr_part(run->kept, 2 * s->K + 1);
    const clr_affine own = {run->kept, clr_part(run->kept, s->K)};
    clrnn_status status =
        clr_channel_statistics(maps, s, d->momentum, running_of(run), run->x[0], run->kept);
    return status == CLRNN_OK
               ? clr_channel_fold(maps, s->K, d->epsilon, own, affine_of(run), *folded)
               : status;
}

static clrnn_status batch_norm_forward(clr_run *run)
{
    const clr_folded s = softmax_shape(run);
    const clrnn_node_desc *d = &run->node->desc;
    const uint32_t axis = (uint32_t)clr_shape_axis(&run->in[0], d->axis);
    clrnn_slice folded;
    clrnn_status status = batch_norm_scale(run, &s, &folded);
    map_launch l = clr_launch_over(run, &run->out[0], run->y[0]);
    const cl_mem in[MAP_INPUTS] = {run->x[0].buffer, folded.buffer, folded.buffer};
    clr_launch_reads(run, &l, 0, &run->out[0], 0);
    l.at[1] = folded.offset;
    l.at[2] = folded.offset + s.K;
    l.stride[1][axis] = l.stride[2][axis] = 1;
    l.combine = COMBINE_MUL_ADD;
    l.function = d->function;
    if (status == CLRNN_OK)
        status = clr_map(&run->tools->maps, &l, run->y[0].buffer, in, d->alpha, d->beta);
    return status;
}

static clrnn_status batch_norm_backward(clr_run *run)
{
    const clr_folded s = softmax_shape(run);
    clr_affine gradient = {{NULL, 0}, {NULL, 0}};
    if (!run->node->desc.no_bias)
        gradient = (clr_affine){{run->gradient, run->at[0]}, {run->gradient, run->at[1]}};
    return clr_channel_back(&run->tools->maps, &s, run->node->desc.epsilon, affine_of(run),
                            run->kept, run->x[0], run->dy[0], run->dx[0], gradient);
}

const clr_kind clr_kind_batch_norm = {.id = CLRNN_NODE_BATCH_NORM,
                                      .least = 1,
                                      .most = 1,
                                      .strided = 1,
                                      .takes_function = true,
                                      .uses = CLR_USES_AXIS | CLR_USES_EPSILON | CLR_USES_MOMENTUM |
                                              CLR_USES_NO_BIAS,
                                      .outputs = {""},
                                      .complete = norm_complete,
                                      .infer = batch_norm_infer,
                                      .parameter = batch_norm_parameter,
                                      .memory = batch_norm_memory,
                                      .forward = batch_norm_forward,
                                      .backward = batch_norm_backward};

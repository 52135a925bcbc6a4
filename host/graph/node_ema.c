/* SPDX-License-Identifier: MIT
 * graph/node_ema.c - exponential moving averages along time, a learned rate for each channel
 * (cl/ema.cl). */
#include <stdio.h>

#include "device/launch.h"
#include "graph/kind.h"

/* --- shapes ---------------------------------------------------------------------------------- */

static uint32_t axis_of(const clr_infer *infer)
{
    return (uint32_t)clr_shape_axis(infer->in[0], infer->desc->axis);
}

static clrnn_status ema_infer(clr_infer *infer)
{
    const clr_shape *in = infer->in[0];
    const int32_t axis = clr_shape_axis(in, infer->desc->axis);
    infer->out[0] = *in;
    if (in->steps == CLR_NO_AXIS)
        return clr_node_fail(infer->log, infer->desc, CLRNN_ERR_ARGUMENT,
                             "%s has no axis of time to average along", clr_value_text(in).text);
    if (axis == CLR_NO_AXIS || axis == in->steps || axis == in->batch)
        return clr_node_fail(infer->log, infer->desc, CLRNN_ERR_ARGUMENT,
                             "axis %d of %s is not one of channels", infer->desc->axis,
                             clr_value_text(in).text);
    return CLRNN_OK;
}

static bool ema_parameter(const clr_infer *infer, uint32_t i, clr_parameter *p, char name[64])
{
    if (i > 0)
        return false;
    snprintf(name, 64, "rate");
    p->info.rank = 1;
    p->info.shape[0] = infer->in[0]->size[axis_of(infer)];
    p->info.trainable = true;
    p->fill = CLR_FILL_ZERO; /* half of what is new */
    return true;
}

/* --- running --------------------------------------------------------------------------------- */

/* The array as series: see cl/ema.cl. */
typedef struct series {
    size_t T, inner, count, C, stride;
} series;

static series series_of(const clr_run *run)
{
    const clr_shape *in = &run->in[0];
    const uint32_t axis = (uint32_t)clr_shape_axis(in, run->node->desc.axis);
    clr_shape one = *in; /* without its axis of time */
    one.size[one.steps] = 1;
    return (series){(size_t)in->size[in->steps], clr_shape_stride(in, (uint32_t)in->steps),
                    clr_shape_count(&one), (size_t)in->size[axis], clr_shape_stride(&one, axis)};
}

static void ema_memory(const clr_run *run, clr_node_memory *memory)
{
    memory->backward = series_of(run).count;
}

static clrnn_status ema_forward(clr_run *run)
{
    clr_maps *maps = &run->tools->maps;
    const series s = series_of(run);
    const bool carries = run->next[0].buffer != NULL;
    const clrnn_slice state = run->stream ? run->state[0] : carries ? run->next[0] : run->y[0];
    const map_lengths within = clr_within(run, &run->in[0]);
    const clr_arg args[] = {CLR_ARG_MEM(run->x[0].buffer),
                            CLR_ARG_ULONG(run->x[0].offset),
                            CLR_ARG_MEM(run->y[0].buffer),
                            CLR_ARG_ULONG(run->y[0].offset),
                            CLR_ARG_MEM(run->parameters),
                            CLR_ARG_ULONG(run->at[0]),
                            CLR_ARG_MEM(state.buffer),
                            CLR_ARG_ULONG(state.offset),
                            CLR_ARG_UINT(run->stream || carries),
                            CLR_ARG_MEM(maps->lengths),
                            CLR_ARG_STRUCT(within),
                            CLR_ARG_ULONG(s.T),
                            CLR_ARG_ULONG(s.inner),
                            CLR_ARG_ULONG(s.count),
                            CLR_ARG_ULONG(s.C),
                            CLR_ARG_ULONG(s.stride)};
    return clr_maps_launch(maps, "ema", s.count, 1, args, CLR_COUNT(args));
}

static clrnn_status ema_backward(clr_run *run)
{
    clr_maps *maps = &run->tools->maps;
    const series s = series_of(run);
    const map_lengths within = clr_within(run, &run->in[0]);
    const clrnn_slice dx = run->dx[0].buffer ? run->dx[0] : run->scratch;
    const bool has_state = run->begun && run->state[0].buffer;
    const clrnn_slice state = has_state ? run->state[0] : run->y[0];
    const clr_arg args[] = {CLR_ARG_MEM(run->x[0].buffer),
                            CLR_ARG_ULONG(run->x[0].offset),
                            CLR_ARG_MEM(run->y[0].buffer),
                            CLR_ARG_ULONG(run->y[0].offset),
                            CLR_ARG_MEM(run->parameters),
                            CLR_ARG_ULONG(run->at[0]),
                            CLR_ARG_MEM(run->dy[0].buffer),
                            CLR_ARG_ULONG(run->dy[0].offset),
                            CLR_ARG_MEM(dx.buffer),
                            CLR_ARG_ULONG(dx.offset),
                            CLR_ARG_UINT(run->dx[0].buffer != NULL),
                            CLR_ARG_MEM(run->scratch.buffer),
                            CLR_ARG_ULONG(run->scratch.offset),
                            CLR_ARG_MEM(state.buffer),
                            CLR_ARG_ULONG(state.offset),
                            CLR_ARG_UINT(has_state),
                            CLR_ARG_MEM(maps->lengths),
                            CLR_ARG_STRUCT(within),
                            CLR_ARG_ULONG(s.T),
                            CLR_ARG_ULONG(s.inner),
                            CLR_ARG_ULONG(s.count),
                            CLR_ARG_ULONG(s.C),
                            CLR_ARG_ULONG(s.stride)};
    const clr_arg sums[] = {CLR_ARG_MEM(run->scratch.buffer), CLR_ARG_ULONG(run->scratch.offset),
                            CLR_ARG_MEM(run->gradient),       CLR_ARG_ULONG(run->at[0]),
                            CLR_ARG_ULONG(s.count),           CLR_ARG_ULONG(s.C),
                            CLR_ARG_ULONG(s.stride)};
    clrnn_status status = clr_maps_launch(maps, "ema_back", s.count, 1, args, CLR_COUNT(args));
    return status == CLRNN_OK ? clr_maps_launch(maps, "ema_rates", s.C, 1, sums, CLR_COUNT(sums))
                              : status;
}

/* --- streams --------------------------------------------------------------------------------- */

/* In the order of the series: [axes before N, N, axes behind]. */
static uint32_t ema_state(const clr_infer *infer, clr_state_part parts[CLR_STATE_PARTS])
{
    clr_shape one = *infer->in[0];
    one.size[one.steps] = 1;
    const uint32_t batch = one.batch == CLR_NO_AXIS ? 0 : (uint32_t)one.batch;
    const bool rows = one.batch != CLR_NO_AXIS;
    parts[0] = (clr_state_part){"average", clr_shape_part(&one, 0, batch),
                                rows ? clr_shape_stride(&one, batch) : clr_shape_count(&one)};
    return 1;
}

const clr_kind clr_kind_ema = {.id = CLRNN_NODE_EMA,
                               .least = 1,
                               .most = 1,
                               .uses = CLR_USES_AXIS,
                               .outputs = {""},
                               .infer = ema_infer,
                               .parameter = ema_parameter,
                               .memory = ema_memory,
                               .forward = ema_forward,
                               .backward = ema_backward,
                               .state = ema_state,
                               .carries = true};

/* SPDX-License-Identifier: MIT
 * graph/stream.c - blocks of sequences through a graph, and the states of its nodes.
 *
 * A state is [outer, N, inner] in the order of its node: h of a stack [L,N,R], the past of a
 * convolution [steps,N,C]; the rest state has its parts one after the other, [outer, inner]. */
#include "graph/stream.h"

#include <stdlib.h>

#include "base/log.h"
#include "base/memory.h"
#include "device/buffer.h"
#include "device/context.h"
#include "graph/infer.h"

/* --- creation -------------------------------------------------------------------------------- */

static clrnn_status check_graph(const clrnn_context *context, const clrnn_graph *graph,
                                uint32_t rows)
{
    bool steps = false, batch = false;
    for (uint32_t i = 0; i < graph->input_count; i++) {
        steps = steps || graph->values[graph->inputs[i]].shape.steps != CLR_NO_AXIS;
        batch = batch || graph->values[graph->inputs[i]].shape.batch != CLR_NO_AXIS;
    }
    if (steps && !batch && rows > 1)
        return clr_fail(&context->log, CLRNN_ERR_ARGUMENT,
                        "graph stream: %u rows, but no input has an axis of rows", rows);
    if (!steps)
        return clr_fail(&context->log, CLRNN_ERR_ARGUMENT,
                        "graph stream: no input has an axis of time");
    for (uint32_t i = 0; i < graph->node_count; i++) {
        const clr_node *node = &graph->nodes[i];
        clr_infer infer = clr_infer_of(graph, node);
        for (uint32_t k = 0; k < node->input_count; k++)
            infer.in[k] =
                node->inputs[k] == CLR_NO_VALUE ? NULL : &graph->values[node->inputs[k]].shape;
        for (uint32_t k = 0; k < node->outputs; k++)
            infer.out[k] = graph->values[node->first_value + k].shape;
        const char *why = node->kind->no_stream ? node->kind->no_stream(&infer) : NULL;
        if (why)
            return clr_node_fail(&context->log, &node->desc, CLRNN_ERR_ARGUMENT,
                                 "it cannot be in a stream: %s", why);
    }
    return clr_stream_check_begins(context, graph);
}

static size_t row_count(const clrnn_graph_plan *plan)
{
    size_t count = 0;
    for (uint32_t i = 0; i < plan->graph->node_count; i++)
        for (uint32_t k = 0; k < plan->nodes[i].part_count; k++)
            count += plan->nodes[i].parts[k].outer * plan->nodes[i].parts[k].inner;
    return count;
}

/* Run every kernel once, with and without lengths, on zeros: what is made at first use is then
 * there. */
static clrnn_status warm_up(clrnn_graph_stream *stream)
{
    clrnn_graph_plan *plan = stream->plan;
    const uint32_t T = plan->desc.max_steps, N = plan->desc.max_batch;
    uint32_t *lengths = clr_calloc(N, sizeof *lengths);
    clrnn_status status = lengths ? CLRNN_OK : CLRNN_ERR_MEMORY;
    for (uint32_t n = 0; lengths && n < N; n++)
        lengths[n] = T;
    if (status == CLRNN_OK)
        status = clr_buffer_zero(plan->context, plan->arena, 0,
                                 (plan->arena_count ? plan->arena_count : 1) * plan->real);
    for (int ragged = 0; ragged < 2 && status == CLRNN_OK; ragged++) {
        status = clr_plan_begin(plan, T, N, ragged ? lengths : NULL);
        for (uint32_t i = 0; i < plan->graph->input_count && status == CLRNN_OK; i++)
            status = clr_plan_mask(plan, plan->graph->inputs[i],
                                   plan->values[plan->graph->inputs[i]].value);
        if (status == CLRNN_OK)
            status = clr_plan_forward(plan);
        clrnn_status finished = clrnn_context_finish(plan->context);
        status = status == CLRNN_OK ? finished : status;
    }
    free(lengths);
    return status;
}

/* Zeros. */
static clrnn_status make_rest(clrnn_graph_stream *stream)
{
    clrnn_graph_plan *plan = stream->plan;
    stream->count = row_count(plan);
    const size_t bytes = (stream->count ? stream->count : 1) * plan->real;
    clrnn_status status = clr_buffer_create(plan->context, bytes, &stream->rest);
    return status == CLRNN_OK ? clr_buffer_zero(plan->context, stream->rest, 0, bytes) : status;
}

static clrnn_status make(clrnn_context *context, clrnn_graph *graph,
                         const clrnn_graph_stream_desc *desc, clrnn_graph_stream **out)
{
    const clrnn_graph_plan_desc plan = {.max_steps = desc->max_steps,
                                        .max_batch = desc->rows ? desc->rows : 1,
                                        .strategy = desc->strategy,
                                        .gemm = desc->gemm};
    clrnn_status status = check_graph(context, graph, plan.max_batch);
    clrnn_graph_stream *stream = status == CLRNN_OK ? clr_calloc(1, sizeof *stream) : NULL;
    if (status == CLRNN_OK && !stream)
        status = clr_fail(&context->log, CLRNN_ERR_MEMORY, "graph stream: out of memory");
    if (status != CLRNN_OK)
        return status;
    stream->desc = *desc;
    status = clr_graph_plan_make(context, graph, &plan, true, &stream->plan);
    if (status == CLRNN_OK)
        status = warm_up(stream);
    if (status == CLRNN_OK)
        status = make_rest(stream);
    if (status == CLRNN_OK)
        status = clr_stream_begins(stream);
    if (status == CLRNN_OK)
        status = clr_stream_open_ports(stream);
    if (status == CLRNN_OK)
        status = clrnn_graph_stream_reset(stream, CLRNN_ALL_ROWS);
    if (status == CLRNN_OK) /* its kernel is then there */
        status = clrnn_graph_stream_reset(stream, 0);
    if (status != CLRNN_OK)
        clrnn_graph_stream_destroy(&stream);
    *out = stream;
    return status;
}

clrnn_status clrnn_graph_stream_create(clrnn_context *context, clrnn_graph *graph,
                                       const clrnn_graph_stream_desc *desc,
                                       clrnn_graph_stream **stream)
{
    if (stream)
        *stream = NULL;
    if (!context)
        return CLRNN_ERR_ARGUMENT;
    if (!graph || !desc || !stream)
        return clr_fail(&context->log, CLRNN_ERR_ARGUMENT, "clrnn_graph_stream_create: %s is NULL",
                        !graph  ? "graph"
                        : !desc ? "desc"
                                : "stream");
    return make(context, graph, desc, stream);
}

void clrnn_graph_stream_destroy(clrnn_graph_stream **stream)
{
    clrnn_graph_stream *s = stream ? *stream : NULL;
    if (!s)
        return;
    clrnn_graph_stream *others[] = {atomic_load(&s->pending), atomic_load(&s->retired), s->fading};
    for (size_t i = 0; i < sizeof others / sizeof *others; i++)
        clrnn_graph_stream_destroy(&others[i]);
    clrnn_graph_plan_destroy(&s->plan);
    clr_buffer_destroy(&s->rest);
    clr_stream_close_ports(s);
    free(s);
    *stream = NULL;
}

/* --- blocks ---------------------------------------------------------------------------------- */

clrnn_status clrnn_graph_stream_process(clrnn_graph_stream *stream, const clrnn_graph_io *io)
{
    if (!stream)
        return CLRNN_ERR_ARGUMENT;
    const uint32_t N = stream->plan->desc.max_batch;
    if (io && io->batch && io->batch != N)
        return clr_fail(&stream->plan->context->log, CLRNN_ERR_RANGE,
                        "graph stream: batch is %u, but there are %u rows", io->batch, N);
    return clr_stream_run(stream, io);
}

clrnn_status clrnn_graph_stream_set_parameters(clrnn_graph_stream *stream, const void *from)
{
    return stream ? clrnn_graph_plan_set_parameters(stream->plan, from) : CLRNN_ERR_ARGUMENT;
}

/* --- states ---------------------------------------------------------------------------------- */

static clrnn_status check_row(const clrnn_graph_stream *stream, uint32_t row)
{
    if (row < stream->plan->desc.max_batch)
        return CLRNN_OK;
    return clr_fail(&stream->plan->context->log, CLRNN_ERR_RANGE,
                    "graph stream: row %u is not in 0..%u", row, stream->plan->desc.max_batch - 1);
}

/* Copy a part between the states and the rest state, of one row or, from that, to all. */
static clrnn_status copy_part(clrnn_graph_stream *stream, const clr_node_place *place,
                              uint32_t part, uint32_t row, size_t at_rest, bool to_rest)
{
    clrnn_graph_plan *plan = stream->plan;
    const clr_state_part *p = &place->parts[part];
    const bool all = row == CLRNN_ALL_ROWS;
    const size_t N = plan->desc.max_batch, at = place->state[part] + (all ? 0 : row * p->inner);
    map_launch l = {.rank = 3, .size = {p->outer, all ? N : 1, p->inner}};
    const cl_ulong states[3] = {N * p->inner, p->inner, 1}, rest[3] = {p->inner, 0, 1};
    l.out_at = to_rest ? at_rest : at;
    l.at[0] = to_rest ? at : at_rest;
    for (int i = 0; i < 3; i++) {
        l.out_stride[i] = to_rest ? rest[i] : states[i];
        l.stride[0][i] = to_rest ? states[i] : rest[i];
    }
    const cl_mem in[MAP_INPUTS] = {to_rest ? plan->state : stream->rest, NULL, NULL};
    return p->outer ? clr_map(&plan->tools.maps, &l, to_rest ? stream->rest : plan->state, in, 1, 0)
                    : CLRNN_OK;
}

static clrnn_status copy_parts(clrnn_graph_stream *stream, uint32_t row, bool to_rest)
{
    clrnn_graph_plan *plan = stream->plan;
    clrnn_status status = CLRNN_OK;
    size_t at = 0;
    for (uint32_t i = 0; i < plan->graph->node_count; i++)
        for (uint32_t k = 0; k < plan->nodes[i].part_count && status == CLRNN_OK; k++) {
            status = copy_part(stream, &plan->nodes[i], k, row, at, to_rest);
            at += plan->nodes[i].parts[k].outer * plan->nodes[i].parts[k].inner;
        }
    return status;
}

/* Of one model. */
static clrnn_status reset(clrnn_graph_stream *stream, uint32_t row)
{
    clrnn_status status = copy_parts(stream, row, false);
    stream->lost = status != CLRNN_OK || (stream->lost && row != CLRNN_ALL_ROWS);
    return status;
}

clrnn_status clrnn_graph_stream_reset(clrnn_graph_stream *stream, uint32_t row)
{
    if (!stream)
        return CLRNN_ERR_ARGUMENT;
    clrnn_status status = row == CLRNN_ALL_ROWS ? CLRNN_OK : check_row(stream, row);
    if (status == CLRNN_OK && stream->fading)
        (void)reset(stream->fading, row);
    return status == CLRNN_OK ? reset(stream, row) : status;
}

clrnn_status clrnn_graph_stream_capture_rest(clrnn_graph_stream *stream, uint32_t row)
{
    if (!stream)
        return CLRNN_ERR_ARGUMENT;
    clrnn_status status = clr_stream_check_states(stream);
    if (status == CLRNN_OK)
        status = check_row(stream, row);
    return status == CLRNN_OK ? copy_parts(stream, row, true) : status;
}

clrnn_status clrnn_graph_stream_set_rest(clrnn_graph_stream *stream, const void *state)
{
    if (!stream)
        return CLRNN_ERR_ARGUMENT;
    clrnn_context *context = stream->plan->context;
    const size_t bytes = stream->count * stream->plan->real;
    return state ? clr_buffer_write(context, stream->rest, 0, bytes, state)
                 : clr_buffer_zero(context, stream->rest, 0, bytes);
}

size_t clrnn_graph_stream_state_count(const clrnn_graph_stream *stream)
{
    return stream ? stream->count : 0;
}

/* Between a row's state on the device, in parts, and host memory, one after the other. */
static clrnn_status move_row(clrnn_graph_stream *stream, uint32_t row, char *to, const char *from)
{
    clrnn_graph_plan *plan = stream->plan;
    size_t done = 0;
    clrnn_status status = CLRNN_OK;
    for (uint32_t i = 0; i < plan->graph->node_count; i++)
        for (uint32_t k = 0; k < plan->nodes[i].part_count; k++) {
            const clr_state_part *p = &plan->nodes[i].parts[k];
            const size_t bytes = p->inner * plan->real;
            for (size_t o = 0; o < p->outer && status == CLRNN_OK; o++, done += bytes) {
                const size_t at =
                    (plan->nodes[i].state[k] + (o * plan->desc.max_batch + row) * p->inner) *
                    plan->real;
                status =
                    to ? clr_buffer_read_async(plan->context, plan->state, at, bytes, to + done)
                       : clr_buffer_write_async(plan->context, plan->state, at, bytes, from + done);
            }
        }
    clrnn_status finished = clrnn_context_finish(plan->context);
    return status == CLRNN_OK ? finished : status;
}

clrnn_status clrnn_graph_stream_get_state(clrnn_graph_stream *stream, uint32_t row, void *state)
{
    if (!stream)
        return CLRNN_ERR_ARGUMENT;
    if (!state)
        return clr_fail(&stream->plan->context->log, CLRNN_ERR_ARGUMENT,
                        "clrnn_graph_stream_get_state: state is NULL");
    clrnn_status status = clr_stream_check_states(stream);
    if (status == CLRNN_OK)
        status = check_row(stream, row);
    return status == CLRNN_OK ? move_row(stream, row, state, NULL) : status;
}

clrnn_status clrnn_graph_stream_set_state(clrnn_graph_stream *stream, uint32_t row,
                                          const void *state)
{
    if (!stream)
        return CLRNN_ERR_ARGUMENT;
    if (!state)
        return clr_fail(&stream->plan->context->log, CLRNN_ERR_ARGUMENT,
                        "clrnn_graph_stream_set_state: state is NULL");
    clrnn_status status = check_row(stream, row);
    if (status != CLRNN_OK)
        return status;
    status = move_row(stream, row, NULL, state);
    stream->lost = stream->lost || status != CLRNN_OK;
    return status;
}

clrnn_status clrnn_graph_stream_fork(clrnn_graph_stream *stream, clrnn_graph_stream **fork)
{
    if (fork)
        *fork = NULL;
    if (!stream)
        return CLRNN_ERR_ARGUMENT;
    clrnn_graph_plan *plan = stream->plan;
    if (!fork)
        return clr_fail(&plan->context->log, CLRNN_ERR_ARGUMENT,
                        "clrnn_graph_stream_fork: fork is NULL");
    clrnn_graph_stream *other = NULL;
    clrnn_status status = clr_stream_check_states(stream);
    if (status == CLRNN_OK)
        status = make(plan->context, plan->graph, &stream->desc, &other);
    if (status == CLRNN_OK)
        status = clr_buffer_copy(plan->context, plan->parameters, 0, other->plan->parameters, 0,
                                 (plan->graph->elements + plan->folded) * plan->real);
    if (status == CLRNN_OK)
        status = clr_buffer_copy(plan->context, plan->state, 0, other->plan->state, 0,
                                 plan->state_count * plan->real);
    if (status == CLRNN_OK)
        status = clr_buffer_copy(plan->context, stream->rest, 0, other->rest, 0,
                                 stream->count * plan->real);
    if (status == CLRNN_OK)
        status = clrnn_context_finish(plan->context);
    if (status != CLRNN_OK)
        clrnn_graph_stream_destroy(&other);
    else
        other->plan->packed = false;
    *fork = other;
    return status;
}

/* SPDX-License-Identifier: MIT
 * layer/stream.c - blocks of a sequence, one after the other, with one wait for each. */
#include <clrnn/stream.h>

#include <stdlib.h>

#include "base/checked.h"
#include "base/log.h"
#include "base/memory.h"
#include "device/buffer.h"
#include "layer/pass.h"

struct clrnn_stream {
    clrnn_plan *plan;
    cl_mem x, y;       /* [max T,N,I], [max T,N,R] */
    cl_mem h, c;       /* [L,N,R], [L,N,H]: states before the next block; c of LSTM only */
    clr_repeated last; /* block */
    bool lost;         /* a call failed half-way: the states may belong to different steps */
};

/* What the arrays hold in a block of `steps`. */
static clr_pass pass_of(const clrnn_stream *stream, uint32_t steps)
{
    return (clr_pass){.steps = steps, .batch = stream->plan->desc.max_batch};
}

static size_t bytes_of_h(const clrnn_stream *stream)
{
    const clr_pass pass = pass_of(stream, 1);
    return clr_count_h(stream->plan, &pass) * stream->plan->real_bytes;
}

static size_t bytes_of_c(const clrnn_stream *stream)
{
    const clr_pass pass = pass_of(stream, 1);
    return clr_count_c(stream->plan, &pass) * stream->plan->real_bytes;
}

/* --- creation ----------------------------------------------------------------------------- */

/* A buffer [rows,N,width]. */
static clrnn_status allocate(const clrnn_plan *plan, uint32_t rows, uint32_t width, cl_mem *buffer)
{
    clr_size count = clr_size_mul(clr_size_of(rows), plan->desc.max_batch);
    clr_size bytes = clr_size_mul(clr_size_mul(count, width), plan->real_bytes);
    if (bytes.overflow)
        return clr_fail(&plan->context->log, CLRNN_ERR_RANGE,
                        "stream: %u x %u x %u numbers are more than memory can address", rows,
                        plan->desc.max_batch, width);
    return clr_buffer_create(plan->context, bytes.value, buffer);
}

static clrnn_status allocate_all(clrnn_stream *stream)
{
    const clrnn_plan *plan = stream->plan;
    const clr_network *n = &plan->network;
    clrnn_status status = allocate(plan, plan->desc.max_steps, n->desc.input_size, &stream->x);
    if (status == CLRNN_OK)
        status = allocate(plan, plan->desc.max_steps, n->state_size, &stream->y);
    if (status == CLRNN_OK)
        status = allocate(plan, n->layers, n->state_size, &stream->h);
    if (status == CLRNN_OK && n->has_cell_state)
        status = allocate(plan, n->layers, n->desc.hidden_size, &stream->c);
    return status;
}

static clrnn_status check_plan(const clrnn_plan *plan)
{
    const clrnn_log *log = &plan->context->log;
    if (plan->desc.train)
        return clr_fail(log, CLRNN_ERR_ARGUMENT,
                        "stream: the plan trains; make one for inference alone");
    if (plan->desc.sequences != CLRNN_WEIGHTS_F32)
        return clr_fail(log, CLRNN_ERR_ARGUMENT,
                        "stream: blocks are floats, but the plan's x and y "
                        "are not");
    if (plan->network.back_in_time)
        return clr_fail(log, CLRNN_ERR_ARGUMENT,
                        "stream: the network is %s, and a backward direction needs the "
                        "whole sequence",
                        plan->network.directions > 1 ? "bidirectional" : "reverse");
    return CLRNN_OK;
}

clrnn_status clrnn_stream_create(clrnn_plan *plan, clrnn_stream **out)
{
    if (out)
        *out = NULL;
    if (!plan || !out)
        return clr_fail(plan ? &plan->context->log : NULL, CLRNN_ERR_ARGUMENT,
                        "clrnn_stream_create: %s is NULL", plan ? "stream" : "plan");
    clrnn_status status = check_plan(plan);
    if (status != CLRNN_OK)
        return status;
    clrnn_stream *stream = clr_calloc(1, sizeof *stream);
    if (!stream)
        return clr_fail(&plan->context->log, CLRNN_ERR_MEMORY, "stream: out of memory");
    stream->plan = plan;
    status = allocate_all(stream);
    if (status == CLRNN_OK)
        status = clrnn_stream_reset(stream);
    if (status != CLRNN_OK)
        clrnn_stream_destroy(&stream);
    *out = stream;
    return status;
}

void clrnn_stream_destroy(clrnn_stream **stream)
{
    if (!stream || !*stream)
        return;
    /* The driver keeps what enqueued work still needs. */
    clr_buffer_destroy(&(*stream)->x);
    clr_buffer_destroy(&(*stream)->y);
    clr_buffer_destroy(&(*stream)->h);
    clr_buffer_destroy(&(*stream)->c);
    free(*stream);
    *stream = NULL;
}

/* --- blocks ------------------------------------------------------------------------------- */

static clrnn_status check_states(const clrnn_stream *stream)
{
    if (!stream->lost)
        return CLRNN_OK;
    return clr_fail(&stream->plan->context->log, CLRNN_ERR_ARGUMENT,
                    "stream: its states were lost when an earlier call failed half-way; reset or "
                    "set them");
}

static clrnn_status check_block(const clrnn_stream *stream, const void *x, uint32_t steps,
                                const void *y)
{
    const clrnn_plan *plan = stream->plan;
    const clrnn_log *log = &plan->context->log;
    if (!x || !y)
        return clr_fail(log, CLRNN_ERR_ARGUMENT, "stream: %s is NULL", x ? "y" : "x");
    if (steps == 0 || steps > plan->desc.max_steps)
        return clr_fail(log, CLRNN_ERR_RANGE, "stream: a block of %u steps is not in 1..%u", steps,
                        plan->desc.max_steps);
    clrnn_status status = clr_plan_check_weights(plan, "stream");
    return status == CLRNN_OK ? check_states(stream) : status;
}

clrnn_status clrnn_stream_process(clrnn_stream *stream, const void *x, uint32_t steps, void *y)
{
    if (!stream)
        return CLRNN_ERR_ARGUMENT;
    clrnn_status status = check_block(stream, x, steps, y);
    if (status != CLRNN_OK)
        return status;
    clrnn_plan *plan = stream->plan;
    const clr_pass pass = pass_of(stream, steps);
    const clrnn_forward_io io = {.steps = steps,
                                 .x = {stream->x, 0},
                                 .h0 = {stream->h, 0},
                                 .c0 = {stream->c, 0},
                                 .y = {stream->y, 0},
                                 .hn = {stream->h, 0},
                                 .cn = {stream->c, 0}};
    status = clr_buffer_write_async(plan->context, stream->x, 0,
                                    clr_count_x(plan, &pass) * plan->real_bytes, x);
    if (status == CLRNN_OK)
        status = clr_pass_again(plan, &io, &stream->last);
    if (status == CLRNN_OK)
        status = clr_buffer_read(plan->context, stream->y, 0,
                                 clr_count_y(plan, &pass) * plan->real_bytes, y);
    stream->lost = status != CLRNN_OK;
    if (stream->lost) /* x may be on its way still */
        (void)clrnn_context_finish(plan->context);
    clr_plan_poll_errors(plan);
    return status;
}

/* --- states ------------------------------------------------------------------------------- */

clrnn_status clrnn_stream_reset(clrnn_stream *stream)
{
    if (!stream)
        return CLRNN_ERR_ARGUMENT;
    clrnn_context *context = stream->plan->context;
    clrnn_status status = clr_buffer_zero(context, stream->h, 0, bytes_of_h(stream));
    if (status == CLRNN_OK && stream->c)
        status = clr_buffer_zero(context, stream->c, 0, bytes_of_c(stream));
    stream->lost = status != CLRNN_OK;
    return status;
}

static clrnn_status check_memory(const clrnn_stream *stream, const void *c)
{
    if (c && !stream->c)
        return clr_fail(&stream->plan->context->log, CLRNN_ERR_ARGUMENT,
                        "stream: c belongs to LSTM only");
    return CLRNN_OK;
}

clrnn_status clrnn_stream_set_state(clrnn_stream *stream, const void *h, const void *c)
{
    if (!stream)
        return CLRNN_ERR_ARGUMENT;
    clrnn_context *context = stream->plan->context;
    clrnn_status status = check_memory(stream, c);
    if (status != CLRNN_OK)
        return status;
    status = clrnn_stream_reset(stream);
    if (status == CLRNN_OK && h)
        status = clr_buffer_write(context, stream->h, 0, bytes_of_h(stream), h);
    if (status == CLRNN_OK && c)
        status = clr_buffer_write(context, stream->c, 0, bytes_of_c(stream), c);
    stream->lost = status != CLRNN_OK;
    return status;
}

clrnn_status clrnn_stream_get_state(clrnn_stream *stream, void *h, void *c)
{
    if (!stream)
        return CLRNN_ERR_ARGUMENT;
    clrnn_context *context = stream->plan->context;
    clrnn_status status = check_memory(stream, c);
    if (status == CLRNN_OK)
        status = check_states(stream);
    if (status == CLRNN_OK && h)
        status = clr_buffer_read(context, stream->h, 0, bytes_of_h(stream), h);
    if (status == CLRNN_OK && c)
        status = clr_buffer_read(context, stream->c, 0, bytes_of_c(stream), c);
    return status;
}

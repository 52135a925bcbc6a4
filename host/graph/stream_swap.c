/* SPDX-License-Identifier: MIT
 * graph/stream_swap.c - another model for a stream that runs.
 *
 *     any thread         offer: pending = next                 collect: retired = NULL
 *     who plays          at a block's border, where nobody fades and none is to be collected:
 *                        the two exchange their models; the one offered then has the old one, which
 *                        fades for some steps, and is retired
 *
 * So who plays neither waits, nor allocates, nor frees. */
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/memory.h"
#include "device/buffer.h"
#include "device/context.h"
#include "graph/stream.h"

/* --- ports ----------------------------------------------------------------------------------- */

static char *copy_of(const char *text)
{
    char *copy = clr_calloc(strlen(text) + 1, 1);
    return copy ? strcpy(copy, text) : NULL;
}

static bool open_port(clrnn_graph_stream *s, const char *name, uint32_t value, bool output)
{
    clr_stream_port *port = &s->ports[s->port_count++];
    *port = (clr_stream_port){copy_of(name), s->plan->shapes[value], output};
    return port->name != NULL;
}

clrnn_status clr_stream_open_ports(clrnn_graph_stream *s)
{
    const clrnn_graph *g = s->plan->graph;
    size_t in = 1, out = 1;
    bool good = true;
    s->precision = g->precision;
    s->ports = clr_calloc((size_t)g->input_count + g->output_count, sizeof *s->ports);
    s->row_lengths = clr_calloc(s->plan->desc.max_batch, sizeof *s->row_lengths);
    for (uint32_t i = 0; s->ports && i < g->input_count; i++) {
        const size_t count = clr_shape_count(&s->plan->shapes[g->inputs[i]]);
        good = good && open_port(s, g->values[g->inputs[i]].name, g->inputs[i], false);
        in = count > in ? count : in;
    }
    for (uint32_t i = 0; s->ports && i < g->output_count; i++) {
        const size_t count = clr_shape_count(&s->plan->shapes[g->outputs[i].value]);
        good = good && open_port(s, g->outputs[i].name, g->outputs[i].value, true);
        out = count > out ? count : out;
    }
    s->row_x = clr_calloc(in, s->plan->real);
    s->row_y = clr_calloc(out, s->plan->real);
    s->mix = clr_calloc(out, s->plan->real);
    good = good && s->ports && s->row_lengths && s->row_x && s->row_y && s->mix;
    return good ? CLRNN_OK
                : clr_fail(&s->plan->context->log, CLRNN_ERR_MEMORY, "graph stream: out of memory");
}

void clr_stream_close_ports(clrnn_graph_stream *s)
{
    for (uint32_t i = 0; s->ports && i < s->port_count; i++)
        free(s->ports[i].name);
    free(s->ports);
    free(s->row_lengths);
    free(s->row_x);
    free(s->row_y);
    free(s->mix);
}

/* --- offering -------------------------------------------------------------------------------- */

static bool same_shape(const clr_shape *a, const clr_shape *b)
{
    return a->rank == b->rank && a->steps == b->steps && a->batch == b->batch && a->ids == b->ids &&
           memcmp(a->size, b->size, a->rank * sizeof *a->size) == 0;
}

/* Shapes are those of the largest block: what is said of them has T and N alone. */
static clrnn_status refuse_shape(const clrnn_graph_stream *s, const clrnn_graph_stream *next,
                                 const clr_stream_port *runs, const clr_stream_port *offered)
{
    const clrnn_log *log = &next->plan->context->log;
    const clrnn_graph_plan_desc *a = &s->plan->desc, *b = &next->plan->desc;
    if (a->max_steps != b->max_steps || a->max_batch != b->max_batch)
        return clr_fail(log, CLRNN_ERR_ARGUMENT,
                        "graph stream: the model offered takes blocks of %u steps of %u rows, the "
                        "one that runs of %u steps of %u",
                        b->max_steps, b->max_batch, a->max_steps, a->max_batch);
    return clr_fail(log, CLRNN_ERR_ARGUMENT,
                    "graph stream: '%s' is %s in the model offered, but %s in the one that runs",
                    runs->name, clr_value_text(&offered->shape).text,
                    clr_value_text(&runs->shape).text);
}

/* Of the same blocks, inputs and outputs. */
static clrnn_status check_alike(const clrnn_graph_stream *s, const clrnn_graph_stream *next)
{
    const clrnn_log *log = &next->plan->context->log;
    if (s->precision != next->precision)
        return clr_fail(log, CLRNN_ERR_ARGUMENT,
                        "graph stream: the model offered has another "
                        "precision");
    for (uint32_t i = 0; i < s->port_count || i < next->port_count; i++) {
        const clr_stream_port *a = i < s->port_count ? &s->ports[i] : NULL;
        const clr_stream_port *b = i < next->port_count ? &next->ports[i] : NULL;
        if (!a || !b || a->output != b->output || strcmp(a->name, b->name) != 0)
            return clr_fail(log, CLRNN_ERR_ARGUMENT,
                            "graph stream: the model offered has %s '%s' where the one that runs "
                            "has '%s'",
                            (b ? b : a)->output ? "output" : "input", b ? b->name : "none",
                            a ? a->name : "none");
        if (!same_shape(&a->shape, &b->shape))
            return refuse_shape(s, next, a, b);
    }
    return CLRNN_OK;
}

clrnn_status clrnn_graph_stream_offer(clrnn_graph_stream *stream, clrnn_graph_stream **next,
                                      uint32_t fade_steps)
{
    if (!stream)
        return CLRNN_ERR_ARGUMENT;
    if (!next || !*next || *next == stream)
        return clr_fail(&stream->plan->context->log, CLRNN_ERR_ARGUMENT,
                        "clrnn_graph_stream_offer: next is %s",
                        next && *next ? "the stream itself" : "NULL");
    clrnn_graph_stream *offered = *next;
    clrnn_status status = check_alike(stream, offered);
    if (status != CLRNN_OK)
        return status;
    offered->fade_steps = fade_steps;
    *next = atomic_exchange(&stream->pending, offered);
    return CLRNN_OK;
}

clrnn_graph_stream *clrnn_graph_stream_collect(clrnn_graph_stream *stream)
{
    return stream ? atomic_exchange(&stream->retired, NULL) : NULL;
}

/* --- taking ---------------------------------------------------------------------------------- */

static void exchange(clrnn_graph_stream *a, clrnn_graph_stream *b)
{
    clrnn_graph_plan *plan = a->plan;
    const clrnn_graph_stream_desc desc = a->desc;
    const size_t count = a->count;
    cl_mem rest = a->rest;
    const bool lost = a->lost;
    a->plan = b->plan;
    a->desc = b->desc;
    a->count = b->count;
    a->rest = b->rest;
    a->lost = b->lost;
    b->plan = plan;
    b->desc = desc;
    b->count = count;
    b->rest = rest;
    b->lost = lost;
}

static void retire(clrnn_graph_stream *stream, clrnn_graph_stream *old)
{
    stream->fading = NULL;
    atomic_store(&stream->retired, old);
}

static void take(clrnn_graph_stream *stream)
{
    if (stream->fading || atomic_load(&stream->retired))
        return;
    clrnn_graph_stream *next = atomic_exchange(&stream->pending, NULL);
    if (!next)
        return;
    exchange(stream, next);
    stream->faded = 0;
    if (next->fade_steps && !next->lost)
        stream->fading = next;
    else
        retire(stream, next);
}

/* --- fading ---------------------------------------------------------------------------------- */

/* How much of the present model counts at step t of a block, from 1/steps up to 1. */
static double share(const clrnn_graph_stream *stream, size_t t)
{
    const double steps = stream->fading->fade_steps, done = (double)stream->faded + (double)t + 1;
    return done < steps ? done / steps : 1;
}

/* to = what was before and is in `to`, and what is now and in mix. */
static void blend(const clrnn_graph_stream *stream, const clr_shape *shape, void *to)
{
    const size_t count = clr_shape_count(shape);
    const bool timed = shape->steps != CLR_NO_AXIS;
    const size_t stride = timed ? clr_shape_stride(shape, (uint32_t)shape->steps) : 1;
    const size_t T = timed ? (size_t)shape->size[shape->steps] : 1;
    const bool wide = stream->plan->real == sizeof(double);
    for (size_t i = 0; i < count; i++) {
        const double part = share(stream, timed ? i / stride % T : stream->plan->steps - 1);
        const size_t bytes = shape->ids ? sizeof(int32_t) : stream->plan->real;
        const void *now = (const char *)stream->mix + i * bytes;
        if (shape->ids || part >= 1)
            memcpy((char *)to + i * bytes, now, bytes);
        else if (wide)
            ((double *)to)[i] += part * (*(const double *)now - ((double *)to)[i]);
        else
            ((float *)to)[i] += (float)part * (*(const float *)now - ((float *)to)[i]);
    }
}

static clrnn_status blend_outputs(clrnn_graph_stream *stream, const clrnn_graph_io *io)
{
    clrnn_graph_plan *plan = stream->plan;
    clrnn_status status = CLRNN_OK;
    for (uint32_t i = 0; i < io->output_count && status == CLRNN_OK; i++) {
        const uint32_t v = clr_plan_output(plan, io->outputs[i].name);
        if (!io->outputs[i].data)
            continue;
        status = clr_plan_read(plan, v, plan->values[v].value, stream->mix);
        clrnn_status finished = clrnn_context_finish(plan->context);
        status = status == CLRNN_OK ? finished : status;
        if (status == CLRNN_OK)
            blend(stream, &plan->shapes[v], io->outputs[i].data);
    }
    return status;
}

clrnn_status clr_stream_check_states(const clrnn_graph_stream *stream)
{
    return stream->lost ? clr_fail(&stream->plan->context->log, CLRNN_ERR_ARGUMENT,
                                   "graph stream: its states were lost when an earlier call failed "
                                   "half-way; reset all of them")
                        : CLRNN_OK;
}

static clrnn_status note(clrnn_graph_stream *stream, clrnn_status status)
{
    if (status == CLRNN_ERR_OPENCL || status == CLRNN_ERR_MEMORY)
        stream->lost = true;
    return status;
}

/* Both models; where the one before fails, the present one alone. */
static clrnn_status fade(clrnn_graph_stream *stream, const clrnn_graph_io *io)
{
    clrnn_graph_stream *old = stream->fading;
    clrnn_graph_io silent = *io;
    const bool both = !old->lost && note(old, clrnn_graph_plan_forward(old->plan, io)) == CLRNN_OK;
    silent.output_count = both ? 0 : io->output_count;
    clrnn_status status = note(stream, clrnn_graph_plan_forward(stream->plan, &silent));
    if (status == CLRNN_OK && both)
        status = note(stream, blend_outputs(stream, io));
    if (status == CLRNN_OK)
        stream->faded += stream->plan->steps;
    if (!both || stream->faded >= old->fade_steps)
        retire(stream, old);
    return status;
}

clrnn_status clr_stream_run(clrnn_graph_stream *stream, const clrnn_graph_io *io)
{
    take(stream);
    clrnn_status status = clr_stream_check_states(stream);
    if (status != CLRNN_OK || (io && io->steps == CLRNN_NONE))
        return status;
    if (stream->fading && io)
        return fade(stream, io);
    return note(stream, clrnn_graph_plan_forward(stream->plan, io));
}

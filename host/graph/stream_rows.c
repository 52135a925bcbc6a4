/* SPDX-License-Identifier: MIT
 * graph/stream_rows.c - blocks whose rows lie apart, as the channels of a sound often do. */
#include <string.h>

#include "base/log.h"
#include "device/context.h"
#include "graph/stream.h"

/* The one input and the one output of T, N and features in any order. */
static clrnn_status find_ports(const clrnn_graph_stream *s, const clr_stream_port **in,
                               const clr_stream_port **out)
{
    *in = &s->ports[0];
    *out = &s->ports[1];
    bool good = s->port_count == 2 && !(*in)->output && (*out)->output;
    for (uint32_t i = 0; i < 2 && good; i++) {
        const clr_shape *shape = &s->ports[i].shape;
        good = shape->steps != CLR_NO_AXIS && shape->batch != CLR_NO_AXIS && shape->rank <= 3 &&
               shape->size[shape->steps] == s->plan->desc.max_steps;
    }
    return good ? CLRNN_OK
                : clr_fail(&s->plan->context->log, CLRNN_ERR_ARGUMENT,
                           "graph stream: rows apart are of one input and one output, each T, N "
                           "and features in some order");
}

/* Between row n, [T,F], and its place in an array of the graph's layout. */
static void move_row(const clr_shape *largest, uint32_t T, uint32_t n, size_t bytes, char *array,
                     char *row, bool into_array)
{
    clr_shape s = *largest;
    s.size[s.steps] = T;
    const size_t t_stride = clr_shape_stride(&s, (uint32_t)s.steps);
    const size_t n_stride = clr_shape_stride(&s, (uint32_t)s.batch);
    const int32_t features = s.rank == 3 ? 3 - s.steps - s.batch : CLR_NO_AXIS;
    const size_t F = features == CLR_NO_AXIS ? 1 : (size_t)s.size[features];
    const size_t k_stride = features == CLR_NO_AXIS ? 1 : clr_shape_stride(&s, (uint32_t)features);
    for (size_t t = 0; t < T; t++)
        for (size_t k = 0; k < F; k++) {
            char *there = array + (t * t_stride + n * n_stride + k * k_stride) * bytes;
            char *here = row + (t * F + k) * bytes;
            memcpy(into_array ? there : here, into_array ? here : there, bytes);
        }
}

static size_t bytes_of(const clrnn_graph_stream *s, const clr_stream_port *port)
{
    return port->shape.ids ? sizeof(int32_t) : s->plan->real;
}

clrnn_status clrnn_graph_stream_process_rows(clrnn_graph_stream *stream, uint32_t steps,
                                             const void *const *x, void *const *y)
{
    if (!stream)
        return CLRNN_ERR_ARGUMENT;
    const clrnn_log *log = &stream->plan->context->log;
    const uint32_t N = stream->plan->desc.max_batch, T = steps ? steps : stream->desc.max_steps;
    const clr_stream_port *in, *out;
    if (!x || !y)
        return clr_fail(log, CLRNN_ERR_ARGUMENT, "clrnn_graph_stream_process_rows: %s is NULL",
                        x ? "y" : "x");
    clrnn_status status = find_ports(stream, &in, &out);
    if (status == CLRNN_OK && steps == CLRNN_NONE)
        return clr_stream_run(stream, &(clrnn_graph_io){.steps = CLRNN_NONE});
    if (status == CLRNN_OK && T > stream->desc.max_steps)
        status = clr_fail(log, CLRNN_ERR_RANGE, "graph stream: %u steps are not in 1..%u", T,
                          stream->desc.max_steps);
    if (status != CLRNN_OK)
        return status;
    bool idle = false;
    for (uint32_t n = 0; n < N; n++) {
        stream->row_lengths[n] = x[n] ? T : 0;
        idle = idle || !x[n];
        if (x[n])
            move_row(&in->shape, T, n, bytes_of(stream, in), stream->row_x, (char *)(uintptr_t)x[n],
                     true);
    }
    const clrnn_graph_source source = {in->name, stream->row_x};
    const clrnn_graph_sink sink = {out->name, stream->row_y};
    const clrnn_graph_io io = {.steps = T,
                               .lengths = idle ? stream->row_lengths : NULL,
                               .inputs = &source,
                               .outputs = &sink,
                               .input_count = 1,
                               .output_count = 1};
    status = clrnn_graph_stream_process(stream, &io);
    for (uint32_t n = 0; n < N && status == CLRNN_OK; n++)
        if (x[n] && y[n])
            move_row(&out->shape, T, n, bytes_of(stream, out), stream->row_y, y[n], false);
    return status;
}

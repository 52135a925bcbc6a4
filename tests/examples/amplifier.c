/* SPDX-License-Identifier: MIT
 * tests/examples/amplifier.c - a guitar amplifier in stereo: LSTM(40) and a linear head, with the
 * dry signal added, over blocks of 64 samples; both channels are rows of one stream.
 *
 * usage: amplifier [MODEL.safetensors]    without a file: fresh weights. Prints the loudest sample.
 */
#include <clrnn/clrnn.h>

#include <math.h>
#include <stdio.h>

enum { BLOCK = 64, CHANNELS = 2, BLOCKS = 100 };

/* y = x + head(lstm(x)) */
static clrnn_status build(const clrnn_log *log, clrnn_graph **graph)
{
    const clrnn_graph_input_desc x = {
        .name = "x", .rank = 3, .shape = {CLRNN_STEPS, CLRNN_BATCH, 1}}; /* interleaved */
    const clrnn_node_desc nodes[] = {
        {.kind = CLRNN_NODE_RECURRENT, .name = "rnn", .network = {.hidden_size = 40}},
        {.kind = CLRNN_NODE_DENSE, .name = "head", .units = 1},
        {.kind = CLRNN_NODE_ADD, .name = "mix", .inputs = {"head", "x"}}};
    clrnn_status status = clrnn_graph_create(log, NULL, graph);
    if (status == CLRNN_OK)
        status = clrnn_graph_input(*graph, &x);
    for (int i = 0; i < 3 && status == CLRNN_OK; i++)
        status = clrnn_graph_add(*graph, &nodes[i], NULL);
    if (status == CLRNN_OK)
        status = clrnn_graph_output(*graph, "y", NULL);
    return status == CLRNN_OK ? clrnn_graph_initialize(*graph, 1) : status;
}

/* Two strings, plucked again and again. */
static void pluck(float *x, int block)
{
    for (int t = 0; t < BLOCK; t++) {
        const double s = (block * BLOCK + t) / 48000.0, decay = exp(-4 * fmod(s, 0.05));
        x[CHANNELS * t] = (float)(decay * sin(691.2 * s));
        x[CHANNELS * t + 1] = (float)(decay * sin(1035.5 * s));
    }
}

static clrnn_status play(clrnn_graph_stream *stream, float *loudest)
{
    float x[BLOCK * CHANNELS], y[BLOCK * CHANNELS];
    const clrnn_graph_source in = {"x", x};
    const clrnn_graph_sink out = {"y", y};
    const clrnn_graph_io io = {.inputs = &in, .outputs = &out, .input_count = 1, .output_count = 1};
    clrnn_status status = CLRNN_OK;
    for (int block = 0; block < BLOCKS && status == CLRNN_OK; block++) {
        pluck(x, block);
        status = clrnn_graph_stream_process(stream, &io);
        for (int i = 0; i < BLOCK * CHANNELS; i++)
            *loudest = fabsf(y[i]) > *loudest ? fabsf(y[i]) : *loudest;
    }
    return status;
}

int main(int argc, char **argv)
{
    const clrnn_graph_stream_desc desc = {.max_steps = BLOCK, .rows = CHANNELS};
    clrnn_context *context = NULL;
    clrnn_graph *graph = NULL;
    clrnn_graph_stream *stream = NULL;
    float loudest = 0;
    clrnn_status status = clrnn_context_create(NULL, &context);
    if (status == CLRNN_OK)
        status =
            argc > 1 ? clrnn_graph_load(argv[1], CLRNN_F32, NULL, &graph) : build(NULL, &graph);
    if (status == CLRNN_OK)
        status = clrnn_graph_stream_create(context, graph, &desc, &stream);
    if (status == CLRNN_OK)
        status = play(stream, &loudest);
    clrnn_graph_stream_destroy(&stream);
    clrnn_graph_destroy(&graph);
    clrnn_context_destroy(&context);
    if (status == CLRNN_OK)
        printf("%g\n", (double)loudest);
    else
        fprintf(stderr, "amplifier: %s\n", clrnn_status_text(status));
    return status == CLRNN_ERR_NO_DEVICE ? 77
                                         : status != CLRNN_OK || !(loudest > 0 && loudest < 10);
}

/* SPDX-License-Identifier: MIT
 * tests/graph/test_graph_real_time.c - what the native device promises to who plays sound through a
 * whole graph: blocks, resets, states, another model that is taken and fades in, and rows apart are
 * computed in the caller's thread without allocating memory, system call, lock or look at the
 * clock.
 */
#include "counted.h"
#include "support.h"

#include <stdio.h>

#ifndef COUNTED

int main(void)
{
    printf("counts system calls as Linux with glibc has them: skipped\n");
    return 77;
}

#else

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <clrnn/graph_parameters.h>
#include <clrnn/graph_stream.h>

#include "device/context.h"
#include "device/native.h"

enum { BLOCK = 64, BLOCKS = 9 };

typedef struct work {
    const char *name;
    clrnn_node_desc nodes[6];
    uint32_t node_count, rows, threads;
    clrnn_precision precision;
    bool batch_major;
} work;

static void must(clrnn_status status, const char *what)
{
    if (status != CLRNN_OK)
        give_up(what);
}

static clrnn_graph *graph_of(const work *w, uint64_t seed)
{
    clrnn_graph *graph = NULL;
    clrnn_graph_input_desc x = {.name = "x", .rank = 3, .shape = {0, 0, 1}};
    x.shape[0] = w->batch_major ? CLRNN_BATCH : CLRNN_STEPS;
    x.shape[1] = w->batch_major ? CLRNN_STEPS : CLRNN_BATCH;
    must(clrnn_graph_create(&test_log, &(clrnn_graph_desc){w->precision}, &graph), "graph");
    must(clrnn_graph_input(graph, &x), "input");
    for (uint32_t i = 0; i < w->node_count; i++)
        must(clrnn_graph_add(graph, &w->nodes[i], NULL), "node");
    must(clrnn_graph_output(graph, "y", NULL), "output");
    must(clrnn_graph_initialize(graph, seed), "parameters");
    return graph;
}

/* Everything that one does with a stream, between its creation and its end. */
typedef struct play {
    clrnn_graph_stream *stream, *next;
    char *x, *y, *state;
    const void *in[8];
    void *out[8];
    size_t block; /* bytes of x and y of one */
    bool good;
} play;

static void play_all(play *p, uint32_t rows)
{
    static const uint32_t steps[BLOCKS] = {BLOCK, 1, 17, BLOCK, BLOCK, BLOCK, 33, BLOCK, BLOCK};
    const uint32_t lengths[8] = {BLOCK, 0, 5, 17, 40, 64, 1, 2};
    bool good = clrnn_graph_stream_reset(p->stream, CLRNN_ALL_ROWS) == CLRNN_OK;
    for (int i = 0; i < BLOCKS; i++) {
        const clrnn_graph_source in = {"x", p->x + (size_t)i * p->block};
        const clrnn_graph_sink out = {"y", p->y + (size_t)i * p->block};
        const clrnn_graph_io io = {.steps = steps[i],
                                   .lengths = i == 3 ? lengths : NULL,
                                   .inputs = &in,
                                   .outputs = &out,
                                   .input_count = 1,
                                   .output_count = 1};
        good = good && clrnn_graph_stream_process(p->stream, &io) == CLRNN_OK;
        if (i == 1)
            good = good && clrnn_graph_stream_capture_rest(p->stream, rows - 1) == CLRNN_OK &&
                   clrnn_graph_stream_reset(p->stream, 0) == CLRNN_OK &&
                   clrnn_graph_stream_get_state(p->stream, 0, p->state) == CLRNN_OK &&
                   clrnn_graph_stream_set_state(p->stream, rows - 1, p->state) == CLRNN_OK;
        if (i == 4)
            good = good && clrnn_graph_stream_offer(p->stream, &p->next, 100) == CLRNN_OK;
    }
    good = good && clrnn_graph_stream_process_rows(p->stream, 0, p->in, p->out) == CLRNN_OK;
    p->good = good;
}

static void child(const void *data)
{
    const work *w = data;
    const clrnn_context_desc desc = {
        .log = test_log, .device = "native", .cache_dir = "", .threads = w->threads};
    const clrnn_graph_stream_desc streamed = {.max_steps = BLOCK, .rows = w->rows};
    const size_t element = w->precision == CLRNN_F64 ? sizeof(double) : sizeof(float);
    const size_t block = BLOCK * w->rows * element;
    clrnn_context *context = NULL;
    play p[2];
    alarm(300);
    must(clrnn_context_create(&desc, &context), "context");
    for (int i = 0; i < 2; i++) {
        p[i] = (play){.x = calloc(BLOCKS, block), .y = calloc(BLOCKS, block), .block = block};
        for (size_t k = 0; k < BLOCKS * block / element; k++)
            if (w->precision == CLRNN_F64)
                ((double *)(void *)p[i].x)[k] = (double)(k * 37 % 101) / 101 - 0.5;
            else
                ((float *)(void *)p[i].x)[k] = (float)(k * 37 % 101) / 101 - 0.5f;
        for (uint32_t n = 0; n < w->rows; n++) {
            p[i].in[n] = n == 1 ? NULL : p[i].x + n * BLOCK * element;
            p[i].out[n] = calloc(BLOCK, element);
        }
        must(clrnn_graph_stream_create(context, graph_of(w, 1), &streamed, &p[i].stream), "stream");
        must(clrnn_graph_stream_create(context, graph_of(w, 2), &streamed, &p[i].next), "next");
        p[i].state = calloc(clrnn_graph_stream_state_count(p[i].stream) + 1, element);
    }
    play_all(&p[0], w->rows);
    begin_counting();
    shared->filtered = filter_calls();
    watched = true;
    play_all(&p[1], w->rows);
    watched = false;
    if (!p[0].good || !p[1].good)
        give_up("a call failed");
    if (memcmp(p[0].y, p[1].y, BLOCKS * block) != 0)
        give_up("other results");
    shared->done = true;
    _exit(0);
}

static void check(work w)
{
    found f;
    for (w.threads = 1; w.threads <= 4; w.threads += 3) {
        const bool filtered = counted_run(child, &w, w.name, &f);
        counted_none(&f, filtered, w.name, w.threads);
    }
}

/* LSTM and head, with the dry signal: mono and stereo, both layouts, both precisions. */
static void amplifier(void **state)
{
    (void)state;
    for (int form = 0; form < 8; form++)
        check((work){.name = "amplifier",
                     .nodes = {{.kind = CLRNN_NODE_RECURRENT, .network = {.hidden_size = 40}},
                               {.kind = CLRNN_NODE_DENSE, .name = "head", .units = 1},
                               {.kind = CLRNN_NODE_ADD, .inputs = {"head", "x"}}},
                     .node_count = 3,
                     .rows = 1 + (uint32_t)form % 2,
                     .batch_major = form / 2 % 2,
                     .precision = (clrnn_precision)(form / 4)});
}

/* What else has a state, or none. */
static void other_nodes(void **state)
{
    (void)state;
    for (int batch_major = 0; batch_major < 2; batch_major++)
        check((work){.name = "convolution, norm, GRU, average",
                     .nodes = {{.kind = CLRNN_NODE_CONV1D,
                                .units = 8,
                                .kernel = {3},
                                .dilation = {4},
                                .causal = true,
                                .function = CLRNN_FN_TANH},
                               {.kind = CLRNN_NODE_LAYER_NORM},
                               {.kind = CLRNN_NODE_RECURRENT,
                                .network = {.cell = CLRNN_CELL_GRU, .hidden_size = 12}},
                               {.kind = CLRNN_NODE_EMA, .axis = -1},
                               {.kind = CLRNN_NODE_DENSE, .units = 1, .function = CLRNN_FN_GELU}},
                     .node_count = 5,
                     .rows = 3,
                     .batch_major = batch_major});
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(amplifier),
        cmocka_unit_test(other_nodes),
    };
    if (!clr_native_driver()) {
        printf("%s: skipped\n", clr_native_text());
        return 77;
    }
    return counted_open() ? cmocka_run_group_tests(tests, NULL, NULL) : 1;
}

#endif

/* SPDX-License-Identifier: MIT
 * streams.c - what a whole model costs beside its LSTM alone, and 64 rows of one stream beside 64
 * streams: LSTM(40) and a dense node, blocks of 64 steps. Checked, then timed in turns.
 *
 * usage: streams [THREADS]    of the native device; 0, as without: one for each processor */
#include <clrnn/clrnn.h>

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { BLOCK = 64, UNITS = 40, ROWS = 64, ROUNDS = 400, WARM_UP = 50 };

static void must(clrnn_status status, const char *what)
{
    if (status == CLRNN_OK)
        return;
    fprintf(stderr, "streams: %s: %s\n", what, clrnn_status_text(status));
    exit(1);
}

/* x [T,N,1] -> LSTM -> dense; y [T,N,1], or that of the LSTM alone [T,N,40]. */
static clrnn_graph *graph_of(bool head)
{
    clrnn_graph *g = NULL;
    must(clrnn_graph_create(NULL, NULL, &g), "graph");
    must(clrnn_graph_input(g, &(clrnn_graph_input_desc){.name = "x",
                                                        .rank = 3,
                                                        .shape = {CLRNN_STEPS, CLRNN_BATCH, 1}}),
         "input");
    must(clrnn_graph_add(g,
                         &(clrnn_node_desc){.kind = CLRNN_NODE_RECURRENT,
                                            .name = "rnn",
                                            .network = {.hidden_size = UNITS}},
                         NULL),
         "LSTM");
    if (head)
        must(clrnn_graph_add(
                 g, &(clrnn_node_desc){.kind = CLRNN_NODE_DENSE, .name = "head", .units = 1}, NULL),
             "dense node");
    must(clrnn_graph_output(g, "y", NULL), "output");
    must(clrnn_graph_initialize(g, 1), "parameters");
    return g;
}

static clrnn_graph_stream *stream_of(clrnn_context *context, clrnn_graph *g, uint32_t rows)
{
    clrnn_graph_stream *s = NULL;
    must(clrnn_graph_stream_create(
             context, g, &(clrnn_graph_stream_desc){.max_steps = BLOCK, .rows = rows}, &s),
         "stream");
    return s;
}

static void process(clrnn_graph_stream *s, const float *x, float *y)
{
    const clrnn_graph_io io = {.inputs = &(clrnn_graph_source){"x", x},
                               .outputs = &(clrnn_graph_sink){"y", y},
                               .input_count = 1,
                               .output_count = 1};
    must(clrnn_graph_stream_process(s, &io), "block");
}

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static int compare(const void *a, const void *b)
{
    const double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* In microseconds; least: on a machine with other work the fastest says more than the median. */
typedef struct figures {
    double median, least;
} figures;

static figures figures_of(double *seconds)
{
    qsort(seconds, ROUNDS, sizeof *seconds, compare);
    return (figures){1e6 * seconds[ROUNDS / 2], 1e6 * seconds[0]};
}

static void put_ratio(const char *what, figures a, figures b)
{
    printf("%-44s %9.3f %9.3f\n", what, a.median / b.median, a.least / b.least);
}

/* --- everything that is timed ----------------------------------------------------------------- */

typedef struct all {
    clrnn_graph *lstm, *model;
    clrnn_plan *plan;
    clrnn_stream *own; /* the LSTM's plan, without a graph */
    clrnn_graph_stream *alone, *amplifier, *together, *apart[ROWS];
    float x[BLOCK * ROWS], rows[ROWS][BLOCK];
    float h[BLOCK * UNITS], h_graph[BLOCK * UNITS], y[BLOCK], y_together[BLOCK * ROWS];
    float y_apart[ROWS][BLOCK];
} all;

enum { OWN, ALONE, AMPLIFIER, TOGETHER, APART, KINDS };

static void run(all *a, int kind)
{
    if (kind == OWN)
        must(clrnn_stream_process(a->own, a->rows[0], BLOCK, a->h), "block");
    else if (kind == ALONE)
        process(a->alone, a->rows[0], a->h_graph);
    else if (kind == AMPLIFIER)
        process(a->amplifier, a->rows[0], a->y);
    else if (kind == TOGETHER)
        process(a->together, a->x, a->y_together);
    for (int n = 0; kind == APART && n < ROWS; n++)
        process(a->apart[n], a->rows[n], a->y_apart[n]);
}

static void make(clrnn_context *context, all *a)
{
    clrnn_plan_desc desc = {.max_steps = BLOCK, .max_batch = 1};
    a->lstm = graph_of(false);
    a->model = graph_of(true);
    desc.network = clrnn_graph_node(a->lstm, 0)->network;
    must(clrnn_plan_create(context, &desc, &a->plan), "plan");
    must(clrnn_plan_set_weights_host(a->plan, clrnn_graph_data(a->model)), "weights");
    must(clrnn_stream_create(a->plan, &a->own), "stream of the plan");
    memcpy(clrnn_graph_data(a->lstm), clrnn_graph_data(a->model),
           clrnn_graph_parameter_count(a->lstm) * sizeof(float));
    a->alone = stream_of(context, a->lstm, 1);
    a->amplifier = stream_of(context, a->model, 1);
    a->together = stream_of(context, a->model, ROWS);
    for (int n = 0; n < ROWS; n++)
        a->apart[n] = stream_of(context, a->model, 1);
    for (int t = 0; t < BLOCK; t++)
        for (int n = 0; n < ROWS; n++)
            a->x[t * ROWS + n] = a->rows[n][t] = (float)sin(0.1 * (n + 1) * t);
}

static void destroy(all *a)
{
    clrnn_stream_destroy(&a->own);
    clrnn_plan_destroy(&a->plan);
    clrnn_graph_stream_destroy(&a->alone);
    clrnn_graph_stream_destroy(&a->amplifier);
    clrnn_graph_stream_destroy(&a->together);
    for (int n = 0; n < ROWS; n++)
        clrnn_graph_stream_destroy(&a->apart[n]);
    clrnn_graph_destroy(&a->lstm);
    clrnn_graph_destroy(&a->model);
}

/* Rows are to the bit what they are alone, the LSTM that of the plan, and the head is its product
 * within rounding. */
static bool is_right(all *a)
{
    const float *head =
        (const float *)clrnn_graph_data(a->model) + clrnn_graph_parameter_count(a->lstm);
    bool right = true;
    for (int kind = 0; kind < KINDS; kind++)
        run(a, kind);
    right = memcmp(a->h, a->h_graph, sizeof a->h) == 0;
    for (int t = 0; t < BLOCK; t++) {
        double y = head[UNITS];
        for (int i = 0; i < UNITS; i++)
            y += (double)head[i] * (double)a->h[t * UNITS + i];
        right = right && fabs(y - (double)a->y[t]) < 1e-5;
        for (int n = 0; n < ROWS; n++)
            right = right && a->y_together[t * ROWS + n] == a->y_apart[n][t];
    }
    return right && memcmp(a->y, a->y_apart[0], sizeof a->y) == 0;
}

int main(int argc, char **argv)
{
    static all a;
    static double seconds[KINDS][ROUNDS];
    static const char *const names[KINDS] = {"LSTM alone, stream of a plan",
                                             "LSTM alone, of a graph", "LSTM and dense", "64 rows",
                                             "64 streams"};
    const clrnn_context_desc desc = {.device = "native",
                                     .threads = argc > 1 ? (uint32_t)atoi(argv[1]) : 0};
    clrnn_context *context = NULL;
    figures us[KINDS];
    must(clrnn_context_create(&desc, &context), "native");
    make(context, &a);
    if (!is_right(&a)) {
        fprintf(stderr, "streams: results differ\n");
        return 1;
    }
    for (int i = -WARM_UP; i < ROUNDS; i++)
        for (int kind = 0; kind < KINDS; kind++) {
            run(&a, kind); /* what the one before has left in the caches is its own */
            const double begin = now();
            run(&a, kind);
            if (i >= 0)
                seconds[kind][i] = now() - begin;
        }
    printf("%-44s %9s %9s\n", "us", "median", "least");
    for (int kind = 0; kind < KINDS; kind++) {
        us[kind] = figures_of(seconds[kind]);
        printf("%-44s %9.2f %9.2f\n", names[kind], us[kind].median, us[kind].least);
    }
    put_ratio("model over its LSTM alone", us[AMPLIFIER], us[OWN]);
    put_ratio("model over its LSTM alone in a graph", us[AMPLIFIER], us[ALONE]);
    put_ratio("64 rows over 64 streams", us[TOGETHER], us[APART]);
    put_ratio("64 rows over one stream", us[TOGETHER], us[AMPLIFIER]);
    destroy(&a);
    clrnn_context_destroy(&context);
    return 0;
}

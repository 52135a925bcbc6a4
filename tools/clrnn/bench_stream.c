/* SPDX-License-Identifier: MIT
 * bench_stream.c - `clrnn bench` of mode=stream: how long each block of a stream takes, and how
 * long the slowest do, since a block that comes late is heard. */
#include <stdlib.h>

#include "bench.h"

#define SAMPLE_RATE  48000.0 /* steps a second */
#define WARM_UP      5       /* blocks before the timed ones */
#define LEAST_BLOCKS 2000
#define MOST_BLOCKS  200000
#define LEAST_TIME   0.5 /* seconds */
#define MOST_TIME    2.0 /* then fewer blocks will do, but not fewer than: */
#define FEWEST       5

/* Input [T,N,I] without what is left after the last whole block, and room for one output. */
typedef struct sequence {
    clrnn_stream *stream;
    uint32_t block;
    size_t count; /* whole blocks */
    size_t bytes; /* of the input of one */
    char *x;
    void *y; /* [block,N,R] */
} sequence;

/* Block `index`; the input repeats, the states go on. */
static clrnn_status process(const sequence *s, size_t index)
{
    return clrnn_stream_process(s->stream, s->x + index % s->count * s->bytes, s->block, s->y);
}

static int time_blocks(const clrnn_problem *p, const sequence *s, bench_result *out)
{
    double *seconds = calloc(MOST_BLOCKS, sizeof *seconds), total = 0;
    clrnn_status status = CLRNN_OK;
    size_t runs = 0;
    if (!seconds)
        return tool_no_memory();
    for (size_t i = 0; i < WARM_UP && !status; i++)
        status = process(s, i);
    while (!status && runs < MOST_BLOCKS &&
           (runs < FEWEST || (total < MOST_TIME && (runs < LEAST_BLOCKS || total < LEAST_TIME)))) {
        double start = tool_seconds();
        status = process(s, runs);
        seconds[runs] = tool_seconds() - start;
        total += seconds[runs++];
    }
    if (!status) {
        bench_summarize(p, seconds, runs, out);
        out->latency = (bench_latency){.median_us = 1e3 * out->median_ms,
                                       .p99_us = 1e6 * tool_percentile(seconds, runs, 0.99),
                                       .p999_us = 1e6 * tool_percentile(seconds, runs, 0.999),
                                       .max_us = 1e6 * seconds[runs - 1],
                                       .budget_us = 1e6 * s->block / SAMPLE_RATE};
    }
    free(seconds);
    return status ? tool_failed(status) : TOOL_OK;
}

int bench_stream(clrnn_context *context, const clrnn_problem *problem, bench_result *result)
{
    const clrnn_network_desc *n = &problem->network;
    size_t width = n->proj_size ? n->proj_size : n->hidden_size;
    size_t rows = (size_t)problem->block * problem->batch;
    size_t element = problem->precision == CLRNN_F64 ? sizeof(double) : sizeof(float);
    clrnn_problem one = *problem; /* what a run is: one block */
    clrnn_plan *plan = NULL;
    sequence s = {.block = problem->block,
                  .count = problem->steps / problem->block,
                  .bytes = rows * n->input_size * element};
    one.steps = problem->block;
    int code = bench_plan(context, problem, problem->block, &plan, result);
    if (code)
        goto done;
    code = TOOL_BAD_USE;
    s.x = bench_numbers(problem, s.count * rows * n->input_size, 1);
    s.y = s.x ? bench_numbers(problem, rows * width, 1) : NULL;
    if (!s.y)
        goto done;
    clrnn_status status = clrnn_stream_create(plan, &s.stream);
    code = status ? tool_failed(status) : time_blocks(&one, &s, result);
done:
    clrnn_stream_destroy(&s.stream);
    clrnn_plan_destroy(&plan);
    free(s.x);
    free(s.y);
    return code;
}

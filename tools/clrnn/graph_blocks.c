/* SPDX-License-Identifier: MIT
 * graph_blocks.c - see graph_blocks.h. */
#include "graph_blocks.h"

#include <stdlib.h>
#include <string.h>

/* One array, whole and of a block: [outer, T, inner bytes]. */
typedef struct part {
    size_t outer, inner;
    bool timed; /* else it is as it is in every block */
    char *whole, *block;
} part;

typedef struct job {
    const graph_blocks *b;
    clrnn_graph_stream *stream;
    part in[GRAPH_ARRAYS], out[GRAPH_ARRAYS];
    clrnn_graph_source sources[GRAPH_ARRAYS];
    clrnn_graph_sink sinks[GRAPH_ARRAYS];
    uint32_t *lengths; /* [N] */
    double *seconds;   /* [blocks] */
} job;

static clrnn_status make_part(const job *j, const clrnn_value_info *info, void *whole, part *p)
{
    const size_t element = info->ids         ? sizeof(int32_t)
                           : j->b->is_double ? sizeof(double)
                                             : sizeof(float);
    *p = (part){.outer = 1, .inner = element, .whole = whole};
    for (uint32_t i = 0; i < info->rank; i++) {
        const int64_t size = info->shape[i];
        if (size == CLRNN_STEPS) {
            p->timed = true;
            p->outer = p->inner / element;
            p->inner = element;
        } else {
            p->inner *= size == CLRNN_BATCH ? j->b->batch : (size_t)size;
        }
    }
    p->block = p->timed ? calloc(p->outer * j->b->block, p->inner) : p->whole;
    return p->block ? CLRNN_OK : CLRNN_ERR_MEMORY;
}

static clrnn_status make_parts(job *j)
{
    clrnn_value_info info;
    clrnn_status status = CLRNN_OK;
    for (uint32_t i = 0; i < j->b->inputs && status == CLRNN_OK; i++) {
        clrnn_graph_input_at(j->b->graph, i, &info);
        status = make_part(j, &info, (void *)j->b->sources[i].data, &j->in[i]);
        j->sources[i] = (clrnn_graph_source){info.name, j->in[i].block};
    }
    for (uint32_t i = 0; i < j->b->outputs && status == CLRNN_OK; i++) {
        clrnn_graph_output_at(j->b->graph, i, &info);
        status = make_part(j, &info, j->b->sinks[i].data, &j->out[i]);
        j->sinks[i] = (clrnn_graph_sink){info.name, j->out[i].block};
    }
    j->lengths = calloc(j->b->batch, sizeof *j->lengths);
    j->seconds = calloc(j->b->steps / j->b->block + 1, sizeof *j->seconds);
    return j->lengths && j->seconds ? status : CLRNN_ERR_MEMORY;
}

/* Steps t..t+steps-1 of a whole array, to its block or back. */
static void move(const job *j, const part *p, uint32_t t, uint32_t steps, bool to_block)
{
    for (size_t o = 0; p->timed && o < p->outer; o++) {
        char *whole = p->whole + (o * j->b->steps + t) * p->inner;
        char *block = p->block + o * steps * p->inner;
        memcpy(to_block ? block : whole, to_block ? whole : block, steps * p->inner);
    }
}

static clrnn_status run_block(job *j, uint32_t t, uint32_t steps, double *seconds)
{
    const graph_blocks *b = j->b;
    const clrnn_graph_io io = {.steps = steps,
                               .lengths = b->lengths ? j->lengths : NULL,
                               .inputs = j->sources,
                               .outputs = j->sinks,
                               .input_count = b->inputs,
                               .output_count = b->outputs};
    for (uint32_t n = 0; n < b->batch && b->lengths; n++) {
        const uint32_t left = b->lengths[n] > t ? b->lengths[n] - t : 0;
        j->lengths[n] = left < steps ? left : steps;
    }
    for (uint32_t i = 0; i < b->inputs; i++)
        move(j, &j->in[i], t, steps, true);
    const double start = tool_seconds();
    clrnn_status status = clrnn_graph_stream_process(j->stream, &io);
    *seconds = tool_seconds() - start;
    for (uint32_t i = 0; i < b->outputs; i++)
        move(j, &j->out[i], t, steps, false);
    return status;
}

static int compare(const void *a, const void *b)
{
    const double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* Whole blocks count; of none the one that there is. */
static graph_times times_of(const job *j, size_t blocks)
{
    const size_t whole = j->b->steps / j->b->block;
    const size_t count = whole ? whole : 1;
    qsort(j->seconds, count, sizeof *j->seconds, compare);
    return (graph_times){.blocks = blocks,
                         .median = tool_percentile(j->seconds, count, 0.5),
                         .late = tool_percentile(j->seconds, count, 0.999),
                         .worst = j->seconds[count - 1]};
}

static void free_parts(const job *j)
{
    for (uint32_t i = 0; i < GRAPH_ARRAYS; i++) {
        free(j->in[i].timed ? j->in[i].block : NULL);
        free(j->out[i].timed ? j->out[i].block : NULL);
    }
    free(j->lengths);
    free(j->seconds);
}

static clrnn_status run(clrnn_context *context, job *j, graph_times *times)
{
    const graph_blocks *b = j->b;
    const clrnn_graph_stream_desc desc = {
        .max_steps = b->block, .rows = b->batch, .strategy = b->strategy};
    clrnn_status status = clrnn_graph_stream_create(context, b->graph, &desc, &j->stream);
    size_t done = 0;
    if (status == CLRNN_OK && (b->inputs > GRAPH_ARRAYS || b->outputs > GRAPH_ARRAYS))
        status = CLRNN_ERR_RANGE;
    if (status == CLRNN_OK)
        status = make_parts(j);
    for (uint32_t t = 0; t < b->steps && status == CLRNN_OK; done++) {
        const uint32_t steps = b->steps - t < b->block ? b->steps - t : b->block;
        status = run_block(j, t, steps, &j->seconds[done]);
        t += steps;
    }
    if (status == CLRNN_OK)
        *times = times_of(j, done);
    clrnn_graph_stream_destroy(&j->stream);
    return status;
}

clrnn_status graph_blocks_run(clrnn_context *context, const graph_blocks *blocks,
                              graph_times *times)
{
    job *j = calloc(1, sizeof *j);
    if (!j)
        return CLRNN_ERR_MEMORY;
    j->b = blocks;
    clrnn_status status = run(context, j, times);
    free_parts(j);
    free(j);
    return status;
}

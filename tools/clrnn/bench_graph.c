/* SPDX-License-Identifier: MIT
 * bench_graph.c - `clrnn bench --model`: a whole model or graph from a file, from and to host
 * arrays, checked against its own double precision. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "bench.h"

#define WARM_UP     3
#define LEAST_RUNS  5
#define LEAST_TIME  0.5 /* seconds */
#define MOST_RUNS   100000
#define SAMPLE_RATE 48000.0
#define ERROR_BOUND 1e-3 /* relative to the largest value of an output */

/* A graph made ready to run, in one precision; a run is a pass, or a block of a stream. */
typedef struct machine {
    clrnn_graph *graph;
    clrnn_graph_plan *plan;
    clrnn_graph_stream *stream;
    bool is_double, train;
    uint32_t steps, batch;
    clrnn_graph_source inputs[CLRNN_MOST_INPUTS], gradients[CLRNN_MOST_INPUTS];
    clrnn_graph_sink outputs[CLRNN_MOST_INPUTS];
    size_t counts[CLRNN_MOST_INPUTS]; /* elements of outputs */
    uint32_t input_count, output_count;
    void *owned[3 * CLRNN_MOST_INPUTS];
    size_t owned_count;
} machine;

static void stop(machine *m)
{
    for (size_t i = 0; i < m->owned_count; i++)
        free(m->owned[i]);
    clrnn_graph_stream_destroy(&m->stream);
    clrnn_graph_plan_destroy(&m->plan);
    clrnn_graph_destroy(&m->graph);
}

/* --- arrays ---------------------------------------------------------------------------------- */

/* How many symbols the nodes that read these ids know. */
static uint32_t symbols_of(const clrnn_graph *graph, const char *name)
{
    uint32_t least = UINT32_MAX;
    for (uint32_t i = 0; i < clrnn_graph_nodes(graph); i++) {
        const clrnn_node_desc *node = clrnn_graph_node(graph, i);
        if (node->vocabulary && node->inputs[0] && strcmp(node->inputs[0], name) == 0 &&
            node->vocabulary < least)
            least = node->vocabulary;
    }
    return least == UINT32_MAX ? 1 : least;
}

static size_t count_of(const machine *m, const clrnn_value_info *value)
{
    size_t count = 1;
    for (uint32_t i = 0; i < value->rank; i++)
        count *= value->shape[i] == CLRNN_STEPS   ? m->steps
                 : value->shape[i] == CLRNN_BATCH ? m->batch
                                                  : (size_t)value->shape[i];
    return count;
}

/* Numbers in +-1, the same in every precision, or symbols. */
static void *fill(machine *m, const clrnn_value_info *value, size_t count, uint64_t seed)
{
    void *data = calloc(count + 1, sizeof(double));
    const uint32_t symbols = value->ids ? symbols_of(m->graph, value->name) : 0;
    for (size_t i = 0; data && i < count; i++) {
        const double number = tool_random(&seed);
        if (value->ids)
            ((int32_t *)data)[i] = (int32_t)(number * symbols);
        else if (m->is_double)
            ((double *)data)[i] = (double)(float)(2 * number - 1);
        else
            ((float *)data)[i] = (float)(2 * number - 1);
    }
    m->owned[m->owned_count++] = data;
    return data;
}

/* An output's elements; what of it depends on T and N only a plan knows. */
static clrnn_status size_of(machine *m, const clrnn_value_info *value, size_t *count)
{
    uint32_t rank = 0;
    uint64_t shape[CLRNN_MOST_AXES];
    if (!m->plan) {
        *count = count_of(m, value);
        return CLRNN_OK;
    }
    clrnn_status status =
        clrnn_graph_plan_shape(m->plan, value->name, m->steps, m->batch, &rank, shape);
    *count = 1;
    for (uint32_t i = 0; i < rank && !status; i++)
        *count *= (size_t)shape[i];
    return status;
}

static clrnn_status make_arrays(machine *m)
{
    clrnn_value_info value;
    clrnn_status status = CLRNN_OK;
    for (uint32_t i = 0; i < CLRNN_MOST_INPUTS && clrnn_graph_input_at(m->graph, i, &value); i++) {
        m->inputs[i] =
            (clrnn_graph_source){value.name, fill(m, &value, count_of(m, &value), 7 + i)};
        m->input_count = i + 1;
    }
    for (uint32_t i = 0; i < CLRNN_MOST_INPUTS && clrnn_graph_output_at(m->graph, i, &value); i++) {
        status = size_of(m, &value, &m->counts[i]);
        if (status)
            return status;
        m->outputs[i] = (clrnn_graph_sink){value.name, fill(m, &value, m->counts[i], 1)};
        m->gradients[i] = (clrnn_graph_source){value.name, fill(m, &value, m->counts[i], 77 + i)};
        m->output_count = i + 1;
    }
    for (size_t i = 0; i < m->owned_count; i++)
        if (!m->owned[i])
            return CLRNN_ERR_MEMORY;
    return CLRNN_OK;
}

/* --- running --------------------------------------------------------------------------------- */

static clrnn_status make(clrnn_context *context, const char *path, const clrnn_problem *p,
                         bool is_double, machine *m)
{
    const clrnn_graph_plan_desc desc = {.max_steps = p->steps,
                                        .max_batch = p->batch,
                                        .train = p->train,
                                        .strategy = p->strategy,
                                        .gemm = p->gemm};
    const clrnn_graph_stream_desc streamed = {
        .max_steps = p->block, .rows = p->batch, .strategy = p->strategy, .gemm = p->gemm};
    *m = (machine){.is_double = is_double,
                   .train = p->train,
                   .steps = p->block ? p->block : p->steps,
                   .batch = p->batch};
    const clrnn_import_desc read = {.precision = is_double ? CLRNN_F64 : CLRNN_F32};
    clrnn_status status = clrnn_graph_import(path, &read, tool_log(), &m->graph);
    if (!status)
        status = p->block ? clrnn_graph_stream_create(context, m->graph, &streamed, &m->stream)
                          : clrnn_graph_plan_create(context, m->graph, &desc, &m->plan);
    return status ? status : make_arrays(m);
}

static clrnn_status run(machine *m)
{
    const clrnn_graph_io io = {.steps = m->steps,
                               .inputs = m->inputs,
                               .outputs = m->outputs,
                               .input_count = m->input_count,
                               .output_count = m->output_count};
    if (m->stream)
        return clrnn_graph_stream_process(m->stream, &io);
    clrnn_status status = clrnn_graph_plan_forward(m->plan, &io);
    if (!status && m->train)
        status = clrnn_graph_plan_backward(
            m->plan,
            &(clrnn_graph_gradients){.outputs = m->gradients, .output_count = m->output_count});
    return status;
}

/* The largest difference of an output, relative to its largest value. */
static double difference(const machine *m, const machine *exact)
{
    double worst = 0;
    for (uint32_t i = 0; i < m->output_count; i++) {
        double most = 0, off = 0;
        clrnn_value_info value;
        if (!clrnn_graph_output_at(m->graph, i, &value) || value.ids)
            continue;
        for (size_t k = 0; k < m->counts[i]; k++) {
            const double y = ((const double *)exact->outputs[i].data)[k];
            const double d = fabs((double)((const float *)m->outputs[i].data)[k] - y);
            most = fmax(most, fabs(y));
            off = d <= off ? off : d; /* NaN stays */
        }
        const double relative = off / (most > 0 ? most : 1);
        worst = relative <= worst ? worst : relative;
    }
    return worst;
}

/* NaN where there is no double precision to compare with, or where weights are kept in fewer bits.
 */
static double check(clrnn_context *context, const char *path, const clrnn_problem *p, machine *m)
{
    machine exact;
    double error = NAN;
    if (!clrnn_context_device(context)->fp64)
        return error;
    if (!make(context, path, p, true, &exact) && !run(&exact))
        error = difference(m, &exact);
    stop(&exact);
    return error;
}

static int compare(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static int time_runs(machine *m, bench_result *out)
{
    double *seconds = calloc(MOST_RUNS, sizeof *seconds), total = 0;
    clrnn_status status = CLRNN_OK;
    size_t runs = 0;
    if (!seconds)
        return tool_no_memory();
    for (int i = 0; i < WARM_UP && !status; i++)
        status = run(m);
    for (; !status && runs < MOST_RUNS && (runs < LEAST_RUNS || total < LEAST_TIME); runs++) {
        const double start = tool_seconds();
        status = run(m);
        seconds[runs] = tool_seconds() - start;
        total += seconds[runs];
    }
    qsort(seconds, runs, sizeof *seconds, compare);
    out->runs = runs;
    out->min_ms = 1e3 * seconds[0];
    out->median_ms = 1e3 * seconds[runs / 2];
    if (m->stream)
        out->latency = (bench_latency){.median_us = 1e3 * out->median_ms,
                                       .p99_us = 1e6 * tool_percentile(seconds, runs, 0.99),
                                       .p999_us = 1e6 * tool_percentile(seconds, runs, 0.999),
                                       .max_us = 1e6 * seconds[runs - 1],
                                       .budget_us = 1e6 * m->steps / SAMPLE_RATE};
    free(seconds);
    return status ? tool_failed(status) : TOOL_OK;
}

/* What its recurrent nodes run as, each strategy once. */
static void put_strategies(const machine *m, bench_result *out)
{
    size_t used = 0;
    for (uint32_t i = 0; m->plan && i < clrnn_graph_nodes(m->graph); i++) {
        const clrnn_plan_info *info = clrnn_graph_plan_node_info(m->plan, i);
        if (info && !strstr(out->strategy, info->strategy) && used < sizeof out->strategy)
            used += (size_t)snprintf(out->strategy + used, sizeof out->strategy - used, "%s%s",
                                     used ? "+" : "", info->strategy);
        if (info)
            snprintf(out->gemm, sizeof out->gemm, "%s", info->gemm);
    }
}

int bench_graph(clrnn_context *context, const char *path, const clrnn_problem *problem,
                bench_result *out)
{
    machine m;
    const double start = tool_seconds();
    clrnn_status status = make(context, path, problem, false, &m);
    out->plan_ms = 1e3 * (tool_seconds() - start);
    if (!status)
        status = run(&m);
    int code = status ? tool_failed(status) : TOOL_OK;
    snprintf(out->problem, sizeof out->problem, "%.160s T=%u,N=%u,mode=%s", path, problem->steps,
             problem->batch,
             problem->train   ? "train"
             : problem->block ? "stream"
                              : "infer");
    const size_t used = strlen(out->problem);
    if (problem->block)
        snprintf(out->problem + used, sizeof out->problem - used, ",block=%u", problem->block);
    snprintf(out->checked, sizeof out->checked, "%s", out->problem);
    if (!code) {
        out->check.forward_error = check(context, path, problem, &m);
        out->check.passed = !(out->check.forward_error > ERROR_BOUND);
        put_strategies(&m, out);
    }
    if (!code && out->check.passed)
        code = time_runs(&m, out);
    stop(&m);
    return code;
}

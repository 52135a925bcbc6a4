/* SPDX-License-Identifier: MIT
 * bench_work.c - see bench.h. Letters: clrnn/network.h; R = P or H. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "bench.h"
#include <clrnn/buffer.h>

#define SEED       1
#define WARM_UP    2 /* runs before the timed ones: one for each set of buffers */
#define LEAST_RUNS 5
#define LEAST_TIME 0.5 /* seconds */
#define MOST_RUNS  100000

/* A problem on the device. Two sets of inputs and outputs, used in turn, so that a run does not
 * find the data of the one before in a cache. */
typedef struct workload {
    clrnn_plan *plan;
    uint32_t *lengths; /* [N], or NULL */
    struct {
        cl_mem x, y, hn, cn, reserve; /* reserve and the gradients: mode=train */
        cl_mem dy, dx, dweights;
    } set[2];
} workload;

static uint32_t directions(const clrnn_problem *p)
{
    return p->network.bidirectional ? 2 : 1;
}

/* Directions that are side by side in a layer's output. */
static uint32_t outputs(const clrnn_problem *p)
{
    return p->network.merge == CLRNN_MERGE_SUM ? 1 : directions(p);
}

static uint32_t state_width(const clrnn_problem *p)
{
    return p->network.proj_size ? p->network.proj_size : p->network.hidden_size;
}

static uint32_t gates(const clrnn_problem *p)
{
    return clrnn_cell_get_info(p->network.cell)->gates;
}

static uint32_t layers(const clrnn_problem *p)
{
    return p->network.num_layers ? p->network.num_layers : 1;
}

/* Length of row n; ragged rows are spread over 1..T. */
static uint32_t row_length(const clrnn_problem *p, uint32_t n)
{
    return p->ragged ? 1 + (uint32_t)((uint64_t)n * 7919 % p->steps) : p->steps;
}

/* Numbers in the matrices of one layer and direction: all of them, or those used at every step. */
static double matrix_size(const clrnn_problem *p, uint32_t layer, bool recurrent_only)
{
    double h = p->network.hidden_size, r = state_width(p);
    double inputs = layer == 0 ? p->network.input_size : r * outputs(p);
    return gates(p) * h * (r + (recurrent_only ? 0 : inputs)) + p->network.proj_size * h;
}

static double matrix_sum(const clrnn_problem *p, bool recurrent_only)
{
    double sum = 0;
    for (uint32_t layer = 0; layer < layers(p); layer++)
        sum += directions(p) * matrix_size(p, layer, recurrent_only);
    return sum;
}

double bench_operations(const clrnn_problem *p)
{
    double valid_steps = 0;
    for (uint32_t n = 0; n < p->batch; n++)
        valid_steps += row_length(p, n);
    return 2 * matrix_sum(p, false) * valid_steps * (p->train ? 3 : 1);
}

/* Bytes that must move if nothing but one matrix stays in a cache: the recurrent matrices at every
 * step, the input matrices, x and y once; training is counted as three times that. */
static double traffic(const clrnn_problem *p)
{
    static const double stored[] = {0, 2, 2, 1}; /* bytes of a weight, by clrnn_storage */
    double recurrent = matrix_sum(p, true), all = matrix_sum(p, false);
    double rows = (double)p->steps * p->batch, real = p->precision == CLRNN_F64 ? 8 : 4;
    double weights = recurrent * p->steps + (all - recurrent);
    double others = rows * (p->network.input_size + (double)outputs(p) * state_width(p));
    return (weights * (p->weights ? stored[p->weights] : real) + others * real) *
           (p->train ? 3 : 1);
}

static size_t element_bytes(const clrnn_problem *p)
{
    return p->precision == CLRNN_F64 ? sizeof(double) : sizeof(float);
}

void *bench_numbers(const clrnn_problem *p, size_t count, double scale)
{
    void *data = malloc(count * element_bytes(p));
    uint64_t random = SEED + count;
    if (!data)
        tool_no_memory();
    for (size_t i = 0; data && i < count; i++) {
        double value = (tool_random(&random) * 2 - 1) * scale;
        if (p->precision == CLRNN_F64)
            ((double *)data)[i] = value;
        else
            ((float *)data)[i] = (float)value;
    }
    return data;
}

/* A buffer of `count` numbers in +-scale; NULL after an error. */
static cl_mem make_buffer(clrnn_context *context, const clrnn_problem *p, size_t count,
                          double scale)
{
    size_t bytes = count * element_bytes(p);
    void *data = bench_numbers(p, count, scale);
    if (!data)
        return NULL;
    cl_mem buffer = NULL;
    clrnn_status status = clrnn_buffer_create(context, bytes, &buffer);
    if (status == CLRNN_OK)
        status = clrnn_buffer_write(context, buffer, 0, bytes, data);
    free(data);
    if (status != CLRNN_OK) {
        tool_error("bench: no buffer of %zu bytes (%s); use a smaller problem", bytes,
                   clrnn_status_text(status));
        clrnn_buffer_destroy(&buffer);
    }
    return buffer;
}

/* Make one set of buffers. Returns an exit code. */
static int make_set(clrnn_context *context, const clrnn_problem *p, workload *w, int which)
{
    const clrnn_plan_info *info = clrnn_plan_get_info(w->plan);
    size_t rows = (size_t)p->steps * p->batch;
    size_t stack = (size_t)layers(p) * directions(p) * p->batch;
    size_t width = (size_t)outputs(p) * state_width(p);
    bool has_cell_state = clrnn_cell_get_info(p->network.cell)->has_cell_state;
    const struct {
        cl_mem *buffer;
        size_t count;
        bool wanted;
    } buffers[] = {
        {&w->set[which].x, rows * p->network.input_size, true},
        {&w->set[which].y, rows * width, true},
        {&w->set[which].hn, stack * state_width(p), true},
        {&w->set[which].cn, stack * p->network.hidden_size, has_cell_state},
        {&w->set[which].reserve, info->reserve_bytes / element_bytes(p) + 1, p->train},
        {&w->set[which].dy, rows * width, p->train},
        {&w->set[which].dx, rows * p->network.input_size, p->train},
        {&w->set[which].dweights, info->weight_count, p->train},
    };
    for (size_t i = 0; i < sizeof buffers / sizeof buffers[0]; i++) {
        if (!buffers[i].wanted)
            continue;
        *buffers[i].buffer = make_buffer(context, p, buffers[i].count, 1);
        if (!*buffers[i].buffer)
            return TOOL_BAD_USE;
    }
    return TOOL_OK;
}

static void release(workload *w)
{
    clrnn_plan_destroy(&w->plan);
    for (int i = 0; i < 2; i++) {
        cl_mem *const all[] = {&w->set[i].x,       &w->set[i].y,       &w->set[i].hn,
                               &w->set[i].cn,      &w->set[i].dy,      &w->set[i].dx,
                               &w->set[i].reserve, &w->set[i].dweights};
        for (size_t k = 0; k < sizeof all / sizeof all[0]; k++)
            clrnn_buffer_destroy(all[k]);
    }
    free(w->lengths);
}

/* The plan keeps the weights' buffer alive. */
static int set_weights(clrnn_context *context, const clrnn_problem *p, clrnn_plan *plan)
{
    size_t count = clrnn_plan_get_info(plan)->weight_count;
    cl_mem weights = make_buffer(context, p, count, 1 / sqrt(p->network.hidden_size));
    if (!weights)
        return TOOL_BAD_USE;
    clrnn_status status = clrnn_plan_set_weights(plan, (clrnn_slice){weights, 0});
    clrnn_buffer_destroy(&weights);
    return status ? tool_failed(status) : TOOL_OK;
}

int bench_plan(clrnn_context *context, const clrnn_problem *p, uint32_t steps, clrnn_plan **plan,
               bench_result *out)
{
    clrnn_plan_desc desc = {.network = p->network,
                            .max_steps = steps,
                            .max_batch = p->batch,
                            .train = p->train,
                            .precision = p->precision,
                            .strategy = p->strategy,
                            .gemm = p->gemm,
                            .weights = p->weights};
    double start = tool_seconds();
    clrnn_status status = clrnn_plan_create(context, &desc, plan);
    if (status)
        return tool_failed(status);
    out->plan_ms = 1e3 * (tool_seconds() - start);
    const clrnn_plan_info *info = clrnn_plan_get_info(*plan);
    snprintf(out->strategy, sizeof out->strategy, "%s", info->strategy);
    snprintf(out->gemm, sizeof out->gemm, "%s", info->gemm);
    return set_weights(context, p, *plan);
}

static int prepare(clrnn_context *context, const clrnn_problem *p, workload *w, bench_result *out)
{
    if (p->ragged) {
        w->lengths = calloc(p->batch, sizeof *w->lengths);
        if (!w->lengths)
            return tool_no_memory();
        for (uint32_t n = 0; n < p->batch; n++)
            w->lengths[n] = row_length(p, n);
    }
    int code = bench_plan(context, p, p->steps, &w->plan, out);
    for (int i = 0; i < 2 && !code; i++)
        code = make_set(context, p, w, i);
    return code;
}

static clrnn_status run_once(clrnn_context *context, workload *w, int which)
{
    clrnn_backward_io io = {.forward = {.lengths = w->lengths,
                                        .x = {w->set[which].x, 0},
                                        .y = {w->set[which].y, 0},
                                        .hn = {w->set[which].hn, 0},
                                        .cn = {w->set[which].cn, 0},
                                        .reserve = {w->set[which].reserve, 0}},
                            .dy = {w->set[which].dy, 0},
                            .dx = {w->set[which].dx, 0},
                            .dweights = {w->set[which].dweights, 0}};
    clrnn_status status = clrnn_forward(w->plan, &io.forward, NULL);
    if (!status && w->set[which].reserve)
        status = clrnn_backward(w->plan, &io, NULL);
    return status ? status : clrnn_context_finish(context);
}

static int compare(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

void bench_summarize(const clrnn_problem *p, double *seconds, size_t runs, bench_result *out)
{
    qsort(seconds, runs, sizeof *seconds, compare);
    out->runs = runs;
    out->min_ms = 1e3 * seconds[0];
    out->median_ms = 1e3 * seconds[runs / 2];
    out->gflops = bench_operations(p) / (1e6 * out->median_ms);
    out->gbytes = traffic(p) / (1e6 * out->median_ms);
}

static int time_runs(clrnn_context *context, const clrnn_problem *p, workload *w, bench_result *out)
{
    double *seconds = calloc(MOST_RUNS, sizeof *seconds), total = 0;
    clrnn_status status = CLRNN_OK;
    if (!seconds)
        return tool_no_memory();
    for (int i = 0; i < WARM_UP && !status; i++)
        status = run_once(context, w, i % 2);
    size_t runs = 0;
    while (!status && runs < MOST_RUNS && (runs < LEAST_RUNS || total < LEAST_TIME)) {
        double start = tool_seconds();
        status = run_once(context, w, runs % 2);
        seconds[runs] = tool_seconds() - start;
        total += seconds[runs++];
    }
    bench_summarize(p, seconds, runs, out);
    free(seconds);
    return status ? tool_failed(status) : TOOL_OK;
}

int bench_time(clrnn_context *context, const clrnn_problem *problem, bench_result *result)
{
    workload w = {0};
    int code = prepare(context, problem, &w, result);
    if (!code)
        code = time_runs(context, problem, &w, result);
    release(&w);
    return code;
}

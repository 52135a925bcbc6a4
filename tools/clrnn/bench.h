/* SPDX-License-Identifier: MIT
 * bench.h - the work that `clrnn bench` times. */
#ifndef TOOL_BENCH_H
#define TOOL_BENCH_H

#include "tool.h"

/* How long the blocks of a stream took, in microseconds. */
typedef struct bench_latency {
    double median_us, p99_us, p999_us, max_us;
    double budget_us; /* what a block lasts at 48 kHz; 0 = not a stream */
} bench_latency;

/* What was found out about a problem. A run of mode=stream is a block. */
typedef struct bench_result {
    char problem[256];
    char checked[256]; /* the problem that was checked: the same, or one with smaller T and N */
    clrnn_check check;
    char strategy[64], gemm[64];
    double plan_ms;
    size_t runs;
    double min_ms, median_ms, gflops, gbytes;
    bench_latency latency;
} bench_result;

/** Floating-point operations of one run: 2 G H (I'+R) + 2 P H for each valid step, layer and
 *  direction; training is counted as three times that: forward, the gradients of the inputs, those
 *  of the weights. */
double bench_operations(const clrnn_problem *problem);

/** Make a plan, weights and buffers, warm up, and time runs: fills in all but the check. Returns an
 *  exit code. */
int bench_time(clrnn_context *context, const clrnn_problem *problem, bench_result *result);

/** The same for mode=stream: times each block. */
int bench_stream(clrnn_context *context, const clrnn_problem *problem, bench_result *result);

/** The same for a whole model or graph from a file, of which the problem says T, N and mode:
 * checked against its double precision (forward_error NaN: there is none), and timed. */
int bench_graph(clrnn_context *context, const char *path, const clrnn_problem *problem,
                bench_result *result);

/* --- what both of them use: bench_work.c ------------------------------------------------------ */

/** Pseudo-random numbers in +-scale, of the problem's type. [count], to be freed; NULL after an
 *  error. */
void *bench_numbers(const clrnn_problem *problem, size_t count, double scale);

/** A plan for at most `steps` steps, with weights, and what it came to. Returns an exit code. */
int bench_plan(clrnn_context *context, const clrnn_problem *problem, uint32_t steps,
               clrnn_plan **plan, bench_result *result);

/** Fill in the times, which are sorted on the way, and the rates of runs of `problem`. */
void bench_summarize(const clrnn_problem *problem, double *seconds, size_t runs,
                     bench_result *result);

#endif

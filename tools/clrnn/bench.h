/* SPDX-License-Identifier: MIT
 * bench.h - the work that `clrnn bench` times. */
#ifndef TOOL_BENCH_H
#define TOOL_BENCH_H

#include "tool.h"

/* What was found out about a problem. */
typedef struct bench_result {
    char problem[256];
    char checked[256]; /* the problem that was checked: the same, or one with smaller T and N */
    clrnn_check check;
    char strategy[64], gemm[64];
    double plan_ms;
    size_t runs;
    double min_ms, median_ms, gflops, gbytes;
} bench_result;

/** Floating-point operations of one run: 2 G H (I'+R) + 2 P H for each valid step, layer and
 *  direction; training is counted as three times that: forward, the gradients of the inputs, those
 *  of the weights. */
double bench_operations(const clrnn_problem *problem);

/** Make a plan, weights and buffers, warm up, and time runs: fills in all but the check. Returns an
 *  exit code. */
int bench_time(clrnn_context *context, const clrnn_problem *problem, bench_result *result);

#endif

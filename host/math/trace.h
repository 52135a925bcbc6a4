/* SPDX-License-Identifier: MIT
 * math/trace.h - the kernels of cl/trace.cl, one typed function for each. */
#ifndef CLR_MATH_TRACE_H
#define CLR_MATH_TRACE_H

#include "math/scan.h"

/* cl/trace_launch.cl, as the host sees it. */
#define ulong cl_ulong
#include "../../cl/trace_launch.cl"
#undef ulong

/* One thread at a time. */
typedef struct clr_tracer {
    clrnn_context *context;
    clrnn_precision precision;
    cl_kernel values, sums, add, reduce;
} clr_tracer;

/** Build; on failure everything is released. Returns: as clr_program_get, CLRNN_ERR_OPENCL */
clrnn_status clr_tracer_init(clrnn_context *context, clrnn_precision precision, clr_tracer *tracer);
void clr_tracer_free(clr_tracer *tracer);

/* How a value becomes what is traced. */
typedef struct clr_trace_function {
    clrnn_activation function; /* 0: as it is */
    double gate_clip;          /* of what the function is of; infinite: none */
    bool complement;           /* 1 minus it */
} clr_trace_function;

/* Each enqueues its kernel; see there. lengths: any buffer where block->has_lengths is 0. Returns:
 * CLRNN_OK, CLRNN_ERR_OPENCL */
clrnn_status clr_trace_values(clr_tracer *tracer, cl_mem from, const trace_view *view,
                              const trace_block *block, cl_mem lengths,
                              const clr_trace_function *function, cl_mem out);
clrnn_status clr_trace_sums(clr_tracer *tracer, cl_mem x, cl_mem workspace, cl_mem weights,
                            const trace_sum *sum, const trace_block *block, cl_mem lengths,
                            cl_mem out);
clrnn_status clr_trace_add(clr_tracer *tracer, cl_mem from, const trace_view *source, cl_mem to,
                           const trace_view *target, const trace_block *block, cl_mem lengths);
/* Figures go into the same buffer, from `out` on. */
clrnn_status clr_trace_reduce(clr_tracer *tracer, cl_mem from, size_t out, const trace_block *block,
                              cl_mem lengths, bool by_unit, double low, double high);

#endif

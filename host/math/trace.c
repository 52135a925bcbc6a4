/* SPDX-License-Identifier: MIT
 * math/trace.c - see math/trace.h. */
#include "math/trace.h"

#include "device/launch.h"
#include "math/sources.h"

clrnn_status clr_tracer_init(clrnn_context *context, clrnn_precision precision, clr_tracer *tracer)
{
    const clr_source *sources[] = {&clr_cl_prelude,    &clr_cl_function,    &clr_cl_cell,
                                   &clr_cl_activation, &clr_cl_scan_launch, &clr_cl_trace_launch,
                                   &clr_cl_trace};
    const clr_define defines[] = {{"REAL_IS_DOUBLE", precision == CLRNN_F64}};
    clr_tracer t = {.context = context, .precision = precision};
    const clr_kernel_place kernels[] = {{"trace_values", &t.values},
                                        {"trace_sums", &t.sums},
                                        {"trace_add", &t.add},
                                        {"trace_reduce", &t.reduce}};
    const clrnn_status status =
        clr_program_kernels(context, sources, CLR_COUNT(sources), defines, CLR_COUNT(defines),
                            kernels, CLR_COUNT(kernels));
    if (status != CLRNN_OK)
        t.context = NULL;
    *tracer = t;
    return status;
}

void clr_tracer_free(clr_tracer *tracer)
{
    clr_kernel_destroy(&tracer->values);
    clr_kernel_destroy(&tracer->sums);
    clr_kernel_destroy(&tracer->add);
    clr_kernel_destroy(&tracer->reduce);
    tracer->context = NULL;
}

static clr_range range_of(const trace_block *b)
{
    return (clr_range){{(size_t)b->units, (size_t)(b->steps * b->rows)}, {0, 0}};
}

clrnn_status clr_trace_values(clr_tracer *t, cl_mem from, const trace_view *view,
                              const trace_block *b, cl_mem lengths, const clr_trace_function *f,
                              cl_mem out)
{
    const clr_arg args[] = {CLR_ARG_MEM(from),
                            CLR_ARG_STRUCT(*view),
                            CLR_ARG_STRUCT(*b),
                            CLR_ARG_MEM(lengths),
                            CLR_ARG_UINT(f->function.function),
                            CLR_ARG_REAL(t->precision, f->function.alpha),
                            CLR_ARG_REAL(t->precision, f->function.beta),
                            CLR_ARG_REAL(t->precision, f->gate_clip),
                            CLR_ARG_UINT(f->complement),
                            CLR_ARG_MEM(out)};
    return clr_launch(t->context, t->values, range_of(b), args, CLR_COUNT(args));
}

clrnn_status clr_trace_sums(clr_tracer *t, cl_mem x, cl_mem workspace, cl_mem weights,
                            const trace_sum *sum, const trace_block *b, cl_mem lengths, cl_mem out)
{
    const clr_arg args[] = {CLR_ARG_MEM(x),       CLR_ARG_MEM(workspace), CLR_ARG_MEM(weights),
                            CLR_ARG_STRUCT(*sum), CLR_ARG_STRUCT(*b),     CLR_ARG_MEM(lengths),
                            CLR_ARG_MEM(out)};
    return clr_launch(t->context, t->sums, range_of(b), args, CLR_COUNT(args));
}

clrnn_status clr_trace_add(clr_tracer *t, cl_mem from, const trace_view *source, cl_mem to,
                           const trace_view *target, const trace_block *b, cl_mem lengths)
{
    const clr_arg args[] = {CLR_ARG_MEM(from),       CLR_ARG_STRUCT(*source), CLR_ARG_MEM(to),
                            CLR_ARG_STRUCT(*target), CLR_ARG_STRUCT(*b),      CLR_ARG_MEM(lengths)};
    return clr_launch(t->context, t->add, range_of(b), args, CLR_COUNT(args));
}

clrnn_status clr_trace_reduce(clr_tracer *t, cl_mem from, size_t out, const trace_block *b,
                              cl_mem lengths, bool by_unit, double low, double high)
{
    const clr_arg args[] = {CLR_ARG_MEM(from),
                            CLR_ARG_STRUCT(*b),
                            CLR_ARG_MEM(lengths),
                            CLR_ARG_UINT(by_unit),
                            CLR_ARG_REAL(t->precision, low),
                            CLR_ARG_REAL(t->precision, high),
                            CLR_ARG_ULONG(out)};
    const clr_range range = {{(size_t)(by_unit ? b->units : b->steps), 1}, {0, 0}};
    return clr_launch(t->context, t->reduce, range, args, CLR_COUNT(args));
}

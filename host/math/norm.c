/* SPDX-License-Identifier: MIT
 * math/norm.c - see math/norm.h. */
#include "math/norm.h"

#include "device/context.h"
#include "device/launch.h"
#include "device/program.h"
#include "math/sources.h"

enum { lanes = 32 }; /* NORM_LANES */

clrnn_status clr_norms_init(clrnn_context *context, clrnn_precision precision, clr_norms *norms)
{
    const bool cpu = context->info.type & CL_DEVICE_TYPE_CPU;
    clr_norms n = {.context = context,
                   .precision = precision,
                   .group = cpu || context->info.max_work_group < lanes ? 1 : lanes};
    const clr_source *sources[] = {&clr_cl_prelude, &clr_cl_norm};
    const clr_define defines[] = {{"REAL_IS_DOUBLE", precision == CLRNN_F64},
                                  {"WG", (long)n.group}};
    const clr_kernel_place kernels[] = {{"normalize_rows", &n.forward},
                                        {"normalize_rows_back", &n.back}};
    const clrnn_status status =
        clr_program_kernels(context, sources, CLR_COUNT(sources), defines, CLR_COUNT(defines),
                            kernels, CLR_COUNT(kernels));
    *norms = n;
    return status;
}

void clr_norms_free(clr_norms *norms)
{
    clr_kernel_destroy(&norms->forward);
    clr_kernel_destroy(&norms->back);
}

static clr_range range_of(const clr_norms *n, const clr_normed_rows *r)
{
    return (clr_range){{r->rows * n->group, 1}, {n->group, 1}};
}

clrnn_status clr_norm_rows(clr_norms *n, const clr_normed_rows *r, clr_matrix x, clr_matrix y)
{
    const clr_arg args[] = {CLR_ARG_MEM(x.buffer),
                            CLR_ARG_ULONG(x.offset),
                            CLR_ARG_ULONG(x.stride),
                            CLR_ARG_MEM(r->parameters),
                            CLR_ARG_ULONG(r->gain),
                            CLR_ARG_ULONG(r->has_bias ? r->bias : 0),
                            CLR_ARG_UINT(r->has_bias),
                            CLR_ARG_MEM(y.buffer),
                            CLR_ARG_ULONG(y.offset),
                            CLR_ARG_ULONG(y.stride),
                            CLR_ARG_MEM(r->kept ? r->kept : y.buffer),
                            CLR_ARG_ULONG(r->kept ? r->hat : 0),
                            CLR_ARG_ULONG(r->kept ? r->scale : 0),
                            CLR_ARG_ULONG(r->kept ? r->stride : 0),
                            CLR_ARG_UINT(r->kept != NULL),
                            CLR_ARG_MEM(r->live.lengths ? r->live.lengths : y.buffer),
                            CLR_ARG_UINT(r->live.lengths != NULL),
                            CLR_ARG_UINT(r->live.bits),
                            CLR_ARG_UINT(r->live.want),
                            CLR_ARG_UINT(r->first),
                            CLR_ARG_REAL(n->precision, r->epsilon),
                            CLR_ARG_UINT(r->K),
                            CLR_ARG_UINT(r->batch)};
    return clr_launch(n->context, n->forward, range_of(n, r), args, CLR_COUNT(args));
}

clrnn_status clr_norm_rows_back(clr_norms *n, const clr_normed_rows *r, clr_matrix dy,
                                clr_matrix dx, bool accumulate)
{
    const clr_arg args[] = {
        CLR_ARG_MEM(dy.buffer),     CLR_ARG_ULONG(dy.offset), CLR_ARG_ULONG(dy.stride),
        CLR_ARG_MEM(r->parameters), CLR_ARG_ULONG(r->gain),   CLR_ARG_MEM(r->kept),
        CLR_ARG_ULONG(r->hat),      CLR_ARG_ULONG(r->scale),  CLR_ARG_ULONG(r->stride),
        CLR_ARG_MEM(dx.buffer),     CLR_ARG_ULONG(dx.offset), CLR_ARG_ULONG(dx.stride),
        CLR_ARG_UINT(accumulate),   CLR_ARG_UINT(r->K)};
    return clr_launch(n->context, n->back, range_of(n, r), args, CLR_COUNT(args));
}

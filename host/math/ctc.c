/* SPDX-License-Identifier: MIT
 * math/ctc.c - see math/ctc.h. */
#include "math/ctc.h"

#include "base/checked.h"
#include "base/log.h"
#include "device/buffer.h"
#include "device/context.h"
#include "device/launch.h"
#include "device/program.h"
#include "math/sources.h"

enum { WG = 64 };

/* As of other losses: a CPU pays for barriers, so there a group is one item. */
static size_t group_of(const clrnn_device_info *info)
{
    size_t group = info->type & CL_DEVICE_TYPE_CPU ? 1 : WG;
    while (group > info->max_work_group)
        group /= 2;
    return group;
}

clrnn_status clr_ctc_init(clrnn_context *context, clrnn_precision precision, clr_ctc *ctc)
{
    const clr_source *sources[] = {&clr_cl_prelude, &clr_cl_elementary, &clr_cl_loss, &clr_cl_ctc};
    const size_t group = group_of(&context->info);
    clr_define defines[] = {{"REAL_IS_DOUBLE", precision == CLRNN_F64}, {"WG", (long)group}};
    const clr_kernel_place kernels[] = {{"log_sums", &ctc->log_sums}, {"ctc", &ctc->ctc}};
    *ctc = (clr_ctc){.context = context, .precision = precision, .group = group};
    return clr_program_kernels(context, sources, CLR_COUNT(sources), defines, CLR_COUNT(defines),
                               kernels, CLR_COUNT(kernels));
}

void clr_ctc_free(clr_ctc *ctc)
{
    clr_kernel_destroy(&ctc->log_sums);
    clr_kernel_destroy(&ctc->ctc);
    clr_buffer_destroy(&ctc->norms);
    clr_buffer_destroy(&ctc->work);
}

static size_t real_size(const clr_ctc *ctc)
{
    return ctc->precision == CLRNN_F64 ? sizeof(double) : sizeof(float);
}

/* A buffer of at least so many numbers. */
static clrnn_status grow(const clr_ctc *ctc, clr_size count, cl_mem *buffer, size_t *have)
{
    const clr_size bytes = clr_size_mul(count, real_size(ctc));
    if (bytes.overflow)
        return clr_fail(&ctc->context->log, CLRNN_ERR_RANGE,
                        "ctc: a batch needs more scratch memory than can be addressed");
    if (*buffer && bytes.value <= *have)
        return CLRNN_OK;
    clr_buffer_destroy(buffer); /* what still runs keeps it */
    clrnn_status status = clr_buffer_create(ctc->context, bytes.value, buffer);
    *have = status == CLRNN_OK ? bytes.value : 0;
    return status;
}

clrnn_status clr_ctc_run(clr_ctc *ctc, cl_mem logits, cl_mem paths, size_t T, size_t N, size_t O,
                         size_t S, double scale, cl_mem losses, cl_mem dlogits)
{
    const clr_size rows = clr_size_mul(clr_size_of(T), N);
    const clr_size states = clr_size_mul(clr_size_mul(clr_size_of(T + 2), N), 2 * S + 1);
    const clr_range each_row = {{rows.value * ctc->group, 1}, {ctc->group, 1}};
    const clr_range each_sequence = {{N * ctc->group, 1}, {ctc->group, 1}};
    clrnn_status status = grow(ctc, rows, &ctc->norms, &ctc->norms_bytes);
    if (status == CLRNN_OK)
        status = grow(ctc, states, &ctc->work, &ctc->work_bytes);
    if (status != CLRNN_OK)
        return status;
    clr_arg sums[] = {CLR_ARG_MEM(logits), CLR_ARG_UINT(O), CLR_ARG_MEM(ctc->norms)};
    status = clr_launch(ctc->context, ctc->log_sums, each_row, sums, CLR_COUNT(sums));
    clr_arg args[] = {CLR_ARG_MEM(logits),    CLR_ARG_MEM(ctc->norms),
                      CLR_ARG_MEM(paths),     CLR_ARG_UINT(T),
                      CLR_ARG_UINT(N),        CLR_ARG_UINT(O),
                      CLR_ARG_UINT(S),        CLR_ARG_REAL(ctc->precision, scale),
                      CLR_ARG_MEM(ctc->work), CLR_ARG_LOCAL(ctc->group * real_size(ctc)),
                      CLR_ARG_MEM(losses),    CLR_ARG_MEM(dlogits)};
    return status == CLRNN_OK
               ? clr_launch(ctc->context, ctc->ctc, each_sequence, args, CLR_COUNT(args))
               : status;
}

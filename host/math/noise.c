/* SPDX-License-Identifier: MIT
 * math/noise.c - see math/noise.h: one typed function for each kernel of cl/noise.cl. */
#include "math/noise.h"

#include "base/philox.h"
#include "device/context.h"
#include "device/launch.h"
#include "device/program.h"
#include "math/sources.h"

clrnn_status clr_noise_init(clrnn_context *context, clrnn_precision precision, clr_noise *noise)
{
    const clr_source *sources[] = {&clr_cl_prelude, &clr_cl_philox, &clr_cl_noise};
    const clr_define defines[] = {{"REAL_IS_DOUBLE", precision == CLRNN_F64}};
    const clr_kernel_place kernels[] = {{"weight_noise", &noise->noise},
                                        {"weight_drop", &noise->drop}};
    *noise = (clr_noise){.context = context, .precision = precision};
    return clr_program_kernels(context, sources, CLR_COUNT(sources), defines, CLR_COUNT(defines),
                               kernels, CLR_COUNT(kernels));
}

void clr_noise_free(clr_noise *noise)
{
    clr_kernel_destroy(&noise->noise);
    clr_kernel_destroy(&noise->drop);
}

/* Groups of a fixed size: one that the driver chooses must divide the count, which may be prime. */
static clr_range range_of(const clr_noise *noise, size_t count)
{
    const size_t group = 64, most = noise->context->info.max_work_group;
    return (clr_range){{count, 1}, {group < most ? group : most, 1}};
}

clrnn_status clr_noise_add(clr_noise *noise, cl_mem w, size_t first, size_t count, double deviation,
                           clr_noise_key key)
{
    const clr_arg args[] = {
        CLR_ARG_MEM(w),         CLR_ARG_ULONG(first),
        CLR_ARG_ULONG(count),   CLR_ARG_REAL(noise->precision, deviation * CLR_NORMAL_UNIT),
        CLR_ARG_UINT(key.seed), CLR_ARG_UINT(key.seed >> 32),
        CLR_ARG_UINT(key.index)};
    return clr_launch(noise->context, noise->noise, range_of(noise, count), args, CLR_COUNT(args));
}

clrnn_status clr_noise_drop(clr_noise *noise, cl_mem w, size_t first, size_t count, float p,
                            clr_noise_key key)
{
    const clr_arg args[] = {CLR_ARG_MEM(w),         CLR_ARG_ULONG(first),
                            CLR_ARG_ULONG(count),   CLR_ARG_FLOAT(p),
                            CLR_ARG_UINT(key.seed), CLR_ARG_UINT(key.seed >> 32),
                            CLR_ARG_UINT(key.index)};
    return clr_launch(noise->context, noise->drop, range_of(noise, count), args, CLR_COUNT(args));
}

/* SPDX-License-Identifier: MIT
 * math/optimizer.c - see math/optimizer.h: one typed function for each kernel of cl/optimizer.cl.
 */
#include "math/optimizer.h"

#include "device/context.h"
#include "device/launch.h"
#include "device/program.h"
#include "math/sources.h"

/* One work-item for each parameter, in groups of a fixed size: one that the driver chooses must
 * divide the count, which may be prime. */
static clr_range range_of(const clr_optimizer *optimizer, size_t count)
{
    const size_t group = 64, most = optimizer->context->info.max_work_group;
    return (clr_range){{count, 1}, {group < most ? group : most, 1}};
}

clrnn_status clr_optimizer_init(clrnn_context *context, clrnn_precision precision,
                                clr_optimizer *optimizer)
{
    const clr_source *sources[] = {&clr_cl_prelude, &clr_cl_optimizer};
    const clr_define defines[] = {{"REAL_IS_DOUBLE", precision == CLRNN_F64}};
    const clr_kernel_place kernels[] = {{"sgd", &optimizer->sgd},
                                        {"adam", &optimizer->adam},
                                        {"rmsprop", &optimizer->rmsprop},
                                        {"settle", &optimizer->settle}};
    *optimizer = (clr_optimizer){.context = context, .precision = precision};
    return clr_program_kernels(context, sources, CLR_COUNT(sources), defines, CLR_COUNT(defines),
                               kernels, CLR_COUNT(kernels));
}

void clr_optimizer_free(clr_optimizer *optimizer)
{
    clr_kernel_destroy(&optimizer->sgd);
    clr_kernel_destroy(&optimizer->adam);
    clr_kernel_destroy(&optimizer->rmsprop);
    clr_kernel_destroy(&optimizer->settle);
}

clrnn_status clr_optimizer_sgd(clr_optimizer *optimizer, const clr_update *update, cl_mem u,
                               double momentum)
{
    clrnn_precision real = optimizer->precision;
    clr_range range = range_of(optimizer, update->count);
    clr_arg args[] = {CLR_ARG_MEM(update->w),
                      CLR_ARG_MEM(update->g),
                      CLR_ARG_MEM(u),
                      CLR_ARG_MEM(update->norm),
                      CLR_ARG_ULONG(update->count),
                      CLR_ARG_REAL(real, update->clip),
                      CLR_ARG_REAL(real, update->rate),
                      CLR_ARG_MEM(update->watch),
                      CLR_ARG_MEM(update->loss),
                      CLR_ARG_ULONG(update->step),
                      CLR_ARG_REAL(real, momentum)};
    return clr_launch(optimizer->context, optimizer->sgd, range, args, CLR_COUNT(args));
}

/* base^count by squares: products alone have the same bits everywhere, which pow has not. */
static double power(double base, uint64_t count)
{
    double result = 1;
    for (; count; count >>= 1, base *= base)
        if (count & 1)
            result *= base;
    return result;
}

clrnn_status clr_optimizer_adam(clr_optimizer *optimizer, const clr_update *update, cl_mem m,
                                cl_mem v, double beta1, double beta2, double epsilon,
                                double weight_decay)
{
    clrnn_precision real = optimizer->precision;
    clr_range range = range_of(optimizer, update->count);
    clr_arg args[] = {CLR_ARG_MEM(update->w),
                      CLR_ARG_MEM(update->g),
                      CLR_ARG_MEM(m),
                      CLR_ARG_MEM(v),
                      CLR_ARG_MEM(update->norm),
                      CLR_ARG_ULONG(update->count),
                      CLR_ARG_REAL(real, update->clip),
                      CLR_ARG_REAL(real, update->rate),
                      CLR_ARG_MEM(update->watch),
                      CLR_ARG_MEM(update->loss),
                      CLR_ARG_ULONG(update->step),
                      CLR_ARG_REAL(real, beta1),
                      CLR_ARG_REAL(real, 1 - beta1),
                      CLR_ARG_REAL(real, 1 - power(beta1, update->step)),
                      CLR_ARG_REAL(real, beta2),
                      CLR_ARG_REAL(real, 1 - beta2),
                      CLR_ARG_REAL(real, 1 - power(beta2, update->step)),
                      CLR_ARG_REAL(real, epsilon),
                      CLR_ARG_REAL(real, update->rate * weight_decay)};
    return clr_launch(optimizer->context, optimizer->adam, range, args, CLR_COUNT(args));
}

clrnn_status clr_optimizer_rmsprop(clr_optimizer *optimizer, const clr_update *update, cl_mem v,
                                   double rho, double epsilon)
{
    clrnn_precision real = optimizer->precision;
    clr_range range = range_of(optimizer, update->count);
    clr_arg args[] = {CLR_ARG_MEM(update->w),
                      CLR_ARG_MEM(update->g),
                      CLR_ARG_MEM(v),
                      CLR_ARG_MEM(update->norm),
                      CLR_ARG_ULONG(update->count),
                      CLR_ARG_REAL(real, update->clip),
                      CLR_ARG_REAL(real, update->rate),
                      CLR_ARG_MEM(update->watch),
                      CLR_ARG_MEM(update->loss),
                      CLR_ARG_ULONG(update->step),
                      CLR_ARG_REAL(real, rho),
                      CLR_ARG_REAL(real, 1 - rho),
                      CLR_ARG_REAL(real, epsilon)};
    return clr_launch(optimizer->context, optimizer->rmsprop, range, args, CLR_COUNT(args));
}

clrnn_status clr_optimizer_settle(clr_optimizer *optimizer, cl_mem w, cl_mem after, cl_mem before,
                                  size_t first, size_t count, cl_mem watch)
{
    clr_range range = range_of(optimizer, count);
    clr_arg args[] = {CLR_ARG_MEM(w),       CLR_ARG_MEM(after),   CLR_ARG_MEM(before),
                      CLR_ARG_ULONG(first), CLR_ARG_ULONG(count), CLR_ARG_MEM(watch)};
    return clr_launch(optimizer->context, optimizer->settle, range, args, CLR_COUNT(args));
}

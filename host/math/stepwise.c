/* SPDX-License-Identifier: MIT
 * math/stepwise.c - see math/stepwise.h. */
#include "math/stepwise.h"

#include "device/launch.h"
#include "device/program.h"
#include "math/cell.h"
#include "math/sources.h"

clrnn_status clr_stepwise_init(clrnn_context *context, const clr_network *network,
                               clrnn_precision precision, clr_stepwise *stepwise)
{
    clr_stepwise k = {.context = context};
    const bool projected = network->desc.proj_size > 0;
    const bool output = network->normed && network->has_cell_state;
    const clr_kernel_place kernels[] = {{"step_forward", &k.forward}, {"step_back", &k.back}};
    const clr_kernel_place of_projection[] = {{"step_project", &k.project},
                                              {"step_project_back", &k.project_back}};
    const clr_kernel_place of_norm[] = {{"step_output", &k.output},
                                        {"step_output_back", &k.output_back}};
    cl_program program = NULL;
    const clr_source *const strategy[] = {&clr_cl_storage,       &clr_cl_scan_launch,
                                          &clr_cl_scan,          &clr_cl_scan_forward,
                                          &clr_cl_scan_backward, &clr_cl_stepwise};
    clrnn_status status = clr_cell_program(context, network, precision, CLRNN_WEIGHTS_F32, strategy,
                                           CLR_COUNT(strategy), NULL, 0, &program);
    if (status == CLRNN_OK)
        status = clr_kernels_create(context, program, kernels, CLR_COUNT(kernels));
    if (status == CLRNN_OK && projected)
        status = clr_kernels_create(context, program, of_projection, CLR_COUNT(of_projection));
    if (status == CLRNN_OK && output)
        status = clr_kernels_create(context, program, of_norm, CLR_COUNT(of_norm));
    if (status != CLRNN_OK)
        clr_stepwise_free(&k);
    *stepwise = k;
    return status;
}

void clr_stepwise_free(clr_stepwise *k)
{
    clr_kernel_destroy(&k->forward);
    clr_kernel_destroy(&k->back);
    clr_kernel_destroy(&k->project);
    clr_kernel_destroy(&k->project_back);
    clr_kernel_destroy(&k->output);
    clr_kernel_destroy(&k->output_back);
}

enum { most_args = 16 };

/* Enqueue a kernel for `width` units of each row: with the arrays of a launch, of which there are
 * `count`, then `own` arguments, then the launch itself. args: with room for those. */
static clrnn_status run(clr_stepwise *k, cl_kernel kernel, uint32_t width, const scan_launch *l,
                        clr_arg args[most_args], size_t count, const clr_arg *own, size_t own_count)
{
    const clr_range range = {{width, l->N}, {0, 0}};
    if (k->again)
        return clr_launch_again(k->context, kernel, range, count, own, own_count);
    for (size_t i = 0; i < own_count; i++)
        args[count++] = own[i];
    args[count++] = CLR_ARG_STRUCT(*l);
    return clr_launch(k->context, kernel, range, args, count);
}

static clrnn_status run_forward(clr_stepwise *k, cl_kernel kernel, uint32_t width,
                                const clr_forward_scan *w, const clr_arg *own, size_t own_count)
{
    clr_arg args[most_args] = {CLR_ARG_MEM(w->weights), CLR_ARG_MEM(w->workspace)};
    const size_t count = 2 + clr_forward_args(w, args + 2);
    return run(k, kernel, width, &w->launch, args, count, own, own_count);
}

static clrnn_status run_back(clr_stepwise *k, cl_kernel kernel, uint32_t width,
                             const clr_backward_scan *w, const clr_arg *own, size_t own_count)
{
    clr_arg args[most_args] = {CLR_ARG_MEM(w->weights), CLR_ARG_MEM(w->workspace)};
    const size_t count = 2 + clr_backward_args(w, args + 2);
    return run(k, kernel, width, &w->launch, args, count, own, own_count);
}

clrnn_status clr_step_forward(clr_stepwise *k, const clr_forward_scan *w, cl_mem sums,
                              uint32_t index, uint32_t phase)
{
    const clr_arg own[] = {CLR_ARG_MEM(sums), CLR_ARG_UINT(index), CLR_ARG_UINT(phase)};
    return run_forward(k, k->forward, w->launch.H, w, own, CLR_COUNT(own));
}

clrnn_status clr_step_project(clr_stepwise *k, const clr_forward_scan *w, cl_mem sums,
                              uint32_t index)
{
    const clr_arg own[] = {CLR_ARG_MEM(sums), CLR_ARG_UINT(index)};
    return run_forward(k, k->project, w->launch.R, w, own, CLR_COUNT(own));
}

clrnn_status clr_step_project_back(clr_stepwise *k, const clr_backward_scan *w, uint32_t index)
{
    const clr_arg own[] = {CLR_ARG_UINT(index)};
    return run_back(k, k->project_back, w->launch.R, w, own, CLR_COUNT(own));
}

clrnn_status clr_step_back(clr_stepwise *k, const clr_backward_scan *w, cl_mem sums, uint32_t index,
                           uint32_t phase)
{
    const clr_arg own[] = {CLR_ARG_MEM(sums), CLR_ARG_UINT(index), CLR_ARG_UINT(phase)};
    return run_back(k, k->back, w->launch.H, w, own, CLR_COUNT(own));
}

clrnn_status clr_step_output(clr_stepwise *k, const clr_forward_scan *w, cl_mem sums,
                             uint32_t index)
{
    const clr_arg own[] = {CLR_ARG_MEM(sums), CLR_ARG_UINT(index)};
    return run_forward(k, k->output, w->launch.H, w, own, CLR_COUNT(own));
}

clrnn_status clr_step_output_back(clr_stepwise *k, const clr_backward_scan *w, cl_mem sums,
                                  clrnn_slice dz, uint32_t index)
{
    const clr_arg own[] = {CLR_ARG_MEM(sums), CLR_ARG_MEM(dz.buffer), CLR_ARG_ULONG(dz.offset),
                           CLR_ARG_UINT(index)};
    return run_back(k, k->output_back, w->launch.H, w, own, CLR_COUNT(own));
}

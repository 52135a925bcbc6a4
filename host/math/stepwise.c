/* SPDX-License-Identifier: MIT
 * math/stepwise.c - see math/stepwise.h. */
#include "math/stepwise.h"

#include "device/launch.h"
#include "math/cell.h"
#include "math/sources.h"

clrnn_status clr_stepwise_init(clrnn_context *context, const clr_network *network,
                               clrnn_precision precision, clr_stepwise *stepwise)
{
    clr_stepwise k = {
        .context = context, .hidden = network->desc.hidden_size, .state = network->state};
    bool projected = network->desc.proj_size > 0;
    const struct {
        const char *name;
        cl_kernel *kernel;
        bool wanted;
    } kernels[] = {{"step_forward", &k.forward, true},
                   {"step_backward", &k.backward, true},
                   {"step_reset", &k.reset, network->form->phases > 1},
                   {"step_reset_backward", &k.reset_backward, network->form->phases > 1},
                   {"step_project", &k.project, projected},
                   {"step_project_backward", &k.project_backward, projected}};
    cl_program program = NULL;
    const clr_source *const strategy[] = {&clr_cl_stepwise};
    clrnn_status status = clr_cell_program(context, network, precision, CLRNN_WEIGHTS_F32, strategy,
                                           CLR_COUNT(strategy), NULL, 0, &program);
    for (size_t i = 0; i < CLR_COUNT(kernels) && status == CLRNN_OK; i++)
        if (kernels[i].wanted)
            status = clr_kernel_create(context, program, kernels[i].name, kernels[i].kernel);
    if (status != CLRNN_OK)
        clr_stepwise_free(&k);
    *stepwise = k;
    return status;
}

void clr_stepwise_free(clr_stepwise *k)
{
    clr_kernel_destroy(&k->forward);
    clr_kernel_destroy(&k->backward);
    clr_kernel_destroy(&k->reset);
    clr_kernel_destroy(&k->reset_backward);
    clr_kernel_destroy(&k->project);
    clr_kernel_destroy(&k->project_backward);
}

/* A kernel argument must be some buffer even where the kernel does not look at it. */
static cl_mem some(cl_mem wanted, const clr_step *step)
{
    return wanted ? wanted : step->weights;
}

static clr_range units(uint32_t width, const clr_step *step)
{
    return (clr_range){{width, step->batch}, {0, 0}};
}

static size_t present(size_t offset)
{
    return offset == CLR_ABSENT ? 0 : offset;
}

clrnn_status clr_step_reset(clr_stepwise *k, const clr_step *s)
{
    const clr_arg args[] = {CLR_ARG_MEM(s->gates.buffer),
                            CLR_ARG_ULONG(s->gates.offset),
                            CLR_ARG_MEM(s->rec.buffer),
                            CLR_ARG_ULONG(s->rec.offset),
                            CLR_ARG_MEM(s->weights),
                            CLR_ARG_ULONG(present(s->b_ih)),
                            CLR_ARG_ULONG(present(s->b_hh)),
                            CLR_ARG_ULONG(present(s->params)),
                            CLR_ARG_MEM(s->h),
                            CLR_ARG_ULONG(s->h_prev),
                            CLR_ARG_MEM(s->extra.buffer),
                            CLR_ARG_ULONG(s->extra.offset),
                            CLR_ARG_MEM(some(s->lengths, s)),
                            CLR_ARG_UINT(s->lengths != NULL),
                            CLR_ARG_UINT(s->t),
                            CLR_ARG_UINT(k->hidden),
                            CLR_ARG_UINT(s->batch)};
    return clr_launch(k->context, k->reset, units(k->hidden, s), args, CLR_COUNT(args));
}

clrnn_status clr_step_forward(clr_stepwise *k, const clr_step *s)
{
    const clr_arg args[] = {CLR_ARG_MEM(s->gates.buffer),
                            CLR_ARG_ULONG(s->gates.offset),
                            CLR_ARG_MEM(s->rec.buffer),
                            CLR_ARG_ULONG(s->rec.offset),
                            CLR_ARG_MEM(s->weights),
                            CLR_ARG_ULONG(present(s->b_ih)),
                            CLR_ARG_ULONG(present(s->b_hh)),
                            CLR_ARG_ULONG(present(s->params)),
                            CLR_ARG_MEM(s->h),
                            CLR_ARG_ULONG(s->h_prev),
                            CLR_ARG_ULONG(s->h_next),
                            CLR_ARG_MEM(some(s->c, s)),
                            CLR_ARG_ULONG(s->c_prev),
                            CLR_ARG_ULONG(s->c_next),
                            CLR_ARG_MEM(some(s->extra.buffer, s)),
                            CLR_ARG_ULONG(s->extra.offset),
                            CLR_ARG_MEM(some(s->y.buffer, s)),
                            CLR_ARG_ULONG(s->y.offset),
                            CLR_ARG_ULONG(s->y_stride),
                            CLR_ARG_UINT(s->y.buffer != NULL),
                            CLR_ARG_MEM(some(s->lengths, s)),
                            CLR_ARG_UINT(s->lengths != NULL),
                            CLR_ARG_UINT(s->t),
                            CLR_ARG_UINT(k->hidden),
                            CLR_ARG_UINT(s->batch)};
    return clr_launch(k->context, k->forward, units(k->hidden, s), args, CLR_COUNT(args));
}

clrnn_status clr_step_project(clr_stepwise *k, const clr_step *s)
{
    const clr_arg args[] = {CLR_ARG_MEM(s->h),
                            CLR_ARG_ULONG(s->h_prev),
                            CLR_ARG_ULONG(s->h_next),
                            CLR_ARG_MEM(some(s->y.buffer, s)),
                            CLR_ARG_ULONG(s->y.offset),
                            CLR_ARG_ULONG(s->y_stride),
                            CLR_ARG_UINT(s->y.buffer != NULL),
                            CLR_ARG_MEM(some(s->lengths, s)),
                            CLR_ARG_UINT(s->lengths != NULL),
                            CLR_ARG_UINT(s->t),
                            CLR_ARG_UINT(k->state),
                            CLR_ARG_UINT(s->batch)};
    return clr_launch(k->context, k->project, units(k->state, s), args, CLR_COUNT(args));
}

clrnn_status clr_step_project_backward(clr_stepwise *k, const clr_step *s)
{
    const clr_arg args[] = {CLR_ARG_MEM(s->dh.buffer),
                            CLR_ARG_ULONG(s->dh.offset),
                            CLR_ARG_MEM(s->dproj.buffer),
                            CLR_ARG_ULONG(s->dproj.offset),
                            CLR_ARG_MEM(some(s->y.buffer, s)),
                            CLR_ARG_ULONG(s->y.offset),
                            CLR_ARG_ULONG(s->y_stride),
                            CLR_ARG_UINT(s->y.buffer != NULL),
                            CLR_ARG_MEM(some(s->lengths, s)),
                            CLR_ARG_UINT(s->lengths != NULL),
                            CLR_ARG_UINT(s->t),
                            CLR_ARG_UINT(k->state),
                            CLR_ARG_UINT(s->batch)};
    return clr_launch(k->context, k->project_backward, units(k->state, s), args, CLR_COUNT(args));
}

clrnn_status clr_step_backward(clr_stepwise *k, const clr_step *s)
{
    bool projected = s->dhid.buffer != NULL;
    clrnn_slice dh = projected ? s->dhid : s->dh;
    bool has_dy = !projected && s->y.buffer;
    const clr_arg args[] = {CLR_ARG_MEM(s->weights),
                            CLR_ARG_ULONG(present(s->params)),
                            CLR_ARG_MEM(s->gates.buffer),
                            CLR_ARG_ULONG(s->gates.offset),
                            CLR_ARG_MEM(s->h),
                            CLR_ARG_ULONG(s->h_prev),
                            CLR_ARG_MEM(some(s->c, s)),
                            CLR_ARG_ULONG(s->c_prev),
                            CLR_ARG_ULONG(s->c_next),
                            CLR_ARG_MEM(some(s->extra.buffer, s)),
                            CLR_ARG_ULONG(s->extra.offset),
                            CLR_ARG_MEM(dh.buffer),
                            CLR_ARG_ULONG(dh.offset),
                            CLR_ARG_MEM(some(s->dc.buffer, s)),
                            CLR_ARG_ULONG(s->dc.offset),
                            CLR_ARG_MEM(some(s->y.buffer, s)),
                            CLR_ARG_ULONG(s->y.offset),
                            CLR_ARG_ULONG(s->y_stride),
                            CLR_ARG_UINT(has_dy),
                            CLR_ARG_MEM(s->da.buffer),
                            CLR_ARG_ULONG(s->da.offset),
                            CLR_ARG_MEM(some(s->du.buffer, s)),
                            CLR_ARG_ULONG(s->du.offset),
                            CLR_ARG_MEM(some(s->lengths, s)),
                            CLR_ARG_UINT(s->lengths != NULL),
                            CLR_ARG_UINT(s->t),
                            CLR_ARG_UINT(k->hidden),
                            CLR_ARG_UINT(s->batch)};
    return clr_launch(k->context, k->backward, units(k->hidden, s), args, CLR_COUNT(args));
}

clrnn_status clr_step_reset_backward(clr_stepwise *k, const clr_step *s)
{
    const clr_arg args[] = {CLR_ARG_MEM(s->weights),
                            CLR_ARG_ULONG(present(s->params)),
                            CLR_ARG_MEM(s->gates.buffer),
                            CLR_ARG_ULONG(s->gates.offset),
                            CLR_ARG_MEM(s->h),
                            CLR_ARG_ULONG(s->h_prev),
                            CLR_ARG_MEM(s->rec.buffer),
                            CLR_ARG_ULONG(s->rec.offset),
                            CLR_ARG_MEM(s->dh.buffer),
                            CLR_ARG_ULONG(s->dh.offset),
                            CLR_ARG_MEM(s->da.buffer),
                            CLR_ARG_ULONG(s->da.offset),
                            CLR_ARG_MEM(some(s->lengths, s)),
                            CLR_ARG_UINT(s->lengths != NULL),
                            CLR_ARG_UINT(s->t),
                            CLR_ARG_UINT(k->hidden),
                            CLR_ARG_UINT(s->batch)};
    return clr_launch(k->context, k->reset_backward, units(k->hidden, s), args, CLR_COUNT(args));
}

/* SPDX-License-Identifier: MIT
 * math/loss.c - see math/loss.h: one typed function for each kernel of cl/loss.cl. */
#include "math/loss.h"

#include <stddef.h>

#include "base/log.h"
#include "device/buffer.h"
#include "device/context.h"
#include "device/launch.h"
#include "device/program.h"
#include "math/sources.h"

enum { WG = 64, SUM_ITEM = 64 };

/* A CPU runs the items of a group one after another and pays for every barrier: there a group is
 * one item, 2 to 4 times faster on PoCL 3.1 at O = 65 to 1000. */
static size_t group_of(const clrnn_device_info *info)
{
    size_t group = info->type & CL_DEVICE_TYPE_CPU ? 1 : WG;
    while (group > info->max_work_group)
        group /= 2;
    return group;
}

static size_t blocks_of(const clr_loss *loss, size_t count)
{
    return (count - 1) / (loss->group * SUM_ITEM) + 1;
}

/* A level of sums is less than half as long as the one before: all fit in twice the first. Those of
 * squares are pairs. */
static clrnn_status create_partial(clr_loss *loss)
{
    size_t element = loss->precision == CLRNN_F64 ? sizeof(double) : sizeof(float);
    return clr_buffer_create(loss->context, 4 * blocks_of(loss, loss->max_count) * element,
                             &loss->partial);
}

/* Where each kernel is kept. */
static const struct {
    const char *name;
    size_t offset;
} names[] = {{"cross_entropy", offsetof(clr_loss, cross_entropy)},
             {"mean_squared", offsetof(clr_loss, mean_squared)},
             {"each_element", offsetof(clr_loss, each_element)},
             {"gaussian", offsetof(clr_loss, gaussian)},
             {"mean_errors", offsetof(clr_loss, mean_errors)},
             {"emphasised", offsetof(clr_loss, emphasised)},
             {"weigh_classes", offsetof(clr_loss, weigh_classes)},
             {"sums", offsetof(clr_loss, sums)},
             {"squares", offsetof(clr_loss, squares)},
             {"add_squares", offsetof(clr_loss, add_squares)}};

static cl_kernel *kernel_of(clr_loss *loss, size_t i)
{
    return (cl_kernel *)(void *)((char *)loss + names[i].offset);
}

clrnn_status clr_loss_init(clrnn_context *context, clrnn_precision precision, size_t max_count,
                           clr_loss *loss)
{
    const clr_source *sources[] = {&clr_cl_prelude, &clr_cl_elementary, &clr_cl_loss};
    size_t group = group_of(&context->info);
    clr_define defines[] = {
        {"REAL_IS_DOUBLE", precision == CLRNN_F64}, {"SUM_ITEM", SUM_ITEM}, {"WG", (long)group}};
    cl_program program = NULL;
    *loss = (clr_loss){
        .context = context, .precision = precision, .group = group, .max_count = max_count};
    clrnn_status status = clr_program_get(context, sources, CLR_COUNT(sources), defines,
                                          CLR_COUNT(defines), &program);
    for (size_t i = 0; i < CLR_COUNT(names) && status == CLRNN_OK; i++)
        status = clr_kernel_create(context, program, names[i].name, kernel_of(loss, i));
    if (status == CLRNN_OK)
        status = create_partial(loss);
    if (status != CLRNN_OK)
        clr_loss_free(loss);
    return status;
}

void clr_loss_free(clr_loss *loss)
{
    for (size_t i = 0; i < CLR_COUNT(names); i++)
        clr_kernel_destroy(kernel_of(loss, i));
    clr_buffer_destroy(&loss->partial);
}

clrnn_status clr_loss_cross_entropy(clr_loss *loss, cl_mem logits, cl_mem targets, size_t rows,
                                    size_t outputs, double scale, cl_mem losses, cl_mem dlogits)
{
    clr_range range = {{rows * loss->group, 1}, {loss->group, 1}};
    clr_arg args[] = {CLR_ARG_MEM(logits),   CLR_ARG_MEM(targets),
                      CLR_ARG_UINT(outputs), CLR_ARG_REAL(loss->precision, scale),
                      CLR_ARG_MEM(losses),   CLR_ARG_MEM(dlogits)};
    return clr_launch(loss->context, loss->cross_entropy, range, args, CLR_COUNT(args));
}

clrnn_status clr_loss_mean_squared(clr_loss *loss, cl_mem logits, cl_mem values, cl_mem targets,
                                   size_t rows, size_t outputs, double scale, cl_mem losses,
                                   cl_mem dlogits)
{
    clr_range range = {{rows * loss->group, 1}, {loss->group, 1}};
    clr_arg args[] = {CLR_ARG_MEM(logits),
                      CLR_ARG_MEM(values),
                      CLR_ARG_MEM(targets),
                      CLR_ARG_UINT(outputs),
                      CLR_ARG_REAL(loss->precision, scale),
                      CLR_ARG_MEM(losses),
                      CLR_ARG_MEM(dlogits)};
    return clr_launch(loss->context, loss->mean_squared, range, args, CLR_COUNT(args));
}

clrnn_status clr_loss_each_element(clr_loss *loss, const clr_element_form *form, cl_mem logits,
                                   cl_mem values, cl_mem targets, size_t rows, size_t outputs,
                                   double scale, cl_mem losses, cl_mem dlogits)
{
    clr_range range = {{rows * loss->group, 1}, {loss->group, 1}};
    clr_arg args[] = {CLR_ARG_MEM(logits),
                      CLR_ARG_MEM(values),
                      CLR_ARG_MEM(targets),
                      CLR_ARG_UINT(outputs),
                      CLR_ARG_UINT(form->kind),
                      CLR_ARG_REAL(loss->precision, form->delta),
                      CLR_ARG_UINT(form->missing),
                      CLR_ARG_REAL(loss->precision, form->divisor),
                      CLR_ARG_REAL(loss->precision, scale),
                      CLR_ARG_MEM(losses),
                      CLR_ARG_MEM(dlogits)};
    return clr_launch(loss->context, loss->each_element, range, args, CLR_COUNT(args));
}

clrnn_status clr_loss_gaussian(clr_loss *loss, const clr_element_form *form, cl_mem logits,
                               cl_mem values, cl_mem targets, size_t rows, size_t K, double scale,
                               cl_mem losses, cl_mem dlogits)
{
    clr_range range = {{rows * loss->group, 1}, {loss->group, 1}};
    clr_arg args[] = {CLR_ARG_MEM(logits),
                      CLR_ARG_MEM(values),
                      CLR_ARG_MEM(targets),
                      CLR_ARG_UINT(K),
                      CLR_ARG_UINT(form->missing),
                      CLR_ARG_REAL(loss->precision, form->divisor),
                      CLR_ARG_REAL(loss->precision, scale),
                      CLR_ARG_MEM(losses),
                      CLR_ARG_MEM(dlogits)};
    return clr_launch(loss->context, loss->gaussian, range, args, CLR_COUNT(args));
}

clrnn_status clr_loss_emphasised(clr_loss *loss, const clr_sound_form *form, cl_mem logits,
                                 cl_mem values, cl_mem targets, size_t outputs, double scale,
                                 cl_mem means, cl_mem losses, cl_mem dlogits)
{
    const size_t columns = form->N * outputs;
    clr_range each_column = {{columns * loss->group, 1}, {loss->group, 1}};
    clr_range each_row = {{form->T * form->N * loss->group, 1}, {loss->group, 1}};
    clr_arg first[] = {CLR_ARG_MEM(logits),         CLR_ARG_MEM(values),   CLR_ARG_MEM(targets),
                       CLR_ARG_UINT(form->T),       CLR_ARG_UINT(form->N), CLR_ARG_UINT(outputs),
                       CLR_ARG_UINT(form->missing), CLR_ARG_MEM(means)};
    clrnn_status status =
        clr_launch(loss->context, loss->mean_errors, each_column, first, CLR_COUNT(first));
    clr_arg args[] = {CLR_ARG_MEM(logits),
                      CLR_ARG_MEM(values),
                      CLR_ARG_MEM(targets),
                      CLR_ARG_MEM(means),
                      CLR_ARG_UINT(form->T),
                      CLR_ARG_UINT(form->N),
                      CLR_ARG_UINT(outputs),
                      CLR_ARG_UINT(form->missing),
                      CLR_ARG_REAL(loss->precision, form->emphasis),
                      CLR_ARG_REAL(loss->precision, form->dc),
                      CLR_ARG_REAL(loss->precision, scale),
                      CLR_ARG_MEM(losses),
                      CLR_ARG_MEM(dlogits)};
    return status == CLRNN_OK
               ? clr_launch(loss->context, loss->emphasised, each_row, args, CLR_COUNT(args))
               : status;
}

clrnn_status clr_loss_weigh_classes(clr_loss *loss, cl_mem weights, cl_mem targets, size_t rows,
                                    size_t outputs, cl_mem losses, cl_mem dlogits)
{
    clr_range range = {{rows * loss->group, 1}, {loss->group, 1}};
    clr_arg args[] = {CLR_ARG_MEM(weights), CLR_ARG_MEM(targets), CLR_ARG_UINT(outputs),
                      CLR_ARG_MEM(losses), CLR_ARG_MEM(dlogits)};
    return clr_launch(loss->context, loss->weigh_classes, range, args, CLR_COUNT(args));
}

/* Sum blocks, then the sums of blocks, until one number is left. Each addition of the tree has a
 * fixed place, and no number goes through more than SUM_ITEM + log2(WG) of them at each level. */
static clrnn_status reduce(clr_loss *loss, cl_mem x, size_t count, bool norm, cl_mem result,
                           size_t result_at)
{
    size_t at = 0, free_at = 0;
    clrnn_status status = CLRNN_OK;
    if (count == 0 || count > loss->max_count)
        return clr_fail(&loss->context->log, CLRNN_ERR_RANGE,
                        "a sum of %zu elements, must be 1 to %zu", count, loss->max_count);
    for (bool first = true, last = false; status == CLRNN_OK && !last; first = false) {
        size_t blocks = blocks_of(loss, count);
        last = blocks == 1;
        clr_range range = {{blocks * loss->group, 1}, {loss->group, 1}};
        cl_kernel kernel = !norm ? loss->sums : first ? loss->squares : loss->add_squares;
        clr_arg args[] = {CLR_ARG_MEM(first ? x : loss->partial),
                          CLR_ARG_ULONG(at),
                          CLR_ARG_ULONG(count),
                          CLR_ARG_MEM(last ? result : loss->partial),
                          CLR_ARG_ULONG(last ? result_at : free_at),
                          CLR_ARG_UINT(last)}; /* not of plain sums */
        status = clr_launch(loss->context, kernel, range, args, CLR_COUNT(args) - !norm);
        at = free_at;
        free_at += blocks;
        count = blocks;
    }
    return status;
}

clrnn_status clr_sum(clr_loss *loss, cl_mem x, size_t count, cl_mem result)
{
    return reduce(loss, x, count, false, result, 0);
}

clrnn_status clr_sum_at(clr_loss *loss, cl_mem x, size_t count, cl_mem result, size_t at)
{
    return reduce(loss, x, count, false, result, at);
}

clrnn_status clr_norm(clr_loss *loss, cl_mem x, size_t count, cl_mem result)
{
    return reduce(loss, x, count, true, result, 0);
}

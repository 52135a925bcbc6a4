/* SPDX-License-Identifier: MIT
 * device/launch.c - see device/launch.h. */
#include "device/launch.h"

#include <stdint.h>
#include <stdio.h>

#include "base/log.h"
#include "base/memory.h"
#include "device/context.h"
#include "device/opencl.h"

/* `call` failed for this kernel: log both. */
static clrnn_status refused(clrnn_context *context, cl_kernel kernel, cl_int code, const char *call)
{
    char name[64] = "?", text[128];
    (void)clr_cl(kernel)->clGetKernelInfo(kernel, CL_KERNEL_FUNCTION_NAME, sizeof name, name, NULL);
    name[sizeof name - 1] = 0;
    snprintf(text, sizeof text, "%s of kernel %s", call, name);
    return clr_cl_check(&context->log, code, text);
}

static const void *value_of(const clr_arg *arg)
{
    return arg->local ? NULL : arg->structure ? arg->structure : &arg->value;
}

static clrnn_status check_count(clrnn_context *context, cl_kernel kernel, size_t count)
{
    cl_uint expected = 0;
    cl_int code = CL_OUT_OF_RESOURCES;
    if (!clr_fault_hit(CLR_FAULT_OPENCL))
        code = clr_cl(kernel)->clGetKernelInfo(kernel, CL_KERNEL_NUM_ARGS, sizeof expected,
                                               &expected, NULL);
    if (code != CL_SUCCESS)
        return refused(context, kernel, code, "clGetKernelInfo");
    if (count != expected) {
        char name[64] = "?";
        (void)clr_cl(kernel)->clGetKernelInfo(kernel, CL_KERNEL_FUNCTION_NAME, sizeof name, name,
                                              NULL);
        return clr_fail(&context->log, CLRNN_ERR_ARGUMENT,
                        "kernel %s takes %u arguments, %zu were given", name, (unsigned)expected,
                        count);
    }
    return CLRNN_OK;
}

/* Those from number `first` on. */
static clrnn_status set_args(clrnn_context *context, cl_kernel kernel, size_t first,
                             const clr_arg *args, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        char call[40];
        const cl_int code = clr_fault_hit(CLR_FAULT_OPENCL)
                                ? CL_OUT_OF_RESOURCES
                                : clr_cl(kernel)->clSetKernelArg(kernel, (cl_uint)(first + i),
                                                                 args[i].size, value_of(&args[i]));
        if (code == CL_SUCCESS)
            continue;
        snprintf(call, sizeof call, "clSetKernelArg(%zu)", first + i);
        return refused(context, kernel, code, call);
    }
    return CLRNN_OK;
}

/* Global sizes in whole groups. */
static clrnn_status enqueue(clrnn_context *context, cl_kernel kernel, clr_range range)
{
    size_t global[2], local[2];
    size_t usual = context->info.max_work_group < 64 ? context->info.max_work_group : 64;
    if (range.local[0] == 0)
        range.local[0] = usual ? usual : 1;
    for (int i = 0; i < 2; i++) {
        local[i] = range.local[i] ? range.local[i] : 1;
        size_t groups = (range.global[i] - 1) / local[i] + 1;
        if (groups > SIZE_MAX / local[i])
            return clr_fail(
                &context->log, CLRNN_ERR_RANGE,
                "a launch of %zu x %zu work-items: in whole groups of %zu they must not "
                "exceed %zu",
                range.global[0], range.global[1], local[i], SIZE_MAX);
        global[i] = groups * local[i];
    }
    cl_int code = CL_OUT_OF_RESOURCES;
    if (!clr_fault_hit(CLR_FAULT_OPENCL))
        code = clr_cl(context->queue)
                   ->clEnqueueNDRangeKernel(context->queue, kernel, 2, NULL, global, local, 0, NULL,
                                            NULL);
    if (code != CL_SUCCESS)
        return refused(context, kernel, code, "clEnqueueNDRangeKernel");
    return CLRNN_OK;
}

static bool is_empty(clr_range range)
{
    return range.global[0] == 0 || range.global[1] == 0;
}

clrnn_status clr_launch(clrnn_context *context, cl_kernel kernel, clr_range range,
                        const clr_arg *args, size_t count)
{
    if (is_empty(range))
        return CLRNN_OK;
    clrnn_status status = check_count(context, kernel, count);
    if (status == CLRNN_OK)
        status = set_args(context, kernel, 0, args, count);
    return status == CLRNN_OK ? enqueue(context, kernel, range) : status;
}

clrnn_status clr_launch_again(clrnn_context *context, cl_kernel kernel, clr_range range,
                              size_t first, const clr_arg *args, size_t count)
{
    if (is_empty(range))
        return CLRNN_OK;
    clrnn_status status = set_args(context, kernel, first, args, count);
    return status == CLRNN_OK ? enqueue(context, kernel, range) : status;
}

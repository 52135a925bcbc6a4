/* SPDX-License-Identifier: MIT
 * tests/device/fill.c - see tests/device/fill.h. */
#include "device/fill.h"

#include <clrnn/network.h>

#include "device/native_kernels.h"

static const char text[] =
    "#line 1 \"cl/fill.cl\"\n"
    "__kernel void fill(__global int *y, const uint offset, const uint rows, const uint columns,\n"
    "                   const int stride, const float a)\n"
    "{\n"
    "    const uint c = get_global_id(0), r = get_global_id(1);\n"
    "    if (r < rows && c < columns)\n"
    "        y[offset + r * stride + c] = (int)(SCALE * a) + 1000 * (int)r + (int)c;\n"
    "}\n"
    "__kernel void add_long(__global ulong *y, const ulong a) { y[get_global_id(0)] += a; }\n";

/* The same for native, which has no compiler. */
static void native_fill(const clr_native_range *range, void *const *arguments)
{
    cl_int *y = *(cl_int **)arguments[0];
    const cl_uint offset = *(cl_uint *)arguments[1], rows = *(cl_uint *)arguments[2],
                  columns = *(cl_uint *)arguments[3];
    const cl_int stride = *(cl_int *)arguments[4];
    const float a = *(float *)arguments[5];
    for (uint64_t r = range->y0; r < range->y1; r++)
        for (uint64_t c = range->x0; c < range->x1; c++)
            if (r < rows && c < columns)
                y[offset + r * (uint64_t)stride + c] = (int)(-3 * a) + 1000 * (int)r + (int)c;
}

static void native_add_long(const clr_native_range *range, void *const *arguments)
{
    cl_ulong *y = *(cl_ulong **)arguments[0];
    for (uint64_t i = range->x0; i < range->x1; i++)
        y[i] += *(cl_ulong *)arguments[1];
}

static const uint32_t fill_sizes[] = {0, 4, 4, 4, 4, 4}, add_sizes[] = {0, 8};
static const clr_native_kernel kernels[] = {
    {"fill", native_fill, fill_sizes, CLR_COUNT(fill_sizes), CLR_NATIVE_LIGHT},
    {"fill_rows", native_fill, fill_sizes, CLR_COUNT(fill_sizes), CLR_NATIVE_LONG},
    {"fill_alone", native_fill, fill_sizes, CLR_COUNT(fill_sizes), CLR_NATIVE_HEAVY},
    {"add_long", native_add_long, add_sizes, CLR_COUNT(add_sizes), CLR_NATIVE_LIGHT}};
static const clr_native_program native = {"fill.cl", "-DSCALE=-3", kernels, CLR_COUNT(kernels)};

clrnn_status fill_program(clrnn_context *context, cl_program *program)
{
    static const clr_source source = {"fill.cl", text, sizeof text - 1};
    static const clr_source *const sources[] = {&source};
    static const clr_define defines[] = {{"SCALE", -3}};
    clr_native_give(&native, 1);
    return clr_program_get(context, sources, 1, defines, 1, program);
}

clrnn_status fill_kernel(clrnn_context *context, cl_kernel *kernel)
{
    cl_program program = NULL;
    *kernel = NULL;
    clrnn_status status = fill_program(context, &program);
    return status == CLRNN_OK ? clr_kernel_create(context, program, "fill", kernel) : status;
}

clrnn_status fill_launch(clrnn_context *context, cl_kernel kernel, cl_mem y, clr_range range,
                         size_t offset)
{
    const clr_arg args[] = {CLR_ARG_MEM(y),
                            CLR_ARG_UINT(offset),
                            CLR_ARG_UINT(range.global[1]),
                            CLR_ARG_UINT(range.global[0]),
                            CLR_ARG_INT(range.global[0]),
                            CLR_ARG_REAL(CLRNN_F32, 2.5)};
    return clr_launch(context, kernel, range, args, CLR_COUNT(args));
}

/* SPDX-License-Identifier: MIT
 * tests/device/arithmetic.c - see tests/device/arithmetic.h. */
#include "device/arithmetic.h"

#include <math.h>
#include <stdlib.h>

#include "device/context.h"
#include "device/launch.h"
#include "math/sources.h"
#include "train/array.h"

static const char probes[] =
    "#define PROBE(name) kernel void name(global REAL *v, ulong count)\n"
    "PROBE(small) { if (!get_global_id(0)) v[0] = fma(v[0], v[1], 0); }\n"
    "PROBE(fused) { if (!get_global_id(0)) v[0] = fma(v[0], v[1], -(v[0] * v[1])); }\n"
    "PROBE(plus_zero) { if (!get_global_id(0)) v[0] = v[0] + (REAL)0; }\n"
    "PROBE(in_order) {\n"
    "    REAL sum = 0;\n"
    "    if (get_global_id(0)) return;\n"
    "    for (ulong k = 0; k < count; k++)\n"
    "        sum += v[k];\n"
    "    v[0] = sum; }\n";

/* What the kernel makes of v[0], of `count`; native: `native`, since processors do what IEEE 754
 * says. */
static double result_of(clrnn_context *context, clrnn_precision precision, const char *name,
                        const double *v, size_t count, double native)
{
    static const clr_source last = {"probes.cl", probes, sizeof probes - 1};
    const clr_source *const sources[] = {&clr_cl_prelude, &last};
    const clr_define defines[] = {{"REAL_IS_DOUBLE", precision == CLRNN_F64}};
    cl_program program = NULL;
    cl_kernel kernel = NULL;
    if (!test_has(context, TEST_COMPILER))
        return native;
    assert_int_equal(clr_program_get(context, sources, 2, defines, 1, &program), CLRNN_OK);
    assert_int_equal(clr_kernel_create(context, program, name, &kernel), CLRNN_OK);
    array numbers = array_make(context, precision, v, count);
    const clr_arg args[] = {CLR_ARG_MEM(numbers.buffer), CLR_ARG_ULONG(count)};
    assert_int_equal(clr_launch(context, kernel, (clr_range){{1, 1}, {0, 0}}, args, 2), CLRNN_OK);
    double *result = array_read(&numbers);
    const double number = result[0];
    free(result);
    array_free(&numbers);
    clr_kernel_destroy(&kernel);
    return number;
}

bool device_keeps_denormals(clrnn_context *context)
{
    return result_of(context, CLRNN_F32, "small", (double[2]){0x1p-140, 0.5}, 2, 1) != 0;
}

bool device_fuses_doubles(clrnn_context *context)
{
    return clrnn_context_device(context)->fp64 &&
           result_of(context, CLRNN_F64, "fused", (double[2]){1 + 0x1p-30, 1 - 0x1p-30}, 2, 1) != 0;
}

bool device_adds_zero(clrnn_context *context)
{
    return !signbit(result_of(context, CLRNN_F32, "plus_zero", (double[2]){-0.0, 0}, 2, 0));
}

bool device_adds_in_order(clrnn_context *context)
{
    enum { COUNT = 65 };
    double v[COUNT] = {0x1p24};
    for (int k = 1; k < COUNT; k++) /* each is rounded away, but not their sum */
        v[k] = 1;
    return result_of(context, CLRNN_F32, "in_order", v, COUNT, 0x1p24) == 0x1p24;
}

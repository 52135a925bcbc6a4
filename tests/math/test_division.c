/* SPDX-License-Identifier: MIT
 * tests/math/test_division.c - DIVIDE and ROOT of cl/prelude.cl on a device whose own quotients and
 * roots are off by two units in the last place: rounded to the nearest all the same. */
#include <math.h>
#include <stdlib.h>

#include "base/philox.h"
#include "device/context.h"
#include "device/launch.h"
#include "math/sources.h"
#include "support.h"
#include "train/array.h"

enum { COUNT = 1 << 16 };

/* What such a device gives; and what is asked of it. */
static const char before[] =
    "float nudge(float x)\n"
    "{\n"
    "    int bits = as_int(x), size = bits & 0x7fffffff;\n"
    "    return size < 0x800004 || size > 0x7f7ffffb ? x : as_float(bits + (bits % 5 - 2));\n"
    "}\n"
    "#define OWN_QUOTIENT(a, b) nudge((a) / (b))\n"
    "#define OWN_ROOT(x)        nudge(sqrt(x))\n";
static const char after[] =
    "kernel void quotients(global const float *a, global const float *b, global float *q,\n"
    "                      global float *r)\n"
    "{\n"
    "    size_t i = get_global_id(0);\n"
    "    q[i] = DIVIDE(a[i], b[i]);\n"
    "    r[i] = ROOT(a[i]);\n"
    "}\n";

/* [COUNT] each, to be freed; NULL for b: roots. */
static double *compute(clrnn_context *context, const double *a, const double *b)
{
    static const clr_source first = {"before.cl", before, sizeof before - 1};
    static const clr_source last = {"after.cl", after, sizeof after - 1};
    const clr_source *const sources[] = {&first, &clr_cl_prelude, &last};
    cl_program program = NULL;
    cl_kernel kernel = NULL;
    context->info.rounded_division = false;
    assert_int_equal(clr_program_get(context, sources, 3, NULL, 0, &program), CLRNN_OK);
    assert_int_equal(clr_kernel_create(context, program, "quotients", &kernel), CLRNN_OK);
    array arrays[4];
    for (int i = 0; i < 4; i++)
        arrays[i] = array_make(context, CLRNN_F32, i == 1 && b ? b : a, COUNT);
    const clr_arg args[] = {CLR_ARG_MEM(arrays[0].buffer), CLR_ARG_MEM(arrays[1].buffer),
                            CLR_ARG_MEM(arrays[2].buffer), CLR_ARG_MEM(arrays[3].buffer)};
    const clr_range range = {.global = {COUNT, 1}};
    assert_int_equal(clr_launch(context, kernel, range, args, CLR_COUNT(args)), CLRNN_OK);
    double *result = array_read(&arrays[b ? 2 : 3]);
    for (int i = 0; i < 4; i++)
        array_free(&arrays[i]);
    clr_kernel_destroy(&kernel);
    return result;
}

/* Floats of 2^-60 to 2^60, of either sign. */
static double *floats(uint64_t seed)
{
    double *out = calloc(COUNT, sizeof *out);
    assert_non_null(out);
    for (uint32_t i = 0; i < COUNT; i++) {
        const uint32_t counter[4] = {i, 0, 0, 0};
        const clr_philox_block random = clr_philox(seed, counter);
        out[i] = ldexp(1 + (random.word[0] >> 9) * 0x1p-23, (int)(random.word[1] % 121) - 60);
        out[i] = random.word[2] & 1 ? -out[i] : out[i];
    }
    return out;
}

static void same(double got, double expected, const char *what, double a, double b)
{
    if (got != expected && !(isnan(got) && isnan(expected)))
        fail_msg("%s of %a and %a is %a, should be %a", what, a, b, got, expected);
}

static void rounded(void **state)
{
    static const float special[] = {
        0,        -0.0f,    1,     -1,       INFINITY,  -INFINITY, NAN,           3,
        0x1p-60f, 0x1p100f, 9.02f, 0x1p126f, 0x1p-126f, 2.5f,      0x1.fffffep0f, 0x1.000002p0f};
    enum { SPECIAL = sizeof special / sizeof *special };
    test_need(*state, TEST_COMPILER);
    double *a = floats(1), *b = floats(2);
    for (size_t i = 0; i < SPECIAL * SPECIAL; i++) {
        a[i] = special[i / SPECIAL];
        b[i] = special[i % SPECIAL];
    }
    double *quotients = compute(*state, a, b), *roots = compute(*state, a, NULL);
    for (size_t i = 0; i < COUNT; i++) {
        const float q = (float)a[i] / (float)b[i];
        if (q == 0 || !isfinite(q) || fabsf(q) >= 0x1p-100f) /* no denormal remainder */
            same(quotients[i], q, "the quotient", a[i], b[i]);
        same(roots[i], sqrtf((float)a[i]), "the root", a[i], 0);
    }
    free(quotients);
    free(roots);
    free(a);
    free(b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(rounded, test_open, test_close),
    };
    return cmocka_run_group_tests_name("division", tests, NULL, NULL);
}

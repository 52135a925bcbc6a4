/* SPDX-License-Identifier: MIT
 * tests/device/test_limits.c - one kind for each device, and pretended limits. */
#include <stdio.h>
#include <stdlib.h>

#include "device/compiler.h"
#include "device/limits.h"
#include "support.h"

static void one_kind(void **state)
{
    (void)state;
    const cl_device_type gpu = CL_DEVICE_TYPE_GPU, cpu = CL_DEVICE_TYPE_CPU;
    const cl_device_type other = CL_DEVICE_TYPE_ACCELERATOR, usual = CL_DEVICE_TYPE_DEFAULT;
    assert_true(clr_device_kind(gpu | usual) == gpu);
    assert_true(clr_device_kind(cpu | usual) == cpu);
    assert_true(clr_device_kind(cpu | gpu | other) == gpu); /* a simulator */
    assert_true(clr_device_kind(cpu | other) == cpu);
    assert_true(clr_device_kind(usual) == other);
    assert_true(clr_device_kind(0) == other);
}

static clrnn_device_info large(void)
{
    return (clrnn_device_info){.type = CL_DEVICE_TYPE_CPU,
                               .local_memory = 65536,
                               .compute_units = 8,
                               .vector_width = 16,
                               .max_work_group = 4096,
                               .fp64 = true,
                               .fp16 = true,
                               .device_fence = true,
                               .rounded_division = true};
}

static void smaller(void **state)
{
    (void)state;
    clrnn_device_info d = large();
    assert_int_equal(clr_limits_apply(NULL, &test_log, &d), CLRNN_OK);
    assert_int_equal(clr_limits_apply("", &test_log, &d), CLRNN_OK);
    assert_true(d.fp64 && d.fp16 && d.compute_units == 8);
    assert_int_equal(clr_limits_apply("type=gpu,fp64=0,fp16=0,local_memory=16384,max_work_group=64,"
                                      "compute_units=1,vector_width=4,device_fence=0,"
                                      "rounded_division=0",
                                      &test_log, &d),
                     CLRNN_OK);
    assert_false(d.device_fence || d.rounded_division);
    assert_true(d.type == CL_DEVICE_TYPE_GPU && !d.fp64 && !d.fp16);
    assert_int_equal(d.local_memory, 16384);
    assert_int_equal(d.max_work_group, 64);
    assert_int_equal(d.compute_units, 1);
    assert_int_equal(d.vector_width, 4);
}

static void never_larger(void **state)
{
    (void)state;
    clrnn_device_info d = large();
    d.fp64 = false;
    assert_int_equal(
        clr_limits_apply("fp64=1,local_memory=99999999,compute_units=64", &test_log, &d), CLRNN_OK);
    assert_false(d.fp64);
    assert_int_equal(d.local_memory, 65536);
    assert_int_equal(d.compute_units, 8);
}

/* Fences for the whole device: by version and capabilities, or by a compiler that is known; and the
 * language that has them. */
static void fences(void **state)
{
    static const struct {
        const char *platform, *version;
        cl_ulong capabilities;
        bool fences;
        long language;
    } all[] = {{"rusticl", "OpenCL 3.0", 0x13, false, 0}, /* of a work-group only */
               {"Portable Computing Language", "OpenCL 3.0 PoCL", 0x3f, true, 300},
               {"Intel(R) OpenCL", "OpenCL 2.1 (Build 0)", 0, true, 200},
               {"Apple", "OpenCL 1.2", 0, false, 0},
               {"Oclgrind", "OpenCL 1.2 (Oclgrind 21.10)", 0, true, 120},
               {"NVIDIA CUDA", "OpenCL 3.0 CUDA", 0x11, true, 120},
               {"AMD Accelerated Parallel Processing", "OpenCL 2.1 AMD-APP", 0, true, 120},
               {"?", "", ~(cl_ulong)0, false, 0}};
    (void)state;
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
        clrnn_device_info d = {.type = CL_DEVICE_TYPE_GPU};
        snprintf(d.platform, sizeof d.platform, "%s", all[i].platform);
        snprintf(d.version, sizeof d.version, "%s", all[i].version);
        assert_int_equal(clr_has_device_fence(&d, all[i].capabilities), all[i].fences);
        if (all[i].fences)
            assert_int_equal(clr_fence_language(&d), all[i].language);
    }
}

static void refused(void **state)
{
    (void)state;
    static const char *const wrong[] = {"fp64",    "fp64=",        "fp64=x",
                                        "warp=32", "type=toaster", "compute_units=-1",
                                        "fp64=0;", ",fp64=0",      "=1"};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        clrnn_device_info d = large();
        assert_int_equal(clr_limits_apply(wrong[i], &test_log, &d), CLRNN_ERR_ARGUMENT);
        assert_error_contains("CLRNN_LIMITS");
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_kind), cmocka_unit_test(smaller), cmocka_unit_test(never_larger),
        cmocka_unit_test(refused),  cmocka_unit_test(fences),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: MIT
 * tests/device/test_select.c - which device a selector means, on devices that are made up; which
 * folder the cache is; names of errors; no driver at all. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "device/binary_cache.h"
#include "device/context.h"
#include "device/launch.h"
#include "device/select.h"
#include "device/vendors.h"
#include "support.h"

#define GIB (UINT64_C(1) << 30)

static clrnn_device_info device(uint32_t platform, uint32_t index, cl_device_type type,
                                const char *name, const char *vendor, const char *platform_name)
{
    clrnn_device_info info = {.platform_index = platform,
                              .device_index = index,
                              .type = type,
                              .compute_units = 16,
                              .clock_mhz = 1000,
                              .global_memory = 4 * GIB,
                              .available = true,
                              .has_compiler = true};
    snprintf(info.name, sizeof info.name, "%s", name);
    snprintf(info.vendor, sizeof info.vendor, "%s", vendor);
    snprintf(info.platform, sizeof info.platform, "%s", platform_name);
    return info;
}

enum { IRIS, XEON, RTX_SMALL, RTX_LARGE, RADEON, EPYC, FPGA, BROKEN, BARE, COUNT };

/* A machine with everything. */
static void make_machine(clrnn_device_info *d)
{
    const cl_device_type gpu = CL_DEVICE_TYPE_GPU, cpu = CL_DEVICE_TYPE_CPU;
    const char *pocl = "Portable Computing Language", *cuda = "NVIDIA CUDA";
    d[IRIS] = device(0, 0, gpu, "Iris(R) Xe Graphics", "Intel(R) Corporation",
                     "Intel(R) OpenCL Graphics");
    d[IRIS].compute_units = 96;
    d[IRIS].unified_memory = true;
    d[XEON] = device(1, 0, cpu, "Xeon(R) Gold", "Intel(R) Corporation", "Intel(R) OpenCL");
    d[XEON].clock_mhz = 4000;
    d[RTX_SMALL] = device(2, 0, gpu, "GeForce RTX 3060", "NVIDIA Corporation", cuda);
    d[RTX_LARGE] = device(2, 1, gpu, "GeForce RTX 3090", "NVIDIA Corporation", cuda);
    d[RTX_LARGE].compute_units = 82;
    d[RADEON] = device(3, 0, gpu, "gfx1030", "Advanced Micro Devices, Inc.", "rusticl");
    d[RADEON].global_memory = 8 * GIB;
    d[EPYC] = device(4, 0, cpu | CL_DEVICE_TYPE_DEFAULT, "pthread-AMD EPYC", "AuthenticAMD", pocl);
    d[FPGA] = device(5, 0, CL_DEVICE_TYPE_ACCELERATOR, "a10gx", "Somebody", "FPGA SDK");
    d[BROKEN] = device(6, 0, gpu, "Away 9000", "NVIDIA Corporation", "Away");
    d[BROKEN].compute_units = 999;
    d[BROKEN].available = false;
    d[BARE] = device(6, 1, gpu, "Bare 9000", "NVIDIA Corporation", "Away");
    d[BARE].compute_units = 999;
    d[BARE].has_compiler = false;
}

typedef struct expectation {
    const char *selector;
    int order[COUNT + 1]; /* ends with -1 */
} expectation;

/* Best first: own memory before shared, units times clock, memory, order of listing. */
static const expectation expectations[] = {
    {"auto", {RTX_LARGE, RADEON, RTX_SMALL, IRIS, FPGA, XEON, EPYC, -1}},
    {"gpu", {RTX_LARGE, RADEON, RTX_SMALL, IRIS, -1}},
    {"GPU", {RTX_LARGE, RADEON, RTX_SMALL, IRIS, -1}},
    {"cpu", {XEON, EPYC, -1}},
    {"nvidia", {RTX_LARGE, RTX_SMALL, -1}},
    {"NVidia", {RTX_LARGE, RTX_SMALL, -1}},
    {"amd", {RADEON, EPYC, -1}},
    {"intel", {IRIS, XEON, -1}},
    {"pocl", {EPYC, -1}},
    {"rtx 30", {RTX_LARGE, RTX_SMALL, -1}},
    {"3060", {RTX_SMALL, -1}},
    {"GFX1030", {RADEON, -1}},
    {"a10gx", {FPGA, -1}},
    {"0:0", {IRIS, -1}},
    {"2:1", {RTX_LARGE, -1}},
    {"4:0", {EPYC, -1}},
};

static void test_selectors(void **state)
{
    (void)state;
    clrnn_device_info machine[COUNT];
    make_machine(machine);
    for (size_t i = 0; i < sizeof expectations / sizeof *expectations; i++) {
        const expectation *e = &expectations[i];
        size_t order[COUNT], matches = 0, expected = 0;
        assert_int_equal(clr_select(e->selector, machine, COUNT, &test_log, order, &matches),
                         CLRNN_OK);
        while (e->order[expected] >= 0)
            expected++;
        if (matches != expected)
            fail_msg("%s: %zu matches, expected %zu", e->selector, matches, expected);
        for (size_t k = 0; k < expected; k++)
            if (order[k] != (size_t)e->order[k])
                fail_msg("%s: place %zu has device %zu", e->selector, k, order[k]);
    }
}

static void test_no_match(void **state)
{
    (void)state;
    static const char *const selectors[] = {
        "voodoo",      "7:0", "2:2",  "2:",        ":0",    "2:1x",
        "6:0",         "6:1", "Away", "Bare 9000", "auto ", "99999999999999999999:0",
        "4294967296:0"};
    clrnn_device_info machine[COUNT];
    make_machine(machine);
    for (size_t i = 0; i < sizeof selectors / sizeof *selectors; i++) {
        size_t order[COUNT], matches = 5;
        assert_int_equal(clr_select(selectors[i], machine, COUNT, &test_log, order, &matches),
                         CLRNN_ERR_NO_DEVICE);
        assert_int_equal(matches, 0);
        assert_null(strchr(test_last_error, '\n'));
        for (int d = 0; d < COUNT; d++)
            assert_non_null(strstr(test_last_error, machine[d].name));
        assert_non_null(strstr(test_last_error, "2:1 GeForce RTX 3090 (GPU, NVIDIA CUDA)"));
        assert_error_contains(selectors[i]);
    }
}

/* Where the list of what exists is longer than any message. */
static void test_no_match_among_many(void **state)
{
    (void)state;
    enum { MANY = 200 };
    static clrnn_device_info many[MANY];
    size_t order[MANY], matches = 0;
    for (int i = 0; i < MANY; i++)
        many[i] =
            device(0, (uint32_t)i, CL_DEVICE_TYPE_GPU,
                   "a device that has a name of about sixty characters, all of them", "v", "p");
    assert_int_equal(clr_select("voodoo", many, MANY, &test_log, order, &matches),
                     CLRNN_ERR_NO_DEVICE);
    assert_error_contains("0:30 a device");
}

static void test_no_device_at_all(void **state)
{
    (void)state;
    size_t matches = 3;
    assert_int_equal(clr_select("auto", NULL, 0, &test_log, NULL, &matches), CLRNN_ERR_NO_DEVICE);
    assert_int_equal(matches, 0);
    assert_error_contains("pocl-opencl-icd");
}

static size_t first(const char *selector, const clrnn_device_info *machine)
{
    size_t order[COUNT], matches = 0;
    assert_int_equal(clr_select(selector, machine, COUNT, &test_log, order, &matches), CLRNN_OK);
    return order[0];
}

static void test_environment(void **state)
{
    (void)state;
    clrnn_device_info machine[COUNT];
    make_machine(machine);
    unsetenv("CLRNN_DEVICE");
    assert_int_equal(first(NULL, machine), RTX_LARGE);
    setenv("CLRNN_DEVICE", "", 1);
    assert_int_equal(first(NULL, machine), RTX_LARGE);
    setenv("CLRNN_DEVICE", "cpu", 1);
    assert_int_equal(first(NULL, machine), XEON);
    assert_int_equal(first("", machine), XEON);
    assert_int_equal(first("intel", machine), IRIS); /* what code says goes first */
    unsetenv("CLRNN_DEVICE");
}

/* A value of the variable that is no device's: the message names the variable and what may be
 * there, but not where the caller's own selector is wrong. */
static void test_wrong_environment(void **state)
{
    (void)state;
    static const char choice[] = "choose auto, gpu, cpu, native, nvidia, amd, intel, pocl, a part "
                                 "of a name, or PLATFORM:DEVICE";
    clrnn_device_info machine[COUNT];
    size_t order[COUNT], matches = 0;
    make_machine(machine);
    setenv("CLRNN_DEVICE", "abacus", 1);
    assert_int_equal(clr_select(NULL, machine, COUNT, &test_log, order, &matches),
                     CLRNN_ERR_NO_DEVICE);
    assert_non_null(strstr(test_last_error, choice));
    assert_error_contains("CLRNN_DEVICE=\"abacus\"; there is 0:0");
    assert_int_equal(clr_select("sundial", machine, COUNT, &test_log, order, &matches),
                     CLRNN_ERR_NO_DEVICE);
    assert_null(strstr(test_last_error, "CLRNN_DEVICE"));
    assert_error_contains("matches \"sundial\"");
    unsetenv("CLRNN_DEVICE");
}

/* is_auto is the first of "auto", and every device has a reason. */
static void test_explain(void **state)
{
    (void)state;
    clrnn_device_info machine[COUNT];
    make_machine(machine);
    clr_select_explain(machine, COUNT);
    for (int i = 0; i < COUNT; i++)
        assert_int_equal(machine[i].is_auto, i == RTX_LARGE);
    assert_string_equal(machine[RTX_LARGE].reason, "best GPU: 82 units at 1000 MHz");
    assert_string_equal(machine[RTX_SMALL].reason, "not chosen: 2:1 is larger or listed first");
    assert_string_equal(machine[IRIS].reason, "not chosen: 2:1 has memory of its own");
    assert_string_equal(machine[EPYC].reason, "not chosen: GPUs go before CPUs");
    assert_string_equal(machine[FPGA].reason, "not chosen: GPUs go before accelerators");
    assert_string_equal(machine[BROKEN].reason, "never chosen: it is not available");
    assert_string_equal(machine[BARE].reason, "never chosen: it has no compiler");

    clr_select_explain(&machine[EPYC], 1);
    assert_true(machine[EPYC].is_auto);
    assert_string_equal(machine[EPYC].reason, "CPU, used when there is no GPU");
    clr_select_explain(&machine[BROKEN], 2); /* nothing that can be chosen */
    assert_false(machine[BROKEN].is_auto || machine[BARE].is_auto);
    clr_select_explain(NULL, 0);
}

/* The folder without anything said: $CLRNN_CACHE_DIR, $XDG_CACHE_HOME, $HOME; "" for none. */
static void test_folder_choice(void **state)
{
    static const struct {
        const char *wanted, *own, *xdg, *home, *expected;
    } choices[] = {
        {"/a", "/b", "/c", "/d", "/a"},
        {"", "/b", "/c", "/d", NULL},
        {NULL, "/b", "/c", "/d", "/b"},
        {NULL, "", "/c", "/d", NULL},
        {NULL, NULL, "/c", "/d", "/c/clrnn"},
        {NULL, NULL, "c", "/d", "/d/.cache/clrnn"},
        {NULL, NULL, "", "/d", "/d/.cache/clrnn"},
        {NULL, NULL, NULL, NULL, NULL},
    };
    static const char *const names[] = {"CLRNN_CACHE_DIR", "XDG_CACHE_HOME", "HOME"};
    char *before[3];
    (void)state;
    for (int i = 0; i < 3; i++)
        before[i] = getenv(names[i]) ? strdup(getenv(names[i])) : NULL;
    for (size_t i = 0; i < CLR_COUNT(choices); i++) {
        const char *values[] = {choices[i].own, choices[i].xdg, choices[i].home};
        char *folder = NULL;
        for (int k = 0; k < 3; k++)
            assert_int_equal(values[k] ? setenv(names[k], values[k], 1) : unsetenv(names[k]), 0);
        assert_int_equal(clr_cache_folder(choices[i].wanted, &test_log, &folder), CLRNN_OK);
        if (choices[i].expected)
            assert_string_equal(folder, choices[i].expected);
        else
            assert_null(folder);
        free(folder);
    }
    for (int i = 0; i < 3; i++) {
        assert_int_equal(before[i] ? setenv(names[i], before[i], 1) : unsetenv(names[i]), 0);
        free(before[i]);
    }
}

static void test_error_names(void **state)
{
    (void)state;
    assert_string_equal(clr_cl_error_name(CL_SUCCESS), "CL_SUCCESS");
    assert_string_equal(clr_cl_error_name(CL_INVALID_DEVICE_PARTITION_COUNT),
                        "CL_INVALID_DEVICE_PARTITION_COUNT");
    assert_string_equal(clr_cl_error_name(-1001), "CL_PLATFORM_NOT_FOUND_KHR");
    assert_string_equal(clr_cl_error_name(-4242), "unknown OpenCL error");
    assert_int_equal(clr_cl_check(&test_log, CL_SUCCESS, "clFinish"), CLRNN_OK);
    assert_int_equal(clr_cl_check(&test_log, CL_OUT_OF_HOST_MEMORY, "clFinish"), CLRNN_ERR_MEMORY);
    assert_int_equal(clr_cl_check(&test_log, CL_INVALID_EVENT, "clFinish"), CLRNN_ERR_OPENCL);
    assert_error_contains("clFinish failed: CL_INVALID_EVENT (-58)");
    assert_int_equal(clr_cl_check(NULL, -4242, "clFinish"), CLRNN_ERR_OPENCL);
}

/* What `report` says of a driver; NULL: nothing. */
static const char *said_of(const clrnn_report *report, const char *name,
                           clrnn_report_outcome outcome)
{
    const clrnn_report_entry *e;
    for (size_t i = 0; (e = clrnn_report_at(report, i)) != NULL; i++)
        if (strcmp(e->name, name) == 0 && e->outcome == outcome)
            return e->reason;
    return NULL;
}

/* Drivers that the loader has kept, though they have no platform: as if this program's own
 * libraries were such. */
static void test_drivers_without_platforms(void **state)
{
#ifdef __GLIBC__
    static const char *const names[] = {"libc.so.6", "libm.so.6"};
    (void)state;
    setenv("OCL_ICD_FILENAMES", "libc.so.6:libm.so.6", 1);
    setenv("OCL_ICD_VENDORS", test_folder(), 1);
    for (unsigned platforms = 0; platforms <= 2; platforms++) {
        clrnn_report *report = clr_report_create();
        clr_vendors_report(report, &test_log, platforms);
        for (size_t i = 0; i < CLR_COUNT(names); i++)
            if (platforms)
                assert_string_equal(said_of(report, names[i], CLRNN_REPORT_PRESENT),
                                    "it is loaded");
            else
                assert_string_equal(said_of(report, names[i], CLRNN_REPORT_EMPTY),
                                    "it is loaded, but gives no platform");
        const char *some = said_of(report, test_folder(), CLRNN_REPORT_EMPTY);
        assert_true((some != NULL) == (platforms == 1));
        assert_true(!some || strstr(some, "of its 2 drivers that are loaded some give no platform: "
                                          "there are 1"));
        clrnn_report_destroy(&report);
    }
    unsetenv("OCL_ICD_FILENAMES");
    unsetenv("OCL_ICD_VENDORS");
#else
    (void)state;
#endif
}

/* The loader finds no driver: no device, and no error. This program asks OpenCL only here. */
static void test_no_driver(void **state)
{
    (void)state;
    clrnn_device_info *devices = (clrnn_device_info *)state;
    size_t count = 5;
    setenv("OCL_ICD_VENDORS", test_folder(), 1);
    setenv("CLRNN_NATIVE_LEVEL", "off", 1);
    assert_int_equal(clrnn_devices_list(&test_log, &devices, &count), CLRNN_OK);
    assert_null(devices);
    assert_int_equal(count, 0);
    clrnn_devices_free(&devices);
    clrnn_devices_free(NULL);
    assert_int_equal(clrnn_devices_list(&test_log, NULL, &count), CLRNN_ERR_ARGUMENT);
    assert_int_equal(clrnn_devices_list(&test_log, &devices, NULL), CLRNN_ERR_ARGUMENT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_selectors),
        cmocka_unit_test(test_no_match),
        cmocka_unit_test(test_no_match_among_many),
        cmocka_unit_test(test_no_device_at_all),
        cmocka_unit_test(test_environment),
        cmocka_unit_test(test_wrong_environment),
        cmocka_unit_test(test_explain),
        cmocka_unit_test(test_folder_choice),
        cmocka_unit_test(test_error_names),
        cmocka_unit_test(test_drivers_without_platforms),
        cmocka_unit_test(test_no_driver),
    };
    return cmocka_run_group_tests_name("select", tests, NULL, NULL);
}

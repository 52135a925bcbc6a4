/* SPDX-License-Identifier: MIT
 * tests/support.c - see tests/support.h. */
#include "support.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/memory.h"
#include "base/philox.h"
#include "device/context.h"
#include "device/native.h"
#include "device/select.h"

char test_last_error[8192];

static void remember(void *user, clrnn_log_level level, const char *text)
{
    (void)user;
    if (level == CLRNN_LOG_ERROR)
        snprintf(test_last_error, sizeof test_last_error, "%s", text);
    if (getenv("TEST_VERBOSE"))
        fprintf(stderr, "[log %d] %s\n", (int)level, text);
}

const clrnn_log test_log = {CLRNN_LOG_DEBUG, remember, NULL};

int test_open(void **state)
{
    static int announced;
    clrnn_device_info *devices = NULL;
    size_t count = 0, matches = 0;
    assert_int_equal(clrnn_devices_list(&test_log, &devices, &count), CLRNN_OK);
    if (count == 0) {
        printf("no OpenCL device: skipped\n");
        exit(77);
    }
    size_t *order = calloc(count, sizeof *order);
    assert_non_null(order);
    assert_int_equal(clr_select(NULL, devices, count, &test_log, order, &matches), CLRNN_OK);
    const clrnn_device_info *info = &devices[order[0]];
    if (!announced++)
        printf("device: %s, %s, driver %s\n", info->name, info->platform, info->driver);
    clrnn_context_desc desc = {.log = test_log};
    clrnn_context *context = NULL;
    assert_int_equal(clr_context_open(&desc, info, &context), CLRNN_OK);
    free(order);
    clrnn_devices_free(&devices);
    *state = context;
    return 0;
}

int test_close(void **state)
{
    clrnn_context *context = *state;
    for (int i = 0; i < CLR_FAULT_KINDS; i++)
        clr_fault_inject((clr_fault)i, 0);
    clrnn_context_destroy(&context);
    assert_null(context);
    assert_int_equal(clr_live_objects(), 0);
    test_last_error[0] = 0;
    return 0;
}

bool test_has(const clrnn_context *context, test_part part)
{
    if (part == TEST_PERSISTENT)
        return context->info.type & CL_DEVICE_TYPE_CPU;
    if (part == TEST_DOUBLES)
        return context->info.fp64;
    if (part == TEST_RESIDENT &&
        (!context->info.device_fence || context->info.max_work_group < 128))
        return false;
    if (part == TEST_FUSED && context->info.max_work_group < 256)
        return false;
    return !clr_is_native(context->context); /* compiled ahead, done at once, groups of one */
}

void test_need(const clrnn_context *context, test_part part)
{
    if (!test_has(context, part))
        skip();
}

void assert_error_contains(const char *part)
{
    if (!strstr(test_last_error, part))
        fail_msg("expected an error with \"%s\", last error: \"%s\"", part, test_last_error);
    test_last_error[0] = 0;
}

double *test_random(size_t count, uint64_t seed, double scale)
{
    double *out = calloc(count ? count : 1, sizeof *out);
    assert_non_null(out);
    for (size_t i = 0; i < count; i++) {
        uint32_t counter[4] = {(uint32_t)i, (uint32_t)(i >> 16 >> 16), 0, 0};
        out[i] = (clr_uniform(clr_philox(seed, counter).word[0]) * 2 - 1) * scale;
    }
    return out;
}

double test_error(const double *a, const double *b, size_t count)
{
    double largest = 0, worst = 0;
    for (size_t i = 0; i < count; i++) {
        if (isnan(a[i]) != isnan(b[i]) || isinf(a[i]) != isinf(b[i]) ||
            (isinf(b[i]) && a[i] != b[i]))
            return INFINITY;
        if (!isfinite(b[i]))
            continue;
        largest = fmax(largest, fabs(b[i]));
        worst = fmax(worst, fabs(a[i] - b[i]));
    }
    return worst / (largest > 0 ? largest : 1);
}

const char *test_data(const char *name)
{
    static char path[1024];
    snprintf(path, sizeof path, "%s/%s", TEST_DATA, name);
    return path;
}

static char folder[256];

static void remove_folder(void)
{
    char command[300];
    snprintf(command, sizeof command, "rm -rf '%s'", folder);
    if (system(command) != 0)
        fprintf(stderr, "cannot remove %s\n", folder);
}

const char *test_folder(void)
{
    if (!folder[0]) {
        const char *base = getenv("TMPDIR");
        snprintf(folder, sizeof folder, "%s/clrnn-test-XXXXXX", base && *base ? base : "/tmp");
        assert_non_null(mkdtemp(folder));
        atexit(remove_folder);
    }
    return folder;
}

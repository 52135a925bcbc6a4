/* SPDX-License-Identifier: MIT
 * tests/layer/test_no_right_device.c - several devices match, and none computes right: this program
 * has its own cl/lstm.cl, the library's with a wrong tanh. The linker takes it in place of the
 * library's. */
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "device/context.h"
#include "layer/open.h"
#include "layer/plan.h"
#include "math/sources.h"
#include "support.h"

static const char wrong[] = "#define tanh_parts(x, below) (tanh_parts(x, below) * (REALV)0.99f)\n";

static char text[1 << 15]; /* filled in by main; blanks after the end do no harm */
const clr_source clr_cl_lstm = {"wrong lstm", text, sizeof text - 1};

/* Warnings, which a log keeps apart from errors. */
static char warnings[8192];
static void remember(void *user, clrnn_log_level level, const char *line)
{
    (void)user;
    if (level == CLRNN_LOG_WARN)
        strncat(warnings, line, sizeof warnings - strlen(warnings) - 1);
    test_log.message(test_log.user, level, line);
}

static const clrnn_log log_of_all = {CLRNN_LOG_DEBUG, remember, NULL};

/* The one device, as if it were two. */
static clrnn_status open_twice(clrnn_context *context, size_t matches, clrnn_context **opened)
{
    const clrnn_device_info *info = clrnn_context_device(context);
    const clrnn_device_info devices[] = {*info, *info};
    size_t order[] = {1, 0};
    const clr_candidates candidates = {
        .devices = devices, .count = 2, .order = order, .matches = matches};
    const clrnn_context_desc desc = {.log = log_of_all, .cache_dir = ""};
    warnings[0] = test_last_error[0] = 0;
    return clr_open_best(&desc, &candidates, NULL, opened);
}

static void none_is_right(void **state)
{
    test_need(*state, TEST_COMPILER);
    clrnn_context *opened = NULL;
    assert_int_equal(open_twice(*state, 2, &opened), CLRNN_ERR_SELF_TEST);
    assert_null(opened);
    assert_non_null(strstr(warnings, "is not used"));
    assert_non_null(strstr(test_last_error, clrnn_context_device(*state)->name));
    assert_error_contains("of 2 devices that match none can be used");
}

/* Without a choice the device is taken, and says so at its first plan. */
static void the_only_one(void **state)
{
    test_need(*state, TEST_COMPILER);
    clrnn_context *opened = NULL;
    clrnn_plan *plan = NULL;
    const clrnn_plan_desc desc = {
        .network = {.input_size = 2, .hidden_size = 3}, .max_steps = 1, .max_batch = 1};
    assert_int_equal(open_twice(*state, 1, &opened), CLRNN_OK);
    assert_int_equal(clrnn_plan_create(opened, &desc, &plan), CLRNN_ERR_SELF_TEST);
    assert_error_contains("wrong results; use another device");
    clrnn_context_destroy(&opened);
}

static void fill_in_text(void)
{
    void *right = NULL;
    size_t size = 0, used = sizeof wrong - 1;
    if (clr_file_read(test_data("../../cl/lstm.cl"), &test_log, &right, &size) != CLRNN_OK ||
        used + size >= sizeof text)
        exit(1);
    memset(text, ' ', sizeof text - 1);
    memcpy(text, wrong, used);
    memcpy(text + used, right, size);
    free(right);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, test_open, test_close)

int main(void)
{
    const struct CMUnitTest tests[] = {TEST(none_is_right), TEST(the_only_one)};
    fill_in_text();
    return cmocka_run_group_tests_name("no right device", tests, NULL, NULL);
}

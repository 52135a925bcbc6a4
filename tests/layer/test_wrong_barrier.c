/* SPDX-License-Identifier: MIT
 * tests/layer/test_wrong_barrier.c - a compiler that gets the grid barrier of work-groups wrong:
 * all leave at the first one, and nobody raises the flag. (So did Mesa 22.3's rusticl on llvmpipe.)
 * This program brings its own cl/partition.cl, which the linker takes in place of the library's.
 */
#include <clrnn/plan.h>

#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "device/context.h"
#include "math/sources.h"
#include "support.h"

#define COUNT(array) (sizeof(array) / sizeof *(array))

static char text[1 << 16]; /* filled by main, blank to its end */

const clr_source clr_cl_partition = {"wrong partition", text, sizeof text - 1};

/* cl/partition.cl with another end of the function `grid_barrier`. */
static int bring_own_kernel(void)
{
    static const char right[] = "    return true;\n}", wrong[] = "    return false;\n}";
    void *file = NULL;
    size_t size = 0;
    if (clr_file_read(test_data("../../cl/partition.cl"), &test_log, &file, &size) != CLRNN_OK)
        return 1;
    char *end = strstr(file, right);
    if (!end || strstr(end + 1, right) || size + sizeof wrong >= sizeof text)
        return 1;
    size_t head = (size_t)(end - (char *)file);
    memset(text, '\n', sizeof text - 1);
    memcpy(text, file, head);
    memcpy(text + head, wrong, sizeof wrong - 1);
    memcpy(text + head + sizeof wrong - 1, end + sizeof right - 1, size - head - sizeof right + 1);
    free(file);
    return 0;
}

static clrnn_status make_plan(clrnn_context *context, const clrnn_plan_desc *desc,
                              const char **strategy)
{
    clrnn_plan *plan = NULL;
    clrnn_status status = clrnn_plan_create(context, desc, &plan);
    *strategy = plan ? clrnn_plan_get_info(plan)->strategy : "none";
    clrnn_plan_destroy(&plan);
    return status;
}

/* Another strategy is taken, although the plan is so small that it would have no grid barrier. A
 * busy machine may keep the two groups of a self-test apart, and what falls back is right: then
 * again.
 */
static void check_network(clrnn_context *context, const clrnn_plan_desc *desc)
{
    clrnn_plan_desc forced = *desc;
    const char *strategy = "";
    forced.strategy = CLRNN_STRATEGY_PERSISTENT;
    for (int again = 0; again < 10 && strcmp(strategy, "stepwise") != 0; again++) {
        clr_self_tests_forget(context);
        context->co_resident = 2;
        assert_int_equal(make_plan(context, desc, &strategy), CLRNN_OK);
    }
    assert_string_equal(strategy, "stepwise");
    assert_int_equal(make_plan(context, &forced, &strategy), CLRNN_ERR_SELF_TEST);
    assert_error_contains("wrong results");
}

static void self_test_notices(void **state)
{
    test_need(*state, TEST_COMPILER);
    static const clrnn_network_desc networks[] = {
        {.cell = CLRNN_CELL_RNN, .input_size = 3, .hidden_size = 4},
        {.cell = CLRNN_CELL_LSTM, .input_size = 3, .hidden_size = 4, .proj_size = 2},
        {.cell = CLRNN_CELL_GRU, .input_size = 3, .hidden_size = 4}};
    const clrnn_device_info *info = clrnn_context_device(*state);
    if (!(info->type & CL_DEVICE_TYPE_CPU) || info->compute_units < 2)
        skip(); /* grid barriers are for CPU devices that run several groups at the same time */
    for (size_t i = 0; i < COUNT(networks); i++)
        for (int train = 0; train < 2; train++) {
            const clrnn_plan_desc desc = {
                .network = networks[i], .max_steps = 2, .max_batch = 2, .train = train};
            check_network(*state, &desc);
        }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(self_test_notices, test_open, test_close),
    };
    if (bring_own_kernel() != 0)
        return 1;
    return cmocka_run_group_tests_name("wrong grid barrier", tests, NULL, NULL);
}

/* SPDX-License-Identifier: MIT
 * tests/layer/test_wrong_native.c - native kernels that are wrong: whoever uses them gets right
 * numbers from the next strategy or device, and is told why. The kernels are those of the library,
 * called with a mistake in what the host says of a launch. */
#include "layer/device.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "device/context.h"
#include "device/native.h"
#include "device/native_objects.h"
#include "layer/open.h"
#include "math/scan.h"

/* --- wrong kernels ------------------------------------------------------------------------ */

/* What a kernel gets wrong. */
typedef void mistake(scan_launch *launch);

static void ignore_lengths(scan_launch *l)
{
    l->has_lengths = 0;
}

static void forget_directions(scan_launch *l)
{
    l->scans[0].down = l->scans[1].down = 0;
}

static void take_one_bias_twice(scan_launch *l)
{
    l->scans[0].b_hh = l->scans[0].b_ih;
    l->scans[1].b_hh = l->scans[1].b_ih;
}

static void lose_a_row(scan_launch *l)
{
    l->N -= l->N > 1;
}

/* In a launch of many steps. (stepwise has one launch for each.) */
static void lose_outputs(scan_launch *l)
{
    if (l->count > 4)
        l->scans[0].y_from = l->scans[1].y_from = FROM_NOWHERE;
}

static void forget_gates(scan_launch *l)
{
    l->save_gates = 0;
}

enum { SLOTS = 64, MOST_KERNELS = 8 };
static struct {
    const clr_native_kernel *right;
    mistake *made;
} slots[SLOTS];

static void run_wrong(int slot, const clr_native_range *range, void *const *arguments)
{
    const clr_native_kernel *right = slots[slot].right;
    void *wrong[CLR_NATIVE_ARGUMENTS];
    scan_launch launch;
    memcpy(wrong, arguments, right->count * sizeof *wrong);
    memcpy(&launch, arguments[right->count - 1], sizeof launch);
    slots[slot].made(&launch);
    wrong[right->count - 1] = &launch;
    right->run(range, wrong);
}

/* A function for each slot: kernels have no data of their own. In octal. */
#define EIGHT(X, a) X(a##0) X(a##1) X(a##2) X(a##3) X(a##4) X(a##5) X(a##6) X(a##7)
#define ALL(X)   \
    EIGHT(X, 00) \
    EIGHT(X, 01) EIGHT(X, 02) EIGHT(X, 03) EIGHT(X, 04) EIGHT(X, 05) EIGHT(X, 06) EIGHT(X, 07)
#define X(n)                                                                     \
    static void wrong_##n(const clr_native_range *range, void *const *arguments) \
    {                                                                            \
        run_wrong(n, range, arguments);                                          \
    }
ALL(X)
#undef X

static void (*const functions[SLOTS])(const clr_native_range *, void *const *) = {
#define X(n) [n] = wrong_##n,
    ALL(X)
#undef X
};

static clr_native_kernel kernels[SLOTS][MOST_KERNELS];
static clr_native_program programs[SLOTS];
static uint32_t given;

/* Every program that has the kernel gets it wrong; further ones may follow. */
static void make_wrong(const char *kernel, mistake *made)
{
    const clr_native_level *level = clr_native_used();
    const uint32_t before = given;
    for (uint32_t i = 0; i < level->count; i++) {
        const clr_native_program *p = &level->programs[i];
        for (uint32_t k = 0; k < p->count; k++) {
            if (strcmp(p->kernels[k].name, kernel) != 0)
                continue;
            assert_true(given < SLOTS && p->count <= MOST_KERNELS);
            assert_int_equal(p->kernels[k].sizes[p->kernels[k].count - 1], sizeof(scan_launch));
            memcpy(kernels[given], p->kernels, p->count * sizeof *p->kernels);
            slots[given].right = &p->kernels[k];
            slots[given].made = made;
            kernels[given][k].run = functions[given];
            programs[given] = *p;
            programs[given].kernels = kernels[given];
            given++;
        }
    }
    assert_true(given > before);
    clr_native_give(programs, given);
}

static void make_right(void)
{
    given = 0;
    clr_native_give(NULL, 0);
}

/* --- what is said ------------------------------------------------------------------------- */

static char said[8192]; /* warnings and errors */
static bool heals;      /* with the first warning that a device is not used */

static void listen(void *user, clrnn_log_level level, const char *text)
{
    (void)user;
    if (level <= CLRNN_LOG_WARN && strlen(said) + strlen(text) + 2 < sizeof said)
        strcat(strcat(said, text), "\n");
    if (heals && level == CLRNN_LOG_WARN && strstr(text, "device native") &&
        strstr(text, "is not used"))
        make_right();
    test_log.message(test_log.user, level, text);
}

static const clrnn_log log_of_all = {CLRNN_LOG_DEBUG, listen, NULL};
static const clrnn_device_info *native;

static int open_native(void **state)
{
    clrnn_context *context = NULL;
    const clrnn_context_desc desc = {.log = test_log, .device = "native", .cache_dir = ""};
    assert_int_equal(clrnn_context_create(&desc, &context), CLRNN_OK);
    native = clrnn_context_device(context);
    *state = context;
    said[0] = 0;
    heals = false;
    make_right();
    return 0;
}

static int close_native(void **state)
{
    make_right();
    return test_close(state);
}

static clrnn_context *fresh(void)
{
    const clrnn_context_desc desc = {.log = log_of_all, .cache_dir = ""};
    clrnn_context *context = NULL;
    said[0] = test_last_error[0] = 0;
    assert_int_equal(clr_context_open(&desc, native, &context), CLRNN_OK);
    return context;
}

static void assert_said(const char *part)
{
    if (!strstr(said, part))
        fail_msg("no \"%s\" in what was said:\n%s", part, said);
}

/* --- the next strategy -------------------------------------------------------------------- */

static const struct {
    const char *what, *kernel;
    clrnn_strategy strategy;
    bool train;
    mistake *made;
} mistakes[] = {
    {"lengths", "persistent_forward", CLRNN_STRATEGY_PERSISTENT, false, ignore_lengths},
    {"downwards", "persistent_forward", CLRNN_STRATEGY_PERSISTENT, false, forget_directions},
    {"a bias", "persistent_forward", CLRNN_STRATEGY_PERSISTENT, false, take_one_bias_twice},
    {"rows", "persistent_forward", CLRNN_STRATEGY_PERSISTENT, false, lose_a_row},
    {"many steps", "persistent_forward", CLRNN_STRATEGY_PERSISTENT, false, lose_outputs},
    {"gates kept", "persistent_forward", CLRNN_STRATEGY_PERSISTENT, true, forget_gates},
    {"lengths, back", "persistent_backward", CLRNN_STRATEGY_PERSISTENT, true, ignore_lengths},
    {"downwards, back", "persistent_backward", CLRNN_STRATEGY_PERSISTENT, true, forget_directions},
    {"rows, back", "persistent_backward", CLRNN_STRATEGY_PERSISTENT, true, lose_a_row},
    {"lengths", "step_forward", CLRNN_STRATEGY_STEPWISE, false, ignore_lengths},
    {"a bias", "step_forward", CLRNN_STRATEGY_STEPWISE, false, take_one_bias_twice},
    {"rows", "step_forward", CLRNN_STRATEGY_STEPWISE, false, lose_a_row},
    {"lengths, back", "step_back", CLRNN_STRATEGY_STEPWISE, true, ignore_lengths},
    {"rows, back", "step_back", CLRNN_STRATEGY_STEPWISE, true, lose_a_row},
};

/* One that shows every mistake. */
static test_inputs inputs_of(clrnn_cell cell)
{
    static const uint32_t lengths[3] = {6, 2, 5};
    const clrnn_network_desc network = {
        .cell = cell, .input_size = 5, .hidden_size = 20, .bidirectional = true};
    test_inputs in = test_inputs_random(&network, 6, 3, lengths, 300, 0.5);
    test_inputs_round(&in, CLRNN_F32);
    return in;
}

/* A plan that may be made in any config gives right numbers, in the strategy that is left. */
static void assert_right(clrnn_context *context, const test_inputs *in, bool train,
                         const char *strategy)
{
    const clrnn_plan_desc desc = {
        .network = in->desc, .max_steps = in->steps, .max_batch = in->batch, .train = train};
    clrnn_plan *plan = test_plan_make(context, &desc, in);
    assert_string_equal(clrnn_plan_get_info(plan)->strategy, strategy);
    test_outputs got = test_run(plan, in), expected = test_reference(in);
    test_compare(strategy, in, &got, &expected, 1e-6, 4e-6);
    test_outputs_free(&got);
    test_outputs_free(&expected);
    clrnn_plan_destroy(&plan);
}

static void refuse_forced(clrnn_context *context, const test_inputs *in, bool train,
                          clrnn_strategy strategy, const char *what)
{
    const clrnn_plan_desc desc = {.network = in->desc,
                                  .max_steps = in->steps,
                                  .max_batch = in->batch,
                                  .train = train,
                                  .strategy = strategy};
    clrnn_plan *plan = NULL;
    clrnn_status status = clrnn_plan_create(context, &desc, &plan);
    if (status != CLRNN_ERR_SELF_TEST)
        fail_msg("%s: %s", what, clrnn_status_name(status));
    assert_null(plan);
    assert_said(native->name);
    assert_said("wrong results; use another device");
}

static void next_strategy(void **state)
{
    static const clrnn_cell cells[] = {CLRNN_CELL_LSTM, CLRNN_CELL_GRU, CLRNN_CELL_RNN};
    (void)state;
    for (size_t i = 0; i < COUNT(mistakes); i++)
        for (size_t cell = 0; cell < COUNT(cells); cell++) {
            const bool persistent = mistakes[i].strategy == CLRNN_STRATEGY_PERSISTENT;
            test_inputs in = inputs_of(cells[cell]);
            if (mistakes[i].made == take_one_bias_twice && cells[cell] == CLRNN_CELL_GRU)
                in.desc.gru_reset = CLRNN_RESET_AFTER;
            make_wrong(mistakes[i].kernel, mistakes[i].made);
            clrnn_context *context = fresh();
            assert_right(context, &in, mistakes[i].train, persistent ? "stepwise" : "persistent");
            if (persistent)
                assert_said("strategy persistent is not used: it computes wrong results");
            refuse_forced(context, &in, mistakes[i].train, mistakes[i].strategy, mistakes[i].what);
            clrnn_context_destroy(&context);
            make_right();
            test_inputs_free(&in);
        }
}

/* Without mistakes the same kernels pass. */
static void right_ones_pass(void **state)
{
    (void)state;
    test_inputs in = inputs_of(CLRNN_CELL_LSTM);
    clrnn_context *context = fresh();
    assert_right(context, &in, true, "persistent");
    assert_string_equal(said, "");
    clrnn_context_destroy(&context);
    test_inputs_free(&in);
}

/* --- the next device ---------------------------------------------------------------------- */

static void make_all_wrong(void)
{
    make_wrong("step_forward", take_one_bias_twice);
    make_wrong("persistent_forward", take_one_bias_twice);
}

static void no_strategy_is_left(void **state)
{
    (void)state;
    test_inputs in = inputs_of(CLRNN_CELL_LSTM);
    make_all_wrong();
    clrnn_context *context = fresh();
    refuse_forced(context, &in, false, CLRNN_STRATEGY_AUTO, "all strategies");
    assert_said("strategy persistent is not used: it computes wrong results");
    assert_said("strategy stepwise is not used: it computes wrong results");
    clrnn_context_destroy(&context);
    test_inputs_free(&in);
}

/* The device as if there were two of it, of which the second one is right, or none. */
static void next_device(void **state)
{
    (void)state;
    const clrnn_device_info devices[] = {*native, *native};
    size_t order[] = {0, 1};
    const clr_candidates two = {
        .devices = devices, .count = 2, .order = order, .matches = 2, .choice = true};
    const clrnn_context_desc desc = {.log = log_of_all, .cache_dir = ""};
    test_inputs in = inputs_of(CLRNN_CELL_LSTM);
    for (int right = 0; right < 2; right++) {
        clrnn_context *context = NULL;
        said[0] = 0;
        heals = right;
        make_all_wrong();
        assert_int_equal(clr_open_best(&desc, &two, NULL, &context),
                         right ? CLRNN_OK : CLRNN_ERR_SELF_TEST);
        assert_said("is not used: wrong: ");
        assert_said(native->name);
        if (right)
            assert_right(context, &in, false, "persistent");
        else
            assert_said("of 2 devices that match none can be used");
        clrnn_context_destroy(&context);
        make_right();
    }
    test_inputs_free(&in);
}

/* What an application sees that asks for a CPU where there is another one. */
static void another_cpu(void **state)
{
    (void)state;
    clrnn_device_info *all = NULL;
    size_t count = 0, cpus = 0;
    clrnn_context *context = NULL;
    const clrnn_context_desc desc = {.log = log_of_all, .device = "cpu", .cache_dir = ""};
    assert_int_equal(clrnn_devices_list(&test_log, &all, &count), CLRNN_OK);
    for (size_t i = 0; i < count; i++)
        cpus += (all[i].type & CL_DEVICE_TYPE_CPU) != 0;
    clrnn_devices_free(&all);
    if (cpus < 2)
        skip();
    make_all_wrong();
    assert_int_equal(clrnn_context_create(&desc, &context), CLRNN_OK);
    assert_string_not_equal(clrnn_context_device(context)->platform, "native");
    assert_said("is not used: wrong: ");
    clrnn_context_destroy(&context);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, open_native, close_native)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(right_ones_pass), TEST(next_strategy), TEST(no_strategy_is_left),
        TEST(next_device),     TEST(another_cpu),
    };
    if (!clr_native_driver() || !clr_native_used()) {
        printf("%s: skipped\n", clr_native_text());
        return 77;
    }
    return cmocka_run_group_tests_name("wrong native kernels", tests, NULL, NULL);
}

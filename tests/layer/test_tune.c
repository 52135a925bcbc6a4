/* SPDX-License-Identifier: MIT
 * tests/layer/test_tune.c - clrnn_tune: what it measures, and what plans make of it. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/memory.h"
#include "device/program.h"
#include "layer/exec_config.h"
#include "layer/partitions.h"
#include "layer/tuned.h"
#include "math/clblast.h"

/* The config's place in a tuning. */
static size_t count_of(const clrnn_tuning *tuning)
{
    size_t count = 0;
    while (clrnn_tuning_config(tuning, count))
        count++;
    return count;
}

/* Whether two configs are the same but for their time. */
static bool same_config(const clrnn_exec_config *a, const clrnn_exec_config *b)
{
    char one[256], other[256];
    assert_in_range(clrnn_exec_config_format(a, one, sizeof one), 1, sizeof one - 1);
    assert_in_range(clrnn_exec_config_format(b, other, sizeof other), 1, sizeof other - 1);
    return strcmp(one, other) == 0;
}

/* Configs come sorted, each once, and the first of them is what later plans take, in this context
 * and in others; other plans do not. */
static void fastest_is_kept(void **state)
{
    for (int train = 0; train < 2; train++) {
        heard h;
        const char *folder = fresh_folder();
        clrnn_context *context = open_with(*state, &h, folder);
        const clrnn_plan_desc desc = small_plan(train);
        clrnn_tuning *tuning = NULL;
        assert_int_equal(clrnn_tune(context, &desc, &tuning), CLRNN_OK);
        const size_t count = count_of(tuning);
        const clrnn_exec_config *best = clrnn_tuning_config(tuning, 0);
        assert_in_range(count, 2, 40);
        for (size_t i = 0; i < count; i++) {
            const clrnn_exec_config *config = clrnn_tuning_config(tuning, i);
            assert_true(clrnn_exec_config_seconds(config) > 0);
            for (size_t j = 0; j < i; j++) {
                const clrnn_exec_config *faster = clrnn_tuning_config(tuning, j);
                assert_true(clrnn_exec_config_seconds(faster) <= clrnn_exec_config_seconds(config));
                assert_false(same_config(faster, config));
            }
        }
        for (int again = 0; again < 2; again++) {
            clrnn_plan *plan = plan_of(context, &desc);
            assert_true(same_config(&plan->config, best));
            assert_int_equal(plan->strategy->id, best->strategy);
            assert_string_equal(clrnn_plan_get_info(plan)->gemm,
                                best->gemm == CLRNN_GEMM_PACKED ? "packed" : "clblast");
            assert_non_null(strstr(h.strategy, "measured"));
            clrnn_plan_destroy(&plan);
            clrnn_context_destroy(&context);
            context = open_with(*state, &h, folder);
        }
        clrnn_tuning_destroy(&tuning); /* which outlives its context */
        assert_null(tuning);
        clrnn_plan_desc other = desc;
        other.max_batch = 5;
        clrnn_plan *plan = plan_of(context, &other);
        assert_int_equal(plan->config.strategy, CLRNN_STRATEGY_AUTO);
        assert_null(strstr(h.strategy, "measured"));
        clrnn_plan_destroy(&plan);
        other = desc;
        other.strategy = CLRNN_STRATEGY_STEPWISE;
        plan = plan_of(context, &other);
        assert_non_null(strstr(h.strategy, "the caller chose it"));
        clrnn_plan_destroy(&plan);
        clrnn_context_destroy(&context);
    }
}

/* Of a stack also both layers in one launch are tried, if that can be; and plans do as was
 * measured.
 */
static void layers_of_a_stack(void **state)
{
    heard h;
    clrnn_context *context = open_with(*state, &h, fresh_folder());
    clrnn_plan_desc desc = small_plan(false);
    desc.network.num_layers = 2;
    for (int both = 0; both < 2; both++) {
        clrnn_tuning *tuning = NULL;
        const clrnn_exec_config *config;
        size_t pairs = 0, blocks = 0;
        desc.network.bidirectional = both;
        assert_int_equal(clrnn_tune(context, &desc, &tuning), CLRNN_OK);
        for (size_t i = 0; (config = clrnn_tuning_config(tuning, i)) != NULL; i++) {
            pairs += config->layers == 2;
            blocks += config->rows > 0;
        }
        assert_true(both ? pairs == 0 : pairs == 1 || pairs == 3);
        config = clrnn_tuning_config(tuning, 0);
        assert_int_equal(blocks, !clr_compiles(context)                          ? 0
                                 : config->strategy == CLRNN_STRATEGY_PERSISTENT ? 2
                                                                                 : blocks);
        clrnn_tuning_destroy(&tuning);
    }
    desc.network.bidirectional = false;
    for (uint32_t layers = 1; layers <= 2; layers++) {
        const clrnn_exec_config config = {SCAN, .row_parts = 1, .unit_parts = 1, .layers = layers};
        assert_int_equal(clr_exec_config_store(context, &desc, &config), CLRNN_OK);
        clrnn_plan *plan = plan_of(context, &desc);
        assert_int_equal(plan->strategy->layers(plan, 3, 4), layers);
        assert_int_equal(plan->strategy->layers(plan, 3, 3), 2); /* the rule's */
        clrnn_plan_destroy(&plan);
    }
    clrnn_context_destroy(&context);
}

/* On a GPU, or what is taken for one, large groups are tried in place of small ones, and more or
 * fewer registers. */
static void configs_of_a_gpu(void **state)
{
    heard h;
    if (test_precisions(*state) < 2 || !clr_compiles(*state))
        skip(); /* see below; and native has no kernels for GPUs */
    clrnn_context *context = open_with(*state, &h, fresh_folder());
    context->info.type = CL_DEVICE_TYPE_GPU;
    for (int train = 0; train < 2; train++) {
        clrnn_plan_desc desc = small_plan(train);
        clrnn_tuning *tuning = NULL;
        const clrnn_exec_config *config;
        size_t resident = 0, fused = 0;
        /* PoCL 3.1 with LLVM 15 crashes over some kernels with many registers, but not over these.
         */
        desc.network.cell = CLRNN_CELL_GRU;
        desc.precision = CLRNN_F64;
        assert_int_equal(clrnn_tune(context, &desc, &tuning), CLRNN_OK);
        for (size_t i = 0; (config = clrnn_tuning_config(tuning, i)) != NULL; i++) {
            bool kept = config->strategy == CLRNN_STRATEGY_RESIDENT;
            resident += kept;
            fused += config->strategy == CLRNN_STRATEGY_FUSED;
            assert_true(kept || config->strategy == CLRNN_STRATEGY_FUSED ||
                        config->strategy == CLRNN_STRATEGY_STEPWISE);
            assert_true(kept == (config->kept > 0) && kept == (config->unit_parts > 0));
            assert_int_equal(config->gemm, clr_clblast_usable(context, NULL) ? CLRNN_GEMM_CLBLAST
                                                                             : CLRNN_GEMM_PACKED);
        }
        assert_int_equal(fused, 1);
        assert_int_equal(resident + fused + 1, count_of(tuning));
        assert_true(resident > 0);
        clrnn_plan *plan = plan_of(context, &desc);
        config = clrnn_tuning_config(tuning, 0);
        assert_int_equal(plan->strategy->id, config->strategy);
        assert_int_equal(plan->config.kept, config->kept);
        clrnn_plan_destroy(&plan);
        clrnn_tuning_destroy(&tuning);
    }
    clrnn_context_destroy(&context);
}

/* The text says all that matters, and no more; it is cut where there is no room, and NULL has
 * none. */
static void as_text(void **state)
{
    static const struct {
        clrnn_exec_config config;
        const char *text;
    } all[] = {
        {{.strategy = CLRNN_STRATEGY_STEPWISE, .gemm = CLRNN_GEMM_CLBLAST, .seconds = 7},
         "strategy=stepwise,gemm=clblast"},
        {{SCAN, .row_parts = 1, .unit_parts = 2, .rows = 96, .steals = 1, .layers = 1},
         "strategy=persistent,gemm=packed,row_parts=1,unit_parts=2,rows=96,steals=1,layers=1"},
        {{RESIDENT, .row_parts = 4294967295u, .unit_parts = 4294967295u, .kept = 4294967295u},
         "strategy=resident,gemm=clblast,row_parts=4294967295,unit_parts=4294967295,"
         "kept=4294967295"}};
    (void)state;
    for (size_t i = 0; i < COUNT(all); i++)
        for (size_t size = 0; size < 140; size++) {
            char text[160], expected[160];
            memset(text, 'x', sizeof text);
            snprintf(expected, sizeof expected, "%.*s", size ? (int)size - 1 : 0, all[i].text);
            assert_int_equal(clrnn_exec_config_format(&all[i].config, text, size),
                             strlen(all[i].text));
            if (size)
                assert_string_equal(text, expected);
            assert_int_equal(text[size], 'x');
        }
    char text[4] = "yes";
    assert_int_equal(clrnn_exec_config_format(NULL, text, sizeof text), -1);
    assert_string_equal(text, "");
    assert_true(clrnn_exec_config_seconds(&all[0].config) == 7);
    assert_true(clrnn_exec_config_seconds(NULL) == 0);
    assert_null(clrnn_tuning_config(NULL, 0));
    clrnn_tuning_destroy(NULL);
}

/* A plan takes any config that was kept, and its results have the same bits. */
static void same_bits(void **state)
{
    static const clrnn_exec_config ways[] = {
        {.strategy = CLRNN_STRATEGY_STEPWISE, .gemm = CLRNN_GEMM_PACKED},
        {SCAN, .row_parts = 1, .unit_parts = 1, .layers = 1},
        {SCAN, .row_parts = 2, .unit_parts = 1, .layers = 1, .rows = 24},
        {SCAN, .row_parts = 1, .unit_parts = 2, .layers = 1},
        {SCAN, .row_parts = 1, .unit_parts = 2, .layers = 1, .steals = 1, .rows = 96},
        {SCAN, .row_parts = 1, .unit_parts = 1, .layers = 2},
    };
    heard h;
    clrnn_context *context = open_with(*state, &h, fresh_folder());
    const clrnn_plan_desc desc = small_plan(true);
    test_inputs in =
        test_inputs_random(&desc.network, desc.max_steps, desc.max_batch, NULL, 1, 0.1);
    test_inputs_round(&in, CLRNN_F32);
    clrnn_plan *plan = test_stepwise(context, &in, CLRNN_F32, true);
    test_outputs expected = test_run(plan, &in);
    clrnn_plan_destroy(&plan);
    for (size_t i = 0; i < COUNT(ways); i++) {
        if (ways[i].row_parts * ways[i].unit_parts > context->info.compute_units ||
            (ways[i].rows && !clr_compiles(context)))
            continue;
        assert_int_equal(clr_exec_config_store(context, &desc, &ways[i]), CLRNN_OK);
        plan = test_plan_make(context, &desc, &in);
        assert_int_equal(plan->strategy->id, ways[i].strategy);
        assert_int_equal(plan->config.row_parts, ways[i].row_parts);
        if (plan->strategy->id == CLRNN_STRATEGY_PERSISTENT)
            assert_int_equal(clr_scanner_of(plan)->kernels.kind.rows, ways[i].rows);
        test_run_same("measured config", plan, &in, &expected);
        clrnn_plan_destroy(&plan);
    }
    test_outputs_free(&expected);
    test_inputs_free(&in);
    clrnn_context_destroy(&context);
}

/* Without a folder everything is measured, and nothing kept; so it is where a file is in its place,
 * which the call says. */
static void no_folder(void **state)
{
    const clrnn_plan_desc desc = small_plan(false);
    char file[600];
    snprintf(file, sizeof file, "%s/file", test_folder());
    const clr_piece piece = {"x", 1};
    assert_int_equal(clr_file_write(file, &piece, 1, &test_log), CLRNN_OK);
    const char *const folders[] = {"", file};
    for (size_t i = 0; i < COUNT(folders); i++) {
        heard h;
        clrnn_context *context = open_with(*state, &h, folders[i]);
        clrnn_tuning *tuning = NULL;
        clrnn_exec_config config;
        assert_int_equal(clrnn_tune(context, &desc, &tuning), i ? CLRNN_ERR_IO : CLRNN_OK);
        assert_true(count_of(tuning) > 0);
        assert_false(clr_exec_config_load(context, &desc, &config));
        clrnn_tuning_destroy(&tuning);
        clrnn_context_destroy(&context);
    }
}

static void bad_calls(void **state)
{
    clrnn_context *context = *state;
    clrnn_plan_desc desc = small_plan(false);
    clrnn_tuning *const none = (clrnn_tuning *)&desc, *tuning = none;
    assert_int_equal(clrnn_tune(NULL, &desc, &tuning), CLRNN_ERR_ARGUMENT);
    assert_null(tuning);
    tuning = none;
    assert_int_equal(clrnn_tune(context, NULL, &tuning), CLRNN_ERR_ARGUMENT);
    assert_null(tuning);
    assert_int_equal(clrnn_tune(context, &desc, NULL), CLRNN_ERR_ARGUMENT);
    assert_error_contains("tune:");
    tuning = none;
    desc.strategy = CLRNN_STRATEGY_STEPWISE;
    assert_int_equal(clrnn_tune(context, &desc, &tuning), CLRNN_ERR_ARGUMENT);
    assert_null(tuning);
    assert_error_contains("must be auto");
    desc = small_plan(false);
    desc.max_steps = 0;
    tuning = none;
    assert_int_equal(clrnn_tune(context, &desc, &tuning), CLRNN_ERR_RANGE);
    assert_null(tuning);
    assert_error_contains("max_steps");
}

/* Whichever allocation of ours fails, the call says so and leaves nothing. */
static void allocations_fail(void **state)
{
    heard h;
    const long alive = clr_live_objects();
    clrnn_context *context = open_with(*state, &h, fresh_folder());
    const clrnn_plan_desc desc = small_plan(false);
    clrnn_tuning *tuning = NULL;
    assert_int_equal(clrnn_tune(context, &desc, &tuning), CLRNN_OK); /* almost all is compiled */
    clrnn_tuning_destroy(&tuning);
    clrnn_status status = CLRNN_ERR_MEMORY;
    for (long call = 1; status != CLRNN_OK; call += 1 + call / 4) {
        assert_in_range(call, 1, 10000);
        clr_fault_inject(CLR_FAULT_MEMORY, call);
        status = clrnn_tune(context, &desc, &tuning);
        clr_fault_inject(CLR_FAULT_MEMORY, 0);
        if (status != CLRNN_OK && (status != CLRNN_ERR_MEMORY || tuning))
            fail_msg("allocation %ld: %s", call, clrnn_status_name(status));
        clrnn_tuning_destroy(&tuning);
    }
    /* The context keeps programs, and another config may be the fastest each time, whose variants
     * have programs of their own: so objects are counted when it is gone. */
    clrnn_context_destroy(&context);
    assert_int_equal(clr_live_objects(), alive);
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, test_open, test_close)
#define TEST_PERSISTENT(function) \
    cmocka_unit_test_setup_teardown(function, test_open_persistent, test_close)

int main(void)
{
    const struct CMUnitTest tests[] = {TEST(fastest_is_kept),
                                       TEST(configs_of_a_gpu),
                                       TEST_PERSISTENT(layers_of_a_stack),
                                       TEST_PERSISTENT(same_bits),
                                       TEST(as_text),
                                       TEST(no_folder),
                                       TEST(bad_calls),
                                       TEST(allocations_fail)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: MIT
 * tests/layer/test_tune_files.c - measured execution configs on disk: for which plans, and which
 * files are believed. */
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "device/native.h"
#include "layer/tuned.h"
#include "math/clblast.h"

/* Change one byte of the only file that holds a config. */
static void damage(const char *folder, size_t from_end)
{
    DIR *dir = opendir(folder);
    char path[1200];
    void *data = NULL;
    size_t size = 0;
    assert_non_null(dir);
    for (struct dirent *entry = readdir(dir); entry; entry = readdir(dir))
        if (strstr(entry->d_name, ".clbin"))
            snprintf(path, sizeof path, "%s/%s", folder, entry->d_name);
    closedir(dir);
    assert_int_equal(clr_file_read(path, &test_log, &data, &size), CLRNN_OK);
    assert_true(size > from_end);
    ((unsigned char *)data)[size - 1 - from_end] ^= 1;
    const clr_piece piece = {data, size};
    assert_int_equal(clr_file_write(path, &piece, 1, &test_log), CLRNN_OK);
    free(data);
}

/* One that every device can keep. */
static clrnn_exec_config good_config(const clrnn_context *context)
{
    const bool clblast = clr_clblast_usable(context, NULL);
    return (clrnn_exec_config){.strategy = CLRNN_STRATEGY_STEPWISE,
                               .gemm = clblast ? CLRNN_GEMM_CLBLAST : CLRNN_GEMM_PACKED};
}

/* A damaged file, and one whose contents make no sense, count as absent. */
static void damaged_files(void **state)
{
    static const clrnn_exec_config senseless[] = {
        {.strategy = CLRNN_STRATEGY_AUTO, .gemm = CLRNN_GEMM_PACKED},
        {.strategy = (clrnn_strategy)9, .gemm = CLRNN_GEMM_PACKED},
        {.strategy = CLRNN_STRATEGY_STEPWISE, .gemm = CLRNN_GEMM_AUTO},
        {.strategy = CLRNN_STRATEGY_STEPWISE, .gemm = CLRNN_GEMM_PACKED, .rows = 24},
        {SCAN, .layers = 1},
        {SCAN, .row_parts = 2, .unit_parts = 2, .layers = 1},
        {SCAN, .row_parts = 1, .unit_parts = 1u << 20, .layers = 1},
        {SCAN, .row_parts = 1, .unit_parts = 2, .layers = 1, .kept = 32},
        {SCAN, .row_parts = 1, .unit_parts = 2},
        {SCAN, .row_parts = 1, .unit_parts = 2, .layers = 3},
        {SCAN, .row_parts = 1, .unit_parts = 2, .layers = 1, .rows = 1000},
        {SCAN, .row_parts = 1, .unit_parts = 2, .layers = 1, .steals = 2},
        {RESIDENT, .row_parts = 1, .unit_parts = 2},
        {RESIDENT, .row_parts = 1, .unit_parts = 2, .kept = 2000},
        {RESIDENT, .row_parts = 1, .unit_parts = 2, .kept = 32, .layers = 2}};
    const clrnn_exec_config good = good_config(*state);
    const clrnn_plan_desc desc = small_plan(false);
    clrnn_exec_config config;
    heard h;
    const char *folder = fresh_folder();
    clrnn_context *context = open_with(*state, &h, folder);
    assert_false(clr_exec_config_load(context, &desc, &config));
    assert_int_equal(clr_exec_config_store(context, &desc, &good), CLRNN_OK);
    assert_true(clr_exec_config_load(context, &desc, &config));
    assert_memory_equal(&config, &good, sizeof good);
    damage(folder, 0); /* the config */
    assert_false(clr_exec_config_load(context, &desc, &config));
    assert_int_equal(h.ignored, 1);
    assert_int_equal(clr_exec_config_store(context, &desc, &good), CLRNN_OK);
    damage(folder, 20); /* the key */
    assert_false(clr_exec_config_load(context, &desc, &config));
    assert_int_equal(h.ignored, 2);
    for (size_t i = 0; i < COUNT(senseless); i++) {
        assert_int_equal(clr_exec_config_store(context, &desc, &senseless[i]), CLRNN_OK);
        assert_false(clr_exec_config_load(context, &desc, &config));
    }
    clrnn_plan *plan = plan_of(context, &desc);
    assert_int_equal(plan->config.strategy, CLRNN_STRATEGY_AUTO);
    clrnn_plan_destroy(&plan);
    clrnn_context_destroy(&context);
}

/* What no tuning finds costs nothing: it is neither taken nor compiled. gpu: as if it were one. */
static void check_hostile(clrnn_context *like, const clrnn_exec_config *configs, size_t count,
                          bool gpu)
{
    heard h;
    clrnn_context *context = open_with(like, &h, fresh_folder());
    clrnn_plan_desc desc = small_plan(false);
    clrnn_exec_config config;
    if (gpu) { /* see configs_of_a_gpu */
        context->info.type = CL_DEVICE_TYPE_GPU;
        desc.network.cell = CLRNN_CELL_GRU;
        desc.precision = CLRNN_F64;
    }
    clrnn_plan *plan = plan_of(context, &desc); /* compiles what the rule's takes */
    clrnn_plan_destroy(&plan);
    const int compiled = h.compiled;
    for (size_t i = 0; i < count; i++) {
        assert_int_equal(clr_exec_config_store(context, &desc, &configs[i]), CLRNN_OK);
        if (clr_exec_config_load(context, &desc, &config))
            fail_msg("hostile config %zu is taken%s", i, gpu ? " by a GPU" : "");
        plan = plan_of(context, &desc);
        assert_int_equal(plan->config.strategy, CLRNN_STRATEGY_AUTO);
        assert_int_equal(h.compiled, compiled);
        assert_int_equal(h.ignored, 2 * (i + 1));
        clrnn_plan_destroy(&plan);
    }
    clrnn_context_destroy(&context);
}

static void hostile_files(void **state)
{
    static const clrnn_exec_config for_cpus[] = {
        {RESIDENT, .row_parts = 1, .unit_parts = 1, .kept = 1024},
        {RESIDENT, .row_parts = 1, .unit_parts = 1, .kept = 32},
        {SCAN, .row_parts = 1, .unit_parts = 1, .layers = 1, .rows = 384},
        {SCAN, .row_parts = 1, .unit_parts = 1, .layers = 1, .rows = 25},
        {SCAN, .row_parts = 60000, .unit_parts = 1, .layers = 1},
        {SCAN, .row_parts = 0x80000000, .unit_parts = 0x80000000, .layers = 1},
        {.strategy = CLRNN_STRATEGY_PERSISTENT,
         .row_parts = 1,
         .unit_parts = 1,
         .layers = 1,
         .gemm = CLRNN_GEMM_CLBLAST}};
    static const clrnn_exec_config for_gpus[] = {
        {RESIDENT, .row_parts = 1, .unit_parts = 1, .kept = 1024},
        {RESIDENT, .row_parts = 1, .unit_parts = 1, .kept = 128}, /* 64 are most, of doubles */
        {RESIDENT, .row_parts = 1, .unit_parts = 1, .kept = 48},
        {RESIDENT, .row_parts = 1, .unit_parts = 1, .kept = 0x80000010}, /* twice that is 32 */
        {RESIDENT, .row_parts = 60000, .unit_parts = 1, .kept = 32},
        {RESIDENT, .row_parts = 0x80000000, .unit_parts = 0x80000000, .kept = 32},
        {SCAN, .row_parts = 1, .unit_parts = 1, .layers = 1},
        {.strategy = CLRNN_STRATEGY_STEPWISE, .gemm = CLRNN_GEMM_PACKED}};
    if (clrnn_context_device(*state)->type & CL_DEVICE_TYPE_CPU)
        check_hostile(*state, for_cpus, COUNT(for_cpus), false);
    if (clr_clblast_usable(*state, NULL) && test_precisions(*state) == 2)
        check_hostile(*state, for_gpus, COUNT(for_gpus), true);
}

/* A config that there are no kernels for here is no reason to have no plan. */
static void without_compiler(void **state)
{
    static const clrnn_exec_config configs[] = {
        {.strategy = CLRNN_STRATEGY_STEPWISE, .gemm = CLRNN_GEMM_CLBLAST},
        {SCAN, .row_parts = 1, .unit_parts = 1, .layers = 1, .rows = 24},
        {RESIDENT, .row_parts = 1, .unit_parts = 1, .kept = 32}};
    const clrnn_context_desc desc = {.device = "native", .log = test_log, .cache_dir = ""};
    clrnn_context *native = NULL;
    (void)state;
    if (!clr_native_driver() || clrnn_context_create(&desc, &native) != CLRNN_OK)
        skip();
    check_hostile(native, configs, COUNT(configs), false);
    clrnn_context_destroy(&native);
}

/* Every part of a description that a config depends on is part of its key. */
static void keys_differ(void **state)
{
    const clrnn_exec_config good = good_config(*state);
    heard h;
    clrnn_context *context = open_with(*state, &h, fresh_folder());
    const clrnn_plan_desc desc = small_plan(false);
    clrnn_plan_desc others[15];
    for (size_t i = 0; i < COUNT(others); i++)
        others[i] = desc;
    others[0].network.cell = CLRNN_CELL_GRU;
    others[1].network.input_size++;
    others[2].network.hidden_size++;
    others[3].network.proj_size = 3;
    others[4].network.num_layers = 2;
    others[5].network.bidirectional = true;
    others[6].network.no_bias = true;
    others[7].network.nonlinearity = CLRNN_RELU;
    others[8].network.gru_reset = (clrnn_gru_reset)1;
    others[9].network.gru_update = (clrnn_gru_update)1;
    others[10].max_batch++;
    others[11].train = true;
    others[12].precision = CLRNN_F64;
    others[13].weights = CLRNN_WEIGHTS_F16;
    others[14].network.peepholes = true;
    clrnn_exec_config config;
    assert_int_equal(clr_exec_config_store(context, &desc, &good), CLRNN_OK);
    for (size_t i = 0; i < COUNT(others); i++)
        assert_false(clr_exec_config_load(context, &others[i], &config));
    clrnn_plan_desc same = desc;
    same.max_steps = 1000;
    same.network.num_layers = 1;
    assert_true(clr_exec_config_load(context, &same, &config));
    clrnn_context_destroy(&context);
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, test_open, test_close)

int main(void)
{
    const struct CMUnitTest tests[] = {TEST(damaged_files), TEST(hostile_files),
                                       TEST(without_compiler), TEST(keys_differ)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}

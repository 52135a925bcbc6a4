/* SPDX-License-Identifier: MIT
 * tests/layer/test_index_range.c - plans whose products CLBlast cannot address are refused before
 * they take memory, and no others. */
#include "support.h"

#include <string.h>

#include <clrnn/plan.h>

#include "layer/index_range.h"
#include "layer/strategy.h"

#define COUNT(array) (sizeof(array) / sizeof *(array))

static const uint64_t limit = INT32_MAX; /* elements */

/* A plan whose block of memory, or x, has each*T + fixed elements that products use. */
typedef struct edge {
    const char *array; /* what the error calls it */
    clrnn_network_desc network;
    uint32_t batch;
    bool train;
    clrnn_strategy strategy;
    uint64_t each, fixed;
} edge;

enum { H = 256, P = 64, N = 8, I = 3 };
#define STEPWISE   CLRNN_STRATEGY_STEPWISE
#define PERSISTENT CLRNN_STRATEGY_PERSISTENT
#define LSTM       .input_size = I, .hidden_size = H
#define GRU        .cell = CLRNN_CELL_GRU, .input_size = I, .hidden_size = H

/* Gates, then T+1 or 2 states, then what the cell saves beside, then outputs of lower layers. */
static const edge edges[] = {
    {"x has", {.input_size = 65536, .hidden_size = 1}, N, true, STEPWISE, N * 65536, 0},
    {"x has", {.input_size = 65536, .hidden_size = 1}, N, false, STEPWISE, N * 65536, 0},
    {"the reserve", {LSTM}, N, true, STEPWISE, N *(4 * H + H), N *H},
    {"the reserve", {LSTM}, 1, true, PERSISTENT, 4 * H + H, H},
    {"the reserve", {LSTM, .bidirectional = true}, 1, true, STEPWISE, 2 * (4 * H + H), 2 * H},
    {"the reserve",
     {LSTM, .proj_size = P},
     1,
     true,
     STEPWISE,
     4 * H + P + H + H, /* c lies before what is projected */
     P + H},
    {"the reserve", {GRU}, 1, true, STEPWISE, 3 * H + H + H, H},
    {"the reserve", {GRU, .gru_reset = CLRNN_RESET_AFTER}, 1, true, STEPWISE, 3 * H + H, H},
    {"the reserve", {GRU, .num_layers = 2}, 1, true, STEPWISE, 2 * (3 * H + H + H) + H, 2 * H},
    {"the work memory", {LSTM}, N, false, STEPWISE, N * 4 * H, 2 * N *H},
    {"the work memory", {GRU}, 1, false, STEPWISE, 3 * H, 2 * H + H},
};

/* The check alone, as if there were memory for the plan, and no shorter chunks than T steps. */
static clrnn_status check(clrnn_context *context, const clrnn_plan_desc *desc)
{
    clrnn_plan plan = {.context = context, .desc = *desc};
    uint32_t T = desc->max_steps, rows = desc->max_batch;
    clr_layout layout;
    plan.gemms.own = desc->gemm == CLRNN_GEMM_PACKED;
    plan.strategy =
        desc->strategy == PERSISTENT ? &clr_strategy_persistent : &clr_strategy_stepwise;
    assert_int_equal(clr_network_init(&desc->network, &test_log, &plan.network), CLRNN_OK);
    assert_int_equal(desc->train ? clr_layout_train(&plan.network, T, rows, &test_log, &layout)
                                 : clr_layout_infer(&plan.network, T, T, rows, &test_log, &layout),
                     CLRNN_OK);
    return clr_plan_check_index_range(&plan, &layout);
}

static void each_array_to_its_limit(void **state)
{
    for (size_t i = 0; i < COUNT(edges); i++) {
        const edge *e = &edges[i];
        const uint64_t most = (limit - e->fixed) / e->each;
        clrnn_plan_desc desc = {.network = e->network,
                                .max_steps = (uint32_t)most,
                                .max_batch = e->batch,
                                .train = e->train,
                                .strategy = e->strategy,
                                .gemm = CLRNN_GEMM_CLBLAST};
        if (check(*state, &desc) != CLRNN_OK)
            fail_msg("case %zu is refused: %s", i, test_last_error);
        desc.max_steps++;
        assert_int_equal(check(*state, &desc), CLRNN_ERR_RANGE);
        assert_non_null(strstr(test_last_error, e->array));
        assert_error_contains("reduce max_steps");
        desc.gemm = CLRNN_GEMM_PACKED;
        assert_int_equal(check(*state, &desc), CLRNN_OK);
        desc.gemm = CLRNN_GEMM_CLBLAST;
        desc.strategy = PERSISTENT; /* which needs no products for inference */
        assert_int_equal(check(*state, &desc), e->train ? CLRNN_ERR_RANGE : CLRNN_OK);
    }
}

/* Canonical weights lie in one array, those in fewer bits in one for each matrix: [4H,1] and
 * [4H,H]. */
static void weights_to_their_limit(void **state)
{
    static const struct {
        clrnn_storage weights;
        uint32_t hidden;
    } largest[] = {{CLRNN_WEIGHTS_F32, 23169}, {CLRNN_WEIGHTS_F16, 23170}};
    for (size_t i = 0; i < COUNT(largest); i++) {
        uint64_t h = largest[i].hidden;
        clrnn_plan_desc desc = {.network = {.input_size = 1, .hidden_size = largest[i].hidden},
                                .max_steps = 1,
                                .max_batch = 1,
                                .gemm = CLRNN_GEMM_CLBLAST,
                                .weights = largest[i].weights};
        assert_true(4 * h * (h + (i == 0)) <= limit && 4 * (h + 1) * (h + 1 + (i == 0)) > limit);
        assert_int_equal(check(*state, &desc), CLRNN_OK);
        desc.network.hidden_size++;
        assert_int_equal(check(*state, &desc), CLRNN_ERR_RANGE);
        assert_non_null(strstr(test_last_error, "the weights have"));
        assert_error_contains("reduce the network");
    }
}

/* Where there is no memory either, it is not asked for first. */
static void refused_before_memory_is_taken(void **state)
{
    test_need(*state, TEST_CLBLAST);
    clrnn_plan *plan = NULL;
    for (int train = 0; train < 2; train++) {
        const clrnn_plan_desc desc = {.network = {.input_size = 4096, .hidden_size = 4096},
                                      .max_steps = 1u << 20,
                                      .max_batch = 1u << 11,
                                      .train = train,
                                      .strategy = STEPWISE,
                                      .gemm = CLRNN_GEMM_CLBLAST};
        assert_int_equal(clrnn_plan_create(*state, &desc, &plan), CLRNN_ERR_RANGE);
        assert_null(plan);
        assert_error_contains("T=1048576, N=2048: x has");
    }
}

/* Gates of all T would be too many, those of a chunk are not. */
static void chunks_count(void **state)
{
    test_need(*state, TEST_CLBLAST);
    const clrnn_plan_desc desc = {.network = {.input_size = 16, .hidden_size = 1024},
                                  .max_steps = 1u << 20,
                                  .max_batch = 1,
                                  .strategy = STEPWISE,
                                  .gemm = CLRNN_GEMM_CLBLAST};
    clrnn_plan *plan = NULL;
    assert_true((uint64_t)4 * 1024 * desc.max_steps > limit);
    assert_int_equal(clrnn_plan_create(*state, &desc, &plan), CLRNN_OK);
    clrnn_plan_destroy(&plan);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, test_open, test_close)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(each_array_to_its_limit),
        TEST(weights_to_their_limit),
        TEST(refused_before_memory_is_taken),
        TEST(chunks_count),
    };
    return cmocka_run_group_tests_name("reach", tests, NULL, NULL);
}

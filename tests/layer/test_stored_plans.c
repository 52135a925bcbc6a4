/* SPDX-License-Identifier: MIT
 * tests/layer/test_stored_plans.c - inference with weights kept in f16, bf16 and int8: as exact as
 * with the rounded weights in float, by every strategy and kind of products, and as near to the
 * weights themselves as rounding allows. */
#include "layer/partitions.h"
#include "layer/self_test.h"
#include "stored.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <clrnn/problem.h>

#include "device/buffer.h"

static const clrnn_storage storages[] = {CLRNN_WEIGHTS_F16, CLRNN_WEIGHTS_BF16, CLRNN_WEIGHTS_INT8};

static clrnn_plan *plan_of(clrnn_context *context, const test_inputs *in, clrnn_storage storage,
                           size_t config)
{
    clrnn_plan_desc desc = test_plan_desc(in, CLRNN_F32, false, config);
    desc.weights = storage;
    clrnn_plan *plan = test_plan_make(context, &desc, in);
    const char *strategy = clrnn_plan_get_info(plan)->strategy;
    assert_memory_equal(strategy, test_configs[config].name, strlen(strategy));
    return plan;
}

static test_outputs run_once(clrnn_context *context, const test_inputs *in, clrnn_storage storage,
                             size_t config)
{
    clrnn_plan *plan = plan_of(context, in, storage, config);
    test_outputs out = test_run(plan, in);
    clrnn_plan_destroy(&plan);
    return out;
}

/* What the reference makes of the weights as they are kept. */
static test_outputs reference_of(const test_inputs *in, clrnn_storage storage)
{
    test_sizes s = test_sizes_of(in);
    test_inputs kept = *in;
    kept.weights = calloc(s.weights, sizeof *kept.weights);
    assert_non_null(kept.weights);
    memcpy(kept.weights, in->weights, s.weights * sizeof *kept.weights);
    clr_reference_store_weights(storage, &in->desc, kept.weights);
    test_outputs out = test_reference(&kept);
    free(kept.weights);
    return out;
}

/* --- numbers ------------------------------------------------------------------------------ */

/* The kernels of resident take PoCL 2 s each: one form of each cell in int8, the others for the
 * LSTM alone; how a cell computes and how a weight is read know nothing of each other. */
static bool is_left_out(const test_inputs *in, clrnn_storage storage, size_t config)
{
    const clrnn_network_desc *d = &in->desc;
    const bool int8 = storage == CLRNN_WEIGHTS_INT8, lstm = d->cell == CLRNN_CELL_LSTM;
    return config == RESIDENT && !(test_is_usual(d) && (int8 || lstm));
}

/* All ways of one network: right for the weights as kept, our own products to the bit, and not what
 * the weights in float give. */
static void check_network(clrnn_context *context, const char *name, const test_inputs *in,
                          clrnn_storage storage)
{
    char what[128];
    test_outputs expected = reference_of(in, storage), first = {0};
    test_outputs whole = run_once(context, in, CLRNN_WEIGHTS_F32, STEPWISE_PACKED);
    for (size_t config = test_next_way(context, 0); config < TEST_CONFIGS;
         config = test_next_way(context, config + 1)) {
        if (is_left_out(in, storage, config))
            continue;
        test_outputs got = run_once(context, in, storage, config);
        snprintf(what, sizeof what, "%s, %s, %s, H %u, N %u", name, test_storage_names[storage],
                 test_configs[config].name, in->desc.hidden_size, in->batch);
        test_compare(what, in, &got, &expected, 2e-6, 0);
        assert_true(test_error(got.y, whole.y, test_sizes_of(in).y) > 2e-5);
        if (config == PERSISTENT) /* (resident adds in an order of its own) */
            test_same_bits(what, in, &got, &first);
        if (config == STEPWISE_PACKED)
            first = got;
        else
            test_outputs_free(&got);
    }
    test_outputs_free(&first);
    test_outputs_free(&whole);
    test_outputs_free(&expected);
}

static void every_form(void **state)
{
    static const uint32_t ragged[13] = {6, 0, 3, 1, 4, 5, 2, 6, 6, 6, 1, 2, 3};
    static const uint32_t widths[] = {93, 17, 7, 130};
    for (size_t s = 0; s < COUNT(storages); s++)
        for (size_t form = 0; form < TEST_FORMS; form++) {
            uint32_t H = widths[(s + form) % COUNT(widths)];
            clrnn_network_desc network = test_sized_form(form, 1 + 16 * (form % 3), H, 37);
            network.num_layers = 2;
            network.bidirectional = (s + form) % 2;
            test_inputs in = test_inputs_random(&network, 6, 13, form % 3 ? ragged : NULL,
                                                40 + form, 1 / sqrt(H));
            test_inputs_round(&in, CLRNN_F32);
            check_network(*state, test_forms[form].name, &in, storages[s]);
            test_inputs_free(&in);
        }
}

/* Sums of more than one block, and as many rows as each kernel for them is for. */
static void long_sums(void **state)
{
    static const uint32_t batches[] = {1, 3, 50};
    for (size_t s = 0; s < COUNT(storages); s++)
        for (size_t form = s; form < TEST_FORMS; form += COUNT(storages))
            for (size_t i = 0; i < COUNT(batches); i++) {
                clrnn_network_desc network = test_sized_form(form, 270, 301, 263);
                test_inputs in =
                    test_inputs_random(&network, 2, batches[i], NULL, form, 1 / sqrt(301));
                test_inputs_round(&in, CLRNN_F32);
                check_network(*state, test_forms[form].name, &in, storages[s]);
                test_inputs_free(&in);
            }
}

/* However a launch is cut, and whoever shares the batch. */
static void every_cut(void **state)
{
    static const clr_partition partitions[] = {
        {.row_parts = 1, .unit_parts = 2, .most_spins = 20000},
        {.row_parts = 1, .unit_parts = 5, .most_spins = 100},
        {.row_parts = 3, .unit_parts = 1}};
    for (size_t s = 0; s < COUNT(storages) && test_has_way(*state, PERSISTENT); s++)
        for (size_t form = 0; form < TEST_FORMS; form++) {
            clrnn_network_desc network = test_sized_form(form, 17, 130, 65);
            network.bidirectional = form % 2;
            test_inputs in = test_inputs_random(&network, 3, 7, NULL, form, 0.1);
            test_outputs expected = run_once(*state, &in, storages[s], STEPWISE_PACKED);
            clrnn_plan *plan = plan_of(*state, &in, storages[s], PERSISTENT);
            for (size_t i = 0; i < COUNT(partitions); i++) {
                test_force(plan, &partitions[i]);
                test_run_same(test_forms[form].name, plan, &in, &expected);
            }
            clrnn_plan_destroy(&plan);
            test_outputs_free(&expected);
            test_inputs_free(&in);
        }
}

/* clrnn_problem_check: with the weights as they are kept as exact as with floats, with those before
 * that within what rounding allows, which it notices. */
static void problems(void **state)
{
    static const char *const texts[] = {"cell=lstm,T=20,N=2,I=17,H=33",
                                        "cell=gru,L=2,D=2,T=9,N=5,I=17,H=65,lengths=ragged",
                                        "cell=rnn,T=50,N=3,I=7,H=130",
                                        "cell=lstm,P=7,T=6,N=3,I=7,H=17",
                                        "cell=gru,reset=after,T=30,N=1,I=130,H=7",
                                        "cell=rnn,act=relu,L=3,T=5,N=7,I=33,H=65"};
    static const char *const gemms[] = {"clblast", "packed"};
    for (size_t s = 0; s < COUNT(storages); s++)
        for (size_t i = 0; i < COUNT(texts); i++) {
            char text[256];
            clrnn_problem problem;
            clrnn_check check;
            snprintf(text, sizeof text, "%s,weights=%s,gemm=%s", texts[i],
                     test_storage_names[storages[s]],
                     test_has(*state, TEST_CLBLAST) ? gemms[(s + i) % 2] : "auto");
            assert_int_equal(clrnn_problem_parse(text, &test_log, &problem), CLRNN_OK);
            assert_int_equal(clrnn_problem_check(*state, &problem, 1, &check), CLRNN_OK);
            if (!check.passed || !(check.forward_error < check.forward_bound) ||
                !(check.storage_error < check.storage_bound) ||
                !(check.storage_error > check.storage_bound / 1000))
                fail_msg("%s: errors %.3g, %.3g, bounds %.3g, %.3g", text, check.forward_error,
                         check.storage_error, check.forward_bound, check.storage_bound);
            assert_true(check.forward_bound < 1e-5 && check.forward_error < check.storage_error);
            problem.weights = CLRNN_WEIGHTS_F32;
            const double exact = check.forward_bound;
            assert_int_equal(clrnn_problem_check(*state, &problem, 1, &check), CLRNN_OK);
            assert_true(check.forward_bound == exact && check.storage_error == 0 &&
                        check.storage_bound == 0);
        }
}

/* --- plans -------------------------------------------------------------------------------- */

/* Weights that are set again are rounded again; those with NaN reach the output. */
static void weights_set_again(void **state)
{
    const clrnn_network_desc network = {.input_size = 5, .hidden_size = 40};
    test_inputs in = test_inputs_random(&network, 3, 2, NULL, 1, 0.2);
    test_inputs other = test_inputs_random(&network, 3, 2, NULL, 2, 0.2);
    for (size_t s = 0; s < COUNT(storages); s++)
        for (size_t config = test_next_way(*state, 0); config < TEST_CONFIGS;
             config = test_next_way(*state, config + 1)) {
            clrnn_plan *plan = plan_of(*state, &in, storages[s], config);
            test_outputs first = test_run(plan, &in), again;
            double was = other.weights[160 * 5 + 7]; /* weight_hh[0][7]: gate i of unit 0 */
            other.weights[160 * 5 + 7] = NAN;
            test_plan_weights(plan, &other);
            again = test_run(plan, &in);
            for (size_t i = 0; i < 2 * 40; i++)
                assert_true(!isnan(again.y[i]) == (i % 40 != 0));
            test_outputs_free(&again);
            other.weights[160 * 5 + 7] = was;
            test_plan_weights(plan, &in);
            again = test_run(plan, &in);
            test_same_bits(test_configs[config].name, &in, &again, &first);
            test_outputs_free(&again);
            test_outputs_free(&first);
            clrnn_plan_destroy(&plan);
        }
    test_inputs_free(&in);
    test_inputs_free(&other);
}

/* The panels take as many bytes as their numbers; each kind of kernels has a self-test of its own.
 */
static void memory_and_self_tests(void **state)
{
    clrnn_context *context = *state;
    const clrnn_network_desc network = {.input_size = 64, .hidden_size = 256};
    test_inputs in = test_inputs_random(&network, 1, 1, NULL, 1, 0.1);
    for (size_t config = test_next_way(context, STEPWISE_PACKED); config < TEST_CONFIGS;
         config = test_next_way(context, config + 1)) {
        size_t whole = 0, before = 0;
        for (int storage = 0; storage < TEST_STORAGES; storage++) {
            clrnn_plan_desc desc = test_plan_desc(&in, CLRNN_F32, false, config);
            desc.weights = (clrnn_storage)storage;
            assert_int_equal(clr_self_test_verdict(context, &desc, desc.strategy), CLR_UNTESTED);
            clrnn_plan *plan = plan_of(context, &in, (clrnn_storage)storage, config);
            assert_int_equal(clr_self_test_verdict(context, &desc, desc.strategy), CLR_PASSED);
            const size_t bytes = clr_buffer_size(plan->packed.buffer);
            assert_int_equal(bytes, plan->packed.bytes);
            whole = storage ? whole : bytes;
            if (storage == CLRNN_WEIGHTS_INT8)
                assert_true(bytes > whole / 4 && bytes <= whole / 4 + 2 * 4 * 1024 * 4);
            else
                assert_int_equal(bytes, storage ? whole / 2 : 4u * 1024 * (64 + 256));
            if (storage)
                assert_true(clrnn_plan_get_info(plan)->work_bytes <= before);
            before = clrnn_plan_get_info(plan)->work_bytes;
            clrnn_plan_destroy(&plan);
        }
        const clrnn_plan_desc train = test_plan_desc(&in, CLRNN_F32, true, config);
        assert_int_equal(clr_self_test_verdict(context, &train, train.strategy), CLR_UNTESTED);
    }
    test_inputs_free(&in);
}

static char told[1024];

static void tell(void *user, clrnn_log_level level, const char *text)
{
    (void)user;
    if (level == CLRNN_LOG_INFO)
        snprintf(told, sizeof told, "%s", text);
}

static void saves_no_memory(void **state)
{
    clrnn_context *context = *state;
    const clrnn_network_desc network = {.input_size = 3, .hidden_size = 4};
    test_inputs in = test_inputs_random(&network, 1, 1, NULL, 1, 1);
    context->log = (clrnn_log){CLRNN_LOG_INFO, tell, NULL};
    for (size_t config = test_next_way(context, STEPWISE_CLBLAST); config <= STEPWISE_PACKED;
         config++) {
        clrnn_plan *plan = plan_of(context, &in, CLRNN_WEIGHTS_BF16, config);
        assert_non_null(strstr(told, "weights are rounded to bf16"));
        assert_true(!strstr(told, "no memory is saved") == (config == STEPWISE_PACKED));
        clrnn_plan_destroy(&plan);
    }
    context->log = test_log;
    test_inputs_free(&in);
}

static void refusals(void **state)
{
    clrnn_plan_desc desc = {.network = {.input_size = 3, .hidden_size = 4},
                            .max_steps = 2,
                            .max_batch = 1,
                            .weights = CLRNN_WEIGHTS_INT8,
                            .train = true};
    clrnn_plan *plan = NULL;
    assert_int_equal(clrnn_plan_create(*state, &desc, &plan), CLRNN_ERR_ARGUMENT);
    assert_error_contains("int8 only for inference in single precision");
    desc.train = false;
    desc.precision = CLRNN_F64;
    assert_int_equal(clrnn_plan_create(*state, &desc, &plan), CLRNN_ERR_ARGUMENT);
    assert_error_contains("int8 only for inference in single precision");
    desc.precision = CLRNN_F32;
    desc.weights = (clrnn_storage)TEST_STORAGES;
    assert_int_equal(clrnn_plan_create(*state, &desc, &plan), CLRNN_ERR_ARGUMENT);
    assert_error_contains("storage of weights 4 is unknown");
    desc.weights = (clrnn_storage)-1;
    assert_int_equal(clrnn_plan_create(*state, &desc, &plan), CLRNN_ERR_ARGUMENT);
    assert_error_contains("storage of weights -1 is unknown");
    assert_null(plan);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, test_open, test_close)

/* Beside panels of two columns, as GPUs have them, lanes of 16 bytes begin where such may. */
static void beside_narrow_panels(void **state)
{
    test_need(*state, TEST_RESIDENT);
    clrnn_context *context = *state;
    const clrnn_device_info info = context->info;
    static const char *const names[] = {"f16", "bf16", "int8"};
    for (size_t s = 0; s < COUNT(names); s++) {
        char text[128];
        clrnn_problem problem;
        clrnn_check check;
        context->info.vector_width = 1;
        snprintf(text, sizeof text,
                 "cell=lstm,T=3,N=2,I=3,H=5,L=2,weights=%s,strategy=resident,gemm=packed",
                 names[s]);
        assert_int_equal(clrnn_problem_parse(text, &test_log, &problem), CLRNN_OK);
        assert_int_equal(clrnn_problem_check(context, &problem, 1, &check), CLRNN_OK);
        assert_true(check.passed);
        context->info = info;
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(every_form),      TEST(long_sums),         TEST(every_cut),
        TEST(problems),        TEST(weights_set_again), TEST(memory_and_self_tests),
        TEST(saves_no_memory), TEST(refusals),          TEST(beside_narrow_panels),
    };
    return cmocka_run_group_tests_name("stored plans", tests, NULL, NULL);
}

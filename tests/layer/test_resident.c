/* SPDX-License-Identifier: MIT
 * tests/layer/test_resident.c - the strategy resident: for every form the bits of the stepwise one,
 * however a launch is cut into groups, whatever a work-item keeps in registers, however large a
 * group is and however many rows it multiplies at once; also when groups wait in vain. */
#include "layer/partitions.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "device/context.h"
#include "layer/make.h"
#include "layer/resident.h"
#include "layer/scanner.h"
#include "layer/self_test.h"
#include "math/resident.h"

static const clr_partition alone = {.row_parts = 1, .unit_parts = 1};

/* kept: 0 = as the plan chooses. */
static clrnn_plan *resident(clrnn_context *context, const test_inputs *in,
                            clrnn_precision precision, bool train, uint32_t kept,
                            const clr_partition *cut)
{
    const clrnn_plan_desc desc = test_plan_desc(in, precision, train, RESIDENT);
    const clrnn_exec_config config = {.kept = kept};
    clrnn_plan *plan = NULL;
    assert_int_equal(clr_plan_create_untested(context, &desc, &config, &plan), CLRNN_OK);
    assert_string_equal(clrnn_plan_get_info(plan)->strategy, "resident");
    test_plan_weights(plan, in);
    test_force(plan, cut);
    return plan;
}

/* What the stepwise strategy makes of it, which must agree with the reference. */
static test_outputs of_stepwise(clrnn_context *context, const char *name, const test_inputs *in,
                                clrnn_precision precision, bool train)
{
    clrnn_plan *plan = test_stepwise(context, in, precision, train);
    test_outputs got = test_run(plan, in), expected = test_reference(in);
    test_compare(name, in, &got, &expected, precision ? 1e-14 : 2e-6, precision ? 2e-14 : 5e-6);
    test_outputs_free(&expected);
    clrnn_plan_destroy(&plan);
    return got;
}

/* --- sizes -------------------------------------------------------------------------------- */

/* Sums of every number of lanes, and so long ones that they take rounds (dh of the LSTM), and that
 * the longest is that of a second product. */
static void long_sums(void **state)
{
    test_need(*state, TEST_RESIDENT);
    static const struct {
        clrnn_network_desc desc;
        uint32_t batch;
    } all[] = {
        {{.cell = CLRNN_CELL_RNN, .input_size = 3, .hidden_size = 1030}, 5},
        {{.cell = CLRNN_CELL_LSTM, .input_size = 3, .hidden_size = 1030}, 2},
        {{.cell = CLRNN_CELL_GRU, .input_size = 3, .hidden_size = 1025}, 1},
        {{.cell = CLRNN_CELL_LSTM, .input_size = 3, .hidden_size = 1027, .proj_size = 9}, 3}};
    for (size_t i = 0; i < COUNT(all); i++) {
        static const clr_partition cut = {.row_parts = 2, .unit_parts = 2, .most_spins = 20000};
        test_inputs in = test_inputs_random(&all[i].desc, 2, all[i].batch, NULL, 10 + i, 0.03);
        test_inputs_round(&in, CLRNN_F32);
        test_outputs expected = of_stepwise(*state, "long sums", &in, CLRNN_F32, true);
        clrnn_plan *plan = resident(*state, &in, CLRNN_F32, true, 0, &cut);
        test_run_same("long sums", plan, &in, &expected);
        test_force(plan, &alone);
        test_run_same("long sums of one group", plan, &in, &expected);
        clrnn_plan_destroy(&plan);
        test_outputs_free(&expected);
        test_inputs_free(&in);
    }
}

/* What fills a piece up behind the last unit is no number of h: infinity times 0 is none. */
static void infinite_state(void **state)
{
    test_need(*state, TEST_RESIDENT);
    static const clrnn_network_desc all[] = {
        {.cell = CLRNN_CELL_RNN, .input_size = 3, .hidden_size = 70},
        {.cell = CLRNN_CELL_LSTM, .input_size = 3, .hidden_size = 33}};
    for (size_t i = 0; i < COUNT(all); i++) {
        const uint32_t h = all[i].hidden_size;
        test_inputs in = test_inputs_random(&all[i], 2, 3, NULL, 20 + i, 0.1);
        test_inputs_round(&in, CLRNN_F32);
        for (uint32_t n = 0; n < in.batch; n++)
            in.h0[n * h + h - 1] = INFINITY;
        clrnn_plan *plan = test_stepwise(*state, &in, CLRNN_F32, false);
        test_outputs expected = test_run(plan, &in);
        clrnn_plan_destroy(&plan);
        for (size_t k = 0; k < (size_t)in.steps * in.batch * h; k++)
            assert_true(isfinite(expected.y[k]));
        plan = resident(*state, &in, CLRNN_F32, false, 0, &alone);
        test_run_same("infinity", plan, &in, &expected);
        clrnn_plan_destroy(&plan);
        test_outputs_free(&expected);
        test_inputs_free(&in);
    }
}

/* Chains in many tiles, and rows that come one after the other. */
static void chains_in_tiles(void **state)
{
    test_need(*state, TEST_RESIDENT);
    static const clrnn_network_desc all[] = {
        {.cell = CLRNN_CELL_LSTM, .input_size = 3, .hidden_size = 70},
        {.cell = CLRNN_CELL_LSTM, .input_size = 3, .hidden_size = 270, .proj_size = 37},
        {.cell = CLRNN_CELL_GRU, .input_size = 3, .hidden_size = 137}};
    clrnn_context *context = *state;
    const clrnn_device_info info = context->info;
    for (size_t i = 0; i < COUNT(all); i++) {
        static const clr_partition cut = {.row_parts = 1, .unit_parts = 2, .most_spins = 20000};
        test_inputs in = test_inputs_random(&all[i], 3, 6, NULL, 30 + i, 0.05);
        test_inputs_round(&in, CLRNN_F32);
        test_outputs expected = of_stepwise(context, "tiles", &in, CLRNN_F32, true);
        clrnn_plan *plan = resident(context, &in, CLRNN_F32, true, 0, &alone);
        const clr_persistent *p = &clr_scanner_of(plan)->kernels;
        const uint32_t whole = clr_resident_room_of(p, true, 6).tile;
        for (uint32_t tile = whole, before = whole; tile; before = tile) { /* less and less room */
            while (tile == before && tile)
                tile = (context->info.local_memory -= 64, clr_resident_room_of(p, true, 6).tile);
            if (!tile || !clr_resident_room_of(p, false, 6).tile)
                break;
            test_run_same("tiles", plan, &in, &expected);
            test_force(plan, &cut);
            test_run_same("tiles of two groups", plan, &in, &expected);
            test_force(plan, &alone);
        }
        context->info = info;
        clrnn_plan_destroy(&plan);
        test_outputs_free(&expected);
        test_inputs_free(&in);
    }
}

/* --- partitions --------------------------------------------------------------------------- */

/* A form whose units fill several passes of a group. */
static test_inputs inputs_of(size_t form, uint32_t steps, uint32_t batch)
{
    uint32_t ragged[13];
    clrnn_network_desc desc = test_sized_form(form, 17, 70, 37);
    for (uint32_t n = 0; n < COUNT(ragged); n++)
        ragged[n] = n * 5 % (steps + 1);
    desc.num_layers = 2;
    desc.bidirectional = form % 2;
    test_inputs in =
        test_inputs_random(&desc, steps, batch, form % 3 ? ragged : NULL, 100 + form, 0.1);
    test_inputs_round(&in, CLRNN_F32);
    return in;
}

static void every_cut(void **state)
{
    test_need(*state, TEST_RESIDENT);
    static const clr_partition partitions[] = {
        {.row_parts = 1, .unit_parts = 1},
        {.row_parts = 1, .unit_parts = 2, .most_spins = 20000},
        {.row_parts = 3, .unit_parts = 1},
        {.row_parts = 2, .unit_parts = 2, .most_spins = 2000},
        {.row_parts = 13, .unit_parts = 1},
        {.row_parts = 1, .unit_parts = 71, .most_spins = 10},
        {.row_parts = 1, .unit_parts = 5, .most_spins = 100}};
    for (int precision = 0; precision < test_precisions(*state); precision++)
        for (size_t form = 0; form < TEST_FORMS; form++)
            for (int train = 0; train < 2; train++) {
                const clrnn_precision p = (clrnn_precision)precision;
                if (p == CLRNN_F64 && !test_is_usual(&test_forms[form].desc))
                    continue; /* PoCL's compiler takes 2 s for each kernel */
                test_inputs in = inputs_of(form, 5, 13);
                test_outputs expected = of_stepwise(*state, test_forms[form].name, &in, p, train);
                clrnn_plan *plan = resident(*state, &in, p, train, 0, NULL);
                test_run_same(test_forms[form].name, plan, &in, &expected);
                for (size_t i = 0; i < COUNT(partitions); i++) {
                    test_force(plan, &partitions[i]);
                    test_run_same(test_forms[form].name, plan, &in, &expected);
                }
                (void)test_fallbacks(plan);
                clrnn_plan_destroy(&plan);
                test_outputs_free(&expected);
                test_inputs_free(&in);
            }
}

/* A plan cut as it chooses to where 2 to 64 groups are said to be co-resident. */
static void as_the_plan_chooses(void **state)
{
    test_need(*state, TEST_RESIDENT);
    clrnn_context *context = *state;
    for (size_t form = 0; form < TEST_FORMS; form++) {
        test_inputs in = inputs_of(form, 4, 9);
        test_outputs expected = of_stepwise(context, test_forms[form].name, &in, CLRNN_F32, true);
        clrnn_plan *plan = resident(context, &in, CLRNN_F32, true, 0, NULL);
        uint32_t *co_resident = clr_co_resident_groups(plan);
        assert_in_range(*co_resident, 1, clrnn_context_device(context)->compute_units);
        for (*co_resident = 1; *co_resident <= 64; *co_resident *= 2) {
            context->back_off_until = 0;
            test_run_same(test_forms[form].name, plan, &in, &expected);
        }
        clrnn_plan_destroy(&plan);
        test_outputs_free(&expected);
        test_inputs_free(&in);
    }
}

/* Launches of few steps follow one another, upwards and downwards. */
static void many_launches(void **state)
{
    test_need(*state, TEST_RESIDENT);
    static const clr_partition cut = {.row_parts = 1, .unit_parts = 2, .most_spins = 20000};
    for (size_t form = 0; form < TEST_FORMS; form++)
        for (int train = 0; train < 2; train++) {
            test_inputs in = inputs_of(form, 11, 2);
            test_outputs expected =
                of_stepwise(*state, test_forms[form].name, &in, CLRNN_F32, train);
            clrnn_plan *plan = resident(*state, &in, CLRNN_F32, train, 0, &cut);
            clr_scanner_of(plan)->launch_operations = 1e6; /* some steps */
            test_run_same(test_forms[form].name, plan, &in, &expected);
            clrnn_plan_destroy(&plan);
            test_outputs_free(&expected);
            test_inputs_free(&in);
        }
}

/* NaN in the state of one row reaches no other, although what is read past the end of a row is the
 * next one's. */
static void rows_apart(void **state)
{
    test_need(*state, TEST_RESIDENT);
    enum { T = 2, N = 5, BAD = 2 };
    for (size_t form = 0; form < TEST_FORMS; form++) {
        clrnn_network_desc desc = test_sized_form(form, 3, 70, 37);
        test_inputs in = test_inputs_random(&desc, T, N, NULL, 500 + form, 0.1);
        const size_t R = test_sizes_of(&in).h / N;
        clrnn_plan *plan = resident(*state, &in, CLRNN_F32, false, 0, &alone);
        test_outputs expected = test_run(plan, &in);
        for (size_t j = 0; j < R; j++)
            in.h0[BAD * R + j] = NAN;
        test_outputs got = test_run(plan, &in);
        for (size_t i = 0; i < T * N * R; i++)
            if (i / R % N == BAD)
                assert_true(isnan(got.y[i]));
            else
                assert_true(got.y[i] == expected.y[i]);
        test_outputs_free(&expected);
        test_outputs_free(&got);
        clrnn_plan_destroy(&plan);
        test_inputs_free(&in);
    }
}

/* --- groups ------------------------------------------------------------------------------- */

static void check_plan(const char *name, clrnn_plan *plan, const test_inputs *in,
                       const test_outputs *expected)
{
    static const clr_partition pair = {.row_parts = 1, .unit_parts = 2, .most_spins = 20000};
    test_force(plan, &alone);
    test_run_same(name, plan, in, expected);
    test_force(plan, &pair);
    test_run_same(name, plan, in, expected);
    clrnn_plan_destroy(&plan);
}

/* What is kept in registers, the size of a group, the rows at once: none of them in the bits. */
static void registers_and_rooms(void **state)
{
    test_need(*state, TEST_RESIDENT);
    static const size_t forms[] = {2, 3, 4}; /* an LSTM with and without P, a GRU */
    clrnn_context *context = *state;
    const clrnn_device_info info = context->info;
    for (size_t i = 0; i < COUNT(forms); i++) {
        test_inputs in = inputs_of(forms[i], 3, 5);
        const char *name = test_forms[forms[i]].name;
        test_outputs expected = of_stepwise(context, name, &in, CLRNN_F32, true);
        clrnn_plan *plan = resident(context, &in, CLRNN_F32, true, 72, NULL);
        assert_true(clr_scanner_of(plan)->kernels.forward.kept[0] > 1);
        check_plan("72 kept", plan, &in, &expected);

        context->info.max_work_group = 128;
        plan = resident(context, &in, CLRNN_F32, true, 0, NULL);
        assert_int_equal(clr_scanner_of(plan)->kernels.kind.items, 128);
        check_plan("128 items", plan, &in, &expected);

        context->info = info;
        plan = resident(context, &in, CLRNN_F32, true, 0, NULL);
        while (clr_resident_room_of(&clr_scanner_of(plan)->kernels, true, 5).rows > 1)
            context->info.local_memory -= 64;
        check_plan("a row at once", plan, &in, &expected);
        context->info = info;
        test_outputs_free(&expected);
        test_inputs_free(&in);
    }
}

static void rooms_that_are_too_small(void **state)
{
    test_need(*state, TEST_RESIDENT);
    clrnn_context *context = *state;
    const clrnn_device_info info = context->info;
    const clrnn_plan_desc desc = {.network = {.input_size = 3, .hidden_size = 64},
                                  .max_steps = 2,
                                  .max_batch = 2,
                                  .strategy = CLRNN_STRATEGY_RESIDENT};
    clrnn_plan *plan = NULL;
    context->info.device_fence = false;
    assert_int_equal(clrnn_plan_create(context, &desc, &plan), CLRNN_ERR_UNSUPPORTED);
    assert_error_contains("the device has no fences that reach them all");
    context->info = info;
    if (info.type & CL_DEVICE_TYPE_CPU) {
        clrnn_plan_desc rare = desc;
        rare.network.cell = CLRNN_CELL_GRU;
        rare.resets = rare.train = true;
        assert_int_equal(clrnn_plan_create(context, &rare, &plan), CLRNN_ERR_UNSUPPORTED);
        assert_error_contains("compilers for CPUs do not survive its kernel");
    }
    context->info.max_work_group = 64;
    assert_int_equal(clrnn_plan_create(context, &desc, &plan), CLRNN_ERR_UNSUPPORTED);
    assert_error_contains("strategy resident cannot run this: it needs work-groups of 128");
    context->info = info;
    context->info.local_memory = 512;
    assert_int_equal(clrnn_plan_create(context, &desc, &plan), CLRNN_ERR_UNSUPPORTED);
    assert_error_contains("does not fit the local memory");
    assert_null(plan);
    context->info = info;
}

/* What `rows` rows need with so much of each lane, together with what the kernels take by
 * themselves: as drivers align it. Counted from what a launch says. */
static size_t needed(clrnn_plan *plan, uint32_t rows)
{
    const size_t line = 128;
    clr_persistent *p = &clr_scanner_of(plan)->kernels;
    size_t most = 0;
    for (int back = 0; back < 2; back++) {
        const clr_resident_room room = clr_resident_room_of(p, back, rows);
        const clr_scan_kernel *k = back ? &p->backward : &p->forward;
        const size_t all = k->own_bytes + (room.from_bytes + line - 1) / line * line +
                           (room.part_bytes + line - 1) / line * line;
        assert_int_equal(room.part_bytes, (size_t)room.rows * k->take[0] * p->kind.items * 4);
        assert_in_range(all, 1, p->context->info.local_memory);
        most = all > most ? all : most;
    }
    return most;
}

static clrnn_plan *plan_in(clrnn_context *context, size_t local_memory, const test_inputs *in)
{
    context->info.type = CL_DEVICE_TYPE_CPU;
    context->info.local_memory = local_memory;
    return resident(context, in, CLRNN_F32, true, 0, NULL);
}

static uint32_t rows_of(clrnn_plan *plan, uint32_t N)
{
    const clr_persistent *p = &clr_scanner_of(plan)->kernels;
    const uint32_t forward = clr_resident_room_of(p, false, N).rows;
    const uint32_t backward = clr_resident_room_of(p, true, N).rows;
    return forward < backward ? forward : backward;
}

/* Local memory is used to the last byte and not beyond: what kernels take by themselves is asked
 * for, before the rows that are multiplied at once, how much of a lane is there, and the size of a
 * group, are chosen. */
static void local_memory_to_the_last_byte(void **state)
{
    test_need(*state, TEST_RESIDENT);
    static const size_t forms[] = {2, 3, 4}; /* an LSTM with and without P, a GRU */
    clrnn_context *context = *state;
    const clrnn_device_info info = context->info;
    const uint64_t enough = info.local_memory < 1u << 15 ? 1u << 15 : info.local_memory;
    for (size_t i = 0; i < COUNT(forms); i++) {
        test_inputs in = inputs_of(forms[i], 2, 5);
        clrnn_plan *plan = plan_in(context, enough, &in);
        clr_persistent *p = &clr_scanner_of(plan)->kernels;
        const clrnn_plan_desc desc = plan->desc;
        assert_int_equal(p->kind.items, 256);
        assert_int_equal(rows_of(plan, 1), 1);
        assert_int_equal(rows_of(plan, 5), LANE_ROWS);
        const size_t most = needed(plan, 5), one = needed(plan, 1);
        context->info.local_memory = most;
        assert_int_equal(rows_of(plan, 5), LANE_ROWS);
        assert_int_equal(needed(plan, 5), most);
        size_t least = one;
        uint32_t rows = LANE_ROWS;
        for (size_t room = most - 1; rows_of(plan, 1) && room > 0; room--) { /* less and less */
            context->info.local_memory = room;
            if (!rows_of(plan, 1))
                break;
            assert_in_range(rows_of(plan, 5), 1, rows);
            rows = rows_of(plan, 5);
            assert_in_range(needed(plan, 5), 1, room);
            least = room;
        }
        assert_int_equal(rows, 1);
        context->info.local_memory = least;
        assert_int_equal(needed(plan, 1), least);
        clrnn_plan_destroy(&plan);

        plan = plan_in(context, least, &in);
        assert_int_equal(clr_scanner_of(plan)->kernels.kind.items, 256);
        clrnn_plan_destroy(&plan);
        plan = plan_in(context, least - 1, &in);
        assert_int_equal(clr_scanner_of(plan)->kernels.kind.items, 128);
        for (p = &clr_scanner_of(plan)->kernels; rows_of(plan, 1);)
            context->info.local_memory--;
        clrnn_plan_destroy(&plan);

        for (int s = CLRNN_STRATEGY_STEPWISE; s <= CLRNN_STRATEGY_FUSED; s++) /* all passed */
            assert_int_equal(clr_self_test_note(context, &desc, (clrnn_strategy)s, true), CLRNN_OK);
        clrnn_plan_desc other = desc;
        assert_int_equal(clrnn_plan_create(context, &other, &plan), CLRNN_ERR_UNSUPPORTED);
        assert_error_contains("does not fit the local memory");
        context->info.type = CL_DEVICE_TYPE_GPU; /* as if it were one: another strategy is taken */
        other.strategy = CLRNN_STRATEGY_AUTO;
        context->info.local_memory = 256; /* (a GPU keeps more weights, and needs more) */
        assert_int_equal(clrnn_plan_create(context, &other, &plan), CLRNN_OK);
        assert_string_equal(clrnn_plan_get_info(plan)->strategy, "stepwise");
        clrnn_plan_destroy(&plan);
        context->info = info;
        test_inputs_free(&in);
    }
}

/* The wait for another group grows with what a group does in a step. */
static void waits_as_long_as_a_step(void **state)
{
    test_need(*state, TEST_RESIDENT);
    clrnn_context *context = *state;
    const clrnn_device_info info = context->info;
    test_inputs in = inputs_of(2, 2, 5); /* an LSTM with H 70 */
    clrnn_plan *plan = resident(context, &in, CLRNN_F32, false, 0, NULL);
    const double step = 2.0 * 4 * 70 * 70;
    for (int gpu = 0; gpu < 2; gpu++) {
        context->info.type = gpu ? CL_DEVICE_TYPE_GPU : CL_DEVICE_TYPE_CPU;
        /* of one row, a few milliseconds; tens of nanoseconds to a look, on a GPU hundreds */
        const uint32_t least = clr_scanner_spins(plan, 1, 1);
        assert_in_range(least, gpu ? 1 << 14 : 1 << 17, gpu ? 1 << 15 : 1 << 18);
        for (uint32_t N = 1; N <= 1 << 24; N *= 8) {
            double seconds = step * N / 2e10;
            double looks = fmin(seconds / (gpu ? 100e-9 : 10e-9), 1 << 28);
            uint32_t spins = clr_scanner_spins(plan, N, 1);
            assert_true(spins >= looks && spins <= looks + least);
            assert_true(clr_scanner_spins(plan, N, 2) >= spins);
        }
    }
    context->info = info;
    clrnn_plan_destroy(&plan);
    test_inputs_free(&in);
}

/* More groups than are co-resident, and too few spins: right all the same, and counted. */
static void waiting_in_vain(void **state)
{
    test_need(*state, TEST_RESIDENT);
    clr_partition partitions[10] = {{.row_parts = 1, .unit_parts = 32, .most_spins = 1000}};
    for (size_t i = 1; i < COUNT(partitions); i++)
        partitions[i] = (clr_partition){
            .row_parts = 1 + i % 2, .unit_parts = 2 + i % 3, .most_spins = 1u << i / 2};
    for (size_t form = 0; form < TEST_FORMS; form++)
        for (int train = 0; train < 2; train++) {
            test_inputs in = inputs_of(form, 4, 3);
            test_outputs expected =
                of_stepwise(*state, test_forms[form].name, &in, CLRNN_F32, train);
            clrnn_plan *plan = resident(*state, &in, CLRNN_F32, train, 0, NULL);
            for (size_t i = 0; i < COUNT(partitions); i++) {
                test_force(plan, &partitions[i]);
                test_run_same(test_forms[form].name, plan, &in, &expected);
            }
            assert_true(test_fallbacks(plan) > 0);
            clrnn_plan_destroy(&plan);
            test_outputs_free(&expected);
            test_inputs_free(&in);
        }
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, test_open, test_close)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(long_sums),
        TEST(infinite_state),
        TEST(chains_in_tiles),
        TEST(every_cut),
        TEST(as_the_plan_chooses),
        TEST(many_launches),
        TEST(rows_apart),
        TEST(registers_and_rooms),
        TEST(rooms_that_are_too_small),
        TEST(local_memory_to_the_last_byte),
        TEST(waits_as_long_as_a_step),
        TEST(waiting_in_vain),
    };
    return cmocka_run_group_tests_name("resident", tests, NULL, NULL);
}

/* SPDX-License-Identifier: MIT
 * tests/layer/test_sequences.c - x and y in f16 and bf16: the bits of a plan with floats that is
 * given the same x, and whose y is then rounded by the arithmetic of host/reference/stored.c. */
#include <clrnn/stream.h>

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "device/buffer.h"
#include "device/context.h"
#include "layer/device.h"
#include "layer/plan.h"
#include "reference/stored.h"

/* --- numbers of 16 bits -------------------------------------------------------------------- */

static uint16_t encode(clrnn_storage storage, double value)
{
    if (storage == CLRNN_WEIGHTS_BF16) {
        float number = (float)value;
        uint32_t bits;
        memcpy(&bits, &number, sizeof bits);
        return (uint16_t)(bits >> 16);
    }
    uint16_t sign = signbit(value) ? 0x8000 : 0;
    if (isnan(value) || isinf(value))
        return sign | (isnan(value) ? 0x7e00 : 0x7c00);
    int exponent = value != 0 && ilogb(value) > -15 ? ilogb(value) : -15; /* -15: denormal */
    double unit = ldexp(1, (exponent > -15 ? exponent : -14) - 10);
    return (uint16_t)(sign | ((exponent + 15) << 10) | ((int)(fabs(value) / unit) & 0x3ff));
}

static double decode(clrnn_storage storage, uint16_t bits)
{
    if (storage == CLRNN_WEIGHTS_BF16) {
        uint32_t word = (uint32_t)bits << 16;
        float number;
        memcpy(&number, &word, sizeof number);
        return number;
    }
    int exponent = bits >> 10 & 31, fraction = bits & 0x3ff;
    double size = exponent == 31  ? (fraction ? NAN : INFINITY)
                  : exponent == 0 ? ldexp(fraction, -24)
                                  : ldexp(1024 + fraction, exponent - 25);
    return bits & 0x8000 ? -size : size;
}

/* Both ways give all numbers. */
static void all_numbers(void **state)
{
    static const clrnn_storage storages[] = {CLRNN_WEIGHTS_F16, CLRNN_WEIGHTS_BF16};
    (void)state;
    for (size_t i = 0; i < COUNT(storages); i++)
        for (uint32_t bits = 0; bits < 0x10000; bits++) {
            double value = decode(storages[i], (uint16_t)bits);
            if (!isnan(value))
                assert_int_equal(encode(storages[i], value), bits);
        }
}

/* --- plans --------------------------------------------------------------------------------- */

/* hn or cn: the same bits. */
static void assert_states(const char *what, const void *got, const void *expected, size_t count)
{
    if (expected && memcmp(got, expected, count * sizeof(float)) != 0)
        fail_msg("%s differs", what);
}

static void assert_rounded(clrnn_storage storage, const uint16_t *got, const double *y,
                           size_t count)
{
    for (size_t i = 0; i < count; i++) {
        double expected = y[i];
        clr_reference_store(storage, &expected, 1, 1);
        double have = decode(storage, got[i]);
        if (!(have == expected || (isnan(have) && isnan(expected))))
            fail_msg("y[%zu] is %g, not %g", i, have, expected);
    }
}

/* The same pass with floats, and with x and y in `storage`, in chunks of 4 steps. */
static void check(clrnn_context *context, const test_inputs *inputs, size_t config,
                  clrnn_storage storage)
{
    test_inputs in = *inputs;
    test_sizes s = test_sizes_of(&in);
    uint16_t *x = calloc(s.x, sizeof *x), *y = calloc(s.y, sizeof *y);
    assert_true(x && y);
    in.x = calloc(s.x, sizeof *in.x);
    assert_non_null(in.x);
    memcpy(in.x, inputs->x, s.x * sizeof *in.x);
    clr_reference_store(storage, in.x, s.x, 1);
    for (size_t i = 0; i < s.x; i++)
        x[i] = encode(storage, in.x[i]);

    clrnn_plan_desc desc = test_plan_desc(&in, CLRNN_F32, false, config);
    clrnn_plan *plan = test_plan_make(context, &desc, &in);
    plan->chunk = 4;
    test_host wide = test_host_make(plan, &in);
    assert_int_equal(clrnn_forward_host(plan, &wide.io), CLRNN_OK);
    test_outputs expected = test_host_outputs(&wide);
    clrnn_plan_destroy(&plan);

    desc.sequences = storage;
    plan = test_plan_make(context, &desc, &in);
    plan->chunk = 4;
    test_host host = test_host_make(plan, &in);
    clrnn_host_io io = host.io;
    io.x = x;
    io.y = y;
    assert_int_equal(clrnn_forward_host(plan, &io), CLRNN_OK);
    assert_rounded(storage, y, expected.y, s.y);
    assert_states("hn", io.hn, wide.io.hn, s.h);
    assert_states("cn", io.cn, wide.io.cn, s.c);
    io.y = NULL; /* not wanted */
    assert_int_equal(clrnn_forward_host(plan, &io), CLRNN_OK);
    assert_states("hn", io.hn, wide.io.hn, s.h);

    test_host_free(&host);
    clrnn_plan_destroy(&plan);
    test_outputs_free(&expected);
    test_host_free(&wide);
    free(in.x);
    free(x);
    free(y);
}

/* Every form in every way, with all there is: layers, directions, lengths, chunks. */
static void every_form(void **state)
{
    enum { T = 11, N = 3 };
    static const uint32_t ragged[N] = {11, 0, 7};
    for (size_t form = 0; form < TEST_FORMS; form++)
        for (size_t config = test_next_way(*state, 0); config < TEST_CONFIGS;
             config = test_next_way(*state, config + 1)) {
            clrnn_network_desc desc = test_form(form, 1 + form % 3, (form + config) % 2);
            test_inputs in =
                test_inputs_random(&desc, T, N, form % 2 ? ragged : NULL, 50 + form, 0.5);
            test_inputs_round(&in, CLRNN_F32);
            check(*state, &in, config, form % 2 ? CLRNN_WEIGHTS_F16 : CLRNN_WEIGHTS_BF16);
            check(*state, &in, config, form % 2 ? CLRNN_WEIGHTS_BF16 : CLRNN_WEIGHTS_F16);
            test_inputs_free(&in);
        }
}

/* x that is infinite, not a number, denormal or large. */
static void extreme_numbers(void **state)
{
    clrnn_network_desc desc = test_form(0, 1, false);
    test_inputs in = test_inputs_random(&desc, 6, 2, NULL, 90, 0.5);
    test_inputs_round(&in, CLRNN_F32);
    size_t count = test_sizes_of(&in).x;
    in.x[0] = 1e-7;
    in.x[1] = -6e4;
    in.x[count - 1] = NAN;
    in.x[count / 2] = INFINITY;
    check(*state, &in, STEPWISE_PACKED, CLRNN_WEIGHTS_F16);
    check(*state, &in, STEPWISE_PACKED, CLRNN_WEIGHTS_BF16);
    test_inputs_free(&in);
}

/* Slices count numbers of 16 bits, from anywhere; what is around y remains. */
static void slices(void **state)
{
    enum { X_AT = 5, Y_AT = 3, BEHIND = 2 };
    clrnn_context *context = *state;
    clrnn_network_desc network = test_form(0, 1, false);
    test_inputs in = test_inputs_random(&network, 4, 2, NULL, 91, 0.5);
    test_sizes s = test_sizes_of(&in);
    clrnn_plan_desc desc = test_plan_desc(&in, CLRNN_F32, false, STEPWISE_PACKED);
    desc.sequences = CLRNN_WEIGHTS_BF16;
    clrnn_plan *plan = test_plan_make(context, &desc, &in);
    uint16_t *x = calloc(X_AT + s.x, sizeof *x), *y = calloc(Y_AT + s.y + BEHIND, sizeof *y);
    uint16_t *expected = calloc(s.y, sizeof *expected);
    assert_true(x && y && expected);
    for (size_t i = 0; i < s.x; i++) {
        clr_reference_store(CLRNN_WEIGHTS_BF16, &in.x[i], 1, 1);
        x[X_AT + i] = encode(CLRNN_WEIGHTS_BF16, in.x[i]);
    }
    memset(y, 0x55, (Y_AT + s.y + BEHIND) * sizeof *y);
    const clrnn_host_io host = {.x = x + X_AT, .y = expected};
    assert_int_equal(clrnn_forward_host(plan, &host), CLRNN_OK);

    cl_mem device_x = NULL, device_y = NULL;
    size_t x_bytes = (X_AT + s.x) * sizeof *x, y_bytes = (Y_AT + s.y + BEHIND) * sizeof *y;
    assert_int_equal(clr_buffer_create(context, x_bytes, &device_x), CLRNN_OK);
    assert_int_equal(clr_buffer_create(context, y_bytes, &device_y), CLRNN_OK);
    assert_int_equal(clr_buffer_write(context, device_x, 0, x_bytes, x), CLRNN_OK);
    assert_int_equal(clr_buffer_write(context, device_y, 0, y_bytes, y), CLRNN_OK);
    clrnn_forward_io io = {.x = {device_x, X_AT}, .y = {device_y, Y_AT}};
    assert_int_equal(clrnn_forward(plan, &io, NULL), CLRNN_OK);
    assert_int_equal(clr_buffer_read(context, device_y, 0, y_bytes, y), CLRNN_OK);
    assert_memory_equal(y + Y_AT, expected, s.y * sizeof *y);
    for (size_t i = 0; i < Y_AT + BEHIND; i++)
        assert_int_equal(y[i < Y_AT ? i : s.y + i], 0x5555);
    io.x.offset++;
    assert_int_equal(clrnn_forward(plan, &io, NULL), CLRNN_ERR_RANGE);
    assert_error_contains("slice x");
    io.x.offset = X_AT;
    io.y.offset = Y_AT + BEHIND + 1;
    assert_int_equal(clrnn_forward(plan, &io, NULL), CLRNN_ERR_RANGE);
    assert_error_contains("slice y");
    clr_buffer_destroy(&device_x);
    clr_buffer_destroy(&device_y);
    clrnn_plan_destroy(&plan);
    free(x);
    free(y);
    free(expected);
    test_inputs_free(&in);
}

/* Forward alone, what a plan holds does not grow with T. */
static void memory_does_not_grow(void **state)
{
    size_t bytes[2] = {0};
    for (size_t i = 0; i < 2; i++) {
        const clrnn_plan_desc desc = {.network = {.input_size = 64, .hidden_size = 64},
                                      .max_steps = i ? 40000 : 20000,
                                      .max_batch = 1,
                                      .sequences = CLRNN_WEIGHTS_F16};
        clrnn_plan *plan = NULL;
        assert_int_equal(clrnn_plan_create(*state, &desc, &plan), CLRNN_OK);
        bytes[i] = clrnn_plan_get_info(plan)->work_bytes;
        clrnn_plan_destroy(&plan);
    }
    assert_int_equal(bytes[0], bytes[1]);
}

static void refused(void **state)
{
    const clrnn_plan_desc good = {.network = {.input_size = 3, .hidden_size = 4},
                                  .max_steps = 2,
                                  .max_batch = 1,
                                  .sequences = CLRNN_WEIGHTS_F16};
    clrnn_plan_desc bad = good;
    clrnn_plan *plan = NULL;
    bad.sequences = CLRNN_WEIGHTS_INT8;
    assert_int_equal(clrnn_plan_create(*state, &bad, &plan), CLRNN_ERR_ARGUMENT);
    assert_error_contains("x and y are f32, f16 or bf16");
    bad.sequences = (clrnn_storage)-1;
    assert_int_equal(clrnn_plan_create(*state, &bad, &plan), CLRNN_ERR_ARGUMENT);
    bad = good;
    bad.train = true;
    assert_int_equal(clrnn_plan_create(*state, &bad, &plan), CLRNN_ERR_ARGUMENT);
    assert_error_contains("x and y are f16 only for inference");
    bad = good;
    bad.precision = CLRNN_F64;
    assert_int_equal(clrnn_plan_create(*state, &bad, &plan), CLRNN_ERR_ARGUMENT);
    assert_null(plan);
    assert_int_equal(clrnn_plan_create(*state, &good, &plan), CLRNN_OK);
    clrnn_stream *stream = NULL;
    assert_int_equal(clrnn_stream_create(plan, &stream), CLRNN_ERR_ARGUMENT);
    assert_error_contains("blocks are floats");
    clrnn_plan_destroy(&plan);
}

/* A plan that cannot be made leaves nothing behind. */
static void allocations_fail(void **state)
{
    const clrnn_plan_desc desc = {.network = {.input_size = 3, .hidden_size = 4},
                                  .max_steps = 2,
                                  .max_batch = 1,
                                  .strategy = CLRNN_STRATEGY_STEPWISE,
                                  .sequences = CLRNN_WEIGHTS_BF16};
    clrnn_plan *plan = NULL;
    assert_int_equal(clrnn_plan_create(*state, &desc, &plan), CLRNN_OK); /* compiles */
    clrnn_plan_destroy(&plan);
    const long alive = clr_live_objects();
    clrnn_status status = CLRNN_ERR_OPENCL;
    for (int i = 1; status != CLRNN_OK && i < 500; i++) {
        clr_fault_inject(CLR_FAULT_OPENCL, i);
        status = clrnn_plan_create(*state, &desc, &plan);
        clr_fault_inject(CLR_FAULT_OPENCL, 0);
        if (status == CLRNN_OK)
            clrnn_plan_destroy(&plan);
        assert_null(plan);
        assert_int_equal(clr_live_objects(), alive);
    }
    assert_int_equal(status, CLRNN_OK);
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, test_open, test_close)

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(all_numbers), TEST(every_form), TEST(extreme_numbers), TEST(slices),
        TEST(memory_does_not_grow),    TEST(refused),    TEST(allocations_fail)};
    return cmocka_run_group_tests_name("sequences", tests, NULL, NULL);
}

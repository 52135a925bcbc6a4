/* SPDX-License-Identifier: MIT
 * tests/math/test_gemm_failures.c - matrix products that cannot be made: each says why. */
#include "math/gemm.h"

#include "base/memory.h"
#include "math/prepared.h"
#include "train/array.h"

static clr_gemms clblast_of(clrnn_context *context)
{
    clr_gemms gemms;
    assert_int_equal(
        clr_gemms_init(context, CLRNN_F32, CLRNN_WEIGHTS_F32, CLRNN_GEMM_CLBLAST, &gemms),
        CLRNN_OK);
    assert_int_equal(clr_gemms_prepare(&gemms), CLRNN_OK);
    return gemms;
}

/* Everything that can fail in turn, until nothing does: each is reported and leaves nothing. */
static void failures_are_reported(void **state)
{
    array small = array_make(*state, CLRNN_F32, NULL, 64);
    const clr_matrix m = {small.buffer, 0, 4};
    const clr_gemm gemm = {
        .m = 2, .n = 3, .k = 4, .transpose_a = true, .a = m, .b = m, .c = {small.buffer, 40, 4}};
    for (size_t i = 0; i < choice_count(*state); i++) {
        clrnn_status status;
        long k = 0;
        do {
            clr_gemms gemms;
            clr_packed_matrix operand = {0};
            clr_fault_inject(CLR_FAULT_OPENCL, ++k);
            status = clr_gemms_init(*state, CLRNN_F32, CLRNN_WEIGHTS_F32, choices[i], &gemms);
            if (status == CLRNN_OK)
                status = clr_gemms_prepare(&gemms);
            if (status == CLRNN_OK)
                status = prepared_pack(&gemms, m, false, 3, 4, &operand);
            if (status == CLRNN_OK)
                status = clr_gemm_run(&gemms, &gemm);
            clr_fault_inject(CLR_FAULT_OPENCL, 0);
            prepared_free(&operand);
            clr_gemms_free(&gemms);
            if (status != CLRNN_OK)
                assert_error_contains("failed");
        } while (status != CLRNN_OK && k < 200);
        assert_int_equal(status, CLRNN_OK);
        assert_true(k > 4);
    }
    array_free(&small);
}

static void clblast_failures_are_reported(void **state)
{
    test_need(*state, TEST_CLBLAST);
    array small = array_make(*state, CLRNN_F32, NULL, 64);
    clr_gemms gemms = clblast_of(*state);
    clr_gemm gemm = {.m = 4,
                     .n = 5,
                     .k = 6,
                     .a = {small.buffer, 0, 6},
                     .b = {small.buffer, 24, 5},
                     .c = {small.buffer, 1000, 5}}; /* beyond the buffer */
    assert_int_equal(clr_gemm_run(&gemms, &gemm), CLRNN_ERR_OPENCL);
    assert_error_contains("product 4x5x6 failed");
    clr_gemms_free(&gemms);
    array_free(&small);
}

/* CLBlast passes offsets as 32-bit int to its kernels: what lies beyond must be refused. */
static void more_than_32_bits(void **state)
{
    test_need(*state, TEST_CLBLAST);
    array small = array_make(*state, CLRNN_F32, NULL, 64);
    clr_gemms gemms = clblast_of(*state);
    const size_t far = (size_t)1 << 31;
    for (int i = 0; i < 5; i++) {
        clr_gemm gemm = {.m = 4,
                         .n = 5,
                         .k = i == 4 ? far : 6,
                         .a = {small.buffer, i == 0 ? far : 0, 6},
                         .b = {small.buffer, i == 1 ? far : 0, 5},
                         .c = {small.buffer, i == 2 ? far - 19 : 0, i == 3 ? far / 3 : 5}};
        assert_int_equal(clr_gemm_run(&gemms, &gemm), CLRNN_ERR_RANGE);
        assert_error_contains("2^31");
    }
    clr_gemms_free(&gemms);
    array_free(&small);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, test_open, test_close)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(failures_are_reported),
        TEST(clblast_failures_are_reported),
        TEST(more_than_32_bits),
    };
    return cmocka_run_group_tests_name("gemm failures", tests, NULL, NULL);
}

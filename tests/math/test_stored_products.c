/* SPDX-License-Identifier: MIT
 * tests/math/test_stored_products.c - products with weights kept in fewer bits, against the
 * plainest loops with what is kept. */
#include <math.h>
#include <stdlib.h>

#include "base/memory.h"
#include "device/buffer.h"
#include "math/matrix.h"
#include "math/prepared.h"

#define COUNT(array) (sizeof(array) / sizeof *(array))

static const clrnn_storage storages[] = {CLRNN_WEIGHTS_F16, CLRNN_WEIGHTS_BF16, CLRNN_WEIGHTS_INT8};
static clr_gemms gemms_of(clrnn_context *context, clrnn_storage storage, clrnn_gemm choice)
{
    clr_gemms gemms;
    assert_int_equal(clr_gemms_init(context, CLRNN_F32, storage, choice, &gemms), CLRNN_OK);
    return gemms;
}

static void every_size(clr_gemms *gemms)
{
    static const size_t sizes[] = {1, 7, 17, 33, 65, 93, 130};
    for (unsigned bits = 0; bits < 8; bits++)
        for (size_t i = 0; i < COUNT(sizes); i++) {
            const product p = {.m = sizes[i],
                               .n = sizes[(2 * i + bits) % COUNT(sizes)],
                               .k = sizes[(3 * i + 5 * bits + 2) % COUNT(sizes)],
                               .transpose_a = bits & 1,
                               .transpose_b = bits & 2,
                               .accumulate = bits & 4,
                               .offset = (i + bits) % 3 * 11,
                               .gap = (i + bits) % 2 * 9};
            product_run(gemms, &p, true);
        }
}

static void several_blocks(clr_gemms *gemms)
{
    static const product list[] = {{.m = 1, .n = 520, .k = 513, .transpose_b = true},
                                   {.m = 3, .n = 31, .k = 257, .transpose_b = true, .gap = 1},
                                   {.m = 13, .n = 33, .k = 700, .accumulate = true, .gap = 3}};
    for (size_t i = 0; i < COUNT(list); i++)
        product_run(gemms, &list[i], true);
}

static void products(void **state)
{
    for (size_t s = 0; s < COUNT(storages); s++)
        for (size_t c = 0; c < choice_count(*state); c++) {
            clr_gemms gemms = gemms_of(*state, storages[s], choices[c]);
            every_size(&gemms);
            several_blocks(&gemms);
            clr_gemms_free(&gemms);
        }
}

static void vector_widths(void **state)
{
    test_need(*state, TEST_COMPILER);
    static const uint32_t widths[] = {1, 4, 8, 16};
    clrnn_context *context = *state;
    const uint32_t own = context->info.vector_width;
    for (size_t s = 0; s < COUNT(storages); s++)
        for (size_t w = 0; w < COUNT(widths); w++) {
            context->info.vector_width = widths[w];
            clr_gemms gemms = gemms_of(context, storages[s], CLRNN_GEMM_PACKED);
            several_blocks(&gemms);
            clr_gemms_free(&gemms);
        }
    context->info.vector_width = own;
}

/* Packing an operand again takes the new contents; our kernels' panels are as small as promised. */
static void operand_packed_again(void **state)
{
    enum { N = 33, K = 17, M = 2 };
    for (size_t s = 0; s < COUNT(storages); s++)
        for (size_t c = 0; c < choice_count(*state); c++) {
            clr_gemms gemms = gemms_of(*state, storages[s], choices[c]);
            clr_packed_matrix operand = {0};
            matrix a = matrix_make(*state, CLRNN_F32, M, K, 0, 0, 1, 0);
            double *results[3];
            for (int pass = 0; pass < 3; pass++) { /* the third is the first again */
                matrix b = matrix_make(*state, CLRNN_F32, N, K, 2, 1, 2 + pass % 2, NAN);
                array out = array_make(*state, CLRNN_F32, NULL, (size_t)M * N);
                const clr_gemm gemm = {
                    .m = M, .a = matrix_place(&a), .c = {out.buffer, 0, N}, .prepared = &operand};
                assert_int_equal(prepared_pack(&gemms, matrix_place(&b), true, N, K, &operand),
                                 CLRNN_OK);
                assert_int_equal(clr_gemm_run(&gemms, &gemm), CLRNN_OK);
                results[pass] = array_read(&out);
                matrix_free(&b);
                array_free(&out);
            }
            assert_memory_not_equal(results[0], results[1], sizeof(double) * M * N);
            assert_memory_equal(results[0], results[2], sizeof(double) * M * N);
            if (gemms.own) {
                size_t width = gemms.packed.tile_n, columns = (N + width - 1) / width * width;
                assert_int_equal(clr_packing_of(&gemms)->bytes(&gemms, N, K),
                                 columns * (storages[s] == CLRNN_WEIGHTS_INT8 ? 4 + 20 : 2 * K));
            }
            for (int pass = 0; pass < 3; pass++)
                free(results[pass]);
            matrix_free(&a);
            prepared_free(&operand);
            clr_gemms_free(&gemms);
        }
}

/* NaN and infinity among the weights of an output reach that output, and no others. */
static void nan_and_infinity(void **state)
{
    enum { M = 7, N = 17, K = 9 };
    for (size_t s = 0; s < COUNT(storages); s++)
        for (size_t c = 0; c < choice_count(*state); c++) {
            clr_gemms gemms = gemms_of(*state, storages[s], choices[c]);
            clr_packed_matrix operand = {0};
            double *a = test_random((size_t)M * K, 1, 1), *b = test_random((size_t)N * K, 2, 1);
            b[3 * K + 2] = NAN;
            b[16 * K + 8] = storages[s] == CLRNN_WEIGHTS_F16 ? 65520 : INFINITY;
            array left = array_make(*state, CLRNN_F32, a, (size_t)M * K);
            array right = array_make(*state, CLRNN_F32, b, (size_t)N * K);
            array out = array_make(*state, CLRNN_F32, NULL, (size_t)M * N);
            const clr_gemm gemm = {
                .m = M, .a = {left.buffer, 0, K}, .c = {out.buffer, 0, N}, .prepared = &operand};
            assert_int_equal(
                prepared_pack(&gemms, (clr_matrix){right.buffer, 0, K}, true, N, K, &operand),
                CLRNN_OK);
            assert_int_equal(clr_gemm_run(&gemms, &gemm), CLRNN_OK);
            double *got = array_read(&out);
            for (size_t i = 0; i < (size_t)M * N; i++) {
                bool nan = i % N == 3 || (i % N == 16 && storages[s] == CLRNN_WEIGHTS_INT8);
                bool infinite = i % N == 16 && !nan;
                assert_true(nan ? isnan(got[i]) : infinite ? isinf(got[i]) : isfinite(got[i]));
                if (infinite)
                    assert_true((got[i] > 0) == (a[i / N * K + 8] > 0));
            }
            free(got);
            free(a);
            free(b);
            array_free(&left);
            array_free(&right);
            array_free(&out);
            prepared_free(&operand);
            clr_gemms_free(&gemms);
        }
}

/* --- refusals ----------------------------------------------------------------------------- */

static void unprepared_products(void **state)
{
    array small = array_make(*state, CLRNN_F32, NULL, 64);
    const clr_matrix m = {small.buffer, 0, 4};
    const clr_gemm gemm = {.m = 2, .n = 3, .k = 4, .a = m, .b = m, .c = {small.buffer, 40, 4}};
    for (size_t c = 0; c < choice_count(*state); c++) {
        clr_gemms gemms = gemms_of(*state, CLRNN_WEIGHTS_BF16, choices[c]);
        assert_int_equal(clr_gemm_run(&gemms, &gemm), CLRNN_ERR_ARGUMENT);
        assert_error_contains("2x3x4: only prepared");
        clr_gemms_free(&gemms);
    }
    array_free(&small);
}

/* Everything that can fail in turn, until nothing does: each is reported and leaves nothing. */
static void failures_are_reported(void **state)
{
    array small = array_make(*state, CLRNN_F32, NULL, 64);
    const clr_matrix m = {small.buffer, 0, 4};
    for (size_t c = 0; c < choice_count(*state); c++) {
        clrnn_status status;
        long k = 0;
        do {
            clr_gemms gemms;
            clr_packed_matrix operand = {0};
            const clr_gemm gemm = {
                .m = 2, .a = m, .c = {small.buffer, 40, 4}, .prepared = &operand};
            clr_fault_inject(CLR_FAULT_OPENCL, ++k);
            status = clr_gemms_init(*state, CLRNN_F32, CLRNN_WEIGHTS_INT8, choices[c], &gemms);
            if (status == CLRNN_OK)
                status = prepared_pack(&gemms, m, true, 3, 4, &operand);
            if (status == CLRNN_OK)
                status = clr_gemm_run(&gemms, &gemm);
            clr_fault_inject(CLR_FAULT_OPENCL, 0);
            prepared_free(&operand);
            clr_gemms_free(&gemms);
            if (status != CLRNN_OK)
                assert_error_contains("failed");
        } while (status != CLRNN_OK && k < 200);
        assert_int_equal(status, CLRNN_OK);
        assert_true(k > 6);
    }
    array_free(&small);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, test_open, test_close)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(products),         TEST(vector_widths),       TEST(operand_packed_again),
        TEST(nan_and_infinity), TEST(unprepared_products), TEST(failures_are_reported),
    };
    return cmocka_run_group_tests_name("stored products", tests, NULL, NULL);
}

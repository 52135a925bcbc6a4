/* SPDX-License-Identifier: MIT
 * tests/math/test_gemm.c - matrix products on the device, by CLBlast and by our own kernels,
 * against the plainest loops. What lies around A and B is NaN, so a read outside shows; what lies
 * around C must stay as it was. */
#include "math/gemm.h"

#include <clblast_c.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "math/matrix.h"
#include "math/prepared.h"

#define COUNT(array) (sizeof(array) / sizeof *(array))

static const size_t sizes[] = {1, 7, 17, 33, 65, 93, 130};

static clr_gemms gemms_of(clrnn_context *context, int precision, clrnn_gemm choice)
{
    clr_gemms gemms;
    assert_int_equal(
        clr_gemms_init(context, (clrnn_precision)precision, CLRNN_WEIGHTS_F32, choice, &gemms),
        CLRNN_OK);
    return gemms;
}

static void every_size_and_transpose(void **state)
{
    size_t done = 0;
    for (int precision = 0; precision < precisions(*state); precision++)
        for (size_t c = 0; c < choice_count(*state); c++) {
            clr_gemms gemms = gemms_of(*state, precision, choices[c]);
            for (unsigned bits = 0; bits < 8; bits++)
                for (size_t i = 0; i < COUNT(sizes); i++) {
                    /* Each size in each place, in another company for each kind of product. */
                    const product p = {.m = sizes[i],
                                       .n = sizes[(2 * i + bits) % COUNT(sizes)],
                                       .k = sizes[(3 * i + 5 * bits + 2) % COUNT(sizes)],
                                       .transpose_a = bits & 1,
                                       .transpose_b = bits & 2,
                                       .accumulate = bits & 4,
                                       .offset = (i + bits) % 3 * 11,
                                       .gap = (i + bits) % 2 * 9};
                    product_run(&gemms, &p, (i + bits) % 2);
                    done++;
                }
            clr_gemms_free(&gemms);
        }
    assert_int_equal(done, (size_t)precisions(*state) * choice_count(*state) * 8 * COUNT(sizes));
}

/* The shapes of a pass: a few rows, tall and thin, a long sum (a weight gradient). */
static void shapes_of_a_pass(void **state)
{
    static const product list[] = {
        {.m = 1, .n = 520, .k = 130, .transpose_b = true, .offset = 64},
        {.m = 2, .n = 130, .k = 520, .accumulate = true, .gap = 7},
        {.m = 4, .n = 31, .k = 257, .transpose_b = true, .gap = 1},
        {.m = 3000, .n = 33, .k = 17, .transpose_b = true, .offset = 1},
        {.m = 64, .n = 1, .k = 40, .gap = 2},
        {.m = 29, .n = 3, .k = 70, .transpose_a = true, .accumulate = true},
        {.m = 9001, .n = 3, .k = 33, .transpose_a = true},
        {.m = 6, .n = 4, .k = 200, .transpose_b = true, .accumulate = true, .gap = 1},
        {.m = 93, .n = 65, .k = 5000, .transpose_a = true, .accumulate = true},
        {.m = 7, .n = 33, .k = 20000, .transpose_a = true, .gap = 3},
        {.m = 200, .n = 257, .k = 300, .transpose_a = true, .transpose_b = true, .gap = 1},
    };
    for (int precision = 0; precision < precisions(*state); precision++)
        for (size_t c = 0; c < choice_count(*state); c++) {
            clr_gemms gemms = gemms_of(*state, precision, choices[c]);
            for (size_t i = 0; i < COUNT(list); i++)
                product_run(&gemms, &list[i], i % 2);
            clr_gemms_free(&gemms);
        }
}

/* Our kernels are built for the width of the device's vectors; here for every width there is. */
static void vector_widths(void **state)
{
    test_need(*state, TEST_COMPILER);
    static const product list[] = {{.m = 7, .n = 33, .k = 65, .transpose_a = true, .gap = 2},
                                   {.m = 13, .n = 17, .k = 300, .transpose_b = true, .offset = 3},
                                   {.m = 1, .n = 1, .k = 1, .accumulate = true}};
    static const uint32_t widths[] = {1, 4, 8, 16};
    clrnn_context *context = *state;
    const uint32_t own = context->info.vector_width;
    for (int precision = 0; precision < precisions(context); precision++)
        for (size_t w = 0; w < COUNT(widths); w++) {
            context->info.vector_width = widths[w];
            clr_gemms gemms = gemms_of(context, precision, CLRNN_GEMM_PACKED);
            for (size_t i = 0; i < COUNT(list); i++)
                product_run(&gemms, &list[i], i % 2);
            clr_gemms_free(&gemms);
        }
    context->info.vector_width = own;
}

/* Packing an operand again takes the new contents of the matrix. */
static void operand_packed_again(void **state)
{
    enum { M = 5, N = 33, K = 17 };
    for (size_t i = 0; i < choice_count(*state); i++) {
        clr_gemms gemms = gemms_of(*state, CLRNN_F32, choices[i]);
        clr_packed_matrix operand = {0};
        double *last = NULL;
        matrix a = matrix_make(*state, CLRNN_F32, M, K, 0, 0, 1, 0);
        for (int pass = 0; pass < 3; pass++) { /* the third is the first again */
            matrix b = matrix_make(*state, CLRNN_F32, K, N, 2, 1, 2 + pass % 2, NAN);
            array c = array_make(*state, CLRNN_F32, NULL, (size_t)M * N);
            const clr_gemm gemm = {
                .m = M, .a = matrix_place(&a), .c = {c.buffer, 0, N}, .prepared = &operand};
            assert_int_equal(prepared_pack(&gemms, matrix_place(&b), false, N, K, &operand),
                             CLRNN_OK);
            assert_int_equal(clr_gemm_run(&gemms, &gemm), CLRNN_OK);
            double *got = array_read(&c);
            if (pass == 1)
                assert_memory_not_equal(got, last, M * N * sizeof *got);
            if (pass == 2)
                assert_memory_equal(got, last, M * N * sizeof *got);
            if (pass == 0)
                last = got;
            else
                free(got);
            matrix_free(&b);
            array_free(&c);
        }
        free(last);
        matrix_free(&a);
        prepared_free(&operand);
        clr_gemms_free(&gemms);
    }
}

/* Our own kernels: an element has the same bits whatever rows and columns are around it. */
static void packed_is_invariant(void **state)
{
    enum { M = 65, N = 93, K = 300 };
    clr_gemms gemms = gemms_of(*state, CLRNN_F32, CLRNN_GEMM_PACKED);
    matrix a = matrix_make(*state, CLRNN_F32, M, K, 0, 0, 1, 0);
    matrix b = matrix_make(*state, CLRNN_F32, K, N, 0, 0, 2, 0);
    array whole = array_make(*state, CLRNN_F32, NULL, (size_t)M * N);
    array parts = array_make(*state, CLRNN_F32, NULL, (size_t)M * N);
    clr_gemm gemm = {.m = M, .n = N, .k = K, .a = matrix_place(&a), .b = matrix_place(&b)};
    gemm.c = (clr_matrix){whole.buffer, 0, N};
    assert_int_equal(clr_gemm_run(&gemms, &gemm), CLRNN_OK);
    for (size_t row = 0, rows = 1; row < M; row += rows, rows = rows % 9 + 1)
        for (size_t column = 0; column < N; column += 31) {
            gemm.m = M - row < rows ? M - row : rows;
            gemm.n = 31;
            gemm.a.offset = row * K;
            gemm.b.offset = column;
            gemm.c = (clr_matrix){parts.buffer, row * N + column, N};
            assert_int_equal(clr_gemm_run(&gemms, &gemm), CLRNN_OK);
        }
    double *one = array_read(&whole), *two = array_read(&parts);
    assert_memory_equal(one, two, M * N * sizeof *one);
    free(one);
    free(two);
    matrix_free(&a);
    matrix_free(&b);
    array_free(&whole);
    array_free(&parts);
    clr_gemms_free(&gemms);
}

static void choice_and_nothing_to_do(void **state)
{
    const clr_gemm no_rows = {.n = 3, .k = 2}, no_columns = {.m = 3, .k = 2};
    const bool cpu = clrnn_context_device(*state)->type & CL_DEVICE_TYPE_CPU;
    static const char *const names[] = {"packed", "clblast"};
    for (size_t i = 0; i < choice_count(*state); i++) {
        clr_gemms gemms = gemms_of(*state, CLRNN_F32, choices[i]);
        assert_string_equal(clr_gemms_name(&gemms), names[i]);
        assert_int_equal(clr_gemm_run(&gemms, &no_rows), CLRNN_OK);
        assert_int_equal(clr_gemm_run(&gemms, &no_columns), CLRNN_OK);
        clr_gemms_free(&gemms);
    }
    clr_gemms gemms = gemms_of(*state, CLRNN_F32, CLRNN_GEMM_AUTO);
    assert_string_equal(clr_gemms_name(&gemms), names[!cpu]);
    clr_gemms_free(&gemms);
}

/* NaN and infinity in A and B reach the elements they belong to, and no others. */
static void check_nan_and_infinity(clr_gemms *gemms)
{
    enum { M = 7, N = 17, K = 9 };
    clrnn_context *context = gemms->context;
    matrix a = matrix_make(context, CLRNN_F32, M, K, 0, 0, 1, 0);
    matrix b = matrix_make(context, CLRNN_F32, K, N, 0, 0, 2, 0);
    array c = array_make(context, CLRNN_F32, NULL, (size_t)M * N);
    a.values[2 * K + 4] = NAN;
    b.values[3 * N + 16] = INFINITY;
    array_free(&a.a);
    array_free(&b.a);
    a.a = array_make(context, CLRNN_F32, a.values, a.count);
    b.a = array_make(context, CLRNN_F32, b.values, b.count);
    const clr_gemm gemm = {.m = M,
                           .n = N,
                           .k = K,
                           .a = matrix_place(&a),
                           .b = matrix_place(&b),
                           .c = {c.buffer, 0, N}};
    assert_int_equal(clr_gemm_run(gemms, &gemm), CLRNN_OK);
    double *got = array_read(&c);
    for (size_t i = 0; i < (size_t)M * N; i++) {
        size_t row = i / N, column = i % N;
        if (row == 2)
            assert_true(isnan(got[i]));
        else if (column == 16)
            assert_true(isinf(got[i]) && (got[i] > 0) == (a.values[row * K + 3] > 0));
        else
            assert_true(isfinite(got[i]));
    }
    free(got);
    matrix_free(&a);
    matrix_free(&b);
    array_free(&c);
}

static void nan_and_infinity(void **state)
{
    for (size_t i = 0; i < choice_count(*state); i++) {
        clr_gemms gemms = gemms_of(*state, CLRNN_F32, choices[i]);
        check_nan_and_infinity(&gemms);
        clr_gemms_free(&gemms);
    }
}

/* CLBlast's kernels for a context of the application's own hold it: what it says of references. The
 * least of many: for Mesa commands that have ended still hold it for a while. */
static cl_uint references(clrnn_context *context)
{
    cl_uint least = UINT32_MAX;
    for (int i = 0; i < 200; i++) {
        cl_uint count = 0;
        assert_int_equal(clrnn_context_finish(context), CLRNN_OK);
        assert_int_equal(clGetContextInfo(clrnn_context_cl(context), CL_CONTEXT_REFERENCE_COUNT,
                                          sizeof count, &count, NULL),
                         CL_SUCCESS);
        least = count < least ? count : least;
    }
    return least;
}

/* A context that comes and goes takes nothing from an application that uses CLBlast too. */
static void the_application_keeps_its_kernels(void **state)
{
    test_need(*state, TEST_CLBLAST);
    clrnn_context *theirs = NULL, *ours = NULL;
    const clrnn_device_info *device = clrnn_context_device(*state);
    const clrnn_context_desc desc = {.log = test_log, .cache_dir = ""};
    assert_int_equal(clr_context_open(&desc, device, &theirs), CLRNN_OK);
    array numbers = array_make(theirs, CLRNN_F32, NULL, 3);
    cl_command_queue queue = clrnn_context_queue(theirs);
    assert_int_equal(CLBlastSgemm(CLBlastLayoutRowMajor, CLBlastTransposeNo, CLBlastTransposeNo, 1,
                                  1, 1, 1, numbers.buffer, 0, 1, numbers.buffer, 1, 1, 0,
                                  numbers.buffer, 2, 1, &queue, NULL),
                     CLBlastSuccess);
    const cl_uint before = references(theirs);
    assert_int_equal(clr_context_open(&desc, device, &ours), CLRNN_OK);
    clr_gemms gemms = gemms_of(ours, CLRNN_F32, CLRNN_GEMM_CLBLAST);
    assert_int_equal(clr_gemms_prepare(&gemms), CLRNN_OK);
    clr_gemms_free(&gemms);
    clrnn_context_destroy(&ours);
    assert_int_equal(references(theirs), before);
    array_free(&numbers);
    clrnn_context_destroy(&theirs);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, test_open, test_close)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(every_size_and_transpose),
        TEST(shapes_of_a_pass),
        TEST(vector_widths),
        TEST(operand_packed_again),
        TEST(packed_is_invariant),
        TEST(choice_and_nothing_to_do),
        TEST(nan_and_infinity),
        TEST(the_application_keeps_its_kernels),
    };
    return cmocka_run_group_tests_name("gemm", tests, NULL, NULL);
}

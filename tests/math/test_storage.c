/* SPDX-License-Identifier: MIT
 * tests/math/test_storage.c - weights kept in fewer bits: what becomes of each number, where it is
 * put, and products with what is kept. */
#include "math/storage.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "device/buffer.h"
#include "math/matrix.h"
#include "math/packed.h"
#include "stored.h"

#define COUNT(array) (sizeof(array) / sizeof *(array))

static const clrnn_storage storages[] = {CLRNN_WEIGHTS_F16, CLRNN_WEIGHTS_BF16, CLRNN_WEIGHTS_INT8};
static const clrnn_gemm choices[] = {CLRNN_GEMM_CLBLAST, CLRNN_GEMM_PACKED};

static clr_store store_of(clrnn_context *context, clrnn_storage storage)
{
    clr_store store;
    assert_int_equal(clr_store_init(context, storage, &store), CLRNN_OK);
    return store;
}

/* --- numbers ------------------------------------------------------------------------------ */

static float float_of(uint32_t bits)
{
    float value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

/* The number of 16 bits of f16, those of infinity and NaN counted on as if they were numbers. */
static double half_of(uint32_t bits)
{
    int exponent = bits >> 10 & 31, fraction = bits & 1023;
    double size = exponent ? ldexp(1024 + fraction, exponent - 25) : ldexp(fraction, -24);
    return bits & 0x8000 ? -size : size;
}

/* What the device keeps of [rows,columns]: to be freed. */
static double *kept(clr_store *store, const double *values, size_t rows, size_t columns)
{
    array in = array_make(store->context, CLRNN_F32, values, rows * columns);
    array out = array_make(store->context, CLRNN_F32, NULL, rows * columns);
    const clr_matrix m = {in.buffer, 0, columns};
    assert_int_equal(clr_store_round(store, m, true, rows, columns, out.buffer), CLRNN_OK);
    double *result = array_read(&out);
    array_free(&in);
    array_free(&out);
    return result;
}

static bool same(double a, double b)
{
    return isnan(a) ? isnan(b) : a == b && !signbit(a) == !signbit(b);
}

/* What the device keeps is what the host would, to the bit. */
static void check_numbers(clr_store *store, const double *values, size_t rows, size_t columns)
{
    double *expected = calloc(rows * columns, sizeof *expected);
    assert_non_null(expected);
    memcpy(expected, values, rows * columns * sizeof *expected);
    test_store(store->storage, expected, rows, columns);
    double *got = kept(store, values, rows, columns);
    for (size_t i = 0; i < rows * columns; i++)
        if (!same(got[i], (double)(float)expected[i]))
            fail_msg("%s: of %a the device keeps %a, not %a", test_storage_names[store->storage],
                     values[i], got[i], expected[i]);
    free(expected);
    free(got);
}

/* Every number of f16 and bf16, the middle between it and the next, and the floats beside these. */
static void every_number(void **state)
{
    enum { ROWS = 256, COLUMNS = 256, SHIFTS = 6 };
    for (int s = 0; s < 2; s++) {
        clr_store store = store_of(*state, storages[s]);
        double *values = calloc((size_t)ROWS * COLUMNS, sizeof *values);
        assert_non_null(values);
        for (int shift = 0; shift < SHIFTS; shift++) {
            for (uint32_t i = 0; i < ROWS * COLUMNS; i++) {
                uint32_t exponent = i >> 10 & 31, fraction = i & 1023;
                double half =
                    exponent ? ldexp(1024 + fraction, (int)exponent - 25) : ldexp(fraction, -24);
                double step = ldexp(1, (exponent ? (int)exponent : 1) - 25);
                float number = float_of(i << 16), middle = float_of(i << 16 | 0x8000);
                if (s == 0) {
                    number = (float)(i >> 15 ? -half : half);
                    middle = (float)(i >> 15 ? -half - step / 2 : half + step / 2);
                }
                float at = shift < 3 ? number : middle;
                const float beside[] = {at, nextafterf(at, INFINITY), nextafterf(at, -INFINITY)};
                values[i] = beside[shift % 3];
            }
            check_numbers(&store, values, ROWS, COLUMNS);
        }
        free(values);
        clr_store_free(&store);
    }
}

/* Pseudo-random floats of all sizes, and the special ones. */
static void other_numbers(void **state)
{
    static const uint32_t special[] = {0x00000000, 0x80000000, 0x00000001, 0x807fffff, 0x00800000,
                                       0x7f7fffff, 0xff7fffff, 0x7f800000, 0xff800000, 0x7fc00000,
                                       0x7f800001, 0xffffffff, 0x477fefff, 0x477ff000, 0xc77ff000,
                                       0x33000000, 0x33000001, 0xb2ffffff, 0x387fdfff, 0x387fe000};
    enum { N = 1 << 16 };
    double *values = calloc(N, sizeof *values);
    double *random = test_random(2 * N, 5, 65536);
    assert_non_null(values);
    for (uint32_t i = 0; i < N; i++)
        values[i] = float_of(i < COUNT(special) ? special[i]
                                                : (uint32_t)(int32_t)random[i] << 16 ^
                                                      (uint32_t)(int32_t)random[N + i]);
    for (int s = 0; s < 2; s++) {
        clr_store store = store_of(*state, storages[s]);
        check_numbers(&store, values, 1, N);
        clr_store_free(&store);
    }
    free(random);
    free(values);
}

/* Rows of all sizes, each with a scale of its own, and some with what has none. */
static void int8_rows(void **state)
{
    enum { ROWS = 13, COLUMNS = 301 };
    static const double sizes[ROWS] = {1,        1e-3,     1e30,     0x1p-93, 0x1p-100,
                                       0x1p-101, 0x1p-140, 0x1p-149, 0,       0x1.fffffep127,
                                       1,        1,        127};
    clr_store store = store_of(*state, CLRNN_WEIGHTS_INT8);
    double *values = test_random((size_t)ROWS * COLUMNS, 3, 1);
    for (size_t i = 0; i < (size_t)ROWS * COLUMNS; i++)
        values[i] = (float)(values[i] * sizes[i / COLUMNS]);
    values[10 * COLUMNS + 7] = NAN;
    values[11 * COLUMNS + 300] = -INFINITY;
    for (size_t i = 0; i < COLUMNS; i++) /* exactly between two multiples: to the even one */
        values[12 * COLUMNS + i] = i ? (double)(i % 253) / 2 - 63 : -127;
    check_numbers(&store, values, ROWS, COLUMNS);
    double *got = kept(&store, values, ROWS, COLUMNS);
    for (size_t i = 0; i < COLUMNS; i++) {
        assert_true(fabs(got[i] - values[i]) <= 0.5 / 126.9 && got[8 * COLUMNS + i] == 0);
        assert_true(isnan(got[10 * COLUMNS + i]) && isnan(got[11 * COLUMNS + i]));
        assert_true(got[12 * COLUMNS + i] == rint(values[12 * COLUMNS + i]));
    }
    free(got);
    free(values);
    clr_store_free(&store);
}

/* Near every middle between two multiples, where a division must not decide. */
static void int8_middles(void **state)
{
    enum { ROWS = 100, COLUMNS = 1 + 254 * 3 };
    clr_store store = store_of(*state, CLRNN_WEIGHTS_INT8);
    double *sizes = test_random(ROWS, 4, 1),
           *values = calloc((size_t)ROWS * COLUMNS, sizeof *values);
    assert_non_null(values);
    for (size_t row = 0; row < ROWS; row++) {
        float largest = (float)sizes[row], scale = fabsf(largest) * (1 / 127.0f);
        values[row * COLUMNS] = largest;
        for (size_t i = 0; i < 254; i++) {
            float middle = (float)(((double)i - 126.5) * (double)scale);
            values[row * COLUMNS + 1 + 3 * i] = middle;
            values[row * COLUMNS + 2 + 3 * i] = nextafterf(middle, INFINITY);
            values[row * COLUMNS + 3 + 3 * i] = nextafterf(middle, -INFINITY);
        }
    }
    check_numbers(&store, values, ROWS, COLUMNS);
    free(sizes);
    free(values);
    clr_store_free(&store);
}

/* --- places ------------------------------------------------------------------------------- */

/* Number `i` of a panel that begins at `panel`, whose columns have these scales. */
static double number_of(clrnn_storage storage, const unsigned char *panel, size_t i, float scale)
{
    uint16_t bits;
    if (storage == CLRNN_WEIGHTS_INT8)
        return (double)((float)(signed char)panel[i] * scale);
    memcpy(&bits, panel + i * sizeof bits, sizeof bits);
    return storage == CLRNN_WEIGHTS_F16 ? half_of(bits) : (double)float_of((uint32_t)bits << 16);
}

/* What panels hold, from the first byte on: the numbers of each column, and 0 in columns past the
 * last one. */
static void check_panels(clrnn_storage storage, const unsigned char *panels, const double *numbers,
                         size_t n, size_t k, size_t width)
{
    size_t rows = clr_storage_rows(storage, k);
    for (size_t column = 0; column < (n + width - 1) / width * width; column++) {
        size_t head = storage == CLRNN_WEIGHTS_INT8 ? 4 : 0, j = column % width;
        const unsigned char *panel =
            panels + (column - j) * rows * clr_storage_bytes(storage, CLRNN_F32);
        float scale = 1;
        if (head)
            memcpy(&scale, panel + j * sizeof scale, sizeof scale);
        for (size_t i = 0; i < k; i++) {
            double expected = column < n ? numbers[column * k + i] : 0;
            assert_true(number_of(storage, panel, (head + i) * width + j, scale) == expected);
        }
    }
}

/* Panels are written where they belong, and nothing beside them. */
static void check_places(clr_store *store, size_t n, size_t k, size_t width)
{
    enum { BEFORE = 24, AFTER = 24, PATTERN = 0x5a };
    size_t number = clr_storage_bytes(store->storage, CLRNN_F32);
    size_t rows = clr_storage_rows(store->storage, k), columns = (n + width - 1) / width * width;
    size_t end = (BEFORE + columns * rows) * number, bytes = end + AFTER;
    double *values = test_random(n * k, n + k, 1);
    for (size_t i = 0; i < n * k; i++)
        values[i] = (float)values[i];
    double *numbers = kept(store, values, n, k);
    array w = array_make(store->context, CLRNN_F32, values, n * k);
    unsigned char *host = malloc(bytes);
    cl_mem panels = NULL;
    assert_non_null(host);
    memset(host, PATTERN, bytes);
    assert_int_equal(clr_buffer_create(store->context, bytes, &panels), CLRNN_OK);
    assert_int_equal(clr_buffer_write(store->context, panels, 0, bytes, host), CLRNN_OK);
    assert_int_equal(
        clr_store_panels(store, (clr_matrix){w.buffer, 0, k}, true, n, k, width, panels, BEFORE),
        CLRNN_OK);
    assert_int_equal(clr_buffer_read(store->context, panels, 0, bytes, host), CLRNN_OK);
    for (size_t i = 0; i < bytes; i++)
        if (i < BEFORE * number || i >= end)
            assert_int_equal(host[i], PATTERN);
    check_panels(store->storage, host + BEFORE * number, numbers, n, k, width);
    free(host);
    free(numbers);
    free(values);
    clr_buffer_destroy(&panels);
    array_free(&w);
}

static void places(void **state)
{
    static const size_t widths[] = {1, 2, 8, 16, 32};
    for (size_t s = 0; s < COUNT(storages); s++) {
        clr_store store = store_of(*state, storages[s]);
        for (size_t w = 0; w < COUNT(widths); w++) {
            check_places(&store, 1, 1, widths[w]);
            check_places(&store, 33, 7, widths[w]);
            check_places(&store, 64, 6, widths[w]);
            check_places(&store, 17, 300, widths[w]);
        }
        clr_store_free(&store);
    }
}

/* --- products ----------------------------------------------------------------------------- */

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
        for (size_t c = 0; c < COUNT(choices); c++) {
            clr_gemms gemms = gemms_of(*state, storages[s], choices[c]);
            every_size(&gemms);
            several_blocks(&gemms);
            clr_gemms_free(&gemms);
        }
}

static void vector_widths(void **state)
{
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
        for (size_t c = 0; c < COUNT(choices); c++) {
            clr_gemms gemms = gemms_of(*state, storages[s], choices[c]);
            clr_operand operand = {0};
            matrix a = matrix_make(*state, CLRNN_F32, M, K, 0, 0, 1, 0);
            double *results[3];
            for (int pass = 0; pass < 3; pass++) { /* the third is the first again */
                matrix b = matrix_make(*state, CLRNN_F32, N, K, 2, 1, 2 + pass % 2, NAN);
                array out = array_make(*state, CLRNN_F32, NULL, (size_t)M * N);
                const clr_gemm gemm = {
                    .m = M, .a = matrix_place(&a), .c = {out.buffer, 0, N}, .prepared = &operand};
                assert_int_equal(clr_operand_pack(&gemms, matrix_place(&b), true, N, K, &operand),
                                 CLRNN_OK);
                assert_int_equal(clr_gemm_run(&gemms, &gemm), CLRNN_OK);
                results[pass] = array_read(&out);
                matrix_free(&b);
                array_free(&out);
            }
            assert_memory_not_equal(results[0], results[1], sizeof(double) * M * N);
            assert_memory_equal(results[0], results[2], sizeof(double) * M * N);
            if (gemms.own)
                assert_int_equal(clr_buffer_size(operand.panels),
                                 clr_packed_panel_count(&gemms.packed, N, K) *
                                     (storages[s] == CLRNN_WEIGHTS_INT8 ? 1 : 2));
            for (int pass = 0; pass < 3; pass++)
                free(results[pass]);
            matrix_free(&a);
            clr_operand_free(&operand);
            clr_gemms_free(&gemms);
        }
}

/* NaN and infinity among the weights of an output reach that output, and no others. */
static void nan_and_infinity(void **state)
{
    enum { M = 7, N = 17, K = 9 };
    for (size_t s = 0; s < COUNT(storages); s++)
        for (size_t c = 0; c < COUNT(choices); c++) {
            clr_gemms gemms = gemms_of(*state, storages[s], choices[c]);
            clr_operand operand = {0};
            double *a = test_random((size_t)M * K, 1, 1), *b = test_random((size_t)N * K, 2, 1);
            b[3 * K + 2] = NAN;
            b[16 * K + 8] = storages[s] == CLRNN_WEIGHTS_F16 ? 65520 : INFINITY;
            array left = array_make(*state, CLRNN_F32, a, (size_t)M * K);
            array right = array_make(*state, CLRNN_F32, b, (size_t)N * K);
            array out = array_make(*state, CLRNN_F32, NULL, (size_t)M * N);
            const clr_gemm gemm = {
                .m = M, .a = {left.buffer, 0, K}, .c = {out.buffer, 0, N}, .prepared = &operand};
            assert_int_equal(
                clr_operand_pack(&gemms, (clr_matrix){right.buffer, 0, K}, true, N, K, &operand),
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
            clr_operand_free(&operand);
            clr_gemms_free(&gemms);
        }
}

/* --- refusals ----------------------------------------------------------------------------- */

static void unprepared_products(void **state)
{
    array small = array_make(*state, CLRNN_F32, NULL, 64);
    const clr_matrix m = {small.buffer, 0, 4};
    const clr_gemm gemm = {.m = 2, .n = 3, .k = 4, .a = m, .b = m, .c = {small.buffer, 40, 4}};
    for (size_t c = 0; c < COUNT(choices); c++) {
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
    for (size_t c = 0; c < COUNT(choices); c++) {
        clrnn_status status;
        long k = 0;
        do {
            clr_gemms gemms;
            clr_operand operand = {0};
            const clr_gemm gemm = {
                .m = 2, .a = m, .c = {small.buffer, 40, 4}, .prepared = &operand};
            clr_fault_inject(CLR_FAULT_OPENCL, ++k);
            status = clr_gemms_init(*state, CLRNN_F32, CLRNN_WEIGHTS_INT8, choices[c], &gemms);
            if (status == CLRNN_OK)
                status = clr_operand_pack(&gemms, m, true, 3, 4, &operand);
            if (status == CLRNN_OK)
                status = clr_gemm_run(&gemms, &gemm);
            clr_fault_inject(CLR_FAULT_OPENCL, 0);
            clr_operand_free(&operand);
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
        TEST(every_number),
        TEST(other_numbers),
        TEST(int8_rows),
        TEST(int8_middles),
        TEST(places),
        TEST(products),
        TEST(vector_widths),
        TEST(nan_and_infinity),
        TEST(operand_packed_again),
        TEST(unprepared_products),
        TEST(failures_are_reported),
    };
    return cmocka_run_group_tests_name("storage", tests, NULL, NULL);
}

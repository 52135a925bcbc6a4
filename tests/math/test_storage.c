/* SPDX-License-Identifier: MIT
 * tests/math/test_storage.c - weights kept in fewer bits: what becomes of each number, and where
 * it is put. */
#include "math/storage.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "device/buffer.h"
#include "stored.h"
#include "train/array.h"

#define COUNT(array) (sizeof(array) / sizeof *(array))

static const clrnn_storage storages[] = {CLRNN_WEIGHTS_F16, CLRNN_WEIGHTS_BF16, CLRNN_WEIGHTS_INT8};

static clr_converter store_of(clrnn_context *context, clrnn_storage storage)
{
    clr_converter converter;
    assert_int_equal(clr_converter_init(context, storage, &converter), CLRNN_OK);
    return converter;
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
static double *kept(clr_converter *converter, const double *values, size_t rows, size_t columns)
{
    array in = array_make(converter->context, CLRNN_F32, values, rows * columns);
    array out = array_make(converter->context, CLRNN_F32, NULL, rows * columns);
    const clr_matrix m = {in.buffer, 0, columns};
    assert_int_equal(clr_converter_round(converter, m, true, rows, columns, out.buffer), CLRNN_OK);
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
static void check_numbers(clr_converter *converter, const double *values, size_t rows,
                          size_t columns)
{
    double *expected = calloc(rows * columns, sizeof *expected);
    assert_non_null(expected);
    memcpy(expected, values, rows * columns * sizeof *expected);
    clr_reference_store(converter->storage, expected, rows, columns);
    double *got = kept(converter, values, rows, columns);
    for (size_t i = 0; i < rows * columns; i++)
        if (!same(got[i], (double)(float)expected[i]))
            fail_msg("%s: of %a the device keeps %a, not %a",
                     test_storage_names[converter->storage], values[i], got[i], expected[i]);
    free(expected);
    free(got);
}

/* Every number of f16 and bf16, the middle between it and the next, and the floats beside these. */
static void every_number(void **state)
{
    enum { ROWS = 256, COLUMNS = 256, SHIFTS = 6 };
    for (int s = 0; s < 2; s++) {
        clr_converter converter = store_of(*state, storages[s]);
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
            check_numbers(&converter, values, ROWS, COLUMNS);
        }
        free(values);
        clr_converter_free(&converter);
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
        clr_converter converter = store_of(*state, storages[s]);
        check_numbers(&converter, values, 1, N);
        clr_converter_free(&converter);
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
    clr_converter converter = store_of(*state, CLRNN_WEIGHTS_INT8);
    double *values = test_random((size_t)ROWS * COLUMNS, 3, 1);
    for (size_t i = 0; i < (size_t)ROWS * COLUMNS; i++)
        values[i] = (float)(values[i] * sizes[i / COLUMNS]);
    values[10 * COLUMNS + 7] = NAN;
    values[11 * COLUMNS + 300] = -INFINITY;
    for (size_t i = 0; i < COLUMNS; i++) /* exactly between two multiples: to the even one */
        values[12 * COLUMNS + i] = i ? (double)(i % 253) / 2 - 63 : -127;
    check_numbers(&converter, values, ROWS, COLUMNS);
    double *got = kept(&converter, values, ROWS, COLUMNS);
    for (size_t i = 0; i < COLUMNS; i++) {
        assert_true(fabs(got[i] - values[i]) <= 0.5 / 126.9 && got[8 * COLUMNS + i] == 0);
        assert_true(isnan(got[10 * COLUMNS + i]) && isnan(got[11 * COLUMNS + i]));
        assert_true(got[12 * COLUMNS + i] == rint(values[12 * COLUMNS + i]));
    }
    free(got);
    free(values);
    clr_converter_free(&converter);
}

/* Near every middle between two multiples, where a division must not decide. */
static void int8_middles(void **state)
{
    enum { ROWS = 100, COLUMNS = 1 + 254 * 3 };
    clr_converter converter = store_of(*state, CLRNN_WEIGHTS_INT8);
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
    check_numbers(&converter, values, ROWS, COLUMNS);
    free(sizes);
    free(values);
    clr_converter_free(&converter);
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
static void check_places(clr_converter *converter, size_t n, size_t k, size_t width)
{
    enum { BEFORE = 24, AFTER = 24, PATTERN = 0x5a };
    size_t number = clr_storage_bytes(converter->storage, CLRNN_F32);
    size_t rows = clr_storage_rows(converter->storage, k),
           columns = (n + width - 1) / width * width;
    size_t end = (BEFORE + columns * rows) * number, bytes = end + AFTER;
    double *values = test_random(n * k, n + k, 1);
    for (size_t i = 0; i < n * k; i++)
        values[i] = (float)values[i];
    double *numbers = kept(converter, values, n, k);
    array w = array_make(converter->context, CLRNN_F32, values, n * k);
    unsigned char *host = malloc(bytes);
    cl_mem panels = NULL;
    assert_non_null(host);
    memset(host, PATTERN, bytes);
    assert_int_equal(clr_buffer_create(converter->context, bytes, &panels), CLRNN_OK);
    assert_int_equal(clr_buffer_write(converter->context, panels, 0, bytes, host), CLRNN_OK);
    assert_int_equal(clr_converter_pack(converter, (clr_matrix){w.buffer, 0, k}, true, n, k, width,
                                        panels, BEFORE),
                     CLRNN_OK);
    assert_int_equal(clr_buffer_read(converter->context, panels, 0, bytes, host), CLRNN_OK);
    for (size_t i = 0; i < bytes; i++)
        if (i < BEFORE * number || i >= end)
            assert_int_equal(host[i], PATTERN);
    check_panels(converter->storage, host + BEFORE * number, numbers, n, k, width);
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
        clr_converter converter = store_of(*state, storages[s]);
        for (size_t w = 0; w < COUNT(widths); w++) {
            check_places(&converter, 1, 1, widths[w]);
            check_places(&converter, 33, 7, widths[w]);
            check_places(&converter, 64, 6, widths[w]);
            check_places(&converter, 17, 300, widths[w]);
        }
        clr_converter_free(&converter);
    }
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, test_open, test_close)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(every_number), TEST(other_numbers), TEST(int8_rows), TEST(int8_middles), TEST(places),
    };
    return cmocka_run_group_tests_name("storage", tests, NULL, NULL);
}

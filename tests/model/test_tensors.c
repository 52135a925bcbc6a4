/* SPDX-License-Identifier: MIT
 * model/test_tensors.c - sets of tensors in memory, and elements as numbers. */
#include "support.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include <clrnn/tensors.h>

#include "base/memory.h"

static clrnn_tensors *new_set(void)
{
    clrnn_tensors *set = NULL;
    assert_int_equal(clrnn_tensors_create(&test_log, &set), CLRNN_OK);
    return set;
}

/* --- elements as numbers -------------------------------------------------------------------- */

/* All 2^16 patterns of a 16-bit float against sign * fraction * 2^exponent. */
static void check_half(clrnn_dtype dtype, int fraction_bits, int bias)
{
    static uint16_t bits[65536];
    static double d[65536];
    static float f[65536];
    for (unsigned i = 0; i < 65536; i++)
        bits[i] = (uint16_t)i;
    clrnn_tensor t = {.dtype = dtype, .rank = 1, .shape = {65536}, .count = 65536, .data = bits};
    clrnn_tensor_to_f64(&t, d);
    clrnn_tensor_to_f32(&t, f);
    const int special = 2 * bias + 1;
    for (int i = 0; i < 65536; i++) {
        int exponent = (i & 0x7FFF) >> fraction_bits, fraction = i & ((1 << fraction_bits) - 1);
        double value = exponent == special && fraction ? NAN
                       : exponent == special           ? INFINITY
                       : exponent == 0                 ? ldexp(fraction, 1 - bias - fraction_bits)
                                                       : ldexp(fraction + (1 << fraction_bits),
                                                               exponent - bias - fraction_bits);
        if (isnan(value)) {
            assert_true(isnan(d[i]) && isnan(f[i]));
        } else {
            assert_true(fabs(d[i]) == value && fabsf(f[i]) == (float)value);
            assert_int_equal(signbit(d[i]) != 0, i >> 15);
            assert_int_equal(signbit(f[i]) != 0, i >> 15);
        }
    }
}

static void test_halves(void **state)
{
    (void)state;
    check_half(CLRNN_DTYPE_F16, 10, 15);
    check_half(CLRNN_DTYPE_BF16, 7, 127);
}

static void test_numbers(void **state)
{
    (void)state;
    static const int8_t i8[] = {-128, 127};
    static const uint8_t u8[] = {0, 255}, truth[] = {0, 1, 2};
    static const int16_t i16[] = {-32768, 32767};
    static const uint16_t u16[] = {0, 65535};
    static const int32_t i32[] = {INT32_MIN, INT32_MAX};
    static const uint32_t u32[] = {1, UINT32_MAX};
    /* 2^54 + 2^30 + 1 is wrong as a float if it is rounded to a double first. Valgrind does just
     * that with the processor's own conversion, so what is expected is what the processor gives. */
    const volatile int64_t odd = 18014399583223809;
    const float once = (float)odd;
    static const int64_t i64[] = {INT64_MIN, 9007199254740993, 18014399583223809};
    static const uint64_t u64[] = {1, UINT64_MAX, 18014399583223809};
    static const float f32[] = {1.5f, -0.0f, INFINITY};
    static const double f64[] = {1e300, 1 + 0x1p-30, -INFINITY};
    const struct {
        clrnn_dtype dtype;
        size_t count;
        const void *data;
        double f64[3];
        float f32[3];
    } rows[] = {
        {CLRNN_DTYPE_I8, 2, i8, {-128, 127}, {-128, 127}},
        {CLRNN_DTYPE_U8, 2, u8, {0, 255}, {0, 255}},
        {CLRNN_DTYPE_BOOL, 3, truth, {0, 1, 1}, {0, 1, 1}},
        {CLRNN_DTYPE_I16, 2, i16, {-32768, 32767}, {-32768, 32767}},
        {CLRNN_DTYPE_U16, 2, u16, {0, 65535}, {0, 65535}},
        {CLRNN_DTYPE_I32, 2, i32, {-2147483648.0, 2147483647}, {-0x1p31f, 0x1p31f}},
        {CLRNN_DTYPE_U32, 2, u32, {1, 4294967295}, {1, 0x1p32f}},
        {CLRNN_DTYPE_I64, 3, i64, {-0x1p63, 0x1p53, 0x1p54 + 0x1p30}, {-0x1p63f, 0x1p53f, once}},
        {CLRNN_DTYPE_U64, 3, u64, {1, 0x1p64, 0x1p54 + 0x1p30}, {1, 0x1p64f, once}},
        {CLRNN_DTYPE_F32, 3, f32, {1.5, -0.0, INFINITY}, {1.5f, -0.0f, INFINITY}},
        {CLRNN_DTYPE_F64, 3, f64, {1e300, 1 + 0x1p-30, -INFINITY}, {INFINITY, 1, -INFINITY}},
    };
    for (size_t r = 0; r < sizeof rows / sizeof *rows; r++) {
        clrnn_tensor t = {.dtype = rows[r].dtype, .count = rows[r].count, .data = rows[r].data};
        double d[4] = {0, 0, 0, 99};
        float f[4] = {0, 0, 0, 99};
        clrnn_tensor_to_f64(&t, d);
        clrnn_tensor_to_f32(&t, f);
        assert_memory_equal(d, rows[r].f64, sizeof rows[r].f64);
        assert_memory_equal(f, rows[r].f32, sizeof rows[r].f32);
        assert_true(d[3] == 99 && f[3] == 99);
    }
    assert_string_equal(clrnn_dtype_name(CLRNN_DTYPE_BF16), "BF16");
    assert_string_equal(clrnn_dtype_name((clrnn_dtype)99), "unknown");
    assert_string_equal(clrnn_dtype_name((clrnn_dtype)-1), "unknown");
}

/* --- the set -------------------------------------------------------------------------------- */

static void test_set(void **state)
{
    (void)state;
    clrnn_tensors *set = new_set();
    char name[16];
    const clrnn_tensor *first = NULL;
    for (unsigned i = 0; i < 100; i++) { /* in an order that is not that of the names */
        snprintf(name, sizeof name, "t%u", i * 37 % 100);
        float value = (float)i;
        assert_int_equal(clrnn_tensors_add(set, name, CLRNN_DTYPE_F32, 1, (uint64_t[]){1}, &value),
                         CLRNN_OK);
        first = first ? first : clrnn_tensors_at(set, 0);
    }
    assert_int_equal(clrnn_tensors_count(set), 100);
    assert_ptr_equal(first, clrnn_tensors_at(set, 0)); /* did not move */
    for (unsigned i = 0; i < 100; i++) {
        const clrnn_tensor *t = clrnn_tensors_at(set, i);
        snprintf(name, sizeof name, "t%u", i * 37 % 100);
        assert_string_equal(t->name, name);
        assert_ptr_equal(clrnn_tensors_find(set, name), t);
        assert_true(*(const float *)t->data == (float)i);
        assert_int_equal((uintptr_t)t->data % 64, 0);
    }
    assert_null(clrnn_tensors_at(set, 100));
    assert_null(clrnn_tensors_find(set, "t"));
    assert_null(clrnn_tensors_find(set, NULL));

    assert_int_equal(clrnn_tensors_add(set, "zeros", CLRNN_DTYPE_I64, 2, (uint64_t[]){2, 3}, NULL),
                     CLRNN_OK);
    static const int64_t zeros[6];
    assert_memory_equal(clrnn_tensors_find(set, "zeros")->data, zeros, sizeof zeros);

    assert_null(clrnn_tensors_metadata(set, "k"));
    assert_int_equal(clrnn_tensors_set_metadata(set, "k", "v"), CLRNN_OK);
    assert_int_equal(clrnn_tensors_set_metadata(set, "other", ""), CLRNN_OK);
    assert_int_equal(clrnn_tensors_set_metadata(set, "k", "w"), CLRNN_OK);
    assert_string_equal(clrnn_tensors_metadata(set, "k"), "w");
    assert_string_equal(clrnn_tensors_metadata(set, "other"), "");
    clrnn_tensors_destroy(&set);
    assert_null(set);
    clrnn_tensors_destroy(&set);
    clrnn_tensors_destroy(NULL);
}

static void test_set_errors(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        clrnn_dtype dtype;
        uint32_t rank;
        uint64_t shape[9];
        clrnn_status status;
        const char *error;
    } rows[] = {
        {"there", CLRNN_DTYPE_F32, 0, {0}, CLRNN_ERR_ARGUMENT, "\"there\" exists"},
        {"\xC0\x80", CLRNN_DTYPE_F32, 0, {0}, CLRNN_ERR_ARGUMENT, "UTF-8"},
        {"\xED\xA0\x80", CLRNN_DTYPE_F32, 0, {0}, CLRNN_ERR_ARGUMENT, "UTF-8"},
        {"\xF4\x90\x80\x80", CLRNN_DTYPE_F32, 0, {0}, CLRNN_ERR_ARGUMENT, "UTF-8"},
        {"\xE0\x9F\xBF", CLRNN_DTYPE_F32, 0, {0}, CLRNN_ERR_ARGUMENT, "UTF-8"},
        {"a\xE4\xB8", CLRNN_DTYPE_F32, 0, {0}, CLRNN_ERR_ARGUMENT, "UTF-8"},
        {"__metadata__", CLRNN_DTYPE_F32, 0, {0}, CLRNN_ERR_ARGUMENT, "__metadata__"},
        {"w", CLRNN_DTYPE_COUNT, 0, {0}, CLRNN_ERR_ARGUMENT, "dtype 13"},
        {"w", (clrnn_dtype)-1, 0, {0}, CLRNN_ERR_ARGUMENT, "dtype -1"},
        {"w", CLRNN_DTYPE_F32, 9, {1, 1, 1, 1, 1, 1, 1, 1, 1}, CLRNN_ERR_RANGE, "rank 9"},
        {"w", CLRNN_DTYPE_F32, 2, {1ull << 32, 1ull << 32}, CLRNN_ERR_RANGE, "4294967296"},
        {"w", CLRNN_DTYPE_F64, 2, {1ull << 31, 1ull << 30}, CLRNN_ERR_RANGE, "too large"},
        {"w", CLRNN_DTYPE_U8, 2, {0, 1ull << 53}, CLRNN_ERR_RANGE, "9007199254740992"},
    };
    clrnn_tensors *set = new_set();
    assert_int_equal(clrnn_tensors_add(set, "there", CLRNN_DTYPE_F32, 0, NULL, NULL), CLRNN_OK);
    for (size_t r = 0; r < sizeof rows / sizeof *rows; r++) {
        assert_int_equal(
            clrnn_tensors_add(set, rows[r].name, rows[r].dtype, rows[r].rank, rows[r].shape, NULL),
            rows[r].status);
        assert_error_contains(rows[r].error);
        assert_int_equal(clrnn_tensors_count(set), 1);
    }
    assert_int_equal(clrnn_tensors_add(set, NULL, CLRNN_DTYPE_F32, 0, NULL, NULL),
                     CLRNN_ERR_ARGUMENT);
    assert_int_equal(clrnn_tensors_add(set, "w", CLRNN_DTYPE_F32, 1, NULL, NULL),
                     CLRNN_ERR_ARGUMENT);
    assert_int_equal(clrnn_tensors_add(NULL, "w", CLRNN_DTYPE_F32, 0, NULL, NULL),
                     CLRNN_ERR_ARGUMENT);
    assert_int_equal(clrnn_tensors_set_metadata(set, "\xFF", ""), CLRNN_ERR_ARGUMENT);
    assert_int_equal(clrnn_tensors_set_metadata(set, "k", "\x80"), CLRNN_ERR_ARGUMENT);
    assert_int_equal(clrnn_tensors_set_metadata(set, "k", NULL), CLRNN_ERR_ARGUMENT);
    assert_null(clrnn_tensors_metadata(set, "k"));
    assert_int_equal(clrnn_tensors_create(&test_log, NULL), CLRNN_ERR_ARGUMENT);
    assert_int_equal(clrnn_tensors_save(set, NULL), CLRNN_ERR_ARGUMENT);
    assert_int_equal(clrnn_tensors_save(NULL, "x"), CLRNN_ERR_ARGUMENT);
    clrnn_tensors *none = set;
    assert_int_equal(clrnn_tensors_load(NULL, &test_log, &none), CLRNN_ERR_ARGUMENT);
    assert_null(none);
    none = set;
    assert_int_equal(clrnn_tensors_parse(NULL, 1, "x", &test_log, &none), CLRNN_ERR_ARGUMENT);
    assert_null(none);
    clrnn_tensors_destroy(&set);
}

/* Whatever allocation fails, the set stays as it was. */
static void test_set_memory(void **state)
{
    (void)state;
    clrnn_tensors *set = NULL;
    clr_fault_inject(CLR_FAULT_MEMORY, 1);
    assert_int_equal(clrnn_tensors_create(&test_log, &set), CLRNN_ERR_MEMORY);
    clr_fault_inject(CLR_FAULT_MEMORY, 0);
    assert_null(set);
    assert_error_contains("no memory");
    set = new_set();
    for (size_t n = 0; n < 40; n++) { /* beyond where the arrays must grow */
        char name[16];
        snprintf(name, sizeof name, "%zu", n);
        for (long k = 1;; k++) {
            clr_fault_inject(CLR_FAULT_MEMORY, k);
            clrnn_status status = clrnn_tensors_add(set, name, CLRNN_DTYPE_F32, 0, NULL, NULL);
            clr_fault_inject(CLR_FAULT_MEMORY, 0);
            if (status == CLRNN_OK)
                break;
            assert_int_equal(status, CLRNN_ERR_MEMORY);
            assert_error_contains("no memory");
            assert_int_equal(clrnn_tensors_count(set), n);
            assert_null(clrnn_tensors_find(set, name));
        }
        for (long k = 1;; k++) {
            clr_fault_inject(CLR_FAULT_MEMORY, k);
            clrnn_status status = clrnn_tensors_set_metadata(set, n % 2 ? "same" : name, name);
            clr_fault_inject(CLR_FAULT_MEMORY, 0);
            if (status == CLRNN_OK)
                break;
            assert_int_equal(status, CLRNN_ERR_MEMORY);
            assert_null(clrnn_tensors_metadata(set, name));
        }
        assert_string_equal(clrnn_tensors_metadata(set, n % 2 ? "same" : name), name);
    }
    assert_int_equal(clrnn_tensors_count(set), 40);
    clrnn_tensors_destroy(&set);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_halves),     cmocka_unit_test(test_numbers),
        cmocka_unit_test(test_set),        cmocka_unit_test(test_set_errors),
        cmocka_unit_test(test_set_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

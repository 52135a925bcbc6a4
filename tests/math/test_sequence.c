/* SPDX-License-Identifier: MIT
 * tests/math/test_sequence.c - each kernel of cl/sequence.cl against plain C, to the bit where
 * rounding allows it. Matrices lie inside larger buffers, of which nothing else may change. */
#include "math/sequence.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "base/philox.h"
#include "device/buffer.h"
#include "train/array.h"

#define COUNT(array) (sizeof(array) / sizeof *(array))

/* Steps, rows and columns of a [T,N,K], and how it lies in its buffer. */
typedef struct shape {
    size_t T, N, K, offset, gap;
} shape;

static const shape shapes[] = {
    {1, 1, 1, 0, 0},   {7, 3, 17, 5, 0},  {17, 1, 33, 0, 4}, {3, 17, 65, 9, 1},
    {33, 2, 7, 64, 0}, {2, 65, 93, 1, 2}, {5, 8, 130, 3, 7}, {130, 1, 2, 0, 3},
};

static size_t stride_of(const shape *s)
{
    return s->K + s->gap;
}

static size_t count_of(const shape *s)
{
    return s->offset + s->T * s->N * stride_of(s) + 3;
}

/* Where element i of the buffer lies in the matrix, or false if it does not. */
static bool inside(const shape *s, size_t i, size_t *row, size_t *k)
{
    *row = i < s->offset ? SIZE_MAX : (i - s->offset) / stride_of(s);
    *k = (i - s->offset) % stride_of(s);
    return *row < s->T * s->N && *k < s->K;
}

/* Numbers of the precision over the whole buffer, also around the matrix. */
static double *numbers(const shape *s, clrnn_precision precision, uint64_t seed)
{
    double *values = test_random(count_of(s), seed, 3);
    for (size_t i = 0; i < count_of(s); i++)
        values[i] = array_round(precision, values[i]);
    return values;
}

static clr_sequence sequence_of(clrnn_context *context, int precision)
{
    clr_sequence s;
    assert_int_equal(clr_sequence_init(context, (clrnn_precision)precision, &s), CLRNN_OK);
    return s;
}

static cl_mem lengths_of(clrnn_context *context, const shape *s, cl_int *lengths)
{
    cl_mem buffer = NULL;
    for (size_t n = 0; n < s->N; n++) /* 0, T, and whatever is between */
        lengths[n] = (cl_int)(n % 3 == 0 ? s->T - n % (s->T + 1) : n * 7 % (s->T + 1));
    assert_int_equal(clr_buffer_create(context, s->N * sizeof *lengths, &buffer), CLRNN_OK);
    assert_int_equal(clr_buffer_write(context, buffer, 0, s->N * sizeof *lengths, lengths),
                     CLRNN_OK);
    return buffer;
}

static void assert_same(double got, double expected)
{
    if (memcmp(&got, &expected, sizeof got) != 0 && !(isnan(got) && isnan(expected)))
        fail_msg("%.17g, should be %.17g", got, expected);
}

/* --- mask --------------------------------------------------------------------------------- */

static void check_mask(clr_sequence *sequence, const shape *s, bool in_place)
{
    const shape target = {s->T, s->N, s->K, in_place ? s->offset : 2, in_place ? s->gap : 1};
    cl_int lengths[65];
    cl_mem device_lengths = lengths_of(sequence->context, s, lengths);
    double *from = numbers(s, sequence->precision, 1),
           *to = numbers(&target, sequence->precision, 2);
    for (size_t i = 0, row, k; i < count_of(s); i++) /* NaN in the padding must not come through */
        if (inside(s, i, &row, &k) && row / s->N >= (size_t)lengths[row % s->N])
            from[i] = NAN;
    array a = array_make(sequence->context, sequence->precision, from, count_of(s));
    array b =
        array_make(sequence->context, sequence->precision, in_place ? from : to, count_of(&target));
    const clr_matrix source = {in_place ? b.buffer : a.buffer, s->offset, stride_of(s)};
    const clr_matrix result = {b.buffer, target.offset, stride_of(&target)};
    assert_int_equal(clr_mask(sequence, source, result, (clr_live){device_lengths, 0, 0}, 0,
                              s->T * s->N, s->N, s->K, 0),
                     CLRNN_OK);
    double *got = array_read(&b);
    for (size_t i = 0, row, k; i < count_of(&target); i++) {
        double expected = in_place ? from[i] : to[i];
        if (inside(&target, i, &row, &k))
            expected = row / s->N < (size_t)lengths[row % s->N]
                           ? from[s->offset + row * stride_of(s) + k]
                           : 0;
        assert_same(got[i], expected);
    }
    free(got);
    free(from);
    free(to);
    array_free(&a);
    array_free(&b);
    clr_buffer_destroy(&device_lengths);
}

static void mask(void **state)
{
    for (int precision = 0; precision < precisions(*state); precision++) {
        clr_sequence sequence = sequence_of(*state, precision);
        for (size_t i = 0; i < COUNT(shapes); i++) {
            check_mask(&sequence, &shapes[i], false);
            check_mask(&sequence, &shapes[i], true);
        }
        clr_sequence_free(&sequence);
    }
}

/* --- dropout ------------------------------------------------------------------------------ */

/* The same elements are dropped as on the host, exactly; those kept are scaled. A division and a
 * product may each be off by a few units in the last place (OpenCL 1.2, 7.4: 2.5 ulp for x/y). */
static size_t check_drop(clr_sequence *sequence, const shape *s, clr_drop drop)
{
    const double u = sequence->precision == CLRNN_F64 ? 0x1p-53 : 0x1p-24;
    size_t dropped = 0;
    double *values = numbers(s, sequence->precision, 3);
    array a = array_make(sequence->context, sequence->precision, values, count_of(s));
    assert_int_equal(clr_dropout(sequence, (clr_matrix){a.buffer, s->offset, stride_of(s)}, s->T,
                                 s->N, s->K, &drop),
                     CLRNN_OK);
    double *got = array_read(&a);
    for (size_t i = 0, row, k; i < count_of(s); i++) {
        double factor = 1;
        if (inside(s, i, &row, &k))
            factor = clr_dropout_factor((double)drop.p, drop.seed, drop.index, drop.layer,
                                        drop.variational ? 0 : (uint32_t)(row / s->N),
                                        (uint32_t)(row % s->N), (uint32_t)k);
        double expected = values[i] * factor;
        dropped += factor == 0;
        if (factor == 0 || factor == 1 ? got[i] != expected
                                       : !(fabs(got[i] - expected) <= 8 * u * fabs(expected)))
            fail_msg("p %g: element %zu is %.9g, should be %.9g * %.9g", (double)drop.p, i, got[i],
                     values[i], factor);
    }
    free(got);
    free(values);
    array_free(&a);
    return dropped;
}

static size_t check_dropout(clr_sequence *sequence, const shape *s, float p, uint64_t seed,
                            uint32_t index, uint32_t layer)
{
    return check_drop(sequence, s, (clr_drop){p, seed, index, layer, false});
}

static void dropout(void **state)
{
    static const float ps[] = {0.4f, 0.5f, 0.1f, 0.9f};
    for (int precision = 0; precision < precisions(*state); precision++) {
        clr_sequence sequence = sequence_of(*state, precision);
        for (size_t i = 0; i < COUNT(shapes); i++)
            for (int variational = 0; variational < 2; variational++)
                check_drop(&sequence, &shapes[i],
                           (clr_drop){.p = ps[i % COUNT(ps)],
                                      .seed = (uint64_t)i << 31 | 5,
                                      .index = (uint32_t)i,
                                      .layer = (uint32_t)(i % 3),
                                      .variational = variational});
        clr_sequence_free(&sequence);
    }
}

/* Ends of the ranges: nothing is dropped, nearly everything is; the largest of every key. */
static void dropout_extremes(void **state)
{
    const shape s = {17, 5, 130, 3, 2};
    const size_t all = s.T * s.N * s.K;
    for (int precision = 0; precision < precisions(*state); precision++) {
        clr_sequence sequence = sequence_of(*state, precision);
        assert_int_equal(check_dropout(&sequence, &s, 0, 1, 2, 3), 0);
        assert_int_equal(check_dropout(&sequence, &s, 0x1p-149f, UINT64_MAX, UINT32_MAX, 255), 0);
        assert_int_equal(check_dropout(&sequence, &s, 1 - 0x1p-24f, 1, 2, 3), all);
        size_t half = check_dropout(&sequence, &s, 0.5f, UINT64_MAX, UINT32_MAX, 255);
        assert_true(half > all * 48 / 100 && half < all * 52 / 100);
        /* Each key changes the draw. */
        size_t draws[] = {check_dropout(&sequence, &s, 0.5f, 1, 0, 0),
                          check_dropout(&sequence, &s, 0.5f, (uint64_t)1 << 32, 0, 0),
                          check_dropout(&sequence, &s, 0.5f, 1, 1, 0),
                          check_dropout(&sequence, &s, 0.5f, 1, 0, 1)};
        for (size_t i = 1; i < COUNT(draws); i++)
            assert_int_not_equal(draws[i], draws[0]);
        clr_sequence_free(&sequence);
    }
}

/* --- sums of columns ---------------------------------------------------------------------- */

/* The documented order in C: blocks of 64 rows, each from its first row, then the blocks. One
 * rounding for each addition, as OpenCL demands of a device. */
static double ordered_sum(clrnn_precision precision, const double *column, size_t stride,
                          size_t rows)
{
    double total = 0;
    for (size_t first = 0; first < rows; first += 64) {
        double sum = 0;
        for (size_t r = first; r < rows && r < first + 64; r++)
            sum = array_round(precision, sum + column[r * stride]);
        total = array_round(precision, total + sum);
    }
    return total;
}

/* got: [before, K sums, after], where `before` and `after` elements must be as they were. */
static void check_sums(clr_sequence *sequence, const shape *s, bool accumulate)
{
    enum { BEFORE = 5, AFTER = 4 };
    const size_t rows = s->T * s->N, room = BEFORE + s->K + AFTER;
    double *values = numbers(s, sequence->precision, 4), *old = test_random(room, 5, 1);
    for (size_t i = 0; i < room; i++)
        old[i] = accumulate || i < BEFORE || i >= BEFORE + s->K
                     ? array_round(sequence->precision, old[i])
                     : NAN;
    array a = array_make(sequence->context, sequence->precision, values, count_of(s));
    array out = array_make(sequence->context, sequence->precision, old, room);
    assert_int_equal(clr_column_sums(sequence, (clr_matrix){a.buffer, s->offset, stride_of(s)},
                                     rows, s->K, out.buffer, BEFORE, accumulate),
                     CLRNN_OK);
    double *got = array_read(&out);
    for (size_t i = 0; i < room; i++) {
        double expected = old[i];
        if (i >= BEFORE && i < BEFORE + s->K) {
            double sum = ordered_sum(sequence->precision, values + s->offset + i - BEFORE,
                                     stride_of(s), rows);
            expected = accumulate ? array_round(sequence->precision, old[i] + sum) : sum;
        }
        assert_same(got[i], expected);
    }
    free(got);
    free(old);
    free(values);
    array_free(&a);
    array_free(&out);
}

static void column_sums(void **state)
{
    /* Rows around the size of a block; the scratch memory grows, and is then used in part. */
    static const shape blocks[] = {{63, 1, 3, 0, 0},   {64, 1, 3, 2, 1},  {65, 1, 3, 0, 2},
                                   {128, 3, 93, 0, 0}, {129, 1, 1, 1, 0}, {1, 1, 33, 0, 0}};
    for (int precision = 0; precision < precisions(*state); precision++) {
        clr_sequence sequence = sequence_of(*state, precision);
        for (size_t i = 0; i < COUNT(shapes); i++)
            check_sums(&sequence, &shapes[i], i % 2);
        for (size_t i = 0; i < COUNT(blocks); i++) {
            check_sums(&sequence, &blocks[i], false);
            check_sums(&sequence, &blocks[i], true);
        }
        clr_sequence_free(&sequence);
    }
}

/* NaN in the padding must not come through. */
static void check_products(clr_sequence *sequence, const shape *s, bool ragged, bool accumulate)
{
    const size_t rows = s->T * s->N;
    const shape other = {s->T, s->N, s->K, 3, 2};
    cl_int lengths[65];
    cl_mem device_lengths = lengths_of(sequence->context, s, lengths);
    double *av = numbers(s, sequence->precision, 20),
           *bv = numbers(&other, sequence->precision, 21);
    double *products = calloc(rows * s->K, sizeof *products),
           *room = calloc(s->K + 2, sizeof *room);
    const double old = 0.25; /* of every number of the result, and of the two around it */
    assert_true(products && room);
    for (size_t k = 0; k < s->K + 2; k++)
        room[k] = old;
    for (size_t r = 0; r < rows; r++)
        for (size_t k = 0; k < s->K; k++) {
            double *a = av + s->offset + r * stride_of(s) + k;
            double *b = bv + other.offset + r * stride_of(&other) + k;
            bool live = !ragged || r / s->N < (size_t)lengths[r % s->N];
            *a = live ? *a : 0;
            *b = live ? *b : NAN;
            products[r * s->K + k] = live ? array_round(sequence->precision, *a * *b) : 0;
        }
    array a = array_make(sequence->context, sequence->precision, av, count_of(s));
    array b = array_make(sequence->context, sequence->precision, bv, count_of(&other));
    array out = array_make(sequence->context, sequence->precision, room, s->K + 2);
    assert_int_equal(clr_column_products(sequence, (clr_matrix){a.buffer, s->offset, stride_of(s)},
                                         (clr_matrix){b.buffer, other.offset, stride_of(&other)},
                                         (clr_live){ragged ? device_lengths : NULL, 0, 0}, s->N,
                                         rows, s->K, out.buffer, 1, accumulate),
                     CLRNN_OK);
    double *got = array_read(&out);
    for (size_t k = 0; k < s->K; k++) {
        double sum = ordered_sum(sequence->precision, products + k, s->K, rows);
        assert_same(got[k + 1], accumulate ? array_round(sequence->precision, old + sum) : sum);
    }
    assert_true(got[0] == old && got[s->K + 1] == old);
    free(got);
    free(products);
    free(room);
    free(av);
    free(bv);
    array_free(&a);
    array_free(&b);
    array_free(&out);
    clr_buffer_destroy(&device_lengths);
}

static void column_products(void **state)
{
    for (int precision = 0; precision < precisions(*state); precision++) {
        clr_sequence sequence = sequence_of(*state, precision);
        for (size_t i = 0; i < COUNT(shapes); i++)
            for (int how = 0; how < 4; how++)
                check_products(&sequence, &shapes[i], how & 1, how & 2);
        clr_sequence_free(&sequence);
    }
}

/* 10^5 rows: accurate where adding up one by one in float is not, and the same bits each time. */
static void long_column_sums(void **state)
{
    const shape s = {100000, 1, 2, 0, 0};
    clr_sequence sequence = sequence_of(*state, CLRNN_F32);
    double *values = numbers(&s, CLRNN_F32, 6), exact[2] = {0, 0}, size[2] = {0, 0};
    for (size_t i = 0; i < s.T * 2; i++) {
        values[i] = array_round(CLRNN_F32, fabs(values[i]));
        exact[i % 2] += values[i];
        size[i % 2] += fabs(values[i]);
    }
    array a = array_make(*state, CLRNN_F32, values, count_of(&s));
    array first = array_make(*state, CLRNN_F32, NULL, 2),
          again = array_make(*state, CLRNN_F32, NULL, 2);
    const clr_matrix m = {a.buffer, 0, 2};
    assert_int_equal(clr_column_sums(&sequence, m, s.T, 2, first.buffer, 0, false), CLRNN_OK);
    assert_int_equal(clr_column_sums(&sequence, m, s.T, 2, again.buffer, 0, false), CLRNN_OK);
    double *one = array_read(&first), *two = array_read(&again);
    for (int k = 0; k < 2; k++) {
        assert_same(one[k], two[k]);
        if (!(fabs(one[k] - exact[k]) <= 2e-6 * size[k]))
            fail_msg("sum of 10^5 rows is %.9g, should be %.9g", one[k], exact[k]);
    }
    free(one);
    free(two);
    free(values);
    array_free(&a);
    array_free(&first);
    array_free(&again);
    clr_sequence_free(&sequence);
}

static void add_row(void **state)
{
    for (int precision = 0; precision < precisions(*state); precision++) {
        clr_sequence sequence = sequence_of(*state, precision);
        for (size_t j = 0; j < COUNT(shapes); j++) {
            const shape *s = &shapes[j];
            double *values = numbers(s, sequence.precision, 7),
                   *row = numbers(s, sequence.precision, 8);
            array a = array_make(*state, sequence.precision, values, count_of(s));
            array b = array_make(*state, sequence.precision, row, count_of(s));
            assert_int_equal(clr_add_row(&sequence, (clr_matrix){a.buffer, s->offset, stride_of(s)},
                                         s->T * s->N, s->K, b.buffer, j),
                             CLRNN_OK);
            double *got = array_read(&a);
            for (size_t i = 0, r, k; i < count_of(s); i++)
                assert_same(got[i], inside(s, i, &r, &k)
                                        ? array_round(sequence.precision, values[i] + row[j + k])
                                        : values[i]);
            free(got);
            free(values);
            free(row);
            array_free(&a);
            array_free(&b);
        }
        clr_sequence_free(&sequence);
    }
}

/* --- failures ----------------------------------------------------------------------------- */

/* Everything that can fail in turn, until nothing does: each is reported and leaves nothing. */
static void failures_are_reported(void **state)
{
    array a = array_make(*state, CLRNN_F32, NULL, 64), b = array_make(*state, CLRNN_F32, NULL, 64);
    const clr_matrix m = {a.buffer, 0, 4};
    clrnn_status status = CLRNN_OK;
    long k = 0;
    do {
        clr_sequence sequence;
        clr_fault_inject(CLR_FAULT_OPENCL, ++k);
        status = clr_sequence_init(*state, CLRNN_F32, &sequence);
        if (status == CLRNN_OK)
            status = clr_column_sums(&sequence, m, 4, 4, b.buffer, 0, false);
        if (status == CLRNN_OK)
            status = clr_add_row(&sequence, m, 4, 4, b.buffer, 0);
        if (status == CLRNN_OK)
            status = clr_mask(&sequence, m, m, (clr_live){b.buffer, 0, 0}, 0, 4, 2, 4, 0);
        if (status == CLRNN_OK)
            status = clr_dropout(&sequence, m, 2, 2, 4, &(clr_drop){0.5f, 1, 2, 3, false});
        clr_fault_inject(CLR_FAULT_OPENCL, 0);
        clr_sequence_free(&sequence);
        if (status != CLRNN_OK)
            assert_error_contains("failed");
        assert_true(status == CLRNN_OK || status == CLRNN_ERR_OPENCL || status == CLRNN_ERR_BUILD);
    } while (status != CLRNN_OK && k < 500);
    assert_true(k > 50 && k < 500);
    array_free(&a);
    array_free(&b);
}

static void sums_that_overflow(void **state)
{
    clr_sequence sequence = sequence_of(*state, CLRNN_F32);
    assert_int_equal(clr_column_sums(&sequence, (clr_matrix){NULL, 0, 1}, SIZE_MAX - 64,
                                     (size_t)1 << 20, NULL, 0, false),
                     CLRNN_ERR_RANGE);
    assert_error_contains("more than memory can address");
    clr_sequence_free(&sequence);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, test_open, test_close)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(mask),
        TEST(dropout),
        TEST(dropout_extremes),
        TEST(column_sums),
        TEST(long_column_sums),
        TEST(column_products),
        TEST(add_row),
        TEST(failures_are_reported),
        TEST(sums_that_overflow),
    };
    return cmocka_run_group_tests_name("sequence", tests, NULL, NULL);
}

/* SPDX-License-Identifier: MIT
 * tests/math/test_gemm.c - matrix products on the device against the plainest loops. What lies
 * around A and B is NaN, so a read outside shows; what lies around C must stay as it was. */
#include "math/gemm.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "train/array.h"

#define COUNT(array) (sizeof(array) / sizeof *(array))

static const size_t sizes[] = {1, 7, 17, 33, 65, 93, 130};

enum { AROUND = 777, TAIL = 5 }; /* what lies around C; elements after the last row */

/* A matrix inside a buffer, as the device has it. */
typedef struct matrix {
    array a;
    double *values;
    size_t rows, columns, offset, stride, count;
} matrix;

/* Pseudo-random elements in +-1, `around` everywhere else. */
static matrix make(clrnn_context *context, clrnn_precision precision, size_t rows, size_t columns,
                   size_t offset, size_t gap, uint64_t seed, double around)
{
    matrix m = {
        .rows = rows, .columns = columns, .offset = offset, .stride = columns + gap, .a = {0}};
    m.count = offset + rows * m.stride + TAIL;
    m.values = test_random(m.count, seed, 1);
    for (size_t i = 0; i < m.count; i++) {
        size_t inside = i - offset;
        bool in = i >= offset && inside / m.stride < rows && inside % m.stride < columns;
        m.values[i] = in ? array_round(precision, m.values[i]) : around;
    }
    m.a = array_make(context, precision, m.values, m.count);
    return m;
}

static void drop(matrix *m)
{
    array_free(&m->a);
    free(m->values);
}

static clr_matrix place(const matrix *m)
{
    return (clr_matrix){m->a.buffer, m->offset, m->stride};
}

static double element(const matrix *m, bool transposed, size_t row, size_t column)
{
    return m
        ->values[m->offset + (transposed ? column : row) * m->stride + (transposed ? row : column)];
}

/* One product to be tested. */
typedef struct product {
    size_t m, n, k;
    bool transpose_a, transpose_b, accumulate;
    size_t offset, gap; /* of each matrix, more or less */
} product;

/* Sums of k products in any order are off by at most k*u*sum|a*b|, u = half a unit in the last
 * place; adding to C and the one rounding of it give the rest. (Higham, Accuracy and Stability of
 * Numerical Algorithms, 2nd ed., section 3.1.) */
static void check_product(const product *p, clrnn_precision precision, const matrix *a,
                          const matrix *b, const matrix *c, const double *got)
{
    const double u = precision == CLRNN_F64 ? 0x1p-53 : 0x1p-24;
    for (size_t i = 0; i < c->count; i++) {
        size_t row = (i - c->offset) / c->stride, column = (i - c->offset) % c->stride;
        if (i < c->offset || row >= p->m || column >= p->n) {
            if (got[i] != AROUND)
                fail_msg("C was written outside its rows, at %zu", i);
            continue;
        }
        double sum = p->accumulate ? c->values[i] : 0, size = fabs(sum);
        for (size_t j = 0; j < p->k; j++) {
            double term =
                element(a, p->transpose_a, row, j) * element(b, p->transpose_b, j, column);
            sum += term;
            size += fabs(term);
        }
        if (!(fabs(got[i] - sum) <= ((double)p->k + 4) * 1.01 * u * size))
            fail_msg("%s: C(%zu,%zu) of %zux%zux%zu, transposed %d %d, is %.9g, should be %.9g",
                     precision == CLRNN_F64 ? "f64" : "f32", row, column, p->m, p->n, p->k,
                     p->transpose_a, p->transpose_b, got[i], sum);
    }
}

static void run_product(clrnn_context *context, clrnn_precision precision, const product *p)
{
    size_t m = p->m, n = p->n, k = p->k, gap = p->gap;
    matrix a = make(context, precision, p->transpose_a ? k : m, p->transpose_a ? m : k, p->offset,
                    gap, m + k, NAN);
    matrix b = make(context, precision, p->transpose_b ? n : k, p->transpose_b ? k : n,
                    p->offset / 2 + 1, gap ? gap + 1 : 0, n + k + 1, NAN);
    matrix c = make(context, precision, m, n, p->offset + 3, gap ? gap + 2 : 0, 7, AROUND);
    clr_gemm gemm = {.m = m,
                     .n = n,
                     .k = k,
                     .transpose_a = p->transpose_a,
                     .transpose_b = p->transpose_b,
                     .accumulate = p->accumulate,
                     .a = place(&a),
                     .b = place(&b),
                     .c = place(&c)};
    if (!p->accumulate) { /* what C held does not matter, not even NaN */
        matrix nan = make(context, precision, m, n, c.offset, c.stride - n, 7, AROUND);
        for (size_t i = 0; i < m * n; i++)
            nan.values[nan.offset + i / n * nan.stride + i % n] = NAN;
        array_free(&c.a);
        c.a = array_make(context, precision, nan.values, nan.count);
        gemm.c = place(&c);
        drop(&nan);
    }
    assert_int_equal(clr_gemm_run(context, precision, &gemm), CLRNN_OK);
    double *got = array_read(&c.a);
    check_product(p, precision, &a, &b, &c, got);
    free(got);
    drop(&a);
    drop(&b);
    drop(&c);
}

static void every_size_and_transpose(void **state)
{
    size_t done = 0;
    for (int precision = 0; precision < precisions(*state); precision++)
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
                run_product(*state, (clrnn_precision)precision, &p);
                done++;
            }
    assert_int_equal(done, (size_t)precisions(*state) * 8 * COUNT(sizes));
}

/* The shapes of a pass: one row, tall and thin, a long sum (a weight gradient). */
static void shapes_of_a_pass(void **state)
{
    static const product list[] = {
        {.m = 1, .n = 520, .k = 130, .transpose_b = true, .offset = 64},
        {.m = 1, .n = 130, .k = 520, .accumulate = true, .gap = 7},
        {.m = 3000, .n = 33, .k = 17, .transpose_b = true, .offset = 1},
        {.m = 93, .n = 65, .k = 20000, .transpose_a = true, .accumulate = true},
        {.m = 7, .n = 33, .k = 20000, .transpose_a = true, .gap = 3},
        {.m = 260, .n = 257, .k = 300, .transpose_a = true, .transpose_b = true, .gap = 1},
    };
    for (int precision = 0; precision < precisions(*state); precision++)
        for (size_t i = 0; i < COUNT(list); i++)
            run_product(*state, (clrnn_precision)precision, &list[i]);
}

static void nothing_to_do(void **state)
{
    const clr_gemm no_rows = {.n = 3, .k = 2}, no_columns = {.m = 3, .k = 2};
    assert_int_equal(clr_gemm_run(*state, CLRNN_F32, &no_rows), CLRNN_OK);
    assert_int_equal(clr_gemm_run(*state, CLRNN_F32, &no_columns), CLRNN_OK);
    assert_string_equal(clr_gemm_name(*state), "clblast");
}

/* NaN and infinity in A and B reach the elements they belong to, and no others. */
static void nan_and_infinity(void **state)
{
    enum { M = 7, N = 17, K = 9 };
    matrix a = make(*state, CLRNN_F32, M, K, 0, 0, 1, 0),
           b = make(*state, CLRNN_F32, K, N, 0, 0, 2, 0);
    array c = array_make(*state, CLRNN_F32, NULL, (size_t)M * N);
    a.values[2 * K + 4] = NAN;
    b.values[3 * N + 16] = INFINITY;
    array_free(&a.a);
    array_free(&b.a);
    a.a = array_make(*state, CLRNN_F32, a.values, a.count);
    b.a = array_make(*state, CLRNN_F32, b.values, b.count);
    const clr_gemm gemm = {
        .m = M, .n = N, .k = K, .a = place(&a), .b = place(&b), .c = {c.buffer, 0, N}};
    assert_int_equal(clr_gemm_run(*state, CLRNN_F32, &gemm), CLRNN_OK);
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
    drop(&a);
    drop(&b);
    array_free(&c);
}

static void failures_are_reported(void **state)
{
    array small = array_make(*state, CLRNN_F32, NULL, 64);
    clr_gemm gemm = {.m = 4,
                     .n = 5,
                     .k = 6,
                     .a = {small.buffer, 0, 6},
                     .b = {small.buffer, 24, 5},
                     .c = {small.buffer, 54, 5}};
    clr_fault_inject(CLR_FAULT_OPENCL, 1);
    assert_int_equal(clr_gemm_run(*state, CLRNN_F32, &gemm), CLRNN_ERR_OPENCL);
    clr_fault_inject(CLR_FAULT_OPENCL, 0);
    assert_error_contains("product 4x5x6 failed");
    gemm.c.offset = 1000; /* beyond the buffer */
    assert_int_equal(clr_gemm_run(*state, CLRNN_F32, &gemm), CLRNN_ERR_OPENCL);
    assert_error_contains("product 4x5x6 failed");
    array_free(&small);
}

/* CLBlast passes offsets as 32-bit int to its kernels: what lies beyond must be refused. */
static void more_than_32_bits(void **state)
{
    array small = array_make(*state, CLRNN_F32, NULL, 64);
    const size_t far = (size_t)1 << 31;
    clr_gemm good = {.m = 4,
                     .n = 5,
                     .k = 6,
                     .a = {small.buffer, 0, 6},
                     .b = {small.buffer, 24, 5},
                     .c = {small.buffer, 0, 5}};
    for (int i = 0; i < 5; i++) {
        clr_gemm gemm = good;
        gemm.a.offset = i == 0 ? far : 0;
        gemm.b.offset = i == 1 ? far : 0;
        gemm.c.offset = i == 2 ? far - 19 : 0;
        gemm.c.stride = i == 3 ? far / 3 : 5;
        gemm.k = i == 4 ? far : 6;
        assert_int_equal(clr_gemm_run(*state, CLRNN_F32, &gemm), CLRNN_ERR_RANGE);
        assert_error_contains("2^31");
    }
    array_free(&small);
}

static void warm_up_failures_are_reported(void **state)
{
    long k = 1;
    clrnn_status status;
    do {
        clr_fault_inject(CLR_FAULT_OPENCL, k++);
        status = clr_gemm_warm_up(*state, CLRNN_F32);
        clr_fault_inject(CLR_FAULT_OPENCL, 0);
        if (status != CLRNN_OK)
            assert_error_contains("failed");
        assert_true(k < 20);
    } while (status != CLRNN_OK);
    assert_true(k - 2 >= 3); /* a buffer, zeros, a product */
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, test_open, test_close)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(every_size_and_transpose),
        TEST(shapes_of_a_pass),
        TEST(nothing_to_do),
        TEST(nan_and_infinity),
        TEST(failures_are_reported),
        TEST(more_than_32_bits),
        TEST(warm_up_failures_are_reported),
    };
    return cmocka_run_group_tests_name("gemm", tests, NULL, NULL);
}

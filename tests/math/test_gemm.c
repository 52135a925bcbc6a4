/* SPDX-License-Identifier: MIT
 * tests/math/test_gemm.c - matrix products on the device, by CLBlast and by our own kernels,
 * against the plainest loops. What lies around A and B is NaN, so a read outside shows; what lies
 * around C must stay as it was. */
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

/* The product by `gemms`, op(B) prepared beforehand or not. */
static void run_product(clr_gemms *gemms, const product *p, bool prepare)
{
    clrnn_context *context = gemms->context;
    clrnn_precision precision = gemms->precision;
    size_t m = p->m, n = p->n, k = p->k, gap = p->gap;
    matrix a = make(context, precision, p->transpose_a ? k : m, p->transpose_a ? m : k, p->offset,
                    gap, m + k, NAN);
    matrix b = make(context, precision, p->transpose_b ? n : k, p->transpose_b ? k : n,
                    p->offset / 2 + 1, gap ? gap + 1 : 0, n + k + 1, NAN);
    matrix c = make(context, precision, m, n, p->offset + 3, gap ? gap + 2 : 0, 7, AROUND);
    if (!p->accumulate) { /* what C held does not matter, not even NaN */
        for (size_t i = 0; i < m * n; i++)
            c.values[c.offset + i / n * c.stride + i % n] = NAN;
        array_free(&c.a);
        c.a = array_make(context, precision, c.values, c.count);
    }
    clr_operand operand = {0};
    clr_gemm gemm = {.m = m,
                     .transpose_a = p->transpose_a,
                     .accumulate = p->accumulate,
                     .a = place(&a),
                     .c = place(&c)};
    if (prepare) {
        assert_int_equal(clr_operand_pack(gemms, place(&b), p->transpose_b, n, k, &operand),
                         CLRNN_OK);
        gemm.prepared = &operand;
    } else {
        gemm.n = n;
        gemm.k = k;
        gemm.b = place(&b);
        gemm.transpose_b = p->transpose_b;
    }
    assert_int_equal(clr_gemm_run(gemms, &gemm), CLRNN_OK);
    double *got = array_read(&c.a);
    check_product(p, precision, &a, &b, &c, got);
    free(got);
    clr_operand_free(&operand);
    drop(&a);
    drop(&b);
    drop(&c);
}

static const clrnn_gemm choices[] = {CLRNN_GEMM_CLBLAST, CLRNN_GEMM_PACKED};

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
        for (size_t c = 0; c < COUNT(choices); c++) {
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
                    run_product(&gemms, &p, (i + bits) % 2);
                    done++;
                }
            clr_gemms_free(&gemms);
        }
    assert_int_equal(done, (size_t)precisions(*state) * COUNT(choices) * 8 * COUNT(sizes));
}

/* The shapes of a pass: a few rows, tall and thin, a long sum (a weight gradient). */
static void shapes_of_a_pass(void **state)
{
    static const product list[] = {
        {.m = 1, .n = 520, .k = 130, .transpose_b = true, .offset = 64},
        {.m = 2, .n = 130, .k = 520, .accumulate = true, .gap = 7},
        {.m = 4, .n = 31, .k = 257, .transpose_b = true, .gap = 1},
        {.m = 3000, .n = 33, .k = 17, .transpose_b = true, .offset = 1},
        {.m = 93, .n = 65, .k = 5000, .transpose_a = true, .accumulate = true},
        {.m = 7, .n = 33, .k = 20000, .transpose_a = true, .gap = 3},
        {.m = 200, .n = 257, .k = 300, .transpose_a = true, .transpose_b = true, .gap = 1},
    };
    for (int precision = 0; precision < precisions(*state); precision++)
        for (size_t c = 0; c < COUNT(choices); c++) {
            clr_gemms gemms = gemms_of(*state, precision, choices[c]);
            for (size_t i = 0; i < COUNT(list); i++)
                run_product(&gemms, &list[i], i % 2);
            clr_gemms_free(&gemms);
        }
}

/* Our kernels are built for the width of the device's vectors; here for every width there is. */
static void vector_widths(void **state)
{
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
                run_product(&gemms, &list[i], i % 2);
            clr_gemms_free(&gemms);
        }
    context->info.vector_width = own;
}

/* Packing an operand again takes the new contents of the matrix. */
static void operand_packed_again(void **state)
{
    enum { M = 5, N = 33, K = 17 };
    for (size_t i = 0; i < COUNT(choices); i++) {
        clr_gemms gemms = gemms_of(*state, CLRNN_F32, choices[i]);
        clr_operand operand = {0};
        double *last = NULL;
        matrix a = make(*state, CLRNN_F32, M, K, 0, 0, 1, 0);
        for (int pass = 0; pass < 3; pass++) { /* the third is the first again */
            matrix b = make(*state, CLRNN_F32, K, N, 2, 1, 2 + pass % 2, NAN);
            array c = array_make(*state, CLRNN_F32, NULL, (size_t)M * N);
            const clr_gemm gemm = {
                .m = M, .a = place(&a), .c = {c.buffer, 0, N}, .prepared = &operand};
            assert_int_equal(clr_operand_pack(&gemms, place(&b), false, N, K, &operand), CLRNN_OK);
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
            drop(&b);
            array_free(&c);
        }
        free(last);
        drop(&a);
        clr_operand_free(&operand);
        clr_gemms_free(&gemms);
    }
}

/* Our own kernels: an element has the same bits whatever rows and columns are around it. */
static void packed_is_invariant(void **state)
{
    enum { M = 65, N = 93, K = 300 };
    clr_gemms gemms = gemms_of(*state, CLRNN_F32, CLRNN_GEMM_PACKED);
    matrix a = make(*state, CLRNN_F32, M, K, 0, 0, 1, 0);
    matrix b = make(*state, CLRNN_F32, K, N, 0, 0, 2, 0);
    array whole = array_make(*state, CLRNN_F32, NULL, (size_t)M * N);
    array parts = array_make(*state, CLRNN_F32, NULL, (size_t)M * N);
    clr_gemm gemm = {.m = M, .n = N, .k = K, .a = place(&a), .b = place(&b)};
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
    drop(&a);
    drop(&b);
    array_free(&whole);
    array_free(&parts);
    clr_gemms_free(&gemms);
}

static void choice_and_nothing_to_do(void **state)
{
    const clr_gemm no_rows = {.n = 3, .k = 2}, no_columns = {.m = 3, .k = 2};
    const bool cpu = clrnn_context_device(*state)->type & CL_DEVICE_TYPE_CPU;
    static const char *const names[] = {"clblast", "packed"};
    for (size_t i = 0; i < COUNT(choices); i++) {
        clr_gemms gemms = gemms_of(*state, CLRNN_F32, choices[i]);
        assert_string_equal(clr_gemms_name(&gemms), names[i]);
        assert_int_equal(clr_gemm_run(&gemms, &no_rows), CLRNN_OK);
        assert_int_equal(clr_gemm_run(&gemms, &no_columns), CLRNN_OK);
        clr_gemms_free(&gemms);
    }
    clr_gemms gemms = gemms_of(*state, CLRNN_F32, CLRNN_GEMM_AUTO);
    assert_string_equal(clr_gemms_name(&gemms), names[cpu]);
    clr_gemms_free(&gemms);
}

/* NaN and infinity in A and B reach the elements they belong to, and no others. */
static void check_nan_and_infinity(clr_gemms *gemms)
{
    enum { M = 7, N = 17, K = 9 };
    clrnn_context *context = gemms->context;
    matrix a = make(context, CLRNN_F32, M, K, 0, 0, 1, 0);
    matrix b = make(context, CLRNN_F32, K, N, 0, 0, 2, 0);
    array c = array_make(context, CLRNN_F32, NULL, (size_t)M * N);
    a.values[2 * K + 4] = NAN;
    b.values[3 * N + 16] = INFINITY;
    array_free(&a.a);
    array_free(&b.a);
    a.a = array_make(context, CLRNN_F32, a.values, a.count);
    b.a = array_make(context, CLRNN_F32, b.values, b.count);
    const clr_gemm gemm = {
        .m = M, .n = N, .k = K, .a = place(&a), .b = place(&b), .c = {c.buffer, 0, N}};
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
    drop(&a);
    drop(&b);
    array_free(&c);
}

static void nan_and_infinity(void **state)
{
    for (size_t i = 0; i < COUNT(choices); i++) {
        clr_gemms gemms = gemms_of(*state, CLRNN_F32, choices[i]);
        check_nan_and_infinity(&gemms);
        clr_gemms_free(&gemms);
    }
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, test_open, test_close)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(every_size_and_transpose), TEST(shapes_of_a_pass),    TEST(vector_widths),
        TEST(operand_packed_again),     TEST(packed_is_invariant), TEST(choice_and_nothing_to_do),
        TEST(nan_and_infinity),
    };
    return cmocka_run_group_tests_name("gemm", tests, NULL, NULL);
}

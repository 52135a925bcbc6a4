/* SPDX-License-Identifier: MIT
 * tests/math/test_packed.c - what our own products promise to the bit: each element is chains of
 * fused multiply-adds, of 32 values of k, of 64 if there are more than 1,024 and of 128 if more
 * than 2,048, and the chains added in order, whatever rows and columns are around it, however its
 * operands are stored or prepared. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "math/prepared.h"
#include "train/array.h"

#define COUNT(array) (sizeof(array) / sizeof *(array))

enum { GAP = 3 }; /* what lies between two rows of a matrix */

/* One product: op(A) [m,k], op(B) [k,n], and what C [m,n] held. */
typedef struct product {
    clrnn_precision precision;
    size_t m, n, k;
    bool transpose_a, transpose_b, accumulate, prepare;
    bool same_a;  /* op(A) is that of the product before */
    size_t first; /* rows of op(A) and C that are there, but left out */
    double *a, *b, *c;
} product;

static product product_of(clrnn_precision precision, size_t m, size_t n, size_t k, uint64_t seed)
{
    product p = {.precision = precision, .m = m, .n = n, .k = k};
    p.a = test_random(m * k, 3 * seed, 1);
    p.b = test_random(k * n, 3 * seed + 1, 1);
    p.c = test_random(m * n, 3 * seed + 2, 1);
    for (size_t i = 0; i < m * k; i++)
        p.a[i] = array_round(precision, p.a[i]);
    for (size_t i = 0; i < k * n; i++)
        p.b[i] = array_round(precision, p.b[i]);
    for (size_t i = 0; i < m * n; i++)
        p.c[i] = array_round(precision, p.c[i]);
    return p;
}

static void product_free(product *p)
{
    free(p->a);
    free(p->b);
    free(p->c);
}

static double multiply_add(clrnn_precision precision, double a, double b, double sum)
{
    return precision == CLRNN_F64 ? fma(a, b, sum) : (double)fmaf((float)a, (float)b, (float)sum);
}

/* Element (i,j) of C, as promised. */
static double element(const product *p, size_t i, size_t j)
{
    const size_t chain = p->k > 2048 ? 128 : p->k > 1024 ? 64 : 32;
    double total = p->c[i * p->n + j];
    for (size_t k0 = 0; k0 < p->k; k0 += chain) {
        double sum = 0;
        for (size_t k = k0; k < p->k && k < k0 + chain; k++)
            sum = multiply_add(p->precision, p->a[i * p->k + k], p->b[k * p->n + j], sum);
        total = k0 || p->accumulate ? array_round(p->precision, total + sum) : sum;
    }
    return total;
}

/* op(X) = [rows,columns] on the device, stored as told, with NaN between rows. */
static array store(clrnn_context *context, const product *p, const double *values, size_t rows,
                   size_t columns, bool transposed, clr_matrix *matrix)
{
    size_t outer = transposed ? columns : rows, inner = transposed ? rows : columns;
    size_t stride = inner + GAP;
    double *stored = calloc(outer * stride, sizeof *stored);
    assert_non_null(stored);
    for (size_t i = 0; i < outer * stride; i++)
        stored[i] = NAN;
    for (size_t r = 0; r < rows; r++)
        for (size_t c = 0; c < columns; c++)
            stored[transposed ? c * stride + r : r * stride + c] = values[r * columns + c];
    array a = array_make(context, p->precision, stored, outer * stride);
    *matrix = (clr_matrix){a.buffer, 0, stride};
    free(stored);
    return a;
}

/* C [m,n] of the device, without what lies between its rows, which must still be there. */
static double *run(clr_gemms *gemms, const product *p)
{
    clr_packed_matrix operand = {0};
    clr_gemm gemm = {.m = p->m - p->first,
                     .n = p->n,
                     .k = p->k,
                     .transpose_a = p->transpose_a,
                     .transpose_b = p->transpose_b,
                     .accumulate = p->accumulate,
                     .same_a = p->same_a};
    array a = store(gemms->context, p, p->a, p->m, p->k, p->transpose_a, &gemm.a);
    array b = store(gemms->context, p, p->b, p->k, p->n, p->transpose_b, &gemm.b);
    array c = store(gemms->context, p, p->c, p->m, p->n, false, &gemm.c);
    gemm.a.offset = p->first * (p->transpose_a ? 1 : gemm.a.stride);
    gemm.c.offset = p->first * gemm.c.stride;
    if (p->prepare) {
        assert_int_equal(prepared_pack(gemms, gemm.b, gemm.transpose_b, gemm.n, gemm.k, &operand),
                         CLRNN_OK);
        gemm.prepared = &operand;
    }
    assert_int_equal(clr_gemm_run(gemms, &gemm), CLRNN_OK);
    double *stored = array_read(&c), *got = calloc(p->m * p->n, sizeof *got);
    assert_non_null(got);
    for (size_t i = 0; i < p->m; i++)
        for (size_t j = 0; j < p->n + GAP; j++) {
            double is = stored[i * (p->n + GAP) + j];
            if (j < p->n)
                got[i * p->n + j] = is;
            else
                assert_true(isnan(is));
        }
    free(stored);
    prepared_free(&operand);
    array_free(&a);
    array_free(&b);
    array_free(&c);
    return got;
}

static void check(clr_gemms *gemms, const product *p)
{
    double *got = run(gemms, p);
    for (size_t i = 0; i < p->m; i++)
        for (size_t j = 0; j < p->n; j++) {
            double is = got[i * p->n + j];
            double should = i < p->first ? p->c[i * p->n + j] : element(p, i, j);
            if (memcmp(&is, &should, sizeof is) != 0)
                fail_msg("%s %zux%zux%zu from row %zu, transposed %d %d, accumulate %d, prepared "
                         "%d: C(%zu,%zu) is %.17g, should be %.17g",
                         p->precision == CLRNN_F64 ? "f64" : "f32", p->m, p->n, p->k, p->first,
                         p->transpose_a, p->transpose_b, p->accumulate, p->prepare, i, j, is,
                         should);
        }
    free(got);
}

static clr_gemms packed_of(clrnn_context *context, int precision)
{
    clr_gemms gemms;
    assert_int_equal(clr_gemms_init(context, (clrnn_precision)precision, CLRNN_WEIGHTS_F32,
                                    CLRNN_GEMM_PACKED, &gemms),
                     CLRNN_OK);
    return gemms;
}

/* Every way to converter, prepare and add, at sizes around those of a tile and a block. */
static void chains_of_multiply_adds(void **state)
{
    static const size_t m[] = {1, 2, 3, 4, 6, 7, 13, 97}, n[] = {1, 15, 16, 17, 31, 32, 33, 65},
                        k[] = {1, 5, 31, 32, 33, 129, 257};
    for (int precision = 0; precision < precisions(*state); precision++) {
        clr_gemms gemms = packed_of(*state, precision);
        for (size_t i = 0; i < COUNT(m) * COUNT(n); i++) {
            product p = product_of((clrnn_precision)precision, m[i % COUNT(m)], n[i / COUNT(m)],
                                   k[(i + i / COUNT(m)) % COUNT(k)], i);
            for (unsigned bits = i % 2; bits < 16; bits += 2) {
                p.transpose_a = bits & 2;
                p.transpose_b = bits & 4;
                p.accumulate = bits & 8;
                p.prepare = bits & 1;
                check(&gemms, &p);
            }
            product_free(&p);
        }
        clr_gemms_free(&gemms);
    }
}

/* Lengths of a sum at which its chains become longer. */
static void long_sums(void **state)
{
    static const size_t k[] = {1023, 1024, 1025, 2048, 2049, 4097};
    for (int precision = 0; precision < precisions(*state); precision++) {
        clr_gemms gemms = packed_of(*state, precision);
        for (size_t i = 0; i < 2 * COUNT(k); i++) {
            product p = product_of((clrnn_precision)precision, 7, 3, k[i / 2], 500 + i);
            p.accumulate = i % 2;
            check(&gemms, &p);
            product_free(&p);
        }
        clr_gemms_free(&gemms);
    }
}

/* Any number of rows from any row on: tiles of every height at every place of a block of rows. */
static void any_rows(void **state)
{
    enum { M = 103, N = 33, K = 40 };
    for (int precision = 0; precision < precisions(*state); precision++) {
        clr_gemms gemms = packed_of(*state, precision);
        for (size_t i = 0; i < 2; i++) {
            product p = product_of((clrnn_precision)precision, M, N, K, 100 + i);
            p.transpose_a = i;
            for (p.first = 0; p.first < M; p.first += p.first < 8 ? 1 : 9)
                for (p.m = p.first + 1; p.m <= M; p.m += p.m < p.first + 14 ? 1 : 17)
                    check(&gemms, &p);
            product_free(&p);
        }
        clr_gemms_free(&gemms);
    }
}

/* A transposed A is read where it lies, or for many panels of long rows packed; what is packed
 * serves the products that follow with the same A, whether they alone would have packed it or not.
 */
static void transposed_again(void **state)
{
    enum { M = 1200, K = 9 };
    static const struct {
        size_t n, a;
        bool same;
    } rows[] = {{33, 0, false},  {230, 0, true}, {250, 0, true}, {17, 0, true},
                {230, 1, false}, {33, 2, false}, {33, 2, true},  {230, 3, false}};
    for (int precision = 0; precision < precisions(*state); precision++) {
        clr_gemms gemms = packed_of(*state, precision);
        for (size_t i = 0; i < COUNT(rows); i++) {
            product p = product_of((clrnn_precision)precision, M, rows[i].n, K, 400 + rows[i].a);
            p.transpose_a = true;
            p.same_a = rows[i].same;
            check(&gemms, &p);
            product_free(&p);
        }
        clr_gemms_free(&gemms);
    }
}

/* Kernels for every width of vector give the same bits. */
static void vector_widths(void **state)
{
    test_need(*state, TEST_COMPILER);
    static const uint32_t widths[] = {1, 4, 8, 16};
    clrnn_context *context = *state;
    const uint32_t own = context->info.vector_width;
    for (int precision = 0; precision < precisions(context); precision++)
        for (size_t w = 0; w < COUNT(widths); w++) {
            context->info.vector_width = widths[w];
            clr_gemms gemms = packed_of(context, precision);
            product p = product_of((clrnn_precision)precision, 9, 65, 300, 200);
            check(&gemms, &p);
            p.transpose_a = p.transpose_b = p.accumulate = p.prepare = true;
            check(&gemms, &p);
            product_free(&p);
            clr_gemms_free(&gemms);
        }
    context->info.vector_width = own;
}

/* Products that follow one another without waiting, larger and smaller ones: each has the scratch
 * memory that it needs, while those before may still use theirs. */
static void scratch_memory(void **state)
{
    enum { PRODUCTS = 12 };
    clr_gemms gemms = packed_of(*state, CLRNN_F32);
    product p[PRODUCTS];
    array a[PRODUCTS], b[PRODUCTS], c[PRODUCTS];
    for (size_t i = 0; i < PRODUCTS; i++) {
        clr_gemm gemm = {.transpose_a = true, .transpose_b = i % 2};
        p[i] = product_of(CLRNN_F32, 1 + i * 31 % 70, 1 + i * 17 % 50, 1 + i * 97 % 400, 300 + i);
        gemm.m = p[i].m;
        gemm.n = p[i].n;
        gemm.k = p[i].k;
        a[i] = store(*state, &p[i], p[i].a, gemm.m, gemm.k, true, &gemm.a);
        b[i] = store(*state, &p[i], p[i].b, gemm.k, gemm.n, i % 2, &gemm.b);
        c[i] = store(*state, &p[i], p[i].c, gemm.m, gemm.n, false, &gemm.c);
        assert_int_equal(clr_gemm_run(&gemms, &gemm), CLRNN_OK);
    }
    clr_gemms_free(&gemms); /* before they are done */
    for (size_t i = 0; i < PRODUCTS; i++) {
        double *got = array_read(&c[i]);
        for (size_t r = 0; r < p[i].m; r++)
            for (size_t column = 0; column < p[i].n; column++) {
                double should = element(&p[i], r, column);
                assert_memory_equal(&got[r * (p[i].n + GAP) + column], &should, sizeof should);
            }
        free(got);
        array_free(&a[i]);
        array_free(&b[i]);
        array_free(&c[i]);
        product_free(&p[i]);
    }
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, test_open, test_close)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(chains_of_multiply_adds), TEST(long_sums),     TEST(any_rows),
        TEST(transposed_again),        TEST(vector_widths), TEST(scratch_memory),
    };
    return cmocka_run_group_tests_name("packed", tests, NULL, NULL);
}

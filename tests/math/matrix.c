/* SPDX-License-Identifier: MIT
 * tests/math/matrix.c - see tests/math/matrix.h. */
#include "math/matrix.h"

#include <math.h>
#include <stdlib.h>

#include "math/prepared.h"
#include "stored.h"

enum { TAIL = 5 }; /* elements after the last row */

matrix matrix_make(clrnn_context *context, clrnn_precision precision, size_t rows, size_t columns,
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

void matrix_free(matrix *m)
{
    array_free(&m->a);
    free(m->values);
}

clr_matrix matrix_place(const matrix *m)
{
    return (clr_matrix){m->a.buffer, m->offset, m->stride};
}

double *matrix_at(const matrix *m, bool transposed, size_t row, size_t column)
{
    size_t i = transposed ? column : row, j = transposed ? row : column;
    return &m->values[m->offset + i * m->stride + j];
}

/* Sums of k products in any order are off by at most k*u*sum|a*b|, u = half a unit in the last
 * place; adding to C and the one rounding of it give the rest. (Higham, Accuracy and Stability of
 * Numerical Algorithms, 2nd ed., section 3.1.) */
static void check(const product *p, clrnn_precision precision, const matrix *a, const matrix *b,
                  const matrix *c, const double *got)
{
    const double u = precision == CLRNN_F64 ? 0x1p-53 : 0x1p-24;
    for (size_t i = 0; i < c->count; i++) {
        size_t row = (i - c->offset) / c->stride, column = (i - c->offset) % c->stride;
        if (i < c->offset || row >= p->m || column >= p->n) {
            if (got[i] != MATRIX_AROUND)
                fail_msg("C was written outside its rows, at %zu", i);
            continue;
        }
        double sum = p->accumulate ? c->values[i] : 0, size = fabs(sum);
        for (size_t j = 0; j < p->k; j++) {
            double term =
                *matrix_at(a, p->transpose_a, row, j) * *matrix_at(b, p->transpose_b, j, column);
            sum += term;
            size += fabs(term);
        }
        if (!(fabs(got[i] - sum) <= ((double)p->k + 4) * 1.01 * u * size))
            fail_msg("%s: C(%zu,%zu) of %zux%zux%zu, transposed %d %d, is %.9g, should be %.9g",
                     precision == CLRNN_F64 ? "f64" : "f32", row, column, p->m, p->n, p->k,
                     p->transpose_a, p->transpose_b, got[i], sum);
    }
}

/* The columns of op(B) become what is kept of them. */
static void keep(matrix *b, const product *p, clrnn_storage storage)
{
    double *column = calloc(p->k, sizeof *column);
    assert_non_null(column);
    for (size_t n = 0; n < p->n; n++) {
        for (size_t k = 0; k < p->k; k++)
            column[k] = *matrix_at(b, p->transpose_b, k, n);
        clr_reference_store(storage, column, 1, p->k);
        for (size_t k = 0; k < p->k; k++)
            *matrix_at(b, p->transpose_b, k, n) = column[k];
    }
    free(column);
}

void product_run(clr_gemms *gemms, const product *p, bool prepare)
{
    clrnn_context *context = gemms->context;
    clrnn_precision precision = gemms->precision;
    size_t m = p->m, n = p->n, k = p->k, gap = p->gap;
    matrix a = matrix_make(context, precision, p->transpose_a ? k : m, p->transpose_a ? m : k,
                           p->offset, gap, m + k, NAN);
    matrix b = matrix_make(context, precision, p->transpose_b ? n : k, p->transpose_b ? k : n,
                           p->offset / 2 + 1, gap ? gap + 1 : 0, n + k + 1, NAN);
    matrix c =
        matrix_make(context, precision, m, n, p->offset + 3, gap ? gap + 2 : 0, 7, MATRIX_AROUND);
    if (!p->accumulate) { /* what C held does not matter, not even NaN */
        for (size_t i = 0; i < m * n; i++)
            c.values[c.offset + i / n * c.stride + i % n] = NAN;
        array_free(&c.a);
        c.a = array_make(context, precision, c.values, c.count);
    }
    clr_packed_matrix operand = {0};
    clr_gemm gemm = {.m = m,
                     .transpose_a = p->transpose_a,
                     .accumulate = p->accumulate,
                     .a = matrix_place(&a),
                     .c = matrix_place(&c)};
    if (prepare) {
        assert_int_equal(prepared_pack(gemms, matrix_place(&b), p->transpose_b, n, k, &operand),
                         CLRNN_OK);
        gemm.prepared = &operand;
    } else {
        gemm.n = n;
        gemm.k = k;
        gemm.b = matrix_place(&b);
        gemm.transpose_b = p->transpose_b;
    }
    assert_int_equal(clr_gemm_run(gemms, &gemm), CLRNN_OK);
    double *got = array_read(&c.a);
    if (gemms->storage != CLRNN_WEIGHTS_F32)
        keep(&b, p, gemms->storage);
    check(p, precision, &a, &b, &c, got);
    free(got);
    prepared_free(&operand);
    matrix_free(&a);
    matrix_free(&b);
    matrix_free(&c);
}

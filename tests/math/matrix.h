/* SPDX-License-Identifier: MIT
 * tests/math/matrix.h - matrices on the device with something around them, and products of them
 * against the plainest loops. */
#ifndef TEST_MATH_MATRIX_H
#define TEST_MATH_MATRIX_H

#include "math/gemm.h"
#include "train/array.h"

enum { MATRIX_AROUND = 777 }; /* what lies around C */

/* A matrix inside a buffer, as the device has it. */
typedef struct matrix {
    array a;
    double *values;
    size_t rows, columns, offset, stride, count;
} matrix;

/** Pseudo-random elements in +-1, `around` everywhere else, and so for some numbers after the last
 *  row. */
matrix matrix_make(clrnn_context *context, clrnn_precision precision, size_t rows, size_t columns,
                   size_t offset, size_t gap, uint64_t seed, double around);
void matrix_free(matrix *m);

clr_matrix matrix_place(const matrix *m);

/** Element (row, column) of the matrix, or of its transpose. */
double *matrix_at(const matrix *m, bool transposed, size_t row, size_t column);

/* One product to be tested. */
typedef struct product {
    size_t m, n, k;
    bool transpose_a, transpose_b, accumulate;
    size_t offset, gap; /* of each matrix, more or less */
} product;

/** The product by `gemms`, op(B) prepared beforehand or not. Fails unless C is what it should be,
 *  within what rounding may do, of B as it is kept. */
void product_run(clr_gemms *gemms, const product *p, bool prepare);

#endif

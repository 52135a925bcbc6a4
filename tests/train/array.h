/* SPDX-License-Identifier: MIT
 * tests/train/array.h - an array on the device, given and read as double, with a guarded end. */
#ifndef TEST_TRAIN_ARRAY_H
#define TEST_TRAIN_ARRAY_H

#include "support.h"

#include <clrnn/network.h>

typedef struct array {
    clrnn_context *context;
    clrnn_precision precision;
    size_t count;
    cl_mem buffer; /* [count], then a guard that nothing may write to */
} array;

/** values: [count], or NULL = a pattern that is NaN as a number. */
array array_make(clrnn_context *context, clrnn_precision precision, const double *values,
                 size_t count);

/** Waits, fails if the guard was written to. [count], to be freed. */
double *array_read(const array *a);

void array_free(array *a);

/** Round to what the precision can hold: what the device gets of a number. */
double array_round(clrnn_precision precision, double value);

/** How many precisions the device has: CLRNN_F32, and CLRNN_F64 with fp64. */
int precisions(clrnn_context *context);

#endif

/* SPDX-License-Identifier: MIT
 * tests/train/array.c - see tests/train/array.h. */
#include "array.h"

#include <stdlib.h>
#include <string.h>

#include "device/buffer.h"

/* NaN would survive arithmetic on the guard unseen. */
enum { GUARD_BYTES = 512, GUARD = 0x5a, CONTENTS = 0xff };

static size_t element_size(clrnn_precision precision)
{
    return precision == CLRNN_F64 ? sizeof(double) : sizeof(float);
}

array array_make(clrnn_context *context, clrnn_precision precision, const double *values,
                 size_t count)
{
    array a = {context, precision, count, NULL};
    size_t bytes = count * element_size(precision);
    void *host = malloc(bytes + GUARD_BYTES);
    assert_non_null(host);
    memset(host, CONTENTS, bytes);
    memset((char *)host + bytes, GUARD, GUARD_BYTES);
    for (size_t i = 0; values && i < count; i++)
        if (precision == CLRNN_F64)
            ((double *)host)[i] = values[i];
        else
            ((float *)host)[i] = (float)values[i];
    assert_int_equal(clr_buffer_create(context, bytes + GUARD_BYTES, &a.buffer), CLRNN_OK);
    assert_int_equal(clr_buffer_write(context, a.buffer, 0, bytes + GUARD_BYTES, host), CLRNN_OK);
    free(host);
    return a;
}

double *array_read(const array *a)
{
    size_t bytes = a->count * element_size(a->precision);
    unsigned char *host = malloc(bytes + GUARD_BYTES);
    double *values = malloc((a->count + 1) * sizeof *values);
    assert_true(host && values);
    assert_int_equal(clr_buffer_read(a->context, a->buffer, 0, bytes + GUARD_BYTES, host),
                     CLRNN_OK);
    for (size_t i = 0; i < a->count; i++)
        values[i] = a->precision == CLRNN_F64 ? ((double *)(void *)host)[i]
                                              : (double)((float *)(void *)host)[i];
    for (size_t i = 0; i < GUARD_BYTES; i++)
        if (host[bytes + i] != GUARD)
            fail_msg("written %zu bytes past the end of an array of %zu", i, a->count);
    free(host);
    return values;
}

void array_free(array *a)
{
    clr_buffer_destroy(&a->buffer);
}

double array_round(clrnn_precision precision, double value)
{
    return precision == CLRNN_F64 ? value : (double)(float)value;
}

int precisions(clrnn_context *context)
{
    return clrnn_context_device(context)->fp64 ? 2 : 1;
}

/* SPDX-License-Identifier: MIT
 * run_arrays.c - shapes, types and axes of the arrays of `clrnn run`; see run.h. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "run.h"

const char *run_shape_text(const clrnn_tensor *tensor, char text[200])
{
    size_t used = (size_t)snprintf(text, 200, "[");
    for (uint32_t i = 0; i < tensor->rank; i++)
        used += (size_t)snprintf(text + used, 200 - used, "%s%llu", i ? "," : "",
                                 (unsigned long long)tensor->shape[i]);
    snprintf(text + used, 200 - used, "]");
    return text;
}

bool run_is_integer(const clrnn_tensor *tensor)
{
    return tensor->dtype >= CLRNN_DTYPE_I8 && tensor->dtype <= CLRNN_DTYPE_U64;
}

void *run_reals(const clrnn_tensor *tensor, size_t element)
{
    void *out = calloc(tensor->count ? tensor->count : 1, element);
    if (out && element == sizeof(double))
        clrnn_tensor_to_f64(tensor, out);
    else if (out)
        clrnn_tensor_to_f32(tensor, out);
    return out;
}

int64_t run_integer_at(const clrnn_tensor *tensor, size_t i)
{
    switch (tensor->dtype) {
    case CLRNN_DTYPE_I8:
        return ((const int8_t *)tensor->data)[i];
    case CLRNN_DTYPE_U8:
        return ((const uint8_t *)tensor->data)[i];
    case CLRNN_DTYPE_I16:
        return ((const int16_t *)tensor->data)[i];
    case CLRNN_DTYPE_U16:
        return ((const uint16_t *)tensor->data)[i];
    case CLRNN_DTYPE_I32:
        return ((const int32_t *)tensor->data)[i];
    case CLRNN_DTYPE_U32:
        return ((const uint32_t *)tensor->data)[i];
    case CLRNN_DTYPE_I64:
        return ((const int64_t *)tensor->data)[i];
    case CLRNN_DTYPE_U64: {
        uint64_t value = ((const uint64_t *)tensor->data)[i];
        return value > INT64_MAX ? INT64_MAX : (int64_t)value;
    }
    default:
        return -1;
    }
}

void *run_copy(const void *from, size_t count, size_t element)
{
    void *copy = calloc(count, element);
    if (copy && from)
        memcpy(copy, from, count * element);
    return copy;
}

int32_t *run_integers(const clrnn_tensor *tensor)
{
    int32_t *out = calloc(tensor->count ? tensor->count : 1, sizeof *out);
    for (size_t i = 0; out && i < tensor->count; i++) {
        int64_t value = run_integer_at(tensor, i);
        out[i] = value < INT32_MIN ? INT32_MIN : value > INT32_MAX ? INT32_MAX : (int32_t)value;
    }
    return out;
}

int run_lengths(const run_input *in, uint32_t steps, uint32_t **lengths)
{
    int32_t *numbers = run_integers(in->tensor);
    *lengths = (uint32_t *)numbers;
    if (!numbers)
        return tool_no_memory();
    for (size_t n = 0; n < in->tensor->count; n++)
        if (numbers[n] < 0 || (uint32_t)numbers[n] > steps)
            return tool_error("run: %s: length %lld of sequence %zu is not 0 to T=%u", in->path,
                              (long long)run_integer_at(in->tensor, n), n, steps);
    return TOOL_OK;
}

bool run_swap(void **data, size_t a, size_t b, size_t row)
{
    const char *in = *data;
    char *out = calloc(a * b, row);
    for (size_t i = 0; out && i < a; i++)
        for (size_t j = 0; j < b; j++)
            memcpy(out + (j * a + i) * row, in + (i * b + j) * row, row);
    free(*data);
    *data = out;
    return out != NULL;
}

/* SPDX-License-Identifier: MIT
 * model/dtype.c - element types: their names and sizes, and their elements as float and double. */
#include <string.h>

#include "model/tensors.h"

const clr_dtype_info clr_dtypes[CLRNN_DTYPE_COUNT] = {
#define CLR_DTYPE_ROW(name, bytes, safetensors, npy) {safetensors, npy, bytes},
    CLRNN_DTYPE_LIST(CLR_DTYPE_ROW)
#undef CLR_DTYPE_ROW
};

const char *clrnn_dtype_name(clrnn_dtype dtype)
{
    return (unsigned)dtype < CLRNN_DTYPE_COUNT ? clr_dtypes[dtype].name : "unknown";
}

static float float_of_bits(uint32_t bits)
{
    float value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

/* bfloat16 is the upper half of a float. */
static float from_bf16(uint16_t bits)
{
    return float_of_bits((uint32_t)bits << 16);
}

/* IEEE 754 binary16: 1 bit sign, 5 exponent (bias 15), 10 fraction. Every value is a float. */
static float from_f16(uint16_t bits)
{
    uint32_t sign = (uint32_t)(bits & 0x8000) << 16;
    uint32_t exponent = bits >> 10 & 0x1F, fraction = bits & 0x3FF;
    if (exponent == 0) { /* zero or subnormal: fraction * 2^-24 */
        float value = (float)fraction * (1.0f / 16777216.0f);
        return sign ? -value : value;
    }
    exponent = exponent == 0x1F ? 0xFF : exponent + (127 - 15);
    return float_of_bits(sign | exponent << 23 | fraction << 13);
}

/* The type in memory, and the value of an element v: every dtype once. */
#define ELEMENTS(X)                 \
    X(F32, float, v)                \
    X(F64, double, v)               \
    X(F16, uint16_t, from_f16(v))   \
    X(BF16, uint16_t, from_bf16(v)) \
    X(I8, int8_t, v)                \
    X(U8, uint8_t, v)               \
    X(I16, int16_t, v)              \
    X(U16, uint16_t, v)             \
    X(I32, int32_t, v)              \
    X(U32, uint32_t, v)             \
    X(I64, int64_t, v)              \
    X(U64, uint64_t, v)             \
    X(BOOL, uint8_t, v != 0)

/* The assignment converts, so that a value is rounded once, to the type of `out`. */
#define COPY(name, type, value)                             \
    case CLRNN_DTYPE_##name:                                \
        for (size_t i = 0; i < tensor->count; i++) {        \
            const type v = ((const type *)tensor->data)[i]; \
            out[i] = value;                                 \
        }                                                   \
        break;

void clrnn_tensor_to_f64(const clrnn_tensor *tensor, double *out)
{
    if (!tensor || !out)
        return;
    switch (tensor->dtype) {
        ELEMENTS(COPY)
    case CLRNN_DTYPE_COUNT:
        break;
    }
}

void clrnn_tensor_to_f32(const clrnn_tensor *tensor, float *out)
{
    if (!tensor || !out)
        return;
    switch (tensor->dtype) {
        ELEMENTS(COPY)
    case CLRNN_DTYPE_COUNT:
        break;
    }
}

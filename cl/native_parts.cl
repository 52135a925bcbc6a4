/* SPDX-License-Identifier: MIT
 * cl/native_parts.cl - parts of vectors for kernels that are compiled ahead of time: cl/native.cl
 * includes it. */

/* The first `count` numbers of a vector, fewer than it has, where the processor leaves out the
 * others: what cl/prelude.cl else does by halves. */
#if defined(__AVX512F__) && defined(__AVX512VL__)
#define HARDWARE_PARTS 1
OVERLOAD float8 load_part_8(global const float *p, uint count)
{
    return __builtin_ia32_loadups256_mask((const float8 *)(uintptr_t)p, (float8)0,
                                          (uchar)((1u << count) - 1));
}
OVERLOAD float16 load_part_16(global const float *p, uint count)
{
    return __builtin_ia32_loadups512_mask((const float16 *)(uintptr_t)p, (float16)0,
                                          (ushort)((1u << count) - 1));
}
OVERLOAD float32 load_part_32(global const float *p, uint count)
{
    float16 high = 0;
    if (count > 16)
        high = load_part_16(p + 16, count - 16);
    return (float32)(load_part_16(p, min(count, 16u)), high);
}
OVERLOAD double8 load_part_8(global const double *p, uint count)
{
    return __builtin_ia32_loadupd512_mask((const double8 *)(uintptr_t)p, (double8)0,
                                          (uchar)((1u << count) - 1));
}
OVERLOAD double16 load_part_16(global const double *p, uint count)
{
    double8 high = 0;
    if (count > 8)
        high = load_part_8(p + 8, count - 8);
    return (double16)(load_part_8(p, min(count, 8u)), high);
}
OVERLOAD void store_part_8(float8 value, global float *p, uint count)
{
    __builtin_ia32_storeups256_mask((float8 *)(uintptr_t)p, value, (uchar)((1u << count) - 1));
}
OVERLOAD void store_part_16(float16 value, global float *p, uint count)
{
    __builtin_ia32_storeups512_mask((float16 *)(uintptr_t)p, value, (ushort)((1u << count) - 1));
}
OVERLOAD void store_part_32(float32 value, global float *p, uint count)
{
    store_part_16(value.lo, p, min(count, 16u));
    if (count > 16)
        store_part_16(value.hi, p + 16, count - 16);
}
OVERLOAD void store_part_8(double8 value, global double *p, uint count)
{
    __builtin_ia32_storeupd512_mask((double8 *)(uintptr_t)p, value, (uchar)((1u << count) - 1));
}
OVERLOAD void store_part_16(double16 value, global double *p, uint count)
{
    store_part_8(value.lo, p, min(count, 8u));
    if (count > 8)
        store_part_8(value.hi, p + 8, count - 8);
}
#elif defined(__AVX2__)
#define HARDWARE_PARTS 1
static inline int8 CLR_first_8(uint count)
{
    return (int8)(0, 1, 2, 3, 4, 5, 6, 7) < (int8)(int)count;
}
static inline long4 CLR_first_4(uint count)
{
    return (long4)(0, 1, 2, 3) < (long4)(long)count;
}
OVERLOAD float8 load_part_8(global const float *p, uint count)
{
    return __builtin_ia32_maskloadps256((const float8 *)(uintptr_t)p, CLR_first_8(count));
}
OVERLOAD float16 load_part_16(global const float *p, uint count)
{
    float8 high = 0;
    if (count > 8)
        high = load_part_8(p + 8, count - 8);
    return (float16)(load_part_8(p, count), high);
}
OVERLOAD double8 load_part_8(global const double *p, uint count)
{
    double4 high = 0;
    if (count > 4)
        high = __builtin_ia32_maskloadpd256((const double4 *)(uintptr_t)(p + 4),
                                            CLR_first_4(count - 4));
    return (
        double8)(__builtin_ia32_maskloadpd256((const double4 *)(uintptr_t)p, CLR_first_4(count)),
                 high);
}
OVERLOAD void store_part_8(float8 value, global float *p, uint count)
{
    __builtin_ia32_maskstoreps256((float8 *)(uintptr_t)p, CLR_first_8(count), value);
}
OVERLOAD void store_part_16(float16 value, global float *p, uint count)
{
    store_part_8(value.lo, p, count);
    if (count > 8)
        store_part_8(value.hi, p + 8, count - 8);
}
OVERLOAD void store_part_8(double8 value, global double *p, uint count)
{
    __builtin_ia32_maskstorepd256((double4 *)(uintptr_t)p, CLR_first_4(count), value.lo);
    if (count > 4)
        __builtin_ia32_maskstorepd256((double4 *)(uintptr_t)(p + 4), CLR_first_4(count - 4),
                                      value.hi);
}
#endif

/* SPDX-License-Identifier: MIT
 * cl/native.cl - OpenCL C's types and functions, as far as our kernels use them, for kernels that
 * clang compiles ahead of time for the processor itself (tools/native.py): first of all, with
 * -cl-no-stdinc. A group is one work-item there; tools/native.py gives a kernel the numbers of its
 * work-item as clr_x and clr_y. */
typedef unsigned char uchar;
typedef unsigned short ushort;
typedef unsigned int uint;
typedef unsigned long ulong;
typedef __SIZE_TYPE__ size_t;
typedef __UINTPTR_TYPE__ uintptr_t;
#define bool _Bool
#define true 1
#define false 0

#define VECTORS(TYPE)                                           \
    typedef TYPE TYPE##2 __attribute__((ext_vector_type(2)));   \
    typedef TYPE TYPE##4 __attribute__((ext_vector_type(4)));   \
    typedef TYPE TYPE##8 __attribute__((ext_vector_type(8)));   \
    typedef TYPE TYPE##16 __attribute__((ext_vector_type(16))); \
    typedef TYPE TYPE##32 __attribute__((ext_vector_type(32)));
VECTORS(char)
VECTORS(short)
VECTORS(ushort)
VECTORS(int)
VECTORS(uint)
VECTORS(long)
VECTORS(ulong)
VECTORS(float)
VECTORS(double)

#define get_global_id(i) ((i) ? clr_y : clr_x)
#define get_group_id(i)  get_global_id(i)
#define OWN_GROUP(m)     ((m)->own) /* where there is no clr_x */
#define get_local_id(i)  ((uint)0)
#define barrier(flags)   ((void)0)
#define mem_fence(flags) __sync_synchronize()
/* Of one work-item, so of its own. */
#define local

#define CLK_LOCAL_MEM_FENCE  1
#define CLK_GLOBAL_MEM_FENCE 2
#define INFINITY             __builtin_inff()
#define NAN                  __builtin_nanf("")

/* What a compiler that somebody waits for is spared. */
#define COMPILED_AHEAD 1

/* The host's: gives the processor to another thread that wants it. */
void clr_native_yield(void);
#define YIELD() clr_native_yield()

#define atomic_inc(p)           __sync_fetch_and_add(p, 1)
#define atomic_add(p, value)    __sync_fetch_and_add(p, value)
#define atomic_or(p, value)     __sync_fetch_and_or(p, value)
#define atomic_cmpxchg(p, a, b) __sync_val_compare_and_swap(p, a, b)
#define OVERLOAD                __attribute__((overloadable, always_inline)) static inline

OVERLOAD uint min(uint a, uint b)
{
    return a < b ? a : b;
}
OVERLOAD ulong min(ulong a, ulong b)
{
    return a < b ? a : b;
}
OVERLOAD int max(int a, int b)
{
    return a > b ? a : b;
}
OVERLOAD uint max(uint a, uint b)
{
    return a > b ? a : b;
}
static inline uint mul_hi(uint a, uint b)
{
    return (uint)((ulong)a * b >> 32);
}

#define isnan(x)       ((x) != (x))
#define as_int(x)      __builtin_astype((x), int)
#define as_uint(x)     __builtin_astype((x), uint)
#define as_float(x)    __builtin_astype((x), float)
#define as_long(x)     __builtin_astype((x), long)
#define as_double(x)   __builtin_astype((x), double)
#define as_int8(x)     __builtin_astype((x), int8)
#define as_int16(x)    __builtin_astype((x), int16)
#define as_float8(x)   __builtin_astype((x), float8)
#define as_float16(x)  __builtin_astype((x), float16)
#define as_int32(x)    __builtin_astype((x), int32)
#define as_float32(x)  __builtin_astype((x), float32)
#define as_long8(x)    __builtin_astype((x), long8)
#define as_long16(x)   __builtin_astype((x), long16)
#define as_double8(x)  __builtin_astype((x), double8)
#define as_double16(x) __builtin_astype((x), double16)

#define convert_uint8(x)   __builtin_convertvector((x), uint8)
#define convert_uint16(x)  __builtin_convertvector((x), uint16)
#define convert_float8(x)  __builtin_convertvector((x), float8)
#define convert_float16(x) __builtin_convertvector((x), float16)

static inline char convert_char_sat(float x)
{
    return x != x ? 0 : x < -128 ? -128 : x > 127 ? 127 : (char)x;
}

/* A fused multiply-add is one instruction where the processor has it. Else (x86-64-v2) a float's is
 * computed in double precision, where the product is exact: the sum is rounded to odd, so that
 * rounding it once more gives what one rounding would (S. Boldo, G. Melquiond, "Emulation of a FMA
 * and Correctly Rounded Sums: Proved Algorithms Using Rounding to Odd", IEEE TC 2008). There it is
 * a function, since in line it would be two fifths of what is compiled. */
#if defined(__FMA__) || defined(__aarch64__)
#define FMA(TYPE)                                          \
    OVERLOAD TYPE fma(TYPE a, TYPE b, TYPE c)              \
    {                                                      \
        _Pragma("clang fp contract(on)") return a * b + c; \
    }
FMA(float)
FMA(float4)
FMA(float8)
FMA(float16)
FMA(float32)
FMA(double)
FMA(double4)
FMA(double8)
FMA(double16)
#else
__attribute__((overloadable, noinline, const)) static float4 fma(float4 a, float4 b, float4 c)
{
    double4 product = __builtin_convertvector(a, double4) * __builtin_convertvector(b, double4);
    double4 addend = __builtin_convertvector(c, double4), sum = product + addend;
    double4 back = sum - product;
    double4 error = (product - (sum - back)) + (addend - back); /* NaN where sum is not finite */
    ulong4 bits = __builtin_astype(sum, ulong4);
    ulong4 inexact = __builtin_astype((error < 0) | (error > 0), ulong4) >> 63;
    ulong4 inward = (__builtin_astype(error, ulong4) ^ bits) >> 63;
    bits = (bits - (inward & inexact)) | inexact; /* what is odd already stays */
    return __builtin_convertvector(__builtin_astype(bits, double4), float4);
}
__attribute__((overloadable, noinline, const)) static double2 fma(double2 a, double2 b, double2 c)
{
    return (double2)(__builtin_fma(a.x, b.x, c.x), __builtin_fma(a.y, b.y, c.y));
}
#define FMA_BY_HALVES(TYPE)                                          \
    OVERLOAD TYPE fma(TYPE a, TYPE b, TYPE c)                        \
    {                                                                \
        return (TYPE)(fma(a.lo, b.lo, c.lo), fma(a.hi, b.hi, c.hi)); \
    }
FMA_BY_HALVES(float8)
FMA_BY_HALVES(float16)
FMA_BY_HALVES(double4)
FMA_BY_HALVES(double8)
FMA_BY_HALVES(double16)
OVERLOAD float fma(float a, float b, float c)
{
    return fma((float4)a, (float4)b, (float4)c).x;
}
OVERLOAD double fma(double a, double b, double c)
{
    return __builtin_fma(a, b, c);
}
#endif

#define SIGNS(TYPE, BITS, SIGN)                                                    \
    OVERLOAD TYPE fabs(TYPE x)                                                     \
    {                                                                              \
        return __builtin_astype(__builtin_astype(x, BITS) & (BITS) ~(SIGN), TYPE); \
    }                                                                              \
    OVERLOAD TYPE copysign(TYPE x, TYPE sign)                                      \
    {                                                                              \
        return __builtin_astype((__builtin_astype(x, BITS) & (BITS) ~(SIGN)) |     \
                                    (__builtin_astype(sign, BITS) & (BITS)(SIGN)), \
                                TYPE);                                             \
    }
SIGNS(float, uint, 0x80000000u)
SIGNS(float8, uint8, 0x80000000u)
SIGNS(float16, uint16, 0x80000000u)
SIGNS(float32, uint32, 0x80000000u)
SIGNS(double, ulong, 0x8000000000000000ul)
SIGNS(double8, ulong8, 0x8000000000000000ul)
SIGNS(double16, ulong16, 0x8000000000000000ul)

OVERLOAD float fmax(float a, float b)
{
    return __builtin_fmaxf(a, b);
}
OVERLOAD double fmax(double a, double b)
{
    return __builtin_fmax(a, b);
}
#define FMAX(TYPE)                              \
    OVERLOAD TYPE fmax(TYPE a, TYPE b)          \
    {                                           \
        return __builtin_elementwise_max(a, b); \
    }
FMAX(float8)
FMAX(float16)
FMAX(float32)
FMAX(double8)
FMAX(double16)

#define ONE_ARGUMENT(NAME)             \
    OVERLOAD float NAME(float x)       \
    {                                  \
        return __builtin_##NAME##f(x); \
    }                                  \
    OVERLOAD double NAME(double x)     \
    {                                  \
        return __builtin_##NAME(x);    \
    }
ONE_ARGUMENT(sqrt)
ONE_ARGUMENT(exp)
ONE_ARGUMENT(log)
ONE_ARGUMENT(rint)
ONE_ARGUMENT(erf)
ONE_ARGUMENT(floor)
ONE_ARGUMENT(ceil)
ONE_ARGUMENT(sin)
ONE_ARGUMENT(cos)
OVERLOAD float pow(float x, float y)
{
    return __builtin_powf(x, y);
}
OVERLOAD double pow(double x, double y)
{
    return __builtin_pow(x, y);
}

OVERLOAD int min(int a, int b)
{
    return a < b ? a : b;
}
#define isfinite(x) ((x) - (x) == 0)
OVERLOAD float ldexp(float x, int exponent)
{
    return __builtin_ldexpf(x, exponent);
}
OVERLOAD double ldexp(double x, int exponent)
{
    return __builtin_ldexp(x, exponent);
}
OVERLOAD int ilogb(float x)
{
    return __builtin_ilogbf(x);
}
OVERLOAD int ilogb(double x)
{
    return __builtin_ilogb(x);
}

/* Vectors from addresses that are aligned to one number only. */
#define MOVES(TYPE, WIDTH, SPACE)                                            \
    OVERLOAD TYPE##WIDTH vload##WIDTH(size_t i, SPACE const TYPE *p)         \
    {                                                                        \
        typedef TYPE##WIDTH anywhere __attribute__((aligned(sizeof(TYPE)))); \
        return *(SPACE const anywhere *)(p + WIDTH * i);                     \
    }                                                                        \
    OVERLOAD void vstore##WIDTH(TYPE##WIDTH value, size_t i, SPACE TYPE *p)  \
    {                                                                        \
        typedef TYPE##WIDTH anywhere __attribute__((aligned(sizeof(TYPE)))); \
        *(SPACE anywhere *)(p + WIDTH * i) = value;                          \
    }
#define MOVES_OF(TYPE)      \
    MOVES(TYPE, 4, global)  \
    MOVES(TYPE, 8, global)  \
    MOVES(TYPE, 16, global) \
    MOVES(TYPE, 4, private) \
    MOVES(TYPE, 8, private) \
    MOVES(TYPE, 16, private)
MOVES_OF(float)
MOVES_OF(double)
MOVES_OF(char)
MOVES_OF(short)
MOVES_OF(ushort)

#include "native_parts.cl"

/* binary16 by its bits: half is a number of two bytes here. The fraction and exponent of a half as
 * those of a float are 2^112 times too small, also where it is denormal. */
#define half ushort
#define HALVES(FLOAT, UINT, INT)                                                          \
    static inline FLOAT CLR_from_half_##UINT(UINT bits)                                   \
    {                                                                                     \
        UINT size = bits & 0x7fff;                                                        \
        FLOAT number = __builtin_astype(size << 13, FLOAT) * 0x1p112f;                    \
        UINT special = __builtin_astype((INT)(size >= 0x7c00), UINT);                     \
        return __builtin_astype(__builtin_astype(number, UINT) | (special & 0x7f800000) | \
                                    (bits & 0x8000) << 16,                                \
                                FLOAT);                                                   \
    }
HALVES(float8, uint8, int8)
HALVES(float16, uint16, int16)

static inline float vload_half(size_t i, global const half *p)
{
    return CLR_from_half_uint8((uint8)p[i]).s0;
}
#ifdef __F16C__
#define HARDWARE_HALVES 1
static inline float8 vload_half8(size_t i, global const half *p)
{
    return __builtin_astype(__builtin_ia32_vcvtph2ps256(__builtin_astype(vload8(i, p), short8)),
                            float8);
}
static inline float16 vload_half16(size_t i, global const half *p)
{
    return (float16)(vload_half8(2 * i, p), vload_half8(2 * i + 1, p));
}
#else
static inline float8 vload_half8(size_t i, global const half *p)
{
    return CLR_from_half_uint8(__builtin_convertvector(vload8(i, p), uint8));
}
static inline float16 vload_half16(size_t i, global const half *p)
{
    return CLR_from_half_uint16(__builtin_convertvector(vload16(i, p), uint16));
}
#endif

/* SPDX-License-Identifier: MIT
 * offline_builtins.cl - before a program, for tools/offline: the built-in functions of OpenCL C as
 * those of clang, where there is no library with them. Right where their results do not matter;
 * here only the code does. Macros where a line must be found again in what the compiler writes. */
#define OFFLINE static inline __attribute__((overloadable, always_inline))
#if REAL_IS_DOUBLE
#define fma(a, b, c) __builtin_fma(a, b, c)
#else
#define fma(a, b, c) __builtin_fmaf(a, b, c)
#endif
#ifdef __AMDGCN__
#define get_local_id(i) ((uint)__builtin_amdgcn_workitem_id_x())
#define get_group_id(i) ((uint)__builtin_amdgcn_workgroup_id_x())
#define barrier(x)      __builtin_amdgcn_s_barrier()
#else
#define get_local_id(i) ((uint)__nvvm_read_ptx_sreg_tid_x())
#define get_group_id(i) ((uint)__nvvm_read_ptx_sreg_ctaid_x())
#define barrier(x)      __syncthreads()
#endif
#define get_global_id(i)        (get_group_id(i) * 64 + get_local_id(i))
#define get_local_size(i)       64u
#define get_num_groups(i)       64u
#define get_global_size(i)      4096u
#define mem_fence(x)            __sync_synchronize()
#define atomic_inc(p)           __sync_fetch_and_add(p, 1)
#define atomic_add(p, v)        __sync_fetch_and_add(p, v)
#define atomic_or(p, v)         __sync_fetch_and_or(p, v)
#define atomic_cmpxchg(p, a, b) __sync_val_compare_and_swap(p, a, b)
#define vload_half              offline_vload_half
#define vstore_half(v, i, p)    __builtin_store_halff(v, (global half *)(p) + (i))
#define fabs                    offline_fabs
#define sqrt                    offline_sqrt
#define rint                    offline_rint
#define floor                   offline_floor
#define copysign                offline_copysign
#define fmax                    offline_fmax
#define fmin                    offline_fmin
#define min                     offline_min
#define max                     offline_max
#define EACH_FLOAT(name, builtin) \
    OFFLINE float name(float a)   \
    {                             \
        return builtin##f(a);     \
    }                             \
    OFFLINE double name(double a) \
    {                             \
        return builtin(a);        \
    }
#define EACH_TWO(name, builtin)             \
    OFFLINE float name(float a, float b)    \
    {                                       \
        return builtin##f(a, b);            \
    }                                       \
    OFFLINE double name(double a, double b) \
    {                                       \
        return builtin(a, b);               \
    }
#define EACH_WHOLE(type)                     \
    OFFLINE type offline_min(type a, type b) \
    {                                        \
        return a < b ? a : b;                \
    }                                        \
    OFFLINE type offline_max(type a, type b) \
    {                                        \
        return a < b ? b : a;                \
    }
OFFLINE float offline_vload_half(size_t i, global const half *p)
{
    return __builtin_load_halff(p + i);
}
OFFLINE float offline_vload_half(size_t i, private const half *p)
{
    return __builtin_load_halff(p + i);
}
EACH_FLOAT(offline_fabs, __builtin_fabs)
EACH_FLOAT(offline_sqrt, __builtin_sqrt)
EACH_FLOAT(offline_rint, __builtin_rint)
EACH_FLOAT(offline_floor, __builtin_floor)
EACH_TWO(offline_copysign, __builtin_copysign)
EACH_TWO(offline_fmax, __builtin_fmax)
EACH_TWO(offline_fmin, __builtin_fmin)
EACH_WHOLE(int)
EACH_WHOLE(uint)
EACH_WHOLE(ulong)

/* Vectors that need be aligned to their elements only. */
#define EACH_VECTOR(type, count)                                                      \
    typedef type##count __attribute__((aligned(sizeof(type)))) offline_##type##count; \
    OFFLINE type##count offline_vload##count(size_t i, global const type *p)          \
    {                                                                                 \
        return *(global const offline_##type##count *)(p + i * count);                \
    }                                                                                 \
    OFFLINE void offline_vstore##count(type##count v, size_t i, global type *p)       \
    {                                                                                 \
        *(global offline_##type##count *)(p + i * count) = v;                         \
    }
EACH_VECTOR(float, 4)
EACH_VECTOR(float, 8)
EACH_VECTOR(double, 4)
EACH_VECTOR(double, 8)
#define vload4  offline_vload4
#define vload8  offline_vload8
#define vstore4 offline_vstore4
#define vstore8 offline_vstore8
OFFLINE uint offline_mul_hi(uint a, uint b)
{
    return (uint)((ulong)a * b >> 32);
}
#define mul_hi offline_mul_hi
OFFLINE char offline_char(float a)
{
    return (char)offline_fmax(offline_fmin(a, 127.0f), -128.0f);
}
#define convert_char_sat  offline_char
#define convert_float4(v) __builtin_convertvector(v, float4)
#define convert_uint4(v)  __builtin_convertvector(v, uint4)
OFFLINE float4 offline_half4(global const half *p)
{
    return (float4)(vload_half(0, p), vload_half(1, p), vload_half(2, p), vload_half(3, p));
}
#define vloada_half4(i, p) offline_half4((p) + 4 * (i))
#define vloada_half8(i, p) (float8)(offline_half4((p) + 8 * (i)), offline_half4((p) + 8 * (i) + 4))

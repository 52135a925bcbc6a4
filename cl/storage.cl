/* SPDX-License-Identifier: MIT
 * cl/storage.cl - how weights are kept, and how they are read: the third axis beside cell and
 * strategy. After cl/prelude.cl, before whatever reads panels.
 *
 *     STORAGE  0 f32   REAL itself
 *              1 f16   IEEE 754 binary16
 *              2 bf16  the upper half of a float
 *              3 int8  whole numbers q in -127..127; the weight is q*s, with one float s for each
 *                      column of op(B), that is for each row of W
 *
 * A matrix op(B) [K,N] lies in panels of some columns. A panel is PANEL_ROWS(K) rows of STORED
 * numbers, of which K begin after PANEL_HEAD rows:
 *
 *            <-- width -->
 *            s0  s1  .. sn       int8 only: one float for each column, as long as PANEL_HEAD rows
 *     k=0    b00 b01 .. b0n
 *     k=1    b10 b11 .. b1n      .. and at the end of an int8 panel up to three unused rows,
 *     ...                        so that the next panel's floats are aligned
 *
 * Whoever sums the products with stored numbers gives each finished sum to panel_scaled. */
#ifndef STORAGE
#define STORAGE 0
#endif
#if STORAGE && REAL_IS_DOUBLE
#error "only single precision has other storages than its own"
#endif

/* STORED_VLOAD: VEC numbers from p on, as REALV. STORED_VECTOR: as they are, in one piece (see
 * GLOBAL_LOAD). */
#if VEC > 1 && defined(__clang__) && STORAGE == 2
typedef CLR_PASTE(ushort, VEC) __attribute__((aligned(2))) STORED_ANYWHERE;
#define STORED_VECTOR(p) (*(global const STORED_ANYWHERE *)(p))
#elif VEC > 1 && defined(__clang__) && STORAGE == 3
typedef CLR_PASTE(char, VEC) __attribute__((aligned(1))) STORED_ANYWHERE;
#define STORED_VECTOR(p) (*(global const STORED_ANYWHERE *)(p))
#else
#define STORED_VECTOR(p) VLOAD(p)
#endif
#if STORAGE == 0
typedef REAL STORED;
#define STORED_VLOAD(p) GLOBAL_LOAD(p)
#elif STORAGE == 1
typedef half STORED;
#if VEC == 1
#define STORED_VLOAD(p) vload_half(0, p)
#elif VEC == 16 && defined(__AVX512F__)
/* One instruction, where vload_half16 of PoCL 3.1 becomes two of half the width and a third that
 * joins them (the last arguments: into all elements, the usual rounding, which has nothing to do).
 */
#define STORED_VLOAD(p) \
    __builtin_ia32_vcvtph2ps512_mask(vload16(0, (global const short *)(p)), (float16)0, 0xffff, 4)
#else
#define STORED_VLOAD(p) CLR_PASTE(vload_half, VEC)(0, p)
#endif
#elif STORAGE == 2
typedef ushort STORED;
#if VEC == 1
#define STORED_VLOAD(p) as_float((uint) * (p) << 16)
#else
#define STORED_VLOAD(p) AS_REALV(CLR_PASTE(convert_uint, VEC)(STORED_VECTOR(p)) << 16)
#endif
#else
typedef char STORED;
#if VEC == 1
#define STORED_VLOAD(p) ((float)*(p))
#else
#define STORED_VLOAD(p) CLR_PASTE(convert_float, VEC)(STORED_VECTOR(p))
#endif
#endif

#if STORAGE == 3
#define PANEL_HEAD    4
#define PANEL_ROWS(K) (((K) + 3) / 4 * 4 + PANEL_HEAD)
#else
#define PANEL_HEAD    0
#define PANEL_ROWS(K) (K)
#endif

/* Numbers in 16 bytes, a piece of a lane (cl/lanes.cl). */
#if STORAGE == 3
#define PIECE 16
#elif STORAGE
#define PIECE 8
#elif REAL_IS_DOUBLE
#define PIECE 2
#else
#define PIECE 4
#endif

/* Number `n` of those at an address whose type does not say how they are kept: a scan is the same
 * for every storage. */
static inline global const STORED *stored_at(global const void *numbers, size_t n)
{
    return (global const STORED *)numbers + n;
}

/* VEC sums of products with the columns column.. of a panel, in the scale of the weights. */
static inline REALV panel_scaled(REALV sum, global const STORED *panel, uint column)
{
#if STORAGE == 3
    return sum * VLOAD((global const float *)panel + column);
#else
    return sum;
#endif
}

/* SPDX-License-Identifier: MIT
 * cl/convert.cl - putting a matrix into the panels of cl/storage.cl, and reading it back. After
 * cl/prelude.cl and cl/storage.cl, VEC 1. A work-item does one column: global size [N, 1].
 *
 * Each number is rounded to the nearest, ties to even. f16: 65520 and more become infinite.
 * int8: s = max|b|*(1/127) over the column, at least 2^-100 (so that nothing below is denormal),
 * and q = b/s rounded; a column with NaN or infinity has s = NaN, and so comes out as NaN.
 *
 * Proven by: tests/math/test_storage.c, for every number of f16 and bf16. */
#if VEC != 1 || STORAGE == 0
#error "store.cl handles one number at a time, in another storage than REAL"
#endif

#if STORAGE == 3
/* The scale of the K numbers that lie k_stride apart. */
static inline float scale_of(global const REAL *b, size_t k_stride, uint K)
{
    float largest = 0;
    bool finite = true;
    for (uint k = 0; k < K; k++) {
        float number = b[k * k_stride];
        largest = fmax(largest, fabs(number));
        finite = finite && is_finite(number);
    }
    return finite ? fmax(largest * (1 / 127.0f), 0x1p-100f) : NAN;
}

/* number/scale, rounded: the same on every device, though a division need not be. The rest is
 * exact, since q*scale is so near. */
static inline char quotient(float number, float scale)
{
    float q = rint(number / scale), rest = fma(-q, scale, number), half_scale = scale / 2;
    bool odd = (int)q & 1;
    if (fabs(rest) > half_scale || (odd && fabs(rest) == half_scale))
        q += copysign(1.0f, rest);
    return convert_char_sat(q);
}
#endif

/* In integers, since what drivers make of the numbers that f16 does not hold differs (Mesa 22.3:
 * NaN of the largest). A carry out of the fraction counts up the exponent, as it must; NaN becomes
 * a quiet one. */
static inline void store(REAL number, float scale, global STORED *to)
{
#if STORAGE == 1
    uint bits = as_uint(number), sign = bits >> 16 & 0x8000, size = bits & 0x7fffffff;
    if (size > BITS_OF_INFINITY)
        size = 0x7e00 | (size >> 13 & 0x3ff);
    else if (size >= 0x47800000) /* 65536 and more */
        size = 0x7c00;
    else if (size < 0x38800000) /* below 2^-14: adding 0.5 leaves it, rounded, in the low bits */
        size = as_uint(as_float(size) + 0.5f) - 0x3f000000;
    else
        size = (size - (112u << 23) + 0xfff + (size >> 13 & 1)) >> 13;
    *(global ushort *)to = (ushort)(sign | size);
#elif STORAGE == 2
    uint bits = as_uint(number);
    bool is_nan = (bits & 0x7fffffff) > BITS_OF_INFINITY;
    *to = is_nan ? bits >> 16 | 0x40 : (bits + 0x7fff + (bits >> 16 & 1)) >> 16;
#else
    *to = quotient(number, scale);
#endif
}

/* panels: from panels_at on, `width` columns each; columns past the last one are 0.  Element (k,n)
 * of op(B) is at b_at + k*k_stride + n*n_stride. */
kernel void store_panels(global const REAL *b, ulong b_at, ulong k_stride, ulong n_stride,
                         global STORED *panels, ulong panels_at, uint width, uint N, uint K)
{
    uint n = get_global_id(0), first = n / width * width, column = n - first;
    if (n >= (N + width - 1) / width * width)
        return;
    global STORED *panel = panels + panels_at + (size_t)first * PANEL_ROWS(K);
    bool filled = n < N;
    float scale = 1;
    b += b_at + n * n_stride;
#if STORAGE == 3
    scale = filled ? scale_of(b, k_stride, K) : 1;
    ((global float *)panel)[column] = scale;
#endif
    for (uint k = 0; k < K; k++)
        store(filled ? b[k * k_stride] : 0, scale,
              panel + (size_t)(PANEL_HEAD + k) * width + column);
}

#if STORAGE != 3
/* `count` numbers side by side, each in a work-item: kept as they are to be kept, and read. */
kernel void store_numbers(global const REAL *from, global STORED *to, ulong to_at, ulong count)
{
    size_t i = get_global_id(0);
    if (i < count)
        store(from[i], 1, to + to_at + i);
}

kernel void load_numbers(global const STORED *from, ulong from_at, global REAL *to, ulong count)
{
    size_t i = get_global_id(0);
    if (i < count)
        to[i] = STORED_VLOAD(from + from_at + i);
}
#endif

/* numbers: out [N,K], what panels of one column hold. */
kernel void load_columns(global const STORED *panels, global REAL *numbers, uint N, uint K)
{
    uint n = get_global_id(0);
    if (n >= N)
        return;
    global const STORED *panel = panels + (size_t)n * PANEL_ROWS(K);
    for (uint k = 0; k < K; k++)
        numbers[(size_t)n * K + k] = panel_scaled(STORED_VLOAD(panel + PANEL_HEAD + k), panel, 0);
}

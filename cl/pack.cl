/* SPDX-License-Identifier: MIT
 * cl/pack.cl - putting a matrix into the panels of cl/storage.cl, in REAL itself. After
 * cl/prelude.cl. */
#define PACK_K 256 /* values of k that a work-item copies */

/* Whole rows of a panel, of a width that the compiler knows where this is called. */
static inline void copy_rows(global const REAL *b, size_t k_stride, global REAL *panels, uint width,
                             uint count)
{
    for (uint k = 0; k < count; k++)
        for (uint j = 0; j < width; j++)
            panels[(size_t)k * width + j] = b[k * k_stride + j];
}

/* panels[p][k][j] = b(k, p*width + j), 0 past column N.  Element (k,n) of b is at b_at +
 * k*k_stride + n*n_stride. Global size [panels, K in blocks of PACK_K].
 * (Panels in another storage: cl/convert.cl.) */
kernel void pack_panels(global const REAL *b, ulong b_at, ulong k_stride, ulong n_stride,
                        global REAL *panels, ulong panels_at, uint width, uint N, uint K)
{
    uint n0 = get_global_id(0) * width, k0 = get_global_id(1) * PACK_K;
    if (n0 >= N || k0 >= K)
        return;
    uint filled = min(width, N - n0);
    panels += panels_at + (size_t)n0 * K;
    b += b_at + n0 * n_stride;
    panels += (size_t)k0 * width;
    b += k0 * k_stride;
    uint count = min(K - k0, (uint)PACK_K);
    if (n_stride == 1 && filled == width && width == 6)
        copy_rows(b, k_stride, panels, 6, count);
    else if (n_stride == 1 && filled == width && width % 8 == 0)
        for (uint j = 0; j < width; j += 8) {
            global const REAL *from = b + j;
            global REAL *to = panels + j;
            for (uint k = 0; k < count; k++, from += k_stride, to += width)
                vstore8(vload8(0, from), 0, to);
        }
    else
        for (uint j = 0; j < width; j++)
            for (uint k = 0; k < count; k++)
                panels[(size_t)k * width + j] =
                    j < filled ? b[k * k_stride + j * n_stride] : (REAL)0;
}

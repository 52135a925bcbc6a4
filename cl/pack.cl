/* SPDX-License-Identifier: MIT
 * cl/pack.cl - putting a matrix into the panels of cl/storage.cl, in REAL itself. After
 * cl/prelude.cl. */
#define PACK_K 256 /* values of k that a work-item copies */

/* panels[p][k][j] = b(k, p*width + j), 0 past column N.  Element (k,n) of b is at b_at +
 * k*k_stride + n*n_stride. Global size [panels, K in blocks of PACK_K].
 * (Panels in another storage: cl/store.cl.) */
kernel void pack_panels(global const REAL *b, ulong b_at, ulong k_stride, ulong n_stride,
                        global REAL *panels, ulong panels_at, uint width, uint N, uint K)
{
    uint n0 = get_global_id(0) * width, k0 = get_global_id(1) * PACK_K;
    if (n0 >= N || k0 >= K)
        return;
    uint k1 = min(K, k0 + PACK_K), filled = min(width, N - n0);
    panels += panels_at + (size_t)n0 * K;
    b += b_at + n0 * n_stride;
    if (n_stride == 1) {
        for (uint k = k0; k < k1; k++)
            for (uint j = 0; j < width; j++)
                panels[(size_t)k * width + j] = j < filled ? b[k * k_stride + j] : (REAL)0;
        return;
    }
    for (uint j = 0; j < width; j++)
        for (uint k = k0; k < k1; k++)
            panels[(size_t)k * width + j] = j < filled ? b[k * k_stride + j * n_stride] : (REAL)0;
}

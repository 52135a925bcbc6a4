/* SPDX-License-Identifier: MIT
 * cl/lanes.cl - putting a matrix in the order of cl/resident.cl. After cl/prelude.cl,
 * cl/storage.cl and cl/scan_launch.cl, with another storage than REAL also cl/convert.cl.
 *
 * op(B) [K,N], its k cut into chains (cl/sums.cl), lies in pieces: PIECE numbers of one column,
 * that follow one another in k, are 16 bytes, and beside them are those of the next column. So
 * work-items of neighbouring columns read neighbouring pieces:
 *
 *                            column 0         column 1       ..  column N-1
 *     chain 0, piece 0       k = 0,1,..       k = 0,1,..         ..
 *              piece 1       k = PIECE,..     ..
 *              ..
 *     chain 1, piece 0       k = CHAIN_OF(K),..
 *     ..                     (the last one is filled with zeros)
 *
 * int8: before them there is a float for each column, the scale, LANES_HEAD(N) pieces in all. */
#if STORAGE == 0
#define PUT(number, scale, to) (*(to) = (number))
#else
#define PUT(number, scale, to) store(number, scale, to)
#endif

/* Element (k,n) of op(B) is at b_at + k*k_stride + n*n_stride; to: from number to_at on. Global
 * size [N, chains that are filled at once]; int8: [N, 1]. */
kernel void pack_lanes(global const REAL *b, ulong b_at, ulong k_stride, ulong n_stride,
                       global STORED *to, ulong to_at, uint N, uint K)
{
    const uint n = get_global_id(0), pieces = PIECES_OF(K, PIECE);
    float scale = 1;
    if (n >= N)
        return;
    b += b_at + n * n_stride;
    to += to_at;
#if STORAGE == 3
    scale = scale_of(b, k_stride, K);
    ((global float *)to)[n] = scale;
    to += (size_t)LANES_HEAD(N) * PIECE;
#endif
    for (uint chain = get_global_id(1); chain < CHAINS_OF(K); chain += get_global_size(1))
        for (uint i = 0; i < pieces * PIECE; i++) {
            const uint k = chain * CHAIN_OF(K) + i, piece = chain * pieces + i / PIECE;
            PUT(k < K ? b[k * k_stride] : (REAL)0, scale,
                to + ((size_t)piece * N + n) * PIECE + i % PIECE);
        }
}

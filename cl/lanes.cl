/* SPDX-License-Identifier: MIT
 * cl/lanes.cl - putting a matrix into the lanes of cl/resident.cl. After cl/prelude.cl,
 * cl/storage.cl and cl/scan_launch.cl, with another storage than REAL also cl/convert.cl.
 *
 * op(B) [K,N], its k cut into LANES_OF(K) lanes of LANE_OF(K), lies in pieces: PIECE numbers of one
 * column, that follow one another in k, are 16 bytes, and beside them are those of the next column.
 * So work-items of neighbouring columns read neighbouring pieces:
 *
 *                            column 0        column 1       ..  column N-1
 *     lane 0, piece 0        k = 0,1,..      k = 0,1,..         ..
 *             piece 1        k = PIECE,..    ..
 *             ..             (the last one of a lane is filled with zeros)
 *     lane 1, piece 0        k = LANE_OF(K),..
 *     ..
 *
 * int8: before them there is a float for each column, the scale, LANES_HEAD(N) pieces in all. */
#if STORAGE == 0
#define PUT(number, scale, to) (*(to) = (number))
#else
#define PUT(number, scale, to) store(number, scale, to)
#endif

/* Element (k,n) of op(B) is at b_at + k*k_stride + n*n_stride; to: from number to_at on. Global
 * size [N, lanes that are filled at once]; int8: [N, 1]. */
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
    for (uint lane = get_global_id(1); lane < LANES_OF(K); lane += get_global_size(1))
        for (uint i = 0; i < pieces * PIECE; i++) {
            const uint k = lane * LANE_OF(K) + i, piece = lane * pieces + i / PIECE;
            const bool filled = i < LANE_OF(K) && k < K;
            PUT(filled ? b[k * k_stride] : (REAL)0, scale,
                to + ((size_t)piece * N + n) * PIECE + i % PIECE);
        }
}

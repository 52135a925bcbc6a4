/* SPDX-License-Identifier: MIT
 * cl/sequence.cl - kernels over whole sequences: masks, dropout, sums of columns and products.
 *
 * After cl/prelude.cl and cl/philox.cl. A matrix is a buffer with an offset and a row stride. */
#ifndef SUM_ROWS
#define SUM_ROWS 64 /* rows that one work-item of column_sums adds up */
#endif
#ifndef SUM_COLUMNS
#define SUM_COLUMNS 1 /* and columns: on a CPU a cache line of them, or it is read as often */
#endif

/* Whether the row r = t*N + n counts: t < lengths[n], or with `bits` whether of those of its flags
 * [T,N] just `want` are set. */
static inline bool counts(global const int *lengths, uint bits, uint want, uint N, uint r)
{
    return bits ? ((uint)lengths[r] & bits) == want : r / N < (uint)lengths[r % N];
}

/* to(n) = own(n), but 0..T.  Global size [N]. */
kernel void take_lengths(global const int *own, ulong own_at, global int *to, uint T, uint N)
{
    uint n = get_global_id(0);
    if (n < N)
        to[n] = (int)min((uint)max(own[own_at + n], 0), T);
}

/* to(t,n,k) = (t,n) counts ? from(t,n,k) : other.  Global size [K, rows], row 0 is that of flags
 * `first`; from and to may be the same. */
kernel void mask(global const REAL *from, ulong from_at, ulong from_stride, global REAL *to,
                 ulong to_at, ulong to_stride, global const int *lengths, uint bits, uint want,
                 uint first, float other, uint K, uint N, uint rows)
{
    uint k = get_global_id(0), row = get_global_id(1);
    if (k >= K || row >= rows)
        return;
    bool live = counts(lengths, bits, want, N, first + row);
    to[to_at + row * to_stride + k] = live ? from[from_at + row * from_stride + k] : (REAL)other;
}

/* In the order of a scan, where (t,n) does not count: a(t,n,k) = that of the last step that did,
 * or 0.  Global size [K,N]. */
kernel void fill(global REAL *a, ulong a_at, ulong a_stride, global const int *flags, uint bits,
                 uint down, uint K, uint N, uint T)
{
    uint k = get_global_id(0), n = get_global_id(1);
    REAL last = 0;
    if (k >= K || n >= N)
        return;
    for (uint i = 0; i < T; i++) {
        uint row = (down ? T - 1 - i : i) * N + n;
        size_t at = a_at + row * a_stride + k;
        if (counts(flags, bits, bits, N, row))
            last = a[at];
        else
            a[at] = last;
    }
}

/* Its way back: the gradients of all steps that repeat one are added to that one's. */
kernel void fill_back(global const REAL *from, ulong from_at, ulong from_stride, global REAL *to,
                      ulong to_at, ulong to_stride, global const int *flags, uint bits, uint down,
                      uint K, uint N, uint T)
{
    uint k = get_global_id(0), n = get_global_id(1);
    REAL sum = 0;
    if (k >= K || n >= N)
        return;
    for (uint i = 0; i < T; i++) {
        uint row = (down ? i : T - 1 - i) * N + n;
        bool live = counts(flags, bits, bits, N, row);
        sum += from[from_at + row * from_stride + k];
        to[to_at + row * to_stride + k] = live ? sum : (REAL)0;
        sum = live ? (REAL)0 : sum;
    }
}

/* to(r,k) = a(r,k) + a(r,K+k), of rows of 2K numbers.  Global size [K, rows]. */
kernel void add_halves(global const REAL *a, ulong a_at, global REAL *to, ulong to_at, uint K,
                       uint rows)
{
    uint k = get_global_id(0), r = get_global_id(1);
    size_t at = a_at + (size_t)r * 2 * K + k;
    if (k < K && r < rows)
        to[to_at + (size_t)r * K + k] = a[at] + a[at + K];
}

/* a*0 or a/(1-p), as a word of random bits says. */
static inline REAL dropped(REAL a, uint word, float p)
{
    REAL kept = DIVIDE((REAL)1, (REAL)1 - (REAL)p);
    REAL zero = is_finite(a) ? copysign((REAL)0, a) : NAN; /* what 0*a is, everywhere */
    return uniform(word) < (REAL)p ? zero : a * kept;
}

/* a(t,n,k) *= 0 with probability p, else 1/(1-p): clr_dropout_factor in host/base/philox.h;
 * variational: what t = 0 has, for every t. One work-item for four units, which share a block of
 * random bits. Global size [K/4 rounded up, T*N]. */
kernel void dropout(global REAL *a, ulong a_at, ulong a_stride, float p, uint seed_low,
                    uint seed_high, uint index, uint layer, uint variational, uint K, uint N,
                    uint rows)
{
    uint block = get_global_id(0), row = get_global_id(1);
    if (block * 4 >= K || row >= rows)
        return;
    uint t = variational ? 0 : row / N;
    uint4 bits =
        philox((uint2)(seed_low, seed_high), (uint4)(block + (layer << 24), row % N, t, index));
    const uint word[4] = {bits.x, bits.y, bits.z, bits.w};
    UNROLL for (uint i = 0; i < 4; i++) if (block * 4 + i < K)
    {
        size_t at = a_at + row * a_stride + block * 4 + i;
        a[at] = dropped(a[at], word[i], p);
    }
}

/* Recurrent dropout: to(t,n,k) (+)= from(t,n,k) * the factor that `dropout` with variational has
 * for layer 0: one mask of a row for all its steps, which forward and back share. add: += . from
 * and to may be the same. Global size [K/4 rounded up, T*N]. */
kernel void drop_rows(global const REAL *from, ulong from_at, ulong from_stride, global REAL *to,
                      ulong to_at, ulong to_stride, float p, uint seed_low, uint seed_high,
                      uint index, uint add, uint K, uint N, uint rows)
{
    uint block = get_global_id(0), row = get_global_id(1);
    if (block * 4 >= K || row >= rows)
        return;
    uint4 bits = philox((uint2)(seed_low, seed_high), (uint4)(block, row % N, 0, index));
    uint word[4] = {bits.x, bits.y, bits.z, bits.w};
    for (uint i = 0; i < 4 && block * 4 + i < K; i++) {
        size_t at = to_at + row * to_stride + block * 4 + i;
        REAL a = dropped(from[from_at + row * from_stride + block * 4 + i], word[i], p);
        to[at] = add ? to[at] + a : a;
    }
}

/* partial(b,k) = sum of a(r,k) over the rows r of block b, from the first to the last.
 * Global size [K in SUM_COLUMNS, number of blocks]. */
kernel void column_sums(global const REAL *a, ulong a_at, ulong a_stride, global REAL *partial,
                        uint K, uint rows)
{
    uint k = get_global_id(0) * SUM_COLUMNS, block = get_global_id(1);
    uint first = block * SUM_ROWS, last = min(rows, first + SUM_ROWS);
    if (k >= K || first >= rows)
        return;
    uint width = min((uint)SUM_COLUMNS, K - k);
    REAL sum[SUM_COLUMNS];
    for (uint i = 0; i < SUM_COLUMNS; i++)
        sum[i] = 0;
    a += a_at + k;
    for (uint r = first; r < last; r++) {
        if (width == SUM_COLUMNS)
            for (uint i = 0; i < SUM_COLUMNS; i++)
                sum[i] += a[r * a_stride + i];
        else
            for (uint i = 0; i < width; i++)
                sum[i] += a[r * a_stride + i];
    }
    for (uint i = 0; i < width; i++)
        partial[(size_t)block * K + k + i] = sum[i];
}

/* The same of a(r,k)*b(r,k) over the rows r = t*N + n that count; whatever b is in others.
 * Global size [K, number of blocks]. */
kernel void column_products(global const REAL *a, ulong a_at, ulong a_stride, global const REAL *b,
                            ulong b_at, ulong b_stride, global const int *lengths, uint has_lengths,
                            uint bits, uint want, global REAL *partial, uint K, uint N, uint rows)
{
    uint k = get_global_id(0), block = get_global_id(1);
    uint first = block * SUM_ROWS, last = min(rows, first + SUM_ROWS);
    if (k >= K || first >= rows)
        return;
    REAL sum = 0;
    for (uint r = first; r < last; r++)
        if (!has_lengths || counts(lengths, bits, want, N, r))
            sum += a[a_at + r * a_stride + k] * b[b_at + r * b_stride + k];
    partial[(size_t)block * K + k] = sum;
}

/* out[k] = sum of partial(b,k) over all blocks b, in order; added to out[k] if accumulate.
 * Global size [K, 1]. */
kernel void column_sums_finish(global const REAL *partial, uint blocks, global REAL *out,
                               ulong out_at, uint accumulate, uint K)
{
    uint k = get_global_id(0);
    if (k >= K)
        return;
    REAL sum = 0;
    for (uint b = 0; b < blocks; b++)
        sum += partial[(size_t)b * K + k];
    out[out_at + k] = accumulate ? out[out_at + k] + sum : sum;
}

/* a(r,k) += row[k].  Global size [K, rows]. */
kernel void add_row(global REAL *a, ulong a_at, ulong a_stride, global const REAL *row,
                    ulong row_at, uint K, uint rows)
{
    uint k = get_global_id(0), r = get_global_id(1);
    if (k < K && r < rows)
        a[a_at + r * a_stride + k] += row[row_at + k];
}

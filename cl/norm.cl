/* SPDX-License-Identifier: MIT
 * cl/norm.cl - layer norm of rows (Ba, Kiros, Hinton 2016), forward and backward: cl/norm_row.cl
 * says what that is. After cl/prelude.cl, with VEC 1. One group of WG work-items takes one row.
 *
 * Row r is that of sequence (first + r) % N at step (first + r) / N. Where that step does not count
 * y, hat and scale are 0, whatever x is, and so then is dx.
 * Proven by: tests/math/test_norm.c, and tests/layer against host/reference/product.c. */
#ifndef WG
#define WG 32 /* work-items of a group: 1 or NORM_LANES */
#endif
#include "norm_row.cl"
#define GROUP kernel __attribute__((reqd_work_group_size(WG, 1, 1)))

/* As in cl/sequence.cl; without lengths all count. */
static inline bool row_counts(global const int *lengths, uint has_lengths, uint bits, uint want,
                              uint N, uint r)
{
    if (!has_lengths)
        return true;
    return bits ? ((uint)lengths[r] & bits) == want : r / N < (uint)lengths[r % N];
}

/* Layer norm of each row; y may be x. keep: hat and scale are stored. Global size [rows * WG]. */
GROUP void normalize_rows(global const REAL *x, ulong x_at, ulong x_stride,
                          global const REAL *parameters, ulong gain_at, ulong bias_at,
                          uint has_bias, global REAL *y, ulong y_at, ulong y_stride,
                          global REAL *kept, ulong hat_at, ulong scale_at, ulong kept_stride,
                          uint keep, global const int *lengths, uint has_lengths, uint bits,
                          uint want, uint first, REAL epsilon, uint K, uint N)
{
    LANES_SHARED REAL scratch[NORM_LANES];
    const size_t r = get_group_id(0);
    const bool live = row_counts(lengths, has_lengths, bits, want, N, first + (uint)r);
    normalize_row(x + x_at + r * x_stride, parameters + gain_at, parameters + bias_at, has_bias,
                  y + y_at + r * y_stride, kept + hat_at + r * kept_stride,
                  kept + scale_at + r * kept_stride, keep, live, epsilon, K, scratch);
}

/* dx of each row; it may be dy. accumulate: dx += that. Global size [rows * WG]. */
GROUP void normalize_rows_back(global const REAL *dy, ulong dy_at, ulong dy_stride,
                               global const REAL *parameters, ulong gain_at,
                               global const REAL *kept, ulong hat_at, ulong scale_at,
                               ulong kept_stride, global REAL *dx, ulong dx_at, ulong dx_stride,
                               uint accumulate, uint K)
{
    LANES_SHARED REAL scratch[NORM_LANES];
    const size_t r = get_group_id(0);
    normalize_row_back(dy + dy_at + r * dy_stride, parameters + gain_at,
                       kept + hat_at + r * kept_stride, kept[scale_at + r * kept_stride],
                       dx + dx_at + r * dx_stride, accumulate, K, scratch);
}

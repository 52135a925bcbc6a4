/* SPDX-License-Identifier: MIT
 * math/sequence.h - kernels over whole sequences: masks, dropout, column sums (cl/sequence.cl). */
#ifndef CLR_MATH_SEQUENCE_H
#define CLR_MATH_SEQUENCE_H

#include "math/gemm.h"

/* Which rows r = t*N + n of a sequence count: those with t < lengths[n] or, with bits, those of
 * whose flags [T,N] just `want` are set. lengths: cl_int, NULL = all count. */
typedef struct clr_live {
    cl_mem lengths;
    uint32_t bits, want;
} clr_live;

/* The kernels, and the scratch memory of the sums. One thread at a time. */
typedef struct clr_sequence {
    clrnn_context *context;
    clrnn_precision precision;
    cl_kernel take_lengths, mask, fill, fill_back, add_halves, dropout, drop_rows, sums, products,
        sums_finish, add_row;
    cl_mem partial;
    size_t partial_bytes;
} clr_sequence;

/** Build; on failure everything is released. Returns: CLRNN_OK, CLRNN_ERR_BUILD, .._OPENCL,
 * .._MEMORY */
clrnn_status clr_sequence_init(clrnn_context *context, clrnn_precision precision,
                               clr_sequence *sequence);
void clr_sequence_free(clr_sequence *sequence);

/** out[c] = sum over r of a(r, c), or += with accumulate; in a fixed order, so always the same
 * bits. a: [rows, columns]. out: [columns] from `out_offset`. */
clrnn_status clr_column_sums(clr_sequence *sequence, clr_matrix a, size_t rows, size_t columns,
                             cl_mem out, size_t out_offset, bool accumulate);

/** The sums of the last clr_column_sums, of [rows, columns], once more to another place. */
clrnn_status clr_column_sums_again(clr_sequence *sequence, size_t rows, size_t columns, cl_mem out,
                                   size_t out_offset, bool accumulate);

/** out[c] = sum over r of a(r, c)*b(r, c), or += with accumulate, in the same order: of the rows
 *  that count, whatever the others are. a, b: [rows, columns]. */
clrnn_status clr_column_products(clr_sequence *sequence, clr_matrix a, clr_matrix b, clr_live live,
                                 size_t batch, size_t rows, size_t columns, cl_mem out,
                                 size_t out_offset, bool accumulate);

/** a(r, c) += row[c].  a: [rows, columns], row: [columns] from `row_offset`. */
clrnn_status clr_add_row(clr_sequence *sequence, clr_matrix a, size_t rows, size_t columns,
                         cl_mem row, size_t row_offset);

/** to[n] = own[n], but at least 0 and at most `steps`. own: [batch] from its offset, to: [batch],
 *  both cl_int. */
clrnn_status clr_take_lengths(clr_sequence *sequence, clrnn_slice own, cl_mem to, size_t steps,
                              size_t batch);

/** to(r,:) = row `first` + r counts ? from(r,:) : other, for r < rows.  Both [rows,columns]; from
 *  and to may be the same. live.lengths must be there. */
clrnn_status clr_mask(clr_sequence *sequence, clr_matrix from, clr_matrix to, clr_live live,
                      size_t first, size_t rows, size_t batch, size_t columns, float other);

/** In the order in which a direction is scanned: what does not count becomes what was last before
 * it that did, or 0.  a: [T,N,columns], in place; of flags only. */
clrnn_status clr_repeat_last(clr_sequence *sequence, clr_matrix a, clr_live live, bool down,
                             size_t steps, size_t batch, size_t columns);

/** Its way back: the gradients `from` of what clr_repeat_last made, added to those of what it was
 * made of. Both [T,N,columns]; not the same. */
clrnn_status clr_repeat_last_back(clr_sequence *sequence, clr_matrix from, clr_matrix to,
                                  clr_live live, bool down, size_t steps, size_t batch,
                                  size_t columns);

/** to(r,k) = a(r,k) + a(r,columns+k).  a: [rows,2*columns], to: [rows,columns]. */
clrnn_status clr_add_halves(clr_sequence *sequence, clrnn_slice a, clrnn_slice to, size_t rows,
                            size_t columns);

/* What is dropped: the keys of clr_dropout_factor. */
typedef struct clr_drop {
    float p;
    uint64_t seed;
    uint32_t index, layer;
    bool variational; /* one mask for all steps: that of t = 0 */
} clr_drop;

/** a(t,n,u) *= clr_dropout_factor(p, seed, index, layer, t, n, u), in place.  a: [T,N,columns]. */
clrnn_status clr_dropout(clr_sequence *sequence, clr_matrix a, size_t steps, size_t batch,
                         size_t columns, const clr_drop *drop);

/** to(r,u) = from(r,u)*clr_hidden_factor(p, seed, index, r % batch, u), or += with add; both
 *  [rows,columns], and may be the same. drop: without layer. */
clrnn_status clr_drop_rows(clr_sequence *sequence, clr_matrix from, clr_matrix to, bool add,
                           size_t rows, size_t batch, size_t columns, const clr_drop *drop);

#endif

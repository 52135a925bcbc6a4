/* SPDX-License-Identifier: MIT
 * clrnn/pack.h - rows of sequences of different lengths without padding, and back: on host memory,
 * for those who keep them so. A pass itself takes [T,N,K] with lengths (clrnn/plan.h). */
#ifndef CLRNN_PACK_H
#define CLRNN_PACK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <clrnn/status.h>

#ifdef __cplusplus
extern "C" {
#endif

/* In which order the steps of all sequences lie one behind the other; in each those that there are.
 */
typedef enum clrnn_packed_order {
    CLRNN_PACKED_BY_STEP = 0, /* step 0 of all sequences, then step 1, ..; with lengths that fall as
                                 the data of PyTorch's PackedSequence */
    CLRNN_PACKED_BY_SEQUENCE  /* sequence 0 from its first step to its last, then sequence 1, .. */
} clrnn_packed_order;

/* Zero-initialise, then set what you need. */
typedef struct clrnn_packing {
    uint32_t steps, batch;   /* T, N */
    const uint32_t *lengths; /* [N], each 0..T; NULL: all T */
    size_t row_bytes;        /* of the K numbers of one step of one sequence, of any type */
    clrnn_packed_order order;
    bool batch_first; /* padded arrays are [N,T,K]; else [T,N,K] */
} clrnn_packing;

/**
 * How many rows there are without padding: the sum of the lengths.
 *
 * rows: out. Threads: any.
 * Returns: CLRNN_OK; CLRNN_ERR_ARGUMENT (NULL, an unknown order, row_bytes 0); CLRNN_ERR_RANGE (a
 *          length is more than T, or T*N rows are more than memory can address)
 */
CLRNN_API clrnn_status clrnn_pack_count(const clrnn_packing *packing, const clrnn_log *log,
                                        size_t *rows);

/**
 * Take out the padding.
 *
 * padded: in, [T,N,K] or [N,T,K]; what lies past a length is not read
 * packed: out, [rows,K] of clrnn_pack_count; must not overlap padded
 * Threads: any. Returns: as clrnn_pack_count. On failure nothing is written.
 */
CLRNN_API clrnn_status clrnn_pack_rows(const clrnn_packing *packing, const clrnn_log *log,
                                       const void *padded, void *packed);

/**
 * The way back.
 *
 * packed:  in, [rows,K]
 * padding: in, [K], what becomes of steps past a length; NULL: bytes of 0
 * padded:  out, all of it; must not overlap packed
 * Threads: any. Returns: as clrnn_pack_count. On failure nothing is written.
 */
CLRNN_API clrnn_status clrnn_unpack_rows(const clrnn_packing *packing, const clrnn_log *log,
                                         const void *packed, const void *padding, void *padded);

#ifdef __cplusplus
}
#endif
#endif

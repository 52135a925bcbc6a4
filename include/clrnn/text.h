/* SPDX-License-Identifier: MIT
 * clrnn/text.h - batches of text.
 *
 * A text as batches of symbols, one symbol for each byte. The text but its held-out tail is cut
 * into N streams of equal length, and batch k holds the next T symbols of each stream, so with
 * carry_state a stream is read as one long sequence. Pure arithmetic: no state, any batch at any
 * time, so a position is nothing but a number of steps. */
#ifndef CLRNN_TEXT_H
#define CLRNN_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <clrnn/status.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct clrnn_text_desc {
    uint32_t steps;    /* T, must be set */
    uint32_t batch;    /* N, must be set */
    double validation; /* part held out at the end, 0 <= v < 1 */
    /* The byte of each symbol, [vocabulary_size], each once; NULL = those that occur, ascending */
    const uint8_t *vocabulary;
    uint32_t vocabulary_size;
} clrnn_text_desc;

typedef struct clrnn_text clrnn_text;

/**
 * Prepare a text; `bytes` are copied.
 * Ownership: on success *text is the caller's, on failure NULL.
 * Threads:   any; reading is free of races.
 * Returns:   CLRNN_OK, CLRNN_ERR_ARGUMENT, CLRNN_ERR_MEMORY
 *            CLRNN_ERR_RANGE  the text is shorter than one batch needs (N*(T+1) bytes of training
 *                             text, and N*(T+1) of validation text if any is held out), or has
 *                             a byte that the vocabulary lacks; the log gives the numbers
 */
CLRNN_API clrnn_status clrnn_text_create(const void *bytes, size_t size,
                                         const clrnn_text_desc *desc, const clrnn_log *log,
                                         clrnn_text **text);
CLRNN_API void clrnn_text_destroy(clrnn_text **text);

/** The byte of each symbol, [*size]; valid as long as the text. size: may be NULL. */
CLRNN_API const uint8_t *clrnn_text_vocabulary(const clrnn_text *text, uint32_t *size);

/** Batches of one pass through the training text, and through the held-out text. */
CLRNN_API uint64_t clrnn_text_batches(const clrnn_text *text, bool validation);

/**
 * Fill batch `index` (any number; it wraps around): ids [T,N] and targets [T,N], the symbols one
 * further. *reset tells whether the batch begins the text anew. Where nothing is held out, a batch
 * of it is symbol 0 with targets -1, which count nothing. If a pointer is NULL nothing is filled.
 */
CLRNN_API void clrnn_text_batch(const clrnn_text *text, bool validation, uint64_t index,
                                int32_t *ids, int32_t *targets, bool *reset);

/** Bits for each symbol of the held-out text (else of the training text) under a unigram model of
 *  the training text, add-one smoothed: what predicting without context costs. */
CLRNN_API double clrnn_text_unigram_bits(const clrnn_text *text);

#ifdef __cplusplus
}
#endif
#endif

/* SPDX-License-Identifier: MIT
 * model/csv_words.h - words of a table's column, numbered. */
#ifndef CLR_MODEL_CSV_WORDS_H
#define CLR_MODEL_CSV_WORDS_H

#include <clrnn/tensors.h>

typedef struct clr_word {
    char *text;    /* owned; NULL: none is there */
    double number; /* NaN: it is none */
    size_t row;
} clr_word;

typedef struct clr_words {
    clr_word *all; /* [count], owned */
    size_t count;
} clr_words;

/** Word `row`, for which there is room, as all before it; number: what it is, NaN: missing; NULL:
 * no number. False: no memory. */
bool clr_words_put(clr_words *words, size_t row, const char *text, const double *number);

void clr_words_free(clr_words *words);

/** Sort them, numbers before words; out [count] of their rows: which of those that differ, from 0
 *  on, NaN where none is there. Metadata "words" of set: those that differ, a line each. Returns:
 *  CLRNN_OK, CLRNN_ERR_MEMORY */
clrnn_status clr_words_number(clr_words *words, double *out, const clrnn_log *log,
                              clrnn_tensors *set);

#endif

/* SPDX-License-Identifier: MIT
 * model/csv_words.c - see model/csv_words.h. */
#include "model/csv_words.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/memory.h"

bool clr_words_put(clr_words *words, size_t row, const char *text, const double *number)
{
    const bool missing = number && isnan(*number);
    clr_word *word = &words->all[row];
    *word = (clr_word){missing ? NULL : clr_strdup(text), number ? *number : NAN, row};
    words->count = row + 1;
    return missing || word->text;
}

void clr_words_free(clr_words *words)
{
    for (size_t i = 0; i < words->count; i++)
        free(words->all[i].text);
    free(words->all);
    *words = (clr_words){0};
}

static int compare(const void *a, const void *b)
{
    const clr_word *p = a, *q = b;
    if (!p->text || !q->text)
        return !p->text - !q->text;
    if (isnan(p->number) != isnan(q->number))
        return isnan(p->number) ? 1 : -1;
    if (p->number < q->number || p->number > q->number)
        return p->number < q->number ? -1 : 1;
    return strcmp(p->text, q->text);
}

clrnn_status clr_words_number(clr_words *words, double *out, const clrnn_log *log,
                              clrnn_tensors *set)
{
    size_t bytes = 1, number = 0;
    for (size_t i = 0; i < words->count; i++)
        bytes += words->all[i].text ? strlen(words->all[i].text) + 1 : 0;
    char *names = clr_calloc(bytes, 1), *end = names;
    if (!names)
        return clr_fail(log, CLRNN_ERR_MEMORY, "a table's words: no memory for %zu bytes", bytes);
    qsort(words->all, words->count, sizeof *words->all, compare);
    for (size_t i = 0; i < words->count; i++) {
        const clr_word *w = &words->all[i];
        const bool fresh = w->text && (i == 0 || strcmp(w->text, w[-1].text) != 0);
        if (fresh) {
            const size_t length = strlen(w->text);
            if (number++)
                *end++ = '\n';
            memcpy(end, w->text, length);
            end += length;
        }
        out[w->row] = w->text ? (double)(number - 1) : NAN;
    }
    const clrnn_status status = clrnn_tensors_set_metadata(set, "words", names);
    free(names);
    return status;
}

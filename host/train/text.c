/* SPDX-License-Identifier: MIT
 * train/text.c - a text as batches of symbols. Pure arithmetic: nothing here moves a position. */
#include <clrnn/text.h>

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/memory.h"

/* N streams of S symbols, one after the other; stream n begins at symbols + n*S. */
typedef struct streams {
    const uint8_t *symbols; /* [size], size >= N*S */
    size_t size;
    size_t length;    /* S */
    uint64_t batches; /* of one pass: the last symbol of a stream is only a target */
} streams;

struct clrnn_text {
    uint32_t steps, batch; /* T, N */
    uint32_t vocabulary_size;
    uint8_t vocabulary[256];
    uint8_t *symbols; /* [size] */
    streams training, validation;
};

static clrnn_status check(const void *bytes, size_t size, const clrnn_text_desc *desc,
                          const clrnn_log *log)
{
    if (!desc || (!bytes && size))
        return clr_fail(log, CLRNN_ERR_ARGUMENT, "clrnn_text_create: %s is NULL",
                        desc ? "bytes" : "desc");
    if (!desc->steps || !desc->batch)
        return clr_fail(log, CLRNN_ERR_ARGUMENT,
                        "text: steps (%" PRIu32 ") and batch (%" PRIu32 ") must be at least 1",
                        desc->steps, desc->batch);
    if (!(desc->validation >= 0 && desc->validation < 1))
        return clr_fail(log, CLRNN_ERR_ARGUMENT, "text: validation is %g, must be in [0,1)",
                        desc->validation);
    if (!desc->vocabulary != !desc->vocabulary_size || desc->vocabulary_size > 256)
        return clr_fail(log, CLRNN_ERR_ARGUMENT,
                        "text: vocabulary_size is %" PRIu32
                        ", must be 1 to 256 with a vocabulary and 0 without",
                        desc->vocabulary_size);
    return CLRNN_OK;
}

/* symbol_of: out [256], the symbol of each byte, or -1. */
static clrnn_status find_vocabulary(clrnn_text *text, const uint8_t *bytes, size_t size,
                                    const clrnn_text_desc *desc, const clrnn_log *log,
                                    int symbol_of[256])
{
    for (size_t i = 0; i < 256; i++)
        symbol_of[i] = -1;
    if (!desc->vocabulary) {
        for (size_t i = 0; i < size; i++)
            symbol_of[bytes[i]] = 0;
        for (size_t i = 0; i < 256; i++)
            if (symbol_of[i] == 0)
                text->vocabulary[text->vocabulary_size++] = (uint8_t)i;
    } else {
        text->vocabulary_size = desc->vocabulary_size;
        memcpy(text->vocabulary, desc->vocabulary, desc->vocabulary_size);
    }
    for (uint32_t s = 0; s < text->vocabulary_size; s++) {
        int *symbol = &symbol_of[text->vocabulary[s]];
        if (desc->vocabulary && *symbol >= 0)
            return clr_fail(log, CLRNN_ERR_ARGUMENT,
                            "text: vocabulary[%d] and vocabulary[%" PRIu32 "] are both byte 0x%02x",
                            *symbol, s, (unsigned)text->vocabulary[s]);
        *symbol = (int)s;
    }
    return CLRNN_OK;
}

static clrnn_status translate(clrnn_text *text, const uint8_t *bytes, size_t size,
                              const int symbol_of[256], const clrnn_log *log)
{
    for (size_t i = 0; i < size; i++) {
        if (symbol_of[bytes[i]] < 0)
            return clr_fail(log, CLRNN_ERR_RANGE,
                            "text: byte 0x%02x at position %zu is not in the vocabulary of %" PRIu32
                            " symbols",
                            (unsigned)bytes[i], i, text->vocabulary_size);
        text->symbols[i] = (uint8_t)symbol_of[bytes[i]];
    }
    return CLRNN_OK;
}

static clrnn_status cut(const clrnn_text *text, const uint8_t *symbols, size_t size,
                        const char *part, const clrnn_log *log, streams *out)
{
    uint64_t needed = (uint64_t)text->batch * ((uint64_t)text->steps + 1);
    if (size < needed)
        return clr_fail(log, CLRNN_ERR_RANGE,
                        "text: %zu bytes of %s text, one batch needs %" PRIu64 " (%" PRIu32
                        " streams of %" PRIu32 "+1): use more text or smaller batches",
                        size, part, needed, text->batch, text->steps);
    size_t length = size / text->batch;
    *out = (streams){symbols, size, length, (length - 1) / text->steps};
    return CLRNN_OK;
}

static clrnn_status split(clrnn_text *text, size_t size, double validation, const clrnn_log *log)
{
    size_t held_out = (size_t)((double)size * validation);
    size_t training = held_out < size ? size - held_out : 0;
    clrnn_status status = cut(text, text->symbols, training, "training", log, &text->training);
    if (status == CLRNN_OK && held_out)
        status =
            cut(text, text->symbols + training, held_out, "validation", log, &text->validation);
    return status;
}

clrnn_status clrnn_text_create(const void *bytes, size_t size, const clrnn_text_desc *desc,
                               const clrnn_log *log, clrnn_text **text)
{
    if (!text)
        return clr_fail(log, CLRNN_ERR_ARGUMENT, "clrnn_text_create: text is NULL");
    *text = NULL;
    clrnn_status status = check(bytes, size, desc, log);
    if (status != CLRNN_OK)
        return status;

    int symbol_of[256];
    clrnn_text *t = clr_calloc(1, sizeof *t);
    uint8_t *symbols = clr_calloc(size, 1);
    if (!t || !symbols) {
        free(t);
        free(symbols);
        return clr_fail(log, CLRNN_ERR_MEMORY, "text: no memory for %zu symbols", size);
    }
    t->symbols = symbols;
    t->steps = desc->steps;
    t->batch = desc->batch;
    status = find_vocabulary(t, bytes, size, desc, log, symbol_of);
    if (status == CLRNN_OK)
        status = translate(t, bytes, size, symbol_of, log);
    if (status == CLRNN_OK)
        status = split(t, size, desc->validation, log);
    if (status != CLRNN_OK)
        clrnn_text_destroy(&t);
    *text = t;
    return status;
}

void clrnn_text_destroy(clrnn_text **text)
{
    if (!text || !*text)
        return;
    free((*text)->symbols);
    free(*text);
    *text = NULL;
}

const uint8_t *clrnn_text_vocabulary(const clrnn_text *text, uint32_t *size)
{
    if (size)
        *size = text ? text->vocabulary_size : 0;
    return text ? text->vocabulary : NULL;
}

uint64_t clrnn_text_batches(const clrnn_text *text, bool validation)
{
    if (!text)
        return 0;
    return validation ? text->validation.batches : text->training.batches;
}

void clrnn_text_batch(const clrnn_text *text, bool validation, uint64_t index, int32_t *ids,
                      int32_t *targets, bool *reset)
{
    if (!text || !ids || !targets || !reset)
        return;
    const streams *part = validation ? &text->validation : &text->training;
    uint64_t k = part->batches ? index % part->batches : 0;
    *reset = k == 0;
    for (size_t t = 0; t < text->steps; t++)
        for (size_t n = 0; n < text->batch; n++) {
            size_t i = t * text->batch + n;
            size_t position = n * part->length + (size_t)k * text->steps + t;
            ids[i] = part->batches ? part->symbols[position] : 0;
            targets[i] = part->batches ? part->symbols[position + 1] : -1;
        }
}

/* bits = -mean over the text of log2 p(s),  p(s) = (count of s in training + 1) / (L + V) */
double clrnn_text_unigram_bits(const clrnn_text *text)
{
    if (!text)
        return 0;
    const streams *training = &text->training;
    const streams *judged = text->validation.size ? &text->validation : training;
    double bits[256];
    uint64_t counts[256] = {0};
    for (size_t i = 0; i < training->size; i++)
        counts[training->symbols[i]]++;
    for (uint32_t s = 0; s < text->vocabulary_size; s++)
        bits[s] =
            log2((double)training->size + text->vocabulary_size) - log2((double)counts[s] + 1);
    double sum = 0;
    for (size_t i = 0; i < judged->size; i++)
        sum += bits[judged->symbols[i]];
    return sum / (double)judged->size;
}

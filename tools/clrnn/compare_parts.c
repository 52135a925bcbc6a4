/* SPDX-License-Identifier: MIT
 * compare_parts.c - what the parts of `clrnn compare` share: see compare.h. */
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "compare.h"

const compare_cell compare_cells[COMPARE_CELLS] = {
    {"rnn", "RNN", CLRNN_CELL_RNN, 0, "0", "h", "short contexts, where every parameter counts"},
    {"gru", "GRU", CLRNN_CELL_GRU, CLRNN_RESET_BEFORE, "2: reset, update", "h",
     "sequences of medium length, small models, little data"},
    {"gru-after", "GRU, reset after", CLRNN_CELL_GRU, CLRNN_RESET_AFTER, "2: reset, update", "h",
     "the same, as cuDNN and PyTorch compute it"},
    {"lstm", "LSTM", CLRNN_CELL_LSTM, 0, "3: input, forget, output", "h, c",
     "long sequences, much data"},
};

void compare_spread(const compare_job *job, const compare_result *result, size_t offset,
                    double *mean, double *deviation)
{
    double sum = 0, squares = 0;
    uint32_t count = 0;
    for (int pass = 0; pass < 2; pass++)
        for (uint32_t i = 0; i < job->o.seeds; i++) {
            double v;
            memcpy(&v, (const char *)&result->runs[i] + offset, sizeof v);
            if (!isfinite(v))
                continue;
            if (pass)
                squares += (v - sum / count) * (v - sum / count);
            else
                sum += v, count++;
        }
    *mean = count ? sum / count : NAN;
    *deviation = count > 1 ? sqrt(squares / (count - 1)) : 0;
}

const char *compare_path(const compare_job *job, char text[COMPARE_PATH], const char *format, ...)
{
    va_list arguments;
    int used = snprintf(text, COMPARE_PATH, "%s/", job->folder);
    va_start(arguments, format);
    if (used > 0 && used < COMPARE_PATH)
        vsnprintf(text + used, (size_t)(COMPARE_PATH - used), format, arguments);
    va_end(arguments);
    return text;
}

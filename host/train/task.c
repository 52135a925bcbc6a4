/* SPDX-License-Identifier: MIT
 * train/task.c - tasks that are made up: see clrnn_task. Every number is a function of seed, part
 * and position. */
#include <math.h>
#include <string.h>

#include "base/philox.h"
#include "train/data_set.h"

/* Random numbers of one sequence, in order. */
typedef struct source {
    uint64_t seed, position;
    uint32_t stream, next;
    clr_philox_block block;
} source;

static uint32_t bits(source *s)
{
    if (s->next % 4 == 0) {
        uint32_t counter[4] = {s->next / 4, (uint32_t)s->position, (uint32_t)(s->position >> 32),
                               s->stream};
        s->block = clr_philox(s->seed, counter);
    }
    return s->block.word[s->next++ % 4];
}

/* 0 to below `limit`. */
static uint32_t below(source *s, uint32_t limit)
{
    return (uint32_t)((uint64_t)bits(s) * limit >> 32);
}

static void adding(clrnn_data *d, source *s)
{
    const uint32_t T = d->info.steps, half = T / 2;
    for (uint32_t t = 0; t < T; t++) {
        d->made_x[2 * t] = clr_uniform(bits(s));
        d->made_x[2 * t + 1] = 0;
    }
    const uint32_t a = below(s, half), b = half + below(s, T - half);
    d->made_x[2 * a + 1] = d->made_x[2 * b + 1] = 1;
    d->made_values[0] = d->made_x[2 * a] + d->made_x[2 * b];
}

/* Symbol 0 is blank, 1..8 are to be copied, 9 asks. */
static void copy(clrnn_data *d, source *s)
{
    const uint32_t T = d->info.steps;
    for (uint32_t t = 0; t < T; t++) {
        const uint32_t symbol = t < 10 ? 1 + below(s, 8) : t + 11 == T ? 9 : 0;
        d->made_x[10 * t + symbol] = 1;
        d->made_classes[t] = 0;
        for (uint32_t k = 1; k <= 8 && t + 10 >= T; k++)
            if (d->made_x[10 * (t + 10 - T) + k] > 0)
                d->made_classes[t] = (int32_t)k;
    }
}

static void recall(clrnn_data *d, source *s)
{
    d->made_classes[0] = (int32_t)below(s, 8);
    d->made_x[d->made_classes[0]] = 1;
    for (uint32_t t = 1; t < d->info.steps; t++)
        d->made_x[10 * t + 8 + below(s, 2)] = 1;
}

static void parity(clrnn_data *d, source *s)
{
    int32_t odd = 0;
    for (uint32_t t = 0; t < d->info.steps; t++) {
        const uint32_t bit = below(s, 2);
        odd ^= (int32_t)bit;
        d->made_x[t] = bit;
        d->made_classes[t] = odd;
    }
}

static void brackets(clrnn_data *d, source *s)
{
    int32_t depth = 0;
    for (uint32_t t = 0; t < d->info.steps; t++) {
        const bool opens = depth == 0 || (depth < 7 && below(s, 2));
        depth += opens ? 1 : -1;
        d->made_x[2 * t + opens] = 1;
        d->made_classes[t] = depth;
    }
}

void clr_task_make(clrnn_data *data, clrnn_part part, uint64_t position)
{
    static void (*const make[])(clrnn_data *, source *) = {adding, copy, recall, parity, brackets};
    source s = {.seed = data->seed, .position = position, .stream = 0x7a5c0000u + (uint32_t)part};
    memset(data->made_x, 0, (size_t)data->info.steps * data->info.inputs * sizeof *data->made_x);
    make[data->task.task](data, &s);
}

bool clr_task_level(const clrnn_data *data, clrnn_score *score)
{
    const double T = data->info.steps, eight = log(8);
    *score = (clrnn_score){.loss = NAN, .accuracy = NAN, .rms = NAN, .absolute = NAN};
    switch (data->task.task) {
    case CLRNN_TASK_ADDING: /* the sum of two uniform numbers lies about 1 as a triangle */
        score->loss = 1.0 / 6;
        score->rms = sqrt(1.0 / 6);
        score->absolute = 1.0 / 3;
        return true;
    case CLRNN_TASK_COPY: /* blanks are known, and of 10 symbols that they are one of 8 */
        score->loss = 10 * eight / T;
        score->accuracy = 1 - 10 * (7.0 / 8) / T;
        return true;
    case CLRNN_TASK_RECALL:
        score->loss = eight;
        score->accuracy = 1.0 / 8;
        return true;
    case CLRNN_TASK_PARITY:
        score->loss = log(2);
        score->accuracy = 0.5;
        return true;
    case CLRNN_TASK_BRACKETS:
        break;
    }
    return false;
}

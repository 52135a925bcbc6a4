/* SPDX-License-Identifier: MIT
 * train/data_batch.c - batches of a data set: their order, and their arrays. */
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/memory.h"
#include "train/data_set.h"

#define POOL         16 /* batches whose sequences are sorted by length, so that they pad little */
#define TASK_BATCHES 100

/* --- arrays --------------------------------------------------------------------------------- */

static void put(const clrnn_data *data, void *out, size_t at, const double *values, size_t count)
{
    if (data->precision == CLRNN_F64) {
        memcpy((double *)out + at, values, count * sizeof *values);
        return;
    }
    for (size_t i = 0; i < count; i++)
        ((float *)out)[at + i] = (float)values[i];
}

/* Row n of a batch of T x N. */
static void put_row(clrnn_data *data, const clr_view *v, uint32_t T, uint32_t N, uint32_t n)
{
    const size_t I = data->info.inputs, O = clr_data_values(data);
    data->batch_lengths[n] = v->length;
    for (uint32_t t = 0; t < T; t++) {
        const size_t position = (size_t)t * N + n;
        const bool has = t < v->length && clr_data_has_target(data, t, v->length);
        const size_t target = data->info.target_at == CLRNN_TARGET_LAST ? 0 : t;
        if (t < v->length)
            put(data, data->batch_x, position * I, v->x + t * I, I);
        data->batch_targets[position] = !has ? -1 : v->classes ? v->classes[target] : 0;
        if (has && v->values)
            put(data, data->batch_values, position * O, v->values + target * O, O);
    }
}

clrnn_status clr_data_fill(clrnn_data *data, clrnn_part part, const uint32_t *order, uint64_t first,
                           uint32_t count, clrnn_batch *batch)
{
    const size_t real = data->precision == CLRNN_F64 ? sizeof(double) : sizeof(float);
    uint32_t T = 0;
    for (uint32_t n = 0; n < count && !data->is_task; n++) {
        const uint64_t position = order ? order[first + n] : first + n;
        const uint32_t length = data->examples[data->members[part][position]].length;
        T = length > T ? length : T;
    }
    T = data->is_task ? data->info.steps : T;
    const size_t positions = (size_t)T * count;
    memset(data->batch_x, 0, positions * data->info.inputs * real);
    if (!clr_data_is_classes(data))
        memset(data->batch_values, 0, positions * clr_data_values(data) * real);
    for (uint32_t n = 0; n < count; n++) {
        const clr_view v = clr_data_view(data, part, order ? order[first + n] : first + n);
        put_row(data, &v, T, count, n);
    }
    *batch = (clrnn_batch){.steps = T,
                           .batch = count,
                           .lengths = data->info.ragged ? data->batch_lengths : NULL,
                           .x = data->batch_x,
                           .targets = data->batch_targets,
                           .values = clr_data_is_classes(data) ? NULL : data->batch_values};
    return CLRNN_OK;
}

/* --- order ---------------------------------------------------------------------------------- */

static void shuffle(uint32_t *items, uint32_t count, uint64_t seed, uint32_t stream, uint64_t pass)
{
    for (uint32_t i = 0; i < count; i++)
        items[i] = i;
    for (uint32_t i = count; i > 1; i--) {
        const uint32_t r = clr_data_random(seed, stream, pass, i);
        const uint32_t j = (uint32_t)((uint64_t)r * i >> 32), other = items[j];
        items[j] = items[i - 1];
        items[i - 1] = other;
    }
}

/* Sort positions by key, those of the same key as they come: a merge of halves. scratch: [count] */
static void sort(uint32_t *items, uint32_t count, const uint32_t *lengths, uint32_t *scratch)
{
    for (uint32_t width = 1; width < count; width *= 2) {
        for (uint32_t at = 0; at < count; at += 2 * width) {
            const uint32_t middle = at + width < count ? at + width : count;
            const uint32_t end = middle + width < count ? middle + width : count;
            for (uint32_t a = at, b = middle, k = at; k < end; k++) {
                const bool left =
                    a < middle && (b == end || lengths[items[a]] <= lengths[items[b]]);
                scratch[k] = left ? items[a++] : items[b++];
            }
        }
        memcpy(items, scratch, count * sizeof *items);
    }
}

/* The order of one pass through the training part. */
static clrnn_status arrange(clrnn_data *data, uint64_t pass)
{
    const uint32_t count = data->info.part[CLRNN_PART_TRAIN], N = data->info.batch;
    const uint32_t whole = count / N;
    if (data->ordered && data->pass == pass)
        return CLRNN_OK;
    shuffle(data->order, count, data->seed, 0x0de5, pass);
    if (data->info.ragged) {
        uint32_t *lengths = clr_calloc(count, sizeof *lengths);
        if (!lengths)
            return clr_fail(&data->log, CLRNN_ERR_MEMORY, "data: no memory to sort %u sequences",
                            count);
        for (uint32_t i = 0; i < count; i++)
            lengths[i] = data->examples[data->members[CLRNN_PART_TRAIN][i]].length;
        for (uint64_t at = 0; at < count; at += (uint64_t)POOL * N) {
            const uint64_t left = count - at, pool = (uint64_t)POOL * N;
            sort(data->order + at, (uint32_t)(left < pool ? left : pool), lengths, data->keys);
        }
        free(lengths);
    }
    shuffle(data->batches, whole, data->seed, 0xba7c, pass); /* what is left comes last */
    data->batches[whole < count ? whole : 0] = whole < count ? whole : data->batches[0];
    data->ordered = true;
    data->pass = pass;
    return CLRNN_OK;
}

uint64_t clrnn_data_batches(const clrnn_data *data, clrnn_part part)
{
    if (!data || (unsigned)part >= CLRNN_PART_COUNT)
        return 0;
    if (data->is_task && part == CLRNN_PART_TRAIN)
        return TASK_BATCHES;
    return ((uint64_t)data->info.part[part] + data->info.batch - 1) / data->info.batch;
}

clrnn_status clrnn_data_batch(clrnn_data *data, clrnn_part part, uint64_t index, clrnn_batch *batch)
{
    if (!data || !batch)
        return clr_fail(data ? &data->log : NULL, CLRNN_ERR_ARGUMENT,
                        "clrnn_data_batch: %s is NULL", data ? "batch" : "data");
    const uint64_t batches = clrnn_data_batches(data, part), N = data->info.batch;
    if (batches == 0)
        return clr_fail(&data->log, CLRNN_ERR_ARGUMENT, "data: part %d is empty", (int)part);
    if (data->is_task && part == CLRNN_PART_TRAIN)
        return clr_data_fill(data, part, NULL, index * N, (uint32_t)N, batch);
    const uint64_t count = data->info.part[part];
    uint64_t at = index % batches;
    if (part == CLRNN_PART_TRAIN) {
        clrnn_status status = arrange(data, index / batches);
        if (status != CLRNN_OK)
            return status;
        at = data->batches[at];
    }
    const uint64_t left = count - at * N;
    return clr_data_fill(data, part, part == CLRNN_PART_TRAIN ? data->order : NULL, at * N,
                         (uint32_t)(left < N ? left : N), batch);
}

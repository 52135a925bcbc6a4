/* SPDX-License-Identifier: MIT
 * train/data_permute.c - the steps of all sequences in another order. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/memory.h"
#include "train/data_set.h"

enum { STREAM = 0x7a5d0000 }; /* of random numbers */

static clrnn_status check(const clrnn_data *data)
{
    const char *wrong = data->is_task                                ? "a task makes its own"
                        : data->window                               ? "windows share their steps"
                        : data->info.ragged                          ? "lengths differ"
                        : data->info.target_at == CLRNN_TARGET_EVERY ? "every step has a target"
                                                                     : NULL;
    return wrong ? clr_fail(&data->log, CLRNN_ERR_ARGUMENT,
                            "data: steps cannot be put into another order: %s", wrong)
                 : CLRNN_OK;
}

/* Each order is as likely: R. Fisher, F. Yates 1938. */
static void draw(uint32_t *order, uint32_t steps, uint64_t seed)
{
    for (uint32_t t = 0; t < steps; t++)
        order[t] = t;
    for (uint32_t left = steps; left > 1; left--) {
        const uint64_t random = clr_data_random(seed, STREAM, 0, left);
        const uint32_t other = (uint32_t)(random * left >> 32), kept = order[left - 1];
        order[left - 1] = order[other];
        order[other] = kept;
    }
}

clrnn_status clrnn_data_permute(clrnn_data *data, uint64_t seed)
{
    if (!data)
        return CLRNN_ERR_ARGUMENT;
    const uint32_t T = data->info.steps;
    const size_t I = data->info.inputs;
    clrnn_status status = check(data);
    uint32_t *order = status == CLRNN_OK ? clr_calloc(T, sizeof *order) : NULL;
    double *sequence = status == CLRNN_OK ? clr_calloc(T, I * sizeof *sequence) : NULL;
    if (status == CLRNN_OK && (!order || !sequence))
        status = clr_fail(&data->log, CLRNN_ERR_MEMORY, "data: no memory for an order of steps");
    if (status == CLRNN_OK)
        draw(order, T, seed);
    for (uint32_t n = 0; n < data->info.sequences && status == CLRNN_OK; n++) {
        double *x = data->x + data->examples[n].x_row * I;
        for (uint32_t t = 0; t < T; t++)
            memcpy(sequence + t * I, x + order[t] * I, I * sizeof *x);
        memcpy(x, sequence, T * I * sizeof *x);
    }
    free(order);
    free(sequence);
    return status;
}

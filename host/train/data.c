/* SPDX-License-Identifier: MIT
 * train/data.c - making a data set, and what there is in it. */
#include "train/data_set.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>

#include "base/checked.h"
#include "base/log.h"
#include "base/memory.h"
#include "base/philox.h"

#define USUAL_BATCH 32

uint32_t clr_data_random(uint64_t seed, uint32_t stream, uint64_t pass, uint32_t index)
{
    uint32_t counter[4] = {index / 4, (uint32_t)pass, (uint32_t)(pass >> 32), stream};
    return clr_philox(seed, counter).word[index % 4];
}

clr_view clr_data_view(clrnn_data *data, clrnn_part part, uint64_t position)
{
    const size_t I = data->info.inputs, O = clr_data_values(data);
    const bool last = data->info.target_at == CLRNN_TARGET_LAST;
    if (data->is_task) {
        clr_task_make(data, part, position);
        return (clr_view){data->made_x, data->made_classes, data->made_values, data->info.steps,
                          last ? 1 : data->info.steps};
    }
    const clr_example *e = &data->examples[data->members[part][position]];
    return (clr_view){data->x + e->x_row * I, data->classes ? data->classes + e->target_row : NULL,
                      data->values ? data->values + e->target_row * O : NULL, e->length,
                      last ? 1 : e->length};
}

bool clr_data_is_told(const clrnn_data *data, uint32_t n)
{
    const clr_example *e = &data->examples[n];
    const size_t O = clr_data_values(data);
    const uint32_t targets = data->info.target_at == CLRNN_TARGET_LAST ? 1 : e->length;
    bool told = data->info.loss == CLRNN_LOSS_CTC || (!data->classes && !data->values);
    for (size_t i = 0; data->classes && i < targets && !told; i++)
        told = data->classes[e->target_row + i] >= 0;
    for (size_t i = 0; data->values && i < targets * O && !told; i++)
        told = !isnan(data->values[e->target_row * O + i]);
    return told;
}

clrnn_status clr_data_collect(clrnn_data *data)
{
    uint32_t *members[CLRNN_PART_COUNT] = {NULL}, counts[CLRNN_PART_COUNT] = {0};
    const uint32_t N = data->info.sequences;
    for (uint32_t p = 0; p < CLRNN_PART_COUNT; p++)
        members[p] = clr_calloc(N, sizeof *members[p]);
    if (!members[0] || !members[1] || !members[2]) {
        for (uint32_t p = 0; p < CLRNN_PART_COUNT; p++)
            free(members[p]);
        return clr_fail(&data->log, CLRNN_ERR_MEMORY, "data: no memory for %" PRIu32 " sequences",
                        N);
    }
    for (uint32_t n = 0; n < N; n++) {
        const uint32_t p = data->examples[n].part;
        if (p < CLRNN_PART_COUNT)
            members[p][counts[p]++] = n;
    }
    for (uint32_t p = 0; p < CLRNN_PART_COUNT; p++) {
        free(data->members[p]);
        data->members[p] = members[p];
        data->info.part[p] = counts[p];
    }
    data->ordered = false;
    return CLRNN_OK;
}

/* Room for one batch and for the order of a pass. */
static clrnn_status make_room(clrnn_data *data)
{
    const clrnn_data_info *info = &data->info;
    const size_t real = data->precision == CLRNN_F64 ? sizeof(double) : sizeof(float);
    const size_t N = info->sequences ? info->sequences : 1;
    clr_size positions = clr_size_mul(clr_size_of(info->steps), info->batch);
    clr_size x = clr_size_mul(clr_size_mul(positions, info->inputs), real);
    clr_size values = clr_size_mul(clr_size_mul(positions, clr_data_values(data)), real);
    if (x.overflow || values.overflow)
        return clr_fail(&data->log, CLRNN_ERR_RANGE,
                        "data: a batch of %" PRIu32 " sequences of %" PRIu32
                        " steps is more than memory can address",
                        info->batch, info->steps);
    data->batch_x = clr_calloc(x.value, 1);
    data->batch_values = clr_calloc(clr_data_is_classes(data) ? 0 : values.value, 1);
    data->batch_targets = clr_calloc(positions.value, sizeof *data->batch_targets);
    data->batch_lengths = clr_calloc(info->batch, sizeof *data->batch_lengths);
    data->order = clr_calloc(N, sizeof *data->order);
    data->batches = clr_calloc(N, sizeof *data->batches);
    data->keys = clr_calloc(N, sizeof *data->keys);
    bool made = data->batch_x && data->batch_values && data->batch_targets && data->batch_lengths &&
                data->order && data->batches && data->keys;
    return made ? CLRNN_OK
                : clr_fail(&data->log, CLRNN_ERR_MEMORY,
                           "data: no memory for a batch of %" PRIu32 " x %" PRIu32 " steps",
                           info->batch, info->steps);
}

clrnn_status clrnn_data_create(const clrnn_data_desc *desc, const clrnn_log *log, clrnn_data **data)
{
    if (data)
        *data = NULL;
    if (!desc || !data || !desc->x)
        return clr_fail(log, CLRNN_ERR_ARGUMENT, "clrnn_data_create: %s is NULL",
                        !desc  ? "desc"
                        : data ? "x"
                               : "data");
    clrnn_data *made = clr_calloc(1, sizeof *made);
    if (!made)
        return clr_fail(log, CLRNN_ERR_MEMORY, "data: no memory");
    if (log)
        made->log = *log;
    made->precision = desc->precision;
    made->seed = desc->seed;
    made->huber_delta = desc->huber_delta > 0 ? desc->huber_delta : 1;
    made->pre_emphasis = desc->pre_emphasis;
    made->dc_weight = desc->dc_weight;
    made->info.batch = desc->batch ? desc->batch : USUAL_BATCH;
    clrnn_status status = clr_data_read(made, desc);
    if (status == CLRNN_OK)
        status = clr_data_collect(made);
    if (status == CLRNN_OK)
        status = make_room(made);
    if (status != CLRNN_OK)
        clrnn_data_destroy(&made);
    *data = made;
    return status;
}

/* --- tasks ---------------------------------------------------------------------------------- */

static void describe_task(clrnn_data *data, const clrnn_task_desc *desc)
{
    static const uint32_t inputs[] = {2, 10, 10, 1, 2}, outputs[] = {1, 10, 8, 2, 8};
    const uint32_t held_out = desc->held_out ? desc->held_out : 512;
    const bool last = desc->task == CLRNN_TASK_ADDING || desc->task == CLRNN_TASK_RECALL;
    data->is_task = true;
    data->task = *desc;
    data->precision = desc->precision;
    data->seed = desc->seed;
    data->info =
        (clrnn_data_info){.inputs = inputs[desc->task],
                          .outputs = outputs[desc->task],
                          .steps = desc->steps + (desc->task == CLRNN_TASK_COPY ? 20 : 0),
                          .part = {0, held_out, held_out},
                          .batch = desc->batch ? desc->batch : USUAL_BATCH,
                          .loss = desc->task == CLRNN_TASK_ADDING ? CLRNN_LOSS_MEAN_SQUARED
                                                                  : CLRNN_LOSS_CROSS_ENTROPY,
                          .target_at = last ? CLRNN_TARGET_LAST : CLRNN_TARGET_EVERY};
}

clrnn_status clrnn_data_create_task(const clrnn_task_desc *desc, const clrnn_log *log,
                                    clrnn_data **data)
{
    if (data)
        *data = NULL;
    if (!desc || !data)
        return clr_fail(log, CLRNN_ERR_ARGUMENT, "clrnn_data_create_task: %s is NULL",
                        desc ? "data" : "desc");
    if ((unsigned)desc->task > CLRNN_TASK_BRACKETS)
        return clr_fail(log, CLRNN_ERR_ARGUMENT, "data: task %d is unknown, not in 0..%d",
                        (int)desc->task, CLRNN_TASK_BRACKETS);
    if (desc->steps < 2 || desc->steps > 100000000)
        return clr_fail(log, CLRNN_ERR_RANGE,
                        "data: a task of %" PRIu32 " steps, must be 2 to 100000000", desc->steps);
    clrnn_data *made = clr_calloc(1, sizeof *made);
    if (!made)
        return clr_fail(log, CLRNN_ERR_MEMORY, "data: no memory");
    if (log)
        made->log = *log;
    describe_task(made, desc);
    const size_t T = made->info.steps;
    made->made_x = clr_calloc(T * made->info.inputs, sizeof *made->made_x);
    if (clr_data_is_classes(made))
        made->made_classes = clr_calloc(T, sizeof *made->made_classes);
    else
        made->made_values = clr_calloc(1, sizeof *made->made_values);
    bool room = made->made_x && (made->made_classes || made->made_values);
    clrnn_status status =
        room ? make_room(made)
             : clr_fail(log, CLRNN_ERR_MEMORY, "data: no memory for a task of %zu steps", T);
    if (status != CLRNN_OK)
        clrnn_data_destroy(&made);
    *data = made;
    return status;
}

/* -------------------------------------------------------------------------------------------- */

void clrnn_data_destroy(clrnn_data **data)
{
    if (!data || !*data)
        return;
    clrnn_data *d = *data;
    for (uint32_t p = 0; p < CLRNN_PART_COUNT; p++)
        free(d->members[p]);
    void *const parts[] = {d->x,
                           d->classes,
                           d->values,
                           d->examples,
                           d->order,
                           d->batches,
                           d->keys,
                           d->batch_x,
                           d->batch_values,
                           d->batch_targets,
                           d->batch_lengths,
                           d->made_x,
                           d->made_values,
                           d->made_classes,
                           d->x_scale.mean,
                           d->x_scale.deviation,
                           d->y_scale.mean,
                           d->y_scale.deviation};
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++)
        free(parts[i]);
    free(d);
    *data = NULL;
}

const clrnn_data_info *clrnn_data_get_info(const clrnn_data *data)
{
    return data ? &data->info : NULL;
}

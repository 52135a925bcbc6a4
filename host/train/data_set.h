/* SPDX-License-Identifier: MIT
 * train/data_set.h - the inside of a data set, for its files. */
#ifndef CLR_TRAIN_DATA_SET_H
#define CLR_TRAIN_DATA_SET_H

#include <clrnn/data.h>

#include "train/options.h"

#define CLR_PART_NONE CLRNN_PART_COUNT /* of a sequence that is in no part */

/* One sequence: where its rows begin. */
typedef struct clr_example {
    size_t x_row;      /* in x: `length` rows of I */
    size_t target_row; /* its first target: one for each step, or one */
    uint32_t length;
    uint32_t part;
} clr_example;

/* Mean and deviation of each column; NULL: not scaled. */
typedef struct clr_scale {
    double *mean, *deviation;
} clr_scale;

struct clrnn_data {
    clrnn_log log;
    clrnn_data_info info;
    clrnn_precision precision;
    uint64_t seed;
    double huber_delta, pre_emphasis, dc_weight;
    uint32_t window, horizon; /* of windows, else 0 */
    bool is_task;
    clrnn_task_desc task; /* if it is */
    /* What has been read; x is scaled, targets as well. */
    double *x;                           /* [rows,I] */
    int32_t *classes;                    /* [target rows], negative: missing; or */
    double *values;                      /* [target rows,O], NaN: missing; or neither */
    size_t target_rows;                  /* of all sequences; of windows the steps of the series */
    clr_example *examples;               /* [sequences] */
    uint32_t *members[CLRNN_PART_COUNT]; /* [info.part[p]]: the sequences of a part */
    clr_scale x_scale, y_scale;
    /* The order of the training part in one pass. */
    bool ordered;
    uint64_t pass;
    uint32_t *order;   /* [part] positions in members */
    uint32_t *batches; /* [batches of a pass] which comes when */
    uint32_t *keys;    /* [part] scratch of sorting */
    /* One batch, and one made-up sequence. */
    void *batch_x, *batch_values; /* [T,N,I], [T,N,O] */
    int32_t *batch_targets;       /* [T,N] */
    uint32_t *batch_lengths;      /* [N] */
    double *made_x, *made_values; /* [T,I], [1,1] */
    int32_t *made_classes;        /* [T] */
};

/* A sequence to be read; valid until the next one of a task. */
typedef struct clr_view {
    const double *x;        /* [length,I] */
    const int32_t *classes; /* one for each target, or NULL */
    const double *values;   /* O for each target, or NULL */
    uint32_t length;
    uint32_t targets; /* length, or 1 */
} clr_view;

/** Sequence `position` of a part; of a task any. */
clr_view clr_data_view(clrnn_data *data, clrnn_part part, uint64_t position);

/** Make up sequence `position` of a part in data->made_... */
void clr_task_make(clrnn_data *data, clrnn_part part, uint64_t position);

/** The score of who has learned nothing, where it is known. False: it has to be measured. */
bool clr_task_level(const clrnn_data *data, clrnn_score *score);

/** Read x, lengths and targets into data. Returns: as clrnn_data_create. */
clrnn_status clr_data_read(clrnn_data *data, const clrnn_data_desc *desc);

/** Labels of sequence n, [S], as targets of its steps, out [T]: the first ones are they, the others
 *  NaN. Returns: CLRNN_OK; CLRNN_ERR_RANGE (logged: one behind a 0, NaN or negative one, or fewer
 *  steps than labels, with a blank between two that are the same) */
clrnn_status clr_data_place_labels(const clrnn_data *data, uint32_t n, const double *labels,
                                   uint64_t S, uint32_t T, double *out);

/** Whether sequence n has a target that is not missing; of label sequences none may be there to be
 *  told. */
bool clr_data_is_told(const clrnn_data *data, uint32_t n);

/** Make members of all examples' parts. Returns: CLRNN_OK, CLRNN_ERR_MEMORY (all stays) */
clrnn_status clr_data_collect(clrnn_data *data);

/** A random number of a pass: word `index` of a stream. */
uint32_t clr_data_random(uint64_t seed, uint32_t stream, uint64_t pass, uint32_t index);

/** Where a position's target is expected: whether step t of a sequence of this length has one. */
static inline bool clr_data_has_target(const clrnn_data *data, uint32_t t, uint32_t length)
{
    return data->info.target_at == CLRNN_TARGET_EVERY || t + 1 == length;
}

static inline bool clr_data_is_classes(const clrnn_data *data)
{
    return !clr_loss_has_values(data->info.loss);
}

/** Values of a target. */
static inline size_t clr_data_values(const clrnn_data *data)
{
    return clr_loss_values(data->info.loss, data->info.outputs);
}

/** Fill a batch with `count` sequences of a part from `first` on, as they are listed in `order`, or
 * as they are if that is NULL. Returns: CLRNN_OK, CLRNN_ERR_MEMORY */
clrnn_status clr_data_fill(clrnn_data *data, clrnn_part part, const uint32_t *order, uint64_t first,
                           uint32_t count, clrnn_batch *batch);

#endif

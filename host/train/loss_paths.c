/* SPDX-License-Identifier: MIT
 * train/loss_paths.c - the labels of a batch as the kernel of ctc reads them (cl/ctc.cl). */
#include "base/log.h"
#include "train/trainer.h"

/* Labels of row n of targets, [T,N], that are counted: those before the first that is none. */
static uint32_t labels_of(const int32_t *targets, const clr_batch_rows *rows, uint32_t n)
{
    uint32_t count = 0;
    while (count < rows->T && targets[(size_t)count * rows->N + n] > 0)
        count++;
    return count;
}

/* A path needs a step for each label, and a blank between two that are the same. */
static clrnn_status check_row(const clrnn_trainer *trainer, const clr_objective *o,
                              const int32_t *targets, const clr_batch_rows *rows, uint32_t n)
{
    const clrnn_log *log = &trainer->context->log;
    const uint32_t steps = rows->lengths ? rows->lengths[n] : rows->T;
    const uint32_t count = labels_of(targets, rows, n);
    uint32_t needed = count;
    for (uint32_t j = 0; j < count; j++) {
        const int32_t label = targets[(size_t)j * rows->N + n];
        needed += j && label == targets[(size_t)(j - 1) * rows->N + n];
        if ((size_t)label >= o->outputs)
            return clr_fail(log, CLRNN_ERR_RANGE,
                            "batch: label %u of row %u is %d, must be 1 to %zu", j, n, (int)label,
                            o->outputs - 1);
    }
    if (needed > steps)
        return clr_fail(log, CLRNN_ERR_RANGE,
                        "batch: the %u labels of row %u need %u steps (a blank parts equal ones), "
                        "but it has %u",
                        count, n, needed, steps);
    return CLRNN_OK;
}

static void fill_row(const int32_t *targets, const clr_batch_rows *rows, uint32_t n, int32_t *path)
{
    const uint32_t count = labels_of(targets, rows, n);
    path[0] = (int32_t)(rows->lengths ? rows->lengths[n] : rows->T);
    path[1] = (int32_t)count;
    for (uint32_t j = 0; j < count; j++) {
        int32_t *label = path + 2 + 3 * (size_t)j;
        label[0] = targets[(size_t)j * rows->N + n];
        label[1] = -1;
        label[2] = 1;
        for (uint32_t k = j; k-- > 0 && label[2];)
            if (path[2 + 3 * (size_t)k] == label[0]) {
                path[2 + 3 * (size_t)k + 1] = (int32_t)j;
                label[2] = 0;
            }
    }
}

clrnn_status clr_objective_paths(clrnn_trainer *trainer, clr_objective *o, const int32_t *targets,
                                 const clr_batch_rows *rows)
{
    uint32_t most = 0;
    if (o->kind != CLRNN_LOSS_CTC)
        return CLRNN_OK;
    for (uint32_t n = 0; n < rows->N; n++) {
        const uint32_t count = labels_of(targets, rows, n);
        clrnn_status status = check_row(trainer, o, targets, rows, n);
        if (status != CLRNN_OK)
            return status;
        most = count > most ? count : most;
    }
    o->labels = most;
    for (uint32_t n = 0; n < rows->N; n++)
        fill_row(targets, rows, n, o->staged_paths + n * clr_ctc_path_size(most));
    return CLRNN_OK;
}

clrnn_status clr_objective_send_paths(clrnn_trainer *trainer, clr_objective *o,
                                      const clr_batch_rows *rows)
{
    return o->kind != CLRNN_LOSS_CTC
               ? CLRNN_OK
               : clr_uploads_copy(trainer->context, &trainer->uploads, o->staged_paths,
                                  rows->N * clr_ctc_path_size(o->labels) * sizeof(cl_int),
                                  o->paths);
}

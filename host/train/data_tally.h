/* SPDX-License-Identifier: MIT
 * train/data_tally.h - what the targets of a data set cost, added up. */
#ifndef CLR_TRAIN_DATA_TALLY_H
#define CLR_TRAIN_DATA_TALLY_H

#include "train/data_set.h"

/* Sums of a score. */
typedef struct clr_tally_sums {
    double loss, right, squares, absolute;
    double targets;  /* steps that have one; of ctc sequences */
    double elements; /* values that are there; of ctc labels */
    /* Of esr, beside `loss`, the squared errors: the same of targets; means and all of targets. */
    double signal, dc, plain;
    double *columns;  /* [O,4]: the error and target of the step before, sum of errors, steps */
    double *logits;   /* of ctc: [T,O], of a sequence so far */
    int32_t *labels;  /* [T] */
    uint32_t *row;    /* [T+1] */
    clrnn_status bad; /* the first failure */
} clr_tally_sums;

#define CLR_VARIANCE_FLOOR 1e-6 /* as in cl/loss.cl */

/** Begin to add up. Returns: CLRNN_OK, CLRNN_ERR_MEMORY */
clrnn_status clr_tally_open(const clrnn_data *data, clr_tally_sums *sum);

/** End it; score: out, where neither `status` nor adding has failed. Returns the failure. */
clrnn_status clr_tally_close(const clrnn_data *data, clr_tally_sums *sum, clrnn_status status,
                             clrnn_score *score);

/** log of the sum of exp(x), and where the largest is. */
double clr_log_sum(const double *x, size_t count, size_t *largest);

/** Add what the logits x [O] cost for one target of a sequence; those of a sequence come in order,
 *  the first with `target` 0. */
void clr_tally_target(const clrnn_data *data, const double *x, const clr_view *v, size_t target,
                      clr_tally_sums *sum);

/** Whether a part has sequences, and targets. Returns: CLRNN_OK, CLRNN_ERR_ARGUMENT */
clrnn_status clr_data_check_part(const clrnn_data *data, clrnn_part part);

#endif

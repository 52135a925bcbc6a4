/* SPDX-License-Identifier: MIT
 * train/data_tally.h - what the targets of a data set cost, added up. */
#ifndef CLR_TRAIN_DATA_TALLY_H
#define CLR_TRAIN_DATA_TALLY_H

#include "train/data_set.h"

/* Sums of a score. */
typedef struct clr_tally_sums {
    double loss, right, squares, absolute;
    double targets;  /* steps that have one */
    double elements; /* values that are there */
} clr_tally_sums;

/** log of the sum of exp(x), and where the largest is. */
double clr_log_sum(const double *x, size_t count, size_t *largest);

/** Add what the logits x [O] cost for one target of a sequence. */
void clr_tally_target(const clrnn_data *data, const double *x, const clr_view *v, size_t target,
                      clr_tally_sums *sum);

/** The means of it. */
clrnn_score clr_tally_score(const clrnn_data *data, const clr_tally_sums *sum);

/** Whether a part has sequences, and targets. Returns: CLRNN_OK, CLRNN_ERR_ARGUMENT */
clrnn_status clr_data_check_part(const clrnn_data *data, clrnn_part part);

#endif

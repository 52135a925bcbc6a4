/* SPDX-License-Identifier: MIT
 * train/checkpoint.h - whether a checkpoint is of a trainer's model. */
#ifndef CLR_TRAIN_CHECKPOINT_H
#define CLR_TRAIN_CHECKPOINT_H

#include "model/model.h"

/** a: the checkpoint's model, b: the trainer's. Returns: CLRNN_OK, CLRNN_ERR_FORMAT: the log names
 *  what differs */
clrnn_status clr_checkpoint_compare(const clrnn_model *a, const clrnn_model *b, const char *path);

#endif

/* SPDX-License-Identifier: MIT
 * train/learner_model.h - what a model needs in order to learn. */
#ifndef CLR_TRAIN_LEARNER_MODEL_H
#define CLR_TRAIN_LEARNER_MODEL_H

#include "model/parameters.h"

/** Whether two models are alike but for their parameters. a: of the checkpoint at `path`, b: the
 *  trainer's. Returns: CLRNN_OK, CLRNN_ERR_FORMAT (the log names the field) */
clrnn_status clr_models_compare(const clrnn_model *a, const clrnn_model *b, const char *path);

#endif

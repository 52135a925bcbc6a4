/* SPDX-License-Identifier: MIT
 * tests/train/kinds.h - the kernels of math/loss.h as on a CPU and on a GPU, in each precision. */
#ifndef TEST_TRAIN_KINDS_H
#define TEST_TRAIN_KINDS_H

#include "array.h"
#include "math/loss.h"

/** Unit roundoff. */
double unit(clrnn_precision precision);

/** For each precision of the device, and for groups as on a CPU and on a GPU: `test`.
 *  max_count: of its sums. */
void each_kind(clrnn_context *context, size_t max_count, void (*test)(clr_loss *loss));

#endif

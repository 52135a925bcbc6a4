/* SPDX-License-Identifier: MIT
 * train/decode.h - how far labels are from those that were wanted. */
#ifndef CLR_TRAIN_DECODE_H
#define CLR_TRAIN_DECODE_H

#include <stdint.h>

/** Labels to insert, remove or change until a is b. row: scratch [b_count + 1] */
uint32_t clr_edit_distance(const int32_t *a, uint32_t a_count, const int32_t *b, uint32_t b_count,
                           uint32_t *row);

#endif

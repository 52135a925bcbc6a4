/* SPDX-License-Identifier: MIT
 * format/numbers.h - models that are JSON: reading the text, and arrays of numbers in it. */
#ifndef CLR_FORMAT_NUMBERS_H
#define CLR_FORMAT_NUMBERS_H

#include "format/format.h"
#include "model/json.h"

/* What stands beside a number as JSON is many times its size, so there is a limit. */
#define CLR_MOST_JSON ((size_t)64 << 20)

/** The object that a file is. On success *root is the caller's. Returns: CLRNN_OK, CLRNN_ERR_FORMAT
 */
clrnn_status clr_json_file(const clr_format_file *file, const clrnn_log *log, cJSON **root);

/** Fill [shape] from arrays in arrays; false if they are of another shape, or hold anything but
 *  numbers. */
bool clr_json_numbers(const cJSON *array, uint32_t rank, const uint64_t *shape, double *out);

/** The shape of arrays in arrays by the first of each, at most 8 deep; the rank. 0: no array. */
uint32_t clr_json_shape(const cJSON *array, uint64_t shape[CLRNN_MOST_AXES]);

/** The last element of an array of numbers, or a number, that is 1 to INT32_MAX. */
bool clr_json_last(const cJSON *item, uint32_t *value);

/** Whether all members of an object are among `known` (ended by NULL); else *other is one that is
 *  not, or "[0]" if it is an array, whose items have no names. */
bool clr_json_known(const cJSON *object, const char *const *known, const char **other);

/** The sample rate that a model says, as a number or as digits, in the object or in one of those in
 *  it that hold such things; 0: none. */
double clr_json_sample_rate(const cJSON *root);

#endif

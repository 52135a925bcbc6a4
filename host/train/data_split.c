/* SPDX-License-Identifier: MIT
 * train/data_split.c - the parts of a data set, and its scale, which the training part alone
 * decides.
 */
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/memory.h"
#include "model/tensors.h"
#include "train/data_set.h"

/* --- parts ---------------------------------------------------------------------------------- */

/* order = 0..count-1, shuffled by the seed (Fisher, Yates). */
static void shuffle(uint32_t *order, uint32_t count, uint64_t seed)
{
    for (uint32_t i = 0; i < count; i++)
        order[i] = i;
    for (uint32_t i = count; i > 1; i--) {
        const uint32_t r = clr_data_random(seed, 0x5eed, 0, i);
        const uint32_t j = (uint32_t)((uint64_t)r * i >> 32), other = order[j];
        order[j] = order[i - 1];
        order[i - 1] = other;
    }
}

/* Where a window with targets at every step shares some with the next part it is in none. */
static void separate(clrnn_data *data, uint32_t *parts)
{
    const uint32_t N = data->info.sequences;
    if (!data->window || data->info.target_at == CLRNN_TARGET_LAST)
        return;
    for (uint32_t n = N; n-- > 0;) {
        const uint32_t reach = n + data->window - 1 < N ? n + data->window - 1 : N - 1;
        if ((parts[reach] & 0x7f) != parts[n])
            parts[n] |= 0x80; /* marked, so that those before it still see its part */
    }
    for (uint32_t n = 0; n < N; n++)
        if (parts[n] & 0x80)
            parts[n] = CLR_PART_NONE;
}

/* The last `test` of the order, before them `validation`. Only those that are to train on. */
static void deal(uint32_t *parts, const uint32_t *order, uint32_t count, uint32_t validation,
                 uint32_t test)
{
    for (uint32_t i = 0; i < count; i++)
        parts[order[i]] = i >= count - test                ? CLRNN_PART_TEST
                          : i >= count - test - validation ? CLRNN_PART_VALIDATION
                                                           : CLRNN_PART_TRAIN;
}

static clrnn_status read_parts(const clrnn_data *data, const clrnn_split *split, uint32_t *parts)
{
    const clrnn_tensor *t = split->parts;
    const uint32_t N = data->info.sequences;
    if (t->rank != 1 || t->shape[0] != N)
        return clr_fail(&data->log, CLRNN_ERR_ARGUMENT,
                        "split: parts has shape %s, there are N=%" PRIu32 " sequences",
                        clr_show_shape(t->rank, t->shape).text, N);
    double *values = clr_calloc(N, sizeof *values);
    clrnn_status status =
        values ? CLRNN_OK : clr_fail(&data->log, CLRNN_ERR_MEMORY, "split: no memory");
    if (values)
        clrnn_tensor_to_f64(t, values);
    for (uint32_t n = 0; n < N && status == CLRNN_OK; n++)
        if (values[n] == 0 || values[n] == 1 || values[n] == 2)
            parts[n] = (uint32_t)values[n];
        else
            status = clr_fail(&data->log, CLRNN_ERR_RANGE,
                              "split: part %g of sequence %" PRIu32
                              " is not 0 (train), 1 (validation) or 2 (test)",
                              values[n], n);
    free(values);
    return status;
}

static clrnn_status check_split(const clrnn_data *data, const clrnn_split *split)
{
    const clrnn_log *log = &data->log;
    if (data->is_task)
        return clr_fail(log, CLRNN_ERR_ARGUMENT, "split: a task has its parts already");
    if (data->x_scale.mean || data->y_scale.mean)
        return clr_fail(log, CLRNN_ERR_ARGUMENT, "split: it must come before scaling");
    if (!(split->validation >= 0 && split->validation < 1 && split->test >= 0 && split->test < 1 &&
          split->validation + split->test < 1))
        return clr_fail(log, CLRNN_ERR_ARGUMENT,
                        "split: validation is %g and test %g, each must be in [0,1), together "
                        "below 1",
                        split->validation, split->test);
    if (split->parts && split->test > 0)
        return clr_fail(log, CLRNN_ERR_ARGUMENT,
                        "split: test is %g, but `parts` says what to test on", split->test);
    return CLRNN_OK;
}

/* Each part that is wanted, or not empty, has a sequence with a target. */
static clrnn_status check_counts(const clrnn_data *data, const clrnn_split *split,
                                 const uint32_t *parts)
{
    uint32_t counts[CLRNN_PART_COUNT + 1] = {0}, told[CLRNN_PART_COUNT + 1] = {0};
    const double wanted[] = {1, split->validation, split->test};
    static const char *const names[] = {"train on", "validate", "test"};
    char how[80] = "";
    for (uint32_t n = 0; n < data->info.sequences; n++) {
        counts[parts[n]]++;
        told[parts[n]] += clr_data_is_told(data, n);
    }
    for (int p = 0; p < CLRNN_PART_COUNT; p++) {
        if (told[p] > 0 || (counts[p] == 0 && wanted[p] == 0))
            continue;
        if (p != CLRNN_PART_TRAIN && wanted[p] > 0)
            snprintf(how, sizeof how, " (%s is %g; 0 holds none out)",
                     p == CLRNN_PART_TEST ? "test" : "validation", wanted[p]);
        return clr_fail(&data->log, CLRNN_ERR_RANGE,
                        "split: of %" PRIu32 " %s none%s is left to %s%s", data->info.sequences,
                        data->window ? "windows" : "sequences", counts[p] ? " with a target" : "",
                        names[p], how);
    }
    return CLRNN_OK;
}

clrnn_status clrnn_data_split(clrnn_data *data, const clrnn_split *split)
{
    if (!data || !split)
        return clr_fail(data ? &data->log : NULL, CLRNN_ERR_ARGUMENT,
                        "clrnn_data_split: %s is NULL", data ? "split" : "data");
    clrnn_status status = check_split(data, split);
    if (status != CLRNN_OK)
        return status;
    const uint32_t N = data->info.sequences;
    uint32_t *order = clr_calloc(N, sizeof *order), *parts = clr_calloc(N, sizeof *parts);
    if (!order || !parts)
        status = clr_fail(&data->log, CLRNN_ERR_MEMORY, "split: no memory");
    if (status == CLRNN_OK && split->parts)
        status = read_parts(data, split, parts);
    if (status == CLRNN_OK) {
        uint32_t count = 0;
        shuffle(order, N, split->seed);
        for (uint32_t i = 0; i < N; i++) {
            const uint32_t n = split->by_time ? i : order[i];
            if (parts[n] == CLRNN_PART_TRAIN)
                order[count++] = n;
        }
        const uint32_t test = (uint32_t)((double)N * split->test);
        deal(parts, order, count, (uint32_t)((double)count * split->validation), test);
        if (split->by_time)
            separate(data, parts);
        status = check_counts(data, split, parts);
    }
    for (uint32_t n = 0; n < N && status == CLRNN_OK; n++) {
        const bool idle = parts[n] == CLRNN_PART_TRAIN && !clr_data_is_told(data, n);
        data->examples[n].part = idle ? CLR_PART_NONE : parts[n];
    }
    if (status == CLRNN_OK)
        status = clr_data_collect(data);
    free(order);
    free(parts);
    return status;
}

/* --- scale ---------------------------------------------------------------------------------- */

static void free_scale(clr_scale *scale)
{
    free(scale->mean);
    free(scale->deviation);
    *scale = (clr_scale){0};
}

static clrnn_status make_scale(const clrnn_data *data, size_t columns, clr_scale *scale)
{
    scale->mean = clr_calloc(columns, sizeof *scale->mean);
    scale->deviation = clr_calloc(columns, sizeof *scale->deviation);
    if (scale->mean && scale->deviation)
        return CLRNN_OK;
    free_scale(scale);
    return clr_fail(&data->log, CLRNN_ERR_MEMORY, "data: no memory for a scale");
}

/* Row `i` of x, or of targets, of a sequence of the training part. */
typedef const double *row_of(const clrnn_data *data, const clr_example *e, uint32_t i);

static const double *x_row(const clrnn_data *data, const clr_example *e, uint32_t i)
{
    return data->x + (e->x_row + i) * data->info.inputs;
}

static const double *y_row(const clrnn_data *data, const clr_example *e, uint32_t i)
{
    return data->values + (e->target_row + i) * clr_data_values(data);
}

/* Mean and deviation of each column over the training part; what is missing is left out. */
static void measure(const clrnn_data *data, row_of *row, bool last, size_t columns,
                    clr_scale *scale)
{
    for (size_t k = 0; k < columns; k++) {
        double mean = 0, squares = 0, count = 0;
        for (uint32_t m = 0; m < data->info.part[CLRNN_PART_TRAIN]; m++) {
            const clr_example *e = &data->examples[data->members[CLRNN_PART_TRAIN][m]];
            for (uint32_t i = 0; i < (last ? 1 : e->length); i++) {
                const double v = row(data, e, i)[k];
                if (isnan(v))
                    continue;
                count++; /* B. P. Welford, Technometrics 4, 1962 */
                const double step = v - mean;
                mean += step / count;
                squares += step * (v - mean);
            }
        }
        const double deviation = count ? sqrt(squares / count) : 0;
        scale->mean[k] = mean;
        scale->deviation[k] = deviation > 0 ? deviation : 1;
    }
}

static void apply(const clr_scale *scale, double *values, size_t rows, size_t columns)
{
    for (size_t i = 0; i < rows * columns; i++)
        values[i] = (values[i] - scale->mean[i % columns]) / scale->deviation[i % columns];
}

/* Rows of x that there are: behind a length is whatever the caller left there. */
static size_t x_rows(const clrnn_data *data)
{
    const clr_example *e = &data->examples[data->info.sequences - 1];
    return e->x_row + e->length + (data->window ? data->horizon : 0);
}

static clrnn_status check_scaling(const clrnn_data *data, bool inputs, bool values)
{
    if (data->is_task)
        return clr_fail(&data->log, CLRNN_ERR_ARGUMENT, "data: a task is scaled already");
    if (values && (clr_data_is_classes(data) || data->info.loss == CLRNN_LOSS_BINARY))
        return clr_fail(&data->log, CLRNN_ERR_ARGUMENT, "data: classes and labels have no scale");
    if ((inputs && data->x_scale.mean) || (values && data->y_scale.mean))
        return clr_fail(&data->log, CLRNN_ERR_ARGUMENT, "data: it is scaled already");
    return CLRNN_OK;
}

clrnn_status clrnn_data_standardise(clrnn_data *data, bool inputs, bool values)
{
    if (!data)
        return CLRNN_ERR_ARGUMENT;
    const size_t I = data->info.inputs, O = clr_data_values(data);
    clrnn_status status = check_scaling(data, inputs, values);
    if (status == CLRNN_OK && inputs)
        status = make_scale(data, I, &data->x_scale);
    if (status == CLRNN_OK && values && data->values)
        status = make_scale(data, O, &data->y_scale);
    if (status != CLRNN_OK)
        return status;
    if (inputs) {
        measure(data, x_row, false, I, &data->x_scale);
        apply(&data->x_scale, data->x, x_rows(data), I);
    }
    if (values && data->values) {
        measure(data, y_row, data->info.target_at == CLRNN_TARGET_LAST, O, &data->y_scale);
        apply(&data->y_scale, data->values, data->target_rows, O);
    }
    return CLRNN_OK;
}

/* --- scale in files ------------------------------------------------------------------------- */

static clrnn_status add(clrnn_tensors *set, const char *name, const double *values, size_t count)
{
    return values ? clrnn_tensors_add(set, name, CLRNN_DTYPE_F64, 1, (uint64_t[]){count}, values)
                  : CLRNN_OK;
}

clrnn_status clrnn_data_scaling_to_tensors(const clrnn_data *data, clrnn_tensors *set)
{
    if (!data || !set)
        return clr_fail(data ? &data->log : NULL, CLRNN_ERR_ARGUMENT,
                        "clrnn_data_scaling_to_tensors: %s is NULL", data ? "set" : "data");
    const size_t I = data->info.inputs, O = clr_data_values(data);
    clrnn_status status = add(set, "scale.x_mean", data->x_scale.mean, I);
    if (status == CLRNN_OK)
        status = add(set, "scale.x_deviation", data->x_scale.deviation, I);
    if (status == CLRNN_OK)
        status = add(set, "scale.y_mean", data->y_scale.mean, O);
    if (status == CLRNN_OK)
        status = add(set, "scale.y_deviation", data->y_scale.deviation, O);
    return status;
}

static clrnn_status read_numbers(const clrnn_data *data, const clrnn_tensors *set, const char *name,
                                 size_t count, bool divides, double *out)
{
    const clrnn_tensor *t = clrnn_tensors_find(set, name);
    if (!t || t->rank != 1 || t->shape[0] != count)
        return clr_fail(&data->log, CLRNN_ERR_FORMAT,
                        "data: it has %zu %s, but tensor %s of the model is %s; it is made for "
                        "other data",
                        count, name[sizeof "scale." - 1] == 'x' ? "inputs" : "target values", name,
                        t ? clr_show_shape(t->rank, t->shape).text : "absent");
    clrnn_tensor_to_f64(t, out);
    for (size_t k = 0; k < count; k++)
        if (!isfinite(out[k]) || (divides && !(out[k] > 0)))
            return clr_fail(&data->log, CLRNN_ERR_FORMAT, "tensor %s: element %zu is %g", name, k,
                            out[k]);
    return CLRNN_OK;
}

static clrnn_status read_scale(const clrnn_data *data, const clrnn_tensors *set, const char *mean,
                               const char *deviation, size_t columns, clr_scale *scale)
{
    if (!clrnn_tensors_find(set, mean))
        return CLRNN_OK;
    clrnn_status status = make_scale(data, columns, scale);
    if (status == CLRNN_OK)
        status = read_numbers(data, set, mean, columns, false, scale->mean);
    if (status == CLRNN_OK)
        status = read_numbers(data, set, deviation, columns, true, scale->deviation);
    if (status != CLRNN_OK)
        free_scale(scale);
    return status;
}

clrnn_status clrnn_data_scaling_from_tensors(clrnn_data *data, const clrnn_tensors *set)
{
    if (!data || !set)
        return clr_fail(data ? &data->log : NULL, CLRNN_ERR_ARGUMENT,
                        "clrnn_data_scaling_from_tensors: %s is NULL", data ? "set" : "data");
    const bool x = clrnn_tensors_find(set, "scale.x_mean") != NULL;
    const bool y = clrnn_tensors_find(set, "scale.y_mean") != NULL;
    if (!x && !y)
        return CLRNN_OK;
    clr_scale x_scale = {0}, y_scale = {0};
    clrnn_status status = check_scaling(data, x, y);
    if (status == CLRNN_OK)
        status =
            read_scale(data, set, "scale.x_mean", "scale.x_deviation", data->info.inputs, &x_scale);
    if (status == CLRNN_OK)
        status = read_scale(data, set, "scale.y_mean", "scale.y_deviation", clr_data_values(data),
                            &y_scale);
    if (status != CLRNN_OK) {
        free_scale(&x_scale);
        free_scale(&y_scale);
        return status;
    }
    if (x) {
        data->x_scale = x_scale;
        apply(&x_scale, data->x, x_rows(data), data->info.inputs);
    }
    if (y)
        data->y_scale = y_scale;
    if (y && data->values)
        apply(&y_scale, data->values, data->target_rows, clr_data_values(data));
    return CLRNN_OK;
}

void clrnn_data_class_counts(const clrnn_data *data, uint64_t *counts)
{
    if (!data || !counts || !data->classes)
        return;
    memset(counts, 0, data->info.outputs * sizeof *counts);
    for (uint32_t m = 0; m < data->info.part[CLRNN_PART_TRAIN]; m++) {
        const clr_example *e = &data->examples[data->members[CLRNN_PART_TRAIN][m]];
        const uint32_t targets = data->info.target_at == CLRNN_TARGET_LAST ? 1 : e->length;
        for (uint32_t i = 0; i < targets; i++)
            if (data->classes[e->target_row + i] >= 0)
                counts[data->classes[e->target_row + i]]++;
    }
}

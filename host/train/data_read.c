/* SPDX-License-Identifier: MIT
 * train/data_read.c - a data set from tensors: shapes, lengths, targets, and what is wrong with
 * them.
 */
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/checked.h"
#include "base/log.h"
#include "base/memory.h"
#include "model/tensors.h"
#include "train/data_set.h"

#define MOST_CLASSES 1000000

/* A tensor of the set as double, and what is known of the sequences it is of. */
typedef struct reader {
    clrnn_data *data;
    const clrnn_data_desc *desc;
    uint32_t T, N; /* as the tensors have them: of a series 1 sequence of S steps */
    bool batch_first;
} reader;

static clrnn_status wrong_shape(const reader *r, const char *name, const clrnn_tensor *t,
                                const char *wanted)
{
    return clr_fail(&r->data->log, CLRNN_ERR_ARGUMENT, "data: %s has shape %s, must be %s", name,
                    clr_show_shape(t->rank, t->shape).text, wanted);
}

/* All elements as double, to be freed; NULL = no memory, logged. */
static double *doubles(const reader *r, const char *name, const clrnn_tensor *t)
{
    double *values = clr_calloc(t->count, sizeof *values);
    if (values)
        clrnn_tensor_to_f64(t, values);
    else
        clr_log(&r->data->log, CLRNN_LOG_ERROR, "data: no memory for %zu elements of %s", t->count,
                name);
    return values;
}

/* [T,N,width] in the order of the tensor becomes [N,T,width]; frees the first. */
static double *by_sequence(const reader *r, double *values, size_t width)
{
    const size_t T = r->T, N = r->N;
    if (!values || r->batch_first || N == 1)
        return values;
    double *out = clr_calloc(T * N * width, sizeof *out);
    for (size_t t = 0; out && t < T; t++)
        for (size_t n = 0; n < N; n++)
            memcpy(out + (n * T + t) * width, values + (t * N + n) * width, width * sizeof *out);
    if (!out)
        clr_log(&r->data->log, CLRNN_LOG_ERROR, "data: no memory for %zu elements", T * N * width);
    free(values);
    return out;
}

/* --- x -------------------------------------------------------------------------------------- */

static clrnn_status read_sizes(reader *r)
{
    const clrnn_tensor *x = r->desc->x;
    const bool series = r->desc->window != 0, single = x->rank == 2;
    if (series ? !single : !single && x->rank != 3)
        return wrong_shape(r, "x", x,
                           series           ? "[S,I], one long series"
                           : r->batch_first ? "[N,T,I], or [T,I] of one sequence"
                                            : "[T,N,I], or [T,I] of one sequence");
    const uint64_t T = single ? x->shape[0] : x->shape[r->batch_first ? 1 : 0];
    const uint64_t N = single ? 1 : x->shape[r->batch_first ? 0 : 1], I = x->shape[x->rank - 1];
    if (T < 1 || N < 1 || I < 1 || T > INT32_MAX || N > INT32_MAX || I > INT32_MAX)
        return wrong_shape(r, "x", x, "of sizes from 1 to 2147483647");
    r->T = (uint32_t)T;
    r->N = (uint32_t)N;
    r->data->info.inputs = (uint32_t)I;
    return CLRNN_OK;
}

/* A NaN or infinity within a sequence's length. */
static clrnn_status check_x(const reader *r)
{
    const clrnn_data *d = r->data;
    const size_t I = d->info.inputs;
    for (uint32_t n = 0; n < r->N; n++) {
        const uint32_t length = r->desc->window ? r->T : d->examples[n].length;
        const double *x = d->x + (size_t)n * r->T * I;
        for (size_t i = 0; i < length * I; i++)
            if (!isfinite(x[i]))
                return clr_fail(&d->log, CLRNN_ERR_RANGE,
                                "data: x is %g at step %zu of sequence %" PRIu32
                                ", input %zu; fill it in or leave the sequence out",
                                x[i], i / I, n, i % I);
    }
    return CLRNN_OK;
}

static bool is_integer(const clrnn_tensor *t)
{
    return t->dtype >= CLRNN_DTYPE_I8 && t->dtype <= CLRNN_DTYPE_BOOL;
}

static clrnn_status read_lengths(reader *r)
{
    clrnn_data *d = r->data;
    const clrnn_tensor *t = r->desc->lengths;
    d->examples = clr_calloc(r->N, sizeof *d->examples);
    if (!d->examples)
        return clr_fail(&d->log, CLRNN_ERR_MEMORY, "data: no memory for %" PRIu32 " sequences",
                        r->N);
    d->info.sequences = r->N;
    for (uint32_t n = 0; n < r->N; n++)
        d->examples[n].length = r->T;
    d->info.steps = r->T;
    if (!t)
        return CLRNN_OK;
    if (t->rank != 1 || t->shape[0] != r->N)
        return clr_fail(&d->log, CLRNN_ERR_ARGUMENT,
                        "data: lengths has shape %s, x has N=%" PRIu32 " sequences",
                        clr_show_shape(t->rank, t->shape).text, r->N);
    double *lengths = doubles(r, "lengths", t);
    clrnn_status status = lengths ? CLRNN_OK : CLRNN_ERR_MEMORY;
    d->info.steps = 0;
    for (uint32_t n = 0; n < r->N && status == CLRNN_OK; n++) {
        if (!(lengths[n] >= 1 && lengths[n] <= r->T && lengths[n] == floor(lengths[n])))
            status = clr_fail(&d->log, CLRNN_ERR_RANGE,
                              "data: length %g of sequence %" PRIu32 " is not 1 to T=%" PRIu32,
                              lengths[n], n, r->T);
        else
            d->examples[n].length = (uint32_t)lengths[n];
        d->info.ragged = d->info.ragged || d->examples[n].length != d->examples[0].length;
        if (d->examples[n].length > d->info.steps)
            d->info.steps = d->examples[n].length;
    }
    free(lengths);
    return status;
}

/* --- targets -------------------------------------------------------------------------------- */

/* Whether a tensor has the leading sizes of targets, and `more` dimensions behind them. */
static bool fits(const reader *r, const clrnn_tensor *t, uint32_t more)
{
    const bool last = r->desc->target_at == CLRNN_TARGET_LAST && !r->desc->window;
    const bool single = r->desc->x->rank == 2;
    if (last)
        return t->rank == 1 + more && t->shape[0] == r->N;
    if (single)
        return t->rank == 1 + more && t->shape[0] == r->T;
    return t->rank == 2 + more && t->shape[r->batch_first ? 1 : 0] == r->T &&
           t->shape[r->batch_first ? 0 : 1] == r->N;
}

static clrnn_status unfit(const reader *r, const char *name, const clrnn_tensor *t)
{
    const bool last = r->desc->target_at == CLRNN_TARGET_LAST && !r->desc->window;
    return clr_fail(&r->data->log, CLRNN_ERR_ARGUMENT,
                    "data: %s has shape %s, but x has T=%" PRIu32 " steps of N=%" PRIu32
                    " sequences and a target at %s",
                    name, clr_show_shape(t->rank, t->shape).text, r->T, r->N,
                    last ? "the last of each" : "every one");
}

static clrnn_status read_classes(reader *r, const double *values)
{
    clrnn_data *d = r->data;
    double most = -1;
    d->classes = clr_calloc(d->target_rows, sizeof *d->classes);
    if (!d->classes)
        return clr_fail(&d->log, CLRNN_ERR_MEMORY, "data: no memory for %zu targets",
                        d->target_rows);
    const uint32_t asked = r->desc->output_size;
    for (size_t i = 0; i < d->target_rows; i++) {
        const double limit = asked ? asked : MOST_CLASSES;
        const double v = isnan(values[i]) ? -1 : values[i];
        if (v >= limit || v != floor(v))
            return clr_fail(&d->log, CLRNN_ERR_RANGE,
                            "data: target %g (number %zu) is no class, a whole number below %g", v,
                            i, limit);
        d->classes[i] = v < 0 ? -1 : (int32_t)v;
        most = fmax(most, v);
    }
    if (most < 0)
        return clr_fail(&d->log, CLRNN_ERR_RANGE, "data: all targets are missing");
    d->info.outputs = asked ? asked : (uint32_t)most + 1;
    return CLRNN_OK;
}

static clrnn_status check_values(const clrnn_data *d, const double *values, bool *missing)
{
    const bool binary = d->info.loss == CLRNN_LOSS_BINARY;
    const size_t O = clr_data_values(d);
    size_t there = 0;
    for (size_t i = 0; i < d->target_rows * O; i++) {
        if (isinf(values[i]) || (binary && !isnan(values[i]) && (values[i] < 0 || values[i] > 1)))
            return clr_fail(&d->log, CLRNN_ERR_RANGE,
                            "data: target %g (number %zu, output %zu) is not %s", values[i], i / O,
                            i % O, binary ? "0 to 1" : "finite");
        there += !isnan(values[i]);
    }
    *missing = there < d->target_rows * O;
    return there ? CLRNN_OK : clr_fail(&d->log, CLRNN_ERR_RANGE, "data: all targets are missing");
}

/* Where the mask, in the order of sequences, is 0 a target is missing. */
static clrnn_status apply_mask(reader *r, double *values, size_t width)
{
    const clrnn_tensor *t = r->desc->mask;
    const bool every = r->desc->target_at == CLRNN_TARGET_EVERY || r->desc->window;
    if (!t)
        return CLRNN_OK;
    if (!fits(r, t, 0))
        return unfit(r, "mask", t);
    double *mask = doubles(r, "mask", t);
    if (every)
        mask = by_sequence(r, mask, 1);
    for (size_t i = 0; mask && i < r->data->target_rows * width; i++)
        if (mask[i / width] == 0)
            values[i] = NAN;
    free(mask);
    return mask ? CLRNN_OK : CLRNN_ERR_MEMORY;
}

/* Whatever stands behind a sequence's length is of no kind. */
static void clear_padding(const reader *r, double *values, size_t width, double nothing)
{
    for (uint32_t n = 0; n < r->N; n++)
        for (size_t i = r->data->examples[n].length * width; i < r->T * width; i++)
            values[(size_t)n * r->T * width + i] = nothing;
}

/* Targets of ctc, [N,S], as classes of each step: the first ones are the labels in order. */
static clrnn_status read_labels(reader *r)
{
    clrnn_data *d = r->data;
    const clrnn_tensor *t = r->desc->targets;
    const uint64_t S = t->rank ? t->shape[t->rank - 1] : 0;
    if (t->rank < 1 || t->rank > 2 || t->count != r->N * S)
        return clr_fail(&d->log, CLRNN_ERR_ARGUMENT,
                        "data: targets has shape %s, but labels of N=%" PRIu32
                        " sequences are [N,S]",
                        clr_show_shape(t->rank, t->shape).text, r->N);
    d->target_rows = (size_t)r->N * r->T;
    double *labels = doubles(r, "targets", t), *values = clr_calloc(d->target_rows, sizeof *values);
    clrnn_status status = labels && values ? CLRNN_OK : CLRNN_ERR_MEMORY;
    for (uint32_t n = 0; n < r->N && status == CLRNN_OK; n++)
        status = clr_data_place_labels(d, n, labels + n * S, S, r->T, values + (size_t)n * r->T);
    if (status == CLRNN_OK)
        status = read_classes(r, values);
    free(labels);
    free(values);
    return status;
}

static clrnn_status read_targets(reader *r)
{
    clrnn_data *d = r->data;
    const clrnn_tensor *t = r->desc->targets;
    const bool classes = clr_data_is_classes(d);
    const bool every = r->desc->target_at == CLRNN_TARGET_EVERY || r->desc->window;
    if (!t)
        return CLRNN_OK;
    if (d->info.loss == CLRNN_LOSS_CTC)
        return read_labels(r);
    const bool column = fits(r, t, 1) && t->shape[t->rank - 1] == 1;
    if (!fits(r, t, 0) && !column && (classes || !fits(r, t, 1)))
        return unfit(r, "targets", t);
    const uint64_t O = classes || fits(r, t, 0) ? 1 : t->shape[t->rank - 1];
    const uint64_t outputs = d->info.loss == CLRNN_LOSS_GAUSSIAN ? 2 * O : O;
    if (O < 1 || O > INT32_MAX / 2 ||
        (!classes && r->desc->output_size && r->desc->output_size != outputs))
        return clr_fail(&d->log, CLRNN_ERR_ARGUMENT,
                        "data: targets has %" PRIu64 " values, output_size is %" PRIu32, O,
                        r->desc->output_size);
    d->info.outputs = (uint32_t)outputs;
    d->target_rows = every ? (size_t)r->N * r->T : r->N;
    double *values = doubles(r, "targets", t);
    if (every)
        values = by_sequence(r, values, (size_t)O);
    clrnn_status status = values ? apply_mask(r, values, (size_t)O) : CLRNN_ERR_MEMORY;
    if (status == CLRNN_OK && every)
        clear_padding(r, values, (size_t)O, classes ? NAN : 0);
    if (status == CLRNN_OK)
        status = classes ? read_classes(r, values) : check_values(d, values, &d->info.missing);
    if (status == CLRNN_OK && !classes)
        d->values = values;
    else
        free(values);
    return status;
}

/* --- sequences ------------------------------------------------------------------------------ */

static void place_sequences(reader *r)
{
    for (uint32_t n = 0; n < r->N; n++) {
        clr_example *e = &r->data->examples[n];
        e->x_row = (size_t)n * r->T;
        e->target_row = r->desc->target_at == CLRNN_TARGET_LAST ? n : e->x_row;
    }
}

/* Window s takes steps s..s+W-1 of the series; the target after its step t is that of step
 * s+t+horizon. */
static clrnn_status place_windows(reader *r)
{
    clrnn_data *d = r->data;
    const uint32_t S = r->T, W = r->desc->window, horizon = r->desc->targets ? r->desc->horizon : 0;
    if (W > S || horizon > S - W)
        return clr_fail(&d->log, CLRNN_ERR_RANGE,
                        "data: a series of %" PRIu32 " steps has no window of %" PRIu32
                        " with a target %" PRIu32 " steps later",
                        S, W, horizon);
    const uint32_t count = S - W - horizon + 1;
    free(d->examples);
    d->examples = clr_calloc(count, sizeof *d->examples);
    if (!d->examples)
        return clr_fail(&d->log, CLRNN_ERR_MEMORY, "data: no memory for %" PRIu32 " windows",
                        count);
    for (uint32_t s = 0; s < count; s++) {
        const size_t first = (size_t)s + horizon;
        const bool last = r->desc->target_at == CLRNN_TARGET_LAST;
        d->examples[s] = (clr_example){s, last ? first + W - 1 : first, W, CLRNN_PART_TRAIN};
    }
    d->info.sequences = count;
    d->info.steps = d->window = W;
    d->horizon = horizon;
    return CLRNN_OK;
}

static clrnn_status check_desc(const clrnn_data_desc *desc, const clrnn_log *log)
{
    if ((unsigned)desc->loss > CLRNN_LOSS_CTC)
        return clr_fail(log, CLRNN_ERR_ARGUMENT, "data: loss %d is unknown, not in 0..%d",
                        (int)desc->loss, CLRNN_LOSS_CTC);
    if (clr_loss_is_of_sequences(desc->loss) &&
        (desc->target_at == CLRNN_TARGET_LAST || desc->window ||
         (desc->mask && desc->loss == CLRNN_LOSS_CTC)))
        return clr_fail(log, CLRNN_ERR_ARGUMENT,
                        "data: the loss %s is of all steps of whole sequences%s",
                        clr_loss_name(desc->loss),
                        desc->mask ? ", without a mask" : ", not of the last step or of windows");
    if ((unsigned)desc->target_at > CLRNN_TARGET_LAST)
        return clr_fail(log, CLRNN_ERR_ARGUMENT, "data: target_at %d is unknown, not in 0..%d",
                        (int)desc->target_at, CLRNN_TARGET_LAST);
    if (desc->precision != CLRNN_F32 && desc->precision != CLRNN_F64)
        return clr_fail(log, CLRNN_ERR_ARGUMENT, "data: precision %d is unknown, not in 0..%d",
                        (int)desc->precision, CLRNN_F64);
    if (desc->mask && !desc->targets)
        return clr_fail(log, CLRNN_ERR_ARGUMENT, "data: a mask without targets");
    if (desc->horizon && !desc->window)
        return clr_fail(log, CLRNN_ERR_ARGUMENT,
                        "data: horizon is %" PRIu32 ", which only windows of a series use",
                        desc->horizon);
    if (desc->window && desc->lengths)
        return clr_fail(log, CLRNN_ERR_ARGUMENT, "data: windows of a series have no lengths");
    if (desc->lengths && !is_integer(desc->lengths) && desc->lengths->dtype != CLRNN_DTYPE_F64)
        return clr_fail(log, CLRNN_ERR_ARGUMENT, "data: lengths is %s, must be integers",
                        clrnn_dtype_name(desc->lengths->dtype));
    return CLRNN_OK;
}

clrnn_status clr_data_read(clrnn_data *data, const clrnn_data_desc *desc)
{
    reader r = {.data = data, .desc = desc, .batch_first = desc->batch_first};
    data->info.loss = desc->loss;
    data->info.target_at = desc->target_at;
    clrnn_status status = check_desc(desc, &data->log);
    if (status == CLRNN_OK)
        status = read_sizes(&r);
    if (status == CLRNN_OK)
        status = read_lengths(&r);
    if (status == CLRNN_OK) {
        data->x = by_sequence(&r, doubles(&r, "x", desc->x), data->info.inputs);
        status = data->x ? check_x(&r) : CLRNN_ERR_MEMORY;
    }
    if (status == CLRNN_OK)
        status = read_targets(&r);
    if (status == CLRNN_OK && desc->window)
        status = place_windows(&r);
    else if (status == CLRNN_OK)
        place_sequences(&r);
    if (!desc->targets)
        data->info.outputs = desc->output_size;
    return status;
}

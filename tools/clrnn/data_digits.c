/* SPDX-License-Identifier: MIT
 * data_digits.c - images as rows of a table, a pixel a step: the digits of scikit-learn, of Kaggle.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "train_data.h"

#define MOST_LABEL 255

/* A table [N,columns], where its label is. */
typedef struct digits {
    const char *command, *path;
    size_t count, columns, label; /* label == columns: there is none */
    double *table;
} digits;

static bool is_label(const char *name, size_t length)
{
    static const char *const names[] = {"label", "target", "class", "digit"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (strlen(names[i]) == length && strncmp(names[i], name, length) == 0)
            return true;
    return false;
}

/* The column so called, else the last one. names: between commas, or NULL */
static size_t find_label(const char *names, size_t columns)
{
    size_t k = 0;
    for (const char *at = names; at && *at && k < columns; k++) {
        const size_t length = strcspn(at, ",");
        if (is_label(at, length))
            return k;
        at += length + (at[length] == ',');
    }
    return columns - 1;
}

static int choose_label(digits *d, const data_files *f, const char *names)
{
    d->label = f->targets ? d->columns : find_label(names, d->columns);
    if (f->pixels && f->pixels == d->columns)
        d->label = d->columns; /* to predict: nothing is known but the pixels */
    const size_t pixels = d->columns - (d->label < d->columns);
    if (pixels < 2 || (f->pixels && pixels != f->pixels))
        return tool_error("%s: --data %s: %zu columns are %zu pixels; %s", d->command, d->path,
                          d->columns, pixels,
                          f->pixels ? "the model was trained on another number" : "too few");
    return TOOL_OK;
}

static int split(const digits *d, float *x, uint8_t *labels)
{
    const size_t pixels = d->columns - (d->label < d->columns);
    for (size_t n = 0; n < d->count; n++) {
        size_t at = 0;
        for (size_t k = 0; k < d->columns; k++) {
            const double v = d->table[n * d->columns + k];
            if (k != d->label) {
                x[n * pixels + at++] = (float)v;
                continue;
            }
            if (!(v >= 0 && v <= MOST_LABEL && v == floor(v)))
                return tool_error("%s: --data %s: row %zu has the label %g, which must be an "
                                  "integer of 0..%d",
                                  d->command, d->path, n + 1, v, MOST_LABEL);
            labels[n] = (uint8_t)v;
        }
    }
    return TOOL_OK;
}

static clrnn_status add(const digits *d, const float *x, const uint8_t *labels, clrnn_tensors **set)
{
    const bool labelled = d->label < d->columns;
    clrnn_status status = clrnn_tensors_create(tool_log(), set);
    if (!status)
        status = clrnn_tensors_add(*set, "x", CLRNN_DTYPE_F32, 3,
                                   (uint64_t[]){d->count, d->columns - labelled, 1}, x);
    if (!status && labelled)
        status =
            clrnn_tensors_add(*set, "targets", CLRNN_DTYPE_U8, 1, (uint64_t[]){d->count}, labels);
    if (!status)
        status = clrnn_tensors_set_metadata(*set, "batch_first", "true");
    if (status)
        clrnn_tensors_destroy(set);
    return status;
}

int data_read_digits(const data_files *f, clrnn_tensors **set)
{
    digits d = {.command = f->command, .path = f->data};
    clrnn_tensors *read = NULL;
    clrnn_status status = clrnn_csv_load(f->data, NULL, tool_log(), &read);
    if (status)
        return tool_failed(status);
    const clrnn_tensor *table = clrnn_tensors_find(read, "");
    d.count = (size_t)table->shape[0];
    d.columns = (size_t)table->shape[1];
    int code = choose_label(&d, f, clrnn_tensors_metadata(read, "columns"));
    d.table = calloc(table->count + 1, sizeof *d.table);
    float *x = calloc(table->count + 1, sizeof *x);
    uint8_t *labels = calloc(d.count + 1, sizeof *labels);
    if (!code && (!d.table || !x || !labels))
        code = tool_no_memory();
    if (!code) {
        clrnn_tensor_to_f64(table, d.table);
        code = split(&d, x, labels);
    }
    if (!code && (status = add(&d, x, labels, set)))
        code = tool_failed(status);
    free(d.table);
    free(x);
    free(labels);
    clrnn_tensors_destroy(&read);
    return code;
}

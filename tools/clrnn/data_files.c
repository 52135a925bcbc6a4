/* SPDX-License-Identifier: MIT
 * data_files.c - the arrays of a data set, from .npy, .npz, .safetensors, .csv, .json and IDX
 * files.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "train_data.h"

static int keep(data_arrays *a, clrnn_tensors *set)
{
    a->sets[a->set_count++] = set;
    return TOOL_OK;
}

static int load(const data_files *f, data_arrays *a, const char *name, const char *path,
                clrnn_tensors **set)
{
    if (data_is_sound(path)) {
        int code = data_read_sound(f->command, path, name, f->window, &a->rate, set);
        a->batch_first = true;
        return code ? code : keep(a, *set);
    }
    if (tool_ends_with(path, ".txt"))
        return tool_error("%s: --%s %s: this is a text; --text learns its characters, and the name "
                          "of a table ends in .csv",
                          f->command, name, path);
    clrnn_status status = tool_ends_with(path, ".csv") ? clrnn_csv_load(path, NULL, tool_log(), set)
                                                       : clrnn_tensors_load(path, tool_log(), set);
    return status ? tool_failed(status) : keep(a, *set);
}

/* The tensor of one of two names, or the only one of an .npy file. */
static const clrnn_tensor *named(const clrnn_tensors *set, const char *name, const char *other)
{
    const clrnn_tensor *t = clrnn_tensors_find(set, name);
    t = t || !other ? t : clrnn_tensors_find(set, other);
    return t ? t : clrnn_tensors_find(set, "");
}

/* An array of a file of its own. */
static int read_array(const data_files *f, data_arrays *a, const char *option, const char *path,
                      const char *other, const clrnn_tensor **tensor)
{
    clrnn_tensors *set = NULL;
    if (!path)
        return TOOL_OK;
    int code = load(f, a, option, path, &set);
    if (code)
        return code;
    *tensor = named(set, option, other);
    if (!*tensor && clrnn_tensors_count(set) == 1)
        *tensor = clrnn_tensors_at(set, 0);
    if (!*tensor)
        return tool_error("%s: --%s %s: there are several arrays, and none is called %s",
                          f->command, option, path, option);
    return TOOL_OK;
}

/* Add an array of doubles to a set of its own. values: taken over. */
static int add_array(data_arrays *a, const char *name, uint32_t rank, const uint64_t *shape,
                     double *values, const clrnn_tensor **tensor)
{
    clrnn_tensors *set = NULL;
    clrnn_status status = values ? clrnn_tensors_create(tool_log(), &set) : CLRNN_ERR_MEMORY;
    if (!status)
        status = clrnn_tensors_add(set, name, CLRNN_DTYPE_F64, rank, shape, values);
    free(values);
    if (!status)
        *tensor = clrnn_tensors_find(set, name);
    else
        clrnn_tensors_destroy(&set);
    return status ? tool_failed(status) : keep(a, set);
}

/* --- tables --------------------------------------------------------------------------------- */

/* Columns of the table as [rows,count]. */
static int read_columns(const data_files *f, data_arrays *a, const char *columns,
                        const clrnn_tensor **tensor, const char **names)
{
    clrnn_tensors *set = NULL;
    clrnn_status status = clrnn_csv_load(f->data, columns, tool_log(), &set);
    if (status)
        return tool_failed(status);
    *tensor = clrnn_tensors_find(set, "");
    if (names)
        *names = clrnn_tensors_metadata(set, "columns");
    return keep(a, set);
}

/* Targets of a table: numbers, or classes that are words. */
static int read_targets(const data_files *f, data_arrays *a)
{
    clrnn_tensors *set = NULL;
    int code = f->series ? TOOL_OK : data_read_words(f, &set, a->classes);
    if (!set)
        return code ? code : read_columns(f, a, f->target_columns, &a->targets, NULL);
    a->targets = clrnn_tensors_find(set, "");
    keep(a, set);
    return code;
}

/* The rows one after the other as one column. */
static int flatten(data_arrays *a, const clrnn_tensor **t)
{
    double *values = calloc((*t)->count, sizeof *values);
    if (values)
        clrnn_tensor_to_f64(*t, values);
    return add_array(a, "flat", 2, (uint64_t[]){(*t)->count, 1}, values, t);
}

/* Rows whose `ids` agree are one sequence: first [sequences] is where each begins. */
static size_t find_groups(const double *ids, size_t rows, size_t *first, size_t *longest)
{
    size_t count = 0;
    *longest = 0;
    for (size_t i = 0; i < rows; i++) {
        if (i == 0 || ids[i] != ids[i - 1])
            first[count++] = i;
        const size_t length = i + 1 - first[count - 1];
        *longest = length > *longest ? length : *longest;
    }
    first[count] = rows;
    return count;
}

/* [rows,width] becomes [N,T,width], padded with 0. */
static int pad(data_arrays *a, const char *name, const clrnn_tensor **t, const size_t *first,
               size_t count, size_t longest)
{
    const size_t width = (*t)->shape[1];
    double *rows = calloc((*t)->count, sizeof *rows);
    double *out = calloc(count * longest * width, sizeof *out);
    if (rows && out) {
        clrnn_tensor_to_f64(*t, rows);
        for (size_t n = 0; n < count; n++)
            memcpy(out + n * longest * width, rows + first[n] * width,
                   (first[n + 1] - first[n]) * width * sizeof *out);
    }
    bool made = rows != NULL;
    free(rows);
    if (!made) {
        free(out);
        return tool_no_memory();
    }
    return add_array(a, name, 3, (uint64_t[]){count, longest, width}, out, t);
}

/* [rows,width] becomes [N], or [N,width]: the last row of each sequence. */
static int take_last(data_arrays *a, const clrnn_tensor **t, const size_t *first, size_t count)
{
    const size_t width = (*t)->shape[1];
    double *rows = calloc((*t)->count, sizeof *rows), *out = calloc(count * width, sizeof *out);
    if (!rows || !out) {
        free(rows);
        free(out);
        return tool_no_memory();
    }
    clrnn_tensor_to_f64(*t, rows);
    for (size_t n = 0; n < count; n++)
        memcpy(out + n * width, rows + (first[n + 1] - 1) * width, width * sizeof *out);
    free(rows);
    return add_array(a, "targets", width > 1 ? 2 : 1, (uint64_t[]){count, width}, out, t);
}

/* Sequences of a table: rows in a row with the same value in the column --group. */
static int group_rows(const data_files *f, data_arrays *a)
{
    clrnn_tensors *set = NULL;
    clrnn_status status = clrnn_csv_load_words(f->data, f->group, tool_log(), &set);
    if (status)
        return tool_failed(status);
    int code = keep(a, set);
    const clrnn_tensor *ids = clrnn_tensors_find(set, "");
    const size_t rows = ids->count;
    size_t *first = calloc(rows + 1, sizeof *first), longest = 0;
    double *values = calloc(rows, sizeof *values), *lengths = calloc(rows, sizeof *lengths);
    if (!first || !values || !lengths) {
        free(first);
        free(values);
        free(lengths);
        return tool_no_memory();
    }
    clrnn_tensor_to_f64(ids, values);
    const size_t count = find_groups(values, rows, first, &longest);
    for (size_t n = 0; n < count; n++)
        lengths[n] = (double)(first[n + 1] - first[n]);
    code = add_array(a, "lengths", 1, (uint64_t[]){count}, lengths, &a->lengths);
    if (!code)
        code = pad(a, "x", &a->x, first, count, longest);
    if (!code && a->targets)
        code = f->last ? take_last(a, &a->targets, first, count)
                       : pad(a, "targets", &a->targets, first, count, longest);
    a->batch_first = true;
    free(first);
    free(values);
    return code;
}

/* The columns that are left when targets and group are taken, unless something is said. */
static const char *input_columns(const data_files *f, char text[1000])
{
    if (f->columns)
        return f->columns;
    if (f->series || (!f->target_columns && !f->group))
        return NULL;
    snprintf(text, 1000, "!%s%s%s", f->target_columns ? f->target_columns : "",
             f->target_columns && f->group ? "," : "", f->group ? f->group : "");
    return text;
}

static int read_table(const data_files *f, data_arrays *a)
{
    char text[1000];
    const char *names = NULL;
    int code = read_columns(f, a, input_columns(f, text), &a->x, &names);
    if (!code && names)
        snprintf(a->columns, sizeof a->columns, "%s", names);
    if (!code && f->target_columns)
        code = read_targets(f, a);
    if (!code && f->flatten)
        code = flatten(a, &a->x);
    if (!code && f->series && !a->targets)
        a->targets = a->x;
    a->series = f->series;
    if (!code && f->group)
        code = group_rows(f, a);
    return code;
}

/* --- all ------------------------------------------------------------------------------------ */

static int check_use(const data_files *f, bool table)
{
    const struct {
        const char *name;
        bool given;
    } of_tables[] = {{"columns", f->columns},
                     {"target-columns", f->target_columns},
                     {"group", f->group},
                     {"flatten", f->flatten}};
    for (size_t i = 0; i < sizeof of_tables / sizeof *of_tables; i++)
        if (of_tables[i].given && !table)
            return tool_error("%s: --%s is of tables, and %s is no .csv", f->command,
                              of_tables[i].name, f->data);
    if (f->flatten && (f->group || f->target_columns))
        return tool_error("%s: --flatten makes one column of all; leave --group and "
                          "--target-columns out",
                          f->command);
    if (f->group && f->series)
        return tool_error("%s: --group is of sequences, --forecast of one long series", f->command);
    return TOOL_OK;
}

/* x, and what else there is in the same file. */
static int read_file(const data_files *f, data_arrays *a)
{
    clrnn_tensors *set = NULL;
    int code;
    if (tool_ends_with(f->data, ".json"))
        code = data_read_json(f->command, f->data, &set, a->classes);
    else if (f->digits && tool_ends_with(f->data, ".csv"))
        code = data_read_digits(f, &set);
    else if (data_is_idx(f->data))
        code = data_read_idx(f->command, f->data, f->targets, &set);
    else
        code = load(f, a, "x", f->data, &set);
    if (code)
        return code;
    if (a->set_count == 0 || a->sets[a->set_count - 1] != set)
        keep(a, set);
    a->x = named(set, "x", "X");
    if (!a->x)
        return tool_error("%s: --data %s: no array is called x", f->command, f->data);
    a->targets = clrnn_tensors_find(set, "targets");
    a->targets = a->targets ? a->targets : clrnn_tensors_find(set, "y");
    a->lengths = clrnn_tensors_find(set, "lengths");
    a->mask = clrnn_tensors_find(set, "mask");
    a->parts = clrnn_tensors_find(set, "parts");
    a->batch_first = a->batch_first || tool_ends_with(f->data, ".json") ||
                     clrnn_tensors_metadata(set, "batch_first");
    a->series = f->series;
    a->rolls = clrnn_tensors_metadata(set, "rolls") != NULL;
    if (f->series && !a->targets && a->x->rank == 2)
        a->targets = a->x;
    return TOOL_OK;
}

/* One long series may be a plain row of numbers. */
static int widen(data_arrays *a)
{
    if (!a->series || !a->x || a->x->rank != 1)
        return TOOL_OK;
    bool same = !a->targets || a->targets == a->x;
    int code = flatten(a, &a->x);
    if (same)
        a->targets = a->x;
    return code;
}

int data_read(const data_files *f, data_arrays *a)
{
    const bool table = tool_ends_with(f->data, ".csv") && !f->digits;
    *a = (data_arrays){.batch_first = f->batch_first};
    int code = check_use(f, table);
    if (!code)
        code = table ? read_table(f, a) : read_file(f, a);
    if (!code && !data_is_idx(f->data))
        code = read_array(f, a, "targets", f->targets, "y", &a->targets);
    if (!code)
        code = read_array(f, a, "lengths", f->lengths, NULL, &a->lengths);
    if (!code)
        code = read_array(f, a, "mask", f->mask, NULL, &a->mask);
    if (!code)
        code = read_array(f, a, "parts", f->parts, NULL, &a->parts);
    return code ? code : widen(a);
}

void data_free(data_arrays *a)
{
    for (size_t i = 0; i < a->set_count; i++)
        clrnn_tensors_destroy(&a->sets[i]);
    *a = (data_arrays){0};
}

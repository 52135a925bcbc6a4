/* SPDX-License-Identifier: MIT
 * clrnn/data_classes.c - classes that are words: of a table's column, and as a model knows them. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "train_data.h"

static bool is_number(const char *text)
{
    char *end;
    strtod(text, &end);
    return end != text && *end == 0;
}

/* A list between commas of words, a line each. */
static int list_words(const data_files *f, const char *words, char classes[2000])
{
    if (strchr(words, ','))
        return tool_error("%s: --target-columns %s: a class with a comma in its name", f->command,
                          f->target_columns);
    if (strlen(words) >= 2000)
        return tool_error("%s: --target-columns %s: the names of the classes are more than 2000 "
                          "bytes; is it no column of numbers?",
                          f->command, f->target_columns);
    strcpy(classes, words);
    for (char *c = classes; (c = strchr(c, '\n')) != NULL;)
        *c = ',';
    return TOOL_OK;
}

int data_read_words(const data_files *f, clrnn_tensors **set, char classes[2000])
{
    char first[130];
    clrnn_status status = clrnn_csv_load(f->data, f->target_columns, NULL, set);
    clrnn_tensors_destroy(set);
    if (status != CLRNN_ERR_FORMAT) /* numbers, or what is told when they are read */
        return TOOL_OK;
    status = clrnn_csv_load_words(f->data, f->target_columns, NULL, set);
    const char *words = status ? "" : clrnn_tensors_metadata(*set, "words");
    snprintf(first, sizeof first, "%.*s", (int)strcspn(words, "\n"), words);
    if (!status && *first && !is_number(first)) /* numbers come first: so none is one */
        return list_words(f, words, classes);
    clrnn_tensors_destroy(set);
    return TOOL_OK;
}

/* --- those of a model ----------------------------------------------------------------------- */

/* Where in a list between commas a name is; -1: nowhere. */
static int place_of(const char *list, const char *name, size_t length)
{
    int place = 0;
    for (const char *at = list; *at; place++) {
        const size_t here = strcspn(at, ",");
        if (here == length && strncmp(at, name, length) == 0)
            return place;
        at += here + (at[here] == ',');
    }
    return -1;
}

static uint32_t count_of(const char *list)
{
    uint32_t count = *list != 0;
    for (; *list; list++)
        count += *list == ',';
    return count;
}

/* Targets, of float64 in a set of a's, by the places of their names in `known`. */
static int renumber(data_arrays *a, const char *known, const char *path)
{
    int places[2000], count = 0;
    double *values = (double *)(uintptr_t)a->targets->data;
    for (const char *at = a->classes; *at; count++) {
        const size_t length = strcspn(at, ",");
        places[count] = place_of(known, at, length);
        if (places[count] < 0)
            return tool_error("train: the data has a class %.*s, but %s knows %.200s", (int)length,
                              at, path, known);
        at += length + (at[length] == ',');
    }
    for (size_t i = 0; i < a->targets->count; i++)
        if (!isnan(values[i]))
            values[i] = places[(int)values[i]];
    return TOOL_OK;
}

int data_match_classes(const train_options *o, data_arrays *a, const clrnn_tensors *model)
{
    const char *known = model ? clrnn_tensors_metadata(model, DATA_KEY "classes") : NULL;
    const char *path = o->resume ? o->resume : o->model;
    if (!known || !a->classes[0] || !a->targets || a->targets->dtype != CLRNN_DTYPE_F64)
        return TOOL_OK;
    if (strlen(known) >= sizeof a->classes)
        return tool_error("train: %s: names of classes of more than 2000 bytes", path);
    int code = strcmp(known, a->classes) == 0 ? TOOL_OK : renumber(a, known, path);
    if (!code)
        strcpy(a->classes, known);
    a->class_count = count_of(known);
    return code;
}

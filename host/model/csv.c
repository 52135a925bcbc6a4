/* SPDX-License-Identifier: MIT
 * model/csv.c - numbers from a table of text: comma-, semicolon- or tab-separated values, with or
 * without a line of names (RFC 4180). */
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/decimal.h"
#include "base/file.h"
#include "base/log.h"
#include "base/memory.h"
#include "model/csv_words.h"
#include "model/tensors.h"

#define MOST_COLUMNS 10000
#define MOST_FIELD   120 /* bytes of a field that matters */

typedef struct table {
    const clrnn_log *log;
    const char *path;
    const char *at, *end; /* what is left of the text */
    char comma;
    size_t line;    /* that `at` is in, from 1 */
    size_t columns; /* of the table */
    char **names;   /* [columns], owned */
    size_t *chosen; /* [count] columns to read, in their order */
    size_t count;
    clr_words *words; /* to be read in place of numbers; or NULL */
} table;

typedef struct field {
    char text[MOST_FIELD + 1]; /* without quotes and space around it, cut */
} field;

/* The next field of the line; *last: it is the last one. */
static field next_field(table *t, bool *last)
{
    field f = {{0}};
    size_t n = 0;
    while (t->at < t->end && *t->at == ' ')
        t->at++;
    const bool quoted = t->at < t->end && *t->at == '"';
    t->at += quoted;
    for (bool open = quoted; t->at < t->end; t->at++) {
        const char c = *t->at;
        if (open && c == '"' && t->at + 1 < t->end && t->at[1] == '"')
            t->at++; /* a quote within quotes */
        else if (open && c == '"') {
            open = false;
            continue;
        } else if (!open && (c == t->comma || c == '\n'))
            break;
        t->line += c == '\n';
        if (n < MOST_FIELD && c != '\r')
            f.text[n++] = c;
    }
    while (n > 0 && f.text[n - 1] == ' ')
        n--;
    f.text[n] = 0;
    *last = t->at >= t->end || *t->at == '\n';
    if (t->at < t->end)
        t->line += *t->at++ == '\n';
    return f;
}

/* A number, or nothing: "", "NA", "nan", which are missing. */
static bool number_of(const char *text, double *value)
{
    static const char *const missing[] = {"", "NA", "N/A", "NaN", "nan", "NAN", "null", "?"};
    char copy[MOST_FIELD + 8], *end; /* 8: a locale's point may have several bytes */
    for (size_t i = 0; i < sizeof missing / sizeof *missing; i++)
        if (strcmp(text, missing[i]) == 0) {
            *value = NAN;
            return true;
        }
    if (!strchr("+-.0123456789", *text) || strpbrk(text, "xX"))
        return false;
    *value = strtod(clr_decimal_local(text, strlen(text), copy, sizeof copy), &end);
    return *end == 0 && isfinite(*value);
}

static bool is_blank_line(const table *t)
{
    const char *c = t->at;
    while (c < t->end && (*c == ' ' || *c == '\r'))
        c++;
    return c == t->end || *c == '\n';
}

static void skip_blank_lines(table *t)
{
    while (t->at < t->end && is_blank_line(t)) {
        while (t->at < t->end && *t->at != '\n')
            t->at++;
        t->at += t->at < t->end;
        t->line++;
    }
}

/* --- names ---------------------------------------------------------------------------------- */

/* What separates fields: the most frequent of the candidates in the first line. */
static char find_comma(const table *t)
{
    static const char candidates[] = {',', ';', '\t'};
    size_t most = 0;
    char comma = ',';
    for (size_t i = 0; i < sizeof candidates; i++) {
        size_t count = 0;
        for (const char *c = t->at; c < t->end && *c != '\n'; c++)
            count += *c == candidates[i];
        if (count > most) {
            most = count;
            comma = candidates[i];
        }
    }
    return comma;
}

/* Columns are named by the first line, unless that is numbers: then by theirs, from 1. */
static clrnn_status read_names(table *t)
{
    const char *first = t->at;
    const size_t line = t->line;
    bool last = false, named = false;
    t->names = clr_calloc(MOST_COLUMNS, sizeof *t->names);
    if (!t->names)
        return clr_fail(t->log, CLRNN_ERR_MEMORY, "%s: no memory", t->path);
    while (!last) {
        double value;
        const field f = next_field(t, &last);
        if (t->columns == MOST_COLUMNS)
            return clr_fail(t->log, CLRNN_ERR_FORMAT, "%s: more than %d columns", t->path,
                            MOST_COLUMNS);
        named = named || !number_of(f.text, &value);
        if (!(t->names[t->columns++] = clr_strdup(f.text)))
            return clr_fail(t->log, CLRNN_ERR_MEMORY, "%s: no memory", t->path);
    }
    for (size_t k = 0; k < t->columns && !named; k++) {
        char number[24];
        snprintf(number, sizeof number, "%zu", k + 1);
        free(t->names[k]);
        t->names[k] = clr_strdup(number);
        if (!t->names[k])
            return clr_fail(t->log, CLRNN_ERR_MEMORY, "%s: no memory", t->path);
    }
    if (!named) {
        t->at = first;
        t->line = line;
    }
    return CLRNN_OK;
}

/* The column called so, else that of this number from 1; `columns` if there is none. */
static size_t find_column(const table *t, const char *name, size_t length)
{
    char text[24];
    for (size_t k = 0; k < t->columns; k++)
        if (strlen(t->names[k]) == length && strncmp(t->names[k], name, length) == 0)
            return k;
    for (size_t k = 0; k < t->columns; k++) {
        snprintf(text, sizeof text, "%zu", k + 1);
        if (strlen(text) == length && strncmp(text, name, length) == 0)
            return k;
    }
    return t->columns;
}

static clrnn_status no_column(const table *t, const char *name, size_t length)
{
    char names[400] = "";
    for (size_t k = 0; k < t->columns; k++) {
        const size_t used = strlen(names);
        snprintf(names + used, sizeof names - used, "%s%s", k ? ", " : "", t->names[k]);
    }
    return clr_fail(t->log, CLRNN_ERR_ARGUMENT, "%s: no column is called \"%.*s\"; there are %s",
                    t->path, (int)length, name, names);
}

/* One item of a choice: "NAME", "FROM-TO" or "FROM-". Adds to `wanted` [columns]. */
static clrnn_status choose_item(table *t, const char *item, size_t length, bool *wanted)
{
    size_t from = find_column(t, item, length), to = from;
    for (size_t dash = 1; dash < length && from == t->columns; dash++) {
        if (item[dash] != '-')
            continue;
        from = find_column(t, item, dash);
        to = dash + 1 == length ? t->columns - 1
                                : find_column(t, item + dash + 1, length - dash - 1);
        if (from == t->columns || to == t->columns)
            from = to = t->columns;
    }
    if (from == t->columns || to < from)
        return no_column(t, item, length);
    for (size_t k = from; k <= to; k++) {
        wanted[k] = true;
        t->chosen[t->count++] = k;
    }
    return CLRNN_OK;
}

/* choice: items between commas; "!" before them: all others. */
static clrnn_status choose(table *t, const char *choice)
{
    const bool others = choice && *choice == '!';
    bool *wanted = clr_calloc(t->columns, sizeof *wanted);
    t->chosen = clr_calloc(MOST_COLUMNS * 2, sizeof *t->chosen);
    clrnn_status status = wanted && t->chosen
                              ? CLRNN_OK
                              : clr_fail(t->log, CLRNN_ERR_MEMORY, "%s: no memory", t->path);
    for (const char *c = choice ? choice + others : ""; *c && status == CLRNN_OK;) {
        const size_t length = strcspn(c, ",");
        if (t->count + t->columns > MOST_COLUMNS * 2)
            status = clr_fail(t->log, CLRNN_ERR_ARGUMENT, "%s: more columns than %d", t->path,
                              MOST_COLUMNS);
        else
            status = choose_item(t, c, length, wanted);
        c += length + (c[length] == ',');
    }
    if (status == CLRNN_OK && (others || !choice || !*choice)) {
        t->count = 0;
        for (size_t k = 0; k < t->columns; k++)
            if (!wanted[k])
                t->chosen[t->count++] = k;
    }
    free(wanted);
    if (status == CLRNN_OK && t->count == 0)
        status = clr_fail(t->log, CLRNN_ERR_ARGUMENT, "%s: no column is left to read", t->path);
    return status;
}

/* --- numbers -------------------------------------------------------------------------------- */

/* One field as word `row`, of which there is room for. */
static clrnn_status read_word(table *t, size_t line, const field *f, size_t row)
{
    double number;
    if (strlen(f->text) == MOST_FIELD || strchr(f->text, '\n'))
        return clr_fail(t->log, CLRNN_ERR_FORMAT,
                        "%s: line %zu, column %s: a word of more than %d bytes, or than one line",
                        t->path, line, t->names[t->chosen[0]], MOST_FIELD - 1);
    const bool is_number = number_of(f->text, &number);
    return clr_words_put(t->words, row, f->text, is_number ? &number : NULL)
               ? CLRNN_OK
               : clr_fail(t->log, CLRNN_ERR_MEMORY, "%s: no memory", t->path);
}

/* One line into values [count], or as word `number`. row: [columns] scratch, which column goes
 * where. */
static clrnn_status read_row(table *t, field *row, double *values, size_t number)
{
    const size_t line = t->line;
    size_t found = 0;
    bool last = false;
    while (!last) {
        const field f = next_field(t, &last);
        if (found < t->columns)
            row[found] = f;
        found++;
    }
    if (found != t->columns)
        return clr_fail(t->log, CLRNN_ERR_FORMAT, "%s: line %zu has %zu columns, the first has %zu",
                        t->path, line, found, t->columns);
    if (t->words)
        return read_word(t, line, &row[t->chosen[0]], number);
    for (size_t i = 0; i < t->count; i++) {
        const size_t k = t->chosen[i];
        if (!number_of(row[k].text, &values[i]))
            return clr_fail(t->log, CLRNN_ERR_FORMAT,
                            "%s: line %zu, column %s: \"%s\" is no number; choose other columns",
                            t->path, line, t->names[k], clr_show(row[k].text).text);
    }
    return CLRNN_OK;
}

static size_t count_lines(const table *t)
{
    size_t lines = 1;
    for (const char *c = t->at; c < t->end; c++)
        lines += *c == '\n';
    return lines;
}

static clrnn_status read_numbers(table *t, clrnn_tensors *set)
{
    const size_t room = count_lines(t);
    double *values = clr_calloc(room * t->count, sizeof *values);
    field *row = clr_calloc(t->columns, sizeof *row);
    size_t rows = 0;
    clrnn_status status =
        values && row ? CLRNN_OK
                      : clr_fail(t->log, CLRNN_ERR_MEMORY, "%s: no memory for %zu x %zu numbers",
                                 t->path, room, t->count);
    if (status == CLRNN_OK && t->words && !(t->words->all = clr_calloc(room, sizeof(clr_word))))
        status = clr_fail(t->log, CLRNN_ERR_MEMORY, "%s: no memory for %zu words", t->path, room);
    for (skip_blank_lines(t); t->at < t->end && status == CLRNN_OK; skip_blank_lines(t)) {
        status = read_row(t, row, values + rows * t->count, rows);
        rows++;
    }
    if (status == CLRNN_OK && rows == 0)
        status = clr_fail(t->log, CLRNN_ERR_FORMAT, "%s: a table without rows", t->path);
    if (status == CLRNN_OK && t->words)
        status = clr_words_number(t->words, values, t->log, set);
    if (status == CLRNN_OK)
        status =
            clrnn_tensors_add(set, "", CLRNN_DTYPE_F64, 2, (uint64_t[]){rows, t->count}, values);
    free(values);
    free(row);
    return status;
}

static clrnn_status add_names(const table *t, clrnn_tensors *set)
{
    size_t size = 1;
    for (size_t i = 0; i < t->count; i++)
        size += strlen(t->names[t->chosen[i]]) + 1;
    char *text = clr_calloc(size, 1);
    if (!text)
        return clr_fail(t->log, CLRNN_ERR_MEMORY, "%s: no memory", t->path);
    for (size_t i = 0; i < t->count; i++) {
        if (i)
            strcat(text, ",");
        strcat(text, t->names[t->chosen[i]]);
    }
    clrnn_status status = clrnn_tensors_set_metadata(set, "columns", text);
    free(text);
    return status;
}

static clrnn_status read_table(table *t, const char *choice, clrnn_tensors *set)
{
    if (t->end - t->at >= 3 && memcmp(t->at, "\xef\xbb\xbf", 3) == 0)
        t->at += 3;
    if (memchr(t->at, 0, (size_t)(t->end - t->at)))
        return clr_fail(t->log, CLRNN_ERR_FORMAT, "%s: a byte is zero, so this is no text",
                        t->path);
    skip_blank_lines(t);
    t->comma = find_comma(t);
    clrnn_status status =
        t->at < t->end ? read_names(t)
                       : clr_fail(t->log, CLRNN_ERR_FORMAT, "%s: a table without rows", t->path);
    if (status == CLRNN_OK)
        status = choose(t, choice);
    if (status == CLRNN_OK && t->words && t->count != 1)
        status = clr_fail(t->log, CLRNN_ERR_ARGUMENT,
                          "%s: \"%s\" is %zu columns; words are read from one", t->path, choice,
                          t->count);
    if (status == CLRNN_OK)
        status = read_numbers(t, set);
    return status == CLRNN_OK ? add_names(t, set) : status;
}

/* words: to be read in place of numbers, or NULL. */
static clrnn_status load(const char *path, const char *columns, clr_words *words,
                         const clrnn_log *log, clrnn_tensors **set)
{
    void *data = NULL;
    size_t bytes = 0;
    clrnn_tensors *made = NULL;
    if (set)
        *set = NULL;
    const char *missing = !path ? "path" : !set ? "set" : words && !columns ? "column" : NULL;
    if (missing)
        return clr_fail(log, CLRNN_ERR_ARGUMENT, "clrnn_csv_load%s: %s is NULL",
                        words ? "_words" : "", missing);
    clrnn_status status = clr_file_read(path, log, &data, &bytes);
    table t = {.log = log, .path = path, .line = 1, .words = words};
    t.at = data;
    t.end = t.at ? t.at + bytes : NULL;
    if (status == CLRNN_OK)
        status = clrnn_tensors_create(log, &made);
    if (status == CLRNN_OK)
        status = read_table(&t, columns, made);
    for (size_t k = 0; k < t.columns; k++)
        free(t.names[k]);
    free(t.names);
    free(t.chosen);
    free(data);
    if (status != CLRNN_OK)
        clrnn_tensors_destroy(&made);
    *set = made;
    return status;
}

clrnn_status clrnn_csv_load(const char *path, const char *columns, const clrnn_log *log,
                            clrnn_tensors **set)
{
    return load(path, columns, NULL, log, set);
}

clrnn_status clrnn_csv_load_words(const char *path, const char *column, const clrnn_log *log,
                                  clrnn_tensors **set)
{
    clr_words words = {0};
    const clrnn_status status = load(path, column, &words, log, set);
    clr_words_free(&words);
    return status;
}

/* SPDX-License-Identifier: MIT
 * data_rolls.c - piano rolls in JSON: which notes sound at each step, to tell those of the next. */
#include <stdlib.h>

#include "train_data.h"

#define KEYS      88
#define FIRST_KEY 21 /* MIDI's number of the lowest one */

static const char *const part_names[][2] = {
    {"train", NULL}, {"valid", "validation"}, {"test", NULL}};

typedef struct rolls {
    const char *command, *path;
    size_t count, steps;                   /* N, T: a step less than the longest has */
    double *x, *targets, *lengths, *parts; /* [N,T,88] twice, [N] twice */
} rolls;

static const cJSON *part_of(const cJSON *root, int part)
{
    const cJSON *list = cJSON_GetObjectItemCaseSensitive(root, part_names[part][0]);
    return list || !part_names[part][1]
               ? list
               : cJSON_GetObjectItemCaseSensitive(root, part_names[part][1]);
}

bool data_is_rolls(const cJSON *root)
{
    const cJSON *list = part_of(root, 0);
    return cJSON_IsArray(list) && cJSON_IsArray(list->child);
}

/* The key of a note, or -1. */
static int key_of(const cJSON *note)
{
    const double key = cJSON_IsNumber(note) ? note->valuedouble - FIRST_KEY : -1;
    return key >= 0 && key < KEYS && key == (double)(int)key ? (int)key : -1;
}

/* Set the notes of step t, and what they are to the step before. */
static int put_step(rolls *r, const cJSON *notes, size_t n, size_t t, size_t length)
{
    const size_t row = (n * r->steps + t) * KEYS;
    if (!cJSON_IsArray(notes))
        return tool_error("%s: %s: sequence %zu, step %zu: no list of notes", r->command, r->path,
                          n, t);
    for (const cJSON *note = notes->child; note; note = note->next) {
        const int key = key_of(note);
        if (key < 0)
            return tool_error("%s: %s: sequence %zu, step %zu: a note that is not %d to %d",
                              r->command, r->path, n, t, FIRST_KEY, FIRST_KEY + KEYS - 1);
        if (t + 1 < length)
            r->x[row + (size_t)key] = 1;
        if (t > 0)
            r->targets[row - KEYS + (size_t)key] = 1;
    }
    return TOOL_OK;
}

static int measure(rolls *r, const cJSON *sequence)
{
    const int length = cJSON_GetArraySize(sequence);
    if (!cJSON_IsArray(sequence) || length < 2)
        return tool_error("%s: %s: sequence %zu is no list of two steps or more", r->command,
                          r->path, r->count);
    r->steps = (size_t)length - 1 > r->steps ? (size_t)length - 1 : r->steps;
    r->count++;
    return TOOL_OK;
}

static int fill(rolls *r, const cJSON *sequence, size_t n, int part)
{
    const size_t length = (size_t)cJSON_GetArraySize(sequence);
    size_t t = 0;
    int code = TOOL_OK;
    r->lengths[n] = (double)(length - 1);
    r->parts[n] = part;
    for (const cJSON *notes = sequence->child; notes && !code; notes = notes->next, t++)
        code = put_step(r, notes, n, t, length);
    return code;
}

static int walk(rolls *r, const cJSON *root, bool second)
{
    size_t n = 0;
    int code = TOOL_OK;
    for (int part = 0; part < 3; part++) {
        const cJSON *list = part_of(root, part);
        for (const cJSON *s = list ? list->child : NULL; s && !code; s = s->next, n++)
            code = second ? fill(r, s, n, part) : measure(r, s);
    }
    return code;
}

static int make_set(rolls *r, const cJSON *root, clrnn_tensors **set)
{
    r->x = calloc(r->count * r->steps, KEYS * sizeof(double));
    r->targets = calloc(r->count * r->steps, KEYS * sizeof(double));
    r->lengths = calloc(r->count, sizeof(double));
    r->parts = calloc(r->count, sizeof(double));
    if (!r->x || !r->targets || !r->lengths || !r->parts)
        return tool_no_memory();
    int code = walk(r, root, true);
    if (code)
        return code;
    clrnn_status status = clrnn_tensors_create(tool_log(), set);
    if (!status)
        status = data_add_sequences(*set, (uint64_t[]){r->count, r->steps, KEYS}, 3, r->x,
                                    r->targets, r->lengths, r->parts);
    if (!status)
        status = clrnn_tensors_set_metadata(*set, "rolls", "true");
    if (status)
        clrnn_tensors_destroy(set);
    return status ? tool_failed(status) : TOOL_OK;
}

int data_read_rolls(const char *command, const char *path, const cJSON *root, clrnn_tensors **set)
{
    rolls r = {.command = command, .path = path};
    int code = walk(&r, root, false);
    if (!code)
        code = make_set(&r, root, set);
    free(r.x);
    free(r.targets);
    free(r.lengths);
    free(r.parts);
    return code;
}

/* SPDX-License-Identifier: MIT
 * data_sources.c - sequences as JSON, and images in IDX files, as tensors. */
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "system.h"
#include "train_data.h"

#define MOST_CLASSES 200

/* A whole file, to be freed. */
static int read_all(const char *command, const char *path, char **data, size_t *size)
{
    FILE *file = system_open(path, "rb");
    *data = NULL;
    if (!file || fseek(file, 0, SEEK_END)) {
        if (file)
            fclose(file);
        return tool_error("%s: %s: cannot open it: %s", command, path, strerror(errno));
    }
    long bytes = ftell(file);
    rewind(file);
    *data = bytes < 0 ? NULL : malloc((size_t)bytes + 1);
    *size = *data ? fread(*data, 1, (size_t)bytes, file) : 0;
    bool whole = *data && *size == (size_t)bytes;
    fclose(file);
    if (!*data)
        return tool_no_memory();
    (*data)[*size] = 0;
    return whole ? TOOL_OK : tool_error("%s: %s: cannot read it", command, path);
}

/* --- JSON ----------------------------------------------------------------------------------- */

typedef struct sequences {
    const char *command, *path;
    size_t count, steps, inputs;
    char *classes[MOST_CLASSES]; /* in order */
    size_t class_count;
    double *x, *targets, *lengths, *parts; /* [N,T,I], [N] each */
} sequences;

static const char *const part_names[] = {"train", "validation", "test"};

static void label_of(const cJSON *item, char text[64])
{
    const cJSON *label = cJSON_GetObjectItemCaseSensitive(item, "label");
    if (cJSON_IsString(label))
        snprintf(text, 64, "%s", label->valuestring);
    else if (cJSON_IsNumber(label))
        snprintf(text, 64, "%.15g", label->valuedouble);
    else
        text[0] = 0;
}

/* Numbers before words, each in their order. */
static int compare_labels(const void *a, const void *b)
{
    const char *p = *(char *const *)a, *q = *(char *const *)b;
    char *p_end, *q_end;
    const double x = strtod(p, &p_end), y = strtod(q, &q_end);
    if (!*p_end && !*q_end && x != y)
        return x < y ? -1 : 1;
    return strcmp(p, q);
}

static int find_label(const sequences *s, const char *label)
{
    for (size_t k = 0; k < s->class_count; k++)
        if (strcmp(s->classes[k], label) == 0)
            return (int)k;
    return -1;
}

/* Sizes and labels. */
static int measure(sequences *s, const cJSON *item, size_t number)
{
    char label[64];
    const cJSON *x = cJSON_GetObjectItemCaseSensitive(item, "x");
    const int steps = cJSON_GetArraySize(x);
    label_of(item, label);
    if (!cJSON_IsArray(x) || steps < 1 || !label[0] || strchr(label, ','))
        return tool_error("%s: %s: sequence %zu: it needs \"label\" and \"x\", an array of steps",
                          s->command, s->path, number);
    for (const cJSON *row = x->child; row; row = row->next) {
        const int inputs = cJSON_GetArraySize(row);
        s->inputs = s->inputs ? s->inputs : (size_t)inputs;
        if (!cJSON_IsArray(row) || inputs < 1 || (size_t)inputs != s->inputs)
            return tool_error("%s: %s: sequence %zu has a step of %d numbers, the first has %zu",
                              s->command, s->path, number, inputs, s->inputs);
    }
    s->steps = (size_t)steps > s->steps ? (size_t)steps : s->steps;
    s->count++;
    if (find_label(s, label) >= 0)
        return TOOL_OK;
    if (s->class_count == MOST_CLASSES)
        return tool_error("%s: %s: more than %d labels", s->command, s->path, MOST_CLASSES);
    s->classes[s->class_count] = strdup(label);
    return s->classes[s->class_count++] ? TOOL_OK : tool_no_memory();
}

static int fill(sequences *s, const cJSON *item, size_t n, int part)
{
    char label[64];
    size_t t = 0;
    label_of(item, label);
    s->targets[n] = find_label(s, label);
    s->parts[n] = part;
    const cJSON *x = cJSON_GetObjectItemCaseSensitive(item, "x");
    for (const cJSON *row = x->child; row; row = row->next, t++) {
        size_t i = 0;
        for (const cJSON *v = row->child; v; v = v->next, i++) {
            if (!cJSON_IsNumber(v) && !cJSON_IsNull(v))
                return tool_error("%s: %s: sequence %zu, step %zu: not a number", s->command,
                                  s->path, n, t);
            s->x[(n * s->steps + t) * s->inputs + i] = cJSON_IsNull(v) ? NAN : v->valuedouble;
        }
    }
    s->lengths[n] = (double)t;
    return TOOL_OK;
}

/* Each sequence of the file. */
static int walk(sequences *s, const cJSON *root, bool second)
{
    size_t n = 0;
    int code = TOOL_OK;
    for (int part = 0; part < 3; part++) {
        const cJSON *list = cJSON_GetObjectItemCaseSensitive(root, part_names[part]);
        for (const cJSON *item = list ? list->child : NULL; item && !code; item = item->next, n++)
            code = second ? fill(s, item, n, part) : measure(s, item, n);
    }
    return code;
}

static int make_set(sequences *s, const cJSON *root, clrnn_tensors **set)
{
    s->x = calloc(s->count * s->steps, s->inputs * sizeof(double));
    s->targets = calloc(s->count, sizeof(double));
    s->lengths = calloc(s->count, sizeof(double));
    s->parts = calloc(s->count, sizeof(double));
    if (!s->x || !s->targets || !s->lengths || !s->parts)
        return tool_no_memory();
    qsort(s->classes, s->class_count, sizeof *s->classes, compare_labels);
    int code = walk(s, root, true);
    if (code)
        return code;
    clrnn_status status = clrnn_tensors_create(tool_log(), set);
    if (!status)
        status = data_add_sequences(*set, (uint64_t[]){s->count, s->steps, s->inputs}, 1, s->x,
                                    s->targets, s->lengths, s->parts);
    if (status)
        clrnn_tensors_destroy(set);
    return status ? tool_failed(status) : TOOL_OK;
}

int data_read_json(const char *command, const char *path, clrnn_tensors **set, char classes[2000])
{
    sequences s = {.command = command, .path = path};
    char *text;
    size_t size, used = 0;
    int code = read_all(command, path, &text, &size);
    if (code) {
        free(text);
        return code;
    }
    cJSON *root = cJSON_ParseWithLength(text, size);
    free(text);
    if (!cJSON_IsObject(root))
        code = tool_error("%s: %s: no JSON object", command, path);
    if (!code && data_is_rolls(root)) {
        code = data_read_rolls(command, path, root, set);
        cJSON_Delete(root);
        return code;
    }
    if (!code)
        code = walk(&s, root, false);
    if (!code && s.count == 0)
        code = tool_error("%s: %s: no sequences; it needs \"train\" and perhaps \"validation\" and "
                          "\"test\", lists of {\"label\":.., \"x\":[[..],..]}",
                          command, path);
    if (!code)
        code = make_set(&s, root, set);
    classes[0] = 0;
    for (size_t k = 0; k < s.class_count && used < 2000; k++)
        used += (size_t)snprintf(classes + used, 2000 - used, "%s%s", k ? "," : "", s.classes[k]);
    for (size_t k = 0; k < s.class_count; k++)
        free(s.classes[k]);
    free(s.x);
    free(s.targets);
    free(s.lengths);
    free(s.parts);
    cJSON_Delete(root);
    return code;
}

/* --- IDX ------------------------------------------------------------------------------------ */

bool data_is_idx(const char *path)
{
    unsigned char magic[4] = {1};
    FILE *file = tool_file_exists(path) ? system_open(path, "rb") : NULL;
    bool found = file && fread(magic, 1, sizeof magic, file) == sizeof magic && !magic[0] &&
                 !magic[1] && magic[2] == 8 && magic[3] >= 1 && magic[3] <= 4;
    if (file)
        fclose(file);
    return found;
}

static size_t big_endian(const unsigned char *p)
{
    return (size_t)p[0] << 24 | (size_t)p[1] << 16 | (size_t)p[2] << 8 | p[3];
}

/* Bytes of an IDX file: *count items of *each bytes. *data: to be freed, *body: in it. */
static int read_idx(const char *command, const char *path, char **data, const unsigned char **body,
                    size_t *count, size_t *each)
{
    size_t size;
    int code = read_all(command, path, data, &size);
    if (code)
        return code;
    const unsigned char *bytes = (const unsigned char *)*data;
    const size_t rank = size >= 4 ? bytes[3] : 0, head = 4 + 4 * rank;
    *each = 1;
    *count = size >= head && rank ? big_endian(bytes + 4) : 0;
    for (size_t d = 1; d < rank && size >= head; d++) {
        const size_t n = big_endian(bytes + 4 + 4 * d);
        *each = n && *each < ((size_t)1 << 24) && n < ((size_t)1 << 24) ? *each * n : 0;
    }
    *body = bytes + head;
    if (!*count || !*each || (size - head) / *each != *count || (size - head) % *each)
        return tool_error("%s: %s: its size does not fit its IDX header", command, path);
    return TOOL_OK;
}

int data_read_idx(const char *command, const char *path, const char *labels, clrnn_tensors **set)
{
    char *images = NULL, *names = NULL;
    const unsigned char *pixels, *classes;
    size_t count, each, class_count = 0, one = 1;
    float *x = NULL;
    int code = read_idx(command, path, &images, &pixels, &count, &each);
    if (!code && labels && !data_is_idx(labels))
        code = tool_error("%s: --targets %s: not an IDX file of labels", command, labels);
    if (!code && labels)
        code = read_idx(command, labels, &names, &classes, &class_count, &one);
    if (!code && labels && (class_count != count || one != 1))
        code = tool_error("%s: %s has %zu labels, %s %zu images", command, labels, class_count,
                          path, count);
    clrnn_status status = CLRNN_OK;
    if (!code && !(x = calloc(count * each, sizeof *x)))
        code = tool_no_memory();
    for (size_t i = 0; x && i < count * each; i++)
        x[i] = (float)pixels[i] / 255;
    if (!code)
        status = clrnn_tensors_create(tool_log(), set);
    if (!code && !status)
        status = clrnn_tensors_add(*set, "x", CLRNN_DTYPE_F32, 3, (uint64_t[]){count, each, 1}, x);
    if (!code && !status && labels)
        status =
            clrnn_tensors_add(*set, "targets", CLRNN_DTYPE_U8, 1, (uint64_t[]){count}, classes);
    if (!code && !status)
        status = clrnn_tensors_set_metadata(*set, "batch_first", "true");
    free(x);
    free(images);
    free(names);
    if (status)
        clrnn_tensors_destroy(set);
    return code ? code : status ? tool_failed(status) : TOOL_OK;
}

/* SPDX-License-Identifier: MIT
 * model/safetensors.c - safetensors files: named arrays, and named strings.
 *
 * 8 bytes length of the header, little-endian; the header, a JSON object
 *     {"__metadata__": {KEY: STRING..}, NAME: {"dtype": S, "shape": [..], "data_offsets": [B,E]}..}
 * padded with spaces; the data. Offsets count from the end of the header, and the tensors cover the
 * data without holes or overlap. https://github.com/huggingface/safetensors, "Format".
 *
 * cJSON sees one string or one tensor's entry at a time, so that a hostile header costs no more
 * memory than a few times its size. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/log.h"
#include "base/memory.h"
#include "model/json.h"
#include "model/tensors.h"

#define MAX_HEADER 100000000
#define MAX_ENTRY  1024 /* bytes of a tensor's entry; 250 are the most that it can need */

typedef struct reader {
    clrnn_tensors *set;
    const char *file;
    char *at, *end; /* what is left of the header; *end is 0; strings are decoded in place */
    const unsigned char *data; /* [data_bytes] */
    size_t data_bytes;
    bool has_metadata;
} reader;

static clrnn_status damaged(const reader *r, const char *what)
{
    return clr_fail(&r->set->log, CLRNN_ERR_FORMAT,
                    "%s: safetensors header: %s, %zu bytes before its end", r->file, what,
                    (size_t)(r->end - r->at));
}

/* --- the header ----------------------------------------------------------------------------- */

static void skip_space(reader *r)
{
    while (r->at < r->end && strchr(" \t\r\n", *r->at))
        r->at++;
}

static bool take(reader *r, char c)
{
    skip_space(r);
    bool found = r->at < r->end && *r->at == c;
    r->at += found;
    return found;
}

/* Read a string and leave it, decoded and ended by 0, in its own place in the header. */
static clrnn_status read_string(reader *r, const char *what, const char **string)
{
    if (!take(r, '"'))
        return damaged(r, what);
    char *first = r->at - 1;
    const char *end = NULL;
    cJSON *item = cJSON_ParseWithLengthOpts(first, (size_t)(r->end - first), &end, false);
    if (!item)
        return damaged(r, what);
    /* Never longer than the text it came from, which had two quotes more. */
    memcpy(first, item->valuestring, strlen(item->valuestring) + 1);
    cJSON_Delete(item);
    r->at = first + (end - first);
    *string = first;
    return CLRNN_OK;
}

/* Read {KEY: VALUE, ..}, leaving each value to `read_value`. */
static clrnn_status read_object(reader *r, clrnn_status (*read_value)(reader *r, const char *key))
{
    if (!take(r, '{'))
        return damaged(r, "expected {");
    if (take(r, '}'))
        return CLRNN_OK;
    do {
        const char *key = NULL;
        clrnn_status status = read_string(r, "expected a name in quotes", &key);
        if (status == CLRNN_OK && !take(r, ':'))
            status = damaged(r, "expected : after a name");
        if (status == CLRNN_OK)
            status = read_value(r, key);
        if (status != CLRNN_OK)
            return status;
    } while (take(r, ','));
    return take(r, '}') ? CLRNN_OK : damaged(r, "expected , or }");
}

static clrnn_status read_metadata(reader *r, const char *key)
{
    const char *value = NULL;
    clrnn_status status = read_string(r, "__metadata__: expected a string", &value);
    return status == CLRNN_OK ? clr_metadata_append(r->set, key, value) : status;
}

static clrnn_status bad_field(const reader *r, const char *name, const char *field,
                              const char *expected)
{
    return clr_fail(&r->set->log, CLRNN_ERR_FORMAT, "%s: tensor \"%s\", field %s: expected %s",
                    r->file, clr_show(name).text, field, expected);
}

static clrnn_status read_dtype(const reader *r, const cJSON *item, clrnn_tensor *t)
{
    if (!cJSON_IsString(item))
        return bad_field(r, t->name, "dtype", "a string");
    int d = 0;
    while (d < CLRNN_DTYPE_COUNT && strcmp(clr_dtypes[d].name, item->valuestring) != 0)
        d++;
    if (d == CLRNN_DTYPE_COUNT)
        return clr_fail(&r->set->log, CLRNN_ERR_FORMAT,
                        "%s: tensor \"%s\", field dtype: \"%s\" is not supported, only F16 F32 F64 "
                        "BF16, I8 to I64, U8 to U64 and BOOL",
                        r->file, clr_show(t->name).text, clr_show(item->valuestring).text);
    t->dtype = (clrnn_dtype)d;
    return CLRNN_OK;
}

/* Numbers of an array; false if there are more than `most`, or one is not a size. */
static bool read_numbers(const cJSON *array, uint32_t most, uint64_t *out, uint32_t *count)
{
    *count = 0;
    if (!cJSON_IsArray(array))
        return false;
    for (const cJSON *i = array->child; i; i = i->next)
        if (*count == most || !clr_json_integer(i, CLR_MAX_DIMENSION, &out[(*count)++]))
            return false;
    return true;
}

/* The tensor's data points into the file for now. */
static clrnn_status read_offsets(const reader *r, const cJSON *item, clrnn_tensor *t)
{
    uint64_t offset[2];
    uint32_t count;
    if (!read_numbers(item, 2, offset, &count) || count != 2)
        return bad_field(r, t->name, "data_offsets", "two whole numbers from 0 to 2^53");
    if (offset[0] > offset[1] || offset[1] > r->data_bytes)
        return clr_fail(&r->set->log, CLRNN_ERR_FORMAT,
                        "%s: tensor \"%s\", field data_offsets: %s in %zu bytes of data", r->file,
                        clr_show(t->name).text, clr_show_shape(2, offset).text, r->data_bytes);
    t->data = r->data + offset[0];
    if (!clr_tensor_measure(t) || t->bytes != offset[1] - offset[0])
        return clr_fail(&r->set->log, CLRNN_ERR_FORMAT,
                        "%s: tensor \"%s\": shape %s of type %s does not fit data_offsets %s",
                        r->file, clr_show(t->name).text, clr_show_shape(t->rank, t->shape).text,
                        clrnn_dtype_name(t->dtype), clr_show_shape(2, offset).text);
    return CLRNN_OK;
}

static clrnn_status read_fields(const reader *r, const cJSON *entry, clrnn_tensor *t)
{
    enum { DTYPE, SHAPE, OFFSETS, COUNT };
    static const char *const names[COUNT] = {"dtype", "shape", "data_offsets"};
    const cJSON *field[COUNT] = {NULL};
    for (const cJSON *i = entry->child; i; i = i->next)
        for (int f = 0; f < COUNT; f++)
            if (strcmp(i->string, names[f]) == 0) {
                if (field[f])
                    return bad_field(r, t->name, names[f], "it only once");
                field[f] = i;
            }
    for (int f = 0; f < COUNT; f++)
        if (!field[f])
            return bad_field(r, t->name, names[f], "it to be there");
    clrnn_status status = read_dtype(r, field[DTYPE], t);
    if (status != CLRNN_OK)
        return status;
    if (!read_numbers(field[SHAPE], CLRNN_MAX_RANK, t->shape, &t->rank))
        return bad_field(r, t->name, "shape", "at most 8 whole numbers from 0 to 2^53");
    return read_offsets(r, field[OFFSETS], t);
}

/* One member of the header. */
static clrnn_status read_member(reader *r, const char *name)
{
    if (strcmp(name, "__metadata__") == 0) {
        if (r->has_metadata)
            return damaged(r, "__metadata__ occurs twice");
        r->has_metadata = true;
        return read_object(r, read_metadata);
    }
    clrnn_tensor tensor = {.name = name};
    cJSON *entry = NULL;
    const char *end = NULL;
    if (take(r, '{')) {
        r->at--;
        size_t left = (size_t)(r->end - r->at);
        entry = cJSON_ParseWithLengthOpts(r->at, left < MAX_ENTRY ? left : MAX_ENTRY, &end, false);
    }
    clrnn_status status = entry ? read_fields(r, entry, &tensor)
                                : bad_field(r, name, "(all)", "a JSON object, at most 1024 bytes");
    if (status == CLRNN_OK) {
        r->at += end - r->at;
        status = clr_tensors_append(r->set, &tensor);
    }
    cJSON_Delete(entry);
    return status;
}

/* --- the whole ------------------------------------------------------------------------------ */

static int compare_strings(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static int compare_places(const void *a, const void *b)
{
    const clrnn_tensor *s = *(clrnn_tensor *const *)a, *t = *(clrnn_tensor *const *)b;
    if (s->data != t->data)
        return (const char *)s->data < (const char *)t->data ? -1 : 1;
    return s->bytes < t->bytes ? -1 : s->bytes > t->bytes;
}

static clrnn_status check_names(const reader *r, const char **keys)
{
    const size_t count = r->set->metadata_count;
    for (size_t i = 0; i < count; i++)
        keys[i] = r->set->metadata[i].key;
    qsort(keys, count, sizeof *keys, compare_strings);
    for (size_t i = 1; i < count; i++)
        if (strcmp(keys[i - 1], keys[i]) == 0)
            return clr_fail(&r->set->log, CLRNN_ERR_FORMAT, "%s: metadata \"%s\" occurs twice",
                            r->file, clr_show(keys[i]).text);
    const char *twice = clr_tensors_sort(r->set);
    if (twice)
        return clr_fail(&r->set->log, CLRNN_ERR_FORMAT, "%s: tensor \"%s\" occurs twice", r->file,
                        clr_show(twice).text);
    return CLRNN_OK;
}

/* order: [count] scratch. */
static clrnn_status check_places(const reader *r, clrnn_tensor **order)
{
    const unsigned char *next = r->data;
    const size_t count = r->set->count;
    for (size_t i = 0; i < count; i++)
        order[i] = r->set->tensors[i];
    qsort(order, count, sizeof *order, compare_places);
    for (size_t i = 0; i < count; i++) {
        if (order[i]->data != next)
            return bad_field(r, order[i]->name, "data_offsets",
                             "to begin where another tensor ends, without hole or overlap");
        next += order[i]->bytes;
    }
    if (next != r->data + r->data_bytes)
        return clr_fail(&r->set->log, CLRNN_ERR_FORMAT,
                        "%s: the last %zu bytes belong to no tensor", r->file,
                        (size_t)(r->data + r->data_bytes - next));
    return CLRNN_OK;
}

/* Move the data from the file to places of its own, each aligned. */
static clrnn_status keep_data(const reader *r)
{
    size_t total = 0; /* cannot overflow: a tensor's entry is about as long as what is added */
    for (size_t i = 0; i < r->set->count; i++)
        total += clr_aligned(r->set->tensors[i]->bytes);
    char *to = clr_tensors_keep(r->set, total);
    if (!to)
        return clr_fail(&r->set->log, CLRNN_ERR_MEMORY, "%s: no memory for %zu bytes of data",
                        r->file, r->data_bytes);
    for (size_t i = 0; i < r->set->count; i++) {
        clrnn_tensor *t = r->set->tensors[i];
        memcpy(to, t->data, t->bytes);
        t->data = to;
        to += clr_aligned(t->bytes);
    }
    return CLRNN_OK;
}

static clrnn_status read_header(reader *r)
{
    if (!clr_json_clean(r->at, (size_t)(r->end - r->at)))
        return damaged(r, "not UTF-8, or a control character");
    clrnn_status status = read_object(r, read_member);
    skip_space(r);
    if (status == CLRNN_OK && r->at != r->end)
        status = damaged(r, "expected nothing after }");
    if (status != CLRNN_OK)
        return status;

    const size_t names = r->set->count + r->set->metadata_count;
    void *scratch = clr_calloc(names, sizeof(void *));
    if (!scratch)
        return clr_fail(&r->set->log, CLRNN_ERR_MEMORY, "%s: no memory for %zu names", r->file,
                        names);
    status = check_names(r, scratch);
    if (status == CLRNN_OK)
        status = check_places(r, scratch);
    free(scratch);
    return status;
}

clrnn_status clr_safetensors_read(clrnn_tensors *set, const void *data, size_t bytes,
                                  const char *file)
{
    const unsigned char *in = data;
    uint64_t length = 0;
    if (bytes >= sizeof length)
        memcpy(&length, in, sizeof length);
    if (bytes < 8 || length > bytes - 8 || length > MAX_HEADER || length < 2 || in[8] != '{')
        return clr_fail(&set->log, CLRNN_ERR_FORMAT,
                        "%s: not safetensors: no header length followed by a header that begins "
                        "with { (%zu bytes, header length %" PRIu64 ")",
                        file, bytes, length);
    char *header = clr_tensors_keep(set, (size_t)length + 1);
    if (!header)
        return clr_fail(&set->log, CLRNN_ERR_MEMORY,
                        "%s: no memory for a header of %" PRIu64 " bytes", file, length);
    memcpy(header, in + 8, (size_t)length);
    reader r = {.set = set,
                .file = file,
                .at = header,
                .end = header + length,
                .data = in + 8 + length,
                .data_bytes = bytes - 8 - (size_t)length};
    clrnn_status status = read_header(&r);
    return status == CLRNN_OK ? keep_data(&r) : status;
}

/* --- writing -------------------------------------------------------------------------------- */

/* Larger elements first, so that each tensor is aligned to its elements, then in order of adding.
 * order: [count] */
static void choose_order(const clrnn_tensors *set, const clrnn_tensor **order)
{
    for (size_t size = 8, n = 0; size > 0; size /= 2)
        for (size_t i = 0; i < set->count; i++)
            if (clr_dtypes[set->tensors[i]->dtype].bytes == size)
                order[n++] = set->tensors[i];
}

static void write_header(const clrnn_tensors *set, const clrnn_tensor **order, clr_json *json)
{
    clr_json_put(json, "{");
    for (size_t i = 0; i < set->metadata_count; i++) {
        clr_json_put(json, i ? "," : "\"__metadata__\":{");
        clr_json_quote(json, set->metadata[i].key);
        clr_json_put(json, ":");
        clr_json_quote(json, set->metadata[i].value);
    }
    clr_json_put(json, set->metadata_count > 0 ? "}" : "");
    uint64_t offsets[2] = {0, 0};
    for (size_t i = 0; i < set->count; i++, offsets[0] = offsets[1]) {
        const clrnn_tensor *t = order[i];
        offsets[1] = offsets[0] + t->bytes;
        clr_json_put(json, i || set->metadata_count > 0 ? "," : "");
        clr_json_quote(json, t->name);
        clr_json_put(json, ":{\"dtype\":\"");
        clr_json_put(json, clr_dtypes[t->dtype].name);
        clr_json_put(json, "\",\"shape\":");
        clr_json_put(json, clr_show_shape(t->rank, t->shape).text);
        clr_json_put(json, ",\"data_offsets\":");
        clr_json_put(json, clr_show_shape(2, offsets).text);
        clr_json_put(json, "}");
    }
    clr_json_put(json, "}");
    while (json->length % 64 != 56 && !json->failed) /* the data then begins at a multiple of 64 */
        clr_json_put(json, " ");
}

clrnn_status clr_safetensors_write(const clrnn_tensors *set, const char *path)
{
    clrnn_status status = CLRNN_ERR_MEMORY;
    clr_json json = {0};
    const clrnn_tensor **order = clr_calloc(set->count, sizeof(clrnn_tensor *));
    clr_piece *pieces = clr_calloc(set->count + 2, sizeof *pieces);
    if (order) {
        choose_order(set, order);
        write_header(set, order, &json);
    }
    if (!order || !pieces || json.failed) {
        clr_fail(&set->log, status, "%s: no memory for a header of %zu tensors", path, set->count);
        goto done;
    }
    if (json.length > MAX_HEADER) {
        status = clr_fail(&set->log, CLRNN_ERR_ARGUMENT,
                          "%s: names and metadata take %zu bytes, more than %d", path, json.length,
                          MAX_HEADER);
        goto done;
    }
    const uint64_t length = json.length;
    pieces[0] = (clr_piece){&length, sizeof length};
    pieces[1] = (clr_piece){json.text, json.length};
    for (size_t i = 0; i < set->count; i++)
        pieces[i + 2] = (clr_piece){order[i]->data, order[i]->bytes};
    status = clr_file_write(path, pieces, set->count + 2, &set->log);
done:
    free(json.text);
    free(pieces);
    free(order);
    return status;
}

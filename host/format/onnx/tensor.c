/* SPDX-License-Identifier: MIT
 * format/onnx/tensor.c - tensors of a model: from fields, raw bytes, or a file beside it. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/memory.h"
#include "base/os.h"
#include "format/onnx/onnx.h"
#include "model/tensors.h"

/* --- types ------------------------------------------------------------------------------------ */

/* By the number in files: name, bytes, type, and what it is as a tensor of ours (-1: nothing). */
static const struct {
    const char *name;
    uint32_t bytes;
    onnx_type type;
    int dtype;
} types[] = {{"undefined", 0, ONNX_REAL, -1},
             {"float", 4, ONNX_REAL, CLRNN_DTYPE_F32},
             {"uint8", 1, ONNX_INT, CLRNN_DTYPE_U8},
             {"int8", 1, ONNX_INT, CLRNN_DTYPE_I8},
             {"uint16", 2, ONNX_INT, CLRNN_DTYPE_U16},
             {"int16", 2, ONNX_INT, CLRNN_DTYPE_I16},
             {"int32", 4, ONNX_INT, CLRNN_DTYPE_I32},
             {"int64", 8, ONNX_INT, CLRNN_DTYPE_I64},
             {"string", 0, ONNX_REAL, -1},
             {"bool", 1, ONNX_BOOL, CLRNN_DTYPE_U8},
             {"float16", 2, ONNX_REAL, CLRNN_DTYPE_F16},
             {"double", 8, ONNX_REAL, CLRNN_DTYPE_F64},
             {"uint32", 4, ONNX_INT, CLRNN_DTYPE_U32},
             {"uint64", 8, ONNX_INT, CLRNN_DTYPE_U64},
             {"complex64", 8, ONNX_REAL, -1},
             {"complex128", 16, ONNX_REAL, -1},
             {"bfloat16", 2, ONNX_REAL, CLRNN_DTYPE_BF16}};
#define TYPES (int32_t)(sizeof types / sizeof types[0])

const char *clr_onnx_type_name(int32_t data_type)
{
    return data_type >= 0 && data_type < TYPES ? types[data_type].name : "of an unknown type";
}

bool clr_onnx_type_of(int32_t data_type, onnx_type *type)
{
    if (data_type < 1 || data_type >= TYPES || types[data_type].dtype < 0)
        return false;
    *type = types[data_type].type;
    return true;
}

clrnn_function clr_onnx_bits_of(int32_t data_type)
{
    return data_type == 10   ? CLRNN_FN_TO_F16
           : data_type == 16 ? CLRNN_FN_TO_BF16
                             : CLRNN_FN_IDENTITY;
}

/* --- elements --------------------------------------------------------------------------------- */

/* Bytes as they are in memory. */
static bool from_bytes(const unsigned char *data, size_t bytes, int32_t data_type, size_t count,
                       double *out)
{
    if (bytes / types[data_type].bytes != count || bytes % types[data_type].bytes)
        return false;
    const clrnn_tensor tensor = {
        .dtype = (clrnn_dtype)types[data_type].dtype, .count = count, .bytes = bytes, .data = data};
    clrnn_tensor_to_f64(&tensor, out);
    return true;
}

/* int32_data holds all narrow types; those of 16 bits are bits. */
static bool from_int32(const ClrOnnx__Tensor *t, size_t count, double *out)
{
    if (t->n_int32_data != count)
        return false;
    for (size_t i = 0; i < count; i++) {
        const uint16_t bits = (uint16_t)t->int32_data[i];
        const unsigned char two[2] = {(unsigned char)bits, (unsigned char)(bits >> 8)};
        if (types[t->data_type].type == ONNX_REAL)
            (void)from_bytes(two, 2, t->data_type, 1, out + i);
        else
            out[i] = t->int32_data[i];
    }
    return true;
}

#define FROM(field)                               \
    do {                                          \
        for (size_t i = 0; i < t->n_##field; i++) \
            if (i < count)                        \
                out[i] = (double)t->field[i];     \
        return t->n_##field == count;             \
    } while (0)

static bool from_fields(const ClrOnnx__Tensor *t, size_t count, double *out)
{
    switch (t->data_type) {
    case 1:
        FROM(float_data);
    case 7:
        FROM(int64_data);
    case 11:
        FROM(double_data);
    case 12:
    case 13:
        FROM(uint64_data);
    default:
        return from_int32(t, count, out);
    }
}

/* --- a file beside the model ------------------------------------------------------------------ */

typedef struct place {
    const char *location;
    uint64_t offset, length;
    bool has_length;
} place;

static bool number(const char *text, uint64_t *out)
{
    *out = 0;
    if (!*text)
        return false;
    for (; *text; text++) {
        if (*text < '0' || *text > '9' || *out > (UINT64_MAX - 9) / 10)
            return false;
        *out = *out * 10 + (uint64_t)(*text - '0');
    }
    return true;
}

static bool read_place(const ClrOnnx__Tensor *t, place *p)
{
    *p = (place){0};
    for (size_t i = 0; i < t->n_external_data; i++) {
        const char *key = t->external_data[i]->key, *value = t->external_data[i]->value;
        if (!key || !value)
            return false;
        if (strcmp(key, "location") == 0)
            p->location = value;
        else if (strcmp(key, "offset") == 0 && !number(value, &p->offset))
            return false;
        else if (strcmp(key, "length") == 0)
            p->has_length = number(value, &p->length);
    }
    return p->location != NULL;
}

/* Whether a path stays in the folder of the model. */
static bool is_inside(const char *path)
{
    if (*path == '/' || *path == '\\' || strchr(path, ':'))
        return false;
    while (*path) {
        const size_t part = strcspn(path, "/\\");
        if (part == 2 && strncmp(path, "..", 2) == 0)
            return false;
        path += part;
        path += *path != 0;
    }
    return true;
}

/* Whether a folder of `path`, from its character `from` on, is a link. */
static bool goes_elsewhere(char *path, size_t from)
{
    bool link = false;
    for (size_t i = from; path[i] && !link; i++)
        if (clr_is_separator(path[i])) {
            const char kept = path[i];
            path[i] = 0;
            link = clr_is_link(path);
            path[i] = kept;
        }
    return link;
}

static clrnn_status from_file(const clr_format_file *file, const clrnn_log *log,
                              const ClrOnnx__Tensor *t, const char *what, size_t count, double *out)
{
    place p;
    void *data = NULL;
    size_t bytes = 0;
    if (!read_place(t, &p))
        return clr_fail(log, CLRNN_ERR_FORMAT, "%s: %s: its external data has no place", file->path,
                        what);
    if (!is_inside(p.location))
        return clr_fail(log, CLRNN_ERR_FORMAT,
                        "%s: %s: its data is at '%s', which is not in the folder of the model",
                        file->path, what, clr_show(p.location).text);
    const size_t folder = (size_t)(file->name - file->path);
    const size_t room = folder + strlen(p.location) + 1;
    char *path = clr_calloc(room, 1);
    if (!path)
        return clr_fail(log, CLRNN_ERR_MEMORY, "%s: out of memory", file->path);
    snprintf(path, room, "%.*s%s", (int)folder, file->path, p.location);
    const size_t most = p.has_length && p.length < SIZE_MAX ? (size_t)p.length : SIZE_MAX;
    clrnn_status status =
        goes_elsewhere(path, folder)
            ? clr_fail(log, CLRNN_ERR_FORMAT,
                       "%s: %s: its data is at '%s', behind a link out of the model's folder",
                       file->path, what, clr_show(p.location).text)
            : clr_file_read_part(path, p.offset, most, log, &data, &bytes);
    if (status == CLRNN_OK && p.has_length && bytes < p.length)
        status = clr_fail(log, CLRNN_ERR_FORMAT, "%s: %s lies past the end of %s", file->path, what,
                          path);
    if (status == CLRNN_OK && !from_bytes(data, bytes, t->data_type, count, out))
        status = clr_fail(log, CLRNN_ERR_FORMAT, "%s: %s: %s has other elements than its shape",
                          file->path, what, path);
    free(data);
    free(path);
    return status;
}

/* --- decoding --------------------------------------------------------------------------------- */

clrnn_status clr_onnx_decode(const clr_format_file *file, const clrnn_log *log,
                             const ClrOnnx__Tensor *t, const char *what, onnx_array *array)
{
    *array = (onnx_array){.rank = (uint32_t)t->n_dims};
    if (!clr_onnx_type_of(t->data_type, &array->type))
        return clr_fail(log, CLRNN_ERR_UNSUPPORTED, "%s: %s is %s, which is not supported",
                        file->path, what, clr_onnx_type_name(t->data_type));
    if (t->n_dims > CLRNN_MOST_AXES)
        return clr_fail(log, CLRNN_ERR_UNSUPPORTED, "%s: %s has %zu axes, more than %d", file->path,
                        what, t->n_dims, CLRNN_MOST_AXES);
    for (size_t i = 0; i < t->n_dims; i++) {
        if (t->dims[i] < 0)
            return clr_fail(log, CLRNN_ERR_FORMAT, "%s: %s: axis %zu is %lld", file->path, what, i,
                            (long long)t->dims[i]);
        array->size[i] = (uint64_t)t->dims[i];
    }
    const size_t count = clr_onnx_count(array);
    const bool external = t->data_location == 1;
    /* Before memory is taken: what the file says it has must be in it. */
    const size_t held = t->raw_data.len + 8 * (t->n_float_data + t->n_int32_data + t->n_int64_data +
                                               t->n_double_data + t->n_uint64_data);
    if (count == SIZE_MAX || (!external && count > held))
        return clr_fail(log, CLRNN_ERR_FORMAT, "%s: %s has other elements than its shape",
                        file->path, what);
    array->data = clr_calloc(count, sizeof *array->data);
    if (!array->data)
        return clr_fail(log, CLRNN_ERR_MEMORY, "%s: no memory for %s", file->path, what);
    clrnn_status status = CLRNN_OK;
    if (external)
        status = from_file(file, log, t, what, count, array->data);
    else if (!(t->has_raw_data
                   ? from_bytes(t->raw_data.data, t->raw_data.len, t->data_type, count, array->data)
                   : from_fields(t, count, array->data)))
        status = clr_fail(log, CLRNN_ERR_FORMAT, "%s: %s has other elements than its shape",
                          file->path, what);
    if (status != CLRNN_OK)
        clr_onnx_array_free(array);
    return status;
}

/* --- a file of one ---------------------------------------------------------------------------- */

static clrnn_status to_set(const clr_format_file *file, const ClrOnnx__Tensor *t,
                           const clrnn_log *log, clrnn_tensors **set)
{
    onnx_array a = {0};
    clrnn_status status = clr_onnx_decode(file, log, t, "its tensor", &a);
    if (status != CLRNN_OK)
        return status;
    const size_t count = clr_onnx_count(&a);
    const bool real = a.type == ONNX_REAL, narrow = real && t->data_type != 11;
    for (size_t i = 0; i < count; i++) { /* in place: what is written is no wider */
        const double x = a.data[i];
        const float single = (float)x;
        const int64_t whole = real           ? 0
                              : x >= 9.2e18  ? INT64_MAX
                              : x <= -9.2e18 ? INT64_MIN
                                             : (int64_t)x;
        if (narrow)
            memcpy((char *)a.data + i * sizeof single, &single, sizeof single);
        else if (!real)
            memcpy(&a.data[i], &whole, sizeof whole);
    }
    status = clrnn_tensors_create(log, set);
    if (status == CLRNN_OK)
        status = clrnn_tensors_add(*set, t->name ? t->name : "",
                                   narrow ? CLRNN_DTYPE_F32
                                   : real ? CLRNN_DTYPE_F64
                                          : CLRNN_DTYPE_I64,
                                   a.rank, a.size, a.data);
    clr_onnx_array_free(&a);
    if (status == CLRNN_OK)
        status = clrnn_tensors_set_metadata(*set, "type", clr_onnx_type_name(t->data_type));
    if (status != CLRNN_OK)
        clrnn_tensors_destroy(set);
    return status;
}

clrnn_status clrnn_onnx_tensor_load(const char *path, const clrnn_log *log, clrnn_tensors **set)
{
    if (set)
        *set = NULL;
    if (!path || !set)
        return clr_fail(log, CLRNN_ERR_ARGUMENT, "clrnn_onnx_tensor_load: %s is NULL",
                        path ? "set" : "path");
    void *data = NULL;
    clr_format_file file = {.path = path, .name = path};
    clrnn_status status = clr_file_read(path, log, &data, &file.bytes);
    ClrOnnx__Tensor *t =
        status == CLRNN_OK ? clr_onnx__tensor__unpack(NULL, file.bytes, data) : NULL;
    if (status == CLRNN_OK && !t)
        status = clr_fail(log, CLRNN_ERR_FORMAT, "%s: damaged: it is no ONNX tensor", path);
    if (status == CLRNN_OK)
        status = to_set(&file, t, log, set);
    if (t)
        clr_onnx__tensor__free_unpacked(t, NULL);
    free(data);
    return status;
}

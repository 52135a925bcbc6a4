/* SPDX-License-Identifier: MIT
 * model/npy.c - NumPy's .npy: one array, with its type and shape as a Python dictionary.
 *
 * Magic string, version (2 bytes), header length (2 bytes little-endian in version 1, 4 in 2 and
 * 3), header, data; see numpy.lib.format. The header holds exactly the keys descr, fortran_order
 * and shape. Big-endian and Fortran-ordered data are converted on reading. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/log.h"
#include "model/tensors.h"

typedef struct reader {
    const clrnn_log *log;
    const char *file;
    const char *at, *end; /* what is left of the header */
    clrnn_tensor tensor;
    bool big_endian, fortran;
} reader;

static clrnn_status damaged(const reader *r, const char *field, const char *expected)
{
    return clr_fail(r->log, CLRNN_ERR_FORMAT, "%s: .npy header, field %s: expected %s", r->file,
                    field, expected);
}

/* --- the header ----------------------------------------------------------------------------- */

static void skip_space(reader *r)
{
    while (r->at < r->end && strchr(" \t\r\n", *r->at) && *r->at)
        r->at++;
}

/* Move past `word` and the space before it, or stay. */
static bool take(reader *r, const char *word)
{
    skip_space(r);
    size_t length = strlen(word);
    if ((size_t)(r->end - r->at) < length || memcmp(r->at, word, length) != 0)
        return false;
    r->at += length;
    return true;
}

/* A Python string without escapes, in either kind of quotes. Too long for `out` is an error, for
 * every string that can be right is short. */
static bool take_string(reader *r, char out[32])
{
    skip_space(r);
    if (r->at == r->end || (*r->at != '\'' && *r->at != '"'))
        return false;
    const char quote = *r->at++;
    size_t n = 0;
    for (; r->at < r->end && *r->at != quote; r->at++) {
        if (n == 31 || *r->at == '\\' || *r->at < ' ' || *r->at > '~')
            return false;
        out[n++] = *r->at;
    }
    out[n] = 0;
    return r->at++ < r->end;
}

static bool take_number(reader *r, uint64_t *value)
{
    skip_space(r);
    const char *first = r->at;
    *value = 0;
    for (; r->at < r->end && *r->at >= '0' && *r->at <= '9'; r->at++) {
        if (*value > CLR_MAX_DIMENSION)
            return false;
        *value = *value * 10 + (uint64_t)(*r->at - '0');
    }
    bool found = r->at > first;
    (void)(found && take(r, "L")); /* a long integer of Python 2 */
    return found;
}

/* descr: byte order (< > = | or none), kind and size. */
static clrnn_status read_descr(reader *r)
{
    char descr[32];
    if (!take_string(r, descr))
        return damaged(r, "descr", "a string (structured types are not supported)");
    const char *kind = descr + (descr[0] && strchr("<>=|", descr[0]) != NULL);
    for (int d = 0; d < CLRNN_DTYPE_COUNT; d++)
        if (*clr_dtypes[d].npy && strcmp(clr_dtypes[d].npy + 1, kind) == 0) {
            r->tensor.dtype = (clrnn_dtype)d;
            r->big_endian = descr[0] == '>';
            return CLRNN_OK;
        }
    return clr_fail(r->log, CLRNN_ERR_FORMAT,
                    "%s: .npy header, field descr: type '%s' is not supported, only f2 f4 f8, "
                    "i1 to i8, u1 to u8 and b1",
                    r->file, descr);
}

static clrnn_status read_fortran_order(reader *r)
{
    r->fortran = take(r, "True");
    if (!r->fortran && !take(r, "False"))
        return damaged(r, "fortran_order", "True or False");
    return CLRNN_OK;
}

/* shape: a tuple, so one dimension is written (n,). */
static clrnn_status read_shape(reader *r)
{
    clrnn_tensor *t = &r->tensor;
    bool comma = true, ends = false;
    if (!take(r, "("))
        return damaged(r, "shape", "a tuple");
    while (!(ends = take(r, ")"))) {
        uint64_t size;
        if (!comma || !take_number(r, &size))
            return damaged(r, "shape", "numbers from 0 to 2^53 with commas between");
        if (t->rank == CLRNN_MAX_RANK)
            return clr_fail(r->log, CLRNN_ERR_FORMAT,
                            "%s: .npy header, field shape: more than %d dimensions", r->file,
                            CLRNN_MAX_RANK);
        t->shape[t->rank++] = size;
        comma = take(r, ",");
    }
    if (t->rank == 1 && !comma)
        return damaged(r, "shape", "a comma after the one number of a tuple");
    return CLRNN_OK;
}

static clrnn_status read_header(reader *r)
{
    static const struct {
        const char *name;
        clrnn_status (*read)(reader *r);
    } fields[] = {
        {"descr", read_descr}, {"fortran_order", read_fortran_order}, {"shape", read_shape}};
    enum { COUNT = sizeof fields / sizeof *fields };
    bool seen[COUNT] = {false}, comma = true;

    if (!take(r, "{"))
        return damaged(r, "(start)", "{");
    while (!take(r, "}")) {
        char key[32];
        if (!comma || !take_string(r, key) || !take(r, ":"))
            return damaged(r, "(key)", "'key': with commas between, then }");
        int i = 0;
        while (i < COUNT && strcmp(fields[i].name, key) != 0)
            i++;
        if (i == COUNT || seen[i])
            return damaged(r, key, "descr, fortran_order and shape, each once");
        seen[i] = true;
        clrnn_status status = fields[i].read(r);
        if (status != CLRNN_OK)
            return status;
        comma = take(r, ",");
    }
    for (int i = 0; i < COUNT; i++)
        if (!seen[i])
            return damaged(r, fields[i].name, "to be there");
    skip_space(r);
    return r->at == r->end ? CLRNN_OK : damaged(r, "(end)", "nothing after }");
}

/* --- the data ------------------------------------------------------------------------------- */

static void swap_bytes(unsigned char *data, size_t count, size_t size)
{
    for (size_t i = 0; i < count; i++, data += size)
        for (size_t low = 0, high = size - 1; low < high; low++, high--) {
            unsigned char kept = data[low];
            data[low] = data[high];
            data[high] = kept;
        }
}

/* out [shape] in C order = in [shape] in Fortran order, where the first dimension moves fastest. */
static void from_fortran(const clrnn_tensor *t, const unsigned char *in, unsigned char *out)
{
    const size_t size = clr_dtypes[t->dtype].bytes;
    size_t stride[CLRNN_MAX_RANK], index[CLRNN_MAX_RANK] = {0}, from = 0, step = 1;
    for (uint32_t d = 0; d < t->rank; step *= (size_t)t->shape[d++])
        stride[d] = step;
    for (size_t i = 0; i < t->count; i++) {
        memcpy(out + i * size, in + from * size, size);
        uint32_t d = t->rank; /* count up, the last dimension fastest */
        while (d-- > 0) {
            from += stride[d];
            if (++index[d] < t->shape[d])
                break;
            from -= stride[d] * index[d];
            index[d] = 0;
        }
    }
}

/* Set at and end to the header's, so that the data begins at `end`. */
static clrnn_status find_header(reader *r, const unsigned char *in, size_t bytes)
{
    if (bytes < 8 || in[6] < 1 || in[6] > 3 || in[7] != 0)
        return clr_fail(r->log, CLRNN_ERR_FORMAT, "%s: .npy version: expected 1.0, 2.0 or 3.0",
                        r->file);
    const size_t start = in[6] == 1 ? 10 : 12;
    size_t length = 0;
    for (size_t i = start; bytes >= start && i-- > 8;)
        length = length << 8 | in[i];
    if (bytes < start || length > bytes - start)
        return clr_fail(r->log, CLRNN_ERR_FORMAT,
                        "%s: .npy header length: %zu bytes, but the file has %zu", r->file, length,
                        bytes);
    r->at = (const char *)in + start;
    r->end = r->at + length;
    return CLRNN_OK;
}

static clrnn_status check_size(reader *r, size_t left)
{
    const clr_shape_text shape = clr_show_shape(r->tensor.rank, r->tensor.shape);
    if (!clr_tensor_measure(&r->tensor))
        return clr_fail(r->log, CLRNN_ERR_FORMAT, "%s: .npy header, field shape: %s is too large",
                        r->file, shape.text);
    if (r->tensor.bytes != left)
        return clr_fail(r->log, CLRNN_ERR_FORMAT,
                        "%s: .npy data: %zu bytes, but shape %s of type %s needs %zu", r->file,
                        left, shape.text, clrnn_dtype_name(r->tensor.dtype), r->tensor.bytes);
    return CLRNN_OK;
}

clrnn_status clr_npy_read(clrnn_tensors *set, const void *data, size_t bytes, const char *file)
{
    reader r = {.log = &set->log, .file = file, .tensor = {.name = ""}};
    clrnn_status status = find_header(&r, data, bytes);
    if (status == CLRNN_OK)
        status = read_header(&r);
    const size_t left = status == CLRNN_OK ? bytes - (size_t)(r.end - (const char *)data) : 0;
    if (status == CLRNN_OK)
        status = check_size(&r, left);
    if (status != CLRNN_OK)
        return status;

    unsigned char *out = clr_tensors_keep(set, left);
    if (!out)
        return clr_fail(r.log, CLRNN_ERR_MEMORY, "%s: no memory for %zu bytes of data", file, left);
    r.tensor.data = out;
    if (r.fortran)
        from_fortran(&r.tensor, (const unsigned char *)r.end, out);
    else
        memcpy(out, r.end, left);
    if (r.big_endian)
        swap_bytes(out, r.tensor.count, clr_dtypes[r.tensor.dtype].bytes);
    return clr_tensors_append(set, &r.tensor);
}

size_t clr_npy_header(const clrnn_tensor *t, char head[CLR_NPY_HEADER])
{
    const char *descr = clr_dtypes[t->dtype].npy;
    char shape[CLRNN_MAX_RANK * 22 + 2] = "";
    if (!*descr)
        return 0;
    for (uint32_t d = 0, n = 0; d < t->rank; d++)
        n += (uint32_t)snprintf(shape + n, sizeof shape - n, "%s%" PRIu64 "%s", d ? " " : "",
                                t->shape[d], t->rank == 1 || d + 1 < t->rank ? "," : "");
    int used =
        snprintf(head, CLR_NPY_HEADER,
                 "\x93NUMPY\x01%c%c%c{'descr': '%s', 'fortran_order': False, 'shape': (%s), }", 0,
                 0, 0, descr, shape);
    /* Spaces and a newline, so that the data begins at a multiple of 64 bytes. */
    const size_t size = ((size_t)used + 1 + 63) / 64 * 64;
    memset(head + used, ' ', size - (size_t)used);
    head[size - 1] = '\n';
    head[8] = (char)((size - 10) & 0xFF);
    head[9] = (char)((size - 10) >> 8);
    return size;
}

clrnn_status clr_npy_write(const clrnn_tensors *set, const char *path)
{
    char head[CLR_NPY_HEADER];
    if (set->count != 1 || set->metadata_count > 0)
        return clr_fail(&set->log, CLRNN_ERR_ARGUMENT,
                        "%s: .npy holds one tensor without metadata, not %zu tensors and %zu "
                        "strings; use .safetensors",
                        path, set->count, set->metadata_count);
    const clrnn_tensor *t = set->tensors[0];
    const size_t size = clr_npy_header(t, head);
    if (size == 0)
        return clr_fail(&set->log, CLRNN_ERR_UNSUPPORTED, "%s: .npy has no type %s", path,
                        clrnn_dtype_name(t->dtype));
    const clr_piece pieces[] = {{head, size}, {t->data, t->bytes}};
    return clr_file_write(path, pieces, 2, &set->log);
}

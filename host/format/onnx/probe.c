/* SPDX-License-Identifier: MIT
 * format/onnx/probe.c - see format/onnx/probe.h. */
#include "format/onnx/probe.h"

/* A varint at *at; false past the end or where it is too long. */
static bool varint(const clr_format_file *file, size_t *at, uint64_t *value)
{
    *value = 0;
    for (unsigned shift = 0; shift < 64 && *at < file->bytes; shift += 7) {
        const unsigned char byte = file->data[(*at)++];
        *value |= (uint64_t)(byte & 127) << shift;
        if (byte < 128)
            return true;
    }
    return false;
}

clr_match clr_onnx_probe(const clr_format_file *file)
{
    bool graph = false;
    uint64_t key = 0, size = 0;
    size_t at = 0;
    while (at < file->bytes) {
        if (!varint(file, &at, &key) || !varint(file, &at, &size))
            return CLR_MATCH_NO;
        const uint64_t field = key >> 3, type = key & 7;
        /* ir_version and model_version are numbers, all others messages or strings. */
        const bool number = field == 1 || field == 5;
        const bool known =
            (field >= 1 && field <= 8) || field == 14 || field == 20 || field == 25 || field == 26;
        if (!known || type != (number ? 0u : 2u))
            return CLR_MATCH_NO;
        if (type == 2 && size > file->bytes - at)
            return graph || field == 7 ? CLR_MATCH_MAYBE : CLR_MATCH_NO;
        at += type == 2 ? (size_t)size : 0;
        graph = graph || field == 7;
    }
    return graph ? CLR_MATCH_YES : CLR_MATCH_NO;
}

/* SPDX-License-Identifier: MIT
 * format/probe.c - what a file holds, seen without the library that reads it. */
#include <string.h>

#include "format/format.h"

static uint32_t u16_at(const unsigned char *p)
{
    return p[0] | (uint32_t)p[1] << 8;
}

static uint32_t u32_at(const unsigned char *p)
{
    return u16_at(p) | u16_at(p + 2) << 16;
}

enum { ZIP_END = 22, ZIP_ENTRY = 46, ZIP_COMMENT = 65535 };

/* Where the directory of a ZIP archive begins; `bytes` if there is none. */
static size_t zip_directory(const clr_format_file *file)
{
    if (file->bytes < ZIP_END || memcmp(file->data, "PK", 2) != 0)
        return file->bytes;
    const size_t last = file->bytes - ZIP_END;
    const size_t first = last > ZIP_COMMENT ? last - ZIP_COMMENT : 0;
    for (size_t at = last + 1; at-- > first;)
        if (memcmp(file->data + at, "PK\5\6", 4) == 0) {
            const size_t begin = u32_at(file->data + at + 16);
            return begin < at ? begin : file->bytes;
        }
    return file->bytes;
}

bool clr_zip_has(const clr_format_file *file, const char *name, bool ending)
{
    const size_t length = strlen(name);
    size_t at = zip_directory(file);
    while (file->bytes - at >= ZIP_ENTRY && memcmp(file->data + at, "PK\1\2", 4) == 0) {
        const unsigned char *entry = file->data + at;
        const size_t size = u16_at(entry + 28);
        const size_t all = ZIP_ENTRY + size + u16_at(entry + 30) + u16_at(entry + 32);
        if (all > file->bytes - at)
            return false;
        if ((ending ? size >= length : size == length) &&
            memcmp(entry + ZIP_ENTRY + size - length, name, length) == 0)
            return true;
        at += all;
    }
    return false;
}

bool clr_json_has(const clr_format_file *file, const char *key)
{
    const size_t length = strlen(key);
    int depth = 0;
    const char *text = (const char *)file->data, *end = text + file->bytes;
    for (const char *p = text; p < end; p++) {
        if (*p == '{' || *p == '[')
            depth++;
        else if (*p == '}' || *p == ']')
            depth--;
        else if (depth == 0 && !strchr(" \t\r\n", *p))
            return false;
        if (*p != '"')
            continue;
        const char *begin = ++p;
        while (p < end && *p != '"')
            p += *p == '\\' && p + 1 < end ? 2 : 1;
        const char *colon = p + (p < end);
        while (colon < end && strchr(" \t\r\n", *colon) && *colon)
            colon++;
        if (depth == 1 && (size_t)(p - begin) == length && memcmp(begin, key, length) == 0 &&
            colon < end && *colon == ':')
            return true;
    }
    return false;
}
